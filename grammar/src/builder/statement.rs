//! Simple statements and the headers of compound ones.

use super::target::Use;
use super::{ArgList, Builder, Deep, ParamList, depth_of, span};
use crate::ast::*;
use crate::diagnostic::code;

type E = Deep<Expr>;

/// The first line of a compound statement or of one of its clauses; the block layer adds the body.
#[derive(Debug)]
pub enum Header {
    If(Expr),
    Elif(Expr),
    Else,
    While(Expr),
    For { target: Expr, iter: Expr, is_async: bool },
    With { items: Vec<WithItem>, is_async: bool },
    Try,
    Except { typ: Option<Expr>, name: Option<Ident>, star: bool },
    Finally,
    Def(Box<FunctionDef>),
    Class(Box<ClassDef>),
    Match(Expr),
    Case(Box<(Pattern, Option<Expr>)>),
    Decorator(Expr),
}

impl Builder<'_> {
    /// Adds a simple statement whose children are at most `depth` deep.
    pub fn statement(&mut self, l: u32, r: u32, depth: u32, kind: StmtKind) {
        let span = span(l, r);
        if !self.too_deep(depth + 1, span) {
            self.statements.push(Stmt { span, kind });
        }
    }

    pub fn header(&mut self, depth: u32, header: Header) {
        let at = Span::default();
        if !self.too_deep(depth + 1, at) {
            self.header = Some(header);
        }
    }

    /// `a = b = value`, or `value` alone.
    pub fn assignment(&mut self, l: u32, r: u32, chain: Deep<Vec<Expr>>) {
        let Deep { it: mut targets, depth } = chain;
        let Some(value) = targets.pop() else { return };
        self.refuse_starred(&value);
        if targets.is_empty() {
            return self.statement(l, r, depth, StmtKind::Expr(value));
        }
        let usage = if targets.len() == 1 { Use::LoneAssign } else { Use::Assign };
        for target in &targets {
            self.check_assign(target, usage);
        }
        self.statement(l, r, depth, StmtKind::Assign { targets, value });
    }

    pub fn augmented(&mut self, l: u32, r: u32, target: E, op: BinOp, value: E) {
        self.check_augmented(&target.it);
        self.refuse_starred(&value.it);
        let depth = target.depth.max(value.depth);
        self.statement(l, r, depth, StmtKind::AugAssign { target: target.it, op, value: value.it });
    }

    pub fn annotated(&mut self, l: u32, r: u32, target: E, annotation: E, value: Option<E>) {
        self.check_annotated(&target.it);
        let depth = target.depth.max(annotation.depth).max(depth_of(&value));
        // The span of a parenthesised name does not begin where the statement does.
        let simple = matches!(target.it.kind, ExprKind::Name(_)) && target.it.span.start == l;
        let value = value.map(|v| v.it);
        if let Some(value) = &value {
            self.refuse_starred(value);
        }
        let kind = StmtKind::AnnAssign { target: target.it, annotation: annotation.it, value, simple };
        self.statement(l, r, depth, kind);
    }

    pub fn returned(&mut self, l: u32, r: u32, value: Option<E>) {
        if let Some(value) = &value {
            self.refuse_starred(&value.it);
        }
        self.statement(l, r, depth_of(&value), StmtKind::Return(value.map(|v| v.it)));
    }

    pub fn delete(&mut self, l: u32, r: u32, targets: E) {
        let depth = targets.depth;
        self.check_assign(&targets.it, Use::Delete);
        let targets = match targets.it.kind {
            ExprKind::Tuple { items, parenthesized: false } => items,
            _ => vec![targets.it],
        };
        self.statement(l, r, depth, StmtKind::Delete(targets));
    }

    pub fn raise(&mut self, l: u32, r: u32, exc: Option<E>, cause: Option<E>) {
        let depth = depth_of(&exc).max(depth_of(&cause));
        let kind = StmtKind::Raise { exc: exc.map(|e| e.it), cause: cause.map(|c| c.it) };
        self.statement(l, r, depth, kind);
    }

    pub fn assertion(&mut self, l: u32, r: u32, test: E, msg: Option<E>) {
        let depth = test.depth.max(depth_of(&msg));
        self.statement(l, r, depth, StmtKind::Assert { test: test.it, msg: msg.map(|m| m.it) });
    }

    pub fn import_from(&mut self, l: u32, r: u32, level: u32, module: Option<Ident>, names: Vec<Alias>) {
        self.statement(l, r, 0, StmtKind::ImportFrom { module, names, level });
    }

    pub fn trailing_comma(&mut self, names: Vec<Alias>, r: u32) -> Vec<Alias> {
        let message = "trailing comma not allowed without surrounding parentheses";
        self.error(code::IMPORT, span(r, r + 1), message);
        names
    }

    pub fn dotted(&self, first: Ident, next: Ident) -> Ident {
        let mut name = String::from(first.name);
        name.push('.');
        name.push_str(&next.name);
        Ident { name: name.into(), span: first.span.to(next.span) }
    }

    pub fn type_alias(&mut self, l: u32, r: u32, name: Ident, params: Option<Deep<Vec<TypeParam>>>, value: E) {
        let depth = value.depth.max(depth_of(&params));
        let type_params = params.map(|p| p.it).unwrap_or_default();
        self.statement(l, r, depth, StmtKind::TypeAlias { name, type_params, value: value.it });
    }

    pub fn for_header(&mut self, target: E, iter: E, is_async: bool) {
        self.check_assign(&target.it, Use::Loop);
        self.refuse_starred(&iter.it);
        let depth = target.depth.max(iter.depth);
        self.header(depth, Header::For { target: target.it, iter: iter.it, is_async });
    }

    pub fn with_item(
        &mut self,
        list: Option<Deep<Vec<WithItem>>>,
        context: E,
        target: Option<E>,
    ) -> Deep<Vec<WithItem>> {
        let depth = context.depth.max(depth_of(&target)) + 1;
        if let Some(target) = &target {
            self.check_assign(&target.it, Use::Loop);
        }
        let item = WithItem { context: context.it, target: target.map(|t| t.it) };
        list.unwrap_or_default().push(Deep::new(item, depth))
    }

    /// `start` is where the items begin: a tuple in parentheses that begins there is a list of items.
    pub fn with_header(&mut self, items: Deep<Vec<WithItem>>, start: u32, is_async: bool) {
        let Deep { it: mut items, depth } = items;
        if let [WithItem { context, target: None }] = &mut items[..]
            && context.span.start == start
            && let ExprKind::Tuple { items: contexts, parenthesized: true } = &mut context.kind
            && !contexts.is_empty()
            && !contexts.iter().any(|c| matches!(c.kind, ExprKind::Starred(_) | ExprKind::Named { .. }))
        {
            let contexts = std::mem::take(contexts);
            items = contexts.into_iter().map(|context| WithItem { context, target: None }).collect();
        }
        self.header(depth, Header::With { items, is_async });
    }

    pub fn except_header(&mut self, typ: Option<E>, name: Option<Ident>, star: bool) {
        let depth = depth_of(&typ);
        self.header(depth, Header::Except { typ: typ.map(|t| t.it), name, star });
    }

    pub fn many_exceptions(&mut self, types: Deep<Vec<Expr>>, r: u32) -> E {
        let l = types.it.first().map_or(r, |t| t.span.start);
        self.error(code::CLAUSE, span(l, r), "multiple exception types must be parenthesized");
        self.tuple(l, r, types, false)
    }

    pub fn def_header(
        &mut self,
        name: Ident,
        type_params: Option<Deep<Vec<TypeParam>>>,
        mut params: Box<ParamList>,
        returns: Option<E>,
        is_async: bool,
    ) {
        self.finish_params(&mut params);
        let depth = params.depth.max(depth_of(&type_params)).max(depth_of(&returns));
        let function = FunctionDef {
            name,
            decorators: Vec::new(),
            type_params: type_params.map(|t| t.it).unwrap_or_default(),
            params: params.params,
            returns: returns.map(|r| r.it),
            body: Vec::new(),
            is_async,
        };
        self.header(depth, Header::Def(Box::new(function)));
    }

    pub fn class_header(&mut self, name: Ident, type_params: Option<Deep<Vec<TypeParam>>>, args: Option<ArgList>) {
        let args = args.map(ArgList::into_deep).unwrap_or_default();
        let depth = args.depth.max(depth_of(&type_params));
        let class = ClassDef {
            name,
            decorators: Vec::new(),
            type_params: type_params.map(|t| t.it).unwrap_or_default(),
            args: args.it,
            body: Vec::new(),
        };
        self.header(depth, Header::Class(Box::new(class)));
    }

    pub fn case_header(&mut self, pattern: Deep<Box<Pattern>>, guard: Option<E>) {
        let depth = pattern.depth.max(depth_of(&guard)) + 1;
        self.header(depth, Header::Case(Box::new((*pattern.it, guard.map(|g| g.it)))));
    }
}
