//! Going from one greenlet of a thread to another.
//!
//! In the plain case that is an exchange of the machine's state in the context, and the loop goes on with the other's
//! frames. A greenlet that has called scripts from Rust has frames on the native stack, which it then owns while it is
//! suspended: the slice's native stack is set aside with it, and the thread goes on on another one, or on the one that
//! the greenlet to go to owns. Such a thread stays with its worker.
//!
//! A suspended greenlet without a native stack stands at a call (of `switch`, or in the frame of that native): what it
//! is handed becomes the call's result, or is raised there.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::slice::{frame_address, fresh_stack, recycle};
use super::thread::{Stack, Stop, Thread};
use super::worker::{Until, work, worker};
use crate::bytecode::word::Word;
use crate::native::{Ctx, R, Raised};
use crate::object::class::{Class, class_flag};
use crate::object::dict::Dict;
use crate::object::greenlet::{Greenlet, State, slot};
use crate::object::sequence::Tuple;
use crate::object::stack::Segment;
use crate::value::Value;
use crate::vm::native::start_native;
use crate::vm::outside;
use crate::vm::run::{Outcome, run, run_raising};

/// Words of a greenlet's first segment.
const SEGMENT: usize = 58;

/// What greenlets are made of, in the tuple `Roots::greenlets`.
#[derive(Clone, Copy)]
pub enum Part {
    /// `greenlet.greenlet`
    Class,
    /// `greenlet.error`
    Error,
    /// `greenlet.GreenletExit`
    Exit,
    /// The native of a greenlet's first frame, called with what is to run, its arguments and named arguments.
    Bootstrap,
    /// The native that ends a greenlet, called with its result, or with anything and what it has raised.
    Finish,
    /// The native that ends one that nobody can reach.
    Kill,
    /// The native of the first frame of a thread that is one of gevent's greenlets.
    Spawned,
}

pub fn part(cx: &Ctx, which: Part) -> Value {
    cx.iso().roots.greenlets.get().cast::<Tuple>().map_or(Value::NONE, |parts| parts.items()[which as usize])
}

/// What a greenlet is handed.
#[derive(Clone, Copy)]
pub enum Cargo {
    Value(Value),
    /// The arguments of `switch`: a tuple, and a dict or nothing.
    Arguments(Value, Value),
    Error(Raised),
}

impl Cargo {
    /// What `switch` of the greenlet gives.
    pub fn result(self, cx: &mut Ctx) -> R {
        match self {
            Cargo::Value(v) => Ok(v),
            Cargo::Error(e) => Err(e),
            Cargo::Arguments(args, named) => {
                let named = named.cast::<Dict>().filter(|d| !d.is_empty());
                let Some(tuple) = args.cast::<Tuple>() else { return Ok(args) };
                match (tuple.items(), named) {
                    ([], Some(named)) => Ok(named.value()),
                    (_, Some(named)) => cx.tuple(&[args, named.value()]),
                    (&[one], None) => Ok(one),
                    (_, None) => Ok(args),
                }
            }
        }
    }
    /// The same, with GreenletExit as a value: of a greenlet that it ends.
    fn settled(self, cx: &Ctx) -> Cargo {
        match self {
            Cargo::Error(Raised(e)) if is_exit(cx, e) => Cargo::Value(e),
            other => other,
        }
    }
    fn is_error(&self) -> bool {
        matches!(self, Cargo::Error(_))
    }
}

fn is_exit(cx: &Ctx, exc: Value) -> bool {
    part(cx, Part::Exit).cast::<Class>().is_some_and(|exit| cx.class_of(exc).is_subclass_of(exit))
}

/// The current greenlet of the running thread.
#[inline]
pub fn current(cx: &mut Ctx) -> Greenlet {
    match Greenlet::of(cx.fiber.greenlet.get()) {
        Some(current) => current,
        None => make_main(cx),
    }
}

