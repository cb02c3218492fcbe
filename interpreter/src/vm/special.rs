//! Special methods called by instructions that are no calls: their frames lie above a barrier that knows the
//! instruction, which is given the result when they return.

use std::sync::atomic::AtomicU64;

use super::call::{Called, push_special};
use crate::bytecode::op::Op;
use crate::bytecode::word::Word;
use crate::native::{Ctx, R, Raised};
use crate::object::arith::{Attempt, BinaryOp, UnaryOp};
use crate::object::attr::name_the_attribute;
use crate::object::class::class_flag;
use crate::object::compare::CompareOp;
use crate::object::function::{Code, Function, Property};
use crate::object::kind::{ClassId, Kind};
use crate::object::string::Str;
use crate::value::{Gc, Value};

/// Whether the value's class is not one of the builtin ones: it may have special methods of its own.
#[inline(always)]
fn has_own_class(v: Value) -> bool {
    v.header().is_some_and(|h| h.shape() >= ClassId::COUNT as u32)
}

/// The script function that is the special method `name` of `v`.
#[inline]
fn script_method(cx: &mut Ctx, v: Value, name: Gc<Str>) -> Option<Gc<Function>> {
    if !has_own_class(v) {
        return None;
    }
    cx.lookup_special(v, name)?.cast::<Function>()
}

// ---- operators

/// `a op b`
pub fn binary(cx: &mut Ctx, op: BinaryOp, in_place: bool, a: Value, b: Value) -> R<Called> {
    if !has_own_class(a) && !has_own_class(b) {
        let result = if in_place { cx.binary_in_place(op, a, b) } else { cx.binary(op, a, b) };
        return result.map(Called::Value);
    }
    for m in cx.operator_methods(op, in_place, a, b).into_iter().flatten() {
        match try_method(cx, m) {
            Ok(Some(called)) => return Ok(called),
            Ok(None) => {}
            Err(e) if op == BinaryOp::Mul => return Err(cx.repeat_error(e, a, b)),
            Err(e) => return Err(e),
        }
    }
    Err(cx.unsupported(op, a, b, in_place))
}

/// Pushes the frame of a script's special method, or calls a native one; None: that one has no answer.
fn try_method(cx: &mut Ctx, m: Attempt) -> R<Option<Called>> {
    if let Some(f) = m.function.cast::<Function>() {
        return push_special(cx, f, &[m.this, m.other]).map(Some);
    }
    let result = cx.call_unbound(m.function, m.this, &[m.other])?;
    Ok((result != Value::NOT_IMPLEMENTED).then_some(Called::Value(result)))
}

/// `a op b` for comparisons.
#[inline(never)]
pub fn compare(cx: &mut Ctx, op: CompareOp, a: Value, b: Value) -> R<Called> {
    if !has_own_class(a) && !has_own_class(b) {
        return cx.compare(op, a, b).map(Called::Value);
    }
    for m in cx.compare_methods(op, a, b).into_iter().flatten() {
        if let Some(called) = try_method(cx, m)? {
            return Ok(called);
        }
    }
    cx.compare_default(op, a, b).map(Called::Value)
}

/// The same for a jump: the value is the truth of the comparison.
#[inline(never)]
pub fn compare_truth(cx: &mut Ctx, op: CompareOp, a: Value, b: Value) -> R<Called> {
    match compare(cx, op, a, b)? {
        Called::Value(v) => cx.truth(v).map(|t| Called::Value(Value::bool(t))),
        frame => Ok(frame),
    }
}

/// The methods after the script's that has just answered NotImplemented.
fn after_script(methods: impl IntoIterator<Item = Option<Attempt>>) -> impl Iterator<Item = Option<Attempt>> {
    let mut seen = false;
    methods.into_iter().filter(move |m| {
        let after = seen;
        seen |= m.is_some_and(|m| m.function.is_a::<Function>());
        after
    })
}

fn binary_result(cx: &mut Ctx, op: BinaryOp, in_place: bool, a: Value, b: Value, result: Value) -> R {
    if result != Value::NOT_IMPLEMENTED {
        return Ok(result);
    }
    let methods = cx.operator_methods(op, in_place, a, b);
    match cx.first_answer(after_script(methods)) {
        Ok(Value::NOT_IMPLEMENTED) => Err(cx.unsupported(op, a, b, in_place)),
        Err(e) if op == BinaryOp::Mul => Err(cx.repeat_error(e, a, b)),
        answer => answer,
    }
}

