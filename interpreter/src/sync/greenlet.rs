//! `greenlet.greenlet`: the class, and the natives that go from one greenlet to another.

use conc_macros::methods;

use super::wait::{THIS_PARAMS, method};
use crate::native::{
    Args, Ctx, Entered, Kwargs, NativeDef, NativeFrame, Param, ParamKind, R, Raised, Resume, Role, Step,
};
use crate::object::class::{Class, class_flag};
use crate::object::dict::Dict;
use crate::object::exception::{Exception, Traceback};
use crate::object::greenlet::{Greenlet, State, slot};
use crate::object::kind::ClassId;
use crate::object::misc::Boxed;
use crate::object::sequence::Tuple;
use crate::object::string::Str;
use crate::scheduler::greenlet::{self, Cargo, Left, Part};
use crate::value::{Gc, Value};

const SWITCH_PARAMS: &[Param] = &[
    Param { name: "self", kind: ParamKind::PositionalOnly, required: true, default: "" },
    Param { name: "args", kind: ParamKind::VarArgs, required: false, default: "" },
    Param { name: "kwargs", kind: ParamKind::VarKeywords, required: false, default: "" },
];

const THROW_PARAMS: &[Param] = &[
    Param { name: "self", kind: ParamKind::PositionalOnly, required: true, default: "" },
    Param { name: "type", kind: ParamKind::Positional, required: false, default: "GreenletExit" },
    Param { name: "value", kind: ParamKind::Positional, required: false, default: "None" },
    Param { name: "traceback", kind: ParamKind::Positional, required: false, default: "None" },
];

const FINISH_PARAMS: &[Param] = &[
    Param { name: "result", kind: ParamKind::PositionalOnly, required: true, default: "" },
    Param { name: "raised", kind: ParamKind::PositionalOnly, required: false, default: "" },
];

/// The methods that change greenlets.
pub static RESUMABLE: &[NativeDef] = &[
    NativeDef::resumable(
        "switch",
        "Go on with this greenlet; the arguments are what its own switch gives, or what it is started with.",
        Role::Method,
        SWITCH_PARAMS,
        switch_framed,
    )
    .with_frame(Resume::moving(switch_framed, switch)),
    NativeDef::resumable(
        "throw",
        "Go on with this greenlet, which raises an exception: GreenletExit if none is given.",
        Role::Method,
        THROW_PARAMS,
        throw_framed,
    )
    .with_frame(Resume::moving(throw_framed, throw)),
];

static BOOTSTRAP: NativeDef =
    NativeDef::resumable("bootstrap", "", Role::Function, THIS_PARAMS, |cx, frame, entered| {
        bootstrap(cx, frame, entered).into()
    });
static FINISH: NativeDef = NativeDef::resumable("finish", "", Role::Function, FINISH_PARAMS, finish_framed)
    .with_frame(Resume::moving(finish_framed, finish));
static KILL: NativeDef = method("kill", "", THIS_PARAMS, kill_framed);

// ---- switch and throw

fn receiver(cx: &mut Ctx, value: Value) -> R<Greenlet> {
    match Greenlet::of(value) {
        Some(g) => Ok(g),
        None => {
            let got = cx.type_name(value);
            Err(cx.type_error(format!("GreenletChecker: Expected any type of greenlet, not {got}")))
        }
    }
}

fn switch(cx: &mut Ctx, args: Args<'_>) -> R<bool> {
    let Some(target) = Greenlet::of(args.get(0)) else { return Ok(false) };
    let cargo = |cx: &mut Ctx| {
        if target.state() == State::Active && args.kwargs.0.is_none() {
            match *args.rest {
                [] => return Ok(Cargo::Value(cx.iso().roots.empty_tuple.get())),
                [one] => return Ok(Cargo::Value(one)),
                _ => {}
            }
        }
        let given = cx.tuple(args.rest)?;
        Ok(Cargo::Arguments(given, args.kwargs.0.map_or(Value::UNBOUND, |k| k.value())))
    };
    greenlet::go(cx, target, cargo, false)
}

