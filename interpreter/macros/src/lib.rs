//! Attribute macros that turn plain Rust functions into native functions of the language.
