//! From source text to code objects: `compile`, `exec`, `eval`.

use std::sync::Arc;

use super::call::{Entry, run_nested};
use super::run::Outcome;
use crate::bytecode::template::{CodeTemplate, Source, flags};
use crate::compiler::{CompileError, Mode, Options, compile as compile_tree, compile_expression};
use crate::native::{Ctx, R, Raised};
use crate::object::dict::Dict;
use crate::object::exception::{Exception, extra};
use crate::object::function::Code;
use crate::object::kind::ClassId;
use crate::object::string::Str;
use crate::value::{Gc, Value};
use conc_grammar::diagnostic::{Diagnostic, Kind, code};

/// Flags of `Machine::compile`.
pub mod compile_flag {
    /// Names go through a mapping of locals (exec and eval with separate locals).
    pub const NAMESPACE: u32 = 1;
    pub const FUTURE_ANNOTATIONS: u32 = 2;
    /// Tracebacks show lines of this text (`-c`, a REPL's entries).
    pub const SHOWN: u32 = 4;
    /// No warnings: the text has been compiled before.
    pub const QUIET: u32 = 8;
    /// The mode was 'single' (a source remembers it).
    pub const SINGLE: u32 = 16;
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
    source.how = how | if mode == "single" { compile_flag::SINGLE } else { 0 };
    let source = Arc::new(source);
    if text.contains('\0') {
        return Err(cx.error(ClassId::SyntaxError, "source code string cannot contain null bytes"));
    }
    let mode_kind = match mode {
        "eval" => Mode::Eval,
        "single" => Mode::Interactive,
        _ => Mode::Module,
    };
    let mut warnings = Vec::new();
    let options = Options {
        mode: mode_kind,
        optimize: (how >> compile_flag::OPTIMIZE_SHIFT) as u8,
        future_annotations: how & compile_flag::FUTURE_ANNOTATIONS != 0,
        namespace: how & compile_flag::NAMESPACE != 0,
    };
    let compiled = if mode == "eval" {
        let parsed = conc_grammar::parse_expression(text);
        if how & compile_flag::QUIET == 0 {
            warn(cx, &source, mode_kind, &parsed.warnings)?;
        }
        match parsed.into_result() {
            Ok(expr) => compile_expression(&expr, source.clone(), &options, &mut warnings),
            Err(diagnostics) => return Err(syntax_error(cx, &source, mode_kind, &diagnostics)),
        }
    } else {
        let parse = if mode == "single" { conc_grammar::parse_single } else { conc_grammar::parse_module };
        let parsed = parse(text);
        if how & compile_flag::QUIET == 0 {
            warn(cx, &source, mode_kind, &parsed.warnings)?;
        }
        if !parsed.diagnostics.is_empty() {
            return Err(syntax_error(cx, &source, mode_kind, &parsed.diagnostics));
        }
        compile_tree(&parsed.module, source.clone(), &options, &mut warnings)
    };
    if how & compile_flag::QUIET == 0 {
        for warning in warnings {
            let line = source.line_of(warning.span.start);
            if issue_warning(cx, &source, &warning.message, line)? {
                return Err(compile_error(cx, &source, &[warning]));
            }
        }
    }
    match compiled {
        Ok(template) => Ok(template),
        Err(errors) => Err(compile_error(cx, &source, &errors)),
    }
}

/// Issues the parser's warnings; one that a filter makes an error is raised as a SyntaxError.
fn warn(cx: &mut Ctx, source: &Source, mode: Mode, warnings: &[Diagnostic]) -> R<()> {
    for warning in warnings {
        if issue_warning(cx, source, &warning.message, source.line_of(warning.span.start))? {
            return Err(syntax_error(cx, source, mode, std::slice::from_ref(warning)));
        }
    }
    Ok(())
}

