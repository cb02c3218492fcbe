//! itertools: building blocks for iterators.

pub mod chains;
pub mod combinatoric;
pub mod filters;
pub mod groups;
pub mod infinite;

use conc_macros::module;

/// Building blocks for iterators.
#[module(name = "itertools")]
pub mod functions {
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    use super::{chains, combinatoric, filters, groups, infinite};
    use crate::data::boxes::iterator_class;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        for (name, methods) in [
            ("count", infinite::count::METHODS),
            ("cycle", infinite::cycle::METHODS),
            ("repeat", infinite::repeat::METHODS),
            ("accumulate", chains::accumulate::METHODS),
            ("batched", chains::batched::METHODS),
            ("chain", chains::chain::METHODS),
            ("pairwise", chains::pairwise::METHODS),
            ("starmap", chains::starmap::METHODS),
            ("zip_longest", chains::zip_longest::METHODS),
            ("compress", filters::compress::METHODS),
            ("dropwhile", filters::dropwhile::METHODS),
            ("filterfalse", filters::filterfalse::METHODS),
            ("islice", filters::islice::METHODS),
            ("takewhile", filters::takewhile::METHODS),
            ("groupby", groups::groupby::METHODS),
            ("_grouper", groups::grouper::METHODS),
            ("_tee", groups::tee_object::METHODS),
            ("product", combinatoric::product::METHODS),
            ("permutations", combinatoric::permutations::METHODS),
            ("combinations", combinatoric::combinations::METHODS),
            ("combinations_with_replacement", combinatoric::with_replacement::METHODS),
        ] {
            iterator_class(cx, module, name, methods);
        }
        Ok(())
    }

    /// Give n iterators over the same items, each moving on its own.
    pub fn tee(cx: &mut Ctx, iterable: Value, #[default(2)] n: i64) -> R {
        groups::tee(cx, iterable, n)
    }
}
