//! Import statements.

use conc_grammar::ast::{Alias, Ident, Span};

use super::assemble::Reg;
use super::unit::Compiler;
use crate::bytecode::op::Op;
use crate::bytecode::template::{Const, flags};

impl<'a> Compiler<'a> {
    /// `import a.b`, `import a.b as c`.
    pub fn import(&mut self, names: &'a [Alias], span: Span) {
        for alias in names {
            let top = self.top();
            let module = self.alloc();
            self.load_none(module);
            self.import_module(&alias.name.name, 0, module, span);
            match &alias.asname {
                None => {
                    let first = alias.name.name.split('.').next().unwrap_or_default();
                    self.store_name(first, module, span);
                }
                Some(asname) => {
                    for part in alias.name.name.split('.').skip(1) {
                        let name = self.name16(part);
                        self.emit(Op::ImportFrom, 0, module, module, name);
                    }
                    self.store_name(&asname.name, module, span);
                }
            }
            self.release(top);
        }
    }

    /// Imports into `module`, which holds the fromlist before.
    fn import_module(&mut self, name: &str, level: u8, module: Reg, span: Span) {
        self.mark(span);
        let name = self.mangle(name);
        let name = self.name16(&name);
        self.emit(Op::ImportName, level, module, module, name);
    }

    pub fn import_from(&mut self, module: Option<&'a Ident>, names: &'a [Alias], level: u32, span: Span) {
        let Ok(level) = u8::try_from(level) else {
            return self.error("attempted relative import beyond top-level package", span);
        };
        let fromlist = names.iter().map(|alias| Const::Str(alias.name.name.as_bytes().into())).collect();
        let reg = self.alloc();
        self.mark(span);
        self.load_const(reg, Const::Tuple(fromlist));
        self.import_module(module.map_or("", |m| &m.name), level, reg, span);
        for alias in names {
            if &*alias.name.name == "*" {
                let namespace = u8::from(self.unit.flags & flags::NAMESPACE != 0);
                self.emit(Op::ImportStar, namespace, reg, 0, 0);
                continue;
            }
            let value = self.alloc();
            self.mark(span);
            let name = self.mangle(&alias.name.name);
            let name = self.name16(&name);
            self.emit(Op::ImportFrom, 0, value, reg, name);
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            self.store_name(&bound.name, value, span);
            self.release(value);
        }
    }
}
