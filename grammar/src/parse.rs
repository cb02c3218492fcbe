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
    if let Some(diagnostic) = unreadable(source) {
        return Parsed { module: Module::default(), diagnostics: vec![diagnostic] };
    }
    let mut blocks = Blocks::new(source);
    let module = blocks.module();
    Parsed { module, diagnostics: blocks.diagnostics }
}

/// Decodes and parses a file; also returns the text, which the tree's spans refer to.
pub fn parse_bytes(bytes: &[u8]) -> (String, Parsed) {
    match decode_source(bytes) {
        Ok(source) => {
            let parsed = parse_module(&source);
            (source, parsed)
        }
        Err(diagnostic) => (String::new(), Parsed { module: Module::default(), diagnostics: vec![diagnostic] }),
    }
}

/// Parses the text of an `eval`. Spaces and tabs before it are no indentation; spans refer to the text as given.
pub fn parse_expression(source: &str) -> Result<Expr, Vec<Diagnostic>> {
    if let Some(diagnostic) = unreadable(source) {
        return Err(vec![diagnostic]);
    }
    let mut blocks = Blocks::new(source);
    match blocks.expression() {
        Some(expr) => Ok(expr),
        None => Err(blocks.diagnostics),
    }
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
