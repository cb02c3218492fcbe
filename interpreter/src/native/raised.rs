//! A script exception on its way out of Rust code.

use crate::value::Value;

/// The exception object being raised. Returned in `Err`, so that `?` unwinds natives.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Raised(pub Value);

/// What natives return.
pub type R<T = Value> = Result<T, Raised>;
