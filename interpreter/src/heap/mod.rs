//! The heap: non-moving mark-sweep over size-class blocks, one heap per interpreter.
//!
//! A process-wide address reservation is cut into 4 MiB chunks ([`chunk`]). A heap owns whole chunks and cuts them
//! into 32 KiB blocks of equal cells ([`block`]). Allocation bumps through runs of free cells that lazy sweeping
//! finds ([`alloc`]); marking is precise over objects and conservative over stacks ([`mark`]), done by several threads
//! when there is much to mark, and in slices ([`cycle`]), between which stores are watched ([`grey`]).
//!
//! Invariants: a cell whose first word is zero holds no object; memory is zeroed when handed out; sweeping of one
//! cycle is finished before the next one marks.

pub mod alloc;
pub mod block;
pub mod chunk;
mod cycle;
pub mod grey;
pub mod header;
pub mod mark;
mod parallel;
mod verify;

pub use alloc::{Heap, LocalHeap};
pub use chunk::fix_addresses;
pub use cycle::{Owner, Stop, complete};
pub use header::Header;
pub use mark::{Budget, Marker};
