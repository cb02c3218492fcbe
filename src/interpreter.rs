//! One interpreter, as a host sees it.

use std::fmt;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::isolate::BuiltinModule;
use conc_interpreter::object::module::Module;
use conc_interpreter::value::{Gc, Value};
use conc_interpreter::vm::Host;
use conc_interpreter::vm::compile::exec;

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
        let mut interpreter = Interpreter { host, function_class: None };
        if self.capabilities == Capabilities::None {
            let cx = &mut *interpreter.host.enter();
            if let Some(builtins) = builtins(cx) {
                for name in ["open", "input", "breakpoint"] {
                    let name = cx.str(name);
                    let _ = builtins.remove(cx, name);
                }
            }
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
/// Interpreters share nothing, so each can run on a thread of its own. One interpreter may move between threads; in
/// this version one thread at a time uses it, which `&mut self` makes sure of.
///
/// ```
/// # fn main() -> Result<(), conc::Error> {
/// let mut interp = conc::Interpreter::new()?;
/// interp.exec("def area(w, h): return w * h")?;
/// let area: i64 = interp.call("area", (6, 7))?;
/// assert_eq!(area, 42);
/// assert_eq!(interp.eval::<Vec<i64>>("[n * n for n in range(4)]")?, [0, 1, 4, 9]);
/// # Ok(()) }
/// ```
pub struct Interpreter {
    host: Host,
    /// The class of host functions, made with the first of them.
    function_class: Option<Root>,
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
    /// let mut interp = Interpreter::builder().stdlib(Std::All).capabilities(Capabilities::None).build()?;
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
    /// let mut interp = conc::Interpreter::new()?;
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
    pub fn exec(&mut self, text: &str) -> Result<()> {
        self.exec_named(text, "<string>")
    }

    /// Runs statements in `__main__`; tracebacks name the text as given.
    pub fn exec_named(&mut self, text: &str, name: &str) -> Result<()> {
        self.run(&Program::named(text, name)?)
    }

    /// The value of an expression in `__main__`.
    pub fn eval<T: FromValue>(&mut self, text: &str) -> Result<T> {
        self.evaluate(&Program::expression(text)?)
    }

    /// Runs a program in `__main__`. Every run makes code of its own; the program stays as it is.
    ///
    /// ```
    /// # fn main() -> Result<(), conc::Error> {
    /// let program = conc::Program::new("counted = [n for n in range(limit)]")?;
    /// for limit in [3, 5] {
    ///     let mut interp = conc::Interpreter::new()?;
    ///     interp.set("limit", limit)?;
    ///     interp.run(&program)?;
    ///     assert_eq!(interp.eval::<usize>("len(counted)")?, limit);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn run(&mut self, program: &Program) -> Result<()> {
        self.execute(program, |_, _| Ok(()))
    }

    /// The value of a program made by [`Program::expression`]; other programs give `None`.
    pub fn evaluate<T: FromValue>(&mut self, program: &Program) -> Result<T> {
        self.execute(program, convert)
    }

    fn execute<T>(&mut self, program: &Program, then: impl FnOnce(&mut Ctx, Value) -> Result<T>) -> Result<T> {
        let run = |cx: &mut Ctx| {
            let globals = cx.main_namespace()?;
            let code = cx.instantiate(program.template(), globals)?;
            exec(cx, code.value(), globals, Value::UNBOUND)
        };
        finish(&mut self.host.enter(), run, then)
    }

    /// Calls a global function of `__main__` (or a builtin).
    pub fn call<T: FromValue>(&mut self, name: &str, args: impl Arguments) -> Result<T> {
        let function = self.get::<Root>(name)?;
        self.invoke(&function, args)
    }

    /// Calls what a handle stands for.
    pub fn invoke<T: FromValue>(&mut self, function: &Root, args: impl Arguments) -> Result<T> {
        let cx = &mut *self.host.enter();
        let Some(function) = function.value(cx) else { return Err(Error::Foreign) };
        finish(cx, |cx| args.call(cx, function), convert)
    }

    /// A global of `__main__`, or a builtin.
    pub fn get<T: FromValue>(&mut self, name: &str) -> Result<T> {
        let cx = &mut *self.host.enter();
        let key = cx.intern(name);
        let globals = cx.main_namespace().map_err(|e| raised(cx, e.0))?;
        let found = globals.get_str(cx, key).or_else(|| builtins(cx).and_then(|b| b.get_str(cx, key)));
        match found {
            Some(v) => convert(cx, v),
            None => Err(Error::Missing(name.to_string())),
        }
    }

    /// Sets a global of `__main__`.
    pub fn set(&mut self, name: &str, value: impl IntoValue) -> Result<()> {
        let cx = &mut *self.host.enter();
        let set = |cx: &mut Ctx| -> R {
            let value = value.into_value(&mut Scope(cx))?.0;
            let key = cx.intern(name);
            let globals = cx.main_namespace()?;
            globals.set_str(cx, key, value);
            Ok(Value::NONE)
        };
        set(cx).map(drop).map_err(|e| raised(cx, e.0))
    }

    /// Makes a Rust closure a global function. `params` names its parameters, for calls by keyword.
    ///
    /// ```
    /// # fn main() -> Result<(), conc::Error> {
    /// use conc::{Interpreter, Raise};
    /// let mut interp = Interpreter::new()?;
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
        &mut self,
        name: &str,
        params: [&str; N],
        function: impl Callable<N, M>,
    ) -> Result<()> {
        let mut entered = self.host.enter();
        let cx = &mut *entered;
        let class = match self.function_class.as_ref().and_then(|c| c.value(cx)).and_then(|c| c.cast()) {
            Some(class) => class,
            None => {
                let class = cx.native_class("builtins", "host_function", None, methods::METHODS);
                self.function_class = Some(Root::new(cx, class.value()));
                class
            }
        };
        let payload = Box::new(HostFunction::new(name, params, function));
        let object = cx.new_boxed(class, Some(payload), 0);
        let root = Root::new(cx, object.value());
        drop(entered);
        self.set(name, root)
    }
}

impl Drop for Interpreter {
    /// Threads of the script that have not ended are stopped where they are. Then finalizers run, and what the script's
    /// streams hold back is written.
    fn drop(&mut self) {
        let cx = &mut *self.host.enter();
        conc_interpreter::scheduler::close(cx);
        cx.finalize_all();
        conc_stdlib::io::registry::flush_all();
    }
}

impl Interpreter {
    /// Ends the script as the end of a program would: waits for its threads, daemons apart, then calls what `atexit`
    /// has registered. What follows is as for a drop.
    ///
    /// ```
    /// # fn main() -> Result<(), conc::Error> {
    /// use conc::{Capabilities, Interpreter};
    /// let mut interp = Interpreter::builder().capabilities(Capabilities::All).build()?;
    /// interp.exec("import threading, time\nt = threading.Thread(target=time.sleep, args=(0.01,))\nt.start()")?;
    /// interp.shutdown()?;
    /// # Ok(()) }
    /// ```
    pub fn shutdown(mut self) -> Result<()> {
        let run = |cx: &mut Ctx| {
            call_if_loaded(cx, "threading", "_shutdown")?;
            conc_interpreter::scheduler::finish(cx, false)?;
            call_if_loaded(cx, "atexit", "_run_exitfuncs")
        };
        finish(&mut self.host.enter(), run, |_, _| Ok(()))
    }
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
