//! Slow paths of the loop: names, calls, iteration, building, exceptions.

use std::sync::atomic::{AtomicU64, Ordering};

use super::call::{Called, dispatch};
use crate::native::{Ctx, R, Raised};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::exception::{Exception, extra};
use crate::object::function::{Cell, Code, Function, Native};
use crate::object::kind::ClassId;
use crate::object::misc::Range;
use crate::object::sequence::{List, Tuple};
use crate::object::set::Set;
use crate::object::string::Str;
use crate::value::{Gc, Value, stored};

// ---- names

#[cold]
pub fn unbound_local(cx: &mut Ctx, name: Gc<Str>) -> R<()> {
    let text = name.to_text().into_owned();
    let e = cx.error(
        ClassId::UnboundLocalError,
        format!("cannot access local variable '{text}' where it is not associated with a value"),
    );
    Err(named(e, name))
}

#[cold]
pub fn unbound_free(cx: &mut Ctx, name: Gc<Str>) -> R<()> {
    let text = name.to_text().into_owned();
    let message =
        format!("cannot access free variable '{text}' where it is not associated with a value in enclosing scope");
    let e = cx.error(ClassId::NameError, message);
    Err(named(e, name))
}

/// Notes the name a NameError is about.
fn named(e: Raised, name: Gc<Str>) -> Raised {
    if let Some(exc) = e.0.cast::<Exception>() {
        exc.extra[extra::ATTR_NAME].set(name.value());
    }
    e
}

#[cold]
fn name_error(cx: &mut Ctx, name: Gc<Str>) -> Raised {
    let text = name.to_text().into_owned();
    let e = cx.error(ClassId::NameError, format!("name '{text}' is not defined"));
    let this = frame_self(cx);
    if let Some(exc) = e.0.cast::<Exception>() {
        exc.extra[extra::ATTR_OBJ].set(this);
    }
    named(e, name)
}

/// `self` of the innermost frame, for the suggestion `self.name`; unbound if it has none.
fn frame_self(cx: &Ctx) -> Value {
    if cx.base.is_null() {
        return Value::UNBOUND;
    }
    let code = code_of(cx.base);
    let local = code.template().locals.iter().find(|l| &*l.name == "self" && !l.is_cell);
    // SAFETY: a local's register lies in the live frame.
    local.map_or(Value::UNBOUND, |l| unsafe { *cx.base.add(l.register as usize) })
}

pub(super) fn code_of(base: *mut Value) -> Gc<Code> {
    // SAFETY: `base` is a live frame.
    unsafe { Gc::from_value_unchecked(*base.sub(1)) }
}

/// The builtins that code of these globals sees.
pub fn builtins_of(cx: &mut Ctx, globals: Gc<Dict>) -> Gc<Dict> {
    let name = cx.names().__builtins__;
    match globals.get_str(cx, name) {
        Some(v) => match v.cast::<crate::object::module::Module>() {
            Some(m) => m.dict(),
            None => v.cast::<Dict>().unwrap_or_else(|| cx.iso().roots.builtins.obj()),
        },
        None => cx.iso().roots.builtins.obj(),
    }
}

#[inline(never)]
pub fn global(cx: &mut Ctx, base: *mut Value, name: Gc<Str>, first: &AtomicU64, second: &AtomicU64) -> R {
    let globals = code_of(base).globals.obj::<Dict>();
    let cell = globals.cell(cx, name);
    first.store(cell.value().bits(), Ordering::Release);
    stored(cell.value());
    let v = cell.value.get();
    if !v.is_unbound() {
        return Ok(v);
    }
    let builtins = builtins_of(cx, globals);
    if builtins.has_cells() {
        if let Some(cell) = builtins.existing_cell(cx, name) {
            second.store(cell.value().bits(), Ordering::Release);
            stored(cell.value());
            let v = cell.value.get();
            if !v.is_unbound() {
                return Ok(v);
            }
        }
    } else if let Some(v) = builtins.get(cx, name.value())? {
        return Ok(v);
    }
    Err(name_error(cx, name))
}

