//! `_queue`: first-in first-out queues between threads.
//!
//! The items are in a deque, which is the object's slot. An item is handed straight to a thread that waits for one; a
//! thread that waits for room is promised the room and then puts its item itself.

use conc_interpreter::native::{Args, Ctx, Entered, NativeDef, NativeFrame, Param, ParamKind, R, Raised, Step};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::misc::{Boxed, Payload};
use conc_interpreter::sync::wait::{self, Patience, Waiters, method, quick};
use conc_interpreter::value::{Gc, Value};
use conc_interpreter::vm::native::run_straight;
use parking_lot::Mutex;

use crate::core::shared::recall_class;
use crate::data::deque;

/// A queue's state beside its items.
#[derive(Default)]
pub struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    /// 0 or less: no limit.
    maxsize: i64,
    /// Room promised to threads that have waited for it and have not put their items yet.
    promised: i64,
    /// Items that `task_done` is still to be called for.
    unfinished: i64,
    closed: bool,
    getters: Waiters,
    putters: Waiters,
    joiners: Waiters,
}

impl Payload for Queue {}

impl State {
    fn is_full(&self, items: Gc<Boxed>) -> bool {
        self.maxsize > 0 && deque::len(&items) as i64 + self.promised >= self.maxsize
    }
    /// Takes the next item; somebody who waits for room gets it.
    fn take(&mut self, cx: &mut Ctx, items: Gc<Boxed>) -> Option<Value> {
        let item = deque::pop_end(cx, items, true)?;
        self.promise(cx, items);
        Some(item)
    }
    /// Promises room that there is to a thread that waits for it.
    fn promise(&mut self, cx: &mut Ctx, items: Gc<Boxed>) {
        if !self.is_full(items) && self.putters.wake_first(cx, Value::TRUE).is_some() {
            self.promised += 1;
        }
    }
    /// Gives an item to who waits for one or puts it into the deque; false: its ring has no room.
    fn put(&mut self, cx: &mut Ctx, items: Gc<Boxed>, item: Value) -> bool {
        let given = self.getters.wake_first(cx, wrap(item)).is_some();
        if given {
            // The room that it had is still there.
            self.promise(cx, items);
        }
        let done = given || deque::try_push(cx, items, item, false);
        self.unfinished += i64::from(done);
        done
    }
    fn finish(&mut self, cx: &mut Ctx, unfinished: i64) {
        self.unfinished = unfinished;
        if unfinished == 0 {
            self.joiners.wake_all(cx, Value::NONE);
        }
    }
    /// No more items come. Those who wait find that out.
    fn close(&mut self, cx: &mut Ctx) {
        self.closed = true;
        self.getters.wake_all(cx, Value::FALSE);
        self.putters.wake_all(cx, Value::FALSE);
    }
}

/// What a waiter is woken with for an item: False would tell it that its deadline has come.
fn wrap(item: Value) -> Value {
    if item == Value::FALSE { Value::UNBOUND } else { item }
}

fn unwrap(woken: Value) -> Value {
    if woken.is_unbound() { Value::FALSE } else { woken }
}

const ITEMS: usize = 0;

fn items(cx: &mut Ctx, this: Gc<Boxed>) -> R<Gc<Boxed>> {
    match deque::deque(this.slots()[ITEMS].get()) {
        Some(items) => Ok(items),
        None => Err(cx.type_error("the items of the queue are no deque")),
    }
}

/// Empty, Full or ShutDown.
fn failure(cx: &mut Ctx, name: &str) -> Raised {
    let Some(class) = recall_class(cx, &format!("queue.{name}")) else { return cx.runtime_error(name) };
    match cx.call(class.value(), &[]) {
        Ok(exc) => {
            cx.set_context(exc);
            Raised(exc)
        }
        Err(e) => e,
    }
}

/// What `block=True, timeout=None` ask for.
fn patience(cx: &mut Ctx, block: Value, timeout: Value) -> R<Patience> {
    if !block.is_unbound() && !cx.truth(block)? {
        return Ok(Patience::None);
    }
    if timeout.is_unbound() || timeout.is_none() {
        return Ok(Patience::Forever);
    }
    let seconds = wait::seconds(cx, timeout)?;
    if seconds < 0.0 {
        return Err(cx.value_error("'timeout' must be a non-negative number"));
    }
    let at = wait::moment(cx, seconds)?;
    Ok(if seconds == 0.0 { Patience::None } else { Patience::Until(at) })
}

