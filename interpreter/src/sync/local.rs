//! `_thread._local`: attributes that each thread has for itself.

use conc_macros::methods;
use parking_lot::Mutex;

use super::wait;
use crate::native::{Ctx, Kwargs, R};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::object::misc::{Boxed, Payload};
use crate::object::sequence::Tuple;
use crate::object::string::Str;
use crate::scheduler;
use crate::value::{Gc, Value};

/// With how many threads' dicts the next look for ended threads is due.
pub struct Local(Mutex<usize>);

impl Payload for Local {}

/// Slots: a dict from thread ids to the threads' dicts; what `__init__` gets in each thread.
const DICTS: usize = 0;
const ARGS: usize = 1;
const KWARGS: usize = 2;

const FEW: usize = 16;

/// The running thread's dict; in a thread that has none yet, `__init__` is called.
fn own_dict(cx: &mut Ctx, this: Gc<Boxed>) -> R<Gc<Dict>> {
    let me = Value::small_int(scheduler::current(cx) as i64);
    let (_, local) = wait::payload::<Local>(cx, this.value())?;
    let Some(dicts) = this.slots()[DICTS].get().cast::<Dict>() else { return Ok(cx.new_dict()) };
    if let Some(own) = dicts.get(cx, me)?.and_then(|d| d.cast()) {
        return Ok(own);
    }
    let own = cx.new_dict();
    forget_ended(cx, dicts, local)?;
    dicts.set(cx, me, own.value())?;
    if has_init(cx, this) {
        initialize(cx, this)?;
    }
    Ok(own)
}

fn initialize(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
    let class = cx.class_of(this.value()).value();
    let init = cx.get_attr_text(class, "__init__")?;
    let args = this.slots()[ARGS].get();
    let list = cx.new_list();
    cx.list_push(list, this.value())?;
    if let Some(args) = args.cast::<Tuple>() {
        for &arg in args.items() {
            cx.list_push(list, arg)?;
        }
    }
    let args = cx.list_snapshot(list)?;
    cx.call_kwargs(init, args.items(), this.slots()[KWARGS].get().cast()).map(drop)
}

fn has_init(cx: &mut Ctx, this: Gc<Boxed>) -> bool {
    let (class, object) = (cx.class_of(this.value()), cx.class(ClassId::Object));
    let name = cx.names().__init__;
    cx.lookup(class, name) != cx.lookup(object, name)
}

/// Drops the dicts of threads that have ended, now and then.
fn forget_ended(cx: &mut Ctx, dicts: Gc<Dict>, local: &Local) -> R<()> {
    if dicts.len() < *local.0.lock() {
        return Ok(());
    }
    let live: Vec<u64> = scheduler::threads(cx).iter().map(|t| t.id).collect();
    let known: Vec<i64> = dicts.pairs().filter_map(|(id, _)| id.as_int()).collect();
    for id in known {
        if live.binary_search(&(id as u64)).is_err() {
            dicts.remove(cx, Value::small_int(id))?;
        }
    }
    *local.0.lock() = (dicts.len() * 2).max(FEW);
    Ok(())
}

fn name_of(cx: &mut Ctx, name: Value) -> R<Gc<Str>> {
    match name.cast::<Str>() {
        Some(name) => Ok(cx.intern_str(name)),
        None => {
            let got = cx.type_name(name);
            Err(cx.type_error(format!("attribute name must be string, not '{got}'")))
        }
    }
}

impl Ctx {
    /// The class `_thread._local`.
    pub fn local_class(&mut self) -> Gc<Class> {
        self.native_class("_thread", "_local", None, plain::METHODS)
    }
}

/// _local
#[methods]
pub mod plain {
    use super::*;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, args: &[Value], kwargs: Kwargs) -> R {
        let this = cx.new_boxed_with(class, Local(Mutex::new(FEW)), 3);
        if (!args.is_empty() || kwargs.0.is_some()) && !has_init(cx, this) {
            return Err(cx.type_error("Initialization arguments are not supported"));
        }
        let args = cx.tuple(args)?;
        this.slots()[ARGS].set(args);
        this.slots()[KWARGS].set(kwargs.0.map_or(Value::NONE, |k| k.value()));
        let (dicts, own) = (cx.new_dict(), cx.new_dict());
        this.slots()[DICTS].set(dicts.value());
        let me = Value::small_int(scheduler::current(cx) as i64);
        dicts.set(cx, me, own.value())?;
        Ok(this.value())
    }

    pub fn __getattribute__(cx: &mut Ctx, this: Gc<Boxed>, name: Value) -> R {
        let name = name_of(cx, name)?;
        let own = own_dict(cx, this)?;
        if name == cx.names().__dict__ {
            return Ok(own.value());
        }
        let class = cx.class_of(this.value());
        let found = cx.lookup(class, name);
        if let Some(found) = found
            && cx.is_data_descriptor(found)
            && cx.has_getter(found)
        {
            return cx.bind(found, this.value(), class);
        }
        match (own.get_str(cx, name), found) {
            (Some(value), _) => Ok(value),
            (None, Some(found)) => cx.bind(found, this.value(), class),
            (None, None) => Err(missing(cx, this, name)),
        }
    }

    fn missing(cx: &mut Ctx, this: Gc<Boxed>, name: Gc<Str>) -> crate::native::Raised {
        let class = cx.class_of(this.value());
        let message = format!("'{}' object has no attribute '{}'", cx.qualified_name(class), name.to_text());
        cx.attribute_error_for(this.value(), name.value(), message)
    }

    pub fn __setattr__(cx: &mut Ctx, this: Gc<Boxed>, name: Value, value: Value) -> R<()> {
        let name = name_of(cx, name)?;
        let own = writable(cx, this, name)?;
        let class = cx.class_of(this.value());
        match cx.lookup(class, name) {
            Some(found) if cx.is_data_descriptor(found) => cx.descriptor_set(found, this.value(), value),
            _ => own.set(cx, name.value(), value),
        }
    }

    pub fn __delattr__(cx: &mut Ctx, this: Gc<Boxed>, name: Value) -> R<()> {
        let name = name_of(cx, name)?;
        let own = writable(cx, this, name)?;
        let class = cx.class_of(this.value());
        match cx.lookup(class, name) {
            Some(found) if cx.is_data_descriptor(found) => cx.descriptor_set(found, this.value(), Value::UNBOUND),
            _ => match own.remove(cx, name.value())? {
                Some(_) => Ok(()),
                None => Err(missing(cx, this, name)),
            },
        }
    }

    fn writable(cx: &mut Ctx, this: Gc<Boxed>, name: Gc<Str>) -> R<Gc<Dict>> {
        let own = own_dict(cx, this)?;
        if name != cx.names().__dict__ {
            return Ok(own);
        }
        let class = cx.class_of(this.value());
        let message = format!("'{}' object attribute '__dict__' is read-only", cx.qualified_name(class));
        Err(cx.attribute_error_for(this.value(), name.value(), message))
    }
}
