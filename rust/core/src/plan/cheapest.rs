//! Minimums: met by the exchanges that lose least, and shown to be impossible where they are.

use crate::error::{Error, Result};
use crate::plan::dual::HOUSEHOLDS_A_TASK;
use crate::plan::limits::CountedLimits;
use crate::plan::offers::{Offers, UNITS_A_ONE};
use crate::plan::selection::Selection;
use crate::stop::stop_if_asked;
use crate::threads::{map_each, sort_unstable_by};

/// Up to so many reads of offers the cheapest way to meet the minimums is found exactly, contact by
/// contact: they take a second.
const EXACT_READS: u128 = 300_000_000;

/// A contact more of a channel, and the one that leaves its household to make room.
#[derive(Debug, Clone, Copy)]
struct Exchange {
    loss: f64,
    add: usize,
    drop: Option<usize>,
}

/// The cheapest contacts that meet the minimums, in money.
///
/// # Errors
/// If the minimums cannot be met, or cost more than the budget.
pub(super) fn cheapest<'a>(offers: &'a Offers, limits: &'a CountedLimits) -> Result<Selection<'a>> {
    let mut selection = Selection::new(offers, limits);
    let asked: u64 = limits.minimum.iter().sum();
    let is_exact = u128::from(asked) * offers.len() as u128 <= EXACT_READS;
    let weight = |offer: usize| -(offers.cost[offer] as f64);
    if is_exact {
        for channel in 0..limits.minimum.len() {
            while selection.shortage(channel) > 0 {
                add_one(&mut selection, channel, &weight)?;
            }
        }
    } else {
        meet_minimums(&mut selection, &weight)?;
    }
    let Some(budget) = limits.budget.filter(|budget| selection.cost > *budget) else {
        return Ok(selection);
    };
    let (cost, budget) = (selection.cost as f64 / UNITS_A_ONE, budget as f64 / UNITS_A_ONE);
    let how = if is_exact { "costs at least" } else { "can be met, as far as was found, for" };
    let (names, _) = named(offers, limits, (0..limits.minimum.len()).collect());
    Err(Error::Option(format!(
        "the minimum of {names} {how} {cost}, and the budget is {budget}: raise the budget to {cost}, \
         or lower the minimum"
    )))
}

/// Raise channels to their minimums by the exchanges that lose least of a weight.
///
/// # Errors
/// If that is impossible: the channels of which too many contacts are asked are named.
pub(super) fn meet_minimums(
    selection: &mut Selection<'_>,
    weight: &(dyn Fn(usize) -> f64 + Sync),
) -> Result<()> {
    for channel in 0..selection.contacts.len() {
        let least = selection.limits.minimum[channel];
        take_direct_exchanges(selection, channel, least, f64::INFINITY, weight);
        while selection.shortage(channel) > 0 {
            add_one(selection, channel, weight)?;
        }
    }
    Ok(())
}

/// Raise a channel to a number of contacts by exchanges within one household each, the least loss
/// first, as long as one loses less than `worth`.
pub(super) fn take_direct_exchanges(
    selection: &mut Selection<'_>,
    channel: usize,
    wanted: u64,
    worth: f64,
    weight: &(dyn Fn(usize) -> f64 + Sync),
) {
    if selection.contacts[channel] >= wanted {
        return;
    }
    let now = &*selection;
    let households = now.offers.households();
    let found = map_each((0..households).step_by(HOUSEHOLDS_A_TASK), |_, first| {
        (first..households.min(first + HOUSEHOLDS_A_TASK))
            .flat_map(|household| now.offers.of_household(household))
            .filter(|offer| now.channel(*offer) == channel && now.is_slot_free(*offer))
            .filter_map(|add| direct_exchange(now, add, weight))
            .filter(|exchange| exchange.loss < worth)
            .collect::<Vec<_>>()
    });
    let mut exchanges = found.concat();
    sort_unstable_by(&mut exchanges, |a, b| a.loss.total_cmp(&b.loss).then(a.add.cmp(&b.add)));
    for Exchange { add, drop, .. } in exchanges {
        if selection.contacts[channel] >= wanted {
            return;
        }
        let is_possible = selection.is_slot_free(add)
            && match drop {
                Some(drop) => selection.chosen[drop] && selection.can_lose(selection.channel(drop)),
                None => selection.household_has_room(add),
            };
        if is_possible {
            if let Some(drop) = drop {
                selection.drop(drop);
            }
            selection.add(add);
        }
    }
}

/// The exchange within its household that brings a contact at the least loss.
fn direct_exchange(
    selection: &Selection<'_>,
    add: usize,
    weight: &(dyn Fn(usize) -> f64 + Sync),
) -> Option<Exchange> {
    if selection.household_has_room(add) {
        return Some(Exchange { loss: -weight(add), add, drop: None });
    }
    let leaving = selection
        .offers
        .of_household(selection.household(add))
        .filter(|offer| selection.chosen[*offer] && selection.can_lose(selection.channel(*offer)));
    let drop = leaving.min_by(|a, b| weight(*a).total_cmp(&weight(*b)))?;
    Some(Exchange { loss: weight(drop) - weight(add), add, drop: Some(drop) })
}