fn compare_result(cx: &mut Ctx, op: CompareOp, a: Value, b: Value, result: Value) -> R {
    if result != Value::NOT_IMPLEMENTED {
        return Ok(result);
    }
    let methods = cx.compare_methods(op, a, b);
    match cx.first_answer(after_script(methods))? {
        Value::NOT_IMPLEMENTED => cx.compare_default(op, a, b),
        answer => Ok(answer),
    }
}

/// `-v` and the like.
pub fn unary(cx: &mut Ctx, op: UnaryOp, v: Value) -> R<Called> {
    let names = cx.names();
    let name = match op {
        UnaryOp::Neg => names.__neg__,
        UnaryOp::Pos => names.__pos__,
        UnaryOp::Invert => names.__invert__,
    };
    match script_method(cx, v, name) {
        Some(f) => push_special(cx, f, &[v]),
        None => cx.unary(op, v).map(Called::Value),
    }
}

/// The truth of a value, as a bool.
#[inline(never)]
pub fn truth(cx: &mut Ctx, v: Value) -> R<Called> {
    if has_own_class(v) {
        let names = cx.names();
        let found = match cx.lookup_special(v, names.__bool__) {
            None => cx.lookup_special(v, names.__len__),
            found => found,
        };
        if let Some(f) = found.and_then(|f| f.cast::<Function>()) {
            return push_special(cx, f, &[v]);
        }
    }
    cx.truth(v).map(|t| Called::Value(Value::bool(t)))
}

fn truth_result(cx: &mut Ctx, v: Value, result: Value) -> R<bool> {
    let name = cx.names().__bool__;
    match cx.lookup_special(v, name) {
        Some(_) => cx.bool_result(result),
        None => cx.len_result(result).map(|n| n != 0),
    }
}

// ---- items

pub fn contains(cx: &mut Ctx, container: Value, item: Value) -> R<Called> {
    let name = cx.names().__contains__;
    match script_method(cx, container, name) {
        Some(f) => push_special(cx, f, &[container, item]),
        None => cx.contains(container, item).map(|found| Called::Value(Value::bool(found))),
    }
}

pub fn get_item(cx: &mut Ctx, object: Value, key: Value) -> R<Called> {
    let name = cx.names().__getitem__;
    match script_method(cx, object, name) {
        Some(f) => push_special(cx, f, &[object, key]),
        None => super::operate::get_item(cx, object, key).map(Called::Value),
    }
}

pub fn set_item(cx: &mut Ctx, object: Value, key: Value, value: Value) -> R<Called> {
    let name = cx.names().__setitem__;
    match script_method(cx, object, name) {
        Some(f) => push_special(cx, f, &[object, key, value]),
        None => super::operate::set_item(cx, object, key, value).map(|()| Called::Value(Value::NONE)),
    }
}

pub fn del_item(cx: &mut Ctx, object: Value, key: Value) -> R<Called> {
    let name = cx.names().__delitem__;
    match script_method(cx, object, name) {
        Some(f) => push_special(cx, f, &[object, key]),
        None => cx.del_item(object, key).map(|()| Called::Value(Value::NONE)),
    }
}

// ---- iteration

/// The frame of a script's `__iter__`, if `source` has one.
pub fn iter(cx: &mut Ctx, source: Value) -> R<Option<Called>> {
    let name = cx.names().__iter__;
    match script_method(cx, source, name) {
        Some(f) => push_special(cx, f, &[source]).map(Some),
        None => Ok(None),
    }
}

/// The next item of an iterator that is none of the builtin ones; unbound at the end.
#[inline(never)]
pub fn next(cx: &mut Ctx, source: Value) -> R<Called> {
    let name = cx.names().__next__;
    match script_method(cx, source, name) {
        Some(f) => push_special(cx, f, &[source]),
        None => cx.next(source).map(|item| Called::Value(item.unwrap_or(Value::UNBOUND))),
    }
}

// ---- attributes

/// `object.name`
pub fn attribute(cx: &mut Ctx, object: Value, name: Gc<Str>) -> R<Called> {
    if has_own_class(object)
        && !matches!(Kind::of(object.kind_byte()), Kind::Class | Kind::Super | Kind::Module | Kind::GenericAlias)
        && let Some(called) = attribute_hook(cx, object, name)?
    {
        return Ok(called);
    }
    cx.get_attr_interned(object, name).map(Called::Value)
}

