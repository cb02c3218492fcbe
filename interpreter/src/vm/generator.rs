//! Generators: making, resuming in place, throwing into.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::call::{check_depth, depth_limit, restore_limit};
use super::run::{Outcome, run};
use crate::bytecode::op::Op;
use crate::bytecode::template::flags;
use crate::bytecode::word::Word;
use crate::native::{Ctx, R, Raised};
use crate::object::exception::{Exception, extra};
use crate::object::function::{Code, Function};
use crate::object::generator::{Generator, state};
use crate::object::kind::ClassId;
use crate::object::misc::Boxed;
use crate::object::sequence::Tuple;
use crate::value::{Gc, Value};

/// Makes the coroutine of a call by the instruction before `cx.pc` whose arguments need no more than defaults, without
/// a frame of the function on the stack; None: that has to be made.
#[inline(always)]
pub fn call(cx: &mut Ctx, f: Gc<Function>, args: &[Value]) -> R<Option<Value>> {
    const NOT_PLAIN: u32 = flags::VARARGS | flags::VARKEYWORDS;
    let code = f.code.obj::<Code>();
    let count = code.argcount as usize;
    if code.flags & (flags::COROUTINE | NOT_PLAIN) != flags::COROUTINE || code.kwonly != 0 || args.len() > count {
        return Ok(None);
    }
    let defaults = f.defaults.get().cast::<Tuple>();
    let defaults = defaults.as_ref().map_or(&[][..], |t| t.items());
    let Some(first) = (count - args.len() <= defaults.len()).then(|| defaults.len() - (count - args.len())) else {
        return Ok(None);
    };
    check_depth(cx)?;
    let names = given_names(cx, f.value(), code)?;
    let (g, is_new) = new_coroutine(cx, code)?;
    // SAFETY: the generator has room for the code's registers; the caller's frame is innermost.
    unsafe {
        let frame = g.base();
        *frame.sub(4) = f.value();
        super::call::link(frame, std::ptr::null(), code);
        for (i, &v) in args.iter().chain(&defaults[first..]).enumerate() {
            *frame.add(i) = v;
        }
        for i in count..code.nlocals as usize {
            *frame.add(i) = Value::UNBOUND;
        }
        g.pc.store(code.entry.add(1) as *mut AtomicU64, Ordering::Release);
        g.note_made(*cx.base.sub(1), cx.pc.add(1));
    }
    g.names.set(names);
    begin_watch(cx, g, is_new);
    Ok(Some(g.value()))
}

/// A coroutine object to be filled, and whether it has not been used before.
#[inline(always)]
fn new_coroutine(cx: &mut Ctx, code: Gc<Code>) -> R<(Gc<Generator>, bool)> {
    match cx.take_spare(code.nregs as usize) {
        Some(g) => Ok((g, false)),
        None => Ok((cx.new_generator(ClassId::Coroutine, code.nregs as usize)?, true)),
    }
}

/// Has a coroutine that has been filled seen to if it is never awaited.
#[inline(always)]
fn begin_watch(cx: &mut Ctx, g: Gc<Generator>, is_new: bool) {
    match is_new {
        true => cx.watch(g),
        false => g.set_state(state::CREATED),
    }
}

/// Turns the fresh frame at `base` into a generator object that goes on at `pc`.
pub fn make(cx: &mut Ctx, base: *mut Value, pc: *const AtomicU64) -> R {
    // SAFETY: `base` is a frame whose parameters have been bound.
    unsafe {
        let code: Gc<Code> = Gc::from_value_unchecked(*base.sub(1));
        let class = if code.flags & flags::COROUTINE != 0 {
            ClassId::Coroutine
        } else if code.flags & flags::ASYNC_GENERATOR != 0 {
            ClassId::AsyncGenerator
        } else {
            ClassId::Generator
        };
        let names = given_names(cx, *base.sub(4), code)?;
        let (g, is_new) = match class {
            ClassId::Coroutine => new_coroutine(cx, code)?,
            _ => (cx.new_generator(class, code.nregs as usize)?, true),
        };
        let frame = g.base();
        std::ptr::copy_nonoverlapping(base.sub(4), frame.sub(4), code.nlocals as usize + 4);
        *frame.sub(2) = Value::from_bits(0);
        g.pc.store(pc as *mut AtomicU64, Ordering::Release);
        g.names.set(names);
        if class == ClassId::Coroutine {
            g.note_caller(cx, base);
            begin_watch(cx, g, is_new);
        } else if !code.template().handlers.is_empty() {
            cx.watch(g);
        }
        Ok(g.value())
    }
}

