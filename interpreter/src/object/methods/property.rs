//! property, staticmethod and classmethod.

use conc_macros::methods;

/// The methods of property.
#[methods]
pub mod methods {
    use super::{changed, init, property_name};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::construct::class_for_new;
    use crate::object::function::Property;
    use crate::object::kind::ClassId;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, _args: &[Value], _kwargs: Kwargs) -> R<Gc<Property>> {
        let class = class_for_new(cx, class, ClassId::Property)?;
        Ok(cx.new_property(class))
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Property>,
        #[kw]
        #[default(Value::NONE)]
        fget: Value,
        #[kw]
        #[default(Value::NONE)]
        fset: Value,
        #[kw]
        #[default(Value::NONE)]
        fdel: Value,
        #[kw]
        #[default(Value::NONE)]
        doc: Value,
    ) -> R<()> {
        init(cx, this, [fget, fset, fdel], doc)
    }

    /// Give what reading the attribute from the instance yields.
    pub fn __get__(cx: &mut Ctx, this: Value, instance: Value, _owner: Option<Value>) -> R {
        if instance.is_none() {
            return Ok(this);
        }
        cx.property_get(this, instance)
    }

    /// Set the attribute that this descriptor stands for.
    pub fn __set__(cx: &mut Ctx, this: Gc<Property>, instance: Value, value: Value) -> R<()> {
        cx.property_set(this, instance, value)
    }

    /// Delete the attribute that this descriptor stands for.
    pub fn __delete__(cx: &mut Ctx, this: Gc<Property>, instance: Value) -> R<()> {
        cx.property_set(this, instance, Value::UNBOUND)
    }

    /// Learn the attribute's name from the class that has it.
    pub fn __set_name__(this: Gc<Property>, _owner: Value, name: Value) {
        this.name.set(name);
    }

    /// Give a property like this one that reads with another function.
    pub fn getter(cx: &mut Ctx, this: Gc<Property>, fget: Value) -> R {
        changed(cx, this, [fget, this.set.get(), this.delete.get()])
    }

    /// Give a property like this one that writes with another function.
    pub fn setter(cx: &mut Ctx, this: Gc<Property>, fset: Value) -> R {
        changed(cx, this, [this.get.get(), fset, this.delete.get()])
    }

    /// Give a property like this one that deletes with another function.
    pub fn deleter(cx: &mut Ctx, this: Gc<Property>, fdel: Value) -> R {
        changed(cx, this, [this.get.get(), this.set.get(), fdel])
    }

    /// The getter.
    #[getter]
    pub fn fget(this: Gc<Property>) -> Value {
        this.get.get()
    }

    /// The setter.
    #[getter]
    pub fn fset(this: Gc<Property>) -> Value {
        this.set.get()
    }

    /// The deleter.
    #[getter]
    pub fn fdel(this: Gc<Property>) -> Value {
        this.delete.get()
    }

    /// The documentation string.
    #[getter]
    pub fn __doc__(this: Gc<Property>) -> Value {
        this.doc.get()
    }

    /// Changes the documentation string.
    #[setter]
    #[name = "__doc__"]
    pub fn set_doc(this: Gc<Property>, value: Value) {
        this.doc.set(if value.is_unbound() { Value::NONE } else { value });
    }

    /// The name it has on its class.
    #[getter]
    pub fn __name__(cx: &mut Ctx, this: Gc<Property>) -> R {
        property_name(cx, this)
    }

    /// Renames the property.
    #[setter]
    #[name = "__name__"]
    pub fn set_name(this: Gc<Property>, value: Value) {
        this.name.set(value);
    }

    /// Whether one of the functions is abstract.
    #[getter]
    pub fn __isabstractmethod__(cx: &mut Ctx, this: Gc<Property>) -> R<bool> {
        for f in [this.get.get(), this.set.get(), this.delete.get()] {
            if super::is_abstract(cx, f)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What staticmethod and classmethod have in common.
#[methods]
pub mod wrapping {
    use crate::native::{Ctx, R};
    use crate::object::function::Wrapper;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Wrapper>, function: Value) -> R<()> {
        this.value.set(function);
        super::copy_names(cx, this.value(), function)
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Wrapper>) -> R<Gc<Str>> {
        let name = cx.class_of(this.value()).name_text();
        let mut out = format!("<{name}(").into_bytes();
        cx.write_repr(this.value.get(), &mut out)?;
        out.extend_from_slice(b")>");
        cx.try_wtf8(&out)
    }

    /// The function.
    #[getter]
    pub fn __func__(this: Gc<Wrapper>) -> Value {
        this.value.get()
    }

    /// The function.
    #[getter]
    pub fn __wrapped__(this: Gc<Wrapper>) -> Value {
        this.value.get()
    }

    /// Whether the function is abstract.
    #[getter]
    pub fn __isabstractmethod__(cx: &mut Ctx, this: Gc<Wrapper>) -> R<bool> {
        super::is_abstract(cx, this.value.get())
    }

    /// The attributes.
    #[getter]
    pub fn __dict__(cx: &mut Ctx, this: Value) -> R {
        match cx.attrs_dict(this, true) {
            Some(dict) => Ok(dict.value()),
            None => Err(cx.attribute_error("__dict__")),
        }
    }

    /// Give what reading the attribute from the instance yields.
    pub fn __get__(cx: &mut Ctx, this: Gc<Wrapper>, instance: Value, #[default(Value::NONE)] owner: Value) -> R {
        let owner = match owner.cast::<crate::object::class::Class>() {
            Some(class) => class,
            None => cx.class_of(instance),
        };
        cx.bind_wrapper(this.value(), instance, owner)
    }
}

/// staticmethod alone.
#[methods]
pub mod static_method {
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::function::Wrapper;
    use crate::object::kind::ClassId;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, _args: &[Value], _kwargs: Kwargs) -> R {
        super::new_wrapper(cx, class, ClassId::StaticMethod)
    }

    /// Run the object the way a function is run.
    pub fn __call__(cx: &mut Ctx, this: Gc<Wrapper>, args: &[Value], kwargs: Kwargs) -> R {
        cx.call_kwargs(this.value.get(), args, kwargs.0)
    }
}

