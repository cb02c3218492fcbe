//! What the workers of one interpreter share: the run queues, the timers, the list of threads.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam::deque::{Injector, Steal, Stealer, Worker as Deque};
use parking_lot::{Mutex, RwLock};

use super::cycle::Suspect;
use super::loading::Loading;
use super::next::Next;
use super::policy::{Mode, VirtualClock};
use super::reactor::Reactor;
use super::report::{Dead, Deadlock};
use super::sleep::{Idle, MutexGuard, NAP, Outlook, Rest, Sleep};
use super::snapshot::Snapshot;
use super::thread::{MAIN, Thread, Waiter};
use super::timers::Timers;
use super::wait::Claim;
use crate::object::ctx::Signals;
use crate::value::Value;

/// How long a thread that a worker was to run next is left to it.
const LURK: Duration = Duration::from_micros(50);
/// So often in a row an idle worker looks for such threads in vain.
const LURKS: usize = 4;

/// What others see of a worker.
pub struct Member {
    pub signals: Arc<Signals>,
    stealer: Stealer<Arc<Thread>>,
    /// The thread to run next: woken by the one running now, or its starter. Others take it if it stays for long, which
    /// costs them more than it would cost this worker to run it soon.
    pub next: Next<Thread>,
    /// Ready threads that only this worker may run, as they have frames on its native stacks.
    pinned: Mutex<VecDeque<Arc<Thread>>>,
    pinned_len: AtomicUsize,
    /// Counts slices: a count that stays is a slice that lasts.
    pub slices: AtomicU64,
}

impl Member {
    fn new(signals: Arc<Signals>, stealer: Stealer<Arc<Thread>>) -> Member {
        Member {
            signals,
            stealer,
            next: Next::default(),
            pinned: Mutex::new(VecDeque::new()),
            pinned_len: AtomicUsize::new(0),
            slices: AtomicU64::new(0),
        }
    }

    fn pin(&self, thread: Arc<Thread>) {
        let mut pinned = self.pinned.lock();
        pinned.push_back(thread);
        self.pinned_len.store(pinned.len(), Ordering::Release);
    }

    pub fn take_pinned(&self) -> Option<Arc<Thread>> {
        if self.pinned_len.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut pinned = self.pinned.lock();
        let first = pinned.pop_front();
        self.pinned_len.store(pinned.len(), Ordering::Release);
        first
    }

    fn has_pinned(&self) -> bool {
        self.pinned_len.load(Ordering::Acquire) != 0
    }

    fn has_work(&self) -> bool {
        self.has_pinned() || self.next.is_some() || !self.stealer.is_empty()
    }
}

/// One interpreter's scheduler.
pub struct Scheduler {
    pub mode: Mode,
    /// The clock of a seeded run.
    clock: Mutex<Option<VirtualClock>>,
    /// How many workers there are to be; 0: one for each core.
    pub wanted: AtomicUsize,
    members: RwLock<Vec<Arc<Member>>>,
    injector: Injector<Arc<Thread>>,
    timers: Mutex<Timers>,
    /// All threads that have not ended, by the numbers of their host handles.
    threads: Mutex<Vec<Option<Arc<Thread>>>>,
    /// There was no memory for another when it was last looked at.
    pub short: AtomicBool,
    next_id: AtomicU64,
    /// Fibers of threads that have not ended.
    pub fibers: AtomicUsize,
    /// The next number for a name that is made up.
    next_number: AtomicU64,
    /// How many threads that are not daemons have not ended, main not counted.
    pub live: AtomicUsize,
    reactor: OnceLock<Arc<Reactor>>,
    /// Waits that something outside the program may end: while there are any, there is no deadlock.
    pub outside: AtomicUsize,
    /// Who waits for any signal.
    pub signal_sleepers: Mutex<Vec<Waiter>>,
    /// Set when the heap goes: from then on nobody outside may end a wait.
    gone: RwLock<bool>,
    pub(super) sleep: Sleep,
    /// An idle worker watches for threads that stay another's next one.
    lurking: AtomicBool,
    /// When one was last called to do so.
    called: AtomicU64,
    /// Workers that are not to run any more threads.
    pub closing: AtomicBool,
    /// A host calls the interpreter: its thread runs what it was called for and nothing else.
    pub hosted: AtomicBool,
    /// Contexts of a host's beside the first.
    pub seats: AtomicUsize,
    /// With which number of changes the host's handles were last found to be a way in, plus one.
    held_open: AtomicU64,
    /// OS threads of workers that have not ended.
    pub working: AtomicUsize,
    /// Main has ended; the program waits for the threads that are no daemons.
    pub finishing: AtomicBool,
    /// SIGINT has come while it did: it waits no longer.
    pub broken_off: AtomicBool,
    /// The other workers and the monitor have been started.
    pub grown: AtomicBool,
    pub loading: Loading,
    /// Threads that have waited, without a deadline, for what another holds, by id.
    blockers: Mutex<HashMap<u64, Arc<Thread>>>,
    /// Held while a thread decides whether its wait closes a circle.
    pub deciding: Mutex<()>,
    /// Circles through plain locks, which may break yet.
    pub suspects: Mutex<Vec<Suspect>>,
    /// The threads of the last DeadlockError.
    pub shown: Mutex<Vec<Snapshot>>,
    /// The deadlock that was raised in main last.
    pub reported: Mutex<Option<Deadlock>>,
    /// A deadlock that ends the program.
    pub dead: Mutex<Option<Dead>>,
    /// Parks that kept their native stack, for measuring.
    pub detached_parks: AtomicU64,
}

