//! How far what comes may be from what is expected: by the parameters, which are estimates, and by chance.
//!
//! Parameters are drawn from their joint normal distribution in logarithms, and for each draw what
//! clients do is simulated, given what is known of each. A client who has not left makes steps of
//! purchases in each period as a Poisson number says, and purchases until one is the last.

use std::cmp::Ordering;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, Gamma, Poisson, StandardNormal, StandardUniform};

use super::expectation::PurchaseProcess;
use super::history_cells::Histories;
use super::matrix::{Matrix, cholesky};
use super::predictions::{ForecastPeriods, check};
use super::purchases::PurchaseParameters;
use super::spend::SpendParameters;
use crate::error::{Error, Result};
use crate::hash::mix_words;
use crate::threads::map_each;

/// Clients of whom totals are simulated: sums of more are scaled.
const SAMPLE: usize = 1000;
/// What a parameter can be after a draw: as good as 0 and as good as infinite.
const BOUNDS: [f64; 2] = [1e-9, 1e9];
/// Clients whose intervals one task finds.
const CLIENTS_A_TASK: usize = 256;

/// What is known of clients: their histories, their spends and their margins.
#[derive(Debug, Clone, Copy)]
pub struct ValuedClients<'a> {
    /// Purchases.
    pub histories: Histories<'a>,
    /// How many purchases tell the spend of each.
    pub counts: &'a [u32],
    /// The mean of these.
    pub means: &'a [f64],
    /// The share of money that is gain.
    pub shares: &'a [f64],
}

/// Fitted models, and how sure their parameters are.
#[derive(Debug, Clone, Copy)]
pub struct UncertainModels {
    /// Purchases.
    pub process: PurchaseProcess,
    /// Spends.
    pub spend: SpendParameters,
    /// The covariance of r, α, a and b; not a number where a parameter is given.
    pub of_purchases: Matrix<4>,
    /// The covariance of p, q and v.
    pub of_spend: Matrix<3>,
}

/// A draw of the parameters.
type Drawn = (PurchaseProcess, SpendParameters);

/// Cholesky factors of a covariance in logarithms; without what is not known.
fn factors<const P: usize>(covariance: &Matrix<P>, parameters: [f64; P]) -> Matrix<P> {
    let known = |i: usize| covariance[i][i] > 0.0 && covariance[i][i].is_finite();
    let logs: Matrix<P> = std::array::from_fn(|i| {
        std::array::from_fn(|j| match (known(i) && known(j), i == j) {
            (true, _) => covariance[i][j] / (parameters[i] * parameters[j]),
            // Factored and then dropped.
            (false, own) => f64::from(u8::from(own)),
        })
    });
    let Some(mut lower) = cholesky(&logs) else {
        return [[0.0; P]; P];
    };
    for i in (0..P).filter(|&i| !known(i)) {
        lower[i] = [0.0; P];
    }
    lower
}

fn vary<const P: usize>(parameters: [f64; P], lower: &Matrix<P>, rng: &mut ChaCha8Rng) -> [f64; P] {
    let normal: [f64; P] = std::array::from_fn(|_| StandardNormal.sample(rng));
    std::array::from_fn(|i| {
        let by: f64 = (0..P).map(|j| lower[i][j] * normal[j]).sum();
        let varied = parameters[i] * libm::exp(by);
        if by == 0.0 { parameters[i] } else { varied.clamp(BOUNDS[0], BOUNDS[1]) }
    })
}

