//! `threading.Thread`: the object that starts a green thread, stands for it, and is joined.
//!
//! A started thread's fiber has the object as its owner; its first frame is `bootstrap`, which calls the target at
//! once unless `run` is overridden.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use conc_macros::methods;

use super::wait::{self, Patience, THIS_PARAMS, WAIT_PARAMS, method, quick};
use crate::native::{Args, Ctx, Entered, Kwargs, NativeDef, NativeFrame, Param, ParamKind, R, Raised, Role, Step};
use crate::object::class::{Class, class_flag};
use crate::object::dict::Dict;
use crate::object::function::{Function, Native};
use crate::object::kind::ClassId;
use crate::object::misc::{Boxed, Hold, Payload};
use crate::object::sequence::Tuple;
use crate::object::string::Str;
use crate::scheduler::{self, Thread};
use crate::value::{Gc, Slot, Value};
use crate::vm::native::run_straight;

/// A thread object's state. It says which thread is meant, and keeps nothing of it: what a thread has taken is free as
/// soon as it has ended, for the next one to take.
#[derive(Default)]
pub struct ThreadObject {
    /// The thread's id above the flags; 0: there is none yet.
    word: AtomicU64,
    /// Its place in the scheduler's list, set before the id.
    place: AtomicU32,
    /// The number of a name that was made up; 0: the name was given.
    number: AtomicU32,
}

mod flag {
    pub const INITIALIZED: u64 = 1;
    pub const DAEMON: u64 = 2;
    pub const STARTED: u64 = 4;
    /// The thread has come to its end, or is about to.
    pub const ENDING: u64 = 8;
    pub const BITS: u32 = 4;
}

/// Slots. The name is a str, or made of the number and what the target is called.
const TARGET: usize = 0;
const ARGS: usize = 1;
const KWARGS: usize = 2;
const NAME: usize = 3;
const SLOTS: usize = 4;

impl Payload for ThreadObject {
    fn holder(&self) -> Option<u64> {
        self.ident()
    }
    fn hold(&self) -> Hold {
        Hold::Owned
    }
    fn label(&self, slots: &[Slot]) -> Option<String> {
        let name = slots[NAME].get().cast::<Str>().map(|s| s.to_text().into_owned());
        match (self.number.load(Ordering::Relaxed), name) {
            (0, name) => name,
            (n, None) => Some(format!("Thread-{n}")),
            (n, Some(target)) => Some(format!("Thread-{n} ({target})")),
        }
    }
}

impl ThreadObject {
    fn has(&self, flag: u64) -> bool {
        self.word.load(Ordering::Acquire) & flag != 0
    }
    fn put(&self, flag: u64, on: bool) {
        match on {
            true => self.word.fetch_or(flag, Ordering::AcqRel),
            false => self.word.fetch_and(!flag, Ordering::AcqRel),
        };
    }
    /// The id of its thread, if that has been started.
    fn ident(&self) -> Option<u64> {
        Some(self.word.load(Ordering::Acquire) >> flag::BITS).filter(|&id| id != 0)
    }
    /// Has it stand for a thread; it does not for another one.
    fn stand_for(&self, thread: &Thread) {
        self.place.store(thread.handle() as u32, Ordering::Relaxed);
        self.word.fetch_or(thread.id << flag::BITS, Ordering::AcqRel);
    }
    /// Its thread, if that has not ended.
    fn thread(&self, cx: &mut Ctx) -> Option<Arc<Thread>> {
        let id = self.ident()?;
        scheduler::listed(cx, self.place.load(Ordering::Relaxed) as usize, id)
    }
    fn is_alive(&self, cx: &mut Ctx) -> bool {
        self.thread(cx).is_some_and(|t| !t.is_done())
    }
}

fn data<'a>(cx: &mut Ctx, this: Value) -> R<(Gc<Boxed>, &'a ThreadObject)> {
    wait::payload::<ThreadObject>(cx, this)
}

/// What waits or calls scripts, and so is resumable; and what reports wrong arguments as a script would.
pub static RESUMABLE: &[NativeDef] = &[
    method("start", "Start the thread; only once.", THIS_PARAMS, start),
    method("run", "What the thread does: call the target.", THIS_PARAMS, run),
    NativeDef::new("__init__", "Make a thread that will call the target.", Role::Method, INIT_PARAMS, init)
        .like_script(),
    quick("join", "Wait until the thread has ended.", WAIT_PARAMS, join_ended, join, join_waits),
];

