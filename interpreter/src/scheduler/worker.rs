//! A worker: an OS thread that takes ready threads from the queues and runs a slice of each.
//!
//! A slice runs on a pooled native stack. A thread that parks without native frames leaves that stack and may go on
//! with any worker; one that parks with native frames (a script called from Rust) suspends the stack, which waits
//! with it, and is this worker's from then on. Code that a host calls directly runs on the worker's own stack: when
//! it parks, the worker runs others from inside that park.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use corosensei::stack::DefaultStack;
use crossbeam::deque::Worker as Deque;
use hashbrown::HashMap;

use super::monitor::Monitor;
use super::policy::{Mode, Policy};
use super::shared::{Member, Scheduler};
use super::sleep::Rest;
use super::slice::run_slice;
use super::thread::{MAIN, Stack, Thread, Waiter};
use super::wait::Claim;
use super::{greenlet, report, signals, stack};
use crate::native::{Ctx, R, Raised};
use crate::object::kind::ClassId;
use crate::object::stack::{Fiber, Segment};
use crate::value::{Gc, Value};
use crate::vm::{interrupt, outside};

/// A program with more threads than this is about many small things: memory is spared.
const MANY: usize = 500;
/// So many native stacks a worker keeps for the next threads, and so many fibers.
pub(super) const POOLED: usize = 64;
const FIBERS: usize = 512;
/// Words of a thread's first segment: room for its first frame, a small function's and a waiting native's.
const SEGMENT: usize = 58;
/// After so many slices, and after one that was long, a worker looks at the timers and the common queue first, so that
/// neither starves.
const FAIRNESS: u64 = 64;

/// A worker's own state, kept in its context.
pub struct Worker {
    pub shared: Arc<Scheduler>,
    pub index: usize,
    /// It is a host's thread, which runs what it was called for and nothing else, if there are workers.
    is_host: bool,
    pub member: Arc<Member>,
    deque: Deque<Arc<Thread>>,
    /// The thread that runs now: a green one, or this worker's host code.
    pub current: Arc<Thread>,
    /// Address of the running coroutine's yielder; 0 on the OS stack.
    pub(super) yielder: usize,
    pub(super) pool: Vec<DefaultStack>,
    /// Host handles of fibers whose threads have ended.
    pub(super) fibers: Vec<usize>,
    monitor: Option<Monitor>,
    /// The last slice was a long one.
    pub(super) was_long: bool,
    pub(super) policy: Policy,
    /// Who holds what the thread that parks waits for.
    pub held_by: u64,
    /// The native frames of the thread that is being detached, as an address range.
    pub(super) frames: (usize, usize),
    /// The running slice leaves its native stack, to go on in another greenlet.
    pub(super) leaving: bool,
    /// The slice that begins goes on in a greenlet that has been switched to.
    pub(super) arriving: bool,
    /// Which greenlet the native stack stays with that is being left.
    pub(super) left_behind: Option<u64>,
    /// Native stacks of suspended greenlets.
    pub(super) greenlet_stacks: HashMap<u64, Stack>,
    /// Its place among those that wait so.
    pub(super) place: Option<stack::Place>,
    /// A new thread to be run next, and who has started it and goes on after that.
    handed: Option<(Arc<Thread>, Waiter)>,
}

/// The worker that a context belongs to, made at first use.
#[inline]
pub fn worker(cx: &mut Ctx) -> &mut Worker {
    if cx.scheduler.is_none() {
        make(cx);
    }
    let made: *mut dyn std::any::Any = match cx.scheduler.as_deref_mut() {
        Some(made) => made,
        None => unreachable!("made just now"),
    };
    // SAFETY: this function alone fills the field, with a worker.
    unsafe { &mut *made.cast::<Worker>() }
}

#[cold]
fn make(cx: &mut Ctx) {
    let made = attach(cx, false);
    cx.scheduler = Some(Box::new(made));
}

/// Has a further context of a host's take part: its calls run as a thread of their own.
pub(super) fn make_host(cx: &mut Ctx) {
    let made = attach(cx, true);
    made.shared.seats.fetch_add(1, Ordering::SeqCst);
    cx.scheduler = Some(Box::new(made));
}

