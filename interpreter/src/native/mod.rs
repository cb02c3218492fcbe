//! Native functions: how they are declared, how their arguments arrive, how they fail.
//!
//! A native is straight-line Rust over [`Ctx`]; the attribute macros of `conc-macros` emit its [`NativeDef`].

pub mod args;
pub mod convert;
pub mod def;
pub mod raised;
pub mod step;

pub use args::{Args, Kwargs};
pub use convert::{FromArg, IntoResult};
pub use def::{ConstDef, ModuleDef, NativeDef, NativeFn, Param, ParamKind, Role};
pub use raised::{R, Raised};
pub use step::{Entered, MoveFn, NativeFrame, Resume, ResumeFn, Step};

pub use crate::object::ctx::Ctx;
