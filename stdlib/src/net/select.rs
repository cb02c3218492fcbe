//! `select`: readiness of descriptors, by select(), poll objects and epoll objects.

use std::sync::Arc;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::class::Class;
use conc_interpreter::object::misc::Payload;
use conc_interpreter::scheduler::reactor::Source;
use conc_interpreter::sync::wait::{self, Patience};
use conc_interpreter::value::{Gc, Value};
use parking_lot::Mutex;
use rustix::event::PollFlags;

use super::poll::Wanted;
use crate::core::shared::{recall_class, remember};

/// Descriptors above this cannot be selected, as in C.
const SETS: i64 = 1024;

const CONSTANTS: &[(&str, i64)] = &[
    ("POLLIN", PollFlags::IN.bits() as i64),
    ("POLLPRI", PollFlags::PRI.bits() as i64),
    ("POLLOUT", PollFlags::OUT.bits() as i64),
    ("POLLERR", PollFlags::ERR.bits() as i64),
    ("POLLHUP", PollFlags::HUP.bits() as i64),
    ("POLLNVAL", PollFlags::NVAL.bits() as i64),
    ("POLLRDNORM", PollFlags::RDNORM.bits() as i64),
    ("POLLRDBAND", PollFlags::RDBAND.bits() as i64),
    ("POLLWRNORM", PollFlags::WRNORM.bits() as i64),
    ("POLLWRBAND", PollFlags::WRBAND.bits() as i64),
    ("POLLRDHUP", PollFlags::RDHUP.bits() as i64),
    ("PIPE_BUF", 4096),
    ("EPOLLIN", 1),
    ("EPOLLPRI", 2),
    ("EPOLLOUT", 4),
    ("EPOLLERR", 8),
    ("EPOLLHUP", 16),
    ("EPOLLRDNORM", 64),
    ("EPOLLRDBAND", 128),
    ("EPOLLWRNORM", 256),
    ("EPOLLWRBAND", 512),
    ("EPOLLMSG", 1024),
    ("EPOLLRDHUP", 0x2000),
    ("EPOLLEXCLUSIVE", 1 << 28),
    ("EPOLLWAKEUP", 1 << 29),
    ("EPOLLONESHOT", 1 << 30),
    ("EPOLLET", 1 << 31),
    ("EPOLL_CLOEXEC", 0o2000000),
];

/// A descriptor out of an int or an object with `fileno()`.
fn fd_arg(cx: &mut Ctx, v: Value) -> R<i32> {
    let fd = match cx.is_int(v) {
        true => cx.index_i64(v)?,
        false => {
            let name = cx.names().fileno;
            let Some(fileno) = cx.get_attr_opt(v, name)? else {
                return Err(cx.type_error("argument must be an int, or have a fileno() method."));
            };
            let fd = cx.call(fileno, &[])?;
            if !cx.is_int(fd) {
                return Err(cx.type_error("fileno() returned a non-integer"));
            }
            cx.index_i64(fd)?
        }
    };
    if fd < 0 {
        return Err(cx.value_error(format!("file descriptor cannot be a negative integer ({fd})")));
    }
    match i32::try_from(fd) {
        Ok(fd) => Ok(fd),
        Err(_) => Err(cx.overflow_error("Python int too large to convert to C int")),
    }
}

/// Seconds to wait: None is for ever.
fn seconds_arg(cx: &mut Ctx, timeout: Value) -> R<Patience> {
    if timeout.is_none() {
        return Ok(Patience::Forever);
    }
    if cx.as_float(timeout).is_none() && !cx.is_int(timeout) {
        return Err(cx.type_error("timeout must be a float or None"));
    }
    let seconds = wait::seconds(cx, timeout)?;
    patience(cx, seconds)
}

fn patience(cx: &mut Ctx, seconds: f64) -> R<Patience> {
    if seconds == 0.0 {
        return Ok(Patience::None);
    }
    wait::moment(cx, seconds).map(Patience::Until)
}

/// The payload of a poll object: what is registered, in the order of registering.
#[derive(Default)]
pub struct Registered(Mutex<Vec<Wanted>>);

impl Payload for Registered {}

/// The payload of an epoll object; None once closed.
#[derive(Default)]
pub struct Queue(Mutex<Option<Arc<Source>>>);

impl Payload for Queue {}

fn poll_class(cx: &mut Ctx) -> Gc<Class> {
    const KEY: &str = "select.poll";
    if let Some(class) = recall_class(cx, KEY) {
        return class;
    }
    let class = cx.native_class("select", "poll", None, poll_methods::METHODS);
    remember(cx, KEY, class.value());
    class
}

