//! Means over a Beta distribution, to the precision of doubles, for any smooth function.
//!
//! In the logit of p the density is smooth and falls exponentially on either side. A sinh stretches
//! both tails (the double exponential rule of Takahasi and Mori, 1974), after which the trapezoidal
//! rule doubles its digits with each halving of the step.

use super::special::softplus;

/// Half-width of the logit in the middle of the rule: wider would step over what is of unit width.
const WIDEST: f64 = 8.0;
/// Terms this far below the largest (in logarithm) do not show in a double.
const NEGLIGIBLE: f64 = 80.0;
/// Beyond these logits nothing in an integrand but the density changes its course: doubles next to 0
/// and 1 have logits up to 37, and horizons are no 10^25 times as long as histories.
const FEATURELESS: f64 = 60.0;
const FIRST_STEP: f64 = 0.125;
const HALVINGS: u32 = 7;
/// Two rules that agree so well are both right: the finer one has twice their common digits.
const AGREED: f64 = 1e-10;

/// A point of the rule.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// p.
    pub p: f64,
    /// 1 − p, with all of its digits.
    pub rest: f64,
    /// ln p.
    pub ln_p: f64,
}

/// ln E e^g(p) for p ~ Beta(a, b).
pub fn ln_beta_mean(a: f64, b: f64, g: impl Fn(Point) -> f64) -> f64 {
    let centre = libm::log(a / b);
    let width = (1.0 / a + 1.0 / b).sqrt().min(WIDEST);
    // The logarithms of the density and of the whole integrand, in the stretched logit u.
    let terms = |u: f64| {
        let y = centre + width * libm::sinh(u);
        let (ln_p, ln_rest) = (-softplus(-y).0, -softplus(y).0);
        let density = a * ln_p + b * ln_rest + libm::log(libm::cosh(u));
        let point = Point { p: libm::exp(ln_p), rest: libm::exp(ln_rest), ln_p };
        (density, density + g(point), y)
    };
    let mut sums = [LogSum::default(), LogSum::default()];
    let mut step = FIRST_STEP;
    let reach = extend(&mut sums, &terms, 0.0, step, f64::INFINITY);
    let mut before = sums[1].ln() - sums[0].ln();
    for _ in 0..HALVINGS {
        step /= 2.0;
        extend(&mut sums, &terms, step, 2.0 * step, reach);
        let mean = sums[1].ln() - sums[0].ln();
        if (mean - before).abs() <= AGREED * (1.0 + mean.abs()) {
            return mean;
        }
        before = mean;
    }
    before
}

/// Add the terms at ±(`first` + i · `step`) up to `end`, or, if that is infinite, until they are
/// negligible for good; give how far that was.
fn extend(
    sums: &mut [LogSum; 2],
    terms: &impl Fn(f64) -> (f64, f64, f64),
    first: f64,
    step: f64,
    end: f64,
) -> f64 {
    let mut reach = 0.0_f64;
    for side in [1.0, -1.0] {
        let mut u = if first == 0.0 && side < 0.0 { step } else { first };
        while u <= end {
            let (density, whole, y) = terms(side * u);
            sums[0].add(density);
            sums[1].add(whole);
            let below = |sum: &LogSum, term: f64| term < sum.most - NEGLIGIBLE;
            let small = below(&sums[0], density) && below(&sums[1], whole);
            if end.is_infinite() && small && y.abs() > FEATURELESS {
                break;
            }
            u += step;
        }
        reach = reach.max(u);
    }
    reach
}

/// A sum of exponentials, kept from overflow.
#[derive(Debug, Clone, Copy)]
struct LogSum {
    most: f64,
    sum: f64,
}

impl Default for LogSum {
    fn default() -> Self {
        Self { most: f64::NEG_INFINITY, sum: 0.0 }
    }
}

impl LogSum {
    fn add(&mut self, term: f64) {
        if term > self.most {
            self.sum = self.sum * libm::exp(self.most - term) + 1.0;
            self.most = term;
        } else {
            self.sum += libm::exp(term - self.most);
        }
    }

    fn ln(&self) -> f64 {
        self.most + libm::log(self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moments_of_the_beta_distribution(
            ln_a in -7.0..7.0_f64, ln_b in -7.0..7.0_f64, power in 0.0..50.0_f64
        ) {
            use super::super::special::ln_gamma;
            let (a, b) = (ln_a.exp(), ln_b.exp());
            let found = ln_beta_mean(a, b, |point| power * point.ln_p);
            let expected = ln_gamma(a + power) + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(a + b + power);
            prop_assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }
}
