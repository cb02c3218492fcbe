//! What a code point is: letter, digit, space, printable ... by Unicode 15.1, as Python 3.13 sees it.
//!
//! General categories come from `unicode-general-category`, a single table without dependencies; identifier
//! properties from `unicode-ident`, which procedural macros bring along anyway; case from the standard library.

use unicode_general_category::{GeneralCategory, get_general_category};

use super::tables::{ASSIGNED, DECIMAL_ZEROS, NUMERIC_LETTERS, OTHER_DIGITS};

pub(super) fn in_ranges(bounds: &[u32], code: u32) -> bool {
    bounds.partition_point(|bound| *bound <= code) % 2 == 1
}

/// Does Unicode 15.1 assign this code point?
pub fn is_assigned(code: u32) -> bool {
    in_ranges(ASSIGNED, code)
}

fn assigned_char(code: u32) -> Option<char> {
    char::from_u32(code).filter(|c| is_assigned(u32::from(*c)))
}

/// The general category; unassigned code points are `Unassigned`.
pub fn category(code: u32) -> GeneralCategory {
    match char::from_u32(code) {
        // Became a spacing mark later.
        Some('\u{1171E}') => GeneralCategory::NonspacingMark,
        None if super::wtf8::is_surrogate(code) => GeneralCategory::Surrogate,
        Some(c) if c.is_ascii() || is_assigned(code) => get_general_category(c),
        _ => GeneralCategory::Unassigned,
    }
}

pub fn is_alpha(code: u32) -> bool {
    use GeneralCategory::*;
    if code < 0x80 {
        return (code as u8).is_ascii_alphabetic();
    }
    matches!(category(code), UppercaseLetter | LowercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter)
}

/// The value of a decimal digit (category Nd).
pub fn decimal_value(code: u32) -> Option<u8> {
    if code < 0x80 {
        return (code as u8).is_ascii_digit().then(|| code as u8 - b'0');
    }
    let after = DECIMAL_ZEROS.partition_point(|zero| *zero <= code);
    let zero = DECIMAL_ZEROS.get(after.checked_sub(1)?)?;
    u8::try_from(code - zero).ok().filter(|digit| *digit < 10)
}

pub fn is_decimal(code: u32) -> bool {
    decimal_value(code).is_some()
}

pub fn is_digit(code: u32) -> bool {
    is_decimal(code) || in_ranges(OTHER_DIGITS, code)
}

pub fn is_numeric(code: u32) -> bool {
    use GeneralCategory::*;
    if code < 0x80 {
        return (code as u8).is_ascii_digit();
    }
    matches!(category(code), DecimalNumber | LetterNumber | OtherNumber) || NUMERIC_LETTERS.binary_search(&code).is_ok()
}

pub fn is_alnum(code: u32) -> bool {
    is_alpha(code) || is_numeric(code)
}

/// White space of str: `isspace`, `split`, `strip`, number parsing.
#[inline]
pub fn is_space(code: u32) -> bool {
    match code {
        9..=13 | 28..=32 | 0x85 | 0xA0 => true,
        0..=0x167F => false,
        0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000 => true,
        _ => false,
    }
}

/// White space of bytes.
#[inline]
pub fn is_byte_space(byte: u8) -> bool {
    matches!(byte, 9..=13 | 32)
}

/// Line boundaries of `str.splitlines`.
pub fn is_line_break(code: u32) -> bool {
    matches!(code, 10..=13 | 28..=30 | 0x85 | 0x2028 | 0x2029)
}

pub fn is_upper(code: u32) -> bool {
    assigned_char(code).is_some_and(char::is_uppercase)
}

pub fn is_lower(code: u32) -> bool {
    // U+0295 stopped being a lower case letter later.
    assigned_char(code).is_some_and(char::is_lowercase) || code == 0x295
}

pub fn is_title(code: u32) -> bool {
    category(code) == GeneralCategory::TitlecaseLetter
}

pub fn is_cased(code: u32) -> bool {
    is_lower(code) || is_upper(code) || is_title(code)
}

/// Marks and punctuation that casing looks through when it decides on a final sigma.
pub(super) fn is_case_ignorable(code: u32) -> bool {
    use GeneralCategory::*;
    let punctuation = matches!(
        code,
        0x27 | 0x2E
            | 0x3A
            | 0xB7
            | 0x387
            | 0x55F
            | 0x5F4
            | 0x2018
            | 0x2019
            | 0x2024
            | 0x2027
            | 0xFE13
            | 0xFE52
            | 0xFE55
            | 0xFF07
            | 0xFF0E
            | 0xFF1A
    );
    punctuation || matches!(category(code), NonspacingMark | EnclosingMark | Format | ModifierLetter | ModifierSymbol)
}

/// Shown as itself by `repr`.
pub fn is_printable(code: u32) -> bool {
    use GeneralCategory::*;
    if code < 0x7F {
        return code >= 0x20;
    }
    !matches!(
        category(code),
        Control | Format | Surrogate | PrivateUse | Unassigned | LineSeparator | ParagraphSeparator | SpaceSeparator
    )
}

pub fn is_identifier_start(code: u32) -> bool {
    code == u32::from(b'_') || assigned_char(code).is_some_and(unicode_ident::is_xid_start)
}

pub fn is_identifier_continue(code: u32) -> bool {
    assigned_char(code).is_some_and(unicode_ident::is_xid_continue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicates_agree_with_python_3_13() {
        assert!(is_digit(0xB2) && !is_decimal(0xB2) && is_numeric(0xBD) && is_numeric(0x4E00));
        assert_eq!(decimal_value(0x0663), Some(3));
        assert_eq!(decimal_value(0x1D7FF), Some(9));
        assert!(is_title(0x1C5) && is_upper(0x2160) && is_lower(0xAA) && !is_lower(0x1C5));
        assert!(is_space(0x1F) && is_space(0x3000) && !is_space(0x200B) && !is_byte_space(0x1C));
        assert!(is_printable(0xE9) && !is_printable(0xA0) && !is_printable(0xAD) && !is_printable(0xD800));
        // Assigned only after Unicode 15.1.
        assert!(!is_printable(0x1C89) && !is_alpha(0x1C89) && !is_upper(0x1C89));
        assert!(is_identifier_start(0x5F) && !is_identifier_start(0x30) && is_identifier_continue(0xB7));
    }
}
