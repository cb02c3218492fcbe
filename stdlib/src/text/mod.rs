//! Text: regular expressions; dates and times.

pub mod regex;

use conc_interpreter::object::isolate::BuiltinModule::{self, Native};

/// The family's modules.
pub static MODULES: &[BuiltinModule] = &[Native(&regex::functions::MODULE), source!("datetime"), source!("re")];
