//! How much clients spend on a purchase: the Gamma-Gamma model.

use std::ops::Range;

use super::maximum_likelihood::{Estimate, Evaluation, Likelihood, maximise};
use super::purchases::{PARAMETERS, within};
use super::special::{digamma, ln_gamma, trigamma};
use super::weak_prior::{Belief, WithPrior};
use crate::error::{Error, Result};
use crate::threads::{map_each, map_rows, sort_unstable_by};

/// Clients summed by one task: fixed, so that sums do not depend on the number of threads.
const CHUNK: usize = 8192;
/// The fewest clients from whom three parameters are estimated without a prior.
const MIN_CLIENTS: usize = 50;
/// Clients on which the starts are compared.
const SUBSAMPLE_CLIENTS: usize = 4096;

const NAMES: [&str; 3] = ["p", "q", "v"];

/// The parameters: a purchase is worth Gamma(p, ν), ν ~ Gamma(q, v), with v in money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpendParameters {
    /// Shape of the purchases of a client.
    pub p: f64,
    /// Shape of the clients.
    pub q: f64,
    /// Scale of the clients, in money.
    pub v: f64,
}

/// What v can be, which is money.
const MONEY: [f64; 2] = [1e-30, 1e30];

impl SpendParameters {
    /// The parameters in the order p, q, v.
    ///
    /// # Errors
    /// If one is not a number within `PARAMETERS` or, of v, `MONEY`, or q is up to 1: the mean spend
    /// would be infinite.
    pub fn new(parameters: [f64; 3]) -> Result<Self> {
        for (name, value) in NAMES.iter().zip(parameters) {
            within(name, value, if *name == "v" { MONEY } else { PARAMETERS })?;
        }
        let [p, q, v] = parameters;
        if q <= 1.0 {
            return Err(Error::Data(format!(
                "the Gamma-Gamma model has q {q:.4}, and up to 1 the mean spend is infinite: spends differ too much from client to client, so set the largest apart (where) or value fewer kinds of client at a time"
            )));
        }
        Ok(Self { p, q, v })
    }

    /// The mean spend over all clients: p v / (q − 1).
    pub fn population_mean(&self) -> f64 {
        self.p * self.v / (self.q - 1.0)
    }

    /// The expected spend of a client whose x repeat purchases cost `mean` on average; that of the
    /// population without one, or where the mean is not above 0.
    #[inline]
    pub fn expected(&self, repeats: u32, mean: f64) -> f64 {
        let x = f64::from(repeats);
        if repeats == 0 || !(mean > 0.0 && mean.is_finite()) {
            return self.population_mean();
        }
        self.p * (self.v + mean * x) / (self.p * x + self.q - 1.0)
    }

    /// The same for each client, in parallel.
    pub fn expected_of_each(&self, repeats: &[u32], means: &[f64]) -> Vec<f64> {
        let clients = repeats.len().min(means.len());
        map_rows(clients, |client| self.expected(repeats[client], means[client]))
    }
}

/// What the spend model knows of clients who bought again.
#[derive(Debug, Clone, PartialEq)]
pub struct SpendHistories {
    /// Money of each client's repeat purchases, ascending within each x.
    totals: Vec<f64>,
    /// Each x, and its clients.
    repeats: Vec<(u32, Range<usize>)>,
}

impl SpendHistories {
    /// Keep the clients with a repeat purchase and money above 0; `means` is `m_x`, the mean of the
    /// repeat purchases. O(n log n), in parallel; the result does not depend on their order.
    ///
    /// # Errors
    /// If the columns are not equally long.
    pub fn new(repeats: &[u32], means: &[f64]) -> Result<Self> {
        if repeats.len() != means.len() {
            return Err(Error::Data("repeats and means must be equally long".to_owned()));
        }
        // Bits of positive doubles are in the order of their numbers.
        let chunks = repeats.chunks(CHUNK).zip(means.chunks(CHUNK));
        let of_chunk = |_, (repeats, means): (&[u32], &[f64])| -> Vec<(u32, u64)> {
            let clients = repeats.iter().zip(means);
            clients
                .filter(|&(&x, &mean)| x > 0 && mean > 0.0 && mean.is_finite())
                .map(|(&x, &mean)| (x, (mean * f64::from(x)).to_bits()))
                .collect()
        };
        let mut clients = map_each(chunks, of_chunk).concat();
        sort_unstable_by(&mut clients, Ord::cmp);
        Ok(Self::of_sorted(&clients))
    }

