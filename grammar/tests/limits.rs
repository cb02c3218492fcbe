//! No input overflows the stack or takes more than linear time, and no tree is too deep to drop.

use conc_grammar::{MAX_DEPTH, Parsed, parse_module};

/// Parses and drops within a megabyte of stack.
fn small_stack(source: String) -> Vec<String> {
    let run = move || {
        let Parsed { module, diagnostics, .. } = parse_module(&source);
        drop(module);
        diagnostics.into_iter().map(|d| d.message).collect()
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap()
}

fn refused(source: String, message: &str) {
    let found = small_stack(source.clone());
    assert_eq!(found.first().map(String::as_str), Some(message), "{:.60}", source);
}

fn accepted(source: String) {
    let found = small_stack(source.clone());
    assert!(found.is_empty(), "{:.60}: {found:?}", source);
}

const MANY: usize = 100_000;

#[test]
fn brackets() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")"), ("a[", "]"), ("f'{", "}'")] {
        let nested = |n: usize| format!("x = {}1{}", open.repeat(n), close.repeat(n));
        accepted(nested(if open == "f'{" { 90 } else { 199 }));
        let found = small_stack(nested(MANY));
        assert!(found[0].starts_with("too many nested"), "{open}: {found:?}");
    }
    refused("(".repeat(MANY), "too many nested parentheses");
    refused(format!("match x:\n case {}a{}: pass", "(".repeat(MANY), ")".repeat(MANY)), "too many nested parentheses");
}

#[test]
fn chains() {
    let deep = "too deeply nested";
    let chains: &[(&str, &str, &str)] = &[
        ("", "-", "1"),
        ("", "not ", "1"),
        ("", "~", "1"),
        ("a", ".b", ""),
        ("a", "()", ""),
        ("a", "[0]", ""),
        ("a", "+1", ""),
        ("a", "**1", ""),
        ("", "lambda: ", "1"),
        ("", "lambda x=1: ", "1"),
        ("", "a if b else ", "c"),
        ("x: ", "lambda: ", "1"),
        ("del a", ".b", ""),
        ("return a", "+1", ""),
        ("for x in a", "()", ": pass"),
        ("class A(a", "[0]", "): pass"),
        ("@a", ".b", "\ndef f(): pass"),
        ("match x:\n case a", ".b", ": pass"),
        ("match x:\n case a", ".b", "(c): pass"),
        ("f'{a", "+1", "}'"),
        ("x = [y for z in a", "+1", "]"),
        ("def f(x=a", "+1", "): pass"),
        ("def f[T: a", "+1", "](): pass"),
    ];
    for (head, link, tail) in chains {
        let chain = |n: usize| format!("{head}{}{tail}", link.repeat(n));
        accepted(chain(MAX_DEPTH as usize - 20));
        refused(chain(MAX_DEPTH as usize + 10), deep);
        refused(chain(MANY), deep);
        // An error behind a deep piece of tree drops that piece.
        let broken = small_stack(format!("{} $", chain(MAX_DEPTH as usize - 20)));
        assert!(!broken.is_empty());
    }
    accepted(format!("a{}", " and a".repeat(MANY)));
    accepted(format!("a{}", " < a".repeat(MANY)));
    accepted(format!("a{}", " = a".repeat(MANY)));
    accepted(format!("a{}", ", a".repeat(MANY)));
    accepted(format!("a{}", "; a".repeat(MANY)));
    accepted("'a' ".repeat(MANY));
    accepted("f'{a}' ".repeat(MANY));
    accepted(format!("import a{}", ".a".repeat(2000)));
}

#[test]
fn statements() {
    let nested =
        |n: usize| (0..n).map(|i| format!("{}if x:\n", " ".repeat(i))).collect::<String>() + &" ".repeat(n) + "y";
    accepted(nested(99));
    refused(nested(150), "too many levels of indentation");
    refused(nested(3000), "too many levels of indentation");
    let elifs = |n: usize| format!("if a: b\n{}", "elif a: b\n".repeat(n));
    accepted(elifs(MAX_DEPTH as usize - 20));
    refused(elifs(MANY), "too deeply nested");
    accepted(format!("try: a\n{}", "except a: b\n".repeat(MANY)));
    accepted("@a\n".repeat(MANY) + "def f(): pass");
    // Deep statements with deep expressions in them.
    let both = format!("if a: b\n{}elif {}1: b\n", "elif a: b\n".repeat(2000), "-".repeat(2000));
    refused(both, "too deeply nested");
}

#[test]
fn patterns() {
    accepted(format!("match x:\n case a{}: pass", " | a".repeat(MANY)));
    accepted(format!("match x:\n case a{}: pass", ", a".repeat(MANY)));
    refused(format!("match x:\n case {}a{}: pass", "A(".repeat(MANY), ")".repeat(MANY)), "too many nested parentheses");
}

#[test]
fn long_lines_take_linear_time() {
    let start = std::time::Instant::now();
    accepted(format!("x = [{}]", "123, ".repeat(2_000_000)));
    accepted(format!("x = '{}'", "a".repeat(10_000_000)));
    accepted(format!("x = f'{}'", "{a}".repeat(500_000)));
    accepted("\n".repeat(10_000_000));
    accepted(format!("#{}", "a".repeat(10_000_000)));
    for junk in [
        "$", "'", "\"", "f'", "f'{", "(", ")", "[)", "\\", "0x", "1a ", "é", "\u{20ac}", "if ", "x = = ", "a b ",
        "{a:", "\t\n", " x\n", "'''",
    ] {
        small_stack(junk.repeat(1_000_000 / junk.len()));
    }
    assert!(start.elapsed().as_secs() < 120, "{:?}", start.elapsed());
}

/// Every prefix and every byte-deletion of a text with all kinds of tokens parses without a panic.
#[test]
fn broken_texts() {
    let text = "@d\nasync def f[T: int = 1](a, /, b=1, *c, d, **e) -> x:\n\tif [x := f'{a!r:>{w}} {{}} {b=}' 'é', b\"\\x00\"]:\n\t\treturn [*a, {**b}, {c}, 0x1_0, 1.5e3j]\n\
        match x:\n case {'a': [1, *_], **r} | A.B(c=-1+2j) as z if w: pass\n case _: pass\nwith (a as b, c): x[1:2, ::3] @= lambda *a: (yield)\n\
        try: pass\nexcept* (A, B) as e: raise X from Y\nfinally: del a, (b)\n'''\ntriple\\N{DIGIT ONE}'''; type X[*T] = int\n";
    assert!(parse_module(text).diagnostics.is_empty(), "{:?}", parse_module(text).diagnostics);
    for (i, c) in text.char_indices().step_by(3) {
        parse_module(&text[..i]);
        parse_module(&text[i..]);
        parse_module(&format!("{}{}", &text[..i], &text[i + c.len_utf8()..]));
        for junk in ["(", "}", "'", "\n", " ", "=", ":", "\\", "f'{", "$", "\u{feff}"] {
            parse_module(&format!("{}{junk}{}", &text[..i], &text[i..]));
        }
    }
}