/// The frame of the script function that computes an attribute. Where `__getattr__` stands in for an AttributeError
/// of another hook there is none.
fn attribute_hook(cx: &mut Ctx, object: Value, name: Gc<Str>) -> R<Option<Called>> {
    let class = cx.class_of(object);
    let names = cx.names();
    if class.has(class_flag::GETATTRIBUTE) {
        let hook = cx.lookup(class, names.__getattribute__).and_then(|f| f.cast::<Function>());
        return match hook.filter(|_| !class.has(class_flag::GETATTR)) {
            Some(f) => push_special(cx, f, &[object, name.value()]).map(Some),
            None => Ok(None),
        };
    }
    let Some(found) = cx.lookup(class, name) else {
        if class.has(class_flag::GETATTR)
            && let Some(f) = cx.lookup(class, names.__getattr__).and_then(|f| f.cast::<Function>())
            && cx.instance_attr(object, name).is_none()
        {
            return push_special(cx, f, &[object, name.value()]).map(Some);
        }
        return Ok(None);
    };
    if class.has(class_flag::GETATTR) {
        return Ok(None);
    }
    if let Some(p) = found.cast::<Property>() {
        return match p.get.get().cast::<Function>() {
            Some(f) if !has_own_class(found) => push_special(cx, f, &[object]).map(Some),
            _ => Ok(None),
        };
    }
    match script_method(cx, found, names.__get__) {
        Some(f) if cx.is_data_descriptor(found) || cx.instance_attr(object, name).is_none() => {
            push_special(cx, f, &[found, object, class.value()]).map(Some)
        }
        _ => Ok(None),
    }
}

/// The frame of the script function that `object.name = value` calls, if any.
pub fn set_attribute(cx: &mut Ctx, object: Value, name: Gc<Str>, value: Value) -> R<Option<Called>> {
    if !has_own_class(object) || object.kind_byte() == Kind::Class as u8 {
        return Ok(None);
    }
    let class = cx.class_of(object);
    let names = cx.names();
    if class.has(class_flag::SETATTR) {
        return match cx.lookup(class, names.__setattr__).and_then(|f| f.cast::<Function>()) {
            Some(f) => push_special(cx, f, &[object, name.value(), value]).map(Some),
            None => Ok(None),
        };
    }
    let Some(found) = cx.lookup(class, name) else { return Ok(None) };
    if let Some(p) = found.cast::<Property>() {
        return match p.set.get().cast::<Function>() {
            Some(f) if !has_own_class(found) => push_special(cx, f, &[object, value]).map(Some),
            _ => Ok(None),
        };
    }
    match script_method(cx, found, names.__set__) {
        Some(f) => push_special(cx, f, &[found, object, value]).map(Some),
        None => Ok(None),
    }
}

// ---- results

/// Where an instruction goes on that has been given its result.
pub enum After {
    /// Past so many cache words.
    Next(usize),
    Jump(isize),
}

/// Gives the instruction before `pc` what its special method returned.
///
/// # Safety
/// `base` is the instruction's frame, and the innermost one.
pub unsafe fn deliver(cx: &mut Ctx, base: *mut Value, pc: *const AtomicU64, result: Value) -> R<After> {
    // SAFETY: by the contract; the verifier has checked the operands.
    let word = unsafe { Word::at(pc.sub(1)) };
    let (a, b, c) = (word.a() as usize, word.b() as usize, word.c() as usize);
    let (aux, long, short) = (word.aux(), word.sbx() as isize, word.sc() as isize);
    // SAFETY: as above.
    let op = unsafe { word.op() };
    let get = |i: usize| -> Value {
        // SAFETY: as above.
        unsafe { *base.add(i) }
    };
    let set = |i: usize, v: Value| {
        // SAFETY: as above.
        unsafe { *base.add(i) = v }
    };
    match op {
        Op::GetItem | Op::GetItemImm | Op::Neg | Op::Pos | Op::Invert => set(a, result),
        Op::SetItem | Op::DelItem => {}
        Op::GetAttr => {
            set(a, result);
            return Ok(After::Next(2));
        }
        Op::LoadMethod => {
            set(a, result);
            set(a + 4, Value::UNBOUND);
            return Ok(After::Next(2));
        }
        Op::SetAttr => return Ok(After::Next(2)),
        Op::ForNext if result.is_unbound() => {}
        Op::ForNext => {
            // SAFETY: as above.
            let state = unsafe { base.add(a) };
            let Some(item) = super::iterate::returned(cx, state, result)? else { return Ok(After::Jump(0)) };
            set(b, item);
            return Ok(After::Jump(short));
        }
        Op::GetIter | Op::IterObject => set(a, cx.iter_result(result)?),
        Op::In => set(a, Value::bool(cx.truth(result)? != (aux == 1))),
        Op::Not => set(a, Value::bool(!truth_result(cx, get(b), result)?)),
        Op::JumpTrue | Op::JumpFalse => {
            if truth_result(cx, get(a), result)? == (op == Op::JumpTrue) {
                return Ok(After::Jump(long));
            }
        }
        _ => {
            if let Some(binary) = binary_of(op) {
                let right = if takes_immediate(op) { Value::small_int(short as i64) } else { get(c) };
                set(a, binary_result(cx, binary, aux == 1, get(b), right, result)?);
            } else if let Some((compare, jump)) = compare_of(op) {
                if !jump {
                    set(a, compare_result(cx, compare, get(b), get(c), result)?);
                    return Ok(After::Next(0));
                }
                let right = if takes_immediate(op) { Value::small_int(word.sb() as i64) } else { get(b) };
                let answer = compare_result(cx, compare, get(a), right, result)?;
                if cx.truth(answer)? == (aux != 0) {
                    return Ok(After::Jump(short));
                }
            }
        }
    }
    Ok(After::Next(0))
}

