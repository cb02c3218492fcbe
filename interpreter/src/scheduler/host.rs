//! A host's way in: any of its threads may call an interpreter at any time, each in a context that it has to itself.
//!
//! The first context is its maker's; whoever finds it free takes it, and runs as the main thread. A thread that finds it
//! taken gets a seat: a further context, whose calls run as a thread of their own, and which stays the OS thread's as
//! long as that lives. A call that a host's function makes goes on in the function's context (`vm::outside`). Between
//! calls a context is free: others may collect, and run the script's threads.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::worker::{self, worker};
use crate::native::Ctx;
use crate::object::isolate::{BuiltinModule, Isolate};
use crate::vm::outside::Here;
use crate::vm::{new_interpreter, new_seat};

/// Numbers of hosts, none of which is given twice.
static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// Lives as long as the calling thread.
    static ALIVE: Arc<()> = Arc::new(());
}

/// An interpreter that any threads may enter.
pub struct Host {
    isolate: Arc<Isolate>,
    number: u64,
    first: Context,
    seats: Mutex<Vec<Seat>>,
    /// The thread that has called, until another one does: then [`MANY`].
    caller: AtomicUsize,
}

/// No thread's number.
const MANY: usize = usize::MAX;

/// Why a call is not to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The interpreter is dropping what one of the host's functions has captured.
    Dropping,
    /// There is no memory for another context.
    Memory,
    /// A function that the interpreter calls may not do that.
    Inside,
}

impl Refusal {
    pub fn text(self) -> &'static str {
        match self {
            Refusal::Dropping => "the interpreter is dropping what a host function has captured",
            Refusal::Memory => "no memory for another call at the same time",
            Refusal::Inside => "the interpreter is calling the host function that wants to end it",
        }
    }
}

/// A context, owned; which thread may use it says its presence.
#[derive(Clone, Copy)]
struct Context(*mut Ctx);

// SAFETY: a context is used by the thread that has taken it alone, and its stack bounds, the only thing that ties it to
// a thread, are set when it is.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

/// A further context and whose it is.
struct Seat {
    context: Context,
    owner: Weak<()>,
}

/// A thread has a context.
struct Taken(*mut Ctx);

impl Drop for Taken {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the context is this thread's until then.
        unsafe { (*self.0).give_up() };
    }
}

impl Ctx {
    /// A host's call is over.
    #[inline]
    fn give_up(&mut self) {
        if self.scheduler.is_some() {
            self.forget_requests();
        }
        self.leave();
    }

    /// What was asked of the call that is over is not asked of the next one.
    fn forget_requests(&mut self) {
        let thread = &worker(self).current;
        if thread.interrupted.load(Ordering::Relaxed) {
            thread.interrupted.store(false, Ordering::SeqCst);
        }
    }
}

impl Host {
    /// A new interpreter with the given library; None if the heap cannot be made.
    pub fn new(library: Vec<BuiltinModule>) -> Option<Host> {
        let mut cx = new_interpreter(library).ok()?;
        let isolate = cx.isolate_arc();
        cx.leave();
        Some(Host {
            isolate,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            first: Context(Box::into_raw(cx)),
            seats: Mutex::new(Vec::new()),
            caller: AtomicUsize::new(0),
        })
    }

    pub fn isolate(&self) -> &Arc<Isolate> {
        &self.isolate
    }

    /// Whether the calling function is one that the interpreter calls.
    pub fn is_inside(&self) -> bool {
        Here::with(|here| here.is_inside(&self.isolate))
    }

    /// Runs `body` in the interpreter.
    #[inline]
    pub fn enter<T>(&self, body: impl FnOnce(&mut Ctx) -> T) -> Result<T, Refusal> {
        // What `body` holds lies below this, whatever stack it is.
        let mark = 0usize;
        let base = &raw const mark as usize;
        let (cx, limit) = match Here::with(|here| self.take_first(here, base)) {
            Some(limit) => (self.first.0, limit),
            None => match Here::with(|here| self.find(here, base))? {
                (cx, limit, false) => (cx, limit),
                // SAFETY: the function that has it calls this.
                (cx, limit, true) => return Ok(unsafe { Ctx::inside_again(cx, base, limit, |cx| apart(cx, body)) }),
            },
        };
        let taken = Taken(cx);
        // SAFETY: the context is this thread's until `taken` is dropped.
        let cx = unsafe { &mut *cx };
        (cx.stack_limit, cx.stack_base) = (limit, base);
        let result = apart(cx, body);
        drop(taken);
        Ok(result)
    }

    /// Takes the first context, if nothing stands against that; the limit of the calling thread's stack.
    #[inline(always)]
    fn take_first(&self, here: &Here, base: usize) -> Option<usize> {
        let limit = here.plain(base)?;
        let caller = self.caller.load(Ordering::Relaxed);
        let is_known = caller == here.number() || caller == MANY;
        // Who has a seat keeps to it.
        // SAFETY: the host owns the context.
        (is_known && here.seat.get().0 != self.number && unsafe { Ctx::take(self.first.0) }).then_some(limit)
    }

