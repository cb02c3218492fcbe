//! Semaphores: a count of permits that threads take and give back.

use conc_macros::methods;
use parking_lot::Mutex;

use super::wait::{self, ACQUIRE_PARAMS, Patience, Waiters, quick};
use crate::native::{Args, Ctx, Entered, Kwargs, NativeDef, NativeFrame, R, Step};
use crate::object::class::Class;
use crate::object::kind::ClassId;
use crate::object::misc::{Boxed, Payload};
use crate::value::{Gc, Value};
use crate::vm::native::run_straight;

/// The permits left, and who waits for one.
#[derive(Default)]
pub struct Semaphore(Mutex<State>);

#[derive(Default)]
struct State {
    value: i64,
    /// Of a bounded one: how many there are.
    most: Option<i64>,
    waiters: Waiters,
}

impl Payload for Semaphore {}

/// acquire and `__enter__`, which are resumable.
pub static RESUMABLE: &[NativeDef] = &[
    quick("acquire", "Take a permit, waiting for it.", ACQUIRE_PARAMS, acquire_now, acquire, waits),
    quick("__enter__", "Take a permit, waiting for it.", ACQUIRE_PARAMS, acquire_now, acquire, waits),
];

/// Takes a permit of a semaphore that had one when it was looked at.
fn acquire_now(cx: &mut Ctx, args: Args<'_>) -> R {
    run_straight(cx, args, acquire)
}

fn waits(args: Args<'_>) -> bool {
    let object = args.get(0).cast::<Boxed>();
    object.is_some_and(|b| b.payload::<Semaphore>().is_some_and(|semaphore| semaphore.0.lock().value <= 0))
}

fn acquire(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    step(cx, frame, entered).into()
}

fn step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (_, semaphore) = wait::payload::<Semaphore>(cx, frame.get(0))?;
    if let Some(over) = wait::over(entered, || semaphore.0.lock().waiters.leave(cx))? {
        return Ok(over);
    }
    let (blocking, timeout) = (frame.get(1), frame.get(2));
    let blocking = blocking.is_unbound() || cx.truth(blocking)?;
    let timed = !timeout.is_unbound() && !timeout.is_none();
    if !blocking && timed {
        return Err(cx.value_error("can't specify timeout for non-blocking acquire"));
    }
    {
        let mut s = semaphore.0.lock();
        if s.value > 0 {
            s.value -= 1;
            return Ok(Step::Done(Value::TRUE));
        }
    }
    let patience = if blocking { self::patience(cx, timeout, timed)? } else { Patience::None };
    let Some(deadline) = patience.deadline() else { return Ok(Step::Done(Value::FALSE)) };
    let mut s = semaphore.0.lock();
    if s.value > 0 {
        s.value -= 1;
        return Ok(Step::Done(Value::TRUE));
    }
    s.waiters.join(cx);
    Ok(Step::Park(deadline))
}

fn patience(cx: &mut Ctx, timeout: Value, timed: bool) -> R<Patience> {
    if timed && cx.as_float(timeout).is_none() && !cx.is_int(timeout) {
        let got = cx.type_name(timeout);
        return Err(cx.type_error(format!("unsupported operand type(s) for +: 'float' and '{got}'")));
    }
    wait::optional(cx, timeout)
}

/// Semaphore and BoundedSemaphore
#[methods]
pub mod plain {
    use super::*;

    fn data<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a Semaphore> {
        wait::payload::<Semaphore>(cx, this.value()).map(|(_, semaphore)| semaphore)
    }

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        let state = State { value: 1, ..State::default() };
        cx.new_boxed_with(class, Semaphore(Mutex::new(state)), 0)
    }
    /// Sets the permits; of a bounded one they are the most there may be.
    pub fn _start(cx: &mut Ctx, this: Gc<Boxed>, value: i64, bounded: bool) -> R<()> {
        if value < 0 {
            return Err(cx.value_error("semaphore initial value must be >= 0"));
        }
        let mut s = data(cx, this)?.0.lock();
        (s.value, s.most) = (value, bounded.then_some(value));
        Ok(())
    }
    /// Give back permits.
    pub fn release(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw]
        #[default(1)]
        n: i64,
    ) -> R<()> {
        if n < 1 {
            return Err(cx.value_error("n must be one or more"));
        }
        let semaphore = data(cx, this)?;
        let mut s = semaphore.0.lock();
        if s.most.is_some_and(|most| s.value + n > most) {
            drop(s);
            return Err(cx.error(ClassId::ValueError, "Semaphore released too many times"));
        }
        let mut left = n;
        while left > 0 && s.waiters.wake_first(cx, Value::TRUE).is_some() {
            left -= 1;
        }
        s.value += left;
        Ok(())
    }
    pub fn __exit__(cx: &mut Ctx, this: Gc<Boxed>, _rest: &[Value]) -> R<()> {
        release(cx, this, 1)
    }
    /// The permits left.
    #[getter]
    pub fn _value(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(data(cx, this)?.0.lock().value)
    }
    /// The permits of a bounded semaphore.
    #[getter]
    pub fn _initial_value(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        let s = data(cx, this)?.0.lock();
        Ok(s.most.unwrap_or(s.value))
    }
}
