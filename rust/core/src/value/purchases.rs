//! How often clients buy and when they leave: the likelihoods of BG/NBD and MBG/NBD.

use super::history_cells::{CellRun, HistoryCells};
use super::maximum_likelihood::{Estimate, Evaluation, LIKELIHOOD_TOLERANCE, Likelihood, maximise};
use super::purchase_limits::{PurchaseLimits, highest_limit};
use super::purchase_steps::{LogOpen, PurchaseSteps};
use super::special::{rises, softplus};
use super::weak_prior::{Belief, WithPrior};
use crate::error::{Error, Result};
use crate::threads::map_each;

/// Cells summed by one task: fixed, so that sums do not depend on the number of threads.
const CHUNK: usize = 8192;
/// The fewest clients who came back from whom four parameters are estimated without a prior: fifteen
/// each, a rule of thumb.
const MIN_REPEATERS: u64 = 60;

/// What parameters can be: beyond that series do not end and numbers overflow. A fit stays far within.
pub(super) const PARAMETERS: [f64; 2] = [1e-12, 1e15];
/// What a unit of time can be, in days: a minute and a half, to a century.
const UNITS: [f64; 2] = [0.001, 36_525.0];

/// When a client may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurchaseModel {
    /// After any purchase but the first: a client who bought once is a client for ever.
    BgNbd,
    /// After any purchase.
    MbgNbd,
    /// After any purchase, each of which takes k > 1 steps: clients then buy more regularly.
    MbgCnbd(u32),
}

/// The most steps to a purchase: clients who buy as regularly as that come by the clock.
pub const MAX_REGULARITY: u32 = 20;

impl PurchaseModel {
    /// k: the steps of a purchase, at the client's rate each.
    #[inline]
    pub fn regularity(self) -> u32 {
        match self {
            Self::BgNbd | Self::MbgNbd => 1,
            Self::MbgCnbd(k) => k,
        }
    }

    /// The model of clients who may leave after any purchase, with k steps to each.
    ///
    /// # Errors
    /// If k is not from 1 to `MAX_REGULARITY`.
    pub fn regular(k: u32) -> Result<Self> {
        match k {
            1 => Ok(Self::MbgNbd),
            2..=MAX_REGULARITY => Ok(Self::MbgCnbd(k)),
            _ => Err(Error::Option(format!(
                "regularity must be a whole number from 1 to {MAX_REGULARITY}, not {k}"
            ))),
        }
    }

    fn name(self) -> String {
        match self {
            Self::BgNbd => "BG/NBD".to_owned(),
            Self::MbgNbd => "MBG/NBD".to_owned(),
            Self::MbgCnbd(k) => format!("MBG/CNBD-{k}"),
        }
    }

    /// The purchases after which a client with x repeats could have left, the last one included.
    #[inline]
    pub fn dropout_opportunities(self, repeats: u32) -> u32 {
        match self {
            Self::BgNbd => repeats,
            Self::MbgNbd | Self::MbgCnbd(_) => repeats + 1,
        }
    }
}

const NAMES: [&str; 4] = ["r", "alpha", "a", "b"];

/// The parameters: λ ~ Gamma(r, α) purchases a unit of time, p ~ Beta(a, b) to leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PurchaseParameters {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Rate of the purchase rates, in units of time.
    pub alpha: f64,
    /// First shape of the dropout probabilities.
    pub a: f64,
    /// Second shape of the dropout probabilities.
    pub b: f64,
}

impl PurchaseParameters {
    /// The parameters in the order r, α, a, b.
    ///
    /// # Errors
    /// If one is not a number within `PARAMETERS`.
    pub fn new(parameters: [f64; 4]) -> Result<Self> {
        for (name, value) in NAMES.iter().zip(parameters) {
            within(name, value, PARAMETERS)?;
        }
        let [r, alpha, a, b] = parameters;
        Ok(Self { r, alpha, a, b })
    }
}

