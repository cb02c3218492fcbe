//! gevent's `Greenlet`: a green thread of a group whose members take turns, with the object that stands for it.
//!
//! A started one's fiber has the object as its owner, and as its main greenlet; its first frame is `bootstrap`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use conc_macros::methods;

use super::greenlet::call_with;
use super::wait::{self, Patience, THIS_PARAMS, WAIT_PARAMS, method};
use crate::native::{Ctx, Entered, Kwargs, NativeDef, NativeFrame, Param, ParamKind, R, Raised, Role, Step};
use crate::object::class::Class;
use crate::object::function::{Function, Native};
use crate::object::greenlet::{GREENLET, Greenlet, slot};
use crate::object::misc::{Boxed, Hold, Payload};
use crate::object::sequence::List;
use crate::object::string::Str;
use crate::scheduler::greenlet::{self as switching, Part, part};
use crate::scheduler::{self, Thread, group};
use crate::value::{Gc, Slot, Value};

/// The Rust part of a `Greenlet`.
#[derive(Default)]
pub struct Spawned {
    /// Its thread's id; 0: there is none yet.
    ident: AtomicU64,
    /// The thread's place in the scheduler's list, set before the id.
    place: AtomicU32,
    /// The number it is named after, plus one; 0: nobody has asked.
    number: AtomicU32,
}

/// Slots after those of a greenlet.
mod own {
    use super::slot::COUNT;
    pub const TARGET: usize = COUNT;
    pub const ARGS: usize = COUNT + 1;
    pub const KWARGS: usize = COUNT + 2;
    pub const VALUE: usize = COUNT + 3;
    pub const ERROR: usize = COUNT + 4;
    /// A list of what is to be called at the end, or None.
    pub const LINKS: usize = COUNT + 5;
    pub const PHASE: usize = COUNT + 6;
    /// How long to wait before it runs, or None.
    pub const DELAY: usize = COUNT + 7;
    /// The name that it has been given, or None.
    pub const NAME: usize = COUNT + 8;
    /// How many had ended before it did.
    pub const ORDER: usize = COUNT + 9;
    pub const MORE: usize = 10;
}

/// How far it has come.
mod phase {
    pub const NEW: i64 = 0;
    pub const STARTED: i64 = 1;
    pub const RUNNING: i64 = 2;
    pub const DONE: i64 = 3;
}

impl Payload for Spawned {
    fn holder(&self) -> Option<u64> {
        self.ident()
    }
    fn hold(&self) -> Hold {
        Hold::Owned
    }
    fn label(&self, slots: &[Slot]) -> Option<String> {
        let target = slots[own::TARGET].get().cast::<Function>();
        let name = target.and_then(|f| f.name.get().cast::<Str>()).map(|s| s.to_text().into_owned());
        Some(match name {
            Some(name) => format!("Greenlet ({name})"),
            None => "Greenlet".into(),
        })
    }
}

impl Spawned {
    /// The id of its thread, if that has been started.
    fn ident(&self) -> Option<u64> {
        Some(self.ident.load(Ordering::Acquire)).filter(|&id| id != 0)
    }
    fn stand_for(&self, thread: &Thread) {
        self.place.store(thread.handle() as u32, Ordering::Relaxed);
        self.ident.store(thread.id, Ordering::Release);
    }
    /// Its thread, if that has not ended.
    fn thread(&self, cx: &mut Ctx) -> Option<Arc<Thread>> {
        let id = self.ident()?;
        scheduler::listed(cx, self.place.load(Ordering::Relaxed) as usize, id)
    }
}

fn data<'a>(cx: &mut Ctx, this: Value) -> R<(Gc<Boxed>, &'a Spawned)> {
    wait::payload::<Spawned>(cx, this)
}

/// The object, if it is one of these; without a look at its payload.
fn one(value: Value) -> Option<Gc<Boxed>> {
    value.cast::<Boxed>().filter(|b| b.is(&GREENLET) && b.slots().len() == slot::COUNT + own::MORE)
}

fn phase_of(object: Gc<Boxed>) -> i64 {
    object.slots()[own::PHASE].get().int()
}
fn set_phase(object: Gc<Boxed>, phase: i64) {
    object.slots()[own::PHASE].set(Value::small_int(phase));
}

const SECONDS_PARAMS: &[Param] = &[
    Param { name: "seconds", kind: ParamKind::Positional, required: false, default: "0" },
    Param { name: "ref", kind: ParamKind::Positional, required: false, default: "True" },
];
const TIMEOUT_PARAMS: &[Param] =
    &[Param { name: "timeout", kind: ParamKind::Positional, required: false, default: "None" }];