#[cold]
fn make_main(cx: &mut Ctx) -> Greenlet {
    let Some(class) = part(cx, Part::Class).cast::<Class>() else { unreachable!("the module makes the class") };
    let main = cx.new_greenlet(class, 0);
    adopt(cx, main);
    main
}

/// Has the greenlet be the running thread's main one, which has none yet.
pub fn adopt(cx: &mut Ctx, main: Greenlet) {
    main.set(slot::MAIN, main.value());
    main.set(slot::TRACER, Value::NONE);
    main.set(slot::THREAD, Value::small_int(super::current(cx) as i64));
    main.set_state(State::Active);
    cx.fiber.greenlet.set(main.value());
}

/// The thread has ended: its greenlets cannot be switched to any more.
pub(super) fn bury(thread: &Thread) {
    if let Some(main) = Greenlet::of(thread.fiber().greenlet.get()).and_then(Greenlet::main) {
        main.set_state(State::Dead);
    }
}

// ---- the machine's state

#[inline(always)]
fn save(cx: &Ctx, into: Greenlet) {
    into.set(slot::SEGMENT, cx.segment.value());
    into.set_word(slot::BASE, cx.base as usize);
    into.set_word(slot::PC, cx.pc as usize);
    into.set_word(slot::LIMIT, cx.limit as usize);
    into.set_word(slot::TOP, cx.gen_top as usize);
    into.set(slot::DEPTH, Value::small_int(cx.depth as i64));
    into.set(slot::HANDLED, cx.handled);
    into.suspended();
}

/// The state that a greenlet was suspended with becomes the machine's, and it the current one.
#[inline(always)]
fn load(cx: &mut Ctx, from: Greenlet) {
    cx.segment = from.object().slots()[slot::SEGMENT].obj::<Segment>();
    cx.base = from.word(slot::BASE) as *mut Value;
    cx.pc = from.word(slot::PC) as *const _;
    cx.limit = from.word(slot::LIMIT) as *mut Value;
    cx.gen_top = from.word(slot::TOP) as *mut Value;
    cx.depth = from.get(slot::DEPTH).int() as usize;
    cx.handled = from.get(slot::HANDLED);
    from.set_word(slot::BASE, 0);
}

/// The thread's current greenlet changes, and the context of variables with it.
#[inline(always)]
fn change(cx: &mut Ctx, from: Greenlet, to: Greenlet) {
    let fiber = cx.fiber;
    from.set(slot::CONTEXT, fiber.context.get());
    fiber.context.set(to.get(slot::CONTEXT));
    to.set(slot::CONTEXT, Value::NONE);
    fiber.greenlet.set(to.value());
}

/// Gives the current greenlet, which stands at a call, the call's result.
#[inline(always)]
fn deliver(cx: &mut Ctx, value: Value) {
    // SAFETY: the machine's state is that of a greenlet which was suspended at a call, whose word names the register of
    // the result and has one word after it (see the module's page).
    unsafe {
        let word = Word::at(cx.pc.sub(1));
        *cx.base.add(word.a() as usize) = value;
        cx.pc = cx.pc.add(1);
    }
}

/// The greenlet is current now, by the other: what it goes on with is put in place, or is the error to raise.
#[inline(always)]
fn land(cx: &mut Ctx, from: Greenlet, to: Greenlet, cargo: Cargo, thrown: bool) -> R<()> {
    if let Cargo::Value(v) = cargo
        && to.state() == State::Active
        && to.main().is_some_and(|main| main.get(slot::TRACER).is_none())
    {
        deliver(cx, v);
        return Ok(());
    }
    land_slowly(cx, from, to, cargo, thrown)
}