#[inline(never)]
pub fn set_global(cx: &mut Ctx, base: *mut Value, name: Gc<Str>, value: Value, cache: &AtomicU64) -> R<()> {
    let globals = code_of(base).globals.obj::<Dict>();
    globals.set(cx, name.value(), value)?;
    if let Some(cell) = globals.existing_cell(cx, name) {
        cache.store(cell.value().bits(), Ordering::Release);
        stored(cell.value());
    }
    Ok(())
}

pub fn del_global(cx: &mut Ctx, base: *mut Value, name: Gc<Str>) -> R<()> {
    let globals = code_of(base).globals.obj::<Dict>();
    match globals.remove(cx, name.value())? {
        Some(_) => Ok(()),
        None => Err(name_error(cx, name)),
    }
}

/// A name in a namespace mapping; None: not there.
fn namespace_get(cx: &mut Ctx, namespace: Value, name: Gc<Str>) -> R<Option<Value>> {
    if let Some(dict) = namespace.cast::<Dict>()
        && dict.header().shape() == ClassId::Dict.shape()
    {
        return dict.get(cx, name.value());
    }
    match cx.get_item(namespace, name.value()) {
        Ok(v) => Ok(Some(v)),
        Err(e) if cx.is_error(e, ClassId::KeyError) => Ok(None),
        Err(e) => Err(e),
    }
}

pub fn get_name(cx: &mut Ctx, base: *mut Value, name: Gc<Str>) -> R {
    // SAFETY: code that uses names has its namespace in register 0.
    let namespace = unsafe { *base };
    if let Some(v) = namespace_get(cx, namespace, name)? {
        return Ok(v);
    }
    let globals = code_of(base).globals.obj::<Dict>();
    if let Some(v) = globals.get(cx, name.value())? {
        return Ok(v);
    }
    let builtins = builtins_of(cx, globals);
    match builtins.get(cx, name.value())? {
        Some(v) => Ok(v),
        None => Err(name_error(cx, name)),
    }
}

pub fn get_name_free(cx: &mut Ctx, base: *mut Value, name: Gc<Str>, cell: Gc<Cell>) -> R {
    // SAFETY: as for `get_name`.
    let namespace = unsafe { *base };
    if let Some(v) = namespace_get(cx, namespace, name)? {
        return Ok(v);
    }
    let v = cell.value.get();
    if v.is_unbound() {
        unbound_free(cx, name)?;
    }
    Ok(v)
}

pub fn set_name(cx: &mut Ctx, namespace: Value, name: Gc<Str>, value: Value) -> R<()> {
    cx.set_item(namespace, name.value(), value)
}

pub fn del_name(cx: &mut Ctx, namespace: Value, name: Gc<Str>) -> R<()> {
    match cx.del_item(namespace, name.value()) {
        Err(e) if cx.is_error(e, ClassId::KeyError) => Err(name_error(cx, name)),
        other => other,
    }
}

/// The `__annotations__` dict of the class namespace or the globals.
pub fn annotations(cx: &mut Ctx, base: *mut Value, namespace: bool) -> R {
    // SAFETY: as for `get_name`.
    let holder = if namespace { unsafe { *base } } else { code_of(base).globals.get() };
    let name = cx.names().__annotations__;
    if let Some(v) = namespace_get(cx, holder, name)? {
        return Ok(v);
    }
    let dict = cx.new_dict().value();
    cx.set_item(holder, name.value(), dict)?;
    Ok(dict)
}

pub fn builtin(cx: &mut Ctx, which: u32) -> Value {
    match which {
        0 => cx.class(ClassId::AssertionError).value(),
        2 => cx.class(ClassId::StopAsyncIteration).value(),
        _ => {
            let name = cx.names().__build_class__;
            let builtins = cx.iso().roots.builtins.obj::<Dict>();
            builtins.get_str(cx, name).unwrap_or(Value::NONE)
        }
    }
}

// ---- calls