/// Check that days in a unit of time are as many as clients can be described by.
///
/// # Errors
/// If they are not.
pub fn check_unit(unit: f64) -> Result<f64> {
    within("time_scaler", unit, UNITS).map(|()| unit)
}

/// Check that a number is from the first bound to the second.
pub(super) fn within(name: &str, value: f64, [least, most]: [f64; 2]) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::Option(format!("{name} must be a number from {least} to {most}, not {value}")))
}

/// The log-likelihood of clients, as a function of (r, α, a, b).
///
/// With n opportunities to leave, k steps to a purchase, s = r + k x, R(t) = ln(1 + t / α),
/// D = R(T) − R(`t_x`) and Q the sum that [`PurchaseSteps`] takes, a client contributes
///
/// lnΓ(s)/Γ(r) − k x ln α − s R(T) + lnB(a, b + n)/B(a, b) + ln(Q + a / (b + n − 1) · e^(s D)),
///
/// the last term only where n > 0: it holds the odds of having left. Written so, it keeps its digits
/// where r and α, or a and b, are as good as infinite. Where k is 1, Q is 1.
#[derive(Debug)]
pub struct PurchaseLikelihood<'a> {
    cells: &'a HistoryCells,
    model: PurchaseModel,
    unit: f64,
    /// The runs at which the tasks begin, and the end of the last.
    chunks: Vec<usize>,
}

/// R(t) = ln(1 + t / α) of each distinct day t, and its two derivatives by α.
struct Days {
    logs: Vec<f64>,
    slopes: Vec<f64>,
    bends: Vec<f64>,
}

impl<'a> PurchaseLikelihood<'a> {
    /// The likelihood of clients, in units of `unit` days.
    pub fn new(cells: &'a HistoryCells, model: PurchaseModel, unit: f64) -> Self {
        let mut chunks = vec![0];
        let mut held = 0;
        for (number, run) in cells.runs.iter().enumerate() {
            held += run.end - run.start;
            if held >= CHUNK {
                chunks.push(number + 1);
                held = 0;
            }
        }
        chunks.push(cells.runs.len());
        Self { cells, model, unit, chunks }
    }

    fn days(&self, alpha: f64) -> Days {
        let times = || self.cells.days.iter().map(|&day| f64::from(day) / self.unit);
        let slope = |t: f64| -t / (alpha * (alpha + t));
        Days {
            logs: times().map(|t| libm::log1p(t / alpha)).collect(),
            slopes: times().map(slope).collect(),
            bends: times().map(|t| -slope(t) * (1.0 / alpha + 1.0 / (alpha + t))).collect(),
        }
    }

    /// What depends on x alone: the gamma and beta functions.
    fn of_repeats(&self, p: &PurchaseParameters, sum: &mut Evaluation<4>) {
        for &(x, n) in &self.cells.repeats {
            let (n, steps) = (n as f64, f64::from(x) * f64::from(self.model.regularity()));
            let k = f64::from(self.model.dropout_opportunities(x));
            let [of_r, of_b, of_both] = [rises(p.r, steps), rises(p.b, k), rises(p.a + p.b, k)];
            sum.value += n * (of_r[0] + of_b[0] - of_both[0]);
            sum.gradient[0] += n * of_r[1];
            sum.gradient[2] -= n * of_both[1];
            sum.gradient[3] += n * (of_b[1] - of_both[1]);
            sum.hessian[0][0] += n * of_r[2];
            sum.hessian[2][2] -= n * of_both[2];
            sum.hessian[2][3] -= n * of_both[2];
            sum.hessian[3][3] += n * (of_b[2] - of_both[2]);
        }
    }

