//! `asyncio.Task`: a coroutine that an event loop resumes, step by step, as a future of what it returns.

use std::sync::atomic::{AtomicU64, Ordering};

use conc_interpreter::native::{Ctx, Entered, NativeFrame, R, Step};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::exception::{Exception, extra};
use conc_interpreter::object::generator::Generator;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::value::{Gc, Value};
use conc_interpreter::vm::generator;
use conc_macros::methods;

use super::eventloop;
use super::future::{self, cancelled_error, flag, has, is_pending, put, slot as common, state, state_of};
use super::{Which, class_of};
use crate::concurrency::contextvars;
use crate::core::shared::{call_method, import, recall_class};
use crate::data::boxes::make;

pub static TASK: Behavior = Behavior::awaitable("Task", |cx, f, sent| match future::FUTURE.send {
    Some(send) => send(cx, f, sent),
    None => Ok(Err(Value::NONE)),
});

/// Slots of a task after those of a future.
pub mod slot {
    use super::common;

    pub const CORO: usize = common::COUNT;
    /// What it waits for, or with `THROW` what its next step raises; or None.
    pub const WAITER: usize = CORO + 1;
    pub const CONTEXT: usize = CORO + 2;
    /// A str, or the number that the name is made of.
    pub const NAME: usize = CORO + 3;
    /// Its neighbours among its loop's tasks that have not ended.
    pub const NEXT: usize = CORO + 4;
    pub const PREVIOUS: usize = CORO + 5;
    pub const COUNT: usize = CORO + 6;
}

/// What a step needs lies in so many of a task's first bytes.
pub const HOT_BYTES: usize = size_of::<Boxed>() + 8 * (slot::CONTEXT + 1);

/// The task behind a value.
pub fn task(v: Value) -> Option<Gc<Boxed>> {
    v.cast::<Boxed>().filter(|b| b.is(&TASK))
}

fn receiver(cx: &mut Ctx, this: Value) -> R<Gc<Boxed>> {
    match task(this) {
        Some(t) => Ok(t),
        None => {
            let got = cx.type_name(this);
            Err(cx.type_error(format!("descriptor requires a 'Task' object but received a '{got}'")))
        }
    }
}

/// Numbers of tasks without a name.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

fn blank() -> [Value; slot::COUNT] {
    let mut slots = [Value::NONE; slot::COUNT];
    slots[..common::COUNT].copy_from_slice(&future::fresh(Value::NONE));
    slots
}

fn is_native_coroutine(v: Value) -> bool {
    v.cast::<Generator>().is_some_and(|g| g.header.shape() == ClassId::Coroutine.shape())
}

/// Makes a task of a coroutine and has the loop run it.
pub fn create(cx: &mut Ctx, event_loop: Value, coro: Value, name: Value, context: Value) -> R {
    let class = class_of(cx, Which::Task);
    let t = make(cx, class, &TASK, &blank());
    begin(cx, t, event_loop, coro, name, context)?;
    make_ready(cx, t)?;
    Ok(t.value())
}

/// Fills a new task's slots.
fn begin(cx: &mut Ctx, t: Gc<Boxed>, event_loop: Value, coro: Value, name: Value, context: Value) -> R<()> {
    if !is_native_coroutine(coro) {
        let coroutines = import(cx, "asyncio.coroutines")?;
        let is_one = call_method(cx, coroutines, "iscoroutine", &[coro])?;
        if !cx.truth(is_one)? {
            put(&t, flag::LOG_DESTROY, false);
            let shown = cx.repr_text(coro);
            return Err(cx.type_error(format!("a coroutine was expected, got {shown}")));
        }
    }
    let name = match name.is_none() {
        true => Value::small_int(NUMBERS.fetch_add(1, Ordering::Relaxed) as i64),
        false => cx.to_str(name)?.value(),
    };
    let context = if context.is_none() { contextvars::copy(cx) } else { context };
    let slots = t.slots();
    slots[common::LOOP].set(event_loop);
    slots[slot::CORO].set(coro);
    slots[slot::NAME].set(name);
    slots[slot::CONTEXT].set(context);
    put(&t, flag::LOG_DESTROY, true);
    if let Some(g) = coro.cast::<Generator>() {
        if let Some((code, at)) = generator::made_in(cx, g) {
            future::set_site(&t, code, at);
        }
        g.set_busy(true);
    }
    future::note_source(cx, t, event_loop)?;
    eventloop::adopt(cx, event_loop, t);
    Ok(())
}

