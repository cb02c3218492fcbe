//! The ways into the compiler: a module, an interactive entry, an expression for `eval`.

use std::sync::Arc;

use conc_grammar::Diagnostic;
use conc_grammar::ast::{Expr, Module, Span, Stmt};

use super::collect::Collector;
use super::error::CompileError;
use super::future;
use super::resolve;
use super::symbols::ScopeId;
use super::unit::Compiler;
use crate::bytecode::template::{CodeTemplate, Source, flags};

/// What the text is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A file or an `exec` string.
    Module,
    /// An `eval` string: the code returns the value.
    Eval,
    /// A REPL entry: values of expression statements are displayed.
    Interactive,
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub mode: Mode,
    /// 1 removes asserts and makes `__debug__` false, 2 removes docstrings too.
    pub optimize: u8,
    /// `from __future__ import annotations` is in force from outside (a REPL, `compile` from such a module).
    pub future_annotations: bool,
    /// Names live in the mapping in register 0 (`exec` and `eval` with separate locals).
    pub namespace: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { mode: Mode::Module, optimize: 0, future_annotations: false, namespace: false }
    }
}

/// Texts up to this length are compiled on the caller's stack: they cannot hold a tree deep enough to overflow it.
const SHALLOW: usize = 256;

/// Enough for the deepest tree that the grammar accepts. Reserved, not committed.
const DEEP_STACK: usize = 256 << 20;

/// Parses and compiles a text; what is wrong with it comes in the order of the text. Warnings are added to the given ones.
pub fn compile_source(
    source: &Arc<Source>,
    options: &Options,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Arc<CodeTemplate>, Vec<Diagnostic>> {
    let mut doubts = Vec::new();
    let compiled = if options.mode == Mode::Eval {
        let parsed = conc_grammar::parse_expression(&source.text);
        warnings.extend_from_slice(&parsed.warnings);
        compile_expression(&parsed.into_result()?, source.clone(), options, &mut doubts)
    } else {
        let parsed = conc_grammar::parse_module(&source.text);
        warnings.extend_from_slice(&parsed.warnings);
        if !parsed.diagnostics.is_empty() {
            return Err(parsed.diagnostics);
        }
        compile(&parsed.module, source.clone(), options, &mut doubts)
    };
    warnings.extend(doubts.into_iter().map(|w| Diagnostic::warning(w.span, w.message)));
    let diagnostic = |e: CompileError| Diagnostic::new("compile::meaning", e.span, e.message);
    compiled.map_err(|errors| errors.into_iter().map(diagnostic).collect())
}

/// Compiles a module, an `exec` string or a REPL entry. Warnings are added to the given ones.
pub fn compile(
    module: &Module,
    source: Arc<Source>,
    options: &Options,
    warnings: &mut Vec<CompileError>,
) -> Result<Arc<CodeTemplate>, Vec<CompileError>> {
    on_deep_stack(source.text.len(), || compile_body(&module.body, source.clone(), options, warnings))
}

/// Compiles an expression; running the code gives its value.
pub fn compile_expression(
    expr: &Expr,
    source: Arc<Source>,
    options: &Options,
    warnings: &mut Vec<CompileError>,
) -> Result<Arc<CodeTemplate>, Vec<CompileError>> {
    on_deep_stack(source.text.len(), || {
        let mut collector = Collector::new(options.future_annotations);
        collector.module(|c| c.expr(expr));
        let table = resolve::finish(collector)?;
        let mut compiler = Compiler::new(&table, source.clone(), *options);
        compiler.enter(0, "<module>", expr.span, module_flags(options));
        compiler.emit_prologue();
        let value = compiler.expr_any(expr);
        compiler.emit_return(value);
        compiler.finish_module(warnings)
    })
}

fn compile_body(
    body: &[Stmt],
    source: Arc<Source>,
    options: &Options,
    warnings: &mut Vec<CompileError>,
) -> Result<Arc<CodeTemplate>, Vec<CompileError>> {
    let mut errors = Vec::new();
    let mut options = *options;
    options.future_annotations |= future::check(body, &mut errors);
    let mut collector = Collector::new(options.future_annotations);
    collector.errors = errors;
    collector.module(|c| c.stmts(body));
    let table = resolve::finish(collector)?;
    let mut compiler = Compiler::new(&table, source.clone(), options);
    let span = Span { start: 0, end: source.text.len() as u32 };
    const MODULE: ScopeId = 0;
    compiler.enter(MODULE, "<module>", span, module_flags(&options));
    compiler.emit_prologue();
    compiler.module_body(body);
    compiler.emit_implicit_return();
    compiler.finish_module(warnings)
}

fn module_flags(options: &Options) -> u32 {
    if options.namespace { flags::NAMESPACE } else { 0 }
}

/// Runs `work` on a stack that the deepest accepted tree cannot overflow.
fn on_deep_stack<T: Send>(text_len: usize, work: impl FnOnce() -> T + Send) -> T {
    if text_len <= SHALLOW {
        return work();
    }
    let mut slot = Some(work);
    let mut result = None;
    std::thread::scope(|scope| {
        let (slot, result) = (&mut slot, &mut result);
        let run = move || *result = slot.take().map(|work| work());
        // A refused thread leaves the work in its slot: it then runs on the caller's stack.
        let _ = std::thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, run);
    });
    match (result, slot) {
        (Some(result), _) => result,
        (None, Some(work)) => work(),
        (None, None) => unreachable!("the work ran without a result"),
    }
}

/// The text of an expression on one line, as an unevaluated annotation shows it.
pub fn source_text(source: &Source, span: Span) -> String {
    let text = source.text.get(span.start as usize..span.end as usize).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
