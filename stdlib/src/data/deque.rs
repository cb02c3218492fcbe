//! collections.deque: a ring of slots.

use std::sync::atomic::Ordering;

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::compare::CompareOp;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::sequence::Buffer;
use conc_interpreter::object::stepping::Alone;
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;

use crate::data::boxes::{number, set_number};

/// Slots: see the constants below.
pub static DEQUE: Behavior = Behavior::named("collections.deque");
/// Slots: the deque, the position, the version expected, whether backwards.
static ITERATOR: Behavior = Behavior::iterator("_deque_iterator", iterator_step).stepped(Alone::Always);

const BUFFER: usize = 0;
const HEAD: usize = 1;
const LEN: usize = 2;
/// Negative: no limit.
const MAXLEN: usize = 3;
/// Counts the changes that make iterators complain.
const VERSION: usize = 4;
const SLOTS: usize = 5;

const FIRST_CAP: usize = 8;

/// An empty deque.
pub fn empty(cx: &mut Ctx) -> R {
    let module = crate::core::shared::import(cx, "_collections")?;
    let class = cx.get_attr_text(module, "deque")?;
    cx.call(class, &[])
}

/// The deque behind a value.
pub fn deque(v: Value) -> Option<Gc<Boxed>> {
    v.cast::<Boxed>().filter(|b| b.is(&DEQUE))
}

fn buffer(d: &Boxed) -> Option<Gc<Buffer>> {
    d.slots()[BUFFER].get().cast()
}

/// How many items there are.
pub fn len(d: &Boxed) -> usize {
    number(d, LEN) as usize
}

/// The ring's place of item `i`.
fn place(d: &Boxed, cap: usize, i: usize) -> usize {
    // Neither is more than the capacity.
    let at = number(d, HEAD) as usize + i;
    if at < cap { at } else { at - cap }
}

/// Item `i` at this moment.
fn get(cx: &Ctx, d: Gc<Boxed>, i: usize) -> Option<Value> {
    let _lock = cx.lock(&d.header);
    if i >= len(&d) {
        return None;
    }
    let ring = buffer(&d)?;
    let item = ring.slots()[place(&d, ring.cap, i)].get();
    (!item.is_unbound()).then_some(item)
}

fn changed(d: &Boxed) {
    set_number(d, VERSION, number(d, VERSION) + 1);
}

/// A ring with all slots unbound and traced.
fn ring(cx: &mut Ctx, cap: usize) -> R<Gc<Buffer>> {
    let ring = cx.new_buffer(cap)?;
    for slot in ring.slots() {
        slot.set(Value::UNBOUND);
    }
    ring.len.store(cap, Ordering::Release);
    Ok(ring)
}

fn push(cx: &mut Ctx, d: Gc<Boxed>, item: Value, left: bool) -> R<()> {
    while !try_push(cx, d, item, left) {
        grow(cx, d)?;
    }
    Ok(())
}

/// Adds at an end without allocating; false: the ring is full.
#[inline]
pub fn try_push(cx: &mut Ctx, d: Gc<Boxed>, item: Value, left: bool) -> bool {
    let _lock = cx.lock(&d.header);
    let maxlen = number(&d, MAXLEN);
    if maxlen == 0 {
        return true;
    }
    if maxlen > 0 && len(&d) as i64 >= maxlen {
        take(&d, !left);
    }
    put(&d, item, left)
}

/// Puts an item at an end; the caller holds the lock. False: the ring is full.
#[inline]
fn put(d: &Boxed, item: Value, left: bool) -> bool {
    let n = len(d);
    let Some(ring) = buffer(d).filter(|b| n < b.cap) else { return false };
    let at = match left {
        true => {
            let head = number(d, HEAD) as usize;
            let head = if head == 0 { ring.cap - 1 } else { head - 1 };
            set_number(d, HEAD, head as i64);
            head
        }
        false => place(d, ring.cap, n),
    };
    ring.slots()[at].set(item);
    set_number(d, LEN, n as i64 + 1);
    changed(d);
    true
}

