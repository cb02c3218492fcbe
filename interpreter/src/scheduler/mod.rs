//! The scheduler: green threads over fibers, workers and pooled native stacks.
//!
//! Each worker is an OS thread with a context of its own; see `worker` for what each does next, `slice` for the running
//! of threads, `shared` for the queues, `wait` for the word by which a wait is ended exactly once.

pub mod cancel;
pub mod census;
mod cycle;
pub mod greenlet;
pub mod group;
pub mod host;
pub mod loading;
mod monitor;
mod next;
mod policy;
pub mod pool;
pub mod process;
pub mod reactor;
mod report;
mod shared;
pub mod signals;
mod sleep;
mod slice;
pub mod snapshot;
mod stack;
pub mod thread;
mod timers;
mod wait;
pub mod worker;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub use host::{Host, Refusal};
pub use policy::Random;
pub use report::{interrupt, last_deadlock, take_interrupt, tell};
pub use slice::{park, safepoint};
pub use thread::{MAIN, Thread, Waiter};
pub use worker::{close, create, create_owned, finish, hand_over, launch, run_main};

use crate::native::{Ctx, R};
use crate::value::Value;

/// Whether a second thread has ever been started.
pub fn has_threads(cx: &mut Ctx) -> bool {
    cx.scheduler.is_some() && worker::worker(cx).shared.grown.load(Ordering::Relaxed)
}

/// The running thread's id.
pub fn current(cx: &mut Ctx) -> u64 {
    worker::worker(cx).current.id
}

/// Whether another worker runs a thread, or may.
pub fn others_run(cx: &mut Ctx) -> bool {
    let shared = &worker::worker(cx).shared;
    shared.sleeping() + 1 < shared.workers()
}

/// The running thread; the main thread, if the running one stands in for it.
pub fn current_thread(cx: &mut Ctx) -> Arc<Thread> {
    let w = worker::worker(cx);
    if w.current.stands_in.load(Ordering::Relaxed) {
        return w.shared.thread(MAIN).unwrap_or_else(|| w.current.clone());
    }
    w.current.clone()
}

/// Whether a thread that the running one makes is a daemon, unless it is said.
pub fn is_daemon(cx: &mut Ctx) -> bool {
    let current = &worker::worker(cx).current;
    current.daemon && current.id != MAIN
}

/// Starts a thread that calls `f(*args)`; its id.
pub fn spawn(cx: &mut Ctx, f: Value, args: Value, daemon: bool) -> R<u64> {
    let thread = create(cx, f, args, daemon)?;
    let id = thread.id;
    launch(cx, thread);
    Ok(id)
}

/// A number for the name of a thread without one.
pub fn fresh_number(cx: &mut Ctx) -> u64 {
    worker::worker(cx).shared.fresh_number()
}

/// How many workers there are to be, if not one for each core; before the second thread starts.
pub fn set_workers(cx: &mut Ctx, count: usize) {
    worker::worker(cx).shared.wanted.store(count, Ordering::Relaxed);
}

/// The moment that deadlines count from: a seeded run has a clock of its own.
pub fn now(cx: &mut Ctx) -> Instant {
    match cx.iso().seed {
        None => Instant::now(),
        Some(_) => worker::worker(cx).shared.now(),
    }
}

/// In a seeded run, what its clock shows: the time since the start. Every look at it takes a little time.
pub fn virtual_time(cx: &mut Ctx) -> Option<Duration> {
    cx.iso().seed?;
    worker::worker(cx).shared.look_at_clock()
}

/// Every thread that has not ended.
pub fn threads(cx: &mut Ctx) -> Vec<Arc<Thread>> {
    worker::worker(cx).shared.threads()
}

/// The thread with that id, whose place in the list is known, if it has not ended.
pub fn listed(cx: &mut Ctx, place: usize, id: u64) -> Option<Arc<Thread>> {
    worker::worker(cx).shared.thread_at(place, id)
}

/// The running thread is about to wait: what wakers are to be given. Then return [`Step::Park`](crate::native::Step).
pub fn arm(cx: &mut Ctx) -> Waiter {
    worker::worker(cx).current.arm()
}

/// The running thread need not wait after all; the exception, if one from outside has ended the wait already.
pub fn disarm(cx: &mut Ctx) -> R<()> {
    match worker::worker(cx).current.disarm() {
        Some(Err(e)) => Err(e),
        _ => Ok(()),
    }
}

/// The running thread's last wait, which has ended: to take it out of where wakers look.
pub fn last_wait(cx: &mut Ctx) -> Waiter {
    worker::worker(cx).current.last_wait()
}

/// Ends a wait with a value; false: it has ended already, by a deadline or another waker.
pub fn wake(cx: &mut Ctx, waiter: &Waiter, value: Value) -> bool {
    worker::wake(cx, waiter, Ok(value))
}

/// Waits here, with the native stack, for the end of the wait that was begun by [`arm`]; what it ended with (False: the
/// deadline).
pub fn park_here(cx: &mut Ctx, deadline: Option<Instant>) -> R {
    cx.park_deadline = deadline;
    park(cx, true)
}

/// The running thread begins to wait for something outside the program: as long as anybody does, there is no deadlock.
pub fn begin_outside(cx: &mut Ctx) {
    worker::worker(cx).shared.outside.fetch_add(1, Ordering::SeqCst);
}

/// That wait has ended, however it did.
pub fn end_outside(cx: &mut Ctx) {
    worker::worker(cx).shared.outside.fetch_sub(1, Ordering::SeqCst);
}
