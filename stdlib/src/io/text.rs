//! Text over binary streams: the state behind TextIOWrapper.
//!
//! Input is kept as bytes and decoded line by line, so positions in the file stay exact. Codecs whose bytes are not
//! a superset of ASCII (UTF-16, ...) are decoded as a whole at the first read and kept as WTF-8.

use std::sync::Arc;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::misc::{Boxed, Payload};
use conc_interpreter::object::string::{Bytes, Str};
use conc_interpreter::text::codec::{self, Codec, Policy};
use conc_interpreter::text::wtf8;
use conc_interpreter::value::{Gc, Value};
use parking_lot::Mutex;

use super::base::{closed_file, unsupported};
use super::buffered::BufferedStream;
use super::codecs;
use super::linebreaks::{self, Line, Newline};
use super::registry::{self, Flush};
use super::shared::Shared;
use crate::core::shared::call_method;

/// Bytes asked of the binary stream at a time.
const CHUNK: usize = 8192;

/// Slots of a text object.
pub mod slot {
    pub const BUFFER: usize = 0;
    pub const ENCODING: usize = 1;
    pub const ERRORS: usize = 2;
    pub const MODE: usize = 3;
    pub const COUNT: usize = 4;
}

/// What a text stream holds.
pub struct Text {
    /// The binary stream, if it is a native one; else the object in the slot.
    pub under: Option<Arc<BufferedStream>>,
    pub codec: Codec,
    pub policy: Option<Policy>,
    pub newline: Newline,
    /// Undecoded input (WTF-8 if `wide`) from `at` on.
    pub input: Vec<u8>,
    pub at: usize,
    /// Input up to here is known to be valid UTF-8.
    pub checked: usize,
    pub ended: bool,
    /// Nothing has been read from the start of the file yet: a byte order mark may follow.
    pub fresh: bool,
    /// Where in the file a wide codec's input began.
    pub wide_start: i64,
    /// Encoded text on its way out.
    pub output: Vec<u8>,
    /// Bytes of output held back.
    pub hold: usize,
    /// The next write begins with a byte order mark.
    pub mark: bool,
    pub line_buffering: bool,
    pub write_through: bool,
    pub readable: bool,
    pub writable: bool,
    pub seekable: bool,
    /// `tell` works: not inside iteration.
    pub telling: bool,
    pub seen: u8,
    pub closed: bool,
    pub detached: bool,
}

/// A text stream that the registry shares.
pub struct TextStream(pub Shared<Text>);

/// The payload of a text object: empty until `__init__`.
#[derive(Default)]
pub struct TextHandle(pub Mutex<Option<Arc<TextStream>>>);

impl Payload for TextHandle {}

impl Flush for TextStream {
    fn flush_now(&self) {
        self.0.try_with(|t| t.flush_native());
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.flush_native();
    }
}

/// Whether a codec's bytes below 128 are the ASCII characters wherever they occur.
pub fn is_ascii_superset(codec: Codec) -> bool {
    matches!(codec, Codec::Utf8 | Codec::Utf8Sig | Codec::Ascii | Codec::Latin1 | Codec::Charmap(_))
}

impl Text {
    pub fn is_wide(&self) -> bool {
        !is_ascii_superset(self.codec)
    }

    pub fn check(&self, cx: &mut Ctx) -> R<()> {
        if self.detached {
            return Err(cx.value_error("underlying buffer has been detached"));
        }
        if self.closed {
            return Err(closed_file(cx));
        }
        if let Some(under) = &self.under
            && under.0.try_with(|b| b.closed || b.file.as_ref().is_some_and(|f| f.is_closed())) == Some(true)
        {
            return Err(closed_file(cx));
        }
        Ok(())
    }

    fn policy(&self, cx: &mut Ctx, this: Gc<Boxed>) -> R<Policy> {
        match self.policy {
            Some(policy) => Ok(policy),
            None => {
                let name = cx.text_of(this.slots()[slot::ERRORS].get());
                codecs::find_policy(cx, &name)
            }
        }
    }

