//! Shapes: which attribute lies in which slot of an object.
//!
//! A shape belongs to one class and one inline capacity. Adding an attribute follows a transition to a child shape;
//! a slot number once given to a name in an object stays that name's. Ids are never reused, so a stale inline cache
//! can only miss.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::value::{Slot, Value};

pub struct Shape {
    pub id: u32,
    pub class: Slot,
    /// Slots inside the instance; the rest are in overflow chunks.
    pub inline: u16,
    /// Named slots.
    pub count: u16,
    /// The shape this one adds a name to; 0: this is a root.
    pub parent: u32,
    /// The name added, an interned str; unbound in a root.
    pub name: Slot,
    /// Attributes live in a dict of the script's in slot 0 (`obj.__dict__ = d`).
    pub foreign: bool,
    children: Mutex<Vec<(Value, u32)>>,
    index: OnceLock<HashMap<u64, u16>>,
}

// SAFETY: values inside are only followed by threads of the owning interpreter; the containers are synchronised.
unsafe impl Send for Shape {}
// SAFETY: as above.
unsafe impl Sync for Shape {}

/// Shapes in the first chunk; each further one has twice as many.
const FIRST: u32 = 64;
/// Enough for every id.
const CHUNKS: usize = 26;
/// Names up to this many are found by walking the parents.
const WALK_LIMIT: u16 = 8;

/// All shapes of an interpreter by id.
pub struct Shapes {
    chunks: [OnceLock<Box<[OnceLock<Shape>]>>; CHUNKS],
    next: AtomicU32,
}

impl Default for Shapes {
    fn default() -> Self {
        Shapes::new()
    }
}

impl Shapes {
    pub fn new() -> Shapes {
        let chunks = [const { OnceLock::new() }; CHUNKS];
        Shapes { chunks, next: AtomicU32::new(1) }
    }

    /// The chunk of an id and the place in it.
    #[inline(always)]
    fn place(id: u32) -> (usize, usize) {
        let chunk = (id / FIRST + 1).ilog2();
        (chunk as usize, (id - FIRST * ((1 << chunk) - 1)) as usize)
    }

    /// The shape of an id found in an object's header.
    #[inline(always)]
    pub fn get(&self, id: u32) -> &Shape {
        let (chunk, at) = Self::place(id);
        match self.chunks.get(chunk).and_then(OnceLock::get).and_then(|chunk| chunk[at].get()) {
            Some(shape) => shape,
            None => missing(id),
        }
    }

    /// The same of any number.
    pub fn find(&self, id: u32) -> Option<&Shape> {
        let (chunk, at) = Self::place(id);
        self.chunks.get(chunk)?.get()?.get(at)?.get()
    }

    /// A root shape for instances of `class`.
    pub fn root(&self, class: Value, inline: u16) -> u32 {
        self.add(class, inline, 0, 0, Value::UNBOUND, false)
    }

    /// The shape of objects of `class` whose attributes live in a foreign dict.
    /// `root` names the class's `__slots__`, which stay where they are.
    pub fn foreign(&self, root: &Shape, inline: u16) -> u32 {
        self.add(root.class.get(), inline, root.count + 1, root.id, Value::UNBOUND, true)
    }

    fn add(&self, class: Value, inline: u16, count: u16, parent: u32, name: Value, foreign: bool) -> u32 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (chunk, at) = Self::place(id);
        let size = FIRST << chunk;
        let chunk = self.chunks[chunk].get_or_init(|| (0..size).map(|_| OnceLock::new()).collect());
        let shape = Shape {
            id,
            class: Slot::new(class),
            inline,
            count,
            parent,
            name: Slot::new(name),
            foreign,
            children: Mutex::new(Vec::new()),
            index: OnceLock::new(),
        };
        let _ = chunk[at].set(shape);
        id
    }

    /// The child of `shape` that adds `name`.
    pub fn child(&self, shape: &Shape, name: Value) -> u32 {
        let mut children = shape.children.lock();
        if let Some(&(_, id)) = children.iter().find(|(n, _)| *n == name) {
            return id;
        }
        let id = self.add(shape.class.get(), shape.inline, shape.count + 1, shape.id, name, false);
        children.push((name, id));
        id
    }

    /// The slot of an interned name.
    pub fn slot(&self, shape: &Shape, name: Value) -> Option<usize> {
        if shape.count <= WALK_LIMIT {
            let mut at = shape;
            while at.parent != 0 {
                if at.name.get() == name {
                    return Some(at.count as usize - 1);
                }
                at = self.get(at.parent);
            }
            return None;
        }
        let index = shape.index.get_or_init(|| self.names(shape).into_iter().map(|(n, i)| (n.bits(), i)).collect());
        index.get(&name.bits()).map(|&i| i as usize)
    }

    /// All names with their slots, in the order they were added.
    pub fn names(&self, shape: &Shape) -> Vec<(Value, u16)> {
        let mut names = Vec::with_capacity(shape.count as usize);
        let mut at = shape;
        while at.parent != 0 {
            names.push((at.name.get(), at.count - 1));
            at = self.get(at.parent);
        }
        names.reverse();
        names
    }

    /// With every live class marked: shows `mark` the names that their shapes add, and empties the shapes of dead
    /// classes. No object has one of those, and ids are never reused.
    pub fn sweep(&self, is_live: impl Fn(Value) -> bool, mut mark: impl FnMut(Value)) {
        for id in 1..self.next.load(Ordering::Relaxed) {
            let shape = self.get(id);
            if is_live(shape.class.get()) {
                mark(shape.name.get());
            } else {
                shape.class.set_immediate(Value::UNBOUND);
                shape.name.set_immediate(Value::UNBOUND);
                *shape.children.lock() = Vec::new();
            }
        }
    }
}

#[cold]
fn missing(id: u32) -> ! {
    unreachable!("no shape {id}")
}
