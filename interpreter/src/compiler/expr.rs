//! Expressions, each evaluated into a register.
//!
//! `expr_to` writes its destination as its last act, unless that is a temporary: so `x = [x, 1/0]` leaves `x` alone
//! when it fails. A local that is read is used in place, except when a later sibling may rebind it by `:=`.

use conc_grammar::ast::{BinOp, CmpOp, Expr, ExprKind, Ident, Span, UnaryOp};

use super::assemble::Reg;
use super::fold;
use super::names::Place;
use super::symbols::CompKind;
use super::tree;
use super::unit::Compiler;
use crate::bytecode::op::Op;
use crate::bytecode::template::Const;

impl<'a> Compiler<'a> {
    pub fn constant(&self, e: &Expr) -> Option<Const> {
        fold::constant(e, self.options.optimize == 0)
    }

    /// Evaluates into some register: a local's own if `e` is a local.
    pub fn expr_any(&mut self, e: &'a Expr) -> Reg {
        match &e.kind {
            ExprKind::Name(name) => {
                if let Some(reg) = self.local_register(name) {
                    self.mark(e.span);
                    let name = self.mangle(name);
                    self.check_bound(reg, &name);
                    return reg;
                }
            }
            ExprKind::Named { target, value } => return self.named(target, value),
            _ => {
                if let Some(reg) = self.hoisted_constant(e) {
                    return reg;
                }
            }
        }
        let dest = self.alloc();
        self.expr_to(e, dest);
        dest
    }

    /// Evaluates into some register that keeps its value while `later` is evaluated.
    pub fn operand(&mut self, e: &'a Expr, later: &[&Expr]) -> Reg {
        let reg = self.expr_any(e);
        self.protect(reg, later)
    }

    /// The same, with a register to use if one is needed.
    fn operand_in(&mut self, e: &'a Expr, dest: Reg, later: &[&Expr]) -> Reg {
        if !self.is_temp(dest) {
            return self.operand(e, later);
        }
        if let ExprKind::Name(name) = &e.kind
            && let Some(reg) = self.local_register(name)
            && !self.may_rebind(reg, later)
        {
            return self.expr_any(e);
        }
        if let Some(reg) = self.hoisted_constant(e) {
            return reg;
        }
        self.expr_to(e, dest);
        dest
    }

    /// Copies a local whose value could change before it is used.
    pub fn protect(&mut self, reg: Reg, later: &[&Expr]) -> Reg {
        if !self.may_rebind(reg, later) {
            return reg;
        }
        let copy = self.alloc();
        self.move_to(copy, reg);
        copy
    }

    fn may_rebind(&self, reg: Reg, later: &[&Expr]) -> bool {
        self.scope().has_walrus
            && !self.is_temp(reg)
            && later.iter().any(|e| tree::binds(e, &mut |name| self.local_register(name) == Some(reg)))
    }

    /// A register for a value built in several steps.
    pub fn scratch(&mut self, dest: Reg) -> Reg {
        if self.is_temp(dest) { dest } else { self.alloc() }
    }

    /// Evaluates into `dest`.
    pub fn expr_to(&mut self, e: &'a Expr, dest: Reg) {
        if let Some(value) = self.constant(e) {
            self.mark(e.span);
            return self.load_const(dest, value);
        }
        let top = self.top();
        self.expr_kind_to(e, dest);
        self.release(top);
    }