fn switch_framed(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    let (target, cargo) = (frame.get(0), Cargo::Arguments(frame.get(1), frame.get(2)));
    framed(cx, entered, |cx| Ok((receiver(cx, target)?, cargo, false)))
}

fn throw(cx: &mut Ctx, args: Args<'_>) -> R<bool> {
    let Some(target) = Greenlet::of(args.get(0)) else { return Ok(false) };
    greenlet::go(cx, target, |cx| thrown(cx, args.get(1), args.get(2), args.get(3)), true)
}

fn throw_framed(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    let (target, given) = (frame.get(0), [frame.get(1), frame.get(2), frame.get(3)]);
    framed(cx, entered, |cx| {
        let target = receiver(cx, target)?;
        Ok((target, thrown(cx, given[0], given[1], given[2])?, true))
    })
}

/// A native that goes to a greenlet, in its frame.
fn framed(cx: &mut Ctx, entered: Entered, begin: impl FnOnce(&mut Ctx) -> R<(Greenlet, Cargo, bool)>) -> Step {
    match entered {
        Entered::Start => {}
        Entered::With(v) | Entered::Ended(v) => return Step::Done(v),
        Entered::Raised(e) => return Step::Raise(e),
    }
    let left = begin(cx).and_then(|(target, cargo, thrown)| greenlet::leave(cx, target, cargo, thrown));
    match left {
        Ok(Left::Back(v)) => Step::Done(v),
        Ok(Left::Gone) => Step::Park(None),
        Err(e) => Step::Raise(e),
    }
}

/// What `throw(type, value, traceback)` raises.
fn thrown(cx: &mut Ctx, class: Value, value: Value, traceback: Value) -> R<Cargo> {
    let given = |v: Value| !v.is_unbound() && !v.is_none();
    if given(traceback) && !traceback.is_a::<Traceback>() {
        return Err(cx.type_error("throw() third argument must be a traceback object"));
    }
    let class = if class.is_unbound() { greenlet::part(cx, Part::Exit) } else { class };
    let exc = if class.is_a::<Exception>() {
        if given(value) {
            return Err(cx.type_error("instance exception may not have a separate value"));
        }
        class
    } else if let Some(class) = cx.exception_class(class) {
        match value {
            v if !given(v) => cx.call_exception(class, &[])?,
            v if cx.class_of(v).is_subclass_of(class) => v,
            v => match v.cast::<Tuple>() {
                Some(args) => cx.call_exception(class, args.items())?,
                None => cx.call_exception(class, &[v])?,
            },
        }
    } else {
        let got = cx.type_name(class);
        return Err(cx.type_error(format!("exceptions must be classes, or instances, not {got}")));
    };
    if let Some(e) = exc.cast::<Exception>().filter(|_| given(traceback)) {
        e.traceback.set(traceback);
    }
    Ok(Cargo::Error(Raised(exc)))
}

// ---- its life

/// Stages of `bootstrap`.
mod stage {
    pub const START: i64 = 0;
    pub const RUN: i64 = 1;
    pub const FINISH: i64 = 2;
}

/// The first frame of a greenlet. Slots: what to call, its arguments, the named ones, an exception to raise instead.
fn bootstrap(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let ended = match (frame.state(), entered) {
        (stage::START, Entered::Start) => {
            let instead = frame.get(greenlet::BOOTSTRAP_ERROR);
            if instead.is_unbound() {
                frame.set_state(stage::RUN);
                match call_run(cx, frame) {
                    Ok(step) => return Ok(step),
                    Err(e) => Err(e),
                }
            } else {
                Err(Raised(instead))
            }
        }
        (stage::RUN, Entered::Raised(e)) => Err(e),
        (stage::RUN, Entered::With(v) | Entered::Ended(v)) => Ok(v),
        (_, Entered::Raised(e)) => return Err(e),
        _ => return Err(cx.runtime_error("a greenlet has ended twice")),
    };
    frame.set_state(stage::FINISH);
    let finish = greenlet::part(cx, Part::Finish);
    Ok(match ended {
        Ok(v) => frame.call(finish, &[v]),
        Err(Raised(e)) => frame.call(finish, &[Value::NONE, e]),
    })
}

