//! Codecs: turning str into bytes and back.
//!
//! A codec converts what it can; each stretch it cannot convert becomes a [`Problem`] that an error handler fixes
//! or refuses. Decoding counts positions in bytes, encoding in code points.

mod charmap;
mod escape;
mod name;
mod policy;
mod single;
mod utf8;
mod wide;

pub use charmap::Charmap;
pub use name::lookup;
pub use policy::{CodecError, Policy};
pub use wide::{Order, Size, Wide};

use super::quote::push_hex_escape;
use super::wtf8::{decode_at, offset_of_char, push_code_point, slice_chars};

#[derive(Clone, Copy, Debug)]
pub enum Codec {
    Utf8,
    /// UTF-8 that starts with a byte order mark.
    Utf8Sig,
    Ascii,
    Latin1,
    /// UTF-16 and UTF-32.
    Wide(Wide),
    Charmap(&'static Charmap),
    UnicodeEscape,
    RawUnicodeEscape,
}

/// A stretch of input that a codec cannot convert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub encoding: &'static str,
    pub start: usize,
    pub end: usize,
    pub reason: &'static str,
}

impl Problem {
    /// What `str()` of the UnicodeDecodeError says.
    pub fn describe_decoding(&self, input: &[u8]) -> String {
        let Problem { encoding, start, end, reason } = self;
        match input.get(*start) {
            Some(byte) if end - start == 1 => {
                format!("'{encoding}' codec can't decode byte 0x{byte:02x} in position {start}: {reason}")
            }
            _ => format!("'{encoding}' codec can't decode bytes in position {start}-{}: {reason}", *end as i128 - 1),
        }
    }

    /// What `str()` of the UnicodeEncodeError says.
    pub fn describe_encoding(&self, text: &[u8]) -> String {
        let Problem { encoding, start, end, reason } = self;
        match decode_at(slice_chars(text, *start, *end), 0) {
            Some((code, _)) if end - start == 1 => {
                let mut shown = Vec::new();
                push_hex_escape(&mut shown, code);
                let shown = String::from_utf8_lossy(&shown);
                format!("'{encoding}' codec can't encode character '{shown}' in position {start}: {reason}")
            }
            _ => {
                format!("'{encoding}' codec can't encode characters in position {start}-{}: {reason}", *end as i128 - 1)
            }
        }
    }
}

/// What an encoding error handler puts in place of the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Text that must be encodable itself.
    Text(Vec<u8>),
    Bytes(Vec<u8>),
}

/// Yields the text in place of the problem, and the byte to go on from.
pub type DecodeHandler<'a, E> = dyn FnMut(&Problem) -> Result<(Vec<u8>, usize), E> + 'a;
/// Yields what to write in place of the problem, and the code point to go on from.
pub type EncodeHandler<'a, E> = dyn FnMut(&Problem) -> Result<(Replacement, usize), E> + 'a;
/// Finds the code point a Unicode character name stands for.
pub type NameLookup<'a> = dyn Fn(&[u8]) -> Option<u32> + 'a;

/// Decodes; also returns how many bytes were used. Unless the input is `last`, an incomplete sequence at its end is
/// left for the next call.
pub fn decode<E>(
    codec: Codec,
    input: &[u8],
    last: bool,
    names: &NameLookup<'_>,
    handler: &mut DecodeHandler<'_, E>,
) -> Result<(Vec<u8>, usize), E> {
    match codec {
        Codec::Utf8 => utf8::decode(input, last, handler),
        Codec::Utf8Sig => {
            let body = input.strip_prefix(utf8::MARK).unwrap_or(input);
            let skipped = input.len() - body.len();
            utf8::decode(body, last, handler).map(|(text, used)| (text, used + skipped))
        }
        Codec::Ascii => single::decode_ascii(input, handler),
        Codec::Latin1 => Ok((single::decode_latin1(input), input.len())),
        Codec::Wide(wide) => wide::decode(wide, input, last, handler),
        Codec::Charmap(map) => single::decode_charmap(map, input, handler),
        Codec::UnicodeEscape => escape::decode(input, last, names, handler),
        Codec::RawUnicodeEscape => escape::decode_raw(input, last, handler),
    }
}

pub fn encode<E: From<Problem>>(codec: Codec, text: &[u8], handler: &mut EncodeHandler<'_, E>) -> Result<Vec<u8>, E> {
    match codec {
        Codec::Utf8 => utf8::encode(text, Vec::new(), handler),
        Codec::Utf8Sig => utf8::encode(text, utf8::MARK.to_vec(), handler),
        Codec::Ascii => single::encode_below(128, text, handler),
        Codec::Latin1 => single::encode_below(256, text, handler),
        Codec::Wide(wide) => wide::encode(wide, text, handler),
        Codec::Charmap(map) => single::encode_charmap(map, text, handler),
        Codec::UnicodeEscape => Ok(escape::encode(text)),
        Codec::RawUnicodeEscape => Ok(escape::encode_raw(text)),
    }
}

