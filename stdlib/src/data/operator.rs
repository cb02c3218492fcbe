//! operator: the operators as functions.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::Behavior;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};
use conc_macros::module;

/// Slots: tuple of keys.
static ITEM_GETTER: Behavior = Behavior::named("operator.itemgetter");
/// Slots: tuple of dotted names.
static ATTR_GETTER: Behavior = Behavior::named("operator.attrgetter");
/// Slots: name, tuple of arguments, dict of keywords or None.
static METHOD_CALLER: Behavior = Behavior::named("operator.methodcaller");

/// Follows a dotted name.
fn dotted(cx: &mut Ctx, object: Value, name: Gc<Str>) -> R {
    let text = name.as_bytes();
    if !text.contains(&b'.') {
        return cx.get_attr(object, name);
    }
    let mut object = object;
    for part in text.split(|c| *c == b'.') {
        let part = cx.intern_bytes(part);
        object = cx.get_attr(object, part)?;
    }
    Ok(object)
}

/// Operator interface.
#[module(name = "operator")]
pub mod functions {
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::arith::{BinaryOp, UnaryOp};
    use conc_interpreter::object::compare::CompareOp;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    use crate::core::shared;
    use crate::data::boxes::native_class;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        native_class(cx, module, "itemgetter", super::item_getter::METHODS);
        native_class(cx, module, "attrgetter", super::attr_getter::METHODS);
        native_class(cx, module, "methodcaller", super::method_caller::METHODS);
        let plain = [
            "add",
            "sub",
            "mul",
            "truediv",
            "floordiv",
            "mod",
            "pow",
            "matmul",
            "lshift",
            "rshift",
            "and_",
            "or_",
            "xor",
            "lt",
            "le",
            "eq",
            "ne",
            "ge",
            "gt",
            "not_",
            "abs",
            "index",
            "inv",
            "invert",
            "neg",
            "pos",
            "concat",
            "contains",
            "delitem",
            "getitem",
            "setitem",
            "call",
            "iadd",
            "isub",
            "imul",
            "itruediv",
            "ifloordiv",
            "imod",
            "ipow",
            "imatmul",
            "ilshift",
            "irshift",
            "iand",
            "ior",
            "ixor",
            "iconcat",
        ];
        for name in plain {
            let (key, dunder) = (cx.intern(name), cx.intern(&format!("__{}__", name.trim_end_matches('_'))));
            if let Some(f) = module.dict().get_str(cx, key) {
                module.dict().set_str(cx, dunder, f);
            }
        }
        let all = cx.new_list();
        for (key, _) in module.dict().pairs() {
            let name = cx.text_of(key);
            if !name.starts_with('_') {
                cx.list_push(all, key)?;
            }
        }
        shared::call_method(cx, all.value(), "sort", &[])?;
        shared::define(cx, module, "__all__", all.value());
        Ok(())
    }

    /// Give a + b.
    pub fn add(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::Add, a, b)
    }

    /// Give a - b.
    pub fn sub(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::Sub, a, b)
    }

    /// Give a * b.
    pub fn mul(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::Mul, a, b)
    }

    /// Give a / b.
    pub fn truediv(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::Div, a, b)
    }

    /// Give a // b.
    pub fn floordiv(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::FloorDiv, a, b)
    }

    /// Give a % b.
    pub fn r#mod(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::Mod, a, b)
    }

    /// Give a ** b.
    pub fn pow(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::Pow, a, b)
    }

    /// Give a @ b.
    pub fn matmul(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::MatMul, a, b)
    }

    /// Give a << b.
    pub fn lshift(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::LShift, a, b)
    }

    /// Give a >> b.
    pub fn rshift(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::RShift, a, b)
    }

    /// Give a & b.
    pub fn and_(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::And, a, b)
    }

    /// Give a | b.
    pub fn or_(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::Or, a, b)
    }

    /// Give a ^ b.
    pub fn xor(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary(BinaryOp::Xor, a, b)
    }

    /// Give a < b.
    pub fn lt(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.compare(CompareOp::Lt, a, b)
    }

    /// Give a <= b.
    pub fn le(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.compare(CompareOp::Le, a, b)
    }

    /// Give a == b.
    pub fn eq(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.compare(CompareOp::Eq, a, b)
    }

    /// Give a != b.
    pub fn ne(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.compare(CompareOp::Ne, a, b)
    }

    /// Give a >= b.
    pub fn ge(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.compare(CompareOp::Ge, a, b)
    }

    /// Give a > b.
    pub fn gt(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.compare(CompareOp::Gt, a, b)
    }

    /// Do a += b and give a.
    pub fn iadd(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::Add, a, b)
    }

    /// Do a -= b and give a.
    pub fn isub(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::Sub, a, b)
    }

    /// Do a *= b and give a.
    pub fn imul(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::Mul, a, b)
    }

    /// Do a /= b and give a.
    pub fn itruediv(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::Div, a, b)
    }

    /// Do a //= b and give a.
    pub fn ifloordiv(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::FloorDiv, a, b)
    }

    /// Do a %= b and give a.
    pub fn imod(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::Mod, a, b)
    }

    /// Do a **= b and give a.
    pub fn ipow(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::Pow, a, b)
    }

    /// Do a @= b and give a.
    pub fn imatmul(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::MatMul, a, b)
    }

    /// Do a <<= b and give a.
    pub fn ilshift(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::LShift, a, b)
    }

    /// Do a >>= b and give a.
    pub fn irshift(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::RShift, a, b)
    }

    /// Do a &= b and give a.
    pub fn iand(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::And, a, b)
    }

    /// Do a |= b and give a.
    pub fn ior(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::Or, a, b)
    }

    /// Do a ^= b and give a.
    pub fn ixor(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.binary_in_place(BinaryOp::Xor, a, b)
    }

    /// Give not a.
    pub fn not_(cx: &mut Ctx, a: Value) -> R<bool> {
        Ok(!cx.truth(a)?)
    }

    /// Tell whether a counts as true.
    pub fn truth(cx: &mut Ctx, a: Value) -> R<bool> {
        cx.truth(a)
    }

    /// Give a is b.
    pub fn is_(a: Value, b: Value) -> bool {
        a.is(b)
    }

    /// Give a is not b.
    pub fn is_not(a: Value, b: Value) -> bool {
        !a.is(b)
    }

    /// Give the absolute value of a.
    pub fn abs(cx: &mut Ctx, a: Value) -> R {
        crate::core::numbers::abs(cx, a)
    }

    /// Give the int that a stands for as an index.
    pub fn index(cx: &mut Ctx, a: Value) -> R {
        cx.index(a)
    }

    /// Give ~a.
    pub fn inv(cx: &mut Ctx, a: Value) -> R {
        cx.unary(UnaryOp::Invert, a)
    }

    /// Give ~a.
    pub fn invert(cx: &mut Ctx, a: Value) -> R {
        cx.unary(UnaryOp::Invert, a)
    }

    /// Give -a.
    pub fn neg(cx: &mut Ctx, a: Value) -> R {
        cx.unary(UnaryOp::Neg, a)
    }

    /// Give +a.
    pub fn pos(cx: &mut Ctx, a: Value) -> R {
        cx.unary(UnaryOp::Pos, a)
    }

    fn is_sequence(cx: &mut Ctx, v: Value) -> bool {
        let (n, dict) = (cx.names().__getitem__, v.is_a::<conc_interpreter::object::dict::Dict>());
        !dict && cx.lookup_special(v, n).is_some()
    }

    fn check_concat(cx: &mut Ctx, a: Value, b: Value) -> R<()> {
        if !is_sequence(cx, a) {
            let got = cx.type_name(a);
            return Err(cx.type_error(format!("'{got}' object can't be concatenated")));
        }
        let _ = b;
        Ok(())
    }

    /// Give a + b of two sequences.
    pub fn concat(cx: &mut Ctx, a: Value, b: Value) -> R {
        check_concat(cx, a, b)?;
        cx.binary(BinaryOp::Add, a, b)
    }

    /// Do a += b with sequences and give a.
    pub fn iconcat(cx: &mut Ctx, a: Value, b: Value) -> R {
        check_concat(cx, a, b)?;
        cx.binary_in_place(BinaryOp::Add, a, b)
    }

    /// Give b in a: the container comes first.
    pub fn contains(cx: &mut Ctx, a: Value, b: Value) -> R<bool> {
        cx.contains(a, b)
    }

    /// Count the items of a that are b or equal to it.
    #[name = "countOf"]
    pub fn count_of(cx: &mut Ctx, a: Value, b: Value) -> R<i64> {
        let mut count = 0;
        cx.for_each(a, |cx, item| {
            count += i64::from(cx.same(item, b)?);
            Ok(())
        })?;
        Ok(count)
    }

    /// Find the first item of a that is b or equal to it and give its index.
    #[name = "indexOf"]
    pub fn index_of(cx: &mut Ctx, a: Value, b: Value) -> R<i64> {
        let source = cx.iter(a)?;
        let mut i = 0;
        while let Some(item) = cx.next(source)? {
            if cx.same(item, b)? {
                return Ok(i);
            }
            i += 1;
            cx.poll()?;
        }
        Err(cx.value_error("sequence.index(x): x not in sequence"))
    }

    /// Do del a[b].
    pub fn delitem(cx: &mut Ctx, a: Value, b: Value) -> R<()> {
        cx.del_item(a, b)
    }

    /// Give a[b].
    pub fn getitem(cx: &mut Ctx, a: Value, b: Value) -> R {
        cx.get_item(a, b)
    }

    /// Do a[b] = c.
    pub fn setitem(cx: &mut Ctx, a: Value, b: Value, c: Value) -> R<()> {
        cx.set_item(a, b, c)
    }

    /// Guess how many items the object has, for reserving room.
    pub fn length_hint(cx: &mut Ctx, obj: Value, #[default(Value::small_int(0))] default: Value) -> R {
        if !cx.is_int(default) {
            let got = cx.type_name(default);
            return Err(cx.type_error(format!("'{got}' object cannot be interpreted as an integer")));
        }
        let n = cx.names();
        if cx.native_len(obj).is_some() || cx.lookup_special(obj, n.__len__).is_some() {
            let len = cx.len(obj)?;
            return Ok(cx.int(len as i64));
        }
        match cx.call_special(obj, n.__length_hint__, &[])? {
            None | Some(Value::NOT_IMPLEMENTED) => Ok(default),
            Some(hint) if !cx.is_int(hint) => {
                let got = cx.type_name(hint);
                Err(cx.type_error(format!("__length_hint__ must be an integer, not {got}")))
            }
            Some(hint) if cx.lt(hint, Value::small_int(0))? => {
                Err(cx.value_error("__length_hint__() should return >= 0"))
            }
            Some(hint) => Ok(hint),
        }
    }

    /// Call obj with the other arguments.
    pub fn call(cx: &mut Ctx, obj: Value, args: &[Value], kwargs: Kwargs) -> R {
        shared::call_with_dict(cx, obj, args, kwargs.0)
    }

    /// Tell whether a and b are equal, in a time that does not depend on where they differ.
    pub fn _compare_digest(cx: &mut Ctx, a: Value, b: Value) -> R<bool> {
        use conc_interpreter::object::string::Str;
        let (a, b) = match (a.cast::<Str>(), b.cast::<Str>()) {
            (Some(a), Some(b)) if a.is_ascii() && b.is_ascii() => (a.as_bytes().to_vec(), b.as_bytes().to_vec()),
            (Some(_), Some(_)) => {
                return Err(cx.type_error("comparing strings with non-ASCII characters is not supported"));
            }
            (None, None) => (cx.byte_vec(a)?, cx.byte_vec(b)?),
            _ => {
                let (x, y) = (cx.type_name(a), cx.type_name(b));
                let message = format!("unsupported operand types(s) or combination of types: '{x}' and '{y}'");
                return Err(cx.type_error(message));
            }
        };
        let differing = a.iter().zip(&b).fold(0, |d, (x, y)| d | (x ^ y));
        Ok(differing == 0 && a.len() == b.len())
    }
}

