//! `format % args` of str and bytes.

use dashu_int::IBig;

use crate::native::{Ctx, R};
use crate::object::arith::float_to_big;
use crate::object::kind::ClassId;
use crate::object::sequence::Tuple;
use crate::object::string::{ByteArray, Bytes, Str};
use crate::text::fault::Fault;
use crate::text::percent::{self, Amount, Conversion, Field, Flavor, Parser, Piece};
use crate::text::wtf8::{MAX_CODE_POINT, push_code_point};
use crate::value::{Gc, Value};

/// The right operand: a tuple is taken apart, anything else is the only argument, and a mapping may be asked by key.
struct Arguments {
    tuple: Option<Gc<Tuple>>,
    single: Value,
    mapping: Option<Value>,
    next: usize,
}

impl Arguments {
    fn left(&self) -> usize {
        self.tuple.map_or(1, |t| t.len).saturating_sub(self.next)
    }

    fn take(&mut self, cx: &mut Ctx) -> R {
        if self.left() == 0 {
            return Err(cx.type_error("not enough arguments for format string"));
        }
        self.next += 1;
        Ok(self.tuple.and_then(|t| t.items().get(self.next - 1).copied()).unwrap_or(self.single))
    }
}

/// An unfinished key is only complained about where a mapping could answer it.
fn mapping_comes_first(fault: &Fault) -> bool {
    fault.message == "incomplete format key"
}

impl Ctx {
    /// `format % args`
    pub fn percent_str(&mut self, format: Gc<Str>, args: Value) -> R<Gc<Str>> {
        let out = self.percent(format.as_bytes(), args, Flavor::Str)?;
        if !format.is_empty() && memchr::memchr(b'%', format.as_bytes()).is_none() {
            return Ok(format);
        }
        self.try_wtf8(&out)
    }

    /// `format % args` of bytes.
    pub fn percent_bytes(&mut self, format: &[u8], args: Value) -> R<Vec<u8>> {
        self.percent(format, args, Flavor::Bytes)
    }

