//! From a tree to instructions for the matcher.

use crate::text::regex::tree::{At, Greed, Item, Mode, Node, Set, UNLIMITED, fold, lower, upper};

#[derive(Debug)]
pub enum Test {
    Char(u32),
    /// A folded character.
    Folded(u32, bool),
    Any,
    NotBreak,
    Set(Box<Set>),
}

impl Test {
    #[inline]
    pub fn passes(&self, c: u32) -> bool {
        match self {
            Test::Char(x) => c == *x,
            Test::Folded(x, unicode) => fold(c, *unicode) == *x,
            Test::Any => true,
            Test::NotBreak => c != '\n' as u32,
            Test::Set(set) => set.has(c),
        }
    }
}

#[derive(Debug)]
pub enum Op {
    Fail,
    Match,
    One(Test),
    At(At),
    Jump(usize),
    /// Goes on behind this instruction, later at the target.
    Split(usize),
    /// Notes the position in a slot.
    Save(usize),
    /// Repeats one test; `then`: the byte that must follow.
    Run {
        test: Test,
        min: usize,
        max: usize,
        greed: Greed,
        then: Option<u8>,
    },
    /// Resets a loop's count and position, in two slots.
    Enter(usize),
    Loop {
        slot: usize,
        min: usize,
        max: usize,
        lazy: bool,
        exit: usize,
    },
    /// Begins a part that leaves no choices behind; the target follows after failure of a negated one.
    Open(Hold, usize),
    Close,
    /// Steps back some characters.
    Behind(usize),
    Back(usize, Mode),
    /// Jumps if the group did not match.
    Unless(usize, usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    Atomic,
    Look,
    Not,
}

#[derive(Debug)]
pub struct Program {
    pub ops: Vec<Op>,
    pub groups: usize,
    pub slots: usize,
    /// Bytes every match begins with.
    pub prefix: Vec<u8>,
    /// The bytes a match may begin with, unless it may be empty.
    pub first: Option<Box<[bool; 256]>>,
    /// Matches begin at the text's start only.
    pub anchored: bool,
    pub bytes: bool,
}

/// The slot that tells the last closed group.
pub const LAST: usize = 0;

/// The slot of a group's start; its end follows.
pub fn group_slot(group: usize) -> usize {
    1 + 2 * group
}

struct Compiler {
    ops: Vec<Op>,
    slots: usize,
    bytes: bool,
}

pub fn compile(tree: &Node, groups: usize, bytes: bool) -> Program {
    let mut c = Compiler { ops: Vec::new(), slots: group_slot(groups + 1), bytes };
    c.node(tree);
    c.ops.push(Op::Match);
    c.follow();
    let mut prefix = Vec::new();
    c.prefix(tree, &mut prefix);
    let mut set = Box::new([false; 256]);
    let first = if c.first(tree, &mut set) { None } else { Some(set) };
    let anchored = begins(tree);
    Program { ops: c.ops, groups, slots: c.slots, prefix, first, anchored, bytes }
}

/// Whether the tree begins with the start of the text.
fn begins(node: &Node) -> bool {
    match node {
        Node::At(At::Start) => true,
        Node::Sequence(nodes) => nodes.first().is_some_and(begins),
        Node::Group(_, body) | Node::Atomic(body) => begins(body),
        _ => false,
    }
}

/// A character's bytes in a text.
fn encode(c: u32, bytes: bool, out: &mut Vec<u8>) {
    match c {
        0..0x80 => out.push(c as u8),
        _ if bytes => out.push(c as u8),
        0x80..0x800 => out.extend([0xc0 | (c >> 6) as u8, 0x80 | (c & 63) as u8]),
        0x800..0x10000 => out.extend([0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 63) as u8, 0x80 | (c & 63) as u8]),
        _ => out.extend([
            0xf0 | (c >> 18) as u8,
            0x80 | (c >> 12 & 63) as u8,
            0x80 | (c >> 6 & 63) as u8,
            0x80 | (c & 63) as u8,
        ]),
    }
}

