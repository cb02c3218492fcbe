//! _traceback: the interpreter's own exception reports.

/// Exceptions as text, as the interpreter shows those that nobody handles.
#[conc_macros::module(name = "_traceback")]
pub mod functions {
    use conc_interpreter::bytecode::template::CodeTemplate;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::exception::{FrameObject, Traceback};
    use conc_interpreter::object::excerpt;
    use conc_interpreter::object::function::Code;
    use conc_interpreter::value::{Gc, Value};

    /// The whole report of an exception.
    pub fn format_exception(cx: &mut Ctx, exc: Value) -> String {
        cx.format_exception(exc)
    }

    /// The lines after the traceback: class and message, a syntax error's excerpt, notes.
    pub fn format_exception_only(cx: &mut Ctx, exc: Value) -> String {
        cx.format_exception_only(exc)
    }

    /// The entry of a traceback, or of a frame: (code, line, end line, column, end column, text). Columns count
    /// UTF-8 bytes from 0 and are None if not known; the text is what reports show for the entry.
    pub fn entry(cx: &mut Ctx, place: Value) -> R {
        let (code, at) = match (place.cast::<Traceback>(), place.cast::<FrameObject>()) {
            (Some(tb), _) => (tb.code.get(), tb.at),
            (_, Some(frame)) => (frame.code.get(), frame.at),
            _ => return Err(cx.type_error("a traceback or frame is required")),
        };
        let Some(code) = code.cast::<Code>() else { return Ok(Value::NONE) };
        let template = code.template_arc();
        let mut text = String::new();
        excerpt::write_entry(&template, at, &mut text);
        let text = cx.str(&text);
        let line = cx.int(i64::from(excerpt::line_of(&template, at)));
        let (end, from, to) = columns(cx, &template, at).unwrap_or((line, Value::NONE, Value::NONE));
        cx.tuple(&[code.value(), line, end, from, to, text])
    }

    /// The end line and the columns of an instruction's source.
    fn columns(cx: &mut Ctx, template: &CodeTemplate, at: u32) -> Option<(Value, Value, Value)> {
        let source = &template.source;
        let position = template.position(at)?;
        let span = position.span;
        let column = |offset: u32| {
            let line = source.line_of(offset);
            i64::from(offset - source.line_starts[line as usize - 1])
        };
        let end = i64::from(source.line_of(span.end.max(span.start)));
        Some((cx.int(end), cx.int(column(span.start)), cx.int(column(span.end))))
    }

    /// How many more identical entries a traceback stands for.
    pub fn repeats(_cx: &mut Ctx, tb: Gc<Traceback>) -> i64 {
        i64::from(tb.repeats.load(std::sync::atomic::Ordering::Relaxed))
    }

    /// The whole source text a code object was compiled from.
    pub fn source_text(cx: &mut Ctx, code: Gc<Code>) -> Value {
        let template = code.template_arc();
        cx.str(&template.source.text)
    }
}
