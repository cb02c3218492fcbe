//! _functools: partial, reduce, cmp_to_key and the cache of lru_cache.

use conc_interpreter::native::{Args, Ctx, Entered, Kwargs, NativeFrame, R, Resume, Step};
use conc_interpreter::object::compare::CompareOp;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::driven::{ITEMS, Item, OWN, items, iterates_script, runs_script};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::{Behavior, Boxed};
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::value::{Gc, Value};
use conc_macros::module;

use crate::core::shared::is_exact;
use crate::data::boxes::{number, set_number};

/// Slots: function, tuple of arguments, dict of keywords.
static PARTIAL: Behavior = Behavior::named("functools.partial");
/// Slots: comparison function, object (unbound in the maker of keys).
static KEY: Behavior = Behavior::named("functools.KeyWrapper");
/// Slots: function, maximum size (negative: none), typed, results by key in order of use, hits, misses, info class.
static CACHE: Behavior = Behavior::named("functools._lru_cache_wrapper");

const MAXSIZE: usize = 1;
const TYPED: usize = 2;
const RESULTS: usize = 3;
const HITS: usize = 4;
const MISSES: usize = 5;
const INFO: usize = 6;

/// The parts of functools that are native.
#[module(name = "_functools")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    use crate::data::boxes::native_class;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for (name, methods) in [
            ("partial", super::partial::METHODS),
            ("_lru_cache_wrapper", super::cache::METHODS),
            ("KeyWrapper", super::key::METHODS),
        ] {
            let class = native_class(cx, module, name, methods);
            cx.allow_attributes(class);
            if name == "KeyWrapper" {
                let hash = cx.names().__hash__;
                class.dict().set_str(cx, hash, Value::NONE);
            }
        }
        Ok(())
    }

    /// Combine the items into one value, from left to right: the function gets the value so far and the next item.
    ///
    /// The value starts as initial, or else as the first item.
    #[resumable(super::REDUCE)]
    pub fn reduce(cx: &mut Ctx, function: Value, iterable: Value, initial: Option<Value>) -> R {
        let source = match cx.iter(iterable) {
            Ok(source) => source,
            Err(e) if cx.is_error(e, ClassId::TypeError) => {
                return Err(cx.type_error("reduce() arg 2 must support iteration"));
            }
            Err(e) => return Err(e),
        };
        let mut total = match initial {
            Some(initial) => initial,
            None => match cx.next(source)? {
                Some(first) => first,
                None => return Err(cx.type_error("reduce() of empty iterable with no initial value")),
            },
        };
        while let Some(item) = cx.next(source)? {
            total = cx.call(function, &[total, item])?;
        }
        Ok(total)
    }

    /// Make a key function from one that compares two values.
    pub fn cmp_to_key(cx: &mut Ctx, #[kw] mycmp: Value) -> R {
        super::key_maker(cx, mycmp)
    }
}

/// `reduce` by a script's function. Slots: function, iterable, the value so far.
const REDUCE: Resume = Resume::when(
    |cx, frame, entered| reduce_step(cx, frame, entered).into(),
    |args| runs_script(args.get(0)) || iterates_script(args.get(1)),
);

fn reduce_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let asking = frame.state() < ITEMS;
    let total = match entered {
        Entered::With(total) if frame.state() == OWN => total,
        entered => match items(cx, frame, 1, entered) {
            Item::Other(Step::Raise(e)) if asking && cx.is_error(e, ClassId::TypeError) => {
                return Err(cx.type_error("reduce() arg 2 must support iteration"));
            }
            Item::Other(step) => return Ok(step),
            Item::End if frame.get(2).is_unbound() => {
                return Err(cx.type_error("reduce() of empty iterable with no initial value"));
            }
            Item::End => return Ok(Step::Done(frame.get(2))),
            Item::Value(first) if frame.get(2).is_unbound() => first,
            Item::Value(item) => {
                frame.set_state(OWN);
                return Ok(frame.call(frame.get(0), &[frame.get(2), item]));
            }
        },
    };
    frame.set(2, total);
    frame.set_state(ITEMS);
    Ok(Step::Next(frame.get(1)))
}

