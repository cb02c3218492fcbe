//! Choosing a codec's conversion, with any error handler or a built-in one.

use super::{
    Charmap, CodecError, DecodeHandler, EncodeHandler, NameLookup, Policy, Problem, Wide, escape, single, utf8, wide,
};

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
