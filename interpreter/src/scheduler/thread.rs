//! A green thread: its fiber, its machine state while it is not running, and the word its waits are claimed by.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use corosensei::Coroutine;
use corosensei::stack::DefaultStack;
use parking_lot::Mutex;

use crate::native::Raised;
use crate::object::stack::Fiber;
use crate::value::{Gc, Value};

/// The main thread's id.
pub const MAIN: u64 = 1;

/// Where a thread's current wait stands; the low bits of its wait word, above which the wait's number is kept.
mod phase {
    /// Not waiting: running or in a queue.
    pub const NONE: u64 = 0;
    /// Wakers have been told, the thread is on its way to park.
    pub const ARMED: u64 = 1;
    /// Its machine state is saved: whoever ends the wait queues it.
    pub const PARKED: u64 = 2;
    /// A waker is writing the wake-up value.
    pub const CLAIMED: u64 = 3;
    /// The wait has ended.
    pub const ENDED: u64 = 4;
    pub const MASK: u64 = 7;
}

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
    /// The thread ended, maybe with an exception.
    Ended(Result<Value, Raised>),
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

/// The part of a thread that only the worker running (or resuming) it touches.
#[derive(Default)]
pub struct Own {
    pub saved: Option<Saved>,
    /// The detached native stack, and the addresses of its frames.
    pub detached: Option<Stack>,
    pub frames: (usize, usize),
    /// The parked frame is a native's that takes the wake-up value.
    pub deliver: bool,
}

/// A green thread.
pub struct Thread {
    pub id: u64,
    pub daemon: bool,
    /// What the script calls it.
    pub name: Mutex<Option<String>>,
    /// Host handle of the fiber object: keeps it alive until the thread has ended.
    handle: usize,
    fiber: Gc<Fiber>,
    wait: AtomicU64,
    /// The wait ended with an exception to raise.
    raises: AtomicBool,
    /// The worker whose native stack the thread has frames on, plus one; 0: any worker may run it.
    home: AtomicUsize,
    /// The worker that runs it now, plus one.
    pub running_on: AtomicUsize,
    /// KeyboardInterrupt is to be raised in it.
    pub interrupted: AtomicBool,
    done: AtomicBool,
    joiners: Mutex<Vec<Waiter>>,
    own: UnsafeCell<Own>,
}

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

    /// Whether the wait has not ended.
    pub fn is_open(&self) -> bool {
        let word = self.thread.wait.load(Ordering::Acquire);
        word >> 3 == self.wait && matches!(word & phase::MASK, phase::ARMED | phase::PARKED)
    }

    /// Ends the wait, if nobody has yet. With `Claim::Queue` the caller puts the thread into a run queue.
    pub fn claim(&self, value: Value, raises: bool) -> Claim {
        let t = &*self.thread;
        let mut word = t.wait.load(Ordering::Acquire);
        loop {
            let now = word & phase::MASK;
            if word >> 3 != self.wait || !(now == phase::ARMED || now == phase::PARKED) {
                return Claim::Late;
            }
            let claimed = word & !phase::MASK | phase::CLAIMED;
            match t.wait.compare_exchange_weak(word, claimed, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {}
                Err(seen) => {
                    word = seen;
                    continue;
                }
            }
            t.fiber.wake.set(value);
            t.raises.store(raises, Ordering::Relaxed);
            t.wait.store(word & !phase::MASK | phase::ENDED, Ordering::Release);
            return if now == phase::PARKED { Claim::Queue } else { Claim::Running };
        }
    }
}

/// What came of an attempt to end a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// It had ended already.
    Late,
    /// The thread has not parked yet and will notice by itself.
    Running,
    /// The thread is parked: put it into a run queue.
    Queue,
}

