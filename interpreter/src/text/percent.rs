//! printf-style formatting: reading the conversions of a `%` format, and formatting converted values by their flags.

use dashu_int::IBig;

use super::fault::{Fault, ensure_memory};
use super::float::{self, FloatStyle, Notation};
use super::int::{magnitude_in_radix, to_decimal};
pub use super::wtf8::Flavor;
use super::wtf8::{count, decode_at, slice_chars};

/// A width or a precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    Fixed(usize),
    /// `*`: the next argument says.
    Argument,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `-`
    pub left: bool,
    /// `+`
    pub sign: bool,
    /// ` `
    pub blank: bool,
    /// `#`
    pub alternate: bool,
    /// `0`
    pub zero: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion<'a> {
    pub key: Option<&'a [u8]>,
    pub flags: Flags,
    pub width: Option<Amount>,
    pub precision: Option<Amount>,
    /// The conversion character's code point (a byte in a bytes format).
    pub kind: u32,
    /// Where that character is in the format, for error texts.
    pub index: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Literal(&'a [u8]),
    Conversion(Conversion<'a>),
}

impl Conversion<'_> {
    /// The conversion character as an ASCII letter.
    pub fn letter(&self) -> Option<u8> {
        u8::try_from(self.kind).ok().filter(u8::is_ascii)
    }

    /// Without flags, width or precision.
    pub fn is_plain(&self) -> bool {
        self.flags == Flags::default() && self.width.is_none() && self.precision.is_none()
    }

    /// The error for a conversion character that means nothing.
    pub fn unsupported(&self, flavor: Flavor) -> Fault {
        let (kind, index) = (self.kind, self.index);
        let shown = match u8::try_from(kind) {
            Ok(byte @ 31..=126) => char::from(byte),
            _ if flavor == Flavor::Bytes => char::from_u32(kind).unwrap_or('?'),
            _ => '?',
        };
        Fault::value(format!("unsupported format character '{shown}' (0x{kind:x}) at index {index}"))
    }
}

/// The pieces of a format, one at a time: a fault surfaces only when its piece is reached.
pub struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    flavor: Flavor,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a [u8], flavor: Flavor) -> Parser<'a> {
        Parser { text, at: 0, flavor }
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn range(&self, start: usize, end: usize) -> &'a [u8] {
        self.text.get(start..end).unwrap_or_default()
    }

    fn literal(&mut self) -> &'a [u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = memchr::memchr(b'%', rest).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    /// A key in parentheses, which may nest.
    fn key(&mut self) -> Result<Option<&'a [u8]>, Fault> {
        if self.byte() != Some(b'(') {
            return Ok(None);
        }
        let start = self.at + 1;
        let mut depth = 0_usize;
        while let Some(byte) = self.byte() {
            self.at += 1;
            match byte {
                b'(' => depth += 1,
                b')' if depth == 1 => return Ok(Some(self.range(start, self.at - 1))),
                b')' => depth -= 1,
                _ => {}
            }
        }
        Err(Fault::value("incomplete format key"))
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(byte) = self.byte() {
            match byte {
                b'-' => flags.left = true,
                b'+' => flags.sign = true,
                b' ' => flags.blank = true,
                b'#' => flags.alternate = true,
                b'0' => flags.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        flags
    }

    /// A number or `*`; `None` when neither follows.
    fn amount(&mut self, most: usize, too_big: &'static str) -> Result<Option<Amount>, Fault> {
        if self.byte() == Some(b'*') {
            self.at += 1;
            return Ok(Some(Amount::Argument));
        }
        let mut value: Option<usize> = None;
        while let Some(digit) = self.byte().filter(u8::is_ascii_digit) {
            let number = value.unwrap_or(0).saturating_mul(10).saturating_add(usize::from(digit - b'0'));
            value = Some(number);
            if number > most {
                return Err(Fault::value(too_big));
            }
            self.at += 1;
        }
        Ok(value.map(Amount::Fixed))
    }

    fn precision(&mut self) -> Result<Option<Amount>, Fault> {
        if self.byte() != Some(b'.') {
            return Ok(None);
        }
        self.at += 1;
        let too_big = if self.flavor == Flavor::Str { "precision too big" } else { "prec too big" };
        let amount = self.amount(i32::MAX as usize, too_big)?;
        Ok(Some(amount.unwrap_or(Amount::Fixed(0))))
    }

    fn conversion(&mut self) -> Result<Conversion<'a>, Fault> {
        let key = self.key()?;
        let flags = self.flags();
        let width = self.amount(isize::MAX as usize, "width too big")?;
        let precision = self.precision()?;
        // A C length modifier means nothing.
        self.at += usize::from(matches!(self.byte(), Some(b'h' | b'l' | b'L')));
        let found = match self.flavor {
            Flavor::Str => decode_at(self.text, self.at),
            Flavor::Bytes => self.byte().map(|byte| (u32::from(byte), 1)),
        };
        let (kind, len) = found.ok_or_else(|| Fault::value("incomplete format"))?;
        let before = self.range(0, self.at);
        let index = if self.flavor == Flavor::Str { count(before) } else { before.len() };
        self.at += len;
        Ok(Conversion { key, flags, width, precision, kind, index })
    }
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Piece<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.byte()? {
            b'%' => self.at += 1,
            _ => return Some(Ok(Piece::Literal(self.literal()))),
        }
        // `%%` is a percent sign; with anything in between it is a conversion like any other.
        if self.byte() == Some(b'%') {
            self.at += 1;
            return Some(Ok(Piece::Literal(b"%")));
        }
        let conversion = self.conversion();
        if conversion.is_err() {
            self.at = self.text.len();
        }
        Some(conversion.map(Piece::Conversion))
    }
}