fn call_run(cx: &mut Ctx, frame: &mut NativeFrame<'_>) -> R<Step> {
    let (run, args, named) = (frame.get(0), frame.get(1), frame.get(2));
    frame.set(0, Value::NONE);
    frame.set(1, Value::NONE);
    frame.set(2, Value::NONE);
    call_with(cx, frame, run, args, named)
}

/// Calls something with arguments, a tuple, and named ones, a dict if there are any.
pub(super) fn call_with(cx: &mut Ctx, frame: &mut NativeFrame<'_>, run: Value, args: Value, named: Value) -> R<Step> {
    let args = cx.collect_tuple(args)?;
    let named = named.cast::<Dict>().filter(|d| !d.is_empty());
    let Some(named) = named else {
        if args.items().len() <= NativeFrame::ARGUMENTS {
            return Ok(frame.call(run, args.items()));
        }
        let names = cx.iso().roots.empty_tuple.obj();
        return Ok(frame.call_named(run, args, names));
    };
    let (values, names) = (cx.new_list(), cx.new_list());
    cx.list_extend(values, args.value())?;
    for (name, value) in named.pairs() {
        cx.list_push(names, name)?;
        cx.list_push(values, value)?;
    }
    let (values, names) = (cx.list_snapshot(values)?, cx.list_snapshot(names)?);
    Ok(frame.call_named(run, values, names))
}

fn result_of(result: Value, raised: Value) -> Cargo {
    if raised.is_unbound() { Cargo::Value(result) } else { Cargo::Error(Raised(raised)) }
}

fn finish(cx: &mut Ctx, args: Args<'_>) -> R<bool> {
    greenlet::finish(cx, result_of(args.get(0), args.get(1)), false)
}

fn finish_framed(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    match entered {
        Entered::Start => match greenlet::finish(cx, result_of(frame.get(0), frame.get(1)), true) {
            Ok(_) => Step::Park(None),
            Err(e) => Step::Raise(e),
        },
        Entered::With(v) | Entered::Ended(v) => Step::Done(v),
        Entered::Raised(e) => Step::Raise(e),
    }
}

/// Raises GreenletExit in a greenlet that nobody can reach, and complains if it lives on.
fn kill_framed(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    let object = frame.get(0);
    if matches!(entered, Entered::Start) {
        let left = match greenlet::condemn(cx, object) {
            Ok(None) => return Step::Done(Value::NONE),
            Ok(Some((g, cargo))) => greenlet::leave(cx, g, cargo, true),
            Err(e) => Err(e),
        };
        match left {
            Ok(Left::Gone) => return Step::Park(None),
            Ok(Left::Back(_)) => {}
            Err(e) => return Step::Raise(e),
        }
    } else if let Entered::Raised(e) = entered {
        return Step::Raise(e);
    }
    if Greenlet::of(object).is_some_and(|g| g.state() == State::Active) {
        let text = cx.repr_text(object);
        eprintln!("GreenletExit did not kill {text}");
    }
    Step::Done(Value::NONE)
}

// ---- making the module's classes

/// The class `greenlet.greenlet`, made at first use with all that belongs to it.
pub fn class(cx: &mut Ctx) -> R<Gc<Class>> {
    if let Some(class) = greenlet::part(cx, Part::Class).cast::<Class>() {
        return Ok(class);
    }
    let class = cx.native_class("greenlet", "greenlet", None, plain::METHODS);
    cx.install_in(class, RESUMABLE);
    cx.allow_attributes(class);
    let error = exception(cx, "error", ClassId::Exception)?;
    let exit = exception(cx, "GreenletExit", ClassId::BaseException)?;
    let mut native =
        |def: &'static NativeDef| cx.new_native(def, ClassId::BuiltinFunction, Value::UNBOUND, Value::NONE).value();
    let (bootstrap, finish, kill) = (native(&BOOTSTRAP), native(&FINISH), native(&KILL));
    let spawned = native(&super::gevent::BOOTSTRAP);
    let parts = cx.tuple(&[class.value(), error, exit, bootstrap, finish, kill, spawned])?;
    cx.iso().roots.greenlets.set(parts);
    for (name, value) in [("error", error), ("GreenletExit", exit)] {
        let name = cx.intern(name);
        class.dict().set_str(cx, name, value);
    }
    Ok(class)
}

