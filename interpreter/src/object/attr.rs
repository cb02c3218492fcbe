//! Attributes: where they lie, how they are found, read, written and deleted.

use std::sync::atomic::Ordering;

use crate::heap::Header;
use crate::heap::header::flag;
use crate::native::{Ctx, R, Raised};
use crate::object::class::{Class, class_flag};
use crate::object::ctx::{TYPE_CACHE, TypeCacheEntry};
use crate::object::dict::Dict;
use crate::object::exception::Exception;
use crate::object::function::{Function, Method, Property, Super, Wrapper};
use crate::object::instance::{Chunk, Instance};
use crate::object::kind::{ClassId, Kind};
use crate::object::misc::{Boxed, GenericAlias, Iter, WeakRef};
use crate::object::module::Module;
use crate::object::shape::Shape;
use crate::object::string::Str;
use crate::value::{Gc, Slot, Value};

/// Whether every object of the kind has an attributes word of its own (no trailing one is needed).
pub fn kind_has_attrs(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Instance
            | Kind::Exception
            | Kind::Property
            | Kind::Super
            | Kind::WeakRef
            | Kind::GenericAlias
            | Kind::Iter
            | Kind::Boxed
            | Kind::Module
            | Kind::Class
    )
}

/// The word that heads an object's attribute storage: a chunk chain, or a dict in a foreign shape.
pub fn attrs_slot(header: &Header) -> Option<&Slot> {
    let object = header as *const Header;
    // SAFETY: the kind says the layout; the trailing word of a subclass instance lies where its constructor put it.
    unsafe {
        let after = |bytes: usize| &*((object as usize + bytes.next_multiple_of(8)) as *const Slot);
        Some(match Kind::of(header.kind()) {
            Kind::Instance => &(*(object as *const Instance)).overflow,
            Kind::Exception => &(*(object as *const Exception)).attrs,
            Kind::Property => &(*(object as *const Property)).attrs,
            Kind::Super => &(*(object as *const Super)).attrs,
            Kind::WeakRef => &(*(object as *const WeakRef)).attrs,
            Kind::GenericAlias => &(*(object as *const GenericAlias)).attrs,
            Kind::Iter => &(*(object as *const Iter)).attrs,
            Kind::Boxed => &(*(object as *const Boxed)).attrs,
            Kind::Module => &(*(object as *const Module)).attrs,
            _ if !header.has(flag::ATTRS) => return None,
            Kind::List => after(size_of::<super::sequence::List>()),
            Kind::Dict => after(size_of::<Dict>()),
            Kind::Set => after(size_of::<super::set::Set>()),
            Kind::ByteArray => after(size_of::<super::string::ByteArray>()),
            Kind::Float => after(size_of::<super::number::Float>()),
            Kind::Complex => after(size_of::<super::number::Complex>()),
            Kind::Tuple => {
                let t = &*(object as *const super::sequence::Tuple);
                after(super::sequence::Tuple::SLOTS + t.len * 8)
            }
            Kind::Str => {
                let s = &*(object as *const Str);
                after(Str::INLINE + s.bytes as usize)
            }
            Kind::Bytes => {
                let b = &*(object as *const super::string::Bytes);
                after(super::string::Bytes::DATA + b.len)
            }
            Kind::BigInt => {
                let b = &*(object as *const super::number::BigInt);
                after(super::number::BigInt::WORDS + b.len.unsigned_abs() * 8)
            }
            _ => return None,
        })
    }
}

/// Where an attribute's slot lies.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    Slot(&'a Slot),
    /// Attributes live in this dict.
    Foreign(Gc<Dict>),
    Missing,
}

