//! What an event loop knows of its descriptors: a queue of the system's events, which the reactor watches while the loop
//! waits.

use std::collections::HashMap;
use std::sync::Arc;

use conc_interpreter::object::descriptor;
use conc_interpreter::scheduler::reactor::Source;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

/// Events taken from the system at a time.
const BATCH: usize = 256;

/// The two things that a descriptor is watched for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watch {
    Read,
    Write,
}

impl Watch {
    fn flag(self) -> EventFlags {
        match self {
            Watch::Read => EventFlags::IN,
            Watch::Write => EventFlags::OUT,
        }
    }
}

/// The watched descriptors. The queue is made for the first.
#[derive(Default)]
pub struct Poller {
    queue: Option<Arc<Source>>,
    /// The queue that the loop's thread waits for.
    pub waiting: Option<Arc<Source>>,
    watched: HashMap<i32, EventFlags>,
}

impl Poller {
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// The queue, if there is anything to wait for.
    pub fn queue(&self) -> Option<Arc<Source>> {
        self.queue.clone().filter(|_| !self.is_empty())
    }

    fn change(&mut self, fd: i32, wanted: EventFlags) -> Result<(), Errno> {
        let queue = match &self.queue {
            Some(queue) => queue,
            None => self.queue.insert(Source::new(epoll::create(CreateFlags::CLOEXEC)?)),
        };
        let before = self.watched.get(&fd).copied();
        let Some(target) = descriptor::borrow(fd) else {
            self.watched.remove(&fd);
            return Err(Errno::BADF);
        };
        let data = EventData::new_u64(fd as u64);
        match (before, wanted.is_empty()) {
            (None, true) => return Ok(()),
            (None, false) => epoll::add(queue, target, data, wanted)?,
            (Some(_), false) => match epoll::modify(queue, target, data, wanted) {
                // The one that was watched has been closed; this is another of the same number.
                Err(Errno::NOENT) => epoll::add(queue, target, data, wanted)?,
                other => other?,
            },
            (Some(_), true) => {
                self.watched.remove(&fd);
                return epoll::delete(queue, target);
            }
        }
        self.watched.insert(fd, wanted);
        Ok(())
    }

    /// Watches a descriptor for one thing more.
    pub fn watch(&mut self, fd: i32, what: Watch) -> Result<(), Errno> {
        let before = self.watched.get(&fd).copied().unwrap_or(EventFlags::empty());
        self.change(fd, before | what.flag())
    }

    /// Watches a descriptor for one thing less. One that was closed meanwhile is watched no more.
    pub fn unwatch(&mut self, fd: i32, what: Watch) {
        let before = self.watched.get(&fd).copied().unwrap_or(EventFlags::empty());
        if before.contains(what.flag()) && self.change(fd, before - what.flag()).is_err() {
            self.watched.remove(&fd);
        }
    }

    /// What has come by now: descriptors, and whether they can be read and written.
    pub fn look(&mut self) -> Vec<(i32, bool, bool)> {
        let Some(queue) = self.queue() else { return Vec::new() };
        let mut events = Vec::with_capacity(BATCH);
        loop {
            let buffer = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&queue, buffer, Some(&Timespec::default())) {
                Err(Errno::INTR) => continue,
                _ => break,
            }
        }
        let ended = EventFlags::HUP | EventFlags::ERR;
        events
            .iter()
            .map(|event| {
                let flags = event.flags;
                let fd = event.data.u64() as i32;
                (fd, flags.intersects(ended | EventFlags::IN), flags.intersects(ended | EventFlags::OUT))
            })
            .collect()
    }
}
