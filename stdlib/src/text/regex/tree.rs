//! What a pattern says, as a tree, and the classes of characters in it.

use conc_interpreter::text::character;

/// How a character's class and case are judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode {
    pub unicode: bool,
    pub ignore_case: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Digit,
    Space,
    Word,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item {
    Range(u32, u32),
    Class { class: Class, negated: bool, unicode: bool },
}

#[derive(Clone, Debug)]
pub struct Set {
    pub negated: bool,
    pub items: Vec<Item>,
    pub mode: Mode,
    /// The answers for the first characters.
    low: [bool; 256],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    Start,
    LineStart,
    End,
    /// At the end or before a line break there.
    LastLine,
    LineEnd,
    Boundary {
        unicode: bool,
        negated: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

#[derive(Clone, Debug)]
pub enum Node {
    Fail,
    Char(u32, Mode),
    /// Any character; without line breaks unless `true`.
    Any(bool),
    Set(Box<Set>),
    At(At),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Group(usize, Box<Node>),
    Repeat {
        min: usize,
        max: usize,
        greed: Greed,
        body: Box<Node>,
    },
    Look {
        behind: Option<usize>,
        negated: bool,
        body: Box<Node>,
    },
    Atomic(Box<Node>),
    Back(usize, Mode),
    If {
        group: usize,
        yes: Box<Node>,
        no: Box<Node>,
    },
}

/// No limit, of a repetition.
pub const UNLIMITED: usize = usize::MAX;

pub fn is_word(c: u32, unicode: bool) -> bool {
    if c < 128 {
        let c = c as u8;
        return c.is_ascii_alphanumeric() || c == b'_';
    }
    unicode && character::is_alnum(c)
}

impl Class {
    pub fn has(self, c: u32, unicode: bool) -> bool {
        match self {
            Class::Word => is_word(c, unicode),
            Class::Digit if c < 128 => (c as u8).is_ascii_digit(),
            Class::Digit => unicode && character::is_decimal(c),
            Class::Space if unicode => character::is_space(c),
            Class::Space => matches!(c, 9..=13 | 32),
        }
    }
}

/// The character in lower case, if that is one character.
pub fn lower(c: u32, unicode: bool) -> u32 {
    if c < 128 {
        return u32::from((c as u8).to_ascii_lowercase());
    }
    if !unicode {
        return c;
    }
    // The capital I with a dot has a simple mapping besides its full one.
    if c == 0x130 {
        return 'i' as u32;
    }
    let Some(ch) = char::from_u32(c) else { return c };
    let mut mapped = ch.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(l), None) => l as u32,
        _ => c,
    }
}

pub fn upper(c: u32, unicode: bool) -> u32 {
    if c < 128 {
        return u32::from((c as u8).to_ascii_uppercase());
    }
    let Some(ch) = char::from_u32(c).filter(|_| unicode) else { return c };
    let mut mapped = ch.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(u), None) => u as u32,
        _ => c,
    }
}

/// One character for all those that are equal when case is ignored.
pub fn fold(c: u32, unicode: bool) -> u32 {
    if c < 128 || !unicode {
        return lower(c, false);
    }
    match lower(c, true) {
        0x1fd3 => 0x390,
        0x1fe3 => 0x3b0,
        0xfb05 => 0xfb06,
        0x345 | 0x1fbe => 0x3b9,
        low => lower(upper(low, true), true),
    }
}

impl Set {
    pub fn new(negated: bool, items: Vec<Item>, mode: Mode) -> Set {
        let mut set = Set { negated, items, mode, low: [false; 256] };
        for c in 0..256u32 {
            set.low[c as usize] = set.judge(c);
        }
        set
    }

    fn judge(&self, c: u32) -> bool {
        let unicode = self.mode.unicode;
        let found = if self.mode.ignore_case {
            let low = lower(c, unicode);
            let (high, folded) = (upper(low, unicode), fold(c, unicode));
            self.items.iter().any(|item| match *item {
                Item::Range(a, b) if a == b => fold(a, unicode) == folded,
                Item::Range(a, b) => (a..=b).contains(&low) || (a..=b).contains(&high),
                Item::Class { class, negated, unicode } => class.has(low, unicode) != negated,
            })
        } else {
            self.items.iter().any(|item| match *item {
                Item::Range(a, b) => (a..=b).contains(&c),
                Item::Class { class, negated, unicode } => class.has(c, unicode) != negated,
            })
        };
        found != self.negated
    }

    #[inline]
    pub fn has(&self, c: u32) -> bool {
        match self.low.get(c as usize) {
            Some(&known) => known,
            None => self.judge(c),
        }
    }
}

impl Node {
    pub fn empty() -> Node {
        Node::Sequence(Vec::new())
    }

    /// Whether the node is one character's test.
    pub fn is_single(&self) -> bool {
        matches!(self, Node::Char(..) | Node::Any(_) | Node::Set(_))
    }

    /// The least and greatest number of characters; `groups` has those of the groups closed so far.
    pub fn width(&self, groups: &[Option<(usize, usize)>]) -> (usize, usize) {
        match self {
            Node::Char(..) | Node::Any(_) | Node::Set(_) => (1, 1),
            Node::Fail | Node::At(_) | Node::Look { .. } => (0, 0),
            Node::Sequence(nodes) => nodes.iter().fold((0usize, 0usize), |(lo, hi), node| {
                let (a, b) = node.width(groups);
                (lo.saturating_add(a), hi.saturating_add(b))
            }),
            Node::Either(nodes) => {
                let widths = nodes.iter().map(|n| n.width(groups));
                widths.reduce(|x, y| (x.0.min(y.0), x.1.max(y.1))).unwrap_or((0, 0))
            }
            Node::Group(_, body) | Node::Atomic(body) => body.width(groups),
            Node::Repeat { min, max, body, .. } => {
                let (a, b) = body.width(groups);
                (a.saturating_mul(*min), b.saturating_mul(*max))
            }
            Node::Back(n, _) => groups.get(*n).copied().flatten().unwrap_or((0, UNLIMITED)),
            Node::If { yes, no, .. } => {
                let (x, y) = (yes.width(groups), no.width(groups));
                (x.0.min(y.0), x.1.max(y.1))
            }
        }
    }
}
