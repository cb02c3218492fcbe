//! Calls: plain, of methods, with keywords, with unpacking, and the bare `super()`.

use conc_grammar::ast::{Arg, Expr, ExprKind, Ident, Span};

use super::assemble::Reg;
use super::names::Place;
use super::tree;
use super::unit::Compiler;
use crate::bytecode::op::{Op, special};
use crate::bytecode::template::Const;

/// From the callee to the first argument: the machine's registers lie between.
pub const CALL_GAP: u16 = 4;

/// Calls with more arguments than this pass them in a list, which keeps frames small.
const MAX_PLACED: usize = 200;

impl<'a> Compiler<'a> {
    pub fn call(&mut self, func: &'a Expr, args: &'a [Arg], dest: Reg, span: Span) {
        self.check_keywords(args);
        self.doubt_call(func);
        if args.is_empty() && self.bare_super(func, dest, span) {
            return;
        }
        let block = self.call_block(dest);
        let spread = args.len() > MAX_PLACED || args.iter().any(|a| matches!(a, Arg::Star(_) | Arg::DoubleStar(_)));
        match &func.kind {
            ExprKind::Attribute { value, attr } if !spread => self.call_method(block, value, attr, func, args, span),
            _ => {
                self.expr_to(func, block);
                let anchor = self.bracket_anchor(func.span.end, b'(', span);
                if spread {
                    self.spread_arguments(block, args, span);
                    self.unit.asm.mark_anchor(span, anchor);
                    self.emit(Op::CallEx, 0, block, 0, 0);
                } else {
                    self.skip_to(block + CALL_GAP);
                    self.place_arguments(args);
                    self.emit_call(block, args, false, span, anchor);
                }
            }
        }
        self.release(block + 1);
        self.move_to(dest, block);
    }

    /// The first register of a call: the destination itself if that is the last register in use.
    fn call_block(&mut self, dest: Reg) -> Reg {
        if self.is_temp(dest) && dest + 1 == self.top() { dest } else { self.alloc() }
    }

    /// Reserves registers up to (not including) `reg`.
    pub fn skip_to(&mut self, reg: Reg) {
        let missing = reg.saturating_sub(self.top());
        self.alloc_n(usize::from(missing));
    }

    fn call_method(
        &mut self,
        block: Reg,
        value: &'a Expr,
        attr: &'a Ident,
        func: &'a Expr,
        args: &'a [Arg],
        span: Span,
    ) {
        self.skip_to(block + CALL_GAP);
        let receiver = self.alloc();
        let object = match &value.kind {
            ExprKind::Name(name) if self.local_register(name).is_some() => self.expr_any(value),
            _ => {
                self.expr_to(value, receiver);
                receiver
            }
        };
        self.mark(self.attr_span(func.span, attr));
        let name = self.attr_name(attr);
        self.emit(Op::LoadMethod, 0, block, object, name);
        self.place_arguments(args);
        let same_line = self.attr_span(func.span, attr) == func.span;
        if same_line {
            let anchor = self.bracket_anchor(func.span.end, b'(', span);
            self.emit_call(block, args, true, span, anchor);
        } else {
            self.emit_call(block, args, true, attr.span, None);
        }
    }

    /// Evaluates positional and keyword arguments into consecutive registers.
    fn place_arguments(&mut self, args: &'a [Arg]) {
        for arg in args {
            let reg = self.alloc();
            self.expr_to(tree::arg_value(arg), reg);
        }
    }

    fn emit_call(&mut self, block: Reg, args: &'a [Arg], method: bool, span: Span, anchor: Option<Span>) {
        let names: Box<[Const]> = args.iter().filter_map(keyword_name).collect();
        self.unit.asm.mark_anchor(span, anchor);
        let count = args.len() as u16;
        if !names.is_empty() {
            let names = self.const16(Const::Tuple(names));
            self.emit(Op::CallKw, u8::from(method), block, count, names);
        } else {
            self.emit(if method { Op::CallMethod } else { Op::Call }, 0, block, count, 0);
        }
    }

    /// Puts the list of positional arguments and the keyword dict behind `block`.
    fn spread_arguments(&mut self, block: Reg, args: &'a [Arg], span: Span) {
        self.skip_to(block + CALL_GAP);
        let (list, dict) = (self.alloc(), self.alloc());
        self.mark(span);
        self.emit(Op::List, 0, list, 0, 0);
        for arg in args {
            self.spread_positional(block, list, arg, span);
        }
        self.spread_keywords(block, dict, args, span);
    }

