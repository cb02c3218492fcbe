//! _traceback: the interpreter's own exception reports.

/// Exceptions as text, as the interpreter shows those that nobody handles.
#[conc_macros::module(name = "_traceback")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::exception::Traceback;
    use conc_interpreter::object::function::Code;
    use conc_interpreter::value::{Gc, Value};

    /// The whole report of an exception.
    pub fn format_exception(cx: &mut Ctx, exc: Value) -> String {
        cx.format_exception(exc)
    }

    /// The line where a traceback's frame was, its columns and the columns of the operator in it:
    /// (code, line, end line, column, end column, anchor start, anchor end); columns count characters from 0 and are
    /// None if not known.
    pub fn entry(cx: &mut Ctx, tb: Gc<Traceback>) -> R {
        let Some(code) = tb.code.get().cast::<Code>() else { return Ok(Value::NONE) };
        position(cx, code, tb.at)
    }

    fn position(cx: &mut Ctx, code: Gc<Code>, at: u32) -> R {
        let template = code.template_arc();
        let source = &template.source;
        let Some(p) = template.position(at) else {
            let line = cx.int(i64::from(template.first_line));
            return cx.tuple(&[code.value(), line, line, Value::NONE, Value::NONE, Value::NONE, Value::NONE]);
        };
        let line = source.line_of(p.span.start);
        let end = source.line_of(p.span.end.max(p.span.start));
        let column = |offset: u32| {
            let line = source.line_of(offset);
            let start = source.line_starts[line as usize - 1] as usize;
            source.text.get(start..offset as usize).map_or(0, |t| t.chars().count()) as i64
        };
        let (from, to) = (cx.int(column(p.span.start)), cx.int(column(p.span.end)));
        let (line, end) = (cx.int(i64::from(line)), cx.int(i64::from(end)));
        let (a, b) = match p.anchor {
            Some(a) => (cx.int(column(a.start)), cx.int(column(a.end))),
            None => (Value::NONE, Value::NONE),
        };
        cx.tuple(&[code.value(), line, end, from, to, a, b])
    }

    /// The text of a line of the source a code object was compiled from, None if there is none.
    pub fn source_line(cx: &mut Ctx, code: Gc<Code>, line: i64) -> Value {
        let template = code.template_arc();
        if line < 1 || line as usize > template.source.line_starts.len() {
            return Value::NONE;
        }
        let text = template.source.line_text(line as u32).to_string();
        cx.str(&text)
    }

    /// The whole source text a code object was compiled from.
    pub fn source_text(cx: &mut Ctx, code: Gc<Code>) -> Value {
        let template = code.template_arc();
        cx.str(&template.source.text)
    }
}
