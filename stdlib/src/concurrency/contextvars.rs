//! `contextvars`: variables whose values belong to a context, a thread's or a task's.
//!
//! A fiber knows its current context; None stands for an empty one that nobody has looked at yet, and a dict for one with
//! these values. A context keeps its values in a dict that is never changed once it is shared: setting a variable replaces
//! it by a changed copy, so that copying a context takes no time.

use conc_interpreter::native::{Ctx, Entered, NativeFrame, R, Resume, Step};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::module::Module;
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};

use crate::core::shared::{call_method, recall, recall_class, remember};
use crate::data::boxes::{make, receiver};
use crate::data::functools::pass_on;

/// Slots: the dict of values, the context that was current before this one was entered (unbound: it is not entered).
static CONTEXT: Behavior = Behavior::named("Context");
const VALUES: usize = 0;
const BEFORE: usize = 1;

/// Slots: name, default (unbound: none).
static VARIABLE: Behavior = Behavior::named("ContextVar");
const NAME: usize = 0;
const DEFAULT: usize = 1;

/// Slots: variable, context, the value before (unbound: none), whether it has been used.
static TOKEN: Behavior = Behavior::named("Token");
const VAR: usize = 0;
const OWNER: usize = 1;
const OLD: usize = 2;
const USED: usize = 3;

const KEY: &str = "contextvars.Context";

/// What a token says of a variable that had no value.
static NOTHING: Behavior = Behavior::named("Token.MISSING");
const MISSING: &str = "contextvars.Token.MISSING";

fn new_context(cx: &mut Ctx, values: Value) -> Value {
    let class = recall_class(cx, KEY).unwrap_or_else(|| cx.class(ClassId::Object));
    make(cx, class, &CONTEXT, &[values, Value::UNBOUND]).value()
}

fn context_of(v: Value) -> Option<Gc<Boxed>> {
    v.cast::<Boxed>().filter(|b| b.is(&CONTEXT))
}

/// The current context, made now if nobody has needed it before.
fn current(cx: &mut Ctx) -> R<Gc<Boxed>> {
    let before = cx.current_context();
    let context = materialize(cx, before);
    cx.set_current_context(context);
    context_of(cx.current_context()).ok_or_else(|| cx.runtime_error("there is no context"))
}

fn values(context: &Boxed) -> Option<Gc<Dict>> {
    context.slots()[VALUES].get().cast()
}

/// The value of a variable in the current context.
fn look_up(cx: &mut Ctx, var: Value) -> R<Option<Value>> {
    match copy(cx).cast::<Dict>() {
        Some(values) => values.get(cx, var),
        None => Ok(None),
    }
}

/// Gives a variable a value in a context, or none.
fn assign(cx: &mut Ctx, context: Gc<Boxed>, var: Value, value: Option<Value>) -> R<()> {
    let changed = match values(&context) {
        Some(old) => old.snapshot(cx)?,
        None => cx.new_dict(),
    };
    match value {
        Some(value) => changed.set(cx, var, value)?,
        None => drop(changed.remove(cx, var)?),
    }
    context.slots()[VALUES].set(changed.value());
    Ok(())
}

/// A copy of the current context: its values, or None if it is empty and nobody has looked at it.
pub fn copy(cx: &mut Ctx) -> Value {
    let context = cx.current_context();
    context_of(context).map_or(context, |c| c.slots()[VALUES].get())
}

/// A context that a script may be given instead of None.
pub fn materialize(cx: &mut Ctx, context: Value) -> Value {
    if context_of(context).is_some() {
        return context;
    }
    let values = if context.is_a::<Dict>() { context } else { cx.new_dict().value() };
    new_context(cx, values)
}

/// Makes a context current, for [`leave`] to undo.
pub fn enter(cx: &mut Ctx, context: Gc<Boxed>) -> R<()> {
    let before = cx.current_context();
    if !context.slots()[BEFORE].replace_if(Value::UNBOUND, before) {
        let shown = cx.repr_text(context.value());
        return Err(cx.runtime_error(format!("cannot enter context: {shown} is already entered")));
    }
    cx.set_current_context(context.value());
    Ok(())
}

/// Makes the context from before [`enter`] current again.
pub fn leave(cx: &mut Ctx, context: Gc<Boxed>) {
    let before = context.slots()[BEFORE].swap(Value::UNBOUND);
    cx.set_current_context(if before.is_unbound() { Value::NONE } else { before });
}

/// `Context.run`. Slots: context, arguments, keywords.
const RUN: Resume = Resume::always(|cx, frame, entered| run_step(cx, frame, entered).into());

