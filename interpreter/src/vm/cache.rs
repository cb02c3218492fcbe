//! Inline caches of attribute access.
//!
//! The first cache word is a *slot* cache: `shape:32 | kind:8 | word offset:24`, or zero. The second holds an
//! [`Entry`] (immutable, published whole) for what is found on the class, a module's cell, or a class's attribute;
//! for stores it holds the shape that adding the attribute leads to, as an int.

use std::sync::atomic::{AtomicU64, Ordering};

use super::call::Called;
use super::special;
use crate::heap::Header;
use crate::native::{Ctx, R};
use crate::object::attr::is_plain_method;
use crate::object::class::{Class, class_flag};
use crate::object::function::{Cell, Entry, Wrapper};
use crate::object::instance::{Chunk, Instance};
use crate::object::kind::{ClassId, Kind};
use crate::object::module::Module;
use crate::object::string::Str;
use crate::value::{Gc, Slot, Value};

/// Slot cache kinds.
const INLINE: u64 = 1;
/// In the first overflow chunk.
const OVERFLOW: u64 = 2;
/// The store adds the attribute (inline).
const ADD: u64 = 3;

/// What an entry's value is.
mod action {
    /// A function that takes the object as its first argument.
    pub const METHOD: u32 = 1;
    /// The attribute itself, found on the class.
    pub const VALUE: u32 = 2;
    /// A cell of the module that `class` is.
    pub const MODULE: u32 = 3;
    /// The attribute of the class object that `class` is.
    pub const CLASS: u32 = 4;
}

#[inline(always)]
fn pack(shape: u32, kind: u64, offset: usize) -> u64 {
    shape as u64 | kind << 32 | (offset as u64) << 40
}

/// A slot at a word offset from the object's start.
///
/// # Safety
/// The offset was computed for the object's shape.
#[inline(always)]
unsafe fn slot_of<'a>(object: *mut Header, word: u64) -> Option<&'a Slot> {
    let offset = (word >> 40) as usize;
    // SAFETY: by the contract.
    unsafe {
        match word >> 32 & 0xff {
            INLINE => Some(&*(object as *const Slot).add(offset)),
            OVERFLOW => {
                let chunk = (*(object as *const Instance)).overflow.get();
                if chunk.kind_byte() != Kind::Chunk as u8 {
                    return None;
                }
                Some(&*(chunk.object() as *const Slot).add(offset))
            }
            _ => None,
        }
    }
}

/// The attribute, if the caches know it and it needs no binding.
#[inline(always)]
pub fn get_hit(object: Value, slot: &AtomicU64, entry: &AtomicU64) -> Option<Value> {
    let header = object.header()?;
    let word = slot.load(Ordering::Relaxed);
    if word as u32 == header.shape() && word != 0 {
        // SAFETY: the shape matches.
        let v = unsafe { slot_of(object.object(), word) }?.get();
        return if v.is_unbound() { None } else { Some(v) };
    }
    let e = entry_of(entry)?;
    if e.shape != header.shape() {
        return None;
    }
    entry_value(e, object)
}

#[inline(always)]
fn entry_of<'a>(word: &AtomicU64) -> Option<&'a Entry> {
    let v = Value::from_bits(word.load(Ordering::Acquire));
    // SAFETY: the word holds an entry or zero; entries are traced through the code's cache slots.
    if v.is_object() { Some(unsafe { &*(v.object() as *const Entry) }) } else { None }
}

#[inline(always)]
fn entry_value(e: &Entry, object: Value) -> Option<Value> {
    match e.action {
        action::VALUE => valid(e).then(|| e.value.get()),
        action::MODULE if e.class.get() == object => {
            let v = e.value.obj::<Cell>().value.get();
            if v.is_unbound() { None } else { Some(v) }
        }
        action::CLASS if e.class.get() == object => valid(e).then(|| e.value.get()),
        _ => None,
    }
}

/// Whether the entry's class has not changed since.
#[inline(always)]
fn valid(e: &Entry) -> bool {
    // SAFETY: entries of these actions hold a class.
    unsafe { (*(e.class.get().object() as *const Class)).version() == e.version }
}

/// The function to call as a method of `object`, if the caches know it.
#[inline(always)]
pub fn method_hit(object: Value, slot: &AtomicU64, entry: &AtomicU64) -> Option<Value> {
    let header = object.header()?;
    let e = entry_of(entry)?;
    let _ = slot;
    (e.shape == header.shape() && e.action == action::METHOD && valid(e)).then(|| e.value.get())
}

/// `object.name`, filling the caches.
#[inline(never)]
pub fn get(cx: &mut Ctx, object: Value, name: Gc<Str>, slot: &AtomicU64, entry: &AtomicU64) -> R<Called> {
    fill_get(cx, object, name, slot, entry);
    special::attribute(cx, object, name)
}