/// Puts a task among those that its loop runs next.
pub fn make_ready(cx: &mut Ctx, t: Gc<Boxed>) -> R<()> {
    eventloop::push(cx, t.slots()[common::LOOP].get(), t.value())
}

/// Begins a task's next step: what the loop's frame does for it. None: nothing is to be run.
pub fn step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, t: Gc<Boxed>) -> R<Option<Step>> {
    let slots = t.slots();
    let coro = slots[slot::CORO].get();
    const SPECIAL: i64 = state::MASK | flag::THROW | flag::MUST_CANCEL;
    // It let others run, and nothing has happened to it.
    if !has(&t, SPECIAL) && slots[slot::WAITER].get().is_none() && coro.cast::<Generator>().is_some() {
        return Ok(Some(Step::Send(coro, Value::NONE)));
    }
    if !is_pending(&t) {
        return Ok(None);
    }
    let waiter = slots[slot::WAITER].swap(Value::NONE);
    let throws = has(&t, flag::THROW);
    put(&t, flag::THROW, false);
    let exc = match has(&t, flag::MUST_CANCEL) {
        true => {
            put(&t, flag::MUST_CANCEL, false);
            // If what was waited for has been cancelled, by that.
            let by = future::future(waiter).filter(|f| state_of(f) == state::CANCELLED).unwrap_or(t);
            Some(cancelled_error(cx, &by).0)
        }
        false if throws => Some(waiter),
        false => failure(cx, waiter),
    };
    Ok(Some(match exc {
        Some(exc) => {
            let throw = cx.get_attr_text(coro, "throw")?;
            frame.call(throw, &[exc])
        }
        None if coro.cast::<Generator>().is_some() => Step::Send(coro, Value::NONE),
        None => {
            let send = cx.get_attr_text(coro, "send")?;
            frame.call(send, &[Value::NONE])
        }
    }))
}

/// The exception of what was waited for, if the `await` does not raise it itself.
fn failure(cx: &mut Ctx, waiter: Value) -> Option<Value> {
    let f = future::future(waiter)?;
    if has(&f, flag::DIRECT) || is_pending(&f) {
        return None;
    }
    future::outcome(cx, f).err().map(|e| e.0)
}

/// What a step came to. Err: an exception that ends the loop's run, too.
pub fn stepped(cx: &mut Ctx, t: Gc<Boxed>, entered: Entered) -> R<()> {
    match entered {
        Entered::With(yielded) => wait_for(cx, t, yielded),
        Entered::Ended(result) => ended(cx, t, Ok(result)),
        Entered::Raised(e) if cx.is_error(e, ClassId::StopIteration) => {
            let result = e.0.cast::<Exception>().map_or(Value::NONE, |e| e.extra[extra::STOP_VALUE].get());
            ended(cx, t, Ok(result))
        }
        Entered::Raised(e) => ended(cx, t, Err(e)),
        Entered::Start => Ok(()),
    }
}

