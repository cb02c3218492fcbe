//! Classes.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::heap::Header;
use crate::object::dict::Dict;
use crate::object::kind::Kind;
use crate::object::misc::WeakRef;
use crate::object::sequence::{List, Tuple};
use crate::object_kind;
use crate::value::{Gc, Slot, Value};

/// A class, builtin or made by a script.
#[repr(C)]
pub struct Class {
    pub header: Header,
    pub name: Slot,
    pub qualname: Slot,
    pub bases: Slot,
    pub mro: Slot,
    pub dict: Slot,
    /// List of weak references to direct subclasses (of builtin ones, the classes themselves), or unbound.
    pub subclasses: Slot,
    /// `__init__` cached for the fast construction path; valid while `ctor_version == version`.
    pub ctor_init: Slot,
    /// Attributes of the class object that a metaclass's instances... live in `dict`; this is the overflow of none.
    pub attrs: Slot,
    /// Changes with every mutation of the class or a base; 0: do not cache.
    pub version: AtomicU32,
    pub ctor_version: AtomicU32,
    /// The shape of new instances.
    pub root_shape: AtomicU32,
    pub flags: AtomicU32,
    /// Builtin class id, or 0.
    pub id: u32,
    /// The native struct of instances.
    pub kind: u8,
}
object_kind!(Class, Class);

/// Bits of [`Class::flags`]; inherited ones are recomputed when a class or its bases change.
pub mod class_flag {
    /// May not be subclassed.
    pub const SEALED: u32 = 1;
    /// Builtin: scripts may not set attributes on it.
    pub const STATIC: u32 = 2;
    /// Instances have no `__dict__` (all classes of the MRO but object define `__slots__` or are builtin).
    pub const NO_DICT: u32 = 4;
    /// `__getattribute__` is overridden.
    pub const GETATTRIBUTE: u32 = 8;
    /// `__getattr__` exists.
    pub const GETATTR: u32 = 16;
    /// `__setattr__` or `__delattr__` is overridden.
    pub const SETATTR: u32 = 32;
    /// `__del__` exists.
    pub const FINALIZER: u32 = 64;
    /// Instances cannot be made by scripts.
    pub const NO_NEW: u32 = 128;
    /// Abstract methods remain.
    pub const ABSTRACT: u32 = 256;
    /// `__slots__` has been given (members exist in this class).
    pub const HAS_SLOTS: u32 = 512;
    /// Pattern matching takes instances as sequences / mappings.
    pub const SEQUENCE: u32 = 1024;
    pub const MAPPING: u32 = 2048;
    /// Instances cannot be weakly referenced.
    pub const NO_WEAKREF: u32 = 4096;
}

impl Class {
    #[inline(always)]
    pub fn dict(&self) -> Gc<Dict> {
        self.dict.obj()
    }
    #[inline(always)]
    pub fn mro(&self) -> Gc<Tuple> {
        self.mro.obj()
    }
    pub fn bases(&self) -> Gc<Tuple> {
        self.bases.obj()
    }
    #[inline(always)]
    pub fn has(&self, flag: u32) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }
    pub fn set_flag(&self, flag: u32, on: bool) {
        if on {
            self.flags.fetch_or(flag, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!flag, Ordering::Relaxed);
        }
    }
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Acquire)
    }
    #[inline(always)]
    pub fn instance_kind(&self) -> Kind {
        Kind::of(self.kind)
    }
    /// Whether `self` is `other` or derives from it.
    #[inline]
    pub fn is_subclass_of(&self, other: Gc<Class>) -> bool {
        let other = other.value();
        self.mro().items().contains(&other)
    }
    pub fn is_static(&self) -> bool {
        self.has(class_flag::STATIC)
    }
    pub fn name_text(&self) -> String {
        self.name.get().cast::<super::string::Str>().map_or_else(|| "?".into(), |s| s.to_text().into_owned())
    }
}

/// The class that an entry of a list of subclasses stands for, if it still exists.
pub fn living_subclass(entry: Value) -> Option<Gc<Class>> {
    entry.cast::<Class>().or_else(|| entry.cast::<WeakRef>()?.target.get().cast())
}

impl Gc<Class> {
    /// The direct subclasses that still exist, in the order they were made.
    pub fn subclasses(self) -> impl Iterator<Item = Gc<Class>> {
        let list = self.subclasses.get().cast::<List>();
        (0..).map_while(move |i| list?.get(i)).filter_map(living_subclass)
    }
    pub fn mro_classes(self) -> impl Iterator<Item = Gc<Class>> {
        let mro = self.mro();
        (0..mro.len).filter_map(move |i| mro.items()[i].cast::<Class>())
    }
}
