//! Offers chosen so far, and what they use.

use crate::plan::limits::CountedLimits;
use crate::plan::offers::Offers;

/// Chosen offers: never two of one client and channel.
#[derive(Debug, Clone)]
pub(super) struct Selection<'a> {
    pub offers: &'a Offers,
    pub limits: &'a CountedLimits,
    pub chosen: Vec<bool>,
    /// Contacts of each household.
    of_household: Vec<u32>,
    /// Contacts of each channel.
    pub contacts: Vec<u64>,
    /// In units.
    pub cost: i128,
    /// In units.
    pub value: i128,
}

impl<'a> Selection<'a> {
    /// The selection of nothing.
    pub fn new(offers: &'a Offers, limits: &'a CountedLimits) -> Self {
        Self {
            offers,
            limits,
            chosen: vec![false; offers.len()],
            of_household: vec![0; offers.households()],
            contacts: vec![0; limits.minimum.len()],
            cost: 0,
            value: 0,
        }
    }

    pub fn channel(&self, offer: usize) -> usize {
        usize::from(self.offers.channel[offer])
    }

    pub fn household(&self, offer: usize) -> usize {
        self.offers.household[offer] as usize
    }

    pub fn add(&mut self, offer: usize) {
        let (household, channel) = (self.household(offer), self.channel(offer));
        self.chosen[offer] = true;
        self.of_household[household] += 1;
        self.contacts[channel] += 1;
        self.cost += i128::from(self.offers.cost[offer]);
        self.value += i128::from(self.offers.value[offer]);
    }

    pub fn drop(&mut self, offer: usize) {
        let (household, channel) = (self.household(offer), self.channel(offer));
        self.chosen[offer] = false;
        self.of_household[household] -= 1;
        self.contacts[channel] -= 1;
        self.cost -= i128::from(self.offers.cost[offer]);
        self.value -= i128::from(self.offers.value[offer]);
    }

    /// Whether its household takes one contact more.
    pub fn household_has_room(&self, offer: usize) -> bool {
        (self.of_household[self.household(offer)] as usize) < self.limits.max_contacts
    }

    /// Whether no offer of the same client and channel is chosen.
    pub fn is_slot_free(&self, offer: usize) -> bool {
        !self.chosen[self.offers.alternatives(offer)].contains(&true)
    }

    /// Whether its channel takes one contact more.
    pub fn channel_has_room(&self, offer: usize) -> bool {
        let channel = self.channel(offer);
        self.limits.capacity[channel].is_none_or(|most| self.contacts[channel] < most)
    }

    /// Whether a channel keeps its minimum with one contact less.
    pub fn can_lose(&self, channel: usize) -> bool {
        self.contacts[channel] > self.limits.minimum[channel]
    }

    /// Whether an amount more is within the budget.
    pub fn can_pay(&self, cost: i128) -> bool {
        self.limits.budget.is_none_or(|budget| self.cost + cost <= budget)
    }

    /// Whether an offer can be added as things are.
    pub fn can_add(&self, offer: usize) -> bool {
        self.household_has_room(offer)
            && self.channel_has_room(offer)
            && self.can_pay(i128::from(self.offers.cost[offer]))
            && self.is_slot_free(offer)
    }

    /// Contacts that a channel lacks.
    pub fn shortage(&self, channel: usize) -> u64 {
        self.limits.minimum[channel].saturating_sub(self.contacts[channel])
    }

    /// Whether nothing is broken.
    pub fn is_feasible(&self) -> bool {
        let channels = 0..self.contacts.len();
        self.can_pay(0)
            && channels.into_iter().all(|channel| {
                self.shortage(channel) == 0
                    && self.limits.capacity[channel]
                        .is_none_or(|most| self.contacts[channel] <= most)
            })
    }
}
