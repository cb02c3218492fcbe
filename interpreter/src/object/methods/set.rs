//! set and frozenset.

use conc_macros::methods;

/// What both kinds of sets have.
#[methods]
pub mod common {
    use super::{Op, binary, combined, difference, fits, intersection, plain_copy, reduce_set};
    use crate::native::{Ctx, R};
    use crate::object::set::Set;
    use crate::value::{Gc, Value};

    /// Give self & value.
    pub fn __and__(cx: &mut Ctx, this: Value, value: Value) -> R {
        binary(cx, Op::And, this, value)
    }
    /// Give value & self, when value itself has no answer.
    pub fn __rand__(cx: &mut Ctx, this: Value, value: Value) -> R {
        binary(cx, Op::And, value, this)
    }
    /// Give self | value.
    pub fn __or__(cx: &mut Ctx, this: Value, value: Value) -> R {
        binary(cx, Op::Or, this, value)
    }
    /// Give value | self, when value itself has no answer.
    pub fn __ror__(cx: &mut Ctx, this: Value, value: Value) -> R {
        binary(cx, Op::Or, value, this)
    }
    /// Give self - value.
    pub fn __sub__(cx: &mut Ctx, this: Value, value: Value) -> R {
        binary(cx, Op::Sub, this, value)
    }
    /// Give value - self, when value itself has no answer.
    pub fn __rsub__(cx: &mut Ctx, this: Value, value: Value) -> R {
        binary(cx, Op::Sub, value, this)
    }
    /// Give self ^ value.
    pub fn __xor__(cx: &mut Ctx, this: Value, value: Value) -> R {
        binary(cx, Op::Xor, this, value)
    }
    /// Give value ^ self, when value itself has no answer.
    pub fn __rxor__(cx: &mut Ctx, this: Value, value: Value) -> R {
        binary(cx, Op::Xor, value, this)
    }

    /// Give a second set of the same items.
    pub fn copy(cx: &mut Ctx, this: Gc<Set>) -> R<Gc<Set>> {
        let class = cx.class(crate::object::kind::ClassId::FrozenSet);
        if cx.class_of(this.value()) == class {
            return Ok(this);
        }
        plain_copy(cx, this)
    }

    /// Give a set of all items that are in this set or in any of the others.
    pub fn union(cx: &mut Ctx, this: Gc<Set>, others: &[Value]) -> R<Gc<Set>> {
        combined(cx, Op::Or, this, others)
    }

    /// Give a set of the items that are in this set and in every other.
    #[name = "intersection"]
    pub fn intersection_method(cx: &mut Ctx, this: Gc<Set>, others: &[Value]) -> R<Gc<Set>> {
        if others.is_empty() {
            return copy(cx, this);
        }
        let mut result = this;
        for &other in others {
            result = intersection(cx, result, other)?;
        }
        Ok(result)
    }

    /// Give a set of the items that are in this set and in no other.
    #[name = "difference"]
    pub fn difference_method(cx: &mut Ctx, this: Gc<Set>, others: &[Value]) -> R<Gc<Set>> {
        let Some((&first, rest)) = others.split_first() else { return copy(cx, this) };
        let result = difference(cx, this, first)?;
        for &other in rest {
            super::in_place(cx, Op::Sub, result, other)?;
        }
        Ok(result)
    }

    /// Give a set of the items that are in exactly one of the two.
    pub fn symmetric_difference(cx: &mut Ctx, this: Gc<Set>, other: Value) -> R<Gc<Set>> {
        super::symmetric(cx, this, other)
    }

