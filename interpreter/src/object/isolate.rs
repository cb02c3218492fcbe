//! An interpreter's shared state: one heap and everything that belongs to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::heap::{Budget, Header, Heap, LocalHeap, Marker, Owner, Stop, complete};
use crate::native::{Ctx, ModuleDef, R};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::kind::ClassId;
use crate::object::module::Module;
use crate::object::names::Names;
use crate::object::shape::Shapes;
use crate::object::string::Str;
use crate::object::trace;
use crate::text::packed::Packed;
use crate::value::{Gc, Slot, Value};

/// The machine as natives see it from below: set once by the upper tiers.
pub struct Machine {
    /// Calls `f` with positional arguments, the last `names.len()` of which are named.
    pub call: fn(&mut Ctx, Value, &[Value], &[Value]) -> R,
    /// Resumes a generator with a sent value (or, with `throw`, raises it inside): `Ok(Some)` it yielded.
    pub resume: fn(&mut Ctx, Gc<super::generator::Generator>, Value, bool) -> R<Option<Value>>,
    /// Compiles and instantiates source text: (source, file name, mode, flags).
    pub compile: fn(&mut Ctx, Value, &str, &str, u32) -> R,
    /// Runs a code object in a namespace, with separate locals if the second is not unbound.
    pub exec: fn(&mut Ctx, Value, Gc<Dict>, Value) -> R,
    /// The running thread waits (its machine state is in the context): returns the value it is woken with.
    /// Without the flag it only gives way to others.
    pub park: fn(&mut Ctx, bool) -> R,
    /// SIGINT has come: whether KeyboardInterrupt is to be raised here; else it is passed on to the main thread.
    pub interrupt: fn(&mut Ctx) -> bool,
    /// Signals that scripts handle have come, a bit for each: acts on them, or passes them on to the main thread.
    pub signals: fn(&mut Ctx, u64) -> R<()>,
    /// Whether SIGINT has been passed on to the running thread, which is to raise KeyboardInterrupt now.
    pub take_interrupt: fn(&mut Ctx) -> bool,
    /// Somebody asks what the threads are doing.
    pub tell: fn(&mut Ctx),
    /// The running thread is at a safepoint of a driven run: whether its slice is over.
    pub safepoint: fn(&mut Ctx) -> bool,
    /// Ends a greenlet that was found dead.
    pub end_greenlet: fn(&mut Ctx, Value) -> R<()>,
    /// A module is to be loaded: by whom. Waits while another thread does it.
    pub begin_import: fn(&mut Ctx, &str) -> R<Turn>,
    /// The module that was the caller's to load is loaded, or has failed.
    pub end_import: fn(&mut Ctx, &str),
    /// A generator or coroutine has been found dead, or is left at the end: it is closed, or told of.
    pub abandoned: fn(&mut Ctx, Gc<super::generator::Generator>),
    /// Gives a library module its `__spec__` and `__loader__`.
    pub describe: fn(&mut Ctx, Gc<Module>) -> R<()>,
}

/// Who loads a module that is not there, or not ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// The caller; `Machine::end_import` has to follow.
    Mine,
    /// Another thread has, or has tried to.
    Over,
    /// Another thread that waits for this one, or this one itself: what there is has to do.
    Partial,
}

