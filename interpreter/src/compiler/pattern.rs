//! The `match` statement. Captures go to temporaries first and are bound only when their whole pattern has matched.

use conc_grammar::ast::{self, Expr, Ident, MatchCase, Pattern, PatternKind, Span};

use super::assemble::{Label, Reg};
use super::bound::Bound;
use super::fold;
use super::unit::Compiler;
use crate::bytecode::op::Op;
use crate::bytecode::template::Const;

/// The captures of one case and whether a pattern that always matches is fine where it stands.
struct Captures<'a> {
    names: Vec<(&'a Ident, Reg)>,
    allow_irrefutable: bool,
}

impl<'a> Compiler<'a> {
    pub fn match_stmt(&mut self, subject: &'a Expr, cases: &'a [MatchCase]) {
        let value = self.alloc();
        self.expr_to(subject, value);
        let end = self.label();
        let mut after = Bound::unreachable();
        for (i, case) in cases.iter().enumerate() {
            let last = i + 1 == cases.len();
            let top = self.top();
            self.match_case(case, value, last, end, &mut after);
            self.release(top);
        }
        self.unit.bound.meet(&after);
        self.bind(end);
    }

    fn match_case(&mut self, case: &'a MatchCase, value: Reg, last: bool, end: Label, after: &mut Bound) {
        let next = self.label();
        let before = self.unit.bound.clone();
        let mut captures = Captures { names: Vec::new(), allow_irrefutable: case.guard.is_some() || last };
        self.reserve_captures(&case.pattern, &mut captures);
        self.pattern(&case.pattern, value, next, &mut captures);
        if let Err((message, span)) = check_names(&case.pattern, &mut Vec::new()) {
            self.error(message, span);
        }
        for &(name, reg) in &captures.names {
            self.store_name(&name.name, reg, name.span);
        }
        if let Some(guard) = &case.guard {
            self.cond(guard, next, false);
        }
        self.stmts(&case.body);
        self.jump_on(end);
        after.meet(&self.unit.bound);
        let matches_all = case.guard.is_none() && is_irrefutable(&case.pattern);
        self.unit.bound = if matches_all { Bound::unreachable() } else { before };
        self.bind(next);
    }

    /// Gives every captured name a register.
    fn reserve_captures(&mut self, pattern: &'a Pattern, captures: &mut Captures<'a>) {
        captured_names(pattern, &mut |name| {
            if !captures.names.iter().any(|(known, _)| known.name == name.name) {
                let reg = self.alloc();
                captures.names.push((name, reg));
            }
        });
    }

    fn capture(&mut self, name: &Ident, value: Reg, captures: &Captures<'a>) {
        if let Some((_, reg)) = captures.names.iter().find(|(known, _)| known.name == name.name) {
            self.move_to(*reg, value);
        }
    }

    /// Jumps to `fail` unless the value matches.
    fn pattern(&mut self, pattern: &'a Pattern, value: Reg, fail: Label, captures: &mut Captures<'a>) {
        let top = self.top();
        match &pattern.kind {
            PatternKind::Value(e) => self.value_pattern(e, value, fail, pattern.span),
            PatternKind::Singleton(constant) => self.singleton_pattern(constant, value, fail, pattern.span),
            PatternKind::Wildcard => self.refuse_irrefutable("wildcard".into(), pattern.span, captures),
            PatternKind::Capture(name) => {
                let what = format!("name capture '{}'", name.name);
                self.refuse_irrefutable(what, pattern.span, captures);
                self.capture(name, value, captures);
            }
            PatternKind::As { pattern, name } => {
                self.pattern(pattern, value, fail, captures);
                self.capture(name, value, captures);
            }
            PatternKind::Or(items) => self.or_pattern(items, value, fail, captures),
            PatternKind::Sequence(items) => self.sequence_pattern(items, value, fail, captures, pattern.span),
            PatternKind::Star(_) => self.error("starred pattern outside of a sequence", pattern.span),
            PatternKind::Mapping { keys, patterns, rest } => {
                self.mapping_pattern((keys, patterns, rest.as_ref()), value, fail, captures, pattern.span)
            }
            PatternKind::Class { class, positional, keywords } => {
                self.class_pattern((class, positional, keywords), value, fail, captures, pattern.span)
            }
        }
        self.release(top);
    }

