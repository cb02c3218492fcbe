//! The command line: CPython's options, and Conc's own subcommands.

/// What to run.
#[derive(Debug, PartialEq)]
pub enum Program {
    File(String),
    Code(String),
    Module(String),
    Stdin,
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub enum Task {
    Run(Run),
    Check { files: Vec<String>, bytecode: bool },
    Help,
    Version,
}

#[derive(Debug, Default, PartialEq)]
pub struct Run {
    /// None: the prompt, or standard input where that is no terminal.
    pub program: Option<Program>,
    /// What follows the program on the command line.
    pub args: Vec<String>,
    /// `-i`: a prompt afterwards.
    pub interactive: bool,
    /// `-q`: no greeting.
    pub quiet: bool,
    /// `-u`: nothing written is held back.
    pub unbuffered: bool,
    /// `-O`, `-OO`.
    pub optimize: u8,
    /// `-E`: the environment's CONCPATH is not looked at.
    pub ignore_environment: bool,
    /// `-I`, `-P`: the program's folder is not on `sys.path`.
    pub safe_path: bool,
    /// `-W`
    pub warnings: Vec<String>,
    /// `-X`
    pub extra: Vec<String>,
    /// `--workers`: how many OS threads run the program's threads.
    pub workers: Option<usize>,
    /// `--seed`: every choice of the scheduler comes from it.
    pub seed: Option<u64>,
}

pub const USAGE: &str = "\
usage: conc [option] ... [-c cmd | -m mod | file | -] [arg] ...
       conc check [--bytecode] file ...
Runs a program, or without one the prompt.

  file           a program, or a folder with a __main__.conc
  -c cmd         runs the text given
  -m mod         runs a module found along sys.path
  -              runs standard input
  check          reports syntax errors without running
  check --bytecode   lists what the program compiles to

  -i             goes on with the prompt after the program
  -q             greets nobody
  -u             holds no output back
  -O, -OO        leaves out asserts; and docstrings
  --workers N    runs threads on N cores at most, instead of all
  --seed N       one worker and a clock of its own; which thread runs when comes from N, so that every run with
                 the same N does the same
  -W arg, -X opt kept in sys.warnoptions, sys._xoptions
  -E             ignores CONCPATH
  -I, -P         keeps the program's folder off sys.path (-I: as -E too)
  -B, -s, -S, -b, -d, -v, -x   accepted, without meaning here
  -h, --help     this text
  -V, --version  the version
Environment: CONCPATH, folders to import from; PYTHONHASHSEED, a fixed seed of str hashes;
CONC_WORKERS, as --workers; CONC_SCHED=chaos, threads that take turns at random, for tests.
";

/// Reads the arguments after the command's name. An error is a text for standard error; the exit status is then 2.
pub fn parse(args: Vec<String>) -> Result<Task, String> {
    let mut args = args.into_iter().peekable();
    if args.peek().is_some_and(|a| a == "check") {
        args.next();
        return check(args.collect());
    }
    let mut run = Run::default();
    while let Some(arg) = args.next_if(|a| a.starts_with('-') && a.len() > 1) {
        match &*arg {
            "--" => break,
            "--help" => return Ok(Task::Help),
            "--version" => return Ok(Task::Version),
            long if long.starts_with("--") => {
                let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v.to_string())));
                let of_run = matches!(name, "--workers" | "--seed");
                let value = if of_run { value.or_else(|| args.next()) } else { None };
                match (name, value) {
                    ("--workers", Some(n)) => run.workers = Some(number::<usize>(name, &n)?.max(1)),
                    ("--seed", Some(n)) => run.seed = Some(number(name, &n)?),
                    _ if of_run => return Err(format!("Argument expected for the {name} option\n{}", short_usage())),
                    _ => return Err(unknown(long)),
                }
                continue;
            }
            _ => {}
        }
        let mut letters = arg[1..].chars();
        while let Some(letter) = letters.next() {
            match letter {
                'c' | 'm' | 'W' | 'X' => {
                    let rest: String = letters.by_ref().collect();
                    let value = if rest.is_empty() { args.next() } else { Some(rest) };
                    let Some(value) = value else { return Err(missing(letter)) };
                    match letter {
                        'W' => run.warnings.push(value),
                        'X' => run.extra.push(value),
                        _ => {
                            run.program =
                                Some(if letter == 'c' { Program::Code(value) } else { Program::Module(value) });
                            run.args = args.collect();
                            return Ok(Task::Run(run));
                        }
                    }
                }
                'i' => run.interactive = true,
                'q' => run.quiet = true,
                'u' => run.unbuffered = true,
                'O' => run.optimize = (run.optimize + 1).min(2),
                'E' => run.ignore_environment = true,
                'P' => run.safe_path = true,
                'I' => (run.ignore_environment, run.safe_path) = (true, true),
                'B' | 's' | 'S' | 'b' | 'd' | 'v' | 'x' | 'R' => {}
                'h' | '?' => return Ok(Task::Help),
                'V' => return Ok(Task::Version),
                other => return Err(unknown(&format!("-{other}"))),
            }
        }
    }
    run.program = args.next().map(|a| if a == "-" { Program::Stdin } else { Program::File(a) });
    run.args = args.collect();
    Ok(Task::Run(run))
}

