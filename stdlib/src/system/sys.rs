//! sys: the interpreter's settings and state.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::exception::Exception;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::module::Module;
use conc_interpreter::value::{Gc, Value};

use crate::core::output;
use crate::core::shared::define;
use crate::core::structseq::{Layout, build};

/// What is there before the command or host fills in its own.
fn initial(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
    let modules = cx.iso().roots.modules.get();
    define(cx, module, "modules", modules);
    let empty = cx.str("");
    let argv = cx.list(&[empty])?.value();
    define(cx, module, "argv", argv);
    let orig = cx.new_list();
    for arg in std::env::args_os() {
        use std::os::unix::ffi::OsStrExt;
        let arg = crate::os::paths::decoded(cx, arg.as_bytes())?;
        cx.list_push(orig, arg)?;
    }
    define(cx, module, "orig_argv", orig.value());
    for name in ["path", "warnoptions", "meta_path", "path_hooks"] {
        let list = cx.new_list().value();
        define(cx, module, name, list);
    }
    for name in ["path_importer_cache", "_xoptions"] {
        let dict = cx.new_dict().value();
        define(cx, module, name, dict);
    }
    define(cx, module, "dont_write_bytecode", Value::TRUE);
    define(cx, module, "pycache_prefix", Value::NONE);
    for (fd, name, original) in [(0, "stdin", "__stdin__"), (1, "stdout", "__stdout__"), (2, "stderr", "__stderr__")] {
        let stream = crate::io::standard::open(cx, fd)?;
        define(cx, module, name, stream);
        define(cx, module, original, stream);
    }
    for (name, original) in [
        ("displayhook", "__displayhook__"),
        ("excepthook", "__excepthook__"),
        ("unraisablehook", "__unraisablehook__"),
        ("breakpointhook", "__breakpointhook__"),
    ] {
        let key = cx.intern(name);
        if let Some(hook) = module.dict().get_str(cx, key) {
            define(cx, module, original, hook);
        }
    }
    // Called by the machine, not by scripts.
    let report = cx.intern("_report_unraisable");
    if let Some(report) = module.dict().remove(cx, report.value())? {
        cx.iso().roots.unraisable.set(report);
    }
    Ok(())
}

static UNRAISABLE: Layout = Layout {
    module: "sys",
    name: "UnraisableHookArgs",
    fields: &["exc_type", "exc_value", "exc_traceback", "err_msg", "object"],
    extra: &[],
    closed: true,
};

/// Hands an exception that nobody can catch to the hook; what the hook itself raises goes to the default one.
fn report_unraisable(cx: &mut Ctx, exc: Value, source: Value, message: Value) -> R<()> {
    let Some(hook) = output::sys_value(cx, cx.names().unraisablehook).filter(|h| !h.is_none()) else {
        let lead = if message.is_none() { "Exception ignored in".to_string() } else { cx.str_text(message) };
        return default_unraisable(cx, exc, &lead, source);
    };
    let class = cx.class_of(exc).value();
    let traceback = exc.cast::<Exception>().map_or(Value::NONE, |e| e.traceback.get());
    let args = build(cx, &UNRAISABLE, &[class, exc, traceback, message, source], &[])?;
    match cx.call(hook, &[args]) {
        Ok(_) => Ok(()),
        Err(e) => default_unraisable(cx, e.0, "Exception ignored in sys.unraisablehook", hook),
    }
}

/// Says on sys.stderr where an exception was ignored.
fn default_unraisable(cx: &mut Ctx, exc: Value, lead: &str, object: Value) -> R<()> {
    let head = if object.is_none() { format!("{lead}:\n") } else { format!("{lead}: {}\n", cx.repr_text(object)) };
    let text = cx.format_exception(exc);
    write_error(cx, &format!("{head}{text}"))
}

fn write_error(cx: &mut Ctx, text: &str) -> R<()> {
    let name = cx.names().stderr;
    let file = output::sys_value(cx, name).unwrap_or(Value::NONE);
    if file.is_none() { Ok(()) } else { output::write_to(cx, file, text.as_bytes()) }
}

