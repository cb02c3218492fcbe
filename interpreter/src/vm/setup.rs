//! Making an interpreter: bootstrap, builtins, `sys`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::isolate::{BuiltinModule, Isolate, Machine};
use crate::object::kind::CLASSES;
use crate::object::module::Module;
use crate::value::{Gc, Value};

static MACHINE: Machine = Machine {
    call: super::call::call,
    resume: super::generator::resume,
    compile: super::compile::compile,
    exec: super::compile::exec,
    park: crate::scheduler::park,
    interrupt: crate::scheduler::interrupt,
    signals: crate::scheduler::signals::come,
    take_interrupt: crate::scheduler::take_interrupt,
    tell: crate::scheduler::tell,
    safepoint: crate::scheduler::safepoint,
    end_greenlet: crate::scheduler::greenlet::finalize,
    begin_import: crate::scheduler::loading::begin,
    end_import: crate::scheduler::loading::end,
    abandoned: super::abandoned::abandoned,
    describe: super::import::describe,
};

/// Words of a fiber's first segment.
const FIRST_SEGMENT: usize = 1024;
/// Native stack left for code that does not check.
const STACK_RESERVE: usize = 256 << 10;

/// A context for a new interpreter whose main script will run on the calling thread.
pub fn new_interpreter(library: Vec<BuiltinModule>) -> R<Box<Ctx>> {
    make_interpreter(library, None)
}

/// The same for a run whose every choice comes from a seed.
pub fn seeded_interpreter(library: Vec<BuiltinModule>, seed: u64) -> R<Box<Ctx>> {
    // Hashes and orders of objects come from their addresses.
    crate::heap::fix_addresses();
    make_interpreter(library, Some(seed))
}

fn make_interpreter(library: Vec<BuiltinModule>, seed: Option<u64>) -> R<Box<Ctx>> {
    let isolate = Isolate::new(&MACHINE, library, seed);
    let mut cx = attach(isolate)?;
    cx.iso().world.add(&mut cx);
    // Nothing is reachable from the roots before they are set up.
    cx.iso().gc_enabled.store(false, Ordering::Relaxed);
    cx.bootstrap();
    start_fiber(&mut cx)?;
    cx.make_stubs()?;
    cx.iso().gc_enabled.store(true, Ordering::Relaxed);
    crate::object::methods::install(&mut cx);
    super::methods::install(&mut cx);
    make_builtins(&mut cx)?;
    cx.iso().heap.ready();
    Ok(cx)
}

/// A second worker's context for an interpreter: the heap is shared from now on.
///
/// Made by the interpreter's first worker and sent to the thread that will use it; see [`Worker::enter`].
pub fn new_worker(cx: &mut Ctx) -> R<Worker> {
    cx.iso().shared.store(true, Ordering::SeqCst);
    let segment = cx.new_segment(FIRST_SEGMENT)?;
    let fiber = cx.new_fiber(segment);
    let fiber = cx.iso().handles.lock().add(fiber.value());
    Ok(Worker { isolate: cx.isolate_arc(), fiber })
}

/// A worker that has not started.
pub struct Worker {
    isolate: Arc<Isolate>,
    /// Host handle of its fiber.
    fiber: usize,
}

impl Worker {
    /// The context of the calling thread for this worker.
    pub fn enter(self) -> R<Box<Ctx>> {
        let mut cx = attach(self.isolate)?;
        let fiber = cx.iso().handles.lock().get(self.fiber);
        if let Some(fiber) = fiber.cast::<crate::object::stack::Fiber>() {
            cx.segment = fiber.segment.obj();
            cx.fiber = fiber;
            cx.gen_top = cx.segment.start();
        }
        cx.iso().world.add(&mut cx);
        Ok(cx)
    }
}

/// A further context for a host's threads, which share the heap from now on; `prepare` sees to the first one if they did
/// not. The calling thread is in it.
pub(crate) fn new_seat(isolate: Arc<Isolate>, prepare: impl FnOnce(&mut Ctx)) -> R<Box<Ctx>> {
    isolate.world.share(&isolate, prepare);
    let mut cx = attach(isolate)?;
    cx.iso().world.add(&mut cx);
    start_fiber(&mut cx)?;
    Ok(cx)
}

/// A context of the calling thread.
fn attach(isolate: Arc<Isolate>) -> R<Box<Ctx>> {
    let (low, high) = stack_in_use();
    Ok(Box::new(Ctx::new(isolate, stack_limit(low, high), high)))
}

/// Gives the context a stack for script frames.
pub(crate) fn start_fiber(cx: &mut Ctx) -> R<()> {
    let segment = cx.new_segment(FIRST_SEGMENT)?;
    let fiber = cx.new_fiber(segment);
    cx.segment = segment;
    cx.fiber = fiber;
    cx.gen_top = segment.start();
    Ok(())
}

