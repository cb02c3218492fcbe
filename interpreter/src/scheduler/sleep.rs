//! How workers sleep when nothing is ready, and how they are called.
//!
//! A worker that is about to sleep counts itself, then looks once more; who queues a thread does that first, then looks
//! whether anybody sleeps. So one at least sees the other. A call counts in `wakes`, under the lock, so that one between
//! the last look and the sleep is not lost. One of the sleepers watches: it naps for timers, signals and the reactor.

use std::time::{Duration, Instant};

#[cfg(not(all(loom, test)))]
pub use parking_lot::MutexGuard;
#[cfg(not(all(loom, test)))]
use parking_lot::{Condvar, Mutex};
#[cfg(not(all(loom, test)))]
use std::sync::atomic::{AtomicUsize, Ordering, fence};

#[cfg(all(loom, test))]
use loom::sync::atomic::{AtomicUsize, Ordering, fence};
#[cfg(all(loom, test))]
pub use models::MutexGuard;
#[cfg(all(loom, test))]
use models::{Condvar, Mutex};

/// A nap of the worker that watches for signals while nothing is ready.
pub const NAP: Duration = Duration::from_millis(5);

/// The sleepers of an interpreter.
#[derive(Default)]
pub struct Sleep {
    idle: Mutex<Idle>,
    changed: Condvar,
    /// What the sleeper that watches waits on.
    watch_over: Condvar,
    sleepers: AtomicUsize,
}

#[derive(Default)]
pub struct Idle {
    /// Counts wake-ups.
    wakes: u64,
    /// One of the sleepers watches.
    pub watched: bool,
    /// It waits for the reactor's events, which a call has to end.
    pub in_reactor: bool,
    /// Sleepers that nobody has called yet, the one that watches not counted.
    uncalled: usize,
    /// How many sleepers have found nothing to do since the last wake-up.
    settled: usize,
    /// All had; they have been called once more, so that a signal on its way to one of them is not missed.
    confirming: bool,
}

impl Idle {
    /// Has every sleeper look again, once it is notified.
    fn call(&mut self) {
        self.wakes += 1;
        self.settled = 0;
    }
}

/// What an idle worker found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// Look again.
    Again,
    /// Every worker sleeps, and no timer will fire.
    Quiescent,
}

/// What a worker that is about to sleep knows.
pub struct Outlook {
    pub workers: usize,
    pub deadline: Option<Instant>,
    /// Nothing but a worker could end what the threads wait for.
    pub is_closed: bool,
}

impl Sleep {
    pub fn count(&self) -> usize {
        self.sleepers.load(Ordering::Relaxed)
    }

    pub fn has_any(&self) -> bool {
        self.sleepers.load(Ordering::SeqCst) > 0
    }

    // ---- calling: `ring` ends the nap of the one that watches, if that is not by `end_nap`

    /// Notes that there is something to do; none: no worker sleeps.
    pub fn note_wake(&self) -> Option<MutexGuard<'_, Idle>> {
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let mut idle = self.idle.lock();
        idle.call();
        idle.confirming = false;
        Some(idle)
    }

    /// Calls every sleeper.
    pub fn call_all(&self, idle: &mut Idle, ring: impl FnOnce(&Idle)) {
        idle.uncalled = 0;
        self.changed.notify_all();
        ring(idle);
    }

    /// Calls one of the sleepers, rather not the one that watches.
    pub fn call_one(&self, idle: &mut Idle, ring: impl FnOnce(&Idle)) {
        if idle.uncalled > 0 {
            idle.uncalled -= 1;
            self.changed.notify_one();
        } else {
            ring(idle);
        }
    }

    pub fn end_nap(&self) {
        self.watch_over.notify_one();
    }

    pub fn nap(&self, idle: &mut MutexGuard<'_, Idle>, until: Instant) {
        self.watch_over.wait_until(idle, until);
    }

    // ---- sleeping

    /// Sleeps until there may be something to do. `is_wanted` looks for that once more.
    pub fn rest(
        &self,
        is_wanted: impl FnOnce() -> bool,
        outlook: impl FnOnce() -> Outlook,
        watch: impl FnOnce(&mut MutexGuard<'_, Idle>, Option<Instant>),
        ring: impl FnOnce(&Idle),
    ) -> Rest {
        let mut idle = self.idle.lock();
        let seen = idle.wakes;
        let sleepers = self.sleepers.fetch_add(1, Ordering::SeqCst) + 1;
        idle.settled += 1;
        fence(Ordering::SeqCst);
        let rest = if is_wanted() {
            Rest::Again
        } else {
            let outlook = outlook();
            if outlook.is_closed && sleepers == outlook.workers && self.is_quiet(&mut idle, outlook.workers, ring) {
                Rest::Quiescent
            } else {
                self.sleep(&mut idle, seen, |idle| watch(idle, outlook.deadline))
            }
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        if idle.wakes == seen {
            idle.settled -= 1;
        }
        rest
    }

    /// Every worker sleeps: whether all have looked twice since the last call. If not, they look again.
    fn is_quiet(&self, idle: &mut Idle, workers: usize, ring: impl FnOnce(&Idle)) -> bool {
        if idle.settled == workers && idle.confirming {
            idle.confirming = false;
            return true;
        }
        if idle.settled == workers {
            idle.confirming = true;
            idle.call();
        }
        // Some have been called since they last looked: have them look again.
        self.call_all(idle, ring);
        false
    }

    fn sleep(&self, idle: &mut MutexGuard<'_, Idle>, seen: u64, watch: impl FnOnce(&mut MutexGuard<'_, Idle>)) -> Rest {
        while idle.wakes == seen {
            if idle.watched {
                idle.uncalled += 1;
                self.changed.wait(idle);
                continue;
            }
            idle.watched = true;
            watch(idle);
            idle.watched = false;
            // Another takes over the watch.
            if idle.uncalled > 0 {
                idle.uncalled -= 1;
                self.changed.notify_one();
            }
            break;
        }
        Rest::Again
    }
}

