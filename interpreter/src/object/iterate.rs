//! Iteration from Rust: `iter`, `next`, and the builtin iterators' steps.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R, Raised};
use crate::object::dict::Dict;
use crate::object::exception::{Exception, extra};
use crate::object::generator::Generator;
use crate::object::kind::{ClassId, Kind};
use crate::object::misc::{Boxed, DictView, Iter, Range};
use crate::object::sequence::{List, Tuple};
use crate::object::set::Set;
use crate::object::string::{ByteArray, Bytes, Str};
use crate::value::{Gc, Value};

impl Ctx {
    /// `iter(v)`
    pub fn iter(&mut self, v: Value) -> R {
        if let Some(h) = v.header()
            && h.shape() < ClassId::COUNT as u32
            && let Some(it) = self.native_iter(v)
        {
            return Ok(it);
        }
        let names = self.names();
        match self.lookup_special(v, names.__iter__) {
            Some(f) if f.is_none() => {}
            Some(f) => {
                let it = self.call_unbound(f, v, &[])?;
                return self.iter_result(it);
            }
            None if self.lookup_special(v, names.__getitem__).is_some() => {
                return Ok(self.new_iter(ClassId::SequenceIterator, v, Value::NONE, 0, 0).value());
            }
            None => {}
        }
        let got = self.type_name(v);
        Err(self.type_error(format!("'{got}' object is not iterable")))
    }

    /// What `__iter__` returned, checked.
    pub fn iter_result(&mut self, it: Value) -> R {
        if self.is_iterator(it) {
            return Ok(it);
        }
        let got = self.type_name(it);
        Err(self.type_error(format!("iter() returned non-iterator of type '{got}'")))
    }

    pub fn is_iterator(&mut self, v: Value) -> bool {
        let next = self.names().__next__;
        self.lookup_special(v, next).is_some_and(|f| !f.is_none())
    }

    /// The iterator that a builtin container's own struct gives; None: ask `__iter__`.
    pub fn native_iter(&mut self, v: Value) -> Option<Value> {
        let (class, limit) = match Kind::of(v.kind_byte()) {
            Kind::List => (ClassId::ListIterator, 0),
            Kind::Tuple => (ClassId::TupleIterator, 0),
            Kind::Str if v.cast::<Str>()?.is_ascii() => (ClassId::StrAsciiIterator, 0),
            Kind::Str => (ClassId::StrIterator, 0),
            Kind::Bytes => (ClassId::BytesIterator, 0),
            Kind::ByteArray => (ClassId::ByteArrayIterator, 0),
            Kind::Dict => (ClassId::DictKeyIterator, v.cast::<Dict>()?.len()),
            Kind::Set => (ClassId::SetIterator, v.cast::<Set>()?.len()),
            Kind::Range => return v.cast::<Range>().map(|r| self.range_iter(r)),
            Kind::DictView => {
                let view = v.cast::<DictView>()?;
                let dict = view.dict.obj::<Dict>();
                let class = match view.header().shape() {
                    s if s == ClassId::DictKeys.shape() => ClassId::DictKeyIterator,
                    s if s == ClassId::DictValues.shape() => ClassId::DictValueIterator,
                    _ => ClassId::DictItemIterator,
                };
                return Some(self.new_iter(class, dict.value(), Value::NONE, 0, dict.len() as i64).value());
            }
            Kind::Generator if v.header()?.shape() == ClassId::Generator.shape() => return Some(v),
            Kind::Iter => return Some(v),
            _ => return None,
        };
        Some(self.new_iter(class, v, Value::NONE, 0, limit as i64).value())
    }

    /// Range iterators keep (next, step) as ints in `source`, `extra` and count down in `limit`.
    pub fn range_iter(&mut self, r: Gc<Range>) -> Value {
        if r.len >= 0 {
            return self.new_iter(ClassId::RangeIterator, r.start.get(), r.step.get(), 0, r.len).value();
        }
        self.new_iter(ClassId::LongRangeIterator, r.start.get(), r.value(), 0, 0).value()
    }

    /// The next item of an iterator; None: exhausted.
    #[inline]
    pub fn next(&mut self, it: Value) -> R<Option<Value>> {
        match Kind::of(it.kind_byte()) {
            Kind::Iter => match it.cast::<Iter>() {
                Some(i) => self.iter_step(i),
                None => Ok(None),
            },
            Kind::Generator if it.header().is_some_and(|h| h.shape() == ClassId::Generator.shape()) => {
                match it.cast::<Generator>() {
                    Some(g) => self.generator_next(g),
                    None => Ok(None),
                }
            }
            _ => self.next_dispatch(it),
        }
    }

