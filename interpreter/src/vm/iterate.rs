//! Iteration that runs scripts without a nested loop: the steps of map, filter, zip and enumerate, and the builtin
//! containers made of an iterable.

use super::call::{Called, push_special};
use super::generator;
use super::native::{Machine, push_machine};
use crate::native::{Ctx, Entered, NativeDef, NativeFrame, Param, ParamKind, R, Role, Step};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::driven::{ITEMS, Item, items, iterates_script, steps_by_script};
use crate::object::function::Function;
use crate::object::generator::Generator;
use crate::object::kind::ClassId;
use crate::object::methods::dict::pair_of;
use crate::object::misc::Iter;
use crate::object::sequence::{List, Tuple};
use crate::object::set::Set;
use crate::value::{Gc, Value};

/// Words of a `ForNext`'s state, used where its iterator is a map or filter: the item, and TRUE while the iterator's
/// function has been called with it by the `ForNext` itself.
const ITEM: usize = 2;
const OWN_CALL: usize = 3;

/// The next item of a builtin iterator for the `ForNext` before `cx.pc`, whose state is given; unbound at the end.
#[inline]
pub fn step(cx: &mut Ctx, it: Gc<Iter>, state: *mut Value) -> R<Called> {
    if is_composite(it.header().shape()) {
        return step_composite(cx, it, state);
    }
    cx.iter_step(it).map(|item| Called::Value(item.unwrap_or(Value::UNBOUND)))
}

/// Whether an iterator takes its items from others.
#[inline(always)]
fn is_composite(shape: u32) -> bool {
    [ClassId::Enumerate, ClassId::Zip, ClassId::Map, ClassId::Filter].iter().any(|id| shape == id.shape())
}

fn step_composite(cx: &mut Ctx, it: Gc<Iter>, state: *mut Value) -> R<Called> {
    // SAFETY: the state's four words lie in the live frame.
    unsafe { *state.add(OWN_CALL) = Value::NONE };
    if !steps_by_script(&it) {
        return cx.iter_step(it).map(|item| Called::Value(item.unwrap_or(Value::UNBOUND)));
    }
    let function = it.extra.get().is_a::<Function>();
    let source = match it.header().shape() {
        s if s == ClassId::Enumerate.shape() => Some(it.source.get()),
        s if s == ClassId::Filter.shape() && function => Some(it.source.get()),
        s if s == ClassId::Map.shape() && function => match it.source.get().cast::<Tuple>() {
            Some(sources) if sources.len == 1 => sources.items().first().copied(),
            _ => None,
        },
        _ => None,
    };
    // One iterator and at most a script's function: only their own frames.
    if let Some(source) = source {
        if let Some(g) = source.cast::<Generator>()
            && generator::claim(cx, g, Value::NONE)
        {
            // SAFETY: the frame at `cx.base` is the loop's; the generator has been claimed.
            unsafe {
                generator::enter(cx, g, cx.base, cx.pc);
                cx.pc = generator::deliver(g, Value::NONE);
            }
            cx.base = g.base();
            return Ok(Called::Frame);
        }
        if !iterates_script(source) {
            return match cx.next(source)? {
                Some(item) => arrived(cx, state, item),
                None => Ok(Called::Value(Value::UNBOUND)),
            };
        }
    }
    push_machine(cx, Machine::IterStep, &[it.value()], None)
}

/// An item has come from the only source of the enumerate, map or filter that heads a `ForNext`'s state.
pub fn arrived(cx: &mut Ctx, state: *mut Value, item: Value) -> R<Called> {
    // SAFETY: as above.
    let it = unsafe { *state };
    let Some(it) = it.cast::<Iter>() else { return Ok(Called::Value(item)) };
    match it.extra.get().cast::<Function>() {
        Some(f) => {
            // SAFETY: as above.
            unsafe {
                *state.add(ITEM) = item;
                *state.add(OWN_CALL) = Value::TRUE;
            }
            push_special(cx, f, &[item])
        }
        None => cx.enumerated(it, item).map(Called::Value),
    }
}

