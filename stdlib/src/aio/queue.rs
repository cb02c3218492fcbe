//! The native part of `asyncio.Queue`: what it holds, and the calls that need not wait.
//!
//! A queue that keeps its items as the class itself does (it is plain) gives and takes them here; all else is for the
//! script part, which is told so.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;

use super::{eventloop, functions};
use crate::core::shared::call_method;
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
    pub const COUNT: usize = 9;
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
        make(cx, class, &QUEUE, &slots)
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
        let Some(items) = plain_items(&q) else { return Ok(nothing) };
        let Some(item) = deque::pop_end(cx, items, true) else { return Ok(nothing) };
        let putters = q.slots()[slot::PUTTERS].get();
        wake(cx, putters)?;
        Ok(item)
    }
    /// A future for who waits for an item of a queue that is plain and still in use; or None.
    pub fn _getter(cx: &mut Ctx, this: Value) -> R {
        waiter(cx, this, slot::GETTERS)
    }
    /// The same for room.
    pub fn _putter(cx: &mut Ctx, this: Value) -> R {
        waiter(cx, this, slot::PUTTERS)
    }
    fn waiter(cx: &mut Ctx, this: Value, which: usize) -> R {
        let q = receiver(cx, this)?;
        if plain_items(&q).is_none() || q.slots()[slot::SHUTDOWN].get() != Value::FALSE {
            return Ok(Value::NONE);
        }
        let waiters = q.slots()[which].get();
        _wait(cx, this, waiters)
    }
    /// A future among those who wait in a deque.
    pub fn _wait(cx: &mut Ctx, this: Value, waiters: Value) -> R {
        let q = receiver(cx, this)?;
        let running = functions::get_running_loop(cx)?;
        let own = &q.slots()[slot::LOOP];
        if own.get() != running {
            if !own.get().is_none() {
                let shown = cx.repr_text(this);
                return Err(cx.runtime_error(format!("{shown} is bound to a different event loop")));
            }
            own.set(running);
        }
        let f = match eventloop::event_loop(running) {
            Some(_) => eventloop::plain::create_future(cx, running)?,
            None => call_method(cx, running, "create_future", &[])?,
        };
        match deque::deque(waiters) {
            Some(d) => {
                while !deque::try_push(cx, d, f, false) {
                    deque::grow(cx, d)?;
                }
            }
            None => drop(call_method(cx, waiters, "append", &[f])?),
        }
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
