//! Classes: making them, their MRO, flags and mutation.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, NativeDef, R, Role};
use crate::object::class::{Class, class_flag, living_subclass};
use crate::object::dict::Dict;
use crate::object::function::{Cell, Code, Function, Property, Wrapper};
use crate::object::kind::{CLASSES, ClassId, Kind};
use crate::object::layout::{adds_dict, adds_weakref};
use crate::object::names::Names;
use crate::object::sequence::{List, Tuple};
use crate::object::string::Str;
use crate::value::{Gc, Slot, Value};

/// Instances get this many inline slots if nothing better is known.
const DEFAULT_INLINE: u16 = 4;
const MAX_INLINE: u16 = 32;

impl Ctx {
    // ---- bootstrap

    /// Makes the builtin classes, without their methods, and the objects everything else needs.
    pub(crate) fn bootstrap(&mut self) {
        let iso = self.iso();
        // Shape ids of exact builtin instances are the class ids, so the roots are made first and in order.
        for row in CLASSES {
            let id = iso.shapes.root(Value::UNBOUND, 0);
            debug_assert_eq!(id, row.id as u32);
        }
        let table = self.new_table(0).map_or(Value::NONE, |t| t.value());
        iso.roots.empty_table.set(table);
        let buffer = self.new_buffer(0).map_or(Value::NONE, |b| b.value());
        iso.roots.empty_buffer.set(buffer);
        for row in CLASSES {
            self.bootstrap_class(row.id);
        }
        self.bootstrap_constants();
        let names = Names::new(|text| self.intern(text));
        let _ = iso.names.set(names);
        for row in CLASSES {
            self.bootstrap_names(row.id);
        }
    }

    fn bootstrap_class(&mut self, id: ClassId) {
        let iso = self.iso();
        let dict = self.new_dict();
        let version = iso.fresh_version();
        let row = id.row();
        let class = self.new_class_object(ClassId::Type.shape(), |c| {
            c.dict.set(dict.value());
            c.version = version.into();
            c.root_shape = id.shape().into();
            c.id = id as u32;
            c.kind = row.kind as u8;
            c.flags = initial_flags(id).into();
        });
        iso.classes[id as usize].set(class.value());
        iso.shapes.get(id.shape()).class.set(class.value());
    }

    /// The empty tuple and str, characters, special floats.
    fn bootstrap_constants(&mut self) {
        let iso = self.iso();
        let tuple = self.class(ClassId::Tuple);
        let empty = self.new_tuple_of(tuple, &[]).unwrap_or(Value::NONE);
        iso.roots.empty_tuple.set(empty);
        let str_class = self.class(ClassId::Str);
        let empty_str = self.bare_str(str_class, &[]);
        iso.roots.empty_str.set(empty_str);
        let chars: Vec<u64> = (0..=255u8).map(|c| self.bare_char(str_class, c).bits()).collect();
        let chars: Vec<Value> = chars.into_iter().map(Value::from_bits).collect();
        let chars = self.new_tuple_of(tuple, &chars).unwrap_or(Value::NONE);
        iso.roots.chars.set(chars);
        let bytes = self.class(ClassId::Bytes);
        let empty_bytes = self.new_bytes_of(bytes, &[]).unwrap_or(Value::NONE);
        iso.roots.empty_bytes.set(empty_bytes);
        for (slot, x) in [
            (&iso.roots.nan, f64::NAN),
            (&iso.roots.infinity, f64::INFINITY),
            (&iso.roots.neg_infinity, -f64::INFINITY),
        ] {
            let v = self.float(x);
            slot.set(v);
        }
    }

    fn bare_char(&mut self, class: Gc<Class>, c: u8) -> Value {
        let mut buffer = [0; 2];
        let text = char::from(c).encode_utf8(&mut buffer);
        self.bare_str(class, text.as_bytes())
    }

    /// A str object of its own, bypassing the shared ones.
    fn bare_str(&mut self, class: Gc<Class>, bytes: &[u8]) -> Value {
        self.new_exact_str(class, bytes)
    }

