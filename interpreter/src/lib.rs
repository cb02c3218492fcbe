//! Conc's interpreter: from syntax tree to running fibers.

extern crate self as conc_interpreter;

pub mod bytecode;
pub mod compiler;
pub mod heap;
pub mod native;
pub mod object;
pub mod scheduler;
pub mod sync;
pub mod text;
pub mod value;
pub mod vm;
