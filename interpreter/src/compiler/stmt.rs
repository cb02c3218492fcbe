//! Statements.

use conc_grammar::ast::{Expr, ExprKind, Span, Stmt, StmtKind};

use super::assemble::Reg;
use super::blocks::BlockKind;
use super::bound::Bound;
use super::call::CALL_GAP;
use super::entry::Mode;
use super::future;
use super::symbols::ScopeKind;
use super::tree;
use super::unit::Compiler;
use crate::bytecode::op::{Intrinsic, Op, special};
use crate::bytecode::template::{Const, flags};

/// `Op::LoadBuiltin`'s index of `AssertionError`.
const ASSERTION_ERROR: u32 = 0;

impl<'a> Compiler<'a> {
    pub fn module_body(&mut self, body: &'a [Stmt]) {
        let namespace = u16::from(self.unit.flags & flags::NAMESPACE != 0);
        let temp = self.alloc();
        if tree::has_annotations(body) {
            self.emit(Op::Annotations, 0, temp, namespace, 0);
        }
        let is_module = self.options.mode == Mode::Module;
        let rest = if is_module { self.take_docstring(body) } else { body };
        if let Some(doc) = self.unit.doc.clone() {
            self.load_const(temp, Const::Str(doc));
            self.store_mangled("__doc__", temp);
        }
        self.release(temp);
        let futures = rest.iter().take_while(|stmt| future::future_import(stmt).is_some()).count();
        for stmt in &rest[futures..] {
            self.refuse_late_future(stmt);
        }
        self.stmts(rest);
    }

    fn refuse_late_future(&mut self, stmt: &Stmt) {
        if future::future_import(stmt).is_some() {
            self.error("from __future__ imports must occur at the beginning of the file", stmt.span);
        }
        tree::bodies(stmt, &mut |body| body.iter().for_each(|stmt| self.refuse_late_future(stmt)));
    }