    /// Name, bases and MRO, once strs and tuples can be made.
    fn bootstrap_names(&mut self, id: ClassId) {
        let row = id.row();
        let class = self.class(id);
        let name = row.name.rsplit_once('.').map_or(row.name, |(_, name)| name);
        let name = self.intern(name).value();
        class.name.set(name);
        class.qualname.set(name);
        let mut mro = Vec::new();
        let mut at = id;
        while at != ClassId::Invalid {
            mro.push(self.class(at).value());
            at = at.row().base;
        }
        let exception = self.class(ClassId::Exception).value();
        let both = [self.class(ClassId::BaseExceptionGroup).value(), exception];
        let bases = match id {
            ClassId::Object => &mro[..0],
            // The one builtin class with two bases.
            ClassId::ExceptionGroup => {
                mro.insert(2, exception);
                &both
            }
            _ => &mro[1..2],
        };
        let bases = self.tuple(bases).unwrap_or(Value::NONE);
        class.bases.set(bases);
        let mro = self.tuple(&mro).unwrap_or(Value::NONE);
        class.mro.set(mro);
        if id != ClassId::Object {
            let base = self.class(row.base);
            self.add_subclass(base, class);
        }
    }

    /// `__module__` of a class; none is known for a class dict without it.
    pub fn class_module(&mut self, class: Gc<Class>) -> Option<Value> {
        if class.id != 0 {
            let name = CLASSES[class.id as usize - 1].name;
            let module = name.rsplit_once('.').map_or("builtins", |(module, _)| module);
            return Some(self.intern(module).value());
        }
        let names = self.names();
        class.dict().get_str(self, names.__module__)
    }

    /// Puts native methods into a builtin class.
    pub fn install(&mut self, id: ClassId, methods: &'static [NativeDef]) {
        let class = self.class(id);
        self.install_in(class, methods);
    }

    pub fn install_in(&mut self, class: Gc<Class>, methods: &'static [NativeDef]) {
        // A few more follow in most classes: `__doc__`, `__new__`, `__hash__`.
        if class.dict().reserve(self, methods.len() + 4).is_err() {
            return;
        }
        for def in methods {
            let name = self.intern(def.name);
            let value = self.native_member(class, def, name);
            if let Some(value) = value {
                class.dict().set_str(self, name, value);
            }
        }
        let version = self.iso().fresh_version();
        class.version.store(version, Ordering::Release);
        self.update_flags(class);
    }

    /// The dict value of a declared native: a descriptor by its role; None if it was merged into one (a setter).
    fn native_member(&mut self, class: Gc<Class>, def: &'static NativeDef, name: Gc<Str>) -> Option<Value> {
        let owner = class.value();
        let dunder = def.name.starts_with("__") && def.name.ends_with("__");
        Some(match def.role {
            Role::Method if dunder => self.new_native(def, ClassId::SlotWrapper, Value::UNBOUND, owner).value(),
            Role::Method => self.new_native(def, ClassId::MethodDescriptor, Value::UNBOUND, owner).value(),
            Role::ClassMethod => self.new_native(def, ClassId::ClassMethodDescriptor, Value::UNBOUND, owner).value(),
            Role::StaticMethod | Role::Function => {
                self.new_native(def, ClassId::BuiltinFunction, Value::UNBOUND, owner).value()
            }
            Role::Getter => {
                let getter = self.new_native(def, ClassId::BuiltinFunction, Value::UNBOUND, owner).value();
                self.new_wrapper(ClassId::GetSetDescriptor, getter, Value::UNBOUND, owner, name.value()).value()
            }
            Role::Setter => {
                let setter = self.new_native(def, ClassId::BuiltinFunction, Value::UNBOUND, owner).value();
                if let Some(w) = class.dict().get_str(self, name).and_then(|w| w.cast::<Wrapper>()) {
                    w.other.set(setter);
                }
                return None;
            }
        })
    }

