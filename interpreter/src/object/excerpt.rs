//! One entry of a traceback: the `File` line, the source it was in, and the marks under it.

use conc_grammar::ast::{ExprKind, StmtKind};
use unicode_width::UnicodeWidthChar;

use crate::bytecode::template::{CodeTemplate, Position, Source};

/// The source line an entry is about.
pub fn line_of(template: &CodeTemplate, at: u32) -> u32 {
    template.position(at).map_or(template.first_line, |p| template.source.line_of(p.span.start))
}

/// The entry of the instruction at word `at`.
pub fn write_entry(template: &CodeTemplate, at: u32, out: &mut String) {
    let source = &template.source;
    let line = line_of(template, at);
    out.push_str(&format!("  File \"{}\", line {line}, in {}\n", source.name, template.name));
    if !shown(source) {
        return;
    }
    match template.position(at) {
        Some(p) => write_excerpt(source, p, line, out),
        None => {
            let text = source.line_text(line).trim();
            if !text.is_empty() {
                out.push_str(&format!("    {text}\n"));
            }
        }
    }
}

/// Whether a source has lines to show: a file that is still there, or a text that is marked so.
fn shown(source: &Source) -> bool {
    source.shown || !source.name.starts_with('<') && std::path::Path::new(&*source.name).exists()
}

/// A place in the lines of an excerpt: line from 0, column in characters.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
struct Place {
    line: usize,
    column: usize,
}

/// The lines from the first to the last of a span, without their common indentation.
struct Excerpt<'a> {
    source: &'a Source,
    first: u32,
    /// Columns that the dedent took away.
    dedent: usize,
    lines: Vec<String>,
}

