//! The standard library: one folder per family, one file per module.
#![forbid(unsafe_code)]

pub mod core;

use conc_interpreter::object::isolate::BuiltinModule;

/// Every module that comes with the language, native or written in Conc.
pub fn library() -> Vec<BuiltinModule> {
    use BuiltinModule::Native;
    vec![Native(&core::builtins::functions::MODULE)]
}
