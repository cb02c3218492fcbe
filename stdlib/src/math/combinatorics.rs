//! Exact functions of integers: factorials, binomials, divisors and roots.

use conc_interpreter::native::{Ctx, R};
use conc_interpreter::value::Value;
use dashu_base::{Gcd, Signed, UnsignedAbs};
use dashu_int::{IBig, UBig};

fn integer(cx: &mut Ctx, v: Value) -> R<IBig> {
    let n = cx.index(v)?;
    Ok(cx.as_int(n).unwrap_or(IBig::ZERO))
}

pub fn gcd(cx: &mut Ctx, integers: &[Value]) -> R {
    let mut result = UBig::ZERO;
    for &v in integers {
        let n = integer(cx, v)?.unsigned_abs();
        result = match (result == UBig::ZERO, n == UBig::ZERO) {
            (true, _) => n,
            (_, true) => result,
            _ => result.gcd(n),
        };
    }
    Ok(cx.big(&IBig::from(result)))
}

pub fn lcm(cx: &mut Ctx, integers: &[Value]) -> R {
    let mut result = UBig::ONE;
    for &v in integers {
        let n = integer(cx, v)?.unsigned_abs();
        if result == UBig::ZERO || n == UBig::ZERO {
            result = UBig::ZERO;
            continue;
        }
        let common = (&result).gcd(&n);
        result = result / common * n;
    }
    Ok(cx.big(&IBig::from(result)))
}

pub fn isqrt(cx: &mut Ctx, n: Value) -> R {
    let n = integer(cx, n)?;
    if n.is_negative() {
        return Err(cx.value_error("isqrt() argument must be nonnegative"));
    }
    use dashu_base::SquareRoot;
    let root = n.unsigned_abs().sqrt();
    Ok(cx.big(&IBig::from(root)))
}

/// The product of `count` numbers going up from `low`, by halves so that the factors stay of like size.
fn product(cx: &mut Ctx, low: &UBig, count: u64) -> R<UBig> {
    cx.poll()?;
    if count <= 16 {
        let mut result = UBig::ONE;
        for i in 0..count {
            result *= low + UBig::from(i);
        }
        return Ok(result);
    }
    let half = count / 2;
    let lower = product(cx, low, half)?;
    let upper = product(cx, &(low + UBig::from(half)), count - half)?;
    Ok(lower * upper)
}

pub fn factorial(cx: &mut Ctx, n: Value) -> R {
    let n = integer(cx, n)?;
    if n.is_negative() {
        return Err(cx.value_error("factorial() not defined for negative values"));
    }
    let Ok(n) = i64::try_from(&n) else {
        return Err(cx.overflow_error("factorial() argument should not exceed 9223372036854775807"));
    };
    // The result of a larger argument would not fit in memory.
    if n > 1 << 34 {
        return Err(cx.memory_error());
    }
    let result = product(cx, &UBig::ONE, n as u64)?;
    Ok(cx.big(&IBig::from(result)))
}

/// `n * (n-1) * ... * (n-k+1)` for k <= n.
fn falling(cx: &mut Ctx, n: &UBig, k: u64) -> R<UBig> {
    let low = n - UBig::from(k) + UBig::ONE;
    product(cx, &low, k)
}

fn counts(cx: &mut Ctx, n: Value, k: Value) -> R<(UBig, UBig)> {
    let (n, k) = (integer(cx, n)?, integer(cx, k)?);
    if n.is_negative() {
        return Err(cx.value_error("n must be a non-negative integer"));
    }
    if k.is_negative() {
        return Err(cx.value_error("k must be a non-negative integer"));
    }
    Ok((n.unsigned_abs(), k.unsigned_abs()))
}

pub fn comb(cx: &mut Ctx, n: Value, k: Value) -> R {
    let (n, k) = counts(cx, n, k)?;
    if k > n {
        return Ok(Value::small_int(0));
    }
    let rest = &n - &k;
    let k = if rest < k { rest } else { k };
    let Ok(k) = i64::try_from(&IBig::from(k)) else {
        return Err(cx.overflow_error("min(n - k, k) must not exceed 9223372036854775807"));
    };
    let result = falling(cx, &n, k as u64)? / product(cx, &UBig::ONE, k as u64)?;
    Ok(cx.big(&IBig::from(result)))
}

pub fn perm(cx: &mut Ctx, n: Value, k: Value) -> R {
    if k.is_none() {
        return factorial(cx, n);
    }
    let (n, k) = counts(cx, n, k)?;
    if k > n {
        return Ok(Value::small_int(0));
    }
    let Ok(k) = i64::try_from(&IBig::from(k)) else {
        return Err(cx.overflow_error("k must not exceed 9223372036854775807"));
    };
    let result = falling(cx, &n, k as u64)?;
    Ok(cx.big(&IBig::from(result)))
}
