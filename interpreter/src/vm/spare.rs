//! Coroutines that have ended and that nobody knows any more, to be used again.
//!
//! In `await f()` the coroutine is known to nobody but the `await`: not to a variable, and not to a frame object. It is
//! lent to it when it runs for the first time, and when it returns it is kept for the next coroutine with as many registers,
//! until the next collection: what has just been used is in the processor's cache, and makes no garbage. A coroutine that
//! is shown to a script (`cr_await`) is not lent any more.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::bytecode::op::Op;
use crate::bytecode::word::Word;
use crate::heap::grey;
use crate::native::Ctx;
use crate::object::generator::Generator;
use crate::value::{Gc, Value};

/// Words of `await` from the one after the call to the one after `Send`.
const AWAIT: usize = 3;

/// Notes, when a coroutine is first sent to by the loop, whether nobody else knows it: the `await` that does so follows the
/// very call that made it.
///
/// # Safety
/// `base` is null, or `pc` the word after the instruction that sends.
#[inline(always)]
pub unsafe fn lend(g: Gc<Generator>, base: *mut Value, pc: *const AtomicU64) {
    let made = g.link_pc.load(Ordering::Relaxed) as *const AtomicU64;
    let start = pc.wrapping_sub(AWAIT);
    // SAFETY: an instruction that has made a coroutine is followed by others.
    if made == start && !base.is_null() && unsafe { Word::at(start).is(Op::GetAwaitable) } {
        g.set_lent(true);
    }
}

impl Ctx {
    /// A coroutine that has ended, with so many registers; the caller fills it before anything can collect.
    #[inline(always)]
    pub(super) fn take_spare(&mut self, nregs: usize) -> Option<Gc<Generator>> {
        let first = self.local.spares.get_mut(nregs)?;
        if *first == 0 {
            return None;
        }
        // SAFETY: what is kept is a coroutine's address, until the next collection, which clears the lists.
        let g: Gc<Generator> = unsafe { Gc::from_raw(*first as *mut Generator) };
        *first = g.link_base.load(Ordering::Relaxed).addr();
        Some(g)
    }

    /// Keeps a coroutine that has ended and that nobody knows.
    #[inline(always)]
    pub(super) fn keep_spare(&mut self, g: Gc<Generator>) {
        g.set_lent(false);
        // One that has been marked would not be traced again in its next life.
        if grey::is_marking() {
            return;
        }
        if let Some(first) = self.local.spares.get_mut(g.code().nregs as usize) {
            g.link_base.store(std::ptr::without_provenance_mut(*first), Ordering::Relaxed);
            *first = g.as_ptr() as usize;
        }
    }
}
