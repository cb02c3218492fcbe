//! The loop: one short arm per opcode; slow paths are functions in the sibling files.
//!
//! Live state is (`cx`, `pc`, `base`). `pc` is past the current instruction word while an arm runs. Before anything
//! that may allocate, raise or call, `pc` and `base` are spilled to the context.

use std::sync::atomic::{AtomicU64, Ordering};

use super::cache;
use super::call::{Called, depth_limit, dispatch, leave_barrier, link};
use super::code::cached;
use super::construct::{bad_init, convert_one, simple_init};
use super::generator;
use super::iterate;
use super::native;
use super::slow;
use super::special;
use super::unwind::{Unwound, unwind};
use super::{matching, operate, suspension};
use crate::bytecode::op::Op;
use crate::bytecode::word::Word;
use crate::native::{Args, Ctx, R, Raised, Step};
use crate::object::arith::{BinaryOp, UnaryOp, floor_div, floor_mod};
use crate::object::class::Class;
use crate::object::compare::CompareOp;
use crate::object::function::{Cell, Code, Function, Method, Native};
use crate::object::generator::{Generator, state};
use crate::object::kind::{ClassId, Kind};
use crate::object::misc::Iter;
use crate::object::sequence::{List, Tuple};
use crate::object::walk::caller_base;
use crate::value::{Gc, Value};

/// How a run ended.
pub enum Outcome {
    Done(Value),
    /// A generator resumed from Rust has yielded.
    Yielded(Value),
    /// The thread waits, or gives way; go on at the context's `pc` and `base`, first putting the wake-up value into
    /// the native frame's result if `deliver`.
    Parked {
        deliver: bool,
    },
}

impl Outcome {
    /// The value of a run that has ended or yielded.
    pub fn value(self) -> Value {
        match self {
            Outcome::Done(v) | Outcome::Yielded(v) => v,
            Outcome::Parked { .. } => Value::NONE,
        }
    }
}

/// Runs from `pc` in the frame at `base` until the run's entry frame returns.
///
/// # Safety
/// `base` is a frame of verified code and `pc` one of its instructions.
pub unsafe fn run(cx: &mut Ctx, pc: *const AtomicU64, base: *mut Value) -> R<Outcome> {
    // SAFETY: by the contract.
    unsafe { enter(cx, pc, base, Value::UNBOUND) }
}

/// Like [`run`], but first raises `exc` at the instruction before `pc`.
pub fn run_raising(cx: &mut Ctx, pc: *const AtomicU64, base: *mut Value, exc: Value) -> R<Outcome> {
    // SAFETY: the caller has made `base` the innermost frame.
    unsafe { enter(cx, pc, base, exc) }
}

/// Notes for the collector where the loop's own frame begins, and enters the loop. The loop keeps nothing but in
/// registers while it calls out, so that its frame need not be looked at ([`Ctx::collect_exactly`]).
#[inline(never)]
unsafe fn enter(cx: &mut Ctx, pc: *const AtomicU64, base: *mut Value, raise: Value) -> R<Outcome> {
    let mut registers = [0usize; 8];
    crate::object::ctx::spill_registers(&mut registers);
    let outer = std::mem::replace(&mut cx.loop_entry, registers.as_ptr() as usize);
    // SAFETY: by the callers' contract.
    let result = unsafe { run_from(cx, pc, base, raise) };
    cx.loop_entry = outer;
    std::hint::black_box(&registers);
    result
}

