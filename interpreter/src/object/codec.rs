//! Encoding and decoding with the error handlers and codecs that scripts may register.

use crate::native::{Ctx, R, Raised};
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::object::misc::MemoryView;
use crate::object::sequence::{List, Tuple};
use crate::object::string::{ByteArray, Bytes, Str};
use crate::text::codec::{self, Codec, CodecError, Policy, Problem, Replacement};
use crate::text::quote::push_hex_escape;
use crate::text::wtf8::{code_points, slice_chars};
use crate::value::{Gc, Value};

/// How an error handler's failure travels through the text functions.
enum Failure {
    Problem(Problem),
    Raised(Raised),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure::Problem(problem)
    }
}

/// The code point of a Unicode character name, as `\N{...}` spells it.
fn character_of_name(name: &[u8]) -> Option<u32> {
    unicode_names2::character(std::str::from_utf8(name).ok()?).map(u32::from)
}

/// Each unencodable character as `\N{its name}`, or by its number if it has no name.
fn name_escapes(problem: &Problem, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for code in code_points(slice_chars(text, problem.start, problem.end)) {
        match char::from_u32(code).and_then(unicode_names2::name) {
            Some(name) => out.extend(format!("\\N{{{name}}}").into_bytes()),
            None => push_hex_escape(&mut out, code),
        }
    }
    out
}

impl Ctx {
    /// `s.encode(encoding, errors)`
    pub fn encode_str(&mut self, s: Gc<Str>, encoding: Option<Gc<Str>>, errors: Option<Gc<Str>>) -> R<Vec<u8>> {
        let name = encoding.map_or_else(|| "utf-8".to_string(), |e| e.to_text().into_owned());
        let errors = errors.map_or_else(|| "strict".to_string(), |e| e.to_text().into_owned());
        match codec::lookup(&name) {
            Some(codec) => self.encode_with(codec, s, &errors),
            None => {
                let result = self.registered_codec(&name, 0, s.value(), &errors)?;
                if result.is_a::<Bytes>() || result.is_a::<ByteArray>() {
                    return self.byte_vec(result);
                }
                let got = self.type_name(result);
                let message = format!(
                    "'{name}' encoder returned '{got}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types"
                );
                Err(self.type_error(message))
            }
        }
    }

    /// `data.decode(encoding, errors)`; `object` is what the data came from.
    pub fn decode_bytes(
        &mut self,
        data: &[u8],
        object: Value,
        encoding: Option<Gc<Str>>,
        errors: Option<Gc<Str>>,
    ) -> R<Gc<Str>> {
        // Nothing is nothing in every encoding, even in unknown ones.
        if data.is_empty() {
            return Ok(self.new_str(""));
        }
        let name = encoding.map_or_else(|| "utf-8".to_string(), |e| e.to_text().into_owned());
        let errors = errors.map_or_else(|| "strict".to_string(), |e| e.to_text().into_owned());
        match codec::lookup(&name) {
            Some(codec) => {
                let (text, _) = self.decode_with(codec, data, &errors, true)?;
                self.try_wtf8(&text)
            }
            None => {
                let result = self.registered_codec(&name, 1, object, &errors)?;
                match result.cast::<Str>() {
                    Some(s) => Ok(s),
                    None => {
                        let got = self.type_name(result);
                        let message = format!(
                            "'{name}' decoder returned '{got}' instead of 'str'; use codecs.decode() to decode to arbitrary types"
                        );
                        Err(self.type_error(message))
                    }
                }
            }
        }
    }

    /// `str(object, encoding, errors)`
    pub fn decode_object(&mut self, object: Value, encoding: Option<Gc<Str>>, errors: Option<Gc<Str>>) -> R<Gc<Str>> {
        if object.is_a::<Str>() {
            return Err(self.type_error("decoding str is not supported"));
        }
        if !(object.is_a::<Bytes>() || object.is_a::<ByteArray>() || object.is_a::<MemoryView>()) {
            let got = self.type_name(object);
            return Err(self.type_error(format!("decoding to str: need a bytes-like object, {got} found")));
        }
        let data = self.byte_vec(object)?;
        self.decode_bytes(&data, object, encoding, errors)
    }

    /// Encodes with one of the builtin codecs.
    pub fn encode_with(&mut self, codec: Codec, s: Gc<Str>, errors: &str) -> R<Vec<u8>> {
        if matches!(codec, Codec::Utf8) && s.as_str().is_some() || matches!(codec, Codec::Ascii) && s.is_ascii() {
            return Ok(s.as_bytes().to_vec());
        }
        let text = s.as_bytes();
        let builtin = Policy::from_name(errors);
        let mut handler = |problem: &Problem| -> Result<(Replacement, usize), Failure> {
            match builtin {
                None if errors == "namereplace" => Ok((Replacement::Text(name_escapes(problem, text)), problem.end)),
                Some(policy) => policy.fix_encoding(problem, text).map_err(|e| self.codec_failure(e)),
                None => self.encode_by_handler(problem, s, errors).map_err(Failure::Raised),
            }
        };
        match codec::encode(codec, text, &mut handler) {
            Ok(bytes) => Ok(bytes),
            Err(Failure::Raised(e)) => Err(e),
            Err(Failure::Problem(problem)) => {
                let exc = self.unicode_error(ClassId::UnicodeEncodeError, &problem, s.value());
                Err(exc)
            }
        }
    }

