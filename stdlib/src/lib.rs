//! The standard library: one folder per family, one file per module.
#![forbid(unsafe_code)]