fn ended(cx: &mut Ctx, t: Gc<Boxed>, outcome: R) -> R<()> {
    if !is_pending(&t) {
        return Ok(());
    }
    let cancelled = match outcome {
        Ok(_) => has(&t, flag::MUST_CANCEL),
        Err(e) => recall_class(cx, future::CANCELLED_ERROR).is_some_and(|c| cx.class_of(e.0).is_subclass_of(c)),
    };
    eventloop::dismiss(cx, t);
    match outcome {
        Ok(_) if cancelled => {
            put(&t, flag::MUST_CANCEL, false);
            future::finish_cancelled(cx, t)
        }
        Ok(result) => future::set_result(cx, t, result),
        Err(e) if cancelled => {
            future::keep_error(&t, e.0);
            future::finish_cancelled(cx, t)
        }
        Err(e) => {
            future::set_exception(cx, t, e.0)?;
            let fatal = cx.is_error(e, ClassId::KeyboardInterrupt) || cx.is_error(e, ClassId::SystemExit);
            if fatal { Err(e) } else { Ok(()) }
        }
    }
}

/// The task's coroutine has yielded: what it waits for makes it ready again.
fn wait_for(cx: &mut Ctx, t: Gc<Boxed>, yielded: Value) -> R<()> {
    if yielded.is_none() {
        return make_ready(cx, t);
    }
    if let Some(complaint) = complaint(cx, t, yielded)? {
        let complaint = cx.runtime_error(complaint);
        put(&t, flag::THROW, true);
        t.slots()[slot::WAITER].set(complaint.0);
        return make_ready(cx, t);
    }
    t.slots()[slot::WAITER].set(yielded);
    match future::future(yielded) {
        Some(f) => {
            put(&f, flag::BLOCKING, false);
            match is_pending(&f) {
                true => future::add_entry(cx, f, t.value())?,
                false => make_ready(cx, t)?,
            }
        }
        None => subscribe(cx, t, yielded)?,
    }
    if has(&t, flag::MUST_CANCEL) {
        let message = future::message(&t);
        if cancel_any(cx, yielded, message)? {
            put(&t, flag::MUST_CANCEL, false);
        }
    }
    Ok(())
}

/// What is wrong with what a task's coroutine has yielded.
fn complaint(cx: &mut Ctx, t: Gc<Boxed>, yielded: Value) -> R<Option<String>> {
    let found = match future::future(yielded) {
        Some(f)
            if f.slots()[common::LOOP].get() == t.slots()[common::LOOP].get() && f != t && has(&f, flag::BLOCKING) =>
        {
            return Ok(None);
        }
        Some(f) => Some((f.slots()[common::LOOP].get(), has(&f, flag::BLOCKING))),
        None => foreign_future(cx, yielded)?,
    };
    let shown = cx.repr_text(t.value());
    let Some((event_loop, blocking)) = found else {
        if yielded.cast::<Generator>().is_some_and(|g| g.header.shape() == ClassId::Generator.shape()) {
            let generator = cx.repr_text(yielded);
            return Ok(Some(format!(
                "yield was used instead of yield from for generator in task {shown} with {generator}"
            )));
        }
        let got = cx.repr_text(yielded);
        return Ok(Some(format!("Task got bad yield: {got}")));
    };
    if event_loop != t.slots()[common::LOOP].get() {
        let other = cx.repr_text(yielded);
        return Ok(Some(format!("Task {shown} got Future {other} attached to a different loop")));
    }
    if !blocking {
        let other = cx.repr_text(yielded);
        return Ok(Some(format!("yield was used instead of yield from in task {shown} with {other}")));
    }
    Ok((yielded == t.value()).then(|| format!("Task cannot await on itself: {shown}")))
}

/// The loop of a future that a script has made a class for, and whether it was yielded by an `await`.
fn foreign_future(cx: &mut Ctx, v: Value) -> R<Option<(Value, bool)>> {
    let name = cx.intern("_asyncio_future_blocking");
    let blocking = match cx.get_attr_opt(v, name)? {
        None => return Ok(None),
        Some(blocking) if blocking.is_none() => return Ok(None),
        Some(blocking) => cx.truth(blocking)?,
    };
    Ok(Some((call_method(cx, v, "get_loop", &[])?, blocking)))
}

