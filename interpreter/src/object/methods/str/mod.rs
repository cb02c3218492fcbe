//! str: construction and special methods; the named methods are in the files beside.

use conc_macros::methods;

use crate::object::methods::support::comparisons;
use crate::object::string::Str;
use crate::value::Gc;

pub mod case;
pub mod layout;
pub mod search;
pub mod split;
pub mod translate;

comparisons!(order, Gc<Str>, |_, this, value| value.is_a::<Str>().then(|| this.value()));

/// The special methods of str.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::kind::ClassId;
    use crate::object::string::Str;
    use crate::text::spec_apply;
    use crate::value::{Gc, Value};

    /// Make a text: of what the object's `__str__` gives, or of bytes in an encoding if that or errors is given.
    #[static_method]
    #[name = "__new__"]
    pub fn new(
        cx: &mut Ctx,
        cls: Value,
        #[kw] object: Option<Value>,
        #[kw] encoding: Option<Value>,
        #[kw] errors: Option<Value>,
    ) -> R {
        let class = cx.class_for_new(cls, ClassId::Str)?;
        let encoding = cx.str_arg_opt(encoding, "str() argument 'encoding'")?;
        let errors = cx.str_arg_opt(errors, "str() argument 'errors'")?;
        let Some(object) = object else { return cx.new_str_of(class, b"") };
        let text = if encoding.is_none() && errors.is_none() {
            cx.to_str(object)?
        } else {
            cx.decode_object(object, encoding, errors)?
        };
        if class.id == ClassId::Str as u32 {
            return Ok(text.value());
        }
        cx.new_str_of(class, text.as_bytes())
    }

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Gc<Str>) -> R<Gc<Str>> {
        let text = crate::text::quote::repr_str(this.as_bytes());
        cx.try_wtf8(&text)
    }

    /// Give the text that str() shows.
    pub fn __str__(cx: &mut Ctx, this: Gc<Str>) -> Gc<Str> {
        cx.plain_str(this)
    }

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Gc<Str>) -> i64 {
        cx.hash_str(this) as i64
    }

    /// Tell how many items there are.
    pub fn __len__(this: Gc<Str>) -> usize {
        this.len()
    }

    /// Give the item at the key.
    pub fn __getitem__(cx: &mut Ctx, this: Gc<Str>, key: Value) -> R {
        cx.native_get_item(this.value(), key)
    }

    /// Tell whether the key is in self.
    pub fn __contains__(cx: &mut Ctx, this: Gc<Str>, key: Value) -> R<bool> {
        Ok(cx.native_contains(this.value(), key)? == Some(true))
    }

    /// Give an iterator over the items.
    pub fn __iter__(cx: &mut Ctx, this: Gc<Str>) -> R {
        match cx.native_iter(this.value()) {
            Some(it) => Ok(it),
            None => cx.iter(this.value()),
        }
    }

    /// Give self + value.
    pub fn __add__(cx: &mut Ctx, this: Gc<Str>, value: Value) -> R {
        match value.cast::<Str>() {
            Some(other) => cx.concat(this, other),
            None => {
                let got = cx.type_name(value);
                Err(cx.type_error(format!("can only concatenate str (not \"{got}\") to str")))
            }
        }
    }

    /// Give self * value.
    pub fn __mul__(cx: &mut Ctx, this: Gc<Str>, value: Value) -> R {
        cx.repeat_by(this.value(), value)
    }

    /// Give value * self, when value itself has no answer.
    pub fn __rmul__(cx: &mut Ctx, this: Gc<Str>, value: Value) -> R {
        cx.repeat_by(this.value(), value)
    }

    /// Give self % value.
    pub fn __mod__(cx: &mut Ctx, this: Gc<Str>, value: Value) -> R {
        Ok(cx.percent_str(this, value)?.value())
    }

    /// Give value % self, when value itself has no answer.
    pub fn __rmod__(cx: &mut Ctx, this: Gc<Str>, value: Value) -> R {
        match value.cast::<Str>() {
            Some(format) => Ok(cx.percent_str(format, this.value())?.value()),
            None => Ok(Value::NOT_IMPLEMENTED),
        }
    }

    /// Give the text in the layout that format_spec describes.
    pub fn __format__(cx: &mut Ctx, this: Gc<Str>, format_spec: Value) -> R<Gc<Str>> {
        let spec = cx.format_spec(format_spec)?;
        if spec.is_empty() {
            return if cx.exact_str(this.value()).is_some() { Ok(this) } else { cx.to_str(this.value()) };
        }
        let name = cx.type_name(this.value());
        let text = spec_apply::format_str(this.as_bytes(), spec.as_bytes(), &name);
        let text = cx.of_text(text)?;
        if text == this.as_bytes() { Ok(this) } else { cx.try_wtf8(&text) }
    }

    /// Arguments for `__new__` that make an equal string: used by copy and pickle.
    pub fn __getnewargs__(cx: &mut Ctx, this: Gc<Str>) -> R {
        let plain = cx.plain_str(this);
        cx.tuple(&[plain.value()])
    }

    /// Tell how much memory the text takes, in bytes.
    pub fn __sizeof__(this: Gc<Str>) -> usize {
        if this.is_ascii() {
            return 41 + this.len();
        }
        let widest = crate::text::wtf8::code_points(this.as_bytes()).max().unwrap_or(0);
        let unit = if widest < 0x100 {
            1
        } else if widest < 0x1_0000 {
            2
        } else {
            4
        };
        56 + (this.len() + 1) * unit
    }

    impl Ctx {
        /// The same text as an exact str.
        pub fn plain_str(&mut self, s: Gc<Str>) -> Gc<Str> {
            if self.exact_str(s.value()).is_some() {
                return s;
            }
            self.sub_bytes(s, 0, s.bytes as usize)
        }

        /// A method's result as a str: the receiver itself if nothing has changed.
        pub fn changed_str(&mut self, s: Gc<Str>, text: &[u8]) -> R<Gc<Str>> {
            if text == s.as_bytes() { Ok(self.plain_str(s)) } else { self.try_wtf8(text) }
        }

        /// `sequence * count` with any index as the count.
        pub fn repeat_by(&mut self, sequence: Value, count: Value) -> R {
            let count = self.index(count)?;
            self.repeat(sequence, count)
        }
    }
}
