//! Code templates: what the compiler makes, free of heap pointers, shared by every interpreter that runs the program.

use std::sync::{Arc, OnceLock};

use conc_grammar::ast::Span;

use super::liveness::Liveness;

/// A source text with its name, shared by all code compiled from it.
#[derive(Debug)]
pub struct Source {
    /// As shown in tracebacks: a path, `<string>`, `<stdin>`.
    pub name: Box<str>,
    pub text: Box<str>,
    /// Byte offset of each line's start.
    pub line_starts: Box<[u32]>,
    /// Tracebacks show lines of the text itself, not of the file of that name.
    pub shown: bool,
    /// How it was compiled (flags of the machine).
    pub how: u32,
    /// The same module compiled for locals apart from its globals, once that was asked for.
    pub with_locals: OnceLock<Arc<CodeTemplate>>,
}

impl Source {
    pub fn new(name: &str, text: &str) -> Source {
        let mut line_starts = vec![0];
        line_starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|i| i as u32 + 1));
        let shown = name.starts_with("<conc>/");
        let with_locals = OnceLock::new();
        Source { name: name.into(), text: text.into(), line_starts: line_starts.into(), shown, how: 0, with_locals }
    }
    /// The 1-based line of a byte offset.
    pub fn line_of(&self, offset: u32) -> u32 {
        self.line_starts.partition_point(|&start| start <= offset) as u32
    }
    /// The text of a 1-based line, without its end.
    pub fn line_text(&self, line: u32) -> &str {
        let start = match self.line_starts.get((line as usize).wrapping_sub(1)) {
            Some(&s) => s as usize,
            None => return "",
        };
        let end = self.line_starts.get(line as usize).map_or(self.text.len(), |&e| e as usize);
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }
}

/// A constant of a code object.
#[derive(Clone, Debug, PartialEq)]
pub enum Const {
    None,
    True,
    False,
    Ellipsis,
    Int(i64),
    /// Digits may have a minus sign before them.
    BigInt {
        radix: u32,
        digits: Box<str>,
    },
    Float(f64),
    Complex(f64, f64),
    /// WTF-8.
    Str(Box<[u8]>),
    Bytes(Box<[u8]>),
    Tuple(Box<[Const]>),
    FrozenSet(Box<[Const]>),
}

/// Flags of a code object; the numeric values are CPython's `co_flags`.
pub mod flags {
    pub const OPTIMIZED: u32 = 0x1;
    pub const NEWLOCALS: u32 = 0x2;
    pub const VARARGS: u32 = 0x4;
    pub const VARKEYWORDS: u32 = 0x8;
    pub const NESTED: u32 = 0x10;
    pub const GENERATOR: u32 = 0x20;
    pub const COROUTINE: u32 = 0x80;
    pub const ITERABLE_COROUTINE: u32 = 0x100;
    pub const ASYNC_GENERATOR: u32 = 0x200;
    /// Calling such code makes a generator object.
    pub const GENERATOR_LIKE: u32 = GENERATOR | COROUTINE | ASYNC_GENERATOR;
    /// A class body: register 0 is the namespace.
    pub const CLASS_BODY: u32 = 0x1000_0000;
    /// Module or exec code whose names live in the mapping in register 0 (exec with separate locals).
    pub const NAMESPACE: u32 = 0x2000_0000;
}

/// Where a local variable lives.
#[derive(Clone, Debug, PartialEq)]
pub struct Local {
    pub name: Box<str>,
    pub register: u16,
    /// The register holds a cell.
    pub is_cell: bool,
}

/// An entry of the handler table: an exception between `start` and `end` (word indices, half-open) is put into
/// register `exc` and control goes to `target`. Inner handlers come before outer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    pub start: u32,
    pub end: u32,
    pub target: u32,
    pub exc: u16,
}

/// The source place of the instruction at word `at` and those after it, up to the next entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub at: u32,
    pub span: Span,
    /// The part to mark with `^` inside the `~` of the span: an operator, a call's parentheses, a subscript's brackets.
    pub anchor: Option<Span>,
}

/// One function, class body, comprehension-free module or generator body.
///
/// Registers: parameters first (positional, keyword-only, `*args`, `**kwargs`), then other locals up to `nlocals`,
/// then temporaries up to `nregs`. On entry parameters are bound and the remaining locals are unbound; the code
/// itself turns captured parameters into cells (`NewCell`).
#[derive(Debug)]
pub struct CodeTemplate {
    pub name: Box<str>,
    pub qualname: Box<str>,
    pub source: Arc<Source>,
    /// The `def`, `class` or `lambda`, or the whole module; decorators included.
    pub span: Span,
    pub first_line: u32,
    pub flags: u32,
    /// Positional parameters, positional-only ones included.
    pub argcount: u16,
    pub posonly: u16,
    pub kwonly: u16,
    pub nlocals: u16,
    pub nregs: u16,
    /// Every named local, parameters first in register order.
    pub locals: Box<[Local]>,
    /// Names of the closure's cells, in order.
    pub free: Box<[Box<str>]>,
    /// Names used by instructions (attributes, globals, checks).
    pub names: Box<[Box<str>]>,
    pub consts: Box<[Const]>,
    /// A docstring, if any (WTF-8).
    pub doc: Option<Box<[u8]>>,
    pub code: Box<[u64]>,
    pub handlers: Box<[Handler]>,
    pub positions: Box<[Position]>,
    pub children: Box<[Arc<CodeTemplate>]>,
    /// Made when a collection first meets a frame of this code.
    pub liveness: OnceLock<Liveness>,
}

impl CodeTemplate {
    /// Code of given words without names, constants or a source: the machine's own.
    pub fn of_words(code: Vec<u64>, nlocals: u16, nregs: u16) -> CodeTemplate {
        CodeTemplate {
            name: "<machine>".into(),
            qualname: "<machine>".into(),
            source: Arc::new(Source::new("<machine>", "")),
            span: Span::default(),
            first_line: 0,
            flags: 0,
            argcount: 0,
            posonly: 0,
            kwonly: 0,
            nlocals,
            nregs,
            locals: Box::new([]),
            free: Box::new([]),
            names: Box::new([]),
            consts: Box::new([]),
            doc: None,
            code: code.into(),
            handlers: Box::new([]),
            positions: Box::new([]),
            children: Box::new([]),
            liveness: OnceLock::new(),
        }
    }
    /// Which temporaries each instruction needs.
    pub fn liveness(&self) -> &Liveness {
        self.liveness.get_or_init(|| Liveness::of(self))
    }
    /// The position entry that covers the word index `at`.
    pub fn position(&self, at: u32) -> Option<&Position> {
        let after = self.positions.partition_point(|p| p.at <= at);
        after.checked_sub(1).map(|i| &self.positions[i])
    }
    /// Parameters in registers, `*args` and `**kwargs` included.
    pub fn nparams(&self) -> u16 {
        self.argcount
            + self.kwonly
            + (self.flags & flags::VARARGS != 0) as u16
            + (self.flags & flags::VARKEYWORDS != 0) as u16
    }
}
