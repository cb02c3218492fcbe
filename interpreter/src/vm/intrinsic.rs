//! Intrinsics: type-level syntax and the REPL's display, over library functions found by name.

use crate::native::{Ctx, R};
use crate::value::Value;

/// `Op::Intrinsic`: each but the last is a function of the module `_typing`.
pub fn intrinsic(cx: &mut Ctx, which: u8, args: &[Value]) -> R {
    const NAMES: [&str; 7] = [
        "_make_typevar",
        "_make_typevar_bound",
        "_make_paramspec",
        "_make_typevartuple",
        "_set_default",
        "_make_typealias",
        "_subscript_generic",
    ];
    let Some(name) = NAMES.get(which as usize) else { return display(cx, args) };
    let module = super::import::import_module(cx, "typing")?;
    let f = cx.get_attr_text(module, name)?;
    cx.call(f, args)
}

/// Shows an expression statement's value as the REPL does.
fn display(cx: &mut Ctx, args: &[Value]) -> R {
    let sys = super::import::import_module(cx, "sys")?;
    let name = cx.names().displayhook;
    let hook = cx.get_attr(sys, name)?;
    cx.call(hook, args)
}
