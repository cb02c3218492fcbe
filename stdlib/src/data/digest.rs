//! `_hashlib`: digests of data, over the hash functions of RustCrypto.

use blake2::{Blake2bVarCore, Blake2sVarCore};
use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::misc::Payload;
use conc_interpreter::value::{Gc, Value};
use digest::block_api::{Buffer, UpdateCore, VariableOutputCore};
use digest::{Digest, ExtendableOutput, Update, XofReader};
use parking_lot::Mutex;

use crate::core::shared::{recall_class, remember};

/// Data taken in between two looks at the rest of the program.
const PIECE: usize = 1 << 20;

/// A BLAKE2 function, whose digest has the size that was asked for.
#[derive(Clone)]
pub struct Blake<C: VariableOutputCore + Clone> {
    core: C,
    buffer: Buffer<C>,
    size: usize,
}

impl<C: VariableOutputCore + Clone> Blake<C> {
    fn update(&mut self, data: &[u8]) {
        let core = &mut self.core;
        self.buffer.digest_blocks(data, |blocks| UpdateCore::update_blocks(core, blocks));
    }
    fn finish(mut self) -> Vec<u8> {
        let mut out = digest::Output::<C>::default();
        self.core.finalize_variable_core(&mut self.buffer, &mut out);
        out[..self.size].to_vec()
    }
}

/// How BLAKE2 is keyed and personalised.
pub struct Parameters {
    pub size: usize,
    pub key: Vec<u8>,
    pub salt: Vec<u8>,
    pub person: Vec<u8>,
}

macro_rules! hashes {
    ($($variant:ident $kind:ty, $name:literal, $block:literal;)*) => {
        /// A hash function under way.
        #[derive(Clone)]
        pub enum Hash {
            $($variant($kind),)*
            Shake128(shake::Shake128),
            Shake256(shake::Shake256),
            Blake2b(Box<Blake<Blake2bVarCore>>),
            Blake2s(Box<Blake<Blake2sVarCore>>),
        }

        impl Hash {
            /// The function of that name (hashlib's spelling); BLAKE2 has its own way.
            pub fn new(name: &str) -> Option<Hash> {
                match name {
                    $($name => Some(Hash::$variant(<$kind>::new())),)*
                    "shake_128" => Some(Hash::Shake128(Default::default())),
                    "shake_256" => Some(Hash::Shake256(Default::default())),
                    "blake2b" | "blake2s" => {
                        let size = if name == "blake2b" { 64 } else { 32 };
                        Some(Hash::blake(name, Parameters { size, key: vec![], salt: vec![], person: vec![] }))
                    }
                    _ => None,
                }
            }
            pub fn update(&mut self, data: &[u8]) {
                match self {
                    $(Hash::$variant(h) => Digest::update(h, data),)*
                    Hash::Shake128(h) => Update::update(h, data),
                    Hash::Shake256(h) => Update::update(h, data),
                    Hash::Blake2b(h) => h.update(data),
                    Hash::Blake2s(h) => h.update(data),
                }
            }
            /// The digest; of a function without a length of its own so many bytes.
            pub fn finish(self, length: usize) -> Vec<u8> {
                match self {
                    $(Hash::$variant(h) => h.finalize().to_vec(),)*
                    Hash::Shake128(h) => drawn(h.finalize_xof(), length),
                    Hash::Shake256(h) => drawn(h.finalize_xof(), length),
                    Hash::Blake2b(h) => h.finish(),
                    Hash::Blake2s(h) => h.finish(),
                }
            }
            pub fn name(&self) -> &'static str {
                match self {
                    $(Hash::$variant(_) => $name,)*
                    Hash::Shake128(_) => "shake_128",
                    Hash::Shake256(_) => "shake_256",
                    Hash::Blake2b(_) => "blake2b",
                    Hash::Blake2s(_) => "blake2s",
                }
            }
            /// Bytes of a digest; 0: as many as are asked for.
            pub fn size(&self) -> usize {
                match self {
                    $(Hash::$variant(_) => <$kind as Digest>::output_size(),)*
                    Hash::Shake128(_) | Hash::Shake256(_) => 0,
                    Hash::Blake2b(h) => h.size,
                    Hash::Blake2s(h) => h.size,
                }
            }
            pub fn block(&self) -> usize {
                match self {
                    $(Hash::$variant(_) => $block,)*
                    Hash::Shake128(_) => 168,
                    Hash::Shake256(_) => 136,
                    Hash::Blake2b(_) => 128,
                    Hash::Blake2s(_) => 64,
                }
            }
        }
    };
}

