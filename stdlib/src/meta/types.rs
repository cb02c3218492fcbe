//! _types: the runtime's types that have no name in builtins.

/// Names for the runtime's own types.
#[conc_macros::module(name = "_types")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::Gc;

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
}
