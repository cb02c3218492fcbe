//! The named locals of a frame as a dict, from its registers or from what a traceback keeps of them.

use crate::bytecode::template::flags;
use crate::native::{Ctx, R};
use crate::object::exception::Traceback;
use crate::object::function::{Cell, Code, Function};
use crate::object::sequence::Tuple;
use crate::value::{Gc, Value};

/// How many registers, from the first on, belong to names as long as the frame lives.
pub fn count(code: Gc<Code>) -> usize {
    let namespace = code.flags & (flags::CLASS_BODY | flags::NAMESPACE) != 0;
    usize::from(code.nlocals).max(usize::from(namespace))
}

/// A fresh dict of the named locals that are bound (class bodies and modules: their namespace itself). Cells show
/// what they hold now.
pub fn named(cx: &mut Ctx, code: Gc<Code>, callee: Value, register: impl Fn(usize) -> Value) -> R {
    let template = code.template();
    if template.flags & (flags::CLASS_BODY | flags::NAMESPACE) != 0 {
        // Such code has its namespace in register 0.
        return Ok(register(0));
    }
    if template.flags & flags::OPTIMIZED == 0 {
        return Ok(code.globals.get());
    }
    let dict = cx.new_dict();
    for local in &template.locals {
        if local.name.starts_with('.') {
            continue;
        }
        let mut v = register(local.register as usize);
        if local.is_cell {
            // Before its NewCell has run, the register holds the plain argument.
            v = v.cast::<Cell>().map_or(v, |c| c.value.get());
        }
        if !v.is_unbound() {
            let name = cx.intern(&local.name);
            dict.set_str(cx, name, v);
        }
    }
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

/// The named locals of a traceback's frame as they were when the exception passed.
pub fn of_traceback(cx: &mut Ctx, tb: Gc<Traceback>) -> R {
    let Some(code) = tb.code.get().cast::<Code>() else { return Ok(cx.new_dict().value()) };
    let registers = tb.registers();
    named(cx, code, tb.callee.get(), |i| registers.get(i).map_or(Value::UNBOUND, |slot| slot.get()))
}