    fn generator_next(&mut self, g: Gc<Generator>) -> R<Option<Value>> {
        if g.has_ended() {
            return Ok(None);
        }
        match (self.iso().machine.resume)(self, g, Value::NONE, false) {
            Ok(item) => Ok(item),
            Err(e) => self.end_of_iteration(e),
        }
    }

    /// The next item, or the very StopIteration that ended the iteration.
    pub fn next_or_stop(&mut self, it: Value) -> R {
        if it.is_a::<Iter>() {
            return match self.next(it)? {
                Some(item) => Ok(item),
                None => Err(self.stop_iteration(Value::NONE)),
            };
        }
        let names = self.names();
        match self.lookup_special(it, names.__next__) {
            Some(f) => self.call_unbound(f, it, &[]),
            None => {
                let got = self.type_name(it);
                Err(self.type_error(format!("'{got}' object is not an iterator")))
            }
        }
    }

    fn next_dispatch(&mut self, it: Value) -> R<Option<Value>> {
        if let Some(boxed) = it.cast::<Boxed>()
            && let Some(step) = boxed.behavior.and_then(|b| b.step)
            && self.class_of(it).is_static()
        {
            return step(self, boxed);
        }
        let names = self.names();
        let Some(f) = self.lookup_special(it, names.__next__) else {
            let got = self.type_name(it);
            return Err(self.type_error(format!("'{got}' object is not an iterator")));
        };
        match self.call_unbound(f, it, &[]) {
            Ok(v) => Ok(Some(v)),
            Err(e) => self.end_of_iteration(e),
        }
    }

    /// StopIteration becomes the end, other exceptions go on.
    pub fn end_of_iteration(&mut self, e: Raised) -> R<Option<Value>> {
        if self.is_error(e, ClassId::StopIteration) { Ok(None) } else { Err(e) }
    }

    /// StopIteration with a value.
    pub fn stop_iteration(&mut self, value: Value) -> Raised {
        let e = if value.is_none() {
            self.error(ClassId::StopIteration, "")
        } else {
            self.error_with(ClassId::StopIteration, &[value])
        };
        if let Some(exc) = e.0.cast::<Exception>() {
            exc.extra[extra::STOP_VALUE].set(value);
        }
        e
    }

    /// One step of a builtin iterator.
    pub fn iter_step(&mut self, it: Gc<Iter>) -> R<Option<Value>> {
        let shape = it.header().shape();
        let id = if shape < ClassId::COUNT as u32 { shape } else { self.builtin_iter_class(it) };
        if id == ClassId::RangeIterator.shape() {
            // Each number goes to one thread.
            let lock = self.lock(it.header());
            let number = range_step(&it);
            drop(lock);
            return Ok(number);
        }
        if id == ClassId::ListIterator.shape() {
            return Ok(self.list_step(it));
        }
        self.iter_step_other(it, id)
    }

    /// The builtin class an instance of a subclass of an iterator class derives from.
    fn builtin_iter_class(&self, it: Gc<Iter>) -> u32 {
        self.class_of(it.value()).mro_classes().map(|c| c.id).find(|&id| id != 0).unwrap_or(0)
    }

    fn list_step(&self, it: Gc<Iter>) -> Option<Value> {
        let list = it.source.get().cast::<List>()?;
        let item = usize::try_from(it.index.fetch_add(1, Ordering::Relaxed)).ok().and_then(|i| list.get(i));
        if item.is_none() {
            it.source.set_immediate(Value::NONE);
        }
        item
    }

