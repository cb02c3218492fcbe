//! A slot of a heap object: one atomic word holding a value.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Gc, Object, Value};
use crate::heap::grey;

/// Loads are Acquire (the value may be followed), stores Release (it may be a fresh object); plain moves on x86.
/// While a collection goes on between slices, a store has what it stores marked (see `heap::grey`).
#[repr(transparent)]
pub struct Slot(AtomicU64);

impl Slot {
    pub const fn new(value: Value) -> Slot {
        Slot(AtomicU64::new(value.bits()))
    }
    #[inline(always)]
    pub fn get(&self) -> Value {
        Value::from_bits(self.0.load(Ordering::Acquire))
    }
    #[inline(always)]
    pub fn set(&self, value: Value) {
        self.0.store(value.bits(), Ordering::Release);
        self.stored(value);
    }
    /// Stores what is no object: nothing has to be told.
    #[inline(always)]
    pub fn set_immediate(&self, value: Value) {
        debug_assert!(!value.is_object());
        self.0.store(value.bits(), Ordering::Release);
    }
    /// The write barrier.
    #[inline(always)]
    fn stored(&self, value: Value) {
        if grey::is_marking() {
            self.look(value);
        }
    }
    /// By value, and out of line with all it does: a store that needs none of it takes two instructions more.
    #[cold]
    #[inline(never)]
    fn look(&self, value: Value) {
        if value.is_object() {
            // SAFETY: a value that is stored is a live object's, if an object's.
            unsafe { grey::stored_at(self as *const Slot as usize, value.object()) };
        }
    }
    /// Stores `new` if the slot still holds `old`.
    pub fn replace_if(&self, old: Value, new: Value) -> bool {
        self.stored(new);
        self.0.compare_exchange(old.bits(), new.bits(), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
    pub fn swap(&self, new: Value) -> Value {
        self.stored(new);
        Value::from_bits(self.0.swap(new.bits(), Ordering::AcqRel))
    }
    /// The slot's object where the field's invariant fixes its type. A zero word or an immediate is a broken invariant.
    #[inline(always)]
    pub fn obj<T: Object>(&self) -> Gc<T> {
        // SAFETY: fields read this way only ever hold objects of `T` (checked in debug builds).
        unsafe { Gc::from_value_unchecked(self.get()) }
    }
}

/// A reference to the value is stored in an object: what refers to objects other than by a [`Slot`] has to tell.
#[inline(always)]
pub fn stored(value: Value) {
    if grey::is_marking() && value.is_object() {
        // SAFETY: a value that is stored is a live object's, if an object's.
        unsafe { grey::stored(value.object()) };
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}
