//! Barriers: threads wait at one until so many of them have come.

use conc_macros::methods;
use parking_lot::Mutex;

use super::wait::{self, WAIT_PARAMS, Waiters, method};
use crate::native::{Ctx, Entered, Kwargs, NativeDef, NativeFrame, R, Raised, Step};
use crate::object::class::Class;
use crate::object::misc::{Boxed, Payload};
use crate::value::{Gc, Value};

/// Who has come. The slots hold the action, the default timeout and the class of the error.
#[derive(Default)]
pub struct Barrier(Mutex<State>);

#[derive(Default)]
struct State {
    parties: i64,
    /// Threads that wait, or that carry out the action.
    count: i64,
    broken: bool,
    /// Counts how often the barrier was opened, broken or reset.
    round: i64,
    /// The last round that ended without opening.
    failed: Option<i64>,
    /// Threads that come while the action runs, and are let in after it.
    opening: bool,
    late: Waiters,
    waiters: Waiters,
}

impl Payload for Barrier {}

const ACTION: usize = 0;
const TIMEOUT: usize = 1;
const ERROR: usize = 2;
const SLOTS: usize = 3;

/// wait, which is resumable.
pub static RESUMABLE: &[NativeDef] = &[method(
    "wait",
    "Wait for the others; return a number from 0 to parties - 1, another one in each thread.",
    WAIT_PARAMS,
    wait,
)];

impl State {
    /// Breaks the barrier: those who wait at it go on with an error, and those who come.
    fn break_off(&mut self, cx: &mut Ctx) {
        self.broken = true;
        self.dismiss(cx);
    }
    /// Those who wait go on with an error.
    fn dismiss(&mut self, cx: &mut Ctx) {
        self.failed = Some(self.round);
        self.next_round();
        self.waiters.wake_all(cx, BROKEN);
        self.late.wake_all(cx, OPEN);
    }
    /// All have come: they go on.
    fn open(&mut self, cx: &mut Ctx) {
        self.next_round();
        self.waiters.wake_all(cx, OPEN);
        self.late.wake_all(cx, OPEN);
    }
    fn next_round(&mut self) {
        self.count = 0;
        self.opening = false;
        self.round += 1;
    }
}

/// What waiters are woken with; False comes at the deadline.
const OPEN: Value = Value::TRUE;
const BROKEN: Value = Value::NONE;

/// Stages of `wait`.
mod stage {
    pub const START: i64 = 0;
    /// Waits to be let in: the others are leaving.
    pub const LATE: i64 = 1;
    /// Waits for the others.
    pub const WAITING: i64 = 2;
    /// Is the last one and carries out the action.
    pub const ACTING: i64 = 3;
}

/// Slots of `wait` beside its arguments: the number it returns, the round it came in.
const INDEX: usize = 2;
const ROUND: usize = 3;

fn wait(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    step(cx, frame, entered).into()
}

fn step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (this, barrier) = wait::payload::<Barrier>(cx, frame.get(0))?;
    match (frame.state(), entered) {
        (stage::START, _) | (stage::LATE, Entered::With(_)) => come(cx, frame, this, barrier),
        (stage::LATE, Entered::Raised(e)) => {
            barrier.0.lock().late.leave(cx);
            Err(e)
        }
        (stage::ACTING, Entered::Raised(e)) => {
            let mut s = barrier.0.lock();
            if frame.get(ROUND).as_int() == Some(s.round) {
                s.break_off(cx);
            }
            Err(e)
        }
        (stage::ACTING, _) => {
            let mut s = barrier.0.lock();
            if frame.get(ROUND).as_int() != Some(s.round) {
                // Aborted or reset by the action, or meanwhile.
                drop(s);
                return Err(broken(cx, this));
            }
            s.open(cx);
            Ok(Step::Done(frame.get(INDEX)))
        }
        (_, Entered::With(woken)) if woken == OPEN => Ok(Step::Done(frame.get(INDEX))),
        (_, Entered::With(woken)) if woken == BROKEN => Err(broken(cx, this)),
        (_, Entered::Raised(e)) => {
            // It has not come, for the others.
            let mut s = barrier.0.lock();
            s.waiters.leave(cx);
            if frame.get(ROUND).as_int() == Some(s.round) {
                s.count -= 1;
            }
            Err(e)
        }
        _ => {
            let mut s = barrier.0.lock();
            s.waiters.leave(cx);
            match frame.get(ROUND).as_int() {
                mine if mine == Some(s.round) => s.break_off(cx),
                mine if mine == s.failed => {}
                // It has opened just now.
                _ => return Ok(Step::Done(frame.get(INDEX))),
            }
            drop(s);
            Err(broken(cx, this))
        }
    }
}

