//! Concurrency: threads, and what they wait for.

pub mod contextvars;
pub mod gevent;
pub mod greenlet;
pub mod handle;
pub mod queue;
pub mod thread;
pub mod threading;
