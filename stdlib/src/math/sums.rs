//! Accurate sums, products and norms of floats.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::object::arith::BinaryOp;
use conc_interpreter::object::kind::ClassId;
use conc_interpreter::value::Value;

use crate::core::shared::is_exact;

/// The exact sum of floats as non-overlapping parts, by growing magnitude (Shewchuk 1997).
#[derive(Default)]
struct Exact {
    parts: Vec<f64>,
}

impl Exact {
    fn add(&mut self, mut x: f64) {
        let mut kept = 0;
        for i in 0..self.parts.len() {
            let mut y = self.parts[i];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                self.parts[kept] = low;
                kept += 1;
            }
            x = high;
        }
        self.parts.truncate(kept);
        if x != 0.0 || !x.is_finite() {
            self.parts.push(x);
        }
    }

    /// The sum rounded once, ties to even.
    fn round(&self) -> f64 {
        let mut rest = self.parts.iter().rev().copied();
        let Some(mut high) = rest.next() else { return 0.0 };
        let mut low = 0.0;
        let mut below = None;
        while let Some(y) = rest.next() {
            let x = high;
            high = x + y;
            low = y - (high - x);
            if low != 0.0 {
                below = rest.next();
                break;
            }
        }
        // A tie that the next part breaks the other way.
        if let Some(next) = below
            && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
        {
            let y = low * 2.0;
            let x = high + y;
            if y == x - high {
                high = x;
            }
        }
        high
    }
}

pub fn fsum(cx: &mut Ctx, seq: Value) -> R<f64> {
    let mut exact = Exact::default();
    let (mut special, mut infinite) = (0.0, 0.0);
    let it = cx.iter(seq)?;
    while let Some(item) = cx.next(it)? {
        let x = cx.to_float(item)?;
        if !x.is_finite() {
            if x.is_infinite() {
                infinite += x;
            }
            special += x;
            continue;
        }
        exact.add(x);
        if exact.parts.last().is_some_and(|last| !last.is_finite()) {
            return Err(cx.overflow_error("intermediate overflow in fsum"));
        }
        cx.poll()?;
    }
    if special != 0.0 {
        if infinite.is_nan() {
            return Err(cx.value_error("-inf + inf in fsum"));
        }
        return Ok(special);
    }
    Ok(exact.round())
}

/// Sum and product with their rounding errors.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let bb = s - a;
    (s, (a - (s - bb)) + (b - bb))
}

fn two_product(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    (p, a.mul_add(b, -p))
}

/// A sum of products kept in three floats (Ogita, Rump and Oishi 2005).
#[derive(Clone, Copy, Default)]
struct Triple {
    high: f64,
    low: f64,
    tiny: f64,
}

impl Triple {
    fn add_product(&mut self, x: f64, y: f64) {
        let (p, p_error) = two_product(x, y);
        let (high, high_error) = two_sum(self.high, p);
        let (low, low_error) = two_sum(self.low, p_error);
        let (low, carry) = two_sum(low, high_error);
        *self = Triple { high, low, tiny: self.tiny + low_error + carry };
    }
    fn value(self) -> f64 {
        let (high, error) = two_sum(self.high, self.low);
        high + (error + self.tiny)
    }
}

fn plain_float(cx: &Ctx, v: Value) -> Option<f64> {
    if v.is_float() || is_exact(v, ClassId::Float) { cx.as_float(v) } else { None }
}

fn plain_number(cx: &Ctx, v: Value) -> Option<f64> {
    if v.is_int() { Some(v.int() as f64) } else { plain_float(cx, v) }
}

/// What `sumprod` has so far: `+` of everything, with ints and floats kept apart while they last.
struct Products {
    total: Value,
    int: i64,
    float: Triple,
    floats: bool,
}

