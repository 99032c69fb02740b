//! What a plan must keep to.

use crate::error::{Error, Result};
use crate::plan::offers::to_units;

/// The constraints of a plan, as a caller gives them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    /// The money that all contacts may cost; no limit if there is none.
    pub budget: Option<f64>,
    /// The most contacts of each channel; no limit if there is none.
    pub capacity: Vec<Option<u64>>,
    /// The fewest contacts of each channel.
    pub minimum: Vec<u64>,
    /// The most contacts of a client, and of a household; no limit if there is none.
    pub max_contacts: Option<u32>,
}

/// The constraints as the kernels count them, checked.
#[derive(Debug, Clone)]
pub(super) struct CountedLimits {
    /// In millionths.
    pub budget: Option<i128>,
    pub capacity: Vec<Option<u64>>,
    pub minimum: Vec<u64>,
    pub max_contacts: usize,
}

/// A constraint that has a price, and what it allows or asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priced {
    Budget(i128),
    Capacity(usize, u64),
    Minimum(usize, u64),
}

impl Limits {
    /// Check the constraints of a number of channels, which errors call by their names.
    ///
    /// # Errors
    /// If one has no meaning, or a minimum exceeds its capacity.
    pub(super) fn counted(&self, channels: &[String]) -> Result<CountedLimits> {
        if self.capacity.len() != channels.len() || self.minimum.len() != channels.len() {
            return Err(Error::Option(format!(
                "{} channels need as many capacities and minimums, not {} and {}",
                channels.len(),
                self.capacity.len(),
                self.minimum.len()
            )));
        }
        let budget = match self.budget {
            None => None,
            Some(budget) => match to_units(budget) {
                Some(units) if units >= 0 => Some(i128::from(units)),
                _ => {
                    return Err(Error::Option(format!(
                        "budget must be from 0 to a million millions, not {budget}"
                    )));
                }
            },
        };
        if self.max_contacts == Some(0) {
            return Err(Error::Option("max_contacts must be at least 1, not 0".to_owned()));
        }
        for (channel, (capacity, minimum)) in
            channels.iter().zip(self.capacity.iter().zip(&self.minimum))
        {
            if let Some(capacity) = capacity.filter(|capacity| capacity < minimum) {
                return Err(Error::Option(format!(
                    "the minimum of {channel} ({minimum}) exceeds its capacity ({capacity}): raise \
                     the capacity to {minimum}, or lower the minimum"
                )));
            }
        }
        Ok(CountedLimits {
            budget,
            capacity: self.capacity.clone(),
            minimum: self.minimum.clone(),
            max_contacts: self.max_contacts.map_or(usize::MAX, |most| most as usize),
        })
    }
}

impl CountedLimits {
    /// The constraints that get a price.
    pub fn priced(&self) -> Vec<Priced> {
        let budget = self.budget.map(Priced::Budget);
        let capacities = self.capacity.iter().enumerate();
        let capacities = capacities
            .filter_map(|(channel, most)| most.map(|most| Priced::Capacity(channel, most)));
        let minimums = self.minimum.iter().enumerate().filter(|(_, least)| **least > 0);
        let minimums = minimums.map(|(channel, least)| Priced::Minimum(channel, *least));
        budget.into_iter().chain(capacities).chain(minimums).collect()
    }

    /// The constraints of a share of the clients, for a first look at the prices.
    pub fn scaled(&self, share: f64) -> Self {
        let part = |count: u64| (count as f64 * share).round() as u64;
        Self {
            budget: self.budget.map(|budget| (budget as f64 * share) as i128),
            capacity: self.capacity.iter().map(|most| most.map(part)).collect(),
            minimum: self.minimum.iter().map(|least| part(*least)).collect(),
            max_contacts: self.max_contacts,
        }
    }
}
