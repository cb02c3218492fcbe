//! Scanners that finish what logos begins: names beyond ASCII, numbers and string literals.

use crate::ast::Span;
use crate::diagnostic::{Diagnostic, code, line_column};
use crate::ident;
use crate::token::{LexError, Tok};
use logos::Lexer;
use memchr::{memchr2, memchr3};

type Scan<'s> = Lexer<'s, Tok>;

fn fail(code: &'static str, start: usize, end: usize, message: impl Into<String>) -> LexError {
    LexError(Some(Box::new(Diagnostic::new(code, Span::new(start, end), message))))
}

/// Checks the characters beyond ASCII that the token's pattern lets through.
pub fn name(lex: &mut Scan) -> Result<(), LexError> {
    let text = lex.slice();
    if text.is_ascii() || ident::is_identifier(text) {
        return Ok(());
    }
    let first = |(i, c): &(usize, char)| if *i == 0 { !ident::is_start(*c) } else { !ident::is_continue(*c) };
    let (at, bad) = text.char_indices().find(first).unwrap_or((0, '\u{FFFD}'));
    let at = lex.span().start + at;
    Err(fail(code::CHARACTER, at, at + bad.len_utf8(), invalid_character(bad)))
}

pub fn invalid_character(c: char) -> String {
    let number = format!("U+{:04X}", c as u32);
    if is_printable(c) {
        format!("invalid character '{c}' ({number})")
    } else {
        format!("invalid non-printable character {number}")
    }
}

/// `str.isprintable` for one character, but for unassigned ones.
pub fn is_printable(c: char) -> bool {
    c == ' ' || !(c.is_control() || c.is_whitespace() || is_format(c))
}

/// Format characters (category Cf) that turn up in pasted text.
fn is_format(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Finishes a number of which logos has matched the first digit (with the point before it, if any).
pub fn number(lex: &mut Scan) -> Result<(), LexError> {
    let start = lex.span().start;
    let text = &lex.source()[start..];
    let mut scan = Number { text: text.as_bytes(), at: 0 };
    let result = scan.number();
    let length = scan.at;
    let end = start + length.max(1);
    if end > lex.span().end {
        // A failed number may stop in front of a character beyond ASCII, never inside one.
        lex.bump(end - lex.span().end);
    }
    result.map_err(|(from, to, message)| fail(code::NUMBER, start + from, start + to, message))
}

type NumberError = (usize, usize, String);

struct Number<'s> {
    text: &'s [u8],
    at: usize,
}

impl Number<'_> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn number(&mut self) -> Result<(), NumberError> {
        if self.peek() == b'0' {
            let radix = match self.text.get(1) {
                Some(b'x' | b'X') => Some((16, "hexadecimal")),
                Some(b'o' | b'O') => Some((8, "octal")),
                Some(b'b' | b'B') => Some((2, "binary")),
                _ => None,
            };
            if let Some((radix, kind)) = radix {
                self.at = 2;
                return self.radix(radix, kind);
            }
        }
        self.decimal()
    }

    fn radix(&mut self, radix: u32, kind: &str) -> Result<(), NumberError> {
        loop {
            if self.peek() == b'_' {
                self.at += 1;
            }
            if !char::from(self.peek()).is_digit(radix) {
                if self.peek().is_ascii_digit() {
                    return Err(self.bad_digit(kind));
                }
                return Err(self.invalid(kind));
            }
            while char::from(self.peek()).is_digit(radix) {
                self.at += 1;
            }
            if self.peek() != b'_' {
                break;
            }
        }
        if self.peek().is_ascii_digit() {
            return Err(self.bad_digit(kind));
        }
        self.end(kind)
    }

    fn bad_digit(&self, kind: &str) -> NumberError {
        (self.at, self.at + 1, format!("invalid digit '{}' in {kind} literal", char::from(self.peek())))
    }

    /// The error sits on the last character taken, as CPython puts it.
    fn invalid(&self, kind: &str) -> NumberError {
        (self.at.max(1) - 1, self.at.max(1), format!("invalid {kind} literal"))
    }

    fn digits(&mut self) -> Result<(), NumberError> {
        loop {
            while self.peek().is_ascii_digit() {
                self.at += 1;
            }
            if self.peek() != b'_' {
                return Ok(());
            }
            self.at += 1;
            if !self.peek().is_ascii_digit() {
                return Err(self.invalid("decimal"));
            }
        }
    }

    fn decimal(&mut self) -> Result<(), NumberError> {
        self.digits()?;
        let whole = self.at;
        if self.peek() == b'.' {
            self.at += 1;
            if self.peek().is_ascii_digit() {
                self.digits()?;
            }
        }
        if matches!(self.peek(), b'e' | b'E') {
            let before = self.at;
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
                if !self.peek().is_ascii_digit() {
                    return Err(self.invalid("decimal"));
                }
            }
            if self.peek().is_ascii_digit() {
                self.digits()?;
            } else {
                self.at = before;
                return self.end("decimal");
            }
        }
        if matches!(self.peek(), b'j' | b'J') {
            self.at += 1;
            return self.end("imaginary");
        }
        if self.at == whole && self.text[0] == b'0' && self.text[..whole].iter().any(|b| (b'1'..=b'9').contains(b)) {
            return Err(self.leading_zeros(whole));
        }
        self.end("decimal")
    }

    fn leading_zeros(&self, whole: usize) -> NumberError {
        let message =
            "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers";
        let zeros = self.text[..whole].iter().take_while(|b| matches!(b, b'0' | b'_')).count();
        (0, zeros, message.into())
    }

    /// No identifier may follow at once, except a keyword that can: `1if x else y`.
    fn end(&mut self, kind: &str) -> Result<(), NumberError> {
        let rest = &self.text[self.at..];
        let keyword = [&b"and"[..], b"else", b"for", b"if", b"in", b"is", b"not", b"or"];
        let follows = rest.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80);
        if !follows || keyword.iter().any(|k| rest.starts_with(k)) { Ok(()) } else { Err(self.invalid(kind)) }
    }
}

