//! Slow paths of `yield from`, `await` and asynchronous iteration.

use std::sync::atomic::Ordering;

use crate::bytecode::template::flags;
use crate::bytecode::word::Word;
use crate::native::{Ctx, R, Raised};
use crate::object::exception::{Exception, extra};
use crate::object::generator::{Generator, state};
use crate::object::kind::ClassId;
use crate::object::misc::{Boxed, PAUSE};
use crate::value::Value;

/// The iterator of `yield from v`.
pub fn yield_from_iter(cx: &mut Ctx, base: *mut Value, v: Value) -> R {
    if let Some(g) = v.cast::<Generator>()
        && g.header().shape() == ClassId::Coroutine.shape()
    {
        let code = super::slow::code_of(base);
        if code.flags & (flags::COROUTINE | flags::ITERABLE_COROUTINE) == 0 {
            return Err(cx.type_error("cannot 'yield from' a coroutine object in a non-coroutine generator"));
        }
        return Ok(v);
    }
    cx.iter(v)
}

/// Whether this is a coroutine that nobody has awaited.
#[inline(always)]
pub fn is_fresh_coroutine(v: Value) -> bool {
    v.cast::<Generator>()
        .is_some_and(|g| g.header().shape() == ClassId::Coroutine.shape() && g.state() == state::CREATED)
}

/// What an `await` drives in place of [`PAUSE`]: before it has yielded, and after that.
mod pause {
    use crate::value::Value;

    pub const BEFORE: Value = Value::FALSE;
    pub const AFTER: Value = Value::TRUE;
}

/// The iterator of `await v`.
pub fn awaitable(cx: &mut Ctx, v: Value, aux: u8) -> R {
    if let Some(g) = v.cast::<Generator>() {
        if g.header().shape() == ClassId::Coroutine.shape() {
            if !super::generator::delegate(g).is_none() {
                return Err(cx.runtime_error("coroutine is being awaited already"));
            }
            return Ok(v);
        }
        if g.code().flags & flags::ITERABLE_COROUTINE != 0 {
            return Ok(v);
        }
    }
    if let Some(b) = v.cast::<Boxed>() {
        if b.is(&PAUSE) {
            return Ok(pause::BEFORE);
        }
        if let Some(awaited) = b.behavior.and_then(|b| b.awaited) {
            return awaited(cx, b);
        }
        if b.behavior.is_some_and(|b| b.send.is_some()) && cx.class_of(v).is_static() {
            return Ok(v);
        }
    }
    let name = cx.names().__await__;
    let Some(f) = cx.lookup_special(v, name) else {
        let got = cx.type_name(v);
        let message = match aux {
            1 => format!("'async with' received an object from __aenter__ that does not implement __await__: {got}"),
            2 => format!("'async with' received an object from __aexit__ that does not implement __await__: {got}"),
            _ => format!("object {got} can't be used in 'await' expression"),
        };
        return Err(cx.type_error(message));
    };
    let it = cx.call_unbound(f, v, &[])?;
    if it.cast::<Generator>().is_some_and(|g| g.header().shape() == ClassId::Coroutine.shape()) {
        return Err(cx.type_error("__await__() returned a coroutine"));
    }
    if !cx.is_iterator(it) {
        let got = cx.type_name(it);
        return Err(cx.type_error(format!("__await__() returned non-iterator of type '{got}'")));
    }
    Ok(it)
}

/// Sends to what the `Send` before `cx.pc` names, which is no generator that the loop could enter: Ok(yielded) or
/// Err(returned).
pub fn send(cx: &mut Ctx, it: Value, value: Value) -> R<Result<Value, Value>> {
    if let Some(g) = it.cast::<Generator>() {
        return match super::generator::resume(cx, g, value, false) {
            Ok(Some(v)) => Ok(Ok(v)),
            Ok(None) => Ok(Err(Value::NONE)),
            Err(e) => stopped(cx, e),
        };
    }
    if let Some(boxed) = it.cast::<Boxed>()
        && let Some(send) = boxed.behavior.and_then(|b| b.send)
    {
        return send(cx, boxed, value);
    }
    if it == pause::BEFORE {
        // SAFETY: the loop has saved where it is, and the instruction's register holds what it sends to.
        unsafe { *cx.base.add(Word::at(cx.pc.sub(1)).a() as usize) = pause::AFTER };
        return Ok(Ok(Value::NONE));
    }
    if it == pause::AFTER {
        return Ok(Err(Value::NONE));
    }
    let result = if value.is_none() {
        let name = cx.names().__next__;
        match it.is_a::<crate::object::misc::Iter>() {
            true => return Ok(cx.next(it)?.ok_or(Value::NONE)),
            false => match cx.lookup_special(it, name) {
                Some(f) => cx.call_unbound(f, it, &[]),
                None => return Err(cx.type_error("object is not an iterator")),
            },
        }
    } else {
        let name = cx.names().send;
        let f = cx.get_attr(it, name)?;
        cx.call(f, &[value])
    };
    match result {
        Ok(v) => Ok(Ok(v)),
        Err(e) => stopped(cx, e),
    }
}

fn stopped(cx: &mut Ctx, e: Raised) -> R<Result<Value, Value>> {
    if !cx.is_error(e, ClassId::StopIteration) {
        return Err(e);
    }
    Ok(Err(e.0.cast::<Exception>().map_or(Value::NONE, |e| e.extra[extra::STOP_VALUE].get())))
}

pub fn get_aiter(cx: &mut Ctx, v: Value) -> R {
    let n = cx.names();
    let Some(f) = cx.lookup_special(v, n.__aiter__) else {
        let got = cx.type_name(v);
        return Err(cx.type_error(format!("'async for' requires an object with __aiter__ method, got {got}")));
    };
    let it = cx.call_unbound(f, v, &[])?;
    if cx.lookup_special(it, n.__anext__).is_none() {
        let got = cx.type_name(it);
        let message = format!("'async for' received an object from __aiter__ that does not implement __anext__: {got}");
        return Err(cx.type_error(message));
    }
    Ok(it)
}

pub fn get_anext(cx: &mut Ctx, v: Value) -> R {
    let name = cx.names().__anext__;
    let Some(f) = cx.lookup_special(v, name) else {
        let got = cx.type_name(v);
        return Err(cx.type_error(format!("'async for' requires an iterator with __anext__ method, got {got}")));
    };
    let awaitable_value = cx.call_unbound(f, v, &[])?;
    match awaitable(cx, awaitable_value, 0) {
        Ok(it) => Ok(it),
        Err(e) if cx.is_error(e, ClassId::TypeError) => {
            let got = cx.type_name(awaitable_value);
            let new = cx.type_error(format!("'async for' received an invalid object from __anext__: {got}"));
            if let Some(exc) = new.0.cast::<Exception>() {
                exc.cause.set(e.0);
                exc.suppress.store(1, Ordering::Relaxed);
            }
            Err(new)
        }
        Err(e) => Err(e),
    }
}
