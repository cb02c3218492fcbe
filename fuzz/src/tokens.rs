//! Texts made of tokens, one for each byte.

/// Every kind of token, and the spaces between lines. The first ones are met most often.
const TOKENS: &[&str] = &[
    "\n", "\n    ", "\n        ", "\n\t", " ", "x", "y", "_", "1", "''", "(", ")", "[", "]", "{", "}", ",", ":", "=", ".",
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield", "match", "case", "type", "print",
    ";", "...", "->", "@", ":=", "!", "+", "-", "*", "**", "/", "//", "%", "<<", ">>", "&", "|", "^", "~", "==", "!=",
    "<", "<=", ">", ">=", "<>", "+=", "-=", "*=", "**=", "/=", "//=", "%=", "<<=", ">>=", "&=", "|=", "^=", "@=",
    "0x1f", "1.5", "2j", "1_000", "0b2", "07", "99999999999999999999", "1e999", "1if", "é", "ﬁ", "日", "€", "$", "?",
    "\\\n", "\\", "#c\n", "\r", "\r\n", "\x0c", "\u{feff}", "'", "\"", "'''", "f'", "f'{", "}'", "f\"{x!r:>{y}}\"", "f'''",
    "{{", "}}", "=}", "!r}", "b'\\xff'", "b'é'", "r'\\'", "'\\N{DIGIT ONE}'", "'\\ud800'", "'\\x1'", "u''", "rb''",
    "if x:", "def f(", "class A:", "lambda:", "try:", "except*", "yield from", "not in", "is not", "async for",
    "async def f():", "await x", "match x:", "case ", "for x in y", "while x:", "with x as y:", "from . import",
    "import x.y as z", "nonlocal x", "global x", "return", "*x", "**x", "x=1", "x:1", "type X[T] =", "[*T, **P]",
    "__debug__", "__class__", "super()", "__x", "exec", "from __future__ import annotations", "x[1:2, ...]", "(x := 1)",
];

pub fn text(data: &[u8]) -> String {
    let mut out = String::new();
    for &byte in data {
        let token = TOKENS[byte as usize % TOKENS.len()];
        let wordlike = |c: char| c.is_alphanumeric() || c == '_';
        if out.ends_with(wordlike) && token.starts_with(wordlike) {
            out.push(' ');
        }
        out.push_str(token);
    }
    out
}
