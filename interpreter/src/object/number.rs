//! Boxed numbers: big ints, the floats that have no immediate form, complex numbers.

use dashu_base::Sign;
use dashu_int::{IBig, UBig, Word};

use crate::heap::Header;
use crate::object_kind;

/// An int beyond 62 bits (or an instance of a subclass of int): sign and magnitude words follow the struct.
#[repr(C)]
pub struct BigInt {
    pub header: Header,
    /// Words, negative for a negative number.
    pub len: isize,
}
object_kind!(BigInt, BigInt);

impl BigInt {
    pub const WORDS: usize = size_of::<BigInt>();
    pub fn words(&self) -> &[Word] {
        // SAFETY: `len` words follow the struct and never change.
        unsafe { std::slice::from_raw_parts((self as *const BigInt).add(1) as *const Word, self.len.unsigned_abs()) }
    }
    pub fn is_negative(&self) -> bool {
        self.len < 0
    }
    pub fn to_big(&self) -> IBig {
        let sign = if self.is_negative() { Sign::Negative } else { Sign::Positive };
        IBig::from_parts(sign, UBig::from_words(self.words()))
    }
}

/// A float without an immediate form, or an instance of a subclass of float.
#[repr(C)]
pub struct Float {
    pub header: Header,
    pub value: f64,
}
object_kind!(Float, Float);

#[repr(C)]
pub struct Complex {
    pub header: Header,
    pub re: f64,
    pub im: f64,
}
object_kind!(Complex, Complex);
