//! Generators and coroutines that nobody can resume any more, though they have not ended.

use std::sync::atomic::Ordering;

use super::generator;
use crate::native::{Ctx, R};
use crate::object::dict::Dict;
use crate::object::function::Code;
use crate::object::generator::{Generator, state};
use crate::object::kind::ClassId;
use crate::object::sequence::Tuple;
use crate::value::{Gc, Value};

/// `Machine::abandoned`: closes a generator that waits in a `try` or `with`, warns of a coroutine that was never awaited.
pub fn abandoned(cx: &mut Ctx, g: Gc<Generator>) {
    let asynchronous = g.header().shape() == ClassId::AsyncGenerator.shape();
    let result = match g.state() {
        state::CREATED if g.header().shape() == ClassId::Coroutine.shape() => never_awaited(cx, g),
        state::SUSPENDED if asynchronous => lost(cx, g),
        state::SUSPENDED => generator::close(cx, g),
        _ => Ok(()),
    };
    if let Err(e) = result {
        cx.unraisable(e, g.value());
    }
}

fn never_awaited(cx: &mut Ctx, g: Gc<Generator>) -> R<()> {
    let place = match made_at(cx, g) {
        Some((code, line)) => {
            let line = cx.int(line.into());
            cx.tuple(&[code.value(), line])?
        }
        None => Value::NONE,
    };
    if !g.claim(state::CREATED) {
        return Ok(());
    }
    g.set_state(state::DONE);
    let warnings = cx.import("warnings")?;
    let warn = cx.get_attr_text(warnings, "_warn_unawaited_coroutine")?;
    cx.call(warn, &[g.value(), place]).map(drop)
}

/// Code and line that made a coroutine, which has not run yet.
fn made_at(cx: &Ctx, g: Gc<Generator>) -> Option<(Gc<Code>, u32)> {
    let (code, at) = generator::made_in(cx, g)?;
    Some((code, generator::line(code, at)))
}

/// Has the event loop that an asynchronous generator belongs to close it.
fn lost(cx: &mut Ctx, g: Gc<Generator>) -> R<()> {
    let hook = g.names.get().cast::<Tuple>().and_then(|names| names.items().get(2).copied());
    match hook {
        Some(hook) if !hook.is_none() => cx.call(hook, &[g.value()]).map(drop),
        _ => Ok(()),
    }
}

/// Tells the event loop, or the hooks that a script has set, that an asynchronous generator is iterated for the first
/// time; keeps who is to be told when it is lost.
pub fn first_iteration(cx: &mut Ctx, g: Gc<Generator>) -> R<()> {
    let event_loop = cx.fiber.event_loop.get();
    let (first, last) = match event_loop.is_none() {
        true => (script_hook(cx, "sys.asyncgen_firstiter"), script_hook(cx, "sys.asyncgen_finalizer")),
        false => {
            let (first, last) = (cx.intern("_on_first_iteration"), cx.intern("_on_lost_generator"));
            (cx.get_attr_opt(event_loop, first)?, cx.get_attr_opt(event_loop, last)?)
        }
    };
    if let Some(last) = last {
        let names = cx.tuple(&[g.name(), g.qualname(), last])?;
        g.names.set(names);
    }
    match first {
        Some(first) if !first.is_none() => cx.call(first, &[g.value()]).map(drop),
        _ => Ok(()),
    }
}

fn script_hook(cx: &mut Ctx, name: &str) -> Option<Value> {
    let kept = cx.iso().roots.extra.get().cast::<Dict>()?;
    let name = cx.intern(name);
    kept.get_str(cx, name)
}

impl Generator {
    /// Keeps where a coroutine is made, until it first runs: the caller's code, and the instruction after the call.
    ///
    /// # Safety
    /// `base` is the linked frame of the coroutine function.
    #[inline(always)]
    pub(super) unsafe fn note_caller(&self, cx: &Ctx, base: *mut Value) {
        // SAFETY: by the contract; a barrier's words say whose frame is below it.
        unsafe {
            let mut return_pc = (*base.sub(2)).bits() as *const std::sync::atomic::AtomicU64;
            let mut caller = crate::object::walk::caller_base(base, return_pc);
            if *caller.sub(1) == cx.iso().roots.segment_stub.get() {
                return_pc = (*caller.sub(2)).bits() as *const _;
                caller = (*caller.sub(3)).bits() as *mut Value;
            }
            self.note_made(*caller.sub(1), return_pc);
        }
    }
    /// Keeps the code that makes a coroutine, and the instruction after the call.
    #[inline(always)]
    pub(super) fn note_made(&self, code: Value, return_pc: *const std::sync::atomic::AtomicU64) {
        self.outer_handled.set(code);
        self.link_pc.store(return_pc as *mut _, Ordering::Relaxed);
    }
}
