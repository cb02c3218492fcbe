//! What the native classes of this family share: iterator methods, slots as numbers, reprs.

use conc_interpreter::native::{Ctx, NativeDef, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::module::Module;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};

use crate::core::shared::define;

/// `__iter__` and `__next__` of every class whose behavior has a step.
#[conc_macros::methods]
pub mod iterator {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Give an iterator over the items.
    pub fn __iter__(this: Value) -> Value {
        this
    }

    /// Give the item that comes next.
    pub fn __next__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let Some(step) = this.behavior.and_then(|b| b.step) else {
            return Err(cx.type_error("not an iterator of this type"));
        };
        match step(cx, this)? {
            Some(item) => Ok(item),
            None => Err(cx.stop_iteration(Value::NONE)),
        }
    }
}

/// Defines an iterator class in a module.
pub fn iterator_class(cx: &mut Ctx, module: Gc<Module>, name: &str, methods: &'static [NativeDef]) -> Gc<Class> {
    let class = native_class(cx, module, name, methods);
    cx.install_in(class, iterator::METHODS);
    class
}

/// Defines a native class in a module, named after it.
pub fn native_class(cx: &mut Ctx, module: Gc<Module>, name: &str, methods: &'static [NativeDef]) -> Gc<Class> {
    let owner = cx.names().__name__;
    let owner = module.dict().get_str(cx, owner).map_or(String::new(), |n| cx.text_of(n));
    let class = cx.native_class(owner.trim_start_matches('_'), name, None, methods);
    define(cx, module, name, class.value());
    class
}

/// An object with its slots filled.
pub fn make(cx: &mut Ctx, class: Gc<Class>, behavior: &'static Behavior, slots: &[Value]) -> Gc<Boxed> {
    let object = cx.new_native_object(class, behavior, slots.len());
    for (slot, value) in object.slots().iter().zip(slots) {
        slot.set(*value);
    }
    object
}

/// The receiver as an object of a behavior.
pub fn receiver(cx: &mut Ctx, this: Value, behavior: &'static Behavior) -> R<Gc<Boxed>> {
    match this.cast::<Boxed>() {
        Some(b) if b.is(behavior) => Ok(b),
        _ => {
            let got = cx.type_name(this);
            Err(cx.type_error(format!("descriptor requires a '{}' object but received a '{got}'", behavior.name)))
        }
    }
}

/// A slot that holds an immediate int.
pub fn number(object: &Boxed, slot: usize) -> i64 {
    object.slots()[slot].get().as_int().unwrap_or(0)
}

pub fn set_number(object: &Boxed, slot: usize, n: i64) {
    object.slots()[slot].set(Value::small_int(n));
}

/// A tuple of `len` items that `item` tells, which runs no script code and does not allocate.
pub fn tuple_of(cx: &mut Ctx, len: usize, item: impl Fn(usize) -> Value) -> R {
    const INLINE: usize = 8;
    if len <= INLINE {
        let mut items = [Value::NONE; INLINE];
        for (i, place) in items[..len].iter_mut().enumerate() {
            *place = item(i);
        }
        return cx.tuple(&items[..len]);
    }
    let buffer = cx.new_buffer(len)?;
    for (i, slot) in buffer.slots().iter().enumerate() {
        slot.set(item(i));
    }
    buffer.len.store(len, std::sync::atomic::Ordering::Release);
    let list = cx.list_of_buffer(buffer);
    cx.list_to_tuple(list)
}

/// `Class(arg, arg)`
pub fn show_call(cx: &mut Ctx, this: Value, args: &[Value]) -> R<Gc<Str>> {
    let mut out = cx.class_of(this).name_text().into_bytes();
    out.push(b'(');
    for (i, &arg) in args.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        cx.write_repr(arg, &mut out)?;
    }
    out.push(b')');
    cx.try_wtf8(&out)
}
