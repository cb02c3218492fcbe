//! Sets: open addressing with CPython's probe and growth order (sets of numbers print in the same order).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::heap::Header;
use crate::native::{Ctx, R};
use crate::object_kind;
use crate::value::{Gc, Slot, Value};

#[repr(C)]
pub struct Set {
    pub header: Header,
    pub table: Slot,
    used: AtomicUsize,
    /// Hash of a frozenset; 0: not computed.
    pub hash: AtomicU64,
    /// Where `pop` goes on looking.
    finger: AtomicUsize,
    /// Counts changes: what was found before a change by another thread may have moved.
    changes: AtomicUsize,
}
object_kind!(Set, Set);

#[repr(C)]
pub struct SetTable {
    pub header: Header,
    pub mask: usize,
    /// Slots in use or deleted.
    fill: AtomicUsize,
}
object_kind!(SetTable, SetTable);

/// Free: unbound key. Deleted: [`DELETED`] key.
#[repr(C)]
pub struct SetEntry {
    hash: AtomicU64,
    pub key: Slot,
}

impl SetEntry {
    /// A key and its own hash, which another thread may be replacing; None: free.
    fn read(&self) -> Option<(Value, u64)> {
        loop {
            let key = self.key.get();
            let hash = self.hash.load(Ordering::Acquire);
            if self.key.get() == key {
                return (!key.is_unbound()).then_some((key, hash));
            }
        }
    }
}

const DELETED: Value = Value::COUNTED;
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
pub const MIN_SIZE: usize = 8;

impl SetTable {
    pub fn size_for(size: usize) -> usize {
        size_of::<SetTable>() + size * size_of::<SetEntry>()
    }
    /// # Safety
    /// `at` is a new zeroed cell of `size_for(size)` bytes; `size` is a power of two.
    pub unsafe fn init(at: *mut SetTable, size: usize) {
        // SAFETY: by the contract.
        unsafe {
            (*at).mask = size - 1;
            for entry in (*at).entries() {
                entry.key.set_immediate(Value::UNBOUND);
            }
        }
    }
    #[inline(always)]
    pub fn entries(&self) -> &[SetEntry] {
        // SAFETY: `mask + 1` entries follow the struct.
        unsafe { std::slice::from_raw_parts((self as *const SetTable).add(1) as *const SetEntry, self.mask + 1) }
    }

    /// Puts a key known to be absent into its place.
    fn insert_clean(&self, hash: u64, key: Value) {
        let entries = self.entries();
        let mut perturb = hash;
        let mut i = hash as usize & self.mask;
        loop {
            let last = if i + LINEAR_PROBES <= self.mask { i + LINEAR_PROBES } else { i };
            for entry in &entries[i..=last] {
                if entry.key.get().is_unbound() {
                    entry.hash.store(hash, Ordering::Relaxed);
                    entry.key.set(key);
                    self.fill.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
            perturb >>= PERTURB_SHIFT;
            i = i.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & self.mask;
        }
    }
}

/// Where a key is and as what it is stored, or where it would go: the last deleted entry passed, else a free one.
enum Place {
    Found(usize, Value),
    Free(usize),
}

impl Set {
    #[inline(always)]
    pub fn table(&self) -> Gc<SetTable> {
        self.table.obj()
    }
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&self, cx: &mut Ctx, key: Value, hash: u64) -> R<(Gc<SetTable>, Place)> {
        'again: loop {
            let table = self.table();
            let entries = table.entries();
            let mut perturb = hash;
            let mut i = hash as usize & table.mask;
            let mut deleted = None;
            loop {
                let last = if i + LINEAR_PROBES <= table.mask { i + LINEAR_PROBES } else { i };
                for (j, entry) in entries.iter().enumerate().take(last + 1).skip(i) {
                    let k = entry.key.get();
                    if k.is_unbound() {
                        return Ok((table, Place::Free(deleted.unwrap_or(j))));
                    }
                    if k == DELETED {
                        deleted = Some(j);
                        continue;
                    }
                    if entry.hash.load(Ordering::Relaxed) != hash {
                        continue;
                    }
                    if cx.same_key(k, key)? {
                        return Ok((table, Place::Found(j, k)));
                    }
                    if self.table() != table {
                        continue 'again;
                    }
                }
                perturb >>= PERTURB_SHIFT;
                i = i.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & table.mask;
            }
        }
    }

