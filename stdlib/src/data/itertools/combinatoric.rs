//! product, permutations, combinations, combinations_with_replacement.

use std::sync::atomic::Ordering;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::sequence::{Buffer, Tuple};
use conc_interpreter::object::stepping::Alone;
use conc_interpreter::value::{Gc, Slot, Value};
use conc_macros::methods;

use crate::data::boxes::{number, set_number, tuple_of};

/// Slots: tuple of pools, index buffer, state.
static PRODUCT: Behavior = Behavior::iterator("product", product_step).stepped(Alone::Always);
/// Slots: pool, index buffer, state, r, cycle buffer.
static PERMUTATIONS: Behavior = Behavior::iterator("permutations", permutations_step).stepped(Alone::Always);
/// Slots: pool, index buffer, state, r.
static COMBINATIONS: Behavior = Behavior::iterator("combinations", combinations_step).stepped(Alone::Always);
/// Slots: pool, index buffer, state, r.
static WITH_REPLACEMENT: Behavior =
    Behavior::iterator("combinations_with_replacement", with_replacement_step).stepped(Alone::Always);

const STATE: usize = 2;
const FRESH: i64 = 0;
const RUNNING: i64 = 1;
const DONE: i64 = 2;

/// A buffer of `len` immediate ints.
fn indices(cx: &mut Ctx, len: usize, value: impl Fn(usize) -> usize) -> R {
    let buffer = cx.new_buffer(len)?;
    for (i, slot) in buffer.slots().iter().enumerate() {
        slot.set(Value::small_int(value(i) as i64));
    }
    if len > 0 {
        buffer.len.store(len, Ordering::Release);
    }
    Ok(buffer.value())
}

fn read(slot: &Slot) -> usize {
    slot.get().as_int().unwrap_or(0) as usize
}

fn write(slot: &Slot, n: usize) {
    slot.set(Value::small_int(n as i64));
}

fn parts(this: Gc<Boxed>) -> Option<(Gc<Tuple>, Gc<Buffer>)> {
    Some((this.slots()[0].get().cast()?, this.slots()[1].get().cast()?))
}

/// The pool's items that the first `r` indices tell.
fn pick(cx: &mut Ctx, pool: Gc<Tuple>, index: Gc<Buffer>, r: usize) -> R<Option<Value>> {
    tuple_of(cx, r, |i| pool.items().get(read(&index.slots()[i])).copied().unwrap_or(Value::NONE)).map(Some)
}

fn done(this: Gc<Boxed>) -> R<Option<Value>> {
    set_number(&this, STATE, DONE);
    Ok(None)
}

fn product_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let _held = cx.begin_step(this.header());
    let Some((pools, index)) = parts(this) else { return Ok(None) };
    let pool = |i: usize| pools.items()[i].cast::<Tuple>();
    match number(&this, STATE) {
        FRESH => {
            if (0..pools.len).any(|i| pool(i).is_none_or(|p| p.len == 0)) {
                return done(this);
            }
            set_number(&this, STATE, RUNNING);
        }
        RUNNING => {
            let mut i = pools.len;
            loop {
                if i == 0 {
                    return done(this);
                }
                i -= 1;
                let slot = &index.slots()[i];
                let next = read(slot) + 1;
                if next < pool(i).map_or(0, |p| p.len) {
                    write(slot, next);
                    break;
                }
                write(slot, 0);
            }
        }
        _ => return Ok(None),
    }
    tuple_of(cx, pools.len, |i| {
        pool(i).and_then(|p| p.items().get(read(&index.slots()[i])).copied()).unwrap_or(Value::NONE)
    })
    .map(Some)
}

fn permutations_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let _held = cx.begin_step(this.header());
    let Some((pool, index)) = parts(this) else { return Ok(None) };
    let Some(cycles) = this.slots()[4].get().cast::<Buffer>() else { return Ok(None) };
    let (n, r) = (pool.len, number(&this, 3) as usize);
    match number(&this, STATE) {
        FRESH => {
            if r > n {
                return done(this);
            }
            set_number(&this, STATE, RUNNING);
        }
        RUNNING => {
            let at = index.slots();
            let mut i = r;
            loop {
                if i == 0 {
                    return done(this);
                }
                i -= 1;
                let left = read(&cycles.slots()[i]) - 1;
                if left == 0 {
                    // Rotate the tail: the index at i moves to the end.
                    let first = read(&at[i]);
                    for j in i..n - 1 {
                        write(&at[j], read(&at[j + 1]));
                    }
                    write(&at[n - 1], first);
                    write(&cycles.slots()[i], n - i);
                    continue;
                }
                write(&cycles.slots()[i], left);
                let j = n - left;
                let (x, y) = (read(&at[i]), read(&at[j]));
                write(&at[i], y);
                write(&at[j], x);
                break;
            }
        }
        _ => return Ok(None),
    }
    pick(cx, pool, index, r)
}

