//! The format specification mini language: `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`.

use super::character::decimal_value;
use super::fault::{Fault, ensure_memory, shown};
use super::wtf8::code_points;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
    Center,
    /// Padding goes between the sign and the digits.
    AfterSign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `-`: only negative numbers show a sign.
    Minus,
    Plus,
    Space,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    Comma,
    Underscore,
}

impl Grouping {
    pub fn symbol(self) -> char {
        match self {
            Grouping::Comma => ',',
            Grouping::Underscore => '_',
        }
    }
}

/// A parsed specification. Whether its parts suit the value is checked where it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub fill: u32,
    pub align: Align,
    pub sign: Option<Sign>,
    pub positive_zero: bool,
    pub alternate: bool,
    pub width: usize,
    pub grouping: Option<Grouping>,
    pub precision: Option<usize>,
    /// The type's code point, if the specification names one.
    pub kind: Option<u32>,
}

impl Spec {
    /// The type as an ASCII letter; 0 when there is none, or when it is no ASCII at all (no type has such a name).
    pub(super) fn letter(&self) -> Option<u8> {
        match self.kind {
            None => Some(0),
            Some(code) => u8::try_from(code).ok(),
        }
    }
}

/// What the type being formatted brings along.
#[derive(Clone, Copy)]
pub(super) struct Defaults<'a> {
    pub align: Align,
    /// The letter that stands for no letter in error texts; 0 for none.
    pub kind: u8,
    pub type_name: &'a str,
}

fn align_of(code: u32) -> Option<Align> {
    Some(match u8::try_from(code).ok()? {
        b'<' => Align::Left,
        b'>' => Align::Right,
        b'^' => Align::Center,
        b'=' => Align::AfterSign,
        _ => return None,
    })
}

fn sign_of(code: u32) -> Option<Sign> {
    Some(match u8::try_from(code).ok()? {
        b'-' => Sign::Minus,
        b'+' => Sign::Plus,
        b' ' => Sign::Space,
        _ => return None,
    })
}

/// Reads a specification's code points from left to right.
struct Reader {
    codes: Vec<u32>,
    at: usize,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<u32> {
        self.codes.get(self.at + ahead).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek(0) == Some(u32::from(byte));
        self.at += usize::from(found);
        found
    }

    fn left(&self) -> usize {
        self.codes.len() - self.at
    }

    fn number(&mut self) -> Result<Option<usize>, Fault> {
        let mut value: Option<usize> = None;
        while let Some(digit) = self.peek(0).and_then(decimal_value) {
            let scaled = value.unwrap_or(0).checked_mul(10).and_then(|tens| tens.checked_add(usize::from(digit)));
            let fits = scaled.filter(|number| isize::try_from(*number).is_ok());
            value = Some(fits.ok_or_else(|| Fault::value("Too many decimal digits in format string"))?);
            self.at += 1;
        }
        Ok(value)
    }

