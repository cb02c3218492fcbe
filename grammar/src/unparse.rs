//! Source text of an expression: what annotations become under `from __future__ import annotations`.

use crate::ast::*;
use std::fmt::Write;

/// How tightly an expression binds, loosest first.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Named,
    Tuple,
    Yield,
    Test,
    Or,
    And,
    Not,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Term,
    Factor,
    Power,
    Await,
    Atom,
}

/// The expression's text. Depth is bounded by the tree's.
pub fn unparse(expr: &Expr) -> String {
    let mut writer = Writer { out: String::new() };
    writer.expr(expr, Level::Test);
    writer.out
}

struct Writer {
    out: String,
}

fn next(level: Level) -> Level {
    use Level::*;
    match level {
        Named => Tuple,
        Tuple => Yield,
        Yield => Test,
        Test => Or,
        Or => And,
        And => Not,
        Not => Compare,
        Compare => BitOr,
        BitOr => BitXor,
        BitXor => BitAnd,
        BitAnd => Shift,
        Shift => Sum,
        Sum => Term,
        Term => Factor,
        Factor => Power,
        Power => Await,
        Await | Atom => Atom,
    }
}

fn binary(op: BinOp) -> (&'static str, Level) {
    match op {
        BinOp::Add => ("+", Level::Sum),
        BinOp::Sub => ("-", Level::Sum),
        BinOp::Mul => ("*", Level::Term),
        BinOp::MatMul => ("@", Level::Term),
        BinOp::Div => ("/", Level::Term),
        BinOp::Mod => ("%", Level::Term),
        BinOp::FloorDiv => ("//", Level::Term),
        BinOp::Pow => ("**", Level::Power),
        BinOp::LShift => ("<<", Level::Shift),
        BinOp::RShift => (">>", Level::Shift),
        BinOp::BitOr => ("|", Level::BitOr),
        BinOp::BitXor => ("^", Level::BitXor),
        BinOp::BitAnd => ("&", Level::BitAnd),
    }
}

fn comparison(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => "==",
        CmpOp::NotEq => "!=",
        CmpOp::Lt => "<",
        CmpOp::LtE => "<=",
        CmpOp::Gt => ">",
        CmpOp::GtE => ">=",
        CmpOp::Is => "is",
        CmpOp::IsNot => "is not",
        CmpOp::In => "in",
        CmpOp::NotIn => "not in",
    }
}

impl Writer {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Parentheses if the place asks for more than `own`.
    fn wrap(&mut self, own: Level, place: Level, write: impl FnOnce(&mut Writer)) {
        let parens = place > own;
        if parens {
            self.out.push('(');
        }
        write(self);
        if parens {
            self.out.push(')');
        }
    }