/// Whether the function of a partial or a cache is a script's.
fn wraps_script(args: Args<'_>) -> bool {
    args.get(0).cast::<Boxed>().is_some_and(|b| b.slots().first().is_some_and(|f| runs_script(f.get())))
}

/// The call of a frame's native passed on to `f`.
pub fn pass_on(
    cx: &mut Ctx,
    frame: &mut NativeFrame<'_>,
    f: Value,
    args: &[Value],
    kwargs: Option<Gc<Dict>>,
) -> R<Step> {
    Ok(match cx.spread_kwargs(args, kwargs)? {
        Some((all, names)) => frame.call_named(f, all, names),
        None if args.len() <= NativeFrame::ARGUMENTS => frame.call(f, args),
        None => {
            let (args, none) = (cx.list(args)?, cx.new_list());
            frame.call_named(f, cx.list_snapshot(args)?, cx.list_snapshot(none)?)
        }
    })
}

/// The call of a partial of a script's function. Slots: partial, arguments, keywords.
const PARTIAL_CALL: Resume = Resume::when(
    |cx, frame, entered| match entered {
        Entered::Start => partial_step(cx, frame).into(),
        Entered::With(v) | Entered::Ended(v) => Step::Done(v),
        Entered::Raised(e) => Step::Raise(e),
    },
    wraps_script,
);

fn partial_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>) -> R<Step> {
    let this = crate::data::boxes::receiver(cx, frame.get(0), &PARTIAL)?;
    let (Some((f, before, keywords)), Some(args)) = (partial_parts(this), frame.get(1).cast::<Tuple>()) else {
        return Ok(Step::Done(Value::NONE));
    };
    let keywords = match frame.get(2).cast::<Dict>() {
        Some(more) => merged(cx, Some(keywords), Some(more))?,
        None => keywords,
    };
    if before.len == 0 {
        return pass_on(cx, frame, f, args.items(), Some(keywords));
    }
    with_both(cx, before.items(), args.items(), |cx, all| pass_on(cx, frame, f, all, Some(keywords)))
}

/// Function, arguments and keywords of a partial.
fn partial_parts(this: Gc<Boxed>) -> Option<(Value, Gc<Tuple>, Gc<Dict>)> {
    Some((this.slots()[0].get(), this.slots()[1].get().cast()?, this.slots()[2].get().cast()?))
}

/// The call of a cached script function. Slots: cache, arguments, keywords, then the key and its hash.
const CACHED_CALL: Resume = Resume::when(|cx, frame, entered| cached_step(cx, frame, entered).into(), wraps_script);

fn cached_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let this = crate::data::boxes::receiver(cx, frame.get(0), &CACHE)?;
    match entered {
        Entered::Raised(e) => Err(e),
        Entered::Ended(result) => Ok(Step::Done(result)),
        Entered::With(result) => {
            if !frame.get(3).is_unbound() {
                let hash = cx.as_i64(frame.get(4)).unwrap_or(0) as u64;
                keep_result(cx, this, frame.get(3), hash, result)?;
            }
            Ok(Step::Done(result))
        }
        Entered::Start => {
            let Some(args) = frame.get(1).cast::<Tuple>() else { return Ok(Step::Done(Value::NONE)) };
            let kwargs = frame.get(2).cast::<Dict>();
            match find_result(cx, this, args.items(), Kwargs(kwargs))? {
                Found::Result(result) => return Ok(Step::Done(result)),
                Found::Key(key, hash) => {
                    frame.set(3, key);
                    let hash = cx.int(hash as i64);
                    frame.set(4, hash);
                }
                Found::Uncached => frame.set(3, Value::UNBOUND),
            }
            pass_on(cx, frame, this.slots()[0].get(), args.items(), kwargs)
        }
    }
}

