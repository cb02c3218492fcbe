//! Builtin functions over iterables: all, any, min, max, sorted.

use conc_interpreter::native::{Args, Ctx, Entered, Kwargs, NativeFrame, R, Resume, Step};
use conc_interpreter::object::driven::{ITEMS, Item, OWN, first_iterates, items, iterates_script, runs_script};
use conc_interpreter::object::sequence::{List, Tuple};
use conc_interpreter::object::sort::sort_step;
use conc_interpreter::value::{Gc, Value};

/// Whether an item whose truth is `wanted` occurs.
pub fn find_truth(cx: &mut Ctx, iterable: Value, wanted: bool) -> R<bool> {
    if let Some(list) = exact_list(iterable) {
        let mut i = 0;
        while let Some(item) = list.get(i) {
            if cx.truth(item)? == wanted {
                return Ok(true);
            }
            i += 1;
        }
        return Ok(false);
    }
    let it = cx.iter(iterable)?;
    while let Some(item) = cx.next(it)? {
        if cx.truth(item)? == wanted {
            return Ok(true);
        }
        cx.poll()?;
    }
    Ok(false)
}

/// `all` and `any` of what a script makes. Slot: iterable.
pub const ALL: Resume = Resume::when(|cx, frame, entered| truth_step(cx, frame, entered, false).into(), first_iterates);
pub const ANY: Resume = Resume::when(|cx, frame, entered| truth_step(cx, frame, entered, true).into(), first_iterates);

fn truth_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered, wanted: bool) -> R<Step> {
    match items(cx, frame, 0, entered) {
        Item::Other(step) => Ok(step),
        Item::End => Ok(Step::Done(Value::bool(!wanted))),
        Item::Value(item) if cx.truth(item)? == wanted => Ok(Step::Done(Value::bool(wanted))),
        Item::Value(_) => Ok(Step::Next(frame.get(0))),
    }
}

fn exact_list(v: Value) -> Option<Gc<List>> {
    use conc_interpreter::object::kind::ClassId;
    v.cast::<List>().filter(|l| l.header().shape() == ClassId::List.shape())
}

/// The best item so far and what it is compared by.
struct Best {
    item: Value,
    rank: Value,
    largest: bool,
}

impl Best {
    fn offer(&mut self, cx: &mut Ctx, item: Value, key: Value) -> R<()> {
        let rank = if key.is_none() { item } else { cx.call(key, &[item])? };
        self.ranked(cx, item, rank)
    }

    fn ranked(&mut self, cx: &mut Ctx, item: Value, rank: Value) -> R<()> {
        if self.item.is_unbound() {
            (self.item, self.rank) = (item, rank);
            return Ok(());
        }
        let better = if rank.is_int() && self.rank.is_int() {
            if self.largest { rank.int() > self.rank.int() } else { rank.int() < self.rank.int() }
        } else if self.largest {
            greater(cx, rank, self.rank)?
        } else {
            cx.lt(rank, self.rank)?
        };
        if better {
            (self.item, self.rank) = (item, rank);
        }
        Ok(())
    }
}

fn greater(cx: &mut Ctx, a: Value, b: Value) -> R<bool> {
    let result = cx.compare(conc_interpreter::object::compare::CompareOp::Gt, a, b)?;
    cx.truth(result)
}

/// `max` and `min` with a script's key function, or of what a script makes. Slots: key, default, arguments (then the
/// iterable), best item, its rank, item whose rank is being computed.
pub const MAX: Resume =
    Resume::when(|cx, frame, entered| extreme_step(cx, frame, entered, true).into(), ranks_by_script);
pub const MIN: Resume =
    Resume::when(|cx, frame, entered| extreme_step(cx, frame, entered, false).into(), ranks_by_script);

fn ranks_by_script(args: Args<'_>) -> bool {
    let iterates = matches!(args.rest, &[only] if iterates_script(only));
    (iterates || runs_script(args.get(0)))
        && (args.rest.len() == 1 || args.get(1).is_unbound())
        && !args.rest.is_empty()
}

fn extreme_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered, largest: bool) -> R<Step> {
    let key = frame.get(0);
    let keyed = !key.is_unbound() && !key.is_none();
    if matches!(entered, Entered::Start)
        && let Some(args) = frame.get(2).cast::<Tuple>()
        && let &[only] = args.items()
    {
        frame.set(2, only);
    }
    let (item, rank) = match entered {
        Entered::With(rank) if frame.state() == OWN => (frame.get(5), rank),
        entered => match items(cx, frame, 2, entered) {
            Item::Other(step) => return Ok(step),
            Item::End => return extreme_end(cx, frame, largest).map(Step::Done),
            Item::Value(item) if keyed => {
                frame.set(5, item);
                frame.set_state(OWN);
                return Ok(frame.call(key, &[item]));
            }
            Item::Value(item) => (item, item),
        },
    };
    let mut best = Best { item: frame.get(3), rank: frame.get(4), largest };
    best.ranked(cx, item, rank)?;
    frame.set(3, best.item);
    frame.set(4, best.rank);
    frame.set_state(ITEMS);
    Ok(Step::Next(frame.get(2)))
}

