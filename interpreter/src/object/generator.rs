//! Generators, coroutines and async generators: a frame of their own, resumed in place.

use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, Ordering};

use crate::heap::{Header, grey};
use crate::native::Ctx;
use crate::object::function::Code;
use crate::object::kind::ClassId;
use crate::object::sequence::Tuple;
use crate::object_kind;
use crate::value::{Gc, Slot, Value};

/// States of a generator; taken from one to the next by compare-and-swap, so that of two resumers one wins.
pub mod state {
    pub const CREATED: u8 = 0;
    pub const SUSPENDED: u8 = 1;
    pub const RUNNING: u8 = 2;
    pub const DONE: u8 = 3;
    /// Ended, and nobody knows it any more: it waits to be used again (`vm::spare`).
    pub const SPARE: u8 = 4;
}

/// A generator object; four link slots and the registers of its frame follow the struct.
#[repr(C)]
pub struct Generator {
    pub header: Header,
    pub state: AtomicU8,
    /// Coroutines: nobody knows it but the `await` whose operand made it; 1 or 0.
    lent: AtomicU8,
    /// Async generators: an awaitable drives it. Coroutines: a task has been made of it. 1 or 0.
    busy: AtomicU8,
    /// Where to go on.
    pub pc: AtomicPtr<AtomicU64>,
    /// While running: the resumer's frame and the instruction to go on with there. If the resumer is Rust code, the script
    /// frame below that code, with the lowest bit set.
    pub link_base: AtomicPtr<Value>,
    pub link_pc: AtomicPtr<AtomicU64>,
    /// What the generator is handling while suspended in an `except` block, or None.
    pub handled: Slot,
    /// While running: what the resumer is handling.
    pub outer_handled: Slot,
    /// A tuple of name and qualified name if they are not the code's; or None.
    pub names: Slot,
}
object_kind!(Generator, Generator);

impl Generator {
    /// Words of the frame before register 0: callee, native resume, return pc, code.
    pub const LINKS: usize = 4;
    /// The address of register 0.
    #[inline(always)]
    pub fn base(&self) -> *mut Value {
        // SAFETY: the frame's words follow the struct.
        unsafe { ((self as *const Generator).add(1) as *mut Value).add(Generator::LINKS) }
    }
    #[inline(always)]
    pub fn code(&self) -> Gc<Code> {
        // SAFETY: a generator's frame is linked when it is made.
        unsafe { Gc::from_value_unchecked(*self.base().sub(1)) }
    }
    pub fn name(&self) -> Value {
        self.given_name(0).unwrap_or_else(|| self.code().name.get())
    }
    pub fn qualname(&self) -> Value {
        self.given_name(1).unwrap_or_else(|| self.code().qualname.get())
    }
    fn given_name(&self, which: usize) -> Option<Value> {
        self.names.get().cast::<Tuple>().and_then(|names| names.items().get(which).copied())
    }
    #[inline(always)]
    pub fn state(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }
    /// Takes the generator for running; false if it is running or done.
    #[inline(always)]
    pub fn claim(&self, from: u8) -> bool {
        self.state.compare_exchange(from, state::RUNNING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
    /// Whether it has ended.
    #[inline(always)]
    pub fn has_ended(&self) -> bool {
        self.state() >= state::DONE
    }
    /// The resumer's frame and where to go on there; base null if the resumer is Rust code.
    #[inline(always)]
    pub fn link(&self) -> (*mut Value, *const AtomicU64) {
        let base = self.link_base.load(Ordering::Relaxed);
        let base = if base.addr() & 1 == 0 { base } else { std::ptr::null_mut() };
        (base, self.link_pc.load(Ordering::Relaxed))
    }
    /// The script frame below, and where it is.
    pub fn frame_below(&self) -> (*mut Value, *const AtomicU64) {
        let base = self.link_base.load(Ordering::Relaxed);
        (base.map_addr(|at| at & !1), self.link_pc.load(Ordering::Relaxed))
    }
    /// The script frame below Rust code that resumes the generator.
    pub fn link_rust(&self, base: *mut Value, pc: *const AtomicU64) {
        self.link_base.store(base.map_addr(|at| at | 1), Ordering::Relaxed);
        self.link_pc.store(pc as *mut AtomicU64, Ordering::Relaxed);
    }
    /// Whether nobody knows the coroutine but the `await` that made it.
    #[inline(always)]
    pub fn is_lent(&self) -> bool {
        self.lent.load(Ordering::Relaxed) != 0
    }
    #[inline(always)]
    pub fn set_lent(&self, on: bool) {
        self.lent.store(on as u8, Ordering::Relaxed);
    }
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) != 0
    }
    pub fn set_busy(&self, on: bool) {
        self.busy.store(on as u8, Ordering::Relaxed);
    }
    #[inline(always)]
    pub fn set_state(&self, state: u8) {
        self.state.store(state, Ordering::Release);
        // SAFETY: a live generator.
        unsafe { grey::suspended(&self.header) };
    }
}

/// Whether a generator has still to be watched: it has not ended, or will be used again.
///
/// # Safety
/// The address is a generator's.
pub unsafe fn is_watched(at: usize) -> bool {
    // SAFETY: by the contract.
    unsafe { (*(at as *const Generator)).state() != state::DONE }
}

/// Whether a generator that is watched has not ended.
///
/// # Safety
/// The address is a generator's.
pub unsafe fn is_unfinished(at: usize) -> bool {
    // SAFETY: by the contract.
    unsafe { !(*(at as *const Generator)).has_ended() }
}

/// Whether a generator that has been found dead has to be seen to: a coroutine that was never awaited, or what may have a
/// `finally` to go through.
///
/// # Safety
/// The address is a generator's.
pub unsafe fn is_abandoned(at: usize) -> bool {
    // SAFETY: by the contract.
    let g = unsafe { &*(at as *const Generator) };
    match g.state() {
        state::CREATED => g.header.shape() == ClassId::Coroutine.shape(),
        now => now == state::SUSPENDED,
    }
}

impl Ctx {
    /// Has a new generator seen to if it is found dead before it has ended.
    #[inline]
    pub fn watch(&mut self, g: Gc<Generator>) {
        let watched = &mut self.local.watched;
        if watched.len() == watched.capacity() && !watched.is_empty() {
            // SAFETY: made since the last collection, so none of them has been freed.
            watched.retain(|&at| unsafe { is_watched(at) });
            watched.reserve(watched.len());
        }
        watched.push(g.as_ptr() as usize);
    }
}
