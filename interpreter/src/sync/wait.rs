//! What the waiting primitives share: queues of waiters, and what timeouts mean.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::native::{
    Args, Ctx, Entered, NativeDef, NativeFn, NativeFrame, Param, ParamKind, R, Raised, Resume, ResumeFn, Role, Step,
};
use crate::object::misc::{Boxed, Payload};
use crate::scheduler::{self, Waiter};
use crate::value::{Gc, Value};

/// The longest timeout of a lock, in seconds.
pub const TIMEOUT_MAX: f64 = 9_223_372_036.0;

/// Threads that wait, first come first served. Kept under the primitive's own mutex; waking takes no lock that is ever
/// held around it.
#[derive(Default)]
pub struct Waiters(VecDeque<Waiter>);

impl Waiters {
    /// The running thread is about to park: it goes to the end of the queue.
    pub fn join(&mut self, cx: &mut Ctx) {
        self.0.push_back(scheduler::arm(cx));
    }
    /// The same, but to the front.
    pub fn join_first(&mut self, cx: &mut Ctx) {
        self.0.push_front(scheduler::arm(cx));
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Takes the running thread's last wait out.
    pub fn leave(&mut self, cx: &mut Ctx) {
        let wait = scheduler::last_wait(cx);
        self.0.retain(|w| *w != wait);
    }
    /// Ends the wait of the first that still waits; its thread's id.
    pub fn wake_first(&mut self, cx: &mut Ctx, value: Value) -> Option<u64> {
        while let Some(first) = self.0.pop_front() {
            if scheduler::wake(cx, &first, value) {
                return Some(first.thread().id);
            }
        }
        None
    }
    pub fn wake_all(&mut self, cx: &mut Ctx, value: Value) {
        while self.wake_first(cx, value).is_some() {}
    }
    /// How many still wait.
    pub fn waiting(&self) -> usize {
        self.0.iter().filter(|w| w.is_open()).count()
    }
}

/// How long to wait.
#[derive(Clone, Copy)]
pub enum Patience {
    /// Not at all.
    None,
    Until(Instant),
    Forever,
}

impl Patience {
    /// The deadline to park with; none: do not park.
    pub fn deadline(self) -> Option<Option<Instant>> {
        match self {
            Patience::None => None,
            Patience::Until(at) => Some(Some(at)),
            Patience::Forever => Some(None),
        }
    }
}

/// The moment `seconds` from now, in the words of CPython if that is too far away.
pub fn moment(cx: &mut Ctx, seconds: f64) -> R<Instant> {
    if seconds.is_nan() {
        return Err(cx.value_error("Invalid value NaN (not a number)"));
    }
    // What does not fit into CPython's nanoseconds.
    let duration = Duration::try_from_secs_f64(seconds.max(0.0)).ok().filter(|_| seconds < TIMEOUT_MAX + 0.854);
    let now = scheduler::now(cx);
    match duration.and_then(|d| now.checked_add(d)) {
        Some(at) => Ok(at),
        None => Err(cx.overflow_error("timestamp out of range for platform time_t")),
    }
}

/// Seconds out of an int or a float.
pub fn seconds(cx: &mut Ctx, timeout: Value) -> R<f64> {
    match cx.as_float(timeout) {
        Some(s) => Ok(s),
        None => {
            let n = cx.index(timeout)?;
            cx.to_float(n)
        }
    }
}

/// What `acquire(blocking=True, timeout=-1)` of a lock asks for.
pub fn blocking(cx: &mut Ctx, blocking: Value, timeout: Value) -> R<Patience> {
    let blocking = blocking.is_unbound() || cx.truth(blocking)?;
    if timeout.is_unbound() {
        return Ok(if blocking { Patience::Forever } else { Patience::None });
    }
    let seconds = seconds(cx, timeout)?;
    let at = moment(cx, seconds)?;
    if !blocking {
        return match seconds == -1.0 {
            true => Ok(Patience::None),
            false => Err(cx.value_error("can't specify a timeout for a non-blocking call")),
        };
    }
    if seconds == -1.0 {
        return Ok(Patience::Forever);
    }
    if seconds < 0.0 {
        return Err(cx.value_error("timeout value must be a non-negative number"));
    }
    Ok(Patience::Until(at))
}

/// What `wait(timeout=None)` asks for: a timeout of zero or less means not to wait.
pub fn optional(cx: &mut Ctx, timeout: Value) -> R<Patience> {
    if timeout.is_unbound() || timeout.is_none() {
        return Ok(Patience::Forever);
    }
    if cx.as_float(timeout).is_none() && !cx.is_int(timeout) {
        let got = cx.type_name(timeout);
        return Err(cx.type_error(format!("'>' not supported between instances of '{got}' and 'int'")));
    }
    let seconds = cx.to_float(timeout)?;
    if seconds <= 0.0 {
        return Ok(Patience::None);
    }
    moment(cx, seconds).map(Patience::Until)
}

/// The payload of a method's receiver.
pub fn payload<'a, T: Payload>(cx: &mut Ctx, this: Value) -> R<(Gc<Boxed>, &'a T)> {
    let found = this.cast::<Boxed>().and_then(|b| b.data::<T>().map(|data| (b, data)));
    found.ok_or_else(|| wrong_receiver(cx, this))
}