/// The item that a frame pushed by [`step`] or [`arrived`] has come to; None: a filter refuses it.
pub fn returned(cx: &mut Ctx, state: *mut Value, result: Value) -> R<Option<Value>> {
    // SAFETY: as above.
    let (it, item, own_call) = unsafe { (*state, *state.add(ITEM), *state.add(OWN_CALL)) };
    let filter = it.header().is_some_and(|h| h.shape() == ClassId::Filter.shape());
    if !filter || own_call != Value::TRUE {
        return Ok(Some(result));
    }
    Ok(cx.truth(result)?.then_some(item))
}

const STEP_PARAMS: &[Param] =
    &[Param { name: "iterator", kind: ParamKind::PositionalOnly, required: true, default: "" }];

/// One step of map, filter, zip or enumerate.
pub static STEP: NativeDef = NativeDef::resumable("<step>", "", Role::Function, STEP_PARAMS, step_frame);

/// Slots of [`STEP`]: the iterator, the items so far.
const IT: usize = 0;
const SO_FAR: usize = 1;

/// An inner iterator has been asked.
const ASKED: i64 = 1;
/// The function has been called.
const CALLED: i64 = 2;

fn step_frame(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    let Some(it) = frame.get(IT).cast::<Iter>() else { return Step::Done(Value::UNBOUND) };
    match entered {
        Entered::Raised(e) => Step::Raise(e),
        Entered::Ended(_) => ended(cx, frame, it).into(),
        Entered::Start => ask(frame, it),
        Entered::With(v) if frame.state() == CALLED => called(cx, frame, it, v).into(),
        Entered::With(v) => received(cx, frame, it, v).into(),
    }
}

/// The iterator's inner ones; enumerate and filter have one.
fn inner(frame: &NativeFrame<'_>, it: Gc<Iter>) -> Option<Value> {
    let source = it.source.get();
    match source.cast::<Tuple>().filter(|_| has_many(it)) {
        Some(all) => all.items().get(frame.get(SO_FAR).cast::<List>().map_or(0, |l| l.len())).copied(),
        None if has_many(it) => None,
        None => Some(source),
    }
}

/// Zip and map keep a tuple of iterators.
fn has_many(it: Gc<Iter>) -> bool {
    let shape = it.header().shape();
    shape == ClassId::Zip.shape() || shape == ClassId::Map.shape()
}

fn ask(frame: &mut NativeFrame<'_>, it: Gc<Iter>) -> Step {
    frame.set_state(ASKED);
    match inner(frame, it) {
        Some(source) => Step::Next(source),
        None => Step::Done(Value::UNBOUND),
    }
}

/// An inner iterator has ended; in strict mode the others must have too.
fn ended(cx: &mut Ctx, frame: &mut NativeFrame<'_>, it: Gc<Iter>) -> R<Step> {
    if it.header().shape() == ClassId::Zip.shape()
        && let Some(iterators) = it.source.get().cast::<Tuple>()
    {
        it.source.set_immediate(Value::NONE);
        if it.extra.get() == Value::TRUE {
            let given = frame.get(SO_FAR).cast::<List>().map_or(0, |l| l.len());
            cx.zip_lengths(iterators, given)?;
        }
    }
    Ok(Step::Done(Value::UNBOUND))
}

