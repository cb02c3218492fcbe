//! Dicts: insertion-ordered tables that readers probe without locks.
//!
//! A table is append-only: entries in insertion order, then (for more than eight) an index of entry numbers probed
//! linearly. Deleting leaves a tombstone; growing publishes a new table and never touches the old one again, so a
//! reader that holds a table may go on reading it. Writers take the dict's byte lock once threads run. A module's
//! namespace ([`flag::CELLS`]) keeps a cell per name as value, so that code can cache the cell.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::heap::Header;
use crate::heap::header::flag;
use crate::native::{Ctx, R};
use crate::object::function::Cell;
use crate::object::string::Str;
use crate::object_kind;
use crate::value::{Gc, Slot, Value};

#[repr(C)]
pub struct Dict {
    pub header: Header,
    pub table: Slot,
    live: AtomicUsize,
}
object_kind!(Dict, Dict);

#[repr(C)]
pub struct Table {
    pub header: Header,
    pub cap: usize,
    /// Entries appended so far, tombstones included.
    used: AtomicUsize,
    /// All entries before this one are tombstones.
    head: AtomicUsize,
    /// All entries from this one to `used` are tombstones.
    tail: AtomicUsize,
    /// Index cells minus one, or 0 for none.
    mask: usize,
}
object_kind!(Table, Table);

/// An entry: a tombstone has an unbound key.
#[repr(C)]
pub struct DictEntry {
    hash: AtomicUsize,
    pub key: Slot,
    pub value: Slot,
}

/// Tables up to this capacity are scanned, larger ones have an index.
const SCAN_LIMIT: usize = 8;

impl Table {
    /// Bytes of a table of `cap` entries, and its index mask.
    pub fn size_for(cap: usize) -> (usize, usize) {
        let entries = size_of::<Table>() + cap * size_of::<DictEntry>();
        if cap <= SCAN_LIMIT {
            (entries, 0)
        } else {
            let cells = (cap + cap / 2).next_power_of_two();
            (entries + cells * 4, cells - 1)
        }
    }
    /// Fills a fresh cell.
    ///
    /// # Safety
    /// `at` is a new zeroed cell of the size that `size_for(cap)` tells.
    pub unsafe fn init(at: *mut Table, cap: usize, mask: usize) {
        // SAFETY: by the contract.
        unsafe {
            (*at).cap = cap;
            (*at).mask = mask;
        }
    }
    #[inline(always)]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }
    #[inline(always)]
    pub fn entries(&self) -> &[DictEntry] {
        // SAFETY: `cap` entries follow the struct.
        unsafe { std::slice::from_raw_parts((self as *const Table).add(1) as *const DictEntry, self.cap) }
    }
    #[inline(always)]
    fn index(&self) -> &[AtomicU32] {
        // SAFETY: `mask + 1` cells follow the entries (none when there is no index: the slice is then not used).
        unsafe {
            let start = (self as *const Table).add(1) as *const DictEntry;
            std::slice::from_raw_parts(start.add(self.cap) as *const AtomicU32, self.mask + 1)
        }
    }
    #[inline(always)]
    fn first_cell(&self, hash: u64) -> usize {
        (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & self.mask
    }

    /// The first entry number from `at` on (in probe order) whose hash is `hash`; a probe position to go on from.
    #[inline(always)]
    fn probe(&self, hash: u64, at: &mut Probe) -> Option<usize> {
        if self.mask == 0 {
            let used = self.used();
            let entries = self.entries();
            while at.0 < used {
                let i = at.0;
                at.0 += 1;
                if entries[i].hash.load(Ordering::Relaxed) == hash as usize {
                    return Some(i);
                }
            }
            return None;
        }
        let index = self.index();
        let entries = self.entries();
        let mut cell = if at.0 == usize::MAX { self.first_cell(hash) } else { at.0 };
        loop {
            let entry = index[cell].load(Ordering::Acquire);
            cell = (cell + 1) & self.mask;
            if entry == 0 {
                return None;
            }
            let i = entry as usize - 1;
            if entries[i].hash.load(Ordering::Relaxed) == hash as usize {
                at.0 = cell;
                return Some(i);
            }
        }
    }
    #[inline(always)]
    fn start(&self) -> Probe {
        Probe(if self.mask == 0 { 0 } else { usize::MAX })
    }

    /// Appends to a table with room; the caller holds the dict's lock.
    fn append(&self, hash: u64, key: Value, value: Value) {
        let i = self.used.load(Ordering::Relaxed);
        let entry = &self.entries()[i];
        entry.value.set(value);
        entry.hash.store(hash as usize, Ordering::Relaxed);
        entry.key.set(key);
        self.used.store(i + 1, Ordering::Release);
        self.tail.store(i + 1, Ordering::Relaxed);
        if self.mask != 0 {
            let index = self.index();
            let mut cell = self.first_cell(hash);
            while index[cell].load(Ordering::Relaxed) != 0 {
                cell = (cell + 1) & self.mask;
            }
            index[cell].store(i as u32 + 1, Ordering::Release);
        }
    }
}

/// A position in a probe sequence.
struct Probe(usize);

impl Dict {
    #[inline(always)]
    pub fn table(&self) -> Gc<Table> {
        self.table.obj()
    }
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.live.load(Ordering::Acquire)
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    #[inline(always)]
    pub fn has_cells(&self) -> bool {
        self.header.has(flag::CELLS)
    }

