//! Exceptions from Rust: making, recognising, chaining.

use std::sync::atomic::Ordering;

use crate::heap::Header;
use crate::heap::block::MAX_SMALL;
use crate::native::{Ctx, R, Raised};
use crate::object::class::Class;
use crate::object::exception::{Exception, Traceback, extra};
use crate::object::kind::{ClassId, Kind};
use crate::object::sequence::Tuple;
use crate::object::string::Str;
use crate::value::{Gc, Value};

impl Ctx {
    pub fn new_exception(&mut self, class: ClassId, message: &str) -> Value {
        if message.is_empty() {
            return self.new_exception_with(class, &[]);
        }
        let message = self.str(message);
        self.new_exception_with(class, &[message])
    }
    pub fn new_exception_with(&mut self, class: ClassId, args: &[Value]) -> Value {
        let args = self.tuple(args).unwrap_or(Value::NONE);
        let class = self.class(class);
        let exc = self.new_exception_of(class, args);
        init_extra(self, exc);
        exc.value()
    }
    /// A bare exception of any exception class.
    pub fn new_exception_of(&mut self, class: Gc<Class>, args: Value) -> Gc<Exception> {
        let shape = class.root_shape.load(Ordering::Acquire);
        self.object::<Exception>(Kind::Exception, shape, |e| {
            e.args.set(args);
            for slot in [&e.traceback, &e.context, &e.cause] {
                slot.set_immediate(Value::NONE);
            }
            for slot in &e.extra {
                slot.set_immediate(Value::NONE);
            }
            e.attrs.set_immediate(Value::UNBOUND);
        })
    }
    /// An entry of a traceback. `registers` are the frame's named locals, left out if they are very many.
    pub fn new_traceback(
        &mut self,
        next: Value,
        (code, at): (Value, u32),
        callee: Value,
        registers: &[Value],
    ) -> Gc<Traceback> {
        const MOST: usize = (MAX_SMALL - size_of::<Traceback>()) / 8;
        let registers = if registers.len() <= MOST { registers } else { &[] };
        let word = Header::word(Kind::Traceback as u8, ClassId::Traceback.shape(), 0);
        let cell = self.cell(size_of::<Traceback>() + registers.len() * 8, word) as *mut Traceback;
        // SAFETY: a fresh cell with room for the registers.
        unsafe {
            let t = &mut *cell;
            t.next.set(next);
            t.code.set(code);
            t.frame.set_immediate(Value::UNBOUND);
            t.at = at;
            t.callee.set(callee);
            t.len = registers.len();
            for (slot, &v) in t.registers().iter().zip(registers) {
                slot.set(v);
            }
            Gc::from_raw(cell)
        }
    }
}

/// Fills what an exception's class derives from its arguments.
pub fn init_extra(cx: &mut Ctx, exc: Gc<Exception>) {
    let Some(args) = exc.args.get().cast::<Tuple>() else { return };
    let args = args.items();
    let arg = |i: usize| args.get(i).copied().unwrap_or(Value::NONE);
    let is = |id: ClassId| cx.is_instance(exc.value(), id);
    if is(ClassId::StopIteration) {
        exc.extra[extra::STOP_VALUE].set(arg(0));
    } else if is(ClassId::SystemExit) {
        let code = match args {
            [] => Value::NONE,
            [one] => *one,
            _ => exc.args.get(),
        };
        exc.extra[extra::EXIT_CODE].set(code);
    } else if is(ClassId::OSError) {
        init_os_error(cx, exc, args);
    } else if is(ClassId::ImportError) {
        exc.extra[extra::IMPORT_MSG].set(if args.len() == 1 { arg(0) } else { Value::NONE });
    } else if is(ClassId::SyntaxError) {
        init_syntax_error(exc, args);
    } else if is(ClassId::UnicodeEncodeError) || is(ClassId::UnicodeDecodeError) {
        for (field, value) in exc.extra.iter().zip(args) {
            field.set(*value);
        }
    } else if is(ClassId::UnicodeTranslateError) {
        for (field, value) in exc.extra[extra::UNI_OBJECT..].iter().zip(args) {
            field.set(*value);
        }
    } else if is(ClassId::BaseExceptionGroup) {
        exc.extra[extra::GROUP_MSG].set(arg(0));
        exc.extra[extra::GROUP_EXCS].set(arg(1));
    }
}

/// `OSError(errno, strerror, filename, winerror, filename2)`
fn init_os_error(cx: &mut Ctx, exc: Gc<Exception>, args: &[Value]) {
    if !(2..=5).contains(&args.len()) {
        return;
    }
    let arg = |i: usize| args.get(i).copied().unwrap_or(Value::NONE);
    exc.extra[extra::ERRNO].set(arg(0));
    exc.extra[extra::STRERROR].set(arg(1));
    if arg(2).is_none() {
        return;
    }
    if cx.is_instance(exc.value(), ClassId::BlockingIOError) && cx.is_int(arg(2)) {
        exc.extra[extra::WRITTEN].set(arg(2));
        return;
    }
    exc.extra[extra::FILENAME].set(arg(2));
    exc.extra[extra::FILENAME2].set(arg(4));
    if let Ok(two) = cx.tuple(&[arg(0), arg(1)]) {
        exc.args.set(two);
    }
}