    /// What depends on T, and on `t_x` for those who may have left.
    fn of_run(&self, p: &PurchaseParameters, days: &Days, run: &CellRun, sum: &mut Evaluation<4>) {
        let regularity = self.model.regularity();
        let (n, x) = (run.clients as f64, f64::from(run.repeats) * f64::from(regularity));
        let s = p.r + x;
        let observed = run.observed as usize;
        let (log, slope, bend) = (days.logs[observed], days.slopes[observed], days.bends[observed]);
        sum.value -= n * (s * log + x * libm::log(p.alpha));
        sum.gradient[0] -= n * log;
        sum.gradient[1] -= n * (s * slope + x / p.alpha);
        sum.hessian[0][1] -= n * slope;
        sum.hessian[1][1] -= n * (s * bend - x / (p.alpha * p.alpha));
        let opportunities = self.model.dropout_opportunities(run.repeats);
        if opportunities == 0 {
            return;
        }
        let stayed = p.b + f64::from(opportunities - 1);
        let odds = libm::log(p.a / stayed);
        let age = p.alpha + f64::from(self.cells.days[observed]) / self.unit;
        let steps = PurchaseSteps::new(regularity, s);
        // Sums over the cells of n σ and n σ (1 − σ), times products of the derivatives of the odds
        // by r and α; and of n (1 − σ) times those of ln Q.
        let [mut value, mut left, mut left_d, mut left_e, mut left_ee] = [0.0; 5];
        let [mut var, mut var_r, mut var_rr, mut var_ra, mut var_a, mut var_aa] = [0.0; 6];
        let mut open = LogOpen::default();
        for cell in run.start..run.end {
            let last = self.cells.last[cell] as usize;
            let n = f64::from(self.cells.counts[cell]);
            // D, and its two derivatives by α.
            let d = log - days.logs[last];
            let e = slope - days.slopes[last];
            let ee = bend - days.bends[last];
            let (mut by_r, mut by_alpha, mut odds) = (d, s * e, odds + s * d);
            let (term, sigma);
            if regularity > 1 {
                let silence = self.cells.days[observed] - self.cells.days[last];
                let q = steps.log_open(f64::from(silence) / self.unit, age);
                by_r -= q.by_s;
                by_alpha -= q.by_alpha;
                odds -= q.log;
                (term, sigma) = softplus(odds);
                open.add(&q, n, n * (1.0 - sigma));
            } else {
                (term, sigma) = softplus(odds);
            }
            let (gone, variance) = (n * sigma, n * sigma * (1.0 - sigma));
            value += n * term;
            left += gone;
            left_d += gone * d;
            left_e += gone * e;
            left_ee += gone * ee;
            var += variance;
            var_r += variance * by_r;
            var_a += variance * by_alpha;
            var_rr += variance * by_r * by_r;
            var_ra += variance * by_r * by_alpha;
            var_aa += variance * by_alpha * by_alpha;
        }
        let (by_a, by_b) = (1.0 / p.a, -1.0 / stayed);
        sum.value += value + open.log;
        sum.gradient[0] += left_d + open.by_s;
        sum.gradient[1] += s * left_e + open.by_alpha;
        sum.gradient[2] += left * by_a;
        sum.gradient[3] += left * by_b;
        let hessian = &mut sum.hessian;
        hessian[0][0] += var_rr + open.by_s_s;
        hessian[0][1] += var_ra + left_e + open.by_s_alpha;
        hessian[0][2] += var_r * by_a;
        hessian[0][3] += var_r * by_b;
        hessian[1][1] += var_aa + s * left_ee + open.by_alpha_alpha;
        hessian[1][2] += var_a * by_a;
        hessian[1][3] += var_a * by_b;
        hessian[2][2] += (var - left) * by_a * by_a;
        hessian[2][3] += var * by_a * by_b;
        hessian[3][3] += (var + left) * by_b * by_b;
    }
}

impl Likelihood<4> for PurchaseLikelihood<'_> {
    fn names(&self) -> [&'static str; 4] {
        NAMES
    }

    fn clients(&self) -> f64 {
        self.cells.clients as f64
    }

    fn evaluate(&self, parameters: &[f64; 4]) -> Evaluation<4> {
        let [r, alpha, a, b] = *parameters;
        let p = PurchaseParameters { r, alpha, a, b };
        let days = self.days(alpha);
        let parts = map_each(self.chunks.windows(2), |_, ends| {
            let mut part = Evaluation::default();
            for run in &self.cells.runs[ends[0]..ends[1]] {
                self.of_run(&p, &days, run, &mut part);
            }
            part
        });
        let mut sum = Evaluation::default();
        self.of_repeats(&p, &mut sum);
        for part in &parts {
            sum.add(part);
        }
        sum.mirror();
        sum
    }
}

