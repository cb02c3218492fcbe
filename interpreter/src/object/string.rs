//! Strings and byte strings.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use crate::heap::Header;
use crate::heap::header::flag;
use crate::object_kind;
use crate::value::{Gc, Slot, Value};

/// A str: WTF-8 text, inline or inside a shared [`StrBuffer`].
#[repr(C)]
pub struct Str {
    pub header: Header,
    /// 0: not computed yet.
    pub hash: AtomicU64,
    pub bytes: u32,
    /// Code points.
    pub chars: u32,
}

/// What follows the struct of a str whose text lies in another object.
#[repr(C)]
struct External {
    data: *const u8,
    owner: Slot,
}
object_kind!(Str, Str);

impl Str {
    /// Where the text of an inline str begins.
    pub const INLINE: usize = size_of::<Str>();
    /// The size of a str whose text lies in another object.
    pub const EXTERNAL: usize = size_of::<Str>() + size_of::<External>();

    /// Fills a fresh cell whose text is inline.
    ///
    /// # Safety
    /// `at` is a new cell of `INLINE + bytes` whose header is written.
    pub unsafe fn init_inline(at: *mut Str, bytes: usize, chars: usize) -> *mut u8 {
        // SAFETY: by the contract.
        unsafe {
            (*at).bytes = bytes as u32;
            (*at).chars = chars as u32;
            at.add(1) as *mut u8
        }
    }

    /// Fills a fresh cell whose text lies in `owner`.
    ///
    /// # Safety
    /// `at` is a new cell of `EXTERNAL` bytes whose header says so; `data..data+bytes` lies in `owner` and never
    /// changes.
    pub unsafe fn init_external(at: *mut Str, data: *const u8, bytes: usize, chars: usize, owner: Value) {
        // SAFETY: by the contract.
        unsafe {
            (*at).bytes = bytes as u32;
            (*at).chars = chars as u32;
            let external = at.add(1) as *mut External;
            (*external).data = data;
            (*external).owner.set(owner);
        }
    }

    /// The object that holds the text, if it is not inline.
    pub fn owner(&self) -> Option<&Slot> {
        // SAFETY: the flag says what follows the struct.
        self.header.has(flag::EXTERNAL).then(|| unsafe { &(*self.tail::<External>()).owner })
    }
    /// What follows the struct.
    #[inline(always)]
    fn tail<T>(&self) -> *const T {
        (self as *const Str).wrapping_add(1) as *const T
    }
    /// WTF-8.
    #[inline(always)]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `data` is valid for `bytes` and the text never changes.
        unsafe { std::slice::from_raw_parts(self.data(), self.bytes as usize) }
    }
    #[inline]
    pub fn is_ascii(&self) -> bool {
        self.header.has(flag::ASCII)
    }
    /// The text, unless lone surrogates occur in it.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        if self.header.has(flag::SURROGATES) {
            None
        } else {
            // SAFETY: WTF-8 without surrogates is UTF-8; constructors check what they are given.
            Some(unsafe { std::str::from_utf8_unchecked(self.as_bytes()) })
        }
    }
    /// The text with lone surrogates replaced.
    pub fn to_text(&self) -> std::borrow::Cow<'_, str> {
        match self.as_str() {
            Some(s) => s.into(),
            None => String::from_utf8_lossy(self.as_bytes()),
        }
    }
    /// Length in code points.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.chars as usize
    }
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
    /// Whether two strs have the same text; short ones without a call.
    #[inline(always)]
    pub fn same_text(&self, other: &Str) -> bool {
        let (a, b) = (self.as_bytes(), other.as_bytes());
        if a.len() != b.len() {
            return false;
        }
        match (a.first_chunk::<8>(), b.first_chunk::<8>(), a.last_chunk::<8>(), b.last_chunk::<8>()) {
            (Some(head), Some(other_head), Some(end), Some(other_end)) if a.len() <= 16 => {
                head == other_head && end == other_end
            }
            _ => match (a.first_chunk::<4>(), b.first_chunk::<4>(), a.last_chunk::<4>(), b.last_chunk::<4>()) {
                (Some(head), Some(other_head), Some(end), Some(other_end)) if a.len() <= 8 => {
                    head == other_head && end == other_end
                }
                (None, ..) => a.iter().zip(b).all(|(x, y)| x == y),
                _ => a == b,
            },
        }
    }
    pub fn eq_text(&self, text: &str) -> bool {
        self.as_bytes() == text.as_bytes()
    }
    /// The byte offset of code point `index`; ASCII in constant time.
    pub fn offset_of(&self, index: usize) -> usize {
        if self.is_ascii() {
            return index.min(self.bytes as usize);
        }
        if index >= self.len() {
            return self.bytes as usize;
        }
        let bytes = self.as_bytes();
        // From whichever end is nearer.
        if index <= self.len() / 2 {
            skip_chars(bytes, 0, index)
        } else {
            let mut left = self.len() - index;
            let mut at = bytes.len();
            while left > 0 {
                at -= 1;
                if bytes[at] & 0xc0 != 0x80 {
                    left -= 1;
                }
            }
            at
        }
    }
    /// Where the text lies.
    #[inline(always)]
    pub fn data(&self) -> *const u8 {
        if self.header.has(flag::EXTERNAL) {
            // SAFETY: the flag says what follows the struct.
            unsafe { (*self.tail::<External>()).data }
        } else {
            self.tail()
        }
    }
}