fn exception(cx: &mut Ctx, name: &str, base: ClassId) -> R {
    let base = cx.class(base).value();
    let bases = cx.tuple(&[base])?;
    let bases = cx.collect_tuple(bases)?;
    let namespace = cx.new_dict();
    let (key, module) = (cx.names().__module__, cx.str("greenlet"));
    namespace.set_str(cx, key, module);
    let (meta, name) = (cx.class(ClassId::Type), cx.intern(name));
    Ok(cx.make_class(meta, name, bases, namespace, None)?.value())
}

/// Has a function told of every switch in this thread; the one before it, or None.
pub fn set_tracer(cx: &mut Ctx, tracer: Value) -> Value {
    let Some(main) = greenlet::current(cx).main() else { return Value::NONE };
    let before = main.get(slot::TRACER);
    main.set(slot::TRACER, tracer);
    before
}

/// The function told of switches, or None.
pub fn tracer(cx: &mut Ctx) -> Value {
    greenlet::current(cx).main().map_or(Value::NONE, |main| main.get(slot::TRACER))
}

/// greenlet
#[methods]
pub mod plain {
    use super::*;

    fn this(cx: &mut Ctx, object: Gc<Boxed>) -> R<Greenlet> {
        receiver(cx, object.value())
    }

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Value {
        let made = cx.new_greenlet(class, 0);
        made.set(slot::RUN, Value::UNBOUND);
        let parent = greenlet::current(cx);
        made.set(slot::PARENT, parent.value());
        made.value()
    }
    pub fn __init__(cx: &mut Ctx, this: Gc<Boxed>, args: &[Value], kwargs: Kwargs) -> R<()> {
        let (mut run, mut parent) = (args.first().copied(), args.get(1).copied());
        let count = args.len() + kwargs.0.map_or(0, |k| k.len());
        if count > 2 {
            return Err(cx.type_error(format!("green() takes at most 2 arguments ({count} given)")));
        }
        for (name, value) in kwargs.0.iter().flat_map(|k| k.pairs()) {
            let name = name.cast::<Str>().map(|s| s.to_text().into_owned()).unwrap_or_default();
            let place = match name.as_str() {
                "run" => &mut run,
                "parent" => &mut parent,
                _ => {
                    return Err(cx.type_error(format!("green() got an unexpected keyword argument '{name}'")));
                }
            };
            if place.replace(value).is_some() {
                let at = if name == "run" { 1 } else { 2 };
                let message = format!("argument for green() given by name ('{name}') and position ({at})");
                return Err(cx.type_error(message));
            }
        }
        if let Some(run) = run {
            set_run(cx, this, run)?;
        }
        match parent.filter(|p| !p.is_none()) {
            Some(parent) => set_parent(cx, this, parent),
            None => Ok(()),
        }
    }

