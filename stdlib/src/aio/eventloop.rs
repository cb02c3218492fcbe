//! The event loop: what is ready, the timers, the descriptors; `running` runs them.
//!
//! Tasks that have not ended are kept in a list of the loop's, so none is lost while it waits.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering, fence};

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::misc::{Boxed, Payload};
use conc_interpreter::object::sequence::List;
use conc_interpreter::object::string::Str;
use conc_interpreter::scheduler::{self, Waiter};
use conc_interpreter::sync::wait::payload;
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
    pub(super) thread: AtomicU64,
    pub(super) stopping: AtomicBool,
    pub(super) closed: AtomicBool,
    /// Timers made, and cancelled ones in the heap.
    numbers: AtomicI64,
    pub(super) cancelled: AtomicI64,
    /// The wait of the loop's thread, if it has nothing to do.
    pub(super) waiting: AtomicBool,
    pub(super) waiter: Mutex<Option<Waiter>>,
    pub(super) poller: Mutex<Poller>,
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
pub(super) mod slot {
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

/// The loop behind a value.
pub fn event_loop<'a>(v: Value) -> Option<(Gc<Boxed>, &'a EventLoop)> {
    let object = v.cast::<Boxed>()?;
    Some((object, object.data::<EventLoop>()?))
}

pub(super) fn receiver<'a>(cx: &mut Ctx, this: Value) -> R<(Gc<Boxed>, &'a EventLoop)> {
    payload::<EventLoop>(cx, this)
}

/// Whether the loop is of the library's own class, and no factory makes its tasks.
pub fn makes_plain_tasks(this: Value) -> bool {
    event_loop(this)
        .is_some_and(|(l, data)| l.slots()[slot::FACTORY].get().is_none() && !data.closed.load(Ordering::Relaxed))
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
pub(super) fn closed_error(cx: &mut Ctx) -> Raised {
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
pub(super) fn seconds(cx: &mut Ctx) -> f64 {
    nanos(cx, ClockId::Monotonic) as f64 * 1e-9
}

pub(super) fn heap(l: Gc<Boxed>) -> Option<Gc<List>> {
    l.slots()[slot::TIMERS].get().cast()
}

/// The handle of a descriptor.
pub(super) fn registered(cx: &mut Ctx, l: Gc<Boxed>, slot: usize, fd: i32) -> R<Option<Value>> {
    match l.slots()[slot].get().cast::<Dict>() {
        Some(dict) => dict.get(cx, Value::small_int(fd.into())),
        None => Ok(None),
    }
}

/// The event loop's native part.
#[methods]
pub mod plain {
    use super::*;
    use conc_interpreter::native::Kwargs;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R<Gc<Boxed>> {
        let l = cx.new_native_data(class, Box::new(EventLoop::default()), slot::COUNT);
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