hashes! {
    Md5 md5::Md5, "md5", 64;
    Sha1 sha1::Sha1, "sha1", 64;
    Sha224 sha2::Sha224, "sha224", 64;
    Sha256 sha2::Sha256, "sha256", 64;
    Sha384 sha2::Sha384, "sha384", 128;
    Sha512 sha2::Sha512, "sha512", 128;
    Sha512Of224 sha2::Sha512_224, "sha512_224", 128;
    Sha512Of256 sha2::Sha512_256, "sha512_256", 128;
    Sha3Of224 sha3::Sha3_224, "sha3_224", 144;
    Sha3Of256 sha3::Sha3_256, "sha3_256", 136;
    Sha3Of384 sha3::Sha3_384, "sha3_384", 104;
    Sha3Of512 sha3::Sha3_512, "sha3_512", 72;
}

impl Hash {
    /// BLAKE2; the parameters are within its bounds. A key is a first block of data.
    fn blake(name: &str, p: Parameters) -> Hash {
        let keyed = !p.key.is_empty();
        let mut hash = if name == "blake2b" {
            let core = Blake2bVarCore::new_with_params(&p.salt, &p.person, p.key.len(), p.size);
            Hash::Blake2b(Box::new(Blake { core, buffer: Default::default(), size: p.size }))
        } else {
            let core = Blake2sVarCore::new_with_params(&p.salt, &p.person, p.key.len(), p.size);
            Hash::Blake2s(Box::new(Blake { core, buffer: Default::default(), size: p.size }))
        };
        if keyed {
            let mut block = p.key;
            block.resize(hash.block(), 0);
            hash.update(&block);
        }
        hash
    }
}

fn drawn(mut reader: impl XofReader, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    reader.read(&mut out);
    out
}

/// HMAC of data under a key, as RFC 2104 builds it.
fn hmac(start: &Hash, key: &[u8]) -> (Hash, Hash) {
    let mut block = key.to_vec();
    if block.len() > start.block() {
        let mut hash = start.clone();
        hash.update(key);
        block = hash.finish(0);
    }
    block.resize(start.block(), 0);
    let padded = |with: u8| {
        let mut hash = start.clone();
        hash.update(&block.iter().map(|b| b ^ with).collect::<Vec<u8>>());
        hash
    };
    (padded(0x36), padded(0x5c))
}

/// The payload of a hash object.
pub struct State(Mutex<Hash>);

impl Payload for State {}

impl State {
    fn update(&self, cx: &mut Ctx, data: &[u8]) -> R<()> {
        for piece in data.chunks(PIECE) {
            self.0.lock().update(piece);
            cx.poll()?;
        }
        Ok(())
    }
}

/// The class of hash objects, made at first use.
fn class(cx: &mut Ctx) -> Gc<Class> {
    const KEY: &str = "_hashlib.HASH";
    if let Some(class) = recall_class(cx, KEY) {
        return class;
    }
    let class = cx.native_class("_hashlib", "HASH", None, methods::METHODS);
    remember(cx, KEY, class.value());
    class
}

impl Hash {
    /// The hash as a script's object.
    fn into_object(self, cx: &mut Ctx) -> Value {
        let class = class(cx);
        cx.new_boxed(class, Some(Box::new(State(Mutex::new(self)))), 0).value()
    }
}

/// What hash objects can do.
#[conc_macros::methods]
pub mod methods {
    use super::State;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::sync::wait::payload;
    use conc_interpreter::value::{Gc, Value};

    use crate::data::view::View;

    fn state<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a State> {
        payload::<State>(cx, this.value()).map(|(_, state)| state)
    }

    /// The bytes of the digest, `length` only where the function has none of its own.
    fn finished(cx: &mut Ctx, this: Gc<Boxed>, length: Option<i64>, who: &str) -> R<Vec<u8>> {
        let hash = state(cx, this)?.0.lock().clone();
        match (hash.size(), length) {
            (0, Some(length)) if (0..1 << 29).contains(&length) => Ok(hash.finish(length as usize)),
            (0, Some(_)) => Err(cx.value_error("length must not be negative or too large")),
            (0, None) => Err(cx.type_error(format!("{who}() missing required argument 'length' (pos 1)"))),
            (_, None) => Ok(hash.finish(0)),
            (_, Some(_)) => Err(cx.type_error(format!("HASH.{who}() takes no arguments (1 given)"))),
        }
    }

    /// Take in more data.
    pub fn update(cx: &mut Ctx, this: Gc<Boxed>, data: Value) -> R<()> {
        let state = state(cx, this)?;
        if data.is_a::<conc_interpreter::object::string::Str>() {
            return Err(cx.type_error("Strings must be encoded before hashing"));
        }
        if data.cast::<conc_interpreter::object::string::Bytes>().is_none() && cx.byte_vec(data).is_err() {
            return Err(cx.type_error("object supporting the buffer API required"));
        }
        let data = View::of(cx, data)?;
        state.update(cx, &data)
    }

    /// The digest of the data so far.
    pub fn digest(cx: &mut Ctx, this: Gc<Boxed>, #[kw] length: Option<i64>) -> R {
        let digest = finished(cx, this, length, "digest")?;
        cx.bytes(&digest)
    }

