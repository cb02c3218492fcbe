//! Buffered binary streams: the state behind BufferedReader, BufferedWriter and BufferedRandom.
//!
//! Either unread input or unwritten output is held, never both; the raw stream stands at the end of the input held.

use std::sync::Arc;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::{Boxed, Payload};
use conc_interpreter::object::string::Bytes;
use conc_interpreter::value::{Gc, Value};
use parking_lot::Mutex;
use rustix::io::Errno;

use super::base::{closed_file, unsupported};
use super::file::RawFile;
use super::registry::{self, Flush};
use super::shared::Shared;
use crate::core::shared::call_method;
use crate::os::errors;

pub const DEFAULT_SIZE: usize = 8192;

/// Slots of a buffered object.
pub mod slot {
    pub const RAW: usize = 0;
    pub const COUNT: usize = 1;
}

/// Buffer and raw stream; without a native file the raw stream is the object in the slot.
pub struct Buffered {
    pub file: Option<Arc<RawFile>>,
    pub input: Vec<u8>,
    pub at: usize,
    pub output: Vec<u8>,
    pub size: usize,
    pub readable: bool,
    pub writable: bool,
    pub closed: bool,
    pub detached: bool,
}

/// A buffered stream that text streams and the registry share.
pub struct BufferedStream(pub Shared<Buffered>);

/// The payload of a buffered object: empty until `__init__`.
#[derive(Default)]
pub struct BufferedHandle(pub Mutex<Option<Arc<BufferedStream>>>);

impl Payload for BufferedHandle {}

impl Flush for BufferedStream {
    fn flush_now(&self) {
        self.0.try_with(|b| b.flush_file());
    }
}

impl Drop for Buffered {
    fn drop(&mut self) {
        let _ = self.flush_file();
    }
}

impl Buffered {
    pub fn unread(&self) -> usize {
        self.input.len() - self.at
    }

    /// Writes out to a native file; does nothing without one.
    pub fn flush_file(&mut self) -> Result<(), Errno> {
        if self.output.is_empty() {
            return Ok(());
        }
        let Some(file) = &self.file else { return Ok(()) };
        match file.write_all_now(&self.output) {
            Ok(()) => {
                self.output.clear();
                Ok(())
            }
            Err((done, e)) => {
                self.output.drain(..done);
                Err(e)
            }
        }
    }

    pub fn check(&self, cx: &mut Ctx) -> R<()> {
        if self.detached {
            return Err(cx.value_error("raw stream has been detached"));
        }
        if self.closed || self.file.as_ref().is_some_and(|f| f.is_closed()) {
            return Err(closed_file(cx));
        }
        Ok(())
    }

    pub fn check_readable(&self, cx: &mut Ctx) -> R<()> {
        if !self.readable {
            return Err(unsupported(cx, "read"));
        }
        self.check(cx)
    }

    // ---- the raw stream

    /// Up to `n` bytes from the raw stream; None: it would block.
    fn raw_read(&mut self, cx: &mut Ctx, this: Gc<Boxed>, n: usize) -> R<Option<Vec<u8>>> {
        if let Some(file) = &self.file {
            let mut data = vec![0; n];
            return match file.read(cx, &mut data)? {
                Ok(got) => {
                    data.truncate(got);
                    Ok(Some(data))
                }
                Err(Errno::AGAIN) => Ok(None),
                Err(e) => Err(errors::raise(cx, e)),
            };
        }
        let raw = this.slots()[slot::RAW].get();
        let class = cx.class(conc_interpreter::object::kind::ClassId::ByteArray);
        let buffer = cx.new_bytearray(class, &vec![0; n])?;
        let count = call_method(cx, raw, "readinto", &[buffer.value()])?;
        if count.is_none() {
            return Ok(None);
        }
        let count = cx.index_i64(count)?;
        if count < 0 || count as usize > n {
            let message =
                format!("raw readinto() returned invalid length {count} (should have been between 0 and {n})");
            return Err(cx.error(conc_interpreter::object::kind::ClassId::OSError, message));
        }
        let mut data = buffer.to_vec();
        data.truncate(count as usize);
        Ok(Some(data))
    }

