//! The operating system: files, processes, paths, the environment.

pub mod entropy;
