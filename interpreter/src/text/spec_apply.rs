//! Applying a format specification to a str, an int, a float or a complex number.

use dashu_int::IBig;

use super::fault::{Fault, ensure_memory};
use super::float::{self, FloatStyle, Notation};
use super::float_bits;
use super::int::{magnitude_in_radix, to_decimal};
use super::spec::{Align, Defaults, Grouping, Sign, Spec, padding, parse, unknown_code};
use super::wtf8::{MAX_CODE_POINT, count, push_code_point, slice_chars};

fn fill(out: &mut Vec<u8>, code: u32, times: usize) {
    let mut one = Vec::with_capacity(4);
    push_code_point(&mut one, code);
    out.reserve(one.len().saturating_mul(times));
    (0..times).for_each(|_| out.extend(&one));
}

fn pad(spec: &Spec, text: &[u8]) -> Vec<u8> {
    let (left, right) = padding(spec, count(text));
    let mut out = Vec::new();
    fill(&mut out, spec.fill, left);
    out.extend(text);
    fill(&mut out, spec.fill, right);
    out
}

/// `format(str, spec)`
pub fn format_str(text: &[u8], spec_text: &[u8], type_name: &str) -> Result<Vec<u8>, Fault> {
    if spec_text.is_empty() {
        return Ok(text.to_vec());
    }
    let spec = parse(spec_text, Defaults { align: Align::Left, kind: b's', type_name })?;
    if !matches!(spec.letter(), Some(0 | b's')) || spec.kind == Some(0) {
        return Err(unknown_code(&spec, type_name));
    }
    let refused = match spec.sign {
        Some(Sign::Space) => "Space not allowed in string format specifier",
        Some(_) => "Sign not allowed in string format specifier",
        None if spec.positive_zero => "Negative zero coercion (z) not allowed in string format specifier",
        None if spec.alternate => "Alternate form (#) not allowed in string format specifier",
        None if spec.align == Align::AfterSign => "'=' alignment not allowed in string format specifier",
        None => {
            let shown = spec.precision.map_or(text, |precision| slice_chars(text, 0, precision));
            return Ok(pad(&spec, shown));
        }
    };
    Err(Fault::value(refused))
}

/// A number taken apart for padding and grouping.
struct Parts<'a> {
    negative: bool,
    prefix: &'a str,
    /// The digits that grouping applies to.
    digits: &'a str,
    /// What follows them: point, decimals, exponent, `%`, or all of `inf` and `nan`.
    rest: &'a [u8],
    /// Digits in a group.
    group: usize,
}

impl<'a> Parts<'a> {
    fn of_float(text: &'a str) -> Parts<'a> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let whole = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = unsigned.split_at_checked(whole).unwrap_or((unsigned, ""));
        Parts { negative: unsigned.len() < text.len(), prefix: "", digits, rest: rest.as_bytes(), group: 3 }
    }

    fn sign(&self, spec: &Spec) -> &'static str {
        match spec.sign {
            _ if self.negative => "-",
            Some(Sign::Plus) => "+",
            Some(Sign::Space) => " ",
            _ => "",
        }
    }

    fn write(&self, spec: &Spec) -> Vec<u8> {
        let sign = self.sign(spec);
        let fixed = sign.len() + self.prefix.len() + count(self.rest);
        let zero_padded = spec.fill == u32::from(b'0') && spec.align == Align::AfterSign;
        let least = if zero_padded { spec.width.saturating_sub(fixed) } else { 0 };
        let digits = grouped(self.digits, least, spec.grouping, self.group);
        let (left, right) = padding(spec, fixed + digits.len());
        let inner = spec.align == Align::AfterSign;
        let mut out = Vec::new();
        fill(&mut out, spec.fill, if inner { 0 } else { left });
        out.extend(sign.as_bytes());
        out.extend(self.prefix.as_bytes());
        fill(&mut out, spec.fill, if inner { left } else { 0 });
        out.extend(digits.as_bytes());
        out.extend(self.rest);
        fill(&mut out, spec.fill, right);
        out
    }
}

