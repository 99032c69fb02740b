//! Clients who behave as the models say: to test the models on, and to measure.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, Exp1, Gamma, StandardUniform};

use super::expectation::PurchaseProcess;
use super::history_cells::MAX_DAYS;
use super::purchases::PurchaseModel;
use super::spend::SpendParameters;
use crate::error::{Error, Result};
use crate::simulation::room_for;
use crate::threads::{ROWS_A_TASK, map_each};

/// What is to be simulated.
#[derive(Debug, Clone, Copy)]
pub struct ClientSimulation {
    /// How many.
    pub clients: usize,
    /// How often they buy, and when they leave.
    pub process: PurchaseProcess,
    /// What they spend.
    pub spend: SpendParameters,
    /// Fewest days since the first purchase.
    pub shortest: u32,
    /// Most days since the first purchase.
    pub longest: u32,
    /// Days after the end of the observation in which purchases are counted as well.
    pub horizon: u32,
    /// The same seed gives the same clients.
    pub seed: u64,
}

/// What became of the clients, as columns.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedClients {
    /// x: purchases after the first.
    pub repeats: Vec<u32>,
    /// `t_x` in days, rounded; at least 1 with a repeat purchase.
    pub last: Vec<i32>,
    /// The sum of the logarithms of the days between purchases.
    pub log_gaps: Vec<f64>,
    /// T in days.
    pub observed: Vec<i32>,
    /// `m_x`: the mean spend of repeat purchases; not a number without one.
    pub means: Vec<f64>,
    /// The spend of the first purchase.
    pub first: Vec<f64>,
    /// Purchases in the horizon.
    pub future: Vec<u32>,
    /// Money in the horizon.
    pub future_money: Vec<f64>,
}

/// What a client takes, as a row and as columns.
const BYTES_A_CLIENT: usize = 2 * size_of::<SimulatedClient>();
/// Purchases of a client, in the mean: a hundred a day for 27 years.
const MOST_PURCHASES: f64 = 1e6;

/// Simulate clients. Each depends on the seed and its number alone. O(purchases), in parallel.
///
/// # Errors
/// If the days are not in order, or a parameter is beyond what can be drawn from.
pub fn simulate_clients(simulation: &ClientSimulation) -> Result<SimulatedClients> {
    if simulation.shortest > simulation.longest || simulation.longest > MAX_DAYS {
        return Err(Error::Option(format!(
            "clients are simulated for {} to {} days: take a range within 0 and {MAX_DAYS}",
            simulation.shortest, simulation.longest
        )));
    }
    check_sizes(simulation)?;
    let one = |number: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(simulation.seed);
        rng.set_stream(number as u64);
        client(simulation, &mut rng)
    };
    let some = |_, first: usize| -> Result<Vec<SimulatedClient>> {
        (first..simulation.clients.min(first + ROWS_A_TASK)).map(one).collect()
    };
    let clients = map_each((0..simulation.clients).step_by(ROWS_A_TASK), some);
    let clients = clients.into_iter().collect::<Result<Vec<_>>>()?.concat();
    Ok(SimulatedClients {
        repeats: clients.iter().map(|c| c.repeats).collect(),
        last: clients.iter().map(|c| c.last).collect(),
        log_gaps: clients.iter().map(|c| c.log_gaps).collect(),
        observed: clients.iter().map(|c| c.observed).collect(),
        means: clients.iter().map(|c| c.mean).collect(),
        first: clients.iter().map(|c| c.first).collect(),
        future: clients.iter().map(|c| c.future).collect(),
        future_money: clients.iter().map(|c| c.future_money).collect(),
    })
}

/// Refuse what would take more memory, or more purchases, than there can be.
fn check_sizes(simulation: &ClientSimulation) -> Result<()> {
    room_for::<[u8; BYTES_A_CLIENT]>(simulation.clients, "clients")?;
    let process = &simulation.process;
    let p = &process.parameters;
    let units = f64::from(simulation.longest + simulation.horizon) / process.unit;
    let purchases = p.r / p.alpha * units;
    if purchases > MOST_PURCHASES {
        return Err(Error::Option(format!(
            "clients who buy {purchases:.3e} times cannot be simulated: raise alpha or lower r"
        )));
    }
    Ok(())
}

#[derive(Clone)]
struct SimulatedClient {
    repeats: u32,
    last: i32,
    log_gaps: f64,
    observed: i32,
    mean: f64,
    first: f64,
    future: u32,
    future_money: f64,
}