/// Makes the ring larger, unless another thread does at the same time.
pub fn grow(cx: &mut Ctx, d: Gc<Boxed>) -> R<()> {
    let old = buffer(&d);
    let cap = old.map_or(FIRST_CAP, |b| (b.cap * 2).max(FIRST_CAP));
    let new = ring(cx, cap)?;
    let _lock = cx.lock(&d.header);
    if buffer(&d) == old && len(&d) <= cap {
        move_ring(&d, new);
    }
    Ok(())
}

/// Copies the items into a larger ring, from its start.
fn move_ring(d: &Boxed, new: Gc<Buffer>) {
    if let Some(old) = buffer(d) {
        for i in 0..len(d) {
            new.slots()[i].set(old.slots()[place(d, old.cap, i)].get());
        }
    }
    set_number(d, HEAD, 0);
    d.slots()[BUFFER].set(new.value());
}

/// Removes an end; the caller holds the lock.
#[inline]
fn take(d: &Boxed, left: bool) -> Option<Value> {
    let n = len(d);
    let ring = buffer(d)?;
    if n == 0 {
        return None;
    }
    let at = place(d, ring.cap, if left { 0 } else { n - 1 });
    let item = ring.slots()[at].swap(Value::UNBOUND);
    if left {
        set_number(d, HEAD, if at + 1 < ring.cap { at as i64 + 1 } else { 0 });
    }
    set_number(d, LEN, n as i64 - 1);
    changed(d);
    Some(item)
}

/// Removes an end.
#[inline]
pub fn pop_end(cx: &mut Ctx, d: Gc<Boxed>, left: bool) -> Option<Value> {
    let _lock = cx.lock(&d.header);
    take(&d, left)
}

/// Removes the first item, and looks at those that will be first after so many more.
pub fn pop_ahead<const N: usize>(cx: &mut Ctx, d: Gc<Boxed>, ahead: [usize; N]) -> Option<(Value, [Value; N])> {
    let _lock = cx.lock(&d.header);
    let item = take(&d, true)?;
    let (n, head, ring) = (len(&d), number(&d, HEAD) as usize, buffer(&d)?);
    let later = ahead.map(|i| match i < n {
        true => {
            let at = head + i;
            ring.slots()[if at < ring.cap { at } else { at - ring.cap }].get()
        }
        false => Value::UNBOUND,
    });
    Some((item, later))
}

fn clear(cx: &mut Ctx, d: Gc<Boxed>) {
    let _lock = cx.lock(&d.header);
    d.slots()[BUFFER].set(Value::NONE);
    set_number(&d, HEAD, 0);
    set_number(&d, LEN, 0);
    changed(&d);
}

/// A tuple of the items as they stand.
fn snapshot(cx: &mut Ctx, d: Gc<Boxed>) -> R {
    let list = cx.new_list();
    let mut i = 0;
    while let Some(item) = get(cx, d, i) {
        cx.list_push(list, item)?;
        i += 1;
    }
    cx.list_to_tuple(list)
}

fn extend(cx: &mut Ctx, d: Gc<Boxed>, iterable: Value, left: bool) -> R<()> {
    let source = if iterable == d.value() { snapshot(cx, d)? } else { iterable };
    cx.for_each(source, |cx, item| push(cx, d, item, left))
}

fn mutated(cx: &mut Ctx) -> Raised {
    cx.runtime_error("deque mutated during iteration")
}

/// An index from a script.
fn index_argument(cx: &mut Ctx, key: Value) -> R<i64> {
    let n = cx.names().__index__;
    if !cx.is_int(key) && cx.lookup_special(key, n).is_none() {
        let got = cx.type_name(key);
        return Err(cx.type_error(format!("sequence index must be integer, not '{got}'")));
    }
    cx.index_i64(key)
}

/// The item that an index means while the caller holds the lock.
fn at_index(d: &Boxed, i: i64) -> Option<usize> {
    let n = len(d) as i64;
    let i = if i < 0 { i + n } else { i };
    (0..n).contains(&i).then_some(i as usize)
}

fn out_of_range(cx: &mut Ctx) -> Raised {
    cx.index_error("deque index out of range")
}