/// `SyntaxError(msg, (filename, lineno, offset, text, end_lineno, end_offset))`
fn init_syntax_error(exc: Gc<Exception>, args: &[Value]) {
    if let Some(msg) = args.first() {
        exc.extra[extra::SYNTAX_MSG].set(*msg);
    }
    let Some(details) = args.get(1).and_then(|d| d.cast::<Tuple>()) else { return };
    let fields = [extra::SYNTAX_FILENAME, extra::SYNTAX_LINENO, extra::SYNTAX_OFFSET, extra::SYNTAX_TEXT];
    for (field, value) in fields.into_iter().zip(details.items()) {
        exc.extra[field].set(*value);
    }
}

impl Ctx {
    /// Whether an exception on its way is an instance of a builtin class.
    pub fn is_error(&self, e: Raised, id: ClassId) -> bool {
        self.is_instance(e.0, id)
    }

    /// Gives a new exception the one being handled as context.
    pub fn set_context(&mut self, exc: Value) {
        let handled = self.handled;
        let Some(e) = exc.cast::<Exception>() else { return };
        if handled.is_none() || handled == exc {
            return;
        }
        // Break a cycle: the new exception may already be somewhere in the chain.
        let mut at = handled;
        while let Some(link) = at.cast::<Exception>() {
            let next = link.context.get();
            if next == exc {
                link.context.set_immediate(Value::NONE);
                break;
            }
            at = next;
        }
        e.context.set(handled);
    }

    /// An exception instance from what `raise` was given: an instance, or a class to call.
    pub fn exception_from(&mut self, v: Value) -> R {
        if v.is_a::<Exception>() {
            return Ok(v);
        }
        match self.exception_class(v) {
            Some(class) => self.call_exception(class, &[]),
            None => Err(self.type_error("exceptions must derive from BaseException")),
        }
    }

    /// The class that `v` is, if its instances are exceptions.
    pub fn exception_class(&self, v: Value) -> Option<Gc<Class>> {
        v.cast::<Class>().filter(|class| class.is_subclass_of(self.class(ClassId::BaseException)))
    }

    /// Calls an exception class; what comes out is an exception.
    pub fn call_exception(&mut self, class: Gc<Class>, args: &[Value]) -> R {
        let exc = self.call(class.value(), args)?;
        if exc.is_a::<Exception>() {
            return Ok(exc);
        }
        let got = self.class_of(exc);
        let (what, got) = (self.qualified_name(class), self.qualified_name(got));
        let message =
            format!("calling <class '{what}'> should have returned an instance of BaseException, not <class '{got}'>");
        Err(self.type_error(message))
    }

    /// Whether `exc` matches what an `except` clause names: a class or a tuple of classes.
    pub fn exception_matches(&mut self, exc: Value, pattern: Value) -> R<bool> {
        if let Some(class) = pattern.cast::<Class>()
            && class.is_subclass_of(self.class(ClassId::BaseException))
        {
            return Ok(self.class_of(exc).is_subclass_of(class));
        }
        if let Some(t) = pattern.cast::<Tuple>() {
            for &p in t.items() {
                if self.exception_matches(exc, p)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        Err(self.type_error("catching classes that do not inherit from BaseException is not allowed"))
    }

    /// The message of an exception made by the machine: its first argument's text.
    pub fn exception_text(&self, exc: Value) -> String {
        let args = exc.cast::<Exception>().and_then(|e| e.args.get().cast::<Tuple>());
        let first = args.and_then(|a| a.items().first().and_then(|v| v.cast::<Str>()));
        first.map_or_else(String::new, |s| s.to_text().into_owned())
    }

    /// Reports an exception that nobody can catch (in a finalizer, a callback): by `sys.unraisablehook`, if there is
    /// a sys.
    pub fn unraisable(&mut self, e: Raised, source: Value) {
        self.unraisable_as(e, source, None);
    }

    /// The same with a message in place of "Exception ignored in".
    pub fn unraisable_as(&mut self, e: Raised, source: Value, message: Option<&str>) {
        let report = self.iso().roots.unraisable.get();
        let text = message.map_or(Value::NONE, |m| self.str(m));
        let Err(e) = (if report.is_unbound() { Err(e) } else { self.call(report, &[e.0, source, text]) }) else {
            return;
        };
        match message {
            Some(message) => eprintln!("{message}:"),
            None => eprintln!("Exception ignored in: {}", self.repr_text(source)),
        }
        let text = self.format_exception(e.0);
        eprint!("{text}");
    }
}
