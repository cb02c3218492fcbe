//! Objects to JSON text.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::sequence::{List, Tuple};
use conc_interpreter::object::string::Str;
use conc_interpreter::text::{float, wtf8};
use conc_interpreter::value::{Gc, Value};

use crate::core::shared::call_method;

/// An encoder's options, read once.
struct Encoder {
    default: Value,
    skipkeys: bool,
    ascii: bool,
    check_circular: bool,
    allow_nan: bool,
    sort_keys: bool,
    indent: Option<Vec<u8>>,
    item_separator: Vec<u8>,
    key_separator: Vec<u8>,
    /// Containers being written, by their bits.
    open: Vec<u64>,
    /// Lists and dicts around the current one, for the indentation.
    depth: usize,
    out: Vec<u8>,
}

pub fn encode(cx: &mut Ctx, encoder: Value, obj: Value) -> R {
    let mut flag = |cx: &mut Ctx, name: &str| -> R<bool> {
        let v = cx.get_attr_text(encoder, name)?;
        cx.truth(v)
    };
    let skipkeys = flag(cx, "skipkeys")?;
    let ascii = flag(cx, "ensure_ascii")?;
    let check_circular = flag(cx, "check_circular")?;
    let allow_nan = flag(cx, "allow_nan")?;
    let sort_keys = flag(cx, "sort_keys")?;
    let indent = match cx.get_attr_text(encoder, "indent")? {
        Value::NONE => None,
        v => match v.cast::<Str>() {
            Some(s) => Some(s.as_bytes().to_vec()),
            None => {
                let n = cx.index_i64(v)?;
                Some(vec![b' '; n.clamp(0, 1 << 20) as usize])
            }
        },
    };
    let item_separator = separator(cx, encoder, "item_separator")?;
    let key_separator = separator(cx, encoder, "key_separator")?;
    let default = cx.get_attr_text(encoder, "default")?;
    let mut e = Encoder {
        default,
        skipkeys,
        ascii,
        check_circular,
        allow_nan,
        sort_keys,
        indent,
        item_separator,
        key_separator,
        open: Vec::new(),
        depth: 0,
        out: Vec::with_capacity(128),
    };
    e.write(cx, obj)?;
    Ok(cx.try_wtf8(&e.out)?.value())
}

fn separator(cx: &mut Ctx, encoder: Value, name: &str) -> R<Vec<u8>> {
    let v = cx.get_attr_text(encoder, name)?;
    match v.cast::<Str>() {
        Some(s) => Ok(s.as_bytes().to_vec()),
        None => {
            let got = cx.type_name(v);
            Err(cx.type_error(format!("make_encoder() argument must be str, not {got}")))
        }
    }
}

pub fn quoted(cx: &mut Ctx, string: Value, ascii: bool) -> R {
    let Some(s) = string.cast::<Str>() else {
        let got = cx.type_name(string);
        return Err(cx.type_error(format!("first argument must be a string, not {got}")));
    };
    let mut out = Vec::with_capacity(s.as_bytes().len() + 2);
    write_string(s.as_bytes(), ascii, &mut out);
    Ok(cx.try_wtf8(&out)?.value())
}

fn write_unit(unit: u32, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(DIGITS[(unit >> shift & 15) as usize]);
    }
}

/// Appends a text as a JSON string.
fn write_string(text: &[u8], ascii: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    let mut at = 0;
    while at < text.len() {
        let c = text[at];
        let special = c < 0x20 || c == b'"' || c == b'\\' || ascii && c >= 0x7f;
        if !special {
            at += 1;
            continue;
        }
        out.extend_from_slice(&text[plain..at]);
        at += match c {
            b'"' => escape(out, b"\\\""),
            b'\\' => escape(out, b"\\\\"),
            b'\n' => escape(out, b"\\n"),
            b'\r' => escape(out, b"\\r"),
            b'\t' => escape(out, b"\\t"),
            0x08 => escape(out, b"\\b"),
            0x0c => escape(out, b"\\f"),
            _ => {
                let (code, len) = wtf8::decode_at(text, at).unwrap_or((c.into(), 1));
                if code >= 0x10000 {
                    write_unit(0xd800 + ((code - 0x10000) >> 10), out);
                    write_unit(0xdc00 + ((code - 0x10000) & 0x3ff), out);
                } else {
                    write_unit(code, out);
                }
                len
            }
        };
        plain = at;
    }
    out.extend_from_slice(&text[plain..]);
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, text: &[u8]) -> usize {
    out.extend_from_slice(text);
    1
}

impl Encoder {
    fn write(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        if let Some(s) = v.cast::<Str>() {
            write_string(s.as_bytes(), self.ascii, &mut self.out);
            return Ok(());
        }
        if let Some(word) = constant(v) {
            self.out.extend_from_slice(word);
            return Ok(());
        }
        if v.is_int() {
            self.out.extend_from_slice(v.int().to_string().as_bytes());
            return Ok(());
        }
        if cx.is_int(v) {
            return self.write_big(cx, v);
        }
        if let Some(x) = cx.as_float(v) {
            return self.write_float(cx, x);
        }
        if v.is_a::<List>() || v.is_a::<Tuple>() {
            return self.nested(cx, v, Encoder::write_items);
        }
        if v.is_a::<Dict>() {
            return self.nested(cx, v, Encoder::write_dict);
        }
        self.nested(cx, v, |e, cx, v| {
            let other = cx.call(e.default, &[v])?;
            e.write(cx, other)
        })
    }

