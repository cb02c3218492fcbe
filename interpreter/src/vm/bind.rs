//! Binding arguments to parameters, with CPython's complaints.

use super::call::Called;
use crate::bytecode::template::flags;
use crate::native::{Args, Ctx, Kwargs, NativeDef, Param, ParamKind, R, Raised};
use crate::object::dict::Dict;
use crate::object::function::{Code, Function, Native};
use crate::object::kind::ClassId;
use crate::object::sequence::Tuple;
use crate::object::stack::Binding;
use crate::object::string::Str;
use crate::value::{Gc, Value};

impl Ctx {
    /// Writes a function's arguments into the registers at `regs`, the remaining locals unbound. `args` must not lie
    /// there; the last `names.len()` of them are named.
    ///
    /// # Safety
    /// `regs` has room for the code's registers.
    pub(super) unsafe fn bind_args(
        &mut self,
        f: Gc<Function>,
        code: Gc<Code>,
        args: &[Value],
        names: &[Value],
        regs: *mut Value,
    ) -> R<()> {
        // SAFETY: by the contract; the slice is only used here.
        let regs = unsafe { std::slice::from_raw_parts_mut(regs, code.nlocals as usize) };
        regs.fill(Value::UNBOUND);
        let range = regs.as_mut_ptr_range();
        let binding = Binding { start: range.start, end: range.end, outer: self.binding };
        self.binding = &binding;
        let result = self.bind_into(f, code, args, names, regs);
        self.binding = binding.outer;
        result
    }

    fn bind_into(
        &mut self,
        f: Gc<Function>,
        code: Gc<Code>,
        args: &[Value],
        names: &[Value],
        regs: &mut [Value],
    ) -> R<()> {
        let npos = args.len() - names.len();
        let argcount = code.argcount as usize;
        let nparams = code.nparams as usize;
        let direct = npos.min(argcount);
        regs[..direct].copy_from_slice(&args[..direct]);
        let has_rest = code.flags & flags::VARARGS != 0;
        if has_rest {
            let at = argcount + code.kwonly as usize;
            regs[at] = self.tuple(&args[direct..npos])?;
        }
        if code.flags & flags::VARKEYWORDS != 0 {
            regs[nparams - 1] = self.new_dict().value();
        }
        for (i, &name) in names.iter().enumerate() {
            self.bind_keyword(f, code, name, args[npos + i], regs)?;
        }
        if npos > argcount && !has_rest {
            return Err(self.too_many(f, code, npos, regs));
        }
        if direct < argcount {
            self.bind_defaults(f, code, direct, regs)?;
        }
        if code.kwonly > 0 {
            self.bind_kwonly(f, code, regs)?;
        }
        Ok(())
    }

    fn bind_keyword(
        &mut self,
        f: Gc<Function>,
        code: Gc<Code>,
        name: Value,
        value: Value,
        regs: &mut [Value],
    ) -> R<()> {
        let Some(text) = name.cast::<Str>() else { return Err(self.type_error("keywords must be strings")) };
        let template = code.template();
        let total = (code.argcount + code.kwonly) as usize;
        let posonly = template.posonly as usize;
        let found = template.locals[..total].iter().position(|l| l.name.as_bytes() == text.as_bytes());
        match found {
            Some(i) if i >= posonly => {
                if !regs[i].is_unbound() {
                    let (fname, text) = (self.function_name(f), text.to_text().into_owned());
                    return Err(self.type_error(format!("{fname}() got multiple values for argument '{text}'")));
                }
                regs[i] = value;
                Ok(())
            }
            _ if code.flags & flags::VARKEYWORDS != 0 => {
                let dict = regs[code.nparams as usize - 1].cast::<Dict>();
                match dict {
                    Some(dict) => dict.set(self, name, value),
                    None => Ok(()),
                }
            }
            Some(_) => {
                let (fname, text) = (self.function_name(f), text.to_text().into_owned());
                let message =
                    format!("{fname}() got some positional-only arguments passed as keyword arguments: '{text}'");
                Err(self.type_error(message))
            }
            None => Err(self.unexpected_keyword(f, code, text)),
        }
    }

