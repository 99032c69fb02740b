//! From what households take at given prices to a plan that breaks no constraint.

use crate::error::Result;
use crate::plan::cheapest::{meet_minimums, take_direct_exchanges};
use crate::plan::dual::{Prices, taken};
use crate::plan::limits::CountedLimits;
use crate::plan::offers::Offers;
use crate::plan::selection::Selection;
use crate::threads::{map_each, sort_unstable_by};

/// How much dearer money is made, step by step, where minimums leave a plan over its budget.
const DEARER: [f64; 8] = [1.0, 1.01, 1.05, 1.2, 1.5, 2.0, 5.0, 50.0];
/// Candidates that are sorted at first; most plans are full before they have been tried.
const FIRST_CANDIDATES: usize = 1 << 16;

/// The plan of some prices: repaired, then filled up. `meets_minimums` is a plan to fall back on.
pub(super) fn repaired<'a>(
    offers: &'a Offers,
    limits: &'a CountedLimits,
    prices: &Prices,
    meets_minimums: &Selection<'a>,
) -> Result<Selection<'a>> {
    let mut prices = prices.clone();
    let money = prices.money;
    for dearer in DEARER {
        prices.money = money * dearer;
        let mut selection = Selection::new(offers, limits);
        for offer in taken(offers, &prices, limits.max_contacts) {
            selection.add(offer);
        }
        keep_to_capacities(&mut selection, &prices);
        meet_minimums(&mut selection, &|offer| prices.reduced(offers, offer))?;
        use_capacities(&mut selection, &prices);
        keep_to_budget(&mut selection, &prices);
        if selection.is_feasible() {
            fill(&mut selection, &prices);
            return Ok(selection);
        }
    }
    let mut selection = meets_minimums.clone();
    fill(&mut selection, &prices);
    Ok(selection)
}

/// Offers with what they are worth, the least first; the later one of equals.
fn sorted(mut candidates: Vec<(f64, usize)>) -> Vec<(f64, usize)> {
    sort_unstable_by(&mut candidates, |a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    candidates
}

/// Drop the contacts of least reduced value of every channel that has too many.
fn keep_to_capacities(selection: &mut Selection<'_>, prices: &Prices) {
    let over: Vec<u64> = (0..selection.contacts.len())
        .map(|channel| {
            let most = selection.limits.capacity[channel].unwrap_or(u64::MAX);
            selection.contacts[channel].saturating_sub(most)
        })
        .collect();
    for channel in (0..over.len()).filter(|channel| over[*channel] > 0) {
        let candidates = (0..selection.offers.len())
            .filter(|offer| selection.chosen[*offer] && selection.channel(*offer) == channel)
            .map(|offer| (prices.reduced(selection.offers, offer), offer));
        for (_, offer) in sorted(candidates.collect()).into_iter().take(over[channel] as usize) {
            selection.drop(offer);
        }
    }
}

/// Take further contacts of channels that have a price and room left, as long as they lose less than
/// the room is worth.
fn use_capacities(selection: &mut Selection<'_>, prices: &Prices) {
    let offers = selection.offers;
    for (channel, price) in prices.channel.iter().enumerate().filter(|(_, price)| **price > 0.0) {
        if let Some(most) = selection.limits.capacity[channel] {
            let weight = |offer| prices.reduced(offers, offer);
            take_direct_exchanges(selection, channel, most, *price, &weight);
        }
    }
}

/// Drop contacts while the budget is exceeded: those that are worth least of the money they cost, but
/// none that costs more than is too much, until only such are left; then the one that is worth least.
fn keep_to_budget(selection: &mut Selection<'_>, prices: &Prices) {
    let Some(budget) = selection.limits.budget.filter(|_| !selection.can_pay(0)) else { return };
    let offers = selection.offers;
    // No channel has too many contacts here, so that room in one is worth nothing.
    let loss = |offer: usize| {
        let price = prices.channel[usize::from(offers.channel[offer])];
        prices.reduced(offers, offer) + price.max(0.0)
    };
    let costly = (0..offers.len())
        .filter(|offer| selection.chosen[*offer] && offers.cost[*offer] > 0)
        .map(|offer| (loss(offer) / offers.cost[offer] as f64, offer));
    let mut candidates = sorted(costly.collect());
    while selection.cost > budget {
        let before = selection.cost;
        candidates.retain(|(_, offer)| {
            let is_dropped = i128::from(offers.cost[*offer]) <= selection.cost - budget
                && selection.can_lose(selection.channel(*offer));
            if is_dropped {
                selection.drop(*offer);
            }
            !is_dropped
        });
        if selection.cost > budget {
            let last = candidates
                .iter()
                .filter(|(_, offer)| selection.can_lose(selection.channel(*offer)))
                .min_by(|a, b| loss(a.1).total_cmp(&loss(b.1)).then(b.1.cmp(&a.1)));
            if let Some((_, offer)) = last.copied() {
                selection.drop(offer);
                candidates.retain(|(_, other)| *other != offer);
            }
        }
        if selection.cost == before {
            return; // the minimums forbid it
        }
    }
}

/// In which order offers fill a plan up: first those that are worth more than the prices, the most first,
/// then those that lose least of the money they take, where money has a price.
fn fill_order(offers: &Offers, prices: &Prices, offer: usize) -> (bool, f64) {
    let reduced = prices.reduced(offers, offer);
    if reduced > 0.0 || prices.money == 0.0 {
        (reduced > 0.0, reduced)
    } else {
        (false, reduced / offers.cost[offer].max(1) as f64)
    }
}

/// Add what has a value and fits.
pub(super) fn fill(selection: &mut Selection<'_>, prices: &Prices) {
    let offers = selection.offers;
    let found = map_each((0..offers.len()).step_by(FIRST_CANDIDATES), |_, first| {
        (first..offers.len().min(first + FIRST_CANDIDATES))
            .filter(|offer| {
                !selection.chosen[*offer] && offers.value[*offer] > 0 && selection.can_add(*offer)
            })
            .map(|offer| {
                let (is_worth, by) = fill_order(offers, prices, offer);
                (is_worth, by, offer as u32)
            })
            .collect::<Vec<_>>()
    });
    let mut rest = found.concat();
    let order = |a: &(bool, f64, u32), b: &(bool, f64, u32)| {
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2))
    };
    let mut count = FIRST_CANDIDATES;
    while !rest.is_empty() {
        let mut best = if rest.len() > count {
            rest.select_nth_unstable_by(count, order);
            let others = rest.split_off(count);
            std::mem::replace(&mut rest, others)
        } else {
            std::mem::take(&mut rest)
        };
        sort_unstable_by(&mut best, order);
        for (_, _, offer) in best {
            if selection.can_add(offer as usize) {
                selection.add(offer as usize);
            }
        }
        rest.retain(|(_, _, offer)| selection.can_add(*offer as usize));
        count *= 4;
    }
}
