//! `repr`, `str` and `format` of all values.

use crate::heap::header::flag;
use crate::native::{Ctx, R};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::function::Native;
use crate::object::kind::{ClassId, Kind};
use crate::object::misc::DictView;
use crate::object::number::Complex;
use crate::object::sequence::{List, Tuple};
use crate::object::set::Set;
use crate::object::string::{ByteArray, Bytes, Str};
use crate::text;
use crate::value::{Gc, Value};

impl Ctx {
    /// `repr(v)`
    pub fn repr(&mut self, v: Value) -> R<Gc<Str>> {
        let mut out = Vec::new();
        self.write_repr(v, &mut out)?;
        self.try_wtf8(&out)
    }

    /// `repr(v)` for messages; never fails.
    pub fn repr_text(&mut self, v: Value) -> String {
        match self.repr(v) {
            Ok(s) => s.to_text().into_owned(),
            Err(_) => format!("<{} object>", self.type_name(v)),
        }
    }

    /// Appends `repr(v)`.
    pub fn write_repr(&mut self, v: Value, out: &mut Vec<u8>) -> R<()> {
        let shape = v.header().map_or(0, |h| h.shape());
        if shape < ClassId::COUNT as u32 && self.native_repr(v, out)? {
            return Ok(());
        }
        self.check_stack()?;
        let names = self.names();
        let result = match self.lookup_special(v, names.__repr__) {
            Some(f) => self.call_unbound(f, v, &[])?,
            None => return self.write_default_repr(v, out),
        };
        match result.cast::<Str>() {
            Some(s) => {
                out.extend_from_slice(s.as_bytes());
                Ok(())
            }
            None => {
                let got = self.type_name(result);
                Err(self.type_error(format!("__repr__ returned non-string (type {got})")))
            }
        }
    }

    /// `<module.Class object at 0x...>`
    pub fn write_default_repr(&mut self, v: Value, out: &mut Vec<u8>) -> R<()> {
        let class = self.class_of(v);
        let name = self.qualified_name(class);
        out.extend_from_slice(format!("<{name} object at {:#x}>", v.bits().wrapping_sub(1)).as_bytes());
        Ok(())
    }

    /// `module.qualname`, or the plain name of a builtin.
    pub fn qualified_name(&mut self, class: Gc<Class>) -> String {
        let qualname = self.text_of(class.qualname.get());
        match self.class_module(class).and_then(|m| m.cast::<Str>()) {
            Some(module) if !module.eq_text("builtins") => format!("{}.{qualname}", module.to_text()),
            _ => qualname,
        }
    }

