//! _abc: the workings of abstract base classes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::function::Function;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::{Boxed, Payload, WeakRef};
use conc_interpreter::object::sequence::List;
use conc_interpreter::value::{Gc, Value};
use parking_lot::Mutex;

/// Where a class keeps its record.
const RECORD: &str = "_abc_impl";
/// Remembered answers of one class; more than so many are forgotten.
const MOST: usize = 4096;

/// Counts registrations anywhere: remembered negative answers are good as long as it does not change.
static REGISTRATIONS: AtomicU64 = AtomicU64::new(0);

/// Answers by class: its address, and its version, which no other class ever has.
#[derive(Default)]
struct Answers {
    known: HashMap<u64, (u32, bool)>,
    registrations: u64,
}

/// What an abstract class remembers. The first slot of its object is the list of weak references to its virtual
/// subclasses, or None.
struct Record(Mutex<Answers>);

impl Payload for Record {}

fn record(cx: &mut Ctx, class: Gc<Class>) -> Option<Gc<Boxed>> {
    let name = cx.intern(RECORD);
    class.dict().get_str(cx, name)?.cast()
}

/// The answer remembered for a class.
fn recall(cx: &mut Ctx, class: Gc<Class>, subclass: Gc<Class>) -> Option<bool> {
    let record = record(cx, class)?;
    let answers = record.data::<Record>()?.0.lock();
    let &(version, answer) = answers.known.get(&subclass.value().bits())?;
    let fresh = answer || answers.registrations == REGISTRATIONS.load(Ordering::Acquire);
    (fresh && version != 0 && version == subclass.version()).then_some(answer)
}

fn remember(cx: &mut Ctx, class: Gc<Class>, subclass: Gc<Class>, answer: bool) -> bool {
    let Some(record) = record(cx, class) else { return answer };
    let Some(data) = record.data::<Record>() else { return answer };
    let mut answers = data.0.lock();
    let now = REGISTRATIONS.load(Ordering::Acquire);
    if answers.registrations != now || answers.known.len() >= MOST {
        answers.known.retain(|_, known| known.1);
        answers.registrations = now;
    }
    if answers.known.len() >= MOST {
        answers.known.clear();
    }
    answers.known.insert(subclass.value().bits(), (subclass.version(), answer));
    answer
}

/// Whether a class is a subclass of an abstract one.
fn is_subclass(cx: &mut Ctx, class: Gc<Class>, subclass: Gc<Class>) -> R<bool> {
    if let Some(answer) = recall(cx, class, subclass) {
        return Ok(answer);
    }
    let answer = find_out(cx, class, subclass)?;
    Ok(remember(cx, class, subclass, answer))
}