#[conc_macros::methods]
pub mod item_getter {
    use super::ITEM_GETTER;
    use crate::data::boxes::{make, receiver, show_call};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    /// Make a function that gives the item at a key, or with several keys a tuple of items.
    ///
    /// itemgetter(1)(x) is x[1]; itemgetter(1, 'b')(x) is (x[1], x['b']).
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, items: &[Value]) -> R {
        if items.is_empty() {
            return Err(cx.type_error("itemgetter expected 1 argument, got 0"));
        }
        let all = cx.list(items)?;
        let all = cx.list_to_tuple(all)?;
        Ok(make(cx, class, &ITEM_GETTER, &[all]).value())
    }

    /// Run the object the way a function is run.
    pub fn __call__(cx: &mut Ctx, this: Value, obj: Value) -> R {
        let getter = receiver(cx, this, &ITEM_GETTER)?;
        let Some(keys) = getter.slots()[0].get().cast::<Tuple>() else { return Ok(Value::NONE) };
        if let [only] = keys.items() {
            return cx.get_item(obj, *only);
        }
        let values = cx.new_list();
        for &key in keys.items() {
            let value = cx.get_item(obj, key)?;
            cx.list_push(values, value)?;
        }
        cx.list_to_tuple(values)
    }

    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<Gc<Str>> {
        let getter = receiver(cx, this, &ITEM_GETTER)?;
        let Some(keys) = getter.slots()[0].get().cast::<Tuple>() else { return cx.repr(Value::NONE) };
        let call = show_call(cx, this, keys.items())?;
        let text = format!("operator.{}", call.to_text());
        cx.try_wtf8(text.as_bytes())
    }

    pub fn __reduce__(cx: &mut Ctx, this: Value) -> R {
        let keys = receiver(cx, this, &ITEM_GETTER)?.slots()[0].get();
        let class = cx.class_of(this).value();
        cx.tuple(&[class, keys])
    }
}

