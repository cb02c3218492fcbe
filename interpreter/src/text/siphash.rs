//! SipHash-1-3: the keyed 64-bit hash of str and bytes.
//!
//! Written from the published algorithm (Aumasson and Bernstein); the key makes the hashes of hostile input
//! unpredictable.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKey {
    pub low: u64,
    pub high: u64,
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    fn new(key: HashKey) -> State {
        State {
            v0: key.low ^ 0x736f_6d65_7073_6575,
            v1: key.high ^ 0x646f_7261_6e64_6f6d,
            v2: key.low ^ 0x6c79_6765_6e65_7261,
            v3: key.high ^ 0x7465_6462_7974_6573,
        }
    }

    #[inline]
    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.rotate_left(32);
    }

    #[inline]
    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    fn finish(mut self) -> u64 {
        self.v2 ^= 0xFF;
        for _ in 0..3 {
            self.round();
        }
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }
}

/// SipHash-1-3 of some bytes.
pub fn siphash13(key: HashKey, bytes: &[u8]) -> u64 {
    let mut state = State::new(key);
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        state.absorb(u64::from_le_bytes(*word));
    }
    state.absorb(tail_word(bytes, tail) | (bytes.len() as u64) << 56);
    state.finish()
}

/// The last (up to seven) bytes as a little-endian word. Reads that overlap replace a loop over the bytes.
#[inline(always)]
fn tail_word(bytes: &[u8], tail: &[u8]) -> u64 {
    if tail.is_empty() {
        return 0;
    }
    if let Some(last) = bytes.last_chunk::<8>() {
        return u64::from_le_bytes(*last) >> (64 - 8 * tail.len());
    }
    if let (Some(head), Some(end)) = (tail.first_chunk::<4>(), tail.last_chunk::<4>()) {
        let shift = 8 * (tail.len() - 4);
        return u64::from(u32::from_le_bytes(*head)) | u64::from(u32::from_le_bytes(*end)) << shift;
    }
    let (first, middle, last) = (tail[0], tail[tail.len() / 2], tail[tail.len() - 1]);
    u64::from(first) | u64::from(middle) << (8 * (tail.len() / 2)) | u64::from(last) << (8 * (tail.len() - 1))
}

/// The hash of a str's or bytes' content as an object hash: 0 when empty, and never -1.
pub fn hash_bytes(key: HashKey, bytes: &[u8]) -> i64 {
    if bytes.is_empty() {
        return 0;
    }
    match siphash13(key, bytes) as i64 {
        -1 => -2,
        hash => hash,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from Python with PYTHONHASHSEED=0, whose key is zero.
    #[test]
    fn hashes_agree_with_python_under_the_zero_key() {
        let key = HashKey { low: 0, high: 0 };
        let rows: &[(&[u8], i64)] = &[
            (b"", 0),
            (b"a", 4644417185603328019),
            (b"hello", -2096571579003691106),
            (b"0123456789abcdef", 2108444454683020324),
            (b"the quick brown fox jumps", 56729954816557122),
        ];
        for (bytes, hash) in rows {
            assert_eq!(hash_bytes(key, bytes), *hash);
        }
    }
}
