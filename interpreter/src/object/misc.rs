//! Small objects: range, slice, weak references, generic aliases, iterators, views and boxed native payloads.

use std::any::Any;
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicUsize};

use crate::heap::Header;
use crate::native::{Ctx, R};
use crate::object::stepping::Alone;
use crate::object_kind;
use crate::value::{Gc, Slot, Value};

/// range; bounds are ints of any size, `len` is the length if it and all bounds are immediate, else negative.
#[repr(C)]
pub struct Range {
    pub header: Header,
    pub start: Slot,
    pub stop: Slot,
    pub step: Slot,
    pub len: i64,
}
object_kind!(Range, Range);

#[repr(C)]
pub struct SliceObject {
    pub header: Header,
    pub start: Slot,
    pub stop: Slot,
    pub step: Slot,
}
object_kind!(SliceObject, Slice);

/// A weak reference: `target` is cleared by the collector.
#[repr(C)]
pub struct WeakRef {
    pub header: Header,
    /// The referent as a value, hidden from marking; unbound once dead.
    pub target: Slot,
    pub callback: Slot,
    pub hash: Slot,
    pub attrs: Slot,
}
object_kind!(WeakRef, WeakRef);

/// `list[int]`, `int | str`.
#[repr(C)]
pub struct GenericAlias {
    pub header: Header,
    pub origin: Slot,
    pub args: Slot,
    pub params: Slot,
    /// `*tuple[int, ...]`
    pub unpacked: AtomicU32,
    pub attrs: Slot,
}
object_kind!(GenericAlias, GenericAlias);

/// Builtin iterators: the class says which; the fields' use is its own.
#[repr(C)]
pub struct Iter {
    pub header: Header,
    pub source: Slot,
    pub extra: Slot,
    pub index: AtomicI64,
    pub limit: AtomicI64,
    pub attrs: Slot,
}
object_kind!(Iter, Iter);

/// dict_keys, dict_values, dict_items.
#[repr(C)]
pub struct DictView {
    pub header: Header,
    pub dict: Slot,
}
object_kind!(DictView, DictView);

/// A native type's instance: a fixed number of traced slots (which follow the struct) plus Rust data, behind them or in
/// a box.
#[repr(C)]
pub struct Boxed {
    pub header: Header,
    /// Owned; set before the object is seen by others, dropped by the collector's after-phase.
    payload: UnsafeCell<Option<NonNull<dyn Payload>>>,
    /// Which native layout the slots have, and what the machine may do with the object directly.
    pub behavior: Option<&'static Behavior>,
    pub nslots: usize,
    pub attrs: Slot,
}
object_kind!(Boxed, Boxed);

/// What a family of [`Boxed`] objects has in common: one static per native class, known by its address.
pub struct Behavior {
    pub name: &'static str,
    /// Of iterators: the next item, or None at the end.
    pub step: Option<StepFn>,
    /// Of what can be awaited: the answer to what is sent.
    pub send: Option<SendFn>,
    /// Of what can be awaited: what an `await` drives in its place.
    pub awaited: Option<fn(&mut Ctx, Gc<Boxed>) -> R>,
    /// Of what can be awaited: an exception ends the wait for it.
    pub thrown: Option<fn(&mut Ctx, Gc<Boxed>) -> R<()>>,
    /// Of iterators: whether their steps run scripts.
    pub alone: Alone,
}

/// An iterator's next item, or None at the end.
pub type StepFn = fn(&mut Ctx, Gc<Boxed>) -> R<Option<Value>>;
/// What an iterator that is sent a value yields (`Ok`), or returns (`Err`).
pub type SendFn = fn(&mut Ctx, Gc<Boxed>, Value) -> R<Result<Value, Value>>;

impl Behavior {
    /// Of objects without any.
    pub const fn named(name: &'static str) -> Behavior {
        Behavior { name, step: None, send: None, awaited: None, thrown: None, alone: Alone::Never }
    }
    pub const fn iterator(name: &'static str, step: StepFn) -> Behavior {
        Behavior { step: Some(step), ..Behavior::named(name) }
    }
    /// The same, of whose steps it is known whether they run scripts.
    pub const fn stepped(self, alone: Alone) -> Behavior {
        Behavior { alone, ..self }
    }
    pub const fn awaitable(name: &'static str, send: SendFn) -> Behavior {
        Behavior { send: Some(send), ..Behavior::named(name) }
    }
}

/// What yields once to whoever drives the coroutine that awaits it. Which it has done is kept by the `await` (see
/// `vm::suspension`), so that one object does for all.
pub static PAUSE: Behavior = Behavior::named("pause");

