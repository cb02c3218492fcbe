//! Case mapping of whole strings, and the case questions asked of them.

use super::character::{
    in_ranges, is_alnum, is_alpha, is_assigned, is_case_ignorable, is_cased, is_decimal, is_digit,
    is_identifier_continue, is_identifier_start, is_lower, is_numeric, is_printable, is_space, is_title, is_upper,
};
use super::tables::FOLD_THROUGH_UPPER;
use super::wtf8::{code_points, push_code_point};

const CAPITAL_SIGMA: u32 = 0x3A3;
const FINAL_SIGMA: u32 = 0x3C2;

/// Appends a mapping unless it leads to code points this Unicode version does not know yet.
fn push_mapping(out: &mut Vec<u8>, code: u32, mapping: impl Iterator<Item = char> + Clone) {
    if is_assigned(code) && mapping.clone().all(|c| is_assigned(u32::from(c))) {
        mapping.for_each(|c| push_code_point(out, u32::from(c)));
    } else {
        push_code_point(out, code);
    }
}

fn push_upper(out: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(c) if c.is_ascii() => out.push(code.to_le_bytes()[0].to_ascii_uppercase()),
        Some(c) => push_mapping(out, code, c.to_uppercase()),
        None => push_code_point(out, code),
    }
}

/// The lower case of a code point on its own (without the final sigma rule).
fn push_lower(out: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(c) if c.is_ascii() => out.push(code.to_le_bytes()[0].to_ascii_lowercase()),
        Some(c) => push_mapping(out, code, c.to_lowercase()),
        None => push_code_point(out, code),
    }
}

/// Title case where it is not simply "upper case, then lower case for what follows".
fn special_title(code: u32) -> Option<u32> {
    Some(match code {
        0x1C4..=0x1C6 => 0x1C5,
        0x1C7..=0x1C9 => 0x1C8,
        0x1CA..=0x1CC => 0x1CB,
        0x1F1..=0x1F3 => 0x1F2,
        0x10D0..=0x10FA | 0x10FD..=0x10FF => code,
        0x1F80..=0x1FAF => code | 8,
        0x1FB3 | 0x1FBC => 0x1FBC,
        0x1FC3 | 0x1FCC => 0x1FCC,
        0x1FF3 | 0x1FFC => 0x1FFC,
        _ => return None,
    })
}

fn push_title(out: &mut Vec<u8>, code: u32) {
    if let Some(special) = special_title(code) {
        return push_code_point(out, special);
    }
    // The one whose leading apostrophe does not take the capital.
    if code == 0x149 {
        return push_upper(out, code);
    }
    let mut upper = Vec::new();
    push_upper(&mut upper, code);
    for (index, part) in code_points(&upper).enumerate() {
        match part {
            _ if index == 0 => push_code_point(out, part),
            // A subscript iota stays a mark in title case.
            0x399 => push_code_point(out, 0x345),
            _ => push_lower(out, part),
        }
    }
}

/// Is the capital sigma between `before` and `after` the last letter of its word?
fn is_final_sigma(before: &[u8], after: &[u8]) -> bool {
    let letter_before = code_points(before).rev().find(|code| !is_case_ignorable(*code));
    let letter_after = code_points(after).find(|code| !is_case_ignorable(*code));
    letter_before.is_some_and(is_cased) && !letter_after.is_some_and(is_cased)
}

/// Lower case inside `text`, where `at..next` holds `code`.
fn push_lower_in(out: &mut Vec<u8>, text: &[u8], at: usize, code: u32) {
    if code == CAPITAL_SIGMA {
        let (before, rest) = text.split_at_checked(at).unwrap_or((text, &[]));
        if is_final_sigma(before, rest.get(2..).unwrap_or_default()) {
            return push_code_point(out, FINAL_SIGMA);
        }
    }
    push_lower(out, code);
}

fn map(text: &[u8], mut push: impl FnMut(&mut Vec<u8>, usize, u32)) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (at, code) in super::wtf8::char_indices(text) {
        push(&mut out, at, code);
    }
    out
}

pub fn upper(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    map(text, |out, _, code| push_upper(out, code))
}

pub fn lower(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    map(text, |out, at, code| push_lower_in(out, text, at, code))
}

pub fn capitalize(text: &[u8]) -> Vec<u8> {
    map(text, |out, at, code| if at == 0 { push_title(out, code) } else { push_lower_in(out, text, at, code) })
}

pub fn title(text: &[u8]) -> Vec<u8> {
    let mut inside_word = false;
    map(text, |out, at, code| {
        if inside_word {
            push_lower_in(out, text, at, code);
        } else {
            push_title(out, code);
        }
        inside_word = is_cased(code);
    })
}

pub fn swapcase(text: &[u8]) -> Vec<u8> {
    map(text, |out, at, code| {
        if is_upper(code) {
            push_lower_in(out, text, at, code);
        } else if is_lower(code) {
            push_upper(out, code);
        } else {
            push_code_point(out, code);
        }
    })
}

