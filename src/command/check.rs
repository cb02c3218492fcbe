//! `conc check`: syntax and compile errors of files, none of which is run.

use std::process::ExitCode;
use std::sync::Arc;

use conc_grammar::ast::Span;
use conc_grammar::{Diagnostic, Parsed};
use conc_interpreter::bytecode::listing;
use conc_interpreter::bytecode::template::{CodeTemplate, Source};
use conc_interpreter::compiler::{Options, compile};
use miette::{NamedSource, Report};

/// Checks every file; exit status 1 if there is an error to report, 2 if a file cannot be read.
pub fn check(files: &[String], bytecode: bool) -> ExitCode {
    let (mut found, mut unread) = (0, false);
    for file in files {
        match std::fs::read(file) {
            Ok(bytes) => {
                let Examined { text, result, warnings } = examine(file, &bytes);
                let show = |d: Diagnostic| {
                    eprintln!("{:?}", Report::new(d).with_source_code(NamedSource::new(file, text.clone())));
                };
                warnings.into_iter().for_each(show);
                match result {
                    Ok(template) if bytecode => print!("{}", listing::list(&template)),
                    Ok(_) => {}
                    Err(diagnostics) => {
                        found += diagnostics.len();
                        diagnostics.into_iter().for_each(show);
                    }
                }
            }
            Err(e) => {
                eprintln!("conc: can't open file '{file}': {}", super::run::os_error(&e));
                unread = true;
            }
        }
    }
    if found > 0 {
        eprintln!("{found} {} found", if found == 1 { "error" } else { "errors" });
    }
    match (unread, found) {
        (true, _) => ExitCode::from(2),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::from(1),
    }
}

/// The text of a file and what is wrong with it, or what it compiles to.
struct Examined {
    text: String,
    result: Result<Arc<CodeTemplate>, Vec<Diagnostic>>,
    warnings: Vec<Diagnostic>,
}

fn examine(file: &str, bytes: &[u8]) -> Examined {
    let (text, Parsed { module, diagnostics, mut warnings }) = conc_grammar::parse_bytes(bytes);
    if !diagnostics.is_empty() {
        let text = if text.is_empty() { String::from_utf8_lossy(bytes).into_owned() } else { text };
        let end = text.len() as u32;
        let clip = |mut d: Diagnostic| {
            d.span = Span { start: d.span.start.min(end), end: d.span.end.min(end) };
            d.labels.iter_mut().for_each(|l| {
                l.span = Span { start: l.span.start.min(end), end: l.span.end.min(end) };
            });
            d
        };
        return Examined { text, result: Err(diagnostics.into_iter().map(clip).collect()), warnings };
    }
    let mut doubts = Vec::new();
    let compiled = compile(&module, Arc::new(Source::new(file, &text)), &Options::default(), &mut doubts);
    warnings.extend(doubts.into_iter().map(|w| Diagnostic::warning(w.span, w.message)));
    let as_diagnostic = |errors: Vec<conc_interpreter::compiler::CompileError>| {
        errors.into_iter().map(|e| Diagnostic::new("compile::meaning", e.span, e.message)).collect()
    };
    Examined { text, result: compiled.map_err(as_diagnostic), warnings }
}
