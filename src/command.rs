//! The `conc` command: what its arguments ask for.

use std::process::ExitCode;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::module::Module;
use conc_interpreter::value::Value;
use conc_interpreter::vm;

/// Runs the command; the exit status is CPython's.
pub fn main(args: &[String]) -> ExitCode {
    let Some(file) = args.first() else { return ExitCode::from(2) };
    let mut cx = match vm::new_interpreter(conc_stdlib::library()) {
        Ok(cx) => cx,
        Err(_) => return ExitCode::from(70),
    };
    let result = run_file(&mut cx, file);
    let result = result.and_then(|v| conc_interpreter::scheduler::finish(&mut cx).map(|()| v));
    match result {
        Ok(_) => ExitCode::SUCCESS,
        Err(e) => {
            eprint!("{}", cx.format_exception(e.0));
            ExitCode::from(1)
        }
    }
}

fn run_file(cx: &mut Ctx, file: &str) -> R {
    let bytes = std::fs::read(file).unwrap_or_default();
    let text = vm::source_text(cx, &bytes, file)?;
    let source = cx.str(&text);
    let code = (cx.iso().machine.compile)(cx, source, file, "exec", 0)?;
    let main = cx.iso().roots.main_thread.get();
    let Some(module) = main.cast::<Module>() else { return Ok(Value::NONE) };
    let dict: conc_interpreter::value::Gc<Dict> = module.dict();
    (cx.iso().machine.exec)(cx, code, dict, Value::UNBOUND)
}
