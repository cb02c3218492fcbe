//! Exceptions as text, in CPython 3.13's format: chains, groups, notes, syntax errors.
//!
//! A frame's own lines are made in `excerpt`, the "Did you mean" endings in `hint`.

use crate::native::Ctx;
use crate::object::exception::{Exception, Traceback, extra};
use crate::object::excerpt;
use crate::object::function::Code;
use crate::object::kind::ClassId;
use crate::object::module::Module;
use crate::object::sequence::{List, Tuple};
use crate::object::string::Str;
use crate::text::wtf8;
use crate::value::{Gc, Value};

const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";

/// Identical entries shown before the rest is counted.
const REPEATS_SHOWN: usize = 3;
const GROUP_WIDTH: usize = 15;
const GROUP_DEPTH: usize = 10;

/// The text on its way, with the margin of the groups around it.
#[derive(Default)]
struct Printer {
    out: String,
    depth: usize,
    /// The innermost group's closing line is still to come.
    need_close: bool,
    /// Exceptions met so far, by identity.
    seen: Vec<u64>,
}

impl Printer {
    fn emit(&mut self, text: &str) {
        self.emit_with(text, '|');
    }

    fn emit_with(&mut self, text: &str, margin: char) {
        for line in text.split_inclusive('\n') {
            self.indent();
            if self.depth > 0 {
                self.out.push(margin);
                self.out.push(' ');
            }
            self.out.push_str(line);
        }
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }
}

impl Ctx {
    /// The whole report of an exception with its causes and contexts, ending in a newline.
    pub fn format_exception(&mut self, exc: Value) -> String {
        let mut printer = Printer::default();
        self.write_chain(exc, &mut printer);
        printer.out
    }

    /// The exception, after what it was caused by or raised while handling.
    fn write_chain(&mut self, exc: Value, p: &mut Printer) {
        // A list, so that an exception a hostile `__str__` unlinks meanwhile stays alive.
        let chain = self.new_list();
        let mut links = vec![""];
        let mut at = exc;
        loop {
            if self.list_push(chain, at).is_err() {
                break;
            }
            p.seen.push(at.bits());
            let Some(e) = at.cast::<Exception>() else { break };
            let (cause, context) = (e.cause.get(), e.context.get());
            let suppressed = e.suppress.load(std::sync::atomic::Ordering::Relaxed) != 0;
            if cause.is_a::<Exception>() && !p.seen.contains(&cause.bits()) {
                links.push(CAUSE);
                at = cause;
            } else if context.is_a::<Exception>() && !suppressed && !p.seen.contains(&context.bits()) {
                links.push(CONTEXT);
                at = context;
            } else {
                break;
            }
        }
        for i in (0..chain.len()).rev() {
            if let Some(exc) = chain.get(i) {
                self.write_one(exc, p);
            }
            if let Some(link) = links.get(i).filter(|l| !l.is_empty()) {
                p.emit(link);
            }
        }
    }

    fn write_one(&mut self, exc: Value, p: &mut Printer) {
        let traceback = exc.cast::<Exception>().map_or(Value::NONE, |e| e.traceback.get());
        let Some(members) = self.group_members(exc) else {
            let stack = self.format_stack(traceback);
            if !stack.is_empty() {
                p.emit("Traceback (most recent call last):\n");
                p.emit(&stack);
            }
            let lines = self.format_exception_only(exc);
            p.emit(&lines);
            return;
        };
        if p.depth > GROUP_DEPTH {
            p.emit(&format!("... (max_group_depth is {GROUP_DEPTH})\n"));
            return;
        }
        let outermost = p.depth == 0;
        if outermost {
            p.depth = 1;
        }
        let stack = self.format_stack(traceback);
        if !stack.is_empty() {
            p.emit_with("Exception Group Traceback (most recent call last):\n", if outermost { '+' } else { '|' });
            p.emit(&stack);
        }
        let lines = self.format_exception_only(exc);
        p.emit(&lines);
        self.write_members(members, p);
        if outermost {
            p.depth = 0;
        }
    }

