//! Asynchronous I/O: the native part of asyncio.

pub mod eventloop;
pub mod future;
pub mod handle;
pub mod poller;
pub mod stream;
pub mod task;
pub mod timers;
pub mod transport;

/// Futures, tasks, handles and the event loop.
#[conc_macros::module(name = "_asyncio")]
pub mod functions {
    use super::{eventloop, future, handle, stream, task, transport};
    use crate::core::shared::{define, remember};
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, NativeDef, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::misc::Behavior;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    /// What `sleep(0)` awaits: it yields once. Slot: whether it has.
    static PAUSE: Behavior = Behavior::awaitable("pause", |_, this, _| {
        let before = this.slots()[0].swap(Value::TRUE);
        Ok(if before == Value::TRUE { Err(Value::NONE) } else { Ok(Value::NONE) })
    });

    /// An awaitable that lets the loop run other tasks once.
    pub fn pause(cx: &mut Ctx) -> Value {
        let class = crate::core::shared::recall_class(cx, "asyncio._Pause");
        let class = class.unwrap_or_else(|| cx.class(ClassId::Object));
        make(cx, class, &PAUSE, &[Value::FALSE]).value()
    }
    /// The running event loop of this thread, or None.
    pub fn _get_running_loop(cx: &mut Ctx) -> Value {
        eventloop::running(cx)
    }
    /// Say which event loop this thread runs.
    pub fn _set_running_loop(cx: &mut Ctx, r#loop: Value) {
        cx.fiber.event_loop.set(r#loop);
    }
    /// The running event loop of this thread.
    pub fn get_running_loop(cx: &mut Ctx) -> R {
        let running = eventloop::running(cx);
        if running.is_none() {
            return Err(cx.runtime_error("no running event loop"));
        }
        Ok(running)
    }

    /// A class of exceptions of the module `asyncio.exceptions`.
    fn exception(cx: &mut Ctx, name: &str, base: ClassId) -> R {
        let base = cx.class(base).value();
        let bases = cx.tuple(&[base])?;
        let bases = cx.collect_tuple(bases)?;
        let namespace = cx.new_dict();
        let (key, owner) = (cx.names().__module__, cx.str("asyncio.exceptions"));
        namespace.set_str(cx, key, owner);
        let (meta, name) = (cx.class(ClassId::Type), cx.intern(name));
        Ok(cx.make_class(meta, name, bases, namespace, None)?.value())
    }

    fn class(
        cx: &mut Ctx,
        module: Gc<Module>,
        name: &str,
        base: Option<Gc<Class>>,
        tables: &[&'static [NativeDef]],
    ) -> Gc<Class> {
        let class = cx.native_class("_asyncio", name, base, tables[0]);
        for more in &tables[1..] {
            cx.install_in(class, more);
        }
        eventloop::keep_class(cx, name, class);
        define(cx, module, name, class.value());
        class
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for (name, base) in [("CancelledError", ClassId::BaseException), ("InvalidStateError", ClassId::Exception)] {
            let class = exception(cx, name, base)?;
            remember(cx, &format!("asyncio.{name}"), class);
            define(cx, module, name, class);
        }
        let base = class(cx, module, "Future", None, &[future::plain::METHODS]);
        base.finalize_on_demand();
        class(cx, module, "Task", Some(base), &[task::plain::METHODS]).finalize_on_demand();
        class(cx, module, "FutureIter", None, &[future::iterator::METHODS]);
        let base = class(cx, module, "Handle", None, &[handle::plain::METHODS]);
        class(cx, module, "TimerHandle", Some(base), &[handle::timer::METHODS]);
        class(cx, module, "EventLoop", None, &[eventloop::plain::METHODS, eventloop::RESUMABLE]);
        class(cx, module, "StreamReader", None, &[stream::plain::METHODS]);
        class(cx, module, "SocketTransport", None, &[transport::plain::METHODS, transport::RESUMABLE]);
        class(cx, module, "_Pause", None, &[&[]]);
        Ok(())
    }
}
