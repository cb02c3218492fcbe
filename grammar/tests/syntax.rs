//! Trees and messages against the tables in `data`, which were recorded from CPython 3.13.

mod support;

use conc_grammar::{parse_expression, parse_module};

/// Undoes the escapes of the tables: `\n`, `\t`, `\r`, `\\` and `\xNN`.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('x')) => {
                let digits: String = chars.by_ref().take(2).collect();
                out.push(char::from(u8::from_str_radix(&digits, 16).unwrap()));
            }
            ('\\', Some(other)) => out.push(other),
            (c, _) => out.push(c),
        }
    }
    out
}

fn rows(table: &str) -> impl Iterator<Item = Vec<String>> {
    table.lines().filter(|l| !l.starts_with('#')).map(|l| l.split('\t').map(unescape).collect())
}

/// Columns: source, dump.
#[test]
fn trees() {
    let mut wrong = Vec::new();
    for row in rows(include_str!("data/trees.tsv")) {
        let [source, expected] = &row[..] else { panic!("{row:?}") };
        let parsed = parse_module(source);
        let found = support::dump(&parsed.module, false);
        if !parsed.diagnostics.is_empty() || found != *expected {
            wrong.push(format!("{source:?}\n  found    {found}  expected {expected}  {:?}", parsed.diagnostics));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// Columns: source, exception, line, column, message.
#[test]
fn errors() {
    let mut wrong = Vec::new();
    for row in rows(include_str!("data/errors.tsv")) {
        let [source, expected @ ..] = &row[..] else { panic!("{row:?}") };
        let found = match parse_module(source).diagnostics.first() {
            Some(d) => {
                let (line, column) = d.position(source);
                vec![d.kind.name().to_string(), line.to_string(), column.to_string(), d.message.clone()]
            }
            None => vec![],
        };
        if found != expected {
            wrong.push(format!("{source:?}\n  found    {found:?}\n  expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn several_errors_in_one_file() {
    let source =
        "x = = 1\ndef f(a b):\n    y = 1 +\n    return 2\nif x\n    print 'a'\nz = (1,\nclass A: pass\nok = 1\n";
    let parsed = parse_module(source);
    let found: Vec<_> = parsed.diagnostics.iter().map(|d| (d.position(source).0, d.message.as_str())).collect();
    let expected = [
        (1, "invalid syntax"),
        (2, "invalid syntax"),
        (3, "invalid syntax"),
        (5, "expected ':'"),
        (6, "Missing parentheses in call to 'print'. Did you mean print(...)?"),
        (7, "'(' was never closed"),
    ];
    assert_eq!(found, expected);
    assert_eq!(support::dump(&parsed.module, false).lines().count(), 2);
}

#[test]
fn helps() {
    let help = |source: &str| parse_module(source).diagnostics[0].help.clone();
    assert_eq!(help("if a: b\nelse if c: d").as_deref(), Some("Python says 'elif'"));
    assert_eq!(help("if a: b\nelseif c: d").as_deref(), Some("Python says 'elif'"));
    assert_eq!(help("x = a && b").as_deref(), Some("Python says 'and'"));
    assert_eq!(help("def class(): pass").as_deref(), Some("'class' is a keyword and cannot be a name"));
}

#[test]
fn expressions() {
    let dump = |source: &str| {
        parse_expression(source).into_result().map(|e| support::dump_expr(&e)).unwrap_or_else(|d| d[0].message.clone())
    };
    assert_eq!(dump("\n# b\n1 + a\n\n").as_str(), "(BinOp Add (Int 1) (Name a))");
    assert_eq!(dump(" \t1 + a\n\n").as_str(), "unexpected indent");
    assert_eq!(dump("(a,\n b) # c").as_str(), "(Tuple [(Name a) (Name b)])");
    assert_eq!(dump("a, *b"), "invalid syntax");
    for bad in ["", "  ", "a = 1", "a b", "a\nb", "x := 1", "pass", "*a", "yield 1", "a;"] {
        assert_eq!(dump(bad), "invalid syntax", "{bad:?}");
    }
    assert_eq!(dump("f("), "'(' was never closed");
}

#[test]
fn spans_cover_the_source() {
    let source = "x = (a + b) * c";
    let parsed = parse_module(source);
    let text = support::dump(&parsed.module, true);
    assert_eq!(
        text,
        "(Assign@0-15 [(Name@0-1 x)] (BinOp@4-15 Mul (BinOp@5-10 Add (Name@5-6 a) (Name@9-10 b)) (Name@14-15 c)))\n"
    );
}
