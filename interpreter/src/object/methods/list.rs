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

    /// Create and return a new object.  See help(type) for accurate signature.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, _args: &[Value], _kwargs: Kwargs) -> R<Gc<List>> {
        let class = class_for_new(cx, class, ClassId::List)?;
        Ok(cx.new_list_of(class))
    }

    /// Initialize self.  See help(type(self)) for accurate signature.
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

    /// Append object to the end of the list.
    pub fn append(cx: &mut Ctx, this: Gc<List>, object: Value) -> R<()> {
        cx.list_push(this, object)
    }

    /// Extend list by appending elements from the iterable.
    #[resumable(super::EXTEND)]
    pub fn extend(cx: &mut Ctx, this: Gc<List>, iterable: Value) -> R<()> {
        cx.list_extend(this, iterable)
    }

    /// Insert object before index.
    pub fn insert(cx: &mut Ctx, this: Gc<List>, index: i64, object: Value) -> R<()> {
        let len = this.len() as i64;
        let at = if index < 0 { (index + len).max(0) } else { index.min(len) };
        cx.list_splice(this, at as usize, at as usize, &[object])
    }

    /// Remove and return item at index (default last).
    ///
    /// Raises IndexError if list is empty or index is out of range.
    pub fn pop(cx: &mut Ctx, this: Gc<List>, #[default(-1)] index: i64) -> R {
        if index == -1 {
            // In one section: another thread may change the length at any moment.
            return match cx.list_pop_last(this) {
                Some(item) => Ok(item),
                None => Err(cx.index_error("pop from empty list")),
            };
        }
        let len = this.len() as i64;
        if len == 0 {
            return Err(cx.index_error("pop from empty list"));
        }
        let index = if index < 0 { index + len } else { index };
        match usize::try_from(index) {
            Ok(i) if (i as i64) < len => match cx.list_pop(this, i)? {
                Some(item) => Ok(item),
                None => Err(cx.index_error("pop index out of range")),
            },
            _ => Err(cx.index_error("pop index out of range")),
        }
    }

    /// Remove first occurrence of value.
    ///
    /// Raises ValueError if the value is not present.
    pub fn remove(cx: &mut Ctx, this: Gc<List>, value: Value) -> R<()> {
        match find(cx, this, value, 0, i64::MAX)? {
            Some(i) => cx.list_splice(this, i, i + 1, &[]),
            None => Err(cx.value_error("list.remove(x): x not in list")),
        }
    }

    /// Remove all items from list.
    pub fn clear(cx: &mut Ctx, this: Gc<List>) -> R<()> {
        let empty = cx.new_buffer(0)?;
        cx.list_replace(this, empty);
        Ok(())
    }

    /// Return a shallow copy of the list.
    pub fn copy(cx: &mut Ctx, this: Gc<List>) -> R<Gc<List>> {
        let items = cx.list_snapshot(this)?;
        cx.list(items.items())
    }

    /// Return number of occurrences of value.
    pub fn count(cx: &mut Ctx, this: Gc<List>, value: Value) -> R<i64> {
        let (mut i, mut n) = (0, 0);
        while let Some(item) = this.get(i) {
            n += cx.same(item, value)? as i64;
            i += 1;
        }
        Ok(n)
    }

    /// Return first index of value.
    ///
    /// Raises ValueError if the value is not present.
    pub fn index(cx: &mut Ctx, this: Gc<List>, value: Value, start: Option<Value>, stop: Option<Value>) -> R<usize> {
        let (start, stop) = search_bounds(cx, start, stop, this.len())?;
        match find(cx, this, value, start, stop)? {
            Some(i) => Ok(i),
            None => {
                let what = cx.repr(value)?.to_text().into_owned();
                Err(cx.value_error(format!("{what} is not in list")))
            }
        }
    }

    /// Reverse *IN PLACE*.
    pub fn reverse(cx: &mut Ctx, this: Gc<List>) -> R<()> {
        let items = cx.list_snapshot(this)?;
        let new = cx.new_list();
        for &item in items.items().iter().rev() {
            cx.list_push(new, item)?;
        }
        cx.list_replace(this, new.buffer());
        Ok(())
    }

    /// Sort the list in ascending order and return None.
    ///
    /// The sort is in-place (i.e. the list itself is modified) and stable (i.e. the
    /// order of two equal elements is maintained).
    ///
    /// If a key function is given, apply it once to each list item and sort them,
    /// ascending or descending, according to their function values.
    ///
    /// The reverse flag can be set to sort in descending order.
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

    /// Return a reverse iterator over the list.
    pub fn __reversed__(cx: &mut Ctx, this: Gc<List>) -> Gc<Iter> {
        cx.new_iter(ClassId::ListReverseIterator, this.value(), Value::NONE, this.len() as i64 - 1, 0)
    }

    /// Implement self+=value.
    pub fn __iadd__(cx: &mut Ctx, this: Gc<List>, value: Value) -> R {
        cx.list_extend(this, value)?;
        Ok(this.value())
    }

    /// Implement self*=value.
    pub fn __imul__(cx: &mut Ctx, this: Gc<List>, value: Value) -> R {
        let repeated = crate::object::methods::shared::repeat(cx, this.value(), value)?;
        if let Some(repeated) = repeated.cast::<List>() {
            cx.list_replace(this, repeated.buffer());
        }
        Ok(this.value())
    }

    /// Return the size of the list in memory, in bytes.
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

/// The first index in `[start, stop)` of an item equal to `value`.
fn find(cx: &mut Ctx, list: Gc<List>, value: Value, start: i64, stop: i64) -> R<Option<usize>> {
    let mut i = start as usize;
    while (i as i64) < stop
        && let Some(item) = list.get(i)
    {
        if cx.same(item, value)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}
