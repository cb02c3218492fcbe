//! complex.

use conc_macros::methods;

use crate::native::Ctx;
use crate::object::methods::support::{comparisons, operators};
use crate::object::number::Complex;
use crate::value::{Gc, Value};

/// The operators take all numbers.
fn number(cx: &Ctx, this: Gc<Complex>, value: Value) -> Option<Value> {
    let fits = value.is_a::<Complex>() || cx.as_float(value).is_some() || cx.is_int(value);
    fits.then(|| this.value())
}

comparisons!(order, Gc<Complex>, |cx, this, value| number(cx, this, value));

operators! { operators, Gc<Complex>, |cx, this, value| number(cx, this, value);
    __add__ __radd__ Add "Give self + value." "Give value + self, when value itself has no answer.";
    __sub__ __rsub__ Sub "Give self - value." "Give value - self, when value itself has no answer.";
    __mul__ __rmul__ Mul "Give self * value." "Give value * self, when value itself has no answer.";
    __truediv__ __rtruediv__ Div "Give self / value." "Give value / self, when value itself has no answer.";
}

/// Methods of complex.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::arith::{BinaryOp, UnaryOp};
    use crate::object::kind::ClassId;
    use crate::object::number::Complex;
    use crate::object::string::Str;
    use crate::text::spec_apply;
    use crate::value::{Gc, Value};

    /// A number for one of the parts, and whether it was complex.
    fn part(cx: &mut Ctx, x: Value, which: &str, method: bool) -> R<(f64, f64, bool)> {
        let found = if method {
            cx.complex_of(x)?
        } else if let Some(parts) = cx.as_complex(x) {
            Some(parts)
        } else if cx.is_real(x) {
            Some((cx.to_float(x)?, 0.0))
        } else {
            None
        };
        match found {
            Some((re, im)) => {
                let names = cx.names();
                let complex = x.is_a::<Complex>() || (method && cx.lookup_special(x, names.__complex__).is_some());
                Ok((re, im, complex))
            }
            None => {
                let got = cx.type_name(x);
                let kind = if which == "first" { "a string or a number" } else { "a number" };
                Err(cx.type_error(format!("complex() {which} argument must be {kind}, not '{got}'")))
            }
        }
    }

    /// Make a complex number from two parts, from another number, or from a text that spells one.
    #[static_method]
    #[name = "__new__"]
    pub fn new(cx: &mut Ctx, cls: Value, #[kw] real: Option<Value>, #[kw] imag: Option<Value>) -> R {
        let class = cx.class_for_new(cls, ClassId::Complex)?;
        if let (Some(x), None) = (real, imag)
            && class.id == ClassId::Complex as u32
            && x.header().is_some_and(|h| h.shape() == ClassId::Complex.shape())
        {
            return Ok(x);
        }
        if let Some(text) = real.and_then(|x| x.cast::<Str>()) {
            if imag.is_some() {
                return Err(cx.type_error("complex() can't take second arg if first is a string"));
            }
            let (re, im) = cx.complex_of_text(text)?;
            return Ok(cx.new_complex_of(class, re, im));
        }
        if imag.is_some_and(|x| x.is_a::<Str>()) {
            return Err(cx.type_error("complex() second arg can't be a string"));
        }
        let (mut re, mut im, complex) = match real {
            Some(x) => part(cx, x, "first", true)?,
            None => (0.0, 0.0, false),
        };
        if let Some(y) = imag {
            let (re2, im2, complex2) = part(cx, y, "second", false)?;
            // real + imag * 1j, without turning minus zeros into zeros where the parts are real.
            if complex2 {
                re -= im2;
            }
            im = if complex { im + re2 } else { re2 };
        }
        Ok(cx.new_complex_of(class, re, im))
    }

    /// Give the text that repr() shows.
    pub fn __repr__(this: Gc<Complex>) -> String {
        crate::text::complex::repr(this.re, this.im)
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Gc<Complex>) -> R {
        let hash = cx.native_hash(this.value())?.unwrap_or(0);
        Ok(cx.int(hash as i64))
    }

    /// Tell whether the number is not zero.
    pub fn __bool__(this: Gc<Complex>) -> bool {
        this.re != 0.0 || this.im != 0.0
    }

    /// Give the same number as a plain complex.
    pub fn __complex__(cx: &mut Ctx, this: Gc<Complex>) -> Value {
        if this.header().shape() == ClassId::Complex.shape() { this.value() } else { cx.complex(this.re, this.im) }
    }

    /// Give the number with its sign turned around.
    pub fn __neg__(cx: &mut Ctx, this: Gc<Complex>) -> R {
        cx.native_unary(UnaryOp::Neg, this.value())
    }

    /// Give the number itself.
    pub fn __pos__(cx: &mut Ctx, this: Gc<Complex>) -> R {
        cx.native_unary(UnaryOp::Pos, this.value())
    }

    /// Give the distance from zero.
    pub fn __abs__(cx: &mut Ctx, this: Gc<Complex>) -> R {
        cx.native_abs(this.value())
    }

    fn power(cx: &mut Ctx, this: Gc<Complex>, other: Value, modulus: Value, reflected: bool) -> R {
        if super::number(cx, this, other).is_none() {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        if !modulus.is_none() {
            return Err(cx.value_error("complex modulo"));
        }
        let (base, exponent) = if reflected { (other, this.value()) } else { (this.value(), other) };
        cx.native_binary(BinaryOp::Pow, base, exponent)
    }

    /// Give self to the power of value, modulo mod if that is given.
    pub fn __pow__(cx: &mut Ctx, this: Gc<Complex>, value: Value, #[default(Value::NONE)] r#mod: Value) -> R {
        power(cx, this, value, r#mod, false)
    }

    /// Give value to the power of self, when value itself has no answer.
    pub fn __rpow__(cx: &mut Ctx, this: Gc<Complex>, value: Value, #[default(Value::NONE)] r#mod: Value) -> R {
        power(cx, this, value, r#mod, true)
    }

    /// Give the number as a text in the shape that format_spec describes.
    pub fn __format__(cx: &mut Ctx, this: Gc<Complex>, format_spec: Value) -> R<Gc<Str>> {
        let spec = cx.format_spec(format_spec)?;
        if spec.is_empty() {
            return cx.to_str(this.value());
        }
        let name = cx.type_name(this.value());
        let text = spec_apply::format_complex(this.re, this.im, spec.as_bytes(), &name);
        let text = cx.of_text(text)?;
        cx.try_wtf8(&text)
    }

    /// Arguments for `__new__` that make an equal complex number: used by copy and pickle.
    pub fn __getnewargs__(cx: &mut Ctx, this: Gc<Complex>) -> R {
        let (re, im) = (cx.float(this.re), cx.float(this.im));
        cx.pair(re, im)
    }

    /// Tell how much memory the number takes, in bytes.
    pub fn __sizeof__(_this: Gc<Complex>) -> i64 {
        32
    }

    /// Give the number with its imaginary part negated: 3-4j becomes 3+4j.
    pub fn conjugate(cx: &mut Ctx, this: Gc<Complex>) -> Value {
        cx.complex(this.re, -this.im)
    }

    /// The part along the real axis.
    #[getter]
    pub fn real(this: Gc<Complex>) -> f64 {
        this.re
    }

    /// The part along the imaginary axis.
    #[getter]
    pub fn imag(this: Gc<Complex>) -> f64 {
        this.im
    }
}