/// Finishes a string literal (not an f-string) of which logos has matched prefix and first quote.
pub fn string(lex: &mut Scan) -> Result<(), LexError> {
    let span = lex.span();
    let source = lex.source().as_bytes();
    let quote = source[span.end - 1];
    let triple = source[span.end..].starts_with(&[quote, quote]);
    let body = if triple { span.end + 2 } else { span.end };
    match end_of_string(source, body, quote, triple) {
        Ok(end) => {
            lex.bump(end - span.end);
            Ok(())
        }
        Err(stop) => {
            lex.bump(stop - span.end);
            let error = unterminated(lex.source(), span.start, stop, triple, "");
            Err(if triple { error } else { escaped_quote(error, &lex.source()[body..stop], quote) })
        }
    }
}

/// The offset after the closing quote, or where the search ended.
fn end_of_string(source: &[u8], body: usize, quote: u8, triple: bool) -> Result<usize, usize> {
    let mut at = body;
    loop {
        let rest = &source[at..];
        let found = if triple { memchr2(quote, b'\\', rest) } else { memchr3(quote, b'\\', b'\n', rest) };
        let cr = if triple { None } else { memchr::memchr(b'\r', &rest[..found.unwrap_or(rest.len())]) };
        let Some(i) = cr.or(found) else { return Err(source.len()) };
        at += i;
        match source[at] {
            b'\\' => at = after_escaped(source, at),
            b'\n' | b'\r' => return Err(at),
            _ if !triple => return Ok(at + 1),
            _ if source[at..].starts_with(&[quote; 3]) => return Ok(at + 3),
            _ => at += 1,
        }
    }
}

/// The offset after a backslash and the character it escapes; `\r\n` counts as one.
pub fn after_escaped(source: &[u8], backslash: usize) -> usize {
    let next = backslash + 1;
    match source.get(next) {
        None => source.len(),
        Some(b'\r') if source.get(next + 1) == Some(&b'\n') => next + 2,
        // Inside a longer character this stops after its first byte, where no quote can begin.
        Some(&b) if b < 0x80 => next + 1,
        Some(_) => (next + 1..source.len()).find(|&i| source[i] & 0xC0 != 0x80).unwrap_or(source.len()),
    }
}

/// `prefix` is "f-" for f-strings.
pub fn unterminated(source: &str, start: usize, stop: usize, triple: bool, prefix: &str) -> LexError {
    let kind = if triple { "triple-quoted " } else { "" };
    let detected = source[..stop].trim_end_matches(['\n', '\r']).len().max(start);
    let (line, _) = line_column(source, if triple { detected } else { stop } as u32);
    let message = format!("unterminated {kind}{prefix}string literal (detected at line {line})");
    let LexError(diagnostic) = fail(code::STRING, start, stop, message);
    let help =
        if triple { "close it with three quotes" } else { "close it before the end of the line, or use triple quotes" };
    LexError(diagnostic.map(|d| Box::new(d.with_help(help))))
}

/// CPython's afterthought to an unterminated string with a quote after a backslash.
fn escaped_quote(error: LexError, text: &str, quote: u8) -> LexError {
    let (escaped, plain) = (['\\', char::from(quote)], r"\\");
    let escaped: String = escaped.iter().collect();
    if !text.replace(plain, "").contains(&escaped) {
        return error;
    }
    LexError(error.0.map(|mut d| {
        d.message.push_str("; perhaps you escaped the end quote?");
        d
    }))
}
