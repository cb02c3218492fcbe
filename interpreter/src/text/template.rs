//! `str.format` templates: literal text, replacement fields, and the names inside fields.

use super::character::decimal_value;
use super::fault::{Fault, shown};
use super::wtf8::{code_points, decode_at};

/// How deep a format specification may nest fields of its own.
pub const MAX_DEPTH: usize = 2;

/// The error for fields nested deeper than that.
pub fn too_deep() -> Fault {
    Fault::value("Max string recursion exceeded")
}

/// Some literal text and, unless the template ends or a brace was escaped, the field after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    pub literal: &'a [u8],
    pub field: Option<Field<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: &'a [u8],
    /// The code point after `!`.
    pub conversion: Option<u32>,
    pub spec: &'a [u8],
    /// Does the specification contain fields of its own?
    pub nested: bool,
}

impl Field<'_> {
    /// The error for a conversion other than `r`, `s` and `a`.
    pub fn unknown_conversion(conversion: u32) -> Fault {
        Fault::value(format!("Unknown conversion specifier {}", shown(conversion)))
    }
}

/// The parts of a template, one at a time: a fault surfaces only when its part is reached.
pub struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a [u8]) -> Parser<'a> {
        Parser { text, at: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn range(&self, start: usize, end: usize) -> &'a [u8] {
        self.text.get(start..end).unwrap_or_default()
    }

    fn part(&mut self) -> Result<Part<'a>, Fault> {
        let start = self.at;
        let rest = self.range(start, self.text.len());
        let Some(len) = memchr::memchr2(b'{', b'}', rest) else {
            self.at = self.text.len();
            return Ok(Part { literal: rest, field: None });
        };
        let end = start + len;
        let brace = rest.get(len).copied();
        self.at = end + 1;
        if self.byte() == brace {
            // A doubled brace: the literal takes one of them.
            self.at += 1;
            return Ok(Part { literal: self.range(start, end + 1), field: None });
        }
        match brace {
            Some(b'}') => Err(Fault::value("Single '}' encountered in format string")),
            _ if self.byte().is_none() => Err(Fault::value("Single '{' encountered in format string")),
            _ => Ok(Part { literal: self.range(start, end), field: Some(self.field()?) }),
        }
    }

    /// Moves past the field name and returns it with the character that ended it.
    fn field_name(&mut self) -> Result<(&'a [u8], u8), Fault> {
        let start = self.at;
        while let Some(byte) = self.byte() {
            self.at += 1;
            match byte {
                b'{' => return Err(Fault::value("unexpected '{' in field name")),
                b'[' => {
                    let rest = self.range(self.at, self.text.len());
                    self.at += memchr::memchr(b']', rest).unwrap_or(rest.len());
                }
                b'}' | b':' | b'!' => return Ok((self.range(start, self.at - 1), byte)),
                _ => {}
            }
        }
        Err(Fault::value("expected '}' before end of string"))
    }

    fn field(&mut self) -> Result<Field<'a>, Fault> {
        let (name, end) = self.field_name()?;
        let mut field = Field { name, conversion: None, spec: b"", nested: false };
        if end == b'}' {
            return Ok(field);
        }
        if end == b'!' {
            let (conversion, len) = decode_at(self.text, self.at)
                .ok_or_else(|| Fault::value("end of string while looking for conversion specifier"))?;
            field.conversion = Some(conversion);
            self.at += len;
            let after = self.byte();
            self.at += usize::from(after.is_some());
            match after {
                Some(b'}') => return Ok(field),
                Some(b':') | None => {}
                Some(_) => return Err(Fault::value("expected ':' after conversion specifier")),
            }
        }
        (field.spec, field.nested) = self.spec()?;
        Ok(field)
    }

    /// Everything up to the brace that closes the field.
    fn spec(&mut self) -> Result<(&'a [u8], bool), Fault> {
        let start = self.at;
        let (mut open, mut nested) = (1_usize, false);
        while let Some(byte) = self.byte() {
            self.at += 1;
            match byte {
                b'{' => (open, nested) = (open + 1, true),
                b'}' if open == 1 => return Ok((self.range(start, self.at - 1), nested)),
                b'}' => open -= 1,
                _ => {}
            }
        }
        Err(Fault::value("unmatched '{' in format spec"))
    }
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Part<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.byte()?;
        let part = self.part();
        if part.is_err() {
            self.at = self.text.len();
        }
        Some(part)
    }
}

/// What a field name starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First<'a> {
    /// Nothing: the next argument in turn.
    Auto,
    Index(usize),
    Key(&'a [u8]),
}

/// A step from a value to a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accessor<'a> {
    Attribute(&'a [u8]),
    Index(usize),
    Key(&'a [u8]),
}

/// Splits a field name into its start and its accessors; faults in the accessors surface one at a time.
pub fn split_name(name: &[u8]) -> Result<(First<'_>, Accessors<'_>), Fault> {
    let len = memchr::memchr2(b'.', b'[', name).unwrap_or(name.len());
    let (first, rest) = name.split_at_checked(len).unwrap_or((name, &[]));
    let first = match index(first)? {
        Some(index) => First::Index(index),
        None if first.is_empty() => First::Auto,
        None => First::Key(first),
    };
    Ok((first, Accessors { rest }))
}

/// A text of decimal digits as an index.
fn index(text: &[u8]) -> Result<Option<usize>, Fault> {
    let mut value: Option<usize> = None;
    for code in code_points(text) {
        let Some(digit) = decimal_value(code) else { return Ok(None) };
        let scaled = value.unwrap_or(0).checked_mul(10).and_then(|tens| tens.checked_add(usize::from(digit)));
        let fits = scaled.filter(|number| isize::try_from(*number).is_ok());
        value = Some(fits.ok_or_else(|| Fault::value("Too many decimal digits in format string"))?);
    }
    Ok(value)
}

#[derive(Clone, Debug)]
pub struct Accessors<'a> {
    rest: &'a [u8],
}

