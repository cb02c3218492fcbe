//! Text: regular expressions.

pub mod regex;

use conc_interpreter::object::isolate::BuiltinModule::{self, Native, Source};

/// The family's modules.
pub static MODULES: &[BuiltinModule] =
    &[Native(&regex::functions::MODULE), Source("re", include_str!("../../conc/re.conc"))];
