//! The write barrier: while a collection waits between two slices, what is stored into an object is to be marked.
//!
//! Markers only run while the world is stopped, so all that has to be kept is this: no object that has been traced
//! refers to one that nobody will mark. A store of a reference into a marked object therefore marks what it refers to
//! and lists it as grey (Dijkstra et al., "On-the-fly garbage collection: an exercise in cooperation", 1978); or, if the
//! object that it goes into is small, lists that again (Steele, "Multiprocessing compactifying garbage collection",
//! 1975). Frames are written without a barrier: when one is suspended, its owner is traced again ([`suspended`]), and the
//! stacks of workers are roots, which the last slice looks at once more.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::block::{greys_of, mark_byte};
use super::chunk::reservation;
use super::header::Header;
use super::mark::cell_size;

/// How many heaps are between two slices.
static MARKING: AtomicU32 = AtomicU32::new(0);

/// Whether any heap is between two slices. Changes only while the world of that heap is stopped.
#[inline(always)]
pub fn is_marking() -> bool {
    MARKING.load(Ordering::Relaxed) != 0
}

/// Threads that shade at the same time use different lists, mostly.
const LISTS: usize = 8;
/// Of an entry in a list: the object has been marked before and is to be traced again.
const AGAIN: usize = 1;
/// Of the mark of such an object, until it is taken out of the list.
const LISTED: u8 = 0x80;
/// Objects up to so many bytes are traced again when something is stored in them, once from slice to slice: what they
/// hold only in between is never marked. Of larger ones, what is stored is.
const SMALL: usize = 256;

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

    /// Takes all out: the objects, and whether each has been marked before. The world is stopped.
    pub(super) fn take(&self, mut each: impl FnMut(*mut Header, bool)) {
        let epoch = self.epoch.load(Ordering::Relaxed);
        for list in &self.lists {
            for entry in std::mem::take(&mut *list.lock()) {
                let (object, again) = (entry & !AGAIN, entry & AGAIN != 0);
                if again {
                    // SAFETY: the start of an object's cell.
                    unsafe { mark_byte(object) }.store(epoch, Ordering::Relaxed);
                }
                each(object as *mut Header, again);
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

/// After a store of a reference to `object` at `place`. Nothing is to be done if the object there is not marked itself: a
/// new one, mostly, whose references will be found when it is; or if there is none at all, but a root, which will be
/// looked at again.
///
/// # Safety
/// `object` is a live object of some heap, `place` a part of another one or outside of all heaps.
pub unsafe fn stored_at(place: usize, object: *mut Header) {
    // SAFETY: as in `stored`; what is found around the place is the cell of an object of the same heap.
    unsafe {
        let greys = greys_of(object as usize);
        let epoch = greys.epoch.load(Ordering::Relaxed);
        if epoch == 0 || mark_byte(object as usize).load(Ordering::Relaxed) == epoch {
            return;
        }
        let Some(holder) = reservation().cell_around(place) else { return };
        if mark_byte(holder).load(Ordering::Relaxed) == epoch {
            if cell_size(holder) <= SMALL {
                trace_again(holder);
            } else {
                stored(object);
            }
        }
    }
}

/// After a store of a reference to `object`, wherever: marks it and has it traced.
///
/// # Safety
/// `object` is a live object of some heap.
pub unsafe fn stored(object: *mut Header) {
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
        unsafe { trace_again(object as *const Header as usize) };
    }
}

/// Has an object traced again, if it is marked and not listed for that yet.
#[cold]
#[inline(never)]
unsafe fn trace_again(object: usize) {
    // SAFETY: as in `stored`.
    unsafe {
        let greys = greys_of(object);
        let epoch = greys.epoch.load(Ordering::Relaxed);
        let mark = mark_byte(object);
        if epoch != 0 && mark.load(Ordering::Relaxed) == epoch {
            mark.store(epoch | LISTED, Ordering::Relaxed);
            greys.put(object | AGAIN);
        }
    }
}
