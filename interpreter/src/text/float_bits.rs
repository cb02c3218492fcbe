//! Floats as exact binary values: hexadecimal text, integer ratios and conversion from and to integers.

use dashu_int::IBig;
use dashu_int::ops::{BitTest, UnsignedAbs};

/// Why `float.fromhex` refuses a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HexError {
    /// ValueError
    Malformed,
    /// OverflowError
    TooLarge,
}

impl HexError {
    pub fn message(self) -> &'static str {
        match self {
            HexError::Malformed => "invalid hexadecimal floating-point string",
            HexError::TooLarge => "hexadecimal value too large to represent as a float",
        }
    }
}

const FRACTION_BITS: u32 = 52;
const FRACTION_MASK: u64 = (1 << FRACTION_BITS) - 1;

/// A finite float as `mantissa * 2 ** exponent`.
pub fn decompose(x: f64) -> (i64, i32) {
    let bits = x.to_bits();
    let fraction = bits & FRACTION_MASK;
    let biased = (bits >> FRACTION_BITS & 0x7FF) as i32;
    let (mantissa, exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | 1 << FRACTION_BITS, biased - 1075) };
    let mantissa = mantissa as i64;
    (if x.is_sign_negative() { -mantissa } else { mantissa }, exponent)
}

/// `mantissa * 2 ** exponent` rounded half to even; `sticky` says that nonzero bits below were dropped.
/// `None` when the result is too large.
pub fn compose(mantissa: u64, sticky: bool, exponent: i64) -> Option<f64> {
    if mantissa == 0 {
        return Some(0.0);
    }
    let top = exponent.saturating_add(63 - i64::from(mantissa.leading_zeros()));
    if top > 1023 {
        return None;
    }
    let mut unit = (top - 52).max(-1074);
    let shift = unit - exponent;
    let mut whole = if shift <= 0 { mantissa << (-shift).min(63) } else { round_shift(mantissa, sticky, shift) };
    if whole > FRACTION_MASK << 1 | 1 {
        whole >>= 1;
        unit += 1;
    }
    if unit + 52 > 1023 {
        return None;
    }
    let biased = if whole > FRACTION_MASK { (unit + 1075) as u64 } else { 0 };
    Some(f64::from_bits(biased << FRACTION_BITS | whole & FRACTION_MASK))
}

fn round_shift(mantissa: u64, sticky: bool, shift: i64) -> u64 {
    if shift > 64 {
        return 0;
    }
    let wide = u128::from(mantissa) << 1 | u128::from(sticky);
    let (whole, dropped) = (wide >> (shift + 1), wide & ((1 << (shift + 1)) - 1));
    let half = 1_u128 << shift;
    let up = dropped > half || (dropped == half && whole & 1 == 1);
    (whole + u128::from(up)) as u64
}

/// The numerator and denominator of a finite float, in lowest terms.
pub fn integer_ratio(x: f64) -> (IBig, IBig) {
    let (mantissa, exponent) = decompose(x);
    if mantissa == 0 {
        return (IBig::ZERO, IBig::ONE);
    }
    let twos = mantissa.trailing_zeros().min(1024);
    let (odd, exponent) = (IBig::from(mantissa >> twos), exponent + twos as i32);
    let power = exponent.unsigned_abs() as usize;
    if exponent >= 0 { (odd << power, IBig::ONE) } else { (odd, IBig::ONE << power) }
}

/// The integer part of a finite float, rounded towards zero.
pub fn truncate(x: f64) -> IBig {
    let (mantissa, exponent) = decompose(x);
    if exponent >= 0 {
        return IBig::from(mantissa) << exponent as usize;
    }
    if exponent <= -64 {
        return IBig::ZERO;
    }
    let size = mantissa.unsigned_abs() >> exponent.unsigned_abs();
    if mantissa < 0 { -IBig::from(size) } else { IBig::from(size) }
}

/// An integer as the nearest float, half to even; `None` when it is too large ("int too large to convert to float").
pub fn from_int(value: &IBig) -> Option<f64> {
    let size = value.clone().unsigned_abs();
    let bits = size.bit_len();
    let drop = bits.saturating_sub(64);
    let head = u64::try_from(&size >> drop).ok()?;
    let sticky = size.trailing_zeros().is_some_and(|zeros| zeros < drop);
    let float = compose(head, sticky, i64::try_from(drop).ok()?)?;
    Some(if *value < IBig::ZERO { -float } else { float })
}

/// `float.hex`
pub fn hex(x: f64) -> String {
    if !x.is_finite() {
        return super::float::repr(x);
    }
    let sign = if x.is_sign_negative() { "-" } else { "" };
    if x == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = x.to_bits();
    let biased = (bits >> FRACTION_BITS & 0x7FF) as i32;
    let (lead, exponent) = if biased == 0 { (0, -1022) } else { (1, biased - 1023) };
    format!("{sign}0x{lead}.{:013x}p{exponent:+}", bits & FRACTION_MASK)
}

/// Hexadecimal digits gathered into 64 bits and what did not fit.
#[derive(Default)]
struct HexDigits {
    mantissa: u64,
    sticky: bool,
    /// Binary exponent of the mantissa's last bit.
    exponent: i64,
    count: usize,
}

