//! The builtin iterators, and the constructors of enumerate, zip, map, filter and reversed.

use conc_macros::methods;

/// What all builtin iterators have.
#[methods]
pub mod methods {
    use super::{length_hint, reduce};
    use crate::native::{Ctx, R};
    use crate::object::misc::Iter;
    use crate::value::{Gc, Value};
    use std::sync::atomic::Ordering;

    /// Give an iterator over the items.
    pub fn __iter__(this: Gc<Iter>) -> Gc<Iter> {
        this
    }

    /// Give the item that comes next.
    pub fn __next__(cx: &mut Ctx, this: Gc<Iter>) -> R {
        match cx.iter_step(this)? {
            Some(item) => Ok(item),
            None => Err(cx.stop_iteration(Value::NONE)),
        }
    }

    /// Guess how many items are still to come.
    pub fn __length_hint__(cx: &mut Ctx, this: Gc<Iter>) -> R {
        length_hint(cx, this)
    }

    /// Give what pickle needs to make the object again.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Iter>) -> R {
        reduce(cx, this)
    }

    /// Take back the position that pickle saved.
    pub fn __setstate__(this: Gc<Iter>, state: i64) {
        this.index.store(state.max(0), Ordering::Relaxed);
    }
}

/// Iterators without a length.
#[methods]
pub mod stepping {
    use crate::native::{Ctx, R};
    use crate::object::misc::Iter;
    use crate::value::{Gc, Value};

    /// Give an iterator over the items.
    pub fn __iter__(this: Gc<Iter>) -> Gc<Iter> {
        this
    }

    /// Give the item that comes next.
    pub fn __next__(cx: &mut Ctx, this: Gc<Iter>) -> R {
        match cx.iter_step(this)? {
            Some(item) => Ok(item),
            None => Err(cx.stop_iteration(Value::NONE)),
        }
    }
}

/// enumerate.
#[methods]
pub mod enumerate {
    use super::class_of_new;
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::kind::ClassId;
    use crate::object::misc::{GenericAlias, Iter};
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, args: &[Value], kwargs: Kwargs) -> R<Gc<Iter>> {
        let class = class_of_new(cx, class, ClassId::Enumerate)?;
        let (iterable, start) = super::enumerate_arguments(cx, args, kwargs)?;
        let start = cx.index(start)?;
        let it = cx.iter(iterable)?;
        Ok(cx.new_iter_of(class, it, start, 0, 0))
    }

    /// Give what pickle needs to make the object again.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Iter>) -> R {
        let class = cx.class_of(this.value()).value();
        let args = cx.tuple(&[this.source.get(), this.extra.get()])?;
        cx.tuple(&[class, args])
    }

    /// Give the class with type arguments, as in `list[int]`.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Value, key: Value) -> R<Gc<GenericAlias>> {
        cx.generic_alias(class, key)
    }
}

/// zip.
#[methods]
pub mod zip {
    use super::{class_of_new, iterators_of};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::kind::ClassId;
    use crate::object::misc::Iter;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, iterables: &[Value], kwargs: Kwargs) -> R<Gc<Iter>> {
        let class = class_of_new(cx, class, ClassId::Zip)?;
        let mut strict = false;
        if let Some(kwargs) = kwargs.0 {
            for (key, value) in kwargs.pairs() {
                if cx.text_of(key) == "strict" {
                    strict = cx.truth(value)?;
                } else if class.id != 0 {
                    let name = cx.text_of(key);
                    return Err(cx.type_error(format!("zip() got an unexpected keyword argument '{name}'")));
                }
            }
        }
        let iterators = iterators_of(cx, iterables)?;
        Ok(cx.new_iter_of(class, iterators, Value::bool(strict), 0, 0))
    }

    /// Give what pickle needs to make the object again.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Iter>) -> R {
        let class = cx.class_of(this.value()).value();
        let source = this.source.get();
        let args = if source.is_none() { cx.tuple(&[])? } else { source };
        if this.extra.get() == Value::TRUE {
            return cx.tuple(&[class, args, Value::TRUE]);
        }
        cx.tuple(&[class, args])
    }

    /// Take back the position that pickle saved.
    pub fn __setstate__(cx: &mut Ctx, this: Gc<Iter>, state: Value) -> R<()> {
        let strict = cx.truth(state)?;
        this.extra.set(Value::bool(strict));
        Ok(())
    }
}

