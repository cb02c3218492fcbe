//! Waiting primitives as resumable natives.

pub mod barrier;
pub mod condition;
pub mod event;
pub mod gevent;
pub mod greenlet;
pub mod local;
pub mod lock;
pub mod rlock;
pub mod semaphore;
pub mod sleep;
pub mod thread;
pub mod wait;
