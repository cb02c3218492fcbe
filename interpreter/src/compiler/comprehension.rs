//! Comprehensions, inlined into their function with variables of their own, and generator expressions.

use std::collections::HashMap;

use conc_grammar::ast::{Comprehension, Expr, ExprKind};

use super::assemble::{Label, Reg};
use super::call::CALL_GAP;
use super::symbols::{CompKind, Part, ScopeId, uses};
use super::unit::{CompFrame, Compiler, NO_REG, Slot};
use crate::bytecode::op::{Op, special};

/// What a comprehension does with each element.
#[derive(Clone, Copy)]
struct Sink<'a> {
    kind: CompKind,
    /// The collection being built.
    result: Reg,
    key: Option<&'a Expr>,
    value: &'a Expr,
    whole: &'a Expr,
}

impl<'a> Compiler<'a> {
    pub fn comprehension(
        &mut self,
        e: &'a Expr,
        kind: CompKind,
        generators: &'a [Comprehension],
        key: Option<&'a Expr>,
        value: &'a Expr,
        dest: Reg,
    ) {
        let Some(first) = generators.first() else { return };
        let scope = self.table.scope_of(e, Part::Body);
        if let ExprKind::Starred(_) = value.kind {
            self.error("iterable unpacking cannot be used in comprehension", value.span);
        }
        let sink = Sink { kind, result: 0, key, value, whole: e };
        if self.table.scopes[scope].inlined {
            self.inlined(scope, generators, sink, dest);
        } else {
            self.called(scope, first, generators, sink, dest);
        }
    }

    // ---- inlined

    fn inlined(&mut self, scope: ScopeId, generators: &'a [Comprehension], sink: Sink<'a>, dest: Reg) {
        let Some(first) = generators.first() else { return };
        let is_temp = self.is_temp(dest);
        let iterable = self.expr_any(&first.iter);
        let result = if is_temp { dest } else { self.alloc() };
        // The iterable may sit in the destination's place only before the collection does.
        debug_assert_ne!(iterable, result);
        let bound = self.unit.bound.clone();
        let early_reads = generators.len() > 1 || !names_only(&first.target);
        self.push_comp_frame(scope, early_reads);
        self.mark(sink.whole.span);
        self.emit_new_collection(sink.kind, result);
        self.generators(generators, Some(iterable), Sink { result, ..sink });
        self.unit.comps.pop();
        self.unit.bound = bound;
        self.move_to(dest, result);
    }

    fn emit_new_collection(&mut self, kind: CompKind, result: Reg) {
        let op = match kind {
            CompKind::List => Op::List,
            CompKind::Set => Op::Set,
            CompKind::Dict => Op::Dict,
            CompKind::Generator => return,
        };
        self.emit(op, 0, result, 0, 0);
    }

    /// Gives the comprehension's variables registers of their own. With several clauses, or targets that compute
    /// (`early_reads`), a variable may be read before it is bound.
    fn push_comp_frame(&mut self, scope: ScopeId, early_reads: bool) {
        let mut slots = HashMap::new();
        let own = self.table.scopes[scope].symbols.iter().filter(|s| s.is_own());
        for symbol in own {
            let reg = self.alloc();
            let is_cell = symbol.is(uses::CAPTURED);
            self.unit.bound.remove(reg);
            if is_cell {
                self.emit(Op::NewCell, 0, reg, NO_REG, 0);
            } else if early_reads {
                self.load_special(reg, special::UNBOUND);
            }
            slots.insert(symbol.name.clone(), Slot { reg, is_cell });
        }
        self.unit.comps.push(CompFrame { scope, slots });
    }

    // ---- as functions

    fn called(
        &mut self,
        scope: ScopeId,
        first: &'a Comprehension,
        generators: &'a [Comprehension],
        sink: Sink<'a>,
        dest: Reg,
    ) {
        let block = self.alloc();
        let child = self.comprehension_code(scope, generators, sink);
        self.make_closure(child, scope, 0, None, block);
        self.skip_to(block + CALL_GAP);
        let argument = self.alloc();
        let iterable = self.expr_any(&first.iter);
        self.mark(first.iter.span);
        let op = if first.is_async { Op::GetAiter } else { Op::IterObject };
        self.emit(op, 0, argument, iterable, 0);
        self.mark(sink.whole.span);
        self.emit(Op::Call, 0, block, 1, 0);
        self.release(block + 1);
        if sink.kind != CompKind::Generator && self.table.scopes[scope].is_async {
            self.await_register(block, 0, sink.whole.span);
        }
        self.move_to(dest, block);
    }

