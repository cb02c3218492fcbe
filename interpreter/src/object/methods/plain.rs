//! Small types: None and its kin, super, module, weak references.

use conc_macros::methods;

/// None.
#[methods]
pub mod none {
    use crate::native::{Ctx, Kwargs, R};
    use crate::value::Value;

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Value, args: &[Value], kwargs: Kwargs) -> R {
        super::no_arguments(cx, "NoneType", args, kwargs)?;
        Ok(Value::NONE)
    }

    /// Tell whether self counts as true.
    pub fn __bool__(_this: Value) -> bool {
        false
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Value) -> R<i64> {
        Ok(cx.hash(this)? as i64)
    }
}

/// NotImplemented.
#[methods]
pub mod not_implemented {
    use crate::native::{Ctx, Kwargs, R};
    use crate::value::Value;

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Value, args: &[Value], kwargs: Kwargs) -> R {
        super::no_arguments(cx, "NotImplementedType", args, kwargs)?;
        Ok(Value::NOT_IMPLEMENTED)
    }

    /// Tell whether self counts as true.
    pub fn __bool__(_this: Value) -> bool {
        true
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(_this: Value) -> &'static str {
        "NotImplemented"
    }
}

/// Ellipsis.
#[methods]
pub mod ellipsis {
    use crate::native::{Ctx, Kwargs, R};
    use crate::value::Value;

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Value, args: &[Value], kwargs: Kwargs) -> R {
        super::no_arguments(cx, "EllipsisType", args, kwargs)?;
        Ok(Value::ELLIPSIS)
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(_this: Value) -> &'static str {
        "Ellipsis"
    }
}

/// super.
#[methods]
pub mod super_object {
    use super::super_check;
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::class::Class;
    use crate::object::construct::class_for_new;
    use crate::object::function::Super;
    use crate::object::kind::ClassId;
    use crate::value::{Gc, Value};
    use std::sync::atomic::Ordering;

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, _args: &[Value], _kwargs: Kwargs) -> R<Gc<Super>> {
        let class = class_for_new(cx, class, ClassId::Super)?;
        let shape = class.root_shape.load(Ordering::Acquire);
        Ok(cx.new_super(shape, Value::NONE, Value::NONE, Value::NONE))
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Super>, args: &[Value], kwargs: Kwargs) -> R<()> {
        cx.no_kwargs("super", kwargs.0)?;
        if args.len() > 2 {
            return Err(cx.type_error(format!("super() expected at most 2 arguments, got {}", args.len())));
        }
        let Some(&class) = args.first() else {
            return Err(cx.runtime_error("super(): no arguments"));
        };
        let Some(class) = class.cast::<Class>() else {
            let got = cx.type_name(class);
            return Err(cx.type_error(format!("super() argument 1 must be a type, not {got}")));
        };
        this.class.set(class.value());
        match args.get(1).filter(|o| !o.is_none()) {
            Some(&object) => {
                let start = super_check(cx, class, object)?;
                this.object.set(object);
                this.start.set(start.value());
            }
            None => {
                this.object.set_immediate(Value::NONE);
                this.start.set_immediate(Value::NONE);
            }
        }
        Ok(())
    }

    /// Give the text that repr() shows.
    pub fn __repr__(this: Gc<Super>) -> String {
        let class = this.class.get().cast::<Class>().map_or_else(|| "NULL".into(), |c| c.name_text());
        match this.start.get().cast::<Class>() {
            Some(start) => format!("<super: <class '{class}'>, <{} object>>", start.name_text()),
            None => format!("<super: <class '{class}'>, NULL>"),
        }
    }

    /// Give what reading the attribute from the instance yields.
    pub fn __get__(cx: &mut Ctx, this: Gc<Super>, instance: Value, _owner: Option<Value>) -> R {
        if instance.is_none() || this.start.get().is_a::<Class>() {
            return Ok(this.value());
        }
        let kind = cx.class_of(this.value()).value();
        cx.call(kind, &[this.class.get(), instance])
    }

    /// The class after which the search begins.
    #[getter]
    pub fn __thisclass__(this: Gc<Super>) -> Value {
        this.class.get()
    }

    /// The object that is bound, or None.
    #[getter]
    pub fn __self__(this: Gc<Super>) -> Value {
        this.object.get()
    }

    /// The class that is searched, or None without a bound object.
    #[getter]
    pub fn __self_class__(this: Gc<Super>) -> Value {
        this.start.get()
    }
}