/// The method for `CallMethod`: a function and its receiver, or a bound value and unbound; None: the attribute is to
/// be read as any other.
#[inline(never)]
pub fn load_method(
    cx: &mut Ctx,
    object: Value,
    name: Gc<Str>,
    slot: &AtomicU64,
    entry: &AtomicU64,
) -> R<(Option<Value>, Value)> {
    if let Some(v) = get_hit(object, slot, entry) {
        return Ok((Some(v), Value::UNBOUND));
    }
    let class = cx.class_of(object);
    if !class.has(class_flag::GETATTRIBUTE)
        && !matches!(Kind::of(object.kind_byte()), Kind::Class | Kind::Super | Kind::GenericAlias)
    {
        let version = class.version();
        if let Some(found) = cx.lookup(class, name)
            && is_plain_method(found)
            && cx.instance_attr(object, name).is_none()
        {
            if let Some(header) = object.header()
                && version != 0
                && no_instance_attrs(cx, object)
                && class.version() == version
            {
                let e = cx.new_entry(header.shape(), version, class.value(), found, action::METHOD);
                entry.store(e.value().bits(), Ordering::Release);
            }
            return Ok((Some(found), object));
        }
    }
    fill_get(cx, object, name, slot, entry);
    Ok((None, Value::UNBOUND))
}

/// Whether the shape alone tells that the object has no attribute of a name that the shape lacks.
fn no_instance_attrs(cx: &Ctx, object: Value) -> bool {
    let Some(header) = object.header() else { return false };
    match Kind::of(header.kind()) {
        Kind::Function | Kind::Module | Kind::Wrapper => false,
        _ => !cx.iso().shapes.get(header.shape()).foreign,
    }
}

/// Fills the caches for a read, if what is found is cacheable.
fn fill_get(cx: &mut Ctx, object: Value, name: Gc<Str>, slot: &AtomicU64, entry: &AtomicU64) {
    let Some(header) = object.header() else { return };
    match Kind::of(header.kind()) {
        Kind::Module => return fill_module(cx, object, name, entry),
        Kind::Class => return fill_class(cx, object, name, entry),
        Kind::Super | Kind::GenericAlias | Kind::Function | Kind::Wrapper => return,
        _ => {}
    }
    let class = cx.class_of(object);
    if class.has(class_flag::GETATTRIBUTE) {
        return;
    }
    let version = class.version();
    let found = cx.lookup(class, name);
    let mut slot_name = name;
    if let Some(f) = found
        && cx.is_data_descriptor(f)
    {
        // A `__slots__` member is its slot; other data descriptors run code.
        match f.cast::<Wrapper>() {
            Some(w) if w.header().shape() == ClassId::MemberDescriptor.shape() => match w.other.get().cast::<Str>() {
                Some(n) => slot_name = n,
                None => return,
            },
            _ => return,
        }
    }
    let shape = cx.iso().shapes.get(header.shape());
    if shape.foreign {
        return;
    }
    if let Some(index) = cx.iso().shapes.slot(shape, slot_name.value()) {
        if let Some(word) = slot_word(header, shape.id, shape.inline as usize, index, INLINE) {
            slot.store(word, Ordering::Relaxed);
        }
        return;
    }
    if let Some(f) = found
        && version != 0
        && is_constant(f)
        && class.version() == version
    {
        let e = cx.new_entry(header.shape(), version, class.value(), f, action::VALUE);
        entry.store(e.value().bits(), Ordering::Release);
    }
}

/// Whether something found on a class is the attribute itself: it is no descriptor.
fn is_constant(f: Value) -> bool {
    match f.header() {
        None => true,
        Some(h) => {
            matches!(
                Kind::of(h.kind()),
                Kind::Float
                    | Kind::BigInt
                    | Kind::Complex
                    | Kind::Str
                    | Kind::Bytes
                    | Kind::List
                    | Kind::Tuple
                    | Kind::Dict
                    | Kind::Set
            ) && h.shape() < ClassId::COUNT as u32
        }
    }
}

fn slot_word(header: &Header, shape: u32, inline: usize, index: usize, kind: u64) -> Option<u64> {
    if index < inline {
        return Some(pack(shape, kind, Instance::SLOTS / 8 + index));
    }
    let index = index - inline;
    if kind == INLINE && index < Chunk::FIRST && header.kind() == Kind::Instance as u8 {
        return Some(pack(shape, OVERFLOW, size_of::<Chunk>() / 8 + index));
    }
    None
}

fn fill_module(cx: &mut Ctx, object: Value, name: Gc<Str>, entry: &AtomicU64) {
    let Some(module) = object.cast::<Module>() else { return };
    let class = cx.class_of(object);
    if class.id != ClassId::Module as u32 || cx.lookup(class, name).is_some() {
        return;
    }
    let dict = module.dict();
    if dict.has_cells()
        && let Some(cell) = dict.existing_cell(cx, name)
        && let Some(header) = object.header()
    {
        let e = cx.new_entry(header.shape(), 0, object, cell.value(), action::MODULE);
        entry.store(e.value().bits(), Ordering::Release);
    }
}

