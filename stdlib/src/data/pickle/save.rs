//! Objects to pickles: the types that have opcodes of their own.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::sequence::{List, Tuple};
use conc_interpreter::object::set::Set;
use conc_interpreter::object::string::{Bytes, Str};
use conc_interpreter::text::{float, wtf8};
use conc_interpreter::value::Value;

use super::memo::Memo;
use super::op;
use super::output::Output;
use crate::core::shared::is_exact;

/// So many items go between a mark and the opcode that takes them.
const BATCH: usize = 1000;

/// What a pickler's user has set.
#[derive(Default)]
pub struct Hooks {
    pub persistent_id: Option<Value>,
    pub reducer_override: Option<Value>,
    pub dispatch_table: Option<Value>,
    pub buffer_callback: Option<Value>,
    pub fix_imports: bool,
    /// No memo: what is met twice is written twice.
    pub fast: bool,
}

pub struct Saver {
    pub out: Output,
    pub protocol: u8,
    pub hooks: Hooks,
    pub memo: Memo,
    /// `copyreg`, once it is needed.
    pub copyreg: Option<Value>,
}

impl Saver {
    /// Writes a whole pickle.
    pub fn dump(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        if self.protocol >= 2 {
            self.out.op_with(op::PROTO, &[self.protocol]);
        }
        if self.protocol >= 4 {
            self.out.begin_frames();
        }
        self.save(cx, v)?;
        self.out.op(op::STOP);
        self.out.end_frames();
        Ok(())
    }

    pub fn binary(&self) -> bool {
        self.protocol >= 1
    }

    pub fn save(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        self.out.boundary();
        if let Some(hook) = self.hooks.persistent_id {
            let id = cx.call(hook, &[v])?;
            if !id.is_none() {
                return self.persistent(cx, id);
            }
        }
        self.save_itself(cx, v)
    }

    /// Writes an object that the user does not take care of.
    fn save_itself(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        if cx.is_stack_low() {
            return Err(cx.error(ClassId::RecursionError, "maximum recursion depth exceeded while pickling an object"));
        }
        cx.poll()?;
        if self.atom(cx, v)? {
            return Ok(());
        }
        if let Some(&number) = self.memo.numbers.get(&v.bits()) {
            self.get(number);
            return Ok(());
        }
        self.object(cx, v)
    }

    /// What the user takes care of: only its id is written.
    fn persistent(&mut self, cx: &mut Ctx, id: Value) -> R<()> {
        if self.binary() {
            self.save_itself(cx, id)?;
            self.out.op(op::BINPERSID);
            return Ok(());
        }
        let text = cx.to_str(id)?;
        if !wtf8::is_ascii(text.as_bytes()) {
            return Err(error(cx, "persistent IDs in protocol 0 must be ASCII strings"));
        }
        self.line(op::PERSID, text.as_bytes());
        Ok(())
    }

    /// An opcode with a line of text.
    pub fn line(&mut self, op: u8, text: &[u8]) {
        self.out.op_with(op, text);
        self.out.put(b"\n");
    }

