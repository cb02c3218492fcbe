//! First pass: opens a scope for each node that has one and records what it does with each name.

use conc_grammar::ast::*;

use super::error::CompileError;
use super::future;
use super::mangle::mangle;
use super::symbols::{CompKind, NodeKey, ParamCounts, Part, Scope, ScopeId, ScopeKind, Table, ThunkKind, uses};
use super::tree;

pub struct Collector {
    pub table: Table,
    pub errors: Vec<CompileError>,
    current: ScopeId,
    /// Annotations stay text: their names are not uses.
    lazy_annotations: bool,
    /// Inside the iterables of a comprehension, where `:=` is not allowed.
    in_comp_iter: u32,
    /// Inside the targets of a comprehension.
    in_comp_target: bool,
    /// Innermost functions' `self`-attribute owner.
    class: Option<ScopeId>,
}

impl Collector {
    pub fn new(lazy_annotations: bool) -> Collector {
        Collector {
            table: Table::default(),
            errors: Vec::new(),
            current: 0,
            lazy_annotations,
            in_comp_iter: 0,
            in_comp_target: false,
            class: None,
        }
    }

    pub fn module(&mut self, walk: impl FnOnce(&mut Self)) {
        self.table.scopes.push(Scope::new(ScopeKind::Module, None));
        walk(self);
    }

    pub fn error(&mut self, message: impl Into<String>, span: Span) {
        self.errors.push(CompileError::new(message, span));
    }

    fn scope(&mut self) -> &mut Scope {
        &mut self.table.scopes[self.current]
    }

    fn mangled(&self, name: &str) -> Box<str> {
        mangle(self.table.scopes[self.current].private.as_deref(), name).into()
    }

    /// Walks the inside of a scope that `node` opens.
    fn within<T>(&mut self, kind: ScopeKind, node: &T, part: Part, walk: impl FnOnce(&mut Self)) -> ScopeId {
        let id = self.table.scopes.len();
        let mut scope = Scope::new(kind, Some(self.current));
        scope.private = self.scope().private.clone();
        scope.sees_class = matches!(kind, ScopeKind::TypeParams | ScopeKind::Thunk(_))
            && (self.scope().kind == ScopeKind::Class || self.scope().sees_class);
        self.table.scopes.push(scope);
        self.table.nodes.insert(NodeKey::of(node, part), id);
        let outer = (self.current, self.in_comp_iter, self.in_comp_target);
        self.current = id;
        self.in_comp_target = false;
        walk(self);
        (self.current, self.in_comp_iter, self.in_comp_target) = outer;
        id
    }

    // ---- names

    pub fn use_name(&mut self, name: &str) {
        let name = self.mangled(name);
        self.scope().add(&name, uses::USED);
    }

    /// A name is bound (or deleted) in the current scope.
    pub fn define(&mut self, name: &str, bits: u16, span: Span) {
        let mangled = self.mangled(name);
        let comp_target = self.in_comp_target;
        let scope = self.scope();
        if comp_target && scope.uses(&mangled) & (uses::GLOBAL | uses::NONLOCAL) != 0 {
            let message = format!("comprehension inner loop cannot rebind assignment expression target '{name}'");
            return self.error(message, span);
        }
        scope.add(&mangled, if comp_target { bits | uses::COMP_TARGET } else { bits });
    }

    fn parameter(&mut self, param: &Param) {
        let mangled = self.mangled(&param.name.name);
        if self.scope().uses(&mangled) & uses::PARAM != 0 {
            let message = format!("duplicate argument '{}' in function definition", param.name.name);
            self.error(message, param.name.span);
        }
        self.scope().add(&mangled, uses::PARAM);
    }

    fn parameters(&mut self, params: &Params) {
        let all = params.positional.iter().chain(&params.kwonly).chain(&params.vararg).chain(&params.kwarg);
        for param in all {
            self.parameter(param);
        }
        self.scope().params = ParamCounts {
            positional: params.positional.len() as u16,
            posonly: params.posonly as u16,
            kwonly: params.kwonly.len() as u16,
            vararg: params.vararg.is_some(),
            kwarg: params.kwarg.is_some(),
        };
    }