    pub(crate) fn add_subclass(&mut self, base: Gc<Class>, class: Gc<Class>) {
        let list = match base.subclasses.get().cast::<List>() {
            Some(list) => list,
            None => {
                let fresh = self.new_list();
                let lock = self.lock(base.header());
                let list = base.subclasses.get().cast::<List>().unwrap_or(fresh);
                base.subclasses.set(list.value());
                drop(lock);
                list
            }
        };
        // Builtin classes live for ever, and the first of them are older than the class of weak references.
        let entry = if class.id != 0 {
            class.value()
        } else {
            let plain = self.class(ClassId::WeakRef);
            match self.weak_reference(plain, class.value(), Value::NONE) {
                Ok(w) => w.value(),
                Err(_) => return,
            }
        };
        if list.len().is_power_of_two() {
            self.forget_dead_subclasses(list);
        }
        let _ = self.list_push(list, entry);
    }

    fn forget_dead_subclasses(&mut self, list: Gc<List>) {
        let Ok(fresh) = self.new_buffer(list.len()) else { return };
        let lock = self.lock(list.header());
        let old = list.buffer();
        // Unless another thread has added to it.
        if old.len() <= fresh.cap && fresh.cap > 0 {
            let living = old.slots()[..old.len()].iter().map(Slot::get).filter(|e| living_subclass(*e).is_some());
            let count = living.zip(fresh.slots()).map(|(entry, slot)| slot.set(entry)).count();
            fresh.len.store(count, Ordering::Release);
            list.buffer.set(fresh.value());
        }
        drop(lock);
    }

    // ---- mutation

    /// `class.name = value` (unbound: delete), with all caches made invalid (rules C7).
    pub fn set_class_attr(&mut self, class: Gc<Class>, name: Gc<Str>, value: Value) -> R<()> {
        if class.is_static() {
            let (what, text) = (class.name_text(), name.to_text().into_owned());
            return Err(self.type_error(format!("cannot set '{text}' attribute of immutable type '{what}'")));
        }
        let old = class.dict().get_str(self, name);
        if value.is_unbound() && old.is_none() {
            return Err(self.no_attribute(class.value(), name.value()));
        }
        let overrides =
            self.is_data_descriptor(value) || old.is_some_and(|old| self.is_data_descriptor(old)) || is_hook(name);
        self.set_versions(class, true);
        let result = if value.is_unbound() {
            class.dict().remove(self, name.value()).map(drop)
        } else {
            class.dict().set(self, name.value(), value)
        };
        self.set_versions(class, false);
        if name.as_bytes().starts_with(b"__") {
            self.update_flags_below(class);
        }
        if overrides {
            self.clear_caches();
        }
        result
    }

    /// Makes the class and all its subclasses uncacheable, or gives them fresh versions.
    fn set_versions(&mut self, class: Gc<Class>, zero: bool) {
        let version = if zero { 0 } else { self.iso().fresh_version() };
        class.version.store(version, Ordering::Release);
        for sub in class.subclasses() {
            self.set_versions(sub, zero);
        }
    }

    /// New versions after a change to a class's bases or dict by other means.
    pub fn class_changed(&mut self, class: Gc<Class>) {
        self.set_versions(class, true);
        self.set_versions(class, false);
        self.update_flags_below(class);
        self.clear_caches();
    }

    /// Empties every inline cache of attributes; rare.
    fn clear_caches(&mut self) {
        for &object in self.iso().payloads.lock().iter() {
            // SAFETY: registered payload owners are live objects.
            let header = unsafe { &*(object as *const crate::heap::Header) };
            if header.kind() == Kind::Code as u8 {
                // SAFETY: the kind says the layout.
                unsafe { (*(object as *const Code)).clear_attr_caches() };
            }
        }
    }

    fn update_flags_below(&mut self, class: Gc<Class>) {
        self.update_flags(class);
        for sub in class.subclasses() {
            self.update_flags_below(sub);
        }
    }

