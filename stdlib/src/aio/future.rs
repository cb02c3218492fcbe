//! `asyncio.Future`: a result to come, for the tasks and callbacks of one event loop.
//!
//! A future is its slots; a task's own follow (`task`). What waits for it is a task, which is made ready, or a pair of
//! a callback and its context, which the loop is told to call, or a `gather`. In `await` a future is its own iterator.

use std::sync::atomic::Ordering;

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::exception::Exception;
use conc_interpreter::object::function::Code;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::sequence::{List, Tuple};
use conc_interpreter::value::{Gc, Value};
use conc_interpreter::vm::generator;
use conc_macros::methods;

use super::task::{self, TASK};
use super::{Which, class_of};
use super::{eventloop, gather, queue};
use crate::concurrency::contextvars;
use crate::core::shared::{call_method, recall_class};
use crate::data::boxes::{make, number, set_number};

/// A future of a script, or of the library.
pub static FUTURE: Behavior = Behavior::awaitable("Future", answer);

/// What `sleep` awaits: a future that is among its loop's timers, with its result. Slots: those of a future, then those
/// of a timer from WHEN on.
pub static SLEEP: Behavior = Behavior::awaitable("Future", answer);

/// What `Queue.get` awaits for an item. Slots: those of a future, and the queue.
pub static GETTER: Behavior = Behavior { thrown: Some(queue::give_up), ..Behavior::awaitable("Future", queue::answer) };

/// Slots of a future, which a task has, too.
pub mod slot {
    pub const LOOP: usize = 0;
    /// What has become of it, flags, and of a task how often it was cancelled.
    pub const STATE: usize = 1;
    /// The result, or the exception.
    pub const RESULT: usize = 2;
    /// None, one entry, or a list of entries.
    pub const CALLBACKS: usize = 3;
    /// Failed: the exception's traceback when it was set, so that every raise adds to that only. Else the message of the
    /// cancellation, or with `KEPT` the CancelledError that ended the task.
    pub const EXTRA: usize = 4;
    /// In debug mode, where the future was made.
    pub const SOURCE: usize = 5;
    pub const COUNT: usize = 6;
}

/// What has become of a future: the low bits of its state.
pub mod state {
    pub const PENDING: i64 = 0;
    pub const CANCELLED: i64 = 1;
    pub const FINISHED: i64 = 2;
    /// Finished with an exception.
    pub const FAILED: i64 = 3;
    pub const MASK: i64 = 3;
}

/// Further bits of the state. Above them is the number of a task's cancellations, and then where the task's coroutine was
/// made: the index of the instruction in the code that the slot SOURCE holds.
pub mod flag {
    /// It was yielded by an `await`, and the task has not taken note yet.
    pub const BLOCKING: i64 = 4;
    /// Its exception has not been looked at.
    pub const UNRETRIEVED: i64 = 8;
    /// Tasks: the next step raises CancelledError.
    pub const MUST_CANCEL: i64 = 16;
    /// Tasks: tell if it dies while it is pending.
    pub const LOG_DESTROY: i64 = 32;
    /// It was yielded by the machine's own `await`, which raises its exception itself.
    pub const DIRECT: i64 = 64;
    /// Whoever is told that the exception was never looked at has been registered.
    pub const WATCHED: i64 = 128;
    /// The slot EXTRA holds an exception.
    pub const KEPT: i64 = 256;
    /// Tasks: the slot WAITER holds what the next step raises.
    pub const THROW: i64 = 512;
    /// With `KEPT`: the cancellation had a message, which is the exception's.
    pub const MESSAGE: i64 = 1024;
    pub const WIDTH: u32 = 11;
}

/// The future or task behind a value.
pub fn future(v: Value) -> Option<Gc<Boxed>> {
    v.cast::<Boxed>().filter(|b| b.is(&FUTURE) || b.is(&TASK) || b.is(&SLEEP) || b.is(&GETTER))
}

/// The future that a sleeping task waits for, behind a value.
pub fn sleep(v: Value) -> Option<Gc<Boxed>> {
    v.cast::<Boxed>().filter(|b| b.is(&SLEEP))
}