fn extreme_end(cx: &mut Ctx, frame: &NativeFrame<'_>, largest: bool) -> R {
    let (best, default) = (frame.get(3), frame.get(1));
    let default = (!default.is_unbound()).then_some(default);
    if best.is_unbound() { no_items(cx, default, largest) } else { Ok(best) }
}

fn no_items(cx: &mut Ctx, default: Option<Value>, largest: bool) -> R {
    let name = if largest { "max" } else { "min" };
    default.ok_or_else(|| cx.value_error(format!("{name}() iterable argument is empty")))
}

/// `min` and `max`.
pub fn extreme(cx: &mut Ctx, args: &[Value], key: Value, default: Option<Value>, largest: bool) -> R {
    let name = if largest { "max" } else { "min" };
    let mut best = Best { item: Value::UNBOUND, rank: Value::UNBOUND, largest };
    match args {
        [] => return Err(cx.type_error(format!("{name} expected at least 1 argument, got 0"))),
        [iterable] => {
            let it = cx.iter(*iterable)?;
            while let Some(item) = cx.next(it)? {
                best.offer(cx, item, key)?;
                cx.poll()?;
            }
        }
        _ => {
            if default.is_some() {
                let message = format!("Cannot specify a default for {name}() with multiple positional arguments");
                return Err(cx.type_error(message));
            }
            for &item in args {
                best.offer(cx, item, key)?;
            }
        }
    }
    if !best.item.is_unbound() {
        return Ok(best.item);
    }
    no_items(cx, default, largest)
}

pub fn sorted(cx: &mut Ctx, iterable: Value, key: Value, reverse: bool) -> R {
    let list = cx.collect_list(iterable)?;
    let key = (!key.is_none()).then_some(key);
    conc_interpreter::object::sort::sort_list(cx, list, key, reverse)?;
    Ok(list.value())
}

/// `sorted` with a script's key function, or of what a script makes. Slots: arguments (then the iterable, then the
/// list), keywords (then the key), whether to reverse, the list being made.
pub const SORTED: Resume = Resume::when(|cx, frame, entered| sorted_step(cx, frame, entered).into(), sorts_by_script);

fn sorts_by_script(args: Args<'_>) -> bool {
    args.rest.first().is_some_and(|&v| iterates_script(v))
        || args.kwargs.0.is_some_and(|k| k.pairs().any(|(_, v)| runs_script(v)))
}

fn sorted_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    if matches!(entered, Entered::Start) {
        let args = frame.get(0).cast::<Tuple>();
        let args = args.as_ref().map_or(&[] as &[Value], |t| t.items());
        let (iterable, key, reverse) = sorted_arguments(cx, args, Kwargs(frame.get(1).cast()))?;
        frame.set(0, iterable);
        frame.set(1, key);
        frame.set(2, Value::bool(reverse));
        let list = if iterates_script(iterable) { cx.new_list() } else { cx.collect_list(iterable)? };
        frame.set(3, list.value());
        if !iterates_script(iterable) {
            return sort_made(cx, frame, list);
        }
    }
    if frame.state() == OWN {
        let list = frame.get(0);
        return Ok(sort_step(cx, frame, entered)?.unwrap_or(Step::Done(list)));
    }
    let Some(list) = frame.get(3).cast::<List>() else { return Ok(Step::Done(Value::NONE)) };
    match items(cx, frame, 0, entered) {
        Item::Other(step) => Ok(step),
        Item::End => sort_made(cx, frame, list),
        Item::Value(item) => {
            cx.list_push(list, item)?;
            Ok(Step::Next(frame.get(0)))
        }
    }
}

fn sort_made(cx: &mut Ctx, frame: &mut NativeFrame<'_>, list: Gc<List>) -> R<Step> {
    frame.set(0, list.value());
    if !frame.get(1).is_none() {
        return Ok(sort_step(cx, frame, Entered::Start)?.unwrap_or(Step::Done(list.value())));
    }
    let reverse = frame.get(2) == Value::TRUE;
    conc_interpreter::object::sort::sort_list(cx, list, None, reverse)?;
    Ok(Step::Done(list.value()))
}

/// `sorted` with the arguments as given.
pub fn sorted_call(cx: &mut Ctx, args: &[Value], kwargs: Kwargs) -> R {
    let (iterable, key, reverse) = sorted_arguments(cx, args, kwargs)?;
    sorted(cx, iterable, key, reverse)
}

/// Iterable, key and whether to reverse.
fn sorted_arguments(cx: &mut Ctx, args: &[Value], kwargs: Kwargs) -> R<(Value, Value, bool)> {
    let &[iterable] = args else {
        return Err(cx.type_error(format!("sorted expected 1 argument, got {}", args.len())));
    };
    let (mut key, mut reverse) = (Value::NONE, false);
    if let Some(kwargs) = kwargs.0 {
        for (name, value) in kwargs.pairs() {
            match cx.text_of(name).as_str() {
                "key" => key = value,
                "reverse" => reverse = cx.truth(value)?,
                other => {
                    return Err(cx.type_error(format!("sort() got an unexpected keyword argument '{other}'")));
                }
            }
        }
    }
    Ok((iterable, key, reverse))
}
