//! `sendmsg` and `recvmsg`: data in pieces, and the descriptors and credentials that come along with it.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, IntoRawFd};
use std::sync::Arc;

use conc_interpreter::native::{Ctx, Entered, NativeDef, NativeFrame, Param, R, Step};
use conc_interpreter::object::descriptor;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::object::sequence::Tuple;
use conc_interpreter::object::string::Bytes;
use conc_interpreter::scheduler::reactor::{Direction, Source};
use conc_interpreter::sync::wait::method;
use conc_interpreter::value::{Gc, Value};
use rustix::fs::{Gid, Uid};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, RecvMsg, SendAncillaryBuffer, SendAncillaryMessage, UCred,
};
use rustix::process::Pid;

use super::address;
use super::socket::{THIS, Tried, call, drive, flags, param, send_flags};
use crate::io::{base, registry};
use crate::os::errors;

const SENDMSG: &[Param] = &[
    THIS,
    param("buffers", true, ""),
    param("ancdata", false, "()"),
    param("flags", false, "0"),
    param("address", false, "None"),
];
const RECVMSG: &[Param] =
    &[THIS, param("bufsize", true, ""), param("ancbufsize", false, "0"), param("flags", false, "0")];
const RECVMSG_INTO: &[Param] =
    &[THIS, param("buffers", true, ""), param("ancbufsize", false, "0"), param("flags", false, "0")];

/// The methods that wait.
pub static WAITING: &[NativeDef] = &[
    method("sendmsg", "Send the buffers as one, with ancillary data; the count.", SENDMSG, sendmsg),
    method("recvmsg", "Receive data and what comes with it: data, ancillary data, flags, address.", RECVMSG, recvmsg),
    method("recvmsg_into", "The same into buffers, with the count in place of the data.", RECVMSG_INTO, recvmsg_into),
];

/// Bytes before the data of an ancillary message, and what messages are aligned to.
const HEAD: usize = size_of::<libc::cmsghdr>();
const ALIGN: usize = size_of::<usize>();

/// The length of an ancillary message with so many bytes of data.
pub fn length(cx: &mut Ctx, data: i64, who: &str) -> R<i64> {
    match usize::try_from(data).ok().filter(|&n| n < (1 << 31) - HEAD - ALIGN) {
        Some(n) => Ok((HEAD + n) as i64),
        None => Err(cx.overflow_error(format!("{who}() argument out of range"))),
    }
}

/// The room that it takes among others.
pub fn space(cx: &mut Ctx, data: i64) -> R<i64> {
    Ok((length(cx, data, "CMSG_SPACE")? as usize).next_multiple_of(ALIGN) as i64)
}

// ---- sending

/// What goes along with data.
enum Along {
    Rights(Vec<BorrowedFd<'static>>),
    Credentials(UCred),
}

fn sendmsg(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Write, |cx, frame, socket, source| {
        let data = joined(cx, frame)?;
        let along = along(cx, frame.get(2))?;
        let flags = send_flags(cx, frame.get(3))?;
        let to = match frame.get(4) {
            Value::NONE | Value::UNBOUND => None,
            to => Some(address::parse(cx, socket.sort().family, to, "sendmsg")?),
        };
        registry::flush_all();
        let messages = || {
            along.iter().map(|a| match a {
                Along::Rights(fds) => SendAncillaryMessage::ScmRights(fds),
                Along::Credentials(who) => SendAncillaryMessage::ScmCredentials(*who),
            })
        };
        let size = messages().map(|m| m.size()).sum::<usize>();
        let mut room = vec![MaybeUninit::uninit(); size + ALIGN];
        let sent = call(cx, || {
            let mut control = SendAncillaryBuffer::new(&mut room);
            for message in messages() {
                if !control.push(message) {
                    return Err(Errno::INVAL);
                }
            }
            let data = [IoSlice::new(data.as_bytes())];
            match &to {
                Some(to) => rustix::net::sendmsg_addr(source, to, &data, &mut control, flags),
                None => rustix::net::sendmsg(source, &data, &mut control, flags),
            }
        })?;
        Ok(sent.map_or(Tried::Wait, |n| Tried::Done(Value::small_int(n as i64))))
    })
    .into()
}

/// The buffers one after the other, put together once.
fn joined(cx: &mut Ctx, frame: &mut NativeFrame<'_>) -> R<Gc<Bytes>> {
    if let Some(bytes) = frame.get(1).cast::<Bytes>().filter(|_| frame.state() != 0) {
        return Ok(bytes);
    }
    let buffers = items(cx, frame.get(1), "sendmsg() argument 1 must be an iterable")?;
    let mut all = Vec::new();
    for &buffer in buffers.items() {
        all.extend(cx.byte_vec(buffer)?);
    }
    let all = cx.bytes(&all)?;
    frame.set(1, all);
    frame.set_state(1);
    match all.cast::<Bytes>() {
        Some(bytes) => Ok(bytes),
        None => Err(cx.type_error("a bytes-like object is required")),
    }
}

const NOT_THREE: &str = "[sendmsg() ancillary data items] argument must be sequence of length 3";

/// The items of an argument; what is no iterable is told so.
fn items(cx: &mut Ctx, v: Value, message: &str) -> R<Gc<Tuple>> {
    match cx.collect_tuple(v) {
        Err(e) if cx.is_error(e, ClassId::TypeError) && cx.exception_text(e.0).ends_with("is not iterable") => {
            Err(cx.type_error(message))
        }
        other => other,
    }
}

