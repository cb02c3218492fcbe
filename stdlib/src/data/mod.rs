//! Data: containers, iterators, functions over functions, text encodings of data.

pub mod boxes;
pub mod itertools;

use conc_interpreter::object::isolate::BuiltinModule::{self, Native, Source};

/// A module written in Conc: its name and file.
macro_rules! source {
    ($name:literal, $file:literal) => {
        Source($name, include_str!(concat!("../../conc/", $file)))
    };
}

/// The family's modules.
pub static MODULES: &[BuiltinModule] = &[
    Native(&itertools::functions::MODULE),
];