/// The context goes over to another thread of the host's: its calls run as another thread of the script.
pub(super) fn renew_host(cx: &mut Ctx) -> R<()> {
    let w = worker(cx);
    let (shared, before, index) = (w.shared.clone(), w.current.clone(), w.index);
    crate::vm::start_fiber(cx)?;
    greenlet::bury(&before);
    let joiners = before.finish();
    shared.delist(&before);
    cx.iso().handles.lock().release(before.handle());
    worker(cx).current = enlist_host(cx, &shared, index, shared.fresh_id());
    for waiter in joiners {
        wake(cx, &waiter, Ok(Value::TRUE));
    }
    Ok(())
}

/// The thread that the code runs as which a host calls in this context.
fn enlist_host(cx: &mut Ctx, shared: &Scheduler, index: usize, id: u64) -> Arc<Thread> {
    let host = own_thread(cx, index, id);
    shared.enlist(host.clone());
    host
}

/// What a worker is when it runs no thread; no script sees it.
fn own_thread(cx: &mut Ctx, index: usize, id: u64) -> Arc<Thread> {
    let fiber = cx.fiber;
    let handle = cx.iso().handles.lock().add(fiber.value());
    let own = Arc::new(Thread::new(id, true, fiber, handle));
    own.set_home(Some(index));
    own.running_on.store(index as u32 + 1, Ordering::Relaxed);
    own
}

fn attach(cx: &mut Ctx, is_host: bool) -> Worker {
    let mode = || cx.iso().seed.map_or_else(Mode::from_environment, Mode::Seeded);
    let shared = cx.iso().scheduler.get_or_init(|| Arc::new(Scheduler::new(mode()))).clone();
    let Ok(shared) = shared.downcast::<Scheduler>() else { unreachable!("the interpreter's scheduler is one") };
    let deque = Deque::new_fifo();
    let (index, member) = shared.join(cx.signals_arc(), &deque);
    // The first context's host code is the main thread, unless `run_main` makes a green one.
    let is_host = is_host || index == 0;
    let id = if index == 0 { MAIN } else { shared.fresh_id() };
    let host = match is_host {
        true => enlist_host(cx, &shared, index, id),
        false => own_thread(cx, index, id),
    };
    if index != 0 && shared.mode != Mode::Usual {
        cx.drive();
    }
    let policy = Policy::new(shared.mode, index);
    Worker {
        shared,
        index,
        is_host,
        member,
        deque,
        current: host,
        yielder: 0,
        pool: Vec::new(),
        fibers: Vec::new(),
        monitor: None,
        was_long: false,
        frames: (0, 0),
        leaving: false,
        arriving: false,
        left_behind: None,
        greenlet_stacks: HashMap::new(),
        place: None,
        handed: None,
        policy,
        held_by: 0,
    }
}

/// A new thread that will call `f(*args)`, not queued yet.
pub fn create(cx: &mut Ctx, f: Value, args: Value, daemon: bool) -> R<Arc<Thread>> {
    let id = worker(cx).shared.fresh_id();
    create_as(cx, id, f, args, daemon)
}

fn create_as(cx: &mut Ctx, id: u64, f: Value, args: Value, daemon: bool) -> R<Arc<Thread>> {
    let start = cx.tuple(&[f, args])?;
    // The start tuple lives in the fiber until the thread runs.
    create_fiber(cx, id, start, Value::NONE, daemon)
}

/// A new thread that will call the native with its owner, an object that stands for the thread.
pub fn create_owned(cx: &mut Ctx, native: Value, owner: Value, daemon: bool) -> R<Arc<Thread>> {
    let id = worker(cx).shared.fresh_id();
    create_fiber(cx, id, owner, native, daemon)
}

/// A thread that runs signals' handlers as if it were the main thread.
pub fn create_stand_in(cx: &mut Ctx, f: Value, args: Value) -> R<Arc<Thread>> {
    let start = cx.tuple(&[f, args])?;
    let thread = create_unlisted(cx, MAIN, start, Value::NONE, true)?;
    thread.stands_in.store(true, Ordering::Relaxed);
    Ok(thread)
}

fn create_fiber(cx: &mut Ctx, id: u64, owner: Value, native: Value, daemon: bool) -> R<Arc<Thread>> {
    let thread = create_unlisted(cx, id, owner, native, daemon)?;
    worker(cx).shared.enlist(thread.clone());
    Ok(thread)
}

