//! From partitions to columns: one row a client, ascending by id.

use super::client::Core;
use super::plan::Plan;
use super::settle::Settled;
use super::{Fact, Request};
use crate::money::Unit;

/// Client ids, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// Signed integers.
    Signed(Vec<i64>),
    /// Unsigned integers.
    Unsigned(Vec<u64>),
    /// Texts as string views, with the buffers of those above 12 bytes.
    Texts {
        /// The views.
        views: Vec<u128>,
        /// The buffers.
        buffers: Vec<Vec<u8>>,
    },
}

/// The values of a fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Days since 1970-01-01.
    Dates(Vec<i32>),
    /// A number of days.
    Days(Vec<i32>),
    /// Counts.
    Counts(Vec<u32>),
    /// Money, or means, as floats.
    Floats(Vec<f64>),
    /// Money of a decimal source, unscaled, and its scale.
    Decimals(Vec<i128>, i8),
}

/// A fact of every client.
#[derive(Debug, Clone, PartialEq)]
pub struct FactColumn {
    /// The values.
    pub values: Values,
    /// Which are there; none where all are.
    pub validity: Option<Vec<bool>>,
}

/// What is known of a client of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// There is a purchase.
    Bought = 0,
    /// There are returns, and no purchase.
    ReturnsOnly = 1,
    /// There is no line at all.
    NeverBought = 2,
}

/// Decimal places that a mean of decimals has beyond those of the decimals.
pub const MEAN_PLACES: i8 = 4;

/// What is asked of the columns.
pub(super) struct Asked<'a> {
    pub settled: &'a [Settled],
    pub plan: &'a Plan,
    pub requests: &'a [(Request, usize)],
    pub unit: Unit,
    pub as_of: i32,
    /// Whether every client has a row, and a status.
    pub base: bool,
    /// Whether clients with returns only have a row.
    pub returns_only: bool,
}

impl Asked<'_> {
    /// Whether a client has a row.
    pub fn shows(&self, core: &Core) -> bool {
        let status = core.status();
        status == Status::Bought
            || self.base
            || (self.returns_only && status == Status::ReturnsOnly)
    }

    /// Whether a fact may be missing for a client that is shown.
    pub fn may_be_missing(&self, fact: Fact, scope: usize) -> bool {
        let all_bought = self.plan.scopes[scope].is_all_time() && !self.base && !self.returns_only;
        fact.may_be_missing() && (fact == Fact::MeanGap || !all_bought)
    }
}
