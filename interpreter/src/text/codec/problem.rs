//! A stretch of input that a codec cannot convert, and what an error handler does about it.

use crate::text::quote::push_hex_escape;
use crate::text::wtf8::{decode_at, slice_chars};

/// Where and why a conversion got stuck; a UnicodeDecodeError or UnicodeEncodeError in the making.
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
