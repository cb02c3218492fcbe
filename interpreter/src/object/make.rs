//! Constructors: the only places where objects come into being.
//!
//! Each allocates and initialises without a safepoint in between; a collection may run before the cell is taken.

use std::sync::atomic::Ordering;

use dashu_base::Sign;
use dashu_int::IBig;

use crate::heap::Header;
use crate::heap::block::MAX_SMALL;
use crate::heap::header::flag;
use crate::native::{Ctx, NativeDef, R};
use crate::object::class::Class;
use crate::object::dict::{Dict, Table};
use crate::object::function::*;
use crate::object::instance::{Chunk, Instance};
use crate::object::kind::{ClassId, Kind};
use crate::object::misc::*;
use crate::object::module::Module;
use crate::object::number::{BigInt, Complex, Float};
use crate::object::sequence::{Buffer, List, Tuple};
use crate::object::set::{Set, SetTable};
use crate::object::string::{ByteArray, Bytes, Str, StrBuffer};
use crate::text;
use crate::value::{Gc, Object, Value};

impl Ctx {
    /// A zeroed cell with its header written; at most [`MAX_SMALL`] bytes.
    #[inline(always)]
    pub(super) fn cell(&mut self, size: usize, word: u64) -> *mut u8 {
        debug_assert!(size <= MAX_SMALL);
        let at = match self.local.bump(size) {
            Some(at) => at,
            _ => self.cell_slow(size),
        };
        // SAFETY: a fresh cell.
        unsafe { *(at as *mut u64) = word };
        at
    }

    #[cold]
    #[inline(never)]
    fn cell_slow(&mut self, size: usize) -> *mut u8 {
        let heap = &self.iso().heap;
        if heap.wants_collection() && (self.iso().gc_enabled.load(Ordering::Relaxed) || heap.is_marking()) {
            self.collect_slice();
        }
        if heap.take_short() {
            self.collect();
            self.collect();
            heap.check_space();
        }
        if heap.is_over_limit() {
            // Small objects always succeed; the limit is reported at the next poll.
            self.signals_arc().raise();
        }
        let cell = heap.refill(&mut self.local, size);
        heap.after_refill(&mut self.local, size);
        cell
    }

    /// A zeroed cell of any size.
    #[inline(always)]
    fn big_cell(&mut self, size: usize, word: u64) -> R<*mut u8> {
        if size <= MAX_SMALL { Ok(self.cell(size, word)) } else { self.large_cell(size, word) }
    }

    #[cold]
    #[inline(never)]
    fn large_cell(&mut self, size: usize, word: u64) -> R<*mut u8> {
        let heap = &self.iso().heap;
        if heap.wants_collection() && (self.iso().gc_enabled.load(Ordering::Relaxed) || heap.is_marking()) {
            self.collect_slice();
        }
        let at = match self.iso().heap.allocate_large(size) {
            Some(at) => at,
            None => {
                self.collect();
                match self.iso().heap.allocate_large(size) {
                    Some(at) => at,
                    None => return Err(self.memory_error()),
                }
            }
        };
        // SAFETY: a fresh cell.
        unsafe { *(at as *mut u64) = word };
        Ok(at)
    }

    /// A fixed-size object whose fields `init` fills.
    #[inline(always)]
    pub(super) fn object<T: Object>(&mut self, kind: Kind, shape: u32, init: impl FnOnce(&mut T)) -> Gc<T> {
        let at = self.cell(size_of::<T>(), Header::word(kind as u8, shape, 0)) as *mut T;
        // SAFETY: a fresh zeroed cell of the right size; zero is valid for every field.
        unsafe {
            init(&mut *at);
            Gc::from_raw(at)
        }
    }

    /// Whether a class is builtin's own or a subclass: the header word of its instances.
    pub fn header_for(&self, class: Gc<Class>) -> (u64, usize) {
        let shape = class.root_shape.load(Ordering::Acquire);
        let attrs = class.id == 0 && !crate::object::attr::kind_has_attrs(class.instance_kind());
        let flags = if attrs { flag::ATTRS } else { 0 };
        (Header::word(class.kind, shape, flags), if attrs { 8 } else { 0 })
    }

    /// Marks a fresh object's trailing attributes word as empty.
    fn finish_attrs(&mut self, header: &Header) {
        if header.has(flag::ATTRS)
            && let Some(slot) = crate::object::attr::attrs_slot(header)
        {
            slot.set_immediate(Value::UNBOUND);
        }
    }

    // ---- numbers

