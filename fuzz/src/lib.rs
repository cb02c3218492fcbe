//! What must hold for every text, and texts made of a fuzzer's bytes.

pub mod programs;
mod reparse;
pub mod tokens;

use std::sync::Arc;

use conc_grammar::{parse_expression, parse_interactive, parse_module};
use conc_interpreter::bytecode::template::{CodeTemplate, Source};
use conc_interpreter::bytecode::verify::verify;
use conc_interpreter::compiler::{Mode, Options, compile_source};

/// The parser: every way in, and the texts of the expressions found.
pub fn check(text: &str) {
    let parsed = parse_module(text);
    if parsed.diagnostics.is_empty() {
        reparse::module(&parsed.module);
    }
    for d in &parsed.diagnostics {
        let (line, column) = d.position(text);
        assert!(line > 0 && column > 0);
    }
    if let Ok(expr) = parse_expression(text).into_result() {
        reparse::expression(&expr);
    }
    parse_interactive(text);
}

/// The parser and the compiler.
pub fn check_all(text: &str) {
    check(text);
    for mode in [Mode::Module, Mode::Eval, Mode::Interactive] {
        for optimize in [0, 2] {
            let source = Arc::new(Source::new("<fuzz>", text));
            match compile_source(&source, &Options { mode, optimize, namespace: optimize == 2, ..Options::default() }, &mut Vec::new()) {
                Ok(template) => verified(&template),
                Err(diagnostics) => assert!(!diagnostics.is_empty()),
            }
        }
    }
}

fn verified(template: &CodeTemplate) {
    if let Err(problem) = verify(template) {
        panic!("bad bytecode for {}: {problem}", template.qualname);
    }
    template.children.iter().for_each(|child| verified(child));
}