impl HexDigits {
    fn push(&mut self, digit: u32, after_point: bool) {
        self.count += 1;
        let full = self.mantissa >> 60 != 0;
        if full {
            self.sticky |= digit != 0;
        } else {
            self.mantissa = self.mantissa << 4 | u64::from(digit);
        }
        match (full, after_point) {
            (true, false) => self.exponent += 4,
            (false, true) => self.exponent -= 4,
            _ => {}
        }
    }

    fn take<'a>(&mut self, mut text: &'a [u8], after_point: bool) -> &'a [u8] {
        while let Some((byte, rest)) = text.split_first() {
            let Some(digit) = char::from(*byte).to_digit(16) else { break };
            self.push(digit, after_point);
            text = rest;
        }
        text
    }
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    }
}

/// `float.fromhex`
pub fn from_hex(text: &[u8]) -> Result<f64, HexError> {
    let is_space = |byte: &u8| super::character::is_byte_space(*byte);
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    let (negative, body) = split_sign(text.get(start..end).unwrap_or_default());
    let size = match body.to_ascii_lowercase().as_slice() {
        b"inf" | b"infinity" => f64::INFINITY,
        b"nan" => f64::NAN,
        lower => unsigned_from_hex(lower)?,
    };
    Ok(if negative { -size } else { size })
}

fn unsigned_from_hex(text: &[u8]) -> Result<f64, HexError> {
    let mut digits = HexDigits::default();
    let mut rest = digits.take(text.strip_prefix(b"0x").unwrap_or(text), false);
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = digits.take(fraction, true);
    }
    if digits.count == 0 {
        return Err(HexError::Malformed);
    }
    let mut power = 0;
    if let Some(text) = rest.strip_prefix(b"p") {
        (power, rest) = take_power(text).ok_or(HexError::Malformed)?;
    }
    // A number that is too large is reported before anything odd after it.
    let value = compose(digits.mantissa, digits.sticky, digits.exponent.saturating_add(power));
    match value {
        Some(value) if rest.is_empty() => Ok(value),
        Some(_) => Err(HexError::Malformed),
        None => Err(HexError::TooLarge),
    }
}

/// A decimal exponent and what follows it; absurdly large ones are clamped, which changes no result.
fn take_power(text: &[u8]) -> Option<(i64, &[u8])> {
    let (negative, digits) = split_sign(text);
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = digits.split_at_checked(len).filter(|_| len > 0)?;
    let clamp = 1_i64 << 60;
    let add = |sum: i64, digit: &u8| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(clamp);
    let size = number.iter().fold(0, add);
    Some((if negative { -size } else { size }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_agrees_with_python() {
        let rows = [
            (3.0, "0x1.8000000000000p+1"),
            (-0.1, "-0x1.999999999999ap-4"),
            (5e-324, "0x0.0000000000001p-1022"),
            (-0.0, "-0x0.0p+0"),
            (f64::MAX, "0x1.fffffffffffffp+1023"),
            (f64::INFINITY, "inf"),
        ];
        for (x, text) in rows {
            assert_eq!(hex(x), text);
            assert_eq!(from_hex(text.as_bytes()), Ok(x));
        }
    }

    #[test]
    fn from_hex_rounds_half_to_even_and_knows_its_limits() {
        let rows = [
            (" 0X1.8P+1 \n", Ok(3.0)),
            ("ff", Ok(255.0)),
            (".8p0", Ok(0.5)),
            ("0x1.00000000000008p0", Ok(1.0)),
            ("0x1.000000000000081p0", Ok(1.0000000000000002)),
            ("0x1.00000000000018p0", Ok(1.0000000000000004)),
            ("0x0.8p-1074", Ok(0.0)),
            ("0x0.80000000000000000001p-1074", Ok(5e-324)),
            ("0x1p1024", Err(HexError::TooLarge)),
            ("0x1.fffffffffffff8p1023", Err(HexError::TooLarge)),
            ("0x0p999999999999999999999", Ok(0.0)),
            ("0x1p-999999999999999999999", Ok(0.0)),
            ("0x1p1024x", Err(HexError::TooLarge)),
            ("0x", Err(HexError::Malformed)),
            ("1p", Err(HexError::Malformed)),
            ("1 p1", Err(HexError::Malformed)),
            ("", Err(HexError::Malformed)),
        ];
        for (text, expected) in rows {
            assert_eq!(from_hex(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn integers_and_ratios() {
        assert_eq!(integer_ratio(-0.75), (IBig::from(-3), IBig::from(4)));
        assert_eq!(integer_ratio(1e22), (IBig::from(10_u128.pow(22)), IBig::ONE));
        assert_eq!(truncate(-2.9), IBig::from(-2));
        assert_eq!(truncate(1e22), IBig::from(10_u128.pow(22)));
        assert_eq!(from_int(&IBig::from(9007199254740993_i64)), Some(9007199254740992.0));
        assert_eq!(from_int(&(IBig::ONE << 1024)), None);
        assert_eq!(from_int(&-(IBig::ONE << 1023)), Some(-8.98846567431158e307));
    }
}
