//! binascii: bytes as text of hexadecimal digits or of 64 characters, and checksums.

use conc_macros::module;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The six bits of a character, else 64.
fn sextet(c: u8) -> u8 {
    match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => 64,
    }
}

/// The text of data in 64 characters.
fn encode(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len().div_ceil(3) * 4 + 1);
    for chunk in data.chunks(3) {
        let word = chunk.iter().fold(0u32, |n, &b| n << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let c = ALPHABET[(word >> (18 - 6 * i)) as usize & 63];
            out.push(if i > chunk.len() { b'=' } else { c });
        }
    }
    out
}

/// The data of a text; other characters are passed over unless `strict`. An error is its text.
fn decode(text: &[u8], strict: bool) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    // Characters of the group so far, its bits, and the padding seen.
    let (mut count, mut bits, mut pads) = (0, 0u32, 0);
    if strict && text.first() == Some(&b'=') {
        return Err("Leading padding not allowed".into());
    }
    for (i, &c) in text.iter().enumerate() {
        if c == b'=' {
            if strict && count == 0 {
                return Err("Excess padding not allowed".into());
            }
            pads += 1;
            if count >= 2 && count + pads >= 4 {
                if strict && i + 1 < text.len() {
                    return Err("Excess data after padding".into());
                }
                return Ok(out);
            }
            continue;
        }
        let value = sextet(c);
        if value == 64 {
            if strict {
                return Err("Only base64 data is allowed".into());
            }
            continue;
        }
        if strict && pads > 0 {
            return Err("Discontinuous padding not allowed".into());
        }
        pads = 0;
        bits = bits << 6 | u32::from(value);
        count = (count + 1) % 4;
        match count {
            2 => out.push((bits >> 4) as u8),
            3 => out.push((bits >> 2) as u8),
            0 => out.push(bits as u8),
            _ => {}
        }
    }
    match count {
        0 => Ok(out),
        1 => {
            let chars = out.len() / 3 * 4 + 1;
            let why = "number of data characters";
            Err(format!("Invalid base64-encoded string: {why} ({chars}) cannot be 1 more than a multiple of 4"))
        }
        _ => Err("Incorrect padding".into()),
    }
}

/// Conversion between binary data and text
#[module(name = "binascii")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R, Raised};
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::string::Str;
    use conc_interpreter::value::{Gc, Value};

    use crate::core::shared::{define, recall, remember, set_text};
    use crate::data::view::View;

    fn error(cx: &mut Ctx, message: &str) -> Raised {
        let text = cx.str(message);
        match recall(cx, "binascii.Error").map(|class| cx.call(class, &[text])) {
            Some(Ok(exc)) => {
                cx.set_context(exc);
                Raised(exc)
            }
            Some(Err(e)) => e,
            None => cx.value_error(message),
        }
    }

    /// Two hexadecimal digits for each byte, `sep` after every `bytes_per_sep` of them.
    pub fn hexlify(cx: &mut Ctx, #[kw] data: Value, #[kw] sep: Option<Value>, #[kw] bytes_per_sep: Option<i64>) -> R {
        let data = View::of(cx, data)?;
        let sep = match sep {
            None => None,
            Some(sep) => match sep.cast::<Str>() {
                Some(text) => Some(text.as_bytes().to_vec()),
                None => Some(cx.byte_vec(sep)?),
            },
        };
        let sep = match sep.as_deref() {
            None => None,
            Some(&[c]) if c.is_ascii() => Some(c),
            Some([_]) => return Err(cx.value_error("sep must be ASCII.")),
            Some(_) => return Err(cx.value_error("sep must be length 1.")),
        };
        let step = bytes_per_sep.unwrap_or(1);
        let group = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
        let mut out = Vec::with_capacity(data.len() * 3);
        for (i, byte) in data.iter().enumerate() {
            let from_end = if step > 0 { data.len() - i } else { i };
            if let Some(sep) = sep.filter(|_| i > 0 && group > 0 && from_end % group == 0) {
                out.push(sep);
            }
            out.extend_from_slice(format!("{byte:02x}").as_bytes());
        }
        cx.bytes(&out)
    }
    /// Two hexadecimal digits for each byte.
    pub fn b2a_hex(cx: &mut Ctx, #[kw] data: Value, #[kw] sep: Option<Value>, #[kw] bytes_per_sep: Option<i64>) -> R {
        hexlify(cx, data, sep, bytes_per_sep)
    }

    /// The bytes of hexadecimal digits.
    pub fn unhexlify(cx: &mut Ctx, hexstr: Value) -> R {
        let text = View::of_text(cx, hexstr)?;
        if text.len() % 2 != 0 {
            return Err(error(cx, "Odd-length string"));
        }
        let mut out = Vec::with_capacity(text.len() / 2);
        for pair in text.chunks(2) {
            let digit = |c: u8| char::from(c).to_digit(16);
            match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => out.push((high << 4 | low) as u8),
                _ => return Err(error(cx, "Non-hexadecimal digit found")),
            }
        }
        cx.bytes(&out)
    }
    /// The bytes of hexadecimal digits.
    pub fn a2b_hex(cx: &mut Ctx, hexstr: Value) -> R {
        unhexlify(cx, hexstr)
    }

    /// Data as a line of 64 characters.
    pub fn b2a_base64(
        cx: &mut Ctx,
        data: Value,
        #[kwonly]
        #[default(true)]
        newline: bool,
    ) -> R {
        let data = View::of(cx, data)?;
        let mut out = super::encode(&data);
        if newline {
            out.push(b'\n');
        }
        cx.bytes(&out)
    }

    /// The data of a text of 64 characters.
    pub fn a2b_base64(
        cx: &mut Ctx,
        data: Value,
        #[kwonly]
        #[default(false)]
        strict_mode: bool,
    ) -> R {
        let text = View::of_text(cx, data)?;
        match super::decode(&text, strict_mode) {
            Ok(data) => cx.bytes(&data),
            Err(message) => Err(error(cx, &message)),
        }
    }

    /// The CRC-32 of data, going on from `crc`.
    pub fn crc32(cx: &mut Ctx, data: Value, #[default(0)] crc: i64) -> R<i64> {
        let data = View::of(cx, data)?;
        let mut hasher = crc32fast::Hasher::new_with_initial(crc as u32);
        hasher.update(&data);
        Ok(hasher.finalize().into())
    }

    /// The CRC of data with the polynomial x^16 + x^12 + x^5 + 1, going on from `crc`.
    pub fn crc_hqx(cx: &mut Ctx, data: Value, crc: i64) -> R<i64> {
        let data = View::of(cx, data)?;
        let mut crc = crc as u16;
        for &byte in data.iter() {
            crc ^= u16::from(byte) << 8;
            for _ in 0..8 {
                crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
            }
        }
        Ok(crc.into())
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for (name, base) in [("Error", ClassId::ValueError), ("Incomplete", ClassId::Exception)] {
            let base = cx.class(base).value();
            let bases = cx.tuple(&[base])?;
            let dict = cx.new_dict();
            let home = cx.str("binascii");
            set_text(cx, dict, "__module__", home);
            let meta = cx.class(ClassId::Type).value();
            let title = cx.str(name);
            let class = cx.call(meta, &[title, bases, dict.value()])?;
            remember(cx, &format!("binascii.{name}"), class);
            define(cx, module, name, class);
        }
        Ok(())
    }
}