    fn declare(&mut self, names: &[Ident], bit: u16, span: Span) {
        let word = if bit == uses::GLOBAL { "global" } else { "nonlocal" };
        for ident in names {
            let mangled = self.mangled(&ident.name);
            let name = &ident.name;
            let before = self.scope().uses(&mangled);
            let first = self.scope().get(&mangled).map(|s| s.declared);
            let mut span = span;
            let problem = if before & uses::PARAM != 0 {
                Some(format!("name '{name}' is parameter and {word}"))
            } else if before & uses::USED != 0 {
                Some(format!("name '{name}' is used prior to {word} declaration"))
            } else if before & uses::ANNOTATED != 0 {
                Some(format!("annotated name '{name}' can't be {word}"))
            } else if before & uses::LOCAL != 0 {
                Some(format!("name '{name}' is assigned to before {word} declaration"))
            } else if (before | bit) & (uses::GLOBAL | uses::NONLOCAL) == uses::GLOBAL | uses::NONLOCAL {
                span = first.unwrap_or(span);
                Some(format!("name '{name}' is nonlocal and global"))
            } else {
                None
            };
            match problem {
                Some(message) => self.error(message, span),
                None => self.scope().add(&mangled, bit).declared = span,
            }
        }
    }

    // ---- statements

    pub fn stmts(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        use StmtKind::*;
        match &stmt.kind {
            Pass | Break | Continue => {}
            Expr(e) => self.expr(e),
            Assign { targets, value } => {
                self.expr(value);
                targets.iter().for_each(|t| self.target(t));
            }
            AugAssign { target, value, .. } => {
                self.augmented(target);
                self.expr(value);
            }
            AnnAssign { target, annotation, value, simple } => {
                self.annotated(stmt, target, annotation, value.as_ref(), *simple)
            }
            Return(value) => {
                if let Some(value) = value {
                    self.expr(value);
                    self.scope().returns_value.get_or_insert(stmt.span);
                }
            }
            Delete(targets) => {
                self.scope().has_unbind = true;
                targets.iter().for_each(|t| self.target(t));
            }
            Global(names) => self.declare(names, uses::GLOBAL, stmt.span),
            Nonlocal(names) if self.scope().kind == ScopeKind::Module => {
                let _ = names;
                self.error("nonlocal declaration not allowed at module level", stmt.span);
            }
            Nonlocal(names) => self.declare(names, uses::NONLOCAL, stmt.span),
            If { test, body, orelse } | While { test, body, orelse } => {
                self.expr(test);
                self.stmts(body);
                self.stmts(orelse);
            }
            For { target, iter, body, orelse, .. } => {
                self.target(target);
                self.expr(iter);
                self.stmts(body);
                self.stmts(orelse);
            }
            With { items, body, .. } => {
                for item in items {
                    self.expr(&item.context);
                    item.target.iter().for_each(|t| self.target(t));
                }
                self.stmts(body);
            }
            Try { body, handlers, orelse, finalbody, .. } => {
                self.stmts(body);
                handlers.iter().for_each(|h| self.handler(h));
                self.stmts(orelse);
                self.stmts(finalbody);
            }
            Raise { exc, cause } => exc.iter().chain(cause).for_each(|e| self.expr(e)),
            Assert { test, msg } => {
                self.expr(test);
                msg.iter().for_each(|e| self.expr(e));
            }
            Import(names) => {
                for alias in names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    let bound = name.name.split('.').next().unwrap_or_default();
                    self.define(bound, uses::IMPORTED, stmt.span);
                }
            }
            ImportFrom { names, .. } => self.import_from(stmt, names),
            FunctionDef(def) => self.function_def(def),
            ClassDef(def) => self.class_def(def),
            Match { subject, cases } => {
                self.expr(subject);
                for case in cases {
                    self.pattern(&case.pattern);
                    case.guard.iter().for_each(|e| self.expr(e));
                    self.stmts(&case.body);
                }
            }
            TypeAlias { name, type_params, value } => {
                self.define(&name.name, uses::LOCAL, name.span);
                let value_scope = |c: &mut Self| {
                    c.thunk(ThunkKind::Alias, value, Part::Body, value);
                };
                if type_params.is_empty() {
                    value_scope(self);
                } else {
                    self.within(ScopeKind::TypeParams, stmt, Part::TypeParams, |c| {
                        c.class_namespace_parameter();
                        c.type_params(type_params);
                        value_scope(c);
                    });
                }
            }
        }
    }

    fn import_from(&mut self, stmt: &Stmt, names: &[Alias]) {
        for alias in names {
            if &*alias.name.name == "*" {
                if self.scope().kind != ScopeKind::Module {
                    self.error("import * only allowed at module level", alias.name.span);
                }
                continue;
            }
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.define(&name.name, uses::IMPORTED, stmt.span);
        }
        if self.scope().kind != ScopeKind::Module && future::future_import(stmt).is_some() {
            self.error("from __future__ imports must occur at the beginning of the file", stmt.span);
        }
    }

    fn handler(&mut self, handler: &Handler) {
        handler.typ.iter().for_each(|e| self.expr(e));
        if let Some(name) = &handler.name {
            self.scope().has_unbind = true;
            self.define(&name.name, uses::LOCAL, name.span);
        }
        self.stmts(&handler.body);
    }

    fn annotated(&mut self, stmt: &Stmt, target: &Expr, annotation: &Expr, value: Option<&Expr>, simple: bool) {
        match &target.kind {
            ExprKind::Name(name) => {
                let mangled = self.mangled(name);
                let before = self.scope().uses(&mangled);
                let declared = before & (uses::GLOBAL | uses::NONLOCAL);
                if simple && declared != 0 && self.scope().kind != ScopeKind::Module {
                    let word = if declared & uses::GLOBAL != 0 { "global" } else { "nonlocal" };
                    self.error(format!("annotated name '{name}' can't be {word}"), stmt.span);
                } else if simple {
                    self.define(name, uses::ANNOTATED | uses::LOCAL, target.span);
                } else if value.is_some() {
                    self.define(name, uses::LOCAL, target.span);
                }
            }
            _ => self.target(target),
        }
        if !self.lazy_annotations {
            self.expr(annotation);
        }
        value.iter().for_each(|e| self.expr(e));
    }

    fn augmented(&mut self, target: &Expr) {
        match &target.kind {
            // Not a plain target: `self.x += 1` defines no static attribute.
            ExprKind::Attribute { value, .. } => self.expr(value),
            _ => self.target(target),
        }
    }

    /// An assigned or deleted target.
    pub fn target(&mut self, target: &Expr) {
        match &target.kind {
            ExprKind::Name(name) => self.define(name, uses::LOCAL, target.span),
            ExprKind::Tuple { items, .. } | ExprKind::List(items) => items.iter().for_each(|t| self.target(t)),
            ExprKind::Starred(inner) => self.target(inner),
            ExprKind::Attribute { value, attr } => {
                if let (ExprKind::Name(base), Some(class)) = (&value.kind, self.class)
                    && &**base == "self"
                {
                    self.table.scopes[class].static_attributes.push(attr.name.clone());
                }
                self.expr(value);
            }
            ExprKind::Subscript { value, index } => {
                self.expr(value);
                self.expr(index);
            }
            _ => self.expr(target),
        }
    }

    // ---- functions and classes

    fn function_def(&mut self, def: &FunctionDef) {
        self.define(&def.name.name, uses::LOCAL, def.name.span);
        def.decorators.iter().for_each(|e| self.expr(e));
        self.default_values(&def.params);
        let rest = |c: &mut Self| {
            c.signature_annotations(def);
            let id = c.within(ScopeKind::Function, def, Part::Body, |c| {
                c.scope().is_async = def.is_async;
                c.parameters(&def.params);
                c.stmts(&def.body);
            });
            c.check_async_generator(id);
        };
        if def.type_params.is_empty() {
            return rest(self);
        }
        self.within(ScopeKind::TypeParams, def, Part::TypeParams, |c| {
            c.class_namespace_parameter();
            if def.params.positional.iter().any(|p| p.default.is_some()) {
                c.hidden_parameter(".defaults");
            }
            if def.params.kwonly.iter().any(|p| p.default.is_some()) {
                c.hidden_parameter(".kwdefaults");
            }
            c.type_params(&def.type_params);
            rest(c);
        });
    }

    fn hidden_parameter(&mut self, name: &str) {
        let scope = self.scope();
        scope.add(name, uses::PARAM);
        scope.params.positional += 1;
    }

    /// Type parameters in a class see its names through the namespace in register 0.
    fn class_namespace_parameter(&mut self) {
        if self.scope().sees_class {
            self.hidden_parameter(".classdict");
        }
    }

    fn default_values(&mut self, params: &Params) {
        let all = params.positional.iter().chain(&params.kwonly);
        all.filter_map(|p| p.default.as_ref()).for_each(|e| self.expr(e));
    }

    fn signature_annotations(&mut self, def: &FunctionDef) {
        if self.lazy_annotations {
            return;
        }
        let p = &def.params;
        let all = p.positional.iter().chain(&p.vararg).chain(&p.kwonly).chain(&p.kwarg);
        all.filter_map(|p| p.annotation.as_ref()).chain(&def.returns).for_each(|e| self.expr(e));
    }

    fn check_async_generator(&mut self, id: ScopeId) {
        let scope = &self.table.scopes[id];
        if let (true, true, Some(span)) = (scope.is_async, scope.is_generator, scope.returns_value) {
            self.error("'return' with value in async generator", span);
        }
    }

    fn class_def(&mut self, def: &ClassDef) {
        self.define(&def.name.name, uses::LOCAL, def.name.span);
        def.decorators.iter().for_each(|e| self.expr(e));
        let rest = |c: &mut Self| {
            def.args.iter().for_each(|a| c.expr(tree::arg_value(a)));
            let outer = c.class;
            c.within(ScopeKind::Class, def, Part::Body, |c| {
                c.class = Some(c.current);
                c.scope().private = Some(def.name.name.clone());
                c.scope().params.positional = 1;
                if !def.type_params.is_empty() {
                    c.scope().add(".type_params", uses::USED);
                }
                c.stmts(&def.body);
            });
            c.class = outer;
        };
        if def.type_params.is_empty() {
            return rest(self);
        }
        self.within(ScopeKind::TypeParams, def, Part::TypeParams, |c| {
            c.scope().private = Some(def.name.name.clone());
            c.class_namespace_parameter();
            c.scope().add(".type_params", uses::LOCAL);
            c.type_params(&def.type_params);
            rest(c);
        });
    }

    fn type_params(&mut self, params: &[TypeParam]) {
        for param in params {
            let mangled = self.mangled(&param.name.name);
            if self.scope().uses(&mangled) & uses::TYPE_PARAM != 0 {
                self.error(format!("duplicate type parameter '{}'", param.name.name), param.name.span);
            }
            self.define(&param.name.name, uses::LOCAL | uses::TYPE_PARAM, param.name.span);
            if let Some(bound) = &param.bound {
                let constraint = matches!(bound.kind, ExprKind::Tuple { .. });
                let kind = if constraint { ThunkKind::Constraint } else { ThunkKind::Bound };
                self.thunk(kind, param, Part::Bound, bound);
            }
            if let Some(default) = &param.default {
                self.thunk(ThunkKind::Default(param.kind), param, Part::Default, default);
            }
        }
    }

    fn thunk<T>(&mut self, kind: ThunkKind, node: &T, part: Part, value: &Expr) {
        self.within(ScopeKind::Thunk(kind), node, part, |c| {
            if c.scope().sees_class {
                // First, so that it gets register 0.
                c.scope().add(".classdict", uses::LOCAL);
                c.scope().add("__classdict__", uses::USED);
            }
            c.expr(value);
        });
    }

    // ---- patterns

    fn pattern(&mut self, pattern: &Pattern) {
        use PatternKind::*;
        match &pattern.kind {
            Value(e) => self.expr(e),
            Singleton(_) | Wildcard | Star(None) => {}
            Capture(name) | Star(Some(name)) => self.define(&name.name, uses::LOCAL, name.span),
            As { pattern, name } => {
                self.pattern(pattern);
                self.define(&name.name, uses::LOCAL, name.span);
            }
            Or(items) | Sequence(items) => items.iter().for_each(|p| self.pattern(p)),
            Mapping { keys, patterns, rest } => {
                keys.iter().for_each(|e| self.expr(e));
                patterns.iter().for_each(|p| self.pattern(p));
                if let Some(rest) = rest {
                    self.define(&rest.name, uses::LOCAL, rest.span);
                }
            }
            Class { class, positional, keywords } => {
                self.expr(class);
                positional.iter().for_each(|p| self.pattern(p));
                keywords.iter().for_each(|(_, p)| self.pattern(p));
            }
        }
    }

    // ---- expressions

    pub fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Name(name) => self.name(name),
            ExprKind::Lambda { params, body } => {
                self.default_values(params);
                self.within(ScopeKind::Lambda, e, Part::Body, |c| {
                    c.parameters(params);
                    c.expr(body);
                });
            }
            ExprKind::ListComp { elt, generators } => self.comprehension(e, CompKind::List, generators, &[elt]),
            ExprKind::SetComp { elt, generators } => self.comprehension(e, CompKind::Set, generators, &[elt]),
            ExprKind::DictComp { key, value, generators } => {
                self.comprehension(e, CompKind::Dict, generators, &[key, value])
            }
            ExprKind::GeneratorExp { elt, generators } => {
                self.comprehension(e, CompKind::Generator, generators, &[elt])
            }
            ExprKind::Named { target, value } => self.named(e, target, value),
            ExprKind::Await(value) => {
                self.suspension(e);
                self.expr(value);
            }
            ExprKind::Yield(value) => {
                value.iter().for_each(|v| self.expr(v));
                self.suspension(e);
            }
            ExprKind::YieldFrom(value) => {
                self.expr(value);
                self.suspension(e);
            }
            _ => {
                let mut kids = Vec::new();
                tree::children(e, &mut |child| kids.push(child));
                kids.into_iter().for_each(|child| self.expr(child));
            }
        }
    }

    fn name(&mut self, name: &str) {
        self.use_name(name);
        if name == "super" && self.scope().is_function_like() {
            self.scope().add("__class__", uses::USED);
        }
    }

    /// `await` and the yields: what they make of the scope, and where they are refused.
    fn suspension(&mut self, e: &Expr) {
        let is_await = matches!(e.kind, ExprKind::Await(_));
        let word = if is_await { "await" } else { "yield" };
        let kind = self.scope().kind;
        match kind {
            ScopeKind::Thunk(_) | ScopeKind::TypeParams => {
                let place = self.lazy_place();
                self.error(format!("{word} expression cannot be used within {place}"), e.span);
            }
            ScopeKind::Module | ScopeKind::Class => {
                let word = if matches!(e.kind, ExprKind::YieldFrom(_)) { "yield from" } else { word };
                self.error(format!("'{word}' outside function"), e.span);
            }
            ScopeKind::Comp(_) if is_await => self.scope().is_async = true,
            ScopeKind::Comp(kind) => {
                let place = match kind {
                    CompKind::List => "list comprehension",
                    CompKind::Set => "set comprehension",
                    CompKind::Dict => "dict comprehension",
                    CompKind::Generator => "generator expression",
                };
                self.error(format!("'yield' inside {place}"), e.span);
            }
            _ if is_await => {
                if !self.scope().is_async {
                    self.error("'await' outside async function", e.span);
                }
            }
            _ if matches!(e.kind, ExprKind::YieldFrom(_)) && self.scope().is_async => {
                self.error("'yield from' inside async function", e.span)
            }
            _ => self.scope().is_generator = true,
        }
    }

    fn lazy_place(&mut self) -> &'static str {
        match self.scope().kind {
            ScopeKind::Thunk(ThunkKind::Alias) => "a type alias",
            ScopeKind::Thunk(ThunkKind::Bound) => "a TypeVar bound",
            ScopeKind::Thunk(ThunkKind::Constraint) => "a TypeVar constraint",
            ScopeKind::Thunk(ThunkKind::Default(TypeParamKind::TypeVar)) => "a TypeVar default",
            ScopeKind::Thunk(ThunkKind::Default(TypeParamKind::ParamSpec)) => "a ParamSpec default",
            ScopeKind::Thunk(ThunkKind::Default(TypeParamKind::TypeVarTuple)) => "a TypeVarTuple default",
            _ => "the definition of a generic",
        }
    }

    fn named(&mut self, e: &Expr, target: &Ident, value: &Expr) {
        if self.in_comp_iter > 0 {
            let message = "assignment expression cannot be used in a comprehension iterable expression";
            return self.error(message, e.span);
        }
        match self.scope().kind {
            ScopeKind::Comp(_) => self.walrus_in_comprehension(target),
            ScopeKind::Thunk(_) | ScopeKind::TypeParams => {
                let place = self.lazy_place();
                self.error(format!("named expression cannot be used within {place}"), e.span);
            }
            _ => {}
        }
        self.expr(value);
        if !matches!(self.scope().kind, ScopeKind::Comp(_)) {
            self.define(&target.name, uses::LOCAL, target.span);
            self.scope().has_walrus = true;
        }
    }

    /// `:=` in a comprehension binds in the function (or module) around it.
    fn walrus_in_comprehension(&mut self, target: &Ident) {
        let name = self.mangled(&target.name);
        let mut at = self.current;
        while let ScopeKind::Comp(_) = self.table.scopes[at].kind {
            if self.table.scopes[at].uses(&name) & uses::COMP_TARGET != 0 {
                let message =
                    format!("assignment expression cannot rebind comprehension iteration variable '{}'", target.name);
                return self.error(message, target.span);
            }
            self.table.scopes[at].has_walrus = true;
            match self.table.scopes[at].parent {
                Some(parent) => at = parent,
                None => return,
            }
        }
        let owner = &mut self.table.scopes[at];
        owner.has_walrus = true;
        match owner.kind {
            ScopeKind::Class => {
                self.error("assignment expression within a comprehension cannot be used in a class body", target.span)
            }
            ScopeKind::Module => {
                owner.add(&name, uses::GLOBAL);
                self.scope().add(&name, uses::GLOBAL);
            }
            ScopeKind::TypeParams | ScopeKind::Thunk(_) => self.error(
                "assignment expression within a comprehension cannot be used within the definition of a generic",
                target.span,
            ),
            _ => {
                let global = owner.uses(&name) & uses::GLOBAL;
                owner.add(&name, uses::LOCAL);
                self.scope().add(&name, if global != 0 { global } else { uses::NONLOCAL }).declared = target.span;
            }
        }
    }

    fn comprehension(&mut self, e: &Expr, kind: CompKind, generators: &[Comprehension], elements: &[&Expr]) {
        let Some((first, rest)) = generators.split_first() else { return };
        self.in_comp_iter += 1;
        self.expr(&first.iter);
        self.in_comp_iter -= 1;
        let class_scope = self.scope().kind == ScopeKind::Class || self.scope().sees_class;
        let id = self.within(ScopeKind::Comp(kind), e, Part::Body, |c| {
            if kind == CompKind::Generator || class_scope {
                c.hidden_parameter(".0");
            } else {
                c.scope().inlined = true;
            }
            c.scope().is_async = first.is_async;
            c.comp_target(first);
            for generator in rest {
                c.scope().is_async |= generator.is_async;
                c.in_comp_iter += 1;
                c.expr(&generator.iter);
                c.in_comp_iter -= 1;
                c.comp_target(generator);
            }
            elements.iter().for_each(|e| c.expr(e));
        });
        let is_async = self.table.scopes[id].is_async && kind != CompKind::Generator;
        let around = self.scope();
        if is_async && !around.is_async {
            if let ScopeKind::Comp(_) = around.kind {
                around.is_async = true;
            } else {
                self.error("asynchronous comprehension outside of an asynchronous function", e.span);
            }
        }
    }

    fn comp_target(&mut self, generator: &Comprehension) {
        self.in_comp_target = true;
        self.target(&generator.target);
        self.in_comp_target = false;
        generator.ifs.iter().for_each(|e| self.expr(e));
    }
}
