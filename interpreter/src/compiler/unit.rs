//! A code object in the making, and the compiler around it.

use std::collections::HashMap;
use std::sync::Arc;

use conc_grammar::ast::Span;

use super::assemble::{Assembler, Label, Reg};
use super::blocks::Block;
use super::bound::Bound;
use super::entry::Options;
use super::error::CompileError;
use super::hoist::Hoisted;
use super::pool::Pool;
use super::symbols::{Scope, ScopeId, ScopeKind, Table, uses};
use crate::bytecode::op::{Op, special};
use crate::bytecode::template::{CodeTemplate, Const, Local, Source, flags};
use crate::bytecode::verify;

/// Registers beyond this are refused; the rest of the 16 bits is reserved for "none".
const MAX_REGISTERS: u32 = 60_000;

/// No register.
pub const NO_REG: u16 = 0xffff;

/// Where one of a scope's own variables lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub reg: Reg,
    pub is_cell: bool,
}

/// An inlined comprehension being emitted: its variables shadow the unit's.
#[derive(Debug)]
pub struct CompFrame {
    pub scope: ScopeId,
    pub slots: HashMap<Box<str>, Slot>,
}

#[derive(Debug, Default)]
pub struct Unit<'a> {
    pub scope: ScopeId,
    pub name: Box<str>,
    pub qualname: String,
    pub span: Span,
    pub flags: u32,
    pub doc: Option<Box<[u8]>>,
    pub asm: Assembler,
    pub pool: Pool,
    pub children: Vec<Arc<CodeTemplate>>,
    /// A code object compiled once serves every copy of its definition (copies of `finally` bodies).
    pub child_of: HashMap<ScopeId, u16>,
    pub locals: Vec<Local>,
    pub slots: HashMap<Box<str>, Slot>,
    pub comps: Vec<CompFrame>,
    pub blocks: Vec<Block<'a>>,
    pub bound: Bound,
    pub hoisted: Vec<Hoisted>,
    nlocals: Reg,
    next: u32,
    max: u32,
}

pub struct Compiler<'a> {
    pub table: &'a Table,
    pub source: Arc<Source>,
    pub options: Options,
    pub errors: Vec<CompileError>,
    pub warnings: Vec<CompileError>,
    pub unit: Unit<'a>,
    outer: Vec<Unit<'a>>,
}