/// What was estimated, and of which limit of the model, if of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PurchaseFit {
    /// The parameters; those that are as good as 0 or infinite have no error.
    pub estimate: Estimate<4>,
    /// The limits in which the likelihood is highest.
    pub limits: PurchaseLimits,
    /// Whether what is usual of shops had to help.
    pub prior: bool,
}

/// The maximum-likelihood parameters of clients, in units of `unit` days.
///
/// Where the likelihood rises towards a limit that is a model itself, it is that of the limit. Where
/// few came back, or the likelihood has no maximum at all, what is usual of shops helps.
///
/// # Errors
/// If nobody bought again, or nothing has a maximum.
pub fn fit_purchases(cells: &HistoryCells, model: PurchaseModel, unit: f64) -> Result<PurchaseFit> {
    let repeaters = repeaters(cells)?;
    check_unit(unit)?;
    let name = &model.name();
    let few = cells.subsample(SUBSAMPLE_CELLS);
    let subsample = PurchaseLikelihood::new(&few, model, unit);
    let likelihood = PurchaseLikelihood::new(cells, model, unit);
    let starts = starts(cells, unit, f64::from(model.regularity()));
    let with_prior = || -> Result<PurchaseFit> {
        let beliefs = usual_of_shops(cells, model, unit);
        let whole = WithPrior { likelihood: &likelihood, beliefs: &beliefs };
        let few = WithPrior { likelihood: &subsample, beliefs: &beliefs };
        let found = maximise(name, &whole, &few, &starts).map_err(|failure| failure.error)?;
        let estimate = whole.without_prior(found);
        Ok(PurchaseFit { estimate, limits: PurchaseLimits::default(), prior: true })
    };
    if repeaters < MIN_REPEATERS {
        return with_prior();
    }
    match maximise(name, &likelihood, &subsample, &starts) {
        Ok(estimate) => {
            Ok(PurchaseFit { estimate, limits: PurchaseLimits::default(), prior: false })
        }
        Err(failure) => highest_limit(name, &likelihood, &subsample, &starts)
            .filter(|fit| fit.estimate.log_likelihood >= failure.highest - LIKELIHOOD_TOLERANCE)
            .map_or_else(with_prior, Ok),
    }
}

/// What is usual of shops, by the estimates that are published of many: shapes of rates around 0.5,
/// clients who buy somewhat faster than x / T as some have left, one in four leaving after a purchase.
fn usual_of_shops(cells: &HistoryCells, model: PurchaseModel, unit: f64) -> [Belief<4>; 4] {
    let rate = f64::from(model.regularity()) * purchase_rate(cells, unit);
    let belief =
        |powers, usual: f64, deviation| Belief { powers, mean: libm::log(usual), deviation };
    [
        belief([1.0, 0.0, 0.0, 0.0], 0.5, 1.5),
        belief([-1.0, 1.0, 0.0, 0.0], 0.6 / rate, 1.5),
        belief([0.0, 0.0, 1.0, -1.0], 0.35, 2.5),
        belief([0.0, 0.0, 0.5, 0.5], 1.5, 1.5),
    ]
}

/// Repeat purchases of all clients, a unit of time that they were seen for.
fn purchase_rate(cells: &HistoryCells, unit: f64) -> f64 {
    let days = |run: &CellRun| run.clients as f64 * f64::from(cells.days[run.observed as usize]);
    let purchases: f64 = cells.repeats.iter().map(|&(x, n)| f64::from(x) * n as f64).sum();
    purchases * unit / cells.runs.iter().map(days).sum::<f64>()
}

/// Cells on which the starts are compared: enough to tell them apart, too few to cost time.
const SUBSAMPLE_CELLS: usize = 4096;

