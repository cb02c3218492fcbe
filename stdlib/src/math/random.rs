//! _random: the Mersenne Twister behind the random module.

use conc_interpreter::object::misc::Payload;
use conc_interpreter::text::mersenne::Mersenne;
use conc_macros::module;
use parking_lot::Mutex;

/// A generator's state.
pub struct Generator(pub Mutex<Mersenne>);

impl Payload for Generator {}

/// The Mersenne Twister generator.
#[module(name = "_random")]
pub mod functions {
    use super::methods::METHODS;
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::Gc;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let class = cx.native_class("_random", "Random", None, METHODS);
        crate::core::shared::define(cx, module, "Random", class.value());
        Ok(())
    }
}

/// The methods of `_random.Random`.
#[conc_macros::methods]
pub mod methods {
    use super::Generator;
    use conc_interpreter::native::{Ctx, Kwargs, R};
    use conc_interpreter::object::class::Class;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::object::sequence::Tuple;
    use conc_interpreter::text::mersenne::{Mersenne, STATE_WORDS};
    use conc_interpreter::value::{Gc, Value};
    use dashu_int::IBig;
    use parking_lot::Mutex;

    fn generator<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a Generator> {
        match this.data::<Generator>() {
            Some(g) => Ok(g),
            None => Err(cx.type_error("a Random object is required")),
        }
    }

    /// Makes a generator, seeded by the argument or by the system.
    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, args: &[Value], _kwargs: Kwargs) -> R {
        let seed = args.first().copied().unwrap_or(Value::NONE);
        let fresh = seeded(cx, seed)?;
        let payload = Box::new(Generator(Mutex::new(fresh)));
        Ok(cx.new_boxed(class, Some(payload), 0).value())
    }

    fn seeded(cx: &mut Ctx, seed: Value) -> R<Mersenne> {
        if seed.is_none() {
            let mut bytes = [0u8; STATE_WORDS * 4];
            crate::os::entropy::fill_for(cx, &mut bytes);
            let key: Vec<u32> = bytes.chunks(4).map(|c| c.iter().fold(0, |w, &b| w << 8 | u32::from(b))).collect();
            return Ok(Mersenne::from_key(&key));
        }
        if let Some(n) = cx.as_int(seed) {
            return Ok(Mersenne::from_int(&n));
        }
        let hash = cx.hash(seed)?;
        Ok(Mersenne::from_int(&IBig::from(hash)))
    }

    /// Start from a seed, or without one from what the system gives.
    pub fn seed(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] n: Value) -> R<()> {
        let fresh = seeded(cx, n)?;
        *generator(cx, this)?.0.lock() = fresh;
        Ok(())
    }

    /// Give a float from 0 up to but not including 1, all equally likely.
    pub fn random(cx: &mut Ctx, this: Gc<Boxed>) -> R<f64> {
        Ok(generator(cx, this)?.0.lock().random())
    }

    /// Give an int of k bits, all equally likely.
    pub fn getrandbits(cx: &mut Ctx, this: Gc<Boxed>, k: i64) -> R {
        if k < 0 {
            return Err(cx.value_error("number of bits must be non-negative"));
        }
        let Ok(bits) = u32::try_from(k) else {
            return Err(cx.overflow_error("Python int too large to convert to C int"));
        };
        if bits <= 61 {
            let n = generator(cx, this)?.0.lock().getrandbits_u64(bits);
            return Ok(cx.int(n as i64));
        }
        let n = generator(cx, this)?.0.lock().getrandbits(bits);
        Ok(cx.big(&IBig::from(n)))
    }

    /// Give the generator's state, for setstate().
    pub fn getstate(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        let (words, index) = {
            let guard = generator(cx, this)?.0.lock();
            let (words, index) = guard.state();
            (*words, index)
        };
        let list = cx.new_list();
        for w in words {
            cx.list_push(list, Value::small_int(i64::from(w)))?;
        }
        cx.list_push(list, Value::small_int(index as i64))?;
        cx.list_to_tuple(list)
    }

    /// Go back to a state that getstate() gave.
    pub fn setstate(cx: &mut Ctx, this: Gc<Boxed>, state: Value) -> R<()> {
        let Some(t) = state.cast::<Tuple>() else { return Err(cx.type_error("state vector must be a tuple")) };
        if t.len != STATE_WORDS + 1 {
            return Err(cx.value_error("state vector is the wrong size"));
        }
        let mut words = [0u32; STATE_WORDS];
        for (word, &item) in words.iter_mut().zip(t.items()) {
            *word = cx.index_i64(item)? as u32;
        }
        let index = cx.index_i64(t.items()[STATE_WORDS])?;
        let restored = usize::try_from(index).ok().and_then(|i| Mersenne::from_state(words, i));
        match restored {
            Some(m) => {
                *generator(cx, this)?.0.lock() = m;
                Ok(())
            }
            None => Err(cx.value_error("invalid state")),
        }
    }
}
