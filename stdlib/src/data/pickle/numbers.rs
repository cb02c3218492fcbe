//! Numbers and texts as the lines of old protocols hold them.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::text::wtf8;
use conc_interpreter::value::Value;

use super::load::error;

/// A call of `int` or `float` with a line.
fn parsed(cx: &mut Ctx, class: ClassId, line: &[u8]) -> R {
    let mut text = wtf8::from_code_points(line.iter().map(|&b| b.into()));
    text.push(b'\n');
    let text = cx.try_wtf8(&text)?.value();
    let class = cx.class(class).value();
    cx.call(class, &[text])
}

/// A number in the memo.
pub fn index(cx: &mut Ctx, line: &[u8]) -> R<i64> {
    let n = parsed(cx, ClassId::Int, line)?;
    cx.index_i64(n)
}

pub fn int(cx: &mut Ctx, line: &[u8]) -> R {
    parsed(cx, ClassId::Int, line).map_err(|e| match cx.is_instance(e.0, ClassId::ValueError) {
        true => cx.value_error("could not convert string to int"),
        false => e,
    })
}

/// An int that may end in an L.
pub fn long(cx: &mut Ctx, line: &[u8]) -> R {
    parsed(cx, ClassId::Int, line.strip_suffix(b"L").unwrap_or(line))
}

pub fn float(cx: &mut Ctx, line: &[u8]) -> R {
    parsed(cx, ClassId::Float, line)
}

/// UTF-8 in which lone surrogates are allowed.
pub fn text(cx: &mut Ctx, data: &[u8]) -> R {
    if let Ok(text) = std::str::from_utf8(data) {
        return Ok(cx.try_wtf8(text.as_bytes())?.value());
    }
    let bytes = cx.bytes(data)?;
    let (encoding, errors) = (cx.new_str("utf-8"), cx.new_str("surrogatepass"));
    Ok(cx.decode_bytes(data, bytes, Some(encoding), Some(errors))?.value())
}

pub fn raw_unicode(cx: &mut Ctx, line: &[u8]) -> R {
    let bytes = cx.bytes(line)?;
    let encoding = cx.new_str("raw-unicode-escape");
    Ok(cx.decode_bytes(line, bytes, Some(encoding), None)?.value())
}

/// The bytes of a literal of Python 2.
pub fn quoted(cx: &mut Ctx, line: &[u8]) -> R<Vec<u8>> {
    let line = line.trim_ascii_end();
    let inner = match line {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => return Err(error(cx, "the STRING opcode argument must be quoted")),
    };
    Ok(unescaped(inner))
}

/// The bytes that a literal's text stands for.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&b, tail)) = rest.split_first() {
        if b != b'\\' {
            out.push(b);
            rest = tail;
            continue;
        }
        let (byte, len) = escape(tail);
        match byte {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(&rest[..len + 1]),
        }
        rest = &tail[len..];
    }
    out
}

/// What follows a backslash: the byte it stands for, if it is an escape, and its length.
fn escape(rest: &[u8]) -> (Option<u8>, usize) {
    let number = |digits: &[u8], radix| u32::from_str_radix(std::str::from_utf8(digits).unwrap_or(""), radix).ok();
    let byte = match rest {
        [b'n', ..] => b'\n',
        [b'r', ..] => b'\r',
        [b't', ..] => b'\t',
        [b'a', ..] => 7,
        [b'b', ..] => 8,
        [b'f', ..] => 12,
        [b'v', ..] => 11,
        [quote @ (b'\\' | b'\'' | b'"'), ..] => *quote,
        [b'x', high, low, ..] => match number(&[*high, *low], 16) {
            Some(n) => return (Some(n as u8), 3),
            None => return (None, 1),
        },
        _ => {
            let digits = rest.iter().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            return match number(&rest[..digits], 8) {
                Some(n) => (Some(n as u8), digits),
                None => (None, rest.len().min(1)),
            };
        }
    };
    (Some(byte), 1)
}

/// A view of memory that can only be read.
pub fn readonly(cx: &mut Ctx, buffer: Value) -> R {
    let view = cx.class(ClassId::MemoryView).value();
    let view = cx.call(view, &[buffer])?;
    let readonly = cx.get_attr_text(view, "readonly")?;
    if cx.truth(readonly)? {
        return Ok(buffer);
    }
    let method = cx.get_attr_text(view, "toreadonly")?;
    cx.call(method, &[])
}