fn create_unlisted(cx: &mut Ctx, id: u64, owner: Value, native: Value, daemon: bool) -> R<Arc<Thread>> {
    // Below a slice there is a stack already.
    if worker(cx).yielder == 0
        && let Err(e) = stack::reserve(cx)
    {
        return Err(stack::no_thread(cx, &format!("there is no memory for a native stack: {e}")));
    }
    if !stack::has_room_for(&worker(cx).shared, id) {
        return Err(stack::no_thread(cx, "there is no memory for it"));
    }
    let (fiber, handle) = match idle_fiber(cx) {
        Err(e) if cx.is_error(e, ClassId::MemoryError) => return Err(no_frames(cx)),
        made => made?,
    };
    if worker(cx).shared.fibers.fetch_add(1, Ordering::Relaxed) == MANY {
        cx.iso().heap.spare_memory();
    }
    fiber.owner.set(owner);
    fiber.wake.set(native);
    Ok(Arc::new(Thread::new(id, daemon, fiber, handle)))
}

#[cold]
fn no_frames(cx: &mut Ctx) -> Raised {
    let megabytes = cx.iso().heap.bytes_in_use() >> 20;
    stack::no_thread(cx, &format!("there is no memory for its frames: objects take {megabytes} MiB"))
}

/// A fiber with an empty stack, and its host handle.
fn idle_fiber(cx: &mut Ctx) -> R<(Gc<Fiber>, usize)> {
    if let Some(handle) = worker(cx).fibers.pop() {
        let value = cx.iso().handles.lock().get(handle);
        if let Some(fiber) = value.cast::<Fiber>() {
            return Ok((fiber, handle));
        }
    }
    let segment = cx.new_segment(SEGMENT)?;
    if cx.iso().heap.take_over_limit() {
        return Err(cx.memory_error());
    }
    let fiber = cx.new_fiber(segment);
    let handle = cx.iso().handles.lock().add(fiber.value());
    Ok((fiber, handle))
}

/// A thread has ended: its fiber is for the next one, if there are not too many of them.
pub(super) fn release_fiber(cx: &mut Ctx, thread: &Thread) {
    worker(cx).shared.fibers.fetch_sub(1, Ordering::Relaxed);
    if worker(cx).fibers.len() >= FIBERS {
        return cx.iso().handles.lock().release(thread.handle());
    }
    let fiber = thread.fiber();
    let mut first = fiber.segment.obj::<Segment>();
    while let Some(below) = first.previous.get().cast::<Segment>() {
        first = below;
    }
    first.next.set(Value::UNBOUND);
    fiber.segment.set(first.value());
    let Fiber { handled, wake, owner, greenlet, context, event_loop, .. } = &*fiber;
    for slot in [handled, wake, owner, greenlet, context, event_loop] {
        slot.set(Value::NONE);
    }
    worker(cx).fibers.push(thread.handle());
}

/// Has a created thread run.
pub fn launch(cx: &mut Ctx, thread: Arc<Thread>) {
    grow(cx);
    let w = worker(cx);
    w.queue(thread);
    w.shared.wake_one();
}

/// Has this worker go to a new thread as soon as the running one has parked, which it is to do now: it goes on once the
/// new one waits, or with another worker.
pub fn hand_over(cx: &mut Ctx, thread: Arc<Thread>) {
    grow(cx);
    let w = worker(cx);
    let starter = w.current.arm();
    if let Some((earlier, _)) = w.handed.replace((thread, starter)) {
        w.queue(earlier);
    }
    w.shared.call_lurker();
}

/// With a second thread come the other workers and the monitor.
fn grow(cx: &mut Ctx) {
    let w = worker(cx);
    // Two threads of a host may start the first one at once.
    if w.shared.grown.load(Ordering::Relaxed) || w.shared.grown.swap(true, Ordering::Relaxed) {
        return;
    }
    let shared = w.shared.clone();
    if shared.mode != Mode::Usual {
        cx.drive();
    }
    if matches!(shared.mode, Mode::Seeded(_)) {
        return;
    }
    let w = worker(cx);
    w.monitor = Some(Monitor::start(shared.clone()));
    // A host may have brought workers of its own.
    let there = w.shared.workers();
    // A host's own threads run no others, and go away.
    let hosts = usize::from(shared.hosted.load(Ordering::Relaxed)) + shared.seats.load(Ordering::SeqCst);
    let wanted = wanted_workers(&shared) + hosts;
    for number in there..wanted {
        let (Ok(new), Ok(stack)) = (crate::vm::new_worker(cx), stack::new()) else { return };
        shared.working.fetch_add(1, Ordering::SeqCst);
        let working = Working(shared.clone());
        let spawned =
            std::thread::Builder::new().name(format!("conc-worker-{number}")).stack_size(2 << 20).spawn(move || {
                let _working = working;
                if let Ok(mut cx) = new.enter() {
                    worker(&mut cx).pool.push(stack);
                    work(&mut cx, Until::Closing);
                }
            });
        if spawned.is_err() {
            return;
        }
    }
}

