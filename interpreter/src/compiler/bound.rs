//! Which local registers surely hold a value at a point of the code.

use super::assemble::Reg;

/// The set of surely bound registers. At unreachable points everything counts as bound.
#[derive(Clone, Debug, Default)]
pub struct Bound {
    words: Vec<u64>,
    unreachable: bool,
}

impl Bound {
    pub fn unreachable() -> Bound {
        Bound { words: Vec::new(), unreachable: true }
    }
    pub fn is_reachable(&self) -> bool {
        !self.unreachable
    }
    pub fn has(&self, reg: Reg) -> bool {
        self.unreachable || self.words.get(reg as usize / 64).is_some_and(|w| w >> (reg % 64) & 1 != 0)
    }
    pub fn add(&mut self, reg: Reg) {
        let at = reg as usize / 64;
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        self.words[at] |= 1 << (reg % 64);
    }
    pub fn remove(&mut self, reg: Reg) {
        if let Some(word) = self.words.get_mut(reg as usize / 64) {
            *word &= !(1 << (reg % 64));
        }
    }
    /// Another way leads here: only what is bound on both ways stays bound.
    pub fn meet(&mut self, other: &Bound) {
        if other.unreachable {
            return;
        }
        if self.unreachable {
            return self.clone_from(other);
        }
        self.words.truncate(other.words.len());
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }
}