fn epoll_class(cx: &mut Ctx) -> Gc<Class> {
    const KEY: &str = "select.epoll";
    if let Some(class) = recall_class(cx, KEY) {
        return class;
    }
    let class = cx.native_class("select", "epoll", None, epoll_methods::METHODS);
    remember(cx, KEY, class.value());
    class
}

/// The methods of poll objects.
#[conc_macros::methods]
pub mod poll_methods {
    use super::*;
    use crate::net::poll::wait_any;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::sync::wait::payload;

    const USUAL: i64 = (PollFlags::IN.bits() | PollFlags::PRI.bits() | PollFlags::OUT.bits()) as i64;

    fn registered<'a>(cx: &mut Ctx, this: Gc<Boxed>) -> R<&'a Registered> {
        payload::<Registered>(cx, this.value()).map(|(_, r)| r)
    }

    fn flags(cx: &mut Ctx, mask: i64) -> R<PollFlags> {
        match u16::try_from(mask) {
            Ok(bits) => Ok(PollFlags::from_bits_retain(bits)),
            Err(_) if mask < 0 => Err(cx.value_error("value must be positive")),
            Err(_) => Err(cx.overflow_error("Python int too large for C unsigned short")),
        }
    }

    /// Watch a descriptor for events.
    pub fn register(cx: &mut Ctx, this: Gc<Boxed>, fd: Value, #[default(USUAL)] eventmask: i64) -> R<()> {
        let fd = fd_arg(cx, fd)?;
        let events = flags(cx, eventmask)?;
        let mut all = registered(cx, this)?.0.lock();
        let wanted = Wanted { fd, events, come: PollFlags::empty() };
        match all.iter_mut().find(|w| w.fd == fd) {
            Some(w) => *w = wanted,
            None => all.push(wanted),
        }
        Ok(())
    }

    /// Watch a registered descriptor for other events.
    pub fn modify(cx: &mut Ctx, this: Gc<Boxed>, fd: Value, eventmask: i64) -> R<()> {
        let fd = fd_arg(cx, fd)?;
        let events = flags(cx, eventmask)?;
        let found = registered(cx, this)?.0.lock().iter_mut().find(|w| w.fd == fd).map(|w| w.events = events);
        match found {
            Some(()) => Ok(()),
            None => Err(crate::os::errors::raise(cx, rustix::io::Errno::NOENT)),
        }
    }

    /// Watch a descriptor no longer.
    pub fn unregister(cx: &mut Ctx, this: Gc<Boxed>, fd: Value) -> R<()> {
        let fd = fd_arg(cx, fd)?;
        let removed = {
            let mut all = registered(cx, this)?.0.lock();
            let before = all.len();
            all.retain(|w| w.fd != fd);
            all.len() != before
        };
        if removed {
            return Ok(());
        }
        let fd = cx.int(fd.into());
        Err(cx.error_with(ClassId::KeyError, &[fd]))
    }

    /// Wait for events, at most so many milliseconds; a list of (fd, events).
    pub fn poll(cx: &mut Ctx, this: Gc<Boxed>, #[default(Value::NONE)] timeout: Value) -> R {
        let patience = match timeout.is_none() {
            true => Patience::Forever,
            false => {
                if cx.as_float(timeout).is_none() && !cx.is_int(timeout) {
                    return Err(cx.type_error("timeout must be an integer or None"));
                }
                let ms = wait::seconds(cx, timeout)?;
                if ms < 0.0 { Patience::Forever } else { super::patience(cx, ms.ceil() / 1000.0)? }
            }
        };
        let mut wanted = registered(cx, this)?.0.lock().clone();
        wait_any(cx, &mut wanted, patience)?;
        let list = cx.new_list();
        for w in wanted.iter().filter(|w| !w.come.is_empty()) {
            let row = cx.tuple(&[Value::small_int(w.fd.into()), Value::small_int(w.come.bits().into())])?;
            cx.list_push(list, row)?;
        }
        Ok(list.value())
    }
}

/// The methods of epoll objects.
#[conc_macros::methods]
pub mod epoll_methods {
    use super::*;
    use crate::os::errors;
    use conc_interpreter::native::Raised;
    use conc_interpreter::object::descriptor;
    use conc_interpreter::object::misc::Boxed;
    use conc_interpreter::scheduler::reactor::{Direction, wait_here};
    use conc_interpreter::sync::wait::payload;
    use rustix::event::Timespec;
    use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
    use rustix::io::Errno;
    use std::os::fd::BorrowedFd;
    use std::time::Instant;