    /// The fill and the alignment, each if given.
    fn fill_and_align(&mut self) -> (Option<u32>, Option<Align>) {
        if let Some(align) = self.peek(1).and_then(align_of) {
            let fill = self.peek(0);
            self.at += 2;
            return (fill, Some(align));
        }
        let align = self.peek(0).and_then(align_of);
        self.at += usize::from(align.is_some());
        (None, align)
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, Fault> {
        let comma = self.eat(b',');
        let underscore = self.eat(b'_');
        let both = underscore && (comma || self.peek(0) == Some(u32::from(b',')));
        match (comma, underscore) {
            _ if both => Err(Fault::value("Cannot specify both ',' and '_'.")),
            (true, _) => Ok(Some(Grouping::Comma)),
            (_, true) => Ok(Some(Grouping::Underscore)),
            _ => Ok(None),
        }
    }

    fn precision(&mut self) -> Result<Option<usize>, Fault> {
        if !self.eat(b'.') {
            return Ok(None);
        }
        match self.number()? {
            None => Err(Fault::value("Format specifier missing precision")),
            precision => Ok(precision),
        }
    }
}

/// Parses a specification for a value of some type.
pub(super) fn parse(text: &[u8], defaults: Defaults<'_>) -> Result<Spec, Fault> {
    let mut reader = Reader { codes: code_points(text).collect(), at: 0 };
    let (mut fill, mut align) = reader.fill_and_align();
    let sign = reader.peek(0).and_then(sign_of);
    reader.at += usize::from(sign.is_some());
    let positive_zero = reader.eat(b'z');
    let alternate = reader.eat(b'#');
    if fill.is_none() && reader.eat(b'0') {
        fill = Some(u32::from(b'0'));
        let numeric = defaults.align == Align::Right;
        align = align.or(numeric.then_some(Align::AfterSign));
    }
    let width = reader.number()?.unwrap_or(0);
    ensure_memory(width.saturating_mul(4))?;
    let grouping = reader.grouping()?;
    let precision = reader.precision()?;
    if reader.left() > 1 {
        let spec = String::from_utf8_lossy(text);
        let name = defaults.type_name;
        return Err(Fault::value(format!("Invalid format specifier '{spec}' for object of type '{name}'")));
    }
    let spec = Spec {
        fill: fill.unwrap_or(u32::from(b' ')),
        align: align.unwrap_or(defaults.align),
        sign,
        positive_zero,
        alternate,
        width,
        grouping,
        precision,
        kind: reader.peek(0),
    };
    check_grouping(&spec, defaults.kind)?;
    Ok(spec)
}

/// Grouping is for decimal digits; underscores may also group binary, octal and hexadecimal ones.
fn check_grouping(spec: &Spec, default_kind: u8) -> Result<(), Fault> {
    let Some(grouping) = spec.grouping else { return Ok(()) };
    let kind = spec.kind.unwrap_or(u32::from(default_kind));
    match u8::try_from(kind) {
        Ok(0 | b'd' | b'e' | b'f' | b'g' | b'E' | b'G' | b'%' | b'F') => Ok(()),
        Ok(b'b' | b'o' | b'x' | b'X') if grouping == Grouping::Underscore => Ok(()),
        _ => Err(Fault::value(format!("Cannot specify '{}' with '{}'.", grouping.symbol(), shown(kind)))),
    }
}

pub(super) fn unknown_code(spec: &Spec, type_name: &str) -> Fault {
    let code = shown(spec.kind.unwrap_or(0));
    Fault::value(format!("Unknown format code '{code}' for object of type '{type_name}'"))
}

/// How much padding goes left and right of `len` code points.
pub(super) fn padding(spec: &Spec, len: usize) -> (usize, usize) {
    let total = spec.width.saturating_sub(len);
    match spec.align {
        Align::Left => (0, total),
        Align::Right | Align::AfterSign => (total, 0),
        Align::Center => (total / 2, total - total / 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOAT: Defaults<'_> = Defaults { align: Align::Right, kind: 0, type_name: "float" };

    #[test]
    fn every_part_is_read() {
        let spec = parse("é^+z#20_.3f".as_bytes(), FLOAT);
        let expected = Spec {
            fill: 0xE9,
            align: Align::Center,
            sign: Some(Sign::Plus),
            positive_zero: true,
            alternate: true,
            width: 20,
            grouping: Some(Grouping::Underscore),
            precision: Some(3),
            kind: Some(u32::from(b'f')),
        };
        assert_eq!(spec, Ok(expected));
        assert_eq!(parse(b"<<5", FLOAT).map(|spec| (spec.fill, spec.align)), Ok((0x3C, Align::Left)));
        assert_eq!(parse(b"05", FLOAT).map(|spec| (spec.fill, spec.align)), Ok((0x30, Align::AfterSign)));
        assert_eq!(parse("\u{663}".as_bytes(), FLOAT).map(|spec| spec.width), Ok(3));
    }

    #[test]
    fn faults_read_as_in_python() {
        let rows = [
            (",_", "Cannot specify both ',' and '_'."),
            ("_,", "Cannot specify both ',' and '_'."),
            (",,", "Cannot specify ',' with ','."),
            ("__", "Cannot specify '_' with '_'."),
            (",n", "Cannot specify ',' with 'n'."),
            (",\x01", "Cannot specify ',' with '\\x1'."),
            (".", "Format specifier missing precision"),
            ("99999999999999999999", "Too many decimal digits in format string"),
            ("xx", "Invalid format specifier 'xx' for object of type 'float'"),
        ];
        for (text, message) in rows {
            assert_eq!(parse(text.as_bytes(), FLOAT), Err(Fault::value(message)));
        }
    }
}
