//! What the methods of several builtin types share: argument checks, bounds, and receivers of immediate types.

use crate::native::{Ctx, FromArg, R};
use crate::object::class::Class;
use crate::object::kind::ClassId;
use crate::object::number::Complex;
use crate::object::string::Str;
use crate::text::fault::Fault;
use crate::value::{Gc, Value};

/// A receiver that is an int, a bool or an instance of a subclass of int.
#[derive(Clone, Copy)]
pub struct IntValue(pub Value);

/// A receiver that is a float or an instance of a subclass.
#[derive(Clone, Copy)]
pub struct FloatValue {
    pub value: Value,
    pub float: f64,
}

fn wrong_receiver(cx: &mut Ctx, wanted: &str, v: Value) -> crate::native::Raised {
    let got = cx.type_name(v);
    cx.type_error(format!("descriptor requires a '{wanted}' object but received a '{got}'"))
}

impl FromArg for IntValue {
    #[inline]
    fn from_arg(cx: &mut Ctx, v: Value, _: &str) -> R<IntValue> {
        if v.is_int() || cx.is_int(v) { Ok(IntValue(v)) } else { Err(wrong_receiver(cx, "int", v)) }
    }
}

impl FromArg for FloatValue {
    #[inline]
    fn from_arg(cx: &mut Ctx, value: Value, _: &str) -> R<FloatValue> {
        match cx.as_float(value) {
            Some(float) => Ok(FloatValue { value, float }),
            None => Err(wrong_receiver(cx, "float", value)),
        }
    }
}

/// Where a part of a sequence lies, as `find` and its kin understand `start` and `end`.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub start: usize,
    pub end: usize,
}

impl Ctx {
    /// A str argument; `what` is "find() argument 1".
    pub fn str_arg(&mut self, v: Value, what: &str) -> R<Gc<Str>> {
        match v.cast::<Str>() {
            Some(s) => Ok(s),
            None => {
                let got = if v.is_none() { "None".into() } else { self.type_name(v) };
                Err(self.type_error(format!("{what} must be str, not {got}")))
            }
        }
    }

    /// An optional str argument; None is refused.
    pub fn str_arg_opt(&mut self, v: Option<Value>, what: &str) -> R<Option<Gc<Str>>> {
        match v {
            Some(v) => self.str_arg(v, what).map(Some),
            None => Ok(None),
        }
    }

    /// `start` and `end` of a search in `len` units: missing or None is the whole. A start past the end stays so.
    pub fn bounds(&mut self, start: Option<Value>, end: Option<Value>, len: usize) -> R<Bounds> {
        let bound = |cx: &mut Ctx, v: Option<Value>, default: i64| match v {
            Some(v) if !v.is_none() => cx.slice_bound(v),
            _ => Ok(default),
        };
        let start = bound(self, start, 0)?;
        let end = bound(self, end, i64::MAX)?;
        let len = len as i64;
        let adjust = |i: i64| if i < 0 { i.saturating_add(len).max(0) } else { i };
        Ok(Bounds { start: adjust(start) as usize, end: adjust(end).min(len) as usize })
    }

    /// An argument that CPython takes as a C int.
    pub fn c_int_arg(&mut self, v: Option<Value>, default: i64) -> R<i64> {
        let Some(v) = v else { return Ok(default) };
        let index = self.index(v)?;
        match self.as_i64(index).filter(|n| i32::try_from(*n).is_ok()) {
            Some(n) => Ok(n),
            None => Err(self.overflow_error("Python int too large to convert to C int")),
        }
    }

    /// The class argument of a `__new__`: `id` or a subclass of it.
    pub fn class_for_new(&mut self, cls: Value, id: ClassId) -> R<Gc<Class>> {
        let name = id.row().name;
        let Some(class) = cls.cast::<Class>() else {
            let got = self.type_name(cls);
            return Err(self.type_error(format!("{name}.__new__(X): X is not a type object ({got})")));
        };
        if class.id == id as u32 {
            return Ok(class);
        }
        let got = class.name_text();
        if !class.is_subclass_of(self.class(id)) {
            return Err(self.type_error(format!("{name}.__new__({got}): {got} is not a subtype of {name}")));
        }
        if id == ClassId::Int && class.id == ClassId::Bool as u32 {
            return Err(self.type_error("int.__new__(bool) is not safe, use bool.__new__()"));
        }
        Ok(class)
    }

