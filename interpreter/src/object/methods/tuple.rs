//! tuple.

use conc_macros::methods;

/// The methods of tuple.
#[methods]
pub mod methods {
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::construct::class_for_new;
    use crate::object::kind::ClassId;
    use crate::object::methods::list::search_bounds;
    use crate::object::sequence::Tuple;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, args: &[Value], kwargs: Kwargs) -> R {
        let class = class_for_new(cx, class, ClassId::Tuple)?;
        if class.id == ClassId::Tuple as u32 {
            cx.no_kwargs("tuple", kwargs.0)?;
        }
        cx.at_most("tuple", args, 1)?;
        let items = match args.first() {
            Some(&iterable) => cx.collect_tuple(iterable)?.value(),
            None => cx.iso().roots.empty_tuple.get(),
        };
        if class.id == ClassId::Tuple as u32 {
            return Ok(items);
        }
        match items.cast::<Tuple>() {
            Some(t) => cx.new_tuple_of(class, t.items()),
            None => Ok(items),
        }
    }

    /// Count the items equal to value.
    pub fn count(cx: &mut Ctx, this: Gc<Tuple>, value: Value) -> R<i64> {
        let mut n = 0;
        for &item in this.items() {
            n += cx.same(item, value)? as i64;
        }
        Ok(n)
    }

    /// Find the first item equal to value and give its index; ValueError if there is none.
    pub fn index(cx: &mut Ctx, this: Gc<Tuple>, value: Value, start: Option<Value>, stop: Option<Value>) -> R<usize> {
        let (start, stop) = search_bounds(cx, start, stop, this.len)?;
        let (start, stop) = ((start as usize).min(this.len), (stop as usize).min(this.len));
        for i in start..stop.max(start) {
            if cx.same(this.items()[i], value)? {
                return Ok(i);
            }
        }
        Err(cx.value_error("tuple.index(x): x not in tuple"))
    }

    /// Give the arguments with which `__new__` makes the object again.
    pub fn __getnewargs__(cx: &mut Ctx, this: Gc<Tuple>) -> R {
        let items = cx.tuple(this.items())?;
        cx.tuple(&[items])
    }
}
