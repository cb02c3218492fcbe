//! Loops: `while`, `for`, `async for`, `break` and `continue`.
//!
//! A loop tests at its bottom: one jump a turn. A small condition is compiled twice, at the entry too.

use conc_grammar::ast::{Expr, ExprKind, Span, Stmt, StmtKind};

use super::assemble::{Label, Reg};
use super::blocks::{BlockKind, LoopBlock};
use super::bound::Bound;
use super::unit::Compiler;
use crate::bytecode::op::Op;

impl<'a> Compiler<'a> {
    fn push_loop(&mut self, on_break: Label, on_continue: Label, span: Span) {
        let block = LoopBlock { on_break, on_continue, break_bound: Bound::unreachable() };
        self.push_block(BlockKind::Loop(block), None, span);
    }

    /// What is bound at the breaks of the loop that ends here.
    fn pop_loop(&mut self) -> Bound {
        match self.pop_block() {
            Some(BlockKind::Loop(block)) => block.break_bound,
            _ => Bound::unreachable(),
        }
    }

    pub fn while_stmt(&mut self, test: &'a Expr, body: &'a [Stmt], orelse: &'a [Stmt], span: Span) {
        let (top, next, end) = (self.label(), self.label(), self.label());
        match self.known_truth(test) {
            Some(false) => {
                self.discard(|c| {
                    c.bind(top);
                    c.bind(next);
                    c.push_loop(end, next, span);
                    c.stmts(body);
                    c.pop_loop();
                });
                self.stmts(orelse);
            }
            Some(true) => {
                self.unit.bound = self.bound_amid(&self.unit.bound, &[body]);
                self.bind(top);
                self.push_loop(end, top, span);
                self.stmts(body);
                let breaks = self.pop_loop();
                self.unit.asm.jump(top);
                self.discard(|c| c.stmts(orelse));
                self.unit.bound = breaks;
            }
            None => {
                let breaks = self.tested_loop(test, body, [top, next, end], span);
                self.stmts(orelse);
                self.unit.bound.meet(&breaks);
            }
        }
        self.bind(end);
    }

    /// A loop whose condition is known only at run time, up to its `else`; what is bound at its breaks.
    fn tested_loop(&mut self, test: &'a Expr, body: &'a [Stmt], labels: [Label; 3], span: Span) -> Bound {
        let [top, next, end] = labels;
        let otherwise = self.label();
        if self.may_repeat(test) {
            self.cond(test, otherwise, false);
        } else {
            self.unit.asm.jump(next);
        }
        let before = self.bound_amid(&self.unit.bound, &[body]);
        self.unit.bound = before.clone();
        self.bind(top);
        self.push_loop(end, next, span);
        self.stmts(body);
        let breaks = self.pop_loop();
        self.bind(next);
        self.unit.bound = before;
        self.cond(test, top, true);
        self.bind(otherwise);
        breaks
    }

    pub fn for_stmt(&mut self, target: &'a Expr, iter: &'a Expr, body: &'a [Stmt], orelse: &'a [Stmt], span: Span) {
        let state = self.alloc_n(4);
        let iterable = self.expr_any(iter);
        self.mark(iter.span);
        self.emit(Op::GetIter, 0, state, iterable, 0);
        self.release(state + 4);
        let (top, next, end) = (self.label(), self.label(), self.label());
        self.unit.asm.jump(next);
        let before = self.bound_amid(&self.unit.bound, &[body]);
        self.unit.bound = before.clone();
        self.bind(top);
        self.push_loop(end, next, span);
        let item = self.loop_item(target);
        self.finish_loop_item(target, item);
        self.stmts(body);
        let breaks = self.pop_loop();
        self.bind(next);
        self.unit.bound = before;
        self.mark(iter.span);
        self.unit.asm.branch(Op::ForNext, 0, state, item, top);
        self.stmts(orelse);
        self.unit.bound.meet(&breaks);
        self.bind(end);
    }

