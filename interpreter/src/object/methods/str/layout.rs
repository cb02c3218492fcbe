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

    /// Return a left-justified string of length width.
    ///
    /// Padding is done using the specified fill character (default is a space).
    pub fn ljust(cx: &mut Ctx, this: Gc<Str>, width: i64, fillchar: Option<Value>) -> R<Gc<Str>> {
        padded(cx, this, width, fillchar, pad::ljust)
    }

    /// Return a right-justified string of length width.
    ///
    /// Padding is done using the specified fill character (default is a space).
    pub fn rjust(cx: &mut Ctx, this: Gc<Str>, width: i64, fillchar: Option<Value>) -> R<Gc<Str>> {
        padded(cx, this, width, fillchar, pad::rjust)
    }

    /// Return a centered string of length width.
    ///
    /// Padding is done using the specified fill character (default is a space).
    pub fn center(cx: &mut Ctx, this: Gc<Str>, width: i64, fillchar: Option<Value>) -> R<Gc<Str>> {
        padded(cx, this, width, fillchar, pad::center)
    }

    /// Pad a numeric string with zeros on the left, to fill a field of the given width.
    ///
    /// The string is never truncated.
    pub fn zfill(cx: &mut Ctx, this: Gc<Str>, width: i64) -> R<Gc<Str>> {
        let width = usize::try_from(width).unwrap_or(0);
        if width <= this.len() {
            return Ok(cx.plain_str(this));
        }
        let text = pad::zfill(this.as_bytes(), width, Flavor::Str);
        let text = cx.of_text(text)?;
        cx.try_wtf8(&text)
    }

    /// Return a copy where all tab characters are expanded using spaces.
    ///
    /// If tabsize is not given, a tab size of 8 characters is assumed.
    pub fn expandtabs(cx: &mut Ctx, this: Gc<Str>, #[kw] tabsize: Option<Value>) -> R<Gc<Str>> {
        let tabsize = usize::try_from(cx.c_int_arg(tabsize, 8)?).unwrap_or(0);
        let text = pad::expandtabs(this.as_bytes(), tabsize, Flavor::Str);
        let text = cx.of_text(text).map_err(|_| cx.overflow_error("new string is too long"))?;
        cx.try_wtf8(&text)
    }

    /// Return a formatted version of the string, using substitutions from args and kwargs.
    ///
    /// The substitutions are identified by braces ('{' and '}').
    pub fn format(cx: &mut Ctx, this: Gc<Str>, args: &[Value], kwargs: Kwargs) -> R<Gc<Str>> {
        cx.format_template(this, Some(args), kwargs.0.map(|dict| dict.value()))
    }

    /// Return a formatted version of the string, using substitutions from mapping.
    ///
    /// The substitutions are identified by braces ('{' and '}').
    pub fn format_map(cx: &mut Ctx, this: Gc<Str>, mapping: Value) -> R<Gc<Str>> {
        cx.format_template(this, None, Some(mapping))
    }
}
