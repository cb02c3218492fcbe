//! Marking: a work list over the object graph, precise in objects, conservative in stacks.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::block::{BLOCK_SIZE, BlockState, HEAD_BLOCKS, MAX_SMALL, block_of, chunk_of, mark_byte};
use super::chunk::{CHUNK_SIZE, Reservation, reservation};
use super::header::{Header, flag};
use super::parallel;

/// Objects traced before other threads are asked to help: about a millisecond's work.
const ALONE: usize = 1 << 16;
/// Objects traced between two looks at the clock.
pub(super) const AT_ONCE: usize = 256;

/// How much a marker may do.
pub struct Budget {
    until: Option<Instant>,
    objects: usize,
}

impl Budget {
    /// All there is.
    pub fn unlimited() -> Budget {
        Budget { until: None, objects: usize::MAX }
    }
    pub(super) fn until(time: Instant) -> Budget {
        Budget { until: Some(time), objects: usize::MAX }
    }
    pub(super) fn objects(count: usize) -> Budget {
        Budget { until: None, objects: count }
    }
    pub(super) fn is_spent(&self) -> bool {
        self.objects == 0 || self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// Marks everything reachable from the objects it is given.
pub struct Marker {
    /// Marked objects that have not been traced.
    pub(super) work: Vec<*mut Header>,
    /// Objects of which a part has been traced, and from which element on they have not.
    pub(super) rest: Vec<(*mut Header, usize)>,
    reservation: &'static Reservation,
    owner: u32,
    epoch: u8,
    trace: TraceFn,
    /// Shapes by id: whether a marked object has it.
    shapes_seen: Vec<bool>,
    /// Those among them that have not been looked at by [`Marker::new_shapes`].
    shapes_new: Vec<u32>,
    /// The kinds, as bits, whose objects refer to nothing by themselves: they need no trace.
    leaves: u64,
    /// Bytes of marked cells.
    pub live_bytes: usize,
    /// Has had help before: there is much to mark.
    helped: bool,
    /// Marks nothing, and takes note of an object that is not marked.
    checking: bool,
    missed: Option<*mut Header>,
    missed_in_frame: Option<*mut Header>,
    /// With the check in view: a sum of the words in each object's frames when it was traced last.
    frames: Option<HashMap<usize, u64>>,
    /// That of the object that is being traced.
    words: u64,
}

/// Shows the marker every object that `object` refers to; of its elements, those from `from` on or a part of them (see
/// [`Marker::later`]).
pub type TraceFn = unsafe fn(object: *mut Header, from: usize, marker: &mut Marker);

impl Marker {
    pub(super) fn new(owner: u32, epoch: u8, trace: TraceFn, leaves: u64) -> Marker {
        Marker {
            work: Vec::with_capacity(1024),
            rest: Vec::new(),
            reservation: reservation(),
            owner,
            epoch,
            trace,
            shapes_seen: Vec::new(),
            shapes_new: Vec::new(),
            leaves,
            live_bytes: 0,
            helped: false,
            checking: false,
            missed: None,
            missed_in_frame: None,
            frames: None,
            words: 0,
        }
    }

    /// The mark it sets.
    pub(super) fn epoch(&self) -> u8 {
        self.epoch
    }

    /// One with nothing to do, for the same collection.
    pub(super) fn sibling(&self) -> Marker {
        Marker::new(self.owner, self.epoch, self.trace, self.leaves)
    }

    /// Has the marker note what it sees in frames, for a later check.
    pub(super) fn note_frames(&mut self) {
        self.frames = Some(HashMap::new());
    }

    /// One for the same collection that marks nothing.
    pub(super) fn checker(&self) -> Marker {
        Marker { checking: true, ..self.sibling() }
    }

    /// Traces a marked object with a checker: an unmarked one that it refers to, if there is one. Frames, which are
    /// written without a barrier, must be what `marker` has seen last; what a word in them pointed to then has its mark.
    /// Some hold old words that are not used any more, and that may point to anything now.
    pub(super) fn check(&mut self, object: *mut Header, marker: &Marker) -> Option<*mut Header> {
        (self.words, self.missed_in_frame) = (0, None);
        self.work.push(object);
        while self.step() {}
        let seen = marker.frames.as_ref().and_then(|frames| frames.get(&(object as usize)).copied());
        let changed = || seen.unwrap_or(0) != self.words;
        self.missed.take().or_else(|| self.missed_in_frame.filter(|_| changed()))
    }

    /// What a checker has come upon.
    pub(super) fn take_missed(&mut self) -> Option<*mut Header> {
        self.missed.take()
    }

    /// Takes over what a sibling has found out, and what it has left.
    pub(super) fn absorb(&mut self, sibling: &mut Marker) {
        self.live_bytes += sibling.live_bytes;
        self.work.append(&mut sibling.work);
        self.rest.append(&mut sibling.rest);
        for shape in sibling.new_shapes() {
            if self.shapes_seen.get(shape as usize) != Some(&true) {
                self.see_shape(shape);
            }
        }
    }

    /// Marks an object of this heap.
    #[inline]
    pub(crate) fn mark(&mut self, object: *mut Header) {
        // SAFETY: `object` is the start of a cell of this heap.
        let mark = unsafe { mark_byte(object as usize) };
        if mark.load(Ordering::Relaxed) != self.epoch {
            if self.checking {
                self.missed = Some(object);
                return;
            }
            mark.store(self.epoch, Ordering::Relaxed);
            self.marked(object);
        }
    }

    /// An object has got its mark.
    #[inline(always)]
    fn marked(&mut self, object: *mut Header) {
        // SAFETY: a live object of this heap.
        let (size, header) = unsafe { (cell_size(object as usize), &*object) };
        self.live_bytes += size;
        let leaf = self.leaves >> header.kind() & 1 != 0 && !header.has(flag::ATTRS | flag::EXTERNAL);
        if !leaf {
            self.work.push(object);
        }
    }

    /// Takes a marked object from a grey list: it is to be traced, perhaps again.
    pub(super) fn take_grey(&mut self, object: *mut Header, again: bool) {
        if again { self.work.push(object) } else { self.marked(object) }
    }

    /// Whether an object has been marked in this collection.
    pub fn is_marked(&self, object: *mut Header) -> bool {
        // SAFETY: `object` is the start of a cell of this heap.
        unsafe { mark_byte(object as usize) }.load(Ordering::Relaxed) == self.epoch
    }

    /// Marks the object that contains `address`, if there is one; any word may be asked about.
    #[inline]
    pub fn mark_conservative(&mut self, address: usize) {
        if let Some(span) = self.reservation.span_of(address, self.owner)
            && let Some(object) = object_at(address, span)
        {
            let missed = self.missed;
            self.mark(object);
            if self.checking && self.missed != missed {
                (self.missed, self.missed_in_frame) = (missed, self.missed);
            }
        }
        self.words = self.words.rotate_left(5).wrapping_add(address as u64);
    }

    /// Conservatively marks from every aligned word in `[start, end)`.
    ///
    /// # Safety
    /// The range is readable.
    pub unsafe fn mark_range(&mut self, start: usize, end: usize) {
        let mut at = start & !7;
        while at + 8 <= end {
            // SAFETY: by the contract.
            let word = unsafe { stack_word(at) };
            self.mark_conservative(word);
            at += 8;
        }
    }

    /// Traces until nothing new is found or the budget is spent: whether nothing is left. With much to do, on several
    /// threads.
    pub fn drain(&mut self, budget: &mut Budget) -> bool {
        let mut alone = if self.helped { AT_ONCE } else { ALONE };
        loop {
            let part = AT_ONCE.min(budget.objects);
            for _ in 0..part {
                if !self.step() {
                    return true;
                }
            }
            if budget.objects != usize::MAX {
                budget.objects -= part;
            }
            if budget.is_spent() {
                return self.work.is_empty() && self.rest.is_empty();
            }
            alone -= part;
            if alone == 0 {
                if self.frames.is_none() && parallel::worth_while(self) {
                    self.helped = true;
                    return parallel::drain(self, budget);
                }
                alone = ALONE;
            }
        }
    }

    /// Traces one object, if there is one to trace.
    #[inline]
    pub(super) fn step(&mut self) -> bool {
        let Some((object, from)) = self.work.pop().map(|object| (object, 0)).or_else(|| self.rest.pop()) else {
            return false;
        };
        // SAFETY: the object was marked, so it is a live object of this heap.
        let shape = unsafe { (*object).shape() };
        if self.shapes_seen.get(shape as usize) != Some(&true) {
            self.see_shape(shape);
        }
        if self.frames.is_some() {
            self.words = 0;
        }
        // SAFETY: as above.
        unsafe { (self.trace)(object, from, self) };
        if self.words != 0
            && let Some(frames) = &mut self.frames
        {
            frames.insert(object as usize, self.words);
        }
        true
    }

    /// Notes that the elements of a marked object from `from` on are still to be traced.
    pub fn later(&mut self, object: *mut Header, from: usize) {
        self.rest.push((object, from));
    }

    #[cold]
    fn see_shape(&mut self, shape: u32) {
        let at = shape as usize;
        if at >= self.shapes_seen.len() {
            self.shapes_seen.resize((at + 1).next_power_of_two(), false);
        }
        self.shapes_seen[at] = true;
        self.shapes_new.push(shape);
    }

    /// The shapes of traced objects that have not been asked for yet: what belongs to them is live too.
    pub fn new_shapes(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.shapes_new)
    }
}

/// A word of a stack, whatever frame it belongs to. By an instruction of its own: no compiler assumes anything about
/// the word, and no sanitizer takes it for a stray access (AddressSanitizer puts guard words between locals).
///
/// # Safety
/// The word is readable.
#[inline(always)]
unsafe fn stack_word(at: usize) -> usize {
    let word: usize;
    // SAFETY: one aligned load.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("mov {}, [{}]", out(reg) word, in(reg) at, options(nostack, preserves_flags, readonly));
    }
    // SAFETY: one aligned load.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("ldr {}, [{}]", out(reg) word, in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        // SAFETY: by the contract.
        word = unsafe { std::ptr::read_volatile(at as *const usize) };
    }
    word
}

