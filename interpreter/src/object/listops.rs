//! List mutation: append, insert, remove, slices; each atomic with respect to its list.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::object::misc::{DictView, Range};
use crate::object::sequence::{Buffer, List, Tuple};
use crate::object::set::Set;
use crate::value::{Gc, Value};

impl Ctx {
    /// `list.append(item)`
    #[inline]
    pub fn list_push(&mut self, list: Gc<List>, item: Value) -> R<()> {
        loop {
            let lock = self.lock(&list.header);
            let buffer = list.buffer();
            let len = buffer.len.load(Ordering::Relaxed);
            if len < buffer.cap {
                buffer.slots()[len].set(item);
                buffer.len.store(len + 1, Ordering::Release);
                return Ok(());
            }
            drop(lock);
            self.list_grow(list, buffer, 1)?;
        }
    }

    /// Publishes a copy of `old` with room for `extra` more items.
    #[cold]
    fn list_grow(&mut self, list: Gc<List>, old: Gc<Buffer>, extra: usize) -> R<()> {
        let wanted = old.len().saturating_add(extra);
        let cap = wanted.saturating_add(wanted / 2).max(4);
        // Buffers above the largest size class take whole blocks: use them up.
        let cap = if cap * 8 + Buffer::SLOTS > 8192 && cap < 1 << 40 {
            ((cap * 8 + Buffer::SLOTS).next_multiple_of(32 << 10) - Buffer::SLOTS) / 8
        } else {
            cap
        };
        let new = self.new_buffer(cap)?;
        let lock = self.lock(&list.header);
        if list.buffer() == old {
            let len = old.len();
            copy_slots(&old, 0, &new, 0, len.min(cap));
            new.len.store(len.min(cap), Ordering::Release);
            list.buffer.set(new.value());
        }
        drop(lock);
        Ok(())
    }

    /// Replaces items `[from, to)` by `items`: insert, delete and slice assignment in one. Publishes a new buffer
    /// unless nothing but the end changes and it fits.
    pub fn list_splice(&mut self, list: Gc<List>, from: usize, to: usize, items: &[Value]) -> R<()> {
        loop {
            let old = list.buffer();
            let len = old.len();
            let (from, to) = (from.min(len), to.min(len).max(from.min(len)));
            let new_len = len - (to - from) + items.len();
            let in_place = !self.is_shared() && new_len <= old.cap && old.cap > 0;
            if in_place {
                shift(&old, to, from + items.len(), len - to);
                for (slot, item) in old.slots()[from..].iter().zip(items) {
                    slot.set(*item);
                }
                for slot in &old.slots()[new_len.min(len)..len] {
                    slot.set(Value::UNBOUND);
                }
                old.len.store(new_len, Ordering::Release);
                return Ok(());
            }
            let new = self.new_buffer((new_len + new_len / 8).max(new_len))?;
            let lock = self.lock(&list.header);
            if list.buffer() == old && old.len() == len {
                copy_slots(&old, 0, &new, 0, from);
                for (slot, item) in new.slots()[from..].iter().zip(items) {
                    slot.set(*item);
                }
                copy_slots(&old, to, &new, from + items.len(), len - to);
                if new.cap > 0 {
                    new.len.store(new_len, Ordering::Release);
                }
                list.buffer.set(new.value());
                drop(lock);
                return Ok(());
            }
            drop(lock);
        }
    }

    /// Removes and returns the last item.
    pub fn list_pop_last(&mut self, list: Gc<List>) -> Option<Value> {
        let lock = self.lock(&list.header);
        let buffer = list.buffer();
        let len = buffer.len.load(Ordering::Relaxed);
        let item = if len == 0 {
            None
        } else {
            let item = buffer.slots()[len - 1].get();
            buffer.len.store(len - 1, Ordering::Release);
            Some(item)
        };
        drop(lock);
        item
    }

    /// Removes and returns item `index`.
    pub fn list_pop(&mut self, list: Gc<List>, index: usize) -> R<Option<Value>> {
        if index + 1 == list.len() {
            return Ok(self.list_pop_last(list));
        }
        let Some(item) = list.get(index) else { return Ok(None) };
        self.list_splice(list, index, index + 1, &[])?;
        Ok(Some(item))
    }

