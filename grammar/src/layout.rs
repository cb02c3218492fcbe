//! Logical lines: tokens grouped between NEWLINEs, with their indentation level.
//!
//! The nest is a stack of everything open: brackets, f-strings, and their replacement fields and format specs.
//! Its top decides how the next characters are read: as tokens, or as the text of an f-string.

use crate::ast::Span;
use crate::diagnostic::{Diagnostic, code, line_column};
use crate::fstring;
use crate::token::{LexError, Spanned, Tok};
use logos::{Lexer, Logos};

/// CPython's limits.
const MAX_BRACKETS: usize = 200;

/// A field in the spec of a field in a spec has no spec of its own.
const MAX_SPECS: usize = 2;
const MAX_FSTRINGS: usize = 150;
const MAX_INDENTS: usize = 100;

/// Something open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// A bracket, by its opening token.
    Bracket(Tok),
    FString {
        quote: u8,
        triple: bool,
        raw: bool,
    },
    /// The expression part of a replacement field.
    Field,
    /// The format spec of a replacement field.
    Spec,
}

/// A logical line. Its buffers are reused from line to line.
#[derive(Debug, Default)]
pub struct Line {
    pub tokens: Vec<Spanned>,
    /// How many blocks enclose the line.
    pub level: usize,
    /// What the layer itself found wrong; the tokens hold [`Tok::Error`] where it happened.
    pub error: Option<Diagnostic>,
    /// An indentation error, found before any token of the line.
    pub indent_error: Option<Diagnostic>,
    /// A bracket (or field) that was still open when the line ended.
    pub unclosed: Option<(char, u32)>,
    /// Where the line ends: the place of its NEWLINE.
    pub end: u32,
    /// The line was cut short by the end of the source inside a bracket, a string or after a backslash.
    pub incomplete: bool,
}

impl Line {
    pub fn first(&self) -> Tok {
        self.tokens.first().map_or(Tok::Newline, |t| t.1)
    }

    pub fn start(&self) -> u32 {
        self.tokens.first().map_or(self.end, |t| t.0)
    }
}

pub struct Layout<'s> {
    source: &'s str,
    lexer: Lexer<'s, Tok>,
    nest: Vec<(Open, u32)>,
    /// Columns of the open blocks, with tabs to multiples of 8 and with tabs as 1.
    indents: Vec<(u32, u32)>,
    fstrings: usize,
}

impl<'s> Layout<'s> {
    pub fn new(source: &'s str) -> Layout<'s> {
        Layout { source, lexer: Tok::lexer(source), nest: Vec::new(), indents: vec![(0, 0)], fstrings: 0 }
    }

    fn at(&self) -> usize {
        self.lexer.span().end
    }

    /// Fills `line` with the next logical line; false at the end of the source.
    pub fn read(&mut self, line: &mut Line) -> bool {
        line.tokens.clear();
        (line.error, line.indent_error, line.unclosed, line.incomplete) = (None, None, None, false);
        if !self.indentation(line) {
            line.end = self.source.len() as u32;
            line.level = 0;
            return false;
        }
        self.tokens(line);
        self.nest.clear();
        self.fstrings = 0;
        true
    }

    /// Skips blank lines, then measures the indentation. False at the end of the source.
    fn indentation(&mut self, line: &mut Line) -> bool {
        let bytes = self.source.as_bytes();
        let mut at = self.at();
        loop {
            let (mut column, mut alternate) = (0u32, 0u32);
            let mut continued = None;
            let start = at;
            loop {
                match bytes.get(at) {
                    Some(b' ') => (column, alternate) = (column + 1, alternate + 1),
                    Some(b'\t') => (column, alternate) = ((column / 8 + 1) * 8, alternate + 1),
                    Some(b'\x0C') => (column, alternate) = (0, 0),
                    Some(b'\\') if matches!(bytes.get(at + 1), Some(b'\n' | b'\r')) => {
                        // Of an indentation spread over continued lines the first part that is not empty counts.
                        continued = continued.or((column > 0).then_some((column, alternate)));
                        at += if bytes[at + 1..].starts_with(b"\r\n") { 2 } else { 1 };
                    }
                    _ => break,
                }
                at += 1;
            }
            match bytes.get(at) {
                Some(b'#') => at += memchr::memchr2(b'\n', b'\r', &bytes[at..]).unwrap_or(bytes.len() - at),
                Some(b'\n' | b'\r') => at += 1,
                found => {
                    self.lexer.bump(at - self.at());
                    if found.is_none() {
                        return false;
                    }
                    (column, alternate) = continued.unwrap_or((column, alternate));
                    line.indent_error = self.indent(column, alternate, Span::new(start, at)).err();
                    line.level = self.indents.len() - 1;
                    return true;
                }
            }
        }
    }

    fn indent(&mut self, column: u32, alternate: u32, span: Span) -> Result<(), Diagnostic> {
        let (top, top_alternate) = self.indents[self.indents.len() - 1];
        if column > top {
            if self.indents.len() > MAX_INDENTS {
                let message = "too many levels of indentation";
                return Err(Diagnostic::indentation(code::DEPTH, span, message));
            }
            self.indents.push((column, alternate));
            return if alternate > top_alternate { Ok(()) } else { Err(Diagnostic::tab(span)) };
        }
        while self.indents.len() > 1 && self.indents[self.indents.len() - 1].0 > column {
            self.indents.pop();
        }
        let (top, top_alternate) = self.indents[self.indents.len() - 1];
        if top != column {
            let message = "unindent does not match any outer indentation level";
            // CPython marks the end of the line.
            let rest = &self.source.as_bytes()[span.end as usize..];
            let end = span.end + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()) as u32;
            let span = Span { start: end, end };
            return Err(Diagnostic::indentation(code::INDENT, span, message));
        }
        if top_alternate == alternate { Ok(()) } else { Err(Diagnostic::tab(span)) }
    }

