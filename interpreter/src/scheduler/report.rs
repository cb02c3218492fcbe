//! When nothing can go on: the report of a deadlock, and what is raised in the main thread from outside.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::shared::Scheduler;
use super::thread::{MAIN, Thread};
use super::worker::{wake, worker};
use crate::native::{Ctx, Raised};
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
    if let Some(member) = running_on.and_then(|i| shared.members().get(i).cloned()) {
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
#[derive(Default)]
pub struct Deadlock {
    waits: Vec<Wait>,
}

/// One thread's wait.
struct Wait {
    thread: u64,
    /// The number of the wait: another one is another wait.
    number: u64,
    text: String,
}

/// A deadlock that ends the program.
pub struct Dead {
    text: String,
    /// It has been raised in main before, which has not changed it.
    known: bool,
}

impl Deadlock {
    /// Whether all these waits were there before, main's at the same place at least.
    fn is_part_of(&self, before: &Deadlock) -> bool {
        let was_there = |w: &Wait| {
            let mut others = before.waits.iter();
            others.any(|o| o.thread == w.thread && (o.number == w.number || (w.thread == MAIN && o.text == w.text)))
        };
        self.waits.iter().all(was_there)
    }

    fn text(&self) -> String {
        let mut text = String::from("every thread waits and nothing can wake any of them");
        self.waits.iter().for_each(|w| text.push_str(&w.text));
        text
    }
}

/// Every thread waits and nothing can wake any of them: DeadlockError in the main thread. If that has been raised
/// for the same waits before, or main has ended, the program is over: whoever runs it gets the error.
pub fn quiescent(cx: &mut Ctx) {
    let shared = worker(cx).shared.clone();
    // SIGINT wakes main.
    if shared.take_keyboard() {
        return interrupt_main(cx);
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
    let deadlock = describe(cx, &shared);
    let known = shared.reported.lock().as_ref().is_some_and(|before| deadlock.is_part_of(before));
    let is_host = main.as_ref().is_some_and(|main| main.home().is_some());
    let text = deadlock.text();
    if !known || is_host {
        let exc = cx.new_exception(ClassId::DeadlockError, &text);
        *shared.reported.lock() = Some(deadlock);
        if raise_in_main(cx, exc) {
            return;
        }
    }
    *shared.dead.lock() = Some(Dead { text, known });
    shared.wake_all();
}

/// Collects, and calls finalizers if there are any to call.
fn finalized(cx: &mut Ctx) -> bool {
    if cx.iso().finalizable.lock().is_empty() && cx.iso().to_finalize.lock().is_empty() {
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

/// What each thread waits for, and where. Main, once it has ended, waits for nothing.
fn describe(cx: &mut Ctx, shared: &Scheduler) -> Deadlock {
    let mut waits = Vec::new();
    for thread in shared.threads() {
        if thread.is_done() || !thread.last_wait().is_open() {
            continue;
        }
        let mut text = format!("\n  {} waits{}", title(&thread), wait_of(cx, shared, &thread));
        let mut places = Vec::new();
        // SAFETY: the thread is parked: its fiber holds its innermost frame.
        unsafe { walk_fiber(thread.fiber(), |frame| places.push(place(frame))) };
        for place in places.iter().rev() {
            text.push_str(&format!("\n    {place}"));
        }
        waits.push(Wait { thread: thread.id, number: thread.wait_number(), text });
    }
    Deadlock { waits }
}

fn title(thread: &Thread) -> String {
    match &*thread.name.lock() {
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
