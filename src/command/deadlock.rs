//! A deadlock as a diagnostic: every thread's wait beside the line where it waits.

use std::fmt;

use conc_interpreter::scheduler::snapshot::{Place, Snapshot};
use miette::{Diagnostic, LabeledSpan, NamedSource, Report, SourceCode};

/// The whole deadlock.
#[derive(Debug)]
struct Deadlock(Vec<Wait>);

/// One thread's part in it.
#[derive(Debug)]
struct Wait {
    text: String,
    /// The file of the innermost line that is the program's own, and the lines of it that have called down to the wait.
    source: NamedSource<String>,
    labels: Vec<LabeledSpan>,
}

/// The diagnostic as text; empty if there is nothing to show.
pub fn diagnostic(threads: &[Snapshot]) -> String {
    if threads.is_empty() {
        return String::new();
    }
    format!("{:?}\n", Report::new(Deadlock(threads.iter().map(Wait::new).collect())))
}

impl Wait {
    fn new(thread: &Snapshot) -> Wait {
        let text = format!("{} {}", thread.title, thread.doing_text());
        let Some(own) = thread.own_place() else {
            return Wait { text, source: NamedSource::new("", String::new()), labels: Vec::new() };
        };
        let mut lines: Vec<&Place> = thread.places.iter().filter(|p| p.file() == own.file()).collect();
        lines.reverse();
        lines.dedup_by_key(|p| p.line);
        let label = |(i, p): (usize, &&Place)| {
            let source = &p.source;
            let start = source.line_starts.get(p.line as usize - 1).map_or(0, |&at| at as usize);
            let indent = source.line_text(p.line).len() - source.line_text(p.line).trim_start().len();
            let what = if i == 0 { "waits here" } else { "called from here" };
            LabeledSpan::new(Some(what.into()), start + indent, p.text().len())
        };
        let labels = lines.iter().take(4).enumerate().map(label).collect();
        Wait { text, source: NamedSource::new(own.file(), own.source.text.to_string()), labels }
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0.len();
        let who = match self.0.iter().any(|wait| wait.text.starts_with("task ")) {
            true => "threads and tasks wait",
            false if n == 1 => "thread waits",
            false => "threads wait",
        };
        write!(f, "{n} {who} for what no thread will bring")
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Deadlock {}
impl std::error::Error for Wait {}

impl Diagnostic for Deadlock {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("threads::deadlock"))
    }
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.iter().map(|wait| wait as &dyn Diagnostic)))
    }
}

impl Diagnostic for Wait {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
