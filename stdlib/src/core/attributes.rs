//! Builtin functions that look at objects: dir, help, callable, isinstance.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::module::Module;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};

use super::{evaluate, extremes, output, shared};

/// The name given to getattr and its kin.
pub fn attribute_name(cx: &mut Ctx, name: Value, _function: &str) -> R<Gc<Str>> {
    shared::text_arg(cx, name, |got| format!("attribute name must be string, not '{got}'"))
}

pub fn callable(cx: &mut Ctx, v: Value) -> bool {
    use conc_interpreter::object::kind::Kind;
    match Kind::of(v.kind_byte()) {
        Kind::Function | Kind::Native | Kind::Method | Kind::Class => true,
        _ => {
            let name = cx.names().__call__;
            cx.lookup_special(v, name).is_some()
        }
    }
}

pub fn dir(cx: &mut Ctx, object: Option<Value>) -> R {
    let names = match object {
        None => {
            let locals = evaluate::locals(cx)?;
            cx.collect_list(locals)?
        }
        Some(object) => {
            let name = cx.names().__dir__;
            match cx.call_special(object, name, &[])? {
                Some(result) => cx.collect_list(result)?,
                None => {
                    let found = default_dir(cx, object)?;
                    cx.collect_list(found)?
                }
            }
        }
    };
    extremes::sorted(cx, names.value(), Value::NONE, false)
}

/// The names an object has without a `__dir__` of its own: a dict with them as keys.
pub fn default_dir(cx: &mut Ctx, object: Value) -> R {
    let names = cx.new_dict();
    if let Some(module) = object.cast::<Module>() {
        add_keys(cx, names, module.dict())?;
        return Ok(names.value());
    }
    if let Some(class) = object.cast::<Class>() {
        add_class(cx, names, class)?;
        return Ok(names.value());
    }
    let dict_name = cx.names().__dict__;
    if let Some(dict) = cx.get_attr_opt(object, dict_name)?.and_then(|d| d.cast::<Dict>()) {
        add_keys(cx, names, dict)?;
    }
    let class = cx.class_of(object);
    add_class(cx, names, class)?;
    Ok(names.value())
}

fn add_class(cx: &mut Ctx, names: Gc<Dict>, class: Gc<Class>) -> R<()> {
    let mro = class.mro();
    for c in mro.items().iter().filter_map(|c| c.cast::<Class>()) {
        add_keys(cx, names, c.dict())?;
    }
    Ok(())
}

fn add_keys(cx: &mut Ctx, names: Gc<Dict>, from: Gc<Dict>) -> R<()> {
    for (key, _) in from.pairs() {
        names.set(cx, key, Value::NONE)?;
    }
    Ok(())
}

pub fn help(cx: &mut Ctx, request: Option<Value>) -> R<()> {
    let text = match request {
        None => "Type help(object) for help about an object, dir(object) for its attributes.\n".to_string(),
        Some(object) => describe(cx, object)?,
    };
    output::write_stdout(cx, text.as_bytes())
}

fn describe(cx: &mut Ctx, object: Value) -> R<String> {
    let (name_key, doc_key) = (cx.names().__name__, cx.names().__doc__);
    let title = match cx.get_attr_opt(object, name_key)? {
        Some(name) => cx.str_text(name),
        None => cx.type_name(object),
    };
    let kind = cx.type_name(object);
    let doc = match cx.get_attr_opt(object, doc_key)? {
        Some(doc) if doc.is_a::<Str>() => cx.str_text(doc),
        _ => String::new(),
    };
    let mut out = format!("Help on {kind} {title}:\n\n{title}\n");
    for line in doc.lines() {
        out.push_str(&format!("    {line}\n").replace("    \n", "\n"));
    }
    Ok(out)
}
