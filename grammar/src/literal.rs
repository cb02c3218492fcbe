//! The values of number and string literals.

use crate::ast::Const;

/// The value of a number that the scanner has accepted.
pub fn number(text: &str) -> Const {
    let clean;
    let text = if text.contains('_') {
        clean = text.replace('_', "");
        &clean
    } else {
        text
    };
    let bytes = text.as_bytes();
    let radix = match bytes.get(1) {
        Some(b'x' | b'X') if bytes[0] == b'0' => 16,
        Some(b'o' | b'O') if bytes[0] == b'0' => 8,
        Some(b'b' | b'B') if bytes[0] == b'0' => 2,
        _ => 10,
    };
    if radix != 10 {
        return integer(&text[2..], radix);
    }
    if let Some(float) = text.strip_suffix(['j', 'J']) {
        return Const::Imaginary(float.parse().unwrap_or(f64::INFINITY));
    }
    if bytes.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) {
        return Const::Float(text.parse().unwrap_or(f64::INFINITY));
    }
    integer(text, 10)
}

/// What a number's text is called in messages.
pub fn number_kind(text: &str) -> &'static str {
    match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => "hexadecimal",
        [b'0', b'o' | b'O', ..] => "octal",
        [b'0', b'b' | b'B', ..] => "binary",
        [.., b'j' | b'J'] => "imaginary",
        _ => "decimal",
    }
}

fn integer(digits: &str, radix: u32) -> Const {
    match i64::from_str_radix(digits, radix) {
        Ok(value) => Const::Int(value),
        Err(_) => {
            let digits = digits.trim_start_matches('0');
            i64::from_str_radix(digits, radix)
                .map_or_else(|_| Const::BigInt { radix, digits: digits.into() }, Const::Int)
        }
    }
}

/// How to read the text between the quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    Str,
    RawStr,
    Bytes,
    RawBytes,
    /// Text of an f-string outside format specs: `{{` and `}}` stand for one brace.
    FString,
    RawFString,
}

/// A malformed escape, in CPython's words.
pub type EscapeError = String;

/// Appends the value of `text` to `out` as WTF-8, or as bytes. Returns the offset of the first escape that means
/// nothing and is kept as it is, or whose octal value is too large.
pub fn decode(text: &str, flavor: Flavor, out: &mut Vec<u8>) -> Result<Option<usize>, EscapeError> {
    let raw = matches!(flavor, Flavor::RawStr | Flavor::RawBytes | Flavor::RawFString);
    let braces = matches!(flavor, Flavor::FString | Flavor::RawFString);
    let bytes = text.as_bytes();
    let special = |b: u8| (b == b'\\' && !raw) || b == b'\r' || (braces && matches!(b, b'{' | b'}'));
    out.reserve(bytes.len());
    let (mut at, mut doubtful) = (0, None);
    while at < bytes.len() {
        let plain = bytes[at..].iter().position(|&b| special(b)).unwrap_or(bytes.len() - at);
        out.extend_from_slice(&bytes[at..at + plain]);
        at += plain;
        match bytes.get(at) {
            None => break,
            Some(b'\r') => {
                out.push(b'\n');
                at += if bytes.get(at + 1) == Some(&b'\n') { 2 } else { 1 };
            }
            Some(b'\\') => {
                if doubtful.is_none() && is_doubtful(&bytes[at + 1..], flavor) {
                    doubtful = Some(at);
                }
                at = escape(text, at, flavor, out)?;
            }
            Some(&brace) => {
                out.push(brace);
                at += if bytes.get(at + 1) == Some(&brace) { 2 } else { 1 };
            }
        }
    }
    Ok(doubtful)
}

/// Does what follows a backslash make no escape? At the end of an f-string's text a brace follows.
fn is_doubtful(rest: &[u8], flavor: Flavor) -> bool {
    match rest.first() {
        None => flavor == Flavor::FString,
        Some(b'N' | b'u' | b'U') => flavor == Flavor::Bytes,
        Some(b'4'..=b'7') => rest.len() > 2 && rest[1..3].iter().all(|b| (b'0'..=b'7').contains(b)),
        Some(b) => b.is_ascii() && !b"\n\r\\'\"abfnrtvx0123".contains(b),
    }
}

/// What is said about a doubtful escape, whose backslash begins `text`.
pub fn doubtful_escape(text: &str) -> String {
    let octal = matches!(text.as_bytes().get(1), Some(b'4'..=b'7'));
    let (kind, length) = if octal { ("octal ", 4) } else { ("", 2) };
    format!("invalid {kind}escape sequence '{}'", text.get(..length).unwrap_or("\\"))
}

