//! SHA-512, as FIPS 180-4 describes it, for seeding generators.

use std::sync::OnceLock;

use dashu_int::UBig;

const ROUNDS: usize = 80;

/// The first `n` primes.
fn primes(n: usize) -> Vec<u64> {
    let mut found: Vec<u64> = Vec::with_capacity(n);
    let mut candidate = 2;
    while found.len() < n {
        if found.iter().all(|p| candidate % p != 0) {
            found.push(candidate);
        }
        candidate += 1;
    }
    found
}

/// The first 64 bits of the fractional part of the `degree`-th root of `n`.
fn root_fraction(n: u64, degree: usize) -> u64 {
    let scaled = UBig::from(n) << (64 * degree);
    // The largest r with r^degree <= n * 2^(64 degree), bit by bit.
    let mut root = UBig::ZERO;
    for bit in (0..70).rev() {
        let next = &root + (UBig::ONE << bit);
        if next.pow(degree) <= scaled {
            root = next;
        }
    }
    (root & UBig::from(u64::MAX)).try_into().unwrap_or(0)
}

/// The round constants and the initial state.
fn constants() -> &'static ([u64; ROUNDS], [u64; 8]) {
    static CONSTANTS: OnceLock<([u64; ROUNDS], [u64; 8])> = OnceLock::new();
    CONSTANTS.get_or_init(|| {
        let primes = primes(ROUNDS);
        let (mut rounds, mut start) = ([0; ROUNDS], [0; 8]);
        for (k, &p) in rounds.iter_mut().zip(&primes) {
            *k = root_fraction(p, 3);
        }
        for (h, &p) in start.iter_mut().zip(&primes) {
            *h = root_fraction(p, 2);
        }
        (rounds, start)
    })
}

fn compress(state: &mut [u64; 8], block: &[u8], rounds: &[u64; ROUNDS]) {
    let mut w = [0u64; ROUNDS];
    for (word, bytes) in w.iter_mut().zip(block.chunks(8)) {
        *word = bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b));
    }
    for i in 16..ROUNDS {
        let (x, y) = (w[i - 15], w[i - 2]);
        let s0 = x.rotate_right(1) ^ x.rotate_right(8) ^ x >> 7;
        let s1 = y.rotate_right(19) ^ y.rotate_right(61) ^ y >> 6;
        w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (word, k) in w.iter().zip(rounds) {
        let s1 = e.rotate_right(14) ^ e.rotate_right(18) ^ e.rotate_right(41);
        let choice = e & f ^ !e & g;
        let t1 = h.wrapping_add(s1).wrapping_add(choice).wrapping_add(*k).wrapping_add(*word);
        let s0 = a.rotate_right(28) ^ a.rotate_right(34) ^ a.rotate_right(39);
        let majority = a & b ^ a & c ^ b & c;
        let t2 = s0.wrapping_add(majority);
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    for (s, x) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *s = s.wrapping_add(x);
    }
}

pub fn sha512(data: &[u8]) -> [u8; 64] {
    let (rounds, start) = constants();
    let mut state = *start;
    let mut padded = data.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 16).next_multiple_of(128) - 16, 0);
    padded.extend_from_slice(&(data.len() as u128 * 8).to_be_bytes());
    for block in padded.chunks(128) {
        compress(&mut state, block, rounds);
    }
    let mut digest = [0; 64];
    for (out, word) in digest.chunks_mut(8).zip(state) {
        out.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_digest() {
        let digest = super::sha512(b"abc");
        assert_eq!(digest[..8], [0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba]);
    }
}
