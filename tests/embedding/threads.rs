//! Several threads of a host in one interpreter: concurrent calls, calls from host functions, waits, deadlocks, ends.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, OnceLock, Weak, mpsc};
use std::thread;
use std::time::Duration;

use conc::{Capabilities, Error, Interpreter, Raise, Result, Root};

use super::raised;

/// A smaller number of rounds where each costs a collection.
fn rounds(n: i64) -> i64 {
    if std::env::var_os("CONC_GC").is_some() { n / 100 } else { n }
}

fn everything() -> Result<Interpreter> {
    Interpreter::builder().capabilities(Capabilities::All).build()
}

/// Runs `body` with a number on so many threads at once; what each gave.
fn on_threads<T: Send>(count: usize, body: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (body, start) = (&body, &Barrier::new(count));
    thread::scope(|scope| {
        let run = |n| {
            scope.spawn(move || {
                start.wait();
                body(n)
            })
        };
        let threads: Vec<_> = (0..count).map(run).collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).collect()
    })
}

#[test]
fn an_interpreter_may_be_anywhere() {
    fn portable<T: Send + Sync + 'static>() {}
    portable::<Interpreter>();
    portable::<Root>();
    portable::<Error>();
}

#[test]
fn calls_from_several_threads_share_objects() -> Result<()> {
    let interp = Interpreter::new()?;
    interp.exec(
        "
items, counts, texts = [], {}, set()
class Account:
    def __init__(self): self.entries = []
    def put(self, n): self.entries.append(n)
account = Account()
def work(who, n):
    for k in range(n):
        items.append((who, k))
        counts[who, k % 10] = counts.get((who, k % 10), 0) + 1
        texts.add(f'{k % 100}')
        account.put(k)
    return sum(x for w, x in list(items) if w == who)
",
    )?;
    let n = rounds(5000);
    let sums = on_threads(4, |who| interp.call::<i64>("work", (who, n)));
    for sum in sums {
        assert_eq!(sum?, n * (n - 1) / 2);
    }
    assert_eq!(interp.eval::<i64>("len(items)")?, 4 * n);
    assert_eq!(interp.eval::<i64>("len(account.entries)")?, 4 * n);
    assert_eq!(interp.eval::<i64>("sum(counts.values())")?, 4 * n);
    assert_eq!(interp.eval::<i64>("len(texts)")?, n.min(100));
    Ok(())
}

#[test]
fn eight_threads_make_ten_thousand_calls_each() -> Result<()> {
    let interp = Interpreter::new()?;
    interp.exec("log = []\ndef add(a, b):\n    log.append(a)\n    return [a, b, str(a + b)]")?;
    let add: Root = interp.get("add")?;
    let n = rounds(10_000);
    let wrong = on_threads(8, |who| {
        let who = who as i64;
        (0..n)
            .filter(|k| {
                interp.invoke::<(i64, i64, String)>(&add, (who, *k)).ok() != Some((who, *k, (who + k).to_string()))
            })
            .count()
    });
    assert_eq!(wrong, [0; 8]);
    assert_eq!(interp.eval::<i64>("len(log)")?, 8 * n);
    assert!(interp.eval::<bool>(&format!("all(log.count(k) == {n} for k in range(8))"))?);
    Ok(())
}

#[test]
fn programs_are_compiled_and_fail_at_once_on_several_threads() -> Result<()> {
    let interp = Interpreter::new()?;
    let n = rounds(400);
    let bad = on_threads(4, |who| {
        let run = |k| -> Result<bool> {
            interp.exec(&format!("def f{who}_{k}(x): return x * {k}\nv{who} = f{who}_{k}(2)"))?;
            let failed = interp.exec_named(&format!("\n1 / 0 if {k} else 0"), "zero.conc");
            let is_right = k == 0 || matches!(&failed, Err(Error::Raised(e)) if e.frames()[0].line == 2);
            Ok(is_right && interp.eval::<i64>(&format!("v{who}"))? == 2 * k)
        };
        (0..n).filter(|k| !matches!(run(*k), Ok(true))).count()
    });
    assert_eq!(bad, [0; 4]);
    Ok(())
}

// ---- calls from host functions

/// An interpreter with `again(text)`, a host function that evaluates an expression in it.
fn reentrant() -> Result<Arc<Interpreter>> {
    let interp = Arc::new(everything()?);
    add_again(&interp, "again", &interp)?;
    Ok(interp)
}

