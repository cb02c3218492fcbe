//! Line breaks of text streams: what ends a line when reading, what `\n` becomes when writing.

/// The `newline` argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Newline {
    /// None: `\n`, `\r` and `\r\n` end lines and are read as `\n`.
    Universal,
    /// '': the same, read as they are.
    Untranslated,
    Lf,
    Cr,
    CrLf,
}

/// Kinds of line breaks met, for the `newlines` attribute.
pub mod seen {
    pub const CR: u8 = 1;
    pub const LF: u8 = 2;
    pub const CRLF: u8 = 4;
}

impl Newline {
    /// From the argument's text; None for an illegal one.
    pub fn from_text(text: Option<&str>) -> Option<Newline> {
        Some(match text {
            None => Newline::Universal,
            Some("") => Newline::Untranslated,
            Some("\n") => Newline::Lf,
            Some("\r") => Newline::Cr,
            Some("\r\n") => Newline::CrLf,
            Some(_) => return None,
        })
    }
    /// What `\n` is written as, if not as itself.
    pub fn written(self) -> Option<&'static str> {
        match self {
            Newline::Cr => Some("\r"),
            Newline::CrLf => Some("\r\n"),
            _ => None,
        }
    }
    pub fn translates(self) -> bool {
        self == Newline::Universal
    }
}

/// The first line of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Its text ends at `.0`, the next line begins at `.1`.
    Found(usize, usize),
    /// More input may be needed; nothing before this offset ends a line.
    Open(usize),
}

/// Looks for the end of the line; `last`: no more input follows.
pub fn find(data: &[u8], newline: Newline, last: bool) -> Line {
    match newline {
        Newline::Lf => match memchr::memchr(b'\n', data) {
            Some(i) => Line::Found(i, i + 1),
            None => Line::Open(data.len()),
        },
        Newline::Cr => match memchr::memchr(b'\r', data) {
            Some(i) => Line::Found(i, i + 1),
            None => Line::Open(data.len()),
        },
        Newline::CrLf => match memchr::memmem::find(data, b"\r\n") {
            Some(i) => Line::Found(i, i + 2),
            None => Line::Open(data.len().saturating_sub(1)),
        },
        Newline::Universal | Newline::Untranslated => match memchr::memchr2(b'\n', b'\r', data) {
            None => Line::Open(data.len()),
            Some(i) if data[i] == b'\n' => Line::Found(i, i + 1),
            Some(i) => match data.get(i + 1) {
                Some(b'\n') => Line::Found(i, i + 2),
                Some(_) => Line::Found(i, i + 1),
                None if last => Line::Found(i, i + 1),
                None => Line::Open(i),
            },
        },
    }
}

/// Notes the kind of the line break `data`.
pub fn kind_of(data: &[u8]) -> u8 {
    match data {
        b"\n" => seen::LF,
        b"\r" => seen::CR,
        b"\r\n" => seen::CRLF,
        _ => 0,
    }
}

/// Turns all line breaks into `\n`, noting their kinds.
pub fn universal(data: &[u8], kinds: &mut u8) -> Option<Vec<u8>> {
    if memchr::memchr(b'\r', data).is_none() {
        if *kinds & seen::LF == 0 && memchr::memchr(b'\n', data).is_some() {
            *kinds |= seen::LF;
        }
        return None;
    }
    let mut out = Vec::with_capacity(data.len());
    let mut at = 0;
    while let Some(i) = memchr::memchr2(b'\n', b'\r', &data[at..]) {
        let i = at + i;
        out.extend_from_slice(&data[at..i]);
        out.push(b'\n');
        at = i + 1;
        if data[i] == b'\n' {
            *kinds |= seen::LF;
        } else if data.get(at) == Some(&b'\n') {
            *kinds |= seen::CRLF;
            at += 1;
        } else {
            *kinds |= seen::CR;
        }
    }
    out.extend_from_slice(&data[at..]);
    Some(out)
}

/// Replaces `\n` by what it is written as.
pub fn write_out(text: &[u8], newline: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut at = 0;
    while let Some(i) = memchr::memchr(b'\n', &text[at..]) {
        out.extend_from_slice(&text[at..at + i]);
        out.extend_from_slice(newline.as_bytes());
        at += i + 1;
    }
    out.extend_from_slice(&text[at..]);
    out
}
