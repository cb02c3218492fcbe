//! `_gevent`: what gevent is made of.

use conc_macros::module;

/// The native part of gevent.
#[module(name = "_gevent")]
pub mod functions {
    use crate::core::shared::define;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::scheduler::group::own_group;
    use conc_interpreter::sync::gevent;
    use conc_interpreter::value::{Gc, Value};

    /// Raise an exception in a greenlet, when its turn comes, where it waits.
    pub fn throw(cx: &mut Ctx, greenlet: Value, exception: Value) -> R<bool> {
        gevent::throw(cx, greenlet, exception)
    }
    /// Wake a greenlet that waits; it is given the value.
    pub fn wake(cx: &mut Ctx, greenlet: Value, value: Value) -> R<bool> {
        gevent::wake(cx, greenlet, value)
    }
    /// Raise an exception in the thread whose hub this is.
    pub fn throw_owner(cx: &mut Ctx, exception: Value) -> R<()> {
        gevent::throw_owner(cx, exception)
    }
    /// The greenlets of this hub that have not ended.
    pub fn running(cx: &mut Ctx) -> R {
        gevent::running(cx)
    }
    /// A number of the hub of the running thread.
    pub fn hub_number(cx: &mut Ctx) -> i64 {
        (std::sync::Arc::as_ptr(&own_group(cx)) as usize >> 3) as i64
    }
    /// Give a native class a member.
    pub fn extend(cx: &mut Ctx, class: Gc<Class>, name: Gc<Str>, member: Value) {
        gevent::extend(cx, class, name, member);
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let class = gevent::class(cx)?;
        define(cx, module, "Greenlet", class.value());
        for def in gevent::FUNCTIONS {
            let native = cx.new_native(def, ClassId::BuiltinFunction, Value::UNBOUND, Value::NONE);
            define(cx, module, def.name, native.value());
        }
        Ok(())
    }
}
