//! Running one script and comparing what it did with what is expected.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::discover::{Script, Stderr, Stress};

pub enum Outcome {
    Passed,
    Failed(Vec<Difference>),
    /// It waits for features, or takes too long under stress.
    Skipped,
}

/// One way in which a run differs from the expectation.
#[derive(Clone)]
pub enum Difference {
    Text { what: &'static str, expected: String, actual: String },
    Fact(String),
}

const LIMIT: Duration = Duration::from_secs(20);
/// Collecting at every allocation is slow; it is not a hang.
const LIMIT_UNDER_STRESS: Duration = Duration::from_secs(400);

pub fn script(script: &Script) -> Outcome {
    let asked = std::env::var_os("CONC_GC").is_some();
    if !script.missing.is_empty() || (asked && script.stress == Stress::Never) {
        return Outcome::Skipped;
    }
    let once = |collections: Option<&str>| match execute(script, asked, collections) {
        Ok(run) => compare(script, &run),
        Err(error) => vec![Difference::Fact(format!("could not be run: {error}"))],
    };
    let mut differences = once(None);
    if !asked && script.stress == Stress::Always {
        for collections in ["stress", "slices"] {
            if differences.is_empty() {
                differences = once(Some(collections));
                if !differences.is_empty() {
                    differences.insert(0, Difference::Fact(format!("under CONC_GC={collections}")));
                }
            }
        }
    }
    if differences.is_empty() { Outcome::Passed } else { Outcome::Failed(differences) }
}

struct Run {
    stdout: String,
    stderr: String,
    /// None: killed at the time limit.
    code: Option<Option<i32>>,
}

/// An empty working folder for one run, removed afterwards.
struct Work(PathBuf);

impl Work {
    fn new() -> std::io::Result<Work> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("conc-suite-{}-{n}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Work(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn execute(script: &Script, slow: bool, collections: Option<&str>) -> std::io::Result<Run> {
    let work = Work::new()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_conc"));
    command.args(&script.options).arg(&script.path).current_dir(&work.0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("PYTHON") || key == "CONCPATH" {
            command.env_remove(key);
        }
    }
    command.envs([("NO_COLOR", "1"), ("TZ", "UTC"), ("LC_ALL", "C.UTF-8"), ("COLUMNS", "80")]);
    command.args(&script.args);
    if let Some(collections) = collections {
        command.env("CONC_GC", collections);
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    if let Some(mut stdin) = child.stdin.take() {
        let input = script.input.clone();
        std::thread::spawn(move || stdin.write_all(&input));
    }

    let slow = slow
        || collections.is_some()
        || ["CONC_SCHED", "CONC_RACE_ROUNDS"].iter().any(|name| std::env::var_os(name).is_some());
    let limit = if slow { LIMIT_UNDER_STRESS } else { LIMIT };
    let started = Instant::now();
    let mut nap = Duration::from_micros(200);
    let code = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status.code());
        }
        if started.elapsed() > limit {
            kill(&mut child);
            break None;
        }
        std::thread::sleep(nap);
        nap = (nap * 2).min(Duration::from_millis(10));
    };
    // A grandchild may keep the pipes open after the script has ended.
    let text = |pipe: Receiver<Vec<u8>>| {
        let bytes = pipe.recv_timeout(Duration::from_secs(5)).unwrap_or_else(|_| b"(the pipe stays open)".to_vec());
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let folder = script.path.parent().map(|p| format!("{}{}", p.display(), std::path::MAIN_SEPARATOR));
    let clean = |text: String| folder.as_ref().map_or(text.clone(), |f| text.replace(f, ""));
    Ok(Run { stdout: clean(text(stdout)), stderr: clean(text(stderr)), code })
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

/// Kill the script with the processes it started (they share its process group).
fn kill(child: &mut Child) {
    if cfg!(unix) {
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn compare(script: &Script, run: &Run) -> Vec<Difference> {
    let mut differences = Vec::new();
    let Some(expected) = &script.stdout else {
        return vec![Difference::Fact("has no recorded output: run tests/record.py".into())];
    };
    match run.code {
        None => differences.push(Difference::Fact("timed out".into())),
        Some(Some(code)) if code == script.exit => {}
        Some(Some(code)) => differences.push(Difference::Fact(format!("exit code {code}, expected {}", script.exit))),
        Some(None) => differences.push(Difference::Fact("ended by a signal".into())),
    }
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    let (expected, actual) =
        if script.any_order { (sorted(expected), sorted(&run.stdout)) } else { (expected.clone(), run.stdout.clone()) };
    if expected != actual {
        differences.push(Difference::Text { what: "standard output", expected, actual });
    }
    match &script.stderr {
        Stderr::Exactly(expected) if *expected != run.stderr => differences.push(Difference::Text {
            what: "standard error",
            expected: expected.clone(),
            actual: run.stderr.clone(),
        }),
        Stderr::Exactly(_) => {}
        Stderr::Contains(texts) => {
            for text in texts.iter().filter(|t| !run.stderr.contains(t.as_str())) {
                let found = &run.stderr;
                differences.push(Difference::Fact(format!("standard error does not contain {text:?}:\n{found}")));
            }
        }
    }
    differences
}
