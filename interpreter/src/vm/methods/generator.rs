//! generator and coroutine.

use conc_macros::methods;

use crate::native::{Ctx, Entered, R, Resume, Step};
use crate::object::exception::{Exception, Traceback};
use crate::object::generator::{Generator, state};
use crate::object::sequence::Tuple;
use crate::value::{Gc, Value};
use crate::vm::generator;

/// What `throw(type, value, traceback)` raises.
pub fn thrown(cx: &mut Ctx, typ: Value, value: Option<Value>, traceback: Option<Value>) -> R {
    let (value, traceback) = (value.filter(|v| !v.is_none()), traceback.filter(|t| !t.is_none()));
    if traceback.is_some_and(|t| !t.is_a::<Traceback>()) {
        return Err(cx.type_error("throw() third argument must be a traceback object"));
    }
    let exc = if typ.is_a::<Exception>() {
        if value.is_some() {
            return Err(cx.type_error("instance exception may not have a separate value"));
        }
        typ
    } else if let Some(class) = cx.exception_class(typ) {
        match value {
            Some(v) if cx.class_of(v).is_subclass_of(class) => v,
            Some(v) => match v.cast::<Tuple>() {
                Some(args) => cx.call_exception(class, args.items())?,
                None => cx.call_exception(class, &[v])?,
            },
            None => cx.call_exception(class, &[])?,
        }
    } else {
        let got = cx.type_name(typ);
        let message = format!("exceptions must be classes or instances deriving from BaseException, not {got}");
        return Err(cx.type_error(message));
    };
    if let (Some(tb), Some(e)) = (traceback, exc.cast::<Exception>()) {
        e.traceback.set(tb);
    }
    Ok(exc)
}

/// The result of a resumption as `send` gives it.
fn outcome(cx: &mut Ctx, result: R<Option<Value>>) -> R {
    match result? {
        Some(v) => Ok(v),
        None => Err(cx.stop_iteration(Value::NONE)),
    }
}

/// `send` and `__next__` from a script. Slots: generator, value.
const SEND: Resume = Resume::when(
    |cx, frame, entered| match entered {
        Entered::Start => {
            let value = frame.get(1);
            Step::Send(frame.get(0), if value.is_unbound() { Value::NONE } else { value })
        }
        Entered::With(v) => Step::Done(v),
        Entered::Ended(v) => Step::Raise(cx.stop_iteration(v)),
        Entered::Raised(e) => Step::Raise(e),
    },
    |_| true,
)
.sending(|args| args.get(0).cast().map(|g| (g, if args.get(1).is_unbound() { Value::NONE } else { args.get(1) })));

/// What generators and coroutines share.
#[methods]
pub mod methods {
    use super::*;

    /// Go on with the value as the result of the yield; give what is yielded next, or raise StopIteration.
    #[resumable(super::SEND)]
    pub fn send(cx: &mut Ctx, this: Gc<Generator>, value: Value) -> R {
        let result = generator::resume(cx, this, value, false);
        outcome(cx, result)
    }

    /// throw(value) -> raise an exception where it is suspended; return the next yielded value.
    pub fn throw(cx: &mut Ctx, this: Gc<Generator>, typ: Value, value: Option<Value>, traceback: Option<Value>) -> R {
        let exc = thrown(cx, typ, value, traceback)?;
        let result = generator::resume(cx, this, exc, true);
        outcome(cx, result)
    }

    /// End the generator by raising GeneratorExit where it stands.
    pub fn close(cx: &mut Ctx, this: Gc<Generator>) -> R {
        generator::close_with_value(cx, this)
    }

    #[getter]
    pub fn __name__(this: Gc<Generator>) -> Value {
        this.name()
    }
    #[setter]
    #[name = "__name__"]
    pub fn set_name(cx: &mut Ctx, this: Gc<Generator>, value: Value) -> R<()> {
        if !value.is_a::<crate::object::string::Str>() {
            return Err(cx.type_error("__name__ must be set to a string object"));
        }
        let names = cx.tuple(&[value, this.qualname()])?;
        this.names.set(names);
        Ok(())
    }
    #[getter]
    pub fn __qualname__(this: Gc<Generator>) -> Value {
        this.qualname()
    }
    #[setter]
    #[name = "__qualname__"]
    pub fn set_qualname(cx: &mut Ctx, this: Gc<Generator>, value: Value) -> R<()> {
        if !value.is_a::<crate::object::string::Str>() {
            return Err(cx.type_error("__qualname__ must be set to a string object"));
        }
        let names = cx.tuple(&[this.name(), value])?;
        this.names.set(names);
        Ok(())
    }