/// Has a script's own future wake the task.
fn subscribe(cx: &mut Ctx, t: Gc<Boxed>, f: Value) -> R<()> {
    let name = cx.intern("_asyncio_future_blocking");
    cx.set_attr(f, name, Value::FALSE)?;
    let (add, wakeup) = (cx.get_attr_text(f, "add_done_callback")?, cx.get_attr_text(t.value(), "_wakeup")?);
    let context = contextvars::materialize(cx, t.slots()[slot::CONTEXT].get());
    t.slots()[slot::CONTEXT].set(context);
    let name = cx.intern("context").value();
    cx.call_named(add, &[wakeup, context], &[name]).map(drop)
}

/// Cancels what a task waits for.
fn cancel_any(cx: &mut Ctx, waiter: Value, message: Value) -> R<bool> {
    if let Some(f) = waiter.cast::<Boxed>().filter(|f| f.is(&future::FUTURE) && cx.class_of(waiter).is_static()) {
        return future::cancel(cx, f, message);
    }
    let cancel = cx.get_attr_text(waiter, "cancel")?;
    let name = cx.intern("msg").value();
    let done = cx.call_named(cancel, &[message], &[name])?;
    cx.truth(done)
}

/// Runs a new task's first step at once, on the native stack.
fn start_eagerly(cx: &mut Ctx, t: Gc<Boxed>) -> R<()> {
    let event_loop = t.slots()[common::LOOP].get();
    let outer = eventloop::set_current_task(cx, event_loop, t.value());
    let coro = t.slots()[slot::CORO].get();
    let before = cx.current_context();
    cx.set_current_context(t.slots()[slot::CONTEXT].get());
    let outcome = call_method(cx, coro, "send", &[Value::NONE]);
    t.slots()[slot::CONTEXT].set(cx.current_context());
    cx.set_current_context(before);
    let result = match outcome {
        Ok(yielded) => stepped(cx, t, Entered::With(yielded)),
        Err(e) => stepped(cx, t, Entered::Raised(e)),
    };
    eventloop::set_current_task(cx, event_loop, outer);
    if !is_pending(&t) {
        t.slots()[slot::CORO].set(Value::NONE);
    }
    result
}

