//! From a pattern's text to its tree.

use crate::text::regex::tree::{At, Class, Greed, Item, Mode, Node, Set, UNLIMITED};

pub mod flag {
    pub const IGNORECASE: u32 = 2;
    pub const LOCALE: u32 = 4;
    pub const MULTILINE: u32 = 8;
    pub const DOTALL: u32 = 16;
    pub const UNICODE: u32 = 32;
    pub const VERBOSE: u32 = 64;
    pub const ASCII: u32 = 256;
    /// The three that say what a letter is.
    pub const TYPES: u32 = LOCALE | UNICODE | ASCII;
}

/// Repetition counts end here.
const MAX_COUNT: u64 = u32::MAX as u64;
/// How deep groups may nest.
const MAX_DEPTH: usize = 400;

pub enum Fault {
    /// A PatternError with its position, if it has one.
    Pattern(String, Option<usize>),
    Value(&'static str),
    Overflow(&'static str),
    Recursion,
    /// An inline flag asks for the verbose syntax: read again.
    Verbose,
}

type P<T> = Result<T, Fault>;

pub struct Parsed {
    pub tree: Node,
    pub flags: u32,
    /// Without group 0.
    pub groups: usize,
    pub names: Vec<(String, usize)>,
}

struct Parser<'a> {
    text: &'a [u32],
    at: usize,
    bytes: bool,
    flags: u32,
    names: Vec<(String, usize)>,
    /// The widths of the closed groups, by number.
    widths: Vec<Option<(usize, usize)>>,
    /// The number of groups where the outermost look-behind began.
    behind: Option<usize>,
    /// Group numbers of conditions, with their places: they may come before the groups.
    conditions: Vec<(usize, usize)>,
    depth: usize,
}

const SPECIAL: &str = "\\^$.|?*+()[{";

fn digit(c: u32, base: u32) -> Option<u32> {
    char::from_u32(c).and_then(|c| c.to_digit(base))
}

fn show(code: &[u32]) -> String {
    code.iter().map(|&c| char::from_u32(c).unwrap_or('\u{fffd}')).collect()
}

fn is_octal(c: Option<u32>) -> bool {
    c.is_some_and(|c| digit(c, 8).is_some())
}

fn quote(name: &str) -> String {
    let mark = if name.contains('\'') && !name.contains('"') { '"' } else { '\'' };
    let mut out = String::from(mark);
    for c in name.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 32 || c as u32 == 127 => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(mark);
    out
}

/// Whether a name may name a group.
pub fn is_name(name: &str, bytes: bool) -> bool {
    (!bytes || name.is_ascii()) && conc_interpreter::text::case::isidentifier(name.as_bytes())
}

pub fn parse(text: &[u32], flags: u32, bytes: bool) -> P<Parsed> {
    match parse_once(text, flags, bytes) {
        Err(Fault::Verbose) => parse_once(text, flags | flag::VERBOSE, bytes),
        other => other,
    }
}

fn parse_once(text: &[u32], flags: u32, bytes: bool) -> P<Parsed> {
    let mut p = Parser {
        text,
        at: 0,
        bytes,
        flags,
        names: Vec::new(),
        widths: vec![None],
        behind: None,
        conditions: Vec::new(),
        depth: 0,
    };
    let tree = p.alternatives(flags, true)?;
    if p.peek().is_some() {
        return Err(p.fault("unbalanced parenthesis", p.at));
    }
    for &(group, at) in &p.conditions {
        if group >= p.widths.len() {
            return Err(p.fault(format!("invalid group reference {group}"), at));
        }
    }
    p.flags = fix_flags(p.flags, bytes)?;
    Ok(Parsed { tree, flags: p.flags, groups: p.widths.len() - 1, names: p.names })
}

fn fix_flags(flags: u32, bytes: bool) -> P<u32> {
    let has = |f| flags & f != 0;
    if bytes {
        if has(flag::UNICODE) {
            return Err(Fault::Value("cannot use UNICODE flag with a bytes pattern"));
        }
        if has(flag::LOCALE) && has(flag::ASCII) {
            return Err(Fault::Value("ASCII and LOCALE flags are incompatible"));
        }
        return Ok(flags);
    }
    if has(flag::LOCALE) {
        return Err(Fault::Value("cannot use LOCALE flag with a str pattern"));
    }
    if has(flag::ASCII) && has(flag::UNICODE) {
        return Err(Fault::Value("ASCII and UNICODE flags are incompatible"));
    }
    Ok(if has(flag::ASCII) { flags } else { flags | flag::UNICODE })
}

impl Parser<'_> {
    fn fault(&self, message: impl Into<String>, at: usize) -> Fault {
        Fault::Pattern(message.into(), Some(at))
    }
    fn peek(&self) -> Option<u32> {
        self.text.get(self.at).copied()
    }
    fn peek_is(&self, c: char) -> bool {
        self.peek() == Some(c as u32)
    }
    fn next(&mut self) -> Option<u32> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }
    fn eat(&mut self, c: char) -> bool {
        let found = self.peek_is(c);
        self.at += usize::from(found);
        found
    }
    /// The next character as a char.
    fn next_char(&mut self) -> Option<char> {
        self.next().map(|c| char::from_u32(c).unwrap_or('\u{fffd}'))
    }
    /// Text up to a closing character, which is eaten.
    fn until(&mut self, end: char, what: &str) -> P<String> {
        let from = self.at;
        loop {
            match self.next() {
                None if from == self.at => return Err(self.fault(format!("missing {what}"), self.at)),
                None => return Err(self.fault(format!("missing {end}, unterminated name"), from)),
                Some(c) if c == end as u32 => {
                    if self.at - 1 == from {
                        return Err(self.fault(format!("missing {what}"), self.at - 1));
                    }
                    return Ok(show(&self.text[from..self.at - 1]));
                }
                Some(_) => {}
            }
        }
    }
    fn mode(&self, flags: u32) -> Mode {
        let unicode = !self.bytes && flags & flag::ASCII == 0;
        Mode { unicode, ignore_case: flags & flag::IGNORECASE != 0 }
    }

    fn alternatives(&mut self, flags: u32, top: bool) -> P<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::Recursion);
        }
        let mut flags = flags;
        let first = self.sequence(&mut flags, top)?;
        if !self.peek_is('|') {
            self.depth -= 1;
            return Ok(first);
        }
        let mut branches = vec![first];
        while self.eat('|') {
            let branch = self.sequence(&mut flags, false)?;
            branches.push(branch);
        }
        self.depth -= 1;
        Ok(Node::Either(branches))
    }

    fn sequence(&mut self, flags: &mut u32, top: bool) -> P<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        // Whether the last node is a repetition.
        let mut repeated = false;
        while let Some(c) = self.peek() {
            let ch = char::from_u32(c).unwrap_or('\u{fffd}');
            if matches!(ch, '|' | ')') {
                break;
            }
            let start = self.at;
            self.at += 1;
            if *flags & flag::VERBOSE != 0 {
                if matches!(ch, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c') {
                    continue;
                }
                if ch == '#' {
                    while let Some(c) = self.next() {
                        if c == '\n' as u32 {
                            break;
                        }
                    }
                    continue;
                }
            }
            let node = match ch {
                '\\' => self.escape(start, *flags)?,
                '[' => self.set(start, *flags)?,
                '.' => Node::Any(*flags & flag::DOTALL != 0),
                '^' => Node::At(if *flags & flag::MULTILINE != 0 { At::LineStart } else { At::Start }),
                '$' => Node::At(if *flags & flag::MULTILINE != 0 { At::LineEnd } else { At::LastLine }),
                '(' => match self.group(start, flags, top && nodes.is_empty())? {
                    Some(node) => node,
                    None => continue,
                },
                '*' | '+' | '?' | '{' => {
                    let (min, max) = match ch {
                        '*' => (0, UNLIMITED),
                        '+' => (1, UNLIMITED),
                        '?' => (0, 1),
                        _ => match self.braces(start)? {
                            Some(counts) => counts,
                            None => {
                                nodes.push(Node::Char(c, self.mode(*flags)));
                                repeated = false;
                                continue;
                            }
                        },
                    };
                    let Some(body) = nodes.pop().filter(|n| !matches!(n, Node::At(_))) else {
                        return Err(self.fault("nothing to repeat", start));
                    };
                    if repeated {
                        return Err(self.fault("multiple repeat", start));
                    }
                    let greed = if self.eat('?') {
                        Greed::Lazy
                    } else if self.eat('+') {
                        Greed::Possessive
                    } else {
                        Greed::Greedy
                    };
                    repeated = true;
                    nodes.push(Node::Repeat { min, max, greed, body: Box::new(body) });
                    continue;
                }
                _ => Node::Char(c, self.mode(*flags)),
            };
            nodes.push(node);
            repeated = false;
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Sequence(nodes) })
    }

    /// The counts after `{`; None: the brace stands for itself.
    fn braces(&mut self, start: usize) -> P<Option<(usize, usize)>> {
        let back = start + 1;
        if self.peek_is('}') {
            return Ok(None);
        }
        let low = self.number();
        let high = if self.eat(',') { self.number() } else { low.clone() };
        if !self.eat('}') {
            self.at = back;
            return Ok(None);
        }
        let value = |text: &str, default: usize| -> P<usize> {
            if text.is_empty() {
                return Ok(default);
            }
            match text.parse::<u64>() {
                Ok(n) if n < MAX_COUNT => Ok(n as usize),
                _ => Err(Fault::Overflow("the repetition number is too large")),
            }
        };
        let (min, max) = (value(&low, 0)?, value(&high, UNLIMITED)?);
        if max < min {
            return Err(self.fault("min repeat greater than max repeat", back));
        }
        Ok(Some((min, max)))
    }

    fn number(&mut self) -> String {
        let from = self.at;
        while self.peek().is_some_and(|c| digit(c, 10).is_some()) {
            self.at += 1;
        }
        show(&self.text[from..self.at])
    }

    /// What follows `(`. None: it adds nothing to the tree.
    fn group(&mut self, start: usize, flags: &mut u32, first: bool) -> P<Option<Node>> {
        let mut inner = *flags;
        let mut name = None;
        let mut capture = true;
        let mut atomic = false;
        if self.eat('?') {
            let Some(c) = self.next_char() else {
                return Err(self.fault("unexpected end of pattern", self.at));
            };
            match c {
                'P' => {
                    if self.eat('<') {
                        let at = self.at;
                        let found = self.until('>', "group name")?;
                        self.check_name(&found, at)?;
                        name = Some((found, at));
                    } else if self.eat('=') {
                        let at = self.at;
                        let found = self.until(')', "group name")?;
                        self.check_name(&found, at)?;
                        let Some(group) = self.named(&found) else {
                            return Err(self.fault(format!("unknown group name {}", quote(&found)), at));
                        };
                        return self.reference(group, at, *flags).map(Some);
                    } else {
                        let Some(c) = self.next() else {
                            return Err(self.fault("unexpected end of pattern", self.at));
                        };
                        return Err(self.fault(format!("unknown extension ?P{}", show(&[c])), start + 1));
                    }
                }
                ':' => capture = false,
                '#' => loop {
                    match self.next_char() {
                        None => return Err(self.fault("missing ), unterminated comment", start)),
                        Some(')') => return Ok(None),
                        Some(_) => {}
                    }
                },
                '=' | '!' => return self.look(start, *flags, false, c == '!').map(Some),
                '<' => {
                    let Some(c) = self.next_char() else {
                        return Err(self.fault("unexpected end of pattern", self.at));
                    };
                    if !matches!(c, '=' | '!') {
                        return Err(self.fault(format!("unknown extension ?<{c}"), start + 1));
                    }
                    return self.look(start, *flags, true, c == '!').map(Some);
                }
                '(' => return self.condition(start, *flags).map(Some),
                '>' => {
                    capture = false;
                    atomic = true;
                }
                c if "aiLmsux-".contains(c) => {
                    let Some((add, remove)) = self.inline_flags(c)? else {
                        // Flags of the whole pattern.
                        if !first {
                            return Err(self.fault("global flags not at the start of the expression", start));
                        }
                        if self.flags & flag::VERBOSE != 0 && *flags & flag::VERBOSE == 0 {
                            return Err(Fault::Verbose);
                        }
                        *flags |= self.flags;
                        return Ok(None);
                    };
                    if add & flag::TYPES != 0 {
                        inner &= !flag::TYPES;
                    }
                    inner = (inner | add) & !remove;
                    capture = false;
                }
                c => return Err(self.fault(format!("unknown extension ?{c}"), start + 1)),
            }
        }
        let mut number = 0;
        if capture {
            number = self.widths.len();
            self.widths.push(None);
            if let Some((name, at)) = name {
                if let Some(old) = self.named(&name) {
                    let message =
                        format!("redefinition of group name {} as group {number}; was group {old}", quote(&name));
                    return Err(self.fault(message, at));
                }
                self.names.push((name, number));
            }
        }
        let body = self.alternatives(inner, false)?;
        if !self.eat(')') {
            return Err(self.fault("missing ), unterminated subpattern", start));
        }
        if capture {
            self.widths[number] = Some(body.width(&self.widths));
            return Ok(Some(Node::Group(number, Box::new(body))));
        }
        if atomic {
            return Ok(Some(Node::Atomic(Box::new(body))));
        }
        // A lone anchor in parentheses may be repeated.
        Ok(Some(match body {
            Node::At(_) | Node::Repeat { .. } => Node::Sequence(vec![body]),
            body => body,
        }))
    }

    fn look(&mut self, start: usize, flags: u32, behind: bool, negated: bool) -> P<Node> {
        let outer = self.behind;
        if behind && outer.is_none() {
            self.behind = Some(self.widths.len());
        }
        let body = self.alternatives(flags, false)?;
        self.behind = outer;
        if !self.eat(')') {
            return Err(self.fault("missing ), unterminated subpattern", start));
        }
        if !behind && negated && matches!(&body, Node::Sequence(nodes) if nodes.is_empty()) {
            return Ok(Node::Fail);
        }
        let behind = match behind {
            false => None,
            true => {
                let (low, high) = body.width(&self.widths);
                if low != high {
                    return Err(Fault::Pattern("look-behind requires fixed-width pattern".into(), None));
                }
                Some(low)
            }
        };
        Ok(Node::Look { behind, negated, body: Box::new(body) })
    }

    fn condition(&mut self, start: usize, flags: u32) -> P<Node> {
        let at = self.at;
        let name = self.until(')', "group name")?;
        let group = if is_name(&name, self.bytes) {
            match self.named(&name) {
                Some(group) => group,
                None => return Err(self.fault(format!("unknown group name {}", quote(&name)), at)),
            }
        } else {
            if !name.bytes().all(|b| b.is_ascii_digit()) {
                return Err(self.fault(format!("bad character in group name {}", quote(&name)), at));
            }
            let group = name.parse().unwrap_or(usize::MAX);
            if group == 0 {
                return Err(self.fault("bad group number", at));
            }
            if group >= MAX_COUNT as usize {
                return Err(self.fault(format!("invalid group reference {name}"), at));
            }
            self.conditions.push((group, at));
            group
        };
        self.check_behind(group)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::Recursion);
        }
        let mut flags = flags;
        let yes = self.sequence(&mut flags, false)?;
        let no = if self.eat('|') {
            let no = self.sequence(&mut flags, false)?;
            if self.peek_is('|') {
                return Err(self.fault("conditional backref with more than two branches", self.at));
            }
            no
        } else {
            Node::empty()
        };
        self.depth -= 1;
        if !self.eat(')') {
            return Err(self.fault("missing ), unterminated subpattern", start));
        }
        Ok(Node::If { group, yes: Box::new(yes), no: Box::new(no) })
    }

    /// The flags to set and clear inside the group; None if they are the whole pattern's.
    fn inline_flags(&mut self, first: char) -> P<Option<(u32, u32)>> {
        let letter = |c: char| match c {
            'i' => flag::IGNORECASE,
            'L' => flag::LOCALE,
            'm' => flag::MULTILINE,
            's' => flag::DOTALL,
            'u' => flag::UNICODE,
            'x' => flag::VERBOSE,
            'a' => flag::ASCII,
            _ => 0,
        };
        let (mut add, mut remove) = (0, 0);
        let mut c = first;
        if c != '-' {
            loop {
                let bit = letter(c);
                if !self.bytes && c == 'L' {
                    return Err(self.fault("bad inline flags: cannot use 'L' flag with a str pattern", self.at));
                }
                if self.bytes && c == 'u' {
                    return Err(self.fault("bad inline flags: cannot use 'u' flag with a bytes pattern", self.at));
                }
                add |= bit;
                if bit & flag::TYPES != 0 && add & flag::TYPES != bit {
                    let message = "bad inline flags: flags 'a', 'u' and 'L' are incompatible";
                    return Err(self.fault(message, self.at));
                }
                let Some(next) = self.next_char() else {
                    return Err(self.fault("missing -, : or )", self.at));
                };
                if matches!(next, ')' | '-' | ':') {
                    c = next;
                    break;
                }
                if letter(next) == 0 {
                    let message = if next.is_alphabetic() { "unknown flag" } else { "missing -, : or )" };
                    return Err(self.fault(message, self.at - 1));
                }
                c = next;
            }
        }
        if c == ')' {
            self.flags |= add;
            return Ok(None);
        }
        if add & !(flag::IGNORECASE | flag::MULTILINE | flag::DOTALL | flag::VERBOSE | flag::TYPES) != 0 {
            return Err(self.fault("bad inline flags: cannot turn on global flag", self.at - 1));
        }
        if c == '-' {
            let Some(mut c) = self.next_char() else {
                return Err(self.fault("missing flag", self.at));
            };
            if letter(c) == 0 {
                let message = if c.is_alphabetic() { "unknown flag" } else { "missing flag" };
                return Err(self.fault(message, self.at - 1));
            }
            loop {
                let bit = letter(c);
                if bit & flag::TYPES != 0 {
                    let message = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                    return Err(self.fault(message, self.at));
                }
                remove |= bit;
                let Some(next) = self.next_char() else {
                    return Err(self.fault("missing :", self.at));
                };
                if next == ':' {
                    break;
                }
                if letter(next) == 0 {
                    let message = if next.is_alphabetic() { "unknown flag" } else { "missing :" };
                    return Err(self.fault(message, self.at - 1));
                }
                c = next;
            }
        }
        if add & remove != 0 {
            return Err(self.fault("bad inline flags: flag turned on and off", self.at - 1));
        }
        Ok(Some((add, remove)))
    }

    fn named(&self, name: &str) -> Option<usize> {
        self.names.iter().find(|(n, _)| n == name).map(|&(_, group)| group)
    }

    fn check_name(&self, name: &str, at: usize) -> P<()> {
        if self.bytes && !name.is_ascii() {
            let shown: String =
                name.chars().map(|c| if c.is_ascii() { c.into() } else { format!("\\x{:02x}", c as u32) }).collect();
            return Err(self.fault(format!("bad character in group name b'{shown}'"), at));
        }
        if !is_name(name, self.bytes) {
            return Err(self.fault(format!("bad character in group name {}", quote(name)), at));
        }
        Ok(())
    }

    fn check_behind(&self, group: usize) -> P<()> {
        if let Some(from) = self.behind {
            if self.widths.get(group).copied().flatten().is_none() {
                return Err(self.fault("cannot refer to an open group", self.at));
            }
            if group >= from {
                let message = "cannot refer to group defined in the same lookbehind subpattern";
                return Err(self.fault(message, self.at));
            }
        }
        Ok(())
    }

    fn reference(&mut self, group: usize, at: usize, flags: u32) -> P<Node> {
        if self.widths[group].is_none() {
            return Err(self.fault("cannot refer to an open group", at));
        }
        self.check_behind(group)?;
        Ok(Node::Back(group, self.mode(flags)))
    }

    fn class(&self, c: char, flags: u32) -> Option<Item> {
        let class = match c.to_ascii_lowercase() {
            'd' => Class::Digit,
            's' => Class::Space,
            'w' => Class::Word,
            _ => return None,
        };
        Some(Item::Class { class, negated: c.is_ascii_uppercase(), unicode: self.mode(flags).unicode })
    }

    /// What follows a backslash outside a set.
    fn escape(&mut self, start: usize, flags: u32) -> P<Node> {
        let mode = self.mode(flags);
        let Some(c) = self.next() else {
            return Err(self.fault("bad escape (end of pattern)", start));
        };
        let ch = char::from_u32(c).unwrap_or('\u{fffd}');
        let boundary = |negated| Node::At(At::Boundary { unicode: mode.unicode, negated });
        match ch {
            'A' => return Ok(Node::At(At::Start)),
            'Z' => return Ok(Node::At(At::End)),
            'b' => return Ok(boundary(false)),
            'B' => return Ok(boundary(true)),
            '0' => {
                let mut code = 0;
                for _ in 0..2 {
                    if is_octal(self.peek()) {
                        code = code * 8 + self.next().and_then(|c| digit(c, 8)).unwrap_or(0);
                    }
                }
                return Ok(Node::Char(code, mode));
            }
            '1'..='9' => {
                let mut group = c - '0' as u32;
                if let Some(second) = self.peek().and_then(|c| digit(c, 10)) {
                    self.at += 1;
                    if group < 8 && second < 8 && is_octal(self.peek()) {
                        let third = self.next().and_then(|c| digit(c, 8)).unwrap_or(0);
                        let code = group * 64 + second * 8 + third;
                        if code > 0o377 {
                            let shown = show(&self.text[start..self.at]);
                            let message = format!("octal escape value {shown} outside of range 0-0o377");
                            return Err(self.fault(message, start));
                        }
                        return Ok(Node::Char(code, mode));
                    }
                    group = group * 10 + second;
                }
                let group = group as usize;
                if group >= self.widths.len() {
                    return Err(self.fault(format!("invalid group reference {group}"), start + 1));
                }
                if self.widths[group].is_none() {
                    return Err(self.fault("cannot refer to an open group", start));
                }
                self.check_behind(group)?;
                return Ok(Node::Back(group, mode));
            }
            _ => {}
        }
        if let Some(item) = self.class(ch, flags) {
            return Ok(Node::Set(Box::new(Set::new(false, vec![item], Mode { ignore_case: false, ..mode }))));
        }
        Ok(Node::Char(self.character(start, c, ch)?, mode))
    }

    /// An escape that stands for one character, in sets and outside.
    fn character(&mut self, start: usize, c: u32, ch: char) -> P<u32> {
        let simple = match ch {
            'a' => 7,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            _ => 0,
        };
        if simple != 0 {
            return Ok(simple);
        }
        let digits = match ch {
            'x' => 2,
            'u' if !self.bytes => 4,
            'U' if !self.bytes => 8,
            _ => 0,
        };
        if digits > 0 {
            let (mut code, mut count) = (0u32, 0);
            while count < digits {
                let Some(d) = self.peek().and_then(|c| digit(c, 16)) else { break };
                code = code.wrapping_mul(16).wrapping_add(d);
                self.at += 1;
                count += 1;
            }
            let shown = show(&self.text[start..self.at]);
            if count < digits {
                return Err(self.fault(format!("incomplete escape {shown}"), start));
            }
            if code > 0x10ffff {
                return Err(self.fault(format!("bad escape {shown}"), start));
            }
            return Ok(code);
        }
        if ch == 'N' && !self.bytes {
            if !self.eat('{') {
                return Err(self.fault("missing {", self.at));
            }
            let name = self.until('}', "character name")?;
            return Err(self.fault(format!("undefined character name {}", quote(&name)), start));
        }
        if ch.is_ascii_alphabetic() || ch.is_ascii_digit() {
            let shown = show(&self.text[start..self.at]);
            return Err(self.fault(format!("bad escape {shown}"), start));
        }
        Ok(c)
    }

    /// A member of a set: one character or a class.
    fn member(&mut self, start: usize, c: u32, flags: u32) -> P<Item> {
        if c != '\\' as u32 {
            return Ok(Item::Range(c, c));
        }
        let Some(c) = self.next() else {
            return Err(self.fault("bad escape (end of pattern)", start));
        };
        let ch = char::from_u32(c).unwrap_or('\u{fffd}');
        if let Some(item) = self.class(ch, flags) {
            return Ok(item);
        }
        if ch == 'b' {
            return Ok(Item::Range(8, 8));
        }
        if let Some(first) = digit(c, 8) {
            let mut code = first;
            for _ in 0..2 {
                if is_octal(self.peek()) {
                    code = code * 8 + self.next().and_then(|c| digit(c, 8)).unwrap_or(0);
                }
            }
            if code > 0o377 {
                let shown = show(&self.text[start..self.at]);
                let message = format!("octal escape value {shown} outside of range 0-0o377");
                return Err(self.fault(message, start));
            }
            return Ok(Item::Range(code, code));
        }
        let code = self.character(start, c, ch)?;
        Ok(Item::Range(code, code))
    }

    fn set(&mut self, start: usize, flags: u32) -> P<Node> {
        let unterminated = |p: &Self| p.fault("unterminated character set", start);
        let negated = self.eat('^');
        let mut items = Vec::new();
        let mut first = true;
        loop {
            let at = self.at;
            let Some(c) = self.next() else { return Err(unterminated(self)) };
            if c == ']' as u32 && !first {
                break;
            }
            first = false;
            let low = self.member(at, c, flags)?;
            if !self.eat('-') {
                items.push(low);
                continue;
            }
            let high_at = self.at;
            let Some(c) = self.next() else { return Err(unterminated(self)) };
            if c == ']' as u32 {
                items.push(low);
                items.push(Item::Range('-' as u32, '-' as u32));
                break;
            }
            let high = self.member(high_at, c, flags)?;
            match (low, high) {
                (Item::Range(a, _), Item::Range(b, _)) if a <= b => items.push(Item::Range(a, b)),
                _ => {
                    let shown = show(&self.text[at..self.at]);
                    return Err(self.fault(format!("bad character range {shown}"), at));
                }
            }
        }
        Ok(Node::Set(Box::new(Set::new(negated, items, self.mode(flags)))))
    }
}

/// Whether a character means something of its own in a pattern.
pub fn is_special(c: char) -> bool {
    SPECIAL.contains(c)
}
