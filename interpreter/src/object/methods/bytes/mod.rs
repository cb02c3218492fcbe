//! bytes and bytearray: what both have. Results are of the receiver's kind.

use std::borrow::Cow;

use conc_macros::methods;

use crate::native::{Ctx, FromArg, R};
use crate::object::kind::ClassId;
use crate::object::methods::support::comparisons;
use crate::object::misc::MemoryView;
use crate::object::string::{ByteArray, Bytes};
use crate::value::{Gc, Value};

pub mod array;
pub mod constant;
pub mod layout;
pub mod search;
pub mod split;

/// A receiver that is bytes or a bytearray.
#[derive(Clone, Copy)]
pub enum ByteString {
    Bytes(Gc<Bytes>),
    Array(Gc<ByteArray>),
}

impl FromArg for ByteString {
    #[inline]
    fn from_arg(cx: &mut Ctx, v: Value, _: &str) -> R<ByteString> {
        if let Some(b) = v.cast::<Bytes>() {
            return Ok(ByteString::Bytes(b));
        }
        match v.cast::<ByteArray>() {
            Some(b) => Ok(ByteString::Array(b)),
            None => {
                let got = cx.type_name(v);
                Err(cx.type_error(format!("descriptor requires a 'bytes' object but received a '{got}'")))
            }
        }
    }
}

impl ByteString {
    pub fn value(self) -> Value {
        match self {
            ByteString::Bytes(b) => b.value(),
            ByteString::Array(b) => b.value(),
        }
    }
    /// The bytes: a bytearray's are copied as they are now.
    pub fn data(&self) -> Cow<'_, [u8]> {
        match self {
            ByteString::Bytes(b) => Cow::Borrowed(b.as_bytes()),
            ByteString::Array(b) => Cow::Owned(b.to_vec()),
        }
    }
    /// A result of the same kind.
    pub fn result(self, cx: &mut Ctx, data: &[u8]) -> R {
        cx.bytes_like(self.value(), data)
    }
    /// A result that has all of the receiver's bytes: exact bytes are their own copy.
    pub fn unchanged(self, cx: &mut Ctx) -> R {
        match self {
            ByteString::Bytes(b) if b.header().shape() == ClassId::Bytes.shape() => Ok(b.value()),
            _ => self.result(cx, &self.data()),
        }
    }
}

comparisons!(order, ByteString, |_, this, value| {
    let fits = match this {
        ByteString::Bytes(_) => value.is_a::<Bytes>(),
        ByteString::Array(_) => value.is_a::<Bytes>() || value.is_a::<ByteArray>() || value.is_a::<MemoryView>(),
    };
    fits.then(|| this.value())
});