    pub fn __repr__(cx: &mut Ctx, this: Gc<Generator>) -> String {
        let what = generator::kind_name(this).replace(' ', "_");
        let name = cx.text_of(this.qualname());
        format!("<{what} object {name} at {:#x}>", this.as_ptr() as usize)
    }

    #[getter]
    pub fn gi_running(this: Gc<Generator>) -> bool {
        this.state() == state::RUNNING
    }
    #[getter]
    pub fn gi_suspended(this: Gc<Generator>) -> bool {
        this.state() == state::SUSPENDED
    }
    #[getter]
    pub fn gi_code(this: Gc<Generator>) -> Value {
        this.code().value()
    }
    #[getter]
    pub fn gi_yieldfrom(this: Gc<Generator>) -> Value {
        generator::shown_delegate(this)
    }
    #[getter]
    pub fn gi_frame(cx: &mut Ctx, this: Gc<Generator>) -> R {
        crate::vm::frames::generator_frame(cx, this)
    }
    #[getter]
    pub fn cr_running(this: Gc<Generator>) -> bool {
        this.state() == state::RUNNING
    }
    #[getter]
    pub fn cr_suspended(this: Gc<Generator>) -> bool {
        this.state() == state::SUSPENDED
    }
    #[getter]
    pub fn cr_code(this: Gc<Generator>) -> Value {
        this.code().value()
    }
    #[getter]
    pub fn cr_await(this: Gc<Generator>) -> Value {
        generator::shown_delegate(this)
    }
    #[getter]
    pub fn cr_frame(cx: &mut Ctx, this: Gc<Generator>) -> R {
        crate::vm::frames::generator_frame(cx, this)
    }
    #[getter]
    pub fn cr_origin() -> Value {
        Value::NONE
    }
}

/// Iteration, which coroutines do not have.
#[methods]
pub mod iteration {
    use super::*;

    pub fn __iter__(this: Gc<Generator>) -> Value {
        this.value()
    }
    #[resumable(super::SEND)]
    pub fn __next__(cx: &mut Ctx, this: Gc<Generator>) -> R {
        let result = generator::resume(cx, this, Value::NONE, false);
        outcome(cx, result)
    }
}

/// coroutine only.
#[methods]
pub mod coroutine {
    use super::*;
    use crate::object::kind::ClassId;

    pub fn __await__(cx: &mut Ctx, this: Gc<Generator>) -> Value {
        let class = cx.class(ClassId::CoroutineWrapper);
        let b = cx.new_boxed(class, None, 1);
        b.slots()[0].set(this.value());
        b.value()
    }
}

/// coroutine_wrapper, what `coroutine.__await__()` gives.
#[methods]
pub mod wrapper {
    use super::*;
    use crate::object::misc::Boxed;

    fn inner(cx: &mut Ctx, this: Gc<Boxed>) -> R<Gc<Generator>> {
        match this.slots().first().and_then(|s| s.get().cast::<Generator>()) {
            Some(g) => Ok(g),
            None => Err(cx.type_error("not a coroutine wrapper")),
        }
    }
    pub fn __iter__(this: Gc<Boxed>) -> Value {
        this.value()
    }
    pub fn __next__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let g = inner(cx, this)?;
        let result = generator::resume(cx, g, Value::NONE, false);
        outcome(cx, result)
    }
    pub fn send(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R {
        let g = inner(cx, this)?;
        let result = generator::resume(cx, g, value, false);
        outcome(cx, result)
    }
    pub fn throw(cx: &mut Ctx, this: Gc<Boxed>, typ: Value, value: Option<Value>, traceback: Option<Value>) -> R {
        let g = inner(cx, this)?;
        let exc = thrown(cx, typ, value, traceback)?;
        let result = generator::resume(cx, g, exc, true);
        outcome(cx, result)
    }
    pub fn close(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let g = inner(cx, this)?;
        generator::close(cx, g)
    }
}
