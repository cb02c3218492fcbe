//! The monitor: an OS thread that ends time slices while others wait, and calls sleeping workers to waiting threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::cycle;
use super::shared::Scheduler;

/// How long a thread runs while others wait.
const SLICE: Duration = Duration::from_millis(10);

/// Ends slices until dropped.
pub struct Monitor {
    stop: Arc<AtomicBool>,
}

impl Monitor {
    pub fn start(shared: Arc<Scheduler>) -> Monitor {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let spawned = std::thread::Builder::new().name("conc-monitor".into()).spawn(move || {
            let mut seen: Vec<u64> = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(SLICE);
                look(&shared, &mut seen);
            }
        });
        // Without the monitor, threads still take turns at every wait.
        drop(spawned);
        Monitor { stop }
    }
}

/// Asks threads whose slice is over to give way, if there are others. Timers and events are looked at here too: the
/// workers may all be busy for long.
fn look(shared: &Scheduler, seen: &mut Vec<u64>) {
    shared.expire();
    shared.look_outside(|thread| shared.inject(thread));
    if cycle::is_due(shared) {
        ask(shared);
    }
    if !shared.has_backlog() {
        return;
    }
    shared.wake_one();
    let members = shared.members();
    seen.resize(members.len(), u64::MAX);
    for (member, seen) in members.iter().zip(seen) {
        let slices = member.slices.load(Ordering::Relaxed);
        if std::mem::replace(seen, slices) == slices {
            member.give_way();
        }
    }
}

/// Has some worker tell what there is to tell.
fn ask(shared: &Scheduler) {
    shared.wake_one();
    for member in shared.members() {
        member.signals.asked.store(true, Ordering::SeqCst);
        member.signals.raise();
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
