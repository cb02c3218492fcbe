//! `except*`: splitting and joining exception groups.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::class::Class;
use crate::object::exception::{Exception, extra};
use crate::object::kind::ClassId;
use crate::object::sequence::{List, Tuple};
use crate::value::{Gc, Value};

/// Splits an exception by what an `except*` clause names: (matching group or None, rest or None).
pub fn split(cx: &mut Ctx, exc: Value, pattern: Value) -> R<(Value, Value)> {
    check_pattern(cx, pattern)?;
    if exc.is_none() {
        return Ok((Value::NONE, Value::NONE));
    }
    if !cx.is_instance(exc, ClassId::BaseExceptionGroup) {
        if !cx.exception_matches(exc, pattern)? {
            return Ok((Value::NONE, exc));
        }
        let list = cx.tuple(&[exc])?;
        let empty = cx.str("");
        let class = cx.class(ClassId::ExceptionGroup);
        let class = if cx.is_instance(exc, ClassId::Exception) { class } else { cx.class(ClassId::BaseExceptionGroup) };
        let group = cx.call(class.value(), &[empty, list])?;
        return Ok((group, Value::NONE));
    }
    if cx.exception_matches(exc, pattern)? {
        return Ok((exc, Value::NONE));
    }
    let name = cx.intern("split");
    let method = cx.get_attr(exc, name)?;
    let pair = cx.call(method, &[pattern])?;
    match pair.cast::<Tuple>() {
        Some(t) if t.len >= 2 => Ok((t.items()[0], t.items()[1])),
        _ => {
            let (class, got) = (cx.type_name(exc), cx.type_name(pair));
            Err(cx.type_error(format!("{class}.split must return a tuple, not {got}")))
        }
    }
}

fn check_pattern(cx: &mut Ctx, pattern: Value) -> R<()> {
    let single = cx.tuple(&[pattern])?;
    let all = pattern.cast::<Tuple>().or_else(|| single.cast::<Tuple>());
    for &p in all.iter().flat_map(|t| t.items()) {
        let Some(class) = p.cast::<Class>().filter(|c| c.is_subclass_of(cx.class(ClassId::BaseException))) else {
            return Err(cx.type_error("catching classes that do not inherit from BaseException is not allowed"));
        };
        if class.is_subclass_of(cx.class(ClassId::BaseExceptionGroup)) {
            return Err(cx.type_error("catching ExceptionGroup with except* is not allowed. Use except instead."));
        }
    }
    Ok(())
}

/// What to raise after all clauses ran: `list` holds what they raised and the unhandled rest.
pub fn join(cx: &mut Ctx, original: Value, list: Value) -> R {
    let Some(list) = list.cast::<List>() else { return Ok(Value::NONE) };
    let (raised, reraised) = (cx.new_list(), cx.new_list());
    let mut i = 0;
    while let Some(e) = list.get(i) {
        i += 1;
        if e.is_none() {
            continue;
        }
        if same_origin(e, original) { cx.list_push(reraised, e)? } else { cx.list_push(raised, e)? }
    }
    if !cx.is_instance(original, ClassId::BaseExceptionGroup) {
        // A naked exception: at most one of the two is there.
        return Ok(raised.get(0).or_else(|| reraised.get(0)).unwrap_or(Value::NONE));
    }
    if !reraised.is_empty() {
        let merged = project(cx, original, reraised)?;
        if raised.is_empty() {
            return Ok(merged);
        }
        cx.list_push(raised, merged)?;
    }
    match raised.len() {
        0 => Ok(Value::NONE),
        1 => Ok(raised.get(0).unwrap_or(Value::NONE)),
        _ => {
            let (empty, items) = (cx.str(""), raised.value());
            let class = cx.class(ClassId::BaseExceptionGroup).value();
            cx.call(class, &[empty, items])
        }
    }
}

/// Whether an exception is a part of the original group passed on: it carries the same metadata.
fn same_origin(e: Value, original: Value) -> bool {
    if e == original {
        return true;
    }
    let (Some(a), Some(b)) = (e.cast::<Exception>(), original.cast::<Exception>()) else { return false };
    let is_group = a.extra[extra::GROUP_EXCS].get().is_a::<Tuple>();
    is_group
        && a.traceback.get() == b.traceback.get()
        && a.cause.get() == b.cause.get()
        && a.context.get() == b.context.get()
        && !b.traceback.get().is_none()
}

/// The part of the original group that consists of the leaves of the given groups.
fn project(cx: &mut Ctx, original: Value, groups: Gc<List>) -> R {
    if groups.len() == 1 {
        return Ok(groups.get(0).unwrap_or(Value::NONE));
    }
    let leaves = cx.new_set(false)?;
    let mut i = 0;
    while let Some(g) = groups.get(i) {
        i += 1;
        collect_leaves(cx, g, leaves)?;
    }
    keep_leaves(cx, original, leaves)
}

fn collect_leaves(cx: &mut Ctx, e: Value, leaves: Gc<crate::object::set::Set>) -> R<()> {
    cx.check_stack()?;
    let parts = e.cast::<Exception>().and_then(|x| x.extra[extra::GROUP_EXCS].get().cast::<Tuple>());
    if !cx.is_instance(e, ClassId::BaseExceptionGroup) {
        let id = cx.identity_hash(e);
        let key = cx.uint(id);
        leaves.add(cx, key)?;
        return Ok(());
    }
    for &part in parts.iter().flat_map(|t| t.items()) {
        collect_leaves(cx, part, leaves)?;
    }
    Ok(())
}

fn keep_leaves(cx: &mut Ctx, e: Value, leaves: Gc<crate::object::set::Set>) -> R {
    cx.check_stack()?;
    if !cx.is_instance(e, ClassId::BaseExceptionGroup) {
        let id = cx.identity_hash(e);
        let key = cx.uint(id);
        return Ok(if leaves.contains(cx, key)? { e } else { Value::NONE });
    }
    let parts = e.cast::<Exception>().and_then(|x| x.extra[extra::GROUP_EXCS].get().cast::<Tuple>());
    let kept = cx.new_list();
    for &part in parts.iter().flat_map(|t| t.items()) {
        let k = keep_leaves(cx, part, leaves)?;
        if !k.is_none() {
            cx.list_push(kept, k)?;
        }
    }
    if kept.is_empty() {
        return Ok(Value::NONE);
    }
    let name = cx.intern("derive");
    let derive = cx.get_attr(e, name)?;
    let group = cx.call(derive, &[kept.value()])?;
    if let (Some(g), Some(o)) = (group.cast::<Exception>(), e.cast::<Exception>()) {
        g.traceback.set(o.traceback.get());
        g.cause.set(o.cause.get());
        g.context.set(o.context.get());
        g.suppress.store(o.suppress.load(Ordering::Relaxed), Ordering::Relaxed);
    }
    Ok(group)
}