    pub fn contains(&self, cx: &mut Ctx, key: Value) -> R<bool> {
        let hash = cx.hash(key)?;
        Ok(matches!(self.find(cx, key, hash)?.1, Place::Found(..)))
    }

    /// The equal key in the set.
    pub fn get(&self, cx: &mut Ctx, key: Value) -> R<Option<Value>> {
        let hash = cx.hash(key)?;
        Ok(match self.find(cx, key, hash)? {
            (_, Place::Found(_, stored)) => Some(stored),
            _ => None,
        })
    }

    /// Adds a key; tells whether it is new.
    pub fn add(&self, cx: &mut Ctx, key: Value) -> R<bool> {
        let hash = cx.hash(key)?;
        self.add_hashed(cx, key, hash)
    }

    pub fn add_hashed(&self, cx: &mut Ctx, key: Value, hash: u64) -> R<bool> {
        loop {
            let changes = self.changes.load(Ordering::Acquire);
            let (table, place) = self.find(cx, key, hash)?;
            let Place::Free(i) = place else { return Ok(false) };
            let lock = cx.lock(&self.header);
            let entry = &table.entries()[i];
            let reused = entry.key.get() == DELETED;
            let valid = self.stands(cx, table, changes) && (reused || entry.key.get().is_unbound());
            if valid {
                entry.hash.store(hash, Ordering::Release);
                entry.key.set(key);
                table.fill.fetch_add(!reused as usize, Ordering::Relaxed);
                self.used.fetch_add(1, Ordering::Release);
                self.changed();
            }
            let crowded = !reused && table.fill.load(Ordering::Relaxed) * 5 >= table.mask * 3;
            drop(lock);
            if valid {
                if crowded {
                    let used = self.len();
                    self.resize(cx, if used > 50000 { used * 2 } else { used * 4 })?;
                }
                return Ok(true);
            }
        }
    }

    /// Whether the table is as it was when so many changes had been made; the caller holds the lock.
    fn stands(&self, cx: &Ctx, table: Gc<SetTable>, changes: usize) -> bool {
        self.table() == table && (!cx.is_shared() || self.changes.load(Ordering::Relaxed) == changes)
    }

