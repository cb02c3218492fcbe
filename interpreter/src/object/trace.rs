//! Tracing: which other objects each kind of object refers to.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::heap::header::flag;
use crate::heap::{Header, Marker};
use crate::object::class::Class;
use crate::object::dict::{Dict, Table};
use crate::object::exception::{Exception, FrameObject, Traceback};
use crate::object::function::*;
use crate::object::generator::Generator;
use crate::object::instance::{Chunk, Instance};
use crate::object::kind::Kind;
use crate::object::misc::*;
use crate::object::module::Module;
use crate::object::names::Names;
use crate::object::sequence::{Buffer, List, Tuple};
use crate::object::set::{Set, SetTable};
use crate::object::string::{ByteArray, Str};
use crate::value::{Slot, Value};

/// The kinds whose objects refer to nothing, unless their flags say otherwise.
pub const LEAVES: u64 = 1 << Kind::Str as u8
    | 1 << Kind::Float as u8
    | 1 << Kind::BigInt as u8
    | 1 << Kind::Complex as u8
    | 1 << Kind::Bytes as u8
    | 1 << Kind::StrBuffer as u8;

/// Marks the object of a value, if it is one.
#[inline(always)]
pub fn mark(marker: &mut Marker, value: Value) {
    if value.is_object() {
        marker.mark(value.object());
    }
}

fn mark_slots(marker: &mut Marker, slots: &[Slot]) {
    for slot in slots {
        mark(marker, slot.get());
    }
}

macro_rules! fields {
    ($marker:ident, $object:ident as $t:ty: $($field:ident)*) => {{
        // SAFETY: the kind says the layout.
        let o = unsafe { &*($object as *const $t) };
        $(mark($marker, o.$field.get());)*
        o
    }};
}

/// So many elements of one object are shown at a time: another marker may go on with the others.
const PART: usize = 4096;

/// The elements that begin at `from`, up to a part's size; the marker comes back for the rest.
fn part<'a, T>(marker: &mut Marker, object: *mut Header, all: &'a [T], from: usize) -> &'a [T] {
    let rest = &all[from.min(all.len())..];
    if rest.len() <= PART {
        return rest;
    }
    marker.later(object, from + PART);
    &rest[..PART]
}

/// Shows the marker everything `object` refers to; of its elements, if it has many, a part.
///
/// # Safety
/// `object` is a live object.
pub unsafe fn trace(object: *mut Header, from: usize, m: &mut Marker) {
    // SAFETY: by the contract.
    let header = unsafe { &*object };
    match Kind::of(header.kind()) {
        Kind::Instance => {
            let o = fields!(m, object as Instance: overflow);
            trace_inline(o, m);
        }
        Kind::List => {
            fields!(m, object as List: buffer);
        }
        Kind::Buffer => {
            // SAFETY: the kind says the layout.
            let o = unsafe { &*(object as *const Buffer) };
            let slots = part(m, object, &o.slots()[..o.len()], from);
            mark_slots(m, slots);
        }
        Kind::Tuple => {
            // SAFETY: the kind says the layout.
            let o = unsafe { &*(object as *const Tuple) };
            let slots = part(m, object, o.slots(), from);
            mark_slots(m, slots);
        }
        Kind::Dict => {
            fields!(m, object as Dict: table);
        }
        Kind::Table => {
            // SAFETY: the kind says the layout.
            let o = unsafe { &*(object as *const Table) };
            for entry in part(m, object, &o.entries()[..o.used()], from) {
                mark(m, entry.key.get());
                mark(m, entry.value.get());
            }
        }
        Kind::Set => {
            fields!(m, object as Set: table);
        }
        Kind::SetTable => {
            // SAFETY: the kind says the layout.
            let o = unsafe { &*(object as *const SetTable) };
            for entry in part(m, object, o.entries(), from) {
                mark(m, entry.key.get());
            }
        }
        Kind::Str => {
            // SAFETY: the kind says the layout.
            if let Some(owner) = unsafe { &*(object as *const Str) }.owner() {
                mark(m, owner.get());
            }
        }
        Kind::ByteArray => {
            fields!(m, object as ByteArray: buffer views);
        }
        Kind::Cell => {
            fields!(m, object as Cell: value);
        }
        Kind::Chunk => {
            let o = fields!(m, object as Chunk: next);
            mark_slots(m, o.slots());
        }
        Kind::Function => {
            fields!(m, object as Function: code closure defaults kwdefaults name qualname module doc annotations type_params dict);
        }
        Kind::Code => {
            let o = fields!(m, object as Code: consts names globals name qualname children);
            trace_caches(o, m);
        }
        Kind::Native => {
            fields!(m, object as Native: this owner);
        }
        Kind::Method => {
            fields!(m, object as Method: function this);
        }
        Kind::Property => {
            fields!(m, object as Property: get set delete doc name attrs);
        }
        Kind::Wrapper => {
            fields!(m, object as Wrapper: value other owner name dict);
        }
        Kind::Super => {
            fields!(m, object as Super: class object start attrs);
        }
        Kind::Entry => {
            fields!(m, object as Entry: class value);
        }
        Kind::Class => {
            fields!(m, object as Class: name qualname bases mro dict subclasses ctor_init attrs);
        }
        Kind::Exception => {
            let o = fields!(m, object as Exception: args traceback context cause attrs);
            mark_slots(m, &o.extra);
        }
        Kind::Traceback => {
            let o = fields!(m, object as Traceback: next code frame callee);
            mark_slots(m, o.registers());
        }
        Kind::Frame => {
            fields!(m, object as FrameObject: code back locals globals);
        }
        Kind::Generator => {
            let o = fields!(m, object as Generator: handled outer_handled names);
            mark(m, o.code().value());
            if !o.has_ended() {
                super::walk::mark_generator(o, m);
            }
        }
        Kind::Module => {
            fields!(m, object as Module: dict attrs);
        }
        Kind::Range => {
            fields!(m, object as Range: start stop step);
        }
        Kind::Slice => {
            fields!(m, object as SliceObject: start stop step);
        }
        Kind::WeakRef => {
            fields!(m, object as WeakRef: callback hash attrs);
        }
        Kind::GenericAlias => {
            fields!(m, object as GenericAlias: origin args params attrs);
        }
        Kind::Iter => {
            fields!(m, object as Iter: source extra attrs);
        }
        Kind::DictView => {
            fields!(m, object as DictView: dict);
        }
        Kind::MemoryView => {
            fields!(m, object as MemoryView: base format shape);
        }
        Kind::Boxed => {
            let o = fields!(m, object as Boxed: attrs);
            mark_slots(m, o.slots());
            if o.is(&super::greenlet::GREENLET) {
                super::greenlet::trace(o, m);
            }
        }
        Kind::Segment => {
            // SAFETY: the kind says the layout.
            let o = unsafe { &*(object as *const super::stack::Segment) };
            mark(m, o.next.get());
            mark(m, o.previous.get());
        }
        Kind::Fiber => {
            // SAFETY: the kind says the layout.
            super::stack::trace_fiber(unsafe { &*(object as *const super::stack::Fiber) }, m);
        }
        Kind::None | Kind::Float | Kind::BigInt | Kind::Complex | Kind::Bytes | Kind::StrBuffer => {}
    }
    if header.has(flag::ATTRS)
        && let Some(slot) = super::attr::attrs_slot(header)
    {
        mark(m, slot.get());
    }
}

