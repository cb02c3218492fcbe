//! An instruction word, read field by field.

use super::op::Op;

/// One instruction: `op:8 | aux:8 | A:16 | B:16 | C:16` from the low end (see `op.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Word(pub u64);

impl Word {
    /// Whether the instruction is an `op`.
    #[inline(always)]
    pub fn is(self, op: Op) -> bool {
        self.0 as u8 == op as u8
    }

    #[inline(always)]
    pub fn aux(self) -> u8 {
        (self.0 >> 8) as u8
    }

    #[inline(always)]
    pub fn a(self) -> u16 {
        (self.0 >> 16) as u16
    }

    #[inline(always)]
    pub fn b(self) -> u16 {
        (self.0 >> 32) as u16
    }

    #[inline(always)]
    pub fn c(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// `B`, signed.
    #[inline(always)]
    pub fn sb(self) -> i16 {
        self.b() as i16
    }

    /// `C`, signed: an immediate or a short jump.
    #[inline(always)]
    pub fn sc(self) -> i16 {
        self.c() as i16
    }

    /// `B:C`, unsigned: an index.
    #[inline(always)]
    pub fn bx(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// `B:C`, signed: an immediate or a jump.
    #[inline(always)]
    pub fn sbx(self) -> i32 {
        self.bx() as i32
    }
}
