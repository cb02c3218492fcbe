//! Frames of resumable natives.
//!
//! Registers: 0 state, 1..8 arguments and scratch, 8..12 the iteration that the native drives, 12 the outcome of what
//! was called, asked or waited for; what is called has its frame from there on. The code is the native stub (see
//! `words`). A native's frame counts as a script frame only above another native's: scripts see the depth of theirs.

use super::call::{Called, Entry, check_depth, first_frame, link, open_barrier, place_frame, run_nested};
use super::run::Outcome;
use crate::bytecode::op::{Op, abc, abx};
use crate::native::{Args, Ctx, Entered, NativeDef, NativeFrame, ParamKind, R, Raised, ResumeFn, Step};
use crate::object::function::{Code, Native};
use crate::object::kind::ClassId;
use crate::object::sequence::Tuple;
use crate::value::{Gc, Value};

/// Where the iteration state is.
pub const ITERATOR: u16 = 1 + NativeFrame::SLOTS as u16;
pub const RESULT: u16 = ITERATOR + 4;
/// Where the arguments of what is called are.
pub const ARGUMENTS: u16 = RESULT + 4;
pub const REGISTERS: u16 = ARGUMENTS + NativeFrame::ARGUMENTS as u16;

/// The stub's words that ask and send to the iterator.
pub const NEXT_AT: usize = 9;
pub const SEND_AT: usize = 13;
/// Where the stub's exception handler begins.
pub const RAISED_AT: u32 = 3;

/// Why the stub enters the native: `ResumeNative`'s aux.
const WITH: u8 = 0;
const RAISED: u8 = 1;
const START: u8 = 2;
const ENDED: u8 = 3;

/// The stub's code: enter for the first time; with an exception; with a value, over and over; ask the iterator; at
/// its end; send to the iterator.
pub fn words() -> Vec<u64> {
    let enter = |aux: u8| abc(Op::ResumeNative, aux, RESULT, 0, 0);
    let jump = |offset: i32| abx(Op::Jump, 0, 0, offset as u32);
    let ask = |op: Op, offset: i16| abc(op, 0, ITERATOR, RESULT, offset as u16);
    vec![
        enter(START),
        0,
        jump(4),
        enter(RAISED),
        0,
        jump(1),
        enter(WITH),
        0,
        jump(-2),
        ask(Op::ForNext, -3),
        enter(ENDED),
        0,
        jump(-6),
        ask(Op::Send, -3),
        jump(-8),
    ]
}

/// The machine's own resumable natives, in the order of [`MACHINE`].
#[derive(Clone, Copy)]
pub enum Machine {
    IterStep,
    Construct,
    Collect,
}

static MACHINE: [&NativeDef; 3] = [&super::iterate::STEP, &super::construct::CONSTRUCT, &super::iterate::COLLECT];

impl Ctx {
    pub(super) fn make_machine_natives(&mut self) -> R<()> {
        let list = self.new_list();
        for def in MACHINE {
            let native = self.new_native(def, ClassId::BuiltinFunction, Value::UNBOUND, Value::NONE);
            self.list_push(list, native.value())?;
        }
        let all = self.list_to_tuple(list)?;
        self.iso().roots.machine_natives.set(all);
        Ok(())
    }

    fn machine_native(&self, which: Machine) -> Gc<Native> {
        let value = self.iso().roots.machine_natives.obj::<Tuple>().items()[which as usize];
        // SAFETY: the tuple holds natives only.
        unsafe { Gc::from_value_unchecked(value) }
    }
}

/// Enters the native whose frame is at `base`.
#[inline(always)]
pub fn enter(cx: &mut Ctx, base: *mut Value, how: u8, outcome: Value) -> Step {
    // SAFETY: `base` is a native's frame.
    let (native, slots) = unsafe {
        let native: Gc<Native> = Gc::from_value_unchecked(*base.sub(4));
        (native, std::slice::from_raw_parts_mut(base, REGISTERS as usize))
    };
    let entered = match how {
        START => Entered::Start,
        RAISED => Entered::Raised(Raised(outcome)),
        ENDED => Entered::Ended(outcome),
        _ => Entered::With(outcome),
    };
    match &native.def().resume {
        Some(resume) => (resume.enter)(cx, &mut NativeFrame { slots }, entered),
        None => Step::Done(Value::NONE),
    }
}

/// 1 for a native's frame that was not counted when it was pushed.
///
/// # Safety
/// `base` is a native's frame.
#[inline(always)]
pub unsafe fn uncounted(base: *mut Value) -> usize {
    // SAFETY: by the contract; `begin` has written the word.
    unsafe { (*base.sub(3)).bits() as usize }
}

/// The slots of a frame with these arguments: the fixed ones, then `*args` as a tuple, then `**kwargs`.
fn slots_of(cx: &mut Ctx, def: &NativeDef, args: Args<'_>) -> R<[Value; NativeFrame::SLOTS]> {
    let mut slots = [Value::UNBOUND; NativeFrame::SLOTS];
    let fixed = args.fixed.len().min(slots.len());
    slots[..fixed].copy_from_slice(&args.fixed[..fixed]);
    let mut at = def.max as usize + def.params.iter().filter(|p| p.kind == ParamKind::KeywordOnly).count();
    if def.has_rest {
        slots[at] = cx.tuple(args.rest)?;
        at += 1;
    }
    if def.has_kwargs {
        slots[at] = args.kwargs.0.map_or(Value::UNBOUND, |k| k.value());
    }
    Ok(slots)
}