    fn iter_step_other(&mut self, it: Gc<Iter>, id: u32) -> R<Option<Value>> {
        let is = |c: ClassId| id == c.shape();
        if is(ClassId::TupleIterator) {
            let i = it.index.fetch_add(1, Ordering::Relaxed) as usize;
            return Ok(it.source.get().cast::<Tuple>().and_then(|t| t.items().get(i).copied()));
        }
        if is(ClassId::StrIterator) || is(ClassId::StrAsciiIterator) {
            return Ok(self.str_step(it));
        }
        if is(ClassId::DictKeyIterator) || is(ClassId::DictValueIterator) || is(ClassId::DictItemIterator) {
            return self.dict_step(it, id);
        }
        if is(ClassId::SetIterator) {
            return self.set_step(it);
        }
        if is(ClassId::Enumerate) {
            return self.enumerate_step(it);
        }
        if is(ClassId::Zip) {
            return self.zip_step(it);
        }
        if is(ClassId::Map) {
            return self.map_step(it);
        }
        if is(ClassId::Filter) {
            return self.filter_step(it);
        }
        if is(ClassId::BytesIterator) || is(ClassId::ByteArrayIterator) {
            let i = it.index.fetch_add(1, Ordering::Relaxed) as usize;
            let source = it.source.get();
            let byte = match source.cast::<Bytes>() {
                Some(b) => b.as_bytes().get(i).copied(),
                None => source.cast::<ByteArray>().and_then(|b| (i < b.len()).then(|| b.buffer().get(i))),
            };
            if byte.is_none() {
                it.source.set_immediate(Value::NONE);
            }
            return Ok(byte.map(|b| Value::small_int(b as i64)));
        }
        if is(ClassId::SequenceIterator) || is(ClassId::Reversed) || is(ClassId::ListReverseIterator) {
            return self.sequence_step(it, is(ClassId::SequenceIterator));
        }
        if is(ClassId::CallIterator) {
            return self.call_step(it);
        }
        if is(ClassId::LongRangeIterator) {
            return self.long_range_step(it);
        }
        if is(ClassId::MemoryIterator) {
            return self.sequence_step(it, true);
        }
        self.dict_reverse_step(it, id)
    }

    /// `index` is the byte offset of the next character.
    fn str_step(&mut self, it: Gc<Iter>) -> Option<Value> {
        let s = it.source.get().cast::<Str>()?;
        let bytes = s.as_bytes();
        loop {
            let at = it.index.load(Ordering::Relaxed) as usize;
            let lead = *bytes.get(at)?;
            if lead < 0x80 {
                if self.moves_on(&it, at as i64, at as i64 + 1) {
                    return Some(self.char_str(lead).value());
                }
                continue;
            }
            let (code, len) = crate::text::wtf8::decode_at(bytes, at)?;
            if self.moves_on(&it, at as i64, (at + len) as i64) {
                return Some(self.code_point_str(code).value());
            }
        }
    }

    /// Moves an iterator from one index to another; false: another thread has, and got the item.
    #[inline]
    fn moves_on(&self, it: &Iter, from: i64, to: i64) -> bool {
        if self.is_shared() {
            return it.index.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        }
        it.index.store(to, Ordering::Relaxed);
        true
    }

    fn dict_step(&mut self, it: Gc<Iter>, id: u32) -> R<Option<Value>> {
        let Some(dict) = it.source.get().cast::<Dict>() else { return Ok(None) };
        let limit = it.limit.load(Ordering::Relaxed);
        if limit != dict.len() as i64 {
            it.limit.store(-1, Ordering::Relaxed);
            return Err(self.runtime_error("dictionary changed size during iteration"));
        }
        let (key, value) = loop {
            let from = it.index.load(Ordering::Relaxed);
            let Some((at, key, value)) = dict.next(from as usize) else {
                it.source.set_immediate(Value::NONE);
                return Ok(None);
            };
            if self.moves_on(&it, from, at as i64) {
                break (key, value);
            }
        };
        // `extra` counts the items given: more than there were means that keys came and went.
        let given = it.extra.get().as_int().unwrap_or(0);
        if given >= limit {
            it.source.set_immediate(Value::NONE);
            return Err(self.runtime_error("dictionary keys changed during iteration"));
        }
        it.extra.set_immediate(Value::small_int(given + 1));
        self.dict_item(id, key, value).map(Some)
    }

    fn dict_item(&mut self, id: u32, key: Value, value: Value) -> R {
        match id {
            id if id == ClassId::DictKeyIterator.shape() || id == ClassId::DictReverseKeyIterator.shape() => Ok(key),
            id if id == ClassId::DictValueIterator.shape() || id == ClassId::DictReverseValueIterator.shape() => {
                Ok(value)
            }
            _ => self.tuple(&[key, value]),
        }
    }

    /// `index` is the entry number to go down from.
    fn dict_reverse_step(&mut self, it: Gc<Iter>, id: u32) -> R<Option<Value>> {
        let Some(dict) = it.source.get().cast::<Dict>() else { return Ok(None) };
        if it.limit.load(Ordering::Relaxed) != dict.len() as i64 {
            it.limit.store(-1, Ordering::Relaxed);
            return Err(self.runtime_error("dictionary changed size during iteration"));
        }
        loop {
            let from = it.index.load(Ordering::Relaxed);
            let Some((at, key, value)) = dict.next_back(if from < 0 { usize::MAX } else { from as usize }) else {
                it.source.set_immediate(Value::NONE);
                return Ok(None);
            };
            if self.moves_on(&it, from, at as i64) {
                return self.dict_item(id, key, value).map(Some);
            }
        }
    }

