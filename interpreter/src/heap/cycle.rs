//! The collection cycle: in one stop of the world, or in slices between which scripts run.
//!
//! What marking in slices rests on is told in [`super::grey`]. A cycle begins with the rest of the last one's sweep, so
//! that no old mark is left; from then on allocation takes fresh blocks only, whose objects are unmarked and found like
//! all others. It ends with a slice that looks at the roots again, finds nothing more to trace within its time, and
//! goes on to what dies.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::alloc::{Blocks, Heap, LocalHeap, MIN_TRIGGER, Mode};
use super::block::{BLOCK_SIZE, BlockState, block_of, finish_sweep, mark_byte};
use super::mark::{Budget, Marker};

/// How long the world is stopped for a slice, and for marking in the last one once its roots are marked.
const SLICE: Duration = Duration::from_millis(4);
const LAST: Duration = Duration::from_millis(3);
/// After so many slices that might have been the last, one goes on for as long as it takes.
const MOST_ENDS: u32 = 6;
/// Objects traced in a slice when slices are checked.
const CHECKED_SLICE: usize = 48;
/// The least that is allocated between two slices.
const LEAST_STEP: usize = 128 << 10;
/// Blocks swept between two looks at the clock.
const SWEPT_AT_ONCE: usize = 16;

/// What the owner of a heap knows: where marking begins and what goes with it.
pub trait Owner {
    /// Marks what is reachable from outside the heap.
    fn mark_roots(&mut self, marker: &mut Marker);
    /// Objects with these shapes are marked: marks what belongs to the shapes.
    fn mark_shapes(&mut self, marker: &mut Marker, shapes: Vec<u32>);
    /// Everything reachable is marked: sees to weak references, finalizers and payloads of what is not.
    fn after_mark(&mut self, marker: &mut Marker);
    /// What an object is, for a report.
    fn describe(&self, kind: u8, shape: u32) -> String;
}

/// What the world was stopped for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// A slice of the sweep that a cycle begins with.
    Sweep,
    /// A slice of marking.
    Mark,
    /// The end of a cycle that had slices, or all of a short one: objects may have been freed.
    End,
    /// A whole collection, however long it took.
    Whole,
}

impl Stop {
    /// Whether objects may have been freed.
    pub fn has_freed(self) -> bool {
        matches!(self, Stop::End | Stop::Whole)
    }
}

/// The collection that is going on, if one is.
#[derive(Default)]
pub(super) struct Cycle {
    marker: Option<Marker>,
    /// Scripts run until then at least.
    rest_until: Option<Instant>,
    slices: usize,
    /// How many slices might have been the last.
    ends: u32,
}

/// Traces until nothing new is found, or the budget is spent: whether nothing is left.
pub fn complete(marker: &mut Marker, owner: &mut dyn Owner, budget: &mut Budget) -> bool {
    loop {
        if !marker.drain(budget) {
            return false;
        }
        let shapes = marker.new_shapes();
        if shapes.is_empty() {
            return true;
        }
        owner.mark_shapes(marker, shapes);
    }
}

impl Heap {
    /// A whole collection, with the world stopped; `locals` are all workers' shares. One that goes on is given up: what it
    /// has marked may have died since.
    pub fn collect(&self, locals: &mut [&mut LocalHeap], owner: &mut dyn Owner) {
        let mut cycle = self.cycle.lock();
        let given_up = std::mem::take(&mut *cycle).marker.map(|marker| marker.epoch());
        self.greys.end();
        for local in locals.iter_mut() {
            local.retire();
        }
        self.sweep_rest(&mut Budget::unlimited());
        let mut marker = self.marker(given_up);
        owner.mark_roots(&mut marker);
        complete(&mut marker, owner, &mut Budget::unlimited());
        self.finish(locals, owner, marker, false);
    }

    /// A slice of a collection, with the world stopped. If there is not much to mark, the first slice is the last.
    pub fn slice(&self, locals: &mut [&mut LocalHeap], owner: &mut dyn Owner) -> Stop {
        let begun = Instant::now();
        let mut cycle = self.cycle.lock();
        let mut budget = self.budget(SLICE);
        let first = cycle.marker.is_none();
        if first && !self.sweep_rest(&mut budget) {
            cycle.rest_until = Some(begun + 2 * begun.elapsed());
            self.act_after(LEAST_STEP);
            return Stop::Sweep;
        }
        let mut marker = cycle.marker.take().unwrap_or_else(|| self.marker(None));
        if first {
            if self.mode() == Mode::Slices {
                marker.note_frames();
            }
            owner.mark_roots(&mut marker);
        }
        self.greys.take(|object, again| marker.take_grey(object, again));
        let mut done = complete(&mut marker, owner, &mut budget);
        if done && !first {
            cycle.ends += 1;
            owner.mark_roots(&mut marker);
            let mut budget = if cycle.ends < MOST_ENDS { self.budget(LAST) } else { Budget::unlimited() };
            done = complete(&mut marker, owner, &mut budget);
        }
        if done {
            let sliced = cycle.slices > 0;
            *cycle = Cycle::default();
            self.finish(locals, owner, marker, sliced);
            return Stop::End;
        }
        self.greys.begin(marker.epoch());
        cycle.slices += 1;
        self.act_after(self.step(marker.live_bytes, cycle.slices));
        cycle.marker = Some(marker);
        cycle.rest_until = Some(begun + 2 * begun.elapsed());
        Stop::Mark
    }

    /// Whether scripts are to run on before the next slice, though they have allocated what they might.
    pub fn is_resting(&self) -> bool {
        let rest =
            self.mode() == Mode::Normal && self.cycle.lock().rest_until.is_some_and(|until| Instant::now() < until);
        if rest {
            self.act_after(LEAST_STEP);
        }
        rest
    }

