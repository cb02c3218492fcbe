//! The driver: which thread runs next, on which native stack, and the waits of all of them.
//!
//! `main` runs on its OS thread's own stack; when it parks, the driver runs the others from inside that park, each on
//! a pooled stack, until main is ready again. Any other thread that parks comes back to the driver.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Instant;

use corosensei::stack::{DefaultStack, Stack as _};
use corosensei::{Coroutine, CoroutineResult, Yielder};

use super::monitor::Monitor;
use super::thread::{Saved, Stack, State, Stop, Thread};
use crate::native::{Ctx, R, Raised};
use crate::object::ctx::Ctx as Context;
use crate::object::kind::ClassId;
use crate::object::stack::Fiber;
use crate::value::{Gc, Value};
use crate::vm::call::{Started, start_thread};
use crate::vm::run::{Outcome, run};

/// The main thread's id.
pub const MAIN: u64 = 1;
/// Bytes below a suspended stack's last frame that may hold saved registers.
const RED: usize = 1024;
const STACK_SIZE: usize = 1 << 20;
const POOLED: usize = 64;

/// The driver's state, kept in the context.
pub struct Driver {
    threads: HashMap<u64, Thread>,
    ready: VecDeque<u64>,
    timers: BinaryHeap<Reverse<(Instant, u64, u64, u64)>>,
    timer_order: u64,
    pool: Vec<DefaultStack>,
    current: u64,
    next_id: u64,
    /// Address of the running coroutine's yielder; 0 on the OS stack.
    yielder: usize,
    monitor: Option<Monitor>,
    /// Parks that kept their native stack, for measuring.
    pub detached_parks: u64,
}

impl Driver {
    fn new(fiber: usize) -> Driver {
        let main = Thread {
            state: State::Running,
            fiber,
            saved: None,
            detached: None,
            frames: (0, 0),
            wake: Value::NONE,
            wait: 0,
            deliver: false,
            daemon: false,
        };
        Driver {
            threads: HashMap::from([(MAIN, main)]),
            ready: VecDeque::new(),
            timers: BinaryHeap::new(),
            timer_order: 0,
            pool: Vec::new(),
            current: MAIN,
            next_id: MAIN + 1,
            yielder: 0,
            monitor: None,
            detached_parks: 0,
        }
    }

    /// The next ready thread, having looked at the timers.
    fn next(&mut self) -> Option<u64> {
        self.expire(Instant::now());
        let next = self.ready.pop_front();
        if let Some(m) = &self.monitor {
            m.wanted.store(!self.ready.is_empty() || !self.timers.is_empty(), std::sync::atomic::Ordering::Relaxed);
        }
        next
    }

    fn expire(&mut self, now: Instant) {
        while let Some(&Reverse((at, _, id, wait))) = self.timers.peek() {
            if at > now {
                return;
            }
            self.timers.pop();
            self.wake(id, Some(wait), Value::FALSE);
        }
    }

    /// Makes a parked thread ready; false: it is not parked (in that wait).
    fn wake(&mut self, id: u64, wait: Option<u64>, value: Value) -> bool {
        let Some(t) = self.threads.get_mut(&id) else { return false };
        if t.state != State::Parked || wait.is_some_and(|w| w != t.wait) {
            return false;
        }
        t.state = State::Ready;
        t.wake = value;
        self.ready.push_back(id);
        true
    }
}

/// The driver of a context, made at first use.
fn driver(cx: &mut Ctx) -> &mut Driver {
    if cx.scheduler.is_none() {
        let fiber = cx.fiber.value();
        let handle = cx.iso().handles.lock().add(fiber);
        cx.scheduler = Some(Box::new(Driver::new(handle)));
    }
    match cx.scheduler.as_mut().and_then(|s| s.downcast_mut::<Driver>()) {
        Some(d) => d,
        None => unreachable!("the scheduler is the driver's"),
    }
}

/// The running thread's id.
pub fn current(cx: &mut Ctx) -> u64 {
    driver(cx).current
}

/// How many threads have not ended.
pub fn alive(cx: &mut Ctx) -> usize {
    driver(cx).threads.values().filter(|t| t.state != State::Done).count()
}

