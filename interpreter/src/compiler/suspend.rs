//! Suspension: `yield`, `yield from`, `await` and the steps of asynchronous iteration.
//!
//! Driving a sub-iterator is always these four instructions, the `Yield` with aux 1 and the jump behind it:
//! `again: Send it, value -> done; Yield value, value, it; Jump again; done:` with the result in `value`.

use conc_grammar::ast::{Expr, Span};

use super::assemble::{Label, Reg};
use super::blocks::BlockKind;
use super::unit::Compiler;
use crate::bytecode::op::{Op, special};
use crate::bytecode::template::flags;

/// `Op::Yield`'s aux.
mod yields {
    pub const PLAIN: u8 = 0;
    pub const PASSING_ON: u8 = 1;
    pub const ASYNC_GENERATOR: u8 = 2;
}

impl<'a> Compiler<'a> {
    pub fn yield_expr(&mut self, value: Option<&'a Expr>, dest: Reg, span: Span) {
        let value = match value {
            Some(e) => self.expr_any(e),
            None => {
                let none = self.alloc();
                self.load_special(none, special::NONE);
                none
            }
        };
        self.emit_yield(dest, value, span);
    }

    pub fn emit_yield(&mut self, dest: Reg, value: Reg, span: Span) {
        let is_async = self.unit.flags & flags::ASYNC_GENERATOR != 0;
        self.mark(span);
        self.emit(Op::Yield, if is_async { yields::ASYNC_GENERATOR } else { yields::PLAIN }, dest, value, 0);
    }

    pub fn yield_from(&mut self, value: &'a Expr, dest: Reg, span: Span) {
        let result = self.scratch(dest);
        let iterator = self.alloc();
        let value = self.expr_any(value);
        self.mark(span);
        self.emit(Op::GetYieldFrom, 0, iterator, value, 0);
        self.drive(iterator, result, span);
        self.move_to(dest, result);
    }

    pub fn await_expr(&mut self, value: &'a Expr, dest: Reg, span: Span) {
        let result = self.scratch(dest);
        self.expr_to(value, result);
        self.await_register(result, 0, span);
        self.move_to(dest, result);
    }

    /// Awaits what is in `reg` and leaves the result there.
    pub fn await_register(&mut self, reg: Reg, aux: u8, span: Span) {
        let iterator = self.alloc();
        self.mark(span);
        self.emit(Op::GetAwaitable, aux, iterator, reg, 0);
        self.drive(iterator, reg, span);
        self.release(iterator);
    }

    /// Runs an iterator to its end, passing on what it yields; its result goes to `value`.
    fn drive(&mut self, iterator: Reg, value: Reg, span: Span) {
        self.mark(span);
        self.load_special(value, special::NONE);
        let again = self.unit.asm.label_here();
        let done = self.label();
        self.unit.asm.branch(Op::Send, 0, iterator, value, done);
        self.emit(Op::Yield, yields::PASSING_ON, value, value, iterator);
        self.unit.asm.jump(again);
        self.bind(done);
    }

    /// Gets the next item of an async iterator, jumping to `end` when there is none; a register with the item.
    pub fn emit_async_next(&mut self, iterator: Reg, end: Label, span: Span) -> Reg {
        let item = self.alloc();
        let handler = self.label();
        let exc = self.top();
        self.push_block(BlockKind::Try, Some((handler, exc)), span);
        let awaited = self.alloc();
        self.mark(span);
        self.emit(Op::GetAnext, 0, awaited, iterator, 0);
        self.drive(awaited, item, span);
        self.release(awaited);
        self.pop_block();
        let go_on = self.label();
        self.unit.asm.jump(go_on);
        self.bind(handler);
        let exc = self.alloc();
        self.mark(span);
        self.unit.asm.branch(Op::EndAsyncFor, 0, exc, 0, end);
        self.release(exc);
        self.bind(go_on);
        item
    }
}