/// A native module known to the interpreter, and modules written in Conc.
#[derive(Clone, Copy)]
pub enum BuiltinModule {
    Native(&'static ModuleDef),
    /// (name, source text)
    Source(&'static str, Packed),
    /// (name, why it cannot be had)
    Refused(&'static str, &'static str),
}

impl BuiltinModule {
    pub fn name(&self) -> &'static str {
        match self {
            BuiltinModule::Native(def) => def.name,
            BuiltinModule::Source(name, _) | BuiltinModule::Refused(name, _) => name,
        }
    }
}

/// One interpreter.
pub struct Isolate {
    pub heap: Heap,
    pub shapes: Shapes,
    /// More than one OS thread may touch the heap: structural writes take byte locks.
    pub shared: AtomicBool,
    interned: Mutex<HashTable<Gc<Str>>>,
    pub hash_key: (u64, u64),
    /// Builtin classes by [`ClassId`].
    pub classes: Box<[Slot]>,
    pub names: OnceLock<Names>,
    pub roots: Roots,
    pub machine: &'static Machine,
    pub library: Mutex<Vec<BuiltinModule>>,
    next_version: AtomicU32,
    pub type_lock: Mutex<()>,
    pub world: super::world::World,
    pub recursion_limit: AtomicUsize,
    /// Objects with Rust payloads, dropped when found dead.
    pub payloads: Mutex<Vec<usize>>,
    /// Weak references in existence.
    pub weakrefs: Mutex<Vec<usize>>,
    /// The plain weak reference to an object, by the object: there is at most one.
    pub plain_weakrefs: Mutex<hashbrown::HashMap<usize, usize>>,
    /// Objects with `__del__` that have not been finalised.
    pub finalizable: Mutex<Vec<usize>>,
    /// Generators and coroutines that have to be seen to if they are found dead before they have ended.
    pub watched: Mutex<Vec<usize>>,
    /// Dead ones whose `__del__` is to be called, and weak references whose callback is.
    pub to_finalize: Mutex<Vec<Value>>,
    /// Handles held by the host.
    pub handles: Mutex<Handles>,
    /// Threads of the host may call that are not inside: then no wait is known never to end.
    pub open: AtomicBool,
    /// The scheduler, made when the first thread or wait needs it.
    pub scheduler: OnceLock<Arc<dyn std::any::Any + Send + Sync>>,
    pub gc_enabled: AtomicBool,
    pub int_max_str_digits: AtomicUsize,
    /// Names of modules whose code is running for the first time.
    pub initializing: Mutex<Vec<String>>,
    /// How many modules are being loaded.
    pub importing: AtomicUsize,
    pub hash_seed: Option<u64>,
    /// The seed of a run whose every choice comes from it.
    pub seed: Option<u64>,
    /// How often its generator of random numbers has been drawn from.
    pub draws: AtomicU64,
    /// The folder of the main program, if it is searched for modules.
    pub program_folder: OnceLock<PathBuf>,
    /// Writes out what file objects hold back. Set by the library when it opens the first one.
    pub flush_files: OnceLock<fn()>,
}

/// Single objects the machine holds on to.
#[derive(Default)]
pub struct Roots {
    pub builtins: RootSlot,
    pub modules: RootSlot,
    pub sys: RootSlot,
    pub empty_tuple: RootSlot,
    pub empty_str: RootSlot,
    pub empty_bytes: RootSlot,
    pub empty_table: RootSlot,
    pub empty_buffer: RootSlot,
    /// One-character strings of Latin-1, a tuple.
    pub chars: RootSlot,
    pub nan: RootSlot,
    pub infinity: RootSlot,
    pub neg_infinity: RootSlot,
    /// Machine code stubs: code objects.
    pub exit_stub: RootSlot,
    pub segment_stub: RootSlot,
    pub init_stub: RootSlot,
    pub native_stub: RootSlot,
    pub special_stub: RootSlot,
    /// The machine's own resumable natives, in a tuple.
    pub machine_natives: RootSlot,
    /// The class of `_thread.lock` objects.
    pub lock_class: RootSlot,
    /// The class of `_thread.RLock` objects.
    pub rlock_class: RootSlot,
    /// The native that is the first frame of every `threading.Thread`.
    pub thread_bootstrap: RootSlot,
    /// The native classes of asyncio, a tuple, once that has been imported.
    pub asyncio: RootSlot,
    pub main_thread: RootSlot,
    /// What greenlets are made of, in a tuple (see `sync::greenlet`); unbound: there are none.
    pub greenlets: RootSlot,
    /// What reports an exception that nobody can catch, called with it and its source; unbound: only stderr is told.
    pub unraisable: RootSlot,
    /// Calls the scripts' handlers of signals; unbound: there are none.
    pub signal_hook: RootSlot,
    pub extra: RootSlot,
    /// Codec error handlers by name, a dict (unbound: none registered).
    pub codec_errors: RootSlot,
    /// Codec search functions, a list (unbound: none registered).
    pub codec_search: RootSlot,
}

/// A slot that starts unbound.
pub struct RootSlot(pub Slot);

impl Default for RootSlot {
    fn default() -> Self {
        RootSlot(Slot::new(Value::UNBOUND))
    }
}

impl std::ops::Deref for RootSlot {
    type Target = Slot;
    fn deref(&self) -> &Slot {
        &self.0
    }
}

impl Roots {
    fn all(&self) -> [&RootSlot; 29] {
        [
            &self.builtins,
            &self.modules,
            &self.sys,
            &self.empty_tuple,
            &self.empty_str,
            &self.empty_bytes,
            &self.empty_table,
            &self.empty_buffer,
            &self.chars,
            &self.nan,
            &self.infinity,
            &self.neg_infinity,
            &self.exit_stub,
            &self.segment_stub,
            &self.init_stub,
            &self.native_stub,
            &self.special_stub,
            &self.machine_natives,
            &self.lock_class,
            &self.rlock_class,
            &self.thread_bootstrap,
            &self.asyncio,
            &self.main_thread,
            &self.greenlets,
            &self.unraisable,
            &self.signal_hook,
            &self.extra,
            &self.codec_errors,
            &self.codec_search,
        ]
    }
}

/// Values kept alive for the host, by number.
#[derive(Default)]
pub struct Handles {
    values: Vec<u64>,
    free: Vec<usize>,
    /// Counts what was added and released.
    changes: u64,
}

impl Handles {
    pub fn add(&mut self, value: Value) -> usize {
        self.changes += 1;
        if let Some(i) = self.free.pop() {
            self.values[i] = value.bits();
            return i;
        }
        self.values.push(value.bits());
        self.values.len() - 1
    }
    pub fn get(&self, handle: usize) -> Value {
        self.values.get(handle).map_or(Value::NONE, |&bits| Value::from_bits(bits))
    }
    pub fn release(&mut self, handle: usize) {
        if let Some(v) = self.values.get_mut(handle) {
            self.changes += 1;
            *v = Value::NONE.bits();
            self.free.push(handle);
        }
    }
    pub fn changes(&self) -> u64 {
        self.changes
    }
    /// The numbers of handles are below this.
    pub fn count(&self) -> usize {
        self.values.len()
    }
    pub fn iter(&self) -> impl Iterator<Item = Value> {
        self.values.iter().map(|&bits| Value::from_bits(bits))
    }
}

// SAFETY: values inside are only followed by the interpreter's own threads, which coordinate through safepoints and
// the locks above; everything else is synchronised.
unsafe impl Send for Isolate {}
// SAFETY: as above.
unsafe impl Sync for Isolate {}

impl Isolate {
    pub fn new(machine: &'static Machine, library: Vec<BuiltinModule>, seed: Option<u64>) -> Arc<Isolate> {
        let hash_seed: Option<u64> = match std::env::var("PYTHONHASHSEED").ok().as_deref() {
            None | Some("random") => seed,
            Some(text) => text.parse().ok(),
        };
        let hash_key = match hash_seed {
            Some(seed) => (seed, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995),
            None => random_key(),
        };
        Arc::new(Isolate {
            heap: Heap::new(trace::trace, trace::LEAVES),
            shapes: Shapes::new(),
            shared: AtomicBool::new(false),
            interned: Mutex::new(HashTable::new()),
            hash_key,
            classes: (0..ClassId::COUNT).map(|_| Slot::new(Value::UNBOUND)).collect(),
            names: OnceLock::new(),
            roots: Roots::default(),
            machine,
            library: Mutex::new(library),
            next_version: AtomicU32::new(1),
            type_lock: Mutex::new(()),
            world: super::world::World::default(),
            recursion_limit: AtomicUsize::new(1000),
            payloads: Mutex::new(Vec::new()),
            weakrefs: Mutex::new(Vec::new()),
            plain_weakrefs: Mutex::new(hashbrown::HashMap::new()),
            finalizable: Mutex::new(Vec::new()),
            watched: Mutex::new(Vec::new()),
            to_finalize: Mutex::new(Vec::new()),
            handles: Mutex::new(Handles::default()),
            open: AtomicBool::new(false),
            scheduler: OnceLock::new(),
            gc_enabled: AtomicBool::new(true),
            int_max_str_digits: AtomicUsize::new(4300),
            initializing: Mutex::new(Vec::new()),
            importing: AtomicUsize::new(0),
            hash_seed,
            seed,
            draws: AtomicU64::new(0),
            program_folder: OnceLock::new(),
            flush_files: OnceLock::new(),
        })
    }