/// A new thread that will call `f(*args)`; it is ready at once.
pub fn spawn(cx: &mut Ctx, f: Value, args: Value, daemon: bool) -> R<u64> {
    let segment = cx.new_segment(48)?;
    let fiber = cx.new_fiber(segment);
    let start = cx.tuple(&[f, args])?;
    // The start tuple lives in the fiber until the thread runs.
    fiber.owner.set(start);
    let handle = cx.iso().handles.lock().add(fiber.value());
    let signals = cx.signals_arc();
    let d = driver(cx);
    let id = d.next_id;
    d.next_id += 1;
    d.threads.insert(
        id,
        Thread {
            state: State::Ready,
            fiber: handle,
            saved: None,
            detached: None,
            frames: (0, 0),
            wake: Value::NONE,
            wait: 0,
            deliver: false,
            daemon,
        },
    );
    d.ready.push_back(id);
    let monitor = d.monitor.get_or_insert_with(|| Monitor::start(signals));
    monitor.wanted.store(true, std::sync::atomic::Ordering::Relaxed);
    Ok(id)
}

/// One wait of one thread, for those who may end it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiter {
    thread: u64,
    wait: u64,
}

/// The running thread is about to wait: what wakers are to be given. Then return [`Step::Park`](crate::native::Step).
pub fn arm(cx: &mut Ctx) -> Waiter {
    let d = driver(cx);
    let thread = d.current;
    let wait = d.threads.get_mut(&thread).map_or(0, |t| {
        t.wait += 1;
        t.wait
    });
    Waiter { thread, wait }
}

/// The running thread's last wait, which has ended: to take it out of where wakers look.
pub fn last_wait(cx: &mut Ctx) -> Waiter {
    let d = driver(cx);
    let thread = d.current;
    Waiter { thread, wait: d.threads.get(&thread).map_or(0, |t| t.wait) }
}

/// Ends a wait with a value; false: it has ended already, by a deadline or another waker.
pub fn wake(cx: &mut Ctx, waiter: Waiter, value: Value) -> bool {
    driver(cx).wake(waiter.thread, Some(waiter.wait), value)
}

/// Has the running thread go to the back of the queue at its park.
pub fn ready(cx: &mut Ctx) {
    cx.park_deadline = Some(Instant::now());
}

/// Takes note that the running thread parks now.
fn begin_park(cx: &mut Ctx, deliver: bool) {
    let deadline = cx.park_deadline.take();
    let d = driver(cx);
    let id = d.current;
    let order = d.timer_order;
    d.timer_order += 1;
    let Some(t) = d.threads.get_mut(&id) else { return };
    t.deliver = deliver;
    if !deliver {
        // It only gives way.
        t.state = State::Ready;
        d.ready.push_back(id);
        return;
    }
    t.state = State::Parked;
    if let Some(at) = deadline {
        let wait = t.wait;
        d.timers.push(Reverse((at, order, id, wait)));
    }
}

/// `Machine::park`: the running thread waits with its native stack; returns the wake-up value.
pub fn park(cx: &mut Ctx, deliver: bool) -> R {
    begin_park(cx, deliver);
    let saved = save(cx);
    let d = driver(cx);
    let id = d.current;
    let yielder = d.yielder;
    d.detached_parks += 1;
    if yielder == 0 {
        let result = run_until(cx, id);
        restore(cx, id, saved);
        result?;
    } else {
        let frames = (frame_address(), cx.stack_base);
        if let Some(t) = driver(cx).threads.get_mut(&id) {
            t.frames = frames;
        }
        // SAFETY: the yielder of the coroutine this code runs on, alive as long as its stack.
        let y = unsafe { &*(yielder as *const Yielder<(), Stop>) };
        y.suspend(Stop::Detached);
        restore(cx, id, saved);
    }
    let d = driver(cx);
    d.current = id;
    let Some(t) = d.threads.get_mut(&id) else { return Ok(Value::NONE) };
    t.state = State::Running;
    Ok(t.wake)
}

/// Saves the machine state of the running thread.
fn save(cx: &mut Ctx) -> Saved {
    let fiber = cx.fiber;
    fiber.segment.set(cx.segment.value());
    fiber.base.store(cx.base, std::sync::atomic::Ordering::Release);
    fiber.pc.store(cx.pc as *mut _, std::sync::atomic::Ordering::Release);
    fiber.top.store(cx.stack_top(), std::sync::atomic::Ordering::Release);
    fiber.handled.set(cx.handled);
    let yielder = driver(cx).yielder;
    Saved {
        limit: cx.limit,
        gen_top: cx.gen_top,
        depth: cx.depth,
        repr_guard: std::mem::take(&mut cx.repr_guard),
        stack_limit: cx.stack_limit,
        stack_base: cx.stack_base,
        yielder,
    }
}

