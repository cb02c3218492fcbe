//! The virtual machine: code objects, the loop, calls, unwinding, generators, import; and the making of an interpreter.

// Frames are raw memory: their addresses are handed around between the loop and its slow paths, which the loop's own
// contract covers.
#![allow(clippy::not_unsafe_ptr_arg_deref)]

pub mod abandoned;
pub mod asyncgen;
pub mod bind;
pub mod cache;
pub mod call;
pub mod code;
pub mod compile;
pub mod construct;
pub mod finish;
pub mod frames;
pub mod generator;
pub mod groups;
pub mod import;
pub mod interrupt;
pub mod intrinsic;
pub mod iterate;
mod matching;
pub mod methods;
pub mod native;
mod operate;
pub mod outside;
pub mod program;
pub mod run;
pub mod setup;
pub mod slow;
mod spare;
pub mod special;
mod suspension;
pub mod unwind;

pub use compile::source_text;
pub use outside::drop_captured;
pub use setup::{Worker, new_interpreter, new_worker, seeded_interpreter};
pub(crate) use setup::{new_seat, start_fiber};

use crate::native::{Ctx, R};
use crate::value::Value;

/// `isinstance(v, class)` with hooks.
pub fn isinstance(cx: &mut Ctx, v: Value, class: Value) -> R<bool> {
    cx.isinstance(v, class)
}
