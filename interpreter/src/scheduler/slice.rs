//! Slices: what a worker does with one thread, from where it goes on to where it waits, gives way or ends; and the native
//! stacks it does that on.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use corosensei::stack::Stack as _;
use corosensei::{Coroutine, CoroutineResult, Yielder};

use super::policy::{Mode, Verdict};
use super::thread::{Detached, MAIN, Own, Saved, Stack, Stop, Thread};
use super::worker::{POOLED, Until, release_fiber, wake, work, worker};
use super::{cancel, cycle, greenlet, group, report, signals, stack};
use crate::native::{Ctx, R, Raised};
use crate::object::ctx::Ctx as Context;
use crate::object::function::Native;
use crate::object::kind::ClassId;
use crate::object::sequence::Tuple;
use crate::object::stack::{Fiber, Segment};
use crate::value::{Gc, Value};
use crate::vm::call::{Started, start_thread};
use crate::vm::outside;
use crate::vm::run::{Outcome, run, run_raising};

/// Bytes below a suspended stack's last frame that may hold saved registers.
const RED: usize = 1024;
const STACK_RESERVE: usize = 128 << 10;

/// The machine state of code below the slices of a worker.
struct Below {
    saved: (usize, usize, *mut Value, *mut Value, usize, usize, usize, usize),
    fiber: Gc<Fiber>,
    segment: Gc<Segment>,
    base: *mut Value,
    pc: *const std::sync::atomic::AtomicU64,
    handled: Value,
}

impl Below {
    fn save(cx: &mut Ctx) -> Below {
        let yielder = worker(cx).yielder;
        Below {
            saved: (cx.stack_limit, cx.stack_base, cx.limit, cx.gen_top, cx.depth, cx.loop_entry, cx.nested, yielder),
            fiber: cx.fiber,
            segment: cx.segment,
            base: cx.base,
            pc: cx.pc,
            handled: cx.handled,
        }
    }
    fn restore(self, cx: &mut Ctx) {
        let yielder;
        (cx.stack_limit, cx.stack_base, cx.limit, cx.gen_top, cx.depth, cx.loop_entry, cx.nested, yielder) = self.saved;
        (cx.fiber, cx.segment, cx.base, cx.pc, cx.handled) =
            (self.fiber, self.segment, self.base, self.pc, self.handled);
        worker(cx).yielder = yielder;
    }
}

/// Runs a ready thread until it parks, gives way or ends.
pub(super) fn run_slice(cx: &mut Ctx, thread: Arc<Thread>) {
    let below = Below::save(cx);
    cx.native_stacks.push((frame_address(), cx.stack_base));
    let w = worker(cx);
    let outer = w.begin_slice(thread.clone());
    // SAFETY: this worker has just taken the thread from a queue.
    let detached = unsafe { thread.own().detached.take() };
    let stack = match detached {
        Some(detached) => {
            cx.native_stacks.retain(|&r| r != detached.frames);
            detached.stack
        }
        None => fresh_stack(cx, thread),
    };
    let (stack, stop) = greenlet::resume(cx, stack);
    cx.native_stacks.pop();
    below.restore(cx);
    // Not the thread it began with, if others came after that on the same stack.
    let thread = std::mem::replace(&mut worker(cx).current, outer);
    let index = worker(cx).index;
    match stop {
        Stop::Detached | Stop::DetachedAgain => {
            let frames = worker(cx).frames;
            let place = worker(cx).place.take();
            cx.native_stacks.push(frames);
            // SAFETY: the thread is still this worker's.
            unsafe { thread.own() }.detached = Some(Box::new(Detached { stack, frames, place }));
            thread.set_home(Some(index));
            thread.running_on.store(0, Ordering::Release);
            worker(cx).shared.detached_parks.fetch_add(1, Ordering::Relaxed);
            if matches!(stop, Stop::DetachedAgain) || !commit(cx, &thread) {
                worker(cx).queue_last(thread);
            } else {
                group::pass_on(cx, &thread);
            }
        }
        // What goes on elsewhere does so above.
        Stop::Parked | Stop::Swap => recycle(cx, stack),
        Stop::Again => {
            recycle(cx, stack);
            worker(cx).queue_last(thread);
        }
        Stop::Ended(result) => {
            recycle(cx, stack);
            ended(cx, &thread, result);
            group::pass_on(cx, &thread);
        }
    }
}

/// Goes on on a native stack until it is left.
pub(super) fn resume(stack: &mut Stack) -> Stop {
    match stack.resume(()) {
        CoroutineResult::Yield(stop) | CoroutineResult::Return(stop) => stop,
    }
}