/// The exchanges that lose least: to a contact more of a channel, and from one channel to another.
struct Exchanges {
    /// Those after which nothing lacks, by the channel that gains.
    last: Vec<Option<Exchange>>,
    /// Those that leave another channel with one less than its minimum, by the gaining and the losing
    /// channel.
    between: Vec<Vec<Option<Exchange>>>,
}

impl Exchanges {
    fn of(selection: &Selection<'_>, weight: &(dyn Fn(usize) -> f64 + Sync)) -> Self {
        let channels = selection.contacts.len();
        let mut found =
            Self { last: vec![None; channels], between: vec![vec![None; channels]; channels] };
        let better = |slot: &mut Option<Exchange>, loss: f64, add: usize, drop: Option<usize>| {
            if slot.is_none_or(|known| loss < known.loss) {
                *slot = Some(Exchange { loss, add, drop });
            }
        };
        for household in 0..selection.offers.households() {
            let of_household = selection.offers.of_household(household);
            for add in of_household.clone() {
                let channel = selection.channel(add);
                if selection.limits.minimum[channel] == 0 || !selection.is_slot_free(add) {
                    continue;
                }
                if selection.household_has_room(add) {
                    better(&mut found.last[channel], -weight(add), add, None);
                    continue;
                }
                for drop in of_household.clone().filter(|offer| selection.chosen[*offer]) {
                    let from = selection.channel(drop);
                    let loss = weight(drop) - weight(add);
                    if selection.can_lose(from) {
                        better(&mut found.last[channel], loss, add, Some(drop));
                    } else if from != channel {
                        better(&mut found.between[channel][from], loss, add, Some(drop));
                    }
                }
            }
        }
        found
    }

    /// The chain of exchanges from a channel that loses least, if there is one; `loss` says how much
    /// one counts.
    fn chain(&self, from: usize, loss: impl Fn(&Exchange) -> f64) -> Option<Vec<Exchange>> {
        let channels = self.last.len();
        // The least loss from each channel, the exchanges of the chain, and the first of them.
        let mut best: Vec<Option<(f64, usize, Option<usize>)>> =
            self.last.iter().map(|last| last.as_ref().map(|last| (loss(last), 1, None))).collect();
        for _ in 0..channels {
            for channel in 0..channels {
                for next in 0..channels {
                    let (Some(exchange), Some((rest, length, _))) =
                        (&self.between[channel][next], best[next])
                    else {
                        continue;
                    };
                    let through = (loss(exchange) + rest, length + 1);
                    if best[channel].is_none_or(|(known, length, _)| through < (known, length)) {
                        best[channel] = Some((through.0, through.1, Some(next)));
                    }
                }
            }
        }
        let mut chain = Vec::new();
        let mut channel = from;
        loop {
            let (_, _, next) = best[channel]?;
            if chain.len() > channels {
                return None; // round and round: a cycle gains by itself
            }
            let Some(next) = next else {
                chain.push(self.last[channel]?);
                return Some(chain);
            };
            chain.push(self.between[channel][next]?);
            channel = next;
        }
    }

    /// The channels to which a chain leads.
    fn reached(&self, from: usize) -> Vec<usize> {
        let mut reached = vec![from];
        let mut looked_at = 0;
        while looked_at < reached.len() {
            for (next, exchange) in self.between[reached[looked_at]].iter().enumerate() {
                if exchange.is_some() && !reached.contains(&next) {
                    reached.push(next);
                }
            }
            looked_at += 1;
        }
        reached.sort_unstable();
        reached
    }
}

/// Raise a channel by one contact, by a chain of exchanges over households. O(offers).
fn add_one(
    selection: &mut Selection<'_>,
    channel: usize,
    weight: &(dyn Fn(usize) -> f64 + Sync),
) -> Result<()> {
    stop_if_asked();
    let exchanges = Exchanges::of(selection, weight);
    let chain = exchanges
        .chain(channel, |exchange| exchange.loss)
        .or_else(|| exchanges.chain(channel, |_| 1.0));
    let Some(chain) = chain else {
        // No household lets one of these channels have a contact more: they have all they can have.
        let reached = exchanges.reached(channel);
        let most: u64 = reached.iter().map(|channel| selection.contacts[*channel]).sum();
        let (names, asked) = named(selection.offers, selection.limits, reached);
        return Err(Error::Option(format!(
            "the minimum of {names} asks for {asked} contacts, and clients with such offers take at \
             most {most}: lower it to {most}, raise max_contacts, or give more offers"
        )));
    };
    for exchange in chain {
        if let Some(drop) = exchange.drop {
            selection.drop(drop);
        }
        selection.add(exchange.add);
    }
    Ok(())
}

/// The names of channels that have a minimum, and the sum of their minimums.
fn named(offers: &Offers, limits: &CountedLimits, channels: Vec<usize>) -> (String, u64) {
    let asked: Vec<usize> =
        channels.into_iter().filter(|channel| limits.minimum[*channel] > 0).collect();
    let names: Vec<&str> = asked.iter().map(|channel| offers.channels[*channel].as_str()).collect();
    (names.join(" and "), asked.iter().map(|channel| limits.minimum[*channel]).sum())
}
