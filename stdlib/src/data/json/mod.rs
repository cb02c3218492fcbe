//! _json: the encoder and the decoder behind the json package.

pub mod decode;
pub mod encode;

use conc_macros::module;

/// JSON encoding and decoding.
#[module(name = "_json")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    use super::{decode, encode};

    /// The text of an object by an encoder's options.
    pub fn encode(cx: &mut Ctx, encoder: Value, obj: Value) -> R {
        encode::encode(cx, encoder, obj)
    }

    /// Write a text as JSON, with escapes for everything outside ASCII.
    pub fn encode_basestring_ascii(cx: &mut Ctx, string: Value) -> R {
        encode::quoted(cx, string, true)
    }

    /// Write a text as JSON.
    pub fn encode_basestring(cx: &mut Ctx, string: Value) -> R {
        encode::quoted(cx, string, false)
    }

    /// The value that starts at a position and the position after it, by a decoder's options.
    pub fn scan(cx: &mut Ctx, decoder: Value, string: Gc<Str>, start: i64) -> R {
        decode::scan(cx, decoder, string, start)
    }

    /// Read a JSON string from s; end is the index after its opening quote.
    ///
    /// Gives the text and the index after the closing quote.
    pub fn scanstring(cx: &mut Ctx, string: Value, end: i64, #[default(true)] strict: bool) -> R {
        let Some(s) = string.cast::<Str>() else {
            let got = cx.type_name(string);
            return Err(cx.type_error(format!("first argument must be a string, not {got}")));
        };
        decode::scan_string_at(cx, s, end, strict)
    }
}
