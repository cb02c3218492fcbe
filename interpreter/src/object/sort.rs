//! Stable sorting of lists: the adaptive merge sort of CPython ("listsort", with powersort's merge order).
//!
//! What moves is a permutation of indices; keys and items stay in the buffers that keep them alive. While a list is
//! being sorted it is empty for everybody else. The order of comparisons is CPython's, so that inconsistent ones
//! (NaN!) give the same result.

use crate::native::{Ctx, Entered, NativeFrame, R, Resume, Step};
use crate::object::driven::{OWN, runs_script};
use crate::object::function::Function;
use crate::object::sequence::{Buffer, List};
use crate::object::string::Str;
use crate::value::{Gc, Value};

/// `list.sort(key=key, reverse=reverse)`
pub fn sort_list(cx: &mut Ctx, list: Gc<List>, key: Option<Value>, reverse: bool) -> R<()> {
    let (items, empty) = detach(cx, list)?;
    let keys = match key.filter(|k| !k.is_none()) {
        None => Ok(items),
        Some(f) => keys_of(cx, items, f),
    };
    attach(cx, list, items, empty, keys, reverse)
}

/// Takes a list's items away; the empty buffer it is left with tells later whether somebody changed it.
fn detach(cx: &mut Ctx, list: Gc<List>) -> R<(Gc<Buffer>, Gc<Buffer>)> {
    let items = copy_buffer(cx, list.buffer())?;
    let empty = cx.new_buffer(0)?;
    cx.list_replace(list, empty);
    Ok((items, empty))
}

/// Sorts what was taken away and gives it back.
fn attach(
    cx: &mut Ctx,
    list: Gc<List>,
    items: Gc<Buffer>,
    empty: Gc<Buffer>,
    keys: R<Gc<Buffer>>,
    reverse: bool,
) -> R<()> {
    let mut order: Vec<u32> = (0..items.len() as u32).collect();
    let result = keys.and_then(|keys| sort_order(cx, keys, &mut order, reverse));
    let sorted = permuted(cx, items, &order);
    let modified = list.buffer() != empty;
    match sorted {
        Ok(buffer) => cx.list_replace(list, buffer),
        Err(e) => {
            cx.list_replace(list, items);
            return Err(e);
        }
    }
    result?;
    if modified {
        return Err(cx.value_error("list modified during sort"));
    }
    Ok(())
}

fn copy_buffer(cx: &mut Ctx, from: Gc<Buffer>) -> R<Gc<Buffer>> {
    let len = from.len();
    let new = cx.new_buffer(len)?;
    for (target, source) in new.slots().iter().zip(&from.slots()[..len]) {
        target.set(source.get());
    }
    if len > 0 {
        new.len.store(len, std::sync::atomic::Ordering::Release);
    }
    Ok(new)
}

fn permuted(cx: &mut Ctx, items: Gc<Buffer>, order: &[u32]) -> R<Gc<Buffer>> {
    let new = cx.new_buffer(order.len())?;
    for (target, &i) in new.slots().iter().zip(order) {
        target.set(items.slots()[i as usize].get());
    }
    if !order.is_empty() {
        new.len.store(order.len(), std::sync::atomic::Ordering::Release);
    }
    Ok(new)
}

fn keys_of(cx: &mut Ctx, items: Gc<Buffer>, f: Value) -> R<Gc<Buffer>> {
    let keys = cx.new_buffer(items.len())?;
    for i in 0..items.len() {
        let key = cx.call(f, &[items.slots()[i].get()])?;
        push_key(keys, key);
        if !f.is_a::<Function>() {
            cx.poll()?;
        }
    }
    Ok(keys)
}

fn push_key(keys: Gc<Buffer>, key: Value) {
    let n = keys.len();
    keys.slots()[n].set(key);
    keys.len.store(n + 1, std::sync::atomic::Ordering::Release);
}

/// `list.sort` by a script's key function, each call of which has its frame. Slots: list, key, reverse.
pub const SORT: Resume = Resume::when(sort_frame, |args| runs_script(args.get(1)));

fn sort_frame(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    match sort_step(cx, frame, entered) {
        Ok(step) => step.unwrap_or(Step::Done(Value::NONE)),
        Err(e) => Step::Raise(e),
    }
}

