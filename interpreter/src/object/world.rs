//! Stopping the world: all workers of an interpreter meet at safepoints while one of them collects.
//!
//! A context has a thread *in* it or not (`presence`). The collector raises the others' interrupt words and waits until
//! no thread is in them: each publishes its stacks before it goes out, and comes back once the world goes on. A worker
//! that blocks in the system ([`Ctx::blocking`]) or calls a host's function is out all the while. No lock is held across
//! a safepoint.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::ctx::{Ctx, EMPTY_CACHE_ENTRY};
use super::isolate::Isolate;
use super::presence::Absent;
use crate::heap::{LocalHeap, Marker, Stop};

/// Who goes out does not wait for its word to be seen before it looks whether anybody waits for that: now and then one
/// is not told, and looks again after so long.
const PATIENCE: Duration = Duration::from_micros(100);

/// The workers of an interpreter.
#[derive(Default)]
pub struct World {
    state: Mutex<State>,
    changed: Condvar,
    /// Somebody waits for contexts to be left.
    waited_for: AtomicBool,
    /// Counts the times that the world was stopped.
    stops: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Contexts by address.
    workers: Vec<usize>,
    collecting: bool,
    /// Threads that want to be the second one of the interpreter.
    newcomers: usize,
}

/// What a worker publishes before it goes out: where its native frames begin.
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
            self.stand(cx, state, false);
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
            self.stand(cx, state, false);
            return false;
        }
        let others: Vec<*mut Ctx> = state.workers.iter().filter(|&&w| w != me).map(|&w| w as *mut Ctx).collect();
        state.collecting = !others.is_empty();
        self.hold(&mut state, &others);
        if body(cx, &others) {
            self.stops.fetch_add(1, Ordering::Release);
            cx.note_stops();
        }
        state.collecting = false;
        self.let_go(state, &others);
        true
    }

    /// Waits until no thread is in these contexts, and keeps it so.
    fn hold(&self, state: &mut MutexGuard<'_, State>, others: &[*mut Ctx]) {
        // SAFETY: registered contexts are alive until they remove themselves, which takes the lock and waits for us.
        let is_held = |other: &*mut Ctx| unsafe { (**other).presence.hold() };
        if others.iter().all(is_held) {
            return;
        }
        self.waited_for.store(true, Ordering::SeqCst);
        for other in others.iter().filter(|other| !is_held(other)) {
            // SAFETY: as above.
            unsafe { (**other).request_stop() };
        }
        while !others.iter().all(is_held) {
            self.changed.wait_for(state, PATIENCE);
        }
        self.waited_for.store(false, Ordering::Relaxed);
    }

    fn let_go(&self, state: MutexGuard<'_, State>, others: &[*mut Ctx]) {
        for &other in others {
            // SAFETY: as above; the lock is held.
            unsafe { (*other).presence.let_go() };
        }
        drop(state);
        self.changed.notify_all();
    }

    /// A thread that is in no context is about to make one for itself: from now on the heap is shared. `prepare` is run
    /// first if it was not, with nobody in the one context that there is.
    ///
    /// That one's thread is waited for at a poll, not where it allocates: a native that has just made room may have
    /// looked whether it is alone.
    pub(crate) fn share(&self, iso: &Isolate, prepare: impl FnOnce(&mut Ctx)) {
        let mut state = self.state.lock();
        state.newcomers += 1;
        while !iso.shared.load(Ordering::SeqCst) {
            let others: Vec<*mut Ctx> = state.workers.iter().map(|&w| w as *mut Ctx).collect();
            // SAFETY: as in `hold`.
            if !others.iter().all(|&other| unsafe { (*other).presence.hold() }) {
                self.waited_for.store(true, Ordering::SeqCst);
                // SAFETY: as above.
                others.iter().for_each(|&other| unsafe { (*other).request_stop() });
                self.changed.wait_for(&mut state, PATIENCE);
                continue;
            }
            if let Some(&first) = others.first() {
                // SAFETY: no thread is in it, nor comes in before it is let go.
                prepare(unsafe { &mut *first });
            }
            iso.shared.store(true, Ordering::SeqCst);
            state.newcomers -= 1;
            return self.let_go(state, &others);
        }
        state.newcomers -= 1;
        drop(state);
        self.changed.notify_all();
    }

    /// The worker stands still until the world goes on; `polls`: for newcomers, too.
    fn stand(&self, cx: &mut Ctx, mut state: MutexGuard<'_, State>, polls: bool) {
        let mut registers = [0usize; 8];
        super::ctx::spill_registers(&mut registers);
        cx.published = Published { native: registers.as_ptr() as usize };
        cx.presence.go_out();
        self.changed.notify_all();
        while state.collecting || polls && state.newcomers != 0 || !cx.presence.come_back() {
            self.changed.wait(&mut state);
        }
        drop(state);
        std::hint::black_box(&registers);
        cx.note_stops();
    }
}

