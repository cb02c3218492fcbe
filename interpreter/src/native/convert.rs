//! Conversions between arguments and Rust types, results and values.

use super::{Ctx, R, Raised};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::exception::{Exception, FrameObject, Traceback};
use crate::object::function::{Cell, Code, Function, Method, Native, Property, Super, Wrapper};
use crate::object::generator::Generator;
use crate::object::misc::{Boxed, DictView, GenericAlias, Iter, MemoryView, Range, SliceObject, WeakRef};
use crate::object::module::Module;
use crate::object::number::Complex;
use crate::object::sequence::{List, Tuple};
use crate::object::set::Set;
use crate::object::string::{ByteArray, Bytes, Str};
use crate::value::{Gc, Object, Value};

/// Types a native's parameter may have.
pub trait FromArg: Sized {
    /// Converts an argument; `v` is unbound only for types that allow it.
    fn from_arg(cx: &mut Ctx, v: Value, name: &str) -> R<Self>;
    /// Converts a method's receiver.
    fn receiver(cx: &mut Ctx, v: Value) -> R<Self> {
        Self::from_arg(cx, v, "self")
    }
}

impl FromArg for Value {
    #[inline(always)]
    fn from_arg(_: &mut Ctx, v: Value, _: &str) -> R<Value> {
        Ok(v)
    }
}

/// A given argument or none; an explicit None is given.
impl FromArg for Option<Value> {
    #[inline(always)]
    fn from_arg(_: &mut Ctx, v: Value, _: &str) -> R<Option<Value>> {
        Ok(if v.is_unbound() { None } else { Some(v) })
    }
}

impl FromArg for i64 {
    #[inline(always)]
    fn from_arg(cx: &mut Ctx, v: Value, _: &str) -> R<i64> {
        if v.is_int() { Ok(v.int()) } else { cx.index_i64(v) }
    }
}

impl FromArg for f64 {
    fn from_arg(cx: &mut Ctx, v: Value, _: &str) -> R<f64> {
        cx.to_float(v)
    }
}

impl FromArg for bool {
    fn from_arg(cx: &mut Ctx, v: Value, _: &str) -> R<bool> {
        cx.truth(v)
    }
}

/// What scripts call the type behind a native struct.
pub trait TypeName {
    const NAME: &'static str;
}

macro_rules! named {
    ($($t:ty => $name:literal,)*) => { $(impl TypeName for $t { const NAME: &'static str = $name; })* };
}

named! {
    Str => "str",
    Bytes => "bytes",
    ByteArray => "bytearray",
    List => "list",
    Tuple => "tuple",
    Dict => "dict",
    Set => "set",
    Range => "range",
    SliceObject => "slice",
    Complex => "complex",
    Function => "function",
    Native => "builtin_function_or_method",
    Method => "method",
    Cell => "cell",
    Code => "code",
    Property => "property",
    Wrapper => "descriptor",
    Super => "super",
    Class => "type",
    Module => "module",
    Exception => "BaseException",
    Traceback => "traceback",
    FrameObject => "frame",
    Generator => "generator",
    Iter => "iterator",
    DictView => "dict view",
    MemoryView => "memoryview",
    WeakRef => "weakref",
    GenericAlias => "types.GenericAlias",
    Boxed => "object",
}

impl<T: Object + TypeName> FromArg for Gc<T> {
    #[inline]
    fn from_arg(cx: &mut Ctx, v: Value, _: &str) -> R<Gc<T>> {
        match v.cast::<T>() {
            Some(t) => Ok(t),
            None => {
                let got = cx.type_name(v);
                Err(cx.type_error(format!("argument must be {}, not {got}", T::NAME)))
            }
        }
    }
    #[inline]
    fn receiver(cx: &mut Ctx, v: Value) -> R<Gc<T>> {
        match v.cast::<T>() {
            Some(t) => Ok(t),
            None => {
                let got = cx.type_name(v);
                Err(cx.type_error(format!("descriptor requires a '{}' object but received a '{got}'", T::NAME)))
            }
        }
    }
}

macro_rules! option_of {
    ($($t:ty),*) => { $(
        /// Missing or None: none.
        impl FromArg for Option<$t> {
            fn from_arg(cx: &mut Ctx, v: Value, name: &str) -> R<Option<$t>> {
                if v.is_unbound() || v.is_none() { Ok(None) } else { <$t>::from_arg(cx, v, name).map(Some) }
            }
        }
    )* };
}
option_of!(i64, f64, bool);

impl<T: Object + TypeName> FromArg for Option<Gc<T>> {
    fn from_arg(cx: &mut Ctx, v: Value, name: &str) -> R<Option<Gc<T>>> {
        if v.is_unbound() || v.is_none() { Ok(None) } else { Gc::from_arg(cx, v, name).map(Some) }
    }
}

/// Types a native may return.
pub trait IntoResult {
    fn into_result(self, cx: &mut Ctx) -> R;
}

impl IntoResult for Value {
    #[inline(always)]
    fn into_result(self, _: &mut Ctx) -> R {
        Ok(self)
    }
}
impl IntoResult for () {
    #[inline(always)]
    fn into_result(self, _: &mut Ctx) -> R {
        Ok(Value::NONE)
    }
}
impl IntoResult for bool {
    #[inline(always)]
    fn into_result(self, _: &mut Ctx) -> R {
        Ok(Value::bool(self))
    }
}
impl IntoResult for i64 {
    #[inline(always)]
    fn into_result(self, cx: &mut Ctx) -> R {
        Ok(cx.int(self))
    }
}
impl IntoResult for usize {
    #[inline(always)]
    fn into_result(self, cx: &mut Ctx) -> R {
        Ok(cx.int(self as i64))
    }
}
impl IntoResult for f64 {
    #[inline(always)]
    fn into_result(self, cx: &mut Ctx) -> R {
        Ok(cx.float(self))
    }
}
impl IntoResult for &str {
    fn into_result(self, cx: &mut Ctx) -> R {
        Ok(cx.try_wtf8(self.as_bytes())?.value())
    }
}
impl IntoResult for String {
    fn into_result(self, cx: &mut Ctx) -> R {
        Ok(cx.try_wtf8(self.as_bytes())?.value())
    }
}
impl<T: Object> IntoResult for Gc<T> {
    #[inline(always)]
    fn into_result(self, _: &mut Ctx) -> R {
        Ok(self.value())
    }
}
impl<T: IntoResult> IntoResult for Option<T> {
    fn into_result(self, cx: &mut Ctx) -> R {
        match self {
            Some(t) => t.into_result(cx),
            None => Ok(Value::NONE),
        }
    }
}
impl<T: IntoResult> IntoResult for Result<T, Raised> {
    #[inline(always)]
    fn into_result(self, cx: &mut Ctx) -> R {
        match self {
            Ok(t) => t.into_result(cx),
            Err(e) => Err(e),
        }
    }
}
