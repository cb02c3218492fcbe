//! Subscripts: reading, storing and deleting items and slices, and membership.

use dashu_int::IBig;

use crate::native::{Ctx, R, Raised};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::kind::{ClassId, Kind};
use crate::object::misc::{DictView, GenericAlias, Range, SliceObject};
use crate::object::sequence::{List, Tuple};
use crate::object::set::Set;
use crate::object::string::{ByteArray, Bytes, Str};
use crate::value::{Gc, Value};

/// A slice resolved against a length: `count` items from `start` in steps of `step`.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
    pub count: usize,
}

/// Items written between two polls where one takes next to no time.
const POLL_AFTER: usize = 1 << 16;

impl Ctx {
    /// `v[key]`
    pub fn get_item(&mut self, v: Value, key: Value) -> R {
        if let Some(h) = v.header()
            && h.shape() < ClassId::COUNT as u32
        {
            let result = self.native_get_item(v, key)?;
            if result != Value::NOT_IMPLEMENTED {
                return Ok(result);
            }
        }
        let names = self.names();
        if let Some(f) = self.lookup_special(v, names.__getitem__) {
            return self.call_unbound(f, v, &[key]);
        }
        if let Some(class) = v.cast::<Class>() {
            return self.class_get_item(class, key);
        }
        let got = self.type_name(v);
        Err(self.type_error(format!("'{got}' object is not subscriptable")))
    }

    /// `C[args]` by `__class_getitem__`.
    fn class_get_item(&mut self, class: Gc<Class>, key: Value) -> R {
        let names = self.names();
        if let Some(found) = self.lookup(class, names.__class_getitem__) {
            let f = self.bind(found, Value::UNBOUND, class)?;
            return self.call(f, &[key]);
        }
        if class.id == ClassId::Type as u32 {
            let alias = self.class(ClassId::GenericAlias);
            let args = if key.is_a::<Tuple>() { key } else { self.tuple(&[key])? };
            return Ok(self.new_generic_alias(alias, class.value(), args).value());
        }
        let name = class.name_text();
        Err(self.type_error(format!("type '{name}' is not subscriptable")))
    }

