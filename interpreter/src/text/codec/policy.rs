//! The built-in error handlers of codecs.

use super::{Problem, Replacement};
use crate::text::quote::push_hex_escape;
use crate::text::wtf8::{code_points, is_surrogate, push_code_point, slice_chars};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Strict,
    Ignore,
    Replace,
    BackslashReplace,
    XmlCharRefReplace,
    SurrogateEscape,
    SurrogatePass,
}

/// Why a conversion failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// UnicodeDecodeError or UnicodeEncodeError
    Problem(Problem),
    /// TypeError: the policy is for the other direction only.
    Type(&'static str),
}

impl From<Problem> for CodecError {
    fn from(problem: Problem) -> CodecError {
        CodecError::Problem(problem)
    }
}

/// The encodings that know surrogates, by their unit in bytes and its order.
fn surrogate_unit(encoding: &str) -> Option<(usize, bool)> {
    Some(match encoding {
        "utf-8" => (1, false),
        "utf-16" | "utf-16-le" => (2, false),
        "utf-16-be" => (2, true),
        "utf-32" | "utf-32-le" => (4, false),
        "utf-32-be" => (4, true),
        _ => return None,
    })
}

impl Policy {
    /// The policy of that name. (`namereplace` needs the table of character names and is not one of them.)
    pub fn from_name(name: &str) -> Option<Policy> {
        Some(match name {
            "strict" => Policy::Strict,
            "ignore" => Policy::Ignore,
            "replace" => Policy::Replace,
            "backslashreplace" => Policy::BackslashReplace,
            "xmlcharrefreplace" => Policy::XmlCharRefReplace,
            "surrogateescape" => Policy::SurrogateEscape,
            "surrogatepass" => Policy::SurrogatePass,
            _ => return None,
        })
    }

    /// The text in place of undecodable bytes, and the byte to go on from.
    pub fn fix_decoding(self, problem: &Problem, input: &[u8]) -> Result<(Vec<u8>, usize), CodecError> {
        let bytes = input.get(problem.start..problem.end).unwrap_or_default();
        let refused = || CodecError::Problem(problem.clone());
        match self {
            Policy::Strict => Err(refused()),
            Policy::Ignore => Ok((Vec::new(), problem.end)),
            Policy::Replace => Ok(("\u{FFFD}".into(), problem.end)),
            Policy::BackslashReplace => {
                let mut text = Vec::new();
                bytes.iter().for_each(|byte| push_hex_escape(&mut text, u32::from(*byte)));
                Ok((text, problem.end))
            }
            Policy::XmlCharRefReplace => {
                Err(CodecError::Type("don't know how to handle UnicodeDecodeError in error callback"))
            }
            Policy::SurrogateEscape => escaped_bytes(problem, bytes).ok_or_else(refused),
            Policy::SurrogatePass => passed_surrogate(problem, input).ok_or_else(refused),
        }
    }

    /// What to write for unencodable code points, and the code point to go on from.
    pub fn fix_encoding(self, problem: &Problem, text: &[u8]) -> Result<(Replacement, usize), CodecError> {
        let part = slice_chars(text, problem.start, problem.end);
        let refused = || CodecError::Problem(problem.clone());
        let mut written = Vec::new();
        match self {
            Policy::Strict => return Err(refused()),
            Policy::Ignore => {}
            Policy::Replace => written.extend(code_points(part).map(|_| b'?')),
            Policy::BackslashReplace => code_points(part).for_each(|code| push_hex_escape(&mut written, code)),
            Policy::XmlCharRefReplace => {
                code_points(part).for_each(|code| written.extend(format!("&#{code};").into_bytes()));
            }
            Policy::SurrogateEscape => return unescaped_bytes(problem, part),
            Policy::SurrogatePass => {
                let bytes = surrogate_bytes(problem, part).ok_or_else(refused)?;
                return Ok((Replacement::Bytes(bytes), problem.end));
            }
        }
        Ok((Replacement::Text(written), problem.end))
    }
}

/// Up to four bytes past ASCII, each as a low surrogate.
fn escaped_bytes(problem: &Problem, bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut text = Vec::new();
    let mut count = 0;
    for byte in bytes.iter().take(4).take_while(|byte| **byte >= 128) {
        push_code_point(&mut text, 0xDC00 + u32::from(*byte));
        count += 1;
    }
    (count > 0).then_some((text, problem.start + count))
}

/// The bytes behind escaping surrogates. Encodings other than charmaps go as far as they can before they complain.
fn unescaped_bytes(problem: &Problem, part: &[u8]) -> Result<(Replacement, usize), CodecError> {
    let mut bytes = Vec::new();
    for code in code_points(part).take_while(|code| (0xDC80..=0xDCFF).contains(code)) {
        bytes.push((code & 0xFF) as u8);
    }
    let resume = problem.start + bytes.len();
    let complete = resume == problem.end;
    if bytes.is_empty() || (problem.encoding == "charmap" && !complete) {
        return Err(CodecError::Problem(problem.clone()));
    }
    Ok((Replacement::Bytes(bytes), resume))
}

/// The surrogate that the bytes at the problem's start would be.
fn passed_surrogate(problem: &Problem, input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (unit, big) = surrogate_unit(problem.encoding)?;
    let rest = input.get(problem.start..)?;
    let (code, len) = match (unit, rest) {
        (1, [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ..]) => {
            (0xD000 | u32::from(second & 0x3F) << 6 | u32::from(third & 0x3F), 3)
        }
        (1, _) => return None,
        _ => {
            let bytes = rest.get(..unit)?.iter().map(|byte| u32::from(*byte));
            let join = |code: u32, byte: u32| code << 8 | byte;
            (if big { bytes.fold(0, join) } else { bytes.rev().fold(0, join) }, unit)
        }
    };
    let mut text = Vec::new();
    push_code_point(&mut text, code);
    is_surrogate(code).then_some((text, problem.start + len))
}

/// Surrogates as the bytes they would be.
fn surrogate_bytes(problem: &Problem, part: &[u8]) -> Option<Vec<u8>> {
    let (unit, big) = surrogate_unit(problem.encoding)?;
    let mut bytes = Vec::new();
    for code in code_points(part) {
        if !is_surrogate(code) {
            return None;
        }
        match (unit, big) {
            (1, _) => push_code_point(&mut bytes, code),
            (2, false) => bytes.extend((code as u16).to_le_bytes()),
            (2, true) => bytes.extend((code as u16).to_be_bytes()),
            (_, false) => bytes.extend(code.to_le_bytes()),
            (_, true) => bytes.extend(code.to_be_bytes()),
        }
    }
    Some(bytes)
}
