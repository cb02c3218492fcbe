//! time: clocks, calendar fields, their text.

pub mod clock;
pub mod fields;
pub mod format;
pub mod parse;