fn received(cx: &mut Ctx, frame: &mut NativeFrame<'_>, it: Gc<Iter>, item: Value) -> R<Step> {
    let f = it.extra.get();
    match it.header().shape() {
        s if s == ClassId::Enumerate.shape() => cx.enumerated(it, item).map(Step::Done),
        s if s == ClassId::Filter.shape() => {
            frame.set(SO_FAR, item);
            if f.is_none() {
                return called(cx, frame, it, item);
            }
            frame.set_state(CALLED);
            Ok(frame.call(f, &[item]))
        }
        s => {
            let Some(sources) = it.source.get().cast::<Tuple>() else { return Ok(Step::Done(Value::UNBOUND)) };
            let map = s == ClassId::Map.shape();
            if map && sources.len == 1 {
                frame.set_state(CALLED);
                return Ok(frame.call(f, &[item]));
            }
            let list = match frame.get(SO_FAR).cast::<List>() {
                Some(list) => list,
                None => cx.new_list(),
            };
            frame.set(SO_FAR, list.value());
            cx.list_push(list, item)?;
            if list.len() < sources.len {
                return Ok(ask(frame, it));
            }
            if !map {
                return cx.list_to_tuple(list).map(Step::Done);
            }
            frame.set_state(CALLED);
            let (args, none) = (cx.list_snapshot(list)?, cx.iso().roots.empty_tuple.obj());
            Ok(frame.call_named(f, args, none))
        }
    }
}

/// The function of a map has made the item; that of a filter says whether to give it.
fn called(cx: &mut Ctx, frame: &mut NativeFrame<'_>, it: Gc<Iter>, result: Value) -> R<Step> {
    if it.header().shape() == ClassId::Map.shape() {
        return Ok(Step::Done(result));
    }
    if cx.truth(result)? {
        return Ok(Step::Done(frame.get(SO_FAR)));
    }
    Ok(ask(frame, it))
}

const COLLECT_PARAMS: &[Param] = &[
    Param { name: "class", kind: ParamKind::PositionalOnly, required: true, default: "" },
    Param { name: "iterable", kind: ParamKind::PositionalOnly, required: true, default: "" },
];

/// `list(iterable)` and the other builtin containers.
pub static COLLECT: NativeDef =
    NativeDef::resumable("<collect>", "", Role::Function, COLLECT_PARAMS, |cx, frame, entered| {
        collect(cx, frame, entered).into()
    });

/// The frame that makes a builtin container of an iterable whose items come from a script; None: no such call.
pub fn push_collect(cx: &mut Ctx, class: Gc<Class>, args: &[Value], a: usize) -> R<Option<Called>> {
    let &[source] = args else { return Ok(None) };
    if !iterates_script(source) {
        return Ok(None);
    }
    const CONTAINERS: [ClassId; 5] = [ClassId::List, ClassId::Tuple, ClassId::Set, ClassId::FrozenSet, ClassId::Dict];
    let Some(&id) = CONTAINERS.iter().find(|&&id| class.id == id as u32) else { return Ok(None) };
    let made = match id {
        ClassId::Set | ClassId::FrozenSet => cx.new_set(id == ClassId::FrozenSet)?.value(),
        ClassId::Dict => {
            let keys = cx.names().keys;
            if cx.get_attr_opt(source, keys)?.is_some() {
                return Ok(None);
            }
            cx.new_dict().value()
        }
        _ => cx.new_list().value(),
    };
    push_machine(cx, Machine::Collect, &[class.value(), source, made, Value::small_int(0)], Some(a)).map(Some)
}

/// Slots: class, iterable, what is made, how many items there were.
fn collect(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let made = frame.get(2);
    match items(cx, frame, 1, entered) {
        Item::Other(step) => Ok(step),
        Item::End => match made.cast::<List>() {
            Some(list) if frame.get(0) == cx.class(ClassId::Tuple).value() => cx.list_to_tuple(list).map(Step::Done),
            _ => Ok(Step::Done(made)),
        },
        Item::Value(item) => {
            debug_assert_eq!(frame.state(), ITEMS);
            if let Some(list) = made.cast::<List>() {
                cx.list_push(list, item)?;
            } else if let Some(set) = made.cast::<Set>() {
                set.add(cx, item)?;
            } else if let Some(dict) = made.cast::<Dict>() {
                let n = frame.get(3).int();
                frame.set(3, Value::small_int(n + 1));
                let (key, value) = pair_of(cx, item, n as usize)?;
                dict.set(cx, key, value)?;
            }
            Ok(Step::Next(frame.get(1)))
        }
    }
}
