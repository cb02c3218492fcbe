//! The process-wide reservation of address space and its 4 MiB chunks, each owned by one heap at a time.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::mark::cell_at;

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
    /// Used and given back: runs of adjoining chunks by their first. Their pages have been returned to the system.
    returned: BTreeMap<usize, usize>,
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

impl FreeChunks {
    /// Takes adjoining chunks out of those that were given back: of the first run that is long enough.
    fn take_returned(&mut self, count: usize) -> Option<usize> {
        let (first, len) = self.returned.iter().map(|(&first, &len)| (first, len)).find(|&(_, len)| len >= count)?;
        self.returned.remove(&first);
        if len > count {
            self.returned.insert(first + count, len - count);
        }
        Some(first)
    }

    /// Adds a run, joining it with its neighbours.
    fn put_back(&mut self, first: usize, count: usize) {
        let (mut first, mut count) = (first, count);
        if let Some(len) = self.returned.remove(&(first + count)) {
            count += len;
        }
        if let Some((&before, &len)) = self.returned.range(..first).next_back()
            && before + len == first
        {
            (first, count) = (before, count + len);
        }
        self.returned.insert(first, count);
    }
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
        let first = match free.take_returned(count) {
            Some(first) => first,
            None => {
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

    /// Has the pages of a range there before they are used.
    pub fn fault_in(&self, address: usize, bytes: usize) {
        #[cfg(target_os = "linux")]
        // SAFETY: the range belongs to the reservation; the advice changes no contents and may fail without harm.
        unsafe {
            libc::madvise(address as *mut libc::c_void, bytes, libc::MADV_POPULATE_WRITE)
        };
        #[cfg(not(target_os = "linux"))]
        let _ = (address, bytes);
    }

    /// Whether no more than the spare chunks would be left after `count` more.
    pub fn is_short(&self, count: usize) -> bool {
        let free = self.free.lock();
        let returned: usize = free.returned.values().filter(|&&len| len >= count).sum();
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
        self.free.lock().put_back(first, count);
    }

    /// The start of the cell that contains `address`, if a heap owns its chunk.
    pub fn cell_around(&self, address: usize) -> Option<usize> {
        let index = address.wrapping_sub(self.base) / CHUNK_SIZE;
        let entry = self.entries.get(index)?.0.load(Ordering::Acquire);
        if entry == 0 {
            return None;
        }
        cell_at(address, self.base + (index - (entry as u32) as usize) * CHUNK_SIZE)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_given_back_are_taken_again() {
        let mut free = FreeChunks::default();
        assert_eq!(free.take_returned(1), None);
        free.put_back(10, 2);
        free.put_back(14, 3);
        assert_eq!(free.take_returned(4), None);
        free.put_back(12, 2);
        assert_eq!(free.returned.iter().collect::<Vec<_>>(), [(&10, &7)]);
        assert_eq!((free.take_returned(4), free.take_returned(3), free.take_returned(1)), (Some(10), Some(14), None));
    }
}
