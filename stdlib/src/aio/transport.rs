//! The native part of the transport of a connected socket: what is received and passed on, what is written and waits.
//!
//! The rest is the script's class over it (`asyncio.socket_transports`), whose methods are called for what happens
//! seldom: errors, the end of the input, flow control. If the protocol is one of streams, bytes go into its reader
//! without becoming an object in between.

use std::cell::RefCell;
use std::sync::Arc;

use conc_interpreter::native::{Ctx, Entered, NativeDef, NativeFrame, R, Raised, Step};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::misc::{Boxed, MemoryView, Payload};
use conc_interpreter::object::string::{ByteArray, Bytes};
use conc_interpreter::scheduler::reactor::Source;
use conc_interpreter::sync::wait::{THIS_PARAMS, method, payload};
use conc_interpreter::value::{Gc, Value};
use conc_macros::methods;
use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::stream;
use crate::core::shared::call_method;
use crate::io::registry;
use crate::net::socket::Socket;
use crate::os::errors;

/// Bytes received at a time at most.
const MOST: usize = 256 * 1024;

/// Writes to a lost connection before they are warned of.
const LOST_WRITES: i64 = 5;

/// A transport's state.
#[derive(Default)]
struct State {
    /// What the system has not taken yet; up to `start` it has.
    out: Vec<u8>,
    start: usize,
    high: usize,
    low: usize,
    /// How often was written since the connection was lost; 0: it is not.
    lost: i64,
    closing: bool,
    /// `write_eof` was called.
    eof: bool,
    /// Reading is paused.
    paused: bool,
    /// The protocol was told to pause writing.
    full: bool,
    /// A file is being sent: nobody else may write.
    busy: bool,
}

impl State {
    fn waiting(&self) -> usize {
        self.out.len() - self.start
    }
}

/// The payload of a transport.
#[derive(Default)]
pub struct Transport(Mutex<State>);

impl Payload for Transport {}

/// Slots of a transport.
mod slot {
    pub const LOOP: usize = 0;
    pub const SOCKET: usize = 1;
    pub const PROTOCOL: usize = 2;
    /// The reader that bytes go to at once, or None.
    pub const SINK: usize = 3;
    pub const COUNT: usize = 4;
}

fn receiver<'a>(cx: &mut Ctx, this: Value) -> R<(Gc<Boxed>, &'a Transport)> {
    payload::<Transport>(cx, this)
}

fn source(cx: &mut Ctx, t: Gc<Boxed>) -> R<Arc<Source>> {
    payload::<Socket>(cx, t.slots()[slot::SOCKET].get())?.1.source(cx)
}

/// Tells the script's class of an error of the connection.
fn fatal(cx: &mut Ctx, this: Value, error: Raised, what: &str) -> R<()> {
    let what = cx.str(what);
    call_method(cx, this, "_fatal_error", &[error.0, what]).map(drop)
}

// ---- receiving

/// What came of an attempt to receive.
enum Received {
    /// Nothing, or it went to the reader.
    Done,
    End,
    Data(Value),
}

thread_local! {
    /// Where bytes are received before their number is known. Nothing parks or runs scripts while it is in use.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn receive(cx: &mut Ctx, t: Gc<Boxed>, sink: Value) -> R<Received> {
    let source = source(cx, t)?;
    let got = SCRATCH.with_borrow_mut(|scratch| {
        scratch.resize(MOST, 0);
        let got = loop {
            match rustix::net::recv(&source, &mut scratch[..], RecvFlags::empty()) {
                Err(Errno::INTR) => {}
                other => break other,
            }
        };
        // Most messages are short: they are copied out, so that nothing is borrowed while objects are made.
        got.map(|(n, _)| (n, Piece::of(&scratch[..n])))
    });
    match got {
        Ok((0, _)) => Ok(Received::End),
        Ok((n, piece)) => {
            let data = piece.bytes(n);
            if sink.is_none() {
                cx.bytes(data).map(Received::Data)
            } else {
                stream::feed(cx, sink, data).map(|()| Received::Done)
            }
        }
        Err(Errno::AGAIN) => Ok(Received::Done),
        Err(e) => Err(errors::raise(cx, e)),
    }
}

/// Received bytes: short ones need no memory of their own.
#[expect(clippy::large_enum_variant, reason = "it stands on the stack of the one call that receives")]
enum Piece {
    Short([u8; Piece::SHORT]),
    Long(Vec<u8>),
}