    fn expr_kind_to(&mut self, e: &'a Expr, dest: Reg) {
        match &e.kind {
            // Constants are done.
            ExprKind::Const(_) => {}
            ExprKind::Name(name) => self.load_name(name, dest, e.span),
            ExprKind::JoinedStr(parts) => self.fstring(parts, dest, e.span),
            ExprKind::BoolOp { and, values } => self.bool_op(*and, values, dest, e.span),
            ExprKind::BinOp { op, op_span, left, right } => {
                let l = self.operand_in(left, dest, &[right]);
                self.binary(*op, 0, dest, l, right, (e.span, Some(*op_span)));
            }
            ExprKind::UnaryOp { op, operand } => self.unary(*op, operand, dest, e.span),
            ExprKind::Compare { left, rest } => self.compare(left, rest, dest, e.span),
            ExprKind::Call { func, args } => self.call(func, args, dest, e.span),
            ExprKind::Attribute { value, attr } => {
                let object = self.operand_in(value, dest, &[]);
                self.get_attr(dest, object, attr, e.span);
            }
            ExprKind::Subscript { value, index } => self.subscript(value, index, dest, e.span),
            ExprKind::Slice { lower, upper, step } => {
                self.slice([lower.as_deref(), upper.as_deref(), step.as_deref()], dest, e.span)
            }
            ExprKind::Starred(_) => self.error("can't use starred expression here", e.span),
            ExprKind::Tuple { items, .. } => self.tuple(items, dest, e.span),
            ExprKind::List(items) => self.list(items, dest, e.span),
            ExprKind::Set(items) => self.set(items, dest, e.span),
            ExprKind::Dict(pairs) => self.dict(pairs, dest, e.span),
            ExprKind::Lambda { params, body } => self.lambda(e, params, body, dest),
            ExprKind::IfExp { test, body, orelse } => self.if_exp(test, body, orelse, dest),
            ExprKind::ListComp { elt, generators } => {
                self.comprehension(e, CompKind::List, generators, None, elt, dest)
            }
            ExprKind::SetComp { elt, generators } => self.comprehension(e, CompKind::Set, generators, None, elt, dest),
            ExprKind::DictComp { key, value, generators } => {
                self.comprehension(e, CompKind::Dict, generators, Some(key), value, dest)
            }
            ExprKind::GeneratorExp { elt, generators } => {
                self.comprehension(e, CompKind::Generator, generators, None, elt, dest)
            }
            ExprKind::Named { target, value } => {
                let reg = self.named(target, value);
                self.move_to(dest, reg);
            }
            ExprKind::Await(value) => self.await_expr(value, dest, e.span),
            ExprKind::Yield(value) => self.yield_expr(value.as_deref(), dest, e.span),
            ExprKind::YieldFrom(value) => self.yield_from(value, dest, e.span),
        }
    }

    // ---- operators

    /// `dest = left op right`; aux 1 is the in-place form.
    pub fn binary(
        &mut self,
        op: BinOp,
        aux: u8,
        dest: Reg,
        left: Reg,
        right: &'a Expr,
        (span, anchor): (Span, Option<Span>),
    ) {
        if let (Some(imm_op), Some(imm)) = (imm_form(op), self.small_int(right)) {
            self.unit.asm.mark_anchor(span, anchor);
            return self.emit(imm_op, aux, dest, left, imm as u16);
        }
        let right = self.expr_any(right);
        self.unit.asm.mark_anchor(span, anchor);
        self.emit(op_form(op), aux, dest, left, right);
    }

    /// The value of a literal that fits a 16-bit immediate.
    pub fn small_int(&self, e: &Expr) -> Option<i16> {
        match self.constant(e) {
            Some(Const::Int(i)) => i16::try_from(i).ok(),
            _ => None,
        }
    }

    fn unary(&mut self, op: UnaryOp, operand: &'a Expr, dest: Reg, span: Span) {
        if let (UnaryOp::Not, ExprKind::Compare { left, rest }) = (op, &operand.kind)
            && let [(op, right)] = &rest[..]
            && let Some(negated) = negated(*op)
        {
            self.doubt_identity(left, rest, true, operand.span);
            return self.compare_two(negated, left, right, dest, operand.span);
        }
        let value = self.operand_in(operand, dest, &[]);
        let op = match op {
            UnaryOp::Invert => Op::Invert,
            UnaryOp::Not => Op::Not,
            UnaryOp::Pos => Op::Pos,
            UnaryOp::Neg => Op::Neg,
        };
        self.mark(span);
        self.emit(op, 0, dest, value, 0);
    }

