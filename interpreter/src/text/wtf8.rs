//! The bytes of a str value: UTF-8 in which a lone surrogate may stand as its own three bytes.
//!
//! Unlike strict WTF-8 a high surrogate may be followed by a low one: Python keeps the two code points apart.
//! Searching for valid text inside valid text is therefore plain byte search, and every function here tolerates
//! malformed bytes without panicking (it only promises sense for well-formed ones).

pub const MAX_CODE_POINT: u32 = 0x10_FFFF;

/// Whose bytes a function is given: a str's, made of code points, or a bytes object's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    Str,
    Bytes,
}

/// How many bytes the sequence starting with `lead` takes.
#[inline]
pub fn sequence_len(lead: u8) -> usize {
    match lead {
        0..=0xBF => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        _ => 4,
    }
}

#[inline]
fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// The code point that starts at byte `at`, and the number of bytes it takes; `None` at the end.
#[inline]
pub fn decode_at(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let lead = *text.get(at)?;
    if lead < 0x80 {
        return Some((u32::from(lead), 1));
    }
    let len = sequence_len(lead);
    let mask = 0xFF_u32 >> (len + 1).min(7);
    let mut code = u32::from(lead) & mask;
    for step in 1..len {
        let next = text.get(at + step).copied().unwrap_or(0x80);
        code = code << 6 | u32::from(next & 0x3F);
    }
    Some((code, len.min(text.len() - at)))
}

/// The code point that ends just before byte `end`, and the number of bytes it takes.
#[inline]
pub fn decode_before(text: &[u8], end: usize) -> Option<(u32, usize)> {
    let mut start = end.checked_sub(1)?;
    while start > 0 && end - start < 4 && text.get(start).copied().is_some_and(is_continuation) {
        start -= 1;
    }
    decode_at(text, start).map(|(code, _)| (code, end - start))
}

/// The code points of a text, from either end.
#[derive(Clone)]
pub struct CodePoints<'a> {
    text: &'a [u8],
}

impl<'a> CodePoints<'a> {
    /// What has not been yielded yet.
    pub fn rest(&self) -> &'a [u8] {
        self.text
    }
}

impl Iterator for CodePoints<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let (code, len) = decode_at(self.text, 0)?;
        self.text = self.text.get(len..).unwrap_or_default();
        Some(code)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.text.len().div_ceil(4), Some(self.text.len()))
    }
}

impl DoubleEndedIterator for CodePoints<'_> {
    fn next_back(&mut self) -> Option<u32> {
        let (code, len) = decode_before(self.text, self.text.len())?;
        self.text = self.text.get(..self.text.len() - len).unwrap_or_default();
        Some(code)
    }
}

pub fn code_points(text: &[u8]) -> CodePoints<'_> {
    CodePoints { text }
}

/// Code points with the byte offset each starts at.
pub fn char_indices(text: &[u8]) -> impl Iterator<Item = (usize, u32)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (code, len) = decode_at(text, at)?;
        let start = at;
        at += len;
        Some((start, code))
    })
}

/// Appends one code point; surrogates are allowed, and values past U+10FFFF become U+FFFD.
#[inline]
pub fn push_code_point(out: &mut Vec<u8>, code: u32) {
    let low = |shift: u32| 0x80 | (code >> shift & 0x3F) as u8;
    match code {
        0..=0x7F => out.push(code as u8),
        0x80..=0x7FF => out.extend([0xC0 | (code >> 6) as u8, low(0)]),
        0x800..=0xFFFF => out.extend([0xE0 | (code >> 12) as u8, low(6), low(0)]),
        0x1_0000..=MAX_CODE_POINT => out.extend([0xF0 | (code >> 18) as u8, low(12), low(6), low(0)]),
        _ => out.extend("\u{FFFD}".as_bytes()),
    }
}

pub fn from_code_points(codes: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let mut out = Vec::new();
    for code in codes {
        push_code_point(&mut out, code);
    }
    out
}

/// Number of code points.
pub fn count(text: &[u8]) -> usize {
    text.iter().filter(|byte| !is_continuation(**byte)).count()
}

#[inline]
pub fn is_ascii(text: &[u8]) -> bool {
    text.is_ascii()
}

#[inline]
pub fn is_surrogate(code: u32) -> bool {
    (0xD800..=0xDFFF).contains(&code)
}

pub fn has_surrogates(text: &[u8]) -> bool {
    first_surrogate(text).is_some()
}

/// Byte offset of the first lone surrogate.
pub fn first_surrogate(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(0xED, text).find(|at| text.get(at + 1).is_some_and(|next| *next >= 0xA0))
}

/// The text as `&str` when it holds no surrogates.
pub fn as_str(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok()
}

/// Byte offset at which code point number `index` starts; the length of the text when `index` is past its end.
pub fn offset_of_char(text: &[u8], index: usize) -> usize {
    if text.is_ascii() {
        return index.min(text.len());
    }
    let mut left = index;
    for (at, byte) in text.iter().enumerate() {
        if !is_continuation(*byte) {
            if left == 0 {
                return at;
            }
            left -= 1;
        }
    }
    text.len()
}

/// Number of code points before byte `offset`.
pub fn char_of_offset(text: &[u8], offset: usize) -> usize {
    count(text.get(..offset).unwrap_or(text))
}

/// The bytes of the code points `start..end` (both clamped).
pub fn slice_chars(text: &[u8], start: usize, end: usize) -> &[u8] {
    let from = offset_of_char(text, start);
    let rest = text.get(from..).unwrap_or_default();
    let len = offset_of_char(rest, end.saturating_sub(start));
    rest.get(..len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: [u32; 7] = [0x41, 0xE9, 0x20AC, 0xD83D, 0xDE00, 0x1_F600, 0x10_FFFF];

    #[test]
    fn code_points_survive_a_round_trip_from_both_ends() {
        let text = from_code_points(MIXED);
        assert_eq!(code_points(&text).collect::<Vec<_>>(), MIXED);
        let mut backwards: Vec<_> = code_points(&text).rev().collect();
        backwards.reverse();
        assert_eq!(backwards, MIXED);
        assert_eq!(count(&text), MIXED.len());
        assert!(has_surrogates(&text) && !has_surrogates("\u{D7FF}\u{E000}".as_bytes()));
    }

    #[test]
    fn offsets_and_slices_count_code_points() {
        let text = from_code_points(MIXED);
        assert_eq!(offset_of_char(&text, 3), 6);
        assert_eq!(char_of_offset(&text, 6), 3);
        assert_eq!(slice_chars(&text, 1, 3), "é€".as_bytes());
        assert_eq!(slice_chars(&text, 5, 99), "\u{1F600}\u{10FFFF}".as_bytes());
        assert_eq!(offset_of_char(b"abc", 9), 3);
    }

    #[test]
    fn malformed_bytes_do_not_panic() {
        for text in [&b"\xE2"[..], b"\xF0\x80", b"\x80\x80\x80\x80\x80", b"a\xFF"] {
            let _ = code_points(text).count();
            let _ = code_points(text).rev().count();
        }
    }
}
