//! The reactor: one interpreter's queue of the system's readiness events, made at the first wait that needs it.
//!
//! A descriptor is registered once, for both directions, edge by edge: the system tells each time that it becomes
//! ready. A [`Source`] keeps who waits for that; an edge that comes while nobody waits is remembered, so that whoever
//! has just been told "not now" looks again instead of missing it. Idle workers wait for events instead of sleeping,
//! busy ones look in passing (`shared`).

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use parking_lot::Mutex;

use super::thread::{Thread, Waiter};
use super::wait::Claim;
use super::worker::worker;
use crate::native::{Ctx, R};
use crate::object::descriptor;
use crate::value::Value;

/// Events taken from the system at a time.
const BATCH: usize = 256;
/// The token of the call that ends a worker's wait for events.
const CALL: Token = Token(usize::MAX);

/// What of a descriptor is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Read,
    Write,
}

/// The system's events and who is told of them.
pub struct Reactor {
    poll: Mutex<(Poll, Events)>,
    registry: Registry,
    waker: Waker,
    sources: Mutex<Sources>,
}

/// The registered sources by token.
#[derive(Default)]
struct Sources {
    all: Vec<Weak<Source>>,
    free: Vec<usize>,
}

impl Reactor {
    pub fn new() -> io::Result<Reactor> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, CALL)?;
        Ok(Reactor {
            poll: Mutex::new((poll, Events::with_capacity(BATCH))),
            registry,
            waker,
            sources: Mutex::new(Sources::default()),
        })
    }

    /// Ends a worker's wait for events.
    pub fn call(&self) {
        let _ = self.waker.wake();
    }

    /// Takes the events that have come, at most `patience` later; threads that are ready go to `queue`. Does nothing
    /// while another worker is at it.
    pub fn turn(&self, patience: Duration, mut queue: impl FnMut(Arc<Thread>)) {
        let Some(mut guard) = self.poll.try_lock() else { return };
        let (poll, events) = &mut *guard;
        // Interrupted by a signal: nothing has come.
        if poll.poll(events, Some(patience)).is_err() {
            return;
        }
        for event in events.iter() {
            let Some(source) = self.source(event.token()) else { continue };
            let ended = event.is_error() || event.is_read_closed() && event.is_write_closed();
            if event.is_readable() || event.is_read_closed() || ended {
                source.read.tell(&mut queue);
            }
            if event.is_writable() || event.is_write_closed() || ended {
                source.write.tell(&mut queue);
            }
        }
    }

    fn source(&self, token: Token) -> Option<Arc<Source>> {
        self.sources.lock().all.get(token.0).and_then(Weak::upgrade)
    }

    fn register(&self, source: &Arc<Source>) -> io::Result<usize> {
        let mut sources = self.sources.lock();
        let token = match sources.free.pop() {
            Some(token) => token,
            None => {
                sources.all.push(Weak::new());
                sources.all.len() - 1
            }
        };
        // Known before the first event can come.
        sources.all[token] = Arc::downgrade(source);
        let fd = source.fd;
        let both = Interest::READABLE | Interest::WRITABLE;
        let result = self.registry.register(&mut SourceFd(&fd), Token(token), both);
        if let Err(e) = result {
            sources.forget(token);
            return Err(e);
        }
        Ok(token)
    }

    fn deregister(&self, fd: RawFd, token: usize) {
        let _ = self.registry.deregister(&mut SourceFd(&fd));
        self.sources.lock().forget(token);
    }
}

impl Sources {
    fn forget(&mut self, token: usize) {
        self.all[token] = Weak::new();
        self.free.push(token);
    }
}

/// One direction of a source.
#[derive(Default)]
struct Side(Mutex<Waits>);

#[derive(Default)]
struct Waits {
    /// An edge has come that nobody has been told of.
    ready: bool,
    /// The descriptor is not used any more: nobody may begin to wait.
    retired: bool,
    waiting: VecDeque<Waiter>,
}

