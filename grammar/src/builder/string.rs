//! String literals, f-strings, and their concatenation.

use super::{Builder, Deep, depth_of, span};
use crate::ast::*;
use crate::diagnostic::code;
use crate::literal::{self, Flavor};

/// String literals side by side.
#[derive(Default)]
pub struct Strings {
    parts: Vec<FPart>,
    text: Vec<u8>,
    depth: u32,
    kind: Option<Kind>,
    formatted: bool,
    mixed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Str,
    Bytes,
}

impl Builder<'_> {
    pub fn string(&mut self, mut strings: Strings, l: u32, r: u32) -> Strings {
        let token = self.text(l, r);
        let quote = token.find(['"', '\'']).unwrap_or(0);
        let prefix = &token.as_bytes()[..quote];
        let has = |wanted: u8| prefix.iter().any(|b| b.eq_ignore_ascii_case(&wanted));
        let flavor = match (has(b'b'), has(b'r')) {
            (false, false) => Flavor::Str,
            (false, true) => Flavor::RawStr,
            (true, false) => Flavor::Bytes,
            (true, true) => Flavor::RawBytes,
        };
        let body = &token[quote..];
        let triple = body.len() >= 6 && (body.starts_with("\"\"\"") || body.starts_with("'''"));
        let width = if triple { 3 } else { 1 };
        let body = &body[width..body.len() - width];
        let is_bytes = has(b'b');
        if is_bytes && !body.is_ascii() {
            self.error(code::ESCAPE, span(l, r), "bytes can only contain ASCII literal characters");
        }
        Self::mix(&mut strings, if is_bytes { Kind::Bytes } else { Kind::Str });
        let found = literal::decode(body, flavor, &mut strings.text);
        self.judge_escapes(found, l + (quote + width) as u32, span(l, r));
        strings
    }

    /// Reports what decoding found: an error, or the first escape that means nothing, counted from `body`.
    fn judge_escapes(&mut self, found: Result<Option<usize>, literal::EscapeError>, body: u32, token: Span) {
        match found {
            Ok(None) => {}
            Ok(Some(at)) => {
                let message = literal::doubtful_escape(&self.source[body as usize + at..]);
                self.warn(token, message);
            }
            Err(message) => self.error(code::ESCAPE, token, message),
        }
    }

    fn mix(strings: &mut Strings, kind: Kind) {
        match strings.kind {
            Some(before) if before != kind => strings.mixed = true,
            _ => strings.kind = Some(kind),
        }
    }

    pub fn fstring(&mut self, mut strings: Strings, parts: Deep<Vec<FPart>>) -> Strings {
        Self::mix(&mut strings, Kind::Str);
        strings.formatted = true;
        strings.depth = strings.depth.max(parts.depth);
        for part in parts.it {
            match part {
                FPart::Literal(text) => strings.text.extend_from_slice(&text),
                field => {
                    strings.flush();
                    strings.parts.push(field);
                }
            }
        }
        strings
    }

    pub fn strings(&mut self, l: u32, r: u32, mut strings: Strings) -> Deep<Expr> {
        if strings.mixed {
            // CPython marks the token after the literals.
            let rest = &self.source[r as usize..];
            let at = r + (rest.len() - rest.trim_start_matches([' ', '\t']).len()) as u32;
            self.error(code::STRING, span(at, at + 1), "cannot mix bytes and nonbytes literals");
        }
        let kind = if strings.formatted {
            strings.flush();
            ExprKind::JoinedStr(strings.parts)
        } else if strings.kind == Some(Kind::Bytes) {
            ExprKind::Const(Const::Bytes(strings.text.into()))
        } else {
            ExprKind::Const(Const::Str(strings.text.into()))
        };
        self.node(span(l, r), kind, strings.depth)
    }

    pub fn literal_part(&mut self, mut parts: Deep<Vec<FPart>>, l: u32, r: u32, raw: bool) -> Deep<Vec<FPart>> {
        let mut text = Vec::new();
        let flavor = if raw { Flavor::RawFString } else { Flavor::FString };
        let found = literal::decode(self.text(l, r), flavor, &mut text);
        self.judge_escapes(found, l, span(l, r));
        add_literal(&mut parts.it, text);
        parts
    }

    /// `debug` holds where the text of `{text=}` begins and where its `=` ends.
    pub fn field(
        &mut self,
        whole: (u32, u32),
        mut parts: Deep<Vec<FPart>>,
        value: Deep<Expr>,
        debug: Option<(u32, u32)>,
        conversion: Option<Span>,
        spec: Option<Deep<Vec<FPart>>>,
    ) -> Deep<Vec<FPart>> {
        self.refuse_starred(&value.it);
        let at = span(whole.0, whole.1);
        if let Some((from, to)) = debug {
            let text = format!("{}{}", self.text(from, to), blanks(&self.source[to as usize..]));
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            add_literal(&mut parts.it, text.into_bytes());
        }
        let mut conversion = conversion.and_then(|c| self.conversion(c));
        if debug.is_some() && conversion.is_none() && spec.is_none() {
            conversion = Some('r');
        }
        let depth = value.depth.max(depth_of(&spec)) + 1;
        if self.too_deep(depth, at) {
            return parts;
        }
        let field = FPart::Field { span: at, value: value.boxed(), conversion, spec: spec.map(|s| s.it) };
        parts.push(Deep::new(field, depth))
    }

    fn conversion(&mut self, at: Span) -> Option<char> {
        let text = self.text(at.start + 1, at.end);
        let name = text.trim_start();
        if name.len() < text.len() {
            // The spelling is CPython's.
            let message = "f-string: conversion type must come right after the exclamanation mark";
            self.error(code::FSTRING, span(at.start, at.end), message);
            return None;
        }
        if matches!(name, "s" | "r" | "a") {
            return name.chars().next();
        }
        let message = format!("f-string: invalid conversion character '{name}': expected 's', 'r', or 'a'");
        self.error(code::FSTRING, span(at.start + 1, at.end), message);
        None
    }
}

/// The white space at the start of `rest`, without the comments in it.
fn blanks(mut rest: &str) -> String {
    let mut blanks = String::new();
    loop {
        let after = rest.trim_start();
        blanks.push_str(&rest[..rest.len() - after.len()]);
        if !after.starts_with('#') {
            return blanks;
        }
        rest = after.find(['\n', '\r']).map_or("", |i| &after[i..]);
    }
}

impl Strings {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(FPart::Literal(std::mem::take(&mut self.text).into()));
        }
    }
}

fn add_literal(parts: &mut Vec<FPart>, text: Vec<u8>) {
    match parts.last_mut() {
        Some(FPart::Literal(before)) => {
            let mut joined = std::mem::take(before).into_vec();
            joined.extend_from_slice(&text);
            *before = joined.into();
        }
        _ if text.is_empty() => {}
        _ => parts.push(FPart::Literal(text.into())),
    }
}