#[inline(never)]
fn land_slowly(cx: &mut Ctx, from: Greenlet, to: Greenlet, cargo: Cargo, thrown: bool) -> R<()> {
    let cargo = told(cx, from, to, cargo, thrown);
    if to.state() == State::Fresh {
        to.set_state(State::Active);
        if let Cargo::Error(Raised(e)) = cargo {
            // SAFETY: the innermost frame is the bootstrap native's; the slot after its arguments is for this.
            unsafe { *cx.base.add(1 + BOOTSTRAP_ERROR) = e };
        }
        return Ok(());
    }
    match cargo {
        Cargo::Value(v) => deliver(cx, v),
        other => {
            let value = other.result(cx)?;
            deliver(cx, value);
        }
    }
    Ok(())
}

/// The bootstrap native's slot of an exception to raise instead of the call.
pub const BOOTSTRAP_ERROR: usize = 3;

/// Tells the thread's tracer of a switch that has happened; what it raises goes first.
#[inline]
fn told(cx: &mut Ctx, from: Greenlet, to: Greenlet, cargo: Cargo, thrown: bool) -> Cargo {
    let tracer = to.main().map_or(Value::NONE, |main| main.get(slot::TRACER));
    if tracer.is_none() { cargo } else { tell(cx, tracer, from, to, cargo, thrown) }
}

#[cold]
fn tell(cx: &mut Ctx, tracer: Value, from: Greenlet, to: Greenlet, cargo: Cargo, thrown: bool) -> Cargo {
    let event = cx.str(if thrown { "throw" } else { "switch" });
    let told = match cx.tuple(&[from.value(), to.value()]) {
        Ok(pair) => cx.call(tracer, &[event, pair]),
        Err(e) => Err(e),
    };
    match told {
        Ok(_) => cargo,
        Err(e) => {
            if let Some(main) = to.main() {
                main.set(slot::TRACER, Value::NONE);
            }
            Cargo::Error(e)
        }
    }
}

// ---- where to

/// The greenlet that one who asks for `target` gets to, if no script has to be asked for that.
fn destination(target: Greenlet) -> Greenlet {
    let mut at = target;
    while at.state() == State::Dead
        && let Some(parent) = at.parent()
    {
        at = parent;
    }
    at
}

/// Finds where to go: dead greenlets pass on to their parents, pending ones are made ready. An error is to be raised
/// where the machine is.
fn resolve(cx: &mut Ctx, me: Greenlet, target: Greenlet, cargo: Cargo) -> R<(Greenlet, Cargo)> {
    check_thread(cx, me, target)?;
    let (mut target, mut cargo) = (target, cargo);
    loop {
        match target.state() {
            State::Active | State::Fresh => return Ok((target, cargo)),
            State::Pending => {
                start(cx, me, target, cargo)?;
                continue;
            }
            State::Dead => {}
        }
        cargo = cargo.settled(cx);
        match target.parent() {
            Some(parent) => target = parent,
            None => return Err(gone(cx)),
        }
    }
}

#[inline]
fn check_thread(cx: &mut Ctx, me: Greenlet, target: Greenlet) -> R<()> {
    let main = me.get(slot::MAIN);
    if target.get(slot::MAIN) == main {
        return Ok(());
    }
    match target.home() {
        Some(home) if home.value() == main => Ok(()),
        Some(home) if home.state() != State::Dead => Err(foreign(cx, home)),
        _ => Err(gone(cx)),
    }
}

#[cold]
fn foreign(cx: &mut Ctx, home: Greenlet) -> Raised {
    let me = current(cx).get(slot::MAIN);
    let (current, expected) = (cx.repr_text(me), cx.repr_text(home.value()));
    error(cx, &format!("Cannot switch to a different thread\n\tCurrent:  {current}\n\tExpected: {expected}"))
}

#[cold]
fn gone(cx: &mut Ctx) -> Raised {
    error(cx, "cannot switch to a different thread (which happens to have exited)")
}

/// `greenlet.error`
#[cold]
pub fn error(cx: &mut Ctx, message: &str) -> Raised {
    let Some(class) = part(cx, Part::Error).cast::<Class>() else { return cx.runtime_error(message) };
    let message = cx.str(message);
    match cx.call_exception(class, &[message]) {
        Ok(e) => Raised(e),
        Err(e) => e,
    }
}