    fn comprehension_code(&mut self, scope: ScopeId, generators: &'a [Comprehension], sink: Sink<'a>) -> u16 {
        let name = match sink.kind {
            CompKind::List => "<listcomp>",
            CompKind::Set => "<setcomp>",
            CompKind::Dict => "<dictcomp>",
            CompKind::Generator => "<genexpr>",
        };
        self.child(scope, name, sink.whole.span, |c| {
            let result = c.alloc();
            c.mark(sink.whole.span);
            c.emit_new_collection(sink.kind, result);
            c.generators(generators, Some(0), Sink { result, ..sink });
            if sink.kind == CompKind::Generator {
                c.emit_implicit_return();
            } else {
                c.emit_return(result);
            }
        })
    }

    // ---- the loops

    /// One `for` clause and everything within it. `ready` holds the first clause's iterable (or async iterator).
    fn generators(&mut self, generators: &'a [Comprehension], ready: Option<Reg>, sink: Sink<'a>) {
        let Some((first, rest)) = generators.split_first() else {
            return self.comprehension_element(sink);
        };
        let top = self.top();
        if first.is_async {
            self.async_clause(first, rest, ready, sink);
        } else {
            self.clause(first, rest, ready, sink);
        }
        self.release(top);
    }

    fn clause(&mut self, first: &'a Comprehension, rest: &'a [Comprehension], ready: Option<Reg>, sink: Sink<'a>) {
        let state = self.alloc_n(4);
        let iterable = match ready {
            Some(reg) => reg,
            None => self.expr_any(&first.iter),
        };
        self.mark(first.iter.span);
        self.emit(Op::GetIter, 0, state, iterable, 0);
        self.release(state + 4);
        let (body, next) = (self.label(), self.label());
        self.unit.asm.jump(next);
        self.bind(body);
        let item = self.loop_item(&first.target);
        let before = self.unit.bound.clone();
        self.finish_loop_item(&first.target, item);
        self.inner_clauses(first, rest, next, sink);
        self.bind(next);
        self.unit.bound = before;
        self.mark(first.iter.span);
        self.unit.asm.branch(Op::ForNext, 0, state, item, body);
    }

    fn inner_clauses(&mut self, first: &'a Comprehension, rest: &'a [Comprehension], next: Label, sink: Sink<'a>) {
        for test in &first.ifs {
            self.cond(test, next, false);
        }
        self.generators(rest, None, sink);
    }

    fn async_clause(
        &mut self,
        first: &'a Comprehension,
        rest: &'a [Comprehension],
        ready: Option<Reg>,
        sink: Sink<'a>,
    ) {
        let iterator = self.alloc();
        match ready {
            // A generator expression is given the async iterator itself.
            Some(reg) if !self.unit.comps.iter().any(|c| self.table.scope_of(sink.whole, Part::Body) == c.scope) => {
                self.move_to(iterator, reg)
            }
            _ => {
                let iterable = match ready {
                    Some(reg) => reg,
                    None => self.expr_any(&first.iter),
                };
                self.mark(first.iter.span);
                self.emit(Op::GetAiter, 0, iterator, iterable, 0);
            }
        }
        let before = self.unit.bound.clone();
        let next = self.unit.asm.label_here();
        let end = self.label();
        let item = self.emit_async_next(iterator, end, first.iter.span);
        self.assign(&first.target, item);
        self.inner_clauses(first, rest, next, sink);
        self.unit.asm.jump(next);
        self.bind(end);
        self.unit.bound = before;
    }

    fn comprehension_element(&mut self, sink: Sink<'a>) {
        let top = self.top();
        match (sink.kind, sink.key) {
            (CompKind::Dict, Some(key)) => {
                let k = self.operand(key, &[sink.value]);
                let v = self.expr_any(sink.value);
                self.mark(sink.whole.span);
                self.emit(Op::DictSet, 0, sink.result, k, v);
            }
            (CompKind::Generator, _) => {
                let v = self.expr_any(sink.value);
                let sent = self.alloc();
                self.emit_yield(sent, v, sink.value.span);
            }
            (kind, _) => {
                let v = self.expr_any(sink.value);
                self.mark(sink.whole.span);
                let op = if kind == CompKind::Set { Op::SetAdd } else { Op::ListAppend };
                self.emit(op, 0, sink.result, v, 0);
            }
        }
        self.release(top);
    }
}

fn names_only(target: &Expr) -> bool {
    match &target.kind {
        ExprKind::Name(_) => true,
        ExprKind::Tuple { items, .. } | ExprKind::List(items) => items.iter().all(names_only),
        ExprKind::Starred(inner) => names_only(inner),
        _ => false,
    }
}