    #[inline(always)]
    pub fn class(&self, id: ClassId) -> Gc<Class> {
        self.classes[id as usize].obj()
    }

    /// A class version never used before.
    pub fn fresh_version(&self) -> u32 {
        self.next_version.fetch_add(1, Ordering::Relaxed)
    }

    #[inline(always)]
    pub fn names(&self) -> &Names {
        match self.names.get() {
            Some(names) => names,
            None => unreachable!("names are made first"),
        }
    }

    /// Finds the interned str of a text, or makes it with `make`.
    pub fn intern(&self, text: &[u8], hash: u64, make: impl FnOnce() -> Gc<Str>) -> Gc<Str> {
        if let Some(&s) = self.interned.lock().find(hash, |s| s.as_bytes() == text) {
            return s;
        }
        // Making may collect, and a collection prunes the table: not under its lock.
        let new = make();
        let mut table = self.interned.lock();
        if let Some(&s) = table.find(hash, |s| s.as_bytes() == text) {
            return s;
        }
        new.header().set_flag(crate::heap::header::flag::INTERNED);
        table.insert_unique(hash, new, |s| s.hash.load(Ordering::Relaxed));
        new
    }

    /// Collects garbage with the world stopped: all of it, or a slice's worth. `stacks` marks from the stacks of all
    /// workers.
    pub fn collect(&self, locals: &mut [&mut LocalHeap], stacks: &dyn Fn(&mut Marker), whole: bool) -> Stop {
        for local in locals.iter_mut() {
            self.watched.lock().append(&mut local.watched);
            local.spares = Default::default();
        }
        let owner = &mut Collected { isolate: self, stacks };
        if whole {
            self.heap.collect(locals, owner);
            return Stop::Whole;
        }
        self.heap.slice(locals, owner)
    }