/// SystemExit with the status; without arguments if that is None.
pub fn exit_with(cx: &mut Ctx, status: Option<Value>) -> R {
    match status {
        Some(status) if !status.is_none() => Err(cx.error_with(ClassId::SystemExit, &[status])),
        _ => Err(cx.error_with(ClassId::SystemExit, &[])),
    }
}

/// Settings and state of the interpreter.
#[conc_macros::module(name = "sys")]
pub mod sys {
    use crate::core::output;
    use crate::core::shared::{recall, remember, text_arg};
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::dict::Dict;
    use conc_interpreter::object::exception::Exception;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};
    use std::sync::atomic::Ordering;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        crate::system::facts::fill(cx, module)?;
        super::initial(cx, module)
    }

    /// End the program, or the thread, by raising SystemExit.
    ///
    /// A status that is an int goes to the system, None is 0; anything else is written to sys.stderr and makes it 1.
    pub fn exit(cx: &mut Ctx, status: Option<Value>) -> R {
        super::exit_with(cx, status)
    }

    /// Give class, exception and traceback of what is being handled; three times None if nothing is.
    pub fn exc_info(cx: &mut Ctx) -> R {
        let exc = cx.handled;
        let Some(e) = exc.cast::<Exception>() else {
            return cx.tuple(&[Value::NONE, Value::NONE, Value::NONE]);
        };
        let (class, traceback) = (cx.class_of(exc).value(), e.traceback.get());
        cx.tuple(&[class, exc, traceback])
    }

    /// Give the exception that is being handled; None if there is none.
    pub fn exception(cx: &mut Ctx) -> Value {
        cx.handled
    }

    /// Tell how deep calls may go.
    pub fn getrecursionlimit(cx: &mut Ctx) -> usize {
        cx.iso().recursion_limit.load(Ordering::Relaxed)
    }

    /// Choose how deep calls may go.
    pub fn setrecursionlimit(cx: &mut Ctx, limit: i64) -> R<()> {
        if limit < 1 {
            return Err(cx.value_error("recursion limit must be greater or equal than 1"));
        }
        if cx.depth as i64 >= limit {
            let depth = cx.depth;
            let message = format!(
                "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low"
            );
            return Err(cx.error(ClassId::RecursionError, message));
        }
        cx.iso().recursion_limit.store(limit as usize, Ordering::Relaxed);
        cx.signals_arc().depth_limit.store(limit as usize, Ordering::Relaxed);
        Ok(())
    }

    /// Intern the given string: strings that are equal are the same object then.
    pub fn intern(cx: &mut Ctx, string: Value) -> R<Gc<Str>> {
        let text = text_arg(cx, string, |got| format!("intern() argument must be str, not {got}"))?;
        if text.header().shape() != ClassId::Str.shape() {
            let got = cx.type_name(string);
            return Err(cx.type_error(format!("can't intern {got}")));
        }
        Ok(cx.intern_str(text))
    }

    /// Tell how many bytes of memory the object takes.
    pub fn getsizeof(cx: &mut Ctx, #[kw] object: Value, #[kw] default: Option<Value>) -> R {
        let name = cx.names().__sizeof__;
        match cx.call_special(object, name, &[])? {
            Some(size) => Ok(size),
            None => match default {
                Some(default) => Ok(default),
                None => {
                    let got = cx.type_name(object);
                    Err(cx.type_error(format!("Type {got} doesn't define __sizeof__")))
                }
            },
        }
    }

    /// Tell how many digits of an int are converted at most; 0 for any number.
    pub fn get_int_max_str_digits(cx: &mut Ctx) -> usize {
        cx.iso().int_max_str_digits.load(Ordering::Relaxed)
    }

    /// Choose how many digits of an int are converted at most; 0 for any number.
    pub fn set_int_max_str_digits(cx: &mut Ctx, #[kw] maxdigits: i64) -> R<()> {
        if maxdigits != 0 && maxdigits < 640 {
            return Err(cx.value_error("maxdigits must be 0 or larger than 640"));
        }
        cx.iso().int_max_str_digits.store(maxdigits as usize, Ordering::Relaxed);
        Ok(())
    }

    /// Name the encoding that str methods use unless told otherwise.
    pub fn getdefaultencoding() -> &'static str {
        "utf-8"
    }

    /// Name the encoding of file names.
    pub fn getfilesystemencoding() -> &'static str {
        "utf-8"
    }

    /// Name what happens to file names that the encoding lacks.
    pub fn getfilesystemencodeerrors() -> &'static str {
        "surrogateescape"
    }

    /// Give the frame of the caller, or of one depth calls further up.
    pub fn _getframe(cx: &mut Ctx, #[default(0)] depth: i64) -> R {
        let frame = conc_interpreter::vm::frames::frame_object(cx, depth.max(0) as usize)?;
        if frame.is_none() {
            return Err(cx.value_error("call stack is not deep enough"));
        }
        Ok(frame)
    }

    /// Name the module of the caller, or of one depth calls further up.
    pub fn _getframemodulename(
        cx: &mut Ctx,
        #[kw]
        #[default(0)]
        depth: i64,
    ) -> R {
        let globals = conc_interpreter::vm::frames::nth(cx, depth.max(0) as usize)
            .and_then(|f| f.code.globals.get().cast::<Dict>());
        let name = cx.names().__name__;
        Ok(globals.and_then(|g| g.get_str(cx, name)).unwrap_or(Value::NONE))
    }

    /// Write the object's repr() to sys.stdout and keep the object as builtins._.
    pub fn displayhook(cx: &mut Ctx, object: Value) -> R<()> {
        if object.is_none() {
            return Ok(());
        }
        let name = cx.intern("_");
        if let Some(builtins) = cx.iso().roots.builtins.get().cast::<Dict>() {
            builtins.set_str(cx, name, Value::NONE);
            let shown = cx.repr(object)?;
            let mut text = shown.as_bytes().to_vec();
            text.push(b'\n');
            output::write_stdout(cx, &text)?;
            builtins.set_str(cx, name, object);
        }
        Ok(())
    }

    /// Show an exception and its traceback on sys.stderr.
    pub fn excepthook(cx: &mut Ctx, _exctype: Value, value: Value, traceback: Value) -> R<()> {
        if let Some(e) = value.cast::<Exception>()
            && e.traceback.get().is_none()
            && !traceback.is_none()
        {
            e.traceback.set(traceback);
        }
        let text = cx.format_exception(value);
        super::write_error(cx, &text)
    }

    /// Say on sys.stderr where an exception was ignored.
    pub fn unraisablehook(cx: &mut Ctx, unraisable: Value) -> R<()> {
        let (object, message) = (cx.get_attr_text(unraisable, "object")?, cx.get_attr_text(unraisable, "err_msg")?);
        let value = cx.get_attr_text(unraisable, "exc_value")?;
        let lead = if message.is_none() { "Exception ignored in".to_string() } else { cx.str_text(message) };
        super::default_unraisable(cx, value, &lead, object)
    }

    /// Reports an exception that nobody can catch.
    pub fn _report_unraisable(
        cx: &mut Ctx,
        exc: Value,
        source: Value,
        #[default(Value::NONE)] message: Value,
    ) -> R<()> {
        super::report_unraisable(cx, exc, source, message)
    }

    /// There is no debugger to break into.
    pub fn breakpointhook(cx: &mut Ctx, _args: &[Value], _kws: Kwargs) -> R {
        Err(cx.runtime_error("breakpoint() is not supported: Conc has no debugger"))
    }

    /// Tell how long a thread runs before others get a turn, in seconds.
    pub fn getswitchinterval(cx: &mut Ctx) -> R {
        match recall(cx, "sys.switchinterval") {
            Some(interval) => Ok(interval),
            None => Ok(cx.float(0.005)),
        }
    }

    /// Set the longest time a thread runs while others wait, in seconds.
    pub fn setswitchinterval(cx: &mut Ctx, interval: f64) -> R<()> {
        if interval <= 0.0 {
            return Err(cx.value_error("switch interval must be strictly positive"));
        }
        let value = cx.float(interval);
        remember(cx, "sys.switchinterval", value);
        Ok(())
    }

    /// Tell whether the program is ending.
    pub fn is_finalizing() -> bool {
        false
    }

    /// False: there is no global interpreter lock.
    pub fn _is_gil_enabled() -> bool {
        false
    }

    /// Passes the event to hooks that are attached: there are none but those of addaudithook.
    pub fn audit(cx: &mut Ctx, event: Value, args: &[Value]) -> R<()> {
        let Some(hooks) = recall(cx, "sys.audithooks") else { return Ok(()) };
        let hooks = cx.collect_tuple(hooks)?;
        let args = cx.tuple(args)?;
        for &hook in hooks.items() {
            cx.call(hook, &[event, args])?;
        }
        Ok(())
    }

    /// Have a function told of every event that is audited.
    pub fn addaudithook(cx: &mut Ctx, #[kw] hook: Value) -> R<()> {
        let hooks = match recall(cx, "sys.audithooks").and_then(|h| h.cast()) {
            Some(hooks) => hooks,
            None => {
                let hooks = cx.new_list();
                remember(cx, "sys.audithooks", hooks.value());
                hooks
            }
        };
        cx.list_push(hooks, hook)
    }

    /// Give the two hooks for asynchronous generators.
    pub fn get_asyncgen_hooks(cx: &mut Ctx) -> R {
        let first = recall(cx, "sys.asyncgen_firstiter").unwrap_or(Value::NONE);
        let last = recall(cx, "sys.asyncgen_finalizer").unwrap_or(Value::NONE);
        crate::core::structseq::build(cx, &super::ASYNCGEN_HOOKS, &[first, last], &[])
    }

    /// Set the hooks for asynchronous generators.
    pub fn set_asyncgen_hooks(cx: &mut Ctx, #[kw] firstiter: Option<Value>, #[kw] finalizer: Option<Value>) -> R<()> {
        for (hook, name) in [(firstiter, "firstiter"), (finalizer, "finalizer")] {
            let Some(hook) = hook else { continue };
            if !hook.is_none() && !crate::core::attributes::callable(cx, hook) {
                let got = cx.type_name(hook);
                return Err(cx.type_error(format!("callable {name} expected, got {got}")));
            }
            remember(cx, &format!("sys.asyncgen_{name}"), hook);
        }
        Ok(())
    }

    /// Tracing of coroutine origins is always off.
    pub fn get_coroutine_origin_tracking_depth() -> i64 {
        0
    }

    /// Tracing of coroutine origins stays off.
    pub fn set_coroutine_origin_tracking_depth(cx: &mut Ctx, #[kw] depth: i64) -> R<()> {
        if depth < 0 {
            return Err(cx.value_error("depth must be >= 0"));
        }
        Ok(())
    }

    /// Call func(*args); it would be traced if there were a trace function.
    pub fn call_tracing(cx: &mut Ctx, func: Value, args: Value) -> R {
        let args = cx.collect_tuple(args)?;
        cx.call(func, args.items())
    }

    /// The trace function: there never is one.
    pub fn gettrace() -> Value {
        Value::NONE
    }

    /// The profile function: there never is one.
    pub fn getprofile() -> Value {
        Value::NONE
    }

    /// Only None is accepted: code cannot be traced.
    pub fn settrace(cx: &mut Ctx, function: Value) -> R<()> {
        if function.is_none() { Ok(()) } else { Err(cx.runtime_error("sys.settrace() is not supported")) }
    }

    /// Only None is accepted: code cannot be profiled this way.
    pub fn setprofile(cx: &mut Ctx, function: Value) -> R<()> {
        if function.is_none() { Ok(()) } else { Err(cx.runtime_error("sys.setprofile() is not supported")) }
    }

    /// Tells why a name that CPython has is missing.
    pub fn __getattr__(cx: &mut Ctx, name: Value) -> R {
        let text = cx.text_of(name);
        let hint = match text.as_str() {
            "getrefcount" => " (objects are not reference-counted; gc.get_referrers shows who holds one)",
            "_current_frames" => " (threads have no frames to show from outside)",
            _ => "",
        };
        Err(cx.attribute_error_for(
            cx.iso().roots.sys.get(),
            name,
            format!("module 'sys' has no attribute '{text}'{hint}"),
        ))
    }
}

static ASYNCGEN_HOOKS: Layout =
    Layout { module: "sys", name: "asyncgen_hooks", fields: &["firstiter", "finalizer"], extra: &[], closed: true };