/// Decodes the escape at `at`; returns the offset after it.
fn escape(text: &str, at: usize, flavor: Flavor, out: &mut Vec<u8>) -> Result<usize, EscapeError> {
    let bytes = text.as_bytes();
    let is_bytes = flavor == Flavor::Bytes;
    let Some(&kind) = bytes.get(at + 1) else {
        out.push(b'\\');
        return Ok(at + 1);
    };
    let simple = match kind {
        b'\n' => return Ok(at + 2),
        b'\r' => return Ok(at + if bytes.get(at + 2) == Some(&b'\n') { 3 } else { 2 }),
        b'\\' | b'\'' | b'"' => kind,
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'0'..=b'7' => {
            let digits = bytes[at + 1..].iter().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            let value = bytes[at + 1..at + 1 + digits].iter().fold(0u32, |v, b| v * 8 + u32::from(b - b'0'));
            push(value, is_bytes, out);
            return Ok(at + 1 + digits);
        }
        b'x' if is_bytes => {
            let value =
                hex(bytes, at + 2, 2).map_err(|_| format!("(value error) invalid \\x escape at position {at}"))?;
            push(value, true, out);
            return Ok(at + 4);
        }
        b'x' => return unicode(text, at, 2, "truncated \\xXX escape", out),
        b'u' if !is_bytes => return unicode(text, at, 4, "truncated \\uXXXX escape", out),
        b'U' if !is_bytes => return unicode(text, at, 8, "truncated \\UXXXXXXXX escape", out),
        b'N' if !is_bytes => return named(text, at, out),
        _ => {
            // An unknown escape stays as it is; the character after the backslash is read as plain text.
            out.push(b'\\');
            return Ok(at + 1);
        }
    };
    out.push(simple);
    Ok(at + 2)
}

fn push(value: u32, is_bytes: bool, out: &mut Vec<u8>) {
    if is_bytes { out.push(value as u8) } else { push_code_point(value, out) }
}

/// Appends any code point up to 0x10FFFF; surrogates take the three-byte form.
fn push_code_point(value: u32, out: &mut Vec<u8>) {
    match char::from_u32(value) {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            let parts =
                [0xE0 | (value >> 12) as u8 & 0x0F, 0x80 | (value >> 6) as u8 & 0x3F, 0x80 | value as u8 & 0x3F];
            out.extend_from_slice(&parts);
        }
    }
}

/// The value of `count` hex digits, or how many there were.
fn hex(bytes: &[u8], from: usize, count: usize) -> Result<u32, usize> {
    let digits = bytes[from.min(bytes.len())..].iter().take(count).take_while(|b| b.is_ascii_hexdigit()).count();
    if digits < count {
        return Err(digits);
    }
    let value = bytes[from..from + count].iter().fold(0, |v, &b| v * 16 + char::from(b).to_digit(16).unwrap_or(0));
    Ok(value)
}

fn unicode(text: &str, at: usize, count: usize, message: &str, out: &mut Vec<u8>) -> Result<usize, EscapeError> {
    let fail = |digits: usize, message: &str| unicode_error(text, at, at + 1 + digits, message);
    let value = hex(text.as_bytes(), at + 2, count).map_err(|digits| fail(digits, message))?;
    if value > 0x10FFFF {
        return Err(fail(count, "illegal Unicode character"));
    }
    push_code_point(value, out);
    Ok(at + 2 + count)
}

/// `\N{NAME}`
fn named(text: &str, at: usize, out: &mut Vec<u8>) -> Result<usize, EscapeError> {
    let rest = &text[at + 2..];
    let close = rest.find('}').filter(|&i| i > 1 && rest.starts_with('{'));
    let Some(close) = close else {
        return Err(unicode_error(text, at, at + 1, "malformed \\N character escape"));
    };
    match unicode_names2::character(&rest[1..close]) {
        Some(c) => {
            push_code_point(c as u32, out);
            Ok(at + 2 + close + 1)
        }
        None => Err(unicode_error(text, at, at + 2 + close, "unknown Unicode character name")),
    }
}

/// CPython counts in a form where a character beyond ASCII takes ten bytes.
fn unicode_error(text: &str, first: usize, last: usize, message: &str) -> EscapeError {
    let place = |at: usize| text[..at].chars().map(|c| if c.is_ascii() { 1 } else { 10 }).sum::<usize>();
    let (first, last) = (place(first), place(last));
    format!("(unicode error) 'unicodeescape' codec can't decode bytes in position {first}-{last}: {message}")
}
