//! What an interpreter's threads hold at a moment: tests see by it that programs leave nothing behind.

use std::sync::atomic::Ordering;

use super::stack;
use super::worker::worker;
use crate::native::Ctx;

/// Numbers of things that threads have taken and not given back.
pub struct Census {
    /// Threads that have not ended.
    pub threads: usize,
    /// Fibers of threads; those that wait to be used again are not among them.
    pub fibers: usize,
    /// Native stacks that wait with their threads or greenlets.
    pub stacks: usize,
    /// Deadlines, some of which may be of waits that have ended.
    pub timers: usize,
    /// Waits for something outside the program.
    pub outside: usize,
}

/// Counts.
pub fn take(cx: &mut Ctx) -> Census {
    let shared = worker(cx).shared.clone();
    Census {
        threads: shared.threads().len(),
        fibers: shared.fibers.load(Ordering::Relaxed),
        stacks: stack::waiting(),
        timers: shared.noted_timers(),
        outside: shared.outside.load(Ordering::SeqCst),
    }
}