    fn of_sorted(clients: &[(u32, u64)]) -> Self {
        let mut groups: Vec<(u32, Range<usize>)> = Vec::new();
        for same in clients.chunk_by(|a, b| a.0 == b.0) {
            let start = groups.last().map_or(0, |group| group.1.end);
            groups.push((same[0].0, start..start + same.len()));
        }
        let totals = clients.iter().map(|client| f64::from_bits(client.1)).collect();
        Self { totals, repeats: groups }
    }

    /// The number of clients.
    pub fn len(&self) -> usize {
        self.totals.len()
    }

    /// Whether there are no clients.
    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }

    fn clients(&self) -> impl Iterator<Item = (u32, f64)> {
        self.repeats
            .iter()
            .flat_map(|(x, range)| self.totals[range.clone()].iter().map(move |&total| (*x, total)))
    }

    /// The same in another unit of money.
    fn divided_by(&self, unit: f64) -> Self {
        let totals = self.totals.iter().map(|total| total / unit).collect();
        Self { totals, repeats: self.repeats.clone() }
    }

    fn subsample(&self, most: usize) -> Self {
        let step = self.len().div_ceil(most).max(1);
        let few: Vec<(u32, u64)> = self
            .clients()
            .skip(step / 2)
            .step_by(step)
            .map(|(x, total)| (x, total.to_bits()))
            .collect();
        Self::of_sorted(&few)
    }

    /// The correlation of x with `m_x`, which the model assumes to be independent; None if either is
    /// the same for all.
    pub fn correlation(&self) -> Option<f64> {
        let n = self.len() as f64;
        let pairs = || self.clients().map(|(x, total)| (f64::from(x), total / f64::from(x)));
        let (sum_x, sum_m) = pairs().fold((0.0, 0.0), |(x, m), pair| (x + pair.0, m + pair.1));
        let (mean_x, mean_m) = (sum_x / n, sum_m / n);
        let [xx, xm, mm] = pairs().fold([0.0; 3], |[xx, xm, mm], (x, m)| {
            let (x, m) = (x - mean_x, m - mean_m);
            [xx + x * x, xm + x * m, mm + m * m]
        });
        let scale = (xx * mm).sqrt();
        (scale > 1e-12 * n * mean_x * mean_m).then(|| (xm / scale).clamp(-1.0, 1.0))
    }
}

/// The log-likelihood of spends, as a function of (p, q, v).
///
/// With S = x `m_x`, the money of x repeat purchases, a client contributes
///
/// lnΓ(p x + q) − lnΓ(p x) − lnΓ(q) + q ln v + p x ln S − ln `m_x` − (p x + q) ln(v + S).
#[derive(Debug)]
pub struct SpendLikelihood<'a> {
    histories: &'a SpendHistories,
    /// Parts of groups: x and its clients, at most a chunk of them.
    parts: Vec<(u32, Range<usize>)>,
    /// Σ x ln S and Σ ln `m_x`, which no parameter changes.
    logs: (f64, f64),
}

impl<'a> SpendLikelihood<'a> {
    /// The likelihood of clients.
    pub fn new(histories: &'a SpendHistories) -> Self {
        let cut = |(x, range): &(u32, Range<usize>)| {
            let (x, end) = (*x, range.end);
            range.clone().step_by(CHUNK).map(move |at| (x, at..end.min(at + CHUNK)))
        };
        let logs = histories.clients().fold((0.0, 0.0), |(whole, mean), (x, total)| {
            let (x, log) = (f64::from(x), libm::log(total));
            (whole + x * log, mean + log - libm::log(x))
        });
        Self { histories, parts: histories.repeats.iter().flat_map(cut).collect(), logs }
    }

    /// Σ ln(v + S), Σ 1 / (v + S) and Σ 1 / (v + S)² of a part.
    fn sums(&self, range: &Range<usize>, v: f64) -> [f64; 3] {
        self.histories.totals[range.clone()].iter().fold([0.0; 3], |[log, one, two], &total| {
            let inverse = 1.0 / (v + total);
            [log + libm::log(v + total), one + inverse, two + inverse * inverse]
        })
    }
}

