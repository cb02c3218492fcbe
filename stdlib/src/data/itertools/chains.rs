//! accumulate, batched, chain, pairwise, starmap, zip_longest.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::arith::BinaryOp;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::sequence::List;
use conc_interpreter::object::stepping::Alone;
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;

use crate::data::boxes::{number, set_number};

/// Slots: iterator, function or None, total (unbound before the first item), initial or None.
static ACCUMULATE: Behavior = Behavior::iterator("accumulate", accumulate_step);
/// Slots: iterator (None once it ended), size, strict.
static BATCHED: Behavior = Behavior::iterator("batched", batched_step).stepped(Alone::With(0));
/// Slots: iterator of iterables (None once it ended), active iterator or None.
static CHAIN: Behavior = Behavior::iterator("chain", chain_step);
/// Slots: iterator (None once it ended), the previous item (unbound at first).
static PAIRWISE: Behavior = Behavior::iterator("pairwise", pairwise_step).stepped(Alone::With(0));
/// Slots: function, iterator.
static STARMAP: Behavior = Behavior::iterator("starmap", starmap_step);
/// Slots: list of iterators (None where exhausted), how many are active, fill value.
static ZIP_LONGEST: Behavior = Behavior::iterator("zip_longest", zip_longest_step);

fn accumulate_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    let initial = slots[3].get();
    if !initial.is_none() && slots[2].replace_if(Value::UNBOUND, initial) {
        return Ok(Some(initial));
    }
    let Some(item) = cx.next(slots[0].get())? else { return Ok(None) };
    loop {
        let total = slots[2].get();
        let new = match slots[1].get() {
            _ if total.is_unbound() => item,
            Value::NONE => cx.binary(BinaryOp::Add, total, item)?,
            f => cx.call(f, &[total, item])?,
        };
        // Another thread may have added its item meanwhile.
        if slots[2].replace_if(total, new) {
            return Ok(Some(new));
        }
        cx.poll()?;
    }
}

/// Batches up to this size are taken as one, whatever other threads take meanwhile.
const SHORT: i64 = 4096;

fn batched_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    let source = slots[0].get();
    if source.is_none() {
        return Ok(None);
    }
    let size = number(&this, 1);
    let held = if size <= SHORT { Some(cx.begin_step_over(this.header(), &[source])) } else { None };
    let batch = cx.new_list();
    while (batch.len() as i64) < size {
        match cx.next(source)? {
            Some(item) => cx.list_push(batch, item)?,
            None => {
                slots[0].set(Value::NONE);
                break;
            }
        }
        if held.is_none() {
            cx.poll()?;
        }
    }
    if batch.is_empty() {
        return Ok(None);
    }
    if (batch.len() as i64) < size && slots[2].get() == Value::TRUE {
        return Err(cx.value_error("batched(): incomplete batch"));
    }
    cx.list_to_tuple(batch).map(Some)
}

fn chain_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    loop {
        let active = slots[1].get();
        if active.is_none() {
            if !chain_on(cx, this)? {
                return Ok(None);
            }
            continue;
        }
        if let Some(item) = cx.next(active)? {
            return Ok(Some(item));
        }
        // Unless another thread has gone on to the next one meanwhile.
        slots[1].replace_if(active, Value::NONE);
        cx.poll()?;
    }
}

/// Goes on to the next iterable; false: there is none.
fn chain_on(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
    let slots = this.slots();
    let sources = slots[0].get();
    let held = cx.begin_step_over(this.header(), &[sources]);
    if sources.is_none() || !slots[1].get().is_none() {
        return Ok(!sources.is_none());
    }
    let made = match cx.next(sources) {
        Ok(Some(iterable)) => {
            let plain = iterable.header().is_some_and(|h| h.shape() < ClassId::COUNT as u32);
            if let Some(active) = cx.native_iter(iterable).filter(|_| plain) {
                slots[1].set(active);
                return Ok(true);
            }
            drop(held);
            cx.iter(iterable)
        }
        Ok(None) => {
            slots[0].set(Value::NONE);
            return Ok(false);
        }
        Err(e) => Err(e),
    };
    match made {
        Ok(active) => {
            slots[1].set(active);
            Ok(true)
        }
        Err(e) => {
            slots[0].set(Value::NONE);
            Err(e)
        }
    }
}

fn pairwise_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    let source = slots[0].get();
    if source.is_none() {
        return Ok(None);
    }
    let _held = cx.begin_step_over(this.header(), &[source]);
    let mut old = slots[1].get();
    if old.is_unbound() {
        match cx.next(source)? {
            Some(item) => {
                old = item;
                slots[1].set(item);
            }
            None => {
                slots[0].set(Value::NONE);
                return Ok(None);
            }
        }
    }
    match cx.next(source)? {
        Some(item) => {
            slots[1].set(item);
            cx.tuple(&[old, item]).map(Some)
        }
        None => {
            slots[0].set(Value::NONE);
            slots[1].set(Value::NONE);
            Ok(None)
        }
    }
}