/// The special methods of bytes and bytearray, and conversions.
#[methods]
pub mod methods {
    use super::ByteString;
    use crate::native::{Ctx, R};
    use crate::object::misc::MemoryView;
    use crate::object::string::{ByteArray, Bytes, Str};
    use crate::text::quote;
    use crate::value::{Gc, Value};

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: ByteString) -> String {
        match this {
            ByteString::Bytes(b) => quote::repr_bytes(b.as_bytes()),
            ByteString::Array(b) => {
                let shown = quote::repr_bytearray(&b.to_vec());
                let name = cx.type_name(b.value());
                shown.strip_prefix("bytearray").map(|rest| format!("{name}{rest}")).unwrap_or(shown)
            }
        }
    }

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: ByteString) -> String {
        __repr__(cx, this)
    }

    /// Tell how many items there are.
    pub fn __len__(this: ByteString) -> usize {
        match this {
            ByteString::Bytes(b) => b.len,
            ByteString::Array(b) => b.len(),
        }
    }

    /// Give the item at the key.
    pub fn __getitem__(cx: &mut Ctx, this: ByteString, key: Value) -> R {
        cx.native_get_item(this.value(), key)
    }

    /// Tell whether the key is in self.
    pub fn __contains__(cx: &mut Ctx, this: ByteString, key: Value) -> R<bool> {
        Ok(cx.native_contains(this.value(), key)? == Some(true))
    }

    /// Give an iterator over the items.
    pub fn __iter__(cx: &mut Ctx, this: ByteString) -> R {
        match cx.native_iter(this.value()) {
            Some(it) => Ok(it),
            None => cx.iter(this.value()),
        }
    }

    /// Give self + value.
    pub fn __add__(cx: &mut Ctx, this: ByteString, value: Value) -> R {
        if !(value.is_a::<Bytes>() || value.is_a::<ByteArray>() || value.is_a::<MemoryView>()) {
            let (own, got) = (cx.type_name(this.value()), cx.type_name(value));
            return Err(cx.type_error(format!("can't concat {got} to {own}")));
        }
        let mut data = this.data().into_owned();
        data.extend(cx.byte_vec(value)?);
        this.result(cx, &data)
    }

    /// Give self * value.
    pub fn __mul__(cx: &mut Ctx, this: ByteString, value: Value) -> R {
        cx.repeat_by(this.value(), value)
    }

    /// Give value * self, when value itself has no answer.
    pub fn __rmul__(cx: &mut Ctx, this: ByteString, value: Value) -> R {
        cx.repeat_by(this.value(), value)
    }

    /// Give self % value.
    pub fn __mod__(cx: &mut Ctx, this: ByteString, value: Value) -> R {
        let data = cx.percent_bytes(&this.data(), value)?;
        this.result(cx, &data)
    }

    /// Give value % self, when value itself has no answer.
    pub fn __rmod__(cx: &mut Ctx, this: ByteString, value: Value) -> R {
        let same_kind = match this {
            ByteString::Bytes(_) => value.is_a::<Bytes>(),
            ByteString::Array(_) => value.is_a::<ByteArray>(),
        };
        if !same_kind {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let format = cx.byte_vec(value)?;
        let data = cx.percent_bytes(&format, this.value())?;
        cx.bytes_like(value, &data)
    }

    /// Give a view of the bytes that the object holds.
    pub fn __buffer__(cx: &mut Ctx, this: ByteString, _flags: i64) -> R<Gc<MemoryView>> {
        cx.memoryview(this.value())
    }

    /// Give the text that the bytes spell in an encoding.
    ///
    /// errors names what happens to bytes that spell nothing: 'strict' raises UnicodeDecodeError, 'ignore' leaves them
    /// out, 'replace' puts a mark in their place; handlers registered with codecs.register_error count too.
    pub fn decode(
        cx: &mut Ctx,
        this: ByteString,
        #[kw] encoding: Option<Value>,
        #[kw] errors: Option<Value>,
    ) -> R<Gc<Str>> {
        let encoding = cx.str_arg_opt(encoding, "decode() argument 'encoding'")?;
        let errors = cx.str_arg_opt(errors, "decode() argument 'errors'")?;
        cx.decode_bytes(&this.data(), this.value(), encoding, errors)
    }

    /// Give the bytes as hexadecimal digits.
    ///
    /// sep goes between groups of bytes_per_sep bytes, counted from the right, or from the left if that is negative.
    ///
    /// >>> b'\x01\x0a\xff'.hex()
    /// '010aff'
    /// >>> b'\x01\x0a\xff'.hex('-', 2)
    /// '01-0aff'
    pub fn hex(
        cx: &mut Ctx,
        this: ByteString,
        #[kw] sep: Option<Value>,
        #[kw] bytes_per_sep: Option<Value>,
    ) -> R<String> {
        let group = cx.c_int_arg(bytes_per_sep, 1)?;
        cx.hex_text(&this.data(), sep, group)
    }

    /// Make the table with which translate() puts each byte of to in place of the one in frm.
    ///
    /// Both have the same length.
    #[static_method]
    pub fn maketrans(cx: &mut Ctx, frm: Value, to: Value) -> R {
        let (from, to) = (cx.byte_vec(frm)?, cx.byte_vec(to)?);
        if from.len() != to.len() {
            return Err(cx.value_error("maketrans arguments must have same length"));
        }
        let mut table: Vec<u8> = (0..=255).collect();
        for (from, to) in from.iter().zip(&to) {
            table[usize::from(*from)] = *to;
        }
        cx.bytes(&table)
    }

    impl Ctx {
        /// Hexadecimal digits of bytes, in groups.
        pub fn hex_text(&mut self, data: &[u8], sep: Option<Value>, group: i64) -> R<String> {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            let sep = match sep {
                Some(sep) => Some(self.hex_separator(sep)?),
                None => None,
            };
            let size = usize::try_from(group.unsigned_abs()).unwrap_or(usize::MAX);
            let mut out = String::with_capacity(data.len() * 2);
            for (i, byte) in data.iter().enumerate() {
                let at = if group < 0 { i } else { data.len() - i };
                if let Some(sep) = sep
                    && i > 0
                    && size > 0
                    && at % size == 0
                {
                    out.push(sep as char);
                }
                out.push(DIGITS[usize::from(byte >> 4)] as char);
                out.push(DIGITS[usize::from(byte & 15)] as char);
            }
            Ok(out)
        }

        fn hex_separator(&mut self, sep: Value) -> R<u8> {
            if self.len(sep)? != 1 {
                return Err(self.value_error("sep must be length 1."));
            }
            let byte = match sep.cast::<Str>() {
                Some(s) => s.as_bytes()[0],
                None if sep.is_a::<Bytes>() => self.byte_vec(sep)?[0],
                None => return Err(self.type_error("sep must be str or bytes.")),
            };
            if byte < 0x80 { Ok(byte) } else { Err(self.value_error("sep must be ASCII.")) }
        }

        /// An item of a byte sequence.
        pub fn byte_arg(&mut self, v: Value, message: &str) -> R<u8> {
            let n = self.index(v)?;
            match self.as_i64(n).and_then(|n| u8::try_from(n).ok()) {
                Some(byte) => Ok(byte),
                None => Err(self.value_error(message)),
            }
        }

        /// The bytes that `bytes(object)` has: of a buffer, of `__bytes__`, or of an iterable of ints.
        pub fn bytes_of_object(&mut self, v: Value, target: &str) -> R<Vec<u8>> {
            let bytes = self.names().__bytes__;
            if target == "bytes"
                && let Some(result) = self.call_special(v, bytes, &[])?
            {
                if result.is_a::<Bytes>() {
                    return self.byte_vec(result);
                }
                let got = self.type_name(result);
                return Err(self.type_error(format!("__bytes__ returned non-bytes (type {got})")));
            }
            if v.is_a::<Bytes>() || v.is_a::<ByteArray>() || v.is_a::<MemoryView>() {
                return self.byte_vec(v);
            }
            let message =
                if target == "bytes" { "bytes must be in range(0, 256)" } else { "byte must be in range(0, 256)" };
            let names = self.names();
            let iterable = !v.is_a::<Str>()
                && (self.lookup_special(v, names.__iter__).is_some_and(|f| !f.is_none())
                    || self.lookup_special(v, names.__getitem__).is_some());
            if !iterable {
                let got = self.type_name(v);
                return Err(self.type_error(format!("cannot convert '{got}' object to {target}")));
            }
            let mut out = Vec::new();
            self.for_each(v, |cx, item| {
                out.push(cx.byte_arg(item, message)?);
                Ok(())
            })?;
            Ok(out)
        }

        /// The content of `bytes(source, encoding, errors)` or `bytearray(...)`.
        pub fn bytes_argument(
            &mut self,
            source: Option<Value>,
            encoding: Option<Value>,
            errors: Option<Value>,
            target: &str,
        ) -> R<Vec<u8>> {
            let encoding = self.str_arg_opt(encoding, &format!("{target}() argument 'encoding'"))?;
            let errors = self.str_arg_opt(errors, &format!("{target}() argument 'errors'"))?;
            let text = source.and_then(|v| v.cast::<Str>());
            if text.is_none() && (encoding.is_some() || errors.is_some()) {
                let what = if encoding.is_some() { "encoding" } else { "errors" };
                return Err(self.type_error(format!("{what} without a string argument")));
            }
            let Some(source) = source else { return Ok(Vec::new()) };
            if let Some(text) = text {
                if encoding.is_none() {
                    return Err(self.type_error("string argument without an encoding"));
                }
                return self.encode_str(text, encoding, errors);
            }
            let names = self.names();
            let bytes_method = target == "bytes" && self.lookup_special(source, names.__bytes__).is_some();
            if !bytes_method && (self.is_int(source) || self.lookup_special(source, names.__index__).is_some()) {
                return self.zero_bytes(source);
            }
            self.bytes_of_object(source, target)
        }

        fn zero_bytes(&mut self, count: Value) -> R<Vec<u8>> {
            let index = self.index(count)?;
            let Some(n) = self.as_i64(index) else {
                let got = self.type_name(count);
                return Err(self.overflow_error(format!("cannot fit '{got}' into an index-sized integer")));
            };
            match usize::try_from(n) {
                Ok(n) => {
                    self.ensure_memory(n, 2)?;
                    Ok(vec![0; n])
                }
                Err(_) => Err(self.value_error("negative count")),
            }
        }

        /// The bytes of `fromhex`.
        pub fn bytes_of_hex(&mut self, text: Value) -> R<Vec<u8>> {
            let text = self.str_arg(text, "fromhex() argument")?;
            let mut out = Vec::with_capacity(text.bytes as usize / 2);
            let bytes = text.as_bytes();
            let digit = |at: usize| bytes.get(at).and_then(|b| (*b as char).to_digit(16)).map(|d| d as u8);
            let mut at = 0;
            while at < bytes.len() {
                if crate::text::character::is_byte_space(bytes[at]) {
                    at += 1;
                    continue;
                }
                match (digit(at), digit(at + 1)) {
                    (Some(high), Some(low)) => out.push(high << 4 | low),
                    (high, _) => {
                        let at = at + usize::from(high.is_some());
                        let position = if text.is_ascii() { at } else { crate::text::wtf8::char_of_offset(bytes, at) };
                        return Err(self.value_error(format!(
                            "non-hexadecimal number found in fromhex() arg at position {position}"
                        )));
                    }
                }
                at += 2;
            }
            Ok(out)
        }
    }
}
