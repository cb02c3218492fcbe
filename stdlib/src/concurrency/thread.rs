//! `_thread`: starting threads, and locks.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::exception::Exception;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::value::Value;
use conc_macros::module;

use crate::core::output;
use crate::core::structseq::Layout;

/// What `threading.excepthook` is called with.
pub static EXCEPT_HOOK_ARGS: Layout = Layout {
    module: "_thread",
    name: "_ExceptHookArgs",
    fields: &["exc_type", "exc_value", "exc_traceback", "thread"],
    extra: &[],
    closed: false,
};

/// Shows the exception that ended a thread, unless it is SystemExit.
fn report(cx: &mut Ctx, args: Value) -> R<()> {
    let class = cx.get_attr_text(args, "exc_type")?;
    if class == cx.class(ClassId::SystemExit).value() {
        return Ok(());
    }
    let (value, thread) = (cx.get_attr_text(args, "exc_value")?, cx.get_attr_text(args, "thread")?);
    let traceback = cx.get_attr_text(args, "exc_traceback")?;
    let name = match thread.is_none() {
        true => conc_interpreter::scheduler::current(cx).to_string(),
        false => {
            let name = cx.get_attr_text(thread, "name")?;
            cx.str_text(name)
        }
    };
    if let Some(e) = value.cast::<Exception>()
        && e.traceback.get().is_none()
    {
        e.traceback.set(traceback);
    }
    let text = format!("Exception in thread {name}:\n{}", cx.format_exception(value));
    let stderr = cx.names().stderr;
    let file = output::sys_value(cx, stderr).unwrap_or(Value::NONE);
    if file.is_none() { Ok(()) } else { output::write_to(cx, file, text.as_bytes()) }
}

/// Low-level threads.
#[module(name = "_thread")]
pub mod thread {
    use super::EXCEPT_HOOK_ARGS;
    use crate::concurrency::handle;
    use crate::core::attributes::callable;
    use crate::core::shared::{define, recall, remember};
    use crate::core::structseq::class_of;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::dict::Dict;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::scheduler;
    use conc_interpreter::value::{Gc, Value};

    /// Let the running thread be cancelled from now on.
    pub fn _allow_cancel(cx: &mut Ctx) {
        conc_interpreter::scheduler::cancel::allow(cx);
    }
    /// Let the running thread not be cancelled any more; whether it was to be, and has not been told.
    pub fn _refuse_cancel(cx: &mut Ctx) -> bool {
        conc_interpreter::scheduler::cancel::refuse(cx)
    }
    /// Raise CancelledError in the next wait of a thread that lets itself be cancelled.
    pub fn _cancel(cx: &mut Ctx, thread: i64) -> bool {
        conc_interpreter::scheduler::cancel::cancel(cx, thread as u64)
    }
    /// The longest timeout, in seconds.
    pub const TIMEOUT_MAX: f64 = conc_interpreter::sync::wait::TIMEOUT_MAX;

    /// Run the function in a new thread and give its identifier.
    pub fn start_new_thread(cx: &mut Ctx, function: Value, args: Value, kwargs: Option<Value>) -> R<i64> {
        if !callable(cx, function) {
            return Err(cx.type_error("first arg must be callable"));
        }
        if !args.is_a::<Tuple>() {
            return Err(cx.type_error("2nd arg must be a tuple"));
        }
        let target = match kwargs.filter(|k| !k.is_none()) {
            None => function,
            Some(k) => {
                if !k.is_a::<Dict>() {
                    return Err(cx.type_error("optional 3rd arg must be a dictionary"));
                }
                let partial = cx.import("functools")?;
                let partial = cx.get_attr_text(partial, "partial")?;
                cx.call_kwargs(partial, &[function], k.cast())?
            }
        };
        Ok(scheduler::spawn(cx, target, args, true)? as i64)
    }
    /// Another name of start_new_thread.
    pub fn start_new(cx: &mut Ctx, function: Value, args: Value, kwargs: Option<Value>) -> R<i64> {
        start_new_thread(cx, function, args, kwargs)
    }

    /// Start a thread that calls the function; return a handle to join it by.
    pub fn start_joinable_thread(
        cx: &mut Ctx,
        #[kw] function: Value,
        #[kw]
        #[default(Value::NONE)]
        handle: Value,
        #[kw]
        #[default(true)]
        daemon: bool,
    ) -> R {
        if !callable(cx, function) {
            return Err(cx.type_error("thread function must be callable"));
        }
        let handle = if handle.is_none() { handle::make(cx, None)? } else { handle };
        handle::create(cx, handle, function, daemon)?;
        handle::launch(cx, handle)?;
        Ok(handle)
    }