    /// Tell whether no item is in both sets.
    pub fn isdisjoint(cx: &mut Ctx, this: Gc<Set>, other: Value) -> R<bool> {
        if let Some(other) = fits(cx, other) {
            let (small, large) = if other.len() > this.len() { (this, other) } else { (other, this) };
            for (key, _) in small.keys() {
                if large.contains(cx, key)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        let it = cx.iter(other)?;
        while let Some(item) = cx.next(it)? {
            if this.contains(cx, item)? {
                return Ok(false);
            }
            cx.poll()?;
        }
        Ok(true)
    }

    /// Tell whether every item here is also in other.
    pub fn issubset(cx: &mut Ctx, this: Gc<Set>, other: Value) -> R<bool> {
        let other = match other.cast::<Set>() {
            Some(other) => other,
            None => {
                let shared = intersection(cx, this, other)?;
                return Ok(shared.len() == this.len());
            }
        };
        Ok(this.len() <= other.len() && cx.subset(this, other)?)
    }

    /// Tell whether every item of other is also here.
    pub fn issuperset(cx: &mut Ctx, this: Gc<Set>, other: Value) -> R<bool> {
        if let Some(other) = other.cast::<Set>() {
            return Ok(other.len() <= this.len() && cx.subset(other, this)?);
        }
        let it = cx.iter(other)?;
        while let Some(item) = cx.next(it)? {
            if !this.contains(cx, item)? {
                return Ok(false);
            }
            cx.poll()?;
        }
        Ok(true)
    }

    /// Give what pickle needs to make the object again.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Set>) -> R {
        reduce_set(cx, this)
    }

    /// Tell how much memory the set takes, in bytes.
    pub fn __sizeof__(this: Gc<Set>) -> i64 {
        200 + if this.table().mask > 7 { 16 * (this.table().mask as i64 + 1) } else { 0 }
    }
}

/// The methods of set alone.
#[methods]
pub mod methods {
    use super::{Op, in_place, intersection, with_frozen};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::construct::class_for_new;
    use crate::object::kind::ClassId;
    use crate::object::set::Set;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, _args: &[Value], _kwargs: Kwargs) -> R<Gc<Set>> {
        let class = class_for_new(cx, class, ClassId::Set)?;
        cx.new_set_of(class)
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Set>, args: &[Value], kwargs: Kwargs) -> R<()> {
        cx.no_kwargs("set", kwargs.0)?;
        cx.at_most("set", args, 1)?;
        if !this.is_empty() {
            this.clear(cx)?;
        }
        match args.first() {
            Some(&iterable) => in_place(cx, Op::Or, this, iterable),
            None => Ok(()),
        }
    }

    /// Put an item in, if it is not there yet.
    pub fn add(cx: &mut Ctx, this: Gc<Set>, object: Value) -> R<()> {
        this.add(cx, object).map(drop)
    }

    /// Take an item out; KeyError if it is not there.
    pub fn remove(cx: &mut Ctx, this: Gc<Set>, object: Value) -> R<()> {
        if with_frozen(cx, object, |cx, key| this.remove(cx, key))? {
            return Ok(());
        }
        Err(cx.key_error(object))
    }

    /// Take an item out, if it is there.
    pub fn discard(cx: &mut Ctx, this: Gc<Set>, object: Value) -> R<()> {
        with_frozen(cx, object, |cx, key| this.remove(cx, key)).map(drop)
    }

    /// Take out some item and give it; KeyError if there is none.
    pub fn pop(cx: &mut Ctx, this: Gc<Set>) -> R {
        match this.pop(cx) {
            Some(key) => Ok(key),
            None => {
                let message = cx.str("pop from an empty set");
                Err(cx.key_error(message))
            }
        }
    }

    /// Take out every item.
    pub fn clear(cx: &mut Ctx, this: Gc<Set>) -> R<()> {
        this.clear(cx)
    }

    /// Put in all items of the others.
    pub fn update(cx: &mut Ctx, this: Gc<Set>, others: &[Value]) -> R<()> {
        for &other in others {
            in_place(cx, Op::Or, this, other)?;
        }
        Ok(())
    }

    /// Take out every item that one of the others lacks.
    pub fn intersection_update(cx: &mut Ctx, this: Gc<Set>, others: &[Value]) -> R<()> {
        let mut result = this;
        for &other in others {
            result = intersection(cx, result, other)?;
        }
        if result != this {
            this.replace(cx, result);
        }
        Ok(())
    }

    /// Take out every item that one of the others has.
    pub fn difference_update(cx: &mut Ctx, this: Gc<Set>, others: &[Value]) -> R<()> {
        for &other in others {
            in_place(cx, Op::Sub, this, other)?;
        }
        Ok(())
    }

    /// Take out the items that other has too, and put in its rest.
    pub fn symmetric_difference_update(cx: &mut Ctx, this: Gc<Set>, other: Value) -> R<()> {
        in_place(cx, Op::Xor, this, other)
    }