const GREENLETS_PARAMS: &[Param] =
    &[Param { name: "greenlets", kind: ParamKind::PositionalOnly, required: true, default: "" }];

/// The methods of `Greenlet` that wait.
pub static RESUMABLE: &[NativeDef] =
    &[method("join", "Wait until it has ended.", WAIT_PARAMS, |cx, frame, entered| join(cx, frame, entered).into())];

/// The functions of the module that wait.
pub static FUNCTIONS: &[NativeDef] = &[
    NativeDef::resumable("sleep", "Let the others run, for so many seconds.", Role::Function, SECONDS_PARAMS, sleep),
    NativeDef::resumable(
        "wait",
        "Wait until the greenlet is woken; what with, or False when the time is over.",
        Role::Function,
        TIMEOUT_PARAMS,
        wait_for_wake,
    ),
    NativeDef::resumable(
        "join_all",
        "Wait until all of a list have ended; they in that order, or None if others than greenlets are among them.",
        Role::Function,
        GREENLETS_PARAMS,
        |cx, frame, entered| join_all(cx, frame, entered).into(),
    ),
];

/// The first frame of a greenlet's thread.
pub static BOOTSTRAP: NativeDef =
    NativeDef::resumable("bootstrap", "", Role::Function, THIS_PARAMS, |cx, frame, entered| {
        bootstrap(cx, frame, entered).into()
    });

// ---- its life

/// Stages of `bootstrap`.
mod stage {
    pub const START: i64 = 0;
    /// The time before it runs passes.
    pub const DELAY: i64 = 1;
    pub const RUN: i64 = 2;
    /// The exception that ended it is reported.
    pub const REPORT: i64 = 3;
    /// Those who wanted to be told of the end are told.
    pub const LINKS: i64 = 4;
}

fn bootstrap(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let Some(object) = one(frame.get(0)) else { return Ok(Step::Done(Value::NONE)) };
    match (frame.state(), entered) {
        // It has been killed before it began.
        (stage::START | stage::DELAY, _) if phase_of(object) == phase::DONE => Ok(Step::Done(Value::NONE)),
        (stage::START, Entered::Start) => {
            let delay = object.slots()[own::DELAY].get();
            if delay.is_none() {
                return begin(cx, frame, object);
            }
            frame.set_state(stage::DELAY);
            let seconds = wait::seconds(cx, delay)?;
            let at = wait::moment(cx, seconds)?;
            scheduler::arm(cx);
            Ok(Step::Park(Some(at)))
        }
        (stage::DELAY, Entered::With(_)) => begin(cx, frame, object),
        (stage::START | stage::DELAY | stage::RUN, Entered::Raised(e)) => end(cx, frame, object, Err(e)),
        (stage::RUN, Entered::With(v) | Entered::Ended(v)) => end(cx, frame, object, Ok(v)),
        (stage::REPORT, Entered::With(_)) => tell(cx, frame, object),
        (_, Entered::Raised(e)) => Err(e),
        _ => Ok(Step::Done(Value::NONE)),
    }
}

fn begin(cx: &mut Ctx, frame: &mut NativeFrame<'_>, object: Gc<Boxed>) -> R<Step> {
    frame.set_state(stage::RUN);
    set_phase(object, phase::RUNNING);
    if let Some(g) = Greenlet::of(object.value()) {
        switching::adopt(cx, g);
    }
    let step = runner(cx, object).and_then(|run| {
        let slots = object.slots();
        call_with(cx, frame, run, slots[own::ARGS].get(), slots[own::KWARGS].get())
    });
    match step {
        Err(e) => end(cx, frame, object, Err(e)),
        step => step,
    }
}

/// What it is to call: its `_run`, if a subclass has one, or what it was made with.
fn runner(cx: &mut Ctx, object: Gc<Boxed>) -> R {
    let target = object.slots()[own::TARGET].get();
    if object.attrs.get().is_unbound() && cx.class_of(object.value()).is_static() {
        if target.is_none() {
            return cx.get_attr_text(object.value(), "_run");
        }
        return Ok(target);
    }
    let name = cx.intern("_run");
    let class = cx.class_of(object.value());
    let is_plain = cx.lookup(class, name).and_then(|f| f.cast::<Native>()).is_some();
    if is_plain && !target.is_none() { Ok(target) } else { cx.get_attr(object.value(), name) }
}

