//! Bytecode: the instruction set, the templates that hold it, its listing and its verifier.

pub mod listing;
pub mod liveness;
pub mod op;
pub mod template;
pub mod verify;
pub mod word;