    fn write_members(&mut self, members: Gc<Tuple>, p: &mut Printer) {
        let count = members.items().len();
        let shown = if count <= GROUP_WIDTH { count } else { GROUP_WIDTH + 1 };
        p.need_close = false;
        for i in 0..shown {
            let last = i + 1 == shown;
            // A member that is a group itself may close the frame.
            p.need_close |= last;
            let title = if i < GROUP_WIDTH { (i + 1).to_string() } else { "...".into() };
            p.indent();
            let corner = if i == 0 { "+-" } else { "  " };
            p.out.push_str(&format!("{corner}+---------------- {title} ----------------\n"));
            p.depth += 1;
            if i < GROUP_WIDTH {
                self.write_chain(members.items()[i], p);
            } else {
                let rest = count - GROUP_WIDTH;
                p.emit(&format!("and {rest} more exception{}\n", if rest > 1 { "s" } else { "" }));
            }
            if last && p.need_close {
                p.indent();
                p.out.push_str("+------------------------------------\n");
                p.need_close = false;
            }
            p.depth -= 1;
        }
    }

    fn group_members(&mut self, exc: Value) -> Option<Gc<Tuple>> {
        if !self.is_instance(exc, ClassId::BaseExceptionGroup) {
            return None;
        }
        let e = exc.cast::<Exception>()?;
        match e.extra[extra::GROUP_EXCS].get() {
            v if v.is_a::<Tuple>() => v.cast(),
            v if v.is_a::<List>() => self.list_to_tuple(v.cast()?).ok()?.cast(),
            _ => None,
        }
    }

    /// The entries of a traceback, outermost first; empty without one.
    pub fn format_stack(&mut self, traceback: Value) -> String {
        let mut entries = Vec::new();
        let mut at = traceback.cast::<Traceback>();
        while let Some(tb) = at {
            let more = tb.repeats.load(std::sync::atomic::Ordering::Relaxed) as usize;
            entries.extend(std::iter::repeat_n(tb, more + 1));
            at = tb.next.get().cast();
        }
        let skip = self.traceback_limit().map_or(0, |limit| entries.len().saturating_sub(limit));
        let mut out = String::new();
        let mut last: Option<(u32, Gc<Traceback>)> = None;
        let mut count = 0;
        for tb in entries.into_iter().skip(skip) {
            let Some(code) = tb.code.get().cast::<Code>() else { continue };
            let template = code.template();
            let line = excerpt::line_of(template, tb.at);
            let same = last.is_some_and(|(before_line, before)| {
                let other = before.code.get().cast::<Code>();
                let same_code = before.code.get() == tb.code.get()
                    || other.is_some_and(|o| {
                        o.template().name == template.name && o.template().source.name == template.source.name
                    });
                before_line == line && same_code
            });
            if !same {
                write_repeats(count, &mut out);
                last = Some((line, tb));
                count = 0;
            }
            count += 1;
            if count <= REPEATS_SHOWN {
                excerpt::write_entry(template, tb.at, &mut out);
            }
        }
        write_repeats(count, &mut out);
        out
    }

    /// `sys.tracebacklimit`, if it is set.
    fn traceback_limit(&mut self) -> Option<usize> {
        let sys = self.iso().roots.sys.get().cast::<Module>()?;
        let name = self.intern("tracebacklimit");
        let limit = sys.dict().get_str(self, name)?;
        self.as_i64(limit).map(|n| n.max(0) as usize)
    }

    /// The lines after the traceback: class and message, or a syntax error's excerpt, and notes.
    pub fn format_exception_only(&mut self, exc: Value) -> String {
        let mut out = String::new();
        if self.is_instance(exc, ClassId::SyntaxError) {
            self.write_syntax_error(exc, &mut out);
        } else {
            out.push_str(&self.exception_line(exc));
            out.push('\n');
        }
        self.write_notes(exc, &mut out);
        out
    }

    /// `Type: message`
    pub fn exception_line(&mut self, exc: Value) -> String {
        let name = self.exception_title(exc);
        let mut text = self.safe_text(exc, "exception");
        if let Some(hint) = self.exception_hint(exc) {
            text.push_str(&hint);
        }
        if text.is_empty() { name } else { format!("{name}: {text}") }
    }

    /// The class of an exception as reports name it.
    pub fn exception_title(&mut self, exc: Value) -> String {
        let class = self.class_of(exc);
        let name = self.qualified_name(class);
        name.strip_prefix("__main__.").unwrap_or(&name).to_string()
    }

    /// `str(v)`, lone surrogates escaped; a stand-in if that fails.
    fn safe_text(&mut self, v: Value, what: &str) -> String {
        match self.to_str(v) {
            Ok(s) => printable(s),
            Err(_) => format!("<{what} str() failed>"),
        }
    }