const fn param(name: &'static str, required: bool, default: &'static str) -> Param {
    Param { name, kind: ParamKind::Positional, required, default }
}
const THIS: Param = Param { name: "self", kind: ParamKind::PositionalOnly, required: true, default: "" };
const PUT_PARAMS: &[Param] =
    &[THIS, param("item", true, ""), param("block", false, "True"), param("timeout", false, "None")];
const GET_PARAMS: &[Param] = &[THIS, param("block", false, "True"), param("timeout", false, "None")];

static WAITING: &[NativeDef] = &[
    quick("put", "Put an item, waiting for room.", PUT_PARAMS, put_straight, put, put_waits),
    quick("get", "Take the next item, waiting for one.", GET_PARAMS, get_straight, get, get_waits),
];

/// Whether a look at the queue says that the call has to wait.
fn looks(args: Args<'_>, look: impl FnOnce(&State, Gc<Boxed>) -> bool) -> bool {
    let Some(this) = args.get(0).cast::<Boxed>() else { return false };
    match (this.payload::<Queue>(), this.slots().get(ITEMS).and_then(|items| deque::deque(items.get()))) {
        (Some(queue), Some(items)) => look(&queue.0.lock(), items),
        _ => false,
    }
}

fn put_waits(args: Args<'_>) -> bool {
    looks(args, |s, items| s.is_full(items))
}

fn get_waits(args: Args<'_>) -> bool {
    looks(args, |_, items| deque::len(&items) == 0)
}

fn put_straight(cx: &mut Ctx, args: Args<'_>) -> R {
    if args.fixed.len() == 2 {
        let (this, queue) = wait::payload::<Queue>(cx, args.get(0))?;
        let items = items(cx, this)?;
        if put_now(cx, queue, items, args.get(1), false)? {
            return Ok(Value::NONE);
        }
    }
    run_straight(cx, args, put)
}

fn get_straight(cx: &mut Ctx, args: Args<'_>) -> R {
    if args.fixed.len() == 1 {
        let (this, queue) = wait::payload::<Queue>(cx, args.get(0))?;
        let items = items(cx, this)?;
        if let Some(item) = queue.0.lock().take(cx, items) {
            return Ok(item);
        }
    }
    run_straight(cx, args, get)
}
static JOINING: &[NativeDef] = &[method("join", "Wait until task_done has been called for every item.", &[THIS], join)];

fn put(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    put_step(cx, frame, entered).into()
}

fn put_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (this, queue) = wait::payload::<Queue>(cx, frame.get(0))?;
    let items = items(cx, this)?;
    let item = frame.get(1);
    let deadline = match entered {
        Entered::Start => {
            let limited = queue.0.lock().maxsize > 0;
            if limited { patience(cx, frame.get(2), frame.get(3))?.deadline() } else { None }
        }
        Entered::Raised(e) => {
            queue.0.lock().putters.leave(cx);
            return Err(e);
        }
        Entered::With(room) | Entered::Ended(room) => {
            let mut s = queue.0.lock();
            if room != Value::TRUE {
                s.putters.leave(cx);
                let why = if s.closed { "ShutDown" } else { "Full" };
                drop(s);
                return Err(failure(cx, why));
            }
            s.promised -= 1;
            drop(s);
            return put_now(cx, queue, items, item, true).map(|_| Step::Done(Value::NONE));
        }
    };
    if put_now(cx, queue, items, item, false)? {
        return Ok(Step::Done(Value::NONE));
    }
    let Some(deadline) = deadline else { return Err(failure(cx, "Full")) };
    loop {
        {
            let mut s = queue.0.lock();
            if s.is_full(items) && !s.closed {
                s.putters.join(cx);
                return Ok(Step::Park(deadline));
            }
        }
        if put_now(cx, queue, items, item, false)? {
            return Ok(Step::Done(Value::NONE));
        }
    }
}

/// Puts an item if there is room, or in room that was promised.
fn put_now(cx: &mut Ctx, queue: &Queue, items: Gc<Boxed>, item: Value, promised: bool) -> R<bool> {
    loop {
        {
            let mut s = queue.0.lock();
            if s.closed {
                drop(s);
                return Err(failure(cx, "ShutDown"));
            }
            if !promised && s.is_full(items) {
                return Ok(false);
            }
            if s.put(cx, items, item) {
                return Ok(true);
            }
        }
        deque::grow(cx, items)?;
    }
}