/// A step of sorting the list in slot 0 by the key function in slot 1, in reverse if slot 2 is true; None: it is
/// sorted. Slots 3 to 5 and the state [`OWN`] are used.
pub fn sort_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Option<Step>> {
    let Some(list) = frame.get(0).cast::<List>() else { return Err(cx.type_error("sort() needs a list")) };
    if frame.state() != OWN {
        frame.set_state(OWN);
        let (items, empty) = detach(cx, list)?;
        let keys = cx.new_buffer(items.len())?;
        frame.set(3, items.value());
        frame.set(4, keys.value());
        frame.set(5, empty.value());
    }
    let buffers = (frame.get(3).cast(), frame.get(4).cast(), frame.get(5).cast());
    let (Some(items), Some(keys), Some(empty)) = buffers else { return Ok(None) };
    let (items, keys, empty): (Gc<Buffer>, Gc<Buffer>, Gc<Buffer>) = (items, keys, empty);
    match entered {
        Entered::Raised(e) => {
            attach(cx, list, items, empty, Err(e), false)?;
            return Err(e);
        }
        Entered::With(key) => push_key(keys, key),
        Entered::Start | Entered::Ended(_) => {}
    }
    if keys.len() < items.len() {
        let item = items.slots()[keys.len()].get();
        return Ok(Some(frame.call(frame.get(1), &[item])));
    }
    let reverse = !frame.get(2).is_unbound() && cx.truth(frame.get(2))?;
    attach(cx, list, items, empty, Ok(keys), reverse)?;
    Ok(None)
}

/// Sorts indices by the keys they stand for.
fn sort_order(cx: &mut Ctx, keys: Gc<Buffer>, order: &mut [u32], reverse: bool) -> R<()> {
    // Reversed before and after, equal items keep their order.
    if reverse {
        order.reverse();
    }
    let result = if sort_plain(cx, keys, order) { Ok(()) } else { Sorter::new(cx, keys, order).run() };
    if reverse {
        order.reverse();
    }
    result
}

/// Sorts keys of one simple type without calling out; false: they are not.
fn sort_plain(cx: &Ctx, keys: Gc<Buffer>, order: &mut [u32]) -> bool {
    let slots = &keys.slots()[..keys.len()];
    let Some(first) = slots.first().map(|s| s.get()) else { return true };
    let at = |i: &u32| slots[*i as usize].get();
    if first.is_int() && slots.iter().all(|s| s.get().is_int()) {
        order.sort_by_key(|i| at(i).int());
        return true;
    }
    if first.is_float() && slots.iter().all(|s| s.get().is_float()) {
        // Immediate floats are never NaN.
        order.sort_by(|a, b| at(a).float().partial_cmp(&at(b).float()).unwrap_or(std::cmp::Ordering::Equal));
        return true;
    }
    if cx.exact_str(first).is_some() && slots.iter().all(|s| cx.exact_str(s.get()).is_some()) {
        let text = |v: Value| v.cast::<Str>();
        order.sort_by(|a, b| match (text(at(a)), text(at(b))) {
            (Some(a), Some(b)) => a.as_bytes().cmp(b.as_bytes()),
            _ => std::cmp::Ordering::Equal,
        });
        return true;
    }
    false
}

const MIN_GALLOP: usize = 7;
const MAX_MINRUN: usize = 64;

/// A run on the stack of runs to be merged.
#[derive(Clone, Copy)]
struct Run {
    base: usize,
    len: usize,
    /// Where the boundary to the next run lies in the ideal tree of merges.
    power: u32,
}

struct Sorter<'a> {
    cx: &'a mut Ctx,
    keys: Gc<Buffer>,
    a: &'a mut [u32],
    temp: Vec<u32>,
    runs: Vec<Run>,
    min_gallop: usize,
}

