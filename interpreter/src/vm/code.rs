//! Code objects: templates instantiated in one interpreter for one namespace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bytecode::op::{Op, abc};
use crate::bytecode::template::{CodeTemplate, Const, Handler, flags};
use crate::bytecode::word::Word;
use crate::native::{Ctx, R};
use crate::object::dict::Dict;
use crate::object::function::Code;
use crate::object::sequence::{List, Tuple};
use crate::value::{Gc, Value};

impl Ctx {
    /// Instantiates a template for a namespace.
    pub fn instantiate(&mut self, template: &Arc<CodeTemplate>, globals: Gc<Dict>) -> R<Gc<Code>> {
        let consts = self.new_list();
        for c in &template.consts {
            let value = self.constant(c)?;
            self.list_push(consts, value)?;
        }
        let consts = self.list_to_tuple(consts)?;
        let names = self.new_list();
        for name in &template.names {
            let name = self.intern(name).value();
            self.list_push(names, name)?;
        }
        let names = self.list_to_tuple(names)?;
        let children = self.new_list();
        for _ in &template.children {
            self.list_push(children, Value::NONE)?;
        }
        let name = self.intern(&template.name).value();
        let qualname = self.intern(&template.qualname).value();
        let words: Box<[AtomicU64]> = template.code.iter().map(|&w| AtomicU64::new(w)).collect();
        let slots = Box::new(cache_slots(&template.code));
        // Calls of coroutine functions push no frame (`generator::call`).
        let other = flags::VARARGS | flags::VARKEYWORDS | flags::COROUTINE;
        let plain = template.kwonly == 0 && template.flags & other == 0;
        let code = self.new_code(|c| {
            c.nregs = template.nregs;
            c.nlocals = template.nlocals;
            c.nparams = template.nparams();
            c.plain_args = if plain { template.argcount } else { 0xffff };
            c.argcount = template.argcount;
            c.kwonly = template.kwonly;
            c.flags = template.flags;
            for (slot, value) in [(&c.consts, consts), (&c.names, names), (&c.name, name), (&c.qualname, qualname)] {
                slot.set(value);
            }
            c.globals.set(globals.value());
            c.children.set(children.value());
            c.template = Arc::into_raw(template.clone());
            c.code_len = words.len() as u32;
            c.cache_slots = Box::into_raw(slots);
            c.entry = Box::into_raw(words) as *const AtomicU64;
        });
        self.iso().payloads.lock().push(code.as_ptr() as usize);
        Ok(code)
    }

    /// Child `index` of a code object, instantiated at first use.
    pub fn child_code(&mut self, code: Gc<Code>, index: usize) -> R<Gc<Code>> {
        let children = code.children.obj::<List>();
        if let Some(child) = children.get(index).and_then(|c| c.cast::<Code>()) {
            return Ok(child);
        }
        let template = code.template().children[index].clone();
        let child = self.instantiate(&template, code.globals.obj())?;
        self.list_set(children, index, child.value());
        Ok(child)
    }

    /// The value of a template's constant.
    fn constant(&mut self, c: &Const) -> R {
        Ok(match c {
            Const::None => Value::NONE,
            Const::True => Value::TRUE,
            Const::False => Value::FALSE,
            Const::Ellipsis => Value::ELLIPSIS,
            Const::Int(n) => self.int(*n),
            Const::BigInt { radix, digits } => {
                let n = dashu_int::IBig::from_str_radix(digits, *radix).unwrap_or_default();
                self.big(&n)
            }
            Const::Float(x) => self.float(*x),
            Const::Complex(re, im) => self.complex(*re, *im),
            Const::Str(text) if text.len() <= 64 => self.intern_bytes(text).value(),
            Const::Str(text) => self.try_wtf8(text)?.value(),
            Const::Bytes(data) => self.bytes(data)?,
            Const::Tuple(items) => {
                let list = self.new_list();
                for item in items {
                    let item = self.constant(item)?;
                    self.list_push(list, item)?;
                }
                self.list_to_tuple(list)?
            }
            Const::FrozenSet(items) => {
                let first = self.new_set(true)?;
                for item in items {
                    let item = self.constant(item)?;
                    first.add(self, item)?;
                }
                // CPython's compiler makes its frozensets anew from themselves, which changes the order of collisions.
                let set = self.new_set(true)?;
                for (key, _) in first.keys() {
                    set.add(self, key)?;
                }
                set.value()
            }
        })
    }

    /// Makes the machine's stub codes.
    pub(super) fn make_stubs(&mut self) -> R<()> {
        let call = |a: u16| abc(Op::Call, 0, a, 0, 0);
        let exit = vec![call(0), 0, abc(Op::Exit, 0, 0, 0, 0)];
        let segment = vec![call(0), 0, abc(Op::SegmentReturn, 0, 0, 0, 0)];
        let special = vec![call(0), 0, abc(Op::SpecialReturn, 0, 0, 0, 0)];
        let init = vec![call(1), 0, abc(Op::CheckInit, 0, 1, 0, 0), abc(Op::Return, 0, 0, 0, 0)];
        let globals = self.new_namespace();
        let roots = &self.iso().roots;
        for (slot, words, nregs) in [
            (&roots.exit_stub, exit, 4),
            (&roots.segment_stub, segment, 4),
            (&roots.special_stub, special, 4),
            (&roots.init_stub, init, 6),
        ] {
            let code = self.instantiate(&Arc::new(CodeTemplate::of_words(words, 0, nregs)), globals)?;
            slot.set(code.value());
        }
        let words = super::native::words();
        let end = words.len() as u32;
        let mut native = CodeTemplate::of_words(words, 0, super::native::REGISTERS);
        let target = super::native::RAISED_AT;
        native.handlers = Box::new([Handler { start: 0, end, target, exc: super::native::RESULT }]);
        let code = self.instantiate(&Arc::new(native), globals)?;
        roots.native_stub.set(code.value());
        self.make_machine_natives()
    }
}

/// The indices of cache words that hold heap references.
fn cache_slots(code: &[u64]) -> Box<[u32]> {
    let mut slots = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let Some(op) = Op::from_byte(code[at] as u8) else { break };
        let index = at as u32;
        match op {
            Op::GetGlobal => slots.extend([index + 1, index + 2]),
            Op::SetGlobal => slots.push(index + 1),
            Op::GetAttr | Op::LoadMethod => slots.push(index + 2),
            _ => {}
        }
        at += 1 + op.cache_words();
    }
    slots.into()
}

/// The cell a global's cache word holds.
#[inline(always)]
pub fn cached(word: &AtomicU64) -> Value {
    Value::from_bits(word.load(Ordering::Acquire))
}

/// A code's items as values, for introspection.
pub fn tuple_of(code: Gc<Code>) -> (Gc<Tuple>, Gc<Tuple>) {
    (code.consts.obj(), code.names.obj())
}

impl Word {
    /// The word at `pc`.
    ///
    /// # Safety
    /// `pc` points at a word of live code.
    #[inline(always)]
    pub unsafe fn at(pc: *const AtomicU64) -> Word {
        // SAFETY: by the contract.
        Word(unsafe { (*pc).load(Ordering::Relaxed) })
    }

    /// The opcode of a word that is an instruction.
    ///
    /// # Safety
    /// The word is an instruction of verified code, not one of its cache words.
    #[inline(always)]
    pub unsafe fn op(self) -> Op {
        // SAFETY: by the contract, the byte is an opcode's.
        unsafe { std::mem::transmute(self.0 as u8) }
    }
}
