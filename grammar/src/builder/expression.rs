//! Expressions.

use super::{Builder, Deep, depth_of, span};
use crate::ast::*;
use crate::diagnostic::code;

type E = Deep<Expr>;

impl Builder<'_> {
    pub fn name(&mut self, l: u32, r: u32) -> E {
        let name = self.name_text(l, r);
        self.node(span(l, r), ExprKind::Name(name), 0)
    }

    pub fn constant(&mut self, l: u32, r: u32, value: Const) -> E {
        self.node(span(l, r), ExprKind::Const(value), 0)
    }

    pub fn number(&mut self, l: u32, r: u32) -> E {
        let text = self.text(l, r);
        // The scanner lets only a keyword follow at once.
        if self.source.as_bytes().get(r as usize).is_some_and(u8::is_ascii_alphabetic) {
            let message = format!("invalid {} literal", crate::literal::number_kind(text));
            self.warn(span(r - 1, r - 1), message);
        }
        self.constant(l, r, crate::literal::number(text))
    }

    pub fn tuple(&mut self, l: u32, r: u32, items: Deep<Vec<Expr>>, parenthesized: bool) -> E {
        self.node(span(l, r), ExprKind::Tuple { items: items.it, parenthesized }, items.depth)
    }

    pub fn list(&mut self, l: u32, r: u32, items: Deep<Vec<Expr>>) -> E {
        self.node(span(l, r), ExprKind::List(items.it), items.depth)
    }

    pub fn set(&mut self, l: u32, r: u32, items: Deep<Vec<Expr>>) -> E {
        self.node(span(l, r), ExprKind::Set(items.it), items.depth)
    }

    pub fn dict(&mut self, l: u32, r: u32, pairs: Deep<Vec<(Option<Expr>, Expr)>>) -> E {
        self.node(span(l, r), ExprKind::Dict(pairs.it), pairs.depth)
    }

    pub fn starred(&mut self, l: u32, r: u32, value: E) -> E {
        let depth = value.depth;
        self.node(span(l, r), ExprKind::Starred(value.boxed()), depth)
    }

    /// `(value)`: no node of its own.
    pub fn group(&mut self, value: E) -> E {
        if matches!(value.it.kind, ExprKind::Starred(_)) {
            self.error(code::STAR, value.it.span, "cannot use starred expression here");
        }
        value
    }

    /// A bare `*value` where a value is needed.
    pub fn refuse_starred(&mut self, value: &Expr) {
        if matches!(value.kind, ExprKind::Starred(_)) {
            self.error(code::STAR, value.span, "can't use starred expression here");
        }
    }

    pub fn yielded(&mut self, l: u32, r: u32, value: Option<E>) -> E {
        let depth = depth_of(&value);
        if let Some(value) = &value {
            self.refuse_starred(&value.it);
        }
        self.node(span(l, r), ExprKind::Yield(value.map(Deep::boxed)), depth)
    }

    pub fn yield_from(&mut self, l: u32, r: u32, value: E) -> E {
        let depth = value.depth;
        self.node(span(l, r), ExprKind::YieldFrom(value.boxed()), depth)
    }

    pub fn awaited(&mut self, l: u32, r: u32, value: E) -> E {
        let depth = value.depth;
        self.node(span(l, r), ExprKind::Await(value.boxed()), depth)
    }

    pub fn named(&mut self, l: u32, r: u32, target: E, value: E) -> E {
        let depth = value.depth;
        let at = target.it.span;
        let name = match target.it.kind {
            // A name in parentheses is no target.
            ExprKind::Name(name) if at.start == l => name,
            other => {
                let what = super::target::description(&other);
                self.error(code::TARGET, at, format!("cannot use assignment expressions with {what}"));
                Box::from("")
            }
        };
        let target = Ident { name, span: at };
        self.node(span(l, r), ExprKind::Named { target, value: value.boxed() }, depth)
    }

    pub fn conditional(&mut self, l: u32, r: u32, test: E, body: E, orelse: E) -> E {
        let depth = test.depth.max(body.depth).max(orelse.depth);
        let kind = ExprKind::IfExp { test: test.boxed(), body: body.boxed(), orelse: orelse.boxed() };
        self.node(span(l, r), kind, depth)
    }

    pub fn bool_op(&mut self, l: u32, r: u32, and: bool, values: Deep<Vec<Expr>>) -> E {
        self.node(span(l, r), ExprKind::BoolOp { and, values: values.it }, values.depth)
    }

    pub fn unary(&mut self, l: u32, r: u32, op: UnaryOp, operand: E) -> E {
        let depth = operand.depth;
        self.node(span(l, r), ExprKind::UnaryOp { op, operand: operand.boxed() }, depth)
    }

    /// `whole` and `at` are the ends of the operation and of its operator.
    pub fn binary(&mut self, whole: (u32, u32), op: BinOp, at: (u32, u32), left: E, right: E) -> E {
        let depth = left.depth.max(right.depth);
        let op_span = span(at.0, at.1);
        let kind = ExprKind::BinOp { op, op_span, left: left.boxed(), right: right.boxed() };
        self.node(span(whole.0, whole.1), kind, depth)
    }

    pub fn compare(&mut self, l: u32, r: u32, left: E, op: CmpOp, right: E) -> E {
        let depth = left.depth.max(right.depth);
        self.node(span(l, r), ExprKind::Compare { left: left.boxed(), rest: vec![(op, right.it)] }, depth)
    }

    pub fn compare_more(&mut self, r: u32, chain: E, op: CmpOp, right: E) -> E {
        let Deep { it: mut expr, depth } = chain;
        let whole = span(expr.span.start, r);
        let deeper = right.depth + 1;
        if deeper > depth && self.too_deep(deeper, whole) {
            return self.constant(whole.start, whole.end, Const::None);
        }
        expr.span = whole;
        if let ExprKind::Compare { rest, .. } = &mut expr.kind {
            rest.push((op, right.it));
        }
        Deep { it: expr, depth: depth.max(deeper) }
    }

    pub fn attribute(&mut self, l: u32, value: E, attr: Ident) -> E {
        let depth = value.depth;
        let whole = span(l, attr.span.end);
        self.node(whole, ExprKind::Attribute { value: value.boxed(), attr }, depth)
    }

    pub fn subscript(&mut self, l: u32, r: u32, value: E, index: E) -> E {
        let index = if matches!(index.it.kind, ExprKind::Starred(_)) {
            let at = index.it.span;
            self.tuple(at.start, at.end, index.into_list(), false)
        } else {
            index
        };
        let depth = value.depth.max(index.depth);
        self.node(span(l, r), ExprKind::Subscript { value: value.boxed(), index: index.boxed() }, depth)
    }

    pub fn slice(&mut self, l: u32, r: u32, lower: Option<E>, upper: Option<E>, step: Option<E>) -> E {
        let depth = depth_of(&lower).max(depth_of(&upper)).max(depth_of(&step));
        let [lower, upper, step] = [lower, upper, step].map(|part| part.map(Deep::boxed));
        self.node(span(l, r), ExprKind::Slice { lower, upper, step }, depth)
    }

    pub fn comprehension(
        &mut self,
        before: Option<Deep<Vec<Comprehension>>>,
        is_async: bool,
        target: E,
        iter: E,
        ifs: Deep<Vec<Expr>>,
    ) -> Deep<Vec<Comprehension>> {
        self.check_assign(&target.it, super::target::Use::Loop);
        let depth = target.depth.max(iter.depth).max(ifs.depth) + 1;
        let one = Comprehension { target: target.it, iter: iter.it, ifs: ifs.it, is_async };
        before.unwrap_or_default().push(Deep::new(one, depth))
    }

    fn refuse_unpacking(&mut self, element: &Expr) {
        if matches!(element.kind, ExprKind::Starred(_)) {
            self.error(code::STAR, element.span, "iterable unpacking cannot be used in comprehension");
        }
    }

    pub fn generator(&mut self, l: u32, r: u32, elt: E, generators: Deep<Vec<Comprehension>>) -> E {
        self.refuse_unpacking(&elt.it);
        let depth = elt.depth.max(generators.depth);
        self.node(span(l, r), ExprKind::GeneratorExp { elt: elt.boxed(), generators: generators.it }, depth)
    }

    pub fn list_comp(&mut self, l: u32, r: u32, elt: E, generators: Deep<Vec<Comprehension>>) -> E {
        self.refuse_unpacking(&elt.it);
        let depth = elt.depth.max(generators.depth);
        self.node(span(l, r), ExprKind::ListComp { elt: elt.boxed(), generators: generators.it }, depth)
    }

    pub fn set_comp(&mut self, l: u32, r: u32, elt: E, generators: Deep<Vec<Comprehension>>) -> E {
        self.refuse_unpacking(&elt.it);
        let depth = elt.depth.max(generators.depth);
        self.node(span(l, r), ExprKind::SetComp { elt: elt.boxed(), generators: generators.it }, depth)
    }

    pub fn dict_comp(
        &mut self,
        l: u32,
        r: u32,
        pair: Deep<(Option<Expr>, Expr)>,
        generators: Deep<Vec<Comprehension>>,
    ) -> E {
        let depth = pair.depth.max(generators.depth);
        let (key, value) = pair.it;
        let key = key.unwrap_or_else(|| {
            let message = "dict unpacking cannot be used in dict comprehension";
            self.error(code::STAR, span(l + 1, l + 3), message);
            value.clone()
        });
        let kind = ExprKind::DictComp { key: Box::new(key), value: Box::new(value), generators: generators.it };
        self.node(span(l, r), kind, depth)
    }
}
