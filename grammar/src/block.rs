//! Blocks: logical lines put together to compound statements.
//!
//! Each logical line is parsed on its own; a line that is wrong costs itself (and keeps its block), so that one
//! pass over a file finds many errors. Recursion goes with the indentation, which the layout layer bounds; chains
//! of `elif` are collected in a loop.

use crate::ast::*;
use crate::builder::{Builder, Header};
use crate::diagnostic::{Diagnostic, code, line_column};
use crate::explain;
use crate::grammar::generated::StartParser;
use crate::layout::{Layout, Line};
use crate::soft;
use crate::token::{Spanned, Tok};

/// More findings than this help nobody.
const MAX_DIAGNOSTICS: usize = 100;

pub struct Blocks<'s> {
    source: &'s str,
    layout: Layout<'s>,
    line: Line,
    /// `line` holds a line that nobody has taken yet.
    peeked: bool,
    at_end: bool,
    parser: StartParser,
    builder: Builder<'s>,
    /// The end of the last line taken.
    end: u32,
    pub diagnostics: Vec<Diagnostic>,
    pub warnings: Vec<Diagnostic>,
    /// The source ended inside a bracket, a string or after a backslash.
    pub incomplete: bool,
    /// The source ended where a header's block (or a further clause of `try`) had to follow.
    pub wants_block: bool,
    /// The last suite of an outermost statement stood on its header's line.
    ends_inline: bool,
}

/// What a line was.
enum Parsed {
    Simple,
    Header(Header),
    /// In error; `opens` tells that it looks like a header.
    Broken {
        opens: bool,
    },
}

