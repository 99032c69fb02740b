//! Predictions for every client: computed once for each cell, handed out to its clients.

use rayon::prelude::*;

use super::cells::{Cells, Histories};
use super::expectation::Process;
use crate::error::{Error, Result};

/// Runs of cells that one task predicts.
const RUNS: usize = 64;

/// What is to be foreseen: the horizons, and what money is worth by then.
#[derive(Debug, Clone, Copy)]
pub struct Outlook<'a> {
    /// Ends of the periods, in days from the day of the look back, ascending and above 0.
    pub edges: &'a [f64],
    /// What a purchase in each period is worth today, from 0 to 1.
    pub discounts: &'a [f64],
    /// The periods with which horizons end, by their place.
    pub horizons: &'a [usize],
}

/// Columns of predictions, one element a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// The chance to be a client still.
    pub p_alive: Vec<f64>,
    /// Expected purchases, for each horizon.
    pub purchases: Vec<Vec<f64>>,
    /// The same, each purchase at what it is worth today; a column of it equals that of
    /// `purchases` where nothing is discounted.
    pub present: Vec<Vec<f64>>,
}

/// Predict for each client. O(n log n) for n clients, in parallel.
///
/// # Errors
/// If a client's numbers cannot be, or the outlook is not one.
pub fn predict(process: &Process, clients: &Histories, outlook: &Outlook) -> Result<Predictions> {
    check(outlook)?;
    let cells = Cells::new(clients)?;
    let of_clients = cells.of_clients(clients)?;
    let horizons = outlook.horizons.len();
    // A row a cell: the chance, then purchases and present purchases of each horizon.
    let width = 1 + 2 * horizons;
    let rows: Vec<Vec<f64>> = cells
        .runs
        .par_chunks(RUNS)
        .map(|runs| {
            let mut rows = Vec::new();
            let mut repeat = process.after(runs[0].repeats);
            let mut known = runs[0].repeats;
            for run in runs {
                if run.repeats != known {
                    repeat = process.after(run.repeats);
                    known = run.repeats;
                }
                let observed = cells.days[run.observed as usize];
                let bought =
                    periods(outlook, |days| repeat.purchases(observed, days / process.unit));
                for cell in run.start..run.end {
                    let (x, last, observed) = cells.history(cell);
                    let alive = process.p_alive(x, last, observed);
                    rows.push(alive);
                    rows.extend(bought.iter().map(|&(all, _)| alive * all));
                    rows.extend(bought.iter().map(|&(_, present)| alive * present));
                }
            }
            rows
        })
        .collect();
    let rows = rows.concat();
    let column = |number: usize| -> Vec<f64> {
        of_clients.par_iter().map(|&cell| rows[cell as usize * width + number]).collect()
    };
    Ok(Predictions {
        p_alive: column(0),
        purchases: (0..horizons).map(|horizon| column(1 + horizon)).collect(),
        present: (0..horizons).map(|horizon| column(1 + horizons + horizon)).collect(),
    })
}

/// Purchases up to the end of each horizon, whole and at their present worth.
fn periods(outlook: &Outlook, mut purchases: impl FnMut(f64) -> f64) -> Vec<(f64, f64)> {
    let (mut whole, mut present) = (0.0_f64, 0.0);
    let mut ends = vec![(0.0, 0.0); outlook.horizons.len()];
    for (period, (&days, &worth)) in outlook.edges.iter().zip(outlook.discounts).enumerate() {
        // Rounding must not make a longer horizon bring less.
        let until = purchases(days).max(whole);
        present += (until - whole) * worth;
        whole = until;
        for (end, _) in ends.iter_mut().zip(outlook.horizons).filter(|(_, last)| **last == period) {
            *end = (whole, present);
        }
    }
    ends
}

fn check(outlook: &Outlook) -> Result<()> {
    let ascending = outlook.edges.windows(2).all(|pair| pair[0] < pair[1]);
    let fits = ascending
        && outlook.edges.first().is_none_or(|&first| first > 0.0)
        && outlook.edges.iter().all(|edge| edge.is_finite())
        && outlook.discounts.len() == outlook.edges.len()
        && outlook.discounts.iter().all(|worth| (0.0..=1.0).contains(worth))
        && outlook.horizons.iter().all(|&period| period < outlook.edges.len());
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

    fn process() -> Process {
        Process {
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
            let outlook = Outlook { edges: &[30.0, 61.0, 365.0], discounts: &[1.0, 0.9, 0.5], horizons: &[2, 0] };
            let found = predict(&process(), &histories, &outlook).unwrap();
            for client in 0..clients.len() {
                let (x, t) = (repeats[client], observed[client] as u32);
                let alive = process().p_alive(x, last[client] as u32, t);
                let mut after = process().after(x);
                let [one, two, three] = [30.0, 61.0, 365.0].map(|d| after.purchases(t, d / 7.0));
                let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
                prop_assert!(near(found.p_alive[client], alive));
                prop_assert!(near(found.purchases[0][client], alive * three));
                prop_assert!(near(found.purchases[1][client], alive * one));
                let present = one + 0.9 * (two - one) + 0.5 * (three - two);
                prop_assert!(near(found.present[0][client], alive * present));
            }
        }
    }

    #[test]
    fn what_is_no_outlook_is_refused() {
        let nobody = Histories { repeats: &[], last: &[], observed: &[] };
        for (edges, discounts, horizons) in [
            (vec![0.0], vec![1.0], vec![0]),
            (vec![2.0, 1.0], vec![1.0, 1.0], vec![0]),
            (vec![1.0], vec![], vec![0]),
            (vec![1.0], vec![1.5], vec![0]),
            (vec![1.0], vec![1.0], vec![1]),
            (vec![f64::NAN], vec![1.0], vec![0]),
        ] {
            let outlook = Outlook { edges: &edges, discounts: &discounts, horizons: &horizons };
            assert!(predict(&process(), &nobody, &outlook).is_err(), "{outlook:?}");
        }
        let nothing = Outlook { edges: &[], discounts: &[], horizons: &[] };
        assert_eq!(predict(&process(), &nobody, &nothing).unwrap().p_alive, []);
    }
}
