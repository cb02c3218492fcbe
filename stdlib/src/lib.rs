//! The standard library: one folder per family, one file per module.
#![forbid(unsafe_code)]

pub mod core;
pub mod data;
pub mod math;
pub mod os;

use conc_interpreter::object::isolate::BuiltinModule;

/// Every module that comes with the language, native or written in Conc.
pub fn library() -> Vec<BuiltinModule> {
    use BuiltinModule::Native;
    vec![
        Native(&data::itertools::functions::MODULE),
        Native(&core::builtins::functions::MODULE),
        Native(&math::functions::math::MODULE),
        Native(&math::random::functions::MODULE),
    ]
}
