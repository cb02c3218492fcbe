//! The numbers of the objects in a pickle.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::sequence::List;
use conc_interpreter::value::{Gc, Value};

/// Objects by their words, which are addresses.
pub type Numbers = HashMap<u64, u32, BuildHasherDefault<AddressHasher>>;

/// The objects that have been written. They are kept, so that no other takes one's address.
pub struct Memo {
    pub numbers: Numbers,
    pub kept: Gc<List>,
}

/// Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4): no script chooses addresses.
#[derive(Default)]
pub struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn finish(&self) -> u64 {
        self.0.rotate_left(32)
    }
}

/// A pickle that leaves more numbers out than this is refused.
const MOST_LEFT_OUT: usize = 1 << 24;

/// Notes an object that was read. Numbers that were left out hold the list itself. False: far too many are.
pub fn note(cx: &mut Ctx, memo: Gc<List>, number: usize, v: Value) -> R<bool> {
    if cx.list_set(memo, number, v) {
        return Ok(true);
    }
    if number - memo.len() > MOST_LEFT_OUT {
        return Ok(false);
    }
    while memo.len() < number {
        cx.list_push(memo, memo.value())?;
    }
    cx.list_push(memo, v)?;
    Ok(true)
}

/// The object that was read under a number.
pub fn noted(memo: Gc<List>, number: usize) -> Option<Value> {
    memo.get(number).filter(|&v| v != memo.value())
}
