//! Conditions over a lock or an RLock; the library adds those over other objects.

use conc_macros::methods;
use parking_lot::Mutex;

use super::lock::Lock;
use super::rlock::RLock;
use super::wait::{self, ACQUIRE_PARAMS, Acquire, WAIT_PARAMS, Waiters, method, quick};
use crate::native::{Args, Ctx, Entered, Kwargs, NativeDef, NativeFrame, R, Raised, Step};
use crate::object::class::Class;
use crate::object::misc::{Boxed, Payload};
use crate::value::{Gc, Value};
use crate::vm::native::run_straight;

/// Who waits to be notified. The lock is the object's slot.
#[derive(Default)]
pub struct Condition(Mutex<Waiters>);

impl Payload for Condition {}

const LOCK: usize = 0;

/// The lock of a condition.
#[derive(Clone, Copy)]
enum Base<'a> {
    Lock(&'a Lock),
    RLock(&'a RLock),
    /// Some object with `acquire` and `release`.
    Other,
}

impl Base<'_> {
    fn of(this: Gc<Boxed>) -> Base<'static> {
        let lock = this.slots()[LOCK].get();
        let Some(b) = lock.cast::<Boxed>() else { return Base::Other };
        match (b.data::<Lock>(), b.data::<RLock>()) {
            (Some(lock), _) => Base::Lock(lock),
            (_, Some(lock)) => Base::RLock(lock),
            _ => Base::Other,
        }
    }
    fn is_owned(self, cx: &mut Ctx) -> bool {
        match self {
            Base::Lock(l) => l.is_locked(),
            Base::RLock(l) => l.is_owned(cx),
            Base::Other => false,
        }
    }
    /// Releases the lock as often as it was acquired; how often that was.
    fn release_all(self, cx: &mut Ctx) -> u64 {
        match self {
            Base::Lock(l) => u64::from(l.release(cx)),
            Base::RLock(l) => l.release_all(cx),
            Base::Other => 0,
        }
    }
    /// Takes the lock, or enters its queue.
    fn acquire(self, cx: &mut Ctx) -> bool {
        match self {
            Base::Lock(l) => l.acquire(cx, true),
            Base::RLock(l) => l.acquire(cx, true),
            Base::Other => true,
        }
    }
    fn leave(self, cx: &mut Ctx) {
        match self {
            Base::Lock(l) => l.leave(cx),
            Base::RLock(l) => l.leave(cx),
            Base::Other => {}
        }
    }
}

/// What waits, and so is resumable.
pub static RESUMABLE: &[NativeDef] = &[
    quick("acquire", "Take the lock.", ACQUIRE_PARAMS, acquire_now, acquire, waits),
    quick("__enter__", "Take the lock.", ACQUIRE_PARAMS, acquire_now, acquire, waits),
    method("wait", "Give the lock back, wait to be notified, take the lock again.", WAIT_PARAMS, wait),
];

/// Takes a lock that was free when it was looked at.
fn acquire_now(cx: &mut Ctx, args: Args<'_>) -> R {
    if let (1, Some(this)) = (args.fixed.len(), args.get(0).cast::<Boxed>()) {
        let taken = match Base::of(this) {
            Base::Lock(l) => l.acquire(cx, false),
            Base::RLock(l) => l.acquire(cx, false),
            Base::Other => false,
        };
        if taken {
            return Ok(Value::TRUE);
        }
    }
    run_straight(cx, args, acquire)
}

fn waits(args: Args<'_>) -> bool {
    let this = args.get(0).cast::<Boxed>().filter(|b| b.payload::<Condition>().is_some());
    this.is_some_and(|this| match Base::of(this) {
        Base::Lock(l) => l.is_locked(),
        Base::RLock(l) => l.holder().is_some(),
        Base::Other => true,
    })
}

/// Becomes the method of the lock.
fn acquire(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    if let Some(this) = frame.get(0).cast::<Boxed>().filter(|b| b.payload::<Condition>().is_some()) {
        frame.set(0, this.slots()[LOCK].get());
    }
    let lock = frame.get(0);
    match lock.cast::<Boxed>() {
        Some(b) if b.payload::<Lock>().is_some() => super::lock::acquire(cx, frame, entered),
        Some(b) if b.payload::<RLock>().is_some() => wait::acquire::<RLock>(cx, frame, entered),
        _ => match entered {
            Entered::Start => acquire_other(cx, frame, lock).into(),
            Entered::Raised(e) => Step::Raise(e),
            Entered::With(v) | Entered::Ended(v) => Step::Done(v),
        },
    }
}

fn acquire_other(cx: &mut Ctx, frame: &mut NativeFrame<'_>, lock: Value) -> R<Step> {
    let f = cx.get_attr_text(lock, "acquire")?;
    let args = [frame.get(1), frame.get(2)];
    let given = args.iter().position(|v| v.is_unbound()).unwrap_or(args.len());
    Ok(frame.call(f, &args[..given]))
}

/// Stages of `wait`.
mod stage {
    pub const START: i64 = 0;
    /// Waits to be notified.
    pub const NOTIFIED: i64 = 1;
    /// Waits for the lock.
    pub const LOCKED: i64 = 2;
    /// The library's method waits.
    pub const ELSEWHERE: i64 = 3;
}

/// Slots of `wait` beside its arguments: how often the lock was held, what the wait ended with, whether by raising.
const COUNT: usize = 2;
const OUTCOME: usize = 3;
const RAISES: usize = 4;

fn wait(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    step(cx, frame, entered).into()
}

