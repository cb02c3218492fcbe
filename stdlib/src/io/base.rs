//! The base classes of streams: what any stream can do with the methods its class defines.

use std::sync::atomic::{AtomicBool, Ordering};

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::misc::{Boxed, MemoryView, Payload};
use conc_interpreter::object::string::{ByteArray, Bytes};
use conc_interpreter::value::{Gc, Value};

use crate::core::shared::call_method;

/// The payload of a stream written by a script.
#[derive(Default)]
pub struct Stream {
    pub closed: AtomicBool,
}

impl Payload for Stream {}

/// io.UnsupportedOperation with a message.
#[cold]
pub fn unsupported(cx: &mut Ctx, message: &str) -> Raised {
    use conc_interpreter::object::kind::ClassId;
    let text = cx.str(message);
    match crate::core::shared::recall(cx, "io.UnsupportedOperation") {
        Some(class) => match cx.call(class, &[text]) {
            Ok(exc) => {
                cx.set_context(exc);
                Raised(exc)
            }
            Err(e) => e,
        },
        None => cx.error(ClassId::OSError, message),
    }
}

#[cold]
pub fn closed_file(cx: &mut Ctx) -> Raised {
    cx.value_error("I/O operation on closed file.")
}

/// A size argument: None or negative means everything.
pub fn size_arg(cx: &mut Ctx, v: Value) -> R<Option<usize>> {
    if v.is_none() {
        return Ok(None);
    }
    if v.is_int() {
        return Ok(usize::try_from(v.int()).ok());
    }
    let index = cx.names().__index__;
    if !cx.is_int(v) && cx.lookup_special(v, index).is_none() {
        let got = cx.type_name(v);
        return Err(cx.type_error(format!("argument should be integer or None, not '{got}'")));
    }
    let n = cx.index_i64(v)?;
    Ok(usize::try_from(n).ok())
}

/// Bytes that fit into a writable buffer.
pub fn writable_len(cx: &mut Ctx, buffer: Value) -> R<usize> {
    if let Some(b) = buffer.cast::<ByteArray>() {
        return Ok(b.len());
    }
    if let Some(view) = buffer.cast::<MemoryView>()
        && view.readonly.load(Ordering::Relaxed) == 0
    {
        return Ok(cx.byte_vec(buffer)?.len());
    }
    let got = cx.type_name(buffer);
    Err(cx.type_error(format!("readinto() argument must be read-write bytes-like object, not {got}")))
}

/// Stores bytes at the start of a writable buffer.
pub fn fill_buffer(cx: &mut Ctx, buffer: Value, data: &[u8]) -> R<()> {
    if let Some(b) = buffer.cast::<ByteArray>() {
        let bytes = b.buffer();
        for (i, &byte) in data.iter().enumerate() {
            bytes.set(i, byte);
        }
        return Ok(());
    }
    if let Some(view) = buffer.cast::<MemoryView>() {
        let start = view.start.load(Ordering::Relaxed);
        if let Some(b) = view.base.get().cast::<ByteArray>() {
            let bytes = b.buffer();
            for (i, &byte) in data.iter().enumerate() {
                bytes.set(start + i, byte);
            }
            return Ok(());
        }
    }
    Err(cx.type_error("a writable buffer is required"))
}

/// ValueError if the stream says it is closed.
pub fn check_open(cx: &mut Ctx, this: Value) -> R<()> {
    let closed = cx.get_attr_text(this, "closed")?;
    if cx.truth(closed)? { Err(closed_file(cx)) } else { Ok(()) }
}

/// One line by the stream's own `peek` and `read`.
pub fn read_line(cx: &mut Ctx, this: Value, limit: Option<usize>) -> R<Vec<u8>> {
    let peek_name = cx.intern("peek");
    let peek = cx.get_attr_opt(this, peek_name)?;
    let mut line = Vec::new();
    while limit.is_none_or(|limit| line.len() < limit) {
        let mut wanted = 1;
        if let Some(peek) = peek {
            let ahead = cx.call(peek, &[Value::small_int(1)])?;
            let ahead = cx.byte_vec(ahead)?;
            if !ahead.is_empty() {
                wanted = memchr::memchr(b'\n', &ahead).map_or(ahead.len(), |i| i + 1);
            }
        }
        if let Some(limit) = limit {
            wanted = wanted.min(limit - line.len());
        }
        let part = call_method(cx, this, "read", &[Value::small_int(wanted as i64)])?;
        let Some(part) = part.cast::<Bytes>() else {
            let got = cx.type_name(part);
            return Err(cx.error(
                conc_interpreter::object::kind::ClassId::OSError,
                format!("read() should have returned a bytes object, not '{got}'"),
            ));
        };
        if part.len == 0 {
            break;
        }
        line.extend_from_slice(part.as_bytes());
        if line.last() == Some(&b'\n') {
            break;
        }
    }
    Ok(line)
}

