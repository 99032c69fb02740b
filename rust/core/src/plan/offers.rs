//! Offers in the order in which the kernels read them: by household, client and channel.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::hash::mix_words;
use crate::threads::map_rows;

/// Units of money in one: fine enough for the cost of an e-mail.
pub(super) const UNITS_A_ONE: f64 = 1e6;
/// The most money of an offer or a budget: a million millions fit 64 bits in millionths.
const MOST_MONEY: f64 = 1e12;
/// Channels are numbered by a byte.
const MAX_CHANNELS: usize = 255;

/// An amount in units; none if it is no number or too large.
pub(super) fn to_units(amount: f64) -> Option<i64> {
    (amount.abs() <= MOST_MONEY).then(|| (amount * UNITS_A_ONE).round_ties_even() as i64)
}

/// Units as an amount: whole ones and the rest by themselves, so that large amounts keep their decimals.
pub(super) fn to_money(units: i128) -> f64 {
    let a_one = UNITS_A_ONE as i128;
    (units / a_one) as f64 + (units % a_one) as f64 / UNITS_A_ONE
}

/// Offers as a caller gives them.
#[derive(Debug, Clone, Copy)]
pub struct OfferColumns<'a> {
    /// The rows of the other columns in the order in which clients ascend and, within each, channels.
    pub order: &'a [u32],
    /// The client of each row, numbered so that those of one household follow each other.
    pub client: &'a [u32],
    /// The household of each client, ascending; where there are none, a client stands alone.
    pub household: Option<&'a [u32]>,
    /// The channel of each row, numbered from 0.
    pub channel: &'a [u8],
    /// What the contact earns before its cost.
    pub gain: &'a [f64],
    /// What the contact costs.
    pub cost: &'a [f64],
    /// What it costs in patience; not paid out of the budget.
    pub pressure: Option<&'a [f64]>,
}

/// Offers, checked.
#[derive(Debug, Clone)]
pub struct Offers {
    /// The first offer of each household, and the number of all.
    pub(super) starts: Vec<u32>,
    pub(super) household: Vec<u32>,
    pub(super) channel: Vec<u8>,
    /// Whether an offer is of the same client and channel as the one before it.
    pub(super) continues: Vec<bool>,
    /// Gain − cost − pressure, in units.
    pub(super) value: Vec<i64>,
    /// In units.
    pub(super) cost: Vec<i64>,
    /// What errors call the channels.
    pub(super) channels: Vec<String>,
}

impl Offers {
    /// Check offers, put them in order, and count their money. O(offers).
    ///
    /// # Errors
    /// If columns differ in length, offers are out of order, or money is negative where it may not
    /// be, no number, or beyond a million millions.
    pub fn new(columns: &OfferColumns<'_>, channels: &[String]) -> Result<Self> {
        let rows = columns.client.len();
        let lengths = [columns.channel.len(), columns.gain.len(), columns.cost.len()];
        let pressures = columns.pressure.map_or(rows, <[f64]>::len);
        if lengths.iter().chain([&pressures]).any(|length| *length != rows) {
            return Err(Error::Data("the columns of offers differ in length".to_owned()));
        }
        if u32::try_from(rows).is_err() || channels.len() > MAX_CHANNELS {
            return Err(Error::Option(format!(
                "a plan takes up to {MAX_CHANNELS} channels and 4,294,967,295 offers: give fewer"
            )));
        }
        let offers = columns.order.len();
        let (mut starts, mut household) = (Vec::new(), Vec::with_capacity(offers));
        let mut continues = Vec::with_capacity(offers);
        let mut last: Option<(u32, u32, u8)> = None;
        for (number, row) in columns.order.iter().enumerate() {
            let key = columns.key(*row as usize, channels.len());
            let Some(key) = key.filter(|key| last.is_none_or(|last| last <= *key)) else {
                return Err(Error::Data(format!(
                    "offer {number} is out of order: offers ascend by household, client and \
                     channel, each of them numbered"
                )));
            };
            if last.is_none_or(|last| last.0 != key.0) {
                starts.push(number as u32);
            }
            household.push(starts.len() as u32 - 1);
            continues.push(last == Some(key));
            last = Some(key);
        }
        starts.push(offers as u32);
        columns.check_money()?;
        let at = |offer: usize| columns.order[offer] as usize;
        Ok(Self {
            starts,
            household,
            channel: map_rows(offers, |offer| columns.channel[at(offer)]),
            continues,
            value: map_rows(offers, |offer| columns.value(at(offer))),
            cost: map_rows(offers, |offer| units(columns.cost[at(offer)])),
            channels: channels.to_vec(),
        })
    }

