//! Text and number formatting without any knowledge of the heap.
//!
//! Everything here works on plain Rust data. A str value is its bytes as described in [`wtf8`]; a [`fault::Fault`]
//! carries the exception class and the wording Python programs see.
//!
//! - characters and strings: `wtf8`, `character`, `case`, `quote`, `search`, `split`, `pad`
//! - numbers: `int`, `float`, `float_bits`, `complex`, `number_hash`
//! - formatting: `spec` and `spec_apply` (`format`), `percent` (`%`), `template` (`str.format`)
//! - bytes and back: `codec`
//! - randomness and hashing: `mersenne`, `siphash`

pub mod case;
pub mod character;
pub mod codec;
pub mod complex;
pub mod fault;
pub mod float;
pub mod float_bits;
pub mod int;
pub mod mersenne;
pub mod number_hash;
pub mod packed;
pub mod pad;
pub mod percent;
pub mod quote;
pub mod search;
pub mod siphash;
mod spec;
pub mod spec_apply;
pub mod split;
mod tables;
pub mod template;
pub mod wtf8;
