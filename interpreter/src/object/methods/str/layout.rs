//! str: padding and formatting.

use conc_macros::methods;

/// Layout methods of str.
#[methods]
pub mod methods {
    use crate::native::{Ctx, Kwargs, R};
    use crate::object::string::Str;
    use crate::text::fault::Fault;
    use crate::text::pad;
    use crate::text::wtf8::Flavor;
    use crate::value::{Gc, Value};

    type Pad = fn(&[u8], usize, &[u8], Flavor) -> Result<Vec<u8>, Fault>;

    fn padded(cx: &mut Ctx, this: Gc<Str>, width: i64, fill: Option<Value>, pad: Pad) -> R<Gc<Str>> {
        let width = usize::try_from(width).unwrap_or(0);
        let fill = match fill {
            None => cx.char_str(b' '),
            Some(fill) => match fill.cast::<Str>() {
                Some(s) if s.len() == 1 => s,
                Some(_) => return Err(cx.type_error("The fill character must be exactly one character long")),
                None => {
                    let got = cx.type_name(fill);
                    return Err(cx.type_error(format!("The fill character must be a unicode character, not {got}")));
                }
            },
        };
        if width <= this.len() {
            return Ok(cx.plain_str(this));
        }
        let text = pad(this.as_bytes(), width, fill.as_bytes(), Flavor::Str);
        let text = cx.of_text(text)?;
        cx.try_wtf8(&text)
    }

    /// Pad on the right with fillchar until the text is width characters long.
    pub fn ljust(cx: &mut Ctx, this: Gc<Str>, width: i64, fillchar: Option<Value>) -> R<Gc<Str>> {
        padded(cx, this, width, fillchar, pad::ljust)
    }

    /// Pad on the left with fillchar until the text is width characters long.
    pub fn rjust(cx: &mut Ctx, this: Gc<Str>, width: i64, fillchar: Option<Value>) -> R<Gc<Str>> {
        padded(cx, this, width, fillchar, pad::rjust)
    }

    /// Pad on both sides with fillchar until the text is width characters long.
    pub fn center(cx: &mut Ctx, this: Gc<Str>, width: i64, fillchar: Option<Value>) -> R<Gc<Str>> {
        padded(cx, this, width, fillchar, pad::center)
    }

    /// Pad with zeros on the left, after a sign if there is one, until the text is width long; nothing is cut off.
    pub fn zfill(cx: &mut Ctx, this: Gc<Str>, width: i64) -> R<Gc<Str>> {
        let width = usize::try_from(width).unwrap_or(0);
        if width <= this.len() {
            return Ok(cx.plain_str(this));
        }
        let text = pad::zfill(this.as_bytes(), width, Flavor::Str);
        let text = cx.of_text(text)?;
        cx.try_wtf8(&text)
    }

    /// Replace each tab by the spaces that reach the next stop; stops are tabsize columns apart, 8 unless given.
    pub fn expandtabs(cx: &mut Ctx, this: Gc<Str>, #[kw] tabsize: Option<Value>) -> R<Gc<Str>> {
        let tabsize = usize::try_from(cx.c_int_arg(tabsize, 8)?).unwrap_or(0);
        let text = pad::expandtabs(this.as_bytes(), tabsize, Flavor::Str);
        let text = cx.of_text(text).map_err(|_| cx.overflow_error("new string is too long"))?;
        cx.try_wtf8(&text)
    }

    /// Fill in the fields in braces, from the arguments.
    pub fn format(cx: &mut Ctx, this: Gc<Str>, args: &[Value], kwargs: Kwargs) -> R<Gc<Str>> {
        cx.format_template(this, Some(args), kwargs.0.map(|dict| dict.value()))
    }

    /// Fill in the fields in braces, from the mapping.
    pub fn format_map(cx: &mut Ctx, this: Gc<Str>, mapping: Value) -> R<Gc<Str>> {
        cx.format_template(this, None, Some(mapping))
    }
}
