//! Special functions, with the same bits on any machine.

/// lnΓ(x) for x > 0.
#[inline]
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Where the asymptotic series of ψ and ψ′ have reached the precision of a double: with the six and
/// seven terms below, what is left out is under 10^-16 of the sum.
const ASYMPTOTIC: f64 = 12.0;

/// ψ(x), the derivative of lnΓ, for x > 0: recurrence up to twelve, then the series of
/// Abramowitz and Stegun 6.3.18.
pub fn digamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < ASYMPTOTIC {
        below += 1.0 / x;
        x += 1.0;
    }
    let z = 1.0 / (x * x);
    let series = z
        * (1.0 / 12.0
            - z * (1.0 / 120.0
                - z * (1.0 / 252.0
                    - z * (1.0 / 240.0 - z * (1.0 / 132.0 - z * (691.0 / 32_760.0))))));
    libm::log(x) - 0.5 / x - series - below
}

/// ψ′(x) for x > 0: recurrence, then the series of Abramowitz and Stegun 6.4.12.
pub fn trigamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < ASYMPTOTIC {
        below += 1.0 / (x * x);
        x += 1.0;
    }
    let z = 1.0 / (x * x);
    let series = z
        * (1.0 / 6.0
            - z * (1.0 / 30.0
                - z * (1.0 / 42.0
                    - z * (1.0 / 30.0
                        - z * (5.0 / 66.0 - z * (691.0 / 2730.0 - z * (7.0 / 6.0)))))));
    below + 1.0 / x + 0.5 * z + series / x
}

/// lnΓ(x + k) − lnΓ(x), and the same of ψ and of ψ′, for x > 0 and k >= 0.
///
/// Differences of large numbers lose the digits that they share, so that for a large x the series are
/// subtracted term by term; what they leave out is below 10^-17 there.
pub fn rises(x: f64, k: f64) -> [f64; 3] {
    const LARGE: f64 = 1e4;
    let y = x + k;
    if x < LARGE {
        return [ln_gamma(y) - ln_gamma(x), digamma(y) - digamma(x), trigamma(y) - trigamma(x)];
    }
    let (log, inverses) = (libm::log1p(k / x), k / (x * y));
    let squares = inverses * (x + y) / (x * y);
    let cubes = inverses * (x * x + x * y + y * y) / (x * x * y * y);
    [
        (x - 0.5) * log + (k * libm::log(y) - k) - inverses / 12.0,
        log + inverses / 2.0 + squares / 12.0,
        -inverses - squares / 2.0 - cubes / 6.0,
    ]
}

/// ln(1 + e^y) without overflow, and its derivative σ(y) = 1 / (1 + e^-y).
#[inline]
pub fn softplus(y: f64) -> (f64, f64) {
    let e = libm::exp(-y.abs());
    let inverse = 1.0 / (1.0 + e);
    let sigma = if y > 0.0 { inverse } else { e * inverse };
    (y.max(0.0) + libm::log1p(e), sigma)
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by the modified method of
/// Lentz; it converges fast for x < (a + 1) / (a + b + 2).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    // It takes about √max(a, b) terms.
    for m in 1..100_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut factor = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            factor = c * d;
            fraction *= factor;
        }
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

/// P(X <= x) for X ~ Beta(a, b).
pub fn beta_cdf(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return f64::from(u8::from(x >= 1.0));
    }
    let ln_front =
        a * libm::log(x) + b * libm::log1p(-x) + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    let front = libm::exp(ln_front);
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, 1.0 - x) / b
    }
}

/// The x with P(X <= x) = `probability` for X ~ Beta(a, b): by bisection, which cannot fail.
pub fn beta_quantile(a: f64, b: f64, probability: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // Halves of (0, 1) come down to the spacing of doubles at 10^-16.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if beta_cdf(a, b, middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Euler's constant, and ψ′(1) = π²/6.
    const EULER: f64 = 0.577_215_664_901_532_9;

    #[test]
    fn known_values() {
        let sixth = std::f64::consts::PI.powi(2) / 6.0;
        assert!((digamma(1.0) + EULER).abs() < 1e-15);
        assert!((digamma(0.5) + EULER + 2.0 * std::f64::consts::LN_2).abs() < 4e-15);
        assert!((trigamma(1.0) - sixth).abs() < 1e-15);
        assert!((trigamma(0.5) - 3.0 * sixth).abs() < 4e-15);
        assert_eq!(softplus(1e4), (1e4, 1.0));
        assert_eq!(softplus(-1e4), (0.0, 0.0));
    }

    proptest! {
        /// Of a whole k they are sums of k terms.
        #[test]
        fn rises_are_their_sums(log in -3.0..10.0_f64, k in 0..200_u32) {
            let x = 10.0_f64.powf(log);
            let terms = || (0..k).map(|i| x + f64::from(i));
            let expected: [f64; 3] = [
                terms().map(f64::ln).sum(),
                terms().map(f64::recip).sum(),
                -terms().map(|y| 1.0 / (y * y)).sum::<f64>(),
            ];
            // Of a small x, the differences are of numbers that are not much larger than they are.
            let tolerance = if x < 1e4 { 1e-8 } else { 1e-13 };
            for (found, expected) in rises(x, f64::from(k)).into_iter().zip(expected) {
                let off = (found - expected).abs();
                prop_assert!(off <= tolerance * expected.abs(), "{found} {expected}");
            }
        }

        #[test]
        fn the_recurrences_hold(x in 1e-6..1e6_f64) {
            let near = |a: f64, b: f64| (a - b).abs() <= 4e-15 * a.abs().max(b.abs()).max(1.0);
            prop_assert!(near(digamma(x + 1.0), digamma(x) + 1.0 / x) || x < 1e-3);
            prop_assert!(near(trigamma(x), trigamma(x + 1.0) + 1.0 / (x * x)));
        }

        #[test]
        fn derivatives_are_those_of_the_logarithm(x in 0.05..1e3_f64) {
            let h = 1e-4 * x;
            let slope = (ln_gamma(x + h) - ln_gamma(x - h)) / (2.0 * h);
            let bend = (digamma(x + h) - digamma(x - h)) / (2.0 * h);
            prop_assert!((slope - digamma(x)).abs() < 1e-6 * (1.0 + slope.abs()));
            prop_assert!((bend - trigamma(x)).abs() < 1e-6 * (1.0 + bend.abs()));
        }

        #[test]
        fn quantiles_of_the_beta_distribution_have_their_probability(
            ln_a in -3.0..9.0_f64, ln_b in -3.0..9.0_f64, share in 0.001..0.999_f64
        ) {
            let (a, b) = (ln_a.exp(), ln_b.exp());
            let x = beta_quantile(a, b, share);
            prop_assume!(x > 1e-9 && x < 1.0 - 1e-9);
            prop_assert!((beta_cdf(a, b, x) - share).abs() < 1e-7);
            prop_assert!((beta_cdf(b, a, 1.0 - x) - (1.0 - share)).abs() < 1e-7);
            // Beta(a, 1) is the law of u^(1/a).
            prop_assert!((beta_quantile(a, 1.0, share) - share.powf(1.0 / a)).abs() < 1e-12);
        }

        #[test]
        fn softplus_is_the_logarithm_it_stands_for(y in -30.0..30.0_f64) {
            let (value, sigma) = softplus(y);
            prop_assert!((value - y.exp().ln_1p()).abs() < 1e-13 * (1.0 + value));
            prop_assert!((sigma - 1.0 / (1.0 + (-y).exp())).abs() < 1e-15);
        }
    }
}
