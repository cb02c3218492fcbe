//! Unwinding: from a raised exception to its handler.

use std::sync::atomic::AtomicU64;

use super::call::leave_barrier;
use super::code::GENERATOR_LIKE;
use super::generator;
use crate::bytecode::op::Op;
use crate::native::{Ctx, Raised};
use crate::object::exception::{Exception, Traceback};
use crate::object::function::Code;
use crate::object::kind::ClassId;
use crate::value::{Gc, Value};

/// Where unwinding ended.
pub enum Unwound {
    /// At a handler: go on at `cx.pc`, `cx.base`.
    Handler,
    /// The run's entry frame was left.
    Exit(Raised),
}

/// Unwinds from the frame at `cx.base`, `cx.pc`; with `skip`, that frame's own handlers do not count.
pub fn unwind(cx: &mut Ctx, exc: Value, skip: bool) -> Unwound {
    let mut exc = exc;
    let mut skip = skip;
    loop {
        let base = cx.base;
        // SAFETY: `base` is a live frame.
        let code: Gc<Code> = unsafe { Gc::from_value_unchecked(*base.sub(1)) };
        let at = code.index_of(cx.pc).wrapping_sub(1);
        let template = code.template();
        if let Some(e) = exc.cast::<Exception>()
            && template.first_line != 0
        {
            add_traceback(cx, e, code, at);
        }
        let handler = template.handlers.iter().find(|h| h.start <= at && at < h.end);
        if let Some(h) = handler.filter(|_| !std::mem::take(&mut skip)) {
            // SAFETY: the verifier checks handler registers and targets.
            unsafe {
                *base.add(h.exc as usize) = exc;
                cx.pc = code.entry.add(h.target as usize);
            }
            return Unwound::Handler;
        }
        if code.flags & GENERATOR_LIKE != 0
            && let Some(g) = generator::of_frame(cx, base)
        {
            exc = generator::translate_stop(cx, g, code, exc);
            match generator::finish(cx, g) {
                Some((caller, pc)) => {
                    cx.base = caller;
                    cx.pc = pc;
                    continue;
                }
                None => return Unwound::Exit(Raised(exc)),
            }
        }
        if code.value() == cx.iso().roots.native_stub.get() {
            // SAFETY: the frame's code is the natives'.
            cx.depth += unsafe { super::native::uncounted(base) };
        }
        cx.depth -= 1;
        // SAFETY: an ordinary frame's return pc follows a call instruction with one cache word.
        unsafe {
            let return_pc = (*base.sub(2)).bits() as *const AtomicU64;
            let next = (*return_pc).load(std::sync::atomic::Ordering::Relaxed);
            if next as u8 == Op::Exit as u8 {
                return Unwound::Exit(Raised(exc));
            }
            if next as u8 == Op::SegmentReturn as u8 {
                let (caller, pc) = leave_barrier(cx, base.sub(4));
                cx.base = caller;
                cx.pc = pc;
                continue;
            }
            if next as u8 == Op::SpecialReturn as u8 {
                (cx.base, cx.pc) = leave_barrier(cx, base.sub(4));
                if super::special::raised(cx, Raised(exc)) {
                    return Unwound::Handler;
                }
                continue;
            }
            cx.base = caller_base(base, return_pc);
            cx.pc = return_pc;
        }
    }
}

/// The base of the frame that made the call returning to `return_pc`.
///
/// # Safety
/// `base` is a frame called by the instruction before `return_pc`.
#[inline(always)]
pub unsafe fn caller_base(base: *mut Value, return_pc: *const AtomicU64) -> *mut Value {
    // SAFETY: by the contract.
    unsafe {
        let call = (*return_pc.sub(2)).load(std::sync::atomic::Ordering::Relaxed);
        base.sub((call >> 16) as u16 as usize + 4)
    }
}

/// Puts a frame's entry in front of the exception's traceback. A bare re-raise adds none for the frame it is in.
fn add_traceback(cx: &mut Ctx, e: Gc<Exception>, code: Gc<Code>, at: u32) {
    let old = e.traceback.get();
    // SAFETY: `at` is an instruction index of the code.
    let word = unsafe { (*code.entry.add(at as usize)).load(std::sync::atomic::Ordering::Relaxed) };
    if word as u8 == Op::Reraise as u8
        && let Some(tb) = old.cast::<Traceback>()
        && tb.code.get() == code.value()
    {
        return;
    }
    let tb = cx.new_traceback(old, code.value(), at);
    e.traceback.set(tb.value());
}

/// Whether an exception is one of a class.
pub fn is(cx: &Ctx, exc: Value, id: ClassId) -> bool {
    cx.is_instance(exc, id)
}