    /// The register that a loop puts its items into: the target's own if that is a plain local.
    pub fn loop_item(&mut self, target: &'a Expr) -> Reg {
        match &target.kind {
            ExprKind::Name(name) if &**name != "__debug__" => self.local_register(name),
            _ => None,
        }
        .unwrap_or_else(|| self.alloc())
    }

    pub fn finish_loop_item(&mut self, target: &'a Expr, item: Reg) {
        if self.is_temp(item) { self.assign(target, item) } else { self.unit.bound.add(item) }
    }

    pub fn async_for(&mut self, target: &'a Expr, iter: &'a Expr, body: &'a [Stmt], orelse: &'a [Stmt], span: Span) {
        if !self.scope().is_async {
            self.error("'async for' outside async function", span);
        }
        let iterator = self.alloc();
        let iterable = self.expr_any(iter);
        self.mark(iter.span);
        self.emit(Op::GetAiter, 0, iterator, iterable, 0);
        self.release(iterator + 1);
        let (otherwise, end) = (self.label(), self.label());
        let before = self.bound_amid(&self.unit.bound, &[body]);
        self.unit.bound = before.clone();
        let next = self.unit.asm.label_here();
        self.push_loop(end, next, span);
        let item = self.emit_async_next(iterator, otherwise, iter.span);
        self.assign(target, item);
        self.stmts(body);
        let breaks = self.pop_loop();
        self.unit.asm.jump(next);
        self.bind(otherwise);
        self.unit.bound = before;
        self.stmts(orelse);
        self.unit.bound.meet(&breaks);
        self.bind(end);
    }

    // ---- leaving

    fn innermost_loop(&self) -> Option<usize> {
        self.unit.blocks.iter().rposition(|b| matches!(b.kind, BlockKind::Loop(_)))
    }

    pub fn break_stmt(&mut self, span: Span) {
        let Some(depth) = self.innermost_loop() else {
            self.refuse_in_except_star(0, span);
            if !self.in_except_star() {
                self.error("'break' outside loop", span);
            }
            return;
        };
        self.refuse_in_except_star(depth, span);
        self.emit_leaving(depth + 1);
        let bound = std::mem::replace(&mut self.unit.bound, Bound::unreachable());
        if let Some(BlockKind::Loop(block)) = self.unit.blocks.get_mut(depth).map(|b| &mut b.kind) {
            block.break_bound.meet(&bound);
            let target = block.on_break;
            self.mark(span);
            self.unit.asm.jump(target);
        }
    }

    pub fn continue_stmt(&mut self, span: Span) {
        let Some(depth) = self.innermost_loop() else {
            self.refuse_in_except_star(0, span);
            if !self.in_except_star() {
                self.error("'continue' not properly in loop", span);
            }
            return;
        };
        self.refuse_in_except_star(depth, span);
        self.emit_leaving(depth + 1);
        self.unit.bound = Bound::unreachable();
        if let Some(BlockKind::Loop(block)) = self.unit.blocks.get(depth).map(|b| &b.kind) {
            let target = block.on_continue;
            self.mark(span);
            self.unit.asm.jump(target);
        }
    }

    /// `if test: break` or `continue` straight in a loop is one conditional jump.
    pub fn leave_loop_if(&mut self, test: &'a Expr, body: &'a [Stmt]) -> bool {
        let Some(BlockKind::Loop(block)) = self.unit.blocks.last().map(|b| &b.kind) else { return false };
        let is_break = match body {
            [Stmt { kind: StmtKind::Break, .. }] => true,
            [Stmt { kind: StmtKind::Continue, .. }] => false,
            _ => return false,
        };
        let target = if is_break { block.on_break } else { block.on_continue };
        self.cond(test, target, true);
        let bound = self.unit.bound.clone();
        if is_break && let Some(BlockKind::Loop(block)) = self.unit.blocks.last_mut().map(|b| &mut b.kind) {
            block.break_bound.meet(&bound);
        }
        true
    }

    fn in_except_star(&self) -> bool {
        self.unit.blocks.iter().any(|b| matches!(b.kind, BlockKind::Star))
    }
}