    /// Take out of self what value lacks.
    pub fn __iand__(cx: &mut Ctx, this: Gc<Set>, value: Value) -> R {
        if !value.is_a::<Set>() {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        intersection_update(cx, this, &[value])?;
        Ok(this.value())
    }
    /// Put the items of value into self.
    pub fn __ior__(cx: &mut Ctx, this: Gc<Set>, value: Value) -> R {
        assign(cx, Op::Or, this, value)
    }
    /// Take out of self what value has.
    pub fn __isub__(cx: &mut Ctx, this: Gc<Set>, value: Value) -> R {
        assign(cx, Op::Sub, this, value)
    }
    /// Take out of self what value has too, and put in its rest.
    pub fn __ixor__(cx: &mut Ctx, this: Gc<Set>, value: Value) -> R {
        assign(cx, Op::Xor, this, value)
    }

    fn assign(cx: &mut Ctx, op: Op, this: Gc<Set>, value: Value) -> R {
        if !value.is_a::<Set>() {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        in_place(cx, op, this, value)?;
        Ok(this.value())
    }
}

/// The methods of frozenset alone.
#[methods]
pub mod frozen {
    use super::{Op, in_place};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::construct::class_for_new;
    use crate::object::kind::ClassId;
    use crate::value::Value;

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, args: &[Value], kwargs: Kwargs) -> R {
        let class = class_for_new(cx, class, ClassId::FrozenSet)?;
        if class.id != 0 {
            cx.no_kwargs("frozenset", kwargs.0)?;
        }
        cx.at_most("frozenset", args, 1)?;
        if let Some(&arg) = args.first()
            && class.id != 0
            && cx.class_of(arg) == class
        {
            return Ok(arg);
        }
        let set = cx.new_set_of(class)?;
        if let Some(&iterable) = args.first() {
            in_place(cx, Op::Or, set, iterable)?;
        }
        Ok(set.value())
    }
}

use crate::native::{Ctx, R};
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::object::set::Set;
use crate::value::{Gc, Value};

/// A set operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Op {
    And,
    Or,
    Sub,
    Xor,
}

/// The value as a set whose struct may be read directly.
fn fits(_cx: &Ctx, v: Value) -> Option<Gc<Set>> {
    v.cast()
}

/// A fresh set of an iterable's items.
pub fn set_of(cx: &mut Ctx, iterable: Value) -> R<Gc<Set>> {
    let set = cx.new_set(false)?;
    in_place(cx, Op::Or, set, iterable)?;
    Ok(set)
}

/// An empty set of the builtin class that `like` derives from.
fn empty_like(cx: &mut Ctx, like: Gc<Set>) -> R<Gc<Set>> {
    let frozen = cx.is_instance(like.value(), ClassId::FrozenSet);
    cx.new_set(frozen)
}

fn plain_copy(cx: &mut Ctx, set: Gc<Set>) -> R<Gc<Set>> {
    let new = empty_like(cx, set)?;
    new.merge(cx, set)?;
    Ok(new)
}

/// Runs `f` with a key; an unhashable set stands for the equal frozenset.
fn with_frozen<T>(cx: &mut Ctx, key: Value, mut f: impl FnMut(&mut Ctx, Value) -> R<T>) -> R<T> {
    match f(cx, key) {
        Err(e) if key.is_a::<Set>() && cx.is_error(e, ClassId::TypeError) => {
            let frozen = cx.frozen_copy(key)?;
            f(cx, frozen)
        }
        other => other,
    }
}