fn come(cx: &mut Ctx, frame: &mut NativeFrame<'_>, this: Gc<Boxed>, barrier: &Barrier) -> R<Step> {
    let timeout = frame.get(1);
    let timeout = if timeout.is_unbound() || timeout.is_none() { this.slots()[TIMEOUT].get() } else { timeout };
    let deadline = wait::optional(cx, timeout)?.deadline();
    let mut s = barrier.0.lock();
    if s.broken {
        drop(s);
        return Err(broken(cx, this));
    }
    if s.opening {
        frame.set_state(stage::LATE);
        s.late.join(cx);
        return Ok(Step::Park(None));
    }
    frame.set(INDEX, Value::small_int(s.count));
    frame.set(ROUND, Value::small_int(s.round));
    if s.count + 1 >= s.parties {
        return last(cx, frame, this, s);
    }
    let Some(deadline) = deadline else {
        s.break_off(cx);
        drop(s);
        return Err(broken(cx, this));
    };
    s.count += 1;
    s.waiters.join(cx);
    frame.set_state(stage::WAITING);
    Ok(Step::Park(deadline))
}

/// The last one has come.
fn last(
    cx: &mut Ctx,
    frame: &mut NativeFrame<'_>,
    this: Gc<Boxed>,
    mut s: parking_lot::MutexGuard<'_, State>,
) -> R<Step> {
    let action = this.slots()[ACTION].get();
    if action.is_none() {
        s.open(cx);
        return Ok(Step::Done(frame.get(INDEX)));
    }
    s.opening = true;
    s.count += 1;
    drop(s);
    frame.set_state(stage::ACTING);
    Ok(frame.call(action, &[]))
}

#[cold]
fn broken(cx: &mut Ctx, this: Gc<Boxed>) -> Raised {
    let class = this.slots()[ERROR].get();
    match cx.call(class, &[]) {
        Ok(exc) => {
            cx.set_context(exc);
            Raised(exc)
        }
        Err(e) => e,
    }
}

/// Barrier
#[methods]
pub mod plain {
    use super::*;

    fn data<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a Barrier> {
        wait::payload::<Barrier>(cx, this.value()).map(|(_, barrier)| barrier)
    }

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        cx.new_boxed_with(class, Barrier::default(), SLOTS)
    }
    /// What `__init__` does.
    pub fn _init(cx: &mut Ctx, this: Gc<Boxed>, parties: i64, action: Value, timeout: Value, error: Value) -> R<()> {
        let barrier = data(cx, this)?;
        for (slot, value) in [(ACTION, action), (TIMEOUT, timeout), (ERROR, error)] {
            this.slots()[slot].set(value);
        }
        barrier.0.lock().parties = parties;
        Ok(())
    }
    /// Make the barrier new; threads that wait get BrokenBarrierError.
    pub fn reset(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let mut s = data(cx, this)?.0.lock();
        s.broken = false;
        s.dismiss(cx);
        Ok(())
    }
    /// Break the barrier: threads that wait or come get BrokenBarrierError until it is reset.
    pub fn abort(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        data(cx, this)?.0.lock().break_off(cx);
        Ok(())
    }
    /// How many threads open the barrier.
    #[getter]
    pub fn parties(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(data(cx, this)?.0.lock().parties)
    }
    /// How many threads wait.
    #[getter]
    pub fn n_waiting(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        let s = data(cx, this)?.0.lock();
        Ok(if s.broken { 0 } else { s.count })
    }
    /// Whether the barrier is broken.
    #[getter]
    pub fn broken(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(data(cx, this)?.0.lock().broken)
    }
}
