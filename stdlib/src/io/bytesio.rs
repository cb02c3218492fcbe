//! BytesIO: a binary stream in memory.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::{Boxed, Payload};
use conc_interpreter::value::Gc;
use parking_lot::Mutex;

/// The bytes and the position, which may lie past their end.
#[derive(Default)]
pub struct Memory {
    pub data: Vec<u8>,
    pub at: usize,
    pub closed: bool,
}

/// The payload of a BytesIO. The lock is only held for copying bytes.
#[derive(Default)]
pub struct MemoryHandle(pub Mutex<Memory>);

impl Payload for MemoryHandle {}

impl Memory {
    fn rest(&self) -> &[u8] {
        self.data.get(self.at..).unwrap_or_default()
    }
    fn take(&mut self, n: usize) -> Vec<u8> {
        let rest = self.rest();
        let part = rest[..n.min(rest.len())].to_vec();
        self.at += part.len();
        part
    }
    fn line(&mut self, limit: usize) -> Vec<u8> {
        let rest = self.rest();
        let n = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
        self.take(n.min(limit))
    }
    fn put(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.at > self.data.len() {
            self.data.resize(self.at, 0);
        }
        let overlap = bytes.len().min(self.data.len() - self.at);
        self.data[self.at..self.at + overlap].copy_from_slice(&bytes[..overlap]);
        self.data.extend_from_slice(&bytes[overlap..]);
        self.at += bytes.len();
    }
}

/// Works on the content of an open BytesIO.
fn with<X>(cx: &mut Ctx, this: Gc<Boxed>, work: impl FnOnce(&mut Memory) -> X) -> R<X> {
    let Some(handle) = this.data::<MemoryHandle>() else {
        return Err(cx.type_error("a BytesIO object is required"));
    };
    let result = {
        let mut memory = handle.0.lock();
        if memory.closed { None } else { Some(work(&mut memory)) }
    };
    match result {
        Some(result) => Ok(result),
        None => Err(super::base::closed_file(cx)),
    }
}

/// The methods of BytesIO.
#[conc_macros::methods]
pub mod methods {
    use super::{MemoryHandle, with};
    use crate::io::base::{fill_buffer, size_arg, writable_len};
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Makes an empty stream.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R {
        Ok(cx.new_boxed(class, Some(Box::new(MemoryHandle::default())), 0).value())
    }

    /// A stream whose bytes are in memory.
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw]
        #[default(Value::NONE)]
        initial_bytes: Value,
    ) -> R<()> {
        let data = if initial_bytes.is_none() { Vec::new() } else { cx.byte_vec(initial_bytes)? };
        with(cx, this, |m| {
            m.data = data;
            m.at = 0;
        })
    }

    /// Read size bytes, or the rest if no size is given.
    pub fn read(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R {
        let n = size_arg(cx, size)?.unwrap_or(usize::MAX);
        let data = with(cx, this, |m| m.take(n))?;
        cx.bytes(&data)
    }

    /// Read size bytes, or the rest if no size is given.
    pub fn read1(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R {
        read(cx, this, size)
    }

    /// Read a line, at most size bytes of it.
    pub fn readline(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R {
        let limit = size_arg(cx, size)?.unwrap_or(usize::MAX);
        let line = with(cx, this, |m| m.line(limit))?;
        cx.bytes(&line)
    }

    /// The next line.
    pub fn __next__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let line = with(cx, this, |m| m.line(usize::MAX))?;
        if line.is_empty() {
            return Err(cx.stop_iteration(Value::NONE));
        }
        cx.bytes(&line)
    }

    /// Fill the given buffer as far as bytes come; give their number.
    pub fn readinto(cx: &mut Ctx, this: Gc<Boxed>, buffer: Value) -> R<i64> {
        let len = writable_len(cx, buffer)?;
        let data = with(cx, this, |m| m.take(len))?;
        fill_buffer(cx, buffer, &data)?;
        Ok(data.len() as i64)
    }

    /// Write bytes and return their number.
    pub fn write(cx: &mut Ctx, this: Gc<Boxed>, b: Value) -> R<i64> {
        let data = cx.byte_vec(b)?;
        with(cx, this, |m| m.put(&data))?;
        Ok(data.len() as i64)
    }

    /// Give all the bytes, whatever the position.
    pub fn getvalue(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let data = with(cx, this, |m| m.data.clone())?;
        cx.bytes(&data)
    }

    /// A read-only view of a copy of the contents.
    pub fn getbuffer(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let data = with(cx, this, |m| m.data.clone())?;
        let data = cx.bytes(&data)?;
        let class = cx.class(conc_interpreter::object::kind::ClassId::MemoryView).value();
        cx.call(class, &[data])
    }

    /// Move to a position and give it.
    pub fn seek(cx: &mut Ctx, this: Gc<Boxed>, pos: i64, #[default(0)] whence: i64) -> R<i64> {
        if whence == 0 && pos < 0 {
            return Err(cx.value_error(format!("negative seek value {pos}")));
        }
        if !(0..=2).contains(&whence) {
            return Err(cx.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)")));
        }
        with(cx, this, |m| {
            let base = match whence {
                0 => 0,
                1 => m.at as i64,
                _ => m.data.len() as i64,
            };
            m.at = base.saturating_add(pos).max(0) as usize;
            m.at as i64
        })
    }

    /// Give the position, in bytes from the start.
    pub fn tell(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        with(cx, this, |m| m.at as i64)
    }

    /// Truncate to at most size bytes, by default the current position; the position is unchanged.
    pub fn truncate(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R<i64> {
        let size = match size_arg(cx, size)? {
            Some(n) => Some(n),
            None if size.is_none() => None,
            None => {
                let n = cx.index_i64(size)?;
                return Err(cx.value_error(format!("negative size value {n}")));
            }
        };
        with(cx, this, |m| {
            let size = size.unwrap_or(m.at);
            m.data.truncate(size);
            size as i64
        })
    }

    /// Close the stream and free its bytes.
    pub fn close(this: Gc<Boxed>) {
        if let Some(handle) = this.data::<MemoryHandle>() {
            let mut memory = handle.0.lock();
            memory.closed = true;
            memory.data = Vec::new();
        }
    }

    /// Whether the stream is closed.
    #[getter]
    pub fn closed(this: Gc<Boxed>) -> bool {
        this.data::<MemoryHandle>().is_none_or(|h| h.0.lock().closed)
    }

    /// Do nothing: the bytes are already where they belong.
    pub fn flush(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        with(cx, this, |_| ())
    }

    /// Tell whether it can be read: always, until closed.
    pub fn readable(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        with(cx, this, |_| true)
    }

    /// Tell whether it can be written: always, until closed.
    pub fn writable(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        with(cx, this, |_| true)
    }

    /// Tell whether the position can be moved: always, until closed.
    pub fn seekable(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        with(cx, this, |_| true)
    }

    /// Always returns False.
    pub fn isatty(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        with(cx, this, |_| false)
    }
}
