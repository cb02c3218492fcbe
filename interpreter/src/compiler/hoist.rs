//! Constants that loops use as operands: loaded once, before the outermost loop, into registers of their own.
//!
//! An instruction has no operand form for a float or `True`; without this, each turn would load it again.

use conc_grammar::ast::{Expr, ExprKind, Stmt, StmtKind};

use super::assemble::Reg;
use super::tree;
use super::unit::Compiler;
use crate::bytecode::op::Op;
use crate::bytecode::template::Const;

/// A loop that uses more constants loads the rest where they are used.
const MOST: usize = 8;

/// A constant that is in a register while a loop is compiled, by the instruction that loads it.
#[derive(Clone, Copy, Debug)]
pub struct Hoisted {
    load: (Op, u32),
    reg: Reg,
}

impl<'a> Compiler<'a> {
    /// Compiles a loop with its constants in registers, unless an outer loop's has done so.
    pub fn with_loop_constants(&mut self, stmt: &'a Stmt, work: impl FnOnce(&mut Self)) {
        if !self.unit.hoisted.is_empty() {
            return work(self);
        }
        let mut loads = Vec::new();
        operands(stmt, &mut |e| {
            if let Some(load) = self.constant(e).filter(is_worth_it).map(|value| self.load_form(value))
                && !loads.contains(&load)
                && loads.len() < MOST
            {
                loads.push(load);
            }
        });
        for (op, x) in loads {
            let reg = self.alloc();
            self.emit_x(op, 0, reg, x);
            self.unit.hoisted.push(Hoisted { load: (op, x), reg });
        }
        work(self);
        self.unit.hoisted.clear();
    }

    /// The register that holds a constant while the loop around it runs.
    pub fn hoisted_constant(&mut self, e: &Expr) -> Option<Reg> {
        if self.unit.hoisted.is_empty() {
            return None;
        }
        let load = self.constant(e).map(|value| self.load_form(value))?;
        self.unit.hoisted.iter().find(|h| h.load == load).map(|h| h.reg)
    }

    /// Whether a register holds a loop's constant, so that nothing else may be put there.
    pub fn is_hoisted(&self, reg: Reg) -> bool {
        self.unit.hoisted.iter().any(|h| h.reg == reg)
    }
}

/// Small ints are immediate operands; building a big constant is left to where it is needed.
fn is_worth_it(value: &Const) -> bool {
    match value {
        Const::Int(i) => i16::try_from(*i).is_err(),
        Const::Tuple(_) | Const::FrozenSet(_) => false,
        _ => true,
    }
}

/// Calls `f` on every expression of a loop that is an operand of an operator or is stored into an object.
fn operands<'a>(stmt: &'a Stmt, f: &mut dyn FnMut(&'a Expr)) {
    match &stmt.kind {
        StmtKind::Assign { targets, value } => {
            if targets.iter().any(|t| matches!(t.kind, ExprKind::Subscript { .. } | ExprKind::Attribute { .. })) {
                f(value);
            }
            inner_operands(value, f);
        }
        StmtKind::AugAssign { value, .. } => {
            f(value);
            inner_operands(value, f);
        }
        StmtKind::Expr(e) | StmtKind::Return(Some(e)) => inner_operands(e, f),
        StmtKind::If { test, .. } | StmtKind::While { test, .. } => inner_operands(test, f),
        StmtKind::For { iter, .. } => inner_operands(iter, f),
        _ => {}
    }
    tree::bodies(stmt, &mut |body| body.iter().for_each(|s| operands(s, f)));
}

fn inner_operands<'a>(e: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    match &e.kind {
        ExprKind::BinOp { left, right, .. } => {
            f(left);
            f(right);
        }
        ExprKind::Compare { left, rest } => {
            f(left);
            rest.iter().for_each(|(_, e)| f(e));
        }
        _ => {}
    }
    tree::children(e, &mut |child| inner_operands(child, f));
}
