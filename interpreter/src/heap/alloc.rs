//! Allocation: size classes, per-worker runs and large objects.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::block::{
    BLOCK_SIZE, BLOCKS, BlockState, GRANULE, HEAD_BLOCKS, MAX_SMALL, block_of, chunk_of, mark_byte, next_run, set_greys,
};
use super::chunk::{CHUNK_SIZE, reservation};
use super::cycle::Cycle;
use super::grey::Greys;
use super::mark::TraceFn;

/// Size classes: every 16 bytes up to 512, then eight steps to each doubling up to 8 KiB.
pub const CLASSES: usize = 32 + 4 * 8;
const FINE_LIMIT: usize = 512;
/// Collections start once this much has been allocated, whatever is live.
pub(super) const MIN_TRIGGER: usize = 16 << 20;

/// The size class of an object of `size` bytes (at most [`MAX_SMALL`]).
#[inline(always)]
pub const fn class_of(size: usize) -> usize {
    if size <= FINE_LIMIT {
        size.div_ceil(GRANULE) - (size != 0) as usize
    } else {
        let log = (usize::BITS - 1 - (size - 1).leading_zeros()) as usize;
        let step = 1usize << (log - 3);
        let above = (size - (1 << log)).div_ceil(step);
        32 + (log - 9) * 8 + above - 1
    }
}

/// The cell size of a class.
pub const fn class_size(class: usize) -> usize {
    if class < 32 {
        (class + 1) * GRANULE
    } else {
        let log = 9 + (class - 32) / 8;
        (1 << log) + ((class - 32) % 8 + 1) * (1 << (log - 3))
    }
}

const _: () =
    assert!(class_of(16) == 0 && class_of(512) == 31 && class_of(513) == 32 && class_of(MAX_SMALL) == CLASSES - 1);
const _: () = assert!(class_size(CLASSES - 1) == MAX_SMALL && class_size(class_of(1000)) >= 1000);

/// So many of a heap's chunks are in small pages if memory is to be spared; else only the first.
const SMALL_PAGED: usize = 2;
/// So much of such a chunk, but the first, is faulted in at once: page by page costs several times as much.
const STEP: usize = 256 << 10;

/// A run of free, zeroed cells.
#[derive(Clone, Copy)]
struct Run {
    at: usize,
    end: usize,
    /// The block the run lies in, to go on sweeping; 0 at first.
    block: usize,
}

/// One worker's share: the current run of each size class. Used by its worker only.
pub struct LocalHeap {
    runs: [Run; CLASSES],
    /// Bytes taken since the heap was last told.
    taken: usize,
    /// Objects made since the last collection that have to be seen to if they are found dead.
    pub watched: Vec<usize>,
    /// Ended coroutines by the number of their registers, to be used again before the next collection: the first of each
    /// list, or 0.
    pub spares: [usize; SPARE_SIZES],
}

/// Coroutines with so many registers or more are not used again.
pub const SPARE_SIZES: usize = 32;

impl Default for LocalHeap {
    fn default() -> Self {
        LocalHeap {
            runs: [Run { at: 0, end: 0, block: 0 }; CLASSES],
            taken: 0,
            watched: Vec::new(),
            spares: [0; SPARE_SIZES],
        }
    }
}

impl LocalHeap {
    /// A zeroed cell of at least `size` bytes, if the current run has one.
    #[inline(always)]
    pub fn bump(&mut self, size: usize) -> Option<*mut u8> {
        let class = class_of(size);
        let run = &mut self.runs[class];
        let at = run.at;
        let next = at + class_size(class);
        if next <= run.end {
            run.at = next;
            Some(at as *mut u8)
        } else {
            None
        }
    }

    /// Forgets the run for objects of `size` bytes.
    pub fn discard(&mut self, size: usize) {
        self.runs[class_of(size)] = Run { at: 0, end: 0, block: 0 };
    }

    /// The run for objects of `size` bytes has come to its end; what is left of it is found again when its block is asked
    /// for the next one.
    pub fn cut(&mut self, size: usize) {
        let run = &mut self.runs[class_of(size)];
        run.end = run.at;
        // SAFETY: the block is held by this worker, and the cells from there on have been swept and not handed out.
        unsafe { (*block_of(run.block)).swept = (run.at - run.block) as u32 };
    }

