//! The Mersenne Twister MT19937, seeded and read as Python's `random` does.
//!
//! Written from Matsumoto and Nishimura's published description of the generator and of `init_by_array`.

use dashu_int::ops::UnsignedAbs;
use dashu_int::{IBig, UBig};

pub const STATE_WORDS: usize = 624;
const MIDDLE: usize = 397;
const TWIST: u32 = 0x9908_b0df;
const UPPER_BIT: u32 = 0x8000_0000;
const LOWER_BITS: u32 = 0x7fff_ffff;

#[derive(Clone)]
pub struct Mersenne {
    words: Box<[u32; STATE_WORDS]>,
    /// The next word to hand out; `STATE_WORDS` when all are used up.
    index: usize,
}

impl Mersenne {
    /// Seeds with one 32-bit number.
    fn from_word(seed: u32) -> Mersenne {
        let mut words = Box::new([0; STATE_WORDS]);
        let mut previous = seed;
        for (index, word) in words.iter_mut().enumerate() {
            if index > 0 {
                let mixed = previous ^ previous >> 30;
                previous = mixed.wrapping_mul(1_812_433_253).wrapping_add(index as u32);
            }
            *word = previous;
        }
        Mersenne { words, index: STATE_WORDS }
    }

    /// Seeds with any number of 32-bit words.
    pub fn from_key(key: &[u32]) -> Mersenne {
        let key = if key.is_empty() { &[0] } else { key };
        let mut generator = Mersenne::from_word(19_650_218);
        let mut at = 1;
        for step in 0..key.len().max(STATE_WORDS) {
            let position = step % key.len();
            let added = key.get(position).copied().unwrap_or(0).wrapping_add(position as u32);
            at = generator.stir(at, 1_664_525, |mixed| mixed.wrapping_add(added));
        }
        for _ in 1..STATE_WORDS {
            let lowered = at as u32;
            at = generator.stir(at, 1_566_083_941, |mixed| mixed.wrapping_sub(lowered));
        }
        generator.words[0] = UPPER_BIT;
        generator
    }

    /// One step of seeding: changes word `at` by its predecessor and returns the next position.
    fn stir(&mut self, at: usize, factor: u32, change: impl Fn(u32) -> u32) -> usize {
        let previous = self.words[at - 1];
        self.words[at] = change(self.words[at] ^ (previous ^ previous >> 30).wrapping_mul(factor));
        if at + 1 < STATE_WORDS {
            return at + 1;
        }
        self.words[0] = self.words[STATE_WORDS - 1];
        1
    }

    /// Seeds with the magnitude of an integer, as `random.seed(n)`.
    pub fn from_int(seed: &IBig) -> Mersenne {
        let bytes = seed.clone().unsigned_abs().to_le_bytes();
        let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        let key: Vec<u32> = bytes.chunks(4).map(word).collect();
        Mersenne::from_key(&key)
    }

    fn refill(&mut self) {
        for index in 0..STATE_WORDS {
            let joined = self.words[index] & UPPER_BIT | self.words[(index + 1) % STATE_WORDS] & LOWER_BITS;
            let twist = if joined & 1 == 1 { TWIST } else { 0 };
            self.words[index] = self.words[(index + MIDDLE) % STATE_WORDS] ^ joined >> 1 ^ twist;
        }
        self.index = 0;
    }

    pub fn next_u32(&mut self) -> u32 {
        if self.index >= STATE_WORDS {
            self.refill();
        }
        let mut word = self.words[self.index];
        self.index += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9d2c_5680;
        word ^= word << 15 & 0xefc6_0000;
        word ^ word >> 18
    }

    /// A float in [0, 1) with 53 random bits: `random.random()`.
    pub fn random(&mut self) -> f64 {
        let high = f64::from(self.next_u32() >> 5);
        let low = f64::from(self.next_u32() >> 6);
        (high * 67_108_864.0 + low) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// `random.getrandbits(bits)` for up to 64 bits.
    pub fn getrandbits_u64(&mut self, bits: u32) -> u64 {
        let mut value = 0;
        let mut done = 0;
        while done < bits.min(64) {
            let wanted = (bits.min(64) - done).min(32);
            value |= u64::from(self.next_u32() >> (32 - wanted)) << done;
            done += wanted;
        }
        value
    }

    /// `random.getrandbits(bits)`; the parameter's range keeps the result within memory.
    pub fn getrandbits(&mut self, bits: u32) -> UBig {
        if bits <= 64 {
            return UBig::from(self.getrandbits_u64(bits));
        }
        let mut bytes = Vec::with_capacity(bits.div_ceil(32) as usize * 4);
        let mut left = bits;
        while left > 0 {
            let wanted = left.min(32);
            bytes.extend((self.next_u32() >> (32 - wanted)).to_le_bytes());
            left -= wanted;
        }
        UBig::from_le_bytes(&bytes)
    }

    /// The state words and the position, as `random.getstate()` lists them.
    pub fn state(&self) -> (&[u32; STATE_WORDS], usize) {
        (&self.words, self.index)
    }

    /// The generator in a recorded state; `None` when the position is out of range ("invalid state").
    pub fn from_state(words: [u32; STATE_WORDS], index: usize) -> Option<Mersenne> {
        (index <= STATE_WORDS).then(|| Mersenne { words: Box::new(words), index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_python() {
        let mut generator = Mersenne::from_int(&IBig::from(42));
        assert_eq!(generator.random(), 0.6394267984578837);
        assert_eq!(generator.random(), 0.025010755222666936);
        assert_eq!(generator.getrandbits(7), UBig::from(35_u8));
        assert_eq!(generator.getrandbits(64), UBig::from(4117511471858006928_u64));
        assert_eq!(generator.getrandbits(100), UBig::from(800402129360547565400942494185_u128));
        assert_eq!(Mersenne::from_int(&IBig::ZERO).random(), 0.8444218515250481);
        let mut big = Mersenne::from_int(&-(IBig::ONE << 20_000));
        assert_eq!(big.random(), 0.6517914263254719);
    }

    #[test]
    fn state_round_trips() {
        let mut generator = Mersenne::from_int(&IBig::from(7));
        generator.next_u32();
        let (words, index) = generator.state();
        let mut copy = Mersenne::from_state(*words, index);
        assert_eq!(copy.as_mut().map(Mersenne::next_u32), Some(generator.next_u32()));
        assert!(Mersenne::from_state([0; STATE_WORDS], 625).is_none());
    }
}
