//! The seam: source text in, tree and diagnostics out.

use crate::ast::{Expr, Module, Span};
use crate::block::Blocks;
use crate::decode::decode_source;
use crate::diagnostic::{Diagnostic, code};

/// A tree, whole if there are no diagnostics; otherwise without the statements that are wrong. The first
/// diagnostic is the one CPython would raise.
#[derive(Debug, Default)]
pub struct Parsed {
    pub module: Module,
    pub diagnostics: Vec<Diagnostic>,
    /// What is legal but doubtful, up to the place where the first diagnostic stops a run.
    pub warnings: Vec<Diagnostic>,
}

/// An expression, `None` if there are diagnostics.
#[derive(Debug, Default)]
pub struct ParsedExpression {
    pub expr: Option<Expr>,
    pub diagnostics: Vec<Diagnostic>,
    pub warnings: Vec<Diagnostic>,
}

impl Parsed {
    /// The module, or the first diagnostic.
    pub fn into_result(self) -> Result<Module, Diagnostic> {
        match self.diagnostics.into_iter().next() {
            Some(first) => Err(first),
            None => Ok(self.module),
        }
    }
}

impl ParsedExpression {
    /// The expression, or the diagnostics.
    pub fn into_result(self) -> Result<Expr, Vec<Diagnostic>> {
        self.expr.ok_or(self.diagnostics)
    }
}

/// What a REPL should do with the text typed so far.
#[derive(Debug)]
pub enum Interactive {
    Complete(Module),
    /// Read another line.
    Incomplete,
    Error(Vec<Diagnostic>),
}

/// What no token can be right about: NUL characters, or more text than spans can count.
fn unreadable(source: &str) -> Option<Diagnostic> {
    if source.len() >= u32::MAX as usize / 2 {
        return Some(Diagnostic::new(code::SIZE, Span::default(), "source code is too large"));
    }
    let at = memchr::memchr(0, source.as_bytes())?;
    Some(Diagnostic::new(code::ENCODING, Span::new(at, at), "source code cannot contain null bytes"))
}

/// Parses a file or an `exec` string.
pub fn parse_module(source: &str) -> Parsed {
    parse_with(source, Blocks::module)
}

fn parse_with<'s>(source: &'s str, parse: impl FnOnce(&mut Blocks<'s>) -> Module) -> Parsed {
    if let Some(diagnostic) = unreadable(source) {
        return Parsed { diagnostics: vec![diagnostic], ..Parsed::default() };
    }
    let mut blocks = Blocks::new(source);
    let module = parse(&mut blocks);
    Parsed { module, warnings: reached(blocks.warnings, &blocks.diagnostics), diagnostics: blocks.diagnostics }
}

/// Parses an interactive entry: one statement.
pub fn parse_single(source: &str) -> Parsed {
    parse_with(source, Blocks::single)
}

/// The warnings before the first diagnostic.
fn reached(mut warnings: Vec<Diagnostic>, diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    if let Some(first) = diagnostics.first() {
        warnings.retain(|warning| warning.span.start < first.span.start);
    }
    warnings
}

/// Decodes and parses a file; also returns the text, which the tree's spans refer to.
pub fn parse_bytes(bytes: &[u8]) -> (String, Parsed) {
    match decode_source(bytes) {
        Ok(source) => {
            let parsed = parse_module(&source);
            (source, parsed)
        }
        Err(diagnostic) => (String::new(), Parsed { diagnostics: vec![diagnostic], ..Parsed::default() }),
    }
}

/// Parses the text of an `eval`.
pub fn parse_expression(source: &str) -> ParsedExpression {
    if let Some(diagnostic) = unreadable(source) {
        return ParsedExpression { diagnostics: vec![diagnostic], ..ParsedExpression::default() };
    }
    let mut blocks = Blocks::new(source);
    let expr = blocks.expression();
    let warnings = reached(blocks.warnings, &blocks.diagnostics);
    ParsedExpression { expr, diagnostics: blocks.diagnostics, warnings }
}

/// Parses what has been typed at a prompt so far. A compound statement ends with a blank line.
pub fn parse_interactive(source: &str) -> Interactive {
    if let Some(diagnostic) = unreadable(source) {
        return Interactive::Error(vec![diagnostic]);
    }
    let mut blocks = Blocks::new(source);
    let module = blocks.module();
    let last_line = source.strip_suffix('\n').unwrap_or(source).rsplit('\n').next().unwrap_or("");
    let blank = last_line.trim().is_empty();
    if blocks.incomplete && !(blank && source.ends_with("\n\n\n")) && only_about_the_end(&blocks, source) {
        return Interactive::Incomplete;
    }
    if !blank && (blocks.wants_block && blocks.diagnostics.len() == 1) {
        return Interactive::Incomplete;
    }
    if !blocks.diagnostics.is_empty() {
        return Interactive::Error(blocks.diagnostics);
    }
    let open = !blank && module.body.last().is_some_and(|s| s.kind.is_compound()) && source.contains(['\n', ':']);
    if open { Interactive::Incomplete } else { Interactive::Complete(module) }
}

/// Nothing is wrong but that the text stops.
fn only_about_the_end(blocks: &Blocks, source: &str) -> bool {
    blocks.diagnostics.len() <= 1
        && blocks.diagnostics.iter().all(|d| {
            let at_end = d.span.start as usize >= source.trim_end_matches(['\n', '\r', '\\', ' ']).len();
            at_end
                || (matches!(d.code, code::BRACKET | code::STRING)
                    && !d.message.starts_with("closing")
                    && !d.message.starts_with("unmatched"))
        })
}