#[conc_macros::methods]
pub mod attr_getter {
    use super::{ATTR_GETTER, dotted};
    use crate::data::boxes::{make, receiver, show_call};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    /// Make a function that gives the attribute of a name, or with several names a tuple of attributes.
    ///
    /// attrgetter('a.b')(x) is x.a.b; attrgetter('a', 'b')(x) is (x.a, x.b).
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, attrs: &[Value]) -> R {
        if attrs.is_empty() {
            return Err(cx.type_error("attrgetter expected 1 argument, got 0"));
        }
        let all = cx.list(attrs)?;
        let all = cx.list_snapshot(all)?;
        if all.items().iter().any(|a| !a.is_a::<Str>()) {
            return Err(cx.type_error("attribute name must be a string"));
        }
        Ok(make(cx, class, &ATTR_GETTER, &[all.value()]).value())
    }

    /// Run the object the way a function is run.
    pub fn __call__(cx: &mut Ctx, this: Value, obj: Value) -> R {
        let getter = receiver(cx, this, &ATTR_GETTER)?;
        let Some(names) = getter.slots()[0].get().cast::<Tuple>() else { return Ok(Value::NONE) };
        if let [only] = names.items()
            && let Some(name) = only.cast::<Str>()
        {
            return dotted(cx, obj, name);
        }
        let values = cx.new_list();
        for name in names.items().iter().filter_map(|n| n.cast::<Str>()) {
            let value = dotted(cx, obj, name)?;
            cx.list_push(values, value)?;
        }
        cx.list_to_tuple(values)
    }

    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<Gc<Str>> {
        let getter = receiver(cx, this, &ATTR_GETTER)?;
        let Some(names) = getter.slots()[0].get().cast::<Tuple>() else { return cx.repr(Value::NONE) };
        let call = show_call(cx, this, names.items())?;
        let text = format!("operator.{}", call.to_text());
        cx.try_wtf8(text.as_bytes())
    }

    pub fn __reduce__(cx: &mut Ctx, this: Value) -> R {
        let names = receiver(cx, this, &ATTR_GETTER)?.slots()[0].get();
        let class = cx.class_of(this).value();
        cx.tuple(&[class, names])
    }
}