    // ---- writing

    /// Hands held-back text to a native file at once, ignoring errors (nobody could catch them).
    fn flush_native(&mut self) {
        let Some(under) = &self.under else { return };
        let output = std::mem::take(&mut self.output);
        under.0.try_with(|b| {
            b.output.extend_from_slice(&output);
            let _ = b.flush_file();
        });
    }

    fn encode(&mut self, cx: &mut Ctx, this: Gc<Boxed>, text: &[u8]) -> R<()> {
        match self.codec {
            Codec::Utf8 if !wtf8::has_surrogates(text) => {
                self.output.extend_from_slice(text);
                return Ok(());
            }
            Codec::Ascii | Codec::Latin1 | Codec::Charmap(_) if text.is_ascii() => {
                self.output.extend_from_slice(text);
                return Ok(());
            }
            _ => {}
        }
        let policy = self.policy(cx, this)?;
        let codec = if self.mark { self.codec } else { without_mark(self.codec) };
        match codec::encode_by_policy(codec, text, policy) {
            Ok(data) => {
                self.mark &= text.is_empty();
                self.output.extend(data);
                Ok(())
            }
            Err(e) => Err(codecs::encode_error(cx, e, text)),
        }
    }

    /// Encodes and keeps or writes a text.
    pub fn write(&mut self, cx: &mut Ctx, this: Gc<Boxed>, text: &[u8]) -> R<()> {
        self.check(cx)?;
        if !self.writable {
            return Err(unsupported(cx, "not writable"));
        }
        match self.newline.written() {
            Some(newline) if memchr::memchr(b'\n', text).is_some() => {
                let text = linebreaks::write_out(text, newline);
                self.encode(cx, this, &text)?;
            }
            _ => self.encode(cx, this, text)?,
        }
        registry::mark_dirty();
        if self.at < self.input.len() {
            self.input.clear();
            (self.at, self.checked) = (0, 0);
        }
        if self.line_buffering && memchr::memchr2(b'\n', b'\r', text).is_some() {
            return self.flush(cx, this);
        }
        if self.write_through || self.output.len() >= self.hold {
            return self.push(cx, this);
        }
        Ok(())
    }

    /// Hands held-back text to the binary stream.
    pub fn push(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let buffer = this.slots()[slot::BUFFER].get();
        if let (Some(under), Some(object)) = (self.under.clone(), buffer.cast::<Boxed>()) {
            let result = under.0.with(cx, |cx, b| b.write(cx, object, &self.output));
            self.output.clear();
            return result;
        }
        let data = cx.bytes(&self.output)?;
        self.output.clear();
        call_method(cx, buffer, "write", &[data]).map(drop)
    }

    pub fn flush(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        self.push(cx, this)?;
        let buffer = this.slots()[slot::BUFFER].get();
        if let (Some(under), Some(object)) = (self.under.clone(), buffer.cast::<Boxed>()) {
            return under.0.with(cx, |cx, b| b.flush(cx, object));
        }
        call_method(cx, buffer, "flush", &[]).map(drop)
    }

    // ---- reading

    fn check_readable(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        self.check(cx)?;
        if !self.readable {
            return Err(unsupported(cx, "not readable"));
        }
        if !self.output.is_empty() {
            self.push(cx, this)?;
        }
        Ok(())
    }