#[cold]
fn wrong_receiver(cx: &mut Ctx, this: Value) -> Raised {
    let got = cx.type_name(this);
    cx.type_error(format!("descriptor does not apply to a '{got}' object"))
}

/// A lock that threads queue for.
pub trait Acquire: Payload {
    /// Takes the lock; else enters the queue, if the caller is going to park.
    fn acquire(&self, cx: &mut Ctx, wait: bool) -> bool;
    /// Leaves the queue.
    fn leave(&self, cx: &mut Ctx);
}

/// The resumable method `acquire(blocking=True, timeout=-1)`.
pub fn acquire<T: Acquire>(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    acquire_step::<T>(cx, frame, entered).into()
}

fn acquire_step<T: Acquire>(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (_, lock) = payload::<T>(cx, frame.get(0))?;
    if let Some(over) = over(entered, || lock.leave(cx))? {
        return Ok(over);
    }
    let patience = match (frame.get(1).is_unbound(), frame.get(2).is_unbound()) {
        (true, true) => Patience::Forever,
        _ => blocking(cx, frame.get(1), frame.get(2))?,
    };
    let deadline = patience.deadline();
    if lock.acquire(cx, deadline.is_some()) {
        return Ok(Step::Done(Value::TRUE));
    }
    Ok(deadline.map_or(Step::Done(Value::FALSE), Step::Park))
}

/// What a native whose only wait is over does: it returns whether it was woken, having left the queue if not. None: it
/// is entered for the first time.
pub fn over(entered: Entered, leave: impl FnOnce()) -> R<Option<Step>> {
    match entered {
        Entered::Start => Ok(None),
        Entered::Raised(e) => {
            leave();
            Err(e)
        }
        Entered::With(woken) | Entered::Ended(woken) => {
            if woken != Value::TRUE {
                leave();
            }
            Ok(Some(Step::Done(woken)))
        }
    }
}

const THIS: Param = Param { name: "self", kind: ParamKind::PositionalOnly, required: true, default: "" };

/// `(self)`
pub const THIS_PARAMS: &[Param] = &[THIS];

/// `(self, blocking=True, timeout=-1)`
pub const ACQUIRE_PARAMS: &[Param] = &[
    THIS,
    Param { name: "blocking", kind: ParamKind::Positional, required: false, default: "True" },
    Param { name: "timeout", kind: ParamKind::Positional, required: false, default: "-1" },
];

/// `(self, timeout=None)`
pub const WAIT_PARAMS: &[Param] =
    &[THIS, Param { name: "timeout", kind: ParamKind::Positional, required: false, default: "None" }];

/// `(self, state)`
pub const STATE_PARAMS: &[Param] =
    &[THIS, Param { name: "state", kind: ParamKind::PositionalOnly, required: true, default: "" }];

/// A method that waits, but often can do without: then it is called without a frame.
pub const fn quick(
    name: &'static str,
    doc: &'static str,
    params: &'static [Param],
    call: NativeFn,
    resume: ResumeFn,
    waits: fn(Args<'_>) -> bool,
) -> NativeDef {
    NativeDef::new(name, doc, Role::Method, params, call).with_frame(Resume::when(resume, waits))
}

/// A method that waits.
pub const fn method(name: &'static str, doc: &'static str, params: &'static [Param], resume: ResumeFn) -> NativeDef {
    NativeDef::resumable(name, doc, Role::Method, params, resume)
}