    fn compare(&mut self, left: &'a Expr, rest: &'a [(CmpOp, Expr)], dest: Reg, span: Span) {
        self.doubt_identity(left, rest, false, span);
        if let [(op, right)] = rest {
            return self.compare_two(*op, left, right, dest, span);
        }
        let result = self.scratch(dest);
        let end = self.label();
        let later: Vec<&Expr> = rest.iter().map(|(_, e)| e).collect();
        let mut l = self.operand(left, &later);
        let mut bound = None;
        for (i, (op, right)) in rest.iter().enumerate() {
            let r = self.compared(*op, right, &later[i + 1..]);
            self.mark(span);
            self.emit_compare(*op, result, l, r);
            if i + 1 < rest.len() {
                self.unit.asm.branch(Op::JumpFalse, 0, result, 0, end);
                bound.get_or_insert_with(|| self.unit.bound.clone());
            }
            l = r;
        }
        self.bind(end);
        if let Some(bound) = bound {
            self.unit.bound = bound;
        }
        self.move_to(dest, result);
    }

    fn compare_two(&mut self, op: CmpOp, left: &'a Expr, right: &'a Expr, dest: Reg, span: Span) {
        let l = self.operand_in(left, dest, &[right]);
        let r = self.compared(op, right, &[]);
        self.mark(span);
        self.emit_compare(op, dest, l, r);
    }

    /// The right operand of a comparison; the literal container of `in` becomes a constant, unless it is compared
    /// once more as the left operand of the next one.
    pub fn compared(&mut self, op: CmpOp, right: &'a Expr, later: &[&Expr]) -> Reg {
        if matches!(op, CmpOp::In | CmpOp::NotIn)
            && later.is_empty()
            && let ExprKind::List(items) | ExprKind::Set(items) = &right.kind
            && let Some(items) = items.iter().map(|e| self.constant(e)).collect::<Option<Box<[_]>>>()
        {
            let is_set = matches!(right.kind, ExprKind::Set(_));
            let dest = self.alloc();
            self.load_const(dest, if is_set { Const::FrozenSet(items) } else { Const::Tuple(items) });
            return dest;
        }
        self.operand(right, later)
    }

    pub fn emit_compare(&mut self, op: CmpOp, dest: Reg, left: Reg, right: Reg) {
        let (op, aux) = match op {
            CmpOp::Eq => (Op::Eq, 0),
            CmpOp::NotEq => (Op::Ne, 0),
            CmpOp::Lt => (Op::Lt, 0),
            CmpOp::LtE => (Op::Le, 0),
            CmpOp::Gt => (Op::Gt, 0),
            CmpOp::GtE => (Op::Ge, 0),
            CmpOp::Is => (Op::Is, 0),
            CmpOp::IsNot => (Op::Is, 1),
            CmpOp::In => (Op::In, 0),
            CmpOp::NotIn => (Op::In, 1),
        };
        self.emit(op, aux, dest, left, right);
    }

    fn bool_op(&mut self, and: bool, values: &'a [Expr], dest: Reg, span: Span) {
        let result = self.scratch(dest);
        let end = self.label();
        let op = if and { Op::JumpFalse } else { Op::JumpTrue };
        let mut bound = None;
        for (i, value) in values.iter().enumerate() {
            self.expr_to(value, result);
            if i + 1 < values.len() {
                self.mark(span);
                self.unit.asm.branch(op, 0, result, 0, end);
                bound.get_or_insert_with(|| self.unit.bound.clone());
            }
        }
        self.bind(end);
        if let Some(bound) = bound {
            self.unit.bound = bound;
        }
        self.move_to(dest, result);
    }

    fn if_exp(&mut self, test: &'a Expr, body: &'a Expr, orelse: &'a Expr, dest: Reg) {
        if let Some(value) = self.constant(test) {
            let is_body = fold::truth(&value);
            self.live_or_dead(is_body, |c| c.expr_to(body, dest));
            return self.live_or_dead(!is_body, |c| c.expr_to(orelse, dest));
        }
        let (other, end) = (self.label(), self.label());
        self.cond(test, other, false);
        let before = self.unit.bound.clone();
        self.expr_to(body, dest);
        self.unit.asm.jump(end);
        self.bind(other);
        let after_body = std::mem::replace(&mut self.unit.bound, before);
        self.expr_to(orelse, dest);
        self.unit.bound.meet(&after_body);
        self.bind(end);
    }

