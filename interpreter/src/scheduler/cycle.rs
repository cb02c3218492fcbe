//! Threads that wait for each other in a circle, found when the circle closes, though others run on.
//!
//! A thread that is about to wait without a deadline publishes the object it waits for, and then follows holders: the
//! object's holder, the object that one waits for, and so on. If the way leads back to it, and every wait on it is
//! still open afterwards, then all of them stood at one moment. An object whose holder alone can free it (an RLock, a
//! thread that is joined) keeps it so for good: DeadlockError is raised in the thread that closes the circle. A plain
//! lock may be released by any thread: its circle is noted, and told if it stays.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use super::report;
use super::shared::Scheduler;
use super::snapshot::{self, Snapshot, callee_and_first};
use super::thread::Thread;
use super::worker::{wake, worker};
use crate::native::Ctx;
use crate::object::function::Native;
use crate::object::kind::ClassId;
use crate::object::misc::{Boxed, Hold};
use crate::value::Value;

/// How long a circle through a plain lock lasts before it is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// Circles that are noted at a time.
const MOST: usize = 64;
const HEADLINE: &str = "threads wait for each other in a circle";

/// One wait of a circle.
type Link = (Arc<Thread>, u64);

/// A circle through a plain lock.
pub struct Suspect {
    links: Vec<Link>,
    since: Instant,
}

impl Suspect {
    fn has_lasted(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= PATIENCE
    }
}

/// The running thread, whose innermost frame is a native's, is about to wait without a deadline: publishes for what, if
/// that is something that a thread holds.
pub fn publish(cx: &mut Ctx) {
    // SAFETY: by what the caller says of the frame.
    let Some((callee, first)) = (unsafe { callee_and_first(cx.base) }) else { return };
    // A native without a frame of its own waits for something else than what the frame below it says.
    if !callee.is_a::<Native>() {
        return;
    }
    let Some(object) = first.cast::<Boxed>().filter(|object| object.hold() != Hold::None) else { return };
    // A plain lock taken twice by one thread is how some wait for another to release it: no link to anybody.
    let w = worker(cx);
    w.shared.enlist_blocker(&w.current);
    w.current.blocked.set(first);
    // Who holds it now is seen here; who gets it later looks after this has been published.
    fence(Ordering::SeqCst);
    w.held_by = object.holder().unwrap_or(0);
    if w.held_by == 0 || w.held_by == w.current.id {
        w.current.blocked.set(Value::UNBOUND);
    }
}

/// The running thread's state is saved and it is about to park: ends its wait with DeadlockError if that closes a
/// circle. Its wait is over then as if by a waker.
pub fn check(cx: &mut Ctx, me: &Arc<Thread>) {
    if me.blocked.get().is_unbound() {
        return;
    }
    // Of two threads that close a circle at once, one at least sees what the other has published. The first step is
    // mostly the last.
    fence(Ordering::SeqCst);
    let w = worker(cx);
    if !w.shared.is_blocked(w.held_by) {
        return;
    }
    let shared = worker(cx).shared.clone();
    let Some((seen, _)) = follow(&shared, me) else { return };
    let Some((links, owned)) = decide(&shared, me, &seen) else { return };
    if !owned {
        return suspect(&shared, links);
    }
    let threads = threads(cx, &links);
    let text = report::graph(HEADLINE, &threads);
    *shared.shown.lock() = threads;
    let exc = cx.new_exception(ClassId::DeadlockError, &text);
    wake(cx, &me.last_wait(), Err(exc));
}

/// The circle that the thread closes, seen again while no other thread decides; and whether only its holders can break
/// it. None: there is none, or one of its threads is about to break it.
fn decide(shared: &Scheduler, me: &Arc<Thread>, seen: &[Link]) -> Option<(Vec<Link>, bool)> {
    let _alone = shared.deciding.lock();
    let (links, owned) = follow(shared, me)?;
    // The same waits twice: each holder was seen holding while it waited.
    let is_same = |(a, b): (&Link, &Link)| Arc::ptr_eq(&a.0, &b.0) && a.1 == b.1;
    if links.len() != seen.len() || !links.iter().zip(seen).all(is_same) {
        return None;
    }
    if owned {
        // Who looks after this sees a thread that waits no longer for anything.
        me.blocked.set(Value::UNBOUND);
    }
    Some((links, owned))
}

/// Follows holders from a thread; the circle, if the way leads back to it.
fn follow(shared: &Scheduler, me: &Arc<Thread>) -> Option<(Vec<Link>, bool)> {
    let mut links: Vec<Link> = Vec::new();
    let mut owned = true;
    let mut at = me.clone();
    loop {
        let (wait, object) = (at.wait_number(), at.blocked.get());
        // Whoever clears it does so before the object can be collected, and nothing is collected meanwhile, as this is
        // no safepoint.
        let object = object.cast::<Boxed>()?;
        owned &= object.hold() == Hold::Owned;
        let holder = object.holder()?;
        links.push((at, wait));
        if holder == me.id {
            break;
        }
        if links.iter().any(|(thread, _)| thread.id == holder) {
            return None;
        }
        at = shared.blocker(holder)?;
    }
    is_standing(&links).then_some((links, owned))
}

fn is_standing(links: &[Link]) -> bool {
    links.iter().all(|(thread, wait)| thread.wait_number() == *wait && thread.last_wait().is_open())
}

/// Notes a circle that may break yet, once.
fn suspect(shared: &Scheduler, links: Vec<Link>) {
    let mut suspects = shared.suspects.lock();
    if suspects.len() >= MOST {
        suspects.retain(|s| is_standing(&s.links));
    }
    let has = |s: &Suspect| links.iter().all(|(t, wait)| s.links.iter().any(|(o, w)| t.id == o.id && wait == w));
    if suspects.len() < MOST && !suspects.iter().any(has) {
        suspects.push(Suspect { links, since: shared.now() });
    }
}

/// Circles that have lasted.
pub fn take_lasting(shared: &Scheduler) -> Vec<Suspect> {
    let mut suspects = shared.suspects.lock();
    if suspects.is_empty() {
        return Vec::new();
    }
    suspects.retain(|s| is_standing(&s.links));
    let now = shared.now();
    suspects.extract_if(.., |s| s.has_lasted(now)).collect()
}

/// Whether there is a circle to tell of; for the monitor, and for seeded runs, which have none.
pub fn is_due(shared: &Scheduler) -> bool {
    let suspects = shared.suspects.lock();
    !suspects.is_empty() && {
        let now = shared.now();
        suspects.iter().any(|s| s.has_lasted(now))
    }
}

/// Warns of a circle through a plain lock.
pub fn warn(cx: &mut Ctx, suspect: &Suspect) {
    let text = report::graph(HEADLINE, &threads(cx, &suspect.links));
    report::write(&format!("conc: warning: {text}\n"));
}

fn threads(cx: &mut Ctx, links: &[Link]) -> Vec<Snapshot> {
    let of_circle = |s: &Snapshot| links.iter().any(|(thread, _)| thread.id == s.thread);
    snapshot::all(cx).into_iter().filter(of_circle).collect()
}