impl Likelihood<3> for SpendLikelihood<'_> {
    fn names(&self) -> [&'static str; 3] {
        NAMES
    }

    fn clients(&self) -> f64 {
        self.histories.len() as f64
    }

    fn evaluate(&self, parameters: &[f64; 3]) -> Evaluation<3> {
        let [p, q, v] = *parameters;
        let clients = self.clients();
        let sums = map_each(&self.parts, |_, (_, range)| self.sums(range, v));
        let mut found = Evaluation::<3>::default();
        let (hessian, gradient) = (&mut found.hessian, &mut found.gradient);
        let (ln_v, of_q) = (libm::log(v), [ln_gamma(q), digamma(q), trigamma(q)]);
        found.value = p * self.logs.0 - self.logs.1 + clients * (q * ln_v - of_q[0]);
        gradient[0] = self.logs.0;
        gradient[1] = clients * (ln_v - of_q[1]);
        gradient[2] = clients * q / v;
        hessian[1][1] = -clients * of_q[2];
        hessian[1][2] = clients / v;
        hessian[2][2] = -clients * q / (v * v);
        for (x, range) in &self.histories.repeats {
            let (x, n) = (f64::from(*x), range.len() as f64);
            let (px, whole) = (p * x, p * x + q);
            found.value += n * (ln_gamma(whole) - ln_gamma(px));
            gradient[0] += n * x * (digamma(whole) - digamma(px));
            gradient[1] += n * digamma(whole);
            hessian[0][0] += n * x * x * (trigamma(whole) - trigamma(px));
            hessian[0][1] += n * x * trigamma(whole);
            hessian[1][1] += n * trigamma(whole);
        }
        for ((x, _), [log, one, two]) in self.parts.iter().zip(&sums) {
            let x = f64::from(*x);
            let whole = p * x + q;
            found.value -= whole * log;
            gradient[0] -= x * log;
            gradient[1] -= log;
            gradient[2] -= whole * one;
            hessian[0][2] -= x * one;
            hessian[1][2] -= one;
            hessian[2][2] += whole * two;
        }
        found.mirror();
        found
    }
}

/// What was estimated of spends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpendFit {
    /// The parameters. Where all spends are one price they say so, without an error.
    pub estimate: Estimate<3>,
    /// Whether all spends are as good as one price: then no likelihood tells p, q and v.
    pub one_price: bool,
    /// Whether what is usual of shops had to help.
    pub prior: bool,
}

/// Prices that differ by less than this part of them are one: sums of money are rounded.
const SAME_PRICE: f64 = 1e-9;
/// Where spends vary by less than this part of them, a fit that fails does so because they are alike.
const ALIKE: f64 = 0.1;
/// As good as infinite, for the q of clients who do not differ.
const INFINITE: f64 = 1e8;

/// What is usual of shops, by the estimates that are published, in money of a mean of 1: p and q around
/// 4, and p v / q accordingly.
const USUAL_OF_SHOPS: [Belief<3>; 3] = [
    Belief { powers: [1.0, 0.0, 0.0], mean: 1.386, deviation: 1.0 },
    Belief { powers: [0.0, 1.0, 0.0], mean: 1.386, deviation: 1.0 },
    Belief { powers: [1.0, -1.0, 1.0], mean: -0.288, deviation: 1.0 },
];

/// Clients who do not differ: the mean of all purchases, for each of them.
fn one_price(histories: &SpendHistories) -> SpendFit {
    let (money, purchases) =
        histories.clients().fold((0.0, 0.0), |(money, purchases), (x, total)| {
            (money + total, purchases + f64::from(x))
        });
    let estimate = Estimate {
        parameters: [1.0, 1.0 + INFINITE, money / purchases * INFINITE],
        covariance: [[f64::NAN; 3]; 3],
        log_likelihood: f64::INFINITY,
        clients: histories.len() as f64,
    };
    SpendFit { estimate, one_price: true, prior: false }
}