    pub fn spread_positional(&mut self, block: Reg, list: Reg, arg: &'a Arg, span: Span) {
        let top = self.top();
        let (value, op, aux) = match arg {
            Arg::Positional(e) => (e, Op::ListAppend, 0),
            Arg::Star(e) => (e, Op::ListExtend, 1),
            _ => return,
        };
        let value = self.expr_any(value);
        self.mark(span);
        self.emit(op, aux, list, value, if aux == 1 { block } else { 0 });
        self.release(top);
    }

    pub fn spread_keywords(&mut self, block: Reg, dict: Reg, args: &'a [Arg], span: Span) {
        let mut rest = args;
        let mut made = false;
        while let Some((first, tail)) = rest.split_first() {
            let top = self.top();
            match first {
                Arg::Keyword(..) => {
                    let run = rest.iter().take_while(|a| !matches!(a, Arg::DoubleStar(_))).count();
                    let target = if made { self.alloc() } else { dict };
                    self.keyword_dict(target, &rest[..run]);
                    if made {
                        self.mark(span);
                        self.emit(Op::DictUpdate, 1, dict, target, block);
                    }
                    made = true;
                    rest = &rest[run..];
                }
                Arg::DoubleStar(e) => {
                    if !made {
                        self.emit(Op::Dict, 0, dict, 0, 0);
                        made = true;
                    }
                    let value = self.expr_any(e);
                    self.mark(span);
                    self.emit(Op::DictUpdate, 1, dict, value, block);
                    rest = tail;
                }
                _ => rest = tail,
            }
            self.release(top);
        }
        if !made {
            self.load_special(dict, special::UNBOUND);
        }
    }

    /// A new dict of the keyword arguments among `args`, one pair at a time: there may be many.
    fn keyword_dict(&mut self, dict: Reg, args: &'a [Arg]) {
        self.emit(Op::Dict, 0, dict, 0, 0);
        for arg in args {
            if let Arg::Keyword(name, value) = arg {
                let top = self.top();
                let key = self.alloc();
                self.load_str(key, &name.name);
                let value = self.expr_any(value);
                self.emit(Op::DictSet, 0, dict, key, value);
                self.release(top);
            }
        }
    }

    pub fn check_keywords(&mut self, args: &'a [Arg]) {
        let mut seen: Vec<&str> = Vec::new();
        for arg in args {
            let Arg::Keyword(name, value) = arg else { continue };
            let span = name.span.to(value.span);
            if &*name.name == "__debug__" {
                self.error("cannot assign to __debug__", span);
            }
            if seen.contains(&&*name.name) {
                self.error(format!("keyword argument repeated: {}", name.name), span);
            }
            seen.push(&name.name);
        }
    }

    /// `super()` in a method: the machine finds the class in its cell and the object in the first parameter.
    fn bare_super(&mut self, func: &'a Expr, dest: Reg, span: Span) -> bool {
        let scope = self.scope();
        let is_super = matches!(&func.kind, ExprKind::Name(name) if &**name == "super");
        let (Some(index), true) = (scope.free_index("__class__"), is_super) else { return false };
        if self.place("super") != Place::Global || scope.params.positional == 0 {
            return false;
        }
        let block = self.call_block(dest);
        self.expr_to(func, block);
        self.skip_to(block + CALL_GAP);
        let class = self.alloc();
        let name = self.name16("__class__");
        self.mark(span);
        // aux 1: an empty cell gives unbound, for the machine's own error.
        self.emit(Op::GetFree, 1, class, index, name);
        let first = self.unit.locals[0].clone();
        let object = if first.is_cell {
            let temp = self.alloc();
            let name = self.name16(&first.name);
            self.emit(Op::GetCell, 1, temp, first.register, name);
            temp
        } else {
            first.register
        };
        let anchor = self.bracket_anchor(func.span.end, b'(', span);
        self.unit.asm.mark_anchor(span, anchor);
        self.emit(Op::Super, 0, block, class, object);
        self.release(block + 1);
        self.move_to(dest, block);
        true
    }
}

fn keyword_name(arg: &Arg) -> Option<Const> {
    match arg {
        Arg::Keyword(name, _) => Some(Const::Str(name.name.as_bytes().into())),
        _ => None,
    }
}
