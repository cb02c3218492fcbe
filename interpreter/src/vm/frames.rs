//! Frame objects and the walk over script frames: snapshots made on demand.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::dict::Dict;
use crate::object::function::Code;
use crate::object::generator::Generator;
use crate::object::greenlet::{Greenlet, slot};
use crate::object::stack::Fiber;
use crate::object::walk;
use crate::value::{Gc, Value};

/// A script frame found by walking: its registers, its code and the word index it is at.
#[derive(Clone, Copy)]
pub struct FrameRef {
    pub base: *mut Value,
    pub code: Gc<Code>,
    pub at: u32,
}

/// All script frames of the running fiber, innermost first, the machine's own left out.
pub fn walk(cx: &Ctx, mut each: impl FnMut(FrameRef) -> bool) {
    // SAFETY: the context's innermost frame is live, and nothing runs meanwhile.
    unsafe {
        walk::walk(cx.base, cx.pc, |f| {
            f.code.template().first_line == 0 || each(FrameRef { base: f.base, code: f.code, at: f.at() })
        });
    }
}

/// All script frames of a parked fiber.
///
/// # Safety
/// The fiber does not run.
pub unsafe fn walk_fiber(fiber: Gc<Fiber>, mut each: impl FnMut(FrameRef)) {
    // SAFETY: by the contract.
    unsafe {
        walk::walk(fiber.base.load(Ordering::Acquire), fiber.pc.load(Ordering::Acquire), |f| {
            if f.code.template().first_line != 0 {
                each(FrameRef { base: f.base, code: f.code, at: f.at() });
            }
            true
        });
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

/// The named locals of a frame as they are now.
pub fn locals(cx: &mut Ctx, frame: FrameRef) -> R {
    // SAFETY: a frame has its callee's word and its registers.
    unsafe { crate::object::locals::named(cx, frame.code, *frame.base.sub(4), |i| *frame.base.add(i)) }
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
    chain(cx, refs)
}

/// Frame objects for frames given innermost first, each the `f_back` of the one before it.
fn chain(cx: &mut Ctx, refs: Vec<FrameRef>) -> R {
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

/// The frame object of a suspended greenlet, or None.
pub fn greenlet_frame(cx: &mut Ctx, g: Greenlet) -> R {
    let (base, pc) = (g.word(slot::BASE) as *mut Value, g.word(slot::PC) as *const _);
    let mut refs = Vec::new();
    // SAFETY: a greenlet has these while it is suspended there; its own thread is the one that runs now, or looks at
    // one that stands still as long as no other does.
    unsafe {
        walk::walk(base, pc, |f| {
            if f.code.template().first_line != 0 {
                refs.push(FrameRef { base: f.base, code: f.code, at: f.at() });
            }
            refs.len() < 64
        });
    }
    chain(cx, refs)
}

/// The frame object of a suspended generator, or None.
pub fn generator_frame(cx: &mut Ctx, g: Gc<Generator>) -> R {
    if g.has_ended() {
        return Ok(Value::NONE);
    }
    let code = g.code();
    let at = code.index_of(g.pc.load(Ordering::Acquire)).wrapping_sub(1);
    let locals = locals(cx, FrameRef { base: g.base(), code, at })?;
    Ok(cx.new_frame_object(|f| {
        f.code.set(code.value());
        f.back.set_immediate(Value::NONE);
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
