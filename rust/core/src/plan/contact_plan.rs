//! The plan and its certificate.

use crate::error::Result;
use crate::plan::bundle::{Search, minimise};
use crate::plan::cheapest::cheapest;
use crate::plan::dual::{Prices, dual_value};
use crate::plan::exchanges::improve;
use crate::plan::limits::{CountedLimits, Limits, Priced};
use crate::plan::offers::{Offers, UNITS_A_ONE, to_money};
use crate::plan::repair::{fill, repaired};
use crate::plan::selection::Selection;
use crate::threads::map_rows;

/// Households from which on prices are first looked for on a sample, and how many it has.
const SAMPLED_FROM: usize = 60_000;
const SAMPLE: usize = 15_000;
/// Up to so many offers, plans are made at several prices of money, as shares of the price found, and
/// the best is kept: there a single contact counts.
const FEW_OFFERS: usize = 30_000;
const TRIED_PRICES_OF_MONEY: [f64; 8] = [0.99, 1.01, 0.98, 1.02, 0.95, 1.05, 0.9, 1.1];
/// A plan that falls short of its bound by a smaller share is not looked beyond.
const GOOD_ENOUGH: f64 = 1e-7;

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// It is in the plan.
    Chosen,
    /// Its cost, and that in patience, exceed its gain.
    NotWorthIt,
    /// Its channel, its client or its household takes no more contacts.
    Capacity,
    /// There is no money left for it.
    Budget,
}

/// A plan, and how good it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactPlan {
    /// What became of each offer.
    pub reasons: Vec<Reason>,
    /// The sum of gain − cost − pressure.
    pub value: f64,
    /// What no plan exceeds.
    pub bound: f64,
    /// What all contacts cost.
    pub cost: f64,
    /// The number of contacts of each channel.
    pub contacts: Vec<u64>,
    /// What one more of money earns.
    pub price_of_money: f64,
    /// What one more contact of each channel earns; below 0 where a minimum forces contacts.
    pub prices_of_contacts: Vec<f64>,
}

impl ContactPlan {
    /// The share of the bound by which a better plan could exceed this one, at most.
    pub fn gap(&self) -> f64 {
        if self.bound > self.value { (self.bound - self.value) / self.bound.abs() } else { 0.0 }
    }
}

/// Plan contacts. Every evaluation of the dual is O(offers), parallel; there are some dozens.
///
/// # Errors
/// If a constraint has no meaning, or the minimums cannot be met.
///
/// # Examples
///
/// ```
/// use grc_core::plan::{Limits, OfferColumns, Offers, Reason, plan_contacts};
/// let columns = OfferColumns {
///     order: &[0, 1, 2],
///     client: &[0, 0, 1],
///     household: None,
///     channel: &[0, 1, 0],
///     gain: &[3.0, 9.0, 2.0],
///     cost: &[1.0, 4.0, 1.0],
///     pressure: None,
/// };
/// let offers = Offers::new(&columns, &["email".to_owned(), "phone".to_owned()])?;
/// let limits = Limits {
///     budget: Some(5.0), capacity: vec![None; 2], minimum: vec![0; 2], max_contacts: Some(1),
/// };
/// let plan = plan_contacts(&offers, &limits)?;
/// assert_eq!(plan.reasons, [Reason::Capacity, Reason::Chosen, Reason::Chosen]);
/// assert_eq!((plan.value, plan.cost), (6.0, 5.0));
/// # Ok::<(), grc_core::Error>(())
/// ```
pub fn plan_contacts(offers: &Offers, limits: &Limits) -> Result<ContactPlan> {
    let limits = limits.counted(&offers.channels)?;
    Ok(planned(offers, &limits, None)?.0)
}

/// Plan contacts at several budgets, each search beginning where the last one ended; as the budget
/// rises, the value never falls. Plans come in the order of the budgets.
///
/// # Errors
/// As [`plan_contacts`].
pub fn sweep_budgets(
    offers: &Offers,
    limits: &Limits,
    budgets: &[f64],
) -> Result<Vec<ContactPlan>> {
    let mut order: Vec<usize> = (0..budgets.len()).collect();
    order.sort_by(|a, b| budgets[*a].total_cmp(&budgets[*b]));
    let mut plans: Vec<Option<ContactPlan>> = vec![None; budgets.len()];
    let mut prices: Option<Prices> = None;
    let mut last: Option<usize> = None;
    for number in order {
        let limits = Limits { budget: Some(budgets[number]), ..limits.clone() };
        let (mut plan, found) =
            planned(offers, &limits.counted(&offers.channels)?, prices.as_ref())?;
        if let Some(smaller) = last.and_then(|last: usize| plans[last].as_ref())
            && smaller.value > plan.value
        {
            // What a smaller budget pays for, a larger one does too.
            let ContactPlan { reasons, value, cost, contacts, .. } = smaller.clone();
            plan = ContactPlan {
                reasons,
                value,
                cost,
                contacts,
                bound: plan.bound.max(value),
                ..plan
            };
        }
        plans[number] = Some(plan);
        (prices, last) = (Some(found), Some(number));
    }
    Ok(plans.into_iter().flatten().collect())
}

