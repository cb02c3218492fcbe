//! bytearray mutation: each operation publishes its result at once; the size is pinned while a memoryview is held by a
//! variable.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::kind::ClassId;
use crate::object::misc::{MemoryView, WeakRef};
use crate::object::sequence::List;
use crate::object::string::{ByteArray, StrBuffer};
use crate::value::{Gc, Value};

/// How many views a bytearray remembers.
const KEPT: usize = 64;

impl Ctx {
    /// Replaces bytes `[from, to)` by `new`: insertion, deletion and assignment in one.
    pub fn bytes_splice(&mut self, array: Gc<ByteArray>, from: usize, to: usize, new: &[u8]) -> R<()> {
        self.bytes_edit(array, new, |_, len| Some((from.min(len), to.clamp(from.min(len), len))))?;
        Ok(())
    }

    /// Replaces the bytes `[from, to)` that `range` names by `new`. `range` gets the bytes and their number as they
    /// are when the change is made; it runs under the array's lock, maybe several times. The first byte removed (0 if
    /// none is); None: `range` named none.
    pub fn bytes_edit(
        &mut self,
        array: Gc<ByteArray>,
        new: &[u8],
        range: impl Fn(&StrBuffer, usize) -> Option<(usize, usize)>,
    ) -> R<Option<u8>> {
        let mut spare: Option<Gc<StrBuffer>> = None;
        let mut checked = false;
        loop {
            let lock = self.lock(&array.header);
            let old = array.buffer();
            let len = old.fill.load(Ordering::Acquire);
            let Some((from, to)) = range(&old, len) else { return Ok(None) };
            let removed = if from < to { old.get(from) } else { 0 };
            let new_len = len - (to - from) + new.len();
            if new_len != len && !checked {
                drop(lock);
                self.check_resizable(array)?;
                checked = true;
                continue;
            }
            if new_len == len || (to == len && new_len <= old.cap) {
                old.store(from, new);
                old.fill.store(new_len, Ordering::Release);
                return Ok(Some(removed));
            }
            if let Some(buffer) = spare.filter(|b| b.cap >= new_len) {
                buffer.copy(0, &old.cells()[..from]);
                buffer.store(from, new);
                buffer.copy(from + new.len(), &old.cells()[to..len]);
                buffer.fill.store(new_len, Ordering::Release);
                array.buffer.set(buffer.value());
                return Ok(Some(removed));
            }
            drop(lock);
            let room = if from == len && len > 0 { new_len + new_len / 8 + 6 } else { new_len };
            spare = Some(self.new_byte_buffer(b"", room)?);
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
        array.views.set_immediate(Value::NONE);
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
