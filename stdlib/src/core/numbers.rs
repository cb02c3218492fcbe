//! Builtin functions of numbers: abs, divmod, pow, round, sum, and conversions.

use conc_interpreter::native::{Ctx, Entered, NativeFrame, R, Resume, Step};
use conc_interpreter::object::arith::BinaryOp;
use conc_interpreter::object::driven::{Item, first_iterates, items};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::sequence::{List, Tuple};
use conc_interpreter::object::string::{ByteArray, Bytes, Str};
use conc_interpreter::text::wtf8;
use conc_interpreter::value::{Gc, Value};
use dashu_int::IBig;

use super::shared::is_exact;

/// Whether the value's class is a builtin one, so that native arithmetic is what its methods do.
fn is_builtin(v: Value) -> bool {
    v.header().is_none_or(|h| h.shape() < ClassId::COUNT as u32)
}

pub fn abs(cx: &mut Ctx, x: Value) -> R {
    if is_builtin(x) {
        let result = cx.native_abs(x)?;
        if result != Value::NOT_IMPLEMENTED {
            return Ok(result);
        }
    }
    let name = cx.names().__abs__;
    match cx.call_special(x, name, &[])? {
        Some(result) => Ok(result),
        None => {
            let got = cx.type_name(x);
            Err(cx.type_error(format!("bad operand type for abs(): '{got}'")))
        }
    }
}

/// `bin`, `oct` and `hex`.
pub fn radix(cx: &mut Ctx, number: Value, write: fn(&IBig) -> String) -> R<String> {
    let n = cx.index(number)?;
    Ok(write(&cx.as_int(n).unwrap_or(IBig::ZERO)))
}

pub fn chr(cx: &mut Ctx, i: Value) -> R {
    let n = if i.is_int() { i } else { cx.index(i)? };
    match cx.as_i64(n) {
        Some(code @ 0..=0x10ffff) => Ok(cx.code_point_str(code as u32).value()),
        _ => Err(cx.value_error("chr() arg not in range(0x110000)")),
    }
}

pub fn ord(cx: &mut Ctx, character: Value) -> R<i64> {
    let len = if let Some(s) = character.cast::<Str>() {
        if let (1, Some((code, _))) = (s.len(), wtf8::decode_at(s.as_bytes(), 0)) {
            return Ok(i64::from(code));
        }
        s.len()
    } else if let Some(b) = character.cast::<Bytes>() {
        if let [byte] = b.as_bytes() {
            return Ok(i64::from(*byte));
        }
        b.len
    } else if let Some(b) = character.cast::<ByteArray>() {
        if let [byte] = b.to_vec()[..] {
            return Ok(i64::from(byte));
        }
        b.len()
    } else {
        let got = cx.type_name(character);
        return Err(cx.type_error(format!("ord() expected string of length 1, but {got} found")));
    };
    Err(cx.type_error(format!("ord() expected a character, but string of length {len} found")))
}

/// `id`: the address of an object; a number made of the value for immediates.
pub fn identity(v: Value) -> i64 {
    let bits = if v.is_object() { v.bits() - 1 } else { v.bits() << 1 | 1 };
    (bits & (u64::MAX >> 2)) as i64
}

pub fn divmod(cx: &mut Ctx, x: Value, y: Value) -> R {
    if is_builtin(x) && is_builtin(y) {
        let result = cx.native_divmod(x, y)?;
        if result != Value::NOT_IMPLEMENTED {
            return Ok(result);
        }
    }
    let (plain, reflected) = (cx.names().__divmod__, cx.names().__rdivmod__);
    let (cx_class, cy_class) = (cx.class_of(x), cx.class_of(y));
    let first = cy_class != cx_class && cy_class.is_subclass_of(cx_class);
    if first
        && let Some(result) = cx.call_special(y, reflected, &[x])?
        && result != Value::NOT_IMPLEMENTED
    {
        return Ok(result);
    }
    if let Some(result) = cx.call_special(x, plain, &[y])?
        && result != Value::NOT_IMPLEMENTED
    {
        return Ok(result);
    }
    if !first
        && cx_class != cy_class
        && let Some(result) = cx.call_special(y, reflected, &[x])?
        && result != Value::NOT_IMPLEMENTED
    {
        return Ok(result);
    }
    let (a, b) = (cx.type_name(x), cx.type_name(y));
    Err(cx.type_error(format!("unsupported operand type(s) for divmod(): '{a}' and '{b}'")))
}

pub fn round(cx: &mut Ctx, number: Value, digits: Value) -> R {
    let name = cx.names().__round__;
    let Some(f) = cx.lookup_special(number, name) else {
        let got = cx.type_name(number);
        return Err(cx.type_error(format!("type {got} doesn't define __round__ method")));
    };
    if digits.is_none() { cx.call_unbound(f, number, &[]) } else { cx.call_unbound(f, number, &[digits]) }
}

/// A running sum: whole numbers first, then floats with a compensation term, then anything by `+`.
enum Total {
    Int(i64),
    Float { sum: f64, lost: f64 },
    Any(Value),
}

/// What a sum begins with.
fn start_total(cx: &mut Ctx, start: Value) -> R<Total> {
    if start.is_a::<Str>() {
        return Err(cx.type_error("sum() can't sum strings [use ''.join(seq) instead]"));
    }
    if start.is_a::<Bytes>() {
        return Err(cx.type_error("sum() can't sum bytes [use b''.join(seq) instead]"));
    }
    if start.is_a::<ByteArray>() {
        return Err(cx.type_error("sum() can't sum bytearray [use b''.join(seq) instead]"));
    }
    Ok(if start.is_int() {
        Total::Int(start.int())
    } else if start.is_float() || is_exact(start, ClassId::Float) {
        Total::Float { sum: cx.as_float(start).unwrap_or(0.0), lost: 0.0 }
    } else {
        Total::Any(start)
    })
}

