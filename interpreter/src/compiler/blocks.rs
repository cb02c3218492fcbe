//! The blocks around the code being emitted, and what leaving them early takes.

use conc_grammar::ast::{Ident, Span, Stmt};

use super::assemble::{Label, Reg};
use super::bound::Bound;
use super::unit::Compiler;
use crate::bytecode::op::Op;

/// CPython's limit on blocks within blocks.
const MAX_BLOCKS: usize = 21;

/// A stretch of code whose exceptions go to one handler. Code that belongs to leaving the block is not part of it,
/// so the stretch may have gaps.
#[derive(Debug)]
pub struct Region {
    target: Label,
    exc: Reg,
    open_at: Option<u32>,
    segments: Vec<(u32, u32)>,
}

#[derive(Debug)]
pub struct Block<'a> {
    pub kind: BlockKind<'a>,
    pub region: Option<Region>,
}

#[derive(Debug)]
pub enum BlockKind<'a> {
    Loop(LoopBlock),
    /// A protected stretch that needs nothing when left.
    Try,
    /// The body of a `try ... finally`.
    Finally(&'a [Stmt]),
    /// The code of a handler: what was handled before is in the register.
    Handler {
        saved: Reg,
    },
    /// `except ... as name`: the name is unbound at the end.
    Name(&'a Ident),
    /// The body of a `with`: the exit method is in the register pair.
    With {
        exit: Reg,
        is_async: bool,
        span: Span,
    },
    /// Inside an `except*` clause.
    Star,
}

#[derive(Debug)]
pub struct LoopBlock {
    pub on_break: Label,
    pub on_continue: Label,
    /// What is bound at every `break` so far.
    pub break_bound: Bound,
}

impl<'a> Compiler<'a> {
    /// Enters a block; with a handler, from here on exceptions go to it.
    pub fn push_block(&mut self, kind: BlockKind<'a>, handler: Option<(Label, Reg)>, span: Span) {
        let counted = self.unit.blocks.iter().filter(|b| !matches!(b.kind, BlockKind::Name(_) | BlockKind::Star));
        if counted.count() == MAX_BLOCKS {
            self.error("too many statically nested blocks", span);
        }
        let here = self.unit.asm.here();
        let region = handler.map(|(target, exc)| Region { target, exc, open_at: Some(here), segments: Vec::new() });
        self.unit.blocks.push(Block { kind, region });
    }

    /// Leaves the innermost block by falling out of its end; its protected stretch ends here.
    pub fn pop_block(&mut self) -> Option<BlockKind<'a>> {
        let mut block = self.unit.blocks.pop()?;
        if let Some(region) = &mut block.region {
            self.suspend(region);
            for &(start, end) in &region.segments {
                self.unit.asm.add_handler(start, end, region.target, region.exc);
            }
        }
        Some(block.kind)
    }

    fn suspend(&mut self, region: &mut Region) {
        if let Some(start) = region.open_at.take() {
            region.segments.push((start, self.unit.asm.here()));
        }
    }

    /// Emits what leaving all blocks beyond `depth` takes, from the innermost on; the blocks stay.
    pub fn emit_leaving(&mut self, depth: usize) {
        let mut left = Vec::new();
        while self.unit.blocks.len() > depth {
            let Some(mut block) = self.unit.blocks.pop() else { break };
            if let Some(region) = &mut block.region {
                self.suspend(region);
            }
            self.emit_leaving_one(&block.kind);
            left.push(block);
        }
        let here = self.unit.asm.here();
        while let Some(mut block) = left.pop() {
            if let Some(region) = &mut block.region {
                region.open_at = Some(here);
            }
            self.unit.blocks.push(block);
        }
    }

    fn emit_leaving_one(&mut self, kind: &BlockKind<'a>) {
        match kind {
            BlockKind::Loop(_) | BlockKind::Try | BlockKind::Star => {}
            BlockKind::Finally(body) => self.stmts(body),
            BlockKind::Handler { saved } => self.unit.asm.emit(Op::PopExc, 0, *saved, 0, 0),
            BlockKind::Name(name) => self.unbind_name(name),
            BlockKind::With { exit, is_async, span } => self.emit_normal_exit(*exit, *is_async, *span),
        }
    }

    /// Whether returning from here runs any code on the way out.
    pub fn leaving_runs_code(&self) -> bool {
        self.unit.blocks.iter().any(|b| !matches!(b.kind, BlockKind::Loop(_) | BlockKind::Try))
    }
}

/// The protected stretches of all blocks at one moment.
pub struct SavedRegions(Vec<Option<(Option<u32>, usize)>>);

impl<'a> Compiler<'a> {
    pub fn save_regions(&self) -> SavedRegions {
        let state = |b: &Block<'a>| b.region.as_ref().map(|r| (r.open_at, r.segments.len()));
        SavedRegions(self.unit.blocks.iter().map(state).collect())
    }

    pub fn restore_regions(&mut self, saved: SavedRegions) {
        for (block, saved) in self.unit.blocks.iter_mut().zip(saved.0) {
            if let (Some(region), Some((open_at, segments))) = (&mut block.region, saved) {
                region.open_at = open_at;
                region.segments.truncate(segments);
            }
        }
    }
}
