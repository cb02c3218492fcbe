//! The slot of the thread that a worker is to run next: put there by what runs on the worker, taken by it or, if it does
//! not get to that for long, by another worker.

use std::ptr::null_mut;

use std::sync::Arc;
#[cfg(not(all(loom, test)))]
use std::sync::atomic::{AtomicPtr, Ordering};

#[cfg(all(loom, test))]
use loom::sync::atomic::{AtomicPtr, Ordering};

/// Holds a count of what is in it.
pub struct Next<T>(AtomicPtr<T>);

impl<T> Default for Next<T> {
    fn default() -> Next<T> {
        Next(AtomicPtr::new(null_mut()))
    }
}

impl<T> Next<T> {
    /// Puts something in; what it displaces.
    pub fn put(&self, it: Arc<T>) -> Option<Arc<T>> {
        own(self.0.swap(Arc::into_raw(it).cast_mut(), Ordering::AcqRel))
    }

    pub fn take(&self) -> Option<Arc<T>> {
        if !self.is_some() {
            return None;
        }
        own(self.0.swap(null_mut(), Ordering::AcqRel))
    }

    pub fn is_some(&self) -> bool {
        !self.0.load(Ordering::Relaxed).is_null()
    }
}

impl<T> Drop for Next<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

fn own<T>(raw: *mut T) -> Option<Arc<T>> {
    // SAFETY: the slot holds a count of what is in it, which whoever swaps it out gets.
    (!raw.is_null()).then(|| unsafe { Arc::from_raw(raw) })
}

#[cfg(all(loom, test))]
mod models {
    use loom::cell::UnsafeCell;

    use super::*;

    /// A thread, of which the one that holds it touches a part.
    #[derive(Default)]
    struct Model(UnsafeCell<usize>);

    // SAFETY: loom reports accesses that are not ordered.
    unsafe impl Sync for Model {}
    // SAFETY: as above.
    unsafe impl Send for Model {}

    fn run(thread: Option<Arc<Model>>) -> usize {
        let Some(thread) = thread else { return 0 };
        // SAFETY: as above.
        thread.0.with_mut(|n| unsafe { *n += 1 });
        1
    }

    #[test]
    fn what_is_put_in_is_run_once() {
        loom::model(|| {
            let next = Arc::new(Next::default());
            let other = {
                let next = next.clone();
                loom::thread::spawn(move || run(next.take()))
            };
            let first = Arc::new(Model::default());
            run(Some(first.clone()));
            assert!(next.put(first).is_none());
            let second = Arc::new(Model::default());
            run(Some(second.clone()));
            // One that is displaced is queued elsewhere.
            let mine = run(next.put(second)) + run(next.take());
            assert_eq!(mine + other.join().unwrap() + run(next.take()), 2);
        });
    }
}
