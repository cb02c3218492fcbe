//! Modules.

use std::path::Path;

use crate::heap::Header;
use crate::native::{Ctx, R};
use crate::object::dict::Dict;
use crate::object::string::Str;
use crate::object_kind;
use crate::value::{Gc, Slot, Value};

/// A module: its namespace is a dict of cells.
#[repr(C)]
pub struct Module {
    pub header: Header,
    pub dict: Slot,
    /// `ModuleDef` address of a native module whose functions are still to be made, or 0 (an int).
    pub lazy: Slot,
    pub attrs: Slot,
}
object_kind!(Module, Module);

impl Module {
    pub fn dict(&self) -> Gc<Dict> {
        self.dict.obj()
    }
}

impl Ctx {
    /// An attribute that a module's namespace lacks: its own `__getattr__`, or what a library module gets when
    /// somebody asks.
    pub fn module_missing(&mut self, module: Gc<Module>, name: Gc<Str>) -> R {
        let names = self.names();
        let title = module.dict().get_str(self, names.__name__).unwrap_or(Value::NONE);
        if (name == names.__spec__ || name == names.__loader__) && self.comes_with_library(title) {
            (self.iso().machine.describe)(self, module)?;
            if let Some(value) = module.dict().get_str(self, name) {
                return Ok(value);
            }
        }
        if let Some(hook) = module.dict().get_str(self, names.__getattr__) {
            return self.call(hook, &[name.value()]);
        }
        let title = self.text_of(title);
        let message = self.missing_message(module, &title, &name.to_text());
        Err(self.attribute_error_for(module.value(), name.value(), message))
    }

    fn missing_message(&mut self, module: Gc<Module>, title: &str, name: &str) -> String {
        let initializing = |title: &str| self.iso().initializing.lock().iter().any(|n| n == title);
        let circular = "(most likely due to a circular import)";
        if !initializing(title) {
            return if initializing(&format!("{title}.{name}")) {
                format!("cannot access submodule '{name}' of module '{title}' {circular}")
            } else {
                format!("module '{title}' has no attribute '{name}'")
            };
        }
        let names = self.names();
        let Some(file) = module.dict().get_str(self, names.__file__).and_then(|f| f.cast::<Str>()) else {
            return format!("partially initialized module '{title}' has no attribute '{name}' {circular}");
        };
        let file = file.to_text();
        if self.may_shadow(Path::new(&*file)) {
            return format!(
                "module '{title}' has no attribute '{name}' (consider renaming '{file}' if it has the same name as a \
                 third-party module you intended to import)"
            );
        }
        format!("partially initialized module '{title}' from '{file}' has no attribute '{name}' {circular}")
    }

    /// Does a module's file lie in the program's folder, where it comes before installed ones?
    fn may_shadow(&self, file: &Path) -> bool {
        let package = file.file_stem().is_some_and(|stem| stem == "__init__");
        let folder = if package { file.parent().and_then(Path::parent) } else { file.parent() };
        folder.is_some() && folder == self.iso().program_folder.get().map(|folder| &**folder)
    }

    /// Whether a module of this name comes with the interpreter.
    pub fn comes_with_library(&self, name: Value) -> bool {
        let Some(name) = name.cast::<Str>() else { return false };
        name.eq_text("builtins") || self.iso().library.lock().iter().any(|m| name.eq_text(m.name()))
    }
}
