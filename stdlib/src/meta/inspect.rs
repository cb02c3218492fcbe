//! _inspect: what natives declare about their parameters.

/// The declarations of natives.
#[conc_macros::module(name = "_inspect")]
pub mod functions {
    use conc_interpreter::native::{Ctx, ParamKind, R, Role};
    use conc_interpreter::object::function::Native;
    use conc_interpreter::value::Value;

    /// The parameters of a native: a list of (name, kind, required, default's source); None if it is none. Kinds
    /// are numbered as in `inspect`: positional-only, either, *args, keyword-only, **kwargs.
    pub fn parameters(cx: &mut Ctx, native: Value) -> R {
        let Some(native) = native.cast::<Native>() else { return Ok(Value::NONE) };
        let def = native.def();
        let list = cx.new_list();
        let unbound = native.this.get().is_unbound();
        if unbound && matches!(def.role, Role::Method | Role::ClassMethod) {
            let this = if def.role == Role::Method { "self" } else { "type" };
            let this = cx.str(this);
            let (kind, default) = (cx.int(0), cx.str(""));
            let entry = cx.tuple(&[this, kind, Value::TRUE, default])?;
            cx.list_push(list, entry)?;
        }
        for param in def.params {
            let kind = match param.kind {
                ParamKind::PositionalOnly => 0,
                ParamKind::Positional => 1,
                ParamKind::VarArgs => 2,
                ParamKind::KeywordOnly => 3,
                ParamKind::VarKeywords => 4,
            };
            let (name, kind, default) = (cx.str(param.name), cx.int(kind), cx.str(param.default));
            let entry = cx.tuple(&[name, kind, Value::bool(param.required), default])?;
            cx.list_push(list, entry)?;
        }
        Ok(list.value())
    }
}