fn restore(cx: &mut Ctx, id: u64, saved: Saved) {
    let fiber = fiber_of(cx, id);
    cx.fiber = fiber;
    cx.segment = fiber.segment.obj();
    cx.base = fiber.base.load(std::sync::atomic::Ordering::Acquire);
    cx.pc = fiber.pc.load(std::sync::atomic::Ordering::Acquire);
    cx.handled = fiber.handled.get();
    cx.limit = saved.limit;
    cx.gen_top = saved.gen_top;
    cx.depth = saved.depth;
    cx.repr_guard = saved.repr_guard;
    cx.stack_limit = saved.stack_limit;
    cx.stack_base = saved.stack_base;
    driver(cx).yielder = saved.yielder;
}

fn fiber_of(cx: &mut Ctx, id: u64) -> Gc<Fiber> {
    let handle = driver(cx).threads.get(&id).map_or(0, |t| t.fiber);
    let value = cx.iso().handles.lock().get(handle);
    match value.cast::<Fiber>() {
        Some(f) => f,
        None => unreachable!("a thread has a fiber"),
    }
}

/// An address below every frame of the caller, registers saved by a switch included.
#[inline(always)]
fn frame_address() -> usize {
    let here = 0u8;
    (&raw const here as usize).saturating_sub(RED)
}

/// Runs other threads until `id` is ready (and is taken off the queue).
fn run_until(cx: &mut Ctx, id: u64) -> R<()> {
    loop {
        let d = driver(cx);
        match d.next() {
            Some(next) if next == id => return Ok(()),
            Some(next) => run_slice(cx, next),
            None => idle(cx, id)?,
        }
    }
}

/// Nothing is ready: sleep until a timer fires, or say that nothing ever will.
fn idle(cx: &mut Ctx, id: u64) -> R<()> {
    cx.poll()?;
    let d = driver(cx);
    match d.timers.peek() {
        Some(&Reverse((at, ..))) => {
            // Short naps: a signal must be noticed soon.
            let nap = at.saturating_duration_since(Instant::now()).min(std::time::Duration::from_millis(5));
            cx.blocking(|| std::thread::sleep(nap));
            Ok(())
        }
        None => {
            if let Some(t) = d.threads.get_mut(&id) {
                t.state = State::Running;
            }
            Err(cx.error(ClassId::RuntimeError, "deadlock: every thread waits and nothing can wake any of them"))
        }
    }
}

/// Runs a ready thread until it parks or ends.
fn run_slice(cx: &mut Ctx, id: u64) {
    let outer = (cx.stack_limit, cx.stack_base, cx.fiber, cx.segment, cx.base, cx.pc, cx.handled);
    let (limit, gen_top, depth) = (cx.limit, cx.gen_top, cx.depth);
    cx.native_stacks.push((frame_address(), cx.stack_base));
    let d = driver(cx);
    let outer_yielder = d.yielder;
    d.current = id;
    let Some(t) = d.threads.get_mut(&id) else { return };
    t.state = State::Running;
    let frames = std::mem::take(&mut t.frames);
    let mut stack = match t.detached.take() {
        Some(stack) => {
            cx.native_stacks.retain(|&r| r != frames);
            stack
        }
        None => fresh_stack(cx, id),
    };
    let stop = match stack.resume(()) {
        CoroutineResult::Yield(stop) | CoroutineResult::Return(stop) => stop,
    };
    cx.native_stacks.pop();
    driver(cx).yielder = outer_yielder;
    (cx.stack_limit, cx.stack_base, cx.fiber, cx.segment, cx.base, cx.pc, cx.handled) = outer;
    (cx.limit, cx.gen_top, cx.depth) = (limit, gen_top, depth);
    match stop {
        Stop::Detached => {
            let d = driver(cx);
            let frames = match d.threads.get_mut(&id) {
                Some(t) => {
                    t.detached = Some(stack);
                    t.frames
                }
                None => (0, 0),
            };
            cx.native_stacks.push(frames);
        }
        Stop::Parked => recycle(cx, stack),
        Stop::Ended(error) => {
            recycle(cx, stack);
            ended(cx, id, error);
        }
    }
}

fn recycle(cx: &mut Ctx, stack: Stack) {
    let d = driver(cx);
    if stack.done() && d.pool.len() < POOLED {
        d.pool.push(stack.into_stack());
    }
}

