//! Calls: from natives by a nested run, from the loop by pushing a frame.

use std::sync::atomic::{AtomicU64, Ordering};

use super::run::{Outcome, run};
use crate::bytecode::template::flags::GENERATOR_LIKE;
use crate::native::{Ctx, R, Raised};
use crate::object::class::Class;
use crate::object::function::{Code, Function, Method, Native};
use crate::object::generator::Generator;
use crate::object::kind::Kind;
use crate::object::sequence::Tuple;
use crate::object::stack::{BARRIER, Segment};
use crate::value::{Gc, Value};

/// Words left free at a segment's end, so that moving arguments up by one never leaves it.
const SLACK: usize = 8;
const LARGEST_SEGMENT: usize = 8 << 10;

/// What a call from the loop led to.
pub enum Called {
    /// A frame was pushed: go on at `cx.pc`, `cx.base`.
    Frame,
    Value(Value),
    /// A generator has been claimed: enter it with the value, its results are the call's.
    Send(Gc<Generator>, Value),
}

/// `Machine::call`
pub fn call(cx: &mut Ctx, f: Value, args: &[Value], names: &[Value]) -> R {
    // The caller's frame may hold values.
    let entry = std::mem::take(&mut cx.loop_entry);
    let called = dispatch(cx, f, args, names, None);
    cx.loop_entry = entry;
    match called? {
        Called::Value(v) => Ok(v),
        Called::Frame | Called::Send(..) => Err(Raised(Value::NONE)),
    }
}

/// Calls anything. With `at` (register A of the calling instruction) a script function's frame is pushed for the
/// loop to run; without, it runs here.
pub fn dispatch(cx: &mut Ctx, f: Value, args: &[Value], names: &[Value], at: Option<usize>) -> R<Called> {
    let Some(header) = f.header() else { return Err(not_callable(cx, f)) };
    match Kind::of(header.kind()) {
        Kind::Function => {
            let Some(function) = f.cast::<Function>() else { return Err(not_callable(cx, f)) };
            if at.is_some()
                && names.is_empty()
                && let Some(coroutine) = super::generator::call(cx, function, args)?
            {
                return Ok(Called::Value(coroutine));
            }
            match at {
                Some(a) => push_frame(cx, function, args, names, a).map(|()| Called::Frame),
                None => run_function(cx, function, args, names).map(Called::Value),
            }
        }
        Kind::Native => match f.cast::<Native>() {
            Some(n) => cx.call_native(n, args, names, at),
            None => Err(not_callable(cx, f)),
        },
        Kind::Method => {
            let Some(m) = f.cast::<Method>() else { return Err(not_callable(cx, f)) };
            let function = m.function.get();
            cx.with_first(m.this.get(), args, |cx, args| dispatch(cx, function, args, names, at))
        }
        Kind::Class => {
            let Some(class) = f.cast::<Class>() else { return Err(not_callable(cx, f)) };
            if let Some(a) = at
                && let Some(called) = super::construct::push_class(cx, class, args, names, a)?
            {
                return Ok(called);
            }
            super::construct::call_class(cx, class, args, names).map(Called::Value)
        }
        _ => {
            let name = cx.names().__call__;
            match cx.lookup_special(f, name) {
                Some(method) if crate::object::attr::is_plain_method(method) => {
                    cx.check_stack()?;
                    cx.with_first(f, args, |cx, args| dispatch(cx, method, args, names, at))
                }
                Some(method) => {
                    cx.check_stack()?;
                    let class = cx.class_of(f);
                    let bound = cx.bind(method, f, class)?;
                    dispatch(cx, bound, args, names, at)
                }
                None => Err(not_callable(cx, f)),
            }
        }
    }
}

#[cold]
fn not_callable(cx: &mut Ctx, f: Value) -> Raised {
    let name = cx.type_name(f);
    cx.type_error(format!("'{name}' object is not callable"))
}

