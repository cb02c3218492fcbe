//! int: construction, conversions and special methods.

use conc_macros::methods;

use crate::object::methods::support::{IntValue, comparisons, operators};

pub mod bytes;

comparisons!(order, IntValue, |cx, this, value| cx.is_int(value).then_some(this.0));

operators! { operators, IntValue, |cx, this, value| cx.is_int(value).then_some(this.0);
    __add__ __radd__ Add "Return self+value." "Return value+self.";
    __sub__ __rsub__ Sub "Return self-value." "Return value-self.";
    __mul__ __rmul__ Mul "Return self*value." "Return value*self.";
    __mod__ __rmod__ Mod "Return self%value." "Return value%self.";
    __truediv__ __rtruediv__ Div "Return self/value." "Return value/self.";
    __floordiv__ __rfloordiv__ FloorDiv "Return self//value." "Return value//self.";
    __lshift__ __rlshift__ LShift "Return self<<value." "Return value<<self.";
    __rshift__ __rrshift__ RShift "Return self>>value." "Return value>>self.";
    __and__ __rand__ And "Return self&value." "Return value&self.";
    __or__ __ror__ Or "Return self|value." "Return value|self.";
    __xor__ __rxor__ Xor "Return self^value." "Return value^self.";
}

/// Methods of int.
#[methods]
pub mod methods {
    use dashu_base::{BitTest, UnsignedAbs};
    use dashu_int::IBig;

    use crate::native::{Ctx, R};
    use crate::object::arith::UnaryOp;
    use crate::object::kind::ClassId;
    use crate::object::methods::support::IntValue;
    use crate::object::string::Str;
    use crate::text::spec_apply;
    use crate::value::{Gc, Value};

    /// Convert a number or string to an integer, or return 0 if no arguments are given.
    ///
    /// If x is a number, return `x.__int__()`. For floating-point numbers, this truncates towards zero.
    ///
    /// If x is not a number or if base is given, then x must be a string, bytes, or bytearray instance representing an
    /// integer literal in the given base. The literal can be preceded by '+' or '-' and be surrounded by whitespace.
    /// The base defaults to 10. Valid bases are 0 and 2-36. Base 0 means to interpret the base from the string as an
    /// integer literal.
    #[static_method]
    #[name = "__new__"]
    pub fn new(cx: &mut Ctx, cls: Value, x: Option<Value>, #[kw] base: Option<Value>) -> R {
        let class = cx.class_for_new(cls, ClassId::Int)?;
        let n = match (x, base) {
            (None, None) => Value::small_int(0),
            (None, Some(_)) => return Err(cx.type_error("int() missing string argument")),
            (Some(x), None) => cx.int_of(x)?,
            (Some(x), Some(base)) => cx.int_in_base(x, base)?,
        };
        if class.id == ClassId::Int as u32 {
            return Ok(n);
        }
        let n = cx.as_int(n).unwrap_or(IBig::ZERO);
        cx.new_big_of(class, &n)
    }

    fn big(cx: &Ctx, this: IntValue) -> IBig {
        cx.as_int(this.0).unwrap_or(IBig::ZERO)
    }

    /// Return repr(self).
    pub fn __repr__(cx: &mut Ctx, this: IntValue) -> R<Gc<Str>> {
        cx.int_text(this.0)
    }

    /// Return hash(self).
    pub fn __hash__(cx: &mut Ctx, this: IntValue) -> R {
        let hash = cx.native_hash(this.0)?.unwrap_or(0);
        Ok(cx.int(hash as i64))
    }

    /// True if self else False.
    pub fn __bool__(cx: &mut Ctx, this: IntValue) -> bool {
        cx.as_i64(this.0) != Some(0)
    }

