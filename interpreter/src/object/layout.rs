//! The layout of classes: which base decides it, `__slots__`, and the order of bases.

use std::sync::atomic::Ordering;

use crate::native::{Ctx, R};
use crate::object::class::{Class, class_flag};
use crate::object::dict::Dict;
use crate::object::kind::{ClassId, Kind};
use crate::object::sequence::Tuple;
use crate::object::string::Str;
use crate::value::{Gc, Value};

impl Ctx {
    /// The base whose native layout the class takes.
    pub(crate) fn best_base(&mut self, bases: Gc<Tuple>) -> R<Gc<Class>> {
        let mut best: Option<Gc<Class>> = None;
        for &b in bases.items() {
            let Some(b) = b.cast::<Class>() else {
                return Err(self.type_error("bases must be types"));
            };
            if b.has(class_flag::SEALED) {
                let name = b.name_text();
                return Err(self.type_error(format!("type '{name}' is not an acceptable base type")));
            }
            match best {
                None => best = Some(b),
                Some(old) if old.kind == b.kind => match self.wider_base(old, b) {
                    Some(wider) => best = Some(wider),
                    None => return Err(self.type_error("multiple bases have instance lay-out conflict")),
                },
                Some(_) if b.kind == Kind::Instance as u8 => {}
                Some(old) if old.kind == Kind::Instance as u8 => best = Some(b),
                Some(_) => return Err(self.type_error("multiple bases have instance lay-out conflict")),
            }
        }
        best.ok_or_else(|| self.type_error("bases must be types"))
    }

    /// C3 linearisation (Barrett et al., "A monotonic superclass linearization for Dylan").
    pub fn compute_mro(&mut self, class: Gc<Class>) -> R {
        let bases = class.bases();
        for (i, &base) in bases.items().iter().enumerate() {
            if bases.items()[..i].contains(&base) {
                let name = base.cast::<Class>().map_or_else(String::new, |c| c.name_text());
                return Err(self.type_error(format!("duplicate base class {name}")));
            }
        }
        let mut lists: Vec<std::collections::VecDeque<u64>> = Vec::new();
        for &b in bases.items() {
            if let Some(b) = b.cast::<Class>() {
                lists.push(b.mro().items().iter().map(|c| c.bits()).collect());
            }
        }
        lists.push(bases.items().iter().map(|c| c.bits()).collect());
        let result = self.new_list();
        self.list_push(result, class.value())?;
        loop {
            lists.retain(|l| !l.is_empty());
            if lists.is_empty() {
                return self.list_to_tuple(result);
            }
            let good =
                lists.iter().map(|l| l[0]).find(|&head| !lists.iter().any(|l| l.iter().skip(1).any(|&c| c == head)));
            let Some(head) = good else {
                let names: Vec<String> = lists
                    .iter()
                    .map(|l| l[0])
                    .filter_map(|c| Value::from_bits(c).cast::<Class>())
                    .map(|c| c.name_text())
                    .collect();
                let mut unique: Vec<String> = Vec::new();
                for n in names {
                    if !unique.contains(&n) {
                        unique.push(n);
                    }
                }
                let message =
                    format!("Cannot create a consistent method resolution order (MRO) for bases {}", unique.join(", "));
                return Err(self.type_error(message));
            };
            self.list_push(result, Value::from_bits(head))?;
            for l in &mut lists {
                if l.front() == Some(&head) {
                    l.pop_front();
                }
            }
        }
    }

