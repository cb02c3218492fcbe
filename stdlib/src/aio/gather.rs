//! What `gather` keeps of its children: how many have not ended, and who is told when it matters.
//!
//! A child that ends has the loop look at the group in its next round, as it would call a callback. Only an outcome that is
//! no result, and the last one, are for the script.

use conc_interpreter::native::{Ctx, NativeFrame, R, Step};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::generator::Generator;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::sequence::List;
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;

use super::future::{self, flag, state};
use super::{eventloop, task};
use crate::concurrency::contextvars;
use crate::data::boxes::{make, number, receiver as boxed, set_number};
use crate::data::deque;

static GROUP: Behavior = Behavior::named("gather");

pub mod slot {
    /// Called with a child.
    pub const CALLBACK: usize = 0;
    pub const CONTEXT: usize = 1;
    /// Children that have not ended.
    pub const LEFT: usize = 2;
    /// A deque of those that have, and that the loop has not looked at.
    pub const ENDED: usize = 3;
    pub const COUNT: usize = 4;
}

/// The group behind a value.
pub fn group(v: Value) -> Option<Gc<Boxed>> {
    v.cast::<Boxed>().filter(|b| b.is(&GROUP))
}

fn receiver(cx: &mut Ctx, this: Value) -> R<Gc<Boxed>> {
    boxed(cx, this, &GROUP)
}

/// A child has ended: the loop looks at it in its next round.
pub fn child_ended(cx: &mut Ctx, g: Gc<Boxed>, child: Gc<Boxed>) -> R<()> {
    if let Some(ended) = deque::deque(g.slots()[slot::ENDED].get()) {
        while !deque::try_push(cx, ended, child.value(), false) {
            deque::grow(cx, ended)?;
        }
    }
    eventloop::push(cx, child.slots()[future::slot::LOOP].get(), g.value())
}

/// Looks at the next child that has ended; the call, if the script is to be told.
pub fn look(cx: &mut Ctx, frame: &mut NativeFrame<'_>, g: Gc<Boxed>) -> Option<Step> {
    let ended = deque::deque(g.slots()[slot::ENDED].get())?;
    let child = deque::pop_end(cx, ended, true)?;
    let left = number(&g, slot::LEFT) - 1;
    set_number(&g, slot::LEFT, left);
    let is_result = future::future(child).is_some_and(|f| future::state_of(&f) == state::FINISHED);
    (left == 0 || !is_result).then(|| frame.call(g.slots()[slot::CALLBACK].get(), &[child]))
}

/// gather
#[methods]
pub mod plain {
    use super::*;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, callback: Value) -> R<Gc<Boxed>> {
        let context = contextvars::copy(cx);
        let ended = deque::empty(cx)?;
        Ok(make(cx, class, &GROUP, &[callback, context, Value::small_int(0), ended]))
    }
    /// Make a task of a coroutine that is none yet, as a child; or None.
    pub fn start(cx: &mut Ctx, this: Value, event_loop: Value, coro: Value) -> R {
        let g = receiver(cx, this)?;
        let is_fresh =
            coro.cast::<Generator>().is_some_and(|c| c.header.shape() == ClassId::Coroutine.shape() && !c.is_busy());
        if !is_fresh || !eventloop::makes_plain_tasks(event_loop) {
            return Ok(Value::NONE);
        }
        let made = task::create(cx, event_loop, coro, Value::NONE, Value::NONE)?;
        if let Some(t) = task::task(made) {
            // Told of by the outer future, if by any.
            future::put(&t, flag::LOG_DESTROY, false);
            future::add_entry(cx, t, g.value())?;
            set_number(&g, slot::LEFT, number(&g, slot::LEFT) + 1);
        }
        Ok(made)
    }
    /// Children that have not ended.
    #[getter]
    pub fn left(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.slots()[slot::LEFT].get())
    }
    #[setter]
    #[name = "left"]
    pub fn set_left(cx: &mut Ctx, this: Value, left: i64) -> R<()> {
        set_number(&*receiver(cx, this)?, slot::LEFT, left);
        Ok(())
    }
    /// A list of the results of all children, or None if one has no result.
    pub fn results(cx: &mut Ctx, this: Value, children: Value) -> R {
        receiver(cx, this)?;
        let Some(children) = children.cast::<List>() else { return Ok(Value::NONE) };
        let children = cx.list_snapshot(children)?;
        let results = cx.new_list();
        for &child in children.items() {
            match future::future(child).filter(|f| future::state_of(f) == state::FINISHED) {
                Some(f) => cx.list_push(results, f.slots()[future::slot::RESULT].get())?,
                None => return Ok(Value::NONE),
            }
        }
        Ok(results.value())
    }
}
