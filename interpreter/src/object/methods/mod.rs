//! The methods of the builtin types: one file per type, one row each here.

use crate::native::{Ctx, NativeDef};
use crate::object::kind::ClassId;

pub mod bool;
pub mod bytes;
pub mod complex;
pub mod float;
pub mod int;
pub mod list;
pub mod memoryview;
pub mod str;
mod support;

/// Which methods each builtin class gets.
static TABLE: &[(ClassId, &[NativeDef])] = &[
    (ClassId::List, list::methods::METHODS),
    (ClassId::Int, int::methods::METHODS),
    (ClassId::Int, int::order::METHODS),
    (ClassId::Int, int::operators::METHODS),
    (ClassId::Int, int::bytes::methods::METHODS),
    (ClassId::Bool, bool::methods::METHODS),
    (ClassId::Float, float::methods::METHODS),
    (ClassId::Float, float::order::METHODS),
    (ClassId::Float, float::operators::METHODS),
    (ClassId::Complex, complex::methods::METHODS),
    (ClassId::Complex, complex::order::METHODS),
    (ClassId::Complex, complex::operators::METHODS),
    (ClassId::Str, str::methods::METHODS),
    (ClassId::Str, str::order::METHODS),
    (ClassId::Str, str::case::methods::METHODS),
    (ClassId::Str, str::search::methods::METHODS),
    (ClassId::Str, str::split::methods::METHODS),
    (ClassId::Str, str::layout::methods::METHODS),
    (ClassId::Str, str::translate::methods::METHODS),
    (ClassId::Bytes, bytes::methods::METHODS),
    (ClassId::Bytes, bytes::order::METHODS),
    (ClassId::Bytes, bytes::search::methods::METHODS),
    (ClassId::Bytes, bytes::split::methods::METHODS),
    (ClassId::Bytes, bytes::layout::methods::METHODS),
    (ClassId::Bytes, bytes::constant::methods::METHODS),
    (ClassId::ByteArray, bytes::methods::METHODS),
    (ClassId::ByteArray, bytes::order::METHODS),
    (ClassId::ByteArray, bytes::search::methods::METHODS),
    (ClassId::ByteArray, bytes::split::methods::METHODS),
    (ClassId::ByteArray, bytes::layout::methods::METHODS),
    (ClassId::ByteArray, bytes::array::methods::METHODS),
    (ClassId::MemoryView, memoryview::methods::METHODS),
];

/// Puts all methods into their classes.
pub fn install(cx: &mut Ctx) {
    for (class, methods) in TABLE {
        cx.install(*class, methods);
    }
}
