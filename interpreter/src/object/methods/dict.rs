//! dict.

use conc_macros::methods;

/// The methods of dict.
#[methods]
pub mod methods {
    use super::{merged, update};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::construct::class_for_new;
    use crate::object::dict::Dict;
    use crate::object::kind::ClassId;
    use crate::object::misc::Iter;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, _args: &[Value], _kwargs: Kwargs) -> R<Gc<Dict>> {
        let class = class_for_new(cx, class, ClassId::Dict)?;
        Ok(cx.new_dict_of(class))
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Dict>, args: &[Value], kwargs: Kwargs) -> R<()> {
        cx.at_most("dict", args, 1)?;
        fill(cx, this, args, kwargs)
    }

    fn fill(cx: &mut Ctx, this: Gc<Dict>, args: &[Value], kwargs: Kwargs) -> R<()> {
        if let Some(&other) = args.first() {
            update(cx, this, other)?;
        }
        if let Some(named) = kwargs.0 {
            for (key, value) in named.pairs() {
                this.set(cx, key, value)?;
            }
        }
        Ok(())
    }

    /// Put in the items of a mapping, or of an iterable of pairs, and then the keyword arguments.
    ///
    /// Whatever has a keys() method counts as a mapping. A key already present gets the new value.
    #[name = "update"]
    pub fn update_method(cx: &mut Ctx, this: Gc<Dict>, args: &[Value], kwargs: Kwargs) -> R<()> {
        cx.at_most("update", args, 1)?;
        fill(cx, this, args, kwargs)
    }

    /// Make a dictionary in which each item of the iterable is a key, all with the same value.
    #[class_method]
    pub fn fromkeys(cx: &mut Ctx, class: Value, iterable: Value, #[default(Value::NONE)] value: Value) -> R {
        let new = cx.call(class, &[])?;
        let exact = new.cast::<Dict>().filter(|d| d.header().shape() == ClassId::Dict.shape());
        cx.for_each(iterable, |cx, key| match exact {
            Some(dict) => dict.set(cx, key, value),
            None => cx.set_item(new, key, value),
        })?;
        Ok(new)
    }

    /// Give the value at the key, or the default if the key is missing.
    pub fn get(cx: &mut Ctx, this: Gc<Dict>, key: Value, #[default(Value::NONE)] default: Value) -> R {
        Ok(this.get(cx, key)?.unwrap_or(default))
    }

    /// Give the value at the key; a missing key is first put in with the default.
    pub fn setdefault(cx: &mut Ctx, this: Gc<Dict>, key: Value, #[default(Value::NONE)] default: Value) -> R {
        let hash = cx.hash(key)?;
        this.get_or_set(cx, key, hash, default)
    }

    /// Take the key out and give its value.
    ///
    /// For a missing key give the default, or raise KeyError if there is none.
    pub fn pop(cx: &mut Ctx, this: Gc<Dict>, key: Value, default: Option<Value>) -> R {
        if let Some(value) = this.remove(cx, key)? {
            return Ok(value);
        }
        match default {
            Some(value) => Ok(value),
            None => Err(cx.key_error(key)),
        }
    }

    /// Take out the pair that came in last and give it; KeyError if there is none.
    pub fn popitem(cx: &mut Ctx, this: Gc<Dict>) -> R {
        match this.pop_end(cx, true) {
            Some((key, value)) => cx.tuple(&[key, value]),
            None => {
                let message = cx.str("popitem(): dictionary is empty");
                Err(cx.key_error(message))
            }
        }
    }

    /// Take out everything.
    pub fn clear(cx: &mut Ctx, this: Gc<Dict>) {
        this.clear(cx);
    }

    /// Give a second dictionary with the same keys and values.
    pub fn copy(cx: &mut Ctx, this: Gc<Dict>) -> R<Gc<Dict>> {
        let new = cx.new_dict();
        update(cx, new, this.value())?;
        Ok(new)
    }

    /// Give a live view of the keys.
    pub fn keys(cx: &mut Ctx, this: Gc<Dict>) -> Value {
        cx.new_dict_view(ClassId::DictKeys, this)
    }

    /// Give a live view of the values.
    pub fn values(cx: &mut Ctx, this: Gc<Dict>) -> Value {
        cx.new_dict_view(ClassId::DictValues, this)
    }

    /// Give a live view of the (key, value) pairs.
    pub fn items(cx: &mut Ctx, this: Gc<Dict>) -> Value {
        cx.new_dict_view(ClassId::DictItems, this)
    }

    /// Give an iterator over the keys, newest first.
    pub fn __reversed__(cx: &mut Ctx, this: Gc<Dict>) -> Gc<Iter> {
        cx.new_iter(ClassId::DictReverseKeyIterator, this.value(), Value::NONE, -1, this.len() as i64)
    }

    /// Give self | value.
    pub fn __or__(cx: &mut Ctx, this: Value, value: Value) -> R {
        merged(cx, this, value)
    }

    /// Give value | self, when value itself has no answer.
    pub fn __ror__(cx: &mut Ctx, this: Value, value: Value) -> R {
        merged(cx, value, this)
    }

    /// Put the items of value into self.
    pub fn __ior__(cx: &mut Ctx, this: Gc<Dict>, value: Value) -> R {
        update(cx, this, value)?;
        Ok(this.value())
    }

    /// Tell how much memory the dictionary takes, in bytes.
    pub fn __sizeof__(this: Gc<Dict>) -> i64 {
        48 + 24 * this.table().cap as i64
    }
}