/// Runs a script function to its end on the current native stack.
fn run_function(cx: &mut Ctx, f: Gc<Function>, args: &[Value], names: &[Value]) -> R {
    cx.check_stack()?;
    let code = f.code.obj::<Code>();
    check_depth(cx)?;
    let entry = Entry::open(cx, code.nregs as usize)?;
    // SAFETY: the barrier and the frame lie in the segment with room to spare.
    unsafe {
        let e = entry.barrier;
        let base = e.add(4);
        *e = f.value();
        let stub = cx.iso().roots.exit_stub.obj::<Code>();
        link(base, stub.entry.add(2), code);
        *e.sub(1) = stub.value();
        match cx.bind_args(f, code, args, names, base) {
            Ok(()) => {}
            Err(e) => {
                entry.close(cx);
                return Err(e);
            }
        }
        cx.depth += 1;
        let result = run_nested(cx, code.entry, base);
        entry.close(cx);
        result.map(Outcome::value)
    }
}

/// Runs to the end on this native stack: when the thread parks, the stack waits with it.
///
/// # Safety
/// As for [`run`].
pub unsafe fn run_nested(cx: &mut Ctx, pc: *const AtomicU64, base: *mut Value) -> R<Outcome> {
    cx.nested += 1;
    // SAFETY: by the contract.
    let first = unsafe { run(cx, pc, base) };
    let result = wait_through(cx, first);
    cx.nested -= 1;
    result
}

/// Waits through parks until the run ends.
pub fn wait_through(cx: &mut Ctx, mut outcome: R<Outcome>) -> R<Outcome> {
    while let Ok(Outcome::Parked { deliver }) = outcome {
        outcome = match (cx.iso().machine.park)(cx, deliver) {
            Ok(v) => {
                if deliver {
                    // SAFETY: the parked frame is a native's.
                    unsafe { *cx.base.add(super::native::RESULT as usize) = v };
                }
                // SAFETY: the parked frame goes on where it stopped.
                unsafe { run(cx, cx.pc, cx.base) }
            }
            Err(Raised(e)) => super::run::run_raising(cx, cx.pc, cx.base, e),
        };
    }
    outcome
}

/// How a new thread began.
pub enum Started {
    /// Its first frame is pushed: run it from `cx.pc`, `cx.base`.
    Frame,
    Ended(Value),
}

/// Pushes the first frame of a thread on its empty stack (of a function or of module code), or runs what has none.
pub fn start_thread(cx: &mut Ctx, f: Value, args: &[Value]) -> R<Started> {
    let (f, args) = match f.cast::<Method>() {
        Some(m) if m.function.get().is_a::<Function>() => {
            let this = m.this.get();
            return cx.with_first(this, args, |cx, args| start_thread(cx, m.function.get(), args));
        }
        _ => (f, args),
    };
    let function = f.cast::<Function>();
    let code = match (function, f.cast::<Code>()) {
        (Some(function), _) => function.code.obj::<Code>(),
        (None, Some(code)) => code,
        (None, None) => return call(cx, f, args, &[]).map(Started::Ended),
    };
    let base = first_frame(cx, f, code)?;
    // SAFETY: the frame was linked just now.
    unsafe {
        match function {
            Some(function) => cx.bind_args(function, code, args, &[], base)?,
            None => super::compile::fill_module_frame(code, Value::UNBOUND, base),
        }
        cx.base = base;
        cx.pc = code.entry;
        cx.depth += 1;
    }
    Ok(Started::Frame)
}

/// Links the first frame of a thread on its empty stack.
pub fn first_frame(cx: &mut Ctx, callee: Value, code: Gc<Code>) -> R<*mut Value> {
    let place = place_barrier(cx, cx.gen_top, code.nregs as usize)?;
    // SAFETY: the barrier and the frame lie in the segment with room to spare.
    unsafe {
        *place = Value::from_bits(0);
        *place.add(1) = Value::from_bits(0);
        let e = place.add(3);
        let base = e.add(4);
        let stub = cx.iso().roots.exit_stub.obj::<Code>();
        *e.sub(1) = stub.value();
        *e = callee;
        link(base, stub.entry.add(2), code);
        Ok(base)
    }
}

