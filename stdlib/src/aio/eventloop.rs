//! The event loop: what is ready, the timers, the descriptors, and the native that runs them.
//!
//! `_run` is resumable: tasks and callbacks are called from its frame, in turn, without a native stack below them. When
//! nothing is ready it parks, until the first timer is due, a descriptor is ready or another thread has something for
//! it. Tasks that have not ended are kept in a list of the loop's, so none is lost while it waits.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

use conc_interpreter::native::{Ctx, Entered, NativeDef, NativeFrame, R, Raised, Step};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::{Boxed, Payload};
use conc_interpreter::object::sequence::List;
use conc_interpreter::object::string::Str;
use conc_interpreter::scheduler::reactor::{Direction, Readiness};
use conc_interpreter::scheduler::{self, Waiter};
use conc_interpreter::sync::wait::{THIS_PARAMS, method, payload};
use conc_interpreter::value::{Gc, Slot, Value};
use conc_macros::methods;
use parking_lot::Mutex;
use rustix::time::ClockId;

use super::poller::{Poller, Watch};
use super::{future, handle, task, timers};
use crate::concurrency::contextvars;
use crate::core::shared::{call_method, import};
use crate::data::deque;
use crate::os::errors;
use crate::time::clock::nanos;

/// What of a loop is no value.
#[derive(Default)]
pub struct EventLoop {
    /// The thread that runs it, or 0.
    thread: AtomicU64,
    stopping: AtomicBool,
    closed: AtomicBool,
    /// Timers made, and cancelled ones in the heap.
    numbers: AtomicI64,
    cancelled: AtomicI64,
    /// The wait of the loop's thread, if it has nothing to do.
    waiting: AtomicBool,
    waiter: Mutex<Option<Waiter>>,
    poller: Mutex<Poller>,
}

impl Payload for EventLoop {
    fn each_task(&self, slots: &[Slot], visit: &mut dyn FnMut(String, Option<String>, Value)) {
        let mut oldest = task::task(slots[slot::TASKS].get());
        while let Some(next) = oldest.and_then(|t| task::task(t.slots()[task::slot::NEXT].get())) {
            oldest = Some(next);
        }
        while let Some(t) = oldest {
            let waiter = task::task(t.slots()[task::slot::WAITER].get());
            visit(title(&t), waiter.map(|w| title(&w)), t.slots()[task::slot::CORO].get());
            oldest = task::task(t.slots()[task::slot::PREVIOUS].get());
        }
    }
}

/// What a task is called in reports.
fn title(t: &Boxed) -> String {
    let name = t.slots()[task::slot::NAME].get();
    match (name.as_int(), name.cast::<Str>()) {
        (Some(number), _) => format!("task 'Task-{number}'"),
        (None, Some(name)) => format!("task '{}'", name.to_text()),
        (None, None) => "a task".into(),
    }
}

/// Slots of a loop.
mod slot {
    /// A deque of tasks and handles.
    pub const READY: usize = 0;
    /// The heap of timers.
    pub const TIMERS: usize = 1;
    /// Handles by descriptor.
    pub const READERS: usize = 2;
    pub const WRITERS: usize = 3;
    /// The task that is being run, or None.
    pub const CURRENT: usize = 4;
    /// The newest task that has not ended.
    pub const TASKS: usize = 5;
    pub const DEBUG: usize = 6;
    pub const FACTORY: usize = 7;
    /// In debug mode, callbacks that take longer are told of; in seconds.
    pub const SLOW: usize = 8;
    pub const COUNT: usize = 9;
}

/// Cancelled timers that are worth sweeping the heap for.
const CANCELLED_TIMERS: i64 = 100;
/// Nobody waits longer at a time; in seconds.
const FAR: f64 = 86_400.0;

/// The loop behind a value.
pub fn event_loop<'a>(v: Value) -> Option<(Gc<Boxed>, &'a EventLoop)> {
    let object = v.cast::<Boxed>()?;
    Some((object, object.data::<EventLoop>()?))
}

