//! The native part of `asyncio.StreamReader`: the bytes that have come, and who waits for more.
//!
//! What takes bytes gives None where it has to be asked again after a wait; the wait itself is a future that `_wait`
//! makes and that the next bytes, the end or an error fulfil.

use conc_interpreter::native::{Ctx, R, Raised};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::{Boxed, Payload};
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::object::string::Bytes;
use conc_interpreter::sync::wait::payload;
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;
use memchr::{memchr, memmem};
use parking_lot::Mutex;

use super::future;
use crate::core::shared::{call_method, import};

/// What a reader has got and not given yet.
#[derive(Default)]
struct Incoming {
    data: Vec<u8>,
    /// Bytes of `data` that have been given.
    start: usize,
    /// Bytes behind `start` in which the separator was looked for in vain.
    scanned: usize,
    /// Above twice this much the transport is paused.
    limit: usize,
    eof: bool,
    paused: bool,
}

/// An empty buffer keeps this much room at most.
const KEPT: usize = 4096;

impl Incoming {
    fn ready(&self) -> &[u8] {
        &self.data[self.start..]
    }

    fn len(&self) -> usize {
        self.data.len() - self.start
    }

    /// Adds bytes; false: there is no memory for them.
    fn add(&mut self, data: &[u8]) -> bool {
        // Moved are never more bytes than have been given since the last time.
        if self.start >= self.len().max(1) && self.data.len() + data.len() > self.data.capacity() {
            self.data.drain(..self.start);
            self.start = 0;
        }
        if self.data.try_reserve(data.len()).is_err() {
            return false;
        }
        self.data.extend_from_slice(data);
        true
    }

    fn skip(&mut self, n: usize) {
        self.start += n;
        self.scanned = 0;
        if self.start == self.data.len() {
            self.start = 0;
            self.data.clear();
            if self.data.capacity() > KEPT {
                self.data = Vec::new();
            }
        }
    }

    fn take(&mut self, n: usize) -> Vec<u8> {
        let taken = self.ready()[..n].to_vec();
        self.skip(n);
        taken
    }
}

/// The payload of a reader.
#[derive(Default)]
pub struct Reader(Mutex<Incoming>);

impl Payload for Reader {}

/// Slots of a reader.
mod slot {
    pub const LOOP: usize = 0;
    pub const WAITER: usize = 1;
    pub const EXCEPTION: usize = 2;
    pub const TRANSPORT: usize = 3;
    pub const COUNT: usize = 4;
}

fn receiver<'a>(cx: &mut Ctx, this: Value) -> R<(Gc<Boxed>, &'a Reader)> {
    payload::<Reader>(cx, this)
}

/// Whether a value is a reader.
pub fn is_reader(v: Value) -> bool {
    v.cast::<Boxed>().is_some_and(|b| b.data::<Reader>().is_some())
}

/// Whether a value is a reader that was given an error.
pub fn has_failed(v: Value) -> bool {
    v.cast::<Boxed>().is_some_and(|b| b.data::<Reader>().is_some() && !b.slots()[slot::EXCEPTION].get().is_none())
}

/// Ends the wait for bytes.
fn wake(cx: &mut Ctx, r: Gc<Boxed>) -> R<()> {
    let waiter = r.slots()[slot::WAITER].swap(Value::NONE);
    match future::future(waiter) {
        Some(f) if future::state_of(&f) == future::state::PENDING => future::set_result(cx, f, Value::NONE),
        _ => Ok(()),
    }
}

