//! `try` in all its forms.

use conc_grammar::ast::{Handler, Span, Stmt};

use super::assemble::{Label, Reg};
use super::blocks::BlockKind;
use super::bound::Bound;
use super::unit::Compiler;
use crate::bytecode::op::Op;

/// A handler being emitted.
struct Entered {
    /// The exception.
    exc: Reg,
    /// What was being handled before.
    saved: Reg,
    /// Where exceptions raised in the handler itself go.
    cleanup: Label,
    cleanup_exc: Reg,
}

impl<'a> Compiler<'a> {
    pub fn try_stmt(
        &mut self,
        body: &'a [Stmt],
        handlers: &'a [Handler],
        orelse: &'a [Stmt],
        finalbody: &'a [Stmt],
        star: bool,
        span: Span,
    ) {
        if finalbody.is_empty() {
            return self.try_except(body, handlers, orelse, star, span);
        }
        let before = self.unit.bound.clone();
        let handler = self.label();
        let end = self.label();
        self.push_block(BlockKind::Finally(finalbody), Some((handler, self.top())), span);
        if handlers.is_empty() {
            self.stmts(body);
            self.stmts(orelse);
        } else {
            self.try_except(body, handlers, orelse, star, span);
        }
        self.pop_block();
        if self.unit.bound.is_reachable() {
            self.stmts(finalbody);
            self.jump_on(end);
        }
        let after = std::mem::replace(&mut self.unit.bound, before);
        let mut bodies = vec![body, orelse];
        bodies.extend(handlers.iter().map(|h| &*h.body));
        self.unit.bound = self.bound_amid(&self.unit.bound, &bodies);
        self.unbind_handler_names(handlers);
        let entered = self.enter_handler(handler, span);
        self.stmts(finalbody);
        self.reraise(&entered);
        self.emit_cleanup(&entered);
        self.unit.bound = after;
        self.bind(end);
    }

    fn unbind_handler_names(&mut self, handlers: &'a [Handler]) {
        for name in handlers.iter().filter_map(|h| h.name.as_ref()) {
            if let Some(reg) = self.local_register(&name.name) {
                self.unit.bound.remove(reg);
            }
        }
    }

    /// Begins the code at `handler`; from here on exceptions go to its cleanup.
    fn enter_handler(&mut self, handler: Label, span: Span) -> Entered {
        self.bind(handler);
        let (exc, saved) = (self.alloc(), self.alloc());
        self.mark(span);
        self.emit(Op::PushExc, 0, saved, exc, 0);
        let cleanup = self.label();
        let cleanup_exc = self.alloc();
        self.release(cleanup_exc);
        self.push_block(BlockKind::Handler { saved }, Some((cleanup, cleanup_exc)), span);
        Entered { exc, saved, cleanup, cleanup_exc }
    }

    /// Ends a handler by raising its exception again.
    fn reraise(&mut self, entered: &Entered) {
        self.pop_block();
        self.emit(Op::PopExc, 0, entered.saved, 0, 0);
        self.emit(Op::Reraise, 0, entered.exc, 0, 0);
    }

    fn emit_cleanup(&mut self, entered: &Entered) {
        self.bind(entered.cleanup);
        self.emit(Op::PopExc, 0, entered.saved, 0, 0);
        self.emit(Op::Reraise, 0, entered.cleanup_exc, 0, 0);
        self.release(entered.exc);
    }

    fn try_except(&mut self, body: &'a [Stmt], handlers: &'a [Handler], orelse: &'a [Stmt], star: bool, span: Span) {
        let amid = self.bound_amid(&self.unit.bound, &[body]);
        let (handler, end) = (self.label(), self.label());
        self.push_block(BlockKind::Try, Some((handler, self.top())), span);
        self.stmts(body);
        self.pop_block();
        self.stmts(orelse);
        self.jump_on(end);
        let after = std::mem::replace(&mut self.unit.bound, amid);
        let entered = self.enter_handler(handler, span);
        let handled =
            if star { self.star_clauses(handlers, &entered, end) } else { self.clauses(handlers, &entered, end) };
        self.emit_cleanup(&entered);
        self.unit.bound = after;
        self.unit.bound.meet(&handled);
        self.bind(end);
    }

    // ---- except

