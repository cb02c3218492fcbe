//! Second pass: finds the scope that owns each name, and so which names live in cells and which are free.

use super::collect::Collector;
use super::error::CompileError;
use super::symbols::{ScopeId, ScopeKind, Table, uses};

/// Resolves every name of the collected scopes.
pub fn finish(collector: Collector) -> Result<Table, Vec<CompileError>> {
    let Collector { mut table, mut errors, .. } = collector;
    for id in 0..table.scopes.len() {
        resolve_scope(&mut table, id, &mut errors);
    }
    for scope in &mut table.scopes {
        scope.free.sort();
        scope.static_attributes.sort();
        scope.static_attributes.dedup();
    }
    if errors.is_empty() { Ok(table) } else { Err(errors) }
}

fn resolve_scope(table: &mut Table, id: ScopeId, errors: &mut Vec<CompileError>) {
    let wanted: Vec<_> = table.scopes[id]
        .symbols
        .iter()
        .filter(|s| !s.is_own() && !s.is(uses::GLOBAL))
        .map(|s| (s.name.clone(), s.is(uses::NONLOCAL), s.declared))
        .collect();
    for (name, nonlocal, span) in wanted {
        let owner = find_owner(table, id, &name);
        if !nonlocal {
            continue;
        }
        match owner {
            None => errors.push(CompileError::new(format!("no binding for nonlocal '{name}' found"), span)),
            Some(owner) if table.scopes[owner].uses(&name) & uses::TYPE_PARAM != 0 => {
                let message = format!("nonlocal binding not allowed for type parameter '{name}'");
                errors.push(CompileError::new(message, span));
            }
            Some(_) => {}
        }
    }
}

/// Walks outwards to the scope that owns the name; if that crosses the border of a code object, the name becomes a
/// cell there and free in everything between.
fn find_owner(table: &mut Table, from: ScopeId, name: &str) -> Option<ScopeId> {
    let mut crossed = Vec::new();
    let mut at = from;
    let owner = loop {
        if !table.scopes[at].inlined {
            crossed.push(at);
        }
        at = table.scopes[at].parent?;
        let scope = &mut table.scopes[at];
        if scope.kind == ScopeKind::Class {
            match name {
                "__class__" => scope.class_cell = true,
                "__classdict__" => scope.classdict_cell = true,
                _ => continue,
            }
            break at;
        }
        let bits = scope.uses(name);
        if bits & uses::GLOBAL != 0 || scope.kind == ScopeKind::Module {
            return None;
        }
        if bits & uses::BOUND != 0 && bits & uses::NONLOCAL == 0 {
            break at;
        }
    };
    if !crossed.is_empty() {
        table.scopes[owner].add(name, uses::CAPTURED);
        for id in crossed {
            let free = &mut table.scopes[id].free;
            if !free.iter().any(|n| &**n == name) {
                free.push(name.into());
            }
        }
    }
    Some(owner)
}