/// The ancillary data to send: descriptors and credentials, as the system has no more kinds for sockets of one machine.
fn along(cx: &mut Ctx, given: Value) -> R<Vec<Along>> {
    let mut along = Vec::new();
    if given.is_unbound() {
        return Ok(along);
    }
    let given = items(cx, given, "sendmsg() argument 2 must be an iterable")?;
    for &item in given.items() {
        let parts = items(cx, item, NOT_THREE)?;
        let &[level, kind, data] = parts.items() else { return Err(cx.type_error(NOT_THREE)) };
        let (level, kind, data) = (cx.index_i64(level)?, cx.index_i64(kind)?, cx.byte_vec(data)?);
        let words = || data.chunks_exact(4).map(|c| i32::from_ne_bytes([c[0], c[1], c[2], c[3]]));
        let message = match (level as i32, kind as i32) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                words().map(descriptor::borrow).collect::<Option<_>>().map(Along::Rights)
            }
            (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
                credentials(&words().collect::<Vec<_>>()).map(Along::Credentials)
            }
            _ => return Err(errors::raise(cx, Errno::OPNOTSUPP)),
        };
        match message {
            Some(message) => along.push(message),
            None => return Err(errors::raise(cx, Errno::BADF)),
        }
    }
    Ok(along)
}

fn credentials(words: &[i32]) -> Option<UCred> {
    let &[pid, uid, gid] = words else { return None };
    Some(UCred { pid: Pid::from_raw(pid)?, uid: Uid::from_raw(uid as u32), gid: Gid::from_raw(gid as u32) })
}

// ---- receiving

fn recvmsg(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Read, |cx, frame, _, source| {
        let size = cx.index_i64(frame.get(1))?;
        let Ok(size) = usize::try_from(size) else {
            return Err(cx.value_error("negative buffer size in recvmsg()"));
        };
        receive(cx, frame, source, size, |cx, data| cx.bytes(data))
    })
    .into()
}

fn recvmsg_into(cx: &mut Ctx, frame: &mut NativeFrame<'_>, entered: Entered) -> Step {
    drive(cx, frame, entered, Direction::Read, |cx, frame, _, source| {
        let buffers = items(cx, frame.get(1), "recvmsg_into() argument 1 must be an iterable")?;
        frame.set(1, buffers.value());
        let mut size = 0;
        for &buffer in buffers.items() {
            size += base::writable_len(cx, buffer)?;
        }
        receive(cx, frame, source, size, |cx, mut data| {
            let all = data.len();
            for &buffer in buffers.items() {
                let part = base::writable_len(cx, buffer)?.min(data.len());
                base::fill_buffer(cx, buffer, &data[..part])?;
                data = &data[part..];
            }
            Ok(Value::small_int(all as i64))
        })
    })
    .into()
}

/// Receives up to `size` bytes, passes them on, and tells what came along.
fn receive(
    cx: &mut Ctx,
    frame: &mut NativeFrame<'_>,
    source: &Arc<Source>,
    size: usize,
    made: impl FnOnce(&mut Ctx, &[u8]) -> R,
) -> R<Tried> {
    let room = if frame.get(2).is_unbound() { 0 } else { cx.index_i64(frame.get(2))? };
    let Some(room) = usize::try_from(room).ok().filter(|&n| n < 1 << 31) else {
        return Err(cx.value_error("invalid ancillary data buffer length"));
    };
    let flags = RecvFlags::from_bits_retain(flags(cx, frame.get(3))?);
    let (mut buffer, mut control) = (Vec::new(), Vec::new());
    if buffer.try_reserve_exact(size).is_err() || control.try_reserve_exact(room).is_err() {
        return Err(cx.memory_error());
    }
    buffer.resize(size, 0);
    control.resize(room, MaybeUninit::uninit());
    let mut control = RecvAncillaryBuffer::new(&mut control);
    let received = call(cx, || rustix::net::recvmsg(source, &mut [IoSliceMut::new(&mut buffer)], &mut control, flags))?;
    let Some(RecvMsg { bytes, flags, address }) = received else { return Ok(Tried::Wait) };
    let came = came_along(cx, &mut control)?;
    let data = made(cx, &buffer[..bytes.min(size)])?;
    let address = address::to_value(cx, address)?;
    cx.tuple(&[data, came, Value::small_int(flags.bits().into()), address]).map(Tried::Done)
}

/// A list of what came along: level, kind and data of each. Descriptors are the script's from now on.
fn came_along(cx: &mut Ctx, control: &mut RecvAncillaryBuffer<'_>) -> R {
    let list = cx.new_list();
    for message in control.drain() {
        let (kind, data) = match message {
            RecvAncillaryMessage::ScmRights(fds) => {
                (libc::SCM_RIGHTS, fds.flat_map(|fd| fd.into_raw_fd().to_ne_bytes()).collect::<Vec<u8>>())
            }
            RecvAncillaryMessage::ScmCredentials(who) => {
                let words = [who.pid.as_raw_nonzero().get(), who.uid.as_raw() as i32, who.gid.as_raw() as i32];
                (libc::SCM_CREDENTIALS, words.iter().flat_map(|w| w.to_ne_bytes()).collect())
            }
            // The system passes no other kinds between sockets of one machine.
            _ => continue,
        };
        let data = cx.bytes(&data)?;
        let item = cx.tuple(&[Value::small_int(libc::SOL_SOCKET.into()), Value::small_int(kind.into()), data])?;
        cx.list_push(list, item)?;
    }
    Ok(list.value())
}