    fn write_notes(&mut self, exc: Value, out: &mut String) {
        let name = self.names().__notes__;
        let notes = match self.get_attr_opt(exc, name) {
            Ok(Some(notes)) => notes,
            _ => return,
        };
        if notes.is_none() {
            return;
        }
        let items = match notes.cast::<List>() {
            Some(list) => self.list_snapshot(list).ok(),
            None => notes.cast::<Tuple>(),
        };
        match items {
            Some(items) => {
                for &note in items.items() {
                    out.push_str(&self.safe_text(note, "note"));
                    out.push('\n');
                }
            }
            None => {
                out.push_str(&self.repr_text(notes));
                out.push('\n');
            }
        }
    }

    /// `File`, the source line and carets, then `SyntaxError: message`.
    fn write_syntax_error(&mut self, exc: Value, out: &mut String) {
        let Some(e) = exc.cast::<Exception>() else { return };
        let field = |i: usize| Some(e.extra[i].get()).filter(|v| !v.is_none() && !v.is_unbound());
        let text_field = |i: usize| field(i).and_then(|v| v.cast::<Str>());
        let file = text_field(extra::SYNTAX_FILENAME).map(printable);
        let line = field(extra::SYNTAX_LINENO);
        let mut suffix = String::new();
        if let Some(line) = line {
            let line = self.safe_text(line, "line");
            out.push_str(&format!("  File \"{}\", line {line}\n", file.as_deref().unwrap_or("<string>")));
        } else if let Some(file) = file {
            suffix = format!(" ({file})");
        }
        if let Some(text) = text_field(extra::SYNTAX_TEXT) {
            let number = |v: Value| self.as_i64(v);
            let end = field(extra::SYNTAX_END).and_then(|v| v.cast::<Tuple>());
            let end = |i: usize| end.and_then(|t| t.items().get(i).copied()).and_then(number);
            let place = Place {
                same_line: line.and_then(number) == end(0) && end(0).is_some(),
                offset: field(extra::SYNTAX_OFFSET).and_then(number),
                end_offset: end(1),
            };
            write_syntax_excerpt(&printable(text), &place, out);
        }
        let message = match field(extra::SYNTAX_MSG) {
            Some(message) => self.safe_text(message, "message"),
            None => String::new(),
        };
        let message = if message.is_empty() { "<no detail available>" } else { &message };
        let title = self.exception_title(exc);
        out.push_str(&format!("{title}: {message}{suffix}\n"));
    }
}

fn write_repeats(count: usize, out: &mut String) {
    if count > REPEATS_SHOWN {
        let more = count - REPEATS_SHOWN;
        out.push_str(&format!("  [Previous line repeated {more} more time{}]\n", if more > 1 { "s" } else { "" }));
    }
}

/// A text with lone surrogates as `\udxxx`, as standard error shows them.
pub fn printable(s: Gc<Str>) -> String {
    match s.as_str() {
        Some(text) => text.to_string(),
        None => {
            let show = |code: u32| char::from_u32(code).map_or_else(|| format!("\\u{code:04x}"), String::from);
            wtf8::code_points(s.as_bytes()).map(show).collect()
        }
    }
}

/// Where in its line a syntax error is; columns count from 1.
struct Place {
    same_line: bool,
    offset: Option<i64>,
    end_offset: Option<i64>,
}

fn write_syntax_excerpt(text: &str, place: &Place, out: &mut String) {
    let all = text.chars().count() as i64;
    let stripped = text.trim_end_matches('\n');
    let body = stripped.trim_start_matches([' ', '\n', '\x0C']);
    out.push_str(&format!("    {body}\n"));
    let Some(mut offset) = place.offset else { return };
    let length = stripped.chars().count() as i64;
    let spaces = length - body.chars().count() as i64;
    let mut end = if place.same_line { place.end_offset.filter(|&e| e != 0).unwrap_or(offset) } else { length + 1 };
    if all > 0 && offset > all {
        offset = length + 1;
    }
    if all > 0 && end > all {
        end = length + 1;
    }
    if offset >= end || end < 0 {
        end = offset + 1;
    }
    let (from, to) = (offset - 1 - spaces, end - 1 - spaces);
    if from < 0 {
        return;
    }
    out.push_str("    ");
    // White space that is not a blank (a tab) is kept for alignment.
    out.extend(body.chars().take(from as usize).map(|c| if c.is_whitespace() { c } else { ' ' }));
    out.extend(std::iter::repeat_n('^', (to - from).max(0) as usize));
    out.push('\n');
}
