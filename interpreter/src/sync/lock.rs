//! `_thread.lock`: acquired and waited for without keeping a native stack.
//!
//! A word says who holds the lock; while nobody waits, acquiring and releasing it are one exchange of that word. A
//! waiter is woken when the lock is released, and tries again: whoever runs at that time may be faster, which is a
//! lot cheaper than a change of threads for every release. After some losses, or if it has a deadline, it is handed
//! the lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use conc_macros::methods;
use parking_lot::Mutex;

use super::wait::{self, ACQUIRE_PARAMS, Acquire, Patience, Waiters, quick};
use crate::native::{Args, Ctx, Entered, NativeDef, NativeFrame, R, Step};
use crate::object::misc::{Boxed, Hold, Payload};
use crate::scheduler;
use crate::value::{Gc, Value};
use crate::vm::native::run_straight;

/// A lock's state.
#[derive(Default)]
pub struct Lock {
    /// The thread that took it (any may release it), 0: free; below that, what a release has to look at.
    word: AtomicU64,
    heat: Heat,
    queue: Mutex<Queue>,
}

/// Who waits: to be handed the lock, which comes first, or to be woken and try again.
#[derive(Default)]
struct Queue {
    heirs: Waiters,
    waiters: Waiters,
}

/// Where in the queue.
enum Place {
    Heir,
    First,
    Last,
}

/// Bits of the word.
mod bit {
    /// Threads wait.
    pub const WAITERS: u64 = 1;
    pub const WIDTH: u32 = 1;
}

/// So many pauses of the processor a thread looks again, while others run, before it waits: a lock is mostly held for
/// less time than a change of threads takes.
const PAUSES: u32 = 128;

/// How hotly a lock is contended. If it is again and again, a thread that wants it stays away for longer at a time: the
/// one that works with it does so many times over with all of it in its own cache, which is faster for both than to
/// take turns.
#[derive(Default)]
struct Heat(AtomicU64);

impl Heat {
    const MOST: u64 = 6;
    const BITS: u32 = 3;
    /// Nanoseconds within which a lock is contended again, at heat 0.
    const SOON: u64 = 1000;

    /// The lock is contended now; pauses before the first look.
    fn rise(&self) -> u32 {
        let now = (origin().elapsed().as_nanos() as u64) << Heat::BITS;
        let last = self.0.load(Ordering::Relaxed);
        let heat = last & ((1 << Heat::BITS) - 1);
        let since = now.saturating_sub(last) >> Heat::BITS;
        let heat = if since < Heat::SOON << heat { (heat + 1).min(Heat::MOST) } else { heat / 2 };
        self.0.store(now | heat, Ordering::Relaxed);
        1 << heat
    }
}

/// What moments are counted from.
fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// A waiter that loses so often is handed the lock.
const LOSSES: i64 = 4;
/// What a waiter is woken with that may try again.
const AGAIN: Value = Value::small_int(1);
/// Slot of `acquire` beside its arguments: how often it has lost.
const LOST: usize = 3;

impl Payload for Lock {
    fn holder(&self) -> Option<u64> {
        Some(self.word.load(Ordering::Acquire) >> bit::WIDTH).filter(|&id| id != 0)
    }
    fn hold(&self) -> Hold {
        Hold::Loose
    }
}

impl Acquire for Lock {
    fn acquire(&self, cx: &mut Ctx, wait: bool) -> bool {
        let me = scheduler::current(cx);
        self.take(me) || wait && self.join(cx, me, Place::Heir)
    }
    fn leave(&self, cx: &mut Ctx) {
        let mut queue = self.queue.lock();
        queue.heirs.leave(cx);
        queue.waiters.leave(cx);
    }
}

impl Lock {
    pub fn is_locked(&self) -> bool {
        self.word.load(Ordering::Acquire) >> bit::WIDTH != 0
    }

    /// Takes the lock if it is free.
    #[inline]
    fn take(&self, me: u64) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while word >> bit::WIDTH == 0 {
            let taken = me << bit::WIDTH | word;
            match self.word.compare_exchange_weak(word, taken, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(seen) => word = seen,
            }
        }
        false
    }

    /// Takes the lock if it becomes free at once.
    fn take_soon(&self, cx: &mut Ctx, me: u64) -> bool {
        if !scheduler::others_run(cx) {
            return false;
        }
        let mut pause = self.heat.rise();
        let mut left = PAUSES;
        loop {
            for _ in 0..pause {
                std::hint::spin_loop();
            }
            if self.take(me) {
                return true;
            }
            left = left.saturating_sub(pause);
            if left == 0 {
                return false;
            }
            pause *= 2;
        }
    }

    /// Takes the lock after all, or enters the queue to be woken, or to be handed the lock.
    fn join(&self, cx: &mut Ctx, me: u64, place: Place) -> bool {
        let mut queue = self.queue.lock();
        // With the bit set, a release needs the queue, which is locked here.
        while self.word.fetch_or(bit::WAITERS, Ordering::AcqRel) >> bit::WIDTH == 0 {
            if self.take(me) {
                return true;
            }
        }
        match place {
            Place::Heir => queue.heirs.join(cx),
            Place::First => queue.waiters.join_first(cx),
            Place::Last => queue.waiters.join(cx),
        }
        false
    }

    /// Releases the lock; false: it was not held.
    pub fn release(&self, cx: &mut Ctx) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        if word >> bit::WIDTH == 0 {
            return false;
        }
        if word & bit::WAITERS == 0 && self.word.compare_exchange(word, 0, Ordering::Release, Ordering::Relaxed).is_ok()
        {
            return true;
        }
        self.release_to_waiters(cx)
    }

    #[inline(never)]
    fn release_to_waiters(&self, cx: &mut Ctx) -> bool {
        let mut queue = self.queue.lock();
        let word = self.word.load(Ordering::Acquire);
        if word >> bit::WIDTH == 0 {
            return false;
        }
        if word & bit::WAITERS == 0 {
            // Released and taken meanwhile, or the last waiter has been seen to.
            return self.word.compare_exchange(word, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
                || self.released_again(cx, queue);
        }
        let heir = queue.heirs.wake_first(cx, Value::TRUE);
        if heir.is_none() {
            queue.waiters.wake_first(cx, AGAIN);
        }
        let bits = if queue.heirs.is_empty() && queue.waiters.is_empty() { 0 } else { bit::WAITERS };
        let holder = heir.unwrap_or(0);
        self.word.store(holder << bit::WIDTH | bits, Ordering::Release);
        true
    }

    #[cold]
    fn released_again(&self, cx: &mut Ctx, queue: parking_lot::MutexGuard<'_, Queue>) -> bool {
        drop(queue);
        self.release(cx)
    }
}