    /// The repr that the native struct defines; false: none of its own.
    pub fn native_repr(&mut self, v: Value, out: &mut Vec<u8>) -> R<bool> {
        if v.is_int() {
            out.extend_from_slice(v.int().to_string().as_bytes());
            return Ok(true);
        }
        if v.is_float() {
            out.extend_from_slice(text::float::repr(v.float()).as_bytes());
            return Ok(true);
        }
        if !v.is_object() {
            let text = match v {
                Value::NONE => "None",
                Value::TRUE => "True",
                Value::FALSE => "False",
                Value::NOT_IMPLEMENTED => "NotImplemented",
                Value::ELLIPSIS => "Ellipsis",
                _ => "<unbound>",
            };
            out.extend_from_slice(text.as_bytes());
            return Ok(true);
        }
        match Kind::of(v.kind_byte()) {
            Kind::Str => {
                if let Some(s) = v.cast::<Str>() {
                    out.extend_from_slice(&text::quote::repr_str(s.as_bytes()));
                }
            }
            Kind::Float => out.extend_from_slice(text::float::repr(self.as_float(v).unwrap_or(0.0)).as_bytes()),
            Kind::BigInt => {
                let digits = self.int_digits(v)?;
                out.extend_from_slice(digits.as_bytes());
            }
            Kind::Complex => {
                if let Some(c) = v.cast::<Complex>() {
                    out.extend_from_slice(text::complex::repr(c.re, c.im).as_bytes());
                }
            }
            Kind::Bytes => {
                if let Some(b) = v.cast::<Bytes>() {
                    out.extend_from_slice(text::quote::repr_bytes(b.as_bytes()).as_bytes());
                }
            }
            Kind::ByteArray => {
                if let Some(b) = v.cast::<ByteArray>() {
                    out.extend_from_slice(text::quote::repr_bytearray(&b.to_vec()).as_bytes());
                }
            }
            Kind::List | Kind::Tuple | Kind::Dict | Kind::Set | Kind::DictView => self.container_repr(v, out)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The decimal digits of a big int, within the digits limit.
    pub fn int_digits(&mut self, v: Value) -> R<String> {
        let limit = self.iso().int_max_str_digits.load(std::sync::atomic::Ordering::Relaxed);
        let n = self.as_int(v).unwrap_or(dashu_int::IBig::ZERO);
        match text::int::to_decimal(&n, limit) {
            Ok(digits) => Ok(digits),
            Err(fault) => Err(self.fault(fault)),
        }
    }

    /// The exception for an error of the text functions.
    pub fn fault(&mut self, fault: text::fault::Fault) -> crate::native::Raised {
        let class = match fault.kind {
            text::fault::FaultKind::Value => ClassId::ValueError,
            text::fault::FaultKind::Type => ClassId::TypeError,
            text::fault::FaultKind::Overflow => ClassId::OverflowError,
            text::fault::FaultKind::Memory => ClassId::MemoryError,
        };
        self.error(class, &*fault.message)
    }

    /// MemoryError if there is no memory for `bytes` bytes, `copies` of which exist at once.
    pub fn ensure_memory(&mut self, bytes: usize, copies: usize) -> R<()> {
        text::fault::ensure_memory(bytes.saturating_mul(copies)).map_err(|fault| self.fault(fault))
    }

    /// Runs `body` unless `v` is being shown already further out; tells whether it ran.
    pub fn guarded(&mut self, v: Value, body: impl FnOnce(&mut Ctx) -> R<()>) -> R<bool> {
        if self.repr_guard.contains(&v.bits()) {
            return Ok(false);
        }
        self.check_stack()?;
        self.repr_guard.push(v.bits());
        let result = body(self);
        self.repr_guard.pop();
        result.map(|()| true)
    }

    fn container_repr(&mut self, v: Value, out: &mut Vec<u8>) -> R<()> {
        let start = out.len();
        let kind = Kind::of(v.kind_byte());
        let ran = self.guarded(v, |cx| match kind {
            Kind::List => cx.list_repr(v, out),
            Kind::Tuple => cx.tuple_repr(v, out),
            Kind::Dict => cx.dict_repr(v, out),
            Kind::Set => cx.set_repr(v, out),
            _ => cx.view_repr(v, out),
        })?;
        if !ran {
            out.truncate(start);
            let text = match kind {
                Kind::List => "[...]",
                Kind::Tuple => "(...)",
                Kind::Dict => "{...}",
                Kind::Set => return self.recursive_set_repr(v, out),
                _ => "...",
            };
            out.extend_from_slice(text.as_bytes());
        }
        Ok(())
    }

    /// A set that contains itself, through an object with a repr of its own.
    fn recursive_set_repr(&mut self, v: Value, out: &mut Vec<u8>) -> R<()> {
        out.extend_from_slice(self.type_name(v).as_bytes());
        out.extend_from_slice(b"(...)");
        Ok(())
    }

    fn list_repr(&mut self, v: Value, out: &mut Vec<u8>) -> R<()> {
        let Some(list) = v.cast::<List>() else { return Ok(()) };
        out.push(b'[');
        let mut i = 0;
        while let Some(item) = list.get(i) {
            if i > 0 {
                out.extend_from_slice(b", ");
            }
            self.write_repr(item, out)?;
            self.poll()?;
            i += 1;
        }
        out.push(b']');
        Ok(())
    }

    fn tuple_repr(&mut self, v: Value, out: &mut Vec<u8>) -> R<()> {
        let Some(t) = v.cast::<Tuple>() else { return Ok(()) };
        out.push(b'(');
        for (i, &item) in t.items().iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b", ");
            }
            self.write_repr(item, out)?;
        }
        if t.len == 1 {
            out.push(b',');
        }
        out.push(b')');
        Ok(())
    }

    fn dict_repr(&mut self, v: Value, out: &mut Vec<u8>) -> R<()> {
        let Some(dict) = v.cast::<Dict>() else { return Ok(()) };
        out.push(b'{');
        for (i, (key, value)) in dict.pairs().enumerate() {
            if i > 0 {
                out.extend_from_slice(b", ");
            }
            self.write_repr(key, out)?;
            out.extend_from_slice(b": ");
            self.write_repr(value, out)?;
        }
        out.push(b'}');
        Ok(())
    }

    fn set_repr(&mut self, v: Value, out: &mut Vec<u8>) -> R<()> {
        let Some(set) = v.cast::<Set>() else { return Ok(()) };
        let class = self.class_of(v);
        let plain = class.id == ClassId::Set as u32;
        let name = class.name_text();
        if set.is_empty() {
            out.extend_from_slice(format!("{name}()").as_bytes());
            return Ok(());
        }
        if !plain {
            out.extend_from_slice(format!("{name}(").as_bytes());
        }
        out.push(b'{');
        for (i, (key, _)) in set.keys().enumerate() {
            if i > 0 {
                out.extend_from_slice(b", ");
            }
            self.write_repr(key, out)?;
        }
        out.push(b'}');
        if !plain {
            out.push(b')');
        }
        Ok(())
    }

    fn view_repr(&mut self, v: Value, out: &mut Vec<u8>) -> R<()> {
        let Some(view) = v.cast::<DictView>() else { return Ok(()) };
        let name = self.type_name(v);
        out.extend_from_slice(format!("{name}([").as_bytes());
        let shape = view.header().shape();
        for (i, (key, value)) in view.dict.obj::<Dict>().pairs().enumerate() {
            if i > 0 {
                out.extend_from_slice(b", ");
            }
            match shape {
                s if s == ClassId::DictKeys.shape() => self.write_repr(key, out)?,
                s if s == ClassId::DictValues.shape() => self.write_repr(value, out)?,
                _ => {
                    out.push(b'(');
                    self.write_repr(key, out)?;
                    out.extend_from_slice(b", ");
                    self.write_repr(value, out)?;
                    out.push(b')');
                }
            }
        }
        out.extend_from_slice(b"])");
        Ok(())
    }

    /// `str(v)`
    pub fn to_str(&mut self, v: Value) -> R<Gc<Str>> {
        if let Some(s) = self.exact_str(v) {
            return Ok(s);
        }
        if v.is_int() {
            let n = v.int();
            if (0..10).contains(&n) {
                return Ok(self.char_str(b'0' + n as u8));
            }
            return Ok(self.ascii_str(itoa(n).as_bytes()));
        }
        let shape = v.header().map_or(0, |h| h.shape());
        if shape < ClassId::COUNT as u32 {
            let mut out = Vec::new();
            if self.native_repr(v, &mut out)? {
                return self.try_wtf8(&out);
            }
        }
        self.check_stack()?;
        let names = self.names();
        let Some(mut f) = self.lookup_special(v, names.__str__) else { return self.repr(v) };
        // What object.__str__ does, but a wrong result is then a wrong `__str__`.
        if self.is_objects_own(f)
            && let Some(repr) = self.lookup_special(v, names.__repr__)
        {
            f = repr;
        }
        let result = self.call_unbound(f, v, &[])?;
        match result.cast::<Str>() {
            Some(s) => Ok(s),
            None => {
                let got = self.type_name(result);
                Err(self.type_error(format!("__str__ returned non-string (type {got})")))
            }
        }
    }

    /// Whether a method is one of class object.
    fn is_objects_own(&self, f: Value) -> bool {
        f.cast::<Native>().is_some_and(|n| n.owner.get() == self.class(ClassId::Object).value())
    }

    /// `str(v)` for messages; never fails.
    pub fn str_text(&mut self, v: Value) -> String {
        match self.to_str(v) {
            Ok(s) => s.to_text().into_owned(),
            Err(_) => "<exception str() failed>".into(),
        }
    }

    /// `format(v, spec)`
    pub fn format(&mut self, v: Value, spec: Option<Gc<Str>>) -> R<Gc<Str>> {
        let empty = spec.is_none_or(|s| s.is_empty());
        let shape = v.header().map_or(0, |h| h.shape());
        if empty && (shape == 0 || shape == ClassId::Str.shape() || shape == ClassId::Int.shape()) {
            return self.to_str(v);
        }
        let names = self.names();
        let spec = match spec {
            Some(s) => s.value(),
            None => self.iso().roots.empty_str.get(),
        };
        let Some(f) = self.lookup_special(v, names.__format__) else { return self.to_str(v) };
        let result = self.call_unbound(f, v, &[spec])?;
        match result.cast::<Str>() {
            Some(s) => Ok(s),
            None => {
                let got = self.type_name(result);
                Err(self.type_error(format!("__format__ must return a str, not {got}")))
            }
        }
    }

    /// Whether a str object is its text's interned one.
    pub fn is_interned(&self, s: Gc<Str>) -> bool {
        s.header().has(flag::INTERNED)
    }
}

/// A small stack buffer of decimal digits.
struct Digits {
    buffer: [u8; 20],
    start: usize,
}

impl Digits {
    fn as_bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

/// The decimal digits of an int, without an allocation.
fn itoa(n: i64) -> Digits {
    let mut d = Digits { buffer: [0; 20], start: 20 };
    let mut left = n.unsigned_abs();
    loop {
        d.start -= 1;
        d.buffer[d.start] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if n < 0 {
        d.start -= 1;
        d.buffer[d.start] = b'-';
    }
    d
}