    fn set_step(&mut self, it: Gc<Iter>) -> R<Option<Value>> {
        let Some(set) = it.source.get().cast::<Set>() else { return Ok(None) };
        if it.limit.load(Ordering::Relaxed) != set.len() as i64 {
            it.limit.store(-1, Ordering::Relaxed);
            return Err(self.runtime_error("Set changed size during iteration"));
        }
        loop {
            let from = it.index.load(Ordering::Relaxed);
            let Some((at, key, _)) = set.next(from as usize) else {
                it.source.set_immediate(Value::NONE);
                return Ok(None);
            };
            if self.moves_on(&it, from, at as i64) {
                return Ok(Some(key));
            }
        }
    }

    /// `source` the iterator, `extra` the count (an int of any size).
    fn enumerate_step(&mut self, it: Gc<Iter>) -> R<Option<Value>> {
        let source = it.source.get();
        let _held = self.begin_step_over(it.header(), &[source]);
        let Some(item) = self.next(source)? else { return Ok(None) };
        self.enumerated(it, item).map(Some)
    }

    /// An item with its number, which is no other item's.
    pub(crate) fn enumerated(&mut self, it: Gc<Iter>, item: Value) -> R {
        loop {
            let n = it.extra.get();
            let after = self.binary(crate::object::arith::BinaryOp::Add, n, Value::small_int(1))?;
            if it.extra.replace_if(n, after) {
                return self.tuple(&[n, item]);
            }
        }
    }

    /// `source` a tuple of iterators, `extra` whether strict.
    fn zip_step(&mut self, it: Gc<Iter>) -> R<Option<Value>> {
        let Some(iterators) = it.source.get().cast::<Tuple>() else { return Ok(None) };
        if iterators.len == 0 {
            return Ok(None);
        }
        let _held = self.begin_step_over(it.header(), iterators.items());
        let items = self.new_list();
        for (i, &iterator) in iterators.items().iter().enumerate() {
            match self.next(iterator)? {
                Some(item) => self.list_push(items, item)?,
                None => {
                    it.source.set_immediate(Value::NONE);
                    if it.extra.get() == Value::TRUE {
                        self.zip_lengths(iterators, i)?;
                    }
                    return Ok(None);
                }
            }
        }
        self.list_to_tuple(items).map(Some)
    }

    /// In strict mode: iterator `i` ended first; complain unless all have ended.
    pub(crate) fn zip_lengths(&mut self, iterators: Gc<Tuple>, i: usize) -> R<()> {
        let others = |n: usize| if n == 1 { "argument 1".to_string() } else { format!("arguments 1-{n}") };
        if i > 0 {
            let message = format!("zip() argument {} is shorter than {}", i + 1, others(i));
            return Err(self.value_error(message));
        }
        for (j, &iterator) in iterators.items().iter().enumerate().skip(1) {
            if self.next(iterator)?.is_some() {
                let message = format!("zip() argument {} is longer than {}", j + 1, others(j));
                return Err(self.value_error(message));
            }
        }
        Ok(())
    }

    /// `source` a tuple of iterators, `extra` the function.
    fn map_step(&mut self, it: Gc<Iter>) -> R<Option<Value>> {
        let Some(iterators) = it.source.get().cast::<Tuple>() else { return Ok(None) };
        if let [only] = iterators.items() {
            let Some(item) = self.next(*only)? else { return Ok(None) };
            return self.call(it.extra.get(), &[item]).map(Some);
        }
        let args = self.new_list();
        let held = self.begin_step_over(it.header(), iterators.items());
        for &iterator in iterators.items() {
            match self.next(iterator)? {
                Some(item) => self.list_push(args, item)?,
                None => return Ok(None),
            }
        }
        drop(held);
        let args = self.list_to_tuple(args)?;
        match args.cast::<Tuple>() {
            Some(args) => self.call(it.extra.get(), args.items()).map(Some),
            None => Ok(None),
        }
    }

    /// `source` the iterator, `extra` the predicate or None.
    fn filter_step(&mut self, it: Gc<Iter>) -> R<Option<Value>> {
        loop {
            let Some(item) = self.next(it.source.get())? else { return Ok(None) };
            let f = it.extra.get();
            let keep = if f.is_none() { item } else { self.call(f, &[item])? };
            if self.truth(keep)? {
                return Ok(Some(item));
            }
            self.poll()?;
        }
    }