    fn raw_write(&mut self, cx: &mut Ctx, this: Gc<Boxed>, data: &[u8]) -> R<()> {
        if let Some(file) = &self.file {
            let file = file.clone();
            return file.write_all(cx, data)?.map_err(|(_, e)| errors::raise(cx, e));
        }
        let raw = this.slots()[slot::RAW].get();
        let mut at = 0;
        while at < data.len() {
            let part = cx.bytes(&data[at..])?;
            let n = call_method(cx, raw, "write", &[part])?;
            if n.is_none() {
                return Err(errors::raise(cx, Errno::AGAIN));
            }
            let n = cx.index_i64(n)?;
            if n < 0 || n as usize > data.len() - at {
                let message = format!(
                    "raw write() returned invalid length {n} (should have been between 0 and {})",
                    data.len() - at
                );
                return Err(cx.error(conc_interpreter::object::kind::ClassId::OSError, message));
            }
            at += n as usize;
        }
        Ok(())
    }

    fn raw_seek(&mut self, cx: &mut Ctx, this: Gc<Boxed>, offset: i64, whence: i64) -> R<i64> {
        if let Some(file) = &self.file {
            return file.seek(offset, whence).map(|n| n as i64).map_err(|e| errors::raise(cx, e));
        }
        let raw = this.slots()[slot::RAW].get();
        let (offset, whence) = (cx.int(offset), cx.int(whence));
        let n = call_method(cx, raw, "seek", &[offset, whence])?;
        cx.index_i64(n)
    }

    // ---- reading