    /// `v[key]` by the native struct of `v`; NotImplemented if it has none.
    pub fn native_get_item(&mut self, v: Value, key: Value) -> R {
        match Kind::of(v.kind_byte()) {
            Kind::List => match v.cast::<List>() {
                Some(list) => self.list_get_item(list, key),
                None => Ok(Value::NOT_IMPLEMENTED),
            },
            Kind::Tuple => match v.cast::<Tuple>() {
                Some(t) => self.tuple_get_item(t, key),
                None => Ok(Value::NOT_IMPLEMENTED),
            },
            Kind::Dict => match v.cast::<Dict>() {
                Some(d) => self.dict_get_item(d, key),
                None => Ok(Value::NOT_IMPLEMENTED),
            },
            Kind::Str => match v.cast::<Str>() {
                Some(s) => self.str_get_item(s, key),
                None => Ok(Value::NOT_IMPLEMENTED),
            },
            Kind::Bytes | Kind::ByteArray => self.bytes_get_item(v, key),
            Kind::Range => match v.cast::<Range>() {
                Some(r) => self.range_get_item(r, key),
                None => Ok(Value::NOT_IMPLEMENTED),
            },
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    /// An index into `len` items, negative from the end; None: out of range. `len` is asked after `__index__`, which may
    /// change it.
    pub fn item_index(&mut self, key: Value, len: impl FnOnce() -> usize, what: &str) -> R<Option<usize>> {
        let i = if key.is_int() {
            key.int()
        } else {
            let names = self.names();
            if !self.is_int(key) && self.lookup_special(key, names.__index__).is_none() {
                let got = self.type_name(key);
                return Err(self.type_error(if what == "string" {
                    format!("string indices must be integers, not '{got}'")
                } else {
                    format!("{what} indices must be integers or slices, not {got}")
                }));
            }
            let n = self.index(key)?;
            match self.as_i64(n) {
                Some(i) => i,
                None => {
                    let got = self.type_name(key);
                    return Err(
                        self.error(ClassId::IndexError, format!("cannot fit '{got}' into an index-sized integer"))
                    );
                }
            }
        };
        let len = len();
        let i = if i < 0 { i + len as i64 } else { i };
        Ok(if i >= 0 && (i as usize) < len { Some(i as usize) } else { None })
    }

    fn list_get_item(&mut self, list: Gc<List>, key: Value) -> R {
        if let Some(slice) = key.cast::<SliceObject>() {
            return self.list_get_slice(list, slice);
        }
        match self.item_index(key, || list.len(), "list")?.and_then(|i| list.get(i)) {
            Some(item) => Ok(item),
            None => Err(self.index_error("list index out of range")),
        }
    }

    fn list_get_slice(&mut self, list: Gc<List>, slice: Gc<SliceObject>) -> R {
        loop {
            let mut buffer = list.buffer();
            let mut len = 0;
            let span = self.slice_span(slice, || {
                buffer = list.buffer();
                len = buffer.len();
                len
            })?;
            let new = self.new_buffer(span.count)?;
            // Another thread may have changed the list while the buffer was made.
            let lock = self.lock(&list.header);
            if list.buffer() != buffer || buffer.len() != len {
                continue;
            }
            for (i, slot) in new.slots()[..span.count].iter().enumerate() {
                slot.set(buffer.slots()[(span.start + i as i64 * span.step) as usize].get());
            }
            if span.count > 0 {
                new.len.store(span.count, std::sync::atomic::Ordering::Release);
            }
            drop(lock);
            return Ok(self.list_of_buffer(new).value());
        }
    }

    fn tuple_get_item(&mut self, t: Gc<Tuple>, key: Value) -> R {
        if let Some(slice) = key.cast::<SliceObject>() {
            let span = self.slice_span(slice, || t.len)?;
            if span.count == t.len && span.step == 1 && t.header().shape() == ClassId::Tuple.shape() {
                return Ok(t.value());
            }
            let list = self.new_list();
            for i in 0..span.count {
                self.list_push(list, t.items()[(span.start + i as i64 * span.step) as usize])?;
            }
            return self.list_to_tuple(list);
        }
        match self.item_index(key, || t.len, "tuple")? {
            Some(i) => Ok(t.items()[i]),
            None => Err(self.index_error("tuple index out of range")),
        }
    }

    fn dict_get_item(&mut self, d: Gc<Dict>, key: Value) -> R {
        if let Some(value) = d.get(self, key)? {
            return Ok(value);
        }
        if d.header().shape() != ClassId::Dict.shape() {
            let names = self.names();
            if let Some(result) = self.call_special(d.value(), names.__missing__, &[key])? {
                return Ok(result);
            }
        }
        Err(self.key_error(key))
    }

    fn str_get_item(&mut self, s: Gc<Str>, key: Value) -> R {
        if let Some(slice) = key.cast::<SliceObject>() {
            let span = self.slice_span(slice, || s.len())?;
            if span.step == 1 {
                let sub = self.substr(s, span.start as usize, span.start as usize + span.count);
                return Ok(sub.value());
            }
            return self.str_stride(s, span);
        }
        let len = s.len();
        match self.item_index(key, || len, "string")? {
            Some(i) if s.is_ascii() => Ok(self.char_str(s.as_bytes()[i]).value()),
            Some(i) => {
                let at = s.offset_of(i);
                let code = crate::text::wtf8::decode_at(s.as_bytes(), at).map_or(0, |(c, _)| c);
                Ok(self.code_point_str(code).value())
            }
            None => Err(self.index_error("string index out of range")),
        }
    }

    fn str_stride(&mut self, s: Gc<Str>, span: Span) -> R {
        let index = |i: usize| (span.start + i as i64 * span.step) as usize;
        let out = if s.is_ascii() {
            (0..span.count).map(|i| s.as_bytes()[index(i)]).collect::<Vec<u8>>()
        } else {
            let codes: Vec<u32> = crate::text::wtf8::code_points(s.as_bytes()).collect();
            crate::text::wtf8::from_code_points((0..span.count).map(|i| codes[index(i)]))
        };
        Ok(self.try_wtf8(&out)?.value())
    }

    fn bytes_get_item(&mut self, v: Value, key: Value) -> R {
        if let Some(slice) = key.cast::<SliceObject>() {
            return self.bytes_slice(v, slice);
        }
        if let Some(b) = v.cast::<Bytes>() {
            return match self.item_index(key, || b.len, "byte")? {
                Some(i) => Ok(Value::small_int(b.as_bytes()[i] as i64)),
                None => Err(self.index_error("index out of range")),
            };
        }
        let Some(b) = v.cast::<ByteArray>() else { return Ok(Value::NOT_IMPLEMENTED) };
        match self.item_index(key, || b.len(), "bytearray")? {
            Some(i) => Ok(Value::small_int(b.buffer().get(i) as i64)),
            None => Err(self.index_error("bytearray index out of range")),
        }
    }

    fn bytes_slice(&mut self, v: Value, slice: Gc<SliceObject>) -> R {
        let length = self.native_len(v).unwrap_or(0);
        let span = self.slice_span(slice, || v.cast::<ByteArray>().map_or(length, |b| b.len()))?;
        let (start, end) = (span.start.max(0) as usize, span.start.max(0) as usize + span.count);
        let at = |i: usize| (span.start + i as i64 * span.step) as usize;
        let Some(array) = v.cast::<ByteArray>() else {
            let Some(b) = v.cast::<Bytes>() else { return Ok(Value::NOT_IMPLEMENTED) };
            if span.step != 1 {
                let part: Vec<u8> = (0..span.count).map(|i| b.as_bytes()[at(i)]).collect();
                return self.bytes(&part);
            }
            let whole = span.count == b.len && b.header().shape() == ClassId::Bytes.shape();
            return if whole { Ok(v) } else { self.bytes(&b.as_bytes()[start..end]) };
        };
        let part: Vec<u8> = if span.step == 1 {
            array.range(start, end)
        } else {
            let buffer = array.buffer();
            (0..span.count).map(|i| buffer.get(at(i))).collect()
        };
        self.bytes_like(v, &part)
    }

    /// Length of a range as an int of any size.
    pub fn range_len(&self, r: Gc<Range>) -> IBig {
        if r.len >= 0 {
            return IBig::from(r.len);
        }
        let part = |v: Value| self.as_int(v).unwrap_or(IBig::ZERO);
        let (start, stop, step) = (part(r.start.get()), part(r.stop.get()), part(r.step.get()));
        let (low, high, step) = if step > IBig::ZERO { (start, stop, step) } else { (stop, start, -step) };
        if low >= high { IBig::ZERO } else { (high - low - IBig::ONE) / step + IBig::ONE }
    }

    /// A range from int values of any size; `step` is not zero.
    pub fn make_range(&mut self, start: Value, stop: Value, step: Value) -> Value {
        let fits = |v: Value| v.as_int().filter(|n| n.unsigned_abs() < 1 << 60);
        if let (Some(a), Some(b), Some(s)) = (fits(start), fits(stop), fits(step)) {
            let len = if s > 0 {
                if a >= b { 0 } else { (b - a - 1) / s + 1 }
            } else if a <= b {
                0
            } else {
                (a - b - 1) / -s + 1
            };
            return self.new_range(start, stop, step, len);
        }
        self.new_range(start, stop, step, -1)
    }

    fn range_get_item(&mut self, r: Gc<Range>, key: Value) -> R {
        if let Some(slice) = key.cast::<SliceObject>() {
            return self.range_slice(r, slice);
        }
        if r.len >= 0 {
            return match self.item_index(key, || r.len as usize, "range")? {
                Some(i) => {
                    let n = r.start.get().int() as i128 + i as i128 * r.step.get().int() as i128;
                    Ok(self.big(&IBig::from(n)))
                }
                None => Err(self.index_error("range object index out of range")),
            };
        }
        let (index, len) = (self.index(key)?, self.range_len(r));
        let mut i = self.as_int(index).unwrap_or(IBig::ZERO);
        if i < IBig::ZERO {
            i += &len;
        }
        if i < IBig::ZERO || i >= len {
            return Err(self.index_error("range object index out of range"));
        }
        let part = |v: Value| self.as_int(v).unwrap_or(IBig::ZERO);
        let n = part(r.start.get()) + i * part(r.step.get());
        Ok(self.big(&n))
    }

    fn range_slice(&mut self, r: Gc<Range>, slice: Gc<SliceObject>) -> R {
        let len = self.range_len(r);
        let len = self.big(&len);
        let [first, last, stride] = self.slice_indices(slice, len)?;
        let part = |cx: &Ctx, v: Value| cx.as_int(v).unwrap_or(IBig::ZERO);
        let (start, step) = (part(self, r.start.get()), part(self, r.step.get()));
        let first = self.big(&(&start + &step * part(self, first)));
        let stop = self.big(&(&start + &step * part(self, last)));
        let step = self.big(&(step * part(self, stride)));
        Ok(self.make_range(first, stop, step))
    }

    /// `slice.indices(length)`: start, stop and step for a length of any size.
    pub fn slice_indices(&mut self, s: Gc<SliceObject>, length: Value) -> R<[Value; 3]> {
        let length = self.index(length)?;
        let length = self.as_int(length).unwrap_or(IBig::ZERO);
        if length < IBig::ZERO {
            return Err(self.value_error("length should not be negative"));
        }
        let step = match s.step.get() {
            v if v.is_none() => IBig::ONE,
            v => self.big_slice_bound(v)?,
        };
        if step == IBig::ZERO {
            return Err(self.value_error("slice step cannot be zero"));
        }
        let down = step < IBig::ZERO;
        let (low, high) = if down { (IBig::NEG_ONE, &length - IBig::ONE) } else { (IBig::ZERO, length.clone()) };
        let clip = |cx: &mut Ctx, v: Value, default: &IBig| -> R {
            if v.is_none() {
                return Ok(cx.big(default));
            }
            let mut n = cx.big_slice_bound(v)?;
            if n < IBig::ZERO {
                n += &length;
            }
            let n = n.max(low.clone()).min(high.clone());
            Ok(cx.big(&n))
        };
        let start = clip(self, s.start.get(), if down { &high } else { &low })?;
        let stop = clip(self, s.stop.get(), if down { &low } else { &high })?;
        let step = self.big(&step);
        Ok([start, stop, step])
    }

    fn big_slice_bound(&mut self, v: Value) -> R<IBig> {
        let index = self.names().__index__;
        if !self.is_int(v) && self.lookup_special(v, index).is_none() {
            return Err(self.type_error("slice indices must be integers or None or have an __index__ method"));
        }
        let n = self.index(v)?;
        Ok(self.as_int(n).unwrap_or(IBig::ZERO))
    }

    /// Resolves a slice's bounds against `len`, which is asked after their `__index__`.
    pub fn slice_span(&mut self, slice: Gc<SliceObject>, len: impl FnOnce() -> usize) -> R<Span> {
        let step = match slice.step.get() {
            v if v.is_none() => 1,
            v => self.slice_bound(v)?,
        };
        if step == 0 {
            return Err(self.value_error("slice step cannot be zero"));
        }
        let step = step.max(-i64::MAX);
        let bound = |cx: &mut Ctx, v: Value| if v.is_none() { Ok(None) } else { cx.slice_bound(v).map(Some) };
        let (start, stop) = (bound(self, slice.start.get())?, bound(self, slice.stop.get())?);
        let len = len() as i64;
        let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
        let clip = |i: i64| if i < 0 { i.saturating_add(len) } else { i }.clamp(low, high);
        let start = start.map_or(if step > 0 { 0 } else { len - 1 }, clip);
        let stop = stop.map_or(if step > 0 { len } else { -1 }, clip);
        let count = if step > 0 {
            if start >= stop { 0 } else { (stop - start - 1) / step + 1 }
        } else if start <= stop {
            0
        } else {
            (start - stop - 1) / -step + 1
        };
        Ok(Span { start, stop, step, count: count as usize })
    }

    /// A slice bound that is not None, clipped to i64.
    pub fn slice_bound(&mut self, v: Value) -> R<i64> {
        if v.is_int() {
            return Ok(v.int());
        }
        let names = self.names();
        if !self.is_int(v) && self.lookup_special(v, names.__index__).is_none() {
            return Err(self.type_error("slice indices must be integers or None or have an __index__ method"));
        }
        self.index_clipped(v)
    }

    /// `v[key] = item`
    pub fn set_item(&mut self, v: Value, key: Value, item: Value) -> R<()> {
        if let Some(h) = v.header()
            && h.shape() < ClassId::COUNT as u32
            && self.native_set_item(v, key, item)?
        {
            return Ok(());
        }
        let names = self.names();
        match self.lookup_special(v, names.__setitem__) {
            Some(f) => self.call_unbound(f, v, &[key, item]).map(drop),
            None => {
                let got = self.type_name(v);
                Err(self.type_error(format!("'{got}' object does not support item assignment")))
            }
        }
    }

    /// `v[key] = item` for lists and dicts; false: not one of them.
    pub fn native_set_item(&mut self, v: Value, key: Value, item: Value) -> R<bool> {
        if let Some(list) = v.cast::<List>() {
            return self.list_set_item(list, key, item).map(|()| true);
        }
        if let Some(dict) = v.cast::<Dict>() {
            return dict.set(self, key, item).map(|()| true);
        }
        Ok(false)
    }

    fn list_set_item(&mut self, list: Gc<List>, key: Value, item: Value) -> R<()> {
        if let Some(slice) = key.cast::<SliceObject>() {
            return self.list_set_slice(list, slice, item);
        }
        match self.item_index(key, || list.len(), "list")? {
            Some(i) if self.list_set(list, i, item) => Ok(()),
            _ => Err(self.index_error("list assignment index out of range")),
        }
    }

    fn list_set_slice(&mut self, list: Gc<List>, slice: Gc<SliceObject>, items: Value) -> R<()> {
        let items = match self.collect_tuple(items) {
            Ok(items) => items,
            Err(e) if self.is_error(e, ClassId::TypeError) && self.exception_text(e.0).ends_with("is not iterable") => {
                return Err(self.type_error("must assign iterable to extended slice"));
            }
            Err(e) => return Err(e),
        };
        let span = self.slice_span(slice, || list.len())?;
        if span.step == 1 {
            let stop = (span.start as usize) + span.count;
            return self.list_splice(list, span.start as usize, stop, items.items());
        }
        if items.len != span.count {
            let message =
                format!("attempt to assign sequence of size {} to extended slice of size {}", items.len, span.count);
            return Err(self.value_error(message));
        }
        for (i, &item) in items.items().iter().enumerate() {
            self.list_set(list, (span.start + i as i64 * span.step) as usize, item);
        }
        Ok(())
    }

    /// `del v[key]`
    pub fn del_item(&mut self, v: Value, key: Value) -> R<()> {
        if let Some(h) = v.header()
            && h.shape() < ClassId::COUNT as u32
            && self.native_del_item(v, key)?
        {
            return Ok(());
        }
        let names = self.names();
        match self.lookup_special(v, names.__delitem__) {
            Some(f) => self.call_unbound(f, v, &[key]).map(drop),
            None => {
                let got = self.type_name(v);
                Err(self.type_error(format!("'{got}' object doesn't support item deletion")))
            }
        }
    }

    /// `del v[key]` for lists and dicts; false: not one of them.
    pub fn native_del_item(&mut self, v: Value, key: Value) -> R<bool> {
        if let Some(list) = v.cast::<List>() {
            return self.list_del_item(list, key).map(|()| true);
        }
        if let Some(dict) = v.cast::<Dict>() {
            return match dict.remove(self, key)? {
                Some(_) => Ok(true),
                None => Err(self.key_error(key)),
            };
        }
        Ok(false)
    }

    fn list_del_item(&mut self, list: Gc<List>, key: Value) -> R<()> {
        let Some(slice) = key.cast::<SliceObject>() else {
            let index = if key.is_int() {
                key.int()
            } else {
                self.item_index(key, || list.len(), "list")?.map_or(i64::MAX, |i| i as i64)
            };
            return match self.list_pop(list, index)? {
                Some(_) => Ok(()),
                None => Err(self.index_error("list assignment index out of range")),
            };
        };
        let span = self.slice_span(slice, || list.len())?;
        if span.count == 0 {
            return Ok(());
        }
        if span.step == 1 {
            return self.list_splice(list, span.start as usize, span.start as usize + span.count, &[]);
        }
        let items = self.list_snapshot(list)?;
        let kept = self.new_list();
        for (i, &item) in items.items().iter().enumerate() {
            let offset = i as i64 - span.start;
            let hit = offset % span.step == 0 && (0..span.count as i64).contains(&(offset / span.step));
            if !hit {
                self.list_push(kept, item)?;
            }
        }
        self.list_replace(list, kept.buffer());
        Ok(())
    }

    /// `item in container`
    pub fn contains(&mut self, container: Value, item: Value) -> R<bool> {
        if let Some(h) = container.header()
            && h.shape() < ClassId::COUNT as u32
            && let Some(found) = self.native_contains(container, item)?
        {
            return Ok(found);
        }
        let names = self.names();
        match self.lookup_special(container, names.__contains__) {
            Some(f) if f.is_none() => {
                let got = self.type_name(container);
                Err(self.type_error(format!("'{got}' object is not a container")))
            }
            Some(f) => {
                let result = self.call_unbound(f, container, &[item])?;
                self.truth(result)
            }
            None => self.contains_by_iteration(container, item),
        }
    }

    fn contains_by_iteration(&mut self, container: Value, item: Value) -> R<bool> {
        let it = match self.iter(container) {
            Ok(it) => it,
            Err(e) if self.is_error(e, ClassId::TypeError) && self.exception_text(e.0).ends_with("is not iterable") => {
                let got = self.type_name(container);
                return Err(self.type_error(format!("argument of type '{got}' is not iterable")));
            }
            Err(e) => return Err(e),
        };
        while let Some(candidate) = self.next(it)? {
            if self.same(candidate, item)? {
                return Ok(true);
            }
            self.poll()?;
        }
        Ok(false)
    }

    /// Membership by the native struct; None: it has no own notion.
    pub fn native_contains(&mut self, container: Value, item: Value) -> R<Option<bool>> {
        Ok(Some(match Kind::of(container.kind_byte()) {
            Kind::Dict => match container.cast::<Dict>() {
                Some(d) => d.get(self, item)?.is_some(),
                None => false,
            },
            Kind::Set => match container.cast::<Set>() {
                Some(s) => self.set_contains(s, item)?,
                None => false,
            },
            Kind::List => self.list_contains(container, item)?,
            Kind::Tuple => match container.cast::<Tuple>() {
                Some(t) => {
                    for &candidate in t.items() {
                        if self.same(candidate, item)? {
                            return Ok(Some(true));
                        }
                    }
                    false
                }
                None => false,
            },
            Kind::Str => match (container.cast::<Str>(), item.cast::<Str>()) {
                (Some(s), Some(part)) => memchr::memmem::find(s.as_bytes(), part.as_bytes()).is_some(),
                _ => {
                    let got = self.type_name(item);
                    return Err(self.type_error(format!("'in <string>' requires string as left operand, not {got}")));
                }
            },
            Kind::Bytes | Kind::ByteArray => self.bytes_contains(container, item)?,
            Kind::Range => return self.range_contains(container, item),
            Kind::DictView => return self.view_contains(container, item),
            _ => return Ok(None),
        }))
    }

    /// A set as the item stands for the equal frozenset.
    pub fn set_contains(&mut self, s: Gc<Set>, item: Value) -> R<bool> {
        match s.contains(self, item) {
            Err(e) if item.is_a::<Set>() && self.is_error(e, ClassId::TypeError) => {
                let frozen = self.frozen_copy(item)?;
                s.contains(self, frozen)
            }
            other => other,
        }
    }

    /// A frozenset of a set's keys.
    pub fn frozen_copy(&mut self, set: Value) -> R {
        let Some(set) = set.cast::<Set>() else { return Ok(set) };
        let copy = self.new_set(true)?;
        copy.merge(self, set)?;
        Ok(copy.value())
    }

    fn list_contains(&mut self, container: Value, item: Value) -> R<bool> {
        let Some(list) = container.cast::<List>() else { return Ok(false) };
        if self.is_shared() {
            // Items that another thread moves must not be missed.
            let items = self.list_snapshot(list)?;
            for &candidate in items.items() {
                if self.same(candidate, item)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let mut i = 0;
        while let Some(candidate) = list.get(i) {
            if self.same(candidate, item)? {
                return Ok(true);
            }
            i += 1;
        }
        Ok(false)
    }

    fn bytes_contains(&mut self, container: Value, item: Value) -> R<bool> {
        let names = self.names();
        if self.is_int(item) || self.lookup_special(item, names.__index__).is_some() {
            let index = self.index(item)?;
            return match self.as_i64(index) {
                Some(b @ 0..=255) => Ok(memchr::memchr(b as u8, &self.byte_vec(container)?).is_some()),
                _ => Err(self.value_error("byte must be in range(0, 256)")),
            };
        }
        let part = self.byte_vec(item)?;
        if let Some(b) = container.cast::<Bytes>() {
            return Ok(memchr::memmem::find(b.as_bytes(), &part).is_some());
        }
        Ok(memchr::memmem::find(&self.byte_vec(container)?, &part).is_some())
    }

    /// A copy of the data of a bytes-like object.
    pub fn byte_vec(&mut self, v: Value) -> R<Vec<u8>> {
        if let Some(b) = v.cast::<Bytes>() {
            return Ok(b.as_bytes().to_vec());
        }
        if let Some(b) = v.cast::<ByteArray>() {
            return Ok(b.to_vec());
        }
        if let Some(data) = self.memory_bytes(v)? {
            return Ok(data);
        }
        let got = self.type_name(v);
        Err(self.type_error(format!("a bytes-like object is required, not '{got}'")))
    }

    fn range_contains(&mut self, container: Value, item: Value) -> R<Option<bool>> {
        let Some(r) = container.cast::<Range>() else { return Ok(Some(false)) };
        let Some(n) = self.as_int(item) else {
            return self.contains_by_iteration(container, item).map(Some);
        };
        if item.header().is_some_and(|h| h.shape() >= ClassId::COUNT as u32) {
            return self.contains_by_iteration(container, item).map(Some);
        }
        let part = |v: Value| self.as_int(v).unwrap_or(IBig::ZERO);
        let (start, stop, step) = (part(r.start.get()), part(r.stop.get()), part(r.step.get()));
        let inside = if step > IBig::ZERO { start <= n && n < stop } else { stop < n && n <= start };
        Ok(Some(inside && (n - start) % step == IBig::ZERO))
    }

    fn view_contains(&mut self, container: Value, item: Value) -> R<Option<bool>> {
        let Some(view) = container.cast::<DictView>() else { return Ok(None) };
        let dict = view.dict.obj::<Dict>();
        let shape = view.header().shape();
        if shape == ClassId::DictKeys.shape() {
            return Ok(Some(dict.get(self, item)?.is_some()));
        }
        if shape == ClassId::DictItems.shape() {
            let Some(pair) = item.cast::<Tuple>().filter(|t| t.len == 2) else { return Ok(Some(false)) };
            return match dict.get(self, pair.items()[0])? {
                Some(value) => self.same(value, pair.items()[1]).map(Some),
                None => Ok(Some(false)),
            };
        }
        Ok(None)
    }

    /// `origin[args]` as a generic alias (`__class_getitem__` of builtins).
    pub fn generic_alias(&mut self, origin: Value, key: Value) -> R<Gc<GenericAlias>> {
        let class = self.class(ClassId::GenericAlias);
        let args = if key.is_a::<Tuple>() { key } else { self.tuple(&[key])? };
        Ok(self.new_generic_alias(class, origin, args))
    }

    /// Sequence operators of the builtin types: concatenation, repetition, set algebra, dict union, `%`.
    pub fn sequence_binary(&mut self, op: super::arith::BinaryOp, a: Value, b: Value) -> R {
        use super::arith::BinaryOp::*;
        match (op, Kind::of(a.kind_byte()), Kind::of(b.kind_byte())) {
            (Add, Kind::Str, Kind::Str) => match (a.cast::<Str>(), b.cast::<Str>()) {
                (Some(x), Some(y)) => self.concat(x, y),
                _ => Ok(Value::NOT_IMPLEMENTED),
            },
            (Add, Kind::List, Kind::List) => match (a.cast::<List>(), b.cast::<List>()) {
                (Some(x), Some(y)) => self.list_concat(x, y),
                _ => Ok(Value::NOT_IMPLEMENTED),
            },
            (Add, Kind::Tuple, Kind::Tuple) => match (a.cast::<Tuple>(), b.cast::<Tuple>()) {
                (Some(x), Some(y)) => self.tuple_concat(x, y),
                _ => Ok(Value::NOT_IMPLEMENTED),
            },
            (Add, Kind::Bytes | Kind::ByteArray, Kind::Bytes | Kind::ByteArray | Kind::MemoryView) => {
                let mut data = self.byte_vec(a)?;
                data.extend(self.byte_vec(b)?);
                self.bytes_like(a, &data)
            }
            (Mod, Kind::Str, _) => match a.cast::<Str>() {
                Some(format) => Ok(self.percent_str(format, b)?.value()),
                None => Ok(Value::NOT_IMPLEMENTED),
            },
            (Mod, Kind::Bytes | Kind::ByteArray, _) => self.bytes_percent(a, b),
            (Mul, Kind::Str | Kind::List | Kind::Tuple | Kind::Bytes | Kind::ByteArray, _) if self.is_int(b) => {
                self.repeat(a, b)
            }
            (Mul, _, Kind::Str | Kind::List | Kind::Tuple | Kind::Bytes | Kind::ByteArray) if self.is_int(a) => {
                self.repeat(b, a)
            }
            _ => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    /// Bytes or a bytearray, as `model` is one or the other.
    pub fn bytes_like(&mut self, model: Value, data: &[u8]) -> R {
        if model.is_a::<ByteArray>() {
            let class = self.class(ClassId::ByteArray);
            return Ok(self.new_bytearray(class, data)?.value());
        }
        self.bytes(data)
    }

    fn bytes_percent(&mut self, format: Value, args: Value) -> R {
        let text = self.byte_vec(format)?;
        let data = self.percent_bytes(&text, args)?;
        self.bytes_like(format, &data)
    }

    pub fn list_concat(&mut self, x: Gc<List>, y: Gc<List>) -> R {
        let (x, y) = (self.list_snapshot(x)?, self.list_snapshot(y)?);
        let new = self.new_buffer(x.len + y.len)?;
        for (slot, item) in new.slots().iter().zip(x.items().iter().chain(y.items())) {
            slot.set(*item);
        }
        if new.cap > 0 {
            new.len.store(x.len + y.len, std::sync::atomic::Ordering::Release);
        }
        Ok(self.list_of_buffer(new).value())
    }

    fn tuple_concat(&mut self, x: Gc<Tuple>, y: Gc<Tuple>) -> R {
        if y.len == 0 && x.header().shape() == ClassId::Tuple.shape() {
            return Ok(x.value());
        }
        if x.len == 0 && y.header().shape() == ClassId::Tuple.shape() {
            return Ok(y.value());
        }
        let list = self.new_list();
        self.list_extend(list, x.value())?;
        for &item in y.items() {
            self.list_push(list, item)?;
        }
        self.list_to_tuple(list)
    }

    /// `sequence * count`
    pub fn repeat(&mut self, sequence: Value, count: Value) -> R {
        let Some(count) = self.as_i64(count) else {
            let got = self.type_name(count);
            return Err(self.overflow_error(format!("cannot fit '{got}' into an index-sized integer")));
        };
        let count = count.max(0) as usize;
        match Kind::of(sequence.kind_byte()) {
            Kind::List => self.list_repeat(sequence, count),
            Kind::Tuple => {
                let Some(t) = sequence.cast::<Tuple>() else { return Ok(Value::NOT_IMPLEMENTED) };
                if count == 1 && t.header().shape() == ClassId::Tuple.shape() {
                    return Ok(sequence);
                }
                self.ensure_memory((t.len * 8).saturating_mul(count), 2)?;
                let list = self.new_list();
                for _ in 0..if t.len == 0 { 0 } else { count } {
                    for &item in t.items() {
                        self.list_push(list, item)?;
                    }
                    self.poll()?;
                }
                self.list_to_tuple(list)
            }
            Kind::Str => {
                let Some(s) = sequence.cast::<Str>() else { return Ok(Value::NOT_IMPLEMENTED) };
                // A str counts its bytes in 32 bits.
                if s.len().saturating_mul(count) > i64::MAX as usize {
                    return Err(self.overflow_error("repeated string is too long"));
                }
                let total = (s.bytes as usize).saturating_mul(count);
                if total > u32::MAX as usize {
                    return Err(self.memory_error());
                }
                self.ensure_memory(total, 2)?;
                let out = s.as_bytes().repeat(count);
                Ok(self.try_wtf8(&out)?.value())
            }
            _ => {
                let data = self.byte_vec(sequence)?;
                let total = data.len().saturating_mul(count);
                if total > i64::MAX as usize && sequence.is_a::<Bytes>() {
                    return Err(self.overflow_error("repeated bytes are too long"));
                }
                self.ensure_memory(total, 2)?;
                let out = data.repeat(count);
                if sequence.is_a::<ByteArray>() {
                    let class = self.class(ClassId::ByteArray);
                    return Ok(self.new_bytearray(class, &out)?.value());
                }
                self.bytes(&out)
            }
        }
    }

    fn list_repeat(&mut self, sequence: Value, count: usize) -> R {
        let Some(list) = sequence.cast::<List>() else { return Ok(Value::NOT_IMPLEMENTED) };
        let items = self.list_snapshot(list)?;
        self.ensure_memory((items.len * 8).saturating_mul(count), 1)?;
        let total = items.len * count;
        let new = self.new_buffer(total)?;
        if let [item] = items.items() {
            for part in new.slots().chunks(POLL_AFTER) {
                part.iter().for_each(|slot| slot.set(*item));
                self.poll()?;
            }
        } else if items.len > 0 {
            for part in new.slots().chunks(items.len) {
                part.iter().zip(items.items()).for_each(|(slot, item)| slot.set(*item));
                self.poll()?;
            }
        }
        if total > 0 {
            new.len.store(total, std::sync::atomic::Ordering::Release);
        }
        Ok(self.list_of_buffer(new).value())
    }

    /// The error of a subscript that its container does not take.
    pub fn bad_index(&mut self, what: &str, key: Value) -> Raised {
        let got = self.type_name(key);
        self.type_error(format!("{what} indices must be integers or slices, not {got}"))
    }
}
