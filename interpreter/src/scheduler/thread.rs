//! A green thread: its fiber, its machine state while it is not running, and its waits.

use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use corosensei::Coroutine;
use corosensei::stack::DefaultStack;
use parking_lot::Mutex;

use super::group::{Group, GroupCell};
use super::stack::Place;
use super::wait::{Claim, WaitWord};
use crate::native::Raised;
use crate::object::misc::Boxed;
use crate::object::stack::Fiber;
use crate::value::{Gc, Slot, Value};

/// The main thread's id.
pub const MAIN: u64 = 1;

/// Why a native stack comes back to its worker.
pub enum Stop {
    /// The thread parks with native frames: the stack waits with it.
    Detached,
    /// The thread gives way with native frames under it.
    DetachedAgain,
    /// The thread has parked without native frames; by now another worker may be running it.
    Parked,
    /// The thread gives way.
    Again,
    /// The thread goes on in another greenlet, on another native stack.
    Swap,
    /// The thread ended, maybe with an exception.
    Ended(Result<Value, Raised>),
}

/// A native stack running a thread.
pub type Stack = Coroutine<(), Stop, Stop, DefaultStack>;

/// Machine state of a thread that is not running; the fiber object holds the traced part.
pub struct Saved {
    pub limit: *mut Value,
    pub gen_top: NonNull<Value>,
    pub loop_entry: usize,
    pub depth: usize,
    /// Boxed, as mostly there is none.
    pub repr_guard: Option<Box<Vec<u64>>>,
}

/// A native stack that waits with its thread, and the addresses of its frames.
pub struct Detached {
    pub stack: Stack,
    pub frames: (usize, usize),
    pub place: Option<Place>,
}

/// The part of a thread that only the worker running (or resuming) it touches.
#[derive(Default)]
pub struct Own {
    pub saved: Option<Saved>,
    pub detached: Option<Box<Detached>>,
}

/// A green thread.
pub struct Thread {
    pub id: u64,
    pub daemon: bool,
    /// Host handle of the fiber object: keeps it alive until the thread has ended.
    handle: u32,
    fiber: Gc<Fiber>,
    wait: WaitWord,
    /// The wait ended with an exception to raise.
    raises: AtomicBool,
    /// The worker whose native stack the thread has frames on, plus one; 0: any worker may run it.
    home: AtomicU32,
    /// How many of its greenlets own native stacks of that worker, and other reasons to stay there.
    pub pins: AtomicU32,
    /// The worker that runs it now, plus one.
    pub running_on: AtomicU32,
    /// KeyboardInterrupt is to be raised in it.
    pub interrupted: AtomicBool,
    /// Whether CancelledError is to be raised in it.
    pub(super) cancel: super::cancel::Mark,
    /// Signals that it, the main thread, has to act on when it runs next.
    pub signalled: AtomicU64,
    /// It runs signals' handlers in the place of the main thread.
    pub stands_in: AtomicBool,
    /// What it waits for without a deadline, if a thread holds that: set by itself before it parks, while its frame
    /// holds the object, and cleared before it goes on.
    pub blocked: Slot,
    /// Those that it takes turns with.
    group: GroupCell,
    /// The parked frame is a native's that takes the wake-up value; for the worker that holds the thread.
    pub deliver: AtomicBool,
    /// It is among the scheduler's blockers.
    pub is_blocker: AtomicBool,
    done: AtomicBool,
    /// Who waits for the end.
    #[expect(clippy::box_collection, reason = "mostly nobody: then it takes a word")]
    joiners: Mutex<Option<Box<Vec<Waiter>>>>,
    own: UnsafeCell<Own>,
}

// A parked thread takes no more than this, its fiber and its script object.
const _: () = assert!(size_of::<Thread>() <= 136);

// SAFETY: `own` is touched only by the worker that holds the thread, and holding passes through queues and the wait
// word, which order the accesses; everything else is atomic or locked.
unsafe impl Send for Thread {}
// SAFETY: as above.
unsafe impl Sync for Thread {}

/// One wait of one thread, for those who may end it.
#[derive(Clone)]
pub struct Waiter {
    thread: Arc<Thread>,
    wait: u64,
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Waiter) -> bool {
        Arc::ptr_eq(&self.thread, &other.thread) && self.wait == other.wait
    }
}

impl Waiter {
    pub fn thread(&self) -> &Arc<Thread> {
        &self.thread
    }

    pub fn into_thread(self) -> Arc<Thread> {
        self.thread
    }

    /// Whether the wait has not ended.
    pub fn is_open(&self) -> bool {
        self.thread.wait.is_open(self.wait)
    }

    /// Ends the wait, if nobody has yet. With `Claim::Queue` the caller puts the thread into a run queue.
    pub fn claim(&self, value: Value, raises: bool) -> Claim {
        match self.claim_ungated(value, raises) {
            // Others of its group run first, who will see to it.
            Claim::Queue if self.thread.group().is_some_and(|group| !group.admit(&self.thread)) => Claim::Running,
            claim => claim,
        }
    }