/// The `builtins`, `sys` and `__main__` modules.
fn make_builtins(cx: &mut Ctx) -> R<()> {
    let modules = cx.new_dict();
    cx.iso().roots.modules.set(modules.value());
    let builtins = super::import::new_module(cx, "builtins");
    let dict = builtins.dict();
    cx.iso().roots.builtins.set(dict.value());
    for row in CLASSES {
        let plain = !row.name.contains('.') && is_builtin_name(row.id);
        if plain {
            let name = cx.intern(row.name);
            let class = cx.class(row.id).value();
            dict.set_str(cx, name, class);
        }
    }
    for (alias, id) in [
        ("EnvironmentError", crate::object::kind::ClassId::OSError),
        ("IOError", crate::object::kind::ClassId::OSError),
    ] {
        let name = cx.intern(alias);
        let class = cx.class(id).value();
        dict.set_str(cx, name, class);
    }
    for (name, value) in [
        ("None", Value::NONE),
        ("True", Value::TRUE),
        ("False", Value::FALSE),
        ("Ellipsis", Value::ELLIPSIS),
        ("NotImplemented", Value::NOT_IMPLEMENTED),
        ("__debug__", Value::TRUE),
    ] {
        let name = cx.intern(name);
        dict.set_str(cx, name, value);
    }
    install_native(cx, builtins, "builtins")?;
    let key = cx.str("builtins");
    modules.set(cx, key, builtins.value())?;
    // sys is found through its root even if a script drops it from sys.modules.
    if has_native(cx, "sys") {
        let sys = super::import::import_module(cx, "sys")?;
        cx.iso().roots.sys.set(sys);
    }
    let main = super::import::new_module(cx, "__main__");
    let n = cx.names();
    main.dict().set_str(cx, n.__builtins__, builtins.value());
    let key = cx.str("__main__");
    modules.set(cx, key, main.value())?;
    cx.iso().roots.main_thread.set(main.value());
    Ok(())
}

fn find_native(cx: &Ctx, name: &str) -> Option<&'static crate::native::ModuleDef> {
    cx.iso().library.lock().iter().find_map(|m| match m {
        BuiltinModule::Native(def) if def.name == name => Some(*def),
        _ => None,
    })
}

fn has_native(cx: &Ctx, name: &str) -> bool {
    find_native(cx, name).is_some()
}

fn install_native(cx: &mut Ctx, module: Gc<Module>, name: &str) -> R<()> {
    let Some(def) = find_native(cx, name) else { return Ok(()) };
    super::import::fill_native(cx, module, def)?;
    match def.init {
        Some(init) => init(cx, module),
        None => Ok(()),
    }
}

/// Whether a builtin class has its name in `builtins`.
fn is_builtin_name(id: crate::object::kind::ClassId) -> bool {
    use crate::object::kind::ClassId::*;
    let row = id.row();
    if row.kind == crate::object::kind::Kind::Exception {
        return true;
    }
    matches!(
        id,
        Object
            | Type
            | Int
            | Bool
            | Float
            | Complex
            | Str
            | Bytes
            | ByteArray
            | MemoryView
            | List
            | Tuple
            | Dict
            | Set
            | FrozenSet
            | Range
            | Slice
            | Property
            | ClassMethod
            | StaticMethod
            | Super
            | Reversed
            | Enumerate
            | Zip
            | Map
            | Filter
    )
}

/// The lowest address that calls may use of a stack with these bounds.
pub(super) fn stack_limit(low: usize, high: usize) -> usize {
    low + STACK_RESERVE.min((high - low) / 4)
}

/// The bounds of the native stack in use: the calling thread's own, unless it is on another one.
fn stack_in_use() -> (usize, usize) {
    let here = 0u8;
    let here = &raw const here as usize;
    let (low, high) = native_stack();
    if low < here && here < high { (low, high) } else { (here - (128 << 10), here + 4096) }
}

/// The bounds of the calling thread's native stack.
pub(super) fn native_stack() -> (usize, usize) {
    // SAFETY: the attribute object is initialised by the first call and destroyed after use.
    unsafe {
        let mut attr: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attr) == 0 {
            let mut low: *mut libc::c_void = std::ptr::null_mut();
            let mut size = 0usize;
            let ok = libc::pthread_attr_getstack(&attr, &mut low, &mut size) == 0;
            libc::pthread_attr_destroy(&mut attr);
            if ok {
                let high = low as usize + size;
                // The main thread's stack grows up to its limit; never count on more than 8 MiB of it.
                let low = (low as usize).max(high.saturating_sub(8 << 20));
                return (low, high);
            }
        }
        let here = 0u8;
        let here = &here as *const u8 as usize;
        (here - (512 << 10), here + 4096)
    }
}
