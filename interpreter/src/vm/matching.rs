//! Slow paths of `match`: sequences, mappings, classes.

use crate::native::{Ctx, R};
use crate::object::class::{Class, class_flag};
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::object::sequence::{List, Tuple};
use crate::object::set::Set;
use crate::object::string::Str;
use crate::value::{Gc, Value};

fn has_flag(cx: &Ctx, v: Value, flag: u32) -> bool {
    cx.class_of(v).has(flag)
}

pub fn match_sequence(cx: &mut Ctx, v: Value) -> Value {
    Value::bool(has_flag(cx, v, class_flag::SEQUENCE))
}

pub fn match_mapping(cx: &mut Ctx, v: Value) -> Value {
    Value::bool(has_flag(cx, v, class_flag::MAPPING))
}

pub fn match_keys(cx: &mut Ctx, subject: Value, keys: Value) -> R {
    let Some(keys) = keys.cast::<Tuple>() else { return Ok(Value::NONE) };
    let seen = cx.new_set(false)?;
    let values = cx.new_list();
    let get = cx.names().get;
    let plain = subject.header().is_some_and(|h| h.shape() == ClassId::Dict.shape());
    let getter = if plain { Value::NONE } else { cx.get_attr(subject, get)? };
    for &key in keys.items() {
        if !seen.add(cx, key)? {
            let key = cx.repr_text(key);
            return Err(cx.value_error(format!("mapping pattern checks duplicate key ({key})")));
        }
        let found = match subject.cast::<Dict>().filter(|_| plain) {
            Some(dict) => dict.get(cx, key)?,
            None => {
                // A marker no mapping can hold tells a missing key from any default.
                let marker = cx.new_cell(Value::NONE).value();
                let v = cx.call(getter, &[key, marker])?;
                (v != marker).then_some(v)
            }
        };
        match found {
            Some(v) => cx.list_push(values, v)?,
            None => return Ok(Value::NONE),
        }
    }
    cx.list_to_tuple(values)
}

pub fn match_rest(cx: &mut Ctx, subject: Value, keys: Value) -> R {
    let rest = cx.new_dict();
    super::slow::dict_update(cx, rest.value(), subject, Value::NONE, false)?;
    if let Some(keys) = keys.cast::<Tuple>() {
        for &key in keys.items() {
            rest.remove(cx, key)?;
        }
    }
    Ok(rest.value())
}

pub fn match_class(cx: &mut Ctx, subject: Value, class: Value, npos: usize, names: Value) -> R {
    let Some(class) = class.cast::<Class>() else {
        let got = cx.type_name(class);
        let _ = got;
        return Err(cx.type_error("called match pattern must be a class"));
    };
    if !super::isinstance(cx, subject, class.value())? {
        return Ok(Value::NONE);
    }
    let values = cx.new_list();
    let seen = cx.new_set(false)?;
    if npos > 0 && !match_positional(cx, subject, class, npos, values, seen)? {
        return Ok(Value::NONE);
    }
    if let Some(names) = names.cast::<Tuple>() {
        for &name in names.items() {
            if !match_attr(cx, subject, class, name, values, seen)? {
                return Ok(Value::NONE);
            }
        }
    }
    cx.list_to_tuple(values)
}

fn match_positional(
    cx: &mut Ctx,
    subject: Value,
    class: Gc<Class>,
    npos: usize,
    values: Gc<List>,
    seen: Gc<Set>,
) -> R<bool> {
    let name = cx.names().__match_args__;
    let class_name = class.name_text();
    let too_many = |cx: &mut Ctx, allowed: usize| {
        let plural = if allowed == 1 { "" } else { "s" };
        cx.type_error(format!("{class_name}() accepts {allowed} positional sub-pattern{plural} ({npos} given)"))
    };
    match cx.get_attr_opt(class.value(), name)? {
        Some(args) => {
            let Some(args) = args.cast::<Tuple>() else {
                let got = cx.type_name(args);
                return Err(cx.type_error(format!("{class_name}.__match_args__ must be a tuple (got {got})")));
            };
            if args.len < npos {
                return Err(too_many(cx, args.len));
            }
            for &arg in &args.items()[..npos] {
                if !arg.is_a::<Str>() {
                    let got = cx.type_name(arg);
                    return Err(cx.type_error(format!("__match_args__ elements must be strings (got {got})")));
                }
                if !match_attr(cx, subject, class, arg, values, seen)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        None if matches_itself(cx, class) => {
            if npos > 1 {
                return Err(too_many(cx, 1));
            }
            cx.list_push(values, subject)?;
            Ok(true)
        }
        None => Err(too_many(cx, 0)),
    }
}

/// The builtins whose single positional sub-pattern is the subject itself.
fn matches_itself(cx: &Ctx, class: Gc<Class>) -> bool {
    use ClassId::*;
    [Bool, ByteArray, Bytes, Dict, Float, FrozenSet, Int, List, Set, Str, Tuple]
        .into_iter()
        .any(|id| class.is_subclass_of(cx.class(id)))
}

fn match_attr(cx: &mut Ctx, subject: Value, class: Gc<Class>, name: Value, values: Gc<List>, seen: Gc<Set>) -> R<bool> {
    if !seen.add(cx, name)? {
        let (class, name) = (class.name_text(), cx.repr_text(name));
        return Err(cx.type_error(format!("{class}() got multiple sub-patterns for attribute {name}")));
    }
    let Some(name) = name.cast::<Str>() else { return Ok(false) };
    match cx.get_attr_opt(subject, name)? {
        Some(v) => {
            cx.list_push(values, v)?;
            Ok(true)
        }
        None => Ok(false),
    }
}
