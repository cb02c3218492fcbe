//! Running an event loop: the native `_run`, which is resumable.
//!
//! Tasks and callbacks are called from its frame, in turn, without a native stack below them. When nothing is ready it
//! parks, until the first timer is due, a descriptor is ready or another thread has something for the loop.

use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use conc_interpreter::native::{Ctx, Entered, NativeDef, NativeFrame, R, Raised, Step};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::Boxed;
use conc_interpreter::scheduler;
use conc_interpreter::scheduler::reactor::{Direction, Readiness};
use conc_interpreter::sync::wait::{THIS_PARAMS, method};
use conc_interpreter::value::{Gc, Value};
use conc_interpreter::vm::generator;
use rustix::time::ClockId;

use super::eventloop::{EventLoop, closed_error, heap, push, receiver, registered, running, seconds, slot};
use super::{future, gather, handle, task, timers};
use crate::data::deque;
use crate::data::functools::pass_on;
use crate::os::errors;
use crate::time::clock::nanos;

/// Cancelled timers that are worth sweeping the heap for.
const CANCELLED_TIMERS: i64 = 100;
/// Nobody waits longer at a time; in seconds.
const FAR: f64 = 86_400.0;

/// Stages of `_run`.
mod stage {
    pub const START: i64 = 0;
    pub const TASK: i64 = 1;
    pub const HANDLE: i64 = 2;
    /// The exception of a callback, or a slow one, is being told of.
    pub const REPORT: i64 = 3;
    pub const WAIT: i64 = 4;
}

/// Slots of `_run`'s frame.
mod local {
    pub const LOOP: usize = 0;
    /// The task or handle that is being run.
    pub const ITEM: usize = 1;
    /// How many more of the current round are to be run.
    pub const ROUND: usize = 2;
    /// The context and the running loop of before.
    pub const CONTEXT: usize = 3;
    pub const OUTER: usize = 4;
    /// In debug mode, when the item began; in nanoseconds.
    pub const SINCE: usize = 5;
}

/// `_run`
pub static RESUMABLE: &[NativeDef] = &[method("_run", "Run until stopped.", THIS_PARAMS, run)];

fn run(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    let (l, data) = match receiver(cx, frame.get(local::LOOP)) {
        Ok(found) => found,
        Err(e) => return Step::Raise(e),
    };
    let step = run_step(cx, frame, entered, l, data);
    match step {
        Ok(Some(step)) => step,
        Ok(None) => {
            finish(cx, frame, data);
            Step::Done(Value::NONE)
        }
        Err(e) => {
            finish(cx, frame, data);
            Step::Raise(e)
        }
    }
}

/// The loop is not run any more.
fn finish(cx: &mut Ctx, frame: &mut NativeFrame<'_>, data: &EventLoop) {
    if frame.get(local::OUTER).is_unbound() {
        return;
    }
    data.stopping.store(false, Ordering::Relaxed);
    data.thread.store(0, Ordering::Relaxed);
    cx.fiber.event_loop.set(frame.get(local::OUTER));
}

fn begin(cx: &mut Ctx, frame: &mut NativeFrame<'_>, l: Gc<Boxed>, data: &EventLoop) -> R<()> {
    if data.closed.load(Ordering::Relaxed) {
        return Err(closed_error(cx));
    }
    if !running(cx).is_none() && data.thread.load(Ordering::Relaxed) == 0 {
        return Err(cx.runtime_error("Cannot run the event loop while another loop is running"));
    }
    let me = scheduler::current(cx);
    if data.thread.compare_exchange(0, me, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return Err(cx.runtime_error("This event loop is already running"));
    }
    frame.set(local::OUTER, cx.fiber.event_loop.swap(l.value()));
    frame.set(local::ROUND, Value::small_int(-1));
    Ok(())
}

/// What the loop's frame does next; None: it has been stopped.
fn run_step(
    cx: &mut Ctx,
    frame: &mut NativeFrame<'_>,
    entered: Entered,
    l: Gc<Boxed>,
    data: &EventLoop,
) -> R<Option<Step>> {
    match frame.state() {
        stage::START => begin(cx, frame, l, data)?,
        stage::TASK => {
            if let Some(report) = task_stepped(cx, frame, entered, l)? {
                return Ok(Some(report));
            }
        }
        stage::HANDLE => {
            if let Some(report) = called(cx, frame, entered, l)? {
                return Ok(Some(report));
            }
        }
        stage::WAIT => {
            waited(cx, data);
            if let Entered::Raised(e) = entered {
                return Err(e);
            }
        }
        _ => {
            if let Entered::Raised(e) = entered {
                return Err(e);
            }
        }
    }
    loop {
        cx.poll()?;
        let mut left = frame.get(local::ROUND).as_int().unwrap_or(0);
        if left <= 0 {
            if left == 0 && data.stopping.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if let Some(wait) = next_round(cx, frame, l, data)? {
                return Ok(Some(wait));
            }
            left = frame.get(local::ROUND).as_int().unwrap_or(0);
        }
        if left == 0 {
            continue;
        }
        frame.set(local::ROUND, Value::small_int(left - 1));
        if let Some(step) = begin_item(cx, frame, l)? {
            return Ok(Some(step));
        }
    }
}