/// The first frame of a thread.
static BOOTSTRAP: NativeDef =
    NativeDef::resumable("bootstrap", "", Role::Function, THIS_PARAMS, |cx, frame, entered| {
        let step = bootstrap(cx, frame, entered);
        if let Ok(Step::Done(_)) | Err(_) = step {
            frame.get(0).cast::<Boxed>().and_then(|b| b.data()).inspect(|t: &&ThreadObject| t.put(flag::ENDING, true));
        }
        step.into()
    });

fn bootstrap_native(cx: &mut Ctx) -> Value {
    let kept = cx.iso().roots.thread_bootstrap.get();
    if !kept.is_unbound() {
        return kept;
    }
    let native = cx.new_native(&BOOTSTRAP, ClassId::BuiltinFunction, Value::UNBOUND, Value::NONE).value();
    cx.iso().roots.thread_bootstrap.set(native);
    native
}

// ---- making it

const fn option(name: &'static str, kind: ParamKind, default: &'static str) -> Param {
    Param { name, kind, required: false, default }
}

const INIT_PARAMS: &[Param] = &[
    Param { name: "self", kind: ParamKind::PositionalOnly, required: true, default: "" },
    option("group", ParamKind::Positional, "None"),
    option("target", ParamKind::Positional, "None"),
    option("name", ParamKind::Positional, "None"),
    option("args", ParamKind::Positional, "()"),
    option("kwargs", ParamKind::Positional, "None"),
    option("daemon", ParamKind::KeywordOnly, "None"),
];

fn init(cx: &mut Ctx, args: Args<'_>) -> R {
    let given = |i: usize| Some(args.get(i)).filter(|v| !v.is_unbound());
    let or_none = |i: usize| given(i).unwrap_or(Value::NONE);
    let (this, object) = data(cx, args.get(0))?;
    if !or_none(1).is_none() {
        return Err(cx.error(ClassId::AssertionError, "group argument must be None for now"));
    }
    let (slots, target, name, daemon) = (this.slots(), or_none(2), or_none(3), or_none(6));
    if !name.is_none() && cx.truth(name)? {
        let name = cx.to_str(name)?;
        slots[NAME].set(name.value());
        object.number.store(0, Ordering::Relaxed);
    } else {
        let called = called(cx, target)?;
        slots[NAME].set(called);
        object.number.store(scheduler::fresh_number(cx) as u32, Ordering::Relaxed);
    }
    let is_daemon = match daemon.is_none() {
        true => scheduler::is_daemon(cx),
        false => cx.truth(daemon)?,
    };
    slots[TARGET].set(target);
    slots[ARGS].set(given(4).unwrap_or_else(|| cx.iso().roots.empty_tuple.get()));
    slots[KWARGS].set(or_none(5));
    object.put(flag::DAEMON, is_daemon);
    object.put(flag::INITIALIZED, true);
    Ok(Value::NONE)
}

/// What a target is called in the name of its thread: a str, or None.
fn called(cx: &mut Ctx, target: Value) -> R {
    if let Some(f) = target.cast::<Function>() {
        return Ok(f.name.get());
    }
    if target.is_none() {
        return Ok(Value::NONE);
    }
    match cx.get_attr_text(target, "__name__") {
        Ok(name) => cx.to_str(name).map(|s| s.value()),
        Err(e) if cx.is_error(e, ClassId::AttributeError) => Ok(Value::NONE),
        Err(e) => Err(e),
    }
}

// ---- its life

/// The worker goes to the new thread; the starter goes on when that first waits, or with whichever worker is free.
fn start(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    match entered {
        Entered::Start => {}
        Entered::Raised(e) => return Step::Raise(e),
        Entered::With(_) | Entered::Ended(_) => return Step::Done(Value::NONE),
    }
    match create(cx, frame.get(0)) {
        Ok(thread) => {
            scheduler::hand_over(cx, thread);
            Step::Park(None)
        }
        Err(e) => Step::Raise(e),
    }
}

fn create(cx: &mut Ctx, this: Value) -> R<Arc<Thread>> {
    let (_, object) = data(cx, this)?;
    if !object.has(flag::INITIALIZED) {
        return Err(cx.runtime_error("thread.__init__() not called"));
    }
    if object.word.fetch_or(flag::STARTED, Ordering::AcqRel) & flag::STARTED != 0 {
        return Err(cx.runtime_error("threads can only be started once"));
    }
    let native = bootstrap_native(cx);
    match scheduler::create_owned(cx, native, this, object.has(flag::DAEMON)) {
        Ok(thread) => {
            object.stand_for(&thread);
            Ok(thread)
        }
        Err(e) => {
            object.put(flag::STARTED, false);
            Err(e)
        }
    }
}

