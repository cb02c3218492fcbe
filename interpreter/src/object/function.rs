//! Functions, native functions, bound methods, cells and code objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::bytecode::template::CodeTemplate;
use crate::heap::Header;
use crate::native::NativeDef;
use crate::object_kind;
use crate::value::{Slot, Value};

/// A captured variable, or a global's place in its module.
#[repr(C)]
pub struct Cell {
    pub header: Header,
    pub value: Slot,
}
object_kind!(Cell, Cell);

/// A template instantiated in one interpreter for one namespace: private instructions and caches.
#[repr(C)]
pub struct Code {
    pub header: Header,
    /// The first instruction; owned, freed by the collector's after-phase.
    pub entry: *const AtomicU64,
    pub nregs: u16,
    pub nlocals: u16,
    pub nparams: u16,
    /// Positional parameters if a call needs a frame and no binding work, else 0xffff.
    pub plain_args: u16,
    pub flags: u32,
    pub code_len: u32,
    pub consts: Slot,
    pub names: Slot,
    pub globals: Slot,
    pub name: Slot,
    pub qualname: Slot,
    /// Tuple of child codes, instantiated with this one.
    pub children: Slot,
    /// An `Arc<CodeTemplate>` as raw pointer.
    pub template: *const CodeTemplate,
    /// Word indices of cache words that hold heap references.
    pub cache_slots: *const Box<[u32]>,
    pub argcount: u16,
    pub kwonly: u16,
}
object_kind!(Code, Code);

impl Code {
    pub fn template(&self) -> &CodeTemplate {
        // SAFETY: the code object owns a count of the template.
        unsafe { &*self.template }
    }
    pub fn template_arc(&self) -> Arc<CodeTemplate> {
        // SAFETY: the pointer came from `Arc::into_raw` and the code object keeps its own count.
        unsafe {
            Arc::increment_strong_count(self.template);
            Arc::from_raw(self.template)
        }
    }
    #[inline(always)]
    pub fn konst(&self, index: usize) -> Value {
        self.consts.obj::<super::sequence::Tuple>().items()[index]
    }
    #[inline(always)]
    pub fn name(&self, index: usize) -> Value {
        self.names.obj::<super::sequence::Tuple>().items()[index]
    }
    /// The word index of an instruction address (the instruction before `pc` when `pc` points past it).
    pub fn index_of(&self, pc: *const AtomicU64) -> u32 {
        ((pc as usize).wrapping_sub(self.entry as usize) / 8) as u32
    }
}

/// A function written in Conc.
#[repr(C)]
pub struct Function {
    pub header: Header,
    pub code: Slot,
    /// Tuple of cells, or unbound.
    pub closure: Slot,
    /// Tuple, or None.
    pub defaults: Slot,
    /// Dict, or None.
    pub kwdefaults: Slot,
    pub name: Slot,
    pub qualname: Slot,
    pub module: Slot,
    pub doc: Slot,
    pub annotations: Slot,
    pub type_params: Slot,
    /// The attributes dict, or unbound until needed.
    pub dict: Slot,
}
object_kind!(Function, Function);

/// A native function or method, bound to `this` unless that is unbound.
#[repr(C)]
pub struct Native {
    pub header: Header,
    pub def: *const NativeDef,
    pub this: Slot,
    /// The class it is a method of, or the module's name, or None.
    pub owner: Slot,
}
object_kind!(Native, Native);

impl Native {
    #[inline(always)]
    pub fn def(&self) -> &'static NativeDef {
        // SAFETY: definitions are statics (or leaked for the process by the embedding facade).
        unsafe { &*self.def }
    }
}

/// A bound method.
#[repr(C)]
pub struct Method {
    pub header: Header,
    pub function: Slot,
    pub this: Slot,
}
object_kind!(Method, Method);

/// property: getter, setter, deleter, doc.
#[repr(C)]
pub struct Property {
    pub header: Header,
    pub get: Slot,
    pub set: Slot,
    pub delete: Slot,
    pub doc: Slot,
    pub name: Slot,
    pub attrs: Slot,
}
object_kind!(Property, Property);

/// One-value wrappers: staticmethod, classmethod, mappingproxy, and native get/set descriptors.
#[repr(C)]
pub struct Wrapper {
    pub header: Header,
    pub value: Slot,
    /// Descriptors: the setter native, or the slot index of a member; unbound if none.
    pub other: Slot,
    pub owner: Slot,
    pub name: Slot,
    /// Attributes dict of a staticmethod or classmethod, unbound until needed.
    pub dict: Slot,
}
object_kind!(Wrapper, Wrapper);

#[repr(C)]
pub struct Super {
    pub header: Header,
    pub class: Slot,
    pub object: Slot,
    /// The class whose MRO is walked.
    pub start: Slot,
    pub attrs: Slot,
}
object_kind!(Super, Super);

/// A filled inline-cache entry: immutable once published.
#[repr(C)]
pub struct Entry {
    pub header: Header,
    pub shape: u32,
    pub version: u32,
    pub class: Slot,
    pub value: Slot,
    /// What to do with `value`.
    pub action: u32,
    pub spare: AtomicU32,
}
object_kind!(Entry, Entry);
