//! What no script can say of the command: a pipe that is closed, Ctrl-C, files of odd shapes, too little memory.
#![cfg(unix)]

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A working folder of its own, removed afterwards.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("conc-command-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn conc() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conc"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("NO_COLOR", "1");
    command
}

/// Waits for the end; the status (None: by a signal) and standard error.
fn end(mut child: Child, patience: Duration) -> (Option<i32>, String) {
    let mut pipe = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut errors = String::new();
        pipe.read_to_string(&mut errors).unwrap();
        errors
    });
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > patience {
            child.kill().unwrap();
            panic!("it goes on after {patience:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    (status.code(), reader.join().unwrap())
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let mut child = conc().args(["-c", "while True: print('x' * 100)"]).spawn().unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
    let (status, errors) = end(child, Duration::from_secs(20));
    assert_eq!((status, errors.as_str()), (Some(1), ""));
}

#[test]
fn ctrl_c_ends_long_operations_of_natives() {
    let nested = "for i in range(4): a = kind(a for i in range(1000)); b = kind(b for i in range(1000))";
    let started = "import sys; sys.stdout.write('on\\n'); sys.stdout.flush()";
    let programs = [
        format!("{started}\n10**10**8"),
        format!("a, b, kind = [0], [0], list\n{nested}\n{started}\na == b"),
        format!("a, b, kind = (0,), (0,), tuple\n{nested}\n{started}\na <= b"),
        format!("a, b, kind = (0,), (0,), tuple\n{nested}\n{started}\nhash(a)"),
        format!(
            "a = b = 0\nfor i in range(5): a = dict.fromkeys(range(200), a); b = dict.fromkeys(range(200), b)\n{started}\na == b"
        ),
    ];
    for program in programs {
        let mut child = conc().args(["-c", &program]).spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let (status, errors) = end(child, Duration::from_secs(15));
        assert_eq!(status, None, "{program}");
        assert!(errors.ends_with("KeyboardInterrupt\n"), "{program}: {errors}");
    }
}

#[test]
fn a_line_of_ten_megabytes_is_a_line() {
    let folder = Folder::new("line");
    let long = |name: &str, text: String| {
        let path = folder.0.join(name);
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        end(conc().arg(&path).stdout(Stdio::null()).spawn().unwrap(), Duration::from_secs(60))
    };
    let text = "x".repeat(10 << 20);
    let good = (Some(0), String::new());
    assert_eq!(long("text", format!("assert len('{text}') == {}\n", 10 << 20)), good);
    assert_eq!(long("comment", format!("# {text}")), good);
    assert_eq!(long("name", format!("{text} = 1")), good);
    assert_eq!(long("items", format!("x = [{}]; assert len(x) == {}", "1,".repeat(5 << 20), 5 << 20)), good);
    let (status, errors) = long("open", "(".repeat(10 << 20));
    assert_eq!(status, Some(1));
    assert!(errors.ends_with("SyntaxError: too many nested parentheses\n"), "{}", errors.len());
}

#[test]
fn without_memory_there_is_a_memory_error() {
    // `ulimit -v` is in KiB; the command reserves what address space it gets.
    let program = "
kept = []
try:
    while True: kept.append([None] * 1000)
except MemoryError:
    kept = None
    print('caught')
try:
    bytes(1 << 40)
except MemoryError:
    print('caught')
";
    let shell = format!("ulimit -v 1000000; exec {} -c \"$0\"", env!("CARGO_BIN_EXE_conc"));
    let mut command = Command::new("sh");
    command.args(["-c", &shell, program]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "caught\ncaught\n");
}

/// Output of a program that may have so many KiB of address space.
fn in_little_memory(kib: u32, program: &str) -> String {
    let shell = format!("ulimit -v {kib}; exec {} -c \"$0\"", env!("CARGO_BIN_EXE_conc"));
    let mut command = Command::new("sh");
    command.args(["-c", &shell, program]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn without_memory_no_thread_starts() {
    let program = "
import threading
go = threading.Event()
n = 0
try:
    while True:
        threading.Thread(target=go.wait).start()
        n += 1
except RuntimeError as e:
    print(e, e.__notes__)
go.set()
print(n > 1000)
";
    // What the heap has reserved is full, or what is left beside it.
    for memory in [1_200_000, 600_000] {
        let output = in_little_memory(memory, program);
        let begins = "can't start new thread ['there is no memory for ";
        assert!(output.starts_with(begins) && output.ends_with(" threads']\nTrue\n"), "{output}");
    }
}

/// Starts threads that wait inside a call of a native function; when so many have been refused, main tries to, too.
const WAITING_INSIDE: &str = "
import threading, time
go, refused = threading.Event(), []
class Waits:
    def __len__(self):
        go.wait()
        return 1
def work():
    try: len(Waits())
    except RuntimeError as e: refused.append(e)
threads = [threading.Thread(target=work) for n in range(COUNT)]
for t in threads: t.start()
while len(refused) < LEAST: time.sleep(0.001)
work()
go.set()
for t in threads: t.join()
print(len(refused) - 1, {str(e) for e in refused}, len({n for e in refused for n in e.__notes__}), refused[-1].__notes__)
work()
threading.Thread(target=work).start()
";

#[test]
fn only_so_many_native_stacks_wait() {
    let program = WAITING_INSIDE.replace("COUNT", "16050").replace("LEAST", "50");
    let output = conc().args(["-c", &program]).output().unwrap();
    let expected = "50 {'too many threads wait inside calls of native functions'} 1 ['16000 do, which is the limit']\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn without_memory_no_native_stack_waits() {
    let output = in_little_memory(1_000_000, &WAITING_INSIDE.replace("COUNT", "2000").replace("LEAST", "1"));
    let refused = "{'too many threads wait inside calls of native functions'}";
    assert!(output.contains(refused) && output.contains("do, and the system has no memory for more: "), "{output}");
}

#[test]
fn a_deadlock_is_told_once_for_the_same_waits() {
    let started = "import threading\na, b, ready = threading.Lock(), threading.Lock(), threading.Barrier(3)\n\
        def take(one, other):\n    with one:\n        ready.wait()\n        with other: pass\n\
        threads = [threading.Thread(target=take, args=args) for args in ((a, b), (b, a))]\n\
        for t in threads: t.start()\nready.wait()\n";
    let join = "for t in threads: t.join()\n";
    let indented = "    for t in threads: t.join()\n";
    // Main dies of it; main survives it and gets into it again; main has ended before.
    for (end_of_main, count) in [
        (join.to_string(), 1),
        (format!("try:\n{indented}except BaseException as e: print(type(e).__name__)\n{join}"), 1),
        (String::new(), 1),
    ] {
        let child = conc().args(["-c", &format!("{started}{end_of_main}")]).spawn().unwrap();
        let (status, errors) = end(child, Duration::from_secs(20));
        assert_eq!((status, errors.matches("DeadlockError").count()), (Some(1), count), "{end_of_main}:\n{errors}");
    }
}

#[test]
fn another_deadlock_is_raised_again() {
    let program = "import threading\nlock = threading.Lock()\nlock.acquire()\n\
        for i in range(3):\n    try:\n        [lock.acquire, threading.Event().wait, threading.Barrier(2).wait][i]()\n\
        \x20   except BaseException as e: print(i, type(e).__name__)\nprint('end')";
    let output = conc().args(["-c", program]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text, "0 DeadlockError\n1 DeadlockError\n2 DeadlockError\nend\n");
}

#[test]
fn a_finalizer_may_end_a_deadlock() {
    let program = "import threading\ngo = threading.Event()\nclass C:\n    def __init__(self): self.me = self\n\
        \x20   def __del__(self): go.set()\nC()\ngo.wait()\nprint('on')";
    let output = conc().args(["-c", program]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "on\n", "{}", String::from_utf8_lossy(&output.stderr));
}

/// Adds one to a number in four threads, with calls between reading and writing.
const RACY: &str = "import threading, random\nn = 0\norder = []\n\
    def get(): return n\n\
    def put(m):\n    global n\n    n = m\n\
    def work(name):\n    for i in range(10): put(get() + 1)\n    order.append(name)\n\
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]\n\
    for t in threads: t.start()\nfor t in threads: t.join()\n\
    print(n, order, random.random(), hash('a'), {object() for i in range(3)})";

/// Two threads that take two locks in opposite orders, which only sometimes blocks them both.
const CROSSING: &str = "import threading\na, b = threading.Lock(), threading.Lock()\n\
    def nothing(): pass\n\
    def take(one, other):\n    with one:\n        nothing()\n        with other: pass\n\
    threads = [threading.Thread(target=take, args=args) for args in ((a, b), (b, a))]\n\
    for t in threads: t.start()\nfor t in threads: t.join()\nprint('through')";

fn seeded(seed: u32, program: &str) -> (Option<i32>, String, String) {
    let output = conc().args(["--seed", &seed.to_string(), "-c", program]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_same_seed_does_the_same_and_others_do_not() {
    let mut counts = std::collections::BTreeSet::new();
    for seed in 0..12 {
        let first = seeded(seed, RACY);
        assert_eq!((first.0, first.2.as_str()), (Some(0), ""), "seed {seed}");
        assert_eq!(first, seeded(seed, RACY), "seed {seed}");
        counts.insert(first.1.split(' ').next().unwrap_or_default().to_string());
    }
    assert!(counts.len() > 2, "lost updates differ: {counts:?}");
}

#[test]
fn some_seeds_find_a_deadlock() {
    let runs: Vec<_> = (0..40).map(|seed| seeded(seed, CROSSING)).collect();
    let is_deadlock = |r: &&(Option<i32>, String, String)| r.0 == Some(1) && r.2.contains("DeadlockError");
    let deadlocks = runs.iter().filter(is_deadlock).count();
    let through = runs.iter().filter(|r| r.0 == Some(0) && r.1 == "through\n").count();
    assert_eq!(deadlocks + through, runs.len());
    assert!(deadlocks > 0 && through > 0, "{deadlocks} deadlocks");
    // The one that was found is found again.
    let seed = runs.iter().position(|r| is_deadlock(&r)).unwrap_or_default();
    assert_eq!(seeded(seed as u32, CROSSING), runs[seed]);
}

#[test]
fn workers_are_as_many_as_asked_for() {
    let program = "import threading, os, time\ngo = threading.Event()\nt = threading.Thread(target=go.wait)\nt.start()\ntime.sleep(0.3)\n\
        print(len(os.listdir('/proc/self/task')))\ngo.set()";
    let tasks = |asked: &str| -> i32 {
        let output = conc().env("CONC_WORKERS", "7").args(["--workers", asked, "-c", program]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
    };
    assert_eq!(tasks("5") - tasks("2"), 3);
}

#[test]
fn ctrl_backslash_tells_what_every_thread_is_doing() {
    let folder = Folder::new("quit");
    let end_file = folder.0.join("end");
    let program = format!(
        "import os, threading, time\nlock = threading.RLock()\n\
         def waits():\n    with lock: pass\n\
         def runs():\n    while not os.path.exists('{0}'): pass\n\
         threads = [threading.Thread(target=f, name='the one that ' + f.__name__) for f in (waits, runs)]\n\
         with lock:\n    for t in threads: t.start()\n    print('on', flush=True)\n\
         \x20   while not os.path.exists('{0}'): time.sleep(0.01)\n\
         for t in threads: t.join()\nprint('end')",
        end_file.display()
    );
    for workers in ["1", "3"] {
        let _ = std::fs::remove_file(&end_file);
        let mut child = conc().args(["--workers", workers, "-c", &program]).spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        for _ in 0..3 {
            Command::new("kill").args(["-QUIT", &child.id().to_string()]).status().unwrap();
            std::thread::sleep(Duration::from_millis(100));
        }
        std::fs::write(&end_file, "").unwrap();
        let mut out = child.stdout.take().unwrap();
        let (status, errors) = end(child, Duration::from_secs(20));
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert_eq!((status, rest.as_str()), (Some(0), "end\n"), "{errors}");
        for text in [
            "3 threads:",
            "thread 'MainThread' (1) ",
            ") waits in _thread.RLock.__enter__(), held by thread 'MainThread'",
            "thread 'the one that waits' (",
            "in waits",
            "thread 'the one that runs' (",
            "in runs",
        ] {
            assert!(errors.contains(text), "{text}: {errors}");
        }
    }
}
