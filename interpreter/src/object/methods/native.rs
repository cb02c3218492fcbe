//! Native functions, method descriptors and get/set descriptors.

use conc_macros::methods;

/// What all native callables have.
#[methods]
pub mod methods {
    use super::{native_module, native_name, native_qualname, native_repr, native_self, signature};
    use crate::native::{Ctx, Kwargs, R, Role};
    use crate::object::class::Class;
    use crate::object::function::Native;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Native>) -> String {
        native_repr(cx, this)
    }

    /// Run the object the way a function is run.
    pub fn __call__(cx: &mut Ctx, this: Value, args: &[Value], kwargs: Kwargs) -> R {
        cx.call_kwargs(this, args, kwargs.0)
    }

    /// Tell whether self and value are equal.
    pub fn __eq__(this: Gc<Native>, value: Value) -> Value {
        match value.cast::<Native>() {
            Some(other) => Value::bool(
                std::ptr::eq(this.def, other.def)
                    && this.this.get() == other.this.get()
                    && this.owner.get() == other.owner.get(),
            ),
            None => Value::NOT_IMPLEMENTED,
        }
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Gc<Native>) -> i64 {
        let object = cx.identity_hash(this.this.get());
        (object ^ (this.def as usize as u64 >> 4)) as i64
    }

    /// The name.
    #[getter]
    pub fn __name__(cx: &mut Ctx, this: Gc<Native>) -> Gc<Str> {
        native_name(cx, this)
    }

    /// The dotted name.
    #[getter]
    pub fn __qualname__(cx: &mut Ctx, this: Gc<Native>) -> String {
        native_qualname(cx, this)
    }

    /// The documentation string.
    #[getter]
    pub fn __doc__(cx: &mut Ctx, this: Gc<Native>) -> Value {
        match this.def().doc {
            "" => Value::NONE,
            doc => cx.str(doc),
        }
    }

    /// The signature as text.
    #[getter]
    pub fn __text_signature__(cx: &mut Ctx, this: Gc<Native>) -> Value {
        match signature(this) {
            Some(text) => cx.str(&text),
            None => Value::NONE,
        }
    }

    /// The object it is bound to, or its module.
    #[getter]
    pub fn __self__(cx: &mut Ctx, this: Gc<Native>) -> R {
        native_self(cx, this)
    }

    /// The name of its module.
    #[getter]
    pub fn __module__(cx: &mut Ctx, this: Gc<Native>) -> R {
        native_module(cx, this)
    }

    /// The class that defines it.
    #[getter]
    pub fn __objclass__(cx: &mut Ctx, this: Gc<Native>) -> R {
        super::owner_class(cx, this)
    }

    /// Give what reading the attribute from the instance yields.
    pub fn __get__(cx: &mut Ctx, this: Gc<Native>, instance: Value, #[default(Value::NONE)] owner: Value) -> R {
        super::native_get(cx, this, instance, owner)
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Native>) -> R {
        let owner = match this.this.get() {
            // A static method is an attribute of its class.
            v if v.is_unbound() && this.def().role == Role::StaticMethod && this.owner.get().is_a::<Class>() => {
                this.owner.get()
            }
            v if v.is_unbound() => return Ok(native_name(cx, this).value()),
            v => v,
        };
        let getattr = cx.intern("getattr");
        let builtins = cx.iso().roots.builtins.get().cast::<crate::object::dict::Dict>();
        let getattr = builtins.and_then(|d| d.get_str(cx, getattr)).unwrap_or(Value::NONE);
        let name = native_name(cx, this).value();
        let args = cx.tuple(&[owner, name])?;
        cx.tuple(&[getattr, args])
    }
}