    /// The next bytes of the binary stream: some, or (without `n`) all that follow.
    fn raw_input(&mut self, cx: &mut Ctx, this: Gc<Boxed>, n: Option<usize>) -> R<Vec<u8>> {
        let buffer = this.slots()[slot::BUFFER].get();
        if let (Some(under), Some(object)) = (self.under.clone(), buffer.cast::<Boxed>()) {
            return under.0.with(cx, |cx, b| match n {
                Some(n) => b.read1(cx, object, Some(n)),
                None => Ok(b.read_all(cx, object)?.unwrap_or_default()),
            });
        }
        let data = match n {
            Some(n) => {
                let read1 = cx.intern("read1");
                let n = Value::small_int(n as i64);
                match cx.get_attr_opt(buffer, read1)? {
                    Some(read1) => cx.call(read1, &[n])?,
                    None => call_method(cx, buffer, "read", &[n])?,
                }
            }
            None => call_method(cx, buffer, "read", &[])?,
        };
        if let Some(b) = data.cast::<Bytes>() {
            return Ok(b.as_bytes().to_vec());
        }
        let method = if n.is_some() { "read1" } else { "read" };
        if data.is_a::<Str>() || data.is_none() {
            let got = cx.type_name(data);
            let message = format!("underlying {method}() should have returned a bytes-like object, not '{got}'");
            return Err(cx.type_error(message));
        }
        cx.byte_vec(data)
    }

    /// Appends more input; false: the stream has ended.
    fn fetch(&mut self, cx: &mut Ctx, this: Gc<Boxed>, all: bool) -> R<bool> {
        if self.ended && !all {
            return Ok(false);
        }
        if self.is_wide() {
            return self.fetch_wide(cx, this);
        }
        let data = self.raw_input(cx, this, if all { None } else { Some(CHUNK) })?;
        self.ended = data.is_empty() || all;
        if self.at >= self.input.len() {
            self.input = data;
            self.checked = 0;
        } else {
            self.input.drain(..self.at);
            self.checked = self.checked.saturating_sub(self.at);
            self.input.extend(data);
        }
        self.at = 0;
        self.check_input(cx)?;
        if self.fresh {
            self.fresh = false;
            if matches!(self.codec, Codec::Utf8Sig) && self.input.starts_with(b"\xef\xbb\xbf") {
                self.at = 3;
            }
        }
        Ok(!self.ended || all)
    }

    /// Checks fresh UTF-8; in strict mode what is wrong is reported at once.
    fn check_input(&mut self, cx: &mut Ctx) -> R<()> {
        if !matches!(self.codec, Codec::Utf8 | Codec::Utf8Sig) {
            return Ok(());
        }
        let error = match std::str::from_utf8(&self.input[self.checked..]) {
            Ok(_) => {
                self.checked = self.input.len();
                return Ok(());
            }
            Err(e) => e,
        };
        let start = self.checked;
        self.checked += error.valid_up_to();
        let incomplete = error.error_len().is_none() && !self.ended;
        if incomplete || self.policy != Some(Policy::Strict) {
            return Ok(());
        }
        let data = self.input.split_off(start);
        self.input.clear();
        (self.at, self.checked) = (0, 0);
        match codec::decode_by_policy(Codec::Utf8, &data, Policy::Strict) {
            Ok(_) => Ok(()),
            Err(e) => Err(codecs::decode_error(cx, e, &data)),
        }
    }

    /// Decodes all that follows.
    fn fetch_wide(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        if self.ended {
            return Ok(false);
        }
        let policy = self.policy(cx, this)?;
        let data = self.raw_input(cx, this, None)?;
        self.ended = true;
        self.fresh = false;
        if data.is_empty() {
            return Ok(false);
        }
        match codec::decode_by_policy(self.codec, &data, policy) {
            Ok(text) => {
                self.input = text;
                self.at = 0;
                Ok(true)
            }
            Err(e) => Err(codecs::decode_error(cx, e, &data)),
        }
    }

