//! From bytes to source text: byte-order mark, PEP 263 coding line, NUL bytes.

use crate::ast::Span;
use crate::diagnostic::{Diagnostic, code};

const BOM: &[u8] = b"\xEF\xBB\xBF";

fn fail(at: usize, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(code::ENCODING, Span::new(at, at), message)
}

/// Decodes a source file as CPython does. The byte-order mark is dropped.
pub fn decode_source(bytes: &[u8]) -> Result<String, Diagnostic> {
    let (text, bom) = match bytes.strip_prefix(BOM) {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    if let Some(at) = memchr::memchr(0, text) {
        return Err(fail(at, "source code cannot contain null bytes"));
    }
    let declared = coding_line(text);
    match declared.as_deref().map(encoding) {
        None | Some(Some(Encoding::Utf8)) => utf8(text),
        Some(Some(_)) if bom => Err(fail(0, format!("encoding problem: {} with BOM", declared.unwrap_or_default()))),
        Some(Some(Encoding::Latin1)) => Ok(text.iter().map(|&b| char::from(b)).collect()),
        Some(Some(Encoding::Ascii)) => ascii(text),
        Some(None) => Err(fail(0, format!("unknown encoding: {}", declared.unwrap_or_default()))),
    }
}

enum Encoding {
    Utf8,
    Latin1,
    Ascii,
}

fn encoding(name: &str) -> Option<Encoding> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    Some(match &*name {
        "utf-8" | "utf8" | "u8" | "utf-8-sig" | "utf" => Encoding::Utf8,
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "iso-latin-1" | "l1" | "8859" | "cp819" => Encoding::Latin1,
        "ascii" | "us-ascii" | "646" => Encoding::Ascii,
        _ if name.starts_with("utf-8-") => Encoding::Utf8,
        _ if name.starts_with("latin-1-") || name.starts_with("iso-8859-1-") => Encoding::Latin1,
        _ => return None,
    })
}

/// The name in `# coding: NAME` on one of the first two lines; the first must be blank or a comment for the second
/// to count.
fn coding_line(text: &[u8]) -> Option<String> {
    for line in text.split(|&b| b == b'\n').take(2) {
        let start = line.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\x0C' | b'\r'));
        let Some(start) = start else { continue };
        if line[start] != b'#' {
            return None;
        }
        if let Some(name) = coding_name(&line[start..]) {
            return Some(name);
        }
    }
    None
}

fn coding_name(comment: &[u8]) -> Option<String> {
    let found =
        memchr::memmem::find_iter(comment, b"coding").find(|&i| matches!(comment.get(i + 6), Some(b':' | b'=')))?;
    let rest = &comment[found + 7..];
    let skip = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let name: Vec<u8> = rest[skip..]
        .iter()
        .copied()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        .collect();
    String::from_utf8(name).ok().filter(|n| !n.is_empty())
}

fn utf8(text: &[u8]) -> Result<String, Diagnostic> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let at = error.valid_up_to();
            let (byte, reason) = (text[at], utf8_reason(text, at));
            let message =
                format!("(unicode error) 'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: {reason}");
            Err(fail(at, message))
        }
    }
}

fn utf8_reason(text: &[u8], at: usize) -> &'static str {
    match text[at] {
        0x80..=0xC1 | 0xF5.. => "invalid start byte",
        _ if std::str::from_utf8(&text[at..]).is_err_and(|e| e.error_len().is_none()) => "unexpected end of data",
        _ => "invalid continuation byte",
    }
}

fn ascii(text: &[u8]) -> Result<String, Diagnostic> {
    match text.iter().position(|b| !b.is_ascii()) {
        None => utf8(text),
        Some(at) => {
            let byte = text[at];
            let message = format!(
                "(unicode error) 'ascii' codec can't decode byte 0x{byte:02x} in position {at}: ordinal not in range(128)"
            );
            Err(fail(at, message))
        }
    }
}