/// Counts a worker's OS thread until it ends.
struct Working(Arc<Scheduler>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How long the end of an interpreter waits for threads that do not come to a safepoint.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Ends the other workers; the threads stop where they are.
pub fn close(cx: &mut Ctx) {
    if cx.scheduler.is_none() {
        return;
    }
    let shared = worker(cx).shared.clone();
    shared.closing.store(true, Ordering::SeqCst);
    let started = std::time::Instant::now();
    while shared.working.load(Ordering::SeqCst) > 0 && started.elapsed() < LAST_PATIENCE {
        shared.call_all();
        cx.blocking(|| std::thread::sleep(Duration::from_micros(200)));
    }
}

/// What was asked for, `CONC_WORKERS`, or a worker per core.
fn wanted_workers(shared: &Scheduler) -> usize {
    let set = Some(shared.wanted.load(Ordering::Relaxed)).filter(|&n| n != 0);
    let asked = set.or_else(|| std::env::var("CONC_WORKERS").ok().and_then(|n| n.parse().ok()));
    let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
    asked.unwrap_or_else(cores).clamp(1, 256)
}

/// Ends a wait and queues its thread; false: it has ended already.
pub fn wake(cx: &mut Ctx, waiter: &Waiter, outcome: Result<Value, Value>) -> bool {
    let (value, raises) = match outcome {
        Ok(v) => (v, false),
        Err(e) => (e, true),
    };
    match waiter.claim(value, raises) {
        Claim::Late => false,
        Claim::Running => true,
        Claim::Queue => {
            worker(cx).queue(waiter.thread().clone());
            true
        }
    }
}

impl Worker {
    /// Queues a ready thread: as the next to run here, or with the worker that must run it.
    pub fn queue(&mut self, thread: Arc<Thread>) {
        match thread.home() {
            Some(home) => self.shared.pin(home, thread),
            None => {
                if let Some(displaced) = self.member.next.put(thread) {
                    self.deque.push(displaced);
                    self.shared.wake_one();
                }
            }
        }
    }

    /// Queues a thread whose slice is over behind the others.
    pub(super) fn queue_last(&mut self, thread: Arc<Thread>) {
        self.was_long = true;
        match thread.home() {
            Some(home) => self.shared.pin(home, thread),
            None => {
                self.deque.push(thread);
                if self.shared.has_sleepers() {
                    self.shared.wake_one();
                }
            }
        }
    }

    /// The thread runs here now; SIGINT may have been passed on to it meanwhile.
    pub(super) fn note_running(&self, thread: &Thread) {
        thread.running_on.store(self.index as u32 + 1, Ordering::Release);
        if thread.id != MAIN {
            return;
        }
        // Either this sees the marks, or who sets them sees where main runs.
        fence(Ordering::SeqCst);
        if thread.interrupted.load(Ordering::SeqCst) {
            self.member.signals.passed_on.store(true, Ordering::SeqCst);
            self.member.signals.raise();
        }
        let signalled = thread.signalled.swap(0, Ordering::SeqCst);
        if signalled != 0 {
            self.member.signals.pending.fetch_or(signalled, Ordering::SeqCst);
            self.member.signals.raise();
        }
    }

    /// The thread handed over, if its starter has parked: that is the next one after it.
    fn take_handed(&mut self) -> Option<Arc<Thread>> {
        let (thread, starter) = self.handed.take()?;
        if starter.claim(Value::TRUE, false) == Claim::Queue {
            self.queue(starter.into_thread());
        }
        Some(thread)
    }

    /// The running thread gives way to one that it has started.
    pub(super) fn hands_over(&self) -> bool {
        self.handed.is_some()
    }

    /// The starter goes on after all: the thread it has handed over is queued.
    pub(super) fn keep_starter(&mut self) {
        if let Some(thread) = self.take_handed() {
            self.queue(thread);
            self.shared.wake_one();
        }
    }

    /// A slice of the thread begins; the one that ran before.
    pub(super) fn begin_slice(&mut self, thread: Arc<Thread>) -> Arc<Thread> {
        let slices = self.member.slices.load(Ordering::Relaxed);
        self.member.slices.store(slices + 1, Ordering::Relaxed);
        self.note_running(&thread);
        self.policy.begin_slice();
        std::mem::replace(&mut self.current, thread)
    }

    /// The thread to run next, if that is clear, has no native stack of its own, and nothing else is due.
    pub(super) fn next_on_this_stack(&mut self) -> Option<Arc<Thread>> {
        let is_hosts = self.is_host && self.shared.hosted.load(Ordering::Relaxed);
        if self.policy.mode() != Mode::Usual || is_hosts || self.was_long {
            return None;
        }
        if self.handed.is_some() {
            return self.take_handed();
        }
        let is_due = self.member.slices.load(Ordering::Relaxed).is_multiple_of(FAIRNESS);
        if is_due { None } else { self.member.next.take() }
    }

    /// The next ready thread.
    fn next(&mut self) -> Option<Arc<Thread>> {
        match self.policy.mode() {
            Mode::Usual => self.usual_next(),
            Mode::Seeded(_) => self.seeded_next(),
            Mode::Chaos(_) => self.chaotic_next(),
        }
    }

    fn next_for(&mut self, until: &Until<'_>) -> Option<Arc<Thread>> {
        if !until.is_hosts(&self.shared) {
            return self.next();
        }
        // What a host's own thread has started is for the workers.
        if let Some(thread) = self.take_handed() {
            self.shared.inject(thread);
        }
        self.member.take_pinned()
    }

    /// Any of those that are ready.
    fn seeded_next(&mut self) -> Option<Arc<Thread>> {
        self.shared.expire();
        while let Some(thread) = self.usual_next() {
            self.policy.ready.push(thread);
        }
        self.policy.take_ready()
    }

    /// One from any of the places where ready threads are.
    fn chaotic_next(&mut self) -> Option<Arc<Thread>> {
        if self.handed.is_some() {
            return self.take_handed();
        }
        self.shared.expire();
        let chosen = match self.policy.choose(4) {
            0 => self.shared.steal(self.index, &self.deque),
            1 => self.shared.take_injected(&self.deque),
            2 => {
                for _ in 0..self.policy.choose(4) {
                    self.deque.pop().into_iter().for_each(|thread| self.deque.push(thread));
                }
                self.deque.pop()
            }
            _ => None,
        };
        chosen.or_else(|| self.usual_next())
    }

    fn usual_next(&mut self) -> Option<Arc<Thread>> {
        if self.handed.is_some() {
            return self.take_handed();
        }
        let slices = self.member.slices.load(Ordering::Relaxed);
        let due = slices.is_multiple_of(FAIRNESS);
        if std::mem::take(&mut self.was_long) || due {
            self.shared.expire();
            self.look_outside();
            let injected = self.shared.take_injected(&self.deque);
            if let Some(t) = injected.or_else(|| if due { self.deque.pop() } else { None }) {
                return Some(t);
            }
        }
        if let Some(t) = self.next_here() {
            return Some(t);
        }
        self.look_outside();
        self.next_here().or_else(|| self.shared.steal(self.index, &self.deque))
    }

    fn next_here(&mut self) -> Option<Arc<Thread>> {
        self.member.take_pinned().or_else(|| self.member.next.take()).or_else(|| self.deque.pop())
    }

    /// Queues the threads that events have made ready.
    fn look_outside(&mut self) {
        let mut ready = 0;
        self.shared.look_outside(|thread| match thread.home() {
            Some(home) => self.shared.pin(home, thread),
            None => {
                self.deque.push(thread);
                ready += 1;
            }
        });
        if ready > 1 {
            self.shared.wake_one();
        }
    }
}

/// What a worker works for.
pub(super) enum Until<'a> {
    /// The turn of this host code, whose wait has ended.
    Turn(&'a Arc<Thread>),
    /// The end of this thread.
    End(&'a Thread),
    /// The end of every thread but daemons.
    Rest,
    Closing,
}

/// Runs ready threads until what it works for has come.
pub(super) fn work(cx: &mut Ctx, until: Until<'_>) {
    // Slices have native stacks of their own.
    let below = outside::put_aside();
    let shared = worker(cx).shared.clone();
    while !until.is_over(&shared) {
        match (worker(cx).next_for(&until), &until) {
            (Some(t), Until::Turn(own)) if Arc::ptr_eq(own, &t) => break,
            (Some(t), _) => run_slice(cx, t),
            (None, _) => idle(cx, &until),
        }
    }
    outside::put_back(below);
}

impl Until<'_> {
    /// A host waits for its own turn, and leaves the rest to the workers.
    fn is_hosts(&self, shared: &Scheduler) -> bool {
        matches!(self, Until::Turn(_))
            && shared.hosted.load(Ordering::Relaxed)
            && shared.working.load(Ordering::Relaxed) > 0
    }
    fn is_over(&self, shared: &Scheduler) -> bool {
        match self {
            Until::Turn(_) => false,
            Until::End(t) => t.is_done() || shared.dead.lock().is_some(),
            Until::Rest => {
                shared.live.load(Ordering::SeqCst) == 0
                    || shared.dead.lock().is_some()
                    || shared.broken_off.load(Ordering::Acquire)
            }
            Until::Closing => shared.closing.load(Ordering::Relaxed),
        }
    }
}

/// Nothing is ready: sleeps, or finds that nothing ever will be.
fn idle(cx: &mut Ctx, until: &Until<'_>) {
    let shared = worker(cx).shared.clone();
    if shared.expire() {
        return;
    }
    if shared.jump() {
        // Circles have lasted until then.
        return report::tell(cx);
    }
    // Signals may have come while nothing ran, and to a worker that sleeps.
    if shared.take_keyboard() {
        return report::interrupt_main(cx);
    }
    let signalled = shared.take_pending();
    if signalled != 0 {
        // The current thread is not running: nothing is raised in it.
        return signals::pass_on(cx, interrupt::keep_back(signalled));
    }
    report::tell(cx);
    let me = worker(cx).index;
    let only_own = until.is_hosts(&shared);
    if !only_own
        && shared.mode == Mode::Usual
        && let Some(left) = cx.blocking(|| shared.lurk(me))
    {
        worker(cx).deque.push(left);
        return;
    }
    let iso = cx.iso();
    let is_open = || iso.open.load(Ordering::Relaxed) || shared.is_held_open(iso.handles.lock().changes());
    let rest = cx.blocking(|| shared.rest(me, only_own, is_open, || until.is_over(&shared)));
    if rest == Rest::Quiescent {
        report::quiescent(cx);
    }
}

// ---- main

/// Runs `f(*args)` as the main thread, which any worker may run; this one works until it has ended.
pub fn run_main(cx: &mut Ctx, f: Value, args: &[Value]) -> R {
    let args = cx.tuple(args)?;
    let host = worker(cx).current.clone();
    worker(cx).shared.hosted.store(false, Ordering::Relaxed);
    let main = create_as(cx, MAIN, f, args, true)?;
    // Of the two with this id, the green one is main.
    worker(cx).shared.delist(&host);
    worker(cx).queue(main.clone());
    work(cx, Until::End(&main));
    if let Some(e) = report::dead(cx) {
        return Err(e);
    }
    let fiber = main.fiber();
    let (value, raised) = (fiber.wake.get(), fiber.handled.get() == Value::TRUE);
    let shared = worker(cx).shared.clone();
    shared.delist(&main);
    shared.enlist(host);
    shared.fibers.fetch_sub(1, Ordering::Relaxed);
    cx.iso().handles.lock().release(main.handle());
    if raised { Err(Raised(value)) } else { Ok(value) }
}

/// Main has ended: works until all threads but daemons have ended too, or SIGINT comes. `told`: main was ended by a
/// deadlock that the user has been told of, which is no error again.
pub fn finish(cx: &mut Ctx, told: bool) -> R<()> {
    if cx.scheduler.is_none() {
        return Ok(());
    }
    let shared = worker(cx).shared.clone();
    shared.finishing.store(true, Ordering::SeqCst);
    work(cx, Until::Rest);
    shared.finishing.store(false, Ordering::SeqCst);
    if shared.broken_off.swap(false, Ordering::SeqCst) {
        return Err(cx.error(ClassId::KeyboardInterrupt, ""));
    }
    let known = report::is_known(cx);
    match report::dead(cx) {
        Some(e) if !(told && known) => Err(e),
        _ => Ok(()),
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Their frames belong to a heap that goes away, too: nothing on them is to be unwound.
        self.greenlet_stacks.drain().for_each(|(_, stack)| std::mem::forget(stack));
        if self.index == 0 {
            self.shared.closing.store(true, Ordering::SeqCst);
            self.shared.shut_out();
            self.shared.call_all();
        }
    }
}
