//! Host code below scripts: a function of the host's that a script calls, and what that calls in turn.
//!
//! While such a function runs, its context is lent to it: noted on the calling thread, with the world free to stop. A
//! call of the same interpreter from there goes on in that context, so as the green thread that has called the function.
//! Every native stack has a list of its own, which is put aside where the stack is left before it has unwound.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;

use super::setup::{native_stack, stack_limit};
use crate::native::{Ctx, R};
use crate::object::isolate::Isolate;
use crate::object::kind::ClassId;

/// What a call on a stack that is not the thread's own may use of it: nobody knows how large it is.
const FOREIGN: usize = 128 << 10;

/// What a function of the host's can count on, beside what is left to natives that do not look.
const MARGIN: usize = 128 << 10;

/// A function of the host's is at work on this native stack.
struct Lent {
    isolate: *const Isolate,
    cx: *mut Ctx,
    /// The next one further out.
    outer: *const Lent,
}

/// What is known of the calling thread.
pub(crate) struct Here {
    /// The innermost function of a host on the native stack.
    lent: Cell<*const Lent>,
    /// The interpreter that drops what a function of the host's has captured.
    dropping: Cell<*const Isolate>,
    /// The thread's own stack: its ends, and the lowest address that calls may use; zeros until it is asked for.
    stack: Cell<(usize, usize, usize)>,
    /// The context of its own that it had last, and of which host.
    pub seat: Cell<(u64, *mut Ctx)>,
}

thread_local! {
    static HERE: Here = const {
        Here {
            lent: Cell::new(null()),
            dropping: Cell::new(null()),
            stack: Cell::new((0, 0, 0)),
            seat: Cell::new((0, std::ptr::null_mut())),
        }
    };
}

impl Here {
    #[inline(always)]
    pub fn with<T>(body: impl FnOnce(&Here) -> T) -> T {
        HERE.with(body)
    }

    /// A number that no other thread has that is alive.
    #[inline]
    pub fn number(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// Whether no function of a host's is at work, so far as this thread knows, and the address is on its own stack: that
    /// stack's limit.
    #[inline(always)]
    pub fn plain(&self, here: usize) -> Option<usize> {
        let (low, high, limit) = self.stack.get();
        let is_plain = self.lent.get().is_null() && self.dropping.get().is_null() && low < here && here < high;
        is_plain.then_some(limit)
    }

    /// Whether the interpreter is calling a function of the host's on this stack.
    #[inline]
    pub fn is_inside(&self, isolate: &Isolate) -> bool {
        self.find(isolate).is_some()
    }

    /// Whether the interpreter is dropping what a function of the host's has captured.
    #[inline]
    pub fn is_dropping(&self, isolate: &Isolate) -> bool {
        std::ptr::eq(self.dropping.get(), isolate)
    }

    /// The context that the interpreter has lent to the innermost function of the host's.
    #[inline]
    pub fn find(&self, isolate: &Isolate) -> Option<*mut Ctx> {
        if self.lent.get().is_null() { None } else { self.search(isolate) }
    }

    #[cold]
    fn search(&self, isolate: &Isolate) -> Option<*mut Ctx> {
        let mut at = self.lent.get();
        // SAFETY: what is on the list stands in frames of this native stack that have not returned.
        while let Some(lent) = unsafe { at.as_ref() } {
            if std::ptr::eq(lent.isolate, isolate) {
                return Some(lent.cx);
            }
            at = lent.outer;
        }
        None
    }

    /// The lowest address that a call may use of the stack it is made on.
    #[inline]
    pub fn stack_limit(&self, here: usize) -> usize {
        let (low, high, limit) = self.stack.get();
        if low < here && here < high { limit } else { self.other_stack_limit(here) }
    }

    #[cold]
    fn other_stack_limit(&self, here: usize) -> usize {
        if self.stack.get().0 == 0 {
            let (low, high) = native_stack();
            self.stack.set((low, high, stack_limit(low, high)));
            if low < here && here < high {
                return stack_limit(low, high);
            }
        }
        // SAFETY: as in `search`; the context is used no more than by this thread.
        match unsafe { self.lent.get().as_ref().map(|lent| &*lent.cx) } {
            Some(cx) if is_on_stack_of(cx, here) => cx.stack_limit,
            _ => here.saturating_sub(FOREIGN),
        }
    }
}

/// Whether the address lies on the native stack that the context runs on.
fn is_on_stack_of(cx: &Ctx, here: usize) -> bool {
    cx.stack_limit < here && here < cx.stack_base
}

/// A call, as a native stack may go on with another thread.
#[inline(never)]
fn lend(lent: *const Lent) -> *const Lent {
    HERE.with(|here| here.lent.replace(lent))
}

/// The native stack is left before it has unwound: what stands on it, for [`put_back`].
pub(crate) fn put_aside() -> Aside {
    Aside(lend(null()))
}

/// The native stack goes on.
pub(crate) fn put_back(aside: Aside) {
    lend(aside.0);
}

/// The functions of hosts on a native stack that is not running.
pub(crate) struct Aside(*const Lent);

impl Ctx {
    /// Raises RecursionError if too little of the native stack is left for a host's function, which does not look.
    #[inline]
    pub fn check_stack_for_host(&mut self) -> R<()> {
        let here = 0u8;
        let margin = MARGIN.min(self.stack_base.saturating_sub(self.stack_limit) / 4);
        if (&raw const here as usize) < self.stack_limit + margin {
            return Err(self.error(ClassId::RecursionError, "maximum recursion depth exceeded"));
        }
        Ok(())
    }

