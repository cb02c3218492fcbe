//! Jumps too long for their 16-bit offset: each gets a trampoline with a 32-bit `Jump` right behind it.
//!
//! `branch far` becomes `branch +2; Jump +2; Jump far`, which needs no inverted form of the branch.

use super::assemble::{Assembler, Fixup};
use crate::bytecode::op::{Op, abx};

/// Words that a trampoline inserts behind its branch.
const TRAMPOLINE: u32 = 2;

/// Gives every short jump that cannot reach its label a trampoline.
pub fn lengthen(asm: &mut Assembler) {
    if asm.code.len() < i16::MAX as usize {
        return;
    }
    let mut long: Vec<bool> = vec![false; asm.fixups.len()];
    loop {
        let moved = Moves::new(asm, &long);
        let mut changed = false;
        for (fixup, long) in asm.fixups.iter().zip(&mut long) {
            let offset = i64::from(moved.map(asm.place(fixup.label))) - i64::from(moved.map(fixup.at));
            if fixup.short && !*long && i16::try_from(offset).is_err() {
                *long = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    insert(asm, &long);
}

/// Where each word goes when the trampolines are in.
struct Moves {
    /// Word indices of the branches with trampolines, ascending.
    branches: Vec<u32>,
}

impl Moves {
    fn new(asm: &Assembler, long: &[bool]) -> Moves {
        let branches = asm.fixups.iter().zip(long).filter(|(_, long)| **long).map(|(f, _)| f.at);
        let mut branches: Vec<u32> = branches.collect();
        branches.sort_unstable();
        Moves { branches }
    }
    fn map(&self, at: u32) -> u32 {
        at + TRAMPOLINE * self.branches.partition_point(|&b| b < at) as u32
    }
}

fn insert(asm: &mut Assembler, long: &[bool]) {
    let moves = Moves::new(asm, long);
    let mut code = Vec::with_capacity(asm.code.len() + 2 * moves.branches.len());
    let mut next = moves.branches.iter().peekable();
    for (at, &word) in asm.code.iter().enumerate() {
        code.push(word);
        if next.next_if(|&&b| b as usize == at).is_some() {
            if let Some(branch) = code.last_mut() {
                *branch |= 2 << 48;
            }
            code.push(abx(Op::Jump, 0, 0, 2));
            code.push(abx(Op::Jump, 0, 0, 0));
        }
    }
    asm.code = code;
    for (fixup, long) in asm.fixups.iter_mut().zip(long) {
        let at = moves.map(fixup.at);
        *fixup = if *long { Fixup { at: at + 2, short: false, ..*fixup } } else { Fixup { at, ..*fixup } };
    }
    asm.labels_mut().for_each(|at| *at = moves.map(*at));
    for handler in &mut asm.handlers {
        handler.start = moves.map(handler.start);
        handler.end = moves.map(handler.end);
    }
    for position in &mut asm.positions {
        position.at = moves.map(position.at);
    }
}
