//! `_socket.socket`: a socket whose waits park only the thread that waits.
//!
//! The descriptor itself never blocks. An operation is tried; told "not now", the thread waits for the reactor's word
//! and tries again, up to the socket's timeout. A socket closed meanwhile wakes those who wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use conc_interpreter::native::{Ctx, Entered, NativeDef, NativeFrame, Param, ParamKind, R, Raised, Step};
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::misc::Payload;
use conc_interpreter::object::string::Bytes;
use conc_interpreter::scheduler::reactor::{Direction, Readiness, Source};
use conc_interpreter::scheduler::{self};
use conc_interpreter::sync::wait::{self, method};
use conc_interpreter::value::Value;
use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags};

use super::address;
use crate::io::{base, registry};
use crate::os::errors;

/// What kind of socket: family, type and protocol.
#[derive(Clone, Copy, Default)]
pub struct Sort {
    pub family: i32,
    pub kind: i32,
    pub protocol: i32,
}

/// The payload of a socket object.
pub struct Socket {
    /// None before `__init__` and once closed.
    source: Mutex<Option<Arc<Source>>>,
    sort: Mutex<Sort>,
    /// Nanoseconds to wait; 0: not at all; negative: for ever.
    timeout: AtomicI64,
}

impl Payload for Socket {}

impl Default for Socket {
    fn default() -> Socket {
        Socket { source: Mutex::new(None), sort: Mutex::new(Sort::default()), timeout: AtomicI64::new(-1) }
    }
}

impl Socket {
    pub fn open(&self, source: Arc<Source>, sort: Sort, timeout: i64) {
        *self.sort.lock() = sort;
        self.timeout.store(timeout, Ordering::Relaxed);
        *self.source.lock() = Some(source);
    }
    pub fn sort(&self) -> Sort {
        *self.sort.lock()
    }
    /// The open descriptor, else EBADF.
    pub fn source(&self, cx: &mut Ctx) -> R<Arc<Source>> {
        let source = self.source.lock().clone();
        source.ok_or_else(|| errors::raise(cx, Errno::BADF))
    }
    pub fn number(&self) -> i32 {
        self.source.lock().as_ref().map_or(-1, |s| s.number())
    }
    /// Takes the descriptor out.
    pub fn take(&self) -> Option<Arc<Source>> {
        self.source.lock().take()
    }
    pub fn timeout(&self) -> i64 {
        self.timeout.load(Ordering::Relaxed)
    }
    pub fn set_timeout(&self, nanos: i64) {
        self.timeout.store(nanos, Ordering::Relaxed);
    }
}

/// The error of a wait that took too long.
fn timed_out(cx: &mut Ctx) -> Raised {
    cx.error(ClassId::TimeoutError, "timed out")
}

// ---- trying and waiting

/// Scratch slots of a waiting native: what has been done so far, the deadline.
const DONE: usize = 5;
const DEADLINE: usize = 6;

/// What came of a try.
pub(super) enum Tried {
    Done(Value),
    /// The system says "not now".
    Wait,
    /// A Unix listener's queue is full, of which no event tells.
    Crowded,
}

/// How often a full queue is looked at again.
const CROWDED: Duration = Duration::from_millis(2);

