//! Concurrency: threads.

pub mod thread;