    /// By `__getitem__`, upwards until IndexError or downwards to 0.
    fn sequence_step(&mut self, it: Gc<Iter>, up: bool) -> R<Option<Value>> {
        let source = it.source.get();
        if source.is_none() && it.extra.get() == Value::ELLIPSIS {
            return Ok(None);
        }
        let (i, index) = {
            let i = it.index.load(Ordering::Relaxed);
            if i < 0 {
                return Ok(None);
            }
            (i, self.int(i))
        };
        match self.get_item(source, index) {
            Ok(item) if self.moves_on(&it, i, if up { i + 1 } else { i - 1 }) => Ok(Some(item)),
            // Another thread has got that item.
            Ok(_) => self.sequence_step(it, up),
            Err(e) if self.is_error(e, ClassId::IndexError) || self.is_error(e, ClassId::StopIteration) => {
                it.source.set_immediate(Value::NONE);
                it.extra.set(Value::ELLIPSIS);
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    /// `iter(callable, sentinel)`
    fn call_step(&mut self, it: Gc<Iter>) -> R<Option<Value>> {
        let f = it.source.get();
        if f.is_unbound() {
            return Ok(None);
        }
        let item = match self.call(f, &[]) {
            Ok(item) => item,
            Err(e) => {
                it.source.set_immediate(Value::UNBOUND);
                return self.end_of_iteration(e);
            }
        };
        if self.same(it.extra.get(), item)? {
            it.source.set_immediate(Value::UNBOUND);
            return Ok(None);
        }
        Ok(Some(item))
    }

    fn long_range_step(&mut self, it: Gc<Iter>) -> R<Option<Value>> {
        use crate::object::arith::BinaryOp;
        use crate::object::compare::CompareOp;
        let Some(r) = it.extra.get().cast::<Range>() else { return Ok(None) };
        let item = it.source.get();
        let up = !self.lt(r.step.get(), Value::small_int(0))?;
        let op = if up { CompareOp::Lt } else { CompareOp::Gt };
        if self.compare(op, item, r.stop.get())? != Value::TRUE {
            return Ok(None);
        }
        let next = self.binary(BinaryOp::Add, item, r.step.get())?;
        // Another thread may have taken it meanwhile.
        if it.source.replace_if(item, next) { Ok(Some(item)) } else { self.long_range_step(it) }
    }

    // ---- whole iterables

    /// Calls `each` with every item of an iterable.
    pub fn for_each(&mut self, iterable: Value, mut each: impl FnMut(&mut Ctx, Value) -> R<()>) -> R<()> {
        if let Some(t) = iterable.cast::<Tuple>()
            && t.header().shape() == ClassId::Tuple.shape()
        {
            for &item in t.items() {
                each(self, item)?;
            }
            return Ok(());
        }
        if let Some(l) = iterable.cast::<List>()
            && l.header().shape() == ClassId::List.shape()
        {
            let mut i = 0;
            while let Some(item) = l.get(i) {
                each(self, item)?;
                i += 1;
            }
            return Ok(());
        }
        let it = self.iter(iterable)?;
        while let Some(item) = self.next(it)? {
            each(self, item)?;
            self.poll()?;
        }
        Ok(())
    }

    /// A fresh list of an iterable's items.
    pub fn collect_list(&mut self, iterable: Value) -> R<Gc<List>> {
        let list = self.new_list();
        self.list_extend(list, iterable)?;
        Ok(list)
    }

    /// The items that `join` puts together.
    pub fn join_items(&mut self, iterable: Value) -> R<Gc<Tuple>> {
        match self.collect_tuple(iterable) {
            Err(e) if self.is_error(e, ClassId::TypeError) && self.exception_text(e.0).ends_with("is not iterable") => {
                Err(self.type_error("can only join an iterable"))
            }
            other => other,
        }
    }

    /// A tuple of an iterable's items.
    pub fn collect_tuple(&mut self, iterable: Value) -> R<Gc<Tuple>> {
        if let Some(t) = iterable.cast::<Tuple>()
            && t.header().shape() == ClassId::Tuple.shape()
        {
            return Ok(t);
        }
        let list = match iterable.cast::<List>() {
            Some(list) if list.header().shape() == ClassId::List.shape() => list,
            _ => self.collect_list(iterable)?,
        };
        let t = self.list_to_tuple(list)?;
        t.cast().ok_or(Raised(Value::NONE))
    }
}

/// The next int of a range iterator.
#[inline(always)]
fn range_step(it: &Iter) -> Option<Value> {
    let left = it.limit.load(Ordering::Relaxed);
    if left <= 0 {
        return None;
    }
    it.limit.store(left - 1, Ordering::Relaxed);
    let item = it.source.get();
    it.source.set_immediate(Value::small_int(
        (item.int().wrapping_add(it.extra.get().int())).clamp(Value::INT_MIN, Value::INT_MAX),
    ));
    Some(item)
}
