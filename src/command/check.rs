//! `conc check`: syntax and compile errors of files, none of which is run.

use std::process::ExitCode;
use std::sync::Arc;

use conc_grammar::Diagnostic;
use conc_grammar::ast::Span;
use conc_interpreter::bytecode::listing;
use conc_interpreter::bytecode::template::{CodeTemplate, Source};
use conc_interpreter::compiler::{Options, compile_source};
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
    let mut warnings = Vec::new();
    let (text, result) = match conc_grammar::decode_source(bytes) {
        Ok(text) => {
            let source = Arc::new(Source::new(file, &text));
            (text, compile_source(&source, &Options::default(), &mut warnings))
        }
        Err(diagnostic) => (String::from_utf8_lossy(bytes).into_owned(), Err(vec![diagnostic])),
    };
    let end = text.len() as u32;
    let clip = |mut d: Diagnostic| {
        d.span = Span { start: d.span.start.min(end), end: d.span.end.min(end) };
        d.labels.iter_mut().for_each(|l| {
            l.span = Span { start: l.span.start.min(end), end: l.span.end.min(end) };
        });
        d
    };
    let result = result.map_err(|found| found.into_iter().map(clip).collect());
    Examined { text, result, warnings }
}
