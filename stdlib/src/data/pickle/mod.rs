//! _pickle: objects to bytes and back, protocols 0 to 5.

mod input;
mod load;
mod memo;
mod names;
mod numbers;
mod op;
mod output;
mod outside;
mod reduce;
mod save;

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::misc::{Boxed, Payload};
use conc_interpreter::object::sequence::List;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};
use conc_macros::module;
use parking_lot::Mutex;

use self::memo::Memo;
use crate::core::shared::{recall, recall_class, remember, text_arg};

/// The newest protocol.
pub const HIGHEST: u8 = 5;
/// The protocol that is written unless another is asked for.
const DEFAULT: u8 = 4;

/// An exception of the module, which the module in Conc defines.
#[cold]
fn raise(cx: &mut Ctx, class: &str, message: &str) -> Raised {
    let text = cx.str(message);
    match recall(cx, &format!("pickle.{class}")).map(|class| cx.call(class, &[text])) {
        Some(Ok(exception)) => {
            cx.set_context(exception);
            Raised(exception)
        }
        Some(Err(e)) => e,
        None => cx.value_error(message),
    }
}

/// A name of the module `copyreg`, which is kept once it has been needed.
fn copyreg(cx: &mut Ctx, kept: &mut Option<Value>, name: &str) -> R {
    let module = match *kept {
        Some(module) => module,
        None => *kept.insert(cx.import("copyreg")?),
    };
    cx.get_attr_text(module, name)
}

/// The numbers of a pickler's objects, from one `dump` to the next; slot 0 holds the objects.
struct Numbers(Mutex<memo::Numbers>);
impl Payload for Numbers {}

fn protocol_of(cx: &mut Ctx, protocol: Value) -> R<u8> {
    if protocol.is_none() {
        return Ok(DEFAULT);
    }
    match cx.index_i64(protocol)? {
        ..0 => Ok(HIGHEST),
        n if n <= HIGHEST.into() => Ok(n as u8),
        _ => Err(cx.value_error(format!("pickle protocol must be <= {HIGHEST}"))),
    }
}

fn given(v: Value) -> Option<Value> {
    Some(v).filter(|v| !v.is_none() && !v.is_unbound())
}

/// The memo of a pickler: its numbers are taken out while they are used.
fn take_memo(cx: &mut Ctx, memo: Value) -> Memo {
    let boxed = memo.cast::<Boxed>();
    let kept = boxed.and_then(|memo| memo.slots()[0].get().cast::<List>());
    match boxed
        .and_then(|memo| memo.payload::<Numbers>().map(|numbers| std::mem::take(&mut *numbers.0.lock())))
        .zip(kept)
    {
        Some((numbers, kept)) => Memo { numbers, kept },
        None => Memo { numbers: memo::Numbers::default(), kept: cx.new_list() },
    }
}

fn put_memo(memo: Value, numbers: memo::Numbers) {
    if let Some(boxed) = memo.cast::<Boxed>()
        && let Some(place) = boxed.payload::<Numbers>()
    {
        *place.0.lock() = numbers;
    }
}

fn new_memo(cx: &mut Ctx) -> R {
    let class = match recall_class(cx, "pickle.Memo") {
        Some(class) => class,
        None => {
            let class = cx.native_class("_pickle", "Memo", None, &[]);
            remember(cx, "pickle.Memo", class.value());
            class
        }
    };
    let kept: Gc<List> = cx.new_list();
    let memo = cx.new_boxed(class, Some(Box::new(Numbers(Mutex::default()))), 1);
    memo.slots()[0].set(kept.value());
    Ok(memo.value())
}

fn flag(cx: &mut Ctx, object: Value, name: &str) -> R<bool> {
    let v = cx.get_attr_text(object, name)?;
    cx.truth(v)
}

fn text(cx: &mut Ctx, object: Value, name: &str) -> R<Gc<Str>> {
    let v = cx.get_attr_text(object, name)?;
    text_arg(cx, v, |got| format!("{} must be str, not {got}", name.trim_start_matches('_')))
}

fn iterator(cx: &mut Ctx, buffers: Value) -> R<Option<Value>> {
    match given(buffers) {
        Some(buffers) => cx.iter(buffers).map(Some),
        None => Ok(None),
    }
}

/// The pickle of an object; `memo` is a pickler's, or None for one of its own.
fn pickle(cx: &mut Ctx, obj: Value, protocol: u8, hooks: save::Hooks, memo: Value) -> R {
    if hooks.buffer_callback.is_some() && protocol < 5 {
        return Err(cx.value_error("buffer_callback needs protocol >= 5"));
    }
    let numbers = take_memo(cx, memo);
    let mut saver = save::Saver { out: output::Output::default(), protocol, hooks, memo: numbers, copyreg: None };
    let result = saver.dump(cx, obj);
    put_memo(memo, saver.memo.numbers);
    result?;
    cx.bytes(&saver.out.data)
}

