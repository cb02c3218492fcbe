//! Frame objects and the walk over script frames: snapshots made on demand.

use std::sync::atomic::{AtomicU64, Ordering};

use super::unwind::caller_base;
use crate::bytecode::op::Op;
use crate::bytecode::template::flags;
use crate::native::{Ctx, R};
use crate::object::dict::Dict;
use crate::object::function::{Cell, Code, Function};
use crate::object::generator::{Generator, state};
use crate::object::sequence::Tuple;
use crate::object::stack::{Fiber, Segment};
use crate::value::{Gc, Value};

/// A script frame found by walking: its registers, its code and the word index it is at.
#[derive(Clone, Copy)]
pub struct FrameRef {
    pub base: *mut Value,
    pub code: Gc<Code>,
    pub at: u32,
}

/// All script frames of the running fiber, innermost first, the machine's own left out.
pub fn walk(cx: &Ctx, each: impl FnMut(FrameRef) -> bool) {
    walk_from(cx.base, cx.pc, cx.segment, each);
}

/// All script frames of a parked fiber.
///
/// # Safety
/// The fiber does not run.
pub unsafe fn walk_fiber(fiber: Gc<Fiber>, mut each: impl FnMut(FrameRef)) {
    let (base, pc) = (fiber.base.load(Ordering::Acquire), fiber.pc.load(Ordering::Acquire));
    walk_from(base, pc, fiber.segment.obj(), |frame| {
        each(frame);
        true
    });
}

fn walk_from(
    mut base: *mut Value,
    mut pc: *const AtomicU64,
    segment: Gc<Segment>,
    mut each: impl FnMut(FrameRef) -> bool,
) {
    let inside = |at: *mut Value| at >= segment.start() && at < segment.end();
    while !base.is_null() {
        // SAFETY: `base` is a live frame of this fiber; links lead to live frames or null.
        unsafe {
            let code: Gc<Code> = Gc::from_value_unchecked(*base.sub(1));
            if code.template().first_line != 0 {
                let at = code.index_of(pc).wrapping_sub(1);
                if !each(FrameRef { base, code, at }) {
                    return;
                }
            }
            if code.flags & super::code::GENERATOR_LIKE != 0 && !inside(base) && (*base.sub(2)).bits() == 0 {
                let g: Gc<Generator> = Gc::from_raw((base.sub(Generator::LINKS) as *mut Generator).sub(1));
                let next = g.link_base.load(Ordering::Relaxed);
                if next.is_null() {
                    base = g.resumer.load(Ordering::Relaxed);
                    pc = g.resumer_pc.load(Ordering::Relaxed);
                } else {
                    base = next;
                    pc = g.link_pc.load(Ordering::Relaxed);
                }
                continue;
            }
            let return_pc = (*base.sub(2)).bits() as *const AtomicU64;
            let next = (*return_pc).load(Ordering::Relaxed) as u8;
            if [Op::Exit, Op::SegmentReturn, Op::SpecialReturn].iter().any(|&op| next == op as u8) {
                let e = base.sub(4);
                base = (*e.sub(3)).bits() as *mut Value;
                pc = (*e.sub(2)).bits() as *const AtomicU64;
            } else {
                base = caller_base(base, return_pc);
                pc = return_pc;
            }
        }
    }
}

/// Frame number `depth`, counted from the innermost script frame.
pub fn nth(cx: &Ctx, depth: usize) -> Option<FrameRef> {
    let mut left = depth;
    let mut found = None;
    walk(cx, |frame| {
        if left == 0 {
            found = Some(frame);
            return false;
        }
        left -= 1;
        true
    });
    found
}

/// The named locals of a frame as they are now: a fresh dict (class bodies and modules: their namespace itself).
pub fn locals(cx: &mut Ctx, frame: FrameRef) -> R {
    let template = frame.code.template();
    if template.flags & (flags::CLASS_BODY | flags::NAMESPACE) != 0 {
        // SAFETY: such code has its namespace in register 0.
        return Ok(unsafe { *frame.base });
    }
    if template.flags & flags::OPTIMIZED == 0 {
        return Ok(frame.code.globals.get());
    }
    let dict = cx.new_dict();
    for local in &template.locals {
        if local.name.starts_with('.') {
            continue;
        }
        // SAFETY: locals' registers are below `nregs`.
        let mut v = unsafe { *frame.base.add(local.register as usize) };
        if local.is_cell {
            // Before its NewCell has run, the register holds the plain argument.
            v = v.cast::<Cell>().map_or(v, |c| c.value.get());
        }
        if !v.is_unbound() {
            let name = cx.intern(&local.name);
            dict.set_str(cx, name, v);
        }
    }
    // SAFETY: the callee word of a frame is its function.
    let callee = unsafe { *frame.base.sub(4) };
    if let Some(closure) = callee.cast::<Function>().and_then(|f| f.closure.get().cast::<Tuple>()) {
        for (name, cell) in template.free.iter().zip(closure.items()) {
            let v = cell.cast::<Cell>().map_or(Value::UNBOUND, |c| c.value.get());
            if !v.is_unbound() && !name.starts_with('.') {
                let name = cx.intern(name);
                dict.set_str(cx, name, v);
            }
        }
    }
    Ok(dict.value())
}

/// `locals()` of the innermost script frame.
pub fn current_locals(cx: &mut Ctx) -> R {
    match nth(cx, 0) {
        Some(frame) => locals(cx, frame),
        None => Ok(cx.new_dict().value()),
    }
}

/// A frame object for a frame and, through `f_back`, for those below it.
pub fn frame_object(cx: &mut Ctx, depth: usize) -> R {
    let mut refs = Vec::new();
    let mut skip = depth;
    walk(cx, |frame| {
        if skip > 0 {
            skip -= 1;
        } else {
            refs.push(frame);
        }
        refs.len() < 64
    });
    let mut back = Value::NONE;
    for frame in refs.into_iter().rev() {
        let locals = locals(cx, frame)?;
        back = cx.new_frame_object(|f| {
            f.code.set(frame.code.value());
            f.back.set(back);
            f.locals.set(locals);
            f.globals.set(frame.code.globals.get());
            f.at = frame.at;
        });
    }
    Ok(back)
}

/// The frame object of a suspended generator, or None.
pub fn generator_frame(cx: &mut Ctx, g: Gc<Generator>) -> R {
    if g.state() == state::DONE {
        return Ok(Value::NONE);
    }
    let code = g.code.obj::<Code>();
    let at = code.index_of(g.pc.load(Ordering::Acquire)).wrapping_sub(1);
    let locals = locals(cx, FrameRef { base: g.base(), code, at })?;
    Ok(cx.new_frame_object(|f| {
        f.code.set(code.value());
        f.back.set(Value::NONE);
        f.locals.set(locals);
        f.globals.set(code.globals.get());
        f.at = at;
    }))
}

impl Ctx {
    /// `locals()` of the innermost script frame.
    pub fn current_locals(&mut self) -> R {
        current_locals(self)
    }
    /// The globals of the innermost script frame, or those of `__main__`.
    pub fn globals_or_main(&mut self) -> Gc<Dict> {
        match self.current_globals() {
            Some(g) => g,
            None => match self.iso().roots.main_thread.get().cast::<crate::object::module::Module>() {
                Some(m) => m.dict(),
                None => self.new_namespace(),
            },
        }
    }
}
