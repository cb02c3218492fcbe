//! `CONC_GC=slices`: every cycle is cut into tiny slices, and at its end nothing that is marked may refer to what is not.
//!
//! That is the whole of what marking in slices promises: with the roots marked in the same stop, everything reachable is.

use std::sync::atomic::Ordering;

use super::alloc::Heap;
use super::block::{BLOCK_SIZE, block_of, mark_byte};
use super::cycle::Owner;
use super::header::Header;
use super::mark::Marker;

impl Heap {
    /// Traces every marked object once more, and ends the process if one refers to an unmarked object.
    pub(super) fn verify(&self, marker: &Marker, owner: &mut dyn Owner) {
        let mut checker = marker.checker();
        for object in self.marked(marker.epoch()) {
            let missed = checker.check(object, marker).or_else(|| {
                let shapes = checker.new_shapes();
                owner.mark_shapes(&mut checker, shapes);
                checker.take_missed()
            });
            if let Some(missed) = missed {
                let about = |object: *mut Header| {
                    // SAFETY: both are cells of this heap with an object in them.
                    let header = unsafe { &*object };
                    format!(
                        "{} {object:p} (flags {:#x})",
                        owner.describe(header.kind(), header.shape()),
                        header.flags()
                    )
                };
                eprintln!("conc: marking in slices has missed {}, which {} refers to", about(missed), about(object));
                std::process::abort();
            }
        }
    }

    /// All objects with this mark.
    fn marked(&self, epoch: u8) -> Vec<*mut Header> {
        let blocks = self.blocks.lock();
        let mut found = Vec::new();
        // SAFETY: cells of blocks of this heap; the world is stopped.
        let mut look = |at: usize| unsafe {
            if mark_byte(at).load(Ordering::Relaxed) == epoch && *(at as *const u64) != 0 {
                found.push(at as *mut Header);
            }
        };
        for &block in blocks.classes.iter().flat_map(|class| &class.blocks) {
            // SAFETY: as above.
            let cell = unsafe { (*block_of(block)).cell } as usize;
            (0..BLOCK_SIZE / cell).for_each(|i| look(block + i * cell));
        }
        blocks.large.iter().for_each(|&start| look(start));
        found
    }
}
