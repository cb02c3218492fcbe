//! Functions, bound methods, native functions and cells.

use conc_macros::methods;

/// The methods of function.
#[methods]
pub mod methods {
    use super::{new_function, set_field};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::dict::Dict;
    use crate::object::function::{Code, Function};
    use crate::object::sequence::Tuple;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Make a function of code and globals.
    #[static_method]
    #[allow(clippy::too_many_arguments)] // CPython's constructor has as many
    pub fn __new__(
        cx: &mut Ctx,
        _class: Value,
        #[kw] code: Value,
        #[kw] globals: Value,
        #[kw]
        #[default(Value::NONE)]
        name: Value,
        #[kw]
        #[default(Value::NONE)]
        argdefs: Value,
        #[kw]
        #[default(Value::NONE)]
        closure: Value,
        #[kw]
        #[default(Value::NONE)]
        kwdefaults: Value,
    ) -> R {
        new_function(cx, code, globals, [name, argdefs, closure, kwdefaults])
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Function>) -> String {
        let name = cx.text_of(this.qualname.get());
        format!("<function {name} at {:#x}>", this.as_ptr() as usize)
    }

    /// Run the object the way a function is run.
    pub fn __call__(cx: &mut Ctx, this: Gc<Function>, args: &[Value], kwargs: Kwargs) -> R {
        cx.call_kwargs(this.value(), args, kwargs.0)
    }

    /// Give what reading the attribute from the instance yields.
    pub fn __get__(cx: &mut Ctx, this: Value, instance: Value, #[default(Value::NONE)] owner: Value) -> R {
        super::get_from(cx, this, instance, owner)
    }

    /// The code object.
    #[getter]
    pub fn __code__(this: Gc<Function>) -> Value {
        this.code.get()
    }
    /// Replaces the code object.
    #[setter]
    #[name = "__code__"]
    pub fn set_code(cx: &mut Ctx, this: Gc<Function>, value: Value) -> R<()> {
        let Some(code) = value.cast::<Code>() else {
            return Err(cx.type_error("__code__ must be set to a code object"));
        };
        let (have, want) = (this.closure.get().cast::<Tuple>().map_or(0, |t| t.len), code.template().free.len());
        if have != want {
            let name = cx.text_of(this.name.get());
            let message = format!("{name}() requires a code object with {have} free vars, not {want}");
            return Err(cx.value_error(message));
        }
        this.code.set(value);
        Ok(())
    }

    /// The defaults of the positional parameters.
    #[getter]
    pub fn __defaults__(this: Gc<Function>) -> Value {
        this.defaults.get()
    }
    /// Replaces the defaults.
    #[setter]
    #[name = "__defaults__"]
    pub fn set_defaults(cx: &mut Ctx, this: Gc<Function>, value: Value) -> R<()> {
        let value = if value.is_unbound() { Value::NONE } else { value };
        if !value.is_none() && !value.is_a::<Tuple>() {
            return Err(cx.type_error("__defaults__ must be set to a tuple object"));
        }
        this.defaults.set(value);
        Ok(())
    }

    /// The defaults of the keyword-only parameters.
    #[getter]
    pub fn __kwdefaults__(this: Gc<Function>) -> Value {
        this.kwdefaults.get()
    }
    /// Replaces the keyword-only defaults.
    #[setter]
    #[name = "__kwdefaults__"]
    pub fn set_kwdefaults(cx: &mut Ctx, this: Gc<Function>, value: Value) -> R<()> {
        let value = if value.is_unbound() { Value::NONE } else { value };
        if !value.is_none() && !value.is_a::<Dict>() {
            return Err(cx.type_error("__kwdefaults__ must be set to a dict object"));
        }
        this.kwdefaults.set(value);
        Ok(())
    }

    /// The name.
    #[getter]
    pub fn __name__(this: Gc<Function>) -> Value {
        this.name.get()
    }
    /// Renames the function.
    #[setter]
    #[name = "__name__"]
    pub fn set_name(cx: &mut Ctx, this: Gc<Function>, value: Value) -> R<()> {
        if !value.is_a::<Str>() {
            return Err(cx.type_error("__name__ must be set to a string object"));
        }
        set_field(&this.name, value);
        Ok(())
    }