/// The plan, and the prices at which it was made.
fn planned(
    offers: &Offers,
    limits: &CountedLimits,
    start: Option<&Prices>,
) -> Result<(ContactPlan, Prices)> {
    let (possible, numbers) = offers.kept(|offer| is_possible(offers, limits, offer));
    let meets_minimums = cheapest(&possible, limits)?;
    let dual = Dual::minimum(&possible, limits, start);
    let mut best: Option<Selection<'_>> = None;
    for prices in dual.prices_to_try() {
        let mut selection = repaired(&possible, limits, prices, &meets_minimums)?;
        improve(&mut selection, prices, dual.bound);
        fill(&mut selection, prices);
        if best.as_ref().is_none_or(|best| selection.value > best.value) {
            best = Some(selection);
        }
        let value = best.as_ref().map_or(0, |best| best.value) as f64;
        if dual.bound - value <= GOOD_ENOUGH * dual.bound.abs() {
            break;
        }
    }
    let best = best.expect("at least one price is tried");
    let prices = with_prices_of_nothing(offers, limits, dual.prices.clone());
    let plan = ContactPlan {
        reasons: reasons(offers, limits, &best, &numbers),
        value: to_money(best.value),
        bound: (dual.bound / UNITS_A_ONE).max(to_money(best.value)),
        cost: to_money(best.cost),
        contacts: best.contacts,
        price_of_money: prices.money,
        prices_of_contacts: prices.channel.iter().map(|price| price / UNITS_A_ONE).collect(),
    };
    Ok((plan, dual.prices))
}

/// Whether some plan could have an offer.
fn is_possible(offers: &Offers, limits: &CountedLimits, offer: usize) -> bool {
    let channel = usize::from(offers.channel[offer]);
    (offers.value[offer] > 0 || limits.minimum[channel] > 0)
        && limits.capacity[channel] != Some(0)
        && limits.budget.is_none_or(|budget| i128::from(offers.cost[offer]) <= budget)
}

/// Prices that also say what the first of something would earn of which there is nothing.
fn with_prices_of_nothing(offers: &Offers, limits: &CountedLimits, mut prices: Prices) -> Prices {
    let has_capacity =
        |offer: &usize| limits.capacity[usize::from(offers.channel[*offer])] != Some(0);
    if limits.budget == Some(0) {
        let costly = (0..offers.len()).filter(|offer| offers.cost[*offer] > 0).filter(has_capacity);
        let returns = costly.map(|offer| offers.value[offer] as f64 / offers.cost[offer] as f64);
        prices.money = returns.fold(0.0, f64::max);
    }
    for channel in 0..limits.capacity.len() {
        if limits.capacity[channel] == Some(0) {
            let of_channel =
                (0..offers.len()).filter(|offer| usize::from(offers.channel[*offer]) == channel);
            let values = of_channel
                .map(|offer| offers.value[offer] as f64 - prices.money * offers.cost[offer] as f64);
            prices.channel[channel] = values.fold(0.0, f64::max);
        }
    }
    prices
}

/// What became of each offer.
fn reasons(
    offers: &Offers,
    limits: &CountedLimits,
    plan: &Selection<'_>,
    numbers: &[u32],
) -> Vec<Reason> {
    let mut chosen = vec![false; offers.len()];
    let mut contacts = vec![0; offers.households()];
    for (number, is_chosen) in numbers.iter().zip(&plan.chosen) {
        if *is_chosen {
            chosen[*number as usize] = true;
            contacts[offers.household[*number as usize] as usize] += 1;
        }
    }
    let chosen = &chosen;
    map_rows(offers.len(), |offer| {
        let channel = usize::from(offers.channel[offer]);
        let is_full = limits.capacity[channel].is_some_and(|most| plan.contacts[channel] >= most);
        let reason = if chosen[offer] {
            Reason::Chosen
        } else if offers.value[offer] <= 0 {
            Reason::NotWorthIt
        } else if is_full
            || contacts[offers.household[offer] as usize] >= limits.max_contacts
            || chosen[offers.alternatives(offer)].contains(&true)
        {
            Reason::Capacity
        } else {
            Reason::Budget
        };
        Code(reason as u8)
    })
    .into_iter()
    .map(Code::reason)
    .collect()
}

/// A reason by its number.
#[derive(Clone, Copy, Default)]
struct Code(u8);

impl Code {
    fn reason(self) -> Reason {
        [Reason::Chosen, Reason::NotWorthIt, Reason::Capacity, Reason::Budget][usize::from(self.0)]
    }
}

/// The least value of the dual, and where it is.
struct Dual {
    prices: Prices,
    /// In units.
    bound: f64,
    /// Prices beside these, at which other contacts are the last to be taken.
    near: Vec<Prices>,
}

