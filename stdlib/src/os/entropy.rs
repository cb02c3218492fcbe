//! The system's source of randomness.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::scheduler::Random;

/// Fills a buffer with random bytes.
pub fn fill(mut buffer: &mut [u8]) {
    while !buffer.is_empty() {
        match rustix::rand::getrandom(&mut *buffer, rustix::rand::GetRandomFlags::empty()) {
            Ok(n) => buffer = &mut buffer[n..],
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// The same for what is no secret: in a seeded run the bytes come from its seed.
pub fn fill_for(cx: &mut Ctx, buffer: &mut [u8]) {
    let Some(seed) = cx.iso().seed else { return fill(buffer) };
    let draw = cx.iso().draws.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut random = Random(seed ^ draw << 40);
    buffer.chunks_mut(8).for_each(|part| part.copy_from_slice(&random.draw().to_le_bytes()[..part.len()]));
}

/// So many random bytes.
pub fn random_bytes(cx: &mut Ctx, size: i64) -> R {
    let Ok(size) = usize::try_from(size) else { return Err(cx.value_error("negative argument not allowed")) };
    cx.ensure_memory(size, 2)?;
    let mut bytes = vec![0; size];
    for part in bytes.chunks_mut(1 << 20) {
        cx.poll()?;
        fill(part);
    }
    cx.bytes(&bytes)
}