    fn write_big(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let n = cx.as_int(v).unwrap_or_default();
        let plain = cx.big(&n);
        cx.write_repr(plain, &mut self.out)
    }

    fn write_float(&mut self, cx: &mut Ctx, x: f64) -> R<()> {
        let text = self.float_text(cx, x)?;
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn float_text(&self, cx: &mut Ctx, x: f64) -> R<String> {
        if x.is_finite() {
            return Ok(float::repr(x));
        }
        if !self.allow_nan {
            let shown = float::repr(x);
            return Err(cx.value_error(format!("Out of range float values are not JSON compliant: {shown}")));
        }
        let text = if x.is_nan() {
            "NaN"
        } else if x > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        Ok(text.to_string())
    }

    /// Writes a container, which may not contain itself.
    fn nested(&mut self, cx: &mut Ctx, v: Value, body: impl FnOnce(&mut Encoder, &mut Ctx, Value) -> R<()>) -> R<()> {
        cx.check_stack()?;
        if self.check_circular && self.open.contains(&v.bits()) {
            return Err(cx.value_error("Circular reference detected"));
        }
        if self.open.len() > 50_000 {
            return Err(too_deep(cx));
        }
        self.open.push(v.bits());
        let result = body(self, cx, v);
        self.open.pop();
        result
    }

    fn newline(&mut self, depth: usize) {
        if let Some(indent) = &self.indent {
            self.out.push(b'\n');
            for _ in 0..depth {
                self.out.extend_from_slice(indent);
            }
        }
    }

    fn write_items(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let item = |i: usize| match v.cast::<Tuple>() {
            Some(t) => t.items().get(i).copied(),
            None => v.cast::<List>().and_then(|l| l.get(i)),
        };
        if item(0).is_none() {
            self.out.extend_from_slice(b"[]");
            return Ok(());
        }
        self.out.push(b'[');
        let depth = self.deeper();
        let mut i = 0;
        while let Some(element) = item(i) {
            if i > 0 {
                self.out.extend_from_slice(&self.item_separator);
            }
            self.newline(depth);
            self.write(cx, element)?;
            i += 1;
            cx.poll()?;
        }
        self.shallower(depth);
        self.out.push(b']');
        Ok(())
    }

    fn deeper(&mut self) -> usize {
        self.depth += 1;
        self.depth
    }

    fn shallower(&mut self, depth: usize) {
        self.depth = depth - 1;
        self.newline(depth - 1);
    }

    fn write_dict(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let items = call_items(cx, v)?;
        if items.is_empty() {
            self.out.extend_from_slice(b"{}");
            return Ok(());
        }
        if self.sort_keys {
            call_method(cx, items.value(), "sort", &[])?;
        }
        self.out.push(b'{');
        let depth = self.deeper();
        let (mut first, mut i) = (true, 0);
        while let Some(pair) = items.get(i) {
            i += 1;
            let Some(pair) = pair.cast::<Tuple>().filter(|p| p.len == 2) else {
                return Err(cx.value_error("items must return 2-tuples"));
            };
            let Some(key) = self.key(cx, pair.items()[0])? else { continue };
            if !first {
                self.out.extend_from_slice(&self.item_separator);
            }
            first = false;
            self.newline(depth);
            write_string(&key, self.ascii, &mut self.out);
            self.out.extend_from_slice(&self.key_separator);
            self.write(cx, pair.items()[1])?;
            cx.poll()?;
        }
        self.shallower(depth);
        self.out.push(b'}');
        Ok(())
    }

    /// A key's text; None: it is to be skipped.
    fn key(&mut self, cx: &mut Ctx, key: Value) -> R<Option<Vec<u8>>> {
        if let Some(s) = key.cast::<Str>() {
            return Ok(Some(s.as_bytes().to_vec()));
        }
        if let Some(word) = constant(key) {
            return Ok(Some(word.to_vec()));
        }
        if cx.is_int(key) {
            let n = cx.as_int(key).unwrap_or_default();
            let plain = cx.big(&n);
            let mut text = Vec::new();
            cx.write_repr(plain, &mut text)?;
            return Ok(Some(text));
        }
        if let Some(x) = cx.as_float(key) {
            return Ok(Some(self.float_text(cx, x)?.into_bytes()));
        }
        if self.skipkeys {
            return Ok(None);
        }
        let got = cx.type_name(key);
        Err(cx.type_error(format!("keys must be str, int, float, bool or None, not {got}")))
    }
}

fn constant(v: Value) -> Option<&'static [u8]> {
    match v {
        Value::NONE => Some(b"null"),
        Value::TRUE => Some(b"true"),
        Value::FALSE => Some(b"false"),
        _ => None,
    }
}

#[cold]
fn too_deep(cx: &mut Ctx) -> Raised {
    let class = conc_interpreter::object::kind::ClassId::RecursionError;
    cx.error(class, "maximum recursion depth exceeded while encoding a JSON object")
}

/// A list of a dict's pairs; a subclass is asked.
fn call_items(cx: &mut Ctx, v: Value) -> R<Gc<List>> {
    let exact = crate::core::shared::is_exact(v, conc_interpreter::object::kind::ClassId::Dict);
    if let Some(dict) = v.cast::<Dict>().filter(|_| exact) {
        let list = cx.new_list();
        for (k, v) in dict.pairs() {
            let pair = cx.tuple(&[k, v])?;
            cx.list_push(list, pair)?;
        }
        return Ok(list);
    }
    let items = call_method(cx, v, "items", &[])?;
    cx.collect_list(items)
}
