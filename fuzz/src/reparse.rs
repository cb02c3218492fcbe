//! Every expression of a tree, written as text and parsed again.

#[path = "../../grammar/tests/support/mod.rs"]
#[allow(dead_code)]
mod support;

use conc_grammar::ast::*;
use conc_grammar::{parse_expression, unparse};

pub fn module(module: &Module) {
    block(&module.body);
}

fn block(body: &[Stmt]) {
    body.iter().for_each(statement);
}

fn statement(statement: &Stmt) {
    use StmtKind::*;
    match &statement.kind {
        Expr(e) => expression(e),
        Assign { value, .. } | AugAssign { value, .. } => expression(value),
        AnnAssign { annotation, value, .. } => {
            expression(annotation);
            value.iter().for_each(expression);
        }
        Return(value) => value.iter().for_each(expression),
        If { test, body, orelse } | While { test, body, orelse } => {
            expression(test);
            block(body);
            block(orelse);
        }
        For { iter, body, orelse, .. } => {
            expression(iter);
            block(body);
            block(orelse);
        }
        With { items, body, .. } => {
            items.iter().for_each(|i| expression(&i.context));
            block(body);
        }
        Try { body, handlers, orelse, finalbody, .. } => {
            block(body);
            handlers.iter().for_each(|h| block(&h.body));
            block(orelse);
            block(finalbody);
        }
        FunctionDef(f) => {
            f.decorators.iter().chain(&f.returns).for_each(expression);
            block(&f.body);
        }
        ClassDef(c) => {
            c.decorators.iter().for_each(expression);
            block(&c.body);
        }
        Match { subject, cases } => {
            expression(subject);
            for case in cases {
                case.guard.iter().for_each(expression);
                block(&case.body);
            }
        }
        _ => {}
    }
}

/// The text of an expression parses to the same tree.
pub fn expression(expr: &Expr) {
    if matches!(expr.kind, ExprKind::Starred(_)) {
        return;
    }
    let text = unparse(expr);
    let again = match parse_expression(&text).into_result() {
        Ok(again) => again,
        // Parentheses and nested quotes that the text needs count as nesting, too.
        Err(found) if found[0].message.starts_with("too ") => return,
        Err(found) => panic!("{text:?} does not parse: {}", found[0].message),
    };
    assert_eq!(unparse(&again), text);
    assert_eq!(support::dump_expr(&again), support::dump_expr(expr), "{text:?}");
}
