//! Predictions for every client: computed once for each cell, handed out to its clients.

use super::expectation::PurchaseProcess;
use super::history_cells::{Histories, HistoryCells};
use crate::error::{Error, Result};
use crate::threads::{map_each, map_rows};

/// Runs of cells that one task predicts.
const RUNS: usize = 64;

/// The periods of a forecast, and the discount of each.
#[derive(Debug, Clone, Copy)]
pub struct ForecastPeriods<'a> {
    /// The ends of the periods, in days from the end of the observation, ascending and above 0.
    pub ends: &'a [f64],
    /// The present value of 1 in each period, from 0 to 1.
    pub discount_factors: &'a [f64],
    /// For each horizon the index of the period that it ends with.
    pub horizons: &'a [usize],
}

/// Columns of predictions, one element a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// The probability not to have left.
    pub p_alive: Vec<f64>,
    /// Expected purchases, for each horizon.
    pub purchases: Vec<Vec<f64>>,
    /// The same, discounted to their present value.
    pub discounted: Vec<Vec<f64>>,
}

/// Predict for each client. O(n log n) for n clients, in parallel.
///
/// # Errors
/// If a client's numbers are impossible, or the periods are.
pub fn predict(
    process: &PurchaseProcess,
    clients: &Histories,
    periods: &ForecastPeriods,
) -> Result<Predictions> {
    check(periods)?;
    let cells = HistoryCells::new(clients)?;
    let of_clients = cells.of_clients(clients)?;
    let horizons = periods.horizons.len();
    // A row a cell: the probability, then purchases and discounted purchases of each horizon.
    let width = 1 + 2 * horizons;
    let k = process.model.regularity() as usize;
    let rows = map_each(cells.runs.chunks(RUNS), |_, runs| {
        let mut rows = Vec::new();
        let mut expectation = process.expectation(runs[0].repeats);
        let mut repeats = runs[0].repeats;
        // Of clients who have made j steps of their next purchase: for each period, and each j.
        let mut by_steps = vec![0.0; periods.ends.len() * k];
        for run in runs {
            if run.repeats != repeats {
                expectation = process.expectation(run.repeats);
                repeats = run.repeats;
            }
            let observed = cells.days[run.observed as usize];
            for (&days, found) in periods.ends.iter().zip(by_steps.chunks_mut(k)) {
                expectation.purchases_by_steps(observed, days / process.unit, found);
            }
            let mut bought = by_horizon(periods, |period| by_steps[period * k]);
            for cell in run.start..run.end {
                let (x, last, observed) = cells.history(cell);
                let (alive, shares) = process.p_alive_and_steps(x, last, observed);
                if k > 1 {
                    bought = by_horizon(periods, |period| {
                        let found = by_steps[period * k..][..k].iter();
                        found.zip(&shares).map(|(found, share)| found * share).sum()
                    });
                }
                rows.push(alive);
                rows.extend(bought.iter().map(|&(all, _)| alive * all));
                rows.extend(bought.iter().map(|&(_, discounted)| alive * discounted));
            }
        }
        rows
    });
    let rows = rows.concat();
    let column = |number: usize| {
        map_rows(of_clients.len(), |row| rows[of_clients[row] as usize * width + number])
    };
    Ok(Predictions {
        p_alive: column(0),
        purchases: (0..horizons).map(|horizon| column(1 + horizon)).collect(),
        discounted: (0..horizons).map(|horizon| column(1 + horizons + horizon)).collect(),
    })
}

/// Purchases up to the end of each horizon, and the same discounted.
fn by_horizon(periods: &ForecastPeriods, purchases: impl Fn(usize) -> f64) -> Vec<(f64, f64)> {
    let (mut whole, mut discounted) = (0.0_f64, 0.0);
    let mut ends = vec![(0.0, 0.0); periods.horizons.len()];
    for (period, &factor) in periods.discount_factors.iter().enumerate() {
        // Rounding must not make a longer horizon yield less.
        let until = purchases(period).max(whole);
        discounted += (until - whole) * factor;
        whole = until;
        for (end, _) in ends.iter_mut().zip(periods.horizons).filter(|(_, last)| **last == period) {
            *end = (whole, discounted);
        }
    }
    ends
}

