//! atexit: functions that run when the program ends.

/// Functions to call when the program ends.
#[conc_macros::module(name = "atexit")]
pub mod functions {
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::sequence::{List, Tuple};
    use conc_interpreter::value::{Gc, Value};

    /// Where the module keeps its list of (function, args, kwargs).
    const REGISTERED: &str = "_registered";

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let list = cx.new_list().value();
        crate::core::shared::define(cx, module, REGISTERED, list);
        Ok(())
    }

    /// The registered functions.
    fn registered(cx: &mut Ctx) -> R<Gc<List>> {
        let module = conc_interpreter::vm::import::import_module(cx, "atexit")?;
        let list = cx.get_attr_text(module, REGISTERED)?;
        match list.cast::<List>() {
            Some(list) => Ok(list),
            None => Ok(cx.new_list()),
        }
    }

    /// Have a function called when the program ends.
    pub fn register(cx: &mut Ctx, func: Value, args: &[Value], kwargs: Kwargs) -> R {
        if !crate::core::attributes::callable(cx, func) {
            return Err(cx.type_error("the first argument must be callable"));
        }
        let args = cx.tuple(args)?;
        let kwargs = kwargs.0.map_or(Value::NONE, |k| k.value());
        let entry = cx.tuple(&[func, args, kwargs])?;
        let list = registered(cx)?;
        cx.list_push(list, entry)?;
        Ok(func)
    }

    /// Call the function at the end no more.
    pub fn unregister(cx: &mut Ctx, func: Value) -> R<()> {
        let list = registered(cx)?;
        let entries = cx.list_snapshot(list)?;
        take_all(cx, list)?;
        for &entry in entries.items() {
            let Some(parts) = entry.cast::<Tuple>() else { continue };
            if !cx.eq(parts.items()[0], func)? {
                cx.list_push(list, entry)?;
            }
        }
        Ok(())
    }

    fn take_all(cx: &mut Ctx, list: Gc<List>) -> R<()> {
        crate::core::shared::call_method(cx, list.value(), "clear", &[]).map(drop)
    }

    /// Forget all functions.
    pub fn _clear(cx: &mut Ctx) -> R<()> {
        let list = registered(cx)?;
        take_all(cx, list)
    }

    /// Count the functions that are to be called.
    pub fn _ncallbacks(cx: &mut Ctx) -> R<i64> {
        let list = registered(cx)?;
        Ok(cx.list_snapshot(list)?.len as i64)
    }

    /// Call the functions now, the last registered first. What they raise is shown and goes no further.
    pub fn _run_exitfuncs(cx: &mut Ctx) -> R<()> {
        let list = registered(cx)?;
        let entries = cx.list_snapshot(list)?;
        for &entry in entries.items().iter().rev() {
            // A function that ran may have unregistered it.
            let left = cx.list_snapshot(list)?;
            if !left.items().contains(&entry) {
                continue;
            }
            let Some(parts) = entry.cast::<Tuple>() else { continue };
            let (f, args, kwargs) = (parts.items()[0], parts.items()[1], parts.items()[2]);
            let Some(args) = args.cast::<Tuple>() else { continue };
            if let Err(e) = crate::core::shared::call_with_dict(cx, f, args.items(), kwargs.cast()) {
                report(cx, f, e.0)?;
            }
        }
        take_all(cx, list)
    }

    fn report(cx: &mut Ctx, f: Value, exc: Value) -> R<()> {
        let text = format!("Exception ignored in atexit callback {}:\n{}", cx.repr_text(f), cx.format_exception(exc));
        let sys = conc_interpreter::vm::import::import_module(cx, "sys")?;
        let stderr = cx.get_attr_text(sys, "stderr")?;
        let text = cx.str(&text);
        crate::core::shared::call_method(cx, stderr, "write", &[text]).map(drop)
    }
}