/// The loop itself. Unsafe throughout: registers and code are raw memory that the verifier vouches for.
#[allow(clippy::cognitive_complexity)]
#[inline(never)]
unsafe fn run_from(cx: &mut Ctx, start: *const AtomicU64, start_base: *mut Value, raise: Value) -> R<Outcome> {
    // SAFETY: for the whole body: `base` is a live frame of `nregs` registers, `pc` an instruction of its code,
    // operands are in range by the verifier, heap references are live because frames are roots.
    unsafe {
        let mut pc = start;
        let mut base = start_base;
        let mut pending = raise;
        // The exception was raised by a resumable native: its own frame's handler is not for it.
        let mut skip_handlers = false;
        loop {
            let exc: Value = 'ops: {
                if !pending.is_unbound() {
                    cx.pc = pc;
                    cx.base = base;
                    break 'ops std::mem::replace(&mut pending, Value::UNBOUND);
                }

                macro_rules! spill {
                    () => {
                        cx.pc = pc;
                        cx.base = base;
                    };
                }
                macro_rules! slow {
                    ($e:expr) => {{
                        spill!();
                        match $e {
                            Ok(v) => v,
                            Err(Raised(e)) => break 'ops e,
                        }
                    }};
                }
                macro_rules! jump {
                    ($offset:expr) => {{
                        let offset = $offset as isize;
                        // Raised from the jump itself, whose handlers and line are meant, before it is taken.
                        if offset <= 0 && (*cx.signals).interrupt.load(Ordering::Relaxed) != 0 {
                            slow!(cx.handle_interrupt());
                            pc = pc.offset(offset - 1);
                            if cx.take_preemption() {
                                spill!();
                                cx.park_deadline = None;
                                return Ok(Outcome::Parked { deliver: false });
                            }
                        } else {
                            pc = pc.offset(offset - 1);
                        }
                    }};
                }

                loop {
                    let word = Word::at(pc);
                    pc = pc.add(1);
                    let op = word.op();

                    // A register of the frame, or the one that the operand names.
                    macro_rules! reg {
                        (a) => {
                            *base.add(word.a() as usize)
                        };
                        (b) => {
                            *base.add(word.b() as usize)
                        };
                        (c) => {
                            *base.add(word.c() as usize)
                        };
                        ($i:expr) => {
                            *base.add($i as usize)
                        };
                    }
                    macro_rules! code {
                        () => {
                            (*((*base.sub(1)).object() as *const Code))
                        };
                    }
                    macro_rules! name {
                        ($i:expr) => {
                            Gc::from_value_unchecked(code!().name($i as usize))
                        };
                    }
                    // The value, or on in the frame of the special method that makes it (see `special::deliver`).
                    macro_rules! special {
                        ($e:expr) => {{
                            match slow!($e) {
                                Called::Value(v) => v,
                                _ => {
                                    pc = cx.pc;
                                    base = cx.base;
                                    continue;
                                }
                            }
                        }};
                    }
                    // The rest of an instruction out of the loop, which goes on where that says.
                    macro_rules! finish {
                        ($e:expr) => {{
                            spill!();
                            let e = $e;
                            if !e.is_unbound() {
                                break 'ops e;
                            }
                            pc = cx.pc;
                            base = cx.base;
                            continue;
                        }};
                    }
                    macro_rules! arith {
                        ($op:ident, $x:expr, $y:expr) => {
                            finish!(operate::arith_at(cx, BinaryOp::$op, word, $x, $y))
                        };
                    }
                    // A float that does not fit a word is allocated.
                    macro_rules! set_float {
                        ($x:expr) => {{
                            let x: f64 = $x;
                            reg!(a) = match Value::try_float(x) {
                                Some(v) => v,
                                None => {
                                    spill!();
                                    cx.float(x)
                                }
                            };
                        }};
                    }
                    // Ints by `$int` on the tagged words, floats by `$float`, everything else by the slow path.
                    macro_rules! fast_arith {
                        ($op:ident, $int:expr, $float:tt, $x:expr, $y:expr) => {{
                            let (x, y): (Value, Value) = ($x, $y);
                            if x.both_int(y) {
                                let f: fn(i64, i64) -> Option<i64> = $int;
                                if let Some(n) = f(x.bits() as i64, y.bits() as i64) {
                                    reg!(a) = Value::from_bits(n as u64);
                                    continue;
                                }
                            } else if x.is_float() && y.is_float() {
                                set_float!(x.float() $float y.float());
                                continue;
                            }
                            arith!($op, x, y);
                        }};
                    }
                    // Bitwise operators on two ints, or the slow path.
                    macro_rules! bit {
                        ($op:ident, $o:tt) => {{
                            let (x, y): (Value, Value) = (reg!(b), reg!(c));
                            if !x.both_int(y) {
                                arith!($op, x, y);
                            }
                            reg!(a) = Value::from_bits(x.bits() $o y.bits());
                        }};
                    }
                    macro_rules! compare {
                        ($op:ident, $o:tt) => {{
                            let (x, y): (Value, Value) = (reg!(b), reg!(c));
                            if x.both_int(y) {
                                reg!(a) = Value::bool((x.bits() as i64) $o (y.bits() as i64));
                            } else if x.is_float() && y.is_float() {
                                reg!(a) = Value::bool(x.float() $o y.float());
                            } else {
                                finish!(operate::compare_at(cx, CompareOp::$op, word, x, y));
                            }
                        }};
                    }
                    macro_rules! compare_jump {
                        ($op:ident, $o:tt, $x:expr, $y:expr) => {{
                            let (x, y): (Value, Value) = ($x, $y);
                            let holds = if x.both_int(y) {
                                (x.bits() as i64) $o (y.bits() as i64)
                            } else if x.is_float() && y.is_float() {
                                x.float() $o y.float()
                            } else {
                                finish!(operate::compare_jump_at(cx, CompareOp::$op, word, x, y))
                            };
                            if holds == (word.aux() != 0) {
                                jump!(word.sc());
                            }
                        }};
                    }
                    macro_rules! imm_b {
                        () => {
                            Value::small_int(word.sb() as i64)
                        };
                    }
                    macro_rules! imm_c {
                        () => {
                            Value::small_int(word.sc() as i64)
                        };
                    }
                    macro_rules! return_value {
                        ($v:expr) => {{
                            let v = $v;
                            *base.sub(4) = v;
                            let return_pc = (*base.sub(2)).bits() as *const AtomicU64;
                            base = caller_base(base, return_pc);
                            pc = return_pc;
                            cx.depth -= 1;
                        }};
                    }
                    macro_rules! enter_generator {
                        ($g:expr, $value:expr) => {{
                            let g: Gc<Generator> = $g;
                            spill!();
                            generator::enter(cx, g, base, pc);
                            pc = generator::deliver(g, $value);
                            base = g.base();
                        }};
                    }
                    macro_rules! called {
                        ($e:expr) => {{
                            match slow!($e) {
                                Called::Frame => {
                                    pc = cx.pc;
                                    base = cx.base;
                                    // An interrupt has brought the call here: recursion has no back-edges.
                                    if cx.take_preemption() {
                                        cx.park_deadline = None;
                                        return Ok(Outcome::Parked { deliver: false });
                                    }
                                }
                                Called::Value(v) => {
                                    reg!(a) = v;
                                    pc = pc.add(1);
                                }
                                Called::Send(g, v) => enter_generator!(g, v),
                            }
                        }};
                    }

                    // Goes on in the frame of a function whose arguments lie in place; `$from` is its first unset local.
                    macro_rules! push_frame {
                        ($frame:expr, $code:expr, $from:expr) => {{
                            let (frame, code): (*mut Value, Gc<Code>) = ($frame, $code);
                            link(frame, pc.add(1), code);
                            for i in $from..code.nlocals as usize {
                                *frame.add(i) = Value::UNBOUND;
                            }
                            cx.depth += 1;
                            base = frame;
                            pc = code.entry;
                            continue;
                        }};
                    }
                    // Whether a frame of the code may begin at `$frame` for a call with `$nargs` plain arguments.
                    macro_rules! fits {
                        ($code:expr, $frame:expr, $nargs:expr) => {
                            $code.plain_args as usize == $nargs
                                && $frame.add($code.nregs as usize) <= cx.limit
                                && cx.depth < depth_limit(cx)
                        };
                    }
                    // Calls a function or native that takes just the arguments that lie there, or falls through.
                    macro_rules! call_plain {
                        ($callee:expr, $kind:expr, $args:expr, $nargs:expr) => {{
                            let (callee, args, nargs): (Value, *mut Value, usize) = ($callee, $args, $nargs);
                            if $kind == Kind::Function as u8 {
                                let code = (*(callee.object() as *const Function)).code.obj::<Code>();
                                if fits!(code, args, nargs) {
                                    push_frame!(args, code, nargs);
                                }
                                if cx.limit.is_null() && code.plain_args as usize == nargs && cx.depth < depth_limit(cx)
                                {
                                    spill!();
                                    let args = std::slice::from_raw_parts(args, nargs);
                                    if let Some(frame) = super::call::push_above_generator(cx, callee, code, args) {
                                        base = frame;
                                        pc = code.entry;
                                        continue;
                                    }
                                }
                            } else if $kind == Kind::Native as u8 {
                                let n = &*(callee.object() as *const Native);
                                let def = n.def();
                                if n.this.get().is_unbound()
                                    && nargs >= def.min as usize
                                    && nargs <= def.max as usize
                                    && !def.has_kwonly
                                {
                                    let args = Args::positional(std::slice::from_raw_parts(args, nargs));
                                    if def.is_straight(args) {
                                        let v = slow!((def.call)(cx, args));
                                        reg!(a) = v;
                                        pc = pc.add(1);
                                        continue;
                                    }
                                    if let Some((g, v)) = def.sends(args)
                                        && generator::claim(cx, g, v)
                                    {
                                        enter_generator!(g, v);
                                        continue;
                                    }
                                }
                            }
                        }};
                    }

                    match op {
                        Op::Nop => {}
                        Op::Move => reg!(a) = reg!(b),
                        Op::LoadInt => reg!(a) = Value::small_int(word.sbx() as i64),
                        Op::LoadConst => reg!(a) = code!().konst(word.bx() as usize),
                        Op::LoadSpecial => reg!(a) = Value::from_bits(word.bx() as u64),
                        Op::LoadBuiltin => {
                            spill!();
                            reg!(a) = slow::builtin(cx, word.bx());
                        }
                        Op::CheckBound => {
                            if reg!(a).is_unbound() {
                                slow!(slow::unbound_local(cx, name!(word.bx())));
                            }
                        }

                        Op::NewCell => {
                            let v = if word.b() == 0xffff { Value::UNBOUND } else { reg!(b) };
                            spill!();
                            let cell = cx.new_cell(v);
                            reg!(a) = cell.value();
                        }
                        Op::GetCell => {
                            let cell: Gc<Cell> = Gc::from_value_unchecked(reg!(b));
                            let v = cell.value.get();
                            if v.is_unbound() && word.aux() == 0 {
                                slow!(slow::unbound_local(cx, name!(word.c())));
                            }
                            reg!(a) = v;
                        }
                        Op::SetCell => {
                            let cell: Gc<Cell> = Gc::from_value_unchecked(reg!(a));
                            cell.value.set(reg!(b));
                        }
                        Op::GetFree => {
                            let v = free_cell(base, word.b()).value.get();
                            if v.is_unbound() && word.aux() == 0 {
                                slow!(slow::unbound_free(cx, name!(word.c())));
                            }
                            reg!(a) = v;
                        }
                        Op::SetFree => free_cell(base, word.b()).value.set(reg!(a)),
                        Op::LoadFree => reg!(a) = free_cell(base, word.b()).value(),

                        Op::GetGlobal => {
                            let cell = cached(&*pc);
                            if cell.is_object() {
                                let v = (*(cell.object() as *const Cell)).value.get();
                                if !v.is_unbound() {
                                    reg!(a) = v;
                                    pc = pc.add(2);
                                    continue;
                                }
                                let cell = cached(&*pc.add(1));
                                if cell.is_object() {
                                    let v = (*(cell.object() as *const Cell)).value.get();
                                    if !v.is_unbound() {
                                        reg!(a) = v;
                                        pc = pc.add(2);
                                        continue;
                                    }
                                }
                            }
                            let v = slow!(slow::global(cx, base, name!(word.bx()), &*pc, &*pc.add(1)));
                            reg!(a) = v;
                            pc = pc.add(2);
                        }
                        Op::SetGlobal => {
                            let cell = cached(&*pc);
                            if cell.is_object() && !(*(cell.object() as *const Cell)).value.get().is_unbound() {
                                (*(cell.object() as *const Cell)).value.set(reg!(a));
                            } else {
                                slow!(slow::set_global(cx, base, name!(word.bx()), reg!(a), &*pc));
                            }
                            pc = pc.add(1);
                        }
                        Op::DelGlobal => slow!(slow::del_global(cx, base, name!(word.bx()))),
                        Op::GetName => {
                            let v = slow!(slow::get_name(cx, base, name!(word.bx())));
                            reg!(a) = v;
                        }
                        Op::GetNameFree => {
                            let v = slow!(slow::get_name_free(cx, base, name!(word.c()), free_cell(base, word.b())));
                            reg!(a) = v;
                        }
                        Op::SetName => {
                            let v = reg!(a);
                            slow!(slow::set_name(cx, reg!(0), name!(word.bx()), v));
                        }
                        Op::DelName => slow!(slow::del_name(cx, reg!(0), name!(word.bx()))),
                        Op::Annotations => {
                            let v = slow!(slow::annotations(cx, base, word.b() == 1));
                            reg!(a) = v;
                        }

                        Op::Add => fast_arith!(Add, |x, y| x.checked_add(y), +, reg!(b), reg!(c)),
                        Op::Sub => fast_arith!(Sub, |x, y| x.checked_sub(y), -, reg!(b), reg!(c)),
                        Op::Mul => fast_arith!(Mul, |x, y| (x >> 2).checked_mul(y), *, reg!(b), reg!(c)),
                        Op::Div => {
                            let (x, y) = (reg!(b), reg!(c));
                            if x.is_float() && y.is_float() {
                                let d = y.float();
                                if d != 0.0 {
                                    set_float!(x.float() / d);
                                    continue;
                                }
                            }
                            arith!(Div, x, y);
                        }
                        Op::FloorDiv => {
                            let (x, y) = (reg!(b), reg!(c));
                            if x.both_int(y) && y.int() > 0 {
                                reg!(a) = Value::small_int(floor_div(x.int(), y.int()));
                                continue;
                            }
                            arith!(FloorDiv, x, y);
                        }
                        Op::Mod => {
                            let (x, y) = (reg!(b), reg!(c));
                            if x.both_int(y) && y.int() > 0 {
                                reg!(a) = Value::small_int(floor_mod(x.int(), y.int()));
                                continue;
                            }
                            arith!(Mod, x, y);
                        }
                        Op::Pow => arith!(Pow, reg!(b), reg!(c)),
                        Op::MatMul => arith!(MatMul, reg!(b), reg!(c)),
                        Op::LShift => {
                            let (x, y) = (reg!(b), reg!(c));
                            if x.both_int(y) && (0..40).contains(&y.int()) && x.int().unsigned_abs() < 1 << 20 {
                                reg!(a) = Value::small_int(x.int() << y.int());
                                continue;
                            }
                            arith!(LShift, x, y);
                        }
                        Op::RShift => {
                            let (x, y) = (reg!(b), reg!(c));
                            if x.both_int(y) && (0..62).contains(&y.int()) {
                                reg!(a) = Value::small_int(x.int() >> y.int());
                                continue;
                            }
                            arith!(RShift, x, y);
                        }
                        Op::BitAnd => bit!(And, &),
                        Op::BitOr => bit!(Or, |),
                        Op::BitXor => bit!(Xor, ^),
                        Op::AddImm => {
                            let x = reg!(b);
                            if x.is_int()
                                && let Some(n) = (x.bits() as i64).checked_add(imm_c!().bits() as i64)
                            {
                                reg!(a) = Value::from_bits(n as u64);
                                continue;
                            }
                            if x.is_float() {
                                set_float!(x.float() + word.sc() as f64);
                                continue;
                            }
                            arith!(Add, x, imm_c!());
                        }
                        Op::SubImm => {
                            let x = reg!(b);
                            if x.is_int()
                                && let Some(n) = (x.bits() as i64).checked_sub(imm_c!().bits() as i64)
                            {
                                reg!(a) = Value::from_bits(n as u64);
                                continue;
                            }
                            if x.is_float() {
                                set_float!(x.float() - word.sc() as f64);
                                continue;
                            }
                            arith!(Sub, x, imm_c!());
                        }
                        Op::MulImm => {
                            let x = reg!(b);
                            if x.is_int()
                                && let Some(n) = (x.bits() as i64).checked_mul(word.sc() as i64)
                            {
                                reg!(a) = Value::from_bits(n as u64);
                                continue;
                            }
                            arith!(Mul, x, imm_c!());
                        }
                        Op::FloorDivImm => {
                            let (x, y) = (reg!(b), word.sc() as i64);
                            if x.is_int() && y > 0 {
                                reg!(a) = Value::small_int(floor_div(x.int(), y));
                                continue;
                            }
                            arith!(FloorDiv, x, imm_c!());
                        }
                        Op::ModImm => {
                            let (x, y) = (reg!(b), word.sc() as i64);
                            if x.is_int() && y > 0 {
                                let n = x.int();
                                // 32-bit division is several times faster.
                                let m = if n as u64 <= u32::MAX as u64 {
                                    (n as u32 % y as u32) as i64
                                } else {
                                    floor_mod(n, y)
                                };
                                reg!(a) = Value::small_int(m);
                                continue;
                            }
                            arith!(Mod, x, imm_c!());
                        }
                        Op::BitAndImm => {
                            let x = reg!(b);
                            if x.is_int() {
                                reg!(a) = Value::from_bits(x.bits() & imm_c!().bits());
                                continue;
                            }
                            arith!(And, x, imm_c!());
                        }
                        Op::Neg => {
                            let x = reg!(b);
                            if x.is_int() && x.int() != Value::INT_MIN {
                                reg!(a) = Value::small_int(-x.int());
                            } else if x.is_float() {
                                set_float!(-x.float());
                            } else {
                                let v = special!(special::unary(cx, UnaryOp::Neg, x));
                                reg!(a) = v;
                            }
                        }
                        Op::Pos => {
                            let v = special!(special::unary(cx, UnaryOp::Pos, reg!(b)));
                            reg!(a) = v;
                        }
                        Op::Invert => {
                            let v = special!(special::unary(cx, UnaryOp::Invert, reg!(b)));
                            reg!(a) = v;
                        }
                        Op::Not => {
                            let t = special!(special::truth(cx, reg!(b)));
                            reg!(a) = Value::bool(t != Value::TRUE);
                        }

                        Op::Lt => compare!(Lt, <),
                        Op::Le => compare!(Le, <=),
                        Op::Eq => compare!(Eq, ==),
                        Op::Ne => compare!(Ne, !=),
                        Op::Gt => compare!(Gt, >),
                        Op::Ge => compare!(Ge, >=),
                        Op::Is => reg!(a) = Value::bool((reg!(b) == reg!(c)) != (word.aux() == 1)),
                        Op::In => {
                            let found = special!(special::contains(cx, reg!(c), reg!(b)));
                            reg!(a) = Value::bool((found == Value::TRUE) != (word.aux() == 1));
                        }

                        Op::Jump => jump!(word.sbx()),
                        Op::JumpTrue => {
                            let v = reg!(a);
                            let t = match v {
                                Value::TRUE => true,
                                Value::FALSE | Value::NONE => false,
                                _ => special!(special::truth(cx, v)) == Value::TRUE,
                            };
                            if t {
                                jump!(word.sbx());
                            }
                        }
                        Op::JumpFalse => {
                            let v = reg!(a);
                            let t = match v {
                                Value::TRUE => true,
                                Value::FALSE | Value::NONE => false,
                                _ => special!(special::truth(cx, v)) == Value::TRUE,
                            };
                            if !t {
                                jump!(word.sbx());
                            }
                        }
                        Op::JumpNone => {
                            if reg!(a).is_none() != (word.aux() == 1) {
                                jump!(word.sbx());
                            }
                        }
                        Op::JumpLt => compare_jump!(Lt, <, reg!(a), reg!(b)),
                        Op::JumpLe => compare_jump!(Le, <=, reg!(a), reg!(b)),
                        Op::JumpEq => compare_jump!(Eq, ==, reg!(a), reg!(b)),
                        Op::JumpNe => compare_jump!(Ne, !=, reg!(a), reg!(b)),
                        Op::JumpGt => compare_jump!(Gt, >, reg!(a), reg!(b)),
                        Op::JumpGe => compare_jump!(Ge, >=, reg!(a), reg!(b)),
                        Op::JumpIs => {
                            if (reg!(a) == reg!(b)) == (word.aux() != 0) {
                                jump!(word.sc());
                            }
                        }
                        Op::JumpLtImm => compare_jump!(Lt, <, reg!(a), imm_b!()),
                        Op::JumpLeImm => compare_jump!(Le, <=, reg!(a), imm_b!()),
                        Op::JumpEqImm => compare_jump!(Eq, ==, reg!(a), imm_b!()),
                        Op::JumpNeImm => compare_jump!(Ne, !=, reg!(a), imm_b!()),
                        Op::JumpGtImm => compare_jump!(Gt, >, reg!(a), imm_b!()),
                        Op::JumpGeImm => compare_jump!(Ge, >=, reg!(a), imm_b!()),

                        Op::GetIter => {
                            let it = special!(slow::get_iter(cx, base, word.a() as usize, reg!(b)));
                            reg!(a) = it;
                        }
                        Op::ForNext => {
                            let source = reg!(a);
                            if source == Value::COUNTED {
                                let left = reg!(word.a() + 2).bits();
                                if left != 0 {
                                    let next = reg!(word.a() + 1);
                                    reg!(b) = next;
                                    reg!(word.a() + 1) =
                                        Value::from_bits(next.bits().wrapping_add(reg!(word.a() + 3).bits()));
                                    reg!(word.a() + 2) = Value::from_bits(left - 4);
                                    jump!(word.sc());
                                }
                                continue;
                            }
                            let h = source.header().unwrap_unchecked();
                            if h.shape() == ClassId::List.shape() {
                                let i = reg!(word.a() + 1).int() as usize;
                                if let Some(v) = (*(source.object() as *const List)).get(i) {
                                    reg!(b) = v;
                                    reg!(word.a() + 1) = Value::small_int(i as i64 + 1);
                                    jump!(word.sc());
                                }
                                continue;
                            }
                            if h.shape() == ClassId::Generator.shape() {
                                let g: Gc<Generator> = Gc::from_value_unchecked(source);
                                let limit = depth_limit(cx);
                                if cx.depth < limit && g.claim(state::SUSPENDED) {
                                    enter_generator!(g, Value::NONE);
                                    continue;
                                }
                                match g.state() {
                                    state::CREATED if cx.depth < limit && g.claim(state::CREATED) => {
                                        enter_generator!(g, Value::NONE);
                                        continue;
                                    }
                                    state::DONE => continue,
                                    _ => {}
                                }
                            }
                            if h.shape() == ClassId::Tuple.shape() {
                                let i = reg!(word.a() + 1).int() as usize;
                                if let Some(&v) = (*(source.object() as *const Tuple)).items().get(i) {
                                    reg!(b) = v;
                                    reg!(word.a() + 1) = Value::small_int(i as i64 + 1);
                                    jump!(word.sc());
                                }
                                continue;
                            }
                            let next = if h.kind() == Kind::Iter as u8 {
                                special!(iterate::step(
                                    cx,
                                    Gc::<Iter>::from_value_unchecked(source),
                                    base.add(word.a() as usize)
                                ))
                            } else {
                                special!(special::next(cx, source))
                            };
                            if !next.is_unbound() {
                                reg!(b) = next;
                                jump!(word.sc());
                            }
                        }
                        Op::IterObject => {
                            let v = special!(slow::iter_object(cx, reg!(b)));
                            reg!(a) = v;
                        }
                        Op::GetAiter => {
                            let v = slow!(suspension::get_aiter(cx, reg!(b)));
                            reg!(a) = v;
                        }
                        Op::GetAnext => {
                            let v = slow!(suspension::get_anext(cx, reg!(b)));
                            reg!(a) = v;
                        }
                        Op::EndAsyncFor => {
                            let e = reg!(a);
                            if cx.is_instance(e, ClassId::StopAsyncIteration) {
                                jump!(word.sbx());
                            } else {
                                spill!();
                                break 'ops e;
                            }
                        }
                        Op::Unpack => {
                            let source = reg!(b);
                            if let Some(h) = source.header()
                                && h.shape() == ClassId::Tuple.shape()
                                && (*(source.object() as *const Tuple)).len == word.c() as usize
                            {
                                let t: Gc<Tuple> = Gc::from_value_unchecked(source);
                                for (i, &v) in t.items().iter().enumerate() {
                                    reg!(word.a() as usize + i) = v;
                                }
                                continue;
                            }
                            slow!(slow::unpack(cx, base.add(word.a() as usize), source, word.c() as usize));
                        }
                        Op::UnpackEx => {
                            slow!(slow::unpack_ex(
                                cx,
                                base.add(word.a() as usize),
                                reg!(b),
                                word.c() as usize,
                                word.aux() as usize
                            ));
                        }

                        Op::Call => {
                            let callee = reg!(a);
                            let nargs = word.b() as usize;
                            let args = base.add(word.a() as usize + 4);
                            let kind = callee.kind_byte();
                            call_plain!(callee, kind, args, nargs);
                            if kind == Kind::Class as u8 {
                                let class: Gc<Class> = Gc::from_value_unchecked(callee);
                                spill!();
                                if nargs == 1
                                    && class.id != 0
                                    && let Some(v) = slow!(convert_one(cx, class, *args))
                                {
                                    reg!(a) = v;
                                    pc = pc.add(1);
                                    continue;
                                }
                                if let Some(init) = simple_init(cx, class) {
                                    let code = init.code.obj::<Code>();
                                    let inner = args.add(5);
                                    if fits!(code, inner, nargs + 1) && cx.depth + 1 < depth_limit(cx) {
                                        let object = cx.new_instance(class).value();
                                        std::ptr::copy(args, inner.add(1), nargs);
                                        let stub = cx.iso().roots.init_stub.obj::<Code>();
                                        link(args, pc.add(1), stub);
                                        *args = object;
                                        *args.add(1) = init.value();
                                        *inner = object;
                                        cx.depth += 1;
                                        pc = stub.entry.add(1);
                                        push_frame!(inner, code, nargs + 1);
                                    }
                                }
                            } else if kind == Kind::Method as u8 {
                                // Unfold the bound method in place and look again.
                                let m = &*(callee.object() as *const Method);
                                let function = m.function.get();
                                if function.is_a::<Function>() {
                                    let f: Gc<Function> = Gc::from_value_unchecked(function);
                                    let code = f.code.obj::<Code>();
                                    if fits!(code, args.add(1), nargs + 1) {
                                        std::ptr::copy(args, args.add(1), nargs);
                                        *args = m.this.get();
                                        reg!(a) = function;
                                        push_frame!(args, code, nargs + 1);
                                    }
                                }
                            }
                            called!(slow::call(cx, base, word.a(), nargs, &[], false));
                        }
                        Op::CallMethod => {
                            let callee = reg!(a);
                            let args = base.add(word.a() as usize + 4);
                            if !(*args).is_unbound() {
                                let kind = callee.kind_byte();
                                call_plain!(callee, kind, args, word.b() as usize + 1);
                            }
                            called!(slow::call(cx, base, word.a(), word.b() as usize, &[], true));
                        }
                        Op::CallKw => {
                            let names: Gc<Tuple> = Gc::from_value_unchecked(code!().konst(word.c() as usize));
                            called!(slow::call(cx, base, word.a(), word.b() as usize, names.items(), word.aux() == 1));
                        }
                        Op::CallEx => called!(slow::call_ex(cx, base, word.a())),
                        Op::LoadMethod => {
                            let object = reg!(b);
                            if let Some(f) = cache::method_hit(object, &*pc, &*pc.add(1)) {
                                reg!(a) = f;
                                reg!(word.a() + 4) = object;
                            } else {
                                let (f, this) =
                                    slow!(cache::load_method(cx, object, name!(word.c()), &*pc, &*pc.add(1)));
                                let f = match f {
                                    Some(f) => f,
                                    None => special!(special::attribute(cx, object, name!(word.c()))),
                                };
                                reg!(a) = f;
                                reg!(word.a() + 4) = this;
                            }
                            pc = pc.add(2);
                        }
                        Op::LoadSpecialMethod => {
                            let (f, this) = slow!(slow::special_method(cx, reg!(b), word.aux()));
                            reg!(a) = f;
                            reg!(word.a() + 4) = this;
                        }
                        Op::Super => {
                            let v = slow!(slow::make_super(cx, reg!(a), reg!(b), reg!(c)));
                            reg!(a) = v;
                        }
                        Op::Return => return_value!(reg!(a)),
                        Op::ReturnNone => return_value!(Value::NONE),

                        Op::GetAttr => {
                            let object = reg!(b);
                            if let Some(v) = cache::get_hit(object, &*pc, &*pc.add(1)) {
                                reg!(a) = v;
                            } else {
                                let v = special!(cache::get(cx, object, name!(word.c()), &*pc, &*pc.add(1)));
                                reg!(a) = v;
                            }
                            pc = pc.add(2);
                        }
                        Op::SetAttr => {
                            let object = reg!(a);
                            if !cache::set_hit(cx, object, reg!(b), &*pc, &*pc.add(1)) {
                                special!(cache::set(cx, object, name!(word.c()), reg!(b), &*pc, &*pc.add(1)));
                            }
                            pc = pc.add(2);
                        }
                        Op::DelAttr => slow!(cx.del_attr(reg!(a), name!(word.c()))),
                        Op::GetItem => {
                            let (object, key) = (reg!(b), reg!(c));
                            if key.is_int()
                                && let Some(h) = object.header()
                            {
                                let i = key.int();
                                if h.shape() == ClassId::List.shape() {
                                    if let Some(v) = (*(object.object() as *const List)).get(i as usize) {
                                        reg!(a) = v;
                                        continue;
                                    }
                                } else if h.shape() == ClassId::Tuple.shape()
                                    && let Some(&v) = (*(object.object() as *const Tuple)).items().get(i as usize)
                                {
                                    reg!(a) = v;
                                    continue;
                                }
                            }
                            let v = special!(special::get_item(cx, object, key));
                            reg!(a) = v;
                        }
                        Op::GetItemImm => {
                            let object = reg!(b);
                            if let Some(h) = object.header() {
                                let i = word.sc() as isize as usize;
                                if h.shape() == ClassId::List.shape() {
                                    if let Some(v) = (*(object.object() as *const List)).get(i) {
                                        reg!(a) = v;
                                        continue;
                                    }
                                } else if h.shape() == ClassId::Tuple.shape()
                                    && let Some(&v) = (*(object.object() as *const Tuple)).items().get(i)
                                {
                                    reg!(a) = v;
                                    continue;
                                }
                            }
                            let v = special!(special::get_item(cx, object, imm_c!()));
                            reg!(a) = v;
                        }
                        Op::SetItem => {
                            let (object, key) = (reg!(a), reg!(b));
                            if key.is_int()
                                && let Some(h) = object.header()
                                && h.shape() == ClassId::List.shape()
                                && !cx.is_shared()
                            {
                                let buffer = (*(object.object() as *const List)).buffer();
                                let i = key.int() as usize;
                                if i < buffer.len() {
                                    buffer.slots().get_unchecked(i).set(reg!(c));
                                    continue;
                                }
                            }
                            special!(special::set_item(cx, object, key, reg!(c)));
                        }
                        Op::DelItem => {
                            special!(special::del_item(cx, reg!(a), reg!(b)));
                        }
                        Op::Slice => {
                            spill!();
                            let v = cx.new_slice(reg!(b), reg!(word.b() + 1), reg!(word.b() + 2));
                            reg!(a) = v;
                        }

                        Op::List => {
                            let items = std::slice::from_raw_parts(base.add(word.b() as usize), word.c() as usize);
                            let v = slow!(cx.list(items));
                            reg!(a) = v.value();
                        }
                        Op::Tuple => {
                            let items = std::slice::from_raw_parts(base.add(word.b() as usize), word.c() as usize);
                            let v = slow!(cx.tuple(items));
                            reg!(a) = v;
                        }
                        Op::Set => {
                            let items = std::slice::from_raw_parts(base.add(word.b() as usize), word.c() as usize);
                            let v = slow!(slow::make_set(cx, items));
                            reg!(a) = v;
                        }
                        Op::Dict => {
                            let items = std::slice::from_raw_parts(base.add(word.b() as usize), word.c() as usize);
                            let v = slow!(slow::make_dict(cx, items));
                            reg!(a) = v;
                        }
                        Op::ListAppend => {
                            let list: Gc<List> = Gc::from_value_unchecked(reg!(a));
                            slow!(cx.list_push(list, reg!(b)));
                        }
                        Op::ListExtend => {
                            let list: Gc<List> = Gc::from_value_unchecked(reg!(a));
                            let callee = if word.aux() == 1 { reg!(c) } else { Value::UNBOUND };
                            slow!(slow::list_extend(cx, list, reg!(b), callee));
                        }
                        Op::SetAdd => slow!(slow::set_add(cx, reg!(a), reg!(b))),
                        Op::SetUpdate => slow!(slow::set_update(cx, reg!(a), reg!(b))),
                        Op::DictSet => slow!(slow::dict_set(cx, reg!(a), reg!(b), reg!(c))),
                        Op::DictUpdate => slow!(slow::dict_update(cx, reg!(a), reg!(b), reg!(c), word.aux() == 1)),
                        Op::ListToTuple => {
                            let list: Gc<List> = Gc::from_value_unchecked(reg!(b));
                            let v = slow!(cx.list_to_tuple(list));
                            reg!(a) = v;
                        }
                        Op::Format => {
                            let spec = if word.c() == 0xffff { Value::UNBOUND } else { reg!(c) };
                            let v = slow!(slow::format(cx, reg!(b), spec, word.aux()));
                            reg!(a) = v;
                        }
                        Op::Concat => {
                            let parts = std::slice::from_raw_parts(base.add(word.b() as usize), word.c() as usize);
                            let v = slow!(slow::concat(cx, parts));
                            reg!(a) = v;
                        }

                        Op::Function => {
                            let v = slow!(slow::function(
                                cx,
                                base,
                                word.b() as usize,
                                base.add(word.c() as usize),
                                word.aux()
                            ));
                            reg!(a) = v;
                        }
                        Op::Intrinsic => {
                            let args = std::slice::from_raw_parts(base.add(word.b() as usize), word.c() as usize);
                            let v = slow!(super::intrinsic::intrinsic(cx, word.aux(), args));
                            reg!(a) = v;
                        }

                        Op::Raise => {
                            let e = slow!(slow::raise(cx, reg!(a)));
                            break 'ops e;
                        }
                        Op::RaiseFrom => {
                            let e = slow!(slow::raise_from(cx, reg!(a), reg!(b)));
                            break 'ops e;
                        }
                        Op::Reraise => {
                            spill!();
                            break 'ops reg!(a);
                        }
                        Op::RaiseBare => {
                            let e = slow!(slow::raise_bare(cx));
                            break 'ops e;
                        }
                        Op::PushExc => {
                            let new = reg!(b);
                            reg!(a) = cx.handled;
                            cx.handled = new;
                        }
                        Op::PopExc => cx.handled = reg!(a),
                        Op::JumpNoMatch => {
                            if !slow!(cx.exception_matches(reg!(a), reg!(b))) {
                                jump!(word.sc());
                            }
                        }
                        Op::SplitGroup => {
                            let (matched, rest) = slow!(super::groups::split(cx, reg!(b), reg!(c)));
                            reg!(a) = matched;
                            reg!(word.a() + 1) = rest;
                        }
                        Op::JoinGroup => {
                            let v = slow!(super::groups::join(cx, reg!(b), reg!(c)));
                            reg!(a) = v;
                        }

                        Op::MakeGenerator => {
                            let g = slow!(generator::make(cx, base, pc));
                            return_value!(g);
                        }
                        Op::Yield => {
                            let mut v = reg!(b);
                            if word.aux() == 2 {
                                v = slow!(super::asyncgen::wrap(cx, v));
                            }
                            spill!();
                            let g = frame_generator(base);
                            let (caller, next) = generator::suspend(cx, g, pc);
                            if caller.is_null() {
                                return Ok(Outcome::Yielded(v));
                            }
                            base = caller;
                            pc = next;
                            if !deliver_yield(base, &mut pc, g, v) {
                                let word = Word::at(pc.sub(1));
                                let item = special!(iterate::arrived(cx, base.add(word.a() as usize), v));
                                deliver_item(base, &mut pc, word, item);
                            }
                            if (*cx.signals).interrupt.load(Ordering::Relaxed) != 0 {
                                slow!(cx.handle_interrupt());
                            }
                        }
                        Op::ReturnGen => {
                            let v = reg!(a);
                            spill!();
                            let g = frame_generator(base);
                            if code!().flags & crate::bytecode::template::flags::ASYNC_GENERATOR != 0 {
                                let Raised(e) = cx.error(ClassId::StopAsyncIteration, "");
                                match super::asyncgen::end(cx, g, e) {
                                    Some((caller, next)) => {
                                        base = caller;
                                        pc = next;
                                        spill!();
                                        break 'ops e;
                                    }
                                    None => return Err(Raised(e)),
                                }
                            }
                            match generator::finish(cx, g) {
                                Some((caller, next)) => {
                                    base = caller;
                                    pc = next;
                                    if !deliver_return(base, &mut pc, v) {
                                        spill!();
                                        let Raised(e) = cx.stop_iteration(v);
                                        break 'ops e;
                                    }
                                }
                                None => return Ok(Outcome::Done(v)),
                            }
                        }
                        Op::GetYieldFrom => {
                            let v = slow!(suspension::yield_from_iter(cx, base, reg!(b)));
                            reg!(a) = v;
                        }
                        Op::GetAwaitable => {
                            let mut v = reg!(b);
                            if !suspension::is_fresh_coroutine(v) {
                                v = slow!(suspension::awaitable(cx, v, word.aux()));
                            }
                            reg!(a) = v;
                        }
                        Op::Send => {
                            let source = reg!(a);
                            let value = reg!(b);
                            if let Some(g) = source.cast::<Generator>()
                                && generator::claim(cx, g, value)
                            {
                                enter_generator!(g, value);
                                continue;
                            }
                            match slow!(suspension::send(cx, source, value)) {
                                Ok(v) => reg!(b) = v,
                                Err(v) => {
                                    reg!(b) = v;
                                    jump!(word.sc());
                                }
                            }
                        }

                        Op::ImportName => {
                            let v =
                                slow!(super::import::import_name(cx, name!(word.c()), reg!(b), word.aux() as usize));
                            reg!(a) = v;
                        }
                        Op::ImportFrom => {
                            let v = slow!(super::import::import_from(cx, reg!(b), name!(word.c())));
                            reg!(a) = v;
                        }
                        Op::ImportStar => {
                            let target = if word.aux() == 1 { reg!(0) } else { code!().globals.get() };
                            slow!(super::import::import_star(cx, reg!(a), target));
                        }

                        Op::MatchSequence => {
                            let v = matching::match_sequence(cx, reg!(b));
                            reg!(a) = v;
                        }
                        Op::MatchMapping => {
                            let v = matching::match_mapping(cx, reg!(b));
                            reg!(a) = v;
                        }
                        Op::Len => {
                            let n = slow!(cx.len(reg!(b)));
                            reg!(a) = Value::small_int(n as i64);
                        }
                        Op::MatchKeys => {
                            let v = slow!(matching::match_keys(cx, reg!(b), reg!(c)));
                            reg!(a) = v;
                        }
                        Op::MatchClass => {
                            let v = slow!(matching::match_class(cx, reg!(b), reg!(c), word.aux() as usize, reg!(a)));
                            reg!(a) = v;
                        }
                        Op::MatchRest => {
                            let v = slow!(matching::match_rest(cx, reg!(b), reg!(c)));
                            reg!(a) = v;
                        }

                        Op::Exit => return Ok(Outcome::Done(reg!(0))),
                        Op::SegmentReturn => {
                            let v = reg!(0);
                            let (caller, next) = leave_barrier(cx, base);
                            base = caller;
                            pc = next;
                            let call = (*pc.sub(2)).load(Ordering::Relaxed);
                            reg!((call >> 16) as u16) = v;
                        }
                        Op::SpecialReturn => {
                            let v = reg!(0);
                            (base, pc) = leave_barrier(cx, base);
                            match slow!(special::deliver(cx, base, pc, v)) {
                                special::After::Next(words) => pc = pc.add(words),
                                special::After::Jump(offset) => jump!(offset),
                            }
                        }
                        Op::ResumeNative => {
                            spill!();
                            match native::enter(cx, base, word.aux(), reg!(a)) {
                                Step::Done(v) => {
                                    cx.depth += native::uncounted(base);
                                    return_value!(v);
                                }
                                Step::Raise(Raised(e)) => {
                                    skip_handlers = true;
                                    break 'ops e;
                                }
                                Step::Call(f, nargs) => {
                                    let inner = base.add(native::ARGUMENTS as usize);
                                    if f.kind_byte() == Kind::Function as u8 {
                                        let code = (*(f.object() as *const Function)).code.obj::<Code>();
                                        if fits!(code, inner, nargs) {
                                            reg!(a) = f;
                                            push_frame!(inner, code, nargs);
                                        }
                                    }
                                    let args = std::slice::from_raw_parts(inner, nargs);
                                    called!(dispatch(cx, f, args, &[], Some(word.a() as usize)));
                                }
                                Step::CallNamed(f) => {
                                    let args: Gc<Tuple> = Gc::from_value_unchecked(reg!(native::ARGUMENTS));
                                    let names: Gc<Tuple> = Gc::from_value_unchecked(reg!(native::ARGUMENTS + 1));
                                    called!(dispatch(cx, f, args.items(), names.items(), Some(word.a() as usize)));
                                }
                                Step::Next(it) => {
                                    reg!(native::ITERATOR) = it;
                                    reg!(a) = Value::NONE;
                                    pc = code!().entry.add(native::NEXT_AT);
                                }
                                Step::Send(it, v) => {
                                    reg!(native::ITERATOR) = it;
                                    reg!(a) = v;
                                    pc = code!().entry.add(native::SEND_AT);
                                }
                                Step::Yield => {
                                    reg!(a) = Value::NONE;
                                    cx.pc = pc.add(1);
                                    cx.park_deadline = None;
                                    return Ok(Outcome::Parked { deliver: false });
                                }
                                Step::Park(deadline) => {
                                    cx.pc = pc.add(1);
                                    cx.park_deadline = deadline;
                                    return Ok(Outcome::Parked { deliver: true });
                                }
                            }
                        }
                        Op::CheckInit => {
                            let v = reg!(a);
                            if !v.is_none() {
                                spill!();
                                let Raised(e) = bad_init(cx, v);
                                break 'ops e;
                            }
                        }
                    }
                }
            };
            match unwind(cx, exc, std::mem::take(&mut skip_handlers)) {
                Unwound::Handler => {
                    pc = cx.pc;
                    base = cx.base;
                }
                Unwound::Exit(e) => return Err(e),
            }
        }
    }
}