/// Whether a character is the only one of its case.
fn caseless(c: u32, mode: Mode) -> bool {
    !mode.ignore_case
        || (lower(c, mode.unicode) == c && upper(c, mode.unicode) == c && fold(c, mode.unicode) == c && c < 128)
}

impl Compiler {
    fn test(&self, node: &Node) -> Option<Test> {
        Some(match node {
            Node::Char(c, mode) if caseless(*c, *mode) => Test::Char(*c),
            Node::Char(c, mode) => Test::Folded(fold(*c, mode.unicode), mode.unicode),
            Node::Any(true) => Test::Any,
            Node::Any(false) => Test::NotBreak,
            Node::Set(set) => Test::Set(set.clone()),
            _ => return None,
        })
    }

    fn emit(&mut self, op: Op) -> usize {
        self.ops.push(op);
        self.ops.len() - 1
    }

    /// Makes a jump go to the next instruction.
    fn land(&mut self, at: usize) {
        let here = self.ops.len();
        match &mut self.ops[at] {
            Op::Jump(to) | Op::Split(to) | Op::Open(_, to) | Op::Unless(_, to) => *to = here,
            Op::Loop { exit, .. } => *exit = here,
            _ => {}
        }
    }

    /// Branches that are single characters, as one set.
    fn merged(branches: &[Node]) -> Option<Node> {
        let mut items = Vec::new();
        let mut mode = None;
        for branch in branches {
            match branch {
                Node::Char(c, m) => {
                    if mode.is_some_and(|x| x != *m) {
                        return None;
                    }
                    mode = Some(*m);
                    items.push(Item::Range(*c, *c));
                }
                _ => return None,
            }
        }
        Some(Node::Set(Box::new(Set::new(false, items, mode?))))
    }

    fn node(&mut self, node: &Node) {
        if let Some(test) = self.test(node) {
            self.emit(Op::One(test));
            return;
        }
        match node {
            Node::Fail => {
                self.emit(Op::Fail);
            }
            Node::At(at) => {
                self.emit(Op::At(*at));
            }
            Node::Sequence(nodes) => nodes.iter().for_each(|n| self.node(n)),
            Node::Either(branches) => {
                if let Some(set) = Self::merged(branches) {
                    return self.node(&set);
                }
                let mut ends = Vec::new();
                for (i, branch) in branches.iter().enumerate() {
                    let last = i + 1 == branches.len();
                    let split = (!last).then(|| self.emit(Op::Split(0)));
                    self.node(branch);
                    if let Some(split) = split {
                        ends.push(self.emit(Op::Jump(0)));
                        self.land(split);
                    }
                }
                ends.into_iter().for_each(|end| self.land(end));
            }
            Node::Group(n, body) => {
                self.emit(Op::Save(group_slot(*n)));
                self.node(body);
                self.emit(Op::Save(group_slot(*n) + 1));
            }
            Node::Atomic(body) => self.hold(Hold::Atomic, |c| c.node(body)),
            Node::Look { behind, negated, body } => {
                self.hold(if *negated { Hold::Not } else { Hold::Look }, |c| {
                    if let Some(n) = behind.filter(|&n| n > 0) {
                        c.emit(Op::Behind(n));
                    }
                    c.node(body);
                });
            }
            Node::Repeat { min, max, greed, body } => self.repeat(*min, *max, *greed, body),
            Node::Back(n, mode) => {
                self.emit(Op::Back(*n, *mode));
            }
            Node::If { group, yes, no } => {
                let unless = self.emit(Op::Unless(*group, 0));
                self.node(yes);
                let end = self.emit(Op::Jump(0));
                self.land(unless);
                self.node(no);
                self.land(end);
            }
            Node::Char(..) | Node::Any(_) | Node::Set(_) => {}
        }
    }

    fn hold(&mut self, hold: Hold, body: impl FnOnce(&mut Self)) {
        let open = self.emit(Op::Open(hold, 0));
        body(self);
        self.emit(Op::Close);
        self.land(open);
    }

