//! FileIO: an open file of the operating system, without a buffer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::descriptor;
use conc_interpreter::object::misc::Payload;
use parking_lot::Mutex;
use rustix::io::Errno;

use super::waiting;

/// An open descriptor and what may be done with it.
pub struct RawFile {
    /// -1 once closed.
    fd: AtomicI32,
    pub owned: bool,
    pub readable: bool,
    pub writable: bool,
    pub appending: bool,
    pub created: bool,
    /// Using it may wait for others.
    waits: bool,
}

impl RawFile {
    pub fn new(fd: i32, owned: bool, readable: bool, writable: bool) -> RawFile {
        let waits = descriptor::borrow(fd).is_some_and(waiting::may_wait);
        RawFile { fd: AtomicI32::new(fd), owned, readable, writable, appending: false, created: false, waits }
    }
    pub fn fd(&self) -> i32 {
        self.fd.load(Ordering::Relaxed)
    }
    pub fn is_closed(&self) -> bool {
        self.fd() < 0
    }
    fn borrowed(&self) -> Result<std::os::fd::BorrowedFd<'static>, Errno> {
        descriptor::borrow(self.fd()).ok_or(Errno::BADF)
    }
    /// Reads into a buffer; only the thread waits.
    pub fn read(&self, cx: &mut Ctx, buffer: &mut [u8]) -> R<Result<usize, Errno>> {
        waiting::read(cx, self.fd(), self.waits, buffer)
    }
    /// Writes as much as one call of the system does, or all if that may wait; only the thread waits.
    pub fn write(&self, cx: &mut Ctx, data: &[u8]) -> R<Result<usize, Errno>> {
        waiting::write(cx, self.fd(), self.waits, data)
    }
    /// Writes everything; the count of what was written before an error.
    pub fn write_all(&self, cx: &mut Ctx, mut data: &[u8]) -> R<Result<(), (usize, Errno)>> {
        let mut done = 0;
        while !data.is_empty() {
            match self.write(cx, data)? {
                Ok(0) => return Ok(Err((done, Errno::IO))),
                Ok(n) => {
                    done += n;
                    data = &data[n..];
                }
                Err(e) => return Ok(Err((done, e))),
            }
        }
        Ok(Ok(()))
    }
    fn write_now(&self, data: &[u8]) -> Result<usize, Errno> {
        let fd = self.borrowed()?;
        loop {
            match rustix::io::write(fd, data) {
                Err(Errno::INTR) => {}
                other => return other,
            }
        }
    }
    /// Writes everything at once, where no thread can wait; the count of what was written before an error.
    pub fn write_all_now(&self, mut data: &[u8]) -> Result<(), (usize, Errno)> {
        let mut done = 0;
        while !data.is_empty() {
            match self.write_now(data) {
                Ok(0) => return Err((done, Errno::IO)),
                Ok(n) => {
                    done += n;
                    data = &data[n..];
                }
                Err(e) => return Err((done, e)),
            }
        }
        Ok(())
    }
    /// Everything to the end of the file, appended.
    pub fn read_to_end(&self, cx: &mut Ctx, out: &mut Vec<u8>) -> R<Result<(), Errno>> {
        let fd = match self.borrowed() {
            Ok(fd) => fd,
            Err(e) => return Ok(Err(e)),
        };
        if let Ok(stat) = rustix::fs::fstat(fd)
            && let Ok(at) = self.seek(0, 1)
        {
            out.reserve((stat.st_size as u64).saturating_sub(at).min(1 << 40) as usize + 1);
        }
        let mut step = 8192;
        loop {
            let start = out.len();
            if out.capacity() - start < 32 {
                out.reserve(step);
                step = (step * 2).min(1 << 24);
            }
            let room = out.capacity();
            out.resize(room, 0);
            let result = self.read(cx, &mut out[start..]);
            out.truncate(start + result.as_ref().map_or(0, |r| r.unwrap_or(0)));
            match result? {
                Ok(0) => return Ok(Ok(())),
                Ok(_) => {}
                Err(e) => return Ok(Err(e)),
            }
        }
    }
    pub fn seek(&self, offset: i64, whence: i64) -> Result<u64, Errno> {
        use rustix::fs::SeekFrom;
        let fd = self.borrowed()?;
        let to = match whence {
            0 if offset < 0 => return Err(Errno::INVAL),
            0 => SeekFrom::Start(offset as u64),
            1 => SeekFrom::Current(offset),
            2 => SeekFrom::End(offset),
            3 => SeekFrom::Data(offset as u64),
            4 => SeekFrom::Hole(offset as u64),
            _ => return Err(Errno::INVAL),
        };
        rustix::fs::seek(fd, to)
    }
    pub fn truncate(&self, size: u64) -> Result<(), Errno> {
        rustix::fs::ftruncate(self.borrowed()?, size)
    }
    pub fn is_terminal(&self) -> bool {
        self.borrowed().is_ok_and(rustix::termios::isatty)
    }
    pub fn is_seekable(&self) -> bool {
        self.seek(0, 1).is_ok()
    }
    /// Closes the descriptor if it is owned; does nothing the second time.
    pub fn close(&self) -> Result<(), Errno> {
        let fd = self.fd.swap(-1, Ordering::AcqRel);
        if fd < 0 || !self.owned {
            return Ok(());
        }
        descriptor::close(fd).map_err(Errno::from_raw_os_error)
    }
    /// `rb`, `r+b`, ...
    pub fn mode(&self) -> &'static str {
        match (self.created, self.appending, self.readable, self.writable) {
            (true, _, true, _) => "xb+",
            (true, ..) => "xb",
            (_, true, true, _) => "ab+",
            (_, true, ..) => "ab",
            (_, _, true, true) => "rb+",
            (_, _, true, _) => "rb",
            _ => "wb",
        }
    }
}

