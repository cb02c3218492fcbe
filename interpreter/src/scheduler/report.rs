//! When nothing can go on: the report of a deadlock, and what is raised in the main thread from outside.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::shared::Scheduler;
use super::snapshot::{self, Doing, Snapshot};
use super::thread::{MAIN, Thread};
use super::worker::{wake, worker};
use super::{cycle, signals};
use crate::native::{Ctx, Raised};
use crate::object::kind::ClassId;
use crate::object::methods::function::is_callable;
use crate::object::stack::Fiber;
use crate::value::Value;

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
        return true;
    }
    interrupt_main(cx);
    false
}

/// `Machine::take_interrupt`: whether SIGINT has been passed on to the running thread, which has not raised it yet.
pub fn take_interrupt(cx: &mut Ctx) -> bool {
    cx.scheduler.is_some() && worker(cx).current.interrupted.swap(false, Ordering::SeqCst)
}

/// SIGINT has come to a worker that does not run the main thread.
///
/// The mark in main is raised once by whoever takes it: main at a poll, or when it is about to park; or its waker
/// here, if it waits already.
pub fn interrupt_main(cx: &mut Ctx) {
    let shared = worker(cx).shared.clone();
    if shared.finishing.load(Ordering::SeqCst) {
        return break_off(cx, &shared);
    }
    let Some(main) = shared.thread(MAIN) else { return };
    main.interrupted.store(true, Ordering::SeqCst);
    fence(Ordering::SeqCst);
    if main.last_wait().is_open() {
        end_wait_of_interrupted(cx, &main);
    }
    let running_on = main.running_on.load(Ordering::SeqCst).checked_sub(1);
    if let Some(member) = running_on.and_then(|i| shared.members().get(i as usize).cloned()) {
        member.signals.passed_on.store(true, Ordering::SeqCst);
        member.signals.raise();
    }
}

