//! Descriptors: what becomes of something found on a class when it is read, written or deleted through an object.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::class::Class;
use crate::object::function::{Function, Native, Property, Wrapper};
use crate::object::kind::{ClassId, Kind};
use crate::object::string::Str;
use crate::value::{Gc, Slot, Value};

impl Ctx {
    /// Applies `__get__` of something found on `class` for the object `this` (unbound: for the class itself).
    pub fn bind(&mut self, found: Value, this: Value, class: Gc<Class>) -> R {
        let Some(header) = found.header() else { return Ok(found) };
        match Kind::of(header.kind()) {
            Kind::Property | Kind::Wrapper if self.overrides(found, self.names().__get__) => {
                let get = self.names().__get__;
                let this = if this.is_unbound() { Value::NONE } else { this };
                match self.lookup_special(found, get) {
                    Some(get) => self.call_unbound(get, found, &[this, class.value()]),
                    None => Ok(found),
                }
            }
            Kind::Function => Ok(if this.is_unbound() { found } else { self.new_method(found, this) }),
            Kind::Native => self.bind_native(found, this, class),
            Kind::Property if !this.is_unbound() => self.property_get(found, this),
            Kind::Property => Ok(found),
            Kind::Wrapper => self.bind_wrapper(found, this, class),
            Kind::Instance | Kind::Boxed | Kind::Class | Kind::Dict | Kind::List | Kind::Super => {
                let get = self.names().__get__;
                match self.lookup_special(found, get) {
                    Some(get) => {
                        let this = if this.is_unbound() { Value::NONE } else { this };
                        self.call_unbound(get, found, &[this, class.value()])
                    }
                    None => Ok(found),
                }
            }
            _ => Ok(found),
        }
    }

    /// Whether a descriptor is of a script's subclass that has its own method `name`.
    fn overrides(&mut self, descriptor: Value, name: Gc<Str>) -> bool {
        descriptor.header().is_some_and(|h| h.shape() >= ClassId::COUNT as u32)
            && self.lookup_special(descriptor, name).is_some_and(|f| !f.is_a::<Native>())
    }

    fn bind_native(&mut self, found: Value, this: Value, class: Gc<Class>) -> R {
        let Some(native) = found.cast::<Native>() else { return Ok(found) };
        let shape = native.header().shape();
        if shape == ClassId::ClassMethodDescriptor.shape() {
            let native = self.new_native(native.def(), ClassId::BuiltinFunction, class.value(), native.owner.get());
            return Ok(native.value());
        }
        if this.is_unbound() {
            return Ok(found);
        }
        let bound = if shape == ClassId::MethodDescriptor.shape() {
            ClassId::BuiltinFunction
        } else if shape == ClassId::SlotWrapper.shape() {
            ClassId::MethodWrapper
        } else {
            return Ok(found);
        };
        Ok(self.new_native(native.def(), bound, this, native.owner.get()).value())
    }

    pub(crate) fn property_get(&mut self, found: Value, this: Value) -> R {
        let Some(p) = found.cast::<Property>() else { return Ok(found) };
        let get = p.get.get();
        if get.is_none() {
            let what = self.property_name(p);
            let class = self.type_name(this);
            return Err(self.attribute_error(format!("property{what} of '{class}' object has no getter")));
        }
        self.call(get, &[this])
    }

    fn property_name(&mut self, p: Gc<Property>) -> String {
        match p.name.get().cast::<Str>() {
            Some(name) => format!(" '{}'", name.to_text()),
            None => String::new(),
        }
    }

    pub(crate) fn bind_wrapper(&mut self, found: Value, this: Value, class: Gc<Class>) -> R {
        let Some(w) = found.cast::<Wrapper>() else { return Ok(found) };
        let kind = self.wrapper_class(w);
        match kind {
            ClassId::StaticMethod => Ok(w.value.get()),
            ClassId::ClassMethod => {
                let f = w.value.get();
                if matches!(f.cast::<Native>(), Some(n) if n.this.get().is_unbound()) || f.is_a::<Function>() {
                    return Ok(self.new_method(f, class.value()));
                }
                Ok(self.new_method(f, class.value()))
            }
            ClassId::GetSetDescriptor if !this.is_unbound() => self.call(w.value.get(), &[this]),
            ClassId::MemberDescriptor if !this.is_unbound() => self.member_get(w, this),
            _ => Ok(found),
        }
    }

    /// Which builtin wrapper class an instance (maybe of a subclass) belongs to.
    fn wrapper_class(&self, w: Gc<Wrapper>) -> ClassId {
        let class = self.class_of(w.value());
        for id in [ClassId::StaticMethod, ClassId::ClassMethod, ClassId::GetSetDescriptor, ClassId::MemberDescriptor] {
            if class.is_subclass_of(self.class(id)) {
                return id;
            }
        }
        ClassId::MappingProxy
    }

