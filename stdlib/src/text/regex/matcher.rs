//! The backtracking matcher: choices are on a stack of its own.

use conc_interpreter::native::{Ctx, R};

use crate::text::regex::program::{Hold, LAST, Op, Program, group_slot, unlimited};
use crate::text::regex::tree::{At, Greed, fold, is_word};

/// A slot that holds nothing.
pub const UNSET: usize = usize::MAX;
/// Steps between polls.
const POLL: usize = 1 << 14;
/// Entries of the stack at most.
const STACK: usize = 1 << 27;

/// How a text is read.
pub trait Text: Copy {
    /// The character at a position before the end, and the position after it.
    fn next(self, at: usize) -> (u32, usize);
    /// The character before a position after the start, and its position.
    fn previous(self, at: usize) -> (u32, usize);
    fn data(&self) -> &[u8];
}

/// Bytes, or ASCII.
#[derive(Clone, Copy)]
pub struct Narrow<'a>(pub &'a [u8]);
/// WTF-8.
#[derive(Clone, Copy)]
pub struct Wide<'a>(pub &'a [u8]);

impl Text for Narrow<'_> {
    #[inline(always)]
    fn next(self, at: usize) -> (u32, usize) {
        (u32::from(self.0[at]), at + 1)
    }
    #[inline(always)]
    fn previous(self, at: usize) -> (u32, usize) {
        (u32::from(self.0[at - 1]), at - 1)
    }
    #[inline(always)]
    fn data(&self) -> &[u8] {
        self.0
    }
}

impl Text for Wide<'_> {
    #[inline(always)]
    fn next(self, at: usize) -> (u32, usize) {
        let more = |i: usize| u32::from(self.0[at + i]) & 63;
        let lead = u32::from(self.0[at]);
        match lead {
            0..0x80 => (lead, at + 1),
            0x80..0xe0 => ((lead & 31) << 6 | more(1), at + 2),
            0xe0..0xf0 => ((lead & 15) << 12 | more(1) << 6 | more(2), at + 3),
            _ => ((lead & 7) << 18 | more(1) << 12 | more(2) << 6 | more(3), at + 4),
        }
    }
    #[inline(always)]
    fn previous(self, at: usize) -> (u32, usize) {
        let mut from = at - 1;
        while from > 0 && self.0[from] & 0xc0 == 0x80 {
            from -= 1;
        }
        (self.next(from).0, from)
    }
    #[inline(always)]
    fn data(&self) -> &[u8] {
        self.0
    }
}

#[derive(Clone, Copy)]
enum Entry {
    Choice {
        op: usize,
        at: usize,
    },
    /// What a slot held.
    Restore {
        slot: usize,
        old: usize,
    },
    /// An open part without choices.
    Barrier {
        hold: Hold,
        after: usize,
        at: usize,
    },
    /// A greedy run that may give back down to `least`.
    Greedy {
        op: usize,
        least: usize,
        at: usize,
        then: Option<u8>,
    },
    /// A lazy run that may take more.
    Lazy {
        op: usize,
        count: usize,
        at: usize,
    },
}

/// What a search is after.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    Match,
    Full,
    Search,
}

pub struct Matcher<'p> {
    program: &'p Program,
    pub slots: Vec<usize>,
    stack: Vec<Entry>,
    steps: usize,
}

fn at_boundary<T: Text>(text: T, at: usize, end: usize, unicode: bool) -> bool {
    let before = at > 0 && is_word(text.previous(at).0, unicode);
    let after = at < end && is_word(text.next(at).0, unicode);
    before != after
}

impl<'p> Matcher<'p> {
    pub fn new(program: &'p Program) -> Matcher<'p> {
        Matcher { program, slots: vec![UNSET; program.slots], stack: Vec::new(), steps: 0 }
    }

    /// The span of a group of the last match.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        let slot = group_slot(group);
        let (from, to) = (self.slots[slot], self.slots[slot + 1]);
        (from != UNSET && to != UNSET).then_some((from, to))
    }

    pub fn groups(&self) -> usize {
        self.program.groups
    }

    /// The group closed last.
    pub fn last(&self) -> Option<usize> {
        (self.slots[LAST] != UNSET).then_some(self.slots[LAST])
    }

    #[inline]
    fn set(&mut self, slot: usize, value: usize) {
        let old = std::mem::replace(&mut self.slots[slot], value);
        self.stack.push(Entry::Restore { slot, old });
    }

    fn tick(&mut self, cx: &mut Ctx, steps: usize) -> R<()> {
        self.steps += steps;
        if self.steps >= POLL {
            self.steps = 0;
            if self.stack.len() > STACK {
                return Err(cx.memory_error());
            }
            cx.poll()?;
        }
        Ok(())
    }