    /// What is live apart from what stacks refer to.
    fn mark_roots(&self, marker: &mut Marker) {
        for slot in self.roots.all() {
            trace::mark(marker, slot.get());
        }
        for slot in &self.classes {
            trace::mark(marker, slot.get());
        }
        for value in self.handles.lock().iter() {
            trace::mark(marker, value);
        }
        for &value in self.to_finalize.lock().iter() {
            trace::mark(marker, value);
        }
        // A static cell of names would be unreachable otherwise.
        if let Some(names) = self.names.get() {
            trace::mark_names(marker, names);
        }
    }

    /// An object keeps the class that its shape belongs to.
    fn mark_shapes(&self, marker: &mut Marker, shapes: Vec<u32>) {
        // 0 and the first ids belong to the machine's own objects and to builtin classes, which are roots.
        for id in shapes.into_iter().filter(|&id| id >= ClassId::COUNT as u32) {
            trace::mark(marker, self.shapes.get(id).class.get());
        }
    }

    /// Whether a dead object was to be finalized for nothing but a greenlet's end that has come already.
    fn has_nothing_to_end(&self, object: Value) -> bool {
        let Some(g) = super::greenlet::Greenlet::of(object) else { return false };
        let class = self.shapes.get(g.object().header().shape()).class.obj::<Class>();
        g.state() == super::greenlet::State::Dead && !class.has(super::class::class_flag::FINALIZER)
    }

