//! The interpreter and its surroundings: sys, time, errno.

pub mod errno;
pub mod facts;
pub mod signal;
pub mod sys;