impl Products {
    fn settle(&mut self, cx: &mut Ctx) -> R<()> {
        if self.int != 0 {
            let n = cx.int(self.int);
            self.total = cx.binary(BinaryOp::Add, self.total, n)?;
            self.int = 0;
        }
        if self.floats {
            let x = cx.float(self.float.value());
            self.total = cx.binary(BinaryOp::Add, self.total, x)?;
            (self.floats, self.float) = (false, Triple::default());
        }
        Ok(())
    }

    fn add(&mut self, cx: &mut Ctx, a: Value, b: Value) -> R<()> {
        if a.is_int() && b.is_int() {
            let sum = a.int().checked_mul(b.int()).and_then(|p| self.int.checked_add(p));
            if let Some(sum) = sum {
                self.int = sum;
                return Ok(());
            }
        } else if let (Some(x), Some(y)) = (plain_number(cx, a), plain_number(cx, b)) {
            let mut next = self.float;
            next.add_product(x, y);
            if next.value().is_finite() {
                (self.float, self.floats) = (next, true);
                return Ok(());
            }
        }
        self.settle(cx)?;
        let product = cx.binary(BinaryOp::Mul, a, b)?;
        self.total = cx.binary(BinaryOp::Add, self.total, product)?;
        Ok(())
    }
}

pub fn sumprod(cx: &mut Ctx, p: Value, q: Value) -> R {
    let (ps, qs) = (cx.iter(p)?, cx.iter(q)?);
    let mut sum = Products { total: Value::small_int(0), int: 0, float: Triple::default(), floats: false };
    loop {
        match (cx.next(ps)?, cx.next(qs)?) {
            (Some(a), Some(b)) => sum.add(cx, a, b)?,
            (None, None) => break,
            _ => return Err(cx.value_error("Inputs are not the same length")),
        }
        cx.poll()?;
    }
    sum.settle(cx)?;
    Ok(sum.total)
}

pub fn prod(cx: &mut Ctx, iterable: Value, start: Value) -> R {
    let mut result = start;
    let it = cx.iter(iterable)?;
    while let Some(item) = cx.next(it)? {
        result = match (result.as_int(), item.as_int()) {
            (Some(a), Some(b)) => match a.checked_mul(b) {
                Some(n) => cx.int(n),
                None => cx.binary(BinaryOp::Mul, result, item)?,
            },
            _ => cx.binary(BinaryOp::Mul, result, item)?,
        };
        cx.poll()?;
    }
    Ok(result)
}

fn coordinates(cx: &mut Ctx, point: Value) -> R<Vec<f64>> {
    let point = cx.collect_tuple(point)?;
    let mut parts = Vec::with_capacity(point.len);
    for &c in point.items() {
        parts.push(cx.to_float(c)?);
    }
    Ok(parts)
}

pub fn dist(cx: &mut Ctx, p: Value, q: Value) -> R<f64> {
    let (p, q) = (coordinates(cx, p)?, coordinates(cx, q)?);
    if p.len() != q.len() {
        return Err(cx.value_error("both points must have the same number of dimensions"));
    }
    let differences: Vec<f64> = p.iter().zip(&q).map(|(a, b)| (a - b).abs()).collect();
    Ok(norm(&differences))
}

/// The Euclidean norm: scaled by a power of two, squares summed with their errors, the root corrected once.
pub fn norm(parts: &[f64]) -> f64 {
    let largest = parts.iter().fold(0f64, |m, x| m.max(x.abs()));
    if parts.iter().any(|x| x.is_infinite()) {
        return f64::INFINITY;
    }
    if parts.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    if largest == 0.0 || parts.len() <= 1 {
        return largest;
    }
    let (_, exponent) = libm::frexp(largest);
    let mut sum = Triple::default();
    for &x in parts {
        let x = libm::ldexp(x, -exponent);
        sum.add_product(x, x);
    }
    let root = sum.value().sqrt();
    // One step of Newton's method on the exact remainder.
    let mut rest = sum;
    rest.add_product(-root, root);
    let root = root + rest.value() / (2.0 * root);
    libm::ldexp(root, exponent)
}
