//! The end of a program: SystemExit, the report of an uncaught exception, exit functions, the last flush.

use std::io::Write;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::exception::{Exception, extra};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::module::Module;
use conc_interpreter::value::Value;
use conc_interpreter::vm;

/// Stands for "killed by SIGINT" until the program has ended.
const INTERRUPTED: u8 = 130;

/// Reports an exception that left the program; the exit status.
pub fn status_of(cx: &mut Ctx, exc: Value) -> u8 {
    let broken = !flush(cx, "stdout");
    if cx.is_instance(exc, ClassId::SystemExit) {
        return exit_status(cx, exc);
    }
    if (broken || conc_stdlib::io::standard::is_output_cut_off()) && cx.is_instance(exc, ClassId::BrokenPipeError) {
        return 1;
    }
    report(cx, exc)
}

/// What SystemExit says; a message is written to standard error.
pub fn exit_status(cx: &mut Ctx, exc: Value) -> u8 {
    let code = exc.cast::<Exception>().map_or(Value::NONE, |e| e.extra[extra::EXIT_CODE].get());
    if code.is_none() || code.is_unbound() {
        return 0;
    }
    if cx.is_int(code) {
        return cx.as_i64(code).map_or(255, |n| n as u8);
    }
    let mut text = cx.str_text(code);
    text.push('\n');
    write_error(cx, &text);
    1
}

/// Shows an exception by `sys.excepthook`; the exit status.
pub fn report(cx: &mut Ctx, exc: Value) -> u8 {
    let status = if cx.is_instance(exc, ClassId::KeyboardInterrupt) { INTERRUPTED } else { 1 };
    let Some(hook) = sys_value(cx, "excepthook").filter(|h| !h.is_none()) else {
        let text = cx.format_exception(exc);
        write_error(cx, &text);
        return status;
    };
    let class = cx.class_of(exc).value();
    let traceback = exc.cast::<Exception>().map_or(Value::NONE, |e| e.traceback.get());
    let traceback = if traceback.is_unbound() { Value::NONE } else { traceback };
    let shown = cx.call(hook, &[class, exc, traceback]);
    if cx.is_instance(exc, ClassId::DeadlockError) {
        let threads = conc_interpreter::scheduler::last_deadlock(cx);
        write_error(cx, &super::deadlock::diagnostic(&threads));
    }
    match shown {
        Ok(_) => status,
        Err(e) if cx.is_error(e, ClassId::SystemExit) => exit_status(cx, e.0),
        Err(e) => {
            let (second, first) = (cx.format_exception(e.0), cx.format_exception(exc));
            write_error(cx, &format!("Error in sys.excepthook:\n{second}\nOriginal exception was:\n{first}"));
            status
        }
    }
}

/// Exit functions, finalizers, the last flush; then the status the process ends with. `deadlocked`: DeadlockError has
/// ended the program.
pub fn finish(cx: &mut Ctx, status: u8, deadlocked: bool) -> u8 {
    call_if_loaded(cx, "threading", "_shutdown");
    let status = match conc_interpreter::scheduler::finish(cx, deadlocked) {
        Ok(()) => status,
        Err(e) => report(cx, e.0),
    };
    call_if_loaded(cx, "atexit", "_run_exitfuncs");
    cx.finalize_all();
    let flushed = flush(cx, "stdout");
    flush(cx, "stderr");
    conc_stdlib::io::registry::flush_all();
    if status == INTERRUPTED {
        vm::interrupt::die();
    }
    if status == 0 && !flushed { 120 } else { status }
}

fn call_if_loaded(cx: &mut Ctx, module: &str, function: &str) {
    let name = cx.intern(module);
    let Some(modules) = cx.iso().roots.modules.get().cast::<Dict>() else { return };
    let Some(module) = modules.get_str(cx, name).and_then(|m| m.cast::<Module>()) else { return };
    let name = cx.intern(function);
    let Some(f) = module.dict().get_str(cx, name) else { return };
    if let Err(e) = cx.call(f, &[])
        && !cx.is_error(e, ClassId::SystemExit)
        // The wait for the last threads says it too.
        && !cx.is_error(e, ClassId::DeadlockError)
    {
        cx.unraisable(e, f);
    }
}

pub fn sys_value(cx: &mut Ctx, name: &str) -> Option<Value> {
    let sys = cx.iso().roots.sys.get().cast::<Module>()?;
    let name = cx.intern(name);
    sys.dict().get_str(cx, name)
}

/// Flushes one of sys's streams; false if that failed.
pub fn flush(cx: &mut Ctx, name: &str) -> bool {
    let Some(stream) = sys_value(cx, name).filter(|s| !s.is_none()) else { return true };
    if let Ok(true) = cx.get_attr_text(stream, "closed").and_then(|closed| cx.truth(closed)) {
        return true;
    }
    let flush = |cx: &mut Ctx| -> R {
        let flush = cx.get_attr_text(stream, "flush")?;
        cx.call(flush, &[])
    };
    flush(cx).is_ok()
}

/// Writes to sys.stderr, or past it where there is none.
pub fn write_error(cx: &mut Ctx, text: &str) {
    if let Some(stream) = sys_value(cx, "stderr").filter(|s| !s.is_none()) {
        let value = cx.str(text);
        let write = |cx: &mut Ctx| -> R {
            let write = cx.get_attr_text(stream, "write")?;
            cx.call(write, &[value])
        };
        if write(cx).is_ok() {
            flush(cx, "stderr");
            return;
        }
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
}