/// A new future that ends as a timer does.
pub fn new_sleep(cx: &mut Ctx, event_loop: Value, result: Value, when: Value, number: i64) -> Gc<Boxed> {
    let class = class_of(cx, Which::Future);
    let mut slots = [Value::NONE; slot::COUNT + 2];
    slots[..slot::COUNT].copy_from_slice(&fresh(event_loop));
    slots[slot::RESULT] = result;
    slots[super::handle::slot::WHEN] = when;
    slots[super::handle::slot::NUMBER] = Value::small_int(number);
    make(cx, class, &SLEEP, &slots)
}

pub fn receiver(cx: &mut Ctx, this: Value) -> R<Gc<Boxed>> {
    match future(this) {
        Some(f) => Ok(f),
        None => {
            let got = cx.type_name(this);
            Err(cx.type_error(format!("descriptor requires a 'Future' object but received a '{got}'")))
        }
    }
}

pub fn state_of(f: &Boxed) -> i64 {
    number(f, slot::STATE) & state::MASK
}

pub fn is_pending(f: &Boxed) -> bool {
    state_of(f) == state::PENDING
}

/// The future is to end once more.
pub fn begin_again(f: &Boxed) {
    end(f, state::PENDING);
}

fn end(f: &Boxed, how: i64) {
    set_number(f, slot::STATE, number(f, slot::STATE) & !state::MASK | how);
}

pub fn has(f: &Boxed, flag: i64) -> bool {
    number(f, slot::STATE) & flag != 0
}

pub fn put(f: &Boxed, flag: i64, on: bool) {
    let bits = number(f, slot::STATE);
    set_number(f, slot::STATE, if on { bits | flag } else { bits & !flag });
}

/// Cancellations of a task are not counted any further.
const MAX_CANCELLATIONS: i64 = (1 << 20) - 1;
/// Where the index of the instruction begins.
const SITE_SHIFT: u32 = flag::WIDTH + 20;
/// It has so many bits.
const SITE_WIDTH: u32 = 28;

/// Keeps where a task's coroutine was made.
pub fn set_site(f: &Boxed, code: Gc<Code>, at: u32) {
    if u64::from(at) < 1 << SITE_WIDTH {
        set_number(f, slot::STATE, number(f, slot::STATE) | i64::from(at) << SITE_SHIFT);
        f.slots()[slot::SOURCE].set(code.value());
    }
}

/// Where a task's coroutine was made, if that was noted.
pub fn site(f: &Boxed) -> Option<(Gc<Code>, u32)> {
    Some((f.slots()[slot::SOURCE].get().cast()?, (number(f, slot::STATE) >> SITE_SHIFT) as u32))
}

/// How often a task has been cancelled, less how often that was taken back.
pub fn cancellations(f: &Boxed) -> i64 {
    number(f, slot::STATE) >> flag::WIDTH & MAX_CANCELLATIONS
}

pub fn set_cancellations(f: &Boxed, n: i64) {
    let bits = number(f, slot::STATE) & !(MAX_CANCELLATIONS << flag::WIDTH);
    set_number(f, slot::STATE, n.clamp(0, MAX_CANCELLATIONS) << flag::WIDTH | bits);
}

/// The message that a cancellation was given, or None.
pub fn message(f: &Boxed) -> Value {
    let extra = f.slots()[slot::EXTRA].get();
    if !has(f, flag::KEPT) {
        return extra;
    }
    if !has(f, flag::MESSAGE) {
        return Value::NONE;
    }
    let args = extra.cast::<Exception>().and_then(|e| e.args.get().cast::<Tuple>());
    args.and_then(|a| a.items().first().copied()).unwrap_or(Value::NONE)
}

/// Keeps the CancelledError that ends a task, for the first who asks.
pub fn keep_error(f: &Boxed, exc: Value) {
    put(f, flag::MESSAGE, !message(f).is_none());
    put(f, flag::KEPT, true);
    f.slots()[slot::EXTRA].set(exc);
}

/// Keeps the message of a cancellation.
pub fn set_message(f: &Boxed, message: Value) {
    put(f, flag::KEPT, false);
    f.slots()[slot::EXTRA].set(message);
}

