//! The blocking pool: OS threads of the process for system calls that wait and have no other way. Made when needed,
//! they end when idle for long. The green thread that asked parks meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::shared::Scheduler;
use super::thread::Waiter;
use super::worker::worker;
use crate::native::{Ctx, R};

/// How many calls may wait at a time; more queue for them.
const MOST: usize = 256;
/// A thread without work ends after this.
const KEEP: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

struct Pool {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Pool =
    Pool { state: Mutex::new(State { jobs: VecDeque::new(), threads: 0, idle: 0 }), changed: Condvar::new() };

impl Pool {
    /// Has the job done by a thread of the pool; false: there is none and none can be made.
    fn submit(&'static self, job: Job) -> bool {
        let mut state = self.state.lock();
        if state.jobs.len() >= state.idle && state.threads < MOST {
            let spawned = std::thread::Builder::new().name("conc-blocking".into()).spawn(|| self.work());
            match spawned {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads == 0 => return false,
                Err(_) => {}
            }
        }
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_one();
        true
    }

    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.state.lock();
                continue;
            }
            state.idle += 1;
            let waited = self.changed.wait_for(&mut state, KEEP);
            state.idle -= 1;
            if waited.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

/// Tells the scheduler that a wait is over, from an OS thread that is none of its workers.
pub struct Bell {
    waiter: Waiter,
    shared: Arc<Scheduler>,
}

impl Bell {
    /// For the wait that the running thread begins.
    pub fn arm(cx: &mut Ctx) -> Bell {
        let waiter = super::arm(cx);
        Bell { waiter, shared: worker(cx).shared.clone() }
    }

    pub fn ring(self) {
        self.shared.end_from_outside(&self.waiter);
    }
}

/// Does something that may wait in the system, while only the running thread waits. `None`: there is no thread to do
/// it. When the wait is broken off, the work goes on and its result is dropped.
pub fn run<T: Send + 'static>(cx: &mut Ctx, work: impl FnOnce() -> T + Send + 'static) -> R<Option<T>> {
    let result = Arc::new(Mutex::new(None));
    let place = result.clone();
    super::begin_outside(cx);
    let bell = Bell::arm(cx);
    let job = Box::new(move || {
        let done = work();
        *place.lock() = Some(done);
        bell.ring();
    });
    let waited = match POOL.submit(job) {
        true => super::park_here(cx, None).map(drop),
        false => super::disarm(cx),
    };
    super::end_outside(cx);
    waited?;
    Ok(result.lock().take())
}