    /// The digest of the data so far, in hexadecimal digits.
    pub fn hexdigest(cx: &mut Ctx, this: Gc<Boxed>, #[kw] length: Option<i64>) -> R<String> {
        let digest = finished(cx, this, length, "hexdigest")?;
        Ok(digest.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// An object that goes on from the same data.
    pub fn copy(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let hash = state(cx, this)?.0.lock().clone();
        Ok(hash.into_object(cx))
    }

    /// The function's name.
    #[getter]
    pub fn name(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let name = state(cx, this)?.0.lock().name();
        Ok(cx.str(name))
    }

    /// How many bytes a digest has.
    #[getter]
    pub fn digest_size(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(state(cx, this)?.0.lock().size() as i64)
    }

    /// How many bytes the function takes in at a time.
    #[getter]
    pub fn block_size(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(state(cx, this)?.0.lock().block() as i64)
    }
}

/// Digests of data
#[conc_macros::module(name = "_hashlib")]
pub mod functions {
    use super::{Hash, Parameters, class, hmac};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    use crate::core::shared::define;
    use crate::data::view::View;

    fn named(cx: &mut Ctx, name: Value) -> R<Hash> {
        let name = cx.text_of(name);
        match Hash::new(&name) {
            Some(hash) => Ok(hash),
            None => Err(cx.value_error(format!("unsupported hash type {name}"))),
        }
    }

    /// A hash object of the function called `name`.
    pub fn new(cx: &mut Ctx, name: Value) -> R {
        let hash = named(cx, name)?;
        Ok(hash.into_object(cx))
    }

    /// A hash object of a BLAKE2 function.
    pub fn blake2(cx: &mut Ctx, name: Value, digest_size: i64, key: Value, salt: Value, person: Value) -> R {
        let name = cx.text_of(name);
        let most = if name == "blake2b" { 64 } else { 32 };
        let (key, salt, person) = (cx.byte_vec(key)?, cx.byte_vec(salt)?, cx.byte_vec(person)?);
        if !(1..=most).contains(&digest_size) {
            return Err(cx.value_error(format!(
                "digest_size for {name} must be between 1 and {most} bytes, here it is {digest_size}"
            )));
        }
        if key.len() as i64 > most {
            return Err(cx.value_error(format!("maximum key length is {most} bytes")));
        }
        for (what, data) in [("salt", &salt), ("person", &person)] {
            if data.len() as i64 > most / 4 {
                return Err(cx.value_error(format!("maximum {what} length is {} bytes", most / 4)));
            }
        }
        let hash = Hash::blake(&name, Parameters { size: digest_size as usize, key, salt, person });
        Ok(hash.into_object(cx))
    }

    /// A key of `dklen` bytes from a password, by PBKDF2 with HMAC.
    pub fn pbkdf2(cx: &mut Ctx, name: Value, password: Value, salt: Value, iterations: i64, dklen: i64) -> R {
        let start = named(cx, name)?;
        let (password, salt) = (View::of(cx, password)?, View::of(cx, salt)?);
        let (inner, outer) = hmac(&start, &password);
        let keyed = |parts: [&[u8]; 2]| {
            let (mut inner, mut outer) = (inner.clone(), outer.clone());
            parts.iter().for_each(|part| inner.update(part));
            outer.update(&inner.finish(0));
            outer.finish(0)
        };
        let mut out = Vec::new();
        let mut index = 0u32;
        while (out.len() as i64) < dklen {
            index += 1;
            let mut last = keyed([&salt, &index.to_be_bytes()]);
            let mut block = last.clone();
            for round in 1..iterations {
                last = keyed([&last, &[]]);
                block.iter_mut().zip(&last).for_each(|(b, l)| *b ^= l);
                if round % 1024 == 0 {
                    cx.poll()?;
                }
            }
            out.extend_from_slice(&block);
        }
        out.truncate(dklen.max(0) as usize);
        cx.bytes(&out)
    }

    /// Whether two texts of ASCII characters, or two bytes-like objects, are equal; the time does not tell where they differ.
    pub fn compare_digest(cx: &mut Ctx, a: Value, b: Value) -> R<bool> {
        use conc_interpreter::object::string::Str;
        let (a, b) = match (a.cast::<Str>(), b.cast::<Str>()) {
            (Some(a), Some(b)) if a.as_bytes().is_ascii() && b.as_bytes().is_ascii() => (View::Text(a), View::Text(b)),
            (Some(_), Some(_)) => {
                return Err(cx.type_error("comparing strings with non-ASCII characters is not supported"));
            }
            _ => (View::of(cx, a)?, View::of(cx, b)?),
        };
        let mut differs = u8::from(a.len() != b.len());
        for (i, byte) in b.iter().enumerate() {
            differs |= byte ^ a.get(i).copied().unwrap_or(0);
            differs = std::hint::black_box(differs);
        }
        Ok(differs == 0)
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let class = class(cx).value();
        define(cx, module, "HASH", class);
        Ok(())
    }
}
