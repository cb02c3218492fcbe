//! str: character tables and encoding.

use conc_macros::methods;

/// Translation methods of str.
#[methods]
pub mod methods {
    use crate::native::{Ctx, R};
    use crate::object::dict::Dict;
    use crate::object::kind::ClassId;
    use crate::object::string::Str;
    use crate::text::wtf8::{self, code_points, push_code_point};
    use crate::value::{Gc, Value};

    /// Give the bytes that spell the text in an encoding.
    ///
    /// errors names what happens to characters that the encoding lacks: 'strict' raises UnicodeEncodeError, 'ignore'
    /// leaves them out, 'replace' writes a question mark, 'xmlcharrefreplace' a numeric reference; handlers registered
    /// with codecs.register_error count too.
    pub fn encode(cx: &mut Ctx, this: Gc<Str>, #[kw] encoding: Option<Value>, #[kw] errors: Option<Value>) -> R {
        let encoding = cx.str_arg_opt(encoding, "encode() argument 'encoding'")?;
        let errors = cx.str_arg_opt(errors, "encode() argument 'errors'")?;
        let bytes = cx.encode_str(this, encoding, errors)?;
        cx.bytes(&bytes)
    }

    /// Appends what a table makes of a code point.
    fn push_mapped(cx: &mut Ctx, out: &mut Vec<u8>, mapped: Value) -> R<()> {
        if mapped.is_none() {
            return Ok(());
        }
        if let Some(s) = mapped.cast::<Str>() {
            out.extend_from_slice(s.as_bytes());
            return Ok(());
        }
        if !cx.is_int(mapped) {
            return Err(cx.type_error("character mapping must return integer, None or str"));
        }
        match cx.as_i64(mapped).and_then(|n| u32::try_from(n).ok()) {
            Some(to) if to <= wtf8::MAX_CODE_POINT => push_code_point(out, to),
            _ => return Err(cx.value_error("character mapping must be in range(0x110000)")),
        }
        Ok(())
    }

    /// Give the text with each character replaced by what the table has for its code point.
    ///
    /// The table holds code points, texts, or None for what is to be dropped; where it raises LookupError the character
    /// stays. Anything with `__getitem__` will do.
    pub fn translate(cx: &mut Ctx, this: Gc<Str>, table: Value) -> R<Gc<Str>> {
        let mut out = Vec::with_capacity(this.bytes as usize);
        for code in code_points(this.as_bytes()) {
            cx.poll()?;
            let key = cx.int(code as i64);
            match cx.get_item(table, key) {
                Ok(mapped) => push_mapped(cx, &mut out, mapped)?,
                Err(e) if cx.is_error(e, ClassId::LookupError) => push_code_point(&mut out, code),
                Err(e) => return Err(e),
            }
        }
        cx.changed_str(this, &out)
    }

    /// A table with the keys of a dict as numbers.
    fn table_of_dict(cx: &mut Ctx, given: Value) -> R<Gc<Dict>> {
        let Some(dict) = given.cast::<Dict>() else {
            return Err(cx.type_error("if you give only one argument to maketrans it must be a dict"));
        };
        let table = cx.new_dict();
        for (key, value) in dict.pairs() {
            let key = match key.cast::<Str>() {
                Some(s) if s.len() == 1 => {
                    let code = wtf8::decode_at(s.as_bytes(), 0).map_or(0, |(code, _)| code);
                    cx.int(code as i64)
                }
                Some(_) => return Err(cx.value_error("string keys in translate table must be of length 1")),
                None if cx.is_int(key) => key,
                None => return Err(cx.type_error("keys in translate table must be strings or integers")),
            };
            table.set(cx, key, value)?;
        }
        Ok(table)
    }

    /// Make a table for translate().
    ///
    /// One argument is a dictionary from characters, or their code points, to what takes their place. Two are texts of
    /// one
    /// length: each character of x turns into the one of y at its place. The characters of a third are dropped.
    #[static_method]
    pub fn maketrans(cx: &mut Ctx, x: Value, y: Option<Value>, z: Option<Value>) -> R<Gc<Dict>> {
        let Some(y) = y else { return table_of_dict(cx, x) };
        let y = cx.str_arg(y, "maketrans() argument 2")?;
        let z = cx.str_arg_opt(z, "maketrans() argument 3")?;
        let Some(x) = x.cast::<Str>() else {
            return Err(cx.type_error("first maketrans argument must be a string if there is a second argument"));
        };
        if x.len() != y.len() {
            return Err(cx.value_error("the first two maketrans arguments must have equal length"));
        }
        let table = cx.new_dict();
        for (from, to) in code_points(x.as_bytes()).zip(code_points(y.as_bytes())) {
            let (from, to) = (cx.int(from as i64), cx.int(to as i64));
            table.set(cx, from, to)?;
        }
        for code in z.iter().flat_map(|z| code_points(z.as_bytes())) {
            let code = cx.int(code as i64);
            table.set(cx, code, Value::NONE)?;
        }
        Ok(table)
    }
}
