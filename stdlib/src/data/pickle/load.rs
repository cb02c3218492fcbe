//! Pickles to objects: a machine with a stack and numbered objects.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::dict::Dict;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::sequence::{List, Tuple};
use conc_interpreter::object::set::Set;
use conc_interpreter::object::string::Str;
use conc_interpreter::value::{Gc, Value};
use dashu_int::IBig;

use super::input::Input;
use super::{copyreg, memo, names, numbers, op};
use crate::core::shared::{call_with_dict, is_exact};

/// What an unpickler's user has set.
pub struct Hooks {
    /// The unpickler, which is told the protocol.
    pub unpickler: Option<Value>,
    pub find_class: Option<Value>,
    pub persistent_load: Option<Value>,
    /// The iterator over what is not in the pickle.
    pub buffers: Option<Value>,
    pub fix_imports: bool,
    /// How byte strings of Python 2 are read.
    pub encoding: Gc<Str>,
    pub errors: Gc<Str>,
}

pub struct Loader {
    input: Input,
    hooks: Hooks,
    protocol: u8,
    stack: Gc<List>,
    /// How long the stack was at each mark.
    marks: Vec<usize>,
    /// The numbered objects, see [`memo::note`].
    memo: Gc<List>,
    copyreg: Option<Value>,
}

/// What follows an opcode.
enum Next {
    Go,
    End(Value),
}

impl Loader {
    pub fn new(cx: &mut Ctx, input: Input, hooks: Hooks, memo: Gc<List>) -> Loader {
        Loader { input, hooks, protocol: 0, stack: cx.new_list(), marks: Vec::new(), memo, copyreg: None }
    }

    /// Reads one whole pickle.
    pub fn load(&mut self, cx: &mut Ctx) -> R {
        loop {
            cx.poll()?;
            let op = self.input.op(cx)?;
            if let Next::End(v) = self.step(cx, op)? {
                return Ok(v);
            }
        }
    }

