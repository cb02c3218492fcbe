//! The names of encodings.

use super::charmap::CHARMAPS;
use super::{Codec, Order, Size, Wide};

/// Each codec's own name, and the other names it answers to.
const NAMES: &[(&str, &str)] = &[
    ("utf_8", "cp65001 u8 utf utf8 utf8_ucs2 utf8_ucs4"),
    ("utf_8_sig", ""),
    (
        "ascii",
        "646 ansi_x3.4_1968 ansi_x3.4_1986 ansi_x3_4_1968 cp367 csascii ibm367 iso646_us iso_646.irv_1991 iso_ir_6 us us_ascii",
    ),
    (
        "latin_1",
        "8859 cp819 csisolatin1 ibm819 iso8859 iso8859_1 iso_8859_1 iso_8859_1_1987 iso_ir_100 l1 latin latin1",
    ),
    ("utf_16", "u16 utf16"),
    ("utf_16_le", "unicodelittleunmarked utf_16le"),
    ("utf_16_be", "unicodebigunmarked utf_16be"),
    ("utf_32", "u32 utf32"),
    ("utf_32_le", "utf_32le"),
    ("utf_32_be", "utf_32be"),
    ("unicode_escape", ""),
    ("raw_unicode_escape", ""),
    ("cp1250", "1250 windows_1250"),
    ("cp1251", "1251 windows_1251"),
    ("cp1252", "1252 windows_1252"),
    ("cp1253", "1253 windows_1253"),
    ("cp1254", "1254 windows_1254"),
    ("cp1257", "1257 windows_1257"),
    ("cp437", "437 cspc8codepage437 ibm437"),
    ("cp850", "850 cspc850multilingual ibm850"),
    ("cp852", "852 cspcp852 ibm852"),
    ("cp866", "866 csibm866 ibm866"),
    ("iso8859_2", "csisolatin2 iso_8859_2 iso_8859_2_1987 iso_ir_101 l2 latin2"),
    ("iso8859_5", "csisolatincyrillic cyrillic iso_8859_5 iso_8859_5_1988 iso_ir_144"),
    ("iso8859_7", "csisolatingreek ecma_118 elot_928 greek greek8 iso_8859_7 iso_8859_7_1987 iso_ir_126"),
    ("iso8859_9", "csisolatin5 iso_8859_9 iso_8859_9_1989 iso_ir_148 l5 latin5"),
    ("iso8859_15", "iso_8859_15 l9 latin9"),
    ("koi8_r", "cskoi8r"),
    ("koi8_u", ""),
    ("mac_roman", "macintosh macroman"),
];

/// Lower case, with every run of other characters than letters, digits and points as one underscore.
fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars() {
        if !c.is_alphanumeric() && c != '.' {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push('_');
        }
        gap = false;
        out.extend(c.is_ascii().then(|| c.to_ascii_lowercase()));
    }
    out
}

/// The codec of that name; `None` for an unknown encoding.
pub fn lookup(name: &str) -> Option<Codec> {
    let name = normalised(name);
    let underscored = name.replace('.', "_");
    let answers = |row: &&(&str, &str)| {
        let (own, others) = row;
        *own == name || others.split(' ').any(|other| !other.is_empty() && (other == name || other == underscored))
    };
    let (own, _) = NAMES.iter().find(answers)?;
    let wide = |size, order| Some(Codec::Wide(Wide { size, order }));
    match *own {
        "utf_8" => Some(Codec::Utf8),
        "utf_8_sig" => Some(Codec::Utf8Sig),
        "ascii" => Some(Codec::Ascii),
        "latin_1" => Some(Codec::Latin1),
        "utf_16" => wide(Size::Two, Order::Marked),
        "utf_16_le" => wide(Size::Two, Order::Little),
        "utf_16_be" => wide(Size::Two, Order::Big),
        "utf_32" => wide(Size::Four, Order::Marked),
        "utf_32_le" => wide(Size::Four, Order::Little),
        "utf_32_be" => wide(Size::Four, Order::Big),
        "unicode_escape" => Some(Codec::UnicodeEscape),
        "raw_unicode_escape" => Some(Codec::RawUnicodeEscape),
        key => CHARMAPS.iter().find(|map| map.key == key).map(Codec::Charmap),
    }
}

impl Codec {
    /// The name `codecs.lookup` gives.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Utf8 => "utf-8",
            Codec::Utf8Sig => "utf-8-sig",
            Codec::Ascii => "ascii",
            Codec::Latin1 => "iso8859-1",
            Codec::Wide(wide) => wide.name(),
            Codec::Charmap(map) => map.name,
            Codec::UnicodeEscape => "unicode-escape",
            Codec::RawUnicodeEscape => "raw-unicode-escape",
        }
    }
}
