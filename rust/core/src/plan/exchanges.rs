//! Better plans by exchanges of contacts of one, two or three households at a time.
//!
//! A plan falls short of the bound by what its contacts lose in reduced value and by what it leaves
//! unused, at its price. So only exchanges that lose less than that can lead to a better plan: they
//! are few, and tried all.

use std::cmp::Ordering;

use crate::plan::dual::Prices;
use crate::plan::selection::Selection;
use crate::stop::stop_if_asked;

/// Exchanges that are tried in pairs, and in threes.
const IN_PAIRS: usize = 400;
const IN_THREES: usize = 60;
/// Reads of offers that a search may take, and how many rounds of them are worth beginning with: with
/// millions of offers a plan is near its bound anyway.
const MOST_READS: usize = 30_000_000;
const MOST_ROUNDS: usize = 200;
const FEWEST_ROUNDS: usize = 10;
/// Exchanges that are held at a time, of which the best are looked for.
const HELD: usize = 1 << 16;

/// One contact that comes, one that goes, or both, in one household.
#[derive(Debug, Clone, Copy)]
struct Exchange {
    /// In reduced value.
    gain: f64,
    add: Option<usize>,
    drop: Option<usize>,
    value: i64,
    cost: i64,
}

/// Exchange contacts as long as that makes the plan better.
pub(super) fn improve(selection: &mut Selection<'_>, prices: &Prices, bound: f64) {
    let rounds = (MOST_READS / selection.offers.len().max(1)).min(MOST_ROUNDS);
    if rounds < FEWEST_ROUNDS {
        return;
    }
    for _ in 0..rounds {
        stop_if_asked();
        let shortfall = bound - selection.value as f64;
        if shortfall <= 0.0 {
            return;
        }
        let exchanges = candidates(selection, prices, shortfall);
        let Some(better) = best_of(selection, &exchanges, shortfall) else { return };
        for exchange in better {
            if let Some(drop) = exchange.drop {
                selection.drop(drop);
            }
            if let Some(add) = exchange.add {
                selection.add(add);
            }
        }
    }
}

/// The exchanges that lose less than a plan falls short by, the best first.
fn candidates(selection: &Selection<'_>, prices: &Prices, shortfall: f64) -> Vec<Exchange> {
    let offers = selection.offers;
    let order = |a: &Exchange, b: &Exchange| -> Ordering {
        b.gain.total_cmp(&a.gain).then((a.add, a.drop).cmp(&(b.add, b.drop)))
    };
    let keep_best = |found: &mut Vec<Exchange>| {
        if found.len() > IN_PAIRS {
            found.select_nth_unstable_by(IN_PAIRS, order);
            found.truncate(IN_PAIRS);
        }
    };
    let mut found = Vec::new();
    let mut take = |add: Option<usize>, drop: Option<usize>| {
        let part = |offer: Option<usize>, of: &dyn Fn(usize) -> f64| offer.map_or(0.0, of);
        let reduced = |offer: usize| prices.reduced(offers, offer);
        let gain = part(add, &reduced) - part(drop, &reduced);
        if gain > -shortfall {
            let count = |amounts: &[i64]| {
                add.map_or(0, |add| amounts[add]) - drop.map_or(0, |drop| amounts[drop])
            };
            let (value, cost) = (count(&offers.value), count(&offers.cost));
            found.push(Exchange { gain, add, drop, value, cost });
            if found.len() == HELD {
                keep_best(&mut found);
            }
        }
    };
    for household in 0..offers.households() {
        let of_household = offers.of_household(household);
        let chosen: Vec<usize> =
            of_household.clone().filter(|offer| selection.chosen[*offer]).collect();
        for drop in &chosen {
            take(None, Some(*drop));
        }
        for add in of_household.filter(|offer| !selection.chosen[*offer]) {
            let is_free = selection.is_slot_free(add);
            if is_free && selection.household_has_room(add) {
                take(Some(add), None);
            }
            let slot = offers.alternatives(add);
            for drop in chosen.iter().filter(|drop| is_free || slot.contains(drop)) {
                take(Some(add), Some(*drop));
            }
        }
    }
    keep_best(&mut found);
    found.sort_unstable_by(order);
    found
}