/// Gives a pending greenlet its first frame, unless it has one when its `run` has been found.
fn start(cx: &mut Ctx, me: Greenlet, target: Greenlet, cargo: Cargo) -> R<()> {
    let run = runner(cx, target)?;
    if target.state() != State::Pending {
        return Ok(());
    }
    let (args, named) = match cargo {
        Cargo::Arguments(args, named) => (args, named),
        Cargo::Value(v) => (cx.tuple(&[v])?, Value::UNBOUND),
        // It dies of that before it has run.
        Cargo::Error(_) => (cx.iso().roots.empty_tuple.get(), Value::UNBOUND),
    };
    let segment = cx.new_segment(SEGMENT)?;
    if cx.iso().heap.take_over_limit() {
        return Err(cx.memory_error());
    }
    let Some(bootstrap) = part(cx, Part::Bootstrap).cast() else { return Err(gone(cx)) };
    // The frame is pushed with the current greenlet's state set aside. The segment has room for it, so that there is
    // no safepoint in between.
    let context = target.get(slot::CONTEXT);
    let kept = (cx.segment, cx.base, cx.pc, cx.limit, cx.gen_top, cx.depth, cx.handled);
    (cx.segment, cx.base, cx.pc, cx.limit) = (segment, std::ptr::null_mut(), std::ptr::null(), std::ptr::null_mut());
    (cx.gen_top, cx.handled) = (segment.start(), Value::NONE);
    let made = start_native(cx, bootstrap, &[run, args, named]);
    save(cx, target);
    (cx.segment, cx.base, cx.pc, cx.limit, cx.gen_top, cx.depth, cx.handled) = kept;
    made?;
    target.set(slot::CONTEXT, context);
    target.set(slot::RUN, Value::UNBOUND);
    target.set(slot::MAIN, me.get(slot::MAIN));
    target.set_state(State::Fresh);
    if !cx.class_of(target.value()).has(class_flag::FINALIZER) {
        cx.register_finalizer(target.value());
    }
    Ok(())
}

/// What a pending greenlet is to call: its class's `run`, or what it was made with.
fn runner(cx: &mut Ctx, target: Greenlet) -> R {
    if cx.class_of(target.value()).value() == part(cx, Part::Class) {
        let run = target.get(slot::RUN);
        if !run.is_unbound() {
            return Ok(run);
        }
    }
    let name = cx.names().run;
    cx.get_attr(target.value(), name)
}

// ---- going there

/// Goes to a greenlet from the loop's call of a native, as a [`MoveFn`](crate::native::MoveFn) says.
#[inline]
pub fn go(cx: &mut Ctx, target: Greenlet, cargo: impl FnOnce(&mut Ctx) -> R<Cargo>, thrown: bool) -> R<bool> {
    if cx.nested == 0 && destination(target).is_detached() {
        return Ok(false);
    }
    let me = current(cx);
    let cargo = cargo(cx)?;
    let (to, cargo) = match target.state() {
        State::Active if target.get(slot::MAIN) == me.get(slot::MAIN) => (target, cargo),
        _ => resolve(cx, me, target, cargo)?,
    };
    let cargo = match cargo {
        Cargo::Arguments(..) if to.state() != State::Fresh => Cargo::Value(cargo.result(cx)?),
        other => other,
    };
    if cx.nested != 0 && to != me {
        let value = go_with_stack(cx, me, to, cargo, thrown)?;
        deliver(cx, value);
        return Ok(true);
    }
    if cx.nested == 0 && to.is_detached() {
        return Ok(false);
    }
    if to != me {
        save(cx, me);
        load(cx, to);
        change(cx, me, to);
    }
    land(cx, me, to, cargo, thrown).map(|()| true)
}

/// Where [`leave`] has led.
pub enum Left {
    /// The greenlet has been switched to again, or never left, and goes on with this.
    Back(Value),
    /// The native has to return [`Step::Park`](crate::native::Step), to leave the loop and the native stack.
    Gone,
}

