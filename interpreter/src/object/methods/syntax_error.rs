//! SyntaxError and the Unicode errors.

use conc_macros::methods;

/// The methods of SyntaxError.
#[methods]
pub mod methods {
    use super::syntax_details;
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::exception::{Exception, extra};
    use crate::object::exceptions::init_extra;
    use crate::object::sequence::Tuple;
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Exception>, args: &[Value], kwargs: Kwargs) -> R<()> {
        let name = cx.type_name(this.value());
        cx.no_kwargs(&name, kwargs.0)?;
        let all = cx.tuple(args)?;
        this.args.set(all);
        init_extra(cx, this);
        if let &[_, details] = args {
            syntax_details(cx, this, details)?;
        }
        Ok(())
    }

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Str>> {
        let msg = this.extra[extra::SYNTAX_MSG].get();
        let mut out = cx.to_str(msg)?.as_bytes().to_vec();
        let file = this.extra[extra::SYNTAX_FILENAME].get().cast::<Str>();
        let line = this.extra[extra::SYNTAX_LINENO].get();
        let line = if cx.is_int(line) { Some(cx.to_str(line)?) } else { None };
        let base = |f: Gc<Str>| f.to_text().rsplit('/').next().unwrap_or("").to_string();
        let place = match (file, line) {
            (Some(f), Some(l)) => format!(" ({}, line {})", base(f), l.to_text()),
            (Some(f), None) => format!(" ({})", base(f)),
            (None, Some(l)) => format!(" (line {})", l.to_text()),
            (None, None) => String::new(),
        };
        out.extend_from_slice(place.as_bytes());
        cx.try_wtf8(&out)
    }

    /// What is wrong.
    #[getter]
    pub fn msg(this: Gc<Exception>) -> Value {
        this.extra[extra::SYNTAX_MSG].get()
    }
    /// Replaces the message.
    #[setter]
    #[name = "msg"]
    pub fn set_msg(this: Gc<Exception>, value: Value) {
        this.extra[extra::SYNTAX_MSG].set(value);
    }
    /// The path that it happened with.
    #[getter]
    pub fn filename(this: Gc<Exception>) -> Value {
        this.extra[extra::SYNTAX_FILENAME].get()
    }
    /// Replaces the file name.
    #[setter]
    #[name = "filename"]
    pub fn set_filename(this: Gc<Exception>, value: Value) {
        this.extra[extra::SYNTAX_FILENAME].set(value);
    }
    /// The line where it is wrong.
    #[getter]
    pub fn lineno(this: Gc<Exception>) -> Value {
        this.extra[extra::SYNTAX_LINENO].get()
    }
    /// Replaces the line.
    #[setter]
    #[name = "lineno"]
    pub fn set_lineno(this: Gc<Exception>, value: Value) {
        this.extra[extra::SYNTAX_LINENO].set(value);
    }
    /// The column where it starts.
    #[getter]
    pub fn offset(this: Gc<Exception>) -> Value {
        this.extra[extra::SYNTAX_OFFSET].get()
    }
    /// Replaces the column.
    #[setter]
    #[name = "offset"]
    pub fn set_offset(this: Gc<Exception>, value: Value) {
        this.extra[extra::SYNTAX_OFFSET].set(value);
    }
    /// The source line.
    #[getter]
    pub fn text(this: Gc<Exception>) -> Value {
        this.extra[extra::SYNTAX_TEXT].get()
    }
    /// Replaces the source text.
    #[setter]
    #[name = "text"]
    pub fn set_text(this: Gc<Exception>, value: Value) {
        this.extra[extra::SYNTAX_TEXT].set(value);
    }
    /// The line where it ends.
    #[getter]
    pub fn end_lineno(this: Gc<Exception>) -> Value {
        end_part(this, 0)
    }
    /// Replaces the end line.
    #[setter]
    #[name = "end_lineno"]
    pub fn set_end_lineno(cx: &mut Ctx, this: Gc<Exception>, value: Value) -> R<()> {
        let end = cx.tuple(&[value, end_part(this, 1)])?;
        this.extra[extra::SYNTAX_END].set(end);
        Ok(())
    }
    /// The column where it ends.
    #[getter]
    pub fn end_offset(this: Gc<Exception>) -> Value {
        end_part(this, 1)
    }
    /// Replaces the end column.
    #[setter]
    #[name = "end_offset"]
    pub fn set_end_offset(cx: &mut Ctx, this: Gc<Exception>, value: Value) -> R<()> {
        let end = cx.tuple(&[end_part(this, 0), value])?;
        this.extra[extra::SYNTAX_END].set(end);
        Ok(())
    }
    /// Unused, kept for the name.
    #[getter]
    pub fn print_file_and_line(_this: Gc<Exception>) -> Value {
        Value::NONE
    }

    fn end_part(this: Gc<Exception>, i: usize) -> Value {
        let end = this.extra[extra::SYNTAX_END].get().cast::<Tuple>();
        end.and_then(|t| t.items().get(i).copied()).unwrap_or(Value::NONE)
    }
}

