//! `with` and `async with`.
//!
//! The exit method waits in the register pair of a call of its own (`exit` and `exit + 4`) while the body runs above.

use conc_grammar::ast::{Expr, Span, Stmt, WithItem};

use super::assemble::Reg;
use super::blocks::BlockKind;
use super::unit::Compiler;
use crate::bytecode::op::Op;

/// A method's call: callee, the machine's registers, receiver.
const METHOD_BLOCK: u16 = 5;

/// `Op::LoadSpecialMethod`'s aux: `__enter__` or `__aenter__`, and the exit one behind it.
const ENTER: u8 = 0;
const AENTER: u8 = 2;

/// `Op::GetAwaitable`'s aux.
const FROM_AENTER: u8 = 1;
const FROM_AEXIT: u8 = 2;

impl<'a> Compiler<'a> {
    pub fn with_stmt(&mut self, items: &'a [WithItem], body: &'a [Stmt], is_async: bool, span: Span) {
        let Some((item, rest)) = items.split_first() else { return self.stmts(body) };
        if is_async && !self.scope().is_async {
            self.error("'async with' outside async function", span);
        }
        let place = item.context.span;
        let exit = self.enter_context(&item.context, is_async);
        let value = exit + METHOD_BLOCK;
        let (handler, end) = (self.label(), self.label());
        let kind = BlockKind::With { exit, is_async, span: place };
        self.push_block(kind, Some((handler, value)), span);
        let amid = self.bound_amid(&self.unit.bound, &[body]);
        if let Some(target) = &item.target {
            self.assign(target, value);
        }
        self.release(value);
        self.with_stmt(rest, body, is_async, span);
        self.pop_block();
        if self.unit.bound.is_reachable() {
            self.emit_normal_exit(exit, is_async, place);
            self.unit.asm.jump(end);
        }
        let after = std::mem::replace(&mut self.unit.bound, amid);
        self.release(value);
        self.bind(handler);
        self.exceptional_exit(exit, is_async, place);
        self.unit.bound.meet(&after);
        self.bind(end);
    }

    /// Evaluates a context manager and enters it; the block of its exit method, with the entered value behind it.
    fn enter_context(&mut self, context: &'a Expr, is_async: bool) -> Reg {
        let manager = self.expr_any(context);
        let exit = self.alloc_n(usize::from(METHOD_BLOCK));
        let enter = self.alloc_n(usize::from(METHOD_BLOCK));
        let which = if is_async { AENTER } else { ENTER };
        self.mark(context.span);
        self.emit(Op::LoadSpecialMethod, which, enter, manager, 0);
        self.emit(Op::LoadSpecialMethod, which + 1, exit, manager, 0);
        self.emit(Op::CallMethod, 0, enter, 0, 0);
        self.release(enter + 1);
        if is_async {
            self.await_register(enter, FROM_AENTER, context.span);
        }
        exit
    }

    /// A copy of the exit method's block on top of the registers in use, or the block itself if it is there.
    fn exit_block(&mut self, exit: Reg) -> Reg {
        if self.top() == exit + METHOD_BLOCK {
            return exit;
        }
        let block = self.alloc_n(usize::from(METHOD_BLOCK));
        self.move_to(block, exit);
        self.move_to(block + METHOD_BLOCK - 1, exit + METHOD_BLOCK - 1);
        block
    }

    fn call_exit(&mut self, block: Reg, is_async: bool, span: Span) {
        self.mark(span);
        self.emit(Op::CallMethod, 0, block, 3, 0);
        if is_async {
            self.await_register(block, FROM_AEXIT, span);
        }
    }

    /// Leaving the body without an exception.
    pub fn emit_normal_exit(&mut self, exit: Reg, is_async: bool, span: Span) {
        let top = self.top();
        let block = self.exit_block(exit);
        let args = self.alloc_n(3);
        for i in 0..3 {
            self.load_none(args + i);
        }
        self.call_exit(block, is_async, span);
        self.release(top);
    }

    /// Leaving the body by an exception, which the exit method may swallow.
    fn exceptional_exit(&mut self, exit: Reg, is_async: bool, span: Span) {
        let (exc, saved) = (self.alloc(), self.alloc());
        let (cleanup, swallowed) = (self.label(), self.label());
        self.mark(span);
        self.emit(Op::PushExc, 0, saved, exc, 0);
        let cleanup_exc = self.top();
        self.push_block(BlockKind::Handler { saved }, Some((cleanup, cleanup_exc)), span);
        let block = self.exit_block(exit);
        let args = self.alloc_n(3);
        let (class, traceback) = (self.name16("__class__"), self.name16("__traceback__"));
        self.emit(Op::GetAttr, 0, args, exc, class);
        self.move_to(args + 1, exc);
        self.emit(Op::GetAttr, 0, args + 2, exc, traceback);
        self.call_exit(block, is_async, span);
        self.unit.asm.branch(Op::JumpTrue, 0, block, 0, swallowed);
        self.pop_block();
        self.emit(Op::PopExc, 0, saved, 0, 0);
        self.emit(Op::Reraise, 0, exc, 0, 0);
        self.bind(cleanup);
        self.emit(Op::PopExc, 0, saved, 0, 0);
        self.emit(Op::Reraise, 0, cleanup_exc, 0, 0);
        self.bind(swallowed);
        self.emit(Op::PopExc, 0, saved, 0, 0);
        self.release(exc);
    }
}