    /// Recomputes the flags that depend on hooks found along the MRO.
    fn update_flags(&mut self, class: Gc<Class>) {
        let Some(names) = self.iso().names.get() else { return };
        // The machine knows what the hooks of builtin types do, not those of modules' native classes.
        let from_builtin = |found: Option<Value>| {
            found.is_none_or(|f| {
                let native = f.cast::<crate::object::function::Native>();
                native.is_some_and(|n| n.owner.get().cast::<Class>().is_none_or(|c| c.instance_kind() != Kind::Boxed))
            })
        };
        let getattribute = !from_builtin(self.lookup(class, names.__getattribute__));
        let setattr = !from_builtin(self.lookup(class, names.__setattr__))
            || !from_builtin(self.lookup(class, names.__delattr__));
        let getattr = self.lookup(class, names.__getattr__).is_some();
        let finalizer = self.lookup(class, names.__del__).is_some();
        class.set_flag(class_flag::GETATTRIBUTE, getattribute);
        class.set_flag(class_flag::SETATTR, setattr);
        class.set_flag(class_flag::GETATTR, getattr);
        class.set_flag(class_flag::FINALIZER, finalizer);
    }

    // ---- type.__new__

    /// Makes a class: `metaclass.__new__(metaclass, name, bases, namespace, **kwargs)`.
    pub fn make_class(
        &mut self,
        metaclass: Gc<Class>,
        name: Gc<Str>,
        bases: Gc<Tuple>,
        namespace: Gc<Dict>,
        kwargs: Option<Gc<Dict>>,
    ) -> R<Gc<Class>> {
        let bases = if bases.len == 0 {
            let object = self.class(ClassId::Object).value();
            let t = self.tuple(&[object])?;
            self.collect_tuple(t)?
        } else {
            bases
        };
        for (i, b) in bases.items().iter().enumerate() {
            if bases.items()[..i].contains(b) {
                let name = b.cast::<Class>().map_or_else(String::new, |c| c.name_text());
                return Err(self.type_error(format!("duplicate base class {name}")));
            }
        }
        let base = self.best_base(bases)?;
        let dict = self.new_dict();
        for (key, value) in namespace.pairs() {
            dict.set(self, key, value)?;
        }
        let class = self.blank_class(metaclass, name, bases, base, dict);
        let mro = self.compute_mro(class)?;
        class.mro.set(mro);
        self.fill_class_dict(class, dict)?;
        self.process_slots(class, base, dict)?;
        self.finish_class_dict(class, dict);
        for &b in bases.items() {
            if let Some(b) = b.cast::<Class>() {
                self.add_subclass(b, class);
            }
        }
        self.update_flags(class);
        let version = self.iso().fresh_version();
        class.version.store(version, Ordering::Release);
        self.set_classcell(class, dict)?;
        self.call_set_name(class)?;
        self.call_init_subclass(class, kwargs)?;
        Ok(class)
    }

    /// The class object with its layout decided.
    fn blank_class(
        &mut self,
        metaclass: Gc<Class>,
        name: Gc<Str>,
        bases: Gc<Tuple>,
        base: Gc<Class>,
        dict: Gc<Dict>,
    ) -> Gc<Class> {
        let meta_shape = metaclass.root_shape.load(Ordering::Acquire);
        let kind = base.kind;
        let inherited = base.flags.load(Ordering::Relaxed) & (class_flag::SEQUENCE | class_flag::MAPPING);
        let name = self.intern_str(name);
        let class = self.new_class_object(meta_shape, |c| {
            c.name.set(name.value());
            c.qualname.set(name.value());
            c.bases.set(bases.value());
            c.dict.set(dict.value());
            c.kind = kind;
            c.flags = inherited.into();
        });
        let inline = if kind == Kind::Instance as u8 { self.inline_hint(base, dict) } else { 0 };
        let shape = self.iso().shapes.root(class.value(), inline);
        class.root_shape.store(shape, Ordering::Release);
        class
    }

    /// Inline slots by the attributes that the methods assign.
    fn inline_hint(&mut self, base: Gc<Class>, dict: Gc<Dict>) -> u16 {
        let names = self.names();
        let base_shape = self.iso().shapes.get(base.root_shape.load(Ordering::Acquire));
        let inherited = base_shape.inline.max(base_shape.count);
        let own = match dict.get_str(self, names.__static_attributes__).and_then(|t| t.cast::<Tuple>()) {
            Some(t) => t.len as u16,
            None => DEFAULT_INLINE,
        };
        (inherited + own).clamp(2, MAX_INLINE)
    }

