//! Classes of native objects that modules define: heap classes whose methods are natives.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, NativeDef};
use crate::object::class::{Class, class_flag};
use crate::object::kind::{ClassId, Kind};
use crate::object::misc::{Behavior, Boxed, Payload};
use crate::value::{Gc, Value};

impl Ctx {
    /// A class `module.name` of [`super::misc::Boxed`] objects, deriving from `base` (a class made the same way) or
    /// object. Its methods make their instances themselves, in a `__new__` among them.
    pub fn native_class(
        &mut self,
        module: &str,
        name: &str,
        base: Option<Gc<Class>>,
        methods: &'static [NativeDef],
    ) -> Gc<Class> {
        let object = self.class(ClassId::Object);
        let base = base.unwrap_or(object);
        let dict = self.new_dict();
        let name = self.intern(name);
        let bases = self.tuple(&[base.value()]).unwrap_or(Value::NONE);
        let class = self.new_class_object(ClassId::Type.shape(), |c| {
            c.name.set(name.value());
            c.qualname.set(name.value());
            c.bases.set(bases);
            c.dict.set(dict.value());
            c.kind = Kind::Boxed as u8;
            c.flags = (class_flag::STATIC | class_flag::NO_DICT).into();
        });
        let shape = self.iso().shapes.root(class.value(), 0);
        class.root_shape.store(shape, Ordering::Release);
        let mro = self.compute_mro(class).unwrap_or(bases);
        class.mro.set(mro);
        let names = self.names();
        let module = self.intern(module).value();
        dict.set_str(self, names.__module__, module);
        dict.set_str(self, names.__doc__, Value::NONE);
        self.add_subclass(base, class);
        self.install_in(class, methods);
        class
    }

    /// Lets a native class's instances have attributes of their own.
    pub fn allow_attributes(&mut self, class: Gc<Class>) {
        class.set_flag(class_flag::NO_DICT, false);
        self.finish_class_dict(class, class.dict());
        self.class_changed(class);
    }

    /// An object of a native class (or a script's subclass) with `nslots` slots that are None at first.
    pub fn new_native_object(&mut self, class: Gc<Class>, behavior: &'static Behavior, nslots: usize) -> Gc<Boxed> {
        let object = self.new_boxed(class, None, nslots);
        // SAFETY: the object was just made here: nobody else has seen it.
        unsafe { (*object.as_ptr()).behavior = Some(behavior) };
        self.finalize_as_class_says(class, object);
        object
    }

    /// The same with Rust data.
    pub fn new_native_data(&mut self, class: Gc<Class>, data: Box<dyn Payload>, nslots: usize) -> Gc<Boxed> {
        let object = self.new_boxed(class, Some(data), nslots);
        self.finalize_as_class_says(class, object);
        object
    }

    fn finalize_as_class_says(&mut self, class: Gc<Class>, object: Gc<Boxed>) {
        if class.has(class_flag::FINALIZER) {
            self.register_finalizer(object.value());
        }
    }
}

impl Class {
    /// A native class whose `__del__` is for those objects only that are registered one by one.
    pub fn finalize_on_demand(&self) {
        self.set_flag(class_flag::FINALIZER, false);
    }
}

impl Gc<Boxed> {
    /// The payload as a `T`, for as long as the calling native's frame holds the object.
    pub fn data<'a, T: Payload>(self) -> Option<&'a T> {
        // SAFETY: the object is on the native's stack, so neither it nor its payload is dropped before it returns.
        unsafe { (*self.as_ptr()).payload::<T>() }
    }
}
