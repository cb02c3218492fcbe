//! Targets: assignment in all its forms, augmented and annotated assignment, `del`.

use conc_grammar::ast::{BinOp, Expr, ExprKind, Span};

use super::assemble::Reg;
use super::unit::Compiler;
use crate::bytecode::op::Op;

impl<'a> Compiler<'a> {
    pub fn assign_stmt(&mut self, targets: &'a [Expr], value: &'a Expr) {
        if let [target] = targets {
            return self.assign_one(target, value);
        }
        let later: Vec<&Expr> = targets.iter().collect();
        let mut reg = self.operand(value, &later);
        // A target that is the value's own variable would change it for the next ones.
        if !self.is_temp(reg) {
            let copy = self.alloc();
            self.move_to(copy, reg);
            reg = copy;
        }
        for target in targets {
            self.assign(target, reg);
        }
    }

    fn assign_one(&mut self, target: &'a Expr, value: &'a Expr) {
        match &target.kind {
            ExprKind::Name(name) if &**name != "__debug__" => {
                if let Some(reg) = self.local_register(name) {
                    self.expr_to(value, reg);
                    return self.unit.bound.add(reg);
                }
            }
            ExprKind::Tuple { items: targets, .. } | ExprKind::List(targets) => {
                if let ExprKind::Tuple { items: values, .. } | ExprKind::List(values) = &value.kind
                    && targets.len() == values.len()
                    && !targets.iter().chain(values).any(|e| matches!(e.kind, ExprKind::Starred(_)))
                    && targets.len() <= 16
                {
                    return self.assign_pairwise(targets, values);
                }
            }
            _ => {}
        }
        let reg = self.operand(value, &[target]);
        self.assign(target, reg);
    }

    /// `a, b = b, a` without the tuple: all values first, then the targets.
    fn assign_pairwise(&mut self, targets: &'a [Expr], values: &'a [Expr]) {
        let first = self.alloc_n(values.len());
        let direct = self.last_register(targets);
        for (i, value) in values.iter().enumerate() {
            let is_last = i + 1 == values.len();
            self.expr_to(value, direct.filter(|_| is_last).unwrap_or(first + i as u16));
        }
        for (i, target) in targets.iter().enumerate() {
            match direct {
                Some(reg) if i + 1 == targets.len() => self.unit.bound.add(reg),
                _ => self.assign(target, first + i as u16),
            }
        }
    }

    /// The register of the last target if all are different local variables: the last value may go straight there.
    fn last_register(&self, targets: &'a [Expr]) -> Option<Reg> {
        let register = |target: &Expr| match &target.kind {
            ExprKind::Name(name) if &**name != "__debug__" => self.local_register(name),
            _ => None,
        };
        let registers: Vec<Reg> = targets.iter().map(register).collect::<Option<_>>()?;
        let (last, others) = registers.split_last()?;
        (!others.contains(last)).then_some(*last)
    }

    /// Assigns the value in `from`, which no part of the target may change.
    pub fn assign(&mut self, target: &'a Expr, from: Reg) {
        let top = self.top();
        match &target.kind {
            ExprKind::Name(name) => self.store_name(name, from, target.span),
            ExprKind::Attribute { value, attr } => {
                if &*attr.name == "__debug__" {
                    self.error("cannot assign to __debug__", target.span);
                }
                let object = self.expr_any(value);
                self.mark(self.attr_span(target.span, attr));
                let name = self.attr_name(attr);
                self.emit(Op::SetAttr, 0, object, from, name);
            }
            ExprKind::Subscript { value, index } => {
                let object = self.operand(value, &[index]);
                let index = self.expr_any(index);
                self.mark_item(target.span, value);
                self.emit(Op::SetItem, 0, object, index, from);
            }
            ExprKind::Tuple { items, .. } | ExprKind::List(items) => self.unpack(items, from, target.span),
            ExprKind::Starred(_) => self.error("starred assignment target must be in a list or tuple", target.span),
            _ => self.error("cannot assign to this expression", target.span),
        }
        self.release(top);
    }

    fn mark_item(&mut self, span: Span, container: &Expr) {
        let anchor = self.bracket_anchor(container.span.end, b'[', span);
        self.unit.asm.mark_anchor(span, anchor);
    }

    fn unpack(&mut self, items: &'a [Expr], from: Reg, span: Span) {
        let mut stars = items.iter().enumerate().filter(|(_, e)| matches!(e.kind, ExprKind::Starred(_)));
        let star = stars.next().map(|(at, _)| at);
        if stars.next().is_some() {
            self.error("multiple starred expressions in assignment", span);
        }
        let first = self.alloc_n(items.len());
        self.mark(span);
        match star {
            None => self.emit(Op::Unpack, 0, first, from, items.len() as u16),
            Some(at) => {
                let after = items.len() - at - 1;
                if after > 0xff {
                    self.error("too many expressions in star-unpacking assignment", span);
                }
                self.emit(Op::UnpackEx, after as u8, first, from, at as u16);
            }
        }
        for (i, item) in items.iter().enumerate() {
            let target = match &item.kind {
                ExprKind::Starred(inner) => inner,
                _ => item,
            };
            self.assign(target, first + i as u16);
        }
    }

