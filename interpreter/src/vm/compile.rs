//! From source text to code objects: `compile`, `exec`, `eval`.

use std::sync::Arc;

use super::call::{Entry, run_nested};
use super::run::Outcome;
use crate::bytecode::template::{CodeTemplate, Source, flags};
use crate::compiler::{Mode, Options, compile_source};
use crate::native::{Ctx, R, Raised};
use crate::object::dict::Dict;
use crate::object::exception::{Exception, extra};
use crate::object::function::Code;
use crate::object::kind::ClassId;
use crate::object::string::Str;
use crate::value::{Gc, Value};
use conc_grammar::diagnostic::{Diagnostic, Kind};

/// Flags of `Machine::compile`.
pub mod compile_flag {
    /// Names go through a mapping of locals (exec and eval with separate locals).
    pub const NAMESPACE: u32 = 1;
    pub const FUTURE_ANNOTATIONS: u32 = 2;
    /// Tracebacks show lines of this text (`-c`, a REPL's entries).
    pub const SHOWN: u32 = 4;
    /// `optimize` levels.
    pub const OPTIMIZE_SHIFT: u32 = 8;
}

/// `Machine::compile`: a code object of `source` (a str), instantiated for a namespace of its own until `exec`.
pub fn compile(cx: &mut Ctx, source: Value, file: &str, mode: &str, how: u32) -> R {
    let Some(text) = source.cast::<Str>() else { return Err(cx.type_error("compile() arg 1 must be a string")) };
    let Some(text) = text.as_str() else {
        return Err(cx.error(ClassId::UnicodeEncodeError, "surrogates not allowed"));
    };
    let template = compile_text(cx, text, file, mode, how)?;
    let globals = cx.new_namespace();
    Ok(cx.instantiate(&template, globals)?.value())
}

/// Parses and compiles, turning diagnostics into SyntaxError.
pub fn compile_text(cx: &mut Ctx, text: &str, file: &str, mode: &str, how: u32) -> R<Arc<CodeTemplate>> {
    let mut source = Source::new(file, text);
    source.shown |= how & compile_flag::SHOWN != 0;
    let source = Arc::new(source);
    if text.contains('\0') {
        return Err(cx.error(ClassId::SyntaxError, "source code string cannot contain null bytes"));
    }
    let mode_kind = match mode {
        "eval" => Mode::Eval,
        "single" => Mode::Interactive,
        _ => Mode::Module,
    };
    let options = Options {
        mode: mode_kind,
        optimize: (how >> compile_flag::OPTIMIZE_SHIFT) as u8,
        future_annotations: how & compile_flag::FUTURE_ANNOTATIONS != 0,
        namespace: how & compile_flag::NAMESPACE != 0,
    };
    compile_source(&source, &options).map_err(|diagnostics| syntax_error(cx, &source, &diagnostics))
}

fn syntax_error(cx: &mut Ctx, source: &Source, diagnostics: &[Diagnostic]) -> Raised {
    let Some(first) = diagnostics.first() else { return cx.error(ClassId::SyntaxError, "invalid syntax") };
    let class = match first.kind {
        Kind::SyntaxError => ClassId::SyntaxError,
        Kind::IndentationError => ClassId::IndentationError,
        Kind::TabError => ClassId::TabError,
    };
    let mut span = first.span;
    if first.message.starts_with("unterminated ") {
        // Where it begins is all there is to mark.
        span.end = span.start;
    }
    located(cx, source, class, &first.message, span)
}

/// A SyntaxError with its place.
fn located(cx: &mut Ctx, source: &Source, class: ClassId, message: &str, span: conc_grammar::ast::Span) -> Raised {
    let line = source.line_of(span.start);
    let column = |offset: u32, line: u32| {
        let start = source.line_starts[line as usize - 1];
        let text = source.text.get(start as usize..offset.max(start) as usize).unwrap_or("");
        text.chars().count() as i64 + 1
    };
    let end_line = source.line_of(span.end.max(span.start));
    let offset = column(span.start, line);
    let end_offset = column(span.end.max(span.start), end_line);
    let message = cx.str(message);
    let file = cx.str(&source.name);
    let text = format!("{}\n", source.line_text(line));
    let text = cx.str(&text);
    let (lineno, offset) = (cx.int(line as i64), cx.int(offset));
    let (end_line, end_offset) = (cx.int(end_line as i64), cx.int(end_offset));
    let details = match cx.tuple(&[file, lineno, offset, text, end_line, end_offset]) {
        Ok(t) => t,
        Err(e) => return e,
    };
    let e = cx.error_with(class, &[message, details]);
    if let (Some(exc), Ok(end)) = (e.0.cast::<Exception>(), cx.tuple(&[end_line, end_offset])) {
        exc.extra[extra::SYNTAX_END].set(end);
    }
    e
}

/// Decodes source bytes by BOM and coding line.
pub fn source_text(cx: &mut Ctx, bytes: &[u8], file: &str) -> R<String> {
    match conc_grammar::decode_source(bytes) {
        Ok(text) => Ok(text),
        Err(d) => {
            let source = Source::new(file, "");
            Err(syntax_error(cx, &source, &[d]))
        }
    }
}

/// `Machine::exec`: runs a code object with the given globals, and locals if not unbound. Returns its value.
pub fn exec(cx: &mut Ctx, code: Value, globals: Gc<Dict>, locals: Value) -> R {
    let Some(code) = code.cast::<Code>() else { return Err(cx.type_error("code object expected")) };
    globals.make_namespace(cx);
    let code = if code.globals.get() == globals.value() {
        code
    } else {
        let template = code.template_arc();
        cx.instantiate(&template, globals)?
    };
    run_code(cx, code, locals)
}

/// Runs module-like code to its end.
fn run_code(cx: &mut Ctx, code: Gc<Code>, locals: Value) -> R {
    cx.check_stack()?;
    super::call::check_depth(cx)?;
    let entry = Entry::open(cx, code.nregs as usize)?;
    // SAFETY: the barrier and the frame lie in the segment with room to spare.
    unsafe {
        let e = entry.barrier;
        let base = e.add(4);
        let stub = cx.iso().roots.exit_stub.obj::<Code>();
        *e = Value::NONE;
        *e.sub(1) = stub.value();
        super::call::link(base, stub.entry.add(2), code);
        for i in 0..code.nlocals as usize {
            *base.add(i) = Value::UNBOUND;
        }
        if code.flags & flags::NAMESPACE != 0 {
            *base = if locals.is_unbound() { code.globals.get() } else { locals };
        }
        cx.depth += 1;
        let result = run_nested(cx, code.entry, base);
        entry.close(cx);
        result.map(Outcome::value)
    }
}
