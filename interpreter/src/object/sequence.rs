//! Lists and tuples: slots in a row.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::heap::Header;
use crate::object_kind;
use crate::value::{Gc, Slot, Value};

/// A tuple; its slots follow the struct.
#[repr(C)]
pub struct Tuple {
    pub header: Header,
    pub len: usize,
}
object_kind!(Tuple, Tuple);

impl Tuple {
    pub const SLOTS: usize = size_of::<Tuple>();
    #[inline(always)]
    pub fn slots(&self) -> &[Slot] {
        // SAFETY: `len` slots follow the struct (see `Ctx::new_tuple`).
        unsafe { std::slice::from_raw_parts((self as *const Tuple).add(1) as *const Slot, self.len) }
    }
    /// The items; a tuple never changes once made.
    #[inline(always)]
    pub fn items(&self) -> &[Value] {
        // SAFETY: as above, and `Slot` has the layout of `Value`; nobody stores into a finished tuple.
        unsafe { std::slice::from_raw_parts((self as *const Tuple).add(1) as *const Value, self.len) }
    }
}

/// A growable buffer of slots with its own length, so that readers bounds-check against what they hold.
#[repr(C)]
pub struct Buffer {
    pub header: Header,
    pub len: AtomicUsize,
    pub cap: usize,
}
object_kind!(Buffer, Buffer);

impl Buffer {
    pub const SLOTS: usize = size_of::<Buffer>();
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// All slots up to the capacity.
    #[inline(always)]
    pub fn slots(&self) -> &[Slot] {
        // SAFETY: `cap` slots follow the struct (see `Ctx::new_buffer`).
        unsafe { std::slice::from_raw_parts((self as *const Buffer).add(1) as *const Slot, self.cap) }
    }
}

/// A list: a published buffer.
#[repr(C)]
pub struct List {
    pub header: Header,
    pub buffer: Slot,
}
object_kind!(List, List);

impl List {
    #[inline(always)]
    pub fn buffer(&self) -> Gc<Buffer> {
        self.buffer.obj()
    }
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.buffer().len()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Item `index` at this moment, if there is one.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Option<Value> {
        let buffer = self.buffer();
        if index < buffer.len() { Some(buffer.slots()[index].get()) } else { None }
    }
}
