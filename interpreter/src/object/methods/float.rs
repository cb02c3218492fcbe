//! float.

use conc_macros::methods;

use crate::object::methods::support::{FloatValue, comparisons, operators};

/// The operators take floats and ints.
fn real(cx: &crate::native::Ctx, this: FloatValue, value: crate::value::Value) -> Option<crate::value::Value> {
    (cx.as_float(value).is_some() || cx.is_int(value)).then_some(this.value)
}

comparisons!(order, FloatValue, |cx, this, value| real(cx, this, value));

operators! { operators, FloatValue, |cx, this, value| real(cx, this, value);
    __add__ __radd__ Add "Give self + value." "Give value + self, when value itself has no answer.";
    __sub__ __rsub__ Sub "Give self - value." "Give value - self, when value itself has no answer.";
    __mul__ __rmul__ Mul "Give self * value." "Give value * self, when value itself has no answer.";
    __mod__ __rmod__ Mod "Give self % value." "Give value % self, when value itself has no answer.";
    __truediv__ __rtruediv__ Div "Give self / value." "Give value / self, when value itself has no answer.";
    __floordiv__ __rfloordiv__ FloorDiv "Give self // value." "Give value // self, when value itself has no answer.";
}

/// Methods of float.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::arith::{BinaryOp, UnaryOp};
    use crate::object::class::Class;
    use crate::object::kind::ClassId;
    use crate::object::methods::support::FloatValue;
    use crate::object::string::Str;
    use crate::text::float_bits::{self, HexError};
    use crate::text::{float, spec_apply};
    use crate::value::{Gc, Value};

    /// Make a float from a number, or from a text that spells one.
    #[static_method]
    #[name = "__new__"]
    pub fn new(cx: &mut Ctx, cls: Value, x: Option<Value>) -> R {
        let class = cx.class_for_new(cls, ClassId::Float)?;
        let Some(x) = x else { return Ok(cx.new_float_of(class, 0.0)) };
        let plain = class.id == ClassId::Float as u32;
        if plain && cx.as_float(x).is_some() && x.header().is_none_or(|h| h.shape() == ClassId::Float.shape()) {
            return Ok(x);
        }
        let float = cx.float_of(x)?;
        Ok(cx.new_float_of(class, float))
    }

    /// Give the text that repr() shows.
    pub fn __repr__(this: FloatValue) -> String {
        float::repr(this.float)
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: FloatValue) -> R {
        let hash = cx.native_hash(this.value)?.unwrap_or(0);
        Ok(cx.int(hash as i64))
    }

    /// Tell whether the number is not zero.
    pub fn __bool__(this: FloatValue) -> bool {
        this.float != 0.0
    }

    /// Give the number as a float.
    pub fn __float__(cx: &mut Ctx, this: FloatValue) -> Value {
        if this.value.header().is_none_or(|h| h.shape() == ClassId::Float.shape()) {
            return this.value;
        }
        cx.float(this.float)
    }

    /// Give the number as an int.
    pub fn __int__(cx: &mut Ctx, this: FloatValue) -> R {
        let n = cx.whole(this.float)?;
        Ok(cx.big(&n))
    }

    /// Give the whole part, as an int.
    pub fn __trunc__(cx: &mut Ctx, this: FloatValue) -> R {
        let n = cx.whole(this.float)?;
        Ok(cx.big(&n))
    }

    /// Give the greatest int that is not above the number.
    pub fn __floor__(cx: &mut Ctx, this: FloatValue) -> R {
        let n = cx.whole(this.float.floor())?;
        Ok(cx.big(&n))
    }

    /// Give the least int that is not below the number.
    pub fn __ceil__(cx: &mut Ctx, this: FloatValue) -> R {
        let n = cx.whole(this.float.ceil())?;
        Ok(cx.big(&n))
    }

    /// Give the nearest int, the even one of two equally near; with ndigits, a float rounded to that many decimals.
    pub fn __round__(cx: &mut Ctx, this: FloatValue, #[default(Value::NONE)] ndigits: Value) -> R {
        if ndigits.is_none() {
            let n = cx.whole(this.float.round_ties_even())?;
            return Ok(cx.big(&n));
        }
        let digits = cx.index_clipped(ndigits)?;
        match float::round(this.float, digits) {
            Ok(x) => Ok(cx.float(x)),
            Err(_) => Err(cx.overflow_error("rounded value too large to represent")),
        }
    }

    /// Give the number with its sign turned around.
    pub fn __neg__(cx: &mut Ctx, this: FloatValue) -> R {
        cx.native_unary(UnaryOp::Neg, this.value)
    }

    /// Give the number itself.
    pub fn __pos__(cx: &mut Ctx, this: FloatValue) -> R {
        cx.native_unary(UnaryOp::Pos, this.value)
    }

    /// Give the distance from zero.
    pub fn __abs__(cx: &mut Ctx, this: FloatValue) -> R {
        cx.native_abs(this.value)
    }

    fn divmod(cx: &mut Ctx, x: Value, y: Value) -> R {
        if cx.as_float(y) == Some(0.0) || cx.as_i64(y) == Some(0) {
            return Err(cx.zero_division("float divmod()"));
        }
        cx.native_divmod(x, y)
    }

    /// Give the pair of self // value and self % value.
    pub fn __divmod__(cx: &mut Ctx, this: FloatValue, value: Value) -> R {
        match super::real(cx, this, value) {
            Some(this) => divmod(cx, this, value),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    /// Give the pair of value // self and value % self, when value itself has no answer.
    pub fn __rdivmod__(cx: &mut Ctx, this: FloatValue, value: Value) -> R {
        match super::real(cx, this, value) {
            Some(this) => divmod(cx, value, this),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    fn power(cx: &mut Ctx, base: Value, exponent: Value, other: Value, modulus: Value) -> R {
        if !modulus.is_none() {
            return Err(cx.type_error("pow() 3rd argument not allowed unless all arguments are integers"));
        }
        if cx.as_float(other).is_none() && !cx.is_int(other) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        cx.native_binary(BinaryOp::Pow, base, exponent)
    }

    /// Give self to the power of value, modulo mod if that is given.
    pub fn __pow__(cx: &mut Ctx, this: FloatValue, value: Value, #[default(Value::NONE)] r#mod: Value) -> R {
        power(cx, this.value, value, value, r#mod)
    }

    /// Give value to the power of self, when value itself has no answer.
    pub fn __rpow__(cx: &mut Ctx, this: FloatValue, value: Value, #[default(Value::NONE)] r#mod: Value) -> R {
        power(cx, value, this.value, value, r#mod)
    }

    /// Give the float as a text in the shape that format_spec describes.
    pub fn __format__(cx: &mut Ctx, this: FloatValue, format_spec: Value) -> R<Gc<Str>> {
        let spec = cx.format_spec(format_spec)?;
        if spec.is_empty() {
            return cx.to_str(this.value);
        }
        let name = cx.type_name(this.value);
        let text = spec_apply::format_float(this.float, spec.as_bytes(), &name);
        let text = cx.of_text(text)?;
        cx.try_wtf8(&text)
    }

    /// Name the layout of C's float or double, for tests.
    #[class_method]
    pub fn __getformat__(cx: &mut Ctx, _cls: Value, typestr: Value) -> R<&'static str> {
        let kind = cx.str_arg(typestr, "__getformat__() argument")?;
        if kind.eq_text("double") || kind.eq_text("float") {
            return Ok("IEEE, little-endian");
        }
        Err(cx.value_error("__getformat__() argument 1 must be 'double' or 'float'"))
    }

    /// Arguments for `__new__` that make an equal float: used by copy and pickle.
    pub fn __getnewargs__(cx: &mut Ctx, this: FloatValue) -> R {
        let x = cx.float(this.float);
        cx.tuple(&[x])
    }

    /// Tell how much memory the float takes, in bytes.
    pub fn __sizeof__(_this: FloatValue) -> i64 {
        24
    }

    /// Give the number itself: it has no imaginary part.
    pub fn conjugate(cx: &mut Ctx, this: FloatValue) -> Value {
        __float__(cx, this)
    }

    /// Tell whether there is nothing after the decimal point.
    pub fn is_integer(this: FloatValue) -> bool {
        this.float.is_finite() && this.float == this.float.trunc()
    }

    /// Give the fraction that equals the float, as (numerator, denominator).
    ///
    /// It cannot be reduced, and its denominator is positive. Infinities raise OverflowError, NaNs ValueError.
    ///
    /// >>> (0.75).as_integer_ratio()
    /// (3, 4)
    pub fn as_integer_ratio(cx: &mut Ctx, this: FloatValue) -> R {
        if this.float.is_nan() {
            return Err(cx.value_error("cannot convert NaN to integer ratio"));
        }
        if this.float.is_infinite() {
            return Err(cx.overflow_error("cannot convert Infinity to integer ratio"));
        }
        let (numerator, denominator) = float_bits::integer_ratio(this.float);
        let (numerator, denominator) = (cx.big(&numerator), cx.big(&denominator));
        cx.pair(numerator, denominator)
    }

    /// Give the exact value in hexadecimal digits, with a power of two.
    ///
    /// >>> (0.5).hex()
    /// '0x1.0000000000000p-1'
    pub fn hex(this: FloatValue) -> String {
        float_bits::hex(this.float)
    }

    /// Make a float from the text that hex() gives.
    ///
    /// >>> float.fromhex('0x1.8p+1')
    /// 3.0
    #[class_method]
    pub fn fromhex(cx: &mut Ctx, cls: Gc<Class>, string: Value) -> R {
        let Some(text) = string.cast::<Str>() else {
            return Err(cx.type_error("bad argument type for built-in operation"));
        };
        match float_bits::from_hex(text.as_bytes()) {
            Ok(x) => {
                let x = cx.float(x);
                if cls.id == ClassId::Float as u32 { Ok(x) } else { cx.call(cls.value(), &[x]) }
            }
            Err(e @ HexError::Malformed) => Err(cx.value_error(e.message())),
            Err(e) => Err(cx.overflow_error(e.message())),
        }
    }

    /// The part along the real axis.
    #[getter]
    pub fn real(cx: &mut Ctx, this: FloatValue) -> Value {
        __float__(cx, this)
    }

    /// The part along the imaginary axis.
    #[getter]
    pub fn imag(_this: FloatValue) -> f64 {
        0.0
    }
}
