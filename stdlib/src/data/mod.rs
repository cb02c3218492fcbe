//! Data: containers, iterators, functions over functions, text encodings of data.

pub mod binascii;
pub mod boxes;
pub mod collections;
pub mod deque;
pub mod digest;
pub mod functools;
pub mod heap;
pub mod itertools;
pub mod json;
pub mod operator;
pub mod pickle;
pub mod strings;
pub mod view;
pub mod zlib;

use conc_interpreter::object::isolate::BuiltinModule::{self, Native};

/// The family's modules.
pub static MODULES: &[BuiltinModule] = &[
    Native(&binascii::functions::MODULE),
    Native(&collections::functions::MODULE),
    Native(&digest::functions::MODULE),
    Native(&functools::functions::MODULE),
    Native(&heap::heapq::MODULE),
    Native(&heap::bisection::MODULE),
    Native(&itertools::functions::MODULE),
    Native(&json::functions::MODULE),
    Native(&operator::functions::MODULE),
    Native(&pickle::functions::MODULE),
    Native(&strings::functions::MODULE),
    Native(&strings::sampling::MODULE),
    Native(&zlib::functions::MODULE),
    source!("collections"),
    source!("collections.abc"),
    source!("copy"),
    source!("copyreg"),
    source!("functools"),
    source!("heapq"),
    source!("json"),
    source!("json.decoder"),
    source!("json.encoder"),
    source!("json.scanner"),
    source!("keyword"),
    source!("numbers"),
    source!("pickle"),
    source!("pprint"),
    source!("random"),
    source!("reprlib"),
    source!("statistics"),
    source!("string"),
    source!("textwrap"),
];
