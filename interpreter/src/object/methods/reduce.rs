//! Taking objects apart for `copy` and `pickle`.

use crate::native::{Ctx, R, Raised};
use crate::object::class::{Class, class_flag};
use crate::object::construct::is_method_of;
use crate::object::dict::Dict;
use crate::object::kind::{ClassId, Kind};
use crate::object::sequence::Tuple;
use crate::object::string::Str;
use crate::value::{Gc, Value};

/// A function of `copyreg`, which puts objects together again.
fn rebuilder(cx: &mut Ctx, name: &str) -> R {
    let key = cx.intern("copyreg");
    let loaded = cx.iso().roots.modules.get().cast::<Dict>().and_then(|modules| modules.get_str(cx, key));
    let copyreg = match loaded {
        Some(module) => module,
        None => cx.import("copyreg")?,
    };
    cx.get_attr_text(copyreg, name)
}

#[cold]
fn refused(cx: &mut Ctx, class: Gc<Class>) -> Raised {
    let name = if class.is_static() { cx.qualified_name(class) } else { class.name_text() };
    cx.type_error(format!("cannot pickle '{name}' object"))
}

/// `object.__reduce_ex__(protocol)`
pub fn reduce(cx: &mut Ctx, v: Value, protocol: i64) -> R {
    if protocol >= 2 { reduce_new(cx, v) } else { reduce_old(cx, v) }
}

fn reduce_old(cx: &mut Ctx, v: Value) -> R {
    let class = cx.class_of(v);
    let base = class.mro_classes().find(|c| c.id != 0).unwrap_or(class);
    if base.id == class.id && base.id != ClassId::Object as u32 {
        return Err(refused(cx, class));
    }
    let names = cx.names();
    let found = cx.lookup(class, names.__getstate__);
    let slots = cx.intern("__slots__");
    let slots = cx.get_attr_opt(v, slots)?.unwrap_or(Value::NONE);
    if is_method_of(cx, found, ClassId::Object) && cx.truth(slots)? {
        let message = "a class that defines __slots__ without defining __getstate__ cannot be pickled";
        return Err(cx.type_error(message));
    }
    let inner = if base.id == ClassId::Object as u32 { Value::NONE } else { cx.call(base.value(), &[v])? };
    let args = cx.tuple(&[class.value(), base.value(), inner])?;
    let f = rebuilder(cx, "_reconstructor")?;
    let state = get_state(cx, v)?;
    if state.is_none() { cx.tuple(&[f, args]) } else { cx.tuple(&[f, args, state]) }
}

fn reduce_new(cx: &mut Ctx, v: Value) -> R {
    let class = cx.class_of(v);
    let names = cx.names();
    if !matches!(class.instance_kind(), Kind::Instance | Kind::List | Kind::Dict | Kind::Set | Kind::Exception)
        && cx.lookup(class, names.__getnewargs__).is_none()
        && cx.lookup(class, names.__getnewargs_ex__).is_none()
    {
        return Err(refused(cx, class));
    }
    let (f, args) = new_call(cx, v, class)?;
    let state = get_state(cx, v)?;
    let items = if v.is_a::<crate::object::sequence::List>() { cx.iter(v)? } else { Value::NONE };
    let pairs = if v.is_a::<Dict>() {
        let items = cx.get_attr_interned(v, names.items)?;
        let items = cx.call(items, &[])?;
        cx.iter(items)?
    } else {
        Value::NONE
    };
    cx.tuple(&[f, args, state, items, pairs])
}

/// The function and arguments that make an object without its state.
fn new_call(cx: &mut Ctx, v: Value, class: Gc<Class>) -> R<(Value, Value)> {
    let names = cx.names();
    if let Some(result) = cx.call_special(v, names.__getnewargs_ex__, &[])? {
        let Some(pair) = result.cast::<Tuple>().filter(|t| t.len == 2) else {
            let got = cx.type_name(result);
            return Err(cx.type_error(format!("__getnewargs_ex__ should return a tuple, not '{got}'")));
        };
        let args = cx.tuple(&[class.value(), pair.items()[0], pair.items()[1]])?;
        return Ok((rebuilder(cx, "__newobj_ex__")?, args));
    }
    let list = cx.list(&[class.value()])?;
    if let Some(result) = cx.call_special(v, names.__getnewargs__, &[])? {
        let Some(args) = result.cast::<Tuple>() else {
            let got = cx.type_name(result);
            return Err(cx.type_error(format!("__getnewargs__ should return a tuple, not '{got}'")));
        };
        cx.list_extend(list, args.value())?;
    }
    let args = cx.list_to_tuple(list)?;
    Ok((rebuilder(cx, "__newobj__")?, args))
}

fn get_state(cx: &mut Ctx, v: Value) -> R {
    let (class, names) = (cx.class_of(v), cx.names());
    let found = cx.lookup(class, names.__getstate__);
    if is_method_of(cx, found, ClassId::Object) {
        return state(cx, v);
    }
    match cx.call_special(v, names.__getstate__, &[])? {
        Some(state) => Ok(state),
        None => state(cx, v),
    }
}

/// `object.__getstate__()`: a copy of the attributes, with those in slots apart.
pub fn state(cx: &mut Ctx, v: Value) -> R {
    let class = cx.class_of(v);
    let names = cx.names();
    let slots = slot_values(cx, v, class)?;
    let mut attrs = Value::NONE;
    if !class.has(class_flag::NO_DICT)
        && let Some(dict) = cx.get_attr_opt(v, names.__dict__)?.and_then(|d| d.cast::<Dict>())
        && !dict.is_empty()
    {
        let copy = cx.new_dict();
        for (key, value) in dict.pairs() {
            copy.set(cx, key, value)?;
        }
        attrs = copy.value();
    }
    match slots {
        Some(slots) => cx.tuple(&[attrs, slots.value()]),
        None => Ok(attrs),
    }
}

/// The values of `__slots__` members, if any are set.
fn slot_values(cx: &mut Ctx, v: Value, class: Gc<Class>) -> R<Option<Gc<Dict>>> {
    let all = cx.new_dict();
    for base in class.mro_classes().filter(|c| c.has(class_flag::HAS_SLOTS)) {
        for (key, found) in base.dict().pairs() {
            let is_member = found.header().is_some_and(|h| h.shape() == ClassId::MemberDescriptor.shape());
            if is_member
                && let Some(name) = key.cast::<Str>()
                && let Some(value) = cx.get_attr_opt(v, name)?
            {
                all.set(cx, key, value)?;
            }
        }
    }
    Ok(if all.is_empty() { None } else { Some(all) })
}