/// The first slots of a new future of a loop.
pub fn fresh(event_loop: Value) -> [Value; slot::COUNT] {
    let mut slots = [Value::NONE; slot::COUNT];
    slots[slot::LOOP] = event_loop;
    slots[slot::STATE] = Value::small_int(state::PENDING);
    slots
}

/// A new future of a loop.
pub fn new(cx: &mut Ctx, event_loop: Value) -> Value {
    let class = class_of(cx, Which::Future);
    make(cx, class, &FUTURE, &fresh(event_loop)).value()
}

/// An exception of one of asyncio's classes.
pub fn error(cx: &mut Ctx, class: &str, args: &[Value]) -> Raised {
    let Some(class) = recall_class(cx, class) else { return cx.runtime_error(class) };
    match cx.call(class.value(), args) {
        Ok(exc) => {
            cx.set_context(exc);
            Raised(exc)
        }
        Err(e) => e,
    }
}

pub fn invalid_state(cx: &mut Ctx, message: &str) -> Raised {
    let message = cx.str(message);
    error(cx, INVALID_STATE, &[message])
}

pub const INVALID_STATE: &str = "asyncio.InvalidStateError";
pub const CANCELLED_ERROR: &str = "asyncio.CancelledError";

/// The CancelledError of a cancelled future, or of a task that is to be.
pub fn cancelled_error(cx: &mut Ctx, f: &Boxed) -> Raised {
    let message = message(f);
    if has(f, flag::KEPT) {
        let kept = f.slots()[slot::EXTRA].get();
        set_message(f, message);
        return Raised(kept);
    }
    if message.is_none() { error(cx, CANCELLED_ERROR, &[]) } else { error(cx, CANCELLED_ERROR, &[message]) }
}

/// The result of a future that has ended, or its exception raised.
pub fn outcome(cx: &mut Ctx, f: Gc<Boxed>) -> R {
    put(&f, flag::UNRETRIEVED, false);
    let result = f.slots()[slot::RESULT].get();
    match state_of(&f) {
        state::FINISHED => Ok(result),
        state::CANCELLED => Err(cancelled_error(cx, &f)),
        state::FAILED => {
            if let Some(e) = result.cast::<Exception>() {
                e.traceback.set(f.slots()[slot::EXTRA].get());
            }
            Err(Raised(result))
        }
        _ => Err(invalid_state(cx, "Result is not set.")),
    }
}

/// `await`: yields the future until it has ended, then returns its result.
pub fn answer(cx: &mut Ctx, f: Gc<Boxed>, _sent: Value) -> R<Result<Value, Value>> {
    if is_pending(&f) {
        put(&f, flag::BLOCKING | flag::DIRECT, true);
        return Ok(Ok(f.value()));
    }
    outcome(cx, f).map(Err)
}

/// Has an entry called when the future ends.
pub fn add_entry(cx: &mut Ctx, f: Gc<Boxed>, entry: Value) -> R<()> {
    let slot = &f.slots()[slot::CALLBACKS];
    let now = slot.get();
    if now.is_none() {
        slot.set(entry);
        return Ok(());
    }
    if let Some(list) = now.cast::<List>() {
        return cx.list_push(list, entry);
    }
    let list = cx.list(&[now, entry])?;
    slot.set(list.value());
    Ok(())
}

/// The future has ended: who waits for it is told by the loop.
fn tell(cx: &mut Ctx, f: Gc<Boxed>) -> R<()> {
    let entries = f.slots()[slot::CALLBACKS].swap(Value::NONE);
    if entries.is_none() {
        return Ok(());
    }
    let Some(list) = entries.cast::<List>() else { return tell_one(cx, f, entries) };
    let list = cx.list_snapshot(list)?;
    for &entry in list.items() {
        tell_one(cx, f, entry)?;
    }
    Ok(())
}

