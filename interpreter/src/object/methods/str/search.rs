//! str: searching and replacing.

use conc_macros::methods;

/// Search methods of str.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::sequence::Tuple;
    use crate::object::string::{Str, skip_chars};
    use crate::text::search;
    use crate::text::wtf8::{self, Flavor};
    use crate::value::{Gc, Value};

    /// Some code points of a text: the number of the first, and their bytes as a range.
    struct Window {
        first: usize,
        from: usize,
        to: usize,
    }

    /// The code points from `start` to `end`; None if the start is past the end.
    fn window(cx: &mut Ctx, s: Gc<Str>, start: Option<Value>, end: Option<Value>) -> R<Option<Window>> {
        if start.is_none() && end.is_none() {
            return Ok(Some(Window { first: 0, from: 0, to: s.bytes as usize }));
        }
        let bounds = cx.bounds(start, end, s.len())?;
        if bounds.start > bounds.end {
            return Ok(None);
        }
        let from = s.offset_of(bounds.start);
        let to = match bounds.end {
            end if end == s.len() => s.bytes as usize,
            end if s.is_ascii() => end,
            end => skip_chars(s.as_bytes(), from, end - bounds.start),
        };
        Ok(Some(Window { first: bounds.start, from, to }))
    }

    /// The code point number at which `sub` is found.
    fn position(
        cx: &mut Ctx,
        this: Gc<Str>,
        sub: Value,
        range: (Option<Value>, Option<Value>),
        (name, find): (&str, fn(&[u8], &[u8]) -> Option<usize>),
    ) -> R<Option<usize>> {
        let sub = cx.str_arg(sub, &format!("{name}() argument 1"))?;
        let Some(window) = window(cx, this, range.0, range.1)? else { return Ok(None) };
        let text = &this.as_bytes()[window.from..window.to];
        let Some(at) = find(text, sub.as_bytes()) else { return Ok(None) };
        Ok(Some(window.first + if this.is_ascii() { at } else { wtf8::count(&text[..at]) }))
    }

    /// Find sub in `self[start:end]`, the first if there are several; -1 if it is not there.
    pub fn find(cx: &mut Ctx, this: Gc<Str>, sub: Value, start: Option<Value>, end: Option<Value>) -> R {
        let at = position(cx, this, sub, (start, end), ("find", search::find))?;
        Ok(cx.int(at.map_or(-1, |at| at as i64)))
    }

    /// Find sub in `self[start:end]`, the last if there are several; -1 if it is not there.
    pub fn rfind(cx: &mut Ctx, this: Gc<Str>, sub: Value, start: Option<Value>, end: Option<Value>) -> R {
        let at = position(cx, this, sub, (start, end), ("rfind", search::rfind))?;
        Ok(cx.int(at.map_or(-1, |at| at as i64)))
    }

    /// Find sub in `self[start:end]`, the first if there are several; ValueError if it is not there.
    pub fn index(cx: &mut Ctx, this: Gc<Str>, sub: Value, start: Option<Value>, end: Option<Value>) -> R<usize> {
        let at = position(cx, this, sub, (start, end), ("index", search::find))?;
        at.ok_or_else(|| cx.value_error("substring not found"))
    }

    /// Find sub in `self[start:end]`, the last if there are several; ValueError if it is not there.
    pub fn rindex(cx: &mut Ctx, this: Gc<Str>, sub: Value, start: Option<Value>, end: Option<Value>) -> R<usize> {
        let at = position(cx, this, sub, (start, end), ("rindex", search::rfind))?;
        at.ok_or_else(|| cx.value_error("substring not found"))
    }

    /// Count how often sub occurs in `self[start:end]`, each time after the end of the one before.
    pub fn count(cx: &mut Ctx, this: Gc<Str>, sub: Value, start: Option<Value>, end: Option<Value>) -> R<usize> {
        let sub = cx.str_arg(sub, "count() argument 1")?;
        let Some(window) = window(cx, this, start, end)? else { return Ok(0) };
        Ok(search::count(&this.as_bytes()[window.from..window.to], sub.as_bytes(), Flavor::Str))
    }

    /// Whether the window begins (or ends) with a text or with one of a tuple of texts.
    fn has_end(
        cx: &mut Ctx,
        this: Gc<Str>,
        affix: Value,
        range: (Option<Value>, Option<Value>),
        (name, test): (&str, fn(&[u8], &[u8]) -> bool),
    ) -> R<bool> {
        let window = window(cx, this, range.0, range.1)?;
        let holds = |part: Gc<Str>| match &window {
            Some(w) => test(&this.as_bytes()[w.from..w.to], part.as_bytes()),
            None => false,
        };
        if let Some(part) = affix.cast::<Str>() {
            return Ok(holds(part));
        }
        let Some(parts) = affix.cast::<Tuple>() else {
            let got = cx.type_name(affix);
            return Err(cx.type_error(format!("{name} first arg must be str or a tuple of str, not {got}")));
        };
        for &part in parts.items() {
            match part.cast::<Str>() {
                Some(part) if holds(part) => return Ok(true),
                Some(_) => {}
                None => {
                    let got = cx.type_name(part);
                    return Err(cx.type_error(format!("tuple for {name} must only contain str, not {got}")));
                }
            }
        }
        Ok(false)
    }

    /// Tell whether the text begins with the prefix, or with one of a tuple of them.
    pub fn startswith(cx: &mut Ctx, this: Gc<Str>, prefix: Value, start: Option<Value>, end: Option<Value>) -> R<bool> {
        has_end(cx, this, prefix, (start, end), ("startswith", |text, part| text.starts_with(part)))
    }

    /// Tell whether the text ends in the suffix, or in one of a tuple of them.
    pub fn endswith(cx: &mut Ctx, this: Gc<Str>, suffix: Value, start: Option<Value>, end: Option<Value>) -> R<bool> {
        has_end(cx, this, suffix, (start, end), ("endswith", |text, part| text.ends_with(part)))
    }

    /// Give a copy with new in place of each old, or of the first count of them.
    pub fn replace(
        cx: &mut Ctx,
        this: Gc<Str>,
        old: Value,
        new: Value,
        #[kw]
        #[default(-1)]
        count: i64,
    ) -> R<Gc<Str>> {
        let old = cx.str_arg(old, "replace() argument 1")?;
        let new = cx.str_arg(new, "replace() argument 2")?;
        let most = cx.most(count);
        let text = search::replace(this.as_bytes(), old.as_bytes(), new.as_bytes(), most, Flavor::Str);
        match cx.of_text(text)? {
            Some(text) => cx.try_wtf8(&text),
            None => Ok(cx.plain_str(this)),
        }
    }

    /// Give the text without the prefix, or all of it if it does not begin with it.
    pub fn removeprefix(cx: &mut Ctx, this: Gc<Str>, prefix: Value) -> R<Gc<Str>> {
        let prefix = cx.str_arg(prefix, "removeprefix() argument")?;
        if prefix.is_empty() || !this.as_bytes().starts_with(prefix.as_bytes()) {
            return Ok(cx.plain_str(this));
        }
        Ok(cx.sub_bytes(this, prefix.bytes as usize, this.bytes as usize))
    }

    /// Give the text without the suffix, or all of it if it does not end in it.
    pub fn removesuffix(cx: &mut Ctx, this: Gc<Str>, suffix: Value) -> R<Gc<Str>> {
        let suffix = cx.str_arg(suffix, "removesuffix() argument")?;
        if suffix.is_empty() || !this.as_bytes().ends_with(suffix.as_bytes()) {
            return Ok(cx.plain_str(this));
        }
        Ok(cx.sub_bytes(this, 0, (this.bytes - suffix.bytes) as usize))
    }
}
