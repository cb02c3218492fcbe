//! An error of the text functions: which exception to raise, and its text.

use std::borrow::Cow;

/// The exception class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    Value,
    Type,
    Overflow,
    Memory,
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

/// Refuses a result of about `bytes` bytes when there is no memory for it, before anything allocates in vain: what the
/// standard collections do without memory is to end the process.
pub fn ensure_memory(bytes: usize) -> Result<(), Fault> {
    const SURELY_FINE: usize = 1 << 20;
    if bytes <= SURELY_FINE || (bytes < isize::MAX as usize / 8 && Vec::<u8>::new().try_reserve_exact(bytes).is_ok()) {
        return Ok(());
    }
    Err(Fault { kind: FaultKind::Memory, message: "".into() })
}

/// A format character as error texts show it: itself, or its number in hexadecimal.
pub(super) fn shown(code: u32) -> String {
    match u8::try_from(code) {
        Ok(byte @ 33..=127) => char::from(byte).to_string(),
        _ => format!("\\x{code:x}"),
    }
}
