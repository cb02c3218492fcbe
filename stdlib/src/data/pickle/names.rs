//! Objects by name: which module knows one, what a name stands for, and the names that Python 2 had.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};

use super::save::error;
use crate::core::shared::loaded_module;

/// Modules that Python 3 calls otherwise: (3, 2).
const MODULES: &[(&str, &str)] = &[
    ("builtins", "__builtin__"),
    ("configparser", "ConfigParser"),
    ("copyreg", "copy_reg"),
    ("html.entities", "htmlentitydefs"),
    ("html.parser", "HTMLParser"),
    ("http.client", "httplib"),
    ("http.cookiejar", "cookielib"),
    ("http.cookies", "Cookie"),
    ("pickle", "cPickle"),
    ("queue", "Queue"),
    ("reprlib", "repr"),
    ("socketserver", "SocketServer"),
    ("_thread", "thread"),
];

/// Names that have moved: (module and name in 3, those in 2).
const NAMES: &[((&str, &str), (&str, &str))] = &[
    (("builtins", "range"), ("__builtin__", "xrange")),
    (("builtins", "str"), ("__builtin__", "unicode")),
    (("builtins", "int"), ("__builtin__", "long")),
    (("builtins", "chr"), ("__builtin__", "unichr")),
    (("builtins", "filter"), ("itertools", "ifilter")),
    (("builtins", "map"), ("itertools", "imap")),
    (("builtins", "zip"), ("itertools", "izip")),
    (("functools", "reduce"), ("__builtin__", "reduce")),
    (("_functools", "reduce"), ("__builtin__", "reduce")),
    (("itertools", "filterfalse"), ("itertools", "ifilterfalse")),
    (("itertools", "zip_longest"), ("itertools", "izip_longest")),
    (("sys", "intern"), ("__builtin__", "intern")),
    (("collections", "UserDict"), ("UserDict", "IterableUserDict")),
    (("collections", "UserList"), ("UserList", "UserList")),
    (("collections", "UserString"), ("UserString", "UserString")),
];

pub fn to_python2<'a>(module: &'a str, name: &'a str) -> (&'a str, &'a str) {
    if let Some(&(_, old)) = NAMES.iter().find(|(new, _)| *new == (module, name)) {
        return old;
    }
    if module == "builtins" && (name.ends_with("Error") || name.ends_with("Exception")) {
        return ("exceptions", name);
    }
    (MODULES.iter().find(|(new, _)| *new == module).map_or(module, |(_, old)| old), name)
}

pub fn from_python2<'a>(module: &'a str, name: &'a str) -> (&'a str, &'a str) {
    if let Some(&(new, _)) = NAMES.iter().find(|(_, old)| *old == (module, name)) {
        return new;
    }
    if module == "exceptions" {
        return ("builtins", name);
    }
    (MODULES.iter().find(|(_, old)| *old == module).map_or(module, |(new, _)| new), name)
}

/// The name that an object says it has.
pub fn of(cx: &mut Ctx, v: Value) -> R {
    let qualified = cx.names().__qualname__;
    match cx.get_attr_opt(v, qualified)? {
        Some(name) if !name.is_none() => Ok(name),
        _ => cx.get_attr_text(v, "__name__"),
    }
}

/// The name of the module that an object says it is from, or else of one that has it.
pub fn module_of(cx: &mut Ctx, v: Value, name: Gc<Str>) -> R<Gc<Str>> {
    let attribute = cx.names().__module__;
    if let Some(module) = cx.get_attr_opt(v, attribute)?
        && let Some(module) = module.cast::<Str>()
    {
        return Ok(module);
    }
    if let Some(modules) = cx.iso().roots.modules.get().cast::<Dict>() {
        let modules = modules.snapshot(cx)?;
        for (key, module) in modules.pairs() {
            let Some(key) = key.cast::<Str>() else { continue };
            let skipped = matches!(key.as_bytes(), b"__main__" | b"__mp_main__") || module.is_none();
            if !skipped && walk(cx, module, &name.to_text())? == Some(v) {
                return Ok(key);
            }
        }
    }
    Ok(cx.intern("__main__"))
}

/// What a name with dots stands for in a module.
fn walk(cx: &mut Ctx, module: Value, name: &str) -> R<Option<Value>> {
    let mut v = module;
    for part in name.split('.') {
        let part = cx.intern(part);
        match cx.get_attr_opt(v, part)? {
            Some(next) => v = next,
            None => return Ok(None),
        }
    }
    Ok(Some(v))
}

fn module_named(cx: &mut Ctx, name: &str) -> R {
    match loaded_module(cx, name) {
        Some(module) if !module.is_none() => Ok(module),
        _ => cx.import(name),
    }
}

/// Checks that whoever looks the name up will find this object.
pub fn check(cx: &mut Ctx, v: Value, module: Gc<Str>, name: Gc<Str>) -> R<()> {
    let (module, name) = (module.to_text().into_owned(), name.to_text().into_owned());
    if name.split('.').any(|part| part == "<locals>") {
        return Err(cx.attribute_error(format!("Can't get local object '{name}'")));
    }
    let Ok(home) = module_named(cx, &module) else {
        let shown = cx.repr(v)?.to_text().into_owned();
        return Err(error(cx, format!("Can't pickle {shown}: import of module '{module}' failed")));
    };
    match walk(cx, home, &name)? {
        Some(found) if found == v => Ok(()),
        found => {
            let shown = cx.repr(v)?.to_text().into_owned();
            let problem = match found {
                Some(_) => format!("it's not the same object as {module}.{name}"),
                None => format!("attribute lookup {name} on {module} failed"),
            };
            Err(error(cx, format!("Can't pickle {shown}: {problem}")))
        }
    }
}

/// What a pickle's name stands for.
pub fn find(cx: &mut Ctx, module: &str, name: &str, dotted: bool) -> R {
    let home = module_named(cx, module)?;
    let found = if dotted {
        walk(cx, home, name)?
    } else {
        let name = cx.intern(name);
        cx.get_attr_opt(home, name)?
    };
    match found {
        Some(v) => Ok(v),
        None => {
            let shown = cx.repr(home)?.to_text().into_owned();
            Err(cx.error(ClassId::AttributeError, format!("Can't get attribute '{name}' on {shown}")))
        }
    }
}
