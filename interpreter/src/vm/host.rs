//! What a host needs: a context that moves between threads, and the end of a program.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::setup::{native_stack, new_interpreter, stack_limit};
use crate::heap::Header;
use crate::native::Ctx;
use crate::object::generator::{is_unfinished, is_watched};
use crate::object::isolate::{BuiltinModule, Isolate};
use crate::value::Value;

thread_local! {
    /// The calling thread's stack bounds; asking the system for them is slow on a main thread.
    static BOUNDS: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

impl Ctx {
    /// Makes the calling thread the one that this context runs on. To be called at every entry from a host, as the
    /// collector scans the stack between its own frame and the base noted here.
    pub fn enter_thread(&mut self) {
        let (low, high) = BOUNDS.get().unwrap_or_else(|| {
            let bounds = native_stack();
            BOUNDS.set(Some(bounds));
            bounds
        });
        self.stack_limit = stack_limit(low, high);
        self.stack_base = high;
    }

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

/// An interpreter that any one thread at a time may enter.
pub struct Host {
    cx: Box<Ctx>,
    /// The context counts as stopped, as no thread is in it.
    is_outside: bool,
}

/// A thread is in an interpreter. While it is not, others may collect and run the interpreter's green threads.
pub struct Entered<'a>(&'a mut Host);

impl Deref for Entered<'_> {
    type Target = Ctx;
    fn deref(&self) -> &Ctx {
        &self.0.cx
    }
}

impl DerefMut for Entered<'_> {
    fn deref_mut(&mut self) -> &mut Ctx {
        &mut self.0.cx
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        // Alone, nobody would wait for it.
        if self.0.cx.is_shared() {
            self.0.cx.leave();
            self.0.is_outside = true;
        }
    }
}

impl Drop for Host {
    /// The context is dropped by a thread that is in it.
    fn drop(&mut self) {
        if self.is_outside {
            self.cx.come_back();
        }
    }
}

// SAFETY: a context is tied to a thread by its stack bounds alone, and `enter`, the only way in, refreshes them.
unsafe impl Send for Host {}

impl Host {
    /// A new interpreter with the given library; None if the heap cannot be made.
    pub fn new(library: Vec<BuiltinModule>) -> Option<Host> {
        new_interpreter(library).ok().map(|cx| Host { cx, is_outside: false })
    }
    /// The context, for the calling thread.
    pub fn enter(&mut self) -> Entered<'_> {
        if std::mem::take(&mut self.is_outside) {
            self.cx.come_back();
        }
        self.cx.enter_thread();
        Entered(self)
    }
    pub fn isolate(&self) -> Arc<Isolate> {
        self.cx.isolate_arc()
    }
}
