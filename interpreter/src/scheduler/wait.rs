//! The word by which a wait is ended exactly once, whoever ends it: a waker, a deadline, an exception from outside.

#[cfg(not(all(loom, test)))]
use std::hint::spin_loop as pause;
#[cfg(not(all(loom, test)))]
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(all(loom, test))]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(all(loom, test))]
use loom::thread::yield_now as pause;

/// Where a thread's current wait stands; the low bits of its wait word, above which the wait's number is kept.
mod phase {
    /// Not waiting: running or in a queue.
    pub const NONE: u64 = 0;
    /// Wakers have been told, the thread is on its way to park.
    pub const ARMED: u64 = 1;
    /// Its machine state is saved: whoever ends the wait queues it.
    pub const PARKED: u64 = 2;
    /// A waker is writing the wake-up value.
    pub const CLAIMED: u64 = 3;
    /// The wait has ended.
    pub const ENDED: u64 = 4;
    /// Parked, and held by whoever stands in for the thread: who ends the wait does not queue it.
    pub const HELD: u64 = 5;
    pub const MASK: u64 = 7;
}

/// What came of an attempt to end a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// It had ended already.
    Late,
    /// The thread has not parked yet and will notice by itself.
    Running,
    /// The thread is parked: put it into a run queue.
    Queue,
}

fn is_open(word: u64) -> bool {
    matches!(word & phase::MASK, phase::ARMED | phase::PARKED | phase::HELD)
}

/// A thread's wait word.
#[derive(Default)]
pub struct WaitWord(AtomicU64);

impl WaitWord {
    /// The number of the current or last wait.
    pub fn number(&self) -> u64 {
        self.0.load(Ordering::Relaxed) >> 3
    }

    /// Begins a wait (the thread itself does); its number.
    pub fn arm(&self) -> u64 {
        let wait = self.number() + 1;
        self.0.store(wait << 3 | phase::ARMED, Ordering::Release);
        wait
    }

    /// Whether that wait has not ended.
    pub fn is_open(&self, wait: u64) -> bool {
        let word = self.0.load(Ordering::Acquire);
        word >> 3 == wait && is_open(word)
    }

    /// Ends a wait, if nobody has yet; `write` tells the thread with what.
    pub fn claim(&self, wait: u64, write: impl FnOnce()) -> Claim {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            let now = word & phase::MASK;
            if word >> 3 != wait || !is_open(word) {
                return Claim::Late;
            }
            let claimed = word & !phase::MASK | phase::CLAIMED;
            match self.0.compare_exchange_weak(word, claimed, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {}
                Err(seen) => {
                    word = seen;
                    continue;
                }
            }
            write();
            self.0.store(word & !phase::MASK | phase::ENDED, Ordering::Release);
            return if now == phase::PARKED { Claim::Queue } else { Claim::Running };
        }
    }

    /// Commits to the wait that was begun, the machine state being saved; false: it has ended meanwhile.
    /// After true, another worker may be running the thread.
    pub fn park(&self) -> bool {
        self.leave(phase::ARMED, phase::PARKED)
    }

    /// Has a parked thread's wait held; false: it is not parked.
    pub fn hold(&self) -> bool {
        let word = self.0.load(Ordering::Acquire);
        let held = word & !phase::MASK | phase::HELD;
        word & phase::MASK == phase::PARKED
            && self.0.compare_exchange(word, held, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Ends that; false: the wait has ended meanwhile, and the thread is to be queued.
    pub fn let_go(&self) -> bool {
        self.leave(phase::HELD, phase::PARKED)
    }

    /// Takes back the wait that was begun; false: it has ended already.
    pub fn disarm(&self) -> bool {
        self.leave(phase::ARMED, phase::NONE)
    }

    fn leave(&self, from: u64, next: u64) -> bool {
        let word = self.0.load(Ordering::Acquire);
        if word & phase::MASK == from {
            let next = word & !phase::MASK | next;
            if self.0.compare_exchange(word, next, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return true;
            }
        }
        // A waker is at work, or has been.
        while self.0.load(Ordering::Acquire) & phase::MASK == phase::CLAIMED {
            pause();
        }
        false
    }

    /// The thread goes on and takes what the wait ended with.
    pub fn settle(&self) {
        let word = self.0.load(Ordering::Acquire);
        self.0.store(word & !phase::MASK | phase::NONE, Ordering::Relaxed);
    }
}

#[cfg(all(loom, test))]
mod models {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// What `Thread` keeps beside the word: the value, and the state that the one who holds the thread may touch.
    #[derive(Default)]
    struct Model {
        word: WaitWord,
        value: AtomicUsize,
        own: UnsafeCell<usize>,
        queued: AtomicUsize,
    }

    impl Model {
        fn touch(&self) {
            // SAFETY: loom reports an access that is not ordered after the last one.
            self.own.with_mut(|own| unsafe { *own += 1 });
        }
        fn end(&self, wait: u64, value: usize) -> bool {
            match self.word.claim(wait, || self.value.store(value, Ordering::Relaxed)) {
                Claim::Late => false,
                Claim::Running => true,
                Claim::Queue => {
                    // Whoever takes it from the queue runs it.
                    self.touch();
                    self.queued.fetch_add(1, Ordering::Relaxed);
                    true
                }
            }
        }
    }

    #[test]
    fn a_wait_ends_once_and_is_queued_if_it_was_parked() {
        loom::model(|| {
            let thread = Arc::new(Model::default());
            let wait = thread.word.arm();
            let wakers: Vec<_> = [1, 2]
                .into_iter()
                .map(|value| {
                    let thread = thread.clone();
                    loom::thread::spawn(move || thread.end(wait, value))
                })
                .collect();
            thread.touch();
            let parked = thread.word.park();
            if !parked {
                thread.touch();
                assert_ne!(thread.value.load(Ordering::Relaxed), 0);
                thread.word.settle();
            }
            let won = wakers.into_iter().map(|w| w.join().unwrap()).filter(|&won| won).count();
            assert_eq!(won, 1);
            assert_eq!(thread.queued.load(Ordering::Relaxed), usize::from(parked));
        });
    }

    #[test]
    fn a_wait_taken_back_is_ended_by_nobody() {
        loom::model(|| {
            let thread = Arc::new(Model::default());
            let wait = thread.word.arm();
            let waker = {
                let thread = thread.clone();
                loom::thread::spawn(move || thread.end(wait, 1))
            };
            let taken_back = thread.word.disarm();
            assert_eq!(thread.value.load(Ordering::Relaxed) == 0, taken_back);
            thread.word.settle();
            // The next wait is not the old one's waker's business.
            let next = thread.word.arm();
            assert!(thread.word.is_open(next));
            assert_eq!(waker.join().unwrap(), !taken_back);
            assert!(thread.word.park());
        });
    }

    #[test]
    fn a_held_wait_ends_once_and_is_queued_once() {
        loom::model(|| {
            let thread = Arc::new(Model::default());
            let wait = thread.word.arm();
            assert!(thread.word.park());
            let waker = {
                let thread = thread.clone();
                loom::thread::spawn(move || thread.end(wait, 1))
            };
            if thread.word.hold() && !thread.word.let_go() {
                thread.touch();
                thread.queued.fetch_add(1, Ordering::Relaxed);
            }
            assert!(waker.join().unwrap());
            assert_eq!(thread.queued.load(Ordering::Relaxed), 1);
        });
    }
}
