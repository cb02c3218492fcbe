//! Rust closures as functions of the language.

use std::fmt::Display;

use conc_interpreter::native::{Ctx, Kwargs, R, Raised};
use conc_interpreter::object::isolate::Isolate;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::Payload;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::Value;
use conc_interpreter::vm::drop_captured;

use crate::convert::{FromValue, IntoValue, Local, Scope, type_error};

/// Most parameters a closure may have.
const MOST: usize = 6;

type Body = Box<dyn Fn(&mut Ctx, &str, &[Value]) -> R + Send + Sync>;

/// A closure with its name and its parameters' names, owned by the object that scripts call.
pub(crate) struct HostFunction {
    name: String,
    params: Vec<String>,
    body: Option<Body>,
    /// The address of the interpreter's isolate.
    isolate: usize,
}

impl Payload for HostFunction {}

impl Drop for HostFunction {
    fn drop(&mut self) {
        drop_captured(self.isolate, self.body.take());
    }
}

impl HostFunction {
    pub(crate) fn new<const N: usize, M>(name: &str, params: [&str; N], f: impl Callable<N, M>) -> HostFunction {
        let params = params.iter().map(|p| p.to_string()).collect();
        HostFunction { name: name.into(), params, body: Some(f.boxed()), isolate: 0 }
    }

    /// The function as one of that interpreter.
    pub(crate) fn of(mut self, isolate: &Isolate) -> HostFunction {
        self.isolate = std::ptr::from_ref(isolate) as usize;
        self
    }

    /// Puts arguments in the order of the parameters and calls the closure.
    fn call(&self, cx: &mut Ctx, args: &[Value], kwargs: Kwargs) -> R {
        let (name, count) = (&self.name, self.params.len());
        if args.len() == count && kwargs.0.is_none() {
            return self.run(cx, args);
        }
        let mut bound = [Value::UNBOUND; MOST];
        if args.len() > count {
            return Err(cx.type_error(format!(
                "{name}() takes {count} positional argument{} but {} {} given",
                if count == 1 { "" } else { "s" },
                args.len(),
                if args.len() == 1 { "was" } else { "were" }
            )));
        }
        bound[..args.len()].copy_from_slice(args);
        for (key, value) in kwargs.0.iter().flat_map(|k| k.pairs()) {
            let key = key.cast::<Str>().map(|k| k.to_text().into_owned()).unwrap_or_default();
            let Some(i) = self.params.iter().position(|p| *p == key) else {
                return Err(cx.type_error(format!("{name}() got an unexpected keyword argument '{key}'")));
            };
            if !bound[i].is_unbound() {
                return Err(cx.type_error(format!("{name}() got multiple values for argument '{key}'")));
            }
            bound[i] = value;
        }
        if let Some(i) = bound[..count].iter().position(|v| v.is_unbound()) {
            return Err(cx.type_error(format!("{name}() missing required argument: '{}'", self.params[i])));
        }
        self.run(cx, &bound[..count])
    }

    #[inline]
    fn run(&self, cx: &mut Ctx, args: &[Value]) -> R {
        cx.check_stack_for_host()?;
        match &self.body {
            Some(body) => body(cx, &self.name, args),
            None => Ok(Value::NONE),
        }
    }
}

/// An exception for a script to see, of a builtin class.
///
/// A closure may also fail with anything that can be displayed: that raises RuntimeError.
#[derive(Clone, Debug)]
pub struct Raise {
    class: String,
    message: String,
}

impl Raise {
    /// An exception of the builtin class of that name; RuntimeError if there is none.
    pub fn new(class: impl Into<String>, message: impl Into<String>) -> Raise {
        Raise { class: class.into(), message: message.into() }
    }
}

/// What a closure may fail with: a [`Raise`], or anything that can be displayed.
pub trait IntoRaise {
    #[doc(hidden)]
    fn into_raise(self) -> Raise;
}
impl IntoRaise for Raise {
    fn into_raise(self) -> Raise {
        self
    }
}
impl<E: Display> IntoRaise for E {
    fn into_raise(self) -> Raise {
        Raise::new("RuntimeError", self.to_string())
    }
}

fn raised(cx: &mut Ctx, raise: Raise) -> Raised {
    use conc_interpreter::object::kind::CLASSES;
    let class = CLASSES.iter().find(|row| row.name == raise.class).map(|row| row.id);
    let class = class.filter(|id| cx.class(*id).is_subclass_of(cx.class(ClassId::BaseException)));
    cx.error(class.unwrap_or(ClassId::RuntimeError), raise.message)
}

/// Closures that scripts can call: up to six parameters of types that implement [`FromValue`], and a
/// `Result` of a type that implements [`IntoValue`].
pub trait Callable<const N: usize, Marker>: Send + Sync + 'static {
    #[doc(hidden)]
    fn boxed(self) -> Box<dyn Fn(&mut Ctx, &str, &[Value]) -> R + Send + Sync>;
}

macro_rules! callables {
    ($($n:literal: $($t:ident $i:tt),*;)*) => { $(
        impl<F, T, E, $($t),*> Callable<$n, (T, E, $($t,)*)> for F
        where
            F: Fn($($t),*) -> Result<T, E> + Send + Sync + 'static,
            T: IntoValue,
            E: IntoRaise,
            $($t: FromValue,)*
        {
            #[allow(unused_variables, clippy::unused_unit)]
            fn boxed(self) -> Body {
                Box::new(move |cx, name, args| {
                    let given = ($(argument::<$t>(cx, name, $i, args[$i])?,)*);
                    // A panic must not cross the frames of the script; the closure's own state is its owner's concern.
                    match cx.outside(|| self($(given.$i),*).map_err(IntoRaise::into_raise)) {
                        Ok(Ok(value)) => value.into_value(&mut Scope(cx)).map(|v| v.0),
                        Ok(Err(raise)) => Err(raised(cx, raise)),
                        Err(_) => Err(cx.error(ClassId::SystemError, format!("{name}() panicked"))),
                    }
                })
            }
        }
    )* };
}
callables! {
    0: ;
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, G 4;
    6: A 0, B 1, C 2, D 3, G 4, H 5;
}

fn argument<T: FromValue>(cx: &mut Ctx, name: &str, index: usize, value: Value) -> Result<T, Raised> {
    T::from_value(&mut Scope(cx), Local(value))
        .map_err(|m| type_error(cx, &format!("{name}() argument {}", index + 1), &m))
}

/// What scripts see of a closure.
#[conc_macros::methods]
pub(crate) mod methods {
    use super::HostFunction;
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    fn function<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a HostFunction> {
        match this.data::<HostFunction>() {
            Some(f) => Ok(f),
            None => Err(cx.type_error("a host function is required")),
        }
    }

    /// Calls the host.
    pub fn __call__(cx: &mut Ctx, this: Gc<Boxed>, args: &[Value], kwargs: Kwargs) -> R {
        function(cx, this)?.call(cx, args, kwargs)
    }

    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        Ok(format!("<host function {}>", function(cx, this)?.name))
    }

    #[getter]
    pub fn __name__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        Ok(function(cx, this)?.name.clone())
    }
}
