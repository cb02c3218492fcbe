//! `_thread.lock`: acquired and waited for without keeping a native stack.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use conc_macros::methods;
use parking_lot::Mutex;

use crate::native::{Ctx, Entered, NativeDef, NativeFrame, Param, ParamKind, R, Role, Step};
use crate::object::misc::{Boxed, Payload};
use crate::scheduler::{self, Waiter};
use crate::value::{Gc, Value};

/// A lock's state: whether it is held, and who waits, first come first served.
#[derive(Default)]
pub struct Lock(Mutex<LockState>);

#[derive(Default)]
struct LockState {
    locked: bool,
    waiters: VecDeque<Waiter>,
}

impl Payload for Lock {}

impl Lock {
    /// Takes the lock if it is free.
    fn try_acquire(&self) -> bool {
        let mut s = self.0.lock();
        !std::mem::replace(&mut s.locked, true)
    }
    /// Takes the lock, or enters the queue.
    fn acquire_or_wait(&self, waiter: Waiter) -> bool {
        let mut s = self.0.lock();
        if !std::mem::replace(&mut s.locked, true) {
            return true;
        }
        s.waiters.push_back(waiter);
        false
    }
    fn forget(&self, waiter: Waiter) {
        self.0.lock().waiters.retain(|w| *w != waiter);
    }
    pub fn is_locked(&self) -> bool {
        self.0.lock().locked
    }
    /// Releases, handing the lock to the first waiter; false: it was not held.
    fn release(&self, cx: &mut Ctx) -> bool {
        loop {
            let next = {
                let mut s = self.0.lock();
                if !s.locked {
                    return false;
                }
                match s.waiters.pop_front() {
                    Some(next) => next,
                    None => {
                        s.locked = false;
                        return true;
                    }
                }
            };
            // Ownership passes on: the lock stays held. A waiter that gave up is skipped.
            if scheduler::wake(cx, &next, Value::TRUE) {
                return true;
            }
        }
    }
}

const ACQUIRE_PARAMS: &[Param] = &[
    Param { name: "self", kind: ParamKind::PositionalOnly, required: true, default: "" },
    Param { name: "blocking", kind: ParamKind::Positional, required: false, default: "True" },
    Param { name: "timeout", kind: ParamKind::Positional, required: false, default: "-1" },
];

/// acquire and `__enter__`, which are resumable.
pub static RESUMABLE: &[NativeDef] = &[
    NativeDef::resumable("acquire", "Take the lock, waiting for it.", Role::Method, ACQUIRE_PARAMS, acquire),
    NativeDef::resumable("__enter__", "Take the lock, waiting for it.", Role::Method, ACQUIRE_PARAMS, acquire),
];

fn lock_of(cx: &mut Ctx, v: Value) -> R<Gc<Boxed>> {
    match v.cast::<Boxed>().filter(|b| b.payload::<Lock>().is_some()) {
        Some(b) => Ok(b),
        None => Err(cx.type_error("a lock is needed")),
    }
}

fn acquire(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    let lock = match lock_of(cx, frame.get(0)) {
        Ok(b) => b,
        Err(e) => return Step::Raise(e),
    };
    let Some(lock) = lock.payload::<Lock>() else { return Step::Done(Value::FALSE) };
    match entered {
        Entered::Start => {}
        Entered::Raised(e) => return Step::Raise(e),
        Entered::With(granted) | Entered::Ended(granted) => {
            if granted != Value::TRUE {
                let waiter = scheduler::last_wait(cx);
                lock.forget(waiter);
            }
            return Step::Done(granted);
        }
    }
    let (blocking, deadline) = match wait_arguments(cx, frame.get(1), frame.get(2)) {
        Ok(a) => a,
        Err(e) => return Step::Raise(e),
    };
    if !blocking {
        return Step::Done(Value::bool(lock.try_acquire()));
    }
    let waiter = scheduler::arm(cx);
    if lock.acquire_or_wait(waiter) {
        return Step::Done(Value::TRUE);
    }
    Step::Park(deadline)
}

/// What `acquire(blocking, timeout)` asks for, with CPython's complaints.
fn wait_arguments(cx: &mut Ctx, blocking: Value, timeout: Value) -> R<(bool, Option<Instant>)> {
    let blocking = blocking.is_unbound() || cx.truth(blocking)?;
    let seconds = if timeout.is_unbound() { -1.0 } else { cx.to_float(timeout)? };
    if !blocking && seconds != -1.0 {
        return Err(cx.value_error("can't specify a timeout for a non-blocking call"));
    }
    if seconds < 0.0 && seconds != -1.0 {
        return Err(cx.value_error("timeout value must be a non-negative number"));
    }
    if seconds == -1.0 {
        return Ok((blocking, None));
    }
    match Duration::try_from_secs_f64(seconds).ok().and_then(|d| Instant::now().checked_add(d)) {
        Some(at) if seconds < 9_223_372_036.0 => Ok((blocking, Some(at))),
        _ => Err(cx.overflow_error("timestamp too large to convert to C PyTime_t")),
    }
}

impl Ctx {
    /// A new lock, not held.
    pub fn new_lock(&mut self) -> Value {
        let class = match self.iso().roots.lock_class.get().cast() {
            Some(class) => class,
            None => {
                let class = self.native_class("_thread", "lock", None, plain::METHODS);
                self.install_in(class, RESUMABLE);
                self.iso().roots.lock_class.set(class.value());
                class
            }
        };
        self.new_boxed(class, Some(Box::new(Lock::default())), 0).value()
    }
}

/// lock
#[methods]
pub mod plain {
    use super::*;

    /// Open the lock to the next that waits.
    pub fn release(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let b = lock_of(cx, this.value())?;
        match b.payload::<Lock>() {
            Some(lock) if lock.release(cx) => Ok(()),
            _ => Err(cx.runtime_error("release unlocked lock")),
        }
    }
    /// Whether the lock is held.
    pub fn locked(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        let b = lock_of(cx, this.value())?;
        Ok(b.payload::<Lock>().is_some_and(Lock::is_locked))
    }
    pub fn __exit__(cx: &mut Ctx, this: Gc<Boxed>, _rest: &[Value]) -> R<()> {
        release(cx, this)
    }
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let state = if locked(cx, this)? { "locked" } else { "unlocked" };
        Ok(format!("<{state} _thread.lock object at {:#x}>", this.as_ptr() as usize))
    }
}
