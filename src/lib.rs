//! Conc for Rust hosts.

pub mod command;
