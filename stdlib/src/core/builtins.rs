//! builtins: the functions that need no import.

use conc_macros::module;

/// Functions available everywhere without an import.
#[module(name = "builtins")]
pub mod functions {
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::text;
    use conc_interpreter::value::{Gc, Value};

    use crate::core::{attributes, build_class, evaluate, extremes, numbers, output, shared};

    /// Return the absolute value of the argument.
    pub fn abs(cx: &mut Ctx, x: Value) -> R {
        numbers::abs(cx, x)
    }

    /// Return an AsyncIterator for an AsyncIterable object.
    pub fn aiter(cx: &mut Ctx, async_iterable: Value) -> R {
        evaluate::aiter(cx, async_iterable)
    }

    /// Return the next item of an async iterator, as an awaitable.
    ///
    /// If default is given and the iterator is exhausted, it is returned instead of raising StopAsyncIteration.
    pub fn anext(cx: &mut Ctx, aiterator: Value, default: Option<Value>) -> R {
        evaluate::anext(cx, aiterator, default)
    }

    /// Return True if bool(x) is True for all values x in the iterable; True for an empty one.
    #[resumable(extremes::ALL)]
    pub fn all(cx: &mut Ctx, iterable: Value) -> R<bool> {
        extremes::find_truth(cx, iterable, false).map(|found| !found)
    }

    /// Return True if bool(x) is True for any x in the iterable; False for an empty one.
    #[resumable(extremes::ANY)]
    pub fn any(cx: &mut Ctx, iterable: Value) -> R<bool> {
        extremes::find_truth(cx, iterable, true)
    }

    /// Return repr(obj) with everything outside ASCII escaped.
    pub fn ascii(cx: &mut Ctx, obj: Value) -> R {
        let shown = cx.repr(obj)?;
        if shown.is_ascii() {
            return Ok(shown.value());
        }
        let plain = text::quote::ascii_only(shown.as_bytes());
        Ok(cx.try_wtf8(&plain)?.value())
    }

    /// Return the binary representation of an integer.
    ///
    /// >>> bin(2796202)
    /// '0b1010101010101010101010'
    pub fn bin(cx: &mut Ctx, number: Value) -> R<String> {
        numbers::radix(cx, number, text::int::bin)
    }

    /// There is no debugger to break into.
    pub fn breakpoint(cx: &mut Ctx, _args: &[Value], _kws: Kwargs) -> R {
        Err(cx.runtime_error("breakpoint() is not supported: Conc has no debugger"))
    }

    /// Return whether the object is callable (i.e., some kind of function).
    ///
    /// Note that classes are callable, as are instances of classes with a __call__() method.
    pub fn callable(cx: &mut Ctx, obj: Value) -> bool {
        attributes::callable(cx, obj)
    }

    /// Return a string of one character with ordinal i; 0 <= i <= 0x10ffff.
    pub fn chr(cx: &mut Ctx, i: Value) -> R {
        numbers::chr(cx, i)
    }

    /// Compile source into a code object that can be executed by exec() or eval().
    ///
    /// The mode must be 'exec' to compile a module, 'single' for one interactive statement, or 'eval' for an
    /// expression.
    #[allow(clippy::too_many_arguments)]
    pub fn compile(
        cx: &mut Ctx,
        #[kw] source: Value,
        #[kw] filename: Value,
        #[kw] mode: Value,
        #[kw]
        #[default(0)]
        flags: i64,
        #[kw]
        #[default(false)]
        dont_inherit: bool,
        #[kw]
        #[default(-1)]
        optimize: i64,
        #[kwonly]
        #[default(-1)]
        _feature_version: i64,
    ) -> R {
        evaluate::compile(cx, source, filename, mode, flags, dont_inherit, optimize)
    }

    /// Deletes the named attribute from the given object.
    ///
    /// delattr(x, 'y') is equivalent to ``del x.y``
    pub fn delattr(cx: &mut Ctx, obj: Value, name: Value) -> R<()> {
        let name = attributes::attribute_name(cx, name, "")?;
        cx.del_attr(obj, name)
    }

    /// Names in the current scope, or the attributes of an object, sorted.
    pub fn dir(cx: &mut Ctx, object: Option<Value>) -> R {
        attributes::dir(cx, object)
    }

