//! From error numbers to OSError and its subclasses.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::value::Value;
use rustix::io::Errno;

/// The class of an error number.
pub fn class_of(errno: i32) -> ClassId {
    match Errno::from_raw_os_error(errno) {
        Errno::AGAIN | Errno::ALREADY | Errno::INPROGRESS => ClassId::BlockingIOError,
        Errno::PIPE | Errno::SHUTDOWN => ClassId::BrokenPipeError,
        Errno::CHILD => ClassId::ChildProcessError,
        Errno::CONNABORTED => ClassId::ConnectionAbortedError,
        Errno::CONNREFUSED => ClassId::ConnectionRefusedError,
        Errno::CONNRESET => ClassId::ConnectionResetError,
        Errno::EXIST => ClassId::FileExistsError,
        Errno::NOENT => ClassId::FileNotFoundError,
        Errno::INTR => ClassId::InterruptedError,
        Errno::ISDIR => ClassId::IsADirectoryError,
        Errno::NOTDIR => ClassId::NotADirectoryError,
        Errno::ACCESS | Errno::PERM => ClassId::PermissionError,
        Errno::SRCH => ClassId::ProcessLookupError,
        Errno::TIMEDOUT => ClassId::TimeoutError,
        _ => ClassId::OSError,
    }
}

/// The system's text for an error number.
pub fn strerror(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    match text.rfind(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

/// An OSError; `path` and `path2` are unbound if there are none.
pub fn raise_with(cx: &mut Ctx, errno: i32, path: Value, path2: Value) -> Raised {
    let text = cx.str(&strerror(errno));
    let number = cx.int(i64::from(errno));
    let class = class_of(errno);
    if path.is_unbound() {
        return cx.error_with(class, &[number, text]);
    }
    if path2.is_unbound() {
        return cx.error_with(class, &[number, text, path]);
    }
    cx.error_with(class, &[number, text, path, Value::NONE, path2])
}

pub fn raise(cx: &mut Ctx, errno: Errno) -> Raised {
    raise_with(cx, errno.raw_os_error(), Value::UNBOUND, Value::UNBOUND)
}

pub fn raise_path(cx: &mut Ctx, errno: Errno, path: Value) -> Raised {
    raise_with(cx, errno.raw_os_error(), path, Value::UNBOUND)
}

/// The result of a system call on a path.
pub fn check_path<T>(cx: &mut Ctx, result: Result<T, Errno>, path: Value) -> R<T> {
    result.map_err(|e| raise_path(cx, e, path))
}

pub fn check<T>(cx: &mut Ctx, result: Result<T, Errno>) -> R<T> {
    result.map_err(|e| raise(cx, e))
}

/// The number in a `std::io::Error`.
pub fn errno_of(e: &std::io::Error) -> Errno {
    Errno::from_raw_os_error(e.raw_os_error().unwrap_or(5))
}
