//! bytearray alone: construction and mutation.

use conc_macros::methods;

/// What only bytearrays have.
#[methods]
pub mod methods {
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::class::Class;
    use crate::object::items::Span;
    use crate::object::kind::ClassId;
    use crate::object::misc::{MemoryView, SliceObject};
    use crate::object::number::Complex;
    use crate::object::string::{ByteArray, Bytes, Str, StrBuffer};
    use crate::value::{Gc, Value};

    const RANGE: &str = "byte must be in range(0, 256)";

    /// Make an empty bytearray; `__init__` fills it.
    #[static_method]
    #[name = "__new__"]
    pub fn new(cx: &mut Ctx, cls: Value, _arguments: &[Value], _kwargs: Kwargs) -> R<Gc<ByteArray>> {
        let class = cx.class_for_new(cls, ClassId::ByteArray)?;
        cx.new_bytearray(class, b"")
    }

    /// Make a bytearray: of a bytes-like object's bytes, of the ints below 256 in an iterable, of a text in an
    /// encoding, or
    /// of so many zero bytes.
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<ByteArray>,
        #[kw] source: Option<Value>,
        #[kw] encoding: Option<Value>,
        #[kw] errors: Option<Value>,
    ) -> R<()> {
        let data = cx.bytes_argument(source, encoding, errors, "bytearray")?;
        cx.bytes_replace(this, &data)
    }

    /// Add one byte at the end.
    pub fn append(cx: &mut Ctx, this: Gc<ByteArray>, item: Value) -> R<()> {
        let byte = cx.byte_arg(item, RANGE)?;
        cx.bytes_push(this, byte)
    }

    /// Add every byte of an iterable at the end.
    pub fn extend(cx: &mut Ctx, this: Gc<ByteArray>, iterable_of_ints: Value) -> R<()> {
        let v = iterable_of_ints;
        if is_buffer(v) {
            let data = cx.byte_vec(v)?;
            return cx.bytes_splice(this, usize::MAX, usize::MAX, &data);
        }
        if v.is_a::<Str>() {
            return Err(cx.type_error("expected iterable of integers; got: 'str'"));
        }
        let it = match cx.iter(v) {
            Err(e) if cx.is_error(e, ClassId::TypeError) && cx.exception_text(e.0).ends_with("is not iterable") => {
                let got = cx.type_name(v);
                return Err(cx.type_error(format!("can't extend bytearray with {got}")));
            }
            other => other?,
        };
        let mut data = Vec::new();
        while let Some(item) = cx.next(it)? {
            data.push(cx.byte_arg(item, RANGE)?);
            cx.poll()?;
        }
        cx.bytes_splice(this, usize::MAX, usize::MAX, &data)
    }

    fn is_buffer(v: Value) -> bool {
        v.is_a::<Bytes>() || v.is_a::<ByteArray>() || v.is_a::<MemoryView>()
    }

    /// Put one byte in front of the one at the index.
    pub fn insert(cx: &mut Ctx, this: Gc<ByteArray>, index: i64, item: Value) -> R<()> {
        let byte = cx.byte_arg(item, RANGE)?;
        cx.bytes_edit(this, &[byte], |_, len| {
            let len = len as i64;
            let at = if index < 0 { (index + len).max(0) } else { index.min(len) } as usize;
            Some((at, at))
        })?;
        Ok(())
    }

    /// Take out the byte at the index, the last unless told otherwise, and give it.
    pub fn pop(cx: &mut Ctx, this: Gc<ByteArray>, #[default(-1)] index: i64) -> R<i64> {
        match remove_at(cx, this, index)? {
            Some(byte) => Ok(i64::from(byte)),
            None if this.is_empty() => Err(cx.index_error("pop from empty bytearray")),
            None => Err(cx.index_error("pop index out of range")),
        }
    }

    /// Takes a byte out; None: out of range.
    fn remove_at(cx: &mut Ctx, this: Gc<ByteArray>, index: i64) -> R<Option<u8>> {
        cx.bytes_edit(this, b"", |_, len| {
            let at = usize::try_from(if index < 0 { index + len as i64 } else { index }).ok()?;
            (at < len).then_some((at, at + 1))
        })
    }

    /// Take out the first byte of this value.
    pub fn remove(cx: &mut Ctx, this: Gc<ByteArray>, value: Value) -> R<()> {
        let byte = cx.byte_arg(value, RANGE)?;
        let found = |bytes: &StrBuffer, len: usize| (0..len).find(|&i| bytes.get(i) == byte).map(|at| (at, at + 1));
        match cx.bytes_edit(this, b"", found)? {
            Some(_) => Ok(()),
            None => Err(cx.value_error("value not found in bytearray")),
        }
    }

    /// Turn the bytes around, in place.
    pub fn reverse(cx: &mut Ctx, this: Gc<ByteArray>) -> R<()> {
        let mut data = this.to_vec();
        data.reverse();
        cx.bytes_replace(this, &data)
    }

    /// Take out every byte.
    pub fn clear(cx: &mut Ctx, this: Gc<ByteArray>) -> R<()> {
        cx.bytes_replace(this, b"")
    }

    /// Give a second bytearray with these bytes.
    pub fn copy(cx: &mut Ctx, this: Gc<ByteArray>) -> R<Gc<ByteArray>> {
        let class = cx.class(ClassId::ByteArray);
        cx.new_bytearray(class, &this.to_vec())
    }

    /// Put the value at the key.
    pub fn __setitem__(cx: &mut Ctx, this: Gc<ByteArray>, key: Value, value: Value) -> R<()> {
        if let Some(slice) = key.cast::<SliceObject>() {
            let data = assigned(cx, value)?;
            let span = cx.slice_span(slice, || this.len())?;
            return set_slice(cx, this, span, &data);
        }
        let index = cx.names().__index__;
        if !cx.is_int(key) && cx.lookup_special(key, index).is_none() {
            return Err(cx.bad_index("bytearray", key));
        }
        let byte = cx.byte_arg(value, RANGE)?;
        let at = item_at(cx, this, key)?;
        cx.bytes_splice(this, at, at + 1, &[byte])
    }

    fn item_at(cx: &mut Ctx, this: Gc<ByteArray>, key: Value) -> R<usize> {
        match cx.item_index(key, || this.len(), "bytearray")? {
            Some(at) => Ok(at),
            None => Err(cx.index_error("bytearray index out of range")),
        }
    }

    /// The bytes that a slice is to become.
    fn assigned(cx: &mut Ctx, value: Value) -> R<Vec<u8>> {
        if is_buffer(value) {
            return cx.byte_vec(value);
        }
        if value.is_a::<Str>() || value.is_a::<Complex>() || cx.is_real(value) {
            return Err(cx.type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)"));
        }
        cx.bytes_of_object(value, "bytearray")
    }

    fn set_slice(cx: &mut Ctx, this: Gc<ByteArray>, span: Span, data: &[u8]) -> R<()> {
        if span.step == 1 {
            return cx.bytes_splice(this, span.start as usize, span.start as usize + span.count, data);
        }
        if data.is_empty() {
            return delete_span(cx, this, span);
        }
        if data.len() != span.count {
            let (got, wanted) = (data.len(), span.count);
            return Err(
                cx.value_error(format!("attempt to assign bytes of size {got} to extended slice of size {wanted}"))
            );
        }
        for (i, byte) in data.iter().enumerate() {
            let at = (span.start + i as i64 * span.step) as usize;
            cx.bytes_splice(this, at, at + 1, &[*byte])?;
        }
        Ok(())
    }

    /// Take out what is at the key.
    pub fn __delitem__(cx: &mut Ctx, this: Gc<ByteArray>, key: Value) -> R<()> {
        let Some(slice) = key.cast::<SliceObject>() else {
            let index = if key.is_int() { key.int() } else { item_at(cx, this, key)? as i64 };
            return match remove_at(cx, this, index)? {
                Some(_) => Ok(()),
                None => Err(cx.index_error("bytearray index out of range")),
            };
        };
        let span = cx.slice_span(slice, || this.len())?;
        delete_span(cx, this, span)
    }

    fn delete_span(cx: &mut Ctx, this: Gc<ByteArray>, span: Span) -> R<()> {
        if span.step == 1 {
            return cx.bytes_splice(this, span.start as usize, span.start as usize + span.count, b"");
        }
        let dropped = |i: usize| {
            let offset = i as i64 - span.start;
            offset % span.step == 0 && (0..span.count as i64).contains(&(offset / span.step))
        };
        let data = this.to_vec();
        let kept: Vec<u8> = data.iter().enumerate().filter(|(i, _)| !dropped(*i)).map(|(_, b)| *b).collect();
        cx.bytes_replace(this, &kept)
    }

    /// Add the value's items to self, in place.
    pub fn __iadd__(cx: &mut Ctx, this: Gc<ByteArray>, value: Value) -> R {
        if !is_buffer(value) {
            let (own, got) = (cx.type_name(this.value()), cx.type_name(value));
            return Err(cx.type_error(format!("can't concat {got} to {own}")));
        }
        let data = cx.byte_vec(value)?;
        cx.bytes_splice(this, usize::MAX, usize::MAX, &data)?;
        Ok(this.value())
    }

    /// Repeat self's items value times, in place.
    pub fn __imul__(cx: &mut Ctx, this: Gc<ByteArray>, value: Value) -> R {
        let repeated = cx.repeat_by(this.value(), value)?;
        let data = cx.byte_vec(repeated)?;
        cx.bytes_replace(this, &data)?;
        Ok(this.value())
    }

    /// Tell how many bytes of memory are reserved for the contents.
    pub fn __alloc__(this: Gc<ByteArray>) -> usize {
        if this.is_empty() { 0 } else { this.buffer().cap.max(this.len() + 1) }
    }

    /// Tell how much memory the bytearray takes, in bytes.
    pub fn __sizeof__(this: Gc<ByteArray>) -> usize {
        56 + __alloc__(this)
    }

    fn state(cx: &mut Ctx, this: Gc<ByteArray>, protocol: i64) -> R {
        let class = cx.class_of(this.value()).value();
        let args = if protocol >= 3 {
            let bytes = cx.bytes(&this.to_vec())?;
            cx.tuple(&[bytes])?
        } else {
            let text = crate::text::wtf8::from_code_points(this.to_vec().into_iter().map(u32::from));
            let (text, encoding) = (cx.new_wtf8(&text).value(), cx.str("latin-1"));
            cx.tuple(&[text, encoding])?
        };
        let dict = cx.instance_dict(this.value()).map_or(Value::NONE, |d| d.value());
        cx.tuple(&[class, args, dict])
    }

    /// Give what pickle needs to make the object again.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<ByteArray>) -> R {
        state(cx, this, 2)
    }

    /// Give what pickle needs to make the object again.
    pub fn __reduce_ex__(cx: &mut Ctx, this: Gc<ByteArray>, #[default(0)] proto: i64) -> R {
        state(cx, this, proto)
    }

    /// Make a bytearray from pairs of hexadecimal digits; whitespace between pairs is skipped.
    #[class_method]
    pub fn fromhex(cx: &mut Ctx, cls: Gc<Class>, string: Value) -> R {
        let data = cx.bytes_of_hex(string)?;
        if cls.id == ClassId::ByteArray as u32 {
            return Ok(cx.new_bytearray(cls, &data)?.value());
        }
        let data = cx.bytes(&data)?;
        cx.call(cls.value(), &[data])
    }
}