impl Piece {
    const SHORT: usize = 512;

    fn of(data: &[u8]) -> Piece {
        if data.len() > Piece::SHORT {
            return Piece::Long(data.to_vec());
        }
        let mut short = [0; Piece::SHORT];
        short[..data.len()].copy_from_slice(data);
        Piece::Short(short)
    }

    fn bytes(&self, n: usize) -> &[u8] {
        match self {
            Piece::Short(short) => &short[..n],
            Piece::Long(long) => long,
        }
    }
}

/// `_read_ready`
pub static RESUMABLE: &[NativeDef] = &[method("_read_ready", "Receive and pass on.", THIS_PARAMS, read_ready)];

fn read_ready(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    read_step(cx, frame, entered).into()
}

/// Stages of `_read_ready`.
mod stage {
    /// The protocol has been given bytes.
    pub const GIVEN: i64 = 1;
    /// The script's class sees to the rest.
    pub const LAST: i64 = 2;
}

fn read_step(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> R<Step> {
    let this = frame.get(0);
    let (t, transport) = receiver(cx, this)?;
    if frame.state() != 0 {
        return match entered {
            Entered::Raised(e) if frame.state() == stage::GIVEN => {
                last(cx, frame, "_fatal_error", &[e.0], Some("Fatal error: protocol.data_received() call failed."))
            }
            Entered::Raised(e) => Err(e),
            _ => Ok(Step::Done(Value::NONE)),
        };
    }
    if transport.0.lock().lost > 0 {
        return Ok(Step::Done(Value::NONE));
    }
    let sink = t.slots()[slot::SINK].get();
    match receive(cx, t, sink) {
        Ok(Received::Done) => Ok(Step::Done(Value::NONE)),
        Ok(Received::End) => last(cx, frame, "_read_end", &[], None),
        Ok(Received::Data(data)) => {
            let protocol = t.slots()[slot::PROTOCOL].get();
            let given = cx.get_attr_text(protocol, "data_received")?;
            frame.set_state(stage::GIVEN);
            Ok(frame.call(given, &[data]))
        }
        Err(e) => last(cx, frame, "_fatal_error", &[e.0], Some("Fatal read error on socket transport")),
    }
}

/// Leaves the rest to a method of the script's class.
fn last(cx: &mut Ctx, frame: &mut NativeFrame<'_>, name: &str, args: &[Value], text: Option<&str>) -> R<Step> {
    let this = frame.get(0);
    let method = cx.get_attr_text(this, name)?;
    frame.set_state(stage::LAST);
    Ok(match (args, text) {
        ([arg], Some(text)) => {
            let text = cx.str(text);
            frame.call(method, &[*arg, text])
        }
        _ => frame.call(method, args),
    })
}

// ---- sending

/// Sends what the system takes at once; how much.
fn send(cx: &mut Ctx, t: Gc<Boxed>, data: &[u8]) -> R<usize> {
    let source = source(cx, t)?;
    registry::flush_all();
    loop {
        match rustix::net::send(&source, data, SendFlags::NOSIGNAL) {
            Ok(n) => return Ok(n),
            Err(Errno::AGAIN) => return Ok(0),
            Err(Errno::INTR) => cx.poll()?,
            Err(e) => return Err(errors::raise(cx, e)),
        }
    }
}

fn write(cx: &mut Ctx, this: Value, data: &[u8]) -> R<()> {
    let (t, transport) = receiver(cx, this)?;
    let (lost, empty) = {
        let mut state = transport.0.lock();
        let problem = match (state.eof, state.busy) {
            (true, _) => Some("Cannot call write() after write_eof()"),
            (_, true) => Some("unable to write; sendfile is in progress"),
            _ => None,
        };
        if let Some(problem) = problem {
            drop(state);
            return Err(cx.runtime_error(problem));
        }
        if data.is_empty() {
            return Ok(());
        }
        let lost = state.lost;
        state.lost += i64::from(lost > 0);
        (lost, state.waiting() == 0)
    };
    if lost > 0 {
        return if lost >= LOST_WRITES { call_method(cx, this, "_tell_of_loss", &[]).map(drop) } else { Ok(()) };
    }
    let mut sent = 0;
    if empty {
        match send(cx, t, data) {
            Ok(n) => sent = n,
            Err(e) => return fatal(cx, this, e, "Fatal write error on socket transport"),
        }
        if sent == data.len() {
            return Ok(());
        }
        call_method(cx, this, "_watch_writing", &[])?;
    }
    keep(cx, this, transport, &data[sent..])
}

/// Keeps bytes for later; the protocol is told if they have become too many.
fn keep(cx: &mut Ctx, this: Value, transport: &Transport, data: &[u8]) -> R<()> {
    let too_many = {
        let mut state = transport.0.lock();
        if state.out.try_reserve(data.len()).is_err() {
            drop(state);
            return Err(cx.memory_error());
        }
        state.out.extend_from_slice(data);
        state.waiting() > state.high && !std::mem::replace(&mut state.full, true)
    };
    if too_many { call_method(cx, this, "_pause_writing", &[]).map(drop) } else { Ok(()) }
}

/// Sends of what waits; false: an error came, which has been told of.
fn send_waiting(cx: &mut Ctx, this: Value) -> R<bool> {
    let (t, transport) = receiver(cx, this)?;
    // Taken out while it is sent, which may stop for others.
    let (out, start) = {
        let mut state = transport.0.lock();
        (std::mem::take(&mut state.out), std::mem::take(&mut state.start))
    };
    let sent = send(cx, t, &out[start..]);
    let mut state = transport.0.lock();
    match sent {
        Ok(n) => {
            let start = start + n;
            if start < out.len() {
                let added = std::mem::replace(&mut state.out, out);
                state.out.extend_from_slice(&added);
                state.start = start;
            }
            // The sent part is given up once it is the larger one.
            if state.start > state.out.len() / 2 {
                let start = std::mem::take(&mut state.start);
                state.out.drain(..start);
            }
            Ok(true)
        }
        Err(e) => {
            drop(state);
            fatal(cx, this, e, "Fatal write error on socket transport")?;
            Ok(false)
        }
    }
}

/// The native part of a transport.
#[methods]
pub mod plain {
    use super::*;
    use conc_interpreter::native::Kwargs;

    #[static_method]
    pub fn __new__(cx: &mut Ctx, class: Gc<Class>, _args: &[Value], _kwargs: Kwargs) -> Gc<Boxed> {
        let t = cx.new_native_data(class, Box::new(Transport::default()), slot::COUNT);
        for slot in t.slots() {
            slot.set(Value::NONE);
        }
        t
    }
    /// Begin, in a loop, over a connected socket.
    pub fn _begin(cx: &mut Ctx, this: Value, r#loop: Value, sock: Value) -> R<()> {
        let (t, _) = receiver(cx, this)?;
        t.slots()[slot::LOOP].set(r#loop);
        t.slots()[slot::SOCKET].set(sock);
        Ok(())
    }
    /// Say who gets what is received; the reader that bytes go to at once, or None.
    pub fn _pass_to(cx: &mut Ctx, this: Value, protocol: Value, sink: Value) -> R<()> {
        let (t, _) = receiver(cx, this)?;
        t.slots()[slot::PROTOCOL].set(protocol);
        t.slots()[slot::SINK].set(if stream::is_reader(sink) { sink } else { Value::NONE });
        Ok(())
    }
    /// Send the data, now or as soon as that is possible.
    #[name = "write"]
    pub fn write_method(cx: &mut Ctx, this: Value, data: Value) -> R<()> {
        if let Some(bytes) = data.cast::<Bytes>() {
            return write(cx, this, bytes.as_bytes());
        }
        if data.cast::<ByteArray>().is_none() && data.cast::<MemoryView>().is_none() {
            let got = cx.type_name(data);
            let text = format!("data argument must be a bytes-like object, not '{got}'");
            return Err(cx.type_error(text));
        }
        let copy = cx.byte_vec(data)?;
        write(cx, this, &copy)
    }
    /// Whether nothing of what was written waits any more; sends what the system takes now. None: an error came.
    pub fn _send_waiting(cx: &mut Ctx, this: Value) -> R {
        if !send_waiting(cx, this)? {
            return Ok(Value::NONE);
        }
        let (_, transport) = receiver(cx, this)?;
        let waiting = transport.0.lock().waiting();
        Ok(Value::bool(waiting == 0))
    }
    /// Forget what waits.
    pub fn _drop_waiting(cx: &mut Ctx, this: Value) -> R<()> {
        let (_, transport) = receiver(cx, this)?;
        let mut state = transport.0.lock();
        state.out = Vec::new();
        state.start = 0;
        Ok(())
    }
    /// Whether the protocol may write again, which it was told not to.
    pub fn _has_room(cx: &mut Ctx, this: Value) -> R<bool> {
        let mut state = receiver(cx, this)?.1.0.lock();
        Ok(state.waiting() <= state.low && std::mem::replace(&mut state.full, false))
    }
    /// Whether writing need not be waited for, and nothing has gone wrong, neither here nor for the reader.
    pub fn _flows(cx: &mut Ctx, this: Value, reader: Value) -> R<bool> {
        if stream::has_failed(reader) {
            return Ok(false);
        }
        let state = receiver(cx, this)?.1.0.lock();
        Ok(!state.full && !state.closing && state.lost == 0)
    }
    /// How many bytes wait to be sent.
    pub fn get_write_buffer_size(cx: &mut Ctx, this: Value) -> R<i64> {
        Ok(receiver(cx, this)?.1.0.lock().waiting() as i64)
    }
    /// Whether the transport is closed or about to be.
    pub fn is_closing(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(receiver(cx, this)?.1.0.lock().closing)
    }
    /// Below how many waiting bytes the protocol may write again, above how many it has to wait.
    pub fn _set_limits(cx: &mut Ctx, this: Value, low: i64, high: i64) -> R<bool> {
        let mut state = receiver(cx, this)?.1.0.lock();
        (state.low, state.high) = (low.max(0) as usize, high.max(0) as usize);
        Ok(state.waiting() > state.high && !std::mem::replace(&mut state.full, true))
    }
    /// The limits.
    pub fn get_write_buffer_limits(cx: &mut Ctx, this: Value) -> R {
        let (low, high) = {
            let state = receiver(cx, this)?.1.0.lock();
            (state.low, state.high)
        };
        cx.tuple(&[Value::small_int(low as i64), Value::small_int(high as i64)])
    }
    #[getter]
    pub fn _loop(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::LOOP].get())
    }
    #[getter]
    pub fn _sock(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::SOCKET].get())
    }
    #[getter]
    pub fn _protocol(cx: &mut Ctx, this: Value) -> R {
        Ok(receiver(cx, this)?.0.slots()[slot::PROTOCOL].get())
    }
    /// Forget loop, socket and protocol.
    pub fn _end(cx: &mut Ctx, this: Value) -> R<()> {
        let (t, _) = receiver(cx, this)?;
        for slot in t.slots() {
            slot.set(Value::NONE);
        }
        Ok(())
    }
    #[getter]
    pub fn _conn_lost(cx: &mut Ctx, this: Value) -> R<i64> {
        Ok(receiver(cx, this)?.1.0.lock().lost)
    }
    #[setter]
    #[name = "_conn_lost"]
    pub fn put_lost(cx: &mut Ctx, this: Value, n: i64) -> R<()> {
        receiver(cx, this)?.1.0.lock().lost = n;
        Ok(())
    }
    #[getter]
    pub fn _closing(cx: &mut Ctx, this: Value) -> R<bool> {
        is_closing(cx, this)
    }
    #[setter]
    #[name = "_closing"]
    pub fn put_closing(cx: &mut Ctx, this: Value, on: bool) -> R<()> {
        receiver(cx, this)?.1.0.lock().closing = on;
        Ok(())
    }
    #[getter]
    pub fn _eof(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(receiver(cx, this)?.1.0.lock().eof)
    }
    #[setter]
    #[name = "_eof"]
    pub fn put_eof(cx: &mut Ctx, this: Value, on: bool) -> R<()> {
        receiver(cx, this)?.1.0.lock().eof = on;
        Ok(())
    }
    #[getter]
    pub fn _paused(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(receiver(cx, this)?.1.0.lock().paused)
    }
    #[setter]
    #[name = "_paused"]
    pub fn put_paused(cx: &mut Ctx, this: Value, on: bool) -> R<()> {
        receiver(cx, this)?.1.0.lock().paused = on;
        Ok(())
    }
    #[getter]
    pub fn _busy(cx: &mut Ctx, this: Value) -> R<bool> {
        Ok(receiver(cx, this)?.1.0.lock().busy)
    }
    #[setter]
    #[name = "_busy"]
    pub fn put_busy(cx: &mut Ctx, this: Value, on: bool) -> R<()> {
        receiver(cx, this)?.1.0.lock().busy = on;
        Ok(())
    }
}
