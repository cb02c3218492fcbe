//! BufferedWriter, and the making of all three buffered classes' objects.

use std::sync::Arc;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::Boxed;
use conc_interpreter::value::{Gc, Value};

use super::base::is_native;
use super::buffered::{Buffered, BufferedHandle, BufferedStream, slot};
use super::file::FileHandle;
use super::registry;
use super::shared::Shared;
use crate::core::shared::call_method;

/// What a buffered class does.
#[derive(Clone, Copy)]
pub struct Duty {
    pub readable: bool,
    pub writable: bool,
}

/// `__init__` of the buffered classes.
pub fn init(cx: &mut Ctx, this: Gc<Boxed>, raw: Value, size: i64, duty: Duty) -> R<()> {
    for (wanted, method) in [(duty.readable, "readable"), (duty.writable, "writable")] {
        if !wanted {
            continue;
        }
        let able = call_method(cx, raw, method, &[])?;
        if !cx.truth(able)? {
            return Err(cx.error(ClassId::OSError, format!("File or stream is not {method}.")));
        }
    }
    if size <= 0 {
        return Err(cx.value_error("buffer size must be strictly positive"));
    }
    let file = match is_native::<FileHandle>(cx, raw) {
        Some(raw) => raw.data::<FileHandle>().and_then(|h| h.0.lock().clone()),
        None => None,
    };
    let state = Buffered {
        file,
        input: Vec::new(),
        at: 0,
        output: Vec::new(),
        size: size as usize,
        readable: duty.readable,
        writable: duty.writable,
        closed: false,
        detached: false,
    };
    this.slots()[slot::RAW].set(raw);
    let stream = Arc::new(BufferedStream(Shared::new(state)));
    if duty.writable {
        registry::register(&stream);
    }
    if let Some(handle) = this.data::<BufferedHandle>() {
        *handle.0.lock() = Some(stream);
    }
    Ok(())
}

/// `__init__` of BufferedReader.
#[conc_macros::methods]
pub mod reader_init {
    use super::{Duty, init};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Buffer what is read from a raw stream.
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw] raw: Value,
        #[kw]
        #[default(8192)]
        buffer_size: i64,
    ) -> R<()> {
        init(cx, this, raw, buffer_size, Duty { readable: true, writable: false })
    }
}

/// `__init__` of BufferedWriter.
#[conc_macros::methods]
pub mod writer_init {
    use super::{Duty, init};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Buffer what is written to a raw stream.
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw] raw: Value,
        #[kw]
        #[default(8192)]
        buffer_size: i64,
    ) -> R<()> {
        init(cx, this, raw, buffer_size, Duty { readable: false, writable: true })
    }
}

/// `__init__` of BufferedRandom.
#[conc_macros::methods]
pub mod random_init {
    use super::{Duty, init};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Buffer a raw stream that is both read and written, with a position.
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw] raw: Value,
        #[kw]
        #[default(8192)]
        buffer_size: i64,
    ) -> R<()> {
        init(cx, this, raw, buffer_size, Duty { readable: true, writable: true })
    }
}

/// Methods of streams that write.
#[conc_macros::methods]
pub mod writing {
    use crate::io::buffered::stream;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::value::{Gc, Value};

    /// Put the bytes into the buffer, or on to the stream; give their number.
    pub fn write(cx: &mut Ctx, this: Gc<Boxed>, buffer: Value) -> R<i64> {
        let data = cx.byte_vec(buffer)?;
        stream(cx, this)?.0.with(cx, |cx, b| b.write(cx, this, &data))?;
        Ok(data.len() as i64)
    }
}
