//! str: splitting, joining and stripping.

use conc_macros::methods;

use crate::native::{Ctx, Entered, NativeFrame, R, Resume, Step};
use crate::object::driven::{Item, OWN, items, second_iterates};
use crate::object::kind::ClassId;
use crate::object::sequence::List;
use crate::object::string::Str;
use crate::value::Value;

/// `join` of what a script makes. Slots: str, iterable, list of the items.
const JOIN: Resume = Resume::when(|cx, frame, entered| join(cx, frame, entered).into(), second_iterates);

fn join(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let asking = frame.state() < OWN && frame.get(2).is_unbound();
    if asking {
        let list = cx.new_list().value();
        frame.set(2, list);
    }
    let Some(list) = frame.get(2).cast::<List>() else { return Ok(Step::Done(Value::NONE)) };
    match items(cx, frame, 1, entered) {
        Item::Other(Step::Raise(e)) if asking && cx.is_error(e, ClassId::TypeError) => {
            Err(cx.type_error("can only join an iterable"))
        }
        Item::Other(step) => Ok(step),
        Item::Value(item) => {
            cx.list_push(list, item)?;
            Ok(Step::Next(frame.get(1)))
        }
        Item::End => match frame.get(0).cast::<Str>() {
            Some(s) => methods::join(cx, s, list.value()).map(|s| Step::Done(s.value())),
            None => Ok(Step::Done(Value::NONE)),
        },
    }
}

/// Splitting methods of str.
#[methods]
pub mod methods {
    use std::ops::Range;

    use crate::native::{Ctx, R};
    use crate::object::sequence::List;
    use crate::object::string::Str;
    use crate::text::split::{self, Ends};
    use crate::text::wtf8::Flavor;
    use crate::value::{Gc, Value};

    /// A list of parts of a str.
    fn parts(cx: &mut Ctx, s: Gc<Str>, ranges: impl IntoIterator<Item = Range<usize>>) -> R<Gc<List>> {
        let list = cx.new_list();
        for range in ranges {
            let part =
                if range.len() == s.bytes as usize { cx.plain_str(s) } else { cx.sub_bytes(s, range.start, range.end) };
            cx.list_push(list, part.value())?;
            cx.poll()?;
        }
        Ok(list)
    }

    /// The separator argument, None for white space.
    fn separator(cx: &mut Ctx, sep: Value) -> R<Option<Gc<Str>>> {
        if sep.is_none() {
            return Ok(None);
        }
        match sep.cast::<Str>() {
            Some(s) if s.is_empty() => Err(cx.value_error("empty separator")),
            Some(s) => Ok(Some(s)),
            None => {
                let got = cx.type_name(sep);
                Err(cx.type_error(format!("must be str or None, not {got}")))
            }
        }
    }

    /// Give the parts between separators as a list; without sep, the parts between runs of whitespace.
    ///
    /// At most maxsplit cuts are made, from the front; -1 sets no limit.
    pub fn split(
        cx: &mut Ctx,
        this: Gc<Str>,
        #[kw]
        #[default(Value::NONE)]
        sep: Value,
        #[kw]
        #[default(-1)]
        maxsplit: i64,
    ) -> R<Gc<List>> {
        let most = cx.most(maxsplit);
        match separator(cx, sep)? {
            Some(sep) => parts(cx, this, split::split(this.as_bytes(), sep.as_bytes(), most)),
            None => parts(cx, this, split::split_space(this.as_bytes(), most, Flavor::Str)),
        }
    }

    /// Give the parts between separators as a list, cutting from the end; without sep, runs of whitespace separate.
    ///
    /// At most maxsplit cuts are made; -1 sets no limit.
    pub fn rsplit(
        cx: &mut Ctx,
        this: Gc<Str>,
        #[kw]
        #[default(Value::NONE)]
        sep: Value,
        #[kw]
        #[default(-1)]
        maxsplit: i64,
    ) -> R<Gc<List>> {
        let most = cx.most(maxsplit);
        let ranges = match separator(cx, sep)? {
            Some(sep) => split::rsplit(this.as_bytes(), sep.as_bytes(), most),
            None => split::rsplit_space(this.as_bytes(), most, Flavor::Str),
        };
        parts(cx, this, ranges)
    }

    /// Give the lines as a list, with their line ends if keepends is true.
    pub fn splitlines(
        cx: &mut Ctx,
        this: Gc<Str>,
        #[kw]
        #[default(false)]
        keepends: bool,
    ) -> R<Gc<List>> {
        let ranges = split::splitlines(this.as_bytes(), keepends, Flavor::Str);
        parts(cx, this, ranges)
    }