/// The bytes of the cell that starts at `address`.
///
/// # Safety
/// `address` is the start of a cell.
pub(super) unsafe fn cell_size(address: usize) -> usize {
    // SAFETY: by the contract.
    let block = unsafe { &*block_of(address) };
    if block.state == BlockState::Small { block.cell as usize } else { block.span as usize * BLOCK_SIZE }
}

/// The object whose cell contains `address`, in a chunk span of this heap that starts at `span`.
fn object_at(address: usize, span: usize) -> Option<*mut Header> {
    let start = cell_at(address, span)?;
    // SAFETY: `start` is a cell of this heap; a zero word means that no object is there.
    if unsafe { *(start as *const u64) } == 0 { None } else { Some(start as *mut Header) }
}

/// The start of the cell that contains `address`, in a chunk span that starts at `span`. The world is stopped, or the
/// address is that of a live object's part.
pub(super) fn cell_at(address: usize, span: usize) -> Option<usize> {
    if chunk_of(address) != span {
        // A later chunk of a huge object, which begins right after the head of the span's first chunk.
        return Some(span + HEAD_BLOCKS * BLOCK_SIZE);
    }
    let offset = address - span;
    if !(HEAD_BLOCKS * BLOCK_SIZE..CHUNK_SIZE).contains(&offset) {
        return None;
    }
    let block_start = address & !(BLOCK_SIZE - 1);
    // SAFETY: the chunk has a head. Of a block in use these fields stay as they are; of another one, the caller has stopped
    // the world.
    let (state, cell, back) = unsafe {
        let block = block_of(address);
        ((*block).state, (*block).cell as usize, (*block).span as usize)
    };
    match state {
        BlockState::Free => None,
        BlockState::LargeStart => Some(block_start),
        BlockState::LargeRest => Some(block_start - back * BLOCK_SIZE),
        BlockState::Small => {
            debug_assert!((16..=MAX_SMALL).contains(&cell));
            let index = (address - block_start) / cell;
            ((index + 1) * cell <= BLOCK_SIZE).then(|| block_start + index * cell)
        }
    }
}
