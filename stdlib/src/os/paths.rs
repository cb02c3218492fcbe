//! Paths as scripts give them: str, bytes, os.PathLike, and descriptors.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::string::{Bytes, Str};
use conc_interpreter::text::codec::{self, Codec, Policy};
use conc_interpreter::value::Value;

/// A path and the form it was given in.
pub struct PathArg {
    pub path: PathBuf,
    /// The str or bytes given (after `__fspath__`): for error messages.
    pub value: Value,
    pub is_bytes: bool,
}

/// The bytes of a str path: UTF-8 with escaped bytes restored.
pub fn encode(cx: &mut Ctx, text: &[u8]) -> R<Vec<u8>> {
    if std::str::from_utf8(text).is_ok() {
        return Ok(text.to_vec());
    }
    match codec::encode_by_policy(Codec::Utf8, text, Policy::SurrogateEscape) {
        Ok(bytes) => Ok(bytes),
        Err(e) => Err(crate::io::codecs::encode_error(cx, e, text)),
    }
}

/// The str of a path's bytes: undecodable ones are escaped.
pub fn decode(bytes: &[u8]) -> Vec<u8> {
    if std::str::from_utf8(bytes).is_ok() {
        return bytes.to_vec();
    }
    codec::decode_by_policy(Codec::Utf8, bytes, Policy::SurrogateEscape).unwrap_or_default()
}

/// The str object of a path's bytes.
pub fn decoded(cx: &mut Ctx, bytes: &[u8]) -> R {
    let text = decode(bytes);
    Ok(cx.try_wtf8(&text)?.value())
}

/// A path's bytes in the form (str or bytes) that `like_bytes` asks for.
pub fn in_form(cx: &mut Ctx, bytes: &[u8], like_bytes: bool) -> R {
    if like_bytes { cx.bytes(bytes) } else { decoded(cx, bytes) }
}

/// `os.fspath(v)`: the str or bytes of a path; `what` names the argument in the error.
pub fn fspath(cx: &mut Ctx, v: Value, what: &str) -> R {
    if v.is_a::<Str>() || v.is_a::<Bytes>() {
        return Ok(v);
    }
    let name = cx.names().__fspath__;
    match cx.call_special(v, name, &[])? {
        Some(path) if path.is_a::<Str>() || path.is_a::<Bytes>() => Ok(path),
        Some(path) => {
            let (class, got) = (cx.type_name(v), cx.type_name(path));
            Err(cx.type_error(format!("expected {class}.__fspath__() to return str or bytes, not {got}")))
        }
        None => {
            let got = cx.type_name(v);
            Err(cx.type_error(format!("{what}, not {got}")))
        }
    }
}

/// A path argument of the function `function`.
pub fn path_arg(cx: &mut Ctx, v: Value, function: &str) -> R<PathArg> {
    let what = format!("{function}: path should be string, bytes or os.PathLike");
    path_named(cx, v, &what)
}

/// The same with the error's wording given.
pub fn path_named(cx: &mut Ctx, v: Value, what: &str) -> R<PathArg> {
    let value = fspath(cx, v, what)?;
    let (bytes, is_bytes) = match value.cast::<Bytes>() {
        Some(b) => (b.as_bytes().to_vec(), true),
        None => match value.cast::<Str>() {
            Some(s) => (encode(cx, s.as_bytes())?, false),
            None => (Vec::new(), false),
        },
    };
    if bytes.contains(&0) {
        let message = match what.split_once(": ") {
            Some((function, _)) => format!("{function}: embedded null character in path"),
            None => "embedded null byte".to_string(),
        };
        return Err(cx.value_error(message));
    }
    Ok(PathArg { path: PathBuf::from(OsString::from_vec(bytes)), value, is_bytes })
}

impl PathArg {
    /// A path in the form this one was given in.
    pub fn like(&self, cx: &mut Ctx, path: &std::path::Path) -> R {
        in_form(cx, path.as_os_str().as_bytes(), self.is_bytes)
    }
}
