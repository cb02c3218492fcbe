//! `PickleBuffer`: memory that a pickle may leave to its user (PEP 574). The class is written in Conc.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::value::Value;

use crate::core::shared::recall;

/// The name under which the class is kept.
pub const CLASS: &str = "pickle.PickleBuffer";

pub fn is_pickle_buffer(cx: &mut Ctx, v: Value) -> bool {
    recall(cx, CLASS).is_some_and(|class| cx.class_of(v).value() == class)
}

/// Its bytes, and whether they can only be read.
pub fn contents(cx: &mut Ctx, v: Value) -> R<(Vec<u8>, bool)> {
    let view = cx.get_attr_text(v, "_view")?;
    let data = cx.byte_vec(view)?;
    let readonly = cx.get_attr_text(view, "readonly")?;
    Ok((data, cx.truth(readonly)?))
}
