//! What every program has: the builtin functions.

pub mod attributes;
pub mod build_class;
pub mod builtins;
pub mod evaluate;
pub mod extremes;
pub mod numbers;
pub mod output;
pub mod shared;
pub mod structseq;
