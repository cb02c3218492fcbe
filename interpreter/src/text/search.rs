//! Finding, counting and replacing text inside text.
//!
//! A valid sequence can only match at the start of one, so a str is searched by its bytes. Offsets are in bytes.

use memchr::memmem;

use super::fault::{Fault, ensure_memory};
use super::wtf8::{self, Flavor, char_indices};

/// The first occurrence.
pub fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    match part {
        [byte] => memchr::memchr(*byte, text),
        _ => memmem::find(text, part),
    }
}

/// The last occurrence.
pub fn rfind(text: &[u8], part: &[u8]) -> Option<usize> {
    match part {
        [byte] => memchr::memrchr(*byte, text),
        _ => memmem::rfind(text, part),
    }
}

pub fn contains(text: &[u8], part: &[u8]) -> bool {
    find(text, part).is_some()
}

/// The length of a text in its own units.
pub fn units(text: &[u8], flavor: Flavor) -> usize {
    match flavor {
        Flavor::Str => wtf8::count(text),
        Flavor::Bytes => text.len(),
    }
}

/// How often a part occurs without overlapping; the empty part is before and after every unit.
pub fn count(text: &[u8], part: &[u8], flavor: Flavor) -> usize {
    match part {
        [] => units(text, flavor) + 1,
        [byte] => memchr::memchr_iter(*byte, text).count(),
        _ => memmem::find_iter(text, part).count(),
    }
}

/// Replaces at most `most` occurrences; `None` when there is nothing to replace.
pub fn replace(text: &[u8], old: &[u8], new: &[u8], most: usize, flavor: Flavor) -> Result<Option<Vec<u8>>, Fault> {
    if most == 0 || old.len() > text.len() {
        return Ok(None);
    }
    // Only a growing result can be too large; few texts are large enough to make the bound worth refining.
    if new.len() > old.len() {
        let bound = (text.len() / old.len().max(1) + 1).min(most).saturating_mul(new.len());
        let needed = if bound > 1 << 20 { count(text, old, flavor).min(most).saturating_mul(new.len()) } else { bound };
        ensure_memory(needed.saturating_add(text.len()))?;
    }
    if old.is_empty() {
        return Ok(Some(interleave(text, new, most, flavor)));
    }
    let mut out = Vec::new();
    let mut done = 0;
    for at in memmem::find_iter(text, old).take(most) {
        out.extend(text.get(done..at).unwrap_or_default());
        out.extend(new);
        done = at + old.len();
    }
    if done == 0 {
        return Ok(None);
    }
    out.extend(text.get(done..).unwrap_or_default());
    Ok(Some(out))
}

/// Puts `new` before every unit and at the end, at most `most` times.
fn interleave(text: &[u8], new: &[u8], most: usize, flavor: Flavor) -> Vec<u8> {
    let starts: Box<dyn Iterator<Item = usize>> = match flavor {
        Flavor::Str => Box::new(char_indices(text).map(|(at, _)| at)),
        Flavor::Bytes => Box::new(0..text.len()),
    };
    let mut out = Vec::new();
    let mut done = 0;
    for at in starts.chain([text.len()]).take(most) {
        out.extend(text.get(done..at).unwrap_or_default());
        out.extend(new);
        done = at;
    }
    out.extend(text.get(done..).unwrap_or_default());
    out
}

/// The text without a prefix it starts with.
pub fn remove_prefix<'a>(text: &'a [u8], prefix: &[u8]) -> &'a [u8] {
    text.strip_prefix(prefix).unwrap_or(text)
}

pub fn remove_suffix<'a>(text: &'a [u8], suffix: &[u8]) -> &'a [u8] {
    text.strip_suffix(suffix).unwrap_or(text)
}

/// `bytes.translate`: drops the bytes in `delete`, then maps the rest through a table.
pub fn translate_bytes(bytes: &[u8], table: Option<&[u8; 256]>, delete: &[u8]) -> Vec<u8> {
    let mut kept = [true; 256];
    delete.iter().for_each(|byte| kept[usize::from(*byte)] = false);
    let map = |byte: &u8| table.map_or(*byte, |table| table[usize::from(*byte)]);
    bytes.iter().filter(|byte| kept[usize::from(**byte)]).map(map).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_agree_with_python() {
        assert_eq!((find(b"abcabc", b"bc"), rfind(b"abcabc", b"bc"), find(b"abc", b"")), (Some(1), Some(4), Some(0)));
        assert_eq!((rfind(b"abc", b""), find(b"abc", b"x")), (Some(3), None));
        assert_eq!(count(b"aaaa", b"aa", Flavor::Str), 2);
        assert_eq!(count("éa".as_bytes(), b"", Flavor::Str), 3);
        assert_eq!(count("éa".as_bytes(), b"", Flavor::Bytes), 4);
    }

    #[test]
    fn replacing_agrees_with_python() {
        let rows = [
            ("aaa", "a", "bb", usize::MAX, Some("bbbbbb")),
            ("aaa", "a", "b", 2, Some("bba")),
            ("aéb", "", "-", usize::MAX, Some("-a-é-b-")),
            ("ab", "", "-", 2, Some("-a-b")),
            ("", "", "x", usize::MAX, Some("x")),
            ("abc", "x", "y", usize::MAX, None),
            ("abc", "a", "y", 0, None),
        ];
        for (text, old, new, most, expected) in rows {
            let replaced = replace(text.as_bytes(), old.as_bytes(), new.as_bytes(), most, Flavor::Str);
            let expected = expected.map(|text| text.as_bytes().to_vec());
            assert_eq!(replaced, Ok(expected), "{text:?} {old:?}");
        }
        assert_eq!(translate_bytes(b"abc", None, b"b"), b"ac");
    }
}