use crate::native::{Ctx, R};
use crate::object::construct::is_method_of;
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::object::sequence::{List, Tuple};
use crate::value::{Gc, Value};

/// `a | b` of dicts: a plain dict.
fn merged(cx: &mut Ctx, a: Value, b: Value) -> R {
    if !a.is_a::<Dict>() || !b.is_a::<Dict>() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let new = cx.new_dict();
    update(cx, new, a)?;
    update(cx, new, b)?;
    Ok(new.value())
}

/// `dict.update(other)`: a mapping's items or pairs.
pub fn update(cx: &mut Ctx, dict: Gc<Dict>, other: Value) -> R<()> {
    let names = cx.names();
    if let Some(other) = other.cast::<Dict>()
        && iterates_plainly(cx, other)
    {
        return copy_pairs(cx, dict, other);
    }
    match cx.get_attr_opt(other, names.keys)? {
        Some(keys) => {
            let keys = cx.call(keys, &[])?;
            let it = cx.iter(keys)?;
            while let Some(key) = cx.next(it)? {
                let value = cx.get_item(other, key)?;
                dict.set(cx, key, value)?;
                cx.poll()?;
            }
            Ok(())
        }
        None => update_pairs(cx, dict, other),
    }
}

/// Whether a dict may be copied from directly: its class leaves `__iter__` alone.
pub fn iterates_plainly(cx: &mut Ctx, dict: Gc<Dict>) -> bool {
    if dict.header().shape() == ClassId::Dict.shape() {
        return true;
    }
    let iter = cx.names().__iter__;
    let iter = cx.lookup_special(dict.value(), iter);
    is_method_of(cx, iter, ClassId::Dict)
}

fn copy_pairs(cx: &mut Ctx, dict: Gc<Dict>, other: Gc<Dict>) -> R<()> {
    if dict == other {
        return Ok(());
    }
    if dict.is_empty() && other.len() > 8 {
        dict.reserve(cx, other.len())?;
    }
    // Of one that others change, the pairs of one moment.
    let other = if cx.is_shared() { other.snapshot(cx)? } else { other };
    let len = other.len();
    for (key, value) in other.pairs() {
        dict.set(cx, key, value)?;
        cx.poll()?;
        if other.len() != len {
            return Err(cx.runtime_error("dict mutated during update"));
        }
    }
    Ok(())
}

fn update_pairs(cx: &mut Ctx, dict: Gc<Dict>, other: Value) -> R<()> {
    let it = cx.iter(other)?;
    let mut i = 0;
    while let Some(pair) = cx.next(it)? {
        let (key, value) = pair_of(cx, pair, i)?;
        dict.set(cx, key, value)?;
        cx.poll()?;
        i += 1;
    }
    Ok(())
}

/// The two items of an element of an update sequence.
pub(crate) fn pair_of(cx: &mut Ctx, pair: Value, i: usize) -> R<(Value, Value)> {
    if !pair.is_a::<Tuple>() && !pair.is_a::<List>() {
        let iterable = cx.iter(pair);
        if let Err(e) = iterable {
            if !cx.is_error(e, ClassId::TypeError) {
                return Err(e);
            }
            let message = format!("cannot convert dictionary update sequence element #{i} to a sequence");
            return Err(cx.type_error(message));
        }
    }
    let items = cx.collect_tuple(pair)?;
    match items.items() {
        &[key, value] => Ok((key, value)),
        items => {
            let message = format!("dictionary update sequence element #{i} has length {}; 2 is required", items.len());
            Err(cx.value_error(message))
        }
    }
}
