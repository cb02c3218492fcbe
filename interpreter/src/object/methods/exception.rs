//! BaseException, and the small things its subclasses add.

use conc_macros::methods;

/// The methods of BaseException.
#[methods]
pub mod methods {
    use super::{keep, link, state_copy};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::construct::class_for_new;
    use crate::object::dict::Dict;
    use crate::object::exception::{Exception, Traceback};
    use crate::object::exceptions::init_extra;
    use crate::object::kind::ClassId;
    use crate::object::sequence::Tuple;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};
    use std::sync::atomic::Ordering;

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, args: &[Value], _kwargs: Kwargs) -> R {
        let class = class_for_new(cx, class, ClassId::BaseException)?;
        let args = cx.tuple(args)?;
        let exc = cx.new_exception_of(class, args);
        init_extra(cx, exc);
        Ok(exc.value())
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Exception>, args: &[Value], kwargs: Kwargs) -> R<()> {
        let name = cx.class_of(this.value()).name_text();
        cx.no_kwargs(&name, kwargs.0)?;
        let same = this.args.get().cast::<Tuple>().is_some_and(|t| t.items() == args);
        if !same {
            let args = cx.tuple(args)?;
            this.args.set(args);
            init_extra(cx, this);
        }
        Ok(())
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Str>> {
        let mut out = cx.class_of(this.value()).name_text().into_bytes();
        match this.args.get().cast::<Tuple>() {
            Some(args) if args.len == 1 => {
                out.push(b'(');
                cx.write_repr(args.items()[0], &mut out)?;
                out.push(b')');
            }
            _ => cx.write_repr(this.args.get(), &mut out)?,
        }
        cx.try_wtf8(&out)
    }

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Str>> {
        super::plain_text(cx, this)
    }

    /// Make tb the exception's traceback; gives the exception.
    pub fn with_traceback(cx: &mut Ctx, this: Gc<Exception>, tb: Value) -> R {
        __set_traceback(cx, this, tb)?;
        Ok(this.value())
    }

    /// Give the exception one more line to show, in `__notes__`.
    pub fn add_note(cx: &mut Ctx, this: Value, note: Value) -> R<()> {
        let Some(text) = note.cast::<Str>() else {
            let got = cx.type_name(note);
            return Err(cx.type_error(format!("note must be a str, not '{got}'")));
        };
        super::push_note(cx, this, text.value())
    }

    /// Sets attributes from a dict.
    pub fn __setstate__(cx: &mut Ctx, this: Value, state: Value) -> R<()> {
        if state.is_none() {
            return Ok(());
        }
        let Some(state) = state.cast::<Dict>() else {
            return Err(cx.type_error("state is not a dictionary"));
        };
        for (key, value) in state.pairs() {
            if let Some(name) = key.cast::<Str>() {
                cx.set_attr(this, name, value)?;
            }
        }
        Ok(())
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Exception>) -> R {
        let class = cx.class_of(this.value()).value();
        let state = state_copy(cx, this)?;
        if state.is_empty() {
            return cx.tuple(&[class, this.args.get()]);
        }
        cx.tuple(&[class, this.args.get(), state.value()])
    }

    /// The arguments.
    #[getter]
    #[name = "args"]
    pub fn get_args(this: Gc<Exception>) -> Value {
        this.args.get()
    }

    /// Replaces the arguments.
    #[setter]
    #[name = "args"]
    pub fn set_args(cx: &mut Ctx, this: Gc<Exception>, value: Value) -> R<()> {
        keep(cx, "args", value)?;
        let args = cx.collect_tuple(value)?;
        this.args.set(args.value());
        Ok(())
    }

    /// The traceback.
    #[getter]
    pub fn __traceback__(this: Gc<Exception>) -> Value {
        this.traceback.get()
    }

    /// Replaces the traceback.
    #[setter]
    #[name = "__traceback__"]
    pub fn __set_traceback(cx: &mut Ctx, this: Gc<Exception>, value: Value) -> R<()> {
        keep(cx, "__traceback__", value)?;
        if !value.is_none() && !value.is_a::<Traceback>() {
            return Err(cx.type_error("__traceback__ must be a traceback or None"));
        }
        this.traceback.set(value);
        Ok(())
    }

    /// The exception that was being handled.
    #[getter]
    pub fn __context__(this: Gc<Exception>) -> Value {
        this.context.get()
    }

    /// Replaces the context.
    #[setter]
    #[name = "__context__"]
    pub fn __set_context(cx: &mut Ctx, this: Gc<Exception>, value: Value) -> R<()> {
        link(cx, "context", value)?;
        this.context.set(value);
        Ok(())
    }

    /// The exception given with `from`.
    #[getter]
    pub fn __cause__(this: Gc<Exception>) -> Value {
        this.cause.get()
    }

    /// Replaces the cause.
    #[setter]
    #[name = "__cause__"]
    pub fn __set_cause(cx: &mut Ctx, this: Gc<Exception>, value: Value) -> R<()> {
        link(cx, "cause", value)?;
        this.cause.set(value);
        this.suppress.store(1, Ordering::Relaxed);
        Ok(())
    }

    /// Whether reports leave the context out.
    #[getter]
    pub fn __suppress_context__(this: Gc<Exception>) -> bool {
        this.suppress.load(Ordering::Relaxed) != 0
    }

    /// Says whether reports leave the context out.
    #[setter]
    #[name = "__suppress_context__"]
    pub fn __set_suppress(cx: &mut Ctx, this: Gc<Exception>, value: Value) -> R<()> {
        let Some(on) = value.as_bool() else {
            let message = if value.is_unbound() {
                "can't delete numeric/char attribute"
            } else {
                "attribute value type must be bool"
            };
            return Err(cx.type_error(message));
        };
        this.suppress.store(on as u32, Ordering::Relaxed);
        Ok(())
    }
}