    pub fn __bool__(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(super::plain::this(cx, this)?.is_active())
    }
    /// Whether it has ended.
    #[getter]
    pub fn dead(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        let g = super::plain::this(cx, this)?;
        Ok(g.state() == State::Dead || g.is_orphan())
    }
    /// Where it goes when it ends.
    #[getter]
    pub fn parent(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        Ok(super::plain::this(cx, this)?.get(slot::PARENT))
    }
    #[setter]
    #[name = "parent"]
    pub fn set_parent(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        let g = super::plain::this(cx, this)?;
        if g.is_main() {
            return Err(cx.attribute_error("cannot set the parent of a main greenlet"));
        }
        if value.is_unbound() {
            return Err(cx.attribute_error("can't delete attribute"));
        }
        let parent = receiver(cx, value)?;
        let mut at = Some(parent);
        while let Some(p) = at {
            if p == g {
                return Err(cx.value_error("cyclic parent chain"));
            }
            at = p.parent();
        }
        let Some(home) = parent.home() else {
            return Err(cx.value_error("parent must not be garbage collected"));
        };
        if matches!(g.state(), State::Active | State::Fresh) && g.main() != Some(home) {
            return Err(cx.value_error("parent cannot be on a different thread"));
        }
        g.set(slot::PARENT, value);
        Ok(())
    }
    /// What it is to call when it is first switched to.
    #[getter]
    pub fn run(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let g = super::plain::this(cx, this)?;
        if g.is_main() {
            return Err(cx.attribute_error("Main greenlets do not have a run attribute."));
        }
        let run = g.get(slot::RUN);
        if run.is_unbound() { Err(cx.attribute_error("run")) } else { Ok(run) }
    }
    #[setter]
    #[name = "run"]
    pub fn set_run(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        let g = super::plain::this(cx, this)?;
        if g.is_main() {
            return Err(cx.attribute_error("Main greenlets do not have a run attribute."));
        }
        if g.state() != State::Pending {
            return Err(cx.attribute_error("run cannot be set after the start of the greenlet"));
        }
        g.set(slot::RUN, value);
        Ok(())
    }
    /// The frame it is suspended in, or None.
    #[getter]
    pub fn gr_frame(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let g = super::plain::this(cx, this)?;
        if !greenlet::is_standing(g) {
            return Ok(Value::NONE);
        }
        crate::vm::frames::greenlet_frame(cx, g)
    }
    /// Its context of variables, or None.
    #[getter]
    pub fn gr_context(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let g = super::plain::this(cx, this)?;
        match context_place(cx, g)? {
            true => Ok(cx.fiber.context.get()),
            false => Ok(g.get(slot::CONTEXT)),
        }
    }
    #[setter]
    #[name = "gr_context"]
    pub fn set_gr_context(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        let g = super::plain::this(cx, this)?;
        if value.is_unbound() {
            return Err(cx.attribute_error("can't delete context attribute"));
        }
        if !value.is_none() {
            let module = cx.import("contextvars")?;
            let class = cx.get_attr_text(module, "Context")?;
            if !cx.isinstance(value, class)? {
                return Err(cx.type_error("greenlet context must be a contextvars.Context or None"));
            }
        }
        match context_place(cx, g)? {
            true => cx.fiber.context.set(value),
            false => g.set(slot::CONTEXT, value),
        }
        Ok(())
    }
    /// Whether the greenlet's context is the thread's current one.
    fn context_place(cx: &mut Ctx, g: Greenlet) -> R<bool> {
        if g == greenlet::current(cx) {
            return Ok(true);
        }
        if g.is_active() && !greenlet::is_standing(g) {
            return Err(cx.value_error("cannot get context of a greenlet that is running in a different thread"));
        }
        Ok(false)
    }
    pub fn __getstate__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let name = if cx.class_of(this.value()).is_static() {
            "greenlet.greenlet".to_string()
        } else {
            cx.type_name(this.value())
        };
        Err(cx.type_error(format!("cannot serialize '{name}' object")))
    }
    pub fn __reduce_ex__(cx: &mut Ctx, this: Gc<Boxed>, _protocol: Value) -> R {
        __getstate__(cx, this)
    }
    /// 1 if it is suspended with a native stack of its own.
    #[getter]
    pub fn _stack_saved(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(i64::from(super::plain::this(cx, this)?.is_detached()))
    }
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let g = super::plain::this(cx, this)?;
        let class = cx.class_of(this.value());
        let name = if class.has(class_flag::STATIC) { "greenlet.greenlet".into() } else { class.name_text() };
        let address = this.as_ptr() as usize;
        let thread = match g.main().filter(|main| main.state() != State::Dead) {
            Some(main) => format!("{:#x}", main.get(slot::THREAD).int()),
            None => "0x(nil)".into(),
        };
        let gone = if g.is_orphan() { " (thread exited)" } else { "" };
        let state = match g.state() {
            State::Dead => format!("{gone} dead"),
            _ if g.is_orphan() => format!("{gone} dead"),
            State::Pending => " pending".into(),
            _ => {
                let at_work = if g == greenlet::current(cx) { " current" } else { " suspended" };
                format!("{at_work} active started{}", if g.is_main() { " main" } else { "" })
            }
        };
        Ok(format!("<{name} object at {address:#x} (otid={thread}){state}>"))
    }
}