/// All lines by the stream's own iteration, until their length reaches `hint`.
pub fn read_lines(cx: &mut Ctx, this: Value, hint: Option<usize>) -> R {
    let lines = cx.new_list();
    let mut total = 0;
    let it = cx.iter(this)?;
    while let Some(line) = cx.next(it)? {
        cx.list_push(lines, line)?;
        if let Some(hint) = hint.filter(|h| *h > 0) {
            total += cx.len(line)?;
            if total >= hint {
                break;
            }
        }
    }
    Ok(lines.value())
}

/// Calls a stream's `write` with every item.
pub fn write_lines(cx: &mut Ctx, this: Value, lines: Value) -> R<()> {
    let it = cx.iter(lines)?;
    while let Some(line) = cx.next(it)? {
        call_method(cx, this, "write", &[line])?;
        cx.poll()?;
    }
    Ok(())
}

/// The methods of IOBase.
#[conc_macros::methods]
pub mod stream_methods {
    use super::Stream;
    use crate::core::shared::call_method;
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};
    use std::sync::atomic::Ordering;

    /// Makes a stream for a script's class.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R {
        Ok(cx.new_boxed(class, Some(Box::new(Stream::default())), 0).value())
    }

    /// True once the stream is closed.
    #[getter]
    pub fn closed(this: Gc<Boxed>) -> bool {
        this.data::<Stream>().is_some_and(|s| s.closed.load(Ordering::Relaxed))
    }

    /// Write out what is buffered and close; closing again does nothing.
    pub fn close(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let Some(stream) = this.data::<Stream>() else { return Ok(()) };
        if stream.closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let result = call_method(cx, this.value(), "flush", &[]);
        stream.closed.store(true, Ordering::Relaxed);
        result.map(drop)
    }

    /// Write out what is buffered.
    pub fn flush(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        super::check_open(cx, this.value())
    }

    /// Move to a position: from the start, from here or from the end.
    pub fn seek(cx: &mut Ctx, _this: Gc<Boxed>, _args: &[Value]) -> R {
        Err(super::unsupported(cx, "seek"))
    }

    /// Give the position in the stream.
    pub fn tell(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        call_method(cx, this.value(), "seek", &[Value::small_int(0), Value::small_int(1)])
    }

    /// Cut the file off after size bytes.
    pub fn truncate(cx: &mut Ctx, _this: Gc<Boxed>, _args: &[Value]) -> R {
        Err(super::unsupported(cx, "truncate"))
    }

    /// Give the number of the open file behind the stream, if there is one.
    pub fn fileno(cx: &mut Ctx, _this: Gc<Boxed>) -> R {
        Err(super::unsupported(cx, "fileno"))
    }

    /// Tell whether somebody sits at the other end: whether it is a terminal.
    pub fn isatty(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        super::check_open(cx, this.value())?;
        Ok(false)
    }

    /// Tell whether the position can be moved.
    pub fn seekable(_this: Gc<Boxed>) -> bool {
        false
    }

    /// Tell whether the stream can be read.
    pub fn readable(_this: Gc<Boxed>) -> bool {
        false
    }

    /// Tell whether the stream can be written.
    pub fn writable(_this: Gc<Boxed>) -> bool {
        false
    }

    /// Read up to the end of a line, and no further than size bytes.
    pub fn readline(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R {
        let limit = super::size_arg(cx, size)?;
        let line = super::read_line(cx, this.value(), limit)?;
        cx.bytes(&line)
    }

    /// Read all lines into a list, or so many that they reach the length in hint.
    pub fn readlines(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] hint: Value) -> R {
        let hint = super::size_arg(cx, hint)?;
        super::read_lines(cx, this.value(), hint)
    }

    /// Write the texts one after the other, with nothing between them.
    pub fn writelines(cx: &mut Ctx, this: Gc<Boxed>, lines: Value) -> R<()> {
        super::check_open(cx, this.value())?;
        super::write_lines(cx, this.value(), lines)
    }

    /// Give the object itself.
    pub fn __iter__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        super::check_open(cx, this.value())?;
        Ok(this.value())
    }

    /// The next line.
    pub fn __next__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let line = call_method(cx, this.value(), "readline", &[])?;
        if cx.len(line)? == 0 {
            return Err(cx.stop_iteration(Value::NONE));
        }
        Ok(line)
    }

    /// Give the object itself.
    pub fn __enter__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        super::check_open(cx, this.value())?;
        Ok(this.value())
    }

    /// Close the stream when the with block ends.
    pub fn __exit__(cx: &mut Ctx, this: Gc<Boxed>, _args: &[Value]) -> R<()> {
        call_method(cx, this.value(), "close", &[]).map(drop)
    }
}

/// The methods of RawIOBase.
#[conc_macros::methods]
pub mod raw_methods {
    use crate::core::shared::call_method;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::object::string::Bytes;
    use conc_interpreter::value::{Gc, Value};