    /// Runs a host's code: the world may stop meanwhile, and calls that it makes go on in this context. A panic is
    /// caught.
    pub fn outside<T>(&mut self, body: impl FnOnce() -> T) -> std::thread::Result<T> {
        let mut registers = [0usize; 8];
        crate::object::ctx::spill_registers(&mut registers);
        self.published = crate::object::world::Published { native: registers.as_ptr() as usize };
        let cx: *mut Ctx = self;
        let mut lent = Lent { isolate: self.iso(), cx, outer: null() };
        lent.outer = HERE.with(|here| here.lent.replace(&raw const lent));
        // SAFETY: `cx` is this context; the body's calls use the same pointer, one after the other.
        unsafe { (*cx).go_out() };
        let result = catch_unwind(AssertUnwindSafe(body));
        if lend(lent.outer) != &raw const lent {
            left_behind();
        }
        // SAFETY: as above.
        unsafe { (*cx).come_back() };
        std::hint::black_box(&registers);
        result
    }

    /// Goes on in a context that has been lent to the host's function further out on this stack.
    ///
    /// # Safety
    /// [`Here::find`] has just given it, and the function calls this.
    pub(crate) unsafe fn inside_again<T>(
        cx: *mut Ctx,
        here: usize,
        limit: usize,
        body: impl FnOnce(&mut Ctx) -> T,
    ) -> T {
        // SAFETY: `outside` does not use its context before the body returns.
        let cx = unsafe { &mut *cx };
        let (published, limits) = (cx.published, (cx.stack_limit, cx.stack_base));
        cx.come_back();
        let is_foreign = !is_on_stack_of(cx, here);
        if is_foreign {
            cx.native_stacks.push((published.native, cx.stack_base));
            (cx.stack_limit, cx.stack_base) = (limit, here);
        }
        let again = Again { cx, published, limits, is_foreign };
        body(again.cx)
    }
}

/// Frames above a function that returns are still to be used, or it returns on a thread that is not theirs.
#[cold]
#[inline(never)]
fn left_behind() -> ! {
    eprintln!("conc: a function of the host's has left a call behind on another stack");
    std::process::abort()
}

/// A call from a host's function, until it has returned or unwound.
struct Again<'a> {
    cx: &'a mut Ctx,
    published: crate::object::world::Published,
    limits: (usize, usize),
    is_foreign: bool,
}

impl Drop for Again<'_> {
    fn drop(&mut self) {
        if self.is_foreign {
            let range = (self.published.native, self.limits.1);
            self.cx.native_stacks.retain(|&r| r != range);
            (self.cx.stack_limit, self.cx.stack_base) = self.limits;
        }
        self.cx.published = self.published;
        self.cx.go_out();
    }
}

/// Drops what a host's function has captured: calls of the interpreter are refused meanwhile, as it may be collecting.
pub fn drop_captured<T>(isolate: usize, captured: T) {
    let before = HERE.with(|here| here.dropping.replace(isolate as *const Isolate));
    drop(captured);
    HERE.with(|here| here.dropping.set(before));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_told_from_others() {
        let local = 0u8;
        let here = &raw const local as usize;
        Here::with(|h| {
            let limit = h.stack_limit(here);
            assert!(limit < here);
            assert_eq!(h.stack_limit(here), limit);
            assert_eq!(h.stack_limit(FOREIGN * 2), FOREIGN);
        });
    }
}