/// Goes to a greenlet from a native that has a frame.
pub fn leave(cx: &mut Ctx, target: Greenlet, cargo: Cargo, thrown: bool) -> R<Left> {
    let me = current(cx);
    let (to, cargo) = resolve(cx, me, target, cargo)?;
    if to == me {
        return told(cx, me, me, cargo, thrown).result(cx).map(Left::Back);
    }
    if cx.nested != 0 {
        return go_with_stack(cx, me, to, cargo, thrown).map(Left::Back);
    }
    save(cx, me);
    hand(cx, me, to, cargo, thrown)?;
    worker(cx).leaving = true;
    Ok(Left::Gone)
}

/// The running greenlet has ended: goes to its parent, or the parent's. False: with a frame it has to be done again.
pub fn finish(cx: &mut Ctx, result: Cargo, has_frame: bool) -> R<bool> {
    let me = current(cx);
    let mut cargo = result.settled(cx);
    me.set_state(State::Dead);
    let mut next = me.parent();
    let to = loop {
        let Some(parent) = next else { return Err(gone(cx)) };
        match resolve(cx, me, parent, cargo) {
            Ok((to, carried)) => {
                cargo = carried;
                break to;
            }
            // A parent that cannot be started ends with that.
            Err(e) => cargo = Cargo::Error(e),
        }
        next = parent.parent().or_else(|| me.main());
    };
    if !has_frame && to.is_detached() {
        return Ok(false);
    }
    let thrown = cargo.is_error();
    let cargo = match cargo.result(cx) {
        _ if to.state() == State::Fresh => cargo,
        Ok(v) => Cargo::Value(v),
        Err(e) => Cargo::Error(e),
    };
    if has_frame {
        hand(cx, me, to, cargo, thrown)?;
        worker(cx).leaving = true;
    } else {
        load(cx, to);
        change(cx, me, to);
        land(cx, me, to, cargo, thrown)?;
    }
    me.set(slot::SEGMENT, Value::NONE);
    me.set(slot::HANDLED, Value::NONE);
    me.set(slot::CONTEXT, Value::NONE);
    Ok(true)
}

/// Leaves what a greenlet is to go on with where it will look on its native stack.
fn hand(cx: &mut Ctx, from: Greenlet, to: Greenlet, cargo: Cargo, thrown: bool) -> R<()> {
    let (value, raised) = match cargo {
        _ if to.state() == State::Fresh && !cargo.is_error() => (Value::NONE, false),
        other => match other.result(cx) {
            Ok(v) => (v, false),
            Err(Raised(e)) => (e, true),
        },
    };
    to.set(slot::CARGO, value);
    to.set(slot::ORIGIN, from.value());
    to.set(slot::HOW, Value::small_int(i64::from(raised) | i64::from(thrown) << 1));
    change(cx, from, to);
    Ok(())
}

/// What the current greenlet has been handed: by whom, what, and whether it was thrown.
fn take_handed(to: Greenlet) -> (Greenlet, Cargo, bool) {
    let (value, how) = (to.get(slot::CARGO), to.get(slot::HOW).int());
    let from = Greenlet::of(to.get(slot::ORIGIN)).unwrap_or(to);
    to.set(slot::CARGO, Value::NONE);
    to.set(slot::ORIGIN, Value::NONE);
    (from, if how & 1 != 0 { Cargo::Error(Raised(value)) } else { Cargo::Value(value) }, how & 2 != 0)
}

// ---- native stacks

