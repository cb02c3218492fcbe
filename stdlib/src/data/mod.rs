//! Data: containers, iterators, functions over functions, text encodings of data.

pub mod boxes;
pub mod collections;
pub mod deque;
pub mod functools;
pub mod heap;
pub mod itertools;
pub mod json;
pub mod operator;

use conc_interpreter::object::isolate::BuiltinModule::{self, Native, Source};

/// A module written in Conc: its name and file.
macro_rules! source {
    ($name:literal, $file:literal) => {
        Source($name, include_str!(concat!("../../conc/", $file)))
    };
}

/// The family's modules.
pub static MODULES: &[BuiltinModule] = &[
    Native(&collections::functions::MODULE),
    Native(&functools::functions::MODULE),
    Native(&heap::heapq::MODULE),
    Native(&heap::bisection::MODULE),
    Native(&itertools::functions::MODULE),
    Native(&json::functions::MODULE),
    Native(&operator::functions::MODULE),
    source!("collections", "collections.conc"),
    source!("collections.abc", "collections_abc.conc"),
    source!("copy", "copy.conc"),
    source!("copyreg", "copyreg.conc"),
    source!("functools", "functools.conc"),
    source!("heapq", "heapq.conc"),
    source!("json", "json/__init__.conc"),
    source!("json.decoder", "json/decoder.conc"),
    source!("json.encoder", "json/encoder.conc"),
    source!("json.scanner", "json/scanner.conc"),
    source!("keyword", "keyword.conc"),
    source!("reprlib", "reprlib.conc"),
];
