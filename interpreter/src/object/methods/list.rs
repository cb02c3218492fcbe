//! list.

use conc_macros::methods;

/// The methods of list.
#[methods]
pub mod methods {
    use super::{find, search_bounds};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::construct::class_for_new;
    use crate::object::kind::ClassId;
    use crate::object::misc::Iter;
    use crate::object::sequence::List;
    use crate::object::sort::sort_list;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, _args: &[Value], _kwargs: Kwargs) -> R<Gc<List>> {
        let class = class_for_new(cx, class, ClassId::List)?;
        Ok(cx.new_list_of(class))
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<List>, args: &[Value], kwargs: Kwargs) -> R<()> {
        cx.no_kwargs("list", kwargs.0)?;
        cx.at_most("list", args, 1)?;
        if !this.is_empty() {
            clear(cx, this)?;
        }
        match args.first() {
            Some(&iterable) => cx.list_extend(this, iterable),
            None => Ok(()),
        }
    }

    /// Put the object after the last item.
    pub fn append(cx: &mut Ctx, this: Gc<List>, object: Value) -> R<()> {
        cx.list_push(this, object)
    }

    /// Put the iterable's items after the last one.
    #[resumable(super::EXTEND)]
    pub fn extend(cx: &mut Ctx, this: Gc<List>, iterable: Value) -> R<()> {
        cx.list_extend(this, iterable)
    }

    /// Put the object in front of the item at the index.
    pub fn insert(cx: &mut Ctx, this: Gc<List>, index: i64, object: Value) -> R<()> {
        cx.list_insert(this, index, object)
    }

    /// Take out the item at the index, the last unless told otherwise, and give it.
    ///
    /// IndexError if there is no such item.
    pub fn pop(cx: &mut Ctx, this: Gc<List>, #[default(-1)] index: i64) -> R {
        match cx.list_pop(this, index)? {
            Some(item) => Ok(item),
            None if this.is_empty() => Err(cx.index_error("pop from empty list")),
            None => Err(cx.index_error("pop index out of range")),
        }
    }

    /// Take out the first item equal to value; ValueError if there is none.
    pub fn remove(cx: &mut Ctx, this: Gc<List>, value: Value) -> R<()> {
        loop {
            let Some((at, found)) = find(cx, this, value, 0, i64::MAX)? else {
                return Err(cx.value_error("list.remove(x): x not in list"));
            };
            // Another thread may have moved it meanwhile, or removed it: then it is looked for again.
            let shared = cx.is_shared();
            let removed = cx.list_edit(this, &[], |buffer| {
                let items = &buffer.slots()[..buffer.len()];
                let at = if shared { items.iter().position(|slot| slot.get() == found)? } else { at };
                Some((at.min(items.len()), (at + 1).min(items.len())))
            })?;
            if removed.is_some() {
                return Ok(());
            }
        }
    }

    /// Take out every item.
    pub fn clear(cx: &mut Ctx, this: Gc<List>) -> R<()> {
        let empty = cx.new_buffer(0)?;
        cx.list_replace(this, empty);
        Ok(())
    }

    /// Give a second list of the same items.
    pub fn copy(cx: &mut Ctx, this: Gc<List>) -> R<Gc<List>> {
        let items = cx.list_snapshot(this)?;
        cx.list(items.items())
    }

    /// Count the items equal to value.
    pub fn count(cx: &mut Ctx, this: Gc<List>, value: Value) -> R<i64> {
        let (mut i, mut n) = (0, 0);
        while let Some(item) = this.get(i) {
            n += cx.same(item, value)? as i64;
            i += 1;
        }
        Ok(n)
    }

    /// Find the first item equal to value and give its index; ValueError if there is none.
    pub fn index(cx: &mut Ctx, this: Gc<List>, value: Value, start: Option<Value>, stop: Option<Value>) -> R<usize> {
        let (start, stop) = search_bounds(cx, start, stop, this.len())?;
        match find(cx, this, value, start, stop)? {
            Some((i, _)) => Ok(i),
            None => {
                let what = cx.repr(value)?.to_text().into_owned();
                Err(cx.value_error(format!("{what} is not in list")))
            }
        }
    }

    /// Turn the order of the items around.
    pub fn reverse(cx: &mut Ctx, this: Gc<List>) -> R<()> {
        cx.list_reverse(this)
    }

    /// Put the items in order, least first, or greatest first if reverse is true.
    ///
    /// Equal items keep their order. With a key function, its results for the items are what is compared; it is called
    /// once for each.
    #[resumable(crate::object::sort::SORT)]
    pub fn sort(
        cx: &mut Ctx,
        this: Gc<List>,
        #[kwonly]
        #[default(Value::NONE)]
        key: Value,
        #[kwonly]
        #[default(false)]
        reverse: bool,
    ) -> R<()> {
        sort_list(cx, this, Some(key), reverse)
    }

    /// Give an iterator over the items, last one first.
    pub fn __reversed__(cx: &mut Ctx, this: Gc<List>) -> Gc<Iter> {
        cx.new_iter(ClassId::ListReverseIterator, this.value(), Value::NONE, this.len() as i64 - 1, 0)
    }

    /// Add the value's items to self, in place.
    pub fn __iadd__(cx: &mut Ctx, this: Gc<List>, value: Value) -> R {
        cx.list_extend(this, value)?;
        Ok(this.value())
    }

    /// Repeat self's items value times, in place.
    pub fn __imul__(cx: &mut Ctx, this: Gc<List>, value: Value) -> R {
        let repeated = crate::object::methods::shared::repeat(cx, this.value(), value)?;
        if let Some(repeated) = repeated.cast::<List>() {
            cx.list_replace(this, repeated.buffer());
        }
        Ok(this.value())
    }

    /// Tell how much memory the list takes, in bytes.
    pub fn __sizeof__(this: Gc<List>) -> i64 {
        40 + 8 * this.buffer().cap as i64
    }
}