#[conc_macros::methods]
pub mod method_caller {
    use super::METHOD_CALLER;
    use crate::core::shared::call_with_dict;
    use crate::data::boxes::{make, receiver};
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::dict::Dict;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    /// Make a function that calls the method of a name.
    ///
    /// methodcaller('m', 1, k=2)(x) is x.m(1, k=2).
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, args: &[Value], kwargs: Kwargs) -> R {
        let [name, args @ ..] = args else {
            return Err(cx.type_error("methodcaller needs at least one argument, the method name"));
        };
        if !name.is_a::<Str>() {
            return Err(cx.type_error("method name must be a string"));
        }
        let args = cx.tuple(args)?;
        let keywords = kwargs.0.map_or(Value::NONE, |k| k.value());
        Ok(make(cx, class, &METHOD_CALLER, &[*name, args, keywords]).value())
    }

    /// Run the object the way a function is run.
    pub fn __call__(cx: &mut Ctx, this: Value, obj: Value) -> R {
        let caller = receiver(cx, this, &METHOD_CALLER)?;
        let slots = caller.slots();
        let (Some(name), Some(args)) = (slots[0].get().cast::<Str>(), slots[1].get().cast::<Tuple>()) else {
            return Ok(Value::NONE);
        };
        let method = cx.get_attr(obj, name)?;
        call_with_dict(cx, method, args.items(), slots[2].get().cast::<Dict>())
    }

    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<Gc<Str>> {
        let caller = receiver(cx, this, &METHOD_CALLER)?;
        let slots = caller.slots();
        let mut out = b"operator.methodcaller(".to_vec();
        cx.write_repr(slots[0].get(), &mut out)?;
        if let Some(args) = slots[1].get().cast::<Tuple>() {
            for &a in args.items() {
                out.extend_from_slice(b", ");
                cx.write_repr(a, &mut out)?;
            }
        }
        if let Some(keywords) = slots[2].get().cast::<Dict>() {
            for (k, v) in keywords.pairs() {
                let name = cx.to_str(k)?;
                out.extend_from_slice(b", ");
                out.extend_from_slice(name.as_bytes());
                out.push(b'=');
                cx.write_repr(v, &mut out)?;
            }
        }
        out.push(b')');
        cx.try_wtf8(&out)
    }

    pub fn __reduce__(cx: &mut Ctx, this: Value) -> R {
        let caller = receiver(cx, this, &METHOD_CALLER)?;
        let class = cx.class_of(this).value();
        let (name, args, keywords) = (caller.slots()[0].get(), caller.slots()[1].get(), caller.slots()[2].get());
        if keywords.is_none() {
            let all = cx.list(&[name])?;
            cx.list_extend(all, args)?;
            let all = cx.list_to_tuple(all)?;
            return cx.tuple(&[class, all]);
        }
        let functools = crate::core::shared::import(cx, "functools")?;
        let partial = cx.get_attr_text(functools, "partial")?;
        let maker = call_with_dict(cx, partial, &[class, name], keywords.cast::<Dict>())?;
        cx.tuple(&[maker, args])
    }
}