fn key_maker(cx: &mut Ctx, compare: Value) -> R {
    let module = crate::core::shared::import(cx, "_functools")?;
    let class = cx.get_attr_text(module, "KeyWrapper")?;
    let Some(class) = class.cast() else { return Ok(Value::NONE) };
    Ok(crate::data::boxes::make(cx, class, &KEY, &[compare, Value::UNBOUND]).value())
}

fn compare_keys(cx: &mut Ctx, op: CompareOp, a: Value, b: Value) -> R {
    let x = crate::data::boxes::receiver(cx, a, &KEY)?;
    let Some(y) = b.cast::<Boxed>().filter(|b| b.is(&KEY)) else {
        return Err(cx.type_error("other argument must be K instance"));
    };
    let (first, second) = (x.slots()[1].get(), y.slots()[1].get());
    if first.is_unbound() || second.is_unbound() {
        return Err(cx.attribute_error("object"));
    }
    let order = cx.call(x.slots()[0].get(), &[first, second])?;
    cx.compare(op, order, Value::small_int(0))
}

/// Calls `body` with some arguments put before others.
fn with_both<T>(cx: &mut Ctx, before: &[Value], args: &[Value], body: impl FnOnce(&mut Ctx, &[Value]) -> R<T>) -> R<T> {
    const INLINE: usize = 12;
    let total = before.len() + args.len();
    if total <= INLINE {
        let mut all = [Value::NONE; INLINE];
        all[..before.len()].copy_from_slice(before);
        all[before.len()..total].copy_from_slice(args);
        return body(cx, &all[..total]);
    }
    let list = cx.list(before)?;
    for &a in args {
        cx.list_push(list, a)?;
    }
    let all = cx.list_snapshot(list)?;
    body(cx, all.items())
}

/// A dict of both dicts' pairs; the later win.
fn merged(cx: &mut Ctx, a: Option<Gc<Dict>>, b: Option<Gc<Dict>>) -> R<Gc<Dict>> {
    let all = cx.new_dict();
    for dict in [a, b].into_iter().flatten() {
        for (k, v) in dict.pairs() {
            all.set(cx, k, v)?;
        }
    }
    Ok(all)
}

/// The key of a call.
fn cache_key(cx: &mut Ctx, this: Gc<Boxed>, args: &[Value], kwargs: Kwargs) -> R {
    let typed = this.slots()[TYPED].get() == Value::TRUE;
    let kwargs = kwargs.0.filter(|k| !k.is_empty());
    if !typed && kwargs.is_none() {
        if let [only] = args
            && (only.is_int() || is_exact(*only, ClassId::Str) || is_exact(*only, ClassId::Int))
        {
            return Ok(*only);
        }
        return cx.tuple(args);
    }
    let key = cx.list(args)?;
    if let Some(kwargs) = kwargs {
        cx.list_push(key, this.value())?;
        for (k, v) in kwargs.pairs() {
            cx.list_push(key, k)?;
            cx.list_push(key, v)?;
        }
    }
    if typed {
        for &a in args {
            let class = cx.class_of(a).value();
            cx.list_push(key, class)?;
        }
        if let Some(kwargs) = kwargs {
            for (_, v) in kwargs.pairs() {
                let class = cx.class_of(v).value();
                cx.list_push(key, class)?;
            }
        }
    }
    cx.list_to_tuple(key)
}

fn bump(this: Gc<Boxed>, slot: usize) {
    set_number(&this, slot, number(&this, slot) + 1);
}

/// What a cache knows of a call.
enum Found {
    Result(Value),
    /// Nothing; the key to keep the result by, and its hash.
    Key(Value, u64),
    /// Nothing is kept.
    Uncached,
}

