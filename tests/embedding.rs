//! The embedding facade: conversions, closures, handles, errors, interpreters on threads.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use conc::{Capabilities, Error, Interpreter, Program, Raise, Root, Std};

#[path = "../examples/embed_hello.rs"]
mod embed_hello;
#[path = "../examples/embed_pool.rs"]
mod embed_pool;
#[path = "embedding/threads.rs"]
mod threads;

#[test]
fn the_examples_run() -> conc::Result<()> {
    embed_hello::main()?;
    embed_pool::main()
}

fn raised(result: conc::Result<()>) -> Box<conc::Raised> {
    match result {
        Err(Error::Raised(e)) => e,
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_go_in_and_come_out() -> conc::Result<()> {
    let i = Interpreter::new()?;
    i.set("a", (1_i64, 2.5, true, "text"))?;
    let a: (i64, f64, bool, String) = i.eval("a")?;
    assert_eq!(a, (1, 2.5, true, "text".to_string()));
    i.set("none", None::<i64>)?;
    assert_eq!(i.eval::<Option<i64>>("none")?, None);
    i.set("d", HashMap::from([("x", vec![1, 2]), ("y", vec![])]))?;
    let d: BTreeMap<String, Vec<u8>> = i.eval("d | {'z': [255]}")?;
    assert_eq!(d, BTreeMap::from([("x".into(), vec![1, 2]), ("y".into(), vec![]), ("z".into(), vec![255])]));
    assert_eq!(i.eval::<u64>("2 ** 64 - 1")?, u64::MAX);
    assert_eq!(i.eval::<i64>("-2 ** 63")?, i64::MIN);
    assert_eq!(i.eval::<String>("'a\\N{SNOWMAN}'")?, "a\u{2603}");
    Ok(())
}

#[test]
fn wrong_types_are_errors() -> conc::Result<()> {
    let i = Interpreter::new()?;
    let text = |e: Error| e.to_string();
    assert_eq!(i.eval::<i64>("'1'").map_err(text), Err("expected int, found str".into()));
    assert_eq!(i.eval::<i8>("128").map_err(text), Err("expected int in the range of i8, found one out of it".into()));
    assert_eq!(i.eval::<Vec<i64>>("[1, None]").map_err(text), Err("expected int, found NoneType".into()));
    assert_eq!(i.get::<i64>("nothing").map_err(text), Err("there is no global 'nothing'".into()));
    Ok(())
}

#[test]
fn closures_check_their_arguments() -> conc::Result<()> {
    let i = Interpreter::new()?;
    let total = Arc::new(AtomicI64::new(0));
    let sum = total.clone();
    i.function("add", ["n", "times"], move |n: i64, times: i64| -> Result<i64, Raise> {
        Ok(sum.fetch_add(n * times, Ordering::Relaxed) + n * times)
    })?;
    assert_eq!(i.eval::<i64>("add(2, 3) + add(times=1, n=4)")?, 16);
    assert_eq!(total.load(Ordering::Relaxed), 10);
    for (call, message) in [
        ("add(1)", "add() missing required argument: 'times'"),
        ("add(1, 2, 3)", "add() takes 2 positional arguments but 3 were given"),
        ("add(1, n=2)", "add() got multiple values for argument 'n'"),
        ("add(1, 2, z=3)", "add() got an unexpected keyword argument 'z'"),
        ("add(1, 'x')", "add() argument 2 must be int, not str"),
    ] {
        let e = raised(i.exec(call));
        assert_eq!((e.class(), e.message()), ("TypeError", message));
    }
    Ok(())
}

#[test]
fn a_panic_becomes_an_exception() -> conc::Result<()> {
    let i = Interpreter::new()?;
    i.function("boom", [], || -> Result<(), String> { panic!("inside a host function: expected in this test") })?;
    i.exec("try: boom()\nexcept SystemError as e: caught = str(e)")?;
    assert_eq!(i.get::<String>("caught")?, "boom() panicked");
    Ok(())
}

#[test]
fn closures_are_dropped_with_their_interpreter() -> conc::Result<()> {
    struct Count(Arc<AtomicUsize>);
    impl Drop for Count {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let i = Interpreter::new()?;
    let count = Count(dropped.clone());
    i.function("f", [], move || -> Result<usize, String> { Ok(count.0.load(Ordering::Relaxed)) })?;
    assert_eq!(i.eval::<usize>("f()")?, 0);
    drop(i);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    Ok(())
}

#[test]
fn handles_outlive_the_names() -> conc::Result<()> {
    fn portable<T: Send + Sync + 'static>(_: &T) {}
    let i = Interpreter::new()?;
    i.exec("def f(n): return [n] * n")?;
    let f: Root = i.get("f")?;
    portable(&f);
    i.exec("del f\nfor k in range(1000): junk = [str(k)] * 100")?;
    let list: Root = i.invoke(&f, (3,))?;
    i.set("again", &list)?;
    assert!(i.eval::<bool>("again == [3, 3, 3]")?);
    let other = Interpreter::new()?;
    assert!(matches!(other.invoke::<()>(&f, (1,)), Err(Error::Foreign)));
    drop(i);
    drop(f);
    assert_eq!(other.eval::<i64>("1")?, 1);
    Ok(())
}

#[test]
fn errors_tell_where() -> conc::Result<()> {
    let i = Interpreter::new()?;
    i.exec_named("class Odd(Exception): pass\ndef f(n):\n    if n: f(n - 1)\n    raise Odd('no', n)\n", "odd.conc")?;
    let e = raised(i.call("f", (1,)));
    assert_eq!((e.class(), e.message()), ("Odd", "('no', 0)"));
    let places: Vec<_> = e.frames().iter().map(|f| (f.line, f.source.as_str())).collect();
    assert_eq!(places, [(3, "if n: f(n - 1)"), (4, "raise Odd('no', n)")]);
    assert!(e.report().starts_with("Traceback (most recent call last):\n  File \"odd.conc\", line 3, in f\n"));
    assert!(e.report().ends_with("Odd: ('no', 0)\n"));
    i.set("e", e.exception())?;
    assert_eq!(i.eval::<i64>("e.args[1]")?, 0);
    Ok(())
}

#[test]
fn syntax_errors_come_all_at_once() -> conc::Result<()> {
    let i = Interpreter::new()?;
    let Err(Error::Syntax(s)) = i.exec("x = = 1\ny = 2\nz = )\n") else { panic!("accepted") };
    let places: Vec<_> = s.diagnostics().iter().map(|d| d.position(s.text()).0).collect();
    assert_eq!(places, [1, 3]);
    assert!(s.report().contains("    x = = 1\n"));
    assert!(matches!(i.exec("return 1"), Err(Error::Syntax(_))));
    assert!(matches!(i.eval::<i64>("1 +"), Err(Error::Syntax(_))));
    assert_eq!(raised(i.exec("eval('1 +')")).class(), "SyntaxError");
    Ok(())
}

#[test]
fn two_interpreters_on_two_threads() -> conc::Result<()> {
    let program = "
def work(n):
    seen = {}
    for k in range(n):
        seen[str(k % 977)] = [k, {'k': k}]
    return sum(v[0] for v in seen.values())
";
    let run = |rounds: usize| -> conc::Result<i64> {
        let i = Interpreter::new()?;
        i.exec(program)?;
        (0..rounds).map(|_| i.call::<i64>("work", (20_000,))).sum()
    };
    let once = run(1)?;
    std::thread::scope(|scope| {
        let long = scope.spawn(move || run(4));
        // Its interpreter is gone while the other one runs.
        let short = scope.spawn(move || run(1));
        assert_eq!(short.join().expect("no panic")?, once);
        assert_eq!(long.join().expect("no panic")?, 4 * once);
        Ok(())
    })
}

#[test]
fn two_interpreters_share_a_program() -> conc::Result<()> {
    fn portable<T: Clone + Send + Sync + 'static>(t: T) -> T {
        t
    }
    let text = "
import functools
class Cell:
    made = 0
    def __init__(self, k): self.k = k; Cell.made += 1
    def text(self): return f'{self.k:>4}' + 'tail' * 20
@functools.cache
def cached(k): return (k, 2 ** 70 + k, 'constant', frozenset((1, 2)))
def work(n):
    seen = {}
    for k in range(n):
        c = Cell(k % 977)
        try:
            if k % 5 == 0: raise KeyError(k)
            seen[c.text()] = [c.k, cached(k % 7)[1]]
        except KeyError as e:
            seen[e.args[0] % 10] = [x for x in (lambda: (y for y in (1, c.k)))()]
    return sum(v[0] for v in seen.values())
total = sum(work(2000) for _ in range(rounds))
";
    let program = portable(Program::named(text, "shared.conc")?);
    let value = portable(Program::expression("(total, Cell.made, work.__code__.co_filename)")?);
    let run = |rounds: i64| -> conc::Result<(i64, i64)> {
        let i = Interpreter::new()?;
        i.set("rounds", rounds)?;
        i.run(&program)?;
        let (total, made, file): (i64, i64, String) = i.evaluate(&value)?;
        assert_eq!((made, file.as_str()), (2000 * rounds, "shared.conc"));
        // Again in the same interpreter: code of its own, the same globals.
        i.set("rounds", 1)?;
        i.run(&program)?;
        Ok((total, i.evaluate::<(i64, i64, String)>(&value)?.0))
    };
    let (once, _) = run(1)?;
    std::thread::scope(|scope| {
        let long = scope.spawn(move || run(12));
        for _ in 0..3 {
            // These interpreters end while the other one still runs the same program.
            let short = scope.spawn(move || run(1));
            assert_eq!(short.join().expect("no panic")?, (once, once));
        }
        assert_eq!(long.join().expect("no panic")?, (12 * once, once));
        Ok::<_, Error>(())
    })?;
    let Err(Error::Syntax(s)) = Program::new("def f():\n    return 1\nreturn f") else { panic!("accepted") };
    assert_eq!(s.diagnostics()[0].message, "'return' outside function");
    let e = raised(Interpreter::new()?.run(&Program::named("1 / 0", "zero.conc")?));
    assert_eq!((e.frames()[0].file.as_str(), e.frames()[0].source.as_str()), ("zero.conc", "1 / 0"));
    Ok(())
}

#[test]
fn an_interpreter_moves_between_threads() -> conc::Result<()> {
    let mut i = Interpreter::new()?;
    i.exec("log = []\ndef note(n):\n    log.append([n] * 50)\n    return len(log)")?;
    for round in 0..4 {
        i = std::thread::spawn(move || {
            for n in 0..2_000 {
                let _: i64 = i.call("note", (n,)).expect("no error");
            }
            i
        })
        .join()
        .expect("no panic");
        assert_eq!(i.eval::<i64>("len(log)")?, 2_000 * (round + 1));
    }
    assert!(i.eval::<bool>("all(len(set(x)) == 1 for x in log)")?);
    Ok(())
}

#[test]
fn a_small_library_can_be_chosen() -> conc::Result<()> {
    let i = Interpreter::builder().stdlib(Std::Builtins).build()?;
    assert_eq!(raised(i.exec("import math")).class(), "ModuleNotFoundError");
    assert_eq!(raised(i.exec("open('x')")).class(), "NameError");
    assert_eq!(i.eval::<i64>("len('abc')")?, 3);
    Ok(())
}

/// An interpreter whose script has a thread that counts, and one that collects.
fn with_threads() -> conc::Result<Interpreter> {
    let i = Interpreter::builder().capabilities(Capabilities::All).build()?;
    i.exec(
        "import gc, threading, time\ncount = collections = 0\nstop = False\n\
         def counts():\n    global count\n    while not stop: count += 1\n\
         def collects():\n    global collections\n    while not stop:\n        gc.collect()\n        collections += 1\n\
         threads = [threading.Thread(target=f) for f in (counts, collects)]\n\
         for t in threads: t.start()",
    )?;
    Ok(i)
}

#[test]
fn threads_of_a_script_go_on_while_the_host_is_elsewhere() -> conc::Result<()> {
    let mut i = with_threads()?;
    let mut seen = (0, 0);
    // Each time the host has been away, collections have gone on without it.
    for _ in 0..3 {
        let (counted, collected) = seen;
        while seen.0 <= counted || seen.1 <= collected {
            std::thread::sleep(std::time::Duration::from_millis(5));
            seen = i.eval::<(i64, i64)>("(count, collections)")?;
        }
    }
    // The interpreter may move meanwhile.
    i = std::thread::spawn(move || i.exec("stop = True\nfor t in threads: t.join()").map(|()| i)).join().unwrap()?;
    assert!(!i.eval::<bool>("any(t.is_alive() for t in threads)")?);
    Ok(())
}

#[test]
fn a_dropped_interpreter_stops_its_threads() -> conc::Result<()> {
    let token = Arc::new(());
    let i = with_threads()?;
    let kept = token.clone();
    i.function("keep", [], move || -> Result<i64, Raise> { Ok(Arc::strong_count(&kept) as i64) })?;
    assert_eq!(i.eval::<i64>("keep()")?, 2);
    drop(i);
    assert_eq!(Arc::strong_count(&token), 1, "the heap is gone, so nobody runs in it");
    Ok(())
}

#[test]
fn a_shut_down_interpreter_waits_for_its_threads() -> conc::Result<()> {
    let told = Arc::new(AtomicI64::new(0));
    let i = Interpreter::builder().capabilities(Capabilities::All).build()?;
    let tell = told.clone();
    i.function("tell", ["n"], move |n: i64| -> Result<i64, Raise> { Ok(tell.fetch_add(n, Ordering::Relaxed)) })?;
    i.exec(
        "import atexit, threading, time\natexit.register(tell, 10)\n\
         def f():\n    time.sleep(0.05)\n    tell(1)\n\
         for i in range(4): threading.Thread(target=f).start()\n\
         threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
    )?;
    i.shutdown()?;
    assert_eq!(told.load(Ordering::Relaxed), 14);
    Ok(())
}

#[test]
fn a_deadlock_of_a_host_call_is_an_error() -> conc::Result<()> {
    let i = Interpreter::builder().capabilities(Capabilities::All).build()?;
    i.exec("import threading\nlock = threading.Lock()\nlock.acquire()")?;
    assert_eq!(raised(i.exec("lock.acquire()")).class(), "conc.DeadlockError");
    // With another thread there are workers, too.
    i.exec("threading.Thread(target=lock.acquire, daemon=True).start()")?;
    assert_eq!(raised(i.exec("lock.acquire()")).class(), "conc.DeadlockError");
    i.exec("lock.release()")
}

/// Enough objects for the collector to call other threads: nothing that is reachable may be lost, the rest must go.
#[test]
fn a_large_heap_is_marked_whole() {
    let size = if std::env::var_os("CONC_GC").is_some() { 200 } else { 300_000 };
    let conc = Interpreter::builder().build().expect("an interpreter");
    let script = "
import gc, weakref
class Node:
    def __init__(self, key, before):
        self.key, self.before = key, before
        self.texts = ['text %d' % key, (key, [key])]
nodes, last = {}, None
for key in range(SIZE):
    last = nodes[key] = Node(key, last)
odd = [weakref.ref(nodes[key]) for key in range(1, SIZE, 2)]
for node in nodes.values():
    node.before = None
last = node = None
for _ in range(3):
    gc.collect()
    assert all(n.key == k and n.texts == ['text %d' % k, (k, [k])] for k, n in nodes.items())
assert all(ref() is not None for ref in odd)
for key in range(1, SIZE, 2):
    del nodes[key]
gc.collect()
gone = sum(ref() is None for ref in odd)
"
    .replace("SIZE", &size.to_string());
    conc.exec(&script).expect("it runs");
    let gone: i64 = conc.eval("gone").expect("a count");
    // Old words on the native stack may keep a few.
    assert!(gone >= size / 2 - 16, "{gone} of {} are gone", size / 2);
}

#[test]
fn an_interpreter_goes_while_its_threads_wait_outside() -> conc::Result<()> {
    for _ in 0..5 {
        let i = Interpreter::builder().capabilities(Capabilities::All).build()?;
        i.exec(
            "import os, socket, threading, time\n\
             a, b = socket.socketpair()\n\
             r, w = os.pipe()\n\
             waits = [lambda: a.recv(1), lambda: os.read(r, 1), lambda: socket.getaddrinfo('localhost', 80)]\n\
             for wait in waits:\n\
            \x20   threading.Thread(target=wait, daemon=True).start()\n\
             b.settimeout(0.001)\n\
             try:\n\
            \x20   b.recv(1)\n\
             except TimeoutError:\n\
            \x20   over = True\n",
        )?;
        assert!(i.eval::<bool>("over")?);
    }
    Ok(())
}

#[test]
fn a_panic_in_a_thread_is_an_exception_there() -> conc::Result<()> {
    let i = Interpreter::builder().capabilities(Capabilities::All).build()?;
    i.function("fails", [], || -> Result<i64, Raise> { panic!("on purpose") })?;
    i.exec(
        "import threading\nseen = []\n\
         def f():\n    try: fails()\n    except BaseException as e: seen.append(type(e).__name__)\n\
         threads = [threading.Thread(target=f) for i in range(4)]\n\
         for t in threads: t.start()\nfor t in threads: t.join()",
    )?;
    assert_eq!(i.eval::<Vec<String>>("seen")?, ["SystemError"; 4]);
    Ok(())
}

#[test]
fn greenlets_run_in_a_host_call() -> conc::Result<()> {
    let i = Interpreter::builder().capabilities(Capabilities::All).build()?;
    i.exec(
        "import time
from greenlet import getcurrent, greenlet

main = getcurrent()
log = []

def waits(n):
    log.append(('starts', n))
    time.sleep(0.001)
    log.append(main.switch(n))
    try:
        main.switch('again')
    finally:
        log.append('finally')

g = greenlet(waits)
first = g.switch(1)
second = g.switch('handed over')
",
    )?;
    assert_eq!(i.eval::<(i64, String, usize)>("(first, second, len(log))")?, (1, "again".into(), 2));
    // Another call goes on with a greenlet that an earlier one has left suspended.
    assert_eq!(i.eval::<Vec<i64>>("sorted([3, 1, 2], key=lambda v: greenlet(lambda: -v).switch())")?, [3, 2, 1]);
    i.exec("try:\n    g.throw(KeyError('k'))\nexcept KeyError:\n    log.append('raised')")?;
    assert_eq!(i.eval::<(bool, Vec<String>)>("(g.dead, log[2:])")?, (true, vec!["finally".into(), "raised".into()]));
    i.exec("h = greenlet(waits)\nh.switch(2)\ndel h")?;
    i.exec("import gc\ngc.collect()")?;
    i.exec(
        "import gevent
def rest(n):
    time.sleep(0.001)
    return n * n
total = sum(g.get() for g in [gevent.spawn(rest, n) for n in range(10)])",
    )?;
    assert_eq!(i.eval::<i64>("total")?, 285);
    Ok(())
}
