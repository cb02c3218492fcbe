//! Hashes of numbers: equal numbers hash alike whatever their type, by arithmetic modulo a Mersenne prime.

use dashu_int::ops::UnsignedAbs;
use dashu_int::{IBig, UBig};

use super::float_bits::decompose;

/// 2**61 - 1
pub const MODULUS: u64 = (1 << MODULUS_BITS) - 1;
const MODULUS_BITS: u32 = 61;
/// The hash of infinity; minus infinity has its negation.
pub const INFINITY_HASH: i64 = 314_159;
/// The multiplier of a complex number's imaginary part.
const IMAGINARY: i64 = 1_000_003;

/// -1 is not a hash value.
fn signed(size: u64, negative: bool) -> i64 {
    let value = size as i64;
    match if negative { -value } else { value } {
        -1 => -2,
        hash => hash,
    }
}

pub fn hash_i64(value: i64) -> i64 {
    signed(value.unsigned_abs() % MODULUS, value < 0)
}

pub fn hash_int(value: &IBig) -> i64 {
    let size: UBig = value.clone().unsigned_abs();
    signed(&size % MODULUS, *value < IBig::ZERO)
}

/// `None` for NaN, whose hash is its identity's.
pub fn hash_float(x: f64) -> Option<i64> {
    if x.is_nan() {
        return None;
    }
    if x.is_infinite() {
        return Some(if x > 0.0 { INFINITY_HASH } else { -INFINITY_HASH });
    }
    let (mantissa, exponent) = decompose(x);
    // Multiplying by two rotates the 61 bits.
    let turn = exponent.rem_euclid(MODULUS_BITS as i32) as u32;
    let size = mantissa.unsigned_abs();
    let rotated = size << turn & MODULUS | size >> (MODULUS_BITS - turn);
    Some(signed(rotated % MODULUS, mantissa < 0))
}

/// Joins the hashes of a complex number's parts.
pub fn hash_complex(real: i64, imaginary: i64) -> i64 {
    match real.wrapping_add(imaginary.wrapping_mul(IMAGINARY)) {
        -1 => -2,
        hash => hash,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_agree_with_python() {
        let floats = [
            (0.1, 230584300921369408),
            (1.5, 1152921504606846977),
            (-1.0, -2),
            (-0.0, 0),
            (1e300, 1224995262755759164),
            (5e-324, 16777216),
            (2.0_f64.powi(61), 1),
            (f64::NEG_INFINITY, -314159),
        ];
        for (x, hash) in floats {
            assert_eq!(hash_float(x), Some(hash), "{x}");
        }
        assert_eq!(hash_i64(-1), -2);
        assert_eq!(hash_i64(i64::MIN), -4);
        assert_eq!(hash_int(&(IBig::ONE << 100)), 549755813888);
        assert_eq!(hash_int(&-(IBig::ONE << 61)), -2);
        assert_eq!(hash_complex(1, 2), 2000007);
    }
}