/// Gives `to` a function of that name that evaluates an expression in `of`.
fn add_again(to: &Interpreter, name: &str, of: &Arc<Interpreter>) -> Result<()> {
    let of = Arc::downgrade(of);
    to.function(name, ["text"], move |text: String| -> std::result::Result<Root, Raise> {
        let of = of.upgrade().ok_or_else(|| Raise::new("RuntimeError", "gone"))?;
        of.eval(&text).map_err(|e| match e {
            Error::Raised(e) => Raise::new(e.class(), e.message()),
            e => Raise::new("RuntimeError", e.to_string()),
        })
    })
}

#[test]
fn a_host_function_calls_back() -> Result<()> {
    let interp = reentrant()?;
    interp.exec("import threading\ndef down(n): return [] if n == 0 else [n] + again(f'down({n - 1})')")?;
    assert_eq!(interp.eval::<Vec<i64>>("down(20)")?, (1..=20).rev().collect::<Vec<_>>());
    assert!(interp.eval::<bool>("again('threading.get_ident()') == threading.get_ident()")?);
    assert_eq!(raised(interp.exec("again('1 / 0')")).class(), "ZeroDivisionError");
    // What the script handles goes on as it was.
    interp.exec("try: again('missing')\nexcept NameError as e: kept = str(e)")?;
    assert_eq!(interp.get::<String>("kept")?, "name 'missing' is not defined");
    // Collections find what stands further out on the stack.
    interp.exec("import gc\ndef held(n):\n    x = [n]\n    again('gc.collect() and None')\n    return x")?;
    assert_eq!(interp.eval::<Vec<i64>>("held(7)")?, [7]);
    Ok(())
}

#[test]
fn calls_back_do_not_nest_for_ever() -> Result<()> {
    let interp = reentrant()?;
    interp.exec(
        "def down(): return again('down()')\ndef deep():\n    try: down()\n    except RecursionError: return True",
    )?;
    assert!(interp.eval::<bool>("deep()")?);
    // Nor on the stacks of the script's threads, and of other threads of the host.
    let script =
        "import threading\nfound = []\nt = threading.Thread(target=lambda: found.append(deep()))\nt.start(); t.join()";
    interp.exec(script)?;
    assert_eq!(interp.get::<Vec<bool>>("found")?, [true]);
    assert_eq!(on_threads(3, |_| interp.eval::<bool>("deep()").ok()), [Some(true); 3]);
    Ok(())
}

#[test]
fn a_thread_of_the_script_calls_back_and_waits_there() -> Result<()> {
    let interp = reentrant()?;
    interp.exec(
        "
import threading, time
seen, lock = [], threading.Lock()
def slow(n):
    time.sleep(0.001)
    with lock:
        seen.append((n, threading.get_ident()))
    return n
def work(n):
    assert again(f'slow({n})') == n
    assert (n, threading.get_ident()) in seen
    assert sorted([2, 1], key=lambda k: again(f'slow({n * 10 + k})')) == [1, 2]
threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
for t in threads: t.start()
for t in threads: t.join()
",
    )?;
    assert_eq!(interp.eval::<i64>("len(seen)")?, 60);
    Ok(())
}