/// Objects to bytes and back.
#[module(name = "_pickle")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::sequence::List;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    use super::input::Input;
    use super::load::{Hooks as Reading, Loader, find_global};
    use super::save::Hooks as Writing;
    use super::{flag, given, iterator, new_memo, pickle, protocol_of, put_memo, take_memo, text};
    use crate::core::shared::remember;
    use crate::data::view::View;

    /// Return the pickled representation of the object as bytes.
    pub fn dumps(
        cx: &mut Ctx,
        #[kw] obj: Value,
        #[kw]
        #[default(Value::NONE)]
        protocol: Value,
        #[kwonly]
        #[default(true)]
        fix_imports: bool,
        #[kwonly]
        #[default(Value::NONE)]
        buffer_callback: Value,
    ) -> R {
        let protocol = protocol_of(cx, protocol)?;
        let buffer_callback = given(buffer_callback);
        let hooks = Writing { buffer_callback, fix_imports, ..Writing::default() };
        pickle(cx, obj, protocol, hooks, Value::NONE)
    }

    /// The pickle of an object by a pickler's settings.
    pub fn save(cx: &mut Ctx, pickler: Value, obj: Value, persistent_id: Value, reducer_override: Value) -> R {
        let protocol = cx.get_attr_text(pickler, "_protocol")?;
        let protocol = protocol_of(cx, protocol)?;
        let (fix_imports, fast) = (flag(cx, pickler, "_fix_imports")?, flag(cx, pickler, "fast")?);
        let dispatch_table = cx.intern("dispatch_table");
        let hooks = Writing {
            persistent_id: given(persistent_id),
            reducer_override: given(reducer_override),
            dispatch_table: cx.get_attr_opt(pickler, dispatch_table)?,
            buffer_callback: given(cx.get_attr_text(pickler, "_buffer_callback")?),
            fix_imports,
            fast,
        };
        let memo = cx.get_attr_text(pickler, "_memo")?;
        pickle(cx, obj, protocol, hooks, memo)
    }

    /// The protocol as a number: None is the default, a negative one the newest.
    pub fn protocol(cx: &mut Ctx, protocol: Value) -> R<i64> {
        Ok(protocol_of(cx, protocol)?.into())
    }

    /// Numbers for objects, which a pickler keeps from one pickle to the next.
    pub fn memo(cx: &mut Ctx) -> R {
        new_memo(cx)
    }

    /// How many objects have a number.
    pub fn memo_len(cx: &mut Ctx, memo: Value) -> i64 {
        let numbers = take_memo(cx, memo).numbers;
        let len = numbers.len() as i64;
        put_memo(memo, numbers);
        len
    }

    /// Read and return an object from the given pickle data.
    pub fn loads(
        cx: &mut Ctx,
        data: Value,
        #[kwonly]
        #[default(true)]
        fix_imports: bool,
        #[kwonly] encoding: Option<Gc<Str>>,
        #[kwonly] errors: Option<Gc<Str>>,
        #[kwonly]
        #[default(Value::NONE)]
        buffers: Value,
    ) -> R {
        let input = Input::memory(View::of(cx, data)?.to_vec());
        let encoding = encoding.unwrap_or_else(|| cx.new_str("ASCII"));
        let errors = errors.unwrap_or_else(|| cx.new_str("strict"));
        let buffers = iterator(cx, buffers)?;
        let hooks = Reading {
            unpickler: None,
            find_class: None,
            persistent_load: None,
            buffers,
            fix_imports,
            encoding,
            errors,
        };
        let memo = cx.new_list();
        Loader::new(cx, input, hooks, memo).load(cx)
    }

    /// The object of the next pickle in an unpickler's file.
    pub fn load(cx: &mut Ctx, unpickler: Value, find_class: Value, persistent_load: Value) -> R {
        let (read, readline) = (cx.get_attr_text(unpickler, "_read")?, cx.get_attr_text(unpickler, "_readline")?);
        let buffers = cx.get_attr_text(unpickler, "_buffers")?;
        let hooks = Reading {
            unpickler: Some(unpickler),
            find_class: given(find_class),
            persistent_load: given(persistent_load),
            buffers: iterator(cx, buffers)?,
            fix_imports: flag(cx, unpickler, "_fix_imports")?,
            encoding: text(cx, unpickler, "_encoding")?,
            errors: text(cx, unpickler, "_errors")?,
        };
        let memo = match cx.get_attr_text(unpickler, "_memo")?.cast::<List>() {
            Some(memo) => memo,
            None => cx.new_list(),
        };
        Loader::new(cx, Input::file(read, readline), hooks, memo).load(cx)
    }

    /// What a name in a pickle stands for.
    pub fn find(cx: &mut Ctx, module: Gc<Str>, name: Gc<Str>, protocol: i64, fix_imports: bool) -> R {
        find_global(cx, &module.to_text(), &name.to_text(), protocol as u8, fix_imports)
    }

    /// Keep the classes that pickles know: the errors and PickleBuffer.
    pub fn know(cx: &mut Ctx, name: Gc<Str>, class: Value) {
        let name = format!("pickle.{}", name.to_text());
        remember(cx, &name, class);
    }
}
