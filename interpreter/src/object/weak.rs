//! Weak references: making them, finding them, what happens when their objects die.

use crate::heap::header::flag;
use crate::native::{Ctx, R};
use crate::object::class::{Class, class_flag};
use crate::object::layout::weakly_referable;
use crate::object::misc::WeakRef;
use crate::value::{Gc, Value};

impl Ctx {
    /// `weakref.ref(target, callback)` of a class; one without a callback is made once per object.
    pub fn weak_reference(&mut self, class: Gc<Class>, target: Value, callback: Value) -> R<Gc<WeakRef>> {
        let kind = self.class_of(target);
        if target.header().is_none() || !weakly_referable(kind) || kind.has(class_flag::NO_WEAKREF) {
            let what = self.type_name(target);
            return Err(self.type_error(format!("cannot create weak reference to '{what}' object")));
        }
        let plain = class.id != 0 && callback.is_none();
        if plain && let Some(known) = self.known_weakref(target) {
            return Ok(known);
        }
        let w = self.new_weakref(class, target, callback);
        if plain {
            self.iso().plain_weakrefs.lock().insert(target.object() as usize, w.as_ptr() as usize);
        }
        Ok(w)
    }

    /// The plain weak reference to an object, if there is one already.
    fn known_weakref(&self, target: Value) -> Option<Gc<WeakRef>> {
        let known = self.iso().plain_weakrefs.lock().get(&(target.object() as usize)).copied()?;
        Value::from_object(known as *const crate::heap::Header).cast()
    }

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
