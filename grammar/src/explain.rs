//! From the place where the parser stopped to a message that helps: CPython's text where it has one.

use crate::ast::Span;
use crate::diagnostic::{Diagnostic, code, line_column};
use crate::layout::Line;
use crate::token::{Spanned, Tok};
use lalrpop_util::ParseError;

/// The tokens of a line around the one the parser could not take.
struct Failure<'a> {
    source: &'a str,
    line: &'a Line,
    tokens: &'a [Spanned],
    /// Index of the token; the number of tokens if the line ended too early.
    at: usize,
    expected: Vec<String>,
}

/// What opens the surroundings of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    Bracket,
    Field,
    FString,
}

pub fn failure(source: &str, line: &Line, error: ParseError<u32, Tok, ()>) -> Diagnostic {
    let (offset, expected) = match error {
        ParseError::UnrecognizedToken { token, expected } => (Some(token.0), expected),
        ParseError::UnrecognizedEof { expected, .. } => (None, expected),
        ParseError::InvalidToken { location } => (Some(location), Vec::new()),
        ParseError::ExtraToken { token } => (Some(token.0), Vec::new()),
        ParseError::User { .. } => (None, Vec::new()),
    };
    let tokens = &line.tokens[..];
    let at = offset.map_or(tokens.len(), |o| tokens.partition_point(|t| t.0 < o));
    Failure { source, line, tokens, at, expected }.explain()
}

/// Is the finding the lexer's?
pub fn is_lexical(line: &Line, diagnostic: &Diagnostic) -> bool {
    line.error.as_ref() == Some(diagnostic)
}

/// Do the tokens look like the header of a compound statement?
pub fn is_header(tokens: &[Spanned]) -> bool {
    use Tok::*;
    let first = |i: usize| tokens.get(i).map_or(Newline, |t| t.1);
    let token = if first(0) == Async { first(1) } else { first(0) };
    matches!(
        token,
        If | Elif | Else | While | For | With | WithParen | Try | Except | Finally | Def | Class | Match | Case
    )
}

/// `except*` with its star, or `except`.
pub fn except_head(source: &str, except: Span) -> Span {
    let rest = &source[except.end as usize..];
    match rest.find('*') {
        Some(i) if rest[..i].trim().is_empty() => Span { start: except.start, end: except.end + i as u32 + 1 },
        _ => except,
    }
}

