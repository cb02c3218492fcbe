//! bool.

use conc_macros::methods;

/// Methods of bool.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::arith::BinaryOp;
    use crate::object::methods::support::IntValue;
    use crate::value::Value;

    /// Returns True when the argument is true, False otherwise.
    ///
    /// The builtins True and False are the only two instances of the class bool. The class bool is a subclass of the
    /// class int, and cannot be subclassed.
    #[static_method]
    #[name = "__new__"]
    pub fn new(cx: &mut Ctx, _cls: Value, #[default(Value::FALSE)] object: Value) -> R<bool> {
        cx.truth(object)
    }

    /// Return repr(self).
    pub fn __repr__(this: Value) -> &'static str {
        if this == Value::TRUE { "True" } else { "False" }
    }

    fn logic(cx: &mut Ctx, op: BinaryOp, this: IntValue, value: Value) -> R {
        if cx.is_int(value) { cx.native_binary(op, this.0, value) } else { Ok(Value::NOT_IMPLEMENTED) }
    }

    /// Return self&value.
    pub fn __and__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::And, this, value)
    }

    /// Return value&self.
    pub fn __rand__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::And, this, value)
    }

    /// Return self|value.
    pub fn __or__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::Or, this, value)
    }

    /// Return value|self.
    pub fn __ror__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::Or, this, value)
    }

    /// Return self^value.
    pub fn __xor__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::Xor, this, value)
    }

    /// Return value^self.
    pub fn __rxor__(cx: &mut Ctx, this: IntValue, value: Value) -> R {
        logic(cx, BinaryOp::Xor, this, value)
    }
}
