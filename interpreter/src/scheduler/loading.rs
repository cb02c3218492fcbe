//! Modules that are being loaded: other threads wait for them, so that nobody sees half a module.
//!
//! A thread that would wait for one whose loader waits, maybe through others, for a module that this thread loads gets
//! the unfinished module instead, as it would have from its own circular import.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;

use super::slice::park;
use super::thread::Waiter;
use super::worker::{wake, worker};
use crate::native::{Ctx, R};
use crate::object::isolate::Turn;
use crate::value::Value;

/// What is being loaded, and who waits for it.
#[derive(Default)]
pub struct Loading(Mutex<State>);

#[derive(Default)]
struct State {
    modules: HashMap<String, Load>,
    /// The module that a thread waits for.
    waiting: HashMap<u64, String>,
}

struct Load {
    thread: u64,
    waiters: Vec<Waiter>,
}

impl State {
    /// Whether the loader of a module waits for a thread, maybe through others.
    fn leads_to(&self, module: &str, thread: u64) -> bool {
        let mut at = module;
        // Each step is to another loader: the way ends, as nobody begins to wait in a circle.
        while let Some(load) = self.modules.get(at) {
            if load.thread == thread {
                return true;
            }
            match self.waiting.get(&load.thread) {
                Some(next) => at = next,
                None => return false,
            }
        }
        false
    }
}

/// `Machine::begin_import`
pub fn begin(cx: &mut Ctx, module: &str) -> R<Turn> {
    let w = worker(cx);
    let (shared, me) = (w.shared.clone(), w.current.clone());
    let mut state = shared.loading.0.lock();
    if !state.modules.contains_key(module) {
        state.modules.insert(module.to_string(), Load { thread: me.id, waiters: Vec::new() });
        cx.iso().importing.fetch_add(1, Ordering::SeqCst);
        return Ok(Turn::Mine);
    }
    if state.leads_to(module, me.id) {
        return Ok(Turn::Partial);
    }
    let waiter = me.arm();
    if let Some(load) = state.modules.get_mut(module) {
        load.waiters.push(waiter.clone());
    }
    state.waiting.insert(me.id, module.to_string());
    drop(state);
    cx.park_deadline = None;
    let woken = park(cx, true);
    let mut state = shared.loading.0.lock();
    state.waiting.remove(&me.id);
    if let Some(load) = state.modules.get_mut(module) {
        load.waiters.retain(|w| *w != waiter);
    }
    drop(state);
    woken.map(|_| Turn::Over)
}

/// `Machine::end_import`
pub fn end(cx: &mut Ctx, module: &str) {
    let shared = worker(cx).shared.clone();
    let ended = shared.loading.0.lock().modules.remove(module);
    cx.iso().importing.fetch_sub(1, Ordering::SeqCst);
    for waiter in ended.into_iter().flat_map(|load| load.waiters) {
        wake(cx, &waiter, Ok(Value::TRUE));
    }
}
