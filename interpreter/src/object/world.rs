//! Stopping the world: all workers of an interpreter meet at safepoints while one of them collects.
//!
//! A worker is *running* or *stopped*. The collector raises the others' interrupt words and waits until each has
//! published its stacks and counts as stopped; a worker that blocks in the system counts as stopped all the while
//! ([`Ctx::blocking`]) and looks again before it goes on. No lock is held across a safepoint.

use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::ctx::{Ctx, EMPTY_CACHE_ENTRY};
use crate::heap::{LocalHeap, Marker, Stop};

/// The workers of an interpreter.
#[derive(Default)]
pub struct World {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Contexts by address.
    workers: Vec<usize>,
    stopped: usize,
    collecting: bool,
    /// Counts the stops in which objects may have been freed.
    stops: u64,
}

/// What a worker publishes before it counts as stopped: where its native frames begin.
#[derive(Clone, Copy, Default)]
pub struct Published {
    pub native: usize,
}

impl World {
    /// Adds a context; it stays at its address until removed.
    pub fn add(&self, cx: &mut Ctx) {
        let mut state = self.state.lock();
        while state.collecting {
            self.changed.wait(&mut state);
        }
        state.workers.push(cx as *mut Ctx as usize);
    }

    /// Takes a context out; until then it counts like any other worker.
    pub fn remove(&self, cx: &mut Ctx) {
        let mut state = self.state.lock();
        while state.collecting {
            self.wait_stopped(cx, state);
            state = self.state.lock();
        }
        let address = cx as *mut Ctx as usize;
        state.workers.retain(|&w| w != address);
    }

    /// Runs `body` with every other worker stopped; false: another worker has just collected instead.
    /// `body` gets the other workers' contexts, and tells whether it may have freed objects.
    fn stop(&self, cx: &mut Ctx, body: impl FnOnce(&mut Ctx, &[*mut Ctx]) -> bool) -> bool {
        let me = cx as *mut Ctx as usize;
        let mut state = self.state.lock();
        if state.collecting {
            self.wait_stopped(cx, state);
            return false;
        }
        let others: Vec<*mut Ctx> = state.workers.iter().filter(|&&w| w != me).map(|&w| w as *mut Ctx).collect();
        if !others.is_empty() {
            state.collecting = true;
            for &other in &others {
                // SAFETY: registered contexts are alive until they remove themselves, which waits for us.
                unsafe { (*other).request_stop() };
            }
            while state.stopped < others.len() {
                self.changed.wait(&mut state);
            }
        }
        if body(cx, &others) {
            state.stops += 1;
            cx.forget_since(state.stops);
        }
        state.collecting = false;
        drop(state);
        self.changed.notify_all();
        true
    }

    fn wait_stopped(&self, cx: &mut Ctx, mut state: parking_lot::MutexGuard<'_, State>) {
        let mut registers = [0usize; 8];
        super::ctx::spill_registers(&mut registers);
        cx.published = Published { native: registers.as_ptr() as usize };
        state.stopped += 1;
        self.changed.notify_all();
        while state.collecting {
            self.changed.wait(&mut state);
        }
        state.stopped -= 1;
        let stops = state.stops;
        drop(state);
        std::hint::black_box(&registers);
        cx.forget_since(stops);
    }
}

impl Ctx {
    /// Waits here if a collector wants the world stopped.
    pub(crate) fn safepoint(&mut self) {
        let world = &self.iso().world;
        let state = world.state.lock();
        if state.collecting {
            world.wait_stopped(self, state);
        }
    }

    /// Runs a blocking system call: the worker counts as stopped meanwhile. `body` touches no object of the heap.
    pub fn blocking<T>(&mut self, body: impl FnOnce() -> T) -> T {
        let mut registers = [0usize; 8];
        super::ctx::spill_registers(&mut registers);
        self.published = Published { native: registers.as_ptr() as usize };
        let world = &self.iso().world;
        world.state.lock().stopped += 1;
        world.changed.notify_all();
        let result = body();
        let mut state = world.state.lock();
        while state.collecting {
            world.changed.wait(&mut state);
        }
        state.stopped -= 1;
        let stops = state.stops;
        drop(state);
        std::hint::black_box(&registers);
        self.forget_since(stops);
        result
    }

    /// The calling thread leaves this context: until [`Ctx::come_back`] it counts as stopped. It has nothing on the
    /// native stack that the collector would have to see.
    pub(crate) fn leave(&mut self) {
        self.published = Published { native: self.stack_base };
        let world = &self.iso().world;
        world.state.lock().stopped += 1;
        world.changed.notify_all();
    }

    /// A thread takes the context up again, once nobody collects.
    pub(crate) fn come_back(&mut self) {
        let world = &self.iso().world;
        let mut state = world.state.lock();
        while state.collecting {
            world.changed.wait(&mut state);
        }
        state.stopped -= 1;
        let stops = state.stops;
        drop(state);
        self.forget_since(stops);
    }