/// A call whose callee is in register `a`, with `nargs` arguments after it (the last ones named).
#[inline(never)]
pub fn call(cx: &mut Ctx, base: *mut Value, a: u16, nargs: usize, names: &[Value], method: bool) -> R<Called> {
    // SAFETY: the operands are in range.
    let (callee, args) = unsafe {
        let first = base.add(a as usize + 4);
        let (start, count) = if !method {
            (first, nargs)
        } else if (*first).is_unbound() {
            (first.add(1), nargs)
        } else {
            (first, nargs + 1)
        };
        (*base.add(a as usize), std::slice::from_raw_parts(start, count))
    };
    if let Some(n) = callee.cast::<Native>()
        && names.is_empty()
        && n.move_machine(cx, args)?
    {
        return Ok(Called::Frame);
    }
    dispatch(cx, callee, args, names, Some(a as usize))
}

/// `f(*args, **kwargs)`
pub fn call_ex(cx: &mut Ctx, base: *mut Value, a: u16) -> R<Called> {
    // SAFETY: the operands are in range.
    let (callee, args, kwargs) = unsafe {
        let r = base.add(a as usize);
        (*r, *r.add(4), *r.add(5))
    };
    let kwargs = kwargs.cast::<Dict>().filter(|k| !k.is_empty());
    let args = match args.cast::<List>() {
        Some(list) => cx.list_snapshot(list)?,
        None => cx.collect_tuple(args)?,
    };
    let Some(kwargs) = kwargs else {
        return dispatch(cx, callee, args.items(), &[], Some(a as usize));
    };
    let (values, names) = (cx.new_list(), cx.new_list());
    cx.list_extend(values, args.value())?;
    for (key, value) in kwargs.pairs() {
        if !key.is_a::<Str>() {
            return Err(cx.type_error("keywords must be strings"));
        }
        cx.list_push(names, key)?;
        cx.list_push(values, value)?;
    }
    let (values, names) = (cx.list_snapshot(values)?, cx.list_snapshot(names)?);
    dispatch(cx, callee, values.items(), names.items(), Some(a as usize))
}

/// A bare `super()` in a method.
pub fn make_super(cx: &mut Ctx, callee: Value, class: Value, this: Value) -> R {
    if callee != cx.class(ClassId::Super).value() {
        return cx.call(callee, &[]);
    }
    if class.is_unbound() {
        return Err(cx.runtime_error("super(): empty __class__ cell"));
    }
    let Some(class) = class.cast::<Class>() else {
        return Err(cx.runtime_error("super(): __class__ is not a type"));
    };
    // The first parameter may have become a cell.
    let this = this.cast::<Cell>().map_or(this, |c| c.value.get());
    if this.is_unbound() {
        return Err(cx.runtime_error("super(): arg[0] deleted"));
    }
    let start = super_start(cx, class, this)?;
    Ok(cx.new_super(ClassId::Super.shape(), class.value(), this, start.value()).value())
}

/// The class whose MRO `super(class, this)` walks.
pub fn super_start(cx: &mut Ctx, class: Gc<Class>, this: Value) -> R<Gc<Class>> {
    if let Some(c) = this.cast::<Class>()
        && c.is_subclass_of(class)
    {
        return Ok(c);
    }
    let own = cx.class_of(this);
    if own.is_subclass_of(class) {
        return Ok(own);
    }
    let name = cx.names().__class__;
    if let Some(c) = cx.get_attr_opt(this, name)?.and_then(|c| c.cast::<Class>())
        && c.is_subclass_of(class)
    {
        return Ok(c);
    }
    let (got, name) = (cx.type_name(this), class.name_text());
    let what = if this.is_a::<Class>() { "type" } else { "instance of" };
    let message = match this.cast::<Class>() {
        Some(c) => {
            format!("super(type, obj): obj ({what} {}) is not an instance or subtype of type ({name}).", c.name_text())
        }
        None => format!("super(type, obj): obj ({what} {got}) is not an instance or subtype of type ({name})."),
    };
    Err(cx.type_error(message))
}

/// `__enter__` and the like, looked up on the type.
pub fn special_method(cx: &mut Ctx, v: Value, which: u8) -> R<(Value, Value)> {
    let n = cx.names();
    let name = [n.__enter__, n.__exit__, n.__aenter__, n.__aexit__][which as usize & 3];
    let Some(f) = cx.lookup_special(v, name) else { return Err(no_context_manager(cx, v, which)) };
    if crate::object::attr::is_plain_method(f) {
        return Ok((f, v));
    }
    let class = cx.class_of(v);
    let bound = cx.bind(f, v, class)?;
    Ok((bound, Value::UNBOUND))
}

