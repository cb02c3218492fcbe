//! The methods of the builtin types: one file per type, one row each here.

use crate::native::{Ctx, NativeDef};
use crate::object::kind::ClassId;

pub mod alias;
pub mod bool;
pub mod bytes;
pub mod class;
pub mod code;
pub mod complex;
pub mod dict;
pub mod dict_view;
pub mod exception;
pub mod float;
pub mod function;
pub mod group;
pub mod int;
pub mod iterator;
pub mod list;
pub mod memoryview;
pub mod native;
pub mod object;
pub mod os_error;
pub mod plain;
pub mod property;
pub mod range;
pub mod reduce;
pub mod set;
pub mod shared;
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
    (ClassId::Dict, shared::container::METHODS),
    (ClassId::Dict, shared::membership::METHODS),
    (ClassId::Dict, shared::subscript::METHODS),
    (ClassId::Dict, shared::storing::METHODS),
    (ClassId::Dict, shared::comparing::METHODS),
    (ClassId::Dict, shared::showing::METHODS),
    (ClassId::Dict, shared::generic::METHODS),
    (ClassId::Dict, dict::methods::METHODS),
    (ClassId::DictKeys, shared::container::METHODS),
    (ClassId::DictKeys, shared::membership::METHODS),
    (ClassId::DictKeys, shared::showing::METHODS),
    (ClassId::DictKeys, dict_view::methods::METHODS),
    (ClassId::DictKeys, dict_view::set_like::METHODS),
    (ClassId::DictItems, shared::container::METHODS),
    (ClassId::DictItems, shared::membership::METHODS),
    (ClassId::DictItems, shared::showing::METHODS),
    (ClassId::DictItems, dict_view::methods::METHODS),
    (ClassId::DictItems, dict_view::set_like::METHODS),
    (ClassId::DictValues, shared::container::METHODS),
    (ClassId::DictValues, shared::showing::METHODS),
    (ClassId::DictValues, dict_view::methods::METHODS),
    (ClassId::MappingProxy, dict_view::proxy::METHODS),
    (ClassId::Set, shared::container::METHODS),
    (ClassId::Set, shared::membership::METHODS),
    (ClassId::Set, shared::comparing::METHODS),
    (ClassId::Set, shared::showing::METHODS),
    (ClassId::Set, shared::generic::METHODS),
    (ClassId::Set, set::common::METHODS),
    (ClassId::Set, set::methods::METHODS),
    (ClassId::FrozenSet, shared::container::METHODS),
    (ClassId::FrozenSet, shared::membership::METHODS),
    (ClassId::FrozenSet, shared::comparing::METHODS),
    (ClassId::FrozenSet, shared::hashing::METHODS),
    (ClassId::FrozenSet, shared::showing::METHODS),
    (ClassId::FrozenSet, shared::generic::METHODS),
    (ClassId::FrozenSet, set::common::METHODS),
    (ClassId::FrozenSet, set::frozen::METHODS),
    (ClassId::Range, shared::container::METHODS),
    (ClassId::Range, shared::membership::METHODS),
    (ClassId::Range, shared::subscript::METHODS),
    (ClassId::Range, shared::comparing::METHODS),
    (ClassId::Range, range::methods::METHODS),
    (ClassId::Slice, shared::comparing::METHODS),
    (ClassId::Slice, range::slice::METHODS),
    (ClassId::Enumerate, iterator::stepping::METHODS),
    (ClassId::Enumerate, iterator::enumerate::METHODS),
    (ClassId::Zip, iterator::stepping::METHODS),
    (ClassId::Zip, iterator::zip::METHODS),
    (ClassId::Map, iterator::stepping::METHODS),
    (ClassId::Map, iterator::map::METHODS),
    (ClassId::Filter, iterator::stepping::METHODS),
    (ClassId::Filter, iterator::filter::METHODS),
    (ClassId::Reversed, iterator::methods::METHODS),
    (ClassId::Reversed, iterator::reversed::METHODS),
    (ClassId::CallIterator, iterator::methods::METHODS),
    (ClassId::Function, function::methods::METHODS),
    (ClassId::Method, function::bound::METHODS),
    (ClassId::Cell, function::cell::METHODS),
    (ClassId::BuiltinFunction, native::methods::METHODS),
    (ClassId::MethodDescriptor, native::methods::METHODS),
    (ClassId::SlotWrapper, native::methods::METHODS),
    (ClassId::MethodWrapper, native::methods::METHODS),
    (ClassId::ClassMethodDescriptor, native::methods::METHODS),
    (ClassId::GetSetDescriptor, native::descriptor::METHODS),
    (ClassId::MemberDescriptor, native::descriptor::METHODS),
    (ClassId::Property, property::methods::METHODS),
    (ClassId::StaticMethod, property::wrapping::METHODS),
    (ClassId::StaticMethod, property::static_method::METHODS),
    (ClassId::ClassMethod, property::wrapping::METHODS),
    (ClassId::ClassMethod, property::class_method::METHODS),
    (ClassId::NoneType, plain::none::METHODS),
    (ClassId::NoneType, shared::showing::METHODS),
    (ClassId::NotImplementedType, plain::not_implemented::METHODS),
    (ClassId::NotImplementedType, shared::showing::METHODS),
    (ClassId::EllipsisType, plain::ellipsis::METHODS),
    (ClassId::EllipsisType, shared::showing::METHODS),
    (ClassId::Super, plain::super_object::METHODS),
    (ClassId::Module, plain::module::METHODS),
    (ClassId::WeakRef, plain::weakref::METHODS),
    (ClassId::Code, code::methods::METHODS),
    (ClassId::Traceback, code::traceback::METHODS),
    (ClassId::Frame, code::frame::METHODS),
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

/// Iterators that are nothing but that.
const ITERATORS: &[ClassId] = &[
    ClassId::ListIterator,
    ClassId::ListReverseIterator,
    ClassId::TupleIterator,
    ClassId::StrIterator,
    ClassId::BytesIterator,
    ClassId::ByteArrayIterator,
    ClassId::RangeIterator,
    ClassId::LongRangeIterator,
    ClassId::SetIterator,
    ClassId::DictKeyIterator,
    ClassId::DictValueIterator,
    ClassId::DictItemIterator,
    ClassId::DictReverseKeyIterator,
    ClassId::DictReverseValueIterator,
    ClassId::DictReverseItemIterator,
    ClassId::SequenceIterator,
    ClassId::MemoryIterator,
];

/// Classes whose instances cannot be hashed.
const UNHASHABLE: &[ClassId] =
    &[ClassId::List, ClassId::Dict, ClassId::Set, ClassId::ByteArray, ClassId::DictKeys, ClassId::DictItems];

/// Puts all methods into their classes.
pub fn install(cx: &mut Ctx) {
    for (class, methods) in TABLE {
        cx.install(*class, methods);
    }
    for &class in ITERATORS {
        cx.install(class, iterator::methods::METHODS);
    }
    super::docs::install(cx);
    let hash = cx.names().__hash__;
    for &id in UNHASHABLE {
        let class = cx.class(id);
        class.dict().set_str(cx, hash, crate::value::Value::NONE);
        cx.class_changed(class);
    }
}
