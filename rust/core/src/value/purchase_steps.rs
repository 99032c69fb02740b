//! Purchases that take several steps: how far the next one has come when nobody has seen it.
//!
//! Where the time between purchases is Erlang-k, k steps at a client's rate each, a client who still
//! is one has made j < k steps since the last purchase. Over rates, which are Gamma(s, α + `t_x`) then,
//! the weight of j is (s)_j / j! u^j with u = (T − `t_x`) / (α + T), and their sum is Q.

use super::purchases::MAX_REGULARITY;

const MOST: usize = MAX_REGULARITY as usize;

/// The steps of purchases for clients of one s.
#[derive(Debug, Clone)]
pub struct PurchaseSteps {
    k: usize,
    /// (s + j) / (j + 1), which takes the weight of j to that of j + 1, but for u.
    ratios: [f64; MOST],
    /// The derivative of ln (s)_j by s.
    slopes: [f64; MOST],
    /// The second derivative of (s)_j, relative to it.
    bends: [f64; MOST],
}

/// ln Q and its derivatives by s and by α, or weighted sums of these over clients.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogOpen {
    pub log: f64,
    pub by_s: f64,
    pub by_alpha: f64,
    pub by_s_s: f64,
    pub by_s_alpha: f64,
    pub by_alpha_alpha: f64,
}

impl LogOpen {
    /// Add the logarithm of n clients, and the derivatives of those who have not left.
    #[inline]
    pub fn add(&mut self, one: &Self, n: f64, stayed: f64) {
        self.log += n * one.log;
        self.by_s += stayed * one.by_s;
        self.by_alpha += stayed * one.by_alpha;
        self.by_s_s += stayed * one.by_s_s;
        self.by_s_alpha += stayed * one.by_s_alpha;
        self.by_alpha_alpha += stayed * one.by_alpha_alpha;
    }
}

impl PurchaseSteps {
    /// Purchases of k steps, from 1 to `MAX_REGULARITY`.
    pub fn new(k: u32, s: f64) -> Self {
        let k = k as usize;
        let [mut ratios, mut slopes, mut bends] = [[0.0; MOST]; 3];
        for j in 1..k {
            let before = s + (j - 1) as f64;
            ratios[j - 1] = before / j as f64;
            slopes[j] = slopes[j - 1] + 1.0 / before;
            bends[j] = bends[j - 1] + 2.0 * slopes[j - 1] / before;
        }
        Self { k, ratios, slopes, bends }
    }

    /// ln Q after so long a silence, at the age α + T.
    #[inline]
    pub fn log_open(&self, silence: f64, age: f64) -> LogOpen {
        let u = silence / age;
        let mut weight = 1.0;
        let [mut q, mut s, mut ss, mut steps, mut pairs, mut s_steps] =
            [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        for j in 1..self.k {
            weight *= self.ratios[j - 1] * u;
            let made = j as f64 * weight;
            q += weight;
            s += weight * self.slopes[j];
            ss += weight * self.bends[j];
            steps += made;
            pairs += made * (j - 1) as f64;
            s_steps += made * self.slopes[j];
        }
        let (by_s, by_alpha) = (s / q, -steps / (q * age));
        LogOpen {
            log: libm::log(q),
            by_s,
            by_alpha,
            by_s_s: ss / q - by_s * by_s,
            by_s_alpha: -s_steps / (q * age) - by_s * by_alpha,
            by_alpha_alpha: (pairs + 2.0 * steps) / (q * age * age) - by_alpha * by_alpha,
        }
    }

    /// ln Q, and the share of each number of steps among clients who have not left.
    pub fn shares(&self, silence: f64, age: f64) -> (f64, [f64; MOST]) {
        let mut weights = [0.0; MOST];
        weights[0] = 1.0;
        for j in 1..self.k {
            weights[j] = weights[j - 1] * self.ratios[j - 1] * (silence / age);
        }
        let q: f64 = weights.iter().sum();
        (libm::log(q), weights.map(|weight| weight / q))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_leaves_nothing_open() {
        let open = PurchaseSteps::new(1, 2.5).log_open(3.0, 9.0);
        assert_eq!((open.log, open.by_s, open.by_alpha), (0.0, 0.0, 0.0));
        let (log, shares) = PurchaseSteps::new(1, 2.5).shares(3.0, 9.0);
        assert_eq!((log, shares[0], shares[1]), (0.0, 1.0, 0.0));
    }

    /// (s)_0, (s)_1 u and (s)_2 u² / 2 for s = 2 and u = 1/3: 1, 2/3 and 1/3.
    #[test]
    fn shares_are_those_of_the_definition() {
        let (log, shares) = PurchaseSteps::new(3, 2.0).shares(3.0, 9.0);
        assert!((log - 2.0_f64.ln()).abs() < 1e-15);
        let expected = [0.5, 1.0 / 3.0, 1.0 / 6.0];
        assert!(shares.iter().zip(expected).all(|(found, share)| (found - share).abs() < 1e-15));
        assert!((PurchaseSteps::new(3, 2.0).log_open(3.0, 9.0).log - log).abs() < 1e-15);
    }
}