/// A conversion's flags, width and precision with every `*` resolved.
#[derive(Clone, Copy, Debug, Default)]
pub struct Field {
    pub flags: Flags,
    pub width: usize,
    pub precision: Option<usize>,
}

impl Field {
    /// Sets the width given by an argument; a negative one also means left alignment.
    pub fn set_width(&mut self, width: i64) {
        self.flags.left |= width < 0;
        self.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
    }

    fn check_width(&self) -> Result<(), Fault> {
        ensure_memory(self.width)
    }

    fn check_precision(&self) -> Result<(), Fault> {
        ensure_memory(self.precision.unwrap_or(0))
    }

    /// Sets the precision given by an argument; a negative one counts as zero.
    pub fn set_precision(&mut self, precision: i32) {
        self.precision = Some(usize::try_from(precision).unwrap_or(0));
    }

    fn sign(&self, negative: bool) -> &'static str {
        match self.flags {
            _ if negative => "-",
            Flags { sign: true, .. } => "+",
            Flags { blank: true, .. } => " ",
            _ => "",
        }
    }

    /// Lays out sign, prefix and digits: zeros go inside, blanks outside.
    fn lay_out(&self, sign: &str, prefix: &str, digits: &str) -> String {
        let missing = self.width.saturating_sub(sign.len() + prefix.len() + digits.len());
        let filler = if self.flags.zero { "0" } else { " " }.repeat(if self.flags.left { 0 } else { missing });
        let trailing = " ".repeat(if self.flags.left { missing } else { 0 });
        if self.flags.zero {
            return format!("{sign}{prefix}{filler}{digits}{trailing}");
        }
        format!("{filler}{sign}{prefix}{digits}{trailing}")
    }
}

/// `%s`, `%r`, `%a` of a str format: cut to the precision and padded.
pub fn format_str(text: &[u8], field: &Field) -> Result<Vec<u8>, Fault> {
    let shown = field.precision.map_or(text, |precision| slice_chars(text, 0, precision));
    padded(shown, count(shown), field)
}

/// `%c`, whose precision means nothing.
pub fn format_char(text: &[u8], field: &Field) -> Result<Vec<u8>, Fault> {
    format_str(text, &Field { precision: None, ..*field })
}

/// `%s`, `%b`, `%r`, `%a` of a bytes format.
pub fn format_bytes(bytes: &[u8], field: &Field) -> Result<Vec<u8>, Fault> {
    let shown = bytes.get(..field.precision.unwrap_or(bytes.len())).unwrap_or(bytes);
    padded(shown, shown.len(), field)
}

fn padded(shown: &[u8], len: usize, field: &Field) -> Result<Vec<u8>, Fault> {
    field.check_width()?;
    let mut blanks = vec![b' '; field.width.saturating_sub(len)];
    if field.flags.left {
        return Ok([shown, &blanks].concat());
    }
    blanks.extend(shown);
    Ok(blanks)
}

