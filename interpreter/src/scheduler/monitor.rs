//! The monitor: an OS thread that ends time slices while others wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::object::ctx::Signals;

/// How long a thread runs while others wait.
const SLICE: Duration = Duration::from_millis(10);

/// Ends slices until dropped.
pub struct Monitor {
    /// Others are ready to run.
    pub wanted: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Monitor {
    pub fn start(signals: Arc<Signals>) -> Monitor {
        let (wanted, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (w, s) = (wanted.clone(), stop.clone());
        let spawned = std::thread::Builder::new().name("conc-monitor".into()).spawn(move || {
            while !s.load(Ordering::Relaxed) {
                std::thread::sleep(SLICE);
                if w.load(Ordering::Relaxed) {
                    signals.preempt.store(true, Ordering::SeqCst);
                    signals.raise();
                }
            }
        });
        // Without the monitor, threads still take turns at every wait.
        drop(spawned);
        Monitor { wanted, stop }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
