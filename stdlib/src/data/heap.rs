//! _heapq and _bisect: ordered work on lists.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::sequence::List;
use conc_interpreter::value::{Gc, Value};
use conc_macros::module;

/// Item `i`, else the error of a list that changed under a comparison.
fn at(cx: &mut Ctx, heap: Gc<List>, i: usize) -> R {
    match heap.get(i) {
        Some(item) => Ok(item),
        None => Err(cx.runtime_error("list changed size during iteration")),
    }
}

/// `a < b` of two items; complains if that changed the list's size.
fn less(cx: &mut Ctx, heap: Gc<List>, a: Value, b: Value) -> R<bool> {
    if a.both_int(b) {
        return cx.lt(a, b);
    }
    let size = heap.len();
    let less = cx.lt(a, b)?;
    if heap.len() != size {
        return Err(cx.runtime_error("list changed size during iteration"));
    }
    Ok(less)
}

/// Which way a heap is ordered.
#[derive(Clone, Copy)]
struct Order {
    max: bool,
}

impl Order {
    fn before(self, cx: &mut Ctx, heap: Gc<List>, a: Value, b: Value) -> R<bool> {
        if self.max { less(cx, heap, b, a) } else { less(cx, heap, a, b) }
    }
}

/// Moves the item at `pos` towards the root, not above `start`.
fn rise(cx: &mut Ctx, heap: Gc<List>, start: usize, mut pos: usize, order: Order) -> R<()> {
    let item = at(cx, heap, pos)?;
    while pos > start {
        let up = (pos - 1) / 2;
        let parent = at(cx, heap, up)?;
        if !order.before(cx, heap, item, parent)? {
            break;
        }
        // A swap, so that every item stays in the list while comparisons run.
        cx.list_set(heap, pos, parent);
        cx.list_set(heap, up, item);
        pos = up;
    }
    Ok(())
}

/// Moves the item at `pos` to a leaf along the smaller children, then up to its place.
fn sink(cx: &mut Ctx, heap: Gc<List>, mut pos: usize, order: Order) -> R<()> {
    let (start, end) = (pos, heap.len());
    while pos < end / 2 {
        let mut child = 2 * pos + 1;
        if child + 1 < end {
            let (a, b) = (at(cx, heap, child)?, at(cx, heap, child + 1)?);
            if !order.before(cx, heap, a, b)? {
                child += 1;
            }
        }
        let (item, down) = (at(cx, heap, pos)?, at(cx, heap, child)?);
        cx.list_set(heap, pos, down);
        cx.list_set(heap, child, item);
        pos = child;
    }
    rise(cx, heap, start, pos, order)
}

fn heapify(cx: &mut Ctx, heap: Gc<List>, order: Order) -> R<()> {
    for pos in (0..heap.len() / 2).rev() {
        sink(cx, heap, pos, order)?;
        cx.poll()?;
    }
    Ok(())
}

fn pop(cx: &mut Ctx, heap: Gc<List>, order: Order) -> R {
    let Some(last) = cx.list_pop_last(heap) else { return Err(cx.index_error("index out of range")) };
    let Some(top) = heap.get(0) else { return Ok(last) };
    cx.list_set(heap, 0, last);
    sink(cx, heap, 0, order)?;
    Ok(top)
}

fn replace(cx: &mut Ctx, heap: Gc<List>, item: Value, order: Order) -> R {
    let Some(top) = heap.get(0) else { return Err(cx.index_error("index out of range")) };
    cx.list_set(heap, 0, item);
    sink(cx, heap, 0, order)?;
    Ok(top)
}

/// The list of a heap function's first argument.
fn list_arg(cx: &mut Ctx, heap: Value, function: &str, only: bool) -> R<Gc<List>> {
    match heap.cast::<List>() {
        Some(list) => Ok(list),
        None => {
            let got = cx.type_name(heap);
            let which = if only { "argument" } else { "argument 1" };
            Err(cx.type_error(format!("{function}() {which} must be list, not {got}")))
        }
    }
}

/// A list as a priority queue: the least item comes first.
#[module(name = "_heapq")]
pub mod heapq {
    use super::{Order, list_arg};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::value::Value;

    const MIN: Order = Order { max: false };
    const MAX: Order = Order { max: true };

    /// Put an item into the heap.
    pub fn heappush(cx: &mut Ctx, heap: Value, item: Value) -> R<()> {
        let heap = list_arg(cx, heap, "heappush", false)?;
        cx.list_push(heap, item)?;
        super::rise(cx, heap, 0, heap.len() - 1, MIN)
    }

    /// Put an item into the heap, then take out the least and give it.
    pub fn heappushpop(cx: &mut Ctx, heap: Value, item: Value) -> R {
        let heap = list_arg(cx, heap, "heappushpop", false)?;
        let Some(top) = heap.get(0) else { return Ok(item) };
        if !super::less(cx, heap, top, item)? {
            return Ok(item);
        }
        super::replace(cx, heap, item, MIN)
    }

    /// Take out the least item and give it.
    pub fn heappop(cx: &mut Ctx, heap: Value) -> R {
        let heap = list_arg(cx, heap, "heappop", true)?;
        super::pop(cx, heap, MIN)
    }

