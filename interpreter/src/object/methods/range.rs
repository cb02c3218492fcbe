//! range and slice.

use conc_macros::methods;

/// The methods of range.
#[methods]
pub mod methods {
    use super::{new_range, position, range_hash, range_repr, reversed};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::misc::Range;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Value, args: &[Value], kwargs: Kwargs) -> R {
        cx.no_kwargs("range", kwargs.0)?;
        new_range(cx, args)
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Range>) -> R<Gc<Str>> {
        range_repr(cx, this)
    }

    /// Tell whether self counts as true.
    pub fn __bool__(cx: &mut Ctx, this: Gc<Range>) -> bool {
        cx.range_len(this) != dashu_int::IBig::ZERO
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Gc<Range>) -> R<i64> {
        range_hash(cx, this)
    }

    /// Give an iterator over the numbers from the last to the first.
    pub fn __reversed__(cx: &mut Ctx, this: Gc<Range>) -> Value {
        reversed(cx, this)
    }

    /// Count how often the number is in the range: once or not at all, if it is a number.
    pub fn count(cx: &mut Ctx, this: Gc<Range>, value: Value) -> R<i64> {
        if cx.is_int(value) {
            return Ok(cx.native_contains(this.value(), value)?.unwrap_or(false) as i64);
        }
        let mut n = 0;
        cx.for_each(this.value(), |cx, item| {
            n += cx.same(item, value)? as i64;
            Ok(())
        })?;
        Ok(n)
    }

    /// Tell the position of the number; ValueError if it is not in the range.
    pub fn index(cx: &mut Ctx, this: Gc<Range>, value: Value) -> R {
        position(cx, this, value)
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Range>) -> R {
        let class = cx.class_of(this.value()).value();
        let args = cx.tuple(&[this.start.get(), this.stop.get(), this.step.get()])?;
        cx.tuple(&[class, args])
    }

    /// The first number.
    #[getter]
    pub fn start(this: Gc<Range>) -> Value {
        this.start.get()
    }

    /// The number to stop before.
    #[getter]
    pub fn stop(this: Gc<Range>) -> Value {
        this.stop.get()
    }

    /// The distance between numbers.
    #[getter]
    pub fn step(this: Gc<Range>) -> Value {
        this.step.get()
    }
}

/// The methods of slice.
#[methods]
pub mod slice {
    use super::slice_hash;
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::misc::SliceObject;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Value, args: &[Value], kwargs: Kwargs) -> R {
        cx.no_kwargs("slice", kwargs.0)?;
        cx.at_most("slice", args, 3)?;
        match *args {
            [] => Err(cx.type_error("slice expected at least 1 argument, got 0")),
            [stop] => Ok(cx.new_slice(Value::NONE, stop, Value::NONE)),
            [start, stop] => Ok(cx.new_slice(start, stop, Value::NONE)),
            [start, stop, step, ..] => Ok(cx.new_slice(start, stop, step)),
        }
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<SliceObject>) -> R<Gc<Str>> {
        let mut out = b"slice".to_vec();
        let parts = cx.tuple(&[this.start.get(), this.stop.get(), this.step.get()])?;
        cx.write_repr(parts, &mut out)?;
        cx.try_wtf8(&out)
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Gc<SliceObject>) -> R<i64> {
        slice_hash(cx, this)
    }

    /// Give the (start, stop, step) that this slice means for a sequence of the given length, with everything inside
    /// it.
    pub fn indices(cx: &mut Ctx, this: Gc<SliceObject>, length: Value) -> R {
        let parts = cx.slice_indices(this, length)?;
        cx.tuple(&parts)
    }

    /// Give what pickle needs to make the object again.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<SliceObject>) -> R {
        let class = cx.class_of(this.value()).value();
        let args = cx.tuple(&[this.start.get(), this.stop.get(), this.step.get()])?;
        cx.tuple(&[class, args])
    }

    /// The first index.
    #[getter]
    pub fn start(this: Gc<SliceObject>) -> Value {
        this.start.get()
    }

    /// The index to stop before.
    #[getter]
    pub fn stop(this: Gc<SliceObject>) -> Value {
        this.stop.get()
    }

    /// The distance between indices.
    #[getter]
    pub fn step(this: Gc<SliceObject>) -> Value {
        this.step.get()
    }
}