    /// Stores item `index`; false: out of range. Locks: a concurrent grow must not lose the store.
    #[inline]
    pub fn list_set(&mut self, list: Gc<List>, index: usize, item: Value) -> bool {
        let lock = self.lock(&list.header);
        let buffer = list.buffer();
        let there = index < buffer.len();
        if there {
            buffer.slots()[index].set(item);
        }
        drop(lock);
        there
    }

    /// Appends all items of an iterable.
    pub fn list_extend(&mut self, list: Gc<List>, iterable: Value) -> R<()> {
        if let Some(t) = iterable.cast::<Tuple>()
            && t.header().shape() == ClassId::Tuple.shape()
        {
            return self.list_append_all(list, t.items());
        }
        if let Some(other) = iterable.cast::<List>()
            && other.header().shape() == ClassId::List.shape()
        {
            // A tuple's items are a snapshot; the list may be the same one.
            let snapshot = self.list_to_tuple(other)?;
            return match snapshot.cast::<Tuple>() {
                Some(t) => self.list_append_all(list, t.items()),
                None => Ok(()),
            };
        }
        if self.extend_from_table(list, iterable)? {
            return Ok(());
        }
        self.expect_items(iterable)?;
        self.for_each(iterable, |cx, item| cx.list_push(list, item))
    }

    /// Refuses a range whose items cannot all be in memory, before any is made.
    pub fn expect_items(&mut self, iterable: Value) -> R<()> {
        match iterable.cast::<Range>() {
            Some(range) if range.len < 0 => Err(self.overflow_error("Python int too large to convert to C ssize_t")),
            Some(range) => self.ensure_memory(range.len as usize, 8),
            None => Ok(()),
        }
    }

    /// Appends the items of a dict, dict view or set as one snapshot (rules C3); false: it is none of them.
    fn extend_from_table(&mut self, list: Gc<List>, source: Value) -> R<bool> {
        let Some(header) = source.header() else { return Ok(false) };
        let is = |id: ClassId| header.shape() == id.shape();
        if is(ClassId::Set) || is(ClassId::FrozenSet) {
            for (key, _) in source.cast::<Set>().iter().flat_map(|s| s.keys()) {
                self.list_push(list, key)?;
            }
            return Ok(true);
        }
        let dict = match source.cast::<DictView>() {
            Some(view) => view.dict.obj::<Dict>(),
            None if is(ClassId::Dict) => match source.cast::<Dict>() {
                Some(dict) => dict,
                None => return Ok(false),
            },
            None => return Ok(false),
        };
        for (key, value) in dict.pairs() {
            let item = if is(ClassId::DictValues) {
                value
            } else if is(ClassId::DictItems) {
                self.tuple(&[key, value])?
            } else {
                key
            };
            self.list_push(list, item)?;
        }
        Ok(true)
    }

    fn list_append_all(&mut self, list: Gc<List>, items: &[Value]) -> R<()> {
        if items.is_empty() {
            return Ok(());
        }
        loop {
            let lock = self.lock(&list.header);
            let buffer = list.buffer();
            let len = buffer.len.load(Ordering::Relaxed);
            if buffer.cap - len >= items.len() {
                for (slot, item) in buffer.slots()[len..].iter().zip(items) {
                    slot.set(*item);
                }
                buffer.len.store(len + items.len(), Ordering::Release);
                return Ok(());
            }
            drop(lock);
            self.list_grow(list, buffer, items.len())?;
        }
    }

    /// Replaces the whole content.
    pub fn list_replace(&mut self, list: Gc<List>, buffer: Gc<Buffer>) {
        let lock = self.lock(&list.header);
        list.buffer.set(buffer.value());
        drop(lock);
    }

    /// A copy of the items as they stand.
    pub fn list_snapshot(&mut self, list: Gc<List>) -> R<Gc<Tuple>> {
        let t = self.list_to_tuple(list)?;
        t.cast().ok_or(crate::native::Raised(Value::NONE))
    }
}

fn copy_slots(from: &Buffer, at: usize, to: &Buffer, start: usize, count: usize) {
    for (source, target) in from.slots()[at..at + count].iter().zip(&to.slots()[start..]) {
        target.set(source.get());
    }
}

/// Moves `count` slots within a buffer.
fn shift(buffer: &Buffer, from: usize, to: usize, count: usize) {
    let slots = buffer.slots();
    if to <= from {
        for i in 0..count {
            slots[to + i].set(slots[from + i].get());
        }
    } else {
        for i in (0..count).rev() {
            slots[to + i].set(slots[from + i].get());
        }
    }
}
