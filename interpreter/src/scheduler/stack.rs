//! Native stacks: the pooled ones that slices run on, and those that wait with their threads.
//!
//! A thread that parks with native frames takes its stack with it. Before it may do that, the worker has another one in
//! its pool: so a worker that is to run a slice never lacks one, and want of memory is an exception in the thread that
//! wants more, while the others run on.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use corosensei::stack::DefaultStack;

use super::shared::Scheduler;
use super::worker::worker;
use crate::native::{Ctx, R, Raised};

const SIZE: usize = 1 << 20;
/// So many stacks may wait with their threads, in all of the process: each is two of the system's mappings, of which
/// Linux allows 65,530.
const MOST: usize = 16_000;

static WAITING: AtomicUsize = AtomicUsize::new(0);

/// A stack's place among those that wait.
pub struct Place(());

impl Place {
    fn take() -> Option<Place> {
        let place = Place(());
        (WAITING.fetch_add(1, Ordering::Relaxed) < MOST).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many stacks wait with their threads.
pub fn waiting() -> usize {
    WAITING.load(Ordering::Relaxed)
}

pub fn new() -> io::Result<DefaultStack> {
    if !has_room(STACKS_MARGIN) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    DefaultStack::new(SIZE)
}

/// Threads leave so many bytes of address space to everything else: what Rust's collections want cannot be refused them
/// without the end of the program.
const MARGIN: usize = 16 << 20;
/// Stacks leave more, to threads that need none.
const STACKS_MARGIN: usize = 32 << 20;
/// What lists of threads, waits and timers may come to want at once for each thread.
const LISTED: usize = 64;
/// So many threads are started between two looks.
const LOOK: u64 = 1024;

/// Whether the process may have so much more address space. Asked, not tried: a trial would take it from others.
fn has_room(bytes: usize) -> bool {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the struct is whole and outlives the call.
    unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
    if limit.rlim_cur == libc::RLIM_INFINITY {
        return true;
    }
    let Ok(sizes) = std::fs::read_to_string("/proc/self/statm") else { return true };
    let pages: usize = sizes.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    // SAFETY: only asks.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    pages * page + bytes <= limit.rlim_cur as usize
}

/// Whether there is room for a thread of that number, at a look from time to time; at every one once there was not.
pub fn has_room_for(shared: &Scheduler, id: u64) -> bool {
    let was_short = shared.short.load(Ordering::Relaxed);
    if !was_short && !id.is_multiple_of(LOOK) {
        return true;
    }
    let has_room = has_room(MARGIN + shared.listed() * LISTED);
    shared.short.store(!has_room, Ordering::Relaxed);
    has_room
}

/// Has this worker own a stack for the next slice.
pub fn reserve(cx: &mut Ctx) -> io::Result<()> {
    if worker(cx).pool.is_empty() {
        let stack = new()?;
        worker(cx).pool.push(stack);
    }
    Ok(())
}

/// The running thread's stack is about to wait with it: the place it takes.
pub fn leave(cx: &mut Ctx) -> R<Place> {
    let place = match Place::take() {
        Some(place) => place,
        None => return Err(refusal(cx, &format!("{MOST} do, which is the limit"))),
    };
    match reserve(cx) {
        Ok(()) => Ok(place),
        Err(e) => {
            let count = WAITING.load(Ordering::Relaxed) - 1;
            Err(refusal(cx, &format!("{count} do, and the system has no memory for more: {e}")))
        }
    }
}

#[cold]
fn refusal(cx: &mut Ctx, why: &str) -> Raised {
    let e = cx.runtime_error("too many threads wait inside calls of native functions");
    cx.add_note(e.0, why);
    e
}

/// A thread cannot be started.
#[cold]
pub fn no_thread(cx: &mut Ctx, why: &str) -> Raised {
    let count = worker(cx).shared.threads().len();
    let e = cx.runtime_error("can't start new thread");
    cx.add_note(e.0, &format!("{why}; there are {count} threads"));
    e
}
