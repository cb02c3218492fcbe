//! The methods of the builtin types: one file per type, one row each here.

use crate::native::{Ctx, NativeDef};
use crate::object::kind::ClassId;

pub mod list;
pub mod str;
mod support;

/// Which methods each builtin class gets.
static TABLE: &[(ClassId, &[NativeDef])] = &[
    (ClassId::List, list::methods::METHODS),
    (ClassId::Str, str::methods::METHODS),
    (ClassId::Str, str::order::METHODS),
    (ClassId::Str, str::case::methods::METHODS),
    (ClassId::Str, str::search::methods::METHODS),
    (ClassId::Str, str::split::methods::METHODS),
    (ClassId::Str, str::layout::methods::METHODS),
    (ClassId::Str, str::translate::methods::METHODS),
];

/// Puts all methods into their classes.
pub fn install(cx: &mut Ctx) {
    for (class, methods) in TABLE {
        cx.install(*class, methods);
    }
}
