//! str: case conversions and the tests of what a text consists of.

use conc_macros::methods;

/// Case and character class methods of str.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::string::Str;
    use crate::text::case;
    use crate::value::Gc;

    /// An ASCII text mapped byte by byte, any other by `map`.
    fn mapped(cx: &mut Ctx, s: Gc<Str>, ascii: fn(&[u8]) -> Vec<u8>, map: fn(&[u8]) -> Vec<u8>) -> R<Gc<Str>> {
        let text = if s.is_ascii() { ascii(s.as_bytes()) } else { map(s.as_bytes()) };
        cx.try_wtf8(&text)
    }

    /// Give the text in upper case.
    pub fn upper(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, <[u8]>::to_ascii_uppercase, case::upper)
    }

    /// Give the text in lower case.
    pub fn lower(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, <[u8]>::to_ascii_lowercase, case::lower)
    }

    /// Give a form of the text in which differences of case are gone, for comparing.
    pub fn casefold(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, <[u8]>::to_ascii_lowercase, case::casefold)
    }

    /// Give the text with each letter in the other case.
    pub fn swapcase(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, case::swapcase_bytes, case::swapcase)
    }

    /// Give the text with its first character in upper case, or title case, and the rest in lower case.
    pub fn capitalize(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, case::capitalize_bytes, case::capitalize)
    }

    /// Give the text with each word starting in title case and going on in lower case.
    pub fn title(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, case::title_bytes, case::title)
    }

    /// Tell whether there is text and all of it is letters.
    pub fn isalpha(this: Gc<Str>) -> bool {
        case::isalpha(this.as_bytes())
    }

    /// Tell whether there is text and all of it is letters or numerals.
    pub fn isalnum(this: Gc<Str>) -> bool {
        case::isalnum(this.as_bytes())
    }

    /// Tell whether there is text and all of it is digits of the decimal system.
    pub fn isdecimal(this: Gc<Str>) -> bool {
        case::isdecimal(this.as_bytes())
    }

    /// Tell whether there is text and all of it is digits, raised ones such as ² included.
    pub fn isdigit(this: Gc<Str>) -> bool {
        case::isdigit(this.as_bytes())
    }

    /// Tell whether there is text and all of it is numerals, fractions and other number signs included.
    pub fn isnumeric(this: Gc<Str>) -> bool {
        case::isnumeric(this.as_bytes())
    }

    /// Tell whether there is text and all of it is whitespace.
    pub fn isspace(this: Gc<Str>) -> bool {
        case::isspace(this.as_bytes())
    }

    /// Tell whether no character is outside ASCII.
    pub fn isascii(this: Gc<Str>) -> bool {
        this.is_ascii()
    }

    /// Tell whether there are letters with case and none but lower-case ones.
    pub fn islower(this: Gc<Str>) -> bool {
        case::islower(this.as_bytes())
    }

    /// Tell whether there are letters with case and none but upper-case ones.
    pub fn isupper(this: Gc<Str>) -> bool {
        case::isupper(this.as_bytes())
    }

    /// Tell whether every word starts in upper or title case and goes on in lower case, and there is one.
    pub fn istitle(this: Gc<Str>) -> bool {
        case::istitle(this.as_bytes())
    }

    /// Tell whether repr() would show every character as it is; so it would of an empty text.
    pub fn isprintable(this: Gc<Str>) -> bool {
        case::isprintable(this.as_bytes())
    }

    /// Tell whether the text could be a name in a program; keyword.iskeyword() knows the ones that are taken.
    pub fn isidentifier(this: Gc<Str>) -> bool {
        case::isidentifier(this.as_bytes())
    }
}
