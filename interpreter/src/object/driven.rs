//! Iteration driven by resumable natives: which values run scripts, and the steps through an iterable's items.

use crate::native::{Args, Ctx, Entered, NativeFrame, R, Step};
use crate::object::class::Class;
use crate::object::function::{Function, Method};
use crate::object::kind::{ClassId, Kind};
use crate::object::misc::Iter;
use crate::object::sequence::Tuple;
use crate::value::Value;

/// Whether taking the items of `v` may run a script.
pub fn iterates_script(v: Value) -> bool {
    let Some(h) = v.header() else { return false };
    match Kind::of(h.kind()) {
        Kind::Generator => h.shape() == ClassId::Generator.shape(),
        Kind::Instance => true,
        Kind::Iter => v.cast::<Iter>().is_some_and(|it| steps_by_script(&it)),
        _ => false,
    }
}

/// Whether one of the builtin iterators may run a script at its next step.
#[inline]
pub fn steps_by_script(it: &Iter) -> bool {
    let shape = it.header.shape();
    if shape == ClassId::Enumerate.shape() {
        return iterates_script(it.source.get());
    }
    let sources = || it.source.get().cast::<Tuple>();
    if shape == ClassId::Zip.shape() {
        return sources().is_some_and(|t| t.items().iter().any(|&v| iterates_script(v)));
    }
    if shape == ClassId::Map.shape() {
        return runs_script(it.extra.get()) || sources().is_some_and(|t| t.items().iter().any(|&v| iterates_script(v)));
    }
    shape == ClassId::Filter.shape() && (runs_script(it.extra.get()) || iterates_script(it.source.get()))
}

/// Whether calling `f` may run a script.
pub fn runs_script(f: Value) -> bool {
    match Kind::of(f.kind_byte()) {
        Kind::Function | Kind::Instance | Kind::Boxed => true,
        Kind::Method => f.cast::<Method>().is_some_and(|m| runs_script(m.function.get())),
        Kind::Class => f.cast::<Class>().is_some_and(|c| c.id == 0),
        _ => false,
    }
}

/// For natives over the iterable that is their first argument.
pub fn first_iterates(args: Args<'_>) -> bool {
    iterates_script(args.get(0))
}

/// For methods with an iterable.
pub fn second_iterates(args: Args<'_>) -> bool {
    iterates_script(args.get(1))
}

/// States of a native in [`items`]; others are its own.
const ASKED: i64 = 1;
pub const ITEMS: i64 = 2;
pub const OWN: i64 = 3;

/// What comes of one entry of a native that goes through items.
pub enum Item {
    Value(Value),
    End,
    /// Not an item yet, or none because of an exception.
    Other(Step),
}

/// Steps through the items of the iterable in slot `at`, where its iterator takes its place. After each item the
/// native goes on with `Step::Next` of that slot, in state [`ITEMS`].
#[inline]
pub fn items(cx: &mut Ctx, frame: &mut NativeFrame<'_>, at: usize, entered: Entered) -> Item {
    match entered {
        Entered::With(v) if frame.state() == ITEMS => Item::Value(v),
        Entered::Ended(_) => Item::End,
        Entered::Raised(e) => Item::Other(Step::Raise(e)),
        Entered::Start => Item::Other(ask(cx, frame, at).into()),
        Entered::With(it) => Item::Other(cx.iter_result(it).map(|it| first(frame, at, it)).into()),
    }
}

fn ask(cx: &mut Ctx, frame: &mut NativeFrame<'_>, at: usize) -> R<Step> {
    let source = frame.get(at);
    if source.is_a::<crate::object::instance::Instance>() {
        let name = cx.names().__iter__;
        if let Some(f) = cx.lookup_special(source, name)
            && f.is_a::<Function>()
        {
            frame.set_state(ASKED);
            return Ok(frame.call(f, &[source]));
        }
    }
    let it = cx.iter(source)?;
    Ok(first(frame, at, it))
}

fn first(frame: &mut NativeFrame<'_>, at: usize, it: Value) -> Step {
    frame.set(at, it);
    frame.set_state(ITEMS);
    Step::Next(it)
}
