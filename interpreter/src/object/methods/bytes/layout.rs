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

    /// Pad on the right with the fill byte until the length is width.
    pub fn ljust(cx: &mut Ctx, this: ByteString, width: i64, fillchar: Option<Value>) -> R {
        padded(cx, this, width, fillchar, ("ljust", pad::ljust))
    }

    /// Pad on the left with the fill byte until the length is width.
    pub fn rjust(cx: &mut Ctx, this: ByteString, width: i64, fillchar: Option<Value>) -> R {
        padded(cx, this, width, fillchar, ("rjust", pad::rjust))
    }

    /// Pad on both sides with the fill byte until the length is width.
    pub fn center(cx: &mut Ctx, this: ByteString, width: i64, fillchar: Option<Value>) -> R {
        padded(cx, this, width, fillchar, ("center", pad::center))
    }

    /// Pad with zeros on the left, after a sign if there is one, until the length is width; nothing is cut off.
    pub fn zfill(cx: &mut Ctx, this: ByteString, width: i64) -> R {
        let (data, width) = (this.data(), usize::try_from(width).unwrap_or(0));
        if width <= data.len() {
            return this.unchanged(cx);
        }
        let out = pad::zfill(&data, width, Flavor::Bytes);
        let out = cx.of_text(out)?;
        this.result(cx, &out)
    }

    /// Replace each tab by the spaces that reach the next stop; stops are tabsize columns apart, 8 unless given.
    pub fn expandtabs(cx: &mut Ctx, this: ByteString, #[kw] tabsize: Option<Value>) -> R {
        let tabsize = usize::try_from(cx.c_int_arg(tabsize, 8)?).unwrap_or(0);
        let out = pad::expandtabs(&this.data(), tabsize, Flavor::Bytes);
        let out = cx.of_text(out).map_err(|_| cx.overflow_error("result too long"))?;
        this.result(cx, &out)
    }

    /// Give a copy in which ASCII letters are upper case.
    pub fn upper(cx: &mut Ctx, this: ByteString) -> R {
        this.result(cx, &this.data().to_ascii_uppercase())
    }

    /// Give a copy in which ASCII letters are lower case.
    pub fn lower(cx: &mut Ctx, this: ByteString) -> R {
        this.result(cx, &this.data().to_ascii_lowercase())
    }

    /// Give a copy in which each ASCII letter has the other case.
    pub fn swapcase(cx: &mut Ctx, this: ByteString) -> R {
        this.result(cx, &case::swapcase_bytes(&this.data()))
    }

    /// Give a copy that starts with an upper-case letter, every other ASCII letter being lower case.
    pub fn capitalize(cx: &mut Ctx, this: ByteString) -> R {
        this.result(cx, &case::capitalize_bytes(&this.data()))
    }

    /// Give a copy in which each run of ASCII letters starts in upper case and goes on in lower case.
    pub fn title(cx: &mut Ctx, this: ByteString) -> R {
        this.result(cx, &case::title_bytes(&this.data()))
    }

    fn all(this: ByteString, test: impl Fn(u8) -> bool) -> bool {
        let data = this.data();
        !data.is_empty() && data.iter().all(|b| test(*b))
    }

    /// Tell whether there are bytes here and all are ASCII letters.
    pub fn isalpha(this: ByteString) -> bool {
        all(this, |b| b.is_ascii_alphabetic())
    }

    /// Tell whether there are bytes here and all are ASCII letters or digits.
    pub fn isalnum(this: ByteString) -> bool {
        all(this, |b| b.is_ascii_alphanumeric())
    }

    /// Tell whether there are bytes here and all are ASCII digits.
    pub fn isdigit(this: ByteString) -> bool {
        all(this, |b| b.is_ascii_digit())
    }

    /// Tell whether there are bytes here and all are ASCII whitespace.
    pub fn isspace(this: ByteString) -> bool {
        all(this, is_byte_space)
    }

    /// Tell whether no byte is outside ASCII.
    pub fn isascii(this: ByteString) -> bool {
        this.data().is_ascii()
    }

    /// Tell whether there are ASCII letters here and none is upper case.
    pub fn islower(this: ByteString) -> bool {
        let data = this.data();
        data.iter().any(u8::is_ascii_lowercase) && !data.iter().any(u8::is_ascii_uppercase)
    }

    /// Tell whether there are ASCII letters here and none is lower case.
    pub fn isupper(this: ByteString) -> bool {
        let data = this.data();
        data.iter().any(u8::is_ascii_uppercase) && !data.iter().any(u8::is_ascii_lowercase)
    }

    /// Tell whether each run of ASCII letters starts in upper case and goes on in lower case, and there is one.
    pub fn istitle(this: ByteString) -> bool {
        case::istitle_bytes(&this.data())
    }
}