    /// An int.
    #[inline]
    pub fn int(&mut self, n: i64) -> Value {
        match Value::try_int(n) {
            Some(v) => v,
            None => self.new_big(&IBig::from(n)),
        }
    }
    pub fn uint(&mut self, n: u64) -> Value {
        match i64::try_from(n) {
            Ok(n) => self.int(n),
            Err(_) => self.new_big(&IBig::from(n)),
        }
    }
    /// An int of any size, immediate if it fits.
    pub fn big(&mut self, n: &IBig) -> Value {
        match i64::try_from(n) {
            Ok(n) if (Value::INT_MIN..=Value::INT_MAX).contains(&n) => Value::small_int(n),
            _ => self.new_big(n),
        }
    }
    fn new_big(&mut self, n: &IBig) -> Value {
        let class = self.class(ClassId::Int);
        self.new_big_of(class, n).unwrap_or(Value::NONE)
    }
    /// A boxed int of `class`, which may be a subclass of int.
    pub fn new_big_of(&mut self, class: Gc<Class>, n: &IBig) -> R {
        let (word, extra) = self.header_for(class);
        let (sign, words) = n.as_sign_words();
        let at = self.big_cell(BigInt::WORDS + words.len() * 8 + extra, word)? as *mut BigInt;
        // SAFETY: a fresh cell with room for the words.
        unsafe {
            (*at).len = if sign == Sign::Negative { -(words.len() as isize) } else { words.len() as isize };
            std::ptr::copy_nonoverlapping(words.as_ptr(), at.add(1) as *mut dashu_int::Word, words.len());
            self.finish_attrs(&(*at).header);
        }
        Ok(Value::from_object(at as *const Header))
    }
    #[inline(always)]
    pub fn float(&mut self, x: f64) -> Value {
        match Value::try_float(x) {
            Some(v) => v,
            None => self.boxed_float(x),
        }
    }
    #[cold]
    fn boxed_float(&mut self, x: f64) -> Value {
        self.object::<Float>(Kind::Float, ClassId::Float.shape(), |f| f.value = x).value()
    }
    pub fn new_float_of(&mut self, class: Gc<Class>, x: f64) -> Value {
        if class.id == ClassId::Float as u32 {
            return self.float(x);
        }
        let (word, extra) = self.header_for(class);
        let at = self.cell(size_of::<Float>() + extra, word) as *mut Float;
        // SAFETY: a fresh cell.
        unsafe {
            (*at).value = x;
            self.finish_attrs(&(*at).header);
        }
        Value::from_object(at as *const Header)
    }
    pub fn complex(&mut self, re: f64, im: f64) -> Value {
        self.object::<Complex>(Kind::Complex, ClassId::Complex.shape(), |c| {
            c.re = re;
            c.im = im;
        })
        .value()
    }
    pub fn new_complex_of(&mut self, class: Gc<Class>, re: f64, im: f64) -> Value {
        let (word, extra) = self.header_for(class);
        let at = self.cell(size_of::<Complex>() + extra, word) as *mut Complex;
        // SAFETY: a fresh cell.
        unsafe {
            (*at).re = re;
            (*at).im = im;
            self.finish_attrs(&(*at).header);
        }
        Value::from_object(at as *const Header)
    }

    // ---- strings