    fn subpattern(&mut self, pattern: &'a Pattern, value: Reg, fail: Label, captures: &mut Captures<'a>) {
        let outer = std::mem::replace(&mut captures.allow_irrefutable, true);
        self.pattern(pattern, value, fail, captures);
        captures.allow_irrefutable = outer;
    }

    fn refuse_irrefutable(&mut self, what: String, span: Span, captures: &Captures<'a>) {
        if !captures.allow_irrefutable {
            self.error(format!("{what} makes remaining patterns unreachable"), span);
        }
    }

    fn value_pattern(&mut self, e: &'a Expr, value: Reg, fail: Label, span: Span) {
        if let Some(imm) = self.small_int(e) {
            self.mark(span);
            return self.unit.asm.branch(Op::JumpEqImm, 0, value, imm as u16, fail);
        }
        let wanted = self.expr_any(e);
        self.mark(span);
        self.unit.asm.branch(Op::JumpEq, 0, value, wanted, fail);
    }

    fn singleton_pattern(&mut self, constant: &ast::Const, value: Reg, fail: Label, span: Span) {
        self.mark(span);
        if let ast::Const::None = constant {
            return self.unit.asm.branch(Op::JumpNone, 1, value, 0, fail);
        }
        let wanted = self.alloc();
        self.load_const(wanted, fold::literal(constant));
        self.unit.asm.branch(Op::JumpIs, 0, value, wanted, fail);
    }

    fn or_pattern(&mut self, items: &'a [Pattern], value: Reg, fail: Label, captures: &mut Captures<'a>) {
        let Some((last, init)) = items.split_last() else { return };
        let matched = self.label();
        let allow = std::mem::replace(&mut captures.allow_irrefutable, false);
        for item in init {
            let next = self.label();
            self.pattern(item, value, next, captures);
            self.unit.asm.jump(matched);
            self.bind(next);
        }
        captures.allow_irrefutable = allow;
        self.pattern(last, value, fail, captures);
        self.bind(matched);
    }

    // ---- sequences

    fn sequence_pattern(
        &mut self,
        items: &'a [Pattern],
        value: Reg,
        fail: Label,
        captures: &mut Captures<'a>,
        span: Span,
    ) {
        let mut stars = items.iter().enumerate().filter(|(_, p)| matches!(p.kind, PatternKind::Star(_)));
        let star = stars.next().map(|(at, _)| at);
        if stars.next().is_some() {
            self.error("multiple starred names in sequence pattern", span);
        }
        self.mark(span);
        let test = self.alloc();
        self.emit(Op::MatchSequence, 0, test, value, 0);
        self.unit.asm.branch(Op::JumpFalse, 0, test, 0, fail);
        let least = (items.len() - usize::from(star.is_some())) as u16;
        if star.is_none() || least > 0 {
            self.emit(Op::Len, 0, test, value, 0);
            let branch = if star.is_none() { Op::JumpEqImm } else { Op::JumpGeImm };
            self.unit.asm.branch(branch, 0, test, least, fail);
        }
        let ignored = |p: &Pattern| matches!(p.kind, PatternKind::Wildcard | PatternKind::Star(None));
        match star {
            _ if items.iter().all(ignored) => {}
            Some(at) if ignored(&items[at]) => self.picked_items(items, at, (value, test), fail, captures, span),
            _ => {
                let first = self.alloc_n(items.len());
                self.mark(span);
                match star {
                    None => self.emit(Op::Unpack, 0, first, value, items.len() as u16),
                    Some(at) => {
                        let after = items.len() - at - 1;
                        if after > 0xff {
                            self.error("too many expressions in star-unpacking sequence pattern", span);
                        }
                        self.emit(Op::UnpackEx, after as u8, first, value, at as u16);
                    }
                }
                self.item_patterns(items, first, fail, captures);
            }
        }
    }

    fn item_patterns(&mut self, items: &'a [Pattern], first: Reg, fail: Label, captures: &mut Captures<'a>) {
        for (i, item) in items.iter().enumerate() {
            let reg = first + i as u16;
            match &item.kind {
                PatternKind::Star(Some(name)) => self.capture(name, reg, captures),
                PatternKind::Star(None) => {}
                _ => self.subpattern(item, reg, fail, captures),
            }
        }
    }