#[cfg(all(loom, test))]
mod models {
    use std::ops::{Deref, DerefMut};

    use loom::sync::Arc;
    use loom::sync::atomic::AtomicBool;

    use super::*;

    /// The lock and the condition as parking_lot has them. Naps do not end by themselves here: every call has to come.
    #[derive(Default)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);
    pub struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);
    pub struct Condvar(loom::sync::Condvar);

    impl<T> Mutex<T> {
        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(self.0.lock().ok())
        }
    }
    impl<T> MutexGuard<'_, T> {
        /// Of no model.
        pub fn unlocked<U>(_: &mut Self, body: impl FnOnce() -> U) -> U {
            body()
        }
    }
    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            self.0.as_ref().unwrap()
        }
    }
    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().unwrap()
        }
    }
    impl Default for Condvar {
        fn default() -> Condvar {
            Condvar(loom::sync::Condvar::new())
        }
    }
    impl Condvar {
        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            guard.0 = guard.0.take().map(|g| self.0.wait(g).unwrap());
        }
        pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _until: Instant) {
            self.wait(guard);
        }
        pub fn notify_one(&self) {
            self.0.notify_one();
        }
        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }

    /// Workers and a queue of which only the length is kept.
    #[derive(Default)]
    struct Model {
        sleep: Sleep,
        queued: AtomicUsize,
        over: AtomicBool,
    }

    impl Model {
        fn take(&self) -> bool {
            let queued = self.queued.load(Ordering::Relaxed);
            queued > 0 && self.queued.compare_exchange(queued, queued - 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        }
        fn queue(&self) {
            self.queued.fetch_add(1, Ordering::Relaxed);
            if let Some(mut idle) = self.sleep.note_wake() {
                self.sleep.call_one(&mut idle, |_| self.sleep.end_nap());
            }
        }
        fn rest(&self, workers: usize) -> Rest {
            self.sleep.rest(
                || self.queued.load(Ordering::Relaxed) > 0 || self.over.load(Ordering::Relaxed),
                || Outlook { workers, deadline: None, is_closed: true },
                |idle, _| self.sleep.nap(idle, Instant::now()),
                |_| self.sleep.end_nap(),
            )
        }
        /// Runs what is queued until it has run so many, or nothing will ever be queued; how many it has run.
        fn work(&self, workers: usize, wanted: usize) -> usize {
            let mut run = 0;
            while run < wanted && !self.over.load(Ordering::Relaxed) {
                if self.take() {
                    run += 1;
                } else if self.rest(workers) == Rest::Quiescent {
                    assert_eq!(self.queued.load(Ordering::Relaxed), 0);
                    self.over.store(true, Ordering::Relaxed);
                    if let Some(mut idle) = self.sleep.note_wake() {
                        self.sleep.call_all(&mut idle, |_| self.sleep.end_nap());
                    }
                }
            }
            run
        }
    }

    fn check(body: impl Fn(Arc<Model>) + Sync + Send + 'static) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(move || body(Arc::new(Model::default())));
    }

    fn start(model: &Arc<Model>, workers: usize, wanted: usize) -> loom::thread::JoinHandle<usize> {
        let model = model.clone();
        loom::thread::spawn(move || model.work(workers, wanted))
    }

    #[test]
    fn a_sleeper_is_called_for_what_is_queued() {
        check(|model| {
            // Of two workers; the other queues and never sleeps.
            let worker = start(&model, 2, 2);
            model.queue();
            model.queue();
            assert_eq!(worker.join().unwrap(), 2);
        });
    }

    #[test]
    fn each_of_two_sleepers_is_called() {
        check(|model| {
            let workers = [start(&model, 3, 1), start(&model, 3, 1)];
            model.queue();
            model.queue();
            assert_eq!(workers.map(|worker| worker.join().unwrap()), [1, 1]);
        });
    }

    #[test]
    fn the_end_is_told_when_all_has_been_run() {
        check(|model| {
            let worker = start(&model, 2, usize::MAX);
            model.queue();
            let mine = model.work(2, usize::MAX);
            assert_eq!(mine + worker.join().unwrap(), 1);
        });
    }
}
