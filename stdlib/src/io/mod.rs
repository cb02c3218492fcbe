//! io: files and streams.

pub mod base;
pub mod buffered;
pub mod bytesio;
pub mod classes;
pub mod codecs;
pub mod file;
pub mod linebreaks;
pub mod open;
pub mod reader;
pub mod registry;
pub mod shared;
pub mod standard;
pub mod stringio;
pub mod text;
pub mod waiting;
pub mod wrapper;
pub mod writer;
