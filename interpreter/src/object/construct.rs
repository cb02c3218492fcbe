//! Making instances by calling classes: the protocol of `__new__` and `__init__`.

use crate::native::{Args, Ctx, Kwargs, R};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::function::{Native, Wrapper};
use crate::object::kind::{ClassId, Kind};
use crate::object::sequence::{List, Tuple};
use crate::object::string::Str;
use crate::value::{Gc, Value};

/// What `type.__call__` does; the last `names.len()` of `args` are named.
pub fn construct(cx: &mut Ctx, class: Gc<Class>, args: &[Value], names: &[Value]) -> R {
    if class.id == ClassId::Type as u32 && names.is_empty() {
        match args.len() {
            1 => return Ok(cx.class_of(args[0]).value()),
            3 => {}
            _ => return Err(cx.type_error("type() takes 1 or 3 arguments")),
        }
    }
    let object = make(cx, class, args, names)?;
    match init_of(cx, class, object)? {
        None => Ok(object),
        Some(init) => initialize(cx, object, init, args, names),
    }
}

/// Calls the `__new__` of a class.
pub fn make(cx: &mut Ctx, class: Gc<Class>, args: &[Value], names: &[Value]) -> R {
    let name = cx.names().__new__;
    let Some(found) = cx.lookup(class, name) else { return Err(cannot_create(cx, class)) };
    // One that does not look at names needs nothing bound.
    let function = found.cast::<Wrapper>().map_or(found, |w| w.value.get());
    if let Some(native) = function.cast::<Native>()
        && native.this.get().is_unbound()
        && native.def().takes_first_and_rest()
    {
        let rest = &args[..args.len() - names.len()];
        return (native.def().call)(cx, Args { fixed: &[class.value()], rest, kwargs: Kwargs(None) });
    }
    let new = cx.bind(found, Value::UNBOUND, class)?;
    cx.call_prefixed(new, class.value(), args, names)
}

/// Calls the `__init__` of a new object (and whether that is bound); gives the object.
pub fn initialize(cx: &mut Ctx, object: Value, init: (Value, bool), args: &[Value], names: &[Value]) -> R {
    let result = match init {
        (init, true) => cx.call_named(init, args, names)?,
        (init, false) => cx.call_prefixed(init, object, args, names)?,
    };
    if result.is_none() {
        return Ok(object);
    }
    let got = cx.type_name(result);
    Err(cx.type_error(format!("__init__() should return None, not '{got}'")))
}

/// `__new__` of a class, to be called with the class first.
pub fn bound_new(cx: &mut Ctx, class: Gc<Class>) -> R {
    let name = cx.names().__new__;
    match cx.lookup(class, name) {
        Some(found) => cx.bind(found, Value::UNBOUND, class),
        None => Err(cannot_create(cx, class)),
    }
}

/// The `__init__` to be called on what `__new__` of `class` has made, and whether it is bound; None: none.
pub fn init_of(cx: &mut Ctx, class: Gc<Class>, object: Value) -> R<Option<(Value, bool)>> {
    let made = cx.class_of(object);
    if made != class && !made.is_subclass_of(class) {
        return Ok(None);
    }
    let names = cx.names();
    let Some(init) = cx.lookup(made, names.__init__) else { return Ok(None) };
    if is_object_method(cx, init) && !cx.lookup(class, names.__new__).is_some_and(|new| is_object_method(cx, new)) {
        return Ok(None);
    }
    if super::attr::is_plain_method(init) {
        return Ok(Some((init, false)));
    }
    cx.bind(init, object, made).map(|bound| Some((bound, true)))
}

/// The error of calling a class whose instances only the machine makes.
#[cold]
pub fn cannot_create(cx: &mut Ctx, class: Gc<Class>) -> crate::native::Raised {
    let name = cx.qualified_name(class);
    cx.type_error(format!("cannot create '{name}' instances"))
}

/// Whether a function found on a class is the one that `object` itself defines.
pub fn is_object_method(cx: &Ctx, found: Value) -> bool {
    found.cast::<Native>().is_some_and(|n| n.owner.get() == cx.class(ClassId::Object).value())
}

/// Whether a function found on a class is the one that the builtin class `id` defines.
pub fn is_method_of(cx: &Ctx, found: Option<Value>, id: ClassId) -> bool {
    found.and_then(|f| f.cast::<Native>()).is_some_and(|n| n.owner.get() == cx.class(id).value())
}

/// The receiver of a `__new__`: a class that derives from the builtin class `id`.
pub fn class_for_new(cx: &mut Ctx, class: Value, id: ClassId) -> R<Gc<Class>> {
    let base = cx.class(id);
    let base_name = base.name_text();
    let Some(class) = class.cast::<Class>() else {
        let got = cx.type_name(class);
        return Err(cx.type_error(format!("{base_name}.__new__(X): X is not a type object ({got})")));
    };
    if class.is_subclass_of(base) {
        return Ok(class);
    }
    let name = class.name_text();
    let message = format!("{base_name}.__new__({name}): {name} is not a subtype of {base_name}");
    Err(cx.type_error(message))
}