/// Raises KeyboardInterrupt in a thread that waits, or is about to, if SIGINT has been passed on to it.
pub fn end_wait_of_interrupted(cx: &mut Ctx, thread: &Arc<Thread>) {
    if !thread.interrupted.swap(false, Ordering::SeqCst) {
        return;
    }
    let exc = cx.new_exception(ClassId::KeyboardInterrupt, "");
    if !wake(cx, &thread.last_wait(), Err(exc)) {
        // Its wait has just ended otherwise.
        thread.interrupted.store(true, Ordering::SeqCst);
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

/// What every thread waits for when nothing can ever run again.
pub struct Deadlock(Vec<Snapshot>);

/// A deadlock that ends the program.
pub struct Dead {
    text: String,
    /// It has been raised in main before, which has not changed it.
    known: bool,
}

impl Deadlock {
    /// Whether all these waits were there before, main's at the same place at least.
    fn is_part_of(&self, before: &Deadlock) -> bool {
        let was_there = |w: &Snapshot| {
            let line = |s: &Snapshot| s.own_place().map_or(0, |p| p.line);
            let is_same =
                |o: &Snapshot| o.wait == w.wait || w.thread == MAIN && o.doing == w.doing && line(o) == line(w);
            before.0.iter().any(|o| o.thread == w.thread && is_same(o))
        };
        self.0.iter().all(was_there)
    }
}

/// Who waits for whom, and where.
pub fn graph(headline: &str, threads: &[Snapshot]) -> String {
    let mut text = headline.to_string();
    for thread in threads {
        text.push_str(&format!("\n  {} {}", thread.title, thread.doing_text()));
        if let Some(p) = thread.own_place() {
            text.push_str(&format!("\n    File \"{}\", line {}, in {}", p.file(), p.line, p.function));
        }
    }
    text
}

/// Every thread waits and nothing can wake any of them: DeadlockError in the main thread. If that has been raised
/// for the same waits before, or main has ended, the program is over: whoever runs it gets the error.
pub fn quiescent(cx: &mut Ctx) {
    let shared = worker(cx).shared.clone();
    // SIGINT wakes main.
    if shared.take_keyboard() {
        return interrupt_main(cx);
    }
    let signalled = shared.take_pending();
    if signalled != 0 {
        return signals::pass_on(cx, crate::vm::interrupt::keep_back(signalled));
    }
    let main = shared.thread(MAIN).filter(|main| !main.is_done());
    if main.is_none() && shared.live.load(Ordering::Acquire) == 0 {
        // Only daemons are left: the program is ending, once its worker has seen that.
        shared.wake_all();
        return;
    }
    if finalized(cx) {
        // What a finalizer did may have woken somebody.
        shared.wake_all();
        return;
    }
    let changes = cx.iso().handles.lock().changes();
    if has_callable_handle(cx) {
        return shared.hold_open(changes);
    }
    let mut threads = snapshot::all(cx);
    // Main, once it has ended, waits for nothing.
    threads.retain(|t| matches!(t.doing, Doing::Waits { .. } | Doing::Awaits(_)));
    let deadlock = Deadlock(threads);
    let known = shared.reported.lock().as_ref().is_some_and(|before| deadlock.is_part_of(before));
    let is_host = main.as_ref().is_some_and(|main| main.home().is_some());
    *shared.shown.lock() = deadlock.0.clone();
    let text = graph("every thread waits and nothing can wake any of them", &deadlock.0);
    if !known || is_host {
        let in_group = main.as_ref().is_some_and(|main| main.group().is_some());
        let exc = match in_group.then(|| loop_exit(cx, &text)) {
            Some(Ok(exc)) => exc,
            _ => cx.new_exception(ClassId::DeadlockError, &text),
        };
        *shared.reported.lock() = Some(deadlock);
        if raise_in_main(cx, exc) {
            return;
        }
    }
    *shared.dead.lock() = Some(Dead { text, known });
    shared.wake_all();
}

/// Whether a host holds something that it may call, by which whoever waits may be woken.
fn has_callable_handle(cx: &mut Ctx) -> bool {
    let count = cx.iso().handles.lock().count();
    (0..count).any(|at| {
        let held = cx.iso().handles.lock().get(at);
        held.is_object() && !held.is_a::<Fiber>() && is_callable(cx, held)
    })
}

/// What gevent's programs expect of a deadlock.
fn loop_exit(cx: &mut Ctx, text: &str) -> crate::native::R {
    let module = cx.import("gevent.exceptions")?;
    let make = cx.get_attr_text(module, "_loop_exit")?;
    let text = cx.str(text);
    cx.call(make, &[text])
}

/// Collects, and calls finalizers if there are any to call.
fn finalized(cx: &mut Ctx) -> bool {
    if !cx.has_finalizers() {
        return false;
    }
    cx.collect();
    if cx.iso().to_finalize.lock().is_empty() {
        return false;
    }
    cx.run_finalizers();
    true
}

/// The error of a program that a deadlock has ended.
pub fn dead(cx: &mut Ctx) -> Option<Raised> {
    let dead = worker(cx).shared.dead.lock().take()?;
    Some(cx.error(ClassId::DeadlockError, dead.text))
}

/// Whether the deadlock that ends the program is one that main was told of.
pub fn is_known(cx: &mut Ctx) -> bool {
    worker(cx).shared.dead.lock().as_ref().is_some_and(|dead| dead.known)
}

/// The threads of the last DeadlockError, for those who show it.
pub fn last_deadlock(cx: &mut Ctx) -> Vec<Snapshot> {
    worker(cx).shared.shown.lock().clone()
}

// ---- who asks

/// `Machine::tell`: somebody has asked what the threads are doing, or there is something to warn of.
pub fn tell(cx: &mut Ctx) {
    if crate::vm::interrupt::take_quit() {
        let threads = snapshot::all(cx);
        write(&dump(&threads));
    }
    if cx.scheduler.is_some() {
        let shared = worker(cx).shared.clone();
        for suspect in cycle::take_lasting(&shared) {
            cycle::warn(cx, &suspect);
        }
    }
}

/// Every thread with its state and its stack.
fn dump(threads: &[Snapshot]) -> String {
    let count = threads.len();
    let mut text = format!("\n{count} {}:\n", if count == 1 { "thread" } else { "threads" });
    for thread in threads {
        let daemon = if thread.daemon { ", a daemon," } else { "" };
        text.push_str(&format!("\n{} ({}){daemon} {}\n", thread.title, thread.thread, thread.doing_text()));
        for p in &thread.places {
            text.push_str(&format!("  File \"{}\", line {}, in {}\n", p.file(), p.line, p.function));
            if !p.text().is_empty() {
                text.push_str(&format!("    {}\n", p.text()));
            }
        }
    }
    text
}

/// Writes to the process's standard error, past the script's streams.
pub fn write(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}
