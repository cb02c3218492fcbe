//! Syntax tree in, code templates out: scopes, definite assignment, register allocation, emission.
//!
//! The passes, in order: `collect` walks the tree and records what each scope does with each name; `resolve` decides
//! where every name lives; then one recursive walk over the tree emits code, one [`unit`] for each code object. What
//! the walk needs to know beyond the node at hand is in the unit: registers in use, names surely bound (`bound`), the
//! blocks to be left on the way out (`blocks`). Jumps go to labels, resolved when a unit is finished (`assemble`).
//!
//! Files by subject: names `mangle symbols collect resolve names`; emission `assemble relax pool unit bound blocks`;
//! expressions `expr cond call display fstring comprehension fold tree`; statements `stmt targets loops handling
//! context function class typeparams pattern imports suspend`; ways in `entry error doubt future`.

mod assemble;
mod blocks;
mod bound;
mod call;
mod class;
mod collect;
mod comprehension;
mod cond;
mod context;
mod display;
mod doubt;
mod entry;
mod error;
mod expr;
mod fold;
mod fstring;
mod function;
mod future;
mod handling;
mod hoist;
mod imports;
mod loops;
mod mangle;
mod names;
mod pattern;
mod pool;
mod relax;
mod resolve;
mod stmt;
mod suspend;
mod symbols;
mod targets;
mod tree;
mod typeparams;
mod unit;

pub use entry::{Mode, Options, compile, compile_expression, compile_source};
pub use error::CompileError;
