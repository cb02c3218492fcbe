//! _weakref: references that do not keep their object alive.

/// Weak references' native part.
#[conc_macros::module(name = "_weakref")]
pub mod functions {
    use super::methods::METHODS;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::sequence::List;
    use conc_interpreter::value::{Gc, Value};

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        cx.install(ClassId::WeakRef, METHODS);
        let class = cx.class(ClassId::WeakRef).value();
        crate::core::shared::define(cx, module, "ref", class);
        crate::core::shared::define(cx, module, "ReferenceType", class);
        Ok(())
    }

    /// Return the number of weak references to 'object'.
    pub fn getweakrefcount(cx: &mut Ctx, object: Value) -> i64 {
        cx.weak_references(object).len() as i64
    }

    /// Return a list of all weak reference objects pointing to 'object'.
    pub fn getweakrefs(cx: &mut Ctx, object: Value) -> R<Gc<List>> {
        let refs: Vec<Value> = cx.weak_references(object).iter().map(|w| w.value()).collect();
        cx.list(&refs)
    }
}

/// The methods of weakref.ReferenceType.
#[conc_macros::methods]
pub mod methods {
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::misc::WeakRef;
    use conc_interpreter::value::{Gc, Value};

    /// Create and return a new object.  See help(type) for accurate signature.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, args: &[Value], _kwargs: Kwargs) -> R {
        if args.is_empty() {
            return Err(cx.type_error("__new__ expected at least 1 argument, got 0"));
        }
        if args.len() > 2 && class.id == ClassId::WeakRef as u32 {
            return Err(cx.type_error(format!("__new__ expected at most 2 arguments, got {}", args.len())));
        }
        let callback = args.get(1).copied().unwrap_or(Value::NONE);
        if callback.is_none()
            && class.id == ClassId::WeakRef as u32
            && let Some(known) = reusable(cx, args[0])
        {
            return Ok(known.value());
        }
        Ok(cx.weak_reference(class, args[0], callback)?.value())
    }

    /// The plain reference that the object has already.
    fn reusable(cx: &mut Ctx, target: Value) -> Option<Gc<WeakRef>> {
        let plain = cx.class(ClassId::WeakRef);
        let refs = cx.weak_references(target);
        refs.into_iter().find(|w| w.callback.get().is_unbound() && cx.class_of(w.value()) == plain)
    }

    /// Initialize self.  See help(type(self)) for accurate signature.
    pub fn __init__(_cx: &mut Ctx, _this: Gc<WeakRef>, _args: &[Value], _kwargs: Kwargs) {}

    /// Call self as a function.
    pub fn __call__(_cx: &mut Ctx, this: Gc<WeakRef>) -> Value {
        let target = this.target.get();
        if target.is_unbound() { Value::NONE } else { target }
    }

    /// Return hash(self).
    pub fn __hash__(cx: &mut Ctx, this: Gc<WeakRef>) -> R {
        let known = this.hash.get();
        if !known.is_unbound() {
            return Ok(known);
        }
        let target = this.target.get();
        if target.is_unbound() {
            return Err(cx.type_error("weak object has gone away"));
        }
        let hash = cx.hash(target)?;
        let hash = cx.int(hash as i64);
        this.hash.set(hash);
        Ok(hash)
    }

    /// Return self==value.
    pub fn __eq__(cx: &mut Ctx, this: Gc<WeakRef>, value: Value) -> R {
        let Some(other) = value.cast::<WeakRef>() else { return Ok(Value::NOT_IMPLEMENTED) };
        let (a, b) = (this.target.get(), other.target.get());
        if a.is_unbound() || b.is_unbound() {
            return Ok(Value::bool(this.value() == value));
        }
        Ok(Value::bool(cx.eq(a, b)?))
    }

    /// Return repr(self).
    pub fn __repr__(cx: &mut Ctx, this: Gc<WeakRef>) -> R<String> {
        let at = this.as_ptr() as usize;
        let target = this.target.get();
        let Some(header) = target.header() else { return Ok(format!("<weakref at {at:#x}; dead>")) };
        let what = cx.type_name(target);
        let to = std::ptr::from_ref(header) as usize;
        let name = cx.names().__name__;
        let name = cx.get_attr_opt(target, name)?;
        match name.filter(|n| n.is_a::<conc_interpreter::object::string::Str>()) {
            Some(name) => Ok(format!("<weakref at {at:#x}; to '{what}' at {to:#x} ({})>", cx.text_of(name))),
            None => Ok(format!("<weakref at {at:#x}; to '{what}' at {to:#x}>")),
        }
    }

    /// The function called when the object dies, or None.
    #[getter]
    pub fn __callback__(_cx: &mut Ctx, this: Gc<WeakRef>) -> Value {
        let callback = this.callback.get();
        if callback.is_unbound() { Value::NONE } else { callback }
    }
}