#[cold]
fn no_context_manager(cx: &mut Ctx, v: Value, which: u8) -> Raised {
    let got = cx.type_name(v);
    let kind = if which >= 2 { "asynchronous context manager" } else { "context manager" };
    let missed = match which {
        1 => " (missed __exit__ method)",
        3 => " (missed __aexit__ method)",
        _ => "",
    };
    cx.type_error(format!("'{got}' object does not support the {kind} protocol{missed}"))
}

// ---- iteration

/// Fills the iteration state at register `a` and gives its first word.
#[inline(never)]
pub fn get_iter(cx: &mut Ctx, base: *mut Value, a: usize, source: Value) -> R<Called> {
    // SAFETY: the state's four registers are in range.
    let state = unsafe { std::slice::from_raw_parts_mut(base.add(a), 4) };
    let zero = Value::small_int(0);
    if let Some(h) = source.header() {
        match h.shape() {
            s if s == ClassId::Range.shape() => {
                if let Some(r) = source.cast::<Range>()
                    && r.len >= 0
                {
                    state[1] = r.start.get();
                    state[2] = Value::small_int(r.len);
                    state[3] = r.step.get();
                    return Ok(Called::Value(Value::COUNTED));
                }
            }
            s if s == ClassId::List.shape() || s == ClassId::Tuple.shape() => {
                state[1] = zero;
                return Ok(Called::Value(source));
            }
            _ => {}
        }
    }
    iter_object(cx, source)
}

/// `iter(source)`
pub fn iter_object(cx: &mut Ctx, source: Value) -> R<Called> {
    match super::special::iter(cx, source)? {
        Some(called) => Ok(called),
        None => cx.iter(source).map(Called::Value),
    }
}

/// Unpacks exactly `count` items into registers.
pub fn unpack(cx: &mut Ctx, regs: *mut Value, source: Value, count: usize) -> R<()> {
    let it = match cx.iter(source) {
        Ok(it) => it,
        Err(e) => return Err(not_unpackable(cx, source, e)),
    };
    let items = cx.new_list();
    for i in 0..count {
        match cx.next(it)? {
            Some(v) => cx.list_push(items, v)?,
            None => {
                let message = format!("not enough values to unpack (expected {count}, got {i})");
                return Err(cx.value_error(message));
            }
        }
    }
    if cx.next(it)?.is_some() {
        let message = format!("too many values to unpack (expected {count})");
        return Err(cx.value_error(message));
    }
    for i in 0..count {
        // SAFETY: the registers are in range.
        unsafe { *regs.add(i) = items.get(i).unwrap_or(Value::NONE) };
    }
    Ok(())
}

fn not_unpackable(cx: &mut Ctx, source: Value, e: Raised) -> Raised {
    if cx.is_error(e, ClassId::TypeError) && cx.exception_text(e.0).ends_with("object is not iterable") {
        let got = cx.type_name(source);
        return cx.type_error(format!("cannot unpack non-iterable {got} object"));
    }
    e
}

/// Unpacks `before` items, a list of the middle, and `after` items.
pub fn unpack_ex(cx: &mut Ctx, regs: *mut Value, source: Value, before: usize, after: usize) -> R<()> {
    let items = match cx.collect_tuple(source) {
        Ok(items) => items,
        Err(e) => return Err(not_unpackable(cx, source, e)),
    };
    if items.len < before + after {
        let message = format!("not enough values to unpack (expected at least {}, got {})", before + after, items.len);
        return Err(cx.value_error(message));
    }
    let middle = cx.list(&items.items()[before..items.len - after])?;
    // SAFETY: the registers are in range.
    unsafe {
        for (i, &v) in items.items()[..before].iter().enumerate() {
            *regs.add(i) = v;
        }
        *regs.add(before) = middle.value();
        for (i, &v) in items.items()[items.len - after..].iter().enumerate() {
            *regs.add(before + 1 + i) = v;
        }
    }
    Ok(())
}

// ---- building

pub fn make_set(cx: &mut Ctx, items: &[Value]) -> R {
    let set = cx.new_set(false)?;
    for &v in items {
        set.add(cx, v)?;
    }
    Ok(set.value())
}

