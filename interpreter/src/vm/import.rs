//! Import: native and embedded modules, then files along `sys.path`.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use crate::native::{Ctx, R, Raised};
use crate::object::dict::Dict;
use crate::object::exception::{Exception, extra};
use crate::object::isolate::{BuiltinModule, Turn};
use crate::object::kind::ClassId;
use crate::object::module::Module;
use crate::object::sequence::{List, Tuple};
use crate::object::string::Str;
use crate::value::{Gc, Value};

/// Source file extensions, in order of preference.
const EXTENSIONS: [&str; 2] = ["conc", "py"];

fn modules(cx: &Ctx) -> Gc<Dict> {
    cx.iso().roots.modules.obj()
}

/// A module by its absolute dotted name (the last part of it).
pub fn import_module(cx: &mut Ctx, name: &str) -> R {
    let mut parent = Value::NONE;
    let mut end = 0;
    loop {
        end = name[end..].find('.').map_or(name.len(), |i| end + i);
        let full = &name[..end];
        let module = import_one(cx, full, parent)?;
        if end == name.len() {
            return Ok(module);
        }
        parent = module;
        end += 1;
    }
}

/// One module whose parent package is imported.
fn import_one(cx: &mut Ctx, full: &str, parent: Value) -> R {
    let key = cx.str(full);
    let mut partial = false;
    loop {
        if let Some(module) = modules(cx).get(cx, key)? {
            if module.is_none() {
                return Err(not_found(cx, format!("import of {full} halted; None in sys.modules"), full));
            }
            if partial || cx.iso().importing.load(Ordering::SeqCst) == 0 {
                return Ok(module);
            }
        } else if partial {
            return load_into(cx, full, parent, key);
        }
        let machine = cx.iso().machine;
        match (machine.begin_import)(cx, full)? {
            Turn::Mine => {
                let loaded = match modules(cx).get(cx, key) {
                    // It has been loaded meanwhile, or was ready.
                    Ok(Some(module)) => Ok(module),
                    Ok(None) => load_into(cx, full, parent, key),
                    Err(e) => Err(e),
                };
                (machine.end_import)(cx, full);
                return loaded;
            }
            Turn::Over => {}
            Turn::Partial => partial = true,
        }
    }
}

fn load_into(cx: &mut Ctx, full: &str, parent: Value, key: Value) -> R {
    let module = load(cx, full, parent)?;
    // A module may replace itself in sys.modules while it runs.
    let module = modules(cx).get(cx, key)?.unwrap_or(module);
    if !parent.is_none() {
        let tail = full.rsplit('.').next().unwrap_or(full);
        let tail = cx.intern(tail);
        cx.set_attr(parent, tail, module)?;
    }
    Ok(module)
}

fn load(cx: &mut Ctx, full: &str, parent: Value) -> R {
    let found = cx.iso().library.lock().iter().copied().find(|m| m.name() == full);
    match found {
        Some(BuiltinModule::Refused(_, why)) => {
            return Err(not_found(cx, format!("No module named '{full}': {why}"), full));
        }
        Some(BuiltinModule::Native(def)) => return native_module(cx, def),
        Some(BuiltinModule::Source(name, text)) => {
            let package = cx.iso().library.lock().iter().any(|m| {
                matches!(m, BuiltinModule::Source(n, _) if n.strip_prefix(name).is_some_and(|r| r.starts_with('.')))
            });
            let path = package.then(|| cx.new_list());
            let file = format!("<conc>/{}.conc", name.replace('.', "/"));
            return run_module(cx, full, Origin::Library(&file), &text.text(), path);
        }
        None => {}
    }
    if let Some(flush) = cx.iso().flush_files.get() {
        // The module may have been written by this program.
        flush();
    }
    let tail = full.rsplit('.').next().unwrap_or(full);
    let path = if parent.is_none() {
        let sys = cx.iso().roots.sys.get();
        let name = cx.names().path;
        cx.get_attr(sys, name)?
    } else {
        let name = cx.names().__path__;
        match cx.get_attr_opt(parent, name)? {
            Some(path) => path,
            None => {
                let package = full.rsplit_once('.').map_or("", |p| p.0);
                let message = format!("No module named '{full}'; '{package}' is not a package");
                return Err(not_found(cx, message, full));
            }
        }
    };
    let dirs = cx.collect_tuple(path)?;
    let mut folder = None;
    for &dir in dirs.items() {
        let Some(dir) = dir.cast::<Str>() else { continue };
        if let Some((file, package)) = find_file(Path::new(&*dir.to_text()), tail) {
            if file.is_dir() {
                // A plain folder counts only if no later entry has a real module.
                folder.get_or_insert(file);
                continue;
            }
            return load_file(cx, full, &file, package);
        }
    }
    if let Some(folder) = folder {
        return load_file(cx, full, &folder, true);
    }
    Err(not_found(cx, format!("No module named '{full}'"), full))
}

