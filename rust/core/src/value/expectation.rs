//! Whether clients have left, and how often they will buy.

use super::negative_binomial::{
    NegativeBinomial, ln_expected_purchases, ln_expected_regular_purchases,
};
use super::purchase_steps::PurchaseSteps;
use super::purchases::{MAX_REGULARITY, PurchaseModel, PurchaseParameters};
use super::special::softplus;

/// A share for each number of steps.
pub(super) type Shares = [f64; MAX_REGULARITY as usize];

/// A purchase model with its parameters, in units of `unit` days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PurchaseProcess {
    /// When a client may leave.
    pub model: PurchaseModel,
    /// The parameters.
    pub parameters: PurchaseParameters,
    /// Days in the unit of time of the parameters.
    pub unit: f64,
}

impl PurchaseProcess {
    /// The probability that a client with x repeats, the last after `last` of `observed` days, has not
    /// left. Under BG/NBD it is 1 without a repeat, as nobody leaves before one.
    pub fn p_alive(&self, repeats: u32, last: u32, observed: u32) -> f64 {
        self.p_alive_and_steps(repeats, last, observed).0
    }

    /// The same, and how likely it is that so many steps of the next purchase are made, if so.
    pub(super) fn p_alive_and_steps(
        &self,
        repeats: u32,
        last: u32,
        observed: u32,
    ) -> (f64, Shares) {
        let opportunities = self.model.dropout_opportunities(repeats);
        let mut shares = [0.0; MAX_REGULARITY as usize];
        shares[0] = 1.0;
        if opportunities == 0 {
            return (1.0, shares);
        }
        let (p, s) = (&self.parameters, self.shape(repeats));
        let [quiet, last] = [observed - last, last].map(|days| f64::from(days) / self.unit);
        let silence = libm::log1p(quiet / (p.alpha + last));
        let odds = libm::log(p.a / (p.b + f64::from(opportunities - 1)));
        let mut log_open = 0.0;
        if self.model.regularity() > 1 {
            let age = p.alpha + f64::from(observed) / self.unit;
            (log_open, shares) = PurchaseSteps::new(self.model.regularity(), s).shares(quiet, age);
        }
        (softplus(log_open - (odds + s * silence)).1, shares)
    }

    /// s: the shape of the rates of clients with x repeats.
    fn shape(&self, repeats: u32) -> f64 {
        self.parameters.r + f64::from(repeats) * f64::from(self.model.regularity())
    }

    /// The expectation for clients with x repeats who have not left.
    pub fn expectation(&self, repeats: u32) -> ConditionalExpectation {
        ConditionalExpectation {
            process: *self,
            s: self.shape(repeats),
            b: self.parameters.b + f64::from(self.model.dropout_opportunities(repeats)),
            stays: 1.0,
            bought: vec![0.0],
        }
    }
}

/// The conditional expectation of purchases: of clients with x repeats who have not left.
///
/// Such a client has a rate λ ~ Gamma(s, α + T), s = r + x, and a dropout probability
/// p ~ Beta(a, b + k). Were nobody to leave, the purchases N of a horizon t would be `NegBin(s, z)`
/// with z = t / (α + T + t); the (j+1)th of them is made if the client stayed after each of j, which has
/// the probability `(b + k)_j / (a + b + k)_j`. So the mean is E `A_N` with `A_n` the sum of the first n of
/// these: the published formula with 2F1, but of positive terms only, and without its
/// singularities at a = 1 and a + b + k = 1.
///
/// Where a purchase takes k steps and j are made, N counts steps, s is s + j, and the mean is that of
/// A at ⌊(j + N) / k⌋. The shares of each j for the client's silence then weigh these means: the exact
/// expectation, where the literature takes an approximation.
#[derive(Debug)]
pub struct ConditionalExpectation {
    process: PurchaseProcess,
    s: f64,
    b: f64,
    /// The probability to stay after as many purchases as `bought` has entries, less one.
    stays: f64,
    /// `A_n`: how many of n purchases are made, as far as the client stays.
    bought: Vec<f64>,
}

impl ConditionalExpectation {
    /// The purchases of a client observed for `observed` days, in the next `time` units.
    pub fn purchases(&mut self, observed: u32, time: f64) -> f64 {
        let age = self.process.parameters.alpha + f64::from(observed) / self.process.unit;
        let counts = NegativeBinomial::new(self.s, time / (age + time));
        if counts.has_short_sums() {
            counts.mean(|n| self.bought_of(n))
        } else {
            libm::exp(ln_expected_purchases(self.s, self.process.parameters.a, self.b, time / age))
        }
    }