    /// The number of offers.
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// Whether there is no offer.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// The number of households.
    pub(super) fn households(&self) -> usize {
        self.starts.len() - 1
    }

    /// The offers of a household.
    pub(super) fn of_household(&self, household: usize) -> Range<usize> {
        self.starts[household] as usize..self.starts[household + 1] as usize
    }

    /// The offers of the same client and channel as one, itself among them.
    pub(super) fn alternatives(&self, offer: usize) -> Range<usize> {
        let mut first = offer;
        while self.continues[first] {
            first -= 1;
        }
        let mut end = offer + 1;
        while end < self.len() && self.continues[end] {
            end += 1;
        }
        first..end
    }

    /// Some of the offers, with their numbers here.
    pub(super) fn kept(&self, is_kept: impl Fn(usize) -> bool) -> (Self, Vec<u32>) {
        // As long as they will be: columns that grow take twice their room.
        let rows = (0..self.len()).filter(|offer| is_kept(*offer)).count();
        let (mut numbers, mut starts) = (Vec::with_capacity(rows), Vec::new());
        let (mut household, mut continues) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        let (mut last_household, mut is_slot_seen) = (None, false);
        for offer in 0..self.len() {
            is_slot_seen &= self.continues[offer];
            if !is_kept(offer) {
                continue;
            }
            if last_household != Some(self.household[offer]) {
                starts.push(numbers.len() as u32);
                last_household = Some(self.household[offer]);
            }
            household.push(starts.len() as u32 - 1);
            continues.push(is_slot_seen);
            numbers.push(offer as u32);
            is_slot_seen = true;
        }
        starts.push(numbers.len() as u32);
        let at = |row: usize| numbers[row] as usize;
        let kept = Self {
            starts,
            household,
            channel: map_rows(rows, |row| self.channel[at(row)]),
            continues,
            value: map_rows(rows, |row| self.value[at(row)]),
            cost: map_rows(rows, |row| self.cost[at(row)]),
            channels: self.channels.clone(),
        };
        (kept, numbers)
    }

    /// The offers of about one household in `one_in`, chosen by a hash of its number.
    pub(super) fn sample(&self, one_in: u64) -> Self {
        /// Any number; it only has to stay the same.
        const SEED: u64 = 0x706c_616e;
        self.kept(|offer| mix_words(SEED, u64::from(self.household[offer])).is_multiple_of(one_in))
            .0
    }
}

impl OfferColumns<'_> {
    /// The household, client and channel of a row; none if there is no such row or number.
    fn key(&self, row: usize, channels: usize) -> Option<(u32, u32, u8)> {
        let (client, channel) = (*self.client.get(row)?, self.channel[row]);
        let household = match self.household {
            Some(households) => *households.get(client as usize)?,
            None => client,
        };
        (usize::from(channel) < channels).then_some((household, client, channel))
    }

    /// Gain − cost − pressure of a row, in units.
    fn value(&self, row: usize) -> i64 {
        let pressure = self.pressure.map_or(0, |pressure| units(pressure[row]));
        units(self.gain[row]) - units(self.cost[row]) - pressure
    }

    fn check_money(&self) -> Result<()> {
        let check = |amounts: &[f64], what: &str, least: f64| {
            let usable = |amount: f64| amount >= least && amount.abs() <= MOST_MONEY;
            let Some(wrong) = amounts.iter().find(|amount| !usable(**amount)) else {
                return Ok(());
            };
            let range = if least == 0.0 { "from 0 to 10^12" } else { "from -10^12 to 10^12" };
            Err(Error::Value {
                message: format!("an offer has a {what} of {wrong}: write numbers {range}"),
                role: "offer",
                value: wrong.to_string(),
            })
        };
        check(self.gain, "gain", -MOST_MONEY)?;
        check(self.cost, "cost", 0.0)?;
        check(self.pressure.unwrap_or_default(), "pressure cost", 0.0)
    }
}

/// An amount that has been checked, in units.
fn units(amount: f64) -> i64 {
    to_units(amount).unwrap_or_default()
}