#[test]
fn two_interpreters_call_each_other() -> Result<()> {
    let (one, two) = (reentrant()?, reentrant()?);
    add_again(&one, "ask", &two)?;
    add_again(&two, "ask", &one)?;
    for interp in [&one, &two] {
        interp.exec("import threading, time\ndef f(n):\n    if n == 0:\n        time.sleep(0.001)\n        return str(threading.get_ident())\n    return ask(f'f({n - 1})')")?;
        interp.function("number", ["text"], |text: String| text.parse::<i64>())?;
    }
    // Handles are of the interpreter they came from: a value goes as a number.
    let asks = "def f(n):\n    if n == 0:\n        time.sleep(0.001)\n        return threading.get_ident()\n    return number_of(f'f({n - 1})')";
    for (me, other) in [(&one, &two), (&two, &one)] {
        let other = Arc::downgrade(other);
        me.function("number_of", ["text"], move |text: String| -> std::result::Result<i64, String> {
            other.upgrade().ok_or("gone")?.eval(&text).map_err(|e| e.to_string())
        })?;
        me.exec(asks)?;
    }
    let main: i64 = one.eval("threading.main_thread().ident")?;
    assert_eq!(one.eval::<i64>("f(6)")?, main);
    // From threads of the script, whose stacks are not their OS threads' own.
    one.exec(
        "
found = []
def asks(n): found.append((n, f(n) is not None))
threads = [threading.Thread(target=asks, args=(n,)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
",
    )?;
    assert_eq!(one.eval::<i64>("sum(ok for n, ok in found)")?, 8);
    assert!(on_threads(4, |n| one.eval::<i64>(&format!("f({n})"))).into_iter().all(|r| r.is_ok()));
    Ok(())
}

#[test]
fn greenlets_switch_inside_calls_back() -> Result<()> {
    let interp = reentrant()?;
    interp.exec(
        "
from greenlet import getcurrent, greenlet
import threading
def inner(main): return main.switch('out')
def body(main): return again('inner(main)')
def run():
    global main
    main = getcurrent()
    g = greenlet(body)
    first = g.switch(main)
    between = again('2 + 2')
    return (first, between, g.switch('back'), g.dead)
",
    )?;
    assert_eq!(interp.eval::<(String, i64, String, bool)>("run()")?, ("out".into(), 4, "back".into(), true));
    interp.exec("found = []\nt = threading.Thread(target=lambda: found.append(run()))\nt.start(); t.join()")?;
    assert_eq!(interp.eval::<String>("found[0][2]")?, "back");
    Ok(())
}

#[test]
fn panics_stay_where_they_are() -> Result<()> {
    let interp = Interpreter::new()?;
    interp.function("fails", ["n"], |n: i64| -> std::result::Result<i64, Raise> {
        if n % 3 == 0 { panic!("on purpose") } else { Ok(n) }
    })?;
    interp.exec("def tried(n):\n    try: return fails(n)\n    except SystemError as e: return -1")?;
    let bad = on_threads(4, |_| {
        (0..50).filter(|&n| interp.call::<i64>("tried", (n,)).ok() != Some(if n % 3 == 0 { -1 } else { n })).count()
    });
    assert_eq!(bad, [0; 4]);
    Ok(())
}

/// A host function waits for another thread, which needs the heap to stop for it: the one that waits must not be in the
/// way, whether others were there before or not.
#[test]
fn a_host_function_that_waits_is_in_nobodys_way() -> Result<()> {
    for is_shared_before in [false, true] {
        let interp = everything()?;
        interp
            .exec("import gc\ndef busy():\n    for k in range(3): gc.collect()\n    return [k for k in range(1000)]")?;
        if is_shared_before {
            interp.exec("import threading\nt = threading.Thread(target=busy)\nt.start(); t.join()")?;
        }
        let (sender, receiver) = mpsc::channel::<i64>();
        let receiver = std::sync::Mutex::new(receiver);
        let inside = Arc::new(Barrier::new(2));
        let here = inside.clone();
        interp.function("receive", [], move || -> std::result::Result<i64, String> {
            here.wait();
            receiver.lock().map_err(|e| e.to_string())?.recv().map_err(|e| e.to_string())
        })?;
        thread::scope(|scope| {
            let waits = scope.spawn(|| interp.eval::<i64>("receive() + receive()"));
            for n in [20, 22] {
                inside.wait();
                assert_eq!(interp.call::<Vec<i64>>("busy", ()).map(|v| v.len())?, 1000);
                sender.send(n).expect("it waits");
            }
            assert_eq!(waits.join().expect("no panic")?, 42);
            Ok::<_, Error>(())
        })?;
    }
    Ok(())
}

#[test]
fn what_a_closure_captured_is_dropped_without_calls() -> Result<()> {
    struct Calls(Weak<Interpreter>, Arc<OnceLock<String>>);
    impl Drop for Calls {
        fn drop(&mut self) {
            let result = self.0.upgrade().map(|interp| interp.eval::<i64>("1"));
            let _ = self.1.set(format!("{result:?}"));
        }
    }
    let interp = Arc::new(everything()?);
    let told = Arc::new(OnceLock::new());
    let captured = Calls(Arc::downgrade(&interp), told.clone());
    interp.function("f", [], move || -> std::result::Result<bool, String> { Ok(captured.0.strong_count() > 0) })?;
    interp.exec("import gc\nf()\ndel f\nfor k in range(3): gc.collect()")?;
    // Old words on the stack may have kept it until now.
    drop(interp);
    let told = told.get().expect("it has been dropped");
    assert!(told == "None" || told.contains("Refused"), "{told}");
    Ok(())
}

// ---- which thread a call is

#[test]
fn calls_at_the_same_time_are_threads_of_their_own() -> Result<()> {
    let interp = everything()?;
    interp.exec("import threading\nlocal = threading.local()\ndef me():\n    meet()\n    local.n = getattr(local, 'n', 0) + 1\n    t = threading.current_thread()\n    return (t.name, t.ident, local.n, t is threading.main_thread())")?;
    let meet = Arc::new(Barrier::new(3));
    interp.function("meet", [], move || -> std::result::Result<bool, String> { Ok(meet.wait().is_leader()) })?;
    type Me = (String, i64, i64, bool);
    let seen = on_threads(3, |_| (0..5).map(|_| interp.call::<Me>("me", ())).collect::<Result<Vec<_>>>());
    let seen = seen.into_iter().collect::<Result<Vec<_>>>()?;
    for round in 0..5 {
        let mut names: Vec<_> = seen.iter().map(|calls| &*calls[round].0).collect();
        names.sort_unstable();
        assert_eq!(names[2], "MainThread");
        assert!(names[0].starts_with("Dummy-") && names[1].starts_with("Dummy-") && names[0] != names[1], "{names:?}");
        assert_eq!(seen.iter().filter(|calls| calls[round].3).count(), 1);
    }
    // A thread that has been another one than main stays that one.
    let others: Vec<_> = seen.iter().filter(|calls| !calls[4].3 && !calls[0].3).collect();
    for calls in others {
        assert!(calls.iter().all(|c| c.1 == calls[0].1), "{calls:?}");
        assert_eq!(calls.iter().map(|c| c.2).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
    Ok(())
}

#[test]
fn what_ended_threads_were_is_not_what_others_are() -> Result<()> {
    let interp = everything()?;
    interp.exec(
        "import contextvars, threading\nlocal = threading.local()\nvar = contextvars.ContextVar('var', default=None)\n\
         def me():\n    meet()\n    t = threading.current_thread()\n    before = getattr(local, 'n', None), var.get()\n\
         \x20   if t is not threading.main_thread():\n        local.n = t.ident\n        var.set(t.ident)\n\
         \x20   meet()\n    return (t.ident, before == (None, None))",
    )?;
    let meet = Arc::new(Barrier::new(2));
    interp.function("meet", [], move || -> std::result::Result<bool, String> { Ok(meet.wait().is_leader()) })?;
    let mut idents = Vec::new();
    for _ in 0..10 {
        for seen in on_threads(2, |_| interp.call::<(i64, bool)>("me", ())) {
            let (ident, is_fresh) = seen?;
            assert!(is_fresh);
            idents.push(ident);
        }
    }
    idents.sort_unstable();
    idents.dedup();
    assert_eq!(idents.len(), 11, "main, and a thread in each round");
    // Of those that have ended nothing is left.
    assert!(interp.eval::<i64>("len(threading.enumerate())")? <= 2);
    Ok(())
}

#[test]
fn a_request_is_for_the_call_it_was_made_for() -> Result<()> {
    let interp = everything()?;
    interp.exec(
        "import _thread, threading\nnever, inside = threading.Event(), threading.Event()\n\
         def waits():\n    inside.set()\n    never.wait()\n\
         def interrupts():\n    inside.wait()\n    _thread.interrupt_main()\n    return sum(range(10000))",
    )?;
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        interp.function("begun", [], move || sender.send(()))?;
        let main = scope.spawn(|| interp.exec("begun()\nwaits()"));
        receiver.recv().expect("it has begun");
        assert_eq!(interp.call::<i64>("interrupts", ())?, 49_995_000);
        assert_eq!(raised(main.join().expect("no panic")).class(), "KeyboardInterrupt");
        assert_eq!(interp.eval::<i64>("sum(range(1000))")?, 499_500);
        Ok(())
    })
}

// ---- waiting

#[test]
fn a_call_waits_for_another() -> Result<()> {
    let interp = everything()?;
    interp.exec("import queue, threading\nrequests, answers = queue.Queue(), queue.Queue()")?;
    let n = rounds(2000);
    let served = on_threads(4, |who| match who {
        0 | 1 => interp.eval::<i64>(&format!("sum(answers.put(requests.get() * 2) is None for k in range({n}))")),
        _ => interp.eval::<i64>(&format!("sum((requests.put(k), answers.get())[1] for k in range({n}))")),
    });
    let served = served.into_iter().collect::<Result<Vec<_>>>()?;
    assert_eq!(served[0] + served[1], 2 * n);
    assert_eq!(served[2] + served[3], 2 * n * (n - 1));
    Ok(())
}

#[test]
fn threads_of_the_script_run_while_all_calls_wait() -> Result<()> {
    let interp = everything()?;
    interp.exec(
        "
import asyncio, threading, time
def call(n):
    out = []
    def thread(k):
        time.sleep(0.001)
        out.append(k)
    threads = [threading.Thread(target=thread, args=(k,)) for k in range(n)]
    for t in threads: t.start()
    for t in threads: t.join()
    return len(out)
async def task(k):
    await asyncio.sleep(0.001)
    return k
async def tasks(n): return sum(await asyncio.gather(*map(task, range(n))))
",
    )?;
    let sums = on_threads(6, |n| match n % 2 {
        0 => interp.call::<i64>("call", (20,)),
        _ => interp.eval::<i64>("asyncio.run(tasks(20))"),
    });
    assert_eq!(sums.into_iter().collect::<Result<Vec<_>>>()?, [20, 190, 20, 190, 20, 190]);
    Ok(())
}

#[test]
fn sockets_wake_the_call_that_waits() -> Result<()> {
    let interp = everything()?;
    interp.exec("import socket\npairs = [socket.socketpair() for k in range(3)]")?;
    let got = on_threads(6, |n| match n {
        0..3 => interp.eval::<i64>(&format!("int(pairs[{n}][0].recv(10))")),
        _ => interp.eval::<i64>(&format!("pairs[{}][1].send(b'{n}')", n - 3)),
    });
    assert_eq!(got.into_iter().collect::<Result<Vec<_>>>()?, [3, 4, 5, 1, 1, 1]);
    Ok(())
}

// ---- deadlocks

/// A call waits for an event that nobody inside will set; when it does, `sets` is run on another thread.
fn waits_for_outside(interp: &Interpreter) -> Result<()> {
    let (sender, receiver) = mpsc::channel();
    interp.function("begun", [], move || sender.send(()))?;
    interp.exec("import threading\nevent = threading.Event()")?;
    thread::scope(|scope| {
        let sets = scope.spawn(move || {
            receiver.recv().expect("it has begun");
            thread::sleep(Duration::from_millis(50));
            interp.exec("event.set()")
        });
        interp.exec("begun()\nassert event.wait()")?;
        sets.join().expect("no panic")
    })
}

#[test]
fn a_wait_that_another_thread_may_end_is_no_deadlock() -> Result<()> {
    // The host has something that it may call.
    let interp = everything()?;
    let held: Root = interp.eval("print")?;
    waits_for_outside(&interp)?;
    drop(held);
    // Two threads have called.
    waits_for_outside(&interp)?;
    // It is said so.
    waits_for_outside(&Interpreter::builder().capabilities(Capabilities::All).report_deadlocks(false).build()?)
}

#[test]
fn a_wait_that_nobody_can_end_is_a_deadlock() -> Result<()> {
    let interp = everything()?;
    // What cannot be called is no way in.
    let held: Root = interp.eval("[1, 2]")?;
    interp.exec("import threading\nevent = threading.Event()")?;
    assert_eq!(raised(interp.exec("event.wait()")).class(), "conc.DeadlockError");
    // A handle goes while its call waits.
    let callable: Root = interp.eval("print")?;
    interp.function("begun", [], || -> std::result::Result<(), String> { Ok(()) })?;
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(30));
            drop(callable);
        });
        assert_eq!(raised(interp.exec("begun()\nevent.wait()")).class(), "conc.DeadlockError");
    });
    assert_eq!(interp.eval::<Vec<i64>>("[1, 2]")?.len(), 2);
    drop(held);
    Ok(())
}

