//! The assembler of one code object: words, labels, the handler table and the position table.

use conc_grammar::ast::Span;

use super::relax;
use crate::bytecode::op::{Form, Op, abc, abx};
use crate::bytecode::template::{Handler, Position};

pub type Reg = u16;

/// A place in the code that jumps name before or after it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(u32);

/// A jump whose offset is filled in at the end.
#[derive(Clone, Copy, Debug)]
pub struct Fixup {
    /// Word index of the jump.
    pub at: u32,
    pub label: Label,
    /// The offset is the 16-bit operand `C`, not the 32-bit one.
    pub short: bool,
}

/// A handler whose target is still a label.
#[derive(Clone, Copy, Debug)]
pub struct OpenHandler {
    pub start: u32,
    pub end: u32,
    pub target: Label,
    pub exc: Reg,
}

#[derive(Debug, Default)]
pub struct Assembler {
    pub code: Vec<u64>,
    labels: Vec<u32>,
    pub fixups: Vec<Fixup>,
    pub handlers: Vec<OpenHandler>,
    pub positions: Vec<Position>,
    mark: (Span, Option<Span>),
    /// Control goes on behind the last instruction, as far as that alone tells.
    falls_through: bool,
    last_bound: u32,
}

/// How far an assembler had got.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    code: usize,
    fixups: usize,
    handlers: usize,
    positions: usize,
}

const UNBOUND_LABEL: u32 = u32::MAX;

impl Assembler {
    pub fn here(&self) -> u32 {
        self.code.len() as u32
    }

    /// Sets the source place of the instructions to come.
    pub fn mark(&mut self, span: Span) {
        self.mark = (span, None);
    }

    pub fn mark_anchor(&mut self, span: Span, anchor: Option<Span>) {
        self.mark = (span, anchor);
    }

    pub fn emit(&mut self, op: Op, aux: u8, a: Reg, b: u16, c: u16) {
        self.push(op, abc(op, aux, a, b, c));
    }

    pub fn emit_x(&mut self, op: Op, aux: u8, a: Reg, x: u32) {
        self.push(op, abx(op, aux, a, x));
    }

    fn push(&mut self, op: Op, word: u64) {
        let (span, anchor) = self.mark;
        if self.positions.last().is_none_or(|p| (p.span, p.anchor) != (span, anchor)) {
            self.positions.push(Position { at: self.here(), span, anchor });
        }
        self.falls_through = !op.ends_path();
        self.code.push(word);
        self.code.extend(std::iter::repeat_n(0, op.cache_words()));
    }

    // ---- labels

    pub fn label(&mut self) -> Label {
        self.labels.push(UNBOUND_LABEL);
        Label(self.labels.len() as u32 - 1)
    }

    pub fn bind(&mut self, label: Label) {
        self.last_bound = self.here();
        self.labels[label.0 as usize] = self.here();
    }

    /// A label bound here.
    pub fn label_here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Whether code emitted here could be run, as far as instructions and labels tell.
    pub fn end_is_open(&self) -> bool {
        self.code.is_empty() || self.falls_through || self.last_bound == self.here()
    }

    pub fn place(&self, label: Label) -> u32 {
        self.labels[label.0 as usize]
    }

    pub fn jump(&mut self, label: Label) {
        self.branch(Op::Jump, 0, 0, 0, label);
    }

    /// Emits a jump of any form; the operand that holds the offset is filled in later.
    pub fn branch(&mut self, op: Op, aux: u8, a: Reg, b: u16, label: Label) {
        let short = matches!(op.form(), Form::ABJump | Form::AImmJump);
        self.fixups.push(Fixup { at: self.here(), label, short });
        self.emit(op, aux, a, b, 0);
    }

    // ---- trial emission

    pub fn progress(&self) -> Progress {
        Progress {
            code: self.code.len(),
            fixups: self.fixups.len(),
            handlers: self.handlers.len(),
            positions: self.positions.len(),
        }
    }

    /// Takes back everything emitted since; no jump from before may lead there.
    pub fn rewind(&mut self, to: Progress) {
        self.falls_through = true;
        self.code.truncate(to.code);
        self.fixups.truncate(to.fixups);
        self.handlers.truncate(to.handlers);
        self.positions.truncate(to.positions);
    }

    // ---- the end

    pub fn add_handler(&mut self, start: u32, end: u32, target: Label, exc: Reg) {
        if start < end {
            self.handlers.push(OpenHandler { start, end, target, exc });
        }
    }

    /// Resolves all jumps.
    pub fn finish(mut self) -> (Vec<u64>, Vec<Handler>, Vec<Position>) {
        relax::lengthen(&mut self);
        for fixup in std::mem::take(&mut self.fixups) {
            let offset = self.place(fixup.label).wrapping_sub(fixup.at);
            let word = &mut self.code[fixup.at as usize];
            *word |= if fixup.short { u64::from(offset as u16) << 48 } else { u64::from(offset) << 32 };
        }
        let handlers = self.handlers.iter().map(|h| Handler {
            start: h.start,
            end: h.end,
            target: self.place(h.target),
            exc: h.exc,
        });
        (self.code.clone(), handlers.collect(), self.positions)
    }

    pub fn labels_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        self.labels.iter_mut().filter(|at| **at != UNBOUND_LABEL)
    }
}
