//! Data: containers, iterators, functions over functions, text encodings of data.

pub mod boxes;
pub mod itertools;