    /// Return the tuple (x//y, x%y).  Invariant: div*y + mod == x.
    pub fn divmod(cx: &mut Ctx, x: Value, y: Value) -> R {
        numbers::divmod(cx, x, y)
    }

    /// Evaluate the given source in the context of globals and locals.
    ///
    /// The source may be a string representing an expression or a code object as returned by compile().
    pub fn eval(
        cx: &mut Ctx,
        source: Value,
        #[kw]
        #[default(Value::NONE)]
        globals: Value,
        #[kw]
        #[default(Value::NONE)]
        locals: Value,
    ) -> R {
        evaluate::eval(cx, source, globals, locals)
    }

    /// Execute the given source in the context of globals and locals.
    ///
    /// The source may be a string representing one or more statements or a code object as returned by compile().
    pub fn exec(
        cx: &mut Ctx,
        source: Value,
        #[kw]
        #[default(Value::NONE)]
        globals: Value,
        #[kw]
        #[default(Value::NONE)]
        locals: Value,
        #[kwonly]
        #[default(Value::NONE)]
        closure: Value,
    ) -> R<()> {
        evaluate::exec(cx, source, globals, locals, closure)
    }

    /// Return type(value).__format__(value, format_spec); the spec defaults to the empty string.
    pub fn format(cx: &mut Ctx, value: Value, format_spec: Option<Value>) -> R<Gc<Str>> {
        let spec = match format_spec {
            Some(spec) => {
                Some(shared::text_arg(cx, spec, |got| format!("format() argument 2 must be str, not {got}"))?)
            }
            None => None,
        };
        cx.format(value, spec)
    }

    /// getattr(object, name[, default]) -> value
    ///
    /// Get a named attribute from an object; getattr(x, 'y') is equivalent to x.y. When a default argument is given,
    /// it is returned when the attribute doesn't exist; without it, an exception is raised in that case.
    pub fn getattr(cx: &mut Ctx, object: Value, name: Value, default: Option<Value>) -> R {
        let name = attributes::attribute_name(cx, name, "")?;
        match default {
            Some(default) => Ok(cx.get_attr_opt(object, name)?.unwrap_or(default)),
            None => cx.get_attr(object, name),
        }
    }

    /// Return the dictionary containing the current scope's global variables.
    pub fn globals(cx: &mut Ctx) -> R {
        evaluate::globals(cx)
    }

    /// Return whether the object has an attribute with the given name.
    pub fn hasattr(cx: &mut Ctx, obj: Value, name: Value) -> R<bool> {
        let name = attributes::attribute_name(cx, name, "")?;
        Ok(cx.get_attr_opt(obj, name)?.is_some())
    }

    /// Return the hash value for the given object.
    ///
    /// Two objects that compare equal must also have the same hash value, but the reverse is not necessarily true.
    pub fn hash(cx: &mut Ctx, obj: Value) -> R<i64> {
        Ok(cx.hash(obj)? as i64)
    }

    /// Show what an object offers: its signature and documentation.
    pub fn help(cx: &mut Ctx, request: Option<Value>) -> R<()> {
        attributes::help(cx, request)
    }

    /// Return the hexadecimal representation of an integer.
    ///
    /// >>> hex(12648430)
    /// '0xc0ffee'
    pub fn hex(cx: &mut Ctx, number: Value) -> R<String> {
        numbers::radix(cx, number, text::int::hex)
    }

    /// Return the identity of an object: unique among objects that exist at the same time.
    pub fn id(obj: Value) -> i64 {
        numbers::identity(obj)
    }

    /// Read a string from standard input, without its trailing newline.
    ///
    /// The prompt string, if given, is printed to standard output first. At end of input EOFError is raised.
    pub fn input(cx: &mut Ctx, prompt: Option<Value>) -> R {
        output::input(cx, prompt)
    }

    /// Return whether an object is an instance of a class or of a subclass thereof.
    ///
    /// A tuple or a union of classes may be given to check against any of them.
    pub fn isinstance(cx: &mut Ctx, obj: Value, class_or_tuple: Value) -> R<bool> {
        cx.isinstance(obj, class_or_tuple)
    }

    /// Return whether 'cls' is derived from another class or is the same class.
    pub fn issubclass(cx: &mut Ctx, cls: Value, class_or_tuple: Value) -> R<bool> {
        cx.issubclass(cls, class_or_tuple)
    }

