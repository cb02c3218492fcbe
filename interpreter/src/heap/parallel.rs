//! Marking by several threads: each has a work list of its own and gives half of it away when another has none.
//!
//! The world is stopped, so objects are only read; what the markers share are the mark bytes and the pool. Two may mark
//! one object at the same time: both trace it then, which costs a little and changes nothing.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};

use super::header::Header;
use super::mark::{AT_ONCE, Budget, Marker};

/// More markers than this wait for each other's cache lines rather than help.
const MOST: usize = 8;
/// A list shorter than this is not worth sharing.
const SHARED: usize = 512;

/// Part of a marker's work.
struct Batch {
    work: Vec<*mut Header>,
    rest: Vec<(*mut Header, usize)>,
}

impl Batch {
    /// What the marker can do without: the rest of a large object, or half of a long list.
    fn of(marker: &mut Marker) -> Option<Batch> {
        if let Some(rest) = marker.rest.pop() {
            return Some(Batch { work: Vec::new(), rest: vec![rest] });
        }
        if marker.work.len() < SHARED {
            return None;
        }
        // The older half, which lies nearer to the roots, has more below it.
        let newer = marker.work.split_off(marker.work.len() / 2);
        Some(Batch { work: std::mem::replace(&mut marker.work, newer), rest: Vec::new() })
    }
}

// SAFETY: marked objects of a stopped heap; markers only read them.
unsafe impl Send for Batch {}

#[derive(Default)]
struct Batches {
    ready: Vec<Batch>,
    /// All markers have run out of work at the same time, or of time.
    over: bool,
}

/// Where markers leave work for each other.
struct Pool {
    batches: Mutex<Batches>,
    changed: Condvar,
    markers: AtomicUsize,
    idle: AtomicUsize,
    /// The time is over.
    stopped: AtomicBool,
}

impl Pool {
    /// All markers are to stop where they are.
    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.batches.lock().over = true;
        self.changed.notify_all();
    }

    fn give(&self, batch: Batch) {
        self.batches.lock().ready.push(batch);
        self.changed.notify_one();
    }

    /// Work another marker has left; none: all is marked.
    fn take(&self) -> Option<Batch> {
        let mut batches = self.batches.lock();
        loop {
            if batches.over {
                return None;
            }
            if let Some(batch) = batches.ready.pop() {
                return Some(batch);
            }
            if self.idle.fetch_add(1, Ordering::Relaxed) + 1 == self.markers.load(Ordering::Relaxed) {
                batches.over = true;
                self.changed.notify_all();
            }
            while batches.ready.is_empty() && !batches.over {
                self.changed.wait(&mut batches);
            }
            if batches.over {
                return None;
            }
            self.idle.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Traces what the marker has and what others leave, until nothing is left anywhere or the budget is spent.
    fn work(&self, marker: &mut Marker, budget: &Budget) {
        let mut steps = 0;
        loop {
            while marker.step() {
                steps += 1;
                if steps % AT_ONCE == 0 {
                    if self.stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    if budget.is_spent() {
                        return self.stop();
                    }
                }
                if self.idle.load(Ordering::Relaxed) > 0
                    && let Some(batch) = Batch::of(marker)
                {
                    self.give(batch);
                }
            }
            match self.take() {
                Some(batch) => (marker.work, marker.rest) = (batch.work, batch.rest),
                None => return,
            }
        }
    }
}

/// Whether other threads could help a marker.
pub(super) fn worth_while(marker: &Marker) -> bool {
    (marker.work.len() >= SHARED || !marker.rest.is_empty()) && markers() > 1
}

fn markers() -> usize {
    static MARKERS: OnceLock<usize> = OnceLock::new();
    *MARKERS.get_or_init(|| std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST)))
}

/// Traces until nothing new is found or the budget is spent, with as many threads as the machine has processors: whether
/// nothing is left.
pub(super) fn drain(marker: &mut Marker, budget: &Budget) -> bool {
    let pool = Pool {
        batches: Mutex::default(),
        changed: Condvar::new(),
        markers: AtomicUsize::new(1),
        idle: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
    };
    let helpers: Vec<_> = (1..markers()).map(|_| Helper(marker.sibling())).collect();
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for helper in helpers {
            let pool = &pool;
            // Before it starts: it may be the last to run out of work.
            pool.markers.fetch_add(1, Ordering::Relaxed);
            let thread = std::thread::Builder::new().name("conc-marker".into()).spawn_scoped(scope, move || {
                let mut helper = helper;
                pool.work(helper.marker(), budget);
                helper
            });
            match thread {
                Ok(thread) => running.push(thread),
                // The system has no thread for it: fewer do it.
                Err(_) => {
                    pool.markers.fetch_sub(1, Ordering::Relaxed);
                }
            }
        }
        pool.work(marker, budget);
        for thread in running {
            if let Ok(mut helper) = thread.join() {
                marker.absorb(helper.marker());
            }
        }
    });
    for mut batch in pool.batches.into_inner().ready {
        marker.work.append(&mut batch.work);
        marker.rest.append(&mut batch.rest);
    }
    marker.work.is_empty() && marker.rest.is_empty()
}

/// A marker on its way to a thread and back.
struct Helper(Marker);

impl Helper {
    fn marker(&mut self) -> &mut Marker {
        &mut self.0
    }
}

// SAFETY: what the lists hold on the way back are marked objects of a stopped heap; the rest is plain data.
unsafe impl Send for Helper {}
