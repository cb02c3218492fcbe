//! UTF-8, in which Python's str may hold what UTF-8 may not: surrogates.

use super::{DecodeHandler, Decoding, EncodeHandler, Encoding, Problem};
use crate::text::wtf8::{has_surrogates, is_surrogate, push_code_point};

/// The byte order mark of utf-8-sig.
pub(super) const MARK: &[u8] = b"\xEF\xBB\xBF";

pub(super) fn decode<'h, E>(
    input: &[u8],
    last: bool,
    handler: &'h mut DecodeHandler<'h, E>,
) -> Result<(Vec<u8>, usize), E> {
    let mut decoding = Decoding::new("utf-8", input, handler);
    loop {
        let rest = decoding.rest();
        let Err(error) = std::str::from_utf8(rest) else {
            decoding.out.extend(rest);
            decoding.at = decoding.at.max(input.len());
            return decoding.finish();
        };
        let valid = error.valid_up_to();
        decoding.out.extend(rest.get(..valid).unwrap_or_default());
        decoding.at += valid;
        match error.error_len() {
            None if !last => return decoding.finish(),
            // With its third byte it may be a surrogate, which is for the error handler to judge.
            Some(_) if !last && matches!(rest.get(valid..), Some([0xED, 0xA0..=0xBF])) => return decoding.finish(),
            None => decoding.recover(input.len(), "unexpected end of data")?,
            Some(len) => {
                let starts = matches!(rest.get(valid), Some(0xC2..=0xF4));
                let reason = if starts { "invalid continuation byte" } else { "invalid start byte" };
                decoding.recover(decoding.at + len, reason)?;
            }
        }
    }
}

pub(super) fn encode<E: From<Problem>>(
    text: &[u8],
    mut out: Vec<u8>,
    handler: &mut EncodeHandler<'_, E>,
) -> Result<Vec<u8>, E> {
    if !has_surrogates(text) {
        out.extend(text);
        return Ok(out);
    }
    let put = |out: &mut Vec<u8>, code: u32| {
        let fits = !is_surrogate(code);
        if fits {
            push_code_point(out, code);
        }
        fits
    };
    let encoding = Encoding { encoding: "utf-8", reason: "surrogates not allowed", groups: true, unit: 1, put: &put };
    encoding.run(text, out, handler)
}