fn find_result(cx: &mut Ctx, this: Gc<Boxed>, args: &[Value], kwargs: Kwargs) -> R<Found> {
    let maxsize = number(&this, MAXSIZE);
    let Some(results) = this.slots()[RESULTS].get().cast::<Dict>().filter(|_| maxsize != 0) else {
        bump(this, MISSES);
        return Ok(Found::Uncached);
    };
    let key = cache_key(cx, this, args, kwargs)?;
    let hash = cx.hash(key)?;
    if let Some(result) = results.get(cx, key)? {
        bump(this, HITS);
        if maxsize > 0 {
            results.remove(cx, key)?;
            results.set_hashed(cx, key, hash, result)?;
        }
        return Ok(Found::Result(result));
    }
    bump(this, MISSES);
    Ok(Found::Key(key, hash))
}

fn keep_result(cx: &mut Ctx, this: Gc<Boxed>, key: Value, hash: u64, result: Value) -> R<()> {
    let maxsize = number(&this, MAXSIZE);
    // The call itself may have stored this key, or emptied the cache.
    let Some(results) = this.slots()[RESULTS].get().cast::<Dict>() else { return Ok(()) };
    if maxsize > 0 {
        if results.get(cx, key)?.is_some() {
            return Ok(());
        }
        if results.len() as i64 >= maxsize {
            results.pop_end(cx, false);
        }
    }
    results.set_hashed(cx, key, hash, result)
}

fn cached_call(cx: &mut Ctx, this: Gc<Boxed>, args: &[Value], kwargs: Kwargs) -> R {
    let found = find_result(cx, this, args, kwargs)?;
    if let Found::Result(result) = found {
        return Ok(result);
    }
    let result = crate::core::shared::call_with_dict(cx, this.slots()[0].get(), args, kwargs.0)?;
    if let Found::Key(key, hash) = found {
        keep_result(cx, this, key, hash, result)?;
    }
    Ok(result)
}

#[conc_macros::methods]
pub mod partial {
    use super::{PARTIAL, merged, partial_parts as parts, with_both};
    use crate::core::attributes::callable;
    use crate::core::shared::call_with_dict;
    use crate::data::boxes::{make, receiver};
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::dict::Dict;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::value::{Gc, Value};