    fn repeat(&mut self, min: usize, max: usize, greed: Greed, body: &Node) {
        if let Some(test) = self.test(body) {
            self.emit(Op::Run { test, min, max, greed, then: None });
            return;
        }
        match (min, max, greed) {
            (0, 0, _) => {}
            (1, 1, Greed::Greedy | Greed::Lazy) => self.node(body),
            (_, _, Greed::Possessive) => self.hold(Hold::Atomic, |c| c.repeat(min, max, Greed::Greedy, body)),
            (0, 1, Greed::Greedy) => {
                let split = self.emit(Op::Split(0));
                self.node(body);
                self.land(split);
            }
            _ => {
                let slot = self.slots;
                self.slots += 2;
                self.emit(Op::Enter(slot));
                let head = self.emit(Op::Loop { slot, min, max, lazy: greed == Greed::Lazy, exit: 0 });
                self.node(body);
                self.emit(Op::Jump(head));
                self.land(head);
            }
        }
    }

    /// Tells runs which byte follows them.
    fn follow(&mut self) {
        for i in 0..self.ops.len() {
            let Op::Run { greed: Greed::Greedy, .. } = self.ops[i] else { continue };
            let mut next = i + 1;
            while let Some(Op::Save(_)) = self.ops.get(next) {
                next += 1;
            }
            let Some(Op::One(Test::Char(c))) = self.ops.get(next) else { continue };
            let mut code = Vec::new();
            encode(*c, self.bytes, &mut code);
            if let Op::Run { then, .. } = &mut self.ops[i] {
                *then = code.first().copied();
            }
        }
    }

    /// Collects the literal beginning; false where it ends.
    fn prefix(&self, node: &Node, out: &mut Vec<u8>) -> bool {
        match node {
            Node::Char(c, mode) if caseless(*c, *mode) => {
                encode(*c, self.bytes, out);
                true
            }
            Node::Sequence(nodes) => nodes.iter().all(|n| self.prefix(n, out)),
            Node::Group(_, body) => self.prefix(body, out),
            Node::Repeat { min, max, body, .. } if *min >= 1 => self.prefix(body, out) && *min == 1 && *max == 1,
            _ => false,
        }
    }

    fn note(&self, c: u32, set: &mut [bool; 256]) {
        let mut code = Vec::new();
        encode(c, self.bytes, &mut code);
        set[code[0] as usize] = true;
    }

    /// Collects the bytes that may come first; true if the node may match nothing.
    fn first(&self, node: &Node, set: &mut [bool; 256]) -> bool {
        let all = |set: &mut [bool; 256], test: &dyn Fn(u32) -> bool| {
            let low = if self.bytes { 256 } else { 128 };
            for (c, first) in set[..low].iter_mut().enumerate() {
                *first |= test(c as u32);
            }
            set[low..].iter_mut().for_each(|b| *b = true);
        };
        match node {
            Node::Char(c, mode) if caseless(*c, *mode) => {
                self.note(*c, set);
                false
            }
            Node::Char(c, mode) => {
                let folded = fold(*c, mode.unicode);
                all(set, &|x| fold(x, mode.unicode) == folded);
                false
            }
            Node::Any(every) => {
                all(set, &|c| *every || c != '\n' as u32);
                false
            }
            Node::Set(s) => {
                all(set, &|c| s.has(c));
                false
            }
            Node::Fail | Node::At(_) | Node::Look { .. } => true,
            Node::Back(..) => {
                all(set, &|_| true);
                true
            }
            Node::Sequence(nodes) => nodes.iter().all(|n| self.first(n, set)),
            Node::Either(nodes) => nodes.iter().fold(false, |empty, n| self.first(n, set) | empty),
            Node::Group(_, body) | Node::Atomic(body) => self.first(body, set),
            Node::Repeat { min, max, body, .. } => *max == 0 || self.first(body, set) | (*min == 0),
            Node::If { yes, no, .. } => self.first(yes, set) | self.first(no, set),
        }
    }
}

/// Whether a repetition has no limit.
pub fn unlimited(max: usize) -> bool {
    max == UNLIMITED
}
