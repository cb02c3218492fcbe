//! Calling classes: `__new__`, then `__init__`.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::class::{Class, class_flag};
use crate::object::function::{Code, Function, Native};
use crate::object::kind::{ClassId, Kind};
use crate::value::{Gc, Value};

/// `class(*args)`, by the metaclass's `__call__` if it has its own.
pub fn call_class(cx: &mut Ctx, class: Gc<Class>, args: &[Value], names: &[Value]) -> R {
    let meta = cx.class_of(class.value());
    if meta.id != ClassId::Type as u32 {
        let name = cx.names().__call__;
        if let Some(f) = cx.lookup(meta, name)
            && !f.is_a::<Native>()
        {
            let bound = cx.bind(f, class.value(), meta)?;
            return super::call::call(cx, bound, args, names);
        }
    }
    construct(cx, class, args, names)
}

/// `type.__call__(class, *args)`
pub fn construct(cx: &mut Ctx, class: Gc<Class>, args: &[Value], names: &[Value]) -> R {
    cx.check_stack()?;
    crate::object::construct::construct(cx, class, args, names)
}

#[cold]
pub fn bad_init(cx: &mut Ctx, result: Value) -> crate::native::Raised {
    let got = cx.type_name(result);
    cx.type_error(format!("__init__() should return None, not '{got}'"))
}

/// The script `__init__` of a class whose construction is nothing but "make an instance, call it": cached per class
/// version.
#[inline(always)]
pub fn simple_init(cx: &mut Ctx, class: Gc<Class>) -> Option<Gc<Function>> {
    let version = class.version();
    if class.ctor_version.load(Ordering::Acquire) == version && version != 0 {
        return class.ctor_init.get().cast();
    }
    find_simple_init(cx, class, version)
}

#[inline(never)]
fn find_simple_init(cx: &mut Ctx, class: Gc<Class>, version: u32) -> Option<Gc<Function>> {
    let found = inspect(cx, class);
    if version != 0 && class.version() == version {
        class.ctor_init.set(found.map_or(Value::UNBOUND, |f| f.value()));
        class.ctor_version.store(version, Ordering::Release);
    }
    found
}

fn inspect(cx: &mut Ctx, class: Gc<Class>) -> Option<Gc<Function>> {
    if cx.class_of(class.value()).id != ClassId::Type as u32
        || class.instance_kind() != Kind::Instance
        || class.has(class_flag::ABSTRACT)
    {
        return None;
    }
    let names = cx.names();
    let object = cx.class(ClassId::Object);
    if cx.lookup(class, names.__new__) != cx.lookup(object, names.__new__) {
        return None;
    }
    let init = cx.lookup(class, names.__init__)?.cast::<Function>()?;
    let code = init.code.obj::<Code>();
    (code.flags & crate::bytecode::template::flags::GENERATOR_LIKE == 0).then_some(init)
}

/// `str(v)`, `int(v)` and their like on a single argument where no more than a conversion is asked for; None: not one
/// of them.
#[inline(never)]
pub fn convert_one(cx: &mut Ctx, class: Gc<Class>, v: Value) -> R<Option<Value>> {
    let is = |id: ClassId| class.id == id as u32;
    if is(ClassId::Str) {
        return cx.to_str(v).map(|s| Some(s.value()));
    }
    if is(ClassId::Int) {
        return Ok(v.is_int().then_some(v));
    }
    if is(ClassId::Float) {
        return Ok(match v {
            v if v.is_float() => Some(v),
            v if v.is_int() => Some(cx.float(v.int() as f64)),
            _ => None,
        });
    }
    if is(ClassId::Bool) {
        return cx.truth(v).map(|t| Some(Value::bool(t)));
    }
    if is(ClassId::Type) {
        return Ok(Some(cx.class_of(v).value()));
    }
    if is(ClassId::List) {
        return cx.collect_list(v).map(|l| Some(l.value()));
    }
    if is(ClassId::Tuple) {
        return cx.collect_tuple(v).map(|t| Some(t.value()));
    }
    Ok(None)
}