use crate::native::{Ctx, R};
use crate::object::misc::{Range, SliceObject};
use crate::object::string::Str;
use crate::value::{Gc, Value};
use dashu_int::IBig;

fn new_range(cx: &mut Ctx, args: &[Value]) -> R {
    cx.at_most("range", args, 3)?;
    let (start, stop, step) = match *args {
        [] => return Err(cx.type_error("range expected at least 1 argument, got 0")),
        [stop] => (Value::small_int(0), cx.index(stop)?, Value::small_int(1)),
        [start, stop] => (cx.index(start)?, cx.index(stop)?, Value::small_int(1)),
        [start, stop, step, ..] => (cx.index(start)?, cx.index(stop)?, cx.index(step)?),
    };
    if step == Value::small_int(0) {
        return Err(cx.value_error("range() arg 3 must not be zero"));
    }
    Ok(cx.make_range(start, stop, step))
}

fn range_repr(cx: &mut Ctx, r: Gc<Range>) -> R<Gc<Str>> {
    let mut out = b"range(".to_vec();
    cx.write_repr(r.start.get(), &mut out)?;
    out.extend_from_slice(b", ");
    cx.write_repr(r.stop.get(), &mut out)?;
    if r.step.get() != Value::small_int(1) {
        out.extend_from_slice(b", ");
        cx.write_repr(r.step.get(), &mut out)?;
    }
    out.push(b')');
    cx.try_wtf8(&out)
}

/// The hash of (length, start, step), with None for what does not matter.
fn range_hash(cx: &mut Ctx, r: Gc<Range>) -> R<i64> {
    let len = cx.range_len(r);
    let n = cx.big(&len);
    let start = if len == IBig::ZERO { Value::NONE } else { r.start.get() };
    let step = if len > IBig::ONE { r.step.get() } else { Value::NONE };
    let key = cx.tuple(&[n, start, step])?;
    Ok(cx.hash(key)? as i64)
}

fn big(cx: &Ctx, v: Value) -> IBig {
    cx.as_int(v).unwrap_or(IBig::ZERO)
}

fn reversed(cx: &mut Ctx, r: Gc<Range>) -> Value {
    let (start, step) = (big(cx, r.start.get()), big(cx, r.step.get()));
    let last = &start + (cx.range_len(r) - IBig::ONE) * &step;
    let (first, stop, step) = (cx.big(&last), cx.big(&(start - &step)), cx.big(&-step));
    let turned = cx.make_range(first, stop, step);
    match turned.cast::<Range>() {
        Some(turned) => cx.range_iter(turned),
        None => Value::NONE,
    }
}

fn position(cx: &mut Ctx, r: Gc<Range>, value: Value) -> R {
    if cx.is_int(value) {
        if cx.native_contains(r.value(), value)?.unwrap_or(false) {
            let i = (big(cx, value) - big(cx, r.start.get())) / big(cx, r.step.get());
            return Ok(cx.big(&i));
        }
        let what = cx.repr(value)?.to_text().into_owned();
        return Err(cx.value_error(format!("{what} is not in range")));
    }
    let it = cx.range_iter(r);
    let mut i = 0;
    while let Some(item) = cx.next(it)? {
        if cx.same(item, value)? {
            return Ok(cx.int(i));
        }
        cx.poll()?;
        i += 1;
    }
    Err(cx.value_error("sequence.index(x): x not in sequence"))
}

/// xxHash's mixing, as for a tuple but without its length.
fn slice_hash(cx: &mut Ctx, s: Gc<SliceObject>) -> R<i64> {
    const P1: u64 = 11_400_714_785_074_694_791;
    const P2: u64 = 14_029_467_366_897_019_727;
    let mut acc: u64 = 2_870_177_450_012_600_261;
    for part in [s.start.get(), s.stop.get(), s.step.get()] {
        let lane = cx.hash(part)?;
        acc = acc.wrapping_add(lane.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1);
    }
    Ok(if acc == u64::MAX { 1_546_275_796 } else { acc as i64 })
}
