//! `int(x)`, `float(x)`, `complex(x)`: numbers from objects and texts.

use crate::native::{Ctx, R};
use crate::object::misc::MemoryView;
use crate::object::string::{ByteArray, Bytes, Str};
use crate::text;
use crate::text::complex::ComplexError;
use crate::text::int::IntError;
use crate::value::{Gc, Value};

/// The start of a repr, as long as error texts show it.
fn clipped(repr: Gc<Str>, chars: usize) -> String {
    repr.to_text().chars().take(chars).collect()
}

impl Ctx {
    /// `int(x)` as an exact int.
    pub fn int_of(&mut self, x: Value) -> R {
        if x.is_int() {
            return Ok(x);
        }
        let exact = |v: Value| v.header().is_none_or(|h| h.shape() < crate::object::kind::ClassId::COUNT as u32);
        if exact(x) {
            if self.is_int(x) {
                return self.index(x);
            }
            if let Some(x) = self.as_float(x) {
                let n = self.whole(x)?;
                return Ok(self.big(&n));
            }
        }
        let names = self.names();
        if !exact(x) || !(x.is_a::<Str>() || is_buffer(x)) {
            if let Some(result) = self.call_special(x, names.__int__, &[])? {
                return match self.as_int(result) {
                    Some(n) => Ok(self.big(&n)),
                    None => {
                        let got = self.type_name(result);
                        Err(self.type_error(format!("__int__ returned non-int (type {got})")))
                    }
                };
            }
            if self.lookup_special(x, names.__index__).is_some() {
                return self.index(x);
            }
            if let Some(result) = self.call_special(x, names.__trunc__, &[])? {
                return self.int_of_trunc(result);
            }
        }
        if x.is_a::<Str>() || is_buffer(x) {
            return self.int_of_text(x, 10);
        }
        let got = self.type_name(x);
        let message = "int() argument must be a string, a bytes-like object or a real number, not";
        Err(self.type_error(format!("{message} '{got}'")))
    }

    /// What `__trunc__` returned, as an int.
    fn int_of_trunc(&mut self, result: Value) -> R {
        let names = self.names();
        if self.is_int(result) || self.lookup_special(result, names.__index__).is_some() {
            return self.index(result);
        }
        if let Some(n) = self.call_special(result, names.__int__, &[])?
            && self.is_int(n)
        {
            return self.index(n);
        }
        let got = self.type_name(result);
        Err(self.type_error(format!("__trunc__ returned non-Integral (type {got})")))
    }

    /// `int(text, base)`
    pub fn int_in_base(&mut self, x: Value, base: Value) -> R {
        let base = self.index_clipped(base)?;
        match u32::try_from(base) {
            Ok(base @ (0 | 2..=36)) if x.is_a::<Str>() || x.is_a::<Bytes>() || x.is_a::<ByteArray>() => {
                self.int_of_text(x, base)
            }
            Ok(0 | 2..=36) => Err(self.type_error("int() can't convert non-string with explicit base")),
            _ => Err(self.value_error("int() base must be >= 2 and <= 36, or 0")),
        }
    }

    fn int_of_text(&mut self, x: Value, base: u32) -> R {
        let limit = self.digits_limit();
        let parsed = match x.cast::<Str>() {
            Some(s) => text::int::parse(s.as_bytes(), base, limit),
            None => text::int::parse_bytes(&self.byte_vec(x)?, base, limit),
        };
        match parsed {
            Ok(n) => Ok(self.big(&n)),
            Err(IntError::TooManyDigits(digits)) => Err(self.fault(text::int::too_many_digits_in_text(limit, digits))),
            Err(_) => {
                let shown = self.shown_text(x)?;
                Err(self.value_error(format!("invalid literal for int() with base {base}: {shown}")))
            }
        }
    }

    /// The repr of a text that is no number; other buffers show as bytes.
    fn shown_text(&mut self, x: Value) -> R<String> {
        let shown = if let Some(s) = x.cast::<Str>() {
            let text = text::quote::repr_str(s.as_bytes());
            self.try_wtf8(&text)?
        } else {
            let data = self.byte_vec(x)?;
            self.new_str(&text::quote::repr_bytes(&data))
        };
        Ok(clipped(shown, 200))
    }