pub fn make_dict(cx: &mut Ctx, items: &[Value]) -> R {
    let dict = cx.new_dict();
    if items.len() > 8 {
        dict.reserve(cx, items.len() / 2)?;
    }
    for pair in items.chunks_exact(2) {
        dict.set(cx, pair[0], pair[1])?;
    }
    Ok(dict.value())
}

/// `[*source]`, or `f(*source)` for a callee that is not unbound.
pub fn list_extend(cx: &mut Ctx, list: Gc<List>, source: Value, callee: Value) -> R<()> {
    let iterable = source.is_a::<List>() || source.is_a::<Tuple>();
    if !iterable {
        match cx.iter(source) {
            Ok(it) => {
                cx.expect_items(source)?;
                while let Some(v) = cx.next(it)? {
                    cx.list_push(list, v)?;
                    cx.poll()?;
                }
                return Ok(());
            }
            Err(e)
                if cx.is_error(e, ClassId::TypeError) && cx.exception_text(e.0).ends_with("object is not iterable") =>
            {
                let got = cx.type_name(source);
                let message = if callee.is_unbound() {
                    format!("Value after * must be an iterable, not {got}")
                } else {
                    format!("{} argument after * must be an iterable, not {got}", callee_name(cx, callee))
                };
                return Err(cx.type_error(message));
            }
            Err(e) => return Err(e),
        }
    }
    cx.list_extend(list, source)
}

pub fn set_add(cx: &mut Ctx, set: Value, item: Value) -> R<()> {
    match set.cast::<Set>() {
        Some(set) => set.add(cx, item).map(drop),
        None => Ok(()),
    }
}

pub fn set_update(cx: &mut Ctx, set: Value, source: Value) -> R<()> {
    let Some(set) = set.cast::<Set>() else { return Ok(()) };
    if let Some(other) = source.cast::<Set>() {
        return set.merge(cx, other);
    }
    cx.for_each(source, |cx, item| set.add(cx, item).map(drop))
}

pub fn dict_set(cx: &mut Ctx, dict: Value, key: Value, value: Value) -> R<()> {
    match dict.cast::<Dict>() {
        Some(dict) => dict.set(cx, key, value),
        None => Ok(()),
    }
}

/// `{**source}`, or `f(**source)` where keys must be strs and new.
pub fn dict_update(cx: &mut Ctx, dict: Value, source: Value, callee: Value, call: bool) -> R<()> {
    let Some(dict) = dict.cast::<Dict>() else { return Ok(()) };
    if let Some(other) = source.cast::<Dict>()
        && crate::object::methods::dict::iterates_plainly(cx, other)
    {
        // Of one that others change, the pairs of one moment.
        let other = if cx.is_shared() { other.snapshot(cx)? } else { other };
        for (key, value) in other.pairs() {
            merge_pair(cx, dict, key, value, callee, call)?;
        }
        return Ok(());
    }
    let keys = cx.names().keys;
    let Some(keys) = cx.get_attr_opt(source, keys)? else {
        let got = cx.type_name(source);
        let message = if call {
            format!("{} argument after ** must be a mapping, not {got}", callee_name(cx, callee))
        } else {
            format!("'{got}' object is not a mapping")
        };
        return Err(cx.type_error(message));
    };
    let keys = cx.call(keys, &[])?;
    let keys = cx.collect_tuple(keys)?;
    for &key in keys.items() {
        let value = cx.get_item(source, key)?;
        merge_pair(cx, dict, key, value, callee, call)?;
    }
    Ok(())
}

fn merge_pair(cx: &mut Ctx, dict: Gc<Dict>, key: Value, value: Value, callee: Value, call: bool) -> R<()> {
    if call {
        if !key.is_a::<Str>() {
            return Err(cx.type_error("keywords must be strings"));
        }
        if dict.get(cx, key)?.is_some() {
            let (f, key) = (callee_name(cx, callee), cx.text_of(key));
            return Err(cx.type_error(format!("{f} got multiple values for keyword argument '{key}'")));
        }
    }
    dict.set(cx, key, value)
}