fn combinations_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let _held = cx.begin_step(this.header());
    let Some((pool, index)) = parts(this) else { return Ok(None) };
    let (n, r) = (pool.len, number(&this, 3) as usize);
    match number(&this, STATE) {
        FRESH => {
            if r > n {
                return done(this);
            }
            set_number(&this, STATE, RUNNING);
        }
        RUNNING => {
            let at = index.slots();
            let Some(i) = (0..r).rev().find(|&i| read(&at[i]) != i + n - r) else { return done(this) };
            let mut value = read(&at[i]);
            for slot in &at[i..r] {
                value += 1;
                write(slot, value);
            }
        }
        _ => return Ok(None),
    }
    pick(cx, pool, index, r)
}

fn with_replacement_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let _held = cx.begin_step(this.header());
    let Some((pool, index)) = parts(this) else { return Ok(None) };
    let (n, r) = (pool.len, number(&this, 3) as usize);
    match number(&this, STATE) {
        FRESH => {
            if n == 0 && r > 0 {
                return done(this);
            }
            set_number(&this, STATE, RUNNING);
        }
        RUNNING => {
            let at = index.slots();
            let Some(i) = (0..r).rev().find(|&i| read(&at[i]) != n - 1) else { return done(this) };
            let value = read(&at[i]) + 1;
            for slot in &at[i..r] {
                write(slot, value);
            }
        }
        _ => return Ok(None),
    }
    pick(cx, pool, index, r)
}

/// `r` of the combination classes.
fn checked_r(cx: &mut Ctx, r: i64) -> R<usize> {
    if r < 0 {
        return Err(cx.value_error("r must be non-negative"));
    }
    if r > u32::MAX as i64 {
        return Err(cx.memory_error());
    }
    Ok(r as usize)
}

#[methods]
pub mod product {
    use super::{PRODUCT, indices};
    use crate::core::shared::keyword;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over all tuples with one item from each iterable, the last varying fastest.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, iterables: &[Value], kwargs: Kwargs) -> R {
        let repeat = keyword(cx, kwargs, "repeat");
        if let Some(names) = kwargs.0
            && names.len() > usize::from(repeat.is_some())
        {
            let other = names.pairs().map(|p| cx.text_of(p.0)).find(|n| n != "repeat").unwrap_or_default();
            return Err(cx.type_error(format!("product() got an unexpected keyword argument '{other}'")));
        }
        let repeat = match repeat {
            Some(n) => cx.index_i64(n)?,
            None => 1,
        };
        if repeat < 0 {
            return Err(cx.value_error("repeat argument cannot be negative"));
        }
        let pools = cx.new_list();
        if repeat > 0 {
            for &iterable in iterables {
                let pool = cx.collect_tuple(iterable)?;
                cx.list_push(pools, pool.value())?;
            }
        }
        let total = (pools.len() as i64).checked_mul(repeat).filter(|n| *n < 1 << 32);
        if total.is_none() {
            return Err(cx.overflow_error("repeat argument too large"));
        }
        let once = cx.list_snapshot(pools)?;
        for _ in 1..repeat {
            cx.list_extend(pools, once.value())?;
        }
        let pools = cx.list_snapshot(pools)?;
        let index = indices(cx, pools.len, |_| 0)?;
        Ok(make(cx, class, &PRODUCT, &[pools.value(), index, Value::small_int(0)]).value())
    }
}

#[methods]
pub mod permutations {
    use super::{PERMUTATIONS, checked_r, indices};
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the ways to put r of the items in a row.
    #[static_method]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        #[kw] iterable: Value,
        #[kw]
        #[default(Value::NONE)]
        r: Value,
    ) -> R {
        let pool = cx.collect_tuple(iterable)?;
        let n = pool.len;
        let r = if r.is_none() {
            n
        } else if cx.is_int(r) {
            let r = cx.index_i64(r)?;
            checked_r(cx, r)?
        } else {
            return Err(cx.type_error("Expected int as r"));
        };
        let index = indices(cx, n, |i| i)?;
        let cycles = indices(cx, r.min(n), |i| n - i)?;
        let r = Value::small_int(r as i64);
        Ok(make(cx, class, &PERMUTATIONS, &[pool.value(), index, Value::small_int(0), r, cycles]).value())
    }
}

#[methods]
pub mod combinations {
    use super::{COMBINATIONS, checked_r, indices};
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the ways to choose r of the items, in their order.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, #[kw] iterable: Value, #[kw] r: i64) -> R {
        let pool = cx.collect_tuple(iterable)?;
        let r = checked_r(cx, r)?;
        let index = indices(cx, r, |i| i)?;
        let r = Value::small_int(r as i64);
        Ok(make(cx, class, &COMBINATIONS, &[pool.value(), index, Value::small_int(0), r]).value())
    }
}

#[methods]
pub mod with_replacement {
    use super::{WITH_REPLACEMENT, checked_r, indices};
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the ways to choose r of the items, in their order, each as often as wished.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, #[kw] iterable: Value, #[kw] r: i64) -> R {
        let pool = cx.collect_tuple(iterable)?;
        let r = checked_r(cx, r)?;
        let index = indices(cx, r, |_| 0)?;
        let r = Value::small_int(r as i64);
        Ok(make(cx, class, &WITH_REPLACEMENT, &[pool.value(), index, Value::small_int(0), r]).value())
    }
}
