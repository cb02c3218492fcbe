//! Chunk heads and blocks: where cells, mark bytes and block descriptors lie.
//!
//! A chunk starts with one mark byte per 16-byte granule (256 KiB), then a block of descriptors, then 119 blocks of
//! cells. A large object takes a run of blocks; an object beyond one chunk runs on into the following chunks.

use std::sync::atomic::{AtomicU8, Ordering};

use super::chunk::CHUNK_SIZE;
use super::grey::Greys;

pub const BLOCK_SIZE: usize = 32 << 10;
pub const GRANULE: usize = 16;
pub const BLOCKS: usize = CHUNK_SIZE / BLOCK_SIZE;
/// Blocks taken by mark bytes and descriptors.
pub const HEAD_BLOCKS: usize = 9;
/// The largest cell of a size class; larger objects take whole blocks.
pub const MAX_SMALL: usize = 8 << 10;

/// Eight of these make a value with the tag of a reference and an address that no system maps.
const POISON: u8 = 0xD1;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum BlockState {
    Free,
    Small,
    LargeStart,
    LargeRest,
}

/// Describes one block; lives in the chunk head. Changed only by the heap's owner lock or at a stop of the world.
#[repr(C)]
pub struct Block {
    pub state: BlockState,
    pub class: u8,
    /// The memory may hold old data. The mark bytes of a free block are zero all the same.
    pub dirty: bool,
    /// Small: bytes of a cell. LargeStart: unused.
    pub cell: u32,
    /// Small: byte offset up to which the block has been swept since the last collection.
    pub swept: u32,
    /// LargeStart: how many blocks; LargeRest: how many blocks back the start is.
    pub span: u32,
}

const _: () = assert!(size_of::<Block>() * BLOCKS + size_of::<usize>() <= BLOCK_SIZE);

/// The chunk that holds `address`, if the chunk has a head (all but the later chunks of a huge object).
#[inline(always)]
pub fn chunk_of(address: usize) -> usize {
    address & !(CHUNK_SIZE - 1)
}

/// The mark byte of the cell that starts at `address` (or, in a huge object, of its start).
///
/// # Safety
/// `address` lies in a chunk with a head.
#[inline(always)]
pub unsafe fn mark_byte<'a>(address: usize) -> &'a AtomicU8 {
    let chunk = chunk_of(address);
    // SAFETY: the first 256 KiB of a chunk are its mark bytes.
    unsafe { &*((chunk + (address - chunk) / GRANULE) as *const AtomicU8) }
}

/// The descriptor of the block that holds `address`.
///
/// # Safety
/// `address` lies in a chunk with a head, owned by the caller's heap.
#[inline(always)]
pub unsafe fn block_of(address: usize) -> *mut Block {
    let chunk = chunk_of(address);
    let index = (address - chunk) / BLOCK_SIZE;
    (chunk + (HEAD_BLOCKS - 1) * BLOCK_SIZE + index * size_of::<Block>()) as *mut Block
}

/// Where a chunk's head says whose grey objects those of the chunk become: right after the descriptors.
#[inline(always)]
fn greys_place(address: usize) -> *mut *const Greys {
    (chunk_of(address) + (HEAD_BLOCKS - 1) * BLOCK_SIZE + BLOCKS * size_of::<Block>()) as *mut *const Greys
}

/// The grey lists of the heap that owns the chunk.
///
/// # Safety
/// `address` lies in a chunk with a head, of a heap that is there.
#[inline(always)]
pub unsafe fn greys_of<'a>(address: usize) -> &'a Greys {
    // SAFETY: written when the heap took the chunk; the heap owns them.
    unsafe { &**greys_place(address) }
}

/// Notes in the head of a chunk whose it is.
///
/// # Safety
/// The chunk has just been taken, and `greys` stays where it is as long as it is owned.
pub unsafe fn set_greys(chunk: usize, greys: &Greys) {
    // SAFETY: the head is the owner's.
    unsafe { *greys_place(chunk) = greys };
}

/// Sweeps a small block from where it was left: the next run of dead cells as (start, end), zeroed, or None.
///
/// # Safety
/// `start` is the address of a small block of the caller's heap and nobody else sweeps it.
pub unsafe fn next_run(start: usize, epoch: u8) -> Option<(usize, usize)> {
    // SAFETY: by the contract; every address used lies inside the block.
    unsafe {
        let block = block_of(start);
        let cell = (*block).cell as usize;
        let end = start + BLOCK_SIZE / cell * cell;
        let mut at = start + (*block).swept as usize;
        while at < end && mark_byte(at).load(Ordering::Relaxed) == epoch {
            at += cell;
        }
        if at >= end {
            (*block).swept = BLOCK_SIZE as u32;
            return None;
        }
        let run = at;
        while at < end && mark_byte(at).load(Ordering::Relaxed) != epoch {
            at += cell;
        }
        (*block).swept = (at - start) as u32;
        if (*block).dirty {
            std::ptr::write_bytes(run as *mut u8, 0, at - run);
            let marks = mark_byte(run) as *const AtomicU8 as *mut u8;
            std::ptr::write_bytes(marks, 0, (at - run) / GRANULE);
        }
        Some((run, at))
    }
}

/// Finishes the sweep of a small block without handing cells out: dead cells get a zero header.
/// Returns whether any cell is live. With `poison`, what was in a dead cell becomes references into nowhere.
///
/// # Safety
/// As for [`next_run`].
pub unsafe fn finish_sweep(start: usize, epoch: u8, poison: bool) -> bool {
    // SAFETY: by the contract.
    unsafe {
        let block = block_of(start);
        let cell = (*block).cell as usize;
        let end = start + BLOCK_SIZE / cell * cell;
        let mut live = (*block).swept != 0;
        let mut at = start + (*block).swept as usize;
        while at < end {
            let mark = mark_byte(at);
            if mark.load(Ordering::Relaxed) == epoch {
                live = true;
            } else {
                mark.store(0, Ordering::Relaxed);
                if poison && *(at as *const u64) != 0 {
                    std::ptr::write_bytes(at as *mut u8, POISON, cell);
                    (*block).dirty = true;
                }
                *(at as *mut u64) = 0;
            }
            at += cell;
        }
        (*block).swept = BLOCK_SIZE as u32;
        live
    }
}
