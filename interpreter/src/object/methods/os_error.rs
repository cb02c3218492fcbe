//! OSError: errno decides the class.

use conc_macros::methods;

/// The methods of OSError.
#[methods]
pub mod methods {
    use super::{class_of_errno, written};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::construct::{class_for_new, is_method_of};
    use crate::object::exception::{Exception, extra};
    use crate::object::exceptions::init_extra;
    use crate::object::kind::ClassId;
    use crate::object::methods::exception::plain_text;
    use crate::object::sequence::Tuple;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Make an object of the class; help(type) shows the arguments.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Value, args: &[Value], kwargs: Kwargs) -> R {
        let mut class = class_for_new(cx, class, ClassId::OSError)?;
        if !class.has(crate::object::class::class_flag::STATIC) {
            let init = cx.names().__init__;
            let init = cx.lookup(class, init);
            if is_method_of(cx, init, ClassId::OSError) {
                cx.no_kwargs(&class.name_text(), kwargs.0)?;
            }
        } else {
            cx.no_kwargs(&class.name_text(), kwargs.0)?;
        }
        if class.id == ClassId::OSError as u32
            && (2..=5).contains(&args.len())
            && let Some(id) = cx.as_i64(args[0]).and_then(class_of_errno)
        {
            class = cx.class(id);
        }
        let args = cx.tuple(args)?;
        let exc = cx.new_exception_of(class, args);
        init_extra(cx, exc);
        Ok(exc.value())
    }

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Exception>, args: &[Value], kwargs: Kwargs) -> R<()> {
        let (class, names) = (cx.class_of(this.value()), cx.names());
        let init = cx.lookup(class, names.__init__);
        if is_method_of(cx, init, ClassId::OSError) {
            return Ok(());
        }
        cx.no_kwargs(&class.name_text(), kwargs.0)?;
        let args = cx.tuple(args)?;
        this.args.set(args);
        for field in &this.extra {
            field.set_immediate(Value::NONE);
        }
        init_extra(cx, this);
        Ok(())
    }

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Str>> {
        let field = |i: usize| this.extra[i].get();
        let (errno, text) = (field(extra::ERRNO), field(extra::STRERROR));
        if !field(extra::FILENAME).is_none() {
            let mut out = b"[Errno ".to_vec();
            let errno = cx.to_str(errno)?;
            out.extend_from_slice(errno.as_bytes());
            out.extend_from_slice(b"] ");
            let text = cx.to_str(text)?;
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(b": ");
            cx.write_repr(field(extra::FILENAME), &mut out)?;
            if !field(extra::FILENAME2).is_none() {
                out.extend_from_slice(b" -> ");
                cx.write_repr(field(extra::FILENAME2), &mut out)?;
            }
            return cx.try_wtf8(&out);
        }
        if !errno.is_none() && !text.is_none() {
            let (errno, text) = (cx.to_str(errno)?, cx.to_str(text)?);
            let out = [b"[Errno ", errno.as_bytes(), b"] ", text.as_bytes()].concat();
            return cx.try_wtf8(&out);
        }
        plain_text(cx, this)
    }

    /// Give the parts that pickle rebuilds the object from.
    pub fn __reduce__(cx: &mut Ctx, this: Gc<Exception>) -> R {
        let mut args = this.args.get();
        let (name, name2) = (this.extra[extra::FILENAME].get(), this.extra[extra::FILENAME2].get());
        if let Some(two) = args.cast::<Tuple>()
            && two.len == 2
            && !name.is_none()
        {
            let (errno, text) = (two.items()[0], two.items()[1]);
            args = if name2.is_none() {
                cx.tuple(&[errno, text, name])?
            } else {
                cx.tuple(&[errno, text, name, Value::NONE, name2])?
            };
        }
        let class = cx.class_of(this.value()).value();
        let state = super::super::exception::state_copy(cx, this)?;
        if state.is_empty() { cx.tuple(&[class, args]) } else { cx.tuple(&[class, args, state.value()]) }
    }

    /// The error's number.
    #[getter]
    pub fn errno(this: Gc<Exception>) -> Value {
        this.extra[extra::ERRNO].get()
    }

    /// Replaces the code.
    #[setter]
    #[name = "errno"]
    pub fn set_errno(this: Gc<Exception>, value: Value) {
        this.extra[extra::ERRNO].set(if value.is_unbound() { Value::NONE } else { value });
    }

    /// The error's message.
    #[getter]
    pub fn strerror(this: Gc<Exception>) -> Value {
        this.extra[extra::STRERROR].get()
    }

    /// Replaces the text.
    #[setter]
    #[name = "strerror"]
    pub fn set_strerror(this: Gc<Exception>, value: Value) {
        this.extra[extra::STRERROR].set(if value.is_unbound() { Value::NONE } else { value });
    }

    /// The path that it happened with.
    #[getter]
    pub fn filename(this: Gc<Exception>) -> Value {
        this.extra[extra::FILENAME].get()
    }

    /// Replaces the file name.
    #[setter]
    #[name = "filename"]
    pub fn set_filename(this: Gc<Exception>, value: Value) {
        this.extra[extra::FILENAME].set(if value.is_unbound() { Value::NONE } else { value });
    }

    /// The other path, for calls that have two.
    #[getter]
    pub fn filename2(this: Gc<Exception>) -> Value {
        this.extra[extra::FILENAME2].get()
    }

    /// Replaces the second file name.
    #[setter]
    #[name = "filename2"]
    pub fn set_filename2(this: Gc<Exception>, value: Value) {
        this.extra[extra::FILENAME2].set(if value.is_unbound() { Value::NONE } else { value });
    }

    /// Characters written before a non-blocking write would have blocked.
    #[getter]
    pub fn characters_written(cx: &mut Ctx, this: Gc<Exception>) -> R {
        written(cx, this)
    }

    /// Says how many characters were written.
    #[setter]
    #[name = "characters_written"]
    pub fn set_written(cx: &mut Ctx, this: Gc<Exception>, value: Value) -> R<()> {
        if value.is_unbound() {
            written(cx, this)?;
            this.extra[extra::WRITTEN].set_immediate(Value::NONE);
            return Ok(());
        }
        let n = cx.index(value)?;
        this.extra[extra::WRITTEN].set(n);
        Ok(())
    }
}

