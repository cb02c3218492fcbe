//! bytes and bytearray: padding, ASCII case, and the tests of what the bytes are.

use conc_macros::methods;

/// Layout and case methods of bytes and bytearray.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::methods::bytes::ByteString;
    use crate::object::string::{ByteArray, Bytes};
    use crate::text::character::is_byte_space;
    use crate::text::fault::Fault;
    use crate::text::wtf8::Flavor;
    use crate::text::{case, pad};
    use crate::value::Value;

    type Pad = fn(&[u8], usize, &[u8], Flavor) -> Result<Vec<u8>, Fault>;

    fn padded(cx: &mut Ctx, this: ByteString, width: i64, fill: Option<Value>, (name, pad): (&str, Pad)) -> R {
        let width = usize::try_from(width).unwrap_or(0);
        let byte = match fill {
            None => b' ',
            Some(fill) => {
                let data =
                    if fill.is_a::<Bytes>() || fill.is_a::<ByteArray>() { cx.byte_vec(fill)? } else { Vec::new() };
                let [byte] = data[..] else {
                    let got = cx.type_name(fill);
                    let message = format!("{name}() argument 2 must be a byte string of length 1, not {got}");
                    return Err(cx.type_error(message));
                };
                byte
            }
        };
        let data = this.data();
        if width <= data.len() {
            return this.unchanged(cx);
        }
        let out = pad(&data, width, &[byte], Flavor::Bytes);
        let out = cx.of_text(out)?;
        this.result(cx, &out)
    }

    /// Return a left-justified string of length width.
    ///
    /// Padding is done using the specified fill character.
    pub fn ljust(cx: &mut Ctx, this: ByteString, width: i64, fillchar: Option<Value>) -> R {
        padded(cx, this, width, fillchar, ("ljust", pad::ljust))
    }

    /// Return a right-justified string of length width.
    ///
    /// Padding is done using the specified fill character.
    pub fn rjust(cx: &mut Ctx, this: ByteString, width: i64, fillchar: Option<Value>) -> R {
        padded(cx, this, width, fillchar, ("rjust", pad::rjust))
    }

    /// Return a centered string of length width.
    ///
    /// Padding is done using the specified fill character.
    pub fn center(cx: &mut Ctx, this: ByteString, width: i64, fillchar: Option<Value>) -> R {
        padded(cx, this, width, fillchar, ("center", pad::center))
    }

    /// Pad a numeric string with zeros on the left, to fill a field of the given width.
    ///
    /// The original string is never truncated.
    pub fn zfill(cx: &mut Ctx, this: ByteString, width: i64) -> R {
        let (data, width) = (this.data(), usize::try_from(width).unwrap_or(0));
        if width <= data.len() {
            return this.unchanged(cx);
        }
        let out = pad::zfill(&data, width, Flavor::Bytes);
        let out = cx.of_text(out)?;
        this.result(cx, &out)
    }

    /// Return a copy where all tab characters are expanded using spaces.
    ///
    /// If tabsize is not given, a tab size of 8 characters is assumed.
    pub fn expandtabs(cx: &mut Ctx, this: ByteString, #[kw] tabsize: Option<Value>) -> R {
        let tabsize = usize::try_from(cx.c_int_arg(tabsize, 8)?).unwrap_or(0);
        let out = pad::expandtabs(&this.data(), tabsize, Flavor::Bytes);
        let out = cx.of_text(out).map_err(|_| cx.overflow_error("result too long"))?;
        this.result(cx, &out)
    }

    /// Return a copy of the bytes with all ASCII characters converted to uppercase.
    pub fn upper(cx: &mut Ctx, this: ByteString) -> R {
        this.result(cx, &this.data().to_ascii_uppercase())
    }

    /// Return a copy of the bytes with all ASCII characters converted to lowercase.
    pub fn lower(cx: &mut Ctx, this: ByteString) -> R {
        this.result(cx, &this.data().to_ascii_lowercase())
    }

    /// Return a copy of the bytes with ASCII uppercase characters converted to lowercase and vice versa.
    pub fn swapcase(cx: &mut Ctx, this: ByteString) -> R {
        this.result(cx, &case::swapcase_bytes(&this.data()))
    }

    /// Return a copy of the bytes with only its first character capitalized (ASCII) and the rest lower-cased.
    pub fn capitalize(cx: &mut Ctx, this: ByteString) -> R {
        this.result(cx, &case::capitalize_bytes(&this.data()))
    }

    /// Return a titlecased version of the bytes, i.e. ASCII words start with uppercase characters, all remaining
    /// cased characters have lowercase.
    pub fn title(cx: &mut Ctx, this: ByteString) -> R {
        this.result(cx, &case::title_bytes(&this.data()))
    }

    fn all(this: ByteString, test: impl Fn(u8) -> bool) -> bool {
        let data = this.data();
        !data.is_empty() && data.iter().all(|b| test(*b))
    }

    /// Return True if all characters in the bytes are alphabetic and there is at least one character, False otherwise.
    pub fn isalpha(this: ByteString) -> bool {
        all(this, |b| b.is_ascii_alphabetic())
    }

    /// Return True if all characters in the bytes are alphanumeric and there is at least one character, False
    /// otherwise.
    pub fn isalnum(this: ByteString) -> bool {
        all(this, |b| b.is_ascii_alphanumeric())
    }

    /// Return True if all characters in the bytes are digits and there is at least one character, False otherwise.
    pub fn isdigit(this: ByteString) -> bool {
        all(this, |b| b.is_ascii_digit())
    }

    /// Return True if all characters in the bytes are whitespace and there is at least one character, False otherwise.
    pub fn isspace(this: ByteString) -> bool {
        all(this, is_byte_space)
    }

    /// Return True if the bytes is empty or all characters are ASCII, False otherwise.
    pub fn isascii(this: ByteString) -> bool {
        this.data().is_ascii()
    }

    /// Return True if all cased characters are lowercase and there is at least one cased character, False otherwise.
    pub fn islower(this: ByteString) -> bool {
        let data = this.data();
        data.iter().any(u8::is_ascii_lowercase) && !data.iter().any(u8::is_ascii_uppercase)
    }

    /// Return True if all cased characters are uppercase and there is at least one cased character, False otherwise.
    pub fn isupper(this: ByteString) -> bool {
        let data = this.data();
        data.iter().any(u8::is_ascii_uppercase) && !data.iter().any(u8::is_ascii_lowercase)
    }

    /// Return True if the bytes is titlecased and there is at least one character, False otherwise.
    ///
    /// Uppercase characters may only follow uncased characters and lowercase characters only cased ones.
    pub fn istitle(this: ByteString) -> bool {
        case::istitle_bytes(&this.data())
    }
}
