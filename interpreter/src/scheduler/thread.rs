//! A green thread: its fiber, its machine state while it is not running, and what it waits for.

use corosensei::Coroutine;
use corosensei::stack::DefaultStack;

use crate::native::Raised;
use crate::value::Value;

/// Where a thread stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Ready,
    Running,
    Parked,
    Done,
}

/// Why a native stack comes back to the driver.
pub enum Stop {
    /// The thread parked with native frames: the stack waits with it.
    Detached,
    /// The thread parked (or gave way) without native frames.
    Parked,
    /// The thread ended, maybe with an exception.
    Ended(Option<Raised>),
}

/// A native stack running a thread.
pub type Stack = Coroutine<(), Stop, Stop, DefaultStack>;

/// Machine state of a thread that is not running; the fiber object holds the traced part.
pub struct Saved {
    pub limit: *mut Value,
    pub gen_top: *mut Value,
    pub loop_entry: usize,
    pub depth: usize,
    pub repr_guard: Vec<u64>,
    pub stack_limit: usize,
    pub stack_base: usize,
    pub yielder: usize,
}

/// A green thread.
pub struct Thread {
    pub state: State,
    /// Host handle of the fiber object: keeps it alive.
    pub fiber: usize,
    pub saved: Option<Saved>,
    /// The detached native stack, and the addresses of its frames.
    pub detached: Option<Stack>,
    pub frames: (usize, usize),
    /// What the wait is to return, by the waker: an immediate (nothing traces it here).
    pub wake: Value,
    /// Counts waits, so that a timer of an earlier one is not taken for this one's.
    pub wait: u64,
    /// The parked frame is a native's that takes the wake-up value.
    pub deliver: bool,
    pub daemon: bool,
}