    /// What is remembered of classes may be of dead ones, if the world has been stopped since this was last called.
    fn forget_since(&mut self, stops: u64) {
        if std::mem::replace(&mut self.stops_seen, stops) != stops {
            self.type_cache.fill(EMPTY_CACHE_ENTRY);
        }
    }

    /// Runs `body` while every other worker stands at a safepoint, its machine state in its context. `body` gets
    /// those contexts; it makes no objects and runs no scripts.
    pub(crate) fn with_world_stopped<T>(&mut self, body: impl FnOnce(&mut Ctx, &[*mut Ctx]) -> T) -> T {
        let iso = self.iso();
        let mut body = Some(body);
        let mut result = None;
        // Another worker may collect just now; then it is this one's turn to stand.
        while let Some(todo) = body.take() {
            let mut left = Some(todo);
            iso.world.stop(self, |cx, others| {
                result = left.take().map(|todo| todo(cx, others));
                false
            });
            body = left;
        }
        match result {
            Some(result) => result,
            None => unreachable!("the body has run"),
        }
    }

    /// Collects garbage now.
    #[inline(never)]
    pub fn collect(&mut self) {
        let mut registers = [0usize; 8];
        super::ctx::spill_registers(&mut registers);
        self.collect_from(registers.as_ptr() as usize, true, true);
        std::hint::black_box(&registers);
    }

    /// Does a slice of a collection: the heap has grown, or one goes on.
    #[inline(never)]
    pub(super) fn collect_slice(&mut self) {
        if self.iso().heap.is_resting() {
            return;
        }
        let mut registers = [0usize; 8];
        super::ctx::spill_registers(&mut registers);
        let whole = self.iso().heap.wants_all();
        self.collect_from(registers.as_ptr() as usize, whole, false);
        std::hint::black_box(&registers);
    }

    /// Collects for a native that holds no value itself. If the loop itself has called it, no native frame between
    /// the loop's caller and here does, and old words in them are left out: what a script can no longer reach is
    /// found dead for certain, unless a native further out has kept it.
    #[inline(never)]
    pub fn collect_exactly(&mut self) {
        if self.loop_entry == 0 {
            return self.collect();
        }
        self.collect_from(self.loop_entry, true, true);
    }

    /// Collects with native frames from the address on as roots: all, or a slice's worth. Another worker may do so at the
    /// same time; with `insist`, this one does besides.
    fn collect_from(&mut self, native: usize, whole: bool, insist: bool) {
        let iso = self.iso();
        let begun = Instant::now();
        let mut done = None;
        while done.is_none() {
            self.collect_once(native, whole, &mut done);
            if !insist {
                break;
            }
            // If another worker has collected instead, it may have done no more than a slice.
        }
        iso.heap.log_pause(begun.elapsed(), done);
        iso.heap.give_back();
        if !iso.to_finalize.lock().is_empty() {
            self.signals_arc().raise();
        }
    }

    /// Collects with native frames from the address on as roots, unless another worker does just now.
    fn collect_once(&mut self, native: usize, whole: bool, done: &mut Option<Stop>) {
        let iso = self.iso();
        self.published = Published { native };
        iso.world.stop(self, |cx, others| {
            let me = cx as *mut Ctx;
            let mut locals: Vec<&mut LocalHeap> = Vec::with_capacity(others.len() + 1);
            for &worker in others.iter().chain([&me]) {
                // SAFETY: every other worker is stopped, and `cx` is not used while its part is borrowed here.
                locals.push(unsafe { &mut (*worker).local });
            }
            let stacks = |marker: &mut Marker| {
                for &worker in others.iter().chain([&me]) {
                    // SAFETY: the worker is stopped (or this one) and has published where its frames begin.
                    unsafe { mark_worker(&*worker, marker) };
                }
            };
            let stop = iso.collect(&mut locals, &stacks, whole);
            *done = Some(stop);
            stop.has_freed()
        });
    }
}

/// Marks from a stopped worker's stacks and registers.
///
/// # Safety
/// The worker is stopped and has published its state.
unsafe fn mark_worker(cx: &Ctx, marker: &mut Marker) {
    // SAFETY: by the contract: native frames from the published address up, other stacks as the scheduler keeps
    // them, and the running fiber's frames.
    unsafe {
        for &(low, high) in &cx.native_stacks {
            marker.mark_range(low, high);
        }
        marker.mark_range(cx.published.native, cx.stack_base);
        super::walk::mark_stack(cx.base, cx.pc, cx.segment.value(), cx.binding, marker);
    }
    super::trace::mark(marker, cx.handled);
    super::trace::mark(marker, cx.fiber.value());
}
