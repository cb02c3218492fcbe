//! Liveness: which temporaries the code at an instruction still needs, worked out once per template for the collector.
//!
//! Named locals count as needed as long as their frame lives, as in CPython. A temporary is needed from the
//! instruction that writes it to the last one that reads it, over all paths, those to exception handlers included.

use super::op::{Form, Op};
use super::template::CodeTemplate;
use super::verify::{Instruction, instructions};

/// A run of registers: the first and how many.
type Span = (u16, u16);

const NO_SPAN: Span = (0, 0);

/// The registers an instruction reads.
fn reads(i: &Instruction) -> [Span; 3] {
    use Op::*;
    let (a, b, c) = ((i.a, 1), (i.b, 1), (i.c, 1));
    let when = |condition: bool, span: Span| if condition { span } else { NO_SPAN };
    match i.op {
        NewCell => [when(i.b != 0xffff, b), NO_SPAN, NO_SPAN],
        GetFree | GetNameFree | LoadFree | DelGlobal | DelName | GetGlobal | GetName | Annotations => [NO_SPAN; 3],
        SetFree | SetGlobal | SetName | CheckBound | DelAttr => [a, NO_SPAN, NO_SPAN],
        SetCell | ListAppend | SetAdd | SetUpdate | DelItem | RaiseFrom | SetAttr => [a, b, NO_SPAN],
        ListExtend | DictUpdate => [a, b, when(i.aux == 1, c)],
        SetItem | DictSet | MatchClass | Super => [a, b, c],
        ForNext => [(i.a, 4), NO_SPAN, NO_SPAN],
        Format => [b, when(i.c != 0xffff, c), NO_SPAN],
        Call => [a, (i.a + 4, i.b), NO_SPAN],
        CallMethod => [a, (i.a + 4, i.b + 1), NO_SPAN],
        CallKw => [a, (i.a + 4, i.b + u16::from(i.aux == 1)), NO_SPAN],
        CallEx => [a, (i.a + 4, 2), NO_SPAN],
        Function => [(i.c, i.aux.count_ones() as u16), NO_SPAN, NO_SPAN],
        Yield => [b, when(i.aux == 1, c), NO_SPAN],
        // All registers of the native's frame: its slots, the result (A), four words of links, three arguments.
        ResumeNative => [(0, i.a + 7), NO_SPAN, NO_SPAN],
        _ => match i.op.form() {
            Form::None | Form::Jump | Form::ASbx | Form::AConst | Form::AName => [NO_SPAN; 3],
            Form::A | Form::AJump | Form::AImmJump => [a, NO_SPAN, NO_SPAN],
            Form::AB | Form::ABImm | Form::ABName => [b, NO_SPAN, NO_SPAN],
            Form::ABJump => [a, b, NO_SPAN],
            Form::ABC => [b, c, NO_SPAN],
            Form::Range => [(i.b, i.c), NO_SPAN, NO_SPAN],
            Form::Call => [a, NO_SPAN, NO_SPAN],
        },
    }
}

/// The registers an instruction writes whenever it does not raise.
fn writes(i: &Instruction) -> [Span; 2] {
    use Op::*;
    let a = (i.a, 1);
    match i.op {
        CheckBound | SetCell | SetFree | SetGlobal | SetName | DelGlobal | DelName | SetAttr | DelAttr | SetItem
        | DelItem | ListAppend | ListExtend | SetAdd | SetUpdate | DictSet | DictUpdate | RaiseFrom => [NO_SPAN; 2],
        GetIter => [(i.a, 4), NO_SPAN],
        Unpack => [(i.a, i.c), NO_SPAN],
        UnpackEx => [(i.a, i.c + 1 + u16::from(i.aux)), NO_SPAN],
        LoadMethod | LoadSpecialMethod => [a, (i.a + 4, 1)],
        SplitGroup => [(i.a, 2), NO_SPAN],
        Send => [(i.b, 1), NO_SPAN],
        _ => match i.op.form() {
            Form::None | Form::A | Form::Jump | Form::AJump | Form::ABJump | Form::AImmJump => [NO_SPAN; 2],
            _ => [a, NO_SPAN],
        },
    }
}

/// What each instruction of a template finds needed in the temporaries when it begins.
#[derive(Debug)]
pub struct Liveness {
    /// Word indices of the instructions.
    starts: Box<[u32]>,
    /// The first temporary.
    first: u16,
    /// Words of a set.
    words: usize,
    /// One set of temporaries for each instruction.
    sets: Box<[u64]>,
}

/// A set under construction, and the same operations on rows of the table.
struct Set<'a>(&'a mut [u64], u16);

impl Set<'_> {
    fn put(&mut self, (start, count): Span, on: bool) {
        // A span may reach to the last register there could be.
        let (first, words) = (usize::from(self.1), self.0.len());
        let from = usize::from(start).saturating_sub(first);
        let to = (usize::from(start) + usize::from(count)).saturating_sub(first).min(words * 64);
        let mut at = from;
        while at < to {
            let upto = to.min((at / 64 + 1) * 64);
            let mask = (u64::MAX >> (64 - (upto - at))) << (at % 64);
            let word = &mut self.0[at / 64];
            *word = if on { *word | mask } else { *word & !mask };
            at = upto;
        }
    }
    fn unite(&mut self, other: &[u64]) {
        for (word, more) in self.0.iter_mut().zip(other) {
            *word |= more;
        }
    }
}

