//! Tracebacks as text, in CPython 3.13's format.

use crate::bytecode::template::{CodeTemplate, Position};
use crate::native::Ctx;
use crate::object::exception::{Exception, Traceback};
use crate::object::function::Code;
use crate::object::kind::ClassId;
use crate::value::{Gc, Value};

impl Ctx {
    /// The whole report of an exception with its causes and contexts, ending in a newline.
    pub fn format_exception(&mut self, exc: Value) -> String {
        let mut out = String::new();
        let mut seen = Vec::new();
        self.write_exception(exc, &mut out, &mut seen);
        out
    }

    fn write_exception(&mut self, exc: Value, out: &mut String, seen: &mut Vec<u64>) {
        let Some(e) = exc.cast::<Exception>() else { return };
        seen.push(exc.bits());
        let cause = e.cause.get();
        let context = e.context.get();
        let suppressed = e.suppress.load(std::sync::atomic::Ordering::Relaxed) != 0;
        if cause.is_a::<Exception>() && !seen.contains(&cause.bits()) {
            self.write_exception(cause, out, seen);
            out.push_str("\nThe above exception was the direct cause of the following exception:\n\n");
        } else if context.is_a::<Exception>() && !suppressed && !seen.contains(&context.bits()) {
            self.write_exception(context, out, seen);
            out.push_str("\nDuring handling of the above exception, another exception occurred:\n\n");
        }
        if let Some(tb) = e.traceback.get().cast::<Traceback>() {
            out.push_str("Traceback (most recent call last):\n");
            write_traceback(tb, out);
        }
        out.push_str(&self.exception_line(exc));
        out.push('\n');
    }

    /// `Type: message`
    pub fn exception_line(&mut self, exc: Value) -> String {
        let class = self.class_of(exc);
        let name = self.qualified_name(class);
        let name = name.strip_prefix("__main__.").unwrap_or(&name).to_string();
        let text = self.str_text(exc);
        let _ = ClassId::Exception;
        if text.is_empty() { name } else { format!("{name}: {text}") }
    }
}

/// One `File` line and its source excerpt for each entry.
fn write_traceback(tb: Gc<Traceback>, out: &mut String) {
    let mut at = Some(tb);
    while let Some(tb) = at {
        if let Some(code) = tb.code.get().cast::<Code>() {
            write_entry(code.template(), tb.at, out);
        }
        at = tb.next.get().cast();
    }
}

fn write_entry(template: &CodeTemplate, at: u32, out: &mut String) {
    let source = &template.source;
    let position = template.position(at);
    let line = position.map_or(template.first_line, |p| source.line_of(p.span.start));
    out.push_str(&format!("  File \"{}\", line {line}, in {}\n", source.name, template.qualname));
    let text = source.line_text(line);
    let trimmed = text.trim_start();
    if trimmed.is_empty() {
        return;
    }
    out.push_str(&format!("    {}\n", trimmed.trim_end()));
    if let Some(p) = position {
        write_carets(source.line_starts[line as usize - 1], text, p, out);
    }
}

/// The `~~~^^^` line under a one-line excerpt, left out where it would mark the whole line.
fn write_carets(line_start: u32, text: &str, p: &Position, out: &mut String) {
    let indent = text.len() - text.trim_start().len();
    let end = (p.span.end.saturating_sub(line_start) as usize).min(text.trim_end().len());
    let start = p.span.start.saturating_sub(line_start) as usize;
    if start >= end || (start <= indent && end >= text.trim_end().len() && p.anchor.is_none()) {
        return;
    }
    let anchor = p
        .anchor
        .map(|a| (a.start.saturating_sub(line_start) as usize, (a.end.saturating_sub(line_start) as usize).min(end)));
    let mut marks = String::from("    ");
    for (i, c) in text.char_indices().skip_while(|(i, _)| *i < indent).take_while(|(i, _)| *i < end) {
        let mark = if i < start {
            ' '
        } else {
            match anchor {
                Some((from, to)) if i >= from && i < to => '^',
                Some(_) => '~',
                None => '^',
            }
        };
        marks.push(mark);
        let _ = c;
    }
    out.push_str(&marks);
    out.push('\n');
}