impl Ctx {
    /// The class of any value.
    #[inline]
    pub fn class_of(&self, v: Value) -> Gc<Class> {
        match v.header() {
            Some(h) => self.iso().shapes.get(h.shape()).class.obj(),
            None => self.class(immediate_class(v)),
        }
    }
    /// The class's name, for messages: native classes of modules are shown with their module.
    pub fn type_name(&self, v: Value) -> String {
        let class = self.class_of(v);
        if class.id != 0 {
            return super::kind::CLASSES[class.id as usize - 1].name.to_string();
        }
        if !class.is_static() {
            return class.name_text();
        }
        let module = class.dict().get_str(self, self.names().__module__).map_or_else(String::new, |m| self.text_of(m));
        format!("{module}.{}", class.name_text())
    }

    // ---- class lookup

    /// The attribute `name` (interned) as found along the MRO, undisturbed by descriptors.
    #[inline]
    pub fn lookup(&mut self, class: Gc<Class>, name: Gc<Str>) -> Option<Value> {
        let version = class.version();
        let (c, n) = (class.as_ptr() as u64, name.as_ptr() as u64);
        let i = ((c >> 4) ^ (n >> 3).wrapping_mul(5)) as usize % TYPE_CACHE;
        let entry = &self.type_cache[i];
        if entry.class == c && entry.name == n && entry.version == version && version != 0 {
            return if entry.value.is_unbound() { None } else { Some(entry.value) };
        }
        let found = self.lookup_uncached(class, name);
        if version != 0 && class.version() == version {
            let value = found.unwrap_or(Value::UNBOUND);
            self.type_cache[i] = TypeCacheEntry { class: c, name: n, version, value };
        }
        found
    }

    fn lookup_uncached(&self, class: Gc<Class>, name: Gc<Str>) -> Option<Value> {
        class.mro_classes().find_map(|c| c.dict().get_str(self, name))
    }

    /// A special method of the value's class, unbound.
    #[inline]
    pub fn lookup_special(&mut self, v: Value, name: Gc<Str>) -> Option<Value> {
        let class = self.class_of(v);
        self.lookup(class, name)
    }

    /// Calls the special method `name` of `v` with further arguments, if its class has one.
    pub fn call_special(&mut self, v: Value, name: Gc<Str>, args: &[Value]) -> R<Option<Value>> {
        let Some(f) = self.lookup_special(v, name) else { return Ok(None) };
        self.call_unbound(f, v, args).map(Some)
    }

    /// Calls a function found on a class as the method of `this`.
    pub fn call_unbound(&mut self, f: Value, this: Value, args: &[Value]) -> R {
        if is_plain_method(f) {
            let mut buffer = [Value::NONE; 6];
            if args.len() < buffer.len() {
                buffer[0] = this;
                buffer[1..=args.len()].copy_from_slice(args);
                return self.call(f, &buffer[..=args.len()]);
            }
        }
        let class = self.class_of(this);
        let bound = self.bind(f, this, class)?;
        self.call(bound, args)
    }

    // ---- instance storage

    /// Where the instance attribute `name` (interned) of `v` lies.
    #[inline]
    pub fn place<'a>(&self, v: Value, name: Gc<Str>) -> Place<'a> {
        let Some(header) = v.header::<'a>() else { return Place::Missing };
        let shapes = &self.iso().shapes;
        let shape = shapes.get(header.shape());
        if shape.foreign {
            if let Some(dict) = attrs_slot(header).and_then(|s| s.get().cast::<Dict>()) {
                return Place::Foreign(dict);
            }
            return Place::Missing;
        }
        match shapes.slot(shape, name.value()) {
            Some(index) => match self.slot_at(header, shape, index) {
                Some(slot) => Place::Slot(slot),
                None => Place::Missing,
            },
            None => Place::Missing,
        }
    }

