//! One interpreter, as a host sees it.

use std::fmt;
use std::sync::atomic::Ordering;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::isolate::BuiltinModule;
use conc_interpreter::object::module::Module;
use conc_interpreter::scheduler::{self, Host, Refusal};
use conc_interpreter::value::{Gc, Value};
use conc_interpreter::vm::compile::exec;
use conc_stdlib::core::shared::{recall, remember};

use crate::convert::{FromValue, IntoValue, Local, Scope};
use crate::error::Raised;
use crate::function::{Callable, HostFunction, methods};
use crate::{Error, Program, Result, Root};

/// What scripts may reach outside the interpreter.
///
/// In this version it is all or nothing, and it decides which modules and builtins are *there*. It keeps honest
/// scripts from depending on the outside; it is no wall against hostile ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capabilities {
    /// Modules that compute: no files, processes, network or environment, and neither `open` nor `input`. `print`
    /// still writes to standard output.
    #[default]
    None,
    /// Everything the `conc` command offers.
    All,
}

/// How much of the standard library there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Std {
    /// The builtin functions and types, and `sys`.
    Builtins,
    /// Every module that the [`Capabilities`] allow.
    #[default]
    All,
}

/// Modules that only compute.
const PURE: &[&str] = &[
    "abc",
    "array",
    "ast",
    "base64",
    "binascii",
    "bisect",
    "builtins",
    "calendar",
    "cmath",
    "codecs",
    "collections",
    "colorsys",
    "contextlib",
    "contextvars",
    "copy",
    "copyreg",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "errno",
    "fractions",
    "functools",
    "gc",
    "graphlib",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "inspect",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "math",
    "numbers",
    "operator",
    "pprint",
    "queue",
    "random",
    "re",
    "reprlib",
    "statistics",
    "string",
    "struct",
    "sys",
    "textwrap",
    "time",
    "token",
    "traceback",
    "types",
    "typing",
    "unicodedata",
    "uuid",
    "warnings",
    "weakref",
    "zlib",
];

/// Makes an [`Interpreter`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    std: Std,
    capabilities: Capabilities,
    ignores_deadlocks: bool,
}

impl Builder {
    /// How much of the standard library there is; all that is allowed, unless set.
    pub fn stdlib(mut self, std: Std) -> Builder {
        self.std = std;
        self
    }
    /// What scripts may reach; nothing, unless set.
    pub fn capabilities(mut self, capabilities: Capabilities) -> Builder {
        self.capabilities = capabilities;
        self
    }
    /// Whether a call that can never return fails with DeadlockError; so it does, unless set. It is to be switched off if
    /// a thread that has not called the interpreter yet may end what another one waits for.
    ///
    /// A call is known never to return when every thread inside waits, no timer runs and nobody waits for anything
    /// outside the program. Nothing is known any more once a second thread of the host's has called the interpreter, and
    /// while there is a [`Root`] of something callable: then somebody may come and end the wait.
    pub fn report_deadlocks(mut self, report: bool) -> Builder {
        self.ignores_deadlocks = !report;
        self
    }
    /// Makes the interpreter.
    pub fn build(self) -> Result<Interpreter> {
        let allowed = |module: &BuiltinModule| {
            let name = module.name();
            let top = name.split('.').next().unwrap_or(name);
            match (self.std, self.capabilities) {
                (Std::Builtins, _) => matches!(top, "builtins" | "sys"),
                (Std::All, Capabilities::All) => true,
                (Std::All, Capabilities::None) => PURE.contains(&top.trim_start_matches('_')),
            }
        };
        let library = conc_stdlib::library().into_iter().filter(allowed).collect();
        let Some(host) = Host::new(library) else { return Err(Error::Start("no memory for an interpreter")) };
        host.isolate().flush_files.get_or_init(|| conc_stdlib::io::registry::flush_all);
        host.isolate().open.store(self.ignores_deadlocks, Ordering::Relaxed);
        let interpreter = Interpreter { host };
        if self.capabilities == Capabilities::None {
            interpreter.enter(|cx| {
                for name in ["open", "input", "breakpoint"] {
                    let name = cx.str(name);
                    let _ = builtins(cx).map(|b| b.remove(cx, name));
                }
                Ok(())
            })?;
        }
        Ok(interpreter)
    }
}

