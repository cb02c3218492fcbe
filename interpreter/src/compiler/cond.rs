//! Conditions: code that jumps on the truth of an expression instead of computing it.

use conc_grammar::ast::{CmpOp, Const as Literal, Expr, ExprKind, Span, UnaryOp};

use super::assemble::{Label, Reg};
use super::fold;
use super::tree;
use super::unit::Compiler;
use crate::bytecode::op::Op;

impl<'a> Compiler<'a> {
    /// Jumps to `target` if the truth of `e` is `when`; falls through otherwise.
    pub fn cond(&mut self, e: &'a Expr, target: Label, when: bool) {
        if let Some(value) = self.constant(e) {
            if fold::truth(&value) == when {
                self.unit.asm.jump(target);
            }
            return;
        }
        let top = self.top();
        match &e.kind {
            ExprKind::UnaryOp { op: UnaryOp::Not, operand } => match &operand.kind {
                ExprKind::Compare { left, rest } => {
                    self.doubt_identity(left, rest, true, operand.span);
                    self.cond_compare(left, rest, target, !when, operand.span);
                }
                _ => self.cond(operand, target, !when),
            },
            ExprKind::BoolOp { and, values } => self.cond_chain(*and, values, target, when),
            ExprKind::Compare { left, rest } => {
                self.doubt_identity(left, rest, false, e.span);
                self.cond_compare(left, rest, target, when, e.span);
            }
            _ => {
                let value = self.expr_any(e);
                self.mark(e.span);
                let op = if when { Op::JumpTrue } else { Op::JumpFalse };
                self.unit.asm.branch(op, 0, value, 0, target);
            }
        }
        self.release(top);
    }

    fn cond_chain(&mut self, and: bool, values: &'a [Expr], target: Label, when: bool) {
        let Some((last, init)) = values.split_last() else { return };
        // An `and` is decided by its first false value, an `or` by its first true one.
        let decides = !and;
        let skip = self.label();
        let mut bound = None;
        for value in init {
            self.cond(value, if when == decides { target } else { skip }, decides);
            bound.get_or_insert_with(|| self.unit.bound.clone());
        }
        self.cond(last, target, when);
        self.bind(skip);
        if let Some(bound) = bound {
            self.unit.bound = bound;
        }
    }

    fn cond_compare(&mut self, left: &'a Expr, rest: &'a [(CmpOp, Expr)], target: Label, when: bool, span: Span) {
        if let [(op, right)] = rest {
            let l = self.operand(left, &[right]);
            return self.branch_compare(*op, l, right, &[], target, when, span);
        }
        let skip = self.label();
        let later: Vec<&Expr> = rest.iter().map(|(_, e)| e).collect();
        let mut l = self.operand(left, &later);
        let mut bound = None;
        for (i, (op, right)) in rest.iter().enumerate() {
            let last = i + 1 == rest.len();
            let r = self.compared(*op, right, &later[i + 1..]);
            if last {
                self.branch_registers(*op, l, r, target, when, span);
            } else {
                self.branch_registers(*op, l, r, if when { skip } else { target }, false, span);
                bound.get_or_insert_with(|| self.unit.bound.clone());
            }
            l = r;
        }
        self.bind(skip);
        if let Some(bound) = bound {
            self.unit.bound = bound;
        }
    }

    #[allow(clippy::too_many_arguments)] // one comparison: operands, outcome, target, place
    fn branch_compare(
        &mut self,
        op: CmpOp,
        left: Reg,
        right: &'a Expr,
        later: &[&Expr],
        target: Label,
        when: bool,
        span: Span,
    ) {
        if let (CmpOp::Is | CmpOp::IsNot, ExprKind::Const(Literal::None)) = (op, &right.kind) {
            let jump_if_none = (op == CmpOp::Is) == when;
            self.mark(span);
            return self.unit.asm.branch(Op::JumpNone, u8::from(!jump_if_none), left, 0, target);
        }
        if let (Some(op), Some(imm)) = (imm_branch(op), self.small_int(right)) {
            self.mark(span);
            return self.unit.asm.branch(op, u8::from(when), left, imm as u16, target);
        }
        let right = self.compared(op, right, later);
        self.branch_registers(op, left, right, target, when, span);
    }

    fn branch_registers(&mut self, op: CmpOp, left: Reg, right: Reg, target: Label, when: bool, span: Span) {
        self.mark(span);
        let branch = match op {
            CmpOp::Eq => Op::JumpEq,
            CmpOp::NotEq => Op::JumpNe,
            CmpOp::Lt => Op::JumpLt,
            CmpOp::LtE => Op::JumpLe,
            CmpOp::Gt => Op::JumpGt,
            CmpOp::GtE => Op::JumpGe,
            CmpOp::Is | CmpOp::IsNot => {
                let aux = u8::from((op == CmpOp::Is) == when);
                return self.unit.asm.branch(Op::JumpIs, aux, left, right, target);
            }
            CmpOp::In | CmpOp::NotIn => {
                let result = self.alloc();
                self.emit(Op::In, 0, result, left, right);
                let jump = if (op == CmpOp::In) == when { Op::JumpTrue } else { Op::JumpFalse };
                return self.unit.asm.branch(jump, 0, result, 0, target);
            }
        };
        self.unit.asm.branch(branch, u8::from(when), left, right, target);
    }

    /// The value of a condition that is known now.
    pub fn known_truth(&self, e: &Expr) -> Option<bool> {
        self.constant(e).map(|value| fold::truth(&value))
    }

    /// Whether the test of a loop may be compiled at its entry and again at its end.
    pub fn may_repeat(&self, test: &Expr) -> bool {
        tree::is_cheap_to_repeat(test)
    }
}

fn imm_branch(op: CmpOp) -> Option<Op> {
    Some(match op {
        CmpOp::Eq => Op::JumpEqImm,
        CmpOp::NotEq => Op::JumpNeImm,
        CmpOp::Lt => Op::JumpLtImm,
        CmpOp::LtE => Op::JumpLeImm,
        CmpOp::Gt => Op::JumpGtImm,
        CmpOp::GtE => Op::JumpGeImm,
        _ => return None,
    })
}