    /// Make a callable that already has some arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, args: &[Value], kwargs: Kwargs) -> R {
        let [function, args @ ..] = args else {
            return Err(cx.type_error("type 'partial' takes at least one argument"));
        };
        if !callable(cx, *function) {
            return Err(cx.type_error("the first argument must be callable"));
        }
        // A partial of a partial is one partial.
        if let Some((f, before, keywords)) = function.cast::<Boxed>().filter(|b| b.is(&PARTIAL)).and_then(parts)
            && cx.class_of(*function) == class
            && cx.instance_dict(*function).is_none_or(|d| d.is_empty())
        {
            let all = cx.list(before.items())?;
            for &a in args {
                cx.list_push(all, a)?;
            }
            let all = cx.list_to_tuple(all)?;
            let keywords = merged(cx, Some(keywords), kwargs.0)?.value();
            return Ok(make(cx, class, &PARTIAL, &[f, all, keywords]).value());
        }
        let args = cx.tuple(args)?;
        let keywords = merged(cx, kwargs.0, None)?.value();
        Ok(make(cx, class, &PARTIAL, &[*function, args, keywords]).value())
    }

    /// Run the object the way a function is run.
    #[resumable(super::PARTIAL_CALL)]
    pub fn __call__(cx: &mut Ctx, this: Value, args: &[Value], kwargs: Kwargs) -> R {
        let Some((f, before, keywords)) = parts(receiver(cx, this, &PARTIAL)?) else { return Ok(Value::NONE) };
        let keywords = match kwargs.0.filter(|k| !k.is_empty()) {
            Some(more) => merged(cx, Some(keywords), Some(more))?,
            None => keywords,
        };
        with_both(cx, before.items(), args, |cx, all| call_with_dict(cx, f, all, Some(keywords)))
    }

    /// What is called.
    #[getter]
    pub fn func(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this, &PARTIAL)?.slots()[0].get())
    }

    /// The positional arguments that it already has.
    #[getter]
    #[name = "args"]
    pub fn arguments(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this, &PARTIAL)?.slots()[1].get())
    }

    /// The keyword arguments that it already has.
    #[getter]
    pub fn keywords(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this, &PARTIAL)?.slots()[2].get())
    }

    pub fn __repr__(cx: &mut Ctx, this: Value) -> R {
        let Some((f, args, keywords)) = parts(receiver(cx, this, &PARTIAL)?) else { return Ok(Value::NONE) };
        if cx.repr_guard.contains(&this.bits()) {
            return Ok(cx.str("..."));
        }
        cx.repr_guard.push(this.bits());
        let result = show(cx, this, f, args, keywords);
        cx.repr_guard.pop();
        Ok(cx.try_wtf8(&result?)?.value())
    }

    fn show(cx: &mut Ctx, this: Value, f: Value, args: Gc<Tuple>, keywords: Gc<Dict>) -> R<Vec<u8>> {
        let class = cx.class_of(this);
        let mut out = cx.qualified_name(class).into_bytes();
        out.push(b'(');
        cx.write_repr(f, &mut out)?;
        for &a in args.items() {
            out.extend_from_slice(b", ");
            cx.write_repr(a, &mut out)?;
        }
        for (k, v) in keywords.pairs() {
            out.extend_from_slice(b", ");
            let name = cx.to_str(k)?;
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            cx.write_repr(v, &mut out)?;
        }
        out.push(b')');
        Ok(out)
    }

    pub fn __reduce__(cx: &mut Ctx, this: Value) -> R {
        let p = receiver(cx, this, &PARTIAL)?;
        let (f, args, keywords) = (p.slots()[0].get(), p.slots()[1].get(), p.slots()[2].get());
        let class = cx.class_of(this).value();
        let only = cx.tuple(&[f])?;
        let dict = cx.instance_dict(this).filter(|d| !d.is_empty()).map_or(Value::NONE, |d| d.value());
        let state = cx.tuple(&[f, args, keywords, dict])?;
        cx.tuple(&[class, only, state])
    }

    pub fn __setstate__(cx: &mut Ctx, this: Value, state: Value) -> R<()> {
        let p = receiver(cx, this, &PARTIAL)?;
        let fields = state.cast::<Tuple>().filter(|t| {
            t.len == 4 && t.items()[1].is_a::<Tuple>() && (t.items()[2].is_none() || t.items()[2].is_a::<Dict>())
        });
        let Some(fields) = fields else { return Err(cx.type_error("invalid partial state")) };
        let keywords = merged(cx, fields.items()[2].cast(), None)?.value();
        for (slot, value) in p.slots().iter().zip([fields.items()[0], fields.items()[1], keywords]) {
            slot.set(value);
        }
        if let Some(dict) = fields.items()[3].cast::<Dict>() {
            for (k, v) in dict.pairs() {
                if let Some(name) = k.cast() {
                    cx.set_attr(this, name, v)?;
                }
            }
        }
        Ok(())
    }

    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Gc<Class>, object: Value) -> R {
        Ok(cx.generic_alias(class.value(), object)?.value())
    }
}

#[conc_macros::methods]
pub mod key {
    use super::{KEY, compare_keys};
    use crate::data::boxes::{make, receiver};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::compare::CompareOp;
    use conc_interpreter::value::{Gc, Value};

    #[static_method]
    pub fn __new__(cx: &mut Ctx, _class: Gc<Class>, _args: &[Value]) -> R {
        Err(cx.type_error("cannot create 'functools.KeyWrapper' instances"))
    }

    /// Makes the key of an object.
    pub fn __call__(cx: &mut Ctx, this: Value, #[kw] obj: Value) -> R {
        let maker = receiver(cx, this, &KEY)?;
        let class = cx.class_of(this);
        let compare = maker.slots()[0].get();
        Ok(make(cx, class, &KEY, &[compare, obj]).value())
    }