/// Separates the digits into groups, after zeros that widen them to `least` characters. A result never starts with
/// a separator, so it may become one character wider than that.
fn grouped(digits: &str, least: usize, grouping: Option<Grouping>, group: usize) -> String {
    if digits.is_empty() {
        return String::new();
    }
    let Some(grouping) = grouping else {
        return format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
    };
    let with_separators = |count: usize| count + (count - 1) / group;
    // The fewest digits whose grouped form is wide enough.
    let mut total = (least / (group + 1) * group).max(digits.len());
    while with_separators(total) < least {
        total += 1;
    }
    let mut out = String::with_capacity(with_separators(total));
    let zeros = std::iter::repeat_n('0', total - digits.len());
    for (index, digit) in zeros.chain(digits.chars()).enumerate() {
        if index > 0 && (total - index).is_multiple_of(group) {
            out.push(grouping.symbol());
        }
        out.push(digit);
    }
    out
}

/// `format(int, spec)`; `limit` is the digit limit of decimal conversion (0 for none).
pub fn format_int(value: &IBig, spec_text: &[u8], type_name: &str, limit: usize) -> Result<Vec<u8>, Fault> {
    if spec_text.is_empty() {
        return to_decimal(value, limit).map(String::into_bytes);
    }
    let spec = parse(spec_text, Defaults { align: Align::Right, kind: b'd', type_name })?;
    match spec.letter() {
        Some(0) if spec.kind.is_none() => write_int(value, &spec, b'd', limit),
        Some(letter @ (b'b' | b'c' | b'd' | b'o' | b'x' | b'X' | b'n')) => write_int(value, &spec, letter, limit),
        Some(b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'%') => {
            let float =
                float_bits::from_int(value).ok_or_else(|| Fault::overflow("int too large to convert to float"))?;
            write_float(float, &spec, type_name)
        }
        _ => Err(unknown_code(&spec, type_name)),
    }
}

fn write_int(value: &IBig, spec: &Spec, letter: u8, limit: usize) -> Result<Vec<u8>, Fault> {
    if spec.precision.is_some() {
        return Err(Fault::value("Precision not allowed in integer format specifier"));
    }
    if spec.positive_zero {
        return Err(Fault::value("Negative zero coercion (z) not allowed in integer format specifier"));
    }
    if letter == b'c' {
        return write_character(value, spec);
    }
    let (radix, prefix, group) = match letter {
        b'b' => (2, "0b", 4),
        b'o' => (8, "0o", 4),
        b'x' => (16, "0x", 4),
        b'X' => (16, "0X", 4),
        _ => (10, "", 3),
    };
    let mut digits = if radix == 10 { to_decimal(value, limit)? } else { magnitude_in_radix(value, radix) };
    if letter == b'X' {
        digits.make_ascii_uppercase();
    }
    let prefix = if spec.alternate { prefix } else { "" };
    let digits = digits.trim_start_matches('-');
    Ok(Parts { negative: *value < IBig::ZERO, prefix, digits, rest: &[], group }.write(spec))
}

/// The `c` type: the character with that number.
fn write_character(value: &IBig, spec: &Spec) -> Result<Vec<u8>, Fault> {
    if spec.sign.is_some() {
        return Err(Fault::value("Sign not allowed with integer format specifier 'c'"));
    }
    if spec.alternate {
        return Err(Fault::value("Alternate form (#) not allowed with integer format specifier 'c'"));
    }
    let number = i64::try_from(value).map_err(|_| Fault::overflow("Python int too large to convert to C long"))?;
    let code = u32::try_from(number).ok().filter(|code| *code <= MAX_CODE_POINT);
    let code = code.ok_or_else(|| Fault::overflow("%c arg not in range(0x110000)"))?;
    let mut rest = Vec::new();
    push_code_point(&mut rest, code);
    Ok(Parts { negative: false, prefix: "", digits: "", rest: &rest, group: 3 }.write(spec))
}

/// `format(float, spec)`
pub fn format_float(x: f64, spec_text: &[u8], type_name: &str) -> Result<Vec<u8>, Fault> {
    if spec_text.is_empty() {
        return Ok(float::repr(x).into_bytes());
    }
    let spec = parse(spec_text, Defaults { align: Align::Right, kind: 0, type_name })?;
    write_float(x, &spec, type_name)
}

