//! What a report adds to an error's message: "Did you mean" and "Did you forget to import".

use crate::native::Ctx;
use crate::object::dict::Dict;
use crate::object::exception::{Exception, Traceback, extra};
use crate::object::function::Code;
use crate::object::kind::ClassId;
use crate::object::module::Module;
use crate::object::sequence::List;
use crate::object::string::Str;
use crate::object::suggest::closest;
use crate::value::{Gc, Value};

/// Larger namespaces are not searched.
const MOST_CANDIDATES: usize = 750;

impl Ctx {
    /// The end of the message line of an exception, if there is something to suggest.
    pub fn exception_hint(&mut self, exc: Value) -> Option<String> {
        let e = exc.cast::<Exception>()?;
        if self.is_instance(exc, ClassId::ImportError) {
            let wrong = name_at(e, extra::IMPORT_NAME_FROM)?;
            return self.import_hint(e, wrong).map(|s| did_you_mean(&s));
        }
        if self.is_instance(exc, ClassId::AttributeError) {
            let wrong = name_at(e, extra::ATTR_NAME)?;
            return self.attribute_hint(e, wrong).map(|s| did_you_mean(&s));
        }
        if !self.is_instance(exc, ClassId::NameError) {
            return None;
        }
        let wrong = name_at(e, extra::ATTR_NAME)?;
        let found = self.name_hint(e, wrong);
        let module = self.is_library_module(wrong);
        let name = wrong.to_text();
        match (found, module) {
            (Some(s), false) => Some(did_you_mean(&s)),
            (Some(s), true) => Some(format!("{} Or did you forget to import '{name}'?", did_you_mean(&s))),
            (None, true) => Some(format!(". Did you forget to import '{name}'?")),
            (None, false) => None,
        }
    }

    fn attribute_hint(&mut self, e: Gc<Exception>, wrong: Gc<Str>) -> Option<String> {
        let object = e.extra[extra::ATTR_OBJ].get();
        if object.is_unbound() {
            return None;
        }
        let private = wrong.as_bytes().first() == Some(&b'_') || raised_on_self(e);
        let names = self.directory(object)?;
        nearest(wrong, names.filter(|n| private || !n.starts_with('_')))
    }

    fn import_hint(&mut self, e: Gc<Exception>, wrong: Gc<Str>) -> Option<String> {
        let name = name_at(e, extra::IMPORT_NAME)?;
        let top = name.to_text().split('.').next().unwrap_or_default().to_string();
        let top = self.str(&top);
        let modules: Gc<Dict> = self.iso().roots.modules.get().cast()?;
        let module = modules.get(self, top).ok()??;
        let private = wrong.as_bytes().first() == Some(&b'_');
        let names = self.directory(module)?;
        nearest(wrong, names.filter(|n| private || !n.starts_with('_')))
    }

    fn name_hint(&mut self, e: Gc<Exception>, wrong: Gc<Str>) -> Option<String> {
        let code = innermost(e)?;
        let this = e.extra[extra::ATTR_OBJ].get();
        if !this.is_unbound() && !this.is_none() && matches!(self.get_attr_opt(this, wrong), Ok(Some(_))) {
            return Some(format!("self.{}", wrong.to_text()));
        }
        let template = code.template();
        let mut names: Vec<String> = template.locals.iter().map(|l| l.name.to_string()).collect();
        names.extend(template.free.iter().map(|n| n.to_string()));
        let builtins = self.iso().roots.builtins.get();
        let builtins = builtins.cast::<Module>().map_or(builtins, |m| m.dict().value());
        for dict in [code.globals.get(), builtins] {
            if let Some(dict) = dict.cast::<Dict>() {
                names.extend(dict.pairs().filter_map(|(k, _)| k.cast::<Str>()).map(|k| k.to_text().into_owned()));
            }
        }
        nearest(wrong, names.into_iter())
    }

    /// `dir(object)`
    fn directory(&mut self, object: Value) -> Option<std::vec::IntoIter<String>> {
        let builtins = self.iso().roots.builtins.get();
        let builtins = builtins.cast::<Module>().map(|m| m.dict()).or_else(|| builtins.cast::<Dict>())?;
        let name = self.intern("dir");
        let dir = builtins.get_str(self, name)?;
        let list = self.call(dir, &[object]).ok()?.cast::<List>()?;
        let list = self.list_snapshot(list).ok()?;
        let names: Vec<String> =
            list.items().iter().filter_map(|v| v.cast::<Str>()).map(|s| s.to_text().into_owned()).collect();
        Some(names.into_iter())
    }

    /// Whether `sys.stdlib_module_names` has the name.
    fn is_library_module(&mut self, name: Gc<Str>) -> bool {
        let Some(sys) = self.iso().roots.sys.get().cast::<Module>() else { return false };
        let key = self.intern("stdlib_module_names");
        match sys.dict().get_str(self, key) {
            Some(names) => self.contains(names, name.value()).unwrap_or(false),
            None => false,
        }
    }
}

fn did_you_mean(name: &str) -> String {
    format!(". Did you mean: '{name}'?")
}

fn nearest(wrong: Gc<Str>, names: impl Iterator<Item = String>) -> Option<String> {
    let names: Vec<String> = names.collect();
    if names.len() >= MOST_CANDIDATES {
        return None;
    }
    closest(&wrong.to_text(), names.iter().map(String::as_str)).map(str::to_string)
}

fn name_at(e: Gc<Exception>, field: usize) -> Option<Gc<Str>> {
    e.extra[field].get().cast()
}

/// The code of the frame that raised.
fn innermost(e: Gc<Exception>) -> Option<Gc<Code>> {
    last_entry(e)?.code.get().cast()
}

fn last_entry(e: Gc<Exception>) -> Option<Gc<Traceback>> {
    let mut tb = e.traceback.get().cast::<Traceback>()?;
    while let Some(next) = tb.next.get().cast() {
        tb = next;
    }
    Some(tb)
}

/// Whether the failing expression is an attribute of `self`, whose private names are no secret there.
fn raised_on_self(e: Gc<Exception>) -> bool {
    let Some(tb) = last_entry(e) else { return false };
    let Some(code) = tb.code.get().cast::<Code>() else { return false };
    let template = code.template();
    let Some(p) = template.position(tb.at) else { return false };
    let text = template.source.text.get(p.span.start as usize..p.span.end as usize).unwrap_or("");
    text.strip_prefix("self.").is_some_and(|rest| !rest.contains('.'))
}