impl Boxed {
    /// Whether the object was made with this behavior.
    #[inline]
    pub fn is(&self, behavior: &'static Behavior) -> bool {
        self.behavior.is_some_and(|b| std::ptr::eq(b, behavior))
    }
    /// The traced slots.
    pub fn slots(&self) -> &[Slot] {
        // SAFETY: `nslots` slots follow the struct (see `Ctx::new_boxed`).
        unsafe { std::slice::from_raw_parts((self as *const Boxed).add(1) as *const Slot, self.nslots) }
    }
    /// Gives a new object its payload.
    ///
    /// # Safety
    /// Nobody else has seen the object, and it has none.
    pub unsafe fn set_payload(&self, payload: Box<dyn Payload>) {
        // SAFETY: by the contract.
        unsafe { *self.payload.get() = Some(NonNull::from(Box::leak(payload))) };
    }
    /// The same, of a payload that lies behind the slots.
    ///
    /// # Safety
    /// As above, and the cell has room for it.
    pub unsafe fn place_payload<P: Payload>(&self, payload: P) {
        const { assert!(align_of::<P>() <= align_of::<Slot>()) };
        // SAFETY: by the contract; cells are never moved.
        unsafe {
            let place = self.behind() as *mut P;
            place.write(payload);
            let payload: NonNull<dyn Payload> = NonNull::new_unchecked(place);
            *self.payload.get() = Some(payload);
        }
    }
    /// The end of the slots.
    fn behind(&self) -> usize {
        self.slots().as_ptr_range().end as usize
    }
    /// Drops the payload of a dead object.
    ///
    /// # Safety
    /// Nobody else uses the object.
    pub unsafe fn drop_payload(&self) {
        // SAFETY: by the contract; what does not lie behind the slots is a leaked box.
        unsafe {
            let Some(payload) = (*self.payload.get()).take() else { return };
            if payload.as_ptr().cast::<u8>() as usize == self.behind() {
                std::ptr::drop_in_place(payload.as_ptr());
            } else {
                drop(Box::from_raw(payload.as_ptr()));
            }
        }
    }
    fn any_payload(&self) -> Option<&dyn Payload> {
        // SAFETY: it was set before the object could be seen, and lives until the collector finds the object dead.
        unsafe { (*self.payload.get()).map(|payload| payload.as_ref()) }
    }
    /// The thread that holds this object, as its payload knows.
    pub fn holder(&self) -> Option<u64> {
        self.any_payload()?.holder()
    }
    /// Who can free the object that a thread holds.
    pub fn hold(&self) -> Hold {
        self.any_payload().map_or(Hold::None, |payload| payload.hold())
    }
    /// What a script calls this object, as its payload and slots know.
    pub fn label(&self) -> Option<String> {
        self.any_payload()?.label(self.slots())
    }
    /// Tells of each task that the object runs in turn; see [`Payload::each_task`].
    pub fn each_task(&self, visit: &mut dyn FnMut(String, Option<String>, Value)) {
        if let Some(payload) = self.any_payload() {
            payload.each_task(self.slots(), visit);
        }
    }
    /// The payload as a `T`. Payloads are shared between threads: interior mutability with locks is theirs.
    #[inline]
    pub fn payload<T: Payload>(&self) -> Option<&T> {
        (self.any_payload()? as &dyn Any).downcast_ref::<T>()
    }
}

// SAFETY: the payload's place is written only while nobody else sees the object, and payloads are shared by contract.
unsafe impl Sync for Boxed {}
// SAFETY: as above.
unsafe impl Send for Boxed {}

/// What it means that a thread holds an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// Objects of this kind are not held.
    None,
    /// Others may free it.
    Loose,
    /// Only the holder can free it.
    Owned,
}

/// Rust data owned by a [`Boxed`] object. It may not hold values: those go into the object's slots.
pub trait Payload: Any + Send + Sync {
    /// The id of the thread that holds the object (a lock, say), for the report of a deadlock.
    fn holder(&self) -> Option<u64> {
        None
    }
    /// Who can free what the holder holds.
    fn hold(&self) -> Hold {
        Hold::None
    }
    /// Tells of each task that the object runs in turn, an event loop: what it is called, what it waits for if that is
    /// known by name, and its coroutine. The slots are given; nothing may be allocated.
    fn each_task(&self, _slots: &[Slot], _visit: &mut dyn FnMut(String, Option<String>, Value)) {}
    /// What a script calls the object (a thread, say), whose slots are given.
    fn label(&self, _slots: &[Slot]) -> Option<String> {
        None
    }
}

/// memoryview over bytes, a bytearray or a native buffer.
#[repr(C)]
pub struct MemoryView {
    pub header: Header,
    /// The bytes, bytearray, or memoryview's base object; unbound once released.
    pub base: Slot,
    pub start: AtomicUsize,
    /// Items.
    pub len: AtomicUsize,
    /// Bytes from item to item.
    pub stride: AtomicI64,
    /// Format string.
    pub format: Slot,
    pub readonly: AtomicU32,
    pub shape: Slot,
}
object_kind!(MemoryView, MemoryView);