/// The names of a function that are not its code's, or None.
#[inline(always)]
fn given_names(cx: &mut Ctx, callee: Value, code: Gc<Code>) -> R {
    let Some(f) = callee.cast::<Function>() else { return Ok(Value::NONE) };
    let (name, qualname) = (f.name.get(), f.qualname.get());
    if name == code.name.get() && qualname == code.qualname.get() {
        return Ok(Value::NONE);
    }
    cx.tuple(&[name, qualname])
}

/// The code in which a coroutine was made that has not run yet, and the index of the word after the call.
pub fn made_in(cx: &Ctx, g: Gc<Generator>) -> Option<(Gc<Code>, u32)> {
    let code = g.outer_handled.get().cast::<Code>().filter(|_| g.state() == state::CREATED)?;
    let at = code.index_of(g.link_pc.load(Ordering::Relaxed));
    let stub = [&cx.iso().roots.native_stub, &cx.iso().roots.exit_stub].iter().any(|s| s.get() == code.value());
    (at > 1 && at <= code.code_len && !stub).then(|| (code, at - 2))
}

/// The line of an instruction.
pub fn line(code: Gc<Code>, at: u32) -> u32 {
    crate::object::excerpt::line_of(code.template(), at)
}

/// The generator whose frame is at `base`; None: a generator function's frame that has not made its object yet.
pub fn of_frame(cx: &Ctx, base: *mut Value) -> Option<Gc<Generator>> {
    if base >= cx.segment.start() && base < cx.segment.end() {
        return None;
    }
    // A frame of an earlier segment cannot be innermost, so this one lies in its generator.
    // SAFETY: a generator's frame follows its struct and links.
    unsafe { Some(Gc::from_raw((base.sub(Generator::LINKS) as *mut Generator).sub(1))) }
}

/// Makes a claimed generator's frame the innermost one; the resumer goes on at (`base`, `pc`), or is Rust if null, which
/// then links it.
///
/// # Safety
/// `cx.base` is the resumer's frame.
#[inline(always)]
pub unsafe fn enter(cx: &mut Ctx, g: Gc<Generator>, base: *mut Value, pc: *const AtomicU64) {
    // SAFETY: by the contract; `pc` is where the resumer goes on.
    unsafe { super::spare::lend(g, base, pc) };
    g.link_base.store(base, Ordering::Relaxed);
    g.link_pc.store(pc as *mut AtomicU64, Ordering::Relaxed);
    g.outer_handled.set(cx.handled);
    let handled = g.handled.get();
    if !handled.is_none() {
        cx.handled = handled;
    }
    cx.depth += 1;
    if !cx.limit.is_null() {
        cx.gen_top = cx.stack_top();
        cx.limit = std::ptr::null_mut();
    }
}

/// Claims a generator that can be sent the value by the loop.
#[inline]
pub fn claim(cx: &Ctx, g: Gc<Generator>, value: Value) -> bool {
    cx.depth < depth_limit(cx)
        && g.header().shape() != ClassId::AsyncGenerator.shape()
        && (g.claim(state::SUSPENDED) || (g.state() == state::CREATED && value.is_none() && g.claim(state::CREATED)))
}

/// Delivers a sent value to the suspended `yield` (nothing to do before the first one) and returns where to go on.
///
/// # Safety
/// The generator is claimed and suspended or fresh.
#[inline(always)]
pub unsafe fn deliver(g: Gc<Generator>, value: Value) -> *const AtomicU64 {
    let pc = g.pc.load(Ordering::Acquire) as *const AtomicU64;
    // SAFETY: `pc` follows the suspended Yield or the MakeGenerator instruction.
    unsafe {
        let word = Word::at(pc.sub(1));
        if word.is(Op::Yield) {
            *g.base().add(word.a() as usize) = value;
        }
    }
    pc
}

