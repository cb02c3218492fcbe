//! Widening text to a column: ljust, rjust, center, zfill and expandtabs.

use super::search::units;
use super::wtf8::Flavor;

/// Some units of filling before and after a text.
fn between(text: &[u8], fill: &[u8], left: usize, right: usize) -> Vec<u8> {
    let mut out = fill.repeat(left);
    out.extend(text);
    out.extend(fill.repeat(right));
    out
}

/// `fill` is the bytes of one unit.
pub fn ljust(text: &[u8], width: usize, fill: &[u8], flavor: Flavor) -> Vec<u8> {
    between(text, fill, 0, width.saturating_sub(units(text, flavor)))
}

pub fn rjust(text: &[u8], width: usize, fill: &[u8], flavor: Flavor) -> Vec<u8> {
    between(text, fill, width.saturating_sub(units(text, flavor)), 0)
}

/// An odd unit of filling goes left in an odd width, and right in an even one.
pub fn center(text: &[u8], width: usize, fill: &[u8], flavor: Flavor) -> Vec<u8> {
    let missing = width.saturating_sub(units(text, flavor));
    let left = missing / 2 + (missing & width & 1);
    between(text, fill, left, missing - left)
}

/// Fills with zeros, after the sign if there is one.
pub fn zfill(text: &[u8], width: usize, flavor: Flavor) -> Vec<u8> {
    let zeros = vec![b'0'; width.saturating_sub(units(text, flavor))];
    match text {
        [sign @ (b'+' | b'-'), rest @ ..] => [&[*sign], zeros.as_slice(), rest].concat(),
        _ => [zeros.as_slice(), text].concat(),
    }
}

/// Replaces every tab by the blanks up to the next multiple of `tab_size`.
pub fn expandtabs(text: &[u8], tab_size: usize, flavor: Flavor) -> Vec<u8> {
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
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_agrees_with_python() {
        assert_eq!(ljust("é".as_bytes(), 3, "ü".as_bytes(), Flavor::Str), "éüü".as_bytes());
        assert_eq!(rjust(b"abc", 2, b" ", Flavor::Bytes), b"abc");
        assert_eq!(center(b"ab", 5, b".", Flavor::Str), b"..ab.");
        assert_eq!(center(b"a", 4, b".", Flavor::Str), b".a..");
        assert_eq!(zfill(b"-7", 4, Flavor::Str), b"-007");
        assert_eq!(zfill("é".as_bytes(), 3, Flavor::Str), "00é".as_bytes());
        assert_eq!(expandtabs("é\tb\n\tc".as_bytes(), 4, Flavor::Str), "é   b\n    c".as_bytes());
        assert_eq!(expandtabs(b"a\tb", 0, Flavor::Bytes), b"ab");
    }
}
