//! Declarations of natives as plain data.

use super::{Args, Ctx, R};
use crate::object::generator::Generator;
use crate::object::module::Module;
use crate::value::{Gc, Value};

/// The Rust function behind a native.
pub type NativeFn = fn(&mut Ctx, Args<'_>) -> R;

/// How a native is found and called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Function,
    Method,
    ClassMethod,
    StaticMethod,
    Getter,
    Setter,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamKind {
    PositionalOnly,
    Positional,
    KeywordOnly,
    VarArgs,
    VarKeywords,
}

/// One parameter of a native.
#[derive(Debug)]
pub struct Param {
    pub name: &'static str,
    pub kind: ParamKind,
    pub required: bool,
    /// The default's source text, for signatures.
    pub default: &'static str,
}

/// A native function, declared.
#[derive(Debug)]
pub struct NativeDef {
    pub name: &'static str,
    pub doc: &'static str,
    pub role: Role,
    pub params: &'static [Param],
    pub call: NativeFn,
    /// Set for a resumable native, which is entered through a frame of its own where that is needed.
    pub resume: Option<super::Resume>,
    /// Fewest positional arguments a call without keywords needs.
    pub min: u16,
    /// Most positional arguments, `*args` aside.
    pub max: u16,
    /// How many parameters there are, `*args` and `**kwargs` aside.
    pub fixed: u16,
    /// So many of these are to be looked at for a required one that was not given.
    pub needed: u16,
    pub has_rest: bool,
    pub has_kwonly: bool,
    pub has_kwargs: bool,
    /// What `**kwargs` would collect is not looked at, and so not collected.
    pub drops_kwargs: bool,
    /// In CPython it is a script's function: wrong arguments are reported in the words for those.
    pub like_script: bool,
}

impl NativeDef {
    pub const fn new(
        name: &'static str,
        doc: &'static str,
        role: Role,
        params: &'static [Param],
        call: NativeFn,
    ) -> NativeDef {
        let mut def = NativeDef {
            name,
            doc,
            role,
            params,
            call,
            resume: None,
            min: 0,
            max: 0,
            fixed: 0,
            needed: 0,
            has_rest: false,
            has_kwonly: false,
            has_kwargs: false,
            drops_kwargs: false,
            like_script: false,
        };
        let mut i = 0;
        while i < params.len() {
            match params[i].kind {
                ParamKind::PositionalOnly | ParamKind::Positional => {
                    def.max += 1;
                    if params[i].required {
                        def.min = def.max;
                    }
                }
                ParamKind::KeywordOnly => def.has_kwonly = true,
                ParamKind::VarArgs => def.has_rest = true,
                ParamKind::VarKeywords => def.has_kwargs = true,
            }
            if !matches!(params[i].kind, ParamKind::VarArgs | ParamKind::VarKeywords) {
                def.fixed += 1;
                if params[i].required {
                    def.needed = def.fixed;
                }
            }
            i += 1;
        }
        def
    }
}

impl NativeDef {
    /// A native that is always entered through a frame, of at most [`super::NativeFrame::SLOTS`] parameters.
    pub const fn resumable(
        name: &'static str,
        doc: &'static str,
        role: Role,
        params: &'static [Param],
        enter: super::ResumeFn,
    ) -> NativeDef {
        let def = NativeDef::new(name, doc, role, params, unreachable_call);
        def.with_frame(super::Resume::always(enter))
    }

    /// The same native, which does not look at `**kwargs`.
    pub const fn dropping_keywords(mut self) -> NativeDef {
        self.drops_kwargs = true;
        self
    }

    /// Its parameters, `*args` and `**kwargs` aside.
    #[inline]
    pub fn fixed_params(&self) -> impl Iterator<Item = &'static Param> {
        self.params.iter().filter(|p| !matches!(p.kind, ParamKind::VarArgs | ParamKind::VarKeywords))
    }

    /// Whether it takes one argument, and any others, of which it does not look at the named ones.
    #[inline]
    pub fn takes_first_and_rest(&self) -> bool {
        self.drops_kwargs && self.has_rest && !self.has_kwonly && self.max == 1 && self.resume.is_none()
    }

    /// The same native, which is a script's function in CPython.
    pub const fn like_script(mut self) -> NativeDef {
        self.like_script = true;
        self
    }

    /// The same native, resumable.
    pub const fn with_frame(mut self, resume: super::Resume) -> NativeDef {
        self.resume = Some(resume);
        self
    }

    /// The generator and the value that a call with these arguments only sends to it.
    #[inline]
    pub fn sends(&self, args: Args<'_>) -> Option<(Gc<Generator>, Value)> {
        self.resume.as_ref().and_then(|r| r.sends).and_then(|sends| sends(args))
    }

    /// Whether a call with these arguments goes through `call`.
    #[inline(always)]
    pub fn is_straight(&self, args: Args<'_>) -> bool {
        match &self.resume {
            None => true,
            Some(resume) => resume.when.is_some_and(|when| !when(args)),
        }
    }
}

/// Resumable natives are never called this way.
fn unreachable_call(cx: &mut Ctx, _: Args<'_>) -> R {
    Err(cx.error(crate::object::kind::ClassId::SystemError, "a resumable native was called without a frame"))
}

/// A native module, declared.
pub struct ModuleDef {
    pub name: &'static str,
    pub doc: &'static str,
    pub functions: &'static [NativeDef],
    pub consts: &'static [(&'static str, ConstDef)],
    /// Runs once the functions and constants are in place.
    pub init: Option<fn(&mut Ctx, Gc<Module>) -> R<()>>,
}

/// A constant of a native module.
#[derive(Clone, Copy, Debug)]
pub enum ConstDef {
    Int(i64),
    Float(f64),
    Str(&'static str),
    Value(Value),
}
