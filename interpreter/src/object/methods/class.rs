//! type: classes as objects.

use conc_macros::methods;

/// The methods of type.
#[methods]
pub mod methods {
    use super::{named, new_class, own, set_bases, set_own, subclass_list, type_dir, type_flags, type_repr};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::class::{Class, class_flag};
    use crate::object::construct::construct;
    use crate::object::kind::ClassId;
    use crate::object::sequence::List;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, metaclass: Value, args: &[Value], kwargs: Kwargs) -> R {
        new_class(cx, metaclass, args, kwargs.0)
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, _this: Gc<Class>, args: &[Value], kwargs: Kwargs) -> R<()> {
        if args.len() == 1 && kwargs.0.is_some_and(|k| !k.is_empty()) {
            return Err(cx.type_error("type.__init__() takes no keyword arguments"));
        }
        if args.len() != 1 && args.len() != 3 {
            return Err(cx.type_error("type.__init__() takes 1 or 3 arguments"));
        }
        Ok(())
    }

    /// Run the object the way a function is run.
    pub fn __call__(cx: &mut Ctx, this: Gc<Class>, args: &[Value], kwargs: Kwargs) -> R {
        match cx.spread_kwargs(args, kwargs.0)? {
            Some((all, names)) => construct(cx, this, all.items(), names.items()),
            None => construct(cx, this, args, &[]),
        }
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Class>) -> String {
        type_repr(cx, this)
    }

    /// Read the attribute of this name.
    pub fn __getattribute__(cx: &mut Ctx, this: Gc<Class>, name: Value) -> R {
        let name = cx.expect_str(name, "attribute name")?;
        let name = cx.intern_str(name);
        match cx.generic_get(this.value(), name)? {
            Some(value) => Ok(value),
            None => Err(cx.no_attribute(this.value(), name.value())),
        }
    }

    /// Set the attribute of this name.
    pub fn __setattr__(cx: &mut Ctx, this: Gc<Class>, name: Value, value: Value) -> R<()> {
        let name = cx.expect_str(name, "attribute name")?;
        let name = cx.intern_str(name);
        cx.generic_set(this.value(), name, value)
    }

    /// Delete the attribute of this name.
    pub fn __delattr__(cx: &mut Ctx, this: Gc<Class>, name: Value) -> R<()> {
        let name = cx.expect_str(name, "attribute name")?;
        let name = cx.intern_str(name);
        cx.generic_set(this.value(), name, Value::UNBOUND)
    }

    /// The class's name.
    #[getter]
    pub fn __name__(this: Gc<Class>) -> Value {
        this.name.get()
    }

    /// Renames the class.
    #[setter]
    #[name = "__name__"]
    pub fn set_name(cx: &mut Ctx, this: Gc<Class>, value: Value) -> R<()> {
        let name = named(cx, this, "__name__", value)?;
        super::check_name(cx, name)?;
        this.name.set(name.value());
        Ok(())
    }

    /// The class's dotted name.
    #[getter]
    pub fn __qualname__(this: Gc<Class>) -> Value {
        this.qualname.get()
    }

    /// Changes the dotted name.
    #[setter]
    #[name = "__qualname__"]
    pub fn set_qualname(cx: &mut Ctx, this: Gc<Class>, value: Value) -> R<()> {
        let name = named(cx, this, "__qualname__", value)?;
        this.qualname.set(name.value());
        Ok(())
    }

    /// The name of the module the class was made in.
    #[getter]
    pub fn __module__(cx: &mut Ctx, this: Gc<Class>) -> R {
        match cx.class_module(this) {
            Some(module) => Ok(module),
            None => Err(cx.attribute_error("__module__")),
        }
    }

    /// Changes the module name.
    #[setter]
    #[name = "__module__"]
    pub fn set_module(cx: &mut Ctx, this: Gc<Class>, value: Value) -> R<()> {
        let name = cx.names().__module__;
        set_own(cx, this, name, value)
    }

    /// The direct bases.
    #[getter]
    pub fn __bases__(this: Gc<Class>) -> Value {
        this.bases.get()
    }

    /// Gives the class other bases.
    #[setter]
    #[name = "__bases__"]
    pub fn change_bases(cx: &mut Ctx, this: Gc<Class>, value: Value) -> R<()> {
        set_bases(cx, this, value)
    }

    /// The base that decides the layout.
    #[getter]
    pub fn __base__(this: Gc<Class>) -> Value {
        let bases = this.bases();
        let classes = bases.items().iter().filter_map(|b| b.cast::<Class>());
        let special = classes.filter(|c| c.kind == this.kind).map(|c| c.value()).next();
        special.or_else(|| bases.items().first().copied()).unwrap_or(Value::NONE)
    }

    /// The method resolution order.
    #[getter]
    pub fn __mro__(this: Gc<Class>) -> Value {
        this.mro.get()
    }

    /// The class's own attributes, read-only.
    #[getter]
    pub fn __dict__(cx: &mut Ctx, this: Gc<Class>) -> Value {
        let dict = this.dict.get();
        cx.new_wrapper(ClassId::MappingProxy, dict, Value::UNBOUND, Value::NONE, Value::NONE).value()
    }

    /// The documentation string.
    #[getter]
    pub fn __doc__(cx: &mut Ctx, this: Gc<Class>) -> R {
        let name = cx.names().__doc__;
        match own(cx, this, name) {
            Some(doc) => cx.bind(doc, Value::UNBOUND, this),
            None if this.id != 0 => Ok(crate::object::docs::text(cx, this.id)),
            None => Ok(Value::NONE),
        }
    }

    /// Changes the documentation string.
    #[setter]
    #[name = "__doc__"]
    pub fn set_doc(cx: &mut Ctx, this: Gc<Class>, value: Value) -> R<()> {
        let name = cx.names().__doc__;
        set_own(cx, this, name, value)
    }

    /// Names of the abstract methods.
    #[getter]
    pub fn __abstractmethods__(cx: &mut Ctx, this: Gc<Class>) -> R {
        let name = cx.names().__abstractmethods__;
        match own(cx, this, name) {
            Some(methods) => Ok(methods),
            None => Err(cx.attribute_error("__abstractmethods__")),
        }
    }

    /// Says which methods are abstract.
    #[setter]
    #[name = "__abstractmethods__"]
    pub fn set_abstract(cx: &mut Ctx, this: Gc<Class>, value: Value) -> R<()> {
        let name = cx.names().__abstractmethods__;
        let is_abstract = !value.is_unbound() && cx.truth(value)?;
        if value.is_unbound() && this.dict().get_str(cx, name).is_none() {
            return Err(cx.attribute_error("__abstractmethods__"));
        }
        cx.set_class_attr(this, name, value)?;
        this.set_flag(class_flag::ABSTRACT, is_abstract);
        Ok(())
    }

    /// The annotations of the class body.
    #[getter]
    pub fn __annotations__(cx: &mut Ctx, this: Gc<Class>) -> R {
        let name = cx.names().__annotations__;
        if this.is_static() {
            return Err(cx.no_attribute(this.value(), name.value()));
        }
        if let Some(found) = this.dict().get_str(cx, name) {
            return cx.bind(found, Value::UNBOUND, this);
        }
        let dict = cx.new_dict().value();
        cx.set_class_attr(this, name, dict)?;
        Ok(dict)
    }

    /// Replaces the annotations.
    #[setter]
    #[name = "__annotations__"]
    pub fn set_annotations(cx: &mut Ctx, this: Gc<Class>, value: Value) -> R<()> {
        let name = cx.names().__annotations__;
        if value.is_unbound() && this.dict().get_str(cx, name).is_none() && !this.is_static() {
            return Err(cx.attribute_error("__annotations__"));
        }
        cx.set_class_attr(this, name, value)
    }

    /// The type parameters.
    #[getter]
    pub fn __type_params__(cx: &mut Ctx, this: Gc<Class>) -> Value {
        let name = cx.names().__type_params__;
        match own(cx, this, name) {
            Some(params) => params,
            None => cx.iso().roots.empty_tuple.get(),
        }
    }

    /// Replaces the type parameters.
    #[setter]
    #[name = "__type_params__"]
    pub fn set_type_params(cx: &mut Ctx, this: Gc<Class>, value: Value) -> R<()> {
        let name = cx.names().__type_params__;
        set_own(cx, this, name, value)
    }

    /// The flags as CPython numbers them.
    #[getter]
    pub fn __flags__(cx: &mut Ctx, this: Gc<Class>) -> i64 {
        type_flags(cx, this)
    }

    /// A size, for programs that look at it.
    #[getter]
    pub fn __basicsize__(_this: Gc<Class>) -> i64 {
        16
    }

    /// A size, for programs that look at it.
    #[getter]
    pub fn __itemsize__(_this: Gc<Class>) -> i64 {
        0
    }

    /// Zero: no such offset exists here.
    #[getter]
    pub fn __dictoffset__(this: Gc<Class>) -> i64 {
        if this.has(class_flag::NO_DICT) { 0 } else { -1 }
    }

    /// Zero: no such offset exists here.
    #[getter]
    pub fn __weakrefoffset__(this: Gc<Class>) -> i64 {
        if crate::object::layout::weakly_referable(this) && !this.has(class_flag::NO_WEAKREF) { -1 } else { 0 }
    }

    /// The text signature: none.
    #[getter]
    pub fn __text_signature__(_this: Gc<Class>) -> Value {
        Value::NONE
    }

    /// Work out the order in which classes are searched for an attribute.
    pub fn mro(cx: &mut Ctx, this: Gc<Class>) -> R<Gc<List>> {
        let mro = cx.compute_mro(this)?;
        cx.collect_list(mro)
    }

    /// List the classes made directly from this one.
    pub fn __subclasses__(cx: &mut Ctx, this: Gc<Class>) -> R<Gc<List>> {
        subclass_list(cx, this)
    }

    /// Tell whether the object counts as an instance.
    pub fn __instancecheck__(cx: &mut Ctx, this: Value, instance: Value) -> R<bool> {
        cx.real_isinstance(instance, this)
    }

    /// Tell whether the class counts as a subclass.
    pub fn __subclasscheck__(cx: &mut Ctx, this: Value, subclass: Value) -> R<bool> {
        cx.real_issubclass(subclass, this)
    }

    /// Give the dict in which the body of a class statement runs.
    #[class_method]
    pub fn __prepare__(cx: &mut Ctx, _metaclass: Value, _args: &[Value], _kwargs: Kwargs) -> Value {
        cx.new_dict().value()
    }

    /// List the attribute names of the class and its bases.
    pub fn __dir__(cx: &mut Ctx, this: Gc<Class>) -> R<Gc<List>> {
        type_dir(cx, this)
    }

    /// Give self | value.
    pub fn __or__(cx: &mut Ctx, this: Value, value: Value) -> R {
        crate::object::methods::union::unite(cx, this, value)
    }

    /// Give value | self, when value itself has no answer.
    pub fn __ror__(cx: &mut Ctx, this: Value, value: Value) -> R {
        crate::object::methods::union::unite(cx, value, this)
    }

    /// Tell how much memory the class takes.
    pub fn __sizeof__(_this: Gc<Class>) -> i64 {
        1024
    }
}