/// The byte offset `count` code points after `at`.
pub fn skip_chars(bytes: &[u8], mut at: usize, count: usize) -> usize {
    for _ in 0..count {
        at += match bytes.get(at) {
            Some(0..0x80) => 1,
            Some(0x80..0xe0) => 2,
            Some(0xe0..0xf0) => 3,
            Some(_) => 4,
            None => return at,
        };
    }
    at
}

/// Text that several strings share: each holds a prefix, and the longest may be extended in place.
#[repr(C)]
pub struct StrBuffer {
    pub header: Header,
    /// Bytes in use; only the string that ends here may append.
    pub fill: AtomicUsize,
    pub cap: usize,
}
object_kind!(StrBuffer, StrBuffer);

impl StrBuffer {
    pub fn data(&self) -> *mut u8 {
        // SAFETY: `cap` bytes follow the struct.
        unsafe { (self as *const StrBuffer).add(1) as *mut u8 }
    }
}

/// bytes: immutable, inline.
#[repr(C)]
pub struct Bytes {
    pub header: Header,
    pub hash: AtomicU64,
    pub len: usize,
}
object_kind!(Bytes, Bytes);

impl Bytes {
    pub const DATA: usize = size_of::<Bytes>();
    #[inline(always)]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `len` bytes follow the struct and never change.
        unsafe { std::slice::from_raw_parts((self as *const Bytes).add(1) as *const u8, self.len) }
    }
}

/// bytearray: a published [`StrBuffer`] used as a byte buffer. Its bytes are read and written as relaxed atomics'
/// equivalents: racing scripts may see any mix of bytes, never anything outside the buffer.
#[repr(C)]
pub struct ByteArray {
    pub header: Header,
    pub buffer: Slot,
    /// A list of weak references to the memoryviews: the size is pinned while any of them lives. At first no list.
    pub views: Slot,
}
object_kind!(ByteArray, ByteArray);

impl ByteArray {
    #[inline(always)]
    pub fn buffer(&self) -> Gc<StrBuffer> {
        self.buffer.obj()
    }
    pub fn len(&self) -> usize {
        self.buffer().fill.load(Ordering::Acquire)
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// A copy of the bytes at this moment.
    pub fn to_vec(&self) -> Vec<u8> {
        self.range(0, usize::MAX)
    }
    /// A copy of the bytes `[start, end)`, as far as there are any.
    pub fn range(&self, start: usize, end: usize) -> Vec<u8> {
        let buffer = self.buffer();
        let end = end.min(buffer.fill.load(Ordering::Acquire));
        let bytes = buffer.cells().get(start..end).unwrap_or_default();
        bytes.iter().map(|byte| byte.load(Ordering::Relaxed)).collect()
    }
}

impl StrBuffer {
    /// The bytes of a bytearray up to its capacity.
    #[inline(always)]
    pub fn cells(&self) -> &[AtomicU8] {
        // SAFETY: within the capacity; bytes of a bytearray are only accessed atomically.
        unsafe { std::slice::from_raw_parts(self.data() as *const AtomicU8, self.cap) }
    }
    #[inline(always)]
    pub fn get(&self, index: usize) -> u8 {
        self.cells()[index].load(Ordering::Relaxed)
    }
    #[inline(always)]
    pub fn set(&self, index: usize, byte: u8) {
        self.cells()[index].store(byte, Ordering::Relaxed);
    }
}
