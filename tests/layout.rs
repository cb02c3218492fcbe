//! The layout of the source: first lines, dependency arrows, unsafe zones, file sizes, untraced values.

use std::path::{Path, PathBuf};

/// The tiers inside the interpreter: a file uses its own tier and lower ones.
const TIERS: [(&str, u8); 11] = [
    ("heap", 1),
    ("value", 2),
    ("text", 2),
    ("bytecode", 3),
    ("native", 3), // natives and objects depend on each other: docs/decisions/0003
    ("object", 3),
    ("compiler", 4),
    ("vm", 5),
    ("scheduler", 6),
    ("sync", 7),
    ("object_kind", 3), // the macro of the object tier, exported at the crate's root
];

/// (file, folder it uses, why the arrow may point up).
const UP_CALLS: [(&str, &str, &str); 1] =
    [("interpreter/src/vm/setup.rs", "scheduler", "making an interpreter hands the machine its scheduler")];

/// Where `unsafe` may stand: folders and files, the same list as in ARCHITECTURE.md, section "Unsafe zones".
const UNSAFE_ZONES: [&str; 6] = [
    "interpreter/src/heap",
    "interpreter/src/native",
    "interpreter/src/object",
    "interpreter/src/scheduler",
    "interpreter/src/value",
    "interpreter/src/vm",
];

/// (file, why it is over a thousand lines).
const LONG_FILES: [(&str, &str); 1] =
    [("interpreter/src/vm/run.rs", "the loop: one match with a short arm for each instruction")];
const LONG: usize = 1000;

/// (file, why its values in a Rust collection are safe).
const UNTRACED: [(&str, &str); 5] = [
    ("interpreter/src/object/shape.rs", "a shape's transition table; the collector clears dead children in the pause"),
    ("interpreter/src/object/isolate.rs", "the list of objects to finalize is scanned as a root"),
    ("interpreter/src/object/classes.rs", "bootstrap: classes are roots, and nothing is collected before it ends"),
    ("stdlib/src/meta/gc.rs", "thresholds are immediate ints"),
    ("stdlib/src/meta/weakref.rs", "references that the isolate's list holds until the list is made"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The project's own Rust files: path below the root, text.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for path in entries.flatten().map(|e| e.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                walk(&path, out);
            } else if name.ends_with(".rs") {
                out.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(root(), &mut paths);
    paths.sort();
    let text = |p: &PathBuf| std::fs::read_to_string(p).expect("a source file is readable text");
    let name = |p: &PathBuf| p.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
    paths.iter().map(|p| (name(p), text(p))).collect()
}

/// The text with comments and the insides of string and character literals blanked; lines keep their numbers.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => {
                while chars.peek().is_some_and(|&c| c != '\n') {
                    chars.next();
                }
            }
            '/' if chars.peek() == Some(&'*') => {
                let (mut depth, mut last) = (0, ' ');
                out.push(' ');
                let mut current = c;
                loop {
                    match (last, current) {
                        ('/', '*') => (depth, current) = (depth + 1, ' '),
                        ('*', '/') => (depth, current) = (depth - 1, ' '),
                        (_, '\n') => out.push('\n'),
                        _ => {}
                    }
                    last = current;
                    if depth == 0 && current == ' ' {
                        break;
                    }
                    let Some(next) = chars.next() else { break };
                    current = next;
                }
            }
            'r' if matches!(chars.peek(), Some('"' | '#')) => {
                let mut hashes = 0;
                while chars.peek() == Some(&'#') {
                    hashes += 1;
                    chars.next();
                }
                if chars.next() == Some('"') {
                    let mut run = None;
                    for c in chars.by_ref() {
                        run = match (c, run) {
                            ('"', _) => Some(0),
                            ('#', Some(n)) => Some(n + 1),
                            _ => None,
                        };
                        if c == '\n' {
                            out.push('\n');
                        }
                        if run == Some(hashes) {
                            break;
                        }
                    }
                    out.push_str("\"\"");
                }
            }
            '"' => {
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => drop(chars.next()),
                        '"' => break,
                        '\n' => out.push('\n'),
                        _ => {}
                    }
                }
                out.push_str("\"\"");
            }
            '\'' => {
                // A character literal ends with a quote; a lifetime does not.
                let mut ahead = chars.clone();
                let first = ahead.next();
                if first == Some('\\') || ahead.next() == Some('\'') {
                    if chars.next() == Some('\\') {
                        chars.next();
                    }
                    while chars.next().is_some_and(|c| c != '\'') {}
                }
            }
            _ => out.push(c),
        }
    }
    out
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The places where a name stands as a whole word.
fn words<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(name).map(|(at, _)| at).filter(move |&at| {
        !code[..at].chars().next_back().is_some_and(word) && !code[at + name.len()..].chars().next().is_some_and(word)
    })
}

