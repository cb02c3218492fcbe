//! Cancelling a green thread: CancelledError is raised in its next wait, or in the one that it is in.
//!
//! Only threads that allow it are cancelled, so that the others need not look for it when they wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering, fence};

use super::thread::Thread;
use super::worker::{wake, worker};
use crate::native::Ctx;
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::value::Value;

/// The thread may be cancelled.
const ALLOWED: u8 = 1;
/// It is to be.
const CANCELLED: u8 = 2;

/// A thread's mark.
#[derive(Default)]
pub struct Mark(AtomicU8);

/// From now on the running thread may be cancelled.
pub fn allow(cx: &mut Ctx) {
    worker(cx).current.cancel.0.fetch_or(ALLOWED, Ordering::SeqCst);
}

/// The running thread may not be cancelled any more; whether it was to be, and has not been told.
pub fn refuse(cx: &mut Ctx) -> bool {
    worker(cx).current.cancel.0.swap(0, Ordering::SeqCst) & CANCELLED != 0
}

/// Cancels a thread; false: it does not allow that, or has ended.
pub fn cancel(cx: &mut Ctx, id: u64) -> bool {
    let Some(thread) = worker(cx).shared.thread(id).filter(|t| !t.is_done()) else { return false };
    let allow = |mark| (mark & ALLOWED != 0).then_some(mark | CANCELLED);
    if thread.cancel.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, allow).is_err() {
        return false;
    }
    fence(Ordering::SeqCst);
    if thread.last_wait().is_open() {
        end_wait(cx, &thread);
    }
    true
}

/// A thread that is about to park looks whether it has been cancelled.
pub(super) fn check(cx: &mut Ctx, thread: &Arc<Thread>) {
    if thread.cancel.0.load(Ordering::Relaxed) != 0 {
        // Either this sees the mark, or who sets it sees the wait.
        fence(Ordering::SeqCst);
        end_wait(cx, thread);
    }
}

/// Raises CancelledError in a thread that waits, or is about to, if it has been cancelled.
fn end_wait(cx: &mut Ctx, thread: &Arc<Thread>) {
    if thread.cancel.0.fetch_and(!CANCELLED, Ordering::SeqCst) & CANCELLED == 0 {
        return;
    }
    let exc = error(cx);
    if !wake(cx, &thread.last_wait(), Err(exc)) {
        // Its wait has just ended otherwise.
        thread.cancel.0.fetch_or(CANCELLED, Ordering::SeqCst);
    }
}

/// A CancelledError, which is asyncio's.
fn error(cx: &mut Ctx) -> Value {
    let name = cx.intern("asyncio.CancelledError");
    let kept = cx.iso().roots.extra.get().cast::<Dict>().and_then(|kept| kept.get_str(cx, name));
    match (kept.and_then(|class| class.cast::<Class>()), cx.tuple(&[])) {
        (Some(class), Ok(args)) => cx.new_exception_of(class, args).value(),
        _ => cx.new_exception(ClassId::SystemExit, "cancelled"),
    }
}