/// Goes to another greenlet from below Rust code: the native stack stays behind until this greenlet is switched to.
fn go_with_stack(cx: &mut Ctx, me: Greenlet, to: Greenlet, cargo: Cargo, thrown: bool) -> R {
    let _place = super::stack::leave(cx)?;
    save(cx, me);
    me.set_word(slot::BINDING, cx.binding as usize);
    cx.binding = std::ptr::null();
    let repr_guard = std::mem::take(&mut cx.repr_guard);
    let kept = (cx.stack_limit, cx.stack_base, cx.loop_entry, cx.nested);
    let thread = worker(cx).current.clone();
    let yielder = worker(cx).yielder;
    hand(cx, me, to, cargo, thrown)?;
    let (low, high) = (frame_address() & !7, kept.1 & !7);
    let index = worker(cx).index;
    me.set(slot::WORKER, Value::small_int(index as i64));
    me.set_word(slot::LOW, low);
    // The worker's own stack is looked at anyway.
    me.set_word(slot::HIGH, if yielder == 0 { low } else { high });
    thread.pins.fetch_add(1, Ordering::Relaxed);
    let aside = outside::put_aside();
    if yielder == 0 {
        drive(cx, &thread, me);
    } else {
        worker(cx).left_behind = Some(key(me.value()));
        super::slice::suspend(yielder, Stop::Swap);
    }
    outside::put_back(aside);
    thread.pins.fetch_sub(1, Ordering::Relaxed);
    me.set_word(slot::LOW, 0);
    me.set_word(slot::HIGH, 0);
    (cx.stack_limit, cx.stack_base, cx.loop_entry, cx.nested) = kept;
    worker(cx).yielder = yielder;
    load(cx, me);
    cx.binding = me.word(slot::BINDING) as *const _;
    me.set_word(slot::BINDING, 0);
    cx.repr_guard = repr_guard;
    let (from, cargo, thrown) = take_handed(me);
    told(cx, from, me, cargo, thrown).result(cx)
}

/// Goes on as the greenlet that the thread has changed to, on a native stack of no other.
pub(super) fn arrive(cx: &mut Ctx) -> R<Outcome> {
    let me = current(cx);
    load(cx, me);
    cx.nested = 0;
    let (from, cargo, thrown) = take_handed(me);
    match land(cx, from, me, cargo, thrown) {
        // SAFETY: the innermost frame is the one that the greenlet was suspended in.
        Ok(()) => unsafe { run(cx, cx.pc, cx.base) },
        Err(Raised(e)) => run_raising(cx, cx.pc, cx.base, e),
    }
}

/// Runs a thread on native stacks until it leaves them for another reason than a switch of greenlets.
pub(super) fn resume(cx: &mut Ctx, stack: Stack) -> (Stack, Stop) {
    let mut stack = stack;
    loop {
        match super::slice::resume(&mut stack) {
            Stop::Swap => {
                // Not always the one whose slice began here.
                let thread = worker(cx).current.clone();
                stack = next_stack(cx, &thread, stack);
            }
            stop => return (stack, stop),
        }
    }
}

/// The stack that the current greenlet of the thread goes on on; the other is put away.
fn next_stack(cx: &mut Ctx, thread: &Arc<Thread>, stack: Stack) -> Stack {
    put_away(cx, stack);
    stack_of_current(cx, thread)
}

/// By what a worker finds a greenlet's native stack: no word that the collector would take for a reference.
#[inline]
fn key(greenlet: Value) -> u64 {
    !greenlet.bits()
}

fn put_away(cx: &mut Ctx, stack: Stack) {
    match worker(cx).left_behind.take() {
        Some(owner) => {
            worker(cx).greenlet_stacks.insert(owner, stack);
        }
        None => recycle(cx, stack),
    }
}

fn stack_of_current(cx: &mut Ctx, thread: &Arc<Thread>) -> Stack {
    let to = key(thread.fiber().greenlet.get());
    match worker(cx).greenlet_stacks.remove(&to) {
        Some(stack) => stack,
        None => {
            worker(cx).arriving = true;
            fresh_stack(cx, thread.clone())
        }
    }
}