/// Stages of `bootstrap` and `run`.
mod stage {
    pub const START: i64 = 0;
    /// The target runs.
    pub const TARGET: i64 = 1;
    /// An overridden `run` runs.
    pub const RUN: i64 = 2;
    /// The exception that ended the thread is reported.
    pub const REPORT: i64 = 3;
}

fn bootstrap(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let Some(object) = frame.get(0).cast::<Boxed>() else { return Ok(Step::Done(Value::NONE)) };
    match (frame.state(), entered) {
        (stage::START, Entered::Start) => begin(cx, frame, object),
        (stage @ (stage::TARGET | stage::RUN), Entered::Raised(Raised(e))) => {
            if stage == stage::TARGET {
                forget_target(object);
            }
            frame.set_state(stage::REPORT);
            let threading = cx.import("threading")?;
            let report = cx.get_attr_text(threading, "_report")?;
            Ok(frame.call(report, &[object.value(), e]))
        }
        (_, Entered::Raised(e)) => Err(e),
        (stage, _) => {
            if stage == stage::TARGET {
                forget_target(object);
            }
            Ok(Step::Done(Value::NONE))
        }
    }
}

fn begin(cx: &mut Ctx, frame: &mut NativeFrame<'_>, object: Gc<Boxed>) -> R<Step> {
    let name = cx.names().run;
    let class = cx.class_of(object.value());
    let plain = object.attrs.get().is_unbound()
        && cx
            .lookup(class, name)
            .and_then(|f| f.cast::<Native>())
            .is_some_and(|n| std::ptr::eq(n.def(), &RESUMABLE[1]));
    if plain {
        return call_target(cx, frame, object);
    }
    let run = cx.get_attr(object.value(), name)?;
    frame.set_state(stage::RUN);
    Ok(frame.call(run, &[]))
}

fn run(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    let object = match data(cx, frame.get(0)) {
        Ok((object, _)) => object,
        Err(e) => return Step::Raise(e),
    };
    match entered {
        Entered::Start => call_target(cx, frame, object).into(),
        Entered::Raised(e) => {
            forget_target(object);
            Step::Raise(e)
        }
        Entered::With(_) | Entered::Ended(_) => {
            forget_target(object);
            Step::Done(Value::NONE)
        }
    }
}

/// Calls the target with the arguments that the object was made with.
fn call_target(cx: &mut Ctx, frame: &mut NativeFrame<'_>, object: Gc<Boxed>) -> R<Step> {
    let slots = object.slots();
    frame.set_state(stage::TARGET);
    let (target, args, kwargs) = (slots[TARGET].get(), slots[ARGS].get(), slots[KWARGS].get());
    for (value, name) in [(target, "_target"), (args, "_args"), (kwargs, "_kwargs")] {
        if value.is_unbound() {
            return Err(missing(cx, object, name));
        }
    }
    if target.is_none() {
        return Ok(Step::Done(Value::NONE));
    }
    let no_names = kwargs.is_none() || kwargs.cast::<Dict>().is_some_and(|d| d.is_empty());
    if let Some(args) = args.cast::<Tuple>().filter(|_| no_names) {
        if args.items().len() <= NativeFrame::ARGUMENTS {
            return Ok(frame.call(target, args.items()));
        }
        let names = cx.tuple(&[])?;
        if let Some(names) = names.cast() {
            return Ok(frame.call_named(target, args, names));
        }
    }
    let kwargs = if kwargs.is_none() { cx.new_dict().value() } else { kwargs };
    let threading = cx.import("threading")?;
    let spread = cx.get_attr_text(threading, "_spread")?;
    Ok(frame.call(spread, &[target, args, kwargs]))
}

/// What the thread was given may hold the thread object.
fn forget_target(object: Gc<Boxed>) {
    for slot in [TARGET, ARGS, KWARGS] {
        object.slots()[slot].set(Value::UNBOUND);
    }
}

#[cold]
fn missing(cx: &mut Ctx, object: Gc<Boxed>, name: &str) -> Raised {
    let name = cx.intern(name).value();
    cx.no_attribute(object.value(), name)
}