/// Get/set and member descriptors.
#[methods]
pub mod descriptor {
    use crate::native::{Ctx, R};
    use crate::object::class::Class;
    use crate::object::function::{Native, Wrapper};
    use crate::object::kind::ClassId;
    use crate::value::{Gc, Value};

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Wrapper>) -> String {
        let member = this.header().shape() == ClassId::MemberDescriptor.shape();
        let what = if member { "member" } else { "attribute" };
        let owner = this.owner.get().cast::<Class>().map_or_else(String::new, |c| c.name_text());
        format!("<{what} '{}' of '{owner}' objects>", cx.text_of(this.name.get()))
    }

    /// Give what reading the attribute from the instance yields.
    pub fn __get__(cx: &mut Ctx, this: Gc<Wrapper>, instance: Value, #[default(Value::NONE)] owner: Value) -> R {
        if instance.is_none() && !owner.is_none() && owner != cx.class(ClassId::NoneType).value() {
            return Ok(this.value());
        }
        check(cx, this, instance)?;
        let class = cx.class_of(instance);
        cx.bind(this.value(), instance, class)
    }

    /// Set the attribute that this descriptor stands for.
    pub fn __set__(cx: &mut Ctx, this: Gc<Wrapper>, instance: Value, value: Value) -> R<()> {
        check(cx, this, instance)?;
        cx.descriptor_set(this.value(), instance, value)
    }

    /// Delete the attribute that this descriptor stands for.
    pub fn __delete__(cx: &mut Ctx, this: Gc<Wrapper>, instance: Value) -> R<()> {
        check(cx, this, instance)?;
        cx.descriptor_set(this.value(), instance, Value::UNBOUND)
    }

    fn check(cx: &mut Ctx, this: Gc<Wrapper>, instance: Value) -> R<()> {
        let Some(owner) = this.owner.get().cast::<Class>() else { return Ok(()) };
        if cx.class_of(instance).is_subclass_of(owner) {
            return Ok(());
        }
        let (name, owner, got) = (cx.text_of(this.name.get()), owner.name_text(), cx.type_name(instance));
        let message = format!("descriptor '{name}' for '{owner}' objects doesn't apply to a '{got}' object");
        Err(cx.type_error(message))
    }

    /// The name.
    #[getter]
    pub fn __name__(this: Gc<Wrapper>) -> Value {
        this.name.get()
    }

    /// The dotted name.
    #[getter]
    pub fn __qualname__(cx: &mut Ctx, this: Gc<Wrapper>) -> String {
        let name = cx.text_of(this.name.get());
        match this.owner.get().cast::<Class>() {
            Some(c) => format!("{}.{name}", cx.text_of(c.qualname.get())),
            None => name,
        }
    }

    /// The class that defines it.
    #[getter]
    pub fn __objclass__(this: Gc<Wrapper>) -> Value {
        this.owner.get()
    }

    /// The documentation string.
    #[getter]
    pub fn __doc__(cx: &mut Ctx, this: Gc<Wrapper>) -> Value {
        match this.value.get().cast::<Native>().map(|n| n.def().doc) {
            Some(doc) if !doc.is_empty() => cx.str(doc),
            _ => Value::NONE,
        }
    }
}

use crate::native::{Ctx, ParamKind, R, Role};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::function::Native;
use crate::object::kind::ClassId;
use crate::object::string::Str;
use crate::value::{Gc, Value};

fn native_name(cx: &mut Ctx, n: Gc<Native>) -> Gc<Str> {
    cx.intern(n.def().name)
}

/// The class in whose dict the native lies.
fn owner(n: Gc<Native>) -> Option<Gc<Class>> {
    n.owner.get().cast()
}

fn native_qualname(cx: &mut Ctx, n: Gc<Native>) -> String {
    match owner(n) {
        Some(class) => format!("{}.{}", cx.text_of(class.qualname.get()), n.def().name),
        None => n.def().name.to_string(),
    }
}

fn native_repr(cx: &mut Ctx, n: Gc<Native>) -> String {
    let name = n.def().name;
    let shape = n.header().shape();
    let class = owner(n).map_or_else(String::new, |c| c.name_text());
    if shape == ClassId::MethodDescriptor.shape() || shape == ClassId::ClassMethodDescriptor.shape() {
        return format!("<method '{name}' of '{class}' objects>");
    }
    if shape == ClassId::SlotWrapper.shape() {
        return format!("<slot wrapper '{name}' of '{class}' objects>");
    }
    let mut this = n.this.get();
    if this.is_unbound() && n.def().role == Role::StaticMethod && name == "__new__" {
        this = n.owner.get();
    }
    if this.is_unbound() || this.is_a::<crate::object::module::Module>() {
        return format!("<built-in function {name}>");
    }
    let what = cx.type_name(this);
    let at = if this.is_object() { this.bits() - 1 } else { this.bits() };
    if shape == ClassId::MethodWrapper.shape() {
        return format!("<method-wrapper '{name}' of {what} object at {at:#x}>");
    }
    format!("<built-in method {name} of {what} object at {at:#x}>")
}

