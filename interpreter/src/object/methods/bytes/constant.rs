//! bytes alone: construction, hash.

use conc_macros::methods;

/// What only bytes have.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::class::Class;
    use crate::object::kind::ClassId;
    use crate::object::string::Bytes;
    use crate::value::{Gc, Value};

    /// Make bytes: of a bytes-like object, of the ints below 256 in an iterable, of a text in an encoding, or of so
    /// many
    /// zero bytes.
    #[static_method]
    #[name = "__new__"]
    pub fn new(
        cx: &mut Ctx,
        cls: Value,
        #[kw] source: Option<Value>,
        #[kw] encoding: Option<Value>,
        #[kw] errors: Option<Value>,
    ) -> R {
        let class = cx.class_for_new(cls, ClassId::Bytes)?;
        let plain = class.id == ClassId::Bytes as u32;
        if let (Some(x), None, None, true) = (source, encoding, errors, plain)
            && x.header().is_some_and(|h| h.shape() == ClassId::Bytes.shape())
        {
            return Ok(x);
        }
        let data = cx.bytes_argument(source, encoding, errors, "bytes")?;
        cx.new_bytes_of(class, &data)
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Gc<Bytes>) -> R {
        let hash = cx.native_hash(this.value())?.unwrap_or(0);
        Ok(cx.int(hash as i64))
    }

    /// Give the same bytes as a plain bytes object.
    pub fn __bytes__(cx: &mut Ctx, this: Gc<Bytes>) -> R {
        if this.header().shape() == ClassId::Bytes.shape() { Ok(this.value()) } else { cx.bytes(this.as_bytes()) }
    }

    /// Arguments for `__new__` that make equal bytes: used by copy and pickle.
    pub fn __getnewargs__(cx: &mut Ctx, this: Gc<Bytes>) -> R {
        let data = cx.bytes(this.as_bytes())?;
        cx.tuple(&[data])
    }

    /// Tell how much memory the bytes take.
    pub fn __sizeof__(this: Gc<Bytes>) -> usize {
        33 + this.len
    }

    /// Make bytes from pairs of hexadecimal digits; whitespace between pairs is skipped.
    #[class_method]
    pub fn fromhex(cx: &mut Ctx, cls: Gc<Class>, string: Value) -> R {
        let data = cx.bytes_of_hex(string)?;
        let data = cx.bytes(&data)?;
        if cls.id == ClassId::Bytes as u32 { Ok(data) } else { cx.call(cls.value(), &[data]) }
    }
}