    /// The clauses of a handler, up to and including raising again what none of them takes.
    fn clauses(&mut self, handlers: &'a [Handler], entered: &Entered, end: Label) -> Bound {
        let mut after = Bound::unreachable();
        for (i, handler) in handlers.iter().enumerate() {
            let last = i + 1 == handlers.len();
            if handler.typ.is_none() && !last {
                self.error("default 'except:' must be last", handler.span);
            }
            let top = self.top();
            let next = self.label();
            if let Some(typ) = &handler.typ {
                let typ_reg = self.expr_any(typ);
                self.mark(typ.span);
                self.unit.asm.branch(Op::JumpNoMatch, 0, entered.exc, typ_reg, next);
            }
            self.release(top);
            let before = self.unit.bound.clone();
            self.clause_body(handler, entered, end);
            after.meet(&self.unit.bound);
            self.unit.bound = before;
            self.bind(next);
        }
        if handlers.last().is_some_and(|h| h.typ.is_some()) {
            self.reraise(entered);
        } else {
            self.pop_block();
        }
        after
    }

    fn clause_body(&mut self, handler: &'a Handler, entered: &Entered, end: Label) {
        let Some(name) = &handler.name else {
            self.stmts(&handler.body);
            return self.leave_clause(entered, end);
        };
        self.store_name(&name.name, entered.exc, name.span);
        let (cleanup, exc) = (self.label(), self.top());
        self.push_block(BlockKind::Name(name), Some((cleanup, exc)), handler.span);
        self.stmts(&handler.body);
        self.pop_block();
        if self.unit.bound.is_reachable() {
            self.unbind_name(name);
        }
        self.leave_clause(entered, end);
        let after = self.unit.bound.clone();
        self.bind(cleanup);
        let exc = self.alloc();
        self.unbind_name(name);
        self.emit(Op::Reraise, 0, exc, 0, 0);
        self.release(exc);
        self.unit.bound = after;
    }

    fn leave_clause(&mut self, entered: &Entered, end: Label) {
        if self.unit.bound.is_reachable() {
            self.emit(Op::PopExc, 0, entered.saved, 0, 0);
            self.unit.asm.jump(end);
        }
    }

    // ---- except*

    /// The clauses of an `except*` handler, each given its share of the group; what they raise is joined at the end.
    fn star_clauses(&mut self, handlers: &'a [Handler], entered: &Entered, end: Label) -> Bound {
        let (raised, rest) = (self.alloc(), self.alloc());
        self.emit(Op::List, 0, raised, 0, 0);
        self.move_to(rest, entered.exc);
        let before = self.unit.bound.clone();
        for handler in handlers {
            self.unit.bound = self.bound_amid(&before, &[&handler.body]);
            self.star_clause(handler, raised, rest);
        }
        let bodies: Vec<&'a [Stmt]> = handlers.iter().map(|h| &*h.body).collect();
        self.unit.bound = self.bound_amid(&before, &bodies);
        self.unbind_handler_names(handlers);
        let done = self.label();
        let no_rest = self.label();
        self.unit.asm.branch(Op::JumpNone, 0, rest, 0, no_rest);
        self.emit(Op::ListAppend, 0, raised, rest, 0);
        self.bind(no_rest);
        self.emit(Op::JoinGroup, 0, rest, entered.exc, raised);
        self.pop_block();
        self.emit(Op::PopExc, 0, entered.saved, 0, 0);
        self.unit.asm.branch(Op::JumpNone, 0, rest, 0, done);
        self.emit(Op::Reraise, 0, rest, 0, 0);
        self.bind(done);
        self.unit.asm.jump(end);
        self.release(raised);
        self.unit.bound.clone()
    }

    fn star_clause(&mut self, handler: &'a Handler, raised: Reg, rest: Reg) {
        let top = self.top();
        let next = self.label();
        let split = self.alloc_n(2);
        if let Some(typ) = &handler.typ {
            let typ_reg = self.expr_any(typ);
            self.mark(typ.span);
            self.emit(Op::SplitGroup, 0, split, rest, typ_reg);
        }
        self.move_to(rest, split + 1);
        self.unit.asm.branch(Op::JumpNone, 0, split, 0, next);
        // The share is what is being handled in the body.
        let saved = split + 1;
        self.emit(Op::PushExc, 0, saved, split, 0);
        if let Some(name) = &handler.name {
            self.store_name(&name.name, split, name.span);
        }
        self.release(split + 2);
        let (failed, exc) = (self.label(), self.top());
        self.push_block(BlockKind::Star, Some((failed, exc)), handler.span);
        self.stmts(&handler.body);
        self.pop_block();
        self.end_star_clause(handler, saved);
        self.unit.asm.jump(next);
        self.bind(failed);
        let exc = self.alloc();
        self.emit(Op::ListAppend, 0, raised, exc, 0);
        self.end_star_clause(handler, saved);
        self.bind(next);
        self.release(top);
    }

    fn end_star_clause(&mut self, handler: &'a Handler, saved: Reg) {
        if let Some(name) = &handler.name {
            self.unbind_name(name);
        }
        self.emit(Op::PopExc, 0, saved, 0, 0);
    }
}
