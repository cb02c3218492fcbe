//! The context every native runs in: one worker's view of its interpreter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::heap::{Header, LocalHeap};
use crate::native::{R, Raised};
use crate::object::class::Class;
use crate::object::isolate::Isolate;
use crate::object::kind::ClassId;
use crate::object::names::Names;
use crate::object::stack::{Binding, Fiber, Segment};
use crate::value::{Gc, Value};

/// Words that other threads may set to get a worker's attention.
#[derive(Default)]
pub struct Signals {
    /// Non-zero: the worker looks at the flags below at its next poll.
    pub interrupt: AtomicUsize,
    /// Script frames allowed; an interrupt lowers it to zero, so that calls notice too.
    pub depth_limit: AtomicUsize,
    /// SIGINT has come: KeyboardInterrupt is to be raised in main.
    pub keyboard: AtomicBool,
    /// The thread running here may be one that SIGINT has been passed on to.
    pub passed_on: AtomicBool,
    /// Somebody asks what the threads are doing.
    pub asked: AtomicBool,
    /// The collector wants the world stopped.
    pub stop: AtomicBool,
    /// The running thread's slice is over and others wait.
    pub preempt: AtomicBool,
    /// Another signal arrived: a bit per number.
    pub pending: AtomicU64,
}

impl Signals {
    /// Makes the worker look at its flags at the next poll. The flag has been set in sequentially consistent order.
    pub fn raise(&self) {
        self.interrupt.store(1, Ordering::SeqCst);
        self.depth_limit.store(0, Ordering::SeqCst);
    }
}

/// One worker's context. Machine state first: the loop keeps it in registers and spills it here before it calls out.
#[repr(C)]
pub struct Ctx {
    /// End of the current segment, or null while a generator's frame is the innermost: calls compare against it.
    pub limit: *mut Value,
    /// Script frames in use; compared with the signals' `depth_limit` at calls.
    pub depth: usize,
    /// Innermost frame and the instruction after the current one.
    pub base: *mut Value,
    pub pc: *const AtomicU64,
    pub signals: *const Signals,
    /// The exception being handled, or None.
    pub handled: Value,
    pub segment: Gc<Segment>,
    /// While a generator's frame is innermost: the first free word of the segment.
    pub gen_top: *mut Value,
    /// The innermost binding of arguments going on, or null.
    pub binding: *const Binding,
    /// An address below every native frame that may hold values while the loop itself is at work: of the frame that
    /// entered it. 0 while a native that was called from the loop calls others.
    pub loop_entry: usize,
    /// How many runs are below the innermost one on this native stack.
    pub nested: usize,
    pub local: LocalHeap,
    isolate: *const Isolate,
    /// Whether a thread is in this context.
    pub(crate) presence: super::presence::Presence,
    /// For the collector, while no thread is.
    pub(crate) published: super::world::Published,
    /// Lowest native stack address calls may use.
    pub stack_limit: usize,
    /// Highest address of the native stack in use.
    pub stack_base: usize,
    pub fiber: Gc<Fiber>,
    pub type_cache: Box<[TypeCacheEntry]>,
    /// With a park: when it ends by itself.
    pub park_deadline: Option<std::time::Instant>,
    /// The thread's slice is over: it gives way at the next back-edge.
    preempt: bool,
    /// Every safepoint is told to the scheduler, as it drives the threads (see `scheduler::policy`).
    driven: bool,
    /// Parts of other native stacks that hold frames, as address ranges: the scheduler's, and detached threads'.
    pub native_stacks: Vec<(usize, usize)>,
    /// The scheduler's own state.
    pub scheduler: Option<Box<dyn std::any::Any>>,
    /// Guards of `repr` and comparisons of self-containing objects.
    pub repr_guard: Vec<u64>,
    signals_owner: Arc<Signals>,
    isolate_owner: Arc<Isolate>,
    /// How often the world had been stopped when this worker last stood.
    pub(super) stops_seen: u64,
}

/// A remembered class lookup.
#[derive(Clone, Copy)]
pub struct TypeCacheEntry {
    pub class: u64,
    pub name: u64,
    pub version: u32,
    pub value: Value,
}