fn tell_one(cx: &mut Ctx, f: Gc<Boxed>, entry: Value) -> R<()> {
    if let Some(task) = task::task(entry) {
        return task::make_ready(cx, task);
    }
    let Some(pair) = entry.cast::<Tuple>() else {
        return match gather::group(entry) {
            Some(group) => gather::child_ended(cx, group, f),
            None => Ok(()),
        };
    };
    let (callback, context) = (pair.items()[0], pair.items()[1]);
    let event_loop = f.slots()[slot::LOOP].get();
    eventloop::call_soon(cx, event_loop, callback, &[f.value()], context)
}

pub fn set_result(cx: &mut Ctx, f: Gc<Boxed>, result: Value) -> R<()> {
    if !is_pending(&f) {
        return Err(invalid_state(cx, "invalid state"));
    }
    f.slots()[slot::RESULT].set(result);
    end(&f, state::FINISHED);
    tell(cx, f)
}

pub fn set_exception(cx: &mut Ctx, f: Gc<Boxed>, exc: Value) -> R<()> {
    if !is_pending(&f) {
        return Err(invalid_state(cx, "invalid state"));
    }
    let exc = if exc.cast::<Class>().is_some() { cx.call(exc, &[])? } else { exc };
    let Some(e) = exc.cast::<Exception>() else {
        return Err(cx.type_error("invalid exception object"));
    };
    let exc = match cx.is_instance(exc, ClassId::StopIteration) {
        true => wrapped_stop(cx, exc),
        false => exc,
    };
    put(&f, flag::KEPT, false);
    f.slots()[slot::EXTRA].set(e.traceback.get());
    f.slots()[slot::RESULT].set(exc);
    put(&f, flag::UNRETRIEVED, true);
    if !has(&f, flag::WATCHED) {
        put(&f, flag::WATCHED, true);
        cx.register_finalizer(f.value());
    }
    end(&f, state::FAILED);
    tell(cx, f)
}

/// StopIteration would end a generator that waits for the future.
fn wrapped_stop(cx: &mut Ctx, stop: Value) -> Value {
    let text = "StopIteration interacts badly with generators and cannot be raised into a Future";
    let new = cx.new_exception(ClassId::RuntimeError, text);
    if let Some(e) = new.cast::<Exception>() {
        e.cause.set(stop);
        e.context.set(stop);
        e.suppress.store(1, Ordering::Relaxed);
    }
    new
}

/// Cancels a future that has not ended; false: it has.
pub fn cancel(cx: &mut Ctx, f: Gc<Boxed>, message: Value) -> R<bool> {
    put(&f, flag::UNRETRIEVED, false);
    if !is_pending(&f) {
        return Ok(false);
    }
    if f.is(&SLEEP) {
        eventloop::timer_cancelled(cx, f.slots()[slot::LOOP].get());
    }
    set_message(&f, message);
    finish_cancelled(cx, f)?;
    Ok(true)
}

/// The future ends as cancelled, with the message or error that it has.
pub fn finish_cancelled(cx: &mut Ctx, f: Gc<Boxed>) -> R<()> {
    end(&f, state::CANCELLED);
    tell(cx, f)
}

/// Removes the entries of a callback; how many there were.
fn remove_callback(cx: &mut Ctx, f: Gc<Boxed>, callback: Value) -> R<i64> {
    let entries = f.slots()[slot::CALLBACKS].get();
    let all = match entries.cast::<List>() {
        Some(list) => cx.list_snapshot(list)?.value(),
        None if entries.is_none() => return Ok(0),
        None => cx.tuple(&[entries])?,
    };
    let Some(all) = all.cast::<Tuple>() else { return Ok(0) };
    let kept = cx.new_list();
    let mut removed = 0;
    for &entry in all.items() {
        let same = match entry.cast::<Tuple>() {
            Some(pair) => cx.eq(pair.items()[0], callback)?,
            None => false,
        };
        match same {
            true => removed += 1,
            false => cx.list_push(kept, entry)?,
        }
    }
    let kept = if kept.is_empty() { Value::NONE } else { kept.value() };
    f.slots()[slot::CALLBACKS].set(kept);
    Ok(removed)
}

/// What a future's `__await__` gives to who drives it by hand. Slot: the future, None once it has ended.
static ITERATOR: Behavior = Behavior::awaitable("FutureIter", iterator_answer);