fn receiver<'a>(cx: &mut Ctx, this: Value) -> R<(Gc<Boxed>, &'a EventLoop)> {
    payload::<EventLoop>(cx, this)
}

pub fn is_debugging(this: Value) -> bool {
    event_loop(this).is_some_and(|(l, _)| l.slots()[slot::DEBUG].get() == Value::TRUE)
}

// ---- the running loop of a thread

/// The loop that the running thread runs, or None.
pub fn running(cx: &mut Ctx) -> Value {
    cx.fiber.event_loop.get()
}

/// Whether this loop is run by the running thread.
pub fn is_running_here(cx: &mut Ctx, this: Value) -> bool {
    cx.fiber.event_loop.get() == this
}

/// The running loop, or the thread's own.
pub fn current_or_default(cx: &mut Ctx) -> R {
    let running = running(cx);
    if !running.is_none() {
        return Ok(running);
    }
    let events = import(cx, "asyncio.events")?;
    call_method(cx, events, "get_event_loop", &[])
}

/// Says which task the loop runs; which it was before.
pub fn set_current_task(_cx: &mut Ctx, this: Value, task: Value) -> Value {
    event_loop(this).map_or(Value::NONE, |(l, _)| l.slots()[slot::CURRENT].swap(task))
}

// ---- tasks that have not ended

/// Adds a task to those of its loop.
pub fn adopt(cx: &mut Ctx, this: Value, t: Gc<Boxed>) {
    let Some((l, _)) = event_loop(this) else { return };
    let _lock = cx.lock(&l.header);
    let first = l.slots()[slot::TASKS].get();
    t.slots()[task::slot::NEXT].set(first);
    if let Some(first) = task::task(first) {
        first.slots()[task::slot::PREVIOUS].set(t.value());
    }
    l.slots()[slot::TASKS].set(t.value());
}

/// Takes a task from those of its loop.
pub fn dismiss(cx: &mut Ctx, t: Gc<Boxed>) {
    let Some((l, _)) = event_loop(t.slots()[future::slot::LOOP].get()) else { return };
    let _lock = cx.lock(&l.header);
    let next = t.slots()[task::slot::NEXT].swap(Value::NONE);
    let previous = t.slots()[task::slot::PREVIOUS].swap(Value::NONE);
    if let Some(next) = task::task(next) {
        next.slots()[task::slot::PREVIOUS].set(previous);
    }
    match task::task(previous) {
        Some(previous) => previous.slots()[task::slot::NEXT].set(next),
        None if l.slots()[slot::TASKS].get() == t.value() => l.slots()[slot::TASKS].set(next),
        None => {}
    }
}

// ---- what is ready

/// Puts a task or a handle among those to be run next.
pub fn push(cx: &mut Ctx, this: Value, item: Value) -> R<()> {
    let Some((l, data)) = event_loop(this) else {
        let step = cx.get_attr_text(item, "_wakeup")?;
        return call_method(cx, this, "call_soon", &[step, Value::NONE]).map(drop);
    };
    if data.closed.load(Ordering::Relaxed) {
        return Err(closed_error(cx));
    }
    if let Some(ready) = deque::deque(l.slots()[slot::READY].get()) {
        while !deque::try_push(cx, ready, item, false) {
            deque::grow(cx, ready)?;
        }
    }
    if data.waiting.load(Ordering::Relaxed) {
        wake(cx, data);
    }
    Ok(())
}

#[cold]
fn closed_error(cx: &mut Ctx) -> Raised {
    cx.runtime_error("Event loop is closed")
}

/// Ends the wait of the loop's thread.
fn wake(cx: &mut Ctx, data: &EventLoop) {
    let waiter = data.waiter.lock().take();
    if let Some(waiter) = waiter {
        scheduler::wake(cx, &waiter, Value::TRUE);
    }
}

