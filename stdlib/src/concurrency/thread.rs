//! `_thread`: starting threads, and locks.

use conc_macros::module;

/// Low-level threads.
#[module(name = "_thread")]
pub mod thread {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::dict::Dict;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::scheduler;
    use conc_interpreter::value::{Gc, Value};

    /// The longest timeout, in seconds.
    pub const TIMEOUT_MAX: f64 = 9_223_372_036.0;

    /// Run the function in a new thread and give its identifier.
    pub fn start_new_thread(cx: &mut Ctx, function: Value, args: Value, kwargs: Option<Value>) -> R<i64> {
        if !args.is_a::<Tuple>() {
            return Err(cx.type_error("2nd arg must be a tuple"));
        }
        let target = match kwargs.filter(|k| !k.is_none()) {
            None => function,
            Some(k) => {
                if !k.is_a::<Dict>() {
                    return Err(cx.type_error("optional 3rd arg must be a dictionary"));
                }
                let partial = cx.import("functools")?;
                let partial = cx.get_attr_text(partial, "partial")?;
                bind_keywords(cx, partial, function, k)?
            }
        };
        Ok(scheduler::spawn(cx, target, args, true)? as i64)
    }

    fn bind_keywords(cx: &mut Ctx, partial: Value, function: Value, kwargs: Value) -> R {
        let (values, names) = (cx.new_list(), cx.new_list());
        cx.list_push(values, function)?;
        if let Some(dict) = kwargs.cast::<Dict>() {
            for (key, value) in dict.pairs() {
                cx.list_push(names, key)?;
                cx.list_push(values, value)?;
            }
        }
        let (values, names) = (cx.list_snapshot(values)?, cx.list_snapshot(names)?);
        cx.call_named(partial, values.items(), names.items())
    }

    /// A new lock, not held.
    pub fn allocate_lock(cx: &mut Ctx) -> Value {
        cx.new_lock()
    }

    /// The identifier of the running thread.
    pub fn get_ident(cx: &mut Ctx) -> i64 {
        scheduler::current(cx) as i64
    }

    /// How many threads are running besides the main one.
    pub fn _count(cx: &mut Ctx) -> usize {
        scheduler::threads(cx).len() - 1
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let lock = cx.new_lock();
        let class: Gc<Class> = cx.class_of(lock);
        for (name, value) in
            [("LockType", class.value()), ("lock", class.value()), ("error", cx.class(ClassId::RuntimeError).value())]
        {
            let name = cx.intern(name);
            module.dict().set_str(cx, name, value);
        }
        Ok(())
    }
}
