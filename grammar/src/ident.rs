//! Identifiers and keywords.

use std::borrow::Cow;
use unicode_normalization::{UnicodeNormalization, is_nfkc};

/// `keyword.kwlist`
pub const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// `keyword.softkwlist`
pub const SOFT_KEYWORDS: &[&str] = &["_", "case", "match", "type"];

/// `str.isidentifier`: also true for keywords.
pub fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(is_start) && chars.all(is_continue)
}

pub fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&name)
}

pub fn is_start(c: char) -> bool {
    c == '_' || unicode_ident::is_xid_start(c)
}

pub fn is_continue(c: char) -> bool {
    unicode_ident::is_xid_continue(c)
}

/// The NFKC form, in which names are compared.
pub fn normalize(name: &str) -> Cow<'_, str> {
    if name.is_ascii() || is_nfkc(name) { Cow::Borrowed(name) } else { Cow::Owned(name.nfkc().collect()) }
}