    fn closed_error(cx: &mut Ctx) -> Raised {
        cx.value_error("I/O operation on closed epoll object")
    }

    fn source(cx: &mut Ctx, this: Gc<Boxed>) -> R<Arc<Source>> {
        let queue = payload::<Queue>(cx, this.value())?.1.0.lock().clone();
        queue.ok_or_else(|| closed_error(cx))
    }

    fn borrow(cx: &mut Ctx, fd: Value) -> R<BorrowedFd<'static>> {
        let fd = fd_arg(cx, fd)?;
        descriptor::borrow(fd).ok_or_else(|| errors::raise(cx, Errno::BADF))
    }

    #[static_method]
    pub fn __new__(
        cx: &mut Ctx,
        class: Gc<Class>,
        #[kw]
        #[default(-1)]
        sizehint: i64,
        #[kw]
        #[default(0)]
        flags: i64,
    ) -> R {
        if sizehint == 0 || sizehint < -1 {
            return Err(cx.value_error("negative sizehint"));
        }
        let _ = flags;
        let queue = errors::check(cx, epoll::create(CreateFlags::CLOEXEC))?;
        let queue = Queue(Mutex::new(Some(Source::new(queue))));
        Ok(cx.new_boxed(class, Some(Box::new(queue)), 0).value())
    }

    /// Watch a descriptor for events.
    pub fn register(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw] fd: Value,
        #[kw]
        #[default(7)]
        eventmask: i64,
    ) -> R<()> {
        let (queue, fd) = (source(cx, this)?, borrow(cx, fd)?);
        use std::os::fd::AsRawFd;
        let data = EventData::new_u64(fd.as_raw_fd() as u64);
        let flags = EventFlags::from_bits_retain(eventmask as u32);
        errors::check(cx, epoll::add(&queue, fd, data, flags))
    }

    /// Watch a registered descriptor for other events.
    pub fn modify(cx: &mut Ctx, this: Gc<Boxed>, #[kw] fd: Value, #[kw] eventmask: i64) -> R<()> {
        let (queue, fd) = (source(cx, this)?, borrow(cx, fd)?);
        use std::os::fd::AsRawFd;
        let data = EventData::new_u64(fd.as_raw_fd() as u64);
        errors::check(cx, epoll::modify(&queue, fd, data, EventFlags::from_bits_retain(eventmask as u32)))
    }

    /// Watch a descriptor no longer.
    pub fn unregister(cx: &mut Ctx, this: Gc<Boxed>, #[kw] fd: Value) -> R<()> {
        let (queue, fd) = (source(cx, this)?, borrow(cx, fd)?);
        errors::check(cx, epoll::delete(&queue, fd))
    }

    /// Wait for events, at most so many seconds; a list of (fd, events).
    pub fn poll(
        cx: &mut Ctx,
        this: Gc<Boxed>,
        #[kw]
        #[default(Value::NONE)]
        timeout: Value,
        #[kw]
        #[default(-1)]
        maxevents: i64,
    ) -> R {
        let queue = source(cx, this)?;
        let patience = match timeout.is_none() {
            true => Patience::Forever,
            false => {
                let seconds = wait::seconds(cx, timeout)?;
                if seconds < 0.0 { Patience::Forever } else { super::patience(cx, seconds)? }
            }
        };
        if maxevents == 0 || maxevents < -1 {
            return Err(cx.value_error(format!("maxevents must be greater than 0, got {maxevents}")));
        }
        let most = if maxevents < 0 { 1023 } else { maxevents.min(1 << 16) as usize };
        let mut events = Vec::with_capacity(most);
        loop {
            events.clear();
            let buffer = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&queue, buffer, Some(&Timespec::default())) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(e) => return Err(errors::raise(cx, e)),
            }
            let Some(deadline) = patience.deadline() else { break };
            if !events.is_empty() || deadline.is_some_and(|at| Instant::now() >= at) {
                break;
            }
            wait_here(cx, &queue, Direction::Read, deadline)?;
            source(cx, this)?;
        }
        let list = cx.new_list();
        for event in &events {
            let (fd, flags) = (event.data.u64() as i64, event.flags);
            let flags = cx.int(flags.bits().into());
            let row = cx.tuple(&[Value::small_int(fd), flags])?;
            cx.list_push(list, row)?;
        }
        Ok(list.value())
    }

    /// Close the queue.
    pub fn close(cx: &mut Ctx, this: Gc<Boxed>) -> R<()> {
        let queue = payload::<Queue>(cx, this.value())?.1.0.lock().take();
        if let Some(queue) = queue {
            queue.retire(cx);
        }
        Ok(())
    }

    /// The queue's own descriptor.
    pub fn fileno(cx: &mut Ctx, this: Gc<Boxed>) -> R<i64> {
        Ok(source(cx, this)?.number().into())
    }

    /// Whether the queue is closed.
    #[getter]
    pub fn closed(cx: &mut Ctx, this: Gc<Boxed>) -> R<bool> {
        Ok(payload::<Queue>(cx, this.value())?.1.0.lock().is_none())
    }

    pub fn __enter__(cx: &mut Ctx, this: Gc<Boxed>) -> R {
        source(cx, this)?;
        Ok(this.value())
    }
    pub fn __exit__(cx: &mut Ctx, this: Gc<Boxed>, _rest: &[Value]) -> R<()> {
        close(cx, this)
    }
}

