//! Streams with unwritten data: flushed before anything could look at the files, and at exit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// Something that can write out what it holds back.
pub trait Flush: Send + Sync {
    fn flush_now(&self);
}

static STREAMS: Mutex<Vec<Weak<dyn Flush>>> = Mutex::new(Vec::new());
static DIRTY: AtomicBool = AtomicBool::new(false);

/// Remembers a stream that may come to hold unwritten data.
pub fn register(stream: &Arc<impl Flush + 'static>) {
    let stream: Arc<dyn Flush> = stream.clone();
    let mut streams = STREAMS.lock();
    if streams.len() >= 64 && streams.len().is_power_of_two() {
        streams.retain(|s| s.strong_count() > 0);
    }
    streams.push(Arc::downgrade(&stream));
}

/// Notes that a stream holds unwritten data.
#[inline]
pub fn mark_dirty() {
    if !DIRTY.load(Ordering::Relaxed) {
        DIRTY.store(true, Ordering::Relaxed);
    }
}

/// Writes out what any stream holds back.
pub fn flush_all() {
    if !DIRTY.load(Ordering::Relaxed) || !DIRTY.swap(false, Ordering::Relaxed) {
        return;
    }
    let streams: Vec<Arc<dyn Flush>> = STREAMS.lock().iter().filter_map(Weak::upgrade).collect();
    // Later streams write into earlier ones.
    for stream in streams.iter().rev() {
        stream.flush_now();
    }
}