/// classmethod alone.
#[methods]
pub mod class_method {
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::kind::ClassId;
    use crate::value::Value;

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, _args: &[Value], _kwargs: Kwargs) -> R {
        super::new_wrapper(cx, class, ClassId::ClassMethod)
    }
}

use crate::native::{Ctx, R};
use crate::object::construct::class_for_new;
use crate::object::function::Property;
use crate::object::kind::ClassId;
use crate::value::{Gc, Value};
use std::sync::atomic::Ordering;

/// `property(fget, fset, fdel, doc)`: without a doc the getter's.
fn init(cx: &mut Ctx, p: Gc<Property>, functions: [Value; 3], doc: Value) -> R<()> {
    let [get, set, delete] = functions;
    p.get.set(get);
    p.set.set(set);
    p.delete.set(delete);
    p.doc.set(doc);
    let name = cx.names().__doc__;
    let mut text = doc;
    if doc.is_none() && !get.is_none() {
        text = cx.get_attr_opt(get, name)?.unwrap_or(Value::NONE);
        p.doc.set(text);
    }
    // A subclass may have a `__doc__` of its own on the class: the property's goes into its attributes.
    if cx.class_of(p.value()).id == 0 && !text.is_none() {
        match cx.set_instance_attr(p.value(), name, text) {
            Err(e) if !cx.is_error(e, ClassId::AttributeError) => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

/// A copy of the property's own class with other functions.
fn changed(cx: &mut Ctx, p: Gc<Property>, functions: [Value; 3]) -> R {
    let class = cx.class_of(p.value()).value();
    let name = cx.names().__doc__;
    // A doc taken from the old getter is taken from the new one again.
    let old = p.get.get();
    let inherited = !old.is_none() && cx.get_attr_opt(old, name)?.unwrap_or(Value::NONE) == p.doc.get();
    let doc = if inherited { Value::NONE } else { p.doc.get() };
    let [get, set, delete] = functions;
    let new = cx.call(class, &[get, set, delete, doc])?;
    if let Some(new) = new.cast::<Property>() {
        new.name.set(p.name.get());
    }
    Ok(new)
}

fn property_name(cx: &mut Ctx, p: Gc<Property>) -> R {
    let own = p.name.get();
    if !own.is_unbound() {
        return Ok(own);
    }
    let name = cx.names().__name__;
    if !p.get.get().is_none()
        && let Some(found) = cx.get_attr_opt(p.get.get(), name)?
    {
        return Ok(found);
    }
    Err(cx.no_attribute(p.value(), name.value()))
}

fn is_abstract(cx: &mut Ctx, f: Value) -> R<bool> {
    if f.is_none() || f.is_unbound() {
        return Ok(false);
    }
    let name = cx.names().__isabstractmethod__;
    match cx.get_attr_opt(f, name)? {
        Some(v) => cx.truth(v),
        None => Ok(false),
    }
}

/// A staticmethod or classmethod object without its function.
fn new_wrapper(cx: &mut Ctx, class: Value, id: ClassId) -> R {
    let class = class_for_new(cx, class, id)?;
    let w = cx.new_wrapper(id, Value::NONE, Value::UNBOUND, Value::NONE, Value::NONE);
    w.header().set_shape(class.root_shape.load(Ordering::Acquire));
    Ok(w.value())
}

/// Copies name and documentation of a function to its wrapper.
fn copy_names(cx: &mut Ctx, wrapper: Value, f: Value) -> R<()> {
    let names = cx.names();
    for name in [names.__module__, names.__name__, names.__qualname__, names.__doc__] {
        if let Some(value) = cx.get_attr_opt(f, name)? {
            cx.set_instance_attr(wrapper, name, value)?;
        }
    }
    Ok(())
}
