//! The scheduler: green threads over fibers and pooled native stacks.
//!
//! One worker so far: the thread that runs the interpreter. It runs one green thread at a time; a thread parks by
//! returning from the loop (its native stack goes back to the pool) or, with native frames under it, by suspending
//! its native stack, which then waits with it (detached).

pub mod driver;
pub mod monitor;
pub mod thread;

pub use driver::{Waiter, arm, current, finish, last_wait, park, ready, spawn, wake};
