//! The gamma function's logarithm and its first two derivatives, the same bits on any machine.

/// lnΓ(x) for x > 0.
#[inline]
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Where the asymptotic series of ψ and ψ′ have reached the precision of a double: with the six and
/// seven terms below, what is left out is under 10^-16 of the sum.
const ASYMPTOTIC: f64 = 12.0;

/// ψ(x), the derivative of lnΓ, for x > 0: recurrence up to [`ASYMPTOTIC`], then the series of
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

/// ln(1 + e^y) without overflow, and its derivative σ(y) = 1 / (1 + e^-y).
#[inline]
pub fn softplus(y: f64) -> (f64, f64) {
    let e = libm::exp(-y.abs());
    let inverse = 1.0 / (1.0 + e);
    let sigma = if y > 0.0 { inverse } else { e * inverse };
    (y.max(0.0) + libm::log1p(e), sigma)
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
        fn softplus_is_the_logarithm_it_stands_for(y in -30.0..30.0_f64) {
            let (value, sigma) = softplus(y);
            prop_assert!((value - y.exp().ln_1p()).abs() < 1e-13 * (1.0 + value));
            prop_assert!((sigma - 1.0 / (1.0 + (-y).exp())).abs() < 1e-15);
        }
    }
}
