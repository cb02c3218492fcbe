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
        let data = match base.cast::<Bytes>() {
            Some(b) => b.as_bytes().to_vec(),
            None => base.cast::<ByteArray>().map_or_else(Vec::new, |b| b.to_vec()),
        };
        let size = item_size(view);
        let (start, len) = (view.start.load(Ordering::Relaxed), view.len.load(Ordering::Relaxed));
        let stride = view.stride.load(Ordering::Relaxed);
        let mut out = Vec::with_capacity(len * size);
        for i in 0..len {
            let at = (start as i64 + i as i64 * stride) as usize;
            if let Some(item) = data.get(at..at + size) {
                out.extend_from_slice(item);
            }
        }
        Ok(Some(out))
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
