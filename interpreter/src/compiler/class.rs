//! Class statements and class bodies.

use conc_grammar::ast::{Arg, ClassDef, Span};

use super::assemble::Reg;
use super::call::CALL_GAP;
use super::symbols::Part;
use super::tree;
use super::unit::Compiler;
use crate::bytecode::op::Op;
use crate::bytecode::template::Const;

/// `Op::LoadBuiltin`'s index of `__build_class__`.
const BUILD_CLASS: u32 = 1;

impl<'a> Compiler<'a> {
    pub fn class_def(&mut self, def: &'a ClassDef, span: Span) {
        let top = self.top();
        let span = def.decorators.first().map_or(span, |d| span.to(d.span));
        let dest = self.decorators(&def.decorators);
        self.check_keywords(&def.args);
        if def.type_params.is_empty() {
            self.class_object(def, span, None, dest);
        } else {
            self.generic_class(def, span, dest);
        }
        self.apply_decorators(&def.decorators, dest);
        self.store_name(&def.name.name, dest - CALL_GAP * def.decorators.len() as u16, def.name.span);
        self.release(top);
    }

    /// Calls `__build_class__` on the body, the name, the bases (a `generic` base last) and the keywords. `dest` is
    /// the last register in use.
    pub fn class_object(&mut self, def: &'a ClassDef, span: Span, generic: Option<Reg>, dest: Reg) {
        let scope = self.table.scope_of(def, Part::Body);
        let block = if dest + 1 == self.top() { dest } else { self.alloc() };
        self.mark(span);
        self.emit_x(Op::LoadBuiltin, 0, block, BUILD_CLASS);
        self.skip_to(block + CALL_GAP);
        let spread = def.args.iter().any(|a| matches!(a, Arg::Star(_) | Arg::DoubleStar(_)));
        if spread {
            self.spread_class(def, span, generic, block);
        } else {
            let (body, name) = (self.alloc(), self.alloc());
            self.class_function(def, scope, span, body);
            self.load_str(name, &def.name.name);
            self.placed_bases(def, span, generic, block);
        }
        self.release(block + 1);
        self.move_to(dest, block);
    }

    fn class_function(&mut self, def: &'a ClassDef, scope: usize, span: Span, dest: Reg) {
        let child = self.child(scope, &def.name.name, span, |c| c.class_body(def, span));
        self.mark(span);
        self.make_closure(child, scope, 0, None, dest);
    }

    fn placed_bases(&mut self, def: &'a ClassDef, span: Span, generic: Option<Reg>, block: Reg) {
        let mut count = 2;
        for arg in &def.args {
            if let Arg::Positional(base) = arg {
                let reg = self.alloc();
                self.expr_to(base, reg);
                count += 1;
            }
        }
        if let Some(generic) = generic {
            let reg = self.alloc();
            self.move_to(reg, generic);
            count += 1;
        }
        let mut names = Vec::new();
        for arg in &def.args {
            if let Arg::Keyword(name, value) = arg {
                let reg = self.alloc();
                self.expr_to(value, reg);
                names.push(Const::Str(name.name.as_bytes().into()));
                count += 1;
            }
        }
        self.mark(span);
        if names.is_empty() {
            self.emit(Op::Call, 0, block, count, 0);
        } else {
            let names = self.const16(Const::Tuple(names.into()));
            self.emit(Op::CallKw, 0, block, count, names);
        }
    }

    fn spread_class(&mut self, def: &'a ClassDef, span: Span, generic: Option<Reg>, block: Reg) {
        let scope = self.table.scope_of(def, Part::Body);
        let (list, dict) = (self.alloc(), self.alloc());
        let (body, name) = (self.alloc(), self.alloc());
        self.class_function(def, scope, span, body);
        self.load_str(name, &def.name.name);
        self.emit(Op::List, 0, list, body, 2);
        self.release(body);
        for arg in &def.args {
            self.spread_positional(block, list, arg, span);
        }
        if let Some(generic) = generic {
            self.emit(Op::ListAppend, 0, list, generic, 0);
        }
        self.spread_keywords(block, dict, &def.args, span);
        self.mark(span);
        self.emit(Op::CallEx, 0, block, 0, 0);
    }

    /// The code of a class body: register 0 is the namespace, the result the `__class__` cell or None.
    fn class_body(&mut self, def: &'a ClassDef, span: Span) {
        let temp = self.alloc();
        self.mark(span);
        let name = self.name32("__name__");
        self.emit_x(Op::GetName, 0, temp, name);
        self.set_class_name("__module__", temp);
        let qualname = self.unit.qualname.clone();
        self.load_str(temp, &qualname);
        self.set_class_name("__qualname__", temp);
        let line = self.source.line_of(span.start);
        self.load_const(temp, Const::Int(i64::from(line)));
        self.set_class_name("__firstlineno__", temp);
        if !def.type_params.is_empty() {
            self.load_name(".type_params", temp, span);
            self.set_class_name("__type_params__", temp);
        }
        if tree::has_annotations(&def.body) {
            self.emit(Op::Annotations, 0, temp, 1, 0);
        }
        let body = self.take_docstring(&def.body);
        if let Some(doc) = self.unit.doc.clone() {
            self.load_const(temp, Const::Str(doc));
            self.set_class_name("__doc__", temp);
        }
        self.release(temp);
        self.stmts(body);
        self.class_end(span);
    }

    fn set_class_name(&mut self, name: &str, value: Reg) {
        let name = self.name32(name);
        self.emit_x(Op::SetName, 0, value, name);
    }

    fn class_end(&mut self, span: Span) {
        let temp = self.alloc();
        self.mark(span);
        let attributes = &self.scope().static_attributes;
        let attributes = attributes.iter().map(|name| Const::Str(name.as_bytes().into())).collect();
        self.load_const(temp, Const::Tuple(attributes));
        self.set_class_name("__static_attributes__", temp);
        if let Some(cell) = self.unit.slots.get("__classdict__").map(|slot| slot.reg) {
            self.set_class_name("__classdictcell__", cell);
        }
        match self.unit.slots.get("__class__").map(|slot| slot.reg) {
            Some(cell) => {
                self.set_class_name("__classcell__", cell);
                self.emit_return(cell);
            }
            None => {
                self.emit_return_none();
            }
        }
    }
}
