//! `int | str`: unions of types.

use conc_macros::methods;

/// The methods of types.UnionType.
#[methods]
pub mod methods {
    use super::{same_members, union_hash, union_repr, unite};
    use crate::native::{Ctx, R};
    use crate::object::methods::alias;
    use crate::object::misc::GenericAlias;
    use crate::object::sequence::Tuple;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<Gc<Str>> {
        union_repr(cx, this)
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<i64> {
        union_hash(cx, this)
    }

    /// Tell whether self and value are equal.
    pub fn __eq__(cx: &mut Ctx, this: Value, value: Value) -> R {
        same_members(cx, this, value)
    }

    /// Give self | value.
    pub fn __or__(cx: &mut Ctx, this: Value, value: Value) -> R {
        unite(cx, this, value)
    }

    /// Give value | self, when value itself has no answer.
    pub fn __ror__(cx: &mut Ctx, this: Value, value: Value) -> R {
        unite(cx, value, this)
    }

    /// Give the item at the key.
    pub fn __getitem__(cx: &mut Ctx, this: Gc<GenericAlias>, key: Value) -> R {
        let params = alias::parameters(cx, this)?;
        let Some(args) = this.args.get().cast::<Tuple>() else { return Ok(Value::NONE) };
        let new = alias::substitute(cx, this.value(), args, params, key)?;
        let mut all = Value::UNBOUND;
        for &member in new.items() {
            all = if all.is_unbound() { member } else { cx.binary(crate::object::arith::BinaryOp::Or, all, member)? };
        }
        Ok(all)
    }

    /// The member types.
    #[getter]
    pub fn __args__(this: Gc<GenericAlias>) -> Value {
        this.args.get()
    }

    /// The type variables among the members.
    #[getter]
    pub fn __parameters__(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<Gc<Tuple>> {
        alias::parameters(cx, this)
    }

    /// Whether the object is an instance of one of the members.
    pub fn __instancecheck__(cx: &mut Ctx, this: Value, instance: Value) -> R<bool> {
        cx.isinstance(instance, this)
    }

    /// Whether the class is a subclass of one of the members.
    pub fn __subclasscheck__(cx: &mut Ctx, this: Value, subclass: Value) -> R<bool> {
        cx.issubclass(subclass, this)
    }
}

use crate::native::{Ctx, R};
use crate::object::class::Class;
use crate::object::kind::ClassId;
use crate::object::misc::GenericAlias;
use crate::object::sequence::{List, Tuple};
use crate::object::string::Str;
use crate::value::{Gc, Value};

/// `a | b` of types; NotImplemented for other things.
pub fn unite(cx: &mut Ctx, a: Value, b: Value) -> R {
    if !is_unionable(cx, a) || !is_unionable(cx, b) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let members = cx.new_list();
    add_member(cx, members, a)?;
    add_member(cx, members, b)?;
    if members.len() == 1 {
        return Ok(members.get(0).unwrap_or(Value::NONE));
    }
    let args = cx.list_to_tuple(members)?;
    let class = cx.class(ClassId::UnionType);
    Ok(cx.new_generic_alias(class, Value::NONE, args).value())
}

fn is_unionable(cx: &Ctx, v: Value) -> bool {
    v.is_none() || v.is_a::<Class>() || v.is_a::<GenericAlias>() || cx.class_of(v).name_text() == "TypeAliasType"
}

/// Adds a type, or those of a union, unless it is there.
fn add_member(cx: &mut Ctx, members: Gc<List>, v: Value) -> R<()> {
    if let Some(inner) = cx.union_members(v) {
        for &member in inner.items() {
            add_member(cx, members, member)?;
        }
        return Ok(());
    }
    let v = if v.is_none() { cx.class(ClassId::NoneType).value() } else { v };
    let mut i = 0;
    while let Some(member) = members.get(i) {
        let both_classes = member.is_a::<Class>() && v.is_a::<Class>();
        if member == v
            || (!both_classes && member.is_a::<GenericAlias>() == v.is_a::<GenericAlias>() && cx.eq(member, v)?)
        {
            return Ok(());
        }
        i += 1;
    }
    cx.list_push(members, v)
}

fn union_repr(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<Gc<Str>> {
    let mut out = Vec::new();
    if let Some(args) = this.args.get().cast::<Tuple>() {
        for (i, &member) in args.items().iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b" | ");
            }
            super::alias::write_type(cx, member, &mut out)?;
        }
    }
    cx.try_wtf8(&out)
}

/// Independent of the order of the members.
fn union_hash(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<i64> {
    let set = cx.new_set(true)?;
    if let Some(args) = this.args.get().cast::<Tuple>() {
        for &member in args.items() {
            set.add(cx, member)?;
        }
    }
    Ok(cx.hash(set.value())? as i64)
}

fn same_members(cx: &mut Ctx, a: Value, b: Value) -> R {
    let (Some(x), Some(y)) = (cx.union_members(a), cx.union_members(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
    for (one, other) in [(x, y), (y, x)] {
        for &member in one.items() {
            let mut found = false;
            for &candidate in other.items() {
                found |= cx.same(member, candidate)?;
            }
            if !found {
                return Ok(Value::FALSE);
            }
        }
    }
    Ok(Value::TRUE)
}