fn get(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    get_step(cx, frame, entered).into()
}

fn get_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (this, queue) = wait::payload::<Queue>(cx, frame.get(0))?;
    match entered {
        Entered::Start => {}
        Entered::Raised(e) => {
            queue.0.lock().getters.leave(cx);
            return Err(e);
        }
        Entered::With(Value::FALSE) => {
            let mut s = queue.0.lock();
            s.getters.leave(cx);
            let why = if s.closed { "ShutDown" } else { "Empty" };
            drop(s);
            return Err(failure(cx, why));
        }
        Entered::With(woken) | Entered::Ended(woken) => return Ok(Step::Done(unwrap(woken))),
    }
    let patience = patience(cx, frame.get(1), frame.get(2))?;
    let items = items(cx, this)?;
    let mut s = queue.0.lock();
    if let Some(item) = s.take(cx, items) {
        return Ok(Step::Done(item));
    }
    if let (Some(deadline), false) = (patience.deadline(), s.closed) {
        s.getters.join(cx);
        return Ok(Step::Park(deadline));
    }
    let why = if s.closed { "ShutDown" } else { "Empty" };
    drop(s);
    Err(failure(cx, why))
}

fn join(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    join_step(cx, frame, entered).into()
}

fn join_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let (_, queue) = wait::payload::<Queue>(cx, frame.get(0))?;
    let mut s = queue.0.lock();
    match entered {
        Entered::Start if s.unfinished > 0 => {
            s.joiners.join(cx);
            Ok(Step::Park(None))
        }
        Entered::Raised(e) => {
            s.joiners.leave(cx);
            Err(e)
        }
        _ => Ok(Step::Done(Value::NONE)),
    }
}

fn data<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a Queue> {
    wait::payload::<Queue>(cx, this.value()).map(|(_, queue)| queue)
}

/// A queue of that class without items.
fn make(cx: &mut Ctx, class: Gc<Class>) -> R<Gc<Boxed>> {
    let items = deque::empty(cx)?;
    let this = cx.new_boxed_with(class, Queue::default(), 1);
    this.slots()[ITEMS].set(items);
    Ok(this)
}

/// What SimpleQueue and Queue have.
#[conc_macros::methods]
pub mod simple {
    use super::*;
    use conc_interpreter::native::Kwargs;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R<Gc<Boxed>> {
        make(cx, class)
    }
    /// Give the class with type arguments.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Gc<Class>, object: Value) -> R {
        Ok(cx.generic_alias(class.value(), object)?.value())
    }
    /// Put an item without waiting.
    pub fn put_nowait(cx: &mut Ctx, this: Gc<Boxed>, #[kw] item: Value) -> R<()> {
        let (queue, items) = (data(cx, this)?, items(cx, this)?);
        if put_now(cx, queue, items, item, false)? { Ok(()) } else { Err(failure(cx, "Full")) }
    }
    /// Take the next item without waiting.
    pub fn get_nowait(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let (queue, items) = (data(cx, this)?, items(cx, this)?);
        let mut s = queue.0.lock();
        match s.take(cx, items) {
            Some(item) => Ok(item),
            None => {
                let why = if s.closed { "ShutDown" } else { "Empty" };
                drop(s);
                Err(failure(cx, why))
            }
        }
    }
    /// How many items there are.
    pub fn qsize(cx: &mut Ctx, this: Gc<Boxed>) -> R<usize> {
        Ok(deque::len(&*items(cx, this)?))
    }
    /// Whether there is no item.
    pub fn empty(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(qsize(cx, this)? == 0)
    }
}

/// What only Queue has.
#[conc_macros::methods]
pub mod full {
    use super::*;