/// `%d`, `%i`, `%u`, `%o`, `%x`, `%X`; `limit` is the digit limit of decimal conversion (0 for none).
pub fn format_int(value: &IBig, letter: u8, field: &Field, limit: usize) -> Result<String, Fault> {
    field.check_width()?;
    field.check_precision()?;
    let (radix, prefix) = match letter {
        b'o' => (8, "0o"),
        b'x' => (16, "0x"),
        b'X' => (16, "0X"),
        _ => (10, ""),
    };
    let digits = if radix == 10 { to_decimal(value, limit)? } else { magnitude_in_radix(value, radix) };
    let digits = digits.trim_start_matches('-');
    let digits = if letter == b'X' { digits.to_ascii_uppercase() } else { digits.to_owned() };
    let zeros = "0".repeat(field.precision.unwrap_or(0).saturating_sub(digits.len()));
    let prefix = if field.flags.alternate { prefix } else { "" };
    Ok(field.lay_out(field.sign(*value < IBig::ZERO), prefix, &(zeros + &digits)))
}

/// `%e`, `%E`, `%f`, `%F`, `%g`, `%G`
pub fn format_float(x: f64, letter: u8, field: &Field) -> Result<String, Fault> {
    field.check_width()?;
    field.check_precision()?;
    let notation = match letter.to_ascii_lowercase() {
        b'e' => Notation::Exponent,
        b'f' => Notation::Fixed,
        _ => Notation::General,
    };
    let style = FloatStyle {
        notation,
        precision: field.precision.unwrap_or(6),
        alternate: field.flags.alternate,
        upper: letter.is_ascii_uppercase(),
        point_zero: false,
    };
    let text = float::format(x, style);
    let unsigned = text.strip_prefix('-').unwrap_or(&text);
    Ok(field.lay_out(field.sign(unsigned.len() < text.len()), "", unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(format: &str) -> String {
        let fault = Parser::new(format.as_bytes(), Flavor::Str).find_map(|piece| match piece {
            Err(fault) => Some(fault),
            Ok(Piece::Conversion(conversion)) => Some(conversion.unsupported(Flavor::Str)),
            Ok(Piece::Literal(_)) => None,
        });
        fault.map(|fault| fault.message.into_owned()).unwrap_or_default()
    }

    #[test]
    fn pieces_are_read() {
        let pieces: Result<Vec<_>, _> = Parser::new(b"a%%b%(k(x))-0+ #*.3ld", Flavor::Str).collect();
        let conversion = Conversion {
            key: Some(b"k(x)"),
            flags: Flags { left: true, sign: true, blank: true, alternate: true, zero: true },
            width: Some(Amount::Argument),
            precision: Some(Amount::Fixed(3)),
            kind: u32::from(b'd'),
            index: 20,
        };
        let expected =
            vec![Piece::Literal(b"a"), Piece::Literal(b"%"), Piece::Literal(b"b"), Piece::Conversion(conversion)];
        assert_eq!(pieces, Ok(expected));
    }

    #[test]
    fn faults_read_as_in_python() {
        let rows = [
            ("%y", "unsupported format character 'y' (0x79) at index 1"),
            ("é%é", "unsupported format character '?' (0xe9) at index 2"),
            ("%lld", "unsupported format character 'l' (0x6c) at index 2"),
            ("%5%", "unsupported format character '%' (0x25) at index 2"),
            ("%", "incomplete format"),
            ("%5", "incomplete format"),
            ("%(a", "incomplete format key"),
            ("%99999999999999999999d", "width too big"),
            ("%.9999999999d", "precision too big"),
        ];
        for (format, expected) in rows {
            assert_eq!(message(format), expected);
        }
    }

    #[test]
    fn numbers_are_laid_out_as_in_python() {
        let field = |width, precision, zero, alternate| Field {
            flags: Flags { zero, alternate, ..Flags::default() },
            width,
            precision,
        };
        let rows = [
            (-255, b'x', field(8, None, true, true), "-0x000ff"),
            (255, b'X', field(8, Some(4), false, true), "  0X00FF"),
            (-3, b'd', field(0, Some(4), false, false), "-0003"),
            (0, b'o', field(0, None, false, true), "0o0"),
        ];
        for (value, letter, field, expected) in rows {
            assert_eq!(format_int(&IBig::from(value), letter, &field, 0).as_deref(), Ok(expected));
        }
        assert_eq!(format_float(f64::NEG_INFINITY, b'f', &field(5, None, true, false)).as_deref(), Ok("-0inf"));
        assert_eq!(format_float(3.0, b'f', &field(0, Some(0), false, true)).as_deref(), Ok("3."));
        assert_eq!(format_str("aé".as_bytes(), &field(3, Some(1), true, false)).as_deref(), Ok(&b"  a"[..]));
        assert!(format_str(b"a", &field(usize::MAX / 2, None, false, false)).is_err());
    }
}
