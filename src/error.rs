//! What can go wrong for a host.

use std::fmt;

use conc_grammar::Diagnostic;
use conc_interpreter::native::Ctx;
use conc_interpreter::object::exception::{Exception, Traceback};
use conc_interpreter::object::function::Code;
use conc_interpreter::value::Value;

use crate::Root;

/// The result of most operations.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A script raised an exception and did not handle it.
    Raised(Box<Raised>),
    /// A text is no program.
    Syntax(Box<Syntax>),
    /// A value is not of the Rust type asked for.
    Type { expected: String, found: String },
    /// There is no global of that name.
    Missing(String),
    /// A [`Root`] of another interpreter.
    Foreign,
    /// The interpreter could not be made.
    Start(&'static str),
    /// The interpreter cannot be called, or ended, from here or just now.
    Refused(&'static str),
}

/// An exception that left a script.
#[derive(Debug)]
pub struct Raised {
    class: String,
    message: String,
    frames: Vec<Frame>,
    report: String,
    exception: Root,
}

/// One entry of a traceback, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub file: String,
    pub line: u32,
    pub function: String,
    /// The source line, without indentation.
    pub source: String,
}

impl Raised {
    pub(crate) fn new(cx: &mut Ctx, exc: Value) -> Raised {
        let mut frames = Vec::new();
        let mut at = exc.cast::<Exception>().and_then(|e| e.traceback.get().cast::<Traceback>());
        while let Some(tb) = at {
            if let Some(code) = tb.code.get().cast::<Code>() {
                let template = code.template();
                let line =
                    template.position(tb.at).map_or(template.first_line, |p| template.source.line_of(p.span.start));
                frames.push(Frame {
                    file: template.source.name.to_string(),
                    line,
                    function: template.name.to_string(),
                    source: template.source.line_text(line).trim().to_string(),
                });
            }
            at = tb.next.get().cast();
        }
        Raised {
            class: cx.exception_title(exc),
            message: cx.str_text(exc),
            frames,
            report: cx.format_exception(exc),
            exception: Root::new(cx, exc),
        }
    }

    /// The class, with its module unless that is `builtins` or `__main__`: `ValueError`, `json.JSONDecodeError`.
    pub fn class(&self) -> &str {
        &self.class
    }
    /// `str(exception)`
    pub fn message(&self) -> &str {
        &self.message
    }
    /// The traceback's entries, outermost first.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }
    /// The whole report as the `conc` command would print it: traceback, causes, notes.
    pub fn report(&self) -> &str {
        &self.report
    }
    /// The exception object itself.
    pub fn exception(&self) -> &Root {
        &self.exception
    }
}

/// Why a text is no program. The diagnostics are [`miette::Diagnostic`]s.
#[derive(Debug)]
pub struct Syntax {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Syntax {
    /// All that was found, in the order of the text.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
    /// The text the diagnostics' spans refer to.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The diagnostics with the lines they are about, for people.
    pub fn report(&self) -> String {
        let mut out = String::new();
        for d in &self.diagnostics {
            let (line, column) = d.position(&self.text);
            out.push_str(&format!("{}:{line}:{column}: {}: {}\n", self.name, d.kind.name(), d.message));
            if let Some(text) = self.text.lines().nth(line - 1) {
                out.push_str(&format!("    {text}\n    {}^\n", " ".repeat(column - 1)));
            }
            if let Some(help) = &d.help {
                out.push_str(&format!("    help: {help}\n"));
            }
        }
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Raised(e) if e.message.is_empty() => f.write_str(&e.class),
            Error::Raised(e) => write!(f, "{}: {}", e.class, e.message),
            Error::Syntax(s) => match s.diagnostics.first() {
                Some(d) => {
                    let (line, column) = d.position(&s.text);
                    write!(f, "{}:{line}:{column}: {}: {}", s.name, d.kind.name(), d.message)
                }
                None => f.write_str("invalid syntax"),
            },
            Error::Type { expected, found } => write!(f, "expected {expected}, found {found}"),
            Error::Missing(name) => write!(f, "there is no global '{name}'"),
            Error::Foreign => f.write_str("a handle of another interpreter"),
            Error::Start(why) | Error::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}
