//! Displays: tuples, lists, sets and dicts.

use conc_grammar::ast::{Expr, ExprKind, Span};

use super::assemble::Reg;
use super::unit::Compiler;
use crate::bytecode::op::Op;
use crate::bytecode::template::Const;

/// Displays up to this size are built from consecutive registers, larger ones item by item.
const MAX_PLACED: usize = 32;

/// From this size on a list of constants is copied from a constant tuple.
const MIN_CONSTANT: usize = 3;

impl<'a> Compiler<'a> {
    pub fn tuple(&mut self, items: &'a [Expr], dest: Reg, span: Span) {
        if can_place(items) {
            return self.placed(Op::Tuple, items, dest, span);
        }
        let list = self.scratch(dest);
        self.built(Op::List, items, list, span);
        self.mark(span);
        self.emit(Op::ListToTuple, 0, dest, list, 0);
    }

    pub fn list(&mut self, items: &'a [Expr], dest: Reg, span: Span) {
        self.list_or_set(Op::List, items, dest, span);
    }

    pub fn set(&mut self, items: &'a [Expr], dest: Reg, span: Span) {
        self.list_or_set(Op::Set, items, dest, span);
    }

    fn list_or_set(&mut self, op: Op, items: &'a [Expr], dest: Reg, span: Span) {
        if items.len() >= MIN_CONSTANT
            && let Some(values) = items.iter().map(|e| self.constant(e)).collect::<Option<Box<[_]>>>()
        {
            let result = self.scratch(dest);
            let source = self.alloc();
            self.mark(span);
            let (constant, extend) = match op {
                Op::List => (Const::Tuple(values), Op::ListExtend),
                _ => (Const::FrozenSet(values), Op::SetUpdate),
            };
            self.emit(op, 0, result, 0, 0);
            self.load_const(source, constant);
            self.emit(extend, 0, result, source, 0);
            return self.move_to(dest, result);
        }
        if can_place(items) {
            return self.placed(op, items, dest, span);
        }
        let result = self.scratch(dest);
        self.built(op, items, result, span);
        self.move_to(dest, result);
    }

    fn placed(&mut self, op: Op, items: &'a [Expr], dest: Reg, span: Span) {
        let first = self.alloc_n(items.len());
        for (i, item) in items.iter().enumerate() {
            self.expr_to(item, first + i as u16);
        }
        self.mark(span);
        self.emit(op, 0, dest, first, items.len() as u16);
    }

    /// Builds a list or set item by item in `result`.
    fn built(&mut self, op: Op, items: &'a [Expr], result: Reg, span: Span) {
        let (append, extend) =
            if op == Op::List { (Op::ListAppend, Op::ListExtend) } else { (Op::SetAdd, Op::SetUpdate) };
        self.mark(span);
        self.emit(op, 0, result, 0, 0);
        for item in items {
            let top = self.top();
            let (value, op) = match &item.kind {
                ExprKind::Starred(inner) => (self.expr_any(inner), extend),
                _ => (self.expr_any(item), append),
            };
            self.mark(if op == extend { item.span } else { span });
            self.emit(op, 0, result, value, 0);
            self.release(top);
        }
    }

    pub fn dict(&mut self, pairs: &'a [(Option<Expr>, Expr)], dest: Reg, span: Span) {
        if pairs.len() <= MAX_PLACED / 2 && pairs.iter().all(|(key, _)| key.is_some()) {
            let first = self.alloc_n(2 * pairs.len());
            for (i, (key, value)) in pairs.iter().enumerate() {
                let at = first + 2 * i as u16;
                key.iter().for_each(|key| self.expr_to(key, at));
                self.expr_to(value, at + 1);
            }
            self.mark(span);
            return self.emit(Op::Dict, 0, dest, first, 2 * pairs.len() as u16);
        }
        let result = self.scratch(dest);
        self.mark(span);
        self.emit(Op::Dict, 0, result, 0, 0);
        for (key, value) in pairs {
            let top = self.top();
            if let Some(key) = key {
                let k = self.operand(key, &[value]);
                let v = self.expr_any(value);
                self.mark(span);
                self.emit(Op::DictSet, 0, result, k, v);
            } else {
                let v = self.expr_any(value);
                self.mark(span);
                self.emit(Op::DictUpdate, 0, result, v, 0);
            }
            self.release(top);
        }
        self.move_to(dest, result);
    }
}

fn can_place(items: &[Expr]) -> bool {
    items.len() <= MAX_PLACED && !items.iter().any(|e| matches!(e.kind, ExprKind::Starred(_)))
}