fn run_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let context = receiver(cx, frame.get(0), &CONTEXT)?;
    match entered {
        Entered::Start => {}
        Entered::With(v) | Entered::Ended(v) => {
            leave(cx, context);
            return Ok(Step::Done(v));
        }
        Entered::Raised(e) => {
            leave(cx, context);
            return Err(e);
        }
    }
    let args = frame.get(1).cast::<Tuple>();
    let Some((f, args)) = args.as_ref().and_then(|args| args.items().split_first()) else {
        return Err(cx.type_error("run() missing 1 required positional argument"));
    };
    enter(cx, context)?;
    let step = pass_on(cx, frame, *f, args, frame.get(2).cast::<Dict>());
    if step.is_err() {
        leave(cx, context);
    }
    step
}

fn expect_variable(cx: &mut Ctx, var: Value) -> R<()> {
    if var.cast::<Boxed>().is_some_and(|b| b.is(&VARIABLE)) {
        return Ok(());
    }
    let shown = cx.repr_text(var);
    Err(cx.type_error(format!("a ContextVar key was expected, got {shown}")))
}

/// ContextVar
#[conc_macros::methods]
pub mod variable {
    use super::*;

    #[static_method]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        name: Value,
        #[kwonly]
        #[default(Value::UNBOUND)]
        default: Value,
    ) -> R<Gc<Boxed>> {
        if name.cast::<Str>().is_none() {
            return Err(cx.type_error("context variable name must be a str"));
        }
        Ok(make(cx, class, &VARIABLE, &[name, default]))
    }
    /// What the variable is called.
    #[getter]
    pub fn name(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this, &VARIABLE)?.slots()[NAME].get())
    }
    /// Look the variable up in the current context; else give the default.
    pub fn get(cx: &mut Ctx, this: Value, #[default(Value::UNBOUND)] default: Value) -> R {
        let var = receiver(cx, this, &VARIABLE)?;
        let kept = var.slots()[DEFAULT].get();
        match look_up(cx, this)? {
            Some(value) => Ok(value),
            None if !default.is_unbound() => Ok(default),
            None if !kept.is_unbound() => Ok(kept),
            None => Err(cx.error_with(ClassId::LookupError, &[this])),
        }
    }
    /// Give the variable a value in the current context; a token to undo that with.
    pub fn set(cx: &mut Ctx, this: Value, value: Value) -> R<Gc<Boxed>> {
        receiver(cx, this, &VARIABLE)?;
        let context = current(cx)?;
        let old = look_up(cx, this)?.unwrap_or(Value::UNBOUND);
        assign(cx, context, this, Some(value))?;
        let class = recall_class(cx, "contextvars.Token").unwrap_or_else(|| cx.class(ClassId::Object));
        Ok(make(cx, class, &TOKEN, &[this, context.value(), old, Value::FALSE]))
    }
    /// Undo the `set` that gave the token.
    pub fn reset(cx: &mut Ctx, this: Value, token: Value) -> R<()> {
        receiver(cx, this, &VARIABLE)?;
        let Some(t) = token.cast::<Boxed>().filter(|b| b.is(&TOKEN)) else {
            let shown = cx.repr_text(token);
            return Err(cx.type_error(format!("expected an instance of Token, got {shown}")));
        };
        let shown = cx.repr_text(token);
        if t.slots()[USED].get() == Value::TRUE {
            return Err(cx.runtime_error(format!("{shown} has already been used once")));
        }
        if t.slots()[VAR].get() != this {
            return Err(cx.value_error(format!("{shown} was created by a different ContextVar")));
        }
        let context = current(cx)?;
        if t.slots()[OWNER].get() != context.value() {
            return Err(cx.value_error(format!("{shown} was created in a different Context")));
        }
        t.slots()[USED].set(Value::TRUE);
        let old = t.slots()[OLD].get();
        assign(cx, context, this, (!old.is_unbound()).then_some(old))
    }
    /// Give the class with type arguments.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Gc<Class>, object: Value) -> R {
        Ok(cx.generic_alias(class.value(), object)?.value())
    }
    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<String> {
        let var = receiver(cx, this, &VARIABLE)?;
        let (name, default) = (var.slots()[NAME].get(), var.slots()[DEFAULT].get());
        let name = cx.repr_text(name);
        let default = if default.is_unbound() { String::new() } else { format!(" default={}", cx.repr_text(default)) };
        Ok(format!("<ContextVar name={name}{default} at {:#x}>", var.as_ptr() as usize))
    }
}

/// Token
#[conc_macros::methods]
pub mod token {
    use super::*;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Gc<Class>, _args: &[Value]) -> R {
        Err(cx.runtime_error("Tokens can only be created by ContextVars"))
    }
    /// The variable that was set.
    #[getter]
    pub fn var(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this, &TOKEN)?.slots()[VAR].get())
    }
    /// The value that it had before, or Token.MISSING.
    #[getter]
    pub fn old_value(cx: &mut Ctx, this: Value) -> R {
        let old = receiver(cx, this, &TOKEN)?.slots()[OLD].get();
        if !old.is_unbound() {
            return Ok(old);
        }
        Ok(recall(cx, MISSING).unwrap_or(Value::NONE))
    }
    /// Give the class with type arguments.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Gc<Class>, object: Value) -> R {
        Ok(cx.generic_alias(class.value(), object)?.value())
    }
    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<String> {
        let t = receiver(cx, this, &TOKEN)?;
        let used = if t.slots()[USED].get() == Value::TRUE { " used" } else { "" };
        let var = cx.repr_text(t.slots()[VAR].get());
        Ok(format!("<Token{used} var={var} at {:#x}>", t.as_ptr() as usize))
    }
}