    /// `target := value`; the register that holds the value.
    fn named(&mut self, target: &'a Ident, value: &'a Expr) -> Reg {
        if let Place::Local(reg) = self.place(&self.mangle(&target.name))
            && &*target.name != "__debug__"
        {
            self.expr_to(value, reg);
            self.unit.bound.add(reg);
            return reg;
        }
        let temp = self.alloc();
        self.expr_to(value, temp);
        self.store_name(&target.name, temp, target.span);
        temp
    }

    // ---- attributes and items

    pub fn get_attr(&mut self, dest: Reg, object: Reg, attr: &Ident, span: Span) {
        self.mark(self.attr_span(span, attr));
        let name = self.attr_name(attr);
        self.emit(Op::GetAttr, 0, dest, object, name);
    }

    pub fn attr_name(&mut self, attr: &Ident) -> u16 {
        let name = self.mangle(&attr.name);
        self.name16(&name)
    }

    /// In a chain over several lines the place of an attribute is its name.
    pub fn attr_span(&self, span: Span, attr: &Ident) -> Span {
        let line = |at| self.source.line_of(at);
        if line(span.start) == line(attr.span.start) { span } else { attr.span }
    }

    fn subscript(&mut self, value: &'a Expr, index: &'a Expr, dest: Reg, span: Span) {
        self.doubt_subscript(value, index);
        let object = self.operand_in(value, dest, &[index]);
        let anchor = self.bracket_anchor(value.span.end, b'[', span);
        if let Some(imm) = self.small_int(index) {
            self.unit.asm.mark_anchor(span, anchor);
            return self.emit(Op::GetItemImm, 0, dest, object, imm as u16);
        }
        let index = self.expr_any(index);
        self.unit.asm.mark_anchor(span, anchor);
        self.emit(Op::GetItem, 0, dest, object, index);
    }

    /// From the bracket that follows `after` to the end of the span.
    pub fn bracket_anchor(&self, after: u32, bracket: u8, span: Span) -> Option<Span> {
        let text = self.source.text.as_bytes().get(after as usize..span.end as usize)?;
        let at = text.iter().position(|&b| b == bracket)? as u32;
        Some(Span { start: after + at, end: span.end })
    }

    fn slice(&mut self, parts: [Option<&'a Expr>; 3], dest: Reg, span: Span) {
        let first = self.alloc_n(3);
        for (i, part) in parts.into_iter().enumerate() {
            match part {
                Some(e) => self.expr_to(e, first + i as u16),
                None => self.load_const(first + i as u16, Const::None),
            }
        }
        self.mark(span);
        self.emit(Op::Slice, 0, dest, first, 3);
    }
}

/// The comparison that a `not` before it amounts to, if its result is a bool anyway.
fn negated(op: CmpOp) -> Option<CmpOp> {
    match op {
        CmpOp::Is => Some(CmpOp::IsNot),
        CmpOp::IsNot => Some(CmpOp::Is),
        CmpOp::In => Some(CmpOp::NotIn),
        CmpOp::NotIn => Some(CmpOp::In),
        _ => None,
    }
}

fn imm_form(op: BinOp) -> Option<Op> {
    Some(match op {
        BinOp::Add => Op::AddImm,
        BinOp::Sub => Op::SubImm,
        BinOp::Mul => Op::MulImm,
        BinOp::FloorDiv => Op::FloorDivImm,
        BinOp::Mod => Op::ModImm,
        BinOp::BitAnd => Op::BitAndImm,
        _ => return None,
    })
}

fn op_form(op: BinOp) -> Op {
    match op {
        BinOp::Add => Op::Add,
        BinOp::Sub => Op::Sub,
        BinOp::Mul => Op::Mul,
        BinOp::MatMul => Op::MatMul,
        BinOp::Div => Op::Div,
        BinOp::Mod => Op::Mod,
        BinOp::Pow => Op::Pow,
        BinOp::LShift => Op::LShift,
        BinOp::RShift => Op::RShift,
        BinOp::BitOr => Op::BitOr,
        BinOp::BitXor => Op::BitXor,
        BinOp::BitAnd => Op::BitAnd,
        BinOp::FloorDiv => Op::FloorDiv,
    }
}