    /// The str of some input.
    fn decode(&mut self, cx: &mut Ctx, this: Gc<Boxed>, start: usize, end: usize, breaks: bool) -> R<Gc<Str>> {
        let data = &self.input[start..end];
        let plain = match self.codec {
            Codec::Utf8 | Codec::Utf8Sig => end <= self.checked || std::str::from_utf8(data).is_ok(),
            Codec::Ascii | Codec::Latin1 | Codec::Charmap(_) => data.is_ascii(),
            _ => true,
        };
        if plain {
            if breaks {
                let mut seen = self.seen;
                let converted = linebreaks::universal(data, &mut seen);
                self.seen = seen;
                return match converted {
                    Some(text) => cx.try_wtf8(&text),
                    None => cx.try_wtf8(&self.input[start..end]),
                };
            }
            return cx.try_wtf8(data);
        }
        let policy = self.policy(cx, this)?;
        let codec = if matches!(self.codec, Codec::Utf8Sig) { Codec::Utf8 } else { self.codec };
        match codec::decode_by_policy(codec, data, policy) {
            Ok(text) if breaks => {
                let converted = linebreaks::universal(&text, &mut self.seen);
                cx.try_wtf8(converted.as_deref().unwrap_or(&text))
            }
            Ok(text) => cx.try_wtf8(&text),
            Err(e) => {
                let data = data.to_vec();
                Err(codecs::decode_error(cx, e, &data))
            }
        }
    }

    /// A line with its break, at most `limit` characters of it; empty at the end.
    pub fn read_line(&mut self, cx: &mut Ctx, this: Gc<Boxed>, limit: Option<usize>) -> R<Gc<Str>> {
        self.check_readable(cx, this)?;
        let mut searched = 0;
        let (body, next) = loop {
            let rest = &self.input[self.at..];
            match linebreaks::find(&rest[searched..], self.newline, self.ended) {
                Line::Found(body, next) => break (searched + body, searched + next),
                Line::Open(open) => searched += open,
            }
            if !self.fetch(cx, this, false)? {
                let rest = self.input.len() - self.at;
                // At the end a lone `\r` counts after all.
                match linebreaks::find(&self.input[self.at + searched.min(rest)..], self.newline, true) {
                    Line::Found(body, next) => break (searched + body, searched + next),
                    Line::Open(_) => break (rest, rest),
                }
            }
        };
        let (start, end) = (self.at, self.at + next);
        if limit.is_some_and(|limit| limit < next) {
            let limit = limit.unwrap_or(0);
            let cut = self.advance(start, start + next, limit).0;
            if cut < end {
                self.at = cut;
                return self.decode(cx, this, start, cut, self.newline.translates());
            }
        }
        self.at = end;
        let line_break = linebreaks::kind_of(&self.input[start + body..end]);
        if matches!(self.newline, Newline::Universal | Newline::Untranslated) {
            self.seen |= line_break;
        }
        if self.newline.translates() && line_break & (linebreaks::seen::CR | linebreaks::seen::CRLF) != 0 {
            self.input[start + body] = b'\n';
            return self.decode(cx, this, start, start + body + 1, false);
        }
        self.decode(cx, this, start, end, false)
    }

    /// The offset `count` characters after `start` (not past `end`), and how many characters there were.
    fn advance(&self, start: usize, end: usize, count: usize) -> (usize, usize) {
        let multibyte = !matches!(self.codec, Codec::Ascii | Codec::Latin1 | Codec::Charmap(_));
        let translates = self.newline.translates();
        let (mut at, mut done) = (start, 0);
        while done < count && at < end {
            let byte = self.input[at];
            at += match byte {
                b'\r' if translates && self.input.get(at + 1) == Some(&b'\n') => 2,
                0xc0.. if multibyte => wtf8::sequence_len(byte).max(1),
                _ => 1,
            };
            done += 1;
        }
        (at.min(end), done)
    }

    /// `n` characters, or all that follow.
    pub fn read(&mut self, cx: &mut Ctx, this: Gc<Boxed>, n: Option<usize>) -> R<Gc<Str>> {
        self.check_readable(cx, this)?;
        let Some(n) = n else {
            self.fetch(cx, this, true)?;
            let (start, end) = (self.at, self.input.len());
            self.at = end;
            let text = self.decode(cx, this, start, end, self.newline.translates())?;
            self.input = Vec::new();
            (self.at, self.checked) = (0, 0);
            return Ok(text);
        };
        loop {
            let end = self.complete_end();
            let (stop, count) = self.advance(self.at, end, n);
            if count >= n || self.ended {
                let start = self.at;
                self.at = stop;
                return self.decode(cx, this, start, stop, self.newline.translates());
            }
            self.fetch(cx, this, false)?;
        }
    }

