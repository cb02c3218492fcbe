//! Instances of script classes: slots named by shapes.

use crate::heap::Header;
use crate::object_kind;
use crate::value::Slot;

/// An instance; the inline slots of its shape follow, the others lie in a chain of chunks that never move.
#[repr(C)]
pub struct Instance {
    pub header: Header,
    /// The first chunk, or unbound.
    pub overflow: Slot,
}
object_kind!(Instance, Instance);

impl Instance {
    pub const SLOTS: usize = size_of::<Instance>();
    /// # Safety
    /// `index` is below the inline capacity of the instance's shape.
    #[inline(always)]
    pub unsafe fn inline_slot(&self, index: usize) -> &Slot {
        // SAFETY: by the contract.
        unsafe { &*((self as *const Instance).add(1) as *const Slot).add(index) }
    }
}

/// A chunk of attribute slots; chunk number n of a chain has `8 << n` slots.
#[repr(C)]
pub struct Chunk {
    pub header: Header,
    /// The next chunk, or unbound.
    pub next: Slot,
    pub len: usize,
}
object_kind!(Chunk, Chunk);

impl Chunk {
    pub const FIRST: usize = 8;
    pub fn slots(&self) -> &[Slot] {
        // SAFETY: `len` slots follow the struct.
        unsafe { std::slice::from_raw_parts((self as *const Chunk).add(1) as *const Slot, self.len) }
    }
}