    /// A str of a text.
    pub fn str(&mut self, text: &str) -> Value {
        self.new_str(text).value()
    }
    pub fn new_str(&mut self, text: &str) -> Gc<Str> {
        self.new_wtf8(text.as_bytes())
    }
    /// A str of WTF-8 bytes (the caller's own, or from another str). Text past 4 GiB is cut off by an error earlier.
    pub fn new_wtf8(&mut self, bytes: &[u8]) -> Gc<Str> {
        match bytes {
            [] => return self.iso().roots.empty_str.obj(),
            [c] if *c < 0x80 => return self.char_str(*c),
            _ => {}
        }
        let (chars, flags) = measure(bytes);
        match self.str_cell(bytes.len(), chars, flags) {
            Ok((s, data)) => {
                // SAFETY: the cell has room for the bytes.
                unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len()) };
                s
            }
            Err(_) => self.iso().roots.empty_str.obj(),
        }
    }
    /// A str of a few ASCII characters.
    #[inline]
    pub(crate) fn ascii_str(&mut self, bytes: &[u8]) -> Gc<Str> {
        debug_assert!(bytes.is_ascii() && bytes.len() > 1);
        match self.str_cell(bytes.len(), bytes.len(), flag::ASCII) {
            Ok((s, data)) => {
                // SAFETY: the cell has room for the bytes.
                unsafe { copy_short(bytes, data) };
                s
            }
            Err(_) => self.iso().roots.empty_str.obj(),
        }
    }
    /// The same, failing with MemoryError where the text does not fit.
    pub fn try_wtf8(&mut self, bytes: &[u8]) -> R<Gc<Str>> {
        if bytes.len() < 2 {
            return Ok(self.new_wtf8(bytes));
        }
        let (chars, flags) = measure(bytes);
        let (s, data) = self.str_cell(bytes.len(), chars, flags)?;
        // SAFETY: the cell has room for the bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len()) };
        Ok(s)
    }
    /// `separator.join(items)`, which takes `bytes` bytes; all items are strs.
    pub(crate) fn join_strs(&mut self, bytes: usize, separator: Gc<Str>, items: &Tuple) -> R<Gc<Str>> {
        let strs = || items.items().iter().filter_map(|item| item.cast::<Str>());
        let (mut all, mut any) = (separator.header().flags(), separator.header().flags());
        let mut chars = separator.len() * items.items().len().saturating_sub(1);
        for s in strs() {
            all &= s.header().flags();
            any |= s.header().flags();
            chars += s.len();
        }
        if bytes < 2 {
            let only = strs().find(|s| !s.is_empty());
            return Ok(match only {
                Some(s) => self.new_wtf8(s.as_bytes()),
                None => self.new_wtf8(&separator.as_bytes()[..bytes]),
            });
        }
        let (joined, mut data) = self.str_cell(bytes, chars, all & flag::ASCII | any & flag::SURROGATES)?;
        for (i, s) in strs().enumerate() {
            for part in [separator, s].into_iter().skip((i == 0) as usize) {
                // SAFETY: the cell has room for all texts.
                unsafe {
                    copy_short(part.as_bytes(), data);
                    data = data.add(part.as_bytes().len());
                }
            }
        }
        Ok(joined)
    }
    /// A str cell to be filled with `bytes` bytes at once, before anything else allocates.
    #[inline(always)]
    fn str_cell(&mut self, bytes: usize, chars: usize, flags: u8) -> R<(Gc<Str>, *mut u8)> {
        if bytes > u32::MAX as usize {
            return Err(self.memory_error());
        }
        let word = Header::word(Kind::Str as u8, ClassId::Str.shape(), flags);
        let at = self.big_cell(Str::INLINE + bytes, word)? as *mut Str;
        // SAFETY: a fresh cell with room for the text.
        unsafe {
            let data = Str::init_inline(at, bytes, chars);
            Ok((Gc::from_raw(at), data))
        }
    }
    /// An instance of a subclass of str.
    pub fn new_str_of(&mut self, class: Gc<Class>, bytes: &[u8]) -> R {
        if class.id == ClassId::Str as u32 {
            return Ok(self.try_wtf8(bytes)?.value());
        }
        let (chars, flags) = measure(bytes);
        let (word, extra) = self.header_for(class);
        if bytes.len() > u32::MAX as usize {
            return Err(self.memory_error());
        }
        let size = (Str::INLINE + bytes.len()).next_multiple_of(8) + extra;
        let at = self.big_cell(size, word)? as *mut Str;
        // SAFETY: a fresh cell with room for text and attributes word.
        unsafe {
            let data = Str::init_inline(at, bytes.len(), chars);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
            (*at).header.set_flag(flags);
            self.finish_attrs(&(*at).header);
        }
        Ok(Value::from_object(at as *const Header))
    }
    /// An exact str object of its own, never one of the shared ones.
    pub(crate) fn new_exact_str(&mut self, class: Gc<Class>, bytes: &[u8]) -> Value {
        let (chars, flags) = measure(bytes);
        let word = Header::word(Kind::Str as u8, class.root_shape.load(Ordering::Relaxed), flags);
        let at = self.cell(Str::INLINE + bytes.len(), word) as *mut Str;
        // SAFETY: a fresh cell with room for the text.
        unsafe {
            let data = Str::init_inline(at, bytes.len(), chars);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        }
        Value::from_object(at as *const Header)
    }
    /// The one-character str of a Latin-1 code.
    #[inline]
    pub fn char_str(&mut self, c: u8) -> Gc<Str> {
        let chars = self.iso().roots.chars.obj::<Tuple>();
        chars.slots()[c as usize].obj()
    }
    /// The one-character str of a code point (surrogates included).
    pub fn code_point_str(&mut self, c: u32) -> Gc<Str> {
        if c < 256 {
            return self.char_str(c as u8);
        }
        let mut bytes = Vec::with_capacity(4);
        text::wtf8::push_code_point(&mut bytes, c);
        self.new_wtf8(&bytes)
    }
    /// The interned str of a text.
    pub fn intern(&mut self, text: &str) -> Gc<Str> {
        self.intern_bytes(text.as_bytes())
    }
    pub fn intern_bytes(&mut self, bytes: &[u8]) -> Gc<Str> {
        let hash = self.hash_bytes(bytes);
        let iso = self.iso();
        iso.intern(bytes, hash, || {
            let s = self.new_wtf8(bytes);
            s.hash.store(hash, Ordering::Relaxed);
            s
        })
    }
    /// The interned str equal to `s`.
    pub fn intern_str(&mut self, s: Gc<Str>) -> Gc<Str> {
        if s.header().has(flag::INTERNED) {
            return s;
        }
        let hash = self.hash_str(s);
        let iso = self.iso();
        let exact = s.header().shape() == ClassId::Str.shape();
        iso.intern(s.as_bytes(), hash, || {
            if exact && !s.header().has(flag::EXTERNAL) {
                return s;
            }
            let new = self.new_wtf8(s.as_bytes());
            new.hash.store(hash, Ordering::Relaxed);
            new
        })
    }

    /// `a + b`. Long results share a buffer that the next `+=` extends in place.
    pub fn concat(&mut self, a: Gc<Str>, b: Gc<Str>) -> R {
        if a.is_empty() && b.header().shape() == ClassId::Str.shape() {
            return Ok(b.value());
        }
        if b.is_empty() && a.header().shape() == ClassId::Str.shape() {
            return Ok(a.value());
        }
        let bytes = a.bytes as usize + b.bytes as usize;
        let chars = a.chars as usize + b.chars as usize;
        let mut flags = a.header().flags() & b.header().flags() & flag::ASCII;
        flags |= (a.header().flags() | b.header().flags()) & flag::SURROGATES;
        if bytes >= 256 && bytes <= u32::MAX as usize {
            return self.concat_shared(a, b, bytes, chars, flags);
        }
        let (s, data) = self.str_cell(bytes, chars, flags)?;
        // SAFETY: the cell has room for both texts.
        unsafe {
            copy_short(a.as_bytes(), data);
            copy_short(b.as_bytes(), data.add(a.bytes as usize));
        }
        Ok(s.value())
    }

    fn concat_shared(&mut self, a: Gc<Str>, b: Gc<Str>, bytes: usize, chars: usize, flags: u8) -> R {
        if let Some(owner) = a.owner()
            && let Some(buffer) = owner.get().cast::<StrBuffer>()
        {
            let start = a.data() as usize - buffer.data() as usize;
            let end = start + a.bytes as usize;
            let room = buffer.cap - end >= b.bytes as usize;
            let claim = room
                && buffer
                    .fill
                    .compare_exchange(end, end + b.bytes as usize, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok();
            if claim {
                // SAFETY: the bytes from `end` on were claimed and no other string reaches into them.
                unsafe {
                    std::ptr::copy_nonoverlapping(b.as_bytes().as_ptr(), buffer.data().add(end), b.bytes as usize)
                };
                return Ok(self.external_str(buffer, a.data(), bytes, chars, flags).value());
            }
        }
        let buffer = self.new_str_buffer(bytes * 2)?;
        // SAFETY: a fresh buffer with room for both.
        unsafe {
            std::ptr::copy_nonoverlapping(a.as_bytes().as_ptr(), buffer.data(), a.bytes as usize);
            std::ptr::copy_nonoverlapping(b.as_bytes().as_ptr(), buffer.data().add(a.bytes as usize), b.bytes as usize);
        }
        buffer.fill.store(bytes, Ordering::Release);
        Ok(self.external_str(buffer, buffer.data(), bytes, chars, flags).value())
    }

    fn external_str(
        &mut self,
        buffer: Gc<StrBuffer>,
        data: *const u8,
        bytes: usize,
        chars: usize,
        flags: u8,
    ) -> Gc<Str> {
        let word = Header::word(Kind::Str as u8, ClassId::Str.shape(), flags | flag::EXTERNAL);
        let at = self.cell(Str::EXTERNAL, word) as *mut Str;
        // SAFETY: a fresh cell; the text lies in the buffer.
        unsafe {
            Str::init_external(at, data, bytes, chars, buffer.value());
            Gc::from_raw(at)
        }
    }

    /// The code points `[from, to)` of a str.
    pub fn substr(&mut self, s: Gc<Str>, from: usize, to: usize) -> Gc<Str> {
        if from >= to {
            return self.iso().roots.empty_str.obj();
        }
        if from == 0 && to == s.len() && s.header().shape() == ClassId::Str.shape() {
            return s;
        }
        let start = s.offset_of(from);
        let end = if s.is_ascii() { to } else { super::string::skip_chars(s.as_bytes(), start, to - from) };
        self.sub_bytes(s, start, end)
    }
    /// The bytes `[start, end)` of a str's text, both at code point boundaries.
    pub fn sub_bytes(&mut self, s: Gc<Str>, start: usize, end: usize) -> Gc<Str> {
        let bytes = &s.as_bytes()[start..end];
        if bytes.len() < 2 || !s.is_ascii() {
            return self.new_wtf8(bytes);
        }
        self.ascii_str(bytes)
    }

    fn new_str_buffer(&mut self, cap: usize) -> R<Gc<StrBuffer>> {
        let size = size_of::<StrBuffer>() + cap;
        let at = self.big_cell(size, Header::word(Kind::StrBuffer as u8, 0, 0))? as *mut StrBuffer;
        // SAFETY: a fresh cell with room for `cap` bytes.
        unsafe {
            (*at).cap = cap;
            Ok(Gc::from_raw(at))
        }
    }

    pub fn bytes(&mut self, data: &[u8]) -> R {
        let class = self.class(ClassId::Bytes);
        self.new_bytes_of(class, data)
    }
    pub fn new_bytes_of(&mut self, class: Gc<Class>, data: &[u8]) -> R {
        if data.is_empty() && class.id == ClassId::Bytes as u32 && self.iso().roots.empty_bytes.get().is_object() {
            return Ok(self.iso().roots.empty_bytes.get());
        }
        let (word, extra) = self.header_for(class);
        let at = self.big_cell((Bytes::DATA + data.len()).next_multiple_of(8) + extra, word)? as *mut Bytes;
        // SAFETY: a fresh cell with room for the data.
        unsafe {
            (*at).len = data.len();
            std::ptr::copy_nonoverlapping(data.as_ptr(), at.add(1) as *mut u8, data.len());
            self.finish_attrs(&(*at).header);
        }
        Ok(Value::from_object(at as *const Header))
    }
    pub fn new_bytearray(&mut self, class: Gc<Class>, data: &[u8]) -> R<Gc<ByteArray>> {
        let buffer = self.new_byte_buffer(data, data.len())?;
        let (word, extra) = self.header_for(class);
        let at = self.cell(size_of::<ByteArray>() + extra, word) as *mut ByteArray;
        // SAFETY: a fresh cell.
        unsafe {
            (*at).buffer.set(buffer.value());
            self.finish_attrs(&(*at).header);
            Ok(Gc::from_raw(at))
        }
    }
    /// A byte buffer with data and room for `cap` bytes, for a bytearray to publish.
    pub fn new_byte_buffer(&mut self, data: &[u8], cap: usize) -> R<Gc<StrBuffer>> {
        let buffer = self.new_str_buffer(cap.max(data.len()))?;
        // SAFETY: a fresh buffer with room.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), buffer.data(), data.len()) };
        buffer.fill.store(data.len(), Ordering::Release);
        Ok(buffer)
    }

    // ---- sequences

    pub fn tuple(&mut self, items: &[Value]) -> R {
        if items.is_empty() {
            return Ok(self.iso().roots.empty_tuple.get());
        }
        let class = self.class(ClassId::Tuple);
        self.new_tuple_of(class, items)
    }
    pub fn new_tuple_of(&mut self, class: Gc<Class>, items: &[Value]) -> R {
        let (word, extra) = self.header_for(class);
        let at = self.big_cell(Tuple::SLOTS + items.len() * 8 + extra, word)? as *mut Tuple;
        // SAFETY: a fresh cell with room for the items.
        unsafe {
            (*at).len = items.len();
            for (slot, item) in (*at).slots().iter().zip(items) {
                slot.set(*item);
            }
            self.finish_attrs(&(*at).header);
        }
        Ok(Value::from_object(at as *const Header))
    }
    /// A tuple of a list's items.
    pub fn list_to_tuple(&mut self, list: Gc<List>) -> R {
        let class = self.class(ClassId::Tuple);
        self.list_to_tuple_of(class, list)
    }
    pub fn list_to_tuple_of(&mut self, class: Gc<Class>, list: Gc<List>) -> R {
        loop {
            let buffer = list.buffer();
            let len = buffer.len();
            if len == 0 && class.id == ClassId::Tuple as u32 {
                return Ok(self.iso().roots.empty_tuple.get());
            }
            let (word, extra) = self.header_for(class);
            let at = self.big_cell(Tuple::SLOTS + len * 8 + extra, word)? as *mut Tuple;
            // Another thread may have changed the list while the cell was made.
            let lock = self.lock(&list.header);
            if list.buffer() != buffer || buffer.len() != len {
                continue;
            }
            // SAFETY: a fresh cell with room for the items.
            unsafe {
                (*at).len = len;
                for (slot, item) in (*at).slots().iter().zip(buffer.slots()) {
                    slot.set(item.get());
                }
                drop(lock);
                self.finish_attrs(&(*at).header);
            }
            return Ok(Value::from_object(at as *const Header));
        }
    }
    pub fn new_buffer(&mut self, cap: usize) -> R<Gc<Buffer>> {
        if cap == 0 && self.iso().roots.empty_buffer.get().is_object() {
            return Ok(self.iso().roots.empty_buffer.obj());
        }
        let Some(size) = cap.checked_mul(8).and_then(|n| n.checked_add(Buffer::SLOTS)) else {
            return Err(self.memory_error());
        };
        let at = self.big_cell(size, Header::word(Kind::Buffer as u8, 0, 0))? as *mut Buffer;
        // SAFETY: a fresh cell with room for `cap` slots.
        unsafe {
            (*at).cap = cap;
            Ok(Gc::from_raw(at))
        }
    }
    pub fn list(&mut self, items: &[Value]) -> R<Gc<List>> {
        let buffer = self.new_buffer(items.len())?;
        for (slot, item) in buffer.slots().iter().zip(items) {
            slot.set(*item);
        }
        if !items.is_empty() {
            buffer.len.store(items.len(), Ordering::Release);
        }
        Ok(self.list_of_buffer(buffer))
    }
    pub fn list_of_buffer(&mut self, buffer: Gc<Buffer>) -> Gc<List> {
        self.object::<List>(Kind::List, ClassId::List.shape(), |l| l.buffer.set(buffer.value()))
    }
    /// An empty list.
    pub fn new_list(&mut self) -> Gc<List> {
        let buffer = self.iso().roots.empty_buffer.get();
        self.object::<List>(Kind::List, ClassId::List.shape(), |l| l.buffer.set(buffer))
    }
    pub fn new_list_of(&mut self, class: Gc<Class>) -> Gc<List> {
        let buffer = self.iso().roots.empty_buffer.get();
        let (word, extra) = self.header_for(class);
        let at = self.cell(size_of::<List>() + extra, word) as *mut List;
        // SAFETY: a fresh cell.
        unsafe {
            (*at).buffer.set(buffer);
            self.finish_attrs(&(*at).header);
            Gc::from_raw(at)
        }
    }

    // ---- dicts and sets

    pub fn new_table(&mut self, cap: usize) -> R<Gc<Table>> {
        let (size, mask) = Table::size_for(cap);
        let at = self.big_cell(size, Header::word(Kind::Table as u8, 0, 0))? as *mut Table;
        // SAFETY: a fresh cell of the right size.
        unsafe {
            Table::init(at, cap, mask);
            Ok(Gc::from_raw(at))
        }
    }
    pub fn empty_table(&self) -> Value {
        self.iso().roots.empty_table.get()
    }
    pub fn new_dict(&mut self) -> Gc<Dict> {
        let table = self.empty_table();
        self.object::<Dict>(Kind::Dict, ClassId::Dict.shape(), |d| d.table.set(table))
    }
    pub fn new_dict_of(&mut self, class: Gc<Class>) -> Gc<Dict> {
        let table = self.empty_table();
        let (word, extra) = self.header_for(class);
        let at = self.cell(size_of::<Dict>() + extra, word) as *mut Dict;
        // SAFETY: a fresh cell.
        unsafe {
            (*at).table.set(table);
            self.finish_attrs(&(*at).header);
            Gc::from_raw(at)
        }
    }
    /// A dict whose values are cells: a module's namespace.
    pub fn new_namespace(&mut self) -> Gc<Dict> {
        let dict = self.new_dict();
        dict.header.set_flag(flag::CELLS);
        dict
    }
    pub fn new_set_table(&mut self, size: usize) -> R<Gc<SetTable>> {
        let word = Header::word(Kind::SetTable as u8, 0, 0);
        let at = self.big_cell(SetTable::size_for(size), word)? as *mut SetTable;
        // SAFETY: a fresh cell of the right size.
        unsafe {
            SetTable::init(at, size);
            Ok(Gc::from_raw(at))
        }
    }
    pub fn new_set(&mut self, frozen: bool) -> R<Gc<Set>> {
        let class = self.class(if frozen { ClassId::FrozenSet } else { ClassId::Set });
        self.new_set_of(class)
    }
    pub fn new_set_of(&mut self, class: Gc<Class>) -> R<Gc<Set>> {
        let table = self.new_set_table(super::set::MIN_SIZE)?;
        let (word, extra) = self.header_for(class);
        let at = self.cell(size_of::<Set>() + extra, word) as *mut Set;
        // SAFETY: a fresh cell.
        unsafe {
            (*at).table.set(table.value());
            self.finish_attrs(&(*at).header);
            Ok(Gc::from_raw(at))
        }
    }

    // ---- functions and code

    pub fn new_cell(&mut self, value: Value) -> Gc<Cell> {
        self.object::<Cell>(Kind::Cell, ClassId::Cell.shape(), |c| c.value.set(value))
    }
    pub fn new_method(&mut self, function: Value, this: Value) -> Value {
        self.object::<Method>(Kind::Method, ClassId::Method.shape(), |m| {
            m.function.set(function);
            m.this.set(this);
        })
        .value()
    }
    pub fn new_native(&mut self, def: &'static NativeDef, class: ClassId, this: Value, owner: Value) -> Gc<Native> {
        self.object::<Native>(Kind::Native, class.shape(), |n| {
            n.def = def;
            n.this.set(this);
            n.owner.set(owner);
        })
    }
    pub fn new_function(&mut self, fill: impl FnOnce(&mut Function)) -> Gc<Function> {
        self.object::<Function>(Kind::Function, ClassId::Function.shape(), |f| {
            for slot in [&f.closure, &f.dict] {
                slot.set_immediate(Value::UNBOUND);
            }
            for slot in [&f.defaults, &f.kwdefaults, &f.module, &f.doc, &f.annotations, &f.type_params] {
                slot.set_immediate(Value::NONE);
            }
            fill(f)
        })
    }
    /// A code object; the caller registers its payload.
    pub fn new_code(&mut self, fill: impl FnOnce(&mut Code)) -> Gc<Code> {
        self.object::<Code>(Kind::Code, ClassId::Code.shape(), fill)
    }
    pub fn new_entry(&mut self, shape: u32, version: u32, class: Value, value: Value, action: u32) -> Gc<Entry> {
        self.object::<Entry>(Kind::Entry, 0, |e| {
            e.shape = shape;
            e.version = version;
            e.class.set(class);
            e.value.set(value);
            e.action = action;
        })
    }
    pub fn new_wrapper(
        &mut self,
        class: ClassId,
        value: Value,
        other: Value,
        owner: Value,
        name: Value,
    ) -> Gc<Wrapper> {
        self.object::<Wrapper>(Kind::Wrapper, class.shape(), |w| {
            w.value.set(value);
            w.other.set(other);
            w.owner.set(owner);
            w.name.set(name);
            w.dict.set_immediate(Value::UNBOUND);
        })
    }
    pub fn new_property(&mut self, class: Gc<Class>) -> Gc<Property> {
        let (word, extra) = self.header_for(class);
        let at = self.cell(size_of::<Property>() + extra, word) as *mut Property;
        // SAFETY: a fresh cell.
        unsafe {
            let p = &*at;
            for slot in [&p.get, &p.set, &p.delete, &p.doc] {
                slot.set_immediate(Value::NONE);
            }
            p.name.set_immediate(Value::UNBOUND);
            p.attrs.set_immediate(Value::UNBOUND);
            Gc::from_raw(at)
        }
    }
    pub fn new_super(&mut self, shape: u32, class: Value, object: Value, start: Value) -> Gc<Super> {
        self.object::<Super>(Kind::Super, shape, |s| {
            s.class.set(class);
            s.object.set(object);
            s.start.set(start);
            s.attrs.set_immediate(Value::UNBOUND);
        })
    }

    // ---- instances and classes

    /// An instance of a script class with all slots unbound.
    #[inline]
    pub fn new_instance(&mut self, class: Gc<Class>) -> Gc<Instance> {
        let shape = class.root_shape.load(Ordering::Acquire);
        let inline = self.iso().shapes.get(shape).inline as usize;
        let word = Header::word(Kind::Instance as u8, shape, 0);
        let at = self.cell(Instance::SLOTS + inline * 8, word) as *mut Instance;
        // SAFETY: a fresh cell with room for the inline slots.
        let object = unsafe {
            (*at).overflow.set_immediate(Value::UNBOUND);
            for i in 0..inline {
                (*at).inline_slot(i).set_immediate(Value::UNBOUND);
            }
            Gc::from_raw(at)
        };
        if class.has(super::class::class_flag::FINALIZER) {
            self.register_finalizer(object.value());
        }
        object
    }
    /// Has the collector call the object's `__del__` once it is dead.
    pub fn register_finalizer(&mut self, object: Value) {
        self.iso().finalizable.lock().push(object.object() as usize);
    }
    pub fn new_chunk(&mut self, len: usize) -> Gc<Chunk> {
        let at = self.cell(size_of::<Chunk>() + len * 8, Header::word(Kind::Chunk as u8, 0, 0)) as *mut Chunk;
        // SAFETY: a fresh cell with room for the slots.
        unsafe {
            (*at).next.set_immediate(Value::UNBOUND);
            (*at).len = len;
            for slot in (*at).slots() {
                slot.set_immediate(Value::UNBOUND);
            }
            Gc::from_raw(at)
        }
    }
    /// A class object of a metaclass, with everything unbound.
    pub fn new_class_object(&mut self, metaclass_shape: u32, fill: impl FnOnce(&mut Class)) -> Gc<Class> {
        self.object::<Class>(Kind::Class, metaclass_shape, |c| {
            for slot in [&c.ctor_init, &c.attrs, &c.subclasses] {
                slot.set_immediate(Value::UNBOUND);
            }
            fill(c)
        })
    }

    // ---- the rest

    pub fn new_module(&mut self, dict: Gc<Dict>) -> Gc<Module> {
        self.object::<Module>(Kind::Module, ClassId::Module.shape(), |m| {
            m.dict.set(dict.value());
            m.lazy.set_immediate(Value::small_int(0));
            m.attrs.set_immediate(Value::UNBOUND);
        })
    }
    pub fn new_range(&mut self, start: Value, stop: Value, step: Value, len: i64) -> Value {
        self.object::<Range>(Kind::Range, ClassId::Range.shape(), |r| {
            r.start.set(start);
            r.stop.set(stop);
            r.step.set(step);
            r.len = len;
        })
        .value()
    }
    pub fn new_slice(&mut self, start: Value, stop: Value, step: Value) -> Value {
        self.object::<SliceObject>(Kind::Slice, ClassId::Slice.shape(), |s| {
            s.start.set(start);
            s.stop.set(stop);
            s.step.set(step);
        })
        .value()
    }
    /// A builtin iterator object of `class`.
    pub fn new_iter(&mut self, class: ClassId, source: Value, extra: Value, index: i64, limit: i64) -> Gc<Iter> {
        let class = self.class(class);
        self.new_iter_of(class, source, extra, index, limit)
    }
    pub fn new_iter_of(&mut self, class: Gc<Class>, source: Value, extra: Value, index: i64, limit: i64) -> Gc<Iter> {
        let shape = class.root_shape.load(Ordering::Acquire);
        self.object::<Iter>(Kind::Iter, shape, |i| {
            i.source.set(source);
            i.extra.set(extra);
            i.index = index.into();
            i.limit = limit.into();
            i.attrs.set_immediate(Value::UNBOUND);
        })
    }
    pub fn new_dict_view(&mut self, class: ClassId, dict: Gc<Dict>) -> Value {
        self.object::<DictView>(Kind::DictView, class.shape(), |v| v.dict.set(dict.value())).value()
    }
    pub fn new_generic_alias(&mut self, class: Gc<Class>, origin: Value, args: Value) -> Gc<GenericAlias> {
        let shape = class.root_shape.load(Ordering::Acquire);
        self.object::<GenericAlias>(Kind::GenericAlias, shape, |g| {
            g.origin.set(origin);
            g.args.set(args);
            g.params.set_immediate(Value::UNBOUND);
            g.attrs.set_immediate(Value::UNBOUND);
        })
    }
    pub fn new_weakref(&mut self, class: Gc<Class>, target: Value, callback: Value) -> Gc<WeakRef> {
        let shape = class.root_shape.load(Ordering::Acquire);
        let w = self.object::<WeakRef>(Kind::WeakRef, shape, |w| {
            w.target.set(target);
            w.callback.set(callback);
            w.hash.set_immediate(Value::UNBOUND);
            w.attrs.set_immediate(Value::UNBOUND);
        });
        if let Some(header) = target.header() {
            header.set_flag(flag::WEAKREF);
        }
        self.iso().weakrefs.lock().push(w.as_ptr() as usize);
        w
    }
    /// An object with Rust data and `nslots` traced slots (None at first).
    pub fn new_boxed(&mut self, class: Gc<Class>, payload: Option<Box<dyn Payload>>, nslots: usize) -> Gc<Boxed> {
        let object = self.bare_boxed(class, nslots, 0);
        if let Some(payload) = payload {
            // SAFETY: the object was made just now.
            unsafe { object.set_payload(payload) };
            self.iso().payloads.lock().push(object.as_ptr() as usize);
        }
        object
    }
    /// The same with the payload in the object's own cell: for small ones of which there may be many.
    pub fn new_boxed_with<P: Payload>(&mut self, class: Gc<Class>, payload: P, nslots: usize) -> Gc<Boxed> {
        let object = self.bare_boxed(class, nslots, size_of::<P>());
        // SAFETY: the object was made just now, with the room.
        unsafe { object.place_payload(payload) };
        if std::mem::needs_drop::<P>() {
            self.iso().payloads.lock().push(object.as_ptr() as usize);
        }
        object
    }
    /// One without a payload, with so many bytes behind its slots.
    #[inline]
    fn bare_boxed(&mut self, class: Gc<Class>, nslots: usize, behind: usize) -> Gc<Boxed> {
        let shape = class.root_shape.load(Ordering::Acquire);
        let word = Header::word(Kind::Boxed as u8, shape, 0);
        let at = self.cell(size_of::<Boxed>() + nslots * 8 + behind, word) as *mut Boxed;
        // SAFETY: a fresh cell with room for the slots.
        unsafe {
            (*at).nslots = nslots;
            (*at).attrs.set_immediate(Value::UNBOUND);
            for slot in (*at).slots() {
                slot.set_immediate(Value::NONE);
            }
            Gc::from_raw(at)
        }
    }
    pub fn new_memoryview(&mut self, fill: impl FnOnce(&mut MemoryView)) -> Gc<MemoryView> {
        self.object::<MemoryView>(Kind::MemoryView, ClassId::MemoryView.shape(), fill)
    }
    pub fn new_frame_object(&mut self, fill: impl FnOnce(&mut super::exception::FrameObject)) -> Value {
        self.object(Kind::Frame, ClassId::Frame.shape(), fill).value()
    }
    /// A generator object with room for a frame of `nregs` registers.
    pub fn new_generator(&mut self, class: ClassId, nregs: usize) -> R<Gc<super::generator::Generator>> {
        use super::generator::Generator;
        let size = size_of::<Generator>() + (nregs + Generator::LINKS) * 8;
        let word = Header::word(Kind::Generator as u8, class.shape(), 0);
        let at = self.big_cell(size, word)? as *mut Generator;
        // SAFETY: a fresh cell with room for the frame.
        unsafe {
            for slot in [&(*at).handled, &(*at).outer_handled, &(*at).names] {
                slot.set_immediate(Value::NONE);
            }
            Ok(Gc::from_raw(at))
        }
    }
    pub fn new_segment(&mut self, words: usize) -> R<Gc<super::stack::Segment>> {
        use super::stack::Segment;
        let word = Header::word(Kind::Segment as u8, 0, 0);
        let at = self.big_cell(size_of::<Segment>() + words * 8, word)? as *mut Segment;
        // SAFETY: a fresh cell with room for the words.
        unsafe {
            (*at).len = words;
            (*at).previous.set_immediate(Value::UNBOUND);
            (*at).next.set_immediate(Value::UNBOUND);
            Ok(Gc::from_raw(at))
        }
    }
    pub fn new_fiber(&mut self, segment: Gc<super::stack::Segment>) -> Gc<super::stack::Fiber> {
        self.object::<super::stack::Fiber>(Kind::Fiber, 0, |f| {
            f.segment.set(segment.value());
            f.handled.set_immediate(Value::NONE);
            f.wake.set_immediate(Value::NONE);
            f.owner.set_immediate(Value::NONE);
            f.greenlet.set_immediate(Value::NONE);
            f.context.set_immediate(Value::NONE);
            f.event_loop.set_immediate(Value::NONE);
        })
    }
}