fn iterator_answer(cx: &mut Ctx, it: Gc<Boxed>, _sent: Value) -> R<Result<Value, Value>> {
    let Some(f) = future(it.slots()[0].get()) else { return Ok(Err(Value::NONE)) };
    if !is_pending(&f) {
        it.slots()[0].set(Value::NONE);
        return outcome(cx, f).map(Err);
    }
    if it.slots()[1].swap(Value::TRUE) == Value::TRUE {
        return Err(cx.runtime_error("await wasn't used with future"));
    }
    put(&f, flag::BLOCKING, true);
    put(&f, flag::DIRECT, true);
    Ok(Ok(f.value()))
}

/// FutureIter
#[methods]
pub mod iterator {
    use super::*;

    fn step(cx: &mut Ctx, this: Gc<Boxed>, sent: Value) -> R {
        match iterator_answer(cx, this, sent)? {
            Ok(yielded) => Ok(yielded),
            Err(returned) => Err(cx.stop_iteration(returned)),
        }
    }
    pub fn __iter__(this: Value) -> Value {
        this
    }
    pub fn __next__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        step(cx, this, Value::NONE)
    }
    /// Go on; what is sent does not matter.
    pub fn send(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R {
        step(cx, this, value)
    }
    /// Raise an exception where the future is waited for.
    pub fn throw(cx: &mut Ctx, this: Gc<Boxed>, typ: Value, value: Option<Value>, _tb: Option<Value>) -> R {
        this.slots()[0].set(Value::NONE);
        let exc = match (typ.cast::<Class>(), value) {
            (Some(_), Some(value)) if value.cast::<Exception>().is_some() => value,
            (Some(_), Some(value)) => cx.call(typ, &[value])?,
            (Some(_), None) => cx.call(typ, &[])?,
            _ => typ,
        };
        Err(Raised(exc))
    }
    /// Wait no more.
    pub fn close(this: Gc<Boxed>) {
        this.slots()[0].set(Value::NONE);
    }
}