/// Issues a SyntaxWarning through the `warnings` module. True: a filter makes it an error.
fn issue_warning(cx: &mut Ctx, source: &Source, message: &str, line: u32) -> R<bool> {
    let warnings = cx.import("warnings")?;
    let warn = cx.get_attr_text(warnings, "warn_explicit")?;
    let (message, file) = (cx.str(message), cx.str(&source.name));
    let category = cx.class(ClassId::SyntaxWarning).value();
    let line = cx.int(i64::from(line));
    match cx.call(warn, &[message, category, file, line]) {
        Ok(_) => Ok(false),
        Err(e) if cx.is_error(e, ClassId::SyntaxWarning) => Ok(true),
        Err(e) => Err(e),
    }
}

fn syntax_error(cx: &mut Ctx, source: &Source, mode: Mode, diagnostics: &[Diagnostic]) -> Raised {
    let Some(first) = diagnostics.first() else { return cx.error(ClassId::SyntaxError, "invalid syntax") };
    let class = match first.kind {
        Kind::SyntaxError | Kind::SyntaxWarning => ClassId::SyntaxError,
        Kind::IndentationError => ClassId::IndentationError,
        Kind::TabError => ClassId::TabError,
    };
    let mut place = if first.code == code::END { Place::end_of(source) } else { Place::of(source, first.span) };
    if is_scanner(first) {
        // The scanner's complaints come before the line has its end.
        (place.end_line, place.end_offset) = (place.line, place.offset);
        place.text.truncate(place.text.trim_end_matches('\n').len());
    } else if mode == Mode::Module && !place.text.ends_with('\n') {
        // CPython completes the last line of a whole file only.
        place.text.push('\n');
    }
    if let Some(end) = end_without_token(first) {
        (place.end_line, place.end_offset) = (place.line, end);
    }
    let text = cx.str(&place.text);
    located(cx, source, class, &first.message, place, text)
}

/// Is it a complaint of the scanner, which knows where a token begins only?
fn is_scanner(d: &Diagnostic) -> bool {
    match d.code {
        code::STRING => d.message.starts_with("unterminated "),
        code::NUMBER => true,
        code::CHARACTER => d.message.starts_with("invalid character") || d.message.starts_with("invalid non-printable"),
        code::BRACKET => !d.message.ends_with("was never closed"),
        code::FSTRING => d.message.ends_with("is not allowed") || d.message.ends_with("nested too deeply"),
        _ => d.kind == Kind::SyntaxWarning && d.message.ends_with(" literal"),
    }
}

/// CPython's end column of a place that is no token.
fn end_without_token(d: &Diagnostic) -> Option<i64> {
    let nothing = d.span.start == d.span.end;
    match d.code {
        code::BRACKET if d.message.ends_with("was never closed") => Some(0),
        code::SYNTAX if d.message == "':' expected after dictionary key" => Some(0),
        code::CHARACTER if d.message.starts_with("unexpected character after") => Some(0),
        code::CHARACTER if d.message.starts_with("unexpected EOF") => Some(-1),
        code::INDENT => Some(-1),
        code::TAB => Some(0),
        code::BLOCK | code::CLAUSE if nothing => Some(-1),
        _ => None,
    }
}

/// What the compiler finds: CPython shows the line if it can read the file that the source names.
fn compile_error(cx: &mut Ctx, source: &Source, errors: &[CompileError]) -> Raised {
    let Some(first) = errors.first() else { return cx.error(ClassId::SyntaxError, "invalid syntax") };
    let place = Place::of(source, first.span);
    let on_disk = source.shown || std::path::Path::new(&*source.name).is_file();
    let text = if on_disk { cx.str(&format!("{}\n", source.line_text(place.line))) } else { Value::NONE };
    located(cx, source, ClassId::SyntaxError, &first.message, place, text)
}

/// Where a SyntaxError points to: lines and columns from 1, in characters.
struct Place {
    line: u32,
    offset: i64,
    end_line: u32,
    end_offset: i64,
    /// The source line with its end, if it has one.
    text: String,
}