/// `sum` of what a script makes. Slots: iterable, the total so far, what a float total has lost.
pub const SUM: Resume = Resume::when(|cx, frame, entered| sum_step(cx, frame, entered).into(), first_iterates);

fn sum_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    if matches!(entered, Entered::Start) {
        let start = frame.get(1);
        let total = start_total(cx, if start.is_unbound() { Value::small_int(0) } else { start })?;
        store(cx, frame, total);
    }
    match items(cx, frame, 0, entered) {
        Item::Other(step) => Ok(step),
        Item::End => {
            let total = load(cx, frame);
            Ok(Step::Done(finish(cx, total)))
        }
        Item::Value(item) => {
            let mut total = load(cx, frame);
            add(cx, &mut total, item)?;
            store(cx, frame, total);
            Ok(Step::Next(frame.get(0)))
        }
    }
}

#[inline]
fn load(cx: &Ctx, frame: &NativeFrame<'_>) -> Total {
    let (total, lost) = (frame.get(1), frame.get(2));
    if total.is_int() {
        return Total::Int(total.int());
    }
    match (cx.as_float(total), cx.as_float(lost)) {
        (Some(sum), Some(lost)) => Total::Float { sum, lost },
        _ => Total::Any(total),
    }
}

#[inline]
fn store(cx: &mut Ctx, frame: &mut NativeFrame<'_>, total: Total) {
    let (total, lost) = match total {
        Total::Int(n) => (cx.int(n), Value::UNBOUND),
        Total::Float { sum, lost } => (cx.float(sum), cx.float(lost)),
        Total::Any(v) => (v, Value::UNBOUND),
    };
    frame.set(1, total);
    frame.set(2, lost);
}

pub fn sum(cx: &mut Ctx, iterable: Value, start: Value) -> R {
    let mut total = start_total(cx, start)?;
    if let Some(t) = iterable.cast::<Tuple>().filter(|t| t.header().shape() == ClassId::Tuple.shape()) {
        for &item in t.items() {
            add(cx, &mut total, item)?;
        }
    } else if let Some(l) = iterable.cast::<List>().filter(|l| l.header().shape() == ClassId::List.shape()) {
        sum_list(cx, &mut total, l)?;
    } else {
        let it = cx.iter(iterable)?;
        while let Some(item) = cx.next(it)? {
            add(cx, &mut total, item)?;
            cx.poll()?;
        }
    }
    Ok(finish(cx, total))
}

fn sum_list(cx: &mut Ctx, total: &mut Total, list: Gc<List>) -> R<()> {
    let mut i = 0;
    while let Some(item) = list.get(i) {
        add(cx, total, item)?;
        i += 1;
    }
    Ok(())
}

#[inline]
fn add(cx: &mut Ctx, total: &mut Total, item: Value) -> R<()> {
    match total {
        Total::Int(n) if item.is_int() => {
            if let Some(sum) = n.checked_add(item.int()) {
                *n = sum;
                return Ok(());
            }
        }
        Total::Float { sum, lost } if item.is_float() => {
            neumaier(sum, lost, item.float());
            return Ok(());
        }
        _ => {}
    }
    add_slow(cx, total, item)
}

/// One step of Neumaier's improved Kahan summation.
fn neumaier(sum: &mut f64, lost: &mut f64, x: f64) {
    let t = *sum + x;
    if sum.abs() >= x.abs() {
        *lost += (*sum - t) + x;
    } else {
        *lost += (x - t) + *sum;
    }
    *sum = t;
}

fn add_slow(cx: &mut Ctx, total: &mut Total, item: Value) -> R<()> {
    let is_float = item.is_float() || is_exact(item, ClassId::Float);
    match total {
        Total::Int(n) => {
            if is_float {
                let sum = *n as f64;
                *total = Total::Float { sum, lost: 0.0 };
                return add_slow(cx, total, item);
            }
            if let Some(b) = item.as_bool()
                && let Some(sum) = n.checked_add(i64::from(b))
            {
                *n = sum;
                return Ok(());
            }
            let so_far = cx.int(*n);
            *total = Total::Any(cx.binary(BinaryOp::Add, so_far, item)?);
        }
        Total::Float { sum, lost } => {
            if is_float {
                let x = cx.as_float(item).unwrap_or(0.0);
                neumaier(sum, lost, x);
                return Ok(());
            }
            if item.is_int() || item.is_bool() {
                *sum += cx.as_i64(item).unwrap_or(0) as f64;
                return Ok(());
            }
            let so_far = compensated(*sum, *lost);
            let so_far = cx.float(so_far);
            *total = Total::Any(cx.binary(BinaryOp::Add, so_far, item)?);
        }
        Total::Any(so_far) => {
            let sum = cx.binary(BinaryOp::Add, *so_far, item)?;
            *total = match sum.as_int() {
                Some(n) if is_exact_int(*so_far) => Total::Int(n),
                _ if sum.is_float() => Total::Float { sum: sum.float(), lost: 0.0 },
                _ => Total::Any(sum),
            };
        }
    }
    Ok(())
}

fn is_exact_int(v: Value) -> bool {
    v.is_int() || is_exact(v, ClassId::Int)
}

fn compensated(sum: f64, lost: f64) -> f64 {
    if lost != 0.0 && lost.is_finite() { sum + lost } else { sum }
}

fn finish(cx: &mut Ctx, total: Total) -> Value {
    match total {
        Total::Int(n) => cx.int(n),
        Total::Float { sum, lost } => cx.float(compensated(sum, lost)),
        Total::Any(v) => v,
    }
}
