//! Arguments as a native receives them: bound to its parameters.

use crate::value::{Gc, Value};

/// Arguments bound to a [`super::NativeDef`]'s parameters.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    /// One value per fixed parameter; shorter or unbound where a parameter was not given.
    pub fixed: &'a [Value],
    /// What `*args` collects.
    pub rest: &'a [Value],
    /// What `**kwargs` collects.
    pub kwargs: Kwargs,
}

impl<'a> Args<'a> {
    /// No more than the fixed ones.
    #[inline(always)]
    pub fn positional(fixed: &'a [Value]) -> Args<'a> {
        Args { fixed, rest: &[], kwargs: Kwargs(None) }
    }
    /// The argument of fixed parameter `index`, unbound if not given.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Value {
        self.fixed.get(index).copied().unwrap_or(Value::UNBOUND)
    }
}

/// Keyword arguments collected by `**kwargs`, if there were any.
#[derive(Clone, Copy)]
pub struct Kwargs(pub Option<Gc<crate::object::dict::Dict>>);