    /// The result of a text function, with its fault as an exception.
    pub fn of_text<T>(&mut self, result: Result<T, Fault>) -> R<T> {
        result.map_err(|fault| self.fault(fault))
    }

    /// How many digits a decimal conversion of ints may have; 0 means any number.
    pub fn digits_limit(&self) -> usize {
        self.iso().int_max_str_digits.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The parts of a complex value.
    pub fn as_complex(&self, v: Value) -> Option<(f64, f64)> {
        v.cast::<Complex>().map(|c| (c.re, c.im))
    }

    /// The count argument of `split` and `replace`: negative means without limit.
    pub fn most(&mut self, count: i64) -> usize {
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// The format specification of a `__format__`.
    pub fn format_spec(&mut self, spec: Value) -> R<Gc<Str>> {
        self.str_arg(spec, "__format__() argument")
    }

    /// Two items as a tuple.
    pub fn pair(&mut self, a: Value, b: Value) -> R {
        self.tuple(&[a, b])
    }
}

/// Six rich comparisons that ask the native structs.
macro_rules! comparisons {
    ($module:ident, $receiver:ty, $get:expr) => {
        /// The rich comparisons.
        #[conc_macros::methods]
        pub mod $module {
            #[allow(unused_imports)]
            use super::*;
            use crate::native::{Ctx, R};
            use crate::object::compare::CompareOp;
            use crate::value::Value;

            fn compare(cx: &mut Ctx, op: CompareOp, this: $receiver, value: Value) -> R {
                let get: fn(&mut Ctx, $receiver, Value) -> Option<Value> = $get;
                match get(cx, this, value) {
                    Some(this) => cx.native_compare(op, this, value),
                    None => Ok(Value::NOT_IMPLEMENTED),
                }
            }
            /// Tell whether self and value are equal.
            pub fn __eq__(cx: &mut Ctx, this: $receiver, value: Value) -> R {
                compare(cx, CompareOp::Eq, this, value)
            }
            /// Tell whether self and value differ.
            pub fn __ne__(cx: &mut Ctx, this: $receiver, value: Value) -> R {
                compare(cx, CompareOp::Ne, this, value)
            }
            /// Tell whether self is less than value.
            pub fn __lt__(cx: &mut Ctx, this: $receiver, value: Value) -> R {
                compare(cx, CompareOp::Lt, this, value)
            }
            /// Tell whether self is less than value or equal to it.
            pub fn __le__(cx: &mut Ctx, this: $receiver, value: Value) -> R {
                compare(cx, CompareOp::Le, this, value)
            }
            /// Tell whether self is greater than value.
            pub fn __gt__(cx: &mut Ctx, this: $receiver, value: Value) -> R {
                compare(cx, CompareOp::Gt, this, value)
            }
            /// Tell whether self is greater than value or equal to it.
            pub fn __ge__(cx: &mut Ctx, this: $receiver, value: Value) -> R {
                compare(cx, CompareOp::Ge, this, value)
            }
        }
    };
}
pub(crate) use comparisons;

/// Binary operators with their reflections, answered by the native structs of both operands.
macro_rules! operators {
    ($module:ident, $receiver:ty, $get:expr; $($name:ident $reflected:ident $op:ident $doc:tt $rdoc:tt;)*) => {
        /// The binary operators and their reflections.
        #[conc_macros::methods]
        pub mod $module {
            #[allow(unused_imports)]
            use super::*;
            use crate::native::{Ctx, R};
            use crate::object::arith::BinaryOp;
            use crate::value::Value;

            /// The receiver's value if the operator means something for both operands.
            fn operand(cx: &mut Ctx, this: $receiver, value: Value) -> Option<Value> {
                let get: fn(&mut Ctx, $receiver, Value) -> Option<Value> = $get;
                get(cx, this, value)
            }
            $(
                #[doc = $doc]
                pub fn $name(cx: &mut Ctx, this: $receiver, value: Value) -> R {
                    match operand(cx, this, value) {
                        Some(this) => cx.native_binary(BinaryOp::$op, this, value),
                        None => Ok(Value::NOT_IMPLEMENTED),
                    }
                }
                #[doc = $rdoc]
                pub fn $reflected(cx: &mut Ctx, this: $receiver, value: Value) -> R {
                    match operand(cx, this, value) {
                        Some(this) => cx.native_binary(BinaryOp::$op, value, this),
                        None => Ok(Value::NOT_IMPLEMENTED),
                    }
                }
            )*
        }
    };
}
pub(crate) use operators;
