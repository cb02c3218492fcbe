//! Waiting for any of several descriptors, whoever they belong to.
//!
//! The descriptors go into a queue of the system's of their own, and that queue is what the reactor watches.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Instant;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::descriptor;
use conc_interpreter::scheduler;
use conc_interpreter::scheduler::reactor::{Direction, Source, wait_here};
use conc_interpreter::sync::wait::Patience;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::os::errors;

/// A descriptor and what it is waited for; then what has come.
#[derive(Clone, Copy)]
pub struct Wanted {
    pub fd: i32,
    pub events: PollFlags,
    pub come: PollFlags,
}

fn borrowed(fd: i32) -> Option<BorrowedFd<'static>> {
    descriptor::borrow(fd)
}

/// What has come by now; how many descriptors something has come for.
pub fn look(wanted: &mut [Wanted]) -> Result<usize, Errno> {
    let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(wanted.len());
    for w in wanted.iter() {
        let Some(fd) = borrowed(w.fd) else { return Err(Errno::BADF) };
        fds.push(PollFd::from_borrowed_fd(fd, w.events));
    }
    loop {
        match rustix::event::poll(&mut fds, Some(&Timespec::default())) {
            Ok(n) => {
                for (w, fd) in wanted.iter_mut().zip(&fds) {
                    w.come = fd.revents();
                }
                return Ok(n);
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(e),
        }
    }
}

/// Waits until something has come for one of the descriptors at least, or the deadline; for how many.
pub fn wait_any(cx: &mut Ctx, wanted: &mut [Wanted], patience: Patience) -> R<usize> {
    let mut queue = None;
    loop {
        let n = errors::check(cx, look(wanted))?;
        let Some(deadline) = patience.deadline() else { return Ok(n) };
        if n > 0 || deadline.is_some_and(|at| Instant::now() >= at) {
            return Ok(n);
        }
        if wanted.is_empty() {
            scheduler::arm(cx);
            scheduler::park_here(cx, deadline)?;
            continue;
        }
        let queue = match &queue {
            Some(queue) => queue,
            None => queue.insert(queue_of(cx, wanted)?),
        };
        wait_here(cx, queue, Direction::Read, deadline)?;
    }
}

/// A queue of the descriptors' events.
fn queue_of(cx: &mut Ctx, wanted: &[Wanted]) -> R<Arc<Source>> {
    let queue = errors::check(cx, epoll::create(CreateFlags::CLOEXEC))?;
    for (i, w) in wanted.iter().enumerate() {
        // One that is wanted twice is added with all that is wanted of it.
        if wanted[..i].iter().any(|earlier| earlier.fd == w.fd) {
            continue;
        }
        let events = wanted[i..].iter().filter(|v| v.fd == w.fd).fold(PollFlags::empty(), |all, v| all | v.events);
        let Some(fd) = borrowed(w.fd) else { return Err(errors::raise(cx, Errno::BADF)) };
        let flags = EventFlags::from_bits_retain(u32::from(events.bits()));
        match epoll::add(&queue, fd, EventData::new_u64(w.fd as u64), flags) {
            // Files are always ready: the next look says so.
            Ok(()) | Err(Errno::PERM | Errno::BADF) => {}
            Err(e) => return Err(errors::raise(cx, e)),
        }
    }
    Ok(Source::new(queue))
}

/// Waits until one descriptor may be used; false: the deadline came first.
pub fn wait_one(cx: &mut Ctx, fd: i32, events: PollFlags, patience: Patience) -> R<bool> {
    let mut wanted = [Wanted { fd, events, come: PollFlags::empty() }];
    wait_any(cx, &mut wanted, patience).map(|n| n > 0)
}
