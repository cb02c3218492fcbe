//! TextIOWrapper: the class.

use std::sync::Arc;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::Boxed;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};

use super::base::is_native;
use super::buffered::BufferedHandle;
use super::linebreaks::Newline;
use super::shared::Shared;
use super::text::{Text, TextHandle, TextStream, slot};
use super::{codecs, registry};
use crate::core::shared::{call_method, text_arg};

/// Arguments of TextIOWrapper.
pub struct Options {
    pub encoding: Value,
    pub errors: Value,
    pub newline: Value,
    pub line_buffering: bool,
    pub write_through: bool,
}

/// The `newline` argument; the message's form is that of TextIOWrapper.
pub fn newline_arg(cx: &mut Ctx, v: Value) -> R<Newline> {
    if v.is_none() {
        return Ok(Newline::Universal);
    }
    let text = text_arg(cx, v, |got| format!("TextIOWrapper() argument 'newline' must be str or None, not {got}"))?;
    match Newline::from_text(Some(&text.to_text())) {
        Some(newline) => Ok(newline),
        None => Err(cx.value_error(format!("illegal newline value: {}", text.to_text()))),
    }
}

fn able(cx: &mut Ctx, buffer: Value, method: &str) -> R<bool> {
    let answer = call_method(cx, buffer, method, &[])?;
    cx.truth(answer)
}

/// `__init__`
pub fn init(cx: &mut Ctx, this: Gc<Boxed>, buffer: Value, options: Options) -> R<()> {
    let encoding = match options.encoding {
        v if v.is_none() => cx.str("UTF-8"),
        v => {
            let text =
                text_arg(cx, v, |got| format!("TextIOWrapper() argument 'encoding' must be str or None, not {got}"))?;
            if text.eq_text("locale") { cx.str("UTF-8") } else { v }
        }
    };
    let codec_name = cx.text_of(encoding);
    let codec = codecs::find(cx, &codec_name)?;
    let errors = match options.errors {
        v if v.is_none() => cx.str("strict"),
        v => {
            text_arg(cx, v, |got| format!("TextIOWrapper() argument 'errors' must be str or None, not {got}"))?;
            v
        }
    };
    let newline = newline_arg(cx, options.newline)?;
    let policy = conc_interpreter::text::codec::Policy::from_name(&cx.text_of(errors));
    let readable = able(cx, buffer, "readable")?;
    let writable = able(cx, buffer, "writable")?;
    let seekable = able(cx, buffer, "seekable")?;
    let start = if seekable {
        let at = call_method(cx, buffer, "tell", &[])?;
        cx.index_i64(at)?
    } else {
        0
    };
    let under = match is_native::<BufferedHandle>(cx, buffer) {
        Some(b) => b.data::<BufferedHandle>().and_then(|h| h.0.lock().clone()),
        None => None,
    };
    let state = Text {
        under,
        codec,
        policy,
        newline,
        input: Vec::new(),
        at: 0,
        checked: 0,
        ended: false,
        fresh: start == 0,
        wide_start: start,
        output: Vec::new(),
        hold: 8192,
        mark: start == 0,
        line_buffering: options.line_buffering,
        write_through: options.write_through,
        readable,
        writable,
        seekable,
        telling: true,
        seen: 0,
        closed: false,
        detached: false,
    };
    let slots = this.slots();
    slots[slot::BUFFER].set(buffer);
    slots[slot::ENCODING].set(encoding);
    slots[slot::ERRORS].set(errors);
    let stream = Arc::new(TextStream(Shared::new(state)));
    if writable {
        registry::register(&stream);
    }
    if let Some(handle) = this.data::<TextHandle>() {
        *handle.0.lock() = Some(stream);
    }
    Ok(())
}

/// Whether `write_fast` takes the file.
#[inline]
pub fn is_fast(cx: &Ctx, file: Value) -> bool {
    is_native::<TextHandle>(cx, file).is_some()
}

