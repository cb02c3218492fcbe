//! list.

use conc_macros::methods;

/// The methods of list.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::sequence::List;
    use crate::value::{Gc, Value};

    /// Append object to the end of the list.
    pub fn append(cx: &mut Ctx, this: Gc<List>, object: Value) -> R<()> {
        cx.list_push(this, object)
    }

    /// Remove and return item at index (default last).
    ///
    /// Raises IndexError if list is empty or index is out of range.
    pub fn pop(cx: &mut Ctx, this: Gc<List>, #[default(-1)] index: i64) -> R {
        let len = this.len() as i64;
        if len == 0 {
            return Err(cx.index_error("pop from empty list"));
        }
        let index = if index < 0 { index + len } else { index };
        match usize::try_from(index) {
            Ok(i) if (i as i64) < len => match cx.list_pop(this, i)? {
                Some(item) => Ok(item),
                None => Err(cx.index_error("pop index out of range")),
            },
            _ => Err(cx.index_error("pop index out of range")),
        }
    }
}
