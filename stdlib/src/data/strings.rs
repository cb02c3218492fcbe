//! _string and _sampling: what string and random need from Rust.

use conc_macros::module;

/// String helper module
#[module(name = "_string")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::string::Str;
    use conc_interpreter::text::template::{Accessor, First, Parser, split_name};
    use conc_interpreter::value::Value;

    /// Take a format string apart: a list of (literal, field name, format spec, conversion).
    pub fn formatter_parser(cx: &mut Ctx, string: Value) -> R {
        let Some(s) = string.cast::<Str>() else {
            let got = cx.type_name(string);
            return Err(cx.type_error(format!("expected str, got {got}")));
        };
        let list = cx.new_list();
        for part in Parser::new(s.as_bytes()) {
            let part = match part {
                Ok(part) => part,
                Err(fault) => return Err(cx.fault(fault)),
            };
            let literal = cx.new_wtf8(part.literal).value();
            let row = match part.field {
                None => cx.tuple(&[literal, Value::NONE, Value::NONE, Value::NONE])?,
                Some(field) => {
                    let (name, spec) = (cx.new_wtf8(field.name).value(), cx.new_wtf8(field.spec).value());
                    let conversion = match field.conversion {
                        Some(code) => cx.code_point_str(code).value(),
                        None => Value::NONE,
                    };
                    cx.tuple(&[literal, name, spec, conversion])?
                }
            };
            cx.list_push(list, row)?;
        }
        Ok(list.value())
    }

    /// Take a field name apart: what comes first, and a list of (is attribute, name or index).
    pub fn formatter_field_name_split(cx: &mut Ctx, string: Value) -> R {
        let Some(s) = string.cast::<Str>() else {
            let got = cx.type_name(string);
            return Err(cx.type_error(format!("expected str, got {got}")));
        };
        let (first, rest) = match split_name(s.as_bytes()) {
            Ok(split) => split,
            Err(fault) => return Err(cx.fault(fault)),
        };
        let first = match first {
            First::Auto => cx.str(""),
            First::Index(i) => cx.int(i as i64),
            First::Key(key) => cx.new_wtf8(key).value(),
        };
        let list = cx.new_list();
        for accessor in rest {
            let (attribute, name) = match accessor {
                Ok(Accessor::Attribute(name)) => (true, cx.new_wtf8(name).value()),
                Ok(Accessor::Index(i)) => (false, cx.int(i as i64)),
                Ok(Accessor::Key(key)) => (false, cx.new_wtf8(key).value()),
                Err(fault) => return Err(cx.fault(fault)),
            };
            let step = cx.tuple(&[Value::bool(attribute), name])?;
            cx.list_push(list, step)?;
        }
        cx.tuple(&[first, list.value()])
    }
}

/// Seeds from texts, and draws made in one go.
#[module(name = "_sampling")]
pub mod sampling {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::value::Value;
    use dashu_int::{IBig, UBig};
    use sha2::{Digest, Sha512};

    /// The int whose big-endian digits are the data followed by its SHA-512 digest.
    pub fn seed_from_bytes(cx: &mut Ctx, data: Value) -> R {
        let mut bytes = cx.byte_vec(data)?;
        let digest = Sha512::digest(&bytes);
        bytes.extend_from_slice(&digest);
        Ok(cx.big(&IBig::from(UBig::from_be_bytes(&bytes))))
    }

    /// Bytes from the system's randomness.
    pub fn urandom(cx: &mut Ctx, size: i64) -> R {
        crate::os::entropy::random_bytes(cx, size)
    }
}