/// The maximum-likelihood parameters of spends.
///
/// Spends are divided by their mean beforehand, so that nothing depends on the currency.
///
/// # Errors
/// If no client bought for money, or there is no maximum.
pub fn fit_spend(histories: &SpendHistories) -> Result<SpendFit> {
    if histories.is_empty() {
        return Err(Error::Data(
            "the Gamma-Gamma model cannot be fitted: no client has purchases to learn from, and money above 0 in them"
                .to_owned(),
        ));
    }
    let clients = histories.len() as f64;
    let means = || histories.clients().map(|(x, total)| total / f64::from(x));
    let mean = means().sum::<f64>() / clients;
    let variance = means().map(|each| (each - mean) * (each - mean)).sum::<f64>() / clients;
    let spread = variance.sqrt() / mean;
    if spread <= SAME_PRICE {
        return Ok(one_price(histories));
    }
    let scaled = histories.divided_by(mean);
    // p v / (q − 1) is the mean, whatever the shapes.
    let shapes = [(2.0, 3.0), (6.0, 4.0), (1.0, 2.0), (20.0, 10.0)];
    let starts: Vec<[f64; 3]> = shapes.map(|(p, q)| [p, q, (q - 1.0) / p]).to_vec();
    let few = scaled.subsample(SUBSAMPLE_CLIENTS);
    let (whole, few) = (SpendLikelihood::new(&scaled), SpendLikelihood::new(&few));
    let with_prior = || {
        let whole = WithPrior { likelihood: &whole, beliefs: &USUAL_OF_SHOPS };
        let few = WithPrior { likelihood: &few, beliefs: &USUAL_OF_SHOPS };
        let found = maximise("Gamma-Gamma", &whole, &few, &starts);
        found.map(|found| whole.without_prior(found)).map_err(|failure| failure.error)
    };
    let (mut estimate, prior) = if histories.len() < MIN_CLIENTS {
        (with_prior()?, true)
    } else {
        match maximise("Gamma-Gamma", &whole, &few, &starts) {
            Ok(estimate) => (estimate, false),
            Err(_) if spread <= ALIKE => return Ok(one_price(histories)),
            Err(_) => (with_prior()?, true),
        }
    };
    estimate.parameters[2] *= mean;
    for other in 0..3 {
        estimate.covariance[2][other] *= mean;
        estimate.covariance[other][2] *= mean;
    }
    // The density of a spend is one a unit of money.
    estimate.log_likelihood -= clients * libm::log(mean);
    Ok(SpendFit { estimate, one_price: false, prior })
}

