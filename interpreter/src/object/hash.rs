//! Hashing, and the key equality of dicts and sets.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::kind::{ClassId, Kind};
use crate::object::number::{BigInt, Complex, Float};
use crate::object::sequence::Tuple;
use crate::object::set::Set;
use crate::object::string::{Bytes, Str};
use crate::text::number_hash;
use crate::text::siphash::{HashKey, siphash13};
use crate::value::{Gc, Value};

const NONE_HASH: i64 = 0xfca8_6420;

impl Ctx {
    /// The keyed hash of a text; never zero, which marks "not computed".
    pub fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        if bytes.is_empty() {
            return 0;
        }
        let (k0, k1) = self.iso().hash_key;
        let hash = siphash13(HashKey { low: k0, high: k1 }, bytes);
        match hash {
            0 => 1,
            u64::MAX => u64::MAX - 1,
            h => h,
        }
    }
    #[inline(always)]
    pub fn hash_str(&self, s: Gc<Str>) -> u64 {
        let hash = s.hash.load(Ordering::Relaxed);
        if hash != 0 { hash } else { self.hash_str_slow(s) }
    }
    #[inline(never)]
    fn hash_str_slow(&self, s: Gc<Str>) -> u64 {
        let hash = self.hash_bytes(s.as_bytes());
        s.hash.store(hash, Ordering::Relaxed);
        hash
    }

    /// `hash(v)` as 64 bits.
    #[inline]
    pub fn hash(&mut self, v: Value) -> R<u64> {
        if v.is_int() {
            return Ok(hash_small(v.int()));
        }
        if let Some(s) = self.exact_str(v) {
            return Ok(self.hash_str(s));
        }
        self.hash_slow(v)
    }

    fn hash_slow(&mut self, v: Value) -> R<u64> {
        if !v.is_object() {
            return Ok(self.hash_immediate(v));
        }
        let shape = v.header().map_or(0, |h| h.shape());
        if shape < ClassId::COUNT as u32
            && let Some(hash) = self.native_hash(v)?
        {
            return Ok(hash);
        }
        self.hash_dispatch(v)
    }

    fn hash_immediate(&self, v: Value) -> u64 {
        match v.as_bool() {
            Some(b) => b as u64,
            None if v.is_float() => number_hash::hash_float(v.float()).unwrap_or(0) as u64,
            None if v.is_none() => NONE_HASH as u64,
            None => v.bits() >> 3,
        }
    }

    /// The hash that a builtin type defines for its instances; None: by identity or not at all.
    pub fn native_hash(&mut self, v: Value) -> R<Option<u64>> {
        if !v.is_object() {
            return Ok(Some(if v.is_int() { hash_small(v.int()) } else { self.hash_immediate(v) }));
        }
        Ok(Some(match Kind::of(v.kind_byte()) {
            Kind::Str => match v.cast::<Str>() {
                Some(s) => self.hash_str(s),
                None => 0,
            },
            Kind::Float => match v.cast::<Float>() {
                Some(f) => number_hash::hash_float(f.value).map_or(v.bits() >> 4, |h| h as u64),
                None => 0,
            },
            Kind::BigInt => v.cast::<BigInt>().map_or(0, |b| number_hash::hash_int(&b.to_big()) as u64),
            Kind::Complex => v.cast::<Complex>().map_or(0, |c| {
                let part = |x| number_hash::hash_float(x).unwrap_or(v.bits() as i64 >> 4);
                number_hash::hash_complex(part(c.re), part(c.im)) as u64
            }),
            Kind::Bytes => v.cast::<Bytes>().map_or(0, |b| self.hash_bytes(b.as_bytes())),
            Kind::Tuple => return self.hash_tuple(v).map(Some),
            Kind::Set => return self.hash_frozenset(v).map(Some),
            _ => return Ok(None),
        }))
    }

    fn hash_tuple(&mut self, v: Value) -> R<u64> {
        let Some(t) = v.cast::<Tuple>() else { return Ok(0) };
        if self.is_stack_low() {
            return self.hash_deep_tuple(t);
        }
        let mut mix = TupleHash::new(t);
        while let Some(item) = mix.item() {
            self.poll()?;
            let lane = self.hash(item)?;
            mix.add(lane);
        }
        Ok(mix.finish())
    }

    /// The same for tuples in tuples without recursion: CPython sets no limit to their depth either. The outermost
    /// tuple, which the caller holds, keeps the others.
    fn hash_deep_tuple(&mut self, t: Gc<Tuple>) -> R<u64> {
        let mut outer = Vec::new();
        let mut mix = TupleHash::new(t);
        loop {
            self.poll()?;
            let exact = |v: &Value| v.header().is_some_and(|h| h.shape() == ClassId::Tuple.shape());
            if let Some(inner) = mix.item().filter(exact).and_then(|v| v.cast()) {
                outer.push(std::mem::replace(&mut mix, TupleHash::new(inner)));
                continue;
            }
            let lane = match mix.item() {
                Some(item) => self.hash(item)?,
                None => {
                    let lane = mix.finish();
                    match outer.pop() {
                        Some(m) => mix = m,
                        None => return Ok(lane),
                    }
                    lane
                }
            };
            mix.add(lane);
        }
    }

    fn hash_frozenset(&mut self, v: Value) -> R<u64> {
        let Some(s) = v.cast::<Set>() else { return Ok(0) };
        if !self.class_of(v).is_subclass_of(self.class(ClassId::FrozenSet)) {
            return Err(self.unhashable(v));
        }
        let shuffle = |h: u64| ((h ^ 89_869_747) ^ (h << 16)).wrapping_mul(3_644_798_167);
        let mut hash = s.keys().fold(0, |acc, (_, h)| acc ^ shuffle(h));
        hash ^= (s.len() as u64 + 1).wrapping_mul(1_927_868_237);
        hash ^= (hash >> 11) ^ (hash >> 25);
        hash = hash.wrapping_mul(69_069).wrapping_add(907_133_923);
        Ok(if hash == u64::MAX { 590_923_713 } else { hash })
    }

    /// By `__hash__` of the class.
    fn hash_dispatch(&mut self, v: Value) -> R<u64> {
        let names = self.names();
        match self.lookup_special(v, names.__hash__) {
            Some(f) if !f.is_none() => {
                let result = self.call_unbound(f, v, &[])?;
                match self.as_int(result) {
                    Some(n) => Ok(match i64::try_from(&n) {
                        Ok(-1) => -2i64 as u64,
                        Ok(n) => n as u64,
                        Err(_) => number_hash::hash_int(&n) as u64,
                    }),
                    None => Err(self.type_error("__hash__ method should return an integer")),
                }
            }
            _ => Err(self.unhashable(v)),
        }
    }

    #[cold]
    pub fn unhashable(&mut self, v: Value) -> crate::native::Raised {
        let class = self.class_of(v);
        // Native classes of modules are shown with their module.
        let name = if class.is_static() { self.qualified_name(class) } else { class.name_text() };
        self.type_error(format!("unhashable type: '{name}'"))
    }

    /// The hash of an object by its identity.
    pub fn identity_hash(&self, v: Value) -> u64 {
        (v.bits() >> 4) & (i64::MAX as u64)
    }

    /// `v` if it is exactly a str.
    #[inline(always)]
    pub fn exact_str(&self, v: Value) -> Option<Gc<Str>> {
        match v.header() {
            Some(h) if h.shape() == ClassId::Str.shape() => v.cast(),
            _ => None,
        }
    }

    /// Whether two keys of equal hash are the same key: `a is b or a == b`.
    #[inline]
    pub fn same_key(&mut self, a: Value, b: Value) -> R<bool> {
        if a == b {
            return Ok(true);
        }
        if let (Some(a), Some(b)) = (self.exact_str(a), self.exact_str(b)) {
            return Ok(a.same_text(&b));
        }
        if a.is_int() && b.is_int() {
            return Ok(false);
        }
        self.eq(a, b)
    }
}