fn end(cx: &mut Ctx, frame: &mut NativeFrame<'_>, object: Gc<Boxed>, result: R) -> R<Step> {
    let was_done = phase_of(object) == phase::DONE;
    set_phase(object, phase::DONE);
    if was_done {
        return Ok(Step::Done(Value::NONE));
    }
    match settle(cx, object, result) {
        Some(error) => {
            frame.set_state(stage::REPORT);
            let report = hook(cx, "_report")?;
            Ok(frame.call(report, &[object.value(), error]))
        }
        None => tell(cx, frame, object),
    }
}

/// Keeps the result; the exception, if it is to be reported.
fn settle(cx: &mut Ctx, object: Gc<Boxed>, result: R) -> Option<Value> {
    static ENDED: AtomicU64 = AtomicU64::new(0);
    let slots = object.slots();
    slots[own::ORDER].set(Value::small_int(ENDED.fetch_add(1, Ordering::Relaxed) as i64));
    match result {
        Ok(v) => slots[own::VALUE].set(v),
        Err(Raised(e)) => {
            let exit = part(cx, Part::Exit).cast::<Class>();
            if !exit.is_some_and(|exit| cx.class_of(e).is_subclass_of(exit)) {
                slots[own::ERROR].set(e);
                return Some(e);
            }
            slots[own::VALUE].set(e);
        }
    }
    None
}

fn tell(cx: &mut Ctx, frame: &mut NativeFrame<'_>, object: Gc<Boxed>) -> R<Step> {
    forget(cx, object);
    if object.slots()[own::LINKS].get().is_none() {
        return Ok(Step::Done(Value::NONE));
    }
    frame.set_state(stage::LINKS);
    let notify = hook(cx, "_notify")?;
    Ok(frame.call(notify, &[object.value()]))
}

/// It has ended: what it was given may be collected.
fn forget(cx: &mut Ctx, object: Gc<Boxed>) {
    let slots = object.slots();
    slots[own::TARGET].set(Value::NONE);
    slots[own::ARGS].set(cx.iso().roots.empty_tuple.get());
    slots[own::KWARGS].set(Value::NONE);
}

/// A function of the part written in Conc.
fn hook(cx: &mut Ctx, name: &str) -> R {
    let module = cx.import("gevent._hub")?;
    cx.get_attr_text(module, name)
}

/// Has it run when the turn comes, `delay` seconds from now if that is a number.
fn launch(cx: &mut Ctx, object: Gc<Boxed>, delay: Value) -> R<()> {
    let (_, spawned) = data(cx, object.value())?;
    if phase_of(object) != phase::NEW {
        return Ok(());
    }
    object.slots()[own::DELAY].set(delay);
    let native = part(cx, Part::Spawned);
    let thread = scheduler::create_owned(cx, native, object.value(), true)?;
    set_phase(object, phase::STARTED);
    spawned.stand_for(&thread);
    group::enroll(cx, &thread);
    Ok(())
}

/// The thread that a greenlet runs in.
fn thread_of(cx: &mut Ctx, g: Value) -> R<Option<Arc<Thread>>> {
    if let Some(spawned) = g.cast::<Boxed>().and_then(|b| b.data::<Spawned>()) {
        return Ok(spawned.thread(cx));
    }
    let Some(g) = Greenlet::of(g) else {
        let got = cx.type_name(g);
        return Err(cx.type_error(format!("expected a greenlet, not {got}")));
    };
    match g.home() {
        Some(main) if main != g => thread_of(cx, main.value()),
        Some(main) => {
            let id = main.get(slot::THREAD).as_int();
            Ok(scheduler::threads(cx).into_iter().find(|t| Some(t.id as i64) == id))
        }
        None => Ok(None),
    }
}

/// Raises an exception in a greenlet where it waits; false: it cannot.
pub fn throw(cx: &mut Ctx, g: Value, exc: Value) -> R<bool> {
    match thread_of(cx, g)? {
        Some(thread) => group::throw(cx, &thread, exc).map(|()| true),
        None => Ok(false),
    }
}

/// Ends the wait of a greenlet that has called `wait`, or anything; false: it does not wait.
pub fn wake(cx: &mut Ctx, g: Value, value: Value) -> R<bool> {
    Ok(match thread_of(cx, g)? {
        Some(thread) => scheduler::wake(cx, &thread.last_wait(), value),
        None => false,
    })
}

// ---- waiting

