//! Numbers: math and the random generator's core.

pub mod combinatorics;
pub mod functions;
pub mod gamma;
pub mod logarithms;
pub mod random;
pub mod sums;
