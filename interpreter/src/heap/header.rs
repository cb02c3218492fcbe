//! The eight bytes at the start of every heap object.

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// `shape` identifies the exact class and attribute layout, `kind` the native struct that follows.
#[repr(C, align(8))]
pub struct Header {
    shape: AtomicU32,
    kind: u8,
    flags: AtomicU8,
    lock: AtomicU8,
    unused: u8,
}

const _: () = assert!(size_of::<Header>() == 8);

/// Bits of [`Header::flags`].
pub mod flag {
    /// The object carries a trailing attributes word (it is an instance of a subclass of a builtin).
    pub const ATTRS: u8 = 1;
    /// A weak reference to the object may exist.
    pub const WEAKREF: u8 = 2;
    /// str: the text is ASCII.
    pub const ASCII: u8 = 4;
    /// str: the object is the interned one of its text.
    pub const INTERNED: u8 = 8;
    /// str: lone surrogates may occur.
    pub const SURROGATES: u8 = 16;
    /// str: the text lies in another object (see `Str::owner`).
    pub const EXTERNAL: u8 = 32;
    /// An iterator: a thread takes a step of it (see `object::stepping`).
    pub const STEPPING: u8 = 4;
    /// dict: values are cells (a module's namespace).
    pub const CELLS: u8 = 64;
    /// Immutable for good: a static type, a frozen object.
    pub const FROZEN: u8 = 128;
}

/// So many pauses of the processor a thread spins for a byte lock, and at most between two looks.
const SPIN: u32 = 1024;
const LONGEST_PAUSE: u32 = 512;

/// The object that the calling thread has last had to wait for, since when it has had to wait for that again and again,
/// and how many times over.
#[derive(Clone, Copy)]
struct Contended {
    object: usize,
    at: Option<Instant>,
    heat: u32,
}

thread_local! {
    static CONTENDED: Cell<Contended> = const { Cell::new(Contended { object: 0, at: None, heat: 0 }) };
}

/// The object is held by another thread: pauses before the first look. The more often in a row, the more: meanwhile the
/// other works on with all of the object in its own cache, which is faster for both than to take turns.
fn contended(header: &Header) -> u32 {
    const MOST: u32 = 7;
    let (object, now) = (header as *const Header as usize, Instant::now());
    let last = CONTENDED.get();
    let since = last.at.map_or(Duration::MAX, |at| now.saturating_duration_since(at));
    let again = last.object == object && since < Duration::from_micros(2) * (1 << last.heat);
    let heat = if again { (last.heat + 1).min(MOST) } else { last.heat / 2 };
    CONTENDED.set(Contended { object, at: Some(now), heat });
    4 << heat
}

impl Header {
    /// The header word of a new object.
    pub const fn word(kind: u8, shape: u32, flags: u8) -> u64 {
        shape as u64 | (kind as u64) << 32 | (flags as u64) << 40
    }
    #[inline(always)]
    pub fn kind(&self) -> u8 {
        self.kind
    }
    #[inline(always)]
    pub fn shape(&self) -> u32 {
        self.shape.load(Ordering::Relaxed)
    }
    /// Publishes a new shape after its slot has been written.
    #[inline(always)]
    pub fn set_shape(&self, shape: u32) {
        self.shape.store(shape, Ordering::Release);
    }
    #[inline(always)]
    pub fn flags(&self) -> u8 {
        self.flags.load(Ordering::Relaxed)
    }
    #[inline(always)]
    pub fn has(&self, flag: u8) -> bool {
        self.flags() & flag != 0
    }
    pub fn set_flag(&self, flag: u8) {
        self.flags.fetch_or(flag, Ordering::Relaxed);
    }
    pub fn clear_flag(&self, flag: u8) {
        self.flags.fetch_and(!flag, Ordering::Relaxed);
    }
    /// Takes an iterator for a step; false: another thread has.
    #[inline]
    pub fn try_step(&self) -> bool {
        !self.has(flag::STEPPING) && self.flags.fetch_or(flag::STEPPING, Ordering::Acquire) & flag::STEPPING == 0
    }
    pub fn end_step(&self) {
        self.flags.fetch_and(!flag::STEPPING, Ordering::Release);
    }
    /// The byte lock of short sections (rules C2): acquired by compare-and-swap, released by a plain store.
    #[inline]
    pub fn lock(&self) {
        if self.lock.compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.lock_later();
        }
    }

    /// Waits longer from look to look.
    #[cold]
    fn lock_later(&self) {
        let mut pause = contended(self);
        let mut looks = 0u32;
        let mut paused = 0u32;
        loop {
            for _ in 0..pause {
                std::hint::spin_loop();
            }
            paused += pause;
            if self.lock.load(Ordering::Relaxed) == 0
                && self.lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return;
            }
            if paused < SPIN {
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
            looks += 1;
            match looks {
                ..1000 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(50)),
            }
        }
    }
    #[inline]
    pub fn unlock(&self) {
        self.lock.store(0, Ordering::Release);
    }
}
