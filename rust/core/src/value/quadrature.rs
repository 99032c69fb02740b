//! Means over a Beta distribution, to the precision of doubles, for any smooth function.
//!
//! In the logit of p the density is smooth and falls exponentially on either side. A sinh stretches
//! both tails (the double exponential rule of Takahasi and Mori, 1974), after which the trapezoidal
//! rule doubles its digits with each halving of the step.

use super::special::softplus;

/// The most that the rule scales the logit by: beyond, steps would miss features of unit width.
const WIDEST: f64 = 8.0;
/// Terms this far below the largest (in logarithm) do not show in a double.
const NEGLIGIBLE: f64 = 80.0;
/// Beyond these logits only the density changes: doubles next to 0 and 1 have logits up to 37, and
/// horizons are not 10^25 times as long as histories.
const FEATURELESS: f64 = 60.0;
const FIRST_STEP: f64 = 0.125;
const HALVINGS: u32 = 7;
/// Where two rules agree so well the finer one is right: it has twice their common digits.
const TOLERANCE: f64 = 1e-10;

/// A node of the rule.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// p.
    pub p: f64,
    /// ln p.
    pub ln_p: f64,
}

/// ln E e^g(p) for p ~ Beta(a, b).
pub fn ln_beta_mean(a: f64, b: f64, g: impl Fn(Node) -> f64) -> f64 {
    let centre = libm::log(a / b);
    let width = (1.0 / a + 1.0 / b).sqrt().min(WIDEST);
    // The logarithms of the density and of the whole integrand, in the stretched logit u.
    let terms = |u: f64| {
        let y = centre + width * libm::sinh(u);
        let (ln_p, ln_rest) = (-softplus(-y).0, -softplus(y).0);
        let density = a * ln_p + b * ln_rest + libm::log(libm::cosh(u));
        let point = Node { p: libm::exp(ln_p), ln_p };
        (density, density + g(point), y)
    };
    let mut sums = [LogSumExp::default(), LogSumExp::default()];
    let mut step = FIRST_STEP;
    let extent = add_terms(&mut sums, &terms, 0.0, step, f64::INFINITY);
    let mut before = sums[1].ln() - sums[0].ln();
    for _ in 0..HALVINGS {
        step /= 2.0;
        add_terms(&mut sums, &terms, step, 2.0 * step, extent);
        let mean = sums[1].ln() - sums[0].ln();
        if (mean - before).abs() <= TOLERANCE * (1.0 + mean.abs()) {
            return mean;
        }
        before = mean;
    }
    before
}

/// Add the terms at ±(`first` + i · `step`) up to `end`, or, if that is infinite, until they are
/// negligible for good; how far that was.
fn add_terms(
    sums: &mut [LogSumExp; 2],
    terms: &impl Fn(f64) -> (f64, f64, f64),
    first: f64,
    step: f64,
    end: f64,
) -> f64 {
    let mut extent = 0.0_f64;
    for side in [1.0, -1.0] {
        let mut u = if first == 0.0 && side < 0.0 { step } else { first };
        while u <= end {
            let (density, whole, y) = terms(side * u);
            sums[0].add(density);
            sums[1].add(whole);
            let below = |sum: &LogSumExp, term: f64| term < sum.most - NEGLIGIBLE;
            let small = below(&sums[0], density) && below(&sums[1], whole);
            if end.is_infinite() && small && y.abs() > FEATURELESS {
                break;
            }
            u += step;
        }
        extent = extent.max(u);
    }
    extent
}

/// The logarithm of a sum of exponentials, without overflow.
#[derive(Debug, Clone, Copy)]
struct LogSumExp {
    most: f64,
    sum: f64,
}

impl Default for LogSumExp {
    fn default() -> Self {
        Self { most: f64::NEG_INFINITY, sum: 0.0 }
    }
}

impl LogSumExp {
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