/// Decodes a whole input with one of the built-in error policies. Without a name lookup `\N{...}` is a problem.
pub fn decode_by_policy(codec: Codec, input: &[u8], policy: Policy) -> Result<Vec<u8>, CodecError> {
    // The mark of utf-8-sig is not part of what positions count.
    let (codec, body) = match codec {
        Codec::Utf8Sig => (Codec::Utf8, input.strip_prefix(utf8::MARK).unwrap_or(input)),
        _ => (codec, input),
    };
    let mut handler = |problem: &Problem| policy.fix_decoding(problem, body);
    decode(codec, body, true, &|_| None, &mut handler).map(|(text, _)| text)
}

/// Encodes with one of the built-in error policies.
pub fn encode_by_policy(codec: Codec, text: &[u8], policy: Policy) -> Result<Vec<u8>, CodecError> {
    let mut handler = |problem: &Problem| policy.fix_encoding(problem, text);
    encode(codec, text, &mut handler)
}

/// A decoder's progress through its input.
struct Decoding<'a, 'h, E> {
    encoding: &'static str,
    input: &'a [u8],
    at: usize,
    out: Vec<u8>,
    handler: &'h mut DecodeHandler<'h, E>,
}

impl<'a, 'h, E> Decoding<'a, 'h, E> {
    fn new(encoding: &'static str, input: &'a [u8], handler: &'h mut DecodeHandler<'h, E>) -> Self {
        Decoding { encoding, input, at: 0, out: Vec::with_capacity(input.len()), handler }
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    /// Hands `self.at..end` to the handler and goes on where it says.
    fn recover(&mut self, end: usize, reason: &'static str) -> Result<(), E> {
        let problem = Problem { encoding: self.encoding, start: self.at, end, reason };
        let (text, resume) = (self.handler)(&problem)?;
        self.out.extend(text);
        self.at = resume;
        Ok(())
    }

    fn finish(self) -> Result<(Vec<u8>, usize), E> {
        Ok((self.out, self.at.min(self.input.len())))
    }
}

/// How one encoding writes code points.
struct Encoding<'p> {
    encoding: &'static str,
    reason: &'static str,
    /// Do neighbouring problems form one?
    groups: bool,
    /// Replacement bytes must come in multiples of this.
    unit: usize,
    /// Writes a code point, or says that it cannot.
    put: &'p dyn Fn(&mut Vec<u8>, u32) -> bool,
}

impl Encoding<'_> {
    /// Encodes the text after what `out` already holds.
    fn run<E: From<Problem>>(
        &self,
        text: &[u8],
        mut out: Vec<u8>,
        handler: &mut EncodeHandler<'_, E>,
    ) -> Result<Vec<u8>, E> {
        let (mut at, mut index) = (0, 0);
        while let Some((code, len)) = decode_at(text, at) {
            if (self.put)(&mut out, code) {
                (at, index) = (at + len, index + 1);
                continue;
            }
            let (end_at, end) = self.problem_end(text, at + len, index + 1);
            let problem = Problem { encoding: self.encoding, start: index, end, reason: self.reason };
            let (replacement, resume) = handler(&problem)?;
            self.put_replacement(&mut out, replacement, problem)?;
            at = if resume == end { end_at } else { offset_of_char(text, resume) };
            index = resume;
        }
        Ok(out)
    }

    fn problem_end(&self, text: &[u8], mut at: usize, mut index: usize) -> (usize, usize) {
        let mut scratch = Vec::new();
        while let Some((code, len)) = decode_at(text, at).filter(|_| self.groups) {
            scratch.clear();
            if (self.put)(&mut scratch, code) {
                break;
            }
            (at, index) = (at + len, index + 1);
        }
        (at, index)
    }

    fn put_replacement<E: From<Problem>>(
        &self,
        out: &mut Vec<u8>,
        replacement: Replacement,
        problem: Problem,
    ) -> Result<(), E> {
        let written = match replacement {
            Replacement::Bytes(bytes) => {
                let whole = bytes.len() % self.unit == 0;
                out.extend(bytes);
                whole
            }
            Replacement::Text(text) => super::wtf8::code_points(&text).all(|code| (self.put)(out, code)),
        };
        if written { Ok(()) } else { Err(problem.into()) }
    }
}

/// Appends a byte as the code point of the same number.
fn push_latin1(out: &mut Vec<u8>, byte: u8) {
    push_code_point(out, u32::from(byte));
}

#[cfg(test)]
mod tests;
