//! Patterns of `case`.

use super::{Builder, Deep, Strings, span};
use crate::ast::*;
use crate::diagnostic::code;

type P = Deep<Box<Pattern>>;

#[derive(Default)]
pub struct MappingItems {
    keys: Vec<Expr>,
    patterns: Vec<Pattern>,
    rest: Option<Ident>,
    depth: u32,
}

#[derive(Default)]
pub struct ClassPatternArgs {
    positional: Vec<Pattern>,
    keywords: Vec<(Ident, Pattern)>,
    depth: u32,
}

impl Builder<'_> {
    fn pattern(&mut self, span: Span, kind: PatternKind, depth: u32) -> P {
        let depth = depth + 1;
        if self.too_deep(depth, span) {
            return Deep::new(Box::new(Pattern { span, kind: PatternKind::Wildcard }), 1);
        }
        Deep::new(Box::new(Pattern { span, kind }), depth)
    }

    pub fn value_pattern(&mut self, value: Deep<Expr>) -> P {
        self.pattern(value.it.span, PatternKind::Value(value.it), value.depth)
    }

    pub fn string_pattern(&mut self, l: u32, r: u32, literals: Strings) -> P {
        let value = self.strings(l, r, literals);
        if matches!(value.it.kind, ExprKind::JoinedStr(_)) {
            let message = "patterns may only match literals and attribute lookups";
            self.error(code::PATTERN, span(l, r), message);
        }
        self.value_pattern(value)
    }

    pub fn singleton_pattern(&mut self, l: u32, r: u32, value: Const) -> P {
        self.pattern(span(l, r), PatternKind::Singleton(value), 0)
    }

    pub fn capture_pattern(&mut self, name: Ident) -> P {
        let kind = if &*name.name == "_" { PatternKind::Wildcard } else { PatternKind::Capture(name.clone()) };
        self.pattern(name.span, kind, 0)
    }

    pub fn star_pattern(&mut self, l: u32, name: Ident) -> P {
        let whole = span(l, name.span.end);
        self.pattern(whole, PatternKind::Star((&*name.name != "_").then_some(name)), 0)
    }

    pub fn sequence_pattern(&mut self, l: u32, r: u32, items: Deep<Vec<Pattern>>) -> P {
        self.pattern(span(l, r), PatternKind::Sequence(items.it), items.depth)
    }

    pub fn or_pattern(&mut self, l: u32, r: u32, items: Deep<Vec<Pattern>>) -> P {
        self.pattern(span(l, r), PatternKind::Or(items.it), items.depth)
    }

    pub fn as_pattern(&mut self, l: u32, r: u32, pattern: P, target: Deep<Expr>) -> P {
        let at = target.it.span;
        let name = match target.it.kind {
            ExprKind::Name(name) if &*name == "_" => {
                self.error(code::PATTERN, at, "cannot use '_' as a target");
                name
            }
            ExprKind::Name(name) => name,
            ExprKind::Attribute { .. } | ExprKind::Call { .. } | ExprKind::Subscript { .. } => {
                let text = self.text(at.start, at.end);
                let next = at.start + text.find(['.', '(', '[']).unwrap_or(0) as u32;
                self.error(code::PATTERN, span(next, next + 1), "invalid syntax");
                Box::from("")
            }
            _ => {
                self.error(code::PATTERN, at, "invalid pattern target");
                Box::from("")
            }
        };
        let kind = PatternKind::As { pattern: pattern.it, name: Ident { name, span: at } };
        self.pattern(span(l, r), kind, pattern.depth)
    }

    pub fn complex_pattern(
        &mut self,
        whole: (u32, u32),
        op: BinOp,
        at: (u32, u32),
        real: Deep<Expr>,
        imaginary: Deep<Expr>,
    ) -> Deep<Expr> {
        if !matches!(imaginary.it.kind, ExprKind::Const(Const::Imaginary(_))) {
            self.error(code::PATTERN, imaginary.it.span, "imaginary number required in complex literal");
        }
        let number = match &real.it.kind {
            ExprKind::UnaryOp { operand, .. } => &operand.kind,
            other => other,
        };
        if matches!(number, ExprKind::Const(Const::Imaginary(_))) {
            self.error(code::PATTERN, real.it.span, "real number required in complex literal");
        }
        self.binary(whole, op, at, real, imaginary)
    }

    pub fn mapping_item(&mut self, mut items: Box<MappingItems>, key: Deep<Expr>, pattern: P) -> Box<MappingItems> {
        if items.rest.is_some() {
            let message = "invalid syntax";
            self.error(code::PATTERN, key.it.span, message);
        }
        items.depth = items.depth.max(key.depth).max(pattern.depth);
        items.keys.push(key.it);
        items.patterns.push(*pattern.it);
        items
    }

    pub fn mapping_rest(&mut self, mut items: Box<MappingItems>, name: Ident) -> Box<MappingItems> {
        if items.rest.is_some() || &*name.name == "_" {
            self.error(code::PATTERN, name.span, "invalid syntax");
        }
        items.rest = Some(name);
        items
    }

    pub fn mapping_pattern(&mut self, l: u32, r: u32, items: Option<Box<MappingItems>>) -> P {
        let MappingItems { keys, patterns, rest, depth } = items.map(|i| *i).unwrap_or_default();
        self.pattern(span(l, r), PatternKind::Mapping { keys, patterns, rest }, depth)
    }

    pub fn class_pattern_arg(
        &mut self,
        mut args: Box<ClassPatternArgs>,
        name: Option<Ident>,
        pattern: P,
    ) -> Box<ClassPatternArgs> {
        args.depth = args.depth.max(pattern.depth);
        match name {
            Some(name) => args.keywords.push((name, *pattern.it)),
            None => {
                if !args.keywords.is_empty() {
                    let message = "positional patterns follow keyword patterns";
                    self.error(code::PATTERN, pattern.it.span, message);
                }
                args.positional.push(*pattern.it);
            }
        }
        args
    }

    pub fn class_pattern(&mut self, l: u32, r: u32, class: Deep<Expr>, args: ClassPatternArgs) -> P {
        let depth = class.depth.max(args.depth);
        let ClassPatternArgs { positional, keywords, .. } = args;
        self.pattern(span(l, r), PatternKind::Class { class: class.it, positional, keywords }, depth)
    }
}
