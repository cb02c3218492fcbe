//! Floats as decimal text: repr, the e/f/g notations, parsing and decimal rounding.
//!
//! Rust's own formatting is exact and rounds half to even at any precision, so it supplies the digits; what is
//! Python's own is when to use an exponent and how to write it.

use super::int::{number_text, trim_ascii_space};

/// A double has no digit other than zero past this many, before or after the point.
const EXACT_DIGITS: usize = 1100;

/// Which notation to write a float in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notation {
    /// `1.5e+00`
    Exponent,
    /// `1.500000`
    Fixed,
    /// Fixed or exponent, whichever suits, with trailing zeros dropped.
    General,
}

#[derive(Clone, Copy, Debug)]
pub struct FloatStyle {
    pub notation: Notation,
    pub precision: usize,
    /// Keep the point and trailing zeros (`#`).
    pub alternate: bool,
    /// Write `E`, `INF` and `NAN`.
    pub upper: bool,
    /// In `General`: end a whole number with `.0`, as `format(x, '.3')` does.
    pub point_zero: bool,
}

/// The shortest text that reads back as the same float.
pub fn repr(x: f64) -> String {
    let size = x.abs();
    if x.is_nan() {
        return "nan".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf".into() } else { "-inf".into() };
    }
    if x == 0.0 || (1e-4..1e16).contains(&size) {
        let text = format!("{x:?}");
        return if may_be_tie(&text) { evened_fixed(x, text) } else { text };
    }
    let text = format!("{x:e}");
    let text = if may_be_tie(&text) { evened_exponent(x, text) } else { text };
    with_two_digit_exponent(&text, false)
}

/// When two shortest texts are equally near, Rust takes the larger and Python the one that ends in an even digit.
/// That needs an odd last digit; and 15 digits, for up to that many the digit after them would show too.
fn may_be_tie(text: &str) -> bool {
    let mantissa = text.split('e').next().unwrap_or(text).as_bytes();
    let is_odd = mantissa.last().is_some_and(|digit| digit & 1 == 1);
    is_odd && mantissa.len() > 15
}

/// Exact formatting with as many digits rounds half to even; it is the better text if it reads back the same.
fn evened_exponent(x: f64, shortest: String) -> String {
    let mantissa = shortest.split('e').next().unwrap_or(&shortest);
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    reading_back(x, format!("{x:.decimals$e}"), shortest)
}

fn evened_fixed(x: f64, shortest: String) -> String {
    let decimals = shortest.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    reading_back(x, format!("{x:.decimals$}"), shortest)
}

fn reading_back(x: f64, candidate: String, shortest: String) -> String {
    if candidate.parse() == Ok(x) { candidate } else { shortest }
}

/// As [`repr`], but without the `.0` of whole numbers (the parts of a complex number).
pub fn repr_without_point_zero(x: f64) -> String {
    let mut text = repr(x);
    if text.ends_with(".0") {
        text.truncate(text.len() - 2);
    }
    text
}

/// `1.5e7` becomes `1.5e+07`.
fn with_two_digit_exponent(text: &str, upper: bool) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    let letter = if upper { 'E' } else { 'e' };
    format!("{mantissa}{letter}{sign}{digits:0>2}")
}

pub fn format(x: f64, style: FloatStyle) -> String {
    if !x.is_finite() {
        let text = repr(x);
        return if style.upper { text.to_uppercase() } else { text };
    }
    match style.notation {
        Notation::Exponent => exponent_notation(x, style),
        Notation::Fixed => fixed_notation(x, style),
        Notation::General => general_notation(x, style),
    }
}

fn fixed_notation(x: f64, style: FloatStyle) -> String {
    let exact = style.precision.min(EXACT_DIGITS);
    let mut text = format!("{x:.exact$}");
    text.extend(std::iter::repeat_n('0', style.precision - exact));
    if style.alternate && style.precision == 0 {
        text.push('.');
    }
    text
}

