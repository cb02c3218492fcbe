//! `_thread.lock`: acquired and waited for without keeping a native stack.

use conc_macros::methods;
use parking_lot::Mutex;

use super::wait::{self, ACQUIRE_PARAMS, Acquire, Waiters, method};
use crate::native::{Ctx, NativeDef, R};
use crate::object::misc::{Boxed, Hold, Payload};
use crate::scheduler;
use crate::value::{Gc, Value};

/// A lock's state: who has taken it, and who waits.
#[derive(Default)]
pub struct Lock(Mutex<LockState>);

#[derive(Default)]
struct LockState {
    /// The thread that took it; 0: free. Any thread may release it.
    holder: u64,
    waiters: Waiters,
}

impl Payload for Lock {
    fn holder(&self) -> Option<u64> {
        Some(self.0.lock().holder).filter(|&id| id != 0)
    }
    fn hold(&self) -> Hold {
        Hold::Loose
    }
}

impl Acquire for Lock {
    fn acquire(&self, cx: &mut Ctx, wait: bool) -> bool {
        let me = scheduler::current(cx);
        let mut s = self.0.lock();
        if s.holder == 0 {
            s.holder = me;
            return true;
        }
        if wait {
            s.waiters.join(cx);
        }
        false
    }
    fn leave(&self, cx: &mut Ctx) {
        self.0.lock().waiters.leave(cx);
    }
}

impl Lock {
    pub fn is_locked(&self) -> bool {
        self.0.lock().holder != 0
    }
    /// Releases, handing the lock to the first waiter; false: it was not held.
    pub fn release(&self, cx: &mut Ctx) -> bool {
        let mut s = self.0.lock();
        if s.holder == 0 {
            return false;
        }
        s.holder = s.waiters.wake_first(cx, Value::TRUE).unwrap_or(0);
        true
    }
}

/// acquire and `__enter__`, which are resumable.
pub static RESUMABLE: &[NativeDef] = &[
    method("acquire", "Take the lock, waiting for it.", ACQUIRE_PARAMS, wait::acquire::<Lock>),
    method("acquire_lock", "Another name of acquire.", ACQUIRE_PARAMS, wait::acquire::<Lock>),
    method("__enter__", "Take the lock, waiting for it.", ACQUIRE_PARAMS, wait::acquire::<Lock>),
];

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
    use crate::object::class::Class;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Gc<Class>) -> Value {
        cx.new_lock()
    }
    /// Open the lock to the next that waits.
    pub fn release(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let (_, lock) = wait::payload::<Lock>(cx, this.value())?;
        if lock.release(cx) { Ok(()) } else { Err(cx.runtime_error("release unlocked lock")) }
    }
    /// Another name of release.
    pub fn release_lock(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        release(cx, this)
    }
    /// Whether the lock is held.
    pub fn locked(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        wait::payload::<Lock>(cx, this.value()).map(|(_, lock)| lock.is_locked())
    }
    /// Another name of locked.
    pub fn locked_lock(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        locked(cx, this)
    }
    pub fn __exit__(cx: &mut Ctx, this: Gc<Boxed>, _rest: &[Value]) -> R<()> {
        release(cx, this)
    }
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let state = if locked(cx, this)? { "locked" } else { "unlocked" };
        Ok(format!("<{state} _thread.lock object at {:#x}>", this.as_ptr() as usize))
    }
}