type Try = fn(&mut Ctx, &mut NativeFrame<'_>, &Socket, &Arc<Source>) -> R<Tried>;

/// Instants in a frame are nanoseconds from the first one asked for.
fn origin() -> Instant {
    static ORIGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// The deadline that the frame keeps, begun at the first wait.
fn deadline(frame: &mut NativeFrame<'_>, timeout: i64) -> Option<Instant> {
    if timeout < 0 {
        return None;
    }
    let kept = frame.get(DEADLINE);
    if !kept.is_unbound() {
        return Some(origin() + Duration::from_nanos(kept.int() as u64));
    }
    let start = origin();
    let nanos = (start.elapsed().as_nanos() as i64).saturating_add(timeout).min(1 << 60);
    frame.set(DEADLINE, Value::small_int(nanos));
    Some(start + Duration::from_nanos(nanos as u64))
}

/// Tries until done, waiting in between.
pub(super) fn drive(
    cx: &mut Ctx,
    frame: &mut NativeFrame<'_>,
    entered: Entered,
    direction: Direction,
    attempt: Try,
) -> R<Step> {
    let (_, socket) = wait::payload::<Socket>(cx, frame.get(0))?;
    match entered {
        Entered::Start => {
            frame.set(DEADLINE, Value::UNBOUND);
            frame.set(DONE, Value::UNBOUND);
        }
        Entered::Raised(e) => {
            over(cx, socket, direction);
            return Err(e);
        }
        Entered::With(woken) | Entered::Ended(woken) if woken == Value::TRUE => scheduler::end_outside(cx),
        Entered::With(_) | Entered::Ended(_) => {
            over(cx, socket, direction);
            if deadline(frame, socket.timeout()).is_some_and(|at| Instant::now() >= at) {
                return Err(timed_out(cx));
            }
        }
    }
    loop {
        let source = socket.source(cx)?;
        let tried = attempt(cx, frame, socket, &source)?;
        if let Tried::Done(value) = tried {
            return Ok(Step::Done(value));
        }
        let timeout = socket.timeout();
        if timeout == 0 {
            return Err(errors::raise(cx, if frame.state() == 0 { Errno::AGAIN } else { Errno::INPROGRESS }));
        }
        let deadline = deadline(frame, timeout);
        if matches!(tried, Tried::Crowded) {
            scheduler::begin_outside(cx);
            scheduler::arm(cx);
            let again = Instant::now() + CROWDED;
            return Ok(Step::Park(Some(deadline.map_or(again, |at| at.min(again)))));
        }
        match source.begin_wait(cx, direction) {
            Ok(Readiness::Later) => return Ok(Step::Park(deadline)),
            Ok(Readiness::Now) => cx.poll()?,
            Err(e) => return Err(errors::raise(cx, errors::errno_of(&e))),
        }
    }
}

/// A wait has ended otherwise than by readiness.
fn over(cx: &mut Ctx, socket: &Socket, direction: Direction) {
    scheduler::end_outside(cx);
    let source = socket.source.lock().clone();
    if let Some(source) = source {
        source.leave(cx, direction);
    }
}

/// The outcome of a system call that does not wait; interrupted ones are repeated.
pub(super) fn call<T>(cx: &mut Ctx, mut body: impl FnMut() -> Result<T, Errno>) -> R<Option<T>> {
    loop {
        match body() {
            Ok(t) => return Ok(Some(t)),
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => cx.poll()?,
            Err(e) => return Err(errors::raise(cx, e)),
        }
    }
}

// ---- arguments

pub(super) const fn param(name: &'static str, required: bool, default: &'static str) -> Param {
    Param { name, kind: ParamKind::PositionalOnly, required, default }
}
const fn named(name: &'static str, required: bool, default: &'static str) -> Param {
    Param { name, kind: ParamKind::Positional, required, default }
}
pub(super) const THIS: Param = param("self", true, "");
const ACCEPT: &[Param] = &[THIS];
const ADDRESS: &[Param] = &[THIS, param("address", true, "")];
const RECV: &[Param] = &[THIS, param("bufsize", true, ""), param("flags", false, "0")];
const RECV_INTO: &[Param] = &[THIS, named("buffer", true, ""), named("nbytes", false, "0"), named("flags", false, "0")];
const SEND: &[Param] = &[THIS, param("data", true, ""), param("flags", false, "0")];
const SENDTO: &[Param] =
    &[THIS, param("data", true, ""), param("flags_or_address", true, ""), param("address", false, "")];

/// The methods that wait.
pub static WAITING: &[NativeDef] = &[
    method("_accept", "Wait for a connection; its descriptor and the other end's address.", ACCEPT, accept),
    method("connect", "Connect to an address, waiting until that is done.", ADDRESS, connect),
    method("recv", "Receive up to bufsize bytes, waiting for the first.", RECV, recv),
    method("recvfrom", "The same, with the sender's address.", RECV, recvfrom),
    method("recv_into", "Receive into a buffer, waiting for the first byte; the count.", RECV_INTO, recv_into),
    method("recvfrom_into", "The same, with the sender's address.", RECV_INTO, recvfrom_into),
    method("send", "Send some of the data, waiting for room; the count.", SEND, send),
    method("sendall", "Send all of the data, waiting for room.", SEND, sendall),
    method("sendto", "Send the data to an address.", SENDTO, sendto),
];

pub(super) fn flags(cx: &mut Ctx, v: Value) -> R<u32> {
    if v.is_unbound() { Ok(0) } else { Ok(cx.index_i64(v)? as u32) }
}

fn count(cx: &mut Ctx, v: Value, who: &str) -> R<usize> {
    let n = cx.index_i64(v)?;
    match usize::try_from(n) {
        Ok(n) => Ok(n),
        Err(_) => Err(cx.value_error(format!("negative buffersize in {who}"))),
    }
}

/// The data to send, as bytes that stay as they are: a changeable buffer is copied once.
fn data(cx: &mut Ctx, frame: &mut NativeFrame<'_>) -> R<conc_interpreter::value::Gc<Bytes>> {
    if let Some(bytes) = frame.get(1).cast::<Bytes>() {
        return Ok(bytes);
    }
    let copy = cx.byte_vec(frame.get(1))?;
    let copy = cx.bytes(&copy)?;
    frame.set(1, copy);
    match copy.cast::<Bytes>() {
        Some(bytes) => Ok(bytes),
        None => Err(cx.type_error("a bytes-like object is required")),
    }
}

// ---- connections

fn accept(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Read, |cx, _, _, source| {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let accepted = loop {
            match rustix::net::acceptfrom_with(source, flags) {
                Err(Errno::INTR | Errno::CONNABORTED) => cx.poll()?,
                other => break other,
            }
        };
        match accepted {
            Ok((fd, from)) => {
                use std::os::fd::IntoRawFd;
                let from = address::to_value(cx, from)?;
                let fd = Value::small_int(fd.into_raw_fd().into());
                cx.tuple(&[fd, from]).map(Tried::Done)
            }
            Err(Errno::AGAIN) => Ok(Tried::Wait),
            Err(e) => Err(errors::raise(cx, e)),
        }
    })
    .into()
}

fn connect(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Write, |cx, frame, socket, source| {
        let address = address::parse(cx, socket.sort().family, frame.get(1), "connect")?;
        match rustix::net::connect(source, &address) {
            Ok(()) => Ok(Tried::Done(Value::NONE)),
            Err(Errno::ISCONN) if frame.state() != 0 => Ok(Tried::Done(Value::NONE)),
            Err(Errno::AGAIN) if socket.timeout() != 0 => Ok(Tried::Crowded),
            Err(Errno::INPROGRESS | Errno::INTR | Errno::ALREADY) if frame.state() != 0 => Ok(Tried::Wait),
            Err(Errno::INPROGRESS | Errno::INTR) => {
                // Asked again later, it is about the same address: a name is looked up once.
                let address = address::to_value(cx, Some(address))?;
                frame.set(1, address);
                frame.set_state(1);
                Ok(Tried::Wait)
            }
            Err(e) => Err(errors::raise(cx, e)),
        }
    })
    .into()
}

