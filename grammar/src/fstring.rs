//! The text between the replacement fields of an f-string.

use crate::scan::after_escaped;

/// Why the text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// `{`
    Open,
    /// A single `}`
    Close,
    /// The closing quote.
    Quote,
    /// The end of the line, in a format spec.
    Line,
    /// The end of the line or of the source.
    End,
}

pub struct Text {
    pub end: usize,
    pub stop: Stop,
}

/// Finds the end of the text at `from`. In a format spec `{{` and `}}` are no escapes.
pub fn scan_text(source: &str, from: usize, quote: u8, triple: bool, raw: bool, spec: bool) -> Text {
    let bytes = source.as_bytes();
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        let doubled = bytes.get(at + 1) == Some(&byte) && !spec;
        let stop = match byte {
            b'{' if doubled => {
                at += 2;
                continue;
            }
            b'{' => Stop::Open,
            b'}' if doubled => {
                at += 2;
                continue;
            }
            b'}' => Stop::Close,
            b'\\' => {
                at = escape(bytes, at, raw);
                continue;
            }
            b'\n' | b'\r' if !triple => return Text { end: at, stop: if spec { Stop::Line } else { Stop::End } },
            b if b == quote && (!triple || bytes[at..].starts_with(&[quote; 3])) => Stop::Quote,
            _ => {
                at += 1;
                continue;
            }
        };
        return Text { end: at, stop };
    }
    Text { end: at, stop: Stop::End }
}

/// The offset after an escape. Braces are never escaped by a backslash, but `\N{...}` holds a pair.
fn escape(bytes: &[u8], at: usize, raw: bool) -> usize {
    match bytes.get(at + 1) {
        Some(b'{' | b'}') => at + 1,
        Some(b'N') if !raw && bytes.get(at + 2) == Some(&b'{') => {
            let stop = |b: &u8| matches!(b, b'}' | b'\n' | b'"' | b'\'');
            match bytes[at + 3..].iter().position(stop) {
                Some(i) if bytes[at + 3 + i] == b'}' => at + 4 + i,
                _ => at + 2,
            }
        }
        _ => after_escaped(bytes, at),
    }
}
