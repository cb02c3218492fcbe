//! Walking the frames of a fiber's stack, and marking what each of them still needs.

use std::sync::atomic::{AtomicU64, Ordering};

use super::stack::{Binding, Segment};
use crate::bytecode::op::Op;
use crate::bytecode::template::flags;
use crate::heap::{Header, Marker};
use crate::object::function::Code;
use crate::object::generator::Generator;
use crate::value::{Gc, Value};

/// Where a frame stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The innermost frame: it is in the instruction before `pc`, or goes on at `pc`.
    Innermost,
    /// It has called the frame above it; the call's operands belong to that frame.
    Calling,
    /// The instruction before `pc` is at work: it has resumed a generator or runs Rust code that runs scripts.
    Amid,
}

/// A frame, stubs included.
#[derive(Clone, Copy)]
pub struct Frame {
    pub base: *mut Value,
    pub code: Gc<Code>,
    /// Past the instruction it is at (past the cache word of a call).
    pub pc: *const AtomicU64,
    pub standing: Standing,
}

impl Frame {
    /// The index of a word of the instruction it is at.
    pub fn at(&self) -> u32 {
        self.code.index_of(self.pc).wrapping_sub(1)
    }
    /// The generator whose frame this is, if the generator has been made.
    pub fn generator(&self) -> Option<Gc<Generator>> {
        // SAFETY: frames have their links; only a frame inside its generator has no return address, and it follows
        // the struct.
        unsafe {
            let inside = self.code.flags & flags::GENERATOR_LIKE != 0 && (*self.base.sub(2)).bits() == 0;
            inside.then(|| Gc::from_raw((self.base.sub(Generator::LINKS) as *mut Generator).sub(1)))
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
        let call = (*return_pc.sub(2)).load(Ordering::Relaxed);
        base.sub((call >> 16) as u16 as usize + 4)
    }
}

/// Visits the frames from the one at `base`, `pc` outwards, until `visit` returns false.
///
/// # Safety
/// `base` is null or a live frame, and no frame below it changes meanwhile.
pub unsafe fn walk(base: *mut Value, pc: *const AtomicU64, mut visit: impl FnMut(Frame) -> bool) {
    let (mut base, mut pc, mut standing) = (base, pc, Standing::Innermost);
    while !base.is_null() {
        // SAFETY: links lead to live frames or null.
        unsafe {
            let frame = Frame { base, code: Gc::from_value_unchecked(*base.sub(1)), pc, standing };
            if !visit(frame) {
                return;
            }
            if let Some(g) = frame.generator() {
                standing = Standing::Amid;
                base = g.link_base.load(Ordering::Relaxed);
                pc = g.link_pc.load(Ordering::Relaxed);
                if base.is_null() {
                    base = g.resumer.load(Ordering::Relaxed);
                    pc = g.resumer_pc.load(Ordering::Relaxed);
                }
                continue;
            }
            let return_pc = (*base.sub(2)).bits() as *const AtomicU64;
            let next = (*return_pc).load(Ordering::Relaxed) as u8;
            let special = next == Op::SpecialReturn as u8;
            standing = if special || next == Op::Exit as u8 { Standing::Amid } else { Standing::Calling };
            if special || next == Op::Exit as u8 || next == Op::SegmentReturn as u8 {
                let barrier = base.sub(4);
                base = (*barrier.sub(3)).bits() as *mut Value;
                pc = (*barrier.sub(2)).bits() as *const AtomicU64;
            } else {
                base = caller_base(base, return_pc);
                pc = return_pc;
            }
        }
    }
}

/// Marks what the frames of a stack need, and its segments. Registers that no instruction will read again are left
/// out; as those may hold words of dead objects, every word is looked at as if it might be anything.
///
/// # Safety
/// As for [`walk`]; `segment` is the innermost one in use, and `binding` null or the innermost binding.
pub unsafe fn mark_stack(
    base: *mut Value,
    pc: *const AtomicU64,
    segment: Value,
    binding: *const Binding,
    marker: &mut Marker,
) {
    let mut current = segment;
    while let Some(s) = current.cast::<Segment>() {
        marker.mark(s.as_ptr() as *mut Header);
        current = s.previous.get();
    }
    let mut binding = binding;
    // SAFETY: by the contract; bindings last as long as the code that waits for them.
    unsafe {
        while let Some(b) = binding.as_ref() {
            marker.mark_range(b.start as usize, b.end as usize);
            binding = b.outer;
        }
        walk(base, pc, |frame| {
            mark_frame(&frame, marker);
            true
        });
    }
}

/// # Safety
/// The frame is live.
unsafe fn mark_frame(frame: &Frame, marker: &mut Marker) {
    // SAFETY: by the contract; a frame has its links and `nregs` registers.
    unsafe {
        let base = frame.base;
        let mut word = |at: *mut Value| marker.mark_conservative(std::ptr::read_volatile(at as *const usize));
        if let Some(g) = frame.generator() {
            word(&mut g.value());
        }
        word(base.sub(4));
        word(base.sub(1));
        let template = frame.code.template();
        for i in 0..super::locals::count(frame.code) {
            word(base.add(i));
        }
        let liveness = template.liveness();
        let mut register = |r: u16| word(base.add(r as usize));
        liveness.amid(template, frame.at(), frame.standing == Standing::Calling, &mut register);
        if frame.standing == Standing::Innermost {
            liveness.before(frame.code.index_of(frame.pc), register);
        }
    }
}

/// Marks what the frame of a generator that is not done needs.
pub fn mark_generator(g: &Generator, marker: &mut Marker) {
    // SAFETY: the frame's words follow the struct; a generator that runs is walked by with its stack, its own `pc`
    // being an old one.
    unsafe {
        let base = g.base();
        let mut word = |at: *mut Value| marker.mark_conservative(std::ptr::read_volatile(at as *const usize));
        word(base.sub(4));
        let Some(code) = g.code.get().cast::<Code>() else { return };
        for i in 0..super::locals::count(code) {
            word(base.add(i));
        }
        if g.state() != crate::object::generator::state::RUNNING {
            let at = code.index_of(g.pc.load(Ordering::Acquire)).wrapping_sub(1);
            let template = code.template();
            template.liveness().amid(template, at, false, |r| word(base.add(r as usize)));
        }
    }
}
