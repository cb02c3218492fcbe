//! An event loop's timers: a heap of their handles, ordered by time and number, in a list.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::Boxed;
use conc_interpreter::object::sequence::List;
use conc_interpreter::value::{Gc, Value};

use super::handle::{self, is_cancelled, order, slot};

fn key(heap: Gc<List>, at: usize) -> (i64, i64) {
    heap.get(at).and_then(handle::handle).map_or((0, 0), |h| order(&h))
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
        if key(heap, up) <= key(heap, at) {
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
        let least = if second < heap.len() && key(heap, second) < key(heap, first) { second } else { first };
        if key(heap, at) <= key(heap, least) {
            return;
        }
        swap(cx, heap, at, least);
        at = least;
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
    heap.get(0).and_then(handle::handle)
}

/// Takes that out.
pub fn take_first(cx: &mut Ctx, heap: Gc<List>) -> Option<Gc<Boxed>> {
    let timer = first(heap)?;
    let last = cx.list_pop_last(heap)?;
    if last != timer.value() {
        cx.list_set(heap, 0, last);
        sink(cx, heap, 0);
    }
    timer.slots()[slot::SCHEDULED].set(Value::FALSE);
    Some(timer)
}

/// Takes out those that were cancelled.
pub fn sweep(cx: &mut Ctx, heap: Gc<List>) -> R<()> {
    let all = cx.list_snapshot(heap)?;
    while cx.list_pop_last(heap).is_some() {}
    for timer in all.items().iter().filter_map(|&t| handle::handle(t)) {
        match is_cancelled(&timer) {
            true => timer.slots()[slot::SCHEDULED].set(Value::FALSE),
            false => add(cx, heap, timer)?,
        }
    }
    Ok(())
}