impl UncertainModels {
    /// Draws of the parameters.
    fn draws(&self, number: usize, seed: u64) -> Result<Vec<Drawn>> {
        let p = &self.process.parameters;
        let purchases = [p.r, p.alpha, p.a, p.b];
        // Below 1, q has no mean: its distance from 1 is drawn.
        let money = self.spend.v;
        let spends = [self.spend.p, self.spend.q - 1.0, 1.0];
        let mut of_spend = self.of_spend;
        for other in 0..3 {
            of_spend[2][other] /= money;
            of_spend[other][2] /= money;
        }
        let of_purchases = factors(&self.of_purchases, purchases);
        let of_spend = factors(&of_spend, spends);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..number)
            .map(|_| {
                let purchases = vary(purchases, &of_purchases, &mut rng);
                let [shape, above, scale] = vary(spends, &of_spend, &mut rng);
                let parameters = PurchaseParameters::new(purchases)?;
                let spend = SpendParameters::new([shape, 1.0 + above, scale * money])?;
                Ok((PurchaseProcess { parameters, ..self.process }, spend))
            })
            .collect()
    }
}

fn undrawable(error: impl std::fmt::Display) -> Error {
    Error::Data(format!("the interval cannot be simulated with these parameters: {error}"))
}

fn gamma(shape: f64, rng: &mut ChaCha8Rng) -> Result<f64> {
    Ok(Gamma::new(shape, 1.0).map_err(undrawable)?.sample(rng))
}

impl ValuedClients<'_> {
    fn check(&self) -> Result<()> {
        let n = self.histories.len();
        let long = [self.histories.last.len(), self.histories.observed.len(), self.counts.len()];
        if long.iter().chain(&[self.means.len(), self.shares.len()]).all(|&other| other == n) {
            return Ok(());
        }
        Err(Error::Data("clients, spends and shares must be equally long".to_owned()))
    }

    /// A word of what is known of a client: the same of clients alike, whatever their order.
    fn word(&self, row: usize) -> u64 {
        let history = &self.histories;
        let days = (history.last[row] as u64) << 32 | u64::from(history.observed[row] as u32);
        let purchases = u64::from(history.repeats[row]) << 32 | u64::from(self.counts[row]);
        mix_words(mix_words(days, purchases), self.means[row].to_bits())
    }

    /// A systematic sample of the clients in an order that does not depend on theirs; of very many, of
    /// those whose words say so, as sorting takes time.
    fn sample(&self) -> Vec<u32> {
        const SORTED: usize = 32 * SAMPLE;
        let n = self.histories.len();
        let parts = (n / SORTED).max(1) as u64;
        let mut rows: Vec<u32> =
            (0..n as u32).filter(|&row| self.word(row as usize).is_multiple_of(parts)).collect();
        if rows.len() < SAMPLE {
            rows = (0..n as u32).collect();
        }
        rows.sort_unstable_by(|&one, &other| self.cmp(one, other));
        let step = rows.len().div_ceil(SAMPLE).max(1);
        rows.into_iter().skip(step / 2).step_by(step).collect()
    }

    /// What tells a client from another, in an order that does not depend on theirs.
    fn cmp(&self, one: u32, other: u32) -> Ordering {
        let key = |row: u32| {
            let row = row as usize;
            let history = &self.histories;
            (history.repeats[row], history.observed[row], history.last[row], self.counts[row])
        };
        let money = |row: u32| (self.means[row as usize], self.shares[row as usize]);
        key(one).cmp(&key(other)).then_with(|| {
            let (a, b) = (money(one), money(other));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
    }

    /// Add what one client does in each horizon: purchases, then gain.
    fn simulate(
        &self,
        row: usize,
        (process, spend): &Drawn,
        periods: &ForecastPeriods,
        rng: &mut ChaCha8Rng,
        found: &mut [f64],
    ) -> Result<()> {
        let uniform = |rng: &mut ChaCha8Rng| -> f64 { StandardUniform.sample(rng) };
        let (x, last, observed) = (
            self.histories.repeats[row],
            self.histories.last[row] as u32,
            self.histories.observed[row] as u32,
        );
        let (alive, shares) = process.p_alive_and_steps(x, last, observed);
        if uniform(rng) >= alive {
            return Ok(());
        }
        let (p, k) = (&process.parameters, u64::from(process.model.regularity()));
        let (mut place, mut made) = (uniform(rng), 0_u64);
        while made + 1 < k && place >= shares[made as usize] {
            place -= shares[made as usize];
            made += 1;
        }
        let shape = p.r + (u64::from(x) * k + made) as f64;
        let rate = gamma(shape, rng)? / (p.alpha + f64::from(observed) / process.unit);
        let stayed = p.b + f64::from(process.model.dropout_opportunities(x));
        let leave = Beta::new(p.a, stayed).map_err(undrawable)?.sample(rng);
        // The last purchase of a client who leaves after each with this chance.
        let lasts = libm::log(uniform(rng).max(f64::MIN_POSITIVE)) / libm::log1p(-leave);
        let most = if leave > 0.0 { lasts.floor() + 1.0 } else { f64::INFINITY };
        let (count, mean) = (f64::from(self.counts[row]), self.means[row]);
        let money = if count > 0.0 && mean > 0.0 { count * mean } else { 0.0 };
        let known = if money > 0.0 { count } else { 0.0 };
        let worth = (spend.v + money) / gamma(spend.q + spend.p * known, rng)?;
        let horizons = periods.horizons.len();
        let (mut start, mut steps, mut bought, mut gain) = (0.0, made, 0.0_f64, 0.0);
        for (period, (&end, &factor)) in
            periods.ends.iter().zip(periods.discount_factors).enumerate()
        {
            let mean = rate * (end - start) / process.unit;
            if mean > 0.0 {
                let more: f64 = Poisson::new(mean).map_err(undrawable)?.sample(rng);
                steps += more as u64;
            }
            start = end;
            let until = ((steps / k) as f64).min(most);
            if until > bought {
                gain += factor * worth * gamma(spend.p * (until - bought), rng)?;
                bought = until;
            }
            for (horizon, _) in
                periods.horizons.iter().enumerate().filter(|(_, last)| **last == period)
            {
                found[horizon] += bought;
                found[horizons + horizon] += self.shares[row] * gain;
            }
        }
        Ok(())
    }
}

/// Simulated totals: for each draw of the parameters the purchases of each horizon, then the gains, of
/// two simulations each.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedTotals {
    /// Draw by draw, twice the horizons long, of the first simulation.
    pub first: Vec<Vec<f64>>,
    /// The same of the second, where clients were sampled; empty where all were simulated.
    pub second: Vec<Vec<f64>>,
    /// How many clients one of the sample stands for.
    pub scale: f64,
}

