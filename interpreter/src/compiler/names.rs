//! Loading, storing and deleting names, wherever they live.

use conc_grammar::ast::{Ident, Span};

use super::assemble::Reg;
use super::mangle::mangle;
use super::symbols::{ScopeKind, uses};
use super::unit::{Compiler, Slot};
use crate::bytecode::op::{Op, special};
use crate::bytecode::template::flags;

/// Where a name lives, seen from the code being emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Local(Reg),
    Cell(Reg),
    Free(u16),
    Global,
    /// In the namespace in register 0, then as a global.
    Name,
    /// In the namespace in register 0, then in the closure.
    NameFree(u16),
}

impl<'a> Compiler<'a> {
    pub fn mangle<'n>(&self, name: &'n str) -> std::borrow::Cow<'n, str> {
        mangle(self.scope().private.as_deref(), name)
    }

    /// The place of a (mangled) name.
    pub fn place(&self, name: &str) -> Place {
        for frame in self.unit.comps.iter().rev() {
            if let Some(slot) = frame.slots.get(name) {
                return slot.place();
            }
            if self.table.scopes[frame.scope].uses(name) & uses::GLOBAL != 0 {
                return Place::Global;
            }
        }
        let scope = self.scope();
        let bits = scope.uses(name);
        if bits & uses::GLOBAL != 0 {
            return Place::Global;
        }
        let own = bits & uses::BOUND != 0 && bits & uses::NONLOCAL == 0;
        match scope.kind {
            ScopeKind::Module if self.unit.flags & flags::NAMESPACE != 0 => Place::Name,
            ScopeKind::Module => Place::Global,
            ScopeKind::Class if own => Place::Name,
            ScopeKind::Class => match scope.free_index(name) {
                Some(index) if bits & uses::NONLOCAL != 0 => Place::Free(index),
                Some(index) => Place::NameFree(index),
                None => Place::Name,
            },
            _ => match (self.unit.slots.get(name), scope.free_index(name)) {
                (Some(slot), _) => slot.place(),
                (None, free) if scope.sees_class => self.place_beyond_class(name, free),
                (None, Some(index)) => Place::Free(index),
                (None, None) => Place::Global,
            },
        }
    }

    /// A name in the type parameters of something in a class, where the class's names come first.
    fn place_beyond_class(&self, name: &str, free: Option<u16>) -> Place {
        let mut at = self.scope().parent;
        while let Some(id) = at
            && self.table.scopes[id].kind != ScopeKind::Class
        {
            at = self.table.scopes[id].parent;
        }
        let in_class = at.map_or(0, |id| self.table.scopes[id].uses(name));
        match free {
            _ if in_class & uses::GLOBAL != 0 => Place::Global,
            Some(index) if matches!(name, "__class__" | "__classdict__" | ".type_params") => Place::Free(index),
            Some(index) => Place::NameFree(index),
            None => Place::Name,
        }
    }

    /// The register of a local that is not in a cell.
    pub fn local_register(&self, name: &str) -> Option<Reg> {
        match self.place(&self.mangle(name)) {
            Place::Local(reg) => Some(reg),
            _ => None,
        }
    }

    /// Checks that a local is bound, unless that is certain here.
    pub fn check_bound(&mut self, reg: Reg, name: &str) {
        if !self.unit.bound.has(reg) {
            let name = self.name32(name);
            self.emit_x(Op::CheckBound, 0, reg, name);
            self.unit.bound.add(reg);
        }
    }

    pub fn load_name(&mut self, name: &str, dest: Reg, span: Span) {
        self.mark(span);
        let name = self.mangle(name);
        match self.place(&name) {
            Place::Local(reg) => {
                self.check_bound(reg, &name);
                self.move_to(dest, reg);
            }
            Place::Cell(reg) => {
                let name = self.name16(&name);
                self.emit(Op::GetCell, 0, dest, reg, name);
            }
            Place::Free(index) => {
                let name = self.name16(&name);
                self.emit(Op::GetFree, 0, dest, index, name);
            }
            Place::NameFree(index) => {
                let name = self.name16(&name);
                self.emit(Op::GetNameFree, 0, dest, index, name);
            }
            Place::Global => {
                let name = self.name32(&name);
                self.emit_x(Op::GetGlobal, 0, dest, name);
            }
            Place::Name => {
                let name = self.name32(&name);
                self.emit_x(Op::GetName, 0, dest, name);
            }
        }
    }

    /// Binds a name to the value in `from`.
    pub fn store_name(&mut self, name: &str, from: Reg, span: Span) {
        if name == "__debug__" {
            self.error("cannot assign to __debug__", span);
        }
        self.mark(span);
        let name = self.mangle(name);
        self.store_mangled(&name, from);
    }

    pub fn store_mangled(&mut self, name: &str, from: Reg) {
        match self.place(name) {
            Place::Local(reg) => {
                self.move_to(reg, from);
                self.unit.bound.add(reg);
            }
            Place::Cell(reg) => self.emit(Op::SetCell, 0, reg, from, 0),
            Place::Free(index) => self.emit(Op::SetFree, 0, from, index, 0),
            Place::Global => {
                let name = self.name32(name);
                self.emit_x(Op::SetGlobal, 0, from, name);
            }
            Place::Name | Place::NameFree(_) => {
                let name = self.name32(name);
                self.emit_x(Op::SetName, 0, from, name);
            }
        }
    }

    /// `del name`: an unbound name is an error.
    pub fn delete_name(&mut self, name: &str, span: Span) {
        if name == "__debug__" {
            self.error("cannot delete __debug__", span);
        }
        self.mark(span);
        let top = self.top();
        let mangled = self.mangle(name);
        match self.place(&mangled) {
            Place::Local(reg) => {
                self.check_bound(reg, &mangled);
                self.unbind_place(&mangled);
            }
            Place::Cell(_) | Place::Free(_) => {
                // The load checks that there is something to delete.
                let temp = self.alloc();
                self.load_name(name, temp, span);
                self.unbind_place(&mangled);
            }
            Place::Global => {
                let name = self.name32(&mangled);
                self.emit_x(Op::DelGlobal, 0, 0, name);
            }
            Place::Name | Place::NameFree(_) => {
                let name = self.name32(&mangled);
                self.emit_x(Op::DelName, 0, 0, name);
            }
        }
        self.release(top);
    }

    /// Makes a variable of a function unbound, whether it is bound or not.
    fn unbind_place(&mut self, name: &str) {
        let place = self.place(name);
        if let Place::Local(reg) = place {
            self.load_special(reg, special::UNBOUND);
            return self.unit.bound.remove(reg);
        }
        let top = self.top();
        let unbound = self.alloc();
        self.load_special(unbound, special::UNBOUND);
        match place {
            Place::Cell(reg) => self.emit(Op::SetCell, 0, reg, unbound, 0),
            Place::Free(index) => self.emit(Op::SetFree, 0, unbound, index, 0),
            _ => {}
        }
        self.release(top);
    }

    /// The end of `except ... as name`: the name goes, also when the body has deleted it already.
    pub fn unbind_name(&mut self, ident: &Ident) {
        let name = self.mangle(&ident.name);
        match self.place(&name) {
            Place::Local(_) | Place::Cell(_) | Place::Free(_) => self.unbind_place(&name),
            place => {
                self.mark(ident.span);
                let top = self.top();
                let none = self.alloc();
                self.load_special(none, special::NONE);
                self.store_mangled(&name, none);
                let name = self.name32(&name);
                let op = if place == Place::Global { Op::DelGlobal } else { Op::DelName };
                self.emit_x(op, 0, 0, name);
                self.release(top);
            }
        }
    }
}

impl Slot {
    fn place(self) -> Place {
        if self.is_cell { Place::Cell(self.reg) } else { Place::Local(self.reg) }
    }
}
