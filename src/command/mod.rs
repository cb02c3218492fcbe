//! The `conc` command: what its arguments ask for.

mod args;
mod check;
mod deadlock;
pub(crate) mod end;
mod run;

use std::process::ExitCode;

use args::Task;

/// As `conc --version` says it.
pub const VERSION: &str = concat!("Conc ", env!("CARGO_PKG_VERSION"), " (Python 3.13 language)");

/// Runs the command with the arguments after its name; the exit status is CPython's.
pub fn main(args: Vec<String>) -> ExitCode {
    match args::parse(args) {
        Err(problem) => {
            eprint!("{problem}");
            ExitCode::from(2)
        }
        Ok(Task::Help) => {
            print!("{}", args::USAGE);
            ExitCode::SUCCESS
        }
        Ok(Task::Version) => {
            println!("{VERSION}");
            ExitCode::SUCCESS
        }
        Ok(Task::Check { files, bytecode }) => check::check(&files, bytecode),
        Ok(Task::Run(run)) => ExitCode::from(run::run(run)),
    }
}