/// Simulate the totals of clients. The order of the clients does not matter.
///
/// # Errors
/// If columns are not equally long, or a parameter cannot be drawn from.
pub fn simulate_totals(
    models: &UncertainModels,
    clients: &ValuedClients,
    periods: &ForecastPeriods,
    draws: usize,
    seed: u64,
) -> Result<SimulatedTotals> {
    check(periods)?;
    clients.check()?;
    let n = clients.histories.len();
    let sample = clients.sample();
    let drawn = models.draws(draws, seed)?;
    let replicates = if sample.len() < n { 2 } else { 1 };
    let jobs: Vec<(usize, usize)> =
        (0..replicates).flat_map(|again| (0..draws).map(move |draw| (again, draw))).collect();
    let simulated = map_each(&jobs, |_, &(again, draw)| -> Result<Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1 + (again * draws + draw) as u64);
        let mut sums = vec![0.0; 2 * periods.horizons.len()];
        for &row in &sample {
            clients.simulate(row as usize, &drawn[draw], periods, &mut rng, &mut sums)?;
        }
        Ok(sums)
    });
    let mut first = simulated.into_iter().collect::<Result<Vec<_>>>()?;
    let second = first.split_off(draws);
    Ok(SimulatedTotals { first, second, scale: n as f64 / sample.len().max(1) as f64 })
}