/// Several exchanges at once.
#[derive(Clone)]
struct Together<'a> {
    selection: &'a Selection<'a>,
    value: i128,
    cost: i128,
    /// What channels gain and lose, few of them.
    contacts: Vec<(usize, i64)>,
    households: Vec<usize>,
}

impl Together<'_> {
    fn with(&self, exchange: &Exchange) -> Option<Self> {
        let household = self.selection.household(exchange.add.or(exchange.drop)?);
        if self.households.contains(&household) {
            return None;
        }
        let mut sum = self.clone();
        sum.households.push(household);
        sum.value += i128::from(exchange.value);
        sum.cost += i128::from(exchange.cost);
        for (offer, change) in [(exchange.add, 1), (exchange.drop, -1)] {
            let Some(offer) = offer else { continue };
            let channel = self.selection.channel(offer);
            match sum.contacts.iter_mut().find(|(other, _)| *other == channel) {
                Some((_, contacts)) => *contacts += change,
                None => sum.contacts.push((channel, change)),
            }
        }
        Some(sum)
    }

    fn is_possible(&self) -> bool {
        let limits = self.selection.limits;
        self.selection.can_pay(self.cost)
            && self.contacts.iter().all(|(channel, change)| {
                let after = self.selection.contacts[*channel] as i64 + change;
                after >= limits.minimum[*channel] as i64
                    && limits.capacity[*channel].is_none_or(|most| after <= most as i64)
            })
    }
}

/// The exchanges that add most to the value, of those considered so far.
#[derive(Default)]
struct Better {
    value: i128,
    exchanges: Option<Vec<Exchange>>,
}

impl Better {
    fn consider(&mut self, sum: &Together<'_>, exchanges: &[&Exchange]) {
        if sum.value > self.value && sum.is_possible() {
            self.value = sum.value;
            self.exchanges = Some(exchanges.iter().map(|exchange| **exchange).collect());
        }
    }
}

/// The exchanges, up to three, that add most to the value; three only where two add nothing.
fn best_of(
    selection: &Selection<'_>,
    exchanges: &[Exchange],
    shortfall: f64,
) -> Option<Vec<Exchange>> {
    let nothing =
        Together { selection, value: 0, cost: 0, contacts: Vec::new(), households: Vec::new() };
    let mut better = Better::default();
    for (i, first) in exchanges.iter().enumerate() {
        let Some(one) = nothing.with(first) else { continue };
        better.consider(&one, &[first]);
        for second in &exchanges[i + 1..] {
            if first.gain + second.gain <= -shortfall {
                break;
            }
            // Most pairs are worth nothing: seen before anything is added up.
            if i128::from(first.value) + i128::from(second.value) > better.value
                && let Some(two) = one.with(second)
            {
                better.consider(&two, &[first, second]);
            }
        }
    }
    if better.exchanges.is_none() {
        consider_threes(&nothing, &exchanges[..exchanges.len().min(IN_THREES)], &mut better);
    }
    better.exchanges
}

fn consider_threes(nothing: &Together<'_>, exchanges: &[Exchange], better: &mut Better) {
    for (i, first) in exchanges.iter().enumerate() {
        let Some(one) = nothing.with(first) else { continue };
        for (j, second) in exchanges.iter().enumerate().skip(i + 1) {
            let Some(two) = one.with(second) else { continue };
            for third in &exchanges[j + 1..] {
                if two.value + i128::from(third.value) > better.value
                    && let Some(three) = two.with(third)
                {
                    better.consider(&three, &[first, second, third]);
                }
            }
        }
    }
}