#[test]
fn two_calls_that_wait_for_each_other_are_found() -> Result<()> {
    let interp = everything()?;
    interp.exec(
        "import threading\na, b = threading.RLock(), threading.RLock()\n\
         def both(first, second):\n    with first:\n        meet()\n        with second:\n            return 1",
    )?;
    let meet = Arc::new(Barrier::new(2));
    interp.function("meet", [], move || -> std::result::Result<bool, String> { Ok(meet.wait().is_leader()) })?;
    let ends = on_threads(2, |n| interp.eval::<i64>(if n == 0 { "both(a, b)" } else { "both(b, a)" }));
    let (fine, failed): (Vec<_>, Vec<_>) = ends.into_iter().partition(|end| end.is_ok());
    assert_eq!(fine.len(), 1);
    for end in failed {
        assert_eq!(raised(end.map(drop)).class(), "conc.DeadlockError");
    }
    Ok(())
}

// ---- handles and ends

#[test]
fn handles_go_from_thread_to_thread() -> Result<()> {
    let interp = everything()?;
    interp.exec("import gc\ndef make(n): return [n, {'n': n}]")?;
    let n = rounds(2000);
    let (sender, receiver) = mpsc::channel::<(i64, Root)>();
    let wrong = thread::scope(|scope| {
        let takes = scope.spawn(|| {
            let mut wrong = 0;
            for (k, root) in receiver {
                if k % 2 == 0 {
                    drop(root);
                } else if interp.set("got", &root).is_err() || interp.eval::<i64>("got[0] + 0 * got[1]['n']").is_err() {
                    wrong += 1;
                }
                if k % 100 == 0 {
                    wrong += i32::from(interp.exec("gc.collect()").is_err());
                }
            }
            wrong
        });
        let make = |from: i64| {
            let (interp, sender) = (&interp, sender.clone());
            scope.spawn(move || {
                for k in from..from + n {
                    let root: Root = interp.call("make", (k,)).expect("no error");
                    sender.send((k, root.clone())).expect("it takes");
                    let list: Root = interp.eval("[]").expect("no error");
                    drop((root, list));
                }
            })
        };
        let makers = [make(0), make(n)];
        makers.into_iter().for_each(|maker| maker.join().expect("no panic"));
        drop(sender);
        takes.join().expect("no panic")
    });
    assert_eq!(wrong, 0);
    Ok(())
}

