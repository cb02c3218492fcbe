//! Mostly valid programs: bytes decide between the forms of a small grammar.

pub fn text(data: &[u8]) -> String {
    let mut maker = Maker { data: data.iter(), out: String::new() };
    while !maker.data.as_slice().is_empty() {
        maker.statement(0, 4);
    }
    maker.out
}

struct Maker<'a> {
    data: std::slice::Iter<'a, u8>,
    out: String,
}

const NAMES: [&str; 12] = ["a", "b", "c", "self", "__private", "_", "__class__", "x", "match", "type", "é", "print"];
const OPERATORS: [&str; 26] = [
    "+", "-", "*", "/", "//", "%", "@", "**", "<<", ">>", "&", "|", "^", "and", "or", "<", ">", "==", "!=", "<=", ">=",
    "in", "not in", "is", "is not", "if a else",
];

impl Maker<'_> {
    /// A number below `n`; zero when the bytes have run out.
    fn pick(&mut self, n: usize) -> usize {
        self.data.next().map_or(0, |&b| b as usize % n)
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn name(&mut self) {
        let at = self.pick(NAMES.len());
        self.put(NAMES[at]);
    }

    fn list(&mut self, most: usize, between: &str, mut each: impl FnMut(&mut Self)) {
        for i in 0..=self.pick(most) {
            if i > 0 {
                self.put(between);
            }
            each(self);
        }
    }

    fn atom(&mut self) {
        const ATOMS: [&str; 24] = [
            "1", "0", "-1", "True", "None", "...", "1.5", "2j", "10**20", "'s'", "b'b'", "\"it's\"", "'\\n\\x00\\ud800'", "1e400",
            "0xFFFFFFFFFFFFFFFFFFFF", "()", "[]", "{}", "__debug__", "'''a\nb'''", "f''", "1_0", "256", "-9223372036854775808",
        ];
        match self.pick(3) {
            0 => self.name(),
            _ => {
                let at = self.pick(ATOMS.len());
                self.put(ATOMS[at]);
            }
        }
    }

    fn expression(&mut self, depth: usize) {
        if depth == 0 {
            return self.atom();
        }
        let d = depth - 1;
        match self.pick(24) {
            0..4 => self.atom(),
            4..8 => {
                self.put("(");
                self.expression(d);
                let at = self.pick(OPERATORS.len());
                self.put(" ");
                self.put(OPERATORS[at]);
                self.put(" ");
                self.expression(d);
                self.put(")");
            }
            8 | 9 => {
                self.expression(d);
                self.arguments(d);
            }
            10 => {
                self.name();
                self.put(".");
                self.name();
            }
            11 => {
                self.expression(d);
                self.put("[");
                self.subscript(d);
                self.put("]");
            }
            12 => self.wrapped("[", "]", |m| m.list(4, ", ", |m| m.item(d))),
            13 => self.wrapped("(", ",)", |m| m.list(4, ", ", |m| m.item(d))),
            14 => self.wrapped("{", "}", |m| m.list(4, ", ", |m| m.item(d))),
            15 => self.wrapped("{", "}", |m| {
                m.list(4, ", ", |m| match m.pick(4) {
                    0 => {
                        m.put("**");
                        m.name();
                    }
                    _ => {
                        m.expression(d);
                        m.put(": ");
                        m.expression(d);
                    }
                });
            }),
            16 => self.wrapped("(lambda", ")", |m| {
                m.put(" ");
                m.parameters(d, false);
                m.put(": ");
                m.expression(d);
            }),
            17 | 18 => {
                let (open, close) = [("[", "]"), ("{", "}"), ("(", ")"), ("{a: ", "}")][self.pick(4)];
                self.wrapped(open, close, |m| {
                    m.expression(d);
                    m.list(1, "", |m| {
                        let word = [" for ", " for ", " for ", " async for "][m.pick(4)];
                        m.put(word);
                        m.target(1);
                        m.put(" in ");
                        m.expression(d);
                        if m.pick(3) == 0 {
                            m.put(" if ");
                            m.expression(d);
                        }
                    });
                });
            }
            19 => self.fstring(d),
            20 => self.wrapped("(", ")", |m| {
                m.name();
                m.put(" := ");
                m.expression(d);
            }),
            21 => {
                let open = ["(yield ", "(yield from ", "(await ", "(not ", "(~", "(-", "(+", "(- -"][self.pick(8)];
                self.wrapped(open, ")", |m| m.expression(d));
            }
            22 => self.wrapped("(", ")", |m| {
                m.expression(d);
                m.put(" < ");
                m.expression(d);
                m.put(" is not ");
                m.expression(d);
            }),
            _ => self.wrapped("(", ")", |m| {
                m.expression(d);
                m.put(" if ");
                m.expression(d);
                m.put(" else ");
                m.expression(d);
            }),
        }
    }

    fn wrapped(&mut self, open: &str, close: &str, inner: impl FnOnce(&mut Self)) {
        self.put(open);
        inner(self);
        self.put(close);
    }

    fn item(&mut self, depth: usize) {
        if self.pick(6) == 0 {
            self.put("*");
        }
        self.expression(depth);
    }

    fn subscript(&mut self, depth: usize) {
        self.list(1, ", ", |m| match m.pick(3) {
            0 => m.expression(depth),
            1 => m.put("::"),
            _ => {
                m.expression(depth);
                m.put(":");
                m.expression(depth);
            }
        });
    }

    fn fstring(&mut self, depth: usize) {
        self.put("f'''t");
        self.list(2, "{{", |m| {
            m.put("{ ");
            m.expression(depth);
            let tail = ["", "!r", "!s:>9", ":{a}", "=", " = !a:x{b}y"][m.pick(6)];
            m.put(tail);
            m.put("}");
        });
        self.put("'''");
    }

    fn arguments(&mut self, depth: usize) {
        self.put("(");
        if self.pick(6) > 0 {
            self.list(3, ", ", |m| {
                match m.pick(8) {
                    0 => m.put("*"),
                    1 => m.put("**"),
                    2 => {
                        m.name();
                        m.put("=");
                    }
                    _ => {}
                }
                m.expression(depth);
            });
        }
        self.put(")");
    }

    fn parameters(&mut self, depth: usize, annotated: bool) {
        self.list(4, ", ", |m| {
            match m.pick(10) {
                0 => return m.put("/"),
                1 => return m.put("*"),
                2 => m.put("*"),
                3 => m.put("**"),
                _ => {}
            }
            m.name();
            if annotated && m.pick(4) == 0 {
                m.put(": ");
                m.expression(depth);
            }
            if m.pick(3) == 0 {
                m.put("=");
                m.expression(depth);
            }
        });
    }

    fn target(&mut self, depth: usize) {
        match self.pick(if depth == 0 { 4 } else { 8 }) {
            0..=3 => self.name(),
            4 => {
                self.name();
                self.put(".");
                self.name();
            }
            5 => {
                self.name();
                self.put("[");
                self.subscript(1);
                self.put("]");
            }
            6 => self.wrapped("(", ")", |m| {
                m.list(3, ", ", |m| {
                    if m.pick(4) == 0 {
                        m.put("*");
                    }
                    m.target(depth - 1);
                });
            }),
            _ => self.wrapped("[", "]", |m| m.list(2, ", ", |m| m.target(depth - 1))),
        }
    }

    fn pattern(&mut self, depth: usize) {
        let d = depth.saturating_sub(1);
        match self.pick(if depth == 0 { 4 } else { 10 }) {
            0 => self.name(),
            1 => self.put("_"),
            2 => self.put("1"),
            3 => self.put("'s'"),
            4 => self.wrapped("[", "]", |m| {
                m.list(3, ", ", |m| {
                    if m.pick(4) == 0 {
                        m.put("*");
                        m.name();
                    } else {
                        m.pattern(d);
                    }
                });
            }),
            5 => self.wrapped("{", "}", |m| {
                m.list(2, ", ", |m| {
                    let key = ["'k': ", "1: ", "a.b: ", "None: "][m.pick(4)];
                    m.put(key);
                    m.pattern(d);
                });
                if m.pick(2) == 0 {
                    m.put(", **rest");
                }
            }),
            6 => {
                self.name();
                self.wrapped("(", ")", |m| {
                    m.list(2, ", ", |m| {
                        if m.pick(2) == 0 {
                            m.name();
                            m.put("=");
                        }
                        m.pattern(d);
                    });
                });
            }
            7 => self.wrapped("(", ")", |m| m.list(2, " | ", |m| m.pattern(d))),
            8 => self.wrapped("(", ")", |m| {
                m.pattern(d);
                m.put(" as ");
                m.name();
            }),
            _ => self.put("a.b.c"),
        }
    }

    fn line(&mut self, indent: usize) {
        self.put(&"  ".repeat(indent));
    }

    fn block(&mut self, indent: usize, depth: usize) {
        self.put(":\n");
        for _ in 0..=self.pick(3) {
            self.statement(indent + 1, depth);
        }
    }

    /// Another clause of a compound statement.
    fn clause(&mut self, text: &str, indent: usize, depth: usize) {
        self.line(indent);
        self.put(text);
        self.block(indent, depth);
    }

    fn statement(&mut self, indent: usize, depth: usize) {
        self.line(indent);
        let d = depth.saturating_sub(1);
        match self.pick(if depth == 0 { 14 } else { 32 }) {
            0..6 => self.simple(),
            6..8 => {
                self.list(1, " = ", |m| m.target(2));
                self.put(" = ");
                self.expression(3);
                self.put("\n");
            }
            8 => {
                self.name();
                let operator = [" += ", " **= ", " //= ", " @= ", " |= ", " >>= "][self.pick(6)];
                self.put(operator);
                self.expression(2);
                self.put("\n");
            }
            9..14 => {
                self.expression(3);
                self.put("\n");
            }
            14..17 => {
                self.put("if ");
                self.expression(2);
                self.block(indent, d);
                if self.pick(3) == 0 {
                    self.clause("elif a", indent, d);
                }
                if self.pick(3) == 0 {
                    self.clause("else", indent, d);
                }
            }
            17 | 18 => {
                let word = ["for ", "for ", "async for "][self.pick(3)];
                self.put(word);
                self.target(2);
                self.put(" in ");
                self.expression(2);
                self.block(indent, d);
                if self.pick(3) == 0 {
                    self.clause("else", indent, d);
                }
            }
            19 => {
                self.put("while ");
                self.expression(2);
                self.block(indent, d);
            }
            20..23 => self.trying(indent, d),
            23 => {
                let word = ["with ", "with ", "async with "][self.pick(3)];
                self.put(word);
                self.list(2, ", ", |m| {
                    m.expression(1);
                    if m.pick(2) == 0 {
                        m.put(" as ");
                        m.target(1);
                    }
                });
                self.block(indent, d);
            }
            24..28 => {
                if self.pick(5) == 0 {
                    self.put("@a\n");
                    self.line(indent);
                }
                let word = ["def ", "def ", "def ", "async def "][self.pick(4)];
                self.put(word);
                self.name();
                let generic = ["", "", "", "[T]", "[T: (a, b), *U, **P]", "[T = a]"][self.pick(6)];
                self.put(generic);
                self.wrapped("(", ")", |m| m.parameters(1, true));
                self.block(indent, d);
            }
            28..30 => {
                self.put("class ");
                self.name();
                if self.pick(3) == 0 {
                    self.put("[T]");
                }
                self.arguments(1);
                self.block(indent, d);
            }
            _ => {
                self.put("match ");
                self.expression(2);
                self.put(":\n");
                for _ in 0..=self.pick(3) {
                    self.line(indent + 1);
                    self.put("case ");
                    self.pattern(3);
                    if self.pick(3) == 0 {
                        self.put(" if a");
                    }
                    self.block(indent + 1, d);
                }
            }
        }
    }

    fn trying(&mut self, indent: usize, depth: usize) {
        self.put("try");
        self.block(indent, depth);
        let handlers = self.pick(3);
        let star = self.pick(4) == 0;
        for _ in 0..handlers {
            let text = match (star, self.pick(3)) {
                (true, _) => "except* a as b",
                (_, 0) => "except a",
                (_, 1) => "except (a, b) as c",
                _ => "except a as __private",
            };
            self.clause(text, indent, depth);
        }
        if handlers > 0 && self.pick(3) == 0 {
            self.clause("else", indent, depth);
        }
        if handlers == 0 || self.pick(2) == 0 {
            self.clause("finally", indent, depth);
        }
    }

    fn simple(&mut self) {
        const SIMPLE: [&str; 24] = [
            "pass", "break", "continue", "return", "return a", "raise", "raise a from b", "del a", "del a.b, c[0]", "global a",
            "nonlocal b", "import a.b as c, x", "from .a import b as c", "from a import *", "assert a, b", "a: int = 1", "a: b",
            "yield", "yield from a", "await a", "type a[T: b] = c", "a: list[int]", "return (yield)", "from __future__ import annotations",
        ];
        let at = self.pick(SIMPLE.len());
        self.put(SIMPLE[at]);
        self.put("\n");
    }
}