impl Dual {
    fn minimum(offers: &Offers, limits: &CountedLimits, start: Option<&Prices>) -> Self {
        let channels = limits.minimum.len();
        let constraints = limits.priced();
        let free = dual_value(offers, limits, &constraints, &vec![0.0; constraints.len()]);
        if free.slope.iter().all(|slope| *slope >= 0.0) {
            // Nothing is scarce: what households take by themselves is the best plan.
            let prices = Prices::zero(channels);
            return Self { prices, bound: free.demand.value as f64, near: Vec::new() };
        }
        let sampled = start.is_none() && offers.households() >= SAMPLED_FROM;
        let first = match start {
            Some(prices) => multipliers(prices, &constraints),
            None if sampled => sampled_multipliers(offers, limits, &constraints),
            None => vec![0.0; constraints.len()],
        };
        let is_near = start.is_some() || sampled;
        let mut seen: Vec<(f64, Vec<f64>)> =
            vec![(free.value + free.rounding, vec![0.0; constraints.len()])];
        let mut search = Searches { offers, limits, constraints: &constraints, seen: &mut seen };
        let rough = if is_near { first } else { search.from(&first, 1.0, 1e-3, 60) };
        let tolerance = if sampled { 1e-6 } else { 1e-8 };
        search.from(&rough, 0.1, tolerance, 250);
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (bound, multipliers) = &seen[0];
        let prices = Prices::new(multipliers, &constraints, channels);
        let near = if offers.len() <= FEW_OFFERS && prices.money > 0.0 {
            let dearer = |factor: &f64| Prices { money: prices.money * factor, ..prices.clone() };
            TRIED_PRICES_OF_MONEY.iter().map(dearer).collect()
        } else {
            Vec::new()
        };
        Self { bound: *bound, near, prices }
    }

    fn prices_to_try(&self) -> impl Iterator<Item = &Prices> {
        std::iter::once(&self.prices).chain(&self.near)
    }
}

/// Multipliers that make some prices.
fn multipliers(prices: &Prices, constraints: &[Priced]) -> Vec<f64> {
    constraints
        .iter()
        .map(|constraint| match *constraint {
            Priced::Budget(_) => prices.money,
            Priced::Capacity(channel, _) => prices.channel[channel].max(0.0),
            Priced::Minimum(channel, _) => (-prices.channel[channel]).max(0.0),
        })
        .collect()
}

/// The multipliers of a sample of the households under their share of the constraints.
fn sampled_multipliers(
    offers: &Offers,
    limits: &CountedLimits,
    constraints: &[Priced],
) -> Vec<f64> {
    let sample = offers.sample((offers.households() / SAMPLE) as u64);
    let limits = limits.scaled(sample.households() as f64 / offers.households() as f64);
    // Shares that round to nothing have no price, so that all constraints keep their places.
    let constraints: Vec<Priced> = constraints
        .iter()
        .map(|constraint| match *constraint {
            Priced::Budget(_) => Priced::Budget(limits.budget.unwrap_or_default()),
            Priced::Capacity(channel, _) => {
                Priced::Capacity(channel, limits.capacity[channel].unwrap_or_default())
            }
            Priced::Minimum(channel, _) => Priced::Minimum(channel, limits.minimum[channel]),
        })
        .collect();
    let mut search = Searches {
        offers: &sample,
        limits: &limits,
        constraints: &constraints,
        seen: &mut Vec::new(),
    };
    let rough = search.from(&vec![0.0; constraints.len()], 1.0, 1e-3, 60);
    search.from(&rough, 0.1, 1e-6, 100)
}

/// Searches for the minimum of one dual, which remember every point.
struct Searches<'a> {
    offers: &'a Offers,
    limits: &'a CountedLimits,
    constraints: &'a [Priced],
    seen: &'a mut Vec<(f64, Vec<f64>)>,
}

impl Searches<'_> {
    /// What contacts are worth that minimums force where none is worth it: as much as the largest.
    fn size(&self) -> f64 {
        if self.limits.minimum.iter().all(|least| *least == 0) {
            return 0.0;
        }
        self.offers.value.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0) as f64
    }

    fn from(&mut self, start: &[f64], radius: f64, tolerance: f64, max_steps: usize) -> Vec<f64> {
        let scale = self.constraints.iter().map(|constraint| match *constraint {
            Priced::Budget(budget) => (budget as f64).max(1.0),
            Priced::Capacity(_, contacts) | Priced::Minimum(_, contacts) => {
                (contacts as f64).max(1.0)
            }
        });
        let size = self.size();
        let search = Search { size, scale: scale.collect(), radius, tolerance, max_steps };
        let mut function = |at: &[f64]| {
            let found = dual_value(self.offers, self.limits, self.constraints, at);
            self.seen.push((found.value + found.rounding, at.to_vec()));
            (found.value, found.slope)
        };
        minimise(&mut function, start, &search)
    }
}
