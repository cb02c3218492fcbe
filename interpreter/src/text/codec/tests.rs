//! Tables recorded from Python 3.13.

use super::*;
use crate::text::wtf8::from_code_points;

fn codec(name: &str) -> Codec {
    lookup(name).unwrap_or(Codec::Ascii)
}

fn decoded(name: &str, input: &[u8], policy: Policy) -> Result<String, String> {
    match decode_by_policy(codec(name), input, policy) {
        Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Err(CodecError::Problem(problem)) => Err(problem.describe_decoding(input)),
        Err(CodecError::Type(message)) => Err(message.into()),
    }
}

fn encoded(name: &str, codes: &[u32], policy: Policy) -> Result<Vec<u8>, String> {
    let text = from_code_points(codes.iter().copied());
    match encode_by_policy(codec(name), &text, policy) {
        Ok(bytes) => Ok(bytes),
        Err(CodecError::Problem(problem)) => Err(problem.describe_encoding(&text)),
        Err(CodecError::Type(message)) => Err(message.into()),
    }
}

#[test]
fn names_are_found() {
    let rows = [
        ("LATIN1", "iso8859-1"),
        ("utf8", "utf-8"),
        ("UTF 8", "utf-8"),
        ("u8", "utf-8"),
        ("utf-16le", "utf-16-le"),
        ("macintosh", "mac-roman"),
        ("windows-1252", "cp1252"),
        ("ANSI_X3.4-1968", "ascii"),
    ];
    for (name, expected) in rows {
        assert_eq!(lookup(name).map(Codec::name), Some(expected), "{name}");
    }
    assert!(lookup("U_T_F8").is_none() && lookup("").is_none());
}

#[test]
fn undecodable_bytes_are_described_as_in_python() {
    let rows: &[(&str, &[u8], &str)] = &[
        ("utf-8", b"a\xff", "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"),
        ("utf-8", b"\xe2\x82", "'utf-8' codec can't decode bytes in position 0-1: unexpected end of data"),
        ("utf-8", b"\xed\xa0\x80", "'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte"),
        ("ascii", b"\x81", "'ascii' codec can't decode byte 0x81 in position 0: ordinal not in range(128)"),
        ("cp1252", b"\x81", "'charmap' codec can't decode byte 0x81 in position 0: character maps to <undefined>"),
        ("utf-16", b"a", "'utf-16-le' codec can't decode byte 0x61 in position 0: truncated data"),
        ("utf-16", b"\xff\xfe\0\xd8\0", "'utf-16-le' codec can't decode bytes in position 2-4: unexpected end of data"),
        ("utf-16-le", b"\0\xdca\0", "'utf-16-le' codec can't decode bytes in position 0-1: illegal encoding"),
        ("utf-16-be", b"\xd8\0\0a", "'utf-16-be' codec can't decode bytes in position 0-1: illegal UTF-16 surrogate"),
        ("unicode_escape", b"\\x1", "'unicodeescape' codec can't decode bytes in position 0-2: truncated \\xXX escape"),
        ("unicode_escape", b"\\", "'unicodeescape' codec can't decode byte 0x5c in position 0: \\ at end of string"),
    ];
    for (name, input, message) in rows {
        assert_eq!(decoded(name, input, Policy::Strict), Err((*message).into()));
    }
}

#[test]
fn policies_decode_as_in_python() {
    let rows: &[(&str, &[u8], Policy, &str)] = &[
        ("utf-8", b"a\xff\xe2\x82b", Policy::Replace, "a\u{FFFD}\u{FFFD}b"),
        ("utf-8", b"a\xff\xfeb", Policy::BackslashReplace, "a\\xff\\xfeb"),
        ("utf-8", b"a\xffb", Policy::Ignore, "ab"),
        ("utf-8-sig", b"\xef\xbb\xbfa", Policy::Strict, "a"),
        ("unicode_escape", b"\\q\\777\\\n\\u20ac\xe9", Policy::Strict, "\\q\u{1ff}\u{20ac}\u{e9}"),
        ("raw_unicode_escape", b"\\\\u1234\\u1234\\", Policy::Strict, "\\\\u1234\u{1234}\\"),
        ("cp437", b"\x80\x9c", Policy::Strict, "\u{c7}\u{a3}"),
    ];
    for (name, input, policy, text) in rows {
        assert_eq!(decoded(name, input, *policy).as_deref(), Ok(*text));
    }
    let surrogates = decode_by_policy(Codec::Utf8, b"\xed\xa0\x80", Policy::SurrogatePass);
    assert_eq!(surrogates, Ok(from_code_points([0xD800])));
    let escaped = decode_by_policy(Codec::Utf8, b"\xe2\x82", Policy::SurrogateEscape);
    assert_eq!(escaped, Ok(from_code_points([0xDCE2, 0xDC82])));
}

#[test]
fn encoding_agrees_with_python() {
    type Row = (&'static str, &'static [u32], Policy, Result<&'static [u8], &'static str>);
    let rows: &[Row] = &[
        ("utf-16", &[0x61, 0x1F600], Policy::Strict, Ok(b"\xff\xfea\0\x3d\xd8\x00\xde")),
        ("utf-32-be", &[0x61], Policy::Strict, Ok(b"\0\0\0a")),
        ("ascii", &[0xE9, 0x1234], Policy::XmlCharRefReplace, Ok(b"&#233;&#4660;")),
        ("latin-1", &[0xE9, 0x1234], Policy::Replace, Ok(b"\xe9?")),
        ("utf-8", &[0xD800], Policy::SurrogatePass, Ok(b"\xed\xa0\x80")),
        ("ascii", &[0xDCFF], Policy::SurrogateEscape, Ok(b"\xff")),
        ("cp1252", &[0x20AC], Policy::Strict, Ok(b"\x80")),
        ("unicode_escape", &[0x5C, 0xE9, 0x1234, 0x1F600], Policy::Strict, Ok(b"\\\\\\xe9\\u1234\\U0001f600")),
        (
            "utf-8",
            &[0xD800, 0xDC00],
            Policy::Strict,
            Err("'utf-8' codec can't encode characters in position 0-1: surrogates not allowed"),
        ),
        (
            "ascii",
            &[0xDCFF, 0xE9],
            Policy::SurrogateEscape,
            Err("'ascii' codec can't encode character '\\xe9' in position 1: ordinal not in range(128)"),
        ),
    ];
    for (name, codes, policy, expected) in rows {
        assert_eq!(encoded(name, codes, *policy).as_deref().map_err(String::as_str), *expected);
    }
}

#[test]
fn an_incomplete_end_waits_for_more() {
    let mut strict = |problem: &Problem| Err::<(Vec<u8>, usize), _>(problem.clone());
    let partial = decode(Codec::Utf8, b"a\xe2\x82", false, &|_| None, &mut strict);
    assert_eq!(partial, Ok((b"a".to_vec(), 1)));
}
