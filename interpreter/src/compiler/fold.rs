//! Constant folding: what an expression of literals evaluates to, where that is cheap and cannot fail.

use conc_grammar::ast::{self, BinOp, Expr, ExprKind, UnaryOp};

use crate::bytecode::template::Const;

/// Results of string and tuple arithmetic stay below this many bytes or items.
const MAX_LENGTH: usize = 4096;

/// The value of `e`, if it is known now. `debug` is the value of `__debug__`.
pub fn constant(e: &Expr, debug: bool) -> Option<Const> {
    match &e.kind {
        ExprKind::Const(value) => Some(literal(value)),
        ExprKind::Name(name) if &**name == "__debug__" => Some(boolean(debug)),
        ExprKind::UnaryOp { op, operand } => unary(*op, constant(operand, debug)?),
        // The right operand first: in a long chain it is the one that tells quickly.
        ExprKind::BinOp { op, left, right, .. } => {
            let right = constant(right, debug)?;
            binary(*op, constant(left, debug)?, right)
        }
        ExprKind::Tuple { items, .. } => items
            .iter()
            .map(|item| constant(item, debug))
            .collect::<Option<Vec<_>>>()
            .map(|items| Const::Tuple(items.into())),
        ExprKind::Subscript { value, index } => item(constant(value, debug)?, constant(index, debug)?),
        _ => None,
    }
}

pub fn literal(value: &ast::Const) -> Const {
    match value {
        ast::Const::None => Const::None,
        ast::Const::True => Const::True,
        ast::Const::False => Const::False,
        ast::Const::Ellipsis => Const::Ellipsis,
        ast::Const::Int(i) => Const::Int(*i),
        ast::Const::BigInt { radix, digits } => Const::BigInt { radix: *radix, digits: digits.clone() },
        ast::Const::Float(x) => Const::Float(*x),
        ast::Const::Imaginary(x) => Const::Complex(0.0, *x),
        ast::Const::Str(text) => Const::Str(text.clone()),
        ast::Const::Bytes(bytes) => Const::Bytes(bytes.clone()),
    }
}

fn boolean(value: bool) -> Const {
    if value { Const::True } else { Const::False }
}

/// The truth of a constant, as conditions need it.
pub fn truth(value: &Const) -> bool {
    match value {
        Const::None | Const::False => false,
        Const::True | Const::Ellipsis | Const::BigInt { .. } => true,
        Const::Int(i) => *i != 0,
        Const::Float(x) => *x != 0.0,
        Const::Complex(re, im) => *re != 0.0 || *im != 0.0,
        Const::Str(bytes) | Const::Bytes(bytes) => !bytes.is_empty(),
        Const::Tuple(items) | Const::FrozenSet(items) => !items.is_empty(),
    }
}

fn unary(op: UnaryOp, value: Const) -> Option<Const> {
    match (op, value) {
        (UnaryOp::Not, value) => Some(boolean(!truth(&value))),
        (UnaryOp::Neg, Const::Int(i)) => i.checked_neg().map(Const::Int),
        (UnaryOp::Neg, Const::BigInt { radix, digits }) => {
            let digits = digits.strip_prefix('-').map_or_else(|| format!("-{digits}"), str::to_string).into();
            Some(Const::BigInt { radix, digits })
        }
        (UnaryOp::Neg, Const::Float(x)) => Some(Const::Float(-x)),
        (UnaryOp::Neg, Const::Complex(re, im)) => Some(Const::Complex(-re, -im)),
        (UnaryOp::Pos, value @ (Const::Int(_) | Const::Float(_) | Const::Complex(..))) => Some(value),
        (UnaryOp::Invert, Const::Int(i)) => Some(Const::Int(!i)),
        _ => None,
    }
}