fn ended(cx: &mut Ctx, id: u64, error: Option<Raised>) {
    let d = driver(cx);
    let handle = d.threads.remove(&id).map(|t| t.fiber);
    if let Some(handle) = handle {
        cx.iso().handles.lock().release(handle);
    }
    if let Some(e) = error
        && !cx.is_error(e, ClassId::SystemExit)
    {
        eprintln!("Exception ignored in thread started by a script:");
        let text = cx.format_exception(e.0);
        eprint!("{text}");
    }
}

/// A native stack set to run the thread's next slice.
fn fresh_stack(cx: &mut Ctx, id: u64) -> Stack {
    let pooled = driver(cx).pool.pop();
    let stack = match pooled {
        Some(stack) => stack,
        None => match DefaultStack::new(STACK_SIZE) {
            Ok(stack) => stack,
            Err(e) => {
                eprintln!("conc: no native stack for a thread: {e}");
                std::process::exit(70);
            }
        },
    };
    let (low, high) = (stack.limit().get(), stack.base().get());
    let cx_address = cx as *mut Context as usize;
    Coroutine::with_stack(stack, move |yielder: &Yielder<(), Stop>, ()| {
        // SAFETY: the context outlives its threads' slices, and only this code uses it while the slice runs.
        let cx = unsafe { &mut *(cx_address as *mut Context) };
        cx.stack_limit = low + (128 << 10);
        cx.stack_base = high;
        driver(cx).yielder = yielder as *const Yielder<(), Stop> as usize;
        slice(cx, id)
    })
}

/// One slice of a thread, on its native stack: starts it or goes on where it parked.
fn slice(cx: &mut Ctx, id: u64) -> Stop {
    let saved = driver(cx).threads.get_mut(&id).and_then(|t| t.saved.take());
    let outcome = match saved {
        None => begin(cx, id),
        Some(saved) => {
            let (stack_limit, stack_base, yielder) = (cx.stack_limit, cx.stack_base, driver(cx).yielder);
            restore(cx, id, Saved { stack_limit, stack_base, yielder, ..saved });
            resume_parked(cx, id)
        }
    };
    match outcome {
        Ok(Outcome::Parked { deliver }) => {
            begin_park(cx, deliver);
            let saved = save(cx);
            if let Some(t) = driver(cx).threads.get_mut(&id) {
                t.saved = Some(saved);
            }
            Stop::Parked
        }
        Ok(_) => Stop::Ended(None),
        Err(e) => Stop::Ended(Some(e)),
    }
}

/// The thread's first slice.
fn begin(cx: &mut Ctx, id: u64) -> R<Outcome> {
    let fiber = fiber_of(cx, id);
    cx.fiber = fiber;
    cx.segment = fiber.segment.obj();
    cx.base = std::ptr::null_mut();
    cx.pc = std::ptr::null();
    cx.gen_top = cx.segment.start();
    cx.limit = std::ptr::null_mut();
    cx.depth = 0;
    cx.handled = Value::NONE;
    let start = fiber.owner.get();
    fiber.owner.set(Value::NONE);
    let Some(start) = start.cast::<crate::object::sequence::Tuple>() else { return Ok(Outcome::Done(Value::NONE)) };
    let args = cx.collect_tuple(start.items()[1])?;
    match start_thread(cx, start.items()[0], args.items())? {
        // SAFETY: the frame was just pushed.
        Started::Frame => unsafe { run(cx, cx.pc, cx.base) },
        Started::Ended(v) => Ok(Outcome::Done(v)),
    }
}

fn resume_parked(cx: &mut Ctx, id: u64) -> R<Outcome> {
    let (wake, deliver) = driver(cx).threads.get(&id).map_or((Value::NONE, false), |t| (t.wake, t.deliver));
    // SAFETY: the thread's innermost frame is a parked one.
    unsafe {
        if deliver {
            *cx.base.add(crate::vm::native::RESULT as usize) = wake;
        }
        run(cx, cx.pc, cx.base)
    }
}

/// Main has ended: runs the other threads until all but daemons have ended too.
pub fn finish(cx: &mut Ctx) -> R<()> {
    if cx.scheduler.is_none() {
        return Ok(());
    }
    loop {
        let d = driver(cx);
        if !d.threads.iter().any(|(&id, t)| id != MAIN && !t.daemon) {
            return Ok(());
        }
        match d.next() {
            Some(MAIN) => {}
            Some(next) => run_slice(cx, next),
            None => idle(cx, MAIN)?,
        }
    }
}
