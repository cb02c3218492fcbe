//! async_generator and the awaitables of its methods.

use conc_macros::methods;

use super::generator::thrown;
use crate::native::{Ctx, R};
use crate::object::generator::{Generator, state};
use crate::value::{Gc, Value};
use crate::vm::asyncgen::{Mode, send, step, throw as throw_into};
use crate::vm::generator;

/// async_generator
#[methods]
pub mod methods {
    use super::*;

    pub fn __aiter__(this: Gc<Generator>) -> Value {
        this.value()
    }
    pub fn __anext__(cx: &mut Ctx, this: Gc<Generator>) -> Value {
        step(cx, this, Mode::Send, Value::NONE)
    }
    /// asend(v) -> an awaitable that sends v into the generator.
    pub fn asend(cx: &mut Ctx, this: Gc<Generator>, value: Value) -> Value {
        step(cx, this, Mode::Send, value)
    }
    /// athrow(value) -> an awaitable that raises an exception inside.
    pub fn athrow(cx: &mut Ctx, this: Gc<Generator>, typ: Value, value: Option<Value>, traceback: Option<Value>) -> R {
        let exc = thrown(cx, typ, value, traceback)?;
        Ok(step(cx, this, Mode::Throw, exc))
    }
    /// aclose() -> an awaitable that raises GeneratorExit inside.
    pub fn aclose(cx: &mut Ctx, this: Gc<Generator>) -> Value {
        step(cx, this, Mode::Close, Value::NONE)
    }
    pub fn __repr__(cx: &mut Ctx, this: Gc<Generator>) -> String {
        let name = cx.text_of(this.qualname());
        format!("<async_generator object {name} at {:#x}>", this.as_ptr() as usize)
    }
    #[getter]
    pub fn __name__(this: Gc<Generator>) -> Value {
        this.name()
    }
    #[getter]
    pub fn __qualname__(this: Gc<Generator>) -> Value {
        this.qualname()
    }
    #[getter]
    pub fn ag_running(this: Gc<Generator>) -> bool {
        this.is_busy()
    }
    #[getter]
    pub fn ag_suspended(this: Gc<Generator>) -> bool {
        this.state() == state::SUSPENDED
    }
    #[getter]
    pub fn ag_code(this: Gc<Generator>) -> Value {
        this.code().value()
    }
    #[getter]
    pub fn ag_await(this: Gc<Generator>) -> Value {
        generator::shown_delegate(this)
    }
    #[getter]
    pub fn ag_frame(cx: &mut Ctx, this: Gc<Generator>) -> R {
        crate::vm::frames::generator_frame(cx, this)
    }
}

/// async_generator_asend, async_generator_athrow
#[methods]
pub mod awaitable {
    use super::*;
    use crate::object::misc::Boxed;

    pub fn __await__(this: Gc<Boxed>) -> Value {
        this.value()
    }
    pub fn __iter__(this: Gc<Boxed>) -> Value {
        this.value()
    }
    pub fn __next__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        super::send(cx, this, Value::NONE)
    }
    pub fn send(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R {
        super::send(cx, this, value)
    }
    pub fn throw(cx: &mut Ctx, this: Gc<Boxed>, typ: Value, value: Option<Value>, traceback: Option<Value>) -> R {
        let exc = thrown(cx, typ, value, traceback)?;
        throw_into(cx, this, exc)
    }
    pub fn close() {}
}
