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
}

/// A generator object; four link slots and the registers of its frame follow the struct.
#[repr(C)]
pub struct Generator {
    pub header: Header,
    pub state: AtomicU8,
    /// Where to go on.
    pub pc: AtomicPtr<AtomicU64>,
    /// While running: the resumer's frame and the instruction to go on with there; null base if the resumer is Rust code.
    pub link_base: AtomicPtr<Value>,
    pub link_pc: AtomicPtr<AtomicU64>,
    /// While resumed by Rust code: the script frame below that code.
    pub resumer: AtomicPtr<Value>,
    pub resumer_pc: AtomicPtr<AtomicU64>,
    /// What the generator is handling while suspended in an `except` block, or None.
    pub handled: Slot,
    /// While running: what the resumer is handling.
    pub outer_handled: Slot,
    pub code: Slot,
    /// A tuple of name and qualified name if they are not the code's; or None.
    pub names: Slot,
    /// Async generators: hooks have run, closed flags. Coroutines: origin.
    pub extra: Slot,
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
    pub fn name(&self) -> Value {
        self.given_name(0).unwrap_or_else(|| self.code.obj::<Code>().name.get())
    }
    pub fn qualname(&self) -> Value {
        self.given_name(1).unwrap_or_else(|| self.code.obj::<Code>().qualname.get())
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
    #[inline(always)]
    pub fn set_state(&self, state: u8) {
        self.state.store(state, Ordering::Release);
        // SAFETY: a live generator.
        unsafe { grey::suspended(&self.header) };
    }
}

/// Whether a generator has still to be watched: it has not ended.
///
/// # Safety
/// The address is a generator's.
pub unsafe fn is_watched(at: usize) -> bool {
    // SAFETY: by the contract.
    unsafe { (*(at as *const Generator)).state() != state::DONE }
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
