//! _collections: the native side of collections.

use conc_interpreter::object::misc::Behavior;
use conc_macros::module;

/// Slots: the index.
static TUPLE_GETTER: Behavior = Behavior::named("_tuplegetter");

/// What collections is made of.
#[module(name = "_collections")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::arith::BinaryOp;
    use conc_interpreter::object::class::{Class, class_flag};
    use conc_interpreter::object::dict::Dict;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    use crate::data::boxes::{iterator_class, native_class};
    use crate::data::deque;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let class = native_class(cx, module, "deque", deque::methods::METHODS);
        class.set_flag(class_flag::SEQUENCE, true);
        let names = cx.names();
        class.dict().set_str(cx, names.__hash__, Value::NONE);
        iterator_class(cx, module, "_deque_iterator", &[]);
        iterator_class(cx, module, "_deque_reverse_iterator", &[]);
        let getter = native_class(cx, module, "_tuplegetter", super::tuple_getter::METHODS);
        cx.allow_attributes(getter);
        Ok(())
    }

    /// Add the number of times each item occurs to the mapping's counts.
    pub fn _count_elements(cx: &mut Ctx, mapping: Value, iterable: Value) -> R<()> {
        let Some(dict) = mapping.cast::<Dict>() else { return Err(cx.type_error("a dict is needed")) };
        let one = Value::small_int(1);
        cx.for_each(iterable, |cx, item| {
            let hash = cx.hash(item)?;
            let count = match dict.get(cx, item)? {
                Some(n) if n.is_int() => cx.int(n.int() + 1),
                Some(n) => cx.binary(BinaryOp::Add, n, one)?,
                None => one,
            };
            dict.set_hashed(cx, item, hash, count)
        })
    }

    /// Gives a subclass of dict the `__missing__` of defaultdict.
    pub fn _install_missing(cx: &mut Ctx, class: Gc<Class>) {
        cx.install_in(class, super::missing::METHODS);
    }

    /// Moves a key of a dict before all others.
    pub fn _to_front(cx: &mut Ctx, dict: Gc<Dict>, key: Value) -> R<()> {
        let Some(value) = dict.remove(cx, key)? else { return Err(cx.key_error(key)) };
        let rest = cx.new_list();
        for (k, v) in dict.pairs() {
            cx.list_push(rest, k)?;
            cx.list_push(rest, v)?;
        }
        dict.clear(cx);
        dict.set(cx, key, value)?;
        let rest = cx.list_snapshot(rest)?;
        for pair in rest.items().chunks(2) {
            dict.set(cx, pair[0], pair[1])?;
        }
        Ok(())
    }

    /// Says how pattern matching takes instances of a class: as a sequence, as a mapping, or as neither.
    pub fn _mark_pattern(class: Gc<Class>, kind: Value) {
        let kind = kind.cast::<conc_interpreter::object::string::Str>();
        let is = |text: &str| kind.is_some_and(|k| k.eq_text(text));
        class.set_flag(class_flag::SEQUENCE, is("sequence"));
        class.set_flag(class_flag::MAPPING, is("mapping"));
    }
}

/// What `defaultdict` gets.
#[conc_macros::methods]
pub mod missing {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::value::Value;

    /// Called by __getitem__ for a missing key: makes a value with default_factory and stores it.
    pub fn __missing__(cx: &mut Ctx, this: Value, key: Value) -> R {
        let factory = cx.get_attr_text(this, "default_factory")?;
        if factory.is_none() {
            return Err(cx.key_error(key));
        }
        let value = cx.call(factory, &[])?;
        cx.set_item(this, key, value)?;
        Ok(value)
    }
}

/// The descriptor of a named tuple's field.
#[conc_macros::methods]
pub mod tuple_getter {
    use super::TUPLE_GETTER;
    use crate::data::boxes::{make, number, receiver};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::value::{Gc, Value};

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, index: i64, doc: Value) -> R {
        let getter = make(cx, class, &TUPLE_GETTER, &[Value::small_int(index)]).value();
        let name = cx.names().__doc__;
        cx.set_instance_attr(getter, name, doc)?;
        Ok(getter)
    }

    pub fn __get__(cx: &mut Ctx, this: Value, object: Value, _owner: Option<Value>) -> R {
        if object.is_none() {
            return Ok(this);
        }
        let index = number(&*receiver(cx, this, &TUPLE_GETTER)?, 0);
        let Some(tuple) = object.cast::<Tuple>() else {
            let got = cx.type_name(object);
            let message =
                format!("descriptor for index '{index}' for tuple subclasses doesn't apply to '{got}' object");
            return Err(cx.type_error(message));
        };
        match tuple.items().get(index as usize) {
            Some(item) => Ok(*item),
            None => Err(cx.index_error("tuple index out of range")),
        }
    }

    pub fn __repr__(cx: &mut Ctx, this: Value) -> R {
        let index = number(&*receiver(cx, this, &TUPLE_GETTER)?, 0);
        let name = cx.names().__doc__;
        let doc = cx.instance_attr(this, name).unwrap_or(Value::NONE);
        let doc = cx.repr(doc)?;
        Ok(cx.str(&format!("_tuplegetter({index}, {})", doc.to_text())))
    }

    pub fn __reduce__(cx: &mut Ctx, this: Value) -> R {
        let index = receiver(cx, this, &TUPLE_GETTER)?.slots()[0].get();
        let name = cx.names().__doc__;
        let doc = cx.instance_attr(this, name).unwrap_or(Value::NONE);
        let (class, args) = (cx.class_of(this).value(), cx.tuple(&[index, doc])?);
        cx.tuple(&[class, args])
    }

    pub fn __set__(cx: &mut Ctx, _this: Value, _object: Value, _value: Value) -> R<()> {
        Err(cx.attribute_error("can't set attribute"))
    }

    pub fn __delete__(cx: &mut Ctx, _this: Value, _object: Value) -> R<()> {
        Err(cx.attribute_error("can't delete attribute"))
    }
}
