//! Parameters of functions and lambdas, and type parameters.

use super::{Builder, Deep, depth_of, span};
use crate::ast::*;
use crate::diagnostic::code;

type E = Deep<Expr>;

/// One entry of a parameter list.
pub enum ParamItem {
    Plain(Deep<Param>),
    Star(u32, Deep<Param>),
    DoubleStar(u32, Deep<Param>),
    BareStar(u32),
    Slash(u32),
}

#[derive(Default)]
pub struct ParamList {
    pub params: Params,
    pub depth: u32,
    seen: Seen,
    /// A bare `*` that still waits for a parameter.
    bare_star: Option<u32>,
    default: bool,
    slash: bool,
    /// A `/` with no parameter before it.
    bare_slash: Option<Span>,
}

/// How far into the list the kinds of parameters have come.
#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
enum Seen {
    #[default]
    Positional,
    Star,
    DoubleStar,
}

impl Builder<'_> {
    fn new_param(name: Ident, annotation: Option<E>, default: Option<E>) -> Deep<Param> {
        let depth = depth_of(&annotation).max(depth_of(&default)) + 1;
        Deep::new(Param { name, annotation: annotation.map(|a| a.it), default: default.map(|d| d.it) }, depth)
    }

    pub fn plain_param(&mut self, (name, annotation): (Ident, Option<E>), default: Option<E>) -> Box<ParamItem> {
        Box::new(ParamItem::Plain(Self::new_param(name, annotation, default)))
    }

    pub fn star_param(&mut self, l: u32, param: (Ident, Option<E>), default: Option<E>) -> Box<ParamItem> {
        self.no_default(&param.0, &default, "var-positional");
        Box::new(ParamItem::Star(l, Self::new_param(param.0, param.1, None)))
    }

    pub fn double_star_param(&mut self, l: u32, param: (Ident, Option<E>), default: Option<E>) -> Box<ParamItem> {
        self.no_default(&param.0, &default, "var-keyword");
        Box::new(ParamItem::DoubleStar(l, Self::new_param(param.0, param.1, None)))
    }

    fn no_default(&mut self, name: &Ident, default: &Option<E>, kind: &str) {
        if let Some(default) = default {
            let between = self.text(name.span.end, default.it.span.start);
            let equals = name.span.end + between.rfind('=').unwrap_or(0) as u32;
            let message = format!("{kind} argument cannot have default value");
            self.error(code::PARAMETER, span(equals, equals + 1), message);
        }
    }

    pub fn param(&mut self, list: Option<Box<ParamList>>, item: ParamItem) -> Box<ParamList> {
        let mut list = list.unwrap_or_default();
        let at = match &item {
            ParamItem::Plain(p) => p.it.name.span,
            ParamItem::Star(l, _) | ParamItem::BareStar(l) | ParamItem::Slash(l) => span(*l, *l + 1),
            ParamItem::DoubleStar(l, _) => span(*l, *l + 2),
        };
        if list.seen == Seen::DoubleStar {
            self.error(code::PARAMETER, at, "arguments cannot follow var-keyword argument");
        }
        match item {
            ParamItem::Plain(p) => self.add_plain(&mut list, p),
            ParamItem::Star(_, p) => {
                self.begin_keywords(&mut list, at);
                list.depth = list.depth.max(p.depth);
                list.params.vararg = Some(p.it);
            }
            ParamItem::BareStar(l) => {
                if list.seen == Seen::Star {
                    self.error(code::PARAMETER, at, "invalid syntax");
                }
                list.seen = Seen::Star;
                list.bare_star = Some(l);
            }
            ParamItem::DoubleStar(_, p) => {
                self.end_keywords(&mut list);
                list.seen = Seen::DoubleStar;
                list.depth = list.depth.max(p.depth);
                list.params.kwarg = Some(p.it);
            }
            ParamItem::Slash(_) => self.add_slash(&mut list, at),
        }
        list
    }

    fn add_plain(&mut self, list: &mut ParamList, param: Deep<Param>) {
        list.depth = list.depth.max(param.depth);
        list.bare_star = None;
        if list.seen != Seen::Positional {
            list.params.kwonly.push(param.it);
            return;
        }
        if param.it.default.is_some() {
            list.default = true;
        } else if list.default {
            let message = "parameter without a default follows parameter with a default";
            self.error(code::PARAMETER, param.it.name.span, message);
        }
        list.params.positional.push(param.it);
    }

    fn begin_keywords(&mut self, list: &mut ParamList, at: Span) {
        if list.seen == Seen::Star {
            self.error(code::PARAMETER, at, "* argument may appear only once");
        }
        list.seen = Seen::Star;
    }

    fn add_slash(&mut self, list: &mut ParamList, at: Span) {
        if list.seen == Seen::Star {
            list.bare_star = None;
            self.error(code::PARAMETER, at, "/ must be ahead of *");
        } else if list.slash {
            self.error(code::PARAMETER, at, "/ may appear only once");
        } else if list.params.positional.is_empty() {
            list.bare_slash = Some(at);
        }
        list.slash = true;
        list.params.posonly = list.params.positional.len();
    }

    /// What is wrong with the parameters of a `def` as a whole.
    pub fn finish_params(&mut self, list: &mut ParamList) {
        self.check_slash(list);
        self.end_keywords(list);
    }

    /// `/` needs a parameter before it.
    fn check_slash(&mut self, list: &ParamList) {
        if let Some(at) = list.bare_slash {
            let more = self.source[at.end as usize..].trim_start().starts_with(',');
            let message = if more { "at least one argument must precede /" } else { "invalid syntax" };
            self.error(code::PARAMETER, at, message);
        }
    }

    /// A bare `*` needs a parameter after it.
    fn end_keywords(&mut self, list: &mut ParamList) {
        if let Some(l) = list.bare_star.take() {
            self.error(code::PARAMETER, span(l, l + 1), "named arguments must follow bare *");
        }
    }

    pub fn lambda(&mut self, l: u32, r: u32, mut params: Box<ParamList>, body: E) -> E {
        self.check_slash(&params);
        if let Some(star) = params.bare_star.take() {
            // CPython marks the token that should have been a name.
            let skip = |c: char| c.is_whitespace() || c == ',';
            let at = body.it.span.start - self.text(star + 1, body.it.span.start).trim_start_matches(skip).len() as u32;
            self.error(code::PARAMETER, span(at, at + 1), "named arguments must follow bare *");
        }
        let depth = params.depth.max(body.depth);
        let kind = ExprKind::Lambda { params: Box::new(params.params), body: body.boxed() };
        self.node(span(l, r), kind, depth)
    }

    pub fn new_type_param(
        &mut self,
        name: Ident,
        kind: TypeParamKind,
        bound: Option<E>,
        default: Option<E>,
    ) -> Box<Deep<TypeParam>> {
        let depth = depth_of(&bound).max(depth_of(&default)) + 1;
        let param = TypeParam { name, kind, bound: bound.map(|b| b.it), default: default.map(|d| d.it) };
        Box::new(Deep::new(param, depth))
    }

    pub fn type_param(&mut self, list: Option<Deep<Vec<TypeParam>>>, param: Deep<TypeParam>) -> Deep<Vec<TypeParam>> {
        let list = list.unwrap_or_default();
        if param.it.default.is_none() && list.it.last().is_some_and(|last| last.default.is_some()) {
            let name = &param.it.name;
            let message = format!("non-default type parameter '{}' follows default type parameter", name.name);
            self.error(code::PARAMETER, name.span, message);
        }
        list.push(param)
    }
}
