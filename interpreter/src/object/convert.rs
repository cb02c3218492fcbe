//! From values to Rust numbers and back: truth, indices, ints of any size, floats.

use dashu_int::IBig;

use crate::native::{Ctx, R};
use crate::object::dict::Dict;
use crate::object::kind::{ClassId, Kind};
use crate::object::misc::Range;
use crate::object::number::{BigInt, Float};
use crate::object::sequence::{List, Tuple};
use crate::object::set::Set;
use crate::object::string::{ByteArray, Bytes, Str};
use crate::value::Value;

impl Ctx {
    /// The truth of a value.
    #[inline]
    pub fn truth(&mut self, v: Value) -> R<bool> {
        match v {
            Value::TRUE => Ok(true),
            Value::FALSE | Value::NONE => Ok(false),
            v if v.is_int() => Ok(v.int() != 0),
            v => self.truth_slow(v),
        }
    }

    fn truth_slow(&mut self, v: Value) -> R<bool> {
        if v.is_float() {
            return Ok(v.float() != 0.0);
        }
        let Some(h) = v.header() else { return Ok(true) };
        if h.shape() < ClassId::COUNT as u32 {
            match Kind::of(h.kind()) {
                Kind::Str => return Ok(v.cast::<Str>().is_some_and(|s| !s.is_empty())),
                Kind::List => return Ok(v.cast::<List>().is_some_and(|l| !l.is_empty())),
                Kind::Tuple => return Ok(v.cast::<Tuple>().is_some_and(|t| t.len != 0)),
                Kind::Dict => return Ok(v.cast::<Dict>().is_some_and(|d| !d.is_empty())),
                Kind::Set => return Ok(v.cast::<Set>().is_some_and(|s| !s.is_empty())),
                Kind::Bytes => return Ok(v.cast::<Bytes>().is_some_and(|b| b.len != 0)),
                Kind::ByteArray => return Ok(v.cast::<ByteArray>().is_some_and(|b| !b.is_empty())),
                Kind::Float => return Ok(v.cast::<Float>().is_some_and(|f| f.value != 0.0)),
                Kind::BigInt | Kind::Function | Kind::Native | Kind::Class => return Ok(true),
                Kind::Range if v.cast::<Range>().is_some_and(|r| r.len >= 0) => {
                    return Ok(v.cast::<Range>().is_some_and(|r| r.len != 0));
                }
                _ => {}
            }
        }
        let names = self.names();
        if let Some(f) = self.lookup_special(v, names.__bool__) {
            let result = self.call_unbound(f, v, &[])?;
            return self.bool_result(result);
        }
        if self.lookup_special(v, names.__len__).is_some() {
            return Ok(self.len(v)? != 0);
        }
        Ok(true)
    }

    /// What `__bool__` returned, checked.
    pub fn bool_result(&mut self, result: Value) -> R<bool> {
        match result.as_bool() {
            Some(b) => Ok(b),
            None => {
                let got = self.type_name(result);
                Err(self.type_error(format!("__bool__ should return bool, returned {got}")))
            }
        }
    }

    /// The int behind a value that is an int (bools included), of any size.
    pub fn as_int(&self, v: Value) -> Option<IBig> {
        if v.is_int() {
            return Some(IBig::from(v.int()));
        }
        if let Some(b) = v.as_bool() {
            return Some(IBig::from(b as u8));
        }
        v.cast::<BigInt>().map(|b| b.to_big())
    }

    /// The int of an int value that fits i64.
    #[inline]
    pub fn as_i64(&self, v: Value) -> Option<i64> {
        if v.is_int() {
            return Some(v.int());
        }
        if let Some(b) = v.as_bool() {
            return Some(b as i64);
        }
        v.cast::<BigInt>().and_then(|b| i64::try_from(&b.to_big()).ok())
    }

    /// Whether a value is an int, a bool, or an instance of a subclass of int.
    pub fn is_int(&self, v: Value) -> bool {
        v.is_int() || v.is_bool() || v.is_a::<BigInt>()
    }

    /// The value as an exact int by `__index__`.
    pub fn index(&mut self, v: Value) -> R {
        if v.is_int() {
            return Ok(v);
        }
        if let Some(n) = self.as_int(v) {
            return Ok(self.big(&n));
        }
        let names = self.names();
        match self.lookup_special(v, names.__index__) {
            Some(f) => {
                let result = self.call_unbound(f, v, &[])?;
                match self.as_int(result) {
                    Some(n) => Ok(self.big(&n)),
                    None => {
                        let got = self.type_name(result);
                        Err(self.type_error(format!("__index__ returned non-int (type {got})")))
                    }
                }
            }
            None => {
                let got = self.type_name(v);
                Err(self.type_error(format!("'{got}' object cannot be interpreted as an integer")))
            }
        }
    }

