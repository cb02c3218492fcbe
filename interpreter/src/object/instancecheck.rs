//! `isinstance` and `issubclass`, with their hooks.

use crate::native::{Ctx, R};
use crate::object::class::{Class, class_flag};
use crate::object::kind::ClassId;
use crate::object::misc::GenericAlias;
use crate::object::sequence::Tuple;
use crate::value::{Gc, Value};

const INSTANCE_ERROR: &str = "isinstance() arg 2 must be a type, a tuple of types, or a union";
const SUBCLASS_ERROR: &str = "issubclass() arg 2 must be a class, a tuple of classes, or a union";

impl Ctx {
    /// `isinstance(v, class)`
    pub fn isinstance(&mut self, v: Value, class: Value) -> R<bool> {
        if self.class_of(v).value() == class {
            return Ok(true);
        }
        let plain = self.class_of(class).id == ClassId::Type as u32;
        if plain {
            return self.real_isinstance(v, class);
        }
        if let Some(classes) = class.cast::<Tuple>() {
            self.check_stack()?;
            for &class in classes.items() {
                if self.isinstance(v, class)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        if let Some(members) = self.union_members(class) {
            return self.union_isinstance(v, members);
        }
        let names = self.names();
        match self.call_special(class, names.__instancecheck__, &[v])? {
            Some(result) => self.truth(result),
            None => self.real_isinstance(v, class),
        }
    }

    /// What `type.__instancecheck__` does.
    pub fn real_isinstance(&mut self, v: Value, class: Value) -> R<bool> {
        let own = self.class_of(v);
        if let Some(class) = class.cast::<Class>() {
            if own.is_subclass_of(class) {
                return Ok(true);
            }
            return Ok(match self.claimed_class(v, own)?.and_then(|c| c.cast::<Class>()) {
                Some(claimed) => claimed.is_subclass_of(class),
                None => false,
            });
        }
        self.check_class(class, INSTANCE_ERROR)?;
        let names = self.names();
        match self.get_attr_opt(v, names.__class__)? {
            Some(claimed) => self.abstract_subclass(claimed, class),
            None => Ok(false),
        }
    }

    /// What an object says its `__class__` is, if that is not its class.
    fn claimed_class(&mut self, v: Value, own: Gc<Class>) -> R<Option<Value>> {
        let names = self.names();
        if !own.has(class_flag::GETATTRIBUTE) {
            let object = self.class(ClassId::Object);
            if self.lookup(own, names.__class__) == self.lookup(object, names.__class__) {
                return Ok(None);
            }
        }
        self.get_attr_opt(v, names.__class__)
    }

    /// `__bases__` of something used as a class, if it has a tuple there.
    fn bases_of(&mut self, class: Value) -> R<Option<Gc<Tuple>>> {
        let names = self.names();
        Ok(self.get_attr_opt(class, names.__bases__)?.and_then(|b| b.cast()))
    }

    fn check_class(&mut self, class: Value, message: &str) -> R<()> {
        match self.bases_of(class)? {
            Some(_) => Ok(()),
            None => Err(self.type_error(message)),
        }
    }

    /// Walks `__bases__` of things that only look like classes.
    fn abstract_subclass(&mut self, derived: Value, class: Value) -> R<bool> {
        if derived == class {
            return Ok(true);
        }
        self.check_stack()?;
        let Some(bases) = self.bases_of(derived)? else { return Ok(false) };
        for &base in bases.items() {
            if self.abstract_subclass(base, class)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `issubclass(derived, class)`
    pub fn issubclass(&mut self, derived: Value, class: Value) -> R<bool> {
        let plain = self.class_of(class).id == ClassId::Type as u32;
        if plain {
            if derived == class {
                return Ok(true);
            }
            return self.real_issubclass(derived, class);
        }
        if let Some(classes) = class.cast::<Tuple>() {
            self.check_stack()?;
            for &class in classes.items() {
                if self.issubclass(derived, class)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        if let Some(members) = self.union_members(class) {
            return self.union_issubclass(derived, members);
        }
        let names = self.names();
        match self.call_special(class, names.__subclasscheck__, &[derived])? {
            Some(result) => self.truth(result),
            None => self.real_issubclass(derived, class),
        }
    }

    /// What `type.__subclasscheck__` does.
    pub fn real_issubclass(&mut self, derived: Value, class: Value) -> R<bool> {
        if let (Some(derived), Some(class)) = (derived.cast::<Class>(), class.cast::<Class>()) {
            return Ok(derived.is_subclass_of(class));
        }
        self.check_class(derived, "issubclass() arg 1 must be a class")?;
        if !class.is_a::<Class>() {
            self.check_class(class, SUBCLASS_ERROR)?;
        }
        self.abstract_subclass(derived, class)
    }

    /// The members of `int | str`.
    pub fn union_members(&self, v: Value) -> Option<Gc<Tuple>> {
        let alias = v.cast::<GenericAlias>()?;
        if alias.header().shape() == ClassId::UnionType.shape() { alias.args.get().cast() } else { None }
    }

    pub fn union_isinstance(&mut self, v: Value, members: Gc<Tuple>) -> R<bool> {
        for &member in members.items() {
            if self.isinstance(v, member)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub fn union_issubclass(&mut self, derived: Value, members: Gc<Tuple>) -> R<bool> {
        if !derived.is_a::<Class>() {
            return Err(self.type_error("issubclass() arg 1 must be a class"));
        }
        for &member in members.items() {
            if self.issubclass(derived, member)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
