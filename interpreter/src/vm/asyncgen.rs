//! Async generators: `__anext__`, `asend`, `athrow` and `aclose` as awaitables that drive the generator's frame.

use std::sync::atomic::AtomicU64;

use super::generator;
use crate::native::{Ctx, R, Raised};
use crate::object::exception::{Exception, extra};
use crate::object::function::Cell;
use crate::object::generator::{Generator, state};
use crate::object::kind::ClassId;
use crate::object::misc::Boxed;
use crate::object::sequence::Tuple;
use crate::value::{Gc, Value};

/// Wraps a value an async generator yields itself, to tell it from what it passes on while awaiting.
pub fn wrap(cx: &mut Ctx, v: Value) -> R {
    Ok(cx.new_cell(v).value())
}

/// Ends an async generator: like [`generator::finish`].
pub fn end(cx: &mut Ctx, g: Gc<Generator>, _: Value) -> Option<(*mut Value, *const AtomicU64)> {
    generator::finish(cx, g)
}

/// Slots of an awaitable: the generator, what to send or throw, and its progress.
const GENERATOR: usize = 0;
const ARGUMENT: usize = 1;
const MODE: usize = 2;
const STATE: usize = 3;

/// What an awaitable does to its generator.
#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    Send = 0,
    Throw = 1,
    Close = 2,
}

const INIT: i64 = 0;
const ITERATING: i64 = 1;
const CLOSED: i64 = 2;

/// The awaitable of one step of an async generator.
pub fn step(cx: &mut Ctx, g: Gc<Generator>, mode: Mode, argument: Value) -> Value {
    let class = cx.class(if mode == Mode::Send { ClassId::AsyncGenSend } else { ClassId::AsyncGenThrow });
    let b = cx.new_boxed(class, None, 4);
    b.slots()[GENERATOR].set(g.value());
    b.slots()[ARGUMENT].set(argument);
    b.slots()[MODE].set_immediate(Value::small_int(mode as i64));
    b.slots()[STATE].set_immediate(Value::small_int(INIT));
    b.value()
}

fn parts(b: Gc<Boxed>) -> Option<(Gc<Generator>, Value, i64, i64)> {
    let s = b.slots();
    Some((s[GENERATOR].get().cast()?, s[ARGUMENT].get(), s[MODE].get().as_int()?, s[STATE].get().as_int()?))
}

/// `send` of the awaitable: a value it passes on, or StopIteration with what the generator yielded.
pub fn send(cx: &mut Ctx, b: Gc<Boxed>, value: Value) -> R {
    let Some((g, argument, mode, progress)) = parts(b) else { return Ok(Value::NONE) };
    match progress {
        CLOSED => {
            let what = if mode == 0 { "__anext__()/asend()" } else { "aclose()/athrow()" };
            Err(cx.runtime_error(format!("cannot reuse already awaited {what}")))
        }
        INIT => {
            if g.state() == state::RUNNING || busy(g) {
                b.slots()[STATE].set_immediate(Value::small_int(CLOSED));
                let what = ["anext()", "athrow()", "aclose()"][mode as usize % 3];
                return Err(cx.runtime_error(format!("{what}: asynchronous generator is already running")));
            }
            if g.state() == state::DONE && mode != 2 {
                b.slots()[STATE].set_immediate(Value::small_int(CLOSED));
                return Err(cx.error(ClassId::StopAsyncIteration, ""));
            }
            b.slots()[STATE].set_immediate(Value::small_int(ITERATING));
            if g.state() == state::CREATED && g.names.get().cast::<Tuple>().is_none_or(|n| n.len != 3) {
                super::abandoned::first_iteration(cx, g)?;
            }
            set_busy(g, true);
            let value = if mode == 0 && value.is_none() { argument } else { value };
            let result = match mode {
                0 => generator::resume(cx, g, value, false),
                1 => generator::resume(cx, g, argument, true),
                _ => {
                    if matches!(g.state(), state::CREATED | state::DONE) {
                        g.set_state(state::DONE);
                        finish(b, g);
                        return Err(cx.stop_iteration(Value::NONE));
                    }
                    let exit = cx.new_exception(ClassId::GeneratorExit, "");
                    generator::resume(cx, g, exit, true)
                }
            };
            deliver(cx, b, g, mode, result)
        }
        _ => {
            let result = generator::resume(cx, g, value, false);
            deliver(cx, b, g, mode, result)
        }
    }
}

/// `throw` of the awaitable.
pub fn throw(cx: &mut Ctx, b: Gc<Boxed>, exc: Value) -> R {
    let Some((g, _, mode, progress)) = parts(b) else { return Ok(Value::NONE) };
    if progress == CLOSED {
        return Err(cx.runtime_error("cannot reuse already awaited __anext__()/asend()"));
    }
    b.slots()[STATE].set_immediate(Value::small_int(ITERATING));
    let result = generator::resume(cx, g, exc, true);
    deliver(cx, b, g, mode, result)
}

fn finish(b: Gc<Boxed>, g: Gc<Generator>) {
    b.slots()[STATE].set_immediate(Value::small_int(CLOSED));
    set_busy(g, false);
}

/// Turns the outcome of a resumption into that of the awaitable.
fn deliver(cx: &mut Ctx, b: Gc<Boxed>, g: Gc<Generator>, mode: i64, result: R<Option<Value>>) -> R {
    match result {
        Ok(Some(v)) => match v.cast::<Cell>() {
            Some(wrapped) => {
                finish(b, g);
                if mode == 2 {
                    return Err(cx.runtime_error("async generator ignored GeneratorExit"));
                }
                Err(cx.stop_iteration(wrapped.value.get()))
            }
            None => Ok(v),
        },
        Ok(None) => {
            finish(b, g);
            Err(cx.error(ClassId::StopAsyncIteration, ""))
        }
        Err(e) => {
            finish(b, g);
            let ended = cx.is_error(e, ClassId::StopAsyncIteration) || cx.is_error(e, ClassId::GeneratorExit);
            if mode == 2 && ended {
                return Err(cx.stop_iteration(Value::NONE));
            }
            Err(e)
        }
    }
}

/// Whether an awaitable of the generator is under way.
fn busy(g: Gc<Generator>) -> bool {
    g.is_busy()
}

fn set_busy(g: Gc<Generator>, on: bool) {
    g.set_busy(on);
}

/// The value of a StopIteration.
pub fn stop_value(e: Raised) -> Value {
    e.0.cast::<Exception>().map_or(Value::NONE, |e| e.extra[extra::STOP_VALUE].get())
}
