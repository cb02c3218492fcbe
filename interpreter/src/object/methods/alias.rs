//! `list[int]`: parameterised types.

use conc_macros::methods;

/// The methods of types.GenericAlias.
#[methods]
pub mod methods {
    use super::{alias_eq, alias_hash, alias_repr, parameters, substitute};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::kind::ClassId;
    use crate::object::methods::union::unite;
    use crate::object::misc::{GenericAlias, Iter};
    use crate::object::sequence::{List, Tuple};
    use crate::object::string::Str;
    use crate::value::{Gc, Value};
    use std::sync::atomic::Ordering;

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, origin: Value, args: Value) -> R<Gc<GenericAlias>> {
        let class = crate::object::construct::class_for_new(cx, class, ClassId::GenericAlias)?;
        let args = if args.is_a::<Tuple>() { args } else { cx.tuple(&[args])? };
        Ok(cx.new_generic_alias(class, origin, args))
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<Gc<Str>> {
        alias_repr(cx, this)
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<i64> {
        alias_hash(cx, this)
    }

    /// Tell whether self and value are equal.
    pub fn __eq__(cx: &mut Ctx, this: Value, value: Value) -> R {
        alias_eq(cx, this, value)
    }

    /// Run the object the way a function is run.
    pub fn __call__(cx: &mut Ctx, this: Gc<GenericAlias>, args: &[Value], kwargs: Kwargs) -> R {
        let made = cx.call_kwargs(this.origin.get(), args, kwargs.0)?;
        let name = cx.intern("__orig_class__");
        // Objects that take no attributes go without.
        match cx.set_attr(made, name, this.value()) {
            Err(e) if !cx.is_error(e, ClassId::AttributeError) && !cx.is_error(e, ClassId::TypeError) => Err(e),
            _ => Ok(made),
        }
    }

    /// Give the item at the key.
    pub fn __getitem__(cx: &mut Ctx, this: Gc<GenericAlias>, key: Value) -> R {
        let params = parameters(cx, this)?;
        let Some(args) = this.args.get().cast::<Tuple>() else { return Ok(this.value()) };
        let new = substitute(cx, this.value(), args, params, key)?;
        let class = cx.class_of(this.value());
        let alias = cx.new_generic_alias(class, this.origin.get(), new.value());
        alias.unpacked.store(this.unpacked.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(alias.value())
    }

    /// Give self | value.
    pub fn __or__(cx: &mut Ctx, this: Value, value: Value) -> R {
        unite(cx, this, value)
    }

    /// Give value | self, when value itself has no answer.
    pub fn __ror__(cx: &mut Ctx, this: Value, value: Value) -> R {
        unite(cx, value, this)
    }

    /// Yields the unpacked form.
    pub fn __iter__(cx: &mut Ctx, this: Gc<GenericAlias>) -> R {
        let class = cx.class_of(this.value());
        let alias = cx.new_generic_alias(class, this.origin.get(), this.args.get());
        alias.unpacked.store(1, Ordering::Relaxed);
        let one = cx.tuple(&[alias.value()])?;
        let it: Gc<Iter> = cx.new_iter(ClassId::TupleIterator, one, Value::NONE, 0, 0);
        Ok(it.value())
    }

    /// The bases that stand for the alias in a class statement.
    pub fn __mro_entries__(cx: &mut Ctx, this: Gc<GenericAlias>, _bases: Value) -> R {
        cx.tuple(&[this.origin.get()])
    }

    /// Only the origin makes instances that can be tested for.
    pub fn __instancecheck__(cx: &mut Ctx, _this: Value, _instance: Value) -> R {
        Err(cx.type_error("isinstance() argument 2 cannot be a parameterized generic"))
    }

    /// Only the origin has subclasses that can be tested for.
    pub fn __subclasscheck__(cx: &mut Ctx, _this: Value, _subclass: Value) -> R {
        Err(cx.type_error("issubclass() argument 2 cannot be a parameterized generic"))
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<GenericAlias>) -> R {
        let class = cx.class_of(this.value()).value();
        let args = cx.tuple(&[this.origin.get(), this.args.get()])?;
        cx.tuple(&[class, args])
    }

    /// The names of the origin and the alias's own.
    pub fn __dir__(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<Gc<List>> {
        let dir = cx.names().__dir__;
        let names = cx.get_attr_interned(this.origin.get(), dir)?;
        let names = if this.origin.get().is_a::<crate::object::class::Class>() {
            let meta = cx.class_of(this.origin.get());
            match cx.lookup(meta, dir) {
                Some(f) => cx.call_unbound(f, this.origin.get(), &[])?,
                None => names,
            }
        } else {
            cx.call(names, &[])?
        };
        let list = cx.collect_list(names)?;
        for own in ["__origin__", "__args__", "__parameters__", "__mro_entries__", "__unpacked__"] {
            let own = cx.intern(own).value();
            cx.list_push(list, own)?;
        }
        Ok(list)
    }

    /// The type that was parameterised.
    #[getter]
    pub fn __origin__(this: Gc<GenericAlias>) -> Value {
        this.origin.get()
    }

    /// The arguments.
    #[getter]
    pub fn __args__(this: Gc<GenericAlias>) -> Value {
        this.args.get()
    }

    /// The type variables among the alias's arguments.
    #[getter]
    pub fn __parameters__(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<Gc<Tuple>> {
        parameters(cx, this)
    }

    /// Whether a star was put before it.
    #[getter]
    pub fn __unpacked__(this: Gc<GenericAlias>) -> bool {
        this.unpacked.load(Ordering::Relaxed) != 0
    }

    /// The arguments of an unpacked tuple, or None.
    #[getter]
    pub fn __typing_unpacked_tuple_args__(cx: &mut Ctx, this: Gc<GenericAlias>) -> Value {
        let tuple = cx.class(ClassId::Tuple).value();
        let unpacked = this.unpacked.load(Ordering::Relaxed) != 0 && this.origin.get() == tuple;
        if unpacked { this.args.get() } else { Value::NONE }
    }
}

use crate::native::{Ctx, R};
use crate::object::class::Class;
use crate::object::misc::GenericAlias;
use crate::object::sequence::{List, Tuple};
use crate::object::string::Str;
use crate::value::{Gc, Value};
use std::sync::atomic::Ordering;

fn alias_repr(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<Gc<Str>> {
    let mut out = Vec::new();
    if this.unpacked.load(Ordering::Relaxed) != 0 {
        out.push(b'*');
    }
    write_type(cx, this.origin.get(), &mut out)?;
    out.push(b'[');
    match this.args.get().cast::<Tuple>() {
        Some(args) if args.len > 0 => {
            for (i, &arg) in args.items().iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                match arg.cast::<List>() {
                    Some(list) => write_list(cx, list, &mut out)?,
                    None => write_type(cx, arg, &mut out)?,
                }
            }
        }
        _ => out.extend_from_slice(b"()"),
    }
    out.push(b']');
    cx.try_wtf8(&out)
}

fn write_list(cx: &mut Ctx, list: Gc<List>, out: &mut Vec<u8>) -> R<()> {
    out.push(b'[');
    let mut i = 0;
    while let Some(item) = list.get(i) {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        write_type(cx, item, out)?;
        i += 1;
    }
    out.push(b']');
    Ok(())
}

/// A type as annotations show it: by its name.
pub fn write_type(cx: &mut Ctx, v: Value, out: &mut Vec<u8>) -> R<()> {
    if v == Value::ELLIPSIS {
        out.extend_from_slice(b"...");
        return Ok(());
    }
    if let Some(class) = v.cast::<Class>() {
        if class.id == crate::object::kind::ClassId::NoneType as u32 {
            out.extend_from_slice(b"None");
            return Ok(());
        }
        out.extend_from_slice(cx.qualified_name(class).as_bytes());
        return Ok(());
    }
    cx.check_stack()?;
    let names = cx.names();
    if !v.is_a::<GenericAlias>()
        && let Some(qualname) = cx.get_attr_opt(v, names.__qualname__)?
        && let Some(module) = cx.get_attr_opt(v, names.__module__)?
        && !module.is_none()
    {
        let (qualname, module) = (cx.to_str(qualname)?, cx.to_str(module)?);
        if !module.eq_text("builtins") {
            out.extend_from_slice(module.as_bytes());
            out.push(b'.');
        }
        out.extend_from_slice(qualname.as_bytes());
        return Ok(());
    }
    cx.write_repr(v, out)
}

/// The type variables among the arguments, in order, without repetition.
pub fn parameters(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<Gc<Tuple>> {
    if let Some(params) = this.params.get().cast::<Tuple>() {
        return Ok(params);
    }
    let found = cx.new_list();
    collect_parameters(cx, this.args.get(), found)?;
    let params = cx.list_snapshot(found)?;
    this.params.set(params.value());
    Ok(params)
}

fn collect_parameters(cx: &mut Ctx, args: Value, found: Gc<List>) -> R<()> {
    let args = cx.collect_tuple(args)?;
    let names = cx.names();
    for &arg in args.items() {
        if arg.is_a::<Class>() {
            continue;
        }
        if arg.is_a::<List>() || arg.is_a::<Tuple>() {
            cx.check_stack()?;
            collect_parameters(cx, arg, found)?;
        } else if cx.lookup_special(arg, names.__typing_subst__).is_some() {
            add_parameter(cx, found, arg)?;
        } else if let Some(inner) = cx.get_attr_opt(arg, names.__parameters__)?.and_then(|p| p.cast::<Tuple>()) {
            for &param in inner.items() {
                add_parameter(cx, found, param)?;
            }
        }
    }
    Ok(())
}

fn add_parameter(cx: &mut Ctx, found: Gc<List>, param: Value) -> R<()> {
    let mut i = 0;
    while let Some(known) = found.get(i) {
        if known == param {
            return Ok(());
        }
        i += 1;
    }
    cx.list_push(found, param)
}

/// The arguments of `alias[key]`: type variables replaced.
pub fn substitute(cx: &mut Ctx, alias: Value, args: Gc<Tuple>, params: Gc<Tuple>, key: Value) -> R<Gc<Tuple>> {
    if params.len == 0 {
        let what = cx.repr(alias)?.to_text().into_owned();
        return Err(cx.type_error(format!("{what} is not a generic class")));
    }
    let names = cx.names();
    let mut items = if key.is_a::<Tuple>() { key } else { cx.tuple(&[key])? };
    for &param in params.items() {
        if let Some(prepare) = cx.lookup_special(param, names.__typing_prepare_subst__) {
            items = cx.call_unbound(prepare, param, &[alias, items])?;
        }
    }
    let items = cx.collect_tuple(items)?;
    if items.len != params.len {
        let few = if items.len < params.len { "few" } else { "many" };
        let what = cx.repr(alias)?.to_text().into_owned();
        let message = format!("Too {few} arguments for {what}; actual {}, expected {}", items.len, params.len);
        return Err(cx.type_error(message));
    }
    substitute_all(cx, args, params, items)
}

fn substitute_all(cx: &mut Ctx, args: Gc<Tuple>, params: Gc<Tuple>, items: Gc<Tuple>) -> R<Gc<Tuple>> {
    let names = cx.names();
    let new = cx.new_list();
    for &arg in args.items() {
        if arg.is_a::<Class>() {
            cx.list_push(new, arg)?;
            continue;
        }
        if arg.is_a::<List>() || arg.is_a::<Tuple>() {
            let inner = cx.collect_tuple(arg)?;
            let inner = substitute_all(cx, inner, params, items)?;
            let inner = if arg.is_a::<List>() { cx.list(inner.items())?.value() } else { inner.value() };
            cx.list_push(new, inner)?;
            continue;
        }
        let index = params.items().iter().position(|p| *p == arg);
        if let (Some(i), Some(f)) = (index, cx.lookup_special(arg, names.__typing_subst__)) {
            let result = cx.call_unbound(f, arg, &[items.items()[i]])?;
            match result.cast::<Tuple>() {
                Some(several) => cx.list_extend(new, several.value())?,
                None => cx.list_push(new, result)?,
            }
            continue;
        }
        let result = substitute_inner(cx, arg, params, items)?;
        cx.list_push(new, result)?;
    }
    cx.list_snapshot(new)
}

/// Replaces within an argument that has type variables of its own.
fn substitute_inner(cx: &mut Ctx, arg: Value, params: Gc<Tuple>, items: Gc<Tuple>) -> R {
    let names = cx.names();
    let own = cx.get_attr_opt(arg, names.__parameters__)?.and_then(|p| p.cast::<Tuple>());
    let Some(own) = own.filter(|own| own.len > 0) else { return Ok(arg) };
    let picked = cx.new_list();
    for &param in own.items() {
        let at = params.items().iter().position(|p| *p == param);
        cx.list_push(picked, at.map_or(param, |i| items.items()[i]))?;
    }
    let picked = cx.list_to_tuple(picked)?;
    cx.get_item(arg, picked)
}

fn alias_hash(cx: &mut Ctx, this: Gc<GenericAlias>) -> R<i64> {
    let a = cx.hash(this.origin.get())?;
    Ok((a ^ cx.hash(this.args.get())?) as i64)
}

fn alias_eq(cx: &mut Ctx, a: Value, b: Value) -> R {
    let (Some(x), Some(y)) = (a.cast::<GenericAlias>(), b.cast::<GenericAlias>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    let starred = |g: Gc<GenericAlias>| g.unpacked.load(Ordering::Relaxed);
    if starred(x) != starred(y) || cx.union_members(b).is_some() {
        return Ok(Value::FALSE);
    }
    let same = cx.same(x.origin.get(), y.origin.get())? && cx.same(x.args.get(), y.args.get())?;
    Ok(Value::bool(same))
}