    fn list(&mut self, items: &[Expr]) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.text(", ");
            }
            self.expr(item, Level::Test);
        }
    }

    fn tuple(&mut self, items: &[Expr]) {
        self.list(items);
        if items.len() == 1 {
            self.out.push(',');
        }
    }

    fn expr(&mut self, expr: &Expr, place: Level) {
        use ExprKind::*;
        match &expr.kind {
            Name(name) => self.text(name),
            Const(value) => self.constant(value),
            JoinedStr(parts) => self.joined(parts),
            BoolOp { and, values } => {
                let (word, level) = if *and { (" and ", Level::And) } else { (" or ", Level::Or) };
                self.wrap(level, place, |w| {
                    for (i, value) in values.iter().enumerate() {
                        if i > 0 {
                            w.text(word);
                        }
                        w.expr(value, next(level));
                    }
                });
            }
            BinOp { op, left, right, .. } => {
                let (sign, level) = binary(*op);
                let power = level == Level::Power;
                self.wrap(level, place, |w| {
                    w.expr(left, if power { next(level) } else { level });
                    let _ = write!(w.out, " {sign} ");
                    w.expr(right, if power { level } else { next(level) });
                });
            }
            UnaryOp { op, operand } => {
                let (sign, level) = match op {
                    crate::ast::UnaryOp::Invert => ("~", Level::Factor),
                    crate::ast::UnaryOp::Not => ("not ", Level::Not),
                    crate::ast::UnaryOp::Pos => ("+", Level::Factor),
                    crate::ast::UnaryOp::Neg => ("-", Level::Factor),
                };
                self.wrap(level, place, |w| {
                    w.text(sign);
                    w.expr(operand, level);
                });
            }
            Compare { left, rest } => self.wrap(Level::Compare, place, |w| {
                w.expr(left, Level::BitOr);
                for (op, right) in rest {
                    let _ = write!(w.out, " {} ", comparison(*op));
                    w.expr(right, Level::BitOr);
                }
            }),
            Call { func, args } => {
                self.expr(func, Level::Atom);
                self.args(args);
            }
            Attribute { value, attr } => {
                self.expr(value, Level::Atom);
                if matches!(value.kind, Const(crate::ast::Const::Int(_) | crate::ast::Const::BigInt { .. })) {
                    self.out.push(' ');
                }
                let _ = write!(self.out, ".{}", attr.name);
            }
            Subscript { value, index } => {
                self.expr(value, Level::Atom);
                self.out.push('[');
                match &index.kind {
                    Tuple { items, .. } if !items.is_empty() => self.tuple(items),
                    _ => self.expr(index, Level::Test),
                }
                self.out.push(']');
            }
            Slice { lower, upper, step } => {
                self.maybe(lower);
                self.out.push(':');
                self.maybe(upper);
                if step.is_some() {
                    self.out.push(':');
                    self.maybe(step);
                }
            }
            Starred(value) => {
                self.out.push('*');
                self.expr(value, Level::BitOr);
            }
            Tuple { items, .. } => {
                self.out.push('(');
                self.tuple(items);
                self.out.push(')');
            }
            List(items) => {
                self.out.push('[');
                self.list(items);
                self.out.push(']');
            }
            Set(items) => {
                self.out.push('{');
                self.list(items);
                self.out.push('}');
            }
            Dict(pairs) => self.dict(pairs),
            Lambda { params, body } => self.wrap(Level::Test, place, |w| {
                w.text("lambda");
                w.params(params);
                w.text(": ");
                w.expr(body, Level::Test);
            }),
            IfExp { test, body, orelse } => self.wrap(Level::Test, place, |w| {
                w.expr(body, Level::Or);
                w.text(" if ");
                w.expr(test, Level::Or);
                w.text(" else ");
                w.expr(orelse, Level::Test);
            }),
            ListComp { elt, generators } => self.comprehension("[", None, elt, generators, "]"),
            SetComp { elt, generators } => self.comprehension("{", None, elt, generators, "}"),
            GeneratorExp { elt, generators } => self.comprehension("(", None, elt, generators, ")"),
            DictComp { key, value, generators } => self.comprehension("{", Some(key), value, generators, "}"),
            Named { target, value } => self.wrap(Level::Named, place, |w| {
                let _ = write!(w.out, "{} := ", target.name);
                w.expr(value, Level::Atom);
            }),
            Await(value) => self.wrap(Level::Await, place, |w| {
                w.text("await ");
                w.expr(value, Level::Atom);
            }),
            Yield(value) => self.wrap(Level::Yield, place, |w| {
                w.text("yield");
                if let Some(value) = value {
                    w.out.push(' ');
                    w.expr(value, Level::Atom);
                }
            }),
            YieldFrom(value) => self.wrap(Level::Yield, place, |w| {
                w.text("yield from ");
                w.expr(value, Level::Atom);
            }),
        }
    }

    fn maybe(&mut self, expr: &Option<Box<Expr>>) {
        if let Some(expr) = expr {
            self.expr(expr, Level::Test);
        }
    }

    fn args(&mut self, args: &[Arg]) {
        if let [Arg::Positional(only @ Expr { kind: ExprKind::GeneratorExp { .. }, .. })] = args {
            return self.expr(only, Level::Test);
        }
        self.out.push('(');
        // Positional arguments come first, wherever they stood.
        let positional = |arg: &&Arg| matches!(arg, Arg::Positional(_) | Arg::Star(_));
        let ordered = args.iter().filter(positional).chain(args.iter().filter(|arg| !positional(arg)));
        for (i, arg) in ordered.enumerate() {
            if i > 0 {
                self.text(", ");
            }
            match arg {
                Arg::Positional(value) => self.expr(value, Level::Test),
                Arg::Star(value) => {
                    self.out.push('*');
                    self.expr(value, Level::BitOr);
                }
                Arg::Keyword(name, value) => {
                    let _ = write!(self.out, "{}=", name.name);
                    self.expr(value, Level::Test);
                }
                Arg::DoubleStar(value) => {
                    self.text("**");
                    self.expr(value, Level::Test);
                }
            }
        }
        self.out.push(')');
    }

    fn dict(&mut self, pairs: &[(Option<Expr>, Expr)]) {
        self.out.push('{');
        for (i, (key, value)) in pairs.iter().enumerate() {
            if i > 0 {
                self.text(", ");
            }
            match key {
                Some(key) => {
                    self.expr(key, Level::Test);
                    self.text(": ");
                    self.expr(value, Level::Test);
                }
                None => {
                    self.text("**");
                    self.expr(value, Level::BitOr);
                }
            }
        }
        self.out.push('}');
    }

    fn params(&mut self, params: &Params) {
        let mut entries: Vec<(String, Option<&Expr>)> = Vec::new();
        for (i, param) in params.positional.iter().enumerate() {
            entries.push((param.name.name.to_string(), param.default.as_ref()));
            if i + 1 == params.posonly {
                entries.push(("/".into(), None));
            }
        }
        match &params.vararg {
            Some(vararg) => entries.push((format!("*{}", vararg.name.name), None)),
            None if !params.kwonly.is_empty() => entries.push(("*".into(), None)),
            None => {}
        }
        entries.extend(params.kwonly.iter().map(|p| (p.name.name.to_string(), p.default.as_ref())));
        entries.extend(params.kwarg.iter().map(|p| (format!("**{}", p.name.name), None)));
        for (i, (name, default)) in entries.into_iter().enumerate() {
            // Without a positional parameter CPython writes no space.
            let first = if params.positional.is_empty() { "" } else { " " };
            self.text(if i > 0 { ", " } else { first });
            self.text(&name);
            if let Some(default) = default {
                self.out.push('=');
                self.expr(default, Level::Test);
            }
        }
    }

    fn comprehension(&mut self, open: &str, key: Option<&Expr>, value: &Expr, clauses: &[Comprehension], close: &str) {
        self.text(open);
        if let Some(key) = key {
            self.expr(key, Level::Test);
            self.text(": ");
        }
        self.expr(value, Level::Test);
        for clause in clauses {
            self.text(if clause.is_async { " async for " } else { " for " });
            match &clause.target.kind {
                ExprKind::Tuple { items, .. } if !items.is_empty() => self.tuple(items),
                _ => self.expr(&clause.target, Level::Tuple),
            }
            self.text(" in ");
            self.expr(&clause.iter, Level::Or);
            for test in &clause.ifs {
                self.text(" if ");
                self.expr(test, Level::Or);
            }
        }
        self.text(close);
    }

    fn constant(&mut self, value: &Const) {
        match value {
            Const::None => self.text("None"),
            Const::True => self.text("True"),
            Const::False => self.text("False"),
            Const::Ellipsis => self.text("..."),
            Const::Int(value) => self.text(&value.to_string()),
            Const::BigInt { radix, digits } => {
                let prefix = [(2, "0b"), (8, "0o"), (16, "0x")].iter().find(|(r, _)| r == radix).map_or("", |(_, p)| p);
                let _ = write!(self.out, "{prefix}{digits}");
            }
            Const::Float(value) => self.float(*value),
            Const::Imaginary(value) => {
                let whole = value.fract() == 0.0 && value.abs() < 1e16;
                if whole {
                    self.text(&format!("{value:.0}"))
                } else {
                    self.float(*value)
                }
                self.out.push('j');
            }
            Const::Str(text) => self.quoted(text, false),
            Const::Bytes(bytes) => self.quoted(bytes, true),
        }
    }

    /// Python's shortest form; infinity as a literal too large.
    fn float(&mut self, value: f64) {
        if value.is_infinite() {
            return self.text("1e309");
        }
        let magnitude = value.abs();
        if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
            let text = format!("{value:e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, digits) = exponent.strip_prefix('-').map_or(("+", exponent), |d| ("-", d));
            let _ = write!(self.out, "{mantissa}e{sign}{digits:0>2}");
        } else {
            let _ = write!(self.out, "{value:?}");
        }
    }

    /// `repr` of a string or of bytes.
    fn quoted(&mut self, data: &[u8], bytes: bool) {
        let quote = if data.contains(&b'\'') && !data.contains(&b'"') { '"' } else { '\'' };
        if bytes {
            self.out.push('b');
        }
        self.out.push(quote);
        self.escaped(data, quote, bytes);
        self.out.push(quote);
    }

    fn escaped(&mut self, data: &[u8], quote: char, bytes: bool) {
        if bytes {
            data.iter().for_each(|&b| self.escaped_char(u32::from(b), quote, true));
            return;
        }
        // What UTF-8 cannot hold are surrogates; their three bytes come as three chunks.
        let mut surrogate = 0;
        for chunk in data.utf8_chunks() {
            chunk.valid().chars().for_each(|c| self.escaped_char(c as u32, quote, false));
            match chunk.invalid() {
                [0xED] => surrogate = 0xD,
                [byte] => surrogate = surrogate << 6 | u32::from(byte & 0x3F),
                _ => {}
            }
            if surrogate >= 0xD800 {
                let _ = write!(self.out, "\\u{surrogate:04x}");
                surrogate = 0;
            }
        }
    }

    fn escaped_char(&mut self, value: u32, quote: char, bytes: bool) {
        let c = char::from_u32(value).unwrap_or('\u{FFFD}');
        match c {
            '\n' => self.text("\\n"),
            '\r' => self.text("\\r"),
            '\t' => self.text("\\t"),
            '\\' => self.text("\\\\"),
            c if c == quote => {
                self.out.push('\\');
                self.out.push(c);
            }
            ' '..='~' => self.out.push(c),
            c if bytes || (value < 0x100 && (c.is_control() || value == 0xA0 || value == 0xAD)) => {
                let _ = write!(self.out, "\\x{value:02x}");
            }
            c if crate::scan::is_printable(c) => self.out.push(c),
            _ => {
                let _ = if value < 0x10000 {
                    write!(self.out, "\\u{value:04x}")
                } else {
                    write!(self.out, "\\U{value:08x}")
                };
            }
        }
    }

    fn joined(&mut self, parts: &[FPart]) {
        let mut inner = Writer { out: String::new() };
        inner.parts(parts);
        let free = |quote: &&str| !inner.out.contains(*quote) && !inner.out.ends_with(&quote[..1]);
        let quote = ["'", "\"", "'''"].into_iter().find(free).unwrap_or("\"\"\"");
        let _ = write!(self.out, "f{quote}{}{quote}", inner.out);
    }

    fn parts(&mut self, parts: &[FPart]) {
        for part in parts {
            match part {
                FPart::Literal(text) => {
                    let mut literal = Writer { out: String::new() };
                    literal.escaped(text, '\0', false);
                    self.text(&literal.out.replace('{', "{{").replace('}', "}}"));
                }
                FPart::Field { value, conversion, spec, .. } => {
                    let mut field = Writer { out: String::new() };
                    field.expr(value, Level::Or);
                    // A brace at the start would be read as an escaped one.
                    self.text(if field.out.starts_with('{') { "{ " } else { "{" });
                    self.text(&field.out);
                    if let Some(conversion) = conversion {
                        let _ = write!(self.out, "!{conversion}");
                    }
                    if let Some(spec) = spec {
                        self.out.push(':');
                        self.parts(spec);
                    }
                    self.out.push('}');
                }
            }
        }
    }
}