pub(super) fn check(periods: &ForecastPeriods) -> Result<()> {
    let ascending = periods.ends.windows(2).all(|pair| pair[0] < pair[1]);
    let fits = ascending
        && periods.ends.first().is_none_or(|&first| first > 0.0)
        && periods.ends.iter().all(|edge| edge.is_finite())
        && periods.discount_factors.len() == periods.ends.len()
        && periods.discount_factors.iter().all(|factor| (0.0..=1.0).contains(factor))
        && periods.horizons.iter().all(|&period| period < periods.ends.len());
    if fits {
        return Ok(());
    }
    Err(Error::Option(
        "periods must end at ascending numbers of days above 0, each with a worth from 0 to 1"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::purchases::{PurchaseModel, PurchaseParameters};
    use super::*;
    use proptest::prelude::*;

    fn process() -> PurchaseProcess {
        PurchaseProcess {
            model: PurchaseModel::MbgNbd,
            parameters: PurchaseParameters::new([0.5, 6.2, 0.9, 1.6]).unwrap(),
            unit: 7.0,
        }
    }

    proptest! {
        #[test]
        fn every_client_gets_their_own_prediction(
            clients in prop::collection::vec((0..9_u32, 1..60_i32, 0..60_i32), 0..400)
        ) {
            let repeats: Vec<u32> = clients.iter().map(|c| c.0).collect();
            let last: Vec<i32> = clients.iter().map(|c| if c.0 == 0 { 0 } else { c.1 }).collect();
            let observed: Vec<i32> = clients.iter().map(|c| c.1 + c.2).collect();
            let histories = Histories { repeats: &repeats, last: &last, observed: &observed };
            let periods = ForecastPeriods { ends: &[30.0, 61.0, 365.0], discount_factors: &[1.0, 0.9, 0.5], horizons: &[2, 0] };
            let found = predict(&process(), &histories, &periods).unwrap();
            for client in 0..clients.len() {
                let (x, t) = (repeats[client], observed[client] as u32);
                let alive = process().p_alive(x, last[client] as u32, t);
                let mut after = process().expectation(x);
                let [one, two, three] = [30.0, 61.0, 365.0].map(|d| after.purchases(t, d / 7.0));
                let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
                prop_assert!(near(found.p_alive[client], alive));
                prop_assert!(near(found.purchases[0][client], alive * three));
                prop_assert!(near(found.purchases[1][client], alive * one));
                let present = one + 0.9 * (two - one) + 0.5 * (three - two);
                prop_assert!(near(found.discounted[0][client], alive * present));
            }
        }
    }

    #[test]
    fn impossible_periods_are_refused() {
        let nobody = Histories { repeats: &[], last: &[], observed: &[] };
        for (ends, factors, horizons) in [
            (vec![0.0], vec![1.0], vec![0]),
            (vec![2.0, 1.0], vec![1.0, 1.0], vec![0]),
            (vec![1.0], vec![], vec![0]),
            (vec![1.0], vec![1.5], vec![0]),
            (vec![1.0], vec![1.0], vec![1]),
            (vec![f64::NAN], vec![1.0], vec![0]),
        ] {
            let periods =
                ForecastPeriods { ends: &ends, discount_factors: &factors, horizons: &horizons };
            assert!(predict(&process(), &nobody, &periods).is_err(), "{periods:?}");
        }
        let nothing = ForecastPeriods { ends: &[], discount_factors: &[], horizons: &[] };
        assert_eq!(predict(&process(), &nobody, &nothing).unwrap().p_alive, []);
    }
}