fn builtins(cx: &Ctx) -> Option<Gc<Dict>> {
    let builtins = cx.iso().roots.builtins.get();
    builtins.cast::<Module>().map(|m| m.dict()).or_else(|| builtins.cast())
}

/// An interpreter: a heap, a `__main__` module and the standard library of its own.
///
/// Interpreters share nothing. One may be used by many threads at once: each call runs on the thread that makes it, side
/// by side with the others and with the script's own threads. To the script each caller is a thread of its own, the first
/// one the main thread. A closure of [`function`](Interpreter::function) may call the interpreter again: that goes on in
/// the call it is part of.
///
/// ```
/// # fn main() -> Result<(), conc::Error> {
/// let interp = conc::Interpreter::new()?;
/// interp.exec("seen = []\ndef area(w, h):\n    seen.append(w)\n    return w * h")?;
/// let areas = std::thread::scope(|scope| {
///     let area = |w: i64| interp.call::<i64>("area", (w, 10));
///     let threads = [1, 2, 3].map(|w| scope.spawn(move || area(w)));
///     threads.into_iter().map(|t| t.join().expect("no panic")).collect::<Result<Vec<_>, _>>()
/// })?;
/// assert_eq!(areas, [10, 20, 30]);
/// assert_eq!(interp.eval::<Vec<i64>>("sorted(seen)")?, [1, 2, 3]);
/// # Ok(()) }
/// ```
///
/// Dropping it stops the script's threads where they are; then finalizers run, and what the script's streams hold back is
/// written. No call can be under way then, as calls borrow the interpreter. If a closure that the interpreter calls drops
/// it, that happens as soon as the closure has returned.
pub struct Interpreter {
    host: Host,
}

impl fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interpreter")
    }
}

impl Interpreter {
    /// An interpreter as a default [`Builder`] makes it.
    pub fn new() -> Result<Interpreter> {
        Builder::default().build()
    }

    /// Sets an interpreter up.
    ///
    /// ```
    /// # fn main() -> Result<(), conc::Error> {
    /// use conc::{Capabilities, Interpreter, Std};
    /// let interp = Interpreter::builder().stdlib(Std::All).capabilities(Capabilities::None).build()?;
    /// assert_eq!(interp.eval::<f64>("__import__('math').sqrt(2.25)")?, 1.5);
    /// assert!(interp.eval::<()>("open('secrets')").is_err());
    /// # Ok(()) }
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Runs statements in `__main__`.
    ///
    /// ```
    /// # fn main() -> Result<(), conc::Error> {
    /// let interp = conc::Interpreter::new()?;
    /// match interp.exec("total = 1\nif total\n    print(total)") {
    ///     Err(conc::Error::Syntax(s)) => assert_eq!(s.diagnostics()[0].message, "expected ':'"),
    ///     other => panic!("{other:?}"),
    /// }
    /// match interp.exec("def f(): return 1 / 0\nf()") {
    ///     Err(conc::Error::Raised(e)) => {
    ///         assert_eq!((e.class(), e.message()), ("ZeroDivisionError", "division by zero"));
    ///         assert_eq!((e.frames()[1].function.as_str(), e.frames()[1].line), ("f", 1));
    ///     }
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn exec(&self, text: &str) -> Result<()> {
        self.exec_named(text, "<string>")
    }

    /// Runs statements in `__main__`; tracebacks name the text as given.
    pub fn exec_named(&self, text: &str, name: &str) -> Result<()> {
        self.run(&Program::named(text, name)?)
    }

    /// The value of an expression in `__main__`.
    pub fn eval<T: FromValue>(&self, text: &str) -> Result<T> {
        self.evaluate(&Program::expression(text)?)
    }

