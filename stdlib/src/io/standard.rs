//! The standard streams: sys.stdin, sys.stdout and sys.stderr.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::Boxed;
use conc_interpreter::value::Value;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::text::{TextHandle, slot};
use crate::core::shared::recall;

/// Output held back before it is written, when standard output is no terminal.
const OUTPUT_HOLD: usize = 64 << 10;

fn stream(cx: &mut Ctx, fd: i64, name: &str, errors: &str) -> R {
    super::classes::make(cx)?;
    let writes = fd != 0;
    let find = |cx: &mut Ctx, class: &str| recall(cx, class).unwrap_or(Value::NONE);
    let file_class = find(cx, "io.FileIO");
    let mode = cx.str(if writes { "w" } else { "r" });
    let raw = cx.call(file_class, &[Value::small_int(fd), mode, Value::FALSE])?;
    let title = cx.str(name);
    if let Some(raw) = raw.cast::<Boxed>() {
        raw.slots()[super::file::slot::NAME].set(title);
    }
    let terminal = crate::core::shared::call_method(cx, raw, "isatty", &[])?;
    let terminal = cx.truth(terminal)?;
    let class = find(cx, if writes { "io.BufferedWriter" } else { "io.BufferedReader" });
    let buffer = cx.call(class, &[raw])?;
    let class = find(cx, "io.TextIOWrapper");
    let (encoding, errors) = (cx.str("utf-8"), cx.str(errors));
    let line_buffering = Value::bool(fd == 2 || (writes && terminal));
    let text = cx.call(class, &[buffer, encoding, errors, Value::NONE, line_buffering])?;
    if let Some(object) = text.cast::<Boxed>() {
        object.slots()[slot::MODE].set(mode);
        if let Some(stream) = object.data::<TextHandle>().and_then(|h| h.0.lock().clone()) {
            stream.0.with(cx, |_, t| {
                t.hold = if fd == 1 { OUTPUT_HOLD } else { t.hold };
                Ok(())
            })?;
        }
    }
    Ok(text)
}

/// The stream of a standard descriptor, None if that is not open.
pub fn open(cx: &mut Ctx, fd: i64) -> R {
    let (name, errors) = match fd {
        0 => ("<stdin>", "strict"),
        1 => ("<stdout>", "strict"),
        _ => ("<stderr>", "backslashreplace"),
    };
    let alive = conc_interpreter::object::descriptor::borrow(fd as i32).map(rustix::io::fcntl_getfd);
    if !matches!(alive, Some(Ok(_))) {
        return Ok(Value::NONE);
    }
    stream(cx, fd, name, errors)
}

/// Whether standard output is a pipe that nobody reads any more.
pub fn is_output_cut_off() -> bool {
    let stdout = std::io::stdout();
    let mut polled = [PollFd::new(&stdout, PollFlags::empty())];
    rustix::event::poll(&mut polled, Some(&Timespec::default())).is_ok() && polled[0].revents().contains(PollFlags::ERR)
}
