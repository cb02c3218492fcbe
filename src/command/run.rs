//! Running a program: its source, `sys.argv` and `sys.path`, then to its end.

use std::io::{IsTerminal, Read};
use std::path::Path;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::module::Module;
use conc_interpreter::value::{Gc, Value};
use conc_interpreter::vm;
use conc_interpreter::vm::program::{Found, find_module, folder_main};

use super::args::{Program, Run};
use super::end;

/// Why a program did not come to run.
enum Failed {
    /// A line for standard error and the exit status.
    Command(String, u8),
    Raised(Value),
}

impl From<conc_interpreter::native::Raised> for Failed {
    fn from(e: conc_interpreter::native::Raised) -> Failed {
        Failed::Raised(e.0)
    }
}

/// The text of a program and where it is from.
struct Text {
    file: String,
    text: String,
    shown: bool,
}

/// Runs what the command line names; the exit status.
pub fn run(run: Run) -> u8 {
    let made = match run.seed {
        Some(seed) => vm::seeded_interpreter(conc_stdlib::library(), seed),
        None => vm::new_interpreter(conc_stdlib::library()),
    };
    let Ok(mut cx) = made else {
        eprintln!("conc: the interpreter's memory cannot be reserved");
        return 70;
    };
    let cx = &mut *cx;
    vm::interrupt::watch(cx.signals_arc());
    if let Some(count) = run.workers {
        conc_interpreter::scheduler::set_workers(cx, count);
    }
    let mut deadlocked = false;
    let prompt_only = run.program.is_none() && (run.interactive || std::io::stdin().is_terminal());
    let status = if prompt_only {
        match prepare_prompt(cx, &run) {
            Ok(()) => prompt(cx, &run),
            Err(e) => end::status_of(cx, e.0),
        }
    } else {
        let status = match run_program(cx, &run) {
            Ok(()) => 0,
            Err(Failed::Command(line, status)) => {
                eprintln!("{line}");
                status
            }
            Err(Failed::Raised(e)) => {
                deadlocked = cx.is_instance(e, ClassId::DeadlockError);
                end::status_of(cx, e)
            }
        };
        if run.interactive { prompt(cx, &run) } else { status }
    };
    end::finish(cx, status, deadlocked)
}

fn prompt(cx: &mut Ctx, run: &Run) -> u8 {
    crate::repl::run(cx, run.quiet || run.program.is_some())
}

fn prepare_prompt(cx: &mut Ctx, run: &Run) -> R<()> {
    set_argv(cx, "", &run.args)?;
    set_options(cx, run)?;
    set_path(cx, "", run)
}

fn run_program(cx: &mut Ctx, run: &Run) -> Result<(), Failed> {
    set_options(cx, run)?;
    let text = match &run.program {
        Some(Program::File(file)) => file_text(cx, file, run)?,
        Some(Program::Module(name)) => module_text(cx, name, run)?,
        Some(Program::Code(code)) => {
            set_argv(cx, "-c", &run.args)?;
            set_path(cx, "", run)?;
            Text { file: "<string>".into(), text: format!("{code}\n"), shown: true }
        }
        Some(Program::Stdin) | None => {
            set_argv(cx, if run.program.is_some() { "-" } else { "" }, &run.args)?;
            set_path(cx, "", run)?;
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map_err(|e| Failed::Command(format!("conc: {e}"), 1))?;
            Text { file: "<stdin>".into(), text: vm::source_text(cx, &bytes, "<stdin>")?, shown: false }
        }
    };
    let globals = cx.main_namespace()?;
    let code = cx.program_code(&text.text, &text.file, "exec", globals, text.shown, run.optimize)?;
    conc_interpreter::scheduler::run_main(cx, code.value(), &[])?;
    Ok(())
}

fn file_text(cx: &mut Ctx, name: &str, run: &Run) -> Result<Text, Failed> {
    let file = absolute(name);
    let path = Path::new(&file);
    if path.is_dir() {
        set_argv(cx, name, &run.args)?;
        insert_path(cx, &file)?;
        add_environment_path(cx, run)?;
        let Some(main) = folder_main(path) else {
            return Err(Failed::Command(format!("conc: can't find '__main__' module in '{file}'"), 1));
        };
        let main = main.to_string_lossy().into_owned();
        return read(cx, &main, &main);
    }
    set_argv(cx, name, &run.args)?;
    // The folder of the file itself, not of a link to it.
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = real.parent().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
    set_path(cx, &folder, run)?;
    read(cx, &file, &file)
}

fn read(cx: &mut Ctx, file: &str, shown_as: &str) -> Result<Text, Failed> {
    let bytes = std::fs::read(file)
        .map_err(|e| Failed::Command(format!("conc: can't open file '{shown_as}': {}", os_error(&e)), 2))?;
    let text = vm::source_text(cx, &bytes, file)?;
    let globals = cx.main_namespace()?;
    define(cx, globals, "__file__", file);
    set_none(cx, globals, "__cached__");
    Ok(Text { file: file.to_string(), text, shown: false })
}