    /// Writes constants and numbers, which are never referred back to.
    fn atom(&mut self, cx: &mut Ctx, v: Value) -> R<bool> {
        match v {
            Value::NONE => self.out.op(op::NONE),
            Value::TRUE | Value::FALSE if self.protocol >= 2 => {
                self.out.op(if v == Value::TRUE { op::NEWTRUE } else { op::NEWFALSE })
            }
            Value::TRUE => self.line(op::INT, b"01"),
            Value::FALSE => self.line(op::INT, b"00"),
            _ if v.is_int() => self.int(v.int()),
            _ if is_exact(v, ClassId::Int) => self.big(cx, v)?,
            _ if v.is_float() || is_exact(v, ClassId::Float) => self.float(cx.as_float(v).unwrap_or_default()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn int(&mut self, n: i64) {
        if i32::try_from(n).is_err() {
            if self.protocol < 2 {
                return self.line(op::LONG, format!("{n}L").as_bytes());
            }
            let bytes = n.to_le_bytes();
            let len = (1..8).find(|&len| n >> (8 * len - 1) == 0 || n >> (8 * len - 1) == -1).unwrap_or(8);
            self.out.op_with(op::LONG1, &[len as u8]);
            return self.out.put(&bytes[..len]);
        }
        if !self.binary() {
            return self.line(op::INT, n.to_string().as_bytes());
        }
        match n {
            0..=0xff => self.out.op_with(op::BININT1, &[n as u8]),
            0x100..=0xffff => self.out.op_with(op::BININT2, &(n as u16).to_le_bytes()),
            _ => self.out.op_with(op::BININT, &(n as i32).to_le_bytes()),
        }
    }

    fn big(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let n = cx.as_int(v).unwrap_or_default();
        if self.protocol < 2 {
            let mut text = Vec::new();
            cx.write_repr(v, &mut text)?;
            text.push(b'L');
            self.line(op::LONG, &text);
            return Ok(());
        }
        let bytes = n.to_le_bytes();
        match u8::try_from(bytes.len()) {
            Ok(len) => self.out.op_with(op::LONG1, &[len]),
            Err(_) => match i32::try_from(bytes.len()) {
                Ok(len) => self.out.op_with(op::LONG4, &len.to_le_bytes()),
                Err(_) => return Err(cx.overflow_error("int too large to pickle")),
            },
        }
        self.out.put(&bytes);
        Ok(())
    }

    fn float(&mut self, x: f64) {
        if self.binary() {
            self.out.op_with(op::BINFLOAT, &x.to_be_bytes());
        } else {
            self.line(op::FLOAT, float::repr(x).as_bytes());
        }
    }

    /// An object that may be met again.
    fn object(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let shape = v.header().map_or(0, |h| h.shape());
        let exact = |id: ClassId| shape == id.shape();
        if exact(ClassId::Str) {
            return self.str(cx, v);
        }
        if exact(ClassId::Bytes) {
            return self.bytes(cx, v);
        }
        if exact(ClassId::Dict) {
            return self.dict(cx, v);
        }
        if exact(ClassId::List) {
            return self.list(cx, v);
        }
        if exact(ClassId::Tuple) {
            return self.tuple(cx, v);
        }
        if self.protocol >= 4 && exact(ClassId::Set) {
            return self.set(cx, v);
        }
        if self.protocol >= 4 && exact(ClassId::FrozenSet) {
            return self.frozenset(cx, v);
        }
        if exact(ClassId::ByteArray) {
            return self.bytearray(cx, v);
        }
        self.other(cx, v)
    }

    // ---- the memo

    /// Gives an object the next number.
    pub fn memoize(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        if self.hooks.fast {
            return Ok(());
        }
        let number = self.memo.numbers.len() as u32;
        self.memo.numbers.insert(v.bits(), number);
        cx.list_push(self.memo.kept, v)?;
        if self.protocol >= 4 {
            self.out.op(op::MEMOIZE);
        } else {
            self.numbered([op::PUT, op::BINPUT, op::LONG_BINPUT], number);
        }
        Ok(())
    }

    /// Refers to the object of a number.
    pub fn get(&mut self, number: u32) {
        self.numbered([op::GET, op::BINGET, op::LONG_BINGET], number);
    }

    fn numbered(&mut self, [text, short, long]: [u8; 3], number: u32) {
        if !self.binary() {
            self.line(text, number.to_string().as_bytes());
        } else if let Ok(number) = u8::try_from(number) {
            self.out.op_with(short, &[number]);
        } else {
            self.out.op_with(long, &number.to_le_bytes());
        }
    }

    /// An object that is part of itself may have been written while its parts were.
    fn written_meanwhile(&self, v: Value) -> Option<u32> {
        self.memo.numbers.get(&v.bits()).copied()
    }

    // ---- texts and bytes

    fn str(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let Some(s) = v.cast::<Str>() else { return Ok(()) };
        let text = s.as_bytes();
        if !self.binary() {
            let escaped = raw_unicode_escape(text);
            self.line(op::UNICODE, &escaped);
        } else if let Ok(len) = u8::try_from(text.len())
            && self.protocol >= 4
        {
            self.out.op_with_data(op::SHORT_BINUNICODE, &[len], text);
        } else if let Ok(len) = u32::try_from(text.len()) {
            self.out.op_with_data(op::BINUNICODE, &len.to_le_bytes(), text);
        } else if self.protocol >= 4 {
            self.out.op_with_data(op::BINUNICODE8, &(text.len() as u64).to_le_bytes(), text);
        } else {
            return Err(
                cx.overflow_error("serializing a string larger than 4 GiB requires pickle protocol 4 or higher")
            );
        }
        self.memoize(cx, v)
    }

    fn bytes(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let Some(b) = v.cast::<Bytes>() else { return Ok(()) };
        if self.protocol < 3 {
            return self.old_bytes(cx, v, b.as_bytes());
        }
        self.byte_string(cx, b.as_bytes())?;
        self.memoize(cx, v)
    }

    /// The opcode for bytes.
    pub fn byte_string(&mut self, cx: &mut Ctx, data: &[u8]) -> R<()> {
        if let Ok(len) = u8::try_from(data.len()) {
            self.out.op_with_data(op::SHORT_BINBYTES, &[len], data);
        } else if let Ok(len) = u32::try_from(data.len()) {
            self.out.op_with_data(op::BINBYTES, &len.to_le_bytes(), data);
        } else if self.protocol >= 4 {
            self.out.op_with_data(op::BINBYTES8, &(data.len() as u64).to_le_bytes(), data);
        } else {
            let message = "serializing a bytes object larger than 4 GiB requires pickle protocol 4 or higher";
            return Err(cx.overflow_error(message));
        }
        Ok(())
    }

    fn bytearray(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let data = cx.byte_vec(v)?;
        if self.protocol >= 5 {
            self.out.op_with_data(op::BYTEARRAY8, &(data.len() as u64).to_le_bytes(), &data);
            return self.memoize(cx, v);
        }
        let args = if data.is_empty() {
            cx.tuple(&[])?
        } else {
            let bytes = cx.bytes(&data)?;
            cx.tuple(&[bytes])?
        };
        let reduction = cx.tuple(&[cx.class(ClassId::ByteArray).value(), args])?;
        self.reduction(cx, reduction, Some(v))
    }

    /// Protocols without bytes call for an encoder of text.
    fn old_bytes(&mut self, cx: &mut Ctx, v: Value, data: &[u8]) -> R<()> {
        let (callable, args) = if data.is_empty() {
            (cx.class(ClassId::Bytes).value(), cx.tuple(&[])?)
        } else {
            let codecs = cx.import("_codecs")?;
            let encode = cx.get_attr_text(codecs, "encode")?;
            let text = wtf8::from_code_points(data.iter().map(|&b| b.into()));
            let (text, latin) = (cx.try_wtf8(&text)?.value(), cx.intern("latin1").value());
            (encode, cx.tuple(&[text, latin])?)
        };
        let reduction = cx.tuple(&[callable, args])?;
        self.reduction(cx, reduction, Some(v))
    }

    // ---- containers

    fn tuple(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let Some(t) = v.cast::<Tuple>() else { return Ok(()) };
        let items = t.items();
        if items.is_empty() {
            match self.binary() {
                true => self.out.op(op::EMPTY_TUPLE),
                false => self.out.put(&[op::MARK, op::TUPLE]),
            }
            return Ok(());
        }
        let short = items.len() <= 3 && self.protocol >= 2;
        if !short {
            self.out.op(op::MARK);
        }
        for &item in items {
            self.save(cx, item)?;
        }
        if let Some(number) = self.written_meanwhile(v) {
            if short || !self.binary() {
                let marks = usize::from(!short);
                self.out.put(&vec![op::POP; items.len() + marks]);
            } else {
                self.out.op(op::POP_MARK);
            }
            self.get(number);
            return Ok(());
        }
        self.out.op(if short { op::TUPLE1 + items.len() as u8 - 1 } else { op::TUPLE });
        self.memoize(cx, v)
    }

    fn list(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let Some(list) = v.cast::<List>() else { return Ok(()) };
        match self.binary() {
            true => self.out.op(op::EMPTY_LIST),
            false => self.out.put(&[op::MARK, op::LIST]),
        }
        self.memoize(cx, v)?;
        let mut i = 0;
        let alone = !self.binary() || list.len() == 1;
        while i < list.len() {
            if alone {
                if let Some(item) = list.get(i) {
                    self.save(cx, item)?;
                    self.out.op(op::APPEND);
                }
                i += 1;
                continue;
            }
            self.out.op(op::MARK);
            let end = i + BATCH;
            while i < end
                && let Some(item) = list.get(i)
            {
                self.save(cx, item)?;
                i += 1;
            }
            self.out.op(op::APPENDS);
        }
        Ok(())
    }

    fn dict(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let Some(dict) = v.cast::<Dict>() else { return Ok(()) };
        match self.binary() {
            true => self.out.op(op::EMPTY_DICT),
            false => self.out.put(&[op::MARK, op::DICT]),
        }
        self.memoize(cx, v)?;
        let size = dict.len();
        let mut batch = Batch::of(if !self.binary() || size == 1 { (op::SETITEM, 1) } else { (op::SETITEMS, BATCH) });
        let mut at = 0;
        while let Some((next, key, value)) = dict.next(at) {
            at = next;
            batch.before(&mut self.out);
            self.save(cx, key)?;
            self.save(cx, value)?;
            if dict.len() != size {
                return Err(cx.runtime_error("dictionary changed size during iteration"));
            }
            batch.after(&mut self.out);
        }
        batch.end(&mut self.out);
        Ok(())
    }

    fn set(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let Some(set) = v.cast::<Set>() else { return Ok(()) };
        self.out.op(op::EMPTY_SET);
        self.memoize(cx, v)?;
        let size = set.len();
        let mut batch = Batch::of((op::ADDITEMS, BATCH));
        let mut at = 0;
        while let Some((next, key, _)) = set.next(at) {
            at = next;
            batch.before(&mut self.out);
            self.save(cx, key)?;
            if set.len() != size {
                return Err(cx.runtime_error("set changed size during iteration"));
            }
            batch.after(&mut self.out);
        }
        batch.end(&mut self.out);
        Ok(())
    }

    fn frozenset(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        let Some(set) = v.cast::<Set>() else { return Ok(()) };
        self.out.op(op::MARK);
        let mut at = 0;
        while let Some((next, key, _)) = set.next(at) {
            at = next;
            self.save(cx, key)?;
        }
        if let Some(number) = self.written_meanwhile(v) {
            self.out.op(op::POP_MARK);
            self.get(number);
            return Ok(());
        }
        self.out.op(op::FROZENSET);
        self.memoize(cx, v)
    }

    /// Items of an iterator for an object under construction.
    pub fn items(&mut self, cx: &mut Ctx, iterator: Value) -> R<()> {
        self.batches(cx, iterator, op::APPEND, op::APPENDS, |saver, cx, item| saver.save(cx, item))
    }

    /// Pairs of an iterator for an object under construction.
    pub fn pairs(&mut self, cx: &mut Ctx, iterator: Value) -> R<()> {
        self.batches(cx, iterator, op::SETITEM, op::SETITEMS, |saver, cx, pair| {
            let Some(pair) = pair.cast::<Tuple>().filter(|p| p.len == 2) else {
                return Err(cx.type_error("dict items iterator must return 2-tuples"));
            };
            saver.save(cx, pair.items()[0])?;
            saver.save(cx, pair.items()[1])
        })
    }

    fn batches(
        &mut self,
        cx: &mut Ctx,
        iterator: Value,
        one: u8,
        many: u8,
        save: impl Fn(&mut Saver, &mut Ctx, Value) -> R<()>,
    ) -> R<()> {
        let mut ahead = cx.next(iterator)?;
        while let Some(first) = ahead {
            let second = if self.binary() { cx.next(iterator)? } else { None };
            let Some(second) = second else {
                save(self, cx, first)?;
                self.out.op(one);
                ahead = if self.binary() { None } else { cx.next(iterator)? };
                continue;
            };
            self.out.op(op::MARK);
            save(self, cx, first)?;
            ahead = Some(second);
            let mut count = 1;
            while let Some(item) = ahead {
                save(self, cx, item)?;
                ahead = cx.next(iterator)?;
                count += 1;
                if count == BATCH {
                    break;
                }
            }
            self.out.op(many);
        }
        Ok(())
    }
}

/// Items between a mark and the opcode that takes them; one that takes a single item needs no mark.
struct Batch {
    op: u8,
    size: usize,
    /// How many more there may be before the opcode.
    left: usize,
}

impl Batch {
    fn of((op, size): (u8, usize)) -> Batch {
        Batch { op, size, left: 0 }
    }

    fn before(&mut self, out: &mut Output) {
        if self.left == 0 {
            self.left = self.size;
            if self.size > 1 {
                out.op(op::MARK);
            }
        }
    }

    fn after(&mut self, out: &mut Output) {
        self.left -= 1;
        if self.left == 0 {
            out.op(self.op);
        }
    }

    fn end(self, out: &mut Output) {
        if self.left > 0 {
            out.op(self.op);
        }
    }
}

/// A text for a line of its own: what would end the line, and what Latin-1 has not, as escapes.
fn raw_unicode_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for code in wtf8::code_points(text) {
        match code {
            0 | 0x0a | 0x0d | 0x1a | 0x5c | 0x100..=0xffff => {
                out.extend_from_slice(format!("\\u{code:04x}").as_bytes())
            }
            0x10000.. => out.extend_from_slice(format!("\\U{code:08x}").as_bytes()),
            _ => out.push(code as u8),
        }
    }
    out
}

/// PicklingError with a message.
#[cold]
pub fn error(cx: &mut Ctx, message: impl AsRef<str>) -> Raised {
    super::raise(cx, "PicklingError", message.as_ref())
}
