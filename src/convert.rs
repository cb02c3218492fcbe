//! Conversions between Rust types and the language's.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::sequence::{List, Tuple};
use conc_interpreter::object::string::Str;
use conc_interpreter::value::Value;

/// The interpreter a conversion happens in. Only this crate can look inside, so the traits are closed for now.
pub struct Scope<'a>(pub(crate) &'a mut Ctx);

/// A value of the language during a conversion.
#[derive(Clone, Copy)]
pub struct Local(pub(crate) Value);

/// Why a value is not of the wanted type.
pub struct Mismatch {
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// Types that a value of the language can be turned into.
///
/// | Rust | language |
/// |---|---|
/// | `i64` and the other integers | `int` (in range), `bool` |
/// | `f64`, `f32` | `float`, `int` |
/// | `bool` | `bool` |
/// | `String` | `str` without lone surrogates |
/// | `Vec<T>` | `list`, `tuple` |
/// | `HashMap<K, V>`, `BTreeMap<K, V>` | `dict` |
/// | tuples up to four | `tuple`, `list` of that length |
/// | `Option<T>` | `None` or `T` |
/// | `()` | `None` |
/// | [`Root`](crate::Root) | anything |
pub trait FromValue: Sized {
    #[doc(hidden)]
    fn from_value(scope: &mut Scope<'_>, value: Local) -> Result<Self, Mismatch>;
}

/// Types that can be turned into a value of the language: those of [`FromValue`], `&str` and slices.
pub trait IntoValue {
    #[doc(hidden)]
    fn into_value(self, scope: &mut Scope<'_>) -> Result<Local, Raised>;
}

pub(crate) fn mismatch(cx: &mut Ctx, expected: &str, v: Value) -> Mismatch {
    Mismatch { expected: expected.to_string(), found: cx.type_name(v) }
}

fn local(result: R) -> Result<Local, Raised> {
    result.map(Local)
}

// ---- single values

impl FromValue for () {
    fn from_value(s: &mut Scope<'_>, v: Local) -> Result<(), Mismatch> {
        if v.0.is_none() { Ok(()) } else { Err(mismatch(s.0, "None", v.0)) }
    }
}
impl IntoValue for () {
    fn into_value(self, _: &mut Scope<'_>) -> Result<Local, Raised> {
        Ok(Local(Value::NONE))
    }
}

impl FromValue for bool {
    fn from_value(s: &mut Scope<'_>, v: Local) -> Result<bool, Mismatch> {
        match v.0 {
            Value::TRUE => Ok(true),
            Value::FALSE => Ok(false),
            other => Err(mismatch(s.0, "bool", other)),
        }
    }
}
impl IntoValue for bool {
    fn into_value(self, _: &mut Scope<'_>) -> Result<Local, Raised> {
        Ok(Local(Value::bool(self)))
    }
}

macro_rules! integers {
    ($($t:ident),*) => { $(
        impl FromValue for $t {
            fn from_value(s: &mut Scope<'_>, v: Local) -> Result<$t, Mismatch> {
                let n = s.0.as_int(v.0).ok_or_else(|| mismatch(s.0, "int", v.0))?;
                $t::try_from(&n).map_err(|_| Mismatch {
                    expected: concat!("int in the range of ", stringify!($t)).into(),
                    found: "one out of it".into(),
                })
            }
        }
        impl IntoValue for $t {
            fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
                Ok(Local(s.0.big(&dashu_int::IBig::from(self))))
            }
        }
    )* };
}
integers!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

impl FromValue for f64 {
    fn from_value(s: &mut Scope<'_>, v: Local) -> Result<f64, Mismatch> {
        if let Some(x) = s.0.as_float(v.0) {
            return Ok(x);
        }
        if !s.0.is_int(v.0) {
            return Err(mismatch(s.0, "float", v.0));
        }
        s.0.to_float(v.0).map_err(|_| mismatch(s.0, "int in the range of float", v.0))
    }
}
impl IntoValue for f64 {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        Ok(Local(s.0.float(self)))
    }
}
impl FromValue for f32 {
    fn from_value(s: &mut Scope<'_>, v: Local) -> Result<f32, Mismatch> {
        f64::from_value(s, v).map(|x| x as f32)
    }
}
impl IntoValue for f32 {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        f64::from(self).into_value(s)
    }
}