// ---- joining

fn join_waits(args: Args<'_>) -> bool {
    let object = args.get(0).cast::<Boxed>();
    object.is_some_and(|b| b.payload::<ThreadObject>().is_some_and(|t| t.ident().is_some() && !t.has(flag::ENDING)))
}

/// Joins a thread that most likely need not be waited for.
fn join_ended(cx: &mut Ctx, args: Args<'_>) -> R {
    let (_, object) = data(cx, args.get(0))?;
    match check_join(cx, object, args.get(1))? {
        None => Ok(Value::NONE),
        Some(_) => run_straight(cx, args, join),
    }
}

/// Whether there is a thread to be waited for, and how long.
fn check_join(cx: &mut Ctx, object: &ThreadObject, timeout: Value) -> R<Option<(Arc<Thread>, Patience)>> {
    if !object.has(flag::INITIALIZED) {
        return Err(cx.runtime_error("Thread.__init__() not called"));
    }
    let Some(ident) = object.ident() else {
        return Err(cx.runtime_error("cannot join thread before it is started"));
    };
    if ident == scheduler::current(cx) {
        return Err(cx.runtime_error("cannot join current thread"));
    }
    if cx.as_float(timeout).is_none() && !timeout.is_unbound() && !timeout.is_none() && !cx.is_int(timeout) {
        let got = cx.type_name(timeout);
        return Err(cx.type_error(format!("'>' not supported between instances of 'int' and '{got}'")));
    }
    let patience = wait::optional(cx, timeout)?;
    Ok(object.thread(cx).filter(|thread| !thread.is_done()).map(|thread| (thread, patience)))
}

fn join(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    join_step(cx, frame, entered).into()
}

fn join_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (_, object) = data(cx, frame.get(0))?;
    match entered {
        Entered::Start => {}
        Entered::Raised(e) => {
            leave(cx, object);
            return Err(e);
        }
        Entered::With(ended) | Entered::Ended(ended) => {
            if ended != Value::TRUE {
                leave(cx, object);
            }
            return Ok(Step::Done(Value::NONE));
        }
    }
    let Some((thread, patience)) = check_join(cx, object, frame.get(1))? else { return Ok(Step::Done(Value::NONE)) };
    let Some(deadline) = patience.deadline() else { return Ok(Step::Done(Value::NONE)) };
    let waiter = scheduler::arm(cx);
    // If it has just ended, the wait is over at once.
    Ok(Step::Park(if thread.add_joiner(waiter) { deadline } else { Some(scheduler::now(cx)) }))
}

fn leave(cx: &mut Ctx, object: &ThreadObject) {
    if let Some(thread) = object.thread(cx) {
        thread.forget_joiner(&scheduler::last_wait(cx));
    }
}

// ---- threads of the script

/// The running thread's object, if `Thread.start` has started it or `_adopt` taken it in.
pub fn current_object(cx: &mut Ctx) -> Value {
    object_of(&scheduler::current_thread(cx))
}

/// A thread's object, or None.
pub fn object_of(thread: &Thread) -> Value {
    let owner = thread.fiber().owner.get();
    match owner.cast::<Boxed>().filter(|b| b.payload::<ThreadObject>().is_some()) {
        Some(_) => owner,
        None => Value::NONE,
    }
}

/// Thread
#[methods]
pub mod plain {
    use super::*;

    const NOT_CALLED: &str = "Thread.__init__() not called";

