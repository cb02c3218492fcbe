//! BufferedReader: methods of buffered streams that read, and those all buffered streams have.

/// Methods of every buffered stream.
#[conc_macros::methods]
pub mod common {
    use crate::core::shared::call_method;
    use crate::io::buffered::{BufferedHandle, slot, stream};
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Makes a stream object without a raw stream.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R {
        Ok(cx.new_boxed(class, Some(Box::new(BufferedHandle::default())), slot::COUNT).value())
    }

    /// Write out what is buffered and close the raw stream.
    pub fn close(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        stream(cx, this)?.0.with(cx, |cx, b| b.close(cx, this))
    }

    /// Write out what is buffered.
    pub fn flush(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        stream(cx, this)?.0.with(cx, |cx, b| {
            b.check(cx)?;
            b.flush(cx, this)
        })
    }

    /// Move to a position and give it.
    pub fn seek(cx: &mut Ctx, this: Gc<Boxed>, target: i64, #[default(0)] whence: i64) -> R<i64> {
        stream(cx, this)?.0.with(cx, |cx, b| b.seek(cx, this, target, whence))
    }

    /// Give the position in the stream.
    pub fn tell(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        stream(cx, this)?.0.with(cx, |cx, b| b.tell(cx, this))
    }

    /// Cut the file off after pos bytes, at the position unless given.
    pub fn truncate(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] pos: Value) -> R {
        stream(cx, this)?.0.with(cx, |cx, b| b.truncate(cx, this, pos))
    }

    /// Disconnect the raw stream and return it; the object is of no use then.
    pub fn detach(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        stream(cx, this)?.0.with(cx, |cx, b| {
            b.check(cx)?;
            b.flush(cx, this)?;
            b.detached = true;
            Ok(())
        })?;
        Ok(this.slots()[slot::RAW].swap(Value::NONE))
    }

    fn raw(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let detached = stream(cx, this)?.0.with(cx, |_, b| Ok(b.detached))?;
        if detached {
            return Err(cx.value_error("raw stream has been detached"));
        }
        Ok(this.slots()[slot::RAW].get())
    }

    /// Give the number of the open file behind the stream, if there is one.
    pub fn fileno(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let raw = raw(cx, this)?;
        call_method(cx, raw, "fileno", &[])
    }

    /// Tell whether somebody sits at the other end: whether it is a terminal.
    pub fn isatty(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let raw = raw(cx, this)?;
        call_method(cx, raw, "isatty", &[])
    }

    /// Tell whether the stream can be read.
    pub fn readable(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let raw = raw(cx, this)?;
        call_method(cx, raw, "readable", &[])
    }

    /// Tell whether the stream can be written.
    pub fn writable(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let raw = raw(cx, this)?;
        call_method(cx, raw, "writable", &[])
    }

    /// Tell whether the position can be moved.
    pub fn seekable(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let raw = raw(cx, this)?;
        call_method(cx, raw, "seekable", &[])
    }

    /// True once the stream is closed.
    #[getter]
    pub fn closed(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let raw = raw(cx, this)?;
        cx.get_attr_text(raw, "closed")
    }

    /// The underlying raw stream.
    #[getter]
    #[name = "raw"]
    pub fn raw_stream(this: Gc<Boxed>) -> Value {
        this.slots()[slot::RAW].get()
    }

    /// The name of the raw stream.
    #[getter]
    pub fn name(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let raw = raw(cx, this)?;
        cx.get_attr_text(raw, "name")
    }

    /// The mode of the raw stream.
    #[getter]
    pub fn mode(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let raw = raw(cx, this)?;
        cx.get_attr_text(raw, "mode")
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let class = cx.class_of(this.value());
        let title = cx.qualified_name(class);
        let raw = this.slots()[slot::RAW].get();
        let name = cx.names().name;
        Ok(match cx.get_attr_opt(raw, name)? {
            Some(name) => format!("<{title} name={}>", cx.repr_text(name)),
            None => format!("<{title}>"),
        })
    }
}

/// Methods of streams that read.
#[conc_macros::methods]
pub mod reading {
    use crate::io::base::{fill_buffer, size_arg, writable_len};
    use crate::io::buffered::stream;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Read size bytes, or everything if no size is given.
    pub fn read(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R {
        let stream = stream(cx, this)?;
        let n = match size_arg(cx, size)? {
            Some(n) => Some(n),
            None if size.is_int() && size.int() < -1 => {
                return Err(cx.value_error("read length must be non-negative or -1"));
            }
            None => None,
        };
        let data = stream.0.with(cx, |cx, b| match n {
            Some(n) => b.read(cx, this, n),
            None => b.read_all(cx, this),
        })?;
        match data {
            Some(data) => cx.bytes(&data),
            None => Ok(Value::NONE),
        }
    }

    /// Read up to size bytes, asking the raw stream at most once.
    pub fn read1(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R {
        let n = size_arg(cx, size)?;
        let data = stream(cx, this)?.0.with(cx, |cx, b| b.read1(cx, this, n))?;
        cx.bytes(&data)
    }

    /// Give bytes that are already buffered, and stay at the position.
    pub fn peek(cx: &mut Ctx, this: Gc<Boxed>, #[default(0)] _size: i64) -> R {
        let data = stream(cx, this)?.0.with(cx, |cx, b| b.peek(cx, this))?;
        cx.bytes(&data)
    }

    /// Fill the given buffer as far as bytes come; give their number.
    pub fn readinto(cx: &mut Ctx, this: Gc<Boxed>, buffer: Value) -> R {
        let len = writable_len(cx, buffer)?;
        let data = stream(cx, this)?.0.with(cx, |cx, b| b.read(cx, this, len))?;
        let Some(data) = data else { return Ok(Value::NONE) };
        fill_buffer(cx, buffer, &data)?;
        Ok(Value::small_int(data.len() as i64))
    }

    /// Put bytes into the given buffer, asking the raw stream at most once; give their number.
    pub fn readinto1(cx: &mut Ctx, this: Gc<Boxed>, buffer: Value) -> R {
        let len = writable_len(cx, buffer)?;
        let data = stream(cx, this)?.0.with(cx, |cx, b| b.read1(cx, this, Some(len)))?;
        fill_buffer(cx, buffer, &data)?;
        Ok(Value::small_int(data.len() as i64))
    }

    /// Read up to the end of a line, and no further than size bytes.
    pub fn readline(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R {
        let limit = size_arg(cx, size)?;
        let line = stream(cx, this)?.0.with(cx, |cx, b| b.read_line(cx, this, limit))?;
        cx.bytes(&line)
    }

    /// The next line.
    pub fn __next__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let line = stream(cx, this)?.0.with(cx, |cx, b| b.read_line(cx, this, None))?;
        if line.is_empty() {
            return Err(cx.stop_iteration(Value::NONE));
        }
        cx.bytes(&line)
    }
}