    fn step(&mut self, cx: &mut Ctx, code: u8) -> R<Next> {
        match code {
            op::STOP => return self.pop(cx).map(Next::End),
            op::PROTO => self.proto(cx)?,
            op::FRAME => {
                let len = u64::from_le_bytes(self.input.array(cx)?);
                self.input.frame(cx, len)?;
            }
            op::MARK => self.marks.push(self.stack.len()),
            op::POP => {
                // A mark alone may be on top.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop(cx)?;
                }
            }
            op::POP_MARK => {
                self.pop_mark(cx)?;
            }
            op::DUP => {
                let top = self.top(cx)?;
                self.push(cx, top)?;
            }
            op::MEMOIZE => self.memoize(cx, self.memo.len() as u64)?,
            op::BINPUT => {
                let [number] = self.input.array(cx)?;
                self.memoize(cx, number.into())?;
            }
            op::LONG_BINPUT => {
                let number = u32::from_le_bytes(self.input.array(cx)?);
                self.memoize(cx, number.into())?;
            }
            op::PUT => {
                let line = self.input.line(cx)?;
                self.top(cx)?;
                match numbers::index(cx, &line)? {
                    number @ 0.. => self.memoize(cx, number as u64)?,
                    _ => return Err(cx.value_error("negative PUT argument")),
                }
            }
            op::APPEND => {
                let item = self.pop(cx)?;
                self.append(cx, &[item])?;
            }
            op::APPENDS => {
                let items = self.pop_mark(cx)?;
                self.append(cx, items.items())?;
            }
            op::SETITEM => {
                let value = self.pop(cx)?;
                let key = self.pop(cx)?;
                self.set_items(cx, &[key, value])?;
            }
            op::SETITEMS => {
                let items = self.pop_mark(cx)?;
                if items.items().len() % 2 != 0 {
                    return Err(error(cx, "odd number of items for SETITEMS"));
                }
                self.set_items(cx, items.items())?;
            }
            op::ADDITEMS => {
                let items = self.pop_mark(cx)?;
                self.add_items(cx, items)?;
            }
            op::BUILD => self.build(cx)?,
            op::READONLY_BUFFER => {
                let buffer = self.pop(cx)?;
                let buffer = numbers::readonly(cx, buffer)?;
                self.push(cx, buffer)?;
            }
            _ => {
                let v = self.object(cx, code)?;
                self.push(cx, v)?;
            }
        }
        Ok(Next::Go)
    }

    fn proto(&mut self, cx: &mut Ctx) -> R<()> {
        let [protocol] = self.input.array(cx)?;
        if protocol > super::HIGHEST {
            return Err(cx.value_error(format!("unsupported pickle protocol: {protocol}")));
        }
        self.protocol = protocol;
        if let Some(unpickler) = self.hooks.unpickler {
            let name = cx.intern("_protocol");
            cx.set_attr(unpickler, name, Value::small_int(protocol.into()))?;
        }
        Ok(())
    }

    /// What an opcode that makes an object makes.
    fn object(&mut self, cx: &mut Ctx, code: u8) -> R {
        match code {
            op::NONE => Ok(Value::NONE),
            op::NEWTRUE => Ok(Value::TRUE),
            op::NEWFALSE => Ok(Value::FALSE),
            op::BININT1 => self.input.array::<1>(cx).map(|[n]| Value::small_int(n.into())),
            op::BININT2 => self.input.array(cx).map(|n| Value::small_int(u16::from_le_bytes(n).into())),
            op::BININT => self.input.array(cx).map(|n| Value::small_int(i32::from_le_bytes(n).into())),
            op::BINFLOAT => {
                let x = f64::from_be_bytes(self.input.array(cx)?);
                Ok(cx.float(x))
            }
            op::LONG1 => {
                let [len] = self.input.array(cx)?;
                self.long(cx, len.into())
            }
            op::LONG4 => {
                let len = i32::from_le_bytes(self.input.array(cx)?);
                match usize::try_from(len) {
                    Ok(len) => self.long(cx, len),
                    Err(_) => Err(error(cx, "LONG pickle has negative byte count")),
                }
            }
            op::INT | op::LONG | op::FLOAT | op::STRING | op::UNICODE | op::PERSID | op::GET => {
                let line = self.input.line(cx)?;
                self.of_line(cx, code, &line)
            }
            op::BINGET => {
                let [number] = self.input.array(cx)?;
                self.recall(cx, number.into())
            }
            op::LONG_BINGET => {
                let number = u32::from_le_bytes(self.input.array(cx)?);
                self.recall(cx, number.into())
            }
            op::SHORT_BINUNICODE | op::BINUNICODE | op::BINUNICODE8 => {
                let len = self.len(cx, code)?;
                let text = self.input.take(cx, len)?.to_vec();
                numbers::text(cx, &text)
            }
            op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 => {
                let len = self.len(cx, code)?;
                let data = self.input.take(cx, len)?.to_vec();
                cx.bytes(&data)
            }
            op::BYTEARRAY8 => {
                let len = self.len(cx, code)?;
                let data = self.input.take(cx, len)?.to_vec();
                let class = cx.class(ClassId::ByteArray);
                Ok(cx.new_bytearray(class, &data)?.value())
            }
            op::SHORT_BINSTRING | op::BINSTRING => {
                let len = self.len(cx, code)?;
                let data = self.input.take(cx, len)?.to_vec();
                self.old_string(cx, &data)
            }
            op::NEXT_BUFFER => self.next_buffer(cx),
            op::BINPERSID => {
                let id = self.pop(cx)?;
                self.persistent(cx, id)
            }
            _ => self.compound(cx, code),
        }
    }

    /// The length that follows an opcode.
    fn len(&mut self, cx: &mut Ctx, code: u8) -> R<usize> {
        let len = match code {
            op::SHORT_BINUNICODE | op::SHORT_BINBYTES | op::SHORT_BINSTRING => {
                self.input.array::<1>(cx).map(|[n]| u64::from(n))?
            }
            op::BINUNICODE | op::BINBYTES | op::BINSTRING => u32::from_le_bytes(self.input.array(cx)?).into(),
            _ => u64::from_le_bytes(self.input.array(cx)?),
        };
        Ok(usize::try_from(len).unwrap_or(usize::MAX))
    }

    fn long(&mut self, cx: &mut Ctx, len: usize) -> R {
        let n = IBig::from_le_bytes(self.input.take(cx, len)?);
        Ok(cx.big(&n))
    }

    /// What a line of text says, in the older protocols.
    fn of_line(&mut self, cx: &mut Ctx, code: u8, line: &[u8]) -> R {
        match code {
            op::INT if line == b"00" => Ok(Value::FALSE),
            op::INT if line == b"01" => Ok(Value::TRUE),
            op::INT => numbers::int(cx, line),
            op::LONG => numbers::long(cx, line),
            op::FLOAT => numbers::float(cx, line),
            op::STRING => {
                let data = numbers::quoted(cx, line)?;
                self.old_string(cx, &data)
            }
            op::UNICODE => numbers::raw_unicode(cx, line),
            op::PERSID => match std::str::from_utf8(line) {
                Ok(id) if id.is_ascii() => {
                    let id = cx.str(id);
                    self.persistent(cx, id)
                }
                _ => Err(error(cx, "persistent IDs in protocol 0 must be ASCII strings")),
            },
            _ => match numbers::index(cx, line)? {
                number @ 0.. => self.recall(cx, number as u64),
                number => Err(error(cx, format!("Memo value not found at index {number}"))),
            },
        }
    }

    /// A byte string of Python 2.
    fn old_string(&mut self, cx: &mut Ctx, data: &[u8]) -> R {
        let bytes = cx.bytes(data)?;
        if self.hooks.encoding.as_bytes() == b"bytes" {
            return Ok(bytes);
        }
        Ok(cx.decode_bytes(data, bytes, Some(self.hooks.encoding), Some(self.hooks.errors))?.value())
    }

    fn persistent(&mut self, cx: &mut Ctx, id: Value) -> R {
        match self.hooks.persistent_load {
            Some(load) => cx.call(load, &[id]),
            None => Err(error(
                cx,
                "A load persistent id instruction was encountered, but no persistent_load function was specified.",
            )),
        }
    }

    fn next_buffer(&mut self, cx: &mut Ctx) -> R {
        let Some(buffers) = self.hooks.buffers else {
            let message = "pickle stream refers to out-of-band data but no *buffers* argument was given";
            return Err(error(cx, message));
        };
        match cx.next(buffers)? {
            Some(buffer) => Ok(buffer),
            None => Err(error(cx, "not enough out-of-band buffers")),
        }
    }

    /// An object made of what is on the stack, or of a name.
    fn compound(&mut self, cx: &mut Ctx, code: u8) -> R {
        match code {
            op::EMPTY_TUPLE => cx.tuple(&[]),
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let mut items = [Value::NONE; 3];
                let items = &mut items[..usize::from(code - op::TUPLE1) + 1];
                for item in items.iter_mut().rev() {
                    *item = self.pop(cx)?;
                }
                cx.tuple(items)
            }
            op::TUPLE => Ok(self.pop_mark(cx)?.value()),
            op::EMPTY_LIST => Ok(cx.new_list().value()),
            op::LIST => {
                let items = self.pop_mark(cx)?;
                Ok(cx.list(items.items())?.value())
            }
            op::EMPTY_DICT => Ok(cx.new_dict().value()),
            op::DICT => {
                let items = self.pop_mark(cx)?;
                if items.items().len() % 2 != 0 {
                    return Err(error(cx, "odd number of items for DICT"));
                }
                let dict = cx.new_dict();
                for pair in items.items().chunks(2) {
                    dict.set(cx, pair[0], pair[1])?;
                }
                Ok(dict.value())
            }
            op::EMPTY_SET => Ok(cx.new_set(false)?.value()),
            op::FROZENSET => {
                let items = self.pop_mark(cx)?;
                let class = cx.class(ClassId::FrozenSet).value();
                cx.call(class, &[items.value()])
            }
            op::GLOBAL => {
                let (module, name) = (self.input.line(cx)?, self.input.line(cx)?);
                let (module, name) = (String::from_utf8_lossy(&module), String::from_utf8_lossy(&name));
                self.find(cx, &module, &name)
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop(cx)?, self.pop(cx)?);
                match (module.cast::<Str>(), name.cast::<Str>()) {
                    (Some(module), Some(name)) => self.find(cx, &module.to_text(), &name.to_text()),
                    _ => Err(error(cx, "STACK_GLOBAL requires str")),
                }
            }
            op::EXT1 | op::EXT2 | op::EXT4 => self.extension(cx, code),
            op::REDUCE => {
                let (args, callable) = (self.pop(cx)?, self.pop(cx)?);
                match args.cast::<Tuple>() {
                    Some(args) => cx.call(callable, args.items()),
                    None => Err(cx.type_error("argument list must be a tuple")),
                }
            }
            op::NEWOBJ => {
                let (args, class) = (self.pop(cx)?, self.pop(cx)?);
                self.new_object(cx, class, args, None)
            }
            op::NEWOBJ_EX => {
                let (named, args, class) = (self.pop(cx)?, self.pop(cx)?, self.pop(cx)?);
                self.new_object(cx, class, args, Some(named))
            }
            op::OBJ => {
                let items = self.pop_mark(cx)?;
                match items.items().split_first() {
                    Some((&class, args)) => instantiate(cx, class, args),
                    None => Err(underflow(cx)),
                }
            }
            op::INST => {
                let (module, name) = (self.input.line(cx)?, self.input.line(cx)?);
                let class = self.find(cx, &String::from_utf8_lossy(&module), &String::from_utf8_lossy(&name))?;
                let args = self.pop_mark(cx)?;
                instantiate(cx, class, args.items())
            }
            _ => Err(invalid_key(cx, code)),
        }
    }

    /// What a name stands for; scripts may decide (`find_class`).
    fn find(&mut self, cx: &mut Ctx, module: &str, name: &str) -> R {
        if let Some(find_class) = self.hooks.find_class {
            let (module, name) = (cx.str(module), cx.str(name));
            return cx.call(find_class, &[module, name]);
        }
        find_global(cx, module, name, self.protocol, self.hooks.fix_imports)
    }

    /// An object that has a number instead of a name (`copyreg.add_extension`).
    fn extension(&mut self, cx: &mut Ctx, code: u8) -> R {
        let number = match code {
            op::EXT1 => self.input.array::<1>(cx).map(|[n]| i64::from(n))?,
            op::EXT2 => u16::from_le_bytes(self.input.array(cx)?).into(),
            _ => i32::from_le_bytes(self.input.array(cx)?).into(),
        };
        if number <= 0 {
            return Err(error(cx, "EXT specifies code <= 0"));
        }
        let registry = copyreg(cx, &mut self.copyreg, "_inverted_registry")?;
        let found = match registry.cast::<Dict>() {
            Some(registry) => registry.get(cx, Value::small_int(number))?,
            None => None,
        };
        let pair = found.and_then(|pair| pair.cast::<Tuple>()).filter(|pair| pair.len == 2);
        match pair.map(|pair| (pair.items()[0].cast::<Str>(), pair.items()[1].cast::<Str>())) {
            Some((Some(module), Some(name))) => self.find(cx, &module.to_text(), &name.to_text()),
            _ => Err(cx.value_error(format!("unregistered extension code {number}"))),
        }
    }

    /// `class.__new__(class, *args, **named)`
    fn new_object(&mut self, cx: &mut Ctx, class: Value, args: Value, named: Option<Value>) -> R {
        let which = if named.is_some() { "NEWOBJ_EX" } else { "NEWOBJ" };
        if !class.is_a::<Class>() {
            let got = cx.type_name(class);
            return Err(error(cx, format!("{which} class argument must be a type, not {got}")));
        }
        let Some(args) = args.cast::<Tuple>() else {
            let got = cx.type_name(args);
            return Err(error(cx, format!("{which} args argument must be a tuple, not {got}")));
        };
        let named = match named.map(|named| (named, named.cast::<Dict>())) {
            Some((named, None)) => {
                let got = cx.type_name(named);
                return Err(error(cx, format!("NEWOBJ_EX kwargs argument must be a dict, not {got}")));
            }
            Some((_, dict)) => dict,
            None => None,
        };
        let new = cx.get_attr_text(class, "__new__")?;
        let all = cx.list(&[class])?;
        cx.list_extend(all, args.value())?;
        let all = cx.list_snapshot(all)?;
        call_with_dict(cx, new, all.items(), named)
    }

    // ---- what changes an object on the stack

    fn append(&mut self, cx: &mut Ctx, items: &[Value]) -> R<()> {
        let target = self.top(cx)?;
        if let Some(list) = target.cast::<List>().filter(|_| is_exact(target, ClassId::List)) {
            for &item in items {
                cx.list_push(list, item)?;
            }
            return Ok(());
        }
        let extend = cx.intern("extend");
        if items.len() > 1
            && let Some(extend) = cx.get_attr_opt(target, extend)?
        {
            let items = cx.list(items)?;
            cx.call(extend, &[items.value()])?;
            return Ok(());
        }
        let append = cx.get_attr_text(target, "append")?;
        for &item in items {
            cx.call(append, &[item])?;
        }
        Ok(())
    }

    fn set_items(&mut self, cx: &mut Ctx, items: &[Value]) -> R<()> {
        let target = self.top(cx)?;
        let dict = target.cast::<Dict>().filter(|_| is_exact(target, ClassId::Dict));
        for pair in items.chunks(2) {
            match dict {
                Some(dict) => dict.set(cx, pair[0], pair[1])?,
                None => cx.set_item(target, pair[0], pair[1])?,
            }
        }
        Ok(())
    }

    fn add_items(&mut self, cx: &mut Ctx, items: Gc<Tuple>) -> R<()> {
        let target = self.top(cx)?;
        if let Some(set) = target.cast::<Set>().filter(|_| is_exact(target, ClassId::Set)) {
            for &item in items.items() {
                set.add(cx, item)?;
            }
            return Ok(());
        }
        let add = cx.get_attr_text(target, "add")?;
        for &item in items.items() {
            cx.call(add, &[item])?;
        }
        Ok(())
    }

    /// Gives the object on the stack its state.
    fn build(&mut self, cx: &mut Ctx) -> R<()> {
        let state = self.pop(cx)?;
        let object = self.top(cx)?;
        let setter = cx.intern("__setstate__");
        if let Some(setter) = cx.get_attr_opt(object, setter)? {
            cx.call(setter, &[state])?;
            return Ok(());
        }
        let (state, slots) = match state.cast::<Tuple>().filter(|pair| pair.len == 2) {
            Some(pair) => (pair.items()[0], pair.items()[1]),
            None => (state, Value::NONE),
        };
        if !state.is_none() {
            let Some(state) = state.cast::<Dict>() else { return Err(error(cx, "state is not a dictionary")) };
            let attributes = cx.get_attr_text(object, "__dict__")?;
            for (key, value) in state.pairs() {
                let key = key.cast::<Str>().map_or(key, |name| cx.intern_str(name).value());
                cx.set_item(attributes, key, value)?;
            }
        }
        if !slots.is_none() {
            let Some(slots) = slots.cast::<Dict>() else { return Err(error(cx, "slot state is not a dictionary")) };
            for (key, value) in slots.pairs() {
                let Some(name) = key.cast::<Str>() else {
                    let got = cx.type_name(key);
                    return Err(cx.type_error(format!("attribute name must be string, not '{got}'")));
                };
                cx.set_attr(object, name, value)?;
            }
        }
        Ok(())
    }

    // ---- the stack and the memo

    fn push(&mut self, cx: &mut Ctx, v: Value) -> R<()> {
        cx.list_push(self.stack, v)
    }

    /// Whether something lies above the last mark.
    fn check(&self, cx: &mut Ctx) -> R<()> {
        match self.marks.last() {
            Some(&mark) if self.stack.len() <= mark => Err(error(cx, "unexpected MARK found")),
            None if self.stack.is_empty() => Err(underflow(cx)),
            _ => Ok(()),
        }
    }

    fn pop(&mut self, cx: &mut Ctx) -> R {
        self.check(cx)?;
        cx.list_pop_last(self.stack).ok_or_else(|| underflow(cx))
    }

    fn top(&mut self, cx: &mut Ctx) -> R {
        self.check(cx)?;
        self.stack.get(self.stack.len() - 1).ok_or_else(|| underflow(cx))
    }

    /// All above the last mark, which goes too.
    fn pop_mark(&mut self, cx: &mut Ctx) -> R<Gc<Tuple>> {
        let Some(mark) = self.marks.pop() else { return Err(error(cx, "could not find MARK")) };
        let items = cx.new_list();
        for i in mark..self.stack.len() {
            if let Some(item) = self.stack.get(i) {
                cx.list_push(items, item)?;
            }
        }
        cx.list_splice(self.stack, mark, self.stack.len(), &[])?;
        cx.list_snapshot(items)
    }

    fn memoize(&mut self, cx: &mut Ctx, number: u64) -> R<()> {
        let top = self.top(cx)?;
        match memo::note(cx, self.memo, number as usize, top)? {
            true => Ok(()),
            false => Err(error(cx, format!("Memo index {number} is out of the order of memo indices"))),
        }
    }

    fn recall(&mut self, cx: &mut Ctx, number: u64) -> R {
        match memo::noted(self.memo, number as usize) {
            Some(v) => Ok(v),
            None => Err(error(cx, format!("Memo value not found at index {number}"))),
        }
    }
}