impl<'a> Accessors<'a> {
    /// Splits off what comes before one of the delimiters.
    fn take(&mut self, text: &'a [u8], len: usize, skip: usize) -> &'a [u8] {
        self.rest = text.get(len + skip..).unwrap_or_default();
        text.get(..len).unwrap_or_default()
    }

    fn accessor(&mut self) -> Result<Accessor<'a>, Fault> {
        let accessor = match self.rest {
            [b'.', text @ ..] => {
                let len = memchr::memchr2(b'.', b'[', text).unwrap_or(text.len());
                Accessor::Attribute(self.take(text, len, 0))
            }
            [b'[', text @ ..] => {
                let len = memchr::memchr(b']', text).ok_or_else(|| Fault::value("Missing ']' in format string"))?;
                let key = self.take(text, len, 1);
                index(key)?.map_or(Accessor::Key(key), Accessor::Index)
            }
            _ => return Err(Fault::value("Only '.' or '[' may follow ']' in format field specifier")),
        };
        match accessor {
            Accessor::Attribute(b"") | Accessor::Key(b"") => Err(Fault::value("Empty attribute in format string")),
            _ => Ok(accessor),
        }
    }
}

impl<'a> Iterator for Accessors<'a> {
    type Item = Result<Accessor<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let accessor = self.accessor();
        if accessor.is_err() {
            self.rest = &[];
        }
        Some(accessor)
    }
}

/// Hands out automatic field numbers; a template numbers its fields itself or not at all.
#[derive(Clone, Debug, Default)]
pub struct Numbering {
    automatic: Option<bool>,
    next: usize,
}

impl Numbering {
    /// The argument index a field name starts with; `None` when it starts with a key.
    pub fn resolve(&mut self, first: First<'_>) -> Result<Option<usize>, Fault> {
        let automatic = match first {
            First::Key(_) => return Ok(None),
            First::Index(_) => false,
            First::Auto => true,
        };
        match (self.automatic.replace(automatic), first) {
            (Some(true), First::Index(_)) => {
                Err(Fault::value("cannot switch from automatic field numbering to manual field specification"))
            }
            (Some(false), First::Auto) => {
                Err(Fault::value("cannot switch from manual field specification to automatic field numbering"))
            }
            (_, First::Index(index)) => Ok(Some(index)),
            _ => {
                self.next += 1;
                Ok(Some(self.next - 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read() {
        let parts: Result<Vec<_>, _> = Parser::new(b"a{{b{x!r:{y}}c}}{:}{z}").collect();
        let part = |literal, field| Part { literal, field };
        let field = |name, conversion, spec, nested| Some(Field { name, conversion, spec, nested });
        let expected = vec![
            part(&b"a{"[..], None),
            part(b"b", field(&b"x"[..], Some(0x72), &b"{y}"[..], true)),
            part(b"c}", None),
            part(b"", field(b"", None, b"", false)),
            part(b"", field(b"z", None, b"", false)),
        ];
        assert_eq!(parts, Ok(expected));
    }

    #[test]
    fn names_are_split() {
        let (first, accessors) = split_name(b"a.b[3][c].d").unwrap_or((First::Auto, Accessors { rest: b"." }));
        assert_eq!(first, First::Key(b"a"));
        let expected =
            vec![Accessor::Attribute(b"b"), Accessor::Index(3), Accessor::Key(b"c"), Accessor::Attribute(b"d")];
        assert_eq!(accessors.collect::<Result<Vec<_>, _>>(), Ok(expected));
        assert!(matches!(split_name("\u{661}".as_bytes()), Ok((First::Index(1), _))));
        assert!(matches!(split_name(b"-1"), Ok((First::Key(b"-1"), _))));
    }

    fn message(template: &str) -> String {
        let mut numbering = Numbering::default();
        let mut check = |part: Result<Part<'_>, Fault>| -> Result<(), Fault> {
            if let Some(field) = part?.field {
                let (first, mut accessors) = split_name(field.name)?;
                numbering.resolve(first)?;
                accessors.try_for_each(|accessor| accessor.map(drop))?;
            }
            Ok(())
        };
        let fault = Parser::new(template.as_bytes()).find_map(|part| check(part).err());
        fault.map(|fault| fault.message.into_owned()).unwrap_or_default()
    }

    #[test]
    fn faults_read_as_in_python() {
        let rows = [
            ("}", "Single '}' encountered in format string"),
            ("{", "Single '{' encountered in format string"),
            ("{{0}", "Single '}' encountered in format string"),
            ("{0", "expected '}' before end of string"),
            ("{0[}", "expected '}' before end of string"),
            ("{:", "unmatched '{' in format spec"),
            ("{!}", "unmatched '{' in format spec"),
            ("{!", "end of string while looking for conversion specifier"),
            ("{!rx}", "expected ':' after conversion specifier"),
            ("{a{b}", "unexpected '{' in field name"),
            ("{0.}", "Empty attribute in format string"),
            ("{0[]}", "Empty attribute in format string"),
            ("{0[a]b}", "Only '.' or '[' may follow ']' in format field specifier"),
            ("{}{0}", "cannot switch from automatic field numbering to manual field specification"),
            ("{0}{}", "cannot switch from manual field specification to automatic field numbering"),
            ("{99999999999999999999}", "Too many decimal digits in format string"),
            ("{a}{}{b.c}", ""),
        ];
        for (template, expected) in rows {
            assert_eq!(message(template), expected, "{template}");
        }
    }
}