/// The interval of each client: columns of the lower and the upper end of the purchases of each
/// horizon, then of the gains. Clients of whom the same is known have the same.
///
/// # Errors
/// If columns are not equally long, or a parameter cannot be drawn from.
pub fn client_intervals(
    models: &UncertainModels,
    clients: &ValuedClients,
    periods: &ForecastPeriods,
    level: f64,
    draws: usize,
    seed: u64,
) -> Result<Vec<[Vec<f64>; 2]>> {
    check(periods)?;
    clients.check()?;
    let drawn = models.draws(draws, seed)?;
    let (n, width) = (clients.histories.len(), 2 * periods.horizons.len());
    let of_some = |_, first: usize| -> Result<Vec<[f64; 2]>> {
        let mut ends = Vec::new();
        for row in first..n.min(first + CLIENTS_A_TASK) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(clients.word(row));
            let mut outcomes = vec![vec![0.0; draws]; width];
            let mut found = vec![0.0; width];
            for (draw, drawn) in drawn.iter().enumerate() {
                found.fill(0.0);
                clients.simulate(row, drawn, periods, &mut rng, &mut found)?;
                outcomes.iter_mut().zip(&found).for_each(|(column, value)| column[draw] = *value);
            }
            ends.extend(outcomes.iter_mut().map(|column| {
                column.sort_unstable_by(f64::total_cmp);
                [(1.0 - level) / 2.0, f64::midpoint(1.0, level)].map(|part| quantile(column, part))
            }));
        }
        Ok(ends)
    };
    let ends = map_each((0..n).step_by(CLIENTS_A_TASK), of_some);
    let ends = ends.into_iter().collect::<Result<Vec<_>>>()?.concat();
    Ok((0..width)
        .map(|column| {
            [0, 1].map(|side| ends.iter().skip(column).step_by(width).map(|e| e[side]).collect())
        })
        .collect())
}