fn push_folded(out: &mut Vec<u8>, code: u32) {
    match code {
        0x1E9E => out.extend(b"ss"),
        // Cherokee folds to its capitals, which came first.
        0x13A0..=0x13FD | 0xAB70..=0xABBF => push_upper(out, code),
        _ if in_ranges(FOLD_THROUGH_UPPER, code) => {
            let mut upper = Vec::new();
            push_upper(&mut upper, code);
            code_points(&upper).for_each(|part| push_lower(out, part));
        }
        _ => push_lower(out, code),
    }
}

pub fn casefold(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    map(text, |out, _, code| push_folded(out, code))
}

fn all(text: &[u8], test: impl Fn(u32) -> bool) -> bool {
    !text.is_empty() && code_points(text).all(test)
}

pub fn isalpha(text: &[u8]) -> bool {
    all(text, is_alpha)
}

pub fn isdecimal(text: &[u8]) -> bool {
    all(text, is_decimal)
}

pub fn isdigit(text: &[u8]) -> bool {
    all(text, is_digit)
}

pub fn isnumeric(text: &[u8]) -> bool {
    all(text, is_numeric)
}

pub fn isalnum(text: &[u8]) -> bool {
    all(text, is_alnum)
}

pub fn isspace(text: &[u8]) -> bool {
    all(text, is_space)
}

/// True for the empty string too.
pub fn isprintable(text: &[u8]) -> bool {
    code_points(text).all(is_printable)
}

pub fn isidentifier(text: &[u8]) -> bool {
    let mut codes = code_points(text);
    codes.next().is_some_and(is_identifier_start) && codes.all(is_identifier_continue)
}

/// At least one code point of the wanted case, and none of the others.
fn only_case(text: &[u8], wanted: impl Fn(u32) -> bool, refused: impl Fn(u32) -> bool) -> bool {
    let mut seen = false;
    for code in code_points(text) {
        if refused(code) || is_title(code) {
            return false;
        }
        seen |= wanted(code);
    }
    seen
}

pub fn isupper(text: &[u8]) -> bool {
    only_case(text, is_upper, is_lower)
}

pub fn islower(text: &[u8]) -> bool {
    only_case(text, is_lower, is_upper)
}

pub fn istitle(text: &[u8]) -> bool {
    let (mut seen, mut inside_word) = (false, false);
    for code in code_points(text) {
        if is_upper(code) || is_title(code) {
            if inside_word {
                return false;
            }
            (seen, inside_word) = (true, true);
        } else if is_lower(code) {
            if !inside_word {
                return false;
            }
        } else {
            inside_word = false;
        }
    }
    seen
}

/// `bytes.title`; the other bytes methods are `[u8]`'s own ASCII ones.
pub fn title_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut inside_word = false;
    let step = |byte: &u8| {
        let mapped = if inside_word { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() };
        inside_word = byte.is_ascii_alphabetic();
        mapped
    };
    bytes.iter().map(step).collect()
}

pub fn capitalize_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_ascii_lowercase();
    if let Some(first) = out.first_mut() {
        first.make_ascii_uppercase();
    }
    out
}

pub fn swapcase_bytes(bytes: &[u8]) -> Vec<u8> {
    let swap = |byte: &u8| if byte.is_ascii_alphabetic() { byte ^ 0x20 } else { *byte };
    bytes.iter().map(swap).collect()
}

pub fn istitle_bytes(bytes: &[u8]) -> bool {
    // Bytes past 127 have no case, just as a str made of a neutral character.
    let neutral: Vec<u8> = bytes.iter().map(|byte| if byte.is_ascii() { *byte } else { b' ' }).collect();
    istitle(&neutral)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_agree_with_python() {
        type Row = (fn(&[u8]) -> Vec<u8>, &'static str, &'static str);
        let rows: &[Row] = &[
            (upper, "straße ŉ ﬃ", "STRASSE ʼN FFI"),
            (lower, "ΑΣ ΑΣΑ Σ ΑΣ'", "ας ασα σ ας'"),
            (lower, "İI", "i̇i"),
            (title, "they're bill's ǆ ﬀ ᾳ", "They'Re Bill'S ǅ Ff ᾼ"),
            (capitalize, "ßABC ΑΣ", "Ssabc ας"),
            (swapcase, "aBc ΑΣ ß ǅ", "AbC ας SS ǅ"),
            (casefold, "Straße ẞ Ꭰ ꭰ ſ ΐ", "strasse ss Ꭰ Ꭰ s ι\u{308}\u{301}"),
        ];
        for (function, input, expected) in rows {
            assert_eq!(String::from_utf8_lossy(&function(input.as_bytes())), *expected, "{input}");
        }
    }

    #[test]
    fn questions_agree_with_python() {
        assert!(istitle("They'Re ǅ".as_bytes()) && !istitle(b"tHe") && !istitle(b"1"));
        assert!(isupper("ABC1 Ⅷ".as_bytes()) && !isupper("ABC ǅ".as_bytes()) && !isupper(b""));
        assert!(isidentifier("_é1".as_bytes()) && !isidentifier(b"1a") && !isidentifier(b""));
        assert!(isprintable(b"") && !isalpha(b"") && istitle_bytes(b"Ab\xFFCd"));
        assert_eq!(title_bytes(b"ab'cd"), b"Ab'Cd");
        assert_eq!(capitalize_bytes(b"aBC"), b"Abc");
        assert_eq!(swapcase_bytes(b"aB@`"), b"Ab@`");
    }
}