/// KeyError.
#[methods]
pub mod key_error {
    use crate::native::{Ctx, R};
    use crate::object::exception::Exception;
    use crate::object::sequence::Tuple;
    use crate::object::string::Str;
    use crate::value::Gc;

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Str>> {
        match this.args.get().cast::<Tuple>() {
            Some(args) if args.len == 1 => cx.repr(args.items()[0]),
            _ => super::plain_text(cx, this),
        }
    }
}

/// StopIteration.
#[methods]
pub mod stop_iteration {
    use crate::object::exception::{Exception, extra};
    use crate::value::{Gc, Value};

    /// What the generator's return statement gave.
    #[getter]
    pub fn value(this: Gc<Exception>) -> Value {
        this.extra[extra::STOP_VALUE].get()
    }

    /// Replaces the value.
    #[setter]
    #[name = "value"]
    pub fn set_value(this: Gc<Exception>, value: Value) {
        this.extra[extra::STOP_VALUE].set(if value.is_unbound() { Value::NONE } else { value });
    }
}

/// SystemExit.
#[methods]
pub mod system_exit {
    use crate::object::exception::{Exception, extra};
    use crate::value::{Gc, Value};

    /// The status to exit with.
    #[getter]
    pub fn code(this: Gc<Exception>) -> Value {
        this.extra[extra::EXIT_CODE].get()
    }

    /// Replaces the code.
    #[setter]
    #[name = "code"]
    pub fn set_code(this: Gc<Exception>, value: Value) {
        this.extra[extra::EXIT_CODE].set(if value.is_unbound() { Value::NONE } else { value });
    }
}

/// AttributeError.
#[methods]
pub mod attribute_error {
    use super::{init_fields, pickled};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::exception::{Exception, extra};
    use crate::value::{Gc, Value};

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Exception>, args: &[Value], kwargs: Kwargs) -> R<()> {
        init_fields(cx, this, args, kwargs.0, &[("name", extra::ATTR_NAME), ("obj", extra::ATTR_OBJ)])
    }

    /// The name that the object lacks.
    #[getter]
    pub fn name(this: Gc<Exception>) -> Value {
        this.extra[extra::ATTR_NAME].get()
    }

    /// Replaces the attribute name.
    #[setter]
    #[name = "name"]
    pub fn set_name(this: Gc<Exception>, value: Value) {
        this.extra[extra::ATTR_NAME].set(if value.is_unbound() { Value::NONE } else { value });
    }

    /// The object that lacks the attribute.
    #[getter]
    pub fn obj(this: Gc<Exception>) -> Value {
        this.extra[extra::ATTR_OBJ].get()
    }

    /// Replaces the object.
    #[setter]
    #[name = "obj"]
    pub fn set_obj(this: Gc<Exception>, value: Value) {
        this.extra[extra::ATTR_OBJ].set(if value.is_unbound() { Value::NONE } else { value });
    }

    /// Give the object's attributes, for pickle and copy.
    pub fn __getstate__(cx: &mut Ctx, this: Gc<Exception>) -> R {
        pickled(cx, this, &[("name", extra::ATTR_NAME)], true)
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Exception>) -> R {
        let state = pickled(cx, this, &[("name", extra::ATTR_NAME)], true)?;
        let class = cx.class_of(this.value()).value();
        cx.tuple(&[class, this.args.get(), state])
    }
}

