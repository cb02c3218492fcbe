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

    /// Return a copy of the string converted to uppercase.
    pub fn upper(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, <[u8]>::to_ascii_uppercase, case::upper)
    }

    /// Return a copy of the string converted to lowercase.
    pub fn lower(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, <[u8]>::to_ascii_lowercase, case::lower)
    }

    /// Return a version of the string suitable for caseless comparisons.
    pub fn casefold(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, <[u8]>::to_ascii_lowercase, case::casefold)
    }

    /// Convert uppercase characters to lowercase and lowercase characters to uppercase.
    pub fn swapcase(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, case::swapcase_bytes, case::swapcase)
    }

    /// Return a capitalized version of the string.
    ///
    /// More specifically, make the first character have upper case and the rest lower case.
    pub fn capitalize(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, case::capitalize_bytes, case::capitalize)
    }

    /// Return a version of the string where each word is titlecased.
    ///
    /// More specifically, words start with uppercased characters and all remaining cased characters have lower case.
    pub fn title(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        mapped(cx, this, case::title_bytes, case::title)
    }

    /// Return True if all characters are alphabetic and there is at least one character.
    pub fn isalpha(this: Gc<Str>) -> bool {
        case::isalpha(this.as_bytes())
    }

    /// Return True if all characters are alphabetic or numeric and there is at least one character.
    pub fn isalnum(this: Gc<Str>) -> bool {
        case::isalnum(this.as_bytes())
    }

    /// Return True if all characters are decimal digits and there is at least one character.
    pub fn isdecimal(this: Gc<Str>) -> bool {
        case::isdecimal(this.as_bytes())
    }

    /// Return True if all characters are digits and there is at least one character.
    pub fn isdigit(this: Gc<Str>) -> bool {
        case::isdigit(this.as_bytes())
    }

    /// Return True if all characters are numeric and there is at least one character.
    pub fn isnumeric(this: Gc<Str>) -> bool {
        case::isnumeric(this.as_bytes())
    }

    /// Return True if all characters are whitespace and there is at least one character.
    pub fn isspace(this: Gc<Str>) -> bool {
        case::isspace(this.as_bytes())
    }

    /// Return True if all characters in the string are ASCII, or the string is empty.
    pub fn isascii(this: Gc<Str>) -> bool {
        this.is_ascii()
    }

    /// Return True if all cased characters are lowercase and there is at least one cased character.
    pub fn islower(this: Gc<Str>) -> bool {
        case::islower(this.as_bytes())
    }

    /// Return True if all cased characters are uppercase and there is at least one cased character.
    pub fn isupper(this: Gc<Str>) -> bool {
        case::isupper(this.as_bytes())
    }

    /// Return True if the string is title-cased.
    ///
    /// In a title-cased string, upper- and title-case characters may only follow uncased characters and lowercase
    /// characters only cased ones.
    pub fn istitle(this: Gc<Str>) -> bool {
        case::istitle(this.as_bytes())
    }

    /// Return True if all characters are printable, or the string is empty.
    pub fn isprintable(this: Gc<Str>) -> bool {
        case::isprintable(this.as_bytes())
    }

    /// Return True if the string is a valid identifier.
    ///
    /// Call `keyword.iskeyword(s)` to test whether it is a reserved word.
    pub fn isidentifier(this: Gc<Str>) -> bool {
        case::isidentifier(this.as_bytes())
    }
}
