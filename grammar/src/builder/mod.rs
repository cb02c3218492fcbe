//! The tree's builder: what the grammar's actions call.
//!
//! One method per production, grouped by file: expressions, arguments and parameters, strings, patterns,
//! statements. They check what the grammar lets through and note what is wrong; they never fail, so that one
//! parse can find several errors.

mod argument;
mod deep;
mod expression;
mod parameter;
mod pattern;
mod statement;
mod string;
mod target;

pub use argument::{ArgKind, ArgList};
pub use deep::{Deep, depth_of};
pub use parameter::{ParamItem, ParamList};
pub use pattern::{ClassPatternArgs, MappingItems};
pub use statement::Header;
pub use string::Strings;

use crate::ast::{Const, Expr, ExprKind, Ident, Span, Stmt};
use crate::diagnostic::Diagnostic;
use crate::ident;

/// The deepest tree that is built, counted in nested nodes. A recursive walk with up to 300 bytes of stack for each
/// node stays within a megabyte.
pub const MAX_DEPTH: u32 = 3000;

pub struct Builder<'s> {
    pub source: &'s str,
    /// How many nodes enclose the line being parsed.
    pub outer_depth: u32,
    /// The simple statements of the line.
    pub statements: Vec<Stmt>,
    /// The header of the line, if it is one.
    pub header: Option<Header>,
    /// The expression, for `parse_expression`.
    pub result: Option<Expr>,
    pub errors: Vec<Diagnostic>,
    pub warnings: Vec<Diagnostic>,
}

impl<'s> Builder<'s> {
    pub fn new(source: &'s str) -> Builder<'s> {
        Builder {
            source,
            outer_depth: 0,
            statements: Vec::new(),
            header: None,
            result: None,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Forgets the last line, but not the warnings about it.
    pub fn reset(&mut self, outer_depth: u32) {
        self.outer_depth = outer_depth;
        self.statements.clear();
        self.header = None;
        self.result = None;
        self.errors.clear();
    }

    pub fn text(&self, l: u32, r: u32) -> &'s str {
        &self.source[l as usize..r as usize]
    }

    pub fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::new(code, span, message));
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        // A line of a megabyte may hold an error in every second token.
        if self.errors.len() < 100 {
            self.errors.push(diagnostic);
        }
    }

    /// Notes something doubtful. A text may hold a doubtful literal in every second token.
    pub fn warn(&mut self, span: Span, message: impl Into<String>) {
        if self.warnings.len() < 1000 {
            self.warnings.push(Diagnostic::warning(span, message));
        }
    }

    pub fn ident(&self, l: u32, r: u32) -> Ident {
        Ident { name: self.name_text(l, r), span: Span { start: l, end: r } }
    }

    fn name_text(&self, l: u32, r: u32) -> Box<str> {
        let text = self.text(l, r);
        if text.is_ascii() { text.into() } else { ident::normalize(text).into() }
    }

    /// Is a tree of this depth, standing where the line stands, too deep? If so it is noted.
    pub fn too_deep(&mut self, depth: u32, span: Span) -> bool {
        let deep = self.outer_depth + depth > MAX_DEPTH;
        if deep && !self.errors.iter().any(|e| e.code == crate::diagnostic::code::DEPTH) {
            self.report(Diagnostic::too_deep(span));
        }
        deep
    }

    /// A node whose children are at most `depth` deep; a node too deep becomes `None`.
    pub fn node(&mut self, span: Span, kind: ExprKind, depth: u32) -> Deep<Expr> {
        let depth = depth + 1;
        if self.too_deep(depth, span) {
            return Deep::new(Expr { span, kind: ExprKind::Const(Const::None) }, 1);
        }
        Deep { it: Expr { span, kind }, depth }
    }
}

pub fn span(start: u32, end: u32) -> Span {
    Span { start, end }
}
