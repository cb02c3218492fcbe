//! `greenlet`: switching between stacks of frames by hand.

use conc_macros::module;

/// Stacks of frames within one thread, between which a script switches by hand.
#[module(name = "greenlet")]
pub mod functions {
    use crate::core::shared::define;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::scheduler::greenlet::{Part, current, part};
    use conc_interpreter::sync::greenlet;
    use conc_interpreter::value::{Gc, Value};

    /// The greenlet that calls this.
    pub fn getcurrent(cx: &mut Ctx) -> Value {
        current(cx).value()
    }
    /// Have a function called after every switch in this thread, as `f(event, (origin, target))`; None: no more. Gives
    /// the function before it.
    pub fn settrace(cx: &mut Ctx, callback: Value) -> Value {
        greenlet::set_tracer(cx, callback)
    }
    /// The function that `settrace` has set, or None.
    pub fn gettrace(cx: &mut Ctx) -> Value {
        greenlet::tracer(cx)
    }

    /// The version of the package whose interface this is.
    const VERSION: &str = "3.5.6";

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let class = greenlet::class(cx)?;
        let version = cx.str(VERSION);
        define(cx, module, "__version__", version);
        define(cx, module, "greenlet", class.value());
        for (name, which) in [("error", Part::Error), ("GreenletExit", Part::Exit)] {
            let value = part(cx, which);
            define(cx, module, name, value);
        }
        for name in ["GREENLET_USE_GC", "GREENLET_USE_TRACING", "GREENLET_USE_CONTEXT_VARS"] {
            define(cx, module, name, Value::TRUE);
        }
        for name in ["getcurrent", "settrace", "gettrace"] {
            let key = cx.intern(name);
            if let Some(function) = module.dict().get_str(cx, key) {
                class.dict().set_str(cx, key, function);
            }
        }
        Ok(())
    }
}