    /// iter(iterable) -> iterator; iter(callable, sentinel) -> iterator
    ///
    /// Get an iterator from an object. In the second form, the callable is called until it returns the sentinel.
    pub fn iter(cx: &mut Ctx, object: Value, sentinel: Option<Value>) -> R {
        match sentinel {
            None => cx.iter(object),
            Some(sentinel) => {
                if !attributes::callable(cx, object) {
                    return Err(cx.type_error("iter(v, w): v must be callable"));
                }
                Ok(cx.new_iter(ClassId::CallIterator, object, sentinel, 0, 0).value())
            }
        }
    }

    /// Return the number of items in a container.
    pub fn len(cx: &mut Ctx, obj: Value) -> R<usize> {
        cx.len(obj)
    }

    /// Return a dictionary containing the current scope's local variables.
    pub fn locals(cx: &mut Ctx) -> R {
        evaluate::locals(cx)
    }

    /// With a single iterable argument, return its biggest item; with two or more arguments, the largest argument.
    ///
    /// The default is returned if the iterable is empty; key is a function of one argument.
    #[resumable(extremes::MAX)]
    pub fn max(
        cx: &mut Ctx,
        args: &[Value],
        #[kwonly]
        #[default(Value::NONE)]
        key: Value,
        #[kwonly] default: Option<Value>,
    ) -> R {
        extremes::extreme(cx, args, key, default, true)
    }

    /// With a single iterable argument, return its smallest item; with two or more arguments, the smallest argument.
    ///
    /// The default is returned if the iterable is empty; key is a function of one argument.
    #[resumable(extremes::MIN)]
    pub fn min(
        cx: &mut Ctx,
        args: &[Value],
        #[kwonly]
        #[default(Value::NONE)]
        key: Value,
        #[kwonly] default: Option<Value>,
    ) -> R {
        extremes::extreme(cx, args, key, default, false)
    }

    /// Return the next item from the iterator.
    ///
    /// If default is given and the iterator is exhausted, it is returned instead of raising StopIteration.
    #[resumable(evaluate::NEXT)]
    pub fn next(cx: &mut Ctx, iterator: Value, default: Option<Value>) -> R {
        evaluate::next(cx, iterator, default)
    }

    /// Return the octal representation of an integer.
    ///
    /// >>> oct(342391)
    /// '0o1234567'
    pub fn oct(cx: &mut Ctx, number: Value) -> R<String> {
        numbers::radix(cx, number, text::int::oct)
    }

    /// Open file and return a stream.  Raise OSError upon failure.
    ///
    /// file is a path or an integer file descriptor. mode is 'r' (default) to read, 'w' to write (truncating), 'x' to
    /// create, 'a' to append, with 'b' for binary, 't' for text (default) and '+' for updating. buffering is 0 for
    /// none (binary only), 1 for line buffering (text only), or a size. encoding, errors and newline are for text.
    #[allow(clippy::too_many_arguments)]
    pub fn open(
        cx: &mut Ctx,
        #[kw] file: Value,
        #[kw] mode: Option<Value>,
        #[kw]
        #[default(-1)]
        buffering: i64,
        #[kw]
        #[default(Value::NONE)]
        encoding: Value,
        #[kw]
        #[default(Value::NONE)]
        errors: Value,
        #[kw]
        #[default(Value::NONE)]
        newline: Value,
        #[kw]
        #[default(true)]
        closefd: bool,
        #[kw]
        #[default(Value::NONE)]
        opener: Value,
    ) -> R {
        let mode = match mode {
            Some(mode) => mode,
            None => cx.str("r"),
        };
        crate::io::classes::make(cx)?;
        crate::io::open::open(
            cx,
            crate::io::open::Request { file, mode, buffering, encoding, errors, newline, closefd, opener },
        )
    }

    /// Return the ordinal of a one-character string, bytes or bytearray.
    pub fn ord(cx: &mut Ctx, character: Value) -> R<i64> {
        numbers::ord(cx, character)
    }