/// UnicodeEncodeError and UnicodeDecodeError (and, in part, UnicodeTranslateError).
#[methods]
pub mod unicode {
    use super::{set_place, unicode_init, unicode_text};
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::exception::{Exception, extra};
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Fill in the new object; help(type(self)) shows the arguments.
    pub fn __init__(cx: &mut Ctx, this: Gc<Exception>, args: &[Value], kwargs: Kwargs) -> R<()> {
        let name = cx.type_name(this.value());
        cx.no_kwargs(&name, kwargs.0)?;
        unicode_init(cx, this, args)
    }

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Str>> {
        unicode_text(cx, this)
    }

    /// The encoding's name.
    #[getter]
    pub fn encoding(this: Gc<Exception>) -> Value {
        this.extra[extra::UNI_ENCODING].get()
    }
    /// Replaces the encoding.
    #[setter]
    #[name = "encoding"]
    pub fn set_encoding(this: Gc<Exception>, value: Value) {
        this.extra[extra::UNI_ENCODING].set(value);
    }
    /// What was to be converted.
    #[getter]
    pub fn object(this: Gc<Exception>) -> Value {
        this.extra[extra::UNI_OBJECT].get()
    }
    /// Replaces the object.
    #[setter]
    #[name = "object"]
    pub fn set_object(this: Gc<Exception>, value: Value) {
        this.extra[extra::UNI_OBJECT].set(value);
    }
    /// Where the trouble starts.
    #[getter]
    pub fn start(this: Gc<Exception>) -> Value {
        this.extra[extra::UNI_START].get()
    }
    /// Replaces the start.
    #[setter]
    #[name = "start"]
    pub fn set_start(cx: &mut Ctx, this: Gc<Exception>, value: Value) -> R<()> {
        set_place(cx, this, extra::UNI_START, value)
    }
    /// Where the trouble ends.
    #[getter]
    pub fn end(this: Gc<Exception>) -> Value {
        this.extra[extra::UNI_END].get()
    }
    /// Replaces the end.
    #[setter]
    #[name = "end"]
    pub fn set_end(cx: &mut Ctx, this: Gc<Exception>, value: Value) -> R<()> {
        set_place(cx, this, extra::UNI_END, value)
    }
    /// What the trouble is.
    #[getter]
    pub fn reason(this: Gc<Exception>) -> Value {
        this.extra[extra::UNI_REASON].get()
    }
    /// Replaces the reason.
    #[setter]
    #[name = "reason"]
    pub fn set_reason(this: Gc<Exception>, value: Value) {
        this.extra[extra::UNI_REASON].set(value);
    }
}

use crate::native::{Ctx, R};
use crate::object::exception::{Exception, extra};
use crate::object::kind::ClassId;
use crate::object::string::{Bytes, Str};
use crate::value::{Gc, Value};

/// The second argument of SyntaxError: where it happened.
fn syntax_details(cx: &mut Ctx, this: Gc<Exception>, details: Value) -> R<()> {
    let details = cx.collect_tuple(details)?;
    let fields = details.items();
    if fields.len() < 4 {
        return Err(cx.type_error(format!("function takes at least 4 arguments ({} given)", fields.len())));
    }
    if fields.len() > 7 {
        return Err(cx.type_error(format!("function takes at most 7 arguments ({} given)", fields.len())));
    }
    if fields.len() == 5 {
        return Err(cx.type_error("end_offset must be provided when end_lineno is provided"));
    }
    let slots = [extra::SYNTAX_FILENAME, extra::SYNTAX_LINENO, extra::SYNTAX_OFFSET, extra::SYNTAX_TEXT];
    for (slot, value) in slots.into_iter().zip(fields) {
        this.extra[slot].set(*value);
    }
    if fields.len() >= 6 {
        let end = cx.tuple(&fields[4..6])?;
        this.extra[extra::SYNTAX_END].set(end);
    }
    Ok(())
}

