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

    /// Replaces items `[from, to)` by `items`: insert, delete and slice assignment in one.
    pub fn list_splice(&mut self, list: Gc<List>, from: usize, to: usize, items: &[Value]) -> R<()> {
        self.list_edit(list, items, |buffer| {
            let from = from.min(buffer.len());
            Some((from, to.clamp(from, buffer.len())))
        })?;
        Ok(())
    }

    /// Replaces the items `[from, to)` that `range` names by `items`. `range` sees the list as it is when the change
    /// is made, so that a position and what is done there belong together whatever other threads do; it runs under
    /// the list's lock, maybe several times. The first item removed (unbound if none is); None: `range` named none.
    pub fn list_edit(
        &mut self,
        list: Gc<List>,
        items: &[Value],
        range: impl Fn(&Buffer) -> Option<(usize, usize)>,
    ) -> R<Option<Value>> {
        let mut spare: Option<Gc<Buffer>> = None;
        loop {
            let lock = self.lock(&list.header);
            let old = list.buffer();
            let len = old.len();
            let Some((from, to)) = range(&old) else { return Ok(None) };
            let removed = if from < to { old.slots()[from].get() } else { Value::UNBOUND };
            let new_len = len - (to - from) + items.len();
            if !self.is_shared() && new_len <= old.cap && old.cap > 0 {
                shift(&old, to, from + items.len(), len - to);
                for (slot, item) in old.slots()[from..].iter().zip(items) {
                    slot.set(*item);
                }
                for slot in &old.slots()[new_len.min(len)..len] {
                    slot.set_immediate(Value::UNBOUND);
                }
                old.len.store(new_len, Ordering::Release);
                return Ok(Some(removed));
            }
            // Readers take no lock: they go on with the old buffer.
            if let Some(new) = spare.filter(|new| new.cap >= new_len) {
                copy_slots(&old, 0, &new, 0, from);
                for (slot, item) in new.slots()[from..].iter().zip(items) {
                    slot.set(*item);
                }
                copy_slots(&old, to, &new, from + items.len(), len - to);
                if new.cap > 0 {
                    new.len.store(new_len, Ordering::Release);
                }
                list.buffer.set(new.value());
                return Ok(Some(removed));
            }
            drop(lock);
            spare = Some(self.new_buffer(new_len + new_len / 8)?);
        }
    }

    /// Reverses the items in place.
    pub fn list_reverse(&mut self, list: Gc<List>) -> R<()> {
        let mut spare: Option<Gc<Buffer>> = None;
        loop {
            let lock = self.lock(&list.header);
            let old = list.buffer();
            let slots = &old.slots()[..old.len()];
            if !self.is_shared() {
                for i in 0..slots.len() / 2 {
                    let last = &slots[slots.len() - 1 - i];
                    last.set(slots[i].swap(last.get()));
                }
                return Ok(());
            }
            if let Some(new) = spare.filter(|new| new.cap >= slots.len()) {
                for (slot, item) in new.slots().iter().zip(slots.iter().rev()) {
                    slot.set(item.get());
                }
                if new.cap > 0 {
                    new.len.store(slots.len(), Ordering::Release);
                }
                list.buffer.set(new.value());
                return Ok(());
            }
            drop(lock);
            spare = Some(self.new_buffer(slots.len())?);
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

    /// Removes and returns item `index`, counted from the end if negative; None: out of range.
    pub fn list_pop(&mut self, list: Gc<List>, index: i64) -> R<Option<Value>> {
        if index == -1 {
            return Ok(self.list_pop_last(list));
        }
        self.list_edit(list, &[], |buffer| {
            let at = usize::try_from(if index < 0 { index + buffer.len() as i64 } else { index }).ok()?;
            (at < buffer.len()).then_some((at, at + 1))
        })
    }

    /// Inserts before `index`, counted from the end if negative.
    pub fn list_insert(&mut self, list: Gc<List>, index: i64, item: Value) -> R<()> {
        self.list_edit(list, &[item], |buffer| {
            let len = buffer.len() as i64;
            let at = if index < 0 { (index + len).max(0) } else { index.min(len) } as usize;
            Some((at, at))
        })?;
        Ok(())
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
        // Another thread must not see or put anything in between.
        let (target, shared) = (list, self.is_shared());
        let list = if shared { self.new_list() } else { list };
        if is(ClassId::Set) || is(ClassId::FrozenSet) {
            for (key, _) in source.cast::<Set>().iter().flat_map(|s| s.keys()) {
                self.list_push(list, key)?;
            }
            return self.finish_extension(target, list);
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
        self.finish_extension(target, list)
    }

    /// Appends what was gathered apart from its target in one section.
    fn finish_extension(&mut self, target: Gc<List>, gathered: Gc<List>) -> R<bool> {
        if target != gathered {
            let items = self.list_snapshot(gathered)?;
            self.list_append_all(target, items.items())?;
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