    /// Decodes with one of the builtin codecs; also tells how many bytes were used. Unless the data is the `last`, an
    /// incomplete sequence at its end is left.
    pub fn decode_with(&mut self, codec: Codec, data: &[u8], errors: &str, last: bool) -> R<(Vec<u8>, usize)> {
        if matches!(codec, Codec::Utf8) && std::str::from_utf8(data).is_ok() {
            return Ok((data.to_vec(), data.len()));
        }
        let builtin = Policy::from_name(errors);
        // The mark of utf-8-sig is not part of what positions count.
        let (inner, body) = match codec {
            Codec::Utf8Sig => (Codec::Utf8, data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data)),
            _ => (codec, data),
        };
        let mut handler = |problem: &Problem| -> Result<(Vec<u8>, usize), Failure> {
            match builtin {
                Some(policy) => policy.fix_decoding(problem, body).map_err(|e| self.codec_failure(e)),
                None => self.decode_by_handler(problem, body, errors).map_err(Failure::Raised),
            }
        };
        match codec::decode(inner, body, last, &character_of_name, &mut handler) {
            Ok((text, used)) => Ok((text, used + data.len() - body.len())),
            Err(Failure::Raised(e)) => Err(e),
            Err(Failure::Problem(problem)) => {
                let object = self.bytes(body)?;
                Err(self.unicode_error(ClassId::UnicodeDecodeError, &problem, object))
            }
        }
    }

    fn codec_failure(&mut self, e: CodecError) -> Failure {
        match e {
            CodecError::Problem(problem) => Failure::Problem(problem),
            CodecError::Type(message) => Failure::Raised(self.type_error(message)),
        }
    }

    /// A UnicodeDecodeError or UnicodeEncodeError about a stretch of `object`.
    pub fn unicode_error(&mut self, class: ClassId, problem: &Problem, object: Value) -> Raised {
        let args = [
            self.str(problem.encoding),
            object,
            self.int(problem.start as i64),
            self.int(problem.end as i64),
            self.str(problem.reason),
        ];
        self.error_with(class, &args)
    }

    /// The error handler registered under a name.
    fn error_handler(&mut self, name: &str) -> R {
        if let Some(dict) = self.iso().roots.codec_errors.get().cast::<Dict>() {
            let key = self.str(name);
            if let Some(handler) = dict.get(self, key)? {
                return Ok(handler);
            }
        }
        Err(self.error(ClassId::LookupError, format!("unknown error handler name '{name}'")))
    }

    /// Calls a handler with the exception; its answer is (replacement, position to go on from).
    fn ask_handler(&mut self, name: &str, exc: Value, len: usize, which: &str) -> R<(Value, usize)> {
        let handler = self.error_handler(name)?;
        let answer = self.call(handler, &[exc])?;
        let wrong = match answer.cast::<Tuple>() {
            Some(pair) if pair.len == 2 && self.is_int(pair.items()[1]) => {
                let (replacement, at) = (pair.items()[0], self.index_i64(pair.items()[1])?);
                let resume = if at < 0 { at + len as i64 } else { at };
                if resume < 0 || resume as usize > len {
                    return Err(self.index_error(format!("position {at} from error handler out of bounds")));
                }
                return Ok((replacement, resume as usize));
            }
            _ if which == "encoding" => "encoding error handler must return (str/bytes, int) tuple",
            _ => "decoding error handler must return (str, int) tuple",
        };
        Err(self.type_error(wrong))
    }

    fn encode_by_handler(&mut self, problem: &Problem, s: Gc<Str>, name: &str) -> R<(Replacement, usize)> {
        let exc = self.unicode_error(ClassId::UnicodeEncodeError, problem, s.value());
        let (replacement, resume) = self.ask_handler(name, exc.0, s.len(), "encoding")?;
        if let Some(text) = replacement.cast::<Str>() {
            return Ok((Replacement::Text(text.as_bytes().to_vec()), resume));
        }
        if replacement.is_a::<Bytes>() {
            return Ok((Replacement::Bytes(self.byte_vec(replacement)?), resume));
        }
        Err(self.type_error("encoding error handler must return (str/bytes, int) tuple"))
    }

    fn decode_by_handler(&mut self, problem: &Problem, data: &[u8], name: &str) -> R<(Vec<u8>, usize)> {
        let object = self.bytes(data)?;
        let exc = self.unicode_error(ClassId::UnicodeDecodeError, problem, object);
        let (replacement, resume) = self.ask_handler(name, exc.0, data.len(), "decoding")?;
        match replacement.cast::<Str>() {
            Some(text) => Ok((text.as_bytes().to_vec(), resume)),
            None => Err(self.type_error("decoding error handler must return (str, int) tuple")),
        }
    }

    /// Converts with a codec found by the registered search functions: item 0 of what they return encodes, item 1
    /// decodes.
    fn registered_codec(&mut self, name: &str, which: usize, object: Value, errors: &str) -> R {
        let unknown = |cx: &mut Ctx| cx.error(ClassId::LookupError, format!("unknown encoding: {name}"));
        let Some(search) = self.iso().roots.codec_search.get().cast::<List>() else { return Err(unknown(self)) };
        let (key, errors) = (self.str(&name.to_lowercase().replace(' ', "_")), self.str(errors));
        let mut i = 0;
        while let Some(f) = search.get(i) {
            i += 1;
            let found = self.call(f, &[key])?;
            let Some(info) = found.cast::<Tuple>() else { continue };
            let Some(convert) = info.items().get(which).copied() else { continue };
            let result = self.call(convert, &[object, errors])?;
            return match result.cast::<Tuple>() {
                Some(pair) if pair.len == 2 => Ok(pair.items()[0]),
                _ => Err(self.type_error("encoder must return a tuple (object, integer)")),
            };
        }
        Err(unknown(self))
    }
}
