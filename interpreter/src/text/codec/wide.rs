//! UTF-16 and UTF-32, in either byte order or with a mark that tells.

use super::{DecodeHandler, Decoding, EncodeHandler, Encoding, Problem};
use crate::text::wtf8::{MAX_CODE_POINT, is_surrogate, push_code_point};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Two,
    Four,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Read from the byte order mark, little-endian without one; written little-endian with one.
    Marked,
    Little,
    Big,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wide {
    pub size: Size,
    pub order: Order,
}

impl Wide {
    pub(super) fn name(self) -> &'static str {
        match (self.size, self.order) {
            (Size::Two, Order::Marked) => "utf-16",
            (Size::Two, Order::Little) => "utf-16-le",
            (Size::Two, Order::Big) => "utf-16-be",
            (Size::Four, Order::Marked) => "utf-32",
            (Size::Four, Order::Little) => "utf-32-le",
            (Size::Four, Order::Big) => "utf-32-be",
        }
    }

    fn bytes(self) -> usize {
        if self.size == Size::Two { 2 } else { 4 }
    }

    /// The order a text's mark asks for, and the length of the mark.
    pub fn resolve(self, input: &[u8]) -> (Wide, usize) {
        if self.order != Order::Marked {
            return (self, 0);
        }
        let with = |order| Wide { order, ..self };
        match (self.size, input) {
            (Size::Two, [0xFF, 0xFE, ..]) => (with(Order::Little), 2),
            (Size::Two, [0xFE, 0xFF, ..]) => (with(Order::Big), 2),
            (Size::Four, [0xFF, 0xFE, 0, 0, ..]) => (with(Order::Little), 4),
            (Size::Four, [0, 0, 0xFE, 0xFF, ..]) => (with(Order::Big), 4),
            _ => (with(Order::Little), 0),
        }
    }

    /// The unit at the start of some bytes.
    fn unit(self, bytes: &[u8]) -> Option<u32> {
        let unit = bytes.get(..self.bytes())?.iter().map(|byte| u32::from(*byte));
        let join = |code: u32, byte: u32| code << 8 | byte;
        Some(if self.order == Order::Big { unit.fold(0, join) } else { unit.rev().fold(0, join) })
    }

    fn push_unit(self, out: &mut Vec<u8>, unit: u32) {
        let little = unit.to_le_bytes();
        let bytes = little.get(..self.bytes()).unwrap_or_default();
        if self.order == Order::Big { out.extend(bytes.iter().rev()) } else { out.extend(bytes) }
    }

    fn put(self, out: &mut Vec<u8>, code: u32) -> bool {
        if is_surrogate(code) {
            return false;
        }
        match (self.size, code.checked_sub(0x1_0000)) {
            (Size::Two, Some(past)) => {
                self.push_unit(out, 0xD800 | past >> 10);
                self.push_unit(out, 0xDC00 | past & 0x3FF);
            }
            _ => self.push_unit(out, code),
        }
        true
    }
}

/// What the next bytes are.
enum Step {
    Code(u32, usize),
    /// A problem over that many bytes.
    Wrong(usize, &'static str),
    /// More input could complete them.
    Incomplete(&'static str),
}

fn step(wide: Wide, rest: &[u8]) -> Step {
    let Some(unit) = wide.unit(rest) else { return Step::Incomplete("truncated data") };
    if wide.size == Size::Four {
        return match unit {
            _ if is_surrogate(unit) => Step::Wrong(4, "code point in surrogate code point range(0xd800, 0xe000)"),
            0..=MAX_CODE_POINT => Step::Code(unit, 4),
            _ => Step::Wrong(4, "code point not in range(0x110000)"),
        };
    }
    match unit {
        0xDC00..=0xDFFF => Step::Wrong(2, "illegal encoding"),
        0xD800..=0xDBFF => match wide.unit(rest.get(2..).unwrap_or_default()) {
            None => Step::Incomplete("unexpected end of data"),
            Some(low @ 0xDC00..=0xDFFF) => Step::Code(0x1_0000 + ((unit & 0x3FF) << 10 | low & 0x3FF), 4),
            Some(_) => Step::Wrong(2, "illegal UTF-16 surrogate"),
        },
        _ => Step::Code(unit, 2),
    }
}

pub(super) fn decode<'h, E>(
    wide: Wide,
    input: &[u8],
    last: bool,
    handler: &'h mut DecodeHandler<'h, E>,
) -> Result<(Vec<u8>, usize), E> {
    let (wide, mark) = wide.resolve(input);
    let mut decoding = Decoding::new(wide.name(), input, handler);
    decoding.at = mark;
    while !decoding.rest().is_empty() {
        match step(wide, decoding.rest()) {
            Step::Code(code, len) => {
                push_code_point(&mut decoding.out, code);
                decoding.at += len;
            }
            Step::Wrong(len, reason) => decoding.recover(decoding.at + len, reason)?,
            Step::Incomplete(_) if !last => break,
            Step::Incomplete(reason) => decoding.recover(input.len(), reason)?,
        }
    }
    decoding.finish()
}

pub(super) fn encode<E: From<Problem>>(
    wide: Wide,
    text: &[u8],
    handler: &mut EncodeHandler<'_, E>,
) -> Result<Vec<u8>, E> {
    let mut out = Vec::with_capacity(text.len() * 2);
    if wide.order == Order::Marked {
        wide.push_unit(&mut out, 0xFEFF);
    }
    let put = |out: &mut Vec<u8>, code: u32| wide.put(out, code);
    let reason = "surrogates not allowed";
    Encoding { encoding: wide.name(), reason, groups: false, unit: wide.bytes(), put: &put }.run(text, out, handler)
}
