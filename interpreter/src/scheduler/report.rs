//! When nothing can go on: the report of a deadlock, and what is raised in the main thread from outside.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shared::Scheduler;
use super::thread::{MAIN, Thread};
use super::worker::{wake, worker};
use crate::native::{Ctx, Raised};
use crate::object::ctx::Signals;
use crate::object::function::Native;
use crate::object::kind::ClassId;
use crate::object::misc::Boxed;
use crate::value::Value;
use crate::vm::frames::{FrameRef, walk_fiber};

/// Raises an exception in the main thread, whose wait it ends; false: it does not wait.
pub fn raise_in_main(cx: &mut Ctx, exc: Value) -> bool {
    let main = worker(cx).shared.thread(MAIN);
    main.is_some_and(|main| wake(cx, &main.last_wait(), Err(exc)))
}

/// `Machine::interrupt`: SIGINT has come; true: KeyboardInterrupt is to be raised in the running thread, which is
/// main. Else main gets it wherever it is.
pub fn interrupt(cx: &mut Ctx) -> bool {
    if cx.scheduler.is_none() {
        return true;
    }
    let w = worker(cx);
    if w.current.id == MAIN && !w.shared.finishing.load(Ordering::SeqCst) {
        w.current.interrupted.store(false, Ordering::SeqCst);
        return true;
    }
    interrupt_main(cx);
    false
}

/// The same for a worker that does not run the main thread.
pub fn interrupt_main(cx: &mut Ctx) {
    let shared = worker(cx).shared.clone();
    if shared.finishing.load(Ordering::SeqCst) {
        return break_off(cx, &shared);
    }
    let Some(main) = shared.thread(MAIN) else { return };
    let exc = cx.new_exception(ClassId::KeyboardInterrupt, "");
    if raise_in_main(cx, exc) {
        return;
    }
    main.interrupted.store(true, Ordering::SeqCst);
    // It may have begun to wait before it could see that.
    if raise_in_main(cx, exc) {
        main.interrupted.store(false, Ordering::SeqCst);
        return;
    }
    let running_on = main.running_on.load(Ordering::SeqCst).checked_sub(1);
    if let Some(member) = running_on.and_then(|i| shared.members().get(i).cloned()) {
        member.signals.keyboard.store(true, Ordering::SeqCst);
        member.signals.raise();
    }
}

/// Has the first worker, which waits for the last threads, look up from what it runs.
fn break_off(cx: &mut Ctx, shared: &Scheduler) {
    shared.broken_off.store(true, Ordering::SeqCst);
    let here = worker(cx).index == 0;
    if let Some(first) = shared.members().first() {
        first.signals.preempt.store(true, Ordering::Release);
        if !here {
            first.signals.raise();
        }
    }
    shared.wake_all();
}

/// Every thread waits and nothing can wake any of them: DeadlockError in the main thread. If that has been raised
/// before, or main has ended, the program is over: whoever runs it gets the error.
pub fn quiescent(cx: &mut Ctx) {
    let shared = worker(cx).shared.clone();
    // SIGINT wakes main, once the first worker sees it.
    let has_signal = |s: &Signals| s.keyboard.load(Ordering::Acquire) || s.pending.load(Ordering::Acquire) != 0;
    if shared.members().iter().any(|m| has_signal(&m.signals)) {
        shared.wake_all();
        return;
    }
    let main_has_ended = shared.thread(MAIN).is_none_or(|main| main.is_done());
    if main_has_ended && shared.live.load(Ordering::Acquire) == 0 {
        // Only daemons are left: the program is ending, once its worker has seen that.
        shared.wake_all();
        return;
    }
    let text = describe(cx, &shared);
    let is_host = shared.thread(MAIN).is_some_and(|main| main.home().is_some());
    if !shared.reported.swap(true, Ordering::SeqCst) || is_host {
        let exc = cx.new_exception(ClassId::DeadlockError, &text);
        if raise_in_main(cx, exc) {
            return;
        }
    }
    *shared.dead.lock() = Some(text);
    shared.wake_all();
}

/// The error of a program that a deadlock has ended.
pub fn dead(cx: &mut Ctx) -> Option<Raised> {
    let text = worker(cx).shared.dead.lock().take()?;
    Some(cx.error(ClassId::DeadlockError, text))
}

/// What each thread waits for, and where.
fn describe(cx: &mut Ctx, shared: &Scheduler) -> String {
    let mut text = String::from("every thread waits and nothing can wake any of them");
    for thread in shared.threads() {
        let wait = wait_of(cx, shared, &thread);
        text.push_str(&format!("\n  {} waits{wait}", title(&thread)));
        let mut places = Vec::new();
        // SAFETY: the thread is parked: its fiber holds its innermost frame.
        unsafe { walk_fiber(thread.fiber(), |frame| places.push(place(frame))) };
        for place in places.iter().rev() {
            text.push_str(&format!("\n    {place}"));
        }
    }
    text
}

fn title(thread: &Thread) -> String {
    match thread.name() {
        Some(name) => format!("thread '{name}'"),
        None if thread.id == MAIN => "thread 'MainThread'".into(),
        None => format!("thread {}", thread.id),
    }
}

fn place(frame: FrameRef) -> String {
    let template = frame.code.template();
    let line = crate::object::excerpt::line_of(template, frame.at);
    format!("File \"{}\", line {line}, in {}", template.source.name, template.name)
}

/// ` in lock.acquire(), held by thread 'x'`, from the native frame that the thread parked in.
fn wait_of(cx: &mut Ctx, shared: &Scheduler, thread: &Arc<Thread>) -> String {
    let base = thread.fiber().base.load(Ordering::Acquire);
    if base.is_null() {
        return String::new();
    }
    // SAFETY: a parked thread's innermost frame is a native's: its callee and first argument lie as `vm::native` says.
    let (callee, first) = unsafe { (*base.sub(4), *base.add(1)) };
    let Some(native) = callee.cast::<Native>() else { return String::new() };
    let name = native.def().name;
    let Some(object) = first.cast::<Boxed>() else { return format!(" in {name}()") };
    let class = cx.type_name(first);
    let holder = object.holder().and_then(|id| shared.thread(id)).map(|t| title(&t));
    match holder {
        Some(holder) => format!(" in {class}.{name}(), held by {holder}"),
        None => format!(" in {class}.{name}()"),
    }
}
