//! dict_keys, dict_values, dict_items, and mappingproxy.

use conc_macros::methods;

/// What all views have.
#[methods]
pub mod methods {
    use crate::native::Ctx;
    use crate::object::dict::Dict;
    use crate::object::kind::ClassId;
    use crate::object::misc::{DictView, Iter};
    use crate::value::{Gc, Value};

    /// Give an iterator over the view, newest first.
    pub fn __reversed__(cx: &mut Ctx, this: Gc<DictView>) -> Gc<Iter> {
        let dict = this.dict.obj::<Dict>();
        let class = match this.header().shape() {
            s if s == ClassId::DictKeys.shape() => ClassId::DictReverseKeyIterator,
            s if s == ClassId::DictValues.shape() => ClassId::DictReverseValueIterator,
            _ => ClassId::DictReverseItemIterator,
        };
        cx.new_iter(class, dict.value(), Value::NONE, -1, dict.len() as i64)
    }

    /// The dictionary behind the view, read-only.
    #[getter]
    pub fn mapping(cx: &mut Ctx, this: Gc<DictView>) -> Value {
        let dict = this.dict.get();
        cx.new_wrapper(ClassId::MappingProxy, dict, Value::UNBOUND, Value::NONE, Value::NONE).value()
    }
}

/// What makes keys and items sets.
#[methods]
pub mod set_like {
    use super::{compare, operate};
    use crate::native::{Ctx, R};
    use crate::object::compare::CompareOp;
    use crate::object::methods::set::Op;
    use crate::value::Value;

    /// Give self & value.
    pub fn __and__(cx: &mut Ctx, this: Value, value: Value) -> R {
        operate(cx, Op::And, this, value)
    }
    /// Give value & self, when value itself has no answer.
    pub fn __rand__(cx: &mut Ctx, this: Value, value: Value) -> R {
        operate(cx, Op::And, value, this)
    }
    /// Give self | value.
    pub fn __or__(cx: &mut Ctx, this: Value, value: Value) -> R {
        operate(cx, Op::Or, this, value)
    }
    /// Give value | self, when value itself has no answer.
    pub fn __ror__(cx: &mut Ctx, this: Value, value: Value) -> R {
        operate(cx, Op::Or, value, this)
    }
    /// Give self - value.
    pub fn __sub__(cx: &mut Ctx, this: Value, value: Value) -> R {
        operate(cx, Op::Sub, this, value)
    }
    /// Give value - self, when value itself has no answer.
    pub fn __rsub__(cx: &mut Ctx, this: Value, value: Value) -> R {
        operate(cx, Op::Sub, value, this)
    }
    /// Give self ^ value.
    pub fn __xor__(cx: &mut Ctx, this: Value, value: Value) -> R {
        operate(cx, Op::Xor, this, value)
    }
    /// Give value ^ self, when value itself has no answer.
    pub fn __rxor__(cx: &mut Ctx, this: Value, value: Value) -> R {
        operate(cx, Op::Xor, value, this)
    }

    /// Tell whether self is less than value.
    pub fn __lt__(cx: &mut Ctx, this: Value, value: Value) -> R {
        compare(cx, CompareOp::Lt, this, value)
    }
    /// Tell whether self is less than value or equal to it.
    pub fn __le__(cx: &mut Ctx, this: Value, value: Value) -> R {
        compare(cx, CompareOp::Le, this, value)
    }
    /// Tell whether self and value are equal.
    pub fn __eq__(cx: &mut Ctx, this: Value, value: Value) -> R {
        compare(cx, CompareOp::Eq, this, value)
    }
    /// Tell whether self and value differ.
    pub fn __ne__(cx: &mut Ctx, this: Value, value: Value) -> R {
        compare(cx, CompareOp::Ne, this, value)
    }
    /// Tell whether self is greater than value.
    pub fn __gt__(cx: &mut Ctx, this: Value, value: Value) -> R {
        compare(cx, CompareOp::Gt, this, value)
    }
    /// Tell whether self is greater than value or equal to it.
    pub fn __ge__(cx: &mut Ctx, this: Value, value: Value) -> R {
        compare(cx, CompareOp::Ge, this, value)
    }

