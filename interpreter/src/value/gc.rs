//! Typed references to heap objects.

use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

use super::Value;
use crate::heap::Header;

/// A native object struct: `#[repr(C)]`, a [`Header`] first, other fields atomic.
///
/// # Safety
/// Every object whose header kind satisfies `has_kind` begins with the layout of `Self`.
pub unsafe trait Object: 'static {
    fn has_kind(kind: u8) -> bool;
}

/// A reference to a live object. Kept alive by being on a stack or in a traced object, never by itself elsewhere.
#[repr(transparent)]
pub struct Gc<T> {
    object: NonNull<T>,
    owned_by_heap: PhantomData<*const T>,
}

impl<T> Clone for Gc<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Gc<T> {}

impl<T> PartialEq for Gc<T> {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object
    }
}
impl<T> Eq for Gc<T> {}

impl<T: Object> Gc<T> {
    /// # Safety
    /// `object` is a live object with the layout of `T`.
    #[inline(always)]
    pub unsafe fn from_raw(object: *mut T) -> Gc<T> {
        // SAFETY: a live object's address is not null.
        Gc { object: unsafe { NonNull::new_unchecked(object) }, owned_by_heap: PhantomData }
    }
    /// # Safety
    /// `value` is a reference to an object with the layout of `T`.
    #[inline(always)]
    pub unsafe fn from_value_unchecked(value: Value) -> Gc<T> {
        debug_assert!(value.is_object() && T::has_kind(value.kind_byte()), "{value:?}");
        // SAFETY: by the contract.
        unsafe { Gc::from_raw(value.object() as *mut T) }
    }
    #[inline(always)]
    pub fn value(self) -> Value {
        Value::from_object(self.object.as_ptr() as *const Header)
    }
    #[inline(always)]
    pub fn as_ptr(self) -> *mut T {
        self.object.as_ptr()
    }
    #[inline(always)]
    pub fn header<'a>(self) -> &'a Header {
        // SAFETY: every object begins with a header.
        unsafe { &*(self.object.as_ptr() as *const Header) }
    }
}

impl<T> Deref for Gc<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the reference is on a stack or reached through a traced object, so the object lives.
        unsafe { self.object.as_ref() }
    }
}

impl Value {
    /// The object as a `T`, if it is one (or a subclass's instance).
    #[inline(always)]
    pub fn cast<T: Object>(self) -> Option<Gc<T>> {
        if self.is_object() && T::has_kind(self.kind_byte()) {
            // SAFETY: the kind was checked.
            Some(unsafe { Gc::from_value_unchecked(self) })
        } else {
            None
        }
    }
    #[inline(always)]
    pub fn is_a<T: Object>(self) -> bool {
        self.is_object() && T::has_kind(self.kind_byte())
    }
}

impl<T: Object> From<Gc<T>> for Value {
    fn from(object: Gc<T>) -> Value {
        object.value()
    }
}

impl<T> std::fmt::Debug for Gc<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gc({:p})", self.object)
    }
}