impl FromValue for String {
    fn from_value(s: &mut Scope<'_>, v: Local) -> Result<String, Mismatch> {
        let Some(text) = v.0.cast::<Str>() else { return Err(mismatch(s.0, "str", v.0)) };
        match text.as_str() {
            Some(text) => Ok(text.to_string()),
            None => Err(Mismatch { expected: "str of characters".into(), found: "lone surrogates in it".into() }),
        }
    }
}
impl IntoValue for &str {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        s.0.try_wtf8(self.as_bytes()).map(|text| Local(text.value()))
    }
}
impl IntoValue for String {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        self.as_str().into_value(s)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(s: &mut Scope<'_>, v: Local) -> Result<Option<T>, Mismatch> {
        if v.0.is_none() { Ok(None) } else { T::from_value(s, v).map(Some) }
    }
}
impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        match self {
            Some(t) => t.into_value(s),
            None => Ok(Local(Value::NONE)),
        }
    }
}

// ---- collections

/// The items of a list or tuple, as they are now.
fn items(cx: &mut Ctx, v: Value, expected: &str) -> Result<conc_interpreter::value::Gc<Tuple>, Mismatch> {
    if let Some(tuple) = v.cast::<Tuple>() {
        return Ok(tuple);
    }
    match v.cast::<List>().map(|list| cx.list_snapshot(list)) {
        Some(Ok(tuple)) => Ok(tuple),
        _ => Err(mismatch(cx, expected, v)),
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(s: &mut Scope<'_>, v: Local) -> Result<Vec<T>, Mismatch> {
        let items = items(s.0, v.0, "list")?;
        items.items().iter().map(|&item| T::from_value(s, Local(item))).collect()
    }
}

fn into_list<T: IntoValue>(items: impl Iterator<Item = T>, s: &mut Scope<'_>) -> Result<Local, Raised> {
    let list = s.0.new_list();
    for item in items {
        let item = item.into_value(s)?;
        s.0.list_push(list, item.0)?;
    }
    Ok(Local(list.value()))
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        into_list(self.into_iter(), s)
    }
}
impl<T: IntoValue + Clone> IntoValue for &[T] {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        into_list(self.iter().cloned(), s)
    }
}

fn pairs<K: FromValue, V: FromValue, C: FromIterator<(K, V)>>(s: &mut Scope<'_>, v: Value) -> Result<C, Mismatch> {
    let Some(dict) = v.cast::<Dict>() else { return Err(mismatch(s.0, "dict", v)) };
    dict.pairs().map(|(k, v)| Ok((K::from_value(s, Local(k))?, V::from_value(s, Local(v))?))).collect()
}

fn into_dict<K: IntoValue, V: IntoValue>(
    items: impl Iterator<Item = (K, V)>,
    s: &mut Scope<'_>,
) -> Result<Local, Raised> {
    let dict = s.0.new_dict();
    for (key, value) in items {
        let (key, value) = (key.into_value(s)?, value.into_value(s)?);
        dict.set(s.0, key.0, value.0)?;
    }
    Ok(Local(dict.value()))
}

impl<K: FromValue + Eq + Hash, V: FromValue, S: BuildHasher + Default> FromValue for HashMap<K, V, S> {
    fn from_value(s: &mut Scope<'_>, v: Local) -> Result<HashMap<K, V, S>, Mismatch> {
        pairs(s, v.0)
    }
}
impl<K: IntoValue, V: IntoValue, S> IntoValue for HashMap<K, V, S> {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        into_dict(self.into_iter(), s)
    }
}
impl<K: FromValue + Ord, V: FromValue> FromValue for BTreeMap<K, V> {
    fn from_value(s: &mut Scope<'_>, v: Local) -> Result<BTreeMap<K, V>, Mismatch> {
        pairs(s, v.0)
    }
}
impl<K: IntoValue, V: IntoValue> IntoValue for BTreeMap<K, V> {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        into_dict(self.into_iter(), s)
    }
}

macro_rules! tuples {
    ($($n:literal: $($t:ident $i:tt),*;)*) => { $(
        impl<$($t: FromValue),*> FromValue for ($($t,)*) {
            fn from_value(s: &mut Scope<'_>, v: Local) -> Result<($($t,)*), Mismatch> {
                const EXPECTED: &str = concat!("tuple of ", $n);
                let items = items(s.0, v.0, EXPECTED)?;
                if items.items().len() != $n {
                    let found = format!("one of {}", items.items().len());
                    return Err(Mismatch { expected: EXPECTED.into(), found });
                }
                Ok(($($t::from_value(s, Local(items.items()[$i]))?,)*))
            }
        }
        impl<$($t: IntoValue),*> IntoValue for ($($t,)*) {
            fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
                let items = [$(self.$i.into_value(s)?.0),*];
                local(s.0.tuple(&items))
            }
        }
    )* };
}
tuples! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
}

/// TypeError for what a host could not take.
pub(crate) fn type_error(cx: &mut Ctx, what: &str, m: &Mismatch) -> Raised {
    cx.error(ClassId::TypeError, format!("{what} must be {}, not {}", m.expected, m.found))
}
