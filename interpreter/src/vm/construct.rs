//! Calling classes: `__new__`, then `__init__`.

use std::sync::atomic::Ordering;

use super::call::{Called, check_depth, dispatch, place_frame};
use super::native::{Machine, push_machine};
use crate::native::{Ctx, Entered, NativeDef, NativeFrame, Param, ParamKind, R, Role, Step};
use crate::object::class::{Class, class_flag};
use crate::object::construct::{bound_new, init_of, initialize, make};
use crate::object::driven::iterates_script;
use crate::object::function::{Code, Function, Native, Wrapper};
use crate::object::kind::{ClassId, Kind};
use crate::object::sequence::Tuple;
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

/// Pushes what the call of a class by the instruction with register `a` runs: a script function of its metaclass, its
/// `__new__` or `__init__`, or the iteration of what a builtin container is made of; None: nothing of a script.
pub fn push_class(cx: &mut Ctx, class: Gc<Class>, args: &[Value], names: &[Value], a: usize) -> R<Option<Called>> {
    if class.id != 0 {
        return if names.is_empty() { super::iterate::push_collect(cx, class, args, a) } else { Ok(None) };
    }
    if let Some(init) = simple_init(cx, class) {
        let object = cx.new_instance(class).value();
        return push_init(cx, object, init, args, names, a).map(Some);
    }
    let well_known = cx.names();
    let meta = cx.class_of(class.value());
    if meta.id != ClassId::Type as u32
        && let Some(f) = cx.lookup(meta, well_known.__call__)
        && !f.is_a::<Native>()
    {
        if !f.is_a::<Function>() {
            return Ok(None);
        }
        return cx.with_first(class.value(), args, |cx, args| dispatch(cx, f, args, names, Some(a))).map(Some);
    }
    let new = cx.lookup(class, well_known.__new__);
    let by_script = new.and_then(|f| f.cast::<Wrapper>()).is_some_and(|w| w.value.get().is_a::<Function>());
    if !by_script {
        if !cx.lookup(class, well_known.__init__).is_some_and(|f| f.is_a::<Function>()) {
            return Ok(None);
        }
        let object = make(cx, class, args, names)?;
        return match init_of(cx, class, object)? {
            None => Ok(Some(Called::Value(object))),
            Some((init, bound)) => match init.cast::<Function>().filter(|_| !bound) {
                Some(f) => push_init(cx, object, f, args, names, a).map(Some),
                None => initialize(cx, object, (init, bound), args, names).map(|object| Some(Called::Value(object))),
            },
        };
    }
    let (args, names) = (cx.tuple(args)?, cx.tuple(names)?);
    push_machine(cx, Machine::Construct, &[class.value(), args, names], Some(a)).map(Some)
}

/// Pushes the call of a new object's `__init__`, after which the object is the result.
fn push_init(cx: &mut Ctx, object: Value, init: Gc<Function>, args: &[Value], names: &[Value], a: usize) -> R<Called> {
    cx.with_first(object, args, |cx, args| {
        check_depth(cx)?;
        let stub = cx.iso().roots.init_stub.obj::<Code>();
        // SAFETY: the instruction's frame is innermost; the arguments have been copied.
        unsafe {
            let base = place_frame(cx, init.value(), stub, a)?;
            *base = object;
            cx.base = base;
            cx.pc = stub.entry.add(1);
            cx.depth += 1;
        }
        dispatch(cx, init.value(), args, names, Some(1))
    })
}

const CONSTRUCT_PARAMS: &[Param] = &[
    Param { name: "class", kind: ParamKind::PositionalOnly, required: true, default: "" },
    Param { name: "args", kind: ParamKind::PositionalOnly, required: true, default: "" },
    Param { name: "names", kind: ParamKind::PositionalOnly, required: true, default: "" },
];

/// `type.__call__` with a frame for `__new__` and `__init__`.
pub static CONSTRUCT: NativeDef =
    NativeDef::resumable("<construct>", "", Role::Function, CONSTRUCT_PARAMS, |cx, frame, entered| {
        construct_frame(cx, frame, entered).into()
    });

/// `__init__` has been called.
const INITED: i64 = 1;

/// Slots: class, arguments, names of the last ones, the object.
fn construct_frame(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (class, args, names) = (frame.get(0).cast::<Class>(), frame.get(1).cast(), frame.get(2).cast());
    let (Some(class), Some(args), Some(names)) = (class, args, names) else { return Ok(Step::Done(Value::NONE)) };
    match entered {
        Entered::Raised(e) => Err(e),
        Entered::Ended(v) => Ok(Step::Done(v)),
        Entered::Start => {
            let new = bound_new(cx, class)?;
            call_prefixed(cx, frame, new, class.value(), args, names)
        }
        Entered::With(object) if frame.state() != INITED => {
            frame.set(3, object);
            match init_of(cx, class, object)? {
                None => Ok(Step::Done(object)),
                Some((init, bound)) => {
                    frame.set_state(INITED);
                    if bound {
                        return Ok(frame.call_named(init, args, names));
                    }
                    call_prefixed(cx, frame, init, object, args, names)
                }
            }
        }
        Entered::With(result) if result.is_none() => Ok(Step::Done(frame.get(3))),
        Entered::With(result) => Err(bad_init(cx, result)),
    }
}

fn call_prefixed(
    cx: &mut Ctx,
    frame: &mut NativeFrame<'_>,
    f: Value,
    first: Value,
    args: Gc<Tuple>,
    names: Gc<Tuple>,
) -> R<Step> {
    if names.len == 0 {
        match *args.items() {
            [] => return Ok(frame.call(f, &[first])),
            [a] => return Ok(frame.call(f, &[first, a])),
            [a, b] => return Ok(frame.call(f, &[first, a, b])),
            _ => {}
        }
    }
    let all = cx.with_first(first, args.items(), |cx, all| cx.tuple(all))?;
    Ok(all.cast().map_or(Step::Done(Value::NONE), |all| frame.call_named(f, all, names)))
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
    if is(ClassId::List) && !iterates_script(v) {
        return cx.collect_list(v).map(|l| Some(l.value()));
    }
    if is(ClassId::Tuple) && !iterates_script(v) {
        return cx.collect_tuple(v).map(|t| Some(t.value()));
    }
    Ok(None)
}
