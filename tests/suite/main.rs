//! The script suite: every `.conc` program under tests/ and examples/ runs with the built `conc` command.
//!
//!     cargo test --test suite                    everything
//!     cargo test --test suite -- language/dict   only the scripts whose path contains the text
//!     cargo test --test suite -- --list          their paths

mod discover;
mod report;
mod run;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn main() -> ExitCode {
    let mut filters = Vec::new();
    let mut list = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--list" => list = true,
            flag if flag.starts_with('-') => {} // flags of the standard test harness
            _ => filters.push(argument),
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (scripts, mut problems) = match discover::suite(root) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("the scripts cannot be read: {error}");
            return ExitCode::FAILURE;
        }
    };
    let all = scripts.len();
    let chosen: Vec<_> =
        scripts.into_iter().filter(|s| filters.is_empty() || filters.iter().any(|f| s.name.contains(f))).collect();
    if list {
        chosen.iter().for_each(|s| println!("{}: test", s.name));
        return ExitCode::SUCCESS;
    }
    if !filters.is_empty() {
        problems.clear();
    }

    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::with_capacity(chosen.len()));
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(script) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = run::script(script);
                    outcomes.lock().unwrap().push((script, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap();
    outcomes.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    report::print(&outcomes, &problems, all - chosen.len())
}