impl Side {
    /// Wakes all who wait: each tries again. Nobody: the edge is remembered.
    fn tell(&self, queue: &mut impl FnMut(Arc<Thread>)) {
        let mut waits = self.0.lock();
        let mut told = false;
        while let Some(waiter) = waits.waiting.pop_front() {
            match waiter.claim(Value::TRUE, false) {
                Claim::Late => continue,
                Claim::Running => {}
                Claim::Queue => queue(waiter.thread().clone()),
            }
            told = true;
        }
        if !told {
            waits.ready = true;
        }
    }
}

/// Where a source is registered.
struct Registration {
    reactor: Arc<Reactor>,
    token: usize,
}

/// A descriptor that threads may wait for. It is closed when the last user lets go of it.
pub struct Source {
    fd: RawFd,
    /// Whether the descriptor is closed in the end.
    owned: AtomicBool,
    read: Side,
    write: Side,
    registration: Mutex<Option<Registration>>,
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it came from an `OwnedFd`, and is closed by the source's end only.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }
}

/// Whether a wait is to be parked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readiness {
    /// Something has come meanwhile, or the descriptor can always be used: try again.
    Now,
    /// The wait has begun: park, then `end_outside`, and [`Source::leave`] unless woken.
    Later,
}

impl Source {
    pub fn new(fd: OwnedFd) -> Arc<Source> {
        Arc::new(Source {
            fd: fd.into_raw_fd(),
            owned: AtomicBool::new(true),
            read: Side::default(),
            write: Side::default(),
            registration: Mutex::new(None),
        })
    }

    pub fn number(&self) -> RawFd {
        self.fd
    }

    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// Registers at first; the error, if the system does not watch such a descriptor.
    fn register(self: &Arc<Source>, cx: &mut Ctx) -> io::Result<()> {
        let mut registration = self.registration.lock();
        if registration.is_none() {
            let reactor = worker(cx).shared.reactor()?;
            let token = reactor.register(self)?;
            *registration = Some(Registration { reactor, token });
        }
        Ok(())
    }

    /// The running thread, told by the system "not now", is going to wait for the descriptor.
    pub fn begin_wait(self: &Arc<Source>, cx: &mut Ctx, direction: Direction) -> io::Result<Readiness> {
        match self.register(cx) {
            Ok(()) => {}
            // Files and the like are always ready.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => return Ok(Readiness::Now),
            Err(e) => return Err(e),
        }
        let mut waits = self.side(direction).0.lock();
        if std::mem::take(&mut waits.ready) || waits.retired {
            return Ok(Readiness::Now);
        }
        super::begin_outside(cx);
        waits.waiting.push_back(super::arm(cx));
        Ok(Readiness::Later)
    }

    /// The running thread's wait has ended otherwise than by readiness.
    pub fn leave(&self, cx: &mut Ctx, direction: Direction) {
        let wait = super::last_wait(cx);
        self.side(direction).0.lock().waiting.retain(|w| *w != wait);
    }

    /// The descriptor is used no more: who waits for it is woken and finds that out.
    pub fn retire(&self, cx: &mut Ctx) {
        for side in [&self.read, &self.write] {
            side.0.lock().retired = true;
            let w = worker(cx);
            side.tell(&mut |thread| w.queue(thread));
        }
        self.deregister();
    }

    /// Gives the descriptor away, which is not closed then.
    pub fn release(&self, cx: &mut Ctx) -> RawFd {
        self.retire(cx);
        self.owned.store(false, Ordering::Release);
        self.fd
    }

    fn deregister(&self) {
        if let Some(r) = self.registration.lock().take() {
            r.reactor.deregister(self.fd, r.token);
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.deregister();
        if self.owned.load(Ordering::Acquire) {
            let _ = descriptor::close(self.fd);
        }
    }
}

/// Waits here until the descriptor may be used, with the native stack; false: the deadline came first.
pub fn wait_here(cx: &mut Ctx, source: &Arc<Source>, direction: Direction, deadline: Option<Instant>) -> R<bool> {
    match source.begin_wait(cx, direction) {
        Ok(Readiness::Now) | Err(_) => return Ok(true),
        Ok(Readiness::Later) => {}
    }
    let woken = super::park_here(cx, deadline);
    super::end_outside(cx);
    source.leave(cx, direction);
    Ok(woken? == Value::TRUE)
}