    /// Take out the least item and give it, then put the new one in.
    pub fn heapreplace(cx: &mut Ctx, heap: Value, item: Value) -> R {
        let heap = list_arg(cx, heap, "heapreplace", false)?;
        super::replace(cx, heap, item, MIN)
    }

    /// Order a list as a heap, in time proportional to its length.
    pub fn heapify(cx: &mut Ctx, heap: Value) -> R<()> {
        let heap = list_arg(cx, heap, "heapify", true)?;
        super::heapify(cx, heap, MIN)
    }

    /// Take out the greatest item of a heap that has it first.
    pub fn _heappop_max(cx: &mut Ctx, heap: Value) -> R {
        let heap = list_arg(cx, heap, "_heappop_max", true)?;
        super::pop(cx, heap, MAX)
    }

    /// Take out the greatest item of a heap that has it first, then put the new one in.
    pub fn _heapreplace_max(cx: &mut Ctx, heap: Value, item: Value) -> R {
        let heap = list_arg(cx, heap, "_heapreplace_max", false)?;
        super::replace(cx, heap, item, MAX)
    }

    /// Order a list as a heap that has its greatest item first.
    pub fn _heapify_max(cx: &mut Ctx, heap: Value) -> R<()> {
        let heap = list_arg(cx, heap, "_heapify_max", true)?;
        super::heapify(cx, heap, MAX)
    }
}

/// Where `x` goes in `a[lo:hi]`; after equal items if `right`.
fn bisect(cx: &mut Ctx, a: Value, x: Value, lo: i64, hi: Option<i64>, key: Value, right: bool) -> R<i64> {
    if lo < 0 {
        return Err(cx.value_error("lo must be non-negative"));
    }
    let mut hi = match hi {
        Some(hi) => hi,
        None => cx.len(a)? as i64,
    };
    let mut lo = lo;
    while lo < hi {
        let mid = ((lo as u64 + hi as u64) / 2) as i64;
        let item = match a.cast::<List>().and_then(|l| l.get(mid as usize)) {
            Some(item) => item,
            None => {
                let index = cx.int(mid);
                cx.get_item(a, index)?
            }
        };
        let item = if key.is_none() { item } else { cx.call(key, &[item])? };
        let left_half = if right { cx.lt(x, item)? } else { !cx.lt(item, x)? };
        if left_half {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    Ok(lo)
}

fn insort(cx: &mut Ctx, a: Value, x: Value, lo: i64, hi: Option<i64>, key: Value, right: bool) -> R<()> {
    let wanted = if key.is_none() { x } else { cx.call(key, &[x])? };
    let i = bisect(cx, a, wanted, lo, hi, key, right)?;
    if let Some(list) = a
        .cast::<List>()
        .filter(|l| crate::core::shared::is_exact(l.value(), conc_interpreter::object::kind::ClassId::List))
    {
        return cx.list_splice(list, i as usize, i as usize, &[x]);
    }
    let i = cx.int(i);
    crate::core::shared::call_method(cx, a, "insert", &[i, x]).map(drop)
}

/// Searching and inserting in sorted lists.
#[module(name = "bisect")]
pub mod bisection {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for (alias, name) in [("bisect", "bisect_right"), ("insort", "insort_right")] {
            let f = cx.get_attr_text(module.value(), name)?;
            crate::core::shared::define(cx, module, alias, f);
        }
        Ok(())
    }

    /// Find where x belongs in the sorted list, behind items equal to it.
    pub fn bisect_right(
        cx: &mut Ctx,
        #[kw] a: Value,
        #[kw] x: Value,
        #[kw]
        #[default(0)]
        lo: i64,
        #[kw] hi: Option<i64>,
        #[kwonly]
        #[default(Value::NONE)]
        key: Value,
    ) -> R<i64> {
        super::bisect(cx, a, x, lo, hi, key, true)
    }

    /// Find where x belongs in the sorted list, in front of items equal to it.
    pub fn bisect_left(
        cx: &mut Ctx,
        #[kw] a: Value,
        #[kw] x: Value,
        #[kw]
        #[default(0)]
        lo: i64,
        #[kw] hi: Option<i64>,
        #[kwonly]
        #[default(Value::NONE)]
        key: Value,
    ) -> R<i64> {
        super::bisect(cx, a, x, lo, hi, key, false)
    }

    /// Put x where it belongs in the sorted list, behind items equal to it.
    pub fn insort_right(
        cx: &mut Ctx,
        #[kw] a: Value,
        #[kw] x: Value,
        #[kw]
        #[default(0)]
        lo: i64,
        #[kw] hi: Option<i64>,
        #[kwonly]
        #[default(Value::NONE)]
        key: Value,
    ) -> R<()> {
        super::insort(cx, a, x, lo, hi, key, true)
    }

    /// Put x where it belongs in the sorted list, in front of items equal to it.
    pub fn insort_left(
        cx: &mut Ctx,
        #[kw] a: Value,
        #[kw] x: Value,
        #[kw]
        #[default(0)]
        lo: i64,
        #[kw] hi: Option<i64>,
        #[kwonly]
        #[default(Value::NONE)]
        key: Value,
    ) -> R<()> {
        super::insort(cx, a, x, lo, hi, key, false)
    }
}
