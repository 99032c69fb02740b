//! The dual: what all households take at given prices, and the bound that follows.

use crate::plan::limits::{CountedLimits, Priced};
use crate::plan::offers::Offers;
use crate::threads::map_each;

/// Households that one task reads; sums within it have this order, whatever the threads.
pub(super) const HOUSEHOLDS_A_TASK: usize = 4096;
/// What rounding may take from a sum of floats of one sign that is made in blocks: 3 roundings an
/// offer, and as many additions as a block and all blocks have, each within 2^-53.
const ROUNDING: f64 = 1e-11;

/// The price of money and that of a contact in each channel, in units.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prices {
    pub money: f64,
    pub channel: Vec<f64>,
}

impl Prices {
    pub fn zero(channels: usize) -> Self {
        Self { money: 0.0, channel: vec![0.0; channels] }
    }

    /// The prices that multipliers of the priced constraints make.
    pub fn new(multipliers: &[f64], constraints: &[Priced], channels: usize) -> Self {
        let mut prices = Self::zero(channels);
        for (multiplier, constraint) in multipliers.iter().zip(constraints) {
            match *constraint {
                Priced::Budget(_) => prices.money += multiplier,
                Priced::Capacity(channel, _) => prices.channel[channel] += multiplier,
                Priced::Minimum(channel, _) => prices.channel[channel] -= multiplier,
            }
        }
        prices
    }

    /// What an offer is worth beyond what it uses.
    #[inline]
    pub fn reduced(&self, offers: &Offers, offer: usize) -> f64 {
        offers.value[offer] as f64
            - self.money * offers.cost[offer] as f64
            - self.channel[usize::from(offers.channel[offer])]
    }
}

/// What households take at some prices.
#[derive(Debug, Clone, Default)]
pub(super) struct Demand {
    /// The sum of reduced values.
    pub reduced: f64,
    /// The sum of values, in units.
    pub value: i128,
    /// In units.
    pub cost: i128,
    /// Contacts of each channel.
    pub contacts: Vec<u64>,
}

impl Demand {
    fn add(&mut self, other: &Self) {
        self.reduced += other.reduced;
        self.value += other.value;
        self.cost += other.cost;
        self.contacts.resize(self.contacts.len().max(other.contacts.len()), 0);
        self.contacts.iter_mut().zip(&other.contacts).for_each(|(sum, more)| *sum += more);
    }
}

/// The best offers of one household, best first.
#[derive(Default)]
struct Best(Vec<(f64, usize)>);

impl Best {
    /// Take an offer if it is above 0 and among the best `most`; the earlier one of equal offers.
    #[inline]
    fn take(&mut self, reduced: f64, offer: usize, most: usize) {
        if reduced <= 0.0 {
            return;
        }
        if self.0.len() == most {
            if self.0.last().is_none_or(|last| reduced <= last.0) {
                return;
            }
            self.0.pop();
        }
        let place = self.0.iter().rposition(|other| other.0 >= reduced).map_or(0, |last| last + 1);
        self.0.insert(place, (reduced, offer));
    }
}

/// Call `with` for each of the best offers of a household, and their reduced value.
#[inline]
fn each_best(offers: &Offers, prices: &Prices, most: usize, household: usize, best: &mut Best) {
    best.0.clear();
    let mut of_slot = (f64::NEG_INFINITY, 0);
    for offer in offers.of_household(household) {
        let reduced = prices.reduced(offers, offer);
        if !offers.continues[offer] {
            best.take(of_slot.0, of_slot.1, most);
            of_slot = (reduced, offer);
        } else if reduced > of_slot.0 {
            of_slot = (reduced, offer);
        }
    }
    best.take(of_slot.0, of_slot.1, most);
}

/// What all households take at some prices. O(offers), parallel.
pub(super) fn demand(offers: &Offers, prices: &Prices, most: usize) -> Demand {
    let parts = map_each((0..offers.households()).step_by(HOUSEHOLDS_A_TASK), |_, first| {
        let mut part = Demand { contacts: vec![0; prices.channel.len()], ..Demand::default() };
        let mut best = Best::default();
        for household in first..offers.households().min(first + HOUSEHOLDS_A_TASK) {
            each_best(offers, prices, most, household, &mut best);
            for (reduced, offer) in &best.0 {
                part.reduced += reduced;
                part.value += i128::from(offers.value[*offer]);
                part.cost += i128::from(offers.cost[*offer]);
                part.contacts[usize::from(offers.channel[*offer])] += 1;
            }
        }
        part
    });
    let mut sum = Demand { contacts: vec![0; prices.channel.len()], ..Demand::default() };
    parts.iter().for_each(|part| sum.add(part));
    sum
}

/// The offers that households take at some prices, ascending. O(offers), parallel.
pub(super) fn taken(offers: &Offers, prices: &Prices, most: usize) -> impl Iterator<Item = usize> {
    let parts = map_each((0..offers.households()).step_by(HOUSEHOLDS_A_TASK), |_, first| {
        let mut found = Vec::new();
        let mut best = Best::default();
        for household in first..offers.households().min(first + HOUSEHOLDS_A_TASK) {
            each_best(offers, prices, most, household, &mut best);
            found.extend(best.0.iter().map(|(_, offer)| *offer));
        }
        found.sort_unstable();
        found
    });
    parts.into_iter().flatten()
}

/// A bound of every plan, and how it changes with the multipliers.
pub(super) struct DualValue {
    /// The Lagrangian, in units.
    pub value: f64,
    /// What rounding may have taken from it.
    pub rounding: f64,
    /// A subgradient.
    pub slope: Vec<f64>,
    pub demand: Demand,
}

/// The Lagrangian at some multipliers.
pub(super) fn dual_value(
    offers: &Offers,
    limits: &CountedLimits,
    constraints: &[Priced],
    multipliers: &[f64],
) -> DualValue {
    let prices = Prices::new(multipliers, constraints, limits.minimum.len());
    let demand = demand(offers, &prices, limits.max_contacts);
    let (mut value, mut magnitude) = (demand.reduced, demand.reduced);
    magnitude += demand.value.unsigned_abs() as f64 + prices.money * demand.cost as f64;
    for (price, contacts) in prices.channel.iter().zip(&demand.contacts) {
        magnitude += price.abs() * *contacts as f64;
    }
    let mut slope = Vec::with_capacity(constraints.len());
    for (multiplier, constraint) in multipliers.iter().zip(constraints) {
        let (sign, limit, used) = match *constraint {
            Priced::Budget(budget) => (1.0, budget as f64, demand.cost as f64),
            Priced::Capacity(channel, most) => (1.0, most as f64, demand.contacts[channel] as f64),
            Priced::Minimum(channel, least) => {
                (-1.0, least as f64, demand.contacts[channel] as f64)
            }
        };
        value += sign * multiplier * limit;
        magnitude += multiplier * limit;
        slope.push(sign * (limit - used));
    }
    DualValue { value, rounding: ROUNDING * magnitude, slope, demand }
}