impl Thread {
    pub fn new(id: u64, daemon: bool, fiber: Gc<Fiber>, handle: usize) -> Thread {
        Thread {
            id,
            daemon,
            name: Mutex::new(None),
            handle,
            fiber,
            wait: AtomicU64::new(0),
            raises: AtomicBool::new(false),
            home: AtomicUsize::new(0),
            running_on: AtomicUsize::new(0),
            interrupted: AtomicBool::new(false),
            done: AtomicBool::new(false),
            joiners: Mutex::new(Vec::new()),
            own: UnsafeCell::new(Own::default()),
        }
    }

    pub fn fiber(&self) -> Gc<Fiber> {
        self.fiber
    }
    pub fn handle(&self) -> usize {
        self.handle
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

    // ---- waiting

    /// Begins a wait (the thread itself does).
    pub fn arm(self: &Arc<Thread>) -> Waiter {
        let wait = (self.wait.load(Ordering::Relaxed) >> 3) + 1;
        self.wait.store(wait << 3 | phase::ARMED, Ordering::Release);
        Waiter { thread: self.clone(), wait }
    }

    /// The current or last wait.
    pub fn last_wait(self: &Arc<Thread>) -> Waiter {
        Waiter { thread: self.clone(), wait: self.wait.load(Ordering::Relaxed) >> 3 }
    }

    /// Takes back a wait that was begun; what it has ended with, if somebody has ended it already.
    pub fn disarm(&self) -> Option<Result<Value, Raised>> {
        let word = self.wait.load(Ordering::Acquire);
        let none = word & !phase::MASK | phase::NONE;
        if word & phase::MASK == phase::ARMED
            && self.wait.compare_exchange(word, none, Ordering::AcqRel, Ordering::Acquire).is_ok()
        {
            return None;
        }
        self.await_claimer();
        Some(self.outcome())
    }

    /// A waker is at work, or has been.
    fn await_claimer(&self) {
        while self.wait.load(Ordering::Acquire) & phase::MASK == phase::CLAIMED {
            std::hint::spin_loop();
        }
    }

    /// Commits to the wait that was begun, the machine state being saved; false: it has ended meanwhile.
    /// After true, another worker may be running the thread.
    pub fn park(&self) -> bool {
        let word = self.wait.load(Ordering::Acquire);
        if word & phase::MASK == phase::ARMED {
            let parked = word & !phase::MASK | phase::PARKED;
            if self.wait.compare_exchange(word, parked, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return true;
            }
        }
        self.await_claimer();
        false
    }

    pub fn is_parked(&self) -> bool {
        self.wait.load(Ordering::Acquire) & phase::MASK == phase::PARKED
    }

    /// What the wait ended with.
    pub fn outcome(&self) -> Result<Value, Raised> {
        let word = self.wait.load(Ordering::Relaxed);
        self.wait.store(word & !phase::MASK | phase::NONE, Ordering::Relaxed);
        let value = self.fiber.wake.get();
        self.fiber.wake.set(Value::NONE);
        if self.raises.swap(false, Ordering::Relaxed) { Err(Raised(value)) } else { Ok(value) }
    }

    // ---- where it may run

    pub fn home(&self) -> Option<usize> {
        self.home.load(Ordering::Acquire).checked_sub(1)
    }
    pub fn set_home(&self, worker: Option<usize>) {
        self.home.store(worker.map_or(0, |w| w + 1), Ordering::Release);
    }

    // ---- its end

    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Marks the thread as ended; those who wait for that.
    pub fn finish(&self) -> Vec<Waiter> {
        let mut joiners = self.joiners.lock();
        self.done.store(true, Ordering::Release);
        std::mem::take(&mut *joiners)
    }

    /// Has the waiter woken at the end of the thread; false: it has ended already.
    pub fn add_joiner(&self, waiter: Waiter) -> bool {
        let mut joiners = self.joiners.lock();
        if self.is_done() {
            return false;
        }
        joiners.push(waiter);
        true
    }

    pub fn forget_joiner(&self, waiter: &Waiter) {
        self.joiners.lock().retain(|w| w != waiter);
    }
}