/// module.
#[methods]
pub mod module {
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::construct::class_for_new;
    use crate::object::kind::ClassId;
    use crate::object::module::Module;
    use crate::object::sequence::List;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};
    use std::sync::atomic::Ordering;

    /// Make a module of this name, with nothing in it.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, _args: &[Value], _kwargs: Kwargs) -> R<Gc<Module>> {
        let class = class_for_new(cx, class, ClassId::Module)?;
        let dict = cx.new_namespace();
        let module = cx.new_module(dict);
        module.header().set_shape(class.root_shape.load(Ordering::Acquire));
        Ok(module)
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Module>,
        #[kw] name: Value,
        #[kw]
        #[default(Value::NONE)]
        doc: Value,
    ) -> R<()> {
        if !name.is_a::<Str>() {
            let got = cx.type_name(name);
            return Err(cx.type_error(format!("module() argument 'name' must be str, not {got}")));
        }
        let names = cx.names();
        let dict = this.dict();
        dict.set_str(cx, names.__name__, name);
        dict.set_str(cx, names.__doc__, doc);
        dict.set_str(cx, names.__package__, Value::NONE);
        dict.set_str(cx, names.__loader__, Value::NONE);
        dict.set_str(cx, names.__spec__, Value::NONE);
        Ok(())
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Module>) -> R<Gc<Str>> {
        super::module_repr(cx, this)
    }

    /// Read the attribute of this name.
    pub fn __getattribute__(cx: &mut Ctx, this: Gc<Module>, name: Value) -> R {
        let name = cx.expect_str(name, "attribute name")?;
        let name = cx.intern_str(name);
        match cx.generic_get(this.value(), name)? {
            Some(value) => Ok(value),
            None => cx.module_missing(this, name),
        }
    }

    /// The namespace.
    #[getter]
    pub fn __dict__(this: Gc<Module>) -> Value {
        this.dict.get()
    }

    /// The annotations.
    #[getter]
    pub fn __annotations__(cx: &mut Ctx, this: Gc<Module>) -> Value {
        let name = cx.names().__annotations__;
        let dict = this.dict();
        match dict.get_str(cx, name) {
            Some(found) => found,
            None => {
                let new = cx.new_dict().value();
                dict.set_str(cx, name, new);
                new
            }
        }
    }

    /// Replaces the annotations.
    #[setter]
    #[name = "__annotations__"]
    pub fn set_annotations(cx: &mut Ctx, this: Gc<Module>, value: Value) -> R<()> {
        let name = cx.names().__annotations__;
        let dict = this.dict();
        if !value.is_unbound() {
            dict.set_str(cx, name, value);
            return Ok(());
        }
        match dict.remove(cx, name.value())? {
            Some(_) => Ok(()),
            None => Err(cx.attribute_error("__annotations__")),
        }
    }

    /// List the names of the attributes.
    pub fn __dir__(cx: &mut Ctx, this: Gc<Module>) -> R<Gc<List>> {
        let dir = cx.names().__dir__;
        let dict = this.dict();
        if let Some(f) = dict.get_str(cx, dir) {
            let names = cx.call(f, &[])?;
            return cx.collect_list(names);
        }
        cx.collect_list(dict.value())
    }
}

/// weakref.ref.
#[methods]
pub mod weakref {
    use super::{new_weakref, weakref_eq, weakref_hash, weakref_repr};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::misc::{GenericAlias, WeakRef};
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, args: &[Value], kwargs: Kwargs) -> R {
        new_weakref(cx, class, args, kwargs.0)
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(_this: Gc<WeakRef>, _args: &[Value], _kwargs: Kwargs) {}

    /// Run the object the way a function is run.
    pub fn __call__(cx: &mut Ctx, this: Gc<WeakRef>) -> Value {
        super::referent(cx, this)
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<WeakRef>) -> R<Gc<Str>> {
        weakref_repr(cx, this)
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Gc<WeakRef>) -> R<i64> {
        weakref_hash(cx, this)
    }

    /// Tell whether self and value are equal.
    pub fn __eq__(cx: &mut Ctx, this: Gc<WeakRef>, value: Value) -> R {
        weakref_eq(cx, this, value)
    }

    /// The function that is called when the referent dies.
    #[getter]
    pub fn __callback__(this: Gc<WeakRef>) -> Value {
        if this.target.get().is_unbound() { Value::NONE } else { this.callback.get() }
    }

    /// Give the class with type arguments, as in `list[int]`.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Value, key: Value) -> R<Gc<GenericAlias>> {
        cx.generic_alias(class, key)
    }
}

use crate::native::{Ctx, Kwargs, R};
use crate::object::class::Class;
use crate::object::compare::CompareOp;
use crate::object::construct::class_for_new;
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::object::misc::WeakRef;
use crate::object::module::Module;
use crate::object::string::Str;
use crate::value::{Gc, Value};

fn no_arguments(cx: &mut Ctx, name: &str, args: &[Value], kwargs: Kwargs) -> R<()> {
    if args.is_empty() && kwargs.0.is_none_or(|k| k.is_empty()) {
        return Ok(());
    }
    Err(cx.type_error(format!("{name} takes no arguments")))
}