    /// The context for a call, its stack's limit, and whether a function further out has lent it.
    #[inline(never)]
    fn find(&self, here: &Here, base: usize) -> Result<(*mut Ctx, usize, bool), Refusal> {
        let limit = here.stack_limit(base);
        if let Some(cx) = here.find(&self.isolate) {
            return Ok((cx, limit, true));
        }
        let caller = self.caller.load(Ordering::Relaxed);
        if caller != here.number() && caller != MANY {
            self.note_caller(here);
        }
        if here.is_dropping(&self.isolate) {
            return Err(Refusal::Dropping);
        }
        // SAFETY: the host owns the context.
        let is_first = here.seat.get().0 != self.number && unsafe { Ctx::take(self.first.0) };
        let cx = if is_first { self.first.0 } else { self.sit_down(here, base, limit)? };
        Ok((cx, limit, false))
    }

    /// Once a second thread has called, any may.
    #[cold]
    fn note_caller(&self, here: &Here) {
        if self.caller.compare_exchange(0, here.number(), Ordering::Relaxed, Ordering::Relaxed).is_err() {
            self.caller.store(MANY, Ordering::Relaxed);
            self.isolate.open.store(true, Ordering::SeqCst);
        }
    }

    /// A seat: the thread's own, or one whose owner has ended, or a new one.
    #[cold]
    #[inline(never)]
    fn sit_down(&self, here: &Here, base: usize, limit: usize) -> Result<*mut Ctx, Refusal> {
        let (number, seat) = here.seat.get();
        // SAFETY: a host keeps its seats, and its number is that of no other.
        if number == self.number && unsafe { Ctx::take(seat) } {
            return Ok(seat);
        }
        let me = ALIVE.try_with(Arc::clone).unwrap_or_default();
        let cx = match self.find_seat(&me, base, limit) {
            Some(found) => found?,
            None => self.make_seat(&me)?,
        };
        here.seat.set((self.number, cx));
        Ok(cx)
    }

    fn find_seat(&self, me: &Arc<()>, base: usize, limit: usize) -> Option<Result<*mut Ctx, Refusal>> {
        let mut seats = self.seats.lock();
        let mine = Arc::downgrade(me);
        // SAFETY: the host owns the contexts.
        let own = seats.iter().find(|s| s.owner.ptr_eq(&mine) && unsafe { Ctx::take(s.context.0) });
        if let Some(own) = own {
            return Some(Ok(own.context.0));
        }
        // SAFETY: as above.
        let left = seats.iter_mut().find(|s| s.owner.strong_count() == 0 && unsafe { Ctx::take(s.context.0) })?;
        left.owner = mine;
        let cx = left.context.0;
        drop(seats);
        let taken = Taken(cx);
        // SAFETY: this thread has it now.
        let renewed = apart(unsafe { &mut *cx }, |cx| {
            (cx.stack_limit, cx.stack_base) = (limit, base);
            worker::renew_host(cx)
        });
        if renewed.is_err() {
            return Some(Err(Refusal::Memory));
        }
        std::mem::forget(taken);
        Some(Ok(cx))
    }

    fn make_seat(&self, me: &Arc<()>) -> Result<*mut Ctx, Refusal> {
        // The main thread is the first to take part.
        let prepare = |first: &mut Ctx| {
            worker(first);
        };
        let mut cx = new_seat(self.isolate.clone(), prepare).map_err(|_| Refusal::Memory)?;
        worker::make_host(&mut cx);
        let cx = Box::into_raw(cx);
        self.seats.lock().push(Seat { context: Context(cx), owner: Arc::downgrade(me) });
        Ok(cx)
    }
}

/// The frames of `body` lie below the caller's.
#[inline(never)]
fn apart<T>(cx: &mut Ctx, body: impl FnOnce(&mut Ctx) -> T) -> T {
    body(cx)
}

impl Drop for Host {
    /// Threads of the script that have not ended are stopped where they are. Then finalizers run, and what the script's
    /// streams hold back is written.
    fn drop(&mut self) {
        let first = self.first;
        let seats = std::mem::take(self.seats.get_mut());
        let end = move || end(first, seats);
        if self.is_inside() || Here::with(|here| here.is_dropping(&self.isolate)) {
            // Who drops it is to leave it first.
            let _ = std::thread::Builder::new().name("conc-end".into()).spawn(end);
        } else {
            end();
        }
    }
}

fn end(first: Context, seats: Vec<Seat>) {
    let mark = 0usize;
    let base = &raw const mark as usize;
    let limit = Here::with(|here| here.stack_limit(base));
    let come_in = |context: Context| {
        // SAFETY: the contexts are alive until they are dropped here.
        while !unsafe { Ctx::take(context.0) } {
            std::thread::sleep(Duration::from_millis(1));
        }
        // SAFETY: this thread has it now, for good; it was boxed when it was made.
        let mut cx = unsafe { Box::from_raw(context.0) };
        (cx.stack_limit, cx.stack_base) = (limit, base);
        cx
    };
    let mut first = come_in(first);
    apart(&mut first, |cx| {
        super::close(cx);
        cx.finalize_all();
        if let Some(flush) = cx.iso().flush_files.get() {
            flush();
        }
    });
    // The first one waits while others are dropped, and is not in their way.
    for seat in seats {
        first.blocking(|| drop(come_in(seat.context)));
    }
}