    /// The value that the key is for.
    #[getter]
    pub fn obj(cx: &mut Ctx, this: Value) -> R {
        let value = receiver(cx, this, &KEY)?.slots()[1].get();
        Ok(if value.is_unbound() { Value::NONE } else { value })
    }

    pub fn __eq__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare_keys(cx, CompareOp::Eq, this, other)
    }
    pub fn __ne__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare_keys(cx, CompareOp::Ne, this, other)
    }
    pub fn __lt__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare_keys(cx, CompareOp::Lt, this, other)
    }
    pub fn __le__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare_keys(cx, CompareOp::Le, this, other)
    }
    pub fn __gt__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare_keys(cx, CompareOp::Gt, this, other)
    }
    pub fn __ge__(cx: &mut Ctx, this: Value, other: Value) -> R {
        compare_keys(cx, CompareOp::Ge, this, other)
    }
}

#[conc_macros::methods]
pub mod cache {
    use super::{CACHE, HITS, INFO, MAXSIZE, MISSES, RESULTS, cached_call};
    use crate::data::boxes::{make, number, receiver, set_number};
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::dict::Dict;
    use conc_interpreter::value::{Gc, Value};

    /// Make a callable that remembers the results of another.
    #[static_method]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        #[kw] user_function: Value,
        #[kw] maxsize: Value,
        #[kw] typed: bool,
        #[kw] cache_info_type: Value,
    ) -> R {
        if !crate::core::attributes::callable(cx, user_function) {
            return Err(cx.type_error("the first argument must be callable"));
        }
        let maxsize = if maxsize.is_none() {
            -1
        } else if cx.is_int(maxsize) {
            cx.index_i64(maxsize)?.clamp(0, Value::INT_MAX)
        } else {
            return Err(cx.type_error("maxsize should be integer or None"));
        };
        let results = cx.new_dict().value();
        let zero = Value::small_int(0);
        let slots =
            [user_function, Value::small_int(maxsize), Value::bool(typed), results, zero, zero, cache_info_type];
        Ok(make(cx, class, &CACHE, &slots).value())
    }

    /// Run the object the way a function is run.
    #[resumable(super::CACHED_CALL)]
    pub fn __call__(cx: &mut Ctx, this: Value, args: &[Value], kwargs: Kwargs) -> R {
        let cache = receiver(cx, this, &CACHE)?;
        cached_call(cx, cache, args, kwargs)
    }

    pub fn __get__(cx: &mut Ctx, this: Value, object: Value, _owner: Option<Value>) -> Value {
        if object.is_none() { this } else { cx.new_method(this, object) }
    }

    /// Tell how often a result was remembered, how often not, and how many are held.
    pub fn cache_info(cx: &mut Ctx, this: Value) -> R {
        let cache = receiver(cx, this, &CACHE)?;
        let size = cache.slots()[RESULTS].get().cast::<Dict>().map_or(0, |d| d.len());
        let maxsize = match number(&cache, MAXSIZE) {
            n if n < 0 => Value::NONE,
            n => Value::small_int(n),
        };
        let (hits, misses) = (cache.slots()[HITS].get(), cache.slots()[MISSES].get());
        cx.call(cache.slots()[INFO].get(), &[hits, misses, maxsize, Value::small_int(size as i64)])
    }

    /// Forget all results and start counting anew.
    pub fn cache_clear(cx: &mut Ctx, this: Value) -> R<()> {
        let cache = receiver(cx, this, &CACHE)?;
        let results = cx.new_dict().value();
        cache.slots()[RESULTS].set(results);
        set_number(&cache, HITS, 0);
        set_number(&cache, MISSES, 0);
        Ok(())
    }

    pub fn __reduce__(cx: &mut Ctx, this: Value) -> R {
        let name = cx.names().__qualname__;
        cx.get_attr(this, name)
    }

    pub fn __copy__(this: Value) -> Value {
        this
    }

    pub fn __deepcopy__(this: Value, _memo: Value) -> Value {
        this
    }
}