    /// Whether a collection goes on.
    pub fn is_marking(&self) -> bool {
        self.greys.is_marking()
    }

    /// The next slice is due when `bytes` more have been allocated.
    fn act_after(&self, bytes: usize) {
        self.trigger.store(self.since.load(Ordering::Relaxed).saturating_add(bytes), Ordering::Relaxed);
    }

    /// How much is to be allocated until the next slice, if the cycle is to end before the heap has grown by a quarter of
    /// what was live. Never more than half of what a slice marks: so it ends, be all that scripts make kept.
    fn step(&self, marked: usize, slices: usize) -> usize {
        let live = self.live.load(Ordering::Relaxed).max(self.in_use.load(Ordering::Relaxed) / 2);
        let rate = (marked / slices).max(1);
        let left = live.saturating_sub(marked) / rate + 3;
        (live.max(MIN_TRIGGER) / 4 / left).min(rate / 2).max(LEAST_STEP)
    }

    /// Tells of a pause that scripts had, if `CONC_GC_LOG` asks for it.
    pub fn log_pause(&self, pause: Duration, stop: Option<Stop>) {
        if self.log
            && let Some(stop) = stop
        {
            let megabytes = |bytes: &std::sync::atomic::AtomicUsize| bytes.load(Ordering::Relaxed) >> 20;
            let what = match stop {
                Stop::Sweep => "sweep",
                Stop::Mark => "mark",
                Stop::End => "end",
                Stop::Whole => "whole",
            };
            let (ms, in_use, live) = (pause.as_secs_f64() * 1e3, megabytes(&self.in_use), megabytes(&self.live));
            eprintln!("gc: {ms:.3} ms {what}, {in_use} MB in use, {live} MB live");
        }
    }

    fn budget(&self, time: Duration) -> Budget {
        match self.mode() {
            Mode::Slices => Budget::objects(CHECKED_SLICE),
            _ => Budget::until(Instant::now() + time),
        }
    }

    /// A marker with a mark that no object has.
    fn marker(&self, given_up: Option<u8>) -> Marker {
        let old = self.epoch.load(Ordering::Relaxed);
        let epoch = (1..=3).find(|&e| e != old && Some(e) != given_up).unwrap_or(1);
        Marker::new(self.id, epoch, self.trace, self.leaves)
    }

    /// Everything reachable is marked.
    fn finish(&self, locals: &mut [&mut LocalHeap], owner: &mut dyn Owner, mut marker: Marker, sliced: bool) {
        if self.mode() == Mode::Slices {
            self.verify(&marker, owner);
        }
        owner.after_mark(&mut marker);
        marker.drain(&mut Budget::unlimited());
        self.greys.end();
        for local in locals {
            local.retire();
        }
        self.epoch.store(marker.epoch(), Ordering::Relaxed);
        self.start_sweep(marker.epoch());
        self.live.store(marker.live_bytes, Ordering::Relaxed);
        self.since.store(0, Ordering::Relaxed);
        // Slices leave the scripts time to allocate more.
        let due = if sliced { marker.live_bytes / 8 * 7 } else { marker.live_bytes };
        self.trigger.store(MIN_TRIGGER.max(due), Ordering::Relaxed);
        self.collections.fetch_add(1, Ordering::Relaxed);
    }

    /// Goes on with the sweep of the last cycle, so that all that is dead has a zero header and no mark; blocks in which
    /// nothing lives go back to the pool. Whether all is swept. Allocation goes on in the workers' runs, which have been
    /// swept, and in fresh blocks.
    fn sweep_rest(&self, budget: &mut Budget) -> bool {
        let epoch = self.epoch.load(Ordering::Relaxed);
        let poison = self.mode() != Mode::Normal;
        let mut guard = self.blocks.lock();
        let Blocks { classes, free, .. } = &mut *guard;
        let mut swept = 0;
        for class in classes.iter_mut() {
            while class.cursor < class.end {
                class.end -= 1;
                let block = class.blocks[class.end];
                // SAFETY: a small block of this heap; the world is stopped.
                if !unsafe { finish_sweep(block, epoch, poison) } {
                    // SAFETY: as above; no cell of it is in use.
                    unsafe { (*block_of(block)).state = BlockState::Free };
                    self.in_use.fetch_sub(BLOCK_SIZE, Ordering::Relaxed);
                    free.push(block);
                    class.blocks.swap_remove(class.end);
                }
                swept += 1;
                if swept % SWEPT_AT_ONCE == 0 && budget.is_spent() {
                    return false;
                }
            }
        }
        // What is left are blocks that workers have been taking their runs from.
        for &block in classes.iter().flat_map(|class| &class.blocks) {
            // SAFETY: as above.
            unsafe {
                if (*block_of(block)).swept < BLOCK_SIZE as u32 {
                    finish_sweep(block, epoch, poison);
                }
            }
        }
        true
    }

    /// Frees unmarked large objects and makes all small blocks sweepable again.
    fn start_sweep(&self, epoch: u8) {
        let mut guard = self.blocks.lock();
        let blocks = &mut *guard;
        let large = std::mem::take(&mut blocks.large);
        for start in large {
            // SAFETY: the start of a large object of this heap.
            if unsafe { mark_byte(start) }.load(Ordering::Relaxed) == epoch {
                blocks.large.push(start);
            } else {
                self.free_large(blocks, start);
            }
        }
        for class in &mut blocks.classes {
            class.cursor = 0;
            class.end = class.blocks.len();
            for &block in &class.blocks {
                // SAFETY: a small block of this heap; the world is stopped.
                let b = unsafe { &mut *block_of(block) };
                b.swept = 0;
                b.dirty = true;
            }
        }
    }
}