/// Suspends the running generator at `pc`; returns the resumer's frame, base null if it is Rust.
#[inline(always)]
pub fn suspend(cx: &mut Ctx, g: Gc<Generator>, pc: *const AtomicU64) -> (*mut Value, *const AtomicU64) {
    g.pc.store(pc as *mut AtomicU64, Ordering::Release);
    let outer = g.outer_handled.get();
    if cx.handled == outer {
        g.handled.set_immediate(Value::NONE);
    } else {
        g.handled.set(cx.handled);
    }
    leave(cx, g, outer, state::SUSPENDED)
}

/// Ends the running generator; returns the resumer's frame, or None if it is Rust.
pub fn finish(cx: &mut Ctx, g: Gc<Generator>) -> Option<(*mut Value, *const AtomicU64)> {
    let outer = g.outer_handled.get();
    g.handled.set_immediate(Value::NONE);
    // If the resumer is Rust code, that knows it.
    if g.is_lent() && !g.link().0.is_null() {
        let link = leave(cx, g, outer, state::SPARE);
        cx.keep_spare(g);
        return Some(link);
    }
    let (base, pc) = leave(cx, g, outer, state::DONE);
    if base.is_null() { None } else { Some((base, pc)) }
}

#[inline(always)]
fn leave(cx: &mut Ctx, g: Gc<Generator>, outer: Value, next: u8) -> (*mut Value, *const AtomicU64) {
    cx.handled = outer;
    g.outer_handled.set_immediate(Value::NONE);
    cx.depth -= 1;
    let (base, pc) = g.link();
    if !base.is_null() {
        let top = cx.gen_top;
        // SAFETY: the link is the resumer's live frame.
        unsafe { restore_limit(cx, base, top) };
    }
    g.set_state(next);
    (base, pc)
}

/// `Machine::resume`: sends a value, or raises it inside if `throw`. `Ok(None)`: it returned None... with a value as
/// StopIteration.
pub fn resume(cx: &mut Ctx, g: Gc<Generator>, value: Value, throw: bool) -> R<Option<Value>> {
    cx.check_stack()?;
    check_depth(cx)?;
    resume_now(cx, g, value, throw)
}

/// The same once there is room for it, and nothing interrupts.
fn resume_now(cx: &mut Ctx, g: Gc<Generator>, value: Value, throw: bool) -> R<Option<Value>> {
    let from = g.state();
    match from {
        state::DONE.. => return finished(cx, g, value, throw),
        state::RUNNING => return Err(already_running(cx, g)),
        state::CREATED if !throw && !value.is_none() => {
            let what = kind_name(g);
            return Err(cx.type_error(format!("can't send non-None value to a just-started {what}")));
        }
        _ => {}
    }
    if !g.claim(from) {
        return Err(already_running(cx, g));
    }
    let (base, pc, limit, gen_top) = (cx.base, cx.pc, cx.limit, cx.gen_top);
    // SAFETY: the generator was claimed; its frame becomes the innermost until it suspends or ends.
    let result = unsafe {
        enter(cx, g, std::ptr::null_mut(), std::ptr::null());
        g.link_rust(base, pc);
        let start = if throw { g.pc.load(Ordering::Acquire) as *const AtomicU64 } else { deliver(g, value) };
        cx.base = g.base();
        cx.pc = start;
        cx.nested += 1;
        let first = if throw { throw_here(cx, g, value) } else { run(cx, start, g.base()) };
        let result = super::call::wait_through(cx, first);
        cx.nested -= 1;
        result
    };
    cx.base = base;
    cx.pc = pc;
    cx.limit = limit;
    cx.gen_top = gen_top;
    match result {
        Ok(Outcome::Yielded(v)) => Ok(Some(v)),
        Ok(Outcome::Done(v)) if v.is_none() && g.header().shape() == ClassId::Generator.shape() && !throw => Ok(None),
        Ok(outcome) => Err(cx.stop_iteration(outcome.value())),
        Err(e) => Err(e),
    }
}

/// The same, for a script, which then knows it.
pub fn shown_delegate(g: Gc<Generator>) -> Value {
    loop {
        let inner = delegate(g);
        let Some(coroutine) = inner.cast::<Generator>() else {
            return if inner.is_object() { inner } else { Value::NONE };
        };
        coroutine.set_lent(false);
        // Another thread may have gone on with it meanwhile, and have used it again.
        fence(Ordering::SeqCst);
        if delegate(g) == inner && !coroutine.is_lent() {
            return inner;
        }
    }
}

