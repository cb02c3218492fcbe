//! Finding the scripts and reading what each of them asks for.
//!
//! A folder with a `main.conc` is one script; its other files are modules. The header, the comment lines a script
//! starts with, may hold these fields:
//!
//! - `# exit: N`: the exit code (0 without it);
//! - `# needs: FEATURE ...`: not run until tests/features.txt names every one of them;
//! - `# options: OPTION ...`: of the command;
//! - `# order: any`: the lines of standard output may come in any order;
//! - `# expect: LINE`, anywhere in the script: the standard output, where CPython cannot say it;
//! - `# error: TEXT`: standard error contains the text, where CPython cannot say all of it.
//! - `# args: WORD ...`: the script's arguments.
//! - `# packages: NAME ...`: what recording it takes beside CPython; the suite does not mind.
//!
//! Otherwise standard output and standard error equal `NAME.out` and `NAME.err` (recorded by tests/record.py); the input is `NAME.in`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

pub struct Script {
    /// The path below the project's root, with slashes.
    pub name: String,
    pub path: PathBuf,
    pub input: Vec<u8>,
    pub stdout: Option<String>,
    pub stderr: Stderr,
    pub exit: i32,
    pub any_order: bool,
    /// Options of the command.
    pub options: Vec<String>,
    /// Features that tests/features.txt does not name yet.
    pub missing: Vec<String>,
    /// The script's arguments.
    pub args: Vec<String>,
    /// The reason tests/waiting.txt gives for this script's failure.
    pub waiting: Option<String>,
    pub stress: Stress,
}

/// Whether a script runs with a collection at every allocation (tests/stress.txt).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stress {
    /// Only when asked for by `CONC_GC`.
    Asked,
    /// In every run of the suite, after the ordinary one.
    Always,
    /// Never: it would take too long.
    Never,
}

pub enum Stderr {
    Exactly(String),
    Contains(Vec<String>),
}

/// Folders of tests/ that hold no scripts.
const NOT_SCRIPTS: [&str; 2] = ["suite", "generate"];

/// Every script in order of its name, and what is wrong with the suite's own files.
pub fn suite(root: &Path) -> io::Result<(Vec<Script>, Vec<String>)> {
    let features: BTreeSet<String> = entries(&root.join("tests/features.txt"))?.into_iter().collect();
    let mut waiting = BTreeMap::new();
    let mut problems = Vec::new();
    let stressed = stressed(root, &mut problems)?;
    for line in entries(&root.join("tests/waiting.txt"))? {
        match line.split_once(char::is_whitespace) {
            Some((path, reason)) => {
                waiting.insert(path.to_string(), reason.trim().to_string());
            }
            None => problems.push(format!("tests/waiting.txt: {line} has no reason")),
        }
    }
    let mut paths = Vec::new();
    for folder in ["tests", "examples"] {
        if root.join(folder).is_dir() {
            walk(&root.join(folder), &mut paths)?;
        }
    }
    paths.sort();
    let mut scripts = Vec::new();
    for path in paths {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let reason = waiting.remove(&name);
        let mut script = read(name, path, &features, reason)?;
        if let Some((_, stress)) = stressed.iter().find(|(prefix, _)| script.name.starts_with(prefix)) {
            script.stress = *stress;
        }
        scripts.push(script);
    }
    problems.extend(waiting.keys().map(|path| format!("tests/waiting.txt: there is no script {path}")));
    Ok((scripts, problems))
}

/// What tests/stress.txt says: the beginning of a path, and when scripts with it run under stress.
fn stressed(root: &Path, problems: &mut Vec<String>) -> io::Result<Vec<(String, Stress)>> {
    let mut stressed = Vec::new();
    for line in entries(&root.join("tests/stress.txt"))? {
        let (prefix, word) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        match word.trim() {
            "always" => stressed.push((prefix.to_string(), Stress::Always)),
            "never" => stressed.push((prefix.to_string(), Stress::Never)),
            _ => problems.push(format!("tests/stress.txt: {line} says neither 'always' nor 'never'")),
        }
    }
    Ok(stressed)
}

/// The lines of a list file without its comments; an absent file is empty.
fn entries(path: &Path) -> io::Result<Vec<String>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(String::from).collect())
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    let main = folder.join("main.conc");
    if main.is_file() {
        paths.push(main);
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if !NOT_SCRIPTS.iter().any(|n| path.ends_with(n)) {
                walk(&path, paths)?;
            }
        } else if path.extension().is_some_and(|e| e == "conc") {
            paths.push(path);
        }
    }
    Ok(())
}

fn read(name: String, path: PathBuf, features: &BTreeSet<String>, waiting: Option<String>) -> io::Result<Script> {
    let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut leading = true;
    for line in text.lines() {
        leading &= line.is_empty() || line.starts_with('#');
        if let Some((key, value)) = field(line)
            && (leading || key == "expect")
        {
            fields.entry(key).or_default().push(value);
        }
    }
    let all = |key: &str| fields.get(key).cloned().unwrap_or_default();
    let beside = |suffix: &str| recorded(&path, suffix);

    let stdout = match fields.get("expect") {
        Some(lines) => Some(lines.iter().map(|l| format!("{l}\n")).collect()),
        None => beside("out"),
    };
    let stderr = match fields.get("error") {
        Some(texts) => Stderr::Contains(texts.iter().map(|t| t.to_string()).collect()),
        None => Stderr::Exactly(beside("err").unwrap_or_default()),
    };
    let missing = all("needs").into_iter().flat_map(|l| l.split_whitespace()).filter(|f| !features.contains(*f));
    Ok(Script {
        input: std::fs::read(path.with_extension("in")).unwrap_or_default(),
        exit: all("exit").first().and_then(|n| n.trim().parse().ok()).unwrap_or(0),
        options: all("options").iter().flat_map(|l| l.split_whitespace()).map(String::from).collect(),
        any_order: all("order").contains(&"any"),
        missing: missing.map(String::from).collect(),
        stdout,
        stderr,
        args: all("args").into_iter().flat_map(str::split_whitespace).map(String::from).collect(),
        waiting,
        stress: Stress::Asked,
        name,
        path,
    })
}

/// `# key: value`, the key a word in small letters.
fn field(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix('#')?;
    let (key, value) = rest.strip_prefix(' ').unwrap_or(rest).split_once(':')?;
    let word = !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase());
    word.then(|| (key, value.strip_prefix(' ').unwrap_or(value)))
}

fn recorded(script: &Path, suffix: &str) -> Option<String> {
    let beside = script.with_extension(suffix);
    let folder = beside.parent()?;
    let path = if folder.ends_with("examples") { folder.join("expected").join(beside.file_name()?) } else { beside };
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