    /// With `*_` the items in the middle are never fetched.
    fn picked_items(
        &mut self,
        items: &'a [Pattern],
        star: usize,
        (value, len): (Reg, Reg),
        fail: Label,
        captures: &mut Captures<'a>,
        span: Span,
    ) {
        for (i, item) in items.iter().enumerate() {
            if i == star || matches!(item.kind, PatternKind::Wildcard) {
                continue;
            }
            let reg = self.alloc();
            self.mark(span);
            if i < star {
                self.emit(Op::GetItemImm, 0, reg, value, i as u16);
            } else {
                self.emit(Op::SubImm, 0, reg, len, (items.len() - i) as u16);
                self.emit(Op::GetItem, 0, reg, value, reg);
            }
            self.subpattern(item, reg, fail, captures);
        }
    }

    // ---- mappings

    fn mapping_pattern(
        &mut self,
        (keys, patterns, rest): (&'a [Expr], &'a [Pattern], Option<&'a Ident>),
        value: Reg,
        fail: Label,
        captures: &mut Captures<'a>,
        span: Span,
    ) {
        self.check_mapping_keys(keys, span);
        self.mark(span);
        let test = self.alloc();
        self.emit(Op::MatchMapping, 0, test, value, 0);
        self.unit.asm.branch(Op::JumpFalse, 0, test, 0, fail);
        if keys.is_empty() && rest.is_none() {
            return;
        }
        if !keys.is_empty() {
            self.emit(Op::Len, 0, test, value, 0);
            self.unit.asm.branch(Op::JumpGeImm, 0, test, keys.len() as u16, fail);
        }
        let key_tuple = self.alloc();
        self.tuple(keys, key_tuple, span);
        self.release(key_tuple + 1);
        let values = self.alloc();
        self.mark(span);
        self.emit(Op::MatchKeys, 0, values, value, key_tuple);
        self.unit.asm.branch(Op::JumpNone, 0, values, 0, fail);
        let first = self.alloc_n(keys.len());
        self.emit(Op::Unpack, 0, first, values, keys.len() as u16);
        for (i, pattern) in patterns.iter().enumerate() {
            self.subpattern(pattern, first + i as u16, fail, captures);
        }
        if let Some(rest) = rest {
            self.mark(span);
            self.emit(Op::MatchRest, 0, values, value, key_tuple);
            self.capture(rest, values, captures);
        }
    }

    fn check_mapping_keys(&mut self, keys: &'a [Expr], span: Span) {
        let mut seen: Vec<Const> = Vec::new();
        for key in keys {
            let Some(value) = self.constant(key) else { continue };
            if seen.iter().any(|other| fold::same_number(other, &value).unwrap_or(*other == value)) {
                let message = format!("mapping pattern checks duplicate key ({})", shown(&value));
                self.error(message, span);
            }
            seen.push(value);
        }
    }

    // ---- classes

    fn class_pattern(
        &mut self,
        (class, positional, keywords): (&'a Expr, &'a [Pattern], &'a [(Ident, Pattern)]),
        value: Reg,
        fail: Label,
        captures: &mut Captures<'a>,
        span: Span,
    ) {
        self.check_attributes(keywords);
        let Ok(count) = u8::try_from(positional.len()) else {
            return self.error("too many sub-patterns in class pattern", span);
        };
        let attributes = self.alloc();
        let class = self.expr_any(class);
        let names = keywords.iter().map(|(name, _)| Const::Str(name.name.as_bytes().into())).collect();
        self.load_const(attributes, Const::Tuple(names));
        self.mark(span);
        self.emit(Op::MatchClass, count, attributes, value, class);
        self.unit.asm.branch(Op::JumpNone, 0, attributes, 0, fail);
        let items: Vec<&'a Pattern> = positional.iter().chain(keywords.iter().map(|(_, p)| p)).collect();
        if items.is_empty() {
            return;
        }
        let first = self.alloc_n(items.len());
        self.emit(Op::Unpack, 0, first, attributes, items.len() as u16);
        for (i, item) in items.into_iter().enumerate() {
            self.subpattern(item, first + i as u16, fail, captures);
        }
    }

    fn check_attributes(&mut self, keywords: &'a [(Ident, Pattern)]) {
        for (i, (name, pattern)) in keywords.iter().enumerate() {
            if keywords[..i].iter().any(|(earlier, _)| earlier.name == name.name) {
                self.error(format!("attribute name repeated in class pattern: {}", name.name), pattern.span);
            }
        }
    }
}

fn is_irrefutable(pattern: &Pattern) -> bool {
    match &pattern.kind {
        PatternKind::Wildcard | PatternKind::Capture(_) => true,
        PatternKind::As { pattern, .. } => is_irrefutable(pattern),
        PatternKind::Or(items) => items.iter().any(is_irrefutable),
        _ => false,
    }
}

fn captured_names<'a>(pattern: &'a Pattern, f: &mut dyn FnMut(&'a Ident)) {
    match &pattern.kind {
        PatternKind::Value(_) | PatternKind::Singleton(_) | PatternKind::Wildcard | PatternKind::Star(None) => {}
        PatternKind::Capture(name) | PatternKind::Star(Some(name)) => f(name),
        PatternKind::As { pattern, name } => {
            captured_names(pattern, f);
            f(name);
        }
        PatternKind::Or(items) | PatternKind::Sequence(items) => items.iter().for_each(|p| captured_names(p, f)),
        PatternKind::Mapping { patterns, rest, .. } => {
            patterns.iter().for_each(|p| captured_names(p, f));
            rest.iter().for_each(f);
        }
        PatternKind::Class { positional, keywords, .. } => {
            positional.iter().for_each(|p| captured_names(p, f));
            keywords.iter().for_each(|(_, p)| captured_names(p, f));
        }
    }
}

/// Adds the names that a pattern captures, each once; alternatives must agree on theirs.
fn check_names<'a>(pattern: &'a Pattern, names: &mut Vec<&'a str>) -> Result<(), (String, Span)> {
    let add = |name: &'a Ident, names: &mut Vec<&'a str>| {
        if names.contains(&&*name.name) {
            return Err((format!("multiple assignments to name '{}' in pattern", name.name), name.span));
        }
        names.push(&name.name);
        Ok(())
    };
    match &pattern.kind {
        PatternKind::Value(_) | PatternKind::Singleton(_) | PatternKind::Wildcard | PatternKind::Star(None) => {}
        PatternKind::Capture(name) | PatternKind::Star(Some(name)) => add(name, names)?,
        PatternKind::As { pattern, name } => {
            check_names(pattern, names)?;
            add(name, names)?;
        }
        PatternKind::Sequence(items) => items.iter().try_for_each(|p| check_names(p, names))?,
        PatternKind::Mapping { patterns, rest, .. } => {
            patterns.iter().try_for_each(|p| check_names(p, names))?;
            rest.iter().try_for_each(|name| add(name, names))?;
        }
        PatternKind::Class { positional, keywords, .. } => {
            let all = positional.iter().chain(keywords.iter().map(|(_, p)| p));
            all.into_iter().try_for_each(|p| check_names(p, names))?;
        }
        PatternKind::Or(items) => {
            let before = names.len();
            let mut first: Option<Vec<&str>> = None;
            for item in items {
                names.truncate(before);
                check_names(item, names)?;
                let mut own = names[before..].to_vec();
                own.sort_unstable();
                if *first.get_or_insert_with(|| own.clone()) != own {
                    return Err(("alternative patterns bind different names".into(), pattern.span));
                }
            }
        }
    }
    Ok(())
}

/// A constant key in an error text.
fn shown(value: &Const) -> String {
    match value {
        Const::None => "None".into(),
        Const::True => "True".into(),
        Const::False => "False".into(),
        Const::Int(i) => i.to_string(),
        Const::Float(x) => format!("{x:?}"),
        Const::Str(text) => format!("'{}'", String::from_utf8_lossy(text)),
        Const::Bytes(text) => format!("b'{}'", String::from_utf8_lossy(text)),
        _ => "...".into(),
    }
}
