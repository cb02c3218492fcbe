//! The native part of `asyncio.Queue`: what it holds, and the calls that need not wait.
//!
//! A queue that keeps its items as the class itself does (it is plain) gives and takes them here; all else is for the
//! script part, which is told so.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;

use super::{Which, class_of, eventloop, functions, future};
use crate::core::shared::{call_method, import};
use crate::data::boxes::{make, number, receiver as boxed, set_number};
use crate::data::deque;

static QUEUE: Behavior = Behavior::named("Queue");

mod slot {
    pub const MAXSIZE: usize = 0;
    /// The items; of a plain queue a deque.
    pub const ITEMS: usize = 1;
    /// Deques of futures: who waits for an item, and who for room.
    pub const GETTERS: usize = 2;
    pub const PUTTERS: usize = 3;
    pub const UNFINISHED: usize = 4;
    /// The event that `join` waits for, once somebody has; or None.
    pub const FINISHED: usize = 5;
    pub const SHUTDOWN: usize = 6;
    pub const PLAIN: usize = 7;
    /// The loop of who has waited; or None.
    pub const LOOP: usize = 8;
    /// What `get` awaits.
    pub const NEXT: usize = 9;
    pub const COUNT: usize = 10;
}

fn receiver(cx: &mut Ctx, this: Value) -> R<Gc<Boxed>> {
    boxed(cx, this, &QUEUE)
}

/// The items of a queue that is plain, and whose size is an int.
fn plain_items(q: &Boxed) -> Option<Gc<Boxed>> {
    match q.slots()[slot::PLAIN].get() == Value::TRUE {
        true if q.slots()[slot::MAXSIZE].get().is_int() => deque::deque(q.slots()[slot::ITEMS].get()),
        _ => None,
    }
}

/// Whether `get` and `put` can be served here.
fn in_use(q: &Boxed) -> bool {
    plain_items(q).is_some() && q.slots()[slot::SHUTDOWN].get() == Value::FALSE
}

/// The running loop, which has to be the queue's if that has one.
fn own_loop(cx: &mut Ctx, q: Gc<Boxed>) -> R {
    let running = functions::get_running_loop(cx)?;
    let own = &q.slots()[slot::LOOP];
    if own.get() != running {
        if !own.get().is_none() {
            let shown = cx.repr_text(q.value());
            return Err(cx.runtime_error(format!("{shown} is bound to a different event loop")));
        }
        own.set(running);
    }
    Ok(running)
}

/// Puts a future among those who wait in a deque.
fn add_waiter(cx: &mut Ctx, waiters: Value, f: Value) -> R<()> {
    let Some(d) = deque::deque(waiters) else {
        return call_method(cx, waiters, "append", &[f]).map(drop);
    };
    while !deque::try_push(cx, d, f, false) {
        deque::grow(cx, d)?;
    }
    Ok(())
}

// ---- the next item

/// What `get` awaits: one object of each queue. Slots: the queue, and the item between the two steps of an `await`.
static NEXT: Behavior = Behavior { awaited: Some(begin_get), ..Behavior::awaitable("_next", give_item) };
const OF: usize = 0;
const ITEM: usize = 1;

/// Takes an item, or begins to wait for one.
fn begin_get(cx: &mut Ctx, next: Gc<Boxed>) -> R {
    let q = boxed(cx, next.slots()[OF].get(), &QUEUE)?;
    if let Some(item) = take(cx, q)? {
        next.slots()[ITEM].set(item);
        return Ok(next.value());
    }
    let running = own_loop(cx, q)?;
    let class = class_of(cx, Which::Future);
    let mut slots = [Value::NONE; future::slot::COUNT + 1];
    slots[..future::slot::COUNT].copy_from_slice(&future::fresh(running));
    slots[QUEUE_OF_GETTER] = q.value();
    let getter = make(cx, class, &future::GETTER, &slots);
    future::note_source(cx, getter, running)?;
    let getters = q.slots()[slot::GETTERS].get();
    add_waiter(cx, getters, getter.value())?;
    Ok(getter.value())
}

/// The item that was taken as the `await` began.
fn give_item(_cx: &mut Ctx, next: Gc<Boxed>, _sent: Value) -> R<Result<Value, Value>> {
    Ok(Err(next.slots()[ITEM].swap(Value::UNBOUND)))
}

