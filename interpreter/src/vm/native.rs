//! Frames of resumable natives.
//!
//! Registers: 0 state, 1..8 arguments and scratch, 8 the outcome of what was called or waited for; what is called has
//! its frame from there on. The code is the native stub (see `code::native_words`).

use super::call::{Called, Entry, check_depth, link, run_nested};
use super::run::Outcome;
use crate::native::{Ctx, Entered, NativeFrame, R, Raised, Step};
use crate::object::function::{Code, Native};
use crate::value::{Gc, Value};

pub const RESULT: u16 = 1 + NativeFrame::SLOTS as u16;
pub const REGISTERS: u16 = RESULT + 4;

/// Enters the native whose frame is at `base`.
pub fn enter(cx: &mut Ctx, base: *mut Value, how: u8, outcome: Value) -> Step {
    // SAFETY: `base` is a native's frame.
    let (native, slots) = unsafe {
        let native: Gc<Native> = Gc::from_value_unchecked(*base.sub(4));
        (native, std::slice::from_raw_parts_mut(base, RESULT as usize))
    };
    let entered = match how {
        2 => Entered::Start,
        1 => Entered::Raised(Raised(outcome)),
        _ => Entered::With(outcome),
    };
    match native.def().resume {
        Some(f) => f(cx, &mut NativeFrame { slots }, entered),
        None => Step::Done(Value::NONE),
    }
}

/// Fills a native's frame at `base`, whose links are written by the caller.
///
/// # Safety
/// `base` has room for [`REGISTERS`].
pub unsafe fn fill(base: *mut Value, native: Gc<Native>, args: &[Value]) {
    // SAFETY: by the contract.
    unsafe {
        *base.sub(4) = native.value();
        *base = Value::small_int(0);
        for i in 0..NativeFrame::SLOTS {
            *base.add(1 + i) = args.get(i).copied().unwrap_or(Value::UNBOUND);
        }
        *base.add(RESULT as usize) = Value::NONE;
    }
}

/// Pushes a native's frame for the loop, if there is room; else the native is run here.
pub fn push_native(cx: &mut Ctx, native: Gc<Native>, args: &[Value], a: usize) -> R<Called> {
    check_arity(cx, native, args)?;
    let mut copy = [Value::UNBOUND; NativeFrame::SLOTS];
    copy[..args.len()].copy_from_slice(args);
    let stub = cx.iso().roots.native_stub.obj::<Code>();
    // SAFETY: the room is checked; the caller's frame is innermost.
    unsafe {
        let direct = cx.base.add(a + 4);
        if cx.limit.is_null() || direct.add(REGISTERS as usize) > cx.limit {
            return run_native(cx, native, args).map(Called::Value);
        }
        check_depth(cx)?;
        link(direct, cx.pc.add(1), stub);
        fill(direct, native, &copy);
        cx.base = direct;
        cx.pc = stub.entry;
        cx.depth += 1;
    }
    Ok(Called::Frame)
}

fn check_arity(cx: &mut Ctx, native: Gc<Native>, args: &[Value]) -> R<()> {
    let def = native.def();
    if args.len() < def.min as usize || args.len() > def.max as usize || args.len() > NativeFrame::SLOTS {
        return Err(cx.native_arity(native, def, args.len()));
    }
    Ok(())
}

/// Runs a resumable native to its end on the current native stack.
pub fn run_native(cx: &mut Ctx, native: Gc<Native>, args: &[Value]) -> R {
    check_arity(cx, native, args)?;
    cx.check_stack()?;
    check_depth(cx)?;
    let entry = Entry::open(cx, REGISTERS as usize)?;
    // SAFETY: the barrier and the frame lie in the segment with room to spare.
    unsafe {
        let e = entry.barrier;
        let base = e.add(4);
        let exit = cx.iso().roots.exit_stub.obj::<Code>();
        let stub = cx.iso().roots.native_stub.obj::<Code>();
        *e.sub(1) = exit.value();
        link(base, exit.entry.add(2), stub);
        fill(base, native, args);
        cx.depth += 1;
        let result = run_nested(cx, stub.entry, base);
        entry.close(cx);
        result.map(Outcome::value)
    }
}