/// The callee as error texts name it: `module.qualname()`.
fn callee_name(cx: &mut Ctx, callee: Value) -> String {
    if let Some(f) = callee.cast::<Function>() {
        let module = cx.text_of(f.module.get());
        let name = cx.text_of(f.qualname.get());
        return if module == "builtins" { format!("{name}()") } else { format!("{module}.{name}()") };
    }
    if let Some(class) = callee.cast::<Class>() {
        let name = cx.qualified_name(class);
        return format!("{name}()");
    }
    let n = callee.cast::<crate::object::function::Native>();
    n.map_or_else(|| cx.repr_text(callee), |n| format!("{}()", n.def().name))
}

pub fn format(cx: &mut Ctx, v: Value, spec: Value, conversion: u8) -> R {
    let v = match conversion {
        b's' => cx.to_str(v)?.value(),
        b'r' => cx.repr(v)?.value(),
        b'a' => {
            let r = cx.repr(v)?;
            let ascii = crate::text::quote::ascii_only(r.as_bytes());
            cx.try_wtf8(&ascii)?.value()
        }
        _ => v,
    };
    cx.format(v, spec.cast::<Str>()).map(|s| s.value())
}

pub fn concat(cx: &mut Ctx, parts: &[Value]) -> R {
    let mut out = Vec::with_capacity(parts.iter().filter_map(|p| p.cast::<Str>()).map(|s| s.bytes as usize).sum());
    for p in parts {
        if let Some(s) = p.cast::<Str>() {
            out.extend_from_slice(s.as_bytes());
        }
    }
    Ok(cx.try_wtf8(&out)?.value())
}

/// A function of child code `index`; the optional parts are in registers from `parts` on.
pub fn function(cx: &mut Ctx, base: *mut Value, index: usize, parts: *mut Value, aux: u8) -> R {
    let code = cx.child_code(code_of(base), index)?;
    let mut at = 0;
    let mut part = |flag: u8, default: Value| -> Value {
        if aux & flag == 0 {
            return default;
        }
        // SAFETY: the compiler put as many parts as flags say.
        let v = unsafe { *parts.add(at) };
        at += 1;
        v
    };
    let defaults = part(1, Value::NONE);
    let kwdefaults = part(2, Value::NONE);
    let annotations = part(4, Value::NONE);
    let closure = part(8, Value::UNBOUND);
    let type_params = part(16, Value::NONE);
    let name = cx.names().__name__;
    let globals = code.globals.obj::<Dict>();
    let module = globals.get_str(cx, name).unwrap_or(Value::NONE);
    let doc = match &code.template().doc {
        Some(text) => cx.try_wtf8(text)?.value(),
        None => Value::NONE,
    };
    let f = cx.new_function(|f| {
        f.code.set(code.value());
        f.closure.set(closure);
        f.defaults.set(defaults);
        f.kwdefaults.set(kwdefaults);
        f.annotations.set(annotations);
        f.type_params.set(type_params);
        f.name.set(code.name.get());
        f.qualname.set(code.qualname.get());
        f.module.set(module);
        f.doc.set(doc);
    });
    Ok(f.value())
}

// ---- exceptions

pub fn raise(cx: &mut Ctx, v: Value) -> R {
    let exc = cx.exception_from(v)?;
    cx.set_context(exc);
    Ok(exc)
}

pub fn raise_from(cx: &mut Ctx, v: Value, cause: Value) -> R {
    let exc = cx.exception_from(v)?;
    let cause = if cause.is_none() {
        cause
    } else {
        match cx.exception_from(cause) {
            Ok(c) => c,
            Err(e) if cx.exception_text(e.0) == "exceptions must derive from BaseException" => {
                return Err(cx.type_error("exception causes must derive from BaseException"));
            }
            Err(e) => return Err(e),
        }
    };
    if let Some(e) = exc.cast::<Exception>() {
        e.cause.set(cause);
        e.suppress.store(1, Ordering::Relaxed);
    }
    cx.set_context(exc);
    Ok(exc)
}

pub fn raise_bare(cx: &mut Ctx) -> R {
    if cx.handled.is_none() {
        return Err(cx.runtime_error("No active exception to reraise"));
    }
    Ok(cx.handled)
}