impl Liveness {
    pub fn of(template: &CodeTemplate) -> Liveness {
        let list: Vec<Instruction> = instructions(&template.code).collect();
        let words = usize::from(template.nregs.saturating_sub(template.nlocals)).div_ceil(64);
        let mut this = Liveness {
            starts: list.iter().map(|i| i.at).collect(),
            first: template.nlocals,
            words,
            sets: vec![0; words * list.len()].into(),
        };
        // Backwards until nothing changes: loops need another round for each level of nesting.
        let mut changed = words != 0;
        let mut row = vec![0; words];
        while changed {
            changed = false;
            for (index, i) in list.iter().enumerate().rev() {
                row.fill(0);
                this.after(index, i, &mut row);
                let mut set = Set(&mut row, this.first);
                writes(i).into_iter().for_each(|span| set.put(span, false));
                reads(i).into_iter().for_each(|span| set.put(span, true));
                this.at_handler(template, i, &mut row);
                let old = &mut this.sets[index * words..][..words];
                if old != row {
                    old.copy_from_slice(&row);
                    changed = true;
                }
            }
        }
        this
    }

    fn row(&self, index: usize) -> &[u64] {
        self.sets.get(index * self.words..(index + 1) * self.words).unwrap_or(&[])
    }

    /// Adds what is needed after the instruction, wherever it goes on.
    fn after(&self, index: usize, i: &Instruction, into: &mut [u64]) {
        let mut set = Set(into, self.first);
        if !i.op.ends_path() {
            set.unite(self.row(index + 1));
        }
        if let Some(target) = i.target().and_then(|t| self.starts.binary_search(&u32::try_from(t).ok()?).ok()) {
            set.unite(self.row(target));
        }
    }

    /// Adds what the handler of an exception raised by the instruction needs.
    fn at_handler(&self, template: &CodeTemplate, i: &Instruction, into: &mut [u64]) {
        let handler = template.handlers.iter().find(|h| h.start <= i.at && i.at < h.end);
        if let Some((h, target)) = handler.and_then(|h| Some((h, self.starts.binary_search(&h.target).ok()?))) {
            let mut needed = self.row(target).to_vec();
            Set(&mut needed, self.first).put((h.exc, 1), false);
            Set(into, self.first).unite(&needed);
        }
    }

    fn show(&self, set: &[u64], mut show: impl FnMut(u16)) {
        for (at, &word) in set.iter().enumerate() {
            let mut left = word;
            while left != 0 {
                show(self.first + (at * 64) as u16 + left.trailing_zeros() as u16);
                left &= left - 1;
            }
        }
    }

    /// Shows the temporaries needed when the instruction at word `at` begins.
    pub fn before(&self, at: u32, show: impl FnMut(u16)) {
        if let Ok(index) = self.starts.binary_search(&at) {
            self.show(self.row(index), show);
        }
    }

    /// Shows the temporaries needed while the instruction that word `at` belongs to is at work, or for a `yield`
    /// while its frame is suspended. With `called` it is a call that has pushed the callee's frame: its operands are
    /// the callee's own now.
    pub fn amid(&self, template: &CodeTemplate, at: u32, called: bool, show: impl FnMut(u16)) {
        let Some(index) = self.starts.partition_point(|&s| s <= at).checked_sub(1) else { return };
        let start = self.starts[index];
        let word = template.code.get(start as usize).copied();
        let Some(i) = word.and_then(|word| Instruction::decode(start, word)) else { return };
        // The collector asks for every frame of every thread: mostly without an allocation.
        let (mut few, mut many) = ([0; 4], Vec::new());
        let row = match few.get_mut(..self.words) {
            Some(row) => row,
            None => {
                many.resize(self.words, 0);
                &mut many[..]
            }
        };
        self.after(index, &i, row);
        let mut set = Set(row, self.first);
        if called {
            set.put((i.a, u16::MAX - i.a), false);
        } else if i.op == Op::Yield {
            set.put((i.a, 1), false);
            if i.aux == 1 {
                set.put((i.c, 1), true);
            }
        } else {
            reads(&i).into_iter().for_each(|span| set.put(span, true));
        }
        self.at_handler(template, &i, row);
        self.show(row, show);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytecode::op::{abc, abx};

    fn needed(liveness: &Liveness, template: &CodeTemplate, at: u32, called: bool) -> Vec<u16> {
        let mut found = Vec::new();
        liveness.amid(template, at, called, |r| found.push(r));
        found
    }

    #[test]
    fn a_temporary_is_needed_up_to_its_last_read() {
        // R1 = 5; R2 = f(); R0 = R1 + R2; return R0
        let code = vec![
            abx(Op::LoadInt, 0, 1, 5),
            abx(Op::LoadInt, 0, 2, 6),
            abc(Op::Call, 0, 2, 0, 0),
            0,
            abc(Op::Add, 0, 0, 1, 2),
            abc(Op::Return, 0, 0, 0, 0),
        ];
        let template = CodeTemplate::of_words(code, 1, 4);
        let liveness = Liveness::of(&template);
        assert_eq!(needed(&liveness, &template, 2, false), [1, 2]);
        assert_eq!(needed(&liveness, &template, 3, true), [1]);
        assert_eq!(needed(&liveness, &template, 5, false), []);
    }

    #[test]
    fn a_loop_carries_its_state_around() {
        // R1..R5 = iter(R0); loop: R0 = next, back to the loop; return R0
        let code = vec![
            abc(Op::GetIter, 0, 1, 0, 0),
            abc(Op::Nop, 0, 0, 0, 0),
            abc(Op::ForNext, 0, 1, 0, (-1i16) as u16),
            abc(Op::Return, 0, 0, 0, 0),
        ];
        let template = CodeTemplate::of_words(code, 1, 6);
        let liveness = Liveness::of(&template);
        assert_eq!(needed(&liveness, &template, 1, false), [1, 2, 3, 4]);
        assert_eq!(needed(&liveness, &template, 3, false), []);
    }
}