/// An instance's inline slots fill its cell; unused ones are zero or unbound.
fn trace_inline(o: &Instance, m: &mut Marker) {
    // SAFETY: the cell of an instance holds the struct and the slots of its shape's inline capacity; rounding up to
    // the cell reads zeroed words only.
    unsafe {
        let size = crate::heap::alloc::cell_bytes(o as *const Instance as usize);
        for i in 0..(size - Instance::SLOTS) / 8 {
            mark(m, o.inline_slot(i).get());
        }
    }
}

/// The cache words of a code that hold references.
///
/// # Safety
/// The code object is live.
unsafe fn caches(o: &Code) -> impl Iterator<Item = (&AtomicU64, Value)> {
    let ready = !o.entry.is_null() && !o.cache_slots.is_null();
    // SAFETY: both belong to the live code object.
    let slots: &[u32] = if ready { unsafe { &*o.cache_slots } } else { &[] };
    slots.iter().map(|&at| {
        // SAFETY: as above; the indices are the code's.
        let word = unsafe { &*o.entry.add(at as usize) };
        (word, Value::from_bits(word.load(Ordering::Acquire)))
    })
}

/// The cells of globals; what is remembered about classes keeps nothing alive.
fn trace_caches(o: &Code, m: &mut Marker) {
    // SAFETY: only live objects are traced.
    for (_, value) in unsafe { caches(o) } {
        if value.kind_byte() != Kind::Entry as u8 {
            mark(m, value);
        }
    }
}

/// With everything reachable marked: keeps the entries in a live code's caches whose class and value live, and
/// empties the others.
pub(crate) fn sweep_caches(m: &mut Marker, object: *mut Header) {
    // SAFETY: owners of payloads are live objects; the kind says the layout.
    let code = unsafe {
        if (*object).kind() != Kind::Code as u8 {
            return;
        }
        &*(object as *const Code)
    };
    // SAFETY: as above.
    for (word, value) in unsafe { caches(code) } {
        let Some(entry) = value.cast::<Entry>() else { continue };
        let live = |v: Value| !v.is_object() || m.is_marked(v.object());
        if live(entry.class.get()) && live(entry.value.get()) {
            m.mark(value.object());
        } else {
            word.store(0, Ordering::Release);
        }
    }
}

/// Clears a weak reference whose referent is dead; tells whether a callback is to be called for it.
pub(crate) fn clear_weakref(marker: &mut Marker, object: *mut Header) -> bool {
    // SAFETY: registered weak references are of this kind; an unmarked one is still intact before the sweep.
    let w = unsafe { &*(object as *const WeakRef) };
    let target = w.target.get();
    if target.is_object() && !marker.is_marked(target.object()) {
        w.target.set_immediate(Value::UNBOUND);
        return !w.callback.get().is_none();
    }
    false
}

/// Drops the Rust payload of a dead object.
pub(crate) fn drop_payload(object: *mut Header) {
    // SAFETY: the object is dead but not swept; its kind says the layout. Each payload is dropped once: the pointer
    // is cleared and the object is taken off the list.
    unsafe {
        match Kind::of((*object).kind()) {
            Kind::Code => {
                let o = &mut *(object as *mut Code);
                drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(o.entry as *mut AtomicU64, o.code_len as usize)));
                drop(std::sync::Arc::from_raw(o.template));
                drop(Box::from_raw(o.cache_slots as *mut Box<[u32]>));
                o.entry = std::ptr::null();
            }
            Kind::Boxed => {
                let o = &*(object as *const Boxed);
                o.drop_payload();
            }
            _ => {}
        }
    }
}

/// Marks the well-known names.
pub fn mark_names(marker: &mut Marker, names: &Names) {
    // SAFETY: `Names` is nothing but references to strs, one word each.
    let words = unsafe {
        let start = names as *const Names as *const *mut Header;
        std::slice::from_raw_parts(start, size_of::<Names>() / 8)
    };
    for &object in words {
        marker.mark(object);
    }
}
