//! A host with a pool of threads that all call one interpreter: requests come in, a script answers them.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use conc::{Error, Interpreter, Root};

const WORKERS: usize = 4;

/// The script keeps what all requests share; a lock of its own makes a step of several.
const SCRIPT: &str = "
import threading

prices = {'tea': 3, 'cake': 5}
stock = {'tea': 40, 'cake': 25}
lock = threading.Lock()

def order(item, count):
    if item not in prices:
        raise KeyError(item)
    with lock:
        if stock[item] < count:
            return 0
        stock[item] -= count
    note(f'{count} x {item}')
    return prices[item] * count
";

pub fn main() -> Result<(), Error> {
    let interp = Interpreter::builder().capabilities(conc::Capabilities::All).build()?;
    let notes = Arc::new(Mutex::new(Vec::new()));
    let noted = notes.clone();
    interp.function("note", ["text"], move |text: String| -> Result<(), String> {
        noted.lock().map_err(|e| e.to_string())?.push(text);
        Ok(())
    })?;
    interp.exec(SCRIPT)?;
    let order: Root = interp.get("order")?;

    let (requests, queue) = mpsc::channel::<(&str, i64)>();
    let queue = Mutex::new(queue);
    let next = || queue.lock().ok().and_then(|queue| queue.recv().ok());
    let total: i64 = thread::scope(|scope| {
        // Each call runs on the thread that makes it, at the same time as the others.
        let answer = || -> Result<i64, Error> {
            let mut total = 0;
            while let Some((item, count)) = next() {
                total += interp.invoke::<i64>(&order, (item, count))?;
            }
            Ok(total)
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(answer)).collect();
        for n in 0..30 {
            let _ = requests.send((["tea", "cake"][n % 2], 2));
        }
        drop(requests);
        workers
            .into_iter()
            .map(|w| w.join().unwrap_or_else(|_| Err(Error::Missing("a worker".into()))))
            .sum::<Result<i64, Error>>()
    })?;

    let left: (i64, i64) = interp.eval("(stock['tea'], stock['cake'])")?;
    let count = notes.lock().map_or(0, |notes| notes.len());
    println!("{count} orders, {total} earned, {} teas and {} cakes left", left.0, left.1);
    assert_eq!((count, total, left), (27, 210, (10, 1)));
    Ok(())
}
