//! The repr of str and bytes: which quotes, and what is escaped.

use super::character::is_printable;
use super::wtf8::{code_points, push_code_point};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Single quotes unless the text has some and no double ones.
fn choose_quote(text: &[u8]) -> u8 {
    let has = |quote| memchr::memchr(quote, text).is_some();
    if has(b'\'') && !has(b'"') { b'"' } else { b'\'' }
}

/// Appends `\xhh`, `\uhhhh` or `\Uhhhhhhhh`, the shortest that fits.
pub fn push_hex_escape(out: &mut Vec<u8>, code: u32) {
    let (letter, digits) = match code {
        0..=0xFF => (b'x', 2),
        0x100..=0xFFFF => (b'u', 4),
        _ => (b'U', 8),
    };
    out.extend([b'\\', letter]);
    for place in (0..digits).rev() {
        out.push(HEX[(code >> (4 * place) & 15) as usize]);
    }
}

/// Appends an ASCII byte as both reprs show it.
fn push_ascii(out: &mut Vec<u8>, byte: u8, quote: u8) {
    match byte {
        b'\t' => out.extend(b"\\t"),
        b'\n' => out.extend(b"\\n"),
        b'\r' => out.extend(b"\\r"),
        _ if byte == quote || byte == b'\\' => out.extend([b'\\', byte]),
        0x20..=0x7E => out.push(byte),
        _ => push_hex_escape(out, u32::from(byte)),
    }
}

fn quoted(text: &[u8], shown: impl Fn(u32) -> bool) -> Vec<u8> {
    let quote = choose_quote(text);
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(quote);
    for code in code_points(text) {
        match u8::try_from(code) {
            Ok(byte @ 0..=0x7F) => push_ascii(&mut out, byte, quote),
            _ if shown(code) => push_code_point(&mut out, code),
            _ => push_hex_escape(&mut out, code),
        }
    }
    out.push(quote);
    out
}

/// `repr(str)`
pub fn repr_str(text: &[u8]) -> Vec<u8> {
    quoted(text, is_printable)
}

/// `ascii(str)`
pub fn ascii_str(text: &[u8]) -> Vec<u8> {
    quoted(text, |_| false)
}

/// Escapes what is not ASCII in a finished repr: what `ascii()` does to any object's repr.
pub fn ascii_only(repr: &[u8]) -> Vec<u8> {
    if repr.is_ascii() {
        return repr.to_vec();
    }
    let mut out = Vec::with_capacity(repr.len() + 8);
    for code in code_points(repr) {
        if code < 0x80 { push_code_point(&mut out, code) } else { push_hex_escape(&mut out, code) }
    }
    out
}

/// `repr(bytes)`, with its `b`.
pub fn repr_bytes(bytes: &[u8]) -> String {
    literal(bytes, false)
}

/// `repr(bytearray)`: a bytes literal in which a `'` is escaped even between double quotes.
pub fn repr_bytearray(bytes: &[u8]) -> String {
    format!("bytearray({})", literal(bytes, true))
}

fn literal(bytes: &[u8], escapes_single: bool) -> String {
    let quote = choose_quote(bytes);
    let mut out = Vec::with_capacity(bytes.len() + 3);
    out.extend([b'b', quote]);
    for &byte in bytes {
        push_ascii(&mut out, byte, if escapes_single && byte == b'\'' { byte } else { quote });
    }
    out.push(quote);
    out.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::wtf8::from_code_points;

    #[test]
    fn reprs_agree_with_python() {
        let rows = [
            ("a'b", "\"a'b\""),
            ("a'b\"", "'a\\'b\"'"),
            ("\t\n\r\\\x00\x7f", r"'\t\n\r\\\x00\x7f'"),
            ("é\u{a0}\u{ad}\u{200b}\u{e000}\u{1F600}", "'é\\xa0\\xad\\u200b\\ue000\u{1F600}'"),
            ("\u{10ffff}", r"'\U0010ffff'"),
        ];
        for (text, expected) in rows {
            assert_eq!(String::from_utf8_lossy(&repr_str(text.as_bytes())), expected);
        }
        assert_eq!(repr_str(&from_code_points([0xD800])), br"'\ud800'");
        assert_eq!(ascii_str("é\u{1F600}'".as_bytes()), br#""\xe9\U0001f600'""#);
        assert_eq!(ascii_only("[é]".as_bytes()), br"[\xe9]");
        assert_eq!(repr_bytes(b"a'\"\x00\xff\n"), r#"b'a\'"\x00\xff\n'"#);
        assert_eq!(repr_bytearray(b"'"), r#"bytearray(b"\'")"#);
    }
}
