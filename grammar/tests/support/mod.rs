//! A compact dump of the tree: `(Kind field ...)`, lists in brackets, `-` for nothing.

use conc_grammar::ast::*;

pub struct Dump {
    out: String,
    spans: bool,
}

pub fn dump(module: &Module, spans: bool) -> String {
    let mut dump = Dump { out: String::new(), spans };
    for statement in &module.body {
        dump.statement(statement);
        dump.out.push('\n');
    }
    dump.out
}

#[allow(dead_code)]
pub fn dump_expr(expr: &Expr) -> String {
    let mut dump = Dump { out: String::new(), spans: false };
    dump.expr(expr);
    dump.out
}

impl Dump {
    fn open(&mut self, kind: &str, span: Span) {
        self.sep();
        self.out.push('(');
        self.out.push_str(kind);
        if self.spans {
            self.out.push_str(&format!("@{}-{}", span.start, span.end));
        }
    }

    fn sep(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with(['[', '\n']) {
            self.out.push(' ');
        }
    }

    fn close(&mut self) {
        self.out.push(')');
    }

    fn word(&mut self, word: &str) {
        self.sep();
        self.out.push_str(word);
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Dump, &T)) {
        self.sep();
        self.out.push('[');
        for item in items {
            each(self, item);
        }
        self.out.push(']');
    }

    fn exprs(&mut self, items: &[Expr]) {
        self.list(items, |d, e| d.expr(e));
    }

    fn body(&mut self, items: &[Stmt]) {
        self.list(items, |d, s| d.statement(s));
    }

    fn maybe(&mut self, expr: Option<&Expr>) {
        match expr {
            Some(e) => self.expr(e),
            None => self.word("-"),
        }
    }

    fn name(&mut self, name: &Ident) {
        self.word(&name.name);
    }

    fn maybe_name(&mut self, name: &Option<Ident>) {
        self.word(name.as_ref().map_or("-", |n| &n.name));
    }

    fn names(&mut self, names: &[Ident]) {
        self.list(names, |d, n| d.name(n));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let mut text = String::from("'");
        for &b in bytes {
            match b {
                b'\'' | b'\\' | ..=0x1F | 0x7F.. => text.push_str(&format!("\\{b:02x}")),
                b => text.push(char::from(b)),
            }
        }
        text.push('\'');
        self.word(&text);
    }

    fn statement(&mut self, s: &Stmt) {
        use StmtKind::*;
        let at = s.span;
        match &s.kind {
            Expr(e) => {
                self.open("Expr", at);
                self.expr(e);
            }
            Assign { targets, value } => {
                self.open("Assign", at);
                self.exprs(targets);
                self.expr(value);
            }
            AugAssign { target, op, value } => {
                self.open("AugAssign", at);
                self.expr(target);
                self.word(&format!("{op:?}"));
                self.expr(value);
            }
            AnnAssign { target, annotation, value, simple } => {
                self.open("AnnAssign", at);
                self.expr(target);
                self.expr(annotation);
                self.maybe(value.as_ref());
                self.word(if *simple { "1" } else { "0" });
            }
            Return(value) => {
                self.open("Return", at);
                self.maybe(value.as_ref());
            }
            Delete(targets) => {
                self.open("Delete", at);
                self.exprs(targets);
            }
            Pass => self.open("Pass", at),
            Break => self.open("Break", at),
            Continue => self.open("Continue", at),
            Global(names) => {
                self.open("Global", at);
                self.names(names);
            }
            Nonlocal(names) => {
                self.open("Nonlocal", at);
                self.names(names);
            }
            If { test, body, orelse } => self.looped("If", at, test, body, orelse),
            While { test, body, orelse } => self.looped("While", at, test, body, orelse),
            For { target, iter, body, orelse, is_async } => {
                self.open(if *is_async { "AsyncFor" } else { "For" }, at);
                self.expr(target);
                self.expr(iter);
                self.body(body);
                self.body(orelse);
            }
            With { items, body, is_async } => {
                self.open(if *is_async { "AsyncWith" } else { "With" }, at);
                self.list(items, |d, i| {
                    d.expr(&i.context);
                    d.maybe(i.target.as_ref());
                });
                self.body(body);
            }
            Try { body, handlers, orelse, finalbody, star } => {
                self.open(if *star { "TryStar" } else { "Try" }, at);
                self.body(body);
                self.list(handlers, |d, h| {
                    d.open("Handler", h.span);
                    d.maybe(h.typ.as_ref());
                    d.maybe_name(&h.name);
                    d.body(&h.body);
                    d.close();
                });
                self.body(orelse);
                self.body(finalbody);
            }
            Raise { exc, cause } => {
                self.open("Raise", at);
                self.maybe(exc.as_ref());
                self.maybe(cause.as_ref());
            }
            Assert { test, msg } => {
                self.open("Assert", at);
                self.expr(test);
                self.maybe(msg.as_ref());
            }
            Import(names) => {
                self.open("Import", at);
                self.aliases(names);
            }
            ImportFrom { module, names, level } => {
                self.open("ImportFrom", at);
                self.maybe_name(module);
                self.aliases(names);
                self.word(&level.to_string());
            }
            FunctionDef(f) => {
                self.open(if f.is_async { "AsyncFunctionDef" } else { "FunctionDef" }, at);
                self.name(&f.name);
                self.exprs(&f.decorators);
                self.type_params(&f.type_params);
                self.params(&f.params);
                self.maybe(f.returns.as_ref());
                self.body(&f.body);
            }
            ClassDef(c) => {
                self.open("ClassDef", at);
                self.name(&c.name);
                self.exprs(&c.decorators);
                self.type_params(&c.type_params);
                self.args(&c.args);
                self.body(&c.body);
            }
            Match { subject, cases } => {
                self.open("Match", at);
                self.expr(subject);
                self.list(cases, |d, c| {
                    d.word("(case");
                    d.pattern(&c.pattern);
                    d.maybe(c.guard.as_ref());
                    d.body(&c.body);
                    d.close();
                });
            }
            TypeAlias { name, type_params, value } => {
                self.open("TypeAlias", at);
                self.name(name);
                self.type_params(type_params);
                self.expr(value);
            }
        }
        self.close();
    }

    fn looped(&mut self, kind: &str, at: Span, test: &Expr, body: &[Stmt], orelse: &[Stmt]) {
        self.open(kind, at);
        self.expr(test);
        self.body(body);
        self.body(orelse);
    }

    fn aliases(&mut self, names: &[Alias]) {
        self.list(names, |d, a| {
            d.name(&a.name);
            d.maybe_name(&a.asname);
        });
    }

    fn type_params(&mut self, params: &[TypeParam]) {
        self.list(params, |d, p| {
            d.word(&format!("({:?}", p.kind));
            d.name(&p.name);
            d.maybe(p.bound.as_ref());
            d.maybe(p.default.as_ref());
            d.close();
        });
    }

    fn params(&mut self, params: &Params) {
        let each = |d: &mut Dump, p: &Param| {
            d.name(&p.name);
            d.maybe(p.annotation.as_ref());
            d.maybe(p.default.as_ref());
        };
        self.word("(params");
        self.list(&params.positional, each);
        self.word(&params.posonly.to_string());
        match &params.vararg {
            Some(p) => each(self, p),
            None => self.word("-"),
        }
        self.list(&params.kwonly, each);
        match &params.kwarg {
            Some(p) => each(self, p),
            None => self.word("-"),
        }
        self.close();
    }

    /// Positional arguments first, then the keywords, as CPython's tree has them.
    fn args(&mut self, args: &[Arg]) {
        self.list(args, |d, a| match a {
            Arg::Positional(e) => d.expr(e),
            Arg::Star(e) => {
                d.word("*");
                d.expr(e);
            }
            _ => {}
        });
        self.list(args, |d, a| match a {
            Arg::Keyword(n, e) => {
                d.name(n);
                d.expr(e);
            }
            Arg::DoubleStar(e) => {
                d.word("**");
                d.expr(e);
            }
            _ => {}
        });
    }

    fn pattern(&mut self, p: &Pattern) {
        use PatternKind::*;
        let at = p.span;
        match &p.kind {
            Value(e) => {
                self.open("Value", at);
                self.expr(e);
            }
            Singleton(c) => {
                self.open("Singleton", at);
                self.word(&format!("{c:?}"));
            }
            Wildcard => self.open("Wildcard", at),
            Capture(n) => {
                self.open("Capture", at);
                self.name(n);
            }
            As { pattern, name } => {
                self.open("As", at);
                self.pattern(pattern);
                self.name(name);
            }
            Or(items) => {
                self.open("Or", at);
                self.list(items, |d, p| d.pattern(p));
            }
            Sequence(items) => {
                self.open("Sequence", at);
                self.list(items, |d, p| d.pattern(p));
            }
            Star(name) => {
                self.open("Star", at);
                self.maybe_name(name);
            }
            Mapping { keys, patterns, rest } => {
                self.open("Mapping", at);
                self.exprs(keys);
                self.list(patterns, |d, p| d.pattern(p));
                self.maybe_name(rest);
            }
            Class { class, positional, keywords } => {
                self.open("Class", at);
                self.expr(class);
                self.list(positional, |d, p| d.pattern(p));
                self.list(keywords, |d, (n, p)| {
                    d.name(n);
                    d.pattern(p);
                });
            }
        }
        self.close();
    }

    fn expr(&mut self, e: &Expr) {
        use ExprKind::*;
        let at = e.span;
        match &e.kind {
            Name(name) => {
                self.open("Name", at);
                self.word(name);
            }
            Const(c) => return self.constant(c, at),
            JoinedStr(parts) => {
                self.open("JoinedStr", at);
                self.parts(parts);
            }
            BoolOp { and, values } => {
                self.open(if *and { "And" } else { "Or" }, at);
                self.exprs(values);
            }
            BinOp { op, left, right, .. } => {
                self.open("BinOp", at);
                self.word(&format!("{op:?}"));
                self.expr(left);
                self.expr(right);
            }
            UnaryOp { op, operand } => {
                self.open("UnaryOp", at);
                self.word(&format!("{op:?}"));
                self.expr(operand);
            }
            Compare { left, rest } => {
                self.open("Compare", at);
                self.expr(left);
                for (op, e) in rest {
                    self.word(&format!("{op:?}"));
                    self.expr(e);
                }
            }
            Call { func, args } => {
                self.open("Call", at);
                self.expr(func);
                self.args(args);
            }
            Attribute { value, attr } => {
                self.open("Attribute", at);
                self.expr(value);
                self.name(attr);
            }
            Subscript { value, index } => {
                self.open("Subscript", at);
                self.expr(value);
                self.expr(index);
            }
            Slice { lower, upper, step } => {
                self.open("Slice", at);
                self.maybe(lower.as_deref());
                self.maybe(upper.as_deref());
                self.maybe(step.as_deref());
            }
            Starred(v) => {
                self.open("Starred", at);
                self.expr(v);
            }
            Tuple { items, .. } => {
                self.open("Tuple", at);
                self.exprs(items);
            }
            List(items) => {
                self.open("List", at);
                self.exprs(items);
            }
            Set(items) => {
                self.open("Set", at);
                self.exprs(items);
            }
            Dict(pairs) => {
                self.open("Dict", at);
                self.list(pairs, |d, (k, v)| {
                    d.maybe(k.as_ref());
                    d.expr(v);
                });
            }
            Lambda { params, body } => {
                self.open("Lambda", at);
                self.params(params);
                self.expr(body);
            }
            IfExp { test, body, orelse } => {
                self.open("IfExp", at);
                self.expr(test);
                self.expr(body);
                self.expr(orelse);
            }
            ListComp { elt, generators } => self.comprehension("ListComp", at, &[elt], generators),
            SetComp { elt, generators } => self.comprehension("SetComp", at, &[elt], generators),
            GeneratorExp { elt, generators } => self.comprehension("GeneratorExp", at, &[elt], generators),
            DictComp { key, value, generators } => self.comprehension("DictComp", at, &[key, value], generators),
            Named { target, value } => {
                self.open("Named", at);
                self.name(target);
                self.expr(value);
            }
            Await(v) => {
                self.open("Await", at);
                self.expr(v);
            }
            Yield(v) => {
                self.open("Yield", at);
                self.maybe(v.as_deref());
            }
            YieldFrom(v) => {
                self.open("YieldFrom", at);
                self.expr(v);
            }
        }
        self.close();
    }

    fn comprehension(&mut self, kind: &str, at: Span, parts: &[&Expr], generators: &[Comprehension]) {
        self.open(kind, at);
        for part in parts {
            self.expr(part);
        }
        self.list(generators, |d, c| {
            d.word(if c.is_async { "(async" } else { "(for" });
            d.expr(&c.target);
            d.expr(&c.iter);
            d.exprs(&c.ifs);
            d.close();
        });
    }

    fn parts(&mut self, parts: &[FPart]) {
        self.list(parts, |d, p| match p {
            FPart::Literal(text) => d.bytes(text),
            FPart::Field { value, conversion, spec, .. } => {
                d.word("(field");
                d.expr(value);
                d.word(&conversion.map_or("-".into(), |c| c.to_string()));
                match spec {
                    Some(parts) => d.parts(parts),
                    None => d.word("-"),
                }
                d.close();
            }
        });
    }

    fn constant(&mut self, c: &Const, at: Span) {
        match c {
            Const::Int(i) => {
                self.open("Int", at);
                self.word(&i.to_string());
            }
            Const::BigInt { .. } => self.open("Big", at),
            Const::Float(f) => {
                self.open("Float", at);
                self.word(&format!("{:x}", f.to_bits()));
            }
            Const::Imaginary(f) => {
                self.open("Imaginary", at);
                self.word(&format!("{:x}", f.to_bits()));
            }
            Const::Str(s) => {
                self.open("Str", at);
                self.bytes(s);
            }
            Const::Bytes(s) => {
                self.open("Bytes", at);
                self.bytes(s);
            }
            other => self.open(&format!("{other:?}"), at),
        }
        self.close();
    }
}
