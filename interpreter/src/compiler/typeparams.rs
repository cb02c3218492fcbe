//! Type parameters (PEP 695): generic functions and classes, type aliases.
//!
//! What has type parameters is made inside a function of its own that is called at once; bounds, defaults and alias
//! values are functions called when somebody asks.

use conc_grammar::ast::{ClassDef, Expr, ExprKind, FunctionDef, Ident, Span, Stmt, TypeParam, TypeParamKind};

use super::assemble::Reg;
use super::call::CALL_GAP;
use super::function::parts;
use super::symbols::{Part, ScopeId};
use super::unit::Compiler;
use crate::bytecode::op::{Intrinsic, Op, special};

impl<'a> Compiler<'a> {
    pub fn intrinsic(&mut self, which: Intrinsic, dest: Reg, first: Reg, count: u16) {
        self.emit(Op::Intrinsic, which as u8, dest, first, count);
    }

    /// A function with type parameters; its defaults are evaluated outside of them and passed in.
    pub fn generic_function(&mut self, def: &'a FunctionDef, span: Span, dest: Reg) {
        let scope = self.table.scope_of(def, Part::TypeParams);
        self.call_scope(scope, dest, span, Some(&def.params), |c| {
            let name = format!("<generic parameters of {}>", def.name.name);
            c.child(scope, &name, span, |c| {
                let params = c.type_params(&def.type_params);
                let result = c.alloc();
                let aux = c.passed_defaults();
                c.function_object(def, span, aux, Some(params), result);
                c.emit_return(result);
            })
        });
    }

    /// Copies the defaults that were passed in to the last registers; says which there are.
    fn passed_defaults(&mut self) -> u8 {
        let mut aux = 0;
        for (name, bit) in [(".defaults", parts::DEFAULTS), (".kwdefaults", parts::KW_DEFAULTS)] {
            if let Some(reg) = self.unit.slots.get(name).map(|slot| slot.reg) {
                aux |= bit;
                let copy = self.alloc();
                self.move_to(copy, reg);
            }
        }
        aux
    }

    pub fn generic_class(&mut self, def: &'a ClassDef, span: Span, dest: Reg) {
        let scope = self.table.scope_of(def, Part::TypeParams);
        self.call_scope(scope, dest, span, None, |c| {
            let name = format!("<generic parameters of {}>", def.name.name);
            c.child(scope, &name, span, |c| {
                let params = c.type_params(&def.type_params);
                c.store_mangled(".type_params", params);
                let generic = c.alloc();
                c.mark(span);
                c.intrinsic(Intrinsic::SubscriptGeneric, generic, params, 1);
                let result = c.alloc();
                c.class_object(def, span, Some(generic), result);
                c.emit_return(result);
            })
        });
    }

    pub fn type_alias(&mut self, stmt: &'a Stmt, name: &'a Ident, params: &'a [TypeParam], value: &'a Expr) {
        let top = self.top();
        let dest = self.alloc();
        if params.is_empty() {
            self.alias_object(name, None, value, stmt.span, dest);
        } else {
            let scope = self.table.scope_of(stmt, Part::TypeParams);
            self.call_scope(scope, dest, stmt.span, None, |c| {
                let scope_name = format!("<generic parameters of {}>", name.name);
                c.child(scope, &scope_name, stmt.span, |c| {
                    let params = c.type_params(params);
                    let result = c.alloc();
                    c.alias_object(name, Some(params), value, stmt.span, result);
                    c.emit_return(result);
                })
            });
        }
        self.store_name(&name.name, dest, name.span);
        self.release(top);
    }

    fn alias_object(&mut self, name: &'a Ident, params: Option<Reg>, value: &'a Expr, span: Span, dest: Reg) {
        let first = self.alloc_n(3);
        self.load_str(first, &name.name);
        match params {
            Some(params) => self.move_to(first + 1, params),
            None => self.load_special(first + 1, special::NONE),
        }
        let scope = self.table.scope_of(value, Part::Body);
        self.thunk(scope, &name.name, value, first + 2);
        self.mark(span);
        self.intrinsic(Intrinsic::TypeAlias, dest, first, 3);
        self.release(first);
    }

    /// Calls the function of a type parameter scope. `dest` is the last register in use.
    fn call_scope(
        &mut self,
        scope: ScopeId,
        dest: Reg,
        span: Span,
        params: Option<&'a conc_grammar::ast::Params>,
        child: impl FnOnce(&mut Self) -> u16,
    ) {
        self.skip_to(dest + CALL_GAP);
        let sees_class = self.table.scopes[scope].sees_class;
        if sees_class {
            // The namespace of the class around, as the first argument.
            let namespace = self.alloc();
            self.move_to(namespace, 0);
        }
        if let Some(params) = params {
            self.defaults(params);
        }
        let count = self.top() - dest - CALL_GAP;
        let top = self.top();
        let child = child(self);
        self.mark(span);
        self.make_closure(child, scope, 0, None, dest);
        self.release(top);
        self.emit(Op::Call, 0, dest, count, 0);
        self.release(dest + 1);
    }

    /// Makes and binds the type parameters; a register with the tuple of them.
    fn type_params(&mut self, params: &'a [TypeParam]) -> Reg {
        let result = self.alloc();
        let first = self.alloc_n(params.len());
        for (i, param) in params.iter().enumerate() {
            let reg = first + i as u16;
            self.type_param(param, reg);
            self.store_name(&param.name.name, reg, param.name.span);
        }
        self.emit(Op::Tuple, 0, result, first, params.len() as u16);
        self.release(first);
        result
    }

    fn type_param(&mut self, param: &'a TypeParam, dest: Reg) {
        let top = self.top();
        let args = self.alloc_n(2);
        self.load_str(args, &param.name.name);
        self.mark(param.name.span);
        match (&param.bound, param.kind) {
            (Some(bound), TypeParamKind::TypeVar) => {
                let scope = self.table.scope_of(param, Part::Bound);
                self.thunk(scope, &param.name.name, bound, args + 1);
                self.intrinsic(Intrinsic::TypeVarBound, dest, args, 2);
            }
            (_, TypeParamKind::TypeVar) => self.intrinsic(Intrinsic::TypeVar, dest, args, 1),
            (_, TypeParamKind::ParamSpec) => self.intrinsic(Intrinsic::ParamSpec, dest, args, 1),
            (_, TypeParamKind::TypeVarTuple) => self.intrinsic(Intrinsic::TypeVarTuple, dest, args, 1),
        }
        if let Some(default) = &param.default {
            self.move_to(args, dest);
            let scope = self.table.scope_of(param, Part::Default);
            self.thunk(scope, &param.name.name, default, args + 1);
            self.intrinsic(Intrinsic::TypeParamDefault, dest, args, 2);
        }
        self.release(top);
    }

    /// A function that computes `value` when called.
    fn thunk(&mut self, scope: ScopeId, name: &str, value: &'a Expr, dest: Reg) {
        let child = self.child(scope, name, value.span, |c| {
            let result = c.alloc();
            match &value.kind {
                ExprKind::Starred(inner) => c.unpack_one(inner, result, value.span),
                _ => c.expr_to(value, result),
            }
            c.emit_return(result);
        });
        self.make_closure(child, scope, 0, None, dest);
    }
}
