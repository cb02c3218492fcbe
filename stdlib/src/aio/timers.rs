//! An event loop's timers: a heap of handles and of what tasks sleep on, ordered by time and number, in a list.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::Boxed;
use conc_interpreter::object::sequence::List;
use conc_interpreter::value::{Gc, Value};

use super::future::{self, is_pending, sleep};
use super::handle::{self, order};

/// The timer behind a value.
fn timer(v: Value) -> Option<Gc<Boxed>> {
    handle::handle(v).or_else(|| sleep(v))
}

pub fn is_cancelled(timer: &Boxed) -> bool {
    if timer.is(&future::SLEEP) { !is_pending(timer) } else { handle::is_cancelled(timer) }
}

fn key(cx: &Ctx, heap: Gc<List>, at: usize) -> (f64, i64) {
    heap.get(at).and_then(timer).map_or((0.0, 0), |h| order(cx, &h))
}

fn swap(cx: &mut Ctx, heap: Gc<List>, a: usize, b: usize) {
    if let (Some(x), Some(y)) = (heap.get(a), heap.get(b)) {
        cx.list_set(heap, a, y);
        cx.list_set(heap, b, x);
    }
}

fn rise(cx: &mut Ctx, heap: Gc<List>, mut at: usize) {
    while at > 0 {
        let up = (at - 1) / 2;
        if key(cx, heap, up) <= key(cx, heap, at) {
            break;
        }
        swap(cx, heap, at, up);
        at = up;
    }
}

fn sink(cx: &mut Ctx, heap: Gc<List>, mut at: usize) {
    loop {
        let first = 2 * at + 1;
        if first >= heap.len() {
            return;
        }
        let second = first + 1;
        let least = if second < heap.len() && key(cx, heap, second) < key(cx, heap, first) { second } else { first };
        if key(cx, heap, at) <= key(cx, heap, least) {
            return;
        }
        swap(cx, heap, at, least);
        at = least;
    }
}

fn taken(timer: &Boxed) {
    if !timer.is(&future::SLEEP) {
        handle::taken(timer);
    }
}

/// Adds a timer.
pub fn add(cx: &mut Ctx, heap: Gc<List>, timer: Gc<Boxed>) -> R<()> {
    cx.list_push(heap, timer.value())?;
    rise(cx, heap, heap.len() - 1);
    Ok(())
}

/// The timer that is due first.
pub fn first(heap: Gc<List>) -> Option<Gc<Boxed>> {
    heap.get(0).and_then(timer)
}

/// Takes that out.
pub fn take_first(cx: &mut Ctx, heap: Gc<List>) -> Option<Gc<Boxed>> {
    let timer = first(heap)?;
    let last = cx.list_pop_last(heap)?;
    if last != timer.value() {
        cx.list_set(heap, 0, last);
        sink(cx, heap, 0);
    }
    taken(&timer);
    Some(timer)
}

/// Takes out those that were cancelled.
pub fn sweep(cx: &mut Ctx, heap: Gc<List>) -> R<()> {
    let all = cx.list_snapshot(heap)?;
    while cx.list_pop_last(heap).is_some() {}
    for timer in all.items().iter().filter_map(|&t| timer(t)) {
        match is_cancelled(&timer) {
            true => taken(&timer),
            false => add(cx, heap, timer)?,
        }
    }
    Ok(())
}