fn line(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn none(problems: Vec<String>, rule: &str) {
    assert!(problems.is_empty(), "{rule}:\n  {}\n", problems.join("\n  "));
}

#[test]
fn files_open_with_their_subject() {
    let bad = sources().into_iter().filter(|(_, t)| !t.starts_with("//!")).map(|(name, _)| name).collect();
    none(bad, "the first line of a file is one `//!` sentence naming its subject");
}

#[test]
fn files_stay_short() {
    let long = |(name, text): (String, String)| {
        let lines = text.lines().count();
        let listed = LONG_FILES.iter().any(|(path, _)| *path == name);
        (lines > LONG && !listed).then(|| format!("{name}: {lines} lines"))
    };
    none(sources().into_iter().filter_map(long).collect(), "a file is one subject, at most a thousand lines");
}

/// The first names after `crate::` in a text, with their places; `crate::{a::b, c}` gives `a` and `c`.
fn crate_paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in words(code, "crate").collect::<Vec<_>>() {
        let Some(rest) = code[at..].strip_prefix("crate::") else { continue };
        let first = |text: &str| text.trim_start().chars().take_while(|&c| word(c)).collect::<String>();
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut start) = (0, 0);
            for (i, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => {
                        found.push((at, first(&group[start..i])));
                        break;
                    }
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.push((at, first(&group[start..i])));
                        start = i + 1;
                    }
                    _ => {}
                }
            }
        } else {
            found.push((at, first(rest)));
        }
    }
    found
}

#[test]
fn arrows_point_down() {
    let tier = |folder: &str| TIERS.iter().find(|(name, _)| *name == folder).map(|&(_, tier)| tier);
    let mut bad = Vec::new();
    for (name, text) in sources() {
        let Some(inside) = name.strip_prefix("interpreter/src/") else { continue };
        let Some((folder, _)) = inside.split_once('/') else { continue };
        let Some(own) = tier(folder) else {
            bad.push(format!("{name}: the folder {folder} has no tier"));
            continue;
        };
        let code = code(&text);
        for (at, used) in crate_paths(&code) {
            let allowed = UP_CALLS.iter().any(|(file, to, _)| *file == name && *to == used);
            if tier(&used).is_some_and(|t| t > own) && !allowed {
                bad.push(format!("{name}:{}: {folder} (tier {own}) uses crate::{used}", line(&code, at)));
            }
        }
    }
    none(bad, "inside the interpreter a file uses its own tier and lower ones");
}

#[test]
fn crates_depend_one_way() {
    let below: [(&str, &[&str]); 4] = [
        ("grammar", &["conc_interpreter", "conc_stdlib", "conc"]),
        ("interpreter/macros", &["conc_grammar", "conc_interpreter", "conc_stdlib", "conc"]),
        ("interpreter", &["conc_stdlib", "conc"]),
        ("stdlib", &["conc"]),
    ];
    let mut bad = Vec::new();
    for (name, text) in sources() {
        let Some((folder, above)) = below.iter().find(|(f, _)| name.starts_with(&format!("{f}/src/"))) else {
            continue;
        };
        let code = code(&text);
        for krate in *above {
            let uses = words(&code, krate).find(|&at| code[at + krate.len()..].starts_with("::"));
            bad.extend(uses.map(|at| format!("{name}:{}: {folder} uses {krate}", line(&code, at))));
        }
    }
    bad.retain(|b| !b.starts_with("interpreter/macros/")); // its templates name the crates they expand in
    none(bad, "grammar <- interpreter <- stdlib <- conc");
}

