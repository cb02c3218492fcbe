//! Values: one self-tagged word each, and typed references to heap objects.

pub mod gc;
pub mod slot;
pub mod word;

pub use gc::{Gc, Object};
pub use slot::{Slot, stored};
pub use word::Value;
