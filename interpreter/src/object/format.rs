//! `str.format`: filling templates with arguments, their attributes and items.

use crate::native::{Ctx, R};
use crate::object::string::Str;
use crate::text::quote;
use crate::text::template::{self, Accessor, First, Numbering, Parser};
use crate::value::{Gc, Value};

/// Where a template's fields get their values.
struct Source<'a> {
    /// None: the template may not number its fields (`format_map`).
    args: Option<&'a [Value]>,
    kwargs: Option<Value>,
    numbering: Numbering,
}

impl Ctx {
    /// `template.format(*args, **kwargs)`; without `args`, `template.format_map(kwargs)`.
    pub fn format_template(&mut self, template: Gc<Str>, args: Option<&[Value]>, kwargs: Option<Value>) -> R<Gc<Str>> {
        if !template.is_empty() && memchr::memchr2(b'{', b'}', template.as_bytes()).is_none() {
            return Ok(template);
        }
        let mut source = Source { args, kwargs, numbering: Numbering::default() };
        let mut out = Vec::new();
        self.fill_template(template.as_bytes(), &mut source, template::MAX_DEPTH, &mut out)?;
        self.try_wtf8(&out)
    }

    fn fill_template(&mut self, text: &[u8], source: &mut Source<'_>, depth: usize, out: &mut Vec<u8>) -> R<()> {
        if depth == 0 {
            return Err(self.fault(template::too_deep()));
        }
        for part in Parser::new(text) {
            let part = self.of_text(part)?;
            out.extend_from_slice(part.literal);
            let Some(field) = part.field else { continue };
            let mut value = self.field_value(field.name, source)?;
            if let Some(conversion) = field.conversion {
                value = self.field_conversion(value, conversion)?;
            }
            let mut nested = Vec::new();
            let spec = if field.nested {
                self.fill_template(field.spec, source, depth - 1, &mut nested)?;
                &nested
            } else {
                field.spec
            };
            let spec = self.try_wtf8(spec)?;
            let shown = self.format(value, Some(spec))?;
            out.extend_from_slice(shown.as_bytes());
            self.poll()?;
        }
        Ok(())
    }

    fn field_value(&mut self, name: &[u8], source: &mut Source<'_>) -> R {
        let split = template::split_name(name);
        let (first, accessors) = self.of_text(split)?;
        let index = source.numbering.resolve(first);
        let mut value = match (self.of_text(index)?, first) {
            (Some(index), _) => self.field_argument(index, source)?,
            (None, First::Key(key)) => self.field_keyword(key, source)?,
            (None, _) => Value::NONE,
        };
        for accessor in accessors {
            value = match self.of_text(accessor)? {
                Accessor::Attribute(name) => {
                    let name = self.intern_bytes(name);
                    self.get_attr(value, name)?
                }
                Accessor::Index(index) => {
                    let index = self.int(index as i64);
                    self.get_item(value, index)?
                }
                Accessor::Key(key) => {
                    let key = self.new_wtf8(key);
                    self.get_item(value, key.value())?
                }
            };
        }
        Ok(value)
    }

    fn field_argument(&mut self, index: usize, source: &Source<'_>) -> R {
        let Some(args) = source.args else {
            return Err(self.value_error("Format string contains positional fields"));
        };
        match args.get(index) {
            Some(value) => Ok(*value),
            None => Err(self.index_error(format!("Replacement index {index} out of range for positional args tuple"))),
        }
    }

    fn field_keyword(&mut self, key: &[u8], source: &Source<'_>) -> R {
        let key = self.new_wtf8(key).value();
        match source.kwargs {
            Some(kwargs) => self.get_item(kwargs, key),
            None => Err(self.key_error(key)),
        }
    }

    /// `!r`, `!s`, `!a`
    fn field_conversion(&mut self, value: Value, conversion: u32) -> R {
        let shown = match u8::try_from(conversion) {
            Ok(b'r') => self.repr(value)?,
            Ok(b's') => self.to_str(value)?,
            Ok(b'a') => self.ascii(value)?,
            _ => return Err(self.fault(template::Field::unknown_conversion(conversion))),
        };
        Ok(shown.value())
    }

    /// `ascii(v)`
    pub fn ascii(&mut self, v: Value) -> R<Gc<Str>> {
        let shown = self.repr(v)?;
        if shown.is_ascii() {
            return Ok(shown);
        }
        let text = quote::ascii_only(shown.as_bytes());
        self.try_wtf8(&text)
    }
}
