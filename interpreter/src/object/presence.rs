//! Whether a thread is in a context: the word by which a collector knows that it may look into it.
//!
//! FREE <-> IN is a thread's coming and going, IN <-> OUT its leaving for a while: into the system, a host's function, a
//! safepoint. Whoever stops the world marks those that are not IN as held; they come in once they are held no more.

#[cfg(not(all(loom, test)))]
use std::sync::atomic::{AtomicU8, Ordering};

#[cfg(all(loom, test))]
use loom::sync::atomic::{AtomicU8, Ordering};

/// No thread has it.
const FREE: u8 = 0;
/// A thread runs in it.
const IN: u8 = 1;
/// Its thread does not touch the heap for a while.
const OUT: u8 = 2;
/// With FREE and OUT: nobody may come in.
const HELD: u8 = 4;

/// The word of one context. It starts with its maker in it.
pub struct Presence(AtomicU8);

impl Default for Presence {
    fn default() -> Presence {
        Presence(AtomicU8::new(IN))
    }
}

/// Why a context could not be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Absent {
    /// Another thread has it.
    Taken,
    /// The world is stopped.
    Held,
}

impl Presence {
    /// A thread takes the context, if it is free.
    #[inline]
    #[must_use = "whether it has it"]
    pub fn enter(&self) -> Result<(), Absent> {
        match self.0.compare_exchange(FREE, IN, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(word) if word == FREE | HELD => Err(Absent::Held),
            Err(_) => Err(Absent::Taken),
        }
    }

    /// Whether no thread has it.
    pub fn is_free(&self) -> bool {
        self.0.load(Ordering::Relaxed) & !HELD == FREE
    }

    /// The thread that has it gives it up.
    #[inline]
    pub fn leave(&self) {
        self.0.store(FREE, Ordering::Release);
    }

    /// The thread that is in it goes out for a while.
    #[inline]
    pub fn go_out(&self) {
        self.0.store(OUT, Ordering::Release);
    }

    /// It comes back; false: it is held.
    #[inline]
    #[must_use = "whether it is in"]
    pub fn come_back(&self) -> bool {
        self.0.compare_exchange(OUT, IN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Keeps the context as it is; false: a thread is in it.
    #[must_use = "whether it is held"]
    pub fn hold(&self) -> bool {
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| (word != IN).then_some(word | HELD)).is_ok()
    }

    /// Ends that.
    pub fn let_go(&self) {
        self.0.fetch_and(!HELD, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_thread_has_it_at_a_time() {
        let presence = Presence::default();
        assert_eq!(presence.enter(), Err(Absent::Taken));
        presence.leave();
        assert!(presence.is_free());
        assert_eq!(presence.enter(), Ok(()));
        presence.go_out();
        assert!(!presence.is_free());
        assert_eq!(presence.enter(), Err(Absent::Taken));
        assert!(presence.come_back());
    }

    #[test]
    fn nobody_comes_in_while_it_is_held() {
        let presence = Presence::default();
        assert!(!presence.hold());
        presence.go_out();
        assert!(presence.hold() && presence.hold());
        assert!(!presence.come_back());
        presence.let_go();
        assert!(presence.come_back());
        presence.leave();
        assert!(presence.hold());
        assert_eq!(presence.enter(), Err(Absent::Held));
        presence.let_go();
        assert_eq!(presence.enter(), Ok(()));
    }
}

#[cfg(all(loom, test))]
mod models {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    use super::*;

    /// A context whose part is touched by the thread that is in it, and by a collector that holds it.
    #[derive(Default)]
    struct Model {
        presence: Presence,
        part: UnsafeCell<usize>,
    }

    impl Model {
        fn touch(&self) {
            // SAFETY: loom reports an access that is not ordered after the last one.
            self.part.with_mut(|part| unsafe { *part += 1 });
        }
        fn collect(&self) {
            if self.presence.hold() {
                self.touch();
                self.presence.let_go();
            }
        }
    }

    #[test]
    fn a_thread_that_goes_out_and_comes_back_meets_no_collector() {
        loom::model(|| {
            let model = Arc::new(Model::default());
            let collector = {
                let model = model.clone();
                loom::thread::spawn(move || model.collect())
            };
            model.touch();
            model.presence.go_out();
            while !model.presence.come_back() {
                loom::thread::yield_now();
            }
            model.touch();
            collector.join().unwrap();
        });
    }

    #[test]
    fn two_threads_and_a_collector_take_turns() {
        loom::model(|| {
            let model = Arc::new(Model::default());
            model.presence.leave();
            let others = [true, false].map(|collects| {
                let model = model.clone();
                loom::thread::spawn(move || {
                    if collects {
                        model.collect();
                    } else if model.presence.enter().is_ok() {
                        model.touch();
                        model.presence.leave();
                    }
                })
            });
            if model.presence.enter().is_ok() {
                model.touch();
                model.presence.leave();
            }
            others.into_iter().for_each(|other| other.join().unwrap());
        });
    }
}