    /// The value in an entry, behind its cell in a namespace; None for a tombstone.
    #[inline(always)]
    fn read(&self, entry: &DictEntry) -> Option<Value> {
        let mut value = entry.value.get();
        if self.has_cells() && !value.is_unbound() {
            value = match value.cast::<Cell>() {
                Some(cell) => cell.value.get(),
                None => value,
            };
        }
        if value.is_unbound() { None } else { Some(value) }
    }

    /// The entry of a str key, without running script code: other keys of the same hash that are not exact strs
    /// cannot be told apart here, so None means "ask [`Dict::find`]" if `plain` was cleared.
    #[inline]
    fn find_str(&self, table: Gc<Table>, key: Gc<Str>, hash: u64, plain: &mut bool) -> Option<usize> {
        let mut at = table.start();
        while let Some(i) = table.probe(hash, &mut at) {
            let k = table.entries()[i].key.get();
            if k == key.value() {
                return Some(i);
            }
            if k.is_unbound() {
                continue;
            }
            match k.cast::<Str>() {
                Some(s) if s.same_text(&key) => return Some(i),
                Some(_) => {}
                None => *plain = false,
            }
        }
        None
    }

    /// The value of a str key in a dict whose keys are all strs (a namespace, a class dict, keyword arguments).
    #[inline]
    pub fn get_str(&self, cx: &Ctx, key: Gc<Str>) -> Option<Value> {
        let hash = cx.hash_str(key);
        let table = self.table();
        let mut plain = true;
        let i = self.find_str(table, key, hash, &mut plain)?;
        self.read(&table.entries()[i])
    }

    /// Finds the entry of `key`. Runs `__eq__` of script classes; starts over if that changed the table.
    fn find(&self, cx: &mut Ctx, key: Value, hash: u64) -> R<(Gc<Table>, Option<usize>)> {
        'again: loop {
            let table = self.table();
            if let Some(s) = cx.exact_str(key) {
                let mut plain = true;
                let found = self.find_str(table, s, hash, &mut plain);
                if plain || found.is_some() {
                    return Ok((table, found));
                }
            }
            let mut at = table.start();
            while let Some(i) = table.probe(hash, &mut at) {
                let k = table.entries()[i].key.get();
                if k.is_unbound() {
                    continue;
                }
                if cx.same_key(k, key)? {
                    return Ok((table, Some(i)));
                }
                if self.table() != table {
                    continue 'again;
                }
            }
            return Ok((table, None));
        }
    }

    pub fn get(&self, cx: &mut Ctx, key: Value) -> R<Option<Value>> {
        let hash = cx.hash(key)?;
        let (table, found) = self.find(cx, key, hash)?;
        Ok(found.and_then(|i| self.read(&table.entries()[i])))
    }

