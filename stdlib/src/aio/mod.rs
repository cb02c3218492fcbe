//! Asynchronous I/O: the native part of asyncio.

pub mod eventloop;
pub mod future;
pub mod gather;
pub mod handle;
pub mod poller;
pub mod queue;
pub mod running;
pub mod stream;
pub mod task;
pub mod timers;
pub mod transport;

use conc_interpreter::native::Ctx;
use conc_interpreter::object::class::Class;
use conc_interpreter::object::isolate::BuiltinModule;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::value::Gc;

/// The modules of this family.
pub const MODULES: &[BuiltinModule] = &[
    BuiltinModule::Native(&functions::MODULE),
    source!("asyncio._calls"),
    source!("asyncio._connections"),
    source!("asyncio._listening"),
    source!("asyncio._local"),
    source!("asyncio._lazy"),
    source!("asyncio.base_subprocess"),
    source!("asyncio.network"),
    source!("asyncio.pipes"),
    source!("asyncio.protocols"),
    source!("asyncio.servers"),
    source!("asyncio.socket_transports"),
    source!("asyncio.sslproto"),
    source!("asyncio.streams"),
    source!("asyncio.subprocess"),
    source!("asyncio.transports"),
    source!("asyncio.trsock"),
    source!("asyncio"),
    source!("asyncio._describe"),
    source!("asyncio.base_events"),
    source!("asyncio.coroutines"),
    source!("asyncio.events"),
    source!("asyncio.exceptions"),
    source!("asyncio.futures"),
    source!("asyncio.locks"),
    source!("asyncio.log"),
    source!("asyncio.mixins"),
    source!("asyncio.queues"),
    source!("asyncio.runners"),
    source!("asyncio.taskgroups"),
    source!("asyncio.tasks"),
    source!("asyncio.threads"),
    source!("asyncio.timeouts"),
    source!("asyncio.unix_events"),
];

/// The native classes, in the order in which they are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    Future,
    Task,
    FutureIter,
    Handle,
    TimerHandle,
}

/// A native class of asyncio.
#[inline]
pub fn class_of(cx: &Ctx, which: Which) -> Gc<Class> {
    let all = cx.iso().roots.asyncio.get().cast::<Tuple>();
    let class = all.and_then(|all| all.items().get(which as usize).and_then(|class| class.cast()));
    class.unwrap_or_else(|| cx.class(ClassId::Object))
}

/// Futures, tasks, handles and the event loop.
#[conc_macros::module(name = "_asyncio")]
pub mod functions {
    use super::{eventloop, future, gather, handle, queue, running, stream, task, transport};
    use crate::core::shared::{define, remember};
    use crate::data::boxes::make;
    use crate::data::deque;
    use conc_interpreter::native::{Ctx, NativeDef, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::misc::PAUSE;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    /// Wake the first of a deque's futures that has not ended, taking it and those before it out.
    pub fn wake_first(cx: &mut Ctx, waiters: Value) -> R<()> {
        let Some(waiters) = deque::deque(waiters) else {
            return Err(cx.type_error("a deque of futures is needed"));
        };
        while let Some(waiter) = deque::pop_end(cx, waiters, true) {
            if let Some(f) = future::future(waiter).filter(|f| future::is_pending(f)) {
                return future::set_result(cx, f, Value::NONE);
            }
        }
        Ok(())
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
        let future = class(cx, module, "Future", None, &[future::plain::METHODS]);
        let task = class(cx, module, "Task", Some(future), &[task::plain::METHODS]);
        future.finalize_on_demand();
        task.finalize_on_demand();
        let iterator = class(cx, module, "FutureIter", None, &[future::iterator::METHODS]);
        let handle = class(cx, module, "Handle", None, &[handle::plain::METHODS]);
        let timer = class(cx, module, "TimerHandle", Some(handle), &[handle::timer::METHODS]);
        let pause = class(cx, module, "_Pause", None, &[&[]]);
        // In the order of `Which`.
        let all = [future, task, iterator, handle, timer].map(|class| class.value());
        let all = cx.tuple(&all)?;
        // What `sleep(0)` awaits.
        let pause = make(cx, pause, &PAUSE, &[]);
        define(cx, module, "PAUSE", pause.value());
        cx.iso().roots.asyncio.set(all);
        class(cx, module, "EventLoop", None, &[eventloop::plain::METHODS, running::RESUMABLE]);
        class(cx, module, "Group", None, &[gather::plain::METHODS]);
        class(cx, module, "Queue", None, &[queue::plain::METHODS]);
        class(cx, module, "StreamReader", None, &[stream::plain::METHODS]);
        class(cx, module, "SocketTransport", None, &[transport::plain::METHODS, transport::RESUMABLE]);
        Ok(())
    }
}
