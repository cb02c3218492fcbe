//! Events: a flag that threads wait for.

use conc_macros::methods;
use parking_lot::Mutex;

use super::wait::{self, WAIT_PARAMS, Waiters, quick};
use crate::native::{Args, Ctx, Entered, Kwargs, NativeDef, NativeFrame, R, Step};
use crate::object::class::Class;
use crate::object::misc::{Boxed, Payload};
use crate::value::{Gc, Value};
use crate::vm::native::run_straight;

/// The flag, and who waits for it.
#[derive(Default)]
pub struct Event(Mutex<State>);

#[derive(Default)]
struct State {
    set: bool,
    waiters: Waiters,
}

impl Payload for Event {}

/// wait, which is resumable.
pub static RESUMABLE: &[NativeDef] =
    &[quick("wait", "Wait until the flag is true.", WAIT_PARAMS, wait_now, wait, waits)];

/// Waits for a flag that was true when it was looked at.
fn wait_now(cx: &mut Ctx, args: Args<'_>) -> R {
    run_straight(cx, args, wait)
}

fn waits(args: Args<'_>) -> bool {
    args.get(0).cast::<Boxed>().is_some_and(|b| b.payload::<Event>().is_some_and(|event| !event.0.lock().set))
}

fn wait(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    step(cx, frame, entered).into()
}

fn step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (_, event) = wait::payload::<Event>(cx, frame.get(0))?;
    if let Some(over) = wait::over(entered, || event.0.lock().waiters.leave(cx))? {
        return Ok(over);
    }
    if event.0.lock().set {
        return Ok(Step::Done(Value::TRUE));
    }
    let Some(deadline) = wait::optional(cx, frame.get(1))?.deadline() else { return Ok(Step::Done(Value::FALSE)) };
    let mut s = event.0.lock();
    if s.set {
        return Ok(Step::Done(Value::TRUE));
    }
    s.waiters.join(cx);
    Ok(Step::Park(deadline))
}

/// Event
#[methods]
pub mod plain {
    use super::*;

    fn data<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a Event> {
        wait::payload::<Event>(cx, this.value()).map(|(_, event)| event)
    }

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        cx.new_boxed_with(class, Event::default(), 0)
    }
    /// Whether the flag is true.
    pub fn is_set(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(data(cx, this)?.0.lock().set)
    }
    /// Set the flag; all threads that wait for it go on.
    pub fn set(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let event = data(cx, this)?;
        let mut s = event.0.lock();
        s.set = true;
        s.waiters.wake_all(cx, Value::TRUE);
        Ok(())
    }
    /// Make the flag false.
    pub fn clear(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        data(cx, this)?.0.lock().set = false;
        Ok(())
    }
}
