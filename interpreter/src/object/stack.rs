//! A fiber's stack: chained segments that never move, holding frames.
//!
//! A frame is `base[-4]` callee, then result · `base[-3]` reserved for a native resume address · `base[-2]` return pc
//! · `base[-1]` code · `base[0..nregs]` registers. A *barrier* stands where a frame cannot lie right above its
//! caller's: at the start of a segment, of a nested run, or above a generator's frame. Its words, from its base `e`:
//! `e[-3]` the caller's base, `e[-2]` the caller's pc, `e[-1]` a stub code, `e[0]` callee, then result; the callee's
//! frame has its base at `e + 4` and returns to the stub.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::heap::{Header, Marker};
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
    /// While not running: the innermost frame and its next instruction.
    pub base: AtomicPtr<Value>,
    pub pc: AtomicPtr<AtomicU64>,
    /// The first free word of the current segment.
    pub top: AtomicPtr<Value>,
    pub handled: Slot,
    /// What the wait of the fiber's thread ended with.
    pub wake: Slot,
    /// Whatever the fiber's owner keeps with it: thread or greenlet.
    pub owner: Slot,
}
object_kind!(Fiber, Fiber);

/// Marks everything a suspended fiber's stack mentions.
///
/// # Safety
/// The fiber is not running, or its saved state has just been published.
pub unsafe fn trace_fiber(fiber: &Fiber, m: &mut Marker) {
    for value in [fiber.segment.get(), fiber.handled.get(), fiber.wake.get(), fiber.owner.get()] {
        if value.is_object() {
            m.mark(value.object());
        }
    }
    m.mark_conservative(fiber.base.load(Ordering::Acquire) as usize);
    // SAFETY: by the contract `top` lies in the current segment.
    unsafe { mark_segments(fiber.segment.get(), fiber.top.load(Ordering::Acquire), m) };
}

/// Marks conservatively from the words of a segment below `top` and of all segments before it.
///
/// # Safety
/// `segment` is a segment whose words below `top` are frames.
pub unsafe fn mark_segments(segment: Value, top: *mut Value, m: &mut Marker) {
    let mut current = segment;
    let mut end = top;
    while let Some(s) = current.cast::<Segment>() {
        m.mark(s.as_ptr() as *mut Header);
        // SAFETY: the words of the segment; nothing above `end` is in use.
        unsafe { m.mark_range(s.start() as usize, end as usize) };
        current = s.previous.get();
        if let Some(previous) = current.cast::<Segment>() {
            end = previous.end();
        }
    }
}
