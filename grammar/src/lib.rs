//! Source text in, syntax tree and diagnostics out.
#![forbid(unsafe_code)]

pub mod ast;