impl Failure<'_> {
    fn explain(&self) -> Diagnostic {
        if self.token() == Tok::Error
            && let Some(error) = &self.line.error
        {
            return error.clone();
        }
        let specific = self.specific();
        if let Some(unclosed) = self.unclosed() {
            return unclosed;
        }
        match (specific, &self.line.error) {
            (Some(found), _) => found,
            // A generic complaint yields to what the lexer has against the rest of the line.
            (None, Some(error)) => error.clone(),
            (None, None) => self.generic(),
        }
    }

    fn token(&self) -> Tok {
        self.tokens.get(self.at).map_or(Tok::Newline, |t| t.1)
    }

    fn before(&self, back: usize) -> Tok {
        self.at.checked_sub(back).map_or(Tok::Newline, |i| self.tokens[i].1)
    }

    fn span(&self) -> Span {
        match self.tokens.get(self.at) {
            Some(t) => Span { start: t.0, end: t.2 },
            None => Span { start: self.line.end, end: self.line.end + 1 },
        }
    }

    fn text(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |t| &self.source[t.0 as usize..t.2 as usize])
    }

    fn expects(&self, token: &str) -> bool {
        self.expected.iter().any(|e| e.trim_matches('"') == token)
    }

    /// From the start of token `first` to the end of token `last`.
    fn range(&self, first: usize, last: usize) -> Span {
        let end = self.tokens.get(last).map_or(self.line.end, |t| t.2);
        Span { start: self.tokens.get(first).map_or(self.line.end, |t| t.0), end }
    }

    fn generic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::invalid_syntax(self.span());
        let first = self.text(0);
        if matches!(first, "elseif" | "elsif" | "elif") && self.tokens[0].1 == Tok::Name {
            return Diagnostic { code: code::ELIF, ..diagnostic }.with_help("Python says 'elif'");
        }
        if self.token().is_keyword()
            && matches!(self.before(1), Tok::Def | Tok::Class | Tok::Dot | Tok::As | Tok::Import)
        {
            return diagnostic.with_help(format!("'{}' is a keyword and cannot be a name", self.text(self.at)));
        }
        match (self.before(1), self.token()) {
            (Tok::Bang, _) => diagnostic.with_help("Python negates with 'not'"),
            (_, Tok::Bang) => diagnostic.with_help("Python negates with 'not'; 'is not equal' is '!='"),
            (Tok::Amp, Tok::Amp) => diagnostic.with_help("Python says 'and'"),
            (Tok::Bar, Tok::Bar) => diagnostic.with_help("Python says 'or'"),
            (Tok::Plus, Tok::Newline) if self.before(2) == Tok::Plus => {
                diagnostic.with_help("Python has no '++': use '+= 1'")
            }
            (Tok::Name, Tok::LBrace) => diagnostic.with_help("Python's blocks begin with ':' and are indented"),
            (_, Tok::Walrus) => diagnostic.with_help("':=' needs parentheses here"),
            _ => diagnostic,
        }
    }

    /// The bracket that was still open when the parser gave up on a later line, or at the end.
    fn unclosed(&self) -> Option<Diagnostic> {
        let (bracket, at) = self.line.unclosed?;
        let line_of = |offset| line_column(self.source, offset).0;
        if self.at < self.tokens.len() && line_of(self.span().start) <= line_of(at) {
            return None;
        }
        let span = Span { start: at, end: at + 1 };
        Some(Diagnostic::new(code::BRACKET, span, format!("'{bracket}' was never closed")))
    }

    fn specific(&self) -> Option<Diagnostic> {
        let around = self.around();
        let (around, open) = (around.0, around.1);
        self.legacy_statement()
            .or_else(|| self.missing_else())
            .or_else(|| self.lambda_target())
            .or_else(|| self.missing_default())
            .or_else(|| if around == Around::Bracket { self.half_pair(open) } else { None })
            .or_else(|| if around == Around::Nothing { None } else { self.missing_comma(open) })
            .or_else(|| if around == Around::Field { self.in_field(open) } else { None })
            .or_else(|| self.equals(around))
            .or_else(|| self.not_operand())
            .or_else(|| if around == Around::Bracket { self.in_bracket(open) } else { self.header() })
            .or_else(|| self.parenthesized_parameter())
    }

    /// What encloses the failing token, and the index of the token that opens it.
    fn around(&self) -> (Around, usize) {
        let mut open: Vec<(Around, usize)> = Vec::new();
        for (i, token) in self.tokens[..self.at].iter().enumerate() {
            match token.1 {
                Tok::FStart => open.push((Around::FString, i)),
                Tok::LBrace if matches!(open.last(), Some((Around::FString, _))) => open.push((Around::Field, i)),
                Tok::LParen | Tok::LSquare | Tok::LBrace => open.push((Around::Bracket, i)),
                // A format spec is text again.
                Tok::FColon => open.push((Around::FString, i)),
                Tok::RBrace if matches!(open.last(), Some((Around::FString, _))) => {
                    open.pop();
                    open.pop();
                }
                t if t.closes() => {
                    open.pop();
                }
                _ => {}
            }
        }
        open.last().copied().unwrap_or((Around::Nothing, 0))
    }

    /// `print "x"`
    fn legacy_statement(&self) -> Option<Diagnostic> {
        let name = self.at.checked_sub(1).map(|i| self.text(i))?;
        if !matches!(name, "print" | "exec") || self.before(1) != Tok::Name || !self.token().starts_expression() {
            return None;
        }
        let last = self.end_of_statement();
        let message = format!("Missing parentheses in call to '{name}'. Did you mean {name}(...)?");
        Some(Diagnostic::new(code::PRINT, self.range(self.at - 1, last), message))
    }

    /// The last token before the `;`, or of the line.
    fn end_of_statement(&self) -> usize {
        let end = self.tokens[self.at..].iter().position(|t| matches!(t.1, Tok::Semi | Tok::Error));
        end.map_or(self.tokens.len(), |n| self.at + n) - 1
    }

    /// `lambda: x := 1`, where the lambda would be what is assigned to.
    fn lambda_target(&self) -> Option<Diagnostic> {
        if self.token() != Tok::Walrus {
            return None;
        }
        let mut depth = 0usize;
        for i in (0..self.at).rev() {
            match self.tokens[i].1 {
                t if t.closes() => depth += 1,
                t if t.opens() && depth == 0 => return None,
                t if t.opens() => depth -= 1,
                Tok::Lambda if depth == 0 => {
                    let message = "cannot use assignment expressions with lambda";
                    return Some(Diagnostic::new(code::TARGET, self.range(i, self.at - 1), message));
                }
                _ => {}
            }
        }
        None
    }

    /// `def f(a=): ...`
    fn missing_default(&self) -> Option<Diagnostic> {
        let def = self.tokens.iter().find(|t| t.1 != Tok::Async)?.1 == Tok::Def;
        let missing = def
            && self.before(1) == Tok::Assign
            && self.before(2) == Tok::Name
            && matches!(self.token(), Tok::RParen | Tok::Comma)
            && self.parameters(self.around().1);
        missing.then(|| {
            let message = "expected default value expression";
            Diagnostic::new(code::PARAMETER, self.range(self.at - 1, self.at - 1), message)
        })
    }

    /// `a if b` without `else`
    fn missing_else(&self) -> Option<Diagnostic> {
        if !self.expects("else") || self.token() == Tok::Colon {
            return None;
        }
        let (mut depth, mut i) = (0, self.at);
        while i > 0 {
            i -= 1;
            match self.tokens[i].1 {
                t if t.closes() => depth += 1,
                t if t.opens() => depth -= 1,
                Tok::If if depth == 0 => {
                    let first = self.start_of_disjunction(i);
                    let span = self.range(first, self.at - 1);
                    return Some(Diagnostic::new(code::SYNTAX, span, "expected 'else' after 'if' expression"));
                }
                _ => {}
            }
        }
        None
    }

    /// Two expressions side by side inside brackets.
    fn missing_comma(&self, open: usize) -> Option<Diagnostic> {
        let (before, token) = (self.before(1), self.token());
        let keyword_like = before == Tok::Name && matches!(self.text(self.at - 1), "match" | "case" | "type" | "_");
        let prefixed = before == Tok::Name && (matches!(token, Tok::Str | Tok::FStart) || self.before(2) == Tok::Bang);
        if !before.ends_expression() || !token.starts_expression() || keyword_like || prefixed || token == Tok::Not {
            return None;
        }
        let first = self.start_of_disjunction(self.at);
        let boundary = first.checked_sub(1).map_or(Tok::Newline, |i| self.tokens[i].1);
        let annotated = matches!(boundary, Tok::Colon | Tok::Assign);
        if matches!(boundary, Tok::For | Tok::Else) || (self.parameters(open) && !annotated) {
            return None;
        }
        let last = self.end_of_expression(self.at, false);
        let message = "invalid syntax. Perhaps you forgot a comma?";
        Some(Diagnostic::new(code::COMMA, self.range(first, last), message))
    }

    /// Does the bracket open the parameters of a `def`, type parameters, or a list of imported names?
    fn parameters(&self, open: usize) -> bool {
        let first = if self.tokens[0].1 == Tok::Async { 1 } else { 0 };
        match self.tokens[first].1 {
            Tok::Def => open <= first + 2 || self.tokens[first + 2..open].iter().all(|t| t.1 != Tok::RParen),
            Tok::From | Tok::Case => true,
            Tok::Class | Tok::Type => self.tokens[open].1 == Tok::LSquare && open == first + 2,
            _ => false,
        }
    }

    /// Index of the first token of the disjunction that ends before token `end`.
    fn start_of_disjunction(&self, end: usize) -> usize {
        let (mut depth, mut i) = (0usize, end);
        while i > 0 {
            let token = self.tokens[i - 1].1;
            if token.closes() {
                depth += 1;
            } else if token.opens() {
                if depth == 0 {
                    break;
                }
                depth -= 1;
            } else if depth == 0 && ends_disjunction(token) {
                break;
            }
            i -= 1;
        }
        // A leading `*` unpacks; it is no part of the disjunction.
        while i < end && matches!(self.tokens[i].1, Tok::Star | Tok::DoubleStar) {
            i += 1;
        }
        i
    }

    /// Index of the last token of the expression that begins at token `start`.
    fn end_of_expression(&self, start: usize, commas: bool) -> usize {
        let (mut depth, mut i) = (0usize, start);
        while let Some(token) = self.tokens.get(i) {
            if token.1.opens() {
                depth += 1;
            } else if token.1.closes() {
                if depth == 0 {
                    break;
                }
                depth -= 1;
            } else if depth == 0
                && (ends_disjunction(token.1) || token.1 == Tok::Error)
                && !(commas && token.1 == Tok::Comma)
            {
                break;
            }
            i += 1;
            let next = self.tokens.get(i).map(|t| t.1);
            if depth == 0 && token.1.ends_expression() && next.is_some_and(|n| n.starts_with_operand()) {
                break;
            }
        }
        i.max(start + 1) - 1
    }

    /// Inside the expression part of a replacement field.
    fn in_field(&self, open: usize) -> Option<Diagnostic> {
        let fail = |message: String| Some(Diagnostic::new(code::FSTRING, self.span(), message));
        let token = self.token();
        let inside = &self.tokens[open..self.at];
        if open + 1 == self.at && matches!(token, Tok::RBrace | Tok::Assign | Tok::Bang | Tok::FColon) {
            return fail(format!("f-string: valid expression required before '{}'", self.text(self.at)));
        }
        if token == Tok::FColon
            && let Some(lambda) = inside.iter().rposition(|t| t.1 == Tok::Lambda)
        {
            let message = "f-string: lambda expressions are not allowed without parentheses";
            return Some(Diagnostic::new(code::FSTRING, self.range(open + lambda, self.at), message));
        }
        // No expression has begun to make sense.
        let started = |t: &Spanned| t.1.ends_expression() || t.1.opens();
        let bare_lambda = inside.get(1).is_some_and(|t| t.1 == Tok::Lambda) && token != Tok::FColon;
        if !inside[1..].iter().any(started) || bare_lambda {
            let at = if open + 1 == self.at { self.at } else { open + 1 };
            let message = "f-string: expecting a valid expression after '{'";
            return Some(Diagnostic::new(code::FSTRING, self.range(at, at), message));
        }
        if self.before(1) == Tok::Bang {
            return match token {
                Tok::RBrace | Tok::FColon => fail("f-string: missing conversion character".into()),
                _ => fail("f-string: invalid conversion character".into()),
            };
        }
        if self.before(1) == Tok::Assign {
            return fail("f-string: expecting '!', or ':', or '}'".into());
        }
        if self.before(2) == Tok::Bang {
            return fail("f-string: expecting ':' or '}'".into());
        }
        // The expression could have ended before the operator that now lacks its operand.
        let dangling = is_operator(self.before(1)) || loose_operator(self.before(1)) || self.before(1) == Tok::Dot;
        if token == Tok::RBrace && dangling && self.before(2).ends_expression() {
            let message = "f-string: expecting '=', or '!', or ':', or '}'";
            return Some(Diagnostic::new(code::FSTRING, self.range(self.at - 1, self.at - 1), message));
        }
        if self.before(1).ends_expression() && token != Tok::Walrus {
            return fail("f-string: expecting '=', or '!', or ':', or '}'".into());
        }
        None
    }

    /// `=` in a condition or a display.
    fn equals(&self, around: Around) -> Option<Diagnostic> {
        if self.token() != Tok::Assign || !self.before(1).ends_expression() {
            return None;
        }
        let header = matches!(self.tokens[0].1, Tok::If | Tok::Elif | Tok::While | Tok::Match);
        if !(header || around == Around::Bracket) || self.before(1) == Tok::Newline {
            return None;
        }
        let first = self.start_of_operand(self.at);
        let whole = first.checked_sub(1).map(|i| self.tokens[i].1);
        if !whole.is_some_and(|t| t == Tok::Comma || t.opens() || is_header(&[(0, t, 0)])) {
            return None;
        }
        let last = self.end_of_expression(self.at + 1, false);
        if matches!(self.tokens.get(last + 1), Some((_, Tok::Assign | Tok::Walrus, _))) {
            return None;
        }
        if first + 1 == self.at && self.before(1) == Tok::Name {
            let message = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?";
            return Some(Diagnostic::new(code::EQUALS, self.range(first, last), message));
        }
        let unpacking = match self.tokens[first].1 {
            Tok::Star => Some("iterable"),
            Tok::DoubleStar => Some("keyword"),
            _ => None,
        };
        if let Some(kind) = unpacking {
            let message = format!("cannot assign to {kind} argument unpacking");
            return Some(Diagnostic::new(code::STAR, self.range(first, last), message));
        }
        let what = match (self.before(1), self.before(2)) {
            (Tok::True | Tok::False | Tok::None, _) => return None,
            _ if self.tokens[first..self.at].iter().any(|t| is_operator(t.1)) => "expression",
            (Tok::RParen, _) => "function call",
            (Tok::RSquare, _) if first + 1 < self.at => "subscript",
            (Tok::Name, Tok::Dot) => "attribute",
            (Tok::FEnd, _) => "f-string expression",
            (Tok::Ellipsis, _) => "ellipsis",
            _ => "literal",
        };
        let message = format!("cannot assign to {what} here. Maybe you meant '==' instead of '='?");
        Some(Diagnostic::new(code::EQUALS, self.range(first, self.at - 1), message))
    }

    /// Index of the first token of the operand (of comparisons and looser) that ends before token `end`.
    fn start_of_operand(&self, end: usize) -> usize {
        let (mut depth, mut i) = (0usize, end);
        while i > 0 {
            let token = self.tokens[i - 1].1;
            if token.closes() {
                depth += 1;
            } else if token.opens() {
                if depth == 0 {
                    break;
                }
                depth -= 1;
            } else if depth == 0 && (ends_disjunction(token) || loose_operator(token)) {
                break;
            }
            i -= 1;
        }
        i
    }

    /// `a + not b`
    fn not_operand(&self) -> Option<Diagnostic> {
        let found = self.token() == Tok::Not && is_operator(self.before(1));
        found.then(|| Diagnostic::new(code::SYNTAX, self.span(), "'not' after an operator must be parenthesized"))
    }

    fn in_bracket(&self, open: usize) -> Option<Diagnostic> {
        self.in_dict(open)
            .or_else(|| self.comprehension(open))
            .or_else(|| self.argument(open))
            .or_else(|| self.type_parameter(open))
    }

    /// A malformed comprehension.
    fn comprehension(&self, open: usize) -> Option<Diagnostic> {
        let top = self.top_level(open);
        if self.token() != Tok::For {
            let last_for = top.iter().rposition(|&i| self.tokens[i].1 == Tok::For)?;
            let complete = top[last_for..].iter().any(|&i| self.tokens[i].1 == Tok::In);
            let message = "'in' expected after for-loop variables";
            let after_target = self.token().closes() || self.before(1).ends_expression();
            let missing = !complete && after_target && self.before(1) != Tok::For;
            return missing.then(|| Diagnostic::new(code::SYNTAX, self.span(), message));
        }
        let comma = top.iter().rposition(|&i| self.tokens[i].1 == Tok::Comma);
        if matches!(self.tokens[open].1, Tok::LSquare | Tok::LBrace)
            && let Some(comma) = comma
            && !top[..comma].iter().any(|&i| self.tokens[i].1 == Tok::Colon)
        {
            let message = "did you forget parentheses around the comprehension target?";
            return Some(Diagnostic::new(code::SYNTAX, self.range(open + 1, self.at - 1), message));
        }
        let first = comma.map_or(open, |c| top[c]) + 1;
        if self.tokens[open].1 == Tok::LParen
            && self.tokens[first].1 == Tok::Name
            && self.tokens[first + 1].1 == Tok::Assign
        {
            let message = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?";
            return Some(Diagnostic::new(code::EQUALS, self.range(first, first + 1), message));
        }
        let starred = self.tokens[first].1 == Tok::Star;
        let message = "iterable unpacking cannot be used in comprehension";
        starred.then(|| Diagnostic::new(code::STAR, self.range(first, self.at - 1), message))
    }

    /// The tokens directly inside the bracket that token `open` opens, up to the failing one.
    fn top_level(&self, open: usize) -> Vec<usize> {
        let (mut depth, mut found) = (0usize, Vec::new());
        for (i, token) in self.tokens[..self.at].iter().enumerate().skip(open + 1) {
            if token.1.opens() {
                depth += 1;
            } else if token.1.closes() {
                depth = depth.saturating_sub(1);
            } else if depth == 0 {
                found.push(i);
            }
        }
        found
    }

    /// A malformed argument of a call.
    fn argument(&self, open: usize) -> Option<Diagnostic> {
        let call = self.tokens[open].1 == Tok::LParen && open > 0 && self.tokens[open - 1].1.ends_expression();
        if !call || !matches!(self.token(), Tok::RParen | Tok::Comma) {
            return None;
        }
        match (self.before(1), self.before(2)) {
            (Tok::Assign, Tok::Name) => {
                let message = "expected argument value expression";
                Some(Diagnostic::new(code::ARGUMENT, self.range(self.at - 2, self.at - 1), message))
            }
            (Tok::Star, Tok::LParen | Tok::Comma) => {
                Some(Diagnostic::new(code::STAR, self.span(), "Invalid star expression"))
            }
            _ => None,
        }
    }

    /// `[]` or a bound where a type parameter cannot have one.
    fn type_parameter(&self, open: usize) -> Option<Diagnostic> {
        if !matches!(self.tokens[0].1, Tok::Def | Tok::Class | Tok::Type)
            || open != 2
            || self.tokens[open].1 != Tok::LSquare
        {
            return None;
        }
        let message = match (self.token(), self.before(2)) {
            (Tok::RSquare, Tok::Name) => {
                let message = "Type parameter list cannot be empty";
                let at = self.span().start;
                // After `type` CPython has read on by one token.
                let next = self.tokens.get(self.at + 1).filter(|_| self.tokens[0].1 == Tok::Type);
                let end = next.map_or(at, |t| t.0);
                return Some(Diagnostic::new(code::PARAMETER, Span { start: at, end }, message));
            }
            (Tok::Colon, Tok::Star) => "cannot use bound with TypeVarTuple",
            (Tok::Colon, Tok::DoubleStar) => "cannot use bound with ParamSpec",
            _ => return None,
        };
        Some(Diagnostic::new(code::PARAMETER, self.span(), message))
    }

    /// Inside `{}`: a key without a value.
    fn in_dict(&self, open: usize) -> Option<Diagnostic> {
        if self.tokens[open].1 != Tok::LBrace
            || !matches!(self.token(), Tok::RBrace | Tok::Comma | Tok::For | Tok::Star)
        {
            return None;
        }
        if self.token() == Tok::Star {
            let message = "cannot use a starred expression in a dictionary value";
            let last = self.end_of_expression(self.at + 1, false);
            return (self.before(1) == Tok::Colon)
                .then(|| Diagnostic::new(code::STAR, self.range(self.at, last), message));
        }
        if self.before(1) == Tok::Colon {
            let message = "expression expected after dictionary key and ':'";
            return Some(Diagnostic::new(code::SYNTAX, self.range(self.at - 1, self.at - 1), message));
        }
        if self.expects(":") && self.before(1).ends_expression() {
            let first = self.start_of_disjunction(self.at);
            let message = "':' expected after dictionary key";
            return Some(Diagnostic::new(code::SYNTAX, self.range(first, self.at - 1), message));
        }
        None
    }

    /// `{a: b, c d}`: the key comes first.
    fn half_pair(&self, open: usize) -> Option<Diagnostic> {
        if self.tokens[open].1 != Tok::LBrace || !self.before(1).ends_expression() || !self.token().starts_expression()
        {
            return None;
        }
        let top = self.top_level(open);
        let comma = top.iter().rposition(|&i| self.tokens[i].1 == Tok::Comma)?;
        let colon = |range: &[usize]| range.iter().any(|&i| self.tokens[i].1 == Tok::Colon);
        if colon(&top[comma..]) || !colon(&top[..comma]) {
            return None;
        }
        let message = "':' expected after dictionary key";
        Some(Diagnostic::new(code::SYNTAX, self.range(top[comma] + 1, self.at - 1), message))
    }

    /// Headers of compound statements, and imports.
    fn header(&self) -> Option<Diagnostic> {
        let first = if self.tokens.first()?.1 == Tok::Async { 1 } else { 0 };
        let head = self.tokens.get(first)?.1;
        let (token, before) = (self.token(), self.before(1));
        if head == Tok::Import && token == Tok::From {
            let message = "Did you mean to use 'from ... import ...' instead?";
            return Some(Diagnostic::new(code::IMPORT, self.range(0, self.end_of_statement()), message));
        }
        if before == Tok::Import && token == Tok::Newline {
            let span = Span { start: self.line.end, end: self.line.end };
            return Some(Diagnostic::new(code::IMPORT, span, "Expected one or more names after 'import'"));
        }
        if head == Tok::Except && before == Tok::Star && token == Tok::Colon {
            return Some(Diagnostic::new(code::CLAUSE, self.span(), "expected one or more exception types"));
        }
        if head == Tok::Def && self.at == first + 2 && before == Tok::Name {
            return Some(Diagnostic::new(code::SYNTAX, self.span(), "expected '('"));
        }
        // After the `->` of a `def` CPython misses the colon before it.
        if head == Tok::Def && before == Tok::Arrow && token == Tok::Colon {
            return Some(Diagnostic::new(code::COLON, self.range(self.at - 1, self.at - 1), "expected ':'"));
        }
        let forced = matches!(head, Tok::Def | Tok::Else | Tok::Try | Tok::Finally);
        if !is_header(self.tokens) || !self.expects(":") || !(token == Tok::Newline || forced) {
            return None;
        }
        let diagnostic = Diagnostic::new(code::COLON, self.span(), "expected ':'");
        if head == Tok::Else && token == Tok::If {
            return Some(Diagnostic { code: code::ELIF, ..diagnostic }.with_help("Python says 'elif'"));
        }
        Some(diagnostic)
    }

    /// `def f((a, b))`
    fn parenthesized_parameter(&self) -> Option<Diagnostic> {
        if self.token() == Tok::LParen && self.before(1) == Tok::Lambda {
            let last = self.end_of_expression(self.at, false);
            let message = "Lambda expression parameters cannot be parenthesized";
            return Some(Diagnostic::new(code::PARAMETER, self.range(self.at, last), message));
        }
        let def = self.tokens.first()?.1 == Tok::Def;
        if !def || self.token() != Tok::LParen || !matches!(self.before(1), Tok::LParen | Tok::Comma) {
            return None;
        }
        let last = self.end_of_expression(self.at, false);
        let message = "Function parameters cannot be parenthesized";
        Some(Diagnostic::new(code::PARAMETER, self.range(self.at, last), message))
    }
}

fn ends_disjunction(token: Tok) -> bool {
    use Tok::*;
    matches!(
        token,
        Comma
            | Colon
            | FColon
            | Assign
            | Walrus
            | Semi
            | If
            | Elif
            | Else
            | While
            | For
            | Async
            | Lambda
            | Return
            | Yield
            | From
            | Import
            | As
            | With
            | WithParen
            | Assert
            | Raise
            | Del
            | Match
            | Case
            | Type
            | Arrow
            | Bang
            | Newline
            | Def
            | Class
    ) || token.is_augmented_assign()
}

fn loose_operator(token: Tok) -> bool {
    use Tok::*;
    matches!(token, And | Or | Not | In | Is | EqEq | NotEq | Lt | LtE | Gt | GtE)
}

fn is_operator(token: Tok) -> bool {
    use Tok::*;
    matches!(
        token,
        Plus | Minus
            | Star
            | DoubleStar
            | Slash
            | DoubleSlash
            | Percent
            | LShift
            | RShift
            | Amp
            | Bar
            | Caret
            | Tilde
            | At
    )
}