fn module_text(cx: &mut Ctx, name: &str, run: &Run) -> Result<Text, Failed> {
    set_argv(cx, "-m", &run.args)?;
    let here = std::env::current_dir().map(|d| d.to_string_lossy().into_owned()).unwrap_or_default();
    set_path(cx, &here, run)?;
    match find_module(cx, name)? {
        Found::Nothing(why) => Err(Failed::Command(format!("conc: {why}"), 1)),
        Found::Text { file, text, package } => {
            set_argv(cx, &file, &run.args)?;
            let globals = cx.main_namespace()?;
            define(cx, globals, "__file__", &file);
            define(cx, globals, "__package__", &package);
            let shown = file.starts_with("<conc>");
            Ok(Text { file, text, shown })
        }
    }
}

/// CPython's form of an absolute path: the working folder in front, nothing else changed.
fn absolute(name: &str) -> String {
    if name.starts_with('/') {
        return name.to_string();
    }
    let here = std::env::current_dir().map(|d| d.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{}/{}", here.trim_end_matches('/'), name.strip_prefix("./").unwrap_or(name))
}

/// `[Errno 2] No such file or directory`
pub fn os_error(e: &std::io::Error) -> String {
    match e.raw_os_error() {
        Some(code) => {
            let text = e.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            format!("[Errno {code}] {text}")
        }
        None => e.to_string(),
    }
}

// ---- sys

fn sys(cx: &Ctx) -> Option<Gc<Dict>> {
    cx.iso().roots.sys.get().cast::<Module>().map(|m| m.dict())
}

fn define(cx: &mut Ctx, globals: Gc<Dict>, name: &str, text: &str) {
    let (name, text) = (cx.intern(name), cx.str(text));
    globals.set_str(cx, name, text);
}

fn set_none(cx: &mut Ctx, globals: Gc<Dict>, name: &str) {
    let name = cx.intern(name);
    globals.set_str(cx, name, Value::NONE);
}

fn set_argv(cx: &mut Ctx, first: &str, rest: &[String]) -> R<()> {
    let Some(sys) = sys(cx) else { return Ok(()) };
    let list = cx.new_list();
    for text in std::iter::once(first).chain(rest.iter().map(String::as_str)) {
        let text = cx.str(text);
        cx.list_push(list, text)?;
    }
    let name = cx.intern("argv");
    sys.set_str(cx, name, list.value());
    Ok(())
}

fn set_options(cx: &mut Ctx, run: &Run) -> R<()> {
    let Some(sys) = sys(cx) else { return Ok(()) };
    if !run.warnings.is_empty() {
        let list = cx.new_list();
        for text in &run.warnings {
            let text = cx.str(text);
            cx.list_push(list, text)?;
        }
        let name = cx.intern("warnoptions");
        sys.set_str(cx, name, list.value());
    }
    if !run.extra.is_empty() {
        let dict = cx.new_dict();
        for option in &run.extra {
            let (key, value) = option.split_once('=').map_or((&**option, None), |(k, v)| (k, Some(v)));
            let key = cx.str(key);
            let value = value.map_or(Value::TRUE, |v| cx.str(v));
            dict.set(cx, key, value)?;
        }
        let name = cx.intern("_xoptions");
        sys.set_str(cx, name, dict.value());
    }
    Ok(())
}

/// Puts the program's folder first on `sys.path`, CONCPATH's after it.
fn set_path(cx: &mut Ctx, folder: &str, run: &Run) -> R<()> {
    if !run.safe_path {
        let absolute = std::path::absolute(if folder.is_empty() { "." } else { folder });
        let _ = absolute.map(|folder| cx.iso().program_folder.set(folder));
        insert_path(cx, folder)?;
    }
    add_environment_path(cx, run)
}

fn path_list(cx: &mut Ctx) -> R<Option<Value>> {
    let Some(sys) = sys(cx) else { return Ok(None) };
    let name = cx.intern("path");
    if let Some(list) = sys.get_str(cx, name) {
        return Ok(Some(list));
    }
    let list = cx.new_list();
    sys.set_str(cx, name, list.value());
    Ok(Some(list.value()))
}

fn insert_path(cx: &mut Ctx, folder: &str) -> R<()> {
    let Some(list) = path_list(cx)?.and_then(|l| l.cast()) else { return Ok(()) };
    let folder = cx.str(folder);
    cx.list_splice(list, 0, 0, &[folder])
}

fn add_environment_path(cx: &mut Ctx, run: &Run) -> R<()> {
    let Some(folders) = std::env::var_os("CONCPATH").filter(|_| !run.ignore_environment) else { return Ok(()) };
    let Some(list) = path_list(cx)?.and_then(|l| l.cast()) else { return Ok(()) };
    let at = if run.safe_path { 0 } else { 1 };
    for (i, folder) in std::env::split_paths(&folders).filter(|f| !f.as_os_str().is_empty()).enumerate() {
        let folder = cx.str(&folder.to_string_lossy());
        cx.list_splice(list, at + i, at + i, &[folder])?;
    }
    Ok(())
}
