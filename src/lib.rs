//! Conc for Rust hosts.
