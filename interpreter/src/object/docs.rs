//! The documentation strings of the builtin classes.

use crate::native::Ctx;
use crate::object::kind::{CLASSES, ClassId};
use crate::value::Value;

/// One row per documented class.
static DOCS: &[(ClassId, &str)] = &[
    (ClassId::Object, "The base of all classes."),
    (
        ClassId::Type,
        "type(object) -> which class the object has\ntype(name, bases, dict, **kwds) -> a class made from these parts",
    ),
    (
        ClassId::Int,
        "int(x=0) -> the integer nearest to zero from x\nint(text, base=10) -> the integer that the text names",
    ),
    (ClassId::Bool, "bool(object=False) -> True or False, as the object counts in a condition"),
    (ClassId::Float, "A floating-point number of double precision."),
    (ClassId::Complex, "A complex number: a real and an imaginary part."),
    (
        ClassId::Str,
        "str(object='') -> the object as text\nstr(bytes, encoding, errors) -> the text that the bytes encode",
    ),
    (ClassId::Bytes, "An immutable sequence of bytes."),
    (ClassId::ByteArray, "A mutable sequence of bytes."),
    (ClassId::MemoryView, "A view of the memory of another object."),
    (
        ClassId::List,
        "A mutable sequence.\n\nWithout an argument it is empty; otherwise it has the items of the iterable.",
    ),
    (
        ClassId::Tuple,
        "An immutable sequence.\n\nWithout an argument it is empty; otherwise it has the items of the iterable.",
    ),
    (
        ClassId::Dict,
        "dict() -> an empty dictionary\ndict(mapping) -> a copy of the mapping\ndict(pairs) -> from (key, value) pairs",
    ),
    (ClassId::Set, "A collection of distinct items in no set order."),
    (ClassId::FrozenSet, "A set that never changes once made."),
    (ClassId::Range, "range(stop) -> the numbers from 0 up to stop\nrange(start, stop, step=1) -> from start in steps"),
    (
        ClassId::Slice,
        "slice(stop)\nslice(start, stop[, step])\n\nThe part of a sequence that an index expression selects.",
    ),
    (ClassId::ClassMethod, "Makes a function a method of the class: it gets the class as first argument."),
    (ClassId::StaticMethod, "Makes a function a plain attribute of the class: it gets no first argument."),
    (ClassId::Property, "An attribute whose reading, writing and deleting are done by functions."),
    (ClassId::Super, "super() -> the next class's methods, bound to the current object"),
    (ClassId::Reversed, "An iterator over a sequence from its end."),
    (ClassId::Enumerate, "An iterator over (number, item) pairs."),
    (ClassId::Zip, "An iterator over tuples of items from several iterables."),
    (ClassId::Map, "An iterator over a function's results for the items of iterables."),
    (ClassId::Filter, "An iterator over the items for which a function says true."),
    (ClassId::BaseException, "The base of all exceptions."),
    (ClassId::Exception, "The base of all exceptions that programs are meant to handle."),
];

/// Gives every builtin class a `__doc__`, None for most.
pub fn install(cx: &mut Ctx) {
    let name = cx.names().__doc__;
    for row in CLASSES {
        let class = cx.class(row.id);
        if class.dict().get_str(cx, name).is_some() {
            continue;
        }
        let doc = text(cx, row.id as u32);
        class.dict().set_str(cx, name, doc);
        cx.class_changed(class);
    }
}

/// The documentation of a builtin class, or None.
pub fn text(cx: &mut Ctx, id: u32) -> Value {
    match DOCS.iter().find(|(row, _)| *row as u32 == id) {
        Some((_, text)) => cx.str(text),
        None => Value::NONE,
    }
}
