//! The bytes behind memoryviews.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::misc::MemoryView;
use crate::object::string::{ByteArray, Bytes, Str};
use crate::value::{Gc, Value};

impl Ctx {
    /// A copy of the bytes a memoryview shows, item after item; None: not a memoryview.
    pub fn memory_bytes(&mut self, v: Value) -> R<Option<Vec<u8>>> {
        let Some(view) = v.cast::<MemoryView>() else { return Ok(None) };
        let base = view.base.get();
        if base.is_unbound() {
            return Err(self.value_error("operation forbidden on released memoryview object"));
        }
        let size = item_size(view);
        let (start, len) = (view.start.load(Ordering::Relaxed), view.len.load(Ordering::Relaxed));
        let stride = view.stride.load(Ordering::Relaxed);
        let part = |from: usize, to: usize| match base.cast::<Bytes>() {
            Some(b) => b.as_bytes().get(from..to).unwrap_or_default().to_vec(),
            None => base.cast::<ByteArray>().map_or_else(Vec::new, |b| b.range(from, to)),
        };
        if stride == size as i64 {
            return Ok(Some(part(start, start + len * size)));
        }
        let mut out = Vec::with_capacity(len * size);
        for i in 0..len {
            let at = (start as i64 + i as i64 * stride) as usize;
            out.extend(part(at, at + size));
        }
        Ok(Some(out))
    }

    /// Whether two buffers, at least one a memoryview, hold equal items in the same arrangement.
    pub fn memory_equal(&mut self, a: Value, b: Value) -> R<bool> {
        let released = |v: Value| v.cast::<MemoryView>().is_some_and(|view| view.base.get().is_unbound());
        if released(a) || released(b) {
            return Ok(false);
        }
        let (x, y) = (self.memoryview(a)?, self.memoryview(b)?);
        let same_letter = self.view_letter(x) == self.view_letter(y);
        let equal = if same_letter && !matches!(self.view_letter(x), b'f' | b'd' | b'e') {
            self.byte_vec(x.value())? == self.byte_vec(y.value())? && self.same_shape(x, y)?
        } else {
            self.same_shape(x, y)? && self.equal_items(x, y)?
        };
        x.base.set_immediate(Value::UNBOUND);
        y.base.set_immediate(Value::UNBOUND);
        Ok(equal)
    }

    fn same_shape(&mut self, x: Gc<MemoryView>, y: Gc<MemoryView>) -> R<bool> {
        if x.len.load(Ordering::Relaxed) != y.len.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let (p, q) = (x.shape.get(), y.shape.get());
        if p.is_none() && q.is_none() { Ok(true) } else { self.eq(p, q) }
    }

    fn equal_items(&mut self, x: Gc<MemoryView>, y: Gc<MemoryView>) -> R<bool> {
        for i in 0..x.len.load(Ordering::Relaxed) {
            let (p, q) = (self.view_item(x, i)?, self.view_item(y, i)?);
            if !self.eq(p, q)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Bytes of one item by the view's format.
pub fn item_size(view: Gc<MemoryView>) -> usize {
    let format = view.format.get().cast::<Str>();
    match format.and_then(|f| f.as_bytes().last().copied()) {
        Some(b'h' | b'H' | b'e') => 2,
        Some(b'i' | b'I' | b'f') => 4,
        Some(b'l' | b'L' | b'q' | b'Q' | b'd' | b'n' | b'N' | b'P') => 8,
        _ => 1,
    }
}
