//! The methods of the builtin types: one file per type, one row each here.

use crate::native::{Ctx, NativeDef};
use crate::object::kind::ClassId;

pub mod alias;
pub mod class;
pub mod exception;
pub mod group;
pub mod list;
pub mod object;
pub mod os_error;
pub mod reduce;
pub mod shared;
pub mod bool;
pub mod bytes;
pub mod complex;
pub mod float;
pub mod int;
pub mod memoryview;
pub mod str;
mod support;
pub mod syntax_error;
pub mod tuple;
pub mod union;

/// Which methods each builtin class gets.
static TABLE: &[(ClassId, &[NativeDef])] = &[
    (ClassId::Object, object::methods::METHODS),
    (ClassId::Type, class::methods::METHODS),
    (ClassId::BaseException, exception::methods::METHODS),
    (ClassId::KeyError, exception::key_error::METHODS),
    (ClassId::StopIteration, exception::stop_iteration::METHODS),
    (ClassId::SystemExit, exception::system_exit::METHODS),
    (ClassId::AttributeError, exception::attribute_error::METHODS),
    (ClassId::NameError, exception::name_error::METHODS),
    (ClassId::ImportError, exception::import_error::METHODS),
    (ClassId::OSError, os_error::methods::METHODS),
    (ClassId::SyntaxError, syntax_error::methods::METHODS),
    (ClassId::UnicodeEncodeError, syntax_error::unicode::METHODS),
    (ClassId::UnicodeDecodeError, syntax_error::unicode::METHODS),
    (ClassId::UnicodeTranslateError, syntax_error::unicode::METHODS),
    (ClassId::BaseExceptionGroup, group::methods::METHODS),
    (ClassId::GenericAlias, alias::methods::METHODS),
    (ClassId::UnionType, union::methods::METHODS),
    (ClassId::List, shared::container::METHODS),
    (ClassId::List, shared::membership::METHODS),
    (ClassId::List, shared::subscript::METHODS),
    (ClassId::List, shared::storing::METHODS),
    (ClassId::List, shared::joining::METHODS),
    (ClassId::List, shared::comparing::METHODS),
    (ClassId::List, shared::showing::METHODS),
    (ClassId::List, shared::generic::METHODS),
    (ClassId::List, list::methods::METHODS),
    (ClassId::Tuple, shared::container::METHODS),
    (ClassId::Tuple, shared::membership::METHODS),
    (ClassId::Tuple, shared::subscript::METHODS),
    (ClassId::Tuple, shared::joining::METHODS),
    (ClassId::Tuple, shared::comparing::METHODS),
    (ClassId::Tuple, shared::hashing::METHODS),
    (ClassId::Tuple, shared::showing::METHODS),
    (ClassId::Tuple, shared::generic::METHODS),
    (ClassId::Tuple, tuple::methods::METHODS),
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

/// Classes whose instances cannot be hashed.
const UNHASHABLE: &[ClassId] = &[ClassId::List, ClassId::Dict, ClassId::Set, ClassId::ByteArray];

/// Puts all methods into their classes.
pub fn install(cx: &mut Ctx) {
    for (class, methods) in TABLE {
        cx.install(*class, methods);
    }
    let hash = cx.names().__hash__;
    for &id in UNHASHABLE {
        let class = cx.class(id);
        class.dict().set_str(cx, hash, crate::value::Value::NONE);
        cx.class_changed(class);
    }
}