/// map.
#[methods]
pub mod map {
    use super::{class_of_new, iterators_of};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::kind::ClassId;
    use crate::object::misc::Iter;
    use crate::object::sequence::Tuple;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, args: &[Value], kwargs: Kwargs) -> R<Gc<Iter>> {
        let class = class_of_new(cx, class, ClassId::Map)?;
        if class.id != 0 {
            cx.no_kwargs("map", kwargs.0)?;
        }
        let &[f, ref iterables @ ..] = args else {
            return Err(cx.type_error("map() must have at least two arguments."));
        };
        if iterables.is_empty() {
            return Err(cx.type_error("map() must have at least two arguments."));
        }
        let iterators = iterators_of(cx, iterables)?;
        Ok(cx.new_iter_of(class, iterators, f, 0, 0))
    }

    /// Give what pickle needs to make the object again.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Iter>) -> R {
        let class = cx.class_of(this.value()).value();
        let list = cx.list(&[this.extra.get()])?;
        if let Some(iterators) = this.source.get().cast::<Tuple>() {
            cx.list_extend(list, iterators.value())?;
        }
        let args = cx.list_to_tuple(list)?;
        cx.tuple(&[class, args])
    }
}

/// filter.
#[methods]
pub mod filter {
    use super::class_of_new;
    use crate::native::{Ctx, R};
    use crate::object::kind::ClassId;
    use crate::object::misc::Iter;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, function: Value, iterable: Value) -> R<Gc<Iter>> {
        let class = class_of_new(cx, class, ClassId::Filter)?;
        let it = cx.iter(iterable)?;
        Ok(cx.new_iter_of(class, it, function, 0, 0))
    }

    /// Give what pickle needs to make the object again.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Iter>) -> R {
        let class = cx.class_of(this.value()).value();
        let args = cx.tuple(&[this.extra.get(), this.source.get()])?;
        cx.tuple(&[class, args])
    }
}

/// reversed.
#[methods]
pub mod reversed {
    use super::class_of_new;
    use crate::native::{Ctx, R};
    use crate::object::kind::ClassId;
    use crate::value::Value;

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, sequence: Value) -> R {
        let class = class_of_new(cx, class, ClassId::Reversed)?;
        let names = cx.names();
        let not_reversible = |cx: &mut Ctx| {
            let got = cx.type_name(sequence);
            cx.type_error(format!("'{got}' object is not reversible"))
        };
        match cx.lookup_special(sequence, names.__reversed__) {
            Some(f) if f.is_none() => return Err(not_reversible(cx)),
            Some(f) => return cx.call_unbound(f, sequence, &[]),
            None => {}
        }
        let sized = cx.lookup_special(sequence, names.__len__).is_some();
        let indexed = cx.lookup_special(sequence, names.__getitem__).is_some();
        if !sized || !indexed || sequence.is_a::<crate::object::dict::Dict>() {
            return Err(not_reversible(cx));
        }
        let len = cx.len(sequence)? as i64;
        Ok(cx.new_iter_of(class, sequence, Value::NONE, len - 1, 0).value())
    }
}

use crate::native::{Ctx, Kwargs, R};
use crate::object::class::Class;
use crate::object::construct::class_for_new;
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::object::misc::{Iter, Range};
use crate::object::set::Set;
use crate::value::{Gc, Value};
use std::sync::atomic::Ordering;

fn class_of_new(cx: &mut Ctx, class: Value, id: ClassId) -> R<Gc<Class>> {
    class_for_new(cx, class, id)
}

/// `enumerate(iterable, start=0)`, whose complaints are its own.
fn enumerate_arguments(cx: &mut Ctx, args: &[Value], kwargs: Kwargs) -> R<(Value, Value)> {
    let named = kwargs.0.map_or(0, |k| k.len());
    if args.len() + named > 2 {
        let message = format!("enumerate() takes at most 2 arguments ({} given)", args.len() + named);
        return Err(cx.type_error(message));
    }
    let (mut iterable, mut start) = (args.first().copied(), args.get(1).copied());
    for (key, value) in kwargs.0.iter().flat_map(|k| k.pairs()) {
        let name = cx.text_of(key);
        let place = match name.as_str() {
            "iterable" => &mut iterable,
            "start" => &mut start,
            _ => return Err(cx.type_error(format!("'{name}' is an invalid keyword argument for enumerate()"))),
        };
        if place.replace(value).is_some() {
            return Err(cx.type_error(format!("'{name}' is an invalid keyword argument for enumerate()")));
        }
    }
    match iterable {
        Some(iterable) => Ok((iterable, start.unwrap_or(Value::small_int(0)))),
        None => Err(cx.type_error("enumerate() missing required argument 'iterable'")),
    }
}

/// A tuple of iterators over the iterables.
fn iterators_of(cx: &mut Ctx, iterables: &[Value]) -> R {
    let list = cx.new_list();
    for &iterable in iterables {
        let it = cx.iter(iterable)?;
        cx.list_push(list, it)?;
    }
    cx.list_to_tuple(list)
}

