//! Conc's interpreter: from syntax tree to running fibers.

pub mod bytecode;
pub mod compiler;
pub mod text;
