//! Limits of the purchase models, which are models themselves: where the likelihood rises towards one,
//! that is the answer.
//!
//! A parameter that should be 0 or infinite is as good as that: so all formulas hold, and a limit is
//! saved and predicts like any other model.

use super::maximum_likelihood::{Estimate, Evaluation, LIKELIHOOD_TOLERANCE, Likelihood, maximise};
use super::purchases::{PurchaseFit, PurchaseLikelihood};

/// As good as 0, for a beside a b of 1.
const NOTHING: f64 = 1e-8;
/// As good as infinite, for r and for b.
const INFINITE: f64 = 1e8;

/// How clients leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dropout {
    /// Each with a chance of their own.
    #[default]
    Own,
    /// All with one chance: a and b are infinite, a ÷ (a + b) is not.
    Common,
    /// Nobody: a is 0.
    Nobody,
}

/// In which limits of the parameters the likelihood is highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PurchaseLimits {
    /// Whether all clients buy at one rate: r and α are infinite, r ÷ α is not.
    pub one_rate: bool,
    /// How clients leave.
    pub dropout: Dropout,
}

/// The likelihood of clients in a limit: some of the parameters, or their ratios to one that is
/// fixed.
struct Limit<'a, const P: usize> {
    whole: &'a PurchaseLikelihood<'a>,
    names: [&'static str; P],
    /// Which parameter each is, or is the ratio of.
    places: [usize; P],
    /// What it is times, to be that parameter.
    scales: [f64; P],
    /// The parameters that are given.
    fixed: [f64; 4],
}

impl<const P: usize> Limit<'_, P> {
    fn whole_parameters(&self, parameters: &[f64; P]) -> [f64; 4] {
        let mut whole = self.fixed;
        for i in 0..P {
            whole[self.places[i]] = parameters[i] * self.scales[i];
        }
        whole
    }
}

impl<const P: usize> Likelihood<P> for Limit<'_, P> {
    fn names(&self) -> [&'static str; P] {
        self.names
    }

    fn clients(&self) -> f64 {
        self.whole.clients()
    }

    fn evaluate(&self, parameters: &[f64; P]) -> Evaluation<P> {
        let whole = self.whole.evaluate(&self.whole_parameters(parameters));
        let (places, scales) = (self.places, self.scales);
        Evaluation {
            value: whole.value,
            gradient: std::array::from_fn(|i| scales[i] * whole.gradient[places[i]]),
            hessian: std::array::from_fn(|i| {
                std::array::from_fn(|j| scales[i] * scales[j] * whole.hessian[places[i]][places[j]])
            }),
        }
    }
}

/// The search for the maximum in one limit.
struct Attempt<'a> {
    name: &'a str,
    likelihood: &'a PurchaseLikelihood<'a>,
    subsample: &'a PurchaseLikelihood<'a>,
    starts: &'a [[f64; 4]],
    limits: PurchaseLimits,
}

impl Attempt<'_> {
    /// Fit the parameters at some places; `scales` are those of `Limit`.
    fn fit<const P: usize>(
        &self,
        names: [&'static str; P],
        places: [usize; P],
        scales: [f64; P],
        fixed: [f64; 4],
    ) -> Option<PurchaseFit> {
        let is_ratio = |i: usize| scales[i] > 1.0;
        let limit = |whole| Limit { whole, names, places, scales, fixed };
        let starts: Vec<[f64; P]> = self
            .starts
            .iter()
            .map(|start| {
                // A ratio is that to the parameter which is fixed: α to r, a to b.
                std::array::from_fn(|i| match (places[i], is_ratio(i)) {
                    (1, true) => start[1] / start[0],
                    (2, true) => start[2] / start[3],
                    (place, _) => start[place],
                })
            })
            .collect();
        let whole = limit(self.likelihood);
        let found = maximise(self.name, &whole, &limit(self.subsample), &starts).ok()?;
        let mut covariance = [[f64::NAN; 4]; 4];
        let estimated = || (0..P).filter(|&i| !is_ratio(i));
        for i in estimated() {
            for j in estimated() {
                covariance[places[i]][places[j]] = found.covariance[i][j];
            }
        }
        let estimate = Estimate {
            parameters: whole.whole_parameters(&found.parameters),
            covariance,
            log_likelihood: found.log_likelihood,
            clients: found.clients,
        };
        Some(PurchaseFit { estimate, limits: self.limits, prior: false })
    }
}

