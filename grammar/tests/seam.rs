//! The parts of the seam besides trees: bytes, the prompt, identifiers, diagnostics.

use conc_grammar::{Interactive, decode_source, ident, parse_bytes, parse_interactive};

fn prompt(source: &str) -> &'static str {
    match parse_interactive(source) {
        Interactive::Complete(_) => "complete",
        Interactive::Incomplete => "incomplete",
        Interactive::Error(_) => "error",
    }
}

#[test]
fn prompt_knows_when_to_go_on() {
    for source in [
        "",
        "\n",
        "# c\n",
        "x = 1\n",
        "x = 1",
        "a; b\n",
        "if x: pass\n\n",
        "if x:\n  y\n\n",
        "x = (1,\n2)\n",
        "'''a\nb'''\n",
        "x = 1 + \\\n2\n",
    ] {
        assert_eq!(prompt(source), "complete", "{source:?}");
    }
    for source in [
        "if x:\n",
        "if x:",
        "if x: pass\n",
        "if x:\n  y\n",
        "def f():\n",
        "@d\n",
        "x = (1,\n",
        "f(\n",
        "'''a\n",
        "f'''{a}\n",
        "f'''{a\n",
        "x = 1 + \\\n",
        "try:\n  a\n",
        "for x in (1,\n",
        "class A:\n  def f(self):\n    pass\n",
        "match x:\n",
        "match x:\n  case 1:\n",
        "if x:\n  y\nelse:\n",
        "x = [\n\n",
        "try:\n",
    ] {
        assert_eq!(prompt(source), "incomplete", "{source:?}");
    }
    for source in [
        "x = = 1\n",
        "'abc\n",
        "if x\n",
        ")\n",
        "  x\n",
        "if x:\n\n",
        "x = (1 2\n",
        "f($\n",
        "a b\n",
        "1 = 2\n",
        "x = (]\n",
    ] {
        assert_eq!(prompt(source), "error", "{source:?}");
    }
}

#[test]
fn source_encodings() {
    let text = |bytes: &[u8]| decode_source(bytes).map_err(|d| d.message);
    assert_eq!(text(b"\xEF\xBB\xBFx = 1").as_deref(), Ok("x = 1"));
    assert_eq!(text("é".as_bytes()).as_deref(), Ok("é"));
    assert_eq!(text(b"# -*- coding: latin-1 -*-\n'\xe9'").as_deref(), Ok("# -*- coding: latin-1 -*-\n'é'"));
    assert_eq!(
        text(b"#!/x\n# vim: set fileencoding=iso-8859-1 :\n\xe9").as_deref(),
        Ok("#!/x\n# vim: set fileencoding=iso-8859-1 :\né")
    );
    assert_eq!(text(b"x\n# coding: latin-1\n").as_deref(), Ok("x\n# coding: latin-1\n"));
    assert_eq!(text(b"# coding: nonsense\n"), Err("unknown encoding: nonsense".into()));
    assert_eq!(text(b"\xEF\xBB\xBF# coding: latin-1\n"), Err("encoding problem: latin-1 with BOM".into()));
    assert_eq!(text(b"x = \0"), Err("source code cannot contain null bytes".into()));
    assert!(text(b"x = '\xff'").unwrap_err().contains("can't decode byte 0xff in position 5: invalid start byte"));
    assert!(parse_bytes(b"\xff").1.diagnostics.len() == 1);
}

#[test]
fn identifiers() {
    for good in ["a", "_", "é", "ª", "x1", "日本", "class"] {
        assert!(ident::is_identifier(good), "{good}");
    }
    for bad in ["", "1", "a b", "a-b", "²", "a²", "€"] {
        assert!(!ident::is_identifier(bad), "{bad}");
    }
    assert_eq!((ident::KEYWORDS.len(), ident::SOFT_KEYWORDS.len()), (35, 4));
    assert!(ident::is_keyword("lambda") && !ident::is_keyword("match"));
}

#[test]
fn diagnostics_speak_miette() {
    use miette::Diagnostic as _;
    let parsed = conc_grammar::parse_module("if a: b\nelse if c: d");
    let first = &parsed.diagnostics[0];
    assert_eq!(first.code().unwrap().to_string(), "syntax::elif");
    assert_eq!(first.labels().unwrap().next().unwrap().offset(), 13);
    assert!(conc_grammar::diagnostic::code::ALL.iter().any(|(code, _)| *code == first.code));
}

/// Columns: expression, its text as a postponed annotation.
#[test]
fn unparsed_expressions() {
    let mut wrong = Vec::new();
    for line in include_str!("data/unparse.tsv").lines().filter(|l| !l.starts_with('#')) {
        let (source, expected) = line.split_once('\t').unwrap();
        let found = conc_grammar::unparse(&conc_grammar::parse_expression(source).into_result().unwrap());
        if found != expected {
            wrong.push(format!("{source}\n  found    {found}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