    /// The dotted name.
    #[getter]
    pub fn __qualname__(this: Gc<Function>) -> Value {
        this.qualname.get()
    }
    /// Changes the dotted name.
    #[setter]
    #[name = "__qualname__"]
    pub fn set_qualname(cx: &mut Ctx, this: Gc<Function>, value: Value) -> R<()> {
        if !value.is_a::<Str>() {
            return Err(cx.type_error("__qualname__ must be set to a string object"));
        }
        set_field(&this.qualname, value);
        Ok(())
    }

    /// The documentation string.
    #[getter]
    pub fn __doc__(this: Gc<Function>) -> Value {
        this.doc.get()
    }
    /// Changes the documentation string.
    #[setter]
    #[name = "__doc__"]
    pub fn set_doc(this: Gc<Function>, value: Value) {
        set_field(&this.doc, value);
    }

    /// The name of the module it was made in.
    #[getter]
    pub fn __module__(this: Gc<Function>) -> Value {
        this.module.get()
    }
    /// Changes the module name.
    #[setter]
    #[name = "__module__"]
    pub fn set_module(this: Gc<Function>, value: Value) {
        set_field(&this.module, value);
    }

    /// The namespace of its globals.
    #[getter]
    pub fn __globals__(this: Gc<Function>) -> Value {
        this.code.obj::<Code>().globals.get()
    }

    /// The namespace of the builtins.
    #[getter]
    pub fn __builtins__(cx: &mut Ctx, _this: Gc<Function>) -> Value {
        cx.iso().roots.builtins.get()
    }

    /// The cells of the captured variables.
    #[getter]
    pub fn __closure__(this: Gc<Function>) -> Value {
        let closure = this.closure.get();
        if closure.cast::<Tuple>().is_none_or(|t| t.len == 0) { Value::NONE } else { closure }
    }

    /// The annotations.
    #[getter]
    pub fn __annotations__(cx: &mut Ctx, this: Gc<Function>) -> R {
        let found = this.annotations.get();
        if found.is_a::<Dict>() {
            return Ok(found);
        }
        let dict = super::annotations_dict(cx, found)?.value();
        this.annotations.set(dict);
        Ok(dict)
    }
    /// Replaces the annotations.
    #[setter]
    #[name = "__annotations__"]
    pub fn set_annotations(cx: &mut Ctx, this: Gc<Function>, value: Value) -> R<()> {
        let value = if value.is_unbound() { Value::NONE } else { value };
        if !value.is_none() && !value.is_a::<Dict>() {
            return Err(cx.type_error("__annotations__ must be set to a dict object"));
        }
        this.annotations.set(value);
        Ok(())
    }

    /// The type parameters.
    #[getter]
    pub fn __type_params__(cx: &mut Ctx, this: Gc<Function>) -> Value {
        let params = this.type_params.get();
        if params.is_a::<Tuple>() { params } else { cx.iso().roots.empty_tuple.get() }
    }
    /// Replaces the type parameters.
    #[setter]
    #[name = "__type_params__"]
    pub fn set_type_params(cx: &mut Ctx, this: Gc<Function>, value: Value) -> R<()> {
        if !value.is_a::<Tuple>() {
            return Err(cx.type_error("__type_params__ must be set to a tuple"));
        }
        this.type_params.set(value);
        Ok(())
    }

    /// The attributes.
    #[getter]
    pub fn __dict__(cx: &mut Ctx, this: Value) -> R {
        match cx.attrs_dict(this, true) {
            Some(dict) => Ok(dict.value()),
            None => Err(cx.attribute_error("__dict__")),
        }
    }
    /// Replaces the attributes.
    #[setter]
    #[name = "__dict__"]
    pub fn set_dict(cx: &mut Ctx, this: Gc<Function>, value: Value) -> R<()> {
        if value.is_unbound() {
            return Err(cx.type_error("cannot delete __dict__"));
        }
        if !value.is_a::<Dict>() {
            let got = cx.type_name(value);
            return Err(cx.type_error(format!("__dict__ must be set to a dictionary, not a '{got}'")));
        }
        this.dict.set(value);
        Ok(())
    }
}