/// Where a getter has its queue.
const QUEUE_OF_GETTER: usize = future::slot::COUNT;

/// A getter that was woken takes its item; if another has been faster, it waits again.
pub fn answer(cx: &mut Ctx, getter: Gc<Boxed>, sent: Value) -> R<Result<Value, Value>> {
    match future::answer(cx, getter, sent) {
        Ok(Err(_)) => {}
        Err(e) => {
            give_up(cx, getter)?;
            return Err(e);
        }
        waits => return waits,
    }
    let q = boxed(cx, getter.slots()[QUEUE_OF_GETTER].get(), &QUEUE)?;
    if let Some(item) = take(cx, q)? {
        return Ok(Err(item));
    }
    if q.slots()[slot::SHUTDOWN].get() != Value::FALSE {
        let module = import(cx, "asyncio.queues")?;
        let class = cx.get_attr_text(module, "QueueShutDown")?;
        let exc = cx.call(class, &[])?;
        return Err(Raised(exc));
    }
    future::begin_again(&getter);
    let getters = q.slots()[slot::GETTERS].get();
    add_waiter(cx, getters, getter.value())?;
    future::answer(cx, getter, sent)
}

/// A getter's wait has ended by an exception.
pub fn give_up(cx: &mut Ctx, getter: Gc<Boxed>) -> R<()> {
    let q = boxed(cx, getter.slots()[QUEUE_OF_GETTER].get(), &QUEUE)?;
    let getters = q.slots()[slot::GETTERS].get();
    let possible = plain_items(&q).is_some_and(|items| deque::len(&items) > 0);
    call_method(cx, q.value(), "_give_up", &[getters, getter.value(), Value::bool(possible)]).map(drop)
}

/// Takes an item of a plain queue, if there is one.
fn take(cx: &mut Ctx, q: Gc<Boxed>) -> R<Option<Value>> {
    let Some(item) = plain_items(&q).and_then(|items| deque::pop_end(cx, items, true)) else { return Ok(None) };
    let putters = q.slots()[slot::PUTTERS].get();
    wake(cx, putters)?;
    Ok(Some(item))
}

/// Wakes the first of those who wait in a deque.
fn wake(cx: &mut Ctx, waiters: Value) -> R<()> {
    match deque::deque(waiters) {
        Some(d) if deque::len(&d) == 0 => Ok(()),
        _ => functions::wake_first(cx, waiters),
    }
}

