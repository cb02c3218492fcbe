//! An error of the text functions: which exception to raise, and its text.

use std::borrow::Cow;

/// The exception class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    Value,
    Type,
    Overflow,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    pub message: Cow<'static, str>,
}

impl Fault {
    pub fn value(message: impl Into<Cow<'static, str>>) -> Fault {
        Fault { kind: FaultKind::Value, message: message.into() }
    }

    pub fn type_error(message: impl Into<Cow<'static, str>>) -> Fault {
        Fault { kind: FaultKind::Type, message: message.into() }
    }

    pub fn overflow(message: impl Into<Cow<'static, str>>) -> Fault {
        Fault { kind: FaultKind::Overflow, message: message.into() }
    }
}

/// A format character as error texts show it: itself, or its number in hexadecimal.
pub(super) fn shown(code: u32) -> String {
    match u8::try_from(code) {
        Ok(byte @ 33..=127) => char::from(byte).to_string(),
        _ => format!("\\x{code:x}"),
    }
}
