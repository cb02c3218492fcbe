//! Greenlets: stacks of frames within one green thread, and what is kept of each while another one runs.
//!
//! A greenlet is a [`Boxed`] object whose slots hold everything, machine words among them: those are multiples of 8 and
//! so read as ints. It is *pending* until it is first switched to, *active* until it ends, then *dead*. Of a thread's
//! active greenlets one is current (`Fiber::greenlet`) and has the machine's state in the context or, while the thread
//! waits, in the thread's fiber; the others are suspended and have it here. A suspended one may own a native stack
//! besides, whose frames are marked with it.

use crate::heap::{Marker, grey};
use crate::native::Ctx;
use crate::object::misc::{Behavior, Boxed};
use crate::value::{Gc, Value};

/// What makes an object a greenlet.
pub static GREENLET: Behavior = Behavior::named("greenlet");

/// Slots of a greenlet.
pub mod slot {
    pub const STATE: usize = 0;
    /// What it is to call; None once it has started.
    pub const RUN: usize = 1;
    pub const PARENT: usize = 2;
    /// The main greenlet of the thread it runs in; None before it starts.
    pub const MAIN: usize = 3;
    /// The context of variables, while it is not current.
    pub const CONTEXT: usize = 4;
    pub const SEGMENT: usize = 5;
    pub const BASE: usize = 6;
    pub const PC: usize = 7;
    pub const LIMIT: usize = 8;
    pub const TOP: usize = 9;
    pub const DEPTH: usize = 10;
    pub const HANDLED: usize = 11;
    pub const BINDING: usize = 12;
    /// The frames on the native stack it owns, as an address range; 0: it owns none.
    pub const LOW: usize = 13;
    pub const HIGH: usize = 14;
    /// What it is handed when it is switched to, who by, and how.
    pub const CARGO: usize = 15;
    pub const ORIGIN: usize = 16;
    pub const HOW: usize = 17;
    /// Of a main greenlet, the thread's id.
    pub const THREAD: usize = 18;
    /// Of a main greenlet: the function that is told of switches.
    pub const TRACER: usize = 19;
    /// Of one that owns a native stack, its worker.
    pub const WORKER: usize = 20;
    pub const COUNT: usize = 21;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Pending,
    /// Its first frame is there but has not run.
    Fresh,
    Active,
    Dead,
}

/// A reference to a greenlet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Greenlet(Gc<Boxed>);

impl Greenlet {
    #[inline(always)]
    pub fn of(value: Value) -> Option<Greenlet> {
        value.cast::<Boxed>().filter(|b| b.is(&GREENLET)).map(Greenlet)
    }
    pub fn object(self) -> Gc<Boxed> {
        self.0
    }
    #[inline(always)]
    pub fn value(self) -> Value {
        self.0.value()
    }
    #[inline(always)]
    pub fn get(self, slot: usize) -> Value {
        self.0.slots()[slot].get()
    }
    #[inline(always)]
    pub fn set(self, slot: usize, value: Value) {
        self.0.slots()[slot].set(value);
    }
    /// A machine word kept in a slot.
    #[inline(always)]
    pub fn word(self, slot: usize) -> usize {
        self.get(slot).bits() as usize
    }
    #[inline(always)]
    pub fn set_word(self, slot: usize, word: usize) {
        debug_assert!(word.is_multiple_of(8));
        self.set(slot, Value::from_bits(word as u64));
    }
    /// The greenlet has been left: the state it goes on with is in its slots.
    #[inline(always)]
    pub fn suspended(self) {
        // SAFETY: a live greenlet.
        unsafe { grey::suspended(&self.0.header) };
    }

    #[inline(always)]
    pub fn state(self) -> State {
        match self.get(slot::STATE).int() {
            0 => State::Pending,
            1 => State::Fresh,
            2 => State::Active,
            _ => State::Dead,
        }
    }
    #[inline(always)]
    pub fn set_state(self, state: State) {
        self.set(slot::STATE, Value::small_int(state as i64));
    }
    #[inline(always)]
    pub fn parent(self) -> Option<Greenlet> {
        Greenlet::of(self.get(slot::PARENT))
    }
    /// The main greenlet of its thread, if it has started.
    #[inline(always)]
    pub fn main(self) -> Option<Greenlet> {
        Greenlet::of(self.get(slot::MAIN))
    }
    #[inline(always)]
    pub fn is_main(self) -> bool {
        self.get(slot::MAIN) == self.value()
    }
    /// Whether it owns a native stack.
    #[inline(always)]
    pub fn is_detached(self) -> bool {
        self.word(slot::LOW) != 0
    }
    /// It has started and not ended, and its thread has not either.
    pub fn is_active(self) -> bool {
        matches!(self.state(), State::Active | State::Fresh) && !self.is_orphan()
    }
    /// Its thread has ended.
    pub fn is_orphan(self) -> bool {
        self.main().is_some_and(|main| main.state() == State::Dead)
    }
    /// The main greenlet of the thread that it belongs to, started or not.
    pub fn home(self) -> Option<Greenlet> {
        let mut at = self;
        loop {
            if let Some(main) = at.main() {
                return Some(main);
            }
            at = at.parent()?;
        }
    }
}

impl Ctx {
    /// A greenlet of a class made for them, with `more` slots of the class's own after the usual ones.
    pub fn new_greenlet(&mut self, class: Gc<super::class::Class>, more: usize) -> Greenlet {
        let made = self.new_native_object(class, &GREENLET, slot::COUNT + more);
        Greenlet::init(made)
    }
    /// The same, with Rust data of its own.
    pub fn new_greenlet_with(
        &mut self,
        class: Gc<super::class::Class>,
        data: impl super::misc::Payload,
        more: usize,
    ) -> Greenlet {
        let made = self.new_boxed_with(class, data, slot::COUNT + more);
        // SAFETY: the object was just made here: nobody else has seen it.
        unsafe { (*made.as_ptr()).behavior = Some(&GREENLET) };
        if class.has(super::class::class_flag::FINALIZER) {
            self.register_finalizer(made.value());
        }
        Greenlet::init(made)
    }
}

impl Greenlet {
    fn init(object: Gc<Boxed>) -> Greenlet {
        let made = Greenlet(object);
        for word in [slot::BASE, slot::PC, slot::LIMIT, slot::TOP, slot::DEPTH, slot::BINDING, slot::LOW, slot::HIGH] {
            made.set_word(word, 0);
        }
        made.set(slot::HOW, Value::small_int(0));
        made.set_state(State::Pending);
        made
    }
}

/// Marks what the slots alone do not show.
pub fn trace(object: &Boxed, m: &mut Marker) {
    let word = |slot: usize| object.slots()[slot].get().bits() as usize;
    let base = word(slot::BASE) as *mut Value;
    if base.is_null() {
        return;
    }
    // SAFETY: these are set only while the greenlet is suspended at that frame, and its native stack with it.
    unsafe {
        let segment = object.slots()[slot::SEGMENT].get();
        super::walk::mark_stack(base, word(slot::PC) as *const _, segment, word(slot::BINDING) as *const _, m);
        m.mark_range(word(slot::LOW), word(slot::HIGH));
    }
}
