//! Cutting text up: by separator, by white space, into lines, and off the ends. Parts are byte ranges of the text.

use std::ops::Range;

use memchr::memmem;

use super::character::{is_byte_space, is_line_break, is_space};
use super::search::{find, rfind};
use super::wtf8::{Flavor, decode_at, decode_before};

/// The unit that starts at `at`, and its length in bytes.
fn unit_at(text: &[u8], at: usize, flavor: Flavor) -> Option<(u32, usize)> {
    match flavor {
        Flavor::Str => decode_at(text, at),
        Flavor::Bytes => text.get(at).map(|byte| (u32::from(*byte), 1)),
    }
}

/// The unit that ends before `end`, and its length in bytes.
fn unit_before(text: &[u8], end: usize, flavor: Flavor) -> Option<(u32, usize)> {
    match flavor {
        Flavor::Str => decode_before(text, end),
        Flavor::Bytes => text.get(end.checked_sub(1)?).map(|byte| (u32::from(*byte), 1)),
    }
}

fn is_blank(code: u32, flavor: Flavor) -> bool {
    match flavor {
        Flavor::Str => is_space(code),
        Flavor::Bytes => u8::try_from(code).is_ok_and(is_byte_space),
    }
}

/// Moves forward from `at` while units pass the test.
fn skip(text: &[u8], mut at: usize, flavor: Flavor, test: impl Fn(u32) -> bool) -> usize {
    while let Some((_, len)) = unit_at(text, at, flavor).filter(|(code, _)| test(*code)) {
        at += len;
    }
    at
}

/// Moves back from `end`, not past `start`, while units pass the test.
fn skip_back(text: &[u8], start: usize, mut end: usize, flavor: Flavor, test: impl Fn(u32) -> bool) -> usize {
    while end > start {
        let Some((_, len)) = unit_before(text, end, flavor).filter(|(code, _)| test(*code)) else { break };
        end = (end - len).max(start);
    }
    end
}

/// `split(sep, most)`. The separator must not be empty ("empty separator").
pub fn split<'t>(text: &'t [u8], separator: &'t [u8], most: usize) -> impl Iterator<Item = Range<usize>> + 't {
    let mut cuts = memmem::find_iter(text, separator).take(if separator.is_empty() { 0 } else { most });
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let cut = cuts.next();
        next = cut.map(|at| at + separator.len());
        Some(start..cut.unwrap_or(text.len()))
    })
}

/// `rsplit(sep, most)`, in the order of the text.
pub fn rsplit(text: &[u8], separator: &[u8], most: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut end = text.len();
    for at in memmem::rfind_iter(text, separator).take(if separator.is_empty() { 0 } else { most }) {
        parts.push(at + separator.len()..end);
        end = at;
    }
    parts.push(0..end);
    parts.reverse();
    parts
}

/// `split(None, most)`
pub fn split_space(text: &[u8], mut most: usize, flavor: Flavor) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = skip(text, at, flavor, |code| is_blank(code, flavor));
        if start == text.len() {
            return None;
        }
        at = if most > 0 { skip(text, start, flavor, |code| !is_blank(code, flavor)) } else { text.len() };
        most = most.saturating_sub(1);
        Some(start..at)
    })
}

/// `rsplit(None, most)`, in the order of the text.
pub fn rsplit_space(text: &[u8], most: usize, flavor: Flavor) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut end = skip_back(text, 0, text.len(), flavor, |code| is_blank(code, flavor));
    while end > 0 {
        let whole = parts.len() >= most;
        let start = if whole { 0 } else { skip_back(text, 0, end, flavor, |code| !is_blank(code, flavor)) };
        parts.push(start..end);
        end = skip_back(text, 0, start, flavor, |code| is_blank(code, flavor));
    }
    parts.reverse();
    parts
}

/// What is before and after the first separator.
pub fn partition(text: &[u8], separator: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    let at = find(text, separator)?;
    Some((0..at, at + separator.len()..text.len()))
}

/// What is before and after the last separator.
pub fn rpartition(text: &[u8], separator: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    let at = rfind(text, separator)?;
    Some((0..at, at + separator.len()..text.len()))
}

fn ends_line(code: u32, flavor: Flavor) -> bool {
    match flavor {
        Flavor::Str => is_line_break(code),
        Flavor::Bytes => code == 10 || code == 13,
    }
}

