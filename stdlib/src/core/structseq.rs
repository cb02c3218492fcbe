//! Struct sequences: tuples whose items also have names, such as time.struct_time and os.stat_result.

use conc_interpreter::native::{Args, Ctx, NativeDef, Param, ParamKind, R, Role};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};

use super::shared::{recall_class, remember, set_text};

/// A struct sequence as declared.
pub struct Layout {
    pub module: &'static str,
    pub name: &'static str,
    /// Names of the items.
    pub fields: &'static [&'static str],
    /// Names of values that are no items.
    pub extra: &'static [&'static str],
    /// Scripts cannot make instances.
    pub closed: bool,
}

fn get_field(cx: &mut Ctx, args: Args<'_>) -> R {
    let (index, this) = (args.get(0), args.get(1));
    match this.cast::<Tuple>() {
        Some(t) => Ok(t.items().get(index.int() as usize).copied().unwrap_or(Value::NONE)),
        None => Err(cx.type_error("a struct sequence is required")),
    }
}

const FIELD_PARAMS: &[Param] = &[
    Param { name: "index", kind: ParamKind::PositionalOnly, required: true, default: "" },
    Param { name: "self", kind: ParamKind::PositionalOnly, required: true, default: "" },
];

/// The getter of all fields: bound to the field's index.
static FIELD: NativeDef = NativeDef::new("field", "", Role::Function, FIELD_PARAMS, get_field);

/// The class of a layout, made at its first use in an interpreter.
pub fn class_of(cx: &mut Ctx, layout: &'static Layout) -> R<Gc<Class>> {
    let key = format!("{}.{}", layout.module, layout.name);
    if let Some(class) = recall_class(cx, &key) {
        return Ok(class);
    }
    let bases = [cx.class(ClassId::Tuple).value()];
    let bases = cx.tuple(&bases)?;
    let bases = cx.collect_tuple(bases)?;
    let namespace = cx.new_dict();
    let module = cx.str(layout.module);
    set_text(cx, namespace, "__module__", module);
    let counts = [
        ("n_fields", layout.fields.len() + layout.extra.len()),
        ("n_sequence_fields", layout.fields.len()),
        ("n_unnamed_fields", 0),
    ];
    for (name, count) in counts {
        set_text(cx, namespace, name, Value::small_int(count as i64));
    }
    let names = name_tuple(cx, layout.fields)?;
    set_text(cx, namespace, "__match_args__", names);
    let extra = name_tuple(cx, layout.extra)?;
    set_text(cx, namespace, "_extra_fields", extra);
    let name = cx.intern(layout.name);
    let meta = cx.class(ClassId::Type);
    let class = cx.make_class(meta, name, bases, namespace, None)?;
    cx.install_in(class, if layout.closed { closed::METHODS } else { methods::METHODS });
    for (i, field) in layout.fields.iter().enumerate() {
        // A value that is no item goes by the name instead of the item.
        if layout.extra.contains(field) {
            continue;
        }
        let name = cx.intern(field);
        let index = Value::small_int(i as i64);
        let getter = cx.new_native(&FIELD, ClassId::BuiltinFunction, index, Value::NONE).value();
        let descriptor = cx.new_wrapper(ClassId::GetSetDescriptor, getter, Value::UNBOUND, class.value(), name.value());
        class.dict().set_str(cx, name, descriptor.value());
    }
    cx.class_changed(class);
    remember(cx, &key, class.value());
    Ok(class)
}

fn name_tuple(cx: &mut Ctx, names: &[&str]) -> R {
    let list = cx.new_list();
    for name in names {
        let name = cx.intern(name).value();
        cx.list_push(list, name)?;
    }
    cx.list_to_tuple(list)
}

/// An instance with these items, and these values that are no items.
pub fn build(cx: &mut Ctx, layout: &'static Layout, items: &[Value], extra: &[Value]) -> R {
    let class = class_of(cx, layout)?;
    let object = cx.new_tuple_of(class, items)?;
    for (name, &value) in layout.extra.iter().zip(extra) {
        let name = cx.intern(name);
        cx.set_instance_attr(object, name, value)?;
    }
    Ok(object)
}

/// A class attribute as a tuple of names.
fn names_of(cx: &mut Ctx, class: Gc<Class>, attribute: &str) -> R<Gc<Tuple>> {
    let names = cx.get_attr_text(class.value(), attribute)?;
    cx.collect_tuple(names)
}

fn title(cx: &mut Ctx, class: Gc<Class>) -> String {
    cx.qualified_name(class)
}

/// Makes an instance from a sequence of items, then of the other values.
pub fn from_sequence(cx: &mut Ctx, class: Gc<Class>, sequence: Value) -> R {
    let name = cx.names().__iter__;
    if cx.lookup_special(sequence, name).is_none() {
        return Err(cx.type_error("constructor requires a sequence"));
    }
    let given = cx.collect_tuple(sequence)?;
    let (fields, extra) = (names_of(cx, class, "__match_args__")?, names_of(cx, class, "_extra_fields")?);
    let (least, most) = (fields.len, fields.len + extra.len);
    if given.len < least || given.len > most {
        let title = title(cx, class);
        let (word, bound) = if given.len < least { ("at least ", least) } else { ("at most ", most) };
        let word = if least == most {
            "a "
        } else if word == "at least " {
            "an at least "
        } else {
            "an at most "
        };
        let message = format!("{title}() takes {word}{bound}-sequence ({}-sequence given)", given.len);
        return Err(cx.type_error(message));
    }
    let object = cx.new_tuple_of(class, &given.items()[..least])?;
    for (i, name) in extra.items().iter().enumerate() {
        if let Some(name) = name.cast::<Str>() {
            let value = given.items().get(least + i).copied().unwrap_or(Value::NONE);
            cx.set_instance_attr(object, name, value)?;
        }
    }
    Ok(object)
}

/// `module.name(field=value, ...)`
pub fn repr(cx: &mut Ctx, this: Gc<Tuple>) -> R<String> {
    let class = cx.class_of(this.value());
    let fields = names_of(cx, class, "__match_args__")?;
    let mut out = title(cx, class);
    out.push('(');
    for (i, (name, &item)) in fields.items().iter().zip(this.items()).enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        let shown = cx.repr(item)?;
        out.push_str(&format!("{}={}", cx.text_of(*name), shown.to_text()));
    }
    out.push(')');
    Ok(out)
}

/// Methods of all struct sequences.
#[conc_macros::methods]
pub mod methods {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::value::{Gc, Value};

    /// Makes an instance from a sequence.
    #[static_method]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        #[kw] sequence: Value,
        #[kw]
        #[default(Value::NONE)]
        _dict: Value,
    ) -> R {
        super::from_sequence(cx, class, sequence)
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Tuple>) -> R<String> {
        super::repr(cx, this)
    }

    /// For pickling and copying.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Tuple>) -> R {
        let class = cx.class_of(this.value()).value();
        let plain = cx.tuple(this.items())?;
        let dict = cx.new_dict().value();
        let args = cx.tuple(&[plain, dict])?;
        cx.tuple(&[class, args])
    }
}

/// Methods of those that scripts cannot make.
#[conc_macros::methods]
pub mod closed {
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::value::{Gc, Value};

    /// Refuses.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R {
        let title = cx.qualified_name(class);
        Err(cx.type_error(format!("cannot create '{title}' instances")))
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Tuple>) -> R<String> {
        super::repr(cx, this)
    }
}