    /// The purchases of a client observed for `observed` days who has made j steps of the next one, in
    /// the next `time` units, for each j.
    pub(super) fn purchases_by_steps(&mut self, observed: u32, time: f64, found: &mut [f64]) {
        let k = found.len();
        if k == 1 {
            found[0] = self.purchases(observed, time);
            return;
        }
        let age = self.process.parameters.alpha + f64::from(observed) / self.process.unit;
        let counts = NegativeBinomial::new(self.s, time / (age + time));
        if counts.has_short_sums() {
            counts.means_by_steps(|n| self.bought_of(n), found);
        } else {
            for (j, found) in found.iter_mut().enumerate() {
                let (a, b) = (self.process.parameters.a, self.b);
                let shape = self.s + j as f64;
                let log = ln_expected_regular_purchases(shape, [a, b], time / age, k, j);
                *found = libm::exp(log);
            }
        }
    }

    #[inline]
    fn bought_of(&mut self, n: usize) -> f64 {
        if n >= self.bought.len() {
            self.tabulate(n);
        }
        self.bought[n]
    }

    #[cold]
    fn tabulate(&mut self, n: usize) {
        // Twice as far as asked for, as the next numbers will be asked for too.
        while self.bought.len() <= 2 * n {
            let known = self.bought.len() as f64 - 1.0;
            self.bought.push(self.bought[self.bought.len() - 1] + self.stays);
            self.stays *= (self.b + known) / (self.process.parameters.a + self.b + known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hypergeometric::ln_hyp2f1;
    use super::*;
    use proptest::prelude::*;

    fn process(model: PurchaseModel, p: [f64; 4], unit: f64) -> PurchaseProcess {
        PurchaseProcess { model, parameters: PurchaseParameters::new(p).unwrap(), unit }
    }

    fn parameters() -> impl Strategy<Value = [f64; 4]> {
        prop::array::uniform4(-3.0..3.0_f64).prop_map(|logs| logs.map(f64::exp))
    }

    /// Fader, Hardie and Lee (2005): 1.226 purchases in 39 weeks for x 2, `t_x` 30.43, T 38.86.
    #[test]
    fn the_published_client() {
        let cdnow = process(PurchaseModel::BgNbd, [0.2426, 4.4136, 0.7929, 2.4259], 7.0);
        let expected = cdnow.p_alive(2, 213, 272) * cdnow.expectation(2).purchases(272, 39.0);
        assert!((expected - 1.226).abs() < 5e-4, "{expected}");
    }

    proptest! {
        /// The published formula, away from its singularities.
        #[test]
        fn purchases_are_those_of_the_published_formula(
            p in parameters(), x in 0..60_u32, observed in 0..1000_u32, time in 0.1..200.0_f64, mbg: bool
        ) {
            let model = if mbg { PurchaseModel::MbgNbd } else { PurchaseModel::BgNbd };
            let [r, alpha, a, b] = p;
            let k = f64::from(model.dropout_opportunities(x));
            let c = a + b + k - 1.0;
            prop_assume!((a - 1.0).abs() > 0.05 && c > 0.05);
            let (s, age) = (r + f64::from(x), alpha + f64::from(observed) / 7.0);
            let z = time / (age + time);
            let gauss = ln_hyp2f1(s, b + k, c, z).unwrap();
            let published = c / (a - 1.0) * -(gauss + s * (1.0 - z).ln()).exp_m1();
            let found = process(model, p, 7.0).expectation(x).purchases(observed, time);
            prop_assert!((found - published).abs() < 1e-9 * (1.0 + published), "{found} {published}");
        }

        /// The integral over the dropout probability, which shares nothing with the sum.
        #[test]
        fn purchases_are_their_mean_over_the_chance_to_leave(
            p in parameters(), x in 0..60_u32, observed in 0..1000_u32, time in 0.1..200.0_f64
        ) {
            let p = [p[0], p[1], if x % 2 == 0 { 1.0 } else { p[2] }, p[3]];
            let found = process(PurchaseModel::MbgNbd, p, 7.0).expectation(x).purchases(observed, time);
            let age = p[1] + f64::from(observed) / 7.0;
            let k = f64::from(x) + 1.0;
            let mean = ln_expected_purchases(p[0] + f64::from(x), p[2], p[3] + k, time / age).exp();
            prop_assert!((found - mean).abs() < 1e-9 * (1.0 + mean), "{found} {mean}");
        }

        #[test]
        fn silence_lowers_the_chance_to_be_a_client(
            p in parameters(), x in 1..200_u32, last in 1..500_u32, more in 0..500_u32, mbg: bool
        ) {
            let model = if mbg { PurchaseModel::MbgNbd } else { PurchaseModel::BgNbd };
            let process = process(model, p, 7.0);
            let (now, later) =
                (process.p_alive(x, last, last + more), process.p_alive(x, last, last + more + 7));
            prop_assert!((0.0..=1.0).contains(&now) && (0.0..=1.0).contains(&later));
            prop_assert!(later < now || now < 1e-300);
        }

        #[test]
        fn a_longer_horizon_never_brings_less(
            p in parameters(), x in 0..100_u32, observed in 0..1000_u32, time in 0.1..200.0_f64
        ) {
            let mut repeat = process(PurchaseModel::MbgNbd, p, 7.0).expectation(x);
            let short = repeat.purchases(observed, time);
            let long = repeat.purchases(observed, time * 1.1);
            prop_assert!(short >= 0.0 && long >= short * (1.0 - 1e-12));
            // Without leaving, purchases come at the posterior rate.
            let age = p[1] + f64::from(observed) / 7.0;
            prop_assert!(long <= (p[0] + f64::from(x)) * time * 1.1 / age * (1.0 + 1e-9));
        }
    }

    proptest! {
        /// The integral over the dropout probability, which shares nothing with the sum.
        #[test]
        fn regular_purchases_are_their_mean_over_the_chance_to_leave(
            p in parameters(), k in 2..=6_u32, x in 0..30_u32, observed in 0..1000_u32,
            time in 0.1..200.0_f64,
        ) {
            let process = process(PurchaseModel::MbgCnbd(k), p, 7.0);
            let mut found = vec![0.0; k as usize];
            process.expectation(x).purchases_by_steps(observed, time, &mut found);
            let age = p[1] + f64::from(observed) / 7.0;
            let (s, b) = (p[0] + f64::from(k * x), p[3] + f64::from(x) + 1.0);
            for (j, found) in found.iter().enumerate() {
                let shape = s + j as f64;
                let log = ln_expected_regular_purchases(shape, [p[2], b], time / age, k as usize, j);
                prop_assert!((found - log.exp()).abs() < 1e-8 * (1e-3 + found), "{found} {}", log.exp());
            }
            // The more steps are made, the sooner the next purchase.
            prop_assert!(found.windows(2).all(|pair| pair[0] <= pair[1] * (1.0 + 1e-12)));
        }

        #[test]
        fn one_step_is_no_step_to_speak_of(
            p in parameters(), x in 0..60_u32, observed in 0..1000_u32, time in 0.1..200.0_f64
        ) {
            let age = p[1] + f64::from(observed) / 7.0;
            let (s, b) = (p[0] + f64::from(x), p[3] + f64::from(x) + 1.0);
            let one = ln_expected_regular_purchases(s, [p[2], b], time / age, 1, 0);
            let plain = ln_expected_purchases(s, p[2], b, time / age);
            prop_assert!((one - plain).abs() < 1e-8, "{one} {plain}");
        }
    }

    #[test]
    fn corners_stay_within_their_bounds() {
        for p in [[0.24, 4.4, 0.8, 2.4], [1e-3, 1e-4, 1e-3, 1e-3], [1e3, 1e-3, 1.0, 1e3]] {
            for model in [
                PurchaseModel::BgNbd,
                PurchaseModel::MbgNbd,
                PurchaseModel::MbgCnbd(MAX_REGULARITY),
            ] {
                let process = process(model, p, 7.0);
                for (x, last, observed) in
                    [(10_000, 1, 1), (0, 0, 0), (0, 0, 2_000_000), (10_000, 1, 2_000_000)]
                {
                    let alive = process.p_alive(x, last, observed);
                    assert!((0.0..=1.0).contains(&alive), "{alive}");
                    let mut repeat = process.expectation(x);
                    let mut before = 0.0;
                    for weeks in [0.1, 13.0, 52.0, 156.0, 1e5] {
                        let found = repeat.purchases(observed, weeks);
                        assert!(found.is_finite() && found >= before, "{p:?} {x} {weeks} {found}");
                        before = found;
                    }
                }
            }
        }
    }
}