    /// Runs a program in `__main__`. Every run makes code of its own; the program stays as it is.
    ///
    /// ```
    /// # fn main() -> Result<(), conc::Error> {
    /// let program = conc::Program::new("counted = [n for n in range(limit)]")?;
    /// for limit in [3, 5] {
    ///     let interp = conc::Interpreter::new()?;
    ///     interp.set("limit", limit)?;
    ///     interp.run(&program)?;
    ///     assert_eq!(interp.eval::<usize>("len(counted)")?, limit);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn run(&self, program: &Program) -> Result<()> {
        self.execute(program, |_, _| Ok(()))
    }

    /// The value of a program made by [`Program::expression`]; other programs give `None`.
    pub fn evaluate<T: FromValue>(&self, program: &Program) -> Result<T> {
        self.execute(program, convert)
    }

    fn execute<T>(&self, program: &Program, then: impl FnOnce(&mut Ctx, Value) -> Result<T>) -> Result<T> {
        let run = |cx: &mut Ctx| {
            let globals = cx.main_namespace()?;
            let code = cx.instantiate(program.template(), globals)?;
            exec(cx, code.value(), globals, Value::UNBOUND)
        };
        self.enter(|cx| finish(cx, run, then))
    }

    /// Runs `body` in a context of the calling thread.
    #[inline]
    fn enter<T>(&self, body: impl FnOnce(&mut Ctx) -> Result<T>) -> Result<T> {
        match self.host.enter(body) {
            Ok(result) => result,
            Err(refusal) => Err(Error::Refused(refusal.text())),
        }
    }

    /// Calls a global function of `__main__` (or a builtin).
    pub fn call<T: FromValue>(&self, name: &str, args: impl Arguments) -> Result<T> {
        self.enter(|cx| {
            let function = global(cx, name)?;
            finish(cx, |cx| args.call(cx, function), convert)
        })
    }

    /// Calls what a handle stands for.
    pub fn invoke<T: FromValue>(&self, function: &Root, args: impl Arguments) -> Result<T> {
        self.enter(|cx| {
            let Some(function) = function.value(cx) else { return Err(Error::Foreign) };
            finish(cx, |cx| args.call(cx, function), convert)
        })
    }

    /// A global of `__main__`, or a builtin.
    pub fn get<T: FromValue>(&self, name: &str) -> Result<T> {
        self.enter(|cx| {
            let found = global(cx, name)?;
            convert(cx, found)
        })
    }

    /// Sets a global of `__main__`.
    pub fn set(&self, name: &str, value: impl IntoValue) -> Result<()> {
        self.enter(|cx| {
            let value = |cx: &mut Ctx| value.into_value(&mut Scope(cx)).map(|v| v.0);
            set_global(cx, name, value).map_err(|e| raised(cx, e.0))
        })
    }

    /// Makes a Rust closure a global function. `params` names its parameters, for calls by keyword.
    ///
    /// ```
    /// # fn main() -> Result<(), conc::Error> {
    /// use conc::{Interpreter, Raise};
    /// let interp = Interpreter::new()?;
    /// interp.function("repeat", ["text", "times"], |text: String, times: i64| match usize::try_from(times) {
    ///     Ok(n) => Ok(text.repeat(n)),
    ///     Err(_) => Err(Raise::new("ValueError", "times is negative")),
    /// })?;
    /// assert_eq!(interp.eval::<String>("repeat('ab', times=3)")?, "ababab");
    /// let handled = "try: repeat('x', -1)\nexcept ValueError as e: message = str(e)";
    /// interp.exec(handled)?;
    /// assert_eq!(interp.get::<String>("message")?, "times is negative");
    /// # Ok(()) }
    /// ```
    pub fn function<const N: usize, M>(
        &self,
        name: &str,
        params: [&str; N],
        function: impl Callable<N, M>,
    ) -> Result<()> {
        let function = HostFunction::new(name, params, function);
        self.enter(|cx| {
            let object = |cx: &mut Ctx| {
                let class = function_class(cx);
                let function = function.of(cx.iso());
                Ok(cx.new_boxed(class, Some(Box::new(function)), 0).value())
            };
            set_global(cx, name, object).map_err(|e| raised(cx, e.0))
        })
    }

    /// Ends the script as the end of a program would: waits for its threads, daemons apart, then calls what `atexit`
    /// has registered. What follows is as for a drop.
    ///
    /// ```
    /// # fn main() -> Result<(), conc::Error> {
    /// use conc::{Capabilities, Interpreter};
    /// let interp = Interpreter::builder().capabilities(Capabilities::All).build()?;
    /// interp.exec("import threading, time\nt = threading.Thread(target=time.sleep, args=(0.01,))\nt.start()")?;
    /// interp.shutdown()?;
    /// # Ok(()) }
    /// ```
    ///
    /// It takes the interpreter itself, so no call is under way; a closure that the interpreter calls is refused.
    pub fn shutdown(self) -> Result<()> {
        if self.host.is_inside() {
            return Err(Error::Refused(Refusal::Inside.text()));
        }
        let run = |cx: &mut Ctx| {
            call_if_loaded(cx, "threading", "_shutdown")?;
            scheduler::finish(cx, false)?;
            call_if_loaded(cx, "atexit", "_run_exitfuncs")
        };
        self.enter(|cx| finish(cx, run, |_, _| Ok(())))
    }
}