fn fill_class(cx: &mut Ctx, object: Value, name: Gc<Str>, entry: &AtomicU64) {
    let Some(class) = object.cast::<Class>() else { return };
    let meta = cx.class_of(object);
    if meta.id != ClassId::Type as u32 || cx.lookup(meta, name).is_some() {
        return;
    }
    let version = class.version();
    let Some(found) = cx.lookup(class, name) else { return };
    let value = match found.header() {
        Some(h) if h.kind() == Kind::Function as u8 => found,
        Some(h) if h.shape() == ClassId::StaticMethod.shape() => match found.cast::<Wrapper>() {
            Some(w) => w.value.get(),
            None => return,
        },
        _ if is_constant(found) => found,
        _ => return,
    };
    if version != 0
        && class.version() == version
        && let Some(header) = object.header()
    {
        let e = cx.new_entry(header.shape(), version, object, value, action::CLASS);
        entry.store(e.value().bits(), Ordering::Release);
    }
}

/// Stores by the caches; false: they do not know how.
#[inline(always)]
pub fn set_hit(cx: &mut Ctx, object: Value, value: Value, slot: &AtomicU64, next: &AtomicU64) -> bool {
    let Some(header) = object.header() else { return false };
    let word = slot.load(Ordering::Relaxed);
    if word as u32 != header.shape() || word == 0 {
        return false;
    }
    if word >> 32 & 0xff == ADD {
        return add_hit(cx, object, value, word, next);
    }
    // SAFETY: the shape matches.
    match unsafe { slot_of(object.object(), word) } {
        Some(slot) => {
            slot.set(value);
            true
        }
        None => false,
    }
}

/// Adds an inline attribute: writes the slot, then publishes the shape.
#[inline(always)]
fn add_hit(cx: &mut Ctx, object: Value, value: Value, word: u64, next: &AtomicU64) -> bool {
    let next = next.load(Ordering::Relaxed);
    let Some(header) = object.header() else { return false };
    let lock = cx.lock(header);
    let same = header.shape() == word as u32 && next != 0;
    if same {
        // SAFETY: the shape matches, and the offset is an inline slot of it.
        unsafe { (*(object.object() as *const Slot).add((word >> 40) as usize)).set(value) };
        header.set_shape((next >> 2) as u32);
    }
    drop(lock);
    same
}

/// `object.name = value`, filling the caches.
#[inline(never)]
pub fn set(cx: &mut Ctx, object: Value, name: Gc<Str>, value: Value, slot: &AtomicU64, next: &AtomicU64) -> R<Called> {
    if let Some(called) = special::set_attribute(cx, object, name, value)? {
        return Ok(called);
    }
    set_plain(cx, object, name, value, slot, next).map(|()| Called::Value(Value::NONE))
}

/// The same where no script function takes part.
fn set_plain(cx: &mut Ctx, object: Value, name: Gc<Str>, value: Value, slot: &AtomicU64, next: &AtomicU64) -> R<()> {
    let class = cx.class_of(object);
    let cacheable = object.kind_byte() == Kind::Instance as u8 && !class.has(class_flag::SETATTR);
    let before = object.header().map_or(0, |h| h.shape());
    let mut slot_name = Some(name);
    if cacheable
        && let Some(found) = cx.lookup(class, name)
        && cx.is_data_descriptor(found)
    {
        slot_name = match found.cast::<Wrapper>() {
            Some(w) if w.header().shape() == ClassId::MemberDescriptor.shape() => w.other.get().cast::<Str>(),
            _ => None,
        };
    }
    cx.set_attr(object, name, value)?;
    let (true, Some(slot_name), Some(header)) = (cacheable, slot_name, object.header()) else { return Ok(()) };
    let shapes = &cx.iso().shapes;
    let shape = shapes.get(before);
    if shape.foreign {
        return Ok(());
    }
    match shapes.slot(shape, slot_name.value()) {
        Some(index) => {
            if let Some(word) = slot_word(header, before, shape.inline as usize, index, INLINE) {
                slot.store(word, Ordering::Relaxed);
            }
        }
        None => {
            let after = shapes.get(header.shape());
            if after.parent == before
                && let Some(word) = slot_word(header, before, shape.inline as usize, shape.count as usize, ADD)
            {
                // The two words are not written together: clear the first while the second changes.
                slot.store(0, Ordering::Relaxed);
                next.store((after.id as u64) << 2, Ordering::Release);
                slot.store(word, Ordering::Release);
            }
        }
    }
    Ok(())
}