    /// An index that fits i64, else OverflowError.
    pub fn index_i64(&mut self, v: Value) -> R<i64> {
        if v.is_int() {
            return Ok(v.int());
        }
        let n = self.index(v)?;
        match self.as_i64(n) {
            Some(n) => Ok(n),
            None => Err(self.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    /// An index clipped to i64 (as slice bounds are).
    pub fn index_clipped(&mut self, v: Value) -> R<i64> {
        let n = self.index(v)?;
        Ok(match self.as_i64(n) {
            Some(n) => n,
            None if n.cast::<BigInt>().is_some_and(|b| b.is_negative()) => i64::MIN,
            None => i64::MAX,
        })
    }

    /// The float of a float value (or subclass instance).
    #[inline]
    pub fn as_float(&self, v: Value) -> Option<f64> {
        if v.is_float() { Some(v.float()) } else { v.cast::<Float>().map(|f| f.value) }
    }

    /// The float nearest to an int; OverflowError beyond the range.
    pub fn int_to_float(&mut self, n: &IBig) -> R<f64> {
        let x = crate::object::arith::big_to_f64(n);
        if x.is_infinite() {
            return Err(self.overflow_error("int too large to convert to float"));
        }
        Ok(x)
    }

    /// The value as a float: floats, ints, `__float__`, `__index__`.
    pub fn to_float(&mut self, v: Value) -> R<f64> {
        if let Some(x) = self.as_float(v) {
            return Ok(x);
        }
        if v.is_int() {
            return Ok(v.int() as f64);
        }
        if let Some(n) = self.as_int(v) {
            return self.int_to_float(&n);
        }
        let names = self.names();
        if let Some(f) = self.lookup_special(v, names.__float__) {
            let result = self.call_unbound(f, v, &[])?;
            if let Some(x) = self.as_float(result) {
                return Ok(x);
            }
            let (class, got) = (self.type_name(v), self.type_name(result));
            return Err(self.type_error(format!("{class}.__float__ returned non-float (type {got})")));
        }
        if self.lookup_special(v, names.__index__).is_some() {
            let n = self.index(v)?;
            return self.to_float(n);
        }
        let got = self.type_name(v);
        Err(self.type_error(format!("must be real number, not {got}")))
    }

    /// `len(v)`
    pub fn len(&mut self, v: Value) -> R<usize> {
        if let Some(h) = v.header()
            && h.shape() < ClassId::COUNT as u32
            && let Some(n) = self.native_len(v)
        {
            return Ok(n);
        }
        let names = self.names();
        match self.lookup_special(v, names.__len__) {
            Some(f) => {
                let result = self.call_unbound(f, v, &[])?;
                self.len_result(result)
            }
            None => {
                let got = self.type_name(v);
                Err(self.type_error(format!("object of type '{got}' has no len()")))
            }
        }
    }

    /// What `__len__` returned, checked.
    pub fn len_result(&mut self, result: Value) -> R<usize> {
        let n = self.index(result)?;
        match self.as_i64(n) {
            Some(n) if n >= 0 => Ok(n as usize),
            Some(_) => Err(self.value_error("__len__() should return >= 0")),
            None => Err(self.overflow_error("cannot fit 'int' into an index-sized integer")),
        }
    }

    /// The length that a builtin container's own struct tells.
    pub fn native_len(&self, v: Value) -> Option<usize> {
        Some(match Kind::of(v.kind_byte()) {
            Kind::Str => v.cast::<Str>()?.len(),
            Kind::List => v.cast::<List>()?.len(),
            Kind::Tuple => v.cast::<Tuple>()?.len,
            Kind::Dict => v.cast::<Dict>()?.len(),
            Kind::Set => v.cast::<Set>()?.len(),
            Kind::Bytes => v.cast::<Bytes>()?.len,
            Kind::ByteArray => v.cast::<ByteArray>()?.len(),
            Kind::Range => usize::try_from(v.cast::<Range>()?.len).ok()?,
            Kind::DictView => v.cast::<super::misc::DictView>()?.dict.obj::<Dict>().len(),
            _ => return None,
        })
    }

    /// `isinstance(v, class)` for a single builtin class, by the real class only.
    pub fn is_instance(&self, v: Value, id: ClassId) -> bool {
        self.class_of(v).is_subclass_of(self.class(id))
    }
}