impl Scheduler {
    pub fn new(mode: Mode) -> Scheduler {
        Scheduler {
            mode,
            clock: Mutex::new(matches!(mode, Mode::Seeded(_)).then(VirtualClock::new)),
            wanted: AtomicUsize::new(0),
            members: RwLock::new(Vec::new()),
            injector: Injector::new(),
            timers: Mutex::new(Timers::default()),
            threads: Mutex::new(Vec::new()),
            short: AtomicBool::new(false),
            next_id: AtomicU64::new(MAIN + 1),
            fibers: AtomicUsize::new(0),
            next_number: AtomicU64::new(1),
            live: AtomicUsize::new(0),
            reactor: OnceLock::new(),
            outside: AtomicUsize::new(0),
            signal_sleepers: Mutex::new(Vec::new()),
            sleep: Sleep::default(),
            gone: RwLock::new(false),
            lurking: AtomicBool::new(false),
            called: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            hosted: AtomicBool::new(true),
            seats: AtomicUsize::new(0),
            held_open: AtomicU64::new(0),
            working: AtomicUsize::new(0),
            finishing: AtomicBool::new(false),
            broken_off: AtomicBool::new(false),
            grown: AtomicBool::new(false),
            loading: Loading::default(),
            blockers: Mutex::new(HashMap::new()),
            deciding: Mutex::new(()),
            suspects: Mutex::new(Vec::new()),
            shown: Mutex::new(Vec::new()),
            reported: Mutex::new(None),
            dead: Mutex::new(None),
            detached_parks: AtomicU64::new(0),
        }
    }
}

impl Scheduler {
    /// A further worker: its index, its part that others see.
    pub fn join(&self, signals: Arc<Signals>, deque: &Deque<Arc<Thread>>) -> (usize, Arc<Member>) {
        let member = Arc::new(Member::new(signals, deque.stealer()));
        let mut members = self.members.write();
        members.push(member.clone());
        (members.len() - 1, member)
    }

    pub fn workers(&self) -> usize {
        self.members.read().len()
    }
    pub fn members(&self) -> Vec<Arc<Member>> {
        self.members.read().clone()
    }

    // ---- the list of threads

