//! Arguments of calls and class headers.

use super::{Builder, Deep, span};
use crate::ast::*;
use crate::diagnostic::{Diagnostic, code};

type E = Deep<Expr>;

/// One argument before the order is checked.
pub enum ArgKind {
    Arg(Arg),
    /// A generator expression without parentheses of its own.
    Generator(Expr),
}

#[derive(Default)]
pub struct ArgList {
    args: Vec<Arg>,
    depth: u32,
    keyword: bool,
    double_star: bool,
    /// A positional argument came after a keyword one (false) or after `**` (true).
    misplaced: Option<bool>,
    generator: Option<Span>,
}

impl Builder<'_> {
    pub fn positional(&mut self, l: u32, r: u32, value: E) -> Deep<(Span, ArgKind)> {
        if let ExprKind::Named { target, .. } = &value.it.kind
            && let Some(error) = self.errors.iter_mut().rfind(|e| e.span == target.span && e.code == code::TARGET)
        {
            // In an argument CPython does not say what is wrong with the target.
            let after = target.span.end as usize;
            let at = (after + self.source[after..].find(":=").unwrap_or(0)) as u32;
            *error = Diagnostic::invalid_syntax(span(at, at + 2));
        }
        Deep::new((span(l, r), ArgKind::Arg(Arg::Positional(value.it))), value.depth)
    }

    pub fn bare_generator(&mut self, l: u32, r: u32, elt: E, c: Deep<Vec<Comprehension>>) -> Deep<(Span, ArgKind)> {
        let generator = self.generator(l, r, elt, c);
        Deep::new((span(l, r), ArgKind::Generator(generator.it)), generator.depth)
    }

    pub fn keyword(&mut self, l: u32, equals: u32, r: u32, name: E, value: E) -> Deep<(Span, ArgKind)> {
        let at = name.it.span;
        let up_to_equals =
            span(at.start, self.source[equals as usize..].find('=').map_or(equals, |i| equals + i as u32 + 1));
        let name = match name.it.kind {
            ExprKind::Name(name) if at.start == l => name,
            ExprKind::Const(c @ (Const::True | Const::False | Const::None)) => {
                let what = super::target::description(&ExprKind::Const(c));
                self.error(code::TARGET, up_to_equals, format!("cannot assign to {what}"));
                Box::from("")
            }
            _ => {
                let message = "expression cannot contain assignment, perhaps you meant \"==\"?";
                self.error(code::EQUALS, up_to_equals, message);
                Box::from("")
            }
        };
        let arg = Arg::Keyword(Ident { name, span: at }, value.it);
        Deep::new((span(l, r), ArgKind::Arg(arg)), value.depth)
    }

    pub fn star_arg(&mut self, l: u32, r: u32, value: E) -> Deep<(Span, ArgKind)> {
        Deep::new((span(l, r), ArgKind::Arg(Arg::Star(value.it))), value.depth)
    }

    pub fn double_star_arg(&mut self, l: u32, r: u32, value: E) -> Deep<(Span, ArgKind)> {
        Deep::new((span(l, r), ArgKind::Arg(Arg::DoubleStar(value.it))), value.depth)
    }

    pub fn arg(&mut self, mut list: ArgList, arg: Deep<(Span, ArgKind)>) -> ArgList {
        list.depth = list.depth.max(arg.depth);
        let (at, kind) = arg.it;
        let arg = match kind {
            ArgKind::Arg(arg) => arg,
            ArgKind::Generator(generator) => {
                list.generator.get_or_insert(at);
                Arg::Positional(generator)
            }
        };
        match &arg {
            Arg::Positional(_) if list.double_star => list.misplaced = list.misplaced.or(Some(true)),
            Arg::Positional(_) if list.keyword => list.misplaced = list.misplaced.or(Some(false)),
            Arg::Star(_) if list.double_star => {
                let message = "iterable argument unpacking follows keyword argument unpacking";
                let head = span(at.start.saturating_sub(2), at.end);
                self.error(code::ARGUMENT, span(self.before_double_star(head.start), at.end), message);
            }
            Arg::Keyword(..) => list.keyword = true,
            Arg::DoubleStar(_) => list.double_star = true,
            _ => {}
        }
        list.args.push(arg);
        list
    }

    /// CPython's mark begins at the end of the argument before the comma.
    fn before_double_star(&self, at: u32) -> u32 {
        let before = self.source[..at as usize + 1].trim_end_matches([' ', '\t', '\n', '\r', ',', '*']);
        before.len() as u32
    }

    /// A lone generator expression without parentheses may not have a comma after it.
    pub fn trailing_arg_comma(&mut self, list: ArgList) -> ArgList {
        if let ([_], Some(at)) = (&list.args[..], list.generator) {
            self.error(code::ARGUMENT, at, "Generator expression must be parenthesized");
        }
        list
    }

    /// What can be said once the closing parenthesis, at `close`, is reached.
    fn finish_args(&mut self, list: &ArgList, close: u32) {
        if let Some(at) = list.generator.filter(|_| list.args.len() > 1) {
            self.error(code::ARGUMENT, at, "Generator expression must be parenthesized");
        }
        if let Some(unpacking) = list.misplaced {
            let follows = if unpacking { " unpacking" } else { "" };
            let message = format!("positional argument follows keyword argument{follows}");
            self.error(code::ARGUMENT, span(close, close + 1), message);
        }
    }

    pub fn call(&mut self, s: u32, func: E, l: u32, r: u32, mut list: ArgList) -> E {
        self.finish_args(&list, r - 1);
        // A lone generator expression takes the call's parentheses as its own.
        if let ([Arg::Positional(generator)], Some(_)) = (&mut list.args[..], list.generator) {
            generator.span = span(l, r);
        }
        let depth = func.depth.max(list.depth);
        self.node(span(s, r), ExprKind::Call { func: func.boxed(), args: list.args }, depth)
    }

    pub fn class_args(&mut self, close: u32, list: ArgList) -> ArgList {
        match (&list.args[..], list.generator) {
            ([Arg::Positional(Expr { kind: ExprKind::GeneratorExp { elt, .. }, .. })], Some(at)) => {
                let word =
                    self.text(elt.span.end, at.end).find("for").map_or(elt.span.end, |i| elt.span.end + i as u32);
                self.error(code::SYNTAX, span(word, word + 3), "invalid syntax");
            }
            _ => self.finish_args(&list, close),
        }
        list
    }
}

impl ArgList {
    pub fn into_deep(self) -> Deep<Vec<Arg>> {
        Deep::new(self.args, self.depth)
    }
}
