//! bool.

use conc_macros::methods;

/// Methods of bool.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::arith::BinaryOp;
    use crate::object::methods::support::IntValue;
    use crate::value::Value;

    /// Give True for an object that counts as true in a condition, False for any other.
    ///
    /// There are no instances but these two, and no subclasses; bool itself is a subclass of int.
    #[static_method]
    #[name = "__new__"]
    pub fn new(cx: &mut Ctx, _cls: Value, #[default(Value::FALSE)] object: Value) -> R<bool> {
        cx.truth(object)
    }

    /// Give the text that repr() shows.
    pub fn __repr__(this: Value) -> &'static str {
        if this == Value::TRUE { "True" } else { "False" }
    }

    fn logic(cx: &mut Ctx, op: BinaryOp, this: IntValue, value: Value) -> R {
        if cx.is_int(value) { cx.native_binary(op, this.0, value) } else { Ok(Value::NOT_IMPLEMENTED) }
    }

    /// Give self & value.
    pub fn __and__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::And, this, value)
    }

    /// Give value & self, when value itself has no answer.
    pub fn __rand__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::And, this, value)
    }

    /// Give self | value.
    pub fn __or__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::Or, this, value)
    }

    /// Give value | self, when value itself has no answer.
    pub fn __ror__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::Or, this, value)
    }

    /// Give self ^ value.
    pub fn __xor__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::Xor, this, value)
    }

    /// Give value ^ self, when value itself has no answer.
    pub fn __rxor__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::Xor, this, value)
    }
}
