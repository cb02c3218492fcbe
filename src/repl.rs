//! The prompt: entries of one or more lines, their values shown, a history kept.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use conc_grammar::{Interactive, parse_interactive};
use conc_interpreter::native::Ctx;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::module::Module;
use conc_interpreter::value::Value;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::command::VERSION;
use crate::command::end;

/// What the prompt offers where the library does not.
const PRELUDE: &str = "
import builtins, sys
if not hasattr(builtins, 'exit'):
    class _Quitter:
        def __init__(self, name): self.name = name
        def __repr__(self): return f'Use {self.name}() or Ctrl-D (i.e. EOF) to exit'
        def __call__(self, code=None): raise SystemExit(code)
    builtins.exit, builtins.quit = _Quitter('exit'), _Quitter('quit')
if not hasattr(sys, 'displayhook'):
    def _displayhook(value):
        if value is None: return
        builtins._ = None
        print(repr(value))
        builtins._ = value
    sys.displayhook = _displayhook
if not hasattr(sys, 'ps1'): sys.ps1 = '>>> '
if not hasattr(sys, 'ps2'): sys.ps2 = '... '
";

/// One line of input.
enum Line {
    Text(String),
    /// Ctrl-C
    Cancelled,
    End,
}

/// Where lines come from.
enum Input {
    Editor(Box<DefaultEditor>, Option<PathBuf>),
    Plain,
}

impl Input {
    fn open() -> Input {
        if !std::io::stdin().is_terminal() {
            return Input::Plain;
        }
        let Ok(mut editor) = DefaultEditor::new() else { return Input::Plain };
        let history = history_file();
        if let Some(file) = &history {
            let _ = editor.load_history(file);
        }
        Input::Editor(Box::new(editor), history)
    }

    fn read(&mut self, prompt: &str) -> Line {
        match self {
            Input::Editor(editor, _) => match editor.readline(prompt) {
                Ok(line) => Line::Text(line),
                Err(ReadlineError::Interrupted) => Line::Cancelled,
                Err(_) => Line::End,
            },
            Input::Plain => {
                eprint!("{prompt}");
                let _ = std::io::stderr().flush();
                let mut line = String::new();
                match std::io::stdin().lock().read_line(&mut line) {
                    Ok(0) => {
                        eprintln!();
                        Line::End
                    }
                    Ok(_) => Line::Text(line.trim_end_matches(['\n', '\r']).to_string()),
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => Line::Cancelled,
                    Err(_) => Line::End,
                }
            }
        }
    }

    fn remember(&mut self, entry: &str) {
        if let Input::Editor(editor, _) = self
            && !entry.trim().is_empty()
        {
            let _ = editor.add_history_entry(entry.trim_end());
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if let Input::Editor(editor, Some(file)) = self {
            let _ = editor.save_history(file);
        }
    }
}

/// CONC_HISTORY, or a file in the user's folder.
fn history_file() -> Option<PathBuf> {
    match std::env::var_os("CONC_HISTORY") {
        Some(file) if file.is_empty() => None,
        Some(file) => Some(file.into()),
        None => std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".conc_history")),
    }
}

/// Runs entries until the end of input or `exit()`; the exit status.
pub fn run(cx: &mut Ctx, quiet: bool) -> u8 {
    if let Err(e) = prelude(cx) {
        return end::status_of(cx, e);
    }
    if !quiet {
        eprintln!("{VERSION}\nexit() or Ctrl-D ends, Ctrl-C cancels.");
    }
    let mut input = Input::open();
    let mut entry = String::new();
    loop {
        let prompt = prompt(cx, if entry.is_empty() { "ps1" } else { "ps2" });
        match input.read(&prompt) {
            Line::End => return 0,
            Line::Cancelled => {
                // A signal that came while reading is about this line, not about the next program.
                cx.signals_arc().keyboard.store(false, std::sync::atomic::Ordering::Relaxed);
                entry.clear();
                end::write_error(cx, "KeyboardInterrupt\n");
            }
            Line::Text(line) => {
                if entry.is_empty() && line.trim().is_empty() {
                    continue;
                }
                entry.push_str(&line);
                entry.push('\n');
                let parsed = parse_interactive(&entry);
                if matches!(parsed, Interactive::Incomplete) {
                    continue;
                }
                let text = std::mem::take(&mut entry);
                input.remember(&text);
                if matches!(&parsed, Interactive::Complete(module) if module.body.is_empty()) {
                    continue;
                }
                if let Err(e) = execute(cx, &text) {
                    if cx.is_instance(e, ClassId::SystemExit) {
                        end::flush(cx, "stdout");
                        return end::exit_status(cx, e);
                    }
                    end::flush(cx, "stdout");
                    end::report(cx, e);
                }
                end::flush(cx, "stdout");
            }
        }
    }
}

fn execute(cx: &mut Ctx, entry: &str) -> Result<(), Value> {
    let run = |cx: &mut Ctx| {
        let globals = cx.main_namespace()?;
        cx.run_text(entry, "<stdin>", "single", globals, true, 0)
    };
    run(cx).map(drop).map_err(|e| e.0)
}

fn prelude(cx: &mut Ctx) -> Result<(), Value> {
    let globals = cx.new_namespace();
    let name = cx.names().__builtins__;
    let builtins = cx.iso().roots.builtins.get();
    globals.set_str(cx, name, builtins);
    cx.run_text(PRELUDE, "<conc>/prompt.conc", "exec", globals, true, 0).map(drop).map_err(|e| e.0)
}

/// `str(sys.ps1)`
fn prompt(cx: &mut Ctx, name: &str) -> String {
    let default = if name == "ps1" { ">>> " } else { "... " };
    if cx.iso().roots.sys.get().cast::<Module>().is_none() {
        return default.into();
    }
    match end::sys_value(cx, name) {
        Some(text) => cx.str_text(text),
        None => default.into(),
    }
}