/// Cell `index` of the closure of the frame's function.
///
/// # Safety
/// `base` is a frame of a function with that many free variables.
#[inline(always)]
unsafe fn free_cell(base: *mut Value, index: u16) -> Gc<Cell> {
    // SAFETY: by the contract.
    unsafe {
        let f = &*((*base.sub(4)).object() as *const Function);
        let closure = f.closure.obj::<Tuple>();
        Gc::from_value_unchecked(*closure.items().get_unchecked(index as usize))
    }
}

/// The generator that owns the frame at `base`.
///
/// # Safety
/// `base` is a generator's frame.
#[inline(always)]
unsafe fn frame_generator(base: *mut Value) -> Gc<Generator> {
    // SAFETY: the frame follows the struct.
    unsafe { Gc::from_raw((base.sub(Generator::LINKS) as *mut Generator).sub(1)) }
}

/// Hands a yielded value to the `ForNext`, `Send` or call that resumed the generator; false: to a `ForNext` whose
/// iterator is another one, which takes its items from the generator.
///
/// # Safety
/// `pc` follows that instruction in the frame at `base`.
#[inline(always)]
unsafe fn deliver_yield(base: *mut Value, pc: &mut *const AtomicU64, g: Gc<Generator>, v: Value) -> bool {
    // SAFETY: by the contract.
    unsafe {
        let word = Word::at(pc.sub(1));
        if word.is(Op::ForNext) {
            if *base.add(word.a() as usize) != g.value() {
                return false;
            }
            deliver_item(base, pc, word, v);
        } else if word.is(Op::Send) {
            *base.add(word.b() as usize) = v;
        } else {
            *base.add(word.a() as usize) = v;
            *pc = pc.add(1);
        }
        true
    }
}

/// Gives the `ForNext` that is `word` its item.
///
/// # Safety
/// As for [`deliver_yield`].
#[inline(always)]
unsafe fn deliver_item(base: *mut Value, pc: &mut *const AtomicU64, word: Word, item: Value) {
    // SAFETY: by the contract.
    unsafe {
        *base.add(word.b() as usize) = item;
        *pc = pc.offset(word.sc() as isize - 1);
    }
}

/// Hands a returned value to the instruction that resumed the generator; false: to a call, for which it ends in
/// StopIteration.
///
/// # Safety
/// As for [`deliver_yield`].
#[inline(always)]
unsafe fn deliver_return(base: *mut Value, pc: &mut *const AtomicU64, v: Value) -> bool {
    // SAFETY: by the contract.
    unsafe {
        let word = Word::at(pc.sub(1));
        if word.is(Op::Send) {
            *base.add(word.b() as usize) = v;
            *pc = pc.offset(word.sc() as isize - 1);
            return true;
        }
        word.is(Op::ForNext)
    }
}
