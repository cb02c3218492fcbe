//! `_thread._ThreadHandle`: a thread to be joined.

use std::sync::Arc;

use conc_interpreter::native::{Ctx, Entered, NativeDef, NativeFrame, R, Step};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::misc::{Boxed, Hold, Payload};
use conc_interpreter::scheduler::{self, Thread};
use conc_interpreter::sync::wait::{self, Patience, WAIT_PARAMS, method};
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;
use parking_lot::Mutex;

use crate::core::shared::{recall_class, remember};

/// The thread, once there is one.
#[derive(Default)]
pub struct Handle {
    thread: Mutex<Option<Arc<Thread>>>,
}

impl Payload for Handle {
    fn holder(&self) -> Option<u64> {
        self.thread.lock().as_ref().filter(|t| !t.is_done()).map(|t| t.id)
    }
    fn hold(&self) -> Hold {
        Hold::Owned
    }
}

impl Handle {
    fn thread(&self) -> Option<Arc<Thread>> {
        self.thread.lock().clone()
    }
}

/// The class, made at first use.
pub fn class(cx: &mut Ctx) -> Gc<Class> {
    const KEY: &str = "_thread._ThreadHandle";
    if let Some(class) = recall_class(cx, KEY) {
        return class;
    }
    let class = cx.native_class("_thread", "_ThreadHandle", None, plain::METHODS);
    cx.install_in(class, RESUMABLE);
    remember(cx, KEY, class.value());
    class
}

/// A handle of a thread.
pub fn make(cx: &mut Ctx, thread: Option<Arc<Thread>>) -> R {
    let class = class(cx);
    Ok(cx.new_boxed_with(class, Handle { thread: Mutex::new(thread) }, 0).value())
}

/// Makes a handle's thread, which does not run yet.
pub fn create(cx: &mut Ctx, handle: Value, f: Value, daemon: bool) -> R<()> {
    let (_, data) = wait::payload::<Handle>(cx, handle)?;
    let args = cx.tuple(&[])?;
    if data.thread().is_some() {
        return Err(cx.runtime_error("thread already started"));
    }
    let thread = scheduler::create(cx, f, args, daemon)?;
    *data.thread.lock() = Some(thread);
    Ok(())
}

/// Has a handle's thread run.
pub fn launch(cx: &mut Ctx, handle: Value) -> R<()> {
    let (_, data) = wait::payload::<Handle>(cx, handle)?;
    if let Some(thread) = data.thread() {
        scheduler::launch(cx, thread);
    }
    Ok(())
}

static RESUMABLE: &[NativeDef] = &[method("join", "Wait until the thread has ended.", WAIT_PARAMS, join)];

fn join(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    step(cx, frame, entered).into()
}

fn step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (_, handle) = wait::payload::<Handle>(cx, frame.get(0))?;
    let Some(thread) = handle.thread() else { return Err(cx.runtime_error("thread not started")) };
    match entered {
        Entered::Start => {}
        Entered::Raised(e) => {
            thread.forget_joiner(&scheduler::last_wait(cx));
            return Err(e);
        }
        Entered::With(ended) | Entered::Ended(ended) => {
            if ended != Value::TRUE {
                thread.forget_joiner(&scheduler::last_wait(cx));
            }
            return Ok(Step::Done(Value::NONE));
        }
    }
    let timeout = frame.get(1);
    let patience = match timeout.is_unbound() || timeout.is_none() {
        true => Patience::Forever,
        false => match wait::seconds(cx, timeout)? {
            s if s < 0.0 => Patience::Forever,
            s => Patience::Until(wait::moment(cx, s)?),
        },
    };
    if thread.id == scheduler::current(cx) {
        return Err(cx.runtime_error("Cannot join current thread"));
    }
    if thread.is_done() {
        return Ok(Step::Done(Value::NONE));
    }
    let waiter = scheduler::arm(cx);
    if !thread.add_joiner(waiter) {
        // It has just ended: a wait that is over at once.
        return Ok(Step::Park(Some(scheduler::now(cx))));
    }
    Ok(patience.deadline().map_or(Step::Done(Value::NONE), Step::Park))
}

/// _ThreadHandle
#[methods]
pub mod plain {
    use super::*;

    fn data<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a Handle> {
        wait::payload::<Handle>(cx, this.value()).map(|(_, handle)| handle)
    }

    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Gc<Class>) -> R {
        make(cx, None)
    }
    /// Whether the thread has ended.
    pub fn is_done(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(data(cx, this)?.thread().is_some_and(|t| t.is_done()))
    }
    /// The thread's identifier, 0 before it is made.
    #[getter]
    pub fn ident(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(data(cx, this)?.thread().map_or(0, |t| t.id as i64))
    }
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        Ok(format!("<_thread._ThreadHandle object: ident={}>", ident(cx, this)?))
    }
}