/// Leaves the native stack that the caller runs on, until it is resumed.
pub(super) fn suspend(yielder: usize, stop: Stop) {
    // SAFETY: the yielder of the coroutine this code runs on, alive as long as its stack.
    let y = unsafe { &*(yielder as *const Yielder<(), Stop>) };
    y.suspend(stop);
}

pub(super) fn recycle(cx: &mut Ctx, stack: Stack) {
    let w = worker(cx);
    if stack.done() && w.pool.len() < POOLED {
        w.pool.push(stack.into_stack());
    }
}

fn ended(cx: &mut Ctx, thread: &Arc<Thread>, result: R) {
    if thread.stands_in.load(Ordering::Relaxed) {
        worker(cx).shared.fibers.fetch_sub(1, Ordering::Relaxed);
        cx.iso().handles.lock().release(thread.handle());
        return signals::stood_in(cx, result);
    }
    if thread.id == MAIN {
        // Whoever runs the main thread takes its result.
        let (value, raised) = match result {
            Ok(v) => (v, false),
            Err(Raised(e)) => (e, true),
        };
        thread.fiber().wake.set(value);
        thread.fiber().handled.set(Value::bool(raised));
    } else if let Err(e) = result
        && !cx.is_error(e, ClassId::SystemExit)
    {
        let f = thread.fiber().owner.get();
        let message = format!("Exception ignored in thread started by {}", cx.repr_text(f));
        cx.unraisable_as(e, Value::NONE, Some(&message));
    }
    greenlet::bury(thread);
    let joiners = thread.finish();
    let shared = worker(cx).shared.clone();
    if thread.id != MAIN {
        shared.delist(thread);
        release_fiber(cx, thread);
    }
    for waiter in joiners {
        wake(cx, &waiter, Ok(Value::TRUE));
    }
    if thread.id == MAIN || shared.is_finished() {
        shared.call_all();
    }
}

/// A native stack set to run the thread's next slice.
pub(super) fn fresh_stack(cx: &mut Ctx, thread: Arc<Thread>) -> Stack {
    let stack = match worker(cx).pool.pop() {
        Some(stack) => stack,
        // Whoever takes the last one sees to another.
        None => unreachable!("a worker has a stack in reserve"),
    };
    let (low, high) = (stack.limit().get(), stack.base().get());
    let cx_address = cx as *mut Context as usize;
    Coroutine::with_stack(stack, move |yielder: &Yielder<(), Stop>, ()| {
        // SAFETY: the context outlives its threads' slices, and only this code uses it while the slice runs.
        let cx = unsafe { &mut *(cx_address as *mut Context) };
        cx.stack_limit = low + STACK_RESERVE;
        cx.stack_base = high;
        worker(cx).yielder = yielder as *const Yielder<(), Stop> as usize;
        slices(cx, thread)
    })
}

/// A slice of a thread, and then of those that are to run next here, as long as the stack is not needed by any of them.
fn slices(cx: &mut Ctx, mut thread: Arc<Thread>) -> Stop {
    loop {
        match slice(cx, &thread) {
            Stop::Parked => {}
            Stop::Ended(Ok(_)) if thread.id != MAIN => ended(cx, &thread, Ok(Value::NONE)),
            stop => return stop,
        }
        group::pass_on_current(cx);
        let w = worker(cx);
        let Some(next) = w.next_on_this_stack() else { return Stop::Parked };
        thread = next;
        drop(w.begin_slice(thread.clone()));
    }
}

