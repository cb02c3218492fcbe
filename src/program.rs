//! Programs: texts compiled once, for any number of interpreters.

use std::fmt;
use std::sync::Arc;

use conc_grammar::Diagnostic;
use conc_interpreter::bytecode::template::{CodeTemplate, Source};
use conc_interpreter::compiler::{Mode, Options, compile_source};

use crate::error::Syntax;
use crate::{Error, Result};

/// A compiled text. It belongs to no interpreter: it may be kept, sent and shared, and be run by several interpreters
/// at once; clones are cheap. What a run changes (globals, caches) is in its interpreter.
///
/// ```
/// # fn main() -> Result<(), conc::Error> {
/// use conc::{Interpreter, Program};
/// let square = Program::expression("side ** 2")?;
/// let areas: Vec<_> = std::thread::scope(|scope| {
///     let area = |side: i64| -> Result<i64, conc::Error> {
///         let interp = Interpreter::new()?;
///         interp.set("side", side)?;
///         interp.evaluate(&square)
///     };
///     let threads = [2, 3].map(|side| scope.spawn(move || area(side)));
///     threads.into_iter().map(|t| t.join().expect("no panic")).collect::<Result<_, _>>()
/// })?;
/// assert_eq!(areas, [4, 9]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Program {
    template: Arc<CodeTemplate>,
    warnings: Arc<[Diagnostic]>,
}

impl Program {
    /// Compiles statements.
    pub fn new(text: &str) -> Result<Program> {
        Program::named(text, "<string>")
    }

    /// Compiles statements; tracebacks name the text as given.
    pub fn named(text: &str, name: &str) -> Result<Program> {
        Program::compile(text, name, Mode::Module)
    }

    /// Compiles an expression, whose value [`Interpreter::evaluate`](crate::Interpreter::evaluate) gives.
    pub fn expression(text: &str) -> Result<Program> {
        Program::compile(text, "<string>", Mode::Eval)
    }

    fn compile(text: &str, name: &str, mode: Mode) -> Result<Program> {
        let source = Arc::new(Source { shown: true, ..Source::new(name, text) });
        let mut warnings = Vec::new();
        match compile_source(&source, &Options { mode, ..Options::default() }, &mut warnings) {
            Ok(template) => Ok(Program { template, warnings: warnings.into() }),
            Err(diagnostics) => {
                Err(Error::Syntax(Box::new(Syntax { name: name.to_string(), text: text.to_string(), diagnostics })))
            }
        }
    }

    /// What tracebacks call the text.
    pub fn name(&self) -> &str {
        &self.template.source.name
    }

    /// What is doubtful in the text, as a `SyntaxWarning` would say it. Running the program does not repeat them.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    pub(crate) fn template(&self) -> &Arc<CodeTemplate> {
        &self.template
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({:?})", self.name())
    }
}