    /// The same for one who holds the thread's group.
    pub(super) fn claim_ungated(&self, value: Value, raises: bool) -> Claim {
        let thread = &*self.thread;
        thread.wait.claim(self.wait, || {
            thread.fiber.wake.set(value);
            thread.raises.store(raises, Ordering::Relaxed);
        })
    }
}

impl Thread {
    pub fn new(id: u64, daemon: bool, fiber: Gc<Fiber>, handle: usize) -> Thread {
        Thread {
            id,
            daemon,
            handle: handle as u32,
            fiber,
            wait: WaitWord::default(),
            raises: AtomicBool::new(false),
            home: AtomicU32::new(0),
            pins: AtomicU32::new(0),
            running_on: AtomicU32::new(0),
            interrupted: AtomicBool::new(false),
            cancel: super::cancel::Mark::default(),
            signalled: AtomicU64::new(0),
            stands_in: AtomicBool::new(false),
            blocked: Slot::new(Value::UNBOUND),
            group: GroupCell::default(),
            deliver: AtomicBool::new(false),
            is_blocker: AtomicBool::new(false),
            done: AtomicBool::new(false),
            joiners: Mutex::new(None),
            own: UnsafeCell::new(Own::default()),
        }
    }

    pub fn fiber(&self) -> Gc<Fiber> {
        self.fiber
    }
    /// What the script calls it, if it has an object of its own.
    pub fn name(&self) -> Option<String> {
        self.fiber.owner.get().cast::<Boxed>().and_then(|owner| owner.label())
    }
    pub fn handle(&self) -> usize {
        self.handle as usize
    }

    /// The worker's part.
    ///
    /// # Safety
    /// The caller is the worker that holds the thread: it runs it, or has taken it from a queue.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn own(&self) -> &mut Own {
        // SAFETY: by the contract nobody else touches it.
        unsafe { &mut *self.own.get() }
    }

    // ---- whom it takes turns with

    /// Its group, if it is in one.
    #[inline]
    pub fn group(&self) -> Option<&Group> {
        self.group.get()
    }
    /// The same, joining what `make` gives if it is in none.
    pub fn group_or(&self, make: impl FnOnce() -> Arc<Group>) -> Arc<Group> {
        self.group.get_or_init(make)
    }

    // ---- waiting

    /// Begins a wait (the thread itself does).
    pub fn arm(self: &Arc<Thread>) -> Waiter {
        Waiter { thread: self.clone(), wait: self.wait.arm() }
    }

    /// The current or last wait.
    pub fn last_wait(self: &Arc<Thread>) -> Waiter {
        Waiter { thread: self.clone(), wait: self.wait.number() }
    }

    /// The number of the current or last wait.
    pub fn wait_number(&self) -> u64 {
        self.wait.number()
    }

    /// Takes back a wait that was begun; what it has ended with, if somebody has ended it already.
    pub fn disarm(&self) -> Option<Result<Value, Raised>> {
        self.blocked.set(Value::UNBOUND);
        if self.wait.disarm() { None } else { Some(self.outcome()) }
    }

    /// Commits to the wait that was begun, the machine state being saved; false: it has ended meanwhile.
    /// After true, another worker may be running the thread.
    pub fn park(&self) -> bool {
        self.wait.park()
    }

    /// Has the wait held while another thread stands in for this one; false: it is not parked.
    pub fn hold(&self) -> bool {
        self.wait.hold()
    }

    /// Ends that; false: the wait has ended, and the caller puts the thread into a run queue.
    pub fn let_go(&self) -> bool {
        self.wait.let_go()
    }

    /// What the wait ended with.
    pub fn outcome(&self) -> Result<Value, Raised> {
        self.wait.settle();
        self.blocked.set(Value::UNBOUND);
        let value = self.fiber.wake.get();
        self.fiber.wake.set(Value::NONE);
        if self.raises.swap(false, Ordering::Relaxed) { Err(Raised(value)) } else { Ok(value) }
    }

    // ---- where it may run

    pub fn home(&self) -> Option<usize> {
        self.home.load(Ordering::Acquire).checked_sub(1).map(|home| home as usize)
    }
    pub fn set_home(&self, worker: Option<usize>) {
        self.home.store(worker.map_or(0, |w| w as u32 + 1), Ordering::Release);
    }

    // ---- its end

    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Marks the thread as ended; those who wait for that.
    pub fn finish(&self) -> Vec<Waiter> {
        let mut joiners = self.joiners.lock();
        self.done.store(true, Ordering::Release);
        joiners.take().map(|joiners| *joiners).unwrap_or_default()
    }

    /// Has the waiter woken at the end of the thread; false: it has ended already.
    pub fn add_joiner(&self, waiter: Waiter) -> bool {
        let mut joiners = self.joiners.lock();
        if self.is_done() {
            return false;
        }
        joiners.get_or_insert_default().push(waiter);
        true
    }

    pub fn forget_joiner(&self, waiter: &Waiter) {
        if let Some(joiners) = &mut *self.joiners.lock() {
            joiners.retain(|w| w != waiter);
        }
    }
}
