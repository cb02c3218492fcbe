//! Warnings about code that is legal but hardly means what it says: `x is 5`, `"a" (b)`, `assert (x, "why")`.

use conc_grammar::ast::{CmpOp, Expr, ExprKind, Span};

use super::unit::Compiler;
use crate::bytecode::template::Const;

impl Compiler<'_> {
    /// `is` with a literal. `negated`: the comparison stands under a `not`, which compiling takes into it.
    pub fn doubt_identity(&mut self, left: &Expr, rest: &[(CmpOp, Expr)], negated: bool, span: Span) {
        let mut left = self.identity_literal(left);
        for (op, right) in rest {
            let right = self.identity_literal(right);
            if let (CmpOp::Is | CmpOp::IsNot, Some(kind)) = (op, left.or(right)) {
                let is = (*op == CmpOp::Is) != (negated && rest.len() == 1);
                let (found, better) = if is { ("is", "==") } else { ("is not", "!=") };
                return self.warn(format!("\"{found}\" with '{kind}' literal. Did you mean \"{better}\"?"), span);
            }
            left = right;
        }
    }

    /// The type of a literal that is not the only object of its value.
    fn identity_literal(&self, e: &Expr) -> Option<&'static str> {
        self.constant(e).as_ref().and_then(|value| match value {
            Const::None | Const::True | Const::False | Const::Ellipsis => None,
            value => Some(type_of(value)),
        })
    }

    /// A call of something that is never callable.
    pub fn doubt_call(&mut self, func: &Expr) {
        if matches!(func.kind, ExprKind::Lambda { .. }) {
            return;
        }
        if let Some(kind) = self.known_type(func) {
            self.warn(format!("'{kind}' object is not callable; perhaps you missed a comma?"), func.span);
        }
    }

    /// An item of something that has none, or by an index it never has.
    pub fn doubt_subscript(&mut self, value: &Expr, index: &Expr) {
        let Some(kind) = self.known_type(value) else { return };
        match kind {
            "str" | "bytes" | "tuple" | "list" => {
                let Some(index) = self.known_type(index).filter(|t| !matches!(*t, "int" | "bool")) else { return };
                let message =
                    format!("{kind} indices must be integers or slices, not {index}; perhaps you missed a comma?");
                self.warn(message, value.span);
            }
            "dict" => {}
            _ => {
                let message = format!("'{kind}' object is not subscriptable; perhaps you missed a comma?");
                self.warn(message, value.span);
            }
        }
    }

    /// An assertion about a tuple, which is true unless it is empty.
    pub fn doubt_assertion(&mut self, test: &Expr, span: Span) {
        if matches!(&test.kind, ExprKind::Tuple { items, .. } if !items.is_empty()) {
            self.warn("assertion is always true, perhaps remove parentheses?", span);
        }
    }

    /// The type of an expression whose form tells it.
    fn known_type(&self, e: &Expr) -> Option<&'static str> {
        Some(match &e.kind {
            ExprKind::Tuple { .. } => "tuple",
            ExprKind::List(_) | ExprKind::ListComp { .. } => "list",
            ExprKind::Dict(_) | ExprKind::DictComp { .. } => "dict",
            ExprKind::Set(_) | ExprKind::SetComp { .. } => "set",
            ExprKind::GeneratorExp { .. } => "generator",
            ExprKind::Lambda { .. } => "function",
            ExprKind::JoinedStr(_) => "str",
            _ => return self.constant(e).as_ref().map(type_of),
        })
    }
}

fn type_of(value: &Const) -> &'static str {
    match value {
        Const::None => "NoneType",
        Const::True | Const::False => "bool",
        Const::Ellipsis => "ellipsis",
        Const::Int(_) | Const::BigInt { .. } => "int",
        Const::Float(_) => "float",
        Const::Complex(..) => "complex",
        Const::Str(_) => "str",
        Const::Bytes(_) => "bytes",
        Const::Tuple(_) => "tuple",
        Const::FrozenSet(_) => "frozenset",
    }
}
