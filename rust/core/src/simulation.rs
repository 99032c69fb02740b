//! Sales lines to test and measure on: seeded, and the same whatever the number of threads.

use crate::error::{Error, Result};
use crate::hash::mix_words;
use crate::threads::{ROWS_A_TASK, for_each};

/// Lines of simulated sales, as columns.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedSales {
    /// The client of each line: ids begin at 1 and have gaps.
    pub client: Vec<i64>,
    /// The instant of each line, in microseconds since 1970-01-01 00:00.
    pub instant: Vec<i64>,
    /// The amount of each line, in cents; below zero for returns.
    pub cents: Vec<i64>,
    /// The order of each line: several lines of a client on a day share one.
    pub order: Vec<i64>,
}

/// What is to be simulated.
#[derive(Debug, Clone, Copy)]
pub struct SalesSimulation {
    /// Lines to make.
    pub lines: usize,
    /// Clients that may appear; those of little activity may stay without a line.
    pub clients: u32,
    /// The first day, since 1970-01-01.
    pub first_day: i32,
    /// The number of days.
    pub days: u32,
    /// The same seed gives the same lines.
    pub seed: u64,
}

/// Ids leave out two numbers in three, as those of a base do that has lost clients.
const ID_GAP: i64 = 3;
/// The largest prime below 2^32: multiplying by it permutes the ranks of fewer clients, so that
/// neighbouring ids are not alike.
const PRIME: u64 = 4_294_967_291;
/// One line in fifty is a return.
const RETURNS: u64 = 50;

/// Check that there is memory for a number of rows that a caller asks for, before it is written to.
///
/// # Errors
/// If there is none: an allocation that fails later would end the process.
pub(crate) fn room_for<T>(rows: usize, what: &str) -> Result<()> {
    Vec::<T>::new()
        .try_reserve_exact(rows)
        .map_err(|_| Error::Option(format!("there is no memory for {rows} {what}: ask for fewer")))
}

/// Simulate sales: activity is heavy-tailed (the density of a client's share falls with the power
/// 0.6 of its rank), prices are log-uniform from 0.50 to 128.00 in cents, 2 % of lines are returns.
///
/// Each line depends on the seed and its number alone, so lines can be made in any order. O(lines).
///
/// # Errors
/// If there are lines but no clients or no days.
pub fn simulate_sales(simulation: SalesSimulation) -> Result<SimulatedSales> {
    if simulation.lines > 0 && (simulation.clients == 0 || simulation.days == 0) {
        return Err(Error::Option(
            "sales are simulated for at least one client and one day: raise clients or days"
                .to_owned(),
        ));
    }
    room_for::<[i64; 4]>(simulation.lines, "lines")?;
    let line = |row: usize| -> (i64, i64, i64, i64) {
        let draw = |what: u64| mix_words(simulation.seed ^ (what << 56), row as u64);
        let unit = |what: u64| (draw(what) >> 11) as f64 / (1_u64 << 53) as f64;
        let u = unit(1);
        // A power of a uniform draw puts the weight of clients on the low ranks.
        let rank = (u * u * u.sqrt() * f64::from(simulation.clients)) as i64;
        let number = (rank as u64 * PRIME % u64::from(simulation.clients)) as i64;
        let offset = (mix_words(simulation.seed, rank as u64) % ID_GAP as u64) as i64;
        let day = (draw(2) % u64::from(simulation.days)) as i64;
        let second = 8 * 3600 + (draw(3) % (12 * 3600)) as i64;
        let price = ((unit(4) * 8.0).exp2() * 50.0) as i64;
        let sign = if draw(5) % RETURNS == 0 { -1 } else { 1 };
        let instant = ((i64::from(simulation.first_day) + day) * 86_400 + second) * 1_000_000;
        // Lines of one client in one half day are one order.
        let order = (rank * i64::from(simulation.days) + day) * 2 + i64::from(second >= 14 * 3600);
        (1 + number * ID_GAP + offset, instant, sign * price, order)
    };
    let mut sales = SimulatedSales {
        client: vec![0; simulation.lines],
        instant: vec![0; simulation.lines],
        cents: vec![0; simulation.lines],
        order: vec![0; simulation.lines],
    };
    let clients = sales.client.chunks_mut(ROWS_A_TASK).zip(sales.instant.chunks_mut(ROWS_A_TASK));
    let orders = sales.cents.chunks_mut(ROWS_A_TASK).zip(sales.order.chunks_mut(ROWS_A_TASK));
    for_each(clients.zip(orders), |task, ((clients, instants), (cents, orders))| {
        for i in 0..clients.len() {
            (clients[i], instants[i], cents[i], orders[i]) = line(task * ROWS_A_TASK + i);
        }
    });
    Ok(sales)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIMULATION: SalesSimulation =
        SalesSimulation { lines: 20_000, clients: 1000, first_day: 19_000, days: 1095, seed: 7 };

    #[test]
    fn sales_are_those_that_are_described() {
        let made = simulate_sales(SIMULATION).unwrap();
        let mut lines = std::collections::HashMap::new();
        for &client in &made.client {
            *lines.entry(client).or_insert(0_u32) += 1;
        }
        let mut counts: Vec<u32> = lines.values().copied().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let best: u32 = counts[..counts.len() / 5].iter().sum();
        assert!((600..=1000).contains(&counts.len()));
        assert!(best > 9_000 && best < 14_000, "the best fifth has {best} lines");
        let returns = made.cents.iter().filter(|&&cents| cents < 0).count();
        assert!((300..500).contains(&returns), "{returns} returns");
        assert!(made.cents.iter().all(|cents| (50..=12_800).contains(&cents.abs())));
        assert!(
            made.instant.iter().all(|i| (19_000..20_095).contains(&i.div_euclid(86_400_000_000)))
        );
    }

    #[test]
    fn a_seed_has_one_outcome_and_no_clients_are_refused() {
        assert_eq!(simulate_sales(SIMULATION), simulate_sales(SIMULATION));
        let other = SalesSimulation { seed: 8, ..SIMULATION };
        assert_ne!(simulate_sales(SIMULATION), simulate_sales(other));
        let nobody = SalesSimulation { clients: 0, ..SIMULATION };
        assert!(simulate_sales(nobody).is_err());
        assert!(simulate_sales(SalesSimulation { lines: 0, ..nobody }).is_ok());
    }
}
