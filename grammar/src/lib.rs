//! Source text in, syntax tree and diagnostics out.
//!
//! The way of a program: `decode` makes text of bytes, `token` (logos) and `layout` make logical lines, `soft`
//! settles the soft keywords, the generated parser calls `builder`, and `block` puts the lines together. Where the
//! parser stops, `explain` says why.
#![forbid(unsafe_code)]

pub mod ast;
mod block;
mod builder;
mod decode;
pub mod diagnostic;
mod explain;
mod fstring;
pub mod ident;
mod layout;
mod literal;
mod parse;
mod scan;
mod soft;
mod token;
mod unparse;

pub use builder::MAX_DEPTH;
pub use decode::decode_source;
pub use diagnostic::{Diagnostic, Kind, Label, line_column};
pub use parse::{
    Interactive, Parsed, ParsedExpression, parse_bytes, parse_expression, parse_interactive, parse_module, parse_single,
};
pub use unparse::unparse;

#[rustfmt::skip]
#[allow(clippy::all, unused)]
mod grammar {
    use lalrpop_util::lalrpop_mod;
    lalrpop_mod!(pub(crate) generated, "/grammar.rs");
}