fn step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (this, condition) = wait::payload::<Condition>(cx, frame.get(0))?;
    let base = Base::of(this);
    match (frame.state(), entered) {
        (stage::START, _) => return start(cx, frame, this, condition, base),
        (stage::ELSEWHERE, Entered::Raised(e)) => return Err(e),
        (stage::ELSEWHERE, Entered::With(v) | Entered::Ended(v)) => return Ok(Step::Done(v)),
        (stage::LOCKED, Entered::With(_)) => return finish(frame, base),
        (stage, Entered::Raised(Raised(e))) => {
            if stage == stage::LOCKED {
                base.leave(cx);
            } else {
                condition.0.lock().leave(cx);
            }
            frame.set(OUTCOME, e);
            frame.set(RAISES, Value::TRUE);
        }
        (_, Entered::With(v) | Entered::Ended(v)) => {
            if v != Value::TRUE {
                condition.0.lock().leave(cx);
            }
            frame.set(OUTCOME, v);
        }
        (_, Entered::Start) => {}
    }
    lock_again(cx, frame, base)
}

fn start(cx: &mut Ctx, frame: &mut NativeFrame<'_>, this: Gc<Boxed>, condition: &Condition, base: Base<'_>) -> R<Step> {
    if let Base::Other = base {
        let f = cx.get_attr_text(this.value(), "_wait_elsewhere")?;
        let timeout = frame.get(1);
        frame.set_state(stage::ELSEWHERE);
        return Ok(frame.call(f, &[if timeout.is_unbound() { Value::NONE } else { timeout }]));
    }
    if !base.is_owned(cx) {
        return Err(cx.runtime_error("cannot wait on un-acquired lock"));
    }
    let deadline = wait::optional(cx, frame.get(1))?.deadline();
    if deadline.is_some() {
        condition.0.lock().join(cx);
    }
    let count = base.release_all(cx);
    frame.set(COUNT, Value::small_int(count as i64));
    match deadline {
        Some(deadline) => {
            frame.set_state(stage::NOTIFIED);
            Ok(Step::Park(deadline))
        }
        None => {
            frame.set(OUTCOME, Value::FALSE);
            lock_again(cx, frame, base)
        }
    }
}

fn lock_again(cx: &mut Ctx, frame: &mut NativeFrame<'_>, base: Base<'_>) -> R<Step> {
    frame.set_state(stage::LOCKED);
    if base.acquire(cx) { finish(frame, base) } else { Ok(Step::Park(None)) }
}

fn finish(frame: &mut NativeFrame<'_>, base: Base<'_>) -> R<Step> {
    if let Base::RLock(lock) = base {
        lock.restore(frame.get(COUNT).as_int().unwrap_or(1) as u64);
    }
    if frame.get(RAISES) == Value::TRUE {
        return Err(Raised(frame.get(OUTCOME)));
    }
    Ok(Step::Done(frame.get(OUTCOME)))
}

/// Condition
#[methods]
pub mod plain {
    use super::*;
    use crate::sync::rlock::RLock;

    fn data<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a Condition> {
        wait::payload::<Condition>(cx, this.value()).map(|(_, condition)| condition)
    }

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        cx.new_boxed_with(class, Condition::default(), 1)
    }
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw]
        #[default(Value::NONE)]
        lock: Value,
    ) -> R<()> {
        data(cx, this)?;
        let lock = match lock.is_none() {
            true => {
                let class = cx.rlock_class();
                cx.new_boxed_with(class, RLock::default(), 0).value()
            }
            false => lock,
        };
        this.slots()[LOCK].set(lock);
        Ok(())
    }
    /// The lock.
    #[getter]
    pub fn _lock(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        data(cx, this)?;
        Ok(this.slots()[LOCK].get())
    }
    /// Give the lock back.
    pub fn release(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        data(cx, this)?;
        match Base::of(this) {
            Base::Lock(l) if l.release(cx) => Ok(Value::NONE),
            Base::RLock(l) if l.release(cx) => Ok(Value::NONE),
            // Another object, or an error for the lock to raise.
            _ => {
                let lock = this.slots()[LOCK].get();
                let f = cx.get_attr_text(lock, "release")?;
                cx.call(f, &[])
            }
        }
    }
    pub fn __exit__(cx: &mut Ctx, this: Gc<Boxed>, _rest: &[Value]) -> R {
        release(cx, this)
    }
    /// Whether the running thread may wait and notify.
    pub fn _is_owned(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        data(cx, this)?;
        match Base::of(this) {
            Base::Other => {
                let f = cx.get_attr_text(this.value(), "_owned_elsewhere")?;
                let owned = cx.call(f, &[])?;
                cx.truth(owned)
            }
            base => Ok(base.is_owned(cx)),
        }
    }
    /// Wake up to `n` of the threads that wait.
    pub fn notify(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw]
        #[default(1)]
        n: i64,
    ) -> R {
        notify_up_to(cx, this, n)
    }
    /// Wake all threads that wait.
    pub fn notify_all(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        notify_up_to(cx, this, i64::MAX >> 8)
    }
    fn notify_up_to(cx: &mut Ctx, this: Gc<Boxed>, n: i64) -> R {
        let condition = data(cx, this)?;
        let base = Base::of(this);
        if let Base::Other = base {
            let f = cx.get_attr_text(this.value(), "_notify_elsewhere")?;
            return cx.call(f, &[Value::small_int(n)]);
        }
        if !base.is_owned(cx) {
            return Err(cx.runtime_error("cannot notify on un-acquired lock"));
        }
        let mut waiters = condition.0.lock();
        for _ in 0..n {
            if waiters.wake_first(cx, Value::TRUE).is_none() {
                break;
            }
        }
        Ok(Value::NONE)
    }
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let waiting = data(cx, this)?.0.lock().waiting();
        let lock = cx.repr_text(this.slots()[LOCK].get());
        Ok(format!("<Condition({lock}, {waiting})>"))
    }
}