/// A global of `__main__`, or a builtin.
fn global(cx: &mut Ctx, name: &str) -> Result<Value> {
    let key = cx.intern(name);
    let globals = cx.main_namespace().map_err(|e| raised(cx, e.0))?;
    let found = globals.get_str(cx, key).or_else(|| builtins(cx).and_then(|b| b.get_str(cx, key)));
    found.ok_or_else(|| Error::Missing(name.to_string()))
}

fn set_global(cx: &mut Ctx, name: &str, value: impl FnOnce(&mut Ctx) -> R) -> R<()> {
    let value = value(cx)?;
    let key = cx.intern(name);
    let globals = cx.main_namespace()?;
    globals.set_str(cx, key, value);
    Ok(())
}

/// The class of host functions, made with the first of them.
fn function_class(cx: &mut Ctx) -> Gc<Class> {
    const NAME: &str = "host_function";
    if let Some(class) = recall(cx, NAME).and_then(|class| class.cast()) {
        return class;
    }
    let class = cx.native_class("builtins", NAME, None, methods::METHODS);
    remember(cx, NAME, class.value());
    class
}

fn call_if_loaded(cx: &mut Ctx, module: &str, function: &str) -> R {
    let name = cx.intern(module);
    let modules = cx.iso().roots.modules.get().cast::<Dict>();
    let Some(module) = modules.and_then(|m| m.get_str(cx, name)) else { return Ok(Value::NONE) };
    let function = cx.get_attr_text(module, function)?;
    cx.call(function, &[])
}

fn finish<T>(
    cx: &mut Ctx,
    run: impl FnOnce(&mut Ctx) -> R,
    then: impl FnOnce(&mut Ctx, Value) -> Result<T>,
) -> Result<T> {
    let result = match run(cx) {
        Ok(v) => then(cx, v),
        Err(e) => Err(raised(cx, e.0)),
    };
    conc_stdlib::io::registry::flush_all();
    result
}

fn convert<T: FromValue>(cx: &mut Ctx, v: Value) -> Result<T> {
    T::from_value(&mut Scope(cx), Local(v)).map_err(|m| Error::Type { expected: m.expected, found: m.found })
}

fn raised(cx: &mut Ctx, exc: Value) -> Error {
    Error::Raised(Box::new(Raised::new(cx, exc)))
}

/// Arguments of a call: a tuple of up to six values.
pub trait Arguments {
    #[doc(hidden)]
    fn call(self, cx: &mut Ctx, function: Value) -> R;
}

macro_rules! arguments {
    ($(($($t:ident $i:tt),*);)*) => { $(
        impl<$($t: IntoValue),*> Arguments for ($($t,)*) {
            fn call(self, cx: &mut Ctx, function: Value) -> R {
                let args = [$(self.$i.into_value(&mut Scope(cx))?.0),*];
                cx.call(function, &args)
            }
        }
    )* };
}
arguments! {
    ();
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, G 4);
    (A 0, B 1, C 2, D 3, G 4, H 5);
}