#[test]
fn unsafe_stays_in_its_zones() {
    let inside = |name: &str| UNSAFE_ZONES.iter().any(|z| name == *z || name.starts_with(&format!("{z}/")));
    let mut bad = Vec::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| !inside(name)) {
        let code = code(&text);
        bad.extend(words(&code, "unsafe").map(|at| format!("{name}:{}", line(&code, at))));
    }
    none(bad, "unsafe code stands only in the zones listed here and in ARCHITECTURE.md");
}

#[test]
fn unsafe_zones_are_documented() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is readable");
    let section = text.split("\n## ").find(|s| s.lines().next().is_some_and(|l| l.contains("Unsafe zones")));
    let section = section.expect("ARCHITECTURE.md has a section `## Unsafe zones`");
    let mut listed: Vec<&str> = section.lines().filter_map(|l| l.strip_prefix("- ")).map(first_word).collect();
    listed.sort_unstable();
    assert_eq!(listed, UNSAFE_ZONES, "the zones in ARCHITECTURE.md and in tests/layout.rs");
}

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default().trim_matches('`').trim_end_matches(['/', ':'])
}

#[test]
fn values_are_traced() {
    let mut bad = Vec::new();
    let mut needed = Vec::new();
    for (name, text) in sources() {
        let interpreter = name.starts_with("interpreter/src/") || name.starts_with("stdlib/src/");
        if !interpreter || name.starts_with("interpreter/src/heap/") {
            continue;
        }
        let code = code(&text);
        let places = untraced(&code);
        if UNTRACED.iter().any(|(path, _)| *path == name) {
            needed.push((name.clone(), places.is_empty()));
        } else {
            bad.extend(places.iter().map(|&at| format!("{name}:{}", line(&code, at))));
        }
    }
    bad.extend(needed.into_iter().filter(|n| n.1).map(|(name, _)| format!("{name}: needs its exception no more")));
    none(bad, "a Value in a Rust collection is not traced: use TracedVec, TracedMap or a Root");
}

/// Places of `Vec<..Value..>`, of maps and sets alike, and of `Box<Value>`, `Box<[Value]>`.
fn untraced(code: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for name in ["Vec", "VecDeque", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "Box"] {
        for at in words(code, name) {
            let Some(rest) = code[at + name.len()..].strip_prefix('<') else { continue };
            let mut depth = 1;
            let mut previous = ' ';
            let end = rest.find(|c: char| {
                depth += i32::from(c == '<') - i32::from(c == '>' && previous != '-');
                previous = c;
                depth == 0
            });
            let inner = &rest[..end.unwrap_or(0)];
            let holds = match name {
                "Box" => matches!(inner.trim_matches(['[', ']']).trim(), "Value"),
                _ => words(inner, "Value").next().is_some() && !inner.contains("Fn(") && !inner.contains("fn("),
            };
            if holds {
                found.push(at);
            }
        }
    }
    found
}

#[test]
fn the_scanner_knows_code_from_text() {
    let text = "let a = \"unsafe\"; // unsafe\nlet b = r#\"unsafe \" \"#; /* unsafe */ 'u'; '\\''; &'a str; unsafe {}";
    let code = code(text);
    let places: Vec<usize> = words(&code, "unsafe").map(|at| line(&code, at)).collect();
    assert_eq!(places, [2], "{code}");
    assert_eq!(untraced("x: Vec<Value>; TracedVec<Value>; Box<dyn Fn(Value)>; HashMap<u8, Option<Value>>;").len(), 2);
    let names: Vec<String> =
        crate_paths("use crate::{a::{b, c}, d};\nuse crate::e::F;").into_iter().map(|p| p.1).collect();
    assert_eq!(names, ["a", "d", "e"]);
}