/// Bytes have come.
pub fn feed(cx: &mut Ctx, this: Value, data: &[u8]) -> R<()> {
    let (r, reader) = receiver(cx, this)?;
    let (added, too_many) = {
        let mut incoming = reader.0.lock();
        if incoming.eof {
            drop(incoming);
            return Err(cx.error(ClassId::AssertionError, "feed_data after feed_eof"));
        }
        let added = incoming.add(data);
        (added, !incoming.paused && incoming.len() > 2 * incoming.limit)
    };
    if !added {
        return Err(cx.memory_error());
    }
    if data.is_empty() {
        return Ok(());
    }
    wake(cx, r)?;
    let transport = r.slots()[slot::TRANSPORT].get();
    if too_many && !transport.is_none() {
        match call_method(cx, transport, "pause_reading", &[]) {
            Ok(_) => reader.0.lock().paused = true,
            // A transport that cannot be paused is not asked again.
            Err(e) if cx.is_error(e, ClassId::NotImplementedError) => r.slots()[slot::TRANSPORT].set(Value::NONE),
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Lets the transport go on once few enough bytes are left.
fn resume(cx: &mut Ctx, r: Gc<Boxed>, reader: &Reader, anyway: bool) -> R<()> {
    {
        let mut incoming = reader.0.lock();
        if !incoming.paused || !anyway && incoming.len() > incoming.limit {
            return Ok(());
        }
        incoming.paused = false;
    }
    let transport = r.slots()[slot::TRANSPORT].get();
    call_method(cx, transport, "resume_reading", &[]).map(drop)
}

/// Gives bytes that were taken out.
fn give(cx: &mut Ctx, r: Gc<Boxed>, reader: &Reader, taken: Vec<u8>) -> R {
    let bytes = cx.bytes(&taken)?;
    resume(cx, r, reader, false)?;
    Ok(bytes)
}

/// An exception of `asyncio.exceptions`.
fn error(cx: &mut Ctx, class: &str, args: &[Value]) -> Raised {
    let made = import(cx, "asyncio.exceptions").and_then(|module| call_method(cx, module, class, args));
    match made {
        Ok(exc) => {
            cx.set_context(exc);
            Raised(exc)
        }
        Err(e) => e,
    }
}

fn incomplete(cx: &mut Ctx, partial: &[u8], expected: Value) -> Raised {
    match cx.bytes(partial) {
        Ok(partial) => error(cx, "IncompleteReadError", &[partial, expected]),
        Err(e) => e,
    }
}

/// The error that the reader was given is raised by whoever reads.
fn check(r: Gc<Boxed>) -> R<()> {
    let exc = r.slots()[slot::EXCEPTION].get();
    if exc.is_none() { Ok(()) } else { Err(Raised(exc)) }
}

/// What a search for a separator finds.
enum Found {
    /// Where the separator begins and ends.
    At(usize, usize),
    /// So many bytes without it: too many.
    TooLong(usize),
    Ended,
    NotYet,
}

/// Looks for the separator that ends first.
fn find<S: AsRef<[u8]>>(incoming: &mut Incoming, separators: &[S]) -> Found {
    let ready = incoming.ready();
    let from = incoming.scanned.min(ready.len());
    let mut best: Option<(usize, usize)> = None;
    for separator in separators.iter().map(AsRef::as_ref) {
        let place = match separator {
            [byte] => memchr(*byte, &ready[from..]),
            _ => memmem::find(&ready[from..], separator),
        };
        let Some(place) = place else { continue };
        let (begin, end) = (from + place, from + place + separator.len());
        if best.is_none_or(|(_, e)| end < e) {
            best = Some((begin, end));
        }
    }
    if let Some((begin, end)) = best {
        return Found::At(begin, end);
    }
    let longest = separators.iter().map(|s| s.as_ref().len()).max().unwrap_or(1);
    let offset = (ready.len() + 1).saturating_sub(longest);
    if offset > incoming.limit {
        return Found::TooLong(offset);
    }
    incoming.scanned = offset;
    if incoming.eof { Found::Ended } else { Found::NotYet }
}

const NO_SEPARATOR: &str = "Separator is not found, and chunk exceed the limit";
const LATE_SEPARATOR: &str = "Separator is found, but chunk is longer than limit";

/// The native part of a reader.
#[methods]
pub mod plain {
    use super::*;
    use conc_interpreter::native::Kwargs;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        let r = cx.new_native_data(class, Box::new(Reader::default()), slot::COUNT);
        for slot in r.slots() {
            slot.set(Value::NONE);
        }
        r
    }
    /// Begin, in a loop, with a limit.
    pub fn _begin(cx: &mut Ctx, this: Value, r#loop: Value, limit: i64) -> R<()> {
        let (r, reader) = receiver(cx, this)?;
        r.slots()[slot::LOOP].set(r#loop);
        reader.0.lock().limit = limit.clamp(0, i64::MAX / 4) as usize;
        Ok(())
    }
    /// Add bytes that have come.
    pub fn feed_data(cx: &mut Ctx, this: Value, data: Value) -> R<()> {
        match data.cast::<Bytes>() {
            Some(bytes) => feed(cx, this, bytes.as_bytes()),
            None if cx.is_instance(data, ClassId::Str) => {
                Err(cx.type_error("expected iterable of integers; got: 'str'"))
            }
            None => {
                let copy = cx.byte_vec(data)?;
                feed(cx, this, &copy)
            }
        }
    }
    /// No more bytes will come.
    pub fn feed_eof(cx: &mut Ctx, this: Value) -> R<()> {
        let (r, reader) = receiver(cx, this)?;
        reader.0.lock().eof = true;
        wake(cx, r)
    }
    /// Whether all bytes have been read and no more will come.
    pub fn at_eof(cx: &mut Ctx, this: Value) -> R<bool> {
        let (_, reader) = receiver(cx, this)?;
        let incoming = reader.0.lock();
        Ok(incoming.eof && incoming.len() == 0)
    }
    /// The error that ended the connection, or None.
    pub fn exception(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::EXCEPTION].get())
    }
    /// Have all who read raise this exception.
    pub fn set_exception(cx: &mut Ctx, this: Value, exc: Value) -> R<()> {
        let (r, _) = receiver(cx, this)?;
        r.slots()[slot::EXCEPTION].set(exc);
        let waiter = r.slots()[slot::WAITER].swap(Value::NONE);
        match future::future(waiter) {
            Some(f) if future::state_of(&f) == future::state::PENDING => future::set_exception(cx, f, exc),
            _ => Ok(()),
        }
    }
    /// A future that more bytes, the end or an error fulfil.
    pub fn _wait(cx: &mut Ctx, this: Value, who: Value) -> R {
        let (r, reader) = receiver(cx, this)?;
        let before = future::future(r.slots()[slot::WAITER].get());
        if before.is_some_and(|f| future::state_of(&f) == future::state::PENDING) {
            let who = cx.text_of(who);
            let text = format!("{who}() called while another coroutine is already waiting for incoming data");
            return Err(cx.runtime_error(&text));
        }
        resume(cx, r, reader, true)?;
        let waiter = future::new(cx, r.slots()[slot::LOOP].get());
        r.slots()[slot::WAITER].set(waiter);
        Ok(waiter)
    }
    /// Up to `n` bytes of what is there; None: wait first.
    pub fn _some(cx: &mut Ctx, this: Value, n: i64) -> R {
        let (r, reader) = receiver(cx, this)?;
        check(r)?;
        let taken = {
            let mut incoming = reader.0.lock();
            let there = incoming.len();
            if n > 0 && there == 0 && !incoming.eof {
                return Ok(Value::NONE);
            }
            incoming.take((n.max(0) as usize).min(there))
        };
        give(cx, r, reader, taken)
    }
    /// Exactly `n` bytes; None: wait first.
    pub fn _exactly(cx: &mut Ctx, this: Value, n: i64) -> R {
        let Ok(wanted) = usize::try_from(n) else {
            return Err(cx.value_error("readexactly size can not be less than zero"));
        };
        let (r, reader) = receiver(cx, this)?;
        check(r)?;
        let (taken, whole) = {
            let mut incoming = reader.0.lock();
            let there = incoming.len();
            if there < wanted && !incoming.eof {
                return Ok(Value::NONE);
            }
            (incoming.take(wanted.min(there)), there >= wanted)
        };
        if !whole {
            return Err(incomplete(cx, &taken, Value::small_int(n)));
        }
        give(cx, r, reader, taken)
    }
    /// A line with its end; None: wait first. `first`: a new search.
    pub fn _line(cx: &mut Ctx, this: Value, first: bool) -> R {
        let (r, reader) = receiver(cx, this)?;
        check(r)?;
        let (taken, problem) = {
            let mut incoming = reader.0.lock();
            if first {
                incoming.scanned = 0;
            }
            match find(&mut incoming, &[b"\n"]) {
                Found::At(begin, end) => {
                    let late = (begin > incoming.limit).then_some(LATE_SEPARATOR);
                    (incoming.take(end), late)
                }
                Found::TooLong(_) => {
                    let all = incoming.len();
                    incoming.skip(all);
                    (Vec::new(), Some(NO_SEPARATOR))
                }
                Found::Ended => {
                    let all = incoming.len();
                    (incoming.take(all), None)
                }
                Found::NotYet => return Ok(Value::NONE),
            }
        };
        if let Some(problem) = problem {
            resume(cx, r, reader, false)?;
            return Err(cx.value_error(problem));
        }
        give(cx, r, reader, taken)
    }
    /// All up to the first of the separators, a tuple of bytes, and that; None: wait first. `first`: a new search.
    pub fn _until(cx: &mut Ctx, this: Value, separators: Gc<Tuple>, first: bool) -> R {
        let (r, reader) = receiver(cx, this)?;
        check(r)?;
        let separators: Vec<Vec<u8>> =
            separators.items().iter().filter_map(|s| s.cast::<Bytes>()).map(|s| s.as_bytes().to_vec()).collect();
        let (taken, ended) = {
            let mut incoming = reader.0.lock();
            if first {
                incoming.scanned = 0;
            }
            match find(&mut incoming, &separators) {
                Found::At(begin, _) if begin > incoming.limit => (Err((LATE_SEPARATOR, begin)), false),
                Found::At(_, end) => (Ok(incoming.take(end)), false),
                Found::TooLong(offset) => (Err((NO_SEPARATOR, offset)), false),
                Found::Ended => {
                    let all = incoming.len();
                    (Ok(incoming.take(all)), true)
                }
                Found::NotYet => return Ok(Value::NONE),
            }
        };
        match taken {
            Ok(partial) if ended => Err(incomplete(cx, &partial, Value::NONE)),
            Ok(taken) => give(cx, r, reader, taken),
            Err((text, consumed)) => {
                let text = cx.str(text);
                Err(error(cx, "LimitOverrunError", &[text, Value::small_int(consumed as i64)]))
            }
        }
    }
    /// What has come and was not read, as bytes.
    #[getter]
    pub fn _buffer(cx: &mut Ctx, this: Value) -> R {
        let copy = receiver(cx, this)?.1.0.lock().ready().to_vec();
        cx.bytes(&copy)
    }
    #[getter]
    pub fn _loop(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::LOOP].get())
    }
    #[getter]
    pub fn _waiter(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::WAITER].get())
    }
    #[getter]
    pub fn _limit(cx: &mut Ctx, this: Value) -> R<i64> {
        Ok(receiver(cx, this)?.1.0.lock().limit as i64)
    }
    #[getter]
    pub fn _eof(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(receiver(cx, this)?.1.0.lock().eof)
    }
    #[getter]
    pub fn _paused(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(receiver(cx, this)?.1.0.lock().paused)
    }
    #[getter]
    pub fn _transport(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::TRANSPORT].get())
    }
    #[setter]
    #[name = "_transport"]
    pub fn put_transport(cx: &mut Ctx, this: Value, transport: Value) -> R<()> {
        receiver(cx, this)?.0.slots()[slot::TRANSPORT].set(transport);
        Ok(())
    }
}