pub const TYPE_CACHE: usize = 2048;
pub const EMPTY_CACHE_ENTRY: TypeCacheEntry =
    TypeCacheEntry { class: 0, name: 0, version: 0, value: Value::from_bits(0) };

/// Releases an object's byte lock, if it was taken.
pub struct ObjectLock<'a>(Option<&'a Header>);

impl Drop for ObjectLock<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(header) = self.0 {
            header.unlock();
        }
    }
}

impl Ctx {
    /// A context for the calling thread; `setup` makes the first fiber.
    pub(crate) fn new(isolate: Arc<Isolate>, stack_limit: usize, stack_base: usize) -> Ctx {
        let signals = Arc::new(Signals::default());
        signals.depth_limit.store(isolate.recursion_limit.load(Ordering::Relaxed), Ordering::Relaxed);
        Ctx {
            limit: std::ptr::null_mut(),
            depth: 0,
            base: std::ptr::null_mut(),
            pc: std::ptr::null(),
            signals: Arc::as_ptr(&signals),
            handled: Value::NONE,
            // SAFETY: dangling until `attach_fiber`; nothing runs before that.
            segment: unsafe { Gc::from_raw(std::ptr::NonNull::dangling().as_ptr()) },
            gen_top: std::ptr::null_mut(),
            binding: std::ptr::null(),
            loop_entry: 0,
            nested: 0,
            local: LocalHeap::default(),
            isolate: Arc::as_ptr(&isolate),
            presence: super::presence::Presence::default(),
            published: super::world::Published::default(),
            stops_seen: 0,
            stack_limit,
            stack_base,
            // SAFETY: as for `segment`.
            fiber: unsafe { Gc::from_raw(std::ptr::NonNull::dangling().as_ptr()) },
            // SAFETY: zeros are empty entries, and the system's zeroed pages are only taken when they are used.
            type_cache: unsafe { Box::new_zeroed_slice(TYPE_CACHE).assume_init() },
            park_deadline: None,
            preempt: false,
            driven: false,
            native_stacks: Vec::new(),
            scheduler: None,
            repr_guard: Vec::new(),
            signals_owner: signals,
            isolate_owner: isolate,
        }
    }

