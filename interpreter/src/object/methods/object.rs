//! object: what every class inherits.

use conc_macros::methods;

/// The methods of object.
#[methods]
pub mod methods {
    use super::{change_class, default_dir, new_object};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::construct::{is_method_of, is_object_method};
    use crate::object::kind::ClassId;
    use crate::object::methods::reduce;
    use crate::object::sequence::List;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, args: &[Value], kwargs: Kwargs) -> R {
        new_object(cx, class, !args.is_empty() || kwargs.0.is_some_and(|k| !k.is_empty()))
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Value, args: &[Value], kwargs: Kwargs) -> R<()> {
        if args.is_empty() && kwargs.0.is_none_or(|k| k.is_empty()) {
            return Ok(());
        }
        let (class, names) = (cx.class_of(this), cx.names());
        let own_init = cx.lookup(class, names.__init__).is_some_and(|f| !is_object_method(cx, f));
        let name = class.name_text();
        if own_init {
            let message = format!("{name}.__init__() takes exactly one argument (the instance to initialize)");
            return Err(cx.type_error(message));
        }
        if cx.lookup(class, names.__new__).is_some_and(|f| is_object_method(cx, f)) {
            let message = format!("{name}.__init__() takes exactly one argument (the instance to initialize)");
            return Err(cx.type_error(message));
        }
        Ok(())
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<Gc<Str>> {
        let mut out = Vec::new();
        cx.write_default_repr(this, &mut out)?;
        cx.try_wtf8(&out)
    }

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: Value) -> R {
        cx.check_stack()?;
        let names = cx.names();
        match cx.call_special(this, names.__repr__, &[])? {
            Some(text) => Ok(text),
            None => Ok(cx.repr(this)?.value()),
        }
    }

    /// Tell whether self and value are equal.
    pub fn __eq__(this: Value, value: Value) -> Value {
        if this == value { Value::TRUE } else { Value::NOT_IMPLEMENTED }
    }

    /// Tell whether self and value differ.
    pub fn __ne__(cx: &mut Ctx, this: Value, value: Value) -> R {
        let names = cx.names();
        let result = cx.call_special(this, names.__eq__, &[value])?.unwrap_or(Value::NOT_IMPLEMENTED);
        if result == Value::NOT_IMPLEMENTED {
            return Ok(result);
        }
        Ok(Value::bool(!cx.truth(result)?))
    }

    /// Tell whether self is less than value.
    pub fn __lt__(_this: Value, _value: Value) -> Value {
        Value::NOT_IMPLEMENTED
    }

    /// Tell whether self is less than value or equal to it.
    pub fn __le__(_this: Value, _value: Value) -> Value {
        Value::NOT_IMPLEMENTED
    }

    /// Tell whether self is greater than value.
    pub fn __gt__(_this: Value, _value: Value) -> Value {
        Value::NOT_IMPLEMENTED
    }

    /// Tell whether self is greater than value or equal to it.
    pub fn __ge__(_this: Value, _value: Value) -> Value {
        Value::NOT_IMPLEMENTED
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Value) -> i64 {
        cx.identity_hash(this) as i64
    }

    /// Read the attribute of this name.
    pub fn __getattribute__(cx: &mut Ctx, this: Value, name: Value) -> R {
        let name = cx.expect_str(name, "attribute name")?;
        let name = cx.intern_str(name);
        match cx.generic_get(this, name)? {
            Some(value) => Ok(value),
            None => Err(cx.no_attribute(this, name.value())),
        }
    }

    /// Set the attribute of this name.
    pub fn __setattr__(cx: &mut Ctx, this: Value, name: Value, value: Value) -> R<()> {
        let name = cx.expect_str(name, "attribute name")?;
        let name = cx.intern_str(name);
        cx.generic_set(this, name, value)
    }

    /// Delete the attribute of this name.
    pub fn __delattr__(cx: &mut Ctx, this: Value, name: Value) -> R<()> {
        let name = cx.expect_str(name, "attribute name")?;
        let name = cx.intern_str(name);
        cx.generic_set(this, name, Value::UNBOUND)
    }

    /// The class of the object.
    #[getter]
    pub fn __class__(cx: &mut Ctx, this: Value) -> Value {
        cx.class_of(this).value()
    }

    /// Makes the object an instance of another class.
    #[setter]
    #[name = "__class__"]
    pub fn set_class(cx: &mut Ctx, this: Value, class: Value) -> R<()> {
        change_class(cx, this, class)
    }

    /// Default object formatter.
    pub fn __format__(cx: &mut Ctx, this: Value, format_spec: Value) -> R<Gc<Str>> {
        let Some(spec) = format_spec.cast::<Str>() else {
            let got = cx.type_name(format_spec);
            return Err(cx.type_error(format!("__format__() argument must be str, not {got}")));
        };
        if spec.is_empty() {
            return cx.to_str(this);
        }
        let name = cx.type_name(this);
        Err(cx.type_error(format!("unsupported format string passed to {name}.__format__")))
    }

    /// List the names of the object's attributes and of its class's.
    pub fn __dir__(cx: &mut Ctx, this: Value) -> R<Gc<List>> {
        default_dir(cx, this)
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(cx: &mut Ctx, this: Value) -> R {
        reduce::reduce(cx, this, 0)
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce_ex__(cx: &mut Ctx, this: Value, protocol: i64) -> R {
        let (class, names) = (cx.class_of(this), cx.names());
        let found = cx.lookup(class, names.__reduce__);
        if !is_method_of(cx, found, ClassId::Object)
            && let Some(result) = cx.call_special(this, names.__reduce__, &[])?
        {
            return Ok(result);
        }
        reduce::reduce(cx, this, protocol)
    }

    /// Give the object's attributes, for pickle and copy.
    pub fn __getstate__(cx: &mut Ctx, this: Value) -> R {
        reduce::state(cx, this)
    }

    /// Hear about a new subclass; does nothing unless a class has its own.
    #[class_method]
    pub fn __init_subclass__(cx: &mut Ctx, class: Value, args: &[Value], kwargs: Kwargs) -> R<()> {
        let name = class.cast::<crate::object::class::Class>().map_or_else(String::new, |c| c.name_text());
        cx.no_kwargs(&format!("{name}.__init_subclass__"), kwargs.0)?;
        if args.is_empty() {
            return Ok(());
        }
        Err(cx.type_error(format!("{name}.__init_subclass__() takes no arguments ({} given)", args.len())))
    }

    /// Answer issubclass() in place of the usual search; NotImplemented leaves it to that.
    ///
    /// A class made by ABCMeta remembers the answer.
    #[class_method]
    pub fn __subclasshook__(_class: Value, _subclass: Value) -> Value {
        Value::NOT_IMPLEMENTED
    }

    /// Tell how much memory the object takes, in bytes.
    pub fn __sizeof__(cx: &mut Ctx, this: Value) -> i64 {
        16 + 8 * cx.native_len(this).unwrap_or(0) as i64
    }
}

/// The attributes that classes get whose instances have a dict or can be weakly referenced.
#[methods]
pub mod attributes {
    use crate::native::{Ctx, R};
    use crate::object::class::class_flag;
    use crate::object::dict::Dict;
    use crate::value::Value;

    /// The object's own attributes.
    #[getter]
    pub fn __dict__(cx: &mut Ctx, this: Value) -> R {
        if !cx.class_of(this).has(class_flag::NO_DICT)
            && let Some(dict) = cx.instance_dict(this)
        {
            return Ok(dict.value());
        }
        let name = cx.names().__dict__;
        Err(cx.no_attribute(this, name.value()))
    }

    /// Replaces the instance variables.
    #[setter]
    #[name = "__dict__"]
    pub fn set_dict(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        if cx.class_of(this).has(class_flag::NO_DICT) {
            let name = cx.names().__dict__;
            return Err(cx.no_attribute(this, name.value()));
        }
        let dict = if value.is_unbound() { Some(cx.new_dict()) } else { value.cast::<Dict>() };
        let Some(dict) = dict else {
            let got = cx.type_name(value);
            return Err(cx.type_error(format!("__dict__ must be set to a dictionary, not a '{got}'")));
        };
        cx.set_instance_dict(this, dict);
        Ok(())
    }

    /// The weak references to the object.
    #[getter]
    pub fn __weakref__(cx: &mut Ctx, this: Value) -> Value {
        cx.weak_references(this).first().map_or(Value::NONE, |w| w.value())
    }
}

use crate::native::{Ctx, R};
use crate::object::class::{Class, class_flag};
use crate::object::construct::{cannot_create, check_abstract, is_method_of, is_plain};
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::object::sequence::List;
use crate::value::{Gc, Value, stored};

/// `object.__new__(class, ...)`; `excess` tells whether more arguments were given.
fn new_object(cx: &mut Ctx, class: Value, excess: bool) -> R {
    let Some(class) = class.cast::<Class>() else {
        let got = cx.type_name(class);
        return Err(cx.type_error(format!("object.__new__(X): X is not a type object ({got})")));
    };
    let names = cx.names();
    if excess {
        let new = cx.lookup(class, names.__new__);
        if !is_method_of(cx, new, ClassId::Object) {
            return Err(cx.type_error("object.__new__() takes exactly one argument (the type to instantiate)"));
        }
        let init = cx.lookup(class, names.__init__);
        if is_method_of(cx, init, ClassId::Object) {
            let name = class.name_text();
            return Err(cx.type_error(format!("{name}() takes no arguments")));
        }
    }
    if !is_plain(class) {
        let new = cx.lookup(class, names.__new__);
        if is_method_of(cx, new, ClassId::Object) {
            return Err(cannot_create(cx, class));
        }
        let base = class.mro_classes().find(|c| c.id != 0).unwrap_or(class);
        let (name, base) = (class.name_text(), base.name_text());
        return Err(cx.type_error(format!("object.__new__({name}) is not safe, use {base}.__new__()")));
    }
    check_abstract(cx, class)?;
    Ok(cx.new_instance(class).value())
}

/// `this.__class__ = class`: same layout required.
fn change_class(cx: &mut Ctx, this: Value, class: Value) -> R<()> {
    if class.is_unbound() {
        return Err(cx.type_error("can't delete __class__ attribute"));
    }
    let Some(new) = class.cast::<Class>() else {
        let got = cx.type_name(class);
        return Err(cx.type_error(format!("__class__ must be set to a class, not '{got}' object")));
    };
    let old = cx.class_of(this);
    let module = cx.class(ClassId::Module);
    let modules = old.is_subclass_of(module) && new.is_subclass_of(module);
    if (old.is_static() || new.is_static()) && !modules {
        let message = "__class__ assignment only supported for mutable types or ModuleType subclasses";
        return Err(cx.type_error(message));
    }
    let Some(header) = this.header() else { return Ok(()) };
    let shapes = &cx.iso().shapes;
    let root_names =
        |class: Gc<Class>| shapes.names(shapes.get(class.root_shape.load(std::sync::atomic::Ordering::Acquire)));
    let alike = old.kind == new.kind
        && old.has(class_flag::NO_DICT) == new.has(class_flag::NO_DICT)
        && root_names(old) == root_names(new);
    if !alike {
        let (old, new) = (old.name_text(), new.name_text());
        let message = format!("__class__ assignment: '{new}' object layout differs from '{old}'");
        return Err(cx.type_error(message));
    }
    let shape = shapes.get(header.shape());
    let next = if shape.foreign {
        shapes.foreign(shapes.get(new.root_shape.load(std::sync::atomic::Ordering::Acquire)), shape.inline)
    } else {
        let root = shapes.get(new.root_shape.load(std::sync::atomic::Ordering::Acquire));
        let mut id = if root.inline == shape.inline && root.count == 0 {
            root.id
        } else {
            shapes.root(new.value(), shape.inline)
        };
        for (name, _) in shapes.names(shape) {
            id = shapes.child(shapes.get(id), name);
        }
        id
    };
    let lock = cx.lock(header);
    header.set_shape(next);
    // The shape is how the object refers to its class.
    stored(new.value());
    drop(lock);
    Ok(())
}

/// Puts the names of a class and its bases into `into`.
pub fn merge_class_names(cx: &mut Ctx, class: Gc<Class>, into: Gc<Dict>) -> R<()> {
    for base in class.mro_classes() {
        for (key, _) in base.dict().pairs() {
            into.set(cx, key, Value::NONE)?;
        }
    }
    Ok(())
}

/// `object.__dir__`: the instance's names and those of its class.
fn default_dir(cx: &mut Ctx, this: Value) -> R<Gc<List>> {
    let names = cx.names();
    let all = cx.new_dict();
    if let Some(dict) = cx.get_attr_opt(this, names.__dict__)?.and_then(|d| d.cast::<Dict>()) {
        for (key, _) in dict.pairs() {
            all.set(cx, key, Value::NONE)?;
        }
    }
    if let Some(class) = cx.get_attr_opt(this, names.__class__)?.and_then(|c| c.cast::<Class>()) {
        merge_class_names(cx, class, all)?;
    }
    cx.collect_list(all.value())
}