    fn percent(&mut self, format: &[u8], args: Value, flavor: Flavor) -> R<Vec<u8>> {
        let tuple = args.cast::<Tuple>();
        let mapping = tuple.is_none() && self.is_percent_mapping(args, flavor);
        let mut arguments = Arguments { tuple, single: args, mapping: mapping.then_some(args), next: 0 };
        let mut out = Vec::new();
        for piece in Parser::new(format, flavor) {
            let piece = match piece {
                Err(fault) if mapping_comes_first(&fault) && arguments.mapping.is_none() => {
                    return Err(self.type_error("format requires a mapping"));
                }
                other => self.of_text(other)?,
            };
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text),
                Piece::Conversion(conversion) => {
                    self.percent_conversion(&conversion, &mut arguments, flavor, &mut out)?
                }
            }
            self.poll()?;
        }
        if arguments.left() > 0 && arguments.mapping.is_none() {
            return Err(self.type_error(match flavor {
                Flavor::Str => "not all arguments converted during string formatting",
                Flavor::Bytes => "not all arguments converted during bytes formatting",
            }));
        }
        Ok(out)
    }

    /// Whether the right operand may be asked by key.
    fn is_percent_mapping(&mut self, args: Value, flavor: Flavor) -> bool {
        if args.is_a::<Str>() || (flavor == Flavor::Bytes && (args.is_a::<Bytes>() || args.is_a::<ByteArray>())) {
            return false;
        }
        let getitem = self.names().__getitem__;
        self.lookup_special(args, getitem).is_some()
    }

    fn percent_conversion(
        &mut self,
        conversion: &Conversion<'_>,
        arguments: &mut Arguments,
        flavor: Flavor,
        out: &mut Vec<u8>,
    ) -> R<()> {
        if let Some(key) = conversion.key {
            let Some(mapping) = arguments.mapping else {
                return Err(self.type_error("format requires a mapping"));
            };
            let key = match flavor {
                Flavor::Str => self.new_wtf8(key).value(),
                Flavor::Bytes => self.bytes(key)?,
            };
            let single = self.get_item(mapping, key)?;
            *arguments = Arguments { tuple: None, single, mapping: Some(mapping), next: 0 };
        }
        let mut field = Field { flags: conversion.flags, ..Field::default() };
        match conversion.width {
            Some(Amount::Fixed(width)) => field.width = width,
            Some(Amount::Argument) => {
                let width = self.star_argument(arguments)?;
                match self.as_i64(width) {
                    Some(width) => field.set_width(width),
                    None => return Err(self.overflow_error("Python int too large to convert to C ssize_t")),
                }
            }
            None => {}
        }
        match conversion.precision {
            Some(Amount::Fixed(precision)) => field.precision = Some(precision),
            Some(Amount::Argument) => {
                let precision = self.star_argument(arguments)?;
                match self.as_i64(precision).and_then(|n| i32::try_from(n).ok()) {
                    Some(precision) => field.set_precision(precision),
                    None => return Err(self.overflow_error("Python int too large to convert to C int")),
                }
            }
            None => {}
        }
        let value = arguments.take(self)?;
        if conversion.is_plain() && flavor == Flavor::Str && self.percent_plain(conversion.letter(), value, out)? {
            return Ok(());
        }
        match conversion.letter() {
            Some(letter @ (b'd' | b'i' | b'u' | b'o' | b'x' | b'X')) => {
                // The texts about bytes know no `%i`.
                let shown = if letter == b'i' && flavor == Flavor::Bytes { b'd' } else { letter };
                let number = self.percent_int(value, shown)?;
                let limit = self.digits_limit();
                let text = percent::format_int(&number, letter, &field, limit);
                out.extend_from_slice(self.of_text(text)?.as_bytes());
            }
            Some(letter @ (b'e' | b'E' | b'f' | b'F' | b'g' | b'G')) => {
                let number = match flavor {
                    Flavor::Str => self.to_float(value)?,
                    Flavor::Bytes => self.percent_float(value)?,
                };
                let text = percent::format_float(number, letter, &field);
                out.extend_from_slice(self.of_text(text)?.as_bytes());
            }
            Some(b'c') => {
                let text = match flavor {
                    Flavor::Str => percent::format_char(&self.percent_char(value)?, &field),
                    Flavor::Bytes => {
                        let field = Field { precision: None, ..field };
                        percent::format_bytes(&[self.percent_byte(value)?], &field)
                    }
                };
                out.extend_from_slice(&self.of_text(text)?);
            }
            Some(letter @ (b's' | b'r' | b'a' | b'b')) if flavor == Flavor::Bytes => {
                let data = match letter {
                    b's' | b'b' => self.percent_data(value)?,
                    _ => self.ascii(value)?.as_bytes().to_vec(),
                };
                let data = percent::format_bytes(&data, &field);
                out.extend_from_slice(&self.of_text(data)?);
            }
            Some(letter @ (b's' | b'r' | b'a')) => {
                let shown = match letter {
                    b's' => self.to_str(value)?,
                    b'r' => self.repr(value)?,
                    _ => self.ascii(value)?,
                };
                let text = percent::format_str(shown.as_bytes(), &field);
                out.extend_from_slice(&self.of_text(text)?);
            }
            _ => return Err(self.fault(conversion.unsupported(flavor))),
        }
        Ok(())
    }

    /// `%s` and `%d` without any flags, of values that need no rounding or padding; false: not one of these.
    fn percent_plain(&mut self, letter: Option<u8>, value: Value, out: &mut Vec<u8>) -> R<bool> {
        let shown = match letter {
            Some(b's') => self.to_str(value)?,
            Some(b'd') if value.is_int() => self.to_str(value)?,
            _ => return Ok(false),
        };
        out.extend_from_slice(shown.as_bytes());
        Ok(true)
    }

    fn star_argument(&mut self, arguments: &mut Arguments) -> R {
        let v = arguments.take(self)?;
        if self.is_int(v) { Ok(v) } else { Err(self.type_error("* wants int")) }
    }

    /// The number of an integer conversion: decimal ones take any real number, the others only indices.
    fn percent_int(&mut self, v: Value, letter: u8) -> R<IBig> {
        if let Some(n) = self.as_int(v) {
            return Ok(n);
        }
        let decimal = matches!(letter, b'd' | b'i' | b'u');
        if decimal && let Some(x) = self.as_float(v) {
            return self.whole(x);
        }
        let names = self.names();
        let converter = if decimal { [names.__int__, names.__index__] } else { [names.__index__, names.__index__] };
        for name in converter {
            if v.is_a::<Str>() || v.is_a::<Bytes>() || v.is_a::<ByteArray>() {
                break;
            }
            let Some(result) = self.call_special(v, name, &[])? else { continue };
            match self.as_int(result) {
                Some(n) => return Ok(n),
                None => break,
            }
        }
        let (letter, got) = (letter as char, self.type_name(v));
        let wanted = if decimal { "a real number" } else { "an integer" };
        Err(self.type_error(format!("%{letter} format: {wanted} is required, not {got}")))
    }

    /// A float cut to its whole part.
    pub fn whole(&mut self, x: f64) -> R<IBig> {
        if x.is_nan() {
            return Err(self.value_error("cannot convert float NaN to integer"));
        }
        if x.is_infinite() {
            return Err(self.overflow_error("cannot convert float infinity to integer"));
        }
        Ok(float_to_big(x.trunc()))
    }

    fn percent_float(&mut self, v: Value) -> R<f64> {
        match self.to_float(v) {
            Err(e) if self.is_error(e, ClassId::TypeError) => {
                let got = self.type_name(v);
                Err(self.type_error(format!("float argument required, not {got}")))
            }
            other => other,
        }
    }

    /// The character of `%c`.
    fn percent_char(&mut self, v: Value) -> R<Vec<u8>> {
        if let Some(s) = v.cast::<Str>() {
            if s.len() == 1 {
                return Ok(s.as_bytes().to_vec());
            }
            return Err(self.type_error("%c requires int or char"));
        }
        let index = self.names().__index__;
        if !self.is_int(v) && self.lookup_special(v, index).is_none() {
            return Err(self.type_error("%c requires int or char"));
        }
        let n = self.index(v)?;
        match self.as_i64(n).and_then(|n| u32::try_from(n).ok()) {
            Some(code) if code <= MAX_CODE_POINT => {
                let mut text = Vec::new();
                push_code_point(&mut text, code);
                Ok(text)
            }
            _ => Err(self.overflow_error("%c arg not in range(0x110000)")),
        }
    }

    /// The byte of `%c`.
    fn percent_byte(&mut self, v: Value) -> R<u8> {
        if v.is_a::<Bytes>() || v.is_a::<ByteArray>() {
            if let [byte] = self.byte_vec(v)?[..] {
                return Ok(byte);
            }
        } else {
            let index = self.names().__index__;
            if self.is_int(v) || self.lookup_special(v, index).is_some() {
                let n = self.index(v)?;
                return match self.as_i64(n).and_then(|n| u8::try_from(n).ok()) {
                    Some(byte) => Ok(byte),
                    None => Err(self.overflow_error("%c arg not in range(256)")),
                };
            }
        }
        Err(self.type_error("%c requires an integer in range(256) or a single byte"))
    }

    /// The bytes of `%s` and `%b`.
    fn percent_data(&mut self, v: Value) -> R<Vec<u8>> {
        if v.is_a::<Bytes>() || v.is_a::<ByteArray>() {
            return self.byte_vec(v);
        }
        let bytes = self.names().__bytes__;
        if let Some(result) = self.call_special(v, bytes, &[])? {
            if result.is_a::<Bytes>() {
                return self.byte_vec(result);
            }
            let got = self.type_name(result);
            return Err(self.type_error(format!("__bytes__ returned non-bytes (type {got})")));
        }
        if let Some(data) = self.memory_bytes(v)? {
            return Ok(data);
        }
        let got = self.type_name(v);
        let message = "%b requires a bytes-like object, or an object that implements __bytes__, not";
        Err(self.type_error(format!("{message} '{got}'")))
    }
}
