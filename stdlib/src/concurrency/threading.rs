//! `_threading`: what `threading` is made of.

use conc_macros::module;

/// The native part of threading.
#[module(name = "_threading")]
pub mod functions {
    use crate::concurrency::handle;
    use crate::core::shared::define;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::sync::{condition, event, semaphore};
    use conc_interpreter::value::{Gc, Value};

    /// A handle of a new thread that will call the function.
    pub fn create(cx: &mut Ctx, function: Value, name: Value, daemon: bool) -> R {
        let handle = handle::make(cx, None)?;
        let name = cx.str_text(name);
        handle::create(cx, handle, function, daemon, Some(name))?;
        Ok(handle)
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let classes = [
            ("Condition", condition::plain::METHODS, condition::RESUMABLE),
            ("Event", event::plain::METHODS, event::RESUMABLE),
            ("Semaphore", semaphore::plain::METHODS, semaphore::RESUMABLE),
        ];
        for (name, plain, waiting) in classes {
            let class = cx.native_class("_threading", name, None, plain);
            cx.install_in(class, waiting);
            define(cx, module, name, class.value());
        }
        Ok(())
    }
}
