//! Objects to pickles: what is written by name, and what its reduction tells.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::function::Function;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::methods::function::is_callable;
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};

use super::op;
use super::save::{Saver, error};
use super::{copyreg, names, outside};
use crate::core::shared::call_with_dict;

impl Saver {
    /// An object without an opcode of its own.
    pub fn other(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        if outside::is_pickle_buffer(cx, v) {
            return self.buffer(cx, v);
        }
        if let Some(hook) = self.hooks.reducer_override {
            let reduction = cx.call(hook, &[v])?;
            if reduction != Value::NOT_IMPLEMENTED {
                return self.reduction(cx, reduction, Some(v));
            }
        }
        if v.is_a::<Class>() {
            return self.class(cx, v);
        }
        if v.is_a::<Function>() {
            return self.global(cx, v, None);
        }
        let class = cx.class_of(v);
        let reduction = match self.registered(cx, class)? {
            Some(reduce) => cx.call(reduce, &[v])?,
            None => self.own_reduction(cx, v)?,
        };
        self.reduction(cx, reduction, Some(v))
    }

    /// The function that somebody has registered for a class.
    fn registered(&mut self, cx: &mut Ctx, class: Gc<Class>) -> R<Option<Value>> {
        let table = match self.hooks.dispatch_table {
            Some(table) => table,
            None => copyreg(cx, &mut self.copyreg, "dispatch_table")?,
        };
        if let Some(dict) = table.cast::<Dict>() {
            return dict.get(cx, class.value());
        }
        match cx.get_item(table, class.value()) {
            Ok(reduce) => Ok(Some(reduce)),
            Err(e) if cx.is_instance(e.0, ClassId::KeyError) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn own_reduction(&mut self, cx: &mut Ctx, v: Value) -> R {
        let name = cx.intern("__reduce_ex__");
        if let Some(reduce) = cx.get_attr_opt(v, name)? {
            return cx.call(reduce, &[Value::small_int(self.protocol.into())]);
        }
        let name = cx.intern("__reduce__");
        match cx.get_attr_opt(v, name)? {
            Some(reduce) => cx.call(reduce, &[]),
            None => {
                let (class, shown) = (cx.type_name(v), cx.repr(v)?);
                Err(error(cx, format!("can't pickle '{class}' object: {}", cx.text_of(shown.value()))))
            }
        }
    }

    // ---- by reduction

    /// An object by what its reduction says: a name, or how to make it again.
    pub fn reduction(&mut self, cx: &mut Ctx, reduction: Value, object: Option<Value>) -> R<()> {
        if reduction.is_a::<Str>()
            && let Some(object) = object
        {
            return self.global(cx, object, Some(reduction));
        }
        let Some(parts) = reduction.cast::<Tuple>() else {
            return Err(error(cx, "__reduce__ must return a string or tuple"));
        };
        if !(2..=6).contains(&parts.items().len()) {
            return Err(error(cx, "tuple returned by __reduce__ must contain 2 through 6 elements"));
        }
        let part = |i: usize| parts.items().get(i).copied().filter(|v| !v.is_none());
        let (callable, args) = (parts.items()[0], parts.items()[1]);
        if !is_callable(cx, callable) {
            return Err(error(cx, "first item of the tuple returned by __reduce__ must be callable"));
        }
        let Some(args) = args.cast::<Tuple>() else {
            return Err(error(cx, "second item of the tuple returned by __reduce__ must be a tuple"));
        };
        for (i, which) in [(3, "fourth"), (4, "fifth")] {
            if let Some(v) = part(i)
                && !cx.is_iterator(v)
            {
                let got = cx.type_name(v);
                let message =
                    format!("{which} element of the tuple returned by __reduce__ must be an iterator, not {got}");
                return Err(error(cx, message));
            }
        }
        if let Some(setter) = part(5)
            && !is_callable(cx, setter)
        {
            let got = cx.type_name(setter);
            let message = format!("sixth element of the tuple returned by __reduce__ must be a function, not {got}");
            return Err(error(cx, message));
        }
        self.construction(cx, callable, args, object)?;
        if let Some(object) = object {
            if let Some(&number) = self.memo.numbers.get(&object.bits()) {
                // It is part of itself, and was written as such.
                self.out.op(op::POP);
                self.get(number);
            } else {
                self.memoize(cx, object)?;
            }
        }
        if let Some(items) = part(3) {
            self.items(cx, items)?;
        }
        if let Some(pairs) = part(4) {
            self.pairs(cx, pairs)?;
        }
        match (part(2), part(5), object) {
            (Some(state), Some(setter), Some(object)) => {
                self.save(cx, setter)?;
                self.save(cx, object)?;
                self.save(cx, state)?;
                self.out.put(&[op::TUPLE2, op::REDUCE, op::POP]);
            }
            (Some(state), ..) => {
                self.save(cx, state)?;
                self.out.op(op::BUILD);
            }
            _ => {}
        }
        Ok(())
    }

    /// The call that makes an object.
    fn construction(&mut self, cx: &mut Ctx, callable: Value, args: Gc<Tuple>, object: Option<Value>) -> R<()> {
        let name = cx.intern("__name__");
        let name = if self.protocol >= 2 { cx.get_attr_opt(callable, name)? } else { None };
        match name.and_then(|n| n.cast::<Str>()).as_ref().map(|s| s.as_bytes()) {
            Some(b"__newobj_ex__") => self.newobj_ex(cx, args, object),
            Some(b"__newobj__") => self.newobj(cx, args, object),
            _ => {
                self.save(cx, callable)?;
                self.save(cx, args.value())?;
                self.out.op(op::REDUCE);
                Ok(())
            }
        }
    }

    fn newobj(&mut self, cx: &mut Ctx, args: Gc<Tuple>, object: Option<Value>) -> R<()> {
        let Some((&class, rest)) = args.items().split_first() else {
            return Err(error(cx, "__newobj__ arglist is empty"));
        };
        let name = cx.intern("__new__");
        if cx.get_attr_opt(class, name)?.is_none() || !class.is_a::<Class>() {
            return Err(error(cx, "args[0] from __newobj__ args is not a type"));
        }
        if let Some(object) = object
            && class_attribute(cx, object)? != class
        {
            return Err(error(cx, "args[0] from __newobj__ args has the wrong class"));
        }
        self.save(cx, class)?;
        let rest = cx.tuple(rest)?;
        self.save(cx, rest)?;
        self.out.op(op::NEWOBJ);
        Ok(())
    }

    fn newobj_ex(&mut self, cx: &mut Ctx, args: Gc<Tuple>, object: Option<Value>) -> R<()> {
        let &[class, positional, named] = args.items() else {
            let got = args.items().len();
            return Err(error(cx, format!("length of the NEWOBJ_EX argument tuple must be exactly 3, not {got}")));
        };
        let checks = [
            ("first", "class", "a", class.is_a::<Class>()),
            ("second", "tuple", "a", positional.is_a::<Tuple>()),
            ("third", "dict", "a", named.is_a::<Dict>()),
        ];
        for (i, (which, wanted, article, right)) in checks.into_iter().enumerate() {
            if !right {
                let got = cx.type_name(args.items()[i]);
                let message =
                    format!("{which} item from NEWOBJ_EX argument tuple must be {article} {wanted}, not {got}");
                return Err(error(cx, message));
            }
        }
        if let Some(object) = object
            && class_attribute(cx, object)? != class
        {
            return Err(error(cx, "first argument to __newobj_ex__() has the wrong class"));
        }
        if self.protocol >= 4 {
            self.save(cx, class)?;
            self.save(cx, positional)?;
            self.save(cx, named)?;
            self.out.op(op::NEWOBJ_EX);
            return Ok(());
        }
        // Older protocols call partial(class.__new__, class, *args, **kwargs).
        let functools = cx.import("functools")?;
        let partial = cx.get_attr_text(functools, "partial")?;
        let new = cx.get_attr_text(class, "__new__")?;
        let front = cx.list(&[new, class])?;
        cx.list_extend(front, positional)?;
        let front = cx.list_snapshot(front)?;
        let making = call_with_dict(cx, partial, front.items(), named.cast::<Dict>())?;
        self.save(cx, making)?;
        let none = cx.tuple(&[])?;
        self.save(cx, none)?;
        self.out.op(op::REDUCE);
        Ok(())
    }

    // ---- by name

    /// A class: by name, but for those of constants, which have none.
    fn class(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        for constant in [Value::NONE, Value::NOT_IMPLEMENTED, Value::ELLIPSIS] {
            if cx.class_of(constant).value() == v {
                let args = cx.tuple(&[constant])?;
                let reduction = cx.tuple(&[cx.class(ClassId::Type).value(), args])?;
                return self.reduction(cx, reduction, Some(v));
            }
        }
        self.global(cx, v, None)
    }

    /// An object by the name that its module knows it by.
    pub fn global(&mut self, cx: &mut Ctx, v: Value, name: Option<Value>) -> R<()> {
        let name = match name {
            Some(name) => name,
            None => names::of(cx, v)?,
        };
        let Some(name) = name.cast::<Str>() else {
            return Err(error(cx, "the name of a global must be a str"));
        };
        let module = names::module_of(cx, v, name)?;
        names::check(cx, v, module, name)?;
        if self.protocol >= 2 && self.extension(cx, module, name)? {
            return Ok(());
        }
        if self.protocol >= 4 {
            self.save(cx, module.value())?;
            self.save(cx, name.value())?;
            self.out.op(op::STACK_GLOBAL);
        } else {
            self.old_name(cx, &module.to_text(), &name.to_text())?;
        }
        self.memoize(cx, v)
    }

    /// A name in old protocols, which have none with dots: these are attributes of attributes.
    fn old_name(&mut self, cx: &mut Ctx, module: &str, name: &str) -> R<()> {
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or_default();
        let attributes: Vec<&str> = parts.collect();
        for _ in &attributes {
            let builtins = cx.import("builtins")?;
            let getattr = cx.get_attr_text(builtins, "getattr")?;
            self.save(cx, getattr)?;
            if self.protocol < 2 {
                self.out.op(op::MARK);
            }
        }
        self.old_global(cx, module, first)?;
        for attribute in attributes {
            let attribute = cx.str(attribute);
            self.save(cx, attribute)?;
            self.out.put(&[if self.protocol < 2 { op::TUPLE } else { op::TUPLE2 }, op::REDUCE]);
        }
        Ok(())
    }

    fn old_global(&mut self, cx: &mut Ctx, module: &str, name: &str) -> R<()> {
        let (module, name) = match self.protocol {
            0..=2 if self.hooks.fix_imports => names::to_python2(module, name),
            _ => (module, name),
        };
        if self.protocol < 3 && !(module.is_ascii() && name.is_ascii()) {
            let message =
                format!("can't pickle global identifier '{module}.{name}' using pickle protocol {}", self.protocol);
            return Err(error(cx, message));
        }
        self.line(op::GLOBAL, module.as_bytes());
        self.out.put(name.as_bytes());
        self.out.put(b"\n");
        Ok(())
    }

    /// A name that has a number (`copyreg.add_extension`).
    fn extension(&mut self, cx: &mut Ctx, module: Gc<Str>, name: Gc<Str>) -> R<bool> {
        let registry = copyreg(cx, &mut self.copyreg, "_extension_registry")?;
        let Some(registry) = registry.cast::<Dict>().filter(|d| !d.is_empty()) else { return Ok(false) };
        let key = cx.tuple(&[module.value(), name.value()])?;
        let Some(code) = registry.get(cx, key)?.and_then(|code| cx.as_i64(code)) else { return Ok(false) };
        match code {
            1..=0xff => self.out.op_with(op::EXT1, &[code as u8]),
            0x100..=0xffff => self.out.op_with(op::EXT2, &(code as u16).to_le_bytes()),
            _ => self.out.op_with(op::EXT4, &(code as i32).to_le_bytes()),
        }
        Ok(true)
    }

    // ---- buffers

    /// Memory: in the pickle, or beside it if the user takes it.
    fn buffer(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        if self.protocol < 5 {
            return Err(error(cx, "PickleBuffer can only be pickled with protocol >= 5"));
        }
        let (data, readonly) = outside::contents(cx, v)?;
        let inside = match self.hooks.buffer_callback {
            None => true,
            Some(callback) => {
                let kept = cx.call(callback, &[v])?;
                cx.truth(kept)?
            }
        };
        if !inside {
            self.out.op(op::NEXT_BUFFER);
            if readonly {
                self.out.op(op::READONLY_BUFFER);
            }
            return Ok(());
        }
        if readonly {
            self.byte_string(cx, &data)?;
        } else {
            self.out.op_with_data(op::BYTEARRAY8, &(data.len() as u64).to_le_bytes(), &data);
        }
        self.memoize(cx, v)
    }
}

/// What an object says its class is.
fn class_attribute(cx: &mut Ctx, v: Value) -> R {
    let name = cx.names().__class__;
    cx.get_attr(v, name)
}