    /// Looks for a match from `from` on; with `advance` not an empty one there.
    pub fn find<T: Text>(
        &mut self,
        cx: &mut Ctx,
        text: T,
        from: usize,
        end: usize,
        how: How,
        advance: bool,
    ) -> R<bool> {
        if from > end {
            return Ok(false);
        }
        if how != How::Search {
            return self.run(cx, text, from, end, how == How::Full, advance);
        }
        let program = self.program;
        let finder = (program.prefix.len() > 1).then(|| memchr::memmem::Finder::new(&program.prefix));
        let mut at = from;
        loop {
            if program.anchored && at > 0 {
                return Ok(false);
            }
            let data = &text.data()[..end];
            if let Some(finder) = &finder {
                match finder.find(&data[at..]) {
                    Some(i) => at += i,
                    None => return Ok(false),
                }
            } else if let &[byte] = &program.prefix[..] {
                match memchr::memchr(byte, &data[at..]) {
                    Some(i) => at += i,
                    None => return Ok(false),
                }
            } else if let Some(first) = &program.first {
                match data[at..].iter().position(|&b| first[b as usize]) {
                    Some(i) => at += i,
                    None => return Ok(false),
                }
            }
            // A byte of a set may be inside a character.
            let inside = !program.bytes && data.get(at).is_some_and(|b| b & 0xc0 == 0x80);
            if !inside && self.run(cx, text, at, end, false, advance && at == from)? {
                return Ok(true);
            }
            if at >= end {
                return Ok(false);
            }
            at = if inside { at + 1 } else { text.next(at).1 };
            self.tick(cx, 1)?;
        }
    }

    fn run<T: Text>(&mut self, cx: &mut Ctx, text: T, from: usize, end: usize, full: bool, advance: bool) -> R<bool> {
        self.slots.fill(UNSET);
        self.stack.clear();
        let ops = &self.program.ops[..];
        let (mut op, mut at) = (0, from);
        loop {
            self.steps += 1;
            if self.steps >= POLL {
                self.tick(cx, 0)?;
            }
            let ok = match &ops[op] {
                Op::One(test) => {
                    if at < end {
                        let (c, next) = text.next(at);
                        at = next;
                        test.passes(c)
                    } else {
                        false
                    }
                }
                Op::Run { test, min, max, greed, then } => {
                    let mut count = 0;
                    let mut least = at;
                    let limit = if *greed == Greed::Lazy { *min } else { *max };
                    while count < limit && at < end {
                        let (c, next) = text.next(at);
                        if !test.passes(c) {
                            break;
                        }
                        at = next;
                        count += 1;
                        if count == *min {
                            least = at;
                        }
                    }
                    self.tick(cx, count / 8)?;
                    if count < *min {
                        false
                    } else {
                        match greed {
                            Greed::Lazy if count < *max => self.stack.push(Entry::Lazy { op, count, at }),
                            Greed::Greedy if at > least => {
                                self.stack.push(Entry::Greedy { op: op + 1, least, at, then: *then });
                            }
                            _ => {}
                        }
                        true
                    }
                }
                Op::Save(slot) => {
                    self.set(*slot, at);
                    // The end of a group: it is the last one closed.
                    if slot % 2 == 0 {
                        self.set(LAST, (slot - 1) / 2);
                    }
                    true
                }
                Op::Split(other) => {
                    self.stack.push(Entry::Choice { op: *other, at });
                    true
                }
                Op::Jump(to) => {
                    op = *to;
                    continue;
                }
                Op::At(place) => match *place {
                    At::Start => at == 0,
                    At::LineStart => at == 0 || text.data()[at - 1] == b'\n',
                    At::End => at == end,
                    At::LastLine => at == end || (at + 1 == end && text.data()[at] == b'\n'),
                    At::LineEnd => at == end || text.data()[at] == b'\n',
                    // There is no boundary in an empty text, and no place that is none either.
                    At::Boundary { unicode, negated } => end > 0 && at_boundary(text, at, end, unicode) != negated,
                },
                Op::Enter(slot) => {
                    self.set(*slot, 0);
                    self.set(slot + 1, UNSET);
                    true
                }
                Op::Loop { slot, min, max, lazy, exit } => {
                    let count = self.slots[*slot];
                    if count < *min {
                        self.set(*slot, count + 1);
                        op += 1;
                        continue;
                    }
                    let more = (unlimited(*max) || count < *max) && self.slots[slot + 1] != at;
                    if *lazy {
                        if more {
                            // Resumed here: see below.
                            self.stack.push(Entry::Lazy { op, count, at });
                        }
                        op = *exit;
                        continue;
                    }
                    if more {
                        self.stack.push(Entry::Choice { op: *exit, at });
                        self.set(*slot, count + 1);
                        self.set(slot + 1, at);
                        op += 1;
                        continue;
                    }
                    op = *exit;
                    continue;
                }
                Op::Open(hold, after) => {
                    self.stack.push(Entry::Barrier { hold: *hold, after: *after, at });
                    true
                }
                Op::Close => match self.close() {
                    Some((Hold::Look, start)) => {
                        at = start;
                        true
                    }
                    Some((Hold::Atomic, _)) => true,
                    _ => false,
                },
                Op::Behind(count) => {
                    let mut left = *count;
                    while left > 0 && at > 0 {
                        at = text.previous(at).1;
                        left -= 1;
                    }
                    left == 0
                }
                Op::Back(group, mode) => match self.span(*group) {
                    None => false,
                    Some((start, stop)) => {
                        if mode.ignore_case {
                            let mut i = start;
                            loop {
                                if i >= stop {
                                    break true;
                                }
                                if at >= end {
                                    break false;
                                }
                                let ((a, i2), (b, at2)) = (text.next(i), text.next(at));
                                if a != b && fold(a, mode.unicode) != fold(b, mode.unicode) {
                                    break false;
                                }
                                (i, at) = (i2, at2);
                            }
                        } else {
                            let size = stop.saturating_sub(start);
                            let same =
                                end - at >= size && text.data()[start..start + size] == text.data()[at..at + size];
                            at += if same { size } else { 0 };
                            same
                        }
                    }
                },
                Op::Unless(group, to) => {
                    if self.span(*group).is_none() {
                        op = *to;
                        continue;
                    }
                    true
                }
                Op::Fail => false,
                Op::Match => {
                    if (full && at != end) || (advance && at == from) {
                        false
                    } else {
                        self.slots[group_slot(0)] = from;
                        self.slots[group_slot(0) + 1] = at;
                        return Ok(true);
                    }
                }
            };
            if ok {
                op += 1;
                continue;
            }
            match self.backtrack(text, end) {
                Some(place) => (op, at) = place,
                None => return Ok(false),
            }
        }
    }

