//! The end of a program: what is still to be finalized.

use crate::heap::Header;
use crate::native::Ctx;
use crate::object::generator::{is_unfinished, is_watched};
use crate::value::Value;

impl Ctx {
    /// Calls every finalizer that has not run yet: of unreachable objects first, then of all others. Generators that
    /// have something to do at their end are closed likewise.
    pub fn finalize_all(&mut self) {
        if !self.has_finalizers() {
            return;
        }
        self.collect();
        self.run_finalizers();
        let mut rest = std::mem::take(&mut *self.iso().finalizable.lock());
        rest.append(&mut self.iso().watched.lock());
        rest.append(&mut self.local.watched);
        self.local.spares = Default::default();
        let rest = rest.into_iter().rev().map(|object| Value::from_object(object as *const Header));
        self.iso().to_finalize.lock().extend(rest);
        self.run_finalizers();
    }

    /// Whether there is anything to be finalized, dead or not.
    pub fn has_finalizers(&mut self) -> bool {
        let iso = self.iso();
        let watched = |all: &mut Vec<usize>| {
            // SAFETY: they were live at the last collection, or made since.
            unsafe {
                all.retain(|&at| is_watched(at));
                all.iter().any(|&at| is_unfinished(at))
            }
        };
        watched(&mut self.local.watched)
            || watched(&mut iso.watched.lock())
            || !iso.finalizable.lock().is_empty()
            || !iso.to_finalize.lock().is_empty()
    }
}