    /// Notes a change; the caller holds the lock.
    #[inline(always)]
    fn changed(&self) {
        self.changes.store(self.changes.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// Publishes a table for more than `min_used` keys.
    pub fn resize(&self, cx: &mut Ctx, min_used: usize) -> R<()> {
        let mut size = MIN_SIZE;
        while size <= min_used {
            size *= 2;
        }
        let new = cx.new_set_table(size)?;
        let lock = cx.lock(&self.header);
        if self.len() <= new.mask {
            for entry in self.table().entries() {
                let key = entry.key.get();
                if !key.is_unbound() && key != DELETED {
                    new.insert_clean(entry.hash.load(Ordering::Relaxed), key);
                }
            }
            self.table.set(new.value());
        }
        drop(lock);
        Ok(())
    }

    /// Takes over the content of a set that nobody else knows.
    pub fn replace(&self, cx: &Ctx, other: Gc<Set>) {
        let lock = cx.lock(&self.header);
        self.table.set(other.table.get());
        self.used.store(other.len(), Ordering::Release);
        drop(lock);
    }

    /// Grows for `extra` more keys at once, where CPython does.
    pub fn make_room(&self, cx: &mut Ctx, extra: usize) -> R<()> {
        let table = self.table();
        if (table.fill.load(Ordering::Relaxed) + extra) * 5 >= table.mask * 3 {
            self.resize(cx, (self.len() + extra) * 2)?;
        }
        Ok(())
    }

    /// Rebuilds a table with many deleted keys.
    pub fn shed(&self, cx: &mut Ctx) -> R<()> {
        let table = self.table();
        let used = self.len();
        if (table.fill.load(Ordering::Relaxed) - used) * 4 < table.mask {
            return Ok(());
        }
        self.resize(cx, if used > 50000 { used * 2 } else { used * 4 })
    }

    /// Adds all keys of another set, in CPython's way (which decides the order).
    pub fn merge(&self, cx: &mut Ctx, other: Gc<Set>) -> R<()> {
        if (self.table().fill.load(Ordering::Relaxed) + other.len()) * 5 >= self.table().mask * 3 {
            self.resize(cx, (self.len() + other.len()) * 2)?;
        }
        let theirs = other.table();
        let lock = cx.lock(&self.header);
        let ours = self.table();
        // Whether their table is copied entry by entry, which keeps the order: then with what is deleted meanwhile.
        let same = ours.mask == theirs.mask && theirs.fill.load(Ordering::Relaxed) == other.len();
        if ours.fill.load(Ordering::Relaxed) == 0 && (same || other.len() < ours.mask) {
            let mut count = 0;
            for (i, entry) in theirs.entries().iter().enumerate() {
                let Some((key, hash)) = entry.read() else { continue };
                if same {
                    ours.entries()[i].hash.store(hash, Ordering::Release);
                    ours.entries()[i].key.set(key);
                    ours.fill.fetch_add(1, Ordering::Relaxed);
                } else if ours.fill.load(Ordering::Relaxed) < ours.mask && key != DELETED {
                    ours.insert_clean(hash, key);
                }
                count += usize::from(key != DELETED);
            }
            self.used.fetch_add(count, Ordering::Release);
            self.changed();
            drop(lock);
            return Ok(());
        }
        drop(lock);
        let mut at = 0;
        while let Some((next, key, hash)) = next_in(theirs, at) {
            at = next;
            self.add_hashed(cx, key, hash)?;
        }
        Ok(())
    }

    /// Removes a key; tells whether it was there.
    pub fn remove(&self, cx: &mut Ctx, key: Value) -> R<bool> {
        let hash = cx.hash(key)?;
        loop {
            let changes = self.changes.load(Ordering::Acquire);
            let (table, place) = self.find(cx, key, hash)?;
            let Place::Found(i, _) = place else { return Ok(false) };
            let lock = cx.lock(&self.header);
            let entry = &table.entries()[i];
            let there = self.stands(cx, table, changes) && entry.key.get() != DELETED;
            if there {
                entry.key.set(DELETED);
                self.used.fetch_sub(1, Ordering::Release);
                self.changed();
            }
            drop(lock);
            if there {
                return Ok(true);
            }
        }
    }

    /// Removes and returns the next key in table order.
    pub fn pop(&self, cx: &Ctx) -> Option<Value> {
        let lock = cx.lock(&self.header);
        let table = self.table();
        let entries = table.entries();
        let start = self.finger.load(Ordering::Relaxed) & table.mask;
        let found = (start..entries.len()).chain(0..start).find_map(|i| {
            let key = entries[i].key.get();
            (!key.is_unbound() && key != DELETED).then(|| {
                entries[i].key.set(DELETED);
                self.used.fetch_sub(1, Ordering::Release);
                self.changed();
                self.finger.store(i + 1, Ordering::Relaxed);
                key
            })
        });
        drop(lock);
        found
    }

    pub fn clear(&self, cx: &mut Ctx) -> R<()> {
        let new = cx.new_set_table(MIN_SIZE)?;
        let lock = cx.lock(&self.header);
        self.table.set(new.value());
        self.used.store(0, Ordering::Release);
        drop(lock);
        Ok(())
    }

    /// The next key at or after table position `at`, its hash, and the position to go on with.
    pub fn next(&self, at: usize) -> Option<(usize, Value, u64)> {
        next_in(self.table(), at)
    }

    /// All keys as the set stands.
    pub fn keys(&self) -> Keys {
        Keys { table: self.table(), at: 0 }
    }
}

fn next_in(table: Gc<SetTable>, at: usize) -> Option<(usize, Value, u64)> {
    for (i, entry) in table.entries().iter().enumerate().skip(at) {
        if let Some((key, hash)) = entry.read().filter(|&(key, _)| key != DELETED) {
            return Some((i + 1, key, hash));
        }
    }
    None
}

/// Iterates over a set's keys in one table.
pub struct Keys {
    table: Gc<SetTable>,
    at: usize,
}

impl Iterator for Keys {
    type Item = (Value, u64);
    fn next(&mut self) -> Option<(Value, u64)> {
        let (at, key, hash) = next_in(self.table, self.at)?;
        self.at = at;
        Some((key, hash))
    }
}
