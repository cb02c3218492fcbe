//! _weakref: references that do not keep their object alive.

/// Weak references' native part.
#[conc_macros::module(name = "_weakref")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::sequence::List;
    use conc_interpreter::value::{Gc, Value};

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let class = cx.class(ClassId::WeakRef).value();
        crate::core::shared::define(cx, module, "ref", class);
        crate::core::shared::define(cx, module, "ReferenceType", class);
        Ok(())
    }

    /// Count the weak references to the object.
    pub fn getweakrefcount(cx: &mut Ctx, object: Value) -> i64 {
        cx.weak_references(object).len() as i64
    }

    /// List the weak references to the object.
    pub fn getweakrefs(cx: &mut Ctx, object: Value) -> R<Gc<List>> {
        let refs: Vec<Value> = cx.weak_references(object).iter().map(|w| w.value()).collect();
        cx.list(&refs)
    }
}