/// xxHash's mixing of the items' hashes, as CPython does since 3.8.
struct TupleHash {
    tuple: Gc<Tuple>,
    next: usize,
    acc: u64,
}

impl TupleHash {
    const P1: u64 = 11_400_714_785_074_694_791;
    const P2: u64 = 14_029_467_366_897_019_727;
    const P5: u64 = 2_870_177_450_012_600_261;

    fn new(tuple: Gc<Tuple>) -> TupleHash {
        TupleHash { tuple, next: 0, acc: Self::P5 }
    }
    /// The item whose hash is to be added next.
    #[inline]
    fn item(&self) -> Option<Value> {
        self.tuple.items().get(self.next).copied()
    }
    #[inline]
    fn add(&mut self, lane: u64) {
        self.acc = self.acc.wrapping_add(lane.wrapping_mul(Self::P2)).rotate_left(31).wrapping_mul(Self::P1);
        self.next += 1;
    }
    fn finish(&self) -> u64 {
        let acc = self.acc.wrapping_add(self.tuple.len as u64 ^ (Self::P5 ^ 3_527_539));
        if acc == u64::MAX { 1_546_275_796 } else { acc }
    }
}

/// CPython's hash of a small int: the value modulo 2^61 - 1, never -1.
#[inline(always)]
fn hash_small(n: i64) -> u64 {
    match n {
        -1 => -2i64 as u64,
        Value::INT_MIN | Value::INT_MAX => number_hash::hash_i64(n) as u64,
        n if n == Value::INT_MIN + 1 => number_hash::hash_i64(n) as u64,
        n => n as u64,
    }
}