    /// Tell whether no item of the iterable is in the view.
    pub fn isdisjoint(cx: &mut Ctx, this: Value, other: Value) -> R<bool> {
        let it = cx.iter(other)?;
        while let Some(item) = cx.next(it)? {
            if cx.contains(this, item)? {
                return Ok(false);
            }
            cx.poll()?;
        }
        Ok(true)
    }
}

/// The methods of mappingproxy.
#[methods]
pub mod proxy {
    use super::target;
    use crate::native::{Ctx, R};
    use crate::object::compare::CompareOp;
    use crate::object::dict::Dict;
    use crate::object::kind::ClassId;
    use crate::object::string::Str;
    use crate::object::{arith::BinaryOp, misc::GenericAlias};
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Value, #[kw] mapping: Value) -> R {
        let getitem = cx.names().__getitem__;
        let mapping_like = mapping.is_a::<Dict>()
            || (cx.lookup_special(mapping, getitem).is_some()
                && !mapping.is_a::<crate::object::sequence::List>()
                && !mapping.is_a::<crate::object::sequence::Tuple>());
        if !mapping_like {
            let got = cx.type_name(mapping);
            return Err(cx.type_error(format!("mappingproxy() argument must be a mapping, not {got}")));
        }
        Ok(cx.new_wrapper(ClassId::MappingProxy, mapping, Value::UNBOUND, Value::NONE, Value::NONE).value())
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<Gc<Str>> {
        let mut out = b"mappingproxy(".to_vec();
        cx.write_repr(target(this), &mut out)?;
        out.push(b')');
        cx.try_wtf8(&out)
    }

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: Value) -> R<Gc<Str>> {
        cx.to_str(target(this))
    }

    /// Tell how many items there are.
    pub fn __len__(cx: &mut Ctx, this: Value) -> R<usize> {
        cx.len(target(this))
    }

    /// Give the item at the key.
    pub fn __getitem__(cx: &mut Ctx, this: Value, key: Value) -> R {
        cx.get_item(target(this), key)
    }

    /// Tell whether the key is in self.
    pub fn __contains__(cx: &mut Ctx, this: Value, key: Value) -> R<bool> {
        cx.contains(target(this), key)
    }

    /// Give an iterator over the items.
    pub fn __iter__(cx: &mut Ctx, this: Value) -> R {
        cx.iter(target(this))
    }

    /// Give an iterator over the keys, last one first.
    pub fn __reversed__(cx: &mut Ctx, this: Value) -> R {
        forward(cx, this, "__reversed__", &[])
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Value) -> R<i64> {
        Ok(cx.hash(target(this))? as i64)
    }

    /// Tell whether self and value are equal.
    pub fn __eq__(cx: &mut Ctx, this: Value, value: Value) -> R {
        cx.compare(CompareOp::Eq, target(this), target(value))
    }

    /// Tell whether self and value differ.
    pub fn __ne__(cx: &mut Ctx, this: Value, value: Value) -> R {
        cx.compare(CompareOp::Ne, target(this), target(value))
    }

    /// Give self | value.
    pub fn __or__(cx: &mut Ctx, this: Value, value: Value) -> R {
        cx.binary(BinaryOp::Or, target(this), target(value))
    }

    /// Give value | self, when value itself has no answer.
    pub fn __ror__(cx: &mut Ctx, this: Value, value: Value) -> R {
        cx.binary(BinaryOp::Or, target(value), target(this))
    }

    /// Refused: the mapping is read-only here.
    pub fn __ior__(cx: &mut Ctx, _this: Value, _value: Value) -> R {
        Err(cx.type_error("'|=' is not supported by mappingproxy; use '|' instead"))
    }

    /// Give the value at the key, or the default where there is none.
    pub fn get(cx: &mut Ctx, this: Value, key: Value, #[default(Value::NONE)] default: Value) -> R {
        forward(cx, this, "get", &[key, default])
    }

    /// Give a live view of the mapping's keys.
    pub fn keys(cx: &mut Ctx, this: Value) -> R {
        forward(cx, this, "keys", &[])
    }

    /// Give a live view of the mapping's values.
    pub fn values(cx: &mut Ctx, this: Value) -> R {
        forward(cx, this, "values", &[])
    }

    /// Give a live view of the mapping's (key, value) pairs.
    pub fn items(cx: &mut Ctx, this: Value) -> R {
        forward(cx, this, "items", &[])
    }

    /// a shallow copy of D
    pub fn copy(cx: &mut Ctx, this: Value) -> R {
        forward(cx, this, "copy", &[])
    }

    /// Give the class with type arguments, as in `list[int]`.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Value, key: Value) -> R<Gc<GenericAlias>> {
        cx.generic_alias(class, key)
    }

    fn forward(cx: &mut Ctx, this: Value, name: &str, args: &[Value]) -> R {
        let method = cx.get_attr_text(target(this), name)?;
        cx.call(method, args)
    }
}

