//! groupby and tee.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::stepping::Alone;
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;

use crate::data::boxes::make;

/// Slots: iterator, key function or None, key of the group handed out, key and value of the current item (unbound
/// before the first), the active group, the class of groups.
static GROUPBY: Behavior = Behavior::iterator("groupby", groupby_step);
/// Slots: the groupby, the group's key.
static GROUPER: Behavior = Behavior::iterator("_grouper", grouper_step);
/// Slots: the node to read next, the iterator all share.
static TEE: Behavior = Behavior::iterator("_tee", tee_step).stepped(Alone::With(1));
/// Slots: the item (unbound until fetched), the next node.
static NODE: Behavior = Behavior::named("_tee_dataobject");

const TARGET: usize = 2;
const KEY: usize = 3;
const VALUE: usize = 4;
const ACTIVE: usize = 5;

/// Fetches the next item and its key; false at the end.
fn advance(cx: &mut Ctx, group: Gc<Boxed>) -> R<bool> {
    let slots = group.slots();
    let Some(value) = cx.next(slots[0].get())? else { return Ok(false) };
    let key = match slots[1].get() {
        Value::NONE => value,
        f => cx.call(f, &[value])?,
    };
    slots[VALUE].set(value);
    slots[KEY].set(key);
    Ok(true)
}

fn groupby_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let slots = this.slots();
    slots[ACTIVE].set(Value::NONE);
    // Skip what is left of the group handed out last.
    loop {
        let (key, target) = (slots[KEY].get(), slots[TARGET].get());
        if !key.is_unbound() && (target.is_unbound() || !cx.same(target, key)?) {
            break;
        }
        if !advance(cx, this)? {
            return Ok(None);
        }
        cx.poll()?;
    }
    let key = slots[KEY].get();
    slots[TARGET].set(key);
    let Some(class) = slots[6].get().cast() else { return Ok(None) };
    let group = make(cx, class, &GROUPER, &[this.value(), key]).value();
    slots[ACTIVE].set(group);
    cx.tuple(&[key, group]).map(Some)
}

fn grouper_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let Some(group) = this.slots()[0].get().cast::<Boxed>() else { return Ok(None) };
    let slots = group.slots();
    if slots[ACTIVE].get() != this.value() {
        return Ok(None);
    }
    if slots[VALUE].get().is_unbound() && !advance(cx, group)? {
        return Ok(None);
    }
    if !cx.same(this.slots()[1].get(), slots[KEY].get())? {
        return Ok(None);
    }
    let value = slots[VALUE].get();
    slots[VALUE].set(Value::UNBOUND);
    Ok(Some(value))
}

fn new_node(cx: &mut Ctx) -> Value {
    let class = cx.class(conc_interpreter::object::kind::ClassId::Object);
    let node = cx.new_native_object(class, &NODE, 2);
    node.slots()[0].set(Value::UNBOUND);
    node.value()
}

fn tee_step(cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Value>> {
    let Some(node) = this.slots()[0].get().cast::<Boxed>() else { return Ok(None) };
    let slots = node.slots();
    let source = this.slots()[1].get();
    let _held = cx.begin_step_over(node.header(), &[source]);
    if slots[0].get().is_unbound() {
        let Some(item) = cx.next(source)? else { return Ok(None) };
        let next = new_node(cx);
        slots[1].set(next);
        slots[0].set(item);
    }
    this.slots()[0].set(slots[1].get());
    Ok(Some(slots[0].get()))
}

pub fn tee(cx: &mut Ctx, iterable: Value, n: i64) -> R {
    if n < 0 {
        return Err(cx.value_error("n must be >= 0"));
    }
    if n == 0 {
        return cx.tuple(&[]);
    }
    cx.ensure_memory(n as usize, 64)?;
    let module = crate::core::shared::import(cx, "itertools")?;
    let class = cx.get_attr_text(module, "_tee")?;
    let first = cx.call(class, &[iterable])?;
    let all = cx.list(&[first])?;
    let Some(first) = first.cast::<Boxed>() else { return cx.tuple(&[]) };
    for _ in 1..n {
        let class = cx.class_of(first.value());
        let (node, source) = (first.slots()[0].get(), first.slots()[1].get());
        let copy = make(cx, class, &TEE, &[node, source]).value();
        cx.list_push(all, copy)?;
        cx.poll()?;
    }
    cx.list_to_tuple(all)
}

#[methods]
pub mod groupby {
    use super::GROUPBY;
    use crate::data::boxes::make;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator over (key, group) pairs, one for each run of items with the same key.
    #[static_method]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        #[kw] iterable: Value,
        #[kw]
        #[default(Value::NONE)]
        key: Value,
    ) -> R {
        let source = cx.iter(iterable)?;
        let module = crate::core::shared::import(cx, "itertools")?;
        let grouper = cx.get_attr_text(module, "_grouper")?;
        let none = Value::UNBOUND;
        Ok(make(cx, class, &GROUPBY, &[source, key, none, none, none, Value::NONE, grouper]).value())
    }
}

#[methods]
pub mod grouper {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Gc<Class>, _args: &[Value]) -> R {
        Err(cx.type_error("cannot create 'itertools._grouper' instances"))
    }
}

#[methods]
pub mod tee_object {
    use super::{TEE, new_node};
    use crate::data::boxes::{make, receiver};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Make an iterator of which copies can be taken.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, iterable: Value) -> R {
        let source = cx.iter(iterable)?;
        if let Some(other) = source.cast::<Boxed>().filter(|b| b.is(&TEE)) {
            let (node, source) = (other.slots()[0].get(), other.slots()[1].get());
            return Ok(make(cx, class, &TEE, &[node, source]).value());
        }
        let node = new_node(cx);
        Ok(make(cx, class, &TEE, &[node, source]).value())
    }

    /// Give an iterator at the same place that moves on its own.
    pub fn __copy__(cx: &mut Ctx, this: Value) -> R {
        let from = receiver(cx, this, &TEE)?;
        let class = cx.class_of(this);
        let (node, source) = (from.slots()[0].get(), from.slots()[1].get());
        Ok(make(cx, class, &TEE, &[node, source]).value())
    }
}
