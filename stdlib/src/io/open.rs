//! open(): from a path or descriptor and a mode to a stream.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::Boxed;
use conc_interpreter::value::Value;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::file::RawFile;
use super::{registry, waiting};
use crate::core::shared::{recall, text_arg};
use crate::os::{errors, paths};

/// A mode taken apart.
#[derive(Default, Clone, Copy)]
struct Parsed {
    read: bool,
    write: bool,
    append: bool,
    create: bool,
    update: bool,
    text: bool,
    binary: bool,
}

fn parse(mode: &str) -> Option<Parsed> {
    let mut p = Parsed::default();
    for c in mode.chars() {
        let field = match c {
            'r' => &mut p.read,
            'w' => &mut p.write,
            'a' => &mut p.append,
            'x' => &mut p.create,
            '+' => &mut p.update,
            't' => &mut p.text,
            'b' => &mut p.binary,
            _ => return None,
        };
        if *field {
            return None;
        }
        *field = true;
    }
    Some(p)
}

impl Parsed {
    fn choices(self) -> usize {
        [self.read, self.write, self.append, self.create].iter().filter(|b| **b).count()
    }
}

/// Opens a file as FileIO does.
pub fn open_raw(cx: &mut Ctx, file: Value, mode: &str, closefd: bool, opener: Value) -> R<Arc<RawFile>> {
    let parsed = match parse(mode) {
        Some(p) if !p.text => p,
        _ => return Err(cx.value_error(format!("invalid mode: {mode}"))),
    };
    if parsed.choices() != 1 {
        let message = "Must have exactly one of create/read/write/append mode and at most one plus";
        return Err(cx.value_error(message));
    }
    let readable = parsed.read || parsed.update;
    let writable = !parsed.read || parsed.update;
    let mut flags = match (readable, writable) {
        (true, true) => OFlags::RDWR,
        (true, false) => OFlags::RDONLY,
        _ => OFlags::WRONLY,
    };
    flags |= OFlags::CLOEXEC;
    if parsed.write {
        flags |= OFlags::CREATE | OFlags::TRUNC;
    }
    if parsed.append {
        flags |= OFlags::CREATE | OFlags::APPEND;
    }
    if parsed.create {
        flags |= OFlags::CREATE | OFlags::EXCL;
    }
    registry::flush_all();
    cx.iso().flush_files.get_or_init(|| registry::flush_all);
    let (fd, owned, path) = descriptor_of(cx, file, flags, closefd, opener)?;
    let mut raw = RawFile::new(fd, owned, readable, writable);
    raw.appending = parsed.append;
    raw.created = parsed.create;
    refuse_directory(cx, &raw, path)?;
    if parsed.append {
        let _ = raw.seek(0, 2);
    }
    Ok(Arc::new(raw))
}

/// The open descriptor, whether it is ours to close, and the path it came from.
fn descriptor_of(cx: &mut Ctx, file: Value, flags: OFlags, closefd: bool, opener: Value) -> R<(i32, bool, Value)> {
    if cx.is_int(file) {
        let fd = cx.index_i64(file)?;
        if fd < 0 {
            return Err(cx.value_error("negative file descriptor"));
        }
        let Ok(fd) = i32::try_from(fd) else {
            return Err(cx.overflow_error("Python int too large to convert to C int"));
        };
        let alive = conc_interpreter::object::descriptor::borrow(fd).map(rustix::io::fcntl_getfd);
        if !matches!(alive, Some(Ok(_))) {
            return Err(errors::raise(cx, Errno::BADF));
        }
        return Ok((fd, closefd, Value::UNBOUND));
    }
    let arg = paths::path_named(cx, file, "expected str, bytes or os.PathLike object")?;
    if !closefd {
        return Err(cx.value_error("Cannot use closefd=False with file name"));
    }
    if !opener.is_none() {
        let flags = Value::small_int(i64::from(flags.bits()));
        let fd = cx.call(opener, &[file, flags])?;
        if !cx.is_int(fd) {
            return Err(cx.type_error("expected integer from opener"));
        }
        let fd = cx.index_i64(fd)? as i32;
        if fd < 0 {
            return Err(cx.value_error(format!("opener returned {fd}")));
        }
        return Ok((fd, true, arg.value));
    }
    let opened = open_path(cx, &arg.path, flags)?;
    let fd = errors::check_path(cx, opened, arg.value)?;
    use std::os::fd::IntoRawFd;
    Ok((fd.into_raw_fd(), true, arg.value))
}

fn open_path(cx: &mut Ctx, path: &std::path::Path, flags: OFlags) -> R<Result<OwnedFd, Errno>> {
    let mode = Mode::from_raw_mode(0o666);
    if rustix::fs::stat(path).is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Fifo) {
        // Opening waits for somebody at the other end.
        let path = path.to_owned();
        return waiting::elsewhere(cx, move || rustix::fs::open(path, flags, mode));
    }
    loop {
        match rustix::fs::open(path, flags, mode) {
            Err(Errno::INTR) => cx.poll()?,
            other => return Ok(other),
        }
    }
}