use super::set::{Op, in_place, set_of};
use crate::native::{Ctx, R};
use crate::object::compare::CompareOp;
use crate::object::function::Wrapper;
use crate::object::kind::ClassId;
use crate::object::misc::DictView;
use crate::object::set::Set;
use crate::value::Value;

/// The mapping behind a proxy; other values stand for themselves.
fn target(v: Value) -> Value {
    match v.cast::<Wrapper>() {
        Some(w) if w.header().shape() == ClassId::MappingProxy.shape() => w.value.get(),
        _ => v,
    }
}

/// A set operation of a view and any iterable.
fn operate(cx: &mut Ctx, op: Op, a: Value, b: Value) -> R {
    if op == Op::And {
        return if a.is_a::<DictView>() { intersect(cx, a, b) } else { intersect(cx, b, a) };
    }
    // Keys are taken from the dict itself, at once.
    let keys = a.cast::<DictView>().filter(|v| v.header().shape() == ClassId::DictKeys.shape());
    let result = set_of(cx, keys.map_or(a, |v| v.dict.get()))?;
    in_place(cx, op, result, b)?;
    Ok(result.value())
}

/// The items of the smaller operand that are in the larger one.
fn intersect(cx: &mut Ctx, view: Value, other: Value) -> R {
    let (mut view, mut other) = (view, other);
    if other.is_a::<DictView>() && cx.native_len(other) > cx.native_len(view) {
        (view, other) = (other, view);
    }
    let result = cx.new_set(false)?;
    if let Some(set) = other.cast::<Set>()
        && set.len() >= cx.native_len(view).unwrap_or(0)
        && cx.class_of(other).id != 0
    {
        let it = cx.iter(view)?;
        while let Some(item) = cx.next(it)? {
            if cx.set_contains(set, item)? {
                result.add(cx, item)?;
            }
        }
        return Ok(result.value());
    }
    let it = cx.iter(other)?;
    while let Some(item) = cx.next(it)? {
        if cx.contains(view, item)? {
            result.add(cx, item)?;
        }
        cx.poll()?;
    }
    Ok(result.value())
}

fn is_set_like(v: Value) -> bool {
    v.is_a::<Set>() || v.cast::<DictView>().is_some_and(|d| d.header().shape() != ClassId::DictValues.shape())
}

fn compare(cx: &mut Ctx, op: CompareOp, a: Value, b: Value) -> R {
    if !is_set_like(b) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (la, lb) = (cx.native_len(a).unwrap_or(0), cx.native_len(b).unwrap_or(0));
    let result = match op {
        CompareOp::Eq => la == lb && all_in(cx, a, b)?,
        CompareOp::Ne => la != lb || !all_in(cx, a, b)?,
        CompareOp::Lt => la < lb && all_in(cx, a, b)?,
        CompareOp::Le => la <= lb && all_in(cx, a, b)?,
        CompareOp::Gt => la > lb && all_in(cx, b, a)?,
        CompareOp::Ge => la >= lb && all_in(cx, b, a)?,
    };
    Ok(Value::bool(result))
}

fn all_in(cx: &mut Ctx, a: Value, b: Value) -> R<bool> {
    let it = cx.iter(a)?;
    while let Some(item) = cx.next(it)? {
        if !cx.contains(b, item)? {
            return Ok(false);
        }
    }
    Ok(true)
}