/// The methods of bound methods.
#[methods]
pub mod bound {
    use super::method_repr;
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::function::Method;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Bind a callable to an object.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Value, function: Value, instance: Value) -> R {
        if !crate::object::methods::function::is_callable(cx, function) {
            return Err(cx.type_error("first argument must be callable"));
        }
        if instance.is_none() {
            return Err(cx.type_error("instance must not be None"));
        }
        Ok(cx.new_method(function, instance))
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Method>) -> R<Gc<Str>> {
        method_repr(cx, this)
    }

    /// Run the object the way a function is run.
    pub fn __call__(cx: &mut Ctx, this: Value, args: &[Value], kwargs: Kwargs) -> R {
        cx.call_kwargs(this, args, kwargs.0)
    }

    /// Tell whether self and value are equal.
    pub fn __eq__(cx: &mut Ctx, this: Gc<Method>, value: Value) -> R {
        let Some(other) = value.cast::<Method>() else { return Ok(Value::NOT_IMPLEMENTED) };
        let same = this.this.get() == other.this.get() && cx.same(this.function.get(), other.function.get())?;
        Ok(Value::bool(same))
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Gc<Method>) -> R<i64> {
        let object = cx.identity_hash(this.this.get());
        Ok((object ^ cx.hash(this.function.get())?) as i64)
    }

    /// Read the attribute of this name.
    pub fn __getattribute__(cx: &mut Ctx, this: Gc<Method>, name: Value) -> R {
        let name = cx.expect_str(name, "attribute name")?;
        let name = cx.intern_str(name);
        match cx.generic_get(this.value(), name)? {
            Some(value) => Ok(value),
            None => Err(cx.no_attribute(this.value(), name.value())),
        }
    }

    /// What the method calls.
    #[getter]
    pub fn __func__(this: Gc<Method>) -> Value {
        this.function.get()
    }

    /// The object that comes first among the arguments.
    #[getter]
    pub fn __self__(this: Gc<Method>) -> Value {
        this.this.get()
    }

    /// The function's documentation string.
    #[getter]
    pub fn __doc__(cx: &mut Ctx, this: Gc<Method>) -> R {
        let name = cx.names().__doc__;
        Ok(cx.get_attr_opt(this.function.get(), name)?.unwrap_or(Value::NONE))
    }

    /// Give what reading the attribute from the instance yields.
    pub fn __get__(this: Value, _instance: Value, _owner: Option<Value>) -> Value {
        this
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Method>) -> R {
        let name = cx.names().__name__;
        let name = cx.get_attr_interned(this.function.get(), name)?;
        let getattr = cx.intern("getattr");
        let builtins = cx.iso().roots.builtins.get().cast::<crate::object::dict::Dict>();
        let getattr = builtins.and_then(|d| d.get_str(cx, getattr)).unwrap_or(Value::NONE);
        let args = cx.tuple(&[this.this.get(), name])?;
        cx.tuple(&[getattr, args])
    }
}

/// The methods of cells.
#[methods]
pub mod cell {
    use crate::native::{Ctx, R};
    use crate::object::function::Cell;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Make a cell, with something in it or empty.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Value, contents: Option<Value>) -> Gc<Cell> {
        cx.new_cell(contents.unwrap_or(Value::UNBOUND))
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Cell>) -> R<Gc<Str>> {
        let at = this.as_ptr() as usize;
        let value = this.value.get();
        if value.is_unbound() {
            return Ok(cx.new_str(&format!("<cell at {at:#x}: empty>")));
        }
        let kind = cx.type_name(value);
        let id = if value.is_object() { value.bits() - 1 } else { value.bits() };
        Ok(cx.new_str(&format!("<cell at {at:#x}: {kind} object at {id:#x}>")))
    }

    /// The variable's value.
    #[getter]
    pub fn cell_contents(cx: &mut Ctx, this: Gc<Cell>) -> R {
        let value = this.value.get();
        if value.is_unbound() { Err(cx.value_error("Cell is empty")) } else { Ok(value) }
    }

    /// Changes the variable.
    #[setter]
    #[name = "cell_contents"]
    pub fn set_contents(this: Gc<Cell>, value: Value) {
        this.value.set(value);
    }
}

use crate::native::{Ctx, R};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::function::{Code, Function, Method, Native};
use crate::object::sequence::Tuple;
use crate::object::string::Str;
use crate::value::{Gc, Slot, Value};

fn set_field(slot: &Slot, value: Value) {
    slot.set(if value.is_unbound() { Value::NONE } else { value });
}

