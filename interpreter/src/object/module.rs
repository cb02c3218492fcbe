//! Modules.

use crate::heap::Header;
use crate::object::dict::Dict;
use crate::object_kind;
use crate::value::{Gc, Slot};

/// A module: its namespace is a dict of cells.
#[repr(C)]
pub struct Module {
    pub header: Header,
    pub dict: Slot,
    /// `ModuleDef` address of a native module whose functions are still to be made, or 0 (an int).
    pub lazy: Slot,
    pub attrs: Slot,
}
object_kind!(Module, Module);

impl Module {
    pub fn dict(&self) -> Gc<Dict> {
        self.dict.obj()
    }
}
