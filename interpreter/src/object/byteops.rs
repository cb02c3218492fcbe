//! bytearray mutation: each operation publishes its result at once; the size is pinned while a memoryview is held by a
//! variable.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::kind::ClassId;
use crate::object::misc::{MemoryView, WeakRef};
use crate::object::sequence::List;
use crate::object::string::ByteArray;
use crate::value::{Gc, Value};

/// How many views a bytearray remembers.
const KEPT: usize = 64;

impl Ctx {
    /// Replaces bytes `[from, to)` by `new`: insertion, deletion and assignment in one.
    pub fn bytes_splice(&mut self, array: Gc<ByteArray>, from: usize, to: usize, new: &[u8]) -> R<()> {
        loop {
            let old = array.buffer();
            let len = old.fill.load(Ordering::Acquire);
            let from = from.min(len);
            let to = to.clamp(from, len);
            let new_len = len - (to - from) + new.len();
            if new_len != len {
                self.check_resizable(array)?;
            }
            if new_len == len || (to == len && new_len <= old.cap) {
                let lock = self.lock(&array.header);
                if array.buffer() == old && old.fill.load(Ordering::Relaxed) == len {
                    for (i, byte) in new.iter().enumerate() {
                        old.set(from + i, *byte);
                    }
                    old.fill.store(new_len, Ordering::Release);
                    return Ok(());
                }
                drop(lock);
                continue;
            }
            let mut data = Vec::with_capacity(new_len);
            data.extend((0..from).map(|i| old.get(i)));
            data.extend_from_slice(new);
            data.extend((to..len).map(|i| old.get(i)));
            let room = if from == len && len > 0 { new_len + new_len / 8 + 6 } else { new_len };
            let buffer = self.new_byte_buffer(&data, room)?;
            let lock = self.lock(&array.header);
            if array.buffer() == old && old.fill.load(Ordering::Relaxed) == len {
                array.buffer.set(buffer.value());
                return Ok(());
            }
            drop(lock);
        }
    }

    /// Appends one byte.
    #[inline]
    pub fn bytes_push(&mut self, array: Gc<ByteArray>, byte: u8) -> R<()> {
        self.bytes_splice(array, usize::MAX, usize::MAX, &[byte])
    }

    /// Replaces the whole content.
    pub fn bytes_replace(&mut self, array: Gc<ByteArray>, data: &[u8]) -> R<()> {
        self.bytes_splice(array, 0, usize::MAX, data)
    }

    /// BufferError if a memoryview shows the array.
    fn check_resizable(&mut self, array: Gc<ByteArray>) -> R<()> {
        let Some(views) = array.views.get().cast::<List>() else { return Ok(()) };
        // Without reference counts a view that was only a temporary is still there: a named one is surely wanted.
        if live_views(views).any(|view| self.is_named(view)) {
            return Err(self.error(ClassId::BufferError, "Existing exports of data: object cannot be re-sized"));
        }
        array.views.set(Value::NONE);
        Ok(())
    }

    /// Notes that a memoryview shows the array.
    pub fn pin_bytes(&mut self, array: Gc<ByteArray>, view: Gc<MemoryView>) -> R<()> {
        let class = self.class(ClassId::WeakRef);
        let weak = self.new_weakref(class, view.value(), Value::NONE);
        if let Some(views) = array.views.get().cast::<List>() {
            if views.len() >= KEPT {
                self.list_splice(views, 0, KEPT / 2, &[])?;
            }
            return self.list_push(views, weak.value());
        }
        let views = self.list(&[weak.value()])?;
        array.views.set(views.value());
        Ok(())
    }
}

/// The views of the list that are neither dead nor released.
fn live_views(views: Gc<List>) -> impl Iterator<Item = Value> {
    let targets = (0..views.len()).filter_map(move |i| Some(views.get(i)?.cast::<WeakRef>()?.target.get()));
    targets.filter(|v| v.cast::<MemoryView>().is_some_and(|view| !view.base.get().is_unbound()))
}
