//! Functions: `def`, `lambda`, their defaults, annotations and closures.

use conc_grammar::ast::{Const as Literal, Expr, ExprKind, FunctionDef, Param, Params, Span, Stmt, StmtKind};

use super::assemble::Reg;
use super::call::CALL_GAP;
use super::symbols::{Part, ScopeId};
use super::unit::Compiler;
use crate::bytecode::op::{Op, special};
use crate::bytecode::template::Const;

/// Bits of `Op::Function`'s aux.
pub mod parts {
    pub const DEFAULTS: u8 = 1;
    pub const KW_DEFAULTS: u8 = 2;
    pub const ANNOTATIONS: u8 = 4;
    pub const CLOSURE: u8 = 8;
    pub const TYPE_PARAMS: u8 = 16;
}

impl<'a> Compiler<'a> {
    /// Emits a code object once and gives its index among the children.
    pub fn child(&mut self, scope: ScopeId, name: &str, span: Span, body: impl FnOnce(&mut Self)) -> u16 {
        if let Some(&index) = self.unit.child_of.get(&scope) {
            return index;
        }
        self.enter(scope, name, span, 0);
        self.emit_prologue();
        body(self);
        let template = self.leave();
        let index = self.unit.children.len() as u16;
        self.unit.children.push(template);
        self.unit.child_of.insert(scope, index);
        index
    }

    pub fn emit_return(&mut self, value: Reg) {
        self.emit(if self.is_suspendable() { Op::ReturnGen } else { Op::Return }, 0, value, 0, 0);
    }

    pub fn emit_return_none(&mut self) {
        if !self.is_suspendable() {
            return self.emit(Op::ReturnNone, 0, 0, 0, 0);
        }
        let value = self.alloc();
        self.load_special(value, special::NONE);
        self.emit_return(value);
    }

    fn is_suspendable(&self) -> bool {
        let scope = self.scope();
        scope.is_function_like() && scope.is_suspendable()
    }

    /// `return None` at the end of a body, unless its end is never reached.
    pub fn emit_implicit_return(&mut self) {
        // Code after a `return` is compiled too and must end somewhere.
        if self.unit.asm.end_is_open() {
            self.emit_return_none();
        }
    }

    /// Makes a function of a child; the parts named by `aux` are the registers from `first` on, up to the last in use.
    pub fn make_closure(&mut self, child: u16, scope: ScopeId, aux: u8, type_params: Option<Reg>, dest: Reg) {
        let first = self.top() - (aux & 7).count_ones() as u16;
        let mut aux = aux;
        let free = &self.table.scopes[scope].free;
        if !free.is_empty() {
            aux |= parts::CLOSURE;
            let closure = self.alloc();
            let cells = self.alloc_n(free.len());
            for (i, name) in free.iter().enumerate() {
                self.load_cell(name, cells + i as u16);
            }
            self.emit(Op::Tuple, 0, closure, cells, free.len() as u16);
            self.release(closure + 1);
        }
        if let Some(reg) = type_params {
            aux |= parts::TYPE_PARAMS;
            let copy = self.alloc();
            self.move_to(copy, reg);
        }
        self.emit(Op::Function, aux, dest, child, first);
        self.release(first);
    }

    /// The cell itself of a variable that an inner function captures.
    fn load_cell(&mut self, name: &str, dest: Reg) {
        let frames = self.unit.comps.iter().rev().map(|c| &c.slots).chain([&self.unit.slots]);
        let cell = frames.filter_map(|slots| slots.get(name)).find(|slot| slot.is_cell).map(|slot| slot.reg);
        match (cell, self.scope().free_index(name)) {
            (Some(reg), _) => self.move_to(dest, reg),
            (None, Some(index)) => self.emit(Op::LoadFree, 0, dest, index, 0),
            (None, None) => self.error(format!("no cell for '{name}'"), self.unit.span),
        }
    }

    // ---- lambda