    fn tokens(&mut self, line: &mut Line) {
        loop {
            if matches!(self.nest.last(), Some((Open::FString { .. } | Open::Spec, _))) {
                if !self.fstring_text(line) {
                    return;
                }
                continue;
            }
            match self.lexer.next() {
                Some(Ok(Tok::Newline)) => {
                    if self.nest.is_empty() {
                        line.end = self.lexer.span().start as u32;
                        return;
                    }
                    if self.statement_follows() {
                        self.cut(line, self.lexer.span().start as u32);
                        return;
                    }
                }
                Some(Ok(token)) => self.token(line, token),
                Some(Err(error)) => {
                    if !self.lex_error(line, error) {
                        return;
                    }
                }
                None => {
                    line.incomplete = !self.nest.is_empty() || self.ends_in_backslash(line);
                    self.cut(line, self.source.len() as u32);
                    return;
                }
            }
        }
    }

    /// Is a backslash all that follows the last token?
    fn ends_in_backslash(&self, line: &Line) -> bool {
        let last = line.tokens.last().map_or(0, |t| t.2 as usize);
        self.source[last..].trim() == "\\"
    }

    /// Ends the line with whatever is still open.
    fn cut(&mut self, line: &mut Line, end: u32) {
        line.end = end;
        line.unclosed = self.nest.last().map(|&(open, at)| (open.char(), at));
        if matches!(self.nest.last(), Some((Open::FString { .. }, _))) {
            line.unclosed = None;
        }
    }

