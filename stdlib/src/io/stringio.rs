//! StringIO: a text stream in memory.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::{Boxed, Payload};
use conc_interpreter::text::wtf8;
use conc_interpreter::value::Gc;
use parking_lot::Mutex;

use super::linebreaks::{self, Line, Newline};

/// The text (WTF-8), and the position in code points and in bytes.
pub struct Content {
    text: Vec<u8>,
    /// Code points of `text`.
    len: usize,
    at: usize,
    /// Byte offset of `at`, if it lies within the text.
    offset: usize,
    newline: Newline,
    seen: u8,
    closed: bool,
}

impl Default for Content {
    fn default() -> Content {
        Content { text: Vec::new(), len: 0, at: 0, offset: 0, newline: Newline::Lf, seen: 0, closed: false }
    }
}

/// The payload of a StringIO. The lock is only held for copying text.
#[derive(Default)]
pub struct ContentHandle(pub Mutex<Content>);

impl Payload for ContentHandle {}

impl Content {
    fn set_at(&mut self, at: usize) {
        self.at = at;
        self.offset = if at >= self.len { self.text.len() } else { wtf8::offset_of_char(&self.text, at) };
    }
    fn rest(&self) -> &[u8] {
        if self.at > self.len { &[] } else { &self.text[self.offset..] }
    }
    fn consume(&mut self, bytes: usize) -> Vec<u8> {
        let part = self.rest()[..bytes].to_vec();
        if !part.is_empty() {
            self.at += wtf8::count(&part);
            self.offset += bytes;
        }
        part
    }
    fn take(&mut self, n: Option<usize>) -> Vec<u8> {
        let rest = self.rest();
        let bytes = match n {
            Some(n) if n < rest.len() => wtf8::offset_of_char(rest, n).min(rest.len()),
            _ => rest.len(),
        };
        self.consume(bytes)
    }
    fn line(&mut self, limit: Option<usize>) -> Vec<u8> {
        let rest = self.rest();
        // What is kept has been translated on its way in.
        let newline = if self.newline == Newline::Universal { Newline::Lf } else { self.newline };
        let mut bytes = match linebreaks::find(rest, newline, true) {
            Line::Found(_, next) => next,
            Line::Open(_) => rest.len(),
        };
        if let Some(limit) = limit.filter(|l| *l < bytes) {
            bytes = bytes.min(wtf8::offset_of_char(rest, limit));
        }
        self.consume(bytes)
    }
    fn put(&mut self, text: &[u8]) {
        let converted = match self.newline {
            Newline::Universal => linebreaks::universal(text, &mut self.seen),
            Newline::Untranslated => {
                linebreaks::universal(text, &mut self.seen);
                None
            }
            newline => newline.written().map(|n| linebreaks::write_out(text, n)),
        };
        let text = converted.as_deref().unwrap_or(text);
        if text.is_empty() {
            return;
        }
        let count = wtf8::count(text);
        if self.at > self.len {
            self.text.resize(self.text.len() + self.at - self.len, 0);
            self.len = self.at;
            self.offset = self.text.len();
        }
        if self.at == self.len {
            self.text.extend_from_slice(text);
            self.len += count;
        } else {
            let replaced = wtf8::offset_of_char(&self.text[self.offset..], count).min(self.text.len() - self.offset);
            let end = self.offset + replaced;
            self.text.splice(self.offset..end, text.iter().copied());
            self.len = self.len.max(self.at + count);
        }
        self.at += count;
        self.offset += text.len();
    }
    fn truncate(&mut self, size: usize) {
        if size < self.len {
            let end = wtf8::offset_of_char(&self.text, size);
            self.text.truncate(end);
            self.len = size;
            let at = self.at;
            self.set_at(at);
        }
    }
}

/// Works on the content of an open StringIO.
fn with<X>(cx: &mut Ctx, this: Gc<Boxed>, work: impl FnOnce(&mut Content) -> X) -> R<X> {
    let Some(handle) = this.data::<ContentHandle>() else {
        return Err(cx.type_error("a StringIO object is required"));
    };
    let result = {
        let mut content = handle.0.lock();
        if content.closed { None } else { Some(work(&mut content)) }
    };
    match result {
        Some(result) => Ok(result),
        None => Err(cx.value_error("I/O operation on closed file")),
    }
}

