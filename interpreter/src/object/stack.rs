//! A fiber's stack: chained segments that never move, holding frames.
//!
//! A frame is `base[-4]` callee, then result · `base[-3]` reserved for a native resume address · `base[-2]` return pc
//! · `base[-1]` code · `base[0..nregs]` registers. A *barrier* stands where a frame cannot lie right above its
//! caller's: at the start of a segment, of a nested run, or above a generator's frame. Its words, from its base `e`:
//! `e[-3]` the caller's base, `e[-2]` the caller's pc, `e[-1]` a stub code, `e[0]` callee, then result; the callee's
//! frame has its base at `e + 4` and returns to the stub.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::heap::{Header, Marker, grey};
use crate::object_kind;
use crate::value::{Slot, Value};

/// Words of a barrier before the callee's base: three of its own, the callee and its links.
pub const BARRIER: usize = 3 + 4;

/// One piece of a stack.
#[repr(C)]
pub struct Segment {
    pub header: Header,
    pub previous: Slot,
    pub next: Slot,
    /// Words.
    pub len: usize,
}
object_kind!(Segment, Segment);

impl Segment {
    #[inline(always)]
    pub fn start(&self) -> *mut Value {
        // SAFETY: `len` words follow the struct.
        unsafe { (self as *const Segment).add(1) as *mut Value }
    }
    #[inline(always)]
    pub fn end(&self) -> *mut Value {
        // SAFETY: as above.
        unsafe { self.start().add(self.len) }
    }
}

/// A stack of frames with its saved machine state.
#[repr(C)]
pub struct Fiber {
    pub header: Header,
    pub segment: Slot,
    /// While suspended: the innermost frame and its next instruction; null while running.
    pub base: AtomicPtr<Value>,
    pub pc: AtomicPtr<AtomicU64>,
    /// While suspended: the innermost binding, on the native stack that waits with it; or null.
    pub binding: AtomicPtr<Binding>,
    pub handled: Slot,
    /// What the wait of the fiber's thread ended with.
    pub wake: Slot,
    /// Whatever the fiber's owner keeps with it.
    pub owner: Slot,
    /// The thread's current greenlet, if it has been asked for.
    pub greenlet: Slot,
    /// The current context of context variables; None: an empty one that nobody has looked at.
    pub context: Slot,
    /// The event loop that the fiber's code runs, or None.
    pub event_loop: Slot,
}
object_kind!(Fiber, Fiber);

impl Fiber {
    /// The machine's state has been saved here: frames may have changed since they were last looked at.
    pub fn suspended(&self) {
        // SAFETY: a live fiber.
        unsafe { grey::suspended(&self.header) };
    }
}

/// Registers of a frame to be that arguments are being bound to: they may lie among the caller's dead ones or above
/// all frames. It stands on the native stack of the code that binds.
pub struct Binding {
    pub start: *mut Value,
    pub end: *mut Value,
    /// What was being bound when Rust code in between ran a script that led to this call; or null.
    pub outer: *const Binding,
}

/// Marks everything a suspended fiber's stack needs; the stack of a running one is its worker's.
pub fn trace_fiber(fiber: &Fiber, m: &mut Marker) {
    let Fiber { segment, handled, wake, owner, greenlet, context, event_loop, .. } = fiber;
    for slot in [segment, handled, wake, owner, greenlet, context, event_loop] {
        super::trace::mark(m, slot.get());
    }
    let (base, pc) = (fiber.base.load(Ordering::Acquire), fiber.pc.load(Ordering::Acquire));
    if !base.is_null() {
        // SAFETY: `base` is set only while the fiber is suspended at that frame.
        unsafe { super::walk::mark_stack(base, pc, fiber.segment.get(), fiber.binding.load(Ordering::Acquire), m) };
    }
}
