//! Integers as text: `int(text, base)` and the digits of an integer in any base.

use dashu_int::IBig;
use dashu_int::ops::{BitTest, UnsignedAbs};

use super::character::{decimal_value, is_byte_space, is_space};
use super::fault::Fault;
use super::wtf8::{code_points, push_code_point};

/// How many decimal digits may be converted unless a program changes it (0 means no limit).
pub const DEFAULT_MAX_STR_DIGITS: usize = 4300;
/// The smallest limit a program may set; shorter numbers are never refused.
pub const MAX_STR_DIGITS_THRESHOLD: usize = 640;

/// Why a text is no integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntError {
    /// "invalid literal for int() with base ..."
    Invalid,
    /// It has this many digits, more than the limit.
    TooManyDigits(usize),
}

/// The error for converting a text with more digits than the limit.
pub fn too_many_digits_in_text(limit: usize, digits: usize) -> Fault {
    Fault::value(format!(
        "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; \
         use sys.set_int_max_str_digits() to increase the limit"
    ))
}

/// The error for converting an integer with more digits than the limit.
pub fn too_many_digits_in_int(limit: usize) -> Fault {
    Fault::value(format!(
        "Exceeds the limit ({limit} digits) for integer string conversion; \
         use sys.set_int_max_str_digits() to increase the limit"
    ))
}

/// A number's text in ASCII, as `int`, `float` and `complex` prepare it: Unicode digits and spaces become ASCII
/// ones, other characters a `?` that no number contains. (ASCII separators such as \x1f stay, and do not count as
/// white space.)
pub(super) fn number_text(text: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if text.is_ascii() {
        return text.into();
    }
    let to_ascii = |code: u32| match decimal_value(code) {
        Some(digit) => u32::from(b'0' + digit),
        None if code < 0x80 => code,
        None if is_space(code) => u32::from(b' '),
        None => u32::from(b'?'),
    };
    let mut out = Vec::with_capacity(text.len());
    code_points(text).for_each(|code| push_code_point(&mut out, to_ascii(code)));
    out.into()
}

