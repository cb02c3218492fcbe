//! Logarithms of numbers of any size, gamma functions, and functions of a float's representation.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::value::Value;
use dashu_base::{BitTest, Signed, UnsignedAbs};
use dashu_int::IBig;

fn domain(cx: &mut Ctx) -> conc_interpreter::native::Raised {
    cx.value_error("math domain error")
}

fn of_float(cx: &mut Ctx, x: f64, f: fn(f64) -> f64) -> R<f64> {
    if x.is_nan() || x == f64::INFINITY {
        return Ok(x);
    }
    if x <= 0.0 {
        return Err(domain(cx));
    }
    Ok(f(x))
}

/// A logarithm of an int of any size, or of a float.
pub fn of_any_int(cx: &mut Ctx, x: Value, f: fn(f64) -> f64) -> R<f64> {
    if x.is_int() {
        return of_float(cx, x.int() as f64, f);
    }
    let Some(n) = cx.as_int(x) else {
        let x = cx.to_float(x)?;
        return of_float(cx, x, f);
    };
    of_big(cx, &n, f)
}

fn of_big(cx: &mut Ctx, n: &IBig, f: fn(f64) -> f64) -> R<f64> {
    if n.is_negative() || *n == IBig::ZERO {
        return Err(domain(cx));
    }
    let x = conc_interpreter::object::arith::big_to_f64(n);
    if x.is_finite() {
        return Ok(f(x));
    }
    // n = m * 2**bits with m from a half to one.
    let bits = n.clone().unsigned_abs().bit_len();
    let m = conc_interpreter::object::arith::big_to_f64(&(n.clone() >> (bits - 64))) * 2f64.powi(-64);
    Ok(f(m) + f(2.0) * bits as f64)
}

pub fn log(cx: &mut Ctx, x: Value, base: Option<Value>) -> R<f64> {
    let number = of_any_int(cx, x, f64::ln)?;
    let Some(base) = base else { return Ok(number) };
    let denominator = of_any_int(cx, base, f64::ln)?;
    if denominator == 0.0 {
        return Err(cx.zero_division("float division by zero"));
    }
    Ok(number / denominator)
}

pub fn gamma(cx: &mut Ctx, x: f64) -> R<f64> {
    if x.is_nan() || x == f64::INFINITY {
        return Ok(x);
    }
    if x == f64::NEG_INFINITY || (x <= 0.0 && x == x.floor()) {
        return Err(domain(cx));
    }
    let y =
        if x == x.floor() && x <= 23.0 { (1..x as u64).map(|n| n as f64).product() } else { super::gamma::gamma(x) };
    if y.is_infinite() {
        return Err(cx.overflow_error("math range error"));
    }
    Ok(y)
}

pub fn lgamma(cx: &mut Ctx, x: f64) -> R<f64> {
    if x.is_nan() {
        return Ok(x);
    }
    if x.is_infinite() {
        return Ok(f64::INFINITY);
    }
    if x <= 2.0 && x == x.floor() {
        return if x <= 0.0 { Err(domain(cx)) } else { Ok(0.0) };
    }
    let y = super::gamma::ln_gamma(x);
    if y.is_infinite() {
        return Err(cx.overflow_error("math range error"));
    }
    Ok(y)
}

pub fn ldexp(cx: &mut Ctx, x: f64, i: Value) -> R<f64> {
    let Some(n) = cx.as_int(i) else {
        return Err(cx.type_error("Expected an int as second argument to ldexp."));
    };
    if x == 0.0 || !x.is_finite() {
        return Ok(x);
    }
    let n = i64::try_from(&n).unwrap_or(if n.is_negative() { i64::MIN } else { i64::MAX });
    let y = libm::ldexp(x, n.clamp(-100_000, 100_000) as i32);
    if y.is_infinite() {
        return Err(cx.overflow_error("math range error"));
    }
    Ok(y)
}

pub fn nextafter(cx: &mut Ctx, x: f64, y: f64, steps: Value) -> R<f64> {
    let steps = if steps.is_none() { Value::small_int(1) } else { cx.index(steps)? };
    let steps = cx.as_int(steps).unwrap_or(IBig::ZERO);
    if steps.is_negative() {
        return Err(cx.value_error("steps must be a non-negative integer"));
    }
    if x.is_nan() {
        return Ok(x);
    }
    if y.is_nan() {
        return Ok(y);
    }
    let steps = u64::try_from(&steps).unwrap_or(u64::MAX);
    if steps == 0 {
        return Ok(x);
    }
    if x == y {
        return Ok(y);
    }
    // Positions on the line of floats: the sign-magnitude bits as signed numbers.
    let place = |v: f64| {
        let magnitude = (v.to_bits() & (u64::MAX >> 1)) as i128;
        if v.is_sign_negative() { -magnitude } else { magnitude }
    };
    let (from, to) = (place(x), place(y));
    let distance = (to - from).unsigned_abs();
    if u128::from(steps) >= distance {
        return Ok(y);
    }
    let at = if to > from { from + i128::from(steps) } else { from - i128::from(steps) };
    let magnitude = f64::from_bits(at.unsigned_abs() as u64);
    let negative = at < 0 || (at == 0 && x.is_sign_negative());
    Ok(if negative { -magnitude } else { magnitude })
}