    /// With everything reachable marked: finalizers, then weak references, payloads and the intern table.
    fn after_mark(&self, marker: &mut Marker) {
        let mut dying = Vec::new();
        self.finalizable.lock().retain(|&object| {
            let live = marker.is_marked(object as *mut Header);
            let value = Value::from_object(object as *const Header);
            if !live && !self.has_nothing_to_end(value) {
                dying.push(value);
            }
            live
        });
        self.watched.lock().retain(|&object| {
            let live = marker.is_marked(object as *mut Header);
            // SAFETY: a cell that was live at the last collection is not used again before this one.
            let (watched, abandoned) =
                unsafe { (super::generator::is_watched(object), super::generator::is_abandoned(object)) };
            if abandoned && !live {
                // SAFETY: as above. Whoever sees to it knows it.
                unsafe { (*(object as *const super::generator::Generator)).set_lent(false) };
                dying.push(Value::from_object(object as *const Header));
            }
            watched && live
        });
        // Weak references to an object die before its finalizer runs.
        let weakrefs = std::mem::take(&mut *self.weakrefs.lock());
        let mut kept = Vec::with_capacity(weakrefs.len());
        let mut notify = Vec::new();
        let alive = |object: usize| marker.is_marked(object as *mut Header);
        self.plain_weakrefs.lock().retain(|target, weakref| alive(*target) && alive(*weakref));
        for object in weakrefs {
            if trace::clear_weakref(marker, object as *mut Header) && marker.is_marked(object as *mut Header) {
                notify.push(Value::from_object(object as *const Header));
            }
            kept.push(object);
        }
        for &object in &dying {
            trace::mark(marker, object);
        }
        let stacks = &|_: &mut Marker| {};
        complete(marker, &mut Collected { isolate: self, stacks }, &mut Budget::unlimited());
        kept.retain(|&object| marker.is_marked(object as *mut Header));
        *self.weakrefs.lock() = kept;
        let mut to_finalize = self.to_finalize.lock();
        to_finalize.extend(dying);
        to_finalize.extend(notify);
        drop(to_finalize);
        self.payloads.lock().retain(|&object| {
            let live = marker.is_marked(object as *mut Header);
            if live {
                trace::sweep_caches(marker, object as *mut Header);
            } else {
                trace::drop_payload(object as *mut Header);
            }
            live
        });
        let marks = &*marker;
        let mut names = Vec::new();
        self.shapes.sweep(
            |class| class.is_object() && marks.is_marked(class.object()),
            |name| {
                if name.is_object() {
                    names.push(name.object());
                }
            },
        );
        names.into_iter().for_each(|name| marker.mark(name));
        marker.drain(&mut Budget::unlimited());
        self.interned.lock().retain(|s| marker.is_marked(s.as_ptr() as *mut Header));
    }
}

/// An isolate in a collection.
struct Collected<'a> {
    isolate: &'a Isolate,
    stacks: &'a dyn Fn(&mut Marker),
}

impl Owner for Collected<'_> {
    fn mark_roots(&mut self, marker: &mut Marker) {
        (self.stacks)(marker);
        self.isolate.mark_roots(marker);
    }
    fn mark_shapes(&mut self, marker: &mut Marker, shapes: Vec<u32>) {
        self.isolate.mark_shapes(marker, shapes);
    }
    fn after_mark(&mut self, marker: &mut Marker) {
        self.isolate.after_mark(marker);
    }
    fn describe(&self, kind: u8, shape: u32) -> String {
        let class = self.isolate.shapes.find(shape).and_then(|shape| shape.class.get().cast::<Class>());
        let kind = super::kind::Kind::of(kind);
        class.map_or_else(|| format!("{kind:?}"), |class| format!("{kind:?} of class {}", class.name_text()))
    }
}

impl Drop for Isolate {
    fn drop(&mut self) {
        for &object in self.payloads.get_mut().iter() {
            trace::drop_payload(object as *mut Header);
        }
    }
}

fn random_key() -> (u64, u64) {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(1), RandomState::new().hash_one(2))
}