/// The methods of StringIO.
#[conc_macros::methods]
pub mod methods {
    use super::{Content, ContentHandle, with};
    use crate::core::shared::text_arg;
    use crate::io::base::size_arg;
    use crate::io::linebreaks::Newline;
    use crate::io::wrapper::newlines_value;
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    /// Makes an empty stream.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> R {
        Ok(cx.new_boxed(class, Some(Box::new(ContentHandle::default())), 0).value())
    }

    /// A stream whose text is in memory.
    ///
    /// It starts with initial_value; newline works as it does for TextIOWrapper.
    pub fn __init__(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw]
        #[default(Value::NONE)]
        initial_value: Value,
        #[kw] newline: Option<Value>,
    ) -> R<()> {
        let newline = match newline {
            None => Newline::Lf,
            Some(v) if v.is_none() => Newline::Universal,
            Some(v) => {
                let text = text_arg(cx, v, |got| format!("newline must be str or None, not {got}"))?;
                match Newline::from_text(Some(&text.to_text())) {
                    Some(newline) => newline,
                    None => {
                        let shown = cx.repr_text(v);
                        return Err(cx.value_error(format!("illegal newline value: {shown}")));
                    }
                }
            }
        };
        let text = if initial_value.is_none() {
            None
        } else {
            Some(text_arg(cx, initial_value, |got| format!("initial_value must be str or None, not {got}"))?)
        };
        let Some(handle) = this.data::<ContentHandle>() else { return Ok(()) };
        let mut content = Content { newline, ..Content::default() };
        if let Some(text) = text {
            content.put(text.as_bytes());
            content.set_at(0);
        }
        *handle.0.lock() = content;
        Ok(())
    }

    /// Read size characters, or the rest if no size is given.
    pub fn read(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R<Gc<Str>> {
        let n = size_arg(cx, size)?;
        let text = with(cx, this, |c| c.take(n))?;
        cx.try_wtf8(&text)
    }

    /// Read up to the end of a line.
    pub fn readline(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] size: Value) -> R<Gc<Str>> {
        let limit = size_arg(cx, size)?;
        let line = with(cx, this, |c| c.line(limit))?;
        cx.try_wtf8(&line)
    }

    /// The next line.
    pub fn __next__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let line = with(cx, this, |c| c.line(None))?;
        if line.is_empty() {
            return Err(cx.stop_iteration(Value::NONE));
        }
        Ok(cx.try_wtf8(&line)?.value())
    }

    /// Write a string and return its length.
    pub fn write(cx: &mut Ctx, this: Gc<Boxed>, s: Value) -> R<i64> {
        let text = text_arg(cx, s, |got| format!("string argument expected, got '{got}'"))?;
        with(cx, this, |c| c.put(text.as_bytes()))?;
        Ok(text.len() as i64)
    }

    /// Give all the text, whatever the position.
    pub fn getvalue(cx: &mut Ctx, this: Gc<Boxed>) -> R<Gc<Str>> {
        let text = with(cx, this, |c| c.text.clone())?;
        cx.try_wtf8(&text)
    }

    /// Move to a position from the start (0); or stay (1), or go to the end (2), with offset 0.
    pub fn seek(cx: &mut Ctx, this: Gc<Boxed>, pos: i64, #[default(0)] whence: i64) -> R<i64> {
        if !(0..=2).contains(&whence) {
            return Err(cx.value_error(format!("Invalid whence ({whence}, should be 0, 1 or 2)")));
        }
        if whence == 0 && pos < 0 {
            return Err(cx.value_error(format!("Negative seek position {pos}")));
        }
        if whence != 0 && pos != 0 {
            return Err(cx.error(ClassId::OSError, "Can't do nonzero cur-relative seeks"));
        }
        with(cx, this, |c| {
            match whence {
                0 => c.set_at(pos as usize),
                2 => c.set_at(c.len),
                _ => {}
            }
            c.at as i64
        })
    }

    /// Give the position, in characters from the start.
    pub fn tell(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        with(cx, this, |c| c.at as i64)
    }

    /// Cut the text off after pos characters, at the position unless given; it does not move.
    pub fn truncate(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] pos: Value) -> R<i64> {
        let size = match size_arg(cx, pos)? {
            Some(n) => Some(n),
            None if pos.is_none() => None,
            None => {
                let n = cx.index_i64(pos)?;
                return Err(cx.value_error(format!("Negative size value {n}")));
            }
        };
        with(cx, this, |c| {
            let size = size.unwrap_or(c.at);
            c.truncate(size);
            size as i64
        })
    }

    /// Close the stream and drop its text.
    pub fn close(this: Gc<Boxed>) {
        if let Some(handle) = this.data::<ContentHandle>() {
            *handle.0.lock() = Content { closed: true, ..Content::default() };
        }
    }

    /// True if the stream is closed.
    #[getter]
    pub fn closed(this: Gc<Boxed>) -> bool {
        this.data::<ContentHandle>().is_none_or(|h| h.0.lock().closed)
    }

    /// Whether a line break flushes: never, there is nothing to flush to.
    #[getter]
    pub fn line_buffering(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        with(cx, this, |_| false)
    }

    /// Line breaks met so far.
    #[getter]
    pub fn newlines(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let seen = with(cx, this, |c| c.seen)?;
        newlines_value(cx, seen)
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
}
