//! JSON text to objects.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::string::Str;
use conc_interpreter::text::wtf8;
use conc_interpreter::value::{Gc, Value};

use crate::core::shared::import;

/// A decoder's options, read once, and the text.
struct Decoder {
    source: Gc<Str>,
    strict: bool,
    object_hook: Value,
    pairs_hook: Value,
    /// None where the plain conversion is meant.
    parse_float: Value,
    parse_int: Value,
    parse_constant: Value,
}

pub fn scan(cx: &mut Ctx, decoder: Value, source: Gc<Str>, start: i64) -> R {
    let strict = cx.get_attr_text(decoder, "strict")?;
    let strict = cx.truth(strict)?;
    let object_hook = cx.get_attr_text(decoder, "object_hook")?;
    let pairs_hook = cx.get_attr_text(decoder, "object_pairs_hook")?;
    let mut parse_float = cx.get_attr_text(decoder, "parse_float")?;
    if parse_float == cx.class(ClassId::Float).value() {
        parse_float = Value::NONE;
    }
    let mut parse_int = cx.get_attr_text(decoder, "parse_int")?;
    if parse_int == cx.class(ClassId::Int).value() {
        parse_int = Value::NONE;
    }
    let parse_constant = cx.get_attr_text(decoder, "parse_constant")?;
    let d = Decoder { source, strict, object_hook, pairs_hook, parse_float, parse_int, parse_constant };
    if start < 0 {
        return Err(cx.value_error("idx cannot be negative"));
    }
    let at = d.source.offset_of((start as usize).min(d.source.len()));
    if start as usize > d.source.len() {
        return Err(fail(cx, source, "Expecting value", at));
    }
    let (value, end) = d.value(cx, at)?;
    let end = Value::small_int(wtf8::char_of_offset(source.as_bytes(), end) as i64);
    cx.tuple(&[value, end])
}

pub fn scan_string_at(cx: &mut Ctx, source: Gc<Str>, end: i64, strict: bool) -> R {
    if end < 0 || end as usize > source.len() {
        return Err(cx.value_error("end is out of bounds"));
    }
    let at = source.offset_of(end as usize);
    let (text, end) = string(cx, source, at, strict)?;
    let text = cx.try_wtf8(&text)?.value();
    let end = Value::small_int(wtf8::char_of_offset(source.as_bytes(), end) as i64);
    cx.tuple(&[text, end])
}

/// JSONDecodeError at a byte offset.
#[cold]
fn fail(cx: &mut Ctx, source: Gc<Str>, message: &str, at: usize) -> Raised {
    let position = Value::small_int(wtf8::char_of_offset(source.as_bytes(), at) as i64);
    let made = (|| {
        let module = import(cx, "json.decoder")?;
        let class = cx.get_attr_text(module, "JSONDecodeError")?;
        let message = cx.str(message);
        cx.call(class, &[message, source.value(), position])
    })();
    match made {
        Ok(exc) => {
            cx.set_context(exc);
            Raised(exc)
        }
        Err(e) => e,
    }
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The text of a string whose opening quote is before `at`, and the offset after its closing quote.
fn string(cx: &mut Ctx, source: Gc<Str>, at: usize, strict: bool) -> R<(Vec<u8>, usize)> {
    let text = source.as_bytes();
    let begin = at.saturating_sub(1);
    let mut out = Vec::new();
    let mut at = at;
    loop {
        let plain = at;
        while let Some(&c) = text.get(at)
            && c != b'"'
            && c != b'\\'
            && (c >= 0x20 || !strict)
        {
            at += 1;
        }
        out.extend_from_slice(&text[plain..at]);
        match text.get(at) {
            None => return Err(fail(cx, source, "Unterminated string starting at", begin)),
            Some(b'"') => return Ok((out, at + 1)),
            Some(b'\\') => at = escape(cx, source, at, begin, &mut out)?,
            Some(_) => return Err(fail(cx, source, "Invalid control character at", at)),
        }
    }
}

/// Four hex digits at `at`.
fn unit(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4)?;
    digits.iter().try_fold(0, |n, &c| Some(n << 4 | char::from(c).to_digit(16)?))
}

/// Decodes the escape whose backslash is at `at`; the offset after it.
fn escape(cx: &mut Ctx, source: Gc<Str>, at: usize, begin: usize, out: &mut Vec<u8>) -> R<usize> {
    let text = source.as_bytes();
    let Some(&c) = text.get(at + 1) else {
        return Err(fail(cx, source, "Unterminated string starting at", begin));
    };
    let plain = match c {
        b'"' | b'\\' | b'/' => c,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            let first = unit(text, at + 2).filter(|_| text.len() > at + 6);
            let Some(first) = first else { return Err(fail(cx, source, "Invalid \\uXXXX escape", at + 1)) };
            if (0xd800..0xdc00).contains(&first)
                && text.get(at + 6..at + 8) == Some(b"\\u")
                && let Some(second) = unit(text, at + 8).filter(|u| (0xdc00..0xe000).contains(u))
            {
                wtf8::push_code_point(out, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
                return Ok(at + 12);
            }
            wtf8::push_code_point(out, first);
            return Ok(at + 6);
        }
        _ => return Err(fail(cx, source, "Invalid \\escape", at)),
    };
    out.push(plain);
    Ok(at + 2)
}

