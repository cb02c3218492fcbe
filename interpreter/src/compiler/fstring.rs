//! F-strings: every field formatted to a str, then joined.

use conc_grammar::ast::{FPart, Span};

use super::assemble::Reg;
use super::unit::{Compiler, NO_REG};
use crate::bytecode::op::Op;
use crate::bytecode::template::Const;

/// How many parts are joined at once.
const MAX_PARTS: usize = 32;

impl<'a> Compiler<'a> {
    pub fn fstring(&mut self, parts: &'a [FPart], dest: Reg, span: Span) {
        match parts {
            [] => self.load_const(dest, Const::Str(Box::default())),
            [part] => self.fpart(part, dest),
            _ => self.joined(parts, dest, span),
        }
    }

    /// Long strings are joined in rounds, each starting from what the one before made.
    fn joined(&mut self, parts: &'a [FPart], dest: Reg, span: Span) {
        let first = self.alloc();
        let mut next = first;
        for (i, part) in parts.iter().enumerate() {
            if next != first {
                self.skip_one(next);
            }
            self.fpart(part, next);
            next += 1;
            let last = i + 1 == parts.len();
            if last || usize::from(next - first) == MAX_PARTS {
                self.mark(span);
                self.emit(Op::Concat, 0, if last { dest } else { first }, first, next - first);
                self.release(first + 1);
                next = first + 1;
            }
        }
    }

    fn skip_one(&mut self, reg: Reg) {
        let taken = self.alloc();
        debug_assert_eq!(taken, reg, "parts are consecutive");
    }

    fn fpart(&mut self, part: &'a FPart, dest: Reg) {
        match part {
            FPart::Literal(text) => self.load_const(dest, Const::Str(text.clone())),
            FPart::Field { span, value, conversion, spec } => {
                let top = self.top();
                let later: Vec<_> = spec.iter().flatten().filter_map(field_value).collect();
                let value = self.operand(value, &later);
                let spec = match spec {
                    Some(parts) if !parts.is_empty() => {
                        let reg = self.alloc();
                        self.fstring(parts, reg, *span);
                        reg
                    }
                    _ => NO_REG,
                };
                self.mark(*span);
                self.emit(Op::Format, conversion.map_or(0, |c| c as u8), dest, value, spec);
                self.release(top);
            }
        }
    }
}

fn field_value(part: &FPart) -> Option<&conc_grammar::ast::Expr> {
    match part {
        FPart::Field { value, .. } => Some(value),
        FPart::Literal(_) => None,
    }
}