/// Writes to a native text stream directly; false: it is not one.
pub fn write_fast(cx: &mut Ctx, file: Value, text: &[u8]) -> R<bool> {
    let Some(this) = is_native::<TextHandle>(cx, file) else { return Ok(false) };
    let stream = super::text::stream(cx, this)?;
    stream.0.with(cx, |cx, t| t.write(cx, this, text))?;
    Ok(true)
}

/// The `newlines` attribute from the kinds met.
pub fn newlines_value(cx: &mut Ctx, kinds: u8) -> R {
    use super::linebreaks::seen;
    let mut names: Vec<&str> = Vec::new();
    for (bit, name) in [(seen::CR, "\r"), (seen::LF, "\n"), (seen::CRLF, "\r\n")] {
        if kinds & bit != 0 {
            names.push(name);
        }
    }
    match names[..] {
        [] => Ok(Value::NONE),
        [one] => Ok(cx.str(one)),
        _ => {
            let list = cx.new_list();
            for name in names {
                let name = cx.str(name);
                cx.list_push(list, name)?;
            }
            cx.list_to_tuple(list)
        }
    }
}

/// The str of a `write` argument.
pub fn written_text(cx: &mut Ctx, v: Value) -> R<Gc<Str>> {
    text_arg(cx, v, |got| format!("write() argument must be str, not {got}"))
}