/// The source file of a module in a directory, and whether it is a package.
pub(super) fn find_file(dir: &Path, name: &str) -> Option<(PathBuf, bool)> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    for ext in EXTENSIONS {
        let init = dir.join(name).join(format!("__init__.{ext}"));
        if init.is_file() {
            return Some((init, true));
        }
        let file = dir.join(format!("{name}.{ext}"));
        if file.is_file() {
            return Some((file, false));
        }
    }
    let namespace = dir.join(name);
    namespace.is_dir().then_some((namespace, true))
}

fn load_file(cx: &mut Ctx, full: &str, file: &Path, package: bool) -> R {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
    let path = match package {
        true => {
            let folder = if file.is_dir() { &file } else { file.parent().unwrap_or(&file) };
            let folder = cx.str(&folder.to_string_lossy());
            Some(cx.list(&[folder])?)
        }
        false => None,
    };
    if file.is_dir() {
        return run_module(cx, full, Origin::Folder, "", path);
    }
    let bytes = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(e) => return Err(not_found(cx, format!("cannot read {}: {e}", file.display()), full)),
    };
    let text = super::source_text(cx, &bytes, &file.to_string_lossy())?;
    run_module(cx, full, Origin::File(&file.to_string_lossy()), &text, path)
}

/// Where a module's source comes from.
#[derive(Clone, Copy)]
enum Origin<'a> {
    Library(&'a str),
    File(&'a str),
    /// A folder without an `__init__`: a namespace package.
    Folder,
}

/// Makes a module object, registers it and runs its source; on failure it is taken out again.
fn run_module(cx: &mut Ctx, full: &str, origin: Origin, text: &str, path: Option<Gc<List>>) -> R {
    let module = new_module(cx, full);
    let dict = module.dict();
    let n = cx.names();
    let package = match &path {
        Some(_) => full,
        None => full.rsplit_once('.').map_or("", |p| p.0),
    };
    let package = cx.str(package);
    dict.set_str(cx, n.__package__, package);
    let path = path.map_or(Value::NONE, |path| path.value());
    if !path.is_none() {
        dict.set_str(cx, n.__path__, path);
    }
    let file = match origin {
        Origin::Library(file) => {
            describe_later(cx, dict)?;
            file
        }
        Origin::File(file) => {
            let name = cx.str(file);
            dict.set_str(cx, n.__file__, name);
            let builtins = cx.iso().roots.builtins.get();
            dict.set_str(cx, n.__builtins__, builtins);
            describe_by(cx, "_describe_file", &[module.value(), name, path])?;
            file
        }
        Origin::Folder => {
            dict.set_str(cx, n.__file__, Value::NONE);
            describe_by(cx, "_describe_folder", &[module.value(), path])?;
            ""
        }
    };
    let key = cx.str(full);
    modules(cx).set(cx, key, module.value())?;
    let source = cx.str(text);
    cx.iso().initializing.lock().push(full.to_string());
    let result = match (cx.iso().machine.compile)(cx, source, file, "exec", 0) {
        Ok(code) => (cx.iso().machine.exec)(cx, code, dict, Value::UNBOUND),
        Err(e) => Err(e),
    };
    cx.iso().initializing.lock().retain(|name| name != full);
    if let Err(e) = result {
        modules(cx).remove(cx, key)?;
        return Err(e);
    }
    Ok(module.value())
}

/// Leaves `__spec__` and `__loader__` of a library module to be made when somebody asks: hardly anybody does.
fn describe_later(cx: &mut Ctx, dict: Gc<Dict>) -> R<()> {
    let n = cx.names();
    dict.remove(cx, n.__spec__.value())?;
    dict.remove(cx, n.__loader__.value())?;
    Ok(())
}

/// `Machine::describe`
pub fn describe(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
    describe_by(cx, "_describe_library", &[module.value()])
}

/// Has the import library's own classes describe a module.
fn describe_by(cx: &mut Ctx, function: &str, args: &[Value]) -> R<()> {
    let machinery = import_module(cx, "importlib.machinery")?;
    let function = cx.get_attr_text(machinery, function)?;
    cx.call(function, args)?;
    Ok(())
}

/// A module object with the standard attributes.
pub fn new_module(cx: &mut Ctx, full: &str) -> Gc<Module> {
    let dict = cx.new_namespace();
    let n = cx.names();
    let name = cx.intern(full).value();
    dict.set_str(cx, n.__name__, name);
    for field in [n.__doc__, n.__package__, n.__loader__, n.__spec__] {
        dict.set_str(cx, field, Value::NONE);
    }
    cx.new_module(dict)
}

/// Makes a native module from its table.
pub fn native_module(cx: &mut Ctx, def: &'static crate::native::ModuleDef) -> R {
    let module = new_module(cx, def.name);
    describe_later(cx, module.dict())?;
    fill_native(cx, module, def)?;
    let key = cx.str(def.name);
    modules(cx).set(cx, key, module.value())?;
    if let Some(init) = def.init
        && let Err(e) = init(cx, module)
    {
        modules(cx).remove(cx, key)?;
        return Err(e);
    }
    Ok(module.value())
}

/// Puts a native module's functions and constants into a module.
pub fn fill_native(cx: &mut Ctx, module: Gc<Module>, def: &'static crate::native::ModuleDef) -> R<()> {
    use crate::native::ConstDef;
    let dict = module.dict();
    let n = cx.names();
    let doc = cx.str(def.doc);
    dict.set_str(cx, n.__doc__, doc);
    let owner = cx.intern(def.name).value();
    for f in def.functions {
        let name = cx.intern(f.name);
        let native = cx.new_native(f, ClassId::BuiltinFunction, Value::UNBOUND, owner);
        dict.set_str(cx, name, native.value());
    }
    for (name, c) in def.consts {
        let name = cx.intern(name);
        let value = match c {
            ConstDef::Int(n) => cx.int(*n),
            ConstDef::Float(x) => cx.float(*x),
            ConstDef::Str(s) => cx.str(s),
            ConstDef::Value(v) => *v,
        };
        dict.set_str(cx, name, value);
    }
    Ok(())
}

#[cold]
fn not_found(cx: &mut Ctx, message: String, name: &str) -> Raised {
    let e = cx.error(ClassId::ModuleNotFoundError, message);
    let name = cx.str(name);
    if let Some(exc) = e.0.cast::<Exception>() {
        exc.extra[extra::IMPORT_NAME].set(name);
    }
    e
}

/// `import name` (or the module of `from name import ...`) with a level of dots.
pub fn import_name(cx: &mut Ctx, name: Gc<Str>, fromlist: Value, level: usize) -> R {
    let n = cx.names();
    // A script may have replaced `__import__`.
    let builtins = cx.iso().roots.builtins.obj::<Dict>();
    if let Some(hook) = builtins.get_str(cx, n.__import__)
        && hook.is_a::<crate::object::function::Function>()
    {
        let globals = cx.current_globals().map_or(Value::NONE, |g| g.value());
        return cx.call(hook, &[name.value(), globals, Value::NONE, fromlist, Value::small_int(level as i64)]);
    }
    let globals = cx.current_globals();
    import_level(cx, &name.to_text(), globals, fromlist, level)
}

/// What `__import__` does.
pub fn import_level(cx: &mut Ctx, name: &str, globals: Option<Gc<Dict>>, fromlist: Value, level: usize) -> R {
    let full = if level == 0 {
        if name.is_empty() {
            return Err(cx.value_error("Empty module name"));
        }
        name.to_string()
    } else {
        absolute_name(cx, name, globals, level)?
    };
    let module = import_module(cx, &full)?;
    let wanted = match fromlist.cast::<Tuple>() {
        Some(t) if t.len > 0 => Some(t),
        _ => None,
    };
    if let Some(wanted) = wanted {
        import_submodules(cx, module, &full, wanted)?;
        return Ok(module);
    }
    if level == 0 {
        return import_module(cx, full.split('.').next().unwrap_or(&full));
    }
    Ok(module)
}

/// `from package import submodule`: names the package lacks may be modules of it.
fn import_submodules(cx: &mut Ctx, module: Value, full: &str, wanted: Gc<Tuple>) -> R<()> {
    let n = cx.names();
    if cx.get_attr_opt(module, n.__path__)?.is_none() {
        return Ok(());
    }
    for &name in wanted.items() {
        let Some(name) = name.cast::<Str>() else { continue };
        if name.eq_text("*") {
            if let Some(all) = cx.get_attr_opt(module, n.__all__)? {
                let all = cx.collect_tuple(all)?;
                import_submodules(cx, module, full, all)?;
            }
            continue;
        }
        if cx.get_attr_opt(module, name)?.is_some() {
            continue;
        }
        let sub = format!("{full}.{}", name.to_text());
        match import_module(cx, &sub) {
            Ok(_) => {}
            Err(e) if cx.is_error(e, ClassId::ModuleNotFoundError) && missing_name(cx, e) == sub => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn missing_name(cx: &Ctx, e: Raised) -> String {
    e.0.cast::<Exception>().map_or(String::new(), |x| cx.text_of(x.extra[extra::IMPORT_NAME].get()))
}

fn absolute_name(cx: &mut Ctx, name: &str, globals: Option<Gc<Dict>>, level: usize) -> R<String> {
    let n = cx.names();
    let package = globals.and_then(|g| g.get_str(cx, n.__package__)).and_then(|p| p.cast::<Str>());
    let mut package = match package {
        Some(p) => p.to_text().into_owned(),
        None => {
            let own = globals.and_then(|g| g.get_str(cx, n.__name__)).unwrap_or(Value::NONE);
            let own = cx.text_of(own);
            let is_package = globals.is_some_and(|g| g.get_str(cx, n.__path__).is_some());
            if is_package { own } else { own.rsplit_once('.').map_or(String::new(), |p| p.0.to_string()) }
        }
    };
    if package.is_empty() {
        return Err(cx.error(ClassId::ImportError, "attempted relative import with no known parent package"));
    }
    for _ in 1..level {
        match package.rfind('.') {
            Some(i) => package.truncate(i),
            None => return Err(cx.error(ClassId::ImportError, "attempted relative import beyond top-level package")),
        }
    }
    Ok(if name.is_empty() { package } else { format!("{package}.{name}") })
}

/// `from module import name`
pub fn import_from(cx: &mut Ctx, module: Value, name: Gc<Str>) -> R {
    if let Some(v) = cx.get_attr_opt(module, name)? {
        return Ok(v);
    }
    let n = cx.names();
    let title = cx.get_attr_opt(module, n.__name__)?.unwrap_or(Value::NONE);
    let title_text = cx.text_of(title);
    // A submodule that is being imported further out is not an attribute yet.
    let full = format!("{title_text}.{}", name.to_text());
    let key = cx.str(&full);
    if let Some(v) = modules(cx).get(cx, key)? {
        return Ok(v);
    }
    let path = cx.get_attr_opt(module, n.__file__)?.filter(|f| f.is_a::<Str>());
    let file = path.map_or("unknown location".to_string(), |path| cx.text_of(path));
    let text = name.to_text().into_owned();
    let message = if cx.iso().initializing.lock().contains(&title_text) {
        format!(
            "cannot import name '{text}' from partially initialized module '{title_text}' \
             (most likely due to a circular import) ({file})"
        )
    } else {
        format!("cannot import name '{text}' from '{title_text}' ({file})")
    };
    let e = cx.error(ClassId::ImportError, message);
    if let Some(exc) = e.0.cast::<Exception>() {
        exc.extra[extra::IMPORT_NAME].set(title);
        exc.extra[extra::IMPORT_PATH].set(path.unwrap_or(Value::NONE));
        exc.extra[extra::IMPORT_NAME_FROM].set(name.value());
    }
    Err(e)
}

/// `from module import *` into a namespace mapping.
pub fn import_star(cx: &mut Ctx, module: Value, target: Value) -> R<()> {
    let n = cx.names();
    let (names, all) = match cx.get_attr_opt(module, n.__all__)? {
        Some(all) => (cx.collect_tuple(all)?, true),
        None => {
            let Some(dict) = cx.instance_dict(module) else {
                return Err(cx.error(ClassId::ImportError, "from-import-* object has no __dict__ and no __all__"));
            };
            let list = cx.new_list();
            for (key, _) in dict.pairs() {
                cx.list_push(list, key)?;
            }
            (cx.list_snapshot(list)?, false)
        }
    };
    for &name in names.items() {
        let Some(name) = name.cast::<Str>() else {
            let got = cx.type_name(name);
            let title = cx.get_attr_opt(module, n.__name__)?.unwrap_or(Value::NONE);
            let title = cx.text_of(title);
            return Err(cx.type_error(format!("Item in {title}.__all__ must be str, not {got}")));
        };
        if !all && name.as_bytes().starts_with(b"_") {
            continue;
        }
        let v = cx.get_attr(module, name)?;
        cx.set_item(target, name.value(), v)?;
    }
    Ok(())
}

impl Ctx {
    /// The module of a dotted name, imported if need be.
    pub fn import(&mut self, name: &str) -> R {
        import_module(self, name)
    }
}