/// The class whose MRO `super(class, object)` walks.
pub fn super_check(cx: &mut Ctx, class: Gc<Class>, object: Value) -> R<Gc<Class>> {
    if let Some(derived) = object.cast::<Class>()
        && derived.is_subclass_of(class)
    {
        return Ok(derived);
    }
    let own = cx.class_of(object);
    if own.is_subclass_of(class) {
        return Ok(own);
    }
    let name = cx.names().__class__;
    if let Some(claimed) = cx.get_attr_opt(object, name)?.and_then(|c| c.cast::<Class>())
        && claimed.is_subclass_of(class)
    {
        return Ok(claimed);
    }
    let got = match object.cast::<Class>() {
        Some(c) => format!("type {}", c.name_text()),
        None => format!("instance of {}", own.name_text()),
    };
    let name = class.name_text();
    Err(cx.type_error(format!("super(type, obj): obj ({got}) is not an instance or subtype of type ({name}).")))
}

fn module_repr(cx: &mut Ctx, m: Gc<Module>) -> R<Gc<Str>> {
    let names = cx.names();
    let dict = m.dict();
    let name = dict.get_str(cx, names.__name__).unwrap_or(Value::NONE);
    let mut out = b"<module ".to_vec();
    if name.is_a::<Str>() {
        cx.write_repr(name, &mut out)?
    } else {
        out.extend_from_slice(b"'?'")
    }
    let spec = dict.get_str(cx, names.__spec__).is_some_and(|s| !s.is_none());
    let path = dict.get_str(cx, names.__path__);
    match dict.get_str(cx, names.__file__).filter(|f| f.is_a::<Str>()) {
        Some(file) => {
            out.extend_from_slice(b" from ");
            cx.write_repr(file, &mut out)?;
        }
        None if cx.comes_with_library(name) => out.extend_from_slice(b" (built-in)"),
        None if let Some(path) = path => {
            out.extend_from_slice(b" (namespace) from ");
            let folders = cx.collect_list(path)?;
            cx.write_repr(folders.value(), &mut out)?;
        }
        None if spec => out.extend_from_slice(b" (built-in)"),
        None => {}
    }
    out.push(b'>');
    cx.try_wtf8(&out)
}

fn new_weakref(cx: &mut Ctx, class: Value, args: &[Value], kwargs: Option<Gc<Dict>>) -> R {
    let class = class_for_new(cx, class, ClassId::WeakRef)?;
    if class.id != 0 {
        cx.no_kwargs("ref", kwargs)?;
        if args.len() > 2 {
            return Err(cx.type_error(format!("__new__ expected at most 2 arguments, got {}", args.len())));
        }
    }
    let Some(&target) = args.first() else {
        return Err(cx.type_error("__new__ expected at least 1 argument, got 0"));
    };
    let callback = args.get(1).copied().unwrap_or(Value::NONE);
    Ok(cx.weak_reference(class, target, callback)?.value())
}

/// The object a weak reference refers to, or None.
pub fn referent(_cx: &Ctx, w: Gc<WeakRef>) -> Value {
    let target = w.target.get();
    if target.is_unbound() { Value::NONE } else { target }
}

fn weakref_repr(cx: &mut Ctx, w: Gc<WeakRef>) -> R<Gc<Str>> {
    let at = w.as_ptr() as usize;
    let target = w.target.get();
    if target.is_unbound() {
        return Ok(cx.new_str(&format!("<weakref at {at:#x}; dead>")));
    }
    let (kind, id) = (cx.type_name(target), target.bits() - 1);
    let name = cx.names().__name__;
    let title = match cx.get_attr_opt(target, name)?.and_then(|n| n.cast::<Str>()) {
        Some(n) => format!(" ({})", n.to_text()),
        None => String::new(),
    };
    Ok(cx.new_str(&format!("<weakref at {at:#x}; to '{kind}' at {id:#x}{title}>")))
}

fn weakref_hash(cx: &mut Ctx, w: Gc<WeakRef>) -> R<i64> {
    if let Some(n) = cx.as_i64(w.hash.get()) {
        return Ok(n);
    }
    let target = w.target.get();
    if target.is_unbound() {
        return Err(cx.type_error("weak object has gone away"));
    }
    let hash = cx.hash(target)? as i64;
    let kept = cx.int(hash);
    w.hash.set(kept);
    Ok(hash)
}

fn weakref_eq(cx: &mut Ctx, w: Gc<WeakRef>, value: Value) -> R {
    let Some(other) = value.cast::<WeakRef>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let (a, b) = (w.target.get(), other.target.get());
    if a.is_unbound() || b.is_unbound() {
        return Ok(Value::bool(w == other));
    }
    cx.compare(CompareOp::Eq, a, b)
}
