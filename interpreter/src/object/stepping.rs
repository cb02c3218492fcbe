//! Steps of iterators that take their items from others, made by one thread at a time.
//!
//! Such a step is more than one change: an item of the source, a number or a place in a row. While its sources run no
//! script ([`steps_alone`]) a flag of the iterator keeps other threads out. Whoever holds it may allocate, and so stop
//! the world; who waits for it stands at a safepoint then. It is held across no poll, and the sources it leads to are
//! set when an iterator is made and lead to no circle.

use std::sync::atomic::Ordering;

use crate::heap::Header;
use crate::native::Ctx;
use crate::object::kind::ClassId;
use crate::object::misc::{Boxed, Iter};
use crate::object::sequence::Tuple;
use crate::value::Value;

/// So deep may iterators take from iterators and be stepped as one.
const DEPTH: usize = 8;
/// So often a thread looks before it gives up its time.
const LOOKS: usize = 64;

/// Holds an iterator for a step, if there are other threads.
pub struct Step<'a>(Option<&'a Header>);

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if let Some(header) = self.0 {
            header.end_step();
        }
    }
}

impl Ctx {
    /// Holds an iterator, whose step runs no script, for a step.
    #[inline]
    pub fn begin_step<'a>(&mut self, header: &'a Header) -> Step<'a> {
        if !self.is_shared() {
            return Step(None);
        }
        let mut looks = 0;
        while !header.try_step() {
            looks += 1;
            self.wait_for_step(looks);
        }
        Step(Some(header))
    }

    #[cold]
    fn wait_for_step(&mut self, looks: usize) {
        match looks {
            ..LOOKS => std::hint::spin_loop(),
            _ => std::thread::yield_now(),
        }
        if self.signals_arc().stop.load(Ordering::Relaxed) {
            self.safepoint();
        }
    }

    /// Holds the iterator for a step if all these sources are stepped without scripts.
    #[inline]
    pub fn begin_step_over<'a>(&mut self, header: &'a Header, sources: &[Value]) -> Step<'a> {
        self.begin_step_if(header, |cx| sources.iter().all(|&source| cx.steps_alone(source)))
    }

    /// The same, if that is so.
    #[inline]
    pub fn begin_step_if<'a>(&mut self, header: &'a Header, alone: impl FnOnce(&Ctx) -> bool) -> Step<'a> {
        if self.is_shared() && alone(self) { self.begin_step(header) } else { Step(None) }
    }

    /// Whether a step of `v` runs no script, and holds no iterator that leads back to where it began.
    pub fn steps_alone(&self, v: Value) -> bool {
        steps_alone(self, v, DEPTH)
    }
}

fn steps_alone(cx: &Ctx, v: Value, depth: usize) -> bool {
    if let Some(it) = v.cast::<Iter>() {
        return iter_alone(cx, &it, depth);
    }
    let Some(boxed) = v.cast::<Boxed>().filter(|_| depth > 0) else { return false };
    let alone = boxed.behavior.map(|b| b.alone).unwrap_or_default();
    // A subclass may have a step of its own.
    alone != Alone::Never
        && cx.class_of(v).is_static()
        && match alone {
            Alone::With(source) => {
                let source = boxed.slots()[source].get();
                source.is_none() || steps_alone(cx, source, depth - 1)
            }
            Alone::Counting => boxed.slots().iter().all(|slot| is_plain_number(cx, slot.get())),
            alone => alone == Alone::Always,
        }
}

fn iter_alone(cx: &Ctx, it: &Iter, depth: usize) -> bool {
    const NEVER: [ClassId; 6] = [
        ClassId::Map,
        ClassId::Filter,
        ClassId::SequenceIterator,
        ClassId::Reversed,
        ClassId::CallIterator,
        ClassId::MemoryIterator,
    ];
    let all = |sources: &[Value]| depth > 0 && sources.iter().all(|&source| steps_alone(cx, source, depth - 1));
    match it.header.shape() {
        s if s == ClassId::Enumerate.shape() => all(&[it.source.get()]),
        s if s == ClassId::Zip.shape() => it.source.get().cast::<Tuple>().is_some_and(|t| all(t.items())),
        s => s < ClassId::COUNT as u32 && !NEVER.iter().any(|id| s == id.shape()),
    }
}

fn is_plain_number(cx: &Ctx, v: Value) -> bool {
    v.header().is_none_or(|h| h.shape() < ClassId::COUNT as u32) && (cx.is_int(v) || cx.as_float(v).is_some())
}

/// Whether steps of an iterator run scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Alone {
    /// They do, or may.
    #[default]
    Never,
    /// If those of the iterator in that slot do, which is None once it has ended.
    With(usize),
    /// Unless its slots are numbers.
    Counting,
    Always,
}
