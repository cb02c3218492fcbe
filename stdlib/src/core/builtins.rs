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

    /// Give the number without its sign.
    pub fn abs(cx: &mut Ctx, x: Value) -> R {
        numbers::abs(cx, x)
    }

    /// Give the asynchronous iterator of an asynchronous iterable.
    pub fn aiter(cx: &mut Ctx, async_iterable: Value) -> R {
        evaluate::aiter(cx, async_iterable)
    }

    /// Give an awaitable of the asynchronous iterator's next item, or of the default once there are no more.
    pub fn anext(cx: &mut Ctx, aiterator: Value, default: Option<Value>) -> R {
        evaluate::anext(cx, aiterator, default)
    }

    /// Tell whether every item counts as true; no items at all do.
    #[resumable(extremes::ALL)]
    pub fn all(cx: &mut Ctx, iterable: Value) -> R<bool> {
        extremes::find_truth(cx, iterable, false).map(|found| !found)
    }

    /// Tell whether some item counts as true; no items at all do not.
    #[resumable(extremes::ANY)]
    pub fn any(cx: &mut Ctx, iterable: Value) -> R<bool> {
        extremes::find_truth(cx, iterable, true)
    }

    /// Give the object's repr() with escapes for everything outside ASCII.
    pub fn ascii(cx: &mut Ctx, obj: Value) -> R {
        let shown = cx.repr(obj)?;
        if shown.is_ascii() {
            return Ok(shown.value());
        }
        let plain = text::quote::ascii_only(shown.as_bytes());
        Ok(cx.try_wtf8(&plain)?.value())
    }

    /// Write an integer with binary digits.
    ///
    /// >>> bin(10)
    /// '0b1010'
    pub fn bin(cx: &mut Ctx, number: Value) -> R<String> {
        numbers::radix(cx, number, text::int::bin)
    }

    /// There is no debugger to break into.
    pub fn breakpoint(cx: &mut Ctx, _args: &[Value], _kws: Kwargs) -> R {
        Err(cx.runtime_error("breakpoint() is not supported: Conc has no debugger"))
    }

    /// Tell whether the object can be called, as functions, classes and whatever has `__call__` can.
    pub fn callable(cx: &mut Ctx, obj: Value) -> bool {
        attributes::callable(cx, obj)
    }

    /// Give the character with this code point, 0 to 0x10ffff.
    pub fn chr(cx: &mut Ctx, i: Value) -> R {
        numbers::chr(cx, i)
    }

    /// Turn source into code that exec() or eval() runs.
    ///
    /// mode says what it is: 'exec' a whole module, 'eval' one expression, 'single' one statement whose value is shown.
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

    /// Delete an attribute by name, as `del x.y` does.
    pub fn delattr(cx: &mut Ctx, obj: Value, name: Value) -> R<()> {
        let name = attributes::attribute_name(cx, name, "")?;
        cx.del_attr(obj, name)
    }

    /// Names in the current scope, or the attributes of an object, sorted.
    pub fn dir(cx: &mut Ctx, object: Option<Value>) -> R {
        attributes::dir(cx, object)
    }

    /// Give the pair of x // y and x % y.
    pub fn divmod(cx: &mut Ctx, x: Value, y: Value) -> R {
        numbers::divmod(cx, x, y)
    }

    /// Run an expression, given as source or as code from compile(), with these names; give its value.
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

    /// Run statements, given as source or as code from compile(), with these names.
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

    /// Give the value as a text in the shape that the spec describes.
    pub fn format(cx: &mut Ctx, value: Value, format_spec: Option<Value>) -> R<Gc<Str>> {
        let spec = match format_spec {
            Some(spec) => {
                Some(shared::text_arg(cx, spec, |got| format!("format() argument 2 must be str, not {got}"))?)
            }
            None => None,
        };
        cx.format(value, spec)
    }

    /// Read an attribute by name, as `x.y` does; for a missing one give the default, if there is one.
    pub fn getattr(cx: &mut Ctx, object: Value, name: Value, default: Option<Value>) -> R {
        let name = attributes::attribute_name(cx, name, "")?;
        match default {
            Some(default) => Ok(cx.get_attr_opt(object, name)?.unwrap_or(default)),
            None => cx.get_attr(object, name),
        }
    }

    /// Give the dictionary of the global names.
    pub fn globals(cx: &mut Ctx) -> R {
        evaluate::globals(cx)
    }

    /// Tell whether reading the attribute would succeed.
    pub fn hasattr(cx: &mut Ctx, obj: Value, name: Value) -> R<bool> {
        let name = attributes::attribute_name(cx, name, "")?;
        Ok(cx.get_attr_opt(obj, name)?.is_some())
    }

    /// Give an integer that equal objects have in common.
    pub fn hash(cx: &mut Ctx, obj: Value) -> R<i64> {
        Ok(cx.hash(obj)? as i64)
    }

    /// Show what an object offers: its signature and documentation.
    pub fn help(cx: &mut Ctx, request: Option<Value>) -> R<()> {
        attributes::help(cx, request)
    }

    /// Write an integer with hexadecimal digits.
    ///
    /// >>> hex(255)
    /// '0xff'
    pub fn hex(cx: &mut Ctx, number: Value) -> R<String> {
        numbers::radix(cx, number, text::int::hex)
    }

    /// Give a number that no other living object has.
    pub fn id(obj: Value) -> i64 {
        numbers::identity(obj)
    }

    /// Read a line from standard input, after writing the prompt; EOFError if there are no more.
    pub fn input(cx: &mut Ctx, prompt: Option<Value>) -> R {
        output::input(cx, prompt)
    }

    /// Tell whether the object is of the class, or of one in a tuple or union, or of a subclass.
    pub fn isinstance(cx: &mut Ctx, obj: Value, class_or_tuple: Value) -> R<bool> {
        cx.isinstance(obj, class_or_tuple)
    }

    /// Tell whether one class is the other or comes from it, or from one of a tuple.
    pub fn issubclass(cx: &mut Ctx, cls: Value, class_or_tuple: Value) -> R<bool> {
        cx.issubclass(cls, class_or_tuple)
    }

    /// iter(iterable) -> an iterator over its items
    /// iter(function, last) -> an iterator over what calling the function gives, up to the value last
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

    /// Tell how many items the container holds.
    pub fn len(cx: &mut Ctx, obj: Value) -> R<usize> {
        cx.len(obj)
    }

    /// Give a dictionary of the local names.
    pub fn locals(cx: &mut Ctx) -> R {
        evaluate::locals(cx)
    }

    /// Give the greatest item of an iterable, or the greatest of several arguments.
    ///
    /// key gives what is compared in place of an item; default is for an iterable without items.
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

    /// Give the least item of an iterable, or the least of several arguments.
    ///
    /// key gives what is compared in place of an item; default is for an iterable without items.
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

    /// Give the iterator's next item, or the default once there are no more.
    #[resumable(evaluate::NEXT)]
    pub fn next(cx: &mut Ctx, iterator: Value, default: Option<Value>) -> R {
        evaluate::next(cx, iterator, default)
    }

    /// Write an integer with octal digits.
    ///
    /// >>> oct(64)
    /// '0o100'
    pub fn oct(cx: &mut Ctx, number: Value) -> R<String> {
        numbers::radix(cx, number, text::int::oct)
    }

    /// Open a file, a path or the number of an open one, and give a stream; OSError if that fails.
    ///
    /// mode has one of 'r' to read, 'w' to start over, 'x' for a new file only and 'a' to add at the end; '+' for both
    /// reading and writing; 'b' for bytes in place of text. buffering is a size, 0 for none or 1 to write out each
    /// line.
    /// encoding, errors and newline concern text.
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

    /// Give the code point of a character, or the number of a byte.
    pub fn ord(cx: &mut Ctx, character: Value) -> R<i64> {
        numbers::ord(cx, character)
    }

    /// Give base ** exp, or base ** exp % mod without computing the large power.
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

    /// Write the values as texts, to sys.stdout unless another file is given.
    ///
    /// sep goes between them and end after the last; flush empties the file's buffer at once.
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

    /// Give the text that stands for the object in a program.
    pub fn repr(cx: &mut Ctx, obj: Value) -> R<Gc<Str>> {
        cx.repr(obj)
    }

    /// Round to ndigits decimals, or to an int if that is not given.
    pub fn round(
        cx: &mut Ctx,
        #[kw] number: Value,
        #[kw]
        #[default(Value::NONE)]
        ndigits: Value,
    ) -> R {
        numbers::round(cx, number, ndigits)
    }

    /// Set an attribute by name, as `x.y = v` does.
    pub fn setattr(cx: &mut Ctx, obj: Value, name: Value, value: Value) -> R<()> {
        let name = attributes::attribute_name(cx, name, "")?;
        cx.set_attr(obj, name, value)
    }

    /// Give a list of the items in order, least first, or greatest first if reverse is true.
    ///
    /// With a key function, its results for the items are what is compared.
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

    /// Add the items up, beginning with start.
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

    /// Give the object's `__dict__`, or without one the local names.
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

    /// Do what the import statement does.
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
