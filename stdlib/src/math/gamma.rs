//! The gamma function by Lanczos' approximation, with Pugh's parameters for thirteen terms.

use std::f64::consts::PI;

const G: f64 = 6.024_680_040_776_73;
/// G less a half, exact in binary.
const G_LESS_HALF: f64 = 5.524_680_040_776_73;

/// Coefficients of the rational form of the sum, by rising powers.
const NUMERATOR: [f64; 13] = [
    23_531_376_880.410_76,
    42_919_803_642.649_1,
    35_711_959_237.355_67,
    17_921_034_426.037_21,
    6_039_542_586.352_028,
    1_439_720_407.311_721_6,
    248_874_557.862_054_17,
    31_426_415.585_400_194,
    2_876_370.628_935_372_5,
    186_056.265_395_223_48,
    8_071.672_002_365_816,
    210.824_277_751_579_36,
    2.506_628_274_631_000_2,
];
const DENOMINATOR: [f64; 13] = [
    0.0,
    39_916_800.0,
    120_543_840.0,
    150_917_976.0,
    105_258_076.0,
    45_995_730.0,
    13_339_535.0,
    2_637_558.0,
    357_423.0,
    32_670.0,
    1_925.0,
    66.0,
    1.0,
];

/// The sum at a positive x: by powers of x, or of 1/x where x is large.
fn lanczos_sum(x: f64) -> f64 {
    let horner = |c: &mut dyn Iterator<Item = &f64>, x: f64| c.fold(0.0, |sum, c| sum * x + c);
    if x < 5.0 {
        horner(&mut NUMERATOR.iter().rev(), x) / horner(&mut DENOMINATOR.iter().rev(), x)
    } else {
        let by = |c: &[f64; 13]| c.iter().fold(0.0, |sum, c| sum / x + c);
        by(&NUMERATOR) / by(&DENOMINATOR)
    }
}

/// sin(pi x), accurate near whole numbers.
fn sin_pi(x: f64) -> f64 {
    let y = x.abs() % 2.0;
    let value = match (2.0 * y).round() as i64 {
        0 => (PI * y).sin(),
        1 => (PI * (y - 0.5)).cos(),
        // The argument 1 - y keeps the sign of a zero right.
        2 => (PI * (1.0 - y)).sin(),
        3 => -(PI * (y - 1.5)).cos(),
        _ => (PI * (y - 2.0)).sin(),
    };
    if x < 0.0 { -value } else { value }
}

/// Gamma of a finite number that is no pole; infinite beyond the range.
pub fn gamma(x: f64) -> f64 {
    let size = x.abs();
    if size < 1e-20 {
        return 1.0 / x;
    }
    if size > 200.0 {
        return if x < 0.0 { 0.0 / sin_pi(x) } else { f64::INFINITY };
    }
    let y = size + G_LESS_HALF;
    // What rounding has taken from y, as a correction of the first order.
    let lost = if size > G_LESS_HALF {
        let q = y - size;
        q - G_LESS_HALF
    } else {
        let q = y - G_LESS_HALF;
        q - size
    } * G
        / y;
    if x < 0.0 {
        let mut r = -PI / sin_pi(size) / size * y.exp() / lanczos_sum(size);
        r -= lost * r;
        if size < 140.0 {
            return r / y.powf(size - 0.5);
        }
        let root = y.powf(size / 2.0 - 0.25);
        return r / root / root;
    }
    let mut r = lanczos_sum(size) / y.exp();
    r += lost * r;
    if size < 140.0 {
        return r * y.powf(size - 0.5);
    }
    let root = y.powf(size / 2.0 - 0.25);
    r * root * root
}

/// The logarithm of gamma's absolute value, at a finite number that is no pole.
pub fn ln_gamma(x: f64) -> f64 {
    let size = x.abs();
    if size < 1e-20 {
        return -size.ln();
    }
    let mut r = lanczos_sum(size).ln() - G;
    r += (size - 0.5) * ((size + G - 0.5).ln() - 1.0);
    if x < 0.0 {
        r = PI.ln() - sin_pi(size).abs().ln() - size.ln() - r;
    }
    r
}