/// Moves the timers that are due among what is ready; in how many seconds the first is that is not.
fn collect_timers(cx: &mut Ctx, l: Gc<Boxed>, data: &EventLoop) -> R<Option<f64>> {
    let Some(heap) = heap(l) else { return Ok(None) };
    let cancelled = data.cancelled.load(Ordering::Relaxed);
    if cancelled > CANCELLED_TIMERS && cancelled * 2 > heap.len() as i64 {
        data.cancelled.store(0, Ordering::Relaxed);
        timers::sweep(cx, heap)?;
    }
    let mut now = None;
    while let Some(timer) = timers::first(heap) {
        if timers::is_cancelled(&timer) {
            data.cancelled.fetch_sub(1, Ordering::Relaxed);
            timers::take_first(cx, heap);
            continue;
        }
        let now = *now.get_or_insert_with(|| seconds(cx));
        let (due, _) = handle::order(cx, &timer);
        if due > now {
            return Ok(Some(due - now));
        }
        timers::take_first(cx, heap);
        push(cx, l.value(), timer.value())?;
    }
    Ok(None)
}

/// Moves the handles of ready descriptors among what is ready.
fn collect_events(cx: &mut Ctx, l: Gc<Boxed>, data: &EventLoop) -> R<()> {
    let events = {
        let mut poller = data.poller.lock();
        if poller.is_empty() {
            return Ok(());
        }
        poller.look()
    };
    for (fd, read, write) in events {
        for (ready, slot) in [(read, slot::READERS), (write, slot::WRITERS)] {
            if ready && let Some(h) = registered(cx, l, slot, fd)? {
                push(cx, l.value(), h)?;
            }
        }
    }
    Ok(())
}

/// Looks for what is ready; the wait, if nothing is.
fn next_round(cx: &mut Ctx, frame: &mut NativeFrame<'_>, l: Gc<Boxed>, data: &EventLoop) -> R<Option<Step>> {
    collect_events(cx, l, data)?;
    let due = collect_timers(cx, l, data)?;
    let ready = deque::deque(l.slots()[slot::READY].get()).map_or(0, |d| deque::len(&d));
    frame.set(local::ROUND, Value::small_int(ready as i64));
    if ready > 0 || data.stopping.load(Ordering::Relaxed) {
        return Ok(None);
    }
    // Never too early: a timer that is not due yet would be waited for again.
    let deadline =
        due.map(|left| scheduler::now(cx) + Duration::from_secs_f64(left.min(FAR)) + Duration::from_nanos(1));
    wait(cx, frame, l, data, deadline)
}

/// Begins the wait of the loop's thread; None: there is something to do after all.
fn wait(
    cx: &mut Ctx,
    frame: &mut NativeFrame<'_>,
    l: Gc<Boxed>,
    data: &EventLoop,
    deadline: Option<Instant>,
) -> R<Option<Step>> {
    let queue = data.poller.lock().queue();
    let waiter = match &queue {
        None => scheduler::arm(cx),
        Some(queue) => match queue.begin_wait(cx, Direction::Read) {
            Ok(Readiness::Later) => scheduler::last_wait(cx),
            Ok(Readiness::Now) => return Ok(None),
            Err(e) => return Err(errors::raise(cx, errors::errno_of(&e))),
        },
    };
    if queue.is_some() {
        data.poller.lock().waiting = queue;
    }
    *data.waiter.lock() = Some(waiter);
    data.waiting.store(true, Ordering::Relaxed);
    // Whoever adds something after this look sees that the loop waits.
    fence(Ordering::SeqCst);
    let ready = deque::deque(l.slots()[slot::READY].get()).map_or(0, |d| deque::len(&d));
    if ready > 0 || data.stopping.load(Ordering::Relaxed) {
        let taken_back = scheduler::disarm(cx);
        waited(cx, data);
        taken_back?;
        return Ok(None);
    }
    frame.set_state(stage::WAIT);
    Ok(Some(Step::Park(deadline)))
}

/// The wait of the loop's thread is over.
fn waited(cx: &mut Ctx, data: &EventLoop) {
    data.waiting.store(false, Ordering::Relaxed);
    *data.waiter.lock() = None;
    let queue = data.poller.lock().waiting.take();
    if let Some(queue) = queue {
        scheduler::end_outside(cx);
        queue.leave(cx, Direction::Read);
    }
}

/// Makes a context current until [`leave_context`].
fn enter_context(cx: &mut Ctx, frame: &mut NativeFrame<'_>, context: Value) {
    frame.set(local::CONTEXT, cx.current_context());
    cx.set_current_context(context);
}

/// Makes the context of before current again; the one that was.
fn leave_context(cx: &mut Ctx, frame: &mut NativeFrame<'_>) -> Value {
    let context = cx.current_context();
    cx.set_current_context(frame.get(local::CONTEXT));
    context
}