pub(super) fn trim_ascii_space(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_byte_space(*byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_byte_space(*byte)).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// `int(text, base)` for a str; `base` is 0 or 2 to 36, `limit` the digit limit (0 for none).
pub fn parse(text: &[u8], base: u32, limit: usize) -> Result<IBig, IntError> {
    parse_bytes(&number_text(text), base, limit)
}

/// `int(text, base)` for bytes.
pub fn parse_bytes(text: &[u8], base: u32, limit: usize) -> Result<IBig, IntError> {
    let (negative, unsigned) = match trim_ascii_space(text) {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let prefix = prefix_base(unsigned);
    let radix = match (base, prefix) {
        (0, Some(radix)) => radix,
        (0, None) => 10,
        _ => base,
    };
    let mut body = unsigned;
    if prefix == Some(radix) {
        body = unsigned.get(2..).unwrap_or_default();
        body = body.strip_prefix(b"_").unwrap_or(body);
    }
    let value = parse_digits(body, radix, limit)?;
    // In source syntax only zero itself may start with a zero.
    if base == 0 && prefix.is_none() && unsigned.starts_with(b"0") && value != IBig::ZERO {
        return Err(IntError::Invalid);
    }
    Ok(if negative { -value } else { value })
}

/// The base announced by `0x`, `0o` or `0b`.
fn prefix_base(text: &[u8]) -> Option<u32> {
    match text {
        [b'0', b'x' | b'X', ..] => Some(16),
        [b'0', b'o' | b'O', ..] => Some(8),
        [b'0', b'b' | b'B', ..] => Some(2),
        _ => None,
    }
}

/// Digits with single underscores between them.
fn parse_digits(text: &[u8], radix: u32, limit: usize) -> Result<IBig, IntError> {
    let mut digits = String::with_capacity(text.len());
    let mut previous = b'_';
    for byte in text {
        match *byte {
            b'_' if previous == b'_' => return Err(IntError::Invalid),
            b'_' => {}
            byte if char::from(byte).is_digit(radix) => digits.push(char::from(byte)),
            _ => return Err(IntError::Invalid),
        }
        previous = *byte;
    }
    if previous == b'_' {
        return Err(IntError::Invalid);
    }
    let limited = limit != 0 && digits.len() > limit.max(MAX_STR_DIGITS_THRESHOLD);
    if limited && !radix.is_power_of_two() {
        return Err(IntError::TooManyDigits(digits.len()));
    }
    match i64::from_str_radix(&digits, radix) {
        Ok(small) => Ok(IBig::from(small)),
        Err(_) => IBig::from_str_radix(&digits, radix).map_err(|_| IntError::Invalid),
    }
}

/// Decimal digits, within the digit limit (0 for none).
pub fn to_decimal(value: &IBig, limit: usize) -> Result<String, Fault> {
    if let Ok(small) = i64::try_from(value) {
        return Ok(small.to_string());
    }
    let refused = || too_many_digits_in_int(limit);
    // Each digit is at least 3 bits: refuse absurd sizes before doing the work.
    let bits = value.clone().unsigned_abs().bit_len();
    if limit != 0 && bits / 4 > limit {
        return Err(refused());
    }
    let text = value.to_string();
    let digits = text.len() - usize::from(text.starts_with('-'));
    if limit != 0 && digits > limit { Err(refused()) } else { Ok(text) }
}

/// The digits of `|value|` in base 2, 8, 10 or 16 (lower case, no prefix); bases other than ten have no limit.
pub(super) fn magnitude_in_radix(value: &IBig, radix: u8) -> String {
    let size = value.clone().unsigned_abs();
    match (u64::try_from(&size), radix) {
        (Ok(small), 2) => format!("{small:b}"),
        (Ok(small), 8) => format!("{small:o}"),
        (Ok(small), 16) => format!("{small:x}"),
        _ => size.in_radix(radix.clamp(2, 36)).to_string(),
    }
}

fn prefixed(value: &IBig, radix: u8, prefix: &str) -> String {
    let sign = if *value < IBig::ZERO { "-" } else { "" };
    format!("{sign}{prefix}{}", magnitude_in_radix(value, radix))
}

/// `hex(value)`
pub fn hex(value: &IBig) -> String {
    prefixed(value, 16, "0x")
}

/// `oct(value)`
pub fn oct(value: &IBig) -> String {
    prefixed(value, 8, "0o")
}

/// `bin(value)`
pub fn bin(value: &IBig) -> String {
    prefixed(value, 2, "0b")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, base: u32) -> Option<i64> {
        parse(text.as_bytes(), base, DEFAULT_MAX_STR_DIGITS).ok().and_then(|value| i64::try_from(&value).ok())
    }

    #[test]
    fn parsing_agrees_with_python() {
        let good = [
            (" 12\n", 10, 12),
            ("-1_000", 10, -1000),
            ("\u{85}\u{661}\u{662}", 10, 12),
            ("0x_fF", 16, 255),
            ("0b1", 16, 177),
            ("0o17", 0, 15),
            ("0_0", 0, 0),
            ("z", 36, 35),
            ("010", 10, 10),
            ("-9223372036854775808", 10, i64::MIN),
        ];
        for (text, base, value) in good {
            assert_eq!(parsed(text, base), Some(value), "{text:?}");
        }
        let bad = [
            ("", 10),
            ("_1", 10),
            ("1_", 10),
            ("1__0", 10),
            ("0_1", 0),
            ("010", 0),
            ("0x", 16),
            ("0b", 2),
            ("0x__1", 0),
            ("\x1f12", 10),
            ("\x1f\u{661}", 10),
            ("1 2", 10),
            ("- 1", 10),
            ("+-1", 10),
            ("8", 8),
            ("\u{e9}", 16),
            ("1\0", 10),
        ];
        for (text, base) in bad {
            assert_eq!(parsed(text, base), None, "{text:?}");
        }
    }

    #[test]
    fn the_digit_limit_applies_to_decimal_text_only() {
        let nines = "9".repeat(4301);
        assert_eq!(parse(nines.as_bytes(), 10, 4300), Err(IntError::TooManyDigits(4301)));
        assert!(parse(nines.as_bytes(), 16, 4300).is_ok());
        assert_eq!(parse(format!("{nines}x").as_bytes(), 10, 4300), Err(IntError::Invalid));
        let big = parse(nines.as_bytes(), 10, 0).unwrap_or_default();
        assert_eq!(to_decimal(&big, 0).as_deref(), Ok(nines.as_str()));
        assert_eq!(to_decimal(&big, 4300), Err(too_many_digits_in_int(4300)));
        assert!(hex(&big).len() > 3000);
    }

    #[test]
    fn digits_in_other_bases() {
        assert_eq!(hex(&IBig::from(-255)), "-0xff");
        assert_eq!(oct(&IBig::from(8)), "0o10");
        assert_eq!(bin(&IBig::ZERO), "0b0");
        assert_eq!(hex(&(IBig::ONE << 68)), "0x100000000000000000");
        assert_eq!(bin(&i64::MIN.into()).len(), 67);
    }
}
