//! bytes and bytearray: splitting, joining and stripping.

use conc_macros::methods;

/// Splitting methods of bytes and bytearray.
#[methods]
pub mod methods {
    use std::ops::Range;

    use crate::native::{Ctx, R};
    use crate::object::methods::bytes::ByteString;
    use crate::object::misc::MemoryView;
    use crate::object::sequence::List;
    use crate::object::string::{ByteArray, Bytes};
    use crate::text::split::{self, Ends};
    use crate::text::wtf8::Flavor;
    use crate::value::{Gc, Value};

    fn parts(
        cx: &mut Ctx,
        this: ByteString,
        data: &[u8],
        ranges: impl IntoIterator<Item = Range<usize>>,
    ) -> R<Gc<List>> {
        let list = cx.new_list();
        for range in ranges {
            let part = match this {
                ByteString::Bytes(_) if range.len() == data.len() => this.unchanged(cx)?,
                _ => this.result(cx, data.get(range).unwrap_or_default())?,
            };
            cx.list_push(list, part)?;
            cx.poll()?;
        }
        Ok(list)
    }

    /// A separator, which may not be empty.
    fn separator(cx: &mut Ctx, sep: Value) -> R<Vec<u8>> {
        let sep = cx.byte_vec(sep)?;
        if sep.is_empty() { Err(cx.value_error("empty separator")) } else { Ok(sep) }
    }

    /// Give the parts between separators as a list; without sep, the parts between runs of ASCII whitespace.
    ///
    /// At most maxsplit cuts are made, from the front; -1 sets no limit.
    pub fn split(
        cx: &mut Ctx,
        this: ByteString,
        #[kw]
        #[default(Value::NONE)]
        sep: Value,
        #[kw]
        #[default(-1)]
        maxsplit: i64,
    ) -> R<Gc<List>> {
        let (data, most) = (this.data(), cx.most(maxsplit));
        if sep.is_none() {
            return parts(cx, this, &data, split::split_space(&data, most, Flavor::Bytes));
        }
        let separator = separator(cx, sep)?;
        parts(cx, this, &data, split::split(&data, &separator, most))
    }

    /// Give the parts between separators as a list, cutting from the end; without sep, runs of ASCII whitespace
    /// separate.
    ///
    /// At most maxsplit cuts are made; -1 sets no limit.
    pub fn rsplit(
        cx: &mut Ctx,
        this: ByteString,
        #[kw]
        #[default(Value::NONE)]
        sep: Value,
        #[kw]
        #[default(-1)]
        maxsplit: i64,
    ) -> R<Gc<List>> {
        let (data, most) = (this.data(), cx.most(maxsplit));
        let ranges = if sep.is_none() {
            split::rsplit_space(&data, most, Flavor::Bytes)
        } else {
            split::rsplit(&data, &separator(cx, sep)?, most)
        };
        parts(cx, this, &data, ranges)
    }

    /// Give the lines as a list, with their line ends if keepends is true.
    pub fn splitlines(
        cx: &mut Ctx,
        this: ByteString,
        #[kw]
        #[default(false)]
        keepends: bool,
    ) -> R<Gc<List>> {
        let data = this.data();
        let ranges = split::splitlines(&data, keepends, Flavor::Bytes);
        parts(cx, this, &data, ranges)
    }

    /// The separator of a partition: bytes give it as it is, bytearrays a copy.
    fn middle(cx: &mut Ctx, this: ByteString, sep: Value, data: &[u8]) -> R {
        match this {
            ByteString::Bytes(_) => Ok(sep),
            ByteString::Array(_) => this.result(cx, data),
        }
    }

    /// Give what is before the first separator, the separator, and what is after it.
    ///
    /// Without a separator in the bytes: all of them, and twice nothing.
    pub fn partition(cx: &mut Ctx, this: ByteString, sep: Value) -> R {
        let (mark, data) = (separator(cx, sep)?, this.data());
        match split::partition(&data, &mark) {
            Some((before, after)) => {
                let before = this.result(cx, &data[before])?;
                let middle = middle(cx, this, sep, &mark)?;
                let after = this.result(cx, &data[after])?;
                cx.tuple(&[before, middle, after])
            }
            None => {
                let whole = this.unchanged(cx)?;
                let (first, second) = (this.result(cx, b"")?, this.result(cx, b"")?);
                cx.tuple(&[whole, first, second])
            }
        }
    }

    /// Give what is before the last separator, the separator, and what is after it.
    ///
    /// Without a separator in the bytes: twice nothing, and all of them.
    pub fn rpartition(cx: &mut Ctx, this: ByteString, sep: Value) -> R {
        let (mark, data) = (separator(cx, sep)?, this.data());
        match split::rpartition(&data, &mark) {
            Some((before, after)) => {
                let before = this.result(cx, &data[before])?;
                let middle = middle(cx, this, sep, &mark)?;
                let after = this.result(cx, &data[after])?;
                cx.tuple(&[before, middle, after])
            }
            None => {
                let (first, second) = (this.result(cx, b"")?, this.result(cx, b"")?);
                let whole = this.unchanged(cx)?;
                cx.tuple(&[first, second, whole])
            }
        }
    }

    fn stripped(cx: &mut Ctx, this: ByteString, bytes: Value, ends: Ends) -> R {
        let data = this.data();
        let range = if bytes.is_none() {
            split::strip_space(&data, Flavor::Bytes, ends)
        } else {
            split::strip_set(&data, &cx.byte_vec(bytes)?, Flavor::Bytes, ends)
        };
        if range.len() == data.len() { this.unchanged(cx) } else { this.result(cx, &data[range]) }
    }

    /// Drop from both ends every byte of the given set, ASCII whitespace unless told otherwise.
    pub fn strip(cx: &mut Ctx, this: ByteString, #[default(Value::NONE)] bytes: Value) -> R {
        stripped(cx, this, bytes, Ends::Both)
    }

    /// Drop from the front every byte of the given set, ASCII whitespace unless told otherwise.
    pub fn lstrip(cx: &mut Ctx, this: ByteString, #[default(Value::NONE)] bytes: Value) -> R {
        stripped(cx, this, bytes, Ends::Left)
    }

    /// Drop from the end every byte of the given set, ASCII whitespace unless told otherwise.
    pub fn rstrip(cx: &mut Ctx, this: ByteString, #[default(Value::NONE)] bytes: Value) -> R {
        stripped(cx, this, bytes, Ends::Right)
    }

    /// Give the pieces in one object, with these bytes between neighbours.
    ///
    /// For one: `b', '.join([b'x', b'y'])` is `b'x, y'`.
    pub fn join(cx: &mut Ctx, this: ByteString, iterable_of_bytes: Value) -> R {
        let items = cx.join_items(iterable_of_bytes)?;
        let (own, mut out) = (this.data(), Vec::new());
        for (i, &item) in items.items().iter().enumerate() {
            if !(item.is_a::<Bytes>() || item.is_a::<ByteArray>() || item.is_a::<MemoryView>()) {
                let got = cx.type_name(item);
                return Err(cx.type_error(format!("sequence item {i}: expected a bytes-like object, {got} found")));
            }
            if i > 0 {
                out.extend_from_slice(&own);
            }
            match item.cast::<Bytes>() {
                Some(b) => out.extend_from_slice(b.as_bytes()),
                None => out.extend(cx.byte_vec(item)?),
            }
            cx.poll()?;
        }
        this.result(cx, &out)
    }
}
