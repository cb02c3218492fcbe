//! int: construction, conversions and special methods.

use conc_macros::methods;

use crate::object::methods::support::{IntValue, comparisons, operators};

pub mod bytes;

comparisons!(order, IntValue, |cx, this, value| cx.is_int(value).then_some(this.0));

operators! { operators, IntValue, |cx, this, value| cx.is_int(value).then_some(this.0);
    __add__ __radd__ Add "Give self + value." "Give value + self, when value itself has no answer.";
    __sub__ __rsub__ Sub "Give self - value." "Give value - self, when value itself has no answer.";
    __mul__ __rmul__ Mul "Give self * value." "Give value * self, when value itself has no answer.";
    __mod__ __rmod__ Mod "Give self % value." "Give value % self, when value itself has no answer.";
    __truediv__ __rtruediv__ Div "Give self / value." "Give value / self, when value itself has no answer.";
    __floordiv__ __rfloordiv__ FloorDiv "Give self // value." "Give value // self, when value itself has no answer.";
    __lshift__ __rlshift__ LShift "Give self << value." "Give value << self, when value itself has no answer.";
    __rshift__ __rrshift__ RShift "Give self >> value." "Give value >> self, when value itself has no answer.";
    __and__ __rand__ And "Give self & value." "Give value & self, when value itself has no answer.";
    __or__ __ror__ Or "Give self | value." "Give value | self, when value itself has no answer.";
    __xor__ __rxor__ Xor "Give self ^ value." "Give value ^ self, when value itself has no answer.";
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

    /// Make an int from a number, dropping its fraction, or from a text of digits; 0 without an argument.
    ///
    /// The digits may have a sign before them and whitespace around them, and are in base 10 unless another is given: 2
    /// to 36, or 0 for the base that a prefix such as 0x says.
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

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: IntValue) -> R<Gc<Str>> {
        cx.int_text(this.0)
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: IntValue) -> R {
        let hash = cx.native_hash(this.0)?.unwrap_or(0);
        Ok(cx.int(hash as i64))
    }

    /// Tell whether the number is not zero.
    pub fn __bool__(cx: &mut Ctx, this: IntValue) -> bool {
        cx.as_i64(this.0) != Some(0)
    }

    /// Give the int that stands for self where an index is wanted.
    pub fn __index__(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// Give the number as an int.
    pub fn __int__(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// Give the number as a float.
    pub fn __float__(cx: &mut Ctx, this: IntValue) -> R<f64> {
        cx.to_float(this.0)
    }

    /// Give the int itself: it has no fraction to drop.
    pub fn __trunc__(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// Give the int itself: it is its own floor.
    pub fn __floor__(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// Give the int itself: it is its own ceiling.
    pub fn __ceil__(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// Give the int itself, or with a negative ndigits the nearest multiple of that power of ten.
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

    /// Give the number with its sign turned around.
    pub fn __neg__(cx: &mut Ctx, this: IntValue) -> R {
        cx.native_unary(UnaryOp::Neg, this.0)
    }

    /// Give the number itself.
    pub fn __pos__(cx: &mut Ctx, this: IntValue) -> R {
        cx.native_unary(UnaryOp::Pos, this.0)
    }

    /// Give the int with each bit inverted.
    pub fn __invert__(cx: &mut Ctx, this: IntValue) -> R {
        cx.native_unary(UnaryOp::Invert, this.0)
    }

    /// Give the distance from zero.
    pub fn __abs__(cx: &mut Ctx, this: IntValue) -> R {
        cx.native_abs(this.0)
    }

    /// Give the pair of self // value and self % value.
    pub fn __divmod__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        if cx.is_int(value) { cx.native_divmod(this.0, value) } else { Ok(Value::NOT_IMPLEMENTED) }
    }

    /// Give the pair of value // self and value % self, when value itself has no answer.
    pub fn __rdivmod__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        if cx.is_int(value) { cx.native_divmod(value, this.0) } else { Ok(Value::NOT_IMPLEMENTED) }
    }

    /// Give self to the power of value, modulo mod if that is given.
    pub fn __pow__(cx: &mut Ctx, this: IntValue, value: Value, #[default(Value::NONE)] r#mod: Value) -> R {
        cx.int_power(this.0, value, r#mod)
    }

    /// Give value to the power of self, when value itself has no answer.
    pub fn __rpow__(cx: &mut Ctx, this: IntValue, value: Value, #[default(Value::NONE)] r#mod: Value) -> R {
        cx.int_power(value, this.0, r#mod)
    }

    /// Give the number as a text in the shape that format_spec describes.
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

    /// Tell how much memory the int takes, in bytes.
    pub fn __sizeof__(cx: &mut Ctx, this: IntValue) -> usize {
        24 + 4 * big(cx, this).unsigned_abs().bit_len().div_ceil(30).max(1)
    }

    /// Count the binary digits, without sign and leading zeros.
    ///
    /// >>> (255).bit_length()
    /// 8
    pub fn bit_length(cx: &mut Ctx, this: IntValue) -> usize {
        match this.0.as_int() {
            Some(n) => 64 - n.unsigned_abs().leading_zeros() as usize,
            None => big(cx, this).unsigned_abs().bit_len(),
        }
    }

    /// Count the ones among the binary digits, whatever the sign.
    ///
    /// >>> (255).bit_count()
    /// 8
    pub fn bit_count(cx: &mut Ctx, this: IntValue) -> usize {
        big(cx, this).unsigned_abs().as_words().iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Give the int itself: it has no imaginary part.
    pub fn conjugate(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// Give True, as a float without fraction does.
    pub fn is_integer(_this: IntValue) -> bool {
        true
    }

    /// Give the fraction self / 1, as (numerator, denominator).
    ///
    /// >>> (7).as_integer_ratio()
    /// (7, 1)
    pub fn as_integer_ratio(cx: &mut Ctx, this: IntValue) -> R {
        let n = cx.index(this.0)?;
        cx.tuple(&[n, Value::small_int(1)])
    }

    /// The part along the real axis.
    #[getter]
    pub fn real(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// The part along the imaginary axis.
    #[getter]
    pub fn imag(_this: IntValue) -> i64 {
        0
    }

    /// The upper part of the fraction: the int itself.
    #[getter]
    pub fn numerator(cx: &mut Ctx, this: IntValue) -> R {
        cx.index(this.0)
    }

    /// The lower part of the fraction: 1.
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