fn sleep(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    match entered {
        Entered::Start => {}
        Entered::Raised(e) => return Step::Raise(e),
        Entered::With(_) | Entered::Ended(_) => return Step::Done(Value::NONE),
    }
    let given = frame.get(0);
    if given.is_unbound() || given == Value::small_int(0) {
        group::step_back(cx);
        return Step::Park(None);
    }
    sleep_for(cx, given).into()
}

fn sleep_for(cx: &mut Ctx, given: Value) -> R<Step> {
    if cx.as_float(given).is_none() && !cx.is_int(given) {
        let got = cx.type_name(given);
        return Err(cx.type_error(format!("'<=' not supported between instances of '{got}' and 'int'")));
    }
    let seconds = cx.to_float(given)?;
    if seconds <= 0.0 {
        group::step_back(cx);
        return Ok(Step::Park(None));
    }
    group::own_group(cx);
    let at = wait::moment(cx, seconds)?;
    scheduler::arm(cx);
    Ok(Step::Park(Some(at)))
}

fn wait_for_wake(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    match entered {
        Entered::Start => {}
        Entered::Raised(e) => return Step::Raise(e),
        Entered::With(v) | Entered::Ended(v) => return Step::Done(v),
    }
    group::own_group(cx);
    match wait::optional(cx, frame.get(0)) {
        Ok(Patience::None) => Step::Done(Value::FALSE),
        Ok(Patience::Until(at)) => {
            scheduler::arm(cx);
            Step::Park(Some(at))
        }
        Ok(Patience::Forever) => {
            scheduler::arm(cx);
            Step::Park(None)
        }
        Err(e) => Step::Raise(e),
    }
}

/// Waits for the end of one; None: it has ended.
fn await_end(cx: &mut Ctx, g: Value, patience: Patience) -> R<Option<Step>> {
    if one(g).is_some_and(|object| phase_of(object) == phase::DONE) {
        return Ok(None);
    }
    let (_, spawned) = data(cx, g)?;
    let Some(deadline) = patience.deadline() else { return Ok(None) };
    group::own_group(cx);
    let waiter = scheduler::arm(cx);
    // One that has not started ends the wait of nobody.
    let over = match spawned.thread(cx) {
        Some(thread) => !thread.add_joiner(waiter),
        None => spawned.ident().is_some(),
    };
    if over {
        scheduler::disarm(cx)?;
        return Ok(None);
    }
    Ok(Some(Step::Park(deadline)))
}

fn leave(cx: &mut Ctx, g: Value) -> R<()> {
    let (_, spawned) = data(cx, g)?;
    if let Some(thread) = spawned.thread(cx) {
        thread.forget_joiner(&scheduler::last_wait(cx));
    }
    Ok(())
}

fn join(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let g = frame.get(0);
    match entered {
        Entered::Start => {
            let patience = wait::optional(cx, frame.get(1))?;
            Ok(await_end(cx, g, patience)?.unwrap_or(Step::Done(Value::NONE)))
        }
        Entered::Raised(e) => {
            leave(cx, g)?;
            Err(e)
        }
        Entered::With(ended) | Entered::Ended(ended) => {
            if ended != Value::TRUE {
                leave(cx, g)?;
            }
            Ok(Step::Done(Value::NONE))
        }
    }
}

/// Slots: the list; the index of the one that is waited for.
fn join_all(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let Some(list) = frame.get(0).cast::<List>() else { return Err(cx.type_error("a list is expected")) };
    let mut at = frame.state() as usize;
    match entered {
        Entered::Raised(e) => {
            if let Some(g) = list.get(at) {
                leave(cx, g)?;
            }
            return Err(e);
        }
        Entered::Start if !(0..list.len()).all(|i| list.get(i).is_some_and(is_one)) => {
            return Ok(Step::Done(Value::NONE));
        }
        _ => {}
    }
    while let Some(g) = list.get(at) {
        if let Some(park) = await_end(cx, g, Patience::Forever)? {
            frame.set_state(at as i64);
            return Ok(park);
        }
        at += 1;
    }
    in_order(cx, list).map(Step::Done)
}

fn is_one(value: Value) -> bool {
    one(value).is_some()
}

/// The greenlets in the order in which they have ended.
fn in_order(cx: &mut Ctx, list: Gc<List>) -> R {
    let order = |g: Value| g.cast::<Boxed>().map_or(0, |b| b.slots()[own::ORDER].get().as_int().unwrap_or(0));
    let mut places: Vec<(i64, usize)> = (0..list.len()).filter_map(|i| list.get(i).map(|g| (order(g), i))).collect();
    if places.is_sorted() {
        return Ok(list.value());
    }
    places.sort_unstable();
    let sorted = cx.new_list();
    for (_, i) in places {
        if let Some(g) = list.get(i) {
            cx.list_push(sorted, g)?;
        }
    }
    Ok(sorted.value())
}