/// NameError.
#[methods]
pub mod name_error {
    use super::init_fields;
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::exception::{Exception, extra};
    use crate::value::{Gc, Value};

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Exception>, args: &[Value], kwargs: Kwargs) -> R<()> {
        init_fields(cx, this, args, kwargs.0, &[("name", extra::ATTR_NAME)])
    }

    /// The name that was looked up.
    #[getter]
    pub fn name(this: Gc<Exception>) -> Value {
        this.extra[extra::ATTR_NAME].get()
    }

    /// Replaces the name.
    #[setter]
    #[name = "name"]
    pub fn set_name(this: Gc<Exception>, value: Value) {
        this.extra[extra::ATTR_NAME].set(if value.is_unbound() { Value::NONE } else { value });
    }
}

/// ImportError.
#[methods]
pub mod import_error {
    use super::{init_fields, pickled, plain_text};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::dict::Dict;
    use crate::object::exception::{Exception, extra};
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    const FIELDS: &[(&str, usize)] =
        &[("name", extra::IMPORT_NAME), ("path", extra::IMPORT_PATH), ("name_from", extra::IMPORT_NAME_FROM)];

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Exception>, args: &[Value], kwargs: Kwargs) -> R<()> {
        init_fields(cx, this, args, kwargs.0, FIELDS)
    }

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Str>> {
        match cx.exact_str(this.extra[extra::IMPORT_MSG].get()) {
            Some(msg) => Ok(msg),
            None => plain_text(cx, this),
        }
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Exception>) -> R {
        let state = pickled(cx, this, FIELDS, false)?;
        let class = cx.class_of(this.value()).value();
        if state.cast::<Dict>().is_some_and(|d| d.is_empty()) {
            return cx.tuple(&[class, this.args.get()]);
        }
        cx.tuple(&[class, this.args.get(), state])
    }

    /// The message.
    #[getter]
    pub fn msg(this: Gc<Exception>) -> Value {
        this.extra[extra::IMPORT_MSG].get()
    }

    /// Replaces the message.
    #[setter]
    #[name = "msg"]
    pub fn set_msg(this: Gc<Exception>, value: Value) {
        this.extra[extra::IMPORT_MSG].set(if value.is_unbound() { Value::NONE } else { value });
    }

    /// The module that was to be imported.
    #[getter]
    pub fn name(this: Gc<Exception>) -> Value {
        this.extra[extra::IMPORT_NAME].get()
    }

    /// Replaces the module name.
    #[setter]
    #[name = "name"]
    pub fn set_name(this: Gc<Exception>, value: Value) {
        this.extra[extra::IMPORT_NAME].set(if value.is_unbound() { Value::NONE } else { value });
    }

    /// Where the module was looked for.
    #[getter]
    pub fn path(this: Gc<Exception>) -> Value {
        this.extra[extra::IMPORT_PATH].get()
    }

    /// Replaces the module path.
    #[setter]
    #[name = "path"]
    pub fn set_path(this: Gc<Exception>, value: Value) {
        this.extra[extra::IMPORT_PATH].set(if value.is_unbound() { Value::NONE } else { value });
    }

    /// The name that the module lacks.
    #[getter]
    pub fn name_from(this: Gc<Exception>) -> Value {
        this.extra[extra::IMPORT_NAME_FROM].get()
    }

    /// Replaces the name imported from the module.
    #[setter]
    #[name = "name_from"]
    pub fn set_name_from(this: Gc<Exception>, value: Value) {
        this.extra[extra::IMPORT_NAME_FROM].set(if value.is_unbound() { Value::NONE } else { value });
    }
}

use crate::native::{Ctx, R};
use crate::object::dict::Dict;
use crate::object::exception::Exception;
use crate::object::exceptions::init_extra;
use crate::object::kind::ClassId;
use crate::object::sequence::{List, Tuple};
use crate::object::string::Str;
use crate::value::{Gc, Value};