/// Whether calls of a value can work.
pub fn is_callable(cx: &mut Ctx, v: Value) -> bool {
    if v.is_a::<Function>() || v.is_a::<Native>() || v.is_a::<Method>() || v.is_a::<Class>() {
        return true;
    }
    let call = cx.names().__call__;
    cx.lookup_special(v, call).is_some()
}

/// `f.__get__(instance, owner)`
pub fn get_from(cx: &mut Ctx, f: Value, instance: Value, owner: Value) -> R {
    if instance.is_none() && owner.is_none() {
        return Err(cx.type_error("__get__(None, None) is invalid"));
    }
    let class = match owner.cast::<Class>() {
        Some(class) => class,
        None => cx.class_of(instance),
    };
    let this = if instance.is_none() && owner != cx.class_of(Value::NONE).value() { Value::UNBOUND } else { instance };
    cx.bind(f, this, class)
}

/// `FunctionType(code, globals, name, argdefs, closure, kwdefaults)`
fn new_function(cx: &mut Ctx, code: Value, globals: Value, rest: [Value; 4]) -> R {
    let [name, defaults, closure, kwdefaults] = rest;
    let Some(code) = code.cast::<Code>() else {
        let got = cx.type_name(code);
        return Err(cx.type_error(format!("function() argument 'code' must be code, not {got}")));
    };
    let Some(globals) = globals.cast::<Dict>() else {
        let got = cx.type_name(globals);
        return Err(cx.type_error(format!("function() argument 'globals' must be dict, not {got}")));
    };
    if !name.is_none() && !name.is_a::<Str>() {
        return Err(cx.type_error("arg 3 (name) must be None or string"));
    }
    if !defaults.is_none() && !defaults.is_a::<Tuple>() {
        return Err(cx.type_error("arg 4 (defaults) must be None or tuple"));
    }
    let wanted = code.template().free.len();
    if wanted > 0 && !closure.is_a::<Tuple>() {
        return Err(cx.type_error("arg 5 (closure) must be tuple"));
    }
    let given = closure.cast::<Tuple>().map_or(0, |t| t.len);
    if given != wanted {
        let what = cx.text_of(code.name.get());
        return Err(cx.value_error(format!("{what} requires closure of length {wanted}, not {given}")));
    }
    let code = if code.globals.get() == globals.value() {
        code
    } else {
        {
            globals.make_namespace(cx);
            cx.instantiate(&code.template_arc(), globals)?
        }
    };
    let doc = match code.template().doc.as_deref() {
        Some(doc) => cx.new_wtf8(doc).value(),
        None => Value::NONE,
    };
    let key = cx.names().__name__;
    let module = globals.get_str(cx, key).unwrap_or(Value::NONE);
    let f = cx.new_function(|f| {
        f.code.set(code.value());
        f.name.set(if name.is_none() { code.name.get() } else { name });
        f.qualname.set(code.qualname.get());
        f.module.set(module);
        f.doc.set(doc);
        f.defaults.set(defaults);
        f.kwdefaults.set(kwdefaults);
        if closure.is_a::<Tuple>() {
            f.closure.set(closure);
        }
    });
    Ok(f.value())
}

/// Annotations as a dict, from what the code made: nothing, or a tuple of names and values in turn.
fn annotations_dict(cx: &mut Ctx, found: Value) -> R<Gc<Dict>> {
    let dict = cx.new_dict();
    if let Some(pairs) = found.cast::<Tuple>() {
        for pair in pairs.items().chunks_exact(2) {
            dict.set(cx, pair[0], pair[1])?;
        }
    }
    Ok(dict)
}

fn method_repr(cx: &mut Ctx, m: Gc<Method>) -> R<Gc<Str>> {
    let names = cx.names();
    let mut name = cx.get_attr_opt(m.function.get(), names.__qualname__)?;
    if name.is_none() {
        name = cx.get_attr_opt(m.function.get(), names.__name__)?;
    }
    let name = match name {
        Some(name) => cx.text_of(name),
        None => "?".into(),
    };
    let mut out = format!("<bound method {name} of ").into_bytes();
    cx.write_repr(m.this.get(), &mut out)?;
    out.push(b'>');
    cx.try_wtf8(&out)
}