fn refuse_directory(cx: &mut Ctx, raw: &RawFile, path: Value) -> R<()> {
    let Some(fd) = conc_interpreter::object::descriptor::borrow(raw.fd()) else { return Ok(()) };
    if let Ok(stat) = rustix::fs::fstat(fd)
        && rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory
    {
        return Err(errors::raise_path(cx, Errno::ISDIR, path));
    }
    Ok(())
}

/// Arguments of open().
pub struct Request {
    pub file: Value,
    pub mode: Value,
    pub buffering: i64,
    pub encoding: Value,
    pub errors: Value,
    pub newline: Value,
    pub closefd: bool,
    pub opener: Value,
}

fn checked_mode(cx: &mut Ctx, r: &Request) -> R<(Parsed, String)> {
    let mode = text_arg(cx, r.mode, |got| format!("open() argument 'mode' must be str, not {got}"))?;
    let mode = mode.to_text().into_owned();
    for (v, name) in [(r.encoding, "encoding"), (r.errors, "errors"), (r.newline, "newline")] {
        if !v.is_none() {
            text_arg(cx, v, |got| format!("open() argument '{name}' must be str or None, not {got}"))?;
        }
    }
    let Some(p) = parse(&mode) else { return Err(cx.value_error(format!("invalid mode: '{mode}'"))) };
    if p.text && p.binary {
        return Err(cx.value_error("can't have text and binary mode at once"));
    }
    match p.choices() {
        1 => {}
        0 => {
            let message = "Must have exactly one of create/read/write/append mode and at most one plus";
            return Err(cx.value_error(message));
        }
        _ => return Err(cx.value_error("must have exactly one of create/read/write/append mode")),
    }
    if p.binary {
        for (v, name) in [(r.encoding, "an encoding"), (r.errors, "an errors"), (r.newline, "a newline")] {
            if !v.is_none() {
                return Err(cx.value_error(format!("binary mode doesn't take {name} argument")));
            }
        }
    }
    Ok((p, mode))
}

/// A class of this module.
fn class(cx: &mut Ctx, name: &str) -> R {
    match recall(cx, name) {
        Some(class) => Ok(class),
        None => Err(cx.runtime_error(format!("{name} is not ready"))),
    }
}

pub fn open(cx: &mut Ctx, r: Request) -> R {
    if !cx.is_int(r.file) {
        paths::fspath(cx, r.file, "expected str, bytes or os.PathLike object")?;
    }
    let (p, mode) = checked_mode(cx, &r)?;
    let letters: String = mode.chars().filter(|c| *c != 't' && *c != 'b').collect();
    // FileIO wants the plus last.
    let raw_mode = format!("{}{}", letters.replace('+', ""), if p.update { "+" } else { "" });
    let raw_mode = cx.str(&raw_mode);
    let file_class = class(cx, "io.FileIO")?;
    let raw = cx.call(file_class, &[r.file, raw_mode, Value::bool(r.closefd), r.opener])?;
    match layers(cx, &r, p, raw) {
        Ok(stream) => Ok(stream),
        Err(e) => {
            // The file was opened here, so nobody else can close it.
            let _ = crate::core::shared::call_method(cx, raw, "close", &[]);
            Err(e)
        }
    }
}

/// Buffer and text layers over the raw file.
fn layers(cx: &mut Ctx, r: &Request, p: Parsed, raw: Value) -> R {
    let handle = raw.cast::<Boxed>().and_then(|b| b.data::<super::file::FileHandle>());
    let file = handle.and_then(|h| h.0.lock().clone());
    let mut line_buffering = false;
    let mut size = r.buffering;
    let terminal = file.as_ref().is_some_and(|f| size < 0 && f.is_terminal());
    if size == 1 && !p.binary || terminal {
        size = -1;
        line_buffering = true;
    }
    if size < 0 || size == 1 {
        size = file.as_ref().map_or(8192, |f| block_size(f));
    }
    if size == 0 {
        if p.binary {
            return Ok(raw);
        }
        return Err(cx.value_error("can't have unbuffered text I/O"));
    }
    let name = match (p.update, p.read) {
        (true, _) => "io.BufferedRandom",
        (_, true) => "io.BufferedReader",
        _ => "io.BufferedWriter",
    };
    let buffered = class(cx, name)?;
    let buffer = cx.call(buffered, &[raw, Value::small_int(size)])?;
    if p.binary {
        return Ok(buffer);
    }
    let wrapper = class(cx, "io.TextIOWrapper")?;
    let text = cx.call(wrapper, &[buffer, r.encoding, r.errors, r.newline, Value::bool(line_buffering)])?;
    if let Some(object) = text.cast::<Boxed>() {
        object.slots()[super::text::slot::MODE].set(r.mode);
    }
    Ok(text)
}

fn block_size(file: &RawFile) -> i64 {
    let stat = conc_interpreter::object::descriptor::borrow(file.fd()).map(rustix::fs::fstat);
    match stat {
        Some(Ok(stat)) if stat.st_blksize > 1 => stat.st_blksize.max(8192),
        _ => 8192,
    }
}