fn exponent_notation(x: f64, style: FloatStyle) -> String {
    let exact = style.precision.min(EXACT_DIGITS);
    let text = format!("{x:.exact$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let zeros = "0".repeat(style.precision - exact);
    let point = if style.alternate && style.precision == 0 { "." } else { "" };
    with_two_digit_exponent(&format!("{mantissa}{zeros}{point}e{exponent}"), style.upper)
}

fn general_notation(x: f64, style: FloatStyle) -> String {
    let precision = style.precision.max(1);
    let exact = (precision - 1).min(EXACT_DIGITS);
    let text = format!("{x:.exact$e}");
    let (mantissa, exponent_text) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent = exponent_text.parse::<i64>().unwrap_or(0);
    let limit = i64::try_from(precision).unwrap_or(i64::MAX) - i64::from(style.point_zero);
    if exponent < -4 || exponent >= limit {
        let mantissa = trimmed(mantissa.to_owned(), style, precision - 1 - exact);
        return with_two_digit_exponent(&format!("{mantissa}e{exponent_text}"), style.upper);
    }
    let decimals = usize::try_from(limit + i64::from(style.point_zero) - 1 - exponent).unwrap_or(0);
    let shown = decimals.min(EXACT_DIGITS);
    let mut fixed = trimmed(format!("{x:.shown$}"), style, decimals - shown);
    if style.point_zero && !fixed.contains('.') {
        fixed.push_str(".0");
    } else if style.point_zero && fixed.ends_with('.') {
        fixed.push('0');
    }
    fixed
}

/// Drops trailing zeros after the point, or in the alternate form keeps them and `zeros` more.
fn trimmed(mut digits: String, style: FloatStyle, zeros: usize) -> String {
    if style.alternate {
        if !digits.contains('.') {
            digits.push('.');
        }
        digits.extend(std::iter::repeat_n('0', zeros));
    } else if digits.contains('.') {
        let keep = digits.trim_end_matches('0').trim_end_matches('.').len();
        digits.truncate(keep);
    }
    digits
}

/// Removes underscores that stand between two digits; `None` when one stands elsewhere.
pub(super) fn without_underscores(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    for (index, byte) in text.iter().enumerate() {
        if *byte != b'_' {
            out.push(*byte);
            continue;
        }
        let before = index.checked_sub(1).and_then(|at| text.get(at));
        let after = text.get(index + 1);
        if !before.is_some_and(u8::is_ascii_digit) || !after.is_some_and(u8::is_ascii_digit) {
            return None;
        }
    }
    Some(out)
}

/// `float(text)` for a str; `None` when the text is no float.
pub fn parse(text: &[u8]) -> Option<f64> {
    parse_bytes(&number_text(text))
}

/// `float(text)` for bytes.
pub fn parse_bytes(text: &[u8]) -> Option<f64> {
    let digits = without_underscores(trim_ascii_space(text))?;
    // The grammars agree: optional sign, decimal digits with point and exponent, inf, infinity, nan in any case.
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// The rounded value would be infinite ("rounded value too large to represent").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundOverflow;

/// `round(x, digits)`: correctly rounded, half to even.
pub fn round(x: f64, digits: i64) -> Result<f64, RoundOverflow> {
    if !x.is_finite() || x == 0.0 || digits > 323 {
        return Ok(x);
    }
    if digits < -308 {
        return Ok(0.0 * x);
    }
    let text = if digits >= 0 { format!("{:.*}", digits.unsigned_abs() as usize, x) } else { rounded_tens(x, digits) };
    let rounded: f64 = text.parse().unwrap_or(x);
    if rounded.is_finite() { Ok(rounded) } else { Err(RoundOverflow) }
}

/// Rounds to a multiple of `10 ** -digits`, for negative `digits`.
fn rounded_tens(x: f64, digits: i64) -> String {
    let text = format!("{x:.800e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent = exponent.parse::<i64>().unwrap_or(0);
    let kept = exponent + digits;
    if let Ok(kept) = usize::try_from(kept) {
        return format!("{x:.kept$e}");
    }
    // Less than one unit: up to it past the half, else down to zero (which is the even choice on a tie).
    let sign = if x < 0.0 { "-" } else { "" };
    let leading = mantissa.trim_start_matches('-').trim_end_matches(['0', '.']);
    if kept == -1 && leading > "5" { format!("{sign}1e{}", exponent + 1) } else { format!("{sign}0") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repr_agrees_with_python() {
        let rows = [
            (1e16, "1e+16"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (9999999999999998.0, "9999999999999998.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (0.1, "0.1"),
            (-834_933_662_425_035.2, "-834933662425035.2"),
            (2.9802322387695312e-08, "2.9802322387695312e-08"),
        ];
        for (x, expected) in rows {
            assert_eq!(repr(x), expected);
        }
    }

    #[test]
    fn notations_agree_with_python() {
        use Notation::*;
        let rows = [
            (General, 6, false, false, 1234567.0, "1.23457e+06"),
            (General, 6, true, false, 100.0, "100.000"),
            (General, 0, false, false, 0.00001234, "1e-05"),
            (General, 2, false, true, 10.0, "1e+01"),
            (General, 3, false, true, 10.0, "10.0"),
            (General, 6, true, false, 0.0, "0.00000"),
            (Fixed, 0, true, false, 2.5, "2."),
            (Fixed, 20, false, false, 0.1, "0.10000000000000000555"),
            (Exponent, 0, true, false, 250.0, "2.e+02"),
            (Exponent, 3, false, false, 0.0, "0.000e+00"),
        ];
        for (notation, precision, alternate, point_zero, x, expected) in rows {
            let style = FloatStyle { notation, precision, alternate, upper: false, point_zero };
            assert_eq!(format(x, style), expected);
        }
    }

    #[test]
    fn any_precision_is_exact() {
        let style =
            |notation| FloatStyle { notation, precision: 70_000, alternate: false, upper: true, point_zero: false };
        assert_eq!(format(0.1, style(Notation::Fixed)).len(), 70_002);
        assert_eq!(format(0.1, style(Notation::Exponent)).len(), 70_006);
        assert_eq!(format(0.5, style(Notation::General)), "0.5");
        assert_eq!(format(f64::INFINITY, style(Notation::Fixed)), "INF");
    }

    #[test]
    fn parsing_agrees_with_python() {
        let good: &[(&str, f64)] = &[
            (" 1_000.5e1_0\n", 1000.5e10),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("\u{3000}\u{0661}\u{0662}.\u{0665}\u{A0}", 12.5),
            ("1e400", f64::INFINITY),
        ];
        for (text, value) in good {
            assert_eq!(parse(text.as_bytes()), Some(*value), "{text}");
        }
        assert!(parse(b"-nan").is_some_and(f64::is_nan));
        for text in
            ["", ".", "1__0", "_1", "1_", "1_.5", "1e", "0x10", "in", "1 2", "infin_ity", "1\0", "--1", "+ 1", "\x1f1"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn rounding_agrees_with_python() {
        let rows = [
            (2.675, 2, 2.67),
            (0.5, 0, 0.0),
            (2.5, 0, 2.0),
            (1234.5678, -2, 1200.0),
            (50.0, -2, 0.0),
            (50.1, -2, 100.0),
            (150.0, -2, 200.0),
            (-51.0, -2, -100.0),
            (5e-324, 400, 5e-324),
            (1.5e300, -400, 0.0),
        ];
        for (x, digits, expected) in rows {
            assert_eq!(round(x, digits), Ok(expected), "round({x}, {digits})");
        }
        assert_eq!(round(1.7e308, -308), Err(RoundOverflow));
    }
}