use crate::native::{Ctx, R};
use crate::object::class::{Class, class_flag, living_subclass};
use crate::object::construct::is_method_of;
use crate::object::dict::Dict;
use crate::object::kind::{ClassId, Kind};
use crate::object::sequence::{List, Tuple};
use crate::object::string::Str;
use crate::value::{Gc, Value};

/// `type.__new__(metaclass, name, bases, namespace)`
fn new_class(cx: &mut Ctx, metaclass: Value, args: &[Value], kwargs: Option<Gc<Dict>>) -> R {
    let metaclass = super::super::construct::class_for_new(cx, metaclass, ClassId::Type)?;
    let &[name, bases, namespace] = args else {
        return Err(cx.type_error(format!("type.__new__() takes exactly 3 arguments ({} given)", args.len())));
    };
    let name = cx.expect_str(name, "type.__new__() argument 1")?;
    check_name(cx, name)?;
    let Some(bases) = bases.cast::<Tuple>() else {
        let got = cx.type_name(bases);
        return Err(cx.type_error(format!("type.__new__() argument 2 must be tuple, not {got}")));
    };
    let Some(namespace) = namespace.cast::<Dict>() else {
        let got = cx.type_name(namespace);
        return Err(cx.type_error(format!("type.__new__() argument 3 must be dict, not {got}")));
    };
    let names = cx.names();
    for &base in bases.items() {
        if !base.is_a::<Class>() && cx.get_attr_opt(base, names.__mro_entries__)?.is_some() {
            let message = "type() doesn't support MRO entry resolution; use types.new_class()";
            return Err(cx.type_error(message));
        }
    }
    let winner = cx.best_metaclass(metaclass, bases)?;
    if winner != metaclass {
        let new = cx.lookup(winner, names.__new__);
        if let Some(new) = new.filter(|&f| !is_method_of(cx, Some(f), ClassId::Type)) {
            let new = cx.bind(new, Value::UNBOUND, winner)?;
            return match cx.spread_kwargs(args, kwargs)? {
                Some((all, names)) => cx.call_prefixed(new, winner.value(), all.items(), names.items()),
                None => cx.call_prefixed(new, winner.value(), args, &[]),
            };
        }
    }
    Ok(cx.make_class(winner, name, bases, namespace, kwargs)?.value())
}