impl Place {
    fn of(source: &Source, span: conc_grammar::ast::Span) -> Place {
        let end = span.end.max(span.start);
        let line = source.line_of(span.start);
        // The end of a line belongs to it.
        let end_line = source.line_of(end.max(span.start + 1) - 1).max(line);
        let column = |offset: u32, line: u32| {
            let start = source.line_starts[line as usize - 1] as usize;
            let text = source.text.get(start..(offset as usize).clamp(start, source.text.len())).unwrap_or("");
            let beyond = (offset as usize).saturating_sub(source.text.len());
            (text.chars().count() + beyond) as i64 + 1
        };
        let mut text = source.line_text(line).to_string();
        if source.line_starts.len() > line as usize {
            text.push('\n');
        }
        Place { line, offset: column(span.start, line), end_line, end_offset: column(end, end_line), text }
    }

    /// Where a text ends in which something is missing: before the first column.
    fn end_of(source: &Source) -> Place {
        let mut lines = source.text.split_inclusive('\n');
        let line = lines.clone().count() as u32;
        let text = lines.next_back().unwrap_or_default().to_string();
        Place { line, offset: 0, end_line: line, end_offset: 0, text }
    }
}

/// A SyntaxError with its place.
fn located(cx: &mut Ctx, source: &Source, class: ClassId, message: &str, place: Place, text: Value) -> Raised {
    let message = cx.str(message);
    let file = cx.str(&source.name);
    let (lineno, offset) = (cx.int(i64::from(place.line)), cx.int(place.offset));
    let (end_line, end_offset) = (cx.int(i64::from(place.end_line)), cx.int(place.end_offset));
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
            Err(syntax_error(cx, &source, Mode::Module, &[d]))
        }
    }
}

/// `Machine::exec`: runs a code object with the given globals, and locals if not unbound. Returns its value.
pub fn exec(cx: &mut Ctx, code: Value, globals: Gc<Dict>, locals: Value) -> R {
    let Some(code) = code.cast::<Code>() else { return Err(cx.type_error("code object expected")) };
    globals.make_namespace(cx);
    let wants_locals = !locals.is_unbound() && code.flags & (flags::NAMESPACE | flags::OPTIMIZED) == 0;
    let code = if wants_locals {
        let template = with_locals(cx, &code.template_arc())?;
        cx.instantiate(&template, globals)?
    } else if code.globals.get() == globals.value() {
        code
    } else {
        let template = code.template_arc();
        cx.instantiate(&template, globals)?
    };
    run_code(cx, code, locals)
}

/// Fills the registers of a frame of module-like code.
///
/// # Safety
/// `base` has room for the code's registers.
pub unsafe fn fill_module_frame(code: Gc<Code>, locals: Value, base: *mut Value) {
    // SAFETY: by the contract.
    unsafe {
        for i in 0..code.nlocals as usize {
            *base.add(i) = Value::UNBOUND;
        }
        if code.flags & flags::NAMESPACE != 0 {
            *base = if locals.is_unbound() { code.globals.get() } else { locals };
        }
    }
}

/// Module code compiled for locals apart from its globals. Few programs need it, so it is made when it is asked for,
/// and kept.
fn with_locals(cx: &mut Ctx, template: &CodeTemplate) -> R<Arc<CodeTemplate>> {
    let source = &template.source;
    if let Some(made) = source.with_locals.get() {
        return Ok(made.clone());
    }
    let mode = if source.how & compile_flag::SINGLE != 0 { "single" } else { "exec" };
    let how = source.how | compile_flag::NAMESPACE | compile_flag::QUIET;
    let made = compile_text(cx, &source.text, &source.name, mode, how)?;
    Ok(source.with_locals.get_or_init(|| made).clone())
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
        fill_module_frame(code, locals, base);
        cx.depth += 1;
        let result = run_nested(cx, code.entry, base);
        entry.close(cx);
        result.map(Outcome::value)
    }
}
