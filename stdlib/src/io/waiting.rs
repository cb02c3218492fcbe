//! Reading and writing descriptors that may keep their user waiting: pipes, terminals, sockets. Only the thread waits.
//!
//! The system is asked first whether the call would wait. Asking and calling are one step for the threads of this
//! program, so that one does not take what another was promised.

use std::os::fd::BorrowedFd;

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::descriptor;
use conc_interpreter::scheduler::{self, pool};
use conc_interpreter::sync::wait::Patience;
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;

use crate::net::poll::wait_one;

/// So much may be written to a pipe without waiting when it says that it has room.
const PIECE: usize = 4096;

static TURNS: [Mutex<()>; 16] = [const { Mutex::new(()) }; 16];

fn turn(fd: i32) -> &'static Mutex<()> {
    &TURNS[fd as usize % TURNS.len()]
}

/// Whether using the descriptor may wait for others.
pub fn may_wait(fd: BorrowedFd<'_>) -> bool {
    let kind = rustix::fs::fstat(fd).map(|s| FileType::from_raw_mode(s.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::CharacterDevice | FileType::Socket))
}

fn is_ready(fd: BorrowedFd<'_>, events: PollFlags) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(fd, events)];
    match rustix::event::poll(&mut polled, Some(&Timespec::default())) {
        Ok(n) => n > 0,
        Err(_) => true,
    }
}

/// The script wants the descriptor not to wait.
fn never_waits(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::fcntl_getfl(fd).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK))
}

fn open(fd: i32) -> Result<BorrowedFd<'static>, Errno> {
    descriptor::borrow(fd).ok_or(Errno::BADF)
}

/// Does a call that waits only for `events`, once they have come.
fn when_ready(
    cx: &mut Ctx,
    number: i32,
    events: PollFlags,
    mut call: impl FnMut(BorrowedFd<'_>) -> Result<usize, Errno>,
) -> R<Result<usize, Errno>> {
    loop {
        let fd = match open(number) {
            Ok(fd) => fd,
            Err(e) => return Ok(Err(e)),
        };
        let turn = turn(number).lock();
        if is_ready(fd, events) || never_waits(fd) {
            match call(fd) {
                Err(Errno::INTR) => {}
                other => return Ok(other),
            }
        }
        drop(turn);
        cx.poll()?;
        wait_one(cx, number, events, Patience::Forever)?;
    }
}

/// Reads once into the buffer. `waits`: as [`may_wait`] says.
pub fn read(cx: &mut Ctx, fd: i32, waits: bool, buffer: &mut [u8]) -> R<Result<usize, Errno>> {
    if waits {
        return when_ready(cx, fd, PollFlags::IN, |fd| rustix::io::read(fd, &mut *buffer));
    }
    loop {
        match open(fd).and_then(|fd| rustix::io::read(fd, &mut *buffer)) {
            Err(Errno::INTR) => cx.poll()?,
            other => return Ok(other),
        }
    }
}

/// Writes the data, all of it unless an error comes; how much.
pub fn write(cx: &mut Ctx, fd: i32, waits: bool, data: &[u8]) -> R<Result<usize, Errno>> {
    // Without other threads nobody is kept from running.
    if !waits || !scheduler::has_threads(cx) {
        loop {
            match open(fd).and_then(|fd| rustix::io::write(fd, data)) {
                Err(Errno::INTR) => cx.poll()?,
                other => return Ok(other),
            }
        }
    }
    let mut done = 0;
    loop {
        let piece = &data[done..(done + PIECE).min(data.len())];
        match when_ready(cx, fd, PollFlags::OUT, |fd| rustix::io::write(fd, piece))? {
            Ok(n) => done += n,
            Err(_) if done > 0 => return Ok(Ok(done)),
            Err(e) => return Ok(Err(e)),
        }
        if done == data.len() {
            return Ok(Ok(done));
        }
    }
}

/// The result of a system call that waits in a way that no event tells of: a thread of the blocking pool makes it.
pub fn elsewhere<T: Send + 'static>(
    cx: &mut Ctx,
    call: impl FnOnce() -> Result<T, Errno> + Send + 'static,
) -> R<Result<T, Errno>> {
    Ok(pool::run(cx, call)?.unwrap_or(Err(Errno::AGAIN)))
}