#[cfg(test)]
mod tests {
    use super::super::maximum_likelihood::differences;
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, Gamma};

    fn client() -> impl Strategy<Value = (u32, f64)> {
        (1..60_u32, 0.01..500.0_f64)
    }

    fn basket_of(clients: &[(u32, f64)]) -> SpendHistories {
        let (repeats, means): (Vec<u32>, Vec<f64>) = clients.iter().copied().unzip();
        SpendHistories::new(&repeats, &means).unwrap()
    }

    proptest! {
        #[test]
        fn the_likelihood_is_the_published_density(
            clients in prop::collection::vec(client(), 1..60),
            logs in prop::array::uniform3(-2.0..4.0_f64)
        ) {
            let [p, q, v] = logs.map(f64::exp);
            let found = SpendLikelihood::new(&basket_of(&clients)).evaluate(&[p, q, v]).value;
            let density = |&(x, z): &(u32, f64)| {
                let x = f64::from(x);
                ln_gamma(p * x + q) - ln_gamma(p * x) - ln_gamma(q) + q * v.ln()
                    + (p * x - 1.0) * z.ln() + p * x * x.ln() - (p * x + q) * (v + x * z).ln()
            };
            let expected: f64 = clients.iter().map(density).sum();
            let scale: f64 = clients.iter().map(|&(x, _)| 10.0 * p * f64::from(x) + q).sum();
            prop_assert!((found - expected).abs() < 1e-12 * (1.0 + scale) + 1e-10 * expected.abs());
        }

        #[test]
        fn gradient_and_hessian_are_finite_differences(
            clients in prop::collection::vec(client(), 1..60),
            logs in prop::array::uniform3(-2.0..4.0_f64)
        ) {
            let histories = basket_of(&clients);
            let worst = differences(&SpendLikelihood::new(&histories), &logs.map(f64::exp));
            prop_assert!(worst < 1e-4, "off by {worst}");
        }

        #[test]
        fn the_order_of_clients_does_not_matter(clients in prop::collection::vec(client(), 1..60)) {
            let mut turned = clients.clone();
            turned.reverse();
            prop_assert_eq!(basket_of(&clients), basket_of(&turned));
        }
    }

    /// The ten first clients of the CDNOW summary that is published with the model.
    #[test]
    fn the_published_spends() {
        let fitted = SpendParameters::new([6.25, 3.744, 15.447]).unwrap();
        let clients = [(2, 22.35), (1, 11.77), (7, 73.74), (1, 11.77), (2, 25.55)];
        let expected = [24.65, 18.91, 71.46, 18.91, 27.28];
        for ((x, mean), spend) in clients.into_iter().zip(expected) {
            assert!((fitted.expected(x, mean) - spend).abs() < 0.02, "{x} {mean}");
        }
        assert!((fitted.expected(0, f64::NAN) - 35.17).abs() < 0.02);
        assert!((fitted.expected(3, -2.0) - fitted.population_mean()).abs() < 1e-12);
    }

    #[test]
    fn one_price_is_what_everybody_pays() {
        let histories = basket_of(&(1..80).map(|x| (x, 29.9)).collect::<Vec<_>>());
        let found = fit_spend(&histories).unwrap();
        let fitted = SpendParameters::new(found.estimate.parameters).unwrap();
        assert!(found.one_price);
        for (x, mean) in [(0, f64::NAN), (3, 29.9), (900, 29.9)] {
            assert!((fitted.expected(x, mean) - 29.9).abs() < 1e-12, "{x}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn the_unit_of_money_does_not_matter(seed: u64, unit in -8.0..8.0_f64) {
            // The model's own draws: where spends tell the parameters, the search ends at one point.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (rate, unit) = (Gamma::new(3.7, 1.0 / 15.4).unwrap(), 10.0_f64.powf(unit));
            let clients: Vec<_> = (0..2000)
                .map(|i| {
                    let x = 1 + i % 9;
                    let money = Gamma::new(6.2 * f64::from(x), 1.0).unwrap().sample(&mut rng);
                    (x, money / rate.sample(&mut rng) / f64::from(x))
                })
                .collect();
            let scaled: Vec<_> = clients.iter().map(|&(x, m)| (x, m * unit)).collect();
            let (one, other) = (fit_spend(&basket_of(&clients)), fit_spend(&basket_of(&scaled)));
            let (one, other) = (one.unwrap(), other.unwrap());
            let [one_model, other_model] =
                [&one, &other].map(|fit| SpendParameters::new(fit.estimate.parameters).unwrap());
            for (x, mean) in [(0, 0.0), (1, 5.0), (3, 80.0)] {
                let spends = (one_model.expected(x, mean), other_model.expected(x, mean * unit));
                prop_assert!((spends.0 * unit / spends.1 - 1.0).abs() < 1e-9, "{spends:?}");
            }
            let shift = 2000.0 * unit.ln();
            let (a, b) = (one.estimate.log_likelihood - shift, other.estimate.log_likelihood);
            prop_assert!((a - b).abs() < 1e-8 * a.abs().max(1.0), "{a} {b}");
        }
    }

    #[test]
    fn who_cannot_be_used_is_left_out() {
        let histories =
            basket_of(&[(1, 5.0), (0, 5.0), (2, 0.0), (2, -1.0), (2, f64::NAN), (3, 2.0)]);
        assert_eq!(histories.clients().collect::<Vec<_>>(), [(1, 5.0), (3, 6.0)]);
        let nobody = basket_of(&[(0, 5.0), (2, 0.0)]);
        assert!(fit_spend(&nobody).unwrap_err().to_string().contains("no client has purchases"));
    }

    #[test]
    fn few_spends_are_fitted_with_a_prior() {
        let fit = fit_spend(&basket_of(&[(1, 5.0), (3, 2.0), (1, 40.0)])).unwrap();
        let fitted = SpendParameters::new(fit.estimate.parameters).unwrap();
        assert!(fit.prior && (5.0..40.0).contains(&fitted.expected(1, 20.0)), "{fit:?}");
    }

    #[test]
    fn correlation_is_that_of_the_definition() {
        let histories = basket_of(&[(1, 2.0), (2, 3.0), (3, 7.0), (4, 8.0)]);
        // Σ(x − 2.5)(m − 5) = 11, Σ(x − 2.5)² = 5, Σ(m − 5)² = 26.
        assert!((histories.correlation().unwrap() - 11.0 / 130.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(basket_of(&[(1, 2.0), (2, 2.0)]).correlation(), None);
        assert_eq!(basket_of(&[]).correlation(), None);
    }

    #[test]
    fn an_infinite_mean_is_refused() {
        assert!(
            SpendParameters::new([2.0, 1.0, 3.0]).unwrap_err().to_string().contains("infinite")
        );
        assert!(SpendParameters::new([2.0, -1.0, 3.0]).is_err());
        assert!(SpendParameters::new([f64::NAN, 2.0, 3.0]).is_err());
    }

    #[test]
    fn spends_beyond_all_bounds_end_the_search() {
        let means: Vec<f64> = (0..60).map(|i| 10_f64.powi(10 * i - 300)).collect();
        let histories = SpendHistories::new(&[3; 60], &means).unwrap();
        let found = fit_spend(&histories).unwrap_err().to_string();
        assert!(found.contains("cannot be fitted"), "{found}");
    }
}