impl Ctx {
    /// The most derived metaclass of `metaclass` and those of the bases.
    pub fn best_metaclass(&mut self, metaclass: Gc<Class>, bases: Gc<Tuple>) -> R<Gc<Class>> {
        let mut winner = metaclass;
        for &base in bases.items() {
            let other = self.class_of(base);
            if winner.is_subclass_of(other) {
                continue;
            }
            if other.is_subclass_of(winner) {
                winner = other;
                continue;
            }
            return Err(self.type_error(
                "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the \
                 metaclasses of all its bases",
            ));
        }
        Ok(winner)
    }
}

/// A class's name may not contain NUL.
fn check_name(cx: &mut Ctx, name: Gc<Str>) -> R<()> {
    if name.as_bytes().contains(&0) {
        return Err(cx.value_error("type name must not contain null characters"));
    }
    Ok(())
}

fn type_repr(cx: &mut Ctx, class: Gc<Class>) -> String {
    let name = cx.qualified_name(class);
    format!("<class '{name}'>")
}

/// An entry of the class's own dict that is not one of type's getters for its instances.
fn own(cx: &Ctx, class: Gc<Class>, name: Gc<Str>) -> Option<Value> {
    let getter = |v: &Value| v.header().is_some_and(|h| h.shape() == ClassId::GetSetDescriptor.shape());
    class.dict().get_str(cx, name).filter(|v| class.id == 0 || !getter(v))
}