    pub fn lambda(&mut self, e: &'a Expr, params: &'a Params, body: &'a Expr, dest: Reg) {
        let scope = self.table.scope_of(e, Part::Body);
        self.check_parameter_names(params);
        let aux = self.defaults(params);
        let child = self.child(scope, "<lambda>", e.span, |c| {
            let value = c.expr_any(body);
            c.emit_return(value);
        });
        self.mark(e.span);
        self.make_closure(child, scope, aux, None, dest);
    }

    fn check_parameter_names(&mut self, params: &Params) {
        let all = params.positional.iter().chain(&params.kwonly).chain(&params.vararg).chain(&params.kwarg);
        for param in all.filter(|p| &*p.name.name == "__debug__") {
            self.error("cannot assign to __debug__", param.name.span);
        }
    }

    /// Evaluates default values into the next registers; says which parts there are.
    pub fn defaults(&mut self, params: &'a Params) -> u8 {
        let mut aux = 0;
        let positional: Vec<&Expr> = params.positional.iter().filter_map(|p| p.default.as_ref()).collect();
        if !positional.is_empty() {
            aux |= parts::DEFAULTS;
            let tuple = self.alloc();
            self.default_tuple(&positional, tuple);
        }
        if params.kwonly.iter().any(|p| p.default.is_some()) {
            aux |= parts::KW_DEFAULTS;
            let dict = self.alloc();
            self.emit(Op::Dict, 0, dict, 0, 0);
            for param in &params.kwonly {
                if let Some(default) = &param.default {
                    let name = self.mangle(&param.name.name);
                    self.set_key(dict, &name, |c, value| c.expr_to(default, value));
                }
            }
        }
        aux
    }