    /// Forgets all runs; the cells not handed out have zero headers and are found again by the next sweep.
    pub(super) fn retire(&mut self) {
        *self = LocalHeap::default();
    }
}

#[derive(Default)]
pub(super) struct ClassBlocks {
    /// Blocks of this class; those from `cursor` up to `end` have not been looked at since the last collection.
    pub(super) blocks: Vec<usize>,
    pub(super) cursor: usize,
    pub(super) end: usize,
}

#[derive(Default)]
pub(super) struct Blocks {
    /// Chunk spans owned: (address, chunks).
    spans: Vec<(usize, usize)>,
    /// Spans of dead huge objects, to be given back.
    leaving: Vec<(usize, usize)>,
    pub(super) free: Vec<usize>,
    /// Unused blocks at the end of the newest chunk.
    fresh: std::ops::Range<usize>,
    /// They are faulted in up to here; or the system does that, in huge pages or as they are used: the end.
    present: usize,
    pub(super) classes: Vec<ClassBlocks>,
    /// Starts of large objects.
    pub(super) large: Vec<usize>,
}

/// How often the heap is collected.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mode {
    /// When it has grown.
    Normal,
    /// At every allocation.
    Stress,
    /// All the time: every allocation does a small slice, and each cycle is checked.
    Slices,
}

/// What `CONC_GC` asks for: the mode, and whether from the start.
fn asked() -> (Mode, bool) {
    match std::env::var("CONC_GC").as_deref() {
        Ok("stress") => (Mode::Stress, false),
        Ok("stress-all") => (Mode::Stress, true),
        Ok("slices") => (Mode::Slices, false),
        Ok("slices-all") => (Mode::Slices, true),
        _ => (Mode::Normal, false),
    }
}

impl Blocks {
    /// Fresh blocks come from a new chunk, the one taken last.
    fn renew(&mut self, chunk: usize, sparing: bool) {
        self.fresh = chunk + HEAD_BLOCKS * BLOCK_SIZE..chunk + CHUNK_SIZE;
        let by_steps = sparing && (2..=SMALL_PAGED).contains(&self.spans.len());
        self.present = if by_steps { self.fresh.start } else { self.fresh.end };
    }

    /// The next of them, of which there are enough.
    fn take_fresh(&mut self, count: usize) -> usize {
        let start = self.fresh.start;
        self.fresh.start += count * BLOCK_SIZE;
        if self.fresh.start > self.present {
            let end = self.fresh.start.next_multiple_of(STEP).min(self.fresh.end);
            reservation().fault_in(self.present, end - self.present);
            self.present = end;
        }
        start
    }
}

/// A heap: all objects of one interpreter.
pub struct Heap {
    pub(super) id: u32,
    pub(super) trace: TraceFn,
    pub(super) leaves: u64,
    /// The mark of what the last collection found live.
    pub(super) epoch: AtomicU8,
    pub(super) blocks: Mutex<Blocks>,
    pub(super) cycle: Mutex<Cycle>,
    /// In a place of their own: chunks know them by it.
    pub(super) greys: Box<Greys>,
    /// Bytes handed out since the last collection, counted by runs and large objects.
    pub(super) since: AtomicUsize,
    /// How many there may be before something is to be done.
    pub(super) trigger: AtomicUsize,
    /// Bytes in blocks in use.
    pub(super) in_use: AtomicUsize,
    limit: AtomicUsize,
    over_limit: AtomicBool,
    /// Memory counts more than the time that huge pages save.
    sparing: AtomicBool,
    /// Small objects have begun to use the last of the address space.
    short: AtomicBool,
    /// A [`Mode`].
    mode: AtomicU8,
    /// Pauses are told of.
    pub(super) log: bool,
    pub collections: AtomicUsize,
    /// Bytes found live by the last collection.
    pub live: AtomicUsize,
}

static NEXT_ID: AtomicU32 = AtomicU32::new(1);