/// Makes the linked frame at `base` the innermost one.
///
/// # Safety
/// `base` has room for [`REGISTERS`]; `cx.base` is the frame below.
unsafe fn begin(cx: &mut Ctx, base: *mut Value, slots: &[Value]) {
    let stub = cx.iso().roots.native_stub.obj::<Code>();
    // SAFETY: by the contract.
    unsafe {
        let counted = !cx.base.is_null() && *cx.base.sub(1) == stub.value();
        *base.sub(3) = Value::from_bits(u64::from(!counted));
        *base = Value::small_int(0);
        for i in 0..NativeFrame::SLOTS {
            *base.add(1 + i) = slots.get(i).copied().unwrap_or(Value::UNBOUND);
        }
        *base.add(ITERATOR as usize + 1) = Value::small_int(0);
        *base.add(RESULT as usize) = Value::NONE;
        cx.base = base;
        cx.pc = stub.entry;
        cx.depth += usize::from(counted);
    }
}

/// Pushes a native's frame for the loop.
pub fn push_native(cx: &mut Ctx, native: Gc<Native>, args: Args<'_>, a: usize) -> R<Called> {
    let slots = slots_of(cx, native.def(), args)?;
    check_depth(cx)?;
    let stub = cx.iso().roots.native_stub.obj::<Code>();
    // SAFETY: the caller's frame is innermost.
    unsafe {
        let base = place_frame(cx, native.value(), stub, a)?;
        begin(cx, base, &slots);
    }
    Ok(Called::Frame)
}

/// Pushes the frame of one of the machine's natives for what an instruction calls: one with register `a`, or one that
/// is no call.
pub fn push_machine(cx: &mut Ctx, which: Machine, slots: &[Value], a: Option<usize>) -> R<Called> {
    let native = cx.machine_native(which);
    check_depth(cx)?;
    let mut copy = [Value::UNBOUND; NativeFrame::SLOTS];
    copy[..slots.len()].copy_from_slice(slots);
    let stub = cx.iso().roots.native_stub.obj::<Code>();
    // SAFETY: the instruction's frame is innermost.
    unsafe {
        let base = match a {
            Some(a) => place_frame(cx, native.value(), stub, a)?,
            None => {
                let special = cx.iso().roots.special_stub.obj::<Code>();
                open_barrier(cx, special, native.value(), stub, cx.pc)?
            }
        };
        begin(cx, base, &copy);
    }
    Ok(Called::Frame)
}

/// Pushes a resumable native's frame as the first one of a thread or greenlet.
pub fn start_native(cx: &mut Ctx, native: Gc<Native>, slots: &[Value]) -> R<()> {
    let stub = cx.iso().roots.native_stub.obj::<Code>();
    let base = first_frame(cx, native.value(), stub)?;
    // SAFETY: the frame was linked just now, with the room that its code asks for; none is below.
    unsafe { begin(cx, base, slots) };
    Ok(())
}

/// Runs a resumable native that may wait, but pushes nothing else, without a frame: when it waits, the native stack does.
pub fn run_straight(cx: &mut Ctx, args: Args<'_>, enter: ResumeFn) -> R {
    let mut slots = [Value::UNBOUND; REGISTERS as usize];
    slots[0] = Value::small_int(0);
    let given = args.fixed.len().min(NativeFrame::SLOTS);
    slots[1..=given].copy_from_slice(&args.fixed[..given]);
    let mut entered = Entered::Start;
    loop {
        let woken = match enter(cx, &mut NativeFrame { slots: &mut slots }, entered) {
            Step::Done(v) => return Ok(v),
            Step::Raise(e) => return Err(e),
            Step::Call(f, n) => {
                let at = slots.len() - NativeFrame::ARGUMENTS;
                cx.call(f, &slots[at..at + n])
            }
            Step::Park(deadline) => {
                cx.park_deadline = deadline;
                (cx.iso().machine.park)(cx, true)
            }
            Step::Yield => {
                cx.park_deadline = None;
                (cx.iso().machine.park)(cx, false)
            }
            Step::CallNamed(_) | Step::Next(_) | Step::Send(..) => {
                return Err(cx.error(ClassId::SystemError, "a native that needs a frame was called without one"));
            }
        };
        entered = match woken {
            Ok(v) => Entered::With(v),
            Err(e) => Entered::Raised(e),
        };
    }
}

/// Runs a resumable native to its end on the current native stack.
pub fn run_native(cx: &mut Ctx, native: Gc<Native>, args: Args<'_>) -> R {
    cx.check_stack()?;
    check_depth(cx)?;
    let slots = slots_of(cx, native.def(), args)?;
    let entry = Entry::open(cx, REGISTERS as usize)?;
    // SAFETY: the barrier and the frame lie in the segment with room to spare.
    unsafe {
        let e = entry.barrier;
        let base = e.add(4);
        let exit = cx.iso().roots.exit_stub.obj::<Code>();
        let stub = cx.iso().roots.native_stub.obj::<Code>();
        *e.sub(1) = exit.value();
        *e = native.value();
        link(base, exit.entry.add(2), stub);
        begin(cx, base, &slots);
        let result = run_nested(cx, stub.entry, base);
        entry.close(cx);
        result.map(Outcome::value)
    }
}