/// Queue
#[methods]
pub mod plain {
    use super::*;
    use conc_interpreter::native::Kwargs;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        let mut slots = [Value::NONE; slot::COUNT];
        slots[slot::MAXSIZE] = Value::small_int(0);
        slots[slot::UNFINISHED] = Value::small_int(0);
        slots[slot::SHUTDOWN] = Value::FALSE;
        slots[slot::PLAIN] = Value::FALSE;
        let q = make(cx, class, &QUEUE, &slots);
        let object = cx.class(ClassId::Object);
        let next = make(cx, object, &NEXT, &[q.value(), Value::UNBOUND]);
        q.slots()[slot::NEXT].set(next.value());
        q
    }
    /// Put an item, if that needs no wait and nothing else but what is done here; whether it was put.
    pub fn _offer(cx: &mut Ctx, this: Value, item: Value) -> R<bool> {
        let q = receiver(cx, this)?;
        let slots = q.slots();
        let Some(items) = plain_items(&q) else { return Ok(false) };
        let maxsize = number(&q, slot::MAXSIZE);
        let is_full = maxsize > 0 && deque::len(&items) as i64 >= maxsize;
        if is_full || slots[slot::SHUTDOWN].get() != Value::FALSE {
            return Ok(false);
        }
        while !deque::try_push(cx, items, item, false) {
            deque::grow(cx, items)?;
        }
        _counted(cx, this)?;
        Ok(true)
    }
    /// An item has been put.
    pub fn _counted(cx: &mut Ctx, this: Value) -> R<()> {
        let q = receiver(cx, this)?;
        set_number(&q, slot::UNFINISHED, number(&q, slot::UNFINISHED) + 1);
        let finished = q.slots()[slot::FINISHED].get();
        if !finished.is_none() {
            call_method(cx, finished, "clear", &[])?;
        }
        let getters = q.slots()[slot::GETTERS].get();
        wake(cx, getters)
    }
    /// Take an item of a plain queue; `nothing` if there is none.
    pub fn _take(cx: &mut Ctx, this: Value, nothing: Value) -> R {
        let q = receiver(cx, this)?;
        Ok(take(cx, q)?.unwrap_or(nothing))
    }
    /// What `get` awaits, of a queue that is plain and still in use; or None.
    pub fn _next(cx: &mut Ctx, this: Value) -> R {
        let q = receiver(cx, this)?;
        // A loop of a class of its own may make futures of its own.
        let here = in_use(&q) && eventloop::event_loop(eventloop::running(cx)).is_some();
        Ok(if here { q.slots()[slot::NEXT].get() } else { Value::NONE })
    }
    /// A future for who waits for room in such a queue; or None.
    pub fn _putter(cx: &mut Ctx, this: Value) -> R {
        let q = receiver(cx, this)?;
        if !in_use(&q) {
            return Ok(Value::NONE);
        }
        let putters = q.slots()[slot::PUTTERS].get();
        _wait(cx, this, putters)
    }
    /// A future among those who wait in a deque.
    pub fn _wait(cx: &mut Ctx, this: Value, waiters: Value) -> R {
        let q = receiver(cx, this)?;
        let running = own_loop(cx, q)?;
        let f = match eventloop::event_loop(running) {
            Some(_) => eventloop::plain::create_future(cx, running)?,
            None => call_method(cx, running, "create_future", &[])?,
        };
        add_waiter(cx, waiters, f)?;
        Ok(f)
    }
    #[getter]
    pub fn _maxsize(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::MAXSIZE].get())
    }
    #[setter]
    #[name = "_maxsize"]
    pub fn set_maxsize(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        receiver(cx, this)?.slots()[slot::MAXSIZE].set(value);
        Ok(())
    }
    #[getter]
    pub fn _queue(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::ITEMS].get())
    }
    #[setter]
    #[name = "_queue"]
    pub fn set_queue(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        receiver(cx, this)?.slots()[slot::ITEMS].set(value);
        Ok(())
    }
    #[getter]
    pub fn _getters(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::GETTERS].get())
    }
    #[setter]
    #[name = "_getters"]
    pub fn set_getters(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        receiver(cx, this)?.slots()[slot::GETTERS].set(value);
        Ok(())
    }
    #[getter]
    pub fn _putters(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::PUTTERS].get())
    }
    #[setter]
    #[name = "_putters"]
    pub fn set_putters(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        receiver(cx, this)?.slots()[slot::PUTTERS].set(value);
        Ok(())
    }
    #[getter]
    pub fn _unfinished_tasks(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::UNFINISHED].get())
    }
    #[setter]
    #[name = "_unfinished_tasks"]
    pub fn set_unfinished_tasks(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        receiver(cx, this)?.slots()[slot::UNFINISHED].set(value);
        Ok(())
    }
    #[getter]
    pub fn _finished(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::FINISHED].get())
    }
    #[setter]
    #[name = "_finished"]
    pub fn set_finished(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        receiver(cx, this)?.slots()[slot::FINISHED].set(value);
        Ok(())
    }
    #[getter]
    pub fn _is_shutdown(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::SHUTDOWN].get())
    }
    #[setter]
    #[name = "_is_shutdown"]
    pub fn set_is_shutdown(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        receiver(cx, this)?.slots()[slot::SHUTDOWN].set(value);
        Ok(())
    }
    #[getter]
    pub fn _is_plain(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::PLAIN].get())
    }
    #[setter]
    #[name = "_is_plain"]
    pub fn set_is_plain(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        receiver(cx, this)?.slots()[slot::PLAIN].set(value);
        Ok(())
    }
    #[getter]
    pub fn _loop(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::LOOP].get())
    }
    #[setter]
    #[name = "_loop"]
    pub fn set_loop(cx: &mut Ctx, this: Value, value: Value) -> R<()> {
        receiver(cx, this)?.slots()[slot::LOOP].set(value);
        Ok(())
    }
}
