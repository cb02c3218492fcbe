//! Deadlines of waits; equal ones fire in the order they were set.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use super::thread::Waiter;

/// Waits with deadlines. An entry whose wait has ended otherwise stays for a while, and is then too late or cleared away.
#[derive(Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    order: u64,
    /// With so many entries, those whose waits have ended are cleared away.
    full: usize,
}

/// So many entries are no reason to look through them.
const FEW: usize = 64;

struct Entry {
    at: Instant,
    order: u64,
    waiter: Waiter,
}

impl Entry {
    fn key(&self) -> (Instant, u64) {
        (self.at, self.order)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Timers {
    pub fn add(&mut self, at: Instant, waiter: Waiter) {
        if self.heap.len() >= self.full {
            self.clear_away();
            self.full = FEW.max(self.heap.len() * 2);
        }
        self.order += 1;
        self.heap.push(Reverse(Entry { at, order: self.order, waiter }));
    }

    /// Forgets all entries whose waits have ended.
    fn clear_away(&mut self) {
        self.heap.retain(|Reverse(e)| e.waiter.is_open());
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// When the next one fires.
    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(e)| e.at)
    }

    /// The next wait whose deadline has passed.
    pub fn expired(&mut self, now: Instant) -> Option<Waiter> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(e)| e.waiter)
    }

    /// Forgets entries whose waits have ended; the next deadline of those that have not.
    pub fn prune(&mut self) -> Option<Instant> {
        while let Some(Reverse(e)) = self.heap.peek()
            && !e.waiter.is_open()
        {
            self.heap.pop();
        }
        self.next()
    }
}