    /// What `type.__new__` adds to and changes in the class dict.
    fn fill_class_dict(&mut self, class: Gc<Class>, dict: Gc<Dict>) -> R<()> {
        let names = self.names();
        if let Some(q) = dict.get_str(self, names.__qualname__) {
            if !q.is_a::<Str>() {
                let got = self.type_name(q);
                return Err(self.type_error(format!("type __qualname__ must be a str, not {got}")));
            }
            class.qualname.set(q);
            dict.remove(self, names.__qualname__.value())?;
        }
        if dict.get_str(self, names.__module__).is_none() {
            let module = self.current_module_name();
            dict.set_str(self, names.__module__, module);
        }
        if let Some(f) = dict.get_str(self, names.__new__)
            && f.is_a::<Function>()
        {
            let w = self.new_wrapper(ClassId::StaticMethod, f, Value::UNBOUND, Value::NONE, Value::NONE);
            dict.set_str(self, names.__new__, w.value());
        }
        for name in [names.__init_subclass__, names.__class_getitem__] {
            if let Some(f) = dict.get_str(self, name)
                && f.is_a::<Function>()
            {
                let w = self.new_wrapper(ClassId::ClassMethod, f, Value::UNBOUND, Value::NONE, Value::NONE);
                dict.set_str(self, name, w.value());
            }
        }
        Ok(())
    }

    /// What comes last in a class dict, in CPython's order.
    pub(crate) fn finish_class_dict(&mut self, class: Gc<Class>, dict: Gc<Dict>) {
        let names = self.names();
        for def in crate::object::methods::object::attributes::METHODS {
            let adds = match def.name {
                "__dict__" => adds_dict(class),
                _ => !class.is_static() && adds_weakref(class),
            };
            let name = self.intern(def.name);
            if adds && let Some(member) = self.native_member(class, def, name) {
                dict.set_str(self, name, member);
            }
        }
        if dict.get_str(self, names.__doc__).is_none() {
            dict.set_str(self, names.__doc__, Value::NONE);
        }
        // A class that defines equality without a hash is unhashable.
        if dict.get_str(self, names.__eq__).is_some() && dict.get_str(self, names.__hash__).is_none() {
            dict.set_str(self, names.__hash__, Value::NONE);
        }
    }

    /// `__name__` of the module whose code is running.
    pub fn current_module_name(&mut self) -> Value {
        let names = self.names();
        match self.current_globals() {
            Some(globals) => globals.get_str(self, names.__name__).unwrap_or(Value::NONE),
            None => self.intern("builtins").value(),
        }
    }

    /// Whether a local variable of the innermost script frame, or a global of its module, is `v`.
    pub fn is_named(&self, v: Value) -> bool {
        if self.base.is_null() {
            return false;
        }
        // SAFETY: `base` is the innermost frame while natives run, and its first registers are its variables.
        let local = unsafe {
            let code = (*self.base.sub(1)).cast::<Code>();
            (0..code.map_or(0, |c| c.nlocals as usize)).any(|i| *self.base.add(i) == v)
        };
        local || self.current_globals().is_some_and(|globals| globals.pairs().any(|(_, value)| value == v))
    }

    /// The globals of the innermost script frame.
    pub fn current_globals(&self) -> Option<Gc<Dict>> {
        if self.base.is_null() {
            return None;
        }
        // SAFETY: `base` is the innermost frame while natives run.
        let code = unsafe { *self.base.sub(1) };
        code.cast::<Code>()?.globals.get().cast()
    }

    fn set_classcell(&mut self, class: Gc<Class>, dict: Gc<Dict>) -> R<()> {
        let names = self.names();
        if let Some(cell) = dict.remove(self, names.__classcell__.value())? {
            match cell.cast::<Cell>() {
                Some(cell) => cell.value.set(class.value()),
                None => return Err(self.type_error("__classcell__ must be a nonlocal cell")),
            }
        }
        Ok(())
    }