/// Readiness of descriptors.
#[conc_macros::module(name = "select")]
pub mod functions {
    use super::*;
    use crate::core::shared::define;
    use crate::net::poll::wait_any;
    use conc_interpreter::object::kind::ClassId;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::object::sequence::Tuple;

    /// A sequence argument as a tuple.
    fn sequence(cx: &mut Ctx, v: Value) -> R<Gc<Tuple>> {
        match cx.collect_tuple(v) {
            Ok(tuple) => Ok(tuple),
            Err(e) if cx.is_error(e, ClassId::TypeError) => Err(cx.type_error("arguments 1-3 must be sequences")),
            Err(e) => Err(e),
        }
    }

    fn add(cx: &mut Ctx, wanted: &mut Vec<Wanted>, objects: Gc<Tuple>, events: PollFlags) -> R<()> {
        for &object in objects.items() {
            let fd = fd_arg(cx, object)?;
            if i64::from(fd) >= SETS {
                return Err(cx.value_error("filedescriptor out of range in select()"));
            }
            wanted.push(Wanted { fd, events, come: PollFlags::empty() });
        }
        Ok(())
    }

    fn those_ready(cx: &mut Ctx, objects: Gc<Tuple>, wanted: &[Wanted], events: PollFlags) -> R {
        let list = cx.new_list();
        for (&object, w) in objects.items().iter().zip(wanted) {
            if w.come.intersects(events) {
                cx.list_push(list, object)?;
            }
        }
        Ok(list.value())
    }

    /// Wait until one of the descriptors may be read from, written to, or has something special.
    pub fn select(cx: &mut Ctx, rlist: Value, wlist: Value, xlist: Value, #[default(Value::NONE)] timeout: Value) -> R {
        let patience = match seconds_arg(cx, timeout)? {
            Patience::Until(_) if cx.to_float(timeout)? < 0.0 => {
                return Err(cx.value_error("timeout must be non-negative"));
            }
            patience => patience,
        };
        let (r, w, x) = (sequence(cx, rlist)?, sequence(cx, wlist)?, sequence(cx, xlist)?);
        let mut wanted = Vec::with_capacity(r.items().len() + w.items().len() + x.items().len());
        add(cx, &mut wanted, r, PollFlags::IN)?;
        add(cx, &mut wanted, w, PollFlags::OUT)?;
        add(cx, &mut wanted, x, PollFlags::PRI)?;
        wait_any(cx, &mut wanted, patience)?;
        if wanted.iter().any(|w| w.come.contains(PollFlags::NVAL)) {
            return Err(crate::os::errors::raise(cx, rustix::io::Errno::BADF));
        }
        let (reads, rest) = wanted.split_at(r.items().len());
        let (writes, specials) = rest.split_at(w.items().len());
        let r = those_ready(cx, r, reads, PollFlags::IN | PollFlags::HUP | PollFlags::ERR)?;
        let w = those_ready(cx, w, writes, PollFlags::OUT | PollFlags::ERR)?;
        let x = those_ready(cx, x, specials, PollFlags::PRI)?;
        cx.tuple(&[r, w, x])
    }

    /// A new poll object.
    pub fn poll(cx: &mut Ctx) -> Value {
        let class = poll_class(cx);
        cx.new_boxed(class, Some(Box::new(Registered::default())), 0).value()
    }

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for (name, value) in CONSTANTS {
            let value = cx.int(*value);
            define(cx, module, name, value);
        }
        let class = epoll_class(cx).value();
        define(cx, module, "epoll", class);
        let error = cx.class(ClassId::OSError).value();
        define(cx, module, "error", error);
        Ok(())
    }
}
