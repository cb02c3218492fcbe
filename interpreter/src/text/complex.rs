//! Complex numbers as text.

use super::float::{parse_bytes, repr_without_point_zero, without_underscores};
use super::int::{number_text, trim_ascii_space};

/// `repr(complex(real, imaginary))`
pub fn repr(real: f64, imaginary: f64) -> String {
    let imaginary_text = repr_without_point_zero(imaginary);
    // A real part of plus zero goes unsaid; minus zero would be lost that way.
    if real == 0.0 && real.is_sign_positive() {
        return format!("{imaginary_text}j");
    }
    let plus = if imaginary_text.starts_with('-') { "" } else { "+" };
    format!("({}{plus}{imaginary_text}j)", repr_without_point_zero(real))
}

/// Why a text is no complex number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComplexError {
    /// "complex() arg is a malformed string"
    Malformed,
    /// An underscore out of place: "could not convert string to complex: ..."
    Underscore,
}

/// `complex(text)` for a str.
pub fn parse(text: &[u8]) -> Result<(f64, f64), ComplexError> {
    let digits = without_underscores(&number_text(text)).ok_or(ComplexError::Underscore)?;
    parse_parenthesised(trim_ascii_space(&digits)).ok_or(ComplexError::Malformed)
}

fn parse_parenthesised(text: &[u8]) -> Option<(f64, f64)> {
    match text.strip_prefix(b"(") {
        Some(inside) => parse_sum(trim_ascii_space(inside.strip_suffix(b")")?)),
        None => parse_sum(text),
    }
}

fn parse_sum(text: &[u8]) -> Option<(f64, f64)> {
    let Some(body) = text.strip_suffix(b"j").or_else(|| text.strip_suffix(b"J")) else {
        return Some((parse_term(text)?, 0.0));
    };
    match split_at_last_sign(body) {
        Some((real, imaginary)) => Some((parse_term(real)?, parse_imaginary(imaginary)?)),
        None => Some((0.0, parse_imaginary(body)?)),
    }
}

/// Splits before the last sign that neither starts the text nor belongs to an exponent.
fn split_at_last_sign(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let splits = |at: &usize| {
        let before = text.get(at - 1).copied().unwrap_or_default();
        matches!(text.get(*at), Some(b'+' | b'-')) && !matches!(before, b'e' | b'E')
    };
    let at = (1..text.len()).rev().find(splits)?;
    text.split_at_checked(at)
}

/// A float without white space around it.
fn parse_term(text: &[u8]) -> Option<f64> {
    if trim_ascii_space(text).len() != text.len() { None } else { parse_bytes(text) }
}

/// As a float, but the number one may be left out.
fn parse_imaginary(text: &[u8]) -> Option<f64> {
    match text {
        b"" | b"+" => Some(1.0),
        b"-" => Some(-1.0),
        _ => parse_term(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repr_agrees_with_python() {
        let rows = [
            (1.0, 2.0, "(1+2j)"),
            (0.0, 1e16, "1e+16j"),
            (-0.0, -0.0, "(-0-0j)"),
            (0.0, -1.5, "-1.5j"),
            (f64::NAN, f64::INFINITY, "(nan+infj)"),
        ];
        for (real, imaginary, text) in rows {
            assert_eq!(repr(real, imaginary), text);
        }
    }

    #[test]
    fn parsing_agrees_with_python() {
        let good = [
            (" ( 1+2j ) ", (1.0, 2.0)),
            ("1e5j", (0.0, 1e5)),
            ("1e+5-2e-5J", (1e5, -2e-5)),
            ("j", (0.0, 1.0)),
            ("-j", (0.0, -1.0)),
            ("1+j", (1.0, 1.0)),
            ("1_0+2_0j", (10.0, 20.0)),
            ("infinity", (f64::INFINITY, 0.0)),
            ("-0-0j", (-0.0, -0.0)),
            ("\u{661}j", (0.0, 1.0)),
        ];
        for (text, value) in good {
            assert_eq!(parse(text.as_bytes()), Ok(value), "{text}");
        }
        for text in ["", "1 + 2j", "1j+2", "((1))", "(1", "1+2", "1e", "1+-2j", "1-+2j", "()", "1..", ".j", "+", "1+"] {
            assert_eq!(parse(text.as_bytes()), Err(ComplexError::Malformed), "{text}");
        }
        assert_eq!(parse(b"1+_2j"), Err(ComplexError::Underscore));
    }
}