fn number<T: std::str::FromStr>(option: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{option}: not a number: {text}\n{}", short_usage()))
}

fn check(args: Vec<String>) -> Result<Task, String> {
    let mut files = Vec::new();
    let mut bytecode = false;
    let mut options = true;
    for arg in args {
        match &*arg {
            "--" if options => options = false,
            "--bytecode" if options => bytecode = true,
            "--help" | "-h" if options => return Ok(Task::Help),
            a if options && a.starts_with('-') && a.len() > 1 => return Err(unknown(a)),
            _ => files.push(arg),
        }
    }
    if files.is_empty() {
        Err(format!("check: no file given\n{}", short_usage()))
    } else {
        Ok(Task::Check { files, bytecode })
    }
}

fn short_usage() -> &'static str {
    "usage: conc [option] ... [-c cmd | -m mod | file | -] [arg] ...\nTry `conc -h' for more information.\n"
}

fn unknown(option: &str) -> String {
    format!("Unknown option: {option}\n{}", short_usage())
}

fn missing(letter: char) -> String {
    format!("Argument expected for the -{letter} option\n{}", short_usage())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Run {
        match parse(line.split_whitespace().map(String::from).collect()) {
            Ok(Task::Run(run)) => run,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_end_at_the_program() {
        let r = run("-Bu -W error -Xdev a.conc -c x");
        assert_eq!(r.program, Some(Program::File("a.conc".into())));
        assert_eq!(r.args, ["-c", "x"]);
        assert_eq!((r.warnings, r.extra), (vec!["error".to_string()], vec!["dev".to_string()]));
        let r = run("-OOc pass -i");
        assert_eq!((r.optimize, r.program), (2, Some(Program::Code("pass".into()))));
        assert_eq!(r.args, ["-i"]);
        let r = run("--seed 7 --workers=3 a --seed 8");
        assert_eq!((r.seed, r.workers, r.args.len()), (Some(7), Some(3), 2));
        assert_eq!(run("- a").program, Some(Program::Stdin));
        assert_eq!(run("-i").program, None);
    }

    #[test]
    fn wrong_options_are_refused() {
        assert!(parse(vec!["-Z".into()]).is_err());
        assert!(parse(vec!["-c".into()]).is_err());
        for line in ["--workers", "--seed x", "--workers=-1", "--nonsense=1"] {
            assert!(parse(line.split(' ').map(String::from).collect()).is_err(), "{line}");
        }
        assert!(parse(vec!["check".into()]).is_err());
    }
}
