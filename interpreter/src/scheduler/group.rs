//! Groups: green threads of which one at a time may run, the others' turn coming when it waits or ends.
//!
//! That is what gevent's greenlets are to each other. The member that runs *holds* the group, also while its slice is
//! over and it stands in a run queue. Whoever ends the wait of another one finds the group held and leaves the member in
//! the group's line ([`Group::admit`]); the holder passes the group on to the first in line when it has parked
//! ([`pass_on`]). So every native that waits lets the others run, and none has to know.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use parking_lot::Mutex;

use super::thread::{MAIN, Thread, Waiter};
use super::wait::Claim;
use super::worker::worker;
use crate::native::{Ctx, R};
use crate::value::Value;

/// Threads that take turns.
#[derive(Default)]
pub struct Group {
    line: Mutex<Line>,
    /// The thread that has formed the group.
    pub owner: u64,
}

#[derive(Default)]
struct Line {
    is_held: bool,
    next: VecDeque<Next>,
}

/// What comes when its turn does.
enum Next {
    /// A thread that is ready, or new.
    Ready(Arc<Thread>),
    /// A thread that has let the others go first.
    Yielded(Waiter),
    /// An exception to raise in a thread where it waits; the number of the host's handle of it.
    Throw(Arc<Thread>, usize),
}

/// A thread's group, set at most once: a word.
#[derive(Default)]
pub struct GroupCell(AtomicPtr<Group>);

impl GroupCell {
    #[inline]
    pub fn get(&self) -> Option<&Group> {
        // SAFETY: null, or a count that the cell owns until it is dropped.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }
    pub fn get_or_init(&self, make: impl FnOnce() -> Arc<Group>) -> Arc<Group> {
        if self.get().is_none() {
            let made = Arc::into_raw(make()).cast_mut();
            let set = self.0.compare_exchange(std::ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire);
            if set.is_err() {
                // SAFETY: the count made just now, which nobody has got.
                drop(unsafe { Arc::from_raw(made) });
            }
        }
        let group = self.0.load(Ordering::Acquire);
        // SAFETY: the cell's own count is there, and stays; this is another one.
        unsafe {
            Arc::increment_strong_count(group);
            Arc::from_raw(group)
        }
    }
}

impl Drop for GroupCell {
    fn drop(&mut self) {
        let group = *self.0.get_mut();
        if !group.is_null() {
            // SAFETY: the cell's own count.
            drop(unsafe { Arc::from_raw(group) });
        }
    }
}

impl Group {
    /// Whether a thread that is ready may run now, and holds the group; else it is in line.
    pub fn admit(&self, thread: &Arc<Thread>) -> bool {
        let mut line = self.line.lock();
        if line.is_held {
            line.next.push_back(Next::Ready(thread.clone()));
            return false;
        }
        line.is_held = true;
        true
    }

    fn push(&self, next: Next) {
        self.line.lock().next.push_back(next);
    }

    /// Takes the group, if nobody holds it.
    fn take(&self) -> bool {
        !std::mem::replace(&mut self.line.lock().is_held, true)
    }

    /// The holder lets go: the next one, which holds the group now.
    fn pass(&self, cx: &mut Ctx) -> Option<Arc<Thread>> {
        // So many exceptions in a row have not found their thread waiting.
        let mut missed = 0;
        loop {
            let next = {
                let mut line = self.line.lock();
                let only_misses = missed > line.next.len();
                match line.next.pop_front() {
                    Some(next) if !only_misses => next,
                    other => {
                        line.next.extend(other);
                        line.is_held = false;
                        return None;
                    }
                }
            };
            match next {
                Next::Ready(thread) => return Some(thread),
                Next::Yielded(waiter) => {
                    if waiter.claim_ungated(Value::TRUE, false) == Claim::Queue {
                        return Some(waiter.into_thread());
                    }
                }
                Next::Throw(thread, handle) => {
                    let exc = cx.iso().handles.lock().get(handle);
                    let hits = !thread.is_done() && thread.last_wait().claim_ungated(exc, true) == Claim::Queue;
                    if hits || thread.is_done() {
                        cx.iso().handles.lock().release(handle);
                    } else {
                        missed += 1;
                        self.push(Next::Throw(thread.clone(), handle));
                    }
                    if hits {
                        return Some(thread);
                    }
                }
            }
        }
    }
}

/// The running thread's group, which it forms if it is in none.
pub fn own_group(cx: &mut Ctx) -> Arc<Group> {
    let thread = &worker(cx).current;
    thread.group_or(|| {
        let line = Mutex::new(Line { is_held: true, next: VecDeque::new() });
        Arc::new(Group { line, owner: thread.id })
    })
}

/// A thread that was made just now joins the running thread's group and gets in line.
pub fn enroll(cx: &mut Ctx, thread: &Arc<Thread>) {
    let stands_in = worker(cx).current.stands_in.load(Ordering::Relaxed);
    let main = if stands_in { worker(cx).shared.thread(MAIN) } else { None };
    let mains = main.filter(|main| main.group().is_some());
    let group = match &mains {
        // The handler of a signal runs beside those that take turns with main.
        Some(main) => main.group_or(Arc::default),
        None => own_group(cx),
    };
    group.push(Next::Ready(thread.clone()));
    thread.group_or(|| group.clone());
    if mains.is_some() && group.take() {
        pass_on_of(cx, &group);
    }
}

/// The running thread lets the others of its group go first: it is to park now.
pub fn step_back(cx: &mut Ctx) {
    let group = own_group(cx);
    let waiter = super::arm(cx);
    group.push(Next::Yielded(waiter));
}

/// The threads of the running thread's group that have not ended.
pub fn members(cx: &mut Ctx) -> Vec<Arc<Thread>> {
    let group = own_group(cx);
    let mut threads = super::threads(cx);
    threads.retain(|t| !t.is_done() && t.group().is_some_and(|g| std::ptr::eq(g, &*group)));
    threads
}

/// Raises an exception in a thread that waits; in one that does not, where it waits next.
pub fn throw(cx: &mut Ctx, thread: &Arc<Thread>, exc: Value) -> R<()> {
    if super::worker::wake(cx, &thread.last_wait(), Err(exc)) {
        return Ok(());
    }
    let Some(group) = thread.group() else { return Ok(()) };
    let handle = cx.iso().handles.lock().add(exc);
    group.push(Next::Throw(thread.clone(), handle));
    if group.take() {
        pass_on_of(cx, group);
    }
    Ok(())
}

/// The thread has parked or ended: the next of its group runs, if it is in one.
#[inline]
pub(super) fn pass_on(cx: &mut Ctx, thread: &Thread) {
    if let Some(group) = thread.group() {
        pass_on_of(cx, group);
    }
}

/// The same of the thread that has run here last.
#[inline]
pub(super) fn pass_on_current(cx: &mut Ctx) {
    if worker(cx).current.group().is_some() {
        let thread = worker(cx).current.clone();
        pass_on(cx, &thread);
    }
}

fn pass_on_of(cx: &mut Ctx, group: &Group) {
    if let Some(next) = group.pass(cx) {
        worker(cx).queue(next);
    }
}
