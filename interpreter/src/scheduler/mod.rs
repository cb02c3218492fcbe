//! The scheduler: green threads over fibers, workers and pooled native stacks.
//!
//! Each worker is an OS thread with a context of its own; see `worker` for slices, `shared` for the queues, `wait` for
//! the word by which a wait is ended exactly once.

mod cycle;
pub mod loading;
mod monitor;
mod policy;
mod report;
mod shared;
pub mod snapshot;
pub mod thread;
mod timers;
mod wait;
pub mod worker;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub use policy::Random;
pub use report::{interrupt, last_deadlock, take_interrupt, tell};
pub use thread::{MAIN, Thread, Waiter};
pub use worker::{close, create, create_owned, finish, hand_over, launch, park, run_main, safepoint};

use crate::native::{Ctx, R};
use crate::value::Value;

/// The running thread's id.
pub fn current(cx: &mut Ctx) -> u64 {
    worker::worker(cx).current.id
}

/// The running thread.
pub fn current_thread(cx: &mut Ctx) -> Arc<Thread> {
    worker::worker(cx).current.clone()
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