fn set_place(cx: &mut Ctx, this: Gc<Exception>, field: usize, value: Value) -> R<()> {
    if value.is_unbound() {
        return Err(cx.type_error("can't delete numeric/char attribute"));
    }
    let n = cx.index(value)?;
    this.extra[field].set(n);
    Ok(())
}

/// `UnicodeDecodeError(encoding, object, start, end, reason)`; a translate error has no encoding.
fn unicode_init(cx: &mut Ctx, this: Gc<Exception>, args: &[Value]) -> R<()> {
    let all = cx.tuple(args)?;
    this.args.set(all);
    let translate = cx.is_instance(this.value(), ClassId::UnicodeTranslateError);
    let decode = cx.is_instance(this.value(), ClassId::UnicodeDecodeError);
    let wanted = if translate { 4 } else { 5 };
    if args.len() != wanted {
        return Err(cx.type_error(format!("function takes exactly {wanted} arguments ({} given)", args.len())));
    }
    let mut at = 0;
    let mut next = || {
        at += 1;
        (args[at - 1], at)
    };
    if !translate {
        let (encoding, i) = next();
        str_argument(cx, encoding, i)?;
        this.extra[extra::UNI_ENCODING].set(encoding);
    }
    let (object, i) = next();
    let object = if decode {
        if object.is_a::<Bytes>() {
            object
        } else {
            let data = cx.byte_vec(object)?;
            cx.bytes(&data)?
        }
    } else {
        str_argument(cx, object, i)?;
        object
    };
    this.extra[extra::UNI_OBJECT].set(object);
    for field in [extra::UNI_START, extra::UNI_END] {
        let (n, _) = next();
        let n = cx.index(n)?;
        this.extra[field].set(n);
    }
    let (reason, i) = next();
    str_argument(cx, reason, i)?;
    this.extra[extra::UNI_REASON].set(reason);
    Ok(())
}

fn str_argument(cx: &mut Ctx, v: Value, i: usize) -> R<()> {
    if v.is_a::<Str>() {
        return Ok(());
    }
    let got = cx.type_name(v);
    Err(cx.type_error(format!("argument {i} must be str, not {got}")))
}

/// `'utf-8' codec can't decode byte 0x80 in position 0: invalid start byte`
fn unicode_text(cx: &mut Ctx, this: Gc<Exception>) -> R<Gc<Str>> {
    let field = |i: usize| this.extra[i].get();
    let object = field(extra::UNI_OBJECT);
    if object.is_none() {
        return Ok(cx.iso().roots.empty_str.obj());
    }
    let reason = cx.to_str(field(extra::UNI_REASON))?;
    let (start, end) = (cx.as_i64(field(extra::UNI_START)).unwrap_or(0), cx.as_i64(field(extra::UNI_END)).unwrap_or(0));
    let len = cx.native_len(object).unwrap_or(0) as i64;
    let (start, end) = (start.clamp(0, (len - 1).max(0)), end.clamp(1.min(len), len));
    let single = start < len && end == start + 1;
    let verb = if cx.is_instance(this.value(), ClassId::UnicodeDecodeError) { "decode" } else { "encode" };
    let head = if cx.is_instance(this.value(), ClassId::UnicodeTranslateError) {
        "can't translate".to_string()
    } else {
        let encoding = cx.to_str(field(extra::UNI_ENCODING))?;
        format!("'{}' codec can't {verb}", encoding.to_text())
    };
    let noun = if object.is_a::<Str>() { "character" } else { "byte" };
    let what = if !single {
        format!("{noun}s in position {start}-{}", end - 1)
    } else if let Some(bytes) = object.cast::<Bytes>() {
        format!("byte 0x{:02x} in position {start}", bytes.as_bytes()[start as usize])
    } else {
        let code = object.cast::<Str>().and_then(|s| code_at(s, start as usize)).unwrap_or(0);
        let escape = match code {
            0..=0xff => format!("\\x{code:02x}"),
            0x100..=0xffff => format!("\\u{code:04x}"),
            _ => format!("\\U{code:08x}"),
        };
        format!("character '{escape}' in position {start}")
    };
    let mut out = format!("{head} {what}: ").into_bytes();
    out.extend_from_slice(reason.as_bytes());
    cx.try_wtf8(&out)
}

fn code_at(s: Gc<Str>, index: usize) -> Option<u32> {
    crate::text::wtf8::decode_at(s.as_bytes(), s.offset_of(index)).map(|(code, _)| code)
}