/// The greenlets of the running thread's group that have not ended, in a list.
pub fn running(cx: &mut Ctx) -> R {
    let list = cx.new_list();
    for thread in group::members(cx) {
        let owner = thread.fiber().owner.get();
        if one(owner).is_some_and(|g| phase_of(g) != phase::DONE) {
            cx.list_push(list, owner)?;
        }
    }
    Ok(list.value())
}

/// Raises an exception in the thread that has formed the running thread's group.
pub fn throw_owner(cx: &mut Ctx, exc: Value) -> R<()> {
    let owner = group::own_group(cx).owner;
    match scheduler::threads(cx).into_iter().find(|t| t.id == owner) {
        Some(thread) => group::throw(cx, &thread, exc),
        None => Ok(()),
    }
}

// ---- the class

/// The class `gevent.Greenlet`, whose base is the plain one.
pub fn class(cx: &mut Ctx) -> R<Gc<Class>> {
    let base = super::greenlet::class(cx)?;
    let class = cx.native_class("gevent", "Greenlet", Some(base), plain::METHODS);
    cx.install_in(class, RESUMABLE);
    cx.allow_attributes(class);
    Ok(class)
}

/// Gives the class a method written in Conc.
pub fn extend(cx: &mut Ctx, class: Gc<Class>, name: Gc<Str>, member: Value) {
    class.dict().set_str(cx, name, member);
    cx.class_changed(class);
}

/// Greenlet
#[methods]
pub mod plain {
    use super::*;

    const NOT_CALLABLE: &str = "The run argument or self._run must be callable";

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Value {
        let made = cx.new_greenlet_with(class, Spawned::default(), own::MORE);
        made.set(slot::RUN, Value::UNBOUND);
        made.set(own::PHASE, Value::small_int(phase::NEW));
        made.set(own::ARGS, cx.iso().roots.empty_tuple.get());
        made.value()
    }
    pub fn __init__(cx: &mut Ctx, this: Gc<Boxed>, args: &[Value], kwargs: Kwargs) -> R<()> {
        data(cx, this.value())?;
        let (mut run, mut rest) = (Value::NONE, args);
        if let Some((&first, others)) = args.split_first() {
            (run, rest) = (first, others);
        }
        let slots = this.slots();
        let mut kwargs = kwargs.0;
        if args.is_empty()
            && let Some(given) = kwargs
        {
            let name = cx.names().run;
            if let Some(named) = given.get_str(cx, name) {
                let others = cx.new_dict();
                for (key, value) in given.pairs().filter(|(key, _)| *key != name.value()) {
                    others.set(cx, key, value)?;
                }
                (run, kwargs) = (named, Some(others));
            }
        }
        let run_is_callable = run.is_none() || is_callable(cx, run);
        if !run_is_callable {
            return Err(cx.type_error(NOT_CALLABLE));
        }
        slots[own::TARGET].set(run);
        let rest = cx.tuple(rest)?;
        slots[own::ARGS].set(rest);
        slots[own::KWARGS].set(kwargs.map_or(Value::NONE, |k| k.value()));
        Ok(())
    }
    fn is_callable(cx: &mut Ctx, f: Value) -> bool {
        let name = cx.names().__call__;
        f.is_a::<Function>() || f.is_a::<Native>() || f.is_a::<Class>() || cx.lookup_special(f, name).is_some()
    }
    fn spawned(cx: &mut Ctx, class: Gc<Class>, args: &[Value], kwargs: Kwargs) -> R<Gc<Boxed>> {
        if class.is_static() {
            let made = __new__(cx, class, &[], Kwargs(None));
            if let Some(object) = made.cast::<Boxed>() {
                __init__(cx, object, args, kwargs)?;
                return Ok(object);
            }
        }
        let made = cx.call_kwargs(class.value(), args, kwargs.0)?;
        data(cx, made).map(|(object, _)| object)
    }