/// How many came back.
fn repeaters(cells: &HistoryCells) -> Result<u64> {
    if cells.is_empty() {
        return Err(Error::Data(
            "a purchase model cannot be fitted: there are no clients who bought".to_owned(),
        ));
    }
    match cells.repeats.iter().filter(|group| group.0 > 0).map(|group| group.1).sum() {
        0 => Err(Error::Data(format!(
            "a purchase model cannot be fitted: each of the {} clients bought on one day only, so nothing tells how often they come back: take a longer period",
            cells.clients
        ))),
        repeaters => Ok(repeaters),
    }
}

/// Starts from moments: the mean and variance of purchase rates, with several dropout distributions.
///
/// Each purchase takes k steps, so that rates are k times as high, and numbers vary less.
fn starts(cells: &HistoryCells, unit: f64, k: f64) -> Vec<[f64; 4]> {
    let [mut sum, mut time, mut squares, mut time_squares] = [0.0; 4];
    for run in &cells.runs {
        let clients = run.clients as f64;
        let (x, t) = (f64::from(run.repeats), f64::from(cells.days[run.observed as usize]) / unit);
        sum += clients * x;
        time += clients * t;
        squares += clients * x * x;
        time_squares += clients * t * t;
    }
    let rate = sum / time;
    // Of a mixed Poisson process: E x² = E x + rate² (1 + 1/r) E T²; of regular purchases E x ÷ k.
    let dispersion = ((squares - sum / k) / (rate * rate * time_squares) - 1.0).max(0.02);
    let rate = k * rate;
    let r = (1.0 / dispersion).clamp(0.05, 20.0);
    let dropout = [(0.5, 1.5), (1.0, 8.0), (0.2, 4.0), (1.0, 1.0)];
    let mut starts: Vec<[f64; 4]> =
        dropout.iter().map(|&(a, b)| [r, r / (1.5 * rate), a, b]).collect();
    starts.push([1.0, 1.0 / rate, 0.5, 2.0]);
    starts
}

#[cfg(test)]
mod tests {
    use super::super::history_cells::Histories;
    use super::super::maximum_likelihood::differences;
    use super::super::special::ln_gamma;
    use super::*;
    use proptest::prelude::*;

    fn cells_of(clients: &[(u32, i32, i32)]) -> HistoryCells {
        let repeats: Vec<u32> = clients.iter().map(|c| c.0).collect();
        let last: Vec<i32> = clients.iter().map(|c| c.1).collect();
        let observed: Vec<i32> = clients.iter().map(|c| c.2).collect();
        HistoryCells::new(&Histories { repeats: &repeats, last: &last, observed: &observed })
            .unwrap()
    }

    fn ln_beta(a: f64, b: f64) -> f64 {
        ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
    }

    /// The published likelihoods, as a sum over the two cases: the client stayed, or has left.
    ///
    /// Who stayed has made j of the steps of the next purchase, any number below k.
    fn by_definition(model: PurchaseModel, p: [f64; 4], (x, last, end): (f64, f64, f64)) -> f64 {
        let [r, alpha, a, b] = p;
        let steps = x * f64::from(model.regularity());
        let after = |t: f64, j: f64| {
            let s = r + steps + j;
            ln_gamma(s) - ln_gamma(r) + r * alpha.ln() - s * (alpha + t).ln()
        };
        let process = |t: f64| after(t, 0.0);
        let k = if model == PurchaseModel::BgNbd { x } else { x + 1.0 };
        let open = (0..model.regularity()).map(|j| {
            let j = f64::from(j);
            let silence = if j > 0.0 { j * (end - last).ln() } else { 0.0 };
            (silence - ln_gamma(j + 1.0) + after(end, j) - process(end)).exp()
        });
        let stayed = ln_beta(a, b + k) - ln_beta(a, b) + process(end) + open.sum::<f64>().ln();
        if k == 0.0 {
            return stayed;
        }
        let left = ln_beta(a + 1.0, b + k - 1.0) - ln_beta(a, b) + process(last);
        let most = left.max(stayed);
        most + ((left - most).exp() + (stayed - most).exp()).ln()
    }