    /// Read up to size bytes, by the stream's readinto.
    pub fn read(cx: &mut Ctx, this: Gc<Boxed>, #[default(-1)] size: i64) -> R {
        if size < 0 {
            return call_method(cx, this.value(), "readall", &[]);
        }
        let class = cx.class(ClassId::ByteArray);
        let buffer = cx.new_bytearray(class, &vec![0; size as usize])?;
        let count = call_method(cx, this.value(), "readinto", &[buffer.value()])?;
        if count.is_none() {
            return Ok(Value::NONE);
        }
        let count = cx.index_i64(count)?;
        if count < 0 || count > size {
            return Err(cx.value_error(format!("readinto returned {count} outside buffer size {size}")));
        }
        let data = buffer.to_vec();
        cx.bytes(&data[..count as usize])
    }

    /// Read until there is nothing more.
    pub fn readall(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let mut out = Vec::new();
        loop {
            let part = call_method(cx, this.value(), "read", &[Value::small_int(8192)])?;
            if part.is_none() && out.is_empty() {
                return Ok(Value::NONE);
            }
            let Some(part) = part.cast::<Bytes>() else { break };
            if part.len == 0 {
                break;
            }
            out.extend_from_slice(part.as_bytes());
        }
        cx.bytes(&out)
    }

    /// Fill the given buffer as far as bytes come.
    pub fn readinto(cx: &mut Ctx, _this: Gc<Boxed>, _buffer: Value) -> R {
        Err(cx.error(ClassId::NotImplementedError, ""))
    }

    /// Write the bytes to the stream; give their number.
    pub fn write(cx: &mut Ctx, _this: Gc<Boxed>, _b: Value) -> R {
        Err(cx.error(ClassId::NotImplementedError, ""))
    }
}

/// The methods of BufferedIOBase.
#[conc_macros::methods]
pub mod buffered_methods {
    use crate::core::shared::call_method;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Read no more than n bytes.
    pub fn read(cx: &mut Ctx, _this: Gc<Boxed>, _args: &[Value]) -> R {
        Err(super::unsupported(cx, "read"))
    }

    /// Read up to n bytes, asking the raw stream at most once.
    pub fn read1(cx: &mut Ctx, _this: Gc<Boxed>, _args: &[Value]) -> R {
        Err(super::unsupported(cx, "read1"))
    }

    /// Write the bytes to the stream; give their number.
    pub fn write(cx: &mut Ctx, _this: Gc<Boxed>, _b: Value) -> R {
        Err(super::unsupported(cx, "write"))
    }

    /// Give the raw stream and let go of it.
    pub fn detach(cx: &mut Ctx, _this: Gc<Boxed>) -> R {
        Err(super::unsupported(cx, "detach"))
    }

    /// Read bytes into a buffer, by the stream's read.
    pub fn readinto(cx: &mut Ctx, this: Gc<Boxed>, buffer: Value) -> R<i64> {
        read_into(cx, this, buffer, "read")
    }

    /// Read bytes into a buffer, by the stream's read1.
    pub fn readinto1(cx: &mut Ctx, this: Gc<Boxed>, buffer: Value) -> R<i64> {
        read_into(cx, this, buffer, "read1")
    }

    fn read_into(cx: &mut Ctx, this: Gc<Boxed>, buffer: Value, method: &str) -> R<i64> {
        let len = super::writable_len(cx, buffer)?;
        let data = call_method(cx, this.value(), method, &[Value::small_int(len as i64)])?;
        let data = cx.byte_vec(data)?;
        if data.len() > len {
            return Err(cx.value_error("read returned too many bytes"));
        }
        super::fill_buffer(cx, buffer, &data)?;
        Ok(data.len() as i64)
    }
}

/// The methods of TextIOBase.
#[conc_macros::methods]
pub mod text_methods {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Read up to size characters.
    pub fn read(cx: &mut Ctx, _this: Gc<Boxed>, _args: &[Value]) -> R {
        Err(super::unsupported(cx, "read"))
    }

    /// Read up to the end of a line.
    pub fn readline(cx: &mut Ctx, _this: Gc<Boxed>, _args: &[Value]) -> R {
        Err(super::unsupported(cx, "readline"))
    }

    /// Write the text.
    pub fn write(cx: &mut Ctx, _this: Gc<Boxed>, _s: Value) -> R {
        Err(super::unsupported(cx, "write"))
    }

    /// Give the buffer under the text and let go of it.
    pub fn detach(cx: &mut Ctx, _this: Gc<Boxed>) -> R {
        Err(super::unsupported(cx, "detach"))
    }

    /// What encoding the text has as bytes.
    #[getter]
    pub fn encoding(_this: Gc<Boxed>) -> Value {
        Value::NONE
    }

    /// What happens to text or bytes that do not convert.
    #[getter]
    pub fn errors(_this: Gc<Boxed>) -> Value {
        Value::NONE
    }

    /// The kinds of line end that were met.
    #[getter]
    pub fn newlines(_this: Gc<Boxed>) -> Value {
        Value::NONE
    }
}

/// A native stream object of the class that is kept under `name`.
pub fn is_native<T: Payload>(cx: &Ctx, v: Value) -> Option<Gc<Boxed>> {
    let boxed = v.cast::<Boxed>()?;
    (crate::core::shared::is_exact_native(cx, v) && boxed.data::<T>().is_some()).then_some(boxed)
}
