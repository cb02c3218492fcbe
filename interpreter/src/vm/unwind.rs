//! Unwinding: from a raised exception to its handler.

use std::sync::atomic::AtomicU64;

use super::call::leave_barrier;
use super::generator;
use crate::bytecode::op::Op;
use crate::bytecode::template::flags::GENERATOR_LIKE;
use crate::bytecode::word::Word;
use crate::native::{Ctx, Raised};
use crate::object::exception::Exception;
use crate::object::function::Code;
use crate::object::kind::ClassId;
use crate::object::walk::caller_base;
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
            add_traceback(cx, e, base, code, at);
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

/// Puts a frame's entry in front of the exception's traceback. Instructions that raise something again add none for
/// the frame they are in.
fn add_traceback(cx: &mut Ctx, e: Gc<Exception>, base: *mut Value, code: Gc<Code>, at: u32) {
    // SAFETY: `at` is an instruction index of the code.
    let word = unsafe { Word::at(code.entry.add(at as usize)) };
    // A bare raise with nothing to raise again has made an exception of its own.
    let again = word.is(Op::Reraise) || word.is(Op::EndAsyncFor) || word.is(Op::RaiseBare) && e.value() == cx.handled;
    if again {
        return;
    }
    // SAFETY: the frame is live; it has the word of its callee and the registers of its locals.
    let (callee, registers) =
        unsafe { (*base.sub(4), std::slice::from_raw_parts(base, crate::object::locals::count(code))) };
    let tb = cx.new_traceback(e.traceback.get(), (code.value(), at), callee, registers);
    e.traceback.set(tb.value());
}

/// Whether an exception is one of a class.
pub fn is(cx: &Ctx, exc: Value, id: ClassId) -> bool {
    cx.is_instance(exc, id)
}
