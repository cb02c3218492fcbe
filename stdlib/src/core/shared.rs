//! Small helpers that the native modules share.

use conc_interpreter::native::{Ctx, Kwargs, R, Raised};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::module::Module;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};

/// Whether a value is an exact instance of a builtin class (immediates are).
#[inline]
pub fn is_exact(v: Value, id: ClassId) -> bool {
    v.header().is_some_and(|h| h.shape() == id.shape())
}

/// The str of an argument, else TypeError with the message that `describe` makes of the type's name.
pub fn text_arg(cx: &mut Ctx, v: Value, describe: impl FnOnce(&str) -> String) -> R<Gc<Str>> {
    match v.cast::<Str>() {
        Some(s) => Ok(s),
        None => {
            let got = cx.type_name(v);
            Err(cx.type_error(describe(&got)))
        }
    }
}

/// A keyword argument out of `**kwargs`, None if missing.
pub fn keyword(cx: &mut Ctx, kwargs: Kwargs, name: &str) -> Option<Value> {
    let name = cx.intern(name);
    kwargs.0.and_then(|d| d.get_str(cx, name))
}

/// Puts a value into a module.
pub fn define(cx: &mut Ctx, module: Gc<Module>, name: &str, value: Value) {
    let name = cx.intern(name);
    module.dict().set_str(cx, name, value);
}

/// Stores under a text key.
pub fn set_text(cx: &mut Ctx, dict: Gc<Dict>, name: &str, value: Value) {
    let name = cx.intern(name);
    dict.set_str(cx, name, value);
}

/// Calls `object.name(*args)`.
pub fn call_method(cx: &mut Ctx, object: Value, name: &str, args: &[Value]) -> R {
    let method = cx.get_attr_text(object, name)?;
    cx.call(method, args)
}

/// Calls with positional arguments and the pairs of a dict as keywords.
pub fn call_with_dict(cx: &mut Ctx, f: Value, args: &[Value], kwargs: Option<Gc<Dict>>) -> R {
    let Some(kwargs) = kwargs.filter(|k| !k.is_empty()) else { return cx.call(f, args) };
    let (values, names) = (cx.list(args)?, cx.new_list());
    for (name, value) in kwargs.pairs() {
        cx.list_push(names, name)?;
        cx.list_push(values, value)?;
    }
    let (values, names) = (cx.list_snapshot(values)?, cx.list_snapshot(names)?);
    cx.call_named(f, values.items(), names.items())
}

/// The loaded module of that name, if `sys.modules` has it.
pub fn loaded_module(cx: &mut Ctx, name: &str) -> Option<Value> {
    let modules = cx.iso().roots.modules.get().cast::<Dict>()?;
    let name = cx.intern(name);
    modules.get_str(cx, name)
}

/// Imports a module by its dotted name and returns the module itself.
pub fn import(cx: &mut Ctx, name: &str) -> R {
    cx.import(name)
}

/// A class as error messages show it: `module.name`, plain for builtins.
pub fn class_title(cx: &mut Ctx, class: Gc<Class>) -> String {
    cx.qualified_name(class)
}

/// "wrong type" errors of the form `what must be X, not Y`.
pub fn must_be(cx: &mut Ctx, what: &str, wanted: &str, got: Value) -> Raised {
    let got = cx.type_name(got);
    cx.type_error(format!("{what} must be {wanted}, not {got}"))
}

/// Values that the library keeps per interpreter, by name: a dict of its own.
fn keep(cx: &mut Ctx) -> Gc<Dict> {
    let root = &cx.iso().roots.extra;
    if let Some(dict) = root.get().cast::<Dict>() {
        return dict;
    }
    let dict = cx.new_dict();
    root.replace_if(Value::UNBOUND, dict.value());
    root.get().cast::<Dict>().unwrap_or(dict)
}

/// Keeps a value for the library's own use.
pub fn remember(cx: &mut Ctx, name: &str, value: Value) {
    let dict = keep(cx);
    set_text(cx, dict, name, value);
}

/// A value kept earlier.
pub fn recall(cx: &mut Ctx, name: &str) -> Option<Value> {
    let (dict, name) = (keep(cx), cx.intern(name));
    dict.get_str(cx, name)
}

/// A class kept earlier.
pub fn recall_class(cx: &mut Ctx, name: &str) -> Option<Gc<Class>> {
    recall(cx, name).and_then(|c| c.cast::<Class>())
}

/// Whether a native object is exactly of the native class that made it, not of a script's subclass.
#[inline]
pub fn is_exact_native(cx: &Ctx, v: Value) -> bool {
    cx.class_of(v).is_static()
}