    /// A queue of at most `maxsize` items, if that is positive.
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw]
        #[default(0)]
        maxsize: i64,
    ) -> R<()> {
        data(cx, this)?.0.lock().maxsize = maxsize;
        // A subclass that keeps its items in a way of its own.
        let (class, start) = (cx.class_of(this.value()), cx.intern("_start"));
        if cx.lookup(class, start).is_some() {
            let start = cx.get_attr(this.value(), start)?;
            cx.call(start, &[Value::small_int(maxsize)])?;
        }
        Ok(())
    }
    /// Whether there is no room.
    pub fn full(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        let (queue, items) = (data(cx, this)?, items(cx, this)?);
        let maxsize = queue.0.lock().maxsize;
        Ok(maxsize > 0 && deque::len(&items) as i64 >= maxsize)
    }
    /// Say that an item that was taken has been dealt with.
    pub fn task_done(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let mut s = data(cx, this)?.0.lock();
        if s.unfinished <= 0 {
            drop(s);
            return Err(cx.value_error("task_done() called too many times"));
        }
        let left = s.unfinished - 1;
        s.finish(cx, left);
        Ok(())
    }
    /// Take no more items; with `immediate`, forget those that are left.
    pub fn shutdown(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw]
        #[default(false)]
        immediate: bool,
    ) -> R<()> {
        let (queue, items) = (data(cx, this)?, items(cx, this)?);
        let mut s = queue.0.lock();
        s.close(cx);
        if immediate {
            let mut left = s.unfinished;
            while deque::pop_end(cx, items, true).is_some() {
                left = (left - 1).max(0);
            }
            s.finish(cx, left);
        }
        Ok(())
    }
    /// The items.
    #[getter]
    pub fn queue(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        data(cx, this)?;
        Ok(this.slots()[ITEMS].get())
    }
    #[setter]
    #[name = "queue"]
    pub fn set_queue(cx: &mut Ctx, this: Gc<Boxed>, items: Value) -> R<()> {
        data(cx, this)?;
        this.slots()[ITEMS].set(items);
        Ok(())
    }
    /// The most items, 0 or less for any number.
    #[getter]
    pub fn maxsize(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(data(cx, this)?.0.lock().maxsize)
    }
    #[setter]
    #[name = "maxsize"]
    pub fn set_maxsize(cx: &mut Ctx, this: Gc<Boxed>, maxsize: i64) -> R<()> {
        data(cx, this)?.0.lock().maxsize = maxsize;
        Ok(())
    }
    /// Items that task_done is still to be called for.
    #[getter]
    pub fn unfinished_tasks(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(data(cx, this)?.0.lock().unfinished)
    }
    #[setter]
    #[name = "unfinished_tasks"]
    pub fn set_unfinished_tasks(cx: &mut Ctx, this: Gc<Boxed>, count: i64) -> R<()> {
        data(cx, this)?.0.lock().finish(cx, count);
        Ok(())
    }
    /// Whether shutdown has been called.
    #[getter]
    pub fn is_shutdown(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(data(cx, this)?.0.lock().closed)
    }
    #[setter]
    #[name = "is_shutdown"]
    pub fn set_is_shutdown(cx: &mut Ctx, this: Gc<Boxed>, closed: bool) -> R<()> {
        data(cx, this)?.0.lock().closed = closed;
        Ok(())
    }
}

/// The native part of queue.
#[conc_macros::module(name = "_queue")]
pub mod functions {
    use super::*;
    use crate::core::shared::{define, remember};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;

    fn exception(cx: &mut Ctx, owner: &str, name: &str) -> R {
        let bases = [cx.class(ClassId::Exception).value()];
        let bases = cx.tuple(&bases)?;
        let bases = cx.collect_tuple(bases)?;
        let namespace = cx.new_dict();
        let (key, owner) = (cx.names().__module__, cx.str(owner));
        namespace.set_str(cx, key, owner);
        let (meta, name) = (cx.class(ClassId::Type), cx.intern(name));
        Ok(cx.make_class(meta, name, bases, namespace, None)?.value())
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for (owner, name) in [("_queue", "Empty"), ("queue", "Full"), ("queue", "ShutDown")] {
            let class = exception(cx, owner, name)?;
            remember(cx, &format!("queue.{name}"), class);
            define(cx, module, name, class);
        }
        for (name, more) in [("SimpleQueue", &[][..]), ("Queue", full::METHODS)] {
            let class = cx.native_class("_queue", name, None, simple::METHODS);
            cx.install_in(class, WAITING);
            cx.install_in(class, more);
            if !more.is_empty() {
                cx.install_in(class, JOINING);
            }
            define(cx, module, name, class.value());
        }
        Ok(())
    }
}
