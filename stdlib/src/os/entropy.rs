//! The system's source of randomness.

use conc_interpreter::native::{Ctx, R};

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
