//! Text: regular expressions; dates and times.

pub mod regex;

use conc_interpreter::object::isolate::BuiltinModule::{self, Native, Source};

/// The family's modules.
pub static MODULES: &[BuiltinModule] = &[
    Native(&regex::functions::MODULE),
    Source("datetime", include_str!("../../conc/datetime.conc")),
    Source("re", include_str!("../../conc/re.conc")),
];
