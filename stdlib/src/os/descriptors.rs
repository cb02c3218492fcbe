//! Functions of os on descriptors: reading, writing, pipes, terminals.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::descriptor;
use conc_interpreter::value::Value;
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

use super::errors;
use crate::core::structseq::Layout;

pub static TERMINAL_SIZE: Layout =
    Layout { module: "os", name: "terminal_size", fields: &["columns", "lines"], extra: &[], closed: false };

/// A descriptor out of an argument, else EBADF.
pub fn open_fd(cx: &mut Ctx, fd: i64) -> R<BorrowedFd<'static>> {
    match i32::try_from(fd).ok().and_then(descriptor::borrow) {
        Some(fd) => Ok(fd),
        None => Err(errors::raise(cx, Errno::BADF)),
    }
}

/// A descriptor: an int, or what `fileno()` of an object says.
pub fn fd_arg(cx: &mut Ctx, v: Value) -> R<i64> {
    if cx.is_int(v) {
        return cx.index_i64(v);
    }
    let name = cx.names().fileno;
    let Some(fileno) = cx.get_attr_opt(v, name)? else {
        return Err(cx.type_error("argument must be an int, or have a fileno() method."));
    };
    let fd = cx.call(fileno, &[])?;
    cx.index_i64(fd)
}

/// Descriptors.
#[conc_macros::module(name = "posix")]
pub mod descriptors {
    use super::{TERMINAL_SIZE, fd_arg, open_fd};
    use crate::core::structseq::build;
    use crate::io::{registry, waiting};
    use crate::os::{errors, paths, stat};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::descriptor;
    use conc_interpreter::value::Value;
    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;
    use std::os::fd::IntoRawFd;

    /// Open a file and give its descriptor, a number.
    pub fn open(
        cx: &mut Ctx,
        #[kw] path: Value,
        #[kw] flags: i64,
        #[kw]
        #[default(0o777)]
        mode: i64,
        #[kwonly]
        #[default(Value::NONE)]
        dir_fd: Value,
    ) -> R<i64> {
        let path = paths::path_arg(cx, path, "open")?;
        registry::flush_all();
        let base = if dir_fd.is_none() {
            rustix::fs::CWD
        } else {
            let fd = cx.index_i64(dir_fd)?;
            open_fd(cx, fd)?
        };
        let flags = OFlags::from_bits_retain(flags as u32) | OFlags::CLOEXEC;
        let result = loop {
            match rustix::fs::openat(base, &path.path, flags, Mode::from_raw_mode(mode as u32)) {
                Err(Errno::INTR) => cx.poll()?,
                other => break other,
            }
        };
        Ok(i64::from(errors::check_path(cx, result, path.value)?.into_raw_fd()))
    }

    /// Close a descriptor.
    pub fn close(cx: &mut Ctx, #[kw] fd: i64) -> R<()> {
        let Ok(fd) = i32::try_from(fd) else { return Err(errors::raise(cx, Errno::BADF)) };
        descriptor::close(fd).map_err(|e| errors::raise(cx, Errno::from_raw_os_error(e)))
    }

    /// Close the descriptors from fd_low up to but not including fd_high, those that are open.
    pub fn closerange(fd_low: i64, fd_high: i64) {
        for fd in fd_low.max(0)..fd_high.min(1 << 20) {
            let _ = descriptor::close(fd as i32);
        }
    }

    /// Read up to length bytes from a descriptor.
    pub fn read(cx: &mut Ctx, fd: i64, length: i64) -> R {
        let Ok(length) = usize::try_from(length) else { return Err(errors::raise(cx, Errno::INVAL)) };
        let waits = waiting::may_wait(open_fd(cx, fd)?);
        let mut buffer = vec![0; length.min(1 << 30)];
        let result = waiting::read(cx, fd as i32, waits, &mut buffer)?;
        let n = errors::check(cx, result)?;
        cx.bytes(&buffer[..n])
    }

    /// Write bytes to a descriptor; give the number written.
    pub fn write(cx: &mut Ctx, fd: i64, data: Value) -> R<usize> {
        let data = cx.byte_vec(data)?;
        let waits = waiting::may_wait(open_fd(cx, fd)?);
        let result = waiting::write(cx, fd as i32, waits, &data)?;
        errors::check(cx, result)
    }

    /// Read up to length bytes at an offset and leave the position alone.
    pub fn pread(cx: &mut Ctx, fd: i64, length: i64, offset: i64) -> R {
        let fd = open_fd(cx, fd)?;
        let mut buffer = vec![0; length.clamp(0, 1 << 30) as usize];
        let n = errors::check(cx, rustix::io::pread(fd, &mut buffer[..], offset as u64))?;
        cx.bytes(&buffer[..n])
    }

    /// Write bytes at an offset and leave the position alone.
    pub fn pwrite(cx: &mut Ctx, fd: i64, data: Value, offset: i64) -> R<usize> {
        let data = cx.byte_vec(data)?;
        let fd = open_fd(cx, fd)?;
        errors::check(cx, rustix::io::pwrite(fd, &data, offset as u64))
    }

    /// Move the position of an open file and give it.
    pub fn lseek(cx: &mut Ctx, fd: i64, position: i64, whence: i64) -> R<i64> {
        let raw = crate::io::file::RawFile::new(fd as i32, false, true, true);
        raw.seek(position, whence).map(|n| n as i64).map_err(|e| errors::raise(cx, e))
    }

