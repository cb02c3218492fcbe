//! Concurrency: threads, and what they wait for.

pub mod greenlet;
pub mod handle;
pub mod queue;
pub mod thread;
pub mod threading;