fn write_float(x: f64, spec: &Spec, type_name: &str) -> Result<Vec<u8>, Fault> {
    let percent = spec.letter() == Some(b'%');
    let value = if percent { x * 100.0 } else { x };
    let mut text = float_text(value, spec, true).ok_or_else(|| unknown_code(spec, type_name))??;
    if percent {
        text.push('%');
    }
    Ok(Parts::of_float(&text).write(spec))
}

/// A float in the notation a specification asks for, before padding; `None` for a type that is no float's.
fn float_text(x: f64, spec: &Spec, point_zero: bool) -> Option<Result<String, Fault>> {
    let (notation, upper) = match spec.letter()? {
        0 if spec.kind.is_none() => (Notation::General, false),
        b'e' => (Notation::Exponent, false),
        b'E' => (Notation::Exponent, true),
        b'f' | b'%' => (Notation::Fixed, false),
        b'F' => (Notation::Fixed, true),
        b'g' | b'n' => (Notation::General, false),
        b'G' => (Notation::General, true),
        _ => return None,
    };
    let untyped = spec.kind.is_none();
    if spec.precision.is_some_and(|precision| i32::try_from(precision).is_err()) {
        return Some(Err(Fault::value("precision too big")));
    }
    if let Err(fault) = ensure_memory(spec.precision.unwrap_or(0)) {
        return Some(Err(fault));
    }
    let text = match spec.precision {
        None if untyped => untyped_text(x, spec.alternate, point_zero),
        precision => {
            let precision = precision.unwrap_or(6);
            let point_zero = untyped && point_zero;
            float::format(x, FloatStyle { notation, precision, alternate: spec.alternate, upper, point_zero })
        }
    };
    Some(Ok(if spec.positive_zero { without_negative_zero(text) } else { text }))
}

/// The shortest text; the alternate form always has a point.
fn untyped_text(x: f64, alternate: bool, point_zero: bool) -> String {
    let text = if point_zero { float::repr(x) } else { float::repr_without_point_zero(x) };
    if !alternate || text.contains('.') || !x.is_finite() {
        return text;
    }
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{mantissa}.e{exponent}"),
        None => text + ".",
    }
}

fn without_negative_zero(text: String) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(&text);
    let is_zero = !mantissa.bytes().any(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'1'..=b'9'));
    match text.strip_prefix('-') {
        Some(positive) if is_zero => positive.to_owned(),
        _ => text,
    }
}