    fn checked<'a>(cx: &mut Ctx, this: Gc<Boxed>, message: &str) -> R<&'a ThreadObject> {
        let (_, object) = data(cx, this.value())?;
        match object.has(flag::INITIALIZED) {
            true => Ok(object),
            false => Err(cx.error(ClassId::AssertionError, message)),
        }
    }
    fn label(this: Gc<Boxed>, object: &ThreadObject) -> String {
        object.label(this.slots()).unwrap_or_default()
    }

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        let object = cx.new_boxed_with(class, ThreadObject::default(), SLOTS);
        if class.has(class_flag::FINALIZER) {
            cx.register_finalizer(object.value());
        }
        object
    }
    /// Has the object stand for a thread that runs already.
    pub fn _adopt(cx: &mut Ctx, this: Gc<Boxed>, ident: i64) -> R<()> {
        let (_, object) = data(cx, this.value())?;
        if let Some(thread) = scheduler::threads(cx).into_iter().find(|t| t.id as i64 == ident) {
            object.put(flag::STARTED, true);
            if thread.id == scheduler::MAIN {
                thread.fiber().owner.set(this.value());
            }
            object.stand_for(&thread);
        }
        Ok(())
    }
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let object = checked(cx, this, "Thread.__init__() was not called")?;
        let class = cx.class_of(this.value()).name_text();
        let state = match object.ident() {
            None => "initial",
            Some(_) if object.is_alive(cx) => "started",
            Some(_) => "stopped",
        };
        let daemon = if object.has(flag::DAEMON) { " daemon" } else { "" };
        let ident = object.ident().map_or_else(String::new, |id| format!(" {id}"));
        Ok(format!("<{class}({}, {state}{daemon}{ident})>", label(this, object)))
    }
    /// Whether the thread has started and not ended.
    pub fn is_alive(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(checked(cx, this, NOT_CALLED)?.is_alive(cx))
    }
    /// What the thread is called in messages.
    #[getter]
    pub fn name(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let object = checked(cx, this, NOT_CALLED)?;
        Ok(label(this, object))
    }
    #[setter]
    #[name = "name"]
    pub fn set_name(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        let object = checked(cx, this, NOT_CALLED)?;
        let name = cx.to_str(value)?;
        this.slots()[NAME].set(name.value());
        object.number.store(0, Ordering::Relaxed);
        Ok(())
    }
    /// The thread's identifier, None before it is started.
    #[getter]
    pub fn ident(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let object = checked(cx, this, NOT_CALLED)?;
        Ok(object.ident().map_or(Value::NONE, |id| cx.int(id as i64)))
    }
    /// A number of the thread, None before it is started.
    #[getter]
    pub fn native_id(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        ident(cx, this)
    }
    /// Whether the program may end while the thread runs.
    #[getter]
    pub fn daemon(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(checked(cx, this, NOT_CALLED)?.has(flag::DAEMON))
    }
    #[setter]
    #[name = "daemon"]
    pub fn set_daemon(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        let (_, object) = data(cx, this.value())?;
        if !object.has(flag::INITIALIZED) {
            return Err(cx.runtime_error(NOT_CALLED));
        }
        if object.has(flag::STARTED) {
            return Err(cx.runtime_error("cannot set daemon status of active thread"));
        }
        let daemon = cx.truth(value)?;
        object.put(flag::DAEMON, daemon);
        Ok(())
    }

    fn slot(cx: &mut Ctx, this: Gc<Boxed>, slot: usize, name: &str) -> R {
        data(cx, this.value())?;
        let value = this.slots()[slot].get();
        if value.is_unbound() { Err(missing(cx, this, name)) } else { Ok(value) }
    }
    fn set_slot(cx: &mut Ctx, this: Gc<Boxed>, slot: usize, value: Value) -> R<()> {
        data(cx, this.value())?;
        this.slots()[slot].set(value);
        Ok(())
    }
    /// What the thread calls, until it has.
    #[getter]
    pub fn _target(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        slot(cx, this, TARGET, "_target")
    }
    #[setter]
    #[name = "_target"]
    pub fn set_target(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        set_slot(cx, this, TARGET, value)
    }
    /// The arguments of the target.
    #[getter]
    pub fn _args(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        slot(cx, this, ARGS, "_args")
    }
    #[setter]
    #[name = "_args"]
    pub fn set_args(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        set_slot(cx, this, ARGS, value)
    }
    /// The named arguments of the target.
    #[getter]
    pub fn _kwargs(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let kwargs = slot(cx, this, KWARGS, "_kwargs")?;
        if !kwargs.is_none() {
            return Ok(kwargs);
        }
        let made = cx.new_dict().value();
        this.slots()[KWARGS].set(made);
        Ok(made)
    }
    #[setter]
    #[name = "_kwargs"]
    pub fn set_kwargs(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        set_slot(cx, this, KWARGS, value)
    }
    /// The name, as the attribute that some subclasses set.
    #[getter]
    pub fn _name(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let (_, object) = data(cx, this.value())?;
        Ok(label(this, object))
    }
    #[setter]
    #[name = "_name"]
    pub fn set_raw_name(cx: &mut Ctx, this: Gc<Boxed>, value: Value) -> R<()> {
        let (_, object) = data(cx, this.value())?;
        let name = cx.to_str(value)?;
        this.slots()[NAME].set(name.value());
        object.number.store(0, Ordering::Relaxed);
        Ok(())
    }
}