use crate::native::{Ctx, R};
use crate::object::exception::{Exception, extra};
use crate::object::kind::ClassId;
use crate::value::Gc;

fn written(cx: &mut Ctx, this: Gc<Exception>) -> R {
    let value = this.extra[extra::WRITTEN].get();
    if value.is_none() {
        return Err(cx.attribute_error("characters_written"));
    }
    Ok(value)
}

/// The subclass of OSError for an errno.
pub fn class_of_errno(errno: i64) -> Option<ClassId> {
    Some(match i32::try_from(errno).ok()? {
        libc::EAGAIN | libc::EALREADY | libc::EINPROGRESS => ClassId::BlockingIOError,
        libc::EPIPE | libc::ESHUTDOWN => ClassId::BrokenPipeError,
        libc::ECHILD => ClassId::ChildProcessError,
        libc::ECONNABORTED => ClassId::ConnectionAbortedError,
        libc::ECONNREFUSED => ClassId::ConnectionRefusedError,
        libc::ECONNRESET => ClassId::ConnectionResetError,
        libc::EEXIST => ClassId::FileExistsError,
        libc::ENOENT => ClassId::FileNotFoundError,
        libc::EISDIR => ClassId::IsADirectoryError,
        libc::ENOTDIR => ClassId::NotADirectoryError,
        libc::EINTR => ClassId::InterruptedError,
        libc::EACCES | libc::EPERM => ClassId::PermissionError,
        libc::ESRCH => ClassId::ProcessLookupError,
        libc::ETIMEDOUT => ClassId::TimeoutError,
        _ => return None,
    })
}