impl Decoder {
    fn value(&self, cx: &mut Ctx, at: usize) -> R<(Value, usize)> {
        let text = self.source.as_bytes();
        match text.get(at) {
            Some(b'"') => {
                let (value, end) = string(cx, self.source, at + 1, self.strict)?;
                Ok((cx.try_wtf8(&value)?.value(), end))
            }
            Some(b'{') => self.object(cx, at + 1),
            Some(b'[') => self.array(cx, at + 1),
            Some(b'n') if text[at..].starts_with(b"null") => Ok((Value::NONE, at + 4)),
            Some(b't') if text[at..].starts_with(b"true") => Ok((Value::TRUE, at + 4)),
            Some(b'f') if text[at..].starts_with(b"false") => Ok((Value::FALSE, at + 5)),
            Some(b'N') if text[at..].starts_with(b"NaN") => self.constant(cx, "NaN", at),
            Some(b'I') if text[at..].starts_with(b"Infinity") => self.constant(cx, "Infinity", at),
            Some(b'-') if text[at..].starts_with(b"-Infinity") => self.constant(cx, "-Infinity", at),
            _ => self.number(cx, at),
        }
    }

    fn constant(&self, cx: &mut Ctx, name: &str, at: usize) -> R<(Value, usize)> {
        let shown = cx.str(name);
        let value = cx.call(self.parse_constant, &[shown])?;
        Ok((value, at + name.len()))
    }

    fn number(&self, cx: &mut Ctx, start: usize) -> R<(Value, usize)> {
        let text = self.source.as_bytes();
        let digits = |mut at: usize| {
            while text.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let first = start + usize::from(text.get(start) == Some(&b'-'));
        let mut end = match text.get(first) {
            Some(b'0') => first + 1,
            Some(b'1'..=b'9') => digits(first),
            _ => return Err(fail(cx, self.source, "Expecting value", start)),
        };
        let mut whole = true;
        if text.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
            end = digits(end + 1);
            whole = false;
        }
        if matches!(text.get(end), Some(b'e' | b'E')) {
            let from = end + 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
            if digits(from) > from {
                end = digits(from);
                whole = false;
            }
        }
        let (hook, class) = if whole { (self.parse_int, ClassId::Int) } else { (self.parse_float, ClassId::Float) };
        let shown = std::str::from_utf8(&text[start..end]).unwrap_or("0");
        if hook.is_none() {
            if whole && end - start <= 17 {
                return Ok((cx.int(shown.parse().unwrap_or(0)), end));
            }
            if !whole {
                return Ok((cx.float(shown.parse().unwrap_or(f64::NAN)), end));
            }
        }
        let hook = if hook.is_none() { cx.class(class).value() } else { hook };
        let shown = cx.str(shown);
        Ok((cx.call(hook, &[shown])?, end))
    }

    fn array(&self, cx: &mut Ctx, at: usize) -> R<(Value, usize)> {
        cx.check_stack()?;
        let text = self.source.as_bytes();
        let list = cx.new_list();
        let mut at = skip_space(text, at);
        if text.get(at) == Some(&b']') {
            return Ok((list.value(), at + 1));
        }
        loop {
            let (value, end) = self.value(cx, at)?;
            cx.list_push(list, value)?;
            at = skip_space(text, end);
            match text.get(at) {
                Some(b']') => return Ok((list.value(), at + 1)),
                Some(b',') => {}
                _ => return Err(fail(cx, self.source, "Expecting ',' delimiter", at)),
            }
            let comma = at;
            at = skip_space(text, at + 1);
            if text.get(at) == Some(&b']') {
                return Err(fail(cx, self.source, "Illegal trailing comma before end of array", comma));
            }
            cx.poll()?;
        }
    }

    fn object(&self, cx: &mut Ctx, at: usize) -> R<(Value, usize)> {
        cx.check_stack()?;
        let text = self.source.as_bytes();
        let (dict, pairs) = (cx.new_dict(), cx.new_list());
        let as_pairs = !self.pairs_hook.is_none();
        let mut at = skip_space(text, at);
        if text.get(at) == Some(&b'}') {
            return Ok((self.finish(cx, dict.value(), pairs.value())?, at + 1));
        }
        loop {
            if text.get(at) != Some(&b'"') {
                return Err(fail(cx, self.source, "Expecting property name enclosed in double quotes", at));
            }
            let (key, end) = string(cx, self.source, at + 1, self.strict)?;
            // Keys repeat from object to object: one str each.
            let key = if key.len() <= 64 { cx.intern_bytes(&key) } else { cx.try_wtf8(&key)? };
            at = skip_space(text, end);
            if text.get(at) != Some(&b':') {
                return Err(fail(cx, self.source, "Expecting ':' delimiter", at));
            }
            at = skip_space(text, at + 1);
            let (value, end) = self.value(cx, at)?;
            if as_pairs {
                let pair = cx.tuple(&[key.value(), value])?;
                cx.list_push(pairs, pair)?;
            } else {
                dict.set_str(cx, key, value);
            }
            at = skip_space(text, end);
            match text.get(at) {
                Some(b'}') => return Ok((self.finish(cx, dict.value(), pairs.value())?, at + 1)),
                Some(b',') => {}
                _ => return Err(fail(cx, self.source, "Expecting ',' delimiter", at)),
            }
            let comma = at;
            at = skip_space(text, at + 1);
            if text.get(at) == Some(&b'}') {
                return Err(fail(cx, self.source, "Illegal trailing comma before end of object", comma));
            }
            cx.poll()?;
        }
    }

    /// The hooks' say over an object.
    fn finish(&self, cx: &mut Ctx, dict: Value, pairs: Value) -> R {
        if !self.pairs_hook.is_none() {
            return cx.call(self.pairs_hook, &[pairs]);
        }
        if !self.object_hook.is_none() {
            return cx.call(self.object_hook, &[dict]);
        }
        Ok(dict)
    }
}