    pub fn stmts(&mut self, body: &'a [Stmt]) {
        for stmt in body {
            let top = self.top();
            self.stmt(stmt);
            self.release(top);
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        use StmtKind::*;
        let span = stmt.span;
        match &stmt.kind {
            Expr(e) => self.expr_stmt(e),
            Assign { targets, value } => self.assign_stmt(targets, value),
            AugAssign { target, op, value } => self.aug_assign(target, *op, value, span),
            AnnAssign { target, annotation, value, simple } => {
                self.ann_assign(target, annotation, value.as_ref(), *simple)
            }
            Return(value) => self.return_stmt(value.as_ref(), span),
            Delete(targets) => targets.iter().for_each(|t| self.delete(t)),
            Pass | Global(_) | Nonlocal(_) => {}
            Break => self.break_stmt(span),
            Continue => self.continue_stmt(span),
            If { test, body, orelse } => self.if_stmt(test, body, orelse),
            While { test, body, orelse } => self.with_loop_constants(stmt, |c| c.while_stmt(test, body, orelse, span)),
            For { target, iter, body, orelse, is_async: false } => {
                self.with_loop_constants(stmt, |c| c.for_stmt(target, iter, body, orelse, span))
            }
            For { target, iter, body, orelse, is_async: true } => self.async_for(target, iter, body, orelse, span),
            With { items, body, is_async } => self.with_stmt(items, body, *is_async, span),
            Try { body, handlers, orelse, finalbody, star } => {
                self.try_stmt(body, handlers, orelse, finalbody, *star, span)
            }
            Raise { exc, cause } => self.raise_stmt(exc.as_ref(), cause.as_ref(), span),
            Assert { test, msg } => self.assert_stmt(test, msg.as_ref(), span),
            Import(names) => self.import(names, span),
            ImportFrom { module, names, level } => self.import_from(module.as_ref(), names, *level, span),
            FunctionDef(def) => self.function_def(def, span),
            ClassDef(def) => self.class_def(def, span),
            Match { subject, cases } => self.match_stmt(subject, cases),
            TypeAlias { name, type_params, value } => self.type_alias(stmt, name, type_params, value),
        }
    }

    fn expr_stmt(&mut self, e: &'a Expr) {
        let is_shown = self.options.mode == Mode::Interactive && self.scope().parent.is_none();
        if is_shown {
            let value = self.alloc();
            self.expr_to(e, value);
            self.mark(e.span);
            self.intrinsic(Intrinsic::DisplayHook, value, value, 1);
        } else if !matches!(e.kind, ExprKind::Const(_)) {
            self.expr_any(e);
        }
    }

    fn return_stmt(&mut self, value: Option<&'a Expr>, span: Span) {
        if !matches!(self.scope().kind, ScopeKind::Function) {
            self.error("'return' outside function", span);
            return;
        }
        self.refuse_in_except_star(0, span);
        let constant = value.map_or(Some(Const::None), |e| self.constant(e));
        let reg = match (value, constant) {
            (_, Some(Const::None)) => {
                self.emit_leaving(0);
                self.mark(span);
                self.emit_return_none();
                self.unit.bound = Bound::unreachable();
                return;
            }
            (_, Some(constant)) => {
                self.emit_leaving(0);
                let reg = self.alloc();
                self.load_const(reg, constant);
                reg
            }
            (value, None) => {
                let mut reg = value.map_or(0, |e| self.expr_any(e));
                if self.leaving_runs_code() && !self.is_temp(reg) {
                    let copy = self.alloc();
                    self.move_to(copy, reg);
                    reg = copy;
                }
                self.emit_leaving(0);
                reg
            }
        };
        self.mark(span);
        self.emit_return(reg);
        self.unit.bound = Bound::unreachable();
    }

    /// `break`, `continue` and `return` may not leave an `except*` block.
    pub fn refuse_in_except_star(&mut self, depth: usize, span: Span) {
        if self.unit.blocks[depth..].iter().any(|b| matches!(b.kind, BlockKind::Star)) {
            self.error("'break', 'continue' and 'return' cannot appear in an except* block", span);
        }
    }

    fn if_stmt(&mut self, test: &'a Expr, body: &'a [Stmt], orelse: &'a [Stmt]) {
        if let Some(known) = self.known_truth(test) {
            self.live_or_dead(known, |c| c.stmts(body));
            return self.live_or_dead(!known, |c| c.stmts(orelse));
        }
        if orelse.is_empty() && self.leave_loop_if(test, body) {
            return;
        }
        let (other, end) = (self.label(), self.label());
        self.cond(test, other, false);
        let before = self.unit.bound.clone();
        self.stmts(body);
        if !orelse.is_empty() && self.unit.bound.is_reachable() {
            self.unit.asm.jump(end);
        }
        self.bind(other);
        let after_body = std::mem::replace(&mut self.unit.bound, before);
        self.stmts(orelse);
        self.unit.bound.meet(&after_body);
        self.bind(end);
    }

    fn raise_stmt(&mut self, exc: Option<&'a Expr>, cause: Option<&'a Expr>, span: Span) {
        match (exc, cause) {
            (None, _) => {
                self.mark(span);
                self.emit(Op::RaiseBare, 0, 0, 0, 0);
            }
            (Some(exc), None) => {
                let exc = self.expr_any(exc);
                self.mark(span);
                self.emit(Op::Raise, 0, exc, 0, 0);
            }
            (Some(exc), Some(cause)) => {
                let exc = self.operand(exc, &[cause]);
                let cause = self.expr_any(cause);
                self.mark(span);
                self.emit(Op::RaiseFrom, 0, exc, cause, 0);
            }
        }
        self.unit.bound = Bound::unreachable();
    }

    fn assert_stmt(&mut self, test: &'a Expr, msg: Option<&'a Expr>, span: Span) {
        self.doubt_assertion(test, span);
        if self.options.optimize > 0 {
            return self.discard(|c| {
                c.expr_any(test);
                if let Some(msg) = msg {
                    c.expr_any(msg);
                }
            });
        }
        let end = self.label();
        self.cond(test, end, true);
        let after = self.unit.bound.clone();
        let error = self.alloc();
        self.mark(test.span);
        self.emit_x(Op::LoadBuiltin, 0, error, ASSERTION_ERROR);
        if let Some(msg) = msg {
            self.skip_to(error + CALL_GAP);
            let arg = self.alloc();
            self.expr_to(msg, arg);
            self.mark(test.span);
            self.emit(Op::Call, 0, error, 1, 0);
        }
        self.emit(Op::Raise, 0, error, 0, 0);
        self.unit.bound = after;
        self.bind(end);
    }

    /// The registers of `names` that are plain locals.
    fn registers_of(&self, body: &'a [Stmt]) -> Vec<Reg> {
        let mut regs = Vec::new();
        if self.scope().has_unbind {
            tree::unbound_names(body, &mut |name| regs.extend(self.local_register(name)));
        }
        regs
    }

    /// What is bound when `body` may have been left at any point after a state.
    pub fn bound_amid(&self, before: &Bound, bodies: &[&'a [Stmt]]) -> Bound {
        let mut bound = before.clone();
        for body in bodies {
            for reg in self.registers_of(body) {
                bound.remove(reg);
            }
        }
        bound
    }

    pub fn load_none(&mut self, dest: Reg) {
        self.load_special(dest, special::NONE);
    }
}