/// `format(complex, spec)`
pub fn format_complex(real: f64, imaginary: f64, spec_text: &[u8], type_name: &str) -> Result<Vec<u8>, Fault> {
    if spec_text.is_empty() {
        return Ok(super::complex::repr(real, imaginary).into_bytes());
    }
    let spec = parse(spec_text, Defaults { align: Align::Right, kind: 0, type_name })?;
    let unknown = || unknown_code(&spec, type_name);
    if spec.letter() == Some(b'%') {
        return Err(unknown());
    }
    let real_text = float_text(real, &spec, false).ok_or_else(unknown)?;
    if spec.fill == u32::from(b'0') {
        return Err(Fault::value("Zero padding is not allowed in complex format specifier"));
    }
    if spec.align == Align::AfterSign {
        return Err(Fault::value("'=' alignment flag is not allowed in complex format specifier"));
    }
    let (real_text, imaginary_text) = (real_text?, float_text(imaginary, &spec, false).ok_or_else(unknown)??);
    let untyped = spec.kind.is_none();
    let bare = Spec { width: 0, align: Align::Left, ..spec.clone() };
    let mut body = Vec::new();
    // As in repr, a real part of plus zero goes unsaid, and otherwise the sum is in parentheses.
    let skip_real = untyped && real == 0.0 && real.is_sign_positive();
    let parentheses = untyped && !skip_real;
    if parentheses {
        body.push(b'(');
    }
    let mut imaginary_spec = bare.clone();
    if !skip_real {
        body.extend(Parts::of_float(&real_text).write(&bare));
        imaginary_spec.sign = Some(Sign::Plus);
    }
    body.extend(Parts::of_float(&imaginary_text).write(&imaginary_spec));
    body.push(b'j');
    if parentheses {
        body.push(b')');
    }
    Ok(pad(&spec, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(result: Result<Vec<u8>, Fault>) -> String {
        match result {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(fault) => fault.message.into_owned(),
        }
    }

    #[test]
    fn integers_agree_with_python() {
        let rows = [
            (1234, "08,", "0,001,234"),
            (1234, "0>10,", "000001,234"),
            (1234, "x=10,", "xxxxx1,234"),
            (-5, "=+10", "-        5"),
            (255, "#_x", "0xff"),
            (1 << 20, "#030_b", "0b001_0000_0000_0000_0000_0000"),
            (65, "05c", "0000A"),
            (3, "é>\u{663}", "éé3"),
            (3, ".2f", "3.00"),
            (3, ".2", "Precision not allowed in integer format specifier"),
            (3, "z", "Negative zero coercion (z) not allowed in integer format specifier"),
            (3, "+c", "Sign not allowed with integer format specifier 'c'"),
            (3, "#c", "Alternate form (#) not allowed with integer format specifier 'c'"),
            (-1, "c", "%c arg not in range(0x110000)"),
            (3, "s", "Unknown format code 's' for object of type 'int'"),
            (3, "\x1f", "Unknown format code '\\x1f' for object of type 'int'"),
        ];
        for (value, spec, expected) in rows {
            assert_eq!(shown(format_int(&IBig::from(value), spec.as_bytes(), "int", 4300)), expected, "{spec}");
        }
        let huge = IBig::ONE << 5000;
        assert_eq!(shown(format_int(&huge, b"f", "int", 4300)), "int too large to convert to float");
    }

    #[test]
    fn floats_agree_with_python() {
        let rows = [
            (1234567.891, "020,.2f", "0,000,001,234,567.89"),
            (1234567.891, "_", "1_234_567.891"),
            (f64::INFINITY, "010,", "0000000inf"),
            (f64::NAN, "+", "+nan"),
            (-0.001, "z.1f", "0.0"),
            (-0.001, "z.1%", "-0.1%"),
            (1e20, "#", "1.e+20"),
            (0.5, ".0%", "50%"),
            (1e15, "n", "1e+15"),
            (3.0, "d", "Unknown format code 'd' for object of type 'float'"),
            (3.0, "é", "Unknown format code '\\xe9' for object of type 'float'"),
            (3.0, ".9999999999", "precision too big"),
        ];
        for (value, spec, expected) in rows {
            assert_eq!(shown(format_float(value, spec.as_bytes(), "float")), expected, "{spec}");
        }
    }

    #[test]
    fn texts_and_complex_numbers_agree_with_python() {
        let texts = [
            ("é^7.2", "éé".to_owned() + "sé" + "ééé"),
            ("05", "sés00".into()),
            (" ", "Space not allowed in string format specifier".into()),
            ("+", "Sign not allowed in string format specifier".into()),
            ("#", "Alternate form (#) not allowed in string format specifier".into()),
            ("=5", "'=' alignment not allowed in string format specifier".into()),
            (",", "Cannot specify ',' with 's'.".into()),
            ("d", "Unknown format code 'd' for object of type 'str'".into()),
        ];
        for (spec, expected) in texts {
            assert_eq!(shown(format_str("sés".as_bytes(), spec.as_bytes(), "str")), expected, "{spec}");
        }
        let numbers = [
            (1.0, 2.0, "+", "(+1+2j)"),
            (0.0, 2.0, "6", "    2j"),
            (-0.0, 2.0, "^14.1f", "  -0.0+2.0j   "),
            (1e6, 1e6, ",", "(1,000,000+1,000,000j)"),
            (0.0, 3.0, "05", "Zero padding is not allowed in complex format specifier"),
            (0.0, 3.0, "=5", "'=' alignment flag is not allowed in complex format specifier"),
            (0.0, 3.0, "%", "Unknown format code '%' for object of type 'complex'"),
        ];
        for (real, imaginary, spec, expected) in numbers {
            assert_eq!(shown(format_complex(real, imaginary, spec.as_bytes(), "complex")), expected, "{spec}");
        }
    }
}