/// One slice of a thread, on its native stack: starts it or goes on where it parked.
fn slice(cx: &mut Ctx, thread: &Arc<Thread>) -> Stop {
    // SAFETY: this worker runs the thread, up to a successful `park`; so below.
    let (saved, deliver) = unsafe { (thread.own().saved.take(), thread.deliver.load(Ordering::Relaxed)) };
    cx.nested = 0;
    let mut outcome = match saved {
        _ if std::mem::take(&mut worker(cx).arriving) => greenlet::arrive(cx),
        None => begin(cx, thread),
        Some(saved) => {
            restore(cx, thread, saved);
            go_on(cx, thread, deliver)
        }
    };
    loop {
        match outcome {
            Ok(Outcome::Parked { .. }) if std::mem::take(&mut worker(cx).leaving) => return Stop::Swap,
            Ok(Outcome::Parked { deliver }) => {
                // A stack that an ended thread has left to one of its greenlets runs for another thread.
                let running = worker(cx).current.clone();
                let thread = &running;
                begin_park(cx, deliver);
                let saved = save(cx, thread);
                // SAFETY: as above.
                unsafe { *thread.own() = Own { saved: Some(saved), detached: None } };
                thread.deliver.store(deliver, Ordering::Relaxed);
                thread.running_on.store(0, Ordering::Release);
                // No native frames are left: any worker may run it again, unless its greenlets have some.
                let pinned = thread.pins.load(Ordering::Relaxed) != 0;
                let index = worker(cx).index;
                thread.set_home(pinned.then_some(index));
                if !deliver {
                    return Stop::Again;
                }
                if commit(cx, thread) {
                    return Stop::Parked;
                }
                // The wait has ended already.
                worker(cx).keep_starter();
                // SAFETY: as above.
                if let Some(saved) = unsafe { thread.own().saved.take() } {
                    restore(cx, thread, saved);
                }
                worker(cx).note_running(thread);
                outcome = go_on(cx, thread, true);
            }
            Ok(other) => return end(cx, Ok(other.value())),
            Err(e) => return end(cx, Err(e)),
        }
    }
}

/// The thread has run to its end. The segment that its fiber knows may be that of one of its greenlets.
fn end(cx: &mut Ctx, result: R) -> Stop {
    cx.fiber.segment.set(cx.segment.value());
    Stop::Ended(result)
}

/// The thread's first slice.
fn begin(cx: &mut Ctx, thread: &Arc<Thread>) -> R<Outcome> {
    let fiber = thread.fiber();
    cx.fiber = fiber;
    cx.segment = fiber.segment.obj();
    cx.base = std::ptr::null_mut();
    cx.pc = std::ptr::null();
    cx.gen_top = cx.segment.start();
    cx.limit = std::ptr::null_mut();
    cx.depth = 0;
    cx.handled = Value::NONE;
    let start = fiber.owner.get();
    if let Some(native) = fiber.wake.get().cast::<Native>() {
        fiber.wake.set(Value::NONE);
        crate::vm::native::start_native(cx, native, &[start])?;
        // SAFETY: the frame was just pushed.
        return unsafe { run(cx, cx.pc, cx.base) };
    }
    let Some(start) = start.cast::<Tuple>() else { return Ok(Outcome::Done(Value::NONE)) };
    let (f, args) = (start.items()[0], cx.collect_tuple(start.items()[1])?);
    // Kept for the report of an exception that ends the thread.
    fiber.owner.set(f);
    match start_thread(cx, f, args.items())? {
        // SAFETY: the frame was just pushed.
        Started::Frame => unsafe { run(cx, cx.pc, cx.base) },
        Started::Ended(v) => Ok(Outcome::Done(v)),
    }
}

/// Goes on where the thread parked, with what its wait ended with.
fn go_on(cx: &mut Ctx, thread: &Thread, deliver: bool) -> R<Outcome> {
    if deliver {
        match thread.outcome() {
            // SAFETY: the parked frame is a native's.
            Ok(value) => unsafe { *cx.base.add(crate::vm::native::RESULT as usize) = value },
            Err(Raised(e)) => return run_raising(cx, cx.pc, cx.base, e),
        }
    }
    // SAFETY: the thread's innermost frame is the one it parked or gave way in.
    unsafe { run(cx, cx.pc, cx.base) }
}

/// Sets the timer of the park that begins, or publishes what it waits for.
fn begin_park(cx: &mut Ctx, deliver: bool) {
    match cx.park_deadline.take() {
        Some(at) => {
            let w = worker(cx);
            let waiter = w.current.last_wait();
            w.shared.add_timer(at, waiter);
        }
        // Who has started a thread does not wait for it.
        None if deliver && !worker(cx).hands_over() => cycle::publish(cx),
        None => {}
    }
}