fn starmap_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    let Some(args) = cx.next(slots[1].get())? else { return Ok(None) };
    let args = cx.collect_tuple(args)?;
    cx.call(slots[0].get(), args.items()).map(Some)
}

fn zip_longest_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    let Some(iterators) = slots[0].get().cast::<List>() else { return Ok(None) };
    let fill = slots[2].get();
    if number(&this, 1) == 0 {
        return Ok(None);
    }
    let _held = cx.begin_step_if(this.header(), |cx| {
        (0..iterators.len()).all(|i| iterators.get(i).is_none_or(|source| source.is_none() || cx.steps_alone(source)))
    });
    let row = cx.new_list();
    for i in 0..iterators.len() {
        let source = iterators.get(i).unwrap_or(Value::NONE);
        let item = if source.is_none() { None } else { cx.next(source)? };
        if item.is_none() && !source.is_none() {
            let active = number(&this, 1) - 1;
            set_number(&this, 1, active);
            if active <= 0 {
                return Ok(None);
            }
            cx.list_set(iterators, i, Value::NONE);
        }
        cx.list_push(row, item.unwrap_or(fill))?;
    }
    cx.list_to_tuple(row).map(Some)
}

#[methods]
pub mod accumulate {
    use super::ACCUMULATE;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the sums so far, or the results so far of a function of two arguments.
    #[static_method]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        #[kw] iterable: Value,
        #[kw]
        #[default(Value::NONE)]
        func: Value,
        #[kwonly]
        #[default(Value::NONE)]
        initial: Value,
    ) -> R {
        let source = cx.iter(iterable)?;
        Ok(make(cx, class, &ACCUMULATE, &[source, func, Value::UNBOUND, initial]).value())
    }
}

#[methods]
pub mod batched {
    use super::BATCHED;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over tuples of n items; the last may have fewer, or with strict is a ValueError.
    #[static_method]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        #[kw] iterable: Value,
        #[kw] n: i64,
        #[kwonly]
        #[default(false)]
        strict: bool,
    ) -> R {
        if n < 1 {
            return Err(cx.value_error("n must be at least one"));
        }
        let source = cx.iter(iterable)?;
        let n = Value::small_int(n.min(Value::INT_MAX));
        Ok(make(cx, class, &BATCHED, &[source, n, Value::bool(strict)]).value())
    }
}

#[methods]
pub mod chain {
    use super::CHAIN;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the items of one iterable after another.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, iterables: &[Value]) -> R {
        let all = cx.tuple(iterables)?;
        let sources = cx.iter(all)?;
        Ok(make(cx, class, &CHAIN, &[sources, Value::NONE]).value())
    }

    /// Make an iterator over the items of the iterables in an iterable, each taken when it is its turn.
    #[class_method]
    pub fn from_iterable(cx: &mut Ctx, class: Gc<Class>, iterable: Value) -> R {
        let sources = cx.iter(iterable)?;
        Ok(make(cx, class, &CHAIN, &[sources, Value::NONE]).value())
    }

    /// Give the class with type arguments, as in `list[int]`.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Gc<Class>, object: Value) -> R {
        Ok(cx.generic_alias(class.value(), object)?.value())
    }
}

#[methods]
pub mod pairwise {
    use super::PAIRWISE;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over pairs of neighbours, each item but the ends being in two.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, iterable: Value) -> R {
        let source = cx.iter(iterable)?;
        Ok(make(cx, class, &PAIRWISE, &[source, Value::UNBOUND]).value())
    }
}

#[methods]
pub mod starmap {
    use super::STARMAP;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the function's results, each item being a tuple of its arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, function: Value, iterable: Value) -> R {
        let source = cx.iter(iterable)?;
        Ok(make(cx, class, &STARMAP, &[function, source]).value())
    }
}

#[methods]
pub mod zip_longest {
    use super::ZIP_LONGEST;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over tuples with one item from each iterable; fillvalue stands in where one has no more.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, iterables: &[Value], kwargs: Kwargs) -> R {
        let fill = crate::core::shared::keyword(cx, kwargs, "fillvalue");
        if kwargs.0.is_some_and(|d| d.len() > usize::from(fill.is_some())) {
            return Err(cx.type_error("zip_longest() got an unexpected keyword argument"));
        }
        let iterators = cx.new_list();
        for &iterable in iterables {
            let source = cx.iter(iterable)?;
            cx.list_push(iterators, source)?;
        }
        let active = Value::small_int(iterables.len() as i64);
        Ok(make(cx, class, &ZIP_LONGEST, &[iterators.value(), active, fill.unwrap_or(Value::NONE)]).value())
    }
}
