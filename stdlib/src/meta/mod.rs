//! Modules about the program itself: types, weak references, collection, tracebacks.

pub mod abc;
pub mod atexit;
pub mod gc;
pub mod inspect;
pub mod traceback;
pub mod types;
pub mod weakref;