// ---- receiving

/// Up to this, a buffer lies on the stack.
const SMALL: usize = 4096;

/// Receives into a buffer of `size` and passes on what came.
fn receive(
    cx: &mut Ctx,
    source: &Arc<Source>,
    size: usize,
    flags: u32,
    made: impl FnOnce(&mut Ctx, &[u8]) -> R,
) -> R<Tried> {
    if size == 0 {
        return made(cx, &[]).map(Tried::Done);
    }
    let flags = RecvFlags::from_bits_retain(flags);
    let mut small = [0; SMALL];
    let mut large = Vec::new();
    let buffer = if size <= SMALL {
        &mut small[..size]
    } else {
        if large.try_reserve_exact(size).is_err() {
            return Err(cx.memory_error());
        }
        large.resize(size, 0);
        &mut large[..]
    };
    match call(cx, || rustix::net::recv(source, &mut *buffer, flags))? {
        Some((n, _)) => made(cx, &buffer[..n]).map(Tried::Done),
        None => Ok(Tried::Wait),
    }
}

fn recv(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Read, |cx, frame, _, source| {
        let (size, flags) = (count(cx, frame.get(1), "recv")?, flags(cx, frame.get(2))?);
        receive(cx, source, size, flags, |cx, data| cx.bytes(data))
    })
    .into()
}