/// The methods of TextIOWrapper.
#[conc_macros::methods]
pub mod methods {
    use super::{Options, newlines_value, written_text};
    use crate::core::shared::{call_method, keyword};
    use crate::io::base::{size_arg, unsupported};
    use crate::io::text::{TextHandle, slot, stream};
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    /// Makes a text stream without a buffer.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R {
        Ok(cx.new_boxed(class, Some(Box::new(TextHandle::default())), slot::COUNT).value())
    }

    /// Read and write text over a buffer of bytes.
    ///
    /// encoding is UTF-8 unless given; errors names what happens to what does not convert. newline is the line end that
    /// is read and written: None for any of them, read as '\n', '' for any unchanged, or '\n', '\r' or '\r\n'.
    /// line_buffering writes out whenever a line ends.
    #[allow(clippy::too_many_arguments)]
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw] buffer: Value,
        #[kw]
        #[default(Value::NONE)]
        encoding: Value,
        #[kw]
        #[default(Value::NONE)]
        errors: Value,
        #[kw]
        #[default(Value::NONE)]
        newline: Value,
        #[kw]
        #[default(false)]
        line_buffering: bool,
        #[kw]
        #[default(false)]
        write_through: bool,
    ) -> R<()> {
        super::init(cx, this, buffer, Options { encoding, errors, newline, line_buffering, write_through })
    }

    /// Read size characters, or the rest if no size is given.
    pub fn read(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R<Gc<Str>> {
        let n = size_arg(cx, size)?;
        stream(cx, this)?.0.with(cx, |cx, t| t.read(cx, this, n))
    }

    /// Read a line, at most size characters of it; an empty string at the end.
    pub fn readline(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R<Gc<Str>> {
        let limit = size_arg(cx, size)?;
        stream(cx, this)?.0.with(cx, |cx, t| t.read_line(cx, this, limit))
    }

    /// The next line.
    pub fn __next__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let line = stream(cx, this)?.0.with(cx, |cx, t| {
            let line = t.read_line(cx, this, None)?;
            t.telling = line.is_empty();
            Ok(line)
        })?;
        if line.is_empty() {
            return Err(cx.stop_iteration(Value::NONE));
        }
        Ok(line.value())
    }

    /// Write a string to the stream and return its length.
    pub fn write(cx: &mut Ctx, this: Gc<Boxed>, text: Value) -> R<i64> {
        let text = written_text(cx, text)?;
        stream(cx, this)?.0.with(cx, |cx, t| t.write(cx, this, text.as_bytes()))?;
        Ok(text.len() as i64)
    }

    /// Write out what is held back.
    pub fn flush(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        stream(cx, this)?.0.with(cx, |cx, t| {
            t.check(cx)?;
            t.telling = t.seekable;
            t.flush(cx, this)
        })
    }

    /// Write out what is buffered, then close the buffer underneath.
    pub fn close(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let stream = stream(cx, this)?;
        let open = stream.0.with(cx, |cx, t| {
            if t.detached {
                return Err(cx.value_error("underlying buffer has been detached"));
            }
            Ok(!t.closed)
        })?;
        if !open {
            return Ok(());
        }
        let buffer = this.slots()[slot::BUFFER].get();
        let closed = cx.get_attr_text(buffer, "closed")?;
        if cx.truth(closed)? {
            stream.0.with(cx, |_, t| {
                t.closed = true;
                t.output.clear();
                Ok(())
            })?;
            return Ok(());
        }
        let flushed = call_method(cx, this.value(), "flush", &[]);
        stream.0.with(cx, |_, t| {
            t.closed = true;
            t.output.clear();
            Ok(())
        })?;
        let closed = call_method(cx, buffer, "close", &[]);
        flushed?;
        closed.map(drop)
    }

    /// Give the buffer under the text and let go of it.
    pub fn detach(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        stream(cx, this)?.0.with(cx, |cx, t| {
            t.check(cx)?;
            t.flush(cx, this)?;
            t.detached = true;
            t.under = None;
            Ok(())
        })?;
        Ok(this.slots()[slot::BUFFER].swap(Value::NONE))
    }

    /// Move to where tell() was called, to the start, or with whence 2 to the end.
    pub fn seek(cx: &mut Ctx, this: Gc<Boxed>, cookie: Value, #[default(0)] whence: i64) -> R<i64> {
        stream(cx, this)?.0.with(cx, |cx, t| t.seek(cx, this, cookie, whence))
    }

    /// Give a number with which seek() comes back here.
    pub fn tell(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        stream(cx, this)?.0.with(cx, |cx, t| t.tell(cx, this))
    }

    /// Truncate the file, by default at the current position.
    pub fn truncate(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] pos: Value) -> R {
        let pos = if pos.is_none() {
            let at = stream(cx, this)?.0.with(cx, |cx, t| t.tell(cx, this))?;
            cx.int(at)
        } else {
            stream(cx, this)?.0.with(cx, |cx, t| {
                t.check(cx)?;
                t.flush(cx, this)
            })?;
            pos
        };
        let buffer = this.slots()[slot::BUFFER].get();
        call_method(cx, buffer, "truncate", &[pos])
    }

    /// Change the settings of the stream.
    pub fn reconfigure(cx: &mut Ctx, this: Gc<Boxed>, kwargs: Kwargs) -> R<()> {
        let stream = stream(cx, this)?;
        let encoding = keyword(cx, kwargs, "encoding").filter(|v| !v.is_none());
        let errors = keyword(cx, kwargs, "errors").filter(|v| !v.is_none());
        let newline = keyword(cx, kwargs, "newline");
        let line_buffering = keyword(cx, kwargs, "line_buffering").filter(|v| !v.is_none());
        let write_through = keyword(cx, kwargs, "write_through").filter(|v| !v.is_none());
        let newline = match newline {
            Some(newline) => Some(super::newline_arg(cx, newline)?),
            None => None,
        };
        let codec = match encoding {
            Some(encoding) => {
                let name = cx.text_of(encoding);
                Some(crate::io::codecs::find(cx, &name)?)
            }
            None => None,
        };
        let errors = match (errors, encoding) {
            (None, Some(_)) => Some(cx.str("strict")),
            (errors, _) => errors,
        };
        let line_buffering = match line_buffering {
            Some(v) => Some(cx.truth(v)?),
            None => None,
        };
        let write_through = match write_through {
            Some(v) => Some(cx.truth(v)?),
            None => None,
        };
        stream.0.with(cx, |cx, t| {
            t.flush(cx, this)?;
            if (codec.is_some() || newline.is_some()) && t.at < t.input.len() {
                let message = "It is not possible to set the encoding or newline of stream after the first read";
                return Err(unsupported(cx, message));
            }
            if let Some(codec) = codec {
                t.codec = codec;
            }
            if let Some(encoding) = encoding {
                this.slots()[slot::ENCODING].set(encoding);
            }
            if let Some(errors) = errors {
                t.policy = conc_interpreter::text::codec::Policy::from_name(&cx.text_of(errors));
                this.slots()[slot::ERRORS].set(errors);
            }
            if let Some(newline) = newline {
                t.newline = newline;
            }
            t.line_buffering = line_buffering.unwrap_or(t.line_buffering);
            t.write_through = write_through.unwrap_or(t.write_through);
            Ok(())
        })
    }

    /// The buffer, else ValueError.
    fn open_buffer(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let detached = stream(cx, this)?.0.with(cx, |_, t| Ok(t.detached))?;
        if detached {
            return Err(cx.value_error("underlying buffer has been detached"));
        }
        Ok(this.slots()[slot::BUFFER].get())
    }

    fn ask(cx: &mut Ctx, this: Gc<Boxed>, method: &str) -> R {
        let buffer = open_buffer(cx, this)?;
        call_method(cx, buffer, method, &[])
    }

    /// Give the number of the open file behind the stream, if there is one.
    pub fn fileno(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        ask(cx, this, "fileno")
    }

    /// Tell whether somebody sits at the other end: whether it is a terminal.
    pub fn isatty(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        ask(cx, this, "isatty")
    }

    /// Tell whether the stream can be read.
    pub fn readable(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        ask(cx, this, "readable")
    }

    /// Tell whether the stream can be written.
    pub fn writable(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        ask(cx, this, "writable")
    }

    /// Tell whether the position can be moved.
    pub fn seekable(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        ask(cx, this, "seekable")
    }

    /// True once the stream is closed.
    #[getter]
    pub fn closed(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let buffer = open_buffer(cx, this)?;
        cx.get_attr_text(buffer, "closed")
    }

    /// The underlying binary stream.
    #[getter]
    pub fn buffer(this: Gc<Boxed>) -> Value {
        this.slots()[slot::BUFFER].get()
    }

    /// The name of the binary stream.
    #[getter]
    pub fn name(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let buffer = open_buffer(cx, this)?;
        cx.get_attr_text(buffer, "name")
    }

    /// The mode the file was opened with.
    #[getter]
    pub fn mode(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let mode = this.slots()[slot::MODE].get();
        if mode.is_none() {
            let name = cx.intern("mode").value();
            return Err(cx.no_attribute(this.value(), name));
        }
        Ok(mode)
    }

    /// The mode the file was opened with.
    #[setter]
    #[name = "mode"]
    pub fn set_mode(this: Gc<Boxed>, mode: Value) {
        this.slots()[slot::MODE].set(mode);
    }

    /// The name of the encoding.
    #[getter]
    pub fn encoding(this: Gc<Boxed>) -> Value {
        this.slots()[slot::ENCODING].get()
    }

    /// How encoding errors are treated.
    #[getter]
    pub fn errors(this: Gc<Boxed>) -> Value {
        this.slots()[slot::ERRORS].get()
    }

    /// Line breaks met so far: None, a string, or a tuple of them.
    #[getter]
    pub fn newlines(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let kinds = stream(cx, this)?.0.with(cx, |_, t| Ok(t.seen))?;
        newlines_value(cx, kinds)
    }

    /// Whether a line break flushes.
    #[getter]
    pub fn line_buffering(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        stream(cx, this)?.0.with(cx, |_, t| Ok(t.line_buffering))
    }

    /// Whether nothing is held back.
    #[getter]
    pub fn write_through(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        stream(cx, this)?.0.with(cx, |_, t| Ok(t.write_through))
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Boxed>) -> R<String> {
        let mut out = "<_io.TextIOWrapper".to_string();
        let buffer = this.slots()[slot::BUFFER].get();
        let name = cx.names().name;
        if !buffer.is_none()
            && let Some(name) = cx.get_attr_opt(buffer, name)?
        {
            out.push_str(&format!(" name={}", cx.repr_text(name)));
        }
        let mode = this.slots()[slot::MODE].get();
        if !mode.is_none() {
            out.push_str(&format!(" mode={}", cx.repr_text(mode)));
        }
        out.push_str(&format!(" encoding={}>", cx.repr_text(this.slots()[slot::ENCODING].get())));
        Ok(out)
    }
}