/// The resumable `acquire(blocking=True, timeout=-1)`.
pub fn acquire(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    step(cx, frame, entered).into()
}

fn step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (_, lock) = wait::payload::<Lock>(cx, frame.get(0))?;
    let me = scheduler::current(cx);
    if let Entered::With(AGAIN) = entered {
        if lock.take(me) {
            return Ok(Step::Done(Value::TRUE));
        }
        let lost = frame.get(LOST).as_int().unwrap_or(0) + 1;
        frame.set(LOST, Value::small_int(lost));
        let got = lock.join(cx, me, if lost >= LOSSES { Place::Heir } else { Place::First });
        return Ok(if got { Step::Done(Value::TRUE) } else { Step::Park(None) });
    }
    if let Some(over) = wait::over(entered, || lock.leave(cx))? {
        return Ok(over);
    }
    let patience = match (frame.get(1).is_unbound(), frame.get(2).is_unbound()) {
        (true, true) => Patience::Forever,
        _ => wait::blocking(cx, frame.get(1), frame.get(2))?,
    };
    if lock.take(me) {
        return Ok(Step::Done(Value::TRUE));
    }
    let Some(deadline) = patience.deadline() else { return Ok(Step::Done(Value::FALSE)) };
    if lock.take_soon(cx, me) {
        return Ok(Step::Done(Value::TRUE));
    }
    let got = lock.join(cx, me, if deadline.is_some() { Place::Heir } else { Place::Last });
    Ok(if got { Step::Done(Value::TRUE) } else { Step::Park(deadline) })
}

/// Takes a lock that was free when it was looked at.
fn acquire_now(cx: &mut Ctx, args: Args<'_>) -> R {
    let (_, lock) = wait::payload::<Lock>(cx, args.get(0))?;
    if args.fixed.len() == 1 && lock.take(scheduler::current(cx)) {
        return Ok(Value::TRUE);
    }
    run_straight(cx, args, acquire)
}

fn waits(args: Args<'_>) -> bool {
    args.get(0).cast::<Boxed>().is_some_and(|b| b.payload::<Lock>().is_some_and(Lock::is_locked))
}

/// acquire and `__enter__`, which are resumable.
pub static RESUMABLE: &[NativeDef] = &[
    quick("acquire", "Take the lock, waiting for it.", ACQUIRE_PARAMS, acquire_now, acquire, waits),
    quick("acquire_lock", "Another name of acquire.", ACQUIRE_PARAMS, acquire_now, acquire, waits),
    quick("__enter__", "Take the lock, waiting for it.", ACQUIRE_PARAMS, acquire_now, acquire, waits),
];

impl Ctx {
    /// A new lock, not held.
    pub fn new_lock(&mut self) -> Value {
        let class = match self.iso().roots.lock_class.get().cast() {
            Some(class) => class,
            None => {
                let class = self.native_class("_thread", "lock", None, plain::METHODS);
                self.install_in(class, RESUMABLE);
                self.iso().roots.lock_class.set(class.value());
                class
            }
        };
        self.new_boxed_with(class, Lock::default(), 0).value()
    }
}

/// lock
#[methods]
pub mod plain {
    use super::*;
    use crate::object::class::Class;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Gc<Class>) -> Value {
        cx.new_lock()
    }
    /// Open the lock to the next that waits.
    pub fn release(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let (_, lock) = wait::payload::<Lock>(cx, this.value())?;
        if lock.release(cx) { Ok(()) } else { Err(cx.runtime_error("release unlocked lock")) }
    }
    /// Another name of release.
    pub fn release_lock(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        release(cx, this)
    }
    /// Whether the lock is held.
    pub fn locked(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        wait::payload::<Lock>(cx, this.value()).map(|(_, lock)| lock.is_locked())
    }
    /// Open the lock whoever holds it, as the child of a fork would.
    pub fn _at_fork_reinit(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        wait::payload::<Lock>(cx, this.value())?.1.release(cx);
        Ok(())
    }
    /// Another name of locked.
    pub fn locked_lock(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        locked(cx, this)
    }
    pub fn __exit__(cx: &mut Ctx, this: Gc<Boxed>, _rest: &[Value]) -> R<()> {
        release(cx, this)
    }
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let state = if locked(cx, this)? { "locked" } else { "unlocked" };
        Ok(format!("<{state} _thread.lock object at {:#x}>", this.as_ptr() as usize))
    }
}
