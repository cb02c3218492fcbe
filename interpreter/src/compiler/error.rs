//! Compile errors and warnings: what becomes a script's SyntaxError or SyntaxWarning.

use conc_grammar::ast::Span;

/// A program that parses but means nothing: `return` outside a function, a parameter named twice. Or, as a warning,
/// one that hardly means what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    pub message: String,
    pub span: Span,
}

impl CompileError {
    pub fn new(message: impl Into<String>, span: Span) -> CompileError {
        CompileError { message: message.into(), span }
    }
}