    /// Make one that calls a function, and have it run.
    #[class_method]
    pub fn spawn(cx: &mut Ctx, class: Gc<Class>, args: &[Value], kwargs: Kwargs) -> R {
        let object = spawned(cx, class, args, kwargs)?;
        launch(cx, object, Value::NONE)?;
        Ok(object.value())
    }
    /// The same, in so many seconds.
    #[class_method]
    pub fn spawn_later(cx: &mut Ctx, class: Gc<Class>, seconds: Value, args: &[Value], kwargs: Kwargs) -> R {
        let object = spawned(cx, class, args, kwargs)?;
        launch(cx, object, seconds)?;
        Ok(object.value())
    }
    /// Have it run when its turn comes.
    pub fn start(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        launch(cx, this, Value::NONE)
    }
    /// Have it run in so many seconds.
    pub fn start_later(cx: &mut Ctx, this: Gc<Boxed>, seconds: Value) -> R<()> {
        launch(cx, this, seconds)
    }
    /// What it does; for subclasses to override.
    pub fn _run(_this: Gc<Boxed>, _args: &[Value]) {}

    pub fn __bool__(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        data(cx, this.value())?;
        Ok(matches!(phase_of(this), phase::STARTED | phase::RUNNING))
    }
    #[getter]
    pub fn started(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        __bool__(cx, this)
    }
    /// Whether it has ended.
    #[getter]
    pub fn dead(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        ready(cx, this)
    }
    /// Whether it has ended.
    pub fn ready(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        data(cx, this.value())?;
        Ok(phase_of(this) == phase::DONE)
    }
    /// Whether it has ended without an error.
    pub fn successful(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        data(cx, this.value())?;
        Ok(phase_of(this) == phase::DONE && this.slots()[own::ERROR].get().is_none())
    }
    #[getter]
    pub fn _has_begun(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        data(cx, this.value())?;
        Ok(phase_of(this) >= phase::RUNNING)
    }
    /// What the function has returned, or None.
    #[getter]
    pub fn value(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        slot_of(cx, this, own::VALUE)
    }
    /// What the function has raised, or None.
    #[getter]
    pub fn exception(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        slot_of(cx, this, own::ERROR)
    }
    #[getter]
    #[name = "args"]
    pub fn get_args(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        slot_of(cx, this, own::ARGS)
    }
    #[setter]
    #[name = "args"]
    pub fn set_args(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        data(cx, this.value())?;
        this.slots()[own::ARGS].set(value);
        Ok(())
    }
    #[getter]
    pub fn kwargs(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let kwargs = slot_of(cx, this, own::KWARGS)?;
        Ok(if kwargs.is_none() { cx.new_dict().value() } else { kwargs })
    }
    /// What it calls, or None.
    #[getter]
    pub fn _target(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        slot_of(cx, this, own::TARGET)
    }
    /// What is called at its end: a list, or None.
    #[getter]
    pub fn _links(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        slot_of(cx, this, own::LINKS)
    }
    #[setter]
    #[name = "_links"]
    pub fn set_links(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        data(cx, this.value())?;
        this.slots()[own::LINKS].set(value);
        Ok(())
    }
    /// The name it was given, or None.
    #[getter]
    pub fn _given_name(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        slot_of(cx, this, own::NAME)
    }
    #[setter]
    #[name = "_given_name"]
    pub fn set_given_name(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        data(cx, this.value())?;
        this.slots()[own::NAME].set(value);
        Ok(())
    }
    fn slot_of(cx: &mut Ctx, this: Gc<Boxed>, at: usize) -> R {
        data(cx, this.value())?;
        Ok(this.slots()[at].get())
    }
    /// A small number that no other living one has asked for.
    #[getter]
    pub fn minimal_ident(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let (_, spawned) = data(cx, this.value())?;
        if spawned.number.load(Ordering::Relaxed) == 0 {
            spawned.number.store(NEXT.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        }
        Ok(i64::from(spawned.number.load(Ordering::Relaxed)) - 1)
    }
    /// It has ended with this exception before it has begun; whether that is to be reported.
    pub fn _cancel(cx: &mut Ctx, this: Gc<Boxed>, exc: Value) -> R<bool> {
        data(cx, this.value())?;
        set_phase(this, phase::DONE);
        let reported = settle(cx, this, Err(Raised(exc))).is_some();
        Ok(reported)
    }
    /// The tuple that `sys.exc_info()` would have given, or None.
    #[getter]
    pub fn exc_info(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let error = slot_of(cx, this, own::ERROR)?;
        let Some(e) = error.cast::<crate::object::exception::Exception>() else { return Ok(Value::NONE) };
        let (class, traceback) = (cx.class_of(error).value(), e.traceback.get());
        cx.tuple(&[class, error, traceback])
    }
}
