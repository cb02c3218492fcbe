//! Slow paths of operators, comparisons and items.

use super::call::Called;
use crate::bytecode::word::Word;
use crate::native::{Ctx, R, Raised};
use crate::object::arith::BinaryOp;
use crate::object::compare::CompareOp;
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::value::Value;

#[inline(never)]
fn arith(cx: &mut Ctx, op: BinaryOp, aux: u8, x: Value, y: Value) -> R<Called> {
    if x.is_float() && y.is_int() {
        if let Some(v) = mixed(cx, op, x.float(), y.int() as f64) {
            return Ok(Called::Value(v));
        }
    } else if x.is_int()
        && y.is_float()
        && let Some(v) = mixed(cx, op, x.int() as f64, y.float())
    {
        return Ok(Called::Value(v));
    }
    if op == BinaryOp::Add
        && let (Some(a), Some(b)) = (cx.exact_str(x), cx.exact_str(y))
    {
        return cx.concat(a, b).map(Called::Value);
    }
    super::special::binary(cx, op, aux == 1, x, y)
}

/// The rest of an arithmetic instruction: writes its register, or pushes the frame of a special method. Returns the
/// exception to raise, or unbound: go on at `cx.pc`, `cx.base`.
#[inline(never)]
pub fn arith_at(cx: &mut Ctx, op: BinaryOp, word: Word, x: Value, y: Value) -> Value {
    let called = arith(cx, op, word.aux(), x, y);
    settle(cx, word, called)
}

/// The same for a comparison.
#[inline(never)]
pub fn compare_at(cx: &mut Ctx, op: CompareOp, word: Word, x: Value, y: Value) -> Value {
    let called = super::special::compare(cx, op, x, y);
    settle(cx, word, called)
}

fn settle(cx: &mut Ctx, word: Word, called: R<Called>) -> Value {
    match called {
        Ok(Called::Value(v)) => {
            // SAFETY: the word is the current instruction of the frame at `cx.base`, and A one of its registers.
            unsafe { *cx.base.add(word.a() as usize) = v };
            Value::UNBOUND
        }
        Ok(_) => Value::UNBOUND,
        Err(Raised(e)) => e,
    }
}

/// The same for a comparison that jumps.
#[inline(never)]
pub fn compare_jump_at(cx: &mut Ctx, op: CompareOp, word: Word, x: Value, y: Value) -> Value {
    let holds = match super::special::compare_truth(cx, op, x, y) {
        Ok(Called::Value(v)) => v == Value::TRUE,
        Ok(_) => return Value::UNBOUND,
        Err(Raised(e)) => return e,
    };
    if holds == (word.aux() != 0) {
        let offset = word.sc() as isize;
        if offset <= 0
            && let Err(Raised(e)) = cx.poll()
        {
            return e;
        }
        // SAFETY: the verifier has checked the jump.
        cx.pc = unsafe { cx.pc.offset(offset - 1) };
    }
    Value::UNBOUND
}

/// `object[key]`, dicts first.
#[inline(never)]
pub fn get_item(cx: &mut Ctx, object: Value, key: Value) -> R {
    if let Some(h) = object.header()
        && h.shape() == ClassId::Dict.shape()
        && let Some(dict) = object.cast::<Dict>()
    {
        return match dict.get(cx, key)? {
            Some(v) => Ok(v),
            None => Err(cx.key_error(key)),
        };
    }
    cx.get_item(object, key)
}

/// `object[key] = value`, dicts first.
#[inline(never)]
pub fn set_item(cx: &mut Ctx, object: Value, key: Value, value: Value) -> R<()> {
    if let Some(h) = object.header()
        && h.shape() == ClassId::Dict.shape()
        && let Some(dict) = object.cast::<Dict>()
    {
        return dict.set(cx, key, value);
    }
    cx.set_item(object, key, value)
}

/// Int and float together, for the operators that cannot fail.
#[inline]
fn mixed(cx: &mut Ctx, op: BinaryOp, x: f64, y: f64) -> Option<Value> {
    let result = match op {
        BinaryOp::Add => x + y,
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        BinaryOp::Div if y != 0.0 => x / y,
        _ => return None,
    };
    Some(cx.float(result))
}
