//! What is wrong with a source text, where, and what might help.

use crate::ast::Span;
use std::fmt;

/// The exception class CPython raises for it, or the category of the warning it issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    SyntaxError,
    IndentationError,
    TabError,
    SyntaxWarning,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::SyntaxError => "SyntaxError",
            Kind::IndentationError => "IndentationError",
            Kind::TabError => "TabError",
            Kind::SyntaxWarning => "SyntaxWarning",
        }
    }
}

macro_rules! codes {
    ($($name:ident = $text:literal, $about:literal;)*) => {
        /// Diagnostic codes.
        pub mod code {
            $(#[doc = $about] pub const $name: &str = $text;)*
            /// Every code with what it is about.
            pub const ALL: &[(&str, &str)] = &[$(($text, $about)),*];
        }
    };
}

codes! {
    SYNTAX = "syntax::invalid", "The text fits no statement or expression.";
    END = "syntax::end", "The text ends where a statement or an expression has to begin.";
    COLON = "syntax::colon", "A compound statement's header lacks its ':'.";
    COMMA = "syntax::comma", "Two expressions stand side by side.";
    EQUALS = "syntax::equals", "'=' stands where only a comparison or ':=' can.";
    PRINT = "syntax::print", "A Python 2 print or exec statement.";
    ELIF = "syntax::elif", "'else if' or 'elseif' where Python says 'elif'.";
    BRACKET = "syntax::bracket", "A bracket is not closed, or closed by another kind.";
    STRING = "syntax::string", "A string literal does not end.";
    ESCAPE = "syntax::escape", "A string literal holds something that cannot be decoded.";
    FSTRING = "syntax::fstring", "A replacement field of an f-string is malformed.";
    NUMBER = "syntax::number", "A malformed number.";
    CHARACTER = "syntax::character", "A character that no token contains.";
    TARGET = "syntax::target", "Something that cannot be assigned to, deleted or annotated.";
    STAR = "syntax::star", "A '*' or '**' expression out of place.";
    ARGUMENT = "syntax::argument", "The arguments of a call are out of order.";
    PARAMETER = "syntax::parameter", "The parameters of a function are out of order.";
    PATTERN = "syntax::pattern", "A malformed pattern.";
    CLAUSE = "syntax::clause", "A clause is missing or out of place.";
    IMPORT = "syntax::import", "A malformed import.";
    INDENT = "layout::indent", "Indentation that does not match any block.";
    BLOCK = "layout::block", "A header has no indented block.";
    TAB = "layout::tab", "Tabs and spaces are mixed so that their meaning depends on the tab width.";
    DEPTH = "limit::depth", "The program is nested more deeply than the limit.";
    SIZE = "limit::size", "The source text is larger than the limit.";
    ENCODING = "source::encoding", "The bytes are not text in the declared encoding.";
    DOUBTFUL = "warning::doubtful", "Legal, but hardly what was meant.";
}

/// A place with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// One finding. `message` is CPython's text where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub kind: Kind,
    pub code: &'static str,
    pub message: String,
    pub span: Span,
    pub labels: Vec<Label>,
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn new(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        let kind = Kind::SyntaxError;
        Diagnostic { kind, code, message: message.into(), span, labels: Vec::new(), help: None }
    }

    pub fn indentation(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { kind: Kind::IndentationError, ..Diagnostic::new(code, span, message) }
    }

    pub fn warning(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { kind: Kind::SyntaxWarning, ..Diagnostic::new(code::DOUBTFUL, span, message) }
    }

    pub fn tab(span: Span) -> Diagnostic {
        let message = "inconsistent use of tabs and spaces in indentation";
        Diagnostic { kind: Kind::TabError, ..Diagnostic::new(code::TAB, span, message) }
    }

    pub fn invalid_syntax(span: Span) -> Diagnostic {
        Diagnostic::new(code::SYNTAX, span, "invalid syntax")
    }

    pub fn too_deep(span: Span) -> Diagnostic {
        Diagnostic::new(code::DEPTH, span, "too deeply nested")
    }

    pub fn with_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Line and column of the start, as `SyntaxError.lineno` and `.offset` count them: from 1, columns in characters.
    pub fn position(&self, source: &str) -> (usize, usize) {
        line_column(source, self.span.start)
    }
}

/// Line and column (in characters) of a byte offset, both from 1. Any of `\n`, `\r\n`, `\r` ends a line.
pub fn line_column(source: &str, offset: u32) -> (usize, usize) {
    let bytes = source.as_bytes();
    let offset = (offset as usize).min(bytes.len());
    let (mut line, mut start) = (1, 0);
    for i in 0..offset {
        let ends = bytes[i] == b'\n' || (bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
        if ends {
            line += 1;
            start = i + 1;
        }
    }
    let column = bytes[start..offset].iter().filter(|&&b| b & 0xC0 != 0x80).count() + 1;
    (line, column)
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(if self.kind == Kind::SyntaxWarning { miette::Severity::Warning } else { miette::Severity::Error })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let main = miette::LabeledSpan::new_primary_with_span(None, range(self.span));
        let rest = self.labels.iter().map(|l| miette::LabeledSpan::new_with_span(Some(l.text.clone()), range(l.span)));
        Some(Box::new(std::iter::once(main).chain(rest)))
    }
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end.max(span.start) as usize
}