/// Future
#[methods]
pub mod plain {
    use super::*;
    use crate::core::shared::import;
    use conc_interpreter::native::Kwargs;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        make(cx, class, &FUTURE, &fresh(Value::NONE))
    }
    pub fn __init__(
        cx: &mut Ctx,
        this: Value,
        #[kwonly]
        #[default(Value::NONE)]
        r#loop: Value,
    ) -> R<()> {
        let f = receiver(cx, this)?;
        let event_loop = match r#loop.is_none() {
            true => eventloop::current_or_default(cx)?,
            false => r#loop,
        };
        f.slots()[slot::LOOP].set(event_loop);
        note_source(cx, f, event_loop)
    }
    /// The result, or raise the exception.
    pub fn result(cx: &mut Ctx, this: Value) -> R {
        let f = receiver(cx, this)?;
        outcome(cx, f)
    }
    /// The exception that was set, or None.
    pub fn exception(cx: &mut Ctx, this: Value) -> R {
        let f = receiver(cx, this)?;
        match state_of(&f) {
            state::CANCELLED => Err(cancelled_error(cx, &f)),
            state::FINISHED => Ok(Value::NONE),
            state::FAILED => {
                put(&f, flag::UNRETRIEVED, false);
                Ok(f.slots()[slot::RESULT].get())
            }
            _ => Err(invalid_state(cx, "Exception is not set.")),
        }
    }
    /// Give the future its result.
    #[name = "set_result"]
    pub fn set_result_method(cx: &mut Ctx, this: Value, result: Value) -> R<()> {
        let f = receiver(cx, this)?;
        set_result(cx, f, result)
    }
    /// Give the future an exception.
    #[name = "set_exception"]
    pub fn set_exception_method(cx: &mut Ctx, this: Value, exception: Value) -> R<()> {
        let f = receiver(cx, this)?;
        set_exception(cx, f, exception)
    }
    /// Have a function called with the future when that has ended.
    pub fn add_done_callback(
        cx: &mut Ctx,
        this: Value,
        callback: Value,
        #[kwonly]
        #[default(Value::NONE)]
        context: Value,
    ) -> R<()> {
        let f = receiver(cx, this)?;
        let context = if context.is_none() { contextvars::copy(cx) } else { context };
        let entry = cx.tuple(&[callback, context])?;
        if is_pending(&f) { add_entry(cx, f, entry) } else { tell_one(cx, f, entry) }
    }
    /// Forget a callback; how many there were.
    #[name = "remove_done_callback"]
    pub fn remove_done_callback(cx: &mut Ctx, this: Value, callback: Value) -> R<i64> {
        let f = receiver(cx, this)?;
        remove_callback(cx, f, callback)
    }
    /// Cancel the future; False: it has ended.
    #[name = "cancel"]
    pub fn cancel_method(
        cx: &mut Ctx,
        this: Value,
        #[kw]
        #[default(Value::NONE)]
        msg: Value,
    ) -> R<bool> {
        let f = receiver(cx, this)?;
        cancel(cx, f, msg)
    }
    /// Whether the future was cancelled.
    pub fn cancelled(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(state_of(&*receiver(cx, this)?) == state::CANCELLED)
    }
    /// Whether the future has ended.
    pub fn done(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(!is_pending(&*receiver(cx, this)?))
    }
    /// The event loop that the future belongs to.
    pub fn get_loop(cx: &mut Ctx, this: Value) -> R {
        let event_loop = receiver(cx, this)?.slots()[slot::LOOP].get();
        if event_loop.is_none() {
            return Err(cx.runtime_error("Future object is not initialized."));
        }
        Ok(event_loop)
    }
    pub fn __await__(cx: &mut Ctx, this: Value) -> R<Gc<Boxed>> {
        receiver(cx, this)?;
        let class = class_of(cx, Which::FutureIter);
        Ok(make(cx, class, &ITERATOR, &[this, Value::FALSE]))
    }
    pub fn __iter__(cx: &mut Ctx, this: Value) -> R<Gc<Boxed>> {
        __await__(cx, this)
    }
    /// Give the class with type arguments.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Gc<Class>, object: Value) -> R {
        Ok(cx.generic_alias(class.value(), object)?.value())
    }
    pub fn _make_cancelled_error(cx: &mut Ctx, this: Value) -> R {
        let f = receiver(cx, this)?;
        Ok(cancelled_error(cx, &f).0)
    }
    pub fn __repr__(cx: &mut Ctx, this: Value) -> R {
        let describe = import(cx, "asyncio._describe")?;
        call_method(cx, describe, "future", &[this])
    }
    /// Tells of an exception that nobody has looked at, and of tasks that die before they have ended.
    pub fn __del__(cx: &mut Ctx, this: Value) -> R<()> {
        let f = receiver(cx, this)?;
        let dying_task = f.is(&TASK) && is_pending(&f) && has(&f, flag::LOG_DESTROY);
        if has(&f, flag::UNRETRIEVED) || dying_task {
            let describe = import(cx, "asyncio._describe")?;
            let tell = cx.intern(if dying_task { "destroyed" } else { "never_retrieved" });
            match cx.get_attr_opt(describe, tell)? {
                Some(tell) => drop(cx.call(tell, &[this])?),
                // It is being loaded, for another one that is told of: this one is after the next collection.
                None => cx.register_finalizer(this),
            }
        }
        Ok(())
    }

    #[getter]
    pub fn _loop(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::LOOP].get())
    }
    #[getter]
    pub fn _state(cx: &mut Ctx, this: Value) -> R<&'static str> {
        Ok(match state_of(&*receiver(cx, this)?) {
            state::PENDING => "PENDING",
            state::CANCELLED => "CANCELLED",
            _ => "FINISHED",
        })
    }
    #[getter]
    pub fn _result(cx: &mut Ctx, this: Value) -> R {
        let f = receiver(cx, this)?;
        Ok(if state_of(&f) == state::FINISHED { f.slots()[slot::RESULT].get() } else { Value::NONE })
    }
    #[getter]
    pub fn _exception(cx: &mut Ctx, this: Value) -> R {
        let f = receiver(cx, this)?;
        Ok(if state_of(&f) == state::FAILED { f.slots()[slot::RESULT].get() } else { Value::NONE })
    }
    /// Pairs of callback and context; a task that waits for the future stands for its own wake-up.
    #[getter]
    pub fn _callbacks(cx: &mut Ctx, this: Value) -> R {
        let entries = receiver(cx, this)?.slots()[slot::CALLBACKS].get();
        let all = match entries.cast::<List>() {
            Some(list) => cx.list_snapshot(list)?.value(),
            None if entries.is_none() => return Ok(Value::NONE),
            None => cx.tuple(&[entries])?,
        };
        let (Some(all), pairs) = (all.cast::<Tuple>(), cx.new_list()) else { return Ok(Value::NONE) };
        for &entry in all.items() {
            let pair = match task::task(entry) {
                Some(t) => {
                    let wakeup = cx.get_attr_text(entry, "_wakeup")?;
                    cx.tuple(&[wakeup, t.slots()[task::slot::CONTEXT].get()])?
                }
                None => match gather::group(entry) {
                    Some(group) => cx.tuple(&[0, 1].map(|i| group.slots()[i].get()))?,
                    None => entry,
                },
            };
            cx.list_push(pairs, pair)?;
        }
        Ok(pairs.value())
    }
    #[getter]
    pub fn _cancel_message(cx: &mut Ctx, this: Value) -> R {
        let f = receiver(cx, this)?;
        Ok(if state_of(&f) == state::FAILED { Value::NONE } else { message(&f) })
    }
    #[setter]
    #[name = "_cancel_message"]
    pub fn set_cancel_message(cx: &mut Ctx, this: Value, message: Value) -> R<()> {
        let f = receiver(cx, this)?;
        if state_of(&f) != state::FAILED {
            set_message(&f, message);
        }
        Ok(())
    }
    #[getter]
    pub fn _source_traceback(cx: &mut Ctx, this: Value) -> R {
        let source = receiver(cx, this)?.slots()[slot::SOURCE].get();
        Ok(if source.is_a::<Code>() { Value::NONE } else { source })
    }
    /// File, line and function where a task's coroutine was made, or None.
    #[getter]
    pub fn _made_at(cx: &mut Ctx, this: Value) -> R {
        let Some((code, at)) = site(&*receiver(cx, this)?) else { return Ok(Value::NONE) };
        let line = cx.int(generator::line(code, at).into());
        let file = cx.str(&code.template().source.name);
        cx.tuple(&[file, line, code.name.get()])
    }
    #[getter]
    pub fn _asyncio_future_blocking(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(has(&*receiver(cx, this)?, flag::BLOCKING))
    }
    #[setter]
    #[name = "_asyncio_future_blocking"]
    pub fn set_blocking(cx: &mut Ctx, this: Value, on: Value) -> R<()> {
        let on = cx.truth(on)?;
        let f = receiver(cx, this)?;
        put(&f, flag::BLOCKING, on);
        put(&f, flag::DIRECT, false);
        Ok(())
    }
    #[getter]
    pub fn _log_traceback(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(has(&*receiver(cx, this)?, flag::UNRETRIEVED))
    }
    #[setter]
    #[name = "_log_traceback"]
    pub fn set_log_traceback(cx: &mut Ctx, this: Value, on: Value) -> R<()> {
        if cx.truth(on)? {
            return Err(cx.value_error("_log_traceback can only be set to False"));
        }
        put(&*receiver(cx, this)?, flag::UNRETRIEVED, false);
        Ok(())
    }
}

/// In debug mode, keeps where the future was made.
pub fn note_source(cx: &mut Ctx, f: Gc<Boxed>, event_loop: Value) -> R<()> {
    let debugging = match eventloop::event_loop(event_loop) {
        Some(_) => eventloop::is_debugging(event_loop),
        None => {
            let debugging = call_method(cx, event_loop, "get_debug", &[])?;
            cx.truth(debugging)?
        }
    };
    if debugging {
        let describe = cx.import("asyncio._describe")?;
        let source = call_method(cx, describe, "source", &[])?;
        f.slots()[slot::SOURCE].set(source);
    }
    Ok(())
}