#[test]
fn the_last_one_to_have_it_drops_it() -> Result<()> {
    let token = Arc::new(());
    for _ in 0..5 {
        let interp = Arc::new(everything()?);
        let kept = token.clone();
        interp.function("keep", [], move || -> std::result::Result<usize, String> { Ok(Arc::strong_count(&kept)) })?;
        interp
            .exec("import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()")?;
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let interp = interp.clone();
                thread::spawn(move || (0..50).filter(|_| interp.eval::<usize>("keep()").is_ok()).count())
            })
            .collect();
        drop(interp);
        let made: usize = threads.into_iter().map(|t| t.join().expect("no panic")).sum();
        assert_eq!(made, 200);
    }
    assert_eq!(Arc::strong_count(&token), 1, "all heaps are gone");
    Ok(())
}

#[test]
fn a_closure_that_drops_the_interpreter_is_waited_for() -> Result<()> {
    struct Gone(Arc<AtomicBool>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let interp = Arc::new(everything()?);
    let gone = Arc::new(AtomicBool::new(false));
    let (token, weak) = (Gone(gone.clone()), Arc::downgrade(&interp));
    let (upgraded, dropped) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (here, there) = (upgraded.clone(), dropped.clone());
    let refused = Arc::new(AtomicUsize::new(0));
    let count = refused.clone();
    interp.function("last", [], move || -> std::result::Result<bool, String> {
        let interp = weak.upgrade().ok_or("gone")?;
        here.wait();
        there.wait();
        // Nobody else has it now.
        let interp = Arc::try_unwrap(interp).map_err(|_| "not the last")?;
        count.fetch_add(usize::from(matches!(interp.shutdown(), Err(Error::Refused(_)))), Ordering::SeqCst);
        Ok(token.0.load(Ordering::SeqCst))
    })?;
    interp.exec("import threading\nthreading.Thread(target=last).start()")?;
    upgraded.wait();
    drop(interp);
    dropped.wait();
    while !gone.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(refused.load(Ordering::SeqCst), 1);
    Ok(())
}
