//! Handles that keep values of an interpreter alive.

use std::fmt;
use std::sync::Arc;

use conc_interpreter::native::{Ctx, Raised};
use conc_interpreter::object::isolate::Isolate;
use conc_interpreter::value::Value;

use crate::convert::{FromValue, IntoValue, Local, Mismatch, Scope};

/// A handle of a value: it keeps the value alive, may be stored anywhere and sent to any thread.
///
/// It can be used with the interpreter it came from; elsewhere it is [`Error::Foreign`](crate::Error::Foreign).
///
/// ```
/// # fn main() -> Result<(), conc::Error> {
/// let interp = conc::Interpreter::new()?;
/// interp.exec("def twice(x): return x + x")?;
/// let twice: conc::Root = interp.get("twice")?;
/// let text: String = interp.invoke(&twice, ("ab",))?;
/// assert_eq!(text, "abab");
/// # Ok(()) }
/// ```
pub struct Root {
    inner: Arc<Handle>,
}

struct Handle {
    isolate: Arc<Isolate>,
    index: usize,
    /// The value, which that handle keeps alive.
    bits: u64,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.isolate.handles.lock().release(self.index);
    }
}

impl Root {
    pub(crate) fn new(cx: &Ctx, value: Value) -> Root {
        let isolate = cx.isolate_arc();
        let index = isolate.handles.lock().add(value);
        Root { inner: Arc::new(Handle { isolate, index, bits: value.bits() }) }
    }

    pub(crate) fn value(&self, cx: &Ctx) -> Option<Value> {
        let here: *const Isolate = cx.iso();
        std::ptr::eq(here, Arc::as_ptr(&self.inner.isolate)).then(|| Value::from_bits(self.inner.bits))
    }
}

impl Clone for Root {
    /// Another handle of the same value.
    fn clone(&self) -> Root {
        Root { inner: self.inner.clone() }
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({})", self.inner.index)
    }
}

impl FromValue for Root {
    fn from_value(s: &mut Scope<'_>, v: Local) -> Result<Root, Mismatch> {
        Ok(Root::new(s.0, v.0))
    }
}

impl IntoValue for &Root {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        match self.value(s.0) {
            Some(v) => Ok(Local(v)),
            None => Err(s.0.type_error("a handle of another interpreter")),
        }
    }
}
impl IntoValue for Root {
    fn into_value(self, s: &mut Scope<'_>) -> Result<Local, Raised> {
        (&self).into_value(s)
    }
}
