//! The process-wide reservation of address space and its 4 MiB chunks, each owned by one heap at a time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

pub const CHUNK_SIZE: usize = 4 << 20;
const LARGEST_RESERVATION: usize = 256 << 30;
const SMALLEST_RESERVATION: usize = 256 << 20;
/// So many chunks are kept for small objects until the machine has raised MemoryError.
const SPARE: usize = 8;

/// Who owns a chunk: `heap id << 32 | distance in chunks to the start of its span`; zero when free.
#[repr(transparent)]
struct Entry(AtomicU64);

/// The address range from which all chunks come.
pub struct Reservation {
    base: usize,
    chunks: usize,
    entries: Box<[Entry]>,
    free: Mutex<FreeChunks>,
}

#[derive(Default)]
struct FreeChunks {
    /// Chunks at and above this index were never used.
    fresh: usize,
    /// Used and given back, in no order; their pages have been returned to the system.
    returned: Vec<usize>,
}

/// Where the reservation is tried for first, if addresses are to be the same in every run.
const FIXED_ADDRESS: usize = 0x2000_0000_0000;
static FIXED: AtomicBool = AtomicBool::new(false);

/// Has the reservation made, at first use, at the same address in every run; where that is free.
pub fn fix_addresses() {
    FIXED.store(true, Ordering::Relaxed);
}

static RESERVATION: OnceLock<Reservation> = OnceLock::new();

/// The reservation, made at first use.
pub fn reservation() -> &'static Reservation {
    RESERVATION.get_or_init(Reservation::new)
}

impl Reservation {
    fn new() -> Reservation {
        let mut size = LARGEST_RESERVATION;
        loop {
            let wanted = if FIXED.load(Ordering::Relaxed) { FIXED_ADDRESS } else { 0 };
            // SAFETY: an anonymous private mapping at an address of the system's choice; the one given is a hint.
            let address = unsafe {
                libc::mmap(
                    wanted as *mut libc::c_void,
                    size + CHUNK_SIZE,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                    -1,
                    0,
                )
            };
            if address != libc::MAP_FAILED {
                let base = (address as usize).next_multiple_of(CHUNK_SIZE);
                let chunks = size / CHUNK_SIZE;
                // Zeroed by the system, page by page at first use.
                let entries = Box::into_raw(vec![0u64; chunks].into_boxed_slice());
                // SAFETY: an entry has the layout of its word, and the box is owned here.
                let entries = unsafe { Box::from_raw(entries as *mut [Entry]) };
                return Reservation { base, chunks, entries, free: Mutex::new(FreeChunks::default()) };
            }
            size /= 2;
            if size < SMALLEST_RESERVATION {
                eprintln!("conc: the system refuses to reserve address space for the heap");
                std::process::exit(70);
            }
        }
    }

    /// Takes `count` adjoining chunks for heap `owner`; their memory reads as zero. `huge_pages` asks the system to
    /// back them with huge pages, which fault in hundreds of times faster. None: out of address space.
    pub fn take(&self, count: usize, owner: u32, huge_pages: bool) -> Option<usize> {
        let mut free = self.free.lock();
        let first = match (count, free.returned.pop()) {
            (1, Some(chunk)) => chunk,
            (_, popped) => {
                free.returned.extend(popped);
                let first = free.fresh;
                if first + count > self.chunks {
                    return None;
                }
                free.fresh += count;
                first
            }
        };
        for i in 0..count {
            self.entries[first + i].0.store((owner as u64) << 32 | i as u64, Ordering::Release);
        }
        let chunk = self.base + first * CHUNK_SIZE;
        let advice = if huge_pages { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
        // SAFETY: the range belongs to the reservation; the advice changes no contents and may fail without harm.
        unsafe { libc::madvise(chunk as *mut libc::c_void, count * CHUNK_SIZE, advice) };
        Some(chunk)
    }

    /// Whether no more than the spare chunks would be left after `count` more.
    pub fn is_short(&self, count: usize) -> bool {
        let free = self.free.lock();
        let returned = if count == 1 { free.returned.len() } else { 0 };
        self.chunks - free.fresh + returned < count + SPARE
    }

    /// Gives `count` chunks from `address` on back; nobody may use them any more.
    pub fn give_back(&self, address: usize, count: usize) {
        let first = (address - self.base) / CHUNK_SIZE;
        for i in 0..count {
            self.entries[first + i].0.store(0, Ordering::Release);
        }
        // SAFETY: the range belongs to the reservation and to no heap any more.
        unsafe { libc::madvise(address as *mut libc::c_void, count * CHUNK_SIZE, libc::MADV_DONTNEED) };
        self.free.lock().returned.extend(first..first + count);
    }

    /// The start of the chunk span that holds `address`, if heap `owner` owns it.
    #[inline]
    pub fn span_of(&self, address: usize, owner: u32) -> Option<usize> {
        let offset = address.wrapping_sub(self.base);
        let index = offset / CHUNK_SIZE;
        if index >= self.chunks {
            return None;
        }
        let entry = self.entries[index].0.load(Ordering::Acquire);
        if (entry >> 32) as u32 != owner {
            return None;
        }
        Some(self.base + (index - (entry as u32) as usize) * CHUNK_SIZE)
    }
}