/// What a name stands for, in the protocol's way of writing names.
pub fn find_global(cx: &mut Ctx, module: &str, name: &str, protocol: u8, fix_imports: bool) -> R {
    let (module, name) = if protocol < 3 && fix_imports { names::from_python2(module, name) } else { (module, name) };
    names::find(cx, module, name, protocol >= 4)
}

/// Makes an object as protocol 0 does: by a call, but for a class without arguments that asks for none.
fn instantiate(cx: &mut Ctx, class: Value, args: &[Value]) -> R {
    let initial = cx.intern("__getinitargs__");
    if args.is_empty() && class.is_a::<Class>() && cx.get_attr_opt(class, initial)?.is_none() {
        let new = cx.get_attr_text(class, "__new__")?;
        return cx.call(new, &[class]);
    }
    cx.call(class, args)
}

fn invalid_key(cx: &mut Ctx, code: u8) -> Raised {
    let shown = match code {
        b'\'' => "\\'".to_string(),
        b'\\' => "\\\\".to_string(),
        0x20..=0x7e => char::from(code).to_string(),
        _ => format!("\\x{code:02x}"),
    };
    error(cx, format!("invalid load key, '{shown}'."))
}

fn underflow(cx: &mut Ctx) -> Raised {
    error(cx, "unpickling stack underflow")
}

/// UnpicklingError with a message.
#[cold]
pub fn error(cx: &mut Ctx, message: impl AsRef<str>) -> Raised {
    super::raise(cx, "UnpicklingError", message.as_ref())
}
