//! math: mathematical functions of real numbers.

use conc_macros::module;

use conc_interpreter::native::{Ctx, R};

/// The result of a function that is undefined where it gives NaN for a number, and infinite only by overflow.
fn checked(cx: &mut Ctx, x: f64, y: f64) -> R<f64> {
    if y.is_nan() && !x.is_nan() {
        return Err(cx.value_error("math domain error"));
    }
    if y.is_infinite() && x.is_finite() {
        return Err(cx.overflow_error("math range error"));
    }
    Ok(y)
}

/// The same for functions with poles: an infinite result is a domain error.
fn checked_pole(cx: &mut Ctx, x: f64, y: f64) -> R<f64> {
    if (y.is_nan() && !x.is_nan()) || (y.is_infinite() && x.is_finite()) {
        return Err(cx.value_error("math domain error"));
    }
    Ok(y)
}

/// Mathematical functions of real numbers, and exact ones of integers.
#[module(name = "math")]
pub mod math {
    use super::{checked, checked_pole};
    use crate::math::{combinatorics, logarithms, sums};
    use conc_interpreter::native::{Ctx, R};
    use conc_interpreter::object::arith::float_to_big;
    use conc_interpreter::object::module::Module;
    use conc_interpreter::value::{Gc, Value};

    /// The ratio of a circle's circumference to its diameter.
    #[allow(non_upper_case_globals)]
    pub const pi: f64 = std::f64::consts::PI;
    /// The base of natural logarithms.
    #[allow(non_upper_case_globals)]
    pub const e: f64 = std::f64::consts::E;
    /// The ratio of a circle's circumference to its radius.
    #[allow(non_upper_case_globals)]
    pub const tau: f64 = std::f64::consts::TAU;

    #[init]
    pub fn init(cx: &mut Ctx, module: Gc<Module>) -> R<()> {
        let (inf, nan) = (cx.iso().roots.infinity.get(), cx.iso().roots.nan.get());
        crate::core::shared::define(cx, module, "inf", inf);
        crate::core::shared::define(cx, module, "nan", nan);
        Ok(())
    }

