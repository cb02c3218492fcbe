//! `__build_class__`: what a class statement does once its body is a function.

use conc_interpreter::native::{Ctx, Kwargs, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::function::{Cell, Function};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};

use super::shared::call_with_dict;

pub fn build_class(cx: &mut Ctx, body: Value, name: Value, bases: &[Value], kwds: Kwargs) -> R {
    if !body.is_a::<Function>() {
        return Err(cx.type_error("__build_class__: func must be a function"));
    }
    if !name.is_a::<Str>() {
        return Err(cx.type_error("__build_class__: name is not a string"));
    }
    let given = tuple(cx, bases)?;
    let resolved = resolve_bases(cx, given)?;
    let kwargs = copied(cx, kwds)?;
    let metaclass = choose_metaclass(cx, kwargs, resolved)?;
    let namespace = prepare(cx, metaclass, name, resolved, kwargs)?;
    let cell = cx.call(body, &[namespace])?;
    if resolved != given {
        let key = cx.names().__orig_bases__.value();
        cx.set_item(namespace, key, given.value())?;
    }
    let class = call_with_dict(cx, metaclass, &[name, resolved.value(), namespace], kwargs)?;
    check_cell(cx, cell, name, class)?;
    Ok(class)
}

fn tuple(cx: &mut Ctx, items: &[Value]) -> R<Gc<Tuple>> {
    let t = cx.tuple(items)?;
    cx.collect_tuple(t)
}

/// The keywords, in a dict of their own.
fn copied(cx: &mut Ctx, kwds: Kwargs) -> R<Option<Gc<Dict>>> {
    let Some(given) = kwds.0 else { return Ok(None) };
    let copy = cx.new_dict();
    for (key, value) in given.pairs() {
        copy.set(cx, key, value)?;
    }
    Ok(Some(copy))
}

/// Replaces bases that are no classes by what their `__mro_entries__` say.
fn resolve_bases(cx: &mut Ctx, given: Gc<Tuple>) -> R<Gc<Tuple>> {
    if given.items().iter().all(|b| b.is_a::<Class>()) {
        return Ok(given);
    }
    let hook = cx.names().__mro_entries__;
    let list = cx.new_list();
    let mut changed = false;
    for &base in given.items() {
        let found = if base.is_a::<Class>() { None } else { cx.get_attr_opt(base, hook)? };
        let Some(f) = found else {
            cx.list_push(list, base)?;
            continue;
        };
        changed = true;
        let entries = cx.call(f, &[given.value()])?;
        let Some(entries) = entries.cast::<Tuple>() else {
            return Err(cx.type_error("__mro_entries__ must return a tuple"));
        };
        for &entry in entries.items() {
            cx.list_push(list, entry)?;
        }
    }
    if changed { cx.list_snapshot(list) } else { Ok(given) }
}

/// The most derived of the metaclass asked for and those of the bases.
fn choose_metaclass(cx: &mut Ctx, kwargs: Option<Gc<Dict>>, bases: Gc<Tuple>) -> R {
    let key = cx.names().metaclass.value();
    let asked = match kwargs {
        Some(kwargs) => kwargs.remove(cx, key)?,
        None => None,
    };
    let start = match (asked, bases.items().first()) {
        (Some(meta), _) => meta,
        (None, Some(&base)) => cx.class_of(base).value(),
        (None, None) => cx.class(ClassId::Type).value(),
    };
    let Some(mut winner) = start.cast::<Class>() else { return Ok(start) };
    for &base in bases.items() {
        let meta = cx.class_of(base);
        if winner.is_subclass_of(meta) {
            continue;
        }
        if meta.is_subclass_of(winner) {
            winner = meta;
            continue;
        }
        let message = "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the \
                       metaclasses of all its bases";
        return Err(cx.type_error(message));
    }
    Ok(winner.value())
}

fn prepare(cx: &mut Ctx, metaclass: Value, name: Value, bases: Gc<Tuple>, kwargs: Option<Gc<Dict>>) -> R {
    if metaclass == cx.class(ClassId::Type).value() {
        return Ok(cx.new_dict().value());
    }
    let hook = cx.names().__prepare__;
    let Some(f) = cx.get_attr_opt(metaclass, hook)? else { return Ok(cx.new_dict().value()) };
    let namespace = call_with_dict(cx, f, &[name, bases.value()], kwargs)?;
    let getitem = cx.names().__getitem__;
    if !namespace.is_a::<Dict>() && cx.lookup_special(namespace, getitem).is_none() {
        let meta = match metaclass.cast::<Class>() {
            Some(c) => c.name_text(),
            None => "<metaclass>".to_string(),
        };
        let got = cx.type_name(namespace);
        return Err(cx.type_error(format!("{meta}.__prepare__() must return a mapping, not {got}")));
    }
    Ok(namespace)
}

/// The body's `__class__` cell must have come to hold the class.
fn check_cell(cx: &mut Ctx, cell: Value, name: Value, class: Value) -> R<()> {
    let Some(cell) = cell.cast::<Cell>() else { return Ok(()) };
    if !class.is_a::<Class>() {
        return Ok(());
    }
    let held = cell.value.get();
    if held == class {
        return Ok(());
    }
    let (name, shown) = (cx.repr_text(name), cx.repr_text(class));
    if held.is_unbound() {
        let message =
            format!("__class__ not set defining {name} as {shown}. Was __classcell__ propagated to type.__new__?");
        return Err(cx.runtime_error(message));
    }
    let held = cx.repr_text(held);
    Err(cx.type_error(format!("__class__ set to {held} defining {name} as {shown}")))
}