    /// The slot of a `__slots__` member in an object. Members come first in the shapes of the class's instances, so
    /// the first shape tells the place whatever has become of the other attributes.
    fn member_slot<'a>(&mut self, w: Gc<Wrapper>, v: Value) -> Option<&'a Slot> {
        let (header, name) = (v.header::<'a>()?, w.other.get().cast::<Str>()?);
        let class = self.class_of(v);
        if !w.owner.get().cast::<Class>().is_some_and(|owner| class.is_subclass_of(owner)) {
            return None;
        }
        let shapes = &self.iso().shapes;
        let index = shapes.slot(shapes.get(class.root_shape.load(Ordering::Acquire)), name.value())?;
        let shape = shapes.get(header.shape());
        if index >= shape.inline as usize {
            if shape.foreign {
                return None;
            }
            self.ensure_chunks(header, shape, index);
        }
        self.slot_at(header, shape, index)
    }

    fn member_get(&mut self, w: Gc<Wrapper>, this: Value) -> R {
        if let Some(slot) = self.member_slot(w, this) {
            let value = slot.get();
            if !value.is_unbound() {
                return Ok(value);
            }
        }
        let owner = w.owner.get();
        if let Some(owner) = owner.cast::<Class>()
            && !self.class_of(this).is_subclass_of(owner)
        {
            let (name, owner, got) = (self.text_of(w.name.get()), owner.name_text(), self.type_name(this));
            let message = format!("descriptor '{name}' for '{owner}' objects doesn't apply to a '{got}' object");
            return Err(self.type_error(message));
        }
        Err(self.no_attribute(this, w.name.get()))
    }

    /// Whether something found on a class takes precedence over the instance's attributes.
    pub fn is_data_descriptor(&mut self, found: Value) -> bool {
        let Some(header) = found.header() else { return false };
        match Kind::of(header.kind()) {
            Kind::Property => true,
            Kind::Wrapper => matches!(
                header.shape(),
                s if s == ClassId::GetSetDescriptor.shape() || s == ClassId::MemberDescriptor.shape()
            ),
            Kind::Instance | Kind::Boxed | Kind::Class => {
                let names = self.names();
                self.lookup_special(found, names.__set__).is_some()
                    || self.lookup_special(found, names.__delete__).is_some()
            }
            _ => false,
        }
    }

    /// Whether something found on a class has `__get__`: a descriptor without one gives way to the instance.
    pub(crate) fn has_getter(&mut self, found: Value) -> bool {
        match Kind::of(found.kind_byte()) {
            Kind::Property | Kind::Wrapper => true,
            _ => {
                let get = self.names().__get__;
                self.lookup_special(found, get).is_some()
            }
        }
    }

    /// `__set__` (or, with an unbound value, `__delete__`) of a data descriptor.
    pub fn descriptor_set(&mut self, found: Value, v: Value, value: Value) -> R<()> {
        let hook = if value.is_unbound() { self.names().__delete__ } else { self.names().__set__ };
        if let Some(p) = found.cast::<Property>()
            && !self.overrides(found, hook)
        {
            return self.property_set(p, v, value);
        }
        if let Some(w) = found.cast::<Wrapper>() {
            return self.wrapper_set(w, v, value);
        }
        let names = self.names();
        if value.is_unbound() {
            match self.lookup_special(found, names.__delete__) {
                Some(f) => return self.call_unbound(f, found, &[v]).map(drop),
                None => return Err(self.attribute_error("__delete__")),
            }
        }
        match self.lookup_special(found, names.__set__) {
            Some(f) => self.call_unbound(f, found, &[v, value]).map(drop),
            None => Err(self.attribute_error("__set__")),
        }
    }

    pub(crate) fn property_set(&mut self, p: Gc<Property>, v: Value, value: Value) -> R<()> {
        let (f, what) = if value.is_unbound() { (p.delete.get(), "deleter") } else { (p.set.get(), "setter") };
        if f.is_none() {
            let (name, class) = (self.property_name(p), self.type_name(v));
            return Err(self.attribute_error(format!("property{name} of '{class}' object has no {what}")));
        }
        if value.is_unbound() { self.call(f, &[v]) } else { self.call(f, &[v, value]) }.map(drop)
    }

    fn wrapper_set(&mut self, w: Gc<Wrapper>, v: Value, value: Value) -> R<()> {
        if w.header().shape() == ClassId::MemberDescriptor.shape() {
            if let Some(slot) = self.member_slot(w, v) {
                let old = slot.swap(value);
                if value.is_unbound() && old.is_unbound() {
                    let name = self.text_of(w.name.get());
                    return Err(self.attribute_error(name));
                }
                return Ok(());
            }
            let (name, class) = (self.text_of(w.name.get()), self.type_name(v));
            let owner = w.owner.get().cast::<Class>().map_or_else(String::new, |c| c.name_text());
            let message = format!("descriptor '{name}' for '{owner}' objects doesn't apply to a '{class}' object");
            return Err(self.type_error(message));
        }
        let set = w.other.get();
        if set.is_unbound() {
            let (name, class) = (self.text_of(w.name.get()), self.type_name(v));
            if is_plain_member(&name) {
                return Err(self.attribute_error("readonly attribute"));
            }
            let message = format!("attribute '{name}' of '{class}' objects is not writable");
            return Err(self.attribute_error(message));
        }
        self.call(set, &[v, value]).map(drop)
    }
}

/// Builtin attributes that CPython implements as struct members: its complaint differs.
fn is_plain_member(name: &str) -> bool {
    const MEMBERS: &[&str] = &[
        "__closure__",
        "__globals__",
        "__builtins__",
        "__func__",
        "__self__",
        "start",
        "stop",
        "step",
        "fget",
        "fset",
        "fdel",
        "__callback__",
        "__wrapped__",
        "__thisclass__",
        "__self_class__",
        "__origin__",
        "__args__",
        "message",
        "exceptions",
        "tb_frame",
        "tb_lasti",
    ];
    MEMBERS.contains(&name) || name.starts_with("co_")
}
