//! Waiting primitives as resumable natives.

pub mod lock;
pub mod sleep;