    fn call_set_name(&mut self, class: Gc<Class>) -> R<()> {
        let names = self.names();
        for (key, value) in class.dict().pairs() {
            if value.is_a::<Property>() {
                if let Some(p) = value.cast::<Property>()
                    && p.name.get().is_unbound()
                {
                    p.name.set(key);
                }
                if self.class_of(value).id != 0 {
                    continue;
                }
            }
            if value.header().is_none_or(|h| h.shape() < ClassId::COUNT as u32)
                && !value.is_a::<crate::object::misc::Boxed>()
            {
                continue;
            }
            if let Some(f) = self.lookup_special(value, names.__set_name__)
                && let Err(e) = self.call_unbound(f, value, &[class.value(), key])
            {
                let (what, key, class) = (self.type_name(value), self.repr_text(key), class.name_text());
                let note = format!("Error calling __set_name__ on '{what}' instance {key} in '{class}'");
                self.add_note(e.0, &note);
                return Err(e);
            }
        }
        Ok(())
    }

    /// `exc.add_note(note)`
    pub fn add_note(&mut self, exc: Value, note: &str) {
        let names = self.names();
        let list = match self.instance_attr(exc, names.__notes__).and_then(|n| n.cast::<List>()) {
            Some(list) => list,
            None => {
                let list = self.new_list();
                let _ = self.set_instance_attr(exc, names.__notes__, list.value());
                list
            }
        };
        let note = self.str(note);
        let _ = self.list_push(list, note);
    }

    fn call_init_subclass(&mut self, class: Gc<Class>, kwargs: Option<Gc<Dict>>) -> R<()> {
        let names = self.names();
        let sup = self.new_super(ClassId::Super.shape(), class.value(), class.value(), class.value());
        let hook = self.get_attr_interned(sup.value(), names.__init_subclass__)?;
        let Some(kwargs) = kwargs.filter(|k| !k.is_empty()) else {
            return self.call(hook, &[]).map(drop);
        };
        let (values, keys) = (self.new_list(), self.new_list());
        for (key, value) in kwargs.pairs() {
            self.list_push(keys, key)?;
            self.list_push(values, value)?;
        }
        let (values, keys) = (self.list_snapshot(values)?, self.list_snapshot(keys)?);
        self.call_named(hook, values.items(), keys.items()).map(drop)
    }
}

/// Whether storing this name on a class changes how its instances' attributes are found.
fn is_hook(name: Gc<Str>) -> bool {
    matches!(
        &*name.to_text(),
        "__getattribute__" | "__getattr__" | "__setattr__" | "__delattr__" | "__set__" | "__delete__" | "__get__"
    )
}

fn initial_flags(id: ClassId) -> u32 {
    let mut flags = class_flag::STATIC;
    if id.row().sealed {
        flags |= class_flag::SEALED;
    }
    let has_dict = matches!(id.row().kind, Kind::Exception | Kind::Function | Kind::Module)
        || matches!(id, ClassId::Type | ClassId::StaticMethod | ClassId::ClassMethod);
    if !has_dict {
        flags |= class_flag::NO_DICT;
    }
    match id {
        ClassId::List | ClassId::Tuple | ClassId::Range | ClassId::MemoryView => flags |= class_flag::SEQUENCE,
        ClassId::Dict | ClassId::MappingProxy => flags |= class_flag::MAPPING,
        _ => {}
    }
    flags
}

impl Code {
    /// Empties the attribute caches of the code's instructions (globals' caches stay).
    pub fn clear_attr_caches(&self) {
        use crate::bytecode::op::Op;
        if self.entry.is_null() {
            return;
        }
        let mut at = 0;
        while at < self.code_len as usize {
            // SAFETY: `at` is an instruction index below the length.
            let word = unsafe { (*self.entry.add(at)).load(Ordering::Relaxed) };
            let Some(op) = Op::from_byte(word as u8) else { return };
            if matches!(op, Op::GetAttr | Op::SetAttr | Op::LoadMethod) {
                for i in 1..=op.cache_words() {
                    // SAFETY: the instruction's cache words.
                    unsafe { (*self.entry.add(at + i)).store(0, Ordering::Release) };
                }
            }
            at += 1 + op.cache_words();
        }
    }
}