    // ---- augmented

    pub fn aug_assign(&mut self, target: &'a Expr, op: BinOp, value: &'a Expr, span: Span) {
        match &target.kind {
            ExprKind::Name(name) => {
                let reg = self.operand(target, &[value]);
                if let Some(local) = self.local_register(name) {
                    self.binary(op, 1, local, reg, value, (span, None));
                    self.unit.bound.add(local);
                } else {
                    self.binary(op, 1, reg, reg, value, (span, None));
                    self.store_name(name, reg, target.span);
                }
            }
            ExprKind::Attribute { value: object, attr } => {
                let object = self.operand(object, &[value]);
                let temp = self.alloc();
                self.get_attr(temp, object, attr, target.span);
                self.binary(op, 1, temp, temp, value, (span, None));
                self.mark(self.attr_span(target.span, attr));
                let name = self.attr_name(attr);
                self.emit(Op::SetAttr, 0, object, temp, name);
            }
            ExprKind::Subscript { value: container, index } => {
                let object = self.operand(container, &[index, value]);
                let index = self.operand(index, &[value]);
                let temp = self.alloc();
                self.mark_item(target.span, container);
                self.emit(Op::GetItem, 0, temp, object, index);
                self.binary(op, 1, temp, temp, value, (span, None));
                self.mark_item(target.span, container);
                self.emit(Op::SetItem, 0, object, index, temp);
            }
            _ => self.error("illegal expression for augmented assignment", target.span),
        }
    }

    // ---- annotated

    pub fn ann_assign(&mut self, target: &'a Expr, annotation: &'a Expr, value: Option<&'a Expr>, simple: bool) {
        if matches!(&target.kind, ExprKind::Name(name) if &**name == "__debug__") {
            return self.error("cannot assign to __debug__", target.span);
        }
        if let Some(value) = value {
            self.assign_one(target, value);
        }
        let top = self.top();
        let in_function = self.scope().is_function_like();
        match &target.kind {
            ExprKind::Name(name) if simple && !in_function => {
                let temp = self.alloc();
                self.annotation(annotation, temp);
                self.store_annotation(name, temp, target.span);
            }
            ExprKind::Attribute { value: object, .. } if value.is_none() => {
                self.expr_any(object);
            }
            ExprKind::Subscript { value: object, index } if value.is_none() => {
                self.expr_any(object);
                self.subscript_parts(index);
            }
            _ => {}
        }
        if !simple && !in_function && !self.options.future_annotations {
            self.expr_any(annotation);
        }
        self.release(top);
    }

    fn subscript_parts(&mut self, index: &'a Expr) {
        match &index.kind {
            ExprKind::Slice { lower, upper, step } => {
                for part in [lower, upper, step].into_iter().flatten() {
                    self.expr_any(part);
                }
            }
            ExprKind::Tuple { items, .. } => items.iter().for_each(|item| self.subscript_parts(item)),
            _ => {
                self.expr_any(index);
            }
        }
    }

    fn store_annotation(&mut self, name: &str, value: Reg, span: Span) {
        let (dict, key) = (self.alloc(), self.alloc());
        // The body made it; the script may have deleted or replaced it since.
        self.load_name("__annotations__", dict, span);
        let name = self.mangle(name);
        self.load_str(key, &name);
        self.emit(Op::SetItem, 0, dict, key, value);
    }

    // ---- del

    pub fn delete(&mut self, target: &'a Expr) {
        let top = self.top();
        match &target.kind {
            ExprKind::Name(name) => self.delete_name(name, target.span),
            ExprKind::Attribute { value, attr } => {
                if &*attr.name == "__debug__" {
                    self.error("cannot delete __debug__", target.span);
                }
                let object = self.expr_any(value);
                self.mark(self.attr_span(target.span, attr));
                let name = self.attr_name(attr);
                self.emit(Op::DelAttr, 0, object, 0, name);
            }
            ExprKind::Subscript { value, index } => {
                let object = self.operand(value, &[index]);
                let index = self.expr_any(index);
                self.mark_item(target.span, value);
                self.emit(Op::DelItem, 0, object, index, 0);
            }
            ExprKind::Tuple { items, .. } | ExprKind::List(items) => items.iter().for_each(|t| self.delete(t)),
            ExprKind::Starred(_) => self.error("cannot delete starred", target.span),
            _ => self.error("cannot delete this expression", target.span),
        }
        self.release(top);
    }
}
