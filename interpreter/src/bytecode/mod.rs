//! Bytecode: the instruction set and the templates that hold it.

pub mod op;
pub mod template;
