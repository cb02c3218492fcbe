//! `from __future__ import ...`: only known features, only at the top.

use conc_grammar::ast::{Alias, Const, ExprKind, Stmt, StmtKind};

use super::error::CompileError;

const FEATURES: &[&str] = &[
    "nested_scopes",
    "generators",
    "division",
    "absolute_import",
    "with_statement",
    "print_function",
    "unicode_literals",
    "barry_as_FLUFL",
    "generator_stop",
    "annotations",
];

/// Checks the future imports at the top of a body; says whether annotations are to stay unevaluated.
pub fn check(body: &[Stmt], errors: &mut Vec<CompileError>) -> bool {
    let mut annotations = false;
    let start = usize::from(body.first().is_some_and(is_docstring));
    for stmt in &body[start..] {
        let Some(names) = future_import(stmt) else { break };
        for alias in names {
            check_feature(alias, errors);
            annotations |= &*alias.name.name == "annotations";
        }
    }
    annotations
}

/// The names of a `from __future__ import` statement.
pub fn future_import(stmt: &Stmt) -> Option<&[Alias]> {
    match &stmt.kind {
        StmtKind::ImportFrom { module: Some(module), names, level: 0 } if &*module.name == "__future__" => Some(names),
        _ => None,
    }
}

/// Whether the future imports end before this statement.
pub fn is_docstring(stmt: &Stmt) -> bool {
    matches!(&stmt.kind, StmtKind::Expr(e) if matches!(e.kind, ExprKind::Const(Const::Str(_))))
}

fn check_feature(alias: &Alias, errors: &mut Vec<CompileError>) {
    let name = &*alias.name.name;
    if name == "braces" {
        errors.push(CompileError::new("not a chance", alias.name.span));
    } else if !FEATURES.contains(&name) {
        errors.push(CompileError::new(format!("future feature {name} is not defined"), alias.name.span));
    }
}