impl Drop for RawFile {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// The payload of a FileIO: empty until `__init__`.
#[derive(Default)]
pub struct FileHandle(pub Mutex<Option<Arc<RawFile>>>);

impl Payload for FileHandle {}

/// Slots of a FileIO object.
pub mod slot {
    /// What was opened: a path or a descriptor.
    pub const NAME: usize = 0;
    pub const COUNT: usize = 1;
}

/// The methods of FileIO.
#[conc_macros::methods]
pub mod methods {
    use super::{FileHandle, RawFile, slot};
    use crate::io::base::unsupported;
    use crate::io::open;
    use crate::os::errors;
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};
    use rustix::io::Errno;
    use std::sync::Arc;

    /// The open file, else ValueError.
    fn file(cx: &mut Ctx, this: Gc<Boxed>) -> R<Arc<RawFile>> {
        let Some(handle) = this.data::<FileHandle>() else {
            return Err(cx.type_error("a FileIO object is required"));
        };
        let file = handle.0.lock().clone();
        match file {
            Some(file) if !file.is_closed() => Ok(file),
            Some(_) => Err(cx.value_error("I/O operation on closed file")),
            None => Err(cx.value_error("I/O operation on uninitialized object")),
        }
    }

    /// Makes a file object that is not open yet.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R {
        Ok(cx.new_boxed(class, Some(Box::new(FileHandle::default())), slot::COUNT).value())
    }

    /// Open a file to read ('r'), to start over ('w'), to make ('x') or to add to ('a').
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw] file: Value,
        #[kw] mode: Option<Value>,
        #[kw]
        #[default(true)]
        closefd: bool,
        #[kw]
        #[default(Value::NONE)]
        opener: Value,
    ) -> R<()> {
        let mode = match mode {
            Some(mode) => cx.text_of(mode),
            None => "r".to_string(),
        };
        let raw = open::open_raw(cx, file, &mode, closefd, opener)?;
        if let Some(handle) = this.data::<FileHandle>() {
            *handle.0.lock() = Some(raw);
        }
        this.slots()[slot::NAME].set(file);
        Ok(())
    }

    /// Read up to size bytes; none at the end of the file.
    pub fn read(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R {
        let raw = file(cx, this)?;
        if !raw.readable {
            return Err(unsupported(cx, "File not open for reading"));
        }
        let size = if size.is_none() { -1 } else { cx.index_i64(size)? };
        if size < 0 {
            return readall(cx, this);
        }
        let mut buffer = vec![0; (size as usize).min(1 << 30)];
        match raw.read(cx, &mut buffer)? {
            Ok(n) => cx.bytes(&buffer[..n]),
            Err(Errno::AGAIN) => Ok(Value::NONE),
            Err(e) => Err(errors::raise(cx, e)),
        }
    }

    /// Read the rest of the file.
    pub fn readall(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let raw = file(cx, this)?;
        if !raw.readable {
            return Err(unsupported(cx, "File not open for reading"));
        }
        let mut out = Vec::new();
        match raw.read_to_end(cx, &mut out)? {
            Ok(()) => cx.bytes(&out),
            Err(Errno::AGAIN) if out.is_empty() => Ok(Value::NONE),
            Err(Errno::AGAIN) => cx.bytes(&out),
            Err(e) => Err(errors::raise(cx, e)),
        }
    }

    /// Read into the given buffer; give the number of bytes.
    pub fn readinto(cx: &mut Ctx, this: Gc<Boxed>, buffer: Value) -> R {
        let raw = file(cx, this)?;
        if !raw.readable {
            return Err(unsupported(cx, "File not open for reading"));
        }
        let len = crate::io::base::writable_len(cx, buffer)?;
        let mut data = vec![0; len];
        match raw.read(cx, &mut data)? {
            Ok(n) => {
                crate::io::base::fill_buffer(cx, buffer, &data[..n])?;
                Ok(Value::small_int(n as i64))
            }
            Err(Errno::AGAIN) => Ok(Value::NONE),
            Err(e) => Err(errors::raise(cx, e)),
        }
    }

    /// Write the bytes to the file; give the number written.
    pub fn write(cx: &mut Ctx, this: Gc<Boxed>, b: Value) -> R {
        let raw = file(cx, this)?;
        if !raw.writable {
            return Err(unsupported(cx, "File not open for writing"));
        }
        let data = cx.byte_vec(b)?;
        match raw.write(cx, &data)? {
            Ok(n) => Ok(Value::small_int(n as i64)),
            Err(Errno::AGAIN) => Ok(Value::NONE),
            Err(e) => Err(errors::raise(cx, e)),
        }
    }

    /// Move to a position and give it.
    pub fn seek(cx: &mut Ctx, this: Gc<Boxed>, pos: i64, #[default(0)] whence: i64) -> R<i64> {
        let raw = file(cx, this)?;
        raw.seek(pos, whence).map(|n| n as i64).map_err(|e| errors::raise(cx, e))
    }

    /// Current file position.
    pub fn tell(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        seek(cx, this, 0, 1)
    }

    /// Cut the file off after size bytes, at the position unless given; give the size.
    pub fn truncate(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R<i64> {
        let raw = file(cx, this)?;
        if !raw.writable {
            return Err(unsupported(cx, "File not open for writing"));
        }
        let size = if size.is_none() { tell(cx, this)? } else { cx.index_i64(size)? };
        let Ok(end) = u64::try_from(size) else { return Err(errors::raise(cx, Errno::INVAL)) };
        errors::check(cx, raw.truncate(end))?;
        Ok(size)
    }

    /// Close the file; nothing can be done with it afterwards but closing it again.
    pub fn close(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let Some(handle) = this.data::<FileHandle>() else { return Ok(()) };
        let file = handle.0.lock().clone();
        match file {
            Some(file) => errors::check(cx, file.close()),
            None => Ok(()),
        }
    }

    /// Give the number of the open file.
    pub fn fileno(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(i64::from(file(cx, this)?.fd()))
    }

    /// Tell whether the file is a terminal.
    pub fn isatty(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(file(cx, this)?.is_terminal())
    }

    /// Tell whether the mode allows reading.
    pub fn readable(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(file(cx, this)?.readable)
    }

    /// Tell whether the mode allows writing.
    pub fn writable(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(file(cx, this)?.writable)
    }

    /// Tell whether the file has a position that can be moved.
    pub fn seekable(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(file(cx, this)?.is_seekable())
    }

    /// Whether the file is closed.
    #[getter]
    pub fn closed(this: Gc<Boxed>) -> bool {
        this.data::<FileHandle>().is_none_or(|h| h.0.lock().as_ref().is_none_or(|f| f.is_closed()))
    }

    /// Whether close() also closes the descriptor.
    #[getter]
    pub fn closefd(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(file(cx, this)?.owned)
    }

    /// The mode it was opened with.
    #[getter]
    pub fn mode(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'static str> {
        Ok(file(cx, this)?.mode())
    }

    /// What was opened.
    #[getter]
    pub fn name(this: Gc<Boxed>) -> Value {
        this.slots()[slot::NAME].get()
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let handle = this.data::<FileHandle>().and_then(|h| h.0.lock().clone());
        match handle {
            Some(f) if !f.is_closed() => {
                let name = cx.repr_text(this.slots()[slot::NAME].get());
                let closefd = if f.owned { "True" } else { "False" };
                Ok(format!("<_io.FileIO name={name} mode='{}' closefd={closefd}>", f.mode()))
            }
            _ => Ok("<_io.FileIO [closed]>".to_string()),
        }
    }
}