    /// Give the facts about an open file.
    pub fn fstat(cx: &mut Ctx, #[kw] fd: i64) -> R {
        registry::flush_all();
        let fd = open_fd(cx, fd)?;
        let s = errors::check(cx, rustix::fs::fstat(fd))?;
        stat::to_value(cx, &s)
    }

    /// Cut an open file off, or fill it up, to a length.
    pub fn ftruncate(cx: &mut Ctx, fd: i64, length: i64) -> R<()> {
        let fd = open_fd(cx, fd)?;
        errors::check(cx, rustix::fs::ftruncate(fd, length.max(0) as u64))
    }

    /// Have the system put on disk what was written.
    pub fn fsync(cx: &mut Ctx, #[kw] fd: Value) -> R<()> {
        let fd = fd_arg(cx, fd)?;
        let fd = open_fd(cx, fd)?;
        errors::check(cx, rustix::fs::fsync(fd))
    }

    /// Have the system put on disk the data that was written, whatever the file's times.
    pub fn fdatasync(cx: &mut Ctx, #[kw] fd: Value) -> R<()> {
        let fd = fd_arg(cx, fd)?;
        let fd = open_fd(cx, fd)?;
        errors::check(cx, rustix::fs::fdatasync(fd))
    }

    /// Make a second descriptor for the same open file.
    pub fn dup(cx: &mut Ctx, fd: i64) -> R<i64> {
        let fd = open_fd(cx, fd)?;
        Ok(i64::from(errors::check(cx, rustix::io::fcntl_dupfd_cloexec(fd, 0))?.into_raw_fd()))
    }

    /// Make fd2 a descriptor for what fd is open on.
    pub fn dup2(
        cx: &mut Ctx,
        #[kw] fd: i64,
        #[kw] fd2: i64,
        #[kw]
        #[default(true)]
        inheritable: bool,
    ) -> R<i64> {
        let source = open_fd(cx, fd)?;
        let Some(mut target) = i32::try_from(fd2).ok().and_then(descriptor::adopt) else {
            return Err(errors::raise(cx, Errno::BADF));
        };
        let result = if inheritable {
            rustix::io::dup2(source, &mut target)
        } else {
            rustix::io::dup3(source, &mut target, rustix::io::DupFlags::CLOEXEC)
        };
        // The number belongs to the script, whatever came of it.
        let _ = target.into_raw_fd();
        errors::check(cx, result)?;
        Ok(fd2)
    }

    /// Create a pipe and return (read_fd, write_fd).
    pub fn pipe(cx: &mut Ctx) -> R {
        let result = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC);
        let (reader, writer) = errors::check(cx, result)?;
        let (reader, writer) =
            (Value::small_int(reader.into_raw_fd().into()), Value::small_int(writer.into_raw_fd().into()));
        cx.tuple(&[reader, writer])
    }

    /// Tell whether the descriptor is a terminal.
    pub fn isatty(fd: i64) -> bool {
        i32::try_from(fd).ok().and_then(descriptor::borrow).is_some_and(rustix::termios::isatty)
    }

    /// Give the columns and lines of the terminal.
    pub fn get_terminal_size(cx: &mut Ctx, #[default(1)] fd: i64) -> R {
        let fd = open_fd(cx, fd)?;
        let size = errors::check(cx, rustix::termios::tcgetwinsize(fd))?;
        let (columns, lines) = (Value::small_int(size.ws_col.into()), Value::small_int(size.ws_row.into()));
        build(cx, &TERMINAL_SIZE, &[columns, lines], &[])
    }

    /// Tell whether programs started from here get the descriptor.
    pub fn get_inheritable(cx: &mut Ctx, fd: i64) -> R<bool> {
        let fd = open_fd(cx, fd)?;
        let flags = errors::check(cx, rustix::io::fcntl_getfd(fd))?;
        Ok(!flags.contains(rustix::io::FdFlags::CLOEXEC))
    }

    /// Choose whether programs started from here get the descriptor.
    pub fn set_inheritable(cx: &mut Ctx, fd: i64, inheritable: bool) -> R<()> {
        let fd = open_fd(cx, fd)?;
        let flags = if inheritable { rustix::io::FdFlags::empty() } else { rustix::io::FdFlags::CLOEXEC };
        errors::check(cx, rustix::io::fcntl_setfd(fd, flags))
    }

    /// Tell whether reading and writing wait.
    pub fn get_blocking(cx: &mut Ctx, fd: i64) -> R<bool> {
        let fd = open_fd(cx, fd)?;
        let flags = errors::check(cx, rustix::fs::fcntl_getfl(fd))?;
        Ok(!flags.contains(OFlags::NONBLOCK))
    }

    /// Choose whether reading and writing wait.
    pub fn set_blocking(cx: &mut Ctx, fd: i64, blocking: bool) -> R<()> {
        let fd = open_fd(cx, fd)?;
        let mut flags = errors::check(cx, rustix::fs::fcntl_getfl(fd))?;
        flags.set(OFlags::NONBLOCK, !blocking);
        errors::check(cx, rustix::fs::fcntl_setfl(fd, flags))
    }
}
