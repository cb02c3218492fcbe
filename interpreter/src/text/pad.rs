//! Widening text to a column: ljust, rjust, center, zfill and expandtabs.

use super::fault::{Fault, ensure_memory};
use super::search::units;
use super::wtf8::Flavor;

/// Some units of filling before and after a text.
fn between(text: &[u8], fill: &[u8], left: usize, right: usize) -> Result<Vec<u8>, Fault> {
    ensure_memory(left.saturating_add(right).saturating_mul(fill.len()).saturating_add(text.len()))?;
    let mut out = fill.repeat(left);
    out.extend(text);
    out.extend(fill.repeat(right));
    Ok(out)
}

/// `fill` is the bytes of one unit.
pub fn ljust(text: &[u8], width: usize, fill: &[u8], flavor: Flavor) -> Result<Vec<u8>, Fault> {
    between(text, fill, 0, width.saturating_sub(units(text, flavor)))
}

pub fn rjust(text: &[u8], width: usize, fill: &[u8], flavor: Flavor) -> Result<Vec<u8>, Fault> {
    between(text, fill, width.saturating_sub(units(text, flavor)), 0)
}

/// An odd unit of filling goes left in an odd width, and right in an even one.
pub fn center(text: &[u8], width: usize, fill: &[u8], flavor: Flavor) -> Result<Vec<u8>, Fault> {
    let missing = width.saturating_sub(units(text, flavor));
    let left = missing / 2 + (missing & width & 1);
    between(text, fill, left, missing - left)
}

/// Fills with zeros, after the sign if there is one.
pub fn zfill(text: &[u8], width: usize, flavor: Flavor) -> Result<Vec<u8>, Fault> {
    ensure_memory(width)?;
    let zeros = vec![b'0'; width.saturating_sub(units(text, flavor))];
    Ok(match text {
        [sign @ (b'+' | b'-'), rest @ ..] => [&[*sign], zeros.as_slice(), rest].concat(),
        _ => [zeros.as_slice(), text].concat(),
    })
}

/// Replaces every tab by the blanks up to the next multiple of `tab_size`.
pub fn expandtabs(text: &[u8], tab_size: usize, flavor: Flavor) -> Result<Vec<u8>, Fault> {
    let tabs = memchr::memchr_iter(b'\t', text).count();
    ensure_memory(tabs.saturating_mul(tab_size).saturating_add(text.len()))?;
    let mut out = Vec::with_capacity(text.len());
    let mut column = 0_usize;
    let mut push = |byte: u8, starts_unit: bool| match byte {
        b'\t' => {
            let blanks = column.checked_rem(tab_size).map_or(0, |past| tab_size - past);
            out.extend(std::iter::repeat_n(b' ', blanks));
            column += blanks;
        }
        _ => {
            out.push(byte);
            column = if matches!(byte, b'\n' | b'\r') { 0 } else { column + usize::from(starts_unit) };
        }
    };
    let continues = |byte: u8| flavor == Flavor::Str && byte & 0xC0 == 0x80;
    text.iter().for_each(|byte| push(*byte, !continues(*byte)));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_agrees_with_python() {
        assert_eq!(ljust("é".as_bytes(), 3, "ü".as_bytes(), Flavor::Str).as_deref(), Ok("éüü".as_bytes()));
        assert_eq!(rjust(b"abc", 2, b" ", Flavor::Bytes).as_deref(), Ok(&b"abc"[..]));
        assert_eq!(center(b"ab", 5, b".", Flavor::Str).as_deref(), Ok(&b"..ab."[..]));
        assert_eq!(center(b"a", 4, b".", Flavor::Str).as_deref(), Ok(&b".a.."[..]));
        assert_eq!(zfill(b"-7", 4, Flavor::Str).as_deref(), Ok(&b"-007"[..]));
        assert_eq!(zfill("é".as_bytes(), 3, Flavor::Str).as_deref(), Ok("00é".as_bytes()));
        assert_eq!(expandtabs("é\tb\n\tc".as_bytes(), 4, Flavor::Str).as_deref(), Ok("é   b\n    c".as_bytes()));
        assert_eq!(expandtabs(b"a\tb", 0, Flavor::Bytes).as_deref(), Ok(&b"ab"[..]));
        assert!(ljust(b"a", usize::MAX, b" ", Flavor::Bytes).is_err());
    }
}