use crate::native::{Ctx, Entered, NativeFrame, R, Resume, Step};
use crate::object::driven::{Item, items, second_iterates};
use crate::object::sequence::List;
use crate::value::{Gc, Value};

/// `extend` with what a script makes. Slots: list, iterable.
const EXTEND: Resume = Resume::when(|cx, frame, entered| extend(cx, frame, entered).into(), second_iterates);

fn extend(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    match items(cx, frame, 1, entered) {
        Item::Other(step) => Ok(step),
        Item::End => Ok(Step::Done(Value::NONE)),
        Item::Value(item) => {
            if let Some(list) = frame.get(0).cast::<List>() {
                cx.list_push(list, item)?;
            }
            Ok(Step::Next(frame.get(1)))
        }
    }
}

/// The bounds of `index(value, start, stop)`: anything with `__index__`, clipped.
pub fn search_bounds(cx: &mut Ctx, start: Option<Value>, stop: Option<Value>, len: usize) -> R<(i64, i64)> {
    let mut bound = |v: Option<Value>, default: i64| -> R<i64> {
        let Some(v) = v else { return Ok(default) };
        let index = cx.names().__index__;
        if !cx.is_int(v) && cx.lookup_special(v, index).is_none() {
            return Err(cx.type_error("slice indices must be integers or have an __index__ method"));
        }
        let i = cx.index_clipped(v)?;
        Ok(if i < 0 { i.saturating_add(len as i64).max(0) } else { i })
    };
    Ok((bound(start, 0)?, bound(stop, i64::MAX)?))
}

/// The first index in `[start, stop)` of an item equal to `value`, and the item.
fn find(cx: &mut Ctx, list: Gc<List>, value: Value, start: i64, stop: i64) -> R<Option<(usize, Value)>> {
    // Items that another thread moves must be neither missed nor met twice.
    let snapshot = if cx.is_shared() { Some(cx.list_snapshot(list)?) } else { None };
    let mut i = start as usize;
    while (i as i64) < stop {
        let item = match snapshot {
            Some(items) => items.items().get(i).copied(),
            None => list.get(i),
        };
        let Some(item) = item else { break };
        if cx.same(item, value)? {
            return Ok(Some((i, item)));
        }
        i += 1;
    }
    Ok(None)
}