/// Copies text that is mostly short: two overlapping word copies instead of a call.
///
/// # Safety
/// `to` has room for the bytes.
#[inline(always)]
unsafe fn copy_short(from: &[u8], to: *mut u8) {
    let (at, len) = (from.as_ptr(), from.len());
    // SAFETY: by the contract; each pair of copies covers exactly the bytes.
    unsafe {
        match len {
            8..=16 => {
                let (head, tail) = (at.cast::<u64>().read_unaligned(), at.add(len - 8).cast::<u64>().read_unaligned());
                to.cast::<u64>().write_unaligned(head);
                to.add(len - 8).cast::<u64>().write_unaligned(tail);
            }
            4..8 => {
                let (head, tail) = (at.cast::<u32>().read_unaligned(), at.add(len - 4).cast::<u32>().read_unaligned());
                to.cast::<u32>().write_unaligned(head);
                to.add(len - 4).cast::<u32>().write_unaligned(tail);
            }
            0..4 => {
                for i in 0..len {
                    *to.add(i) = *at.add(i);
                }
            }
            _ => std::ptr::copy_nonoverlapping(at, to, len),
        }
    }
}

/// Code points of a WTF-8 text and the flags of its str.
fn measure(bytes: &[u8]) -> (usize, u8) {
    if bytes.is_ascii() {
        return (bytes.len(), flag::ASCII);
    }
    let chars = bytes.iter().filter(|&&b| b & 0xc0 != 0x80).count();
    (chars, if text::wtf8::has_surrogates(bytes) { flag::SURROGATES } else { 0 })
}
