//! Walks over the tree that answer small questions: how big, does it bind a name, which names does it unbind.

use conc_grammar::ast::{Arg, Expr, ExprKind, FPart, Handler, Params, Stmt, StmtKind};

/// Calls `f` on every direct child expression that runs in the same scope as `e` (comprehensions count, lambdas
/// give their defaults only).
pub fn children<'a>(e: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    use ExprKind::*;
    match &e.kind {
        Name(_) | Const(_) => {}
        JoinedStr(parts) => parts.iter().for_each(|p| fpart(p, f)),
        BoolOp { values: items, .. } | Tuple { items, .. } | List(items) | Set(items) => items.iter().for_each(f),
        BinOp { left, right, .. } => {
            f(left);
            f(right);
        }
        UnaryOp { operand: value, .. } | Starred(value) | Await(value) | YieldFrom(value) | Named { value, .. } => {
            f(value)
        }
        Compare { left, rest } => {
            f(left);
            rest.iter().for_each(|(_, e)| f(e));
        }
        Call { func, args } => {
            f(func);
            args.iter().for_each(|a| f(arg_value(a)));
        }
        Attribute { value, .. } => f(value),
        Subscript { value, index } => {
            f(value);
            f(index);
        }
        Slice { lower, upper, step } => [lower, upper, step].into_iter().flatten().for_each(|e| f(e)),
        Dict(pairs) => {
            for (key, value) in pairs {
                if let Some(key) = key {
                    f(key);
                }
                f(value);
            }
        }
        Lambda { params, .. } => defaults(params, f),
        IfExp { test, body, orelse } => {
            f(test);
            f(body);
            f(orelse);
        }
        ListComp { elt, generators } | SetComp { elt, generators } | GeneratorExp { elt, generators } => {
            generators_children(generators, f);
            f(elt);
        }
        DictComp { key, value, generators } => {
            generators_children(generators, f);
            f(key);
            f(value);
        }
        Yield(value) => value.iter().for_each(|e| f(e)),
    }
}

fn generators_children<'a>(generators: &'a [conc_grammar::ast::Comprehension], f: &mut dyn FnMut(&'a Expr)) {
    for generator in generators {
        f(&generator.iter);
        f(&generator.target);
        generator.ifs.iter().for_each(&mut *f);
    }
}

fn fpart<'a>(part: &'a FPart, f: &mut dyn FnMut(&'a Expr)) {
    if let FPart::Field { value, spec, .. } = part {
        f(value);
        spec.iter().flatten().for_each(|p| fpart(p, f));
    }
}

fn defaults<'a>(params: &'a Params, f: &mut dyn FnMut(&'a Expr)) {
    params.positional.iter().chain(&params.kwonly).filter_map(|p| p.default.as_ref()).for_each(f);
}

pub fn arg_value(arg: &Arg) -> &Expr {
    match arg {
        Arg::Positional(e) | Arg::Star(e) | Arg::Keyword(_, e) | Arg::DoubleStar(e) => e,
    }
}

/// Whether some expression in `e` satisfies the test.
pub fn any(e: &Expr, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
    if test(e) {
        return true;
    }
    let mut found = false;
    children(e, &mut |child| found = found || any(child, test));
    found
}

/// Whether evaluating `e` can bind a name by `:=`.
pub fn binds(e: &Expr, is_name: &mut dyn FnMut(&str) -> bool) -> bool {
    any(e, &mut |e| matches!(&e.kind, ExprKind::Named { target, .. } if is_name(&target.name)))
}

/// Whether a loop may hold two copies of its condition: small, and free of code objects and suspension.
pub fn is_cheap_to_repeat(e: &Expr) -> bool {
    let mut left = 30;
    !any(e, &mut |e| {
        left -= 1;
        left <= 0 || is_heavy(&e.kind)
    })
}

fn is_heavy(kind: &ExprKind) -> bool {
    use ExprKind::*;
    matches!(
        kind,
        Lambda { .. }
            | ListComp { .. }
            | SetComp { .. }
            | DictComp { .. }
            | GeneratorExp { .. }
            | Await(_)
            | Yield(_)
            | YieldFrom(_)
    )
}

/// Calls `f` with every name that the statements may unbind: `del x`, and `except ... as x` at its end.
pub fn unbound_names<'a>(body: &'a [Stmt], f: &mut dyn FnMut(&'a str)) {
    for stmt in body {
        match &stmt.kind {
            StmtKind::Delete(targets) => targets.iter().for_each(|t| deleted_names(t, f)),
            StmtKind::Try { handlers, .. } => {
                for Handler { name, .. } in handlers {
                    if let Some(name) = name {
                        f(&name.name);
                    }
                }
            }
            _ => {}
        }
        bodies(stmt, &mut |body| unbound_names(body, f));
    }
}

fn deleted_names<'a>(target: &'a Expr, f: &mut dyn FnMut(&'a str)) {
    match &target.kind {
        ExprKind::Name(name) => f(name),
        ExprKind::Tuple { items, .. } | ExprKind::List(items) => items.iter().for_each(|t| deleted_names(t, f)),
        _ => {}
    }
}

/// Calls `f` on every block of statements of `stmt` that runs in the same scope.
pub fn bodies<'a>(stmt: &'a Stmt, f: &mut dyn FnMut(&'a [Stmt])) {
    use StmtKind::*;
    match &stmt.kind {
        If { body, orelse, .. } | While { body, orelse, .. } | For { body, orelse, .. } => {
            f(body);
            f(orelse);
        }
        With { body, .. } => f(body),
        Try { body, handlers, orelse, finalbody, .. } => {
            f(body);
            handlers.iter().for_each(|h| f(&h.body));
            f(orelse);
            f(finalbody);
        }
        Match { cases, .. } => cases.iter().for_each(|c| f(&c.body)),
        _ => {}
    }
}

/// Whether the statements annotate some simple name (so the namespace needs `__annotations__`).
pub fn has_annotations(body: &[Stmt]) -> bool {
    body.iter().any(|stmt| {
        let mut found = matches!(stmt.kind, StmtKind::AnnAssign { .. });
        bodies(stmt, &mut |body| found = found || has_annotations(body));
        found
    })
}