/// Task
#[methods]
pub mod plain {
    use super::*;
    use conc_interpreter::native::Kwargs;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        make(cx, class, &TASK, &blank())
    }
    pub fn __init__(
        cx: &mut Ctx,
        this: Value,
        #[kw] coro: Value,
        #[kwonly]
        #[default(Value::NONE)]
        r#loop: Value,
        #[kwonly]
        #[default(Value::NONE)]
        name: Value,
        #[kwonly]
        #[default(Value::NONE)]
        context: Value,
        #[kwonly]
        #[default(false)]
        eager_start: bool,
    ) -> R<()> {
        let t = receiver(cx, this)?;
        let event_loop = match r#loop.is_none() {
            true => eventloop::current_or_default(cx)?,
            false => r#loop,
        };
        begin(cx, t, event_loop, coro, name, context)?;
        if eager_start && eventloop::is_running_here(cx, event_loop) {
            return start_eagerly(cx, t);
        }
        make_ready(cx, t)
    }
    /// The coroutine, or None once an eager task has ended.
    pub fn get_coro(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::CORO].get())
    }
    /// The context that the task runs in.
    pub fn get_context(cx: &mut Ctx, this: Value) -> R {
        let t = receiver(cx, this)?;
        let context = contextvars::materialize(cx, t.slots()[slot::CONTEXT].get());
        t.slots()[slot::CONTEXT].set(context);
        Ok(context)
    }
    /// What the task is called.
    pub fn get_name(cx: &mut Ctx, this: Value) -> R {
        let name = receiver(cx, this)?.slots()[slot::NAME].get();
        Ok(match name.as_int() {
            Some(number) => cx.str(&format!("Task-{number}")),
            None => name,
        })
    }
    /// Call the task something else.
    pub fn set_name(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        let t = receiver(cx, this)?;
        let name = cx.to_str(value)?;
        t.slots()[slot::NAME].set(name.value());
        Ok(())
    }
    /// Have the next step raise CancelledError; False: the task has ended.
    pub fn cancel(
        cx: &mut Ctx,
        this: Value,
        #[kw]
        #[default(Value::NONE)]
        msg: Value,
    ) -> R<bool> {
        let t = receiver(cx, this)?;
        put(&t, flag::UNRETRIEVED, false);
        if !is_pending(&t) {
            return Ok(false);
        }
        future::set_cancellations(&t, future::cancellations(&t) + 1);
        let waiter = t.slots()[slot::WAITER].get();
        if !waiter.is_none() && !has(&t, flag::THROW) && cancel_any(cx, waiter, msg)? {
            return Ok(true);
        }
        put(&t, flag::MUST_CANCEL, true);
        future::set_message(&t, msg);
        Ok(true)
    }
    /// How often the task has been asked to cancel itself.
    pub fn cancelling(cx: &mut Ctx, this: Value) -> R<i64> {
        Ok(future::cancellations(&*receiver(cx, this)?))
    }
    /// Take one request to cancel back; how many are left.
    pub fn uncancel(cx: &mut Ctx, this: Value) -> R<i64> {
        let t = receiver(cx, this)?;
        let left = (future::cancellations(&t) - 1).max(0);
        future::set_cancellations(&t, left);
        if left == 0 {
            put(&t, flag::MUST_CANCEL, false);
        }
        Ok(left)
    }
    pub fn set_result(cx: &mut Ctx, _this: Value, _result: Value) -> R<()> {
        Err(cx.runtime_error("Task does not support set_result operation"))
    }
    pub fn set_exception(cx: &mut Ctx, _this: Value, _exception: Value) -> R<()> {
        Err(cx.runtime_error("Task does not support set_exception operation"))
    }
    /// What the task's coroutines are doing, outermost first.
    pub fn get_stack(
        cx: &mut Ctx,
        this: Value,
        #[kwonly]
        #[default(Value::NONE)]
        limit: Value,
    ) -> R {
        let describe = import(cx, "asyncio._describe")?;
        call_method(cx, describe, "stack", &[this, limit])
    }
    /// Print that.
    pub fn print_stack(
        cx: &mut Ctx,
        this: Value,
        #[kwonly]
        #[default(Value::NONE)]
        limit: Value,
        #[kwonly]
        #[default(Value::NONE)]
        file: Value,
    ) -> R {
        let describe = import(cx, "asyncio._describe")?;
        call_method(cx, describe, "print_stack", &[this, limit, file])
    }
    /// What ends the task's wait.
    pub fn _wakeup(cx: &mut Ctx, this: Value, _future: Value) -> R<()> {
        let t = receiver(cx, this)?;
        make_ready(cx, t)
    }
    pub fn __repr__(cx: &mut Ctx, this: Value) -> R {
        let describe = import(cx, "asyncio._describe")?;
        call_method(cx, describe, "task", &[this])
    }
    #[getter]
    pub fn _coro(cx: &mut Ctx, this: Value) -> R {
        get_coro(cx, this)
    }
    #[getter]
    pub fn _fut_waiter(cx: &mut Ctx, this: Value) -> R {
        let t = receiver(cx, this)?;
        Ok(if has(&t, flag::THROW) { Value::NONE } else { t.slots()[slot::WAITER].get() })
    }
    #[getter]
    pub fn _must_cancel(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(has(&*receiver(cx, this)?, flag::MUST_CANCEL))
    }
    #[getter]
    pub fn _num_cancels_requested(cx: &mut Ctx, this: Value) -> R<i64> {
        cancelling(cx, this)
    }
    #[getter]
    pub fn _log_destroy_pending(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(has(&*receiver(cx, this)?, flag::LOG_DESTROY))
    }
    #[setter]
    #[name = "_log_destroy_pending"]
    pub fn set_log_destroy(cx: &mut Ctx, this: Value, on: Value) -> R<()> {
        let on = cx.truth(on)?;
        put(&*receiver(cx, this)?, flag::LOG_DESTROY, on);
        Ok(())
    }
}
