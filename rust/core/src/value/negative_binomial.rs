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
        let mut sum = 0.0;
        let weights = self.walk(|weight, n| sum += weight * sequence(n));
        sum / weights
    }

    /// The mean of A at ⌊(j + N) / k⌋, N of shape s + j, for each j < k; the entry n of A lies between
    /// 1 and n, from n = 1 on.
    ///
    /// Weights of shape s + j are those of s times (s + n)_j / (s)_j (1 − z)^j, so that one pass over n
    /// serves every j.
    pub fn means_by_steps(&self, mut sequence: impl FnMut(usize) -> f64, means: &mut [f64]) {
        let k = means.len();
        means.fill(0.0);
        let scales: Vec<f64> = (0..k).map(|j| (1.0 - self.z) / (self.s + j as f64)).collect();
        let weights = self.walk(|mut weight, n| {
            let (made, steps) = (n / k, n % k);
            let (now, next) = (sequence(made), sequence(made + 1));
            for (j, mean) in means.iter_mut().enumerate() {
                *mean += weight * if steps + j < k { now } else { next };
                weight *= (self.s + (n + j) as f64) * scales[j];
            }
        });
        means.iter_mut().for_each(|mean| *mean /= weights);
    }

    /// Hand over each count and its weight, from the mode up and then down, as far as they show, and
    /// return the sum of the weights, of which that of the mode is 1.
    #[inline]
    fn walk(&self, mut add: impl FnMut(f64, usize)) -> f64 {
        let mode = self.mode() as usize;
        let end = NEGLIGIBLE * (1.0 - self.z);
        let (mut weights, mut weight, mut n) = (0.0, 1.0, mode);
        loop {
            weights += weight;
            add(weight, n);
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
            add(weight, n);
        }
        weights
    }
}

/// ln E (1 − E q^⌊(j + N) / k⌋) / p for p = 1 − q ~ Beta(a, b), N of shape s: the purchases of k steps
/// of a client who has not left, and has made j steps of the next.
///
/// With ρ = q^(1/k) and the k-th roots of one ω, q^⌊m / k⌋ is a sum of (ρ ω)^m, whose means are known.
/// The first is near 1 where p is small, and its distance from 1 is computed as such.
pub fn ln_expected_regular_purchases(
    s: f64,
    [a, b]: [f64; 2],
    tau: f64,
    k: usize,
    j: usize,
) -> f64 {
    // Nearer to 1 than this p makes no difference, and the powers of ρ overflow.
    const MOST: f64 = 1.0 - 1e-10;
    let steps = k as f64;
    let purchases = |p: f64| {
        let q = 1.0 - p;
        let ln_rho = libm::log1p(-p) / steps;
        let rho = libm::exp(ln_rho);
        let weight: f64 = (1..k).map(|c| libm::expm1(-(c as f64) * ln_rho)).sum::<f64>() / steps;
        let first =
            libm::log1p(weight) + j as f64 * ln_rho - s * libm::log1p(-tau * libm::expm1(ln_rho));
        let mut sum = -libm::expm1(first) / p;
        for l in 1..k {
            let angle = 2.0 * std::f64::consts::PI * l as f64 / steps;
            // ρ ω − 1 and 1 + τ (1 − ρ ω), by their lengths and angles.
            let (real, imaginary) = (rho * libm::cos(angle) - 1.0, rho * libm::sin(angle));
            let (wait, turn) = (1.0 - tau * real, -tau * imaginary);
            let length = libm::exp(
                (j as f64 + 1.0) * ln_rho
                    - libm::log(libm::hypot(real, imaginary))
                    - s * libm::log(libm::hypot(wait, turn)),
            );
            let direction = (j as f64 + 1.0) * angle
                - libm::atan2(imaginary, real)
                - s * libm::atan2(turn, wait);
            sum += length * libm::cos(direction) / (steps * q);
        }
        sum
    };
    ln_beta_mean(a, b, |at| libm::log(purchases(at.p.min(MOST)).max(f64::MIN_POSITIVE)))
}

/// ln E (1 − (1 + p τ)^-s) / p for p ~ Beta(a, b): the purchases of a client who has not left.
pub fn ln_expected_purchases(s: f64, a: f64, b: f64, tau: f64) -> f64 {
    ln_beta_mean(a, b, |at| libm::log(-libm::expm1(-s * libm::log1p(at.p * tau))) - at.ln_p)
}
