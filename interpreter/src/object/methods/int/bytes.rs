//! int: to and from bytes.

use conc_macros::methods;

/// Byte conversions of int.
#[methods]
pub mod methods {
    use dashu_base::{Sign, UnsignedAbs};
    use dashu_int::{IBig, UBig};

    use crate::native::{Ctx, R};
    use crate::object::class::Class;
    use crate::object::kind::ClassId;
    use crate::object::methods::support::IntValue;
    use crate::value::{Gc, Value};

    /// Whether a byte order is little-endian.
    fn is_little(cx: &mut Ctx, order: Option<Value>, name: &str) -> R<bool> {
        let Some(order) = order else { return Ok(false) };
        let order = cx.str_arg(order, &format!("{name}() argument 'byteorder'"))?;
        if order.eq_text("little") {
            Ok(true)
        } else if order.eq_text("big") {
            Ok(false)
        } else {
            Err(cx.value_error("byteorder must be either 'little' or 'big'"))
        }
    }

    /// Give the int as bytes, length of them.
    ///
    /// byteorder 'big' puts the most significant byte first, 'little' last. Negative numbers need signed, and are
    /// written
    /// in two's complement. A number that does not fit raises OverflowError.
    pub fn to_bytes(
        cx: &mut Ctx,
        this: IntValue,
        #[kw]
        #[default(1)]
        length: i64,
        #[kw] byteorder: Option<Value>,
        #[kwonly]
        #[default(false)]
        signed: bool,
    ) -> R {
        let little = is_little(cx, byteorder, "to_bytes")?;
        let Ok(length) = usize::try_from(length) else {
            return Err(cx.value_error("length argument must be non-negative"));
        };
        let n = cx.as_int(this.0).unwrap_or(IBig::ZERO);
        let negative = n.sign() == Sign::Negative;
        if negative && !signed {
            return Err(cx.overflow_error("can't convert negative int to unsigned"));
        }
        cx.ensure_memory(length, 2)?;
        // Two's complement of a negative number is the complement of what is one less in magnitude.
        let magnitude = if negative { (!n).unsigned_abs() } else { n.unsigned_abs() };
        let mut bytes = magnitude.to_le_bytes().to_vec();
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        let sign_bit_taken = signed && bytes.len() == length && bytes.last().is_some_and(|b| *b >= 0x80);
        let no_room = signed && negative && length == 0;
        if bytes.len() > length || sign_bit_taken || no_room {
            return Err(cx.overflow_error("int too big to convert"));
        }
        bytes.resize(length, 0);
        if negative {
            bytes.iter_mut().for_each(|b| *b = !*b);
        }
        if !little {
            bytes.reverse();
        }
        cx.bytes(&bytes)
    }

    /// Give the int that the bytes spell.
    ///
    /// byteorder 'big' means that the most significant byte comes first, 'little' that it comes last. With signed they
    /// are
    /// read in two's complement. Any bytes-like object will do, and so will an iterable of ints below 256.
    #[class_method]
    pub fn from_bytes(
        cx: &mut Ctx,
        cls: Gc<Class>,
        #[kw] bytes: Value,
        #[kw] byteorder: Option<Value>,
        #[kwonly]
        #[default(false)]
        signed: bool,
    ) -> R {
        let little = is_little(cx, byteorder, "from_bytes")?;
        let mut data = cx.bytes_of_object(bytes, "bytes")?;
        if !little {
            data.reverse();
        }
        let magnitude = UBig::from_le_bytes(&data);
        let mut n = IBig::from(magnitude);
        if signed && data.last().is_some_and(|b| *b >= 0x80) {
            n -= IBig::ONE << (data.len() * 8);
        }
        let n = cx.big(&n);
        if cls.id == ClassId::Int as u32 { Ok(n) } else { cx.call(cls.value(), &[n]) }
    }
}