    /// Give the angle whose cosine is x, in radians: 0 to pi.
    pub fn acos(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, x.acos())
    }

    /// Give the number whose hyperbolic cosine is x.
    pub fn acosh(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, libm::acosh(x))
    }

    /// Give the angle whose sine is x, in radians: -pi/2 to pi/2.
    pub fn asin(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, x.asin())
    }

    /// Give the number whose hyperbolic sine is x.
    pub fn asinh(x: f64) -> f64 {
        libm::asinh(x)
    }

    /// Give the angle whose tangent is x, in radians: -pi/2 to pi/2.
    pub fn atan(x: f64) -> f64 {
        x.atan()
    }

    /// Give the angle of the point (x, y) as seen from the origin, in radians: -pi to pi.
    pub fn atan2(y: f64, x: f64) -> f64 {
        y.atan2(x)
    }

    /// Give the number whose hyperbolic tangent is x.
    pub fn atanh(cx: &mut Ctx, x: f64) -> R<f64> {
        checked_pole(cx, x, libm::atanh(x))
    }

    /// Give the number whose cube is x.
    pub fn cbrt(x: f64) -> f64 {
        x.cbrt()
    }

    /// Give the least integer that is not below x.
    pub fn ceil(cx: &mut Ctx, x: Value) -> R {
        super::whole(cx, x, true)
    }

    /// Give the greatest integer that is not above x.
    pub fn floor(cx: &mut Ctx, x: Value) -> R {
        super::whole(cx, x, false)
    }

    /// Drop the fraction of x, as its __trunc__ does.
    pub fn trunc(cx: &mut Ctx, x: Value) -> R {
        if x.is_int() {
            return Ok(x);
        }
        if x.is_float() {
            let whole = float_to_big(x.float().trunc());
            return Ok(cx.big(&whole));
        }
        let name = cx.names().__trunc__;
        match cx.call_special(x, name, &[])? {
            Some(result) => Ok(result),
            None => {
                let got = cx.type_name(x);
                Err(cx.type_error(format!("type {got} doesn't define __trunc__ method")))
            }
        }
    }

    /// Give x with its sign made that of y.
    pub fn copysign(x: f64, y: f64) -> f64 {
        x.copysign(y)
    }

    /// Give the cosine of an angle in radians.
    pub fn cos(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, x.cos())
    }

    /// Give the cosine of a hyperbolic angle.
    pub fn cosh(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, x.cosh())
    }

    /// Give the degrees of an angle in radians.
    pub fn degrees(x: f64) -> f64 {
        x * (180.0 / std::f64::consts::PI)
    }

    /// Give the radians of an angle in degrees.
    pub fn radians(x: f64) -> f64 {
        x * (std::f64::consts::PI / 180.0)
    }

    /// Give the length of the straight line between two points.
    pub fn dist(cx: &mut Ctx, p: Value, q: Value) -> R<f64> {
        sums::dist(cx, p, q)
    }

    /// Give the length of the vector with these coordinates.
    pub fn hypot(cx: &mut Ctx, coordinates: &[Value]) -> R<f64> {
        let mut parts = Vec::with_capacity(coordinates.len());
        for &c in coordinates {
            parts.push(cx.to_float(c)?);
        }
        Ok(sums::norm(&parts))
    }

    /// Give the error function's value at x.
    pub fn erf(x: f64) -> f64 {
        libm::erf(x)
    }

    /// Give 1 - erf(x), exact even where erf(x) is nearly 1.
    pub fn erfc(x: f64) -> f64 {
        libm::erfc(x)
    }

    /// Give e ** x.
    pub fn exp(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, x.exp())
    }

    /// Give 2 ** x.
    pub fn exp2(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, x.exp2())
    }

    /// Give e ** x - 1, exact even where x is nearly 0.
    pub fn expm1(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, x.exp_m1())
    }

    /// Give x without its sign, as a float.
    pub fn fabs(x: f64) -> f64 {
        x.abs()
    }

    /// Give the product of all integers from 1 to x.
    pub fn factorial(cx: &mut Ctx, n: Value) -> R {
        combinatorics::factorial(cx, n)
    }

    /// Give x * y + z, rounded once only.
    pub fn fma(cx: &mut Ctx, x: f64, y: f64, z: f64) -> R<f64> {
        let r = x.mul_add(y, z);
        if r.is_finite() {
            return Ok(r);
        }
        if r.is_nan() && !x.is_nan() && !y.is_nan() && !z.is_nan() {
            return Err(cx.value_error("invalid operation in fma"));
        }
        if r.is_infinite() && x.is_finite() && y.is_finite() && z.is_finite() {
            return Err(cx.overflow_error("overflow in fma"));
        }
        Ok(r)
    }

    /// Give what is left of x after taking y away as often as it fits; it has the sign of x, unlike that of x % y.
    pub fn fmod(cx: &mut Ctx, x: f64, y: f64) -> R<f64> {
        if y.is_infinite() && x.is_finite() {
            return Ok(x);
        }
        let r = x % y;
        if r.is_nan() && !x.is_nan() && !y.is_nan() {
            return Err(cx.value_error("math domain error"));
        }
        Ok(r)
    }

    /// Give (m, e) such that x is m * 2 ** e, with m from 0.5 up to but not including 1, or 0.
    pub fn frexp(cx: &mut Ctx, x: f64) -> R {
        let (m, exponent) = if x == 0.0 || !x.is_finite() { (x, 0) } else { libm::frexp(x) };
        let (m, exponent) = (cx.float(m), cx.int(i64::from(exponent)));
        cx.tuple(&[m, exponent])
    }

    /// Give x * 2 ** i, which undoes frexp().
    pub fn ldexp(cx: &mut Ctx, x: f64, i: Value) -> R<f64> {
        logarithms::ldexp(cx, x, i)
    }

    /// Add floats up without losing digits on the way.
    pub fn fsum(cx: &mut Ctx, seq: Value) -> R<f64> {
        sums::fsum(cx, seq)
    }

    /// Multiply the pairs of items of two iterables and add the products up; they must be of one length.
    pub fn sumprod(cx: &mut Ctx, p: Value, q: Value) -> R {
        sums::sumprod(cx, p, q)
    }

    /// Multiply the items, beginning with start.
    pub fn prod(
        cx: &mut Ctx,
        iterable: Value,
        #[kwonly]
        #[default(Value::small_int(1))]
        start: Value,
    ) -> R {
        sums::prod(cx, iterable, start)
    }

    /// Give the gamma function's value at x; it is (n - 1)! for an integer n.
    pub fn gamma(cx: &mut Ctx, x: f64) -> R<f64> {
        logarithms::gamma(cx, x)
    }

    /// Give the logarithm of the absolute value of gamma(x).
    pub fn lgamma(cx: &mut Ctx, x: f64) -> R<f64> {
        logarithms::lgamma(cx, x)
    }

    /// Greatest common divisor of the integers.
    pub fn gcd(cx: &mut Ctx, integers: &[Value]) -> R {
        combinatorics::gcd(cx, integers)
    }

    /// Least common multiple of the integers.
    pub fn lcm(cx: &mut Ctx, integers: &[Value]) -> R {
        combinatorics::lcm(cx, integers)
    }

    /// Tell whether two numbers are nearly equal.
    ///
    /// The difference may be rel_tol times the larger of the two, or abs_tol, whichever is more. An infinity is close
    /// to
    /// itself alone, a NaN to nothing.
    pub fn isclose(
        cx: &mut Ctx,
        #[kw] a: f64,
        #[kw] b: f64,
        #[kwonly]
        #[default(1e-9)]
        rel_tol: f64,
        #[kwonly]
        #[default(0.0)]
        abs_tol: f64,
    ) -> R<bool> {
        if rel_tol < 0.0 || abs_tol < 0.0 {
            return Err(cx.value_error("tolerances must be non-negative"));
        }
        if a == b {
            return Ok(true);
        }
        if a.is_infinite() || b.is_infinite() {
            return Ok(false);
        }
        let diff = (b - a).abs();
        Ok(diff <= (rel_tol * b).abs() || diff <= (rel_tol * a).abs() || diff <= abs_tol)
    }

    /// Tell whether x is an ordinary number: no infinity and no NaN.
    pub fn isfinite(x: f64) -> bool {
        x.is_finite()
    }

    /// Tell whether x is one of the two infinities.
    pub fn isinf(x: f64) -> bool {
        x.is_infinite()
    }

    /// Tell whether x is a NaN.
    pub fn isnan(x: f64) -> bool {
        x.is_nan()
    }

    /// Give the greatest integer whose square is not above n.
    pub fn isqrt(cx: &mut Ctx, n: Value) -> R {
        combinatorics::isqrt(cx, n)
    }

    /// Count the ways to choose k of n items.
    pub fn comb(cx: &mut Ctx, n: Value, k: Value) -> R {
        combinatorics::comb(cx, n, k)
    }

    /// Count the ways to put k of n items in a row, all n unless k is given.
    pub fn perm(cx: &mut Ctx, n: Value, #[default(Value::NONE)] k: Value) -> R {
        combinatorics::perm(cx, n, k)
    }

    /// Give the logarithm of x, natural unless a base is given.
    pub fn log(cx: &mut Ctx, x: Value, base: Option<Value>) -> R<f64> {
        logarithms::log(cx, x, base)
    }

    /// Give the decimal logarithm of x.
    pub fn log10(cx: &mut Ctx, x: Value) -> R<f64> {
        logarithms::of_any_int(cx, x, f64::log10)
    }

    /// Give the natural logarithm of 1 + x, exact even where x is nearly 0.
    pub fn log1p(cx: &mut Ctx, x: f64) -> R<f64> {
        checked_pole(cx, x, x.ln_1p())
    }

    /// Give the binary logarithm of x.
    pub fn log2(cx: &mut Ctx, x: Value) -> R<f64> {
        logarithms::of_any_int(cx, x, f64::log2)
    }

    /// Give what is after the decimal point and what is before it, both as floats.
    pub fn modf(cx: &mut Ctx, x: f64) -> R {
        let (fraction, whole) =
            if x.is_infinite() { (0f64.copysign(x), x) } else { ((x - x.trunc()).copysign(x), x.trunc()) };
        let (fraction, whole) = (cx.float(fraction), cx.float(whole));
        cx.tuple(&[fraction, whole])
    }

    /// Give the float that comes so many steps after x on the way to y.
    pub fn nextafter(
        cx: &mut Ctx,
        x: f64,
        y: f64,
        #[kwonly]
        #[default(Value::small_int(1))]
        steps: Value,
    ) -> R<f64> {
        logarithms::nextafter(cx, x, y, steps)
    }

    /// Give x ** y, as a float.
    pub fn pow(cx: &mut Ctx, x: f64, y: f64) -> R<f64> {
        let r = x.powf(y);
        if r.is_finite() || x.is_nan() || y.is_nan() {
            return Ok(r);
        }
        if r.is_nan() || (x == 0.0 && y.is_finite()) {
            return Err(cx.value_error("math domain error"));
        }
        if x.is_finite() && y.is_finite() {
            return Err(cx.overflow_error("math range error"));
        }
        Ok(r)
    }

    /// Give how far x is above or below the nearest multiple of y; between two it is the even one.
    pub fn remainder(cx: &mut Ctx, x: f64, y: f64) -> R<f64> {
        if x.is_nan() || y.is_nan() {
            return Ok(f64::NAN);
        }
        if x.is_infinite() || y == 0.0 {
            return Err(cx.value_error("math domain error"));
        }
        if y.is_infinite() {
            return Ok(x);
        }
        Ok(libm::remainder(x, y))
    }

    /// Give the sine of an angle in radians.
    pub fn sin(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, x.sin())
    }

    /// Give the sine of a hyperbolic angle.
    pub fn sinh(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, x.sinh())
    }

    /// Give the number whose square is x.
    pub fn sqrt(cx: &mut Ctx, x: f64) -> R<f64> {
        if x < 0.0 {
            return Err(cx.value_error("math domain error"));
        }
        Ok(x.sqrt())
    }

    /// Give the tangent of an angle in radians.
    pub fn tan(cx: &mut Ctx, x: f64) -> R<f64> {
        checked(cx, x, x.tan())
    }

    /// Give the tangent of a hyperbolic angle.
    pub fn tanh(x: f64) -> f64 {
        x.tanh()
    }

    /// Give the distance from abs(x) to the next larger float.
    pub fn ulp(x: f64) -> f64 {
        let x = x.abs();
        if !x.is_finite() {
            return x;
        }
        let next = x.next_up();
        if next.is_infinite() { x - x.next_down() } else { next - x }
    }
}

/// floor and ceil.
fn whole(cx: &mut Ctx, x: conc_interpreter::value::Value, up: bool) -> R {
    use conc_interpreter::object::arith::float_to_big;
    if x.is_int() {
        return Ok(x);
    }
    let names = cx.names();
    if !x.is_float() {
        let name = if up { names.__ceil__ } else { names.__floor__ };
        if let Some(result) = cx.call_special(x, name, &[])? {
            return Ok(result);
        }
    }
    let x = cx.to_float(x)?;
    if x.is_nan() {
        return Err(cx.value_error("cannot convert float NaN to integer"));
    }
    if x.is_infinite() {
        return Err(cx.overflow_error("cannot convert float infinity to integer"));
    }
    let n = float_to_big(if up { x.ceil() } else { x.floor() });
    Ok(cx.big(&n))
}