/// Fails for a class with abstract methods left.
pub fn check_abstract(cx: &mut Ctx, class: Gc<Class>) -> R<()> {
    if !class.has(super::class::class_flag::ABSTRACT) {
        return Ok(());
    }
    let names = cx.names();
    let Some(methods) = class.dict().get_str(cx, names.__abstractmethods__) else { return Ok(()) };
    let list = cx.collect_list(methods)?;
    super::sort::sort_list(cx, list, None, false)?;
    let mut quoted = String::new();
    for (i, &name) in cx.list_snapshot(list)?.items().iter().enumerate() {
        quoted.push_str(if i > 0 { ", '" } else { "'" });
        quoted.push_str(&cx.text_of(name));
        quoted.push('\'');
    }
    let (name, s) = (class.name_text(), if list.len() > 1 { "s" } else { "" });
    let message =
        format!("Can't instantiate abstract class {name} without an implementation for abstract method{s} {quoted}");
    Err(cx.type_error(message))
}

impl Ctx {
    /// Calls with one more positional argument in front.
    pub fn call_prefixed(&mut self, f: Value, first: Value, args: &[Value], names: &[Value]) -> R {
        let mut buffer = [Value::NONE; 8];
        if args.len() < buffer.len() {
            buffer[0] = first;
            buffer[1..=args.len()].copy_from_slice(args);
            return self.call_named(f, &buffer[..=args.len()], names);
        }
        let list = self.new_list();
        self.list_push(list, first)?;
        for &arg in args {
            self.list_push(list, arg)?;
        }
        let all = self.list_snapshot(list)?;
        self.call_named(f, all.items(), names)
    }

    /// Calls with positional arguments and a dict of named ones.
    pub fn call_kwargs(&mut self, f: Value, args: &[Value], kwargs: Option<Gc<Dict>>) -> R {
        match self.spread_kwargs(args, kwargs)? {
            Some((all, names)) => self.call_named(f, all.items(), names.items()),
            None => self.call(f, args),
        }
    }

    /// All arguments in one tuple and the names of the last ones; None: there are no named ones.
    pub fn spread_kwargs(&mut self, args: &[Value], kwargs: Option<Gc<Dict>>) -> R<Option<(Gc<Tuple>, Gc<Tuple>)>> {
        let Some(kwargs) = kwargs.filter(|k| !k.is_empty()) else { return Ok(None) };
        let (all, names) = (self.list(args)?, self.new_list());
        for (key, value) in kwargs.pairs() {
            self.list_push(all, value)?;
            self.list_push(names, key)?;
        }
        Ok(Some((self.list_snapshot(all)?, self.list_snapshot(names)?)))
    }

    /// Fails if keyword arguments were given to what takes none.
    pub fn no_kwargs(&mut self, what: &str, kwargs: Option<Gc<Dict>>) -> R<()> {
        match kwargs {
            Some(k) if !k.is_empty() => Err(self.type_error(format!("{what}() takes no keyword arguments"))),
            _ => Ok(()),
        }
    }

    /// Fails if there are more than `most` positional arguments.
    pub fn at_most(&mut self, what: &str, args: &[Value], most: usize) -> R<()> {
        if args.len() <= most {
            return Ok(());
        }
        let s = if most == 1 { "" } else { "s" };
        Err(self.type_error(format!("{what} expected at most {most} argument{s}, got {}", args.len())))
    }

    /// A tuple of a list's items, typed.
    pub fn tuple_of_list(&mut self, list: Gc<List>) -> R<Gc<Tuple>> {
        self.list_snapshot(list)
    }

    /// `v` as a str, or TypeError "`what` must be str, not X".
    pub fn expect_str(&mut self, v: Value, what: &str) -> R<Gc<Str>> {
        match v.cast::<Str>() {
            Some(s) => Ok(s),
            None => {
                let got = self.type_name(v);
                Err(self.type_error(format!("{what} must be str, not {got}")))
            }
        }
    }

    /// The text of what the native struct of `v` shows itself as.
    pub fn native_repr_str(&mut self, v: Value) -> R<Gc<Str>> {
        let mut out = Vec::new();
        if !self.native_repr(v, &mut out)? {
            self.write_default_repr(v, &mut out)?;
        }
        self.try_wtf8(&out)
    }
}

/// Whether instances of the class are plain instances that `object.__new__` makes.
pub fn is_plain(class: Gc<Class>) -> bool {
    class.instance_kind() == Kind::Instance
}