    /// The key as stored, for `set`-like uses.
    pub fn get_key(&self, cx: &mut Ctx, key: Value) -> R<Option<Value>> {
        let hash = cx.hash(key)?;
        let (table, found) = self.find(cx, key, hash)?;
        let entry = found.map(|i| &table.entries()[i]).filter(|entry| self.read(entry).is_some());
        Ok(entry.map(|entry| entry.key.get()).filter(|key| !key.is_unbound()))
    }

    pub fn set(&self, cx: &mut Ctx, key: Value, value: Value) -> R<()> {
        let hash = cx.hash(key)?;
        self.set_hashed(cx, key, hash, value)
    }

    /// Stores under a str key; cannot fail in a dict of str keys.
    pub fn set_str(&self, cx: &mut Ctx, key: Gc<Str>, value: Value) {
        let hash = cx.hash_str(key);
        // An exact str key compares without script code unless a foreign key shares its hash; then the pair is
        // still stored, by the general path.
        let _ = self.set_hashed(cx, key.value(), hash, value);
    }

    pub fn set_hashed(&self, cx: &mut Ctx, key: Value, hash: u64, value: Value) -> R<()> {
        loop {
            let before = self.table();
            let used = before.used();
            let (table, found) = self.find(cx, key, hash)?;
            if let Some(i) = found {
                let lock = cx.lock(&self.header);
                let entry = &table.entries()[i];
                let valid = self.table() == table && !entry.key.get().is_unbound();
                if valid {
                    self.write(entry, value);
                }
                drop(lock);
                if valid {
                    return Ok(());
                }
                continue;
            }
            if table == before && self.try_append(cx, table, used, hash, key, value)? {
                return Ok(());
            }
        }
    }

    /// The value at the key, which is put in with this one if it is missing; of several threads that do, one does.
    pub fn get_or_set(&self, cx: &mut Ctx, key: Value, hash: u64, value: Value) -> R {
        loop {
            let before = self.table();
            let used = before.used();
            let (table, found) = self.find(cx, key, hash)?;
            let entry = found.map(|i| &table.entries()[i]);
            if let Some(found) = entry.and_then(|entry| self.read(entry)) {
                return Ok(found);
            }
            // A name of a namespace whose value was deleted keeps its entry.
            if entry.is_some_and(|entry| !entry.key.get().is_unbound()) {
                self.set_hashed(cx, key, hash, value)?;
                return Ok(value);
            }
            if table == before && self.try_append(cx, table, used, hash, key, value)? {
                return Ok(value);
            }
        }
    }