/// What `BaseException.__str__` shows: nothing, the argument, or all of them.
pub fn plain_text(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Str>> {
    match this.args.get().cast::<Tuple>() {
        Some(args) if args.len == 0 => Ok(cx.iso().roots.empty_str.obj()),
        Some(args) if args.len == 1 => cx.to_str(args.items()[0]),
        _ => cx.repr(this.args.get()),
    }
}

/// Refuses to delete an attribute.
fn keep(cx: &mut Ctx, name: &str, value: Value) -> R<()> {
    if value.is_unbound() {
        return Err(cx.type_error(format!("{name} may not be deleted")));
    }
    Ok(())
}

/// Checks a new cause or context.
fn link(cx: &mut Ctx, what: &str, value: Value) -> R<()> {
    keep(cx, &format!("__{what}__"), value)?;
    if value.is_none() || value.is_a::<Exception>() {
        return Ok(());
    }
    Err(cx.type_error(format!("exception {what} must be None or derive from BaseException")))
}

fn push_note(cx: &mut Ctx, this: Value, note: Value) -> R<()> {
    let name = cx.names().__notes__;
    match cx.get_attr_opt(this, name)? {
        None => {
            let list = cx.list(&[note])?;
            cx.set_attr(this, name, list.value())
        }
        Some(notes) => match notes.cast::<List>() {
            Some(list) => cx.list_push(list, note),
            None => Err(cx.type_error("Cannot add note: __notes__ is not a list")),
        },
    }
}

/// A copy of the exception's attributes.
pub fn state_copy(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Dict>> {
    let copy = cx.new_dict();
    if let Some(header) = this.value().header() {
        let shapes = &cx.iso().shapes;
        let shape = shapes.get(header.shape());
        if shape.foreign {
            if let Some(dict) = this.attrs.get().cast::<Dict>() {
                for (key, value) in dict.pairs() {
                    copy.set(cx, key, value)?;
                }
            }
            return Ok(copy);
        }
        for (name, index) in shapes.names(shape) {
            let value = cx.slot_at(header, shape, index as usize).map_or(Value::UNBOUND, |s| s.get());
            if !value.is_unbound() {
                copy.set(cx, name, value)?;
            }
        }
    }
    Ok(copy)
}

/// `__init__` of exceptions with keyword fields.
fn init_fields(
    cx: &mut Ctx,
    this: Gc<Exception>,
    args: &[Value],
    kwargs: Option<Gc<Dict>>,
    fields: &[(&str, usize)],
) -> R<()> {
    let all = cx.tuple(args)?;
    this.args.set(all);
    init_extra(cx, this);
    for (_, field) in fields {
        this.extra[*field].set_immediate(Value::NONE);
    }
    let Some(kwargs) = kwargs else { return Ok(()) };
    for (key, value) in kwargs.pairs() {
        let key = cx.text_of(key);
        match fields.iter().find(|(name, _)| *name == key) {
            Some((_, field)) => this.extra[*field].set(value),
            None => return Err(unexpected_keyword(cx, this, &key, fields)),
        }
    }
    Ok(())
}

fn unexpected_keyword(cx: &mut Ctx, this: Gc<Exception>, key: &str, fields: &[(&str, usize)]) -> crate::native::Raised {
    // CPython names the class that defines `__init__`.
    let class = cx.class_of(this.value());
    let owner = class.mro_classes().find(|c| {
        [ClassId::ImportError, ClassId::AttributeError, ClassId::NameError].iter().any(|&id| c.id == id as u32)
    });
    let name = owner.map_or_else(|| class.name_text(), |c| c.name_text());
    let near = fields.iter().find(|(name, _)| one_edit_apart(name, key));
    let hint = near.map_or_else(String::new, |(name, _)| format!(". Did you mean '{name}'?"));
    cx.type_error(format!("{name}() got an unexpected keyword argument '{key}'{hint}"))
}

/// Whether two words differ by one letter missing, added or replaced.
fn one_edit_apart(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let rest = (a.len().min(b.len())) - start;
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count().min(rest);
    a.len().max(b.len()) - start - end <= 1
}

/// The pickled state of exceptions with keyword fields.
fn pickled(cx: &mut Ctx, this: Gc<Exception>, fields: &[(&str, usize)], args: bool) -> R {
    let state = state_copy(cx, this)?;
    for (name, field) in fields {
        let value = this.extra[*field].get();
        if !value.is_none() {
            let name = cx.intern(name);
            state.set_str(cx, name, value);
        }
    }
    if args {
        let name = cx.names().args;
        state.set_str(cx, name, this.args.get());
    }
    Ok(state.value())
}