/// What the generator delegates to while suspended in `yield from` or `await`, or None.
pub fn delegate(g: Gc<Generator>) -> Value {
    if g.state() != state::SUSPENDED {
        return Value::NONE;
    }
    let pc = g.pc.load(Ordering::Acquire) as *const AtomicU64;
    // SAFETY: `pc` follows the suspended Yield, whose register C holds the sub-iterator if it delegates.
    unsafe {
        let word = Word::at(pc.sub(1));
        if word.is(Op::Yield) && word.aux() == 1 {
            return *g.base().add(word.c() as usize);
        }
    }
    Value::NONE
}

/// Has the processor load what is needed to resume a coroutine that is suspended: itself, or, of one that has been loaded
/// (`inner`), what that awaits.
#[inline(always)]
pub fn prefetch(coroutine: Value, inner: bool) {
    /// Registers that most suspended coroutines do with.
    const REGISTERS: usize = 8;
    const BYTES: usize = size_of::<Generator>() + 8 * (Generator::LINKS + REGISTERS);
    match inner {
        false => coroutine.prefetch(BYTES),
        true => {
            if let Some(g) = coroutine.cast::<Generator>() {
                delegate(g).prefetch(BYTES);
            }
        }
    }
}

/// Raises an exception at the suspension point of the (claimed, entered) generator.
fn throw_here(cx: &mut Ctx, g: Gc<Generator>, exc: Value) -> R<Outcome> {
    let pc = g.pc.load(Ordering::Acquire) as *const AtomicU64;
    // SAFETY: `pc` follows the Yield or MakeGenerator instruction.
    let word = unsafe { Word::at(pc.sub(1)) };
    if word.is(Op::Yield) && word.aux() == 1 {
        // SAFETY: the delegating Yield names its sub-iterator's register.
        let inner = unsafe { *g.base().add(word.c() as usize) };
        match delegate_throw(cx, inner, exc) {
            Ok(Some(v)) => {
                suspend(cx, g, pc);
                return Ok(Outcome::Yielded(v));
            }
            Ok(None) => return after_delegate(cx, g, pc, Value::NONE),
            Err(e) if cx.is_error(e, ClassId::StopIteration) && e.0 != exc => {
                let value = e.0.cast::<Exception>().map_or(Value::NONE, |e| e.extra[extra::STOP_VALUE].get());
                return after_delegate(cx, g, pc, value);
            }
            Err(e) => return super::run::run_raising(cx, pc, g.base(), e.0),
        }
    }
    super::run::run_raising(cx, pc, g.base(), exc)
}

/// Goes on after the `Send` whose sub-iterator has returned `value`: the instruction before the delegating Yield.
fn after_delegate(cx: &mut Ctx, g: Gc<Generator>, pc: *const AtomicU64, value: Value) -> R<Outcome> {
    // SAFETY: the word after a delegating Yield jumps back to its Send; the value goes where yielded ones go.
    unsafe {
        let yield_word = Word::at(pc.sub(1));
        *g.base().add(yield_word.a() as usize) = value;
        let back = Word::at(pc);
        let send = pc.offset(back.sbx() as isize);
        let word = Word::at(send);
        let target = send.offset(word.sc() as isize);
        run(cx, target, g.base())
    }
}

/// Passes an exception to the iterator a generator delegates to.
fn delegate_throw(cx: &mut Ctx, inner: Value, exc: Value) -> R<Option<Value>> {
    if cx.is_instance(exc, ClassId::GeneratorExit) {
        close_iterator(cx, inner)?;
        return Err(Raised(exc));
    }
    if let Some(g) = inner.cast::<Generator>() {
        return match g.state() {
            state::CREATED | state::SUSPENDED | state::RUNNING => resume(cx, g, exc, true),
            _ => Err(Raised(exc)),
        };
    }
    if let Some((b, thrown)) = told_of_throw(inner) {
        thrown(cx, b)?;
        return Err(Raised(exc));
    }
    let name = cx.intern("throw");
    match cx.get_attr_opt(inner, name)? {
        Some(throw) => cx.call(throw, &[exc]).map(Some),
        None => Err(Raised(exc)),
    }
}

