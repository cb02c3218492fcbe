//! _types: the runtime's types that have no name in builtins.

/// Names for the runtime's own types.
#[conc_macros::module(name = "_types")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::{Class, class_flag};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for (name, id) in [
            ("AsyncGeneratorType", ClassId::AsyncGenerator),
            ("BuiltinFunctionType", ClassId::BuiltinFunction),
            ("CellType", ClassId::Cell),
            ("ClassMethodDescriptorType", ClassId::ClassMethodDescriptor),
            ("CodeType", ClassId::Code),
            ("CoroutineType", ClassId::Coroutine),
            ("EllipsisType", ClassId::EllipsisType),
            ("FrameType", ClassId::Frame),
            ("FunctionType", ClassId::Function),
            ("GeneratorType", ClassId::Generator),
            ("GenericAlias", ClassId::GenericAlias),
            ("GetSetDescriptorType", ClassId::GetSetDescriptor),
            ("MappingProxyType", ClassId::MappingProxy),
            ("MemberDescriptorType", ClassId::MemberDescriptor),
            ("MethodDescriptorType", ClassId::MethodDescriptor),
            ("MethodType", ClassId::Method),
            ("MethodWrapperType", ClassId::MethodWrapper),
            ("ModuleType", ClassId::Module),
            ("NoneType", ClassId::NoneType),
            ("NotImplementedType", ClassId::NotImplementedType),
            ("TracebackType", ClassId::Traceback),
            ("UnionType", ClassId::UnionType),
            ("WrapperDescriptorType", ClassId::SlotWrapper),
        ] {
            let class = cx.class(id).value();
            crate::core::shared::define(cx, module, name, class);
        }
        Ok(())
    }

    /// Makes a class of the library's own count as builtin: immutable, and named with its module in messages.
    pub fn _seal(class: Gc<Class>) {
        class.set_flag(class_flag::STATIC, true);
    }

    /// Remembers that an object's repr is being made; False if it was already, on the same stack.
    pub fn _repr_enter(cx: &mut Ctx, object: Value) -> bool {
        let bits = object.bits();
        if cx.repr_guard.contains(&bits) {
            return false;
        }
        cx.repr_guard.push(bits);
        true
    }

    /// Forgets an object whose repr has been made.
    pub fn _repr_leave(cx: &mut Ctx, object: Value) {
        let bits = object.bits();
        if let Some(i) = cx.repr_guard.iter().rposition(|&b| b == bits) {
            cx.repr_guard.remove(i);
        }
    }
}
