//! The methods of the builtin types: one file per type, one row each here.

use crate::native::{Ctx, NativeDef};
use crate::object::kind::ClassId;

pub mod list;

/// Which methods each builtin class gets.
static TABLE: &[(ClassId, &[NativeDef])] = &[(ClassId::List, list::methods::METHODS)];

/// Puts all methods into their classes.
pub fn install(cx: &mut Ctx) {
    for (class, methods) in TABLE {
        cx.install(*class, methods);
    }
}
