//! Codecs: turning str into bytes and back.
//!
//! A codec converts what it can; each stretch it cannot convert becomes a [`Problem`] that an error handler fixes
//! or refuses. Decoding counts positions in bytes, encoding in code points.

mod charmap;
mod convert;
mod escape;
mod name;
mod policy;
mod problem;
mod progress;
mod single;
mod utf8;
mod wide;

pub use charmap::Charmap;
pub use convert::{Codec, decode, decode_by_policy, encode, encode_by_policy};
pub use name::lookup;
pub use policy::{CodecError, Policy};
pub use problem::{DecodeHandler, EncodeHandler, NameLookup, Problem, Replacement};
use progress::{Decoding, Encoding, push_latin1};
pub use wide::{Order, Size, Wide};

#[cfg(test)]
mod tests;