    /// The interpreter this context works for.
    #[inline(always)]
    pub fn iso<'a>(&self) -> &'a Isolate {
        // SAFETY: the context holds a count of the isolate, and nothing borrowed from it outlives the context's natives.
        unsafe { &*self.isolate }
    }
    pub fn isolate_arc(&self) -> Arc<Isolate> {
        self.isolate_owner.clone()
    }
    pub fn signals_arc(&self) -> Arc<Signals> {
        self.signals_owner.clone()
    }
    #[inline(always)]
    pub fn names<'a>(&self) -> &'a Names {
        self.iso().names()
    }
    #[inline(always)]
    pub fn class(&self, id: ClassId) -> Gc<Class> {
        self.iso().class(id)
    }
    /// Whether more than one OS thread may touch the heap.
    #[inline(always)]
    pub fn is_shared(&self) -> bool {
        self.iso().shared.load(Ordering::Relaxed)
    }
    /// Takes an object's byte lock for a short section, unless this is the only thread.
    #[inline(always)]
    pub fn lock<'a>(&self, header: &'a Header) -> ObjectLock<'a> {
        if self.is_shared() {
            header.lock();
            ObjectLock(Some(header))
        } else {
            ObjectLock(None)
        }
    }

    // ---- calling into the machine

    /// Calls a script or native callable with positional arguments.
    pub fn call(&mut self, f: Value, args: &[Value]) -> R {
        (self.iso().machine.call)(self, f, args, &[])
    }
    /// Calls with the last `names.len()` of `args` passed by keyword.
    pub fn call_named(&mut self, f: Value, args: &[Value], names: &[Value]) -> R {
        (self.iso().machine.call)(self, f, args, names)
    }

    // ---- polling

    /// For native loops over user-sized data: raises what was asked for (Ctrl-C, limits).
    #[inline]
    pub fn poll(&mut self) -> R<()> {
        // SAFETY: the context owns a count of its signals.
        if unsafe { (*self.signals).interrupt.load(Ordering::Relaxed) } != 0 { self.handle_interrupt() } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    pub fn handle_interrupt(&mut self) -> R<()> {
        let signals = self.signals_owner.clone();
        // Words first, flags after, all in one order with `raise`: the words of a flag set later are not overwritten.
        signals.interrupt.store(0, Ordering::SeqCst);
        signals.depth_limit.store(self.iso().recursion_limit.load(Ordering::Relaxed), Ordering::SeqCst);
        if self.driven {
            signals.raise();
        }
        if signals.stop.swap(false, Ordering::SeqCst) {
            self.safepoint();
        }
        if signals.keyboard.swap(false, Ordering::SeqCst) && (self.iso().machine.interrupt)(self) {
            return Err(self.error(ClassId::KeyboardInterrupt, ""));
        }
        let pending = signals.pending.swap(0, Ordering::SeqCst);
        if pending != 0 {
            (self.iso().machine.signals)(self, pending)?;
        }
        if signals.passed_on.swap(false, Ordering::SeqCst) && (self.iso().machine.take_interrupt)(self) {
            return Err(self.error(ClassId::KeyboardInterrupt, ""));
        }
        if signals.asked.swap(false, Ordering::SeqCst) {
            (self.iso().machine.tell)(self);
        }
        if self.iso().heap.take_over_limit() {
            return Err(self.error(ClassId::MemoryError, ""));
        }
        if signals.preempt.swap(false, Ordering::SeqCst) {
            self.preempt = true;
        }
        if self.driven && (self.iso().machine.safepoint)(self) {
            self.preempt = true;
        }
        self.run_finalizers();
        Ok(())
    }

    /// From now on every safepoint is told to the scheduler.
    pub(crate) fn drive(&mut self) {
        self.driven = true;
        self.signals_owner.raise();
    }

    /// At a call: gives way if the slice is over, which only a driven run does here. Others do at back-edges, where
    /// the thread leaves its native stack.
    pub(crate) fn give_way_at_call(&mut self) -> R<()> {
        if self.driven && self.take_preemption() {
            (self.iso().machine.park)(self, false)?;
        }
        Ok(())
    }

    /// Asks the worker to stop at its next poll (from another thread).
    pub(super) fn request_stop(&self) {
        self.signals_owner.stop.store(true, Ordering::SeqCst);
        self.signals_owner.raise();
    }

    /// Whether the thread is to give way now.
    #[inline]
    pub fn take_preemption(&mut self) -> bool {
        std::mem::take(&mut self.preempt)
    }

    /// Raises RecursionError if the native stack is nearly used up.
    #[inline]
    pub fn check_stack(&mut self) -> R<()> {
        if self.is_stack_low() {
            return Err(self.error(ClassId::RecursionError, "maximum recursion depth exceeded"));
        }
        Ok(())
    }

    /// Whether the native stack is nearly used up.
    #[inline]
    pub fn is_stack_low(&self) -> bool {
        let here = 0u8;
        (&here as *const u8 as usize) < self.stack_limit
    }

    /// The current context of context variables; None: an empty one that nobody has looked at.
    pub fn current_context(&self) -> Value {
        self.fiber.context.get()
    }

    /// Makes another context current.
    pub fn set_current_context(&mut self, context: Value) {
        self.fiber.context.set(context);
    }

    // ---- collection

    /// Calls the `__del__` of objects found dead, and the callbacks of weak references to them.
    pub fn run_finalizers(&mut self) {
        loop {
            let Some(object) = self.iso().to_finalize.lock().pop() else { return };
            let handled = self.handled;
            if let Some(w) = object.cast::<crate::object::misc::WeakRef>() {
                let callback = w.callback.get();
                if let Err(e) = self.call(callback, &[object]) {
                    self.unraisable(e, callback);
                }
            } else if let Some(g) = object.cast::<super::generator::Generator>() {
                (self.iso().machine.abandoned)(self, g);
            } else if let Some(del) = self.lookup_special(object, self.names().__del__)
                && let Err(e) = self.call(del, &[object])
            {
                self.unraisable(e, del);
            }
            if super::greenlet::Greenlet::of(object).is_some()
                && let Err(e) = (self.iso().machine.end_greenlet)(self, object)
            {
                self.unraisable(e, object);
            }
            self.handled = handled;
        }
    }

    /// The first word of the current segment that is neither a frame's nor being filled with arguments.
    #[inline]
    pub fn stack_top(&self) -> *mut Value {
        let top = self.frames_top();
        // SAFETY: a binding lasts as long as the code that set it as the innermost.
        let Some(binding) = (unsafe { self.binding.as_ref() }) else { return top };
        let inside = |at: *mut Value| self.segment.start() <= at && at <= self.segment.end();
        if inside(binding.end) && (!inside(top) || binding.end > top) { binding.end } else { top }
    }

    #[inline]
    fn frames_top(&self) -> *mut Value {
        if self.limit.is_null() || self.base.is_null() {
            return self.gen_top;
        }
        // SAFETY: the innermost frame is a live frame whose code says its size.
        unsafe {
            let code = *self.base.sub(1);
            match code.cast::<crate::object::function::Code>() {
                Some(code) => self.base.add(code.nregs as usize),
                None => self.gen_top,
            }
        }
    }

    // ---- errors

    /// An exception of a builtin class with a message (none if empty), ready to be returned as `Err`.
    #[cold]
    #[inline(never)]
    pub fn error(&mut self, class: ClassId, message: impl AsRef<str>) -> Raised {
        let message = message.as_ref();
        let exc = self.new_exception(class, message);
        self.set_context(exc);
        Raised(exc)
    }
    #[cold]
    pub fn type_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.error(ClassId::TypeError, message)
    }
    #[cold]
    pub fn value_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.error(ClassId::ValueError, message)
    }
    #[cold]
    pub fn index_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.error(ClassId::IndexError, message)
    }
    #[cold]
    pub fn runtime_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.error(ClassId::RuntimeError, message)
    }
    #[cold]
    pub fn overflow_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.error(ClassId::OverflowError, message)
    }
    #[cold]
    pub fn zero_division(&mut self, message: impl AsRef<str>) -> Raised {
        self.error(ClassId::ZeroDivisionError, message)
    }
    #[cold]
    pub fn attribute_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.error(ClassId::AttributeError, message)
    }
    #[cold]
    pub fn memory_error(&mut self) -> Raised {
        self.error(ClassId::MemoryError, "")
    }
    /// KeyError whose argument is the key itself.
    #[cold]
    pub fn key_error(&mut self, key: Value) -> Raised {
        self.error_with(ClassId::KeyError, &[key])
    }
    /// An exception of a builtin class with given arguments.
    #[cold]
    pub fn error_with(&mut self, class: ClassId, args: &[Value]) -> Raised {
        let exc = self.new_exception_with(class, args);
        self.set_context(exc);
        Raised(exc)
    }
}

/// Copies the callee-saved registers to memory.
#[inline(always)]
pub(crate) fn spill_registers(into: &mut [usize; 8]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: stores registers into the array, nothing else.
    unsafe {
        std::arch::asm!(
            "mov [{0}], rbx", "mov [{0} + 8], rbp", "mov [{0} + 16], r12", "mov [{0} + 24], r13",
            "mov [{0} + 32], r14", "mov [{0} + 40], r15",
            in(reg) into.as_mut_ptr(), options(nostack)
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; x19..x28 are callee-saved, the rest are spilled by the call itself.
    unsafe {
        std::arch::asm!(
            "stp x19, x20, [{0}]", "stp x21, x22, [{0}, 16]", "stp x23, x24, [{0}, 32]", "stp x25, x26, [{0}, 48]",
            in(reg) into.as_mut_ptr(), options(nostack)
        );
    }
}

impl Drop for Ctx {
    fn drop(&mut self) {
        let iso = self.isolate_owner.clone();
        iso.world.remove(self);
    }
}