impl<'s> Blocks<'s> {
    pub fn new(source: &'s str) -> Blocks<'s> {
        Blocks {
            source,
            layout: Layout::new(source),
            line: Line::default(),
            peeked: false,
            at_end: false,
            parser: StartParser::new(),
            builder: Builder::new(source),
            end: 0,
            diagnostics: Vec::new(),
            warnings: Vec::new(),
            incomplete: false,
            wants_block: false,
            ends_inline: false,
        }
    }

    /// The whole source.
    pub fn module(&mut self) -> Module {
        let mut body = Vec::new();
        while self.peek() {
            self.block(0, 0, &mut body);
        }
        Module { body }
    }

    /// The source as one expression.
    pub fn expression(&mut self) -> Option<Expr> {
        if !self.peek() {
            self.missing_statement();
            return None;
        }
        if self.line.level > 0 {
            self.unexpected_indent();
        }
        let parsed = self.parse(Tok::StartExpr, 0);
        let last = self.line.end as usize;
        let result = self.builder.result.take();
        if let Some(e) = &result
            && self.diagnostics.is_empty()
        {
            match &e.kind {
                ExprKind::Tuple { items, parenthesized: false } if items.iter().any(is_starred) => {
                    let at = items.iter().find(|i| is_starred(i)).map_or(e.span, |i| i.span);
                    self.report(Diagnostic::invalid_syntax(at));
                }
                ExprKind::Starred(_) => self.report(Diagnostic::invalid_syntax(e.span)),
                _ if last < self.source.len() => self.trailing(),
                _ => {}
            }
        }
        let fine = parsed && self.diagnostics.is_empty();
        result.filter(|_| fine)
    }

    /// After the expression only blank lines may follow.
    fn trailing(&mut self) {
        let mut line = Line::default();
        while self.diagnostics.is_empty() && self.layout.read(&mut line) {
            let at = Span { start: line.start(), end: line.tokens.first().map_or(line.end, |t| t.2) };
            self.report(line.error.take().unwrap_or_else(|| Diagnostic::invalid_syntax(at)));
        }
    }

    /// The source as one interactive entry: the simple statements of one line, or one compound statement.
    pub fn single(&mut self) -> Module {
        let mut body = Vec::new();
        if !self.peek() {
            self.missing_statement();
        } else if self.line.level > 0 {
            self.unexpected_indent();
        } else {
            self.statement(0, 0, &mut body);
        }
        if self.diagnostics.is_empty() && body.last().is_some_and(|stmt| stmt.kind.is_compound()) {
            if self.peek() {
                self.report(Diagnostic::invalid_syntax(self.first_token()));
            } else if self.ends_inline && !self.source.ends_with('\n') {
                self.missing_statement();
            }
        } else if self.diagnostics.is_empty() {
            let at = self.line.end;
            let blank = |line: &str| line.trim_start().is_empty() || line.trim_start().starts_with('#');
            if !self.source[at as usize..].split(['\r', '\n']).all(blank) {
                let message = "multiple statements found while compiling a single statement";
                self.report(Diagnostic::new(code::SYNTAX, Span { start: at, end: at + 1 }, message));
            }
        }
        Module { body }
    }

    /// The source ended where a statement or an expression had to begin.
    fn missing_statement(&mut self) {
        let end = self.source.len() as u32;
        self.report(Diagnostic::new(code::END, Span { start: end, end }, "invalid syntax"));
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if diagnostic.code == code::DEPTH {
            // What follows would say the same, perhaps a hundred thousand times.
            self.at_end = true;
        }
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Makes `line` the next line; false at the end of the source.
    fn peek(&mut self) -> bool {
        if self.at_end {
            return false;
        }
        if !self.peeked {
            if self.layout.read(&mut self.line) {
                self.peeked = true;
            } else {
                self.at_end = true;
            }
        }
        self.peeked
    }

    /// Level of the next line, if there is one.
    fn level(&mut self) -> Option<usize> {
        self.peek().then_some(self.line.level)
    }

    /// Statements from `level` on, until a line further out. `depth` nodes enclose them.
    fn block(&mut self, level: usize, depth: u32, body: &mut Vec<Stmt>) {
        while let Some(found) = self.level() {
            if found < level {
                return;
            }
            if found > level {
                self.unexpected_indent();
                self.block(found, depth, &mut Vec::new());
                continue;
            }
            self.statement(level, depth, body);
        }
    }

    fn unexpected_indent(&mut self) {
        if self.line.indent_error.is_none() {
            let end = self.line.start();
            let span = Span { start: end.saturating_sub(1), end };
            self.report(Diagnostic::indentation(code::INDENT, span, "unexpected indent"));
        }
    }

    /// Takes the peeked line through the parser. The builder then holds what it said.
    fn take(&mut self, depth: u32, in_match: bool) -> Parsed {
        self.peeked = false;
        self.end = self.line.tokens.last().map_or(self.line.end, |t| t.2);
        if let Some(error) = self.line.indent_error.take() {
            self.report(error);
        }
        soft::resolve(self.source, &mut self.line.tokens, in_match);
        if self.parse(Tok::StartLine, depth) {
            return match self.builder.header.take() {
                Some(header) => Parsed::Header(header),
                None => Parsed::Simple,
            };
        }
        let tokens = &self.line.tokens;
        Parsed::Broken { opens: tokens.last().is_some_and(|t| t.1 == Tok::Colon) || explain::is_header(tokens) }
    }

    /// Parses the line's tokens after `start`; false if they made no tree. Errors are reported.
    fn parse(&mut self, start: Tok, depth: u32) -> bool {
        self.builder.reset(depth);
        let first = self.line.start();
        let marker = std::iter::once(Ok((first, start, first)));
        let tokens = marker.chain(self.line.tokens.iter().map(|&t: &Spanned| Ok(t)));
        let result = self.parser.parse(&mut self.builder, tokens);
        self.warnings.append(&mut self.builder.warnings);
        self.incomplete |= self.line.incomplete;
        if result.is_ok() && self.builder.errors.is_empty() && self.line.error.is_none() {
            return true;
        }
        let failed = result.err().map(|error| explain::failure(self.source, &self.line, error));
        // Errors that an action found lie before the place where the parser stopped.
        let mut found = std::mem::take(&mut self.builder.errors);
        found.sort_by_key(|e| e.span.start);
        match failed {
            Some(failed) if found.is_empty() || explain::is_lexical(&self.line, &failed) => self.report(failed),
            _ => found.into_iter().for_each(|e| self.report(e)),
        }
        self.builder.statements.clear();
        self.builder.header = None;
        false
    }

    fn statement(&mut self, level: usize, depth: u32, body: &mut Vec<Stmt>) {
        let start = self.line.start();
        let first = self.first_token();
        if matches!(self.line.first(), Tok::Elif | Tok::Else | Tok::Except | Tok::Finally) {
            return self.stray_clause(level, depth, first);
        }
        match self.take(depth, false) {
            Parsed::Simple => body.append(&mut self.builder.statements),
            Parsed::Header(Header::Decorator(first)) => {
                body.extend(self.decorated(level, depth, first));
            }
            Parsed::Header(header) => {
                body.extend(self.compound(level, depth, header, start, first));
            }
            Parsed::Broken { opens } => {
                // The block below a broken header is checked all the same.
                if opens {
                    self.skip_block(level, depth);
                }
            }
        }
    }

    /// A clause without the statement it belongs to.
    fn stray_clause(&mut self, level: usize, depth: u32, first: Span) {
        self.report(Diagnostic::invalid_syntax(first));
        let known = self.diagnostics.len();
        self.take(depth, false);
        self.diagnostics.truncate(known);
        self.skip_block(level, depth);
    }

    /// Checks the block below a line that was wrong, and forgets it.
    fn skip_block(&mut self, level: usize, depth: u32) {
        if let Some(found) = self.level().filter(|&found| found > level) {
            self.block(found, depth, &mut Vec::new());
        }
    }

    fn first_token(&self) -> Span {
        self.line.tokens.first().map_or(Span::default(), |t| Span { start: t.0, end: t.2 })
    }

    /// The suite of a header that has just been taken: on the same line, or indented below.
    fn suite(&mut self, level: usize, depth: u32, after: &str, header_start: u32) -> Vec<Stmt> {
        let mut body = Vec::new();
        let inline = !self.builder.statements.is_empty();
        if level == 0 {
            self.ends_inline = inline;
        }
        if inline {
            body.append(&mut self.builder.statements);
            return body;
        }
        match self.level() {
            Some(found) if found > level => self.block(found, depth + 1, &mut body),
            found => self.missing_block(after, header_start, found.is_none()),
        }
        body
    }

    fn missing_block(&mut self, after: &str, header_start: u32, at_end: bool) {
        if let Some(error) = self.line.indent_error.take().filter(|_| !at_end) {
            return self.report(error);
        }
        self.wants_block |= at_end;
        let (line, _) = line_column(self.source, header_start);
        let span = if at_end { self.end_of_source() } else { self.first_token() };
        let message = format!("expected an indented block after {after} on line {line}");
        self.report(Diagnostic::indentation(code::BLOCK, span, message));
    }

    fn end_of_source(&self) -> Span {
        let end = self.source.trim_end_matches(['\n', '\r']).len() as u32;
        Span { start: end, end }
    }

    fn compound(&mut self, level: usize, depth: u32, header: Header, start: u32, first: Span) -> Option<Stmt> {
        let kind = match header {
            Header::If(test) => return self.if_statement(level, depth, test, start),
            Header::Try => self.try_statement(level, depth, start),
            Header::Match(subject) => self.match_statement(level, depth, subject, start)?,
            Header::While(test) => {
                let body = self.suite(level, depth, "'while' statement", start);
                StmtKind::While { test, body, orelse: self.else_clause(level, depth) }
            }
            Header::For { target, iter, is_async } => {
                let body = self.suite(level, depth, "'for' statement", start);
                StmtKind::For { target, iter, body, orelse: self.else_clause(level, depth), is_async }
            }
            Header::With { items, is_async } => {
                StmtKind::With { items, body: self.suite(level, depth, "'with' statement", start), is_async }
            }
            Header::Def(mut function) => {
                function.body = self.suite(level, depth, "function definition", start);
                StmtKind::FunctionDef(function)
            }
            Header::Class(mut class) => {
                class.body = self.suite(level, depth, "class definition", start);
                StmtKind::ClassDef(class)
            }
            Header::Elif(_)
            | Header::Else
            | Header::Except { .. }
            | Header::Finally
            | Header::Case(_)
            | Header::Decorator(_) => {
                self.report(Diagnostic::invalid_syntax(first));
                self.skip_block(level, depth);
                return None;
            }
        };
        Some(self.finish(start, kind))
    }

    /// A compound statement; its span reaches to the end of the last line taken.
    fn finish(&self, start: u32, kind: StmtKind) -> Stmt {
        Stmt { span: Span { start, end: self.end.max(start) }, kind }
    }

    /// Is the next line a clause that begins with `token`, at `level`?
    fn clause(&mut self, level: usize, token: Tok) -> bool {
        self.level() == Some(level) && self.line.first() == token
    }

    /// Takes the clause line; `None` if it is broken, with its block skipped.
    fn take_clause(&mut self, level: usize, depth: u32) -> Option<Header> {
        match self.take(depth, false) {
            Parsed::Header(header) => Some(header),
            Parsed::Simple => None,
            Parsed::Broken { .. } => {
                self.skip_block(level, depth);
                None
            }
        }
    }

    fn else_clause(&mut self, level: usize, depth: u32) -> Vec<Stmt> {
        if !self.clause(level, Tok::Else) {
            return Vec::new();
        }
        let start = self.line.start();
        match self.take_clause(level, depth) {
            Some(_) => self.suite(level, depth, "'else' statement", start),
            None => Vec::new(),
        }
    }

    fn if_statement(&mut self, level: usize, depth: u32, test: Expr, start: u32) -> Option<Stmt> {
        let body = self.suite(level, depth, "'if' statement", start);
        let mut clauses = vec![(start, test, body)];
        while self.clause(level, Tok::Elif) {
            let at = self.line.start();
            let nested = depth + clauses.len() as u32;
            if let Some(Header::Elif(test)) = self.take_clause(level, nested) {
                let body = self.suite(level, nested, "'elif' statement", at);
                clauses.push((at, test, body));
            }
        }
        let mut orelse = self.else_clause(level, depth + clauses.len() as u32);
        // Innermost first: each `elif` is the only statement of the `orelse` before it.
        for (at, test, body) in clauses.into_iter().rev() {
            orelse = vec![self.finish(at, StmtKind::If { test, body, orelse })];
        }
        orelse.pop()
    }

    fn try_statement(&mut self, level: usize, depth: u32, start: u32) -> StmtKind {
        let body = self.suite(level, depth, "'try' statement", start);
        let (mut handlers, mut star) = (Vec::new(), None);
        let (mut broken, mut bare) = (false, false);
        while self.clause(level, Tok::Except) {
            let first = self.first_token();
            let Some(Header::Except { typ, name, star: starred }) = self.take_clause(level, depth) else {
                broken = true;
                continue;
            };
            if *star.get_or_insert(starred) != starred {
                let message = "cannot have both 'except' and 'except*' on the same 'try'";
                let at = explain::except_head(self.source, first);
                self.report(Diagnostic::new(code::CLAUSE, at, message));
            } else if bare {
                let at =
                    handlers.last().map_or(first, |h: &Handler| Span { start: h.span.start, end: h.span.start + 6 });
                self.report(Diagnostic::new(code::CLAUSE, at, "default 'except:' must be last"));
            }
            let after = if starred { "'except*' statement" } else { "'except' statement" };
            let body = self.suite(level, depth + 1, after, first.start);
            bare |= typ.is_none();
            handlers.push(Handler { span: Span { start: first.start, end: self.end }, typ, name, body });
        }
        let orelse = if handlers.is_empty() { Vec::new() } else { self.else_clause(level, depth) };
        let mut finalbody = Vec::new();
        let mut finally = false;
        if self.clause(level, Tok::Finally) {
            let at = self.line.start();
            finally = true;
            if let Some(Header::Finally) = self.take_clause(level, depth) {
                finalbody = self.suite(level, depth, "'finally' statement", at);
            }
        }
        let at_end = !self.peek();
        // At the end of the source the missing block has been reported already.
        let reported = broken || (at_end && self.wants_block);
        if handlers.is_empty() && !finally && !reported {
            self.wants_block |= at_end;
            let span = if at_end { self.end_of_source() } else { self.first_token() };
            self.report(Diagnostic::new(code::CLAUSE, span, "expected 'except' or 'finally' block"));
        }
        StmtKind::Try { body, handlers, orelse, finalbody, star: star == Some(true) }
    }

    fn match_statement(&mut self, level: usize, depth: u32, subject: Expr, start: u32) -> Option<StmtKind> {
        let inner = match self.level() {
            Some(found) if found > level => found,
            found => {
                self.missing_block("'match' statement", start, found.is_none());
                return None;
            }
        };
        let mut cases = Vec::new();
        while self.level().is_some_and(|l| l >= inner) {
            let at = self.first_token();
            if self.line.level > inner {
                self.unexpected_indent();
            }
            match self.take(depth + 1, true) {
                Parsed::Header(Header::Case(case)) => {
                    let (pattern, guard) = *case;
                    let body = self.suite(inner, depth + 1, "'case' statement", at.start);
                    cases.push(MatchCase { pattern, guard, body });
                }
                Parsed::Broken { .. } => {
                    self.skip_block(inner, depth);
                }
                Parsed::Simple | Parsed::Header(_) => {
                    self.report(
                        Diagnostic::invalid_syntax(at)
                            .with_help("only 'case' clauses may stand directly in a 'match' block"),
                    );
                    self.skip_block(inner, depth);
                }
            }
        }
        Some(StmtKind::Match { subject, cases })
    }

    /// Decorators, then the `def` or `class` they belong to.
    fn decorated(&mut self, level: usize, depth: u32, first: Expr) -> Option<Stmt> {
        let mut decorators = vec![first];
        loop {
            if self.level() != Some(level) {
                if self.peek() {
                    self.report(Diagnostic::invalid_syntax(self.first_token()));
                } else {
                    self.wants_block = true;
                    self.missing_statement();
                }
                return None;
            }
            let at = self.first_token();
            match self.take(depth, false) {
                Parsed::Header(Header::Decorator(next)) => decorators.push(next),
                Parsed::Header(header @ (Header::Def(_) | Header::Class(_))) => {
                    let mut statement = self.compound(level, depth, header, at.start, at)?;
                    match &mut statement.kind {
                        StmtKind::FunctionDef(function) => function.decorators = decorators,
                        StmtKind::ClassDef(class) => class.decorators = decorators,
                        _ => {}
                    }
                    return Some(statement);
                }
                Parsed::Header(header) => {
                    self.report(Diagnostic::invalid_syntax(at));
                    self.compound(level, depth, header, at.start, at);
                    return None;
                }
                Parsed::Simple => {
                    self.report(Diagnostic::invalid_syntax(at));
                    return None;
                }
                Parsed::Broken { .. } => {
                    self.skip_block(level, depth);
                    return None;
                }
            }
        }
    }
}

fn is_starred(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Starred(_))
}