/// The position of an equal item in `[start, stop)`.
fn find(cx: &mut Ctx, d: Gc<Boxed>, value: Value, start: usize, stop: usize) -> R<Option<usize>> {
    let version = number(&d, VERSION);
    for i in start..stop {
        let Some(item) = get(cx, d, i) else { break };
        let same = cx.same(item, value)?;
        if number(&d, VERSION) != version {
            return Err(mutated(cx));
        }
        if same {
            return Ok(Some(i));
        }
        cx.poll()?;
    }
    Ok(None)
}

/// Turns the ring; the caller holds the lock.
fn rotate(d: &Boxed, n: i64) {
    let count = len(d) as i64;
    let Some(ring) = buffer(d).filter(|_| count > 1) else { return };
    let steps = n.rem_euclid(count);
    let (steps, left) = if steps > count / 2 { (count - steps, true) } else { (steps, false) };
    for _ in 0..steps {
        let (from, to);
        if left {
            from = place(d, ring.cap, 0);
            to = place(d, ring.cap, count as usize);
            set_number(d, HEAD, ((from + 1) % ring.cap) as i64);
        } else {
            from = place(d, ring.cap, count as usize - 1);
            to = (number(d, HEAD) as usize + ring.cap - 1) % ring.cap;
            set_number(d, HEAD, to as i64);
        }
        let item = ring.slots()[from].swap(Value::UNBOUND);
        ring.slots()[to].set(item);
    }
    changed(d);
}

/// Removes an item; the caller holds the lock.
fn remove_at(d: &Boxed, i: usize) {
    rotate(d, -(i as i64));
    take(d, true);
    rotate(d, i as i64);
}

fn iterator_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let Some(d) = deque(this.slots()[0].get()) else { return Ok(None) };
    let i = number(&this, 1);
    if number(&this, 2) != number(&d, VERSION) {
        this.slots()[0].set(Value::NONE);
        return Err(mutated(cx));
    }
    let count = len(&d) as i64;
    if i >= count {
        this.slots()[0].set(Value::NONE);
        return Ok(None);
    }
    // Another thread may have taken that one.
    if !this.slots()[1].replace_if(Value::small_int(i), Value::small_int(i + 1)) {
        return iterator_step(cx, this);
    }
    let at = if this.slots()[3].get() == Value::TRUE { count - 1 - i } else { i };
    Ok(get(cx, d, at as usize))
}

