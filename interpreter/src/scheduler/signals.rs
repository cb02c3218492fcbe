//! Signals that scripts handle. Their handlers run as the main thread: at its next safepoint if it runs; if it waits, a
//! thread that stands in for it runs them while its wait is held, and what a handler raises ends the wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::report;
use super::thread::{MAIN, Thread};
use super::worker::{self, worker};
use crate::native::{Ctx, R, Raised};
use crate::object::ctx::Signals;
use crate::object::kind::ClassId;
use crate::value::Value;
use crate::vm::interrupt;

/// `Machine::signals`: these signals have come. The exception is a handler's, if this is the main thread.
pub fn come(cx: &mut Ctx, bits: u64) -> R<()> {
    let kept = bits & interrupt::blocked();
    let bits = interrupt::keep_back(bits);
    if kept != 0 {
        wake_sleepers(cx);
    }
    if bits == 0 {
        return Ok(());
    }
    let w = worker(cx);
    if w.current.id == MAIN && !w.shared.finishing.load(Ordering::SeqCst) {
        return run_handlers(cx, bits);
    }
    pass_on(cx, bits);
    Ok(())
}

/// Where the system's handler is to note the signals of this interpreter.
pub fn target(cx: &mut Ctx) -> Arc<Signals> {
    let first = worker(cx).shared.members().first().map(|m| m.signals.clone());
    first.unwrap_or_else(|| cx.signals_arc())
}

/// Acts at once on the signals that have come, as far as this thread may.
pub fn check(cx: &mut Ctx) -> R<()> {
    if interrupt::take_keyboard() && report::interrupt(cx) {
        return Err(cx.error(ClassId::KeyboardInterrupt, ""));
    }
    match interrupt::take_pending() {
        0 => Ok(()),
        bits => come(cx, bits),
    }
}

/// Calls the script's handlers.
fn run_handlers(cx: &mut Ctx, bits: u64) -> R<()> {
    let hook = cx.iso().roots.signal_hook.get();
    if hook.is_unbound() {
        return Ok(());
    }
    let mask = cx.uint(bits);
    let result = cx.call(hook, &[mask]);
    wake_sleepers(cx);
    result.map(drop)
}

/// These are to be acted on later.
pub fn put_back(cx: &mut Ctx, bits: u64) {
    let signals = cx.signals_arc();
    signals.pending.fetch_or(bits, Ordering::SeqCst);
    signals.raise();
}

/// Has the main thread act on signals, wherever it is.
pub fn pass_on(cx: &mut Ctx, bits: u64) {
    let shared = worker(cx).shared.clone();
    let main = shared.thread(MAIN).filter(|main| !main.is_done());
    let Some(main) = main else { return stand_in(cx, None, bits) };
    main.signalled.fetch_or(bits, Ordering::SeqCst);
    if main.hold() {
        let bits = main.signalled.swap(0, Ordering::SeqCst);
        return stand_in(cx, Some(main), bits);
    }
    let running_on = main.running_on.load(Ordering::SeqCst).checked_sub(1);
    if let Some(member) = running_on.and_then(|i| shared.members().get(i as usize).cloned()) {
        let bits = main.signalled.swap(0, Ordering::SeqCst);
        member.signals.pending.fetch_or(bits, Ordering::SeqCst);
        member.signals.raise();
    }
}

/// Starts a thread that runs handlers in the place of main, whose wait is held.
fn stand_in(cx: &mut Ctx, main: Option<Arc<Thread>>, bits: u64) {
    let hook = cx.iso().roots.signal_hook.get();
    let mask = cx.uint(bits);
    let made = match hook.is_unbound() {
        true => None,
        false => cx.tuple(&[mask]).and_then(|args| worker::create_stand_in(cx, hook, args)).ok(),
    };
    match made {
        Some(thread) => worker(cx).queue(thread),
        None => go_on(cx, main),
    }
}

/// A thread that stood in for main has ended.
pub fn stood_in(cx: &mut Ctx, result: R) {
    let main = worker(cx).shared.thread(MAIN).filter(|main| !main.is_done());
    if let Err(Raised(e)) = result {
        let told = main.is_some() && report::raise_in_main(cx, e);
        if !told {
            match &main {
                Some(main) if cx.is_instance(e, ClassId::KeyboardInterrupt) => {
                    main.interrupted.store(true, Ordering::SeqCst);
                }
                _ => cx.unraisable_as(Raised(e), Value::NONE, Some("Exception ignored in a signal's handler")),
            }
        }
    }
    go_on(cx, main);
    wake_sleepers(cx);
}

/// Main's wait is held no longer.
fn go_on(cx: &mut Ctx, main: Option<Arc<Thread>>) {
    let Some(main) = main else { return };
    if main.let_go() {
        // More may have come meanwhile.
        let bits = main.signalled.swap(0, Ordering::SeqCst);
        if bits != 0 {
            pass_on(cx, bits);
        }
    } else if main.group().is_none_or(|group| group.admit(&main)) {
        worker(cx).queue(main);
    }
}

// ---- waiting for signals

/// Those who wait for any signal look again.
fn wake_sleepers(cx: &mut Ctx) {
    let sleepers = std::mem::take(&mut *worker(cx).shared.signal_sleepers.lock());
    for waiter in sleepers {
        super::wake(cx, &waiter, Value::TRUE);
    }
}

/// Waits until some signal has been handled or kept, or the deadline.
pub fn sleep(cx: &mut Ctx, deadline: Option<std::time::Instant>) -> R<bool> {
    super::begin_outside(cx);
    let waiter = super::arm(cx);
    worker(cx).shared.signal_sleepers.lock().push(waiter.clone());
    let woken = super::park_here(cx, deadline);
    super::end_outside(cx);
    worker(cx).shared.signal_sleepers.lock().retain(|w| *w != waiter);
    Ok(woken? == Value::TRUE)
}