impl<'a> Sorter<'a> {
    fn new(cx: &'a mut Ctx, keys: Gc<Buffer>, a: &'a mut [u32]) -> Sorter<'a> {
        Sorter { cx, keys, a, temp: Vec::new(), runs: Vec::new(), min_gallop: MIN_GALLOP }
    }

    /// Whether the key of index `x` is less than that of `y`.
    #[inline]
    fn less(&mut self, x: u32, y: u32) -> R<bool> {
        let (x, y) = (self.keys.slots()[x as usize].get(), self.keys.slots()[y as usize].get());
        self.cx.lt(x, y)
    }

    fn run(&mut self) -> R<()> {
        let total = self.a.len();
        if total < 2 {
            return Ok(());
        }
        let minrun = minrun(total);
        let mut at = 0;
        while at < total {
            let mut n = self.count_run(at, total)?;
            if n < minrun {
                let force = minrun.min(total - at);
                self.binary_sort(at, at + force, at + n)?;
                n = force;
            }
            self.found_run(n, total)?;
            self.runs.push(Run { base: at, len: n, power: 0 });
            at += n;
        }
        while self.runs.len() > 1 {
            let mut i = self.runs.len() - 2;
            if i > 0 && self.runs[i - 1].len < self.runs[i + 1].len {
                i -= 1;
            }
            self.merge_at(i)?;
        }
        Ok(())
    }

    /// The length of the run at `lo`, made ascending.
    fn count_run(&mut self, lo: usize, hi: usize) -> R<usize> {
        let total = hi - lo;
        let mut n = 1;
        while n < total && !self.less(self.a[lo + n], self.a[lo + n - 1])? {
            n += 1;
        }
        if n == total {
            return Ok(n);
        }
        if n > 1 {
            if self.less(self.a[lo], self.a[lo + n - 1])? {
                return Ok(n);
            }
            // All equal so far, then less: a descending run that starts with equal keys.
            self.a[lo..lo + n].reverse();
        }
        n += 1;
        let mut equal = 0;
        while n < total {
            if self.less(self.a[lo + n], self.a[lo + n - 1])? {
                self.reverse_equal(lo + n, &mut equal);
            } else if self.less(self.a[lo + n - 1], self.a[lo + n])? {
                break;
            } else {
                equal += 1;
            }
            n += 1;
        }
        self.reverse_equal(lo + n, &mut equal);
        self.a[lo..lo + n].reverse();
        while n < total && !self.less(self.a[lo + n], self.a[lo + n - 1])? {
            n += 1;
        }
        Ok(n)
    }

    /// Turns the equal keys before `end` around, so that turning the whole run puts them right again.
    fn reverse_equal(&mut self, end: usize, equal: &mut usize) {
        if *equal > 0 {
            self.a[end - *equal - 1..end].reverse();
            *equal = 0;
        }
    }

    /// Binary insertion of `[start, hi)` into the sorted `[lo, start)`.
    fn binary_sort(&mut self, lo: usize, hi: usize, start: usize) -> R<()> {
        for i in start..hi {
            let pivot = self.a[i];
            let (mut left, mut right) = (lo, i);
            while left < right {
                let mid = (left + right) / 2;
                if self.less(pivot, self.a[mid])? {
                    right = mid;
                } else {
                    left = mid + 1;
                }
            }
            self.a.copy_within(left..i, left + 1);
            self.a[left] = pivot;
        }
        Ok(())
    }

    /// Before a run of `n` is pushed: merges what powersort wants merged first.
    fn found_run(&mut self, n: usize, total: usize) -> R<()> {
        let Some(&last) = self.runs.last() else { return Ok(()) };
        let power = power_of(last.base, last.len, n, total);
        while self.runs.len() > 1 && self.runs[self.runs.len() - 2].power > power {
            self.merge_at(self.runs.len() - 2)?;
        }
        if let Some(last) = self.runs.last_mut() {
            last.power = power;
        }
        Ok(())
    }

    /// Merges runs `i` and `i + 1`.
    fn merge_at(&mut self, i: usize) -> R<()> {
        let (a, b) = (self.runs[i], self.runs[i + 1]);
        self.runs[i].len = a.len + b.len;
        self.runs.remove(i + 1);
        let (mut base, mut na, mut nb) = (a.base, a.len, b.len);
        let first = self.a[b.base];
        let skip = self.gallop_right(first, Source::Main(base), na, 0)?;
        base += skip;
        na -= skip;
        if na == 0 {
            return Ok(());
        }
        let last = self.a[base + na - 1];
        nb = self.gallop_left(last, Source::Main(b.base), nb, nb - 1)?;
        if nb == 0 {
            return Ok(());
        }
        if na <= nb { self.merge_low(base, na, b.base, nb) } else { self.merge_high(base, na, b.base, nb) }
    }

    /// Where `key` goes in a run of `n`, before any equal keys.
    fn gallop_left(&mut self, key: u32, source: Source, n: usize, hint: usize) -> R<usize> {
        let (mut last, mut offset) = (0isize, 1isize);
        let (hint, n) = (hint as isize, n as isize);
        if self.less(self.item(source, hint), key)? {
            let max = n - hint;
            while offset < max && self.less(self.item(source, hint + offset), key)? {
                last = offset;
                offset = (offset << 1) + 1;
            }
            offset = offset.min(max);
            last += hint;
            offset += hint;
        } else {
            let max = hint + 1;
            while offset < max && !self.less(self.item(source, hint - offset), key)? {
                last = offset;
                offset = (offset << 1) + 1;
            }
            offset = offset.min(max);
            (last, offset) = (hint - offset, hint - last);
        }
        last += 1;
        while last < offset {
            let mid = last + ((offset - last) >> 1);
            if self.less(self.item(source, mid), key)? {
                last = mid + 1;
            } else {
                offset = mid;
            }
        }
        Ok(offset as usize)
    }

    /// Where `key` goes in a run of `n`, after any equal keys.
    fn gallop_right(&mut self, key: u32, source: Source, n: usize, hint: usize) -> R<usize> {
        let (mut last, mut offset) = (0isize, 1isize);
        let (hint, n) = (hint as isize, n as isize);
        if self.less(key, self.item(source, hint))? {
            let max = hint + 1;
            while offset < max && self.less(key, self.item(source, hint - offset))? {
                last = offset;
                offset = (offset << 1) + 1;
            }
            offset = offset.min(max);
            (last, offset) = (hint - offset, hint - last);
        } else {
            let max = n - hint;
            while offset < max && !self.less(key, self.item(source, hint + offset))? {
                last = offset;
                offset = (offset << 1) + 1;
            }
            offset = offset.min(max);
            last += hint;
            offset += hint;
        }
        last += 1;
        while last < offset {
            let mid = last + ((offset - last) >> 1);
            if self.less(key, self.item(source, mid))? {
                offset = mid;
            } else {
                last = mid + 1;
            }
        }
        Ok(offset as usize)
    }

    fn item(&self, source: Source, i: isize) -> u32 {
        match source {
            Source::Main(base) => self.a[base + i as usize],
            Source::Temp(base) => self.temp[base + i as usize],
        }
    }

    /// Merges two neighbouring runs, the left one being the shorter; left keys go through the temporary.
    fn merge_low(&mut self, left: usize, na: usize, right: usize, nb: usize) -> R<()> {
        self.temp.clear();
        self.temp.extend_from_slice(&self.a[left..left + na]);
        let mut m = Merge { x: 0, nx: na, y: right, ny: nb, out: left };
        let result = self.merge_low_loop(&mut m);
        // Whatever happened, what is left of the temporary goes back: the array stays a permutation.
        if m.nx > 0 && result.is_ok() && m.ny > 0 {
            // One left key remains and belongs at the end.
            self.a.copy_within(m.y..m.y + m.ny, m.out);
            self.a[m.out + m.ny] = self.temp[m.x];
        } else {
            self.a[m.out..m.out + m.nx].copy_from_slice(&self.temp[m.x..m.x + m.nx]);
        }
        result
    }

    fn merge_low_loop(&mut self, m: &mut Merge) -> R<()> {
        self.take_right(m);
        if m.ny == 0 || m.nx == 1 {
            return Ok(());
        }
        let mut min_gallop = self.min_gallop;
        loop {
            let (mut left_wins, mut right_wins) = (0, 0);
            loop {
                if self.less(self.a[m.y], self.temp[m.x])? {
                    self.take_right(m);
                    right_wins += 1;
                    left_wins = 0;
                    if m.ny == 0 {
                        return Ok(());
                    }
                    if right_wins >= min_gallop {
                        break;
                    }
                } else {
                    self.take_left(m);
                    left_wins += 1;
                    right_wins = 0;
                    if m.nx == 1 {
                        return Ok(());
                    }
                    if left_wins >= min_gallop {
                        break;
                    }
                }
            }
            min_gallop += 1;
            loop {
                min_gallop -= (min_gallop > 1) as usize;
                self.min_gallop = min_gallop;
                let key = self.a[m.y];
                let k = self.gallop_right(key, Source::Temp(m.x), m.nx, 0)?;
                left_wins = k;
                for _ in 0..k {
                    self.take_left(m);
                }
                if m.nx <= 1 {
                    // None left means that the comparisons contradict each other.
                    return Ok(());
                }
                self.take_right(m);
                if m.ny == 0 {
                    return Ok(());
                }
                let key = self.temp[m.x];
                let k = self.gallop_left(key, Source::Main(m.y), m.ny, 0)?;
                right_wins = k;
                self.a.copy_within(m.y..m.y + k, m.out);
                m.out += k;
                m.y += k;
                m.ny -= k;
                if m.ny == 0 {
                    return Ok(());
                }
                self.take_left(m);
                if m.nx == 1 {
                    return Ok(());
                }
                if left_wins < MIN_GALLOP && right_wins < MIN_GALLOP {
                    break;
                }
            }
            min_gallop += 1;
            self.min_gallop = min_gallop;
        }
    }

    fn take_right(&mut self, m: &mut Merge) {
        self.a[m.out] = self.a[m.y];
        m.out += 1;
        m.y += 1;
        m.ny -= 1;
    }

    fn take_left(&mut self, m: &mut Merge) {
        self.a[m.out] = self.temp[m.x];
        m.out += 1;
        m.x += 1;
        m.nx -= 1;
    }

    /// Merges two neighbouring runs, the right one being the shorter; right keys go through the temporary.
    fn merge_high(&mut self, left: usize, na: usize, right: usize, nb: usize) -> R<()> {
        self.temp.clear();
        self.temp.extend_from_slice(&self.a[right..right + nb]);
        // Here `out` is one past the next place to fill, from the end downwards.
        let mut m = Merge { x: left, nx: na, y: 0, ny: nb, out: right + nb };
        let result = self.merge_high_loop(&mut m);
        if m.ny > 0 && result.is_ok() && m.nx > 0 {
            // One right key remains and belongs at the front.
            self.a.copy_within(left..left + m.nx, m.out - m.nx);
            self.a[left] = self.temp[0];
        } else {
            self.a[m.out - m.ny..m.out].copy_from_slice(&self.temp[..m.ny]);
        }
        result
    }

    fn merge_high_loop(&mut self, m: &mut Merge) -> R<()> {
        self.put_left(m);
        if m.nx == 0 || m.ny == 1 {
            return Ok(());
        }
        let mut min_gallop = self.min_gallop;
        loop {
            let (mut left_wins, mut right_wins) = (0, 0);
            loop {
                if self.less(self.temp[m.ny - 1], self.a[m.x + m.nx - 1])? {
                    self.put_left(m);
                    left_wins += 1;
                    right_wins = 0;
                    if m.nx == 0 {
                        return Ok(());
                    }
                    if left_wins >= min_gallop {
                        break;
                    }
                } else {
                    self.put_right(m);
                    right_wins += 1;
                    left_wins = 0;
                    if m.ny == 1 {
                        return Ok(());
                    }
                    if right_wins >= min_gallop {
                        break;
                    }
                }
            }
            min_gallop += 1;
            loop {
                min_gallop -= (min_gallop > 1) as usize;
                self.min_gallop = min_gallop;
                let key = self.temp[m.ny - 1];
                let k = m.nx - self.gallop_right(key, Source::Main(m.x), m.nx, m.nx - 1)?;
                left_wins = k;
                for _ in 0..k {
                    self.put_left(m);
                }
                if m.nx == 0 {
                    return Ok(());
                }
                self.put_right(m);
                if m.ny == 1 {
                    return Ok(());
                }
                let key = self.a[m.x + m.nx - 1];
                let k = m.ny - self.gallop_left(key, Source::Temp(0), m.ny, m.ny - 1)?;
                right_wins = k;
                for _ in 0..k {
                    self.put_right(m);
                }
                if m.ny <= 1 {
                    return Ok(());
                }
                self.put_left(m);
                if m.nx == 0 {
                    return Ok(());
                }
                if left_wins < MIN_GALLOP && right_wins < MIN_GALLOP {
                    break;
                }
            }
            min_gallop += 1;
            self.min_gallop = min_gallop;
        }
    }

    fn put_left(&mut self, m: &mut Merge) {
        m.out -= 1;
        m.nx -= 1;
        self.a[m.out] = self.a[m.x + m.nx];
    }

    fn put_right(&mut self, m: &mut Merge) {
        m.out -= 1;
        m.ny -= 1;
        self.a[m.out] = self.temp[m.ny];
    }
}

/// Where keys are looked for.
#[derive(Clone, Copy)]
enum Source {
    Main(usize),
    Temp(usize),
}

/// The state of a merge: what is left of both runs, and where the next key goes.
struct Merge {
    x: usize,
    nx: usize,
    y: usize,
    ny: usize,
    out: usize,
}

/// The shortest run worth merging: the length's six leading bits, rounded up.
fn minrun(mut n: usize) -> usize {
    let mut rest = 0;
    while n >= MAX_MINRUN {
        rest |= n & 1;
        n >>= 1;
    }
    n + rest
}

/// The depth of the boundary between two neighbouring runs in the tree of halvings (Munro and Wild, "Nearly-optimal
/// mergesorts", 2018).
fn power_of(base: usize, n1: usize, n2: usize, total: usize) -> u32 {
    let mut result = 0;
    let mut a = 2 * base + n1;
    let mut b = a + n1 + n2;
    loop {
        result += 1;
        if a >= total {
            a -= total;
            b -= total;
        } else if b >= total {
            return result;
        }
        a <<= 1;
        b <<= 1;
    }
}