/// Runs the other greenlets of a thread whose main greenlet stands on the worker's own stack, until that is switched to.
fn drive(cx: &mut Ctx, thread: &Arc<Thread>, me: Greenlet) {
    cx.native_stacks.push((frame_address(), cx.stack_base));
    let kept = (cx.stack_limit, cx.stack_base);
    let mut stack = stack_of_current(cx, thread);
    loop {
        let stop = super::slice::resume(&mut stack);
        worker(cx).yielder = 0;
        let me_next = thread.fiber().greenlet.get() == me.value();
        match stop {
            Stop::Swap if me_next => {
                put_away(cx, stack);
                break;
            }
            Stop::Swap => {
                stack = next_stack(cx, thread, stack);
                continue;
            }
            Stop::Ended(_) => {
                recycle(cx, stack);
                break;
            }
            _ => {}
        }
        // One of them has parked, or gives way: the worker's other threads run meanwhile.
        worker(cx).current = thread.clone();
        (cx.stack_limit, cx.stack_base) = kept;
        stack = wait_below(cx, thread, me, stack, stop);
    }
    cx.native_stacks.pop();
}

fn wait_below(cx: &mut Ctx, thread: &Arc<Thread>, me: Greenlet, stack: Stack, stop: Stop) -> Stack {
    let index = worker(cx).index;
    thread.set_home(Some(index));
    let frames = worker(cx).frames;
    let (stack, waits) = match stop {
        Stop::Detached | Stop::DetachedAgain => {
            cx.native_stacks.push(frames);
            thread.running_on.store(0, Ordering::Release);
            let waits = matches!(stop, Stop::Detached) && super::slice::commit(cx, thread);
            if waits {
                super::group::pass_on(cx, thread);
            }
            (Some(stack), waits)
        }
        _ => {
            recycle(cx, stack);
            (None, matches!(stop, Stop::Parked))
        }
    };
    if !waits {
        worker(cx).queue_last(thread.clone());
    }
    // What the worker does meanwhile is done above the frames of the main greenlet.
    let base = me.word(slot::BASE);
    load(cx, me);
    me.set_word(slot::BASE, base);
    me.suspended();
    work(cx, Until::Turn(thread));
    worker(cx).note_running(thread);
    match stack {
        Some(stack) => {
            cx.native_stacks.retain(|&r| r != frames);
            stack
        }
        None => fresh_stack(cx, thread.clone()),
    }
}

// ---- those that nobody can reach

/// Ends a greenlet that was found dead: GreenletExit is raised in it, so that it can clean up.
pub fn finalize(cx: &mut Ctx, object: Value) -> R<()> {
    let Some(g) = Greenlet::of(object) else { return Ok(()) };
    if g.state() != State::Active || g.is_main() {
        return Ok(());
    }
    let kill = part(cx, Part::Kill);
    let home = g.get(slot::WORKER);
    if g.is_detached() && home != Value::small_int(worker(cx).index as i64) {
        // Only that worker can run it.
        let args = cx.tuple(&[object])?;
        let thread = super::create(cx, kill, args, true)?;
        thread.set_home(home.as_int().map(|home| home as usize));
        thread.pins.fetch_add(1, Ordering::Relaxed);
        super::launch(cx, thread);
        return Ok(());
    }
    cx.call(kill, &[object]).map(drop)
}

/// Raises GreenletExit in a greenlet of this thread or of one that does not look at it any more; None: it is not to
/// be, or need not.
pub fn condemn(cx: &mut Ctx, object: Value) -> R<Option<(Greenlet, Cargo)>> {
    let Some(g) = Greenlet::of(object).filter(|g| g.state() == State::Active) else { return Ok(None) };
    let me = current(cx);
    g.set(slot::MAIN, me.get(slot::MAIN));
    g.set(slot::PARENT, me.value());
    let Some(exit) = part(cx, Part::Exit).cast::<Class>() else { return Ok(None) };
    let exc = cx.call_exception(exit, &[])?;
    Ok(Some((g, Cargo::Error(Raised(exc)))))
}

/// A greenlet's stack while it does not run.
pub fn is_standing(g: Greenlet) -> bool {
    g.word(slot::BASE) != 0
}