/// `a op b` of two sets.
fn binary(cx: &mut Ctx, op: Op, a: Value, b: Value) -> R {
    let (Some(x), Some(_)) = (a.cast::<Set>(), b.cast::<Set>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    Ok(match op {
        Op::And => intersection(cx, x, b)?,
        Op::Or => combined(cx, op, x, &[b])?,
        Op::Sub => difference(cx, x, b)?,
        Op::Xor => symmetric(cx, x, b)?,
    }
    .value())
}

/// A copy of `this` changed by all others in turn.
fn combined(cx: &mut Ctx, op: Op, this: Gc<Set>, others: &[Value]) -> R<Gc<Set>> {
    let result = plain_copy(cx, this)?;
    for &other in others {
        in_place(cx, op, result, other)?;
    }
    Ok(result)
}

/// `this op= other`, where `other` is any iterable.
pub fn in_place(cx: &mut Ctx, op: Op, this: Gc<Set>, other: Value) -> R<()> {
    match op {
        Op::Or => add_all(cx, this, other),
        Op::Sub => remove_all(cx, this, other),
        Op::Xor => {
            if other == this.value() {
                return this.clear(cx);
            }
            if let Some(dict) = plain_dict(other) {
                for (key, _) in dict.pairs() {
                    if !this.remove(cx, key)? {
                        this.add(cx, key)?;
                    }
                }
                return Ok(());
            }
            let other = match other.cast::<Set>() {
                Some(set) => set,
                None => set_of(cx, other)?,
            };
            toggle_all(cx, this, other)
        }
        Op::And => {
            let result = intersection(cx, this, other)?;
            this.replace(cx, result);
            Ok(())
        }
    }
}

/// The value as a dict whose keys may be read directly.
fn plain_dict(v: Value) -> Option<Gc<Dict>> {
    v.cast::<Dict>().filter(|d| d.header().shape() == ClassId::Dict.shape())
}

fn add_all(cx: &mut Ctx, this: Gc<Set>, other: Value) -> R<()> {
    if let Some(set) = other.cast::<Set>() {
        if set == this || set.is_empty() {
            return Ok(());
        }
        return this.merge(cx, set);
    }
    if let Some(dict) = plain_dict(other) {
        this.make_room(cx, dict.len())?;
        for (key, _) in dict.pairs() {
            this.add(cx, key)?;
        }
        return Ok(());
    }
    cx.for_each(other, |cx, item| this.add(cx, item).map(drop))
}

fn remove_all(cx: &mut Ctx, this: Gc<Set>, other: Value) -> R<()> {
    if other == this.value() {
        return this.clear(cx);
    }
    if let Some(set) = other.cast::<Set>() {
        for (key, _) in set.keys() {
            this.remove(cx, key)?;
        }
    } else {
        let it = cx.iter(other)?;
        while let Some(item) = cx.next(it)? {
            this.remove(cx, item)?;
            cx.poll()?;
        }
    }
    this.shed(cx)
}

/// Removes the keys that are there, adds the others.
fn toggle_all(cx: &mut Ctx, this: Gc<Set>, other: Gc<Set>) -> R<()> {
    for (key, hash) in other.keys() {
        if !this.remove(cx, key)? {
            this.add_hashed(cx, key, hash)?;
        }
    }
    Ok(())
}

/// The keys of `this` that are in `other`, in CPython's order of insertion.
fn intersection(cx: &mut Ctx, this: Gc<Set>, other: Value) -> R<Gc<Set>> {
    if other == this.value() {
        return plain_copy(cx, this);
    }
    let result = empty_like(cx, this)?;
    if let Some(other) = other.cast::<Set>() {
        let (small, large) = if other.len() > this.len() { (this, other) } else { (other, this) };
        for (key, hash) in small.keys() {
            if large.contains(cx, key)? {
                result.add_hashed(cx, key, hash)?;
            }
        }
        return Ok(result);
    }
    let it = cx.iter(other)?;
    while let Some(item) = cx.next(it)? {
        if this.contains(cx, item)? {
            result.add(cx, item)?;
        }
        cx.poll()?;
    }
    Ok(result)
}

fn difference(cx: &mut Ctx, this: Gc<Set>, other: Value) -> R<Gc<Set>> {
    let size = match other.cast::<Set>() {
        Some(set) => Some(set.len()),
        None => plain_dict(other).map(|d| d.len()),
    };
    // A small or foreign subtrahend: copy and remove.
    if size.is_none_or(|n| this.len() >> 2 > n) {
        let result = plain_copy(cx, this)?;
        remove_all(cx, result, other)?;
        return Ok(result);
    }
    let result = empty_like(cx, this)?;
    for (key, hash) in this.keys() {
        let there = match other.cast::<Set>() {
            Some(set) => set.contains(cx, key)?,
            None => cx.contains(other, key)?,
        };
        if !there {
            result.add_hashed(cx, key, hash)?;
        }
    }
    Ok(result)
}

fn symmetric(cx: &mut Ctx, this: Gc<Set>, other: Value) -> R<Gc<Set>> {
    let result = empty_like(cx, this)?;
    in_place(cx, Op::Or, result, other)?;
    toggle_all(cx, result, this)?;
    Ok(result)
}

fn reduce_set(cx: &mut Ctx, this: Gc<Set>) -> R {
    let list = cx.new_list();
    for (key, _) in this.keys() {
        cx.list_push(list, key)?;
    }
    let args = cx.tuple(&[list.value()])?;
    let state = super::reduce::state(cx, this.value())?;
    let class = cx.class_of(this.value()).value();
    cx.tuple(&[class, args, state])
}