fn length_hint(cx: &mut Ctx, it: Gc<Iter>) -> R {
    let source = it.source.get();
    let index = it.index.load(Ordering::Relaxed);
    let shape = it.header().shape();
    let is = |id: ClassId| shape == id.shape();
    if is(ClassId::RangeIterator) {
        return Ok(cx.int(it.limit.load(Ordering::Relaxed)));
    }
    if is(ClassId::LongRangeIterator) {
        let Some(r) = it.extra.get().cast::<Range>() else { return Ok(Value::small_int(0)) };
        let rest = cx.make_range(source, r.stop.get(), r.step.get());
        let len = rest.cast::<Range>().map(|r| cx.range_len(r)).unwrap_or_default();
        return Ok(cx.big(&len));
    }
    if is(ClassId::Reversed) || is(ClassId::ListReverseIterator) {
        return Ok(cx.int(if source.is_none() { 0 } else { index + 1 }));
    }
    if source.is_none() || source.is_unbound() {
        return Ok(Value::small_int(0));
    }
    if let Some(size) = source.cast::<Dict>().map(|d| d.len()).or_else(|| source.cast::<Set>().map(|s| s.len())) {
        let left = remaining(cx, it)?;
        return Ok(cx.int(left.min(size) as i64));
    }
    if is(ClassId::StrIterator) || is(ClassId::StrAsciiIterator) {
        let left = source.cast::<crate::object::string::Str>().map_or(0, |s| {
            crate::text::wtf8::code_points(&s.as_bytes()[(index as usize).min(s.bytes as usize)..]).count()
        });
        return Ok(cx.int(left as i64));
    }
    let len = if is(ClassId::SequenceIterator) {
        let names = cx.names();
        if cx.lookup_special(source, names.__len__).is_none() {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        cx.len(source)?
    } else {
        cx.native_len(source).unwrap_or(0)
    };
    Ok(cx.int((len as i64 - index).max(0)))
}

/// Steps a copy of the iterator has left.
fn remaining(cx: &mut Ctx, it: Gc<Iter>) -> R<usize> {
    let class = cx.class_of(it.value());
    let (index, limit) = (it.index.load(Ordering::Relaxed), it.limit.load(Ordering::Relaxed));
    let copy = cx.new_iter_of(class, it.source.get(), it.extra.get(), index, limit);
    let mut n = 0;
    while cx.iter_step(copy)?.is_some() {
        n += 1;
    }
    Ok(n)
}

fn builtin(cx: &mut Ctx, name: &str) -> R {
    let name = cx.intern(name);
    match cx.iso().roots.builtins.get().cast::<Dict>().and_then(|d| d.get_str(cx, name)) {
        Some(f) => Ok(f),
        None => Ok(Value::NONE),
    }
}

/// `(iter, (rest,))`, with the position where there is one.
fn reduce(cx: &mut Ctx, it: Gc<Iter>) -> R {
    let source = it.source.get();
    let f = builtin(cx, "iter")?;
    let index = it.index.load(Ordering::Relaxed);
    let shape = it.header().shape();
    let is = |id: ClassId| shape == id.shape();
    let indexed = is(ClassId::ListIterator)
        || is(ClassId::TupleIterator)
        || is(ClassId::SequenceIterator)
        || is(ClassId::BytesIterator)
        || is(ClassId::ByteArrayIterator);
    if indexed && source.is_object() {
        let args = cx.tuple(&[source])?;
        let index = cx.int(index);
        return cx.tuple(&[f, args, index]);
    }
    if (is(ClassId::ListReverseIterator) || is(ClassId::Reversed)) && source.is_object() {
        let (f, args, index) = (builtin(cx, "reversed")?, cx.tuple(&[source])?, cx.int(index));
        return cx.tuple(&[f, args, index]);
    }
    if is(ClassId::CallIterator) && !source.is_unbound() {
        let args = cx.tuple(&[source, it.extra.get()])?;
        return cx.tuple(&[f, args]);
    }
    let rest = cx.new_list();
    if source.is_object() || is(ClassId::RangeIterator) || is(ClassId::LongRangeIterator) {
        let class = cx.class_of(it.value());
        let limit = it.limit.load(Ordering::Relaxed);
        let copy = cx.new_iter_of(class, source, it.extra.get(), index, limit);
        while let Some(item) = cx.iter_step(copy)? {
            cx.list_push(rest, item)?;
        }
    }
    let args = cx.tuple(&[rest.value()])?;
    cx.tuple(&[f, args])
}