    /// Return self converted to an integer, if self is suitable for use as an index into a list.
    pub fn __index__(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// int(self)
    pub fn __int__(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// float(self)
    pub fn __float__(cx: &mut Ctx, this: IntValue) -> R<f64> {
        cx.to_float(this.0)
    }

    /// Truncating an Integral returns itself.
    pub fn __trunc__(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// Flooring an Integral returns itself.
    pub fn __floor__(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// Ceiling of an Integral returns itself.
    pub fn __ceil__(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// Rounding an Integral returns itself.
    ///
    /// Rounding with an ndigits argument also returns an integer.
    pub fn __round__(cx: &mut Ctx, this: IntValue, ndigits: Option<Value>) -> R {
        let this_int = cx.index(this.0)?;
        let Some(ndigits) = ndigits else { return Ok(this_int) };
        let digits = cx.index_clipped(ndigits)?;
        if digits >= 0 {
            return Ok(this_int);
        }
        let n = big(cx, this);
        let places = digits.unsigned_abs();
        // A power of ten with more digits than twice the number rounds it to zero.
        if places > n.clone().unsigned_abs().bit_len() as u64 + 2 {
            return Ok(Value::small_int(0));
        }
        let rounded = super::round_to_multiple(n, IBig::from(10).pow(places as usize));
        Ok(cx.big(&rounded))
    }

    /// -self
    pub fn __neg__(cx: &mut Ctx, this: IntValue) -> R {
        cx.native_unary(UnaryOp::Neg, this.0)
    }

    /// +self
    pub fn __pos__(cx: &mut Ctx, this: IntValue) -> R {
        cx.native_unary(UnaryOp::Pos, this.0)
    }

    /// ~self
    pub fn __invert__(cx: &mut Ctx, this: IntValue) -> R {
        cx.native_unary(UnaryOp::Invert, this.0)
    }

    /// abs(self)
    pub fn __abs__(cx: &mut Ctx, this: IntValue) -> R {
        cx.native_abs(this.0)
    }

    /// Return divmod(self, value).
    pub fn __divmod__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        if cx.is_int(value) { cx.native_divmod(this.0, value) } else { Ok(Value::NOT_IMPLEMENTED) }
    }

    /// Return divmod(value, self).
    pub fn __rdivmod__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        if cx.is_int(value) { cx.native_divmod(value, this.0) } else { Ok(Value::NOT_IMPLEMENTED) }
    }

    /// Return pow(self, value, mod).
    pub fn __pow__(cx: &mut Ctx, this: IntValue, value: Value, #[default(Value::NONE)] r#mod: Value) -> R {
        cx.int_power(this.0, value, r#mod)
    }

    /// Return pow(value, self, mod).
    pub fn __rpow__(cx: &mut Ctx, this: IntValue, value: Value, #[default(Value::NONE)] r#mod: Value) -> R {
        cx.int_power(value, this.0, r#mod)
    }

    /// Convert to a string according to format_spec.
    pub fn __format__(cx: &mut Ctx, this: IntValue, format_spec: Value) -> R<Gc<Str>> {
        let spec = cx.format_spec(format_spec)?;
        if spec.is_empty() {
            return cx.to_str(this.0);
        }
        let (n, name, limit) = (big(cx, this), cx.type_name(this.0), cx.digits_limit());
        let text = spec_apply::format_int(&n, spec.as_bytes(), &name, limit);
        let text = cx.of_text(text)?;
        cx.try_wtf8(&text)
    }

    /// Arguments for `__new__` that make an equal int: used by copy and pickle.
    pub fn __getnewargs__(cx: &mut Ctx, this: IntValue) -> R {
        let n = cx.index(this.0)?;
        cx.tuple(&[n])
    }

    /// Returns size in memory, in bytes.
    pub fn __sizeof__(cx: &mut Ctx, this: IntValue) -> usize {
        24 + 4 * big(cx, this).unsigned_abs().bit_len().div_ceil(30).max(1)
    }

    /// Number of bits necessary to represent self in binary.
    ///
    /// >>> bin(37)
    /// '0b100101'
    /// >>> (37).bit_length()
    /// 6
    pub fn bit_length(cx: &mut Ctx, this: IntValue) -> usize {
        match this.0.as_int() {
            Some(n) => 64 - n.unsigned_abs().leading_zeros() as usize,
            None => big(cx, this).unsigned_abs().bit_len(),
        }
    }

    /// Number of ones in the binary representation of the absolute value of self.
    ///
    /// >>> bin(13)
    /// '0b1101'
    /// >>> (13).bit_count()
    /// 3
    pub fn bit_count(cx: &mut Ctx, this: IntValue) -> usize {
        big(cx, this).unsigned_abs().as_words().iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Returns self, the complex conjugate of any int.
    pub fn conjugate(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// Returns True. Exists for duck type compatibility with float.is_integer.
    pub fn is_integer(_this: IntValue) -> bool {
        true
    }

    /// Return a pair of integers, whose ratio is equal to the original int.
    ///
    /// The ratio is in lowest terms and has a positive denominator.
    ///
    /// >>> (10).as_integer_ratio()
    /// (10, 1)
    pub fn as_integer_ratio(cx: &mut Ctx, this: IntValue) -> R {
        let n = cx.index(this.0)?;
        cx.tuple(&[n, Value::small_int(1)])
    }

    /// the real part of a complex number
    #[getter]
    pub fn real(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// the imaginary part of a complex number
    #[getter]
    pub fn imag(_this: IntValue) -> i64 {
        0
    }

    /// the numerator of a rational number in lowest terms
    #[getter]
    pub fn numerator(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// the denominator of a rational number in lowest terms
    #[getter]
    pub fn denominator(_this: IntValue) -> i64 {
        1
    }
}

/// The multiple of `unit` nearest to `n`, the even one of two equally near.
fn round_to_multiple(n: dashu_int::IBig, unit: dashu_int::IBig) -> dashu_int::IBig {
    use dashu_int::IBig;
    let (quotient, rest) = crate::object::arith::big_divmod(n, &unit);
    let twice = rest * IBig::from(2);
    let odd = (&quotient & IBig::ONE) == IBig::ONE;
    let up = twice > unit || (twice == unit && odd);
    (if up { quotient + IBig::ONE } else { quotient }) * unit
}