/// The limit in which the likelihood is highest; of those that clients cannot tell apart, the one with
/// the fewest parameters.
pub(super) fn highest_limit(
    name: &str,
    likelihood: &PurchaseLikelihood,
    subsample: &PurchaseLikelihood,
    starts: &[[f64; 4]],
) -> Option<PurchaseFit> {
    let attempt = |one_rate, dropout| Attempt {
        name,
        likelihood,
        subsample,
        starts,
        limits: PurchaseLimits { one_rate, dropout },
    };
    let (rate, odds) = ("alpha / r", "a / b");
    let [no_dropout, common] = [[NOTHING, 1.0], [1.0, INFINITE]];
    let fixed = |r: f64, [a, b]: [f64; 2]| [r, 1.0, a, b];
    // The fewest parameters first.
    let fits = [
        attempt(true, Dropout::Nobody).fit([rate], [1], [INFINITE], fixed(INFINITE, no_dropout)),
        attempt(true, Dropout::Common).fit(
            [rate, odds],
            [1, 2],
            [INFINITE; 2],
            fixed(INFINITE, common),
        ),
        attempt(false, Dropout::Nobody).fit(
            ["r", "alpha"],
            [0, 1],
            [1.0; 2],
            fixed(1.0, no_dropout),
        ),
        attempt(true, Dropout::Own).fit(
            [rate, "a", "b"],
            [1, 2, 3],
            [INFINITE, 1.0, 1.0],
            fixed(INFINITE, common),
        ),
        attempt(false, Dropout::Common).fit(
            ["r", "alpha", odds],
            [0, 1, 2],
            [1.0, 1.0, INFINITE],
            fixed(1.0, common),
        ),
    ];
    let highest =
        fits.iter().flatten().map(|fit| fit.estimate.log_likelihood).fold(f64::MIN, f64::max);
    fits.into_iter()
        .flatten()
        .find(|fit| fit.estimate.log_likelihood >= highest - LIKELIHOOD_TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::super::history_cells::{Histories, HistoryCells};
    use super::super::maximum_likelihood::differences;
    use super::super::purchases::PurchaseModel;
    use super::*;
    use proptest::prelude::*;

    /// The likelihood of one client where all leave with chance p and buy at rate λ.
    fn by_definition(model: PurchaseModel, [rate, p]: [f64; 2], client: (u32, f64, f64)) -> f64 {
        let (repeats, last, end) = client;
        let (x, k) = (f64::from(repeats), f64::from(model.dropout_opportunities(repeats)));
        let process = |t: f64| x * rate.ln() - rate * t;
        let stayed = k * (1.0 - p).ln() + process(end);
        if k == 0.0 {
            return stayed;
        }
        let left = p.ln() + (k - 1.0) * (1.0 - p).ln() + process(last);
        let most = left.max(stayed);
        most + ((left - most).exp() + (stayed - most).exp()).ln()
    }

    proptest! {
        #[test]
        fn the_limit_is_the_likelihood_of_one_rate_and_one_chance(
            clients in prop::collection::vec((0..30_u32, 1..300_i32, 0..300_i32), 1..40),
            gap in 0.5..40.0_f64, odds in 0.01..3.0_f64, mbg: bool,
        ) {
            let model = if mbg { PurchaseModel::MbgNbd } else { PurchaseModel::BgNbd };
            let repeats: Vec<u32> = clients.iter().map(|c| c.0).collect();
            let last: Vec<i32> = clients.iter().map(|c| if c.0 == 0 { 0 } else { c.1 }).collect();
            let observed: Vec<i32> = clients.iter().map(|c| c.1 + c.2).collect();
            let histories = Histories { repeats: &repeats, last: &last, observed: &observed };
            let cells = HistoryCells::new(&histories).unwrap();
            let limit = Limit {
                whole: &PurchaseLikelihood::new(&cells, model, 7.0),
                names: ["alpha / r", "a / b"],
                places: [1, 2],
                scales: [INFINITE; 2],
                fixed: [INFINITE, 1.0, 1.0, INFINITE],
            };
            let found = limit.evaluate(&[gap, odds]).value;
            let expected: f64 = (0..clients.len())
                .map(|i| {
                    let weeks = (f64::from(last[i]) / 7.0, f64::from(observed[i]) / 7.0);
                    by_definition(model, [1.0 / gap, odds / (1.0 + odds)], (repeats[i], weeks.0, weeks.1))
                })
                .sum();
            prop_assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{found} {expected}");
            prop_assert!(differences(&limit, &[gap, odds]) < 1e-4);
        }
    }
}
