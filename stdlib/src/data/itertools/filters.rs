//! compress, dropwhile, filterfalse, islice, takewhile.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::stepping::Alone;
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;

use crate::data::boxes::{number, set_number};

/// Slots: data iterator, selectors iterator.
static COMPRESS: Behavior = Behavior::iterator("compress", compress_step);
/// Slots: predicate, iterator, whether dropping is over.
static DROPWHILE: Behavior = Behavior::iterator("dropwhile", dropwhile_step);
/// Slots: predicate or None, iterator.
static FILTERFALSE: Behavior = Behavior::iterator("filterfalse", filterfalse_step);
/// Slots: iterator (None once it ended), items taken so far, index of the next wanted, stop (negative: none), step.
static ISLICE: Behavior = Behavior::iterator("islice", islice_step).stepped(Alone::With(0));
/// Slots: predicate, iterator (None once it ended).
static TAKEWHILE: Behavior = Behavior::iterator("takewhile", takewhile_step);

fn compress_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    loop {
        let (data, selectors) = (slots[0].get(), slots[1].get());
        let held = cx.begin_step_over(this.header(), &[data, selectors]);
        let Some(item) = cx.next(data)? else { return Ok(None) };
        let Some(selector) = cx.next(selectors)? else { return Ok(None) };
        drop(held);
        if cx.truth(selector)? {
            return Ok(Some(item));
        }
        cx.poll()?;
    }
}

fn dropwhile_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    loop {
        let Some(item) = cx.next(slots[1].get())? else { return Ok(None) };
        if slots[2].get() == Value::TRUE {
            return Ok(Some(item));
        }
        let drop = cx.call(slots[0].get(), &[item])?;
        if !cx.truth(drop)? {
            slots[2].set(Value::TRUE);
            return Ok(Some(item));
        }
        cx.poll()?;
    }
}

fn filterfalse_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    loop {
        let Some(item) = cx.next(slots[1].get())? else { return Ok(None) };
        let verdict = match slots[0].get() {
            Value::NONE => item,
            f => cx.call(f, &[item])?,
        };
        if !cx.truth(verdict)? {
            return Ok(Some(item));
        }
        cx.poll()?;
    }
}

/// How many items islice passes over between two looks at what was asked for.
const SKIPS: i64 = 256;

fn islice_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    loop {
        let source = slots[0].get();
        let held = cx.begin_step_over(this.header(), &[source]);
        let (mut taken, next, stop) = (number(&this, 1), number(&this, 2), number(&this, 3));
        if source.is_none() || taken >= next && stop >= 0 && taken >= stop {
            slots[0].set(Value::NONE);
            return Ok(None);
        }
        let last = next.min(taken.saturating_add(SKIPS));
        loop {
            let wanted = taken >= next && (stop < 0 || taken < stop);
            if taken >= last && !wanted {
                break;
            }
            let Some(item) = cx.next(source)? else {
                slots[0].set(Value::NONE);
                return Ok(None);
            };
            taken += 1;
            set_number(&this, 1, taken);
            if wanted {
                let after = next.saturating_add(number(&this, 4)).min(Value::INT_MAX);
                set_number(&this, 2, if stop >= 0 { after.min(stop) } else { after });
                return Ok(Some(item));
            }
        }
        drop(held);
        cx.poll()?;
    }
}

fn takewhile_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    let source = slots[1].get();
    if source.is_none() {
        return Ok(None);
    }
    let Some(item) = cx.next(source)? else { return Ok(None) };
    let take = cx.call(slots[0].get(), &[item])?;
    if cx.truth(take)? {
        return Ok(Some(item));
    }
    slots[1].set(Value::NONE);
    Ok(None)
}

/// A bound of islice: None or a count that is not negative.
fn bound(cx: &mut Ctx, v: Value) -> Option<i64> {
    if v.is_none() {
        return Some(-1);
    }
    let n = cx.names().__index__;
    if !cx.is_int(v) && cx.lookup_special(v, n).is_none() {
        return None;
    }
    cx.index_i64(v).ok().filter(|n| *n >= 0).map(|n| n.min(Value::INT_MAX))
}

fn bad_bound(cx: &mut Ctx, what: &str) -> Raised {
    let message = format!("{what} for islice() must be None or an integer: 0 <= x <= sys.maxsize.");
    cx.value_error(message)
}

#[methods]
pub mod compress {
    use super::COMPRESS;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the items whose selector counts as true.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, #[kw] data: Value, #[kw] selectors: Value) -> R {
        let (data, selectors) = (cx.iter(data)?, cx.iter(selectors)?);
        Ok(make(cx, class, &COMPRESS, &[data, selectors]).value())
    }
}

#[methods]
pub mod dropwhile {
    use super::DROPWHILE;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the items from the first on for which the function says false.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, predicate: Value, iterable: Value) -> R {
        let source = cx.iter(iterable)?;
        Ok(make(cx, class, &DROPWHILE, &[predicate, source, Value::FALSE]).value())
    }
}

#[methods]
pub mod filterfalse {
    use super::FILTERFALSE;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the items for which the function says false, or which are false if it is None.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, function: Value, iterable: Value) -> R {
        let source = cx.iter(iterable)?;
        Ok(make(cx, class, &FILTERFALSE, &[function, source]).value())
    }
}

#[methods]
pub mod islice {
    use super::{ISLICE, bad_bound, bound};
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// islice(iterable, stop) -> an iterator over the first items
    /// islice(iterable, start, stop[, step]) -> an iterator over the items that such a slice of a list has
    #[static_method]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        iterable: Value,
        start: Value,
        stop: Option<Value>,
        step: Option<Value>,
    ) -> R {
        let (start, stop_value) = match stop {
            Some(stop) => (start, stop),
            None => (Value::NONE, start),
        };
        let stop_at = match bound(cx, stop_value) {
            Some(n) => n,
            None if stop.is_none() => return Err(bad_bound(cx, "Stop argument")),
            None => return Err(bad_bound(cx, "Stop argument")),
        };
        let Some(start) = bound(cx, start) else { return Err(bad_bound(cx, "Indices")) };
        let step = match step.unwrap_or(Value::NONE) {
            Value::NONE => 1,
            v => match bound(cx, v).filter(|n| *n >= 1) {
                Some(n) => n,
                None => return Err(cx.value_error("Step for islice() must be a positive integer or None.")),
            },
        };
        let source = cx.iter(iterable)?;
        let (start, stop, step) = (Value::small_int(start.max(0)), Value::small_int(stop_at), Value::small_int(step));
        Ok(make(cx, class, &ISLICE, &[source, Value::small_int(0), start, stop, step]).value())
    }
}

#[methods]
pub mod takewhile {
    use super::TAKEWHILE;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the items up to the first for which the function says false.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, predicate: Value, iterable: Value) -> R {
        let source = cx.iter(iterable)?;
        Ok(make(cx, class, &TAKEWHILE, &[predicate, source]).value())
    }
}
