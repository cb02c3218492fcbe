//! The value word: immediate ints, floats and specials, or a heap reference, told apart by the low three bits.
//!
//! `x00` a 62-bit int (`n << 2`) · `001` a heap address + 1 · `010`, `101`, `110` a float (`rotl(bits, 4) + 2`, exact
//! for ±0, |x| < 2^-767 and 2^-255 <= |x| < 2^257; other floats are boxed) · `011`, `111` specials.

use crate::heap::Header;

/// A script value. `Copy`, eight bytes; not `Send`: it belongs to its interpreter's heap.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Value(u64);

const _: () = assert!(size_of::<Value>() == 8);

const FLOAT_TAGS: u32 = 0x6464_6464;

impl Value {
    pub const NONE: Value = Value(0x03);
    pub const FALSE: Value = Value(0x0b);
    pub const TRUE: Value = Value(0x13);
    /// An empty slot; never visible to scripts.
    pub const UNBOUND: Value = Value(0x1b);
    pub const NOT_IMPLEMENTED: Value = Value(0x23);
    pub const ELLIPSIS: Value = Value(0x2b);
    /// The mark of a counted loop in iteration state; never visible to scripts.
    pub const COUNTED: Value = Value(0x33);
    pub const INT_MIN: i64 = -(1 << 61);
    pub const INT_MAX: i64 = (1 << 61) - 1;

    #[inline(always)]
    pub const fn from_bits(bits: u64) -> Value {
        Value(bits)
    }
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0
    }
    #[inline(always)]
    pub const fn bool(b: bool) -> Value {
        Value(if b { Value::TRUE.0 } else { Value::FALSE.0 })
    }
    /// An int that fits 62 bits; the caller has checked.
    #[inline(always)]
    pub const fn small_int(n: i64) -> Value {
        debug_assert!(n >= Value::INT_MIN && n <= Value::INT_MAX);
        Value((n as u64) << 2)
    }
    /// An int if it fits the immediate range.
    #[inline(always)]
    pub const fn try_int(n: i64) -> Option<Value> {
        if n >= Value::INT_MIN && n <= Value::INT_MAX { Some(Value((n as u64) << 2)) } else { None }
    }
    #[inline(always)]
    pub const fn is_int(self) -> bool {
        self.0 & 3 == 0
    }
    #[inline(always)]
    pub const fn both_int(self, other: Value) -> bool {
        (self.0 | other.0) & 3 == 0
    }
    /// The int of an immediate int.
    #[inline(always)]
    pub const fn int(self) -> i64 {
        (self.0 as i64) >> 2
    }
    #[inline(always)]
    pub const fn as_int(self) -> Option<i64> {
        if self.is_int() { Some(self.int()) } else { None }
    }
    #[inline(always)]
    pub const fn is_float(self) -> bool {
        FLOAT_TAGS >> (self.0 & 31) & 1 != 0
    }
    /// An immediate float, if it is one of those that fit.
    #[inline(always)]
    pub const fn try_float(x: f64) -> Option<Value> {
        let word = Value(x.to_bits().rotate_left(4).wrapping_add(2));
        if word.is_float() { Some(word) } else { None }
    }
    /// The float of an immediate float.
    #[inline(always)]
    pub const fn float(self) -> f64 {
        f64::from_bits(self.0.wrapping_sub(2).rotate_right(4))
    }
    #[inline(always)]
    pub const fn is_object(self) -> bool {
        self.0 & 7 == 1
    }
    #[inline(always)]
    pub fn from_object(object: *const Header) -> Value {
        Value(object as u64 + 1)
    }
    /// The object of a heap reference.
    #[inline(always)]
    pub fn object(self) -> *mut Header {
        debug_assert!(self.is_object());
        (self.0 - 1) as *mut Header
    }
    /// Has the processor load the first `bytes` of an object that is needed soon.
    #[inline(always)]
    pub fn prefetch(self, bytes: usize) {
        #[cfg(target_arch = "x86_64")]
        if self.is_object() {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let start = self.object() as *const i8;
            for at in (0..bytes).step_by(64).chain([bytes.max(1) - 1]) {
                // SAFETY: a hint, which is none if nothing is there.
                unsafe { _mm_prefetch(start.wrapping_add(at), _MM_HINT_T0) };
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = bytes;
    }
    #[inline(always)]
    pub fn header<'a>(self) -> Option<&'a Header> {
        // SAFETY: a heap reference points to a live object as long as the value is reachable (stacks are roots).
        if self.is_object() { Some(unsafe { &*self.object() }) } else { None }
    }
    /// The object kind byte; 0 for immediates.
    #[inline(always)]
    pub fn kind_byte(self) -> u8 {
        match self.header() {
            Some(h) => h.kind(),
            None => 0,
        }
    }
    #[inline(always)]
    pub const fn is_none(self) -> bool {
        self.0 == Value::NONE.0
    }
    #[inline(always)]
    pub const fn is_unbound(self) -> bool {
        self.0 == Value::UNBOUND.0
    }
    #[inline(always)]
    pub const fn is_bool(self) -> bool {
        self.0 == Value::TRUE.0 || self.0 == Value::FALSE.0
    }
    pub const fn as_bool(self) -> Option<bool> {
        if self.0 == Value::TRUE.0 {
            Some(true)
        } else if self.0 == Value::FALSE.0 {
            Some(false)
        } else {
            None
        }
    }
    /// `self is other` for scripts.
    #[inline(always)]
    pub fn is(self, other: Value) -> bool {
        self.0 == other.0
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Value::NONE => write!(f, "None"),
            Value::TRUE => write!(f, "True"),
            Value::FALSE => write!(f, "False"),
            Value::UNBOUND => write!(f, "<unbound>"),
            v if v.is_int() => write!(f, "{}", v.int()),
            v if v.is_float() => write!(f, "{:?}", v.float()),
            v => write!(f, "<{:#x} kind {}>", v.0, v.kind_byte()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_round_trip() {
        for x in [0.0, -0.0, 1.0, -1.0, 0.1, 1e10, 1e-200, 1e70, 3.5e-77, f64::MIN_POSITIVE] {
            if let Some(v) = Value::try_float(x) {
                assert_eq!(v.float().to_bits(), x.to_bits(), "{x}");
                assert!(!v.is_int() && !v.is_object());
            }
        }
        assert!(Value::try_float(f64::INFINITY).is_none());
        assert!(Value::try_float(f64::NAN).is_none());
        assert!(Value::try_float(1.5).is_some() && Value::try_float(0.0).is_some());
    }

    #[test]
    fn ints_round_trip() {
        for n in [0, 1, -1, Value::INT_MAX, Value::INT_MIN, 123456789012345] {
            assert_eq!(Value::try_int(n).unwrap().int(), n);
        }
        assert!(Value::try_int(Value::INT_MAX + 1).is_none());
    }

    #[test]
    fn specials_are_nothing_else() {
        for v in [Value::NONE, Value::TRUE, Value::FALSE, Value::UNBOUND, Value::NOT_IMPLEMENTED, Value::ELLIPSIS] {
            assert!(!v.is_int() && !v.is_float() && !v.is_object());
        }
    }
}