/// `($self, object, /)`
fn signature(n: Gc<Native>) -> Option<String> {
    let def = n.def();
    let mut parts: Vec<String> = Vec::new();
    let mut positional_only = false;
    let mut starred = false;
    let params = def.params.iter().enumerate();
    for (i, p) in params {
        let first = i == 0 && matches!(def.role, Role::Method | Role::ClassMethod);
        let name = match (first, def.role) {
            (true, Role::ClassMethod) => "$type".to_string(),
            (true, _) => "$self".to_string(),
            _ => p.name.to_string(),
        };
        if positional_only && p.kind != ParamKind::PositionalOnly {
            parts.push("/".into());
            positional_only = false;
        }
        let default = if p.required || first { String::new() } else { format!("={}", default_text(p.default)) };
        match p.kind {
            ParamKind::PositionalOnly => {
                positional_only = true;
                parts.push(format!("{name}{default}"));
            }
            ParamKind::Positional => parts.push(format!("{name}{default}")),
            ParamKind::KeywordOnly => {
                if !starred {
                    starred = true;
                    parts.push("*".into());
                }
                parts.push(format!("{name}{default}"));
            }
            ParamKind::VarArgs => {
                starred = true;
                parts.push(format!("*{name}"));
            }
            ParamKind::VarKeywords => parts.push(format!("**{name}")),
        }
    }
    if positional_only {
        parts.push("/".into());
    }
    if owner(n).is_none() {
        parts.insert(0, "$module".into());
    }
    Some(format!("({})", parts.join(", ")))
}

/// A default as scripts write it.
fn default_text(source: &str) -> String {
    let compact: String = source.chars().filter(|c| !c.is_whitespace()).collect();
    match compact.as_str() {
        "Value::NONE" => "None".into(),
        "Value::TRUE" | "true" => "True".into(),
        "Value::FALSE" | "false" => "False".into(),
        "i64::MAX" => "sys.maxsize".into(),
        text => match text.strip_prefix("Value::small_int(").and_then(|t| t.strip_suffix(')')) {
            Some(n) => n.to_string(),
            None => source.to_string(),
        },
    }
}

fn native_self(cx: &mut Ctx, n: Gc<Native>) -> R {
    let this = n.this.get();
    let shape = n.header().shape();
    if shape != ClassId::BuiltinFunction.shape() && shape != ClassId::MethodWrapper.shape() {
        let name = cx.names().__self__;
        return Err(cx.no_attribute(n.value(), name.value()));
    }
    if !this.is_unbound() {
        return Ok(this);
    }
    if owner(n).is_some() {
        return Ok(n.owner.get());
    }
    let modules = cx.iso().roots.modules.get().cast::<Dict>();
    let module = modules.zip(n.owner.get().cast::<Str>()).and_then(|(d, name)| d.get_str(cx, name));
    Ok(module.unwrap_or(Value::NONE))
}

fn native_module(cx: &mut Ctx, n: Gc<Native>) -> R {
    if n.header().shape() != ClassId::BuiltinFunction.shape() {
        let name = cx.names().__module__;
        return Err(cx.no_attribute(n.value(), name.value()));
    }
    let module = n.owner.get();
    Ok(if module.is_a::<Str>() { module } else { Value::NONE })
}

fn owner_class(cx: &mut Ctx, n: Gc<Native>) -> R {
    match owner(n) {
        Some(class) if n.header().shape() != ClassId::BuiltinFunction.shape() => Ok(class.value()),
        _ => {
            let name = cx.names().__objclass__;
            Err(cx.no_attribute(n.value(), name.value()))
        }
    }
}

fn native_get(cx: &mut Ctx, n: Gc<Native>, instance: Value, class: Value) -> R {
    let shape = n.header().shape();
    let method = shape == ClassId::MethodDescriptor.shape() || shape == ClassId::SlotWrapper.shape();
    if method
        && !instance.is_none()
        && let Some(owner) = owner(n)
        && !cx.class_of(instance).is_subclass_of(owner)
    {
        let (name, owner, got) = (n.def().name, owner.name_text(), cx.type_name(instance));
        let message = format!("descriptor '{name}' for '{owner}' objects doesn't apply to a '{got}' object");
        return Err(cx.type_error(message));
    }
    super::function::get_from(cx, n.value(), instance, class)
}