    /// Inside a bracket: does the next line begin with a keyword that no expression contains? Then the bracket was
    /// never closed, and stopping here spares the rest of the file.
    fn statement_follows(&self) -> bool {
        let rest = self.source[self.at()..].trim_start_matches([' ', '\t', '\x0C']);
        if !rest.starts_with(|c: char| c.is_ascii_lowercase()) {
            return false;
        }
        let word = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())];
        const STATEMENTS: &[&str] = &[
            "assert", "break", "class", "continue", "def", "del", "elif", "except", "finally", "global", "import",
            "nonlocal", "pass", "raise", "return", "try", "while", "with",
        ];
        word.len() <= 8
            && STATEMENTS.contains(&word)
            && !self.nest.iter().any(|(o, _)| matches!(o, Open::FString { .. }))
    }

    fn token(&mut self, line: &mut Line, token: Tok) {
        let span = self.lexer.span();
        let (start, end) = (span.start as u32, span.end as u32);
        match token {
            Tok::LParen | Tok::LSquare | Tok::LBrace => {
                if self.nest.len() >= MAX_BRACKETS {
                    return self.fail(line, code::DEPTH, start, end, "too many nested parentheses");
                }
                self.nest.push((Open::Bracket(token), start));
            }
            Tok::RParen | Tok::RSquare | Tok::RBrace => return self.close(line, token, start, end),
            Tok::FStart => return self.open_fstring(line, start, end),
            Tok::Colon | Tok::Walrus if matches!(self.nest.last(), Some((Open::Field, _))) => {
                if self.specs() >= MAX_SPECS {
                    return self.fail(line, code::FSTRING, start, start + 1, "f-string: expressions nested too deeply");
                }
                // `:=` here is a format spec that begins with `=`.
                if token == Tok::Walrus {
                    self.restart(start as usize + 1);
                }
                let at = self.nest.len() - 1;
                self.nest[at].0 = Open::Spec;
                line.tokens.push((start, Tok::FColon, start + 1));
                return;
            }
            _ => {}
        }
        line.tokens.push((start, token, end));
    }

    /// How many format specs of the innermost f-string are open.
    fn specs(&self) -> usize {
        let inside = self.nest.iter().rev().take_while(|(open, _)| !matches!(open, Open::FString { .. }));
        inside.filter(|(open, _)| matches!(open, Open::Spec)).count()
    }

    /// Moves the lexer to an absolute offset.
    fn restart(&mut self, offset: usize) {
        self.lexer = Tok::lexer(self.source);
        self.lexer.bump(offset);
    }

    fn close(&mut self, line: &mut Line, token: Tok, start: u32, end: u32) {
        let text = &self.source[start as usize..end as usize];
        match self.nest.last() {
            Some((open, _)) if open.closed_by(token) => {
                self.nest.pop();
                line.tokens.push((start, token, end));
            }
            Some(&(Open::Field, _)) => {
                self.fail(line, code::BRACKET, start, end, format!("f-string: unmatched '{text}'"))
            }
            Some(&(open, at)) => {
                let line_of = |offset| line_column(self.source, offset).0;
                let place = if line.error.is_none() && line_of(at) != line_of(start) {
                    format!(" on line {}", line_of(at))
                } else {
                    String::new()
                };
                let opening = open.char();
                let message =
                    format!("closing parenthesis '{text}' does not match opening parenthesis '{opening}'{place}");
                self.nest.pop();
                self.fail(line, code::BRACKET, start, end, message);
            }
            None => self.fail(line, code::BRACKET, start, end, format!("unmatched '{text}'")),
        }
    }

    fn open_fstring(&mut self, line: &mut Line, start: u32, end: u32) {
        if self.fstrings >= MAX_FSTRINGS {
            return self.fail(line, code::DEPTH, start, end, "too many nested f-strings");
        }
        let text = &self.source.as_bytes()[start as usize..end as usize];
        let raw = text.iter().any(|b| matches!(b, b'r' | b'R'));
        let open = Open::FString { quote: text[text.len() - 1], triple: text.len() > 3, raw };
        self.nest.push((open, start));
        self.fstrings += 1;
        line.tokens.push((start, Tok::FStart, end));
    }

    /// Reads text of the innermost f-string, up to and with the `{`, `}` or quote that ends it. False: the line is over.
    fn fstring_text(&mut self, line: &mut Line) -> bool {
        let spec = matches!(self.nest.last(), Some((Open::Spec, _)));
        let Some(&(Open::FString { quote, triple, raw }, start)) =
            self.nest.iter().rev().find(|(open, _)| matches!(open, Open::FString { .. }))
        else {
            return false;
        };
        let from = self.at();
        let text = fstring::scan_text(self.source, from, quote, triple, raw, spec);
        self.lexer.bump(text.end - from);
        if text.end > from {
            let token = if raw { Tok::FMiddleRaw } else { Tok::FMiddle };
            line.tokens.push((from as u32, token, text.end as u32));
        }
        let at = text.end as u32;
        match text.stop {
            fstring::Stop::Open => self.open_field(line, at),
            fstring::Stop::Close if spec => {
                self.lexer.bump(1);
                self.nest.pop();
                line.tokens.push((at, Tok::RBrace, at + 1));
            }
            fstring::Stop::Close => {
                self.lexer.bump(1);
                self.fail(line, code::FSTRING, at, at + 1, "f-string: single '}' is not allowed");
            }
            fstring::Stop::Line => {
                // A format spec ends with its line; after it only the closing brace may follow.
                let top = self.nest.len() - 1;
                self.nest[top].0 = Open::Field;
            }
            fstring::Stop::Quote if spec => return self.stop_in_spec(line, at),
            fstring::Stop::Quote => {
                let length = if triple { 3 } else { 1 };
                self.lexer.bump(length);
                self.nest.pop();
                self.fstrings -= 1;
                line.tokens.push((at, Tok::FEnd, at + length as u32));
            }
            fstring::Stop::End => {
                line.incomplete = triple && text.end == self.source.len();
                let error = crate::scan::unterminated(self.source, start as usize, text.end, triple, "f-");
                self.report(line, error.0.map(|d| *d), start);
                self.nest.clear();
                line.end = at;
                return false;
            }
        }
        true
    }

    /// The string ends inside a format spec: the field's brace is missing. Reads on after the quote.
    fn stop_in_spec(&mut self, line: &mut Line, at: u32) -> bool {
        self.fail(line, code::FSTRING, at, at + 1, "f-string: expecting '}', or format specs");
        while let Some((open, _)) = self.nest.pop() {
            if matches!(open, Open::FString { .. }) {
                self.fstrings -= 1;
                break;
            }
        }
        self.lexer.bump(1);
        true
    }

    fn open_field(&mut self, line: &mut Line, at: u32) {
        self.lexer.bump(1);
        if self.nest.len() >= MAX_BRACKETS {
            return self.fail(line, code::DEPTH, at, at + 1, "too many nested parentheses");
        }
        self.nest.push((Open::Field, at));
        line.tokens.push((at, Tok::LBrace, at + 1));
    }

    /// Keeps the first error of the line and marks its place among the tokens.
    fn fail(&mut self, line: &mut Line, code: &'static str, start: u32, end: u32, message: impl Into<String>) {
        let diagnostic = Diagnostic::new(code, Span { start, end }, message);
        self.report(line, Some(diagnostic), start);
    }

    fn report(&mut self, line: &mut Line, diagnostic: Option<Diagnostic>, at: u32) {
        if line.error.is_none() {
            line.error = diagnostic;
            line.tokens.push((at, Tok::Error, at));
        }
    }

    /// False: the error swallowed the rest of the line.
    fn lex_error(&mut self, line: &mut Line, error: LexError) -> bool {
        let span = self.lexer.span();
        let text = &self.source[span.start..span.end];
        let Some(diagnostic) = error.0 else {
            return self.bad_character(line, span.start, text);
        };
        if diagnostic.code != code::STRING {
            self.report(line, Some(*diagnostic), span.start as u32);
            return true;
        }
        let body = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let triple = body.starts_with("'''") || body.starts_with("\"\"\"");
        if let Some(closed) = self.closes_enclosing(body.as_bytes().first().copied(), triple) {
            let at = span.start as u32;
            self.fail(line, code::FSTRING, at, at + 1, closed);
        } else {
            self.report(line, Some(*diagnostic), span.start as u32);
        }
        line.incomplete = triple || (span.end == self.source.len() && text.ends_with('\\'));
        line.end = span.end as u32;
        if self.source[span.end..].is_empty() {
            self.nest.clear();
            return false;
        }
        // The newline that broke the string ends the line whatever was open.
        self.nest.clear();
        true
    }

    /// An unterminated string whose quote is that of the f-string around it: the field was not closed.
    fn closes_enclosing(&self, quote: Option<u8>, triple: bool) -> Option<&'static str> {
        let enclosing = self.nest.iter().rev().find(|(open, _)| matches!(open, Open::FString { .. }))?.0;
        match enclosing {
            Open::FString { quote: q, triple: t, .. } if Some(q) == quote && t == triple => {
                Some("f-string: expecting '}'")
            }
            _ => None,
        }
    }

    fn bad_character(&mut self, line: &mut Line, start: usize, text: &str) -> bool {
        let at = start as u32;
        if text.starts_with('\\') {
            let after = at + 1;
            if self.source[after as usize..].is_empty() {
                line.incomplete = true;
                self.fail(line, code::CHARACTER, after, after, "unexpected EOF while parsing");
            } else {
                let message = "unexpected character after line continuation character";
                self.fail(line, code::CHARACTER, after, after + 1, message);
            }
            return true;
        }
        let message = match text.chars().next() {
            Some(c) if !c.is_ascii() || c.is_control() => crate::scan::invalid_character(c),
            _ => "invalid syntax".into(),
        };
        let end = at + text.len() as u32;
        self.fail(line, code::CHARACTER, at, end, message);
        true
    }
}

impl Open {
    fn closed_by(self, token: Tok) -> bool {
        match self {
            Open::Bracket(Tok::LParen) => token == Tok::RParen,
            Open::Bracket(Tok::LSquare) => token == Tok::RSquare,
            Open::Bracket(Tok::LBrace) | Open::Field | Open::Spec => token == Tok::RBrace,
            _ => false,
        }
    }

    fn char(self) -> char {
        match self {
            Open::Bracket(Tok::LParen) => '(',
            Open::Bracket(Tok::LSquare) => '[',
            _ => '{',
        }
    }
}