fn binary(op: BinOp, left: Const, right: Const) -> Option<Const> {
    use BinOp::*;
    match (op, left, right) {
        (_, Const::Int(a), Const::Int(b)) => integers(op, a, b),
        (_, Const::Float(a), Const::Float(b)) => floats(op, a, b),
        (_, Const::Float(a), Const::Int(b)) => floats(op, a, exact(b)?),
        (_, Const::Int(a), Const::Float(b)) => floats(op, exact(a)?, b),
        (Add, Const::Int(a), Const::Complex(re, im)) => Some(Const::Complex(exact(a)? + re, 0.0 + im)),
        (Add, Const::Float(a), Const::Complex(re, im)) => Some(Const::Complex(a + re, 0.0 + im)),
        (Sub, Const::Int(a), Const::Complex(re, im)) => Some(Const::Complex(exact(a)? - re, 0.0 - im)),
        (Sub, Const::Float(a), Const::Complex(re, im)) => Some(Const::Complex(a - re, 0.0 - im)),
        (Add, Const::Str(a), Const::Str(b)) => Some(Const::Str(joined(&a, &b)?)),
        (Add, Const::Bytes(a), Const::Bytes(b)) => Some(Const::Bytes(joined(&a, &b)?)),
        (Add, Const::Tuple(a), Const::Tuple(b)) => Some(Const::Tuple(joined(&a, &b)?)),
        (Mul, Const::Str(a), Const::Int(n)) | (Mul, Const::Int(n), Const::Str(a)) => Some(Const::Str(repeated(&a, n)?)),
        (Mul, Const::Bytes(a), Const::Int(n)) | (Mul, Const::Int(n), Const::Bytes(a)) => {
            Some(Const::Bytes(repeated(&a, n)?))
        }
        (Mul, Const::Tuple(a), Const::Int(n)) | (Mul, Const::Int(n), Const::Tuple(a)) => {
            Some(Const::Tuple(repeated(&a, n)?))
        }
        _ => None,
    }
}

fn integers(op: BinOp, a: i64, b: i64) -> Option<Const> {
    use BinOp::*;
    let value = match op {
        Add => a.checked_add(b)?,
        Sub => a.checked_sub(b)?,
        Mul => a.checked_mul(b)?,
        Div if b != 0 => return floats(Div, exact(a)?, exact(b)?),
        FloorDiv if b != 0 => {
            let quotient = a.checked_div(b)?;
            if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient }
        }
        Mod if b != 0 => {
            let rest = a.checked_rem(b)?;
            if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
        }
        Pow => a.checked_pow(u32::try_from(b).ok()?)?,
        LShift => a.checked_mul(1i64.checked_shl(u32::try_from(b).ok().filter(|b| *b < 63)?)?)?,
        RShift => a >> u32::try_from(b).ok()?.min(63),
        BitAnd => a & b,
        BitOr => a | b,
        BitXor => a ^ b,
        _ => return None,
    };
    Some(Const::Int(value))
}

/// An integer as a float, if none of it is lost.
fn exact(i: i64) -> Option<f64> {
    (i.unsigned_abs() <= 1 << 53).then_some(i as f64)
}

fn floats(op: BinOp, a: f64, b: f64) -> Option<Const> {
    let value = match op {
        BinOp::Add => a + b,
        BinOp::Sub => a - b,
        BinOp::Mul => a * b,
        BinOp::Div if b != 0.0 => a / b,
        _ => return None,
    };
    // Each computed NaN is an object of its own.
    (!value.is_nan()).then_some(Const::Float(value))
}

fn joined<T: Clone>(a: &[T], b: &[T]) -> Option<Box<[T]>> {
    (a.len() + b.len() <= MAX_LENGTH).then(|| [a, b].concat().into())
}

fn repeated<T: Clone>(items: &[T], n: i64) -> Option<Box<[T]>> {
    let n = usize::try_from(n.max(0)).ok()?;
    (items.len().checked_mul(n)? <= MAX_LENGTH).then(|| std::iter::repeat_n(items, n).flatten().cloned().collect())
}

/// A tuple's item; strings are left to run time.
fn item(value: Const, index: Const) -> Option<Const> {
    let (Const::Tuple(items), Const::Int(index)) = (value, index) else { return None };
    let at = if index < 0 { index.checked_add(items.len() as i64)? } else { index };
    items.get(usize::try_from(at).ok()?).cloned()
}

/// Whether two constants are equal as numbers (`1`, `1.0` and `True` are); None if one is no number.
pub fn same_number(a: &Const, b: &Const) -> Option<bool> {
    let number = |value: &Const| match value {
        Const::Int(i) => Some((*i as f64, 0.0)),
        Const::True => Some((1.0, 0.0)),
        Const::False => Some((0.0, 0.0)),
        Const::Float(x) => Some((*x, 0.0)),
        Const::Complex(re, im) => Some((*re, *im)),
        _ => None,
    };
    match (a, b) {
        (Const::Int(a), Const::Int(b)) => Some(a == b),
        _ => Some(number(a)? == number(b)?),
    }
}
