//! What every green thread is doing at one moment: for reports of deadlocks and for who asks.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shared::Scheduler;
use super::thread::{MAIN, Thread};
use super::worker::{Worker, worker};
use crate::bytecode::template::Source;
use crate::native::Ctx;
use crate::object::function::{Code, Native};
use crate::object::generator::Generator;
use crate::object::misc::Boxed;
use crate::object::string::Str;
use crate::value::{Gc, Value};
use crate::vm::frames::{FrameRef, walk, walk_fiber};

/// A line of a script where a thread is.
#[derive(Clone)]
pub struct Place {
    pub source: Arc<Source>,
    pub line: u32,
    pub function: String,
}

impl Place {
    pub fn file(&self) -> &str {
        &self.source.name
    }
    /// The text of the line.
    pub fn text(&self) -> &str {
        self.source.line_text(self.line).trim()
    }
    /// Whether it belongs to the library.
    pub fn is_library(&self) -> bool {
        self.file().starts_with("<conc>/")
    }
}

/// What a thread is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Doing {
    Runs,
    /// It waits for a worker.
    Ready,
    /// It waits in a native: the method's name with its class, and the thread that holds the object.
    Waits {
        what: String,
        holder: Option<String>,
    },
    /// A task that waits for the end of this.
    Awaits(String),
}

/// One thread at one moment, or one task of an event loop that a thread runs.
#[derive(Clone)]
pub struct Snapshot {
    pub thread: u64,
    /// The number of its wait: another one is another wait. Of a task, which one it is.
    pub wait: u64,
    pub title: String,
    pub daemon: bool,
    pub doing: Doing,
    /// Outermost first.
    pub places: Vec<Place>,
}

impl Snapshot {
    /// The innermost line that is the program's own.
    pub fn own_place(&self) -> Option<&Place> {
        self.places.iter().rev().find(|p| !p.is_library()).or(self.places.last())
    }

    /// `waits in lock.acquire(), held by thread 'x'`
    pub fn doing_text(&self) -> String {
        match &self.doing {
            Doing::Runs => "runs".into(),
            Doing::Ready => "is ready to run".into(),
            Doing::Awaits(what) => format!("waits for the end of {what}"),
            Doing::Waits { what, .. } if what.is_empty() => "waits".into(),
            Doing::Waits { what, holder: None } => format!("waits in {what}"),
            Doing::Waits { what, holder: Some(holder) } if what.ends_with(".join()") => {
                format!("waits in {what} for the end of {holder}")
            }
            Doing::Waits { what, holder: Some(holder) } => format!("waits in {what}, held by {holder}"),
        }
    }
}

/// Every thread that has not ended, each followed by the tasks of the event loop that it runs, the world standing still meanwhile.
pub fn all(cx: &mut Ctx) -> Vec<Snapshot> {
    let shared = worker(cx).shared.clone();
    cx.with_world_stopped(|cx, others| {
        let threads = shared.threads();
        let mut all = Vec::new();
        for thread in threads.iter().filter(|t| !t.is_done()) {
            let thread_itself = take(cx, others, &shared, thread);
            let daemon = thread_itself.daemon;
            all.push(thread_itself);
            if let Some(event_loop) = thread.fiber().event_loop.get().cast::<Boxed>() {
                event_loop.each_task(&mut |title, awaits, coroutine| {
                    all.push(Snapshot { daemon, ..task(thread.id, title, awaits, coroutine) });
                });
            }
        }
        all
    })
}

/// One task, while the world is stopped.
fn task(thread: u64, title: String, awaits: Option<String>, coroutine: Value) -> Snapshot {
    let mut places = Vec::new();
    let mut inner = coroutine;
    let mut what = String::new();
    while let Some(g) = inner.cast::<Generator>() {
        let code = g.code();
        let at = code.index_of(g.pc.load(Ordering::Acquire)).wrapping_sub(1);
        places.push(place(code, at));
        what = g.qualname().cast::<Str>().map_or(String::new(), |name| format!("{}()", name.to_text()));
        inner = crate::vm::generator::delegate(g);
    }
    let doing = match awaits {
        Some(awaits) => Doing::Awaits(awaits),
        None => Doing::Waits { what, holder: None },
    };
    Snapshot { thread, wait: coroutine.bits(), title, daemon: false, doing, places }
}