fn compare(cx: &mut Ctx, op: CompareOp, a: Value, b: Value) -> R {
    let (Some(x), Some(y)) = (deque(a), deque(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
    let (x, y) = (snapshot(cx, x)?, snapshot(cx, y)?);
    cx.compare(op, x, y)
}

#[methods]
pub mod methods {
    use super::*;
    use crate::data::boxes::{make, receiver};
    use conc_interpreter::native::Kwargs;
    use conc_interpreter::object::class::Class;

    fn receive(cx: &mut Ctx, this: Value) -> R<Gc<Boxed>> {
        receiver(cx, this, &DEQUE)
    }

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R {
        let zero = Value::small_int(0);
        let slots: [Value; SLOTS] = [Value::NONE, zero, zero, Value::small_int(-1), zero];
        Ok(make(cx, class, &DEQUE, &slots).value())
    }

    /// A sequence that grows and shrinks quickly at both ends.
    pub fn __init__(
        cx: &mut Ctx,
        this: Value,
        #[kw] iterable: Option<Value>,
        #[kw]
        #[default(Value::NONE)]
        maxlen: Value,
    ) -> R<()> {
        let d = receive(cx, this)?;
        let limit = if maxlen.is_none() {
            -1
        } else if cx.is_int(maxlen) {
            match cx.index_i64(maxlen)? {
                n if n < 0 => return Err(cx.value_error("maxlen must be non-negative")),
                n => n.min(Value::INT_MAX),
            }
        } else {
            return Err(cx.type_error("an integer is required"));
        };
        set_number(&d, MAXLEN, limit);
        if len(&d) > 0 {
            super::clear(cx, d);
        }
        match iterable {
            Some(iterable) => super::extend(cx, d, iterable, false),
            None => Ok(()),
        }
    }

    /// Put an item at the right end.
    pub fn append(cx: &mut Ctx, this: Value, item: Value) -> R<()> {
        let d = receive(cx, this)?;
        push(cx, d, item, false)
    }

    /// Put an item at the left end.
    pub fn appendleft(cx: &mut Ctx, this: Value, item: Value) -> R<()> {
        let d = receive(cx, this)?;
        push(cx, d, item, true)
    }

    /// Take out the item at the right end and give it.
    pub fn pop(cx: &mut Ctx, this: Value) -> R {
        let d = receive(cx, this)?;
        match pop_end(cx, d, false) {
            Some(item) => Ok(item),
            None => Err(cx.index_error("pop from an empty deque")),
        }
    }

    /// Take out the item at the left end and give it.
    pub fn popleft(cx: &mut Ctx, this: Value) -> R {
        let d = receive(cx, this)?;
        match pop_end(cx, d, true) {
            Some(item) => Ok(item),
            None => Err(cx.index_error("pop from an empty deque")),
        }
    }

    /// Put the iterable's items at the right end, one by one.
    pub fn extend(cx: &mut Ctx, this: Value, iterable: Value) -> R<()> {
        let d = receive(cx, this)?;
        super::extend(cx, d, iterable, false)
    }

    /// Put the iterable's items at the left end, one by one, which turns them around.
    pub fn extendleft(cx: &mut Ctx, this: Value, iterable: Value) -> R<()> {
        let d = receive(cx, this)?;
        super::extend(cx, d, iterable, true)
    }

    /// Take out every item.
    pub fn clear(cx: &mut Ctx, this: Value) -> R<()> {
        let d = receive(cx, this)?;
        super::clear(cx, d);
        Ok(())
    }

    /// Give a second deque of the same items.
    pub fn copy(cx: &mut Ctx, this: Value) -> R {
        let d = receive(cx, this)?;
        let class = cx.class_of(this).value();
        match number(&d, MAXLEN) {
            n if n < 0 => cx.call(class, &[this]),
            n => cx.call(class, &[this, Value::small_int(n)]),
        }
    }

    /// Give a second deque of the same items.
    pub fn __copy__(cx: &mut Ctx, this: Value) -> R {
        copy(cx, this)
    }

    /// Count the items equal to value.
    pub fn count(cx: &mut Ctx, this: Value, value: Value) -> R<i64> {
        let d = receive(cx, this)?;
        let (mut count, mut at) = (0, 0);
        while let Some(i) = find(cx, d, value, at, len(&d))? {
            count += 1;
            at = i + 1;
        }
        Ok(count)
    }

    /// Find the first item equal to value and give its index; ValueError if there is none.
    pub fn index(cx: &mut Ctx, this: Value, value: Value, start: Option<Value>, stop: Option<Value>) -> R<usize> {
        let d = receive(cx, this)?;
        let n = len(&d) as i64;
        let mut bound = |v: Option<Value>, default: i64| -> R<usize> {
            let i = match v {
                Some(v) => cx.index_clipped(v)?,
                None => default,
            };
            Ok(if i < 0 { i.saturating_add(n).max(0) } else { i.min(n) } as usize)
        };
        let (start, stop) = (bound(start, 0)?, bound(stop, n)?);
        match find(cx, d, value, start, stop)? {
            Some(i) => Ok(i),
            None => {
                let shown = cx.repr(value)?;
                Err(cx.value_error(format!("{} is not in deque", shown.to_text())))
            }
        }
    }

    /// Put the value in front of the item at the index.
    pub fn insert(cx: &mut Ctx, this: Value, index: i64, value: Value) -> R<()> {
        let d = receive(cx, this)?;
        loop {
            let lock = cx.lock(&d.header);
            let n = len(&d) as i64;
            if number(&d, MAXLEN) == n {
                drop(lock);
                return Err(cx.index_error("deque already at its maximum size"));
            }
            let turn = if index >= n || index <= -n { 0 } else { index };
            super::rotate(&d, -turn);
            let put = super::put(&d, value, index < n && (turn > 0 || index <= -n || index == 0));
            super::rotate(&d, turn);
            if put {
                return Ok(());
            }
            drop(lock);
            super::grow(cx, d)?;
        }
    }

    /// Take out the first item equal to value; ValueError if there is none.
    pub fn remove(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        let d = receive(cx, this)?;
        let version = number(&d, VERSION);
        let found = match find(cx, d, value, 0, len(&d)) {
            Err(e) if cx.is_error(e, conc_interpreter::object::kind::ClassId::RuntimeError) => {
                return Err(cx.index_error("deque mutated during remove()."));
            }
            found => found?,
        };
        let Some(i) = found else {
            let shown = cx.repr(value)?;
            return Err(cx.value_error(format!("{} is not in deque", shown.to_text())));
        };
        let lock = cx.lock(&d.header);
        if number(&d, VERSION) != version {
            drop(lock);
            return Err(cx.index_error("deque mutated during remove()."));
        }
        remove_at(&d, i);
        Ok(())
    }

    /// Turn the order of the items around.
    pub fn reverse(cx: &mut Ctx, this: Value) -> R<()> {
        let d = receive(cx, this)?;
        let _lock = cx.lock(&d.header);
        let Some(ring) = buffer(&d) else { return Ok(()) };
        let n = len(&d);
        for i in 0..n / 2 {
            let (a, b) = (place(&d, ring.cap, i), place(&d, ring.cap, n - 1 - i));
            let item = ring.slots()[a].get();
            ring.slots()[a].set(ring.slots()[b].get());
            ring.slots()[b].set(item);
        }
        Ok(())
    }

    /// Move n items from the right end to the left, or from the left to the right for a negative n.
    pub fn rotate(cx: &mut Ctx, this: Value, #[default(1)] n: i64) -> R<()> {
        let d = receive(cx, this)?;
        let _lock = cx.lock(&d.header);
        super::rotate(&d, n);
        Ok(())
    }

    /// How many items fit, None for any number.
    #[getter]
    pub fn maxlen(cx: &mut Ctx, this: Value) -> R {
        let d = receive(cx, this)?;
        Ok(match number(&d, MAXLEN) {
            n if n < 0 => Value::NONE,
            n => Value::small_int(n),
        })
    }

    pub fn __len__(cx: &mut Ctx, this: Value) -> R<usize> {
        let d = receive(cx, this)?;
        Ok(len(&d))
    }

    pub fn __bool__(cx: &mut Ctx, this: Value) -> R<bool> {
        let d = receive(cx, this)?;
        Ok(len(&d) > 0)
    }

    pub fn __getitem__(cx: &mut Ctx, this: Value, key: Value) -> R {
        let d = receive(cx, this)?;
        let i = index_argument(cx, key)?;
        let lock = cx.lock(&d.header);
        let ring = buffer(&d);
        let item = at_index(&d, i).zip(ring).map(|(i, ring)| ring.slots()[place(&d, ring.cap, i)].get());
        drop(lock);
        item.ok_or_else(|| out_of_range(cx))
    }

    pub fn __setitem__(cx: &mut Ctx, this: Value, key: Value, value: Value) -> R<()> {
        let d = receive(cx, this)?;
        let i = index_argument(cx, key)?;
        let lock = cx.lock(&d.header);
        if let Some((i, ring)) = at_index(&d, i).zip(buffer(&d)) {
            ring.slots()[place(&d, ring.cap, i)].set(value);
            return Ok(());
        }
        drop(lock);
        Err(out_of_range(cx))
    }

    pub fn __delitem__(cx: &mut Ctx, this: Value, key: Value) -> R<()> {
        let d = receive(cx, this)?;
        let i = index_argument(cx, key)?;
        let lock = cx.lock(&d.header);
        if let Some(i) = at_index(&d, i) {
            remove_at(&d, i);
            return Ok(());
        }
        drop(lock);
        Err(out_of_range(cx))
    }

    pub fn __contains__(cx: &mut Ctx, this: Value, value: Value) -> R<bool> {
        let d = receive(cx, this)?;
        Ok(find(cx, d, value, 0, len(&d))?.is_some())
    }

    fn iterator(cx: &mut Ctx, this: Value, backwards: bool) -> R {
        let d = receive(cx, this)?;
        let module = crate::core::shared::import(cx, "_collections")?;
        let name = if backwards { "_deque_reverse_iterator" } else { "_deque_iterator" };
        let class = cx.get_attr_text(module, name)?;
        let Some(class) = class.cast::<Class>() else { return Ok(Value::NONE) };
        let version = Value::small_int(number(&d, VERSION));
        Ok(make(cx, class, &ITERATOR, &[this, Value::small_int(0), version, Value::bool(backwards)]).value())
    }

    pub fn __iter__(cx: &mut Ctx, this: Value) -> R {
        iterator(cx, this, false)
    }

    /// Give an iterator over the items, from right to left.
    pub fn __reversed__(cx: &mut Ctx, this: Value) -> R {
        iterator(cx, this, true)
    }

    pub fn __repr__(cx: &mut Ctx, this: Value) -> R {
        let d = receive(cx, this)?;
        if cx.repr_guard.contains(&this.bits()) {
            return Ok(cx.str("[...]"));
        }
        cx.repr_guard.push(this.bits());
        let result = show(cx, d);
        cx.repr_guard.pop();
        Ok(cx.try_wtf8(&result?)?.value())
    }

    fn show(cx: &mut Ctx, d: Gc<Boxed>) -> R<Vec<u8>> {
        let items = snapshot(cx, d)?;
        let items = cx.collect_list(items)?;
        let mut out = cx.class_of(d.value()).name_text().into_bytes();
        out.push(b'(');
        cx.write_repr(items.value(), &mut out)?;
        if number(&d, MAXLEN) >= 0 {
            out.extend_from_slice(format!(", maxlen={}", number(&d, MAXLEN)).as_bytes());
        }
        out.push(b')');
        Ok(out)
    }

    pub fn __eq__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare(cx, CompareOp::Eq, this, other)
    }
    pub fn __ne__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare(cx, CompareOp::Ne, this, other)
    }
    pub fn __lt__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare(cx, CompareOp::Lt, this, other)
    }
    pub fn __le__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare(cx, CompareOp::Le, this, other)
    }
    pub fn __gt__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare(cx, CompareOp::Gt, this, other)
    }
    pub fn __ge__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare(cx, CompareOp::Ge, this, other)
    }

    pub fn __add__(cx: &mut Ctx, this: Value, other: Value) -> R {
        if deque(other).is_none() {
            let got = cx.type_name(other);
            return Err(cx.type_error(format!("can only concatenate deque (not \"{got}\") to deque")));
        }
        let new = copy(cx, this)?;
        let d = receive(cx, new)?;
        super::extend(cx, d, other, false)?;
        Ok(new)
    }

    pub fn __iadd__(cx: &mut Ctx, this: Value, other: Value) -> R {
        let d = receive(cx, this)?;
        super::extend(cx, d, other, false)?;
        Ok(this)
    }

    pub fn __mul__(cx: &mut Ctx, this: Value, n: i64) -> R {
        let new = copy(cx, this)?;
        __imul__(cx, new, n)
    }
    pub fn __rmul__(cx: &mut Ctx, this: Value, n: i64) -> R {
        __mul__(cx, this, n)
    }
    pub fn __imul__(cx: &mut Ctx, this: Value, n: i64) -> R {
        let d = receive(cx, this)?;
        if n <= 0 {
            super::clear(cx, d);
            return Ok(this);
        }
        let items = snapshot(cx, d)?;
        for _ in 1..n {
            super::extend(cx, d, items, false)?;
        }
        Ok(this)
    }

    /// Give what pickle needs to make the object again.
    pub fn __reduce__(cx: &mut Ctx, this: Value) -> R {
        let d = receive(cx, this)?;
        let class = cx.class_of(this).value();
        let args = match number(&d, MAXLEN) {
            n if n < 0 => cx.tuple(&[])?,
            n => {
                let empty = cx.tuple(&[])?;
                cx.tuple(&[empty, Value::small_int(n)])?
            }
        };
        let state = match cx.instance_dict(this).filter(|d| !d.is_empty()) {
            Some(dict) => dict.value(),
            None => Value::NONE,
        };
        let items = __iter__(cx, this)?;
        cx.tuple(&[class, args, state, items])
    }

    /// Give the class with type arguments, as in `list[int]`.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Gc<Class>, object: Value) -> R {
        Ok(cx.generic_alias(class.value(), object)?.value())
    }
}
