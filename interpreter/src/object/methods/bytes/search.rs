//! bytes and bytearray: searching and replacing.

use conc_macros::methods;

/// Search methods of bytes and bytearray.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::methods::bytes::ByteString;
    use crate::object::misc::MemoryView;
    use crate::object::sequence::Tuple;
    use crate::object::string::{ByteArray, Bytes};
    use crate::text::search;
    use crate::text::wtf8::Flavor;
    use crate::value::Value;

    fn is_buffer(v: Value) -> bool {
        v.is_a::<Bytes>() || v.is_a::<ByteArray>() || v.is_a::<MemoryView>()
    }

    /// What is searched for: bytes or one byte.
    fn needle(cx: &mut Ctx, v: Value) -> R<Vec<u8>> {
        if is_buffer(v) {
            return cx.byte_vec(v);
        }
        let index = cx.names().__index__;
        if cx.is_int(v) || cx.lookup_special(v, index).is_some() {
            return Ok(vec![cx.byte_arg(v, "byte must be in range(0, 256)")?]);
        }
        let got = cx.type_name(v);
        Err(cx.type_error(format!("argument should be integer or bytes-like object, not '{got}'")))
    }

    fn position(
        cx: &mut Ctx,
        this: ByteString,
        sub: Value,
        range: (Option<Value>, Option<Value>),
        find: fn(&[u8], &[u8]) -> Option<usize>,
    ) -> R<Option<usize>> {
        let sub = needle(cx, sub)?;
        let data = this.data();
        let bounds = cx.bounds(range.0, range.1, data.len())?;
        let window = if bounds.start > bounds.end { None } else { data.get(bounds.start..bounds.end) };
        Ok(window.and_then(|w| find(w, &sub)).map(|at| bounds.start + at))
    }

    /// Give the first place in B[start:end] where 'sub' begins, or -1 if it is nowhere there.
    pub fn find(cx: &mut Ctx, this: ByteString, sub: Value, start: Option<Value>, end: Option<Value>) -> R<i64> {
        Ok(position(cx, this, sub, (start, end), search::find)?.map_or(-1, |at| at as i64))
    }

    /// Give the last place in B[start:end] where 'sub' begins, or -1 if it is nowhere there.
    pub fn rfind(cx: &mut Ctx, this: ByteString, sub: Value, start: Option<Value>, end: Option<Value>) -> R<i64> {
        Ok(position(cx, this, sub, (start, end), search::rfind)?.map_or(-1, |at| at as i64))
    }

    /// Give the first place in B[start:end] where 'sub' begins; ValueError if it is nowhere there.
    pub fn index(cx: &mut Ctx, this: ByteString, sub: Value, start: Option<Value>, end: Option<Value>) -> R<usize> {
        let at = position(cx, this, sub, (start, end), search::find)?;
        at.ok_or_else(|| cx.value_error("subsection not found"))
    }

    /// Give the last place in B[start:end] where 'sub' begins; ValueError if it is nowhere there.
    pub fn rindex(cx: &mut Ctx, this: ByteString, sub: Value, start: Option<Value>, end: Option<Value>) -> R<usize> {
        let at = position(cx, this, sub, (start, end), search::rfind)?;
        at.ok_or_else(|| cx.value_error("subsection not found"))
    }

    /// Count how often 'sub' occurs in B[start:end], each time after the end of the one before.
    pub fn count(cx: &mut Ctx, this: ByteString, sub: Value, start: Option<Value>, end: Option<Value>) -> R<usize> {
        let sub = needle(cx, sub)?;
        let data = this.data();
        let bounds = cx.bounds(start, end, data.len())?;
        let window = if bounds.start > bounds.end { None } else { data.get(bounds.start..bounds.end) };
        Ok(window.map_or(0, |w| search::count(w, &sub, Flavor::Bytes)))
    }

    fn has_end(
        cx: &mut Ctx,
        this: ByteString,
        affix: Value,
        range: (Option<Value>, Option<Value>),
        (name, test): (&str, fn(&[u8], &[u8]) -> bool),
    ) -> R<bool> {
        let data = this.data();
        let bounds = cx.bounds(range.0, range.1, data.len())?;
        let window = if bounds.start > bounds.end { None } else { data.get(bounds.start..bounds.end) };
        let holds = |part: &[u8]| window.is_some_and(|w| test(w, part));
        if let Some(parts) = affix.cast::<Tuple>() {
            for &part in parts.items() {
                let part = cx.byte_vec(part)?;
                if holds(&part) {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        if !is_buffer(affix) {
            let got = cx.type_name(affix);
            return Err(cx.type_error(format!("{name} first arg must be bytes or a tuple of bytes, not {got}")));
        }
        Ok(holds(&cx.byte_vec(affix)?))
    }

    /// Tell whether the bytes begin with the prefix, or with one of a tuple of prefixes.
    pub fn startswith(
        cx: &mut Ctx,
        this: ByteString,
        prefix: Value,
        start: Option<Value>,
        end: Option<Value>,
    ) -> R<bool> {
        has_end(cx, this, prefix, (start, end), ("startswith", |data, part| data.starts_with(part)))
    }

    /// Tell whether the bytes end in the suffix, or in one of a tuple of suffixes.
    pub fn endswith(
        cx: &mut Ctx,
        this: ByteString,
        suffix: Value,
        start: Option<Value>,
        end: Option<Value>,
    ) -> R<bool> {
        has_end(cx, this, suffix, (start, end), ("endswith", |data, part| data.ends_with(part)))
    }

    /// Give a copy with new in place of each old, or of the first count of them.
    pub fn replace(cx: &mut Ctx, this: ByteString, old: Value, new: Value, #[default(-1)] count: i64) -> R {
        let (old, new, most) = (cx.byte_vec(old)?, cx.byte_vec(new)?, cx.most(count));
        let replaced = search::replace(&this.data(), &old, &new, most, Flavor::Bytes);
        match cx.of_text(replaced)? {
            Some(data) => this.result(cx, &data),
            None => this.unchanged(cx),
        }
    }

    /// Give the bytes without the prefix, or all of them if they do not begin with it.
    pub fn removeprefix(cx: &mut Ctx, this: ByteString, prefix: Value) -> R {
        let prefix = cx.byte_vec(prefix)?;
        let data = this.data();
        match data.strip_prefix(prefix.as_slice()) {
            Some(rest) if !prefix.is_empty() => this.result(cx, rest),
            _ => this.unchanged(cx),
        }
    }

    /// Give the bytes without the suffix, or all of them if they do not end in it.
    pub fn removesuffix(cx: &mut Ctx, this: ByteString, suffix: Value) -> R {
        let suffix = cx.byte_vec(suffix)?;
        let data = this.data();
        match data.strip_suffix(suffix.as_slice()) {
            Some(rest) if !suffix.is_empty() => this.result(cx, rest),
            _ => this.unchanged(cx),
        }
    }

    /// Give a copy without the bytes in delete, and with table[b] in place of each other byte b.
    ///
    /// table is 256 bytes long, or None to change nothing.
    pub fn translate(cx: &mut Ctx, this: ByteString, table: Value, #[kw] delete: Option<Value>) -> R {
        let map: Option<[u8; 256]> = if table.is_none() {
            None
        } else {
            match <[u8; 256]>::try_from(cx.byte_vec(table)?) {
                Ok(map) => Some(map),
                Err(_) => return Err(cx.value_error("translation table must be 256 characters long")),
            }
        };
        let delete = match delete {
            Some(delete) => cx.byte_vec(delete)?,
            None => Vec::new(),
        };
        let data = search::translate_bytes(&this.data(), map.as_ref(), &delete);
        this.result(cx, &data)
    }
}