    /// A new lock, not held.
    pub fn allocate_lock(cx: &mut Ctx) -> Value {
        cx.new_lock()
    }
    /// Another name of allocate_lock.
    pub fn allocate(cx: &mut Ctx) -> Value {
        cx.new_lock()
    }

    /// The identifier of the running thread.
    pub fn get_ident(cx: &mut Ctx) -> i64 {
        scheduler::current(cx) as i64
    }
    /// A number of the running thread; Conc's threads are no system threads, it is the identifier.
    pub fn get_native_id(cx: &mut Ctx) -> i64 {
        scheduler::current(cx) as i64
    }
    /// The identifier of the main thread.
    pub fn _get_main_thread_ident() -> i64 {
        scheduler::MAIN as i64
    }
    /// Whether the running interpreter is the main one.
    pub fn _is_main_interpreter() -> bool {
        true
    }
    /// Whether threads may be daemons.
    pub fn daemon_threads_allowed() -> bool {
        true
    }
    /// A handle of a running thread.
    pub fn _make_thread_handle(cx: &mut Ctx, ident: i64) -> R {
        let thread = scheduler::threads(cx).into_iter().find(|t| t.id as i64 == ident);
        handle::make(cx, thread)
    }

    /// How many threads are running besides the main one.
    pub fn _count(cx: &mut Ctx) -> usize {
        scheduler::threads(cx).iter().filter(|t| t.id != scheduler::MAIN).count()
    }

    /// What threads have taken and not given back: a dict of numbers.
    pub fn _census(cx: &mut Ctx) -> Gc<Dict> {
        let census = scheduler::census::take(cx);
        let dict = cx.new_dict();
        for (name, count) in [
            ("threads", census.threads),
            ("fibers", census.fibers),
            ("stacks", census.stacks),
            ("timers", census.timers),
            ("outside", census.outside),
        ] {
            let name = cx.intern(name);
            dict.set_str(cx, name, Value::small_int(count as i64));
        }
        dict
    }

    /// End the running thread by raising SystemExit.
    pub fn exit(cx: &mut Ctx) -> R {
        Err(cx.error_with(ClassId::SystemExit, &[]))
    }
    /// Another name of exit.
    pub fn exit_thread(cx: &mut Ctx) -> R {
        exit(cx)
    }

    /// Raise KeyboardInterrupt in the main thread.
    pub fn interrupt_main(cx: &mut Ctx, #[default(2)] _signum: i64) -> R<()> {
        if scheduler::interrupt(cx) {
            return Err(cx.error(ClassId::KeyboardInterrupt, ""));
        }
        Ok(())
    }

    /// Return the stack size asked for, and ask for another. Conc's threads grow theirs as they need.
    pub fn stack_size(cx: &mut Ctx, #[default(0)] size: i64) -> R {
        if size < 0 {
            return Err(cx.value_error("size must be 0 or a positive value"));
        }
        if size > 0 && size < 32 << 10 {
            return Err(cx.value_error(format!("size not valid: {size} bytes")));
        }
        let old = recall(cx, "_thread.stack_size").unwrap_or(Value::small_int(0));
        let size = cx.int(size);
        remember(cx, "_thread.stack_size", size);
        Ok(old)
    }

    /// Show the exception that ended a thread, as threading.excepthook does at first.
    pub fn _excepthook(cx: &mut Ctx, args: Value) -> R<()> {
        let class = class_of(cx, &EXCEPT_HOOK_ARGS)?;
        if cx.class_of(args) != class {
            return Err(cx.type_error("_thread.excepthook argument type must be ExceptHookArgs"));
        }
        super::report(cx, args)
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let lock = cx.new_lock();
        let lock: Gc<Class> = cx.class_of(lock);
        let (rlock, local) = (cx.rlock_class(), cx.local_class());
        let (args, handle) = (class_of(cx, &EXCEPT_HOOK_ARGS)?, handle::class(cx));
        for (name, class) in [
            ("LockType", lock),
            ("lock", lock),
            ("RLock", rlock),
            ("_local", local),
            ("_ExceptHookArgs", args),
            ("_ThreadHandle", handle),
            ("error", cx.class(ClassId::RuntimeError)),
            ("_DeadlockError", cx.class(ClassId::DeadlockError)),
        ] {
            define(cx, module, name, class.value());
        }
        Ok(())
    }
}
