//! `pow` with three arguments, and the power of ints.

use dashu_base::{Sign, UnsignedAbs};
use dashu_int::IBig;
use dashu_int::fast_div::ConstDivisor;

use crate::native::{Ctx, R};
use crate::object::arith::{BinaryOp, big_divmod};
use crate::value::Value;

impl Ctx {
    /// `pow(base, exponent, modulus)`
    pub fn power(&mut self, base: Value, exponent: Value, modulus: Value) -> R {
        if modulus.is_none() {
            return self.binary(BinaryOp::Pow, base, exponent);
        }
        let name = self.names().__pow__;
        if let Some(result) = self.call_special(base, name, &[exponent, modulus])?
            && result != Value::NOT_IMPLEMENTED
        {
            return Ok(result);
        }
        // Floats and complex numbers refuse a modulus wherever they stand.
        for v in [exponent, modulus] {
            if self.as_float(v).is_some() {
                return Err(self.type_error("pow() 3rd argument not allowed unless all arguments are integers"));
            }
            if self.as_complex(v).is_some() && self.is_real(base) {
                return Err(self.value_error("complex modulo"));
            }
        }
        let (a, b, c) = (self.type_name(base), self.type_name(exponent), self.type_name(modulus));
        Err(self.type_error(format!("unsupported operand type(s) for ** or pow(): '{a}', '{b}', '{c}'")))
    }

    /// `int.__pow__`: NotImplemented unless all arguments are ints.
    pub fn int_power(&mut self, base: Value, exponent: Value, modulus: Value) -> R {
        let (Some(x), Some(y)) = (self.as_int(base), self.as_int(exponent)) else { return Ok(Value::NOT_IMPLEMENTED) };
        if modulus.is_none() {
            return self.native_binary(BinaryOp::Pow, base, exponent);
        }
        let Some(m) = self.as_int(modulus) else { return Ok(Value::NOT_IMPLEMENTED) };
        if m == IBig::ZERO {
            return Err(self.value_error("pow() 3rd argument cannot be 0"));
        }
        let result = self.mod_power(x, y, m)?;
        Ok(self.big(&result))
    }

    /// `x ** y` modulo `m`, with the sign of `m`.
    fn mod_power(&mut self, x: IBig, y: IBig, m: IBig) -> R<IBig> {
        let negative = m.sign() == Sign::Negative;
        let size = if negative { -m.clone() } else { m.clone() };
        let floor_mod = |n: IBig| big_divmod(n, &size).1;
        let (base, exponent) = if y.sign() == Sign::Negative {
            match inverse(floor_mod(x), size.clone()) {
                Some(inverse) => (inverse, -y),
                None => return Err(self.value_error("base is not invertible for the given modulus")),
            }
        } else {
            (floor_mod(x), y)
        };
        let ring = ConstDivisor::new(size.clone().unsigned_abs());
        let mut square = ring.reduce(base.unsigned_abs());
        let mut product = ring.reduce(1u8);
        let (_, words) = exponent.as_sign_words();
        for (i, word) in words.iter().enumerate() {
            let bits = if i + 1 == words.len() { 64 - word.leading_zeros() } else { 64 };
            for bit in 0..bits {
                if word >> bit & 1 == 1 {
                    product *= &square;
                }
                square = square.sqr();
                self.poll()?;
            }
        }
        let result = floor_mod(IBig::from(product.residue()));
        Ok(if negative && result != IBig::ZERO { result + m } else { result })
    }
}

/// The inverse of `a` modulo `m`, both not negative: by the extended Euclidean algorithm.
fn inverse(a: IBig, m: IBig) -> Option<IBig> {
    let (mut r0, mut r1) = (m.clone(), a);
    let (mut t0, mut t1) = (IBig::ZERO, IBig::ONE);
    while r1 != IBig::ZERO {
        let (q, r) = big_divmod(r0, &r1);
        (r0, r1) = (r1, r);
        let t = t0 - q * &t1;
        (t0, t1) = (t1, t);
    }
    (r0 == IBig::ONE).then(|| big_divmod(t0, &m).1)
}