impl Ctx {
    /// Waits here if somebody wants the world stopped.
    pub(crate) fn safepoint(&mut self) {
        let world = &self.iso().world;
        let state = world.state.lock();
        if state.collecting || state.newcomers != 0 {
            world.stand(self, state, true);
        }
    }

    /// Runs a blocking system call: the worker counts as stopped meanwhile. `body` touches no object of the heap.
    pub fn blocking<T>(&mut self, body: impl FnOnce() -> T) -> T {
        let mut registers = [0usize; 8];
        super::ctx::spill_registers(&mut registers);
        self.published = Published { native: registers.as_ptr() as usize };
        self.go_out();
        let result = body();
        self.come_back();
        std::hint::black_box(&registers);
        result
    }

    /// The thread does not touch the heap until [`Ctx::come_back`]; where its native frames begin has been published.
    #[inline]
    pub(crate) fn go_out(&mut self) {
        self.presence.go_out();
        self.tell_of_leaving();
    }

    /// It goes on, once the world does.
    #[inline]
    pub(crate) fn come_back(&mut self) {
        while !self.presence.come_back() {
            self.wait_while_held();
        }
        self.note_stops();
    }

    /// The calling thread gives the context up. It has nothing on the native stack that the collector would have to see.
    #[inline]
    pub(crate) fn leave(&mut self) {
        self.published = Published { native: self.stack_base };
        self.presence.leave();
        self.tell_of_leaving();
    }

    /// Takes a context for the calling thread; false: another has it.
    ///
    /// # Safety
    /// The context is alive.
    #[inline]
    pub(crate) unsafe fn take(cx: *mut Ctx) -> bool {
        loop {
            // SAFETY: by the contract; the word may be looked at by any thread.
            match unsafe { (*cx).presence.enter() } {
                Ok(()) => break,
                Err(Absent::Taken) => return false,
                // SAFETY: as above.
                Err(Absent::Held) => unsafe { (*cx).wait_while_held() },
            }
        }
        // SAFETY: this thread has it now.
        unsafe { (*cx).note_stops() };
        true
    }

    #[inline]
    fn tell_of_leaving(&self) {
        let world = &self.iso().world;
        if world.waited_for.load(Ordering::SeqCst) {
            let state = world.state.lock();
            world.changed.notify_all();
            drop(state);
        }
    }

    #[cold]
    fn wait_while_held(&self) {
        let world = &self.iso().world;
        let mut state = world.state.lock();
        while state.collecting {
            world.changed.wait(&mut state);
        }
    }

    /// What is remembered of classes may be of dead ones, if the world has been stopped since this was last called.
    #[inline]
    fn note_stops(&mut self) {
        let stops = self.iso().world.stops.load(Ordering::Acquire);
        if self.stops_seen != stops {
            self.stops_seen = stops;
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
        // A seat of a host's takes part before it has a fiber.
        if cx.gen_top.is_null() {
            return;
        }
        super::walk::mark_stack(cx.base, cx.pc, cx.segment.value(), cx.binding, marker);
    }
    super::trace::mark(marker, cx.handled);
    super::trace::mark(marker, cx.fiber.value());
}
