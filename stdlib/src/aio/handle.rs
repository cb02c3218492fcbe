//! `asyncio.Handle` and `TimerHandle`: a callback that an event loop is to call.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;

use super::eventloop;
use super::{Which, class_of};
use crate::concurrency::contextvars;
use crate::core::shared::{call_method, import};
use crate::data::boxes::{make, number, set_number};

static HANDLE: Behavior = Behavior::named("Handle");
static TIMER: Behavior = Behavior::named("TimerHandle");

/// Slots of a handle; those of a timer's follow.
pub mod slot {
    pub const CALLBACK: usize = 0;
    /// A tuple.
    pub const ARGS: usize = 1;
    pub const LOOP: usize = 2;
    pub const CONTEXT: usize = 3;
    /// Flags.
    pub const STATE: usize = 4;
    /// In debug mode, where the handle was made.
    pub const SOURCE: usize = 5;
    /// A float, by the loop's clock.
    pub const WHEN: usize = 6;
    /// Timers are called in the order of their times, then of these.
    pub const NUMBER: usize = 7;
}

/// Bits of a handle's state.
mod flag {
    pub const CANCELLED: i64 = 1;
    /// The timer is in its loop's heap.
    pub const SCHEDULED: i64 = 2;
}

/// The handle behind a value.
pub fn handle(v: Value) -> Option<Gc<Boxed>> {
    v.cast::<Boxed>().filter(|b| b.is(&HANDLE) || b.is(&TIMER))
}

fn receiver(cx: &mut Ctx, this: Value) -> R<Gc<Boxed>> {
    match handle(this) {
        Some(h) => Ok(h),
        None => {
            let got = cx.type_name(this);
            Err(cx.type_error(format!("descriptor requires a 'Handle' object but received a '{got}'")))
        }
    }
}

/// A handle of a callback.
pub fn new(cx: &mut Ctx, event_loop: Value, callback: Value, args: &[Value], context: Value) -> R<Gc<Boxed>> {
    let args = cx.tuple(args)?;
    let source = source(cx, event_loop)?;
    let class = class_of(cx, Which::Handle);
    Ok(make(cx, class, &HANDLE, &[callback, args, event_loop, context, Value::small_int(0), source]))
}

/// A handle of a callback at a time of the loop's clock.
pub fn new_timer(
    cx: &mut Ctx,
    event_loop: Value,
    (when, number): (Value, i64),
    (callback, args, context): (Value, &[Value], Value),
) -> R<Gc<Boxed>> {
    let args = cx.tuple(args)?;
    let source = source(cx, event_loop)?;
    let class = class_of(cx, Which::TimerHandle);
    let (state, number) = (Value::small_int(flag::SCHEDULED), Value::small_int(number));
    let slots = [callback, args, event_loop, context, state, source, when, number];
    Ok(make(cx, class, &TIMER, &slots))
}

fn source(cx: &mut Ctx, event_loop: Value) -> R {
    if !eventloop::is_debugging(event_loop) {
        return Ok(Value::NONE);
    }
    let describe = import(cx, "asyncio._describe")?;
    call_method(cx, describe, "source", &[])
}

pub fn is_cancelled(h: &Boxed) -> bool {
    number(h, slot::STATE) & flag::CANCELLED != 0
}

fn is_scheduled(h: &Boxed) -> bool {
    number(h, slot::STATE) & flag::SCHEDULED != 0
}

/// The timer has been taken from its loop's heap.
pub fn taken(h: &Boxed) {
    set_number(h, slot::STATE, number(h, slot::STATE) & !flag::SCHEDULED);
}

pub fn arguments(h: &Boxed) -> Option<Gc<Tuple>> {
    h.slots()[slot::ARGS].get().cast()
}

/// The time and the number of a timer, or of what a task sleeps on.
pub fn order(cx: &Ctx, h: &Boxed) -> (f64, i64) {
    (cx.as_float(h.slots()[slot::WHEN].get()).unwrap_or(0.0), number(h, slot::NUMBER))
}

