//! A piece of tree with its depth.

use crate::ast::{Expr, Pattern};

/// Every piece on the parser's stack carries its depth, so that a tree too deep to be walked or dropped recursively
/// is refused before it exists.
#[derive(Clone, Debug, Default)]
pub struct Deep<T> {
    pub it: T,
    pub depth: u32,
}

impl<T> Deep<T> {
    pub fn new(it: T, depth: u32) -> Deep<T> {
        Deep { it, depth }
    }

    pub fn into_list(self) -> Deep<Vec<T>> {
        Deep { it: vec![self.it], depth: self.depth }
    }

    pub fn boxed(self) -> Box<T> {
        Box::new(self.it)
    }
}

impl<T> Deep<Vec<T>> {
    pub fn push(mut self, item: Deep<T>) -> Deep<Vec<T>> {
        self.depth = self.depth.max(item.depth);
        self.it.push(item.it);
        self
    }
}

impl Deep<(Option<Expr>, Expr)> {
    /// A pair of a dict display.
    pub fn pair(key: Option<Deep<Expr>>, value: Deep<Expr>) -> Self {
        let depth = depth_of(&key).max(value.depth);
        Deep { it: (key.map(|k| k.it), value.it), depth }
    }
}

impl Deep<Box<Pattern>> {
    pub fn into_patterns(self) -> Deep<Vec<Pattern>> {
        Deep { it: vec![*self.it], depth: self.depth }
    }
}

impl Deep<Vec<Pattern>> {
    pub fn push_pattern(self, pattern: Deep<Box<Pattern>>) -> Self {
        self.push(Deep { it: *pattern.it, depth: pattern.depth })
    }
}

/// 0 for nothing.
pub fn depth_of<T>(piece: &Option<Deep<T>>) -> u32 {
    piece.as_ref().map_or(0, |p| p.depth)
}
