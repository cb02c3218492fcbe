//! BaseExceptionGroup and ExceptionGroup.

use conc_macros::methods;

/// The methods of BaseExceptionGroup.
#[methods]
pub mod methods {
    use super::{Condition, condition, new_group, split_by};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::exception::{Exception, extra};
    use crate::object::misc::GenericAlias;
    use crate::object::sequence::Tuple;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, args: &[Value], _kwargs: Kwargs) -> R {
        new_group(cx, class, args)
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Exception>, args: &[Value], kwargs: Kwargs) -> R<()> {
        let name = cx.type_name(this.value());
        cx.no_kwargs(&name, kwargs.0)?;
        let args = cx.tuple(args)?;
        this.args.set(args);
        Ok(())
    }

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Str>> {
        let mut out = cx.to_str(this.extra[extra::GROUP_MSG].get())?.as_bytes().to_vec();
        let n = this.extra[extra::GROUP_EXCS].get().cast::<Tuple>().map_or(0, |t| t.len);
        let s = if n == 1 { "" } else { "s" };
        out.extend_from_slice(format!(" ({n} sub-exception{s})").as_bytes());
        cx.try_wtf8(&out)
    }

    /// The message.
    #[getter]
    pub fn message(this: Gc<Exception>) -> Value {
        this.extra[extra::GROUP_MSG].get()
    }

    /// The exceptions in the group.
    #[getter]
    pub fn exceptions(this: Gc<Exception>) -> Value {
        this.extra[extra::GROUP_EXCS].get()
    }

    /// A group with the same message and other exceptions.
    pub fn derive(cx: &mut Ctx, this: Gc<Exception>, excs: Value) -> R {
        let class = cx.class(crate::object::kind::ClassId::BaseExceptionGroup).value();
        cx.call(class, &[this.extra[extra::GROUP_MSG].get(), excs])
    }

    /// The matching part and the rest.
    pub fn split(cx: &mut Ctx, this: Gc<Exception>, matcher_value: Value) -> R {
        let matcher = condition(cx, matcher_value)?;
        let (yes, no) = split_by(cx, this.value(), matcher, true)?;
        cx.tuple(&[yes, no])
    }

    /// The matching part.
    pub fn subgroup(cx: &mut Ctx, this: Gc<Exception>, matcher_value: Value) -> R {
        let matcher: Condition = condition(cx, matcher_value)?;
        Ok(split_by(cx, this.value(), matcher, false)?.0)
    }

    /// Give the class with type arguments, as in `list[int]`.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Value, key: Value) -> R<Gc<GenericAlias>> {
        cx.generic_alias(class, key)
    }
}

use crate::native::{Ctx, R};
use crate::object::class::Class;
use crate::object::construct::class_for_new;
use crate::object::exception::{Exception, extra};
use crate::object::kind::ClassId;
use crate::object::sequence::{List, Tuple};
use crate::object::string::Str;
use crate::value::{Gc, Value};

fn new_group(cx: &mut Ctx, class: Value, args: &[Value]) -> R {
    let mut class = class_for_new(cx, class, ClassId::BaseExceptionGroup)?;
    let &[message, excs] = args else {
        let message = format!("BaseExceptionGroup.__new__() takes exactly 2 arguments ({} given)", args.len());
        return Err(cx.type_error(message));
    };
    if !message.is_a::<Str>() {
        let got = cx.type_name(message);
        return Err(cx.type_error(format!("BaseExceptionGroup.__new__() argument 1 must be str, not {got}")));
    }
    let names = cx.names();
    if cx.lookup_special(excs, names.__getitem__).is_none() || excs.is_a::<crate::object::dict::Dict>() {
        return Err(cx.type_error("second argument (exceptions) must be a sequence"));
    }
    let members = cx.collect_tuple(excs)?;
    if members.len == 0 {
        return Err(cx.value_error("second argument (exceptions) must be a non-empty sequence"));
    }
    let mut plain = true;
    for (i, &member) in members.items().iter().enumerate() {
        if !member.is_a::<Exception>() {
            let message = format!("Item {i} of second argument (exceptions) is not an exception");
            return Err(cx.value_error(message));
        }
        plain &= cx.is_instance(member, ClassId::Exception);
    }
    if class.id == ClassId::BaseExceptionGroup as u32 {
        if plain {
            class = cx.class(ClassId::ExceptionGroup);
        }
    } else if !plain && class.id == ClassId::ExceptionGroup as u32 {
        return Err(cx.type_error("Cannot nest BaseExceptions in an ExceptionGroup"));
    } else if !plain && class.is_subclass_of(cx.class(ClassId::Exception)) {
        let name = class.name_text();
        return Err(cx.type_error(format!("Cannot nest BaseExceptions in '{name}'")));
    }
    let all = cx.tuple(args)?;
    let exc = cx.new_exception_of(class, all);
    exc.extra[extra::GROUP_MSG].set(message);
    exc.extra[extra::GROUP_EXCS].set(members.value());
    Ok(exc.value())
}