    /// Ends the innermost open part: drops its choices, keeps what is to be restored.
    fn close(&mut self) -> Option<(Hold, usize)> {
        let from = self.stack.iter().rposition(|e| matches!(e, Entry::Barrier { .. }))?;
        let Entry::Barrier { hold, at, .. } = self.stack[from] else { return None };
        if hold == Hold::Not {
            // Undo the part's effects and fail.
            while self.stack.len() > from {
                if let Some(Entry::Restore { slot, old }) = self.stack.pop() {
                    self.slots[slot] = old;
                }
            }
            return Some((hold, at));
        }
        let mut kept = from;
        for i in from + 1..self.stack.len() {
            if let Entry::Restore { .. } = self.stack[i] {
                self.stack[kept] = self.stack[i];
                kept += 1;
            }
        }
        self.stack.truncate(kept);
        Some((hold, at))
    }

    /// Where to go on after a failure.
    fn backtrack<T: Text>(&mut self, text: T, end: usize) -> Option<(usize, usize)> {
        loop {
            match self.stack.pop()? {
                Entry::Restore { slot, old } => self.slots[slot] = old,
                Entry::Choice { op, at } => return Some((op, at)),
                Entry::Barrier { hold: Hold::Not, after, at } => return Some((after, at)),
                Entry::Barrier { .. } => {}
                Entry::Greedy { op, least, mut at, then } => loop {
                    if at <= least {
                        break;
                    }
                    at = text.previous(at).1;
                    if then.is_none_or(|b| text.data()[at] == b) {
                        if at > least {
                            self.stack.push(Entry::Greedy { op, least, at, then });
                        }
                        return Some((op, at));
                    }
                },
                Entry::Lazy { op, count, at } => match &self.program.ops[op] {
                    Op::Run { test, max, .. } => {
                        if at < end {
                            let (c, next) = text.next(at);
                            if test.passes(c) {
                                if count + 1 < *max {
                                    self.stack.push(Entry::Lazy { op, count: count + 1, at: next });
                                }
                                return Some((op + 1, next));
                            }
                        }
                    }
                    Op::Loop { slot, .. } => {
                        let slot = *slot;
                        self.set(slot, count + 1);
                        self.set(slot + 1, at);
                        return Some((op + 1, at));
                    }
                    _ => {}
                },
            }
        }
    }
}
