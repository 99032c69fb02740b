//! Gauss's hypergeometric function where purchase models need it, without cancellation.
//!
//! Both ways here are sums of positive numbers: every digit counts, for s of ten thousand as for one
//! of a tenth. The power series is one; means over the negative binomial distribution are the other,
//! and start at the mode, as the first weights may underflow. Where z is so near to 1 that either has
//! a very long tail, an integral over a Beta distribution takes over.

use super::quadrature::ln_beta_mean;
use crate::error::{Error, Result};

/// Weights this much smaller than their sum do not show in a double, whatever they weigh.
const NEGLIGIBLE: f64 = 1e-20;
/// More terms than this cost more than the integral.
const MOST_TERMS: f64 = 20_000.0;
/// Numbers of purchases beyond this are not tabulated.
const MOST_COUNT: f64 = 500_000.0;

/// A negative binomial distribution of counts: the number of purchases in a horizon.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    s: f64,
    z: f64,
}

impl Counts {
    /// `NegBin(s, z)`, s > 0 and 0 <= z < 1: the weights of n are (s)_n / n! · z^n.
    pub fn new(s: f64, z: f64) -> Self {
        Self { s, z }
    }

    /// Whether sums over the distribution are short; else the integral is to be taken.
    pub fn are_few(&self) -> bool {
        let odds = self.z / (1.0 - self.z);
        let spread = (self.s * odds * (1.0 + odds)).sqrt();
        let terms = 20.0 * spread + 50.0 / (1.0 - self.z);
        terms < MOST_TERMS && self.mode() + terms < MOST_COUNT
    }

    fn mode(&self) -> f64 {
        ((self.s - 1.0) * self.z / (1.0 - self.z)).max(0.0).floor()
    }

    /// The mean of a sequence, asked for by number; whose entries from
    /// the first on must lie between 1 and their number: what is cut off is then nothing.
    #[inline]
    pub fn mean(&self, mut sequence: impl FnMut(usize) -> f64) -> f64 {
        let mode = self.mode() as usize;
        let end = NEGLIGIBLE * (1.0 - self.z);
        let (mut weights, mut sum) = (0.0, 0.0);
        let (mut weight, mut n) = (1.0, mode);
        loop {
            weights += weight;
            sum += weight * sequence(n);
            weight *= self.z * (self.s + n as f64) / (n as f64 + 1.0);
            n += 1;
            if weight <= end * weights {
                break;
            }
        }
        (weight, n) = (1.0, mode);
        while n > 0 {
            weight *= n as f64 / (self.z * (self.s + n as f64 - 1.0));
            n -= 1;
            if weight <= end * weights {
                break;
            }
            weights += weight;
            sum += weight * sequence(n);
        }
        sum / weights
    }
}

/// ln 2F1(s, b; c; z) for s, b, c > 0, c > b − 1 and 0 <= z < 1: the arguments that occur in the
/// BG/NBD and MBG/NBD models.
///
/// # Errors
/// If an argument lies elsewhere.
pub fn ln_gauss(s: f64, b: f64, c: f64, z: f64) -> Result<f64> {
    let inside = s > 0.0 && b > 0.0 && c > 0.0 && c > b - 1.0 && (0.0..1.0).contains(&z);
    if !inside || !(s + b + c).is_finite() {
        return Err(Error::Option(format!(
            "2F1({s}, {b}; {c}; {z}) is not computed: it takes s, b, c > 0, c > b - 1 and 0 <= z < 1"
        )));
    }
    if Counts::new(s, z).are_few() {
        return Ok(ln_series(s, b, c, z));
    }
    if c > b {
        // Euler's integral: E (1 − z t)^-s for t ~ Beta(b, c − b).
        let power = |rest: f64, t: f64| -s * libm::log(rest + (1.0 - z) * t);
        return Ok(ln_beta_mean(b, c - b, |at| power(at.rest, at.p)));
    }
    // (1 − z)^s 2F1 = 1 + (1 − a) / c · E, E being the purchases of `ln_expected` with a <= 1.
    let a = c - b + 1.0;
    let purchases = libm::exp(ln_purchases(s, a, b, z / (1.0 - z)));
    Ok(libm::log1p((1.0 - a) / c * purchases) - s * libm::log1p(-z))
}

/// The logarithm of the power series, scaled down whenever it gets large.
fn ln_series(s: f64, b: f64, c: f64, z: f64) -> f64 {
    const LARGE: f64 = 1e200;
    let (mut term, mut sum, mut scaled, mut n) = (1.0, 1.0, 0.0, 0.0);
    loop {
        let ratio = (s + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        term *= ratio;
        sum += term;
        n += 1.0;
        if ratio < 1.0 && term <= NEGLIGIBLE * (1.0 - z) * sum {
            return libm::log(sum) + scaled;
        }
        if sum > LARGE {
            (term, sum) = (term / LARGE, sum / LARGE);
            scaled += libm::log(LARGE);
        }
    }
}

/// ln E (1 − (1 + p τ)^-s) / p for p ~ Beta(a, b): the purchases of a client who is still one.
pub fn ln_purchases(s: f64, a: f64, b: f64, tau: f64) -> f64 {
    ln_beta_mean(a, b, |at| libm::log(-libm::expm1(-s * libm::log1p(at.p * tau))) - at.ln_p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The power series as it is written.
    fn series(s: f64, b: f64, c: f64, z: f64) -> f64 {
        let (mut term, mut sum, mut n) = (1.0, 0.0, 0.0);
        while n < 2.0 * s * z / (1.0 - z) || term > 1e-18 * sum {
            sum += term;
            term *= (s + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
            n += 1.0;
        }
        sum
    }

    proptest! {
        #[test]
        fn the_power_series_where_it_is_short(
            s in 0.01..40.0_f64, b in 0.01..40.0_f64, more in -0.99..40.0_f64, z in 0.0..0.9_f64
        ) {
            let c = (b + more).max(0.01);
            let found = ln_gauss(s, b, c, z).unwrap();
            prop_assert!((found - series(s, b, c, z).ln()).abs() < 1e-11 * (1.0 + found.abs()));
        }

        /// 2F1(s, b; b; z) = (1 − z)^-s and 2F1(1, 1; 2; z) = −ln(1 − z) / z.
        #[test]
        fn closed_forms_up_to_the_singularity(s in 0.1..1e4_f64, b in 0.1..1e3_f64, far in 0.0..30.0_f64) {
            let z = 1.0 - (-far).exp();
            let power = -s * (1.0 - z).ln();
            prop_assert!((ln_gauss(s, b, b, z).unwrap() - power).abs() < 1e-10 * (1.0 + power));
            if z > 0.0 {
                let expected = (-(-z).ln_1p() / z).ln();
                prop_assert!((ln_gauss(1.0, 1.0, 2.0, z).unwrap() - expected).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn other_arguments_are_refused() {
        for (s, b, c, z) in [
            (0.0, 1.0, 1.0, 0.5),
            (1.0, -1.0, 1.0, 0.5),
            (1.0, 3.0, 1.9, 0.5),
            (1.0, 1.0, 1.0, 1.0),
            (1.0, 1.0, 1.0, -0.1),
            (f64::NAN, 1.0, 1.0, 0.1),
            (f64::INFINITY, 1.0, 1.0, 0.1),
        ] {
            assert!(ln_gauss(s, b, c, z).is_err());
        }
    }
}