/// What `split` asks of each exception.
#[derive(Clone, Copy)]
pub enum Condition {
    /// A class or a tuple of classes.
    Classes(Value),
    Predicate(Value),
}

fn condition(cx: &mut Ctx, v: Value) -> R<Condition> {
    let base = cx.class(ClassId::BaseException);
    let is_class = |v: &Value| v.cast::<Class>().is_some_and(|c| c.is_subclass_of(base));
    if is_class(&v) || v.cast::<Tuple>().is_some_and(|t| t.items().iter().all(is_class)) {
        return Ok(Condition::Classes(v));
    }
    let call = cx.names().__call__;
    if !v.is_a::<Class>() && (is_function(v) || cx.lookup_special(v, call).is_some()) {
        return Ok(Condition::Predicate(v));
    }
    let message = "expected an exception type, a tuple of exception types, or a callable (other than a class)";
    Err(cx.type_error(message))
}

fn is_function(v: Value) -> bool {
    use crate::object::function::{Function, Method, Native};
    v.is_a::<Function>() || v.is_a::<Method>() || v.is_a::<Native>()
}

/// The matching and the other part of an exception; None for an empty part.
pub fn split_by(cx: &mut Ctx, exc: Value, by: Condition, want_rest: bool) -> R<(Value, Value)> {
    let matched = match by {
        Condition::Classes(classes) => cx.exception_matches(exc, classes)?,
        Condition::Predicate(f) => {
            let result = cx.call(f, &[exc])?;
            cx.truth(result)?
        }
    };
    if matched {
        return Ok((exc, Value::NONE));
    }
    let group = exc.cast::<Exception>().filter(|_| cx.is_instance(exc, ClassId::BaseExceptionGroup));
    let Some(group) = group else { return Ok((Value::NONE, exc)) };
    cx.check_stack()?;
    let Some(members) = group.extra[extra::GROUP_EXCS].get().cast::<Tuple>() else { return Ok((Value::NONE, exc)) };
    let (yes, no) = (cx.new_list(), cx.new_list());
    for &member in members.items() {
        let (a, b) = split_by(cx, member, by, want_rest)?;
        if !a.is_none() {
            cx.list_push(yes, a)?;
        }
        if !b.is_none() && want_rest {
            cx.list_push(no, b)?;
        }
    }
    Ok((subset(cx, group, yes)?, subset(cx, group, no)?))
}

/// A group derived from `group` with some of its members and all of its links.
pub fn subset(cx: &mut Ctx, group: Gc<Exception>, members: Gc<List>) -> R {
    if members.is_empty() {
        return Ok(Value::NONE);
    }
    let derive = cx.get_attr_text(group.value(), "derive")?;
    let new = cx.call(derive, &[members.value()])?;
    let exc = new.cast::<Exception>().filter(|_| cx.is_instance(new, ClassId::BaseExceptionGroup));
    let Some(exc) = exc else {
        return Err(cx.type_error("derive must return an instance of BaseExceptionGroup"));
    };
    exc.traceback.set(group.traceback.get());
    exc.context.set(group.context.get());
    exc.cause.set(group.cause.get());
    exc.suppress.store(group.suppress.load(std::sync::atomic::Ordering::Relaxed), std::sync::atomic::Ordering::Relaxed);
    let name = cx.names().__notes__;
    if let Some(notes) = cx.get_attr_opt(group.value(), name)?
        && (notes.is_a::<List>() || notes.is_a::<Tuple>())
    {
        let copy = cx.collect_list(notes)?;
        cx.set_attr(new, name, copy.value())?;
    }
    Ok(new)
}