fn set_own(cx: &mut Ctx, class: Gc<Class>, name: Gc<Str>, value: Value) -> R<()> {
    if value.is_unbound() && !class.is_static() {
        let (text, class) = (name.to_text().into_owned(), class.name_text());
        return Err(cx.type_error(format!("cannot delete '{text}' attribute of type '{class}'")));
    }
    cx.set_class_attr(class, name, value)
}

/// A new `__name__` or `__qualname__`, checked.
fn named(cx: &mut Ctx, class: Gc<Class>, attribute: &str, value: Value) -> R<Gc<Str>> {
    let name = class.name_text();
    if class.is_static() {
        return Err(cx.type_error(format!("cannot set '{attribute}' attribute of immutable type '{name}'")));
    }
    if value.is_unbound() {
        return Err(cx.type_error(format!("cannot delete '{attribute}' attribute of type '{name}'")));
    }
    match value.cast::<Str>() {
        Some(s) => Ok(s),
        None => {
            let got = cx.type_name(value);
            Err(cx.type_error(format!("can only assign string to {name}.{attribute}, not '{got}'")))
        }
    }
}

/// `class.__bases__ = value`
fn set_bases(cx: &mut Ctx, class: Gc<Class>, value: Value) -> R<()> {
    let name = class.name_text();
    if class.is_static() {
        return Err(cx.type_error(format!("cannot set '__bases__' attribute of immutable type '{name}'")));
    }
    if value.is_unbound() {
        return Err(cx.type_error(format!("cannot delete '__bases__' attribute of type '{name}'")));
    }
    let Some(bases) = value.cast::<Tuple>() else {
        let got = cx.type_name(value);
        return Err(cx.type_error(format!("can only assign tuple to {name}.__bases__, not {got}")));
    };
    if bases.len == 0 {
        return Err(cx.type_error(format!("can only assign non-empty tuple to {name}.__bases__, not ()")));
    }
    for &base in bases.items() {
        let Some(base) = base.cast::<Class>() else {
            let got = cx.type_name(base);
            return Err(cx.type_error(format!("{name}.__bases__ must be tuple of classes, not '{got}'")));
        };
        if base.is_subclass_of(class) {
            return Err(cx.type_error("a __bases__ item causes an inheritance cycle"));
        }
        if base.kind != class.kind && base.instance_kind() != Kind::Instance {
            let new = base.name_text();
            let old = class.bases().items()[0].cast::<Class>().map_or_else(String::new, |c| c.name_text());
            return Err(cx.type_error(format!("__bases__ assignment: '{new}' object layout differs from '{old}'")));
        }
    }
    let old = class.bases();
    class.bases.set(bases.value());
    if let Err(e) = cx.refresh_mro(class) {
        class.bases.set(old.value());
        let _ = cx.refresh_mro(class);
        return Err(e);
    }
    cx.replace_subclass(class, old, bases)?;
    cx.class_changed(class);
    Ok(())
}