/// `Machine::park`: the running thread waits with its native stack; returns the wake-up value.
pub fn park(cx: &mut Ctx, deliver: bool) -> R {
    match stack::leave(cx) {
        Ok(place) => worker(cx).place = Some(place),
        Err(e) => return stay(cx, deliver, e),
    }
    begin_park(cx, deliver);
    let w = worker(cx);
    let thread = w.current.clone();
    let yielder = w.yielder;
    let saved = save(cx, &thread);
    let (stack_limit, stack_base, nested) = (cx.stack_limit, cx.stack_base, cx.nested);
    if yielder == 0 {
        // Host code, on the worker's own stack.
        if !deliver {
            worker(cx).queue_last(thread.clone());
            work(cx, Until::Turn(&thread));
        } else if commit(cx, &thread) {
            group::pass_on(cx, &thread);
            work(cx, Until::Turn(&thread));
        } else {
            worker(cx).keep_starter();
        }
    } else {
        worker(cx).frames = (frame_address(), cx.stack_base);
        let aside = outside::put_aside();
        suspend(yielder, if deliver { Stop::Detached } else { Stop::DetachedAgain });
        outside::put_back(aside);
    }
    restore(cx, &thread, saved);
    (cx.stack_limit, cx.stack_base, cx.nested) = (stack_limit, stack_base, nested);
    let w = worker(cx);
    w.place = None;
    w.yielder = yielder;
    w.current = thread.clone();
    w.note_running(&thread);
    if deliver { thread.outcome() } else { Ok(Value::NONE) }
}

/// There is no native stack for whoever would run next: the running thread does not wait.
#[cold]
fn stay(cx: &mut Ctx, deliver: bool, refusal: Raised) -> R {
    cx.park_deadline = None;
    if !deliver {
        return Ok(Value::NONE);
    }
    let w = worker(cx);
    w.keep_starter();
    // The wait may have ended meanwhile.
    w.current.disarm().unwrap_or(Err(refusal))
}

/// Commits to the wait that was begun, the machine state being saved; false: it has ended meanwhile, or now, as SIGINT
/// has come. After true, another worker may be running the thread.
pub(super) fn commit(cx: &mut Ctx, thread: &Arc<Thread>) -> bool {
    if thread.id == MAIN {
        // Either this sees the mark, or who sets it sees the wait.
        fence(Ordering::SeqCst);
        if thread.interrupted.load(Ordering::SeqCst) {
            report::end_wait_of_interrupted(cx, thread);
        }
    }
    cancel::check(cx, thread);
    cycle::check(cx, thread);
    thread.park()
}

/// `Machine::safepoint`: what the policy says, if others wait.
pub fn safepoint(cx: &mut Ctx) -> bool {
    let w = worker(cx);
    w.shared.tick();
    if matches!(w.shared.mode, Mode::Seeded(_)) && cycle::is_due(&w.shared) {
        report::tell(cx);
    }
    let w = worker(cx);
    match w.policy.safepoint() {
        Verdict::GoOn => false,
        Verdict::GiveWay => {
            w.shared.expire();
            !w.policy.ready.is_empty() || w.shared.has_backlog()
        }
        Verdict::Pause => {
            let pause = Duration::from_micros(w.policy.choose(50) as u64);
            cx.blocking(|| std::thread::sleep(pause));
            false
        }
    }
}

/// Saves the machine state of the running thread.
fn save(cx: &mut Ctx, thread: &Thread) -> Saved {
    let fiber = thread.fiber();
    fiber.segment.set(cx.segment.value());
    fiber.base.store(cx.base, Ordering::Release);
    fiber.pc.store(cx.pc as *mut _, Ordering::Release);
    fiber.handled.set(cx.handled);
    fiber.binding.store(cx.binding.cast_mut(), Ordering::Release);
    cx.binding = std::ptr::null();
    fiber.suspended();
    let repr_guard = std::mem::take(&mut cx.repr_guard);
    Saved {
        limit: cx.limit,
        gen_top: NonNull::new(cx.gen_top).unwrap_or(NonNull::dangling()),
        loop_entry: cx.loop_entry,
        depth: cx.depth,
        repr_guard: (!repr_guard.is_empty()).then(|| Box::new(repr_guard)),
    }
}

fn restore(cx: &mut Ctx, thread: &Thread, saved: Saved) {
    let fiber = thread.fiber();
    cx.fiber = fiber;
    cx.segment = fiber.segment.obj();
    cx.base = fiber.base.swap(std::ptr::null_mut(), Ordering::AcqRel);
    cx.pc = fiber.pc.load(Ordering::Acquire);
    cx.handled = fiber.handled.get();
    cx.binding = fiber.binding.load(Ordering::Acquire);
    cx.limit = saved.limit;
    cx.gen_top = saved.gen_top.as_ptr();
    cx.loop_entry = saved.loop_entry;
    cx.depth = saved.depth;
    cx.repr_guard = saved.repr_guard.map(|guard| *guard).unwrap_or_default();
}

/// An address below every frame of the caller, registers saved by a switch included.
#[inline(always)]
pub(super) fn frame_address() -> usize {
    let here = 0u8;
    (&raw const here as usize).saturating_sub(RED)
}
