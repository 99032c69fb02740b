//! Expected purchases of clients who have not left, without cancellation.
//!
//! Means over the negative binomial distribution are sums of positive numbers: every digit counts, for
//! s of ten thousand as for one of a tenth. They start at the mode, as the first weights may underflow.
//! Where z is so near to 1 that the distribution has a very long tail, an integral over a Beta
//! distribution takes over.

use super::quadrature::ln_beta_mean;

/// Weights this much smaller than their sum do not show in a double, whatever they weigh.
const NEGLIGIBLE: f64 = 1e-20;
/// More terms than this cost more than the integral.
const MAX_TERMS: f64 = 20_000.0;
/// Numbers of purchases beyond this are not tabulated.
const MAX_COUNT: f64 = 500_000.0;

/// A negative binomial distribution of counts: the number of purchases in a horizon.
#[derive(Debug, Clone, Copy)]
pub struct NegativeBinomial {
    s: f64,
    z: f64,
}

impl NegativeBinomial {
    /// `NegBin(s, z)`, s > 0 and 0 <= z < 1: the weights of n are (s)_n / n! · z^n.
    pub fn new(s: f64, z: f64) -> Self {
        Self { s, z }
    }

    /// Whether sums over the distribution are short; if not, the integral is cheaper.
    pub fn has_short_sums(&self) -> bool {
        let odds = self.z / (1.0 - self.z);
        let deviation = (self.s * odds * (1.0 + odds)).sqrt();
        let terms = 20.0 * deviation + 50.0 / (1.0 - self.z);
        terms < MAX_TERMS && self.mode() + terms < MAX_COUNT
    }

    fn mode(&self) -> f64 {
        ((self.s - 1.0) * self.z / (1.0 - self.z)).max(0.0).floor()
    }

    /// The mean of a sequence whose entry n lies between 1 and n, from n = 1 on: the tails that are cut
    /// off then do not show.
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

/// ln E (1 − (1 + p τ)^-s) / p for p ~ Beta(a, b): the purchases of a client who has not left.
pub fn ln_expected_purchases(s: f64, a: f64, b: f64, tau: f64) -> f64 {
    ln_beta_mean(a, b, |at| libm::log(-libm::expm1(-s * libm::log1p(at.p * tau))) - at.ln_p)
}