impl<'a> Compiler<'a> {
    pub fn new(table: &'a Table, source: Arc<Source>, options: Options) -> Compiler<'a> {
        let (errors, warnings) = (Vec::new(), Vec::new());
        Compiler { table, source, options, errors, warnings, unit: Unit::default(), outer: Vec::new() }
    }

    pub fn error(&mut self, message: impl Into<String>, span: Span) {
        let error = CompileError::new(message, span);
        // Copies of one statement report one error.
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Warns. After an error nobody would come to see it.
    pub fn warn(&mut self, message: impl Into<String>, span: Span) {
        if self.errors.is_empty() && self.warnings.len() < 1000 {
            self.warnings.push(CompileError::new(message, span));
        }
    }

    pub fn scope(&self) -> &'a Scope {
        &self.table.scopes[self.unit.scope]
    }

    // ---- code objects

    /// Begins a code object.
    pub fn enter(&mut self, scope: ScopeId, name: &str, span: Span, extra_flags: u32) {
        let mut unit = Unit { scope, name: name.into(), span, ..Unit::default() };
        unit.qualname = self.qualname(scope, name);
        let data = &self.table.scopes[scope];
        unit.flags = extra_flags | self.flags_of(data);
        unit.place_locals(data, extra_flags & flags::NAMESPACE != 0);
        unit.asm.mark(span);
        self.outer.push(std::mem::replace(&mut self.unit, unit));
    }

    fn flags_of(&self, scope: &Scope) -> u32 {
        let mut bits = 0;
        let mut set = |on: bool, flag: u32| bits |= if on { flag } else { 0 };
        let function = scope.is_function_like();
        set(function, flags::OPTIMIZED | flags::NEWLOCALS);
        set(function && scope.parent.is_some_and(|p| self.table.scopes[p].is_function_like()), flags::NESTED);
        set(scope.kind == ScopeKind::Class, flags::CLASS_BODY);
        set(scope.params.vararg, flags::VARARGS);
        set(scope.params.kwarg, flags::VARKEYWORDS);
        if function && scope.is_suspendable() {
            let generator = scope.is_generator || matches!(scope.kind, ScopeKind::Comp(_));
            set(generator && scope.is_async, flags::ASYNC_GENERATOR);
            set(generator && !scope.is_async, flags::GENERATOR);
            set(!generator, flags::COROUTINE);
        }
        bits
    }

    fn qualname(&self, scope: ScopeId, name: &str) -> String {
        let mut parent = self.table.scopes[scope].parent;
        let mut around = &self.unit;
        let mut outer = self.outer.iter().rev();
        // Type parameter scopes do not show.
        while let Some(id) = parent
            && self.table.scopes[id].kind == ScopeKind::TypeParams
        {
            parent = self.table.scopes[id].parent;
            match outer.next() {
                Some(unit) => around = unit,
                None => break,
            }
        }
        // Nor do inlined comprehensions.
        while let Some(id) = parent
            && self.table.scopes[id].inlined
        {
            parent = self.table.scopes[id].parent;
        }
        let Some(parent) = parent.map(|id| &self.table.scopes[id]) else { return name.into() };
        let declared_global = parent.uses(name) & uses::GLOBAL != 0;
        match parent.kind {
            ScopeKind::Module => name.into(),
            _ if declared_global => name.into(),
            ScopeKind::Class => format!("{}.{name}", around.qualname),
            _ => format!("{}.<locals>.{name}", around.qualname),
        }
    }

    /// Ends a code object.
    pub fn leave(&mut self) -> Arc<CodeTemplate> {
        let unit = std::mem::replace(&mut self.unit, self.outer.pop().unwrap_or_default());
        let scope = &self.table.scopes[unit.scope];
        let (names, consts) = (unit.pool.names.len(), unit.pool.consts.len());
        if names > 0xffff || consts > 0xffff || unit.children.len() > 0xffff {
            self.error("too many names or constants in one code block", unit.span);
        }
        let (code, handlers, positions) = unit.asm.finish();
        let counts = scope.params;
        let namespace = unit.flags & flags::NAMESPACE != 0;
        let template = CodeTemplate {
            name: unit.name,
            qualname: unit.qualname.into(),
            source: self.source.clone(),
            span: unit.span,
            first_line: if scope.parent.is_none() { 1 } else { self.source.line_of(unit.span.start) },
            flags: unit.flags,
            argcount: if namespace { 1 } else { counts.positional },
            posonly: counts.posonly,
            kwonly: counts.kwonly,
            nlocals: unit.nlocals,
            nregs: unit.max.min(MAX_REGISTERS) as u16,
            locals: unit.locals.into(),
            free: scope.free.clone().into(),
            names: unit.pool.names.into(),
            consts: unit.pool.consts.into(),
            doc: unit.doc,
            code: code.into(),
            handlers: handlers.into(),
            positions: positions.into(),
            children: unit.children.into(),
        };
        if cfg!(debug_assertions)
            && self.errors.is_empty()
            && let Err(problem) = verify::verify(&template)
        {
            self.error(format!("bad bytecode for {}: {problem}", template.qualname), template.span);
        }
        Arc::new(template)
    }

    /// Ends the outermost code object. The warnings are those that come before the first error.
    pub fn finish_module(mut self, warnings: &mut Vec<CompileError>) -> Result<Arc<CodeTemplate>, Vec<CompileError>> {
        let template = self.leave();
        warnings.append(&mut self.warnings);
        if self.errors.is_empty() { Ok(template) } else { Err(self.errors) }
    }

    /// What every code object does first: become a generator, put captured variables into cells.
    pub fn emit_prologue(&mut self) {
        let scope = self.scope();
        if scope.is_function_like() && scope.is_suspendable() {
            self.unit.asm.mark(self.unit.span);
            self.unit.asm.emit(Op::MakeGenerator, 0, 0, 0, 0);
        }
        let nparams = self.unit.nparams(scope);
        for at in 0..self.unit.locals.len() {
            let Local { register, is_cell, .. } = self.unit.locals[at];
            if is_cell {
                let value = match &*self.unit.locals[at].name {
                    _ if register < nparams => register,
                    // The cell of a class's namespace, which is register 0.
                    "__classdict__" => 0,
                    _ => NO_REG,
                };
                self.unit.asm.emit(Op::NewCell, 0, register, value, 0);
            }
        }
        if let (ScopeKind::Thunk(_), true) = (scope.kind, scope.sees_class)
            && let Some(index) = scope.free_index("__classdict__")
        {
            let name = self.name16("__classdict__");
            self.unit.asm.emit(Op::GetFree, 0, 0, index, name);
        }
    }

    // ---- registers

    /// Takes the next temporary.
    pub fn alloc(&mut self) -> Reg {
        self.alloc_n(1)
    }

    /// Takes `n` consecutive temporaries.
    pub fn alloc_n(&mut self, n: usize) -> Reg {
        let first = self.unit.next;
        let next = first.saturating_add(n as u32);
        if next > MAX_REGISTERS {
            self.error("too many values in one code block", self.unit.span);
            return 0;
        }
        self.unit.next = next;
        self.unit.max = self.unit.max.max(next);
        first as Reg
    }

    /// The first free register.
    pub fn top(&self) -> Reg {
        self.unit.next as Reg
    }

    /// Gives back the temporaries from `top` on.
    pub fn release(&mut self, top: Reg) {
        self.unit.next = u32::from(top);
    }

    /// Whether the register holds no named variable, so that it may hold halves of a value.
    pub fn is_temp(&self, reg: Reg) -> bool {
        reg >= self.unit.nlocals
            && !self.is_hoisted(reg)
            && !self.unit.comps.iter().any(|c| c.slots.values().any(|slot| slot.reg == reg))
    }

    // ---- small emissions

    pub fn mark(&mut self, span: Span) {
        self.unit.asm.mark(span);
    }

    pub fn emit(&mut self, op: Op, aux: u8, a: Reg, b: u16, c: u16) {
        self.unit.asm.emit(op, aux, a, b, c);
    }

    pub fn emit_x(&mut self, op: Op, aux: u8, a: Reg, x: u32) {
        self.unit.asm.emit_x(op, aux, a, x);
    }

    pub fn label(&mut self) -> Label {
        self.unit.asm.label()
    }

    pub fn bind(&mut self, label: Label) {
        self.unit.asm.bind(label);
    }

    /// Jumps, if control can come here.
    pub fn jump_on(&mut self, label: Label) {
        if self.unit.bound.is_reachable() {
            self.unit.asm.jump(label);
        }
    }

    pub fn move_to(&mut self, dest: Reg, from: Reg) {
        if dest != from {
            self.emit(Op::Move, 0, dest, from, 0);
        }
    }

    pub fn load_special(&mut self, dest: Reg, word: u32) {
        self.emit_x(Op::LoadSpecial, 0, dest, word);
    }

    pub fn load_const(&mut self, dest: Reg, value: Const) {
        let (op, x) = self.load_form(value);
        self.emit_x(op, 0, dest, x);
    }

    /// The instruction that loads a constant, and its operand.
    pub fn load_form(&mut self, value: Const) -> (Op, u32) {
        match value {
            Const::None => (Op::LoadSpecial, special::NONE),
            Const::True => (Op::LoadSpecial, special::TRUE),
            Const::False => (Op::LoadSpecial, special::FALSE),
            Const::Ellipsis => (Op::LoadSpecial, special::ELLIPSIS),
            Const::Int(i) if i32::try_from(i).is_ok() => (Op::LoadInt, i as i32 as u32),
            value => (Op::LoadConst, self.unit.pool.constant(value)),
        }
    }

    pub fn load_str(&mut self, dest: Reg, text: &str) {
        self.load_const(dest, Const::Str(text.as_bytes().into()));
    }

    /// A constant's index as a 16-bit operand; `leave` reports the overflow.
    pub fn const16(&mut self, value: Const) -> u16 {
        self.unit.pool.constant(value) as u16
    }

    pub fn name16(&mut self, name: &str) -> u16 {
        self.unit.pool.name(name) as u16
    }

    pub fn name32(&mut self, name: &str) -> u32 {
        self.unit.pool.name(name)
    }

    /// Emits code that is reached always or never.
    pub fn live_or_dead(&mut self, live: bool, work: impl FnOnce(&mut Self)) {
        if live { work(self) } else { self.discard(work) }
    }

    /// Emits code that is never reached only to find its errors.
    pub fn discard(&mut self, work: impl FnOnce(&mut Self)) {
        let progress = self.unit.asm.progress();
        let bound = std::mem::replace(&mut self.unit.bound, Bound::unreachable());
        let regions = self.save_regions();
        work(self);
        self.restore_regions(regions);
        self.unit.bound = bound;
        self.unit.asm.rewind(progress);
    }
}

impl Unit<'_> {
    fn nparams(&self, scope: &Scope) -> u16 {
        let counts = scope.params;
        counts.positional + counts.kwonly + u16::from(counts.vararg) + u16::from(counts.kwarg)
    }

    fn place_locals(&mut self, scope: &Scope, namespace: bool) {
        match scope.kind {
            // Module names are globals; with a namespace, register 0 is it.
            ScopeKind::Module if namespace => self.place(".namespace", false),
            ScopeKind::Module => {}
            ScopeKind::Class => {
                self.place(".namespace", false);
                for (wanted, name) in [(scope.class_cell, "__class__"), (scope.classdict_cell, "__classdict__")] {
                    if wanted {
                        self.place(name, true);
                    }
                }
            }
            _ => {
                for symbol in scope.symbols.iter().filter(|s| s.is_own()) {
                    self.place(&symbol.name, symbol.is(uses::CAPTURED));
                }
                for reg in 0..self.nparams(scope) {
                    self.bound.add(reg);
                }
            }
        }
        self.next = u32::from(self.nlocals);
        self.max = self.next;
    }

    fn place(&mut self, name: &str, is_cell: bool) {
        let reg = self.nlocals;
        // Past the limit the template is refused for its many registers.
        self.nlocals = reg.saturating_add(1);
        self.slots.insert(name.into(), Slot { reg, is_cell });
        self.locals.push(Local { name: name.into(), register: reg, is_cell });
    }
}