impl Ctx {
    /// Recomputes the MRO of a class and of those below it.
    fn refresh_mro(&mut self, class: Gc<Class>) -> R<()> {
        let mro = self.compute_mro(class)?;
        class.mro.set(mro);
        for sub in class.subclasses() {
            self.refresh_mro(sub)?;
        }
        Ok(())
    }

    /// Moves a class from its old bases' lists of subclasses to the new ones'.
    fn replace_subclass(&mut self, class: Gc<Class>, old: Gc<Tuple>, new: Gc<Tuple>) -> R<()> {
        for base in old.items().iter().filter_map(|b| b.cast::<Class>()) {
            if let Some(list) = base.subclasses.get().cast::<List>()
                && let Some(i) = (0..list.len()).find(|&i| list.get(i).and_then(living_subclass) == Some(class))
            {
                self.list_splice(list, i, i + 1, &[])?;
            }
        }
        for base in new.items().iter().filter_map(|b| b.cast::<Class>()) {
            self.add_subclass(base, class);
        }
        Ok(())
    }
}

fn subclass_list(cx: &mut Ctx, class: Gc<Class>) -> R<Gc<List>> {
    let list = cx.new_list();
    for sub in class.subclasses() {
        cx.list_push(list, sub.value())?;
    }
    Ok(list)
}

fn type_dir(cx: &mut Ctx, class: Gc<Class>) -> R<Gc<List>> {
    let all = cx.new_dict();
    super::object::merge_class_names(cx, class, all)?;
    cx.collect_list(all.value())
}

/// The bits of `tp_flags` that programs test.
fn type_flags(cx: &mut Ctx, class: Gc<Class>) -> i64 {
    let mut flags = 1 << 12 | 1 << 14;
    let mut set = |bit: u32, on: bool| flags |= (on as i64) << bit;
    set(8, class.is_static());
    set(9, !class.is_static());
    set(10, !class.has(class_flag::SEALED));
    set(20, class.has(class_flag::ABSTRACT));
    set(5, class.has(class_flag::SEQUENCE));
    set(6, class.has(class_flag::MAPPING));
    let families = [
        (24, ClassId::Int),
        (25, ClassId::List),
        (26, ClassId::Tuple),
        (27, ClassId::Bytes),
        (28, ClassId::Str),
        (29, ClassId::Dict),
        (30, ClassId::BaseException),
        (31, ClassId::Type),
    ];
    for (bit, id) in families {
        set(bit, class.is_subclass_of(cx.class(id)));
    }
    flags
}