/// The value with so many of the sorted ones below it.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = (part * sorted.len() as f64) as usize;
    sorted[place.min(sorted.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::super::predictions::predict;
    use super::super::purchases::PurchaseModel;
    use super::*;

    const UNKNOWN: f64 = f64::NAN;

    fn models(model: PurchaseModel) -> UncertainModels {
        UncertainModels {
            process: PurchaseProcess {
                model,
                parameters: PurchaseParameters::new([0.6, 5.0, 0.8, 2.5]).unwrap(),
                unit: 7.0,
            },
            spend: SpendParameters::new([6.0, 4.0, 15.0]).unwrap(),
            of_purchases: [[UNKNOWN; 4]; 4],
            of_spend: [[UNKNOWN; 3]; 3],
        }
    }

    const REPEATS: [u32; 5] = [0, 1, 4, 9, 30];
    const LAST: [i32; 5] = [0, 30, 200, 290, 299];
    const OBSERVED: [i32; 5] = [100, 300, 320, 300, 300];
    const MEANS: [f64; 5] = [20.0, 35.0, 15.0, 80.0, 5.0];

    fn clients<'a>() -> ValuedClients<'a> {
        let histories = Histories { repeats: &REPEATS, last: &LAST, observed: &OBSERVED };
        ValuedClients { histories, counts: &[1, 2, 5, 10, 31], means: &MEANS, shares: &[0.3; 5] }
    }

    const PERIODS: ForecastPeriods = ForecastPeriods {
        ends: &[30.0, 61.0, 365.0],
        discount_factors: &[1.0, 0.9, 0.8],
        horizons: &[0, 2],
    };

    /// What is simulated is, in the mean, what is expected: purchases, and gains at their worth.
    #[test]
    fn the_mean_of_simulations_is_the_prediction() {
        for model in [PurchaseModel::BgNbd, PurchaseModel::MbgNbd, PurchaseModel::MbgCnbd(3)] {
            let (models, clients) = (models(model), clients());
            let draws = 40_000;
            let totals = simulate_totals(&models, &clients, &PERIODS, draws, 5).unwrap();
            let expected = predict(&models.process, &clients.histories, &PERIODS).unwrap();
            let gain = |horizon: usize| -> f64 {
                (0..5)
                    .map(|row| {
                        let spend = models.spend.expected(clients.counts[row], MEANS[row]);
                        0.3 * spend * expected.discounted[horizon][row]
                    })
                    .sum()
            };
            let wanted = [
                expected.purchases[0].iter().sum(),
                expected.purchases[1].iter().sum(),
                gain(0),
                gain(1),
            ];
            for (column, wanted) in wanted.iter().enumerate() {
                let values = || totals.first.iter().map(|draw| draw[column]);
                let mean = values().sum::<f64>() / draws as f64;
                let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / draws as f64;
                let off = (mean - wanted) / (variance / draws as f64).sqrt();
                assert!(off.abs() < 4.5, "{model:?} {column}: {mean} {wanted}");
            }
            assert!(totals.second.is_empty() && (totals.scale - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn draws_have_the_covariance_that_was_estimated() {
        let mut models = models(PurchaseModel::MbgNbd);
        let errors = [0.06, 0.5, UNKNOWN, 0.2];
        for (i, error) in errors.iter().enumerate() {
            models.of_purchases[i] = [0.0; 4];
            models.of_purchases[i][i] = error * error;
        }
        models.of_purchases[0][1] = 0.5 * 0.06 * 0.5;
        models.of_purchases[1][0] = 0.5 * 0.06 * 0.5;
        let drawn = models.draws(20_000, 3).unwrap();
        let logs = |of: fn(&PurchaseParameters) -> f64| -> Vec<f64> {
            drawn.iter().map(|(process, _)| of(&process.parameters).ln()).collect()
        };
        let product = |one: &[f64], other: &[f64]| -> f64 {
            let n = one.len() as f64;
            let means = (one.iter().sum::<f64>() / n, other.iter().sum::<f64>() / n);
            one.iter().zip(other).map(|(a, b)| (a - means.0) * (b - means.1)).sum::<f64>() / n
        };
        let (r, alpha, a) = (logs(|p| p.r), logs(|p| p.alpha), logs(|p| p.a));
        assert!((product(&r, &r) - 0.01).abs() < 5e-4);
        assert!((product(&r, &alpha) - 0.005).abs() < 5e-4);
        assert!(a.iter().all(|&log| (log - 0.8_f64.ln()).abs() < 1e-12));
    }

    #[test]
    fn neither_order_nor_a_second_run_changes_a_bit() {
        let (models, clients) = (models(PurchaseModel::MbgCnbd(2)), clients());
        let one = simulate_totals(&models, &clients, &PERIODS, 50, 5).unwrap();
        let turned = |column: &[i32; 5]| -> Vec<i32> { column.iter().rev().copied().collect() };
        let (last, observed) = (turned(&LAST), turned(&OBSERVED));
        let means: Vec<f64> = MEANS.iter().rev().copied().collect();
        let histories = Histories { repeats: &[30, 9, 4, 1, 0], last: &last, observed: &observed };
        let backwards =
            ValuedClients { histories, counts: &[31, 10, 5, 2, 1], means: &means, ..clients };
        assert_eq!(simulate_totals(&models, &backwards, &PERIODS, 50, 5).unwrap(), one);
        let ends = client_intervals(&models, &clients, &PERIODS, 0.9, 200, 5).unwrap();
        let back = client_intervals(&models, &backwards, &PERIODS, 0.9, 200, 5).unwrap();
        assert_eq!(ends.len(), 4);
        for (ends, back) in ends.iter().zip(&back) {
            for side in [0, 1] {
                assert!(ends[side].iter().eq(back[side].iter().rev()));
            }
            assert!(ends[0].iter().zip(&ends[1]).all(|(low, high)| low <= high));
        }
    }
}