/// How far ahead the processor is told of what will be needed: of tasks, of their coroutines, and of what those await.
const AHEAD: [usize; 3] = [5, 3, 1];

/// With many tasks, none of what a step needs is in the processor's cache by its turn, and each is found by way of the
/// one before: so one part of it is loaded while each of some earlier items runs.
#[inline(always)]
fn look_ahead([first, second, third]: [Value; 3]) {
    first.prefetch(task::HOT_BYTES);
    for (item, inner) in [(second, false), (third, true)] {
        if let Some(t) = task::task(item) {
            generator::prefetch(t.slots()[task::slot::CORO].get(), inner);
        }
    }
}

/// Begins to run what is next; None: there was nothing to be run.
fn begin_item(cx: &mut Ctx, frame: &mut NativeFrame<'_>, l: Gc<Boxed>) -> R<Option<Step>> {
    let Some(ready) = deque::deque(l.slots()[slot::READY].get()) else { return Ok(None) };
    let Some((item, later)) = deque::pop_ahead(cx, ready, AHEAD) else { return Ok(None) };
    look_ahead(later);
    frame.set(local::ITEM, item);
    if l.slots()[slot::DEBUG].get() == Value::TRUE {
        let now = nanos(cx, ClockId::Monotonic);
        frame.set(local::SINCE, Value::small_int(now));
    }
    if let Some(t) = task::task(item) {
        frame.set_state(stage::TASK);
        l.slots()[slot::CURRENT].set(item);
        enter_context(cx, frame, t.slots()[task::slot::CONTEXT].get());
        let step = task::step(cx, frame, t);
        if !matches!(step, Ok(Some(_))) {
            leave_context(cx, frame);
            l.slots()[slot::CURRENT].set(Value::NONE);
        }
        return step;
    }
    if let Some(f) = future::sleep(item) {
        if future::is_pending(&f) {
            let result = f.slots()[future::slot::RESULT].get();
            future::set_result(cx, f, result)?;
        }
        return Ok(None);
    }
    if let Some(group) = gather::group(item) {
        let step = gather::look(cx, frame, group);
        if step.is_some() {
            frame.set_state(stage::HANDLE);
            enter_context(cx, frame, group.slots()[gather::slot::CONTEXT].get());
        }
        return Ok(step);
    }
    let Some(h) = handle::handle(item).filter(|h| !handle::is_cancelled(h)) else { return Ok(None) };
    let Some(args) = handle::arguments(&h) else { return Ok(None) };
    frame.set_state(stage::HANDLE);
    enter_context(cx, frame, h.slots()[handle::slot::CONTEXT].get());
    let callback = h.slots()[handle::slot::CALLBACK].get();
    let step = pass_on(cx, frame, callback, args.items(), None);
    if step.is_err() {
        leave_context(cx, frame);
    }
    step.map(Some)
}

/// A task's step has ended.
fn task_stepped(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered, l: Gc<Boxed>) -> R<Option<Step>> {
    let context = leave_context(cx, frame);
    l.slots()[slot::CURRENT].set(Value::NONE);
    if let Some(t) = task::task(frame.get(local::ITEM)) {
        t.slots()[task::slot::CONTEXT].set(context);
        task::stepped(cx, t, entered)?;
    }
    tell_if_slow(cx, frame, l)
}

/// A callback has ended.
fn called(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered, l: Gc<Boxed>) -> R<Option<Step>> {
    leave_context(cx, frame);
    match entered {
        Entered::Raised(e) if is_fatal(cx, e) => Err(e),
        Entered::Raised(e) => {
            let report = cx.get_attr_text(l.value(), "_callback_failed")?;
            frame.set_state(stage::REPORT);
            let item = frame.get(local::ITEM);
            Ok(Some(frame.call(report, &[item, e.0])))
        }
        _ => tell_if_slow(cx, frame, l),
    }
}

fn is_fatal(cx: &mut Ctx, e: Raised) -> bool {
    cx.is_error(e, ClassId::KeyboardInterrupt) || cx.is_error(e, ClassId::SystemExit)
}

/// In debug mode, tells of an item that took long.
fn tell_if_slow(cx: &mut Ctx, frame: &mut NativeFrame<'_>, l: Gc<Boxed>) -> R<Option<Step>> {
    if l.slots()[slot::DEBUG].get() != Value::TRUE {
        return Ok(None);
    }
    let Some(since) = frame.get(local::SINCE).as_int() else { return Ok(None) };
    let took = (nanos(cx, ClockId::Monotonic) - since) as f64 * 1e-9;
    let slow = l.slots()[slot::SLOW].get();
    if took < cx.to_float(slow)? {
        return Ok(None);
    }
    let report = cx.get_attr_text(l.value(), "_was_slow")?;
    let took = cx.float(took);
    frame.set_state(stage::REPORT);
    let item = frame.get(local::ITEM);
    Ok(Some(frame.call(report, &[item, took])))
}