    /// Overwrites an entry's value; in a namespace a name that was deleted comes back to life.
    fn write(&self, entry: &DictEntry, value: Value) {
        if self.has_cells()
            && let Some(cell) = entry.value.get().cast::<Cell>()
        {
            if cell.value.swap(value).is_unbound() {
                self.live.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        entry.value.set(value);
    }

    /// Appends if the table is still as `find` saw it; grows it if it is full. False: look again.
    fn try_append(&self, cx: &mut Ctx, table: Gc<Table>, used: usize, hash: u64, key: Value, value: Value) -> R<bool> {
        let mut value = value;
        if self.has_cells() {
            value = cx.new_cell(value).value();
        }
        if table.used() == table.cap {
            self.grow(cx, table)?;
            return Ok(false);
        }
        let lock = cx.lock(&self.header);
        let valid = self.table() == table && table.used() == used && used < table.cap;
        if valid {
            table.append(hash, key, value);
            self.live.fetch_add(1, Ordering::Release);
        }
        drop(lock);
        Ok(valid)
    }

    /// Publishes a table with room for more; tombstones are left behind.
    fn grow(&self, cx: &mut Ctx, old: Gc<Table>) -> R<()> {
        // A namespace keeps the entries of unbound names too, so the entries are counted, not the live values.
        let kept = old.entries()[..old.used()].iter().filter(|e| !e.key.get().is_unbound()).count();
        let cap = if kept < 4 { 4 } else { (kept * 2).max(8) };
        self.rebuild(cx, old, cap)
    }

    fn rebuild(&self, cx: &mut Ctx, old: Gc<Table>, cap: usize) -> R<()> {
        let new = cx.new_table(cap)?;
        let lock = cx.lock(&self.header);
        if self.table() == old {
            let mut fits = true;
            for entry in &old.entries()[..old.used()] {
                let key = entry.key.get();
                if key.is_unbound() {
                    continue;
                }
                if new.used() == new.cap {
                    fits = false;
                    break;
                }
                new.append(entry.hash.load(Ordering::Relaxed) as u64, key, entry.value.get());
            }
            if fits {
                self.table.set(new.value());
            }
        }
        drop(lock);
        Ok(())
    }

    /// A dict with the pairs that this one has at one moment.
    pub fn snapshot(&self, cx: &mut Ctx) -> R<Gc<Dict>> {
        let new = cx.new_dict();
        loop {
            let table = self.table();
            let len = self.len();
            if len == 0 {
                return Ok(new);
            }
            let copy = cx.new_table(len.max(4))?;
            let lock = cx.lock(&self.header);
            let fits = self.table() == table && self.len() <= copy.cap;
            if fits {
                for entry in &table.entries()[..table.used()] {
                    let key = entry.key.get();
                    if let (false, Some(value)) = (key.is_unbound(), self.read(entry)) {
                        copy.append(entry.hash.load(Ordering::Relaxed) as u64, key, value);
                    }
                }
            }
            drop(lock);
            if fits {
                new.table.set(copy.value());
                new.live.store(copy.used(), Ordering::Release);
                return Ok(new);
            }
        }
    }

    /// Makes room for `extra` more entries at once.
    pub fn reserve(&self, cx: &mut Ctx, extra: usize) -> R<()> {
        let table = self.table();
        if table.cap - table.used() < extra {
            self.rebuild(cx, table, (self.len() + extra).max(4))?;
        }
        Ok(())
    }

    /// Removes `key`, returning its value.
    pub fn remove(&self, cx: &mut Ctx, key: Value) -> R<Option<Value>> {
        let hash = cx.hash(key)?;
        loop {
            let (table, found) = self.find(cx, key, hash)?;
            let Some(i) = found else { return Ok(None) };
            let lock = cx.lock(&self.header);
            let valid = self.table() == table;
            let removed = if valid { self.bury(table, i) } else { None };
            drop(lock);
            if valid {
                return Ok(removed);
            }
        }
    }

    /// Turns entry `i` into a tombstone (in a namespace: empties its cell); the caller holds the lock.
    fn bury(&self, table: Gc<Table>, i: usize) -> Option<Value> {
        let entry = &table.entries()[i];
        if self.has_cells()
            && let Some(cell) = entry.value.get().cast::<Cell>()
        {
            let old = cell.value.swap(Value::UNBOUND);
            if old.is_unbound() {
                return None;
            }
            self.live.fetch_sub(1, Ordering::Relaxed);
            return Some(old);
        }
        let old = entry.value.get();
        if entry.key.get().is_unbound() {
            return None;
        }
        entry.key.set_immediate(Value::UNBOUND);
        entry.value.set_immediate(Value::UNBOUND);
        self.live.fetch_sub(1, Ordering::Release);
        if i == table.head.load(Ordering::Relaxed) {
            table.head.store(i + 1, Ordering::Relaxed);
        }
        if i + 1 == table.tail.load(Ordering::Relaxed) {
            table.tail.store(i, Ordering::Relaxed);
        }
        Some(old)
    }

    /// Removes and returns the last (or first) pair.
    pub fn pop_end(&self, cx: &Ctx, last: bool) -> Option<(Value, Value)> {
        let lock = cx.lock(&self.header);
        let table = self.table();
        let (head, tail) = (table.head.load(Ordering::Relaxed), table.tail.load(Ordering::Relaxed));
        let mut range = head..tail;
        let found = loop {
            let Some(i) = (if last { range.next_back() } else { range.next() }) else { break None };
            let key = table.entries()[i].key.get();
            if key.is_unbound() {
                continue;
            }
            if last {
                table.tail.store(i + 1, Ordering::Relaxed);
            } else {
                table.head.store(i, Ordering::Relaxed);
            }
            if let Some(value) = self.bury(table, i) {
                break Some((key, value));
            }
        };
        drop(lock);
        found
    }

    /// Removes everything.
    pub fn clear(&self, cx: &mut Ctx) {
        let lock = cx.lock(&self.header);
        if self.has_cells() {
            let table = self.table();
            for i in 0..table.used() {
                self.bury(table, i);
            }
        } else {
            self.table.set(cx.empty_table());
            self.live.store(0, Ordering::Release);
        }
        drop(lock);
    }

    /// The next pair at or after entry number `at`, and the number to go on with.
    #[inline]
    pub fn next(&self, at: usize) -> Option<(usize, Value, Value)> {
        self.next_in(self.table(), at)
    }

    /// The same in a table taken earlier.
    pub fn next_in(&self, table: Gc<Table>, at: usize) -> Option<(usize, Value, Value)> {
        let used = table.used();
        let mut i = at.max(table.head.load(Ordering::Relaxed));
        while i < used {
            let entry = &table.entries()[i];
            let key = entry.key.get();
            i += 1;
            if !key.is_unbound()
                && let Some(value) = self.read(entry)
            {
                return Some((i, key, value));
            }
        }
        None
    }

    /// The previous pair before entry number `at` (`usize::MAX`: from the end), and the number to go on with.
    pub fn next_back(&self, at: usize) -> Option<(usize, Value, Value)> {
        let table = self.table();
        let mut i = at.min(table.used());
        while i > 0 {
            i -= 1;
            let entry = &table.entries()[i];
            let key = entry.key.get();
            if !key.is_unbound()
                && let Some(value) = self.read(entry)
            {
                return Some((i, key, value));
            }
        }
        None
    }

    /// All pairs as the dict stands; items of the iteration are safe to use across changes of the dict.
    pub fn pairs(&self) -> Pairs<'_> {
        Pairs { dict: self, table: self.table(), at: 0 }
    }

    /// The cell of a name in a namespace, made if missing (then unbound).
    pub fn cell(&self, cx: &mut Ctx, name: Gc<Str>) -> Gc<Cell> {
        debug_assert!(self.has_cells());
        let hash = cx.hash_str(name);
        let fresh = cx.new_cell(Value::UNBOUND);
        loop {
            let table = self.table();
            let used = table.used();
            let mut plain = true;
            if let Some(i) = self.find_str(table, name, hash, &mut plain)
                && let Some(cell) = table.entries()[i].value.get().cast::<Cell>()
            {
                return cell;
            }
            if used == table.cap {
                // Out of memory leaves the name without a cell that others see; its reader finds it unbound.
                if self.grow(cx, table).is_err() {
                    return fresh;
                }
                continue;
            }
            let lock = cx.lock(&self.header);
            let valid = self.table() == table && table.used() == used;
            if valid {
                table.append(hash, name.value(), fresh.value());
            }
            drop(lock);
            if valid {
                return fresh;
            }
        }
    }

    /// The cell of a name, if the namespace has one.
    pub fn existing_cell(&self, cx: &Ctx, name: Gc<Str>) -> Option<Gc<Cell>> {
        let table = self.table();
        let mut plain = true;
        let i = self.find_str(table, name, cx.hash_str(name), &mut plain)?;
        table.entries()[i].value.get().cast::<Cell>()
    }

    /// Gives every value a cell: the dict becomes usable as a namespace of code.
    pub fn make_namespace(&self, cx: &mut Ctx) {
        if self.has_cells() {
            return;
        }
        let table = self.table();
        for entry in &table.entries()[..table.used()] {
            if !entry.key.get().is_unbound() {
                let cell = cx.new_cell(entry.value.get());
                entry.value.set(cell.value());
            }
        }
        self.header.set_flag(flag::CELLS);
    }
}

/// Iterates over a dict's pairs in one table.
pub struct Pairs<'a> {
    dict: &'a Dict,
    table: Gc<Table>,
    at: usize,
}

impl Iterator for Pairs<'_> {
    type Item = (Value, Value);
    fn next(&mut self) -> Option<(Value, Value)> {
        let (at, key, value) = self.dict.next_in(self.table, self.at)?;
        self.at = at;
        Some((key, value))
    }
}
