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

/// Offers as a caller gives them, ascending by household, client and channel.
#[derive(Debug, Clone, Copy)]
pub struct OfferColumns<'a> {
    /// The household of each offer, or the client where that has none, numbered from 0 without gaps.
    pub household: &'a [u32],
    /// The client of each offer, numbered.
    pub client: &'a [u32],
    /// The channel of each offer, numbered.
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
    pub(super) client: Vec<u32>,
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
    /// Check offers, and count their money. O(offers).
    ///
    /// # Errors
    /// If columns differ in length, offers are out of order, or money is negative where it may not
    /// be, no number, or beyond a million millions.
    pub fn new(columns: &OfferColumns<'_>, channels: &[String]) -> Result<Self> {
        let rows = columns.household.len();
        let lengths =
            [columns.client.len(), columns.channel.len(), columns.gain.len(), columns.cost.len()];
        let pressures = columns.pressure.map_or(rows, <[f64]>::len);
        if lengths.iter().chain([&pressures]).any(|length| *length != rows) {
            return Err(Error::Data("the columns of offers differ in length".to_owned()));
        }
        if u32::try_from(rows).is_err() || channels.len() > MAX_CHANNELS {
            return Err(Error::Option(format!(
                "a plan takes up to {MAX_CHANNELS} channels and 4,294,967,295 offers: give fewer"
            )));
        }
        let mut starts = Vec::new();
        for row in 0..rows {
            let key =
                |row: usize| (columns.household[row], columns.client[row], columns.channel[row]);
            let is_new = row == 0 || columns.household[row] != columns.household[row - 1];
            if columns.household[row] as usize != starts.len() - usize::from(!is_new)
                || row > 0 && key(row) < key(row - 1)
                || usize::from(columns.channel[row]) >= channels.len()
            {
                return Err(Error::Data(format!(
                    "offer {row} is out of order: offers ascend by household, client and channel, \
                     each numbered from 0"
                )));
            }
            if is_new {
                starts.push(row as u32);
            }
        }
        starts.push(rows as u32);
        let (cost, value) = money(columns)?;
        Ok(Self {
            starts,
            household: columns.household.to_vec(),
            client: columns.client.to_vec(),
            channel: columns.channel.to_vec(),
            continues: map_rows(rows, |row| is_same_slot(columns.client, columns.channel, row)),
            value,
            cost,
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
        let numbers: Vec<u32> =
            (0..self.len()).filter(|offer| is_kept(*offer)).map(|offer| offer as u32).collect();
        let at = |row: usize| numbers[row] as usize;
        let rows = numbers.len();
        let mut starts = Vec::new();
        let mut household = Vec::with_capacity(rows);
        for row in 0..rows {
            if row == 0 || self.household[at(row)] != self.household[at(row - 1)] {
                starts.push(row as u32);
            }
            household.push(starts.len() as u32 - 1);
        }
        starts.push(rows as u32);
        let client = map_rows(rows, |row| self.client[at(row)]);
        let channel = map_rows(rows, |row| self.channel[at(row)]);
        let kept = Self {
            starts,
            household,
            continues: map_rows(rows, |row| is_same_slot(&client, &channel, row)),
            client,
            channel,
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

/// Whether an offer is of the same client and channel as the one before it.
fn is_same_slot(client: &[u32], channel: &[u8], row: usize) -> bool {
    row > 0 && client[row] == client[row - 1] && channel[row] == channel[row - 1]
}

/// The cost and the value of each offer, in units.
fn money(columns: &OfferColumns<'_>) -> Result<(Vec<i64>, Vec<i64>)> {
    let rows = columns.gain.len();
    let units = |amounts: &[f64], what: &str, least: f64| -> Result<Vec<i64>> {
        let usable = |amount: f64| amount >= least && amount.abs() <= MOST_MONEY;
        if let Some(wrong) = amounts.iter().find(|amount| !usable(**amount)) {
            let range = if least == 0.0 { "from 0 to 10^12" } else { "from -10^12 to 10^12" };
            return Err(Error::Value {
                message: format!("an offer has a {what} of {wrong}: write numbers {range}"),
                role: "offer",
                value: wrong.to_string(),
            });
        }
        Ok(map_rows(rows, |row| to_units(amounts[row]).unwrap_or_default()))
    };
    let gain = units(columns.gain, "gain", -MOST_MONEY)?;
    let cost = units(columns.cost, "cost", 0.0)?;
    let pressure = columns.pressure.map(|amounts| units(amounts, "pressure cost", 0.0));
    let pressure = pressure.transpose()?;
    let value = map_rows(rows, |row| {
        gain[row] - cost[row] - pressure.as_ref().map_or(0, |pressure| pressure[row])
    });
    Ok((cost, value))
}
