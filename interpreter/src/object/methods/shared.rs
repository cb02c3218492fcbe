//! Special methods that several builtin types share: each asks the native struct of its receiver.

use conc_macros::methods;

/// The six comparisons.
#[methods]
pub mod comparing {
    use crate::native::{Ctx, R};
    use crate::object::compare::CompareOp;
    use crate::value::Value;

    /// Tell whether self is less than value.
    pub fn __lt__(cx: &mut Ctx, this: Value, value: Value) -> R {
        cx.native_compare(CompareOp::Lt, this, value)
    }
    /// Tell whether self is less than value or equal to it.
    pub fn __le__(cx: &mut Ctx, this: Value, value: Value) -> R {
        cx.native_compare(CompareOp::Le, this, value)
    }
    /// Tell whether self and value are equal.
    pub fn __eq__(cx: &mut Ctx, this: Value, value: Value) -> R {
        cx.native_compare(CompareOp::Eq, this, value)
    }
    /// Tell whether self and value differ.
    pub fn __ne__(cx: &mut Ctx, this: Value, value: Value) -> R {
        cx.native_compare(CompareOp::Ne, this, value)
    }
    /// Tell whether self is greater than value.
    pub fn __gt__(cx: &mut Ctx, this: Value, value: Value) -> R {
        cx.native_compare(CompareOp::Gt, this, value)
    }
    /// Tell whether self is greater than value or equal to it.
    pub fn __ge__(cx: &mut Ctx, this: Value, value: Value) -> R {
        cx.native_compare(CompareOp::Ge, this, value)
    }
}

/// `repr`.
#[methods]
pub mod showing {
    use crate::native::{Ctx, R};
    use crate::object::string::Str;
    use crate::value::{Gc, Value};

    /// Give the text that repr() shows.
    pub fn __repr__(cx: &mut Ctx, this: Value) -> R<Gc<Str>> {
        cx.native_repr_str(this)
    }
}

/// Length and iteration.
#[methods]
pub mod container {
    use crate::native::{Ctx, R};
    use crate::value::Value;

    /// Tell how many items there are.
    pub fn __len__(cx: &mut Ctx, this: Value) -> R<usize> {
        match cx.native_len(this) {
            Some(n) => Ok(n),
            None => Err(cx.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    /// Give an iterator over the items.
    pub fn __iter__(cx: &mut Ctx, this: Value) -> R {
        match cx.native_iter(this) {
            Some(it) => Ok(it),
            None => {
                let got = cx.type_name(this);
                Err(cx.type_error(format!("'{got}' object is not iterable")))
            }
        }
    }
}

/// Membership.
#[methods]
pub mod membership {
    use crate::native::{Ctx, R};
    use crate::value::Value;

    /// Tell whether the key is in self.
    pub fn __contains__(cx: &mut Ctx, this: Value, key: Value) -> R<bool> {
        Ok(cx.native_contains(this, key)?.unwrap_or(false))
    }
}

/// Reading subscripts.
#[methods]
pub mod subscript {
    use crate::native::{Ctx, R};
    use crate::value::Value;

    /// Give the item at the key.
    pub fn __getitem__(cx: &mut Ctx, this: Value, key: Value) -> R {
        cx.native_get_item(this, key)
    }
}

/// Storing and deleting subscripts.
#[methods]
pub mod storing {
    use crate::native::{Ctx, R};
    use crate::value::Value;

    /// Put the value at the key.
    pub fn __setitem__(cx: &mut Ctx, this: Value, key: Value, value: Value) -> R<()> {
        cx.native_set_item(this, key, value).map(drop)
    }

    /// Take out what is at the key.
    pub fn __delitem__(cx: &mut Ctx, this: Value, key: Value) -> R<()> {
        cx.native_del_item(this, key).map(drop)
    }
}

/// Concatenation and repetition of sequences.
#[methods]
pub mod joining {
    use super::repeat;
    use crate::native::{Ctx, R};
    use crate::object::arith::BinaryOp;
    use crate::value::Value;

    /// Give self + value.
    pub fn __add__(cx: &mut Ctx, this: Value, value: Value) -> R {
        let result = cx.sequence_binary(BinaryOp::Add, this, value)?;
        if result != Value::NOT_IMPLEMENTED {
            return Ok(result);
        }
        let base = cx.class_of(this).mro_classes().find(|c| c.id != 0).map_or_else(String::new, |c| c.name_text());
        let got = cx.type_name(value);
        Err(cx.type_error(format!("can only concatenate {base} (not \"{got}\") to {base}")))
    }

    /// Give self * value.
    pub fn __mul__(cx: &mut Ctx, this: Value, value: Value) -> R {
        repeat(cx, this, value)
    }

    /// Give value * self, when value itself has no answer.
    pub fn __rmul__(cx: &mut Ctx, this: Value, value: Value) -> R {
        repeat(cx, this, value)
    }
}

/// Hash by content.
#[methods]
pub mod hashing {
    use crate::native::{Ctx, R};
    use crate::value::Value;

    /// Give the number that hash() answers.
    pub fn __hash__(cx: &mut Ctx, this: Value) -> R<i64> {
        match cx.native_hash(this)? {
            Some(hash) => Ok(hash as i64),
            None => Err(cx.unhashable(this)),
        }
    }
}

/// `list[int]` and the like.
#[methods]
pub mod generic {
    use crate::native::{Ctx, R};
    use crate::object::misc::GenericAlias;
    use crate::value::{Gc, Value};

    /// Give the class with type arguments, as in `list[int]`.
    #[class_method]
    pub fn __class_getitem__(cx: &mut Ctx, class: Value, key: Value) -> R<Gc<GenericAlias>> {
        cx.generic_alias(class, key)
    }
}

use crate::native::{Ctx, R};
use crate::value::Value;

/// `sequence * count`, where count may be anything with `__index__`.
pub fn repeat(cx: &mut Ctx, sequence: Value, count: Value) -> R {
    let index = cx.names().__index__;
    if !cx.is_int(count) && cx.lookup_special(count, index).is_none() {
        let got = cx.type_name(count);
        return Err(cx.type_error(format!("can't multiply sequence by non-int of type '{got}'")));
    }
    let count = cx.index(count)?;
    cx.repeat(sequence, count)
}