/// Cancels a handle, which forgets its callback.
pub fn cancel(cx: &mut Ctx, h: Gc<Boxed>) -> R<()> {
    if is_cancelled(&h) {
        return Ok(());
    }
    set_number(&h, slot::STATE, number(&h, slot::STATE) | flag::CANCELLED);
    if is_scheduled(&h) {
        eventloop::timer_cancelled(cx, h.slots()[slot::LOOP].get());
    }
    if eventloop::is_debugging(h.slots()[slot::LOOP].get()) {
        return Ok(());
    }
    h.slots()[slot::CALLBACK].set(Value::NONE);
    h.slots()[slot::ARGS].set(Value::NONE);
    Ok(())
}

/// What handles and timers have.
#[methods]
pub mod plain {
    use super::*;

    /// Do not call the callback.
    #[name = "cancel"]
    pub fn cancel_method(cx: &mut Ctx, this: Value) -> R<()> {
        let h = receiver(cx, this)?;
        cancel(cx, h)
    }
    /// Whether the callback will not be called.
    pub fn cancelled(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(is_cancelled(&*receiver(cx, this)?))
    }
    /// The context that the callback is called in.
    pub fn get_context(cx: &mut Ctx, this: Value) -> R {
        let h = receiver(cx, this)?;
        let context = contextvars::materialize(cx, h.slots()[slot::CONTEXT].get());
        h.slots()[slot::CONTEXT].set(context);
        Ok(context)
    }
    pub fn __repr__(cx: &mut Ctx, this: Value) -> R {
        let describe = import(cx, "asyncio._describe")?;
        call_method(cx, describe, "handle", &[this])
    }
    #[getter]
    pub fn _callback(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::CALLBACK].get())
    }
    #[getter]
    pub fn _args(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::ARGS].get())
    }
    #[getter]
    pub fn _loop(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::LOOP].get())
    }
    #[getter]
    pub fn _cancelled(cx: &mut Ctx, this: Value) -> R<bool> {
        cancelled(cx, this)
    }
    #[getter]
    pub fn _source_traceback(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::SOURCE].get())
    }
}

/// What only timers have.
#[methods]
pub mod timer {
    use super::*;

    fn both(cx: &mut Ctx, this: Value, other: Value) -> R<Option<[(f64, i64); 2]>> {
        let this = receiver(cx, this)?;
        Ok(handle(other).filter(|o| o.is(&TIMER)).map(|other| [order(cx, &this), order(cx, &other)]))
    }

    /// When the callback is to be called, by the loop's clock in seconds.
    pub fn when(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::WHEN].get())
    }
    #[getter]
    pub fn _when(cx: &mut Ctx, this: Value) -> R {
        when(cx, this)
    }
    #[getter]
    pub fn _scheduled(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(is_scheduled(&*receiver(cx, this)?))
    }
    pub fn __lt__(cx: &mut Ctx, this: Value, other: Value) -> R {
        Ok(both(cx, this, other)?.map_or(Value::NOT_IMPLEMENTED, |[a, b]| Value::bool(a.0 < b.0)))
    }
    pub fn __le__(cx: &mut Ctx, this: Value, other: Value) -> R {
        Ok(both(cx, this, other)?.map_or(Value::NOT_IMPLEMENTED, |[a, b]| Value::bool(a.0 <= b.0)))
    }
    pub fn __gt__(cx: &mut Ctx, this: Value, other: Value) -> R {
        Ok(both(cx, this, other)?.map_or(Value::NOT_IMPLEMENTED, |[a, b]| Value::bool(a.0 > b.0)))
    }
    pub fn __ge__(cx: &mut Ctx, this: Value, other: Value) -> R {
        Ok(both(cx, this, other)?.map_or(Value::NOT_IMPLEMENTED, |[a, b]| Value::bool(a.0 >= b.0)))
    }
}
