//! The compiler's tests: golden listings and CPython's error texts, both kept as data under `compiler/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conc_interpreter::bytecode::listing;
use conc_interpreter::bytecode::template::{CodeTemplate, Source};
use conc_interpreter::compiler::{CompileError, Mode, Options, compile, compile_expression};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compiler")
}

fn compile_text(text: &str, options: &Options) -> Result<Arc<CodeTemplate>, Vec<CompileError>> {
    let module = conc_grammar::parse_module(text)
        .into_result()
        .map_err(|d| vec![CompileError { message: d.message.to_string(), span: d.span }])?;
    compile(&module, Arc::new(Source::new("<test>", text)), options, &mut Vec::new())
}

/// Each `listings/*.conc` compiles to the listing beside it. `CONC_RECORD=1` records them anew.
#[test]
fn golden_listings() {
    let record = std::env::var_os("CONC_RECORD").is_some();
    let mut seen = 0;
    for entry in fs::read_dir(data().join("listings")).expect("the folder is there") {
        let path = entry.expect("a readable entry").path();
        if path.extension().is_none_or(|e| e != "conc") {
            continue;
        }
        seen += 1;
        let text = fs::read_to_string(&path).expect("a readable source");
        let template = compile_text(&text, &Options::default()).unwrap_or_else(|e| panic!("{}: {e:?}", path.display()));
        let got = listing::list(&template);
        let golden = path.with_extension("listing");
        if record {
            fs::write(&golden, &got).expect("a writable listing");
        }
        let wanted = fs::read_to_string(&golden).unwrap_or_default();
        assert!(got == wanted, "{} differs; CONC_RECORD=1 records it anew. Now:\n{got}", golden.display());
    }
    assert!(seen >= 40, "only {seen} listings");
}

/// `errors.txt`: a source (`\n` escaped), a tab, the line of the error, a tab, CPython's text.
#[test]
fn error_texts() {
    let table = fs::read_to_string(data().join("errors.txt")).expect("the table is there");
    let mut wrong = Vec::new();
    for row in table.lines() {
        let mut parts = row.splitn(3, '\t');
        let (Some(text), Some(line), Some(message)) = (parts.next(), parts.next(), parts.next()) else {
            panic!("bad row {row:?}")
        };
        let text = text.replace("\\n", "\n");
        let got = match compile_text(&text, &Options::default()) {
            Ok(_) => "nothing".to_string(),
            Err(errors) => {
                let line = Source::new("", &text).line_of(errors[0].span.start);
                format!("{line}\t{}", errors[0].message)
            }
        };
        if got != format!("{line}\t{message}") {
            wrong.push(format!("{text:?}\n  want {line}\t{message}\n  got  {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn expressions_return_their_value() {
    let options = Options { mode: Mode::Eval, ..Options::default() };
    let text = "x + 1";
    let expr = conc_grammar::parse_expression(text).into_result().expect("an expression");
    let template = compile_expression(&expr, Arc::new(Source::new("<string>", text)), &options, &mut Vec::new())
        .expect("it compiles");
    let listing = listing::list(&template);
    assert!(listing.contains("GetGlobal") && listing.contains("AddImm") && listing.contains("Return"), "{listing}");
}

#[test]
fn namespaces_and_displays() {
    let options = Options { namespace: true, mode: Mode::Interactive, ..Options::default() };
    let template = compile_text("x = 1\nx\n", &options).expect("it compiles");
    let listing = listing::list(&template);
    assert!(listing.contains("SetName") && listing.contains("GetName"), "{listing}");
    assert!(listing.contains("Intrinsic"), "{listing}");
    assert_eq!(template.nparams(), 1);
}

#[test]
fn asserts_go_when_optimized() {
    let text = "assert x, y\nif __debug__: z\n";
    let options = Options { optimize: 1, ..Options::default() };
    let template = compile_text(text, &options).expect("it compiles");
    assert!(!listing::list(&template).contains("GetGlobal"));
}

/// Bodies beyond the reach of a 16-bit jump.
#[test]
fn long_jumps() {
    let body = "    s = s + i * 2 if i < s else s - x[i]\n".repeat(8000);
    let text = format!("def f(n, s, x):\n  for i in range(n):\n   if i < 2 and s is not None:\n{body}  return s\n");
    compile_text(&text, &Options::default()).expect("it compiles and verifies");
}

/// The deepest trees that the grammar accepts.
#[test]
fn deep_trees() {
    for text in [
        format!("{}1", "-".repeat(250)),
        format!("{}x", "not ".repeat(2900)),
        vec!["x"; 2900].join(" + "),
        format!("{}1", "lambda: ".repeat(900)),
        format!("{}1", "a if b else ".repeat(2000)),
    ] {
        compile_text(&text, &Options::default()).expect("it compiles");
    }
}