    /// Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments.
    pub fn pow(
        cx: &mut Ctx,
        #[kw] base: Value,
        #[kw] exp: Value,
        #[kw]
        #[default(Value::NONE)]
        r#mod: Value,
    ) -> R {
        cx.power(base, exp, r#mod)
    }

    /// Prints the values to a stream, or to sys.stdout by default.
    ///
    /// sep: string inserted between values, default a space; end: string appended after the last value, default a
    /// newline; file: a file-like object; flush: whether to forcibly flush the stream.
    pub fn print(
        cx: &mut Ctx,
        args: &[Value],
        #[kwonly]
        #[default(Value::NONE)]
        sep: Value,
        #[kwonly]
        #[default(Value::NONE)]
        end: Value,
        #[kwonly]
        #[default(Value::NONE)]
        file: Value,
        #[kwonly]
        #[default(false)]
        flush: bool,
    ) -> R<()> {
        output::print(cx, args, sep, end, file, flush)
    }

    /// Return the canonical string representation of the object.
    pub fn repr(cx: &mut Ctx, obj: Value) -> R<Gc<Str>> {
        cx.repr(obj)
    }

    /// Round a number to a given precision in decimal digits.
    ///
    /// The return value is an integer if ndigits is omitted or None; otherwise it has the same type as the number.
    pub fn round(
        cx: &mut Ctx,
        #[kw] number: Value,
        #[kw]
        #[default(Value::NONE)]
        ndigits: Value,
    ) -> R {
        numbers::round(cx, number, ndigits)
    }

    /// Sets the named attribute on the given object to the specified value.
    ///
    /// setattr(x, 'y', v) is equivalent to ``x.y = v``
    pub fn setattr(cx: &mut Ctx, obj: Value, name: Value, value: Value) -> R<()> {
        let name = attributes::attribute_name(cx, name, "")?;
        cx.set_attr(obj, name, value)
    }

    /// Return a new list containing all items from the iterable in ascending order.
    ///
    /// A custom key function can be supplied to customize the sort order, and the reverse flag can be set to request
    /// the result in descending order.
    #[resumable(extremes::SORTED)]
    pub fn sorted(cx: &mut Ctx, args: &[Value], kwargs: Kwargs) -> R {
        extremes::sorted_call(cx, args, kwargs)
    }

    /// Ends the program by raising SystemExit, as sys.exit() does.
    pub fn exit(cx: &mut Ctx, code: Option<Value>) -> R {
        crate::system::sys::exit_with(cx, code)
    }

    /// Ends the program by raising SystemExit, as sys.exit() does.
    pub fn quit(cx: &mut Ctx, code: Option<Value>) -> R {
        crate::system::sys::exit_with(cx, code)
    }

    /// Return the sum of a 'start' value (default: 0) plus an iterable of numbers.
    ///
    /// When the iterable is empty, return the start value.
    #[resumable(numbers::SUM)]
    pub fn sum(
        cx: &mut Ctx,
        iterable: Value,
        #[kw]
        #[default(Value::small_int(0))]
        start: Value,
    ) -> R {
        numbers::sum(cx, iterable, start)
    }

    /// Without arguments, equivalent to locals(); with an argument, equivalent to object.__dict__.
    pub fn vars(cx: &mut Ctx, object: Option<Value>) -> R {
        match object {
            None => evaluate::locals(cx),
            Some(object) => {
                let name = cx.names().__dict__;
                match cx.get_attr_opt(object, name)? {
                    Some(dict) => Ok(dict),
                    None => Err(cx.type_error("vars() argument must have __dict__ attribute")),
                }
            }
        }
    }

    /// Import a module; the import statement calls this.
    ///
    /// With an empty fromlist the top-level package of a dotted name is returned, else the module itself. level is
    /// the number of dots of a relative import.
    pub fn __import__(
        cx: &mut Ctx,
        #[kw] name: Value,
        #[kw]
        #[default(Value::NONE)]
        globals: Value,
        #[kw]
        #[default(Value::NONE)]
        _locals: Value,
        #[kw]
        #[default(Value::NONE)]
        fromlist: Value,
        #[kw]
        #[default(0)]
        level: i64,
    ) -> R {
        evaluate::import(cx, name, globals, fromlist, level)
    }

    /// Makes a class; the class statement calls this.
    pub fn __build_class__(cx: &mut Ctx, func: Value, name: Value, bases: &[Value], kwds: Kwargs) -> R {
        build_class::build_class(cx, func, name, bases, kwds)
    }
}