    pub fn fresh_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }
    pub fn fresh_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
    pub fn enlist(&self, thread: Arc<Thread>) {
        if !thread.daemon && thread.id != MAIN {
            self.live.fetch_add(1, Ordering::SeqCst);
        }
        let mut threads = self.threads.lock();
        let place = thread.handle();
        if place >= threads.len() {
            threads.resize(place + 1, None);
        }
        threads[place] = Some(thread);
    }
    pub fn delist(&self, thread: &Thread) {
        if thread.is_blocker.load(Ordering::Relaxed) {
            self.blockers.lock().remove(&thread.id);
        }
        let listed = self.threads.lock().get_mut(thread.handle()).and_then(Option::take);
        drop(listed);
        if !thread.daemon && thread.id != MAIN {
            self.live.fetch_sub(1, Ordering::SeqCst);
        }
    }
    pub fn thread(&self, id: u64) -> Option<Arc<Thread>> {
        self.threads.lock().iter().flatten().find(|t| t.id == id).cloned()
    }
    /// The same, of one whose place in the list is known.
    pub fn thread_at(&self, place: usize, id: u64) -> Option<Arc<Thread>> {
        self.threads.lock().get(place)?.as_ref().filter(|t| t.id == id).cloned()
    }
    /// Whether that thread waits, without a deadline, for what another holds.
    pub fn is_blocked(&self, id: u64) -> bool {
        self.blockers.lock().get(&id).is_some_and(|t| !t.blocked.get().is_unbound())
    }
    /// A thread that has ever waited so, if it has not ended.
    pub fn blocker(&self, id: u64) -> Option<Arc<Thread>> {
        self.blockers.lock().get(&id).cloned()
    }
    /// Lists a thread that is about to wait so.
    pub fn enlist_blocker(&self, thread: &Arc<Thread>) {
        if !thread.is_blocker.swap(true, Ordering::Relaxed) {
            self.blockers.lock().insert(thread.id, thread.clone());
        }
    }
    /// The length of the list.
    pub fn listed(&self) -> usize {
        self.threads.lock().len()
    }
    pub fn threads(&self) -> Vec<Arc<Thread>> {
        let mut threads: Vec<_> = self.threads.lock().iter().flatten().cloned().collect();
        threads.sort_unstable_by_key(|t| t.id);
        threads
    }
    /// Main has ended, and so have all that it waits for.
    pub fn is_finished(&self) -> bool {
        self.live.load(Ordering::SeqCst) == 0 && self.finishing.load(Ordering::SeqCst)
    }

    // ---- queues

    /// Queues a thread that may run, from a worker that is not at hand.
    pub fn inject(&self, thread: Arc<Thread>) {
        match thread.home() {
            Some(home) => self.pin(home, thread),
            None => {
                self.injector.push(thread);
                self.wake_one();
            }
        }
    }

    /// Queues a thread with frames on a worker's native stacks.
    pub fn pin(&self, home: usize, thread: Arc<Thread>) {
        let member = self.members.read().get(home).cloned();
        if let Some(member) = member {
            member.pin(thread);
            // Whichever sleeps may be the one.
            self.wake_all();
        }
    }

    /// A thread from the common queue.
    pub fn take_injected(&self, deque: &Deque<Arc<Thread>>) -> Option<Arc<Thread>> {
        settle(|| self.injector.steal_batch_and_pop(deque))
    }

    /// A thread that some worker has too many of.
    pub fn steal(&self, me: usize, deque: &Deque<Arc<Thread>>) -> Option<Arc<Thread>> {
        if let Some(t) = self.take_injected(deque) {
            return Some(t);
        }
        let members = self.members.read();
        let others = (1..members.len()).map(|i| (me + i) % members.len());
        for other in others.clone() {
            if let Some(t) = settle(|| members[other].stealer.steal_batch_and_pop(deque)) {
                return Some(t);
            }
        }
        None
    }

    /// What another worker was to run next but does not get to, as it runs something for long. Only one idle worker
    /// waits for that at a time.
    pub fn lurk(&self, me: usize) -> Option<Arc<Thread>> {
        let mut left = self.left_next(me);
        if left.is_empty() || self.lurking.swap(true, Ordering::AcqRel) {
            return None;
        }
        let mut found = None;
        // While threads come and go there, it pays to stay.
        let mut patience = LURKS;
        while found.is_none() && patience > 0 && !self.has_work(me, false) {
            std::thread::sleep(LURK);
            let stuck = |(m, slices): &(Arc<Member>, u64)| match m.slices.load(Ordering::Relaxed) == *slices {
                true => m.next.take(),
                false => None,
            };
            found = left.iter().find_map(stuck);
            left = self.left_next(me);
            patience = if left.is_empty() { patience - 1 } else { LURKS };
        }
        self.lurking.store(false, Ordering::Release);
        if found.is_some() {
            // There may be more to come.
            self.wake_one();
        }
        found
    }

    /// The other workers that have a thread to run next, and their counts of slices.
    fn left_next(&self, me: usize) -> Vec<(Arc<Member>, u64)> {
        let look = |(i, m): (usize, &Arc<Member>)| {
            (i != me && m.next.is_some()).then(|| (m.clone(), m.slices.load(Ordering::Relaxed)))
        };
        self.members.read().iter().enumerate().filter_map(look).collect()
    }

    /// A thread has been left to run after the one that runs now: has a sleeping worker see how long that takes. Not more
    /// often than the system's coarse clock ticks, as a call costs more than many short threads.
    pub fn call_lurker(&self) {
        if self.lurking.load(Ordering::Relaxed) || !self.has_sleepers() {
            return;
        }
        let now = coarse_time();
        if self.called.swap(now, Ordering::Relaxed) != now {
            self.wake_one();
        }
    }

    /// Whether some thread is ready that worker `me` could run.
    fn has_work(&self, me: usize, only_own: bool) -> bool {
        let members = self.members.read();
        if only_own {
            return members[me].has_pinned();
        }
        !self.injector.is_empty()
            || members.iter().enumerate().any(|(i, m)| if i == me { m.has_work() } else { m.has_stealable() })
    }

    /// Whether threads are waiting for a worker.
    pub fn has_backlog(&self) -> bool {
        !self.injector.is_empty() || self.members.read().iter().any(|m| m.has_work())
    }

    // ---- time

    /// What deadlines are compared with.
    pub fn now(&self) -> Instant {
        if self.mode == Mode::Usual {
            return Instant::now();
        }
        self.clock.lock().as_ref().map_or_else(Instant::now, VirtualClock::now)
    }

    /// Lets a little virtual time pass.
    pub fn tick(&self) {
        if let Some(clock) = &mut *self.clock.lock() {
            clock.tick();
        }
    }

    /// The virtual time since the start; looking takes some, too.
    pub fn look_at_clock(&self) -> Option<Duration> {
        self.clock.lock().as_mut().map(|clock| {
            clock.tick();
            clock.elapsed()
        })
    }

    /// Nothing can run: virtual time jumps to the next deadline. False: time is real, or nobody waits for it, or
    /// somebody waits for what is outside, where time is always real.
    pub fn jump(&self) -> bool {
        if self.outside.load(Ordering::SeqCst) != 0 {
            return false;
        }
        let next = self.timers.lock().prune();
        match (&mut *self.clock.lock(), next) {
            (Some(clock), Some(at)) => {
                clock.jump(at);
                true
            }
            _ => false,
        }
    }

    // ---- timers

    pub fn add_timer(&self, at: Instant, waiter: Waiter) {
        let mut timers = self.timers.lock();
        let first = timers.next().is_none_or(|next| at < next);
        timers.add(at, waiter);
        drop(timers);
        if !first {
            return;
        }
        self.call_for_deadline();
    }

    /// How many deadlines are noted.
    pub fn noted_timers(&self) -> usize {
        self.timers.lock().len()
    }

    /// Queues the threads whose deadlines have passed; whether there were any.
    pub fn expire(&self) -> bool {
        let now = self.now();
        let mut any = false;
        loop {
            let expired = self.timers.lock().expired(now);
            let Some(waiter) = expired else { return any };
            if waiter.claim(Value::FALSE, false) == Claim::Queue {
                self.inject(waiter.thread().clone());
            }
            any = true;
        }
    }

    // ---- the reactor

    /// The reactor, made at first use.
    pub fn reactor(&self) -> std::io::Result<Arc<Reactor>> {
        if let Some(reactor) = self.reactor.get() {
            return Ok(reactor.clone());
        }
        let made = Arc::new(Reactor::new()?);
        Ok(self.reactor.get_or_init(|| made).clone())
    }

    /// Takes the events that have come: threads that are ready go to `queue`.
    pub fn look_outside(&self, queue: impl FnMut(Arc<Thread>)) {
        if let Some(reactor) = self.watched_reactor() {
            reactor.turn(Duration::ZERO, queue);
        }
    }

    /// The reactor, if anybody waits for what it may bring.
    fn watched_reactor(&self) -> Option<&Arc<Reactor>> {
        self.reactor.get().filter(|_| self.outside.load(Ordering::SeqCst) != 0)
    }

    /// Ends a wait from an OS thread that is no worker.
    pub fn end_from_outside(&self, waiter: &Waiter) {
        let gone = self.gone.read();
        if !*gone && waiter.claim(Value::TRUE, false) == Claim::Queue {
            self.inject(waiter.thread().clone());
        }
    }

    /// The heap with the waiting threads' state is about to go.
    pub fn shut_out(&self) {
        *self.gone.write() = true;
    }

    // ---- sleeping

    /// Wakes a sleeping worker, if there is one: call after queueing.
    pub fn wake_one(&self) {
        if let Some(mut idle) = self.sleep.note_wake() {
            // One that waits for a host's turn only would not do.
            if self.hosted.load(Ordering::Relaxed) {
                self.sleep.call_all(&mut idle, |idle| self.ring(idle));
            } else {
                self.sleep.call_one(&mut idle, |idle| self.ring(idle));
            }
        }
    }

    pub fn wake_all(&self) {
        if let Some(mut idle) = self.sleep.note_wake() {
            self.sleep.call_all(&mut idle, |idle| self.ring(idle));
        }
    }

    /// Whoever watches does so until the next deadline, of which there is a new one.
    fn call_for_deadline(&self) {
        if let Some(mut idle) = self.sleep.note_wake() {
            match idle.watched {
                true => self.ring(&idle),
                false => self.sleep.call_one(&mut idle, |idle| self.ring(idle)),
            }
        }
    }

    /// Ends the nap of the worker that watches.
    fn ring(&self, idle: &Idle) {
        match self.reactor.get() {
            Some(reactor) if idle.in_reactor => reactor.call(),
            _ => self.sleep.end_nap(),
        }
    }

    /// What workers work for may have come: calls those that sleep, and those that run a thread from it.
    pub fn call_all(&self) {
        self.wake_all();
        for member in self.members() {
            member.give_way();
        }
    }

    /// Sleeps until there may be something to do. `over`: the worker has nothing more to work for.
    /// `only_own`: nor runs others' threads. `is_open`: others may come that are not there.
    pub fn rest(&self, me: usize, only_own: bool, is_open: impl FnOnce() -> bool, over: impl Fn() -> bool) -> Rest {
        self.sleep.rest(
            || self.has_work(me, only_own) || over(),
            || {
                let deadline = self.timers.lock().prune();
                let outside = self.outside.load(Ordering::SeqCst);
                // What a host leaves to the workers may wait for one that has only just been started.
                let is_closed = deadline.is_none() && outside == 0 && !self.has_backlog() && !is_open();
                Outlook { workers: self.workers(), deadline, is_closed }
            },
            |idle, deadline| self.watch(idle, deadline),
            |idle| self.ring(idle),
        )
    }

    /// Naps until a call, an event or the deadline.
    fn watch(&self, idle: &mut MutexGuard<'_, Idle>, deadline: Option<Instant>) {
        let now = Instant::now();
        let nap = deadline.map_or(NAP, |at| at.saturating_duration_since(now).min(NAP));
        // The reactor counts milliseconds: what is shorter is slept without it.
        let in_reactor = Duration::from_millis(nap.as_millis() as u64);
        let Some(reactor) = self.watched_reactor().filter(|_| !in_reactor.is_zero()) else {
            return self.sleep.nap(idle, now + nap);
        };
        idle.in_reactor = true;
        let mut ready = 0;
        MutexGuard::unlocked(idle, || {
            reactor.turn(in_reactor, |thread| {
                // This worker is awake for the first of them.
                ready += 1;
                match thread.home() {
                    None if ready == 1 => self.injector.push(thread),
                    _ => self.inject(thread),
                }
            })
        });
        idle.in_reactor = false;
    }

    /// The host's handles, of which there were so many changes, are a way in.
    pub fn hold_open(&self, changes: u64) {
        self.held_open.store(changes + 1, Ordering::Relaxed);
    }

    pub fn is_held_open(&self, changes: u64) -> bool {
        self.held_open.load(Ordering::Relaxed) == changes + 1
    }

    pub fn sleeping(&self) -> usize {
        self.sleep.count()
    }

    pub fn has_sleepers(&self) -> bool {
        self.sleep.has_any()
    }

    // ---- signals

    /// Whether SIGINT has come and the worker it was sent to has not seen it, as it sleeps; the caller sees to it.
    pub fn take_keyboard(&self) -> bool {
        let members = self.members.read();
        members
            .iter()
            .any(|m| m.signals.keyboard.load(Ordering::Relaxed) && m.signals.keyboard.swap(false, Ordering::SeqCst))
    }

    /// The same for signals that scripts handle, a bit for each.
    pub fn take_pending(&self) -> u64 {
        let members = self.members.read();
        let pending = members.iter().map(|m| &m.signals.pending).filter(|p| p.load(Ordering::Relaxed) != 0);
        pending.fold(0, |bits, p| bits | p.swap(0, Ordering::SeqCst))
    }
}

impl Member {
    /// Ends the slice of the thread that runs there.
    pub fn give_way(&self) {
        self.signals.preempt.store(true, Ordering::SeqCst);
        self.signals.raise();
    }

    fn has_stealable(&self) -> bool {
        !self.stealer.is_empty()
    }
}

/// A time that is cheap to read and changes every few milliseconds.
fn coarse_time() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call only fills the struct.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Repeats a steal that lost a race.
fn settle(mut steal: impl FnMut() -> Steal<Arc<Thread>>) -> Option<Arc<Thread>> {
    loop {
        match steal() {
            Steal::Success(t) => return Some(t),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}