fn client(simulation: &ClientSimulation, rng: &mut ChaCha8Rng) -> Result<SimulatedClient> {
    let process = &simulation.process;
    let p = &process.parameters;
    let uniform = |rng: &mut ChaCha8Rng| -> f64 { StandardUniform.sample(rng) };
    let days = f64::from(simulation.longest - simulation.shortest + 1) * uniform(rng);
    let observed = simulation.shortest + days as u32;
    let now = f64::from(observed) / process.unit;
    let end = f64::from(observed + simulation.horizon) / process.unit;
    let rate = gamma(p.r, rng)? / p.alpha;
    let leave = Beta::new(p.a, p.b).map_err(undrawable)?.sample(rng);
    let (mut repeats, mut future, mut last) = (0_u32, 0_u32, 0.0);
    let (mut last_day, mut log_gaps) = (0.0, 0.0);
    let mut time = 0.0;
    let mut stays = process.model == PurchaseModel::BgNbd || uniform(rng) >= leave;
    while stays {
        let step = |_| -> f64 { Exp1.sample(rng) };
        let wait: f64 = (0..process.model.regularity()).map(step).sum();
        time += wait / rate;
        // A rate may be so small that it is 0: the next purchase is then beyond any end, or at no
        // time at all.
        if time.is_nan() || time > end || repeats.max(future) >= MAX_DAYS {
            break;
        }
        if time <= now {
            repeats += 1;
            let day = (time * process.unit).round();
            log_gaps += libm::log((day - last_day).max(1.0));
            (last, last_day) = (time, day);
        } else {
            future += 1;
        }
        stays = uniform(rng) >= leave;
    }
    let rounded = ((last * process.unit).round() as i32).max(i32::from(repeats > 0));
    let scale = gamma(simulation.spend.q, rng)? / simulation.spend.v;
    let money = |count: u32, rng: &mut ChaCha8Rng| {
        if count == 0 {
            Ok(0.0)
        } else {
            Ok(gamma(simulation.spend.p * f64::from(count), rng)? / scale)
        }
    };
    let last = rounded.min(observed as i32);
    // Purchases of one day count as a day apart, which equal gaps of so many days are the most of.
    let x = f64::from(repeats.max(1));
    let most = x * libm::log(f64::from(last.max(1)) / x).max(0.0);
    Ok(SimulatedClient {
        repeats,
        last,
        log_gaps: log_gaps.min(most),
        observed: observed as i32,
        first: money(1, rng)?,
        mean: money(repeats, rng)? / f64::from(repeats),
        future,
        future_money: money(future, rng)?,
    })
}

fn gamma(shape: f64, rng: &mut ChaCha8Rng) -> Result<f64> {
    Ok(Gamma::new(shape, 1.0).map_err(undrawable)?.sample(rng))
}

fn undrawable(error: impl std::fmt::Display) -> Error {
    Error::Option(format!("clients cannot be simulated with these parameters: {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::purchases::PurchaseParameters;
    use super::*;

    fn simulation(model: PurchaseModel) -> ClientSimulation {
        ClientSimulation {
            clients: 20_000,
            process: PurchaseProcess {
                model,
                parameters: PurchaseParameters::new([0.6, 9.0, 0.8, 3.0]).unwrap(),
                unit: 7.0,
            },
            spend: SpendParameters::new([6.0, 4.0, 15.0]).unwrap(),
            shortest: 100,
            longest: 700,
            horizon: 182,
            seed: 11,
        }
    }

    #[test]
    fn clients_are_possible_and_a_seed_has_one_outcome() {
        for model in [PurchaseModel::BgNbd, PurchaseModel::MbgNbd] {
            let made = simulate_clients(&simulation(model)).unwrap();
            for client in 0..made.repeats.len() {
                let (x, last, t) = (made.repeats[client], made.last[client], made.observed[client]);
                assert!((100..=700).contains(&t) && last <= t && (x == 0) == (last == 0));
                assert_eq!(made.means[client].is_nan(), x == 0);
                assert_eq!(made.future_money[client] > 0.0, made.future[client] > 0);
                assert!(made.first[client] > 0.0);
            }
            let again = simulate_clients(&simulation(model)).unwrap();
            assert_eq!(made.repeats, again.repeats);
            assert_eq!(made.future_money, again.future_money);
            assert_ne!(
                simulate_clients(&ClientSimulation { seed: 12, ..simulation(model) })
                    .unwrap()
                    .repeats,
                made.repeats
            );
        }
    }

    /// What is expected of new clients is what they do, and what is expected of all comes true.
    #[test]
    fn purchases_to_come_are_as_many_as_expected() {
        for model in [PurchaseModel::BgNbd, PurchaseModel::MbgNbd, PurchaseModel::MbgCnbd(3)] {
            let simulation = simulation(model);
            let made = simulate_clients(&simulation).unwrap();
            let (mut expected, mut variance) = (0.0, 0.0);
            for client in 0..simulation.clients {
                let (x, t) = (made.repeats[client], made.observed[client] as u32);
                let last = made.last[client] as u32;
                let (alive, shares) = simulation.process.p_alive_and_steps(x, last, t);
                let mut by_steps = vec![0.0; model.regularity() as usize];
                simulation.process.expectation(x).purchases_by_steps(t, 26.0, &mut by_steps);
                let mean: f64 =
                    by_steps.iter().zip(&shares).map(|(found, share)| alive * found * share).sum();
                expected += mean;
                variance += (f64::from(made.future[client]) - mean).powi(2);
            }
            let actual: f64 = made.future.iter().map(|&n| f64::from(n)).sum();
            let off = (actual - expected) / variance.sqrt();
            assert!(off.abs() < 4.0, "{model:?}: {actual} purchases, {expected} expected");
        }
    }

    #[test]
    fn what_cannot_be_simulated_is_refused() {
        let simulation = simulation(PurchaseModel::BgNbd);
        assert!(
            simulate_clients(&ClientSimulation { shortest: 9, longest: 8, ..simulation }).is_err()
        );
        assert!(simulate_clients(&ClientSimulation { longest: u32::MAX, ..simulation }).is_err());
    }
}
