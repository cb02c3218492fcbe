//! Builtin functions over iterables: all, any, min, max, sorted.

use conc_interpreter::native::{Ctx, Kwargs, R};
use conc_interpreter::object::sequence::List;
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
    match default {
        Some(default) => Ok(default),
        None => Err(cx.value_error(format!("{name}() iterable argument is empty"))),
    }
}

pub fn sorted(cx: &mut Ctx, iterable: Value, key: Value, reverse: bool) -> R {
    let list = cx.collect_list(iterable)?;
    let key = (!key.is_none()).then_some(key);
    conc_interpreter::object::sort::sort_list(cx, list, key, reverse)?;
    Ok(list.value())
}

/// `sorted` with the arguments as given.
pub fn sorted_call(cx: &mut Ctx, args: &[Value], kwargs: Kwargs) -> R {
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
    sorted(cx, iterable, key, reverse)
}