/// The special method called for the instruction before `cx.pc` has raised; true: the instruction takes it.
pub fn raised(cx: &mut Ctx, e: Raised) -> bool {
    // SAFETY: `pc` follows the instruction in the innermost frame.
    let word = unsafe { Word::at(cx.pc.sub(1)) };
    // SAFETY: as above.
    match unsafe { word.op() } {
        Op::ForNext => cx.is_error(e, ClassId::StopIteration),
        Op::GetAttr | Op::LoadMethod if cx.is_error(e, ClassId::AttributeError) => {
            // SAFETY: as above; both name the object's register and the attribute.
            let (object, code) = unsafe {
                let code: Gc<Code> = Gc::from_value_unchecked(*cx.base.sub(1));
                (*cx.base.add(word.b() as usize), code)
            };
            if let Some(name) = code.name(word.c() as usize).cast::<Str>() {
                name_the_attribute(e, object, name);
            }
            false
        }
        _ => false,
    }
}

fn binary_of(op: Op) -> Option<BinaryOp> {
    Some(match op {
        Op::Add | Op::AddImm => BinaryOp::Add,
        Op::Sub | Op::SubImm => BinaryOp::Sub,
        Op::Mul | Op::MulImm => BinaryOp::Mul,
        Op::Div => BinaryOp::Div,
        Op::FloorDiv | Op::FloorDivImm => BinaryOp::FloorDiv,
        Op::Mod | Op::ModImm => BinaryOp::Mod,
        Op::Pow => BinaryOp::Pow,
        Op::MatMul => BinaryOp::MatMul,
        Op::LShift => BinaryOp::LShift,
        Op::RShift => BinaryOp::RShift,
        Op::BitAnd | Op::BitAndImm => BinaryOp::And,
        Op::BitOr => BinaryOp::Or,
        Op::BitXor => BinaryOp::Xor,
        _ => return None,
    })
}

/// A comparison's operator, and whether it jumps.
fn compare_of(op: Op) -> Option<(CompareOp, bool)> {
    Some(match op {
        Op::Lt => (CompareOp::Lt, false),
        Op::Le => (CompareOp::Le, false),
        Op::Eq => (CompareOp::Eq, false),
        Op::Ne => (CompareOp::Ne, false),
        Op::Gt => (CompareOp::Gt, false),
        Op::Ge => (CompareOp::Ge, false),
        Op::JumpLt | Op::JumpLtImm => (CompareOp::Lt, true),
        Op::JumpLe | Op::JumpLeImm => (CompareOp::Le, true),
        Op::JumpEq | Op::JumpEqImm => (CompareOp::Eq, true),
        Op::JumpNe | Op::JumpNeImm => (CompareOp::Ne, true),
        Op::JumpGt | Op::JumpGtImm => (CompareOp::Gt, true),
        Op::JumpGe | Op::JumpGeImm => (CompareOp::Ge, true),
        _ => return None,
    })
}

fn takes_immediate(op: Op) -> bool {
    use crate::bytecode::op::Form;
    matches!(op.form(), Form::ABImm | Form::AImmJump)
}