impl Heap {
    /// A heap whose objects `trace` can follow; `leaves` has a bit for each kind that refers to nothing.
    pub fn new(trace: TraceFn, leaves: u64) -> Heap {
        let mut blocks = Blocks::default();
        blocks.classes.resize_with(CLASSES, ClassBlocks::default);
        let (mode, from_start) = asked();
        Heap {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            trace,
            leaves,
            epoch: 1.into(),
            blocks: Mutex::new(blocks),
            cycle: Mutex::default(),
            greys: Box::default(),
            since: AtomicUsize::new(0),
            trigger: AtomicUsize::new(MIN_TRIGGER),
            in_use: AtomicUsize::new(0),
            limit: AtomicUsize::new(usize::MAX),
            over_limit: AtomicBool::new(false),
            sparing: AtomicBool::new(false),
            short: AtomicBool::new(false),
            log: std::env::var_os("CONC_GC_LOG").is_some_and(|value| value != "0"),
            mode: AtomicU8::new(if from_start { mode } else { Mode::Normal } as u8),
            collections: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
        }
    }

    /// With `CONC_GC=stress` or `slices`, every allocation collects from now on (with `stress-all` or `slices-all` it does
    /// from the start).
    pub fn ready(&self) {
        self.mode.store(asked().0 as u8, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn mode(&self) -> Mode {
        match self.mode.load(Ordering::Relaxed) {
            0 => Mode::Normal,
            1 => Mode::Stress,
            _ => Mode::Slices,
        }
    }

    /// Whether a collection is to be a whole one: every allocation does one, or the limit is near.
    pub fn wants_all(&self) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        self.mode() == Mode::Stress || self.in_use.load(Ordering::Relaxed) > limit - limit / 8
    }

    /// Has the next allocation of the size collect again, where every one does.
    #[inline]
    pub fn after_refill(&self, local: &mut LocalHeap, size: usize) {
        match self.mode() {
            Mode::Normal => {}
            Mode::Stress => local.discard(size),
            Mode::Slices => local.cut(size),
        }
    }

    /// From now on memory counts more than the time that huge pages save.
    pub fn spare_memory(&self) {
        self.sparing.store(true, Ordering::Relaxed);
    }

    /// Sets the memory limit in bytes.
    pub fn set_limit(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// Whether small allocations have passed the limit: the machine raises MemoryError at its next poll.
    pub fn is_over_limit(&self) -> bool {
        self.over_limit.load(Ordering::Relaxed)
    }

    /// The same, once.
    pub fn take_over_limit(&self) -> bool {
        self.over_limit.load(Ordering::Relaxed) && self.over_limit.swap(false, Ordering::Relaxed)
    }

    /// Whether the address space is nearly used up: time to collect twice (the second
    /// collection knows which blocks the first has emptied), then to call [`Heap::check_space`].
    pub fn take_short(&self) -> bool {
        self.short.load(Ordering::Relaxed) && self.short.swap(false, Ordering::Relaxed)
    }

    /// After collections in want of address space: the machine is to raise MemoryError if that has not helped.
    pub fn check_space(&self) {
        if self.blocks.lock().free.len() < BLOCKS {
            self.over_limit.store(true, Ordering::Relaxed);
        }
    }

    pub fn bytes_in_use(&self) -> usize {
        self.in_use.load(Ordering::Relaxed)
    }

    /// Whether enough has been allocated to make a collection worth it.
    #[inline]
    pub fn wants_collection(&self) -> bool {
        self.since.load(Ordering::Relaxed) >= self.trigger.load(Ordering::Relaxed) || self.mode() != Mode::Normal
    }

    /// Counts memory held outside the heap for an object, so that it too drives collection.
    pub fn charge(&self, bytes: usize) {
        self.since.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The slow path of small allocation: finds a new run. Never fails but for want of address space,
    /// in which case the process cannot go on.
    #[cold]
    #[inline(never)]
    pub fn refill(&self, local: &mut LocalHeap, size: usize) -> *mut u8 {
        let class = class_of(size);
        let epoch = self.epoch.load(Ordering::Relaxed);
        let mut block = local.runs[class].block;
        let (start, end) = loop {
            if block != 0 {
                // SAFETY: the block is of this class and held by this worker.
                if let Some(run) = unsafe { next_run(block, epoch) } {
                    break run;
                }
            }
            self.since.fetch_add(std::mem::take(&mut local.taken), Ordering::Relaxed);
            block = self.next_block(&mut self.blocks.lock(), class);
        };
        local.taken += end - start;
        let cell = class_size(class);
        local.runs[class] = Run { at: start + cell, end, block };
        start as *mut u8
    }

    /// A block of `class` with cells not swept yet.
    fn next_block(&self, blocks: &mut Blocks, class: usize) -> usize {
        let list = &mut blocks.classes[class];
        if list.cursor < list.end {
            list.cursor += 1;
            return list.blocks[list.cursor - 1];
        }
        let Some(block) = self.take_block(blocks) else {
            eprintln!("conc: out of address space");
            std::process::exit(70);
        };
        // SAFETY: a block of this heap that nobody uses.
        unsafe {
            let b = &mut *block_of(block);
            b.state = BlockState::Small;
            b.class = class as u8;
            b.cell = class_size(class) as u32;
            b.swept = 0;
        }
        blocks.classes[class].blocks.push(block);
        block
    }

    fn take_block(&self, blocks: &mut Blocks) -> Option<usize> {
        let in_use = self.in_use.fetch_add(BLOCK_SIZE, Ordering::Relaxed) + BLOCK_SIZE;
        if in_use > self.limit.load(Ordering::Relaxed) {
            self.over_limit.store(true, Ordering::Relaxed);
        }
        if let Some(block) = blocks.free.pop() {
            return Some(block);
        }
        if blocks.fresh.is_empty() {
            if reservation().is_short(1) {
                self.short.store(true, Ordering::Relaxed);
            }
            let chunk = self.take_chunks(blocks, 1)?;
            blocks.renew(chunk, self.sparing.load(Ordering::Relaxed));
        }
        Some(blocks.take_fresh(1))
    }

    /// A zeroed large object of `size` bytes; None: past the limit or out of address space.
    pub fn allocate_large(&self, size: usize) -> Option<*mut u8> {
        let count = size.checked_add(BLOCK_SIZE - 1)? / BLOCK_SIZE;
        if self.in_use.load(Ordering::Relaxed).checked_add(count * BLOCK_SIZE)? > self.limit.load(Ordering::Relaxed) {
            return None;
        }
        let mut blocks = self.blocks.lock();
        let start = if count == 1 { self.take_block(&mut blocks)? } else { self.take_blocks(&mut blocks, count)? };
        // SAFETY: `count` adjoining blocks of this heap that nobody uses; a huge object has one descriptor only.
        unsafe {
            let first = &mut *block_of(start);
            first.state = BlockState::LargeStart;
            first.span = count as u32;
            let described = count.min((chunk_of(start) + CHUNK_SIZE - start) / BLOCK_SIZE);
            let mut dirty = first.dirty;
            first.dirty = true;
            for i in 1..described {
                let rest = &mut *block_of(start + i * BLOCK_SIZE);
                rest.state = BlockState::LargeRest;
                rest.span = i as u32;
                dirty |= rest.dirty;
                rest.dirty = true;
            }
            if dirty {
                std::ptr::write_bytes(start as *mut u8, 0, size);
            }
            mark_byte(start).store(0, Ordering::Relaxed);
        }
        blocks.large.push(start);
        self.since.fetch_add(count * BLOCK_SIZE, Ordering::Relaxed);
        Some(start as *mut u8)
    }

    /// `count` adjoining blocks.
    fn take_blocks(&self, blocks: &mut Blocks, count: usize) -> Option<usize> {
        let start = self.find_blocks(blocks, count)?;
        self.in_use.fetch_add(count * BLOCK_SIZE, Ordering::Relaxed);
        Some(start)
    }

    fn find_blocks(&self, blocks: &mut Blocks, count: usize) -> Option<usize> {
        if let Some(start) = take_adjoining(&mut blocks.free, count) {
            return Some(start);
        }
        if count <= BLOCKS - HEAD_BLOCKS {
            if blocks.fresh.len() < count * BLOCK_SIZE {
                if reservation().is_short(1) {
                    return None;
                }
                let rest = blocks.fresh.clone();
                blocks.free.extend(rest.step_by(BLOCK_SIZE));
                let chunk = self.take_chunks(blocks, 1)?;
                blocks.renew(chunk, self.sparing.load(Ordering::Relaxed));
            }
            return Some(blocks.take_fresh(count));
        }
        let chunks = (count + HEAD_BLOCKS).div_ceil(BLOCKS);
        if reservation().is_short(chunks) {
            return None;
        }
        Some(self.take_chunks(blocks, chunks)? + HEAD_BLOCKS * BLOCK_SIZE)
    }

    fn take_chunks(&self, blocks: &mut Blocks, count: usize) -> Option<usize> {
        // The first chunks stay in small pages: an interpreter that does little takes little memory.
        let small_paged = if self.sparing.load(Ordering::Relaxed) { SMALL_PAGED } else { 1 };
        let huge_pages = blocks.spans.len() >= small_paged || count > 1;
        let chunk = reservation().take(count, self.id, huge_pages)?;
        // SAFETY: just taken; the lists are the heap's as long as it has chunks.
        unsafe { set_greys(chunk, &self.greys) };
        blocks.spans.push((chunk, count));
        Some(chunk)
    }

    pub(super) fn free_large(&self, blocks: &mut Blocks, start: usize) {
        // SAFETY: the descriptor of a large object's first block.
        let count = unsafe { (*block_of(start)).span } as usize;
        self.in_use.fetch_sub(count * BLOCK_SIZE, Ordering::Relaxed);
        if count > BLOCKS - HEAD_BLOCKS {
            let chunk = chunk_of(start);
            if let Some(i) = blocks.spans.iter().position(|&(at, _)| at == chunk) {
                // No object is here any more, for a marker that comes upon an old word.
                // SAFETY: the dead object's header.
                unsafe { *(start as *mut u64) = 0 };
                blocks.leaving.push(blocks.spans.swap_remove(i));
            }
            return;
        }
        // In a free block no mark is set: one left over would pass for a mark of a later collection, and the dead object
        // for a live one.
        // SAFETY: the dead object's start.
        unsafe { mark_byte(start) }.store(0, Ordering::Relaxed);
        for i in 0..count {
            let at = start + i * BLOCK_SIZE;
            // SAFETY: blocks of the dead object.
            unsafe {
                let b = &mut *block_of(at);
                b.state = BlockState::Free;
                b.dirty = true;
            }
            blocks.free.push(at);
        }
    }

    /// After a collection, with the world running again: gives the memory of huge objects back to the system, which takes
    /// a millisecond for a few dozen megabytes.
    pub fn give_back(&self) {
        let leaving = std::mem::take(&mut self.blocks.lock().leaving);
        for (at, chunks) in leaving {
            reservation().give_back(at, chunks);
        }
    }

    /// The id that chunk entries carry.
    pub fn id(&self) -> u32 {
        self.id
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        self.give_back();
        for (at, chunks) in self.blocks.get_mut().spans.drain(..) {
            reservation().give_back(at, chunks);
        }
    }
}

/// Takes `count` adjoining blocks of one chunk out of `free`, if there are such.
fn take_adjoining(free: &mut Vec<usize>, count: usize) -> Option<usize> {
    if free.len() < count {
        return None;
    }
    free.sort_unstable();
    let mut run = 0;
    for i in 0..free.len() {
        let joins = i > run && free[i] == free[i - 1] + BLOCK_SIZE && chunk_of(free[i]) == chunk_of(free[run]);
        if !joins {
            run = i;
        }
        if i + 1 - run == count {
            let start = free[run];
            free.drain(run..=i);
            return Some(start);
        }
    }
    None
}

/// The bytes of the cell that starts at `address`.
///
/// # Safety
/// `address` is the start of a live object's cell.
pub unsafe fn cell_bytes(address: usize) -> usize {
    // SAFETY: by the contract.
    unsafe { super::mark::cell_size(address) }
}
