//! Exclusive use of a stream's state.
//!
//! A method takes the state out, works on it (it may run script code, wait and collect) and puts it back. Another
//! thread that wants it meanwhile waits; the same thread coming back in gets CPython's "reentrant call" error.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::scheduler;
use conc_interpreter::sync::wait::Waiters;
use conc_interpreter::value::Value;
use parking_lot::Mutex;

struct Slot<T> {
    state: Option<Box<T>>,
    /// The thread that has it; 0: one that will not wait with it.
    user: u64,
    waiters: Waiters,
}

/// State used by one method at a time.
pub struct Shared<T>(Mutex<Slot<T>>);

impl<T> Shared<T> {
    pub fn new(state: T) -> Shared<T> {
        Shared(Mutex::new(Slot { state: Some(Box::new(state)), user: 0, waiters: Waiters::default() }))
    }

    fn take(&self, user: u64) -> Option<Box<T>> {
        let mut slot = self.0.lock();
        let state = slot.state.take();
        if state.is_some() {
            slot.user = user;
        }
        state
    }

    /// Works on the state; waits for it if another thread has it.
    pub fn with<X>(&self, cx: &mut Ctx, work: impl FnOnce(&mut Ctx, &mut T) -> R<X>) -> R<X> {
        let me = scheduler::current(cx);
        let mut state = match self.take(me) {
            Some(state) => state,
            None => self.wait(cx, me)?,
        };
        let result = work(cx, &mut state);
        let mut slot = self.0.lock();
        slot.state = Some(state);
        slot.waiters.wake_first(cx, Value::TRUE);
        result
    }

    #[cold]
    fn wait(&self, cx: &mut Ctx, me: u64) -> R<Box<T>> {
        loop {
            let mut slot = self.0.lock();
            if let Some(state) = slot.state.take() {
                slot.user = me;
                return Ok(state);
            }
            match slot.user {
                0 => {
                    drop(slot);
                    std::thread::yield_now();
                    continue;
                }
                user if user == me => return Err(cx.runtime_error("reentrant call inside a stream")),
                _ => slot.waiters.join(cx),
            }
            drop(slot);
            if let Err(e) = scheduler::park_here(cx, None) {
                self.0.lock().waiters.leave(cx);
                return Err(e);
            }
        }
    }

    /// Works on the state unless it is in use.
    pub fn try_with<X>(&self, work: impl FnOnce(&mut T) -> X) -> Option<X> {
        let mut state = self.take(0)?;
        let result = work(&mut state);
        self.0.lock().state = Some(state);
        Some(result)
    }
}