    /// The slot number `index` of an object of `shape`.
    pub fn slot_at<'a>(&self, header: &'a Header, shape: &Shape, index: usize) -> Option<&'a Slot> {
        if index < shape.inline as usize {
            // SAFETY: shapes with inline slots belong to instances with that many.
            return Some(unsafe { (*(header as *const Header as *const Instance)).inline_slot(index) });
        }
        let mut index = index - shape.inline as usize;
        let mut at = attrs_slot(header)?.get();
        loop {
            let chunk = at.cast::<Chunk>()?;
            if index < chunk.len {
                // SAFETY: the chunk is kept alive by the object.
                return Some(unsafe { &*(&chunk.slots()[index] as *const Slot) });
            }
            index -= chunk.len;
            at = chunk.next.get();
        }
    }

    /// The instance attribute `name` of `v`, whatever its class says.
    pub fn instance_attr(&mut self, v: Value, name: Gc<Str>) -> Option<Value> {
        match self.place(v, name) {
            Place::Slot(slot) => {
                let value = slot.get();
                if value.is_unbound() { None } else { Some(value) }
            }
            Place::Foreign(dict) => dict.get_str(self, name),
            Place::Missing => self.attrs_dict(v, false)?.get_str(self, name),
        }
    }

    /// The dict of kinds that keep their attributes in one: functions, modules, static- and classmethods.
    pub fn attrs_dict(&mut self, v: Value, make: bool) -> Option<Gc<Dict>> {
        let slot = match Kind::of(v.kind_byte()) {
            Kind::Module => return v.cast::<Module>().map(|m| m.dict()),
            Kind::Function => {
                let f = v.cast::<Function>()?;
                // SAFETY: the slot lives as long as the object, which is on this stack.
                unsafe { &*(&f.dict as *const Slot) }
            }
            Kind::Wrapper => {
                let w = v.cast::<Wrapper>()?;
                // SAFETY: as above.
                unsafe { &*(&w.dict as *const Slot) }
            }
            _ => return None,
        };
        if slot.get().is_unbound() {
            if !make {
                return None;
            }
            let dict = self.new_dict().value();
            slot.replace_if(Value::UNBOUND, dict);
        }
        slot.get().cast()
    }

    /// Stores an instance attribute, whatever its class says.
    pub fn set_instance_attr(&mut self, v: Value, name: Gc<Str>, value: Value) -> R<()> {
        match self.place(v, name) {
            Place::Slot(slot) => {
                slot.set(value);
                return Ok(());
            }
            Place::Foreign(dict) => return dict.set(self, name.value(), value),
            Place::Missing => {}
        }
        if let Some(dict) = self.attrs_dict(v, true) {
            return dict.set(self, name.value(), value);
        }
        let class = self.class_of(v);
        let has_storage = v.header().is_some_and(|h| attrs_slot(h).is_some());
        if !has_storage || class.has(class_flag::NO_DICT) {
            return Err(self.cannot_set(v, name));
        }
        self.add_attr(v, name, value);
        Ok(())
    }

    /// Adds an attribute that the object's shape does not have.
    fn add_attr(&mut self, v: Value, name: Gc<Str>, value: Value) {
        let Some(header) = v.header() else { return };
        loop {
            let shapes = &self.iso().shapes;
            let shape = shapes.get(header.shape());
            let index = shape.count as usize;
            self.ensure_chunks(header, shape, index);
            let next = shapes.child(shape, name.value());
            let lock = self.lock(header);
            if header.shape() == shape.id {
                if let Some(slot) = self.slot_at(header, shape, index) {
                    slot.set(value);
                    header.set_shape(next);
                }
                drop(lock);
                if index == shape.inline as usize && shape.inline > 0 {
                    self.learn_inline(v, index);
                }
                return;
            }
            drop(lock);
            // Another thread changed the shape: the name may exist by now.
            if let Place::Slot(slot) = self.place(v, name) {
                slot.set(value);
                return;
            }
        }
    }

    /// Makes sure that the overflow chunk of slot `index` exists.
    pub(crate) fn ensure_chunks(&mut self, header: &Header, shape: &Shape, index: usize) {
        if index < shape.inline as usize {
            return;
        }
        let mut index = index - shape.inline as usize;
        let mut len = Chunk::FIRST;
        let Some(mut at) = attrs_slot(header) else { return };
        loop {
            if !at.get().is_a::<Chunk>() {
                let chunk = self.new_chunk(len).value();
                at.replace_if(Value::UNBOUND, chunk);
            }
            let Some(chunk) = at.get().cast::<Chunk>() else { return };
            if index < len {
                return;
            }
            index -= len;
            len *= 2;
            // SAFETY: the chunk is kept alive by the object.
            at = unsafe { &*(&chunk.next as *const Slot) };
        }
    }

    /// Instances of the class outgrow their inline slots: give later ones more.
    fn learn_inline(&mut self, v: Value, count: usize) {
        let class = self.class_of(v);
        let root = class.root_shape.load(Ordering::Acquire);
        let shapes = &self.iso().shapes;
        let old = shapes.get(root);
        if old.count == 0 && (old.inline as usize) <= count && old.inline < 32 {
            let wider = shapes.root(class.value(), (old.inline * 2).clamp(4, 32));
            let _ = class.root_shape.compare_exchange(root, wider, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Deletes an instance attribute; tells whether it was there.
    pub fn del_instance_attr(&mut self, v: Value, name: Gc<Str>) -> R<bool> {
        match self.place(v, name) {
            Place::Slot(slot) => Ok(!slot.swap(Value::UNBOUND).is_unbound()),
            Place::Foreign(dict) => Ok(dict.remove(self, name.value())?.is_some()),
            Place::Missing => match self.attrs_dict(v, false) {
                Some(dict) => Ok(dict.remove(self, name.value())?.is_some()),
                None => Ok(false),
            },
        }
    }

    /// `obj.__dict__` of an instance: from now on its attributes live in that dict.
    pub fn instance_dict(&mut self, v: Value) -> Option<Gc<Dict>> {
        if let Some(dict) = self.attrs_dict(v, true) {
            return Some(dict);
        }
        let header = v.header()?;
        let slot = attrs_slot(header)?;
        let class = self.class_of(v);
        if class.has(class_flag::NO_DICT) {
            return None;
        }
        let shapes = &self.iso().shapes;
        let shape = shapes.get(header.shape());
        if shape.foreign {
            return slot.get().cast();
        }
        let dict = self.new_dict();
        let members = shapes.get(class.root_shape.load(Ordering::Acquire)).count;
        for (name, index) in shapes.names(shape).into_iter().filter(|(_, i)| *i >= members) {
            let value = self.slot_at(header, shape, index as usize).map_or(Value::UNBOUND, |s| s.get());
            if !value.is_unbound()
                && let Some(name) = name.cast::<Str>()
            {
                dict.set_str(self, name, value);
            }
        }
        self.set_instance_dict(v, dict);
        Some(dict)
    }

    /// `obj.__dict__ = dict`.
    pub fn set_instance_dict(&mut self, v: Value, dict: Gc<Dict>) {
        let Some(header) = v.header() else { return };
        let Some(slot) = attrs_slot(header) else { return };
        let shape = self.iso().shapes.get(header.shape());
        let root = self.class_of(v).root_shape.load(Ordering::Acquire);
        let foreign = self.iso().shapes.foreign(self.iso().shapes.get(root), shape.inline);
        let lock = self.lock(header);
        slot.set(dict.value());
        header.set_shape(foreign);
        drop(lock);
    }

    // ---- reading

    /// `v.name`; the name is interned here if need be.
    pub fn get_attr(&mut self, v: Value, name: Gc<Str>) -> R {
        let name = self.intern_str(name);
        self.get_attr_interned(v, name)
    }
    pub fn get_attr_text(&mut self, v: Value, name: &str) -> R {
        let name = self.intern(name);
        self.get_attr_interned(v, name)
    }
    /// `v.name`, or None if AttributeError.
    pub fn get_attr_opt(&mut self, v: Value, name: Gc<Str>) -> R<Option<Value>> {
        let name = self.intern_str(name);
        let class = self.class_of(v);
        if !class.has(class_flag::GETATTRIBUTE | class_flag::GETATTR) && !v.is_a::<Module>() {
            return match self.generic_get(v, name) {
                Err(e) if self.is_error(e, ClassId::AttributeError) => Ok(None),
                other => other,
            };
        }
        match self.get_attr_interned(v, name) {
            Ok(value) => Ok(Some(value)),
            Err(e) if self.is_error(e, ClassId::AttributeError) => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub fn get_attr_interned(&mut self, v: Value, name: Gc<Str>) -> R {
        match self.find_attr(v, name) {
            Err(e) if self.is_error(e, ClassId::AttributeError) => {
                name_the_attribute(e, v, name);
                Err(e)
            }
            other => other,
        }
    }

    fn find_attr(&mut self, v: Value, name: Gc<Str>) -> R {
        let class = self.class_of(v);
        if class.has(class_flag::GETATTRIBUTE) {
            return self.get_attr_hooked(v, class, name);
        }
        match self.generic_get(v, name) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => self.get_attr_missing(v, class, name, None),
            Err(e) if class.has(class_flag::GETATTR) && self.is_error(e, ClassId::AttributeError) => {
                self.get_attr_missing(v, class, name, Some(e))
            }
            Err(e) => Err(e),
        }
    }

    fn get_attr_hooked(&mut self, v: Value, class: Gc<Class>, name: Gc<Str>) -> R {
        let names = self.names();
        let Some(hook) = self.lookup(class, names.__getattribute__) else {
            return Err(self.no_attribute(v, name.value()));
        };
        match self.call_unbound(hook, v, &[name.value()]) {
            Err(e) if class.has(class_flag::GETATTR) && self.is_error(e, ClassId::AttributeError) => {
                self.get_attr_missing(v, class, name, Some(e))
            }
            other => other,
        }
    }

    fn get_attr_missing(&mut self, v: Value, class: Gc<Class>, name: Gc<Str>, why: Option<Raised>) -> R {
        if class.has(class_flag::GETATTR) {
            let names = self.names();
            if let Some(hook) = self.lookup(class, names.__getattr__) {
                return self.call_unbound(hook, v, &[name.value()]);
            }
        }
        if let Some(module) = v.cast::<Module>() {
            return self.module_missing(module, name);
        }
        Err(match why {
            Some(e) => e,
            None => self.no_attribute(v, name.value()),
        })
    }

    /// What `object.__getattribute__` (or that of type, super) finds; None: no such attribute.
    pub fn generic_get(&mut self, v: Value, name: Gc<Str>) -> R<Option<Value>> {
        match Kind::of(v.kind_byte()) {
            Kind::Class => return self.class_get(v, name),
            Kind::Super => return self.super_get(v, name),
            Kind::GenericAlias => return self.alias_get(v, name),
            Kind::Method => return self.method_get(v, name),
            _ => {}
        }
        let class = self.class_of(v);
        let found = self.lookup(class, name);
        if let Some(found) = found
            && self.is_data_descriptor(found)
            && self.has_getter(found)
        {
            return self.bind(found, v, class).map(Some);
        }
        if let Some(value) = self.instance_attr(v, name) {
            return Ok(Some(value));
        }
        match (found, v.cast::<Method>()) {
            (Some(found), _) => self.bind(found, v, class).map(Some),
            // A bound method has its function's attributes.
            (None, Some(method)) => self.get_attr_opt(method.function.get(), name),
            (None, None) => Ok(None),
        }
    }

    fn class_get(&mut self, v: Value, name: Gc<Str>) -> R<Option<Value>> {
        let Some(class) = v.cast::<Class>() else { return Ok(None) };
        let meta = self.class_of(v);
        let on_meta = self.lookup(meta, name);
        if let Some(found) = on_meta
            && self.is_data_descriptor(found)
        {
            return self.bind(found, v, meta).map(Some);
        }
        if let Some(found) = self.lookup(class, name) {
            return self.bind(found, Value::UNBOUND, class).map(Some);
        }
        match on_meta {
            Some(found) => self.bind(found, v, meta).map(Some),
            None => Ok(None),
        }
    }

    fn super_get(&mut self, v: Value, name: Gc<Str>) -> R<Option<Value>> {
        let Some(s) = v.cast::<Super>() else { return Ok(None) };
        if let (Some(start), false) = (s.start.get().cast::<Class>(), name == self.names().__class__) {
            let mro = start.mro();
            let after = mro.items().iter().position(|c| *c == s.class.get()).map_or(mro.len, |i| i + 1);
            for class in mro.items()[after..].iter().filter_map(|c| c.cast::<Class>()) {
                if let Some(found) = class.dict().get_str(self, name) {
                    let object = s.object.get();
                    let this = if object == start.value() { Value::UNBOUND } else { object };
                    return self.bind(found, this, start).map(Some);
                }
            }
        }
        let class = self.class_of(v);
        match self.lookup(class, name) {
            Some(found) => self.bind(found, v, class).map(Some),
            None => Ok(None),
        }
    }

    /// Attributes of a bound method: its own, then those of its function.
    fn method_get(&mut self, v: Value, name: Gc<Str>) -> R<Option<Value>> {
        let Some(method) = v.cast::<crate::object::function::Method>() else { return Ok(None) };
        let class = self.class_of(v);
        if name != self.names().__dict__
            && let Some(found) = self.lookup(class, name)
        {
            return self.bind(found, v, class).map(Some);
        }
        self.get_attr_interned(method.function.get(), name).map(Some)
    }

    /// Attributes of `list[int]`: its own, then those of the origin.
    fn alias_get(&mut self, v: Value, name: Gc<Str>) -> R<Option<Value>> {
        let Some(alias) = v.cast::<GenericAlias>() else { return Ok(None) };
        let class = self.class_of(v);
        let own = class.id != ClassId::GenericAlias as u32
            || matches!(
                &*name.to_text(),
                "__origin__"
                    | "__args__"
                    | "__parameters__"
                    | "__mro_entries__"
                    | "__reduce_ex__"
                    | "__reduce__"
                    | "__copy__"
                    | "__deepcopy__"
                    | "__unpacked__"
                    | "__typing_unpacked_tuple_args__"
                    | "__class__"
            );
        if !own {
            let origin = alias.origin.get();
            return self.get_attr_interned(origin, name).map(Some);
        }
        match self.lookup(class, name) {
            Some(found) => self.bind(found, v, class).map(Some),
            None => Ok(None),
        }
    }

    // ---- writing

    /// `v.name = value`
    pub fn set_attr(&mut self, v: Value, name: Gc<Str>, value: Value) -> R<()> {
        let name = self.intern_str(name);
        let class = self.class_of(v);
        if class.has(class_flag::SETATTR) {
            let names = self.names();
            if let Some(hook) = self.lookup(class, names.__setattr__) {
                return self.call_unbound(hook, v, &[name.value(), value]).map(drop);
            }
        }
        self.generic_set(v, name, value)
    }

    /// What `object.__setattr__` does; an unbound value deletes.
    pub fn generic_set(&mut self, v: Value, name: Gc<Str>, value: Value) -> R<()> {
        let class = self.class_of(v);
        if let Some(found) = self.lookup(class, name)
            && self.is_data_descriptor(found)
        {
            return self.descriptor_set(found, v, value);
        }
        if let Some(class) = v.cast::<Class>() {
            return self.set_class_attr(class, name, value);
        }
        if value.is_unbound() {
            if self.del_instance_attr(v, name)? {
                return Ok(());
            }
            if class.has(class_flag::NO_DICT) {
                return Err(self.cannot_set(v, name));
            }
            return Err(self.no_attribute(v, name.value()));
        }
        self.set_instance_attr(v, name, value)
    }

    pub fn del_attr(&mut self, v: Value, name: Gc<Str>) -> R<()> {
        let name = self.intern_str(name);
        let class = self.class_of(v);
        if class.has(class_flag::SETATTR) {
            let names = self.names();
            if let Some(hook) = self.lookup(class, names.__delattr__) {
                return self.call_unbound(hook, v, &[name.value()]).map(drop);
            }
        }
        self.generic_set(v, name, Value::UNBOUND)
    }

    // ---- failures

    /// AttributeError in CPython's words, with `name` and `obj` set for the suggestion.
    #[cold]
    pub fn no_attribute(&mut self, v: Value, name: Value) -> Raised {
        let text = self.text_of(name);
        let message = if let Some(class) = v.cast::<Class>() {
            format!("type object '{}' has no attribute '{text}'", class.name_text())
        } else {
            format!("'{}' object has no attribute '{text}'", self.type_name(v))
        };
        self.attribute_error_for(v, name, message)
    }

    #[cold]
    pub fn attribute_error_for(&mut self, v: Value, name: Value, message: String) -> Raised {
        let e = self.attribute_error(message);
        if let Some(exc) = e.0.cast::<Exception>() {
            exc.extra[super::exception::extra::ATTR_NAME].set(name);
            exc.extra[super::exception::extra::ATTR_OBJ].set(v);
        }
        e
    }

    #[cold]
    fn cannot_set(&mut self, v: Value, name: Gc<Str>) -> Raised {
        let (class, text) = (self.class_of(v), name.to_text().into_owned());
        if self.lookup(class, name).is_some() {
            let message = format!("'{}' object attribute '{text}' is read-only", class.name_text());
            return self.attribute_error_for(v, name.value(), message);
        }
        let message = format!(
            "'{}' object has no attribute '{text}' and no __dict__ for setting new attributes",
            class.name_text()
        );
        self.attribute_error_for(v, name.value(), message)
    }

    /// A str's text, or a stand-in.
    pub fn text_of(&self, v: Value) -> String {
        v.cast::<Str>().map_or_else(|| "?".to_string(), |s| s.to_text().into_owned())
    }
}

/// Tells an AttributeError that knows nothing about it which attribute of what was asked for.
pub fn name_the_attribute(e: Raised, v: Value, name: Gc<Str>) {
    use super::exception::extra;
    let Some(exc) = e.0.cast::<Exception>() else { return };
    if exc.extra[extra::ATTR_NAME].get().is_none() && exc.extra[extra::ATTR_OBJ].get().is_none() {
        exc.extra[extra::ATTR_NAME].set(name.value());
        exc.extra[extra::ATTR_OBJ].set(v);
    }
}

/// Functions that take `this` as their first argument when found on a class.
#[inline(always)]
pub fn is_plain_method(f: Value) -> bool {
    match f.header() {
        Some(h) => {
            h.kind() == Kind::Function as u8
                || h.shape() == ClassId::MethodDescriptor.shape()
                || h.shape() == ClassId::SlotWrapper.shape()
        }
        None => false,
    }
}

/// The class of a value that is no object.
#[inline]
pub fn immediate_class(v: Value) -> ClassId {
    if v.is_int() {
        ClassId::Int
    } else if v.is_float() {
        ClassId::Float
    } else if v.is_bool() {
        ClassId::Bool
    } else if v.is_none() {
        ClassId::NoneType
    } else if v == Value::NOT_IMPLEMENTED {
        ClassId::NotImplementedType
    } else if v == Value::ELLIPSIS {
        ClassId::EllipsisType
    } else {
        ClassId::Object
    }
}