/// Has any loop call a function with these arguments in a context.
pub fn call_soon(cx: &mut Ctx, this: Value, callback: Value, args: &[Value], context: Value) -> R<()> {
    if event_loop(this).is_none() {
        let call_soon = cx.get_attr_text(this, "call_soon")?;
        let name = cx.intern("context").value();
        let all = cx.list(&[callback])?;
        for &arg in args {
            cx.list_push(all, arg)?;
        }
        let context = contextvars::materialize(cx, context);
        cx.list_push(all, context)?;
        let all = cx.list_snapshot(all)?;
        return cx.call_named(call_soon, all.items(), &[name]).map(drop);
    }
    let h = handle::new(cx, this, callback, args, context)?;
    push(cx, this, h.value())
}

/// Counts a cancelled timer.
pub fn timer_cancelled(_cx: &mut Ctx, this: Value) {
    if let Some((_, data)) = event_loop(this) {
        data.cancelled.fetch_add(1, Ordering::Relaxed);
    }
}

/// What the loop's clock shows.
fn seconds(cx: &mut Ctx) -> f64 {
    nanos(cx, ClockId::Monotonic) as f64 * 1e-9
}

fn heap(l: Gc<Boxed>) -> Option<Gc<List>> {
    l.slots()[slot::TIMERS].get().cast()
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

fn registered(cx: &mut Ctx, l: Gc<Boxed>, slot: usize, fd: i32) -> R<Option<Value>> {
    match l.slots()[slot].get().cast::<Dict>() {
        Some(dict) => dict.get(cx, Value::small_int(fd.into())),
        None => Ok(None),
    }
}

// ---- running

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

/// Begins to run what is next; None: there was nothing to be run.
fn begin_item(cx: &mut Ctx, frame: &mut NativeFrame<'_>, l: Gc<Boxed>) -> R<Option<Step>> {
    let Some(ready) = deque::deque(l.slots()[slot::READY].get()) else { return Ok(None) };
    let Some(item) = deque::pop_end(cx, ready, true) else { return Ok(None) };
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
    let Some(h) = handle::handle(item).filter(|h| !handle::is_cancelled(h)) else { return Ok(None) };
    let Some(args) = handle::arguments(&h) else { return Ok(None) };
    frame.set_state(stage::HANDLE);
    enter_context(cx, frame, h.slots()[handle::slot::CONTEXT].get());
    let callback = h.slots()[handle::slot::CALLBACK].get();
    let step = crate::data::functools::pass_on(cx, frame, callback, args.items(), None);
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

/// The event loop's native part.
#[methods]
pub mod plain {
    use super::*;
    use conc_interpreter::native::Kwargs;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R<Gc<Boxed>> {
        let l = cx.new_boxed(class, Some(Box::new(EventLoop::default())), slot::COUNT);
        let ready = deque::empty(cx)?;
        let (timers, readers, writers) = (cx.new_list(), cx.new_dict(), cx.new_dict());
        let slow = cx.float(0.1);
        for (at, value) in [
            (slot::READY, ready),
            (slot::TIMERS, timers.value()),
            (slot::READERS, readers.value()),
            (slot::WRITERS, writers.value()),
            (slot::DEBUG, Value::FALSE),
            (slot::SLOW, slow),
        ] {
            l.slots()[at].set(value);
        }
        Ok(l)
    }
    /// The time by the loop's clock, in seconds.
    pub fn time(cx: &mut Ctx, this: Value) -> R<f64> {
        receiver(cx, this)?;
        Ok(seconds(cx))
    }
    /// Whether the loop runs.
    pub fn is_running(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(receiver(cx, this)?.1.thread.load(Ordering::Relaxed) != 0)
    }
    /// Whether the loop has been closed.
    pub fn is_closed(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(receiver(cx, this)?.1.closed.load(Ordering::Relaxed))
    }
    /// Have the loop stop after what is ready now.
    pub fn stop(cx: &mut Ctx, this: Value) -> R<()> {
        let (_, data) = receiver(cx, this)?;
        data.stopping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if data.waiting.load(Ordering::Relaxed) {
            wake(cx, data);
        }
        Ok(())
    }
    /// Forget all that was to be run.
    pub fn _close(cx: &mut Ctx, this: Value) -> R<()> {
        let (l, data) = receiver(cx, this)?;
        data.closed.store(true, Ordering::Relaxed);
        let ready = l.slots()[slot::READY].get();
        call_method(cx, ready, "clear", &[])?;
        for slot in [slot::READERS, slot::WRITERS, slot::TIMERS] {
            let all = l.slots()[slot].get();
            call_method(cx, all, "clear", &[])?;
        }
        *data.poller.lock() = Poller::default();
        // They are told of if they die so.
        let mut next = l.slots()[slot::TASKS].swap(Value::NONE);
        while let Some(t) = task::task(next) {
            next = t.slots()[task::slot::NEXT].swap(Value::NONE);
            t.slots()[task::slot::PREVIOUS].set(Value::NONE);
            cx.register_finalizer(t.value());
        }
        Ok(())
    }
    /// Have a function called with these arguments in the next round.
    #[name = "call_soon"]
    pub fn call_soon_method(
        cx: &mut Ctx,
        this: Value,
        callback: Value,
        args: &[Value],
        #[kwonly]
        #[default(Value::NONE)]
        context: Value,
    ) -> R<Gc<Boxed>> {
        let (_, data) = receiver(cx, this)?;
        if is_debugging(this) {
            check_thread(cx, data)?;
            check_callback(cx, callback, "call_soon")?;
        }
        soon(cx, this, callback, args, context)
    }
    /// The same, from any thread.
    pub fn call_soon_threadsafe(
        cx: &mut Ctx,
        this: Value,
        callback: Value,
        args: &[Value],
        #[kwonly]
        #[default(Value::NONE)]
        context: Value,
    ) -> R<Gc<Boxed>> {
        let (_, data) = receiver(cx, this)?;
        if is_debugging(this) {
            check_callback(cx, callback, "call_soon_threadsafe")?;
        }
        let h = soon(cx, this, callback, args, context)?;
        fence(Ordering::SeqCst);
        if data.waiting.load(Ordering::Relaxed) {
            wake(cx, data);
        }
        Ok(h)
    }
    fn soon(cx: &mut Ctx, this: Value, callback: Value, args: &[Value], context: Value) -> R<Gc<Boxed>> {
        let context = if context.is_none() { contextvars::copy(cx) } else { context };
        let h = handle::new(cx, this, callback, args, context)?;
        push(cx, this, h.value())?;
        Ok(h)
    }
    fn check_thread(cx: &mut Ctx, data: &EventLoop) -> R<()> {
        let runs = data.thread.load(Ordering::Relaxed);
        if runs != 0 && runs != scheduler::current(cx) {
            let text = "Non-thread-safe operation invoked on an event loop other than the current one";
            return Err(cx.runtime_error(text));
        }
        Ok(())
    }
    fn check_callback(cx: &mut Ctx, callback: Value, method: &str) -> R<()> {
        let describe = import(cx, "asyncio._describe")?;
        let method = cx.str(method);
        call_method(cx, describe, "check_callback", &[callback, method]).map(drop)
    }
    /// Have a function called with these arguments after so many seconds.
    pub fn call_later(
        cx: &mut Ctx,
        this: Value,
        delay: Value,
        callback: Value,
        args: &[Value],
        #[kwonly]
        #[default(Value::NONE)]
        context: Value,
    ) -> R<Gc<Boxed>> {
        if delay.is_none() {
            return Err(cx.type_error("delay must not be None"));
        }
        let when = time(cx, this)? + cx.to_float(delay)?;
        at(cx, this, when, "call_later", (callback, args, context))
    }
    /// Have a function called with these arguments at a time of the loop's clock.
    pub fn call_at(
        cx: &mut Ctx,
        this: Value,
        when: Value,
        callback: Value,
        args: &[Value],
        #[kwonly]
        #[default(Value::NONE)]
        context: Value,
    ) -> R<Gc<Boxed>> {
        if when.is_none() {
            return Err(cx.type_error("when cannot be None"));
        }
        let when = cx.to_float(when)?;
        at(cx, this, when, "call_at", (callback, args, context))
    }
    fn at(
        cx: &mut Ctx,
        this: Value,
        when: f64,
        method: &str,
        (callback, args, context): (Value, &[Value], Value),
    ) -> R<Gc<Boxed>> {
        let (l, data) = receiver(cx, this)?;
        if data.closed.load(Ordering::Relaxed) {
            return Err(closed_error(cx));
        }
        if is_debugging(this) {
            check_thread(cx, data)?;
            check_callback(cx, callback, method)?;
        }
        let context = if context.is_none() { contextvars::copy(cx) } else { context };
        let number = data.numbers.fetch_add(1, Ordering::Relaxed);
        let when = cx.float(when);
        let timer = handle::new_timer(cx, this, (when, number), (callback, args, context))?;
        if let Some(heap) = heap(l) {
            timers::add(cx, heap, timer)?;
        }
        Ok(timer)
    }
    /// A future that ends after so many seconds, with this result.
    pub fn _sleep(cx: &mut Ctx, this: Value, delay: f64, result: Value) -> R<Gc<Boxed>> {
        let (l, data) = receiver(cx, this)?;
        let number = data.numbers.fetch_add(1, Ordering::Relaxed);
        let when = seconds(cx) + delay;
        let when = cx.float(when);
        let f = future::new_sleep(cx, this, result, when, number);
        if let Some(heap) = heap(l) {
            timers::add(cx, heap, f)?;
        }
        Ok(f)
    }
    /// A future of this loop.
    pub fn create_future(cx: &mut Ctx, this: Value) -> R {
        let f = future::new(cx, this);
        if is_debugging(this)
            && let Some(f) = future::future(f)
        {
            future::note_source(cx, f, this)?;
        }
        Ok(f)
    }
    /// Run a coroutine as a task.
    pub fn create_task(
        cx: &mut Ctx,
        this: Value,
        coro: Value,
        #[kwonly]
        #[default(Value::NONE)]
        name: Value,
        #[kwonly]
        #[default(Value::NONE)]
        context: Value,
    ) -> R {
        let (l, data) = receiver(cx, this)?;
        if data.closed.load(Ordering::Relaxed) {
            return Err(closed_error(cx));
        }
        let factory = l.slots()[slot::FACTORY].get();
        if factory.is_none() {
            return task::create(cx, this, coro, name, context);
        }
        let made = match context.is_none() {
            true => cx.call(factory, &[this, coro])?,
            false => {
                let key = cx.intern("context").value();
                cx.call_named(factory, &[this, coro, context], &[key])?
            }
        };
        if !name.is_none() {
            let set_name = cx.intern("set_name");
            if let Some(set_name) = cx.get_attr_opt(made, set_name)? {
                cx.call(set_name, &[name])?;
            }
        }
        Ok(made)
    }
    /// What makes tasks of coroutines, instead of Task; or None.
    #[getter]
    pub fn _task_factory(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::FACTORY].get())
    }
    #[setter]
    #[name = "_task_factory"]
    pub fn put_task_factory(cx: &mut Ctx, this: Value, factory: Value) -> R<()> {
        receiver(cx, this)?.0.slots()[slot::FACTORY].set(factory);
        Ok(())
    }
    #[getter]
    pub fn _debug(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::DEBUG].get())
    }
    #[setter]
    #[name = "_debug"]
    pub fn put_debug(cx: &mut Ctx, this: Value, on: bool) -> R<()> {
        receiver(cx, this)?.0.slots()[slot::DEBUG].set(Value::bool(on));
        Ok(())
    }
    /// In debug mode, callbacks that take longer are told of; in seconds.
    #[getter]
    pub fn slow_callback_duration(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::SLOW].get())
    }
    #[setter]
    #[name = "slow_callback_duration"]
    pub fn put_slow(cx: &mut Ctx, this: Value, seconds: Value) -> R<()> {
        cx.to_float(seconds)?;
        receiver(cx, this)?.0.slots()[slot::SLOW].set(seconds);
        Ok(())
    }
    /// The thread that runs the loop, or None.
    #[getter]
    pub fn _thread_id(cx: &mut Ctx, this: Value) -> R {
        let thread = receiver(cx, this)?.1.thread.load(Ordering::Relaxed);
        Ok(if thread == 0 { Value::NONE } else { Value::small_int(thread as i64) })
    }
    /// The tasks of the loop that have not ended.
    pub fn _tasks(cx: &mut Ctx, this: Value) -> R<Gc<List>> {
        let (l, _) = receiver(cx, this)?;
        let all = cx.new_list();
        let mut next = l.slots()[slot::TASKS].get();
        while let Some(t) = task::task(next) {
            cx.list_push(all, next)?;
            next = t.slots()[task::slot::NEXT].get();
        }
        Ok(all)
    }
    #[getter]
    pub fn _current(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::CURRENT].get())
    }
    pub fn _add_reader(cx: &mut Ctx, this: Value, fd: i64, callback: Value, args: &[Value]) -> R<Gc<Boxed>> {
        watch(cx, this, (fd, Watch::Read), callback, args)
    }
    pub fn _add_writer(cx: &mut Ctx, this: Value, fd: i64, callback: Value, args: &[Value]) -> R<Gc<Boxed>> {
        watch(cx, this, (fd, Watch::Write), callback, args)
    }
    pub fn _remove_reader(cx: &mut Ctx, this: Value, fd: i64) -> R<bool> {
        unwatch(cx, this, fd, Watch::Read)
    }
    pub fn _remove_writer(cx: &mut Ctx, this: Value, fd: i64) -> R<bool> {
        unwatch(cx, this, fd, Watch::Write)
    }

    /// Whether a descriptor is watched for reading, and for writing.
    pub fn _watches(cx: &mut Ctx, this: Value, fd: i64) -> R {
        let (l, _) = receiver(cx, this)?;
        let fd = i32::try_from(fd).unwrap_or(-1);
        let reads = registered(cx, l, slot::READERS, fd)?.is_some();
        let writes = registered(cx, l, slot::WRITERS, fd)?.is_some();
        cx.tuple(&[Value::bool(reads), Value::bool(writes)])
    }

    fn handles(l: Gc<Boxed>, what: Watch) -> Option<Gc<Dict>> {
        let slot = if what == Watch::Read { slot::READERS } else { slot::WRITERS };
        l.slots()[slot].get().cast()
    }

    fn watch(cx: &mut Ctx, this: Value, (fd, what): (i64, Watch), callback: Value, args: &[Value]) -> R<Gc<Boxed>> {
        let (l, data) = receiver(cx, this)?;
        if data.closed.load(Ordering::Relaxed) {
            return Err(closed_error(cx));
        }
        let context = contextvars::copy(cx);
        let h = handle::new(cx, this, callback, args, context)?;
        let result = data.poller.lock().watch(fd as i32, what);
        errors::check(cx, result)?;
        if let Some(all) = handles(l, what) {
            let before = all.get(cx, Value::small_int(fd))?.and_then(handle::handle);
            all.set(cx, Value::small_int(fd), h.value())?;
            if let Some(before) = before {
                handle::cancel(cx, before)?;
            }
        }
        Ok(h)
    }

    fn unwatch(cx: &mut Ctx, this: Value, fd: i64, what: Watch) -> R<bool> {
        let (l, data) = receiver(cx, this)?;
        let Some(all) = handles(l, what) else { return Ok(false) };
        let Some(h) = all.remove(cx, Value::small_int(fd))?.and_then(handle::handle) else { return Ok(false) };
        data.poller.lock().unwatch(fd as i32, what);
        handle::cancel(cx, h)?;
        Ok(true)
    }
}