pub fn splitlines(text: &[u8], keep_ends: bool, flavor: Flavor) -> impl Iterator<Item = Range<usize>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next;
        if start == text.len() {
            return None;
        }
        let end = skip(text, start, flavor, |code| !ends_line(code, flavor));
        let rest = text.get(end..).unwrap_or_default();
        let mark = if rest.starts_with(b"\r\n") { 2 } else { unit_at(text, end, flavor).map_or(0, |(_, len)| len) };
        next = end + mark;
        Some(start..if keep_ends { next } else { end })
    })
}

/// Which ends to strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    Both,
    Left,
    Right,
}

fn strip_by(text: &[u8], flavor: Flavor, ends: Ends, test: impl Fn(u32) -> bool) -> Range<usize> {
    let start = if ends == Ends::Right { 0 } else { skip(text, 0, flavor, &test) };
    let end = if ends == Ends::Left { text.len() } else { skip_back(text, start, text.len(), flavor, &test) };
    start..end
}

/// `strip()`: what remains without white space at the ends.
pub fn strip_space(text: &[u8], flavor: Flavor, ends: Ends) -> Range<usize> {
    strip_by(text, flavor, ends, |code| is_blank(code, flavor))
}

/// `strip(set)`: what remains without units from the set at the ends.
pub fn strip_set(text: &[u8], set: &[u8], flavor: Flavor, ends: Ends) -> Range<usize> {
    let mut units = Vec::new();
    let mut at = 0;
    while let Some((code, len)) = unit_at(set, at, flavor) {
        units.push(code);
        at += len;
    }
    units.sort_unstable();
    strip_by(text, flavor, ends, |code| units.binary_search(&code).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, parts: impl IntoIterator<Item = Range<usize>>) -> Vec<&str> {
        parts.into_iter().map(|range| text.get(range).unwrap_or("?")).collect()
    }

    #[test]
    fn splitting_agrees_with_python() {
        let split_up = |text, separator: &str, most| texts(text, split(text.as_bytes(), separator.as_bytes(), most));
        assert_eq!(split_up("a,b,,c", ",", usize::MAX), ["a", "b", "", "c"]);
        assert_eq!(split_up("a,b,c", ",", 1), ["a", "b,c"]);
        assert_eq!(split_up("", ",", usize::MAX), [""]);
        assert_eq!(texts("aaa", rsplit(b"aaa", b"aa", usize::MAX)), ["a", ""]);
        let words = " a\u{3000}b\x1fc ";
        assert_eq!(texts(words, split_space(words.as_bytes(), usize::MAX, Flavor::Str)), ["a", "b", "c"]);
        assert_eq!(texts(" a b c ", split_space(b" a b c ", 1, Flavor::Bytes)), ["a", "b c "]);
        assert_eq!(texts(" a b c ", rsplit_space(b" a b c ", 1, Flavor::Bytes)), [" a b", "c"]);
        assert_eq!(texts("  ", rsplit_space(b"  ", 0, Flavor::Bytes)), [""; 0]);
        assert_eq!(partition(b"a=b=c", b"="), Some((0..1, 2..5)));
        assert_eq!(rpartition(b"a=b=c", b"="), Some((0..3, 4..5)));
    }

    #[test]
    fn lines_agree_with_python() {
        let text = "a\nb\r\nc\rd\u{2028}e\x0b\n";
        let lines = texts(text, splitlines(text.as_bytes(), false, Flavor::Str));
        assert_eq!(lines, ["a", "b", "c", "d", "e", ""]);
        let kept = texts(text, splitlines(text.as_bytes(), true, Flavor::Str));
        assert_eq!(kept, ["a\n", "b\r\n", "c\r", "d\u{2028}", "e\x0b", "\n"]);
        assert_eq!(splitlines(b"a\x0bb\n\n", false, Flavor::Bytes).collect::<Vec<_>>(), [0..3, 4..4]);
    }

    #[test]
    fn stripping_agrees_with_python() {
        assert_eq!(strip_space(" \x1fa ".as_bytes(), Flavor::Str, Ends::Both), 2..3);
        assert_eq!(strip_space(b"  ", Flavor::Bytes, Ends::Right), 0..0);
        assert_eq!(strip_set("éxaéx".as_bytes(), "xé".as_bytes(), Flavor::Str, Ends::Left), 3..7);
        assert_eq!(strip_set(b"", b"x", Flavor::Bytes, Ends::Both), 0..0);
    }
}