    /// The end of the input that can be decoded without what follows it.
    fn complete_end(&self) -> usize {
        let mut end = self.input.len();
        if self.ended {
            return end;
        }
        if matches!(self.codec, Codec::Utf8 | Codec::Utf8Sig) {
            for back in 1..=3.min(end - self.at) {
                let byte = self.input[end - back];
                if byte & 0xc0 == 0xc0 {
                    if wtf8::sequence_len(byte) > back {
                        end -= back;
                    }
                    break;
                }
                if byte < 0x80 {
                    break;
                }
            }
        }
        if self.newline.translates() && end > self.at && self.input[end - 1] == b'\r' {
            end -= 1;
        }
        end
    }

    // ---- position

    pub fn tell(&mut self, cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        self.check(cx)?;
        if !self.seekable {
            return Err(unsupported(cx, "underlying stream is not seekable"));
        }
        if !self.telling {
            let message = "telling position disabled by next() call";
            return Err(cx.error(conc_interpreter::object::kind::ClassId::OSError, message));
        }
        self.flush(cx, this)?;
        if self.is_wide() && !self.input.is_empty() {
            let policy = self.policy(cx, this)?;
            let read = codec::encode_by_policy(self.codec, &self.input[..self.at], policy).map_or(0, |d| d.len());
            return Ok(self.wide_start + read as i64);
        }
        let buffer = this.slots()[slot::BUFFER].get();
        let under = call_method(cx, buffer, "tell", &[])?;
        Ok(cx.index_i64(under)? - (self.input.len() - self.at) as i64)
    }

    /// Goes to a position that `tell` gave, to the start or the end.
    pub fn seek(&mut self, cx: &mut Ctx, this: Gc<Boxed>, cookie: Value, whence: i64) -> R<i64> {
        self.check(cx)?;
        if !self.seekable {
            return Err(unsupported(cx, "underlying stream is not seekable"));
        }
        let mut target = cx.index_i64(cookie)?;
        match whence {
            0 => {
                if target < 0 {
                    return Err(cx.value_error(format!("negative seek position {target}")));
                }
            }
            1 | 2 if target != 0 => {
                let message = format!("can't do nonzero {}-relative seeks", if whence == 1 { "cur" } else { "end" });
                return Err(unsupported(cx, &message));
            }
            1 => target = self.tell(cx, this)?,
            2 => {}
            _ => {
                return Err(cx.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)")));
            }
        }
        self.flush(cx, this)?;
        let how = if whence == 2 { 2 } else { 0 };
        let buffer = this.slots()[slot::BUFFER].get();
        let at = cx.int(target);
        let at = call_method(cx, buffer, "seek", &[at, Value::small_int(how)])?;
        let at = cx.index_i64(at)?;
        self.input.clear();
        (self.at, self.checked) = (0, 0);
        self.ended = false;
        self.telling = true;
        self.fresh = at == 0;
        self.mark = at == 0;
        self.wide_start = at;
        Ok(at)
    }
}

/// The codec that goes on where a byte order mark has been written.
fn without_mark(codec: Codec) -> Codec {
    use codec::{Order, Wide};
    match codec {
        Codec::Utf8Sig => Codec::Utf8,
        Codec::Wide(Wide { size, order: Order::Marked }) => Codec::Wide(Wide { size, order: Order::Little }),
        other => other,
    }
}

/// The stream of a text object, else ValueError.
pub fn stream(cx: &mut Ctx, this: Gc<Boxed>) -> R<Arc<TextStream>> {
    let Some(handle) = this.data::<TextHandle>() else {
        return Err(cx.type_error("a TextIOWrapper object is required"));
    };
    let stream = handle.0.lock().clone();
    match stream {
        Some(stream) => Ok(stream),
        None => Err(cx.value_error("I/O operation on uninitialized object")),
    }
}