/// Raises RecursionError at the limit and handles interrupts.
pub fn check_depth(cx: &mut Ctx) -> R<()> {
    let limit = depth_limit(cx);
    if cx.depth < limit {
        return Ok(());
    }
    if limit == 0 {
        cx.handle_interrupt()?;
        cx.give_way_at_call()?;
        // Not by the signals' word, which another interrupt may have lowered by now.
        if cx.depth < cx.iso().recursion_limit.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
    // A little room lets handlers and finally blocks of the error run.
    Err(cx.error(crate::object::kind::ClassId::RecursionError, "maximum recursion depth exceeded"))
}

#[inline(always)]
pub fn depth_limit(cx: &Ctx) -> usize {
    // SAFETY: the context owns a count of its signals.
    unsafe { (*cx.signals).depth_limit.load(Ordering::Relaxed) }
}

/// Writes the links of a frame.
///
/// # Safety
/// `base` has four words before it in the segment.
#[inline(always)]
pub unsafe fn link(base: *mut Value, return_pc: *const AtomicU64, code: Gc<Code>) {
    // SAFETY: by the contract.
    unsafe {
        *base.sub(3) = Value::from_bits(0);
        *base.sub(2) = Value::from_bits(return_pc as u64);
        *base.sub(1) = code.value();
    }
}

/// The machine state around a nested run.
pub struct Entry {
    pub barrier: *mut Value,
    base: *mut Value,
    pc: *const AtomicU64,
    limit: *mut Value,
    gen_top: *mut Value,
    segment: Gc<Segment>,
    depth: usize,
}

impl Entry {
    /// Saves the state and makes room for a barrier and a frame of `nregs` registers.
    pub fn open(cx: &mut Ctx, nregs: usize) -> R<Entry> {
        let mut entry = Entry {
            barrier: std::ptr::null_mut(),
            base: cx.base,
            pc: cx.pc,
            limit: cx.limit,
            gen_top: cx.gen_top,
            segment: cx.segment,
            depth: cx.depth,
        };
        let top = cx.stack_top();
        let place = place_barrier(cx, top, nregs)?;
        // SAFETY: the barrier's words are free.
        unsafe {
            entry.barrier = place.add(3);
            *place = Value::from_bits(entry.base as u64);
            *place.add(1) = Value::from_bits(entry.pc as u64);
        }
        Ok(entry)
    }

    /// Restores the state.
    pub fn close(self, cx: &mut Ctx) {
        cx.base = self.base;
        cx.pc = self.pc;
        cx.limit = self.limit;
        cx.gen_top = self.gen_top;
        cx.segment = self.segment;
        cx.depth = self.depth;
    }
}

/// Finds room for a barrier and `nregs` registers at `top`, or in the next segment; sets `segment` and `limit`.
/// Returns the first of the barrier's words.
fn place_barrier(cx: &mut Ctx, top: *mut Value, nregs: usize) -> R<*mut Value> {
    let need = BARRIER + nregs + SLACK;
    // SAFETY: both point into (or one past) the segment.
    let room = unsafe { cx.segment.end().offset_from(top) };
    debug_assert!(room == 0 || in_segment(cx, top));
    if room >= need as isize {
        // SAFETY: as above.
        cx.limit = unsafe { cx.segment.end().sub(SLACK) };
        return Ok(top);
    }
    let next = match cx.segment.next.get().cast::<Segment>() {
        Some(next) if next.len >= need => next,
        _ => {
            let words = (cx.segment.len * 2).min(LARGEST_SEGMENT).max(need);
            let next = cx.new_segment(words)?;
            next.previous.set(cx.segment.value());
            cx.segment.next.set(next.value());
            next
        }
    };
    cx.segment = next;
    // SAFETY: the segment is longer than the slack.
    cx.limit = unsafe { next.end().sub(SLACK) };
    Ok(next.start())
}

/// Pushes the frame of a call made by the instruction with register `a`, whose frame is at `cx.base`; `cx.pc` is past
/// the instruction word.
pub fn push_frame(cx: &mut Ctx, f: Gc<Function>, args: &[Value], names: &[Value], a: usize) -> R<()> {
    const INLINE: usize = 16;
    check_depth(cx)?;
    // The arguments may lie where the frame will: keep a copy.
    if args.len() <= INLINE {
        let mut copy = [Value::NONE; INLINE];
        copy[..args.len()].copy_from_slice(args);
        return push_frame_of(cx, f, &copy[..args.len()], names, a);
    }
    let copy = cx.tuple(args)?;
    match copy.cast::<Tuple>() {
        Some(t) => push_frame_of(cx, f, t.items(), names, a),
        None => Ok(()),
    }
}

fn push_frame_of(cx: &mut Ctx, f: Gc<Function>, args: &[Value], names: &[Value], a: usize) -> R<()> {
    let code = f.code.obj::<Code>();
    let nregs = code.nregs as usize;
    let caller = cx.base;
    // SAFETY: frames lie in segments with the room that is checked here; the caller's is the innermost.
    unsafe {
        let return_pc = cx.pc.add(1);
        let direct = caller.add(a + 4);
        if !cx.limit.is_null() && direct.add(nregs) <= cx.limit {
            let saved = (cx.base, cx.pc);
            cx.bind_args(f, code, args, names, direct)?;
            debug_assert!(saved == (cx.base, cx.pc));
            *direct.sub(4) = f.value();
            link(direct, return_pc, code);
            cx.base = direct;
        } else {
            let stub = cx.iso().roots.segment_stub.obj::<Code>();
            cx.base = push_barrier(cx, stub, f, args, names, return_pc)?;
        }
        cx.pc = code.entry;
        cx.depth += 1;
    }
    Ok(())
}

/// Pushes the frame of a function that takes just these arguments, called by the instruction before `cx.pc` in a
/// generator's frame; None: there is no room in the segment.
///
/// # Safety
/// `cx.base` is that frame, and `cx.limit` null.
pub unsafe fn push_above_generator(cx: &mut Ctx, f: Value, code: Gc<Code>, args: &[Value]) -> Option<*mut Value> {
    let (top, nregs) = (cx.gen_top, code.nregs as usize);
    // SAFETY: `gen_top` points into the segment, whose room is checked; the barrier's words and the registers are free.
    unsafe {
        if !cx.binding.is_null() || cx.segment.end().offset_from(top) < (BARRIER + nregs + SLACK) as isize {
            return None;
        }
        let stub = cx.iso().roots.segment_stub.obj::<Code>();
        let e = top.add(3);
        *top = Value::from_bits(cx.base as u64);
        *top.add(1) = Value::from_bits(cx.pc.add(1) as u64);
        *e.sub(1) = stub.value();
        *e = f;
        let base = e.add(4);
        link(base, stub.entry.add(2), code);
        base.copy_from_nonoverlapping(args.as_ptr(), args.len());
        for i in args.len()..code.nlocals as usize {
            *base.add(i) = Value::UNBOUND;
        }
        cx.limit = cx.segment.end().sub(SLACK);
        cx.base = base;
        cx.depth += 1;
        Some(base)
    }
}

/// Pushes the frame of a special method called by the instruction before `cx.pc`, which is no call.
pub fn push_special(cx: &mut Ctx, f: Gc<Function>, args: &[Value]) -> R<Called> {
    check_depth(cx)?;
    let stub = cx.iso().roots.special_stub.obj::<Code>();
    // SAFETY: the innermost frame is the instruction's.
    unsafe { cx.base = push_barrier(cx, stub, f, args, &[], cx.pc)? };
    cx.pc = f.code.obj::<Code>().entry;
    cx.depth += 1;
    Ok(Called::Frame)
}

/// Links a frame of `code` for what the instruction with register `a` calls.
///
/// # Safety
/// `cx.base` is the instruction's frame.
pub unsafe fn place_frame(cx: &mut Ctx, callee: Value, code: Gc<Code>, a: usize) -> R<*mut Value> {
    // SAFETY: by the contract; the room is checked.
    unsafe {
        let (direct, return_pc) = (cx.base.add(a + 4), cx.pc.add(1));
        if cx.limit.is_null() || direct.add(code.nregs as usize) > cx.limit {
            let stub = cx.iso().roots.segment_stub.obj::<Code>();
            return open_barrier(cx, stub, callee, code, return_pc);
        }
        *direct.sub(4) = callee;
        link(direct, return_pc, code);
        Ok(direct)
    }
}

/// Puts a barrier on the stack and links a frame of `code` above it.
///
/// # Safety
/// `return_pc` is where the innermost frame goes on when the barrier, whose stub is given, is left.
pub unsafe fn open_barrier(
    cx: &mut Ctx,
    stub: Gc<Code>,
    callee: Value,
    code: Gc<Code>,
    return_pc: *const AtomicU64,
) -> R<*mut Value> {
    let top = cx.stack_top();
    let place = place_barrier(cx, top, code.nregs as usize)?;
    // SAFETY: the barrier's words and the registers lie in the segment.
    unsafe {
        let e = place.add(3);
        *place = Value::from_bits(cx.base as u64);
        *place.add(1) = Value::from_bits(return_pc as u64);
        *e.sub(1) = stub.value();
        *e = callee;
        let base = e.add(4);
        link(base, stub.entry.add(2), code);
        Ok(base)
    }
}

/// Pushes a barrier and binds the frame above it; undone if binding fails.
unsafe fn push_barrier(
    cx: &mut Ctx,
    stub: Gc<Code>,
    f: Gc<Function>,
    args: &[Value],
    names: &[Value],
    return_pc: *const AtomicU64,
) -> R<*mut Value> {
    let (limit, segment, gen_top) = (cx.limit, cx.segment, cx.gen_top);
    let code = f.code.obj::<Code>();
    // SAFETY: by the callers' contracts.
    unsafe {
        let base = open_barrier(cx, stub, f.value(), code, return_pc)?;
        // While binding runs (it may collect), the words above the old top must count as stack.
        if names.is_empty() && code.plain_args as usize == args.len() {
            base.copy_from_nonoverlapping(args.as_ptr(), args.len());
            for i in args.len()..code.nlocals as usize {
                *base.add(i) = Value::UNBOUND;
            }
            return Ok(base);
        }
        let bound = cx.bind_args(f, code, args, names, base);
        if let Err(e) = bound {
            cx.limit = limit;
            cx.segment = segment;
            cx.gen_top = gen_top;
            return Err(e);
        }
        Ok(base)
    }
}

/// Leaves a barrier downwards: `e` is its base. Restores segment, limit and generator state for the frame below and
/// returns that frame's base and return pc.
///
/// # Safety
/// `e` is the base of a segment barrier.
pub unsafe fn leave_barrier(cx: &mut Ctx, e: *mut Value) -> (*mut Value, *const AtomicU64) {
    // SAFETY: by the contract.
    unsafe {
        let base = (*e.sub(3)).bits() as *mut Value;
        let pc = (*e.sub(2)).bits() as *const AtomicU64;
        let place = e.sub(3);
        if place == cx.segment.start()
            && let Some(previous) = cx.segment.previous.get().cast::<Segment>()
        {
            cx.segment = previous;
        }
        restore_limit(cx, base, place);
        (base, pc)
    }
}

/// Sets `limit` (and `gen_top`) for the frame at `base` becoming the innermost; `top` is the segment's first free
/// word should it be a generator's.
///
/// # Safety
/// `base` is a live frame.
#[inline(always)]
pub unsafe fn restore_limit(cx: &mut Ctx, base: *mut Value, top: *mut Value) {
    // SAFETY: by the contract.
    unsafe {
        let code = (*base.sub(1)).object() as *const Code;
        if (*code).flags & GENERATOR_LIKE != 0 && !in_segment(cx, base) {
            cx.limit = std::ptr::null_mut();
            // A barrier that was placed in a further segment: then no more of this one is to be used. What `gen_top`
            // says now may lie in that other segment.
            cx.gen_top = if in_segment(cx, top) { top } else { cx.segment.end() };
        } else {
            cx.limit = cx.segment.end().sub(SLACK);
        }
    }
}

#[inline(always)]
fn in_segment(cx: &Ctx, at: *mut Value) -> bool {
    at >= cx.segment.start() && at < cx.segment.end()
}