fn recv_into(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Read, |cx, frame, _, source| {
        let (size, flags) = (room(cx, frame, "recv_into")?, flags(cx, frame.get(3))?);
        let buffer = frame.get(1);
        receive(cx, source, size, flags, |cx, data| fill(cx, buffer, data))
    })
    .into()
}

/// Puts what was received into the script's buffer; how much it was.
fn fill(cx: &mut Ctx, buffer: Value, data: &[u8]) -> R {
    base::fill_buffer(cx, buffer, data)?;
    Ok(Value::small_int(data.len() as i64))
}

/// How much may be received into the buffer.
fn room(cx: &mut Ctx, frame: &NativeFrame<'_>, who: &str) -> R<usize> {
    let len = base::writable_len(cx, frame.get(1))?;
    let asked = if frame.get(2).is_unbound() { 0 } else { count(cx, frame.get(2), who)? };
    if asked > len {
        return Err(cx.value_error("buffer too small for requested bytes"));
    }
    Ok(if asked == 0 { len } else { asked })
}

fn receive_from(
    cx: &mut Ctx,
    source: &Arc<Source>,
    size: usize,
    flags: u32,
    made: impl FnOnce(&mut Ctx, &[u8]) -> R,
) -> R<Tried> {
    let flags = RecvFlags::from_bits_retain(flags);
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(size).is_err() {
        return Err(cx.memory_error());
    }
    buffer.resize(size, 0);
    match call(cx, || rustix::net::recvfrom(source, &mut buffer[..], flags))? {
        Some((n, _, from)) => {
            let data = made(cx, &buffer[..n])?;
            let from = address::to_value(cx, from)?;
            cx.tuple(&[data, from]).map(Tried::Done)
        }
        None => Ok(Tried::Wait),
    }
}

fn recvfrom(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Read, |cx, frame, _, source| {
        let (size, flags) = (count(cx, frame.get(1), "recvfrom")?, flags(cx, frame.get(2))?);
        receive_from(cx, source, size, flags, |cx, data| cx.bytes(data))
    })
    .into()
}

fn recvfrom_into(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Read, |cx, frame, _, source| {
        let (size, flags) = (room(cx, frame, "recvfrom_into")?, flags(cx, frame.get(3))?);
        let buffer = frame.get(1);
        receive_from(cx, source, size, flags, |cx, data| fill(cx, buffer, data))
    })
    .into()
}

// ---- sending

pub(super) fn send_flags(cx: &mut Ctx, v: Value) -> R<SendFlags> {
    Ok(SendFlags::from_bits_retain(flags(cx, v)?) | SendFlags::NOSIGNAL)
}

fn send(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Write, |cx, frame, _, source| {
        let (data, flags) = (data(cx, frame)?, send_flags(cx, frame.get(2))?);
        registry::flush_all();
        let sent = call(cx, || rustix::net::send(source, data.as_bytes(), flags))?;
        Ok(sent.map_or(Tried::Wait, |n| Tried::Done(Value::small_int(n as i64))))
    })
    .into()
}

fn sendall(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Write, |cx, frame, _, source| {
        let (data, flags) = (data(cx, frame)?, send_flags(cx, frame.get(2))?);
        registry::flush_all();
        let done = frame.get(DONE);
        let mut done = if done.is_unbound() { 0 } else { done.int() as usize };
        while done < data.as_bytes().len() {
            match call(cx, || rustix::net::send(source, &data.as_bytes()[done..], flags))? {
                Some(n) => done += n,
                None => {
                    frame.set(DONE, Value::small_int(done as i64));
                    return Ok(Tried::Wait);
                }
            }
        }
        Ok(Tried::Done(Value::NONE))
    })
    .into()
}

fn sendto(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Write, |cx, frame, socket, source| {
        let data = data(cx, frame)?;
        let (flags, to) = match frame.get(3).is_unbound() {
            true => (SendFlags::NOSIGNAL, frame.get(2)),
            false => (send_flags(cx, frame.get(2))?, frame.get(3)),
        };
        let to = address::parse(cx, socket.sort().family, to, "sendto")?;
        registry::flush_all();
        let sent = call(cx, || rustix::net::sendto(source, data.as_bytes(), flags, &to))?;
        Ok(sent.map_or(Tried::Wait, |n| Tried::Done(Value::small_int(n as i64))))
    })
    .into()
}