/// What is to be told that an exception ends the wait for it.
fn told_of_throw(inner: Value) -> Option<(Gc<Boxed>, fn(&mut Ctx, Gc<Boxed>) -> R<()>)> {
    let b = inner.cast::<Boxed>()?;
    Some((b, b.behavior?.thrown?))
}

fn close_iterator(cx: &mut Ctx, inner: Value) -> R<()> {
    if let Some(g) = inner.cast::<Generator>() {
        return close(cx, g);
    }
    if let Some((b, thrown)) = told_of_throw(inner) {
        return thrown(cx, b);
    }
    let name = cx.names().close;
    if let Some(f) = cx.get_attr_opt(inner, name)? {
        cx.call(f, &[])?;
    }
    Ok(())
}

/// `generator.close()`
pub fn close(cx: &mut Ctx, g: Gc<Generator>) -> R<()> {
    close_with_value(cx, g).map(drop)
}

/// The same, with the value the generator returned.
pub fn close_with_value(cx: &mut Ctx, g: Gc<Generator>) -> R {
    if g.has_ended() {
        return Ok(Value::NONE);
    }
    // An interrupt may run the finalizer of what awaits this one, which closes both: the state is looked at after that.
    cx.check_stack()?;
    check_depth(cx)?;
    let exit = cx.new_exception(ClassId::GeneratorExit, "");
    match g.state() {
        state::CREATED => {
            if g.claim(state::CREATED) {
                g.set_state(state::DONE);
            }
            return Ok(Value::NONE);
        }
        state::DONE.. => return Ok(Value::NONE),
        _ => {}
    }
    match resume_now(cx, g, exit, true) {
        Ok(Some(_)) => {
            let what = kind_name(g);
            Err(cx.runtime_error(format!("{what} ignored GeneratorExit")))
        }
        Ok(None) => Ok(Value::NONE),
        Err(e) if cx.is_error(e, ClassId::StopIteration) => {
            Ok(e.0.cast::<Exception>().map_or(Value::NONE, |e| e.extra[extra::STOP_VALUE].get()))
        }
        Err(e) if cx.is_error(e, ClassId::GeneratorExit) => Ok(Value::NONE),
        Err(e) => Err(e),
    }
}

fn finished(cx: &mut Ctx, g: Gc<Generator>, value: Value, throw: bool) -> R<Option<Value>> {
    if g.header().shape() == ClassId::Coroutine.shape() {
        return Err(cx.runtime_error("cannot reuse already awaited coroutine"));
    }
    if throw { Err(Raised(value)) } else { Ok(None) }
}

#[cold]
pub fn already_running(cx: &mut Ctx, g: Gc<Generator>) -> Raised {
    let what = kind_name(g);
    cx.value_error(format!("{what} already executing"))
}

pub fn kind_name(g: Gc<Generator>) -> &'static str {
    match g.header().shape() {
        s if s == ClassId::Coroutine.shape() => "coroutine",
        s if s == ClassId::AsyncGenerator.shape() => "async generator",
        _ => "generator",
    }
}

/// StopIteration leaving a generator is an error of its own.
pub fn translate_stop(cx: &mut Ctx, g: Gc<Generator>, code: Gc<Code>, exc: Value) -> Value {
    let stop = cx.is_instance(exc, ClassId::StopIteration);
    let async_stop = code.flags & flags::ASYNC_GENERATOR != 0 && cx.is_instance(exc, ClassId::StopAsyncIteration);
    if !stop && !async_stop {
        return exc;
    }
    let what = if stop { "StopIteration" } else { "StopAsyncIteration" };
    let message = format!("{} raised {what}", kind_name(g));
    let new = cx.new_exception(ClassId::RuntimeError, &message);
    if let Some(e) = new.cast::<Exception>() {
        e.cause.set(exc);
        e.context.set(exc);
        e.suppress.store(1, Ordering::Relaxed);
        if let Some(old) = exc.cast::<Exception>() {
            let _ = old;
        }
    }
    let at = code.index_of(cx.pc).wrapping_sub(1);
    let tb = cx.new_traceback(Value::NONE, (code.value(), at), Value::NONE, &[]);
    if let Some(e) = new.cast::<Exception>() {
        e.traceback.set(tb.value());
    }
    new
}
