//! Encodings with one byte per character: ASCII, Latin-1 and the character sets.

use super::{Charmap, DecodeHandler, Decoding, EncodeHandler, Encoding, Problem, push_latin1};
use crate::text::wtf8::push_code_point;

const NOT_ASCII: &str = "ordinal not in range(128)";
const NOT_LATIN1: &str = "ordinal not in range(256)";
const UNDEFINED: &str = "character maps to <undefined>";

pub(super) fn decode_ascii<'h, E>(input: &[u8], handler: &'h mut DecodeHandler<'h, E>) -> Result<(Vec<u8>, usize), E> {
    let mut decoding = Decoding::new("ascii", input, handler);
    while !decoding.rest().is_empty() {
        let rest = decoding.rest();
        let len = rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        decoding.out.extend(rest.get(..len).unwrap_or_default());
        decoding.at += len;
        if len < rest.len() {
            decoding.recover(decoding.at + 1, NOT_ASCII)?;
        }
    }
    decoding.finish()
}

pub(super) fn decode_latin1(input: &[u8]) -> Vec<u8> {
    if input.is_ascii() {
        return input.to_vec();
    }
    let mut out = Vec::with_capacity(input.len() + input.len() / 2);
    input.iter().for_each(|byte| push_latin1(&mut out, *byte));
    out
}

pub(super) fn decode_charmap<'h, E>(
    map: &Charmap,
    input: &[u8],
    handler: &'h mut DecodeHandler<'h, E>,
) -> Result<(Vec<u8>, usize), E> {
    let upper: Vec<char> = map.upper.chars().collect();
    let mut decoding = Decoding::new("charmap", input, handler);
    while let Some(byte) = decoding.rest().first().copied() {
        let mapped = match usize::from(byte).checked_sub(128) {
            None => Some(char::from(byte)),
            Some(index) => upper.get(index).copied().filter(|mapped| *mapped != '\u{FFFD}'),
        };
        match mapped {
            Some(mapped) => {
                push_code_point(&mut decoding.out, u32::from(mapped));
                decoding.at += 1;
            }
            None => decoding.recover(decoding.at + 1, UNDEFINED)?,
        }
    }
    decoding.finish()
}

/// ASCII and Latin-1: a code point below the limit is its own byte.
pub(super) fn encode_below<E: From<Problem>>(
    limit: u32,
    text: &[u8],
    handler: &mut EncodeHandler<'_, E>,
) -> Result<Vec<u8>, E> {
    if text.is_ascii() {
        return Ok(text.to_vec());
    }
    let put = |out: &mut Vec<u8>, code: u32| {
        let byte = u8::try_from(code).ok().filter(|_| code < limit);
        out.extend(byte);
        byte.is_some()
    };
    let (encoding, reason) = if limit == 128 { ("ascii", NOT_ASCII) } else { ("latin-1", NOT_LATIN1) };
    Encoding { encoding, reason, groups: true, unit: 1, put: &put }.run(text, Vec::with_capacity(text.len()), handler)
}

pub(super) fn encode_charmap<E: From<Problem>>(
    map: &Charmap,
    text: &[u8],
    handler: &mut EncodeHandler<'_, E>,
) -> Result<Vec<u8>, E> {
    let upper = map.upper.chars().zip(128_u8..=255).filter(|(mapped, _)| *mapped != '\u{FFFD}');
    let mut bytes: Vec<(u32, u8)> = upper.map(|(mapped, byte)| (u32::from(mapped), byte)).collect();
    bytes.sort_unstable();
    let put = |out: &mut Vec<u8>, code: u32| {
        let byte = match u8::try_from(code) {
            Ok(byte) if byte.is_ascii() => Some(byte),
            _ => {
                let found = bytes.binary_search_by_key(&code, |(mapped, _)| *mapped).ok();
                found.and_then(|index| bytes.get(index)).map(|(_, byte)| *byte)
            }
        };
        out.extend(byte);
        byte.is_some()
    };
    let encoding = Encoding { encoding: "charmap", reason: UNDEFINED, groups: true, unit: 1, put: &put };
    encoding.run(text, Vec::with_capacity(text.len()), handler)
}