    /// A separator that is not empty.
    fn needed_separator(cx: &mut Ctx, sep: Value) -> R<Gc<Str>> {
        match sep.cast::<Str>() {
            Some(s) if s.is_empty() => Err(cx.value_error("empty separator")),
            Some(s) => Ok(s),
            None => {
                let got = cx.type_name(sep);
                Err(cx.type_error(format!("must be str, not {got}")))
            }
        }
    }

    /// Give what is before the first separator, the separator, and what is after it.
    ///
    /// Without a separator in the text: all of it, and two empty texts.
    pub fn partition(cx: &mut Ctx, this: Gc<Str>, sep: Value) -> R {
        let separator = needed_separator(cx, sep)?;
        match split::partition(this.as_bytes(), separator.as_bytes()) {
            Some((before, after)) => {
                let before = cx.sub_bytes(this, before.start, before.end).value();
                let after = cx.sub_bytes(this, after.start, after.end).value();
                cx.tuple(&[before, sep, after])
            }
            None => {
                let (this, empty) = (cx.plain_str(this).value(), cx.str(""));
                cx.tuple(&[this, empty, empty])
            }
        }
    }

    /// Give what is before the last separator, the separator, and what is after it.
    ///
    /// Without a separator in the text: two empty texts, and all of it.
    pub fn rpartition(cx: &mut Ctx, this: Gc<Str>, sep: Value) -> R {
        let separator = needed_separator(cx, sep)?;
        match split::rpartition(this.as_bytes(), separator.as_bytes()) {
            Some((before, after)) => {
                let before = cx.sub_bytes(this, before.start, before.end).value();
                let after = cx.sub_bytes(this, after.start, after.end).value();
                cx.tuple(&[before, sep, after])
            }
            None => {
                let (this, empty) = (cx.plain_str(this).value(), cx.str(""));
                cx.tuple(&[empty, empty, this])
            }
        }
    }

    fn stripped(cx: &mut Ctx, this: Gc<Str>, chars: Value, (name, ends): (&str, Ends)) -> R<Gc<Str>> {
        let range = if chars.is_none() {
            split::strip_space(this.as_bytes(), Flavor::Str, ends)
        } else {
            match chars.cast::<Str>() {
                Some(set) => split::strip_set(this.as_bytes(), set.as_bytes(), Flavor::Str, ends),
                None => return Err(cx.type_error(format!("{name} arg must be None or str"))),
            }
        };
        if range.len() == this.bytes as usize {
            return Ok(cx.plain_str(this));
        }
        Ok(cx.sub_bytes(this, range.start, range.end))
    }

    /// Drop whitespace from both ends, or the characters in chars.
    pub fn strip(cx: &mut Ctx, this: Gc<Str>, #[default(Value::NONE)] chars: Value) -> R<Gc<Str>> {
        stripped(cx, this, chars, ("strip", Ends::Both))
    }

    /// Drop whitespace from the front, or the characters in chars.
    pub fn lstrip(cx: &mut Ctx, this: Gc<Str>, #[default(Value::NONE)] chars: Value) -> R<Gc<Str>> {
        stripped(cx, this, chars, ("lstrip", Ends::Left))
    }

    /// Drop whitespace from the end, or the characters in chars.
    pub fn rstrip(cx: &mut Ctx, this: Gc<Str>, #[default(Value::NONE)] chars: Value) -> R<Gc<Str>> {
        stripped(cx, this, chars, ("rstrip", Ends::Right))
    }

    /// Give the texts as one, with this text between neighbours.
    ///
    /// For one: `', '.join(['x', 'y'])` is `'x, y'`.
    #[resumable(super::JOIN)]
    pub fn join(cx: &mut Ctx, this: Gc<Str>, iterable: Value) -> R<Gc<Str>> {
        let items = cx.join_items(iterable)?;
        if let [only] = items.items()
            && let Some(s) = cx.exact_str(*only)
        {
            return Ok(s);
        }
        let mut bytes = this.as_bytes().len().saturating_mul(items.items().len().saturating_sub(1));
        for (i, &item) in items.items().iter().enumerate() {
            let Some(s) = item.cast::<Str>() else {
                let got = cx.type_name(item);
                return Err(cx.type_error(format!("sequence item {i}: expected str instance, {got} found")));
            };
            bytes = bytes.saturating_add(s.as_bytes().len());
        }
        cx.poll()?;
        cx.join_strs(bytes, this, &items)
    }
}
