//! Weak references: finding those to an object.

use crate::heap::header::flag;
use crate::native::Ctx;
use crate::object::misc::WeakRef;
use crate::value::{Gc, Value};

impl Ctx {
    /// The living weak references to an object, oldest first.
    pub fn weak_references(&self, target: Value) -> Vec<Gc<WeakRef>> {
        if !target.header().is_some_and(|h| h.has(flag::WEAKREF)) {
            return Vec::new();
        }
        let all = self.iso().weakrefs.lock();
        // SAFETY: the collector takes a weak reference off the list before it frees it.
        let refs = all.iter().map(|&w| unsafe { Gc::from_raw(w as *mut WeakRef) });
        refs.filter(|w| w.target.get() == target).collect()
    }
}
