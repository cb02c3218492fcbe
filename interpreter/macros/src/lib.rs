//! Attribute macros that turn plain Rust functions into native functions of the language.
//!
//! Both macros leave the module's functions as they are and add tables of plain data (`NativeDef`), so that arity,
//! keywords, `help()` and signatures all read one declaration: the Rust signature with its `///` text.

mod declare;

use proc_macro::TokenStream;

/// `#[module(name = "math")] pub mod math { ... }`: every `pub fn` becomes a function of the module, every `pub const`
/// a constant; `#[init] pub fn init(cx: &mut Ctx, module: Gc<Module>) -> Result<(), Raised>` runs at first import.
/// Adds `pub static MODULE: ModuleDef`.
#[proc_macro_attribute]
pub fn module(attr: TokenStream, item: TokenStream) -> TokenStream {
    declare::module(attr.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// `#[methods] pub mod methods { ... }`: every `pub fn` becomes a method; the first parameter after the context is
/// the receiver. Function attributes: `#[name = "..."]`, `#[class_method]`, `#[static_method]`, `#[getter]`,
/// `#[setter]`; of functions too: `#[resumable(RESUME)]` (see `native::Resume`). Parameter attributes: `#[kw]` (may also be passed by keyword), `#[kwonly]`, `#[default(expr)]`.
/// A `&[Value]` parameter collects `*args`, a `Kwargs` parameter `**kwargs`. Adds `pub static METHODS: &[NativeDef]`.
#[proc_macro_attribute]
pub fn methods(attr: TokenStream, item: TokenStream) -> TokenStream {
    declare::methods(attr.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
