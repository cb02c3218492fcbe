//! What a call between a host and a script costs, in nanoseconds: `cargo bench --bench calls`.

use std::hint::black_box;
use std::time::Instant;

use conc::{Error, Interpreter, Program, Root};

const CALLS: u32 = 200_000;
const ROUNDS: usize = 7;

/// Prints the best of some rounds.
fn measure(what: &str, per_round: u32, mut round: impl FnMut() -> Result<(), Error>) -> Result<(), Error> {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        round()?;
        best = best.min(started.elapsed().as_nanos() as f64 / f64::from(per_round));
    }
    println!("{what:<44}{best:8.1} ns");
    Ok(())
}

fn main() -> Result<(), Error> {
    let interp = Interpreter::new()?;
    interp.exec("def add(a, b): return a + b\ndef many(n):\n    for i in range(n): twice(i)")?;
    interp.function("twice", ["n"], |n: i64| -> Result<i64, String> { Ok(n + n) })?;
    let add: Root = interp.get("add")?;
    let one = Program::expression("1 + 1")?;
    measure("invoke a function with two ints", CALLS, || {
        for n in 0..i64::from(CALLS) {
            black_box(interp.invoke::<i64>(&add, (n, 1))?);
        }
        Ok(())
    })?;
    measure("call it by name", CALLS, || {
        for n in 0..i64::from(CALLS) {
            black_box(interp.call::<i64>("add", (n, 1))?);
        }
        Ok(())
    })?;
    measure("evaluate a compiled expression", CALLS, || {
        for _ in 0..CALLS {
            black_box(interp.evaluate::<i64>(&one)?);
        }
        Ok(())
    })?;
    measure("a script calls a host function", CALLS, || interp.call("many", (CALLS,)))?;
    for threads in [1, 2, 4] {
        measure(&format!("invoke it, {threads} at once: each call"), CALLS * threads, || {
            invoke_at_once(&interp, &add, threads)
        })?;
    }
    Ok(())
}

fn invoke_at_once(interp: &Interpreter, function: &Root, threads: u32) -> Result<(), Error> {
    let calls = || (0..i64::from(CALLS)).try_for_each(|n| interp.invoke::<i64>(function, (n, 1)).map(drop));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(calls)).collect();
        threads.into_iter().try_for_each(|t| t.join().unwrap_or(Err(Error::Missing("a thread".into()))))
    })
}
