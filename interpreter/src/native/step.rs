//! Resumable natives: natives with a frame of their own in the fiber, so that they can call scripts or wait without
//! keeping a native stack.

use std::time::Instant;

use super::{Args, Ctx, R, Raised};
use crate::object::generator::Generator;
use crate::object::sequence::Tuple;
use crate::value::{Gc, Value};

/// What a resumable native does next.
pub enum Step {
    Done(Value),
    Raise(Raised),
    /// Call a function with so many arguments, which [`NativeFrame::call`] has put in place; the native is entered
    /// again with the outcome.
    Call(Value, usize),
    /// The same with a tuple of arguments and one of the last ones' names, from [`NativeFrame::call_named`].
    CallNamed(Value),
    /// Ask an iterator for its next item; the native is entered with it, or told that there is none.
    Next(Value),
    /// Send a value to an iterator; the native is entered with what it yields, or told what it returned.
    Send(Value, Value),
    /// Wait; the native has put itself where its waker finds it. It is entered again with the value given at wake-up
    /// (False at the deadline).
    Park(Option<Instant>),
    /// Let the other ready threads run first; the native is entered again with None.
    Yield,
}

impl From<R<Step>> for Step {
    #[inline]
    fn from(result: R<Step>) -> Step {
        match result {
            Ok(step) => step,
            Err(e) => Step::Raise(e),
        }
    }
}

/// Why a resumable native is entered.
pub enum Entered {
    /// For the first time.
    Start,
    /// The call returned, or the wait ended, with this value.
    With(Value),
    /// The call raised.
    Raised(Raised),
    /// The iterator has no more items; of one that was sent to, what it returned.
    Ended(Value),
}

/// The frame of a resumable native: a state number and traced scratch slots, the first of which are its arguments.
pub struct NativeFrame<'a> {
    pub(crate) slots: &'a mut [Value],
}

impl NativeFrame<'_> {
    /// Scratch slots in a frame.
    pub const SLOTS: usize = 7;
    /// Which stage the native is at; 0 at first.
    #[inline]
    pub fn state(&self) -> i64 {
        self.slots[0].int()
    }
    #[inline]
    pub fn set_state(&mut self, state: i64) {
        self.slots[0] = Value::small_int(state);
    }
    /// Slot `index`: an argument (unbound if not given) until overwritten.
    #[inline]
    pub fn get(&self, index: usize) -> Value {
        self.slots[1 + index]
    }
    #[inline]
    pub fn set(&mut self, index: usize, value: Value) {
        self.slots[1 + index] = value;
    }
}

impl NativeFrame<'_> {
    /// Arguments of a [`Step::Call`] at most.
    pub const ARGUMENTS: usize = 3;

    /// Calls `f` with up to [`NativeFrame::ARGUMENTS`] arguments.
    #[inline(always)]
    pub fn call(&mut self, f: Value, args: &[Value]) -> Step {
        let at = self.slots.len() - NativeFrame::ARGUMENTS;
        let len = args.len().min(NativeFrame::ARGUMENTS);
        self.slots[at..at + len].copy_from_slice(&args[..len]);
        Step::Call(f, len)
    }
    /// Calls `f` with any number of arguments, the last of which have these names.
    pub fn call_named(&mut self, f: Value, args: Gc<Tuple>, names: Gc<Tuple>) -> Step {
        let at = self.slots.len() - NativeFrame::ARGUMENTS;
        self.slots[at] = args.value();
        self.slots[at + 1] = names.value();
        Step::CallNamed(f)
    }
}

/// The Rust function behind a resumable native.
pub type ResumeFn = fn(&mut Ctx, &mut NativeFrame<'_>, Entered) -> Step;

/// How a resumable native is entered through its frame.
#[derive(Clone, Copy)]
pub struct Resume {
    pub enter: ResumeFn,
    /// Which calls need the frame, for a native that can be called without one too.
    pub when: Option<fn(Args<'_>) -> bool>,
    /// Calls that are no more than sending a value to a generator, which can do without the frame: the generator and
    /// the value.
    pub sends: Option<fn(Args<'_>) -> Option<(Gc<Generator>, Value)>>,
    /// Called instead where the loop makes the call, for a native that moves the machine to other frames.
    pub moves: Option<MoveFn>,
}

/// Moves the machine: true, it goes on at the context's `pc` and `base`, where what there is to deliver has been put (or
/// raises the error there); false, the native needs its frame for that, and nothing has been done.
pub type MoveFn = fn(&mut Ctx, Args<'_>) -> R<bool>;

impl Resume {
    /// Always entered through a frame.
    pub const fn always(enter: ResumeFn) -> Resume {
        Resume { enter, when: None, sends: None, moves: None }
    }
    /// Entered through a frame for some calls.
    pub const fn when(enter: ResumeFn, when: fn(Args<'_>) -> bool) -> Resume {
        Resume { enter, when: Some(when), sends: None, moves: None }
    }
    /// The same, with a shortcut for what only sends to a generator.
    pub const fn sending(mut self, sends: fn(Args<'_>) -> Option<(Gc<Generator>, Value)>) -> Resume {
        self.sends = Some(sends);
        self
    }
    /// Always entered through a frame, but where this can do without.
    pub const fn moving(enter: ResumeFn, moves: MoveFn) -> Resume {
        Resume { enter, when: None, sends: None, moves: Some(moves) }
    }
}

impl std::fmt::Debug for Resume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resume")
    }
}