impl<'a> Excerpt<'a> {
    fn new(source: &'a Source, first: u32, last: u32) -> Excerpt<'a> {
        let original: Vec<&str> = (first..=last.max(first)).map(|n| source.line_text(n).trim_end()).collect();
        let lines = dedent(&original);
        let dedent = original[0].chars().count() - lines[0].chars().count();
        Excerpt { source, first, dedent, lines }
    }

    fn place(&self, offset: u32) -> Place {
        let line = self.source.line_of(offset).clamp(self.first, self.first + self.lines.len() as u32 - 1);
        let start = self.source.line_starts[line as usize - 1];
        let text = self.source.line_text(line);
        let column =
            text.get(..(offset.saturating_sub(start) as usize).min(text.len())).unwrap_or(text).chars().count();
        Place { line: (line - self.first) as usize, column: column.saturating_sub(self.dedent) }
    }

    /// The column a place has on screen.
    fn screen(&self, place: Place) -> usize {
        width(&self.lines[place.line], place.column)
    }
}

/// The longest white space that all lines but blank ones start with, taken away.
fn dedent(lines: &[&str]) -> Vec<String> {
    let mut margin: Option<&str> = None;
    for line in lines.iter().filter(|l| !l.trim().is_empty()) {
        let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        margin = Some(match margin {
            None => indent,
            Some(m) => {
                let common = m.bytes().zip(indent.bytes()).take_while(|(a, b)| a == b).count();
                &m[..common]
            }
        });
    }
    let margin = margin.unwrap_or("");
    lines
        .iter()
        .map(|l| if l.trim().is_empty() { "" } else { l.strip_prefix(margin).unwrap_or(l) }.to_string())
        .collect()
}

fn width(line: &str, chars: usize) -> usize {
    if line.is_ascii() {
        return chars;
    }
    line.chars().take(chars).map(|c| if c.width() == Some(2) { 2 } else { 1 }).sum()
}

fn write_excerpt(source: &Source, p: &Position, first: u32, out: &mut String) {
    let last = source.line_of(p.span.end.max(p.span.start));
    let x = Excerpt::new(source, first, last);
    if x.lines.iter().all(|l| l.is_empty()) {
        return;
    }
    let (start, end) = (x.place(p.span.start), x.place(p.span.end));
    let anchor = p.anchor.map(|a| (x.place(a.start), x.place(a.end)));
    let marks = start != end && should_mark(&x, start, end, anchor.is_some());
    let marks = marks.then(|| Marks {
        start: x.screen(start),
        end: x.screen(end),
        anchor: anchor
            .map(|(from, to)| (Place { column: x.screen(from), ..from }, Place { column: x.screen(to), ..to })),
    });

    // The first line, the last one, and those around the anchor's ends.
    let count = x.lines.len();
    let mut wanted = vec![0, count - 1];
    if let Some((from, to)) = anchor {
        wanted.extend([from.line.wrapping_sub(1), from.line, from.line + 1]);
        wanted.extend([to.line.wrapping_sub(1), to.line, to.line + 1]);
    }
    wanted.retain(|&n| n < count);
    wanted.sort_unstable();
    wanted.dedup();

    let mut rows = Vec::new();
    for (i, &n) in wanted.iter().enumerate() {
        if i > 0 {
            match n - wanted[i - 1] {
                2 => write_line(&x, n - 1, marks.as_ref(), &mut rows),
                gap if gap > 2 => rows.push(format!("...<{} lines>...", gap - 1)),
                _ => {}
            }
        }
        write_line(&x, n, marks.as_ref(), &mut rows);
    }
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    for row in dedent(&rows) {
        out.push_str(&format!("    {row}\n"));
    }
}

/// What to put under the lines; columns are those on screen.
struct Marks {
    start: usize,
    end: usize,
    anchor: Option<(Place, Place)>,
}

fn write_line(x: &Excerpt, n: usize, marks: Option<&Marks>, rows: &mut Vec<String>) {
    let line = &x.lines[n];
    rows.push(line.clone());
    let Some(m) = marks else { return };
    let blanks = line.chars().count() - line.trim_start().chars().count();
    let end = if n + 1 == x.lines.len() { m.end } else { width(line, line.chars().count()) };
    let mark = |column: usize| {
        if column < blanks || (n == 0 && column < m.start) {
            return ' ';
        }
        match m.anchor {
            None => '^',
            Some((from, to)) => {
                let here = Place { line: n, column };
                if here >= from && here < to { '^' } else { '~' }
            }
        }
    };
    rows.push((0..end).map(mark).collect());
}

/// Marks that would cover all of the text say nothing, nor do they under a plain `x = f(...)`, `return f(...)`.
fn should_mark(x: &Excerpt, start: Place, end: Place, anchored: bool) -> bool {
    let text = x.lines.join("\n");
    let parsed = conc_grammar::parse_module(&text);
    if parsed.diagnostics.is_empty() {
        let Some(statement) = parsed.module.body.first() else { return false };
        let value = match &statement.kind {
            StmtKind::Return(Some(value)) => match &value.kind {
                ExprKind::Call { func, .. } if matches!(func.kind, ExprKind::Name(_)) => Some(value),
                _ => None,
            },
            StmtKind::Assign { targets, value } => {
                let plain = matches!(&targets[..], [one] if matches!(one.kind, ExprKind::Name(_)));
                (plain && matches!(value.kind, ExprKind::Call { .. })).then_some(value)
            }
            _ => None,
        };
        if let Some(value) = value {
            let before: usize = x.lines[..x.lines.len() - 1].iter().map(|l| l.len() + 1).sum();
            let from = byte_of(&x.lines[0], start.column);
            let to = before + byte_of(&x.lines[x.lines.len() - 1], end.column);
            if start.line == 0 && value.span.start as usize == from && value.span.end as usize == to {
                return false;
            }
        }
    }
    let before = x.lines[0].chars().take(start.column).any(|c| !c.is_whitespace());
    let after = x.lines[x.lines.len() - 1].chars().skip(end.column).any(|c| !c.is_whitespace());
    anchored || before || after
}

fn byte_of(line: &str, column: usize) -> usize {
    line.char_indices().nth(column).map_or(line.len(), |(i, _)| i)
}
