//! The symbol table: every scope of a program and what each does with each name.

use std::collections::HashMap;

use conc_grammar::ast::{Span, TypeParamKind};

pub type ScopeId = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompKind {
    List,
    Set,
    Dict,
    Generator,
}

/// The lazily evaluated parts of type-level syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThunkKind {
    Alias,
    Bound,
    Constraint,
    Default(TypeParamKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    Module,
    Function,
    Lambda,
    Class,
    Comp(CompKind),
    TypeParams,
    Thunk(ThunkKind),
}

/// What a scope does with a name: a set of these bits.
pub mod uses {
    pub const PARAM: u16 = 1;
    /// Assigned, defined or deleted.
    pub const LOCAL: u16 = 2;
    pub const USED: u16 = 4;
    pub const GLOBAL: u16 = 8;
    pub const NONLOCAL: u16 = 16;
    pub const ANNOTATED: u16 = 32;
    /// A comprehension's target.
    pub const COMP_TARGET: u16 = 64;
    pub const TYPE_PARAM: u16 = 128;
    /// An inner function reaches it: it lives in a cell.
    pub const CAPTURED: u16 = 256;
    pub const IMPORTED: u16 = 512;
    pub const BOUND: u16 = PARAM | LOCAL | IMPORTED;
}

#[derive(Clone, Debug)]
pub struct Symbol {
    /// Mangled.
    pub name: Box<str>,
    pub uses: u16,
    /// Where it was declared global or nonlocal.
    pub declared: Span,
}

impl Symbol {
    /// It lives in this very scope.
    pub fn is_own(&self) -> bool {
        self.uses & uses::BOUND != 0 && self.uses & (uses::GLOBAL | uses::NONLOCAL) == 0
    }
    pub fn is(&self, bits: u16) -> bool {
        self.uses & bits != 0
    }
}

/// Parameters by count; their names are the scope's first symbols, in register order.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParamCounts {
    pub positional: u16,
    pub posonly: u16,
    pub kwonly: u16,
    pub vararg: bool,
    pub kwarg: bool,
}

#[derive(Debug)]
pub struct Scope {
    pub kind: ScopeKind,
    pub parent: Option<ScopeId>,
    pub symbols: Vec<Symbol>,
    index: HashMap<Box<str>, usize>,
    pub params: ParamCounts,
    /// The class whose name mangles private names here.
    pub private: Option<Box<str>>,
    /// A comprehension that runs in its surrounding code object.
    pub inlined: bool,
    pub is_async: bool,
    pub is_generator: bool,
    /// A `return` with a value, for the async generator check.
    pub returns_value: Option<Span>,
    /// Some name is bound by `:=` (here or in an inlined comprehension).
    pub has_walrus: bool,
    /// Some name is unbound by `del` or at the end of an `except ... as`.
    pub has_unbind: bool,
    /// Names of the class around it are visible, as in a method's type parameters.
    pub sees_class: bool,
    /// A class with a `__class__` cell.
    pub class_cell: bool,
    /// A class whose namespace is reached by a lazily evaluated part.
    pub classdict_cell: bool,
    /// Attributes assigned through `self` in a class's methods, in source order.
    pub static_attributes: Vec<Box<str>>,
    /// Names of the closure's cells, sorted.
    pub free: Vec<Box<str>>,
}

impl Scope {
    pub fn new(kind: ScopeKind, parent: Option<ScopeId>) -> Scope {
        Scope {
            kind,
            parent,
            symbols: Vec::new(),
            index: HashMap::new(),
            params: ParamCounts::default(),
            private: None,
            inlined: false,
            is_async: false,
            is_generator: false,
            returns_value: None,
            has_walrus: false,
            has_unbind: false,
            sees_class: false,
            class_cell: false,
            classdict_cell: false,
            static_attributes: Vec::new(),
            free: Vec::new(),
        }
    }
    pub fn is_function_like(&self) -> bool {
        !matches!(self.kind, ScopeKind::Module | ScopeKind::Class)
    }
    pub fn get(&self, name: &str) -> Option<&Symbol> {
        self.index.get(name).map(|&i| &self.symbols[i])
    }
    pub fn uses(&self, name: &str) -> u16 {
        self.get(name).map_or(0, |s| s.uses)
    }
    /// Records a use of a (mangled) name.
    pub fn add(&mut self, name: &str, bits: u16) -> &mut Symbol {
        let at = match self.index.get(name) {
            Some(&at) => at,
            None => {
                let at = self.symbols.len();
                self.index.insert(name.into(), at);
                self.symbols.push(Symbol { name: name.into(), uses: 0, declared: Span::default() });
                at
            }
        };
        let symbol = &mut self.symbols[at];
        symbol.uses |= bits;
        symbol
    }
    /// The closure index of a free name.
    pub fn free_index(&self, name: &str) -> Option<u16> {
        self.free.iter().position(|free| &**free == name).map(|i| i as u16)
    }
    /// Makes a generator object when called, of one kind or another.
    pub fn is_suspendable(&self) -> bool {
        self.is_generator || self.is_async || self.kind == ScopeKind::Comp(CompKind::Generator)
    }
}

/// The identity of a node that opens a scope: its address, which stays put while the tree is borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeKey(usize, u8);

/// Which of the scopes that one node opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Body,
    TypeParams,
    Bound,
    Default,
}

impl NodeKey {
    pub fn of<T>(node: &T, part: Part) -> NodeKey {
        NodeKey(std::ptr::from_ref(node) as usize, part as u8)
    }
}

/// Every scope of a program, the module's first.
#[derive(Debug, Default)]
pub struct Table {
    pub scopes: Vec<Scope>,
    pub nodes: HashMap<NodeKey, ScopeId>,
}

impl Table {
    /// The scope that a node opened.
    pub fn scope_of<T>(&self, node: &T, part: Part) -> ScopeId {
        self.nodes.get(&NodeKey::of(node, part)).copied().unwrap_or(0)
    }
}
