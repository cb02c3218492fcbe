//! Encodings of text streams: looking them up, and their errors.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::exception::{Exception, extra};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::text::codec::{Codec, CodecError, Policy, Problem, lookup};
use conc_interpreter::value::Value;

/// The codec of that name, else LookupError.
pub fn find(cx: &mut Ctx, name: &str) -> R<Codec> {
    match lookup(name) {
        Some(codec) => Ok(codec),
        None => Err(cx.error(ClassId::LookupError, format!("unknown encoding: {name}"))),
    }
}

/// The error policy of that name, else LookupError.
pub fn find_policy(cx: &mut Ctx, name: &str) -> R<Policy> {
    match Policy::from_name(name) {
        Some(policy) => Ok(policy),
        None => Err(cx.error(ClassId::LookupError, format!("unknown error handler name '{name}'"))),
    }
}

fn unicode_error(cx: &mut Ctx, class: ClassId, problem: &Problem, object: Value, message: &str) -> Raised {
    let (encoding, reason) = (cx.str(problem.encoding), cx.str(problem.reason));
    let (start, end) = (cx.int(problem.start as i64), cx.int(problem.end as i64));
    let e = cx.error_with(class, &[encoding, object, start, end, reason]);
    if let Some(exc) = e.0.cast::<Exception>() {
        exc.extra[extra::UNI_ENCODING].set(encoding);
        exc.extra[extra::UNI_OBJECT].set(object);
        exc.extra[extra::UNI_START].set(start);
        exc.extra[extra::UNI_END].set(end);
        exc.extra[extra::UNI_REASON].set(reason);
    }
    let _ = message;
    e
}

pub fn decode_error(cx: &mut Ctx, error: CodecError, input: &[u8]) -> Raised {
    match error {
        CodecError::Type(message) => cx.type_error(message),
        CodecError::Problem(p) => match cx.bytes(input) {
            Ok(object) => unicode_error(cx, ClassId::UnicodeDecodeError, &p, object, ""),
            Err(e) => e,
        },
    }
}

pub fn encode_error(cx: &mut Ctx, error: CodecError, text: &[u8]) -> Raised {
    match error {
        CodecError::Type(message) => cx.type_error(message),
        CodecError::Problem(p) => match cx.try_wtf8(text) {
            Ok(object) => unicode_error(cx, ClassId::UnicodeEncodeError, &p, object.value(), ""),
            Err(e) => e,
        },
    }
}