/// One thread, while the world is stopped.
fn take(cx: &mut Ctx, others: &[*mut Ctx], shared: &Scheduler, thread: &Arc<Thread>) -> Snapshot {
    let running_on = thread.running_on.load(Ordering::Acquire).checked_sub(1);
    let waits = thread.last_wait().is_open();
    let doing = match running_on {
        _ if waits => doing_of(cx, shared, thread),
        Some(_) => Doing::Runs,
        None => Doing::Ready,
    };
    let mut places = Vec::new();
    match running_on {
        Some(index) if !waits => {
            each_frame_of_worker(cx, others, index as usize, |f| places.push(place(f.code, f.at)));
        }
        // SAFETY: the world is stopped, so the thread does not run, and its fiber holds its innermost frame.
        _ => unsafe { walk_fiber(thread.fiber(), |frame| places.push(place(frame.code, frame.at))) },
    }
    places.reverse();
    let (id, wait) = (thread.id, thread.wait_number());
    Snapshot { thread: id, wait, title: title(thread), daemon: thread.daemon && id != MAIN, doing, places }
}

/// The frames that the worker with this number runs.
fn each_frame_of_worker(cx: &mut Ctx, others: &[*mut Ctx], index: usize, mut each: impl FnMut(FrameRef)) {
    let mut visit = |frame| {
        each(frame);
        true
    };
    if worker(cx).index == index {
        return walk(cx, visit);
    }
    for &other in others {
        // SAFETY: the world is stopped: the other workers stand at safepoints, their machine state in their contexts.
        let other = unsafe { &*other };
        let number = other.scheduler.as_ref().and_then(|s| s.downcast_ref::<Worker>()).map(|w| w.index);
        if number == Some(index) {
            walk(other, &mut visit);
        }
    }
}

/// What a thread is called in reports.
pub fn title(thread: &Thread) -> String {
    match thread.name() {
        Some(name) => format!("thread '{name}'"),
        None if thread.id == MAIN => "thread 'MainThread'".into(),
        None => format!("thread {}", thread.id),
    }
}

fn place(code: Gc<Code>, at: u32) -> Place {
    let template = code.template();
    let line = crate::object::excerpt::line_of(template, at);
    Place { source: template.source.clone(), line, function: template.name.to_string() }
}

/// What the native waits for that the thread has parked in.
fn doing_of(cx: &mut Ctx, shared: &Scheduler, thread: &Arc<Thread>) -> Doing {
    let unknown = Doing::Waits { what: String::new(), holder: None };
    // SAFETY: a waiting thread's innermost frame is a native's (`vm::native`): a base is null or leads to one.
    let Some((callee, first)) = (unsafe { callee_and_first(thread.fiber().base.load(Ordering::Acquire)) }) else {
        return unknown;
    };
    let Some(native) = callee.cast::<Native>() else { return unknown };
    let name = native.def().name;
    let Some(object) = first.cast::<Boxed>() else { return Doing::Waits { what: format!("{name}()"), holder: None } };
    let holder = object.holder().and_then(|id| shared.thread(id)).map(|t| title(&t));
    Doing::Waits { what: format!("{}.{name}()", cx.type_name(first)), holder }
}

/// The callee and the first argument of a native's frame.
///
/// # Safety
/// `base` is null or the base of a resumable native's frame.
pub unsafe fn callee_and_first(base: *mut Value) -> Option<(Value, Value)> {
    // SAFETY: the links lie below the registers, the first argument after the state.
    (!base.is_null()).then(|| unsafe { (*base.sub(4), *base.add(1)) })
}
