//! `isinstance` and `issubclass`, with their hooks.

use crate::native::{Ctx, R};
use crate::object::class::Class;
use crate::object::sequence::Tuple;
use crate::value::Value;

/// `isinstance(v, class)`
pub fn is_instance_of(cx: &mut Ctx, v: Value, class: Value) -> R<bool> {
    if let Some(t) = class.cast::<Tuple>() {
        for &c in t.items() {
            if is_instance_of(cx, v, c)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match class.cast::<Class>() {
        Some(class) => Ok(cx.class_of(v).is_subclass_of(class)),
        None => Err(cx.type_error("isinstance() arg 2 must be a type, a tuple of types, or a union")),
    }
}