fn find_out(cx: &mut Ctx, class: Gc<Class>, subclass: Gc<Class>) -> R<bool> {
    let name = cx.names().__subclasshook__;
    let object = cx.class(ClassId::Object);
    let default = object.dict().get_str(cx, name);
    if cx.lookup(class, name) != default {
        let hook = cx.get_attr(class.value(), name)?;
        let answer = cx.call(hook, &[subclass.value()])?;
        if answer == Value::TRUE || answer == Value::FALSE {
            return Ok(answer == Value::TRUE);
        }
        if answer != Value::NOT_IMPLEMENTED {
            let message = "__subclasshook__ must return either False, True, or NotImplemented";
            return Err(cx.error(ClassId::AssertionError, message));
        }
    }
    if subclass.is_subclass_of(class) {
        return Ok(true);
    }
    for virtual_subclass in registered(cx, class)? {
        if cx.issubclass(subclass.value(), virtual_subclass.value())? {
            return Ok(true);
        }
    }
    let derived = crate::core::shared::call_method(cx, class.value(), "__subclasses__", &[])?;
    let derived = cx.collect_tuple(derived)?;
    for &derived in derived.items() {
        if cx.issubclass(subclass.value(), derived)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The virtual subclasses that still exist.
fn registered(cx: &mut Ctx, class: Gc<Class>) -> R<Vec<Gc<Class>>> {
    let Some(list) = record(cx, class).and_then(|r| r.slots()[0].get().cast::<List>()) else { return Ok(Vec::new()) };
    let refs = cx.list_snapshot(list)?;
    let live = refs.items().iter().filter_map(|r| r.cast::<WeakRef>());
    Ok(live.filter_map(|r| r.target.get().cast::<Class>()).collect())
}

fn register(cx: &mut Ctx, class: Gc<Class>, subclass: Value) -> R {
    let Some(derived) = subclass.cast::<Class>() else {
        return Err(cx.type_error("Can only register classes"));
    };
    if cx.issubclass(subclass, class.value())? {
        return Ok(subclass);
    }
    if cx.issubclass(class.value(), subclass)? {
        return Err(cx.runtime_error("Refusing to create an inheritance cycle"));
    }
    if let Some(record) = record(cx, class) {
        let list = match record.slots()[0].get().cast::<List>() {
            Some(list) => list,
            None => cx.new_list(),
        };
        let kind = cx.class(ClassId::WeakRef);
        let weak = cx.new_weakref(kind, derived.value(), Value::NONE);
        cx.list_push(list, weak.value())?;
        record.slots()[0].set(list.value());
    }
    REGISTRATIONS.fetch_add(1, Ordering::AcqRel);
    Ok(subclass)
}

fn instance_check(cx: &mut Ctx, class: Gc<Class>, instance: Value) -> R<bool> {
    let own = cx.class_of(instance);
    let name = cx.names().__class__;
    // `__class__` may be a property of a stand-in.
    let said = match cx.get_attr(instance, name)?.cast::<Class>() {
        Some(said) => said,
        None => own,
    };
    if check(cx, class, said)? {
        return Ok(true);
    }
    if said.value() == own.value() { Ok(false) } else { check(cx, class, own) }
}

/// The check of a class, by its metaclass's own `__subclasscheck__` if that is not the usual one.
fn check(cx: &mut Ctx, class: Gc<Class>, subclass: Gc<Class>) -> R<bool> {
    if let Some(answer) = recall(cx, class, subclass) {
        return Ok(answer);
    }
    cx.issubclass(subclass.value(), class.value())
}

fn is_abstract(cx: &mut Ctx, v: Value) -> R<bool> {
    if v.header().is_none() || v.cast::<Function>().is_some_and(|f| f.dict.get().is_unbound()) {
        return Ok(false);
    }
    let name = cx.names().__isabstractmethod__;
    match cx.get_attr_opt(v, name)? {
        Some(flag) => cx.truth(flag),
        None => Ok(false),
    }
}

/// Sets `__abstractmethods__` to the names of a class's abstract methods.
fn find_abstract(cx: &mut Ctx, class: Gc<Class>) -> R<()> {
    let names = cx.new_set(true)?;
    let dict = class.dict();
    for (name, value) in dict.pairs() {
        if is_abstract(cx, value)? {
            names.add(cx, name)?;
        }
    }
    let key = cx.names().__abstractmethods__;
    let bases = class.bases();
    for &base in bases.items() {
        if base.cast::<Class>().is_none_or(|b| b.is_static()) {
            continue;
        }
        let Some(inherited) = cx.get_attr_opt(base, key)? else { continue };
        let inherited = cx.collect_tuple(inherited)?;
        for &name in inherited.items() {
            let Some(text) = name.cast() else { continue };
            let value = cx.get_attr_opt(class.value(), text)?;
            if let Some(value) = value
                && is_abstract(cx, value)?
            {
                names.add(cx, name)?;
            }
        }
    }
    cx.set_attr(class.value(), key, names.value())
}

/// What abc is made of.
#[conc_macros::module(name = "_abc")]
pub mod functions {
    use super::{Answers, RECORD, REGISTRATIONS, Record};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};
    use std::sync::atomic::Ordering;

    /// The class of the objects that hold what an abstract class remembers.
    const DATA: &str = "_abc_data";

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let class = cx.native_class("_abc", DATA, None, &[]);
        crate::core::shared::define(cx, module, DATA, class.value());
        Ok(())
    }

    /// Makes `register` and the checks methods of a metaclass.
    pub fn _install(cx: &mut Ctx, metaclass: Gc<Class>) {
        cx.install_in(metaclass, super::methods::METHODS);
    }

    /// Makes a new class abstract: finds its abstract methods and gives it its record.
    pub fn _abc_init(cx: &mut Ctx, class: Gc<Class>) -> R<()> {
        super::find_abstract(cx, class)?;
        let module = conc_interpreter::vm::import::import_module(cx, "_abc")?;
        let Some(kind) = cx.get_attr_text(module, DATA)?.cast::<Class>() else { return Ok(()) };
        let record = cx.new_boxed(kind, Some(Box::new(Record(Answers::default().into()))), 1);
        let name = cx.intern(RECORD);
        cx.set_class_attr(class, name, record.value())
    }

    /// Finds a class's abstract methods again.
    pub fn _abc_update(cx: &mut Ctx, class: Gc<Class>) -> R<()> {
        super::find_abstract(cx, class)
    }

    /// Give a number that changes whenever a class is registered.
    pub fn get_cache_token(_cx: &mut Ctx) -> i64 {
        REGISTRATIONS.load(Ordering::Acquire) as i64
    }

    /// What a class remembers: (virtual subclasses, known subclasses, known others), the last two as numbers.
    pub fn _get_dump(cx: &mut Ctx, class: Gc<Class>) -> R {
        let list = cx.new_list();
        for c in super::registered(cx, class)? {
            cx.list_push(list, c.value())?;
        }
        let registered = cx.list_to_tuple(list)?;
        let mut counts = [0, 0];
        if let Some(record) = super::record(cx, class)
            && let Some(data) = record.data::<Record>()
        {
            for (_, answer) in data.0.lock().known.values() {
                counts[usize::from(!answer)] += 1;
            }
        }
        let counts = counts.map(|n| cx.int(n));
        cx.tuple(&[registered, counts[0], counts[1]])
    }

    /// Forgets a class's virtual subclasses.
    pub fn _reset_registry(cx: &mut Ctx, class: Gc<Class>) {
        if let Some(record) = super::record(cx, class) {
            record.slots()[0].set(Value::NONE);
        }
    }

    /// Forgets a class's answers.
    pub fn _reset_caches(cx: &mut Ctx, class: Gc<Class>) {
        if let Some(record) = super::record(cx, class)
            && let Some(data) = record.data::<Record>()
        {
            data.0.lock().known.clear();
        }
    }
}

/// The native methods of ABCMeta.
#[conc_macros::methods]
pub mod methods {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::value::{Gc, Value};

    /// Make a class count as a subclass of this one; gives the class, so it can be a decorator.
    pub fn register(cx: &mut Ctx, this: Gc<Class>, #[kw] subclass: Value) -> R {
        super::register(cx, this, subclass)
    }

    /// Answer isinstance() for the class.
    pub fn __instancecheck__(cx: &mut Ctx, this: Gc<Class>, instance: Value) -> R<bool> {
        super::instance_check(cx, this, instance)
    }

    /// Answer issubclass() for the class.
    pub fn __subclasscheck__(cx: &mut Ctx, this: Gc<Class>, subclass: Value) -> R<bool> {
        match subclass.cast::<Class>() {
            Some(subclass) => super::is_subclass(cx, this, subclass),
            None => Err(cx.type_error("issubclass() arg 1 must be a class")),
        }
    }
}
