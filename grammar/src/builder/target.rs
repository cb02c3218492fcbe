//! What may be assigned to, deleted and annotated.

use super::Builder;
use crate::ast::*;
use crate::diagnostic::{Diagnostic, code};

/// Where a target stands; CPython's messages differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The only target of a statement with one `=`, where `==` may have been meant.
    LoneAssign,
    /// Any other assignment.
    Assign,
    /// `for`, comprehensions and `with`.
    Loop,
    Delete,
}

/// CPython's name for a kind of expression.
pub fn description(kind: &ExprKind) -> &'static str {
    use ExprKind::*;
    match kind {
        Name(_) => "name",
        Const(c) => match c {
            crate::ast::Const::None => "None",
            crate::ast::Const::True => "True",
            crate::ast::Const::False => "False",
            crate::ast::Const::Ellipsis => "ellipsis",
            _ => "literal",
        },
        JoinedStr(_) => "f-string expression",
        BoolOp { .. } | BinOp { .. } | UnaryOp { .. } => "expression",
        Compare { .. } => "comparison",
        Call { .. } => "function call",
        Attribute { .. } => "attribute",
        Subscript { .. } => "subscript",
        Slice { .. } => "slice",
        Starred(_) => "starred",
        Tuple { .. } => "tuple",
        List(_) => "list",
        Set(_) => "set display",
        Dict(_) => "dict literal",
        Lambda { .. } => "lambda",
        IfExp { .. } => "conditional expression",
        ListComp { .. } => "list comprehension",
        SetComp { .. } => "set comprehension",
        DictComp { .. } => "dict comprehension",
        GeneratorExp { .. } => "generator expression",
        Named { .. } => "named expression",
        Await(_) => "await expression",
        Yield(_) | YieldFrom(_) => "yield expression",
    }
}

impl Builder<'_> {
    /// Notes what in `target` cannot be assigned to.
    pub fn check_assign(&mut self, target: &Expr, usage: Use) {
        if let ExprKind::Starred(_) = target.kind
            && usage != Use::Delete
        {
            let message = "starred assignment target must be in a list or tuple";
            return self.error(code::TARGET, target.span, message);
        }
        if let Some(bad) = first_invalid(target, usage) {
            self.refuse_target(bad, usage, std::ptr::eq(bad, target));
        }
    }

    fn refuse_target(&mut self, bad: &Expr, usage: Use, whole: bool) {
        let what = description(&bad.kind);
        if matches!(bad.kind, ExprKind::Yield(_) | ExprKind::YieldFrom(_))
            && usage != Use::Delete
            && whole
            && !self.parenthesized(bad)
        {
            return self.error(code::TARGET, bad.span, "assignment to yield expression not possible");
        }
        let verb = if usage == Use::Delete { "delete" } else { "assign to" };
        let mut message = format!("cannot {verb} {what}");
        if usage == Use::LoneAssign && whole && may_be_comparison(&bad.kind) {
            message.push_str(" here. Maybe you meant '==' instead of '='?");
        }
        self.error(code::TARGET, bad.span, message);
    }

    fn parenthesized(&self, expr: &Expr) -> bool {
        self.source[..expr.span.start as usize].trim_end().ends_with('(')
    }

    pub fn check_augmented(&mut self, target: &Expr) {
        if !matches!(target.kind, ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. }) {
            let what = description(&target.kind);
            let message = format!("'{what}' is an illegal expression for augmented assignment");
            self.error(code::TARGET, target.span, message);
        }
    }

    pub fn check_annotated(&mut self, target: &Expr) {
        let (span, message) = match &target.kind {
            ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => return,
            ExprKind::List(_) => (target.span, "only single target (not list) can be annotated"),
            ExprKind::Tuple { parenthesized: true, .. } => {
                (target.span, "only single target (not tuple) can be annotated")
            }
            ExprKind::Tuple { items, .. } => (items[0].span, "only single target (not tuple) can be annotated"),
            _ => (target.span, "illegal target for annotation"),
        };
        self.report(Diagnostic::new(code::TARGET, span, message));
    }
}

/// The leftmost part that is no target. Recursion is bounded by the depth of the tree.
fn first_invalid(target: &Expr, usage: Use) -> Option<&Expr> {
    match &target.kind {
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => None,
        ExprKind::Tuple { items, .. } | ExprKind::List(items) => items.iter().find_map(|i| first_invalid(i, usage)),
        ExprKind::Starred(value) if usage != Use::Delete => first_invalid(value, usage),
        _ => Some(target),
    }
}

/// CPython suggests `==` only for what could be the left side of a comparison.
fn may_be_comparison(kind: &ExprKind) -> bool {
    use ExprKind::*;
    match kind {
        Const(c) => !matches!(c, crate::ast::Const::None | crate::ast::Const::True | crate::ast::Const::False),
        BoolOp { .. } | Compare { .. } | IfExp { .. } | Lambda { .. } | GeneratorExp { .. } => false,
        UnaryOp { op, .. } => *op != crate::ast::UnaryOp::Not,
        _ => true,
    }
}
