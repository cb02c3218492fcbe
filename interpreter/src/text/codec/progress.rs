//! How far a conversion has come: what all decoders share, and what all encoders share.

use super::{DecodeHandler, EncodeHandler, Problem, Replacement};
use crate::text::wtf8::{code_points, decode_at, offset_of_char, push_code_point};

/// A decoder's progress through its input.
pub(super) struct Decoding<'a, 'h, E> {
    encoding: &'static str,
    pub(super) input: &'a [u8],
    pub(super) at: usize,
    pub(super) out: Vec<u8>,
    handler: &'h mut DecodeHandler<'h, E>,
}

impl<'a, 'h, E> Decoding<'a, 'h, E> {
    pub(super) fn new(encoding: &'static str, input: &'a [u8], handler: &'h mut DecodeHandler<'h, E>) -> Self {
        Decoding { encoding, input, at: 0, out: Vec::with_capacity(input.len()), handler }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    /// Hands `self.at..end` to the handler and goes on where it says.
    pub(super) fn recover(&mut self, end: usize, reason: &'static str) -> Result<(), E> {
        let problem = Problem { encoding: self.encoding, start: self.at, end, reason };
        let (text, resume) = (self.handler)(&problem)?;
        self.out.extend(text);
        self.at = resume;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(Vec<u8>, usize), E> {
        Ok((self.out, self.at.min(self.input.len())))
    }
}

/// How one encoding writes code points.
pub(super) struct Encoding<'p> {
    pub(super) encoding: &'static str,
    pub(super) reason: &'static str,
    /// Do neighbouring problems form one?
    pub(super) groups: bool,
    /// Replacement bytes must come in multiples of this.
    pub(super) unit: usize,
    /// Writes a code point, or says that it cannot.
    pub(super) put: &'p dyn Fn(&mut Vec<u8>, u32) -> bool,
}

impl Encoding<'_> {
    /// Encodes the text after what `out` already holds.
    pub(super) fn run<E: From<Problem>>(
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
            Replacement::Text(text) => code_points(&text).all(|code| (self.put)(out, code)),
        };
        if written { Ok(()) } else { Err(problem.into()) }
    }
}

/// Appends a byte as the code point of the same number.
pub(super) fn push_latin1(out: &mut Vec<u8>, byte: u8) {
    push_code_point(out, u32::from(byte));
}