    pub(crate) fn process_slots(&mut self, class: Gc<Class>, base: Gc<Class>, dict: Gc<Dict>) -> R<()> {
        let names = self.names();
        let base_has_dict = !base.has(class_flag::NO_DICT)
            || class.bases().items().iter().filter_map(|b| b.cast::<Class>()).any(|b| !b.has(class_flag::NO_DICT));
        let Some(slots) = dict.get_str(self, names.__slots__) else {
            class.set_flag(class_flag::NO_DICT, false);
            let first = self.iso().shapes.get(base.root_shape.load(Ordering::Acquire));
            if first.count > 0 {
                let inline = self.iso().shapes.get(class.root_shape.load(Ordering::Acquire)).inline;
                let shape = self.shape_with_slots(class, base, inline.max(first.count) as usize);
                class.root_shape.store(shape, Ordering::Release);
            }
            return Ok(());
        };
        let slots = if slots.is_a::<Str>() {
            let t = self.tuple(&[slots])?;
            self.collect_tuple(t)?
        } else {
            self.collect_tuple(slots)?
        };
        let (mut wants_dict, mut wants_weakref) = (false, false);
        let inherited = self.iso().shapes.get(base.root_shape.load(Ordering::Acquire)).count as usize;
        let mut shape = self.shape_with_slots(class, base, (inherited + slots.len).max(1));
        let class_name = class.name_text();
        let fixed = matches!(base.instance_kind(), Kind::BigInt | Kind::Bytes | Kind::Tuple);
        if fixed && slots.len > 0 {
            let base = base.name_text();
            return Err(self.type_error(format!("nonempty __slots__ not supported for subtype of '{base}'")));
        }
        for &slot in slots.items() {
            let Some(name) = slot.cast::<Str>() else {
                let got = self.type_name(slot);
                return Err(self.type_error(format!("__slots__ items must be strings, not '{got}'")));
            };
            if name.eq_text("__dict__") {
                if wants_dict || base_has_dict {
                    return Err(self.type_error("__dict__ slot disallowed: we already got one"));
                }
                wants_dict = true;
                continue;
            }
            if name.eq_text("__weakref__") {
                if wants_weakref || bases_of(class).any(|b| b.id != ClassId::Object as u32 && referable(b)) {
                    return Err(self.type_error("__weakref__ slot disallowed: we already got one"));
                }
                wants_weakref = true;
                continue;
            }
            if !is_identifier(name) {
                return Err(self.type_error("__slots__ must be identifiers"));
            }
            let mangled = mangle(&class_name, &name.to_text());
            let mangled = self.intern(&mangled);
            if dict.get_str(self, mangled).is_some() {
                let text = mangled.to_text().into_owned();
                return Err(self.value_error(format!("'{text}' in __slots__ conflicts with class variable")));
            }
            shape = self.iso().shapes.child(self.iso().shapes.get(shape), mangled.value());
            let w = self.new_wrapper(
                ClassId::MemberDescriptor,
                Value::NONE,
                mangled.value(),
                class.value(),
                mangled.value(),
            );
            dict.set_str(self, mangled, w.value());
        }
        class.root_shape.store(shape, Ordering::Release);
        class.set_flag(class_flag::HAS_SLOTS, true);
        class.set_flag(class_flag::NO_DICT, !wants_dict && !base_has_dict);
        let inherited = bases_of(class).any(|b| b.id != ClassId::Object as u32 && referable(b));
        class.set_flag(class_flag::NO_WEAKREF, !inherited && !wants_weakref);
        Ok(())
    }

    /// The first shape of a class's instances: the `__slots__` of the base are its first attributes.
    fn shape_with_slots(&mut self, class: Gc<Class>, base: Gc<Class>, inline: usize) -> u32 {
        let shapes = &self.iso().shapes;
        let inline = if class.kind == Kind::Instance as u8 { inline as u16 } else { 0 };
        let mut shape = shapes.root(class.value(), inline);
        for (name, _) in shapes.names(shapes.get(base.root_shape.load(Ordering::Acquire))) {
            shape = shapes.child(shapes.get(shape), name);
        }
        shape
    }

    /// Which of two bases of one kind has the layout that includes the other's; None: neither.
    fn wider_base(&self, a: Gc<Class>, b: Gc<Class>) -> Option<Gc<Class>> {
        let shapes = &self.iso().shapes;
        let names = |c: Gc<Class>| shapes.names(shapes.get(c.root_shape.load(Ordering::Acquire)));
        let (x, y) = (names(a), names(b));
        let (a_within, b_within) = (y.starts_with(&x), x.starts_with(&y));
        match (a_within, b_within) {
            (_, true) => Some(a),
            (true, false) => Some(b),
            _ => None,
        }
    }
}

fn bases_of(class: Gc<Class>) -> impl Iterator<Item = Gc<Class>> {
    let bases = class.bases();
    (0..bases.len).filter_map(move |i| bases.items()[i].cast::<Class>())
}

/// Whether the class's instances have a dict and those of its bases have none.
pub(crate) fn adds_dict(class: Gc<Class>) -> bool {
    !class.has(class_flag::NO_DICT) && bases_of(class).all(|b| b.has(class_flag::NO_DICT))
}

/// Whether the class's instances can be weakly referenced.
fn referable(class: Gc<Class>) -> bool {
    weakly_referable(class) && !class.has(class_flag::NO_WEAKREF)
}

/// Whether the class's instances can be weakly referenced and those of its bases cannot.
pub(crate) fn adds_weakref(class: Gc<Class>) -> bool {
    referable(class) && !bases_of(class).any(|b| b.id != ClassId::Object as u32 && referable(b))
}

/// Whether a class's instances may be weakly referenced.
pub fn weakly_referable(class: Gc<Class>) -> bool {
    match class.instance_kind() {
        Kind::Function | Kind::Native | Kind::Class | Kind::Set | Kind::Generator | Kind::Module => true,
        Kind::Method | Kind::Code | Kind::GenericAlias | Kind::Boxed => true,
        // Sizes of these vary, so that there is no room for the list of references.
        Kind::None | Kind::BigInt | Kind::Bytes | Kind::Tuple => false,
        _ => class.id == 0,
    }
}

/// Whether a text may be an identifier (keywords included).
pub fn is_identifier(name: Gc<Str>) -> bool {
    use crate::text::character::{is_identifier_continue, is_identifier_start};
    let mut codes = crate::text::wtf8::code_points(name.as_bytes());
    codes.next().is_some_and(is_identifier_start) && codes.all(is_identifier_continue)
}

/// `__name` inside class `C` is `_C__name`.
pub fn mangle(class: &str, name: &str) -> String {
    let class = class.trim_start_matches('_');
    if name.starts_with("__") && !name.ends_with("__") && !class.is_empty() {
        format!("_{class}{name}")
    } else {
        name.to_string()
    }
}
