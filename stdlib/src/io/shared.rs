//! Exclusive use of a stream's state.
//!
//! A method takes the state out, works on it (it may run script code and collect) and puts it back. Another thread
//! that wants it meanwhile waits, polling; the same thread coming back in gets CPython's "reentrant call" error.

use std::thread::ThreadId;

use conc_interpreter::native::{Ctx, R};
use parking_lot::Mutex;

struct Slot<T> {
    state: Option<Box<T>>,
    user: Option<ThreadId>,
}

/// State used by one method at a time.
pub struct Shared<T>(Mutex<Slot<T>>);

impl<T> Shared<T> {
    pub fn new(state: T) -> Shared<T> {
        Shared(Mutex::new(Slot { state: Some(Box::new(state)), user: None }))
    }

    fn take(&self) -> Option<Box<T>> {
        let mut slot = self.0.lock();
        let state = slot.state.take();
        if state.is_some() {
            slot.user = None;
        }
        state
    }

    fn put(&self, state: Box<T>) {
        let mut slot = self.0.lock();
        slot.state = Some(state);
        slot.user = None;
    }

    /// Works on the state; waits for it if another thread has it.
    pub fn with<X>(&self, cx: &mut Ctx, work: impl FnOnce(&mut Ctx, &mut T) -> R<X>) -> R<X> {
        let mut state = match self.take() {
            Some(state) => state,
            None => self.wait(cx)?,
        };
        let result = work(cx, &mut state);
        self.put(state);
        result
    }

    #[cold]
    fn wait(&self, cx: &mut Ctx) -> R<Box<T>> {
        let me = std::thread::current().id();
        loop {
            if !cx.is_shared() || self.0.lock().user == Some(me) {
                return Err(cx.runtime_error("reentrant call inside a stream"));
            }
            cx.poll()?;
            std::thread::yield_now();
            if let Some(state) = self.take() {
                return Ok(state);
            }
        }
    }

    /// Works on the state unless it is in use.
    pub fn try_with<X>(&self, work: impl FnOnce(&mut T) -> X) -> Option<X> {
        let mut state = self.take()?;
        let result = work(&mut state);
        self.put(state);
        Some(result)
    }
}
