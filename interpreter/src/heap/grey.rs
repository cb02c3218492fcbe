//! The write barrier: while a collection waits between two slices, what is stored into an object is to be marked.
//!
//! Markers only run while the world is stopped, so all that has to be kept is this: no object that has been traced
//! refers to one that nobody will mark. A store of a reference therefore marks what it refers to and puts it on a grey
//! list (Dijkstra et al., "On-the-fly garbage collection: an exercise in cooperation", 1978). Frames are written
//! without a barrier: when one is suspended, its owner is traced again ([`suspended`]), and the stacks of workers are
//! roots, which the last slice looks at once more.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::block::{greys_of, mark_byte};
use super::header::Header;

/// How many heaps are between two slices.
static MARKING: AtomicU32 = AtomicU32::new(0);

/// Whether any heap is between two slices. Changes only while the world of that heap is stopped.
#[inline(always)]
fn is_marking() -> bool {
    MARKING.load(Ordering::Relaxed) != 0
}

/// Threads that shade at the same time use different lists, mostly.
const LISTS: usize = 8;
/// Of an entry in a list: the object has been marked before and is to be traced again.
const AGAIN: usize = 1;

/// A heap's grey objects that no marker has yet.
#[derive(Default)]
pub struct Greys {
    /// The mark of the cycle that goes on; 0: none does.
    epoch: AtomicU8,
    next: AtomicUsize,
    lists: [Mutex<Vec<usize>>; LISTS],
}

impl Greys {
    /// A cycle waits for its next slice: from now on stores are looked at. The world is stopped.
    pub(super) fn begin(&self, epoch: u8) {
        if self.epoch.swap(epoch, Ordering::Relaxed) == 0 {
            MARKING.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The cycle is over, or given up. The world is stopped.
    pub(super) fn end(&self) {
        if self.epoch.swap(0, Ordering::Relaxed) != 0 {
            MARKING.fetch_sub(1, Ordering::Relaxed);
        }
        for list in &self.lists {
            *list.lock() = Vec::new();
        }
    }

    /// Whether a cycle goes on.
    pub fn is_marking(&self) -> bool {
        self.epoch.load(Ordering::Relaxed) != 0
    }

    /// Takes all out: the objects, and whether each has been marked before.
    pub(super) fn take(&self, mut each: impl FnMut(*mut Header, bool)) {
        for list in &self.lists {
            for entry in std::mem::take(&mut *list.lock()) {
                each((entry & !AGAIN) as *mut Header, entry & AGAIN != 0);
            }
        }
    }

    fn put(&self, entry: usize) {
        // Threads have their stacks at different addresses; those of one thread change seldom.
        let here = 0u8;
        let first = (&raw const here as usize >> 16) % LISTS;
        if let Some(mut list) = self.lists[first].try_lock() {
            return list.push(entry);
        }
        let other = self.next.fetch_add(1, Ordering::Relaxed) % LISTS;
        self.lists[other].lock().push(entry);
    }
}

impl Drop for Greys {
    fn drop(&mut self) {
        self.end();
    }
}

/// After a store of a reference to `object`.
///
/// # Safety
/// `object` is a live object of some heap.
#[inline(always)]
pub unsafe fn stored(object: impl FnOnce() -> Option<*mut Header>) {
    if is_marking() && let Some(object) = object() {
        // SAFETY: by the contract.
        unsafe { shade(object) };
    }
}

/// Marks an object and has it traced.
#[cold]
#[inline(never)]
unsafe fn shade(object: *mut Header) {
    // SAFETY: a live object lies in a chunk of a heap that is there, and starts a cell.
    unsafe {
        let greys = greys_of(object as usize);
        let epoch = greys.epoch.load(Ordering::Relaxed);
        let mark = mark_byte(object as usize);
        // Two threads may both find it unmarked: it is traced twice then, which changes nothing.
        if epoch != 0 && mark.load(Ordering::Relaxed) != epoch {
            mark.store(epoch, Ordering::Relaxed);
            greys.put(object as usize);
        }
    }
}

/// A frame that belongs to `object` (a generator, a fiber, a greenlet) is left: what it holds may have changed since the
/// object was traced.
///
/// # Safety
/// `object` is a live object of some heap.
#[inline(always)]
pub unsafe fn suspended(object: &Header) {
    if is_marking() {
        // SAFETY: by the contract.
        unsafe { trace_again(object) };
    }
}

#[cold]
#[inline(never)]
unsafe fn trace_again(object: &Header) {
    // Once only: until a marker has traced it, the list has it.
    if object.take_traced() {
        let address = object as *const Header as usize;
        // SAFETY: as in `shade`. An object that is not marked in this cycle will be traced when it is.
        unsafe {
            let greys = greys_of(address);
            let epoch = greys.epoch.load(Ordering::Relaxed);
            if epoch != 0 && mark_byte(address).load(Ordering::Relaxed) == epoch {
                greys.put(address | AGAIN);
            }
        }
    }
}
