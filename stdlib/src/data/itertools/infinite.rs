//! count, cycle, repeat.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::arith::BinaryOp;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::number::Complex;
use conc_interpreter::object::sequence::List;
use conc_interpreter::object::stepping::Alone;
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;

use crate::data::boxes::{number, set_number};

/// Slots: the next number, the step.
static COUNT: Behavior = Behavior::iterator("count", count_step).stepped(Alone::Counting);
/// Slots: the iterator (None once it ended), the saved items, the position among them.
static CYCLE: Behavior = Behavior::iterator("cycle", cycle_step).stepped(Alone::With(0));
/// Slots: the object, how many times more (negative: forever).
static REPEAT: Behavior = Behavior::iterator("repeat", repeat_step).stepped(Alone::Always);

fn count_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    loop {
        let item = slots[0].get();
        let after = cx.binary(BinaryOp::Add, item, slots[1].get())?;
        // Another thread may have taken it meanwhile.
        if slots[0].replace_if(item, after) {
            return Ok(Some(item));
        }
    }
}

fn cycle_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    let source = slots[0].get();
    let Some(saved) = slots[1].get().cast::<List>() else { return Ok(None) };
    let _held =
        if source.is_none() { cx.begin_step(this.header()) } else { cx.begin_step_over(this.header(), &[source]) };
    if !source.is_none() {
        if let Some(item) = cx.next(source)? {
            cx.list_push(saved, item)?;
            return Ok(Some(item));
        }
        slots[0].set(Value::NONE);
    }
    let at = number(&this, 2);
    let item = saved.get(at as usize);
    set_number(&this, 2, if at + 1 >= saved.len() as i64 { 0 } else { at + 1 });
    Ok(item)
}

fn repeat_step(_: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let left = &this.slots()[1];
    loop {
        let (now, count) = (left.get(), number(&this, 1));
        if count == 0 {
            return Ok(None);
        }
        if count < 0 || left.replace_if(now, Value::small_int(count - 1)) {
            return Ok(Some(this.slots()[0].get()));
        }
    }
}

fn is_number(cx: &mut Ctx, v: Value) -> bool {
    if cx.is_int(v) || cx.as_float(v).is_some() || v.is_a::<Complex>() {
        return true;
    }
    let n = cx.names();
    [n.__index__, n.__int__, n.__float__].into_iter().any(|name| cx.lookup_special(v, name).is_some())
}

#[methods]
pub mod count {
    use super::{COUNT, is_number};
    use crate::data::boxes::{make, receiver, show_call};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator that counts from start in steps, without end.
    #[static_method]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        #[kw]
        #[default(Value::small_int(0))]
        start: Value,
        #[kw]
        #[default(Value::small_int(1))]
        step: Value,
    ) -> R {
        if !is_number(cx, start) || !is_number(cx, step) {
            return Err(cx.type_error("a number is required"));
        }
        Ok(make(cx, class, &COUNT, &[start, step]).value())
    }

    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<Gc<Str>> {
        let slots = receiver(cx, this, &COUNT)?;
        let (next, step) = (slots.slots()[0].get(), slots.slots()[1].get());
        if step == Value::small_int(1) { show_call(cx, this, &[next]) } else { show_call(cx, this, &[next, step]) }
    }

    pub fn __reduce__(cx: &mut Ctx, this: Value) -> R {
        let slots = receiver(cx, this, &COUNT)?;
        let class = cx.class_of(this).value();
        let args = cx.tuple(&[slots.slots()[0].get(), slots.slots()[1].get()])?;
        cx.tuple(&[class, args])
    }
}

#[methods]
pub mod cycle {
    use super::CYCLE;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over the items again and again.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, iterable: Value) -> R {
        let source = cx.iter(iterable)?;
        let saved = cx.new_list().value();
        Ok(make(cx, class, &CYCLE, &[source, saved, Value::small_int(0)]).value())
    }
}

#[methods]
pub mod repeat {
    use super::REPEAT;
    use crate::data::boxes::{make, number, receiver, show_call};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator that gives the same object so many times, or without end.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, #[kw] object: Value, #[kw] times: Option<Value>) -> R {
        let times = match times {
            Some(times) => cx.index_i64(times)?.clamp(0, Value::INT_MAX),
            None => -1,
        };
        Ok(make(cx, class, &REPEAT, &[object, Value::small_int(times)]).value())
    }

    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<Gc<Str>> {
        let slots = receiver(cx, this, &REPEAT)?;
        let (object, times) = (slots.slots()[0].get(), slots.slots()[1].get());
        if number(&slots, 1) < 0 { show_call(cx, this, &[object]) } else { show_call(cx, this, &[object, times]) }
    }

    pub fn __length_hint__(cx: &mut Ctx, this: Value) -> R<i64> {
        let slots = receiver(cx, this, &REPEAT)?;
        match number(&slots, 1) {
            n if n < 0 => Err(cx.type_error("len() of unsized object")),
            n => Ok(n),
        }
    }

    pub fn __reduce__(cx: &mut Ctx, this: Value) -> R {
        let slots = receiver(cx, this, &REPEAT)?;
        let class = cx.class_of(this).value();
        let (object, times) = (slots.slots()[0].get(), slots.slots()[1].get());
        let args = if number(&slots, 1) < 0 { cx.tuple(&[object])? } else { cx.tuple(&[object, times])? };
        cx.tuple(&[class, args])
    }
}
