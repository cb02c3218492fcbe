//! The operating system: files, processes, paths, the environment.

pub mod descriptors;
pub mod entropy;
pub mod errors;
pub mod files;
pub mod paths;
pub mod posix;
pub mod process;
pub mod scandir;
pub mod spawn;
pub mod stat;
