//! unicode_escape and raw_unicode_escape: text as ASCII or Latin-1 with backslash escapes.

use super::{DecodeHandler, Decoding, NameLookup, push_latin1};
use crate::text::quote::push_hex_escape;
use crate::text::wtf8::{MAX_CODE_POINT, code_points, push_code_point};

const TRUNCATED_X: &str = "truncated \\xXX escape";
const TRUNCATED_U: &str = "truncated \\uXXXX escape";
const TRUNCATED_LONG_U: &str = "truncated \\UXXXXXXXX escape";
const MALFORMED_N: &str = "malformed \\N character escape";

/// What an escape turned out to be; lengths include the backslash.
enum Escape {
    Code(u32, usize),
    /// Nothing to show (an escaped line end).
    Nothing(usize),
    /// No escape: both characters stay.
    Unknown,
    Wrong(usize, &'static str),
    /// The input ends inside it.
    Incomplete(&'static str),
}

/// `digits` hexadecimal digits after a backslash and a letter.
fn hex_escape(rest: &[u8], digits: usize, truncated: &'static str, too_large: &'static str) -> Escape {
    let mut code = 0_u32;
    for place in 0..digits {
        let Some(byte) = rest.get(2 + place) else { return Escape::Incomplete(truncated) };
        match char::from(*byte).to_digit(16) {
            Some(digit) => code = code << 4 | digit,
            None => return Escape::Wrong(2 + place, truncated),
        }
    }
    if code > MAX_CODE_POINT { Escape::Wrong(2 + digits, too_large) } else { Escape::Code(code, 2 + digits) }
}

fn octal_escape(rest: &[u8]) -> Escape {
    let digits = rest.iter().skip(1).take(3).take_while(|byte| matches!(byte, b'0'..=b'7'));
    let (code, len) = digits.fold((0, 1), |(code, len), byte| (code << 3 | u32::from(byte - b'0'), len + 1));
    Escape::Code(code, len)
}

fn name_escape(rest: &[u8], names: &NameLookup<'_>) -> Escape {
    match rest.get(2) {
        None => return Escape::Incomplete(MALFORMED_N),
        Some(b'{') => {}
        Some(_) => return Escape::Wrong(2, MALFORMED_N),
    }
    let after = rest.get(3..).unwrap_or_default();
    match memchr::memchr(b'}', after) {
        None => Escape::Incomplete(MALFORMED_N),
        Some(0) => Escape::Wrong(3, MALFORMED_N),
        Some(len) => match names(after.get(..len).unwrap_or_default()) {
            Some(code) => Escape::Code(code, len + 4),
            None => Escape::Wrong(len + 4, "unknown Unicode character name"),
        },
    }
}

fn escape(rest: &[u8], names: &NameLookup<'_>) -> Escape {
    let simple = match rest.get(1) {
        None => return Escape::Incomplete("\\ at end of string"),
        Some(b'\n') => return Escape::Nothing(2),
        Some(quote @ (b'\\' | b'\'' | b'"')) => *quote,
        Some(b'a') => 7,
        Some(b'b') => 8,
        Some(b't') => b'\t',
        Some(b'n') => b'\n',
        Some(b'v') => 11,
        Some(b'f') => 12,
        Some(b'r') => b'\r',
        Some(b'0'..=b'7') => return octal_escape(rest),
        Some(b'x') => return hex_escape(rest, 2, TRUNCATED_X, ""),
        Some(b'u') => return hex_escape(rest, 4, TRUNCATED_U, ""),
        Some(b'U') => return hex_escape(rest, 8, TRUNCATED_LONG_U, "illegal Unicode character"),
        Some(b'N') => return name_escape(rest, names),
        Some(_) => return Escape::Unknown,
    };
    Escape::Code(u32::from(simple), 2)
}

impl<E> Decoding<'_, '_, E> {
    /// Copies Latin-1 characters up to the next backslash.
    fn copy_plain(&mut self) {
        let rest = self.rest();
        let len = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        rest.iter().take(len).for_each(|byte| push_latin1(&mut self.out, *byte));
        self.at += len;
    }

    /// Applies an escape; false when it must wait for more input.
    fn apply(&mut self, escape: Escape, last: bool) -> Result<bool, E> {
        match escape {
            Escape::Code(code, len) => {
                push_code_point(&mut self.out, code);
                self.at += len;
            }
            Escape::Nothing(len) => self.at += len,
            Escape::Unknown => {
                let pair = self.rest().iter().take(2);
                pair.for_each(|byte| push_latin1(&mut self.out, *byte));
                self.at += 2;
            }
            Escape::Wrong(len, reason) => self.recover(self.at + len, reason)?,
            Escape::Incomplete(_) if !last => return Ok(false),
            Escape::Incomplete(reason) => self.recover(self.input.len(), reason)?,
        }
        Ok(true)
    }
}

pub(super) fn decode<'h, E>(
    input: &[u8],
    last: bool,
    names: &NameLookup<'_>,
    handler: &'h mut DecodeHandler<'h, E>,
) -> Result<(Vec<u8>, usize), E> {
    let mut decoding = Decoding::new("unicodeescape", input, handler);
    loop {
        decoding.copy_plain();
        let rest = decoding.rest();
        if rest.is_empty() || !decoding.apply(escape(rest, names), last)? {
            return decoding.finish();
        }
    }
}

/// Only `\u` and `\U` are escapes, and only after an even number of backslashes.
fn raw_escape(rest: &[u8]) -> Escape {
    match rest.get(1) {
        None => Escape::Incomplete(""),
        Some(b'u') => hex_escape(rest, 4, TRUNCATED_U, ""),
        Some(b'U') => hex_escape(rest, 8, TRUNCATED_LONG_U, "\\Uxxxxxxxx out of range"),
        Some(_) => Escape::Unknown,
    }
}

pub(super) fn decode_raw<'h, E>(
    input: &[u8],
    last: bool,
    handler: &'h mut DecodeHandler<'h, E>,
) -> Result<(Vec<u8>, usize), E> {
    let mut decoding = Decoding::new("rawunicodeescape", input, handler);
    loop {
        decoding.copy_plain();
        let rest = decoding.rest();
        if rest == b"\\" && last {
            decoding.out.push(b'\\');
            decoding.at += 1;
            return decoding.finish();
        }
        if rest.is_empty() || !decoding.apply(raw_escape(rest), last)? {
            return decoding.finish();
        }
    }
}

pub(super) fn encode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for code in code_points(text) {
        match u8::try_from(code) {
            Ok(b'\\') => out.extend(b"\\\\"),
            Ok(b'\t') => out.extend(b"\\t"),
            Ok(b'\n') => out.extend(b"\\n"),
            Ok(b'\r') => out.extend(b"\\r"),
            Ok(byte @ 0x20..=0x7E) => out.push(byte),
            _ => push_hex_escape(&mut out, code),
        }
    }
    out
}

pub(super) fn encode_raw(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for code in code_points(text) {
        match u8::try_from(code) {
            Ok(byte) => out.push(byte),
            Err(_) => push_hex_escape(&mut out, code),
        }
    }
    out
}