/// The class of Token.MISSING.
#[conc_macros::methods]
pub mod missing {
    use super::*;

    pub fn __repr__(_this: Value) -> &'static str {
        "<Token.MISSING>"
    }
}

/// Context
#[conc_macros::methods]
pub mod context {
    use super::*;
    use conc_interpreter::native::Kwargs;

    fn dict(cx: &mut Ctx, this: Value) -> R<Gc<Dict>> {
        let context = receiver(cx, this, &CONTEXT)?;
        super::values(&context).ok_or_else(|| cx.type_error("a context without values"))
    }

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>) -> Gc<Boxed> {
        let values = cx.new_dict().value();
        make(cx, class, &CONTEXT, &[values, Value::UNBOUND])
    }
    /// Call something with this as the current context.
    #[resumable(super::RUN)]
    pub fn run(cx: &mut Ctx, _this: Value, _args: &[Value], kwargs: Kwargs) -> R {
        let _ = kwargs;
        Err(cx.runtime_error("run() needs a frame"))
    }
    /// Give a context with the same values.
    pub fn copy(cx: &mut Ctx, this: Value) -> R {
        let values = dict(cx, this)?.value();
        Ok(new_context(cx, values))
    }
    /// Give the value of a variable, or the default.
    pub fn get(cx: &mut Ctx, this: Value, var: Value, #[default(Value::NONE)] default: Value) -> R {
        expect_variable(cx, var)?;
        Ok(dict(cx, this)?.get(cx, var)?.unwrap_or(default))
    }
    pub fn __getitem__(cx: &mut Ctx, this: Value, var: Value) -> R {
        expect_variable(cx, var)?;
        match dict(cx, this)?.get(cx, var)? {
            Some(value) => Ok(value),
            None => Err(cx.key_error(var)),
        }
    }
    pub fn __contains__(cx: &mut Ctx, this: Value, var: Value) -> R<bool> {
        expect_variable(cx, var)?;
        Ok(dict(cx, this)?.get(cx, var)?.is_some())
    }
    pub fn __len__(cx: &mut Ctx, this: Value) -> R<usize> {
        Ok(dict(cx, this)?.len())
    }
    pub fn __iter__(cx: &mut Ctx, this: Value) -> R {
        let values = dict(cx, this)?.value();
        cx.iter(values)
    }
    /// List the variables that have a value.
    pub fn keys(cx: &mut Ctx, this: Value) -> R {
        view(cx, this, "keys")
    }
    /// List the values.
    pub fn values(cx: &mut Ctx, this: Value) -> R {
        view(cx, this, "values")
    }
    /// List the variables with their values.
    pub fn items(cx: &mut Ctx, this: Value) -> R {
        view(cx, this, "items")
    }
    fn view(cx: &mut Ctx, this: Value, which: &str) -> R {
        let values = dict(cx, this)?.value();
        call_method(cx, values, which, &[])
    }
    pub fn __eq__(cx: &mut Ctx, this: Value, other: Value) -> R {
        if context_of(other).is_none() {
            return Ok(Value::NOT_IMPLEMENTED);
        }
        let (mine, its) = (dict(cx, this)?.value(), dict(cx, other)?.value());
        cx.eq(mine, its).map(Value::bool)
    }
}

/// Variables with a value per context.
#[conc_macros::module(name = "_contextvars")]
pub mod functions {
    use super::*;
    use crate::core::shared::{define, set_text};

    /// Copy the current context.
    pub fn copy_context(cx: &mut Ctx) -> R {
        let context = current(cx)?;
        let values = context.slots()[VALUES].get();
        Ok(new_context(cx, values))
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let classes = [("ContextVar", variable::METHODS), ("Token", token::METHODS), ("Context", context::METHODS)];
        for (name, methods) in classes {
            let class = cx.native_class("_contextvars", name, None, methods);
            remember(cx, &format!("contextvars.{name}"), class.value());
            define(cx, module, name, class.value());
        }
        let class = cx.native_class("_contextvars", "_MissingType", None, missing::METHODS);
        let missing = make(cx, class, &NOTHING, &[]).value();
        remember(cx, MISSING, missing);
        if let Some(token) = recall_class(cx, "contextvars.Token") {
            set_text(cx, token.dict(), "MISSING", missing);
        }
        Ok(())
    }
}
