//! The data of a bytes-like argument, copied only where it may change.

use std::ops::Deref;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::string::{Bytes, Str};
use conc_interpreter::value::{Gc, Value};

pub enum View {
    /// A bytes object never changes.
    Own(Gc<Bytes>),
    /// A str of ASCII characters.
    Text(Gc<Str>),
    Copy(Vec<u8>),
}

impl View {
    pub fn of(cx: &mut Ctx, v: Value) -> R<View> {
        match v.cast::<Bytes>() {
            Some(bytes) => Ok(View::Own(bytes)),
            None => cx.byte_vec(v).map(View::Copy),
        }
    }

    /// The same, and a str of ASCII characters.
    pub fn of_text(cx: &mut Ctx, v: Value) -> R<View> {
        match v.cast::<Str>() {
            Some(text) if text.as_bytes().is_ascii() => Ok(View::Text(text)),
            Some(_) => Err(cx.value_error("string argument should contain only ASCII characters")),
            None if v.cast::<Bytes>().is_none() && cx.byte_vec(v).is_err() => {
                let got = cx.type_name(v);
                let wanted = "argument should be bytes, buffer or ASCII string";
                Err(cx.type_error(format!("{wanted}, not '{got}'")))
            }
            None => View::of(cx, v),
        }
    }
}

impl Deref for View {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            View::Own(bytes) => bytes.as_bytes(),
            View::Text(text) => text.as_bytes(),
            View::Copy(data) => data,
        }
    }
}
