//! The operating system: files, processes, paths, the environment.

pub mod entropy;
pub mod errors;
pub mod paths;