    /// Makes sure that unread input is held unless the stream is at its end; false: the end (or it would block).
    pub fn fill(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<bool>> {
        if self.unread() > 0 {
            return Ok(Some(true));
        }
        self.flush(cx, this)?;
        match self.raw_read(cx, this, self.size)? {
            Some(data) => {
                self.input = data;
                self.at = 0;
                Ok(Some(!self.input.is_empty()))
            }
            None => Ok(None),
        }
    }

    fn take(&mut self, n: usize) -> &[u8] {
        let start = self.at;
        self.at = (start + n).min(self.input.len());
        &self.input[start..self.at]
    }

    /// Everything to the end; None: it would block and nothing is there.
    pub fn read_all(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<Option<Vec<u8>>> {
        self.check_readable(cx)?;
        self.flush(cx, this)?;
        let mut out = self.take(usize::MAX / 2).to_vec();
        if let Some(file) = &self.file {
            return match file.read_to_end(cx, &mut out)? {
                Ok(()) => Ok(Some(out)),
                Err(Errno::AGAIN) => Ok((!out.is_empty()).then_some(out)),
                Err(e) => Err(errors::raise(cx, e)),
            };
        }
        let raw = this.slots()[slot::RAW].get();
        let name = cx.intern("readall");
        if let Some(readall) = cx.get_attr_opt(raw, name)? {
            let rest = cx.call(readall, &[])?;
            if rest.is_none() {
                return Ok((!out.is_empty()).then_some(out));
            }
            out.extend(cx.byte_vec(rest)?);
            return Ok(Some(out));
        }
        loop {
            let part = call_method(cx, raw, "read", &[])?;
            let Some(part) = part.cast::<Bytes>().filter(|p| p.len > 0) else { return Ok(Some(out)) };
            out.extend_from_slice(part.as_bytes());
        }
    }

    /// `n` bytes unless the stream ends before.
    pub fn read(&mut self, cx: &mut Ctx, this: Gc<Boxed>, n: usize) -> R<Option<Vec<u8>>> {
        self.check_readable(cx)?;
        if self.unread() >= n {
            return Ok(Some(self.take(n).to_vec()));
        }
        let mut out = self.take(n).to_vec();
        while out.len() < n {
            let wanted = n - out.len();
            if wanted >= self.size {
                self.flush(cx, this)?;
                match self.raw_read(cx, this, wanted.min(1 << 30))? {
                    Some(data) if data.is_empty() => break,
                    Some(data) => out.extend(data),
                    None if out.is_empty() => return Ok(None),
                    None => break,
                }
                continue;
            }
            match self.fill(cx, this)? {
                Some(true) => out.extend_from_slice(self.take(wanted)),
                Some(false) => break,
                None if out.is_empty() => return Ok(None),
                None => break,
            }
        }
        Ok(Some(out))
    }

    /// What one read of the raw stream gives, at most `n` bytes.
    pub fn read1(&mut self, cx: &mut Ctx, this: Gc<Boxed>, n: Option<usize>) -> R<Vec<u8>> {
        self.check_readable(cx)?;
        let n = n.unwrap_or(self.size);
        if n == 0 {
            return Ok(Vec::new());
        }
        if self.unread() == 0 && n > self.size {
            self.flush(cx, this)?;
            return Ok(self.raw_read(cx, this, n)?.unwrap_or_default());
        }
        self.fill(cx, this)?;
        Ok(self.take(n).to_vec())
    }

    pub fn peek(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<Vec<u8>> {
        self.check(cx)?;
        self.fill(cx, this)?;
        Ok(self.input[self.at..].to_vec())
    }

    /// A line with its `\n`, at most `limit` bytes of it.
    pub fn read_line(&mut self, cx: &mut Ctx, this: Gc<Boxed>, limit: Option<usize>) -> R<Vec<u8>> {
        self.check_readable(cx)?;
        let limit = limit.unwrap_or(usize::MAX);
        let mut line = Vec::new();
        while line.len() < limit && self.fill(cx, this)? == Some(true) {
            let rest = &self.input[self.at..];
            let end = memchr::memchr(b'\n', rest).map(|i| i + 1);
            let n = end.unwrap_or(rest.len()).min(limit - line.len());
            line.extend_from_slice(self.take(n));
            if end.is_some_and(|end| end == n) {
                break;
            }
        }
        Ok(line)
    }

    // ---- writing

    pub fn write(&mut self, cx: &mut Ctx, this: Gc<Boxed>, data: &[u8]) -> R<()> {
        if !self.writable {
            return Err(unsupported(cx, "write"));
        }
        self.check(cx)?;
        self.drop_input(cx, this)?;
        if self.output.len() + data.len() > self.size {
            self.flush(cx, this)?;
            if data.len() >= self.size {
                return self.raw_write(cx, this, data);
            }
        }
        self.output.extend_from_slice(data);
        registry::mark_dirty();
        Ok(())
    }

    /// Gives unread input back to the raw stream.
    fn drop_input(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let unread = self.unread();
        if unread > 0 {
            self.raw_seek(cx, this, -(unread as i64), 1)?;
        }
        self.input.clear();
        self.at = 0;
        Ok(())
    }

    pub fn flush(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let Some(file) = self.file.clone() else {
            let output = std::mem::take(&mut self.output);
            return self.raw_write(cx, this, &output);
        };
        match file.write_all(cx, &self.output)? {
            Ok(()) => {
                self.output.clear();
                Ok(())
            }
            Err((done, e)) => {
                self.output.drain(..done);
                Err(errors::raise(cx, e))
            }
        }
    }

    // ---- position

    pub fn seek(&mut self, cx: &mut Ctx, this: Gc<Boxed>, offset: i64, whence: i64) -> R<i64> {
        self.check(cx)?;
        if !(0..=4).contains(&whence) {
            return Err(cx.value_error(format!("whence value {whence} unsupported")));
        }
        self.flush(cx, this)?;
        let offset = if whence == 1 { offset - self.unread() as i64 } else { offset };
        let at = self.raw_seek(cx, this, offset, whence)?;
        self.input.clear();
        self.at = 0;
        Ok(at)
    }

    pub fn tell(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        self.check(cx)?;
        let raw = self.raw_seek(cx, this, 0, 1)?;
        Ok(raw - self.unread() as i64 + self.output.len() as i64)
    }

    pub fn truncate(&mut self, cx: &mut Ctx, this: Gc<Boxed>, size: Value) -> R {
        if !self.writable {
            return Err(unsupported(cx, "truncate"));
        }
        self.check(cx)?;
        self.flush(cx, this)?;
        let size = if size.is_none() { self.tell(cx, this).map(Value::small_int)? } else { size };
        self.drop_input(cx, this)?;
        let raw = this.slots()[slot::RAW].get();
        call_method(cx, raw, "truncate", &[size])
    }

    /// Flushes and closes the raw stream; the raw stream is closed even if flushing fails.
    pub fn close(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        if self.closed || self.detached {
            return Ok(());
        }
        if self.file.as_ref().is_some_and(|f| f.is_closed()) {
            self.output.clear();
            self.closed = true;
            return Ok(());
        }
        let flushed = self.flush(cx, this);
        self.output.clear();
        self.input.clear();
        self.at = 0;
        self.closed = true;
        let raw = this.slots()[slot::RAW].get();
        let closed = call_method(cx, raw, "close", &[]);
        flushed?;
        closed.map(drop)
    }
}

/// The stream of a buffered object, else ValueError.
pub fn stream(cx: &mut Ctx, this: Gc<Boxed>) -> R<Arc<BufferedStream>> {
    let Some(handle) = this.data::<BufferedHandle>() else {
        return Err(cx.type_error("a buffered stream is required"));
    };
    let stream = handle.0.lock().clone();
    match stream {
        Some(stream) => Ok(stream),
        None => Err(cx.value_error("I/O operation on uninitialized object")),
    }
}
