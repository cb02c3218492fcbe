//! `_threading`: what `threading` is made of.

use conc_macros::module;

/// The native part of threading.
#[module(name = "_threading")]
pub mod functions {
    use crate::core::shared::define;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::scheduler;
    use conc_interpreter::sync::{barrier, condition, event, semaphore, thread};
    use conc_interpreter::value::{Gc, Value};

    /// The object of the running thread, None if it has none.
    pub fn current(cx: &mut Ctx) -> Value {
        thread::current_object(cx)
    }
    /// The objects of the threads that have not ended.
    pub fn running(cx: &mut Ctx) -> R {
        let objects = cx.new_list();
        for thread in scheduler::threads(cx) {
            let object = thread::object_of(&thread);
            if !object.is_none() && !thread.is_done() {
                cx.list_push(objects, object)?;
            }
        }
        Ok(objects.value())
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let classes = [
            ("Barrier", barrier::plain::METHODS, barrier::RESUMABLE),
            ("Condition", condition::plain::METHODS, condition::RESUMABLE),
            ("Event", event::plain::METHODS, event::RESUMABLE),
            ("Thread", thread::plain::METHODS, thread::RESUMABLE),
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
