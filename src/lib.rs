//! Conc for Rust hosts: interpreters, values, functions, errors.
//!
//! ```
//! # fn main() -> Result<(), conc::Error> {
//! let interp = conc::Interpreter::new()?;
//! interp.set("names", vec!["Ada", "Grace"])?;
//! let text: String = interp.eval("', '.join(sorted(names, reverse=True))")?;
//! assert_eq!(text, "Grace, Ada");
//! # Ok(()) }
//! ```
//!
//! Interpreters are independent of each other, and each may be called by several threads at once. Errors are values
//! ([`Error`]), handles of script values are [`Root`]s, and closures become functions with
//! [`Interpreter::function`]. A [`Program`] is compiled once and run by any number of interpreters.
#![forbid(unsafe_code)]

mod convert;
mod error;
mod function;
mod interpreter;
mod program;
mod root;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod command;
#[cfg(feature = "cli")]
mod repl;

pub use conc_grammar::Diagnostic;
pub use convert::{FromValue, IntoValue};
pub use error::{Error, Frame, Raised, Result, Syntax};
pub use function::{Callable, IntoRaise, Raise};
pub use interpreter::{Arguments, Builder, Capabilities, Interpreter, Std};
pub use program::Program;
pub use root::Root;
