//! How regularly clients buy: which number of steps to a purchase makes their days likeliest.
//!
//! The likelihood of MBG/CNBD-k as it is published takes a client's purchase times as they are; of
//! these, x and `t_x` hold what the parameters depend on. What else there is depends on k alone, and
//! is written here relative to k = 1. With gaps `g_i` between purchases it is the density of the times
//! for given x and `t_x`, which has two parts:
//!
//! - that of `t_x`, a sum of k x steps: `t_x`^(k x − 1) / Γ(k x);
//! - that of the gaps for a given sum. In continuous time they are `t_x` times Dirichlet(k, …, k). But
//!   days are whole, and two purchases of a day are one, so that for short gaps the density would
//!   favour regularity: of all ways to cut `t_x` whole days into x gaps the one seen has the
//!   probability Π `g_i`^(k − 1) / N, with N the sum of that product over all ways. N is
//!   C(`t_x` − 1, x − 1) for k = 1 and C(`t_x` + x − 1, 2 x − 1) for k = 2; for k > 2 the continuous
//!   Γ(k)^x `t_x`^(k x − 1) / Γ(k x) is as good, as the terms that it leaves out (Euler–Maclaurin)
//!   begin with the fourth power of a day in units of a step.
//!
//! The second part needs the sum of the logarithms of gaps. Without it the first decides alone, which
//! is as valid and less sure.

use std::collections::BTreeMap;

use super::history_cells::{Histories, HistoryCells};
use super::purchases::{MAX_REGULARITY, PurchaseFit, PurchaseModel, fit_purchases};
use super::special::ln_gamma;
use crate::error::{Error, Result};

/// Gaps of fewer days in the mean are not told from days: whole numbers hide their distribution.
const SHORTEST_MEAN_GAP: u32 = 3;
/// Cells on which k is looked for, before it is fitted to all.
const SUBSAMPLE_CELLS: usize = 4096;
/// Logarithms are summed as multiples of this, so that their order does not matter.
const LOG_UNIT: f64 = 1.0 / (1_u64 << 40) as f64;

fn tells_gaps(repeats: u32, last: u32) -> bool {
    repeats > 1 && last >= SHORTEST_MEAN_GAP * repeats
}

/// The sum of the logarithms of the days between purchases, over clients whose gaps tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogGaps(f64);

impl LogGaps {
    /// Sum those of clients; `log_gaps` has the sum of each.
    ///
    /// # Errors
    /// If the columns are not equally long, or a sum is none of so many gaps.
    pub fn new(clients: &Histories, log_gaps: &[f64]) -> Result<Self> {
        if log_gaps.len() != clients.len() {
            return Err(Error::Data("log_gaps must have one element a client".to_owned()));
        }
        let mut sum = 0_i128;
        for (row, &logs) in log_gaps.iter().enumerate() {
            let (x, last) = (clients.repeats[row], clients.last[row]);
            // Equal gaps have the greatest product.
            let most = f64::from(x) * libm::log(f64::from(last.max(1)) / f64::from(x.max(1)));
            if !(x == 0 || (-1e-9..=most.max(0.0) + 1e-6).contains(&logs)) {
                return Err(Error::Data(format!(
                    "log_gaps has {logs} for a client with {x} purchases in {last} days after the first: it is the sum of the logarithms of the days between them"
                )));
            }
            if tells_gaps(x, last as u32) {
                sum += (logs / LOG_UNIT).round() as i128;
            }
        }
        Ok(Self(sum as f64 * LOG_UNIT))
    }
}

/// The log-density of purchase days given the parameters' part of the likelihood, relative to k = 1.
fn log_timing(cells: &HistoryCells, k: u32, unit: f64, log_gaps: Option<LogGaps>) -> f64 {
    if k == 1 {
        return 0.0;
    }
    let steps = f64::from(k);
    let ln_choose = |n: f64, m: f64| ln_gamma(n + 1.0) - ln_gamma(m + 1.0) - ln_gamma(n - m + 1.0);
    let of_sum = |k: f64, x: f64, t: f64| (k * x - 1.0) * libm::log(t) - ln_gamma(k * x);
    let (mut sum, mut ways) = (0.0, 0.0);
    for cell in 0..cells.len() {
        let (repeats, last, _) = cells.history(cell);
        if repeats == 0 {
            continue;
        }
        let (n, x, days) = (f64::from(cells.counts[cell]), f64::from(repeats), f64::from(last));
        sum += n * (of_sum(steps, x, days / unit) - of_sum(1.0, x, days / unit));
        if tells_gaps(repeats, last) {
            let one = ln_choose(days - 1.0, x - 1.0);
            let many = if k == 2 {
                ln_choose(days + x - 1.0, 2.0 * x - 1.0)
            } else {
                x * ln_gamma(steps) + of_sum(steps, x, days)
            };
            ways += n * (many - one);
        }
    }
    sum + log_gaps.map_or(0.0, |LogGaps(logs)| (steps - 1.0) * logs - ways)
}

/// The fit of a model of a regularity.
#[derive(Debug, Clone, PartialEq)]
pub struct RegularFit {
    /// k.
    pub regularity: u32,
    /// Its fit; the likelihood is that of the purchase days, comparable between any k.
    pub fit: PurchaseFit,
    /// The log-likelihood of each k that was tried on all clients.
    pub tried: BTreeMap<u32, f64>,
}

/// Fit a model of k steps, or of the k that makes the purchase days likeliest.
///
/// # Errors
/// If k is out of its range, or nothing can be fitted.
pub fn fit_regularity(
    cells: &HistoryCells,
    k: Option<u32>,
    unit: f64,
    log_gaps: Option<LogGaps>,
) -> Result<RegularFit> {
    let timing = |k: u32| log_timing(cells, k, unit, log_gaps);
    let fit = |k: u32| -> Result<PurchaseFit> {
        let mut fit = fit_purchases(cells, PurchaseModel::regular(k)?, unit)?;
        fit.estimate.log_likelihood += timing(k);
        Ok(fit)
    };
    let likelihood = |fit: &PurchaseFit| fit.estimate.log_likelihood;
    let first = k.unwrap_or_else(|| likeliest_of_few(cells, unit, timing));
    let mut best = (first, fit(first)?);
    let mut tried = BTreeMap::from([(first, likelihood(&best.1))]);
    if k.is_none() {
        // The likelihood rises to the best k and falls after it: its neighbours are no better.
        for step in [-1, 1] {
            while let Some(next) = best.0.checked_add_signed(step) {
                if tried.contains_key(&next) {
                    break;
                }
                // Where a k has no fit, it ends.
                let Ok(fit) = fit(next) else { break };
                tried.insert(next, likelihood(&fit));
                if likelihood(&fit) <= likelihood(&best.1) {
                    break;
                }
                best = (next, fit);
            }
        }
    }
    Ok(RegularFit { regularity: best.0, fit: best.1, tried })
}

/// About the k of the greatest likelihood: by the clients of some cells, from k = 1 on.
fn likeliest_of_few(cells: &HistoryCells, unit: f64, timing: impl Fn(u32) -> f64) -> u32 {
    let few = cells.subsample(SUBSAMPLE_CELLS);
    let scale = cells.clients as f64 / few.clients.max(1) as f64;
    let mut best = (1, f64::NEG_INFINITY);
    for k in 1..=MAX_REGULARITY {
        let model = PurchaseModel::regular(k);
        let Ok(fit) = model.and_then(|model| fit_purchases(&few, model, unit)) else { break };
        let found = scale * fit.estimate.log_likelihood + timing(k);
        if found <= best.1 {
            break;
        }
        best = (k, found);
    }
    best.0
}