    fn unexpected_keyword(&mut self, f: Gc<Function>, code: Gc<Code>, name: Gc<Str>) -> Raised {
        let (fname, text) = (self.function_name(f), name.to_text().into_owned());
        let template = code.template();
        let candidates = template.locals[template.posonly as usize..(code.argcount + code.kwonly) as usize].iter();
        let hint = match crate::object::suggest::closest(&text, candidates.map(|l| &*l.name)) {
            Some(other) => format!(". Did you mean '{other}'?"),
            None => String::new(),
        };
        self.type_error(format!("{fname}() got an unexpected keyword argument '{text}'{hint}"))
    }

    fn bind_defaults(&mut self, f: Gc<Function>, code: Gc<Code>, given: usize, regs: &mut [Value]) -> R<()> {
        let argcount = code.argcount as usize;
        let defaults = f.defaults.get().cast::<Tuple>();
        let count = defaults.map_or(0, |d| d.len);
        let first = argcount - count.min(argcount);
        let skip = count.saturating_sub(argcount);
        let mut missing = Vec::new();
        for (i, reg) in regs.iter_mut().enumerate().take(argcount).skip(given) {
            if !reg.is_unbound() {
                continue;
            }
            match defaults {
                Some(d) if i >= first => *reg = d.items()[i - first + skip],
                _ => missing.push(i),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(self.missing(f, code, &missing, "positional"))
    }

    fn bind_kwonly(&mut self, f: Gc<Function>, code: Gc<Code>, regs: &mut [Value]) -> R<()> {
        let argcount = code.argcount as usize;
        let defaults = f.kwdefaults.get().cast::<Dict>();
        let mut missing = Vec::new();
        for (i, reg) in regs.iter_mut().enumerate().skip(argcount).take(code.kwonly as usize) {
            if !reg.is_unbound() {
                continue;
            }
            let name = self.intern(&code.template().locals[i].name);
            match defaults.and_then(|d| d.get_str(self, name)) {
                Some(value) => *reg = value,
                None => missing.push(i),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(self.missing(f, code, &missing, "keyword-only"))
    }

    fn function_name(&self, f: Gc<Function>) -> String {
        self.text_of(f.qualname.get())
    }

    #[cold]
    fn missing(&mut self, f: Gc<Function>, code: Gc<Code>, missing: &[usize], kind: &str) -> Raised {
        let names: Vec<String> = missing.iter().map(|&i| format!("'{}'", code.template().locals[i].name)).collect();
        let list = match names.as_slice() {
            [one] => one.clone(),
            [a, b] => format!("{a} and {b}"),
            [init @ .., last] => format!("{}, and {last}", init.join(", ")),
            [] => String::new(),
        };
        let plural = if names.len() == 1 { "" } else { "s" };
        let fname = self.function_name(f);
        let count = names.len();
        self.type_error(format!("{fname}() missing {count} required {kind} argument{plural}: {list}"))
    }

    #[cold]
    fn too_many(&mut self, f: Gc<Function>, code: Gc<Code>, given: usize, regs: &[Value]) -> Raised {
        let fname = self.function_name(f);
        let argcount = code.argcount as usize;
        let defaults = f.defaults.get().cast::<Tuple>().map_or(0, |d| d.len);
        let takes = if defaults > 0 {
            format!("from {} to {argcount} positional arguments", argcount - defaults)
        } else {
            format!("{argcount} positional argument{}", if argcount == 1 { "" } else { "s" })
        };
        let kwonly = regs[argcount..argcount + code.kwonly as usize].iter().filter(|v| !v.is_unbound()).count();
        let were = if kwonly > 0 {
            let (p, k) = (if given == 1 { "" } else { "s" }, if kwonly == 1 { "" } else { "s" });
            format!("{given} positional argument{p} (and {kwonly} keyword-only argument{k}) were given")
        } else {
            format!("{given} {} given", if given == 1 { "was" } else { "were" })
        };
        self.type_error(format!("{fname}() takes {takes} but {were}"))
    }

    // ---- natives

    /// Calls a native with `this` (if bound) before the arguments.
    ///
    /// With `at`, as for [`super::call::dispatch`], a resumable native gets its frame.
    pub(super) fn call_native(
        &mut self,
        n: Gc<Native>,
        args: &[Value],
        names: &[Value],
        at: Option<usize>,
    ) -> R<Called> {
        let this = n.this.get();
        if this.is_unbound() {
            if n.header().shape() != ClassId::BuiltinFunction.shape() {
                self.check_receiver(n, &args[..args.len() - names.len()])?;
            }
            return self.call_def(n, n.def(), args, names, at);
        }
        self.with_first(this, args, |cx, args| cx.call_def(n, n.def(), args, names, at))
    }

    /// A method called through its class needs an instance of that class as first argument.
    #[inline]
    fn check_receiver(&mut self, n: Gc<Native>, args: &[Value]) -> R<()> {
        let Some(owner) = n.owner.get().cast::<crate::object::class::Class>() else { return Ok(()) };
        match args.first() {
            Some(&this) => {
                let class = self.class_of(this);
                if class == owner || class.is_subclass_of(owner) { Ok(()) } else { Err(self.wrong_receiver(n, this)) }
            }
            None => Err(self.wrong_receiver(n, Value::UNBOUND)),
        }
    }

    #[cold]
    fn wrong_receiver(&mut self, n: Gc<Native>, this: Value) -> Raised {
        let (name, owner) = (n.def().name, n.owner.get().cast::<crate::object::class::Class>());
        let owner = owner.map_or_else(String::new, |c| c.name_text());
        let wrapper = n.header().shape() == ClassId::SlotWrapper.shape();
        let message = match (this.is_unbound(), wrapper) {
            (true, true) => format!("descriptor '{name}' of '{owner}' object needs an argument"),
            (true, false) => format!("unbound method {owner}.{name}() needs an argument"),
            (false, true) => {
                format!("descriptor '{name}' requires a '{owner}' object but received a '{}'", self.type_name(this))
            }
            (false, false) => {
                format!(
                    "descriptor '{name}' for '{owner}' objects doesn't apply to a '{}' object",
                    self.type_name(this)
                )
            }
        };
        self.type_error(message)
    }

    /// Binds and calls.
    fn call_def(
        &mut self,
        n: Gc<Native>,
        def: &'static NativeDef,
        args: &[Value],
        names: &[Value],
        at: Option<usize>,
    ) -> R<Called> {
        let max = def.max as usize;
        if names.is_empty() && !def.has_kwonly {
            if args.len() < def.min as usize || (args.len() > max && !def.has_rest) {
                return Err(self.native_arity(n, def, args.len()));
            }
            let split = args.len().min(max);
            let args = Args { fixed: &args[..split], rest: &args[split..], kwargs: Kwargs(None) };
            return self.call_bound(n, def, args, at);
        }
        self.call_def_named(n, def, args, names, at)
    }

    /// Calls with arguments that are bound.
    #[inline]
    fn call_bound(&mut self, n: Gc<Native>, def: &'static NativeDef, args: Args<'_>, at: Option<usize>) -> R<Called> {
        if def.is_straight(args) {
            return (def.call)(self, args).map(Called::Value);
        }
        if at.is_some() {
            if let Some((g, value)) = def.sends(args)
                && super::generator::claim(self, g, value)
            {
                return Ok(Called::Send(g, value));
            }
            if let Some(moves) = def.resume.and_then(|r| r.moves)
                && moves(self, args)?
            {
                return Ok(Called::Frame);
            }
        }
        match (at, def.resume.and_then(|r| r.when)) {
            (Some(a), _) => super::native::push_native(self, n, args, a),
            (None, Some(_)) => (def.call)(self, args).map(Called::Value),
            (None, None) => super::native::run_native(self, n, args).map(Called::Value),
        }
    }

    #[inline(never)]
    fn call_def_named(
        &mut self,
        n: Gc<Native>,
        def: &'static NativeDef,
        args: &[Value],
        names: &[Value],
        at: Option<usize>,
    ) -> R<Called> {
        const MOST: usize = 32;
        let max = def.max as usize;
        let npos = args.len() - names.len();
        if npos > max && !def.has_rest {
            return Err(self.native_arity(n, def, npos));
        }
        let split = npos.min(max);
        let mut fixed = [Value::UNBOUND; MOST];
        fixed[..split].copy_from_slice(&args[..split]);
        let mut kwargs = None;
        for (i, &name) in names.iter().enumerate() {
            let value = args[npos + i];
            let Some(text) = name.cast::<Str>() else { return Err(self.type_error("keywords must be strings")) };
            match fixed_index(def, text.as_bytes()) {
                Some(at) => {
                    if !fixed[at].is_unbound() {
                        let (fname, text) = (self.native_name(n, def), text.to_text().into_owned());
                        let place = at + 1 - receivers(n, def);
                        let message = format!("argument for {fname}() given by name ('{text}') and position ({place})");
                        return Err(self.type_error(message));
                    }
                    fixed[at] = value;
                }
                None if def.drops_kwargs => {}
                None if def.has_kwargs => {
                    let dict = *kwargs.get_or_insert_with(|| self.new_dict());
                    dict.set(self, name, value)?;
                }
                None => return Err(self.native_keyword(n, def, text)),
            }
        }
        let count = def.fixed as usize;
        for (at, given) in fixed.iter().enumerate().take(def.needed as usize).skip(split) {
            if given.is_unbound()
                && let Some(p) = def.fixed_params().nth(at).filter(|p| p.required)
            {
                let fname = self.native_name(n, def);
                if p.kind == ParamKind::PositionalOnly {
                    return Err(self.native_arity(n, def, npos));
                }
                let at = at + 1 - receivers(n, def);
                let message = format!("{fname}() missing required argument '{}' (pos {at})", p.name);
                return Err(self.type_error(message));
            }
        }
        let args = Args { fixed: &fixed[..count], rest: &args[split..npos], kwargs: Kwargs(kwargs) };
        self.call_bound(n, def, args, at)
    }

    fn native_name(&mut self, n: Gc<Native>, def: &'static NativeDef) -> String {
        match n.owner.get().cast::<crate::object::class::Class>() {
            Some(class) if def.like_script => format!("{}.{}", class.name_text(), def.name),
            Some(class) if def.name == "__new__" || def.name == "__init__" => class.name_text(),
            _ => def.name.to_string(),
        }
    }

    #[cold]
    fn native_keyword(&mut self, n: Gc<Native>, def: &'static NativeDef, name: Gc<Str>) -> Raised {
        let (fname, text) = (self.native_name(n, def), name.to_text().into_owned());
        let takes_keywords =
            def.params.iter().any(|p| matches!(p.kind, ParamKind::Positional | ParamKind::KeywordOnly));
        if !takes_keywords {
            let qualified = self.native_qualified(n, def);
            return self.type_error(format!("{qualified}() takes no keyword arguments"));
        }
        self.type_error(format!("{fname}() got an unexpected keyword argument '{text}'"))
    }

    /// `class.method` or the plain name.
    fn native_qualified(&mut self, n: Gc<Native>, def: &'static NativeDef) -> String {
        match n.owner.get().cast::<crate::object::class::Class>() {
            Some(class) if def.name == "__new__" || def.name == "__init__" => class.name_text(),
            Some(class) => format!("{}.{}", class.name_text(), def.name),
            None => def.name.to_string(),
        }
    }

    #[cold]
    pub(super) fn native_arity(&mut self, n: Gc<Native>, def: &'static NativeDef, given: usize) -> Raised {
        let constructor = matches!(def.name, "__new__" | "__init__");
        let receiver = receivers(n, def);
        let (min, max) = ((def.min as usize).saturating_sub(receiver), (def.max as usize).saturating_sub(receiver));
        let args_missing_class = given == 0;
        let given = given.saturating_sub(receiver);
        let qualified = self.native_qualified(n, def);
        let name = self.native_name(n, def);
        let keywords = def.params.iter().any(|p| p.kind == ParamKind::Positional);
        // Required ones that cannot be given by name, without the receiver.
        let only = |p: &&crate::native::Param| p.kind == ParamKind::PositionalOnly && p.required;
        let posonly = def.params.iter().filter(only).count().saturating_sub(receiver);
        // These two look at the count of arguments before they look at names.
        let counts_first = n
            .owner
            .get()
            .cast::<crate::object::class::Class>()
            .is_some_and(|class| constructor && [ClassId::Str as u32, ClassId::Int as u32].contains(&class.id));
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let message = if def.like_script && given > max {
            let (least, most) = (def.min, def.max);
            format!("{name}() takes from {least} to {most} positional arguments but {} were given", given + receiver)
        } else if def.name == "__new__" && given == 0 && args_missing_class {
            format!("{name}.__new__(): not enough arguments")
        } else if given < posonly && keywords {
            let (least, s) = (if posonly < max { "at least" } else { "exactly" }, plural(posonly));
            format!("{name}() takes {least} {posonly} positional argument{s} ({given} given)")
        } else if given < min && keywords {
            match def.params.get(given + receiver) {
                Some(p) if p.kind == ParamKind::PositionalOnly => {
                    let least = if min == max { "exactly" } else { "at least" };
                    format!("{name}() takes {least} {min} positional argument{} ({given} given)", plural(min))
                }
                p => {
                    let missing = p.map_or("", |p| p.name);
                    format!("{name}() missing required argument '{missing}' (pos {})", given + 1)
                }
            }
        } else if max == 0 && def.has_kwonly && !def.has_rest {
            format!("{name}() takes no positional arguments")
        } else if max == 0 && !def.has_rest {
            format!("{qualified}() takes no arguments ({given} given)")
        } else if min == max && max == 1 && !def.has_rest && !constructor {
            format!("{qualified}() takes exactly one argument ({given} given)")
        } else if keywords && !counts_first {
            let most = if min == max { "exactly" } else { "at most" };
            let kind = if def.has_kwonly { "positional argument" } else { "argument" };
            format!("{name}() takes {most} {max} {kind}{} ({given} given)", plural(max))
        } else if min == max && !def.has_rest {
            format!("{name} expected {max} argument{}, got {given}", plural(max))
        } else if given < min {
            format!("{name} expected at least {min} argument{}, got {given}", plural(min))
        } else {
            format!("{name} expected at most {max} argument{}, got {given}", plural(max))
        };
        self.type_error(message)
    }

    /// Calls `body` with `first` before `args`.
    pub(super) fn with_first<T>(
        &mut self,
        first: Value,
        args: &[Value],
        body: impl FnOnce(&mut Ctx, &[Value]) -> R<T>,
    ) -> R<T> {
        const INLINE: usize = 12;
        if args.len() < INLINE {
            let mut buffer = [Value::NONE; INLINE];
            buffer[0] = first;
            buffer[1..=args.len()].copy_from_slice(args);
            return body(self, &buffer[..=args.len()]);
        }
        let list = self.new_list();
        self.list_push(list, first)?;
        for &a in args {
            self.list_push(list, a)?;
        }
        let t = self.list_snapshot(list)?;
        body(self, t.items())
    }
}

impl Native {
    /// Calls a native that moves the machine with plain arguments, the short way; false: it is none, or that cannot be.
    #[inline]
    pub(super) fn move_machine(&self, cx: &mut Ctx, args: &[Value]) -> R<bool> {
        let def = self.def();
        let Some(moves) = def.resume.as_ref().and_then(|r| r.moves) else { return Ok(false) };
        let fits = args.len() >= def.min as usize && (def.has_rest || args.len() <= def.max as usize);
        if !fits || !self.this.get().is_unbound() {
            return Ok(false);
        }
        let split = args.len().min(def.max as usize);
        moves(cx, Args { fixed: &args[..split], rest: &args[split..], kwargs: Kwargs(None) })
    }
}

/// How many of a native's declared parameters scripts do not count: the object or class it is a method of.
fn receivers(n: Gc<Native>, def: &'static NativeDef) -> usize {
    let method = n.header().shape() != ClassId::BuiltinFunction.shape() || !n.this.get().is_unbound();
    let receiver = method && def.role != crate::native::Role::StaticMethod || def.role == crate::native::Role::Method;
    usize::from(receiver || matches!(def.name, "__new__" | "__init__"))
}

/// The place among the fixed arguments of a parameter that may be passed by name.
fn fixed_index(def: &NativeDef, name: &[u8]) -> Option<usize> {
    // Mostly the first letter tells.
    let is_it = |p: &Param| p.name.as_bytes().first() == name.first() && p.name.as_bytes() == name;
    def.fixed_params().position(|p| matches!(p.kind, ParamKind::Positional | ParamKind::KeywordOnly) && is_it(p))
}