    /// `float(x)`
    pub fn float_of(&mut self, x: Value) -> R<f64> {
        let parsed = match x.cast::<Str>() {
            Some(s) => text::float::parse(s.as_bytes()),
            None if is_buffer(x) => text::float::parse_bytes(&self.byte_vec(x)?),
            None => {
                let names = self.names();
                if self.is_real(x) {
                    let exact = x.header().is_none_or(|h| h.shape() < crate::object::kind::ClassId::COUNT as u32);
                    if !exact && let Some(f) = self.lookup_special(x, names.__float__) {
                        return self.float_by(f, x);
                    }
                    return self.to_float(x);
                }
                let got = self.type_name(x);
                return Err(self.type_error(format!("float() argument must be a string or a real number, not '{got}'")));
            }
        };
        match parsed {
            Some(x) => Ok(x),
            None => {
                let shown = self.repr(x)?.to_text().into_owned();
                Err(self.value_error(format!("could not convert string to float: {shown}")))
            }
        }
    }

    fn float_by(&mut self, f: Value, x: Value) -> R<f64> {
        let result = self.call_unbound(f, x, &[])?;
        match self.as_float(result) {
            Some(x) => Ok(x),
            None => {
                let (class, got) = (self.type_name(x), self.type_name(result));
                Err(self.type_error(format!("{class}.__float__ returned non-float (type {got})")))
            }
        }
    }

    /// `complex(text)`
    pub fn complex_of_text(&mut self, s: Gc<Str>) -> R<(f64, f64)> {
        match text::complex::parse(s.as_bytes()) {
            Ok(parts) => Ok(parts),
            Err(ComplexError::Malformed) => Err(self.value_error("complex() arg is a malformed string")),
            Err(ComplexError::Underscore) => {
                let shown = self.repr(s.value())?.to_text().into_owned();
                Err(self.value_error(format!("could not convert string to complex: {shown}")))
            }
        }
    }

    /// The complex number of any number: complex, `__complex__`, `__float__`, `__index__`; None: no number.
    pub fn complex_of(&mut self, x: Value) -> R<Option<(f64, f64)>> {
        if !x.is_a::<Str>()
            && let Some(result) = self.complex_by_method(x)?
        {
            return Ok(Some(result));
        }
        if self.is_real(x) { Ok(Some((self.to_float(x)?, 0.0))) } else { Ok(None) }
    }

    /// Whether a value is or converts itself to a real number.
    pub fn is_real(&mut self, x: Value) -> bool {
        let names = self.names();
        self.as_float(x).is_some()
            || self.is_int(x)
            || self.lookup_special(x, names.__float__).is_some()
            || self.lookup_special(x, names.__index__).is_some()
    }

    /// By being complex or by `__complex__`.
    fn complex_by_method(&mut self, x: Value) -> R<Option<(f64, f64)>> {
        let exact = x.header().is_none_or(|h| h.shape() < crate::object::kind::ClassId::COUNT as u32);
        if exact {
            return Ok(self.as_complex(x));
        }
        let names = self.names();
        let Some(result) = self.call_special(x, names.__complex__, &[])? else { return Ok(self.as_complex(x)) };
        match self.as_complex(result) {
            Some(parts) => Ok(Some(parts)),
            None => {
                let got = self.type_name(result);
                Err(self.type_error(format!("__complex__ returned non-complex (type {got})")))
            }
        }
    }

    /// The digits of an int as a str.
    pub fn int_text(&mut self, v: Value) -> R<Gc<Str>> {
        if v.is_int() {
            return self.to_str(v);
        }
        let digits = self.int_digits(v)?;
        Ok(self.new_str(&digits))
    }
}

fn is_buffer(v: Value) -> bool {
    v.is_a::<Bytes>() || v.is_a::<ByteArray>() || v.is_a::<MemoryView>()
}