    fn default_tuple(&mut self, values: &[&'a Expr], dest: Reg) {
        if let Some(values) = values.iter().map(|e| self.constant(e)).collect::<Option<Box<[_]>>>() {
            return self.load_const(dest, Const::Tuple(values));
        }
        let first = self.alloc_n(values.len());
        for (i, value) in values.iter().enumerate() {
            self.expr_to(value, first + i as u16);
        }
        self.emit(Op::Tuple, 0, dest, first, values.len() as u16);
        self.release(first);
    }

    /// `dict[key] = value`, the value put by `emit` into the register it is given.
    fn set_key(&mut self, dict: Reg, key: &str, emit: impl FnOnce(&mut Self, Reg)) {
        let top = self.top();
        let (k, v) = (self.alloc(), self.alloc());
        self.load_str(k, key);
        emit(self, v);
        self.emit(Op::DictSet, 0, dict, k, v);
        self.release(top);
    }

    // ---- def

    pub fn function_def(&mut self, def: &'a FunctionDef, span: Span) {
        let top = self.top();
        let span = def.decorators.first().map_or(span, |d| span.to(d.span));
        let dest = self.decorators(&def.decorators);
        if def.type_params.is_empty() {
            let aux = self.defaults(&def.params);
            self.function_object(def, span, aux, None, dest);
        } else {
            self.generic_function(def, span, dest);
        }
        self.apply_decorators(&def.decorators, dest);
        self.store_name(&def.name.name, dest - CALL_GAP * def.decorators.len() as u16, def.name.span);
        self.release(top);
    }

    /// Evaluates decorators, each in the place of a callee whose one argument is the next decorator's result.
    /// The register returned is for the decorated object.
    pub fn decorators(&mut self, decorators: &'a [Expr]) -> Reg {
        for decorator in decorators {
            let callee = self.alloc();
            self.expr_to(decorator, callee);
            self.skip_to(callee + CALL_GAP);
        }
        self.alloc()
    }

    /// Calls the decorators, the last one first; the result takes the place of the first.
    pub fn apply_decorators(&mut self, decorators: &'a [Expr], object: Reg) {
        let mut at = object;
        for decorator in decorators.iter().rev() {
            at -= CALL_GAP;
            self.mark(decorator.span);
            self.emit(Op::Call, 0, at, 1, 0);
        }
    }

    /// Makes the function; defaults (as `aux` says) are in the last registers.
    pub fn function_object(&mut self, def: &'a FunctionDef, span: Span, aux: u8, type_params: Option<Reg>, dest: Reg) {
        let scope = self.table.scope_of(def, Part::Body);
        self.check_parameter_names(&def.params);
        let aux = aux | self.annotations(&def.params, def.returns.as_ref());
        let child = self.child(scope, &def.name.name, span, |c| c.function_body(&def.body));
        self.mark(span);
        self.make_closure(child, scope, aux, type_params, dest);
    }

    fn function_body(&mut self, body: &'a [Stmt]) {
        let body = self.take_docstring(body);
        self.stmts(body);
        self.emit_implicit_return();
    }

    /// Makes a leading string the docstring; the rest of the body.
    pub fn take_docstring(&mut self, body: &'a [Stmt]) -> &'a [Stmt] {
        if let Some((first, rest)) = body.split_first()
            && let StmtKind::Expr(Expr { kind: ExprKind::Const(Literal::Str(text)), .. }) = &first.kind
        {
            if self.options.optimize < 2 {
                self.unit.doc = Some(clean_doc(text));
            }
            return rest;
        }
        body
    }

    // ---- annotations

    fn annotations(&mut self, params: &'a Params, returns: Option<&'a Expr>) -> u8 {
        let annotated = |p: &&Param| p.annotation.is_some();
        // CPython's order.
        let (posonly, others) = params.positional.split_at(params.posonly.min(params.positional.len()));
        let rest = params.vararg.iter().chain(&params.kwonly).chain(&params.kwarg);
        let all: Vec<&'a Param> = others.iter().chain(posonly).chain(rest).filter(annotated).collect();
        if all.is_empty() && returns.is_none() {
            return 0;
        }
        let dict = self.alloc();
        self.emit(Op::Dict, 0, dict, 0, 0);
        for param in all {
            if let Some(annotation) = &param.annotation {
                let name = self.mangle(&param.name.name);
                self.set_key(dict, &name, |c, value| c.annotation(annotation, value));
            }
        }
        if let Some(returns) = returns {
            self.set_key(dict, "return", |c, value| c.annotation(returns, value));
        }
        parts::ANNOTATIONS
    }

    /// An annotation's value, or its text if annotations are not evaluated.
    pub fn annotation(&mut self, e: &'a Expr, dest: Reg) {
        if self.options.future_annotations {
            let text = super::entry::source_text(&self.source, e.span);
            return self.load_str(dest, &text);
        }
        match &e.kind {
            // `*args: *Ts`
            ExprKind::Starred(inner) => self.unpack_one(inner, dest, e.span),
            _ => self.expr_to(e, dest),
        }
    }

    /// The one item of an iterable.
    pub fn unpack_one(&mut self, e: &'a Expr, dest: Reg, span: Span) {
        let value = self.expr_any(e);
        self.mark(span);
        self.emit(Op::Unpack, 0, dest, value, 1);
    }
}

/// A docstring without the indentation that its lines share, as CPython stores it.
fn clean_doc(text: &[u8]) -> Box<[u8]> {
    let text = expand_tabs(text);
    let indent_of = |line: &[u8]| line.iter().take_while(|&&b| b == b' ').count();
    let mut lines = text.split(|&b| b == b'\n');
    let first = lines.next().unwrap_or_default();
    let margin = lines.clone().filter(|line| line.len() > indent_of(line)).map(indent_of).min().unwrap_or(0);
    let mut cleaned = first[indent_of(first)..].to_vec();
    for line in lines {
        cleaned.push(b'\n');
        cleaned.extend(&line[margin.min(indent_of(line))..]);
    }
    cleaned.into()
}

fn expand_tabs(text: &[u8]) -> Vec<u8> {
    const TAB: usize = 8;
    let (mut expanded, mut column) = (Vec::with_capacity(text.len()), 0);
    for &byte in text {
        let is_continuation = byte & 0xc0 == 0x80;
        match byte {
            b'\t' => {
                let width = TAB - column % TAB;
                expanded.extend(std::iter::repeat_n(b' ', width));
                column += width;
                continue;
            }
            b'\n' | b'\r' => column = 0,
            _ if is_continuation => {}
            _ => column += 1,
        }
        expanded.push(byte);
    }
    expanded
}
