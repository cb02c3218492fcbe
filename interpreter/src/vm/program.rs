//! The main program: its source found and run in `__main__`.

use std::path::{Path, PathBuf};

use super::compile::{compile_flag, compile_text, exec};
use super::import::{find_file, import_module};
use crate::native::{Ctx, R};
use crate::object::dict::Dict;
use crate::object::function::Code;
use crate::object::isolate::BuiltinModule;
use crate::object::kind::ClassId;
use crate::object::module::Module;
use crate::object::string::Str;
use crate::value::{Gc, Value};

/// What `-m NAME` led to.
pub enum Found {
    Text {
        file: String,
        text: String,
        package: String,
    },
    /// Why not, in CPython's words.
    Nothing(String),
}

impl Ctx {
    /// The namespace of `__main__`.
    pub fn main_namespace(&mut self) -> R<Gc<Dict>> {
        let key = self.str("__main__");
        let modules = self.iso().roots.modules.get().cast::<Dict>();
        let main = match modules {
            Some(modules) => modules.get(self, key)?.and_then(|m| m.cast::<Module>()),
            None => None,
        };
        match main {
            Some(main) => Ok(main.dict()),
            None => Err(self.error(ClassId::RuntimeError, "lost __main__")),
        }
    }

    /// Compiles a text and runs it in a namespace. With `shown`, tracebacks quote the text itself.
    pub fn run_text(&mut self, text: &str, file: &str, mode: &str, globals: Gc<Dict>, shown: bool, optimize: u8) -> R {
        let code = self.program_code(text, file, mode, globals, shown, optimize)?;
        exec(self, code.value(), globals, Value::UNBOUND)
    }

    /// The code object of a text, for a namespace.
    pub fn program_code(
        &mut self,
        text: &str,
        file: &str,
        mode: &str,
        globals: Gc<Dict>,
        shown: bool,
        optimize: u8,
    ) -> R<Gc<Code>> {
        let mut how = u32::from(optimize) << compile_flag::OPTIMIZE_SHIFT;
        if shown {
            how |= compile_flag::SHOWN;
        }
        let template = compile_text(self, text, file, mode, how)?;
        globals.make_namespace(self);
        self.instantiate(&template, globals)
    }
}

/// The program in a folder: its `__main__` file.
pub fn folder_main(folder: &Path) -> Option<PathBuf> {
    find_file(folder, "__main__").filter(|(_, package)| !package).map(|(file, _)| file)
}

/// Finds the text that `-m name` runs; parents of a dotted name are imported.
pub fn find_module(cx: &mut Ctx, name: &str) -> R<Found> {
    let nothing = || Found::Nothing(format!("No module named {name}"));
    let mut places = Vec::new();
    let (parent, tail) = name.rsplit_once('.').unwrap_or(("", name));
    if let Some(found) = library_text(cx, name, parent) {
        return Ok(found);
    }
    let folders = if parent.is_empty() {
        let sys = cx.iso().roots.sys.get();
        if sys.is_unbound() { Value::NONE } else { cx.get_attr_text(sys, "path")? }
    } else {
        let module = match import_module(cx, parent) {
            Ok(module) => module,
            Err(e) if cx.is_error(e, ClassId::ModuleNotFoundError) => return Ok(nothing()),
            Err(e) => return Err(e),
        };
        cx.get_attr_text(module, "__path__").unwrap_or(Value::NONE)
    };
    let folders = if folders.is_none() { cx.iso().roots.empty_tuple.obj() } else { cx.collect_tuple(folders)? };
    for folder in folders.items() {
        if let Some(folder) = folder.cast::<Str>() {
            places.push(PathBuf::from(&*folder.to_text()));
        }
    }
    for place in places {
        let Some((file, package)) = find_file(&place, tail) else { continue };
        if !package {
            return read(cx, &file, parent);
        }
        import_module(cx, name)?;
        let folder = if file.is_dir() { file } else { place.join(tail) };
        let Some(file) = folder_main(&folder) else {
            let message =
                format!("No module named {name}.__main__; '{name}' is a package and cannot be directly executed");
            return Ok(Found::Nothing(message));
        };
        return read(cx, &file, name);
    }
    Ok(nothing())
}

fn read(cx: &mut Ctx, file: &Path, package: &str) -> R<Found> {
    let name = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf()).to_string_lossy().into_owned();
    match std::fs::read(file) {
        Ok(bytes) => {
            let text = super::source_text(cx, &bytes, &name)?;
            Ok(Found::Text { file: name, text, package: package.to_string() })
        }
        Err(e) => Ok(Found::Nothing(format!("cannot read {name}: {e}"))),
    }
}

/// A module of the library that is written in the language.
fn library_text(cx: &mut Ctx, name: &str, parent: &str) -> Option<Found> {
    let main = format!("{name}.__main__");
    let library = cx.iso().library.lock();
    let find = |wanted: &str| {
        library.iter().find_map(|m| match m {
            BuiltinModule::Source(n, text) if *n == wanted => Some(text.text()),
            _ => None,
        })
    };
    let (full, text, package) = match find(&main) {
        Some(text) => (&*main, text, name),
        None => (name, find(name)?, parent),
    };
    let file = format!("<conc>/{}.conc", full.replace('.', "/"));
    Some(Found::Text { file, text, package: package.to_string() })
}