    fn client() -> impl Strategy<Value = (u32, i32, i32)> {
        (0..40_u32, 1..400_i32, 0..400_i32)
            .prop_map(|(x, last, more)| (x, if x == 0 { 0 } else { last }, last + more))
    }

    fn model() -> impl Strategy<Value = PurchaseModel> {
        prop_oneof![
            Just(PurchaseModel::BgNbd),
            Just(PurchaseModel::MbgNbd),
            (2..=MAX_REGULARITY).prop_map(PurchaseModel::MbgCnbd),
        ]
    }

    fn parameters() -> impl Strategy<Value = [f64; 4]> {
        prop::array::uniform4(-3.0..3.0_f64).prop_map(|logs| logs.map(f64::exp))
    }

    proptest! {
        #[test]
        fn the_likelihood_is_the_published_one(
            clients in prop::collection::vec(client(), 1..60), p in parameters(), model in model()
        ) {
            let cells = cells_of(&clients);
            let found = PurchaseLikelihood::new(&cells, model, 7.0).evaluate(&p).value;
            let expected: f64 = clients
                .iter()
                .map(|&(x, last, end)| {
                    let weeks = (f64::from(x), f64::from(last) / 7.0, f64::from(end) / 7.0);
                    by_definition(model, p, weeks)
                })
                .sum();
            prop_assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{found} {expected}");
        }

        #[test]
        fn gradient_and_hessian_are_finite_differences(
            clients in prop::collection::vec(client(), 1..60), p in parameters(), model in model()
        ) {
            let cells = cells_of(&clients);
            let likelihood = PurchaseLikelihood::new(&cells, model, 7.0);
            let worst = differences(&likelihood, &p);
            prop_assert!(worst < 1e-5, "off by {worst}");
        }
    }

    #[test]
    fn corners_stay_finite() {
        let corners = [
            (10_000, 2_000_000, 2_000_000),
            (10_000, 1, 1),
            (10_000, 1, 2_000_000),
            (0, 0, 0),
            (0, 0, 2_000_000),
            (1, 1, 1),
        ];
        for client in corners {
            let cells = cells_of(&[client]);
            for model in [
                PurchaseModel::BgNbd,
                PurchaseModel::MbgNbd,
                PurchaseModel::MbgCnbd(MAX_REGULARITY),
            ] {
                for p in [[0.24, 4.4, 0.8, 2.4], [1e-4, 1e-4, 1e-4, 1e-4], [1e4, 1e4, 1e4, 1e4]] {
                    let found = PurchaseLikelihood::new(&cells, model, 7.0).evaluate(&p);
                    assert!(found.value.is_finite(), "{client:?} {found:?}");
                    assert!(found.gradient.iter().all(|slope| slope.is_finite()));
                    assert!(found.hessian.iter().flatten().all(|bend| bend.is_finite()));
                }
            }
        }
    }

    #[test]
    fn where_nobody_came_back_there_is_no_model() {
        for (clients, why) in
            [(vec![], "there are no clients"), (vec![(0, 0, 9); 50], "one day only")]
        {
            let error = fit_purchases(&cells_of(&clients), PurchaseModel::BgNbd, 7.0).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn few_clients_and_clients_who_are_all_alike_are_fitted_with_a_prior() {
        for clients in [
            vec![(1, 3, 9)],
            vec![(1, 3, 9); 49],
            vec![(2, 5, 9); 5000],
            vec![(1, 9, 9), (0, 0, 9), (0, 0, 400)],
        ] {
            for model in [PurchaseModel::BgNbd, PurchaseModel::MbgNbd, PurchaseModel::MbgCnbd(3)] {
                let fit = fit_purchases(&cells_of(&clients), model, 7.0).unwrap();
                assert!(fit.prior || clients.len() == 5000, "{fit:?}");
                assert!(PurchaseParameters::new(fit.estimate.parameters).is_ok(), "{fit:?}");
            }
        }
    }
}
