//! Methods of the types whose objects are frames: generators, coroutines, async generators.

use crate::native::{Ctx, NativeDef};
use crate::object::kind::ClassId;

pub mod asyncgen;
pub mod generator;

static TABLE: &[(ClassId, &[NativeDef])] = &[
    (ClassId::Generator, generator::methods::METHODS),
    (ClassId::Generator, generator::iteration::METHODS),
    (ClassId::Coroutine, generator::methods::METHODS),
    (ClassId::Coroutine, generator::coroutine::METHODS),
    (ClassId::CoroutineWrapper, generator::wrapper::METHODS),
    (ClassId::AsyncGenerator, asyncgen::methods::METHODS),
    (ClassId::AsyncGenSend, asyncgen::awaitable::METHODS),
    (ClassId::AsyncGenThrow, asyncgen::awaitable::METHODS),
];

/// Puts the methods into their classes.
pub fn install(cx: &mut Ctx) {
    for (class, methods) in TABLE {
        cx.install(*class, methods);
    }
}
