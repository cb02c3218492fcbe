//! The text that is searched: its bytes, and places in it as scripts count them.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::Boxed;
use conc_interpreter::object::string::{Bytes, Str};
use conc_interpreter::value::{Gc, Value};

use crate::text::regex::matcher::{How, Matcher, Narrow, Text, Wide};
use crate::text::regex::program::Program;

pub enum Subject {
    Text(Gc<Str>),
    Data(Data),
}

pub enum Data {
    Whole(Gc<Bytes>),
    Copy(Vec<u8>),
}

pub fn code_points(text: &[u8]) -> Vec<u32> {
    let mut at = 0;
    let mut out = Vec::with_capacity(text.len());
    while at < text.len() {
        let (c, next) = Wide(text).next(at);
        out.push(c);
        at = next;
    }
    out
}

pub fn program<'a>(cx: &mut Ctx, program: Gc<Boxed>) -> R<&'a Program> {
    match program.data::<Program>() {
        Some(p) => Ok(p),
        None => Err(cx.type_error("a compiled pattern is required")),
    }
}

impl Subject {
    pub fn of(cx: &mut Ctx, pattern: Gc<Boxed>, string: Value) -> R<Subject> {
        let bytes = program(cx, pattern)?.bytes;
        let subject = if let Some(s) = string.cast::<Str>() {
            Subject::Text(s)
        } else if let Some(b) = string.cast::<Bytes>() {
            Subject::Data(Data::Whole(b))
        } else {
            match cx.byte_vec(string) {
                Ok(copy) => Subject::Data(Data::Copy(copy)),
                Err(_) => {
                    let got = cx.type_name(string);
                    return Err(cx.type_error(format!("expected string or bytes-like object, got '{got}'")));
                }
            }
        };
        match (&subject, bytes) {
            (Subject::Text(_), true) => Err(cx.type_error("cannot use a bytes pattern on a string-like object")),
            (Subject::Data(_), false) => Err(cx.type_error("cannot use a string pattern on a bytes-like object")),
            _ => Ok(subject),
        }
    }

    pub fn data(&self) -> &[u8] {
        match self {
            Subject::Text(s) => s.as_bytes(),
            Subject::Data(Data::Whole(b)) => b.as_bytes(),
            Subject::Data(Data::Copy(v)) => v,
        }
    }

    /// Whether characters may be of several bytes.
    pub fn is_wide(&self) -> bool {
        matches!(self, Subject::Text(s) if !s.is_ascii())
    }

    /// Whether the object itself may stand for its text.
    pub fn is_plain(&self) -> bool {
        !matches!(self, Subject::Data(Data::Copy(_)))
    }

    /// The byte position of a character.
    fn offset(&self, index: i64) -> usize {
        let index = usize::try_from(index).unwrap_or(0);
        match self {
            Subject::Text(s) => s.offset_of(index),
            Subject::Data(_) => index.min(self.data().len()),
        }
    }

    /// A group's text; the empty text if it did not match.
    pub fn group(&self, cx: &mut Ctx, m: &Matcher, group: usize) -> R {
        let (from, to) = m.span(group).unwrap_or((0, 0));
        match self {
            Subject::Text(s) => Ok(cx.sub_bytes(*s, from, to.max(from)).value()),
            Subject::Data(_) => cx.bytes(&self.data()[from..to.max(from)]),
        }
    }
}

/// Turns byte positions into character positions; near the last one it is quick.
pub struct Places<'a> {
    /// None: they are the same.
    wide: Option<&'a [u8]>,
    byte: usize,
    index: usize,
}

fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&b| b & 0xc0 != 0x80).count()
}

impl Places<'_> {
    fn index(&mut self, at: usize) -> usize {
        let Some(data) = self.wide else { return at };
        if at >= self.byte {
            self.index += count(&data[self.byte..at]);
        } else {
            self.index -= count(&data[at..self.byte]);
        }
        self.byte = at;
        self.index
    }
}

/// The spans of a match: (last group, start, end, start of group 1, ...).
pub fn spans(cx: &mut Ctx, m: &Matcher, places: &mut Places) -> R {
    let groups = m.groups();
    let mut numbers: Vec<i64> = Vec::with_capacity(groups * 2 + 3);
    numbers.push(m.last().map_or(-1, |n| n as i64));
    for group in 0..=groups {
        match m.span(group) {
            Some((from, to)) => numbers.extend([places.index(from) as i64, places.index(to) as i64]),
            None => numbers.extend([-1, -1]),
        }
    }
    crate::data::boxes::tuple_of(cx, numbers.len(), |i| Value::small_int(numbers[i]))
}

/// Calls `found` for each match, until it says false.
#[allow(clippy::too_many_arguments)]
pub fn each(
    cx: &mut Ctx,
    pattern: Gc<Boxed>,
    string: Value,
    pos: i64,
    endpos: i64,
    how: How,
    advance: bool,
    mut found: impl FnMut(&mut Ctx, &Matcher, &mut Places) -> R<bool>,
) -> R<()> {
    let subject = Subject::of(cx, pattern, string)?;
    let mut m = Matcher::new(program(cx, pattern)?);
    let (mut from, end) = (subject.offset(pos), subject.offset(endpos));
    let mut places = Places { wide: subject.is_wide().then(|| subject.data()), byte: 0, index: 0 };
    let mut advance = advance;
    while find_in(cx, &mut m, &subject, (from, end), how, advance)? {
        if !found(cx, &m, &mut places)? {
            break;
        }
        let (start, stop) = m.span(0).unwrap_or((0, end));
        advance = start == stop;
        from = stop;
        cx.poll()?;
    }
    Ok(())
}

fn find_in(cx: &mut Ctx, m: &mut Matcher, subject: &Subject, at: (usize, usize), how: How, advance: bool) -> R<bool> {
    if subject.is_wide() {
        m.find(cx, Wide(subject.data()), at.0, at.1, how, advance)
    } else {
        m.find(cx, Narrow(subject.data()), at.0, at.1, how, advance)
    }
}
